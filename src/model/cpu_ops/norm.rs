//! Fused batch normalisation and activation on the CPU as an autodiff operation.

use crate::model::flex::{in_order, owned, recycle, tensor, values};
use crate::model::kernels::norm::{Norm, NormOptions, Planes, train, train_backward};
use crate::model::profile::timed;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, AutodiffBackend, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData};

/// A backend that normalises batches `[B, C, …]` of 32-bit floats by their own statistics.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait NormBackend: Backend {
    /// The output, and each channel's mean and biased variance.
    fn normalise(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        options: NormOptions,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);

    /// Gradients of the input, the scale and the shift.
    fn normalise_backward(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        mean: FloatTensor<Self>,
        variance: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        options: NormOptions,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

fn planes(x: &FlexTensor) -> Planes {
    let shape = x.shape();
    let sizes = shape.as_slice();
    Planes { batch: sizes[0], channels: sizes[1], plane: sizes[2..].iter().product() }
}

impl NormBackend for Flex {
    fn normalise(
        x: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        options: NormOptions,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (planes, shape) = (planes(&x), x.shape());
        let (x, scale, shift) = (in_order(x), in_order(scale), in_order(shift));
        let norm = Norm { scale: values(&scale), shift: values(&shift), options };
        let operation = || train(planes, values(&x), norm);
        let (y, mean, variance) = timed(|| format!("normalise {planes}"), operation);
        let y = FlexTensor::from_data(TensorData::new(y, shape));
        (y, tensor(mean, [planes.channels]), tensor(variance, [planes.channels]))
    }

    fn normalise_backward(
        x: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        mean: FlexTensor,
        variance: FlexTensor,
        dy: FlexTensor,
        options: NormOptions,
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let (planes, shape, dy) = (planes(&x), x.shape(), owned(dy));
        let (x, scale, shift) = (in_order(x), in_order(scale), in_order(shift));
        let (mean, variance) = (in_order(mean), in_order(variance));
        let norm = Norm { scale: values(&scale), shift: values(&shift), options };
        let operation = || train_backward(planes, values(&x), norm, [values(&mean), values(&variance)], dy);
        let (dx, dscale, dshift) = timed(|| format!("normalise back {planes}"), operation);
        recycle(x);
        let dx = FlexTensor::from_data(TensorData::new(dx, shape));
        (dx, tensor(dscale, [planes.channels]), tensor(dshift, [planes.channels]))
    }
}

/// The step backwards.
#[derive(Debug)]
struct NormBackward;

/// Input, scale, shift, mean, variance.
type Kept<B> = [FloatTensor<B>; 5];

impl<B: NormBackend> Backward<B, 3> for NormBackward {
    type State = (Kept<B>, NormOptions);

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        let ([x, scale, shift, mean, variance], options) = ops.state;
        let (dx, dscale, dshift) = B::normalise_backward(x, scale, shift, mean, variance, dy, options);
        for (node, gradient) in ops.parents.into_iter().zip([dx, dscale, dshift]) {
            if let Some(node) = node {
                grads.register::<B>(node.id, gradient);
            }
        }
    }
}

impl<B: NormBackend, C: CheckpointStrategy> NormBackend for Autodiff<B, C> {
    fn normalise(
        x: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        options: NormOptions,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        let prep = NormBackward.prepare::<C>([x.node(), scale.node(), shift.node()]).compute_bound().stateful();
        let (x, scale, shift) = (x.into_primitive(), scale.into_primitive(), shift.into_primitive());
        let (y, mean, variance) = B::normalise(x.clone(), scale.clone(), shift.clone(), options);
        let statistics = [&mean, &variance].map(|s| Self::from_inner(s.clone()));
        let y = match prep {
            OpsKind::Tracked(prep) => prep.finish(([x, scale, shift, mean, variance], options), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        };
        let [mean, variance] = statistics;
        (y, mean, variance)
    }

    fn normalise_backward(
        _x: FloatTensor<Self>,
        _scale: FloatTensor<Self>,
        _shift: FloatTensor<Self>,
        _mean: FloatTensor<Self>,
        _variance: FloatTensor<Self>,
        _dy: FloatTensor<Self>,
        _options: NormOptions,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("only first derivatives are taken")
    }
}

/// Normalises by the statistics of the batch and clamps; also each channel's mean and biased variance. CPU only.
pub(in crate::model) fn normalise(
    x: Tensor<5>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    options: NormOptions,
) -> (Tensor<5>, Tensor<1>, Tensor<1>) {
    let (x, scale, shift) = (x.into_dispatch(), scale.into_dispatch(), shift.into_dispatch());
    let (y, mean, variance) = <Dispatch as NormBackend>::normalise(x, scale, shift, options);
    (Tensor::from_dispatch(y), Tensor::from_dispatch(mean), Tensor::from_dispatch(variance))
}
