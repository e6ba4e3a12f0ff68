//! Which network is in use, and how it stands to the open dataset: its checkpoint by name, its evaluations, its classes,
//! the part each video played in its training.

use super::derived::{Derived, Same};
use super::state::{AppState, EvaluationEntry};
use super::widgets::text::elide_middle;
use crate::domain::{ClassId, ClassMatch, Dataset, Split, leaf, listed};
use crate::eval::{ClassMap, ClassMatchError, other_map, own_map};
use crate::jobs::{CheckpointRef, Identity, RunView};
use crate::run_folder::Evaluation;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

/// The part each video of the open dataset plays in the run in use, kept until either changes.
#[derive(Clone, Debug, Default)]
pub struct RunParts {
    /// By position of the video; `None` where the run was trained on other data.
    pub parts: Option<Arc<Vec<Split>>>,
    /// Dataset and run it was made from.
    made_from: (Same<Dataset>, Same<RunView>),
}

impl RunParts {
    /// Looks again where the dataset or the run has changed; true when the parts are others now.
    pub fn refresh(state: &mut AppState) -> bool {
        let from = (Same::maybe(state.dataset.as_ref()), Same::maybe(state.run()));
        if state.run_parts.made_from == from {
            return false;
        }
        let training = state.run().and_then(|r| r.training.as_ref());
        let parts = training.zip(state.dataset.as_ref()).and_then(|(t, d)| t.parts_in(d)).map(Arc::new);
        let changed = parts != state.run_parts.parts;
        state.run_parts = Self { parts, made_from: from };
        changed
    }
}

/// What the classes of a run stand to those of a dataset by: the dataset, the run, and what somebody said.
type ClassKey = (Same<Dataset>, Same<RunView>, ClassMatch);

/// How the classes of a few runs stand to those of the open dataset.
#[derive(Debug)]
pub struct ClassMaps {
    maps: Derived<ClassKey, Result<ClassMap, ClassMatchError>>,
    notices: Derived<ClassKey, Option<ClassNotice>>,
}

/// Runs whose class maps are kept: those of the views, and of a list of runs that is open.
const CLASS_MAPS: usize = 32;

impl Default for ClassMaps {
    fn default() -> Self {
        Self { maps: Derived::keeping(CLASS_MAPS), notices: Derived::keeping(CLASS_MAPS) }
    }
}

/// What to know about the classes of a run where they are not those of the dataset.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassNotice {
    /// Nothing is computed before somebody says which class is which.
    pub foreign: bool,
    /// The sentence.
    pub text: String,
}

