//! The runs of a plan: laid out, trained one after the other as a queue, compared.

use super::comparing;
use super::outbox::{begin_training, control, say, start};
use crate::compare::experiment::ExperimentReport;
use crate::config::{Arm, DataConfig, Folds};
use crate::domain::{counted, leaf};
use crate::jobs::kinds::{LayOutExperiment, OpenRun, RunExperiment};
use crate::jobs::{CheckpointRef, Compared, Job, JobId, LaidOut, PlanSource};
use crate::progress::{EpochReport, Flow};
use crate::ui::action::{CompareAction, ExperimentAction, OpenAction};
use crate::ui::state::{AppState, Experiment, JobStatus, PathPurpose, RowStatus, Severity, ToWrite, Turn, Workspace};
use crate::ui::workers::Workers;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What messages of an experiment come from.
const SOURCE: &str = "experiment";
/// Seed of what is drawn for intervals, as on the command line.
const SEED: u64 = 42;

/// Fulfils an action; gives what a place must be asked for.
pub(super) fn fulfil(state: &mut AppState, workers: &dyn Workers, action: ExperimentAction) -> Option<PathPurpose> {
    match action {
        ExperimentAction::LayOut(plan, out) => {
            let folder = out.parent().map(Path::to_path_buf).unwrap_or_default();
            begin(state, workers, &PlanSource::Made(plan, folder), out);
        }
        ExperimentAction::SetFolder(out) => {
            let source = state.experiment.as_ref().map(Experiment::source);
            match source {
                Some(Ok(source)) => begin(state, workers, &source, out),
                Some(Err(sentence)) => say(state, Severity::Warning, SOURCE, sentence),
                None => {}
            }
        }
        ExperimentAction::LookAgain => lay_out(state, workers),
        ExperimentAction::Start => {
            if let Some((job, true)) = running(state).map(|job| (job, state.experiment_held())) {
                control(state, workers, job, Flow::Continue);
            }
            if let Some(experiment) = &mut state.experiment {
                experiment.going = true;
            }
        }
        ExperimentAction::Pause => {
            if let Some(job) = running(state) {
                control(state, workers, job, Flow::Pause);
            }
            if let Some(experiment) = &mut state.experiment {
                experiment.going = false;
            }
        }
        ExperimentAction::Move(name, by) => {
            if let Some(experiment) = &mut state.experiment
                && let Some(at) = experiment.at(&name)
            {
                experiment.move_to(&name, at.saturating_add_signed(isize::try_from(by).unwrap_or(0)));
            }
        }
        ExperimentAction::MoveTo(name, to) => {
            if let Some(experiment) = &mut state.experiment {
                experiment.move_to(&name, to);
            }
        }
        ExperimentAction::Skip(name, out) => skip(state, workers, &name, out),
        ExperimentAction::Retry(name) => {
            if let Some(experiment) = &mut state.experiment
                && let Some(row) = experiment.at(&name).and_then(|at| experiment.rows.get_mut(at))
            {
                row.status = RowStatus::Waiting;
            }
            lay_out(state, workers);
        }
        ExperimentAction::Compare => compare(state, workers),
        ExperimentAction::Save => {
            let text = state.experiment.as_ref().map(|e| e.kept.plan.clone()).filter(|t| !t.is_empty())?;
            state.comparing.to_write = Some(ToWrite::Table(text));
            return Some(PathPurpose::NewPlan);
        }
        ExperimentAction::Close => {
            if running(state).is_some() {
                say(state, Severity::Warning, SOURCE, "A run of the experiment is being trained: stop it first.");
            } else {
                state.experiment = None;
            }
        }
    }
    None
}

fn running(state: &AppState) -> Option<JobId> {
    state.experiment.as_ref()?.running().map(|(_, job)| job)
}

/// The file of a plan that somebody chose.
pub(super) fn plan_in(action: &OpenAction) -> Option<PathBuf> {
    match action {
        OpenAction::PathChosen(PathPurpose::Plan, path) => Some(path.clone()),
        _ => None,
    }
}

