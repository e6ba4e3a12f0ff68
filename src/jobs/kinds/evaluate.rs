//! Evaluating a checkpoint on a split.

use crate::domain::{ClassMatch, Dataset, SplitChoice, leaf};
use crate::eval::evaluate_matched;
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::known;
use crate::jobs::lane::LaneState;
use crate::jobs::lane::{open_checkpoint, warn_of_damage};
use crate::jobs::pictures;
use crate::jobs::requests::CheckpointRef;
use crate::progress::Monitor;
use crate::run_folder::{Evaluation, ExistingResult, Predictions, results_folder, write_results};
use crate::train::tensorboard::write_evaluation;
use std::path::PathBuf;
use std::sync::Arc;

/// Evaluates a checkpoint.
#[derive(Clone, Debug)]
pub struct Evaluate {
    /// The network.
    pub checkpoint: CheckpointRef,
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// Which clips.
    pub split: SplitChoice,
    /// How labels become classes of the run.
    pub class_match: ClassMatch,
    /// Where to write; `None` writes to the run's `results/`, see [`results_folder`].
    pub out: Option<PathBuf>,
}

impl JobKind for Evaluate {
    type Answer = (Arc<Evaluation>, Arc<Predictions>);

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        let Self { checkpoint, split, .. } = self;
        let name = checkpoint.name.as_ref().map_or(String::new(), |n| format!(" {n}"));
        format!("evaluate {}{name} on {}", leaf(&checkpoint.run), split.name())
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let Self { checkpoint, dataset, split, class_match, out } = self;
        let found = open_checkpoint(&checkpoint)?;
        warn_of_damage(&found, monitor);
        found.class_map(&dataset, &class_match)?;
        let dataset = known::of_split(&found, &dataset, split, monitor)?;
        let device = state.device(found.state.config.device, monitor);
        let (evaluation, predictions) = evaluate_matched(&found, &dataset, split, &class_match, &device, monitor)?;
        // All know the evaluation; the first process writes it.
        if !monitor.peers().leads() {
            return Ok(Done::Finished((Arc::new(evaluation), Arc::new(predictions))));
        }
        let dir = out.unwrap_or_else(|| results_folder(&found, &dataset));
        if let ExistingResult::Outdated(told) | ExistingResult::Other(told) | ExistingResult::Damaged(told) =
            ExistingResult::find(&dir, &found, &dataset, split)
        {
            monitor.warn(format!("{told}; it is replaced now"));
        }
        write_results(&dir, &evaluation, &predictions)?;
        pictures::evaluation(&evaluation, &dir)?;
        write_evaluation(&dir, &evaluation, &predictions)?;
        Ok(Done::Finished((Arc::new(evaluation), Arc::new(predictions))))
    }

    fn output((evaluation, predictions): Self::Answer) -> Output {
        Output::Evaluation(evaluation, predictions)
    }
}
