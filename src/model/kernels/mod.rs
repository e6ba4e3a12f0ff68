//! Convolution on the CPU: plain functions over `f32` slices, which know nothing of tensors.
//!
//! Everything dense is one routine, [`indirect_gemm`]: a matrix times a matrix whose entries are looked up in a padded
//! picture through two lists of offsets. With the kernel's taps as rows and the output's positions as columns it is
//! the convolution; with the taps of one residue class of the stride and the input's positions, its input gradient;
//! with positions as rows and taps as columns, its weight gradient. The looked-up matrix is only ever made in pieces
//! that fit the second-level cache (Chellapilla et al. 2006 made the whole of it; Goto & van de Geijn 2008 is the order
//! of the loops).
//!
//! Where a convolution is asked to be precise, [`conv_f64`] computes it instead.
//!
//! Results depend on the number of threads only through the order in which weight gradients of several clips are
//! added, which is fixed.

pub(crate) mod add_clamp;
mod batched_gemm;
mod batched_gemm_weights;
pub(crate) mod buffer_pool;
mod channel_layout;
mod channels_last;
mod conv_f64;
mod dense;
mod depthwise;
mod dot_f64;
mod first_layer;
mod gemm;
mod geometry;
mod indirect_gemm;
pub(crate) mod motion;
pub(crate) mod norm;
pub(crate) mod optimizer_step;
mod padding;
pub(crate) mod pooling;
mod shifted_rows;
mod winograd;

pub(crate) use geometry::{Activation, ConvGeometry, windows};
use rayon::prelude::*;
use winograd::Form;
use winograd::time_tiling::Direction;

/// What happens to the numbers of an output channel before they are written: times `scale`, plus `shift`, clamped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish<'a> {
    pub scale: Option<&'a [f32]>,
    pub shift: Option<&'a [f32]>,
    pub bounds: [f32; 2],
}

impl Default for Finish<'_> {
    fn default() -> Self {
        Self { scale: None, shift: None, bounds: [f32::NEG_INFINITY, f32::INFINITY] }
    }
}

impl Finish<'_> {
    /// Factor and addend of a channel.
    fn line(&self, channel: usize) -> (f32, f32) {
        (self.scale.map_or(1.0, |s| s[channel]), self.shift.map_or(0.0, |s| s[channel]))
    }

    /// The same of so many channels.
    fn lines(&self, channels: usize) -> Vec<(f32, f32)> {
        (0..channels).map(|c| self.line(c)).collect()
    }

    /// True where nothing is clamped.
    fn is_open(&self) -> bool {
        self.bounds == [f32::NEG_INFINITY, f32::INFINITY]
    }
}

/// A convolution with all its sizes. Order of axes is time, height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Convolution {
    /// Clips.
    pub batch: usize,
    /// Input and output channels.
    pub channels: [usize; 2],
    /// Input size.
    pub input: [usize; 3],
    /// Output size.
    pub output: [usize; 3],
    /// Kernel size.
    pub kernel: [usize; 3],
    /// Stride, padding, groups.
    pub geometry: ConvGeometry,
    /// Sums are to be exact but for one rounding, which takes longer; gradients of weights are not computed so.
    pub precise: bool,
}

impl Convolution {
    /// From the shapes of the input `[B, C, T, H, W]` and the weight `[O, C / groups, kT, kH, kW]`; `None` when they do
    /// not fit each other.
    pub fn new(x: [usize; 5], weight: [usize; 5], geometry: ConvGeometry) -> Option<Self> {
        let ConvGeometry { stride, padding, groups } = geometry;
        let fits = groups > 0 && weight[1] * groups == x[1] && weight[0].is_multiple_of(groups);
        if !fits || stride.contains(&0) || x.contains(&0) || weight.contains(&0) {
            return None;
        }
        let mut output = [0; 3];
        for axis in 0..3 {
            output[axis] = windows(x[axis + 2], weight[axis + 2], stride[axis], padding[axis])?;
        }
        Some(Self {
            batch: x[0],
            channels: [x[1], weight[0]],
            input: [x[2], x[3], x[4]],
            output,
            kernel: [weight[2], weight[3], weight[4]],
            geometry,
            precise: false,
        })
    }

    /// Numbers of one clip going in.
    pub fn input_len(&self) -> usize {
        self.channels[0] * volume(self.input)
    }

    /// Numbers of one clip coming out.
    pub fn output_len(&self) -> usize {
        self.channels[1] * volume(self.output)
    }

    /// Numbers of the weight.
    pub fn weight_len(&self) -> usize {
        self.channels[1] * self.channels[0] / self.geometry.groups * volume(self.kernel)
    }

