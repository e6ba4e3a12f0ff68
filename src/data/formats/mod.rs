//! Dataset formats: one file and one row of [`FORMATS`] each.

mod class_folders;
mod companions;
mod exercise;
mod single;
mod ucf_csv;

use super::DataError;
use crate::config::DataConfig;
use crate::domain::{DatasetWarning, Label, LabelTrack, Split, VideoEntry};
use std::path::{Path, PathBuf};

/// A row of the format registry.
#[derive(Clone, Copy, Debug)]
pub struct FormatSpec {
    /// Id in files and in `inspect`.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What must be there for the format to be recognised, one phrase.
    pub looks_for: &'static str,
    /// Says why a path is of this format, or why it is not; looks at names only, never inside videos.
    pub detect: fn(&Path) -> Result<String, String>,
    /// Reads names, labels and splits; looking into videos comes later.
    pub(super) read: fn(&Path, &DataConfig) -> Result<Draft, DataError>,
}

/// Every format, in the order in which they are tried.
pub const FORMATS: &[FormatSpec] = &[
    FormatSpec {
        id: "exercise",
        title: "Exercise recordings with frame labels",
        looks_for: "a folder 'anon' of videos (below 'dataset' or directly) and a folder 'label' of CSV files",
        detect: exercise::detect,
        read: exercise::read,
    },
    FormatSpec {
        id: "ucf-csv",
        title: "Videos listed in train.csv, val.csv, test.csv",
        looks_for: "train.csv, val.csv or test.csv with a clip_path and a class column",
        detect: ucf_csv::detect,
        read: ucf_csv::read,
    },
    FormatSpec {
        id: "single",
        title: "One video, picture, frame folder, or a folder of unlabelled videos",
        looks_for: "a video or picture file, or videos or pictures directly in the folder",
        detect: single::detect,
        read: single::read,
    },
    FormatSpec {
        id: "class-folders",
        title: "One folder a class",
        looks_for: "folders named after classes with videos or frame folders in them, optionally below train, val and test",
        detect: class_folders::detect,
        read: class_folders::read,
    },
];

/// The format of a path and the reason it was chosen.
pub fn detect(path: &Path) -> Result<(&'static FormatSpec, String), DataError> {
    if !path.exists() {
        return Err(DataError::Missing { path: path.to_path_buf() });
    }
    let mut looked = Vec::new();
    for format in FORMATS {
        match (format.detect)(path) {
            Ok(reason) => return Ok((format, reason)),
            Err(why) => looked.push(format!("{} ({}): {why}", format.looks_for, format.id)),
        }
    }
    Err(DataError::UnknownFormat { path: path.to_path_buf(), looked_for: looked.join("; ") })
}

/// A dataset before anybody looked inside its videos.
#[derive(Debug, Default)]
pub(super) struct Draft {
    /// Class ids and names, in output order.
    pub(super) classes: crate::domain::ClassSet,
    /// The videos.
    pub(super) videos: Vec<DraftVideo>,
    /// What was noticed so far.
    pub(super) warnings: Vec<DatasetWarning>,
}

impl Draft {
    /// Notes something about a file.
    pub(super) fn warn(&mut self, path: impl Into<PathBuf>, message: impl Into<String>) {
        self.warnings.push(warning(path, message));
    }
}

/// A video and where its labels were read from.
#[derive(Debug)]
pub(super) struct DraftVideo {
    /// The entry, without facts.
    pub(super) entry: VideoEntry,
    /// The frame-label file, where there is one.
    pub(super) label_file: Option<PathBuf>,
}

/// Something the owner of a file should know.
pub(super) fn warning(path: impl Into<PathBuf>, message: impl Into<String>) -> DatasetWarning {
    DatasetWarning { path: path.into(), message: message.into() }
}

/// An entry of which only the file is known.
fn bare_entry(root: &Path, path: PathBuf) -> VideoEntry {
    VideoEntry {
        name: super::scan::relative_name(root, &path),
        path,
        subject: String::new(),
        split: Split::Unassigned,
        labels: LabelTrack::default(),
        masks: None,
        poses: None,
        pose_video: None,
        facts: None,
    }
}

/// An entry with one label over its whole length.
fn whole_entry(root: &Path, path: PathBuf, label: Label) -> VideoEntry {
    VideoEntry { labels: LabelTrack::whole(label), ..bare_entry(root, path) }
}
