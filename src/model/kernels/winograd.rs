//! Convolutions with kernels of 3x3x3 and stride 1 with fewer multiplications (Winograd 1980; Lavin & Gray 2016).
//!
//! Tiles of 2x2x2 outputs are made from 4x4x4 inputs. Both, and the kernels, are transformed so that the convolution of
//! a tile becomes 64 products instead of 216, and all tiles and channels together 64 products of matrices. Gradients
//! are the same transforms the other way round. Everything in between has its channels last, so that the transforms
//! are sums of whole vectors, whatever the size of the picture.

use super::matrix::{Matrices, PANEL};
use super::winograd_kernels::{UniteKernels, spread_kernels};
use super::winograd_transforms::{Spread, SpreadGradient, Unite};
use super::{Convolution, Finish, buffers, last, volume};
use rayon::prelude::*;

/// Products a tile is made of.
pub(super) const PRODUCTS: usize = 64;
/// Channels are rounded up to whole vectors.
pub(super) const LANES: usize = 16;
/// Numbers of transformed tiles that are worked on at a time, so that they stay in the last cache.
const BLOCK: usize = 1 << 20;
/// Transformed kernels with fewer numbers are read again for every row of tiles.
const SMALL: usize = 1 << 20;
/// Tiles whose products cost as much as transforming the kernels, or as transforming their gradients back.
const KERNELS: usize = 60;

/// True where the transforms pay.
pub(super) fn pays(conv: &Convolution) -> bool {
    let geometry = conv.geometry;
    let fits = conv.kernel == [3; 3] && geometry.stride == [1; 3] && geometry.groups == 1;
    let channels = conv.channels.iter().all(|c| *c >= LANES);
    let padded = geometry.padding.iter().all(|p| *p <= 2);
    if !(fits && channels && padded) {
        return false;
    }
    let count = |size: [usize; 3]| conv.batch * size.iter().map(|s| s.div_ceil(2)).product::<usize>();
    let tiles = count(conv.output).max(count(conv.input));
    (tiles + KERNELS) * PRODUCTS < conv.batch * volume(conv.output) * volume(conv.kernel)
}

/// Tiles of one convolution, in order of clip, time, height, width.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    pub input: [usize; 3],
    pub output: [usize; 3],
    pub padding: [usize; 3],
    pub count: [usize; 3],
    batch: usize,
}

impl Tiles {
    fn new(batch: usize, input: [usize; 3], output: [usize; 3], padding: [usize; 3]) -> Self {
        Self { input, output, padding, count: output.map(|s| s.div_ceil(2)), batch }
    }

    /// Rows of tiles.
    fn rows(&self) -> usize {
        self.batch * self.count[0] * self.count[1]
    }

    /// Clip, time and height of a row of tiles.
    pub fn row(&self, row: usize) -> [usize; 3] {
        let [t, h, _] = self.count;
        [row / h / t, row / h % t, row % h]
    }

    /// Rows worked on at a time, for channels going in and out.
    fn at_once(&self, channels: [usize; 2]) -> usize {
        let [i, o] = channels;
        let tiles = (BLOCK / PRODUCTS / (i + o)).max(i * o / (i + o));
        let rows = (tiles / self.count[2]).clamp(1, self.rows());
        // Blocks of one size, and no small one at the end.
        self.rows().div_ceil(self.rows().div_ceil(rows))
    }
}

fn padded(channels: usize) -> usize {
    channels.next_multiple_of(LANES)
}

/// What the transforms do with the plain kernels: which channel is summed over, and in which direction taps count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Back,
}

pub(super) fn forward(conv: &Convolution, x: &[f32], weight: &[f32], finish: Finish<'_>) -> Vec<f32> {
    let tiles = Tiles::new(conv.batch, conv.input, conv.output, conv.geometry.padding);
    correlate(tiles, conv.channels, x, weight, Direction::Forward, finish)
}

