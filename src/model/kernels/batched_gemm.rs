//! Convolution as one GEMM over the whole batch, for small feature maps with many channels (the last layers of a network).
//!
//! There the kernels are most of the numbers. They are read where they lie, once for the whole batch, and only the
//! looked-up pictures are packed, in pieces that all threads share. Weights' gradients: [`super::batched_gemm_weights`].

use super::gemm::{Matrices, PANEL};
use super::padding::{Padded, repeated};
use super::{Convolution, Finish, buffer_pool, dense, volume};
use rayon::prelude::*;
use std::ops::Range;

/// Most positions of all clips together.
const POSITIONS: usize = 4096;
/// Numbers of kernels for each position from which on they are worth leaving where they lie, and clips beyond which more
/// of them make no difference; measured.
const PER_POSITION: usize = 512;
const CLIPS: usize = 8;
/// Fewest rows and inner numbers worth the packing.
const FEWEST: usize = 32;
/// Inner numbers are taken so many at a time.
pub(super) const STEP: usize = 16;
/// Numbers packed at a time: they stay in the cache that threads share.
pub(super) const PACKED: usize = 3 << 20;
/// Inner numbers of a piece: those of two hundred columns stay in a thread's own cache.
const DEEP: usize = 512;
/// Columns whose products cost as much as turning the kernels for them.
const TURN: usize = 32;
/// Rows of a task: those of a few tiles.
pub(super) const ROWS: usize = 64;

/// True where this is faster than going clip by clip, for outputs, or inputs on the way back, of this size: where there
/// are more kernels than positions.
pub(super) fn pays(conv: &Convolution, positions: [usize; 3]) -> bool {
    fits(conv, positions) && conv.weight_len() >= PER_POSITION * conv.batch.min(CLIPS) * volume(positions)
}

/// True where clips can stand side by side.
pub(super) fn fits(conv: &Convolution, positions: [usize; 3]) -> bool {
    let [inside, outside] = conv.channels;
    conv.geometry.groups == 1
        && conv.batch * volume(positions) <= POSITIONS
        && inside.is_multiple_of(STEP)
        && outside.is_multiple_of(STEP)
        && inside >= FEWEST
        && outside >= FEWEST
}

/// A matrix that is looked up: `source[inner[i] + columns[j]]`.
pub(super) struct Lookup<'a> {
    pub source: &'a [f32],
    pub inner: &'a [u32],
    pub columns: &'a [u32],
    /// The taps that `inner` goes through for each channel, where the left side is turned.
    pub taps: &'a [usize],
}

impl Lookup<'_> {
    /// Columns to whole vectors.
    fn wide(&self) -> usize {
        self.columns.len().next_multiple_of(STEP)
    }

    /// Columns `first..first + count` in pieces of `deep` inner numbers `[piece][panel][row][column]`. Columns that are
    /// missing to whole panels repeat the last one; what comes of them is not read.
    fn pack(&self, deep: usize, [first, count]: [usize; 2], out: &mut [f32]) {
        out.par_chunks_mut(deep * count).zip(self.inner.par_chunks(deep)).for_each(|(out, inner)| {
            let panels = out.par_chunks_mut(PANEL * inner.len()).enumerate();
            panels.for_each(|(panel, out)| self.pack_panel(inner, first + panel * PANEL, out));
        });
    }

    /// Columns from `first` on, as many as `out` holds numbers for each of `inner`.
    pub fn pack_panel(&self, inner: &[u32], first: usize, out: &mut [f32]) {
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
pub(super) enum Left<'a> {
    /// `[row, inner]`.
    Plain(&'a [f32]),
    /// A weight `[output channel, input channel, tap]` as `[input channel, (output channel, tap)]` of some taps.
    Turned { weight: &'a [f32], kernel: usize },
}

impl Left<'_> {
    /// Inner numbers `from..from + len` of `some` of all `rows`, as `lookup` meets them, and the numbers between two rows.
    fn part<'a>(
        &'a self,
        lookup: &Lookup<'_>,
        rows: usize,
        some: Range<usize>,
        [from, len]: [usize; 2],
        turned: &'a mut [f32],
    ) -> (&'a [f32], usize) {
        let (weight, kernel) = match self {
            Left::Plain(a) => return (&a[some.start * lookup.inner.len() + from..], lookup.inner.len()),
            Left::Turned { weight, kernel } => (weight, *kernel),
        };
        // A vector more, or the same number of all rows would lie at the same place of the nearest cache.
        let a_row = len + STEP;
        let turned = &mut turned[..some.len() * a_row];
        let mut at = from;
        // Rows side by side, because their taps lie side by side in the weight.
        while at < from + len {
            let (o, first) = (at / lookup.taps.len(), at % lookup.taps.len());
            let taps = &lookup.taps[first..lookup.taps.len().min(first + from + len - at)];
            let in_a_row = taps[taps.len() - 1] - taps[0] + 1 == taps.len();
            let weight = &weight[(o * rows + some.start) * kernel..];
            for (to, plain) in turned.chunks_exact_mut(a_row).zip(weight.chunks_exact(kernel)) {
                let to = &mut to[at - from..][..taps.len()];
                if in_a_row {
                    copy(&plain[taps[0]..][..taps.len()], to);
                } else {
                    to.iter_mut().zip(taps).for_each(|(to, tap)| *to = plain[*tap]);
                }
            }
            at += taps.len();
        }
        (turned, a_row)
    }
}

