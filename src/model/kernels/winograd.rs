//! Convolutions with fewer multiplications (Winograd 1980; Lavin & Gray 2016).
//!
//! Tiles of outputs are made from somewhat larger tiles of inputs. Both, and the kernels, are transformed so that the
//! convolution of a tile becomes a product of each of its numbers, and all tiles and channels together one product of
//! matrices for each of these numbers. Gradients are the same transforms the other way round. Along height and width
//! tiles are 2x2 from 4x4 or 4x4 from 6x6; along time they are cut as [`Cut`] says, one product after the other, so
//! that the kernels of one product stay in a cache. Everything in between has its channels last, so that the
//! transforms are sums of whole vectors, whatever the size of the picture.

use super::last::{self, Bordered};
use super::matrix::{Matrices, PANEL};
use super::winograd_kernels::{KernelSpread, UniteKernels};
use super::winograd_time::{Cut, Direction, Time};
use super::winograd_transforms::{Combine, Inputs, Slopes, Spread, Unite};
use super::{Convolution, Finish, buffers, merged, volume};
use rayon::prelude::*;
use std::ops::Range;

/// Channels are rounded up to whole vectors.
pub(super) const LANES: usize = 16;
/// Numbers of transformed tiles that are worked on at a time by all threads, so that they stay in the last cache.
const BLOCK: usize = 1 << 20;
/// Numbers of transformed tiles that a thread works on at a time, so that they stay in its own.
const OWN: usize = 1 << 16;
/// Kernels of a product along time with fewer numbers are read again by every thread.
const SMALL: usize = 3 << 17;
/// Gradients of transformed kernels with fewer numbers are summed by every thread on its own.
const PRIVATE: usize = 3 << 15;
/// Sums for each thread: one that was held up does not hold up the others for long.
const SHARES: usize = 2;
/// Numbers of such a sum that are added at a time.
const SUMMED: usize = 1 << 12;
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

/// How height and width are cut into tiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Side {
    /// 2x2 outputs from 4x4 products.
    Two,
    /// 4x4 outputs from 6x6 products.
    Four,
    /// 2x2 outputs, two inputs apart, from 5x5 products; going back, 4x4 gradients of inputs.
    Strided,
}

/// Numbers of a tile along height and along width.
#[derive(Clone, Copy)]
struct Sizes {
    outputs: usize,
    inputs: usize,
    products: usize,
    /// Inputs from a tile to the next.
    step: usize,
    /// Inputs of the first tile before the first one, along height and along width.
    low: [usize; 2],
    /// Outputs of the first tile before the first one.
    shift: [usize; 2],
}

impl Side {
    fn sizes(self, conv: &Convolution, direction: Direction) -> Sizes {
        let [outputs, inputs, products, step] = match (self, direction) {
            (Self::Two, _) => [2, 4, 4, 2],
            (Self::Four, _) => [4, 6, 6, 4],
            (Self::Strided, Direction::Forward) => [2, 5, 5, 4],
            (Self::Strided, Direction::Back) => [4, 3, 5, 2],
        };
        let padding = [conv.geometry.padding[1], conv.geometry.padding[2]];
        let (low, shift) = match (self, direction) {
            (_, Direction::Forward) => (padding, [0; 2]),
            // An input of an even place of the bordered picture is reached by two gradients, the first of which lies
            // half its place less one from the start.
            (Self::Strided, Direction::Back) => (padding.map(|p| 1 - p / 2), padding.map(|p| p % 2)),
            (_, Direction::Back) => ([conv.kernel[1] - 1 - padding[0], conv.kernel[2] - 1 - padding[1]], [0; 2]),
        };
        Sizes { outputs, inputs, products, step, low, shift }
    }
}

/// A way to transform a convolution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Form {
    pub time: Cut,
    pub side: Side,
}

/// The cheapest way if it pays.
pub(super) fn form(conv: &Convolution, direction: Direction) -> Option<Form> {
    let best = forms(conv).filter_map(|form| Some((cost(conv, direction, form)?, form))).min_by_key(|(cost, _)| *cost);
    // What the plain sums of products cost, in hundredths of their multiplications.
    let plain = match direction {
        // Inputs a stride apart are gathered and scattered.
        _ if conv.geometry.stride[1] > 1 => 150,
        Direction::Forward if merged::pays(conv, conv.output) => 100,
        Direction::Back if merged::pays(conv, conv.input) => 100,
        _ => 120,
    };
    best.filter(|(cost, _)| *cost < conv.work() * plain / 100).map(|(_, form)| form)
}

