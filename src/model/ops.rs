//! The tensor operations all networks share. Each stands here once, so that a faster kernel replaces it everywhere.

use super::conv_parts;
use super::cpu_ops;
use super::device::open::is_software;
use super::flex::on_cpu;
use super::kernels::Convolution;
use super::kernels::norm::NormOptions;
use super::kernels::pooling::Pooling;
pub(crate) use super::kernels::{Activation, ConvGeometry, windows};
use super::random_stream::RandomStream;
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{DType, FloatDType, Int, Tensor, TensorData};
use burn::tensor::{activation, module};

/// `x` in numbers of another kind.
pub(crate) fn cast<const D: usize>(x: Tensor<D>, dtype: DType) -> Tensor<D> {
    if x.dtype() == dtype { x } else { x.cast(FloatDType::from(dtype)) }
}

/// An operation that needs 32 bits, between layers that may compute with less.
pub(crate) fn in_f32(x: Tensor<5>, operation: impl FnOnce(Tensor<5>) -> Tensor<5>) -> Tensor<5> {
    let dtype = x.dtype();
    cast(operation(cast(x, DType::F32)), dtype)
}

/// 3D cross-correlation as PyTorch's `conv3d`: `x` `[B, C, T, H, W]`, `weight` `[O, C / groups, kT, kH, kW]`. Computed
/// with the numbers of `x`.
pub(crate) fn conv3d(x: Tensor<5>, weight: Tensor<5>, bias: Option<Tensor<1>>, geometry: ConvGeometry) -> Tensor<5> {
    conv3d_rounding(x, weight, bias, geometry, Rounding::Usual)
}

/// How far sums may be from exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    /// As sums in `f32` are.
    Usual,
    /// By one rounding, where the processor computes and not a GPU.
    Least,
}

/// As [`conv3d`], and its gradients too, with this rounding.
pub(crate) fn conv3d_rounding(
    x: Tensor<5>,
    weight: Tensor<5>,
    bias: Option<Tensor<1>>,
    geometry: ConvGeometry,
    rounding: Rounding,
) -> Tensor<5> {
    let (weight, bias) = (cast(weight, x.dtype()), bias.map(|b| cast(b, x.dtype())));
    if on_cpu(&x)
        && let Some(conv) = Convolution::new(x.dims(), weight.dims(), geometry)
    {
        return cpu_ops::conv::convolve(x, weight, bias, Convolution { precise: rounding == Rounding::Least, ..conv });
    }
    let [_, _, kernel @ ..] = weight.dims();
    let most = if is_software(&x.device()) { conv_parts::PLACES } else { usize::MAX };
    conv_parts::in_parts(x, kernel, geometry, most, &|x, ConvGeometry { stride, padding, groups }| {
        let options = |stride| ConvOptions::new(stride, padding, [1; 3], groups);
        let (weight, bias) = (weight.clone(), bias.clone());
        if kernel == [1; 3] && stride != [1; 3] && padding == [0; 3] {
            // The GPU library's gradient of such a convolution is wrong in burn-cubecl 0.22.1 (the device test tries it).
            return module::conv3d(every(x, stride), weight, bias, options([1; 3]));
        }
        module::conv3d(x, weight, bias, options(stride))
    })
}

/// Every `stride`th element of time, height and width, from the first on.
fn every(x: Tensor<5>, stride: [usize; 3]) -> Tensor<5> {
    let device = x.device().without_autodiff();
    (0..3).filter(|axis| stride[*axis] > 1).fold(x, |x, axis| {
        let kept: Vec<i64> = (0..x.dims()[axis + 2] as i64).step_by(stride[axis]).collect();
        let count = kept.len();
        x.select(axis + 2, Tensor::<1, Int>::from_data(TensorData::new(kept, [count]), &device))
    })
}

/// True where a convolution can be computed as one with the normalisation and the clamp behind it.
pub(crate) fn can_finish(x: &Tensor<5>) -> bool {
    on_cpu(x) && !x.device().is_autodiff()
}

/// A convolution with what follows: output channels times `scale` and plus `shift`, clamped.
pub(crate) fn conv3d_finished(
    x: Tensor<5>,
    weight: Tensor<5>,
    [scale, shift]: [Tensor<1>; 2],
    geometry: ConvGeometry,
    activation: Activation,
    rounding: Rounding,
) -> Tensor<5> {
    if can_finish(&x)
        && let Some(conv) = Convolution::new(x.dims(), weight.dims(), geometry)
    {
        let conv = Convolution { precise: rounding == Rounding::Least, ..conv };
        return cpu_ops::conv::convolve_finished(x, weight, [scale, shift], conv, activation);
    }
    let channels = weight.dims()[0];
    let each = |v: Tensor<1>| -> Tensor<5> { v.reshape([1, channels, 1, 1, 1]) };
    clamp(conv3d(x, weight, None, geometry) * each(scale) + each(shift), activation)
}

/// Batch normalisation by the statistics of the batch, clamped; also each channel's mean and biased variance.
pub(crate) fn normalise(
    x: Tensor<5>,
    scale: Tensor<1>,
    shift: Tensor<1>,
    options: NormOptions,
) -> (Tensor<5>, Tensor<1>, Tensor<1>) {
    if on_cpu(&x) {
        return cpu_ops::norm::normalise(x, scale, shift, options);
    }
    let out = module::batch_norm_train(x, scale, shift, options.epsilon);
    (clamp(out.output, options.activation), out.mean, out.variance)
}

