//! Several runs on the same clips, with the evaluations they have or new ones.

use super::evaluate::Evaluate;
use crate::classical::Baseline;
use crate::compare::{Comparison, EvaluatedRun, name_apart};
use crate::domain::{ClassMatch, Dataset, SplitChoice, counted, leaf, listed};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::{LaneState, Loaded, open_checkpoint};
use crate::jobs::requests::{CheckpointRef, Compared};
use crate::model::read;
use crate::progress::Monitor;
use crate::run_folder::{Checkpoint, Evaluation, Predictions, RunDir};
use std::sync::Arc;
use std::time::Instant;

/// Compares runs.
#[derive(Clone, Debug)]
pub struct CompareRuns {
    /// The networks, at least two; the first is the one others are held against where there are many.
    pub runs: Vec<CheckpointRef>,
    /// The dataset to evaluate them on where they were not; without one, evaluations that all of them have are compared.
    pub dataset: Option<Arc<Dataset>>,
    /// Which clips; without a word the test clips of the dataset, or whatever all runs were evaluated on.
    pub split: Option<SplitChoice>,
    /// How labels become classes of the runs.
    pub class_match: ClassMatch,
    /// Also time a forward pass of each network on this machine.
    pub time: bool,
    /// Seed of the bootstrap for intervals.
    pub seed: u64,
}

impl JobKind for CompareRuns {
    type Answer = Arc<Compared>;

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        format!("compare {}", counted(self.runs.len() as u64, "run"))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        self.dataset.as_ref()
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let mut runs = self.evaluated(state, monitor)?;
        if self.time {
            for (run, reference) in runs.iter_mut().zip(&self.runs) {
                // A baseline has no forward pass.
                if Baseline::find(&run.config.model.id).is_some() {
                    continue;
                }
                monitor.stage("timing networks", 0, 0);
                run.facts.seconds_per_clip = Some(seconds_per_clip(state.load(reference, monitor)?)?);
            }
        }
        let comparison = Comparison::of(&runs, self.seed)?;
        Ok(Done::Finished(Arc::new(Compared { runs, comparison })))
    }

    fn output(compared: Self::Answer) -> Output {
        Output::Comparison(compared)
    }
}

/// An evaluation with what was said about its clips.
type Found = (Arc<Evaluation>, Arc<Predictions>);

impl CompareRuns {
    /// The runs with their evaluations, those they have or new ones, each with a name of its own.
    pub(super) fn evaluated(
        &self,
        state: &mut LaneState,
        monitor: &dyn Monitor,
    ) -> Result<Vec<EvaluatedRun>, JobError> {
        let mut runs = match &self.dataset {
            Some(dataset) => self.on(dataset, state, monitor)?,
            None => self.as_evaluated(monitor)?,
        };
        name_apart(&mut runs);
        Ok(runs)
    }

    /// Every run on one dataset: as it was evaluated there, else evaluated now.
    fn on(
        &self,
        dataset: &Arc<Dataset>,
        state: &mut LaneState,
        monitor: &dyn Monitor,
    ) -> Result<Vec<EvaluatedRun>, JobError> {
        let split = self.split.unwrap_or_default();
        let mut out = Vec::with_capacity(self.runs.len());
        for reference in &self.runs {
            let checkpoint = open_checkpoint(reference)?;
            let fits = |e: &Evaluation| {
                e.split == split.name()
                    && !dataset.fingerprint.is_empty()
                    && e.dataset_fingerprint == dataset.fingerprint
                    && e.class_match == self.class_match
            };
            let known = evaluations(&checkpoint, monitor).into_iter().rev().find(|(e, _)| fits(e));
            let (evaluation, predictions) = match known {
                Some(found) => found,
                None => {
                    let job = Evaluate {
                        checkpoint: reference.clone(),
                        dataset: dataset.clone(),
                        split,
                        class_match: self.class_match.clone(),
                        out: None,
                    };
                    match job.work(state, monitor)? {
                        Done::Finished(found) => found,
                        Done::Cancelled(_) => return Err(JobError::Stopped),
                    }
                }
            };
            out.push(EvaluatedRun::read(&checkpoint, evaluation, predictions));
        }
        Ok(out)
    }

