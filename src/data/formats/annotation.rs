//! What rows say about a video before anybody looked into it.

use crate::data::label_csv::intervals::Extent;
use crate::domain::{InstanceDetails, InstanceLabel, Reason};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a row speaks of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::data) enum Span {
    /// The whole video, however long.
    Whole,
    /// The first frames of a folder.
    First(u32),
    /// A part.
    At(Extent),
    /// A part in steps of labels that have a rate of their own, the end outside: see [`Clock::Labels`].
    Steps { start: u32, end: u32 },
    /// The frame nearest to a time in seconds.
    Moment(f64),
    /// One second around a time in seconds; the frame nearest to it is the key frame.
    Around(f64),
}

/// What the times of a video's annotations count.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::data) enum Clock {
    /// Seconds from the first frame.
    #[default]
    Video,
    /// Frames counted at a rate of their own; without one they are those of the video.
    Frames { rate: Option<f64> },
    /// Labels at equal distances: so many for the whole video, at this rate where it is known. `row` is the file and line
    /// that name the video, where that row counts as used.
    Labels { count: u32, rate: Option<f64>, file: PathBuf, row: Option<(PathBuf, u32)> },
    /// Seconds of a recording that the file may have been cut from at second 900; `cut` where somebody said.
    /// `earliest` is the first second that any row of the video names, also one that is left out.
    Cut { cut: Option<bool>, earliest: f64 },
}

/// A row of a video before anybody looked into it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) struct Annotation {
    pub(in crate::data) span: Span,
    pub(in crate::data) label: InstanceLabel,
    pub(in crate::data) file: Arc<Path>,
    pub(in crate::data) line: u32,
    /// How many rows of the file it stands for; 0 where the file is counted otherwise.
    pub(in crate::data) rows: u32,
    /// Lines of the other rows where each of them is one row.
    pub(in crate::data) further: Box<[u32]>,
    pub(in crate::data) details: Option<Box<InstanceDetails>>,
    pub(in crate::data) adjusted: Vec<Reason>,
}

impl Annotation {
    /// The lines it stands in, and how many rows each of them counts for.
    pub(in crate::data) fn lines(&self) -> impl Iterator<Item = (u32, u64)> {
        std::iter::once((self.line, u64::from(self.rows))).chain(self.further.iter().map(|line| (*line, 1)))
    }
}

/// The kind of a span and its two numbers, comparable; all spans of whole videos are one.
pub(in crate::data) fn place_of(span: Span) -> (u8, u64, u64) {
    // Zero has two signs.
    let bits = |t: f64| (t + 0.0).to_bits();
    match span {
        Span::Whole | Span::First(_) => (0, 0, 0),
        Span::At(Extent::Seconds { start, end }) => (1, bits(start), bits(end)),
        Span::At(Extent::Frames { start, end }) => (2, start.into(), end.into()),
        Span::At(Extent::Span { first, stop }) => (3, first.into(), stop.into()),
        Span::Steps { start, end } => (4, start.into(), end.into()),
        Span::Moment(at) => (5, bits(at), 0),
        Span::Around(at) => (6, bits(at), 0),
    }
}
