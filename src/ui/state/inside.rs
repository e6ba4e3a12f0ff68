//! What is looked at inside networks: which layer and channel, how they are shown, what was asked of the jobs and what they
//! answered.
//!
//! One look at a layer is under way at a time and the newest query wins, so that nothing piles up while the playhead flies
//! over clips. Outputs of layers are kept for the clip on screen alone, in a bounded amount of memory.

use crate::domain::SplitChoice;
use crate::inside::{ActivationStore, ChannelOrder, LayerActivation};
use crate::jobs::{
    CheckpointRef, ClipRef, InsideView, JobId, KernelView, LayerSurvey, LayerView, MotionOf, RunView, TargetClass,
};
use crate::model::ModuleTree;
use crate::ui::awaited::Awaited;
use crate::ui::derived::{Derived, Same};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a query must stand before it is worth a forward pass.
const DEBOUNCE: Duration = Duration::from_millis(60);
/// Channels of a layer in the picture of several layers.
const STRIP: usize = 6;
/// Surveys kept.
const SURVEYS: usize = 4;
/// Clips of a survey unless somebody says otherwise.
const SURVEY_CLIPS: usize = 200;

/// How the channels of layers are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChannelLayout {
    /// Channels of one layer at one moment.
    #[default]
    Grid,
    /// A row a channel, a column a time cell.
    Time,
    /// The first channels of several layers at one moment, a column a layer.
    Layers,
}

/// How layers are looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LookSettings {
    /// Order of channels.
    pub order: ChannelOrder,
    /// Layout of channels.
    pub layout: ChannelLayout,
    /// Each channel from its smallest to its largest value, instead of one scale for all.
    pub own_scale: bool,
    /// Also what of the clip the cells are made from.
    pub field: bool,
}

/// A layer of a clip that somebody wants to see.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LookQuery {
    /// The network.
    pub checkpoint: CheckpointRef,
    /// The clip.
    pub clip: ClipRef,
    /// The layer.
    pub layer: String,
    /// Order of channels.
    pub order: ChannelOrder,
    /// The class whose score orders channels.
    pub target: TargetClass,
    /// With the effective receptive field.
    pub effective: bool,
    /// Only the first channels are kept, as a strip.
    pub strip: bool,
}

/// The first channels of a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerStrip {
    /// Their numbers in the layer.
    pub channels: Vec<usize>,
    /// Their output alone.
    pub activation: Arc<LayerActivation>,
    /// Form of the layer.
    pub shape: [usize; 4],
}

/// Kernels that somebody wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelQuery {
    /// The weights.
    pub checkpoint: CheckpointRef,
    /// The convolution, or the module around it.
    pub layer: String,
}

/// A survey that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SurveyForm {
    /// Where the clips come from.
    pub split: SplitChoice,
    /// How many.
    pub clips: usize,
    /// Also with the other checkpoints of the run.
    pub over_checkpoints: bool,
}

impl Default for SurveyForm {
    fn default() -> Self {
        Self { split: SplitChoice::default(), clips: SURVEY_CLIPS, over_checkpoints: false }
    }
}

/// A layer that somebody chose.
#[derive(Clone, Debug, PartialEq)]
struct ChosenLayer {
    run: PathBuf,
    layer: String,
    /// The layer of the heatmap at that time: where it has changed since, that is the newer choice.
    beside: Option<String>,
}

/// What the store asks its owner to do.
#[derive(Debug)]
pub enum LookStep {
    /// Nothing.
    Idle,
    /// Look again after this time.
    Wait(Duration),
    /// Start a job and report it with [`InsideStore::started`].
    Start(LookQuery),
    /// The job under way is of no use any more: stop it.
    Abandon(JobId),
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct InsideStore {
    /// How layers are looked at.
    pub settings: LookSettings,
    /// The survey that is asked for next.
    pub form: SurveyForm,
    /// A drawing of the network that waits for the file it is written to.
    pub drawing: Option<String>,
    /// The modules of the networks of runs.
    pub trees: Derived<Same<RunView>, Result<Arc<ModuleTree>, String>>,
    chosen: Option<ChosenLayer>,
    channel: Option<(String, usize)>,
    looks: Vec<(LookQuery, Arc<InsideView>)>,
    strips: Vec<(LookQuery, LayerStrip)>,
    failed: Vec<(LookQuery, String)>,
    in_flight: Option<(JobId, LookQuery)>,
    abandoned: bool,
    pending: Option<(LookQuery, Instant)>,
    kernels: Option<(KernelQuery, Awaited<Arc<KernelView>>)>,
    reading: Option<JobId>,
    motion: HashMap<PathBuf, Arc<Vec<MotionOf>>>,
    moving: Option<(JobId, PathBuf)>,
    surveys: Vec<(CheckpointRef, Arc<LayerSurvey>)>,
    surveying: Option<(JobId, CheckpointRef)>,
    seconds: HashMap<PathBuf, Arc<HashMap<String, f64>>>,
    measuring: Option<(JobId, PathBuf)>,
}

impl InsideStore {
    /// Chooses a layer of a run, while the heatmap is of the layer `beside`.
    pub fn choose(&mut self, run: PathBuf, layer: String, beside: Option<String>) {
        self.chosen = Some(ChosenLayer { run, layer, beside });
    }

