//! The layers networks are built from.

use super::conv_parts::pad;
use super::cpu_ops::motion::what_moves;
use super::flex::on_cpu;
use super::kernels::norm::NormOptions;
use super::module_path::belongs_to;
use super::ops::{self, Activation, ConvGeometry, Rounding};
use super::parameters::EntryId;
use super::pass::Pass;
use super::reach::Reach;
use burn::tensor::{Tensor, activation, module};

/// One step of a network's trunk, from `[B, C, T, H, W]` to `[B, C', T', H', W']`.
pub(crate) trait Layer: Send + Sync {
    /// Applies the layer.
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5>;

    /// Shape of the output `[C, T, H, W]` for an input of that form; `None` when nothing would be left.
    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]>;

    /// What it is to its neighbours, with which it may be computed as one.
    fn part(&self) -> FusedPart<'_> {
        FusedPart::Other
    }

    /// What it is made of, for an input of this form.
    fn structure(&self, _input: [usize; 4]) -> Structure<'_> {
        Structure::Leaf(Reach::Point)
    }
}

/// What a layer is made of.
pub(crate) enum Structure<'a> {
    /// Nothing that is a layer too; how far it looks.
    Leaf(Reach),
    /// Layers one after the other.
    Sequence(&'a [Node]),
    /// `after(branch(x) + shortcut(x))`.
    Residual { branch: &'a [Node], shortcut: &'a [Node], after: &'a [Node] },
    /// Ways from the same input.
    Branches(&'a [Vec<Node>]),
    /// `x` times what the layers make of it.
    Gated(&'a [Node]),
}

/// A layer that may be computed together with its neighbours.
pub(crate) enum FusedPart<'a> {
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
        let norm_at = usize::from(matches!(node.layer.part(), FusedPart::Conv(_)));
        let norm = rest.get(norm_at).and_then(|n| match n.layer.part() {
            FusedPart::Norm(norm) if norm_at == 0 || !pass.wants(&node.id) => Some((n, norm)),
            _ => None,
        });
        let Some((norm_node, norm)) = norm else {
            // Without a normalisation a convolution takes the clamp along.
            (x, rest) = match (node.layer.part(), behind.split_first()) {
                (FusedPart::Conv(conv), Some((next, behind)))
                    if let FusedPart::Clamp(activation) = next.layer.part()
                        && !pass.wants(&node.id)
                        && !pass.training()
                        && ops::can_finish(&x) =>
                {
                    let y = conv.clamped(x, activation, pass);
                    (pass.catch(&next.id, y), behind)
                }
                _ => (node.forward(x, pass), behind),
            };
            continue;
        };
        let clamp = rest.get(norm_at + 1).and_then(|n| match n.layer.part() {
            FusedPart::Clamp(activation) if !pass.wants(&norm_node.id) => Some((n, activation)),
            _ => None,
        });
        let (last, activation) = clamp.unwrap_or((norm_node, Activation::None));
        let together = norm_at + 1 + usize::from(clamp.is_some());
        if let FusedPart::Conv(conv) = node.layer.part() {
            let folds = pass.precise() && on_cpu(&x);
            if pass.training() || !ops::can_finish(&x) && !folds {
                (x, rest) = (node.forward(x, pass), behind);
                continue;
            }
            let y = match ops::can_finish(&x) {
                true => conv.finished(x, norm, activation, pass),
                false => conv.folded(x, norm, activation, pass),
            };
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
        belongs_to(layer, &self.id)
    }
}

/// What moves: the clip minus its mean frame, divided by the standard deviation of that over the whole clip. Background,
/// clothes and light, which say who is filmed and where, are gone before anything can be learned from them.
pub(crate) struct Motion;

impl Layer for Motion {
    fn forward(&self, x: Tensor<5>, _pass: &mut Pass<'_>) -> Tensor<5> {
        ops::in_f32(x, what_moves)
    }

    fn structure(&self, _input: [usize; 4]) -> Structure<'_> {
        Structure::Leaf(Reach::Normalised)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// What lies around the input of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Padding {
    /// As much before as after each axis: zeros for a convolution, nothing that could be the largest for a pool.
    Both([usize; 3]),
    /// As many zeros as [`ops::same_padding`] says; zeros for a pool too.
    Same,
}

impl Padding {
    /// `x` with what cannot be left to the operation, and the padding on both sides that can.
    fn around(self, x: Tensor<5>, kernel: [usize; 3], stride: [usize; 3], pool: bool) -> (Tensor<5>, [usize; 3]) {
        let zeros = match self {
            Self::Both(padding) => return (x, padding),
            Self::Same => {
                let [_, _, t, h, w] = x.dims();
                std::array::from_fn(|a| ops::same_padding([t, h, w][a], kernel[a], stride[a]))
            }
        };
        if !pool && zeros.iter().all(|(before, after)| before == after) {
            return (x, zeros.map(|(before, _)| before));
        }
        (pad(x, zeros), [0; 3])
    }

    /// How far windows on an input of this form look.
    fn reach(self, [_, t, h, w]: [usize; 4], kernel: [usize; 3], stride: [usize; 3]) -> Reach {
        let before = match self {
            Self::Both(padding) => padding,
            Self::Same => std::array::from_fn(|a| ops::same_padding([t, h, w][a], kernel[a], stride[a]).0),
        };
        Reach::Window { kernel, stride, before }
    }

    /// Size of what windows leave of `[T, H, W]`.
    fn leaves(self, size: [usize; 3], kernel: [usize; 3], stride: [usize; 3]) -> Option<[usize; 3]> {
        let mut out = [0; 3];
        for a in 0..3 {
            out[a] = match self {
                Self::Both(padding) => ops::windows(size[a], kernel[a], stride[a], padding[a])?,
                Self::Same => size[a].div_ceil(stride[a]),
            };
        }
        Some(out)
    }
}

/// 3D convolution.
pub(crate) struct Conv3d {
    pub weight: EntryId,
    pub bias: Option<EntryId>,
    pub out: usize,
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub padding: Padding,
    pub groups: usize,
}

impl Layer for Conv3d {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        let (x, geometry) = self.placed(x);
        let weight = pass.parameter(self.weight);
        let bias = self.bias.map(|id| pass.parameter(id));
        ops::conv3d_rounding(x, weight, bias, geometry, rounding(pass))
    }

    fn part(&self) -> FusedPart<'_> {
        FusedPart::Conv(self)
    }

    fn structure(&self, input: [usize; 4]) -> Structure<'_> {
        Structure::Leaf(self.padding.reach(input, self.kernel, self.stride))
    }

    fn output_shape(&self, [_, t, h, w]: [usize; 4]) -> Option<[usize; 4]> {
        let [t, h, w] = self.padding.leaves([t, h, w], self.kernel, self.stride)?;
        Some([self.out, t, h, w])
    }
}

