//! Kernel transforms of [`super`], a vector of channels at a time.

// Places in small arrays are counted; iterators over them would not be kept in registers.
#![allow(clippy::needless_range_loop)]

use super::form::LANES;
use super::form::Side;
use super::input_transforms::{Along, Square, load, store};
use super::time_tiling::Direction;
use crate::model::kernels::gemm::PANEL;
use crate::model::kernels::{Convolution, volume};
use crate::simd::arch;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;

/// Input channels whose kernels a thread transforms at a time.
const AT_ONCE: usize = 16;

/// Taps to the factors of products.
struct Taps;
impl Along<3, 4> for Taps {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [g0, g1, g2]: [S::f32s; 3]) -> [S::f32s; 4] {
        let half = simd.splat_f32s(0.5);
        let (outer, middle) = (simd.mul_f32s(simd.add_f32s(g0, g2), half), simd.mul_f32s(g1, half));
        [g0, simd.add_f32s(outer, middle), simd.sub_f32s(outer, middle), g2]
    }
}
impl Along<3, 6> for Taps {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [g0, g1, g2]: [S::f32s; 3]) -> [S::f32s; 6] {
        let (outer, third) = (simd.add_f32s(g0, g2), simd.splat_f32s(1.0 / 3.0));
        let (four, two) = (simd.splat_f32s(4.0), simd.splat_f32s(2.0));
        let high = simd.mul_add_e_f32s(four, g0, simd.mul_add_e_f32s(two, g1, g2));
        let low = simd.mul_add_e_f32s(four, g2, simd.sub_f32s(g0, simd.mul_f32s(two, g1)));
        [
            g0,
            simd.mul_f32s(third, simd.add_f32s(outer, g1)),
            simd.mul_f32s(third, simd.sub_f32s(g1, outer)),
            simd.mul_f32s(simd.splat_f32s(-4.0 / 15.0), high),
            simd.mul_f32s(simd.splat_f32s(1.0 / 15.0), low),
            g2,
        ]
    }
}

impl Along<3, 5> for Taps {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [g0, g1, g2]: [S::f32s; 3]) -> [S::f32s; 5] {
        [g0, simd.add_f32s(g0, g2), g2, g1, g1]
    }
}

/// Gradients of factors to those of taps.
pub(in crate::model::kernels) struct TapGradients;
impl Along<4, 3> for TapGradients {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [m0, m1, m2, m3]: [S::f32s; 4]) -> [S::f32s; 3] {
        let half = simd.splat_f32s(0.5);
        let sum = simd.mul_f32s(simd.add_f32s(m1, m2), half);
        [simd.add_f32s(m0, sum), simd.mul_f32s(simd.sub_f32s(m1, m2), half), simd.add_f32s(sum, m3)]
    }
}
impl Along<6, 3> for TapGradients {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [m0, m1, m2, m3, m4, m5]: [S::f32s; 6]) -> [S::f32s; 3] {
        let third = simd.splat_f32s(1.0 / 3.0);
        let (sum, difference) = (simd.add_f32s(m1, m2), simd.mul_f32s(third, simd.sub_f32s(m1, m2)));
        let (a, b) = (simd.mul_f32s(simd.splat_f32s(-4.0 / 15.0), m3), simd.mul_f32s(simd.splat_f32s(1.0 / 15.0), m4));
        let (four, two) = (simd.splat_f32s(4.0), simd.splat_f32s(2.0));
        [
            simd.add_f32s(simd.add_f32s(m0, difference), simd.mul_add_e_f32s(four, a, b)),
            simd.mul_add_e_f32s(third, sum, simd.mul_f32s(two, simd.sub_f32s(a, b))),
            simd.add_f32s(simd.add_f32s(m5, difference), simd.mul_add_e_f32s(four, b, a)),
        ]
    }
}

impl Along<5, 3> for TapGradients {
    #[inline(always)]
    fn line<S: Simd>(simd: S, [m0, m1, m2, m3, m4]: [S::f32s; 5]) -> [S::f32s; 3] {
        [simd.add_f32s(m0, m1), simd.add_f32s(m3, m4), simd.add_f32s(m1, m2)]
    }
}

/// Plain kernels to the factors of the products: for every product panels of [`PANEL`] output channels
/// `[panel][input channel][output channel]`.
///
/// Plain kernels are `[output, input, tap]` of the convolution; going back, both swap and the taps run backwards.
pub(in crate::model::kernels) struct KernelSpread<'a> {
    pub conv: &'a Convolution,
    pub weight: &'a [f32],
    /// Channels summed over and channels that come out.
    pub channels: [usize; 2],
    /// The same in whole vectors.
    pub wide: [usize; 2],
    pub direction: Direction,
    pub side: Side,
}