/// Opens the plan of a file; its runs go to a folder of its name beside the dataset.
pub(super) fn open(state: &mut AppState, workers: &dyn Workers, path: PathBuf) {
    let Some(dataset) = &state.dataset else {
        return say(
            state,
            Severity::Error,
            SOURCE,
            "Open the dataset first: a plan is laid out for the one that is open.",
        );
    };
    let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let out = dataset.root.parent().unwrap_or(&dataset.root).join(name);
    begin(state, workers, &PlanSource::File(path), out);
}

fn begin(state: &mut AppState, workers: &dyn Workers, source: &PlanSource, out: PathBuf) {
    let Some(dataset) = &state.dataset else {
        return say(state, Severity::Error, SOURCE, "There is no dataset to train on: open one first.");
    };
    if running(state).is_some() {
        return say(
            state,
            Severity::Warning,
            SOURCE,
            "A run of the experiment is being trained: stop it before laying out another plan.",
        );
    }
    state.experiment = Some(Experiment::of(source, out, dataset.root.clone()));
    lay_out(state, workers);
}

/// Has the plan laid out, and its folders looked into.
fn lay_out(state: &mut AppState, workers: &dyn Workers) {
    let (Some(experiment), Some(dataset)) = (&state.experiment, state.dataset.clone()) else { return };
    if experiment.asking.is_some() {
        return;
    }
    let out = experiment.kept.out.clone();
    let source = experiment.source();
    let reading =
        DataConfig { label_map: dataset.label_map(), ..state.reading.clone().into_config(DataConfig::default()) };
    match source {
        Ok(plan) => {
            let job = start(state, workers, LayOutExperiment { plan, dataset, reading, out }, true);
            if let Some(experiment) = &mut state.experiment {
                (experiment.asking, experiment.failure) = (Some(job), None);
            }
        }
        Err(sentence) => {
            if let Some(experiment) = &mut state.experiment {
                experiment.failure = Some(sentence);
            }
        }
    }
}

/// A plan is laid out.
pub(super) fn laid_out(state: &mut AppState, job: JobId, answer: Arc<LaidOut>) {
    if let Some(experiment) = state.experiment.as_mut().filter(|e| e.asking == Some(job)) {
        experiment.asking = None;
        experiment.take(answer);
    }
}

/// A job failed; where it was asked for here, that is said here.
pub(super) fn failed(state: &mut AppState, job: JobId, sentence: &str) {
    if state.rate_test.job == Some(job) {
        state.rate_test.failure = Some(sentence.to_owned());
    }
    if let Some(experiment) = state.experiment.as_mut().filter(|e| e.asking == Some(job)) {
        (experiment.asking, experiment.going) = (None, false);
        experiment.failure = Some(sentence.to_owned());
    }
}

/// True for the training of a run of the experiment.
pub(super) fn owns(state: &AppState, job: JobId) -> bool {
    running(state) == Some(job)
}

fn skip(state: &mut AppState, workers: &dyn Workers, name: &str, out: bool) {
    let Some(experiment) = &mut state.experiment else { return };
    let Some(row) = experiment.at(name).and_then(|at| experiment.rows.get_mut(at)) else { return };
    let mut stop = None;
    match (&row.status, out) {
        (RowStatus::Running(job), true) => {
            row.leaving = true;
            stop = Some(*job);
        }
        (RowStatus::Waiting | RowStatus::Failed(_), true) => row.status = RowStatus::Skipped,
        (RowStatus::Skipped, false) => row.status = RowStatus::Waiting,
        _ => {}
    }
    experiment.remember();
    if let Some(job) = stop {
        control(state, workers, job, Flow::Stop);
    }
}

/// What follows for the experiment from what happened: a run has ended, another one begins.
pub(super) fn follow(state: &mut AppState, workers: &dyn Workers) {
    if state.experiment.is_none() {
        return;
    }
    ended(state, workers);
    let Some(experiment) = &state.experiment else { return };
    let dataset = state.dataset.as_ref().filter(|d| d.root == experiment.kept.dataset);
    let Some(dataset) = dataset else { return };
    let known = experiment.laid_out.as_ref().is_some_and(|l| l.fingerprint == dataset.fingerprint);
    let idle = experiment.asking.is_none() && experiment.failure.is_none() && experiment.running().is_none();
    if !known && idle {
        return lay_out(state, workers);
    }
    if known && idle && experiment.going && state.live_training().is_none() {
        next(state, workers);
    }
    opened(state, workers);
}

