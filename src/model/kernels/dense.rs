//! Dense and grouped convolution as an indirect GEMM, one clip at a time.

use super::indirect_gemm::Product;
use super::padding::{Padded, repeated};
use super::{Convolution, Finish, buffer_pool, volume};
use rayon::prelude::*;
use std::cell::RefCell;
use std::ops::Range;

/// Rows of a weight that are rearranged side by side.
const SIDE: usize = 8;
/// Numbers of a sum that a thread merges at a time.
const MERGED: usize = 1 << 14;

thread_local! {
    /// The bordered picture of the clip a thread works on.
    static BORDERED: RefCell<Vec<f32>> = RefCell::default();
}

/// In how many parts the rows of one clip are computed side by side, so that few clips keep all threads busy too.
fn parts(tasks: usize, rows: usize) -> usize {
    let threads = rayon::current_num_threads();
    if tasks == 0 || tasks.is_multiple_of(threads) || tasks >= 4 * threads {
        return 1;
    }
    // The fewest parts that share out evenly; each has to look up its source again.
    (1..=threads).find(|n| (tasks * n).is_multiple_of(threads)).unwrap_or(1).min(rows)
}

/// Shares `out` (groups of `all` rows of `width` numbers, those of the first clip or sum first) out by clip, group and
/// first row of the group, `at_once` rows each; the outputs of tasks lie one after the other.
fn tasks(
    out: &mut [f32],
    groups: usize,
    [all, at_once]: [usize; 2],
    width: usize,
) -> Vec<(usize, usize, usize, &mut [f32])> {
    out.chunks_mut(all * width)
        .enumerate()
        .flat_map(|(i, group)| {
            let parts = group.chunks_mut(at_once * width).enumerate();
            parts.map(move |(part, out)| (i / groups, i % groups, part * at_once, out))
        })
        .collect()
}

/// Offsets of the kernel's taps for `channels` channels.
pub(super) fn taps(conv: &Convolution, padded: &Padded, channels: usize) -> Vec<u32> {
    repeated(&padded.grid(conv.kernel, [1; 3]), channels, padded.plane())
}

/// The border of the input.
pub(super) fn bordered(conv: &Convolution) -> Padded {
    Padded::new(conv.input, conv.geometry.padding, conv.geometry.padding)
}

pub(super) fn forward(conv: &Convolution, x: &[f32], weight: &[f32], finish: Finish<'_>) -> Vec<f32> {
    let groups = conv.geometry.groups;
    let [inside, outside] = conv.channels.map(|c| c / groups);
    let padded = bordered(conv);
    let positions = padded.grid(conv.output, conv.geometry.stride);
    let taps = taps(conv, &padded, inside);
    let plane = volume(conv.output);
    let mut out = buffer_pool::take(conv.batch * conv.output_len());
    let parts = parts(conv.batch * groups, outside);
    let rows = outside.div_ceil(parts);
    let tasks = tasks(&mut out, groups, [outside, rows], plane);
    tasks.into_par_iter().with_max_len(1).for_each(|(clip, group, row, out)| {
        let x = &x[clip * conv.input_len() + group * inside * volume(conv.input)..][..inside * volume(conv.input)];
        let first = group * outside + row;
        let count = out.len() / plane;
        BORDERED.with_borrow_mut(|buffer| {
            let source = padded.fill(x, buffer);
            let a = &weight[first * taps.len()..(first + count) * taps.len()];
            Product {
                a,
                rows: count,
                source,
                inner: &taps,
                lanes: &positions,
                out,
                stride: plane,
                places: None,
                add: false,
                finish: Some((finish, first)),
            }
            .run();
        });
    });
    out
}

/// Inputs whose coordinates leave the same rest when divided by the stride are reached by the same taps, or by some of
/// them where the others would meet the border in time.
pub(super) struct Class {
    /// Offsets of (output channel, tap) in the bordered output gradient.
    pub inner: Vec<u32>,
    /// The taps, in order.
    pub taps: Vec<usize>,
    /// Offsets of the inputs in the bordered output gradient, and in the input.
    pub lanes: Vec<u32>,
    pub places: Vec<u32>,
}

/// For one axis and one rest: the taps that reach it, each with its offset in the output gradient.
pub(super) fn reaching(conv: &Convolution, axis: usize, rest: usize) -> Vec<(usize, isize)> {
    let (stride, padding) = (conv.geometry.stride[axis], conv.geometry.padding[axis]);
    (0..conv.kernel[axis])
        .filter(|k| (rest + padding) % stride == k % stride)
        .map(|k| (k, ((rest + padding) as isize - k as isize) / stride as isize))
        .collect()
}

