//! The gradients of all parameters.

use super::error::ModelError;
use super::readback::read;
use burn::tensor::{Device, Gradients, Tensor};

/// The gradient of every parameter, flat and in the order of [`super::Network::parameter_infos`];
/// `None` where frozen.
#[derive(Clone)]
pub struct GradientSet {
    gradients: Vec<Option<Tensor<1>>>,
}

impl GradientSet {
    /// Wraps gradients that come from elsewhere.
    pub fn new(gradients: Vec<Option<Tensor<1>>>) -> Self {
        Self { gradients }
    }

    /// The gradients of leaves.
    pub(super) fn of(leaves: Vec<Option<Tensor<1>>>, gradients: &mut Gradients) -> Self {
        Self { gradients: leaves.into_iter().map(|leaf| leaf?.grad_remove(gradients)).collect() }
    }

    /// The gradients in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<&Tensor<1>>> {
        self.gradients.iter().map(Option::as_ref)
    }

    /// Takes the gradients out.
    pub fn into_inner(self) -> Vec<Option<Tensor<1>>> {
        self.gradients
    }

    /// Adds another set, for several batches before one step.
    pub fn add(&mut self, other: Self) {
        for (mine, theirs) in self.gradients.iter_mut().zip(other.gradients) {
            *mine = match (mine.take(), theirs) {
                (Some(a), Some(b)) => Some(a + b),
                (a, b) => a.or(b),
            };
        }
    }

    /// Multiplies every gradient.
    pub fn scale(&mut self, factor: f32) {
        for gradient in self.gradients.iter_mut() {
            *gradient = gradient.take().map(|g| g.mul_scalar(factor));
        }
    }

    /// The same on another device.
    pub fn to_device(self, device: &Device) -> Self {
        Self { gradients: self.gradients.into_iter().map(|g| g.map(|g| g.inner().to_device(device))).collect() }
    }

    /// Norm of all gradients taken as one vector.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn global_norm(&self) -> Result<f32, ModelError> {
        let squares: Vec<Tensor<1>> = self.gradients.iter().flatten().map(|g| g.clone().square().sum()).collect();
        if squares.is_empty() {
            return Ok(0.0);
        }
        let sums = read(Tensor::cat(squares, 0))?;
        Ok(sums.into_iter().map(f64::from).sum::<f64>().sqrt() as f32)
    }

    /// Scales all gradients so that their common norm is at most `max_norm`, as PyTorch's `clip_grad_norm_`,
    /// and returns the norm before.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn clip(&mut self, max_norm: f32) -> Result<f32, ModelError> {
        let norm = self.global_norm()?;
        let factor = max_norm / (norm + 1e-6);
        if factor < 1.0 {
            self.scale(factor);
        }
        Ok(norm)
    }
}
