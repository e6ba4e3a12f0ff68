//! The CPU's convolution kernels as an operation of the tensor library, with a backward pass.

use super::flex::{recycle, tensor, values};
use super::kernels::{Convolution, Finish};
use super::ops::Activation;
use super::profile::timed;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, backend_extension};
use burn::tensor::Tensor;

/// A backend that convolves `[B, C, T, H, W]` of 32-bit floats with `[O, C / groups, kT, kH, kW]`.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait ConvBackend: Backend {
    /// The convolution.
    fn convolve(x: FloatTensor<Self>, weight: FloatTensor<Self>, conv: Convolution) -> FloatTensor<Self>;

    /// The convolution, plus a number an output channel.
    fn convolve_biased(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        conv: Convolution,
    ) -> FloatTensor<Self>;

    /// The convolution, times a number and plus a number an output channel, clamped. Not differentiable.
    fn convolve_finished(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        scale: FloatTensor<Self>,
        shift: FloatTensor<Self>,
        conv: Convolution,
        activation: Activation,
    ) -> FloatTensor<Self>;

    /// Gradients of input, weight and bias; a single zero where none is wanted.
    fn convolve_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        conv: Convolution,
        wanted: [bool; 3],
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>);
}

fn output_shape(conv: &Convolution) -> [usize; 5] {
    let [t, h, w] = conv.output;
    [conv.batch, conv.channels[1], t, h, w]
}

impl ConvBackend for Flex {
    fn convolve(x: FlexTensor, weight: FlexTensor, conv: Convolution) -> FlexTensor {
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let operation = || conv.forward(values(&x), values(&weight), Finish::default());
        tensor(timed(|| format!("convolve {conv}"), operation), output_shape(&conv))
    }

    fn convolve_biased(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, conv: Convolution) -> FlexTensor {
        let (x, weight, bias) = (x.to_contiguous(), weight.to_contiguous(), bias.to_contiguous());
        let finish = Finish { shift: Some(values(&bias)), ..Finish::default() };
        let operation = || conv.forward(values(&x), values(&weight), finish);
        tensor(timed(|| format!("convolve {conv}"), operation), output_shape(&conv))
    }

    fn convolve_finished(
        x: FlexTensor,
        weight: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        conv: Convolution,
        activation: Activation,
    ) -> FlexTensor {
        // Only the contiguous copy is kept, so that the memory of an input that nobody needs goes round.
        let x = if x.is_contiguous() { x } else { x.to_contiguous() };
        let (weight, scale, shift) = (weight.to_contiguous(), scale.to_contiguous(), shift.to_contiguous());
        let (scale, shift) = (Some(values(&scale)), Some(values(&shift)));
        let finish = Finish { scale, shift, bounds: activation.bounds() };
        let y = timed(|| format!("convolve {conv}"), || conv.forward(values(&x), values(&weight), finish));
        recycle(x);
        tensor(y, output_shape(&conv))
    }

    fn convolve_backward(
        x: FlexTensor,
        weight: FlexTensor,
        dy: FlexTensor,
        conv: Convolution,
        [of_x, of_weight, of_bias]: [bool; 3],
    ) -> (FlexTensor, FlexTensor, FlexTensor) {
        let x = if x.is_contiguous() { x } else { x.to_contiguous() };
        let dy = if dy.is_contiguous() { dy } else { dy.to_contiguous() };
        let weight = weight.to_contiguous();
        let none = || tensor(vec![0.0], [1]);
        let dbias = if of_bias {
            let db = timed(|| format!("convolve back to bias {conv}"), || conv.bias_gradient(values(&dy)));
            tensor(db, [conv.channels[1]])
        } else {
            none()
        };
        let dweight = if of_weight {
            let operation = || conv.weight_gradient(values(&x), values(&dy));
            tensor(timed(|| format!("convolve back to weight {conv}"), operation), conv.weight_shape())
        } else {
            none()
        };
        recycle(x);
        let dx = if of_x {
            let operation = || conv.input_gradient(values(&weight), values(&dy));
            tensor(timed(|| format!("convolve back to input {conv}"), operation), conv.input_shape())
        } else {
            none()
        };
        recycle(dy);
        (dx, dweight, dbias)
    }
}

