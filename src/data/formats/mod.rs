//! Dataset formats: one file and one row of [`FORMATS`] each.
//!
//! Opening a path asks every format in order whether it is one of it (by names alone); the first that says yes reads a draft:
//! classes, videos, labels, splits, and warnings with file and line. What lies inside the videos comes later, in `data/open.rs`.

mod activitynet;
mod annotation;
mod answers;
mod ava;
mod boris;
mod boris_events;
mod charades;
mod choices;
mod class_folders;
mod companions;
mod containers;
mod cvat;
mod deepethogram;
mod diving48;
mod elan;
mod epic_kitchens;
mod exercise;
mod find;
mod finegym;
mod frame_labels;
mod hmdb51;
mod jester;
mod json;
mod json_values;
mod kinetics;
mod label_studio;
mod list;
mod listing;
mod lists;
mod pbtxt;
mod people;
mod picture_csv;
mod single;
mod something;
mod table;
mod table_preview;
mod tools;
mod ucf101;
mod ucf_csv;
mod unknown;
mod unused;
mod xml;

use super::DataError;
use super::label_csv::intervals::Extent;
use crate::config::DataConfig;
use crate::domain::{Choice, DatasetWarning, Label, LabelTrack, Ledger, Split, Task, VideoEntry};
pub(super) use annotation::{Annotation, Clock, Span, place_of};
pub(super) use choices::refuse_unknown;
use std::path::{Path, PathBuf};
pub use table_preview::{PreviewRow, RowReading, TableColumn, TablePreview, is_table, table_preview};

