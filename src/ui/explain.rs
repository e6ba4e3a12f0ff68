//! Heatmaps and predictions of the shown clip: which are wanted, which are being computed, which are kept.
//!
//! One request is under way at a time and the newest query wins: while the playhead flies over clips nothing piles up.
//! What was computed is kept (maps are a few hundred floats), so that going back costs nothing.

use super::awaited::Awaited;
use super::state::{AppState, ViewMode, Workspace};
use crate::classical::{Baseline, FeaturePicture};
use crate::domain::{ClassSet, HeatMap, MaskShare, Task};
use crate::jobs::{CheckpointRef, ClipRef, ClipSample, ExplainRequest, Explanation, HeatRequest, Identity, Job, JobId};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a query must stand before it is worth a forward pass.
const DEBOUNCE: Duration = Duration::from_millis(60);

/// Clips kept; a clip with a few maps is some kilobytes.
const KEEP_CLIPS: usize = 4096;

/// Clips whose pictures of features are kept; those of one are below 2 MB.
const KEEP_PICTURES: usize = 64;

/// What somebody wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapQuery {
    /// The network.
    pub checkpoint: CheckpointRef,
    /// The clip.
    pub clip: ClipRef,
    /// The maps that are not there yet; may be empty when only probabilities are missing.
    pub maps: Vec<HeatRequest>,
}

/// A network, a clip, and the maps of it that are to be seen.
pub type WantedMaps = (CheckpointRef, ClipRef, Vec<HeatRequest>);

/// A clip with what the network said and every map computed so far.
#[derive(Clone, Debug)]
pub struct ClipAnswer {
    /// Frame numbers the network saw.
    pub frames: Vec<u32>,
    /// The label's classes, ascending; none without a label, several only in a multi-label task.
    pub truths: Vec<usize>,
    /// Whether the most probable class is one of them; `None` without a label.
    pub right: Option<bool>,
    /// How many classes a clip may have.
    pub task: Task,
    /// Most probable class.
    pub predicted: usize,
    /// Probabilities in output order: of a softmax, or of a sigmoid a class in a multi-label task.
    pub probabilities: Vec<f32>,
    /// Classes in output order.
    pub classes: Arc<ClassSet>,
    /// The weights that answered.
    pub identity: Arc<Identity>,
    /// What the features of a classical baseline saw.
    pub pictures: Arc<Vec<FeaturePicture>>,
    /// Maps by what was asked for.
    pub maps: HashMap<HeatRequest, Arc<HeatMap>>,
    /// How much of a map lies on the body, where that was measured; `None` without masks or heat.
    pub on_body: HashMap<HeatRequest, Option<MaskShare>>,
}

impl ClipAnswer {
    /// Which of the frames that the network saw a frame of the video is: itself, or else the latest before it. Frames need not
    /// ascend, where a short instance begins anew.
    pub fn position_of(&self, frame: u32) -> usize {
        let exact = self.frames.iter().rposition(|f| *f == frame);
        let before =
            || (0..self.frames.len()).filter(|at| self.frames[*at] < frame).max_by_key(|at| (self.frames[*at], *at));
        exact.or_else(before).unwrap_or(0)
    }
}

/// See the module's documentation.
#[derive(Debug, Default)]
pub struct ExplainStore {
    answers: HashMap<(CheckpointRef, ClipRef), ClipAnswer>,
    order: VecDeque<(CheckpointRef, ClipRef)>,
    /// Those with pictures of features, the oldest first.
    pictured: VecDeque<(CheckpointRef, ClipRef)>,
    /// Queries that failed, with the sentence; they are not asked for again by themselves.
    failed: Vec<(MapQuery, String)>,
    /// The request under way.
    in_flight: Option<(JobId, MapQuery)>,
    /// The newest query and since when it stands.
    pending: Option<(MapQuery, Instant)>,
    /// Grows with every answer, so that textures know when to be written again.
    generation: u64,
    /// The map that each view showed last, by position of the view.
    shown: Vec<Option<ShownMap>>,
}

