//! Indirect GEMM (implicit im2col): one factor is read through lists of offsets and never written out.

use super::norm::clamped_one;
use super::{Finish, buffer_pool};
use crate::simd::arch;
use pulp::{Simd, WithSimd};
use std::cell::RefCell;

/// Vectors of columns a tile is wide.
const WIDE: usize = 3;
/// Rows a tile is high: with [`WIDE`] it fills the registers of the processor.
const HIGH: usize = 8;
/// The same where there are only 16 registers.
const LOW: usize = 4;
/// Largest piece of the inner dimension, so that a tile's columns stay in the cache nearby.
const INNER: usize = 1024;
/// Numbers of the looked-up matrix made at a time: half of a usual second-level cache.
const PIECE: usize = 160 << 10;

/// `out[m][lane] (+)= Σ_i a[m][i] · source[inner[i] + lanes[lane]]`.
pub(super) struct Product<'a> {
    /// `[rows, inner]`, row after row.
    pub a: &'a [f32],
    /// Rows of `a` and `out`.
    pub rows: usize,
    /// What is looked up.
    pub source: &'a [f32],
    /// Offsets of the inner index.
    pub inner: &'a [u32],
    /// Offsets of the columns.
    pub lanes: &'a [u32],
    /// Rows of `stride` numbers.
    pub out: &'a mut [f32],
    /// Numbers between two rows of `out`.
    pub stride: usize,
    /// Where in its row a column is written; `None`: at its own number.
    pub places: Option<&'a [u32]>,
    /// Add to what is there instead of replacing it.
    pub add: bool,
    /// What else is done to the numbers, and the channel of the first row.
    pub finish: Option<(Finish<'a>, usize)>,
}

/// Buffers of one thread, kept between calls.
#[derive(Default)]
struct Scratch {
    a: Vec<f32>,
    b: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl Product<'_> {
    /// Computes it on this thread.
    pub fn run(self) {
        // The buffers are fetched out here: only what is inlined into the dispatched function gets its instructions.
        SCRATCH.with_borrow_mut(|scratch| arch().dispatch(GemmCall { product: self, scratch }));
    }
}

struct GemmCall<'a> {
    product: Product<'a>,
    scratch: &'a mut Scratch,
}

impl WithSimd for GemmCall<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        if S::REGISTER_COUNT >= 32 {
            blocks::<S, HIGH>(simd, self.product, self.scratch);
        } else {
            blocks::<S, LOW>(simd, self.product, self.scratch);
        }
    }
}

#[inline(always)]
fn blocks<S: Simd, const M: usize>(simd: S, p: Product<'_>, scratch: &mut Scratch) {
    let Product { a, rows, source, inner, lanes, out, stride, places, add, finish } = p;
    let depth = inner.len();
    let columns = S::F32_LANES;
    let pieces = depth.div_ceil(INNER).max(1);
    let deep = depth.div_ceil(pieces).max(1);
    let group = WIDE * columns;
    let wide = (PIECE / deep / group).max(1) * group;
    for (piece, inner) in inner.chunks(deep).enumerate() {
        let start = piece * deep;
        pack_rows::<M>(a, rows, depth, start, inner.len(), &mut scratch.a);
        for (block, lanes) in lanes.chunks(wide).enumerate() {
            let strips = lanes.len().div_ceil(columns);
            let packed = buffer_pool::aligned(&mut scratch.b, strips * columns * inner.len());
            pack_columns(source, inner, lanes, columns, packed);
            let first = block * wide;
            let (b, _) = S::as_simd_f32s(packed);
            let finish = finish.filter(|_| piece + 1 == pieces);
            let mut sink = Sink { out: &mut *out, stride, places, add: add || piece > 0, finish };
            let mut strip = 0;
            while strip < strips {
                let n = (strips - strip).min(WIDE);
                let b = &b[strip * inner.len()..(strip + n) * inner.len()];
                let from = strip * columns;
                let valid = (lanes.len() - from).min(n * columns);
                for (tile, a) in scratch.a.chunks_exact(M * inner.len()).enumerate() {
                    let place = Place { row: tile * M, rows: (rows - tile * M).min(M), lane: first + from, valid };
                    match n {
                        3 => tile_of::<S, M, 3>(simd, a, b, &place, &mut sink),
                        2 => tile_of::<S, M, 2>(simd, a, b, &place, &mut sink),
                        _ => tile_of::<S, M, 1>(simd, a, b, &place, &mut sink),
                    }
                }
                strip += n;
            }
        }
    }
}

