//! Something-Something V2: `…labels.json` with the numbers of the labels, `…train.json`, `…validation.json` and
//! `…test.json` with a record a video; the class is the template of a record, without its brackets.

use super::Draft;
use super::answers::{Answer, Answers, Line};
use super::find::{Finder, Hint};
use super::json_values::Values;
use super::listing::{Assembly, Ignored, Row, is_no_label, unlisted};
use super::lists::Prefixed;
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::text::{self, untrimmed_lines};
use crate::data::scan::file_name;
use crate::domain::{ClassId, ClassInfo, ClassSet, InstanceLabel, Reason, Split, Task};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;

/// Numbers of classes above this are no numbers that programs write: 2^53.
const LARGEST: i64 = 1 << 53;

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let found = Prefixed::find(root, "json").ok_or("there is no labels.json with a train.json of the same prefix")?;
    let train = found.train().unwrap_or(root);
    // A file that cannot be read is told of by the reader.
    let tells = text::read(train).map_or(true, |t| t.text.contains("\"template\""));
    if !tells {
        return Err(format!("{} beside {} has no 'template'", file_name(train), file_name(&found.labels)));
    }
    Ok(format!("{} with the templates of {}", file_name(train), file_name(&found.labels)))
}

/// A template without brackets and the spaces around it, and whether there were spaces.
fn bare(template: &str) -> (String, bool) {
    let open: String = template.chars().filter(|c| !matches!(c, '[' | ']')).collect();
    let name = open.trim();
    (name.to_owned(), name.len() < open.len())
}

/// A text, or a number as text.
fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(n) if n.is_u64() || n.is_i64() => Some(n.to_string()),
        _ => None,
    }
}

/// The classes by their numbers, and their positions by names.
fn classes(file: &Path, draft: &mut Draft) -> Result<HashMap<String, ClassId>, DataError> {
    let read = text::read(file)?;
    draft.used.push(file.to_path_buf());
    draft.warnings.extend(read.note.map(|n| super::warning(file, n)));
    let refused = |reason: String| DataError::Read { path: file.to_path_buf(), reason };
    let mut labels: Vec<(i64, String, u32)> = Vec::new();
    let (mut numbers, mut names) = (HashMap::new(), HashMap::new());
    Values::of(file, &read.text).object("labels and their numbers", |line, label, value| {
        let label = label.trim().to_owned();
        let id = text_of(&value).and_then(|t| t.trim().parse().ok()).filter(|n| (0..=LARGEST).contains(n));
        let Some(id) = id else {
            let shown: String = value.to_string().chars().take(40).collect();
            draft.warn(file, format!("line {line}: '{label}' has {shown} for a number; the class is left out"));
            return Ok(());
        };
        if let Some(first) = numbers.insert(id, line) {
            return Err(refused(format!("line {line}: number {id} stands twice, first in line {first}; correct one")));
        }
        if let Some(first) = names.insert(bare(&label).0, line) {
            return Err(refused(format!("line {line}: '{label}' stands twice, first in line {first}; remove one")));
        }
        labels.push((id, label, line));
        Ok(())
    })?;
    if labels.is_empty() {
        return Err(refused("line 1: it names no class".into()));
    }
    labels.sort_by_key(|(id, ..)| *id);
    draft.classes =
        ClassSet { classes: labels.iter().map(|(id, name, _)| ClassInfo::numbered(*id, name.clone())).collect() };
    Ok(labels.iter().enumerate().map(|(class, (_, name, _))| (bare(name).0, class)).collect())
}

/// What a record says.
struct Entry {
    id: String,
    /// Class as it is named.
    class: Option<String>,
    /// Spaces around a name were removed.
    spaced: bool,
    /// The line of the answers that names the class.
    answer: Option<u32>,
}

impl Entry {
    /// Of a value of a list.
    ///
    /// # Errors
    /// Why it is no record, in words.
    fn of(value: &Value) -> Result<Self, String> {
        let Value::Object(fields) = value else {
            let shown: String = value.to_string().chars().take(40).collect();
            return Err(format!("{shown} is no record with an id"));
        };
        let Some(id) = fields.get("id").filter(|id| !id.is_null()) else { return Err("the record has no id".into()) };
        let Some(id) = text_of(id) else { return Err(format!("the id {id} is neither a text nor a whole number")) };
        let (class, spaced) = match fields.get("template") {
            None | Some(Value::Null) => (String::new(), false),
            Some(Value::String(template)) => bare(template),
            Some(other) => return Err(format!("the template {other} of '{id}' is no text")),
        };
        if id.trim().is_empty() {
            return Err("the id is empty".into());
        }
        let spaced = spaced || id.trim().len() < id.len();
        Ok(Self { id: id.trim().to_owned(), class: Some(class).filter(|c| !is_no_label(c)), spaced, answer: None })
    }
}

