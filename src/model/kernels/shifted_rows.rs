//! Weighted sums of shifted rows: the inner loop of convolutions in the padded channel layout.

use super::channel_layout::SLACK;
use crate::simd::arch;
use pulp::{Simd, WithSimd};

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
        arch().dispatch(self);
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
        arch().dispatch(self);
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

/// Rows of [`Rows`] and [`DotRows`] computed together.
pub(super) const ROWS: usize = 8;
pub(super) const DOT_ROWS: usize = 3;

/// `out[m][i] = Σ_k weight[k][m] · source[offsets[k] + i]` for `i` below `len`.
pub(super) struct Rows<'a> {
    pub source: &'a [f32],
    pub offsets: &'a [usize],
    pub weight: &'a [[f32; ROWS]],
    pub len: usize,
    /// Rows of `stride` numbers, somewhat more than `len`.
    pub out: &'a mut [f32],
    pub stride: usize,
}

impl Rows<'_> {
    pub fn run(self) {
        arch().dispatch(self);
    }
}

impl WithSimd for Rows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let vectors = self.len.div_ceil(S::F32_LANES);
        let Self { source, offsets, weight, out, stride, .. } = self;
        let mut done = 0;
        while done < vectors {
            let at = done * S::F32_LANES;
            let (source, out) = (&source[at..], &mut out[at..]);
            done += match vectors - done {
                3.. if S::REGISTER_COUNT >= 32 => rows::<S, 3>(simd, source, offsets, weight, out, stride),
                2.. if S::REGISTER_COUNT >= 32 => rows::<S, 2>(simd, source, offsets, weight, out, stride),
                _ => rows::<S, 1>(simd, source, offsets, weight, out, stride),
            };
        }
    }
}

/// `N` vectors of every row; returns `N`. Leaves early instead of failing, so that the sums stay in registers.
#[inline(always)]
fn rows<S: Simd, const N: usize>(
    simd: S,
    source: &[f32],
    offsets: &[usize],
    weight: &[[f32; ROWS]],
    out: &mut [f32],
    stride: usize,
) -> usize {
    let mut sums = [[simd.splat_f32s(0.0); N]; ROWS];
    for (offset, weight) in offsets.iter().zip(weight) {
        let Some(from) = source.get(*offset..) else { break };
        let Some(from) = S::as_simd_f32s(from).0.first_chunk::<N>() else { break };
        for m in 0..ROWS {
            let weight = simd.splat_f32s(weight[m]);
            for n in 0..N {
                sums[m][n] = simd.mul_add_e_f32s(weight, from[n], sums[m][n]);
            }
        }
    }
    for (out, sums) in out.chunks_mut(stride).zip(sums) {
        let Some(to) = S::as_mut_simd_f32s(out).0.first_chunk_mut::<N>() else { break };
        *to = sums;
    }
    N
}

/// `out[m · count + k] += Σ_i frames[m · stride + i] · source[offsets[k] + i]` for `i` below `len`; frames are zero for
/// some while after that.
pub(super) struct DotRows<'a> {
    pub source: &'a [f32],
    pub offsets: &'a [usize],
    pub frames: &'a [f32],
    pub stride: usize,
    pub len: usize,
    /// [`DOT_ROWS`] rows or fewer.
    pub out: &'a mut [f32],
}

impl DotRows<'_> {
    pub fn run(self) {
        arch().dispatch(self);
    }
}

impl WithSimd for DotRows<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { source, offsets, frames, stride, len, out } = self;
        let (count, len) = (offsets.len(), len.div_ceil(S::F32_LANES) * S::F32_LANES);
        for first in (0..count).step_by(TAPS) {
            let taps = &offsets[first..count.min(first + TAPS)];
            if out.len() == DOT_ROWS * count
                && S::REGISTER_COUNT >= 32
                && let Some(taps) = taps.first_chunk::<TAPS>()
            {
                dot_rows::<S>(simd, source, taps, frames, stride, len, &mut out[first..], count);
                continue;
            }
            for (frame, out) in frames.chunks(stride).zip(out.chunks_mut(count)) {
                let (frame, _) = S::as_simd_f32s(&frame[..len]);
                let out = &mut out[first..first + taps.len()];
                match taps.first_chunk::<TAPS>() {
                    Some(taps) => dots::<S, TAPS>(simd, source, taps, frame, len, out),
                    None => {
                        for (tap, out) in taps.iter().zip(out.chunks_mut(1)) {
                            dots::<S, 1>(simd, source, &[*tap], frame, len, out);
                        }
                    }
                }
            }
        }
    }
}

/// [`DOT_ROWS`] frames and [`TAPS`] taps at once.
#[inline(always)]
#[allow(clippy::too_many_arguments)]
fn dot_rows<S: Simd>(
    simd: S,
    source: &[f32],
    offsets: &[usize; TAPS],
    frames: &[f32],
    stride: usize,
    len: usize,
    out: &mut [f32],
    count: usize,
) {
    let vectors = len / S::F32_LANES;
    let mut rows: [&[S::f32s]; TAPS] = [&[]; TAPS];
    for (row, offset) in rows.iter_mut().zip(offsets) {
        *row = S::as_simd_f32s(&source[*offset..*offset + len]).0;
    }
    let mut parts: [&[S::f32s]; DOT_ROWS] = [&[]; DOT_ROWS];
    for (part, frame) in parts.iter_mut().zip(frames.chunks(stride)) {
        *part = S::as_simd_f32s(&frame[..len]).0;
    }
    let mut sums = [[simd.splat_f32s(0.0); TAPS]; DOT_ROWS];
    for i in 0..vectors {
        let (Some(a), Some(b), Some(c)) = (parts[0].get(i), parts[1].get(i), parts[2].get(i)) else { break };
        for k in 0..TAPS {
            let Some(v) = rows[k].get(i) else { break };
            sums[0][k] = simd.mul_add_e_f32s(*a, *v, sums[0][k]);
            sums[1][k] = simd.mul_add_e_f32s(*b, *v, sums[1][k]);
            sums[2][k] = simd.mul_add_e_f32s(*c, *v, sums[2][k]);
        }
    }
    for (out, sums) in out.chunks_mut(count).zip(sums) {
        for (to, sum) in out.iter_mut().zip(sums) {
            *to += simd.reduce_sum_f32s(sum);
        }
    }
}
