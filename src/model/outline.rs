//! What a network would be, without making its weights.

use super::builder::{Builder, LayerInfo, LayerKind};
use super::error::ModelError;
use super::frozen::names_frozen;
use super::module_path::lies_inside;
use super::parameters::{Entry, EntryKind};
use super::registry::ModelSpec;
use crate::config::ModelConfig;

/// Sizes of a network for clips of a given size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outline {
    /// The row of the registry.
    pub id: &'static str,
    /// Numbers it learns.
    pub parameters: usize,
    /// Numbers that training moves, as `model.freeze` says.
    pub trainable: usize,
    /// Every addressable layer, as [`super::Network::layers`] has them.
    pub layers: Vec<LayerInfo>,
    /// About how many bytes one more clip in a batch costs a training: what every layer from the first that learns on
    /// keeps for the way back, and the largest of them once more for its gradient.
    pub training_bytes_per_clip: usize,
    /// About how many bytes one more clip in a batch costs an evaluation: the largest input and output of a layer.
    pub evaluation_bytes_per_clip: usize,
}

impl Outline {
    /// Of the network `config` names, for `classes` and clips of (frames, rows, columns).
    ///
    /// # Errors
    /// As [`super::Network::build`] and [`super::Network::freeze`].
    pub fn of(config: &ModelConfig, classes: usize, clip: [usize; 3]) -> Result<Self, ModelError> {
        let spec = ModelSpec::of(config)?;
        let classes = config.num_classes.unwrap_or(classes);
        if classes == 0 {
            return Err(ModelError::NoClasses);
        }
        let mut builder = Builder::outline(spec.title, clip);
        spec.add(&mut builder, config, classes)?;
        let parameter = |e: &&Entry| matches!(e.kind, EntryKind::Parameter { .. });
        let entries: Vec<(String, usize)> =
            builder.store.iter().filter(parameter).map(|e| (e.name.clone(), e.len())).collect();
        let layers = builder.layers;
        let names: Vec<String> = entries.iter().map(|(name, _)| name.clone()).collect();
        let freeze = spec.frozen_by(config);
        let frozen = names_frozen(spec, &layers, &names, freeze)?;
        let learns = |name: &str| !frozen.contains(name);
        let parameters = entries.iter().map(|(_, len)| len).sum();
        let trainable = entries.iter().filter(|(name, _)| learns(name)).map(|(_, len)| len).sum();
        if trainable == 0 {
            return Err(ModelError::NothingToLearn { model: spec.title.to_owned(), freeze: freeze.to_owned() });
        }
        let [_, evaluation_bytes_per_clip] = bytes(&layers, clip);
        // Nothing is kept below the first layer that learns. Blocks stand before what is inside them, and reach further.
        let moves = |l: &LayerInfo| names.iter().any(|n| lies_inside(n, &l.id) && learns(n));
        let learning = layers.iter().position(|l| l.kind != LayerKind::Block && moves(l)).unwrap_or(0);
        let [training_bytes_per_clip, _] = bytes(&layers[learning..], clip);
        let training_bytes_per_clip = training_bytes_per_clip.max(evaluation_bytes_per_clip);
        Ok(Self { id: spec.id, parameters, trainable, layers, training_bytes_per_clip, evaluation_bytes_per_clip })
    }
}

/// Bytes of the outputs that stay: all of them and the largest once more; and the largest pair of neighbours.
fn bytes(layers: &[LayerInfo], clip: [usize; 3]) -> [usize; 2] {
    let (mut sum, mut largest, mut pair) = (0, 0, 0);
    let mut before = 3 * clip.iter().product::<usize>();
    let mut last: Option<LayerKind> = None;
    for layer in layers.iter().filter(|l| l.kind != LayerKind::Block) {
        let size = layer.shape.iter().product::<usize>();
        // A clamp is computed together with the normalisation before it.
        let joined = last == Some(LayerKind::BatchNorm) && layer.kind == LayerKind::Activation;
        sum += if joined { 0 } else { size };
        largest = largest.max(size);
        pair = pair.max(before + size);
        (before, last) = (size, Some(layer.kind));
    }
    [(sum + largest) * size_of::<f32>(), pair * size_of::<f32>()]
}
