//! Layers over the clips of a split: statistics, examples of what excites each channel, a map of the clips.

use super::read_kernels::{checkpoints_in_order, tree_of};
use crate::data::{ClipSource, FrameRule, Loader, LoaderOptions};
use crate::domain::{ClassMatch, Clip, Dataset, Split, SplitChoice, argmax, leaf};
use crate::eval::{ClassMap, metrics::probabilities_of};
use crate::inside::{
    ClipMap, Examples, LayerActivation, LayerTally, NeighbourMap, Pooled, ReceptiveField, require_layers, shown_layers,
    watch_layers,
};
use crate::jobs::error::JobError;
use crate::jobs::inside_view::{IdleOf, LayerSurvey, SurveyClip};
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::known;
use crate::jobs::lane::LaneState;
use crate::jobs::requests::{CheckpointRef, ClipRef};
use crate::jobs::split_clips::clips_of_split;
use crate::model::{ModuleTree, Network};
use crate::progress::Monitor;
use crate::run_folder::{Checkpoint, Identity};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Nearest neighbours of each clip of a map.
const NEIGHBOURS: usize = 5;
/// Clips of different splits are told of when their distance is at most this share of the usual one.
const NEAR: f64 = 0.05;

/// Layers over many clips.
#[derive(Clone, Debug)]
pub struct SurveyLayers {
    /// The network.
    pub checkpoint: CheckpointRef,
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// Where the clips come from.
    pub split: SplitChoice,
    /// How many, drawn at random; all where there are fewer.
    pub clips: usize,
    /// Seed of the sample.
    pub seed: u64,
    /// How labels become classes of the run.
    pub class_match: ClassMatch,
    /// The layers; where none are named, the outermost.
    pub layers: Vec<String>,
    /// Clips a channel to keep as examples; 0 keeps none.
    pub examples: usize,
    /// Also make a map of the clips, from the pooled features of this layer; `Some("")` takes the features before the classifier.
    pub map: Option<String>,
    /// How many neighbours of a clip count in the map that is arranged by them, more or less.
    pub perplexity: f64,
    /// Also look at the same clips with the other checkpoints of the run.
    pub over_checkpoints: bool,
}

impl JobKind for SurveyLayers {
    type Answer = Arc<LayerSurvey>;

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        format!("survey the layers of {}", leaf(&self.checkpoint.run))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let checkpoint = &state.load(&self.checkpoint, monitor)?.checkpoint;
        let dataset = known::of_split(checkpoint, &self.dataset, self.split, monitor)?;
        Ok(Done::Finished(Arc::new(survey(&Self { dataset, ..self }, state, monitor)?)))
    }

    fn output(survey: Self::Answer) -> Output {
        Output::Survey(survey)
    }
}

