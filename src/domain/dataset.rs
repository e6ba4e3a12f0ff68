use super::{
    ClassId, ClassSet, CorrectionCounts, DatasetCorrections, Indexing, Instance, Label, LabelTrack, Ledger,
    MappedClasses, Segment, Task, Unread, serialize_path,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// Which part of a dataset a video belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Split {
    /// Training.
    Train,
    /// Validation, where the dataset brings one of its own.
    Val,
    /// Held out.
    Test,
    /// The dataset does not say.
    #[default]
    Unassigned,
}

impl Split {
    /// The name used in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Split::Train => "train",
            Split::Val => "val",
            Split::Test => "test",
            Split::Unassigned => "unassigned",
        }
    }
}

/// Facts about a video file that need a look inside; cached between runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct VideoFacts {
    /// Stored pixels in a row, rotation applied.
    pub width: u32,
    /// Stored rows, rotation applied.
    pub height: u32,
    /// Average frames a second.
    pub fps: f64,
    /// Exact number of frames that decode.
    pub frames: u32,
    /// Presentation time of the end of the last frame, in seconds.
    pub duration_s: f64,
    /// Short codec name such as `h264`.
    pub codec: String,
    /// True when frame durations differ.
    pub variable_frame_rate: bool,
    /// Frames that have a number and cannot be shown (missing or damaged pictures of a frame folder), as first and the one
    /// behind the last, ascending.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<(u32, u32)>,
    /// Digest of what is in the file (hex digits), whatever it is called and wherever it lies; empty when it is not known.
    #[serde(default)]
    pub content: String,
}

impl VideoFacts {
    /// True when a frame cannot be shown.
    pub fn in_gap(&self, frame: u32) -> bool {
        self.gap_at(frame).is_some()
    }

    fn gap_at(&self, frame: u32) -> Option<(u32, u32)> {
        let at = self.gaps.partition_point(|(_, end)| *end <= frame);
        self.gaps.get(at).copied().filter(|(start, _)| *start <= frame)
    }

    /// The frame shown in place of one that cannot be shown: the one before, or the next where there is none before.
    pub fn shown_for(&self, frame: u32) -> u32 {
        match self.gap_at(frame) {
            None => frame,
            Some((0, end)) if end < self.frames => end,
            Some((start, _)) => start.saturating_sub(1),
        }
    }

    /// How many frames cannot be shown.
    pub fn frames_in_gaps(&self) -> u32 {
        self.gaps.iter().map(|(start, end)| end - start).sum()
    }
}

/// Where the segmentation masks of a video are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaskSource {
    /// PNG files; position = frame number, `None` where a frame has no mask.
    Files(Vec<Option<PathBuf>>),
    /// A mask video with the same frames.
    Video(PathBuf),
}

/// One video of a dataset.
#[derive(Clone, Debug, Default)]
pub struct VideoEntry {
    /// File or frame folder.
    pub path: PathBuf,
    /// Stable short name, unique in the dataset: the path relative to the root with `/`.
    pub name: String,
    /// Who is in it; empty when the dataset does not say.
    pub subject: String,
    /// Which part it belongs to.
    pub split: Split,
    /// What its frames show, one label a frame; where instances overlap, the first of them. Empty in multi-label datasets.
    pub labels: LabelTrack,
    /// Its annotations in order of time; they may overlap. Where frames are labelled one by one: the runs of equal labels.
    pub instances: Vec<Instance>,
    /// Masks, when the dataset has them.
    pub masks: Option<MaskSource>,
    /// CSV file of poses, when the dataset has one.
    pub poses: Option<PathBuf>,
    /// Video with the pose drawn in, when the dataset has one.
    pub pose_video: Option<PathBuf>,
    /// Pictures a second of a folder of pictures, where the format of the dataset says so.
    pub stated_rate: Option<f64>,
    /// What looking inside the file told; `None` when it could not be opened, or nobody looked yet.
    pub facts: Option<VideoFacts>,
    /// What its rows say, until somebody looks into the file: then it becomes labels and instances. `None` from then on.
    pub unread: Option<Arc<Unread>>,
}

impl VideoEntry {
    /// Frames that decode; 0 when the file could not be opened, and until somebody looked into it.
    pub fn frames(&self) -> u32 {
        self.facts.as_ref().map_or(0, |f| f.frames)
    }

    /// True until somebody looked into the file: nothing is known of its frames, not even whether it can be opened.
    pub fn is_pending(&self) -> bool {
        self.unread.is_some()
    }

