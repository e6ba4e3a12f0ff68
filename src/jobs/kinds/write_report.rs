//! Runs as a report: a comparison, their motion tests, and the errors worth looking at with maps over them.

use super::compare_runs::CompareRuns;
use super::explain::ExplainRequest;
use super::open_dataset::OpenDataset;
use super::test_motion::kept;
use crate::classical::Baseline;
use crate::compare::motion::MotionReport;
use crate::compare::report::{ErrorExample, ReportInput, Shown, write_report};
use crate::compare::{Comparison, EvaluatedRun};
use crate::config::DataConfig;
use crate::data::ClipSource;
use crate::domain::{Dataset, LabelMap, PoolingRule, RgbImage, Task, counted, said};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::known::with_videos;
use crate::jobs::lane::{LaneState, open_checkpoint};
use crate::jobs::requests::{CheckpointRef, ClipRef, ClipSample, Compared, Explanation, HeatRequest, TargetClass};
use crate::progress::Monitor;
use crate::render::compose::side_by_side;
use crate::render::encoded::{looping_gif, png};
use crate::render::{ClipPosition, HeatVolume, OverlayParams, RenderError, composite};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Frames of a strip.
const STRIP: usize = 6;
/// How long a frame of a moving picture is shown.
const MILLISECONDS: u32 = 120;

/// Writes a report.
#[derive(Clone, Debug)]
pub struct WriteReport {
    /// What is compared.
    pub compare: CompareRuns,
    /// Errors shown, at most.
    pub errors: usize,
    /// Heatmap method of their pictures.
    pub method: String,
    /// The HTML file to write.
    pub out: PathBuf,
}

impl JobKind for WriteReport {
    type Answer = (Arc<Compared>, Vec<PathBuf>);

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        format!("report on {}", counted(self.compare.runs.len() as u64, "run"))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        self.compare.dataset.as_ref()
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let compared = match self.compare.clone().work(state, monitor)? {
            Done::Finished(compared) => compared,
            Done::Cancelled(_) => return Err(JobError::Stopped),
        };
        let Compared { runs, comparison } = &*compared;
        let motion = self.motion(runs)?;
        let (errors, no_pictures) = match self.dataset_of(comparison, runs, state, monitor)? {
            Ok(dataset) => (self.error_examples(&dataset, runs, comparison, state, monitor)?, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let made = crate::video::local_time(now).unwrap_or_default();
        let input = ReportInput {
            runs,
            comparison,
            motion: motion.as_ref(),
            errors: &errors,
            no_pictures: no_pictures.as_deref(),
            made: &made,
        };
        let files = write_report(&input, &self.out)?;
        Ok(Done::Finished((compared, files)))
    }

    fn output((_, files): Self::Answer) -> Output {
        Output::Exported(files.into_iter().next().unwrap_or_default())
    }
}

/// The dataset clips are shown from, or the sentence why there is none.
type Source = Result<Arc<Dataset>, String>;

impl WriteReport {
    /// The motion tests that were made earlier of these weights on these data.
    fn motion(&self, runs: &[EvaluatedRun]) -> Result<Option<MotionReport>, JobError> {
        let mut report = MotionReport::default();
        for (reference, run) in self.compare.runs.iter().zip(runs) {
            let checkpoint = open_checkpoint(reference)?;
            let found = kept(&checkpoint, &run.evaluation.dataset_fingerprint, &run.evaluation.split);
            match found {
                Some(test) => report.tests.push(crate::compare::motion::MotionTest { name: run.name.clone(), ..test }),
                None => report.notes.push(format!("{} has no motion test on these data and this split", run.name)),
            }
        }
        Ok((!report.tests.is_empty()).then_some(report))
    }

