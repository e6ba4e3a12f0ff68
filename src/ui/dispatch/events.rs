//! What the workers tell becomes state.

use super::looking;
use super::outbox::{offer, say};
use super::{
    comparing, correcting, experimenting, following, indexing, inside, networks, notes, opening, tables, watching,
};
use crate::domain::{Dataset, counted, leaf};
use crate::jobs::{Event, EventBody, Job, JobId, LOG_LINES, Output, RunView, Watched};
use crate::progress::{Meter, Progress};
use crate::run_folder::CheckpointInfo;
use crate::ui::arrangement::Reading;
use crate::ui::disk::{Question, Then};
use crate::ui::guide;
use crate::ui::state::{AppState, EvaluationEntry, JobStatus, NextStep, Severity, Workspace};
use crate::ui::weights::WeightAnswer;
use crate::ui::workers::Workers;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

/// Takes over everything that happened since the last call; true when something did.
pub fn drain(state: &mut AppState, workers: &dyn Workers) -> bool {
    let events = workers.drain();
    let any = !events.is_empty();
    for event in events {
        take(state, workers, event);
    }
    if any {
        networks::follow(state);
        indexing::follow(state, workers);
        comparing::follow(state);
        experimenting::follow(state, workers);
    }
    let now = Instant::now();
    for view in state.jobs.iter_mut().filter(|j| j.status == JobStatus::Running) {
        view.eta_s = state.meters.get(&view.id).and_then(|m| m.eta_s(now));
    }
    any
}

fn take(state: &mut AppState, workers: &dyn Workers, event: Event) {
    let Event { job, body } = event;
    match body {
        EventBody::Started => {
            if let Some(view) = state.jobs.iter_mut().find(|j| j.id == job) {
                view.started = Some(Instant::now());
                if view.status == JobStatus::Queued {
                    view.status = JobStatus::Running;
                }
            }
        }
        EventBody::Progress(p) => {
            let written = matches!(p, Progress::Checkpoint { .. });
            progress(state, job, p);
            let live = state.training.as_ref().filter(|t| written && t.job == job).map(|t| t.run.path.clone());
            if let Some(run) = live {
                following::checkpoint_written(state, workers, &run);
            }
        }
        EventBody::Finished(output) => {
            ended(state, job, JobStatus::Done);
            finished(state, workers, job, output, false);
        }
        EventBody::Cancelled(output) => {
            ended(state, job, JobStatus::Cancelled);
            if let Some(output) = output {
                finished(state, workers, job, output, true);
            }
            state.explain.ended(job, None);
            state.inside.ended(job, None);
            state.augmentation.ended(job);
            notes::ended(state, job, false);
            correcting::ended(state, job, None);
        }
        EventBody::Asked(path, choice) => {
            ended(state, job, JobStatus::Cancelled);
            let answered = match state.job(job).map(|j| &j.job) {
                Some(Job::OpenDataset(kind)) => kind.data.choices.clone(),
                _ => Vec::new(),
            };
            opening::ask(state, path, choice, answered);
        }
        EventBody::AskedTable(path) => {
            ended(state, job, JobStatus::Cancelled);
            opening::ask_table(state, workers, path, true);
        }
        EventBody::Failed(sentence) => {
            ended(state, job, JobStatus::Failed(sentence.clone()));
            let view = state.job(job);
            let source = view.map_or_else(String::new, |j| j.title.clone());
            let quiet = view.is_some_and(|j| j.quiet);
            if view.is_some_and(|j| matches!(j.job, Job::GuessNetwork(_) | Job::InspectWeights(_))) {
                // Said where the file is chosen, not in the message list.
                state.jobs.retain(|j| j.id != job);
                return state.weights.answered(job, Err(sentence));
            }
            if watching::failed(state, job, &sentence) {
                return;
            }
            if state.augmentation.answered(job, Err(sentence.clone())) {
                // Said where the clip would be.
                return state.jobs.retain(|j| j.id != job);
            }
            let view = state.job(job);
            if let Some(Job::ReadTable(kind)) = view.map(|j| &j.job).cloned() {
                // Said in the dialog.
                state.jobs.retain(|j| j.id != job);
                return tables::failed(state, &kind.path, &kind.columns, sentence);
            }
            let saving = view.is_some_and(|j| matches!(j.job, Job::SaveNotes(_) | Job::SaveCorrections(_)));
            state.explain.ended(job, Some(sentence.clone()));
            state.inside.ended(job, Some(sentence.clone()));
            comparing::failed(state, job, &sentence);
            experimenting::failed(state, job, &sentence);
            if state.training.as_ref().is_some_and(|t| t.job == job)
                && let Some(live) = &mut state.training
                && live.run.log.is_empty()
            {
                // It never came to a log of its own; otherwise the sentence stands in it.
                live.run.log.push(sentence.clone());
            }
            let unmapped = match state.job(job).map(|j| &j.job) {
                Some(Job::OpenDataset(kind)) if sentence.contains("label map") => Some(kind.path.clone()),
                _ => None,
            };
            if unmapped.is_some_and(|root| opening::put_label_map_aside(state, &root)) {
                let told = "Its label map is put aside: open it again to read it without, and map its classes anew.";
                say(state, Severity::Info, &source, told);
            }
            let opened = match state.job(job).map(|j| &j.job) {
                Some(Job::OpenDataset(kind)) => guide::no_dataset(&kind.path, &sentence),
                _ => None,
            };
            let sentence = opened.unwrap_or(sentence);
            let severity = if quiet && !saving { Severity::Warning } else { Severity::Error };
            say(state, severity, &source, sentence);
            notes::ended(state, job, false);
            correcting::ended(state, job, None);
        }
    }
}

