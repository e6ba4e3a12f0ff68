//! Corrections of labels on their way to the disk, and labels in doubt.

use super::AppState;
use crate::compare::LabelIssues;
use crate::domain::Corrections;
use crate::jobs::{CheckpointRef, JobId, SplitChoice};
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// Corrections of a dataset that are not on the disk yet.
#[derive(Clone, Debug)]
pub struct UnsavedCorrections {
    /// The file they were read from.
    pub file: Option<PathBuf>,
    /// What is on the disk.
    pub saved: Arc<Corrections>,
    /// What is to be there.
    pub now: Arc<Corrections>,
    /// The job that writes, and what it writes.
    pub saving: Option<(JobId, Arc<Corrections>)>,
    /// When writing failed.
    pub failed: Option<Instant>,
}

/// Labels in doubt with what was asked about them.
#[derive(Clone, Debug)]
pub struct FoundIssues {
    /// Root of the dataset.
    pub root: PathBuf,
    /// The networks that were asked.
    pub networks: Vec<CheckpointRef>,
    /// Which clips.
    pub split: SplitChoice,
    /// The answer.
    pub issues: Arc<LabelIssues>,
}

/// What the window knows of corrections.
#[derive(Clone, Debug, Default)]
pub struct Correcting {
    /// Corrections that are not on the disk yet, by root of the dataset.
    pub unsaved: HashMap<PathBuf, UnsavedCorrections>,
    /// Searches for labels in doubt, newest first.
    pub issues: Vec<FoundIssues>,
}

impl AppState {
    /// The newest search for labels in doubt with these networks on these clips of the open dataset.
    pub fn issues_of(&self, networks: &[CheckpointRef], split: SplitChoice) -> Option<&FoundIssues> {
        let root = &self.dataset.as_ref()?.root;
        self.correcting.issues.iter().find(|f| f.root == *root && f.networks == networks && f.split == split)
    }

    /// True while something that people wrote is not on the disk.
    pub fn is_unsaved(&self) -> bool {
        !self.unsaved_notes.is_empty() || !self.correcting.unsaved.is_empty()
    }

    /// The corrections of the open dataset.
    pub fn corrections(&self) -> Arc<Corrections> {
        let kept = self.dataset.as_ref().and_then(|d| d.corrections.as_ref());
        kept.map(|c| c.all.clone()).unwrap_or_default()
    }
}
