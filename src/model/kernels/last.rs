//! Pictures with their channels last, and back.

use super::Finish;
use super::buffers::{self, Scratch};
use super::norm::clamped_one;
use rayon::prelude::*;

/// Places and channels moved at a time: a block of both orders fits the nearest cache.
const PLACES: usize = 64;
const CHANNELS: usize = 16;

/// `[B, channels, plane]` as `[B, plane, wide]`; what is added is zero.
pub(super) fn to_last(x: &[f32], channels: usize, plane: usize, wide: usize) -> Scratch {
    let batch = x.len() / (channels * plane);
    let mut out = buffers::scratch(batch * plane * wide);
    if wide != channels {
        out.fill(0.0);
    }
    let clips = out.par_chunks_exact_mut(plane * wide).zip(x.par_chunks_exact(channels * plane));
    clips.for_each(|(out, x)| {
        out.par_chunks_mut(PLACES * wide).enumerate().for_each(|(i, out)| {
            let first = i * PLACES;
            let places = out.len() / wide;
            for (block, channels) in x.chunks(CHANNELS * plane).enumerate() {
                let count = channels.len() / plane;
                match <[&[f32]; CHANNELS]>::try_from(
                    channels.chunks_exact(plane).map(|c| &c[first..first + places]).collect::<Vec<_>>(),
                ) {
                    Ok(rows) => {
                        for (place, out) in out.chunks_exact_mut(wide).enumerate() {
                            let out = &mut out[block * CHANNELS..][..CHANNELS];
                            for (to, row) in out.iter_mut().zip(&rows) {
                                *to = row[place];
                            }
                        }
                    }
                    Err(_) => {
                        for c in 0..count {
                            let from = &channels[c * plane + first..][..places];
                            for (out, v) in out.chunks_exact_mut(wide).zip(from) {
                                out[block * CHANNELS + c] = *v;
                            }
                        }
                    }
                }
            }
        });
    });
    out
}

/// `[B, plane, wide]` as `[B, channels, plane]`, finished.
pub(super) fn from_last(x: &[f32], channels: usize, plane: usize, wide: usize, finish: Finish<'_>) -> Vec<f32> {
    let batch = x.len() / (plane * wide);
    let mut out = buffers::take(batch * channels * plane);
    let clips = out.par_chunks_exact_mut(channels * plane).zip(x.par_chunks_exact(plane * wide));
    clips.for_each(|(out, x)| {
        out.par_chunks_mut(CHANNELS * plane).enumerate().for_each(|(block, out)| {
            let first = block * CHANNELS;
            let lines: Vec<(f32, f32)> = (first..channels.min(first + CHANNELS)).map(|c| finish.line(c)).collect();
            for (i, x) in x.chunks(PLACES * wide).enumerate() {
                for ((out, (factor, addend)), c) in out.chunks_exact_mut(plane).zip(&lines).zip(first..) {
                    for (to, from) in out[i * PLACES..].iter_mut().zip(x.chunks_exact(wide)) {
                        *to = clamped_one(from[c] * factor + addend, finish.bounds);
                    }
                }
            }
        });
    });
    out
}
