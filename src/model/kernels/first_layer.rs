//! Convolution with few input channels, such as the first layer on RGB frames.
//!
//! All input fits a cache, so every channel is laid out once and nothing is packed: a tap of a channel is one shift of
//! it, for as many output channels as there are registers.

use super::buffer_pool::{self, Scratch};
use super::channel_layout::{ChannelLayout, SLACK};
use super::norm::clamped_one;
use super::shifted_rows::{DOT_ROWS, DotRows, ROWS, Rows};
use super::{Convolution, Finish, volume};
use rayon::prelude::*;
use std::cell::RefCell;

/// Most input channels that are few.
const FEW: usize = 4;
/// Numbers of a row computed before the next output channels have their turn: they stay in the nearest cache.
const ROW: usize = 1024;
/// Numbers of a row of output gradients that frames are put together to: some of them stay in the nearest cache.
const TOGETHER: usize = 4096;

/// Sums of clips for each thread: one that was held up does not hold up the others for long.
const SHARES: usize = 2;

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = RefCell::default();
}

pub(super) fn is_few(conv: &Convolution) -> bool {
    conv.geometry.groups == 1 && conv.channels[0] <= FEW && conv.channels[1] >= ROWS
}

/// How clips are laid out for a convolution, and the offsets of (channel, tap) in one.
struct PatchLayout {
    layout: ChannelLayout,
    /// Numbers of a channel and of a clip.
    channel: usize,
    clip: usize,
    offsets: Vec<usize>,
}

impl PatchLayout {
    fn new(conv: &Convolution) -> Self {
        let layout = ChannelLayout::of_input(conv);
        let (channel, taps) = (layout.len(), layout.taps(conv.kernel));
        let offsets = (0..conv.channels[0]).flat_map(|c| taps.iter().map(move |tap| c * channel + tap)).collect();
        Self { layout, channel, clip: conv.channels[0] * channel, offsets }
    }

    /// All clips, for threads that share each of them.
    fn all(&self, conv: &Convolution, x: &[f32]) -> Scratch {
        let mut values = buffer_pool::scratch(conv.batch * self.clip);
        let channels = values.par_chunks_exact_mut(self.channel).zip(x.par_chunks_exact(volume(conv.input)));
        channels.for_each(|(to, from)| {
            to.fill(0.0);
            self.layout.fill(from, to);
        });
        values
    }

    /// Room for one clip, its borders zero.
    fn one(&self) -> Scratch {
        let mut values = buffer_pool::scratch(self.clip);
        values.fill(0.0);
        values
    }

    /// Lays a clip out in such a room.
    fn lay(&self, conv: &Convolution, clip: &[f32], values: &mut [f32]) {
        for (to, from) in values.chunks_exact_mut(self.channel).zip(clip.chunks_exact(volume(conv.input))) {
            self.layout.fill(from, to);
        }
    }

    /// A laid out clip from the place on that the first output of a row of a frame reads.
    fn from<'a>(&self, clip: &'a [f32], frame: usize, row: usize) -> &'a [f32] {
        &clip[self.layout.in_part([frame, row, 0])..]
    }
}

/// True where there are so many clips that every thread has some of its own, which then stay in its cache.
fn clip_by_clip(conv: &Convolution) -> bool {
    conv.batch >= 2 * rayon::current_num_threads()
}

pub(super) fn forward(conv: &Convolution, x: &[f32], weight: &[f32], finish: Finish<'_>) -> Vec<f32> {
    let plan = PatchLayout::new(conv);
    let inner = plan.offsets.len();
    // `[tile of output channels][inner][channel]`.
    let tiles: Vec<Vec<[f32; ROWS]>> = weight
        .chunks(ROWS * inner)
        .map(|rows| {
            let mut tile = vec![[0.0; ROWS]; inner];
            for (m, row) in rows.chunks_exact(inner).enumerate() {
                for (to, v) in tile.iter_mut().zip(row) {
                    to[m] = *v;
                }
            }
            tile
        })
        .collect();
    let mut out = buffer_pool::take(conv.batch * conv.output_len());
    let (frames, plane) = (conv.output[0], conv.output[1] * conv.output[2]);
    if clip_by_clip(conv) {
        let clips = out.par_chunks_exact_mut(conv.output_len()).zip(x.par_chunks_exact(conv.input_len()));
        clips.for_each_init(
            || plan.one(),
            |laid, (out, x)| {
                plan.lay(conv, x, laid);
                for (frame, out) in frames_of(out, frames, plane).iter_mut().enumerate() {
                    forward_frame(conv, &plan, laid, &tiles, frame, out, finish);
                }
            },
        );
    } else {
        let laid = plan.all(conv, x);
        let mut tasks: Vec<Vec<&mut [f32]>> =
            out.chunks_exact_mut(conv.output_len()).flat_map(|out| frames_of(out, frames, plane)).collect();
        tasks.par_iter_mut().with_max_len(1).enumerate().for_each(|(task, out)| {
            let clip = &laid[task / frames * plan.clip..][..plan.clip];
            forward_frame(conv, &plan, clip, &tiles, task % frames, out, finish);
        });
    }
    out
}

/// A clip's output `[channel, frame, place]` by frame.
fn frames_of(out: &mut [f32], frames: usize, plane: usize) -> Vec<Vec<&mut [f32]>> {
    let mut all: Vec<Vec<&mut [f32]>> = Vec::new();
    all.resize_with(frames, || Vec::with_capacity(out.len() / plane / frames));
    for (i, frame) in out.chunks_exact_mut(plane).enumerate() {
        all[i % frames].push(frame);
    }
    all
}

