//! Diving48: `Diving48_V2_train.json` and `Diving48_V2_test.json`, lists of `{"vid_name", "label", "start_frame",
//! "end_frame"}` with frames from 0 and the end outside, and `Diving48_vocab.json`, a list of the four parts of each class.

use super::Draft;
use super::find::ByIds;
use super::json::Json;
use super::listing::{Assembly, Ignored, Row, Span, unlisted};
use super::lists::{files_called, unnamed};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::split_word;
use crate::data::scan::{file_name, relative_name};
use crate::domain::{ClassInfo, ClassSet, InstanceLabel, Reason, Split, Task};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const VOCABULARY: &str = "vocab.json";

/// The lists of one version, the second where both are there.
struct Files {
    lists: Vec<(PathBuf, Split)>,
    vocabulary: Option<PathBuf>,
    /// Lists of the first version, which has wrong labels.
    first: bool,
    /// Those of the first version beside the second.
    left: Vec<PathBuf>,
}

fn files(root: &Path) -> Option<Files> {
    let all = files_called(root, |name| name.starts_with("diving48") && name.ends_with(".json"));
    let is_second = |f: &PathBuf| file_name(f).to_lowercase().contains("v2");
    let split = |f: &PathBuf| split_word(file_name(f).strip_suffix(".json")?.rsplit('_').next()?);
    let vocabulary = |second: bool| {
        all.iter().find(|f| is_second(f) == second && file_name(f).to_lowercase().ends_with(VOCABULARY)).cloned()
    };
    let of = |second: bool| {
        let lists = all.iter().filter(|f| is_second(f) == second).filter_map(|f| split(f).map(|s| (f.clone(), s)));
        let mut lists: Vec<(PathBuf, Split)> = lists.collect();
        lists.sort_by_key(|(_, split)| *split);
        lists
    };
    let (newer, older) = (of(true), of(false));
    let first = newer.is_empty();
    let vocabulary = vocabulary(!first).or_else(|| vocabulary(first));
    let (lists, left) = if first { (older, Vec::new()) } else { (newer, older.into_iter().map(|(f, _)| f).collect()) };
    (!lists.is_empty()).then_some(Files { lists, vocabulary, first, left })
}

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let found = files(root).ok_or("there is no Diving48_V2_train.json and no Diving48_V2_test.json")?;
    Ok(found.lists.iter().map(|(f, _)| file_name(f)).collect::<Vec<_>>().join(", "))
}

/// The list in a file; of anything else its kind is told.
fn list(file: &Path, what: &str, draft: &mut Draft) -> Result<Json, DataError> {
    draft.used.push(file.to_path_buf());
    let (json, note) = Json::read(file)?;
    draft.warnings.extend(note);
    if json.list().is_some() {
        return Ok(json);
    }
    let line = json.line().unwrap_or(1);
    let reason = format!("line {line}: it holds {}, not a list of {what}; get it again", json.kind());
    Err(DataError::Read { path: file.to_path_buf(), reason })
}

/// Classes by the vocabulary: parts joined by `+`.
fn vocabulary(file: &Path, draft: &mut Draft) -> Result<ClassSet, DataError> {
    let mut names = Vec::new();
    for (i, (line, entry)) in list(file, "classes", draft)?.items().enumerate() {
        let parts: Option<Vec<String>> = match entry.list() {
            Some(parts) => parts.iter().map(Json::name).collect(),
            None => entry.name().map(|name| vec![name]),
        };
        let Some(parts) = parts else {
            let reason = format!("line {line}: class {i} is {}, not a list of its parts; correct it", entry.kind());
            return Err(DataError::Read { path: file.to_path_buf(), reason });
        };
        names.push(parts.join("+"));
    }
    Ok(ClassSet::from_numbered(names))
}

