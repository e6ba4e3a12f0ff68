//! From rows of lists to videos: repeated rows, several intervals of a video, rows that are left out.

use super::annotation::place_of;
pub(in crate::data) use super::annotation::{Annotation, Clock, Span};
use super::{Draft, DraftVideo, bare_entry};
use crate::data::label_csv::intervals::{Extent, Stops};
use crate::data::names::SubjectRule;
use crate::data::scan::{file_name, is_image, is_video, peek, relative_name, stem, videos_below};
use crate::domain::{FrameBox, InstanceDetails, InstanceLabel, LedgerEntry, Reason, Split, Task, counted};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Rows of one kind reported one by one before the rest is only counted.
const ROWS_REPORTED: usize = 20;
/// Letters kept of the text of a row.
const TEXT: usize = 200;
/// Names shown of many.
const SHOWN: usize = 5;
/// Datasets with more videos are not searched for unlisted ones: that would list every folder again.
const SEARCHED: usize = 20_000;

/// A row whose video was found.
pub(super) struct Row<'a> {
    pub(super) file: &'a Path,
    pub(super) line: u32,
    /// How many rows of the file it stands for.
    pub(super) rows: u32,
    /// Lines of the other rows, where several rows make one instance and each is told by itself.
    pub(super) further: Vec<u32>,
    pub(super) path: PathBuf,
    pub(super) split: Split,
    pub(super) label: InstanceLabel,
    pub(super) span: Span,
    pub(super) details: Option<Box<InstanceDetails>>,
    /// What was changed so that the row can be used.
    pub(super) adjusted: Vec<Reason>,
}

impl<'a> Row<'a> {
    /// An unlabelled row about a whole video.
    pub(super) fn new(file: &'a Path, line: u32, path: PathBuf) -> Self {
        Self {
            file,
            line,
            rows: 1,
            further: Vec::new(),
            path,
            split: Split::Unassigned,
            label: InstanceLabel::Unlabelled,
            span: Span::Whole,
            details: None,
            adjusted: Vec::new(),
        }
    }
}

/// Videos with more rows than this find those about the same part by a map.
const FEW: usize = 16;

/// The part that a row speaks of, comparable; all that speak of a whole video are one. Where rows about one part may have
/// different labels, also the digest of its label: rows of others are none that it repeats.
type Part = (u8, u64, u64, u64);

fn part_of(span: Span, label: &InstanceLabel, multi: bool) -> Part {
    let digest = if multi { BuildHasherDefault::<DefaultHasher>::default().hash_one(label) } else { 0 };
    let (kind, from, to) = place_of(span);
    (kind, from, to, digest)
}

struct Listed {
    path: PathBuf,
    split: Split,
    rows: Vec<Annotation>,
    /// Positions in `rows` by part, once they are many.
    parts: HashMap<Part, Vec<usize>>,
}

impl Listed {
    /// The rows about a part.
    fn about(&self, part: Part, multi: bool) -> impl Iterator<Item = &Annotation> {
        let few = if self.parts.is_empty() { self.rows.as_slice() } else { &[] };
        let mapped = self.parts.get(&part).into_iter().flatten().filter_map(|at| self.rows.get(*at));
        few.iter().filter(move |a| part_of(a.span, &a.label, multi) == part).chain(mapped)
    }

    fn push(&mut self, annotation: Annotation, multi: bool) {
        if self.rows.is_empty() {
            // Most videos have one row, and large datasets many videos.
            self.rows.reserve_exact(1);
        }
        self.rows.push(annotation);
        let from = match self.rows.len() {
            n if n <= FEW => return,
            n if self.parts.is_empty() => n - FEW - 1,
            n => n - 1,
        };
        for (at, row) in self.rows.iter().enumerate().skip(from) {
            self.parts.entry(part_of(row.span, &row.label, multi)).or_default().push(at);
        }
    }
}

/// Gathers the rows of all lists of a dataset.
pub(super) struct Assembly<'r> {
    root: &'r Path,
    /// True where rows about the same part of a video may have different classes.
    multi: bool,
    videos: Vec<Listed>,
    at: HashMap<PathBuf, usize>,
    files: Vec<Arc<Path>>,
    /// Subjects and clocks of videos that have one.
    subjects: HashMap<PathBuf, String>,
    clocks: HashMap<PathBuf, Clock>,
    rates: HashMap<PathBuf, f64>,
    /// Videos that are spelt otherwise than listed, and the first of them.
    respelt: usize,
    first_respelt: Option<(PathBuf, u32, PathBuf)>,
}