fn ended(state: &mut AppState, id: JobId, status: JobStatus) {
    if let Some(view) = state.jobs.iter_mut().find(|j| j.id == id) {
        view.status = status;
        view.ended = Some(Instant::now());
        view.eta_s = None;
    }
    state.meters.remove(&id);
    // Quiet work leaves no trace once it is over.
    state.jobs.retain(|j| !(j.quiet && j.id == id && matches!(j.status, JobStatus::Done | JobStatus::Cancelled)));
}

fn progress(state: &mut AppState, id: JobId, progress: Progress) {
    measure(state, id, &progress);
    let training = state.training.as_mut().filter(|t| t.job == id);
    match progress {
        // Seen by the meter.
        Progress::Stage { .. } | Progress::Share(_) => {}
        // These stand in the log of the run too, with their time.
        Progress::Log(_) | Progress::Weights { .. } => {}
        Progress::Logged(text) => {
            if let Some(live) = training {
                text.lines().for_each(|line| push_log(&mut live.run.log, line.to_owned()));
            }
        }
        Progress::Warning(sentence) => {
            let source = state.job(id).map_or_else(String::new, |j| j.title.clone());
            say(state, Severity::Warning, &source, sentence);
        }
        Progress::Step(step) => {
            if let Some(live) = training {
                // A run that went back to a checkpoint counts from there again.
                while live.run.steps.last().is_some_and(|s| s.step >= step.step) {
                    live.run.steps.pop();
                }
                live.run.steps.push(step);
            }
        }
        Progress::Layers(layers) => {
            if let Some(live) = training {
                let step = layers.first().map_or(u64::MAX, |l| l.step);
                while live.run.layer_reports.last().is_some_and(|l| l.step >= step) {
                    live.run.layer_reports.pop();
                }
                live.run.layer_reports.extend(layers);
            }
        }
        Progress::Epoch(epoch) => {
            if let Some(live) = training {
                live.run.history.retain(|e| e.epoch < epoch.epoch);
                live.run.history.push(epoch);
            }
        }
        Progress::WrongClips(clips) => {
            if let Some(live) = training {
                live.wrong = clips;
            }
        }
        Progress::Checkpoint { name, epoch } => {
            if let Some(live) = training {
                let checkpoints = &mut live.run.checkpoints;
                checkpoints.retain(|c| c.name != name);
                checkpoints.push(CheckpointInfo { epoch: Some(epoch), ..name.as_str().into() });
            }
        }
    }
}

