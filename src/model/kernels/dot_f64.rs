//! Dot products accumulated in `f64` registers.

use crate::simd::arch;
use pulp::{Simd, WithSimd};

/// Columns of a kernel that are summed together: two vectors of the widest kind.
pub(super) const PANEL: usize = 16;
/// Inner numbers of a row taken at a time.
const CHUNK: usize = 8;

/// `out[m][n] = Σ_base Σ_k a[rows[m] + base + k] · b[base's number][k][n]`, `n` below [`PANEL`].
pub(super) struct Sums<'a> {
    pub a: &'a [f64],
    /// Where each row begins.
    pub rows: &'a [usize],
    /// Where from there the numbers of each part of the sum begin.
    pub bases: &'a [usize],
    /// Numbers of a part.
    pub inner: usize,
    pub b: &'a [f64],
    pub out: &'a mut [f64],
}

impl Sums<'_> {
    /// Computes them on this thread.
    pub fn run(self) {
        arch().dispatch(self);
    }
}

impl WithSimd for Sums<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::F64_LANES >= 8 {
            all::<S, 12, 2>(simd, self);
        } else if S::REGISTER_COUNT >= 32 {
            all::<S, 6, 4>(simd, self);
        } else {
            all::<S, 3, 4>(simd, self);
        }
    }
}

#[inline(always)]
fn all<S: Simd, const M: usize, const N: usize>(simd: S, sums: Sums<'_>) {
    let Sums { a, rows, bases, inner, b, out } = sums;
    let mut column = 0;
    while column < PANEL {
        let mut row = 0;
        while row < rows.len() {
            let (rows, out) = (&rows[row..], &mut out[row * PANEL + column..]);
            let job = Tile { a, rows, bases, inner, b: &b[column..] };
            row += match rows.len() {
                left if left >= M => tile_of::<S, M, N>(simd, job, out),
                6.. => tile_of::<S, 6, N>(simd, job, out),
                3.. => tile_of::<S, 3, N>(simd, job, out),
                2 => tile_of::<S, 2, N>(simd, job, out),
                _ => tile_of::<S, 1, N>(simd, job, out),
            };
        }
        column += N * S::F64_LANES;
    }
}

#[derive(Clone, Copy)]
struct Tile<'a> {
    a: &'a [f64],
    rows: &'a [usize],
    bases: &'a [usize],
    inner: usize,
    b: &'a [f64],
}

/// As in [`super::gemm`]: loops leave early instead of failing, and nothing is called.
#[inline(always)]
fn tile_of<S: Simd, const M: usize, const N: usize>(simd: S, tile: Tile<'_>, out: &mut [f64]) -> usize {
    let Tile { a, rows, bases, inner, b } = tile;
    let mut sums = [[simd.splat_f64s(0.0); N]; M];
    for (part, base) in bases.iter().enumerate() {
        let b = match b.get(part * inner * PANEL..) {
            Some(b) => b,
            None => return M,
        };
        let mut k = 0;
        while k + CHUNK <= inner {
            let mut from = [&[0.0; CHUNK]; M];
            for m in 0..M {
                if let Some(row) = a.get(rows[m] + base + k..)
                    && let Some(row) = row.first_chunk()
                {
                    from[m] = row;
                }
            }
            for (i, b) in b[k * PANEL..].chunks(PANEL).enumerate().take(CHUNK) {
                let Some(b) = S::as_simd_f64s(b).0.first_chunk::<N>() else { break };
                for m in 0..M {
                    let a = simd.splat_f64s(from[m][i % CHUNK]);
                    for n in 0..N {
                        sums[m][n] = simd.mul_add_e_f64s(a, b[n], sums[m][n]);
                    }
                }
            }
            k += CHUNK;
        }
        while k < inner {
            let Some(b) = S::as_simd_f64s(&b[k * PANEL..]).0.first_chunk::<N>() else { break };
            for m in 0..M {
                let a = simd.splat_f64s(a[rows[m] + base + k]);
                for n in 0..N {
                    sums[m][n] = simd.mul_add_e_f64s(a, b[n], sums[m][n]);
                }
            }
            k += 1;
        }
    }
    for (out, sums) in out.chunks_mut(PANEL).zip(sums) {
        let Some(to) = S::as_mut_simd_f64s(out).0.first_chunk_mut::<N>() else { break };
        *to = sums;
    }
    M
}

/// A sum of rows times factors: where each begins, and its factor; all as long as `out`.
pub(super) struct Combine<'a> {
    pub from: &'a [f64],
    pub terms: &'a [(usize, f64)],
    pub out: &'a mut [f64],
}

impl Combine<'_> {
    /// Computes it on this thread.
    pub fn run(self) {
        arch().dispatch(self);
    }
}

impl WithSimd for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { from, terms, out } = self;
        let Some(((first, factor), rest)) = terms.split_first() else {
            out.fill(0.0);
            return;
        };
        for (to, v) in out.iter_mut().zip(&from[*first..]) {
            *to = factor * v;
        }
        for (at, factor) in rest {
            for (to, v) in out.iter_mut().zip(&from[*at..]) {
                *to += factor * v;
            }
        }
    }
}