    /// The layer chosen here, as long as no other was chosen for the heatmap.
    pub fn chosen(&self, run: &Path, beside: Option<&str>) -> Option<&str> {
        let chosen = self.chosen.as_ref().filter(|c| c.run == run && c.beside.as_deref() == beside)?;
        Some(&chosen.layer)
    }

    /// Chooses a channel of a layer.
    pub fn choose_channel(&mut self, layer: String, channel: usize) {
        self.channel = Some((layer, channel));
    }

    /// The channel chosen of a layer.
    pub fn channel(&self, layer: &str) -> Option<usize> {
        self.channel.as_ref().filter(|(l, _)| l == layer).map(|(_, channel)| *channel)
    }

    /// The answer to a query.
    pub fn look(&self, query: &LookQuery) -> Option<(&Arc<InsideView>, &LayerView)> {
        let view = self.looks.iter().find(|(q, _)| q == query).map(|(_, view)| view)?;
        Some((view, view.layers.iter().find(|l| l.statistics.layer == query.layer)?))
    }

    /// What was answered for this layer of this clip in another order, or without its field: better than nothing while the answer is
    /// on its way.
    pub fn earlier_look(&self, query: &LookQuery) -> Option<(&Arc<InsideView>, &LayerView)> {
        let same = |q: &LookQuery| q.checkpoint == query.checkpoint && q.clip == query.clip && q.layer == query.layer;
        let view = self.looks.iter().rev().find(|(q, _)| same(q)).map(|(_, view)| view)?;
        Some((view, view.layers.iter().find(|l| l.statistics.layer == query.layer)?))
    }

    /// The first channels of a layer.
    pub fn strip(&self, query: &LookQuery) -> Option<&LayerStrip> {
        self.strips.iter().find(|(q, _)| q == query).map(|(_, strip)| strip)
    }

    /// Why a query has no answer.
    pub fn failure(&self, query: &LookQuery) -> Option<&str> {
        self.failed.iter().find(|(q, _)| q == query).map(|(_, sentence)| sentence.as_str())
    }

    /// True while a layer is being computed or about to be.
    pub fn busy(&self) -> bool {
        self.in_flight.is_some() || self.pending.is_some()
    }

    /// Bytes of the outputs of layers that are held.
    pub fn bytes(&self) -> usize {
        let views = self.looks.iter().flat_map(|(_, v)| v.layers.iter().filter_map(|l| l.activation.as_ref()));
        let mut seen: Vec<*const LayerActivation> = Vec::new();
        let mut once = |a: &&Arc<LayerActivation>| {
            let at = Arc::as_ptr(a);
            let new = !seen.contains(&at);
            if new {
                seen.push(at);
            }
            new
        };
        let views: usize = views.filter(|a| once(a)).map(|a| a.bytes()).sum();
        views + self.strips.iter().map(|(_, s)| s.activation.bytes()).sum::<usize>()
    }

    /// Frees the outputs for every clip but this one of this network.
    pub fn keep_only(&mut self, of: Option<(&CheckpointRef, &ClipRef)>) {
        let this = |q: &LookQuery| of.is_some_and(|(checkpoint, clip)| q.checkpoint == *checkpoint && q.clip == *clip);
        self.looks.retain(|(q, _)| this(q));
        self.strips.retain(|(q, _)| this(q));
    }

