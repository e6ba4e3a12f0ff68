//! What is inside a network while it sees a clip.

use super::explain::find_video;
use crate::data::FrameRule;
use crate::domain::{ClassMatch, Dataset, argmax};
use crate::eval::metrics::probabilities_of;
use crate::files;
use crate::inside::{
    ActivationStore, ChannelOrder, LayerActivation, LayerTally, ReceptiveField, channel_grid, channels_over_time,
    effective_field, layer_seconds, layer_strip, npy_bytes, rank_channels, record_layers, require_layers, shown_layers,
    watch_layers,
};
use crate::jobs::error::JobError;
use crate::jobs::inside_view::{InsideView, LayerPictures, LayerView};
use crate::jobs::kept_clip::{KeptClip, KeptKey};
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::known::with_videos;
use crate::jobs::lane::LaneState;
use crate::jobs::requests::{CheckpointRef, ClipRef, TargetClass};
use crate::model::{ModuleTree, Network};
use crate::progress::Monitor;
use crate::render::ColorMap;
use crate::run_folder::Identity;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Channels of the picture over time and of a strip, at most.
const FEW: usize = 12;
/// Passes timed when layers are measured.
const ROUNDS: usize = 3;

/// The outputs of layers for one clip: asked for one by one as they are looked at, or all at once for a report.
#[derive(Clone, Debug)]
pub struct LookInside {
    /// The network.
    pub checkpoint: CheckpointRef,
    /// The dataset the clip is in.
    pub dataset: Arc<Dataset>,
    /// The clip.
    pub clip: ClipRef,
    /// How labels become classes of the run.
    pub class_match: ClassMatch,
    /// The layers; where none are named, the outermost.
    pub layers: Vec<String>,
    /// How channels are ordered.
    pub order: ChannelOrder,
    /// The class score whose gradient orders channels ([`ChannelOrder::Gradient`]).
    pub target: TargetClass,
    /// Bytes of outputs that may be kept in memory; none are kept, nor given back, with 0.
    pub budget: usize,
    /// Also draw the first so many channels in these colours.
    pub pictures: Option<(usize, &'static ColorMap)>,
    /// Also measure how long each module takes.
    pub measure: bool,
    /// Also compute the effective receptive field of the middle cell of each layer.
    pub effective: bool,
    /// Also write each output to this folder, as `LAYER.npy`.
    pub out: Option<PathBuf>,
}

impl JobKind for LookInside {
    type Answer = Arc<InsideView>;

    fn lane(&self) -> Lane {
        // What is looked at must be there at once; a report may take its time.
        if self.pictures.is_some() || self.out.is_some() || self.measure { Lane::Batch } else { Lane::Interactive }
    }

    fn title(&self) -> String {
        "look inside".into()
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let dataset = with_videos(&self.dataset, [self.clip.video.as_str()], monitor)?;
        Ok(Done::Finished(Arc::new(look(&Self { dataset, ..self }, state, monitor)?)))
    }

