//! The trials of a search: trained round by round, the best of each line evaluated.

use super::error::JobError;
use super::experiment_part::Part;
use super::kind::{Done, JobKind};
use super::kinds::{RunExperiment, Train};
use super::lane::LaneState;
use crate::classical::Learner;
use crate::compare::experiment::{ExperimentReport, Found, PlannedRun, summary};
use crate::compare::search::{Next, SearchReport, Trial, TrialRow, next};
use crate::compare::{EvaluatedRun, words::Metric};
use crate::config::{Arm, Search};
use crate::domain::counted;
use crate::progress::{Monitor, Progress};
use crate::run_folder::RunDir;

/// The trials of one line of training.
struct Line<'a> {
    name: &'a str,
    /// Positions of their runs.
    runs: Vec<usize>,
    trials: Vec<Trial>,
    /// Epochs of a whole training.
    epochs: u32,
}

impl RunExperiment {
    /// Trains what is to be trained of all lines, and compares the best of each.
    pub(super) fn search(
        &self,
        search: &Search,
        runs: &[PlannedRun],
        found: &[Found],
        state: &mut LaneState,
        monitor: &dyn Monitor,
    ) -> Result<ExperimentReport, JobError> {
        let mut lines = self.lines(runs);
        let lines_count = lines.len().max(1) as f64;
        let mut rows = Vec::new();
        let mut best: Vec<Option<EvaluatedRun>> = Vec::new();
        let mut tried = Vec::new();
        for (at, line) in lines.iter_mut().enumerate() {
            let (from, to) = (at as f64 / lines_count, (at + 1) as f64 / lines_count);
            let chosen = self.train_line(search, line, runs, (from, to), state, monitor)?;
            let mut evaluated = None;
            for (nth, (run, trial)) in line.runs.iter().zip(&line.trials).enumerate() {
                let Some(planned) = runs.get(*run) else { continue };
                let values = self.arms.get(planned.arm).and_then(|a| a.trial.as_ref()).map(|t| t.values.clone());
                let row =
                    TrialRow::of(&planned.name, line.name, &values.unwrap_or_default(), trial, chosen == Some(nth));
                let before = found.get(*run).cloned().unwrap_or(Found::Nothing);
                let mut out = self.row(planned, before, None, trial.failure.clone());
                (out.epochs, out.seconds, out.validation) = (Some(row.epochs), Some(row.seconds), row.score);
                if chosen == Some(nth) {
                    let part = part(monitor, planned, (from, to), format!("the best of {}", line.name));
                    let dataset = self.folds.get(planned.fold).cloned().unwrap_or_default().of(&self.dataset);
                    match self.evaluated(planned, &dataset, state, &part) {
                        Ok(result) => {
                            (out.clips, out.score) = (Some(result.evaluation.clips), Some(result.evaluation.score()));
                            evaluated = Some(EvaluatedRun { name: line.name.to_owned(), ..result });
                        }
                        Err(JobError::Stopped) => return Err(JobError::Stopped),
                        Err(error) => out.failure = Some(error.to_string()),
                    }
                }
                rows.push(out);
                tried.push(row);
            }
            best.push(evaluated);
        }
        // Each line is one run now: its best.
        let arms: Vec<Arm> =
            lines.iter().filter_map(|l| self.of_line(l, runs)).map(|(name, arm)| Arm { name, ..arm.clone() }).collect();
        let planned: Vec<PlannedRun> = lines
            .iter()
            .enumerate()
            .filter_map(|(at, l)| Some(PlannedRun { arm: at, ..runs.get(*l.runs.first()?)?.clone() }))
            .collect();
        let mut report = summary(rows, &arms, &planned, &best, self.seed);
        let metric = Metric::of(self.dataset.task);
        report.search = Some(SearchReport::of(search, tried, metric.name()));
        Ok(report)
    }

    fn of_line(&self, line: &Line<'_>, runs: &[PlannedRun]) -> Option<(String, &Arm)> {
        let arm = self.arms.get(runs.get(*line.runs.first()?)?.arm)?;
        Some((line.name.to_owned(), arm))
    }

