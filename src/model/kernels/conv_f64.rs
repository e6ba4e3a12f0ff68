//! Convolutions whose every output is the exact sum, rounded once: inputs and outputs are `f32`, and everything between
//! is `f64`.
//!
//! Where two inputs of a max pool are equal but for the last digits, the rounding of the layers before decides which of
//! them gets the whole gradient, and a heatmap moves. Sums in `f32` are off by some 1e-7 to 1e-6, whatever their order;
//! these are off by half a digit, and equal inputs give equal outputs wherever they lie. In `f64` the transforms with the
//! fewest multiplications round to nothing that could be seen, so that this costs little more than direct sums in `f32`.

use super::dot_f64::{PANEL, Sums};
use super::winograd::time_tiling::Direction;
use super::winograd::transforms_f64::{self, Cuts};
use super::{Convolution, Finish, volume};
use rayon::prelude::*;

/// Multiplications that cost as much as bringing one number of a kernel into its place.
const PLACE: usize = 10;

/// A convolution, or its gradient of the input where that is one too, as sums over the taps of a kernel.
#[derive(Clone, Copy, Debug)]
pub(super) struct Correlation<'a> {
    pub conv: &'a Convolution,
    pub direction: Direction,
    pub weight: &'a [f32],
    /// What goes in and what comes out.
    pub channels: [usize; 2],
    pub input: [usize; 3],
    pub output: [usize; 3],
    pub stride: [usize; 3],
    pub padding: [usize; 3],
}

impl<'a> Correlation<'a> {
    fn forward(conv: &'a Convolution, weight: &'a [f32]) -> Self {
        let (channels, direction) = (conv.channels, Direction::Forward);
        let (stride, padding) = (conv.geometry.stride, conv.geometry.padding);
        Self { conv, direction, weight, channels, input: conv.input, output: conv.output, stride, padding }
    }

    /// `None` where inputs lie a stride apart.
    fn back(conv: &'a Convolution, weight: &'a [f32]) -> Option<Self> {
        let mut padding = [0; 3];
        for (axis, padding) in padding.iter_mut().enumerate() {
            *padding = (conv.kernel[axis] - 1).checked_sub(conv.geometry.padding[axis])?;
        }
        let ([i, o], direction) = (conv.channels, Direction::Back);
        let (input, output, stride) = (conv.output, conv.input, [1; 3]);
        let one = conv.geometry.stride == stride;
        one.then_some(Self { conv, direction, weight, channels: [o, i], input, output, stride, padding })
    }

    /// The weight between an input and an output channel at a tap.
    pub fn tap(&self, from: usize, to: usize, tap: [usize; 3]) -> f64 {
        let [kt, kh, kw] = self.conv.kernel;
        let (i, o, [t, h, w]) = match self.direction {
            Direction::Forward => (from, to, tap),
            Direction::Back => (to, from, [kt - 1 - tap[0], kh - 1 - tap[1], kw - 1 - tap[2]]),
        };
        f64::from(self.weight[(((o * self.conv.channels[0] + i) * kt + t) * kh + h) * kw + w])
    }

    /// Numbers of one clip that come out.
    pub fn output_len(&self) -> usize {
        self.channels[1] * volume(self.output)
    }

    /// Blocks of `of` things, so many that all threads have some of each panel of outputs.
    pub fn blocks(&self, of: usize) -> usize {
        let panels = self.channels[1].div_ceil(PANEL);
        of.div_ceil((2 * rayon::current_num_threads()).div_ceil(panels).clamp(1, of))
    }

    /// Clips, each through `one`.
    fn each(&self, x: &[f32], one: impl Fn(&[f32], &mut [f32])) -> Vec<f32> {
        let mut out = super::buffer_pool::take(self.conv.batch * self.output_len());
        let clips = x.chunks_exact(self.channels[0] * volume(self.input));
        clips.zip(out.chunks_exact_mut(self.output_len())).for_each(|(x, out)| one(x, out));
        out
    }
}

/// The convolution; `None` for groups, whose sums are short.
pub(super) fn forward(conv: &Convolution, x: &[f32], weight: &[f32], finish: Finish<'_>) -> Option<Vec<f32>> {
    (conv.geometry.groups == 1).then(|| run(&Correlation::forward(conv, weight), x, finish))
}

/// Gradient of the input; `None` for groups and strides.
pub(super) fn input_gradient(conv: &Convolution, weight: &[f32], dy: &[f32]) -> Option<Vec<f32>> {
    let correlation = Correlation::back(conv, weight).filter(|_| conv.geometry.groups == 1)?;
    Some(run(&correlation, dy, Finish::default()))
}

/// True where the outputs are computed by transforms.
#[cfg(test)]
pub(super) fn transforms(conv: &Convolution, weight: &[f32]) -> bool {
    cuts(&Correlation::forward(conv, weight)).is_some()
}

/// The transforms, where they take less than the sums of products.
fn cuts(c: &Correlation<'_>) -> Option<Cuts> {
    let direct = volume(c.conv.kernel) * (volume(c.output) + PLACE) * c.channels[0] * c.channels[1];
    Cuts::best(c).filter(|cuts| cuts.cost(c) < direct)
}

