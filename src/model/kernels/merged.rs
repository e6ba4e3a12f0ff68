//! Convolutions whose pictures are small and whose kernels are many: the positions of all clips stand side by side.
//!
//! There the kernels are most of the numbers. They are read where they lie, once for the whole batch, and only the
//! looked-up pictures are packed, in pieces that all threads share.

use super::matrix::{Matrices, PANEL};
use super::padded::Padded;
use super::{Convolution, Finish, buffers, dense, volume};
use rayon::prelude::*;
use std::ops::Range;

/// Most positions of all clips together.
const POSITIONS: usize = 4096;
/// Numbers of kernels for each position from which on they are worth leaving where they lie, clips beyond which more of
/// them make no difference, and the same for sums over positions; measured.
const PER_POSITION: usize = 512;
const CLIPS: usize = 8;
const PER_SUMMED_POSITION: usize = 64;
/// Fewest rows and inner numbers worth the packing.
const FEWEST: usize = 32;
/// Inner numbers are taken so many at a time.
const STEP: usize = 16;
/// Numbers packed at a time: they stay in the cache that threads share.
const PACKED: usize = 3 << 20;
/// Inner numbers of a piece: those of two hundred columns stay in a thread's own cache.
const DEEP: usize = 512;
/// Rows of a task: those of a few tiles.
const ROWS: usize = 64;

/// True where this is faster than going clip by clip, for outputs, or inputs on the way back, of this size: where there
/// are more kernels than positions.
pub(super) fn pays(conv: &Convolution, positions: [usize; 3]) -> bool {
    fits(conv, positions) && conv.weight_len() >= PER_POSITION * conv.batch.min(CLIPS) * volume(positions)
}

/// The same of the weight's gradient, of which clip by clip there is one for every thread.
pub(super) fn pays_for_weight(conv: &Convolution) -> bool {
    fits(conv, conv.output) && conv.weight_len() >= PER_SUMMED_POSITION * conv.batch * volume(conv.output)
}

fn fits(conv: &Convolution, positions: [usize; 3]) -> bool {
    let [inside, outside] = conv.channels;
    conv.geometry.groups == 1
        && conv.batch * volume(positions) <= POSITIONS
        && inside.is_multiple_of(STEP)
        && outside.is_multiple_of(STEP)
        && inside >= FEWEST
        && outside >= FEWEST
}

/// A matrix that is looked up: `source[inner[i] + columns[j]]`.
struct Lookup<'a> {
    source: &'a [f32],
    inner: &'a [u32],
    columns: &'a [u32],
}

impl Lookup<'_> {
    /// Columns `first..first + count` in pieces of `deep` inner numbers `[piece][panel][row][column]`. Columns that are
    /// missing to whole panels repeat the last one; what comes of them is not read.
    fn pack(&self, deep: usize, [first, count]: [usize; 2], out: &mut [f32]) {
        out.par_chunks_mut(deep * count).zip(self.inner.par_chunks(deep)).for_each(|(out, inner)| {
            let panels = out.par_chunks_mut(PANEL * inner.len()).enumerate();
            panels.for_each(|(panel, out)| self.pack_panel(inner, first + panel * PANEL, out));
        });
    }

    fn pack_panel(&self, inner: &[u32], first: usize, out: &mut [f32]) {
        let wide = out.len() / inner.len();
        let last = self.columns.len() - 1;
        let columns: [u32; PANEL] = std::array::from_fn(|j| self.columns[(first + j).min(last)]);
        let columns = &columns[..wide];
        let in_a_row = columns.windows(2).all(|c| c[1] == c[0] + 1);
        for (i, to) in inner.iter().zip(out.chunks_exact_mut(wide)) {
            if in_a_row {
                let at = (i + columns[0]) as usize;
                to.copy_from_slice(&self.source[at..at + wide]);
            } else {
                let from = &self.source[*i as usize..];
                for (to, column) in to.iter_mut().zip(columns) {
                    *to = from[*column as usize];
                }
            }
        }
    }
}