    /// Bytes that a job may keep of the outputs of layers, where one takes `layer` bytes: half of what may be kept, since
    /// the window keeps as much; all of it for a layer that is larger than half, which is then held by both.
    pub fn budget(layer: usize) -> usize {
        let half = ActivationStore::BUDGET / 2;
        if layer > half { ActivationStore::BUDGET } else { half }
    }

    /// Decides what to do about what is wanted now, what matters most first.
    pub fn step(&mut self, wanted: &[LookQuery], now: Instant) -> LookStep {
        let missing = |q: &&LookQuery| {
            let known = if q.strip { self.strip(q).is_some() } else { self.look(q).is_some() };
            !known && self.failure(q).is_none()
        };
        let query = wanted.iter().find(missing).cloned();
        if let Some((job, flying)) = &self.in_flight {
            if wanted.contains(flying) || std::mem::replace(&mut self.abandoned, true) {
                return LookStep::Idle;
            }
            return LookStep::Abandon(*job);
        }
        let Some(query) = query else {
            self.pending = None;
            return LookStep::Idle;
        };
        let stood = self.pending.as_ref().filter(|(q, _)| *q == query).map(|(_, since)| now.duration_since(*since));
        match stood {
            Some(stood) if stood >= DEBOUNCE => LookStep::Start(query),
            Some(stood) => LookStep::Wait(DEBOUNCE - stood),
            None => {
                self.pending = Some((query, now));
                LookStep::Wait(DEBOUNCE)
            }
        }
    }

    /// A query became a job.
    pub fn started(&mut self, job: JobId, query: LookQuery) {
        (self.pending, self.abandoned, self.in_flight) = (None, false, Some((job, query)));
    }

    /// The kernels asked for became a job.
    pub fn reads_kernels(&mut self, job: JobId, query: KernelQuery) {
        (self.reading, self.kernels) = (Some(job), Some((query, Awaited::Pending(None))));
    }

    /// The kernels of all checkpoints of a run are being read.
    pub fn reads_motion(&mut self, job: JobId, run: PathBuf) {
        self.moving = Some((job, run));
    }

    /// The job that reads the kernels of all checkpoints of a run.
    pub fn reading_motion(&self, run: &Path) -> Option<JobId> {
        self.moving.as_ref().filter(|(_, r)| r == run).map(|(job, _)| *job)
    }

    /// Mean motion share of each layer in all checkpoints of a run, in the order they were trained.
    pub fn motion(&self, run: &Path) -> Option<&Arc<Vec<MotionOf>>> {
        self.motion.get(run)
    }

    /// A survey became a job.
    pub fn surveys(&mut self, job: JobId, checkpoint: CheckpointRef) {
        self.surveying = Some((job, checkpoint));
    }

    /// Layers of the network of a run are being measured.
    pub fn measures(&mut self, job: JobId, run: PathBuf) {
        self.measuring = Some((job, run));
    }

    /// The survey under way.
    pub fn surveying(&self) -> Option<JobId> {
        self.surveying.as_ref().map(|(job, _)| *job)
    }

    /// The job that measures layers of a run.
    pub fn measuring(&self, run: &Path) -> Option<JobId> {
        self.measuring.as_ref().filter(|(_, r)| r == run).map(|(job, _)| *job)
    }

    /// The answer to a query for kernels; only the last one is kept.
    pub fn kernels(&self, query: &KernelQuery) -> Awaited<Arc<KernelView>> {
        self.kernels.as_ref().filter(|(q, _)| q == query).map_or(Awaited::NotAsked, |(_, answer)| answer.clone())
    }

    /// Measured seconds of each module of the network of a run.
    pub fn seconds(&self, run: &Path) -> Option<&Arc<HashMap<String, f64>>> {
        self.seconds.get(run)
    }

    /// The newest survey with these weights.
    pub fn survey(&self, checkpoint: &CheckpointRef) -> Option<&Arc<LayerSurvey>> {
        self.surveys.iter().rev().find(|(c, _)| c == checkpoint).map(|(_, survey)| survey)
    }

    /// The newest survey of a run that also looked at its other checkpoints.
    pub fn survey_over(&self, run: &Path) -> Option<&Arc<LayerSurvey>> {
        let over = |(c, s): &&(CheckpointRef, Arc<LayerSurvey>)| c.run == run && s.over_checkpoints.len() > 1;
        self.surveys.iter().rev().find(over).map(|(_, survey)| survey)
    }