fn run(c: &Correlation<'_>, x: &[f32], finish: Finish<'_>) -> Vec<f32> {
    match cuts(c) {
        Some(cuts) => c.each(x, |x, out| transforms_f64::correlate(c, cuts, x, finish, out)),
        None => c.each(x, |x, out| sums(c, x, finish, out)),
    }
}

/// A picture in `f64` with zeros around it, channels last.
pub(super) struct PaddedInput {
    pub values: Vec<f64>,
    /// Time, height and width with the zeros.
    pub size: [usize; 3],
    pub channels: usize,
}

impl PaddedInput {
    /// Of `[channels, time, height, width]`, `before` zeros before each axis and behind it as many as fill `size`.
    pub fn new(x: &[f32], channels: usize, of: [usize; 3], before: [usize; 3], size: [usize; 3]) -> Self {
        let ([_, height, width], row) = (of, size[2] * channels);
        let mut values = vec![0.0; volume(size) * channels];
        values.par_chunks_mut(row).enumerate().for_each(|(at, out)| {
            let (t, y) = (at / size[1], at % size[1]);
            let (Some(t), Some(y)) = (t.checked_sub(before[0]), y.checked_sub(before[1])) else { return };
            if t >= of[0] || y >= height {
                return;
            }
            for c in 0..channels {
                let from = &x[((c * of[0] + t) * height + y) * width..][..width];
                let to = out[before[2] * channels + c..].iter_mut().step_by(channels);
                to.zip(from).for_each(|(to, v)| *to = f64::from(*v));
            }
        });
        Self { values, size, channels }
    }

    /// Where a place begins.
    pub fn at(&self, [t, y, x]: [usize; 3]) -> usize {
        ((t * self.size[1] + y) * self.size[2] + x) * self.channels
    }
}

/// Numbers as they go out.
pub(super) fn finished(value: f64, (factor, addend): (f32, f32), bounds: [f32; 2]) -> f32 {
    super::norm::clamped_one((value * f64::from(factor) + f64::from(addend)) as f32, bounds)
}

/// The sums of products themselves, one clip.
fn sums(c: &Correlation<'_>, x: &[f32], finish: Finish<'_>, out: &mut [f32]) {
    let ([i, o], [kt, kh, kw], [ot, oh, ow]) = (c.channels, c.conv.kernel, c.output);
    let size =
        std::array::from_fn(|a| ((c.output[a] - 1) * c.stride[a] + c.conv.kernel[a]).max(c.input[a] + c.padding[a]));
    let picture = PaddedInput::new(x, i, c.input, c.padding, size);
    // What a row of taps meets lies side by side.
    let bases: Vec<usize> = (0..kt * kh).map(|tap| picture.at([tap / kh, tap % kh, 0])).collect();
    let rows_of = |row: usize| {
        let first = [row / oh * c.stride[0], row % oh * c.stride[1]];
        let at = move |picture: &PaddedInput, x: usize| picture.at([first[0], first[1], x * c.stride[2]]);
        (0..ow).map(|x| at(&picture, x)).collect::<Vec<usize>>()
    };
    let rows: Vec<usize> = (0..ot * oh).flat_map(rows_of).collect();
    let at_once = c.blocks(ot * oh) * ow;
    let blocks: Vec<(usize, usize)> = (0..o.div_ceil(PANEL))
        .flat_map(|panel| (0..rows.len()).step_by(at_once).map(move |row| (panel, row)))
        .collect();
    let lines = finish.lines(o);
    let made: Vec<Vec<f32>> = blocks
        .par_iter()
        .with_max_len(1)
        .map(|(panel, first)| {
            let mut kernel = vec![0.0; kt * kh * kw * i * PANEL];
            for (k, to) in kernel.chunks_exact_mut(PANEL).enumerate() {
                let (tap, from) = (k / i, k % i);
                for (to, channel) in to.iter_mut().zip(panel * PANEL..o) {
                    *to = c.tap(from, channel, [tap / kw / kh, tap / kw % kh, tap % kw]);
                }
            }
            let rows = &rows[*first..rows.len().min(first + at_once)];
            let mut totals = vec![0.0; rows.len() * PANEL];
            Sums { a: &picture.values, rows, bases: &bases, inner: kw * i, b: &kernel, out: &mut totals }.run();
            let channels = PANEL.min(o - panel * PANEL);
            let of = |channel: usize| {
                let line = lines[panel * PANEL + channel];
                totals.iter().skip(channel).step_by(PANEL).map(move |v| finished(*v, line, finish.bounds))
            };
            (0..channels).flat_map(of).collect()
        })
        .collect();
    let plane = volume(c.output);
    for ((panel, first), made) in blocks.into_iter().zip(made) {
        let count = rows.len().min(first + at_once) - first;
        for (channel, made) in made.chunks_exact(count).enumerate() {
            out[(panel * PANEL + channel) * plane + first..][..count].copy_from_slice(made);
        }
    }
}
