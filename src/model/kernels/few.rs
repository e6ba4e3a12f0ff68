//! Convolutions of few input channels, as the first of a network is.
//!
//! All input fits a cache, so every channel is laid out once and nothing is packed: a tap of a channel is one shift of
//! it, for as many output channels as there are registers.

use super::buffers::{self, Scratch};
use super::layout::{Layout, SLACK};
use super::norm::clamped_one;
use super::shifts::{DOT_ROWS, DotRows, ROWS, Rows};
use super::{Convolution, Finish, volume};
use rayon::prelude::*;
use std::cell::RefCell;

/// Most input channels that are few.
const FEW: usize = 4;
/// Numbers of a row computed before the next output channels have their turn: they stay in the nearest cache.
const ROW: usize = 1024;
/// Numbers of a row of output gradients that frames are put together to: some of them stay in the nearest cache.
const TOGETHER: usize = 4096;

thread_local! {
    static SCRATCH: RefCell<Vec<f32>> = RefCell::default();
}

pub(super) fn is_few(conv: &Convolution) -> bool {
    conv.geometry.groups == 1 && conv.channels[0] <= FEW && conv.channels[1] >= ROWS
}

/// The input `[clip, channel]` laid out, and the offsets of (channel, tap) in a clip of it.
struct Laid {
    layout: Layout,
    values: Scratch,
    clip: usize,
    offsets: Vec<usize>,
}

impl Laid {
    fn new(conv: &Convolution, x: &[f32]) -> Self {
        let layout = Layout::of_input(conv);
        let (len, taps) = (layout.len(), layout.taps(conv.kernel));
        let clip = conv.channels[0] * len;
        let mut values = buffers::scratch(conv.batch * clip);
        let channels = values.par_chunks_exact_mut(len).zip(x.par_chunks_exact(volume(conv.input)));
        channels.for_each(|(to, from)| {
            to.fill(0.0);
            layout.fill(from, to);
        });
        let offsets = (0..conv.channels[0]).flat_map(|c| taps.iter().map(move |tap| c * len + tap)).collect();
        Self { layout, values, clip, offsets }
    }

    /// A clip from the place on that the first output of a row of a frame reads.
    fn from(&self, clip: usize, frame: usize, row: usize) -> &[f32] {
        &self.values[clip * self.clip + self.layout.in_part([frame, row, 0])..(clip + 1) * self.clip]
    }
}

pub(super) fn forward(conv: &Convolution, x: &[f32], weight: &[f32], finish: Finish<'_>) -> Vec<f32> {
    let laid = Laid::new(conv, x);
    let [frames, height, width] = conv.output;
    let (pitch, inner) = (laid.layout.part[2], laid.offsets.len());
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
    let mut out = buffers::take(conv.batch * conv.output_len());
    // The frames of every output channel, by clip and time.
    let mut tasks: Vec<Vec<&mut [f32]>> = Vec::new();
    tasks.resize_with(conv.batch * frames, || Vec::with_capacity(conv.channels[1]));
    for (i, frame) in out.chunks_exact_mut(height * width).enumerate() {
        tasks[i / frames / conv.channels[1] * frames + i % frames].push(frame);
    }
    let rows_at_once = (ROW / pitch).clamp(1, height);
    tasks.par_iter_mut().with_max_len(1).enumerate().for_each(|(task, out)| {
        SCRATCH.with_borrow_mut(|scratch| {
            let stride = laid.layout.frame(rows_at_once, width) + SLACK;
            if scratch.len() < ROWS * stride {
                scratch.resize(ROWS * stride, 0.0);
            }
            for row in (0..height).step_by(rows_at_once) {
                let rows = rows_at_once.min(height - row);
                let len = laid.layout.frame(rows, width);
                let source = laid.from(task / frames, task % frames, row);
                for (tile, weight) in tiles.iter().enumerate() {
                    Rows { source, offsets: &laid.offsets, weight, len, out: scratch, stride }.run();
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
    });
    drop(tasks);
    out
}

pub(super) fn weight_gradient(conv: &Convolution, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let laid = Laid::new(conv, x);
    let [frames, height, width] = conv.output;
    let [_, part_height, pitch] = laid.layout.part;
    // Small frames go together: a sum over vectors ends in one over a vector, which takes its time.
    let frame_len = part_height * pitch;
    let at_once = (TOGETHER / frame_len).clamp(1, frames);
    let frames_len = |count: usize| (count - 1) * frame_len + laid.layout.frame(height, width);
    let (plane, stride) = (volume(conv.output), frames_len(at_once) + SLACK);
    let mut out = vec![0.0; conv.weight_len()];
    out.par_chunks_mut(DOT_ROWS * laid.offsets.len()).with_max_len(1).enumerate().for_each(|(tile, out)| {
        let rows = out.len() / laid.offsets.len();
        SCRATCH.with_borrow_mut(|scratch| {
            // Zero between the rows and frames, where there is nothing.
            scratch.clear();
            scratch.resize(rows * stride, 0.0);
            for clip in 0..conv.batch {
                for frame in (0..frames).step_by(at_once) {
                    let count = at_once.min(frames - frame);
                    for (m, to) in scratch.chunks_exact_mut(stride).enumerate() {
                        let at = (clip * conv.channels[1] + tile * DOT_ROWS + m) * plane + frame * height * width;
                        let from = dy[at..at + count * height * width].chunks_exact(height * width);
                        to[count * frame_len..].fill(0.0);
                        for (to, from) in to.chunks_mut(frame_len).zip(from) {
                            for (to, from) in to.chunks_mut(pitch).zip(from.chunks_exact(width)) {
                                to[..width].copy_from_slice(from);
                            }
                        }
                    }
                    let source = laid.from(clip, frame, 0);
                    let len = frames_len(count);
                    DotRows { source, offsets: &laid.offsets, frames: scratch, stride, len, out }.run();
                }
            }
        });
    });
    out
}