impl<'r> Assembly<'r> {
    /// Of a dataset below `root`; rows about the same part of a video contradict each other unless the task is
    /// multi-label.
    pub(super) fn new(root: &'r Path, task: Task) -> Self {
        Self {
            root,
            multi: task == Task::MultiLabel,
            videos: Vec::new(),
            at: HashMap::new(),
            files: Vec::new(),
            subjects: HashMap::new(),
            clocks: HashMap::new(),
            rates: HashMap::new(),
            respelt: 0,
            first_respelt: None,
        }
    }

    /// As [`Assembly::new`], of rows that may speak of the same part of a video and have different classes, as events that
    /// happen at the same time do.
    pub(super) fn overlapping(root: &'r Path) -> Self {
        Self::new(root, Task::MultiLabel)
    }

    /// Makes a video part of the dataset, also where no row labels it; its position.
    pub(super) fn video(&mut self, path: &Path, split: Split) -> usize {
        if let Some(at) = self.at.get(path) {
            return *at;
        }
        self.at.insert(path.to_path_buf(), self.videos.len());
        self.videos.push(Listed { path: path.to_path_buf(), split, rows: Vec::new(), parts: HashMap::new() });
        self.videos.len() - 1
    }

    /// Says who is in a video.
    pub(super) fn subject(&mut self, path: &Path, subject: impl Into<String>) {
        self.subjects.insert(path.to_path_buf(), subject.into());
    }

    /// Says what the times of a video count.
    pub(super) fn clock(&mut self, path: &Path, clock: Clock) {
        self.clocks.insert(path.to_path_buf(), clock);
    }

    /// Says how many pictures a second a folder of pictures has.
    pub(super) fn rate(&mut self, path: &Path, frames_per_second: f64) {
        self.rates.insert(path.to_path_buf(), frames_per_second);
    }

    /// One allocation a file, not one a row.
    fn file(&mut self, file: &Path) -> Arc<Path> {
        if let Some(known) = self.files.iter().rev().find(|f| f.as_ref() == file) {
            return known.clone();
        }
        let new: Arc<Path> = file.into();
        self.files.push(new.clone());
        new
    }

    /// Takes a row; one that repeats or contradicts an earlier one is told and left out.
    pub(super) fn add(&mut self, row: Row<'_>, draft: &mut Draft) {
        draft.ledger.rows += u64::from(row.rows) + row.further.len() as u64;
        let at = self.video(&row.path, row.split);
        let file = self.file(row.file);
        let annotation = Annotation {
            span: row.span,
            label: row.label,
            file: file.clone(),
            line: row.line,
            rows: row.rows,
            further: row.further.into(),
            details: row.details,
            adjusted: row.adjusted,
        };
        let Some(known) = self.videos.get_mut(at) else { return };
        let whole = |span: &Span| matches!(span, Span::Whole | Span::First(_));
        let alike = |a: &Annotation| {
            a.span == annotation.span
                && a.label == annotation.label
                && who(a) == who(&annotation)
                && boxes(a) == boxes(&annotation)
                && notes(a) == notes(&annotation)
        };
        let part = part_of(annotation.span, &annotation.label, self.multi);
        let same = known.about(part, self.multi).find(|a| alike(a));
        let one_place = |a: &&Annotation| {
            let both_whole = whole(&a.span) && whole(&annotation.span);
            !self.multi && (both_whole || a.span == annotation.span) && who(a) == who(&annotation)
        };
        let first = known.rows.first();
        let other = known.about(part, self.multi).find(one_place);
        let (earlier, what, reason) = match (same, other) {
            _ if known.split != row.split && first.is_some() => (first, "is in two splits", Reason::Conflict),
            (Some(same), _) => (Some(same), "is listed twice", Reason::Duplicate),
            (None, Some(other)) => (Some(other), "is listed twice with different labels", Reason::Conflict),
            (None, None) if self.multi && whole(&row.span) && first.is_some() => {
                (first, "is listed twice with different labels", Reason::Conflict)
            }
            _ => {
                known.push(annotation, self.multi);
                return;
            }
        };
        let (line, earlier_file) = earlier.map_or((0, file.clone()), |a| (a.line, a.file.clone()));
        let message = format!(
            "{what}: {} line {line} and {} line {}; the first row counts, remove the other",
            file_name(&earlier_file),
            file_name(row.file),
            row.line
        );
        draft.warn(&row.path, message);
        let video = relative_name(self.root, &row.path);
        draft.ledger.ignored.extend(annotation.lines().map(|(line, rows)| LedgerEntry {
            file: file.clone(),
            line,
            rows,
            reason,
            video: Some(video.clone()),
            text: String::new(),
        }));
    }