/// Copies a few numbers, whole vectors of them where there is one, of which the last two may overlap: a call of the
/// library's copy would take longer.
#[inline(always)]
pub(super) fn copy(from: &[f32], to: &mut [f32]) {
    let Some(last) = from.last_chunk::<STEP>() else {
        to.iter_mut().zip(from).for_each(|(to, v)| *to = *v);
        return;
    };
    let whole = from.as_chunks::<STEP>().0;
    to.as_chunks_mut::<STEP>().0.iter_mut().zip(whole).for_each(|(to, v)| *to = *v);
    if let Some(to) = to.last_chunk_mut::<STEP>() {
        *to = *last;
    }
}

/// `out[r][j] = Σ_i left[r][i] · lookup[i][j]` for whole vectors of columns, those of all lookups side by side: `out`
/// has `wide` of them a row.
pub(super) fn multiply(left: &Left<'_>, lookups: &[Lookup<'_>], out: &mut [f32], wide: usize) {
    let rows = out.len() / wide;
    let depths = || lookups.iter().map(|l| l.inner.len());
    // All lookups have as many pieces, so that the kernels of a piece are still at hand for the next.
    let pieces = depths().max().unwrap_or(0).div_ceil(DEEP);
    let deep = |depth: usize| depth.div_ceil(pieces).next_multiple_of(STEP);
    let columns = (PACKED / depths().sum::<usize>()).max(PANEL) / PANEL * PANEL;
    let mut room = buffer_pool::scratch(lookups.iter().map(|l| l.inner.len() * l.wide().min(columns)).sum());
    let at_once = share(rows);
    for first in (0..lookups.iter().map(Lookup::wide).max().unwrap_or(0)).step_by(columns) {
        let (mut rest, mut at) = (&mut *room, 0);
        let mut parts = Vec::new();
        for lookup in lookups {
            let (depth, count) = (lookup.inner.len(), columns.min(lookup.wide().saturating_sub(first)));
            let (packed, after) = std::mem::take(&mut rest).split_at_mut(depth * count);
            if count > 0 {
                lookup.pack(deep(depth), [first, count], packed);
                parts.push((lookup, deep(depth), at + first, count, &*packed));
            }
            (rest, at) = (after, at + lookup.wide());
        }
        // Every task goes through all pieces: nobody waits for others in between.
        out.par_chunks_mut(at_once * wide).enumerate().for_each(|(task, out)| {
            let some = task * at_once..task * at_once + out.len() / wide;
            let deepest = parts.iter().map(|part| part.1 + STEP).max().unwrap_or(0);
            let turns = matches!(left, Left::Turned { .. });
            let mut turned = buffer_pool::scratch(if turns { some.len() * deepest } else { 0 });
            for piece in 0..pieces {
                for &(lookup, deep, at, count, packed) in &parts {
                    let Some(packed) = packed.chunks(deep * count).nth(piece) else { continue };
                    let (from, len) = (piece * deep, packed.len() / count);
                    let (a, a_row) = left.part(lookup, rows, some.clone(), [from, len], &mut turned);
                    let sizes = [some.len(), len, count];
                    Matrices::part_of_rows_times_panels(a, a_row, packed, &mut out[at..], wide, sizes, piece > 0);
                }
            }
        });
    }
}