/// What a record says beside its name.
fn record(record: &Json) -> Result<(Option<i64>, Span), (Reason, String)> {
    let bad = |what: String| (Reason::BadNumber, what);
    let label = match record.get("label") {
        None => None,
        Some(label) if label.is_empty() || label.number() == Some(-1.0) => None,
        Some(label) => Some(label.integer().ok_or_else(|| bad(format!("label '{label}' is no number of a class")))?),
    };
    let frame = |key: &str| {
        let value = record.get(key).filter(|v| !v.is_empty());
        let read = |v: &Json| v.integer().and_then(|n| u32::try_from(n).ok());
        value.map(|v| read(v).ok_or_else(|| bad(format!("{key} '{v}' is no number of a frame")))).transpose()
    };
    let span = match (frame("start_frame")?, frame("end_frame")?) {
        (None, None) => Span::Whole,
        (Some(start), Some(end)) if start > end => {
            return Err((Reason::StartAfterEnd, format!("start_frame {start} lies after end_frame {end}")));
        }
        (Some(start), Some(end)) if start == end => {
            return Err((Reason::EmptyInterval, format!("start_frame and end_frame are both {start}")));
        }
        (Some(start), Some(end)) => Span::At(Extent::Frames { start, end }),
        _ => return Err((Reason::NoTime, "it has only one of start_frame and end_frame".into())),
    };
    Ok((label, span))
}

struct Reading<'a> {
    root: &'a Path,
    classes: HashMap<i64, usize>,
    videos: ByIds<'a>,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    fn list(&mut self, file: &Path, split: Split, records: &Json, draft: &mut Draft) {
        let mut ignored = Ignored::of(file);
        for (line, one) in records.items() {
            if one.entries().is_none() {
                let message = format!("line {line}: {} where a record must be; it is skipped, correct it", one.kind());
                ignored.skip(draft, (line, Reason::BadNumber), (None, ""), "more values are no records", message);
                continue;
            }
            let Some(name) = one.get("vid_name").and_then(Json::name) else {
                let message = format!("line {line}: {} without a vid_name; it is skipped, correct it", one.kind());
                let why = (line, Reason::NoVideo);
                ignored.skip(draft, why, (None, ""), "more records have no vid_name", message);
                continue;
            };
            let found = match self.videos.find(&name, split, &[""]) {
                Ok(found) => found,
                Err(several) => {
                    ignored.missing(draft, self.root, line, &name, several);
                    continue;
                }
            };
            let read = record(one).and_then(|(label, span)| {
                let unknown = |n: i64| (Reason::UnknownClass, format!("label {n} is not in the vocabulary"));
                let class = label.map(|n| self.classes.get(&n).copied().ok_or_else(|| unknown(n))).transpose()?;
                Ok((class.map_or(InstanceLabel::Unlabelled, InstanceLabel::Class), span))
            });
            match read {
                Ok((label, span)) => {
                    let adjusted = found.adjusted();
                    let row = Row { split, label, span, adjusted, ..Row::new(file, line, found.path) };
                    self.assembly.add(row, draft);
                }
                Err((reason, why)) => {
                    let about = (Some(relative_name(self.root, &found.path)), name.as_str());
                    let message = format!("line {line}: {why}; the record is skipped, correct it");
                    ignored.skip(draft, (line, reason), about, "more records cannot be used", message);
                }
            }
        }
        ignored.finish(draft);
    }
}

pub(super) fn read(root: &Path, _: &DataConfig) -> Result<Draft, DataError> {
    let Some(found) = files(root) else {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: "its lists are gone".into() });
    };
    let mut draft = Draft::default();
    if let Some((file, _)) = found.lists.first().filter(|_| found.first) {
        let message =
            "it is of the first version of Diving48, many of whose labels are wrong; get Diving48_V2_train.json";
        draft.warn(file, message);
    }
    for file in &found.left {
        draft.used.push(file.clone());
        draft.warn(file, "it is of the first version of Diving48; the second lies beside it and is read");
    }
    let mut lists = Vec::new();
    for (file, split) in &found.lists {
        lists.push((file, *split, list(file, "records", &mut draft)?));
    }
    draft.classes = match &found.vocabulary {
        Some(file) => vocabulary(file, &mut draft)?,
        None => {
            draft.warn(root, "there is no Diving48_vocab.json, so classes are named by their numbers");
            let numbers =
                lists.iter().flat_map(|(.., records)| records.items().filter_map(|(_, r)| r.get("label")?.integer()));
            unnamed(numbers.filter(|n| *n >= 0))
        }
    };
    let mut reading = Reading {
        root,
        classes: draft.classes.classes.iter().enumerate().map(|(i, c): (usize, &ClassInfo)| (c.id, i)).collect(),
        videos: ByIds::new(root),
        assembly: Assembly::new(root, Task::SingleLabel),
    };
    for (file, split, records) in &lists {
        reading.list(file, *split, records, &mut draft);
    }
    if reading.assembly.is_empty() {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: super::first_reason(&draft, root) });
    }
    reading.assembly.finish(None, &mut draft);
    unlisted(root, &mut draft);
    Ok(draft)
}
