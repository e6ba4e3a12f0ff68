//! What is chosen: one value for the whole window.

use crate::cam;
use crate::domain::PoolingRule;
use crate::jobs::{CheckpointRef, ClipRef, HeatRequest, SplitChoice, TargetClass};
use crate::run_folder::Prediction;
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
    /// True when a clip of an evaluation lies in the selected part. In a multi-label one: it is labelled with the class of
    /// the row and that of the column was said, among others or alone; the column behind the last class is that of clips of
    /// which nothing was said.
    pub fn holds(self, clip: &Prediction) -> bool {
        if clip.truths.is_empty() {
            return self.contains(clip.truth, clip.predicted);
        }
        let silent = |class: usize| class >= clip.probabilities.len() && clip.said_classes().is_empty();
        let said = |class: usize| clip.says(class) || silent(class);
        match self {
            MatrixSelection::Cell { truth, predicted } => clip.truths.contains(&truth) && said(predicted),
            MatrixSelection::Row(truth) => clip.truths.contains(&truth),
            MatrixSelection::Column(predicted) => said(predicted),
        }
    }

    /// True when what the selected row or column is about was said rightly of a clip.
    pub fn is_right(self, clip: &Prediction) -> bool {
        match self {
            MatrixSelection::Row(class) if !clip.truths.is_empty() => clip.says(class),
            MatrixSelection::Column(class) if !clip.truths.is_empty() => clip.truths.contains(&class),
            _ => clip.correct(),
        }
    }

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
/// prediction and heatmap always belong to it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Selection {
    /// Name of the video in the dataset.
    pub video: Option<String>,
    /// Frame of that video.
    pub frame: u32,
    /// The clip somebody chose; `None` lets the explained clip follow the playhead.
    pub clip: Option<ClipRef>,
    /// The view of that clip that somebody looks at, of several that an evaluation averages; `None` is the clip as one look.
    pub seen: Option<ClipRef>,
    /// The class somebody chose (output position).
    pub class: Option<usize>,
    /// The part of the confusion matrix somebody chose.
    pub cell: Option<MatrixSelection>,
    /// Folder of the run in use: that of the active view, and of everything that shows one network.
    pub run: Option<PathBuf>,
    /// Checkpoint of that run; `None` only until the run was read, which names its default.
    pub checkpoint: Option<String>,
    /// Split of the evaluation that is looked at.
    pub split: SplitChoice,
    /// Which of [`Selection::views`] the keys and the inspector speak of.
    pub active_view: usize,
    /// The heatmaps on screen: method, layer and class of each linked view; at least one.
    pub views: Vec<HeatRequest>,
    /// Networks of the views that are not active, by position; see [`Selection::network`].
    pub networks: Vec<Option<CheckpointRef>>,
}

impl Selection {
    /// A clip as it is looked at: in the view that somebody chose of it, or as it is.
    pub fn as_seen(&self, clip: &ClipRef) -> ClipRef {
        self.view_of(clip).unwrap_or(clip).clone()
    }

    /// The view that somebody chose of a clip.
    pub fn view_of(&self, clip: &ClipRef) -> Option<&ClipRef> {
        let of_it = |v: &&ClipRef| (&v.video, v.start) == (&clip.video, clip.start) && v.cut.is_of_part(&clip.cut);
        self.seen.as_ref().filter(of_it).filter(|_| self.clip.is_some())
    }

    /// The chosen checkpoint, when a run is chosen.
    pub fn checkpoint_ref(&self) -> Option<CheckpointRef> {
        self.run.clone().map(|run| CheckpointRef { run, name: self.checkpoint.clone() })
    }

    /// The network of a view: views may differ in it.
    pub fn network(&self, view: usize) -> Option<CheckpointRef> {
        let own = self.networks.get(view).cloned().flatten().filter(|_| view != self.active_view);
        own.or_else(|| self.checkpoint_ref())
    }

    /// Makes every view remember its network, so that another choice for the active one changes no other.
    pub fn settle(&mut self) {
        let networks = (0..self.views.len()).map(|view| self.network(view)).collect();
        self.networks = networks;
    }

    /// Makes a view the active one; the run and checkpoint in use become those of that view.
    pub fn activate(&mut self, view: usize) {
        self.settle();
        let view = view.min(self.views.len().saturating_sub(1));
        if view == self.active_view {
            return;
        }
        if let Some(network) = self.network(view) {
            self.cell = self.cell.filter(|_| self.checkpoint_ref().as_ref() == Some(&network));
            (self.run, self.checkpoint) = (Some(network.run), network.name);
        }
        self.active_view = view;
    }

    /// Takes another network for the active view. Layers of another network mean nothing in it.
    pub fn use_network(&mut self, run: Option<PathBuf>, checkpoint: Option<String>) {
        self.settle();
        if self.run != run {
            (self.cell, self.class, self.seen) = (None, None, None);
            // Layers and classes of another network mean nothing in this one.
            if let Some(view) = self.views.get_mut(self.active_view) {
                view.layer = None;
                if matches!(view.target, TargetClass::Class(_)) {
                    view.target = TargetClass::Predicted;
                }
                view.against = view.against.filter(|against| !matches!(against, TargetClass::Class(_)));
            }
        }
        (self.run, self.checkpoint) = (run, checkpoint);
        self.settle();
    }

    /// The view the keys act on.
    pub fn view(&self) -> HeatRequest {
        self.views.get(self.active_view).or(self.views.first()).cloned().unwrap_or_else(default_view)
    }
}

/// The first heatmap anybody sees: Grad-CAM of the predicted class at the network's default layer.
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
    fn each_view_keeps_its_network() {
        let network = |run: &str| Some(CheckpointRef { run: run.into(), name: Some("last".into()) });
        let mut s = Selection { views: vec![default_view(), default_view()], ..Selection::default() };
        s.use_network(Some("a".into()), Some("last".into()));
        assert_eq!((s.network(0), s.network(1)), (network("a"), network("a")));
        s.activate(1);
        s.views[0].layer = Some("block1".into());
        s.use_network(Some("b".into()), Some("last".into()));
        assert_eq!((s.network(0), s.network(1)), (network("a"), network("b")));
        assert_eq!(s.views[0].layer.as_deref(), Some("block1"), "a layer of the other view's network stays");
        s.activate(0);
        assert_eq!((s.checkpoint_ref(), s.network(1)), (network("a"), network("b")));
    }

    #[test]
    fn a_matrix_part_names_its_clips() {
        let cell = MatrixSelection::Cell { truth: 1, predicted: 2 };
        assert!(cell.contains(1, 2) && !cell.contains(2, 1) && !cell.contains(1, 1));
        assert!(MatrixSelection::Row(1).contains(1, 7) && !MatrixSelection::Row(1).contains(7, 1));
        assert!(MatrixSelection::Column(1).contains(7, 1) && !MatrixSelection::Column(1).contains(1, 7));
    }
}
