//! The trainings of a plan, one after the other: what is trained already is taken as it is, what was broken off goes on.

use super::evaluate::Evaluate;
use super::train::Train;
use crate::classical::Learner;
use crate::compare::EvaluatedRun;
use crate::compare::experiment::{ExperimentReport, ExperimentRow, Found, PlannedRun, planned, summary};
use crate::config::{Arm, RunConfig, Search};
use crate::data::Fold;
use crate::domain::{ClassMatch, Dataset, SplitChoice, counted, listed};
use crate::jobs::error::JobError;
use crate::jobs::experiment_part::Part;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::{LaneState, open_checkpoint};
use crate::jobs::requests::CheckpointRef;
use crate::progress::{Monitor, Progress, best_epoch};
use crate::run_folder::files::create_dir;
use crate::run_folder::writer::lock;
use crate::run_folder::{Checkpoint, RunDir};
use std::path::PathBuf;
use std::sync::Arc;

/// Trains and evaluates every run of a plan, and compares its arms.
#[derive(Clone, Debug)]
pub struct RunExperiment {
    /// The lines of training.
    pub arms: Vec<Arm>,
    /// The folds each is trained in.
    pub folds: Vec<Fold>,
    /// What to train on.
    pub dataset: Arc<Dataset>,
    /// Which clips are evaluated.
    pub split: SplitChoice,
    /// Folder of the runs and tables.
    pub out: PathBuf,
    /// Seed of the bootstrap for intervals.
    pub seed: u64,
    /// The search that the lines are trials of.
    pub search: Option<Search>,
}

impl JobKind for RunExperiment {
    type Answer = Arc<ExperimentReport>;

    fn lane(&self) -> Lane {
        Lane::Train
    }

    fn title(&self) -> String {
        format!("experiment of {}", counted((self.arms.len() * self.folds.len()) as u64, "run"))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Loses
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let runs = planned(&self.arms, &self.folds, &self.out);
        let found: Vec<Found> = runs.iter().map(PlannedRun::found).collect();
        let taken = |(run, found): (&PlannedRun, &Found)| match found {
            Found::Other(why) => Some((run.name.clone(), why.clone())),
            _ => None,
        };
        let others: Vec<(String, String)> = runs.iter().zip(&found).filter_map(taken).collect();
        if let Some((_, why)) = others.first() {
            // Before anything is written: what lies there belongs to another plan.
            let names: Vec<&str> = others.iter().map(|(name, _)| name.as_str()).collect();
            let (count, all) = (others.len(), runs.len());
            return Err(JobError::Missing(format!(
                "{count} of {all} runs are in the way ({}): {why}",
                listed(&names, 6)
            )));
        }
        create_dir(&self.out)?;
        let lock = lock(&self.out)?;
        lock.left.iter().for_each(|told| monitor.warn(told.clone()));
        if let Some(search) = &self.search {
            let report = self.search(search, &runs, &found, state, monitor)?;
            report.write(&self.out)?;
            return Ok(Done::Finished(Arc::new(report)));
        }
        // Runs that are there cost next to nothing.
        let cost = |f: &Found| if *f == Found::Finished { 0.02 } else { 1.0 };
        let all: f64 = found.iter().map(cost).sum::<f64>().max(1e-9);
        let mut before = 0.0;
        let mut rows: Vec<ExperimentRow> = Vec::with_capacity(runs.len());
        let mut evaluated: Vec<Option<EvaluatedRun>> = Vec::with_capacity(runs.len());
        for (i, (run, found)) in runs.iter().zip(&found).enumerate() {
            let share = cost(found) / all;
            let part = Part {
                inner: monitor,
                from: before,
                to: before + share,
                name: &run.name,
                place: format!("run {} of {}: {}", i + 1, runs.len(), run.name),
                epochs: run.config.training.epochs,
            };
            before += share;
            part.say(found.words());
            let done = self.one(run, found, &runs, &rows, state, &part);
            let (result, failure) = match done {
                Ok(result) => (Some(result), None),
                Err(JobError::Stopped) => return Err(JobError::Stopped),
                Err(error) => {
                    part.emit(Progress::Warning(error.to_string()));
                    (None, Some(error.to_string()))
                }
            };
            rows.push(self.row(run, found.clone(), result.as_ref(), failure));
            evaluated.push(result);
        }
        let report = summary(rows, &self.arms, &runs, &evaluated, self.seed);
        report.write(&self.out)?;
        Ok(Done::Finished(Arc::new(report)))
    }