struct Reading<'a> {
    labels: &'a Path,
    classes: HashMap<String, ClassId>,
    finder: Finder<'a>,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    fn list(&mut self, file: &Path, split: Split, answers: &mut Answers, draft: &mut Draft) -> Result<(), DataError> {
        let read = text::read(file)?;
        draft.used.push(file.to_path_buf());
        draft.warnings.extend(read.note.map(|n| super::warning(file, n)));
        let mut ignored = Ignored::of(file);
        Values::of(file, &read.text).list("records with an id", |line, value| {
            let mut entry = match Entry::of(&value) {
                Ok(entry) => entry,
                Err(why) => {
                    let message = format!("line {line}: {why}; the record is skipped, correct it");
                    let why = (line, Reason::BadNumber);
                    ignored.push(draft, why, "more records have no usable fields", file, message);
                    return Ok(());
                }
            };
            if let Some(Answer { label, line, spaced, .. }) = answers.of(&entry.id).filter(|_| entry.class.is_none()) {
                (entry.class, entry.answer) = (Some(bare(&label).0), Some(line));
                entry.spaced |= spaced;
            }
            self.row(&mut ignored, (file, line, split), entry, draft);
            Ok(())
        })?;
        ignored.finish(draft);
        Ok(())
    }

    /// Answers without a list of test ids are that list.
    fn answers(&mut self, file: &Path, draft: &mut Draft) -> Result<(), DataError> {
        let read = text::read(file)?;
        draft.used.push(file.to_path_buf());
        let mut ignored = Ignored::of(file);
        for (line, text) in untrimmed_lines(&read.text) {
            let Line { id, label, spaced } = Line::of(text);
            let entry = Entry { id: id.to_owned(), class: label.map(|l| bare(l).0), spaced, answer: None };
            self.row(&mut ignored, (file, line, Split::Test), entry, draft);
        }
        ignored.finish(draft);
        Ok(())
    }

    fn row(&mut self, ignored: &mut Ignored<'_>, at: (&Path, u32, Split), entry: Entry, draft: &mut Draft) {
        let (file, line, split) = at;
        let Entry { id, class: name, spaced, answer } = entry;
        let class = name.as_ref().and_then(|n| self.classes.get(n)).copied();
        if let (Some(name), None) = (&name, class) {
            let shown: String = name.chars().take(200).collect();
            let said = answer.map(|line| format!(" (line {line} of the answers)")).unwrap_or_default();
            let message = format!(
                "line {line}: '{shown}' of '{id}'{said} is no class of {}; the record is skipped",
                file_name(self.labels)
            );
            return ignored.push(
                draft,
                (line, Reason::UnknownClass),
                "more records have an unknown class",
                file,
                message,
            );
        }
        let hint = Hint { split, class: None, list: file.parent() };
        let Some(video) = self.finder.find(&id, &hint) else {
            return self.finder.missing(ignored, draft, line, &id);
        };
        let adjusted = if spaced && class.is_some() { vec![Reason::Trimmed] } else { Vec::new() };
        let label = class.map_or(InstanceLabel::Unlabelled, InstanceLabel::Class);
        self.assembly.add(Row { split, label, adjusted, ..Row::new(file, line, video.path) }, draft);
    }
}

pub(super) fn read(root: &Path, _: &DataConfig) -> Result<Draft, DataError> {
    let Some(found) = Prefixed::find(root, "json") else {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: "labels.json is gone".into() });
    };
    let mut draft = Draft::default();
    let classes = classes(&found.labels, &mut draft)?;
    let mut reading = Reading {
        labels: &found.labels,
        classes,
        finder: Finder::new(root, false),
        assembly: Assembly::new(root, Task::SingleLabel),
    };
    let test = found.lists.iter().find(|(_, s)| *s == Split::Test).map(|(file, _)| file);
    let mut answers = match &found.answers {
        Some(file) if test.is_some() => Answers::read(file, &mut draft)?,
        _ => Answers::default(),
    };
    for (file, split) in &found.lists {
        let mut none = Answers::default();
        let labels = if *split == Split::Test { &mut answers } else { &mut none };
        reading.list(file, *split, labels, &mut draft)?;
    }
    match (&found.answers, test) {
        (Some(file), Some(test)) => answers.finish(file, test, &mut draft),
        (Some(file), None) => reading.answers(file, &mut draft)?,
        _ => {}
    }
    if reading.assembly.is_empty() {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: super::first_reason(&draft, root) });
    }
    // It knows every file by several names, and is not needed any more.
    drop(reading.finder);
    reading.assembly.finish(None, &mut draft);
    unlisted(root, &mut draft);
    Ok(draft)
}
