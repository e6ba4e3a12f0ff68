//! What leads people on: the first task, and what was asked to be shown from elsewhere in the window.

use crate::config::RunConfig;
use crate::domain::RgbImage;
use crate::run_folder::{ConfusedPair, Evaluation};
use crate::ui::derived::{Derived, Same};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The task of a first session: three steps that tick themselves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FirstTask {
    /// Somebody does not want to see it again.
    pub dismissed: bool,
    /// Somebody looked through a video.
    pub looked: bool,
    /// Somebody has a trained network.
    pub trained: bool,
    /// Somebody looked at the heatmap of a clip that was predicted wrong.
    pub explained: bool,
}

impl FirstTask {
    /// Everything is done.
    pub fn is_done(self) -> bool {
        self.looked && self.trained && self.explained
    }
}

/// What to do next, as a button beside a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NextStep {
    /// Set up a training on the open dataset.
    Train,
    /// Look at the training that runs.
    Watch,
    /// Evaluate the checkpoint in use on the test split.
    Evaluate,
    /// Look at heatmaps of the run in use.
    Heatmaps,
    /// Look at the clips of the two classes that are confused most.
    WorstConfusion,
    /// Look at a folder with the program that this system has for it.
    OpenFolder(PathBuf),
}

/// What was asked to be shown, each with a number that grows with every time it is asked for.
#[derive(Debug, Default)]
pub struct Leading {
    /// The task of a first session.
    pub first_task: FirstTask,
    /// Settings that are looked for in the form of a training.
    pub settings: (u64, String),
    /// The panel that is brought to the front, by its id.
    pub panel: (u64, String),
    /// The keyboard goes to the next panel, or to the one before.
    pub focus: (u64, bool),
    /// A training that starts in a folder that was found to be free.
    pub start: Option<(Box<RunConfig>, PathBuf)>,
    /// A picture that goes to the clipboard.
    pub to_copy: Option<RgbImage>,
    /// Pairs of classes that were confused, of an evaluation.
    pub confused: Derived<Same<Evaluation>, Vec<ConfusedPair>>,
}
