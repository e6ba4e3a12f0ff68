//! An experiment in the window: the runs of a plan as a queue, and what is trained next.

use super::{AppState, JobStatus};
use crate::compare::experiment::Found;
use crate::compare::search::{Next, Trial, next};
use crate::config::ExperimentPlan;
use crate::jobs::{JobId, LaidOut, PlanSource};
use crate::progress::{EpochReport, best_epoch};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

/// Where a run of the queue stands.
#[derive(Clone, Debug, PartialEq)]
pub enum RowStatus {
    /// It waits for its turn.
    Waiting,
    /// It is left out.
    Skipped,
    /// It is being trained by this job.
    Running(JobId),
    /// It is trained; true where it was before.
    Done(bool),
    /// It failed, or something else lies in its folder; the sentence.
    Failed(String),
}

/// A run of the queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueRow {
    /// Name of its folder.
    pub name: String,
    /// Position in [`LaidOut::runs`].
    pub run: usize,
    /// Where it stands.
    pub status: RowStatus,
    /// There is a training in its folder that goes on.
    pub resume: bool,
    /// It is to be left out as soon as it has stopped.
    pub leaving: bool,
    /// Its epochs so far.
    pub history: Vec<EpochReport>,
}

impl QueueRow {
    /// Epochs trained.
    pub fn epochs(&self) -> u32 {
        self.history.last().map_or(0, |e| e.epoch)
    }

    /// The best epoch by its validation.
    pub fn best(&self) -> Option<&EpochReport> {
        best_epoch(&self.history)
    }

    /// Seconds trained.
    pub fn seconds(&self) -> f64 {
        self.history.iter().map(|e| e.seconds).sum()
    }
}

/// What is kept of an experiment between sessions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptExperiment {
    /// The plan as the text of its file, so that one of another version is dropped and nothing else.
    pub plan: String,
    /// Folder its paths are relative to.
    pub folder: PathBuf,
    /// Its file.
    pub source: Option<PathBuf>,
    /// Folder of the runs.
    pub out: PathBuf,
    /// Root of the dataset.
    pub dataset: PathBuf,
    /// Names of the runs in the order of the queue.
    pub order: Vec<String>,
    /// Names of those that are left out.
    pub skipped: Vec<String>,
}

/// An experiment.
#[derive(Clone, Debug, Default)]
pub struct Experiment {
    /// What is kept of it.
    pub kept: KeptExperiment,
    /// The plan as runs; `None` until it was laid out.
    pub laid_out: Option<Arc<LaidOut>>,
    /// The job that lays it out.
    pub asking: Option<JobId>,
    /// Why it could not be laid out.
    pub failure: Option<String>,
    /// The queue, in its order.
    pub rows: Vec<QueueRow>,
    /// Runs are trained one after the other; false before it is started and while it is paused.
    pub going: bool,
    /// Runs that are being opened so that they can be compared.
    pub comparing: Option<Vec<PathBuf>>,
    /// Names of the trials that a search has chosen, once each line is done.
    pub chosen: Vec<String>,
    /// Seconds of an epoch by network, and of any.
    speeds: (BTreeMap<String, f64>, Option<f64>),
}

/// What is trained next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The row at this position, up to an epoch where its round ends before its training does.
    Train(usize, Option<u32>),
    /// The row at this position cannot be trained; the sentence.
    Refuse(usize, String),
    /// Nothing.
    Nothing,
}

impl Experiment {
    /// One that is to be laid out.
    pub fn of(source: &PlanSource, out: PathBuf, dataset: PathBuf) -> Self {
        let (plan, folder, source) = match source {
            PlanSource::File(path) => (String::new(), PathBuf::new(), Some(path.clone())),
            PlanSource::Made(plan, folder) => (plan.to_ron(), folder.clone(), None),
        };
        let kept = KeptExperiment { plan, folder, source, out, dataset, ..KeptExperiment::default() };
        Self { kept, ..Self::default() }
    }

    /// The one of the last session, which is laid out again once its dataset is open.
    pub fn again(kept: KeptExperiment) -> Self {
        Self { kept, ..Self::default() }
    }

    /// Where its plan comes from: what was read once is kept, whatever becomes of its file.
    pub fn source(&self) -> Result<PlanSource, String> {
        match (&self.kept.source, self.kept.plan.as_str()) {
            (Some(path), "") => Ok(PlanSource::File(path.clone())),
            (_, text) => {
                let plan = ExperimentPlan::from_ron(text)
                    .map_err(|e| format!("the plan of the last session cannot be read ({e}): open it again"))?;
                Ok(PlanSource::Made(Box::new(plan), self.kept.folder.clone()))
            }
        }
    }

