//! Conversion between channels-first (NCDHW) and channels-last (NDHWC).

use super::Finish;
use super::buffer_pool::{self, Scratch};
use super::norm::clamped_one;
use rayon::prelude::*;

/// Places and channels moved at a time: a block of both orders fits the nearest cache.
const PLACES: usize = 64;
const CHANNELS: usize = 16;
/// Places a thread moves at a time.
const TASK: usize = 1024;
/// Rows with fewer places are moved several at a time.
const NARROW: usize = 24;
/// Numbers of such rows: they stay in the nearest cache.
const BAND: usize = 4096;

/// Places and channels of a square that is turned in registers.
const SIDE: usize = 4;

/// Some channels of some places, channel by channel.
type Columns = [[[f32; SIDE]; PLACES / SIDE]; CHANNELS];

/// Turns rows into columns, spelt out where the compiler would move number by number.
#[derive(Clone, Copy)]
struct Turn {
    /// The instructions that every processor of this kind has.
    #[cfg(target_arch = "x86_64")]
    sse: Option<pulp::core_arch::x86::Sse>,
}

impl Turn {
    fn new() -> Self {
        Self {
            #[cfg(target_arch = "x86_64")]
            sse: pulp::core_arch::x86::Sse::try_new(),
        }
    }

    #[inline(always)]
    fn square(self, rows: [[f32; SIDE]; SIDE]) -> [[f32; SIDE]; SIDE] {
        #[cfg(target_arch = "x86_64")]
        if let Some(sse) = self.sse {
            let [a, b, c, d]: [std::arch::x86_64::__m128; SIDE] = bytemuck::cast(rows);
            let (ab, cd) = (sse._mm_unpacklo_ps(a, b), sse._mm_unpacklo_ps(c, d));
            let (ef, gh) = (sse._mm_unpackhi_ps(a, b), sse._mm_unpackhi_ps(c, d));
            let low = [sse._mm_movelh_ps(ab, cd), sse._mm_movehl_ps(cd, ab)];
            return bytemuck::cast([low, [sse._mm_movelh_ps(ef, gh), sse._mm_movehl_ps(gh, ef)]]);
        }
        let [a, b, c, d] = rows;
        [[a[0], b[0], c[0], d[0]], [a[1], b[1], c[1], d[1]], [a[2], b[2], c[2], d[2]], [a[3], b[3], c[3], d[3]]]
    }
}

/// `columns` of `places`, which lie `wide` numbers apart.
fn gather(places: &[f32], wide: usize, columns: &mut Columns) {
    let turn = Turn::new();
    let mut last = [0.0; SIDE * CHANNELS];
    for (p, four) in places.chunks(SIDE * wide).enumerate() {
        let mut rows: [&[[f32; SIDE]]; SIDE] = [&[]; SIDE];
        if four.len() > (SIDE - 1) * wide {
            for (row, place) in rows.iter_mut().zip(four.chunks(wide)) {
                *row = place[..CHANNELS].as_chunks().0;
            }
        } else {
            for (to, place) in last.chunks_exact_mut(CHANNELS).zip(four.chunks(wide)) {
                to.copy_from_slice(&place[..CHANNELS]);
            }
            for (row, place) in rows.iter_mut().zip(last.chunks_exact(CHANNELS)) {
                *row = place.as_chunks().0;
            }
        }
        let [Ok(a), Ok(b), Ok(c), Ok(d)] = rows.map(<&[[f32; SIDE]; CHANNELS / SIDE]>::try_from) else { return };
        for (q, columns) in columns.chunks_exact_mut(SIDE).enumerate() {
            let square = turn.square([a[q], b[q], c[q], d[q]]);
            for (column, v) in columns.iter_mut().zip(square) {
                column[p] = v;
            }
        }
    }
}

/// Four places of columns.
#[inline(always)]
fn places_of(columns: &Columns, p: usize, turn: Turn) -> [[[f32; SIDE]; CHANNELS / SIDE]; SIDE] {
    let mut turned = [[[0.0; SIDE]; CHANNELS / SIDE]; SIDE];
    for (q, columns) in columns.chunks_exact(SIDE).enumerate() {
        let square = turn.square([columns[0][p], columns[1][p], columns[2][p], columns[3][p]]);
        for (turned, v) in turned.iter_mut().zip(square) {
            turned[q] = v;
        }
    }
    turned
}

/// The other way round, for places `wide` numbers apart.
fn scatter(columns: &Columns, places: &mut [f32], wide: usize) {
    let turn = Turn::new();
    for (p, four) in places.chunks_mut(SIDE * wide).enumerate() {
        for (place, v) in four.chunks_mut(wide).zip(&places_of(columns, p, turn)) {
            if let Some(place) = place.first_chunk_mut::<CHANNELS>() {
                place.as_chunks_mut().0.copy_from_slice(v);
            }
        }
    }
}

/// The same for places that lie at `offsets`.
fn scatter_to(columns: &Columns, places: &mut [f32], offsets: &[usize]) {
    let turn = Turn::new();
    for (p, offsets) in offsets.chunks(SIDE).enumerate() {
        for (offset, v) in offsets.iter().zip(&places_of(columns, p, turn)) {
            if let Some(place) = places.get_mut(*offset..*offset + CHANNELS) {
                place.as_chunks_mut().0.copy_from_slice(v);
            }
        }
    }
}

