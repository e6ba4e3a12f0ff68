//! 3D max pooling on the CPU as an autodiff operation.

use crate::model::flex::{in_order, recycle, tensor, values};
use crate::model::kernels::pooling::Pooling;
use crate::model::profile::timed;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData};

/// A backend that pools `[B, C, T, H, W]` of 32-bit floats.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait PoolBackend: Backend {
    /// The largest of each window.
    fn pool_largest(x: FloatTensor<Self>, pooling: Pooling) -> FloatTensor<Self>;

    /// Gradient of `x`.
    fn pool_largest_backward(x: FloatTensor<Self>, dy: FloatTensor<Self>, pooling: Pooling) -> FloatTensor<Self>;
}

impl PoolBackend for Flex {
    fn pool_largest(x: FlexTensor, pooling: Pooling) -> FlexTensor {
        let (channels, x) = (x.shape().as_slice()[1], in_order(x));
        let y = timed(|| format!("pool {pooling}"), || pooling.forward(values(&x)));
        let [t, h, w] = pooling.output;
        tensor(y, [pooling.planes / channels, channels, t, h, w])
    }

    fn pool_largest_backward(x: FlexTensor, dy: FlexTensor, pooling: Pooling) -> FlexTensor {
        let shape = x.shape();
        let (x, dy) = (in_order(x), in_order(dy));
        let dx = timed(|| format!("pool back {pooling}"), || pooling.backward(values(&x), values(&dy)));
        recycle(x);
        recycle(dy);
        FlexTensor::from_data(TensorData::new(dx, shape))
    }
}

/// The step backwards.
#[derive(Debug)]
struct PoolBackward;

impl<B: PoolBackend> Backward<B, 1> for PoolBackward {
    type State = (FloatTensor<B>, Pooling);

    fn backward(self, ops: Ops<Self::State, 1>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let ([node], (x, pooling)) = (ops.parents, ops.state);
        if let Some(node) = node {
            grads.register::<B>(node.id, B::pool_largest_backward(x, dy, pooling));
        }
    }
}

impl<B: PoolBackend, C: CheckpointStrategy> PoolBackend for Autodiff<B, C> {
    fn pool_largest(x: FloatTensor<Self>, pooling: Pooling) -> FloatTensor<Self> {
        let prep = PoolBackward.prepare::<C>([x.node()]).compute_bound().stateful();
        let x = x.into_primitive();
        let y = B::pool_largest(x.clone(), pooling);
        match prep {
            OpsKind::Tracked(prep) => prep.finish((x, pooling), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn pool_largest_backward(_x: FloatTensor<Self>, _dy: FloatTensor<Self>, _pooling: Pooling) -> FloatTensor<Self> {
        unreachable!("only first derivatives are taken")
    }
}

/// The largest of each window. CPU only.
pub(in crate::model) fn pool_largest(x: Tensor<5>, pooling: Pooling) -> Tensor<5> {
    Tensor::from_dispatch(<Dispatch as PoolBackend>::pool_largest(x.into_dispatch(), pooling))
}
