//! Clips to probabilities and heatmaps.

use crate::cam::{CamError, Explained, MapRequest, Target, explain_batch};
use crate::data::{ClipSource, FrameRule};
use crate::domain::{ClassId, ClassMatch, Clip, Dataset, MaskShare, Task, VideoEntry, argmax};
use crate::eval::metrics::probabilities_of;
use crate::eval::{ClassMap, PredictOptions, Predictor};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::known::with_videos;
use crate::jobs::lane::{LaneState, Loaded, open_checkpoint};
use crate::jobs::requests::{CheckpointRef, ClipRef, ClipSample, Explanation, HeatRequest, TargetClass};
use crate::model::ComputeDevice;
use crate::progress::Monitor;
use crate::run_folder::{Identity, RunError};
use std::sync::Arc;

/// Heatmaps and probabilities of clips.
#[derive(Clone, Debug)]
pub struct ExplainRequest {
    /// The network.
    pub checkpoint: CheckpointRef,
    /// The dataset the clips are in.
    pub dataset: Arc<Dataset>,
    /// The clips.
    pub clips: Vec<ClipRef>,
    /// The maps of each clip.
    pub maps: Vec<HeatRequest>,
    /// Also measure how much of each map lies on the body, where the dataset has masks.
    pub on_body: bool,
    /// How labels become classes of the run.
    pub class_match: ClassMatch,
}

/// Most clips in one pass.
const AT_ONCE: usize = 8;

impl JobKind for ExplainRequest {
    type Answer = Arc<Explanation>;

    fn lane(&self) -> Lane {
        // One clip is what somebody looks at; a whole video or split is worked through.
        if self.clips.len() > 1 || self.on_body { Lane::Batch } else { Lane::Interactive }
    }

    fn title(&self) -> String {
        if self.on_body { "measure heat on the body".into() } else { "heatmap".into() }
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let dataset = with_videos(&self.dataset, self.clips.iter().map(|c| c.video.as_str()), monitor)?;
        Ok(Done::Finished(Arc::new(explain(&Self { dataset, ..self }, state, monitor)?)))
    }

    fn output(explanation: Self::Answer) -> Output {
        Output::Explanation(explanation)
    }
}

/// Probabilities and heatmaps of clips.
fn explain(request: &ExplainRequest, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Explanation, JobError> {
    let checkpoint = match state.load(&request.checkpoint, monitor) {
        Err(JobError::Run(RunError::NoNetwork { .. })) if request.maps.is_empty() => return answers(request, monitor),
        loaded => &loaded?.checkpoint,
    };
    let (classes, identity) = (checkpoint.state.classes.clone(), Identity::of(checkpoint));
    let class_map = checkpoint.class_map(&request.dataset, &request.class_match)?;
    let task = class_map.task();
    let source = state.source(&request.dataset)?;
    let mut samples = Vec::with_capacity(request.clips.len());
    let batch = state.loaded()?.checkpoint.state.config.training.batch_size.clamp(1, AT_ONCE);
    for clips in request.clips.chunks(batch) {
        if monitor.stopped() {
            return Err(JobError::Stopped);
        }
        monitor.stage("explaining clips", samples.len() as u64, request.clips.len() as u64);
        let loaded = state.loaded()?;
        let asked = Asked { loaded, source: &source, dataset: &request.dataset, class_map: &class_map };
        for mut found in asked.explain(clips, &request.maps)? {
            if request.on_body {
                found.on_body = heat_on_body(&request.dataset, &found)?;
            }
            samples.push(found);
        }
    }
    Ok(Explanation { checkpoint: request.checkpoint.clone(), identity, classes, task, samples })
}

/// What a classical baseline, which has no maps, says about clips.
fn answers(request: &ExplainRequest, monitor: &dyn Monitor) -> Result<Explanation, JobError> {
    let checkpoint = open_checkpoint(&request.checkpoint)?;
    let config = &checkpoint.state.config;
    let class_map = checkpoint.class_map(&request.dataset, &request.class_match)?;
    let predictor = Predictor::of(&checkpoint, &ComputeDevice::cpu())?;
    let source = Arc::new(ClipSource::new(request.dataset.clone(), config).with_disk(config));
    let find =
        |clip: &ClipRef| find_video(&request.dataset, &clip.video).map(|(video, entry)| (clip.clip(video), entry));
    let places = request.clips.iter().map(find).collect::<Result<Vec<_>, JobError>>()?;
    let clips: Vec<Clip> = places.iter().map(|(clip, _)| *clip).collect();
    let options = PredictOptions { batch_size: 1, workers: 1, label: "explaining clips" };
    let logits = predictor.logits(&source, &clips, options, monitor)?;
    let rule = FrameRule::of(&config.clip);
    let samples = request.clips.iter().zip(places).zip(logits).map(|((asked, (clip, entry)), logits)| {
        let truths = class_map.truths(entry, &clip, config);
        let probabilities = probabilities_of(checkpoint.state.task, &logits);
        let pictures = match (checkpoint.baseline(), request.clips.len()) {
            (Some(baseline), 1) => baseline.features.pictures(&source.seen(&clip, None)?),
            _ => Vec::new(),
        };
        Ok(ClipSample { pictures, ..answer(asked, rule.shown(entry, &clip), (&class_map, truths), probabilities) })
    });
    let samples = samples.collect::<Result<_, JobError>>()?;
    Ok(Explanation {
        checkpoint: request.checkpoint.clone(),
        identity: Identity::of(&checkpoint),
        classes: checkpoint.state.classes.clone(),
        task: class_map.task(),
        samples,
    })
}

/// A clip with what was said about it, without maps.
fn answer(
    clip: &ClipRef,
    frames: Vec<u32>,
    (class_map, truths): (&ClassMap, Vec<ClassId>),
    probabilities: Vec<f32>,
) -> ClipSample {
    ClipSample {
        clip: clip.clone(),
        frames,
        truth: truths.first().copied(),
        truths: if class_map.task() == Task::MultiLabel { truths } else { Vec::new() },
        predicted: argmax(&probabilities),
        probabilities,
        ..ClipSample::default()
    }
}

/// The video a clip names.
pub(super) fn find_video<'a>(dataset: &'a Dataset, name: &str) -> Result<(usize, &'a VideoEntry), JobError> {
    dataset.videos.iter().enumerate().find(|(_, v)| v.name == name).ok_or_else(|| {
        JobError::Missing(format!("{} has no video '{name}'; open the dataset again", dataset.root.display()))
    })
}

