//! Fused residual addition and activation (ReLU, ReLU6) on the CPU, with its backward pass.

use crate::model::flex::on_cpu;
use crate::model::flex::{in_order, owned, recycle, values};
use crate::model::kernels::add_clamp;
use crate::model::ops::{Activation, clamp};
use crate::model::profile::timed;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData};

/// A backend that adds tensors of 32-bit floats of one shape.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait SumBackend: Backend {
    /// The sum, clamped.
    fn add_clamped(x: FloatTensor<Self>, y: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self>;

    /// Gradient of both, from the sum and its gradient.
    fn add_clamped_backward(sum: FloatTensor<Self>, dy: FloatTensor<Self>, activation: Activation)
    -> FloatTensor<Self>;
}

impl SumBackend for Flex {
    fn add_clamped(x: FlexTensor, y: FlexTensor, activation: Activation) -> FlexTensor {
        let shape = x.shape();
        // What nobody else looks at is written over.
        let (x, y) = if y.is_unique() && !x.is_unique() { (y, x) } else { (x, y) };
        let (mut out, y) = (owned(in_order(x)), in_order(y));
        timed(|| format!("add {shape:?}"), || add_clamp::add(&mut out, values(&y), activation.bounds()));
        recycle(y);
        FlexTensor::from_data(TensorData::new(out, shape))
    }

    fn add_clamped_backward(sum: FlexTensor, dy: FlexTensor, activation: Activation) -> FlexTensor {
        let (shape, sum) = (sum.shape(), in_order(sum));
        let mut dy = owned(in_order(dy));
        timed(|| format!("add back {shape:?}"), || add_clamp::pass(&mut dy, values(&sum), activation.bounds()));
        recycle(sum);
        FlexTensor::from_data(TensorData::new(dy, shape))
    }
}

/// The step backwards.
#[derive(Debug)]
struct SumBackward;

impl<B: SumBackend> Backward<B, 2> for SumBackward {
    type State = (Option<FloatTensor<B>>, Activation);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let (sum, activation) = ops.state;
        let dy = match sum {
            Some(sum) => B::add_clamped_backward(sum, dy, activation),
            None => dy,
        };
        for node in ops.parents.into_iter().flatten() {
            grads.register::<B>(node.id, dy.clone());
        }
    }
}

impl<B: SumBackend, C: CheckpointStrategy> SumBackend for Autodiff<B, C> {
    fn add_clamped(x: FloatTensor<Self>, y: FloatTensor<Self>, activation: Activation) -> FloatTensor<Self> {
        let prep = SumBackward.prepare::<C>([x.node(), y.node()]).compute_bound().stateful();
        let sum = B::add_clamped(x.into_primitive(), y.into_primitive(), activation);
        match prep {
            OpsKind::Tracked(prep) => {
                // Without a clamp everything passes, and nothing need be kept.
                let kept = (activation != Activation::None).then(|| sum.clone());
                prep.finish((kept, activation), sum)
            }
            OpsKind::UnTracked(prep) => prep.finish(sum),
        }
    }

    fn add_clamped_backward(
        _sum: FloatTensor<Self>,
        _dy: FloatTensor<Self>,
        _activation: Activation,
    ) -> FloatTensor<Self> {
        unreachable!("only first derivatives are taken")
    }
}

/// The sum of two tensors of one shape, clamped.
pub(crate) fn add(x: Tensor<5>, y: Tensor<5>, activation: Activation) -> Tensor<5> {
    if !(on_cpu(&x) && on_cpu(&y) && x.dims() == y.dims()) {
        return clamp(x + y, activation);
    }
    // On the graph as soon as one of them is.
    let recorded = x.device().is_autodiff() || y.device().is_autodiff();
    let lift = |t: Tensor<5>| if recorded && !t.device().is_autodiff() { t.autodiff() } else { t };
    let (x, y) = (lift(x), lift(y));
    Tensor::from_dispatch(<Dispatch as SumBackend>::add_clamped(x.into_dispatch(), y.into_dispatch(), activation))
}