/// The matrix on the left.
enum Left<'a> {
    /// `[row, inner]`.
    Plain(&'a [f32]),
    /// A weight `[output channel, input channel, tap]` as `[input channel, (output channel, tap)]` of some taps.
    Turned { weight: &'a [f32], taps: &'a [usize], kernel: usize },
}

impl Left<'_> {
    /// Inner numbers `from..from + len` of `some` of all `rows`, and the numbers between two of them.
    fn part<'a>(
        &'a self,
        rows: usize,
        some: Range<usize>,
        [from, len]: [usize; 2],
        depth: usize,
        turned: &'a mut [f32],
    ) -> (&'a [f32], usize) {
        let Left::Turned { weight, taps, kernel } = self else {
            let Left::Plain(a) = self else { return (&[], 0) };
            return (&a[some.start * depth + from..], depth);
        };
        // A vector more, or the same number of all rows would lie at the same place of the nearest cache.
        let a_row = len + STEP;
        let turned = &mut turned[..some.len() * a_row];
        let mut at = from;
        // Rows side by side, because their taps lie side by side in the weight.
        while at < from + len {
            let (o, first) = (at / taps.len(), at % taps.len());
            let taps = &taps[first..taps.len().min(first + from + len - at)];
            let weight = &weight[(o * rows + some.start) * kernel..];
            for (to, plain) in turned.chunks_exact_mut(a_row).zip(weight.chunks_exact(*kernel)) {
                to[at - from..][..taps.len()].iter_mut().zip(taps).for_each(|(to, tap)| *to = plain[*tap]);
            }
            at += taps.len();
        }
        (turned, a_row)
    }
}

/// `out[r][j] = Σ_i left[r][i] · lookup[i][j]` for whole vectors of columns: `out` has `wide` of them a row.
fn multiply(left: &Left<'_>, lookup: &Lookup<'_>, out: &mut [f32], wide: usize) {
    let (depth, rows) = (lookup.inner.len(), out.len() / wide);
    let deep = depth.div_ceil(depth.div_ceil(DEEP)).next_multiple_of(STEP);
    let columns = (PACKED / depth).max(PANEL) / PANEL * PANEL;
    let mut packed = buffers::scratch(depth * columns.min(wide));
    let at_once = share(rows);
    for first in (0..wide).step_by(columns) {
        let count = columns.min(wide - first);
        lookup.pack(deep, [first, count], &mut packed[..depth * count]);
        let packed = &packed[..depth * count];
        // Every task goes through all pieces: nobody waits for others in between.
        out.par_chunks_mut(at_once * wide).enumerate().for_each(|(task, out)| {
            let some = task * at_once..task * at_once + out.len() / wide;
            let turns = matches!(left, Left::Turned { .. });
            let mut turned = buffers::scratch(if turns { some.len() * (deep + STEP) } else { 0 });
            for (piece, packed) in packed.chunks(deep * count).enumerate() {
                let (from, len) = (piece * deep, packed.len() / count);
                let (a, a_row) = left.part(rows, some.clone(), [from, len], depth, &mut turned);
                let sizes = [some.len(), len, count];
                Matrices::part_of_rows_times_panels(a, a_row, packed, &mut out[first..], wide, sizes, piece > 0);
            }
        });
    }
}

/// Rows of a task, so that all threads get about the same.
fn share(rows: usize) -> usize {
    let tasks = rows.div_ceil(ROWS).next_multiple_of(rayon::current_num_threads());
    rows.div_ceil(tasks)
}

/// The bordered pictures of all clips, one after the other, and numbers of each.
fn bordered(padded: &Padded, pictures: &[f32], batch: usize) -> (buffers::Scratch, usize) {
    let each = pictures.len() / batch;
    let len = padded.len_of(each);
    let mut out = buffers::scratch(batch * len);
    out.par_chunks_mut(len).zip(pictures.par_chunks(each)).for_each(|(out, picture)| padded.copy(picture, out));
    (out, len)
}

