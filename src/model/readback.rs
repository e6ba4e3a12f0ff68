//! Copies tensors back to the host.

use super::error::ModelError;
use burn::tensor::Tensor;

/// The values of a tensor in C order.
///
/// # Errors
/// A device that was lost or ran out of memory.
pub fn read<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ModelError> {
    tensor.inner().try_into_vec_as::<f32>().map_err(|e| ModelError::Device { reason: e.to_string() })
}
