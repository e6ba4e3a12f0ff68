//! EPIC-KITCHENS-100: `EPIC_100_train.csv`, `EPIC_100_validation.csv` and `EPIC_100_test_timestamps.csv` with a narrated
//! action a row, `EPIC_100_verb_classes.csv` and `EPIC_100_noun_classes.csv`.
//!
//! Times are the timestamps. The columns of frames count pictures extracted at 50 or 60 a second and are not read.

use super::Draft;
use super::choices::{Question, choose};
use super::find::{ByIds, Found};
use super::listing::{Assembly, Ignored, Row, Span, unlisted};
use super::lists::{files_called, unnamed};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::numbers::{integer, seconds};
use crate::data::label_csv::records::{Record, Table, read_table};
use crate::data::label_csv::text::shown;
use crate::data::scan::{file_name, relative_name};
use crate::domain::{ClassInfo, ClassSet, InstanceDetails, InstanceLabel, Reason, Split};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// The lists by their names in lower case.
const LISTS: &[(&str, Split)] = &[
    ("epic_100_train.csv", Split::Train),
    ("epic_100_validation.csv", Split::Val),
    ("epic_100_test_timestamps.csv", Split::Test),
];
const VERBS: &str = "epic_100_verb_classes.csv";
const NOUNS: &str = "epic_100_noun_classes.csv";
/// Information about the videos, and narrations without times: part of the dataset, and of no use here.
const OTHERS: &[&str] = &["epic_100_video_info.csv", "epic_100_train_missing_timestamp_narrations.csv"];

fn files(root: &Path) -> Vec<(PathBuf, Split)> {
    let lists = files_called(root, |name| LISTS.iter().any(|(list, _)| *list == name));
    let split = |file: &PathBuf| LISTS.iter().find(|(list, _)| file_name(file).eq_ignore_ascii_case(list)).map(|l| l.1);
    let mut out: Vec<(PathBuf, Split)> = lists.into_iter().filter_map(|f| split(&f).map(|s| (f, s))).collect();
    out.sort_by_key(|(_, split)| *split);
    // Of copies in several folders the first.
    out.dedup_by_key(|(_, split)| *split);
    out
}

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let found = files(root);
    if !found.iter().any(|(_, split)| *split != Split::Test) {
        return Err("there is no EPIC_100_train.csv and no EPIC_100_validation.csv".into());
    }
    Ok(found.iter().map(|(f, _)| file_name(f)).collect::<Vec<_>>().join(", "))
}

/// What tells classes apart.
#[derive(Clone, Copy, PartialEq)]
enum By {
    Verb,
    Noun,
    Pair,
}

struct Columns {
    video: usize,
    start: usize,
    stop: usize,
    participant: Option<usize>,
    verb: Option<usize>,
    noun: Option<usize>,
}

impl Columns {
    fn of(header: &Record) -> Result<Self, String> {
        let find = |name: &str| {
            header.column(name).ok_or_else(|| {
                format!("line {}: it has no column '{name}' but {}; add it", header.line, header.cells.join(", "))
            })
        };
        Ok(Self {
            video: find("video_id")?,
            start: find("start_timestamp")?,
            stop: find("stop_timestamp")?,
            participant: header.column("participant_id"),
            verb: header.column("verb_class"),
            noun: header.column("noun_class"),
        })
    }
}

/// The numbers of a row's verb and noun; `None` where the row gives none.
type Numbers = (Option<i64>, Option<i64>);

/// A row that can be used.
struct Event {
    line: u32,
    found: Found,
    numbers: Numbers,
    at: Extent,
}

/// The classes of a file with `id,key,…`; `None` where there is no such file.
fn names(root: &Path, called: &str, draft: &mut Draft) -> Result<Option<BTreeMap<i64, String>>, DataError> {
    let Some(file) = files_called(root, |name| name == called).into_iter().next() else { return Ok(None) };
    draft.used.push(file.clone());
    let refuse = |line: u32, why: String| DataError::Read { path: file.clone(), reason: format!("line {line}: {why}") };
    let table = read_table(&file)?;
    draft.warnings.extend(table.note.clone().map(|n| super::warning(&file, n)));
    let Some(header) = table.records.first() else { return Err(refuse(1, "it is empty; get it again".into())) };
    let (Some(id), Some(key)) = (header.column("id"), header.column("key")) else {
        return Err(refuse(header.line, "it has no columns 'id' and 'key'; get it again".into()));
    };
    let mut out = BTreeMap::new();
    for row in table.records.iter().skip(1) {
        let Some(number) = integer(row.cell(id), table.decimal_comma()).filter(|n| *n >= 0) else {
            draft.warn(&file, format!("line {}: '{}' is no number; the row is skipped", row.line, shown(row.cell(id))));
            continue;
        };
        if out.insert(number, row.cell(key).to_owned()).is_some() {
            return Err(refuse(row.line, format!("number {number} stands twice; correct one of the lines")));
        }
    }
    Ok(Some(out))
}

