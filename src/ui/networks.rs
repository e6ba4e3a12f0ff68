//! Which network is in use, and how it stands to the open dataset: its checkpoint by name, its evaluations, its classes,
//! the part each video played in its training.

use super::state::{AppState, EvaluationEntry};
use crate::domain::{ClassId, Split};
use crate::eval::{ClassMap, ClassMatch, ClassMatchError, Evaluation};
use crate::jobs::{Identity, RunView};
use std::path::Path;
use std::sync::Arc;

/// The part each video of the open dataset plays in the run in use, kept until either changes.
#[derive(Clone, Debug, Default)]
pub struct RunParts {
    /// By position of the video; `None` where the run was trained on other data.
    pub parts: Option<Arc<Vec<Split>>>,
    /// Dataset and run it was made from.
    made_from: (usize, usize),
}

impl RunParts {
    /// Looks again where the dataset or the run has changed; true when the parts are others now.
    pub fn refresh(state: &mut AppState) -> bool {
        let dataset = state.dataset.as_ref().map_or(0, |d| Arc::as_ptr(d) as usize);
        let run = state.run().map_or(0, |r| Arc::as_ptr(r) as usize);
        if state.run_parts.made_from == (dataset, run) {
            return false;
        }
        let training = state.run().and_then(|r| r.training.as_ref());
        let parts = training.zip(state.dataset.as_ref()).and_then(|(t, d)| t.parts_in(d)).map(Arc::new);
        let changed = parts != state.run_parts.parts;
        state.run_parts = Self { parts, made_from: (dataset, run) };
        changed
    }
}

impl AppState {
    /// The checkpoint in use by name; never "the default" of a run that was read.
    pub fn checkpoint_name(&self) -> Option<&str> {
        let named = self.selection.checkpoint.as_deref();
        named.or_else(|| self.run().and_then(|r| r.default_checkpoint()))
    }

    /// The weights in use, as far as the run was read.
    pub fn identity(&self) -> Option<Identity> {
        Some(self.run()?.identity(self.checkpoint_name()?))
    }

    /// Evaluations of the run in use on the chosen split, of all its checkpoints; those of the open dataset first, each
    /// time the newest first.
    pub fn evaluations_of_run(&self) -> Vec<&EvaluationEntry> {
        let Some(run) = &self.selection.run else { return Vec::new() };
        let split = self.selection.split.name();
        let mut found: Vec<&EvaluationEntry> =
            self.evaluations.iter().filter(|e| e.run == *run && e.evaluation.split == split).collect();
        found.sort_by_key(|e| !self.is_of_dataset(&e.evaluation));
        found
    }

    /// True for an evaluation on the open dataset.
    pub fn is_of_dataset(&self, evaluation: &Evaluation) -> bool {
        self.dataset.as_ref().is_some_and(|d| match evaluation.dataset_fingerprint.is_empty() {
            true => Path::new(&evaluation.dataset) == d.root,
            false => evaluation.dataset_fingerprint == d.fingerprint || Path::new(&evaluation.dataset) == d.root,
        })
    }

    /// The newest evaluation of the run and checkpoint in use on the chosen split.
    pub fn evaluation(&self) -> Option<&EvaluationEntry> {
        let name = self.checkpoint_name();
        self.evaluations_of_run().into_iter().find(|e| name.is_none_or(|n| e.evaluation.checkpoint == n))
    }

    /// How the classes of the open dataset become those of a run: what somebody said, or by the rule.
    pub fn class_match(&self, run: &Path) -> ClassMatch {
        let root = self.dataset.as_ref().map(|d| d.root.clone()).unwrap_or_default();
        self.class_matches.get(&(run.to_path_buf(), root)).cloned().unwrap_or_default()
    }

    /// Which output of a run each class of the open dataset is, or why that cannot be told.
    pub fn class_map(&self, run: &RunView) -> Result<ClassMap, ClassMatchError> {
        let background = run.config.data.background_class;
        ClassMap::of(self.classes(), &run.classes, background, &self.class_match(&run.path))
    }

    /// The class of the open dataset that an output of the run in use is.
    pub fn class_of_output(&self, output: ClassId) -> Option<ClassId> {
        self.class_map(self.run()?).ok()?.class_of(output)
    }

    /// Why the classes of the open dataset cannot be matched with those of a run; `None` when they can, or when nothing
    /// is open.
    pub fn foreign(&self, run: &RunView) -> Option<ClassMatchError> {
        self.dataset.as_ref()?;
        self.class_map(run).err()
    }

    /// The part a video plays in the run in use; `None` where that was trained on other data.
    pub fn part_in_run(&self, video: usize) -> Option<Split> {
        self.run_parts.parts.as_ref().and_then(|p| p.get(video)).copied()
    }
}