/// A row of the format registry.
#[derive(Clone, Copy, Debug)]
pub struct FormatSpec {
    /// Id in files and in `inspect`.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What must be there for the format to be recognised, one phrase.
    pub looks_for: &'static str,
    /// True where it takes every video below the folder, so that one which it overlooks is to be named.
    pub takes_all: bool,
    /// True where every frame has a label of its own: windows slide over the whole video, and annotations that share frames
    /// contradict each other. Elsewhere clips are cut from instances, which may overlap.
    pub frame_wise: bool,
    /// Says why a path is of this format, or why it is not; looks at names and at the first lines of lists, never inside
    /// videos.
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
        takes_all: true,
        frame_wise: true,
        detect: exercise::detect,
        read: exercise::read,
    },
    FormatSpec {
        id: "something-v2",
        title: "Something-Something V2",
        looks_for: "labels.json (or something-something-v2-labels.json) with …train.json of records with a template",
        takes_all: false,
        frame_wise: false,
        detect: something::detect,
        read: something::read,
    },
    FormatSpec {
        id: "ucf101-splits",
        title: "UCF101 with its official splits",
        looks_for: "classInd.txt with trainlist01.txt and testlist01.txt, and a folder of videos a class",
        takes_all: false,
        frame_wise: false,
        detect: ucf101::detect,
        read: ucf101::read,
    },
    FormatSpec {
        id: "hmdb51-splits",
        title: "HMDB51 with its official splits",
        looks_for: "files named CLASS_test_split1.txt with a file name and a tag a line, and a folder of videos a class",
        takes_all: false,
        frame_wise: false,
        detect: hmdb51::detect,
        read: hmdb51::read,
    },
    FormatSpec {
        id: "jester",
        title: "Jester or Something-Something V1",
        looks_for: "jester-v1-labels.csv (or another prefix) with …-train.csv of lines 'id;label'",
        takes_all: false,
        frame_wise: false,
        detect: jester::detect,
        read: jester::read,
    },
    FormatSpec {
        id: "frame-labels",
        title: "GTEA, 50Salads, Breakfast (MS-TCN)",
        looks_for: "mapping.txt and a folder groundTruth of label files",
        takes_all: false,
        frame_wise: true,
        detect: frame_labels::detect,
        read: frame_labels::read,
    },
    FormatSpec {
        id: "epic-kitchens",
        title: "EPIC-KITCHENS-100",
        looks_for: "EPIC_100_train.csv or EPIC_100_validation.csv",
        takes_all: false,
        frame_wise: false,
        detect: epic_kitchens::detect,
        read: epic_kitchens::read,
    },
    FormatSpec {
        id: "charades",
        title: "Charades",
        looks_for: "Charades_v1_train.csv or Charades_v1_test.csv",
        takes_all: false,
        frame_wise: false,
        detect: charades::detect,
        read: charades::read,
    },
    FormatSpec {
        id: "ava",
        title: "AVA actions",
        looks_for: "ava_train_v2.2.csv or ava_val_v2.2.csv and a list of actions (.pbtxt)",
        takes_all: false,
        frame_wise: false,
        detect: ava::detect,
        read: ava::read,
    },
    FormatSpec {
        id: "diving48",
        title: "Diving48",
        looks_for: "Diving48_V2_train.json or Diving48_V2_test.json",
        takes_all: false,
        frame_wise: false,
        detect: diving48::detect,
        read: diving48::read,
    },
    FormatSpec {
        id: "finegym",
        title: "FineGym",
        looks_for: "gym99_train_element.txt or gym288_train_element.txt",
        takes_all: false,
        frame_wise: false,
        detect: finegym::detect,
        read: finegym::read,
    },
    FormatSpec {
        id: "kinetics-csv",
        title: "Kinetics tables",
        looks_for: "train.csv, val.csv or test.csv with a youtube_id column",
        takes_all: false,
        frame_wise: false,
        detect: kinetics::detect,
        read: kinetics::read,
    },
    FormatSpec {
        id: "picture-csv",
        title: "Pictures listed in Training_set.csv and Testing_set.csv",
        looks_for: "tables of a split with names of pictures and their classes",
        takes_all: false,
        frame_wise: false,
        detect: picture_csv::detect,
        read: picture_csv::read,
    },
    FormatSpec {
        id: "ucf-csv",
        title: "Videos listed in train.csv, val.csv, test.csv",
        looks_for: "train.csv, val.csv or test.csv with a clip_path and a class column",
        takes_all: false,
        frame_wise: true,
        detect: ucf_csv::detect,
        read: ucf_csv::read,
    },
    FormatSpec {
        id: "list",
        title: "Lists of paths and class numbers",
        looks_for: "text files named train, val or test with lines 'path number' or 'path frames number'",
        takes_all: false,
        frame_wise: false,
        detect: list::detect,
        read: list::read,
    },
    FormatSpec {
        id: "activitynet",
        title: "ActivityNet, THUMOS and others in its form",
        looks_for: "a JSON file with an object 'database' of videos",
        takes_all: false,
        frame_wise: false,
        detect: activitynet::detect,
        read: activitynet::read,
    },
    FormatSpec {
        id: "boris",
        title: "Events of BORIS",
        looks_for: "a CSV or TSV file of events with the columns Behavior, Behavior type and Time",
        takes_all: false,
        frame_wise: false,
        detect: boris::detect,
        read: boris::read,
    },
    FormatSpec {
        id: "elan",
        title: "Tiers of ELAN",
        looks_for: "an .eaf file beside each video",
        takes_all: false,
        frame_wise: false,
        detect: elan::detect,
        read: elan::read,
    },
    FormatSpec {
        id: "cvat-video",
        title: "Tracks of CVAT for video",
        looks_for: "an .xml file of CVAT with tracks",
        takes_all: false,
        frame_wise: false,
        detect: cvat::detect,
        read: cvat::read,
    },
    FormatSpec {
        id: "label-studio",
        title: "Timelines of Label Studio",
        looks_for: "a .json export of tasks with timeline labels",
        takes_all: false,
        frame_wise: false,
        detect: label_studio::detect,
        read: label_studio::read,
    },
    FormatSpec {
        id: "deepethogram",
        title: "Frame labels of DeepEthogram",
        looks_for: "project_config.yaml with class_names, or VIDEO_labels.csv beside VIDEO.mp4",
        takes_all: true,
        frame_wise: true,
        detect: deepethogram::detect,
        read: deepethogram::read,
    },
    FormatSpec {
        id: "table",
        title: "A table with assigned columns",
        looks_for: "nothing: somebody says which table and which columns",
        takes_all: false,
        frame_wise: false,
        detect: table::detect,
        read: table::read,
    },
    FormatSpec {
        id: "single",
        title: "One video, picture, frame folder, or a folder of unlabelled videos",
        looks_for: "a video or picture file, or videos or pictures directly in the folder",
        takes_all: true,
        frame_wise: false,
        detect: single::detect,
        read: single::read,
    },
    FormatSpec {
        id: "class-folders",
        title: "One folder a class",
        looks_for: "folders named after classes with videos or frame folders in them, optionally below train, val and test",
        takes_all: true,
        frame_wise: false,
        detect: class_folders::detect,
        read: class_folders::read,
    },
];

/// The format of a path and the reason it was chosen.
pub fn detect(path: &Path) -> Result<(&'static FormatSpec, String), DataError> {
    if !path.exists() {
        return Err(DataError::Missing { path: path.to_path_buf() });
    }
    let mut looked: Vec<(&FormatSpec, String)> = Vec::new();
    for format in FORMATS {
        match (format.detect)(path) {
            Ok(reason) => return Ok((format, reason)),
            Err(why) => looked.push((format, why)),
        }
    }
    // Where a list lies there, what is wrong with it is the reason.
    Err(match unused::looks_listed(path, true).filter(|_| path.is_dir()) {
        Some(list) => {
            let why = unused::why_unread(&list);
            let own = format!("cannot read {}: ", list.display());
            let reason = why.strip_prefix(&own).unwrap_or(&why);
            let near = unknown::nearly(&list, &looked, reason);
            let near = if near.is_empty() { String::new() } else { format!(": {}", near.join("; ")) };
            DataError::Read { path: list, reason: format!("{reason}. No other layout fits either{near}") }
        }
        None => {
            let cause = unknown::cause(path, &looked);
            DataError::UnknownFormat { path: path.to_path_buf(), cause }
        }
    })
}

