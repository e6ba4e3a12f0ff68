//! Weights' gradients of convolutions whose pictures are small and whose kernels are many: the sums go over the positions
//! of all clips, and only over frames that do not meet the border in time.

use super::batched_gemm::{self, Left, Lookup, PACKED, ROWS, STEP};
use super::gemm::{Matrices, PANEL};
use super::padding::repeated;
use super::{Convolution, buffer_pool, dense, volume};
use rayon::prelude::*;
use std::ops::Range;

/// Numbers of kernels for each position from which on one sum over all clips is better than one for every thread;
/// measured.
const PER_POSITION: usize = 64;
/// Input channels whose gradients are made before their taps are put side by side.
const TOGETHER: usize = 2 * PANEL;
/// Hundredths of the products that must be left for it to be worth leaving some out.
const LEFT: usize = 90;

/// True where this is faster than a sum for every thread: where the gradient is long beside the positions.
pub(super) fn pays(conv: &Convolution) -> bool {
    batched_gemm::fits(conv, conv.output) && conv.weight_len() >= PER_POSITION * conv.batch * volume(conv.output)
}

/// Taps one after the other that meet the same frames, and the positions of these, to whole vectors.
struct Taps {
    taps: Range<usize>,
    from: usize,
    len: usize,
}

/// All taps by the frames they meet; of `each` positions a frame, `deep` together.
fn by_frames(conv: &Convolution, each: usize, deep: usize) -> Vec<Taps> {
    let plane = conv.kernel[1] * conv.kernel[2];
    let mut all: Vec<Taps> = Vec::new();
    for k in 0..conv.kernel[0] {
        let meets = |t: &usize| {
            let at = t * conv.geometry.stride[0] + k;
            (conv.geometry.padding[0]..conv.geometry.padding[0] + conv.input[0]).contains(&at)
        };
        let first = (0..conv.output[0]).find(meets).unwrap_or(0);
        let count = (first..conv.output[0]).take_while(meets).count();
        // Whole vectors, and one where there is nothing to meet; the positions of other frames among them meet zeros.
        let len = (count * each).next_multiple_of(STEP).max(STEP);
        let from = (first * each).min(deep - len);
        match all.last_mut() {
            Some(last) if (last.from, last.len) == (from, len) => last.taps.end += plane,
            _ => all.push(Taps { taps: k * plane..(k + 1) * plane, from, len }),
        }
    }
    let products: usize = all.iter().map(|some| some.taps.len() * some.len).sum();
    if all.len() == 1 || products * 100 > volume(conv.kernel) * deep * LEFT {
        return vec![Taps { taps: 0..volume(conv.kernel), from: 0, len: deep }];
    }
    all
}