pub(super) fn input_gradient(conv: &Convolution, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let padding = conv.geometry.padding.map(|p| 2 - p);
    let tiles = Tiles::new(conv.batch, conv.output, conv.input, padding);
    let [i, o] = conv.channels;
    correlate(tiles, [o, i], dy, weight, Direction::Back, Finish::default())
}

fn correlate(
    tiles: Tiles,
    channels: [usize; 2],
    x: &[f32],
    weight: &[f32],
    direction: Direction,
    finish: Finish<'_>,
) -> Vec<f32> {
    let wide = channels.map(padded);
    let source = last::to_last(x, channels[0], volume(tiles.input), wide[0]);
    let kernels = spread_kernels(weight, channels, wide, direction);
    let mut united = buffers::scratch(tiles.batch * volume(tiles.output) * wide[1]);
    if kernels.len() <= SMALL {
        row_by_row(&tiles, wide, &source, &kernels, &mut united);
    } else {
        block_by_block(&tiles, wide, &source, &kernels, &mut united);
    }
    drop((source, kernels));
    last::from_last(&united, channels[1], volume(tiles.output), wide[1], finish)
}

/// Every thread takes a row of tiles through all stages within its own cache; the kernels come from the shared one.
fn row_by_row(tiles: &Tiles, wide: [usize; 2], source: &[f32], kernels: &[f32], united: &mut [f32]) {
    let (width, product) = (tiles.count[2], wide[0] * wide[1]);
    let buffers = || (buffers::scratch(PRODUCTS * width * wide[0]), buffers::scratch(PRODUCTS * width * PANEL));
    let mut lines = picture_rows(tiles, united, wide[1], 0, tiles.rows());
    lines.par_iter_mut().enumerate().for_each_init(buffers, |(spread, products), (row, out)| {
        let mut parts: Vec<&mut [f32]> = spread.chunks_exact_mut(width * wide[0]).collect();
        Spread { tiles, row, source, channels: wide[0], out: &mut parts }.run();
        for first in (0..wide[1]).step_by(PANEL) {
            let columns = PANEL.min(wide[1] - first);
            let products = &mut products[..PRODUCTS * width * columns];
            let jobs = spread.chunks_exact(width * wide[0]).zip(kernels.chunks_exact(product));
            for ((a, b), out) in jobs.zip(products.chunks_exact_mut(width * columns)) {
                let panel = &b[first * wide[0]..(first + columns) * wide[0]];
                Matrices::rows_times_panels(a, panel, out, [width, wide[0], columns]);
            }
            let products: Vec<&[f32]> = products.chunks_exact(width * columns).collect();
            let channels = [columns, wide[1]];
            Unite { tiles, row: 0, products: &products, channels, first, out }.run();
        }
    });
}

/// All threads take a block of tiles through one stage after the other; the kernels are read once a block.
fn block_by_block(tiles: &Tiles, wide: [usize; 2], source: &[f32], kernels: &[f32], united: &mut [f32]) {
    let (width, rows) = (tiles.count[2], tiles.at_once(wide));
    let many = rows * width;
    let mut spread = buffers::scratch(PRODUCTS * many * wide[0]);
    let mut products = buffers::scratch(PRODUCTS * many * wide[1]);
    for first in (0..tiles.rows()).step_by(rows) {
        let rows = rows.min(tiles.rows() - first);
        let many = rows * width;
        let spread = &mut spread[..PRODUCTS * many * wide[0]];
        let products = &mut products[..PRODUCTS * many * wide[1]];
        per_row(spread, many * wide[0], width * wide[0]).into_par_iter().enumerate().for_each(|(row, mut out)| {
            Spread { tiles, row: first + row, source, channels: wide[0], out: &mut out }.run();
        });
        let jobs = spread.par_chunks(many * wide[0]).zip(kernels.par_chunks(wide[0] * wide[1]));
        jobs.zip(products.par_chunks_mut(many * wide[1])).with_max_len(1).for_each(|((a, b), out)| {
            Matrices::rows_times_panels(a, b, out, [many, wide[0], wide[1]]);
        });
        let products: Vec<&[f32]> = products.chunks(many * wide[1]).collect();
        let mut lines = picture_rows(tiles, united, wide[1], first, rows);
        lines.par_iter_mut().enumerate().for_each(|(row, out)| {
            Unite { tiles, row, products: &products, channels: [wide[1]; 2], first: 0, out }.run();
        });
    }
}