impl Conv3d {
    /// The input with the zeros the operation does not add itself.
    fn placed(&self, x: Tensor<5>) -> (Tensor<5>, ConvGeometry) {
        let (x, padding) = self.padding.around(x, self.kernel, self.stride, false);
        (x, ConvGeometry { stride: self.stride, padding, groups: self.groups })
    }

    /// With a clamp behind it.
    fn clamped(&self, x: Tensor<5>, activation: Activation, pass: &mut Pass<'_>) -> Tensor<5> {
        let (x, geometry) = self.placed(x);
        let ones = Tensor::ones([self.out], &x.device());
        let shift = self.bias.map_or_else(|| ones.zeros_like(), |bias| pass.parameter(bias));
        ops::conv3d_finished(x, pass.parameter(self.weight), [ones, shift], geometry, activation, rounding(pass))
    }

    /// With a normalisation by what it remembers and a clamp behind it.
    fn finished(&self, x: Tensor<5>, norm: &BatchNorm, activation: Activation, pass: &mut Pass<'_>) -> Tensor<5> {
        let (x, geometry) = self.placed(x);
        let line = self.line(norm, pass);
        ops::conv3d_finished(x, pass.parameter(self.weight), line, geometry, activation, rounding(pass))
    }

    /// The same with a way back to the input alone: the normalisation becomes part of the weight, so that nothing is
    /// rounded between the two.
    fn folded(&self, x: Tensor<5>, norm: &BatchNorm, activation: Activation, pass: &mut Pass<'_>) -> Tensor<5> {
        let (x, geometry) = self.placed(x);
        let [scale, shift] = self.line(norm, pass);
        let weight: Tensor<5> = pass.parameter(self.weight);
        let weight = weight * scale.reshape([self.out, 1, 1, 1, 1]);
        ops::clamp(ops::conv3d_rounding(x, weight, Some(shift), geometry, rounding(pass)), activation)
    }

    /// What a normalisation by what it remembers does to each output channel: times the first, plus the second.
    fn line(&self, norm: &BatchNorm, pass: &mut Pass<'_>) -> [Tensor<1>; 2] {
        let (mean, variance) = (pass.buffer(norm.mean), pass.buffer(norm.variance));
        let (scale, shift): (Tensor<1>, Tensor<1>) = (pass.parameter(norm.scale), pass.parameter(norm.shift));
        let scale = scale / variance.add_scalar(norm.epsilon).sqrt();
        let mean = match self.bias {
            Some(bias) => mean - pass.parameter(bias),
            None => mean,
        };
        let shift = shift - mean * scale.clone();
        [scale, shift]
    }
}