/// A map by what it is of: network, clip, and what was asked for.
type ShownMap = (CheckpointRef, ClipRef, HeatRequest);

/// What the store asks its owner to do.
#[derive(Debug)]
pub enum Step {
    /// Nothing to do.
    Idle,
    /// Look again after this time.
    Wait(Duration),
    /// Start this job and report it with [`ExplainStore::started`].
    Start(MapQuery),
    /// The request under way is of no use any more: stop it.
    Abandon(JobId),
}

impl ExplainStore {
    /// What is known about a clip.
    pub fn answer(&self, checkpoint: &CheckpointRef, clip: &ClipRef) -> Option<&ClipAnswer> {
        self.answers.get(&(checkpoint.clone(), clip.clone()))
    }

    /// The map that a view showed last, where it is one of this network and clip and still kept.
    pub fn last_shown(&self, view: usize, checkpoint: &CheckpointRef, clip: &ClipRef) -> Option<&Arc<HeatMap>> {
        let (_, _, request) = self.shown.get(view)?.as_ref().filter(|(n, c, _)| n == checkpoint && c == clip)?;
        self.answer(checkpoint, clip)?.maps.get(request)
    }

    /// A view shows this map now.
    fn shows(&mut self, view: usize, shown: ShownMap) {
        if self.shown.len() <= view {
            self.shown.resize(view + 1, None);
        }
        if let Some(slot) = self.shown.get_mut(view) {
            *slot = Some(shown);
        }
    }

    /// Two views change places.
    pub(super) fn swap_views(&mut self, a: usize, b: usize) {
        self.shown.resize(self.shown.len().max(a + 1).max(b + 1), None);
        self.shown.swap(a, b);
    }

    /// What the network says about a clip.
    pub fn verdict(&self, checkpoint: &CheckpointRef, clip: &ClipRef) -> Awaited<&ClipAnswer> {
        match (self.answer(checkpoint, clip), self.failure(checkpoint, clip)) {
            (Some(answer), _) => Awaited::Ready(answer),
            (None, Some(sentence)) => Awaited::Unavailable(sentence.to_owned()),
            (None, None) => Awaited::Pending(None),
        }
    }

    /// A map of a clip with what belongs to it. While another method or layer is computed, or cannot be, the one that
    /// this view showed last of this very clip.
    pub fn map(
        &self,
        view: usize,
        checkpoint: &CheckpointRef,
        clip: &ClipRef,
        request: &HeatRequest,
    ) -> Awaited<(&ClipAnswer, &Arc<HeatMap>)> {
        let failure = self.failure(checkpoint, clip);
        let Some(answer) = self.answer(checkpoint, clip) else {
            return failure.map_or(Awaited::Pending(None), |s| Awaited::Unavailable(s.to_owned()));
        };
        match (answer.maps.get(request), failure) {
            (Some(map), _) => Awaited::Ready((answer, map)),
            (None, Some(sentence)) => Awaited::Unavailable(sentence.to_owned()),
            (None, None) => Awaited::Pending(self.last_shown(view, checkpoint, clip).map(|map| (answer, map))),
        }
    }