/// All ways that are possible.
pub(super) fn forms(conv: &Convolution) -> impl Iterator<Item = Form> {
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

fn padded(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

/// Tiles of one convolution, in order of clip, time, height, width.
struct Tiles {
    batch: usize,
    time: Time,
    side: Side,
    sizes: Sizes,
    direction: Direction,
    /// Tiles along height and width.
    count: [usize; 2],
    /// The picture that is read, with its border, and the height and width of the one that is written.
    source: Bordered,
    output: [usize; 2],
}

impl Tiles {
    fn new(conv: &Convolution, direction: Direction, form: Form) -> Option<Self> {
        let time = Time::new(conv, direction, form.time)?;
        let (from, to) = match direction {
            Direction::Forward => (conv.input, conv.output),
            Direction::Back => (conv.output, conv.input),
        };
        let sizes = form.side.sizes(conv, direction);
        let Sizes { outputs, inputs, step, low, shift, .. } = sizes;
        let output = [to[1], to[2]];
        let count = std::array::from_fn(|a| (output[a] + shift[a]).div_ceil(outputs));
        // A stride may leave the last row and column out.
        let whole = std::array::from_fn(|a| (count[a] * step + inputs - step).max(low[a] + from[a + 1]));
        let source = Bordered { size: from, low, whole };
        Some(Self { batch: conv.batch, time, side: form.side, sizes, direction, count, source, output })
    }

    /// Rows of tiles.
    fn rows(&self) -> usize {
        self.batch * self.time.count * self.count[0]
    }

    /// Clip, time and height of a row of tiles.
    fn row(&self, row: usize) -> [usize; 3] {
        let [h, t] = [self.count[0], self.time.count];
        [row / h / t, row / h % t, row % h]
    }

    /// Products of a tile of a frame.
    fn products(&self) -> usize {
        let Sizes { products, .. } = self.sizes;
        products * products
    }

    /// Rows worked on at a time by all threads, for channels going in and out.
    fn at_once(&self, [i, o]: [usize; 2]) -> usize {
        let tiles = (BLOCK / self.products() / (i + o)).max(i * o / (i + o));
        let rows = (tiles / self.count[1]).clamp(1, self.rows());
        // Blocks of one size, and no small one at the end.
        self.rows().div_ceil(self.rows().div_ceil(rows))
    }

    /// Transforms the inputs of a row of tiles for one product along time.
    fn spread(
        &self,
        row: usize,
        product: usize,
        source: &[f32],
        channels: usize,
        combined: &mut Vec<f32>,
        out: &mut [&mut [f32]],
    ) {
        let [clip, t, h] = self.row(row);
        let Sizes { inputs, step, .. } = self.sizes;
        let [height, places] = self.source.whole;
        let line = places * channels;
        let first = (clip * self.time.frames[0] * height + h * step) * line;
        let terms = self.time.inputs(t, product);
        let Some(source) = sum_of(&source[first..], &terms, [height, inputs].map(|rows| rows * line), combined) else {
            out.iter_mut().for_each(|out| out.fill(0.0));
            return;
        };
        let job = Spread { source, places, step, tiles: self.count[1], channels, out };
        match (self.side, self.direction) {
            (Side::Two, _) => job.run::<Inputs, 4, 4>(),
            (Side::Four, _) => job.run::<Inputs, 6, 6>(),
            (Side::Strided, Direction::Forward) => job.run::<Inputs, 5, 5>(),
            (Side::Strided, Direction::Back) => job.run::<Inputs, 3, 5>(),
        }
    }

    /// Transforms the gradients of the outputs of a row of tiles for one product along time.
    fn spread_slopes(
        &self,
        row: usize,
        product: usize,
        source: &[f32],
        channels: usize,
        combined: &mut Vec<f32>,
        out: &mut [&mut [f32]],
    ) {
        let [clip, t, h] = self.row(row);
        let Sizes { outputs, .. } = self.sizes;
        let [height, places] = self.count.map(|count| count * outputs);
        let line = places * channels;
        let first = (clip * self.time.frames[1] * height + h * outputs) * line;
        let terms = self.time.slopes(t, product);
        let Some(source) = sum_of(&source[first..], &terms, [height, outputs].map(|rows| rows * line), combined) else {
            out.iter_mut().for_each(|out| out.fill(0.0));
            return;
        };
        let job = Spread { source, places, step: outputs, tiles: self.count[1], channels, out };
        match self.side {
            Side::Two => job.run::<Slopes, 2, 4>(),
            Side::Four => job.run::<Slopes, 4, 6>(),
            Side::Strided => job.run::<Slopes, 2, 5>(),
        }
    }

    /// Adds one product along time of a row of tiles to the rows of the picture it is part of.
    fn unite(
        &self,
        t: usize,
        product: usize,
        products: &[&[f32]],
        channels: [usize; 2],
        first: usize,
        rows: &mut Lines<'_>,
    ) {
        let terms = self.time.outputs(t, product);
        let mut frames: Vec<(f32, bool, &mut [&mut [f32]])> = rows
            .iter_mut()
            .enumerate()
            .filter_map(|(at, rows)| {
                let (_, factor, fresh) = terms.iter().find(|(frame, ..)| *frame == at)?;
                Some((*factor, *fresh, rows.as_mut_slice()))
            })
            .collect();
        let shift = self.sizes.shift[1];
        let job = Unite { products, tiles: self.count[1], channels, first, shift, frames: &mut frames };
        match (self.side, self.direction) {
            (Side::Two, _) => job.run::<4, 2>(),
            (Side::Four, _) => job.run::<6, 4>(),
            (Side::Strided, Direction::Forward) => job.run::<5, 2>(),
            (Side::Strided, Direction::Back) => job.run::<5, 4>(),
        }
    }

    /// For `rows` rows of tiles at a time of each tile of frames, their part of the picture
    /// `[batch, channels, time, height, width]`: `[frame][channel]`.
    fn shares<'a>(&self, picture: &'a mut [f32], channels: usize, rows: usize) -> Vec<Vec<Vec<&'a mut [f32]>>> {
        let Sizes { outputs, shift, .. } = self.sizes;
        let ([height, width], frames) = (self.output, self.time.frames[1]);
        let parts = self.count[0].div_ceil(rows);
        let mut shares: Vec<Vec<Vec<&mut [f32]>>> = Vec::new();
        for tile in 0..self.batch * self.time.count {
            let first = tile % self.time.count * self.time.outputs;
            let here = self.time.outputs.min(frames - first);
            shares.extend((0..parts).map(|_| (0..here).map(|_| Vec::with_capacity(channels)).collect()));
        }
        for (plane, picture) in picture.chunks_exact_mut(height * width).enumerate() {
            let (clip, frame) = (plane / frames / channels, plane % frames);
            let tile = clip * self.time.count + frame / self.time.outputs;
            let mut rest = picture;
            for part in 0..parts {
                let last = ((part + 1) * rows * outputs - shift[0]).min(height);
                let first = (part * rows * outputs).saturating_sub(shift[0]);
                let (mine, others) = rest.split_at_mut((last - first) * width);
                shares[tile * parts + part][frame % self.time.outputs].push(mine);
                rest = others;
            }
        }
        shares
    }

    /// As [`Tiles::lines`], of some rows of tiles of one frame, whose picture `[frame, row, place, channel]` is alone.
    fn own_lines<'a>(
        &self,
        picture: &'a mut [f32],
        channels: usize,
        [first, rows]: [usize; 2],
        frames: usize,
    ) -> Vec<Lines<'a>> {
        let Sizes { outputs, shift, .. } = self.sizes;
        let line = self.output[1] * channels;
        let height = picture.len() / frames / line;
        let start = (self.row(first)[2] * outputs).saturating_sub(shift[0]);
        let mut lines: Vec<Option<&mut [f32]>> = picture.chunks_exact_mut(line).map(Some).collect();
        let mut line = |row: usize, frame: usize, i: usize| {
            let h = (self.row(first + row)[2] * outputs + i).checked_sub(shift[0] + start)?;
            (frame < frames && h < height).then(|| lines[frame * height + h].take()).flatten()
        };
        let mut of = |row: usize| {
            let mut frame = |at: usize| (0..outputs).map(|i| line(row, at, i).unwrap_or_default()).collect();
            (0..self.time.outputs).map(&mut frame).collect()
        };
        (0..rows).map(&mut of).collect()
    }

    /// For every row of tiles the rows of the picture it makes; those beyond its edge are empty.
    fn lines<'a>(&self, picture: &'a mut [f32], channels: usize) -> Vec<Lines<'a>> {
        let Sizes { outputs, shift, .. } = self.sizes;
        let [height, width] = self.output;
        let frames = self.time.frames[1];
        let mut lines: Vec<Option<&mut [f32]>> = picture.chunks_exact_mut(width * channels).map(Some).collect();
        let mut of = |row: usize| {
            let [clip, t, h] = self.row(row);
            let mut line = |frame: usize, i: usize| {
                let row = (h * outputs + i).checked_sub(shift[0]).filter(|row| frame < frames && *row < height);
                row.and_then(|row| lines[(clip * frames + frame) * height + row].take()).unwrap_or_default()
            };
            let mut frame =
                |at: usize| (0..outputs).map(|i| line(t * self.time.outputs + at, i)).collect::<Vec<&mut [f32]>>();
            (0..self.time.outputs).map(&mut frame).collect()
        };
        (0..self.rows()).map(&mut of).collect()
    }
}