/// Takes over what became of the run in training.
fn ended(state: &mut AppState, workers: &dyn Workers) {
    let Some(job) = running(state) else { return };
    let status = state.job(job).map(|j| j.status.clone());
    if status.as_ref().is_some_and(JobStatus::is_live) {
        return;
    }
    let light = |e: &EpochReport| EpochReport { per_class_accuracy: Vec::new(), confusion: Vec::new(), ..e.clone() };
    let history: Vec<EpochReport> =
        state.training.iter().filter(|t| t.job == job).flat_map(|t| &t.run.history).map(light).collect();
    let Some(experiment) = &mut state.experiment else { return };
    let search = experiment.laid_out.as_ref().is_some_and(|l| l.plan.search.is_some());
    let mut told = None;
    if let Some(row) = experiment.rows.iter_mut().find(|r| r.status == RowStatus::Running(job)) {
        if !history.is_empty() {
            row.history = history;
        }
        row.status = match status {
            // A round of a search may go on later; the disk says what is there.
            Some(JobStatus::Done) if search => RowStatus::Waiting,
            Some(JobStatus::Done) => RowStatus::Done(false),
            Some(JobStatus::Failed(sentence)) => RowStatus::Failed(sentence),
            _ if std::mem::take(&mut row.leaving) => RowStatus::Skipped,
            _ => {
                told = Some(format!("{} was stopped, so the experiment is held: it goes on there.", row.name));
                experiment.going = false;
                RowStatus::Waiting
            }
        };
    }
    experiment.remember();
    if let Some(sentence) = told {
        say(state, Severity::Info, SOURCE, sentence);
    }
    lay_out(state, workers);
}

/// Begins the next run.
fn next(state: &mut AppState, workers: &dyn Workers) {
    loop {
        let Some(experiment) = &mut state.experiment else { return };
        let (at, until) = match experiment.turn() {
            Turn::Train(at, until) => (at, until),
            Turn::Refuse(at, sentence) => {
                if let Some(row) = experiment.rows.get_mut(at) {
                    row.status = RowStatus::Failed(sentence);
                }
                continue;
            }
            Turn::Nothing => {
                experiment.going = false;
                let failed = experiment.rows.iter().filter(|r| matches!(r.status, RowStatus::Failed(_))).count();
                let told = match failed {
                    0 => "The experiment is done.".to_owned(),
                    n => format!("The experiment is done; {} failed: see its list.", counted(n as u64, "run")),
                };
                return say(state, Severity::Info, SOURCE, told);
            }
        };
        let (Some(laid_out), Some(dataset)) = (experiment.laid_out.clone(), state.dataset.clone()) else { return };
        let Some(row) = experiment.rows.get(at) else { return };
        let (run, resume) = (row.run, row.resume);
        let Some(planned) = laid_out.runs.get(run) else { return };
        let stored = laid_out.standing.get(run).and_then(|s| s.config.as_deref().cloned()).filter(|_| resume);
        let config = stored.unwrap_or_else(|| planned.ready(&laid_out.runs));
        let dataset = laid_out.folds.get(planned.fold).cloned().unwrap_or_default().of(&dataset);
        let out = planned.folder.clone();
        let job = begin_training(state, workers, dataset, config, out, (resume, until));
        if let Some(row) = state.experiment.as_mut().and_then(|e| e.rows.get_mut(at)) {
            row.status = RowStatus::Running(job);
        }
        return;
    }
}

