//! Convolution on the CPU: plain functions over `f32` slices, which know nothing of tensors.
//!
//! Everything dense is one routine, [`product`]: a matrix times a matrix whose entries are looked up in a padded
//! picture through two lists of offsets. With the kernel's taps as rows and the output's positions as columns it is
//! the convolution; with the taps of one residue class of the stride and the input's positions, its input gradient;
//! with positions as rows and taps as columns, its weight gradient. The looked-up matrix is only ever made in pieces
//! that fit the second-level cache (Chellapilla et al. 2006 made the whole of it; Goto & van de Geijn 2008 is the order
//! of the loops).
//!
//! Results depend on the number of threads only through the order in which weight gradients of several clips are
//! added, which is fixed.

mod dense;
mod depthwise;
mod padded;
mod product;
mod shifts;

use crate::model::ops::ConvGeometry;

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
            output[axis] = super::ops::windows(x[axis + 2], weight[axis + 2], stride[axis], padding[axis])?;
        }
        Some(Self {
            batch: x[0],
            channels: [x[1], weight[0]],
            input: [x[2], x[3], x[4]],
            output,
            kernel: [weight[2], weight[3], weight[4]],
            geometry,
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

    fn is_depthwise(&self) -> bool {
        self.geometry.groups == self.channels[0] && self.channels[0] == self.channels[1]
    }

    /// The convolution `[B, O, T', H', W']`, plus a number an output channel when there is a `bias`.
    pub fn forward(&self, x: &[f32], weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
        if self.is_depthwise() {
            depthwise::forward(self, x, weight, bias)
        } else {
            dense::forward(self, x, weight, bias)
        }
    }

    /// Gradient of the input `[B, C, T, H, W]` from that of the output.
    pub fn input_gradient(&self, weight: &[f32], dy: &[f32]) -> Vec<f32> {
        if self.is_depthwise() {
            depthwise::input_gradient(self, weight, dy)
        } else {
            dense::input_gradient(self, weight, dy)
        }
    }

    /// Gradient of the weight from the input and the gradient of the output.
    pub fn weight_gradient(&self, x: &[f32], dy: &[f32]) -> Vec<f32> {
        if self.is_depthwise() { depthwise::weight_gradient(self, x, dy) } else { dense::weight_gradient(self, x, dy) }
    }
}

/// Product of three sizes.
pub(crate) fn volume(size: [usize; 3]) -> usize {
    size.iter().product()
}

#[cfg(test)]
mod tests;