fn push_log(log: &mut Vec<String>, line: String) {
    if log.len() >= LOG_LINES {
        log.remove(0);
    }
    log.push(line);
}

/// Lets the meter of a job take over what it told, and the job show what the meter says.
fn measure(state: &mut AppState, id: JobId, progress: &Progress) {
    let Some(view) = state.jobs.iter_mut().find(|j| j.id == id) else { return };
    let epochs = match &view.job {
        Job::Train(kind) => kind.config.training.epochs.max(1),
        _ => 0,
    };
    let meter = state.meters.entry(id).or_insert_with(|| Meter::new(epochs));
    let now = Instant::now();
    meter.take(progress, now);
    (view.fraction, view.eta_s, view.stage) = (meter.share(), meter.eta_s(now), meter.phase().cloned());
}

/// A dataset was opened.
fn opened(state: &mut AppState, workers: &dyn Workers, id: JobId, dataset: Arc<Dataset>) {
    let count = dataset.warnings.len();
    let name = dataset.name.clone();
    let first = state.dataset.is_none();
    let reading = match state.job(id).map(|j| &j.job) {
        Some(Job::OpenDataset(kind)) => Reading::of(&kind.data),
        _ => state.reading.clone(),
    };
    opening::dataset_opened(state, dataset, reading);
    indexing::begin(state, workers);
    if !std::mem::take(&mut state.restoring)
        && first
        && !matches!(state.workspace, Workspace::Review | Workspace::Inside)
    {
        state.workspace = Workspace::Data;
    }
    if count > 0 {
        let text = format!(
            "{name} has {}: see the Warnings panel of the Data workspace.",
            counted(count as u64, "integrity warning")
        );
        say(state, Severity::Info, "open dataset", text);
    }
}

/// A watched run was looked at.
fn looked_at(state: &mut AppState, workers: &dyn Workers, id: JobId, watched: &Watched) {
    if let Some((run, new)) = watching::answered(state, id, watched) {
        opening::run_opened(state, run.clone(), new);
        if new {
            dataset_of(state, workers, &run);
        }
    }
}

/// A run opened alone brings its dataset along.
fn dataset_of(state: &mut AppState, workers: &dyn Workers, run: &RunView) {
    if state.dataset.is_none() && !run.dataset_root.as_os_str().is_empty() {
        let root = run.dataset_root.clone();
        looking::await_answer(state, workers, Question::At(root.clone()), Then::DatasetOfRun(root));
    }
}