    /// The dataset that was named, or the one that was evaluated where it still lies.
    fn dataset_of(
        &self,
        comparison: &Comparison,
        runs: &[EvaluatedRun],
        state: &mut LaneState,
        monitor: &dyn Monitor,
    ) -> Result<Source, JobError> {
        if let Some(dataset) = &self.compare.dataset {
            return Ok(Ok(dataset.clone()));
        }
        let Some(first) = runs.first() else { return Ok(Err(String::new())) };
        let path = PathBuf::from(&first.evaluation.dataset);
        let gone = || format!("{} could not be opened, so there are no pictures of its clips.", comparison.dataset);
        if !path.exists() {
            return Ok(Err(gone()));
        }
        // Each run has a label map of its own.
        let data = DataConfig { label_map: LabelMap::default(), ..first.config.data.clone() };
        match (OpenDataset { path, data }).work(state, monitor) {
            Ok(Done::Finished(dataset)) => Ok(Ok(dataset)),
            Ok(Done::Cancelled(_)) | Err(JobError::Stopped) => Err(JobError::Stopped),
            Err(error) => {
                monitor.warn(error.to_string());
                Ok(Err(gone()))
            }
        }
    }

    /// The clips worth looking at, with what every run says and where it looks.
    fn error_examples(
        &self,
        dataset: &Arc<Dataset>,
        runs: &[EvaluatedRun],
        comparison: &Comparison,
        state: &mut LaneState,
        monitor: &dyn Monitor,
    ) -> Result<Vec<ErrorExample>, JobError> {
        let chosen = instructive(comparison, self.errors);
        let known =
            |clip: usize| comparison.clips.get(clip).is_some_and(|c| dataset.videos.iter().any(|v| v.name == c.video));
        let chosen: Vec<(&str, usize)> = chosen.into_iter().filter(|(_, clip)| known(*clip)).collect();
        if chosen.is_empty() {
            return Ok(Vec::new());
        }
        let names = chosen.iter().filter_map(|(_, clip)| comparison.clips.get(*clip)).map(|c| c.video.as_str());
        let dataset = &with_videos(dataset, names, monitor)?;
        let clip_ref = |clip: usize| {
            comparison
                .clips
                .get(clip)
                .map(|c| ClipRef { cut: c.cut, ..ClipRef::window(&c.video, c.start) })
                .unwrap_or_default()
        };
        let mut out: Vec<ErrorExample> = chosen
            .iter()
            .map(|(list, clip)| {
                let ClipRef { video, start, .. } = clip_ref(*clip);
                let truth = comparison.clips.get(*clip).map(|c| comparison.names(c.true_classes()));
                ErrorExample {
                    list: (*list).to_owned(),
                    video,
                    start,
                    truth: truth.unwrap_or_default(),
                    shown: Vec::new(),
                }
            })
            .collect();
        for (reference, run) in self.compare.runs.iter().zip(runs) {
            let clips: Vec<ClipRef> = chosen.iter().map(|(_, clip)| clip_ref(*clip)).collect();
            let baseline = Baseline::find(&run.config.model.id).is_some();
            let explanation = self.explain((reference, !baseline), dataset, clips, state, monitor)?;
            let source = ClipSource::new(dataset.clone(), &run.config);
            for (example, sample) in out.iter_mut().zip(&explanation.samples) {
                example.shown.push(shown(&explanation, sample, &run.name, dataset, &source)?);
            }
        }
        Ok(out)
    }