    fn output(view: Self::Answer) -> Output {
        Output::Inside(view)
    }
}

fn look(request: &LookInside, state: &mut LaneState, monitor: &dyn Monitor) -> Result<InsideView, JobError> {
    let loaded = state.load(&request.checkpoint, monitor)?;
    let checkpoint = loaded.checkpoint.clone();
    let key = KeptKey::new(loaded.key().clone(), &request.dataset, &request.clip, request.budget);
    let mut kept = KeptClip::of(state.take_kept(), key);
    let config = &checkpoint.state.config;
    let class_map = checkpoint.class_map(&request.dataset, &request.class_match)?;
    let source = state.source(&request.dataset)?;
    let (video, entry) = find_video(&request.dataset, &request.clip.video)?;
    let clip = request.clip.clip(video);
    let truth = class_map.truth(entry, &clip, config);
    let shape = [config.clip.length as usize, config.clip.height as usize, config.clip.width as usize];
    let tree = ModuleTree::of(&config.model, checkpoint.state.classes.len(), shape)?;
    let layers = if request.layers.is_empty() { shown_layers(&tree) } else { request.layers.clone() };
    let network = &state.loaded()?.network;
    require_layers(network, &layers)?;
    let class = match request.target {
        TargetClass::Predicted => None,
        TargetClass::True => Some(truth.ok_or(crate::cam::CamError::NoTruth)?),
        TargetClass::Class(class) => Some(class),
    };
    monitor.stage("decoding the clip", 0, 0);
    let seen = Seen { request, network, tree: &tree, pixels: source.pixels(&clip, None)?, shape, class };
    let layers = seen.layers(layers, &mut kept, monitor)?;
    let logits = match &kept.logits {
        Some(logits) => logits.clone(),
        None => seen.watch(&[], &mut |_| Ok(()))?,
    };
    kept.logits = Some(logits.clone());
    let probabilities = probabilities_of(checkpoint.state.task, &logits);
    let seconds = match request.measure {
        true => {
            monitor.stage("measuring layers", 0, 0);
            Some(layer_seconds(network, &tree, &seen.pixels, shape, ROUNDS)?)
        }
        false => None,
    };
    let predicted = argmax(&probabilities);
    if kept.keeps() {
        state.keep(kept);
    }
    Ok(InsideView {
        checkpoint: request.checkpoint.clone(),
        identity: Identity::of(&checkpoint),
        classes: checkpoint.state.classes.clone(),
        clip: request.clip.clone(),
        frames: FrameRule::of(&config.clip).shown(entry, &clip),
        region: source.region(&clip),
        pictures: source.pictures(&clip)?,
        truth: class_map.truth_beside(predicted, entry, &clip, config),
        predicted,
        probabilities,
        order: request.order,
        class: (request.order == ChannelOrder::Gradient).then(|| class.unwrap_or(predicted)),
        layers,
        tree: Arc::new(tree),
        seconds,
    })
}

/// A network that sees a clip.
struct Seen<'a> {
    request: &'a LookInside,
    network: &'a Network,
    tree: &'a ModuleTree,
    /// `[3, T, H, W]`
    pixels: Vec<f32>,
    shape: [usize; 3],
    class: Option<usize>,
}