/// Zeros the output gradient needs before and after each axis.
pub(super) fn reach(conv: &Convolution, axis: usize) -> (usize, usize) {
    let stride = conv.geometry.stride[axis];
    let (mut low, mut high) = (0, 0);
    for rest in 0..stride.min(conv.input[axis]) {
        let count = (conv.input[axis] - rest).div_ceil(stride) as isize;
        for (_, offset) in reaching(conv, axis, rest) {
            low = low.max(-offset);
            high = high.max(offset + count - conv.output[axis] as isize);
        }
    }
    (low as usize, high as usize)
}

/// Frames one after the other, and the taps that reach them, each with its offset.
type Reached = (Range<usize>, Vec<(usize, isize)>);

/// Frames `0..count` and the taps of `reaching` that reach them; by frames, only those that meet one of `frames`.
fn together(reaching: &[(usize, isize)], count: usize, frames: usize, by_frames: bool) -> Vec<Reached> {
    let mut all: Vec<Reached> = Vec::new();
    for frame in 0..count {
        let meets = |offset: isize| (0..frames as isize).contains(&(frame as isize + offset));
        let those: Vec<_> = reaching.iter().copied().filter(|(_, offset)| !by_frames || meets(*offset)).collect();
        match all.last_mut() {
            Some((range, same)) if *same == those => range.end = frame + 1,
            _ => all.push((frame..frame + 1, those)),
        }
    }
    all
}

fn classes(conv: &Convolution, padded: &Padded, low: [usize; 3], by_frames: bool) -> Vec<Class> {
    let outside = conv.channels[1] / conv.geometry.groups;
    let stride = conv.geometry.stride;
    let plain = Padded::new(conv.input, [0; 3], [0; 3]);
    let rests = Padded::new(stride, [0; 3], [0; 3]).grid(stride, [1; 3]);
    let mut all = Vec::new();
    for rest in rests {
        let rest = rest as usize;
        let rest = [rest / stride[2] / stride[1], rest / stride[2] % stride[1], rest % stride[2]];
        if (0..3).any(|a| rest[a] >= conv.input[a]) {
            continue;
        }
        let [t, h, w] = std::array::from_fn(|a| reaching(conv, a, rest[a]));
        let count: [usize; 3] = std::array::from_fn(|a| (conv.input[a] - rest[a]).div_ceil(stride[a]));
        for (frames, t) in together(&t, count[0], conv.output[0], by_frames) {
            let (mut taps, mut offsets) = (Vec::new(), Vec::new());
            for (kt, ot) in &t {
                for (kh, oh) in &h {
                    for (kw, ow) in &w {
                        taps.push((kt * conv.kernel[1] + kh) * conv.kernel[2] + kw);
                        let at = std::array::from_fn(|a| ([*ot, *oh, *ow][a] + low[a] as isize) as usize);
                        offsets.push(padded.at(at) as u32);
                    }
                }
            }
            let inner = repeated(&offsets, outside, padded.plane());
            let count = [frames.len(), count[1], count[2]];
            let lanes = padded.grid_from([frames.start, 0, 0], count, [1; 3]);
            let first = [rest[0] + frames.start * stride[0], rest[1], rest[2]];
            all.push(Class { inner, taps, lanes, places: plain.grid_from(first, count, stride) });
        }
    }
    all
}

/// The border of the output gradient, and all classes of inputs, for frames that meet the border in time of their own if
/// `by_frames`.
pub(super) fn classes_of(conv: &Convolution, by_frames: bool) -> (Padded, Vec<Class>) {
    let reaches: [(usize, usize); 3] = std::array::from_fn(|a| reach(conv, a));
    let low = reaches.map(|r| r.0);
    let padded = Padded::new(conv.output, low, reaches.map(|r| r.1));
    let classes = classes(conv, &padded, low, by_frames);
    (padded, classes)
}

