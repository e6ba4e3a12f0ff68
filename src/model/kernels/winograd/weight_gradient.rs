//! Gradients of kernels by the transforms of [`super`]: both sides of the products are transformed, and the
//! gradients of the transformed kernels are their sums over all tiles.

use super::form::Side;
use super::form::{Form, OWN};
use super::kernel_transforms::UniteKernels;
use super::padded;
use super::tiles::{Sizes, Tiles, per_row};
use super::time_tiling::Direction;
use crate::model::kernels::channels_last::{self, Bordered};
use crate::model::kernels::gemm::Matrices;
use crate::model::kernels::{Convolution, buffer_pool, volume};
use rayon::prelude::*;
use std::ops::Range;

/// Gradients of transformed kernels with fewer numbers are summed by every thread on its own.
const PRIVATE: usize = 3 << 15;
/// Sums for each thread: one that was held up does not hold up the others for long.
const SHARES: usize = 2;
/// Numbers of such a sum that are added at a time.
const SUMMED: usize = 1 << 12;

/// `[output, input, tap]`; `None` where the form does not fit.
pub(in crate::model::kernels) fn weight_gradient(
    conv: &Convolution,
    form: Form,
    x: &[f32],
    dy: &[f32],
) -> Option<Vec<f32>> {
    let tiles = Tiles::new(conv, Direction::Forward, form)?;
    let wide = conv.channels.map(padded);
    let source = channels_last::to_last(x, conv.channels[0], &tiles.source, wide[0]);
    let Sizes { outputs, .. } = tiles.sizes;
    let whole = Bordered { size: conv.output, low: [0; 2], whole: tiles.count.map(|count| count * outputs) };
    let gradient = channels_last::to_last(dy, conv.channels[1], &whole, wide[1]);
    let numbers = tiles.products() * wide[0] * wide[1];
    let sums = KernelSums { tiles: &tiles, source: &source, gradient: &gradient, wide };
    let together = tiles.time.together();
    let together = if together * numbers <= PRIVATE { together } else { 1 };
    let mut kernels = buffer_pool::scratch(together * numbers);
    let mut out = buffer_pool::zeros(conv.weight_len());
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
        let mut others = buffer_pool::scratch((tiles.rows().div_ceil(share) - 1) * numbers);
        let mut sums: Vec<&mut [f32]> = vec![kernels];
        sums.extend(others.chunks_exact_mut(numbers));
        sums.par_iter_mut().with_max_len(1).enumerate().for_each(|(i, sum)| {
            let (first, last) = (i * share, ((i + 1) * share).min(tiles.rows()));
            let mut spread = buffer_pool::scratch(count * at_once * width * wide[0]);
            let mut slopes = buffer_pool::scratch(count * at_once * width * wide[1]);
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
        let mut spread = buffer_pool::scratch(count * many * wide[0]);
        let mut slopes = buffer_pool::scratch(count * many * wide[1]);
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