    /// Every clip of a video that has an answer, in no particular order.
    pub fn answers_of<'a>(
        &'a self,
        checkpoint: &'a CheckpointRef,
        video: &'a str,
    ) -> impl Iterator<Item = (&'a ClipRef, &'a ClipAnswer)> {
        self.answers.iter().filter(move |((c, r), _)| c == checkpoint && r.video == video).map(|((_, r), a)| (r, a))
    }

    /// Grows with every answer.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// True while a heatmap is being computed or about to be.
    pub fn busy(&self) -> bool {
        self.in_flight.is_some() || self.pending.is_some()
    }

    /// Why the maps of a clip could not be computed.
    pub fn failure(&self, checkpoint: &CheckpointRef, clip: &ClipRef) -> Option<&str> {
        let fits = |w: &MapQuery| w.checkpoint == *checkpoint && w.clip == *clip;
        self.failed.iter().find(|(w, _)| fits(w)).map(|(_, s)| s.as_str())
    }

    /// Forgets failures, so that they are tried again.
    pub fn retry(&mut self) {
        self.failed.clear();
    }

    /// Forgets everything that a run said, for example because it was trained further.
    pub fn forget_run(&mut self, run: &std::path::Path) {
        self.answers.retain(|(c, _), _| c.run != run);
        self.order.retain(|(c, _)| c.run != run);
        self.failed.retain(|(w, _)| w.checkpoint.run != run);
        self.generation += 1;
    }

    /// Forgets everything; the dataset changed.
    pub fn clear(&mut self) {
        *self = Self { generation: self.generation + 1, in_flight: self.in_flight.take(), ..Self::default() };
    }

    /// The maps of a clip that are not there yet; `None` when nothing is missing or asking failed before.
    fn missing(&self, checkpoint: &CheckpointRef, clip: &ClipRef, maps: &[HeatRequest]) -> Option<MapQuery> {
        let known = self.answer(checkpoint, clip);
        let missing: Vec<HeatRequest> =
            maps.iter().filter(|m| known.is_none_or(|k| !k.maps.contains_key(m))).cloned().collect();
        if known.is_some() && missing.is_empty() {
            return None;
        }
        let query = MapQuery { checkpoint: checkpoint.clone(), clip: clip.clone(), maps: missing };
        (!self.failed.iter().any(|(w, _)| *w == query)).then_some(query)
    }

    /// Decides what to do about what is wanted now, what matters most first.
    pub fn step(&mut self, wanted: impl IntoIterator<Item = WantedMaps>, now: Instant) -> Step {
        let missing = wanted.into_iter().filter_map(|(checkpoint, clip, maps)| self.missing(&checkpoint, &clip, &maps));
        let queries: Vec<MapQuery> = missing.collect();
        if let Some((_, flying)) = &self.in_flight
            && queries.iter().any(|w| flying.clip == w.clip && flying.checkpoint == w.checkpoint)
        {
            return Step::Idle;
        }
        let Some(query) = queries.into_iter().next() else {
            self.pending = None;
            return Step::Idle;
        };
        if let Some((job, _)) = &self.in_flight {
            let job = *job;
            let fresh = self.pending.as_ref().is_none_or(|(w, _)| *w != query);
            self.pending = Some((query, now));
            return if fresh { Step::Abandon(job) } else { Step::Idle };
        }
        match &self.pending {
            Some((w, since)) if *w == query => {
                let stood = now.saturating_duration_since(*since);
                if stood >= DEBOUNCE { Step::Start(query) } else { Step::Wait(DEBOUNCE - stood) }
            }
            _ => {
                self.pending = Some((query, now));
                Step::Wait(DEBOUNCE)
            }
        }
    }

    /// A query became a job.
    pub fn started(&mut self, job: JobId, query: MapQuery) {
        self.pending = None;
        self.in_flight = Some((job, query));
    }

    /// The maps a job of this store was asked for.
    pub fn asked(&self, job: JobId) -> Vec<HeatRequest> {
        self.in_flight.as_ref().filter(|(j, _)| *j == job).map_or_else(Vec::new, |(_, w)| w.maps.clone())
    }

    /// A job ended without an answer.
    pub fn ended(&mut self, job: JobId, failure: Option<String>) {
        if let Some((_, query)) = self.in_flight.take_if(|(j, _)| *j == job)
            && let Some(sentence) = failure
        {
            self.failed.push((query, sentence));
        }
    }

    /// An answer came. `asked` are the maps in the order they were asked for.
    pub fn insert(&mut self, job: JobId, explanation: &Explanation, asked: &[HeatRequest]) {
        let classes = Arc::new(explanation.classes.clone());
        let identity = Arc::new(explanation.identity.clone());
        for sample in &explanation.samples {
            self.insert_sample(&explanation.checkpoint, sample, (&classes, &identity, explanation.task), asked);
        }
        if let Some((_, query)) = self.in_flight.take_if(|(j, _)| *j == job) {
            // A network that cannot give a map would otherwise be asked for ever.
            if self.missing(&query.checkpoint, &query.clip, &query.maps).is_some() {
                self.failed
                    .push((query, "the network gave no map for this method, layer and class; choose others".into()));
            }
        }
        self.generation += 1;
    }

    /// Forgets an answer with pictures, which are large, before another one comes; it is asked for again when it is looked at.
    fn make_room(&mut self, key: &(CheckpointRef, ClipRef)) {
        self.pictured.retain(|k| k != key);
        self.pictured.push_back(key.clone());
        // An earlier answer may have come without.
        self.answers.remove(key);
        self.order.retain(|k| k != key);
        if self.pictured.len() > KEEP_PICTURES
            && let Some(oldest) = self.pictured.pop_front()
        {
            self.answers.remove(&oldest);
            self.order.retain(|k| *k != oldest);
        }
    }

    fn insert_sample(
        &mut self,
        checkpoint: &CheckpointRef,
        sample: &ClipSample,
        (classes, identity, task): (&Arc<ClassSet>, &Arc<Identity>, Task),
        asked: &[HeatRequest],
    ) {
        let key = (checkpoint.clone(), sample.clip.clone());
        if !sample.pictures.is_empty() {
            self.make_room(&key);
        }
        if !self.answers.contains_key(&key) {
            self.order.push_back(key.clone());
            while self.order.len() > KEEP_CLIPS {
                if let Some(oldest) = self.order.pop_front() {
                    self.answers.remove(&oldest);
                }
            }
        }
        let answer = self.answers.entry(key).or_insert_with(|| ClipAnswer {
            frames: sample.frames.clone(),
            truths: sample.true_classes(),
            right: sample.right(),
            task,
            predicted: sample.predicted,
            probabilities: sample.probabilities.clone(),
            classes: classes.clone(),
            identity: identity.clone(),
            pictures: Arc::new(sample.pictures.clone()),
            maps: HashMap::new(),
            on_body: HashMap::new(),
        });
        for (request, map) in asked.iter().zip(&sample.maps) {
            answer.maps.insert(request.clone(), Arc::new(map.clone()));
        }
        for (request, share) in asked.iter().zip(&sample.on_body) {
            answer.on_body.insert(request.clone(), *share);
        }
    }
}

