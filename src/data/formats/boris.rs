//! BORIS: tables of events, one file an observation: a START and a STOP in rows of their own, or start and stop in one row.

use super::boris_events::{Event, Kind, Observed, Part, pairs, parse};
use super::choices::{Question, choose};
use super::find::{Finder, Found, Hint};
use super::listing::{Assembly, Ignored, Row, Span, unlisted};
use super::tools::{all, ends_in, first, head, in_order, root_of};
use super::{Draft, boris_events};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::text;
use crate::data::scan::{file_name, is_video, relative_name};
use crate::domain::{ClassSet, InstanceDetails, InstanceLabel, MODIFIERS, Reason, Task, counted};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

const POINTS: &str = "point_events";
const ONE_FRAME: &str = "one-frame";
const IGNORE: &str = "ignore";

fn is_events(file: &Path) -> bool {
    ends_in(file, &["csv", "tsv", "txt"]) && boris_events::header(&head(file)).is_some()
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    match first(path, is_events) {
        Some(file) => Ok(format!("{} holds events of BORIS", file_name(&file))),
        None => Err("there is no table with the columns 'Behavior', 'Behavior type' and 'Time'".into()),
    }
}

/// Whether events of one moment are one frame; asked for where there are any.
fn points(path: &Path, tables: &[Observed], config: &DataConfig, draft: &mut Draft) -> Result<bool, DataError> {
    let any = tables.iter().any(|t| t.events.iter().any(|e| e.kind == Kind::Point));
    let question = Question {
        key: POINTS,
        asks: "what becomes of events of one moment",
        options: vec![ONE_FRAME.to_owned(), IGNORE.to_owned()],
        default: (!any).then(|| ONE_FRAME.to_owned()),
        several: false,
    };
    Ok(choose(path, config, draft, question)? == ONE_FRAME)
}

struct Reading<'a> {
    root: &'a Path,
    /// Events of one moment are one frame; else they are left out.
    points: bool,
    classes: HashMap<String, usize>,
    finder: Finder<'a>,
    found: HashMap<String, Option<Found>>,
    assembly: Assembly<'a>,
    /// Who is in each video.
    subjects: HashMap<PathBuf, BTreeSet<String>>,
}

