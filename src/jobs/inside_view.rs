//! What the jobs that look inside networks answer.

use super::requests::{CheckpointRef, ClipRef};
use crate::domain::{ClassSet, RgbImage, Split, SplitChoice};
use crate::inside::{
    ChannelOrder, ChannelScore, ClipMap, EffectiveField, Examples, Kernel, LayerActivation, LayerStatistics, NearPair,
    ReceptiveField,
};
use crate::model::ModuleTree;
use crate::run_folder::Identity;
use std::collections::HashMap;
use std::sync::Arc;

/// A layer's output for a clip.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerView {
    /// Its statistics.
    pub statistics: LayerStatistics,
    /// All channels in the order asked for.
    pub ranked: Vec<ChannelScore>,
    /// The output; `None` where it was not to be kept.
    pub activation: Option<Arc<LayerActivation>>,
    /// The first channels as pictures, where those were asked for.
    pub pictures: Option<LayerPictures>,
    /// What of the clip its cells are made from.
    pub field: Option<ReceptiveField>,
    /// What of the clip moves its middle cell, where that was asked for.
    pub effective: Option<EffectiveField>,
}

/// The first channels of a layer as pictures.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerPictures {
    /// The time cell of the grid and the strip.
    pub time: usize,
    /// The frames of the clip that this cell covers: the first and the one behind the last.
    pub frames: [usize; 2],
    /// Channels at this time cell.
    pub grid: RgbImage,
    /// Channels over time; `None` where the layer has one time cell.
    pub over_time: Option<RgbImage>,
    /// Channels at this time cell below each other.
    pub strip: RgbImage,
}

/// What is inside a network while it sees a clip.
#[derive(Clone, Debug)]
pub struct InsideView {
    /// The network that was asked, as it was asked for.
    pub checkpoint: CheckpointRef,
    /// The weights that answered.
    pub identity: Identity,
    /// Classes in output order.
    pub classes: ClassSet,
    /// The clip.
    pub clip: ClipRef,
    /// Frame numbers the network saw.
    pub frames: Vec<u32>,
    /// The part of the picture that the network saw: left, top, width and height as shares of the picture.
    pub region: [f32; 4],
    /// These frames at the size the network saw them.
    pub pictures: Vec<RgbImage>,
    /// The label's class, when labelled; of several the predicted one if it is among them, else the first.
    pub truth: Option<usize>,
    /// Most probable class.
    pub predicted: usize,
    /// Softmax probabilities in output order.
    pub probabilities: Vec<f32>,
    /// How channels are ordered.
    pub order: ChannelOrder,
    /// The class whose score gradients are of, where they were asked for.
    pub class: Option<usize>,
    /// The layers asked for, in forward order.
    pub layers: Vec<LayerView>,
    /// The network's modules.
    pub tree: Arc<ModuleTree>,
    /// Seconds of each module, where they were measured.
    pub seconds: Option<HashMap<String, f64>>,
}

/// The kernels of a checkpoint.
#[derive(Clone, Debug)]
pub struct KernelView {
    /// The weights.
    pub identity: Identity,
    /// Its convolutions in forward order, those asked for.
    pub kernels: Vec<Kernel>,
    /// Mean motion share of each of its convolutions whose kernels have more than one step of time, in forward order, also of those
    /// not asked for.
    pub motion: Vec<(String, f64)>,
    /// Mean motion share of each of these layers in all checkpoints of the run, in the order they were trained, where that was
    /// asked for.
    pub over_checkpoints: Vec<MotionOf>,
}

/// How much of the kernels of a checkpoint is change over time.
#[derive(Clone, Debug, PartialEq)]
pub struct MotionOf {
    /// The weights.
    pub identity: Identity,
    /// Mean motion share of each layer whose kernels have more than one step of time.
    pub layers: Vec<(String, f64)>,
}

/// A clip of a survey.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyClip {
    /// The clip.
    pub clip: ClipRef,
    /// Who is in it; empty when the dataset does not say.
    pub subject: String,
    /// The part its video plays.
    pub split: Split,
    /// Frame numbers the network saw.
    pub frames: Vec<u32>,
    /// The part of the picture that the network saw: left, top, width and height as shares of the picture.
    pub region: [f32; 4],
    /// The label's class, when labelled; of several the predicted one if it is among them, else the first.
    pub truth: Option<usize>,
    /// Most probable class.
    pub predicted: usize,
    /// Its probability.
    pub probability: f32,
}

/// Layers over many clips.
#[derive(Clone, Debug)]
pub struct LayerSurvey {
    /// The weights.
    pub identity: Identity,
    /// Classes in output order.
    pub classes: ClassSet,
    /// Where the clips come from.
    pub split: SplitChoice,
    /// The clips, in the order of the dataset.
    pub clips: Vec<SurveyClip>,
    /// Statistics of each layer over all clips.
    pub statistics: Vec<LayerStatistics>,
    /// The clips that excite each channel of each layer most, where they were asked for; by position in `clips`.
    pub examples: Vec<Examples>,
    /// What each layer's cells are made from.
    pub fields: Vec<Option<ReceptiveField>>,
    /// The layer whose pooled features the map is made of.
    pub map_layer: String,
    /// The clips as points, where that was asked for; by position in `clips`.
    pub map: Option<ClipMap>,
    /// Clips of different splits that look nearly the same to the network.
    pub near: Vec<NearPair>,
    /// Dead, saturated and constant channels over the other checkpoints of the run, in the order they were trained, where that was
    /// asked for; the surveyed checkpoint is among them.
    pub over_checkpoints: Vec<IdleOf>,
}

/// Layers of one checkpoint over the clips of a survey.
#[derive(Clone, Debug, PartialEq)]
pub struct IdleOf {
    /// The weights.
    pub identity: Identity,
    /// Statistics of each layer.
    pub statistics: Vec<LayerStatistics>,
}
