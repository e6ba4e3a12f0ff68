use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a row was left out, or what was changed so that it could be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The row names a file or folder that is not there.
    MissingVideo,
    /// The frame folder holds no pictures.
    EmptyFolder,
    /// The video cannot be decoded, or has no times where times are needed.
    Unreadable,
    /// Says the same as an earlier row.
    Duplicate,
    /// Contradicts an earlier row about the same thing.
    Conflict,
    /// Its class is in no class list of the dataset.
    UnknownClass,
    /// The row has a place but no class.
    NoClass,
    /// The row names no video.
    NoVideo,
    /// The start lies after the end.
    StartAfterEnd,
    /// Start and end are equal.
    EmptyInterval,
    /// A field that must be a number is none, is not finite or is out of range.
    BadNumber,
    /// Starts more than half a frame before the video.
    NegativeTime,
    /// Starts at or after the end of the video.
    PastEnd,
    /// Listed as excluded by the dataset itself.
    ExcludedTimestamp,
    /// A tag that the format does not know.
    BadTag,
    /// A start without a stop.
    UnpairedStart,
    /// A stop without a start.
    UnpairedStop,
    /// A point event, and point events are left out.
    PointEvent,
    /// The annotation has no time of its own.
    NoTime,
    /// The list names a segment that the annotation file does not hold.
    NoSegment,
    /// The annotation was cancelled in the tool.
    Cancelled,
    /// A second annotation of the same task.
    OtherAnnotator,
    /// Made by a model, not by a person.
    Prediction,
    /// On a tier that was not chosen.
    OtherTier,
    /// The label map leaves its class out.
    LeftOut,
    /// Ends after the video, and is cut to it.
    EndPastEnd,
    /// Box coordinates beyond the picture, cut to it.
    ClampedBox,
    /// Spaces around a name were removed.
    Trimmed,
    /// Matched without regard to case, or to how accents are composed.
    Case,
    /// Fewer frames in the folder than the list says.
    ShortFolder,
    /// Start and end move to the same frame; one frame is kept.
    ShorterThanAFrame,
    /// The row has no label.
    NoLabel,
}

impl Reason {
    /// The name used in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingVideo => "missing-video",
            Self::EmptyFolder => "empty-folder",
            Self::Unreadable => "unreadable",
            Self::Duplicate => "duplicate",
            Self::Conflict => "duplicate-conflict",
            Self::UnknownClass => "unknown-class",
            Self::NoClass => "no-class",
            Self::NoVideo => "no-video",
            Self::StartAfterEnd => "start-after-end",
            Self::EmptyInterval => "empty-interval",
            Self::BadNumber => "bad-number",
            Self::NegativeTime => "negative-time",
            Self::PastEnd => "past-end",
            Self::ExcludedTimestamp => "excluded-timestamp",
            Self::BadTag => "bad-tag",
            Self::UnpairedStart => "unpaired-start",
            Self::UnpairedStop => "unpaired-stop",
            Self::PointEvent => "point-event",
            Self::NoTime => "no-time",
            Self::NoSegment => "no-segment",
            Self::Cancelled => "cancelled",
            Self::OtherAnnotator => "other-annotator",
            Self::Prediction => "prediction",
            Self::OtherTier => "other-tier",
            Self::LeftOut => "left-out",
            Self::EndPastEnd => "end-past-end",
            Self::ClampedBox => "clamped-box",
            Self::Trimmed => "trimmed",
            Self::Case => "case",
            Self::ShortFolder => "short-folder",
            Self::ShorterThanAFrame => "shorter-than-a-frame",
            Self::NoLabel => "no-label",
        }
    }

    /// What happened, in words for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::MissingVideo => "no such video here",
            Self::EmptyFolder => "the frame folder holds no pictures",
            Self::Unreadable => "the video cannot be read",
            Self::Duplicate => "repeats an earlier row",
            Self::Conflict => "contradicts an earlier row, which counts",
            Self::UnknownClass => "its class is in no class list",
            Self::NoClass => "has no class",
            Self::NoVideo => "names no video",
            Self::StartAfterEnd => "starts after its end",
            Self::EmptyInterval => "starts and ends at the same time",
            Self::BadNumber => "a field is not a usable number",
            Self::NegativeTime => "starts before the video",
            Self::PastEnd => "lies past the end of the video",
            Self::ExcludedTimestamp => "the dataset excludes this time",
            Self::BadTag => "has an unknown tag",
            Self::UnpairedStart => "a start without a stop",
            Self::UnpairedStop => "a stop without a start",
            Self::PointEvent => "a point event, which is left out by choice",
            Self::NoTime => "has no time",
            Self::NoSegment => "names a segment that is not there",
            Self::Cancelled => "was cancelled in the tool",
            Self::OtherAnnotator => "a second annotation of the same video",
            Self::Prediction => "made by a model",
            Self::OtherTier => "on a tier that is not chosen",
            Self::LeftOut => "the label map leaves its class out",
            Self::EndPastEnd => "reached past the end, cut to the video",
            Self::ClampedBox => "its box reached beyond the picture, cut to it",
            Self::Trimmed => "spaces around a name were removed",
            Self::Case => "its name is spelt otherwise on disk",
            Self::ShortFolder => "the folder holds fewer frames than listed",
            Self::ShorterThanAFrame => "shorter than a frame, one frame is kept",
            Self::NoLabel => "has no label",
        }
    }
}

/// A row, or several alike, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct LedgerEntry {
    /// The file.
    pub file: Arc<Path>,
    /// Line of the (first) row, from 1; 0 where the file as a whole is meant.
    pub line: u32,
    /// How many rows.
    pub rows: u64,
    /// What happened.
    pub reason: Reason,
    /// The video it is about, where it was found: name in the dataset.
    pub video: Option<String>,
    /// What stands there.
    pub text: String,
}

/// What became of every row of a dataset's files: `rows = used + unlabelled + ignored`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    /// Rows read.
    pub rows: u64,
    /// Rows without a label: their videos can be predicted.
    pub unlabelled: Vec<LedgerEntry>,
    /// Rows that were left out.
    pub ignored: Vec<LedgerEntry>,
    /// Used rows of which something was changed.
    pub adjusted: Vec<LedgerEntry>,
    /// Videos on disk that no usable row names.
    pub unlisted: Vec<PathBuf>,
}

impl Ledger {
    /// Rows that label something.
    pub fn used(&self) -> u64 {
        let count = |entries: &[LedgerEntry]| entries.iter().map(|e| e.rows).sum::<u64>();
        self.rows.saturating_sub(count(&self.unlabelled) + count(&self.ignored))
    }

    /// How often each reason occurs in entries, in the order of [`Reason`].
    pub fn totals(entries: &[LedgerEntry]) -> Vec<(Reason, u64)> {
        let mut out = std::collections::BTreeMap::new();
        for entry in entries {
            *out.entry(entry.reason).or_insert(0) += entry.rows;
        }
        out.into_iter().collect()
    }
}