/// Remembers which map each view shows for a frame on screen, so that it stays while another one is computed.
pub fn remember_shown(state: &mut AppState, video: &str, frame: u32) {
    if state.workspace != Workspace::Review || !state.view.heat || state.view.mode == ViewMode::Frame {
        return;
    }
    for view in 0..state.selection.views.len() {
        let (Some(network), Some(request)) = (state.selection.network(view), state.selection.views.get(view)) else {
            continue;
        };
        let Some(clip) = state.clip_of(Some(&network.run), video, frame) else { continue };
        if state.explain.answer(&network, &clip).is_some_and(|a| a.maps.contains_key(request)) {
            let shown = (network, clip, request.clone());
            state.explain.shows(view, shown);
        }
    }
}

/// What the window wants explained now: in Review, the maps of every linked view for the clip under the playhead, those
/// of the active view's network first.
///
/// Nothing is asked of a network whose classes are not those of the dataset before somebody has said what they are.
pub fn wanted(state: &AppState) -> Vec<WantedMaps> {
    if state.workspace != Workspace::Review || state.welcome {
        return Vec::new();
    }
    let (selection, Some(video)) = (&state.selection, state.selection.video.as_deref()) else { return Vec::new() };
    let mut views: Vec<usize> = (0..selection.views.len().max(1)).collect();
    views.sort_by_key(|view| *view != selection.active_view);
    let mut out: Vec<WantedMaps> = Vec::new();
    for view in views {
        let Some(network) = selection.network(view) else { continue };
        let Some(run) = state.run_at(&network.run).filter(|r| !state.is_foreign(r)) else { continue };
        let Some(clip) = state.clip_of(Some(&run.path), video, selection.frame) else { continue };
        let classical = Baseline::find(&run.config.model.id).is_some();
        let maps = state.view.heat && !classical;
        let map = selection.views.get(view).filter(|_| maps).cloned();
        match out.iter_mut().find(|(n, c, _)| *n == network && *c == clip) {
            Some((_, _, maps)) => maps.extend(map.filter(|m| !maps.contains(m))),
            None if map.is_some() || classical || view == selection.active_view => {
                out.push((network, clip, map.into_iter().collect()))
            }
            None => {}
        }
    }
    out
}

