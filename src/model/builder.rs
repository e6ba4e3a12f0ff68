//! Builds a network layer by layer: names and initialises its arrays, and follows the shape of the activation.

use super::error::ModelError;
use super::layers::{
    BatchNorm, Conv3d, FramePool, HeadLayer, Layer, MaxPool3d, Motion, Node, Padding, Relu, Relu6, Sigmoid, Silu,
    StochasticDepth,
};
use super::parameters::{EntryId, EntryKind, ParameterRole, Store};
use super::random_stream::RandomStream;
use super::readout::Readout;
use burn::tensor::Device;

/// What kind of layer a [`LayerInfo`] speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerKind {
    /// A group of layers; its output is that of the last one (with the shortcut added, where there is one).
    Block,
    /// A convolution over time, height and width.
    Conv3d,
    /// A convolution over the height and width of each frame.
    Conv2d,
    /// Batch normalisation.
    BatchNorm,
    /// ReLU, ReLU6 and other functions of single numbers.
    Activation,
    /// Max pooling.
    MaxPool,
    /// Average pooling, of each frame or of the whole clip.
    GlobalPool,
    /// Dropout.
    Dropout,
    /// Fully connected.
    Linear,
}

/// One addressable place in a network.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct LayerInfo {
    /// Stable id: the path PyTorch knows the module by, such as `block5.3` or `features.18`.
    pub id: String,
    /// What it is.
    pub kind: LayerKind,
    /// For people, such as `Conv3d 3→64, 3×3×3`.
    pub title: String,
    /// Output for the configured clip: channels, time, height, width.
    pub shape: [usize; 4],
    /// Numbers the layer (and what is inside it) learns.
    pub parameters: usize,
    /// True when heatmaps can be made here.
    pub cam: bool,
}

/// Everything a convolution is, besides its input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvSpec {
    pub out: usize,
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub padding: Padding,
    pub groups: usize,
    pub bias: bool,
    /// Its weight has no time axis: the kernel of a picture.
    pub planar: bool,
}

impl ConvSpec {
    /// Kernel of odd sizes, padded so that stride 1 keeps the size, without bias.
    pub fn same(out: usize, kernel: [usize; 3]) -> Self {
        let padding = Padding::Both(kernel.map(|k| k / 2));
        Self { out, kernel, stride: [1; 3], padding, groups: 1, bias: false, planar: false }
    }

    /// The same over the frames of a clip, one by one.
    pub fn planar(out: usize, size: usize) -> Self {
        Self { planar: true, ..Self::same(out, [1, size, size]) }
    }

    /// With this stride.
    pub fn stride(self, stride: [usize; 3]) -> Self {
        Self { stride, ..self }
    }

    /// With this padding.
    pub fn padding(self, padding: Padding) -> Self {
        Self { padding, ..self }
    }

    /// With as many groups.
    pub fn groups(self, groups: usize) -> Self {
        Self { groups, ..self }
    }

    /// With a bias.
    pub fn bias(self) -> Self {
        Self { bias: true, ..self }
    }
}

/// Result of a building step.
pub(crate) type Built<T = Node> = Result<T, ModelError>;

/// Builds a network; see the module.
pub(crate) struct Builder {
    model: &'static str,
    seed: u64,
    clip: [usize; 3],
    /// True where arrays are counted, not made.
    counting: bool,
    pub(super) path: Vec<String>,
    /// Output shape so far, `[C, T, H, W]`.
    pub(super) shape: [usize; 4],
    pub store: Store,
    pub layers: Vec<LayerInfo>,
}

impl Builder {
    /// For clips of `clip` = (frames, rows, columns).
    pub fn new(model: &'static str, clip: [usize; 3], device: Device, seed: u64) -> Self {
        let [t, h, w] = clip;
        let (path, shape) = (Vec::new(), [3, t, h, w]);
        Self { model, seed, clip, counting: false, path, shape, store: Store::new(device), layers: Vec::new() }
    }

    /// Counts arrays and follows shapes, but makes no array: drawing millions of numbers takes its time.
    pub fn outline(model: &'static str, clip: [usize; 3]) -> Self {
        Self { counting: true, ..Self::new(model, clip, Device::flex(), 0) }
    }

    /// Channels so far.
    pub fn channels(&self) -> usize {
        self.shape[0]
    }

    pub(super) fn id(&self, name: &str) -> String {
        let mut id = self.path.join(".");
        if !id.is_empty() {
            id.push('.');
        }
        id + name
    }

    /// Numbers learned by entries added since there were `entries` of them.
    pub(super) fn learned_since(&self, entries: usize) -> usize {
        let added = self.store.iter().skip(entries);
        added.filter(|e| matches!(e.kind, EntryKind::Parameter { .. })).map(|e| e.len()).sum()
    }