    /// An answer to a look, or to a measurement.
    pub fn looked(&mut self, job: JobId, view: Arc<InsideView>) {
        if let Some((_, run)) = self.measuring.take_if(|(j, _)| *j == job) {
            if let Some(seconds) = &view.seconds {
                self.seconds.insert(run, Arc::new(seconds.clone()));
            }
            return;
        }
        let Some((_, query)) = self.in_flight.take_if(|(j, _)| *j == job) else { return };
        let Some(layer) = view.layers.iter().find(|l| l.statistics.layer == query.layer) else {
            let sentence = format!("the network gave no output of {}; choose another layer", query.layer);
            return self.failed.push((query, sentence));
        };
        if query.strip {
            let strip = strip_of(layer);
            return self.strips.push((query, strip));
        }
        self.looks.retain(|(q, _)| *q != query);
        self.looks.push((query, view));
        while self.bytes() > ActivationStore::BUDGET / 2 && self.looks.len() > 1 {
            self.looks.remove(0);
        }
    }

    /// Kernels were read.
    pub fn read(&mut self, job: JobId, view: Arc<KernelView>) {
        if let Some((_, run)) = self.moving.take_if(|(j, _)| *j == job) {
            self.motion.insert(run, Arc::new(view.over_checkpoints.clone()));
            return;
        }
        if self.reading.take_if(|j| *j == job).is_some()
            && let Some((_, answer)) = &mut self.kernels
        {
            *answer = Awaited::Ready(view);
        }
    }

    /// A survey is done.
    pub fn surveyed(&mut self, job: JobId, survey: Arc<LayerSurvey>) {
        let Some((_, checkpoint)) = self.surveying.take_if(|(j, _)| *j == job) else { return };
        self.surveys.push((checkpoint, survey));
        if self.surveys.len() > SURVEYS {
            self.surveys.remove(0);
        }
    }

    /// A job ended without an answer.
    pub fn ended(&mut self, job: JobId, failure: Option<String>) {
        self.surveying.take_if(|(j, _)| *j == job);
        self.measuring.take_if(|(j, _)| *j == job);
        self.moving.take_if(|(j, _)| *j == job);
        if self.reading.take_if(|j| *j == job).is_some()
            && let Some((_, answer)) = &mut self.kernels
        {
            let sentence = failure.clone().unwrap_or_else(|| "Reading the kernels was stopped.".to_owned());
            *answer = Awaited::Unavailable(sentence);
        }
        if let Some((_, query)) = self.in_flight.take_if(|(j, _)| *j == job)
            && let Some(sentence) = failure
        {
            self.failed.push((query, sentence));
        }
    }

    /// Forgets failures, so that they are tried again.
    pub fn retry(&mut self) {
        self.failed.clear();
        self.kernels.take_if(|(_, answer)| matches!(answer, Awaited::Unavailable(_)));
    }

    /// Forgets what a run gave, for example because it was trained further.
    pub fn forget_run(&mut self, run: &Path) {
        self.looks.retain(|(q, _)| q.checkpoint.run != run);
        self.strips.retain(|(q, _)| q.checkpoint.run != run);
        self.failed.retain(|(q, _)| q.checkpoint.run != run);
        self.kernels.take_if(|(q, _)| q.checkpoint.run == run);
        self.motion.remove(run);
        self.surveys.retain(|(c, _)| c.run != run);
    }

