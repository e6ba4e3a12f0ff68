//! Winograd convolution: fewer multiplications (Winograd 1980; Lavin & Gray 2016).
//!
//! Tiles of outputs are made from somewhat larger tiles of inputs. Both, and the kernels, are transformed so that the
//! convolution of a tile becomes a product of each of its numbers, and all tiles and channels together one product of
//! matrices for each of these numbers. Gradients are the same transforms the other way round. Along height and width
//! tiles are 2x2 from 4x4 or 4x4 from 6x6; along time they are cut as [`Cut`] says, one product after the other, so
//! that the kernels of one product stay in a cache. Everything in between has its channels last, so that the
//! transforms are sums of whole vectors, whatever the size of the picture.

mod form;
mod input_transforms;
mod kernel_transforms;
mod tiles;
pub(in crate::model::kernels) mod time_tiling;
pub(in crate::model::kernels) mod transforms_f64;
pub(in crate::model::kernels) mod weight_gradient;

use crate::model::kernels::channels_last;
use crate::model::kernels::gemm::{Matrices, PANEL};
use crate::model::kernels::{Convolution, Finish, batched_gemm, buffer_pool, volume};
pub(in crate::model::kernels) use form::{Form, LANES, OWN, Side};
use kernel_transforms::KernelSpread;
use rayon::prelude::*;
use tiles::{Lines, Sizes, Tiles, per_row};
use time_tiling::{Cut, Direction, Time};

/// Kernels of a product along time with fewer numbers are read again by every thread.
const SMALL: usize = 3 << 17;
/// Fewer numbers of transformed tiles are all made before the first kernel.
const FEW: usize = 1 << 22;
/// Numbers of transformed kernels made at a time then.
const KERNELS_AT_ONCE: usize = 1 << 19;
/// Tiles whose products cost as much as transforming the kernels, or as transforming their gradients back.
const KERNELS: usize = 100;
/// Multiplications that cost as much as transforming one number of a tile.
const TRANSFORM: usize = 16;
/// Multiplications that cost as much as moving one number of a picture to where its channels are last, or back.
const MOVE: usize = 64;

/// The cheapest way if it pays.
pub(in crate::model::kernels) fn form(conv: &Convolution, direction: Direction) -> Option<Form> {
    let best = forms(conv).filter_map(|form| Some((cost(conv, direction, form)?, form))).min_by_key(|(cost, _)| *cost);
    // What the plain sums of products cost, in hundredths of their multiplications.
    let plain = match direction {
        // Inputs a stride apart are gathered and scattered.
        _ if conv.geometry.stride[1] > 1 => 150,
        Direction::Forward if batched_gemm::pays(conv, conv.output) => 100,
        Direction::Back if batched_gemm::pays(conv, conv.input) => 100,
        _ => 120,
    };
    best.filter(|(cost, _)| *cost < conv.work() * plain / 100).map(|(_, form)| form)
}

/// All ways that are possible.
pub(in crate::model::kernels) fn forms(conv: &Convolution) -> impl Iterator<Item = Form> {
    let geometry = conv.geometry;
    let ([_, kh, kw], [_, sh, sw], [_, ph, pw]) = (conv.kernel, geometry.stride, geometry.padding);
    let sides: &[Side] = match ([kh, kw], [sh, sw]) {
        ([3, 3], [1, 1]) if ph <= 2 && pw <= 2 => &[Side::Two, Side::Four],
        ([3, 3], [2, 2]) if ph <= 2 && pw <= 2 => &[Side::Strided],
        _ => &[],
    };
    let fits = geometry.groups == 1 && conv.channels.iter().all(|c| *c >= LANES);
    let padded = geometry.padding[0] < conv.kernel[0];
    let each =
        |side: &'static Side| [Cut::Plain, Cut::Two, Cut::Four, Cut::Both].map(|time| Form { time, side: *side });
    // Fours along all axes would round too coarsely.
    let fine = |form: &Form| form.time != Cut::Four || form.side != Side::Four;
    sides.iter().filter(move |_| fits && padded).flat_map(each).filter(fine)
}