/// Names in a sentence before the rest are only counted.
const LISTED: usize = 4;

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

    /// The checkpoint a run is opened with: its default, or where that was not evaluated and others were, the one that was
    /// evaluated last.
    pub fn first_checkpoint(&self, run: &RunView) -> Option<String> {
        let default = run.default_checkpoint()?;
        let mut evaluated =
            self.evaluations.iter().filter(|e| e.run == run.path).map(|e| e.evaluation.checkpoint.as_str());
        let newest = evaluated.clone().find(|name| run.checkpoint(name).is_some());
        let chosen = if evaluated.any(|name| name == default) { default } else { newest.unwrap_or(default) };
        Some(chosen.to_owned())
    }

    /// Evaluations of the run in use on the chosen split, of all its checkpoints; those of the open dataset first, each
    /// time the newest first.
    pub fn evaluations_of_run(&self) -> Vec<&EvaluationEntry> {
        self.selection.run.as_deref().map(|run| self.evaluations_on_split(run)).unwrap_or_default()
    }

    fn evaluations_on_split(&self, run: &Path) -> Vec<&EvaluationEntry> {
        let split = self.selection.split.name();
        let mut found: Vec<&EvaluationEntry> =
            self.evaluations.iter().filter(|e| e.run == run && e.evaluation.split == split).collect();
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

    /// The newest evaluation of a network on the chosen split.
    pub fn evaluation_of(&self, network: &CheckpointRef) -> Option<&EvaluationEntry> {
        let default = || self.run_at(&network.run).and_then(|r| r.default_checkpoint());
        let name = network.name.as_deref().or_else(default);
        let of_run = self.evaluations_on_split(&network.run);
        of_run.into_iter().find(|e| name.is_none_or(|n| e.evaluation.checkpoint == n))
    }

    /// How the classes of the open dataset become those of a run: what somebody said, or by the rule.
    pub fn class_match(&self, run: &Path) -> ClassMatch {
        let root = self.dataset.as_ref().map(|d| d.root.clone()).unwrap_or_default();
        self.class_matches.get(&(run.to_path_buf(), root)).cloned().unwrap_or_default()
    }

    fn class_key(&self, run: &Arc<RunView>) -> ClassKey {
        (Same::maybe(self.dataset.as_ref()), Same::of(run), self.class_match(&run.path))
    }

    /// The class of the open dataset that an output of the run in use is.
    pub fn class_of_output(&self, output: ClassId) -> Option<ClassId> {
        let map = self.class_map(self.run()?);
        map.as_ref().as_ref().ok()?.class_of(output)
    }

    /// Which output of a run each class of the open dataset is, or why that cannot be told.
    pub fn class_map(&self, run: &Arc<RunView>) -> Rc<Result<ClassMap, ClassMatchError>> {
        let key = self.class_key(run);
        let chosen = key.2.clone();
        let background = run.config.data.background_class;
        let task = self.dataset.as_ref().map(|d| d.task).unwrap_or_default().with(run.task);
        let labels = self.dataset.as_ref().map(|d| own_map(d, &run.config)).unwrap_or_default();
        let map = || {
            ClassMap::of_mapped(self.classes(), &run.classes, background, &chosen, &labels).map(|map| map.of_task(task))
        };
        self.class_maps.maps.get(key, map)
    }

    /// True where the classes of the open dataset cannot be matched with those of a run.
    pub fn is_foreign(&self, run: &Arc<RunView>) -> bool {
        self.dataset.is_some() && self.class_map(run).is_err()
    }

    /// What to know about the classes of a run before anything is computed; `None` where there is nothing to say.
    pub fn class_notice(&self, run: &Arc<RunView>) -> Rc<Option<ClassNotice>> {
        self.class_maps.notices.get(self.class_key(run), || {
            let (classes, name) = (self.classes(), leaf(&run.path));
            if classes.is_empty() {
                return None;
            }
            let map = self.class_map(run);
            let map = match map.as_ref() {
                Ok(map) => map,
                Err(reason) => return Some(ClassNotice { foreign: true, text: foreign_sentence(&name, reason) }),
            };
            let mut notes = map.notes(classes, &run.classes);
            notes.extend(self.dataset.as_ref().and_then(|d| other_map(d, &run.config)));
            if map.is_empty() {
                notes.push("the labels of this dataset are not used".to_owned());
            }
            let text = format!("{name}: {}.", notes.join("; "));
            (!notes.is_empty()).then_some(ClassNotice { foreign: false, text })
        })
    }

    /// The part a video plays in the run in use; `None` where that was trained on other data.
    pub fn part_in_run(&self, video: usize) -> Option<Split> {
        self.run_parts.parts.as_ref().and_then(|p| p.get(video)).copied()
    }
}

/// Names in a sentence that is to be no higher than a line or two.
fn shortened(names: &[String]) -> Vec<String> {
    names.iter().map(|name| elide_middle(name, 28)).collect()
}

fn foreign_sentence(name: &str, reason: &ClassMatchError) -> String {
    match reason {
        ClassMatchError::Foreign { dataset, run } => format!(
            "The classes of {name} are not those of this dataset. The dataset has {}; {name} has {}. Nothing is \
             computed before you say which is which.",
            listed(&shortened(dataset), LISTED),
            listed(&shortened(run), LISTED)
        ),
        other => format!("The classes of {name} cannot be matched: {other}."),
    }
}