/// Some channels of places that lie side by side, channels `plane` numbers apart.
#[inline(always)]
fn fill(columns: &mut Columns, x: &[f32], plane: usize, channels: usize, count: usize) {
    // Copied first: channels lie so far apart that few of them fit the nearest cache side by side.
    for (c, column) in columns.iter_mut().enumerate() {
        let column = &mut column.as_flattened_mut()[..count];
        if c < channels {
            column.copy_from_slice(&x[c * plane..][..count]);
        } else {
            column.fill(0.0);
        }
    }
}

/// A picture with a border of zeros along height and width.
pub(super) struct Bordered {
    /// Time, height and width without it.
    pub size: [usize; 3],
    /// Zeros before the first row and column.
    pub low: [usize; 2],
    /// Height and width with it.
    pub whole: [usize; 2],
}

/// `[B, channels, time, height, width]` as `[B, time, height, width, wide]` with its border; what is added is zero.
pub(super) fn to_last(x: &[f32], channels: usize, picture: &Bordered, wide: usize) -> Scratch {
    let Bordered { size: [frames, height, width], low, whole } = *picture;
    let plane = frames * height * width;
    let batch = x.len() / (channels * plane);
    let line = whole[1] * wide;
    let mut out = buffer_pool::scratch(batch * frames * whole[0] * line);
    // A task is some rows of a frame. Places of narrow rows are moved together.
    let together = if width < NARROW { (BAND / line).clamp(1, whole[0]) } else { 1 };
    let offsets: Vec<usize> = (0..together * width).map(|p| p / width * line + p % width * wide).collect();
    let mut tasks: Vec<(usize, usize, &mut [f32])> = Vec::with_capacity(batch * frames * whole[0].div_ceil(together));
    for (frame, out) in out.chunks_exact_mut(whole[0] * line).enumerate() {
        tasks.extend(out.chunks_mut(together * line).enumerate().map(|(i, out)| (frame, i * together, out)));
    }
    tasks.into_par_iter().with_min_len(1 + PLACES / whole[1] / together).for_each(|(frame, row, out)| {
        let inside = row.max(low[0])..(row + out.len() / line).min(low[0] + height);
        for (row, out) in (row..).zip(out.chunks_exact_mut(line)) {
            if inside.contains(&row) {
                out[..low[1] * wide].fill(0.0);
                out[(low[1] + width) * wide..].fill(0.0);
            } else {
                out.fill(0.0);
            }
        }
        if inside.is_empty() {
            return;
        }
        let out = &mut out[(inside.start - row) * line + low[1] * wide..];
        let first = frame / frames * channels * plane + (frame % frames * height + inside.start - low[0]) * width;
        let mut columns: Columns = [[[0.0; SIDE]; PLACES / SIDE]; CHANNELS];
        for block in (0..channels).step_by(CHANNELS) {
            let (x, left, out) = (&x[first + block * plane..], channels - block, &mut out[block..]);
            for (i, offsets) in offsets[..inside.len() * width].chunks(PLACES).enumerate() {
                let (from, count) = (i * PLACES, offsets.len());
                fill(&mut columns, &x[from..], plane, left, count);
                if together > 1 {
                    scatter_to(&columns, out, offsets);
                } else {
                    scatter(&columns, &mut out[from * wide..(from + count - 1) * wide + CHANNELS], wide);
                }
            }
        }
    });
    out
}

/// `[B, plane, wide]` as `[B, channels, plane]`, finished.
pub(super) fn from_last(x: &[f32], channels: usize, plane: usize, wide: usize, end: Finish<'_>) -> Vec<f32> {
    let batch = x.len() / (plane * wide);
    let mut out = buffer_pool::take(batch * channels * plane);
    let (lines, bounds) = (end.lines(channels), end.bounds);
    // A task is some places of all channels, so that what is read is read in order.
    let at_once = plane.div_ceil(plane.div_ceil(TASK)).next_multiple_of(PLACES);
    let mut tasks: Vec<(&[f32], Vec<&mut [f32]>)> = Vec::new();
    for (out, x) in out.chunks_exact_mut(channels * plane).zip(x.chunks_exact(plane * wide)) {
        let first = tasks.len();
        tasks.extend(x.chunks(at_once * wide).map(|x| (x, Vec::with_capacity(channels))));
        for channel in out.chunks_exact_mut(plane) {
            tasks[first..].iter_mut().zip(channel.chunks_mut(at_once)).for_each(|((_, rows), part)| rows.push(part));
        }
    }
    tasks.into_par_iter().for_each(|(x, mut rows)| finish(x, wide, &mut rows, &lines, bounds));
    out
}

/// Places `[place, wide]` as a row for each channel, times a factor and plus an addend of its own, clamped.
pub(super) fn finish(x: &[f32], wide: usize, rows: &mut [&mut [f32]], lines: &[(f32, f32)], bounds: [f32; 2]) {
    let mut columns: Columns = [[[0.0; SIDE]; PLACES / SIDE]; CHANNELS];
    for (i, x) in x.chunks(PLACES * wide).enumerate() {
        for (block, (rows, lines)) in rows.chunks_mut(CHANNELS).zip(lines.chunks(CHANNELS)).enumerate() {
            gather(&x[block * CHANNELS..], wide, &mut columns);
            for ((row, (factor, addend)), from) in rows.iter_mut().zip(lines).zip(&columns) {
                let row = &mut row[i * PLACES..];
                for (to, v) in row.iter_mut().zip(from.as_flattened()) {
                    *to = clamped_one(v * *factor + *addend, bounds);
                }
            }
        }
    }
}
