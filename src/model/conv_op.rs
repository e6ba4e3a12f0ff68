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

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, FloatDType};

    /// Numbers without a pattern that a mix-up of axes would keep.
    fn numbers(shape: [usize; 5], seed: usize) -> Tensor<5> {
        let count: usize = shape.iter().product();
        let values: Vec<f32> = (0..count).map(|i| ((i * 7919 + seed * 104_729) % 2003) as f32 / 1001.0 - 1.0).collect();
        Tensor::from_data(TensorData::new(values, shape), &Device::flex())
    }

    /// The same values in memory order of their own.
    fn copied(tensor: &Tensor<5>) -> Tensor<5> {
        Tensor::from_data(tensor.to_data(), &Device::flex())
    }

    /// Views of `shape` that do not lie in memory in their order.
    fn views(shape: [usize; 5], seed: usize) -> Vec<(&'static str, Tensor<5>)> {
        let [a, b, c, d, e] = shape;
        let larger = numbers([a + 1, b + 2, c + 1, d + 1, e + 3], seed + 3);
        vec![
            ("rows and columns swapped", numbers([a, b, c, e, d], seed).swap_dims(3, 4)),
            ("channels last", numbers([a, c, d, e, b], seed + 1).permute([0, 4, 1, 2, 3])),
            ("clips and channels swapped", numbers([b, a, c, d, e], seed + 2).swap_dims(0, 1)),
            ("a slice", larger.slice([1..a + 1, 2..b + 2, 0..c, 1..d + 1, 3..e + 3])),
            ("the second half", numbers([2 * a, b, c, d, e], seed + 4).narrow(0, a, a)),
            ("backwards in time", numbers(shape, seed + 5).flip([2])),
            ("one clip repeated", numbers([1, b, c, d, e], seed + 6).expand(shape)),
        ]
    }

    /// Output and gradients of the input and the weight, for the gradient `dy` of the output, which keeps its layout.
    fn through(x: &Tensor<5>, weight: &Tensor<5>, dy: &Tensor<5>, geometry: ConvGeometry) -> [TensorData; 3] {
        let [x, weight] = [x, weight].map(|t| t.clone().autodiff().require_grad());
        let y = convolve(x.clone(), weight.clone(), geometry);
        // The gradient of a product of `y` and `dy` by `y` is `dy`.
        let gradients = (y.clone() * dy.clone().autodiff()).sum().backward();
        [y.inner(), x.grad(&gradients).unwrap(), weight.grad(&gradients).unwrap()].map(Tensor::into_data)
    }

    const DENSE: ConvGeometry = ConvGeometry { stride: [1, 2, 1], padding: [1, 1, 0], groups: 1 };

    type Shapes = [[usize; 5]; 3];

    /// Input, weight and output shapes of dense, grouped and depthwise convolutions.
    fn cases() -> [(Shapes, ConvGeometry); 3] {
        [
            ([[2, 4, 5, 6, 7], [6, 4, 3, 3, 2], [2, 6, 5, 3, 6]], DENSE),
            ([[2, 4, 5, 6, 7], [6, 2, 3, 3, 2], [2, 6, 5, 3, 6]], ConvGeometry { groups: 2, ..DENSE }),
            ([[2, 4, 5, 6, 7], [4, 1, 3, 3, 2], [2, 4, 5, 3, 6]], ConvGeometry { groups: 4, ..DENSE }),
        ]
    }

    #[test]
    fn tensors_that_do_not_lie_in_order_give_what_copies_give() {
        for ([x_shape, w_shape, y_shape], geometry) in cases() {
            let (x, w, dy) = (numbers(x_shape, 1), numbers(w_shape, 2), numbers(y_shape, 3));
            assert_eq!(convolve(x.clone(), w.clone(), geometry).dims(), y_shape);
            for (what, view) in views(x_shape, 10) {
                let expected = through(&copied(&view), &w, &dy, geometry);
                assert_eq!(through(&view, &w, &dy, geometry), expected, "an input, {what}, {geometry:?}");
            }
            for (what, view) in views(w_shape, 30) {
                let expected = through(&x, &copied(&view), &dy, geometry);
                assert_eq!(through(&x, &view, &dy, geometry), expected, "a weight, {what}, {geometry:?}");
            }
            for (what, view) in views(y_shape, 50) {
                let expected = through(&x, &w, &copied(&view), geometry);
                assert_eq!(through(&x, &w, &view, geometry), expected, "a gradient, {what}, {geometry:?}");
                // Given to the kernel as it is, without an operation before it that might have put it in order.
                let direct = |dy: Tensor<5>| {
                    let [x, w, dy] = [&x, &w, &dy].map(|t| t.clone().into_dispatch());
                    let dx = Dispatch::convolve_x_backward(x.clone(), w.clone(), dy.clone(), geometry);
                    let dw = Dispatch::convolve_weight_backward(x, w, dy, geometry);
                    [dx, dw].map(|t| Tensor::<5>::from_dispatch(t).into_data())
                };
                let ours = direct(view.clone());
                assert_eq!(ours, direct(copied(&view)), "a gradient, {what}, {geometry:?}");
                assert_eq!(ours.as_slice(), &expected[1..], "a gradient, {what}, {geometry:?}");
            }
        }
    }

    /// What the kernels do not take goes to the library: double precision, and nothing at all.
    #[test]
    fn other_tensors_go_to_the_librarys_convolution() {
        for ([x_shape, w_shape, y_shape], geometry) in cases() {
            let (x, w, dy) = (numbers(x_shape, 1), numbers(w_shape, 2), numbers(y_shape, 3));
            let single = through(&x, &w, &dy, geometry);
            let [x, w, dy] = [x, w, dy].map(|t| t.cast(FloatDType::F64));
            let double = through(&x, &w, &dy, geometry);
            for (ours, library) in single.into_iter().zip(double) {
                assert_eq!((ours.dtype(), library.dtype(), ours.shape()), (DType::F32, DType::F64, library.shape()));
                let library: Vec<f64> = library.try_into_vec().unwrap();
                let scale = library.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
                for (a, b) in ours.try_into_vec::<f32>().unwrap().into_iter().zip(library) {
                    assert!((f64::from(a) - b).abs() < 1e-5 * scale, "{a} instead of {b}, {geometry:?}");
                }
            }
        }
        let none = convolve(numbers([0, 4, 5, 6, 7], 1), numbers([6, 4, 3, 3, 2], 2), DENSE);
        assert_eq!(none.dims(), [0, 6, 5, 3, 6]);
    }
}