impl Reading<'_> {
    /// The video of a medium; one that is missing is told once.
    fn video(
        &mut self,
        file: &Path,
        line: u32,
        medium: &str,
        ignored: &mut Ignored<'_>,
        draft: &mut Draft,
    ) -> Option<Found> {
        if let Some(known) = self.found.get(medium) {
            return known.clone();
        }
        let hint = Hint { list: file.parent(), ..Hint::default() };
        let found = self.finder.find(medium, &hint).filter(|f| f.path.is_dir() || is_video(&f.path));
        if found.is_none() {
            ignored.tell_missing(draft, self.root, line, medium, &self.finder.take_several());
        }
        self.found.insert(medium.to_owned(), found.clone());
        found
    }

    fn table(&mut self, table: &Observed, draft: &mut Draft) {
        let file = table.file.as_path();
        let mut ignored = Ignored::of(file);
        for (line, reason, why) in &table.faults {
            let message = format!("line {line}: {why}; the event is left out, correct it");
            ignored.push(draft, (*line, *reason), "more events cannot be read", file, message);
        }
        let mut points = 0_u64;
        for part in pairs(&table.events) {
            let event = part.event;
            match part.unpaired {
                Some(reason) => {
                    let found = self.video(file, event.line, &event.medium, &mut ignored, draft);
                    let video = found.map(|f| relative_name(self.root, &f.path));
                    ignored.enter(draft, (event.line, reason), video, &event.behavior);
                    let what = if reason == Reason::UnpairedStart {
                        "a START without a STOP"
                    } else {
                        "a STOP without a START"
                    };
                    let message = format!("line {}: {what} of '{}'; it is left out", event.line, event.behavior);
                    ignored.note(draft, "more events have no partner", file, message);
                }
                None if event.kind == Kind::Point && !self.points => {
                    points += 1;
                    ignored.enter(draft, (event.line, Reason::PointEvent), None, &event.behavior);
                }
                None => self.event(file, &part, &mut ignored, draft),
            }
        }
        if points > 0 {
            draft.warn(file, format!("{} left out, as chosen ({POINTS})", counted(points, "point event")));
        }
        ignored.finish(draft);
    }

    fn event(&mut self, file: &Path, part: &Part<'_>, ignored: &mut Ignored<'_>, draft: &mut Draft) {
        let event = part.event;
        let label = self.classes.get(&event.behavior).map_or(InstanceLabel::Unlabelled, |c| InstanceLabel::Class(*c));
        let pieces = match part.pieces() {
            Ok(pieces) => pieces,
            Err((reason, why)) => {
                let found = self.video(file, event.line, &event.medium, ignored, draft);
                let video = found.map(|f| relative_name(self.root, &f.path));
                ignored.enter_rows(draft, (event.line, reason), part.rows(), video, &event.behavior);
                let message = format!("line {}: {why}; the event is left out, correct it", event.line);
                ignored.note(draft, "more events are no intervals", file, message);
                return;
            }
        };
        for piece in pieces {
            let Some(found) = self.video(file, piece.line, piece.medium, ignored, draft) else {
                if piece.rows > 0 {
                    let why = (piece.line, Reason::MissingVideo);
                    ignored.enter_rows(draft, why, piece.rows, None, piece.medium);
                }
                continue;
            };
            if let Some(subject) = &event.subject {
                self.subjects.entry(found.path.clone()).or_default().insert(subject.clone());
            }
            let mut adjusted = Vec::new();
            if found.respelt && piece.rows > 0 {
                self.assembly.respelt(file, piece.line, &found.path);
                adjusted.push(Reason::Case);
            }
            let details = InstanceDetails {
                subject: event.subject.clone(),
                notes: event.modifiers.iter().map(|m| (MODIFIERS, m.clone())).collect(),
                ..InstanceDetails::default()
            };
            let span = match piece.end {
                Some(end) => Span::At(Extent::Seconds { start: piece.start, end }),
                None => Span::Moment(piece.start),
            };
            let (rows, label, details) = (piece.rows, label.clone(), Some(Box::new(details)));
            let row = Row { rows, label, span, details, adjusted, ..Row::new(file, piece.line, found.path) };
            self.assembly.add(row, draft);
        }
    }
}

pub(super) fn read(path: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let root = root_of(path);
    let mut draft = Draft { from_zero: true, task: Task::SingleLabel, ..Draft::default() };
    let mut tables = Vec::new();
    for file in all(path, is_events) {
        let read = text::read(&file)?;
        draft.warnings.extend(read.note.map(|n| super::warning(&file, n)));
        let table = parse(&file, &read.text).map_err(|reason| DataError::Read { path: file.clone(), reason })?;
        if table.events.is_empty() && table.faults.is_empty() {
            draft.warn(&file, "holds no events");
        }
        tables.push(table);
        draft.used.push(file);
    }
    let points = points(path, &tables, config, &mut draft)?;
    let counts = |e: &&Event| points || e.kind != Kind::Point;
    let names = tables.iter().flat_map(|t| t.events.iter().filter(counts)).map(|e| e.behavior.clone());
    let names = in_order(names.collect());
    draft.classes = ClassSet::from_names(names.iter().cloned());
    let mut reading = Reading {
        root: &root,
        points,
        classes: names.into_iter().zip(0..).collect(),
        finder: Finder::new(&root, true),
        found: HashMap::new(),
        assembly: Assembly::overlapping(&root),
        subjects: HashMap::new(),
    };
    for table in &tables {
        reading.table(table, &mut draft);
    }
    if reading.assembly.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: super::first_reason(&draft, &root) });
    }
    for (video, names) in reading.subjects {
        if let (1, Some(name)) = (names.len(), names.into_iter().next()) {
            reading.assembly.subject(&video, name);
        }
    }
    reading.assembly.finish(None, &mut draft);
    unlisted(&root, &mut draft);
    Ok(draft)
}