    /// Takes a row that names a video and labels nothing in it; one about a video that is known repeats or contradicts
    /// the earlier rows.
    pub(super) fn add_unlabelled(&mut self, file: &Path, line: u32, path: &Path, split: Split, draft: &mut Draft) {
        draft.ledger.rows += 1;
        let known = self.at.get(path).and_then(|at| self.videos.get(*at));
        let reason = match known {
            None => Reason::NoLabel,
            Some(known) if known.split == split && known.rows.is_empty() => Reason::Duplicate,
            Some(_) => Reason::Conflict,
        };
        self.video(path, split);
        let video = Some(relative_name(self.root, path));
        let entry = LedgerEntry { file: self.file(file), line, rows: 1, reason, video, text: String::new() };
        if reason == Reason::NoLabel {
            draft.ledger.unlabelled.push(entry);
            return;
        }
        let message = format!(
            "is listed twice, again in {} line {line} without a label; the first row counts, remove the other",
            file_name(file)
        );
        draft.warn(path, message);
        draft.ledger.ignored.push(entry);
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
    pub(super) fn finish(mut self, rule: Option<&SubjectRule>, draft: &mut Draft) {
        if let Some((file, line, path)) = self.first_respelt.take() {
            let message = format!(
                "{} here otherwise than on disk (upper and lower case, or accents), the first in line {line} for {}; they \
                 are taken as the same",
                if self.respelt == 1 {
                    "1 video is spelt".into()
                } else {
                    format!("{} are spelt", counted(self.respelt as u64, "video"))
                },
                relative_name(self.root, &path)
            );
            draft.warn(file, message);
        }
        let mut stops = Stops::default();
        for (i, video) in self.videos.iter().enumerate() {
            for row in &video.rows {
                if let Span::At(at) = row.span {
                    stops.push(&i.to_string(), at);
                }
            }
        }
        let (inside, note) = stops.inside();
        if let Some((note, row)) = note.zip(self.videos.iter().find_map(|v| v.rows.first())) {
            draft.warn(row.file.as_ref(), note);
        }
        for video in self.videos {
            let mut entry = bare_entry(self.root, video.path);
            entry.split = video.split;
            entry.subject = match self.subjects.remove(&entry.path) {
                Some(subject) => subject,
                None => rule.map(|r| r.subject(&stem(&entry.path))).unwrap_or_default(),
            };
            let resolved = |mut row: Annotation| {
                if let Span::At(at) = row.span {
                    row.span = Span::At(at.resolved(inside));
                }
                row
            };
            let annotations: Vec<Annotation> = video.rows.into_iter().map(resolved).collect();
            let in_frames = annotations.iter().find(|a| matches!(a.span, Span::At(Extent::Frames { .. })));
            draft.videos.push(DraftVideo {
                label_file: in_frames.map(|a| a.file.to_path_buf()),
                clock: self.clocks.remove(&entry.path).unwrap_or_default(),
                rate: self.rates.remove(&entry.path),
                annotations,
                frame_rows: Vec::new(),
                unlabelled_rows: Vec::new(),
                entry,
            });
        }
    }
}

/// Who an annotation is about, where it says so itself.
fn who(a: &Annotation) -> Option<&str> {
    a.details.as_ref().and_then(|d| d.subject.as_deref())
}

/// The boxes of an annotation.
fn boxes(a: &Annotation) -> &[FrameBox] {
    a.details.as_ref().map_or(&[], |d| &d.boxes)
}

/// What an annotation says besides.
fn notes(a: &Annotation) -> &[(&'static str, String)] {
    a.details.as_ref().map_or(&[], |d| &d.notes)
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

    /// Name of the list.
    pub(super) fn name(&self) -> String {
        file_name(self.file)
    }

    /// Tells that a row is left out, and why; `kind` counts those alike, in words that follow a number ("more videos
    /// listed here are missing").
    pub(super) fn push(
        &mut self,
        draft: &mut Draft,
        (line, reason): (u32, Reason),
        kind: &'static str,
        path: impl Into<PathBuf>,
        message: String,
    ) {
        self.enter(draft, (line, reason), None, "");
        self.note(draft, kind, path, message);
    }

    /// Enters a row that is left out into the ledger, without a warning.
    pub(super) fn enter(&self, draft: &mut Draft, (line, reason): (u32, Reason), video: Option<String>, text: &str) {
        self.enter_rows(draft, (line, reason), 1, video, text);
    }

    /// As [`Ignored::enter`], of several rows that belong together; the line is that of the first.
    pub(super) fn enter_rows(
        &self,
        draft: &mut Draft,
        (line, reason): (u32, Reason),
        rows: u32,
        video: Option<String>,
        text: &str,
    ) {
        let rows = u64::from(rows);
        draft.ledger.rows += rows;
        let file = match draft.ledger.ignored.last() {
            Some(last) if last.file.as_ref() == self.file => last.file.clone(),
            _ => self.file.into(),
        };
        draft.ledger.ignored.push(LedgerEntry { file, line, rows, reason, video, text: text.to_owned() });
    }

    /// As [`Ignored::push`] of a row whose video is known or that says something.
    pub(super) fn skip(
        &mut self,
        draft: &mut Draft,
        (line, reason): (u32, Reason),
        (video, text): (Option<String>, &str),
        kind: &'static str,
        message: String,
    ) {
        let text: String = text.chars().take(TEXT).collect();
        self.enter(draft, (line, reason), video, &text);
        self.note(draft, kind, self.file, message);
    }

    /// Warns of something that many rows have.
    pub(super) fn note(&mut self, draft: &mut Draft, kind: &'static str, path: impl Into<PathBuf>, message: String) {
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
        let text = if several.len() > 1 { String::new() } else { shown(written) };
        self.enter(draft, (line, Reason::MissingVideo), None, &text);
        self.tell_missing(draft, root, line, written, several);
    }

    /// As [`Ignored::missing`], without an entry in the ledger.
    pub(super) fn tell_missing(
        &mut self,
        draft: &mut Draft,
        root: &Path,
        line: u32,
        written: &str,
        several: &[PathBuf],
    ) {
        if several.len() > 1 {
            let names: Vec<String> = several.iter().map(|p| relative_name(root, p)).collect();
            let message = format!(
                "listed in {} line {line}, but {} files fit '{written}': {}; write the whole path of the one that is meant",
                file_name(self.file),
                several.len(),
                some_of(&names)
            );
            return self.note(draft, "more rows fit several files", self.file, message);
        }
        let message = format!(
            "listed in {} line {line}, but there is no such video below {}; copy it there or remove the row",
            file_name(self.file),
            root.display()
        );
        let path = root.join(shown(written).trim_start_matches(['/', '\\']));
        self.note(draft, "more videos listed here are missing", path, message);
    }

    /// Counts what was not told row by row.
    pub(super) fn finish(self, draft: &mut Draft) {
        for (kind, count) in self.counts.into_iter().filter(|(_, n)| *n > ROWS_REPORTED) {
            draft.warn(self.file, format!("{} {kind}", count - ROWS_REPORTED));
        }
    }
}

/// A name as it is shown: a NUL would end a path.
fn shown(written: &str) -> String {
    written.chars().take(TEXT).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// True where a cell or a field says that there is no label.
pub(super) fn is_no_label(text: &str) -> bool {
    matches!(text, "" | "-1")
}

/// A few names, and how many more there are.
pub(super) fn some_of(names: &[String]) -> String {
    let more = if names.len() > SHOWN { format!(" and {} more", names.len() - SHOWN) } else { String::new() };
    names.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ") + &more
}

/// Tells which videos on disk no row names: they are no part of the dataset.
pub(super) fn unlisted(root: &Path, draft: &mut Draft) {
    if draft.videos.len() > SEARCHED {
        return not_searched(root, draft);
    }
    let listed: HashSet<&Path> = draft.videos.iter().map(|v| v.entry.path.as_path()).collect();
    let all = videos_below(root, true).unwrap_or_default();
    // Pictures of which some are listed one by one are no folder of frames.
    let of_pictures: HashSet<&Path> = listed.iter().filter_map(|p| p.parent()).collect();
    let unlisted: Vec<PathBuf> =
        all.into_iter().filter(|p| !listed.contains(p.as_path()) && !of_pictures.contains(p.as_path())).collect();
    tell_unlisted(root, unlisted, draft);
}

/// As [`unlisted`] where every picture is a video: those in the folders of the listed ones and in `others`.
pub(super) fn unlisted_pictures(root: &Path, others: Vec<PathBuf>, draft: &mut Draft) {
    if draft.videos.len() > SEARCHED {
        return not_searched(root, draft);
    }
    let listed: HashSet<&Path> = draft.videos.iter().map(|v| v.entry.path.as_path()).collect();
    let of_listed = listed.iter().filter_map(|p| p.parent()).map(Path::to_path_buf);
    let folders: BTreeSet<PathBuf> = of_listed.chain(others).collect();
    let files = folders.iter().flat_map(|dir| peek(dir).files).filter(|f| is_image(f) || is_video(f));
    let unlisted: Vec<PathBuf> = files.filter(|f| !listed.contains(f.as_path())).collect();
    tell_unlisted(root, unlisted, draft);
}

fn not_searched(root: &Path, draft: &mut Draft) {
    let videos = counted(draft.videos.len() as u64, "video");
    let message =
        format!("has {videos}, too many to look for others on the disk that no row names: none is listed as such");
    draft.warn(root, message);
}

fn tell_unlisted(root: &Path, unlisted: Vec<PathBuf>, draft: &mut Draft) {
    let names: Vec<String> = unlisted.iter().map(|p| relative_name(root, p)).collect();
    draft.ledger.unlisted = unlisted;
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