/// Which part of the result a tile is.
struct Place {
    row: usize,
    rows: usize,
    lane: usize,
    valid: usize,
}

/// Where tiles go.
struct Sink<'a> {
    out: &'a mut [f32],
    stride: usize,
    places: Option<&'a [u32]>,
    add: bool,
    finish: Option<(Finish<'a>, usize)>,
}

impl Sink<'_> {
    #[inline(always)]
    fn put(&mut self, place: &Place, row: usize, values: &[f32]) {
        let line = &mut self.out[(place.row + row) * self.stride..][..self.stride];
        let values = &values[..place.valid];
        if let Some((finish, first)) = &self.finish {
            // Only forward passes finish, and they write row by row.
            let (factor, addend) = finish.line(first + place.row + row);
            let add = self.add;
            for (to, v) in line[place.lane..place.lane + place.valid].iter_mut().zip(values) {
                let sum = if add { *to + v } else { *v };
                *to = clamped_one(sum * factor + addend, finish.bounds);
            }
            return;
        }
        match self.places {
            None => {
                let line = &mut line[place.lane..place.lane + place.valid];
                if self.add {
                    for (to, v) in line.iter_mut().zip(values) {
                        *to += v;
                    }
                } else {
                    line.copy_from_slice(values);
                }
            }
            Some(places) => {
                for (at, v) in places[place.lane..place.lane + place.valid].iter().zip(values) {
                    let to = &mut line[*at as usize];
                    *to = if self.add { *to + v } else { *v };
                }
            }
        }
    }
}

/// One tile: `M` rows by `N` vectors, kept in registers over the whole inner dimension.
#[inline(always)]
fn tile_of<S: Simd, const M: usize, const N: usize>(
    simd: S,
    a: &[f32],
    b: &[S::f32s],
    place: &Place,
    sink: &mut Sink<'_>,
) {
    let (a, _) = a.as_chunks::<M>();
    let depth = a.len();
    let columns: [&[S::f32s]; N] = std::array::from_fn(|n| &b[n * depth..(n + 1) * depth]);
    let mut sums = [[simd.splat_f32s(0.0); N]; M];
    for (i, a) in a.iter().enumerate() {
        let b: [S::f32s; N] = std::array::from_fn(|n| columns[n][i]);
        for m in 0..M {
            let a = simd.splat_f32s(a[m]);
            for n in 0..N {
                sums[m][n] = simd.mul_add_e_f32s(a, b[n], sums[m][n]);
            }
        }
    }
    for (m, sums) in sums.iter().enumerate().take(place.rows) {
        sink.put(place, m, bytemuck::cast_slice(sums));
    }
}

/// Rows `M` at a time: `[tile][inner][M]`, missing rows zero.
#[inline(always)]
fn pack_rows<const M: usize>(a: &[f32], rows: usize, depth: usize, start: usize, len: usize, out: &mut Vec<f32>) {
    let tiles = rows.div_ceil(M);
    out.clear();
    out.resize(tiles * M * len, 0.0);
    for (tile, out) in out.chunks_exact_mut(M * len).enumerate() {
        let (out, _) = out.as_chunks_mut::<M>();
        for m in 0..M.min(rows - tile * M) {
            let row = &a[(tile * M + m) * depth + start..][..len];
            for (to, v) in out.iter_mut().zip(row) {
                to[m] = *v;
            }
        }
    }
}

/// Columns one vector at a time: `[strip][inner][columns]`, missing columns zero.
#[inline(always)]
fn pack_columns(source: &[f32], inner: &[u32], lanes: &[u32], columns: usize, out: &mut [f32]) {
    for (lanes, out) in lanes.chunks(columns).zip(out.chunks_exact_mut(columns * inner.len())) {
        let first = lanes[0];
        let in_a_row = lanes.iter().enumerate().all(|(j, lane)| *lane == first + j as u32);
        if in_a_row && lanes.len() == columns {
            for (i, to) in inner.iter().zip(out.chunks_exact_mut(columns)) {
                let at = (i + first) as usize;
                to.copy_from_slice(&source[at..at + columns]);
            }
        } else {
            let reach = *lanes.iter().max().unwrap_or(&0) as usize + 1;
            for (i, to) in inner.iter().zip(out.chunks_exact_mut(columns)) {
                let from = &source[*i as usize..*i as usize + reach];
                for (to, lane) in to.iter_mut().zip(lanes) {
                    *to = from[*lane as usize];
                }
                to[lanes.len()..].fill(0.0);
            }
        }
    }
}
