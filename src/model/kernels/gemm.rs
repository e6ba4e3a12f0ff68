//! GEMM micro-kernels on packed matrices, on one thread.

use crate::simd::arch;
use pulp::{Simd, WithSimd};

/// Columns of a panel: two vectors of the widest kind.
pub(super) const PANEL: usize = 32;
/// Inner numbers of a row taken at a time; their count is a multiple of it.
const CHUNK: usize = 16;
/// Vectors a tile is wide.
const WIDE: usize = 2;

/// `out[m][n] (+)= Σ_k a[m · a_row + k · a_step] · b[n's panel][k][n]`.
pub(super) struct Matrices<'a> {
    a: &'a [f32],
    a_row: usize,
    a_step: usize,
    b: &'a [f32],
    /// Numbers between two rows of `b` if it has no panels.
    b_row: Option<usize>,
    out: &'a mut [f32],
    /// Rows, inner numbers, columns; columns are whole vectors.
    sizes: [usize; 3],
    /// Numbers between two rows of `out`.
    stride: usize,
    add: bool,
}

impl Matrices<'_> {
    /// `a` `[rows, inner]`, `b` in panels of [`PANEL`] columns `[panel][inner][column]`.
    pub fn rows_times_panels(a: &[f32], b: &[f32], out: &mut [f32], sizes: [usize; 3]) {
        Self::part_of_rows_times_panels(a, sizes[1], b, out, sizes[2], sizes, false);
    }

    /// As [`Matrices::rows_times_panels`], for a part of longer rows of `a` and of `out`, `a_row` and `stride` numbers
    /// apart.
    pub fn part_of_rows_times_panels(
        a: &[f32],
        a_row: usize,
        b: &[f32],
        out: &mut [f32],
        stride: usize,
        sizes: [usize; 3],
        add: bool,
    ) {
        arch().dispatch(Matrices { a, a_row, a_step: 1, b, b_row: None, out, sizes, stride, add });
    }

    /// `a` `[inner, rows]`, `b` `[inner, columns]`.
    pub fn columns_times_rows(a: &[f32], b: &[f32], out: &mut [f32], sizes: [usize; 3], add: bool) {
        let job =
            Matrices { a, a_row: 1, a_step: sizes[0], b, b_row: Some(sizes[2]), out, sizes, stride: sizes[2], add };
        arch().dispatch(job);
    }
}

impl WithSimd for Matrices<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let [rows, inner, columns] = self.sizes;
        let wide = WIDE * S::F32_LANES;
        let Self { a, a_row, a_step, b, b_row, out, stride, add, .. } = self;
        let mut column = 0;
        while column < columns {
            let panel = column / PANEL * PANEL;
            let (b_from, b_row) = match b_row {
                Some(row) => (column, row),
                None => (panel * inner + column - panel, PANEL.min(columns - panel)),
            };
            let b = &b[b_from..];
            let whole = column + wide <= columns;
            let mut row = 0;
            while row < rows {
                let tile = Tile { a: &a[row * a_row..], a_row, a_step, b, b_row, inner, stride, add };
                let out = &mut out[row * stride + column..];
                let left = rows - row;
                row += if whole {
                    if S::REGISTER_COUNT >= 32 {
                        high::<S, WIDE>(simd, tile, out, left)
                    } else {
                        low::<S, WIDE>(simd, tile, out, left)
                    }
                } else if S::REGISTER_COUNT >= 32 {
                    high::<S, 1>(simd, tile, out, left)
                } else {
                    low::<S, 1>(simd, tile, out, left)
                };
            }
            column += if whole { wide } else { S::F32_LANES };
        }
    }
}

/// Where a tile's numbers come from.
#[derive(Clone, Copy)]
struct Tile<'a> {
    a: &'a [f32],
    a_row: usize,
    a_step: usize,
    b: &'a [f32],
    b_row: usize,
    inner: usize,
    stride: usize,
    add: bool,
}

/// As many rows as the registers of a processor with 32 hold; returns how many.
#[inline(always)]
fn high<S: Simd, const N: usize>(simd: S, tile: Tile<'_>, out: &mut [f32], left: usize) -> usize {
    match left {
        // Eight are two fours: a single row would wait for its own sums.
        14.. => tile_of::<S, 14, N>(simd, tile, out),
        7 | 9.. => tile_of::<S, 7, N>(simd, tile, out),
        4.. => tile_of::<S, 4, N>(simd, tile, out),
        2.. => tile_of::<S, 2, N>(simd, tile, out),
        _ => tile_of::<S, 1, N>(simd, tile, out),
    }
}

/// The same for 16 registers.
#[inline(always)]
fn low<S: Simd, const N: usize>(simd: S, tile: Tile<'_>, out: &mut [f32], left: usize) -> usize {
    match left {
        6.. => tile_of::<S, 6, N>(simd, tile, out),
        4.. => tile_of::<S, 4, N>(simd, tile, out),
        2.. => tile_of::<S, 2, N>(simd, tile, out),
        _ => tile_of::<S, 1, N>(simd, tile, out),
    }
}

/// The loops leave early instead of failing where something were too short, which it never is: with a failure inside,
/// the sums would not be kept in registers.
#[inline(always)]
fn tile_of<S: Simd, const M: usize, const N: usize>(simd: S, tile: Tile<'_>, out: &mut [f32]) -> usize {
    let Tile { a, a_row, a_step, b, b_row, inner, stride, add } = tile;
    let mut sums = [[simd.splat_f32s(0.0); N]; M];
    if a_step == 1 {
        // Rows of `a`, walked side by side, a vector's worth of each at a time. No closures: a call in here would take
        // the sums out of their registers.
        for (i, b) in b.chunks(CHUNK * b_row).enumerate().take(inner / CHUNK) {
            let mut rows = [&[0.0; CHUNK]; M];
            for (m, to) in rows.iter_mut().enumerate() {
                if let Some(row) = a.get(m * a_row + i * CHUNK..).and_then(<[f32]>::first_chunk) {
                    *to = row;
                }
            }
            for (k, b) in b.chunks(b_row).enumerate().take(CHUNK) {
                let Some(b) = S::as_simd_f32s(b).0.first_chunk::<N>() else { break };
                for m in 0..M {
                    let a = simd.splat_f32s(rows[m][k % CHUNK]);
                    for n in 0..N {
                        sums[m][n] = simd.mul_add_e_f32s(a, b[n], sums[m][n]);
                    }
                }
            }
        }
    } else {
        // Columns of `a`: the numbers of a step lie side by side.
        for (a, b) in a.chunks(a_step).zip(b.chunks(b_row)).take(inner) {
            let Some(b) = S::as_simd_f32s(b).0.first_chunk::<N>() else { break };
            let Some(a) = a.first_chunk::<M>() else { break };
            multiply(simd, &mut sums, a, b);
        }
    }
    for (out, sums) in out.chunks_mut(stride).zip(sums) {
        let Some(to) = S::as_mut_simd_f32s(out).0.first_chunk_mut::<N>() else { break };
        for (to, sum) in to.iter_mut().zip(sums) {
            *to = if add { simd.add_f32s(*to, sum) } else { sum };
        }
    }
    M
}

#[inline(always)]
fn multiply<S: Simd, const M: usize, const N: usize>(
    simd: S,
    sums: &mut [[S::f32s; N]; M],
    a: &[f32; M],
    b: &[S::f32s; N],
) {
    for m in 0..M {
        let a = simd.splat_f32s(a[m]);
        for n in 0..N {
            sums[m][n] = simd.mul_add_e_f32s(a, b[n], sums[m][n]);
        }
    }
}
