//! What is chosen: one value for the whole window.

use crate::cam;
use crate::domain::PoolingRule;
use crate::jobs::{CheckpointRef, ClipRef, HeatRequest, SplitChoice, TargetClass};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// A part of a confusion matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum MatrixSelection {
    /// Clips of one true class that were called another (or the same).
    Cell {
        /// Output position of the label.
        truth: usize,
        /// Output position of what was said.
        predicted: usize,
    },
    /// Every clip of a true class.
    Row(usize),
    /// Every clip that was called this.
    Column(usize),
}

impl MatrixSelection {
    /// True when a clip with this label and prediction lies in the selected part.
    pub fn contains(self, truth: usize, predicted: usize) -> bool {
        match self {
            MatrixSelection::Cell { truth: t, predicted: p } => (t, p) == (truth, predicted),
            MatrixSelection::Row(t) => t == truth,
            MatrixSelection::Column(p) => p == predicted,
        }
    }
}

/// Everything that is chosen. The frame number is the one clock of the window: picture, mask, skeleton, label,
/// prediction and heat map always belong to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Name of the video in the dataset.
    pub video: Option<String>,
    /// Frame of that video.
    pub frame: u32,
    /// The clip somebody chose; `None` lets the explained clip follow the playhead.
    pub clip: Option<ClipRef>,
    /// The class somebody chose (output position).
    pub class: Option<usize>,
    /// The part of the confusion matrix somebody chose.
    pub cell: Option<MatrixSelection>,
    /// Folder of the run.
    pub run: Option<PathBuf>,
    /// Checkpoint of the run; `None` takes the best.
    pub checkpoint: Option<String>,
    /// Split of the evaluation that is looked at.
    pub split: SplitChoice,
    /// Which of [`Selection::views`] the keys and the inspector speak of.
    pub active_view: usize,
    /// The heat maps on screen: method, layer and class of each linked view; at least one.
    pub views: Vec<HeatRequest>,
}

impl Selection {
    /// The chosen checkpoint, when a run is chosen.
    pub fn checkpoint_ref(&self) -> Option<CheckpointRef> {
        self.run.clone().map(|run| CheckpointRef { run, name: self.checkpoint.clone() })
    }

    /// The view the keys act on.
    pub fn view(&self) -> HeatRequest {
        self.views.get(self.active_view).or(self.views.first()).cloned().unwrap_or_else(default_view)
    }
}

/// The first heat map anybody sees: Grad-CAM of the predicted class at the network's usual layer.
pub fn default_view() -> HeatRequest {
    HeatRequest {
        method: cam::METHODS.first().map_or_else(String::new, |m| m.id.to_owned()),
        layer: None,
        target: TargetClass::Predicted,
        against: None,
        pooling: PoolingRule::SpaceTime,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_part_names_its_clips() {
        let cell = MatrixSelection::Cell { truth: 1, predicted: 2 };
        assert!(cell.contains(1, 2) && !cell.contains(2, 1) && !cell.contains(1, 1));
        assert!(MatrixSelection::Row(1).contains(1, 7) && !MatrixSelection::Row(1).contains(7, 1));
        assert!(MatrixSelection::Column(1).contains(7, 1) && !MatrixSelection::Column(1).contains(1, 7));
    }
}
