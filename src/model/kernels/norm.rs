//! Batch normalisation (Ioffe & Szegedy 2015) fused with the activation: one pass over memory forward, two backward.

use super::Activation;
use super::buffer_pool;
use crate::simd::arch;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// What follows the statistics of a batch normalisation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NormOptions {
    /// Added to the variance.
    pub epsilon: f64,
    /// What follows.
    pub activation: Activation,
}

/// Numbers whose mean and variance are taken together: they stay in the nearest cache.
pub(super) const CHUNK: usize = 4096;
/// Channels a thread takes at a time hold about this many numbers.
const TASK: usize = 1 << 15;
/// Sums kept side by side.
const WIDE: usize = 4;

/// `[batch, channels, plane]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Planes {
    pub batch: usize,
    pub channels: usize,
    pub plane: usize,
}

/// What is learned, and how numbers that leave it are clamped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Norm<'a> {
    pub scale: &'a [f32],
    pub shift: &'a [f32],
    pub options: NormOptions,
}

impl Planes {
    /// The numbers of each channel in turn, a slice a clip, `many` channels at once.
    fn by_channel<'a>(&self, values: &'a mut [f32]) -> Vec<&'a mut [f32]> {
        let mut planes: Vec<Option<&mut [f32]>> = values.chunks_exact_mut(self.plane).map(Some).collect();
        let places = (0..self.channels).flat_map(|c| (0..self.batch).map(move |b| b * self.channels + c));
        places.filter_map(|at| planes.get_mut(at).and_then(Option::take)).collect()
    }

    fn of<'a>(&self, values: &'a [f32], channel: usize) -> impl Iterator<Item = &'a [f32]> + Clone {
        let (plane, channels) = (self.plane, self.channels);
        (0..self.batch).map(move |b| &values[(b * channels + channel) * plane..][..plane])
    }

    fn at_once(&self) -> usize {
        let fair = self.channels.div_ceil(2 * rayon::current_num_threads()).max(1);
        (TASK / (self.batch * self.plane).max(1)).clamp(1, fair)
    }

    fn count(&self) -> f64 {
        (self.batch * self.plane) as f64
    }
}

impl std::fmt::Display for Planes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}x{}x{}", self.batch, self.channels, self.plane)
    }
}

/// Multiplier and addend that normalise a channel.
fn line(norm: &Norm<'_>, channel: usize, mean: f32, variance: f32) -> (f32, f32) {
    let a = f64::from(norm.scale[channel]) / (f64::from(variance) + norm.options.epsilon).sqrt();
    (a as f32, (f64::from(norm.shift[channel]) - f64::from(mean) * a) as f32)
}

/// Normalises by the statistics of the batch; the output, and each channel's mean and biased variance.
pub(crate) fn train(planes: Planes, x: &[f32], norm: Norm<'_>) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let mut out = buffer_pool::take(x.len());
    let (mut means, mut variances) = (vec![0.0; planes.channels], vec![0.0; planes.channels]);
    let many = planes.at_once();
    let mut parts = planes.by_channel(&mut out);
    let statistics = means.par_chunks_mut(many).zip(variances.par_chunks_mut(many));
    let tasks = parts.par_chunks_mut(many * planes.batch).zip(statistics).enumerate();
    tasks.for_each(|(task, (parts, (means, variances)))| {
        for (i, parts) in parts.chunks_mut(planes.batch).enumerate() {
            let channel = task * many + i;
            let (mean, variance) = moments(planes.of(x, channel));
            (means[i], variances[i]) = (mean, variance);
            let (a, b) = line(&norm, channel, mean, variance);
            for (from, to) in planes.of(x, channel).zip(parts) {
                arch().dispatch(Lines { from, to, a, b, bounds: norm.options.activation.bounds() });
            }
        }
    });
    drop(parts);
    (out, means, variances)
}

