//! Depthwise convolution.
//!
//! There is nothing to share between channels, so it is sums of shifted pictures, one channel of one clip at a time. A
//! channel is laid out with its border, and split by the rests of its coordinates when divided by the stride; then
//! every tap is one shift of a whole frame, however wide it is, and all vectors are full. The columns of the border
//! are computed along and dropped.

use super::channel_layout::{ChannelLayout, SLACK};
use super::dense::{reach, reaching};
use super::norm::clamped_one;
use super::shifted_rows::{Dots, Sums};
use super::{Convolution, Finish, buffer_pool, volume};
use rayon::prelude::*;
use std::cell::RefCell;

/// Channels a thread takes at a time hold about this many numbers.
const TASK: usize = 1 << 16;

/// Buffers of one thread, kept between calls.
#[derive(Default)]
struct Scratch {
    laid: Vec<f32>,
    frame: Vec<f32>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// Channels a thread takes at a time; `len` numbers each, `count` in all.
fn at_once(len: usize, count: usize) -> usize {
    let fair = count.div_ceil(4 * rayon::current_num_threads());
    (TASK / len.max(1)).clamp(1, fair.max(1))
}

/// Copies a frame out of rows `pitch` apart, to columns `step` apart and rows `out_pitch` apart.
fn strip(frame: &[f32], pitch: usize, [rows, columns]: [usize; 2], out: &mut [f32], out_pitch: usize, step: usize) {
    for row in 0..rows {
        let from = &frame[row * pitch..row * pitch + columns];
        let to = &mut out[row * out_pitch..];
        if step == 1 {
            to[..columns].copy_from_slice(from);
        } else {
            for (to, v) in to.iter_mut().step_by(step).zip(from) {
                *to = *v;
            }
        }
    }
}

pub(super) fn forward(conv: &Convolution, x: &[f32], weight: &[f32], finish: Finish<'_>) -> Vec<f32> {
    let layout = ChannelLayout::of_input(conv);
    let offsets = layout.taps(conv.kernel);
    let (plane, inputs) = (volume(conv.output), volume(conv.input));
    let [frames, rows, columns] = conv.output;
    let len = layout.frame(rows, columns);
    let mut out = buffer_pool::take(conv.batch * conv.output_len());
    let many = at_once(inputs.max(plane), conv.batch * conv.channels[0]);
    let tasks = out.par_chunks_mut(plane * many).zip(x.par_chunks(inputs * many)).enumerate();
    tasks.for_each(|(task, (out, x))| {
        let mut scaled = Vec::with_capacity(offsets.len());
        SCRATCH.with_borrow_mut(|Scratch { laid, frame }| {
            layout.clear(laid);
            for (i, (out, x)) in out.chunks_exact_mut(plane).zip(x.chunks_exact(inputs)).enumerate() {
                let channel = (task * many + i) % conv.channels[0];
                layout.fill(x, laid);
                let (factor, base) = finish.line(channel);
                scaled.clear();
                scaled.extend(weight[channel * offsets.len()..][..offsets.len()].iter().map(|w| w * factor));
                for (t, out) in out.chunks_exact_mut(rows * columns).enumerate().take(frames) {
                    let source = &laid[layout.in_part([t, 0, 0])..];
                    Sums { source, offsets: &offsets, weight: &scaled, base, len, out: frame }.run();
                    strip(frame, layout.part[2], [rows, columns], out, columns, 1);
                    if !finish.is_open() {
                        out.iter_mut().for_each(|v| *v = clamped_one(*v, finish.bounds));
                    }
                }
            }
        });
    });
    out
}

/// Inputs whose coordinates leave the same rest when divided by the stride are reached by the same taps.
struct Class {
    rest: [usize; 3],
    count: [usize; 3],
    /// Number of each tap, and its offset in the laid-out output gradient.
    taps: Vec<usize>,
    offsets: Vec<usize>,
}

fn classes(conv: &Convolution, layout: &ChannelLayout) -> Vec<Class> {
    let stride = conv.geometry.stride;
    let mut all = Vec::new();
    for rest in 0..volume(stride) {
        let rest = [rest / stride[2] / stride[1], rest / stride[2] % stride[1], rest % stride[2]];
        if (0..3).any(|a| rest[a] >= conv.input[a]) {
            continue;
        }
        let count = std::array::from_fn(|a| (conv.input[a] - rest[a]).div_ceil(stride[a]));
        let [t, h, w] = std::array::from_fn(|a| reaching(conv, a, rest[a]));
        let mut class = Class { rest, count, taps: Vec::new(), offsets: Vec::new() };
        for (kt, ot) in &t {
            for (kh, oh) in &h {
                for (kw, ow) in &w {
                    let place = [*ot, *oh, *ow];
                    class.taps.push((kt * conv.kernel[1] + kh) * conv.kernel[2] + kw);
                    class
                        .offsets
                        .push(layout.at(std::array::from_fn(|a| (place[a] + layout.low[a] as isize) as usize)));
                }
            }
        }
        all.push(class);
    }
    all
}

pub(super) fn input_gradient(conv: &Convolution, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let reaches: [(usize, usize); 3] = std::array::from_fn(|a| reach(conv, a));
    let layout = ChannelLayout::new(conv.output, reaches.map(|r| r.0), reaches.map(|r| r.1), [1; 3]);
    let classes = classes(conv, &layout);
    let (plane, outputs) = (volume(conv.input), volume(conv.output));
    let ([_, height, width], [st, sh, sw]) = (conv.input, conv.geometry.stride);
    let taps = volume(conv.kernel);
    let mut out = buffer_pool::take(conv.batch * conv.input_len());
    let many = at_once(plane.max(outputs), conv.batch * conv.channels[0]);
    let tasks = out.par_chunks_mut(plane * many).zip(dy.par_chunks(outputs * many)).enumerate();
    tasks.for_each(|(task, (out, dy))| {
        let mut chosen = Vec::with_capacity(taps);
        SCRATCH.with_borrow_mut(|Scratch { laid, frame }| {
            layout.clear(laid);
            for (i, (out, dy)) in out.chunks_exact_mut(plane).zip(dy.chunks_exact(outputs)).enumerate() {
                let weight = &weight[(task * many + i) % conv.channels[0] * taps..][..taps];
                layout.fill(dy, laid);
                for Class { rest, count: [frames, rows, columns], taps, offsets } in &classes {
                    chosen.clear();
                    chosen.extend(taps.iter().map(|tap| weight[*tap]));
                    let len = layout.frame(*rows, *columns);
                    for t in 0..*frames {
                        let source = &laid[layout.in_part([t, 0, 0])..];
                        Sums { source, offsets, weight: &chosen, base: 0.0, len, out: frame }.run();
                        let at = ((t * st + rest[0]) * height + rest[1]) * width + rest[2];
                        strip(frame, layout.part[2], [*rows, *columns], &mut out[at..], sh * width, sw);
                    }
                }
            }
        });
    });
    out
}

pub(super) fn weight_gradient(conv: &Convolution, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let layout = ChannelLayout::of_input(conv);
    let offsets = layout.taps(conv.kernel);
    let (inputs, outputs) = (volume(conv.input), volume(conv.output));
    let [frames, rows, columns] = conv.output;
    let (pitch, len) = (layout.part[2], layout.frame(rows, columns));
    let mut out = vec![0.0; conv.weight_len()];
    out.par_chunks_exact_mut(offsets.len()).enumerate().for_each(|(channel, out)| {
        SCRATCH.with_borrow_mut(|Scratch { laid, frame }| {
            layout.clear(laid);
            // Zero between the rows, where the frame has nothing.
            frame.clear();
            frame.resize(len + SLACK, 0.0);
            for clip in 0..conv.batch {
                let i = clip * conv.channels[0] + channel;
                layout.fill(&x[i * inputs..][..inputs], laid);
                let dy = &dy[i * outputs..][..outputs];
                for (t, dy) in dy.chunks_exact(rows * columns).enumerate().take(frames) {
                    for (row, dy) in dy.chunks_exact(columns).enumerate() {
                        frame[row * pitch..row * pitch + columns].copy_from_slice(dy);
                    }
                    let source = &laid[layout.in_part([t, 0, 0])..];
                    Dots { source, offsets: &offsets, frame, len, out }.run();
                }
            }
        });
    });
    out
}
