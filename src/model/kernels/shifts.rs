//! Sums over shifts of one long row: what a tap of a convolution is, once a channel is laid out for it.

use super::depthwise::SLACK;
use pulp::{Arch, Simd, WithSimd};

/// Vectors summed side by side.
const WIDE: usize = 8;
/// Taps whose products are summed side by side.
const TAPS: usize = 9;

/// `out[i] = base + Σ_k weight[k] · source[offsets[k] + i]` for `i` below `len`.
pub(super) struct Sums<'a> {
    pub source: &'a [f32],
    pub offsets: &'a [usize],
    pub weight: &'a [f32],
    pub base: f32,
    pub len: usize,
    /// Made as long as needed, and somewhat longer.
    pub out: &'a mut Vec<f32>,
}

impl Sums<'_> {
    pub fn run(self) {
        let len = self.len + SLACK;
        if self.out.len() < len {
            self.out.resize(len, 0.0);
        }
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { source, offsets, weight, base, len, out } = self;
        let lanes = S::F32_LANES;
        let vectors = len.div_ceil(lanes);
        let mut done = 0;
        while done < vectors {
            let (source, out) = (&source[done * lanes..], &mut out[done * lanes..]);
            done += match vectors - done {
                WIDE.. => sums::<S, WIDE>(simd, source, offsets, weight, base, out),
                4.. => sums::<S, 4>(simd, source, offsets, weight, base, out),
                2.. => sums::<S, 2>(simd, source, offsets, weight, base, out),
                _ => sums::<S, 1>(simd, source, offsets, weight, base, out),
            };
        }
    }
}

/// `N` vectors at once; returns `N`.
#[inline(always)]
fn sums<S: Simd, const N: usize>(
    simd: S,
    source: &[f32],
    offsets: &[usize],
    weight: &[f32],
    base: f32,
    out: &mut [f32],
) -> usize {
    let len = N * S::F32_LANES;
    let mut sums = [simd.splat_f32s(base); N];
    for (offset, weight) in offsets.iter().zip(weight) {
        let weight = simd.splat_f32s(*weight);
        let (from, _) = S::as_simd_f32s(&source[*offset..*offset + len]);
        for (sum, from) in sums.iter_mut().zip(from) {
            *sum = simd.mul_add_e_f32s(weight, *from, *sum);
        }
    }
    let (out, _) = S::as_mut_simd_f32s(&mut out[..len]);
    for (to, sum) in out.iter_mut().zip(sums) {
        *to = sum;
    }
    N
}

/// `out[k] += Σ_i frame[i] · source[offsets[k] + i]` for `i` below `len`; `frame` is zero for some while after that.
pub(super) struct Dots<'a> {
    pub source: &'a [f32],
    pub offsets: &'a [usize],
    pub frame: &'a [f32],
    pub len: usize,
    pub out: &'a mut [f32],
}

impl Dots<'_> {
    pub fn run(self) {
        Arch::new().dispatch(self);
    }
}

impl WithSimd for Dots<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { source, offsets, frame, len, out } = self;
        let len = len.div_ceil(S::F32_LANES) * S::F32_LANES;
        let (frame, _) = S::as_simd_f32s(&frame[..len]);
        for (offsets, out) in offsets.chunks(TAPS).zip(out.chunks_mut(TAPS)) {
            match offsets.first_chunk::<TAPS>() {
                Some(offsets) => dots::<S, TAPS>(simd, source, offsets, frame, len, out),
                None => {
                    for (offset, out) in offsets.iter().zip(out.chunks_mut(1)) {
                        dots::<S, 1>(simd, source, &[*offset], frame, len, out);
                    }
                }
            }
        }
    }
}

#[inline(always)]
fn dots<S: Simd, const N: usize>(
    simd: S,
    source: &[f32],
    offsets: &[usize; N],
    frame: &[S::f32s],
    len: usize,
    out: &mut [f32],
) {
    let rows: [&[S::f32s]; N] = offsets.map(|offset| &S::as_simd_f32s(&source[offset..offset + len]).0[..frame.len()]);
    let mut sums = [simd.splat_f32s(0.0); N];
    for (i, v) in frame.iter().enumerate() {
        for (sum, row) in sums.iter_mut().zip(rows) {
            *sum = simd.mul_add_e_f32s(*v, row[i], *sum);
        }
    }
    for (to, sum) in out.iter_mut().zip(sums) {
        *to += simd.reduce_sum_f32s(sum);
    }
}