/// All output channels of one frame of a laid out clip.
fn forward_frame(
    conv: &Convolution,
    plan: &PatchLayout,
    clip: &[f32],
    tiles: &[Vec<[f32; ROWS]>],
    frame: usize,
    out: &mut [&mut [f32]],
    finish: Finish<'_>,
) {
    let [_, height, width] = conv.output;
    let pitch = plan.layout.part[2];
    let rows_at_once = (ROW / pitch).clamp(1, height);
    SCRATCH.with_borrow_mut(|scratch| {
        let stride = (plan.layout.frame(rows_at_once, width) + SLACK).next_multiple_of(buffer_pool::LINE);
        let scratch = buffer_pool::aligned(scratch, ROWS * stride);
        for row in (0..height).step_by(rows_at_once) {
            let rows = rows_at_once.min(height - row);
            let len = plan.layout.frame(rows, width);
            let source = plan.from(clip, frame, row);
            for (tile, weight) in tiles.iter().enumerate() {
                Rows { source, offsets: &plan.offsets, weight, len, out: scratch, stride }.run();
                for (m, from) in scratch.chunks_exact(stride).take(ROWS).enumerate() {
                    let channel = tile * ROWS + m;
                    let Some(out) = out.get_mut(channel) else { break };
                    let (factor, addend) = finish.line(channel);
                    let lines = out[row * width..(row + rows) * width].chunks_exact_mut(width);
                    for (to, from) in lines.zip(from.chunks(pitch)) {
                        for (to, v) in to.iter_mut().zip(from) {
                            *to = clamped_one(v * factor + addend, finish.bounds);
                        }
                    }
                }
            }
        }
    });
}

pub(super) fn weight_gradient(conv: &Convolution, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let plan = PatchLayout::new(conv);
    let slopes = Slopes::new(conv, &plan);
    let tile = DOT_ROWS * plan.offsets.len();
    let mut out = vec![0.0; conv.weight_len()];
    if clip_by_clip(conv) {
        // Every share of the clips has a sum, which are added in order.
        let share = conv.batch.div_ceil(SHARES * rayon::current_num_threads());
        let mut sums = vec![0.0; conv.batch.div_ceil(share) * out.len()];
        sums.par_chunks_exact_mut(out.len()).with_max_len(1).enumerate().for_each(|(i, sum)| {
            let mut laid = plan.one();
            for clip in i * share..((i + 1) * share).min(conv.batch) {
                plan.lay(conv, &x[clip * conv.input_len()..][..conv.input_len()], &mut laid);
                for (i, sum) in sum.chunks_mut(tile).enumerate() {
                    slopes.add(&laid, dy, clip, i, sum);
                }
            }
        });
        for sum in sums.chunks_exact(out.len()) {
            out.iter_mut().zip(sum).for_each(|(to, v)| *to += v);
        }
    } else {
        let laid = plan.all(conv, x);
        out.par_chunks_mut(tile).with_max_len(1).enumerate().for_each(|(i, out)| {
            for (clip, laid) in laid.chunks_exact(plan.clip).enumerate() {
                slopes.add(laid, dy, clip, i, out);
            }
        });
    }
    out
}

/// How gradients of outputs are laid out beside a clip.
struct Slopes<'a> {
    conv: &'a Convolution,
    plan: &'a PatchLayout,
    /// Numbers from a frame to the next.
    frame: usize,
    /// Frames taken together: a sum over vectors ends in one over a vector, which takes its time.
    at_once: usize,
}

impl<'a> Slopes<'a> {
    fn new(conv: &'a Convolution, plan: &'a PatchLayout) -> Self {
        let [_, height, pitch] = plan.layout.part;
        Self { conv, plan, frame: height * pitch, at_once: (TOGETHER / (height * pitch)).clamp(1, conv.output[0]) }
    }

    /// Numbers from the first to the last of so many frames.
    fn len(&self, frames: usize) -> usize {
        let [_, height, width] = self.conv.output;
        (frames - 1) * self.frame + self.plan.layout.frame(height, width)
    }

    /// Adds what a clip makes of the weights of a few output channels.
    fn add(&self, laid: &[f32], dy: &[f32], clip: usize, tile: usize, out: &mut [f32]) {
        let (conv, plan) = (self.conv, self.plan);
        let [frames, height, width] = conv.output;
        let plane = volume(conv.output);
        let stride = (self.len(self.at_once) + SLACK).next_multiple_of(buffer_pool::LINE);
        let rows = out.len() / plan.offsets.len();
        SCRATCH.with_borrow_mut(|scratch| {
            // Zero between the rows and frames, where there is nothing.
            let scratch = buffer_pool::aligned(scratch, rows * stride);
            scratch.fill(0.0);
            for frame in (0..frames).step_by(self.at_once) {
                let count = self.at_once.min(frames - frame);
                for (m, to) in scratch.chunks_exact_mut(stride).enumerate() {
                    let at = (clip * conv.channels[1] + tile * DOT_ROWS + m) * plane + frame * height * width;
                    let from = dy[at..at + count * height * width].chunks_exact(height * width);
                    if count < self.at_once {
                        to[count * self.frame..].fill(0.0);
                    }
                    for (to, from) in to.chunks_mut(self.frame).zip(from) {
                        for (to, from) in to.chunks_mut(plan.layout.part[2]).zip(from.chunks_exact(width)) {
                            to[..width].copy_from_slice(from);
                        }
                    }
                }
                let (source, len) = (plan.from(laid, frame, 0), self.len(count));
                DotRows { source, offsets: &plan.offsets, frames: scratch, stride, len, out }.run();
            }
        });
    }
}