fn finished(state: &mut AppState, workers: &dyn Workers, id: JobId, output: Output, cancelled: bool) {
    match output {
        Output::Dataset(dataset) => opened(state, workers, id, dataset),
        Output::Indexed(found) => indexing::found(state, workers, id, *found),
        Output::Demo(path) => {
            if !cancelled {
                opening::dataset(state, workers, path);
            }
        }
        Output::Run(run) => {
            let trained = state.training.as_ref().is_some_and(|t| t.job == id);
            let queued = experimenting::owns(state, id);
            if trained && !cancelled && !queued {
                let before = state.run().filter(|r| r.path != run.path).map(|r| leaf(&r.path));
                let before = before.map_or(String::new(), |b| format!(" instead of {b}"));
                let (done, name) = (run.path.display(), leaf(&run.path));
                let text = format!("Training of {done} is done. {name} is the run in use now{before}.");
                let steps = vec![NextStep::Evaluate, NextStep::Heatmaps];
                offer(state, Severity::Info, "train", text, steps);
                state.leading.first_task.trained = true;
            }
            let asked = matches!(state.job(id).map(|j| &j.job), Some(Job::OpenRun(_)));
            opening::run_opened(state, run.clone(), (trained && !queued) || asked);
            following::run_read(state, workers, &run);
            dataset_of(state, workers, &run);
        }
        Output::Evaluation(evaluation, predictions) => {
            let run = match state.job(id).map(|j| &j.job) {
                Some(Job::Evaluate(kind)) => kind.checkpoint.run.clone(),
                _ => PathBuf::from(&evaluation.run),
            };
            opening::evaluation_known(state, EvaluationEntry { run, evaluation, predictions });
            if state.workspace != Workspace::Evaluate && state.evaluation().is_some() && !state.follow_training {
                let steps = state.next_steps();
                offer(state, Severity::Info, "evaluate", "The evaluation is done.", steps);
            }
            following::evaluated(state, workers);
        }
        Output::Comparison(compared) => comparing::compared(state, id, compared),
        Output::MotionReport(report) => comparing::motion_tested(state, id, report),
        Output::Explanation(explanation) => {
            let asked = match state.job(id).map(|j| &j.job) {
                Some(Job::Explain(request)) => request.maps.clone(),
                // Quiet jobs are off the list already; their query is kept by the store.
                _ => state.explain.asked(id),
            };
            state.explain.insert(id, &explanation, &asked);
        }
        Output::VideoPrediction(prediction) => {
            let Some(Job::PredictVideo(kind)) = state.job(id).map(|j| &j.job) else { return };
            let checkpoint = kind.checkpoint.clone();
            for warning in &prediction.warnings {
                say(state, Severity::Warning, "predict", format!("{}: {warning}.", prediction.video));
            }
            state.video_predictions.insert((checkpoint, prediction.video.clone()), prediction);
        }
        Output::Exported(path) => {
            let what = match state.job(id).map(|j| &j.job) {
                Some(Job::WriteReport(_)) => {
                    state.comparing.report = Some(path.clone());
                    "The report is"
                }
                Some(Job::WriteInsidePage(_)) => "The page is",
                Some(Job::ExportLabels(_)) => "The labels are in",
                Some(Job::OverlayVideo(_)) => "The video is",
                _ => "The heatmap videos are in",
            };
            let folder = match path.extension() {
                Some(_) => path.parent().map_or_else(|| path.clone(), Path::to_path_buf),
                None => path.clone(),
            };
            let told = format!("{what} {}.", path.display());
            offer(state, Severity::Info, "export", told, vec![NextStep::OpenFolder(folder)]);
        }
        Output::Imported(imported) => {
            let told = format!("{} is a run now, in {}.", imported.report.path.display(), imported.run.display());
            say(state, Severity::Info, "import", told);
            for warning in &imported.report.warnings {
                say(state, Severity::Warning, "import", warning.clone());
            }
            opening::run(state, workers, imported.run.clone());
            state.workspace = Workspace::Evaluate;
        }
        Output::Augmentation(view) => drop(state.augmentation.answered(id, Ok(view))),
        Output::Weights(report) => state.weights.answered(id, Ok(WeightAnswer::Report(report))),
        Output::Network(spec) => state.weights.answered(id, Ok(WeightAnswer::Network(spec))),
        Output::Table(view) => tables::answered(state, workers, &view),
        Output::Watched(watched) => looked_at(state, workers, id, &watched),
        Output::NotesSaved => notes::ended(state, id, true),
        Output::CorrectionsSaved(file) => correcting::ended(state, id, Some(&file)),
        Output::LabelIssues(issues) => correcting::found(state, id, issues),
        Output::Inside(_) | Output::Kernels(_) | Output::Survey(_) => inside::answered(state, id, output),
        // Asked for by the command line alone.
        Output::RateTest(found) => {
            if state.rate_test.job == Some(id) {
                (state.rate_test.found, state.rate_test.failure) = (Some(found), None);
            }
        }
        Output::LaidOut(laid_out) => experimenting::laid_out(state, id, laid_out),
        Output::Experiment(report) => experimenting::summed_up(state, &report),
    }
}