/// The step backwards.
#[derive(Debug)]
struct ConvBackward;

/// Input, weight and sizes.
type Kept<B> = (FloatTensor<B>, FloatTensor<B>, Convolution);

fn back<B: ConvBackend>(
    (x, weight, conv): Kept<B>,
    dy: FloatTensor<B>,
    parents: &[Option<NodeId>],
    grads: &mut Gradients,
) {
    let wanted = std::array::from_fn(|i| parents.get(i).is_some_and(Option::is_some));
    let (dx, dweight, dbias) = B::convolve_backward(x, weight, dy, conv, wanted);
    for (node, gradient) in parents.iter().zip([dx, dweight, dbias]) {
        if let Some(node) = node {
            grads.register::<B>(*node, gradient);
        }
    }
}

impl<B: ConvBackend> Backward<B, 2> for ConvBackward {
    type State = Kept<B>;

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        back::<B>(ops.state, dy, &ops.parents.map(|p| p.map(|node| node.id)), grads);
    }
}

impl<B: ConvBackend> Backward<B, 3> for ConvBackward {
    type State = Kept<B>;

    fn backward(self, ops: Ops<Self::State, 3>, grads: &mut Gradients, _checkpointer: &mut Checkpointer) {
        let dy = grads.consume::<B>(&ops.node);
        back::<B>(ops.state, dy, &ops.parents.map(|p| p.map(|node| node.id)), grads);
    }
}

impl<B: ConvBackend, C: CheckpointStrategy> ConvBackend for Autodiff<B, C> {
    fn convolve(x: FloatTensor<Self>, weight: FloatTensor<Self>, conv: Convolution) -> FloatTensor<Self> {
        let prep = Backward::<B, 2>::prepare::<C>(ConvBackward, [x.node(), weight.node()]);
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let y = B::convolve(x.clone(), weight.clone(), conv);
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, weight, conv), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn convolve_biased(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        bias: FloatTensor<Self>,
        conv: Convolution,
    ) -> FloatTensor<Self> {
        let prep = Backward::<B, 3>::prepare::<C>(ConvBackward, [x.node(), weight.node(), bias.node()]);
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let y = B::convolve_biased(x.clone(), weight.clone(), bias.into_primitive(), conv);
        match prep.compute_bound().stateful() {
            OpsKind::Tracked(prep) => prep.finish((x, weight, conv), y),
            OpsKind::UnTracked(prep) => prep.finish(y),
        }
    }

    fn convolve_finished(
        _x: FloatTensor<Self>,
        _weight: FloatTensor<Self>,
        _scale: FloatTensor<Self>,
        _shift: FloatTensor<Self>,
        _conv: Convolution,
        _activation: Activation,
    ) -> FloatTensor<Self> {
        unreachable!("only called where nothing is recorded")
    }

    fn convolve_backward(
        _x: FloatTensor<Self>,
        _weight: FloatTensor<Self>,
        _dy: FloatTensor<Self>,
        _conv: Convolution,
        _wanted: [bool; 3],
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        unreachable!("only first derivatives are taken")
    }
}

/// 3D cross-correlation. CPU only.
pub(super) fn convolve(x: Tensor<5>, weight: Tensor<5>, bias: Option<Tensor<1>>, conv: Convolution) -> Tensor<5> {
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(match bias {
        Some(bias) => <Dispatch as ConvBackend>::convolve_biased(x, weight, bias.into_dispatch(), conv),
        None => <Dispatch as ConvBackend>::convolve(x, weight, conv),
    })
}

/// The same, times `scale` and plus `shift` an output channel, clamped; for tensors without autodiff. CPU only.
pub(super) fn convolve_finished(
    x: Tensor<5>,
    weight: Tensor<5>,
    [scale, shift]: [Tensor<1>; 2],
    conv: Convolution,
    activation: Activation,
) -> Tensor<5> {
    let (x, weight, scale, shift) =
        (x.into_dispatch(), weight.into_dispatch(), scale.into_dispatch(), shift.into_dispatch());
    Tensor::from_dispatch(<Dispatch as ConvBackend>::convolve_finished(x, weight, scale, shift, conv, activation))
}