    /// What a run says of clips, with a map where it holds a network.
    fn explain(
        &self,
        (reference, maps): (&CheckpointRef, bool),
        dataset: &Arc<Dataset>,
        clips: Vec<ClipRef>,
        state: &mut LaneState,
        monitor: &dyn Monitor,
    ) -> Result<Arc<Explanation>, JobError> {
        let map = || HeatRequest {
            method: self.method.clone(),
            layer: None,
            target: TargetClass::Predicted,
            against: None,
            pooling: PoolingRule::SpaceTime,
        };
        let request = ExplainRequest {
            checkpoint: reference.clone(),
            dataset: dataset.clone(),
            clips,
            maps: maps.then(map).into_iter().collect(),
            on_body: false,
            class_match: self.compare.class_match.clone(),
        };
        match request.work(state, monitor)? {
            Done::Finished(explanation) => Ok(explanation),
            Done::Cancelled(_) => Err(JobError::Stopped),
        }
    }
}

/// Clips worth looking at, with the list each is of: what the last run of the first pair fixed and broke, and what all have
/// wrong, the most confident first; of one run its most confident errors.
fn instructive(comparison: &Comparison, most: usize) -> Vec<(&'static str, usize)> {
    let confidence = |clip: usize, right: bool| -> f32 {
        let of = comparison.runs.iter().filter_map(|r| r.answers.get(clip));
        of.filter(|a| a.exact() == right).map(|a| a.confidence()).fold(0.0, f32::max)
    };
    let sorted = |clips: Vec<usize>| {
        let mut clips = clips;
        clips.sort_by(|a, b| confidence(*b, false).total_cmp(&confidence(*a, false)));
        clips
    };
    let wrong = |clip: &usize| comparison.runs.iter().all(|r| r.answers.get(*clip).is_some_and(|a| !a.exact()));
    let all_wrong = sorted((0..comparison.clips.len()).filter(wrong).collect());
    let lists: Vec<(&'static str, Vec<usize>)> = match comparison.pairs.first() {
        None => vec![("wrong", all_wrong)],
        Some(pair) => vec![
            ("fixed", sorted(pair.lists.fixed.clone())),
            ("broken", sorted(pair.lists.broken.clone())),
            (if comparison.runs.len() > 2 { "wrong in all" } else { "both wrong" }, all_wrong),
        ],
    };
    // In turns, so that no list takes all the room.
    let longest = lists.iter().map(|(_, clips)| clips.len()).max().unwrap_or(0);
    let mut out: Vec<(&'static str, usize)> = (0..longest)
        .flat_map(|i| lists.iter().filter_map(move |(list, clips)| clips.get(i).map(|clip| (*list, *clip))))
        .take(most)
        .collect();
    out.sort_by_key(|(list, _)| lists.iter().position(|(l, _)| l == list));
    out
}

/// A clip with the map of one run over it.
fn shown(
    explanation: &Explanation,
    sample: &ClipSample,
    run: &str,
    dataset: &Dataset,
    source: &ClipSource,
) -> Result<Shown, JobError> {
    let probability = sample.probabilities.get(sample.predicted).copied().unwrap_or(0.0);
    let one = |class: usize, p: f32| format!("{} ({:.1} %)", explanation.classes.name(class), 100.0 * p);
    let said = match explanation.task {
        Task::SingleLabel => one(sample.predicted, probability),
        Task::MultiLabel => {
            let classes = said(&sample.probabilities);
            let all: Vec<String> =
                classes.map(|c| one(c, sample.probabilities.get(c).copied().unwrap_or(0.0))).collect();
            if all.is_empty() {
                format!("nothing; {} at most", one(sample.predicted, probability))
            } else {
                all.join(" + ")
            }
        }
    };
    let mut out = Shown { run: run.to_owned(), said, ..Shown::default() };
    let Some(map) = sample.maps.first() else {
        out.map = "a classical baseline has no heatmaps".to_owned();
        return Ok(out);
    };
    let Some(video) = dataset.videos.iter().position(|v| v.name == sample.clip.video) else { return Ok(out) };
    let frames = source.pictures(&sample.clip.clip(video))?;
    let heat = HeatVolume::from_map(map)?;
    let look = OverlayParams::default();
    let over = |(i, frame): (usize, &RgbImage)| {
        composite(frame, &heat, ClipPosition { frame: i, frames: frames.len() }, &look)
    };
    let overlays: Vec<RgbImage> = frames.iter().enumerate().map(over).collect();
    let count = STRIP.min(overlays.len());
    let at = |i: usize| overlays.get((2 * i + 1) * overlays.len() / (2 * count.max(1)));
    let strip = (0..count).filter_map(at).cloned().reduce(|left, right| side_by_side(&left, &right));
    let [t, h, w] = map.shape;
    out.map = format!(
        "{} at {} for {}, {t}x{h}x{w} cells, {}",
        map.method,
        map.layer,
        map.subject(&explanation.classes),
        map.pooling.words()
    );
    let failed = |e: image::ImageError| RenderError::Draw { what: "a clip".into(), reason: e.to_string() };
    out.strip = strip.map(|s| png(&s)).transpose().map_err(failed)?.unwrap_or_default();
    out.moving = looping_gif(&overlays, MILLISECONDS).map_err(failed)?;
    Ok(out)
}