/// Rows of a picture that a row of tiles makes: `[frame][row]`, `[place, channel]` each.
type Lines<'a> = Vec<Vec<&'a mut [f32]>>;

/// The sum of terms: of each the first `len` numbers of a frame, which lie `frame` numbers apart. `None` without terms.
fn sum_of<'a>(
    source: &'a [f32],
    terms: &[(usize, f32)],
    [frame, len]: [usize; 2],
    combined: &'a mut Vec<f32>,
) -> Option<&'a [f32]> {
    let rows: Vec<(&[f32], f32)> = terms.iter().map(|(at, f)| (&source[at * frame..][..len], *f)).collect();
    match rows[..] {
        [] => None,
        [(row, 1.0)] => Some(row),
        _ => {
            if combined.len() < len {
                combined.resize(len, 0.0);
            }
            let out = &mut combined[..len];
            Combine { rows: &rows, out: &mut *out }.run();
            Some(out)
        }
    }
}

pub(super) fn forward(
    conv: &Convolution,
    form: Form,
    x: &[f32],
    weight: &[f32],
    finish: Finish<'_>,
) -> Option<Vec<f32>> {
    let tiles = Tiles::new(conv, Direction::Forward, form)?;
    Some(correlate(conv, tiles, conv.channels, x, weight, Direction::Forward, finish))
}