/// The columns of all clips.
fn of_all_clips(positions: &[u32], batch: usize, clip: usize) -> Vec<u32> {
    (0..batch).flat_map(|b| positions.iter().map(move |p| (b * clip) as u32 + p)).collect()
}

pub(super) fn forward(conv: &Convolution, x: &[f32], weight: &[f32], finish: Finish<'_>) -> Vec<f32> {
    let padded = dense::bordered(conv);
    let (source, clip) = bordered(&padded, x, conv.batch);
    let taps = dense::taps(conv, &padded, conv.channels[0]);
    let columns = of_all_clips(&padded.grid(conv.output, conv.geometry.stride), conv.batch, clip);
    let wide = columns.len().next_multiple_of(STEP);
    let mut merged = buffers::scratch(conv.channels[1] * wide);
    multiply(&Left::Plain(weight), &Lookup { source: &source, inner: &taps, columns: &columns }, &mut merged, wide);
    let plane = volume(conv.output);
    let mut out = buffers::take(conv.batch * conv.output_len());
    out.par_chunks_mut(plane).with_min_len(ROWS).enumerate().for_each(|(i, out)| {
        let (clip, channel) = (i / conv.channels[1], i % conv.channels[1]);
        let (factor, addend) = finish.line(channel);
        let from = &merged[channel * wide + clip * plane..][..plane];
        for (to, v) in out.iter_mut().zip(from) {
            *to = super::norm::clamped_one(v * factor + addend, finish.bounds);
        }
    });
    out
}

pub(super) fn input_gradient(conv: &Convolution, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let (padded, classes) = dense::classes_of(conv);
    let (source, clip) = bordered(&padded, dy, conv.batch);
    let plane = volume(conv.input);
    let mut out = buffers::zeros(conv.batch * conv.input_len());
    for class in classes.iter().filter(|c| !c.inner.is_empty()) {
        let columns = of_all_clips(&class.lanes, conv.batch, clip);
        let wide = columns.len().next_multiple_of(STEP);
        let mut merged = buffers::scratch(conv.channels[0] * wide);
        let lookup = Lookup { source: &source, inner: &class.inner, columns: &columns };
        let left = Left::Turned { weight, taps: &class.taps, kernel: volume(conv.kernel) };
        multiply(&left, &lookup, &mut merged, wide);
        out.par_chunks_mut(plane).with_min_len(ROWS).enumerate().for_each(|(i, out)| {
            let (clip, channel) = (i / conv.channels[0], i % conv.channels[0]);
            let from = &merged[channel * wide + clip * class.lanes.len()..][..class.lanes.len()];
            for (at, v) in class.places.iter().zip(from) {
                out[*at as usize] = *v;
            }
        });
    }
    out
}

pub(super) fn weight_gradient(conv: &Convolution, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let padded = dense::bordered(conv);
    let (source, clip) = bordered(&padded, x, conv.batch);
    let taps = dense::taps(conv, &padded, conv.channels[0]);
    let positions = of_all_clips(&padded.grid(conv.output, conv.geometry.stride), conv.batch, clip);
    // Sums go over whole vectors of positions; the missing ones are zeros on one side.
    let deep = positions.len().next_multiple_of(STEP);
    let mut inner = positions;
    inner.resize(deep, 0);
    let plane = volume(conv.output);
    let mut slopes = buffers::scratch(conv.channels[1] * deep);
    slopes.par_chunks_mut(deep).with_min_len(ROWS).enumerate().for_each(|(channel, slopes)| {
        let (body, rest) = slopes.split_at_mut(conv.batch * plane);
        for (clip, to) in body.chunks_exact_mut(plane).enumerate() {
            to.copy_from_slice(&dy[(clip * conv.channels[1] + channel) * plane..][..plane]);
        }
        rest.fill(0.0);
    });
    let mut out = buffers::take(conv.weight_len());
    multiply(&Left::Plain(&slopes), &Lookup { source: &source, inner: &inner, columns: &taps }, &mut out, taps.len());
    out
}
