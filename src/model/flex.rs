//! Tensors of the CPU backend as slices, and their buffers back to the pool.

use super::kernels::buffer_pool;
use burn::backend::flex::FlexTensor;
use burn::tensor::{DType, Device, Shape, Tensor, TensorData};

/// True where our own kernels can take a tensor.
pub(super) fn on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && x.device().without_autodiff() == Device::flex()
}

/// True for 32-bit floats.
pub(super) fn is_f32(tensor: &FlexTensor) -> bool {
    tensor.dtype() == DType::F32
}

/// The values of a contiguous tensor.
pub(super) fn values(tensor: &FlexTensor) -> &[f32] {
    let start = tensor.layout().start_offset();
    &tensor.storage::<f32>()[start..start + tensor.layout().num_elements()]
}

/// A tensor of `values`.
pub(super) fn tensor<const D: usize>(values: Vec<f32>, shape: [usize; D]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, Shape::new(shape)))
}

/// The values of a tensor to write over: its own memory when nobody else looks at it, a copy otherwise.
pub(super) fn owned(tensor: FlexTensor) -> Vec<f32> {
    if !tensor.is_unique() {
        let tensor = in_order(tensor);
        let from = values(&tensor);
        let mut copy = buffer_pool::take(from.len());
        copy.copy_from_slice(from);
        return copy;
    }
    let (bytes, _, _) = tensor.into_data().into_parts();
    match bytes.try_into_vec::<f32>() {
        Ok(values) => values,
        Err(bytes) => bytemuck::pod_collect_to_vec(&bytes),
    }
}

/// A tensor in memory order. It takes the tensor, so that the one that comes back is the only one: what somebody else
/// still holds cannot be written over or go round.
pub(super) fn in_order(tensor: FlexTensor) -> FlexTensor {
    if tensor.is_contiguous() { tensor } else { tensor.to_contiguous() }
}

/// Keeps the memory of a tensor that is not needed any more, unless somebody else looks at it.
pub(super) fn recycle(tensor: FlexTensor) {
    if is_f32(&tensor) && tensor.is_unique() && tensor.is_contiguous() {
        buffer_pool::give(owned(tensor));
    }
}