fn survey(request: &SurveyLayers, state: &mut LaneState, monitor: &dyn Monitor) -> Result<LayerSurvey, JobError> {
    let checkpoint = state.load(&request.checkpoint, monitor)?.checkpoint.clone();
    let class_map = checkpoint.class_map(&request.dataset, &request.class_match)?;
    let source = state.source(&request.dataset)?;
    let (parts, mut clips) = clips_of_split(state.loaded()?, &request.dataset, &class_map, request.split)?;
    draw(&mut clips, request.clips, request.seed);
    let tree = tree_of(&checkpoint)?;
    let layers = if request.layers.is_empty() { shown_layers(&tree) } else { request.layers.clone() };
    let device = state.loaded()?.network.device().clone();
    let over: Vec<Checkpoint> = match request.over_checkpoints {
        true => checkpoints_in_order(&checkpoint)?,
        false => Vec::new(),
    };
    let rounds = 1 + over.iter().filter(|c| c.state.step != checkpoint.state.step).count() as u64;
    let all = Gathering { source: &source, clips: &clips, tree: &tree, layers: &layers, rounds, monitor };

    let network = &state.loaded()?.network;
    require_layers(network, &layers)?;
    let map_layer = match request.map.as_deref() {
        Some("") | None => network.readout_id().to_owned(),
        Some(layer) => layer.to_owned(),
    };
    require_layers(network, std::slice::from_ref(&map_layer))?;
    let found = all.gather(network, request.examples, request.map.is_some().then_some(map_layer.as_str()), 0)?;
    let statistics: Vec<_> = found.tallies.iter().map(LayerTally::statistics).collect();
    let classes = network.classes();
    let rows: Vec<SurveyClip> = clips
        .iter()
        .zip(found.logits.values.chunks_exact(classes.max(1)))
        .filter_map(|(clip, logits)| survey_clip(request, &source, &checkpoint, &class_map, &parts, clip, logits))
        .collect();

    let mut over_checkpoints = Vec::new();
    let mut round = 0;
    for other in &over {
        let statistics = if other.state.step == checkpoint.state.step {
            statistics.clone()
        } else {
            round += 1;
            let network = other.network(&device)?;
            all.gather(&network, 0, None, round)?.tallies.iter().map(LayerTally::statistics).collect()
        };
        over_checkpoints.push(IdleOf { identity: Identity::of(other), statistics });
    }
    let map = match &found.pooled {
        Some(pooled) => Some(map_of(pooled, request, monitor)?),
        None => None,
    };
    let places: Vec<Option<usize>> = rows.iter().map(|r| part(r.split)).collect();
    let near = map.as_ref().zip(found.pooled.as_ref()).map(|(map, pooled)| map.near_pairs(pooled, &places, NEAR));
    Ok(LayerSurvey {
        identity: Identity::of(&checkpoint),
        classes: checkpoint.state.classes.clone(),
        split: request.split,
        clips: rows,
        statistics,
        examples: found.examples,
        fields: layers.iter().map(|l| ReceptiveField::of(&tree, l)).collect(),
        map_layer,
        map,
        near: near.unwrap_or_default(),
        over_checkpoints,
    })
}

/// The map of the clips, also arranged by their neighbours.
fn map_of(pooled: &Pooled, request: &SurveyLayers, monitor: &dyn Monitor) -> Result<ClipMap, JobError> {
    let map = ClipMap::of(pooled, NEIGHBOURS);
    let (values, features) = (&pooled.values, pooled.features);
    let neighbours = NeighbourMap::of(values, features, request.perplexity, request.seed, monitor);
    if monitor.stopped() {
        return Err(JobError::Stopped);
    }
    Ok(ClipMap { neighbours, ..map })
}

/// Leaves `count` of the clips, in their order.
fn draw(clips: &mut Vec<Clip>, count: usize, seed: u64) {
    if clips.len() > count.max(1) {
        let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        clips.shuffle(&mut rng);
        clips.truncate(count.max(1));
        clips.sort_by_key(|c| (c.video, c.start));
    }
}

fn survey_clip(
    request: &SurveyLayers,
    source: &ClipSource,
    checkpoint: &Checkpoint,
    class_map: &ClassMap,
    parts: &[Split],
    clip: &Clip,
    logits: &[f32],
) -> Option<SurveyClip> {
    let entry = request.dataset.videos.get(clip.video)?;
    let probabilities = probabilities_of(checkpoint.state.task, logits);
    let predicted = argmax(&probabilities);
    Some(SurveyClip {
        clip: ClipRef::of(&entry.name, clip),
        frames: FrameRule::of(&checkpoint.state.config.clip).shown(entry, clip),
        region: source.region(clip),
        subject: entry.subject.clone(),
        split: parts.get(clip.video).copied().unwrap_or_default(),
        truth: class_map.truth_beside(predicted, entry, clip, &checkpoint.state.config),
        predicted,
        probability: probabilities.get(predicted).copied().unwrap_or(0.0),
    })
}

/// Parts between which clips must not be the same.
fn part(split: Split) -> Option<usize> {
    match split {
        Split::Train => Some(0),
        Split::Val => Some(1),
        Split::Test => Some(2),
        Split::Unassigned => None,
    }
}

/// Clips that networks are run over.
struct Gathering<'a> {
    source: &'a Arc<ClipSource>,
    clips: &'a [Clip],
    tree: &'a ModuleTree,
    layers: &'a [String],
    /// How many networks.
    rounds: u64,
    monitor: &'a dyn Monitor,
}

/// What one network gave.
#[derive(Serialize, Deserialize)]
struct Gathered {
    tallies: Vec<LayerTally>,
    examples: Vec<Examples>,
    pooled: Option<Pooled>,
    /// Logits, `[clips, classes]`.
    logits: Pooled,
}

