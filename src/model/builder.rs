//! Builds a network layer by layer, naming its arrays, drawing their first values and following the shape.

use super::error::ModelError;
use super::layers::{BatchNorm, Conv3d, HeadLayer, Layer, MaxPool3d, Motion, Node, Relu, Relu6, Residual, Sequential};
use super::ops::ConvGeometry;
use super::store::{EntryId, EntryKind, ParameterRole, Store};
use super::stream::Stream;
use burn::tensor::Device;

/// What kind of layer a [`LayerInfo`] speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LayerKind {
    /// A group of layers; its output is that of the last one (with the shortcut added, where there is one).
    Block,
    /// A convolution.
    Conv3d,
    /// Batch normalisation.
    BatchNorm,
    /// ReLU or ReLU6.
    Activation,
    /// Max pooling.
    MaxPool,
    /// Global average pooling.
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
    /// True when heat maps can be made here.
    pub cam: bool,
}

/// Everything a convolution is, besides its input.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConvSpec {
    pub out: usize,
    pub kernel: [usize; 3],
    pub stride: [usize; 3],
    pub padding: [usize; 3],
    pub groups: usize,
    pub bias: bool,
}

impl ConvSpec {
    /// Kernel of odd sizes, padded so that stride 1 keeps the size, without bias.
    pub fn same(out: usize, kernel: [usize; 3]) -> Self {
        Self { out, kernel, stride: [1; 3], padding: kernel.map(|k| k / 2), groups: 1, bias: false }
    }

    /// With this stride.
    pub fn stride(self, stride: [usize; 3]) -> Self {
        Self { stride, ..self }
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
    path: Vec<String>,
    /// Output shape so far, `[C, T, H, W]`.
    shape: [usize; 4],
    pub store: Store,
    pub layers: Vec<LayerInfo>,
}

impl Builder {
    /// For clips of `clip` = (frames, rows, columns).
    pub fn new(model: &'static str, clip: [usize; 3], device: Device, seed: u64) -> Self {
        let [t, h, w] = clip;
        let (path, shape) = (Vec::new(), [3, t, h, w]);
        Self { model, seed, clip, path, shape, store: Store::new(device), layers: Vec::new() }
    }

    /// Channels so far.
    pub fn channels(&self) -> usize {
        self.shape[0]
    }

    fn id(&self, name: &str) -> String {
        let mut id = self.path.join(".");
        if !id.is_empty() {
            id.push('.');
        }
        id + name
    }