/// Gradients of the input, the scale and the shift. `dy` is written over and becomes the first.
pub(crate) fn train_backward(
    planes: Planes,
    x: &[f32],
    norm: Norm<'_>,
    [means, variances]: [&[f32]; 2],
    mut dy: Vec<f32>,
) -> (Vec<f32>, Vec<f32>, Vec<f32>) {
    let (mut scales, mut shifts) = (vec![0.0; planes.channels], vec![0.0; planes.channels]);
    let many = planes.at_once();
    let bounds = norm.options.activation.bounds();
    let mut parts = planes.by_channel(&mut dy);
    let learned = scales.par_chunks_mut(many).zip(shifts.par_chunks_mut(many));
    let tasks = parts.par_chunks_mut(many * planes.batch).zip(learned).enumerate();
    tasks.for_each(|(task, (parts, (scales, shifts)))| {
        for (i, parts) in parts.chunks_mut(planes.batch).enumerate() {
            let channel = task * many + i;
            let mean = means[channel];
            let (a, b) = line(&norm, channel, mean, variances[channel]);
            let inverse = (1.0 / (f64::from(variances[channel]) + norm.options.epsilon).sqrt()) as f32;
            let (mut sum, mut product) = (0.0, 0.0);
            for (x, dy) in planes.of(x, channel).zip(parts.iter()) {
                for (x, dy) in x.chunks(CHUNK).zip(dy.chunks(CHUNK)) {
                    let (s, p) = arch().dispatch(Overlap { x, dy, a, b, mean, bounds });
                    sum += f64::from(s);
                    product += f64::from(p);
                }
            }
            let product = product * f64::from(inverse);
            (scales[i], shifts[i]) = (product as f32, sum as f32);
            let (share, slope) = (sum / planes.count(), product / planes.count());
            let (share, slope) = (share as f32, (slope * f64::from(inverse)) as f32);
            for (x, dy) in planes.of(x, channel).zip(parts) {
                arch().dispatch(Back { x, dy, a, b, mean, share, slope, bounds });
            }
        }
    });
    drop(parts);
    (dy, scales, shifts)
}

/// Sum of a short piece.
pub(super) fn sum(values: &[f32]) -> f32 {
    arch().dispatch(Total { values, centre: 0.0, squared: false })
}

/// Mean and biased variance of all parts together: those of short pieces, merged (Chan et al. 1983).
fn moments<'a>(parts: impl Iterator<Item = &'a [f32]>) -> (f32, f32) {
    let (mut count, mut mean, mut spread) = (0.0_f64, 0.0_f64, 0.0_f64);
    for piece in parts.flat_map(|part| part.chunks(CHUNK)) {
        let n = piece.len() as f64;
        let here = f64::from(sum(piece)) / n;
        let centre = here as f32;
        let squares = f64::from(arch().dispatch(Total { values: piece, centre, squared: true }));
        let away = here - mean;
        let all = count + n;
        mean += away * n / all;
        spread += squares + away * away * count * n / all;
        count = all;
    }
    (mean as f32, (spread / count) as f32)
}

/// `Σ v`, or `Σ (v - centre)²`.
struct Total<'a> {
    values: &'a [f32],
    centre: f32,
    squared: bool,
}

impl WithSimd for Total<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> f32 {
        let (body, tail) = S::as_simd_f32s(self.values);
        let (wide, rest) = body.as_chunks::<WIDE>();
        let centre = simd.splat_f32s(self.centre);
        let mut sums = [simd.splat_f32s(0.0); WIDE];
        if self.squared {
            for v in wide {
                for n in 0..WIDE {
                    let away = simd.sub_f32s(v[n], centre);
                    sums[n] = simd.mul_add_e_f32s(away, away, sums[n]);
                }
            }
            for v in rest {
                let away = simd.sub_f32s(*v, centre);
                sums[0] = simd.mul_add_e_f32s(away, away, sums[0]);
            }
        } else {
            for v in wide {
                for n in 0..WIDE {
                    sums[n] = simd.add_f32s(sums[n], v[n]);
                }
            }
            for v in rest {
                sums[0] = simd.add_f32s(sums[0], *v);
            }
        }
        let sum = simd.add_f32s(simd.add_f32s(sums[0], sums[1]), simd.add_f32s(sums[2], sums[3]));
        let term = |v: &f32| if self.squared { (v - self.centre) * (v - self.centre) } else { *v };
        simd.reduce_sum_f32s(sum) + tail.iter().map(term).sum::<f32>()
    }
}

/// Between the bounds; what is not a number stays so.
#[inline(always)]
pub(super) fn clamped<S: Simd>(simd: S, v: S::f32s, [low, high]: [S::f32s; 2]) -> S::f32s {
    let v = simd.select_f32s(simd.less_than_f32s(v, low), low, v);
    simd.select_f32s(simd.less_than_f32s(high, v), high, v)
}

/// The same for one number.
#[inline(always)]
pub(super) fn clamped_one(v: f32, [low, high]: [f32; 2]) -> f32 {
    if v < low {
        low
    } else if v > high {
        high
    } else {
        v
    }
}

/// `to = clamp(from · a + b)`.
struct Lines<'a> {
    from: &'a [f32],
    to: &'a mut [f32],
    a: f32,
    b: f32,
    bounds: [f32; 2],
}

