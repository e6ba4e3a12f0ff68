//! 3D convolution on the CPU as an autodiff operation of the tensor library.

use crate::model::flex::{in_order, recycle, tensor, values};
use crate::model::kernels::{Convolution, Finish};
use crate::model::ops::Activation;
use crate::model::profile::{timed, timed_work};
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
        let (x, weight) = (in_order(x), in_order(weight));
        let operation = || conv.forward(values(&x), values(&weight), Finish::default());
        tensor(timed_work(conv.work(), || format!("convolve {conv}"), operation), output_shape(&conv))
    }

    fn convolve_biased(x: FlexTensor, weight: FlexTensor, bias: FlexTensor, conv: Convolution) -> FlexTensor {
        let (x, weight, bias) = (in_order(x), in_order(weight), in_order(bias));
        let finish = Finish { shift: Some(values(&bias)), ..Finish::default() };
        let operation = || conv.forward(values(&x), values(&weight), finish);
        tensor(timed_work(conv.work(), || format!("convolve {conv}"), operation), output_shape(&conv))
    }

    fn convolve_finished(
        x: FlexTensor,
        weight: FlexTensor,
        scale: FlexTensor,
        shift: FlexTensor,
        conv: Convolution,
        activation: Activation,
    ) -> FlexTensor {
        let (x, weight, scale, shift) = (in_order(x), in_order(weight), in_order(scale), in_order(shift));
        let (scale, shift) = (Some(values(&scale)), Some(values(&shift)));
        let finish = Finish { scale, shift, bounds: activation.bounds() };
        let y = timed_work(
            conv.work(),
            || format!("convolve {conv}"),
            || conv.forward(values(&x), values(&weight), finish),
        );
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
        let (x, dy, weight) = (in_order(x), in_order(dy), in_order(weight));
        let none = || tensor(vec![0.0], [1]);
        let dbias = if of_bias {
            let db = timed(|| format!("convolve back to bias {conv}"), || conv.bias_gradient(values(&dy)));
            tensor(db, [conv.channels[1]])
        } else {
            none()
        };
        let dweight = if of_weight {
            let operation = || conv.weight_gradient(values(&x), values(&dy));
            tensor(
                timed_work(conv.work(), || format!("convolve back to weight {conv}"), operation),
                conv.weight_shape(),
            )
        } else {
            none()
        };
        recycle(x);
        let dx = if of_x {
            let operation = || conv.input_gradient(values(&weight), values(&dy));
            tensor(timed_work(conv.work(), || format!("convolve back to input {conv}"), operation), conv.input_shape())
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
pub(in crate::model) fn convolve(
    x: Tensor<5>,
    weight: Tensor<5>,
    bias: Option<Tensor<1>>,
    conv: Convolution,
) -> Tensor<5> {
    let (x, weight) = (x.into_dispatch(), weight.into_dispatch());
    Tensor::from_dispatch(match bias {
        Some(bias) => <Dispatch as ConvBackend>::convolve_biased(x, weight, bias.into_dispatch(), conv),
        None => <Dispatch as ConvBackend>::convolve(x, weight, conv),
    })
}

/// The same, times `scale` and plus `shift` an output channel, clamped; for tensors without autodiff. CPU only.
pub(in crate::model) fn convolve_finished(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ops::{ConvGeometry, conv3d};
    use burn::tensor::{DType, Device, FloatDType, TensorData};

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
        let y = conv3d(x.clone(), weight.clone(), None, geometry);
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
            assert_eq!(conv3d(x.clone(), w.clone(), None, geometry).dims(), y_shape);
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
                    let conv = Convolution::new(x_shape, w_shape, geometry).unwrap();
                    let (dx, dw, _) = Dispatch::convolve_backward(x, w, dy, conv, [true, true, false]);
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
        let none = conv3d(numbers([0, 4, 5, 6, 7], 1), numbers([6, 4, 3, 3, 2], 2), None, DENSE);
        assert_eq!(none.dims(), [0, 6, 5, 3, 6]);
    }
}
