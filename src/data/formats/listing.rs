//! From rows of lists to videos: repeated rows, several intervals of a video, rows that are left out.

use super::{Draft, DraftVideo, bare_entry};
use crate::data::label_csv::intervals::{Extent, Stops};
use crate::data::names::SubjectRule;
use crate::data::scan::{file_name, relative_name, stem, videos_below};
use crate::data::times::Timed;
use crate::data::tracks::{LabelInterval, lay};
use crate::domain::{Label, LabelTrack, Segment, Split, counted};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Rows of one kind reported one by one before the rest is only counted.
const ROWS_REPORTED: usize = 20;
/// Names shown of many.
const SHOWN: usize = 5;
/// Datasets with more videos are not searched for unlisted ones: that would list every folder again.
const SEARCHED: usize = 20_000;

/// What a row speaks of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Span {
    /// The whole video, however long.
    Whole,
    /// The first frames of a folder.
    First(u32),
    /// A part.
    At(Extent),
}

/// A row whose video was found.
pub(super) struct Row<'a> {
    pub(super) file: &'a Path,
    pub(super) line: u32,
    pub(super) path: PathBuf,
    pub(super) split: Split,
    /// `None` where the row has no class.
    pub(super) label: Option<Label>,
    pub(super) span: Span,
}

struct Listed {
    path: PathBuf,
    split: Split,
    file: PathBuf,
    rows: Vec<(Span, Option<Label>, u32)>,
}

/// Gathers the rows of all lists of a dataset.
#[derive(Default)]
pub(super) struct Assembly {
    videos: Vec<Listed>,
    at: HashMap<PathBuf, usize>,
    /// Videos that are spelt otherwise than listed, and the first of them.
    respelt: usize,
    first_respelt: Option<(PathBuf, u32, PathBuf)>,
}

impl Assembly {
    /// Takes a row; one that repeats or contradicts an earlier one is told and left out.
    pub(super) fn add(&mut self, row: Row<'_>, draft: &mut Draft) {
        let Some(known) = self.at.get(&row.path).and_then(|i| self.videos.get_mut(*i)) else {
            self.at.insert(row.path.clone(), self.videos.len());
            self.videos.push(Listed {
                path: row.path,
                split: row.split,
                file: row.file.to_path_buf(),
                rows: vec![(row.span, row.label, row.line)],
            });
            return;
        };
        let same = known.rows.iter().find(|(span, label, _)| *span == row.span && *label == row.label);
        let parts = matches!(row.span, Span::At(_)) && known.rows.iter().all(|(s, ..)| matches!(s, Span::At(_)));
        if parts && same.is_none() && known.split == row.split {
            known.rows.push((row.span, row.label, row.line));
            return;
        }
        let what = match same {
            _ if known.split != row.split => "is in two splits",
            Some(_) => "is listed twice",
            None => "is listed twice with different labels",
        };
        let line = same.or(known.rows.first()).map_or(0, |r| r.2);
        let message = format!(
            "{what}: {} line {line} and {} line {}; the first row counts, remove the other",
            file_name(&known.file),
            file_name(row.file),
            row.line
        );
        draft.warn(&row.path, message);
    }

    /// Notes that the video of a row is spelt otherwise on disk.
    pub(super) fn respelt(&mut self, file: &Path, line: u32, path: &Path) {
        self.respelt += 1;
        self.first_respelt.get_or_insert_with(|| (file.to_path_buf(), line, path.to_path_buf()));
    }

    /// True when no row was taken.
    pub(super) fn is_empty(&self) -> bool {
        self.videos.is_empty()
    }

    /// Makes the videos.
    pub(super) fn finish(self, root: &Path, rule: Option<&SubjectRule>, draft: &mut Draft) {
        if let Some((file, line, path)) = self.first_respelt {
            let message = format!(
                "{} here otherwise than on disk (upper and lower case, or accents), the first in line {line} for {}; they \
                 are taken as the same",
                if self.respelt == 1 {
                    "1 video is spelt".into()
                } else {
                    format!("{} are spelt", counted(self.respelt as u64, "video"))
                },
                relative_name(root, &path)
            );
            draft.warn(file, message);
        }
        let mut stops = Stops::default();
        for (i, video) in self.videos.iter().enumerate() {
            for (span, ..) in &video.rows {
                if let Span::At(at) = span {
                    stops.push(&i.to_string(), *at);
                }
            }
        }
        let (inside, note) = stops.inside();
        if let Some((note, video)) = note.zip(self.videos.first()) {
            draft.warn(&video.file, note);
        }
        for video in self.videos {
            let entry = video.entry(root, rule, inside, draft);
            draft.videos.push(entry);
        }
    }
}

