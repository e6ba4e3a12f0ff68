//! The one way a job runs, for the window's lanes and the command line alike.

use super::lane::{LaneState, open_checkpoint};
use super::types::{Job, Output, RunView};
use crate::cam::CamError;
use crate::data::{DataError, demo};
use crate::domain::Dataset;
use crate::eval::{Earlier, EvalError, Notes, RunDir, Training, results_folder};
use crate::model::ModelError;
use crate::progress::{Flow, Monitor, Progress};
use crate::render::RenderError;
use crate::train::TrainError;
use crate::video::VideoError;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why a job ended without a result. Every message is a sentence.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It was asked to stop.
    #[error("stopped")]
    Stopped,
    /// Opening or loading data.
    #[error(transparent)]
    Data(DataError),
    /// Making the demo dataset.
    #[error(transparent)]
    Demo(demo::DemoError),
    /// Training.
    #[error(transparent)]
    Train(TrainError),
    /// Judging.
    #[error(transparent)]
    Eval(EvalError),
    /// A heat map.
    #[error(transparent)]
    Cam(#[from] CamError),
    /// A network.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A video.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// A picture.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A file.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// What was asked for does not exist.
    #[error("{0}")]
    Missing(String),
    /// A state that the program rules out; never shown as a stop.
    #[error("an internal error: {0}; this is a fault of the program, please report it")]
    Internal(&'static str),
}

/// How a job that did not fail ended.
#[derive(Debug)]
pub enum Done {
    /// With its result.
    Finished(Output),
    /// Early, because it was asked to; with what is of use.
    Cancelled(Option<Output>),
}

impl From<DataError> for JobError {
    fn from(e: DataError) -> Self {
        if matches!(e, DataError::Stopped) { Self::Stopped } else { Self::Data(e) }
    }
}

impl From<EvalError> for JobError {
    fn from(e: EvalError) -> Self {
        if e.is_stop() { Self::Stopped } else { Self::Eval(e) }
    }
}

impl From<TrainError> for JobError {
    fn from(e: TrainError) -> Self {
        if e.is_stop() { Self::Stopped } else { Self::Train(e) }
    }
}

impl From<demo::DemoError> for JobError {
    fn from(e: demo::DemoError) -> Self {
        if matches!(e, demo::DemoError::Stopped) { Self::Stopped } else { Self::Demo(e) }
    }
}

/// Runs a job in this thread.
///
/// # Errors
/// Whatever the job can fail with, as a sentence.
pub fn run(job: Job, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done, JobError> {
    let dataset = match &job {
        Job::Train { dataset, .. } | Job::Evaluate { dataset, .. } | Job::PredictVideo { dataset, .. } => Some(dataset),
        Job::Explain(request) => Some(&request.dataset),
        Job::Export(request) => Some(&request.dataset),
        _ => None,
    };
    let dataset = dataset.cloned();
    let asked = Asked { inner: monitor, to_end: AtomicBool::new(false) };
    let done = run_alone(job, state, &asked);
    if let Some(dataset) = dataset {
        tell_damage(&dataset, monitor);
    }
    asked.checked(done)
}

/// A monitor that remembers whether the job was ever asked to end.
struct Asked<'a> {
    inner: &'a dyn Monitor,
    to_end: AtomicBool,
}

impl Asked<'_> {
    /// The end of a job; one that stopped without having been asked has a fault.
    fn checked(&self, done: Result<Done, JobError>) -> Result<Done, JobError> {
        let stopped = matches!(done, Err(JobError::Stopped) | Ok(Done::Cancelled(_)));
        if stopped && !self.to_end.load(Ordering::Relaxed) {
            return Err(JobError::Internal("the job stopped although nobody asked it to"));
        }
        done
    }
}

impl Monitor for Asked<'_> {
    fn emit(&self, progress: Progress) {
        self.inner.emit(progress);
    }

    fn poll(&self) -> Flow {
        let flow = self.inner.poll();
        if matches!(flow, Flow::Stop | Flow::Finish) {
            self.to_end.store(true, Ordering::Relaxed);
        }
        flow
    }
}

