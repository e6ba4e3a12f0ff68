//! The gradients of all parameters.

use super::error::ModelError;
use super::readback::read;
use burn::tensor::{Device, Gradients, Tensor};

/// Squares that are summed on the device, with 32 bits.
const ROW: usize = 1024;

/// The sums of the squares of every [`ROW`] values, [values / ROW], and the sum of the rest, [1].
fn sums_of_squares(values: &Tensor<1>) -> Vec<Tensor<1>> {
    let len = values.dims()[0];
    let rows = len / ROW;
    let part = |from: usize, len: usize| values.clone().narrow(0, from, len).square();
    let whole = (rows > 0).then(|| part(0, rows * ROW).reshape([rows, ROW]).sum_dim(1).reshape([rows]));
    let rest = (rows * ROW < len).then(|| part(rows * ROW, len - rows * ROW).sum());
    whole.into_iter().chain(rest).collect()
}

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

    /// Norm of all gradients taken as one vector. The device sums rows of [`ROW`] squares, and these sums are added with
    /// 64 bits: one sum over the millions of values of a layer would lose digits.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn global_norm(&self) -> Result<f32, ModelError> {
        let squares: Vec<Tensor<1>> = self.gradients.iter().flatten().flat_map(sums_of_squares).collect();
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ComputeDevice;
    use burn::tensor::TensorData;

    #[test]
    fn the_norm_of_millions_of_values_keeps_its_digits() {
        let device = ComputeDevice::cpu().tensor_device();
        // Of every length beside a row, and one large value that would swallow the others in a sum with 32 bits.
        let lengths = [1, ROW - 1, ROW, ROW + 1, 3_000_001];
        let values = |len: usize| (0..len).map(|i| if i == 7 { 300.0 } else { ((i % 1013) as f32 - 500.0) * 1e-4 });
        let exact: f64 = lengths.iter().flat_map(|&len| values(len)).map(|v| f64::from(v).powi(2)).sum();
        let tensor = |len: usize| Tensor::from_data(TensorData::new(values(len).collect::<Vec<f32>>(), [len]), &device);
        let set = GradientSet::new(lengths.iter().map(|&len| Some(tensor(len))).chain([None]).collect());
        let norm = f64::from(set.global_norm().unwrap());
        assert!((norm / exact.sqrt() - 1.0).abs() < 1e-6, "{norm} {}", exact.sqrt());
    }
}