    fn output(report: Self::Answer) -> Output {
        Output::Experiment(report)
    }
}

impl RunExperiment {
    /// Trains one run where it is not trained, and evaluates it where it is not evaluated.
    fn one(
        &self,
        run: &PlannedRun,
        found: &Found,
        runs: &[PlannedRun],
        rows: &[ExperimentRow],
        state: &mut LaneState,
        part: &Part<'_>,
    ) -> Result<EvaluatedRun, JobError> {
        if let Found::Other(sentence) = found {
            return Err(JobError::Missing(sentence.clone()));
        }
        let fold = self.folds.get(run.fold).cloned().unwrap_or_default();
        let dataset = fold.of(&self.dataset);
        if *found != Found::Finished {
            let resume = *found == Found::Unfinished;
            // A run that goes on keeps its own.
            let config = if resume { RunDir::open(&run.folder)?.config()? } else { config_of(run, runs, rows)? };
            Learner::of(&config.model)?;
            let job = Train {
                dataset: dataset.clone(),
                config: Box::new(config),
                out: run.folder.clone(),
                resume,
                force: false,
                debug: false,
                until: None,
            };
            match job.work(state, part)? {
                Done::Finished(_) => {}
                Done::Cancelled(_) => return Err(JobError::Stopped),
            }
        }
        self.evaluated(run, &dataset, state, part)
    }

    /// The evaluation of a trained run: the one that is there, else a new one.
    pub(in crate::jobs) fn evaluated(
        &self,
        run: &PlannedRun,
        dataset: &Arc<Dataset>,
        state: &mut LaneState,
        part: &Part<'_>,
    ) -> Result<EvaluatedRun, JobError> {
        let reference = CheckpointRef { run: run.folder.clone(), name: None };
        let checkpoint: Checkpoint = open_checkpoint(&reference)?;
        let results = RunDir::open(&run.folder)?.results();
        results.damage.iter().for_each(|error| part.warn(error.to_string()));
        let known = results.evaluations.into_iter().rev().find(|(e, p)| {
            e.checkpoint == checkpoint.name
                && e.step == checkpoint.state.step
                && e.split == self.split.name()
                && e.dataset_fingerprint == dataset.fingerprint
                && e.class_match == ClassMatch::Auto
                && !p.clips.is_empty()
        });
        let (evaluation, predictions) = match known {
            Some((e, p)) => (Arc::new(e), Arc::new(p)),
            None => {
                let job = Evaluate {
                    checkpoint: CheckpointRef { name: Some(checkpoint.name.clone()), ..reference },
                    dataset: dataset.clone(),
                    split: self.split,
                    class_match: ClassMatch::Auto,
                    out: None,
                };
                match job.work(state, part)? {
                    Done::Finished(answer) => answer,
                    Done::Cancelled(_) => return Err(JobError::Stopped),
                }
            }
        };
        Ok(EvaluatedRun { name: run.name.clone(), ..EvaluatedRun::read(&checkpoint, evaluation, predictions) })
    }

    pub(in crate::jobs) fn row(
        &self,
        run: &PlannedRun,
        found: Found,
        result: Option<&EvaluatedRun>,
        failure: Option<String>,
    ) -> ExperimentRow {
        let fold = self.folds.get(run.fold).cloned().unwrap_or_default();
        ExperimentRow {
            run: run.name.clone(),
            arm: self.arms.get(run.arm).map(|a| a.name.clone()).unwrap_or_default(),
            fold: fold.name,
            tested: fold.tested,
            model: run.config.model.id.clone(),
            seed: run.config.seed,
            found,
            epochs: result.and_then(|r| r.facts.epochs),
            seconds: result.and_then(|r| r.facts.training_seconds),
            clips: result.map(|r| r.evaluation.clips),
            score: result.map(|r| r.evaluation.score()),
            validation: result.and_then(|r| best_epoch(&r.history)?.score()).map(f64::from),
            failure,
        }
    }
}

/// The configuration of a run, with the weights it begins with.
fn config_of(run: &PlannedRun, runs: &[PlannedRun], rows: &[ExperimentRow]) -> Result<RunConfig, JobError> {
    if let Some(source) = run.init.and_then(|at| runs.get(at)) {
        let failed = rows.iter().find(|r| r.run == source.name).is_none_or(|r| r.failure.is_some());
        if failed {
            return Err(JobError::Missing(format!("it begins with the weights of {}, which failed", source.name)));
        }
    }
    Ok(run.ready(runs))
}
