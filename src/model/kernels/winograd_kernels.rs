//! The transforms of kernels for [`super::winograd`], one axis after the other, a vector of channels at a time.

// Places in small arrays are counted; iterators over them would not be kept in registers.
#![allow(clippy::needless_range_loop)]

use super::buffers::{self, Scratch};
use super::matrix::PANEL;
use super::winograd::{Direction, LANES, PRODUCTS};
use super::winograd_transforms::{Along, both_ways, load, store, through};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Three taps to the factors of four products.
struct Taps;
impl Along<3, 4> for Taps {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [g0, g1, g2]: [S::f32s; 3]) -> [S::f32s; 4] {
        let half = simd.splat_f32s(0.5);
        let (outer, middle) = (simd.mul_f32s(simd.add_f32s(g0, g2), half), simd.mul_f32s(g1, half));
        [g0, simd.add_f32s(outer, middle), simd.sub_f32s(outer, middle), g2]
    }
}

/// Gradients of four factors to those of three taps.
struct TapGradients;
impl Along<4, 3> for TapGradients {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [m0, m1, m2, m3]: [S::f32s; 4]) -> [S::f32s; 3] {
        let half = simd.splat_f32s(0.5);
        let sum = simd.mul_f32s(simd.add_f32s(m1, m2), half);
        [simd.add_f32s(m0, sum), simd.mul_f32s(simd.sub_f32s(m1, m2), half), simd.add_f32s(sum, m3)]
    }
}

/// Plain kernels to the factors of the products: for every product panels of [`PANEL`] output channels
/// `[panel][input channel][output channel]`.
///
/// Plain kernels are `[output, input, tap]` of the convolution; going back, both swap and the taps run backwards.
pub(super) fn spread_kernels(weight: &[f32], channels: [usize; 2], wide: [usize; 2], direction: Direction) -> Scratch {
    let [inside, outside] = channels;
    let product = wide[0] * wide[1];
    let mut out = buffers::scratch(PRODUCTS * product);
    if wide != channels {
        out.fill(0.0);
    }
    // Every panel of every product on its own, then by panel.
    let mut panels: Vec<Vec<&mut [f32]>> = Vec::new();
    panels.resize_with(wide[1].div_ceil(PANEL), Vec::new);
    for product in out.chunks_exact_mut(product) {
        for (to, panel) in panels.iter_mut().zip(product.chunks_mut(PANEL * wide[0])) {
            to.push(panel);
        }
    }
    panels.par_iter_mut().enumerate().for_each(|(panel, out)| {
        let columns = PANEL.min(wide[1] - panel * PANEL);
        for first in (0..columns).step_by(LANES) {
            let from = panel * PANEL + first;
            let count = LANES.min(outside.saturating_sub(from));
            for i in 0..inside {
                let mut taps = [[0.0_f32; LANES]; 27];
                for o in 0..count {
                    let at = match direction {
                        Direction::Forward => (from + o) * inside + i,
                        Direction::Back => i * outside + from + o,
                    };
                    let plain = &weight[at * 27..at * 27 + 27];
                    for (k, v) in plain.iter().enumerate() {
                        let k = if direction == Direction::Forward { k } else { 26 - k };
                        taps[k][o] = *v;
                    }
                }
                Arch::new().dispatch(SpreadKernel { taps: &taps, out, at: i * columns + first });
            }
        }
    });
    out
}

/// One input channel's kernels to [`LANES`] output channels.
struct SpreadKernel<'a, 'b> {
    taps: &'a [[f32; LANES]; 27],
    out: &'a mut [&'b mut [f32]],
    at: usize,
}

impl WithSimd for SpreadKernel<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { taps, out, at } = self;
        let Some(out) = out.first_chunk_mut::<PRODUCTS>() else { return };
        for part in (0..LANES).step_by(S::F32_LANES) {
            let squares =
                [taps_square(simd, taps, 0, part), taps_square(simd, taps, 1, part), taps_square(simd, taps, 2, part)];
            for h in 0..4 {
                for w in 0..4 {
                    let line = through::<S, Taps, 3, 4, 4>(simd, &squares, [h, w]);
                    for t in 0..4 {
                        store::<S>(out[t * 16 + h * 4 + w], at + part, line[t]);
                    }
                }
            }
        }
    }
}

/// Frame `t` of plain kernels, transformed along height and width.
#[inline(always)]
fn taps_square<S: Simd>(simd: S, taps: &[[f32; LANES]; 27], t: usize, part: usize) -> [[S::f32s; 4]; 4] {
    let mut square = [[simd.splat_f32s(0.0); 3]; 3];
    for h in 0..3 {
        for w in 0..3 {
            square[h][w] = load(simd, &taps[t * 9 + h * 3 + w], part);
        }
    }
    both_ways::<S, Taps, 3, 4>(simd, square)
}

/// Gradients of the factors of an output channel's kernels to those of the plain kernels.
pub(super) struct UniteKernels<'a> {
    /// For every product `[output channel, input channel]`.
    pub kernels: &'a [f32],
    pub row: usize,
    /// Input and output channels of a product.
    pub channels: [usize; 2],
    /// `[input channel, tap]`.
    pub out: &'a mut [f32],
}

impl UniteKernels<'_> {
    pub fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for UniteKernels<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { kernels, row, channels: [inside, outside], out } = self;
        for (c, out) in out.chunks_mut(27 * S::F32_LANES).enumerate() {
            let at = row * inside + c * S::F32_LANES;
            let product = inside * outside;
            let squares = [
                factors_square(simd, kernels, 0, [product, at]),
                factors_square(simd, kernels, 1, [product, at]),
                factors_square(simd, kernels, 2, [product, at]),
                factors_square(simd, kernels, 3, [product, at]),
            ];
            for h in 0..3 {
                for w in 0..3 {
                    let line = through::<S, TapGradients, 4, 3, 3>(simd, &squares, [h, w]);
                    for (t, v) in line.iter().enumerate() {
                        let values: &[f32] = bytemuck::cast_slice(std::slice::from_ref(v));
                        for (out, v) in out.chunks_exact_mut(27).zip(values) {
                            out[t * 9 + h * 3 + w] = *v;
                        }
                    }
                }
            }
        }
    }
}

/// Frame `t` of the gradients of factors, to those of taps along height and width.
#[inline(always)]
fn factors_square<S: Simd>(simd: S, kernels: &[f32], t: usize, [product, at]: [usize; 2]) -> [[S::f32s; 3]; 3] {
    let mut square = [[simd.splat_f32s(0.0); 4]; 4];
    for h in 0..4 {
        for w in 0..4 {
            square[h][w] = load(simd, kernels, (t * 16 + h * 4 + w) * product + at);
        }
    }
    both_ways::<S, TapGradients, 4, 3>(simd, square)
}
