//! Frame differencing of a clip on the CPU. It is the first layer and has no parameters, so it needs no backward pass.

use crate::model::flex::{in_order, on_cpu, tensor, values};
use crate::model::kernels::motion::moving;
use crate::model::profile::timed;
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

/// Variance of a clip in which nothing moves but noise; keeps it from being blown up.
const STILL: f64 = 1e-3;

/// A backend that finds what moves in clips of 32-bit floats.
#[backend_extension(Flex)]
pub(crate) trait MotionBackend: Backend {
    /// Clips `[B, C, T, H, W]`, of these sizes, minus their mean frame over the deviation of that.
    fn what_moves(x: FloatTensor<Self>, sizes: [usize; 5]) -> FloatTensor<Self>;
}

impl MotionBackend for Flex {
    fn what_moves(x: FlexTensor, sizes: [usize; 5]) -> FlexTensor {
        let [b, c, t, h, w] = sizes;
        let x = in_order(x);
        tensor(timed(|| "motion".to_owned(), || moving(values(&x), [b, c, t, h * w], STILL)), sizes)
    }
}

/// The clip minus its mean frame, divided by the standard deviation of that over the whole clip.
pub(crate) fn what_moves(x: Tensor<5>) -> Tensor<5> {
    if on_cpu(&x) && !x.is_tracked() && x.device() == x.device().without_autodiff() {
        let sizes = x.dims();
        return Tensor::from_dispatch(<Dispatch as MotionBackend>::what_moves(x.into_dispatch(), sizes));
    }
    let [b, c, t, h, w] = x.dims();
    let moving = x.clone() - x.mean_dim(2); // [B, C, T, H, W]
    let variance = moving.clone().square().reshape([b, c * t * h * w]).mean_dim(1); // [B, 1]
    moving / variance.add_scalar(STILL).sqrt().reshape([b, 1, 1, 1, 1])
}
