//! The CPU's convolution kernels as an operation of the tensor library, with a backward pass.
//!
//! On other devices the operation is the library's own convolution.

use super::kernels::Convolution;
use super::ops::ConvGeometry;
use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::ops::ModuleOps;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Cube, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::ops::ConvOptions;
use burn::tensor::{DType, Shape, Tensor, TensorData};

/// A backend that convolves.
#[backend_extension(Cube, Flex, Autodiff)]
pub(crate) trait ConvBackend: Backend {
    /// `[B, C, T, H, W]` with `[O, C / groups, kT, kH, kW]`.
    fn convolve(x: FloatTensor<Self>, weight: FloatTensor<Self>, geometry: ConvGeometry) -> FloatTensor<Self> {
        Self::conv3d(x, weight, None, options(geometry))
    }

    /// Gradient of `x`, of which only the shape is read.
    fn convolve_x_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        geometry: ConvGeometry,
    ) -> FloatTensor<Self> {
        Self::conv3d_x_backward(x, weight, dy, options(geometry))
    }

    /// Gradient of `weight`, of which only the shape is read.
    fn convolve_weight_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        dy: FloatTensor<Self>,
        geometry: ConvGeometry,
    ) -> FloatTensor<Self> {
        Self::conv3d_weight_backward(x, weight, dy, options(geometry))
    }
}

fn options(ConvGeometry { stride, padding, groups }: ConvGeometry) -> ConvOptions<3> {
    ConvOptions::new(stride, padding, [1; 3], groups)
}

impl ConvBackend for Cube {}

/// Five numbers of a shape; `None` for tensors that are not 32-bit floats of five dimensions.
fn plain(tensor: &FlexTensor) -> Option<[usize; 5]> {
    (tensor.dtype() == DType::F32).then(|| tensor.shape().as_slice().try_into().ok()).flatten()
}

/// Applies `f` to the values of contiguous tensors.
fn values(tensor: &FlexTensor) -> &[f32] {
    let start = tensor.layout().start_offset();
    &tensor.storage::<f32>()[start..start + tensor.layout().num_elements()]
}

fn tensor(values: Vec<f32>, shape: [usize; 5]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, Shape::new(shape)))
}

impl ConvBackend for Flex {
    fn convolve(x: FlexTensor, weight: FlexTensor, geometry: ConvGeometry) -> FlexTensor {
        let shapes = plain(&x).zip(plain(&weight));
        let Some(conv) = shapes.and_then(|(x, w)| Convolution::new(x, w, geometry)) else {
            return Self::conv3d(x, weight, None, options(geometry));
        };
        let (x, weight) = (x.to_contiguous(), weight.to_contiguous());
        let [t, h, w] = conv.output;
        tensor(conv.forward(values(&x), values(&weight), None), [conv.batch, conv.channels[1], t, h, w])
    }

    fn convolve_x_backward(x: FlexTensor, weight: FlexTensor, dy: FlexTensor, geometry: ConvGeometry) -> FlexTensor {
        let shapes = plain(&x).zip(plain(&weight)).zip(plain(&dy));
        let Some((shape, conv)) = shapes.and_then(|((x, w), _)| Some((x, Convolution::new(x, w, geometry)?))) else {
            return Self::conv3d_x_backward(x, weight, dy, options(geometry));
        };
        let (weight, dy) = (weight.to_contiguous(), dy.to_contiguous());
        tensor(conv.input_gradient(values(&weight), values(&dy)), shape)
    }

    fn convolve_weight_backward(
        x: FlexTensor,
        weight: FlexTensor,
        dy: FlexTensor,
        geometry: ConvGeometry,
    ) -> FlexTensor {
        let shapes = plain(&x).zip(plain(&weight)).zip(plain(&dy));
        let Some((shape, conv)) = shapes.and_then(|((x, w), _)| Some((w, Convolution::new(x, w, geometry)?))) else {
            return Self::conv3d_weight_backward(x, weight, dy, options(geometry));
        };
        let (x, dy) = (x.to_contiguous(), dy.to_contiguous());
        tensor(conv.weight_gradient(values(&x), values(&dy)), shape)
    }
}

/// The step backwards.
#[derive(Debug)]
struct ConvBackward;

impl<B: ConvBackend> Backward<B, 2> for ConvBackward {
    type State = (NodeId, NodeId, ConvGeometry);

    fn backward(self, ops: Ops<Self::State, 2>, grads: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [node_x, node_weight] = ops.parents;
        let dy = grads.consume::<B>(&ops.node);
        let (x, weight, geometry) = ops.state;
        let x = checkpointer.retrieve_node_output::<FloatTensor<B>>(x);
        let weight = checkpointer.retrieve_node_output::<FloatTensor<B>>(weight);
        if let Some(node) = node_x {
            let dx = B::convolve_x_backward(x.clone(), weight.clone(), dy.clone(), geometry);
            grads.register::<B>(node.id, dx);
        }
        if let Some(node) = node_weight {
            grads.register::<B>(node.id, B::convolve_weight_backward(x, weight, dy, geometry));
        }
    }
}

impl<B: ConvBackend, C: CheckpointStrategy> ConvBackend for Autodiff<B, C> {
    fn convolve(x: FloatTensor<Self>, weight: FloatTensor<Self>, geometry: ConvGeometry) -> FloatTensor<Self> {
        match ConvBackward.prepare::<C>([x.node(), weight.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prep) => {
                let state = (prep.checkpoint(&x), prep.checkpoint(&weight), geometry);
                prep.finish(state, B::convolve(x.into_primitive(), weight.into_primitive(), geometry))
            }
            OpsKind::UnTracked(prep) => prep.finish(B::convolve(x.into_primitive(), weight.into_primitive(), geometry)),
        }
    }
}

/// 3D cross-correlation without bias.
pub(crate) fn convolve(x: Tensor<5>, weight: Tensor<5>, geometry: ConvGeometry) -> Tensor<5> {
    Tensor::from_dispatch(<Dispatch as ConvBackend>::convolve(x.into_dispatch(), weight.into_dispatch(), geometry))
}