/// A network, and the clips it is asked about.
pub(super) struct Asked<'a> {
    pub loaded: &'a Loaded,
    pub source: &'a Arc<ClipSource>,
    pub dataset: &'a Dataset,
    /// Which output each class of the dataset is.
    pub class_map: &'a ClassMap,
}

impl Asked<'_> {
    /// One clip.
    pub fn sample(&self, clip: &ClipRef, maps: &[HeatRequest]) -> Result<ClipSample, JobError> {
        self.explain(std::slice::from_ref(clip), maps)?
            .pop()
            .ok_or(JobError::Internal("a clip was asked for and no answer came"))
    }

    /// Clips, in one pass through the network.
    fn explain(&self, clips: &[ClipRef], maps: &[HeatRequest]) -> Result<Vec<ClipSample>, JobError> {
        let config = &self.loaded.checkpoint.state.config;
        let rule = FrameRule::of(&config.clip);
        let shape = [config.clip.length as usize, config.clip.height as usize, config.clip.width as usize];
        let (mut samples, mut pixels, mut requests) = (Vec::new(), Vec::new(), Vec::new());
        for clip in clips {
            let (video, entry) = find_video(self.dataset, &clip.video)?;
            let asked = clip.clip(video);
            let truths = self.class_map.truths(entry, &asked, config);
            requests.push(map_requests(maps, truths.first().copied())?);
            pixels.push(self.source.pixels(&asked, None)?);
            let (frames, region) = (rule.shown(entry, &asked), self.source.region(&asked));
            samples.push((clip, frames, truths, region));
        }
        let explained = explain_batch(&self.loaded.network, pixels, shape, &requests)?;
        let task = self.loaded.checkpoint.state.task;
        let answers = samples.into_iter().zip(explained).map(|((clip, frames, truths, region), explained)| {
            let Explained { logits, mut maps } = explained;
            maps.iter_mut().for_each(|map| map.region = region);
            ClipSample { maps, ..answer(clip, frames, (self.class_map, truths), probabilities_of(task, &logits)) }
        });
        Ok(answers.collect())
    }
}

/// What is asked of a clip whose class is known or not.
fn map_requests(maps: &[HeatRequest], truth: Option<usize>) -> Result<Vec<MapRequest>, CamError> {
    let request = |m: &HeatRequest| {
        let resolve = |target| match target {
            TargetClass::Predicted => Ok(Target::Predicted),
            TargetClass::True => truth.map(Target::Class).ok_or(CamError::NoTruth),
            TargetClass::Class(class) => Ok(Target::Class(class)),
        };
        let (method, layer) = (m.method.clone(), m.layer.clone());
        let against = m.against.map(resolve).transpose()?;
        Ok(MapRequest { method, layer, target: resolve(m.target)?, against, pooling: m.pooling })
    };
    maps.iter().map(request).collect()
}

/// How much of each map's heat lies on the body, over all frames of the clip that have a mask; `None` for maps without
/// heat and where there are no masks. In the order of [`ClipSample::maps`].
///
/// # Errors
/// A video the dataset does not have, or a mask that cannot be read.
pub fn heat_on_body(dataset: &Dataset, sample: &ClipSample) -> Result<Vec<Option<MaskShare>>, JobError> {
    let (_, entry) = find_video(dataset, &sample.clip.video)?;
    let mut shares = vec![None; sample.maps.len()];
    for (at, frame) in sample.frames.iter().enumerate() {
        let Some(mask) = crate::data::load_mask(entry, *frame)? else { continue };
        for (map, share) in sample.maps.iter().zip(&mut shares) {
            let here = map.share_on(&mask, at, sample.frames.len());
            *share = match (*share, here) {
                (Some(a), Some(b)) => Some(MaskShare::with(a, b)),
                (a, b) => a.or(b),
            };
        }
    }
    Ok(shares)
}