/// What every format looks for, and why a path is of it or not.
pub fn layouts(path: &Path) -> Vec<(&'static FormatSpec, Result<String, String>)> {
    FORMATS.iter().map(|format| (format, (format.detect)(path))).collect()
}

/// The format that is configured, or else the one that a path is recognised as, and why.
///
/// # Errors
/// As [`detect`]; a configured format that there is not.
pub(super) fn choose_format(path: &Path, config: &DataConfig) -> Result<(&'static FormatSpec, String), DataError> {
    let Some(id) = config.format.as_deref().or(table::is_assigned(config).then_some("table")) else {
        return detect(path);
    };
    if !path.exists() {
        return Err(DataError::Missing { path: path.to_path_buf() });
    }
    FORMATS.iter().find(|f| f.id == id).map(|f| (f, "it is configured so".to_owned())).ok_or_else(|| {
        let known: Vec<&str> = FORMATS.iter().map(|f| f.id).collect();
        let reason = format!("there is no dataset format '{id}'; the formats are {}", known.join(", "));
        DataError::Read { path: path.to_path_buf(), reason }
    })
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
    /// Files that told labels, classes or splits.
    pub(super) used: Vec<PathBuf>,
    /// How many classes a clip may have.
    pub(super) task: Task,
    /// What became of the rows so far.
    pub(super) ledger: Ledger,
    /// What the files leave open, and what holds.
    pub(super) choices: Vec<Choice>,
    /// Frames are known to count from 0, so that nobody has to guess.
    pub(super) from_zero: bool,
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
    /// The file whose rows label frames by number, where there is one.
    pub(super) label_file: Option<PathBuf>,
    /// What the times of the annotations count.
    pub(super) clock: Clock,
    /// Pictures a second of a folder of pictures, where the format knows.
    pub(super) rate: Option<f64>,
    /// Annotations, which become instances once the video was looked into.
    pub(super) annotations: Vec<Annotation>,
    /// Rows that label one frame each: first frame, its line, and how many follow frame by frame and line by line.
    pub(super) frame_rows: Vec<(u32, u32, u32)>,
    /// Those of `frame_rows` that say that nobody labelled their frame, likewise.
    pub(super) unlabelled_rows: Vec<(u32, u32, u32)>,
}

impl DraftVideo {
    /// A video whose labels need nothing else.
    fn of(entry: VideoEntry) -> Self {
        Self {
            entry,
            label_file: None,
            clock: Clock::Video,
            rate: None,
            annotations: Vec::new(),
            frame_rows: Vec::new(),
            unlabelled_rows: Vec::new(),
        }
    }
}

impl DraftVideo {
    /// The first labelled frame and one past the last, where frames are labelled by number.
    pub(super) fn labelled_frames(&self) -> Option<(u32, u32)> {
        let of = |a: &Annotation| match a.span {
            Span::At(Extent::Frames { start, end }) => Some((start, end)),
            _ => None,
        };
        let track = self.entry.labels.segments();
        let tracked = track.first().map(|s| s.start).zip(track.last().map(|s| s.end));
        let all = self.annotations.iter().filter_map(of).chain(tracked);
        all.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    }
}

/// Tells of every file beside the videos of a folder that looks like labels and was not used.
pub(super) fn unused_files(root: &Path, draft: &Draft) -> Vec<DatasetWarning> {
    unused::tell(root, draft)
}

/// Lists without rows, with the line each ends in.
fn no_rows(draft: &Draft, root: &Path) -> String {
    let lists = draft.used.iter().filter(|f| lists::split_of_name(&super::scan::file_name(f)).is_some());
    let ends = lists.filter_map(|f| {
        let lines = super::label_csv::text::read(f).ok()?.text.trim_end().lines().count();
        Some(format!("{} ends in line {lines}", super::scan::relative_name(root, f)))
    });
    let told: Vec<String> = ends.collect();
    match told.is_empty() {
        true => "the lists hold no rows".to_owned(),
        false => format!("the lists hold no rows: {}; get them again", told.join(", ")),
    }
}

/// Why no row of a list could be used, from what was noticed.
fn first_reason(draft: &Draft, root: &Path) -> String {
    // What is wrong with a line is nearer to the reason than what is said of a file.
    let of_line = draft.warnings.iter().find(|w| w.message.contains("line "));
    of_line.or(draft.warnings.first()).map_or_else(
        || no_rows(draft, root),
        |w| {
            format!("no listed video could be used; first {}: {}", super::scan::relative_name(root, &w.path), w.message)
        },
    )
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
        instances: Vec::new(),
        masks: None,
        poses: None,
        pose_video: None,
        stated_rate: None,
        facts: None,
        unread: None,
    }
}

/// An entry with one label over its whole length.
fn whole_entry(root: &Path, path: PathBuf, label: Label) -> VideoEntry {
    VideoEntry { labels: LabelTrack::whole(label), ..bare_entry(root, path) }
}
