//! Frozen layers, and the features of a frozen backbone.

use super::builder::{LayerInfo, LayerKind};
use super::error::ModelError;
use super::layers::run;
use super::module_path::{belongs_to, lies_inside};
use super::network::Network;
use super::parameters::EntryKind;
use super::pass::{Mode, Pass};
use super::readout::Readout;
use super::registry::ModelSpec;
use super::settings::{BACKBONE, NORMS, NOTHING};
use super::train_pass::TrainPass;
use crate::domain::choices;
use burn::tensor::{Tensor, TensorData};
use std::collections::HashSet;

impl Network {
    /// Freezes what `what` says and frees everything else: [`BACKBONE`], [`NORMS`], [`NOTHING`], or a layer, which is frozen
    /// together with all below it. With `statistics`, frozen batch normalisations keep their running statistics and use
    /// them in training too; without, only numbers that gradients move are frozen, as `requires_grad = False` alone
    /// does in PyTorch.
    ///
    /// # Errors
    /// A layer the network does not have, or one after which nothing is left to learn.
    pub fn freeze(&mut self, what: &str, statistics: bool) -> Result<(), ModelError> {
        let spec = self.spec();
        let names: Vec<String> = self.parameter_infos().into_iter().map(|p| p.name).collect();
        let frozen = names_frozen(spec, self.layers(), &names, what)?;
        self.set_trainable(|name| !frozen.contains(name));
        self.frozen_statistics = statistics;
        if self.trainable() == 0 {
            return Err(ModelError::NothingToLearn { model: spec.title.to_owned(), freeze: what.to_owned() });
        }
        Ok(())
    }

    /// Nodes of the trunk that always answer the same, counted from its beginning, if there is something to learn in
    /// them at all.
    fn front(&self) -> usize {
        if !self.frozen_statistics {
            return 0;
        }
        let trainable = |id: &str| {
            let mut own = self.store.iter().filter(|e| lies_inside(&e.name, id));
            own.any(|e| matches!(e.kind, EntryKind::Parameter { trainable: true, .. }))
        };
        let body = &self.parts.body;
        let front = body.iter().position(|n| trainable(&n.id)).unwrap_or(body.len());
        let learned = |id: &str| self.store.iter().any(|e| lies_inside(&e.name, id));
        if body[..front].iter().any(|n| learned(&n.id)) { front } else { 0 }
    }

    /// True where training leaves the lower layers as they are, so that their features of a clip can be kept.
    pub fn has_frozen_front(&self) -> bool {
        self.front() > 0
    }

    /// Features `[B, C, T, H, W]` of clips `[B, 3, T, H, W]` behind the layers that training leaves as they are; means
    /// over what the classifier only sees the mean of anyway.
    pub fn features(&self, x: Tensor<5>) -> Tensor<5> {
        let (x, front) = self.below(x);
        let [b, c, t, h, w] = x.dims();
        let over = match self.parts.readout {
            _ if front < self.parts.body.len() => return x,
            Readout::Average => [1, t * h * w],
            Readout::MaxFeatures | Readout::MaxLogits => [t, h * w],
            Readout::Windows(_) => return x,
        };
        x.reshape([b, c, over[0], over[1]]).mean_dim(3).reshape([b, c, over[0], 1, 1])
    }

    /// A batch of features on the network's device, from values `[B, C, T, H, W]` in C order.
    pub fn feature_input(&self, values: Vec<f32>, shape: [usize; 5]) -> Tensor<5> {
        Tensor::from_data(TensorData::new(values, shape), self.store.device())
    }

    /// Logits `[B, classes]` as in evaluation, from [`Network::features`].
    pub fn forward_features(&self, features: Tensor<5>) -> Tensor<2> {
        let mut pass = Pass::new(&self.store, Mode::Eval);
        self.above(self.front(), features, &mut pass)
    }

    /// Logits as in training, from [`Network::features`]; see [`Network::forward_train`].
    pub fn forward_train_features(&mut self, features: Tensor<5>, dropout_seed: u64) -> TrainPass {
        let front = self.front();
        self.train_above(front, features, dropout_seed)
    }

    /// The layers training leaves as they are, as in evaluation, and the number of them.
    pub(super) fn below(&self, x: Tensor<5>) -> (Tensor<5>, usize) {
        let front = self.front();
        (run(&self.parts.body[..front], x, &mut Pass::new(&self.store, Mode::Eval)), front)
    }
}

/// The parameters among `names` that `model.freeze` freezes when it is `what`.
///
/// # Errors
/// A layer the network does not have.
pub(super) fn names_frozen(
    spec: &ModelSpec,
    layers: &[LayerInfo],
    names: &[String],
    what: &str,
) -> Result<HashSet<String>, ModelError> {
    let layer = match what {
        NOTHING => return Ok(HashSet::new()),
        BACKBONE => return Ok(names.iter().filter(|n| !spec.is_head(n)).cloned().collect()),
        NORMS => {
            let norms: Vec<&str> =
                layers.iter().filter(|l| l.kind == LayerKind::BatchNorm).map(|l| l.id.as_str()).collect();
            return Ok(names.iter().filter(|n| norms.iter().any(|id| belongs_to(n, id))).cloned().collect());
        }
        layer => layer,
    };
    let Some(last) = layers.iter().rposition(|l| belongs_to(&l.id, layer)) else {
        let mut outer: Vec<&str> = vec![BACKBONE, NORMS, NOTHING];
        outer.extend(layers.iter().map(|l| l.id.as_str()).filter(|id| !id.contains('.')));
        let known = choices(layer, outer);
        return Err(ModelError::UnknownLayer { model: spec.title.to_owned(), layer: layer.to_owned(), known });
    };
    // Blocks stand before what is inside them, so one that reaches beyond the last layer must not count as a whole.
    let outer = |id: &str| layers.iter().any(|l| lies_inside(&l.id, id));
    let leaves: Vec<&str> = layers[..=last].iter().map(|l| l.id.as_str()).filter(|id| !outer(id)).collect();
    Ok(names.iter().filter(|name| leaves.iter().any(|leaf| belongs_to(name, leaf))).cloned().collect())
}