impl Gathered {
    /// What the processes of a job gave that took clips in turns, with at most so many examples a channel.
    fn together(parts: Vec<Self>, examples: usize) -> Option<Self> {
        let logits: Vec<Pooled> = parts.iter().map(|p| p.logits.clone()).collect();
        let pooled: Option<Vec<Pooled>> = parts.iter().map(|p| p.pooled.clone()).collect();
        let (mut tallies, mut found) = (Vec::new(), Vec::new());
        for part in parts {
            tallies.push(part.tallies.into_iter());
            found.push(part.examples.into_iter());
        }
        Some(Self {
            tallies: each(&mut tallies).map(LayerTally::together).collect::<Option<_>>()?,
            examples: each(&mut found).map(|e| Examples::together(e, examples)).collect::<Option<_>>()?,
            pooled: pooled.map(|parts| Pooled::together(&parts)),
            logits: Pooled::together(&logits),
        })
    }
}

/// The first of each, then the second of each, until one has no more.
fn each<T>(parts: &mut [std::vec::IntoIter<T>]) -> impl Iterator<Item = Vec<T>> {
    std::iter::from_fn(|| parts.iter_mut().map(Iterator::next).collect())
}

impl Gathering<'_> {
    /// What a network gives for all clips, which the processes of a job share.
    fn gather(
        &self,
        network: &Network,
        examples: usize,
        map_layer: Option<&str>,
        round: u64,
    ) -> Result<Gathered, JobError> {
        let peers = self.monitor.peers();
        let own = self.gather_own(network, examples, map_layer, round);
        if peers.is_alone() {
            return own;
        }
        let parts = peers.gather_said(&peers.agree(own, JobError::is_stop)?)?;
        Gathered::together(parts, examples).ok_or(JobError::Internal("layers of other processes do not fit"))
    }

    /// The same for the clips of this process.
    fn gather_own(
        &self,
        network: &Network,
        examples: usize,
        map_layer: Option<&str>,
        round: u64,
    ) -> Result<Gathered, JobError> {
        let config = self.source.clip_config();
        let shape = [config.length as usize, config.height as usize, config.width as usize];
        let ceiling = |layer: &String| self.tree.find(layer).and_then(|m| m.ceiling);
        let mut found = Gathered {
            tallies: self.layers.iter().map(|l| LayerTally::new(l, ceiling(l))).collect(),
            examples: self.layers.iter().filter(|_| examples > 0).map(|l| Examples::new(l, examples)).collect(),
            pooled: map_layer.map(|_| Pooled::default()),
            logits: Pooled { features: network.classes(), values: Vec::new() },
        };
        let mut watched = self.layers.to_vec();
        watched.extend(map_layer.filter(|l| !self.layers.iter().any(|known| known == l)).map(str::to_owned));
        // One clip at a time: the outputs of all layers are larger than any input.
        let loading = LoaderOptions { batch_size: 1, workers: 1, ..LoaderOptions::default() };
        let places: Vec<usize> = self.monitor.peers().every(self.clips.len()).collect();
        let own: Vec<Clip> = places.iter().filter_map(|at| self.clips.get(*at)).copied().collect();
        let total = own.len() as u64 * self.rounds;
        for (done, (i, batch)) in
            places.iter().copied().zip(Loader::new(self.source.clone(), &own, &loading)).enumerate()
        {
            if self.monitor.stopped() {
                return Err(JobError::Stopped);
            }
            let batch = batch?;
            let mut each = |_: usize, activation: LayerActivation| -> Result<(), JobError> {
                if let Some(at) = self.layers.iter().position(|l| *l == activation.layer) {
                    found.tallies.get_mut(at).into_iter().for_each(|t| t.add(&activation));
                    found.examples.get_mut(at).into_iter().for_each(|e| e.add(i, &activation));
                }
                if map_layer == Some(activation.layer.as_str()) {
                    found.pooled.iter_mut().for_each(|p| p.add(&activation));
                }
                Ok(())
            };
            let logits = watch_layers(network, batch.pixels, (batch.size, shape), &watched, &mut each)?;
            found.logits.values.extend(logits);
            let done = round * own.len() as u64 + done as u64 + 1;
            self.monitor.stage("surveying clips", done, total);
        }
        Ok(found)
    }
}