/// The weight as `[group, input channel, (output channel, tap)]`, of some taps only.
fn rearranged(conv: &Convolution, weight: &[f32], taps: &[usize]) -> buffer_pool::Scratch {
    let groups = conv.geometry.groups;
    let [inside, outside] = conv.channels.map(|c| c / groups);
    let depth = outside * taps.len();
    let mut out = buffer_pool::scratch(groups * inside * depth);
    if depth > 0 {
        // Some rows side by side, because their taps lie side by side in the weight.
        out.par_chunks_mut(SIDE * depth).enumerate().for_each(|(block, rows)| {
            for o in 0..outside {
                for (i, to) in rows.chunks_exact_mut(depth).enumerate() {
                    let (group, c) = ((block * SIDE + i) / inside, (block * SIDE + i) % inside);
                    let from = &weight[((group * outside + o) * inside + c) * volume(conv.kernel)..];
                    let to = &mut to[o * taps.len()..(o + 1) * taps.len()];
                    to.iter_mut().zip(taps).for_each(|(to, tap)| *to = from[*tap]);
                }
            }
        });
    }
    out
}

pub(super) fn input_gradient(conv: &Convolution, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let groups = conv.geometry.groups;
    let [inside, outside] = conv.channels.map(|c| c / groups);
    let (padded, classes) = classes_of(conv, false);
    let weights: Vec<buffer_pool::Scratch> = classes.iter().map(|c| rearranged(conv, weight, &c.taps)).collect();
    let plane = volume(conv.input);
    // Inputs that no tap reaches are not written.
    let reached = classes.iter().all(|class| !class.inner.is_empty());
    let len = conv.batch * conv.input_len();
    let mut out = if reached { buffer_pool::take(len) } else { buffer_pool::zeros(len) };
    let parts = parts(conv.batch * groups, inside);
    let rows = inside.div_ceil(parts);
    let tasks = tasks(&mut out, groups, [inside, rows], plane);
    tasks.into_par_iter().with_max_len(1).for_each(|(clip, group, row, out)| {
        let from = clip * conv.output_len() + group * outside * volume(conv.output);
        let dy = &dy[from..from + outside * volume(conv.output)];
        let count = out.len() / plane;
        BORDERED.with_borrow_mut(|buffer| {
            let source = padded.fill(dy, buffer);
            for (class, weight) in classes.iter().zip(&weights) {
                let depth = class.inner.len();
                let first = (group * inside + row) * depth;
                let contiguous = classes.len() == 1;
                Product {
                    a: &weight[first..first + count * depth],
                    rows: count,
                    source,
                    inner: &class.inner,
                    lanes: &class.lanes,
                    out,
                    stride: plane,
                    places: (!contiguous).then_some(&class.places),
                    add: false,
                    finish: None,
                }
                .run();
            }
        });
    });
    out
}

pub(super) fn weight_gradient(conv: &Convolution, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let groups = conv.geometry.groups;
    let [inside, outside] = conv.channels.map(|c| c / groups);
    let padded = bordered(conv);
    let positions = padded.grid(conv.output, conv.geometry.stride);
    let taps = taps(conv, &padded, inside);
    let plane = volume(conv.output);
    // Clips are shared out to a fixed number of sums, which are added in order at the end.
    let threads = rayon::current_num_threads();
    let sums = conv.batch.min(threads);
    let parts = (threads / sums).clamp(1, outside);
    let rows = outside.div_ceil(parts);
    let len = conv.weight_len();
    let mut out = vec![0.0; sums * len];
    let tasks = tasks(&mut out, groups, [outside, rows], taps.len());
    tasks.into_par_iter().with_max_len(1).for_each(|(sum, group, row, out)| {
        let count = out.len() / taps.len();
        BORDERED.with_borrow_mut(|buffer| {
            for clip in (sum..conv.batch).step_by(sums) {
                let from = clip * conv.input_len() + group * inside * volume(conv.input);
                let source = padded.fill(&x[from..from + inside * volume(conv.input)], buffer);
                let first = clip * conv.output_len() + (group * outside + row) * plane;
                Product {
                    a: &dy[first..first + count * plane],
                    rows: count,
                    source,
                    inner: &positions,
                    lanes: &taps,
                    out: &mut *out,
                    stride: taps.len(),
                    places: None,
                    add: true,
                    finish: None,
                }
                .run();
            }
        });
    });
    let (total, others) = out.split_at_mut(len);
    total.par_chunks_mut(MERGED).enumerate().for_each(|(i, total)| {
        for other in others.chunks_exact(len) {
            for (to, v) in total.iter_mut().zip(&other[i * MERGED..]) {
                *to += v;
            }
        }
    });
    out.truncate(len);
    out
}
