//! A network: layers, parameters, forward passes for training and inference.

use super::ModelSpec;
use super::builder::{LayerInfo, LayerKind};
use super::device::ComputeDevice;
use super::error::ModelError;
use super::layers::{Node, run};
use super::module_path::{belongs_to, lies_inside};
use super::ops;
use super::parameters::{EntryKind, ParameterRole, Store};
use super::parts::Parts;
use super::pass::{Mode, Pass, Tap};
use super::recompute::{Forgotten, stretches};
use super::train_pass::TrainPass;
use crate::config::{ModelConfig, Precision};
use crate::domain::nearest;
use burn::tensor::{AllocationProperty, Bytes, DType, Tensor, TensorData};
use std::sync::Arc;

/// A network for clips of RGB frames.
pub struct Network {
    spec: &'static ModelSpec,
    device: ComputeDevice,
    classes: usize,
    clip: [usize; 3],
    pub(super) parts: Arc<Parts>,
    pub(super) store: Store,
    pub(super) layers: Vec<LayerInfo>,
    /// Frozen batch normalisations keep their statistics too.
    pub(super) frozen_statistics: bool,
    /// What training passes compute with.
    precision: Precision,
    /// Training passes keep the outputs of a few layers only.
    recompute: bool,
}

/// Numbers as bytes, for a tensor that leaves them where they are.
struct Values<V>(V);

impl<V: AsRef<[f32]>> AsRef<[u8]> for Values<V> {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(self.0.as_ref())
    }
}

/// A parameter as an optimiser sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Name in PyTorch's `state_dict`.
    pub name: String,
    /// Shape in PyTorch's layout.
    pub shape: Vec<usize>,
    /// What it does.
    pub role: ParameterRole,
    /// False when frozen.
    pub trainable: bool,
}

/// Logits and caught layers of one forward pass, ready to go back from.
pub struct Tapped {
    /// `[B * copies, classes]`; row `b * copies + k` is copy `k` of clip `b`.
    pub logits: Tensor<2>,
    /// The layers asked for, in the order asked for; batch as in `logits`.
    pub taps: Vec<Tap>,
}

impl Network {
    /// Builds the network `config.id` with fresh weights that depend on `seed` alone.
    ///
    /// `classes` is used where `config.num_classes` is `None`; `clip` is (frames, rows, columns).
    ///
    /// # Errors
    /// An unknown id, an option the network does not have, no classes, or a clip too small for the network.
    pub fn build(
        config: &ModelConfig,
        classes: usize,
        clip: [usize; 3],
        device: &ComputeDevice,
        seed: u64,
    ) -> Result<Self, ModelError> {
        let spec = ModelSpec::of(config)?;
        let classes = config.num_classes.unwrap_or(classes);
        if classes == 0 {
            return Err(ModelError::NoClasses);
        }
        let mut builder = super::builder::Builder::new(spec.title, clip, device.tensor_device(), seed);
        let parts = Arc::new(spec.add(&mut builder, config, classes)?);
        let (store, layers) = (builder.store, builder.layers);
        let frozen_statistics = config.freeze_statistics;
        let (device, precision, recompute) = (device.clone(), Precision::F32, false);
        let mut network =
            Self { spec, device, classes, clip, parts, store, layers, frozen_statistics, precision, recompute };
        network.freeze(spec.frozen_by(config), config.freeze_statistics)?;
        Ok(network)
    }