    fn finish(
        &mut self,
        name: &str,
        kind: LayerKind,
        title: String,
        entries: usize,
        layer: impl Layer + 'static,
    ) -> Built {
        let id = self.id(name);
        let shape = layer.output_shape(self.shape).filter(|s| s.iter().all(|n| *n > 0));
        self.shape = shape.ok_or_else(|| self.too_small(&id))?;
        let parameters = self.learned_since(entries);
        self.layers.push(LayerInfo { id: id.clone(), kind, title, shape: self.shape, parameters, cam: true });
        Ok(Node { id, layer: Box::new(layer) })
    }

    fn too_small(&self, layer: &str) -> ModelError {
        let [frames, height, width] = self.clip;
        ModelError::InputTooSmall { model: self.model.to_owned(), layer: layer.to_owned(), frames, height, width }
    }

    fn array(
        &mut self,
        name: String,
        shape: Vec<usize>,
        kind: EntryKind,
        values: impl FnOnce(usize) -> Vec<f32>,
    ) -> EntryId {
        let n = shape.iter().product();
        let values = if self.counting { None } else { Some(values(n)) };
        self.store.add(name, shape, kind, values)
    }

    fn drawn(&mut self, name: &str, shape: Vec<usize>, role: ParameterRole, bound: f64) -> EntryId {
        let stream = RandomStream::new(self.seed, name);
        let kind = EntryKind::Parameter { role, trainable: true };
        self.array(name.to_owned(), shape, kind, |n| stream.uniform(bound as f32, n))
    }

    /// A convolution. Weights start uniform with variance 2 / fan-in (He et al. 2015), biases as PyTorch's.
    pub fn conv(&mut self, name: &str, spec: ConvSpec) -> Built {
        let ConvSpec { out, kernel, stride, padding, groups, bias, planar } = spec;
        let (id, entries, input) = (self.id(name), self.store.iter().count(), self.channels());
        let [kt, kh, kw] = kernel;
        let fan_in = (input / groups * kt * kh * kw) as f64;
        let shape = match planar {
            true => vec![out, input / groups, kh, kw],
            false => vec![out, input / groups, kt, kh, kw],
        };
        let weight = self.drawn(&format!("{id}.weight"), shape, ParameterRole::Weight, (6.0 / fan_in).sqrt());
        let bias = bias.then(|| self.drawn(&format!("{id}.bias"), vec![out], ParameterRole::Bias, 1.0 / fan_in.sqrt()));
        let (kind, mut title) = match planar {
            true => (LayerKind::Conv2d, format!("Conv2d {input}→{out}, {kh}×{kw}")),
            false => (LayerKind::Conv3d, format!("Conv3d {input}→{out}, {kt}×{kh}×{kw}")),
        };
        if groups > 1 {
            title += &format!(", {groups} groups");
        }
        let layer = Conv3d { weight, bias, out, kernel, stride, padding, groups };
        self.finish(name, kind, title, entries, layer)
    }

    /// A batch normalisation with PyTorch's epsilon 1e-5 and momentum 0.1.
    pub fn batch_norm(&mut self, name: &str) -> Built {
        self.batch_norm_with(name, 1e-5, 0.1)
    }

    /// A batch normalisation.
    pub fn batch_norm_with(&mut self, name: &str, epsilon: f64, momentum: f64) -> Built {
        let (id, entries, n) = (self.id(name), self.store.iter().count(), self.channels());
        let parameter = |role| EntryKind::Parameter { role, trainable: true };
        let mut array =
            |name: &str, kind, value: f32| self.array(format!("{id}.{name}"), vec![n], kind, |n| vec![value; n]);
        let scale = array("weight", parameter(ParameterRole::NormScale), 1.0);
        let shift = array("bias", parameter(ParameterRole::NormShift), 0.0);
        let mean = array("running_mean", EntryKind::Buffer, 0.0);
        let variance = array("running_var", EntryKind::Buffer, 1.0);
        let counter = EntryKind::Counter(0);
        let batches = self.array(format!("{id}.num_batches_tracked"), Vec::new(), counter, |_| vec![0.0]);
        let layer = BatchNorm { scale, shift, mean, variance, batches, epsilon, momentum };
        self.finish(name, LayerKind::BatchNorm, format!("BatchNorm {n}"), entries, layer)
    }

    /// A ReLU.
    pub fn relu(&mut self, name: &str) -> Built {
        let entries = self.store.iter().count();
        self.finish(name, LayerKind::Activation, "ReLU".into(), entries, Relu)
    }

    /// The clip without what stands still.
    pub fn motion(&mut self, name: &str) -> Built {
        let entries = self.store.iter().count();
        let built = self.finish(name, LayerKind::Activation, "Motion".into(), entries, Motion);
        // Its channels are still colours: a weighted sum of them says nothing about what the network looks for.
        if let Some(layer) = self.layers.last_mut() {
            layer.cam = false;
        }
        built
    }

