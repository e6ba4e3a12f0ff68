//! Labels of a dataset as other tools read them: CVAT, FiftyOne, COCO for video.
//!
//! Each tool is told every class of every annotated part of a video, cut to the frames that decode, and beside it what a network
//! said about clips of it. Frames of folders are counted as their pictures are.

mod coco;
mod cvat;
mod fiftyone;

use super::DataError;
use super::instance_list::counted;
use crate::domain::{
    Dataset, FrameBox, Instance, InstanceLabel, SplitChoice, VideoEntry, VideoFacts, choices, counted as in_words,
};
use crate::files;
use crate::progress::Monitor;
use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A tool that labels are written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelTool {
    /// FiftyOne's temporal detections, and a dataset as JSON.
    FiftyOne,
    /// COCO for video, as TAO has it.
    Coco,
    /// CVAT for video 1.1: an XML file a video.
    Cvat,
}

impl LabelTool {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::FiftyOne, Self::Coco, Self::Cvat];

    /// Its id on the command line.
    pub fn id(self) -> &'static str {
        match self {
            Self::FiftyOne => "fiftyone",
            Self::Coco => "coco",
            Self::Cvat => "cvat",
        }
    }

    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::FiftyOne => "FiftyOne",
            Self::Coco => "COCO (video)",
            Self::Cvat => "CVAT",
        }
    }

    /// The tool of an id.
    ///
    /// # Errors
    /// A sentence with the ids there are.
    pub fn find(id: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|t| t.id() == id).ok_or_else(|| {
            format!("labels cannot be written for '{id}'; choose {}", choices(id, Self::ALL.map(Self::id)))
        })
    }

    /// True for the name of a file that is written for it.
    pub fn writes(self, name: &str) -> bool {
        match self {
            Self::FiftyOne => fiftyone::FILES.contains(&name),
            Self::Coco => coco::FILES.contains(&name),
            Self::Cvat => name.ends_with(".xml"),
        }
    }
}

/// What a network said about a part of a video.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SaidPart {
    /// Name of the video in the dataset.
    pub video: String,
    /// First frame.
    pub start: u32,
    /// One past the last frame.
    pub end: u32,
    /// The class.
    pub class: String,
    /// Its probability.
    pub confidence: f32,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct WrittenLabels {
    /// The files.
    pub files: Vec<PathBuf>,
    /// Videos told of.
    pub videos: u64,
    /// Labelled parts, one a class.
    pub parts: u64,
    /// Parts that a network spoke about.
    pub said: u64,
    /// What the tool has no room for; sentences.
    pub left_out: Vec<String>,
}

/// A labelled part of a video.
struct Part<'a> {
    start: u32,
    end: u32,
    class: usize,
    boxes: &'a [FrameBox],
}

/// A video with its labels.
struct Labelled<'a> {
    entry: &'a VideoEntry,
    facts: &'a VideoFacts,
    /// Frames as the tool counts them.
    frames: u32,
    parts: Vec<Part<'a>>,
    said: Vec<SaidPart>,
}

/// Everything that is told.
struct Told<'a> {
    dataset: &'a Dataset,
    videos: Vec<Labelled<'a>>,
    /// Names of the classes of the dataset, and behind them those that only the network knows.
    classes: Vec<&'a str>,
    has_predictions: bool,
    monitor: &'a dyn Monitor,
}

impl Told<'_> {
    /// The position of a class; `classes` holds every class that is told.
    fn class(&self, name: &str) -> usize {
        self.classes.iter().position(|c| *c == name).unwrap_or_default()
    }

    /// Says how far it is.
    ///
    /// # Errors
    /// [`DataError::Stopped`].
    fn at(&self, video: usize) -> Result<(), DataError> {
        self.monitor.stage("writing labels", video as u64, self.videos.len() as u64);
        if self.monitor.stopped() { Err(DataError::Stopped) } else { Ok(()) }
    }
}