pub(super) fn weight_gradient(conv: &Convolution, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let padded = dense::bordered(conv);
    let (source, clip) = batched_gemm::bordered(&padded, x, conv.batch);
    let plane = conv.output[1] * conv.output[2];
    // All clips of a frame, one frame after the other.
    let positions = padded.grid(conv.output, conv.geometry.stride);
    let frames = positions.chunks_exact(plane);
    let mut positions: Vec<u32> = frames.flat_map(|frame| repeated(frame, conv.batch, clip)).collect();
    // Sums go over whole vectors of positions; the missing ones are zeros on one side.
    let deep = positions.len().next_multiple_of(STEP);
    positions.resize(deep, 0);
    let slopes = slopes(conv, dy, deep);
    let some = by_frames(conv, conv.batch * plane, deep);
    let all = padded.grid(conv.kernel, [1; 3]);
    let columns: Vec<Vec<u32>> =
        some.iter().map(|some| repeated(&all[some.taps.clone()], conv.channels[0], padded.plane())).collect();
    let lookups = some.iter().zip(&columns).map(|(some, columns)| {
        let inner = &positions[some.from..some.from + some.len];
        (some, Lookup { source: &source, inner, columns, taps: &[] })
    });
    let lookups: Vec<(&Taps, Lookup<'_>)> = lookups.collect();
    let mut out = buffer_pool::take(conv.weight_len());
    if let [(_, all)] = &*lookups {
        batched_gemm::multiply(&Left::Plain(&slopes), std::slice::from_ref(all), &mut out, all.columns.len());
    } else {
        multiply(conv, &slopes, deep, &lookups, &mut out);
    }
    out
}

/// The output's gradient `[channel, frame, clip, position]`.
fn slopes(conv: &Convolution, dy: &[f32], deep: usize) -> buffer_pool::Scratch {
    let plane = conv.output[1] * conv.output[2];
    let mut slopes = buffer_pool::scratch(conv.channels[1] * deep);
    slopes.par_chunks_mut(deep).with_min_len(ROWS).enumerate().for_each(|(channel, slopes)| {
        let (body, rest) = slopes.split_at_mut(conv.batch * volume(conv.output));
        for (i, to) in body.chunks_exact_mut(plane).enumerate() {
            let (frame, clip) = (i / conv.batch, i % conv.batch);
            let from = (clip * conv.channels[1] + channel) * conv.output[0] + frame;
            to.copy_from_slice(&dy[from * plane..][..plane]);
        }
        rest.fill(0.0);
    });
    slopes
}

/// Some channels after the other: products of the taps that meet the same frames, then all taps side by side.
fn multiply(conv: &Convolution, slopes: &[f32], deep: usize, some: &[(&Taps, Lookup<'_>)], out: &mut [f32]) {
    let (inside, kernel) = (conv.channels[0], volume(conv.kernel));
    let of_channel: usize = some.iter().map(|(some, _)| some.taps.len() * some.len).sum();
    let channels = (PACKED / of_channel).max(TOGETHER) / TOGETHER * TOGETHER;
    let mut room = buffer_pool::scratch(channels.min(inside) * of_channel);
    let at_once = batched_gemm::share(conv.channels[1]);
    for first in (0..inside).step_by(channels) {
        let channels = channels.min(inside - first);
        let packed = &mut room[..channels * of_channel];
        packed.par_chunks_mut(TOGETHER * of_channel).enumerate().for_each(|(block, mut packed)| {
            let channels = packed.len() / of_channel;
            for (some, lookup) in some {
                let of_these;
                (of_these, packed) = packed.split_at_mut(channels * some.taps.len() * some.len);
                let column = (first + block * TOGETHER) * some.taps.len();
                for (panel, out) in of_these.chunks_mut(PANEL * some.len).enumerate() {
                    lookup.pack_panel(lookup.inner, column + panel * PANEL, out);
                }
            }
        });
        let packed = &*packed;
        out.par_chunks_mut(at_once * inside * kernel).enumerate().for_each(|(task, out)| {
            let rows = out.len() / inside / kernel;
            let slopes = &slopes[task * at_once * deep..];
            let mut apart = buffer_pool::scratch(rows * TOGETHER * kernel);
            for (block, mut packed) in packed.chunks(TOGETHER * of_channel).enumerate() {
                let channels = packed.len() / of_channel;
                let wide = channels * kernel;
                for (some, _) in some {
                    let count = channels * some.taps.len();
                    let of_these;
                    (of_these, packed) = packed.split_at(count * some.len);
                    let (a, to) = (&slopes[some.from..], &mut apart[channels * some.taps.start..]);
                    let sizes = [rows, some.len, count];
                    Matrices::part_of_rows_times_panels(a, deep, of_these, to, wide, sizes, false);
                }
                let at = (first + block * TOGETHER) * kernel;
                for (out, apart) in out.chunks_exact_mut(inside * kernel).zip(apart.chunks_exact(wide)) {
                    let out = &mut out[at..at + wide];
                    for (some, _) in some {
                        let from = &apart[channels * some.taps.start..][..channels * some.taps.len()];
                        let from = from.chunks_exact(some.taps.len());
                        for (out, from) in out.chunks_exact_mut(kernel).zip(from) {
                            batched_gemm::copy(from, &mut out[some.taps.clone()]);
                        }
                    }
                }
            }
        });
    }
}