/// Says what decoding showed to be wrong with videos of a dataset, where opening it did not.
pub fn tell_damage(dataset: &Dataset, monitor: &dyn Monitor) {
    let paths: Vec<&Path> = dataset.videos.iter().map(|v| v.path.as_path()).collect();
    let found = match crate::video::damage_seen(&paths) {
        Ok(found) => found,
        Err(error) => return monitor.warn(error.to_string()),
    };
    for (path, sentences) in found {
        let known = |s: &String| dataset.warnings.iter().any(|w| w.path == path && w.message == *s);
        for sentence in sentences.iter().filter(|s| !known(s)) {
            monitor.warn(format!("{}: {sentence}", path.display()));
        }
    }
}

fn run_alone(job: Job, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done, JobError> {
    let output = match job {
        Job::OpenDataset { path, data } => Output::Dataset(Arc::new(crate::data::open(&path, &data, monitor)?)),
        Job::MakeDemo { dir, subjects, seed, pose_videos, force } => {
            let options = demo::DemoOptions { subjects, seed, pose_videos, force, ..demo::DemoOptions::default() };
            demo::make(&dir, &options, monitor)?;
            Output::Demo(dir)
        }
        Job::OpenRun { path } => Output::Run(Arc::new(view(&path)?)),
        Job::Train { dataset, config, out, resume, force, debug } => {
            let how = super::training::How { resume, force, debug };
            return super::training::train(&dataset, &config, &out, how, state, monitor);
        }
        Job::Evaluate { checkpoint, dataset, split, class_match, out } => {
            let found = open_checkpoint(&checkpoint)?;
            found.class_map(&dataset, &class_match)?;
            let device = state.device(found.state.config.device, monitor);
            let (evaluation, predictions) =
                crate::eval::evaluate_matched(&found, &dataset, split, &class_match, &device, monitor)?;
            let dir = out.unwrap_or_else(|| results_folder(&found, &dataset));
            if let Earlier::Outdated(told) | Earlier::Other(told) = Earlier::find(&dir, &found, &dataset, split) {
                monitor.warn(format!("{told}; it is replaced now"));
            }
            crate::eval::write_results(&dir, &evaluation, &predictions)?;
            super::pictures::evaluation(&evaluation, &dir)?;
            Output::Evaluation(Arc::new(evaluation), Arc::new(predictions))
        }
        Job::Explain(request) => Output::Explanation(Arc::new(super::explain::explain(&request, state, monitor)?)),
        Job::Export(request) => {
            super::export::export(&request, state, monitor)?;
            Output::Exported(request.out.unwrap_or_default())
        }
        Job::PredictVideo { checkpoint, dataset, video } => {
            let found = open_checkpoint(&checkpoint)?;
            let device = state.device(found.state.config.device, monitor);
            let prediction = crate::eval::predict_video(&found, &dataset, &video, &device, monitor)?;
            Output::VideoPrediction(Arc::new(prediction))
        }
        Job::Import { weights, config, classes, out, force } => {
            let imported = crate::train::import(&weights, &config, &classes, &out, force, monitor)?;
            Output::Imported(Arc::new(imported))
        }
        Job::GuessNetwork { weights } => match crate::train::guess(&weights) {
            Ok(spec) => Output::Network(Some(spec)),
            // Not a fault of the file: somebody has to say it.
            Err(TrainError::UnknownWeights { .. }) => Output::Network(None),
            Err(error) => return Err(error.into()),
        },
        Job::InspectWeights { weights, model, classes } => {
            Output::Weights(Arc::new(crate::train::inspect(&weights, &model, classes)?))
        }
        Job::SaveNotes { run, notes } => {
            notes.save(&run)?;
            Output::NotesSaved
        }
    };
    Ok(Done::Finished(output))
}

/// Lines kept of a training's log.
pub const LOG_LINES: usize = 2000;

/// Reads a run folder for people to look at.
///
/// # Errors
/// A folder that is no run, or a damaged one.
pub fn view(path: &Path) -> Result<RunView, JobError> {
    let run = RunDir::open(path)?;
    let config = run.config()?;
    let classes = run.classes()?;
    let layers = layers_of(&config, classes.len());
    let (notes, notes_problem) = match Notes::load(run.path()) {
        Ok(notes) => (notes, None),
        Err(error) => (Notes::default(), Some(error.to_string())),
    };
    Ok(RunView {
        path: run.path().to_path_buf(),
        history: run.history()?,
        checkpoints: run.trained(),
        training: Training::read(&run),
        dataset_root: run.environment().map(|e| e.dataset_root).unwrap_or_default(),
        steps: crate::train::events::read_steps(run.path()),
        steps_per_epoch: run
            .environment()
            .ok()
            .filter(|e| e.train_clips > 0)
            .map(|e| crate::train::schedule::steps_per_epoch(&config, e.train_clips as usize)),
        log: run.log_tail(LOG_LINES),
        resumable: run.resumable(),
        evaluations: run.evaluations().into_iter().map(|(e, p)| (Arc::new(e), Arc::new(p))).collect(),
        layers,
        notes,
        notes_problem,
        config,
        classes,
    })
}

/// The layers heat maps can be made at, in forward order; empty when there is no such network.
fn layers_of(config: &crate::config::RunConfig, classes: usize) -> Vec<String> {
    let clip = [config.clip.length as usize, config.clip.height as usize, config.clip.width as usize];
    crate::model::Outline::of(&config.model, classes, clip)
        .map(|n| n.layers.into_iter().filter(|l| l.cam).map(|l| l.id).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Silent;

    /// Asks for a flow.
    struct Asking(Flow);

    impl Monitor for Asking {
        fn emit(&self, _progress: Progress) {}

        fn poll(&self) -> Flow {
            self.0
        }
    }

    #[test]
    fn a_stop_that_nobody_asked_for_is_a_fault_and_one_asked_for_is_a_stop_however_deep_it_was_noticed() {
        let ended = |flow: Flow, error: JobError| {
            let asked = Asked { inner: &Asking(flow), to_end: AtomicBool::new(false) };
            assert_eq!(asked.poll(), flow);
            asked.checked(Err(error)).unwrap_err()
        };
        let stops: [fn() -> JobError; 6] = [
            || JobError::Stopped,
            || DataError::Stopped.into(),
            || EvalError::Stopped.into(),
            || EvalError::Data(DataError::Stopped).into(),
            || TrainError::Data(DataError::Stopped).into(),
            || TrainError::Eval(EvalError::Data(DataError::Stopped)).into(),
        ];
        for stop in stops {
            for flow in [Flow::Continue, Flow::Pause] {
                let fault = ended(flow, stop());
                assert!(matches!(fault, JobError::Internal(_)), "{fault:?}");
                assert!(
                    fault.to_string().contains("nobody asked") && fault.to_string().contains("report it"),
                    "{fault}"
                );
            }
            for flow in [Flow::Stop, Flow::Finish] {
                assert!(matches!(ended(flow, stop()), JobError::Stopped));
            }
        }
        // What else goes wrong while a job is asked to stop is told.
        let other = ended(Flow::Stop, JobError::Missing("the disk is gone".into()));
        assert_eq!(other.to_string(), "the disk is gone");
    }

    #[test]
    fn a_network_that_was_never_loaded_is_a_fault_and_no_stop() {
        let mut state = LaneState::default();
        assert!(matches!(state.loaded(), Err(JobError::Internal(_))));
        assert!(matches!(state.source(&Arc::default()), Err(JobError::Internal(_))));
        let missing = Job::OpenRun { path: "/nowhere".into() };
        assert!(!matches!(run(missing, &mut state, &Silent), Err(JobError::Stopped | JobError::Internal(_))));
    }
}