impl Listed {
    fn entry(self, root: &Path, rule: Option<&SubjectRule>, stop_inside: bool, draft: &mut Draft) -> DraftVideo {
        let mut entry = bare_entry(root, self.path);
        entry.split = self.split;
        entry.subject = rule.map(|r| r.subject(&stem(&entry.path))).unwrap_or_default();
        let mut timed = Vec::new();
        let mut parts = Vec::new();
        let mut in_frames = false;
        for (span, label, line) in self.rows {
            match (span, label) {
                (Span::Whole, Some(label)) => entry.labels = LabelTrack::whole(label),
                (Span::First(end), Some(label)) => {
                    entry.labels = LabelTrack::from_segments(vec![Segment { start: 0, end, label }]);
                }
                (Span::Whole | Span::First(_), None) => {}
                (Span::At(at), label) => match (at.resolved(stop_inside), label) {
                    (Extent::Seconds { start, end }, label) => {
                        timed.push(Timed { start, end, label, file: self.file.clone(), line });
                    }
                    (Extent::Frames { start, end }, Some(label)) => {
                        in_frames = true;
                        parts.push(LabelInterval { start, end, label, line });
                    }
                    _ => {}
                },
            }
        }
        if in_frames {
            let (track, note) = lay(parts);
            entry.labels = track;
            if let Some(note) = note {
                draft.warn(&self.file, format!("{note} ({})", entry.name));
            }
        }
        DraftVideo { entry, label_file: in_frames.then_some(self.file), timed }
    }
}

/// Rows of one list that are left out.
pub(super) struct Ignored<'a> {
    file: &'a Path,
    counts: Vec<(&'static str, usize)>,
}

impl<'a> Ignored<'a> {
    pub(super) fn of(file: &'a Path) -> Self {
        Self { file, counts: Vec::new() }
    }

    /// Tells that a row is left out; `kind` counts those alike, in words that follow a number ("videos listed here are
    /// missing").
    pub(super) fn push(&mut self, draft: &mut Draft, kind: &'static str, path: impl Into<PathBuf>, message: String) {
        let at = self.counts.iter().position(|(k, _)| *k == kind).unwrap_or_else(|| {
            self.counts.push((kind, 0));
            self.counts.len() - 1
        });
        let Some((_, count)) = self.counts.get_mut(at) else { return };
        *count += 1;
        if *count <= ROWS_REPORTED {
            draft.warn(path, message);
        }
    }

    /// A row whose video is not there, or that fits several files.
    pub(super) fn missing(&mut self, draft: &mut Draft, root: &Path, line: u32, written: &str, several: &[PathBuf]) {
        if several.len() > 1 {
            let names: Vec<String> = several.iter().map(|p| relative_name(root, p)).collect();
            let message = format!(
                "listed in {} line {line}, but {} files fit '{written}': {}; write the whole path of the one that is meant",
                file_name(self.file),
                several.len(),
                some_of(&names)
            );
            return self.push(draft, "more rows fit several files", self.file, message);
        }
        let message = format!(
            "listed in {} line {line}, but there is no such video below {}; copy it there or remove the row",
            file_name(self.file),
            root.display()
        );
        // A NUL would end a path.
        let shown: String = written.chars().take(200).map(|c| if c.is_control() { '?' } else { c }).collect();
        self.push(
            draft,
            "more videos listed here are missing",
            root.join(shown.trim_start_matches(['/', '\\'])),
            message,
        );
    }

    /// Counts what was not told row by row.
    pub(super) fn finish(self, draft: &mut Draft) {
        for (kind, count) in self.counts.into_iter().filter(|(_, n)| *n > ROWS_REPORTED) {
            draft.warn(self.file, format!("{} {kind}", count - ROWS_REPORTED));
        }
    }
}

/// A few names, and how many more there are.
pub(super) fn some_of(names: &[String]) -> String {
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ") + &more
}

/// Tells which videos on disk no row names: they are no part of the dataset.
pub(super) fn unlisted(root: &Path, draft: &mut Draft) {
    if draft.videos.len() > SEARCHED {
        return;
    }
    let listed: HashSet<&Path> = draft.videos.iter().map(|v| v.entry.path.as_path()).collect();
    let all = videos_below(root, true).unwrap_or_default();
    // Pictures of which some are listed one by one are no folder of frames.
    let of_pictures: HashSet<&Path> = listed.iter().filter_map(|p| p.parent()).collect();
    let names: Vec<String> = all
        .iter()
        .filter(|p| !listed.contains(p.as_path()) && !of_pictures.contains(p.as_path()))
        .map(|p| relative_name(root, p))
        .collect();
    if !names.is_empty() {
        let (are, they) = if names.len() == 1 { ("is", "it is") } else { ("are", "they are") };
        draft.warn(
            root,
            format!(
                "{} here {are} named by no usable row of the lists, so {they} no part of the dataset: {}",
                counted(names.len() as u64, "video"),
                some_of(&names)
            ),
        );
    }
}