    /// A ReLU6.
    pub fn relu6(&mut self, name: &str) -> Built {
        let entries = self.store.iter().count();
        self.finish(name, LayerKind::Activation, "ReLU6".into(), entries, Relu6)
    }

    /// A SiLU.
    pub fn silu(&mut self, name: &str) -> Built {
        let entries = self.store.iter().count();
        self.finish(name, LayerKind::Activation, "SiLU".into(), entries, Silu)
    }

    /// A sigmoid.
    pub fn sigmoid(&mut self, name: &str) -> Built {
        let entries = self.store.iter().count();
        self.finish(name, LayerKind::Activation, "Sigmoid".into(), entries, Sigmoid)
    }

    /// The mean over each frame.
    pub fn frame_pool(&mut self, name: &str) -> Built {
        let entries = self.store.iter().count();
        self.finish(name, LayerKind::GlobalPool, "Average pooling of each frame".into(), entries, FramePool)
    }

    /// A residual branch that is left out for a frame with probability `p` while training.
    pub fn stochastic_depth(&mut self, name: &str, p: f64) -> Built {
        let (id, entries) = (self.id(name), self.store.iter().count());
        self.finish(name, LayerKind::Dropout, format!("Stochastic depth {p:.3}"), entries, StochasticDepth { id, p })
    }

    /// A max pooling whose stride is its kernel.
    pub fn max_pool(&mut self, name: &str, kernel: [usize; 3]) -> Built {
        self.max_pool_with(name, kernel, kernel, Padding::Both([0; 3]))
    }

    /// A max pooling.
    pub fn max_pool_with(&mut self, name: &str, kernel: [usize; 3], stride: [usize; 3], padding: Padding) -> Built {
        let ([t, h, w], entries) = (kernel, self.store.iter().count());
        let layer = MaxPool3d { kernel, stride, padding };
        self.finish(name, LayerKind::MaxPool, format!("MaxPool3d {t}×{h}×{w}"), entries, layer)
    }

    fn head_layer(&mut self, name: &str, kind: LayerKind, title: String, features: usize, parameters: usize) -> String {
        let id = self.id(name);
        self.shape = [features, 1, 1, 1];
        self.layers.push(LayerInfo { id: id.clone(), kind, title, shape: self.shape, parameters, cam: false });
        id
    }

    /// The pooling before the classifier.
    pub fn readout(&mut self, name: &str, readout: Readout) -> Built<Readout> {
        if !readout.fits(self.shape) {
            return Err(self.too_small(&self.id(name)));
        }
        let channels = self.channels();
        self.head_layer(name, LayerKind::GlobalPool, readout.title(), channels, 0);
        Ok(readout)
    }

    /// The classifier's layers under `name`.
    pub fn classifier(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> Vec<HeadLayer>) -> Vec<HeadLayer> {
        self.path.push(name.to_owned());
        let head = inside(self);
        self.path.pop();
        head
    }

    /// A dropout in the classifier.
    pub fn dropout(&mut self, name: &str, p: f64) -> HeadLayer {
        let features = self.channels();
        let id = self.head_layer(name, LayerKind::Dropout, format!("Dropout {p}"), features, 0);
        HeadLayer::Dropout { id, p }
    }

    /// A ReLU in the classifier.
    pub fn head_relu(&mut self, name: &str) -> HeadLayer {
        let features = self.channels();
        let id = self.head_layer(name, LayerKind::Activation, "ReLU".into(), features, 0);
        HeadLayer::Relu { id }
    }

    /// A dropout in the classifier where there is one: `p` unless configured, nothing for 0.
    pub fn optional_dropout(&mut self, name: &str, p: Option<f64>) -> Vec<HeadLayer> {
        p.filter(|p| *p > 0.0).map(|p| self.dropout(name, p)).into_iter().collect()
    }

    /// A fully connected layer; weights and biases start as PyTorch's.
    pub fn linear(&mut self, name: &str, out: usize) -> HeadLayer {
        self.linear_kept_as(name, out, 2)
    }

    /// A fully connected layer whose weight is kept with as many axes: a convolution of single cells.
    pub fn linear_kept_as(&mut self, name: &str, out: usize, axes: usize) -> HeadLayer {
        let (id, input) = (self.id(name), self.channels());
        let bound = 1.0 / (input as f64).sqrt();
        let mut shape = vec![out, input];
        shape.resize(axes, 1);
        let weight = self.drawn(&format!("{id}.weight"), shape, ParameterRole::Weight, bound);
        let bias = self.drawn(&format!("{id}.bias"), vec![out], ParameterRole::Bias, bound);
        let title = format!("Linear {input}→{out}");
        let id = self.head_layer(name, LayerKind::Linear, title, out, input * out + out);
        HeadLayer::Linear { id, weight, bias }
    }
}