struct Reading<'a> {
    root: &'a Path,
    by: By,
    /// Names of verbs and nouns by their numbers, where they are known.
    verbs: Option<BTreeMap<i64, String>>,
    nouns: Option<BTreeMap<i64, String>>,
    videos: ByIds<'a>,
    subjects: HashMap<PathBuf, String>,
}

impl Reading<'_> {
    /// The rows of a table that can be used; the others are entered.
    fn events(&mut self, file: &Path, split: Split, table: &Table, columns: &Columns, draft: &mut Draft) -> Vec<Event> {
        let mut ignored = Ignored::of(file);
        let mut out = Vec::new();
        for row in table.records.iter().skip(1) {
            let id = row.cell(columns.video);
            let mut skip = |draft: &mut Draft, reason: Reason, video: Option<&Path>, what: String| {
                let video = video.map(|v| relative_name(self.root, v));
                let message = format!("line {}: {what}; the row is skipped, correct it", row.line);
                ignored.skip(draft, (row.line, reason), (video, id), "more rows cannot be used", message);
            };
            if id.is_empty() {
                skip(draft, Reason::NoVideo, None, "it has no video_id".into());
                continue;
            }
            let found = match self.videos.find(id, split, &[""]) {
                Ok(found) => found,
                Err(several) => {
                    ignored.missing(draft, self.root, row.line, id, several);
                    continue;
                }
            };
            let comma = table.decimal_comma();
            let numbers = match (number(row, columns.verb, comma), number(row, columns.noun, comma)) {
                (Ok(verb), Ok(noun)) => (verb, noun),
                (Err(why), _) | (_, Err(why)) => {
                    skip(draft, Reason::BadNumber, Some(&found.path), why);
                    continue;
                }
            };
            if let Some(unknown) = self.unknown(numbers) {
                skip(draft, Reason::UnknownClass, Some(&found.path), unknown);
                continue;
            }
            match interval(row, columns, comma) {
                Ok(at) => {
                    if let Some(participant) = columns.participant.map(|c| row.cell(c)).filter(|p| !p.is_empty()) {
                        self.subjects.entry(found.path.clone()).or_insert_with(|| participant.to_owned());
                    }
                    out.push(Event { line: row.line, found, numbers, at });
                }
                Err((reason, why)) => skip(draft, reason, Some(&found.path), why),
            }
        }
        ignored.finish(draft);
        out
    }

    /// A sentence where a number that counts is in no file of classes.
    fn unknown(&self, (verb, noun): Numbers) -> Option<String> {
        let missing = |number: Option<i64>, known: &Option<BTreeMap<i64, String>>, what: &str| {
            let number = number.filter(|n| known.as_ref().is_some_and(|k| !k.contains_key(n)))?;
            Some(format!("{what}_class {number} is not in EPIC_100_{what}_classes.csv"))
        };
        let of_verb = (self.by != By::Noun).then(|| missing(verb, &self.verbs, "verb")).flatten();
        of_verb.or_else(|| (self.by != By::Verb).then(|| missing(noun, &self.nouns, "noun")).flatten())
    }

    /// The classes, and the position of each verb, noun or pair.
    fn classes(&self, events: &[&Event]) -> (ClassSet, HashMap<Numbers, usize>) {
        let name = |known: &Option<BTreeMap<i64, String>>, n: i64| {
            known.as_ref().and_then(|k| k.get(&n)).cloned().unwrap_or_else(|| format!("class {n}"))
        };
        let keys = events.iter().filter_map(|e| self.key(e.numbers));
        let single = |known: &Option<BTreeMap<i64, String>>, of: fn(Numbers) -> Option<i64>| match known {
            Some(known) => ClassSet { classes: known.iter().map(|(n, name)| ClassInfo::numbered(*n, name)).collect() },
            None => unnamed(keys.clone().filter_map(of)),
        };
        let set = match self.by {
            By::Verb => single(&self.verbs, |n| n.0),
            By::Noun => single(&self.nouns, |n| n.1),
            By::Pair => {
                let pairs: BTreeSet<(i64, i64)> = keys.clone().filter_map(|(v, n)| v.zip(n)).collect();
                let class = |((verb, noun), id): ((i64, i64), i64)| ClassInfo {
                    source: Some(format!("{verb}:{noun}")),
                    ..ClassInfo::named(id, format!("{} {}", name(&self.verbs, verb), name(&self.nouns, noun)))
                };
                let at = pairs.iter().enumerate().map(|(i, (v, n))| ((Some(*v), Some(*n)), i)).collect();
                return (ClassSet { classes: pairs.iter().copied().zip(0..).map(class).collect() }, at);
            }
        };
        let key = |id: i64| if self.by == By::Verb { (Some(id), None) } else { (None, Some(id)) };
        let at = set.classes.iter().enumerate().map(|(i, c)| (key(c.id), i)).collect();
        (set, at)
    }

    /// What tells the class of a row; `None` where it has none.
    fn key(&self, (verb, noun): Numbers) -> Option<Numbers> {
        match self.by {
            By::Verb => verb.map(|v| (Some(v), None)),
            By::Noun => noun.map(|n| (None, Some(n))),
            By::Pair => verb.zip(noun).map(|(v, n)| (Some(v), Some(n))),
        }
    }
}