/// What a way costs, in multiplications; `None` where it does not fit.
fn cost(conv: &Convolution, direction: Direction, form: Form) -> Option<u64> {
    let time = Time::new(conv, direction, form.time)?;
    let size = if direction == Direction::Forward { conv.output } else { conv.input };
    let Sizes { outputs, products, shift, .. } = form.side.sizes(conv, direction);
    let sides = (size[1] + shift[0]).div_ceil(outputs) * (size[2] + shift[1]).div_ceil(outputs);
    let tiles = conv.batch * time.count * sides;
    let [i, o] = conv.channels.map(padded);
    let square = products * products;
    let moved = conv.batch * (volume(conv.input) * i + volume(conv.output) * o) * MOVE;
    let multiplied = time.products.len() * (tiles + KERNELS) * i * o;
    // Inputs are transformed for every product, outputs of several at a time.
    let transformed = tiles * TRANSFORM * (time.products.len() * i + time.groups.len() * o);
    Some((square * (multiplied + transformed) + moved) as u64)
}

pub(in crate::model::kernels) fn padded(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

pub(in crate::model::kernels) fn forward(
    conv: &Convolution,
    form: Form,
    x: &[f32],
    weight: &[f32],
    finish: Finish<'_>,
) -> Option<Vec<f32>> {
    let tiles = Tiles::new(conv, Direction::Forward, form)?;
    Some(correlate(conv, tiles, conv.channels, x, weight, Direction::Forward, finish))
}

pub(in crate::model::kernels) fn input_gradient(
    conv: &Convolution,
    form: Form,
    weight: &[f32],
    dy: &[f32],
) -> Option<Vec<f32>> {
    let tiles = Tiles::new(conv, Direction::Back, form)?;
    let [i, o] = conv.channels;
    Some(correlate(conv, tiles, [o, i], dy, weight, Direction::Back, Finish::default()))
}

fn correlate(
    conv: &Convolution,
    tiles: Tiles,
    channels: [usize; 2],
    x: &[f32],
    weight: &[f32],
    direction: Direction,
    finish: Finish<'_>,
) -> Vec<f32> {
    let wide = channels.map(padded);
    let source = channels_last::to_last(x, channels[0], &tiles.source, wide[0]);
    let size = [tiles.time.frames[1], tiles.output[0], tiles.output[1]];
    let kernels = KernelSpread { conv, weight, channels, wide, direction, side: tiles.side };
    if tiles.products() * wide[0] * wide[1] <= SMALL {
        let mut out = buffer_pool::take(tiles.batch * channels[1] * volume(size));
        thread_by_thread(&tiles, &kernels, &source, finish, &mut out);
        return out;
    }
    let mut united = buffer_pool::scratch(tiles.batch * volume(size) * wide[1]);
    if tiles.time.leaves_out() {
        united.fill(0.0);
    }
    let mut lines = tiles.lines(&mut united, wide[1]);
    let numbers = tiles.time.products.len() * tiles.products() * tiles.rows() * tiles.count[1] * wide[0];
    if numbers <= FEW {
        columns_by_columns(&tiles, &kernels, &source, &mut lines);
    } else {
        block_by_block(&tiles, &kernels, &source, &mut lines);
    }
    drop((source, lines));
    channels_last::from_last(&united, channels[1], volume(size), wide[1], finish)
}

/// Every thread takes some rows of tiles through all stages within its own cache.
fn thread_by_thread(tiles: &Tiles, kernels: &KernelSpread<'_>, source: &[f32], finish: Finish<'_>, out: &mut [f32]) {
    let (wide, count) = (kernels.wide, tiles.products());
    let product = wide[0] * wide[1];
    let mut all = buffer_pool::scratch(tiles.time.products.len() * count * product);
    for (i, out) in all.chunks_exact_mut(count * product).enumerate() {
        kernels.run(&tiles.time.products[i].taps, 0..wide[1], out);
    }
    let all = &*all;
    // Rows of one frame, as many as fit; the kernels of a product are read once for all of them.
    let height = tiles.count[0];
    let together = tiles.time.together();
    let rows = (OWN / count / tiles.count[1] / wide[0] / together).clamp(1, height);
    let rows = height.div_ceil(height.div_ceil(rows));
    let (lines, leaves_out) = (finish.lines(kernels.channels[1]), tiles.time.leaves_out());
    let mut tasks = tiles.shares(out, kernels.channels[1], rows);
    tasks.par_iter_mut().with_max_len(1).enumerate().for_each(|(at, parts)| {
        let (frame, part) = (at / height.div_ceil(rows), at % height.div_ceil(rows));
        let (first, rows) = (frame * height + part * rows, rows.min(height - part * rows));
        let len = parts.first().and_then(|frame| frame.first()).map_or(0, |part| part.len());
        let mut united = buffer_pool::scratch(parts.len() * len * wide[1]);
        if leaves_out {
            united.fill(0.0);
        }
        let mut mine = tiles.own_lines(&mut united, wide[1], [first, rows], parts.len());
        share(tiles, wide, all, source, first, &mut mine);
        drop(mine);
        for (parts, united) in parts.iter_mut().zip(united.chunks_exact(len * wide[1])) {
            channels_last::finish(united, wide[1], parts, &lines, finish.bounds);
        }
    });
}

/// Some rows of tiles of one frame through all stages.
fn share(tiles: &Tiles, wide: [usize; 2], all: &[f32], source: &[f32], first: usize, lines: &mut [Lines<'_>]) {
    let (width, count, product) = (tiles.count[1], tiles.products(), wide[0] * wide[1]);
    let many = lines.len() * width;
    // A line more, or places of all products would meet in the nearest cache.
    let each = many * wide[0] + LANES;
    let mut spread = buffer_pool::scratch(tiles.time.together() * count * each);
    let mut products = buffer_pool::scratch(count * (many * PANEL + LANES));
    let mut combined = Vec::new();
    let t = tiles.row(first)[1];
    for group in &tiles.time.groups {
        let live: Vec<usize> = group.clone().filter(|i| !tiles.time.outputs(t, *i).is_empty()).collect();
        let Some(one) = live.first() else { continue };
        for (i, spread) in live.iter().zip(spread.chunks_exact_mut(count * each)) {
            let parts = per_row(spread, each, width * wide[0], lines.len());
            for (row, mut parts) in parts.into_iter().enumerate() {
                tiles.spread(first + row, *i, source, wide[0], &mut combined, &mut parts);
            }
        }
        for from in (0..wide[1]).step_by(PANEL) {
            let columns = PANEL.min(wide[1] - from);
            let out_each = many * columns + LANES;
            for (n, (i, spread)) in live.iter().zip(spread.chunks_exact(count * each)).enumerate() {
                let kernels = all[i * count * product..].chunks_exact(product);
                let jobs = spread.chunks_exact(each).zip(kernels);
                for ((a, b), out) in jobs.zip(products.chunks_exact_mut(out_each)) {
                    let panel = &b[from * wide[0]..(from + columns) * wide[0]];
                    let (a, out) = (&a[..many * wide[0]], &mut out[..many * columns]);
                    let sizes = [many, wide[0], columns];
                    Matrices::part_of_rows_times_panels(a, wide[0], panel, out, columns, sizes, n > 0);
                }
            }
            for (row, lines) in lines.iter_mut().enumerate() {
                let at = row * width * columns;
                let products: Vec<&[f32]> =
                    products.chunks_exact(out_each).take(count).map(|p| &p[at..at + width * columns]).collect();
                tiles.unite(t, *one, &products, [columns, wide[1]], from, lines);
            }
        }
    }
}

/// All threads take a block of tiles through one stage after the other; the kernels are read once a block.
fn block_by_block(tiles: &Tiles, kernels: &KernelSpread<'_>, source: &[f32], lines: &mut [Lines<'_>]) {
    let (wide, count) = (kernels.wide, tiles.products());
    let (rows, numbers) = (tiles.at_once(wide), count * tiles.count[1] * wide[0]);
    let mut transformed = buffer_pool::scratch(count * wide[0] * wide[1]);
    let mut spread = buffer_pool::scratch(rows * numbers);
    let mut products = buffer_pool::scratch(count * rows * tiles.count[1] * wide[1]);
    for (i, product) in tiles.time.products.iter().enumerate() {
        kernels.run(&product.taps, 0..wide[1], &mut transformed);
        for (first, lines) in (0..).step_by(rows).zip(lines.chunks_mut(rows)) {
            let spread = &mut spread[..lines.len() * numbers];
            spread_rows(tiles, [first, i], source, wide[0], lines.len(), spread);
            multiply_rows(
                tiles,
                [first, i],
                spread,
                &transformed,
                &mut products,
                [0, wide[0], wide[1], wide[1]],
                lines,
            );
        }
    }
}

/// Where the kernels are more than the tiles, they are made for some output channels at a time: what they are made of
/// is read from memory once, and they never go there.
fn columns_by_columns(tiles: &Tiles, kernels: &KernelSpread<'_>, source: &[f32], lines: &mut [Lines<'_>]) {
    let (wide, count, rows) = (kernels.wide, tiles.products(), tiles.rows());
    let numbers = rows * count * tiles.count[1] * wide[0];
    let mut spread = buffer_pool::scratch(tiles.time.products.len() * numbers);
    for (i, spread) in spread.chunks_exact_mut(numbers).enumerate() {
        spread_rows(tiles, [0, i], source, wide[0], rows, spread);
    }
    let columns = (KERNELS_AT_ONCE / count / wide[0] / PANEL).max(1).saturating_mul(PANEL).min(wide[1]);
    let mut transformed = buffer_pool::scratch(count * wide[0] * columns);
    let mut products = buffer_pool::scratch(count * rows * tiles.count[1] * columns);
    for from in (0..wide[1]).step_by(columns) {
        let columns = columns.min(wide[1] - from);
        let transformed = &mut transformed[..count * wide[0] * columns];
        for (i, spread) in spread.chunks_exact(numbers).enumerate() {
            kernels.run(&tiles.time.products[i].taps, from..from + columns, transformed);
            let sizes = [from, wide[0], columns, wide[1]];
            multiply_rows(tiles, [0, i], spread, transformed, &mut products, sizes, lines);
        }
    }
}