    /// True where somebody looked into the file and it cannot be opened.
    pub fn is_unreadable(&self) -> bool {
        self.facts.is_none() && !self.is_pending()
    }

    /// Digest of what is in the file; empty when it is not known.
    pub fn content(&self) -> &str {
        self.facts.as_ref().map_or("", |f| &f.content)
    }

    /// True when somebody said what a part of it shows.
    pub fn is_labelled(&self) -> bool {
        !self.labels.is_empty()
            || self.instances.iter().any(|i| i.label.single().is_some())
            || self.unread.as_ref().is_some_and(|u| u.labelled)
    }

    /// Every labelled part with its label, cut to the frames that decode. Where a frame has one label: its runs, which do
    /// not overlap. In multi-label datasets: one part a class of each instance, in the order of the instances, so that parts
    /// overlap.
    pub fn class_spans(&self) -> impl Iterator<Item = Segment> + '_ {
        let instances = self.labels.is_empty().then(|| self.instance_spans());
        self.labels.clipped(self.frames()).chain(instances.into_iter().flatten())
    }

    /// The instances with each of their classes, or background, cut to the frames that decode, in their order.
    pub fn instance_spans(&self) -> impl Iterator<Item = Segment> + '_ {
        let frames = self.frames();
        let of = move |i: &Instance, label: Label| Segment { start: i.start, end: i.end.min(frames), label };
        let spans = self.instances.iter().flat_map(move |i| {
            let background = i.label.classes().is_empty().then(|| i.label.single()).flatten();
            let classes = i.label.classes().iter().map(|c| Label::Class(*c));
            classes.chain(background).map(move |label| of(i, label))
        });
        spans.filter(|s| s.start < s.end)
    }

    /// Frames of each label, a frame counted once a label however many parts hold it, labels in order.
    pub fn frames_by_label(&self) -> Vec<(Label, u64)> {
        let mut spans: Vec<Segment> = self.class_spans().collect();
        spans.sort_unstable_by_key(|s| (s.label, s.start));
        spans
            .chunk_by(|a, b| a.label == b.label)
            .filter_map(|of_label| Some((of_label.first()?.label, frames_covered(of_label))))
            .collect()
    }

    /// Frames that at least one part labels.
    pub fn labelled_frames(&self) -> u64 {
        if !self.labels.is_empty() {
            // Its runs do not overlap.
            return self.labels.clipped(self.frames()).map(|s| u64::from(s.end - s.start)).sum();
        }
        let mut spans: Vec<Segment> = self.instance_spans().collect();
        spans.sort_unstable_by_key(|s| s.start);
        frames_covered(&spans)
    }

    /// Classes that it shows, ascending; those that its rows name until somebody looked into it.
    pub fn classes(&self) -> Vec<ClassId> {
        if let Some(unread) = &self.unread {
            return unread.classes.to_vec();
        }
        let mut classes: Vec<usize> = self.class_spans().filter_map(|s| s.label.class()).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// Labels of a frame, in order: none, one, or in multi-label datasets several.
    pub fn labels_at(&self, frame: u32) -> Vec<Label> {
        let mut labels: Vec<Label> =
            self.class_spans().filter(|s| s.start <= frame && frame < s.end).map(|s| s.label).collect();
        labels.sort_unstable();
        labels.dedup();
        labels
    }
}

/// Frames in at least one of several parts, which ascend by their start.
fn frames_covered(parts: &[Segment]) -> u64 {
    let mut reach = 0;
    let mut new = |s: &Segment| {
        let from = s.start.max(reach);
        reach = reach.max(s.end);
        u64::from(s.end.saturating_sub(from))
    };
    parts.iter().map(&mut new).sum()
}

/// A choice that a dataset's files leave open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// Key, as in `--choose key=value`.
    pub key: String,
    /// What is asked, one phrase.
    pub question: String,
    /// The value that holds; several with commas between them.
    pub value: String,
    /// All values that may be chosen; empty where it is a number or text.
    pub options: Vec<String>,
    /// True where several may be chosen.
    pub several: bool,
}

/// Something about a dataset its owner should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetWarning {
    /// The file or folder concerned.
    #[serde(serialize_with = "serialize_path")]
    pub path: PathBuf,
    /// A sentence: what is wrong and what to do.
    pub message: String,
}

