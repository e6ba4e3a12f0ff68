//! A convolution computed in several parts, for a GPU driver that ends long loops.
//!
//! Mesa's llvmpipe ends the loops of a shader after 65,535 turns, counted together, and says nothing: what is missing is
//! missing from the sum. The GPU library's gradient of a kernel can be such a loop over all places of the output, with
//! three turns for each. In parts that are small enough every loop comes to its end; gradients of the kernel, which all
//! parts share, are added by autodiff.

use super::kernels::{ConvGeometry, windows};
use burn::tensor::Tensor;
use burn::tensor::ops::PadMode;

/// With zeros before and after time, height and width.
pub(crate) fn pad(x: Tensor<5>, zeros: [(usize, usize); 3]) -> Tensor<5> {
    if zeros == [(0, 0); 3] {
        return x;
    }
    let [t, h, w] = zeros;
    x.pad([(0, 0), (0, 0), t, h, w], PadMode::Constant(0.0))
}

/// Places of an output (of all clips, frames, rows and columns) that one loop reaches.
pub(super) const PLACES: usize = 1 << 14;

/// What `convolve` makes of `x`, `[B, C, T, H, W]`, put together from parts of at most `most` places, or of one row.
/// `convolve` gets inputs whose zeros are there already, and the geometry for them.
pub(super) fn in_parts(
    x: Tensor<5>,
    kernel: [usize; 3],
    geometry: ConvGeometry,
    most: usize,
    convolve: &impl Fn(Tensor<5>, ConvGeometry) -> Tensor<5>,
) -> Tensor<5> {
    let [batch, _, sizes @ ..] = x.dims();
    let ConvGeometry { stride, padding, .. } = geometry;
    let output = [0, 1, 2].map(|i| windows(sizes[i], kernel[i], stride[i], padding[i]).unwrap_or(0));
    if batch * output.iter().product::<usize>() <= most {
        return convolve(x, geometry);
    }
    let x = pad(x, padding.map(|zeros| (zeros, zeros)));
    let axes = [Axis { dim: 0, kernel: 1, stride: 1 }, axis(2, kernel, stride), axis(3, kernel, stride)];
    let geometry = ConvGeometry { padding: [0; 3], ..geometry };
    halves(x, &axes, [batch, output[0], output[1]], most / output[2].max(1), &|x| convolve(x, geometry))
}

/// A dimension that is cut, and the windows along it.
struct Axis {
    dim: usize,
    kernel: usize,
    stride: usize,
}

fn axis(dim: usize, kernel: [usize; 3], stride: [usize; 3]) -> Axis {
    Axis { dim, kernel: kernel[dim - 2], stride: stride[dim - 2] }
}

/// `count` outputs along each axis, cut in halves along the first that can be until there are at most `most` rows.
fn halves(
    x: Tensor<5>,
    axes: &[Axis; 3],
    count: [usize; 3],
    most: usize,
    convolve: &impl Fn(Tensor<5>) -> Tensor<5>,
) -> Tensor<5> {
    let Some(cut) = count.iter().position(|n| *n > 1).filter(|_| count.iter().product::<usize>() > most) else {
        return convolve(x);
    };
    let Axis { dim, kernel, stride } = axes[cut];
    let first = count[cut] / 2;
    let part = |from: usize, outputs: usize| {
        let inputs = (outputs - 1) * stride + kernel;
        let mut count = count;
        count[cut] = outputs;
        halves(x.clone().narrow(dim, from * stride, inputs), axes, count, most, convolve)
    };
    Tensor::cat(vec![part(0, first), part(first, count[cut] - first)], dim)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::random_stream::RandomStream;
    use burn::tensor::ops::ConvOptions;
    use burn::tensor::{Device, TensorData, module};
    use std::cell::Cell;

    fn numbers(shape: [usize; 5], name: &str) -> Tensor<5> {
        let values = RandomStream::new(1, name).uniform(1.0, shape.iter().product());
        Tensor::from_data(TensorData::new(values, shape), &Device::flex().autodiff())
    }

    #[test]
    fn parts_make_the_whole_and_its_gradients() {
        let shapes = [
            ([2, 4, 5, 7, 6], [3, 4, 3, 3, 3], ConvGeometry { stride: [1; 3], padding: [1; 3], groups: 1 }),
            ([1, 2, 6, 9, 8], [4, 1, 1, 3, 2], ConvGeometry { stride: [2, 2, 1], padding: [0, 1, 0], groups: 2 }),
            ([3, 2, 4, 5, 5], [2, 2, 2, 5, 1], ConvGeometry { stride: [1, 3, 2], padding: [1, 2, 0], groups: 1 }),
        ];
        for (input, kernel, geometry) in shapes {
            let through = |most: usize| {
                let (x, weight) = (numbers(input, "x").require_grad(), numbers(kernel, "weight").require_grad());
                let (calls, largest) = (Cell::new(0), Cell::new(0));
                let size = [kernel[2], kernel[3], kernel[4]];
                let y = in_parts(x.clone(), size, geometry, most, &|x, ConvGeometry { stride, padding, groups }| {
                    let y = module::conv3d(x, weight.clone(), None, ConvOptions::new(stride, padding, [1; 3], groups));
                    let [batch, _, t, h, w] = y.dims();
                    calls.set(calls.get() + 1);
                    largest.set(largest.get().max(batch * t * h * w));
                    y
                });
                let gradients = (y.clone() * numbers(y.dims(), "slopes")).sum().backward();
                let all = [y.inner(), x.grad(&gradients).unwrap(), weight.grad(&gradients).unwrap()];
                (all.map(Tensor::into_data), calls.get(), largest.get())
            };
            let (whole, calls, places) = through(usize::MAX);
            assert_eq!(calls, 1);
            for most in [1, 10, 31, places - 1] {
                let (parts, calls, largest) = through(most);
                assert!(calls > 1, "{most}");
                let row = whole[0].shape()[4];
                assert!(largest <= most.max(row), "{most} {largest}");
                for (part, whole) in parts.iter().zip(&whole) {
                    part.assert_approx_eq::<f32>(whole, burn::tensor::Tolerance::rel_abs(1e-5, 1e-5));
                }
            }
        }
    }
}