    /// Takes over how the plan stands on the disk; the order, and what is left out or failed, stays.
    pub fn take(&mut self, laid_out: Arc<LaidOut>) {
        let before: BTreeMap<String, QueueRow> = self.rows.drain(..).map(|r| (r.name.clone(), r)).collect();
        let mut rows: Vec<QueueRow> = Vec::with_capacity(laid_out.runs.len());
        for (at, (run, standing)) in laid_out.runs.iter().zip(&laid_out.standing).enumerate() {
            let old = before.get(&run.name);
            let status = match (&standing.found, old.map(|r| &r.status)) {
                (_, Some(RowStatus::Running(job))) => RowStatus::Running(*job),
                (Found::Other(why), _) => RowStatus::Failed(why.clone()),
                (Found::Finished, Some(RowStatus::Done(loaded))) => RowStatus::Done(*loaded),
                (Found::Finished, _) => RowStatus::Done(true),
                (_, Some(RowStatus::Failed(why))) => RowStatus::Failed(why.clone()),
                (_, Some(RowStatus::Skipped)) => RowStatus::Skipped,
                (_, None) if self.kept.skipped.contains(&run.name) => RowStatus::Skipped,
                _ => RowStatus::Waiting,
            };
            rows.push(QueueRow {
                name: run.name.clone(),
                run: at,
                status,
                resume: standing.found == Found::Unfinished,
                leaving: old.is_some_and(|r| r.leaving),
                history: standing.history.clone(),
            });
        }
        let place = |name: &str| self.kept.order.iter().position(|n| n == name).unwrap_or(usize::MAX);
        rows.sort_by_key(|r| place(&r.name));
        self.kept = KeptExperiment {
            plan: laid_out.plan.to_ron(),
            folder: laid_out.folder.clone(),
            source: laid_out.source.clone().or(self.kept.source.take()),
            out: laid_out.out.clone(),
            dataset: laid_out.dataset.clone(),
            ..std::mem::take(&mut self.kept)
        };
        self.rows = rows;
        self.laid_out = Some(laid_out);
        self.failure = None;
        self.remember();
    }

    /// Keeps order and what is left out for the next session, and finds what follows from the rows.
    pub fn remember(&mut self) {
        self.chosen = self.best_trials();
        self.speeds = self.epoch_speeds();
        self.kept.order = self.rows.iter().map(|r| r.name.clone()).collect();
        let skipped = self.rows.iter().filter(|r| r.status == RowStatus::Skipped || r.leaving);
        self.kept.skipped = skipped.map(|r| r.name.clone()).collect();
    }

    /// Position of a row.
    pub fn at(&self, name: &str) -> Option<usize> {
        self.rows.iter().position(|r| r.name == name)
    }

    /// Puts a row at another place of the queue.
    pub fn move_to(&mut self, name: &str, to: usize) {
        let Some(from) = self.at(name) else { return };
        let row = self.rows.remove(from);
        self.rows.insert(to.min(self.rows.len()), row);
        self.remember();
    }

    /// The row that is being trained.
    pub fn running(&self) -> Option<(&QueueRow, JobId)> {
        self.rows.iter().find_map(|r| match r.status {
            RowStatus::Running(job) => Some((r, job)),
            _ => None,
        })
    }

    /// What is trained next, in the order of the queue; what begins with the weights of another run comes behind it.
    pub fn turn(&self) -> Turn {
        let Some(laid_out) = &self.laid_out else { return Turn::Nothing };
        if let Some(search) = &laid_out.plan.search {
            return self.search_turn(laid_out, search);
        }
        for (at, row) in self.rows.iter().enumerate().filter(|(_, r)| r.status == RowStatus::Waiting) {
            let source = laid_out.runs.get(row.run).and_then(|r| laid_out.runs.get(r.init?));
            let Some(source) = source else { return Turn::Train(at, None) };
            match self.at(&source.name).and_then(|i| self.rows.get(i)).map(|r| &r.status) {
                Some(RowStatus::Done(_)) => return Turn::Train(at, None),
                Some(RowStatus::Waiting | RowStatus::Running(_)) => continue,
                Some(RowStatus::Skipped) => {
                    return Turn::Refuse(
                        at,
                        format!("it begins with the weights of {}, which is left out", source.name),
                    );
                }
                Some(RowStatus::Failed(_)) | None => {
                    return Turn::Refuse(at, format!("it begins with the weights of {}, which failed", source.name));
                }
            }
        }
        Turn::Nothing
    }

    fn search_turn(&self, laid_out: &LaidOut, search: &crate::config::Search) -> Turn {
        for (_, rows) in self.lines(laid_out) {
            let (trials, epochs) = self.trials(laid_out, &rows);
            if let Next::Train(wanted, until) = next(search, &trials, epochs) {
                // In the order of the queue.
                let first = wanted.iter().filter_map(|t| rows.get(*t).copied()).min();
                return first.map_or(Turn::Nothing, |at| Turn::Train(at, Some(until)));
            }
        }
        Turn::Nothing
    }

