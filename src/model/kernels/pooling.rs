//! Max pooling with any kernel, stride and padding.

use super::{buffer_pool, volume};
use rayon::prelude::*;

/// Sizes of a pooling; axes are time, height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pooling {
    /// Clips times channels.
    pub planes: usize,
    pub input: [usize; 3],
    pub output: [usize; 3],
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    /// What lies before the first input is never the largest.
    pub padding: [usize; 3],
}

impl Pooling {
    /// `None` when a window does not fit, or would hold nothing but padding.
    pub fn new(
        planes: usize,
        input: [usize; 3],
        kernel: [usize; 3],
        stride: [usize; 3],
        padding: [usize; 3],
    ) -> Option<Self> {
        if planes == 0 || input.contains(&0) || kernel.contains(&0) || stride.contains(&0) {
            return None;
        }
        let mut output = [0; 3];
        for axis in 0..3 {
            if padding[axis] >= kernel[axis] {
                return None;
            }
            output[axis] = super::super::ops::windows(input[axis], kernel[axis], stride[axis], padding[axis])?;
        }
        Some(Self { planes, input, output, kernel, stride, padding })
    }

    /// Inputs of the window at `place` of an axis.
    fn window(&self, axis: usize, place: usize) -> std::ops::Range<usize> {
        let from = place * self.stride[axis];
        let end = (from + self.kernel[axis]).saturating_sub(self.padding[axis]).min(self.input[axis]);
        from.saturating_sub(self.padding[axis]).min(end)..end
    }

    /// The largest of each window; not a number where one of it is not.
    pub fn forward(&self, x: &[f32]) -> Vec<f32> {
        let (inputs, outputs) = (volume(self.input), volume(self.output));
        let mut out = buffer_pool::take(self.planes * outputs);
        let tasks = out.par_chunks_exact_mut(outputs).zip(x.par_chunks_exact(inputs));
        tasks.for_each_init(Vec::new, |row, (out, x)| self.plane(x, out, row));
        out
    }

    /// One channel of one clip; `row` holds the largest over time and height, column by column.
    fn plane(&self, x: &[f32], out: &mut [f32], row: &mut Vec<f32>) {
        let ([_, height, width], [_, rows, columns]) = (self.input, self.output);
        for (i, out) in out.chunks_exact_mut(columns).enumerate() {
            row.clear();
            row.resize(width, f32::NEG_INFINITY);
            for t in self.window(0, i / rows) {
                for h in self.window(1, i % rows) {
                    for (to, v) in row.iter_mut().zip(&x[(t * height + h) * width..][..width]) {
                        *to = larger(*to, *v);
                    }
                }
            }
            if self.kernel[2] == 2 && self.stride[2] == 2 && self.padding[2] == 0 {
                for (to, pair) in out.iter_mut().zip(row.as_chunks::<2>().0) {
                    *to = larger(pair[0], pair[1]);
                }
                continue;
            }
            for (w, to) in out.iter_mut().enumerate() {
                *to = row[self.window(2, w)].iter().fold(f32::NEG_INFINITY, |m, v| larger(m, *v));
            }
        }
    }

    /// Gradient of the input: that of an output goes to the first of the largest of its window, as in PyTorch.
    pub fn backward(&self, x: &[f32], dy: &[f32]) -> Vec<f32> {
        let (inputs, outputs) = (volume(self.input), volume(self.output));
        let mut out = buffer_pool::take(self.planes * inputs);
        let tasks = out.par_chunks_exact_mut(inputs).zip(x.par_chunks_exact(inputs));
        tasks.zip(dy.par_chunks_exact(outputs)).for_each_init(Vec::new, |best, ((out, x), dy)| {
            if self.kernel == self.stride && self.padding == [0; 3] && self.kernel[2] == 2 {
                self.plane_back_in_pairs(x, dy, out, best);
            } else {
                self.plane_back(x, dy, out);
            }
        });
        out
    }

    /// One channel of one clip.
    fn plane_back(&self, x: &[f32], dy: &[f32], out: &mut [f32]) {
        out.fill(0.0);
        let [_, height, width] = self.input;
        let mut dy = dy.iter();
        for t in 0..self.output[0] {
            let frames = self.window(0, t);
            for h in 0..self.output[1] {
                let rows = self.window(1, h);
                for (w, dy) in (0..self.output[2]).zip(&mut dy) {
                    let columns = self.window(2, w);
                    let (mut best, mut at) = (f32::NEG_INFINITY, None);
                    for t in frames.clone() {
                        for h in rows.clone() {
                            let start = (t * height + h) * width;
                            for (i, v) in x[start + columns.start..start + columns.end].iter().enumerate() {
                                if at.is_none() || *v > best || v.is_nan() {
                                    (best, at) = (*v, Some(start + columns.start + i));
                                }
                            }
                        }
                    }
                    if let Some(at) = at {
                        out[at] += dy;
                    }
                }
            }
        }
    }

    /// The same where windows lie side by side and are two wide, a row of windows at a time: `best` holds the largest
    /// of each and which of its inputs that is.
    fn plane_back_in_pairs(&self, x: &[f32], dy: &[f32], out: &mut [f32], best: &mut Vec<(f32, u32)>) {
        let covered = (0..3).all(|a| self.output[a] * self.kernel[a] == self.input[a]);
        if !covered {
            out.fill(0.0);
        }
        let ([_, height, width], [_, rows, columns]) = (self.input, self.output);
        for (i, dy) in dy.chunks_exact(columns).enumerate() {
            best.clear();
            best.resize(columns, (f32::NEG_INFINITY, 0));
            let lines = || {
                let frames = self.window(0, i / rows);
                frames.flat_map(|t| self.window(1, i % rows).map(move |h| (t * height + h) * width))
            };
            for (line, at) in lines().enumerate() {
                let number = 2 * line as u32;
                for (best, pair) in best.iter_mut().zip(x[at..at + width].as_chunks::<2>().0) {
                    for (v, number) in pair.iter().zip(number..) {
                        *best = if *v > best.0 || v.is_nan() { (*v, number) } else { *best };
                    }
                }
            }
            for (line, at) in lines().enumerate() {
                let number = 2 * line as u32;
                let pairs = out[at..at + width].as_chunks_mut::<2>().0;
                for ((to, (_, best)), dy) in pairs.iter_mut().zip(best.iter()).zip(dy) {
                    let of = |number: u32| if *best == number { *dy } else { 0.0 };
                    *to = [of(number), of(number + 1)];
                }
            }
        }
    }
}

impl std::fmt::Display for Pooling {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ([t, h, w], [kt, kh, kw]) = (self.output, self.kernel);
        write!(f, "{kt}x{kh}x{kw} to {}x{t}x{h}x{w}", self.planes)
    }
}

/// The larger; what is not a number wins.
#[inline(always)]
fn larger(a: f32, b: f32) -> f32 {
    if b > a || b.is_nan() { b } else { a }
}
