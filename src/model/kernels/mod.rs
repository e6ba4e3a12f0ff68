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
mod convolution;
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

pub(crate) use convolution::{Convolution, Finish, volume};
pub(crate) use geometry::{Activation, ConvGeometry, windows};
use rayon::prelude::*;
use winograd::Form;
use winograd::time_tiling::Direction;

/// Which kernels compute a convolution.
impl Convolution {
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

#[cfg(test)]
mod norm_tests;
#[cfg(test)]
mod tests;