    /// Pairs of a multiplication and an addition in its definition.
    pub fn work(&self) -> u64 {
        self.batch as u64 * volume(self.output) as u64 * self.weight_len() as u64
    }

    fn is_depthwise(&self) -> bool {
        self.geometry.groups == self.channels[0] && self.channels[0] == self.channels[1]
    }

    /// Shape of the input.
    pub fn input_shape(&self) -> [usize; 5] {
        let [t, h, w] = self.input;
        [self.batch, self.channels[0], t, h, w]
    }

    /// Shape of the weight.
    pub fn weight_shape(&self) -> [usize; 5] {
        let [t, h, w] = self.kernel;
        [self.channels[1], self.channels[0] / self.geometry.groups, t, h, w]
    }

    /// What a transform makes of it, if one pays.
    fn transformed(&self, direction: Direction, make: impl FnOnce(Form) -> Option<Vec<f32>>) -> Option<Vec<f32>> {
        winograd::form(self, direction).and_then(make)
    }

    /// The convolution `[B, O, T', H', W']`, finished.
    pub fn forward(&self, x: &[f32], weight: &[f32], finish: Finish<'_>) -> Vec<f32> {
        if self.precise
            && let Some(out) = conv_f64::forward(self, x, weight, finish)
        {
            out
        } else if self.is_depthwise() {
            depthwise::forward(self, x, weight, finish)
        } else if let Some(out) =
            self.transformed(Direction::Forward, |form| winograd::forward(self, form, x, weight, finish))
        {
            out
        } else if first_layer::is_few(self) {
            first_layer::forward(self, x, weight, finish)
        } else if batched_gemm::pays(self, self.output) {
            batched_gemm::forward(self, x, weight, finish)
        } else {
            dense::forward(self, x, weight, finish)
        }
    }

    /// Gradient of a number added to each output channel.
    pub fn bias_gradient(&self, dy: &[f32]) -> Vec<f32> {
        let plane = volume(self.output);
        let sum = |channel| {
            let clips = (0..self.batch).map(|b| &dy[(b * self.channels[1] + channel) * plane..][..plane]);
            clips.flat_map(|p| p.chunks(norm::CHUNK)).map(|p| f64::from(norm::sum(p))).sum::<f64>() as f32
        };
        (0..self.channels[1]).into_par_iter().with_min_len(1 + (1 << 14) / (plane * self.batch)).map(sum).collect()
    }

    /// Gradient of the input `[B, C, T, H, W]` from that of the output.
    pub fn input_gradient(&self, weight: &[f32], dy: &[f32]) -> Vec<f32> {
        if self.precise
            && let Some(out) = conv_f64::input_gradient(self, weight, dy)
        {
            out
        } else if self.is_depthwise() {
            depthwise::input_gradient(self, weight, dy)
        } else if let Some(out) =
            self.transformed(Direction::Back, |form| winograd::input_gradient(self, form, weight, dy))
        {
            out
        } else if batched_gemm::pays(self, self.input) {
            batched_gemm::input_gradient(self, weight, dy)
        } else {
            dense::input_gradient(self, weight, dy)
        }
    }

    /// Gradient of the weight from the input and the gradient of the output.
    pub fn weight_gradient(&self, x: &[f32], dy: &[f32]) -> Vec<f32> {
        if self.is_depthwise() {
            depthwise::weight_gradient(self, x, dy)
        } else if let Some(out) =
            self.transformed(Direction::Forward, |form| winograd::weight_gradient::weight_gradient(self, form, x, dy))
        {
            out
        } else if first_layer::is_few(self) {
            first_layer::weight_gradient(self, x, dy)
        } else if batched_gemm_weights::pays(self) {
            batched_gemm_weights::weight_gradient(self, x, dy)
        } else {
            dense::weight_gradient(self, x, dy)
        }
    }
}

impl std::fmt::Display for Convolution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ([i, o], [t, h, w], [kt, kh, kw]) = (self.channels, self.output, self.kernel);
        let [st, sh, sw] = self.geometry.stride;
        write!(f, "{i} to {o} channels, kernel {kt}x{kh}x{kw}/{st}x{sh}x{sw}, ")?;
        let precise = if self.precise { ", precise" } else { "" };
        write!(f, "{} groups, to {}x{t}x{h}x{w}{precise}", self.geometry.groups, self.batch)
    }
}

/// Product of three sizes.
pub(crate) fn volume(size: [usize; 3]) -> usize {
    size.iter().product()
}

#[cfg(test)]
mod norm_tests;
#[cfg(test)]
mod tests;