    /// Forgets what clips of the dataset gave; another one is open.
    pub fn clear(&mut self) {
        (self.looks, self.strips, self.failed, self.surveys) = Default::default();
        self.pending = None;
    }
}

/// The first channels of a layer in its order.
fn strip_of(layer: &LayerView) -> LayerStrip {
    let shape = layer.statistics.shape;
    let channels: Vec<usize> = layer.ranked.iter().take(STRIP).map(|s| s.channel).collect();
    let values = layer.activation.iter().flat_map(|a| {
        let cells = a.cells();
        channels.iter().filter_map(move |c| a.values.get(c * cells..(c + 1) * cells)).flatten().copied()
    });
    let [_, steps, height, width] = shape;
    let activation = LayerActivation {
        layer: layer.statistics.layer.clone(),
        shape: [channels.len(), steps, height, width],
        values: values.collect(),
    };
    LayerStrip { channels, activation: Arc::new(activation), shape }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClassSet;
    use crate::inside::{ChannelScore, LayerStatistics};
    use crate::run_folder::Identity;

    fn query(layer: &str) -> LookQuery {
        LookQuery {
            checkpoint: CheckpointRef::default(),
            clip: ClipRef::window("v", 0),
            layer: layer.into(),
            order: ChannelOrder::Maximum,
            target: TargetClass::Predicted,
            effective: false,
            strip: false,
        }
    }

    /// A view of one layer whose channel `c` has the value `c` in all of its two cells.
    fn view(layer: &str, channels: usize) -> Arc<InsideView> {
        let shape = [channels, 1, 1, 2];
        let values = (0..channels).flat_map(|c| [c as f32; 2]).collect();
        let ranked = (0..channels).rev().map(|channel| ChannelScore { channel, score: channel as f64 }).collect();
        Arc::new(InsideView {
            checkpoint: CheckpointRef::default(),
            identity: Identity::default(),
            classes: ClassSet::default(),
            clip: ClipRef::window("v", 0),
            frames: vec![0],
            region: [0.0, 0.0, 1.0, 1.0],
            pictures: Vec::new(),
            truth: None,
            predicted: 0,
            probabilities: Vec::new(),
            order: ChannelOrder::Maximum,
            class: None,
            layers: vec![LayerView {
                statistics: LayerStatistics { layer: layer.into(), shape, ..LayerStatistics::default() },
                ranked,
                activation: Some(Arc::new(LayerActivation { layer: layer.into(), shape, values })),
                pictures: None,
                field: None,
                effective: None,
            }],
            tree: Arc::new(ModuleTree { title: "", clip: [1, 1, 2], trunk: Vec::new(), head: Vec::new() }),
            seconds: None,
        })
    }

    #[test]
    fn a_layer_is_asked_for_once_it_has_stood_and_kept_until_another_clip_is_chosen() {
        let mut store = InsideStore::default();
        let now = Instant::now();
        assert!(matches!(store.step(&[query("a")], now), LookStep::Wait(_)));
        assert!(matches!(store.step(&[query("b")], now + DEBOUNCE), LookStep::Wait(_)), "another one was chosen");
        let LookStep::Start(asked) = store.step(&[query("b")], now + 2 * DEBOUNCE) else { panic!("not asked") };
        store.started(JobId(1), asked);
        assert!(matches!(store.step(&[query("b")], now + 3 * DEBOUNCE), LookStep::Idle));
        assert!(matches!(store.step(&[query("c")], now + 4 * DEBOUNCE), LookStep::Abandon(JobId(1))));
        assert!(matches!(store.step(&[query("c")], now + 5 * DEBOUNCE), LookStep::Idle), "told once");
        store.looked(JobId(1), view("b", 8));
        assert_eq!((store.look(&query("b")).is_some(), store.bytes()), (true, 64));
        assert!(store.earlier_look(&LookQuery { order: ChannelOrder::Index, ..query("b") }).is_some());
        store.keep_only(Some((&CheckpointRef::default(), &ClipRef::window("v", 16))));
        assert_eq!((store.look(&query("b")).is_some(), store.bytes()), (false, 0));
    }

    #[test]
    fn a_strip_holds_the_first_channels_alone() {
        let mut store = InsideStore::default();
        let asked = LookQuery { strip: true, ..query("a") };
        store.started(JobId(1), asked.clone());
        store.looked(JobId(1), view("a", 8));
        let strip = store.strip(&asked).unwrap();
        assert_eq!(strip.channels, [7, 6, 5, 4, 3, 2]);
        assert_eq!(strip.activation.values, [7.0, 7.0, 6.0, 6.0, 5.0, 5.0, 4.0, 4.0, 3.0, 3.0, 2.0, 2.0]);
        assert!(store.look(&asked).is_none());
    }

    #[test]
    fn the_newer_of_two_choices_of_a_layer_counts() {
        let mut store = InsideStore::default();
        store.choose("run".into(), "fc".into(), Some("layer4".into()));
        let run = Path::new("run");
        assert_eq!(store.chosen(run, Some("layer4")), Some("fc"));
        assert_eq!(store.chosen(run, Some("layer3")), None, "the heatmap went to another layer since");
        assert_eq!(store.chosen(Path::new("other"), Some("layer4")), None);
    }

    #[test]
    fn both_sides_together_hold_no_more_than_the_budget() {
        let all = ActivationStore::BUDGET;
        assert_eq!(
            [InsideStore::budget(0), InsideStore::budget(all / 2), InsideStore::budget(all)],
            [all / 2, all / 2, all]
        );
    }
}