/// The number of a class in a cell; none where it is empty or −1.
fn number(row: &Record, column: Option<usize>, decimal_comma: bool) -> Result<Option<i64>, String> {
    let cell = column.map_or("", |c| row.cell(c));
    match integer(cell, decimal_comma) {
        _ if cell.is_empty() => Ok(None),
        Some(-1) => Ok(None),
        Some(number) => Ok(Some(number)),
        None => Err(format!("'{}' is no number of a class", shown(cell))),
    }
}

fn interval(row: &Record, columns: &Columns, decimal_comma: bool) -> Result<Extent, (Reason, String)> {
    let time = |column: usize| {
        let cell = row.cell(column);
        seconds(cell, decimal_comma).ok_or_else(|| (Reason::BadNumber, format!("'{}' is no time", shown(cell))))
    };
    Extent::of_seconds(time(columns.start)?, time(columns.stop)?)
}

fn details((verb, noun): Numbers) -> Option<Box<InstanceDetails>> {
    let notes: Vec<(&'static str, String)> =
        [("verb", verb), ("noun", noun)].into_iter().filter_map(|(k, n)| Some((k, n?.to_string()))).collect();
    (!notes.is_empty()).then(|| Box::new(InstanceDetails { notes, ..InstanceDetails::default() }))
}

/// What tells classes apart: the configured column, else the verb.
fn by(root: &Path, config: &DataConfig, draft: &mut Draft) -> Result<By, DataError> {
    let question = Question {
        key: "class",
        asks: "what the classes are",
        options: ["verb", "noun", "pair"].map(str::to_owned).into(),
        default: Some("verb".into()),
        several: false,
    };
    Ok(match choose(root, config, draft, question)?.as_str() {
        "noun" => By::Noun,
        "pair" => By::Pair,
        _ => By::Verb,
    })
}

pub(super) fn read(root: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let lists = files(root);
    let mut draft = Draft::default();
    let by = by(root, config, &mut draft)?;
    let mut reading = Reading {
        root,
        by,
        verbs: names(root, VERBS, &mut draft)?,
        nouns: names(root, NOUNS, &mut draft)?,
        videos: ByIds::new(root),
        subjects: HashMap::new(),
    };
    draft.used.extend(files_called(root, |name| OTHERS.contains(&name)));
    let mut all: Vec<(&Path, Split, Vec<Event>)> = Vec::new();
    for (file, split) in &lists {
        draft.used.push(file.clone());
        let table = read_table(file)?;
        draft.warnings.extend(table.note.clone().map(|n| super::warning(file, n)));
        let Some(header) = table.records.first() else {
            draft.warn(file, "it is empty; get it again");
            continue;
        };
        let columns = Columns::of(header).map_err(|reason| DataError::Read { path: file.clone(), reason })?;
        let events = reading.events(file, *split, &table, &columns, &mut draft);
        all.push((file, *split, events));
    }
    let labelled: Vec<&Event> = all.iter().flat_map(|(.., events)| events).collect();
    let (classes, at) = reading.classes(&labelled);
    draft.classes = classes;
    let mut assembly = Assembly::overlapping(root);
    for (file, split, events) in all {
        for event in events {
            let class = reading.key(event.numbers).and_then(|key| at.get(&key));
            let row = Row {
                split,
                label: class.map_or(InstanceLabel::Unlabelled, |c| InstanceLabel::Class(*c)),
                span: Span::At(event.at),
                details: details(event.numbers),
                adjusted: event.found.adjusted(),
                ..Row::new(file, event.line, event.found.path)
            };
            assembly.add(row, &mut draft);
        }
    }
    if assembly.is_empty() {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: super::first_reason(&draft, root) });
    }
    reading.subjects.into_iter().for_each(|(path, subject)| assembly.subject(&path, subject));
    assembly.finish(None, &mut draft);
    unlisted(root, &mut draft);
    Ok(draft)
}
