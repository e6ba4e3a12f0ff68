//! Convolutions in which every channel is on its own.
//!
//! There is nothing to share between channels, so it is sums of shifted rows, one channel of one clip at a time.

use super::padded::Padded;
use super::{Convolution, volume};
use rayon::prelude::*;

fn bordered(conv: &Convolution) -> Padded {
    Padded::new(conv.input, conv.geometry.padding, conv.geometry.padding)
}

/// Calls `each` with every tap and output row: number of the tap, offset of the row's first input in the bordered
/// picture, offset of the row in the output.
#[inline(always)]
fn rows(conv: &Convolution, padded: &Padded, mut each: impl FnMut(usize, usize, usize)) {
    let [kt, kh, kw] = conv.kernel;
    let ([st, sh, _], [ot, oh, ow]) = (conv.geometry.stride, conv.output);
    for t in 0..ot {
        for h in 0..oh {
            let row = (t * oh + h) * ow;
            for tap in 0..kt * kh * kw {
                let at = padded.at([t * st + tap / kw / kh, h * sh + tap / kw % kh, tap % kw]);
                each(tap, at, row);
            }
        }
    }
}

pub(super) fn forward(conv: &Convolution, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let padded = bordered(conv);
    let (plane, taps) = (volume(conv.output), volume(conv.kernel));
    let (width, step) = (conv.output[2], conv.geometry.stride[2]);
    let mut out = vec![0.0; conv.batch * conv.output_len()];
    let channels = out.par_chunks_exact_mut(plane).zip(x.par_chunks_exact(volume(conv.input))).enumerate();
    channels.for_each_init(Vec::new, |buffer, (i, (out, x))| {
        let channel = i % conv.channels[0];
        let weight = &weight[channel * taps..][..taps];
        out.fill(bias.map_or(0.0, |b| b[channel]));
        let x = padded.fill(x, buffer);
        rows(conv, &padded, |tap, at, row| {
            let (out, w) = (&mut out[row..row + width], weight[tap]);
            let from = &x[at..at + (width - 1) * step + 1];
            if step == 1 {
                for (to, v) in out.iter_mut().zip(from) {
                    *to += w * v;
                }
            } else {
                for (to, v) in out.iter_mut().zip(from.iter().step_by(step)) {
                    *to += w * v;
                }
            }
        });
    });
    out
}

pub(super) fn input_gradient(conv: &Convolution, weight: &[f32], dy: &[f32]) -> Vec<f32> {
    let padded = bordered(conv);
    let taps = volume(conv.kernel);
    let (width, step) = (conv.output[2], conv.geometry.stride[2]);
    let mut out = vec![0.0; conv.batch * conv.input_len()];
    let channels = out.par_chunks_exact_mut(volume(conv.input)).zip(dy.par_chunks_exact(volume(conv.output)));
    channels.enumerate().for_each_init(Vec::new, |buffer, (i, (out, dy))| {
        let weight = &weight[i % conv.channels[0] * taps..][..taps];
        buffer.clear();
        buffer.resize(padded.plane(), 0.0);
        rows(conv, &padded, |tap, at, row| {
            let (dy, w) = (&dy[row..row + width], weight[tap]);
            let to = &mut buffer[at..at + (width - 1) * step + 1];
            if step == 1 {
                for (to, v) in to.iter_mut().zip(dy) {
                    *to += w * v;
                }
            } else {
                for (to, v) in to.iter_mut().step_by(step).zip(dy) {
                    *to += w * v;
                }
            }
        });
        padded.strip(buffer, out);
    });
    out
}

pub(super) fn weight_gradient(conv: &Convolution, x: &[f32], dy: &[f32]) -> Vec<f32> {
    let padded = bordered(conv);
    let taps = volume(conv.kernel);
    let (width, step) = (conv.output[2], conv.geometry.stride[2]);
    let (inputs, outputs) = (volume(conv.input), volume(conv.output));
    let mut out = vec![0.0; conv.weight_len()];
    out.par_chunks_exact_mut(taps).enumerate().for_each_init(Vec::new, |buffer, (channel, out)| {
        for clip in 0..conv.batch {
            let i = clip * conv.channels[0] + channel;
            let dy = &dy[i * outputs..][..outputs];
            let x = padded.fill(&x[i * inputs..][..inputs], buffer);
            rows(conv, &padded, |tap, at, row| {
                let from = &x[at..at + (width - 1) * step + 1];
                let dy = &dy[row..row + width];
                out[tap] += if step == 1 { dot(dy, from) } else { dot_spread(dy, from, step) };
            });
        }
    });
    out
}

/// Sum of products, eight at a time.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a8, a_rest), (b8, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let mut sums = [0.0_f32; 8];
    for (a, b) in a8.iter().zip(b8) {
        for i in 0..8 {
            sums[i] += a[i] * b[i];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

fn dot_spread(a: &[f32], b: &[f32], step: usize) -> f32 {
    a.iter().zip(b.iter().step_by(step)).map(|(a, b)| a * b).sum()
}