/// A dataset as opened from disk.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    /// The folder or file it was opened from.
    pub root: PathBuf,
    /// What people call it: the folder's name.
    pub name: String,
    /// Id of the format in `data::FORMATS`.
    pub format: String,
    /// How many classes a clip may have.
    pub task: Task,
    /// True where clips are cut from the instances of a video, each inside one of them; false where frames are labelled one
    /// by one and windows slide over the whole video.
    pub instance_wise: bool,
    /// How the files were read where they leave a choice: key of `--choose` and what holds.
    pub choices: Vec<Choice>,
    /// The classes.
    pub classes: ClassSet,
    /// What its label map made of the classes that its files have; `None` where there is no map.
    pub mapped: Option<Box<MappedClasses>>,
    /// Corrections of its labels, which are kept apart from its files; `None` where there are none.
    pub corrections: Option<Box<DatasetCorrections>>,
    /// What became of every row of the files.
    pub ledger: Ledger,
    /// The videos, in a stable order.
    pub videos: Vec<VideoEntry>,
    /// What was noticed while opening.
    pub warnings: Vec<DatasetWarning>,
    /// Changes whenever files, labels or splits change (hex digits).
    pub fingerprint: String,
    /// Groups of videos that show the same: equal files, or one recorded or encoded anew from the other. Positions in
    /// `videos`, ascending; a video is in at most one group.
    pub copies: Vec<Copies>,
    /// How far looking into the videos is, in a dataset so large that it is opened without; `None` once all is known.
    pub indexing: Option<Indexing>,
}

impl Dataset {
    /// Videos that nobody looked into yet.
    pub fn pending(&self) -> usize {
        self.indexing.as_ref().map_or(0, |i| i.left)
    }

    /// How many of its labels are corrected.
    pub fn correction_counts(&self) -> CorrectionCounts {
        self.corrections.as_deref().map(DatasetCorrections::counts).unwrap_or_default()
    }
}

/// Videos of a dataset that show the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// Positions in [`Dataset::videos`], ascending.
    pub videos: Vec<usize>,
    /// True when the files are equal byte by byte.
    pub equal: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::InstanceLabel;

    #[test]
    fn spans_are_the_runs_of_frames_or_the_classes_of_overlapping_instances() {
        let class = Label::Class;
        let instance = |start, end, label| Instance { start, end, label, ..Instance::default() };
        let instances = vec![
            instance(0, 10, InstanceLabel::of(vec![2, 0])),
            instance(5, 12, InstanceLabel::Class(0)),
            instance(8, 9, InstanceLabel::Unlabelled),
            instance(15, 30, InstanceLabel::Background),
            instance(40, 50, InstanceLabel::Class(1)),
        ];
        let facts = Some(VideoFacts { frames: 20, ..VideoFacts::default() });
        let several = VideoEntry { instances: instances.clone(), facts: facts.clone(), ..VideoEntry::default() };
        let spans: Vec<_> = several.class_spans().map(|s| (s.start, s.end, s.label)).collect();
        assert_eq!(
            spans,
            [(0, 10, class(0)), (0, 10, class(2)), (5, 12, class(0)), (15, 20, Label::Background)],
            "cut to the video; what lies past it is none"
        );
        assert_eq!(several.frames_by_label(), [(Label::Background, 5), (class(0), 12), (class(2), 10)]);
        assert_eq!((several.labelled_frames(), several.classes()), (17, vec![0, 2]));
        assert_eq!(several.labels_at(7), [class(0), class(2)]);
        assert_eq!((several.labels_at(13), several.is_labelled()), (vec![], true));
        // One label a frame: the instances say the same once more.
        let labels = LabelTrack::from_segments(vec![Segment { start: 3, end: 25, label: class(1) }]);
        let one = VideoEntry { labels, instances, facts, ..VideoEntry::default() };
        assert_eq!(one.class_spans().map(|s| (s.start, s.end, s.label)).collect::<Vec<_>>(), [(3, 20, class(1))]);
        let silent = VideoEntry { instances: vec![instance(0, 5, InstanceLabel::Unlabelled)], ..VideoEntry::default() };
        assert!(!silent.is_labelled() && !VideoEntry::default().is_labelled());
    }

    #[test]
    fn frames_that_cannot_be_shown_have_one_that_stands_in() {
        let facts = VideoFacts { frames: 20, gaps: vec![(0, 2), (7, 9), (19, 20)], ..VideoFacts::default() };
        let shown: Vec<u32> = [0, 1, 2, 6, 7, 8, 9, 18, 19].map(|n| facts.shown_for(n)).to_vec();
        assert_eq!(shown, [2, 2, 2, 6, 6, 6, 9, 18, 18]);
        assert_eq!((facts.frames_in_gaps(), facts.in_gap(8), facts.in_gap(9)), (5, true, false));
    }
}