/// Rows of a task, so that all threads get about the same.
pub(super) fn share(rows: usize) -> usize {
    let tasks = rows.div_ceil(ROWS).next_multiple_of(rayon::current_num_threads());
    rows.div_ceil(tasks)
}

/// The bordered pictures of all clips, one after the other, and numbers of each.
pub(super) fn bordered(padded: &Padded, pictures: &[f32], batch: usize) -> (buffer_pool::Scratch, usize) {
    let each = pictures.len() / batch;
    let len = padded.len_of(each);
    let mut out = buffer_pool::scratch(batch * len);
    out.par_chunks_mut(len).zip(pictures.par_chunks(each)).for_each(|(out, picture)| padded.copy(picture, out));
    (out, len)
}

pub(super) fn forward(conv: &Convolution, x: &[f32], weight: &[f32], finish: Finish<'_>) -> Vec<f32> {
    let padded = dense::bordered(conv);
    let (source, clip) = bordered(&padded, x, conv.batch);
    let taps = dense::taps(conv, &padded, conv.channels[0]);
    let columns = repeated(&padded.grid(conv.output, conv.geometry.stride), conv.batch, clip);
    let wide = columns.len().next_multiple_of(STEP);
    let mut merged = buffer_pool::scratch(conv.channels[1] * wide);
    let lookup = Lookup { source: &source, inner: &taps, columns: &columns, taps: &[] };
    multiply(&Left::Plain(weight), &[lookup], &mut merged, wide);
    let plane = volume(conv.output);
    let mut out = buffer_pool::take(conv.batch * conv.output_len());
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

/// The classes of inputs, those that meet the border in time apart if that is cheaper.
fn classes_of(conv: &Convolution) -> (Padded, Vec<dense::Class>) {
    let cost = |(_, classes): &(Padded, Vec<dense::Class>)| -> usize {
        let columns = |class: &dense::Class| (conv.batch * class.lanes.len()).next_multiple_of(STEP);
        classes.iter().map(|class| class.inner.len() * (columns(class) + TURN)).sum()
    };
    let [all, by_frames] = [false, true].map(|by_frames| dense::classes_of(conv, by_frames));
    if cost(&by_frames) < cost(&all) { by_frames } else { all }
}

pub(super) fn input_gradient(conv: &Convolution, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let (padded, mut classes) = classes_of(conv);
    classes.retain(|class| !class.inner.is_empty());
    if classes.is_empty() {
        return buffer_pool::zeros(conv.batch * conv.input_len());
    }
    let (source, clip) = bordered(&padded, dy, conv.batch);
    let columns: Vec<Vec<u32>> = classes.iter().map(|c| repeated(&c.lanes, conv.batch, clip)).collect();
    let lookups = classes.iter().zip(&columns);
    let lookups: Vec<Lookup<'_>> = lookups
        .map(|(class, columns)| Lookup { source: &source, inner: &class.inner, columns, taps: &class.taps })
        .collect();
    let wide = lookups.iter().map(Lookup::wide).sum();
    let mut merged = buffer_pool::scratch(conv.channels[0] * wide);
    multiply(&Left::Turned { weight, kernel: volume(conv.kernel) }, &lookups, &mut merged, wide);
    let plane = volume(conv.input);
    let mut out = buffer_pool::zeros(conv.batch * conv.input_len());
    out.par_chunks_mut(plane).with_min_len(ROWS).enumerate().for_each(|(i, out)| {
        let (clip, channel) = (i / conv.channels[0], i % conv.channels[0]);
        let mut at = channel * wide;
        for (class, lookup) in classes.iter().zip(&lookups) {
            let from = &merged[at + clip * class.lanes.len()..][..class.lanes.len()];
            class.places.iter().zip(from).for_each(|(place, v)| out[*place as usize] = *v);
            at += lookup.wide();
        }
    });
    out
}
