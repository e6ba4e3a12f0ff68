//! The layers networks are built from.

use super::ops::{self, ConvGeometry};
use super::pass::Pass;
use super::store::EntryId;
use burn::tensor::{Tensor, activation, module};

/// One step of a network's trunk, from `[B, C, T, H, W]` to `[B, C', T', H', W']`.
pub(crate) trait Layer: Send + Sync {
    /// Applies the layer.
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5>;

    /// Shape of the output `[C, T, H, W]` for an input of that form; `None` when nothing would be left.
    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]>;
}

/// A layer under its id. The id is the path PyTorch knows the module by.
pub(crate) struct Node {
    pub id: String,
    pub layer: Box<dyn Layer>,
}

impl Node {
    /// Applies the layer and hands its output to the pass.
    pub fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        let x = self.layer.forward(x, pass);
        pass.catch(&self.id, x)
    }

    /// True when `layer` is this node or inside it.
    pub fn holds(&self, layer: &str) -> bool {
        layer.strip_prefix(self.id.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }
}

/// Layers one after the other.
pub(crate) struct Sequential(pub Vec<Node>);

impl Layer for Sequential {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        self.0.iter().fold(x, |x, node| node.forward(x, pass))
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        self.0.iter().try_fold(input, |shape, node| node.layer.output_shape(shape))
    }
}

/// `x + branch(x)`; the branch keeps the shape.
pub(crate) struct Residual(pub Vec<Node>);

impl Layer for Residual {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        let y = self.0.iter().fold(x.clone(), |x, node| node.forward(x, pass));
        x + y
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// What moves: the clip minus its mean frame, divided by the standard deviation of that over the whole clip. Background,
/// clothes and light, which say who is filmed and where, are gone before anything can be learned from them.
pub(crate) struct Motion;

impl Layer for Motion {
    fn forward(&self, x: Tensor<5>, _pass: &mut Pass<'_>) -> Tensor<5> {
        let [b, c, t, h, w] = x.dims();
        let moving = x.clone() - x.mean_dim(2); // [B, C, T, H, W]
        let variance = moving.clone().square().reshape([b, c * t * h * w]).mean_dim(1); // [B, 1]
        moving / variance.add_scalar(STILL).sqrt().reshape([b, 1, 1, 1, 1])
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// Variance of a clip in which nothing moves but noise; keeps it from being blown up.
const STILL: f64 = 1e-3;

/// 3D convolution.
pub(crate) struct Conv3d {
    pub weight: EntryId,
    pub bias: Option<EntryId>,
    pub out: usize,
    pub kernel: [usize; 3],
    pub geometry: ConvGeometry,
}

impl Layer for Conv3d {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        let weight = pass.parameter(self.weight);
        let bias = self.bias.map(|id| pass.parameter(id));
        ops::conv3d(x, weight, bias, self.geometry)
    }

    fn output_shape(&self, [_, t, h, w]: [usize; 4]) -> Option<[usize; 4]> {
        let axis =
            |i: usize, size| ops::windows(size, self.kernel[i], self.geometry.stride[i], self.geometry.padding[i]);
        Some([self.out, axis(0, t)?, axis(1, h)?, axis(2, w)?])
    }
}

/// Batch normalisation (Ioffe & Szegedy 2015) over batch, time, height and width.
pub(crate) struct BatchNorm {
    pub scale: EntryId,
    pub shift: EntryId,
    pub mean: EntryId,
    pub variance: EntryId,
    pub batches: EntryId,
    pub epsilon: f64,
    pub momentum: f64,
}

impl Layer for BatchNorm {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        let (scale, shift) = (pass.parameter(self.scale), pass.parameter(self.shift));
        let (mean, variance) = (pass.buffer(self.mean), pass.buffer(self.variance));
        if !pass.moves(self.scale) {
            return module::batch_norm(x, scale, shift, mean, variance, self.epsilon);
        }
        let [b, _, t, h, w] = x.dims();
        let out = module::batch_norm_train(x, scale, shift, self.epsilon);
        // PyTorch normalises by the biased variance but remembers the unbiased one. A single value a channel has
        // variance 0 either way.
        let count = (b * t * h * w) as f64;
        let unbiased = out.variance.inner().mul_scalar(count / (count - 1.0).max(1.0));
        let moved =
            |old: Tensor<1>, new: Tensor<1>| old.mul_scalar(1.0 - self.momentum) + new.mul_scalar(self.momentum);
        pass.updates.push((self.mean, moved(mean, out.mean.inner())));
        pass.updates.push((self.variance, moved(variance, unbiased)));
        pass.counted.push(self.batches);
        out.output
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// `max(x, 0)`.
pub(crate) struct Relu;

impl Layer for Relu {
    fn forward(&self, x: Tensor<5>, _pass: &mut Pass<'_>) -> Tensor<5> {
        activation::relu(x)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// `min(max(x, 0), 6)`.
pub(crate) struct Relu6;

impl Layer for Relu6 {
    fn forward(&self, x: Tensor<5>, _pass: &mut Pass<'_>) -> Tensor<5> {
        activation::relu6(x)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// 3D max pooling without padding.
pub(crate) struct MaxPool3d {
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
}

impl Layer for MaxPool3d {
    fn forward(&self, x: Tensor<5>, _pass: &mut Pass<'_>) -> Tensor<5> {
        ops::max_pool3d(x, self.kernel, self.stride)
    }

    fn output_shape(&self, [c, t, h, w]: [usize; 4]) -> Option<[usize; 4]> {
        let axis = |i: usize, size| ops::windows(size, self.kernel[i], self.stride[i], 0);
        Some([c, axis(0, t)?, axis(1, h)?, axis(2, w)?])
    }
}

/// A step of the classifier, from `[B, N]` to `[B, N']`, after global average pooling.
pub(crate) enum HeadLayer {
    /// Dropout with this probability.
    Dropout { id: String, p: f64 },
    /// `max(x, 0)`.
    Relu,
    /// Fully connected.
    Linear { weight: EntryId, bias: EntryId },
}

impl HeadLayer {
    /// Applies the step.
    pub fn forward(&self, x: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<2> {
        match self {
            Self::Dropout { id, p } => match pass.dropout(id) {
                Some(stream) => ops::dropout(x, *p, stream),
                None => x,
            },
            Self::Relu => activation::relu(x),
            Self::Linear { weight, bias } => {
                let (weight, bias) = (pass.parameter(*weight), pass.parameter(*bias));
                ops::linear(x, weight, bias)
            }
        }
    }
}
