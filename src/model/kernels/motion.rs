//! Frame differencing.

use super::buffer_pool;
use crate::simd::arch;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Clips `[batch, channels, frames, pixels]` minus their mean frame, divided by the standard deviation of that over each
/// clip. `still` is added to the variance.
pub(crate) fn moving(x: &[f32], [batch, channels, frames, pixels]: [usize; 4], still: f64) -> Vec<f32> {
    let clip = channels * frames * pixels;
    let mut out = buffer_pool::take(batch * clip);
    out.par_chunks_mut(clip.max(1)).zip(x.par_chunks(clip.max(1))).for_each(|(out, x)| {
        arch().dispatch(Clip { x, out, frames, pixels, still });
    });
    out
}

struct Clip<'a> {
    x: &'a [f32],
    out: &'a mut [f32],
    frames: usize,
    pixels: usize,
    still: f64,
}

impl WithSimd for Clip<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { x, out, frames, pixels, still } = self;
        let mut mean = vec![0.0_f32; pixels];
        let mut squares = 0.0_f64;
        for (x, out) in x.chunks_exact(frames * pixels).zip(out.chunks_exact_mut(frames * pixels)) {
            mean.fill(0.0);
            for frame in x.chunks_exact(pixels) {
                mean.iter_mut().zip(frame).for_each(|(m, v)| *m += v);
            }
            mean.iter_mut().for_each(|m| *m /= frames as f32);
            for (frame, out) in x.chunks_exact(pixels).zip(out.chunks_exact_mut(pixels)) {
                // Sixteen sums side by side, so that they can be vectors; a frame's are short enough for 32 bits.
                let mut sums = [0.0_f32; 16];
                let ((frames, frame_rest), (means, mean_rest)) = (frame.as_chunks::<16>(), mean.as_chunks::<16>());
                let (outs, out_rest) = out.as_chunks_mut::<16>();
                for ((out, v), m) in outs.iter_mut().zip(frames).zip(means) {
                    for i in 0..16 {
                        out[i] = v[i] - m[i];
                        sums[i] += out[i] * out[i];
                    }
                }
                for ((out, v), m) in out_rest.iter_mut().zip(frame_rest).zip(mean_rest) {
                    *out = v - m;
                    sums[0] += *out * *out;
                }
                squares += sums.iter().map(|s| f64::from(*s)).sum::<f64>();
            }
        }
        let by = (1.0 / (squares / x.len().max(1) as f64 + still).sqrt()) as f32;
        out.iter_mut().for_each(|v| *v *= by);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_is_the_definition_s() {
        let sizes = [2, 3, 5, 37];
        let [batch, channels, frames, pixels] = sizes;
        let x: Vec<f32> =
            (0..batch * channels * frames * pixels).map(|i| (i as f32 * 0.731).sin() + i as f32 * 1e-3).collect();
        let found = moving(&x, sizes, 1e-3);
        for b in 0..batch {
            let at = |c: usize, t: usize, p: usize| ((b * channels + c) * frames + t) * pixels + p;
            let mut moved = Vec::new();
            for c in 0..channels {
                for t in 0..frames {
                    for p in 0..pixels {
                        let mean = (0..frames).map(|t| f64::from(x[at(c, t, p)])).sum::<f64>() / frames as f64;
                        moved.push((at(c, t, p), f64::from(x[at(c, t, p)]) - mean));
                    }
                }
            }
            let variance = moved.iter().map(|(_, v)| v * v).sum::<f64>() / moved.len() as f64;
            for (at, v) in moved {
                let expected = v / (variance + 1e-3).sqrt();
                assert!((f64::from(found[at]) - expected).abs() < 1e-5, "{at}: {} {expected}", found[at]);
            }
        }
    }
}