    /// The row of the registry it was built from.
    pub fn spec(&self) -> &'static ModelSpec {
        self.spec
    }

    /// Where it runs.
    pub fn device(&self) -> &ComputeDevice {
        &self.device
    }

    /// Output units.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The clip it was built for: frames, rows, columns.
    pub fn clip(&self) -> [usize; 3] {
        self.clip
    }

    /// Numbers it learns.
    pub fn parameters(&self) -> usize {
        self.parameter_infos().iter().map(|p| p.shape.iter().product::<usize>()).sum()
    }

    /// Numbers that training moves: parameters that are not frozen.
    pub fn trainable(&self) -> usize {
        let trainable = self.parameter_infos().into_iter().filter(|p| p.trainable);
        trainable.map(|p| p.shape.iter().product::<usize>()).sum()
    }

    /// Every parameter, in the order of [`Network::parameters_mut`] and of a [`super::GradientSet`].
    pub fn parameter_infos(&self) -> Vec<ParameterInfo> {
        let info = |e: &super::parameters::Entry| match e.kind {
            EntryKind::Parameter { role, trainable } => {
                Some(ParameterInfo { name: e.name.clone(), shape: e.shape.clone(), role, trainable })
            }
            EntryKind::Buffer | EntryKind::Counter(_) => None,
        };
        self.store.iter().filter_map(info).collect()
    }

    /// The flat values of every parameter, in order, without autodiff; what an optimiser replaces.
    pub fn parameters_mut(&mut self) -> impl Iterator<Item = &mut Tensor<1>> {
        let parameters = self.store.iter_mut().filter(|e| matches!(e.kind, EntryKind::Parameter { .. }));
        parameters.map(|e| &mut e.value)
    }

    /// Freezes the parameters for which `trainable` says false and frees the others.
    pub fn set_trainable(&mut self, trainable: impl Fn(&str) -> bool) {
        for entry in self.store.iter_mut() {
            if let EntryKind::Parameter { trainable: flag, .. } = &mut entry.kind {
                *flag = trainable(&entry.name);
            }
        }
    }

    /// Every addressable layer, blocks before what is inside them, otherwise in forward order.
    pub fn layers(&self) -> &[LayerInfo] {
        &self.layers
    }

    /// The layers heatmaps can be made at.
    pub fn cam_layers(&self) -> Vec<&LayerInfo> {
        self.layers.iter().filter(|l| l.cam).collect()
    }

    /// The layer heatmaps are made at unless another is asked for.
    pub fn default_layer(&self) -> &'static str {
        self.spec.default_layer
    }

    /// The layer `id`, if a heatmap can be made there.
    ///
    /// # Errors
    /// An unknown layer; the message lists the outermost there are, and which was probably meant.
    pub fn cam_layer(&self, id: &str) -> Result<&LayerInfo, ModelError> {
        self.layers.iter().find(|l| l.cam && l.id == id).ok_or_else(|| {
            let known = layer_choices(id, &self.cam_layers().into_iter().map(|l| l.id.as_str()).collect::<Vec<_>>());
            ModelError::UnknownLayer { model: self.spec.title.to_owned(), layer: id.to_owned(), known }
        })
    }

    /// A batch of clips on the network's device, from values `[batch, 3, T, H, W]` in C order. Clips of another
    /// size than the configured one are taken as long as the network has something left of them. The values are kept
    /// where they are as long as the tensor lives, except on a GPU.
    ///
    /// # Errors
    /// A wrong number of values, or clips too small for the network.
    pub fn input(
        &self,
        values: impl AsRef<[f32]> + Send + 'static,
        batch: usize,
        clip: [usize; 3],
    ) -> Result<Tensor<5>, ModelError> {
        let [frames, height, width] = clip;
        let (expected, actual) = (batch * 3 * frames * height * width, values.as_ref().len());
        if expected != actual || expected == 0 {
            return Err(ModelError::WrongClipLength { batch, frames, height, width, expected, actual });
        }
        let mut shape = [3, frames, height, width];
        for node in &self.parts.body {
            let next = node.layer.output_shape(shape).filter(|s| s.iter().all(|n| *n > 0));
            shape = next.ok_or_else(|| {
                let (model, layer) = (self.spec.title.to_owned(), node.id.clone());
                ModelError::InputTooSmall { model, layer, frames, height, width }
            })?;
        }
        if !self.parts.readout.fits(shape) {
            let (model, layer) = (self.spec.title.to_owned(), self.parts.readout.title());
            return Err(ModelError::InputTooSmall { model, layer, frames, height, width });
        }
        let bytes = Bytes::from_shared(bytes::Bytes::from_owner(Values(values)), AllocationProperty::Native);
        let data = TensorData::from_bytes(bytes, [batch, 3, frames, height, width], DType::F32);
        Ok(Tensor::from_data(data, self.store.device()))
    }

    /// Logits `[B, classes]` of clips `[B, 3, T, H, W]`, as in evaluation, recording nothing.
    pub fn forward(&self, x: Tensor<5>) -> Tensor<2> {
        let mut pass = Pass::new(&self.store, Mode::Eval);
        self.above(0, x, &mut pass)
    }

    /// Logits as in training: batch statistics, dropout drawn from `dropout_seed`, running statistics moved.
    pub fn forward_train(&mut self, x: Tensor<5>, dropout_seed: u64) -> TrainPass {
        let (x, front) = self.below(x);
        self.train_above(front, x, dropout_seed)
    }

    /// The same network on another device, with values of its own.
    pub fn on(&self, device: &ComputeDevice) -> Self {
        Self {
            spec: self.spec,
            device: device.clone(),
            classes: self.classes,
            clip: self.clip,
            parts: self.parts.clone(),
            store: self.store.on(&device.tensor_device()),
            layers: self.layers.clone(),
            frozen_statistics: self.frozen_statistics,
            precision: self.precision,
            recompute: self.recompute,
        }
    }

    /// Takes over what training has moved in `first`, a network of the same make: parameters that learn, running
    /// statistics and counters.
    pub fn follow(&mut self, first: &Self) {
        self.store.follow(&first.store);
    }

    /// Numbers that training passes compute with from now on.
    ///
    /// # Errors
    /// The device does not have them.
    pub fn set_precision(&mut self, precision: Precision) -> Result<(), ModelError> {
        self.device.require(precision)?;
        self.precision = precision;
        Ok(())
    }

    /// Whether training passes keep the outputs of a few layers only, and compute the others again on the way back.
    pub fn set_recompute(&mut self, recompute: bool) {
        self.recompute = recompute;
    }

    /// The layers from `front` on as in training.
    pub(super) fn train_above(&mut self, front: usize, x: Tensor<5>, dropout_seed: u64) -> TrainPass {
        let x = match self.precision {
            Precision::F32 => x,
            Precision::F16 => ops::cast(x, DType::F16),
            Precision::Bf16 => ops::cast(x, DType::BF16),
        };
        let stretches = if self.recompute { stretches(&self.parts.body, front, self.clip) } else { Vec::new() };
        let (mut moved, mut counted) = (Vec::new(), Vec::new());
        let (x, front, forgotten) = match stretches.last() {
            Some(last) => {
                let (parts, store) = (self.parts.clone(), self.store.clone());
                let forgotten = Forgotten::new(parts, store, dropout_seed, self.frozen_statistics);
                let (forgotten, top) = forgotten.forward(&stretches, x, &mut moved, &mut counted);
                (top, last.end, Some(forgotten))
            }
            None => (x, front, None),
        };
        let mut pass = Pass::training_pass(&self.store, dropout_seed, self.frozen_statistics);
        let logits = self.above(front, x, &mut pass);
        let leaves = pass.leaves_in_order();
        moved.append(&mut pass.updates);
        counted.append(&mut pass.counted);
        for (id, value) in moved {
            self.store.entry_mut(id).value = value;
        }
        for id in counted {
            if let EntryKind::Counter(n) = &mut self.store.entry_mut(id).kind {
                *n += 1;
            }
        }
        TrainPass::new(logits, leaves, forgotten)
    }

    /// Logits as in evaluation, with the graph recorded from the first of `layers` upward and nothing below it.
    ///
    /// Everything below that layer runs once; above it each clip runs `copies` times, so that as many different
    /// classes can be explained by one pass back (logits of different rows do not depend on each other).
    ///
    /// Where a max pool above one of `layers` can move what is read of the gradients, convolutions round as little as they
    /// can: which of two inputs that are nearly equal gets the gradient of a window is then no matter of the kernels.
    ///
    /// # Errors
    /// A layer the network does not have.
    pub fn forward_tapped(
        &self,
        x: Tensor<5>,
        layers: &[&str],
        copies: usize,
        read: GradientUse,
    ) -> Result<Tapped, ModelError> {
        for layer in layers {
            self.cam_layer(layer)?;
        }
        Ok(self.forward_recorded(x, layers, copies, read))
    }

    /// As [`Network::forward_tapped`], of any layers, those of the classifier too; what is no layer has no tap.
    pub fn forward_recorded(&self, x: Tensor<5>, layers: &[&str], copies: usize, read: GradientUse) -> Tapped {
        let body = &self.parts.body;
        let first = body.iter().position(|n| layers.iter().any(|l| n.holds(l))).unwrap_or(body.len());
        let (below, above) = body.split_at(first);
        let precise = layers.iter().any(|layer| self.pools_above(layer, read));
        let unrecorded = || Pass::new(&self.store, Mode::Eval).precisely(precise);
        let x = run(below, x, &mut unrecorded());
        let mut pass = Pass::tapped(&self.store, Mode::Eval, layers).precisely(precise);
        let inside = |n: &Node| layers.iter().any(|l| *l != n.id && n.holds(l));
        let (x, above) = match above.split_first() {
            // Asked for is the output of the first node alone: that too is made once.
            Some((node, above)) if !inside(node) => {
                let x = node.layer.forward(x, &mut unrecorded());
                (pass.catch(&node.id, repeat(x, copies.max(1))), above)
            }
            _ => (repeat(x, copies.max(1)), above),
        };
        let x = run(above, x, &mut pass);
        let logits = self.classify(x, &mut pass);
        let caught = std::mem::take(&mut pass.taps);
        let taps = layers.iter().filter_map(|l| caught.iter().find(|t| t.layer == *l).cloned()).collect();
        Tapped { logits, taps }
    }

    /// True where a max pool above a layer can move what is read of the gradients there. A choice between two places moves no
    /// sum over them; it does where a convolution above the pool has seen the one and not the other.
    fn pools_above(&self, layer: &str, read: GradientUse) -> bool {
        let last = self.layers.iter().rposition(|l| belongs_to(&l.id, layer)).map_or(0, |at| at + 1);
        let above = &self.layers[last..];
        let convolves = |l: &LayerInfo| matches!(l.kind, LayerKind::Conv2d | LayerKind::Conv3d);
        let pool = above.iter().position(|l| l.kind == LayerKind::MaxPool);
        pool.is_some_and(|at| read == GradientUse::ByPlace || above[at..].iter().any(convolves))
    }

    /// The layers from `front` on.
    pub(super) fn above(&self, front: usize, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<2> {
        let x = run(&self.parts.body[front..], x, pass);
        self.classify(x, pass)
    }

    fn classify(&self, x: Tensor<5>, pass: &mut Pass<'_>) -> Tensor<2> {
        let head = &self.parts.head;
        let x = ops::cast(x, DType::F32);
        self.parts.readout.apply(x, |rows| {
            let rows = pass.catch_rows(self.readout_id(), rows);
            head.iter().fold(rows, |x, layer| {
                let x = layer.forward(x, pass);
                pass.catch_rows(layer.id(), x)
            })
        })
    }

    /// The layer between trunk and classifier, whose output are the features a clip is classified by.
    pub fn readout_id(&self) -> &str {
        let pooling = self.layers.iter().rfind(|l| l.kind == LayerKind::GlobalPool && !l.cam);
        pooling.map_or("", |l| l.id.as_str())
    }
}