impl WithSimd for Lines<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { from, to, a, b, bounds } = self;
        let (from, from_tail) = S::as_simd_f32s(from);
        let (to, to_tail) = S::as_mut_simd_f32s(to);
        let (va, vb, limits) = (simd.splat_f32s(a), simd.splat_f32s(b), bounds.map(|v| simd.splat_f32s(v)));
        for (to, from) in to.iter_mut().zip(from) {
            *to = clamped(simd, simd.mul_add_e_f32s(*from, va, vb), limits);
        }
        for (to, from) in to_tail.iter_mut().zip(from_tail) {
            *to = clamped_one(from * a + b, bounds);
        }
    }
}

/// `dy` where `x · a + b` lies between the bounds, zero elsewhere.
#[inline(always)]
fn passed<S: Simd>(simd: S, x: S::f32s, dy: S::f32s, [a, b]: [S::f32s; 2], [low, high]: [S::f32s; 2]) -> S::f32s {
    let (y, zero) = (simd.mul_add_e_f32s(x, a, b), simd.splat_f32s(0.0));
    let dy = simd.select_f32s(simd.less_than_or_equal_f32s(y, low), zero, dy);
    simd.select_f32s(simd.less_than_or_equal_f32s(high, y), zero, dy)
}

#[inline(always)]
fn passed_one(x: f32, dy: f32, a: f32, b: f32, [low, high]: [f32; 2]) -> f32 {
    let y = x * a + b;
    if y <= low || y >= high { 0.0 } else { dy }
}

/// `Σ d` and `Σ d · (x - mean)`, `d` being what passes the clamp of `dy`.
struct Overlap<'a> {
    x: &'a [f32],
    dy: &'a [f32],
    a: f32,
    b: f32,
    mean: f32,
    bounds: [f32; 2],
}

impl WithSimd for Overlap<'_> {
    type Output = (f32, f32);

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> (f32, f32) {
        let Self { x, dy, a, b, mean, bounds } = self;
        let (x, x_tail) = S::as_simd_f32s(x);
        let (dy, dy_tail) = S::as_simd_f32s(dy);
        let (line, limits) = ([a, b].map(|v| simd.splat_f32s(v)), bounds.map(|v| simd.splat_f32s(v)));
        let centre = simd.splat_f32s(mean);
        let mut sums = [simd.splat_f32s(0.0); WIDE];
        let mut products = sums;
        let ((x_wide, x_rest), (dy_wide, dy_rest)) = (x.as_chunks::<WIDE>(), dy.as_chunks::<WIDE>());
        for (x, dy) in x_wide.iter().zip(dy_wide) {
            for n in 0..WIDE {
                let d = passed(simd, x[n], dy[n], line, limits);
                sums[n] = simd.add_f32s(sums[n], d);
                products[n] = simd.mul_add_e_f32s(d, simd.sub_f32s(x[n], centre), products[n]);
            }
        }
        for (x, dy) in x_rest.iter().zip(dy_rest) {
            let d = passed(simd, *x, *dy, line, limits);
            sums[0] = simd.add_f32s(sums[0], d);
            products[0] = simd.mul_add_e_f32s(d, simd.sub_f32s(*x, centre), products[0]);
        }
        let total = |v: [S::f32s; WIDE]| v.into_iter().map(|v| simd.reduce_sum_f32s(v)).sum::<f32>();
        let (mut sum, mut product) = (total(sums), total(products));
        for (x, dy) in x_tail.iter().zip(dy_tail) {
            let d = passed_one(*x, *dy, a, b, bounds);
            sum += d;
            product += d * (x - mean);
        }
        (sum, product)
    }
}

/// `dy = a · (d - share - (x - mean) · slope)`, `d` being what passes the clamp of `dy`.
struct Back<'a> {
    x: &'a [f32],
    dy: &'a mut [f32],
    a: f32,
    b: f32,
    mean: f32,
    share: f32,
    slope: f32,
    bounds: [f32; 2],
}

impl WithSimd for Back<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { x, dy, a, b, mean, share, slope, bounds } = self;
        let (x, x_tail) = S::as_simd_f32s(x);
        let (dy, dy_tail) = S::as_mut_simd_f32s(dy);
        let (line, limits) = ([a, b].map(|v| simd.splat_f32s(v)), bounds.map(|v| simd.splat_f32s(v)));
        let [centre, part, steep] = [mean, share, -slope].map(|v| simd.splat_f32s(v));
        for (x, dy) in x.iter().zip(dy) {
            let d = simd.sub_f32s(passed(simd, *x, *dy, line, limits), part);
            *dy = simd.mul_f32s(line[0], simd.mul_add_e_f32s(simd.sub_f32s(*x, centre), steep, d));
        }
        for (x, dy) in x_tail.iter().zip(dy_tail) {
            *dy = a * (passed_one(*x, *dy, a, b, bounds) - share - (x - mean) * slope);
        }
    }
}