impl KernelSpread<'_> {
    /// For a sum of taps along time and output channels `columns`, a range of whole panels.
    pub fn run(&self, taps: &[(usize, f32)], columns: Range<usize>, out: &mut [f32]) {
        let wide = self.wide[0];
        let product = wide * columns.len();
        // Parts of every product that a thread makes: some input channels of a panel.
        let mut parts: Vec<Vec<&mut [f32]>> = Vec::new();
        let per_panel = wide.div_ceil(AT_ONCE);
        parts.resize_with(columns.len().div_ceil(PANEL) * per_panel, Vec::new);
        for product in out.chunks_exact_mut(product) {
            let panels = product.chunks_mut(PANEL * wide);
            let all = panels.flat_map(|panel| {
                let columns = panel.len() / wide;
                panel.chunks_mut(AT_ONCE * columns)
            });
            for (to, part) in parts.iter_mut().zip(all) {
                to.push(part);
            }
        }
        parts.par_iter_mut().enumerate().for_each(|(i, out)| {
            let from = columns.start + i / per_panel * PANEL;
            let width = PANEL.min(columns.end - from);
            self.part(taps, [i % per_panel * AT_ONCE, from], width, out);
        });
    }

    /// The factors of kernels from some input and output channel on.
    fn part(&self, terms: &[(usize, f32)], [input, output]: [usize; 2], width: usize, out: &mut [&mut [f32]]) {
        let [inside, outside] = self.channels;
        let all = volume(self.conv.kernel);
        let places = self.conv.kernel[1] * self.conv.kernel[2];
        let rows = out.first().map_or(0, |out| out.len() / width);
        for first in (0..width).step_by(LANES) {
            let from = output + first;
            let count = LANES.min(outside.saturating_sub(from));
            for row in 0..rows {
                let i = input + row;
                let mut taps = [[0.0_f32; LANES]; 9];
                for o in 0..if i < inside { count } else { 0 } {
                    let at = match self.direction {
                        Direction::Forward => (from + o) * inside + i,
                        Direction::Back => i * outside + from + o,
                    };
                    let plain = &self.weight[at * all..at * all + all];
                    for (frame, factor) in terms {
                        for (k, v) in plain[frame * places..][..places].iter().enumerate() {
                            let k = if self.direction == Direction::Forward { k } else { places - 1 - k };
                            taps[k][o] += factor * v;
                        }
                    }
                }
                let at = row * width + first;
                match self.side {
                    Side::Two => arch().dispatch(SpreadKernel::<3, 4> { taps: &taps, out, at }),
                    Side::Four => arch().dispatch(SpreadKernel::<3, 6> { taps: &taps, out, at }),
                    Side::Strided => arch().dispatch(SpreadKernel::<3, 5> { taps: &taps, out, at }),
                }
            }
        }
    }
}

/// One input channel's kernels to [`LANES`] output channels.
struct SpreadKernel<'a, 'b, const FROM: usize, const TO: usize> {
    taps: &'a [[f32; LANES]; 9],
    out: &'a mut [&'b mut [f32]],
    at: usize,
}

impl<const FROM: usize, const TO: usize> WithSimd for SpreadKernel<'_, '_, FROM, TO>
where
    Taps: Along<FROM, TO>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { taps, out, at } = self;
        if out.len() != TO * TO {
            return;
        }
        let mut square = Square::<S, FROM, TO>::new(simd);
        for part in (0..LANES).step_by(S::F32_LANES) {
            for h in 0..FROM {
                for w in 0..FROM {
                    square.from[h][w] = load(simd, &taps[h * FROM + w], part);
                }
            }
            square.turn::<Taps>(simd);
            for h in 0..TO {
                for w in 0..TO {
                    store::<S>(out[h * TO + w], at + part, square.to[h][w]);
                }
            }
        }
    }
}

/// Gradients of the factors of an output channel's kernels, added to those of the plain kernels.
pub(in crate::model::kernels) struct UniteKernels<'a> {
    /// For every product `[output channel, input channel]`.
    pub kernels: &'a [f32],
    pub row: usize,
    /// Input and output channels of a product.
    pub channels: [usize; 2],
    /// The taps along time whose sum it is.
    pub terms: &'a [(usize, f32)],
    /// Taps of a kernel.
    pub taps: usize,
    /// `[input channel, tap]`.
    pub out: &'a mut [f32],
}

impl UniteKernels<'_> {
    /// The products are `FROM` by `FROM`, the taps `TO` by `TO`.
    pub fn run<const FROM: usize, const TO: usize>(self)
    where
        TapGradients: Along<FROM, TO>,
    {
        arch().dispatch(UniteKernelsAlong::<FROM, TO>(self));
    }
}

struct UniteKernelsAlong<'a, const FROM: usize, const TO: usize>(UniteKernels<'a>);

impl<const FROM: usize, const TO: usize> WithSimd for UniteKernelsAlong<'_, FROM, TO>
where
    TapGradients: Along<FROM, TO>,
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let UniteKernels { kernels, row, channels: [inside, outside], terms, taps, out } = self.0;
        let product = inside * outside;
        let mut square = Square::<S, FROM, TO>::new(simd);
        for (c, out) in out.chunks_mut(taps * S::F32_LANES).enumerate() {
            let at = row * inside + c * S::F32_LANES;
            for h in 0..FROM {
                for w in 0..FROM {
                    square.from[h][w] = load(simd, kernels, (h * FROM + w) * product + at);
                }
            }
            square.turn::<TapGradients>(simd);
            for h in 0..TO {
                for w in 0..TO {
                    let values: &[f32] = bytemuck::cast_slice(std::slice::from_ref(&square.to[h][w]));
                    for (out, v) in out.chunks_exact_mut(taps).zip(values) {
                        for (frame, factor) in terms {
                            out[frame * TO * TO + h * TO + w] += factor * v;
                        }
                    }
                }
            }
        }
    }
}