/// What is read of the gradients at a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GradientUse {
    /// Their sum over all places of a channel, as Grad-CAM does.
    Summed,
    /// The gradient of each place.
    ByPlace,
}

/// The layers there are, for a message about one that is not among `ids`: the outermost, how many are inside them, and
/// which was probably meant.
pub fn layer_choices(layer: &str, ids: &[&str]) -> String {
    let inside = |id: &str| ids.iter().any(|of| lies_inside(id, of));
    let outer: Vec<&str> = ids.iter().copied().filter(|id| !inside(id)).collect();
    let mut known = outer.join(", ");
    if outer.len() < ids.len() {
        known += &format!(", and {} inside them", ids.len() - outer.len());
    }
    if let Some(meant) = nearest(layer, ids.iter().copied()) {
        known += &format!("; did you mean '{meant}'?");
    }
    known
}

impl Drop for Network {
    fn drop(&mut self) {
        super::kernels::buffer_pool::clear();
    }
}

/// Each item of the batch `copies` times, copies of an item next to each other.
fn repeat(x: Tensor<5>, copies: usize) -> Tensor<5> {
    if copies == 1 {
        return x;
    }
    let [b, c, t, h, w] = x.dims();
    let x: Tensor<6> = x.unsqueeze_dim(1);
    x.repeat_dim(1, copies).reshape([b * copies, c, t, h, w])
}