/// The lines of which every run is trained.
fn whole(experiment: &Experiment, laid_out: &LaidOut) -> Vec<Arm> {
    let done = |arm: usize| {
        let of_arm = experiment.rows.iter().filter(|r| laid_out.runs.get(r.run).is_some_and(|p| p.arm == arm));
        let search = laid_out.plan.search.is_some();
        let mut of_arm = of_arm.map(|r| match r.status {
            RowStatus::Done(_) => true,
            // What a search left behind is none that is missing.
            RowStatus::Waiting => search && r.epochs() > 0,
            _ => false,
        });
        of_arm.all(|done| done)
    };
    laid_out.arms.iter().enumerate().filter(|(at, _)| done(*at)).map(|(_, arm)| arm.clone()).collect()
}

fn compare(state: &mut AppState, workers: &dyn Workers) {
    let Some(experiment) = &state.experiment else { return };
    let (Some(laid_out), Some(dataset)) = (experiment.laid_out.clone(), state.dataset.clone()) else { return };
    if laid_out.plan.folds == Folds::Dataset && laid_out.plan.search.is_none() {
        let done = experiment.rows.iter().filter(|r| matches!(r.status, RowStatus::Done(_)));
        let folders: Vec<PathBuf> =
            done.filter_map(|r| laid_out.runs.get(r.run)).map(|run| run.folder.clone()).collect();
        let closed: Vec<PathBuf> = folders.iter().filter(|f| state.run_at(f).is_none()).cloned().collect();
        for path in closed {
            start(state, workers, OpenRun { path }, true);
        }
        if let Some(experiment) = &mut state.experiment {
            experiment.comparing = Some(folders);
        }
        return opened(state, workers);
    }
    let arms = whole(experiment, &laid_out);
    if arms.is_empty() {
        return say(state, Severity::Warning, SOURCE, "No line of the plan has all of its runs trained yet.");
    }
    let job = RunExperiment {
        arms,
        folds: laid_out.folds.clone(),
        dataset,
        split: laid_out.plan.split,
        out: laid_out.out.clone(),
        seed: SEED,
        search: laid_out.plan.search.clone(),
    };
    start(state, workers, job, false);
}

/// Compares the runs that were asked for once all of them are open, or cannot be opened.
fn opened(state: &mut AppState, workers: &dyn Workers) {
    let Some(folders) = state.experiment.as_ref().and_then(|e| e.comparing.clone()) else { return };
    let opening = |folder: &PathBuf| {
        state.jobs.iter().any(|j| j.status.is_live() && matches!(&j.job, Job::OpenRun(kind) if kind.path == *folder))
    };
    if folders.iter().any(|f| state.run_at(f).is_none() && opening(f)) {
        return;
    }
    if let Some(experiment) = &mut state.experiment {
        experiment.comparing = None;
    }
    let network = |folder: &PathBuf| {
        let run = state.run_at(folder)?;
        Some(CheckpointRef { run: run.path.clone(), name: state.first_checkpoint(run) })
    };
    let networks: Vec<CheckpointRef> = folders.iter().filter_map(network).collect();
    if networks.len() < 2 {
        return say(state, Severity::Warning, SOURCE, "There are no two trained runs to compare yet.");
    }
    for action in [CompareAction::Open, CompareAction::Choose(networks), CompareAction::Start] {
        comparing::fulfil(state, workers, action);
    }
}

/// The lines of a plan are pooled and compared.
pub(super) fn summed_up(state: &mut AppState, report: &ExperimentReport) {
    for note in &report.notes {
        say(state, Severity::Info, SOURCE, format!("{note}."));
    }
    for note in report.search.iter().flat_map(|s| &s.notes) {
        say(state, Severity::Info, SOURCE, format!("{note}."));
    }
    let out = state.experiment.as_ref().map(|e| leaf(&e.kept.out)).unwrap_or_default();
    match report.comparison.clone() {
        Some(comparison) => {
            let compared = Compared { runs: report.runs.clone(), comparison };
            state.comparing.take(Vec::new(), Arc::new(compared));
            (state.workspace, state.welcome) = (Workspace::Compare, false);
            say(state, Severity::Info, SOURCE, format!("The tables of the experiment are in {out}."));
        }
        None => say(state, Severity::Warning, SOURCE, "There is nothing to compare: see the notes above."),
    }
}