    /// Every run as it was evaluated, on the data and split that all of them were.
    fn as_evaluated(&self, monitor: &dyn Monitor) -> Result<Vec<EvaluatedRun>, JobError> {
        let mut all: Vec<(Checkpoint, Vec<Found>)> = Vec::with_capacity(self.runs.len());
        for reference in &self.runs {
            let checkpoint = open_checkpoint(reference)?;
            let mut found = evaluations(&checkpoint, monitor);
            found.retain(|(e, _)| self.split.is_none_or(|s| e.split == s.name()));
            found.sort_by_key(|(e, _)| (rank(&e.split), std::cmp::Reverse(e.made_unix)));
            all.push((checkpoint, found));
        }
        let data = |e: &Evaluation| match e.dataset_fingerprint.is_empty() {
            true => e.dataset.clone(),
            false => e.dataset_fingerprint.clone(),
        };
        let same_data: &dyn Fn(&Evaluation, &Evaluation) -> bool =
            &|a, b| a.split == b.split && data(a) == data(b) && a.class_match == b.class_match;
        // Better other data, which will be said, than nothing.
        let same_split: &dyn Fn(&Evaluation, &Evaluation) -> bool = &|a, b| a.split == b.split;
        let first = all.first().map(|(_, found)| found.as_slice()).unwrap_or_default();
        let chosen = [same_data, same_split].into_iter().find_map(|same| {
            first.iter().find_map(|(wanted, _)| {
                all.iter()
                    .map(|(_, found)| found.iter().find(|(e, _)| same(e, wanted)).cloned())
                    .collect::<Option<Vec<Found>>>()
            })
        });
        let Some(chosen) = chosen else { return Err(nothing_in_common(&all)) };
        let read = |((checkpoint, _), (e, p)): (&(Checkpoint, _), Found)| EvaluatedRun::read(checkpoint, e, p);
        Ok(all.iter().zip(chosen).map(read).collect())
    }
}

/// Splits in the order in which they say most about new people.
fn rank(split: &str) -> usize {
    let order = [SplitChoice::Test, SplitChoice::Val, SplitChoice::All, SplitChoice::Train];
    order.iter().position(|s| s.name() == split).unwrap_or(order.len())
}

/// The evaluations of these very weights that have their predictions, oldest first; those that cannot be read are told.
fn evaluations(checkpoint: &Checkpoint, monitor: &dyn Monitor) -> Vec<Found> {
    let Some(run) = checkpoint.run.as_deref().and_then(|r| RunDir::open(r).ok()) else { return Vec::new() };
    // Results of earlier versions do not tell the step.
    let of_it = |e: &Evaluation| e.checkpoint == checkpoint.name && (e.step == checkpoint.state.step || e.step == 0);
    let results = run.results();
    results.damage.iter().for_each(|error| monitor.warn(error.to_string()));
    let found = results.evaluations.into_iter().filter(|(e, p)| of_it(e) && !p.clips.is_empty());
    found.map(|(e, p)| (Arc::new(e), Arc::new(p))).collect()
}

fn nothing_in_common(all: &[(Checkpoint, Vec<Found>)]) -> JobError {
    let told = |(checkpoint, found): &(Checkpoint, Vec<Found>)| {
        let of: Vec<String> = found.iter().map(|(e, _)| format!("'{}' of {}", e.split, e.dataset)).collect();
        let of = if of.is_empty() { "nothing".to_owned() } else { listed(&of, 4) };
        format!("{} ({}) on {of}", leaf(checkpoint.home()), checkpoint.name)
    };
    let told: Vec<String> = all.iter().map(told).collect();
    JobError::Missing(format!(
        "the runs were not evaluated on the same split: {}; name a dataset, and they are evaluated on it",
        told.join("; ")
    ))
}

/// Seconds of a forward pass of one clip: the fastest of some, after one that is not counted.
fn seconds_per_clip(loaded: &Loaded) -> Result<f64, JobError> {
    const ROUNDS: usize = 5;
    let network = &loaded.network;
    let clip = network.clip();
    let mut fastest = f64::INFINITY;
    for round in 0..=ROUNDS {
        let input = network.input(vec![0.0; 3 * clip.iter().product::<usize>()], 1, clip)?;
        let begun = Instant::now();
        network.device().compute(|| read(network.forward(input)))?;
        if round > 0 {
            fastest = fastest.min(begun.elapsed().as_secs_f64());
        }
    }
    Ok(fastest)
}