    /// Numbers learned by entries added since there were `entries` of them.
    fn learned_since(&self, entries: usize) -> usize {
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

    fn parameter(&mut self, name: &str, shape: Vec<usize>, role: ParameterRole, values: Vec<f32>) -> EntryId {
        self.store.add(name.to_owned(), shape, EntryKind::Parameter { role, trainable: true }, values)
    }

    fn drawn(&mut self, name: &str, shape: Vec<usize>, role: ParameterRole, bound: f64) -> EntryId {
        let values = Stream::new(self.seed, name).uniform(bound as f32, shape.iter().product());
        self.parameter(name, shape, role, values)
    }

    /// A convolution. Weights start uniform with variance 2 / fan-in (He et al. 2015), biases as PyTorch's.
    pub fn conv(&mut self, name: &str, spec: ConvSpec) -> Built {
        let ConvSpec { out, kernel, stride, padding, groups, bias } = spec;
        let (id, entries, input) = (self.id(name), self.store.iter().count(), self.channels());
        let [kt, kh, kw] = kernel;
        let fan_in = (input / groups * kt * kh * kw) as f64;
        let shape = vec![out, input / groups, kt, kh, kw];
        let weight = self.drawn(&format!("{id}.weight"), shape, ParameterRole::Weight, (6.0 / fan_in).sqrt());
        let bias = bias.then(|| self.drawn(&format!("{id}.bias"), vec![out], ParameterRole::Bias, 1.0 / fan_in.sqrt()));
        let title = match groups {
            1 => format!("Conv3d {input}→{out}, {kt}×{kh}×{kw}"),
            _ => format!("Conv3d {input}→{out}, {kt}×{kh}×{kw}, {groups} groups"),
        };
        let layer = Conv3d { weight, bias, out, kernel, geometry: ConvGeometry { stride, padding, groups } };
        self.finish(name, LayerKind::Conv3d, title, entries, layer)
    }

    /// A batch normalisation with PyTorch's epsilon 1e-5 and momentum 0.1.
    pub fn batch_norm(&mut self, name: &str) -> Built {
        let (id, entries, n) = (self.id(name), self.store.iter().count(), self.channels());
        let scale = self.parameter(&format!("{id}.weight"), vec![n], ParameterRole::NormScale, vec![1.0; n]);
        let shift = self.parameter(&format!("{id}.bias"), vec![n], ParameterRole::NormShift, vec![0.0; n]);
        let mean = self.store.add(format!("{id}.running_mean"), vec![n], EntryKind::Buffer, vec![0.0; n]);
        let variance = self.store.add(format!("{id}.running_var"), vec![n], EntryKind::Buffer, vec![1.0; n]);
        let counter = EntryKind::Counter(0);
        let batches = self.store.add(format!("{id}.num_batches_tracked"), Vec::new(), counter, vec![0.0]);
        let layer = BatchNorm { scale, shift, mean, variance, batches, epsilon: 1e-5, momentum: 0.1 };
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

    /// A max pooling whose stride is its kernel.
    pub fn max_pool(&mut self, name: &str, kernel: [usize; 3]) -> Built {
        let ([t, h, w], entries) = (kernel, self.store.iter().count());
        let layer = MaxPool3d { kernel, stride: kernel };
        self.finish(name, LayerKind::MaxPool, format!("MaxPool3d {t}×{h}×{w}"), entries, layer)
    }

    /// Layers one after the other under `name`.
    pub fn sequential(&mut self, name: &str, title: &str, inside: impl FnOnce(&mut Self) -> Built<Vec<Node>>) -> Built {
        self.group(name, title, inside, Sequential)
    }

    /// `x + inside(x)` under `name`.
    pub fn residual(&mut self, name: &str, title: &str, inside: impl FnOnce(&mut Self) -> Built<Vec<Node>>) -> Built {
        self.group(name, title, inside, Residual)
    }

    /// Layers under `name` that stay apart, so that a heat map runs only what is above its layer twice.
    pub fn flat(&mut self, name: &str, inside: impl FnOnce(&mut Self) -> Built<Vec<Node>>) -> Built<Vec<Node>> {
        self.path.push(name.to_owned());
        let nodes = inside(self);
        self.path.pop();
        nodes
    }

    fn group<L: Layer + 'static>(
        &mut self,
        name: &str,
        title: &str,
        inside: impl FnOnce(&mut Self) -> Built<Vec<Node>>,
        wrap: impl FnOnce(Vec<Node>) -> L,
    ) -> Built {
        let (id, entries, at) = (self.id(name), self.store.iter().count(), self.layers.len());
        self.path.push(name.to_owned());
        let nodes = inside(self);
        self.path.pop();
        let layer = wrap(nodes?);
        let parameters = self.learned_since(entries);
        let (kind, shape) = (LayerKind::Block, self.shape);
        self.layers
            .insert(at, LayerInfo { id: id.clone(), kind, title: title.to_owned(), shape, parameters, cam: true });
        Ok(Node { id, layer: Box::new(layer) })
    }

    fn head_layer(&mut self, name: &str, kind: LayerKind, title: String, features: usize, parameters: usize) -> String {
        let id = self.id(name);
        self.shape = [features, 1, 1, 1];
        self.layers.push(LayerInfo { id: id.clone(), kind, title, shape: self.shape, parameters, cam: false });
        id
    }

    /// The global average pooling before the classifier.
    pub fn global_pool(&mut self, name: &str) {
        let channels = self.channels();
        self.head_layer(name, LayerKind::GlobalPool, "Global average pooling".into(), channels, 0);
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
        self.head_layer(name, LayerKind::Activation, "ReLU".into(), features, 0);
        HeadLayer::Relu
    }

    /// A fully connected layer; weights and biases start as PyTorch's.
    pub fn linear(&mut self, name: &str, out: usize) -> HeadLayer {
        let (id, input) = (self.id(name), self.channels());
        let bound = 1.0 / (input as f64).sqrt();
        let weight = self.drawn(&format!("{id}.weight"), vec![out, input], ParameterRole::Weight, bound);
        let bias = self.drawn(&format!("{id}.bias"), vec![out], ParameterRole::Bias, bound);
        let title = format!("Linear {input}→{out}");
        self.head_layer(name, LayerKind::Linear, title, out, input * out + out);
        HeadLayer::Linear { weight, bias }
    }
}
