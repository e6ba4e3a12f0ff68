use super::{ClassSet, LabelTrack};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

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
#[derive(Clone, Debug)]
pub struct VideoEntry {
    /// File or frame folder.
    pub path: PathBuf,
    /// Stable short name, unique in the dataset: the path relative to the root with `/`.
    pub name: String,
    /// Who is in it; empty when the dataset does not say.
    pub subject: String,
    /// Which part it belongs to.
    pub split: Split,
    /// What its frames show.
    pub labels: LabelTrack,
    /// Masks, when the dataset has them.
    pub masks: Option<MaskSource>,
    /// CSV file of poses, when the dataset has one.
    pub poses: Option<PathBuf>,
    /// Video with the pose drawn in, when the dataset has one.
    pub pose_video: Option<PathBuf>,
    /// What looking inside the file told; `None` when it could not be opened.
    pub facts: Option<VideoFacts>,
}

impl VideoEntry {
    /// Frames that decode; 0 when the file could not be opened.
    pub fn frames(&self) -> u32 {
        self.facts.as_ref().map_or(0, |f| f.frames)
    }
}

/// Something about a dataset its owner should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetWarning {
    /// The file or folder concerned.
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
    /// The classes.
    pub classes: ClassSet,
    /// The videos, in a stable order.
    pub videos: Vec<VideoEntry>,
    /// What was noticed while opening.
    pub warnings: Vec<DatasetWarning>,
    /// Changes whenever files, labels or splits change (hex digits).
    pub fingerprint: String,
}
