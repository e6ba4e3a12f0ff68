//! How annotations are resolved, and which rows of a dataset its label map leaves out.

use super::formats::{DraftVideo, Span};
use super::label_csv::intervals::Extent;
use crate::domain::{Fates, InstanceLabel, LedgerEntry, Reason, Task};

/// How datasets are resolved.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rules<'a> {
    pub(super) task: Task,
    /// Frames have one label each, and annotations that share frames contradict each other.
    pub(super) frame_wise: bool,
    /// Frames of label files count from 1.
    pub(super) from_one: bool,
    /// What a label map makes of each class. Labels keep the classes of the dataset here; it decides which rows count.
    pub(super) fates: Option<&'a Fates>,
}

impl Rules<'_> {
    /// True where nothing of a label is left.
    pub(super) fn drops(&self, label: &InstanceLabel) -> bool {
        label.is_labelled() && self.fates.is_some_and(|f| !f.instance(label).is_labelled())
    }

    /// The frames from `from` to `to` whose only labels the label map leaves out.
    pub(super) fn left_out(&self, video: &DraftVideo, from: u32, to: u32) -> Vec<(u32, u32)> {
        let Some(fates) = self.fates.filter(|_| from < to) else { return Vec::new() };
        let of_track =
            video.entry.labels.segments().iter().map(|s| (s.start, s.end, InstanceLabel::from(Some(s.label))));
        let of_rows = video.annotations.iter().filter_map(|a| match a.span {
            Span::At(Extent::Frames { start, end }) if a.rows == 0 => Some((start, end, a.label.clone())),
            _ => None,
        });
        let spans: Vec<(u32, u32, InstanceLabel)> = of_track.chain(of_rows).filter(|s| s.2.is_labelled()).collect();
        let mut edges: Vec<u32> = spans.iter().flat_map(|s| [s.0, s.1]).map(|at| at.clamp(from, to)).collect();
        edges.sort_unstable();
        edges.dedup();
        let mut out: Vec<(u32, u32)> = Vec::new();
        for edge in edges.windows(2) {
            let [start, end] = [edge[0], edge[1]];
            let mut here = spans.iter().filter(|s| s.0 <= start && end <= s.1).peekable();
            if here.peek().is_some() && here.all(|s| !fates.instance(&s.2).is_labelled()) {
                match out.last_mut() {
                    Some(last) if last.1 == start => last.1 = end,
                    _ => out.push((start, end)),
                }
            }
        }
        out
    }

    /// The label of a video that only its folder tells counts as one row.
    pub(super) fn of_folder(&self, video: &DraftVideo) -> Option<LedgerEntry> {
        let [one] = video.entry.labels.segments() else { return None };
        let dropped = video.annotations.is_empty() && self.drops(&Some(one.label).into());
        dropped.then(|| LedgerEntry {
            file: video.entry.path.as_path().into(),
            line: 0,
            rows: 1,
            reason: Reason::LeftOut,
            video: Some(video.entry.name.clone()),
            text: String::new(),
        })
    }
}
