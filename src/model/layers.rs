//! The layers networks are built from.

use super::norm_op::NormOptions;
use super::ops::{self, Activation, ConvGeometry};
use super::pass::Pass;
use super::store::EntryId;
use burn::tensor::{Tensor, activation, module};

/// One step of a network's trunk, from `[B, C, T, H, W]` to `[B, C', T', H', W']`.
pub(crate) trait Layer: Send + Sync {
    /// Applies the layer.
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5>;

    /// Shape of the output `[C, T, H, W]` for an input of that form; `None` when nothing would be left.
    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]>;

    /// What it is to its neighbours, with which it may be computed as one.
    fn part(&self) -> Part<'_> {
        Part::Other
    }
}

/// A layer that may be computed together with its neighbours.
pub(crate) enum Part<'a> {
    /// A convolution.
    Conv(&'a Conv3d),
    /// A batch normalisation.
    Norm(&'a BatchNorm),
    /// A clamp.
    Clamp(Activation),
    /// Any other layer.
    Other,
}

/// Applies layers in order. A normalisation takes the clamp behind it along, and a convolution both where nothing is
/// recorded; but not across a layer whose output was asked for.
pub(crate) fn run(nodes: &[Node], mut x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
    let mut rest = nodes;
    while let Some((node, behind)) = rest.split_first() {
        let norm_at = usize::from(matches!(node.layer.part(), Part::Conv(_)));
        let norm = rest.get(norm_at).and_then(|n| match n.layer.part() {
            Part::Norm(norm) if norm_at == 0 || !pass.wants(&node.id) => Some((n, norm)),
            _ => None,
        });
        let Some((norm_node, norm)) = norm else {
            x = node.forward(x, pass);
            rest = behind;
            continue;
        };
        let clamp = rest.get(norm_at + 1).and_then(|n| match n.layer.part() {
            Part::Clamp(activation) if !pass.wants(&norm_node.id) => Some((n, activation)),
            _ => None,
        });
        let (last, activation) = clamp.unwrap_or((norm_node, Activation::None));
        let together = norm_at + 1 + usize::from(clamp.is_some());
        if let Part::Conv(conv) = node.layer.part() {
            if pass.training() || !ops::can_finish(&x) {
                (x, rest) = (node.forward(x, pass), behind);
                continue;
            }
            let y = conv.finished(x, norm, activation, pass);
            (x, rest) = (pass.catch(&last.id, y), &rest[together..]);
        } else {
            let y = norm.clamped(x, pass, activation);
            (x, rest) = (pass.catch(&last.id, y), &rest[together..]);
        }
    }
    x
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
        run(&self.0, x, pass)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        self.0.iter().try_fold(input, |shape, node| node.layer.output_shape(shape))
    }
}

/// `x + branch(x)`; the branch keeps the shape.
pub(crate) struct Residual(pub Vec<Node>);

impl Layer for Residual {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        let y = run(&self.0, x.clone(), pass);
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

    fn part(&self) -> Part<'_> {
        Part::Conv(self)
    }

    fn output_shape(&self, [_, t, h, w]: [usize; 4]) -> Option<[usize; 4]> {
        let axis =
            |i: usize, size| ops::windows(size, self.kernel[i], self.geometry.stride[i], self.geometry.padding[i]);
        Some([self.out, axis(0, t)?, axis(1, h)?, axis(2, w)?])
    }
}

impl Conv3d {
    /// With a normalisation by what it remembers and a clamp behind it.
    fn finished(&self, x: Tensor<5>, norm: &BatchNorm, activation: Activation, pass: &mut Pass<'_>) -> Tensor<5> {
        let (mean, variance) = (pass.buffer(norm.mean), pass.buffer(norm.variance));
        let (scale, shift): (Tensor<1>, Tensor<1>) = (pass.parameter(norm.scale), pass.parameter(norm.shift));
        let scale = scale / variance.add_scalar(norm.epsilon).sqrt();
        let mean = match self.bias {
            Some(bias) => mean - pass.parameter(bias),
            None => mean,
        };
        let shift = shift - mean * scale.clone();
        ops::conv3d_finished(x, pass.parameter(self.weight), [scale, shift], self.geometry, activation)
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

impl BatchNorm {
    /// With a clamp behind it.
    fn clamped(&self, x: Tensor<5>, pass: &mut Pass<'_>, activation: Activation) -> Tensor<5> {
        let (scale, shift) = (pass.parameter(self.scale), pass.parameter(self.shift));
        let (mean, variance) = (pass.buffer(self.mean), pass.buffer(self.variance));
        if !pass.moves(self.scale) {
            return ops::clamp(module::batch_norm(x, scale, shift, mean, variance, self.epsilon), activation);
        }
        let [b, _, t, h, w] = x.dims();
        let options = NormOptions { epsilon: self.epsilon, activation };
        let (y, batch_mean, batch_variance) = ops::normalise(x, scale, shift, options);
        // PyTorch normalises by the biased variance but remembers the unbiased one. A single value a channel has
        // variance 0 either way.
        let count = (b * t * h * w) as f64;
        let unbiased = batch_variance.inner().mul_scalar(count / (count - 1.0).max(1.0));
        let moved =
            |old: Tensor<1>, new: Tensor<1>| old.mul_scalar(1.0 - self.momentum) + new.mul_scalar(self.momentum);
        pass.updates.push((self.mean, moved(mean, batch_mean.inner())));
        pass.updates.push((self.variance, moved(variance, unbiased)));
        pass.counted.push(self.batches);
        y
    }
}

impl Layer for BatchNorm {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        self.clamped(x, pass, Activation::None)
    }

    fn part(&self) -> Part<'_> {
        Part::Norm(self)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// `max(x, 0)`.
pub(crate) struct Relu;

impl Layer for Relu {
    fn forward(&self, x: Tensor<5>, _pass: &mut Pass<'_>) -> Tensor<5> {
        ops::clamp(x, Activation::Relu)
    }

    fn part(&self) -> Part<'_> {
        Part::Clamp(Activation::Relu)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// `min(max(x, 0), 6)`.
pub(crate) struct Relu6;

impl Layer for Relu6 {
    fn forward(&self, x: Tensor<5>, _pass: &mut Pass<'_>) -> Tensor<5> {
        ops::clamp(x, Activation::Relu6)
    }

    fn part(&self) -> Part<'_> {
        Part::Clamp(Activation::Relu6)
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