/// Clamps.
pub(crate) fn clamp(x: Tensor<5>, activation: Activation) -> Tensor<5> {
    match activation {
        Activation::None => x,
        Activation::Relu => activation::relu(x),
        Activation::Relu6 => activation::relu6(x),
    }
}

/// Zeros before and after the elements of one axis so that windows of `kernel` at every `stride`th element leave
/// `size / stride` of them, rounded up: TensorFlow's "SAME", with the odd zero behind.
pub(crate) fn same_padding(size: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let covered = if size.is_multiple_of(stride) { stride } else { size % stride };
    let zeros = kernel.saturating_sub(covered);
    (zeros / 2, zeros - zeros / 2)
}

/// 3D max pooling; what lies in the padding is never the largest. The gradient goes to the first maximum of a window,
/// as in PyTorch.
///
/// Elsewhere than on the CPU two 2D pools do it: over height and width, then over time. A maximum of maxima is the maximum, for any stride,
/// and the first frame holding it is the first in memory order as long as the windows of a frame agree on their
/// first maximum, which they do.
pub(crate) fn max_pool3d(x: Tensor<5>, kernel: [usize; 3], stride: [usize; 3], padding: [usize; 3]) -> Tensor<5> {
    let [b, c, t, h, w] = x.dims();
    if on_cpu(&x)
        && let Some(pooling) = Pooling::new(b * c, [t, h, w], kernel, stride, padding)
    {
        return cpu_ops::pool::pool_largest(x, pooling);
    }
    let mut x = x;
    let (mut h, mut w) = (h, w);
    if [kernel[1], kernel[2], stride[1], stride[2]] != [1; 4] {
        let options = MaxPoolOptions::new([kernel[1], kernel[2]])
            .with_stride([stride[1], stride[2]])
            .with_padding([padding[1], padding[2]]);
        let pooled = module::max_pool2d(x.reshape([b, c * t, h, w]), options); // [B, C*T, H', W']
        [h, w] = [pooled.dims()[2], pooled.dims()[3]];
        x = pooled.reshape([b, c, t, h, w]);
    }
    if [kernel[0], stride[0]] != [1; 2] {
        let options = MaxPoolOptions::new([kernel[0], 1]).with_stride([stride[0], 1]).with_padding([padding[0], 0]);
        let pooled = module::max_pool2d(x.reshape([b, c, t, h * w]), options); // [B, C, T', H'*W']
        let t = pooled.dims()[2];
        x = pooled.reshape([b, c, t, h, w]);
    }
    x
}

/// Channels of several tensors side by side; on the graph as soon as one of them is.
pub(crate) fn side_by_side(tensors: Vec<Tensor<5>>) -> Tensor<5> {
    let recorded = tensors.iter().any(|t| t.device().is_autodiff());
    let lift = |t: Tensor<5>| if recorded && !t.device().is_autodiff() { t.autodiff() } else { t };
    Tensor::cat(tensors.into_iter().map(lift).collect(), 1)
}

/// Mean over time, height and width: `[B, C, T, H, W]` to `[B, C]`.
pub(crate) fn global_average_pool(x: Tensor<5>) -> Tensor<2> {
    let [b, c, t, h, w] = x.dims();
    x.reshape([b, c, t * h * w]).mean_dim(2).reshape([b, c])
}

/// `x @ weight^T + bias` with the weight as PyTorch keeps it, `[out, in]`.
pub(crate) fn linear(x: Tensor<2>, weight: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    module::linear(x, weight.transpose(), Some(bias))
}

/// Zeroes each element with probability `p` and scales the others by `1 / (1 - p)`.
pub(crate) fn dropout(x: Tensor<2>, p: f64, stream: RandomStream) -> Tensor<2> {
    if p <= 0.0 {
        return x;
    }
    let [rows, columns] = x.dims();
    let mask = Tensor::<2>::from_data(
        TensorData::new(kept(rows * columns, p, stream), [rows, columns]),
        &x.device().without_autodiff(),
    );
    x * mask
}

/// The same for whole frames (Huang et al. 2016, where each frame of each clip is a picture of its own).
pub(crate) fn drop_frames(x: Tensor<5>, p: f64, stream: RandomStream) -> Tensor<5> {
    if p <= 0.0 {
        return x;
    }
    let [b, _, t, ..] = x.dims();
    let mask = TensorData::new(kept(b * t, p, stream), [b, 1, t, 1, 1]);
    let mask = cast(Tensor::<5>::from_data(mask, &x.device().without_autodiff()), x.dtype());
    x * mask
}

/// `n` factors, 0 with probability `p` and otherwise `1 / (1 - p)`.
fn kept(n: usize, p: f64, stream: RandomStream) -> Vec<f32> {
    let keep = (1.0 / (1.0 - p)) as f32;
    (0..n as u64).map(|i| if f64::from(stream.unit(i)) < p { 0.0 } else { keep }).collect()
}

#[cfg(test)]
mod tests {
    use super::same_padding;

    #[test]
    fn same_padding_leaves_a_window_for_every_stride_and_not_one_more() {
        for size in 1..30_usize {
            for kernel in 1..8_usize {
                for stride in 1..=kernel {
                    let (before, after) = same_padding(size, kernel, stride);
                    let outputs = size.div_ceil(stride);
                    // TensorFlow's own formula.
                    let zeros = ((outputs - 1) * stride + kernel).saturating_sub(size);
                    assert_eq!((before + after, before), (zeros, zeros / 2), "{size} {kernel} {stride}");
                }
            }
        }
        assert_eq!(same_padding(16, 7, 2), (2, 3));
    }
}