/// Writes the labels of the videos of a split, and beside them what a network said about them, to the folder `out`.
/// `predicted` says whether a network was asked at all.
///
/// # Errors
/// Videos that nobody looked into, a dataset without a labelled video in the split, a folder that cannot be written, a stop.
pub fn export_labels(
    dataset: &Dataset,
    split: SplitChoice,
    predicted: Option<&[SaidPart]>,
    tool: LabelTool,
    out: &Path,
    monitor: &dyn Monitor,
) -> Result<WrittenLabels, DataError> {
    let takes = |i: usize| split.takes(dataset.videos.get(i).map(|v| v.split));
    super::require_known(dataset, takes)?;
    let mut written = WrittenLabels::default();
    let mut by_video: HashMap<&str, Vec<&SaidPart>> = HashMap::new();
    for said in predicted.into_iter().flatten() {
        by_video.entry(said.video.as_str()).or_default().push(said);
    }
    let entries = dataset.videos.iter().enumerate().filter(|(i, _)| takes(*i)).map(|(_, v)| v);
    let (mut videos, mut unlabelled, mut background, mut closed) = (Vec::new(), 0_u64, 0_u64, 0_u64);
    for entry in entries {
        let Some(facts) = &entry.facts else {
            closed += 1;
            continue;
        };
        unlabelled += entry.instances.iter().filter(|i| !i.label.is_labelled()).count() as u64;
        background += entry.instances.iter().filter(|i| i.label == InstanceLabel::Background).count() as u64;
        let said = by_video.remove(entry.name.as_str()).unwrap_or_default();
        let said = said.into_iter().map(|s| SaidPart {
            start: counted(entry, s.start),
            end: counted(entry, s.end.min(facts.frames)),
            ..s.clone()
        });
        let said = said.filter(|s| s.start < s.end).collect();
        videos.push(Labelled { frames: counted(entry, facts.frames), parts: parts_of(entry), facts, entry, said });
    }
    let left = [
        (closed, "video", "that cannot be opened"),
        (unlabelled, "part", "without a label"),
        (background, "part", "labelled as background, which is no class"),
    ];
    let left = left.into_iter().filter(|(n, ..)| *n > 0);
    written.left_out = left.map(|(n, what, why)| format!("left out: {} {why}", in_words(n, what))).collect();
    let mut classes: Vec<&str> = dataset.classes.classes.iter().map(|c| c.name.as_str()).collect();
    let of_network: BTreeSet<&str> = predicted.into_iter().flatten().map(|s| s.class.as_str()).collect();
    classes.extend(of_network.into_iter().filter(|name| dataset.classes.by_name(name).is_none()));
    let told = Told { dataset, videos, classes, has_predictions: predicted.is_some(), monitor };
    if told.videos.iter().all(|v| v.parts.is_empty() && v.said.is_empty()) {
        let reason = format!(
            "none of its videos in '{}' has a part with a class; choose another split, or look at what was read with inspect",
            split.name()
        );
        return Err(DataError::NothingToExport { path: dataset.root.clone(), reason });
    }
    std::fs::create_dir_all(out).map_err(|e| failed(out, &e))?;
    match tool {
        LabelTool::FiftyOne => fiftyone::write(&told, out, &mut written)?,
        LabelTool::Coco => coco::write(&told, out, &mut written)?,
        LabelTool::Cvat => cvat::write(&told, out, &mut written)?,
    }
    Ok(written)
}

/// The labelled parts of a video, a class each, in its own order.
fn parts_of<'a>(entry: &'a VideoEntry) -> Vec<Part<'a>> {
    let frames = entry.frames();
    let of = |instance: &'a Instance| {
        let boxes: &'a [FrameBox] = instance.details.as_ref().map_or(&[], |d| &d.boxes);
        let (start, end) = (counted(entry, instance.start.min(frames)), counted(entry, instance.end.min(frames)));
        let classes = instance.label.classes().iter().filter(move |_| start < end);
        classes.map(move |class| Part { start, end, class: *class, boxes })
    };
    entry.instances.iter().flat_map(of).collect()
}

/// The box of somebody at a frame, as pixels: left, top, right, bottom; the whole picture where nobody drew one.
fn corners(video: &Labelled<'_>, part: &Part<'_>, frame: u32) -> [f64; 4] {
    let (width, height) = (f64::from(video.facts.width), f64::from(video.facts.height));
    let at = |frame| counted(video.entry, frame);
    let holds = |b: &&FrameBox| (at(b.frame)..at(b.end.max(b.frame + 1))).contains(&frame);
    let held = part.boxes.iter().find(holds);
    let [l, t, r, b] = held.map_or([0.0, 0.0, 1.0, 1.0], |b| b.corners.map(f64::from));
    [l * width, t * height, r * width, b * height]
}

fn failed(path: &Path, error: &std::io::Error) -> DataError {
    DataError::Write { path: path.to_path_buf(), reason: error.to_string() }
}

/// Writes a file that is complete or not there; what `fill` cannot go on with ends it.
fn file(
    path: PathBuf,
    written: &mut WrittenLabels,
    fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
) -> Result<(), DataError> {
    files::replace_with(&path, fill).map_err(|e| failed(&path, &e))?;
    written.files.push(path);
    Ok(())
}