    /// The runs of every line, with what is there of them.
    fn lines(&self, runs: &[PlannedRun]) -> Vec<Line<'_>> {
        let mut out: Vec<Line<'_>> = Vec::new();
        for (at, run) in runs.iter().enumerate() {
            let Some(trial) = self.arms.get(run.arm).and_then(|a| a.trial.as_ref()) else { continue };
            let line = match out.iter().position(|l| l.name == trial.of) {
                Some(line) => line,
                None => {
                    out.push(Line {
                        name: &trial.of,
                        runs: Vec::new(),
                        trials: Vec::new(),
                        epochs: run.config.training.epochs,
                    });
                    out.len() - 1
                }
            };
            if let Some(line) = out.get_mut(line) {
                line.runs.push(at);
                line.trials.push(trial_of(run));
                line.epochs = line.epochs.max(run.config.training.epochs);
            }
        }
        out
    }

    /// Trains the trials of a line, round by round; gives the position of the best.
    fn train_line(
        &self,
        search: &Search,
        line: &mut Line<'_>,
        runs: &[PlannedRun],
        (from, to): (f64, f64),
        state: &mut LaneState,
        monitor: &dyn Monitor,
    ) -> Result<Option<usize>, JobError> {
        let rounds = search.rounds(line.trials.len(), line.epochs);
        let mut whole = 0.0;
        let mut before = 0;
        for (count, until) in &rounds {
            whole += *count as f64 * f64::from(until.saturating_sub(before));
            before = *until;
        }
        loop {
            let (trials, until) = match next(search, &line.trials, line.epochs) {
                Next::Done(best) => return Ok(best),
                Next::Train(trials, until) => (trials, until),
            };
            let round = rounds.iter().position(|(_, upto)| *upto == until).map_or(1, |at| at + 1);
            for (nth, trial) in trials.iter().enumerate() {
                let Some(run) = line.runs.get(*trial).and_then(|at| runs.get(*at)) else { continue };
                let trained: f64 =
                    line.trials.iter().filter_map(|t| t.history.last()).map(|e| f64::from(e.epoch)).sum();
                let done = from + (to - from) * (trained / f64::max(whole, 1.0)).min(1.0);
                let place = format!(
                    "{}, round {round} of {}: {} of {}, {}",
                    line.name,
                    rounds.len(),
                    nth + 1,
                    counted(trials.len() as u64, "trial"),
                    run.name
                );
                let part = part(monitor, run, (done, to), place);
                part.say(&format!("up to epoch {until}"));
                let ended = self.train_trial(run, until, state, &part);
                let slot = line.trials.get_mut(*trial);
                match (ended, slot) {
                    (Err(JobError::Stopped), _) => return Err(JobError::Stopped),
                    (Ok(()), Some(slot)) => {
                        *slot = trial_of(run);
                        // What ended before its round did is not trained again.
                        slot.over |= slot.history.last().map_or(0, |e| e.epoch) < until;
                    }
                    (Err(error), Some(slot)) => {
                        part.emit(Progress::Warning(error.to_string()));
                        *slot = Trial { failure: Some(error.to_string()), ..trial_of(run) };
                    }
                    (_, None) => {}
                }
            }
        }
    }

    /// Trains one trial up to an epoch.
    fn train_trial(
        &self,
        run: &PlannedRun,
        until: u32,
        state: &mut LaneState,
        part: &Part<'_>,
    ) -> Result<(), JobError> {
        let dataset = self.folds.get(run.fold).cloned().unwrap_or_default().of(&self.dataset);
        let resume = run.found() == Found::Unfinished;
        let config = if resume { RunDir::open(&run.folder)?.config()? } else { run.config.clone() };
        Learner::of(&config.model)?;
        let job = Train {
            dataset,
            config: Box::new(config),
            out: run.folder.clone(),
            resume,
            force: false,
            debug: false,
            until: Some(until),
        };
        match job.work(state, part)? {
            Done::Finished(_) => Ok(()),
            Done::Cancelled(_) => Err(JobError::Stopped),
        }
    }
}

/// What is there of a trial.
fn trial_of(run: &PlannedRun) -> Trial {
    let folder = RunDir::open(&run.folder).ok();
    let history = folder.as_ref().and_then(|r| r.history().ok()).unwrap_or_default();
    Trial { over: run.found() == Found::Finished, history, failure: None }
}

fn part<'a>(monitor: &'a dyn Monitor, run: &'a PlannedRun, (from, to): (f64, f64), place: String) -> Part<'a> {
    Part { inner: monitor, from, to, name: &run.name, place, epochs: run.config.training.epochs }
}