/// The job for a query.
pub fn job_of(state: &AppState, query: &MapQuery) -> Option<Job> {
    Some(Job::Explain(ExplainRequest {
        checkpoint: query.checkpoint.clone(),
        dataset: state.dataset.clone()?,
        clips: vec![query.clip.clone()],
        maps: query.maps.clone(),
        on_body: false,
        class_match: state.class_match(&query.checkpoint.run),
    }))
}

#[cfg(test)]
mod tests {
    use super::super::selection::default_view;
    use super::*;

    fn want(start: u32) -> Option<WantedMaps> {
        Some((CheckpointRef::default(), ClipRef::window("v", start), vec![default_view()]))
    }

    fn answer(start: u32) -> Explanation {
        let map = HeatMap {
            method: "grad-cam".into(),
            layer: "l".into(),
            class: 0,
            against: None,
            shape: [1, 1, 1],
            values: vec![1.0],
            pooling: Default::default(),
            region: HeatMap::WHOLE,
        };
        let sample = ClipSample {
            clip: ClipRef::window("v", start),
            frames: vec![start],
            probabilities: vec![1.0],
            maps: vec![map],
            ..ClipSample::default()
        };
        Explanation { classes: ClassSet::from_names(["a"]), samples: vec![sample], ..Explanation::default() }
    }

    #[test]
    fn the_newest_wish_wins_and_nothing_piles_up() {
        let mut store = ExplainStore::default();
        let t0 = Instant::now();
        assert!(matches!(store.step(want(0), t0), Step::Wait(_)));
        // Scrubbing: another clip before the first was worth asking for.
        assert!(matches!(store.step(want(16), t0 + DEBOUNCE), Step::Wait(_)));
        let Step::Start(query) = store.step(want(16), t0 + DEBOUNCE * 2) else { panic!("not asked") };
        assert_eq!(query.clip.start, 16);
        store.started(JobId(1), query);
        assert!(matches!(store.step(want(16), t0 + DEBOUNCE * 3), Step::Idle));
        // The person moved on: the request under way is stopped once, not every frame.
        assert!(matches!(store.step(want(32), t0 + DEBOUNCE * 4), Step::Abandon(JobId(1))));
        assert!(matches!(store.step(want(32), t0 + DEBOUNCE * 5), Step::Idle));
        store.ended(JobId(1), None);
        let mut step = store.step(want(32), t0 + DEBOUNCE * 6);
        if matches!(step, Step::Wait(_)) {
            step = store.step(want(32), t0 + DEBOUNCE * 7);
        }
        let Step::Start(query) = step else { panic!("not asked: {step:?}") };
        assert_eq!(query.clip.start, 32);
        store.started(JobId(2), query);
        store.insert(JobId(2), &answer(32), &[default_view()]);
        assert!(matches!(store.step(want(32), t0 + DEBOUNCE * 9), Step::Idle));
        assert!(store.answer(&CheckpointRef::default(), &ClipRef::window("v", 32)).is_some());
    }

    #[test]
    fn a_failure_is_kept_and_not_repeated_until_retry() {
        let mut store = ExplainStore::default();
        let t0 = Instant::now();
        store.step(want(0), t0);
        let Step::Start(query) = store.step(want(0), t0 + DEBOUNCE) else { panic!("not asked") };
        let clip = query.clip.clone();
        store.started(JobId(1), query);
        store.ended(JobId(1), Some("no".into()));
        assert!(matches!(store.step(want(0), t0 + DEBOUNCE * 3), Step::Idle));
        assert_eq!(store.failure(&CheckpointRef::default(), &clip), Some("no"));
        store.retry();
        assert!(matches!(store.step(want(0), t0 + DEBOUNCE * 4), Step::Wait(_)));
    }
}