impl Seen<'_> {
    /// The layers asked for, in forward order.
    fn layers(
        &self,
        mut layers: Vec<String>,
        kept: &mut KeptClip,
        monitor: &dyn Monitor,
    ) -> Result<Vec<LayerView>, JobError> {
        let order: Vec<&str> = self.tree.modules().into_iter().map(|m| m.id.as_str()).collect();
        let place = |layer: &String| order.iter().position(|id| id == layer);
        layers.sort_by_key(place);
        layers.dedup();
        let total = layers.len() as u64;
        let mut views: Vec<LayerView> = Vec::with_capacity(layers.len());
        if self.request.order == ChannelOrder::Gradient {
            for group in self.groups(&layers) {
                stopped(monitor)?;
                let (logits, recorded) =
                    record_layers(self.network, self.pixels.clone(), self.shape, &group, self.class)?;
                kept.logits = Some(logits);
                for layer in recorded {
                    monitor.stage("looking at layers", views.len() as u64, total);
                    views.push(self.view(layer.activation, Some(&layer.gradient), kept)?);
                }
            }
        } else {
            let held: Vec<Arc<LayerActivation>> = layers.iter().filter_map(|l| kept.store.get(l)).collect();
            for activation in &held {
                views.push(self.shown(activation, None)?);
            }
            let missing: Vec<String> =
                layers.iter().filter(|l| !held.iter().any(|a| a.layer == **l)).cloned().collect();
            if !missing.is_empty() {
                let mut done = Vec::with_capacity(missing.len());
                let logits = self.watch(&missing, &mut |activation| {
                    stopped(monitor)?;
                    monitor.stage("looking at layers", done.len() as u64, total);
                    done.push(self.view(activation, None, kept)?);
                    Ok(())
                })?;
                kept.logits = Some(logits);
                views.append(&mut done);
            }
        }
        views.sort_by_key(|v| place(&v.statistics.layer));
        if self.request.effective {
            for view in &mut views {
                stopped(monitor)?;
                monitor.stage("receptive fields", 0, 0);
                let Some(field) = &view.field else { continue };
                let layer = &view.statistics.layer;
                view.effective = effective_field(self.network, self.pixels.clone(), self.shape, layer, field.middle())?;
            }
        }
        Ok(views)
    }

    /// Runs the clip forward.
    fn watch(
        &self,
        layers: &[String],
        each: &mut (dyn FnMut(LayerActivation) -> Result<(), JobError> + Send),
    ) -> Result<Vec<f32>, JobError> {
        let pixels = self.pixels.clone();
        watch_layers(self.network, pixels, (1, self.shape), layers, &mut |_, activation| each(activation))
    }

    /// Layers whose outputs, with their gradients, are held at once.
    fn groups(&self, layers: &[String]) -> Vec<Vec<String>> {
        // The output, its gradient, and the zeros a gradient is caught by.
        let bytes = |layer: &String| {
            let shape = self.tree.find(layer).map_or([0; 4], |m| m.shape);
            3 * size_of::<f32>() * shape.iter().product::<usize>()
        };
        let (mut groups, mut held): (Vec<Vec<String>>, usize) = (Vec::new(), 0);
        for layer in layers {
            match groups.last_mut() {
                Some(group) if held + bytes(layer) <= ActivationStore::BUDGET => group.push(layer.clone()),
                _ => {
                    groups.push(vec![layer.clone()]);
                    held = 0;
                }
            }
            held += bytes(layer);
        }
        groups
    }

    /// A layer as it is shown, its output kept or written as asked for.
    fn view(
        &self,
        activation: LayerActivation,
        gradient: Option<&[f32]>,
        kept: &mut KeptClip,
    ) -> Result<LayerView, JobError> {
        if let Some(out) = &self.request.out {
            write(&out.join(array_file(&activation.layer)), &npy_bytes(&activation.shape, &activation.values))?;
        }
        if !kept.keeps() {
            return Ok(LayerView { activation: None, ..self.shown(&Arc::new(activation), gradient)? });
        }
        let held = kept.store.keep(activation)?;
        self.shown(&held, gradient)
    }

    fn shown(&self, activation: &Arc<LayerActivation>, gradient: Option<&[f32]>) -> Result<LayerView, JobError> {
        let ceiling = self.tree.find(&activation.layer).and_then(|m| m.ceiling);
        let ranked = rank_channels(activation, gradient, self.request.order);
        let pictures = self.request.pictures.map(|(most, map)| {
            let clip = self.shape[0];
            let (time, frames) = activation.time_cell(clip / 2, clip);
            let few = most.min(FEW);
            LayerPictures {
                time,
                frames,
                grid: channel_grid(activation, &ranked, time, most, map),
                over_time: (activation.shape[1] > 1).then(|| channels_over_time(activation, &ranked, few, map)),
                strip: layer_strip(activation, &ranked, time, few, map),
            }
        });
        Ok(LayerView {
            statistics: LayerTally::of(activation, ceiling),
            ranked,
            activation: Some(activation.clone()),
            pictures,
            field: ReceptiveField::of(self.tree, &activation.layer),
            effective: None,
        })
    }
}

/// Name of the file of a layer's output.
pub fn array_file(layer: &str) -> String {
    format!("{layer}.npy")
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), JobError> {
    let failed = |source| JobError::Write { path: path.to_path_buf(), source };
    std::fs::create_dir_all(files::folder_of(path)).map_err(failed)?;
    files::replace_cached(path, bytes).map_err(failed)
}

fn stopped(monitor: &dyn Monitor) -> Result<(), JobError> {
    if monitor.stopped() { Err(JobError::Stopped) } else { Ok(()) }
}