    /// Positions of the rows of every line of a search, in the order of the plan.
    fn lines<'a>(&self, laid_out: &'a LaidOut) -> Vec<(&'a str, Vec<usize>)> {
        let mut out: Vec<(&str, Vec<usize>)> = Vec::new();
        for (run, planned) in laid_out.runs.iter().enumerate() {
            let Some(trial) = laid_out.arms.get(planned.arm).and_then(|a| a.trial.as_ref()) else { continue };
            let Some(at) = self.rows.iter().position(|r| r.run == run) else { continue };
            match out.iter_mut().find(|(name, _)| *name == trial.of) {
                Some((_, rows)) => rows.push(at),
                None => out.push((&trial.of, vec![at])),
            }
        }
        out
    }

    /// The rows as trials, and the epochs of a whole training.
    fn trials(&self, laid_out: &LaidOut, rows: &[usize]) -> (Vec<Trial>, u32) {
        let rows: Vec<&QueueRow> = rows.iter().filter_map(|at| self.rows.get(*at)).collect();
        let trial = |row: &&QueueRow| Trial {
            history: row.history.clone(),
            over: matches!(row.status, RowStatus::Done(_)),
            failure: match &row.status {
                RowStatus::Failed(why) => Some(why.clone()),
                RowStatus::Skipped => Some("left out".to_owned()),
                _ => None,
            },
        };
        let epochs = rows.iter().filter_map(|r| laid_out.runs.get(r.run)).map(|r| r.config.training.epochs);
        (rows.iter().map(trial).collect(), epochs.max().unwrap_or(0))
    }

    fn best_trials(&self) -> Vec<String> {
        let Some(laid_out) = &self.laid_out else { return Vec::new() };
        let Some(search) = &laid_out.plan.search else { return Vec::new() };
        let best = |(_, rows): (&str, Vec<usize>)| {
            let (trials, epochs) = self.trials(laid_out, &rows);
            match next(search, &trials, epochs) {
                Next::Done(best) => self.rows.get(*rows.get(best?)?).map(|r| r.name.clone()),
                Next::Train(..) => None,
            }
        };
        self.lines(laid_out).into_iter().filter_map(best).collect()
    }

    /// Epochs that are still to be trained of a row; of a search all it could come to.
    fn epochs_left(&self, row: &QueueRow) -> u32 {
        let whole = self.laid_out.as_ref().and_then(|l| l.runs.get(row.run)).map_or(0, |r| r.config.training.epochs);
        whole.saturating_sub(row.epochs())
    }

    fn epoch_speeds(&self) -> (BTreeMap<String, f64>, Option<f64>) {
        let Some(laid_out) = &self.laid_out else { return Default::default() };
        let mut sums: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
        for row in &self.rows {
            let Some(run) = laid_out.runs.get(row.run) else { continue };
            for seconds in row.history.iter().map(|e| e.seconds).filter(|s| *s > 0.0) {
                for name in [run.config.model.id.as_str(), ""] {
                    let sum = sums.entry(name).or_default();
                    *sum = (sum.0 + seconds, sum.1 + 1.0);
                }
            }
        }
        let any = sums.remove("").map(|(sum, count)| sum / count);
        (sums.into_iter().map(|(name, (sum, count))| (name.to_owned(), sum / count)).collect(), any)
    }

    /// Seconds that a waiting row will take, where something like it was trained.
    pub fn seconds_left(&self, row: &QueueRow) -> Option<f64> {
        let network = &self.laid_out.as_ref()?.runs.get(row.run)?.config.model.id;
        let (by_network, any) = &self.speeds;
        Some(f64::from(self.epochs_left(row)) * by_network.get(network).copied().or(*any)?)
    }
}

impl AppState {
    /// Seconds until the queue is done, where that can be told: the running training and all that waits.
    pub fn experiment_left(&self) -> Option<f64> {
        let experiment = self.experiment.as_ref()?;
        let mut sum = 0.0;
        for row in &experiment.rows {
            match &row.status {
                RowStatus::Running(job) => sum += self.job(*job)?.eta_s?,
                RowStatus::Waiting => sum += experiment.seconds_left(row)?,
                RowStatus::Skipped | RowStatus::Done(_) | RowStatus::Failed(_) => {}
            }
        }
        Some(sum)
    }

    /// True while the running training of the experiment is held.
    pub fn experiment_held(&self) -> bool {
        let running = self.experiment.as_ref().and_then(Experiment::running);
        running.and_then(|(_, job)| self.job(job)).is_some_and(|j| j.status == JobStatus::Paused)
    }
}