pub(super) fn weight_gradient(conv: &Convolution, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let tiles = Tiles::new(conv.batch, conv.input, conv.output, conv.geometry.padding);
    let wide = conv.channels.map(padded);
    let source = last::to_last(x, conv.channels[0], volume(conv.input), wide[0]);
    let gradient = last::to_last(dy, conv.channels[1], volume(conv.output), wide[1]);
    let (width, rows) = (tiles.count[2], tiles.at_once(wide));
    let many = rows * width;
    let mut spread = buffers::scratch(PRODUCTS * many * wide[0]);
    let mut slopes = buffers::scratch(PRODUCTS * many * wide[1]);
    let mut kernels = buffers::scratch(PRODUCTS * wide[0] * wide[1]);
    for first in (0..tiles.rows()).step_by(rows) {
        let rows = rows.min(tiles.rows() - first);
        let many = rows * width;
        let spread = &mut spread[..PRODUCTS * many * wide[0]];
        let slopes = &mut slopes[..PRODUCTS * many * wide[1]];
        let inputs = per_row(spread, many * wide[0], width * wide[0]);
        let outputs = per_row(slopes, many * wide[1], width * wide[1]);
        inputs.into_par_iter().zip(outputs).enumerate().for_each(|(row, (mut input, mut output))| {
            let row = first + row;
            Spread { tiles: &tiles, row, source: &source, channels: wide[0], out: &mut input }.run();
            SpreadGradient { tiles: &tiles, row, source: &gradient, channels: wide[1], out: &mut output }.run();
        });
        let jobs = slopes.par_chunks(many * wide[1]).zip(spread.par_chunks(many * wide[0]));
        jobs.zip(kernels.par_chunks_mut(wide[0] * wide[1])).with_max_len(1).for_each(|((a, b), out)| {
            Matrices::columns_times_rows(a, b, out, [wide[1], many, wide[0]], first > 0);
        });
    }
    drop((source, gradient, spread, slopes));
    let [inside, outside] = conv.channels;
    let mut out = buffers::take(conv.weight_len());
    out.par_chunks_exact_mut(inside * 27).enumerate().for_each(|(o, out)| {
        UniteKernels { kernels: &kernels, row: o, channels: [wide[0], wide[1]], out }.run();
    });
    debug_assert_eq!(out.len(), inside * outside * 27);
    out
}

/// For every row of tiles its part of each of the products.
fn per_row(values: &mut [f32], product: usize, row: usize) -> Vec<Vec<&mut [f32]>> {
    let mut rows: Vec<Vec<&mut [f32]>> = (0..product / row).map(|_| Vec::with_capacity(PRODUCTS)).collect();
    for product in values.chunks_exact_mut(product) {
        for (to, part) in rows.iter_mut().zip(product.chunks_exact_mut(row)) {
            to.push(part);
        }
    }
    rows
}

/// For every row of tiles the rows of the picture it makes, `[t][h]`; those beyond its edge are empty.
fn picture_rows<'a>(
    tiles: &Tiles,
    picture: &'a mut [f32],
    channels: usize,
    first: usize,
    rows: usize,
) -> Vec<[&'a mut [f32]; 4]> {
    let [frames, height, width] = tiles.output;
    let mut lines: Vec<Option<&mut [f32]>> = picture.chunks_exact_mut(width * channels).map(Some).collect();
    let mut of = |row: usize| {
        let [clip, t, h] = tiles.row(row);
        std::array::from_fn(|i| {
            let (t, h) = (2 * t + i / 2, 2 * h + i % 2);
            let inside = t < frames && h < height;
            let line = inside.then(|| lines[(clip * frames + t) * height + h].take()).flatten();
            line.unwrap_or_default()
        })
    };
    (first..first + rows).map(&mut of).collect()
}