pub(super) fn input_gradient(conv: &Convolution, form: Form, weight: &[f32], dy: &[f32]) -> Option<Vec<f32>> {
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
    let source = last::to_last(x, channels[0], &tiles.source, wide[0]);
    let size = [tiles.time.frames[1], tiles.output[0], tiles.output[1]];
    let kernels = KernelSpread { conv, weight, channels, wide, direction, side: tiles.side };
    if tiles.products() * wide[0] * wide[1] <= SMALL {
        let mut out = buffers::take(tiles.batch * channels[1] * volume(size));
        thread_by_thread(&tiles, &kernels, &source, finish, &mut out);
        return out;
    }
    let mut united = buffers::scratch(tiles.batch * volume(size) * wide[1]);
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
    last::from_last(&united, channels[1], volume(size), wide[1], finish)
}

/// Every thread takes some rows of tiles through all stages within its own cache.
fn thread_by_thread(tiles: &Tiles, kernels: &KernelSpread<'_>, source: &[f32], finish: Finish<'_>, out: &mut [f32]) {
    let (wide, count) = (kernels.wide, tiles.products());
    let product = wide[0] * wide[1];
    let mut all = buffers::scratch(tiles.time.products.len() * count * product);
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
        let mut united = buffers::scratch(parts.len() * len * wide[1]);
        if leaves_out {
            united.fill(0.0);
        }
        let mut mine = tiles.own_lines(&mut united, wide[1], [first, rows], parts.len());
        share(tiles, wide, all, source, first, &mut mine);
        drop(mine);
        for (parts, united) in parts.iter_mut().zip(united.chunks_exact(len * wide[1])) {
            last::finish(united, wide[1], parts, &lines, finish.bounds);
        }
    });
}