/// Transforms `rows` rows of tiles from `first` on for one product along time.
fn spread_rows(
    tiles: &Tiles,
    [first, product]: [usize; 2],
    source: &[f32],
    channels: usize,
    rows: usize,
    out: &mut [f32],
) {
    let row = tiles.count[1] * channels;
    per_row(out, rows * row, row, rows).into_par_iter().enumerate().for_each_init(
        Vec::new,
        |combined, (row, mut out)| {
            tiles.spread(first + row, product, source, channels, combined, &mut out);
        },
    );
}

/// The products of transformed rows of tiles from `first` on with some columns of kernels, on their way to the rows of
/// the picture. Sizes are the first column, the inner numbers, the columns and the channels of the picture.
fn multiply_rows(
    tiles: &Tiles,
    [first, product]: [usize; 2],
    spread: &[f32],
    kernels: &[f32],
    products: &mut [f32],
    [from, inner, columns, wide]: [usize; 4],
    lines: &mut [Lines<'_>],
) {
    let row = tiles.count[1] * columns;
    let each = lines.len() * row;
    let products = &mut products[..tiles.products() * each];
    multiply(spread, kernels, products, [each / columns, inner, columns]);
    let products: Vec<&[f32]> = products.chunks_exact(each).collect();
    lines.par_iter_mut().enumerate().for_each(|(i, lines)| {
        let products: Vec<&[f32]> = products.iter().map(|p| &p[i * row..(i + 1) * row]).collect();
        tiles.unite(tiles.row(first + i)[1], product, &products, [columns, wide], from, lines);
    });
}

/// Every product of matrices, shared out among all threads.
fn multiply(a: &[f32], b: &[f32], out: &mut [f32], [many, inner, columns]: [usize; 3]) {
    // Rows in whole tiles of registers; few enough for all threads to have something at the end.
    let rows = many.div_ceil(many.div_ceil(ROWS_AT_ONCE)).next_multiple_of(14).min(many);
    let mut jobs = Vec::new();
    let products =
        a.chunks_exact(many * inner).zip(b.chunks_exact(inner * columns)).zip(out.chunks_exact_mut(many * columns));
    for ((a, b), out) in products {
        for (a, out) in a.chunks(rows * inner).zip(out.chunks_mut(rows * columns)) {
            jobs.push((a, b, out));
        }
    }
    jobs.into_par_iter().with_max_len(1).for_each(|(a, b, out)| {
        Matrices::rows_times_panels(a, b, out, [out.len() / columns, inner, columns]);
    });
}

/// Rows of a product that a thread computes at a time.
const ROWS_AT_ONCE: usize = 112;