fn rounding(pass: &Pass<'_>) -> Rounding {
    if pass.precise() { Rounding::Least } else { Rounding::Usual }
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
    /// With a clamp behind it. Sums over a whole batch need 32 bits.
    fn clamped(&self, x: Tensor<5>, pass: &mut Pass<'_>, activation: Activation) -> Tensor<5> {
        ops::in_f32(x, |x| self.computed(x, pass, activation))
    }

    fn computed(&self, x: Tensor<5>, pass: &mut Pass<'_>, activation: Activation) -> Tensor<5> {
        let (scale, shift) = (pass.parameter(self.scale), pass.parameter(self.shift));
        let (mean, variance) = (pass.buffer(self.mean), pass.buffer(self.variance));
        if !pass.statistics_move(self.scale) {
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

    fn part(&self) -> FusedPart<'_> {
        FusedPart::Norm(self)
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

    fn part(&self) -> FusedPart<'_> {
        FusedPart::Clamp(Activation::Relu)
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

    fn part(&self) -> FusedPart<'_> {
        FusedPart::Clamp(Activation::Relu6)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// `x * sigmoid(x)`.
pub(crate) struct Silu;

impl Layer for Silu {
    fn forward(&self, x: Tensor<5>, _pass: &mut Pass<'_>) -> Tensor<5> {
        activation::silu(x)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// `1 / (1 + exp(-x))`.
pub(crate) struct Sigmoid;

impl Layer for Sigmoid {
    fn forward(&self, x: Tensor<5>, _pass: &mut Pass<'_>) -> Tensor<5> {
        activation::sigmoid(x)
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// 3D max pooling.
pub(crate) struct MaxPool3d {
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub padding: Padding,
}

impl Layer for MaxPool3d {
    fn forward(&self, x: Tensor<5>, _pass: &mut Pass<'_>) -> Tensor<5> {
        let (x, padding) = self.padding.around(x, self.kernel, self.stride, true);
        ops::max_pool3d(x, self.kernel, self.stride, padding)
    }

    fn structure(&self, input: [usize; 4]) -> Structure<'_> {
        Structure::Leaf(self.padding.reach(input, self.kernel, self.stride))
    }

    fn output_shape(&self, [c, t, h, w]: [usize; 4]) -> Option<[usize; 4]> {
        let [t, h, w] = self.padding.leaves([t, h, w], self.kernel, self.stride)?;
        Some([c, t, h, w])
    }
}

/// The mean over each frame.
pub(crate) struct FramePool;

impl Layer for FramePool {
    fn forward(&self, x: Tensor<5>, _pass: &mut Pass<'_>) -> Tensor<5> {
        let [b, c, t, h, w] = x.dims();
        ops::in_f32(x, |x| x.reshape([b, c, t, h * w]).mean_dim(3).reshape([b, c, t, 1, 1]))
    }

    fn structure(&self, _input: [usize; 4]) -> Structure<'_> {
        Structure::Leaf(Reach::Frame)
    }

    fn output_shape(&self, [c, t, ..]: [usize; 4]) -> Option<[usize; 4]> {
        Some([c, t, 1, 1])
    }
}

/// Leaves frames out of a residual branch while training (Huang et al. 2016).
pub(crate) struct StochasticDepth {
    pub id: String,
    pub p: f64,
}

impl Layer for StochasticDepth {
    fn forward(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<5> {
        match pass.dropout(&self.id) {
            Some(stream) => ops::drop_frames(x, self.p, stream),
            None => x,
        }
    }

    fn output_shape(&self, input: [usize; 4]) -> Option<[usize; 4]> {
        Some(input)
    }
}

/// A step of the classifier, from `[B, N]` to `[B, N']`, after global average pooling.
pub(crate) enum HeadLayer {
    /// Dropout with this probability.
    Dropout { id: String, p: f64 },
    /// `max(x, 0)`.
    Relu { id: String },
    /// Fully connected.
    Linear { id: String, weight: EntryId, bias: EntryId },
}

impl HeadLayer {
    /// The path PyTorch knows the module by.
    pub fn id(&self) -> &str {
        match self {
            Self::Dropout { id, .. } | Self::Relu { id } | Self::Linear { id, .. } => id,
        }
    }

    /// Applies the step.
    pub fn forward(&self, x: Tensor<2>, pass: &mut Pass<'_>) -> Tensor<2> {
        match self {
            Self::Dropout { id, p } => match pass.dropout(id) {
                Some(stream) => ops::dropout(x, *p, stream),
                None => x,
            },
            Self::Relu { .. } => activation::relu(x),
            Self::Linear { weight, bias, .. } => {
                let (weight, bias) = (pass.parameter(*weight), pass.parameter(*bias));
                ops::linear(x, weight, bias)
            }
        }
    }
}