/// Some rows of tiles of one frame through all stages.
fn share(tiles: &Tiles, wide: [usize; 2], all: &[f32], source: &[f32], first: usize, lines: &mut [Lines<'_>]) {
    let (width, count, product) = (tiles.count[1], tiles.products(), wide[0] * wide[1]);
    let many = lines.len() * width;
    // A line more, or places of all products would meet in the nearest cache.
    let each = many * wide[0] + LANES;
    let mut spread = buffers::scratch(tiles.time.together() * count * each);
    let mut products = buffers::scratch(count * (many * PANEL + LANES));
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
    let mut transformed = buffers::scratch(count * wide[0] * wide[1]);
    let mut spread = buffers::scratch(rows * numbers);
    let mut products = buffers::scratch(count * rows * tiles.count[1] * wide[1]);
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
    let mut spread = buffers::scratch(tiles.time.products.len() * numbers);
    for (i, spread) in spread.chunks_exact_mut(numbers).enumerate() {
        spread_rows(tiles, [0, i], source, wide[0], rows, spread);
    }
    let columns = (KERNELS_AT_ONCE / count / wide[0] / PANEL).max(1).saturating_mul(PANEL).min(wide[1]);
    let mut transformed = buffers::scratch(count * wide[0] * columns);
    let mut products = buffers::scratch(count * rows * tiles.count[1] * columns);
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

pub(super) fn weight_gradient(conv: &Convolution, form: Form, x: &[f32], dy: &[f32]) -> Option<Vec<f32>> {
    let tiles = Tiles::new(conv, Direction::Forward, form)?;
    let wide = conv.channels.map(padded);
    let source = last::to_last(x, conv.channels[0], &tiles.source, wide[0]);
    let Sizes { outputs, .. } = tiles.sizes;
    let whole = Bordered { size: conv.output, low: [0; 2], whole: tiles.count.map(|count| count * outputs) };
    let gradient = last::to_last(dy, conv.channels[1], &whole, wide[1]);
    let numbers = tiles.products() * wide[0] * wide[1];
    let sums = KernelSums { tiles: &tiles, source: &source, gradient: &gradient, wide };
    let together = tiles.time.together();
    let together = if together * numbers <= PRIVATE { together } else { 1 };
    let mut kernels = buffers::scratch(together * numbers);
    let mut out = buffers::zeros(conv.weight_len());
    let taps = volume(conv.kernel);
    for first in (0..tiles.time.products.len()).step_by(together) {
        let group = first..tiles.time.products.len().min(first + together);
        let kernels = &mut kernels[..group.len() * numbers];
        if numbers <= PRIVATE {
            sums.thread_by_thread(group.clone(), kernels);
        } else {
            sums.block_by_block(first, kernels);
        }
        for (kernels, product) in kernels.chunks_exact(numbers).zip(&tiles.time.products[group]) {
            out.par_chunks_exact_mut(conv.channels[0] * taps).enumerate().for_each(|(o, out)| {
                let job = UniteKernels { kernels, row: o, channels: wide, terms: &product.taps, taps, out };
                match form.side {
                    Side::Two => job.run::<4, 3>(),
                    Side::Four => job.run::<6, 3>(),
                    Side::Strided => job.run::<5, 3>(),
                }
            });
        }
    }
    Some(out)
}

/// What gradients of transformed kernels are summed from.
struct KernelSums<'a> {
    tiles: &'a Tiles,
    source: &'a [f32],
    gradient: &'a [f32],
    /// Channels in whole vectors.
    wide: [usize; 2],
}

impl KernelSums<'_> {
    /// Both sides of the products of some rows of tiles, transformed.
    fn spread(&self, product: usize, row: usize, combined: &mut Vec<f32>, [input, output]: [&mut [&mut [f32]]; 2]) {
        self.inputs(product, row, combined, input);
        self.slopes(product, row, combined, output);
    }

    fn inputs(&self, product: usize, row: usize, combined: &mut Vec<f32>, out: &mut [&mut [f32]]) {
        self.tiles.spread(row, product, self.source, self.wide[0], combined, out);
    }

    fn slopes(&self, product: usize, row: usize, combined: &mut Vec<f32>, out: &mut [&mut [f32]]) {
        self.tiles.spread_slopes(row, product, self.gradient, self.wide[1], combined, out);
    }

    /// Every thread sums its share of the rows of tiles within its own cache; the sums are added in order. The products
    /// take the same gradients.
    fn thread_by_thread(&self, group: Range<usize>, kernels: &mut [f32]) {
        let (tiles, wide) = (self.tiles, self.wide);
        let (width, count, numbers) = (tiles.count[1], tiles.products(), kernels.len());
        let share = tiles.rows().div_ceil(SHARES * rayon::current_num_threads());
        let at_once = (OWN / count / width / (wide[0] + wide[1])).clamp(1, share);
        let mut others = buffers::scratch((tiles.rows().div_ceil(share) - 1) * numbers);
        let mut sums: Vec<&mut [f32]> = vec![kernels];
        sums.extend(others.chunks_exact_mut(numbers));
        sums.par_iter_mut().with_max_len(1).enumerate().for_each(|(i, sum)| {
            let (first, last) = (i * share, ((i + 1) * share).min(tiles.rows()));
            let mut spread = buffers::scratch(count * at_once * width * wide[0]);
            let mut slopes = buffers::scratch(count * at_once * width * wide[1]);
            let mut combined = Vec::new();
            for from in (first..last).step_by(at_once) {
                let rows = at_once.min(last - from);
                let many = rows * width;
                let (spread, slopes) = (&mut spread[..count * many * wide[0]], &mut slopes[..count * many * wide[1]]);
                let outputs = per_row(slopes, many * wide[1], width * wide[1], rows);
                for (row, mut output) in outputs.into_iter().enumerate() {
                    self.slopes(group.start, from + row, &mut combined, &mut output);
                }
                for (product, sum) in group.clone().zip(sum.chunks_exact_mut(numbers / group.len())) {
                    let inputs = per_row(spread, many * wide[0], width * wide[0], rows);
                    for (row, mut input) in inputs.into_iter().enumerate() {
                        self.inputs(product, from + row, &mut combined, &mut input);
                    }
                    let jobs = slopes.chunks_exact(many * wide[1]).zip(spread.chunks_exact(many * wide[0]));
                    for ((a, b), out) in jobs.zip(sum.chunks_exact_mut(wide[0] * wide[1])) {
                        Matrices::columns_times_rows(a, b, out, [wide[1], many, wide[0]], from > first);
                    }
                }
            }
        });
        let Some((total, others)) = sums.split_first_mut() else { return };
        let others = &*others;
        total.par_chunks_mut(SUMMED).enumerate().for_each(|(piece, total)| {
            for other in others {
                total.iter_mut().zip(&other[piece * SUMMED..]).for_each(|(to, v)| *to += v);
            }
        });
    }

    /// All threads take a block of tiles through one stage after the other.
    fn block_by_block(&self, product: usize, kernels: &mut [f32]) {
        let (tiles, wide) = (self.tiles, self.wide);
        let (width, rows, count) = (tiles.count[1], tiles.at_once(wide), tiles.products());
        let many = rows * width;
        let mut spread = buffers::scratch(count * many * wide[0]);
        let mut slopes = buffers::scratch(count * many * wide[1]);
        for first in (0..tiles.rows()).step_by(rows) {
            let rows = rows.min(tiles.rows() - first);
            let many = rows * width;
            let spread = &mut spread[..count * many * wide[0]];
            let slopes = &mut slopes[..count * many * wide[1]];
            let inputs = per_row(spread, many * wide[0], width * wide[0], rows);
            let outputs = per_row(slopes, many * wide[1], width * wide[1], rows);
            inputs.into_par_iter().zip(outputs).enumerate().for_each_init(
                Vec::new,
                |combined, (row, (mut input, mut output))| {
                    self.spread(product, first + row, combined, [&mut input, &mut output]);
                },
            );
            let jobs = slopes.par_chunks(many * wide[1]).zip(spread.par_chunks(many * wide[0]));
            jobs.zip(kernels.par_chunks_mut(wide[0] * wide[1])).with_max_len(1).for_each(|((a, b), out)| {
                Matrices::columns_times_rows(a, b, out, [wide[1], many, wide[0]], first > 0);
            });
        }
    }
}

/// For every row of tiles its part of each of the products, which lie `product` numbers apart.
fn per_row(values: &mut [f32], product: usize, row: usize, rows: usize) -> Vec<Vec<&mut [f32]>> {
    let count = values.len() / product;
    let mut parts: Vec<Vec<&mut [f32]>> = (0..rows).map(|_| Vec::with_capacity(count)).collect();
    for product in values.chunks_exact_mut(product) {
        for (to, part) in parts.iter_mut().zip(product.chunks_exact_mut(row)) {
            to.push(part);
        }
    }
    parts
}
