//! AVA actions: `ava_train_v2.2.csv` and `ava_val_v2.2.csv` without headers, rows `video,second,x1,y1,x2,y2,action,person`,
//! a list of actions `….pbtxt`, and lists of seconds that are excluded.
//!
//! The rows about one video, second and box are one instance with several classes. It lasts one second, [`Span::Around`].
//! Videos are usually cut from second 900 on: [`Clock::Cut`].

use super::choices::{Question, choose};
use super::find::ByIds;
use super::listing::{Assembly, Clock, Ignored, Row, Span, unlisted};
use super::lists::{files_called, unnamed};
use super::{Draft, pbtxt};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::numbers::{integer, number};
use crate::data::label_csv::records::{Record, Table, read_table};
use crate::data::label_csv::split_word;
use crate::data::label_csv::text::shown;
use crate::data::scan::{file_name, relative_name};
use crate::domain::{ClassSet, FrameBox, InstanceDetails, InstanceLabel, Reason, Split, Task, natural};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};

/// Pictures a second in the folders of pictures that AVA's scripts make.
const PICTURE_RATE: f64 = 30.0;
/// Folders of cut videos, which are preferred to whole ones beside them.
const PREFIXES: &[&str] = &["videos_15min/", ""];
/// The list of actions that are evaluated, where the longer list lies beside it.
const EVALUATED: &str = "for_activitynet";

/// A list, by what its name says.
struct List {
    file: PathBuf,
    split: Split,
    /// Holds seconds that do not count.
    excluded: bool,
    /// As `v2.2`; empty where the name has none.
    version: String,
}

impl List {
    /// `ava_train_v2.2.csv`, `ava_val_excluded_timestamps_v2.2.csv`.
    fn of(file: PathBuf) -> Option<Self> {
        let name = file_name(&file).to_lowercase();
        let mut words: Vec<&str> = name.strip_prefix("ava_")?.strip_suffix(".csv")?.split('_').collect();
        let is_version = |w: &&str| w.strip_prefix('v').is_some_and(|v| v.starts_with(|c: char| c.is_ascii_digit()));
        let version = words.last().filter(|w| is_version(w)).map(|w| (*w).to_owned()).unwrap_or_default();
        words.retain(|w| !is_version(w));
        let (split, rest) = words.split_first()?;
        let excluded = match rest {
            [] => false,
            ["excluded", ..] => true,
            _ => return None,
        };
        Some(Self { split: split_word(split)?, excluded, version, file })
    }
}

fn lists(root: &Path) -> Vec<List> {
    let files = files_called(root, |name| name.starts_with("ava_") && name.ends_with(".csv"));
    let mut out: Vec<List> = files.into_iter().filter_map(List::of).collect();
    out.sort_by_key(|l| l.split);
    out
}

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let names: Vec<String> = lists(root).iter().filter(|l| !l.excluded).map(|l| file_name(&l.file)).collect();
    if names.is_empty() {
        return Err("there is no ava_train_v2.2.csv and no ava_val_v2.2.csv".into());
    }
    Ok(names.join(", "))
}

/// The lists of the chosen version.
fn chosen(root: &Path, config: &DataConfig, draft: &mut Draft) -> Result<Vec<List>, DataError> {
    let all = lists(root);
    let mut versions: Vec<String> =
        all.iter().filter(|l| !l.excluded).map(|l| l.version.clone()).collect::<BTreeSet<_>>().into_iter().collect();
    versions.sort_by(|a, b| natural(b, a));
    draft.used.extend(all.iter().map(|l| l.file.clone()));
    // Names of videos, and of seconds that are included: part of the dataset, and of no use here.
    draft.used.extend(files_called(root, |name| name.starts_with("ava_") && name.ends_with(".txt")));
    let Some(newest) = versions.first().filter(|_| versions.len() > 1).cloned() else { return Ok(all) };
    let question = Question {
        key: "version",
        asks: "which version of the annotations is read",
        options: versions,
        default: Some(newest),
        several: false,
    };
    let version = choose(root, config, draft, question)?;
    Ok(all.into_iter().filter(|l| l.version == version).collect())
}

/// The classes of the list of actions; without one the numbers that occur.
fn classes(root: &Path, config: &DataConfig, tables: &[Table], draft: &mut Draft) -> Result<ClassSet, DataError> {
    let mut files = files_called(root, |name| name.ends_with(".pbtxt"));
    let Some(first) = files.first().cloned() else {
        draft.warn(root, "there is no list of actions (….pbtxt), so classes are named by their numbers");
        let numbers =
            tables.iter().flat_map(|t| t.records.iter().filter_map(|r| integer(r.cell(6), t.decimal_comma())));
        return Ok(unnamed(numbers.filter(|n| *n >= 1)));
    };
    draft.used.extend(files.iter().cloned());
    if files.len() > 1 {
        files.sort_by_key(|f| !file_name(f).contains(EVALUATED));
        let names: Vec<String> = files.iter().map(|f| relative_name(root, f)).collect();
        let question = Question {
            key: "actions",
            asks: "which list of actions tells the classes",
            default: names.first().cloned(),
            options: names,
            several: false,
        };
        let name = choose(root, config, draft, question)?;
        let file = files.into_iter().find(|f| relative_name(root, f) == name).unwrap_or(first);
        return pbtxt::classes(&file, draft);
    }
    pbtxt::classes(&first, draft)
}

/// Whether videos were cut from second 900 on, where somebody said.
fn cut(root: &Path, config: &DataConfig, draft: &mut Draft) -> Result<Option<bool>, DataError> {
    let question = Question {
        key: "cut_at",
        asks: "at which second of the recording the videos begin",
        options: ["auto", "0", "900"].map(str::to_owned).into(),
        default: Some("auto".into()),
        several: false,
    };
    Ok(match choose(root, config, draft, question)?.as_str() {
        "900" => Some(true),
        "0" => Some(false),
        _ => None,
    })
}

/// Left, top, right, bottom as they are written.
type Corners = [f64; 4];

/// A row by what it says.
struct Entry {
    second: f64,
    corners: Corners,
    action: Option<i64>,
    person: String,
}

impl Entry {
    fn of(row: &Record, decimal_comma: bool) -> Result<Self, String> {
        let value = |at: usize, what: &str| {
            number(row.cell(at), decimal_comma).ok_or_else(|| format!("'{}' is no {what}", shown(row.cell(at))))
        };
        let second = value(1, "second")?;
        let corner = |at| value(at, "share of the picture");
        let corners = [corner(2)?, corner(3)?, corner(4)?, corner(5)?];
        let action = match row.cell(6) {
            "" | "-1" => None,
            cell => Some(
                integer(cell, decimal_comma).ok_or_else(|| format!("'{}' is no number of an action", shown(cell)))?,
            ),
        };
        Ok(Self { second, corners, action, person: row.cell(7).to_owned() })
    }
}

/// The rows about one box.
struct Boxed {
    path: PathBuf,
    second: f64,
    corners: Corners,
    person: String,
    adjusted: Vec<Reason>,
    /// Classes and the lines that name them.
    rows: Vec<(usize, u32)>,
}

struct Reading<'a> {
    root: &'a Path,
    classes: HashMap<i64, usize>,
    excluded: HashSet<(String, u64)>,
    videos: ByIds<'a>,
    /// First second that any row of a video names.
    earliest: HashMap<PathBuf, f64>,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    /// Takes the seconds of a list of those that do not count.
    fn exclude(&mut self, file: &Path, table: &Table, draft: &mut Draft) {
        let mut ignored = Ignored::of(file);
        for row in &table.records {
            match number(row.cell(1), table.decimal_comma()) {
                Some(second) => {
                    self.excluded.insert((row.cell(0).to_owned(), second.to_bits()));
                }
                None => {
                    let message = format!("line {}: '{}' is no second; it is skipped", row.line, shown(row.cell(1)));
                    ignored.note(draft, "more lines name no second", file, message);
                }
            }
        }
        ignored.finish(draft);
    }

    fn list(&mut self, list: &List, table: &Table, draft: &mut Draft) {
        let mut ignored = Ignored::of(&list.file);
        let mut boxes: Vec<Boxed> = Vec::new();
        let mut at: HashMap<(PathBuf, u64, [u64; 4]), usize> = HashMap::new();
        for row in &table.records {
            let id = row.cell(0);
            let found = match self.videos.find(id, list.split, PREFIXES) {
                Ok(found) => found,
                Err(several) => {
                    ignored.missing(draft, self.root, row.line, id, several);
                    continue;
                }
            };
            let read = Entry::of(row, table.decimal_comma()).map_err(|why| (Reason::BadNumber, why));
            if let Some(second) = number(row.cell(1), table.decimal_comma()) {
                let earliest = self.earliest.entry(found.path.clone()).or_insert(second);
                *earliest = earliest.min(second);
            }
            let read = read.and_then(|entry| Ok((self.class(id, &entry)?, entry)));
            let (class, entry) = match read {
                Ok(read) => read,
                Err((reason, why)) => {
                    let about = (Some(relative_name(self.root, &found.path)), row.shown());
                    let message = format!("line {}: {why}; the row is skipped", row.line);
                    let kind = match reason {
                        Reason::ExcludedTimestamp => "more rows name seconds that are excluded",
                        Reason::NoClass => "more rows name no action",
                        Reason::UnknownClass => "more rows name actions that are not in the list of actions",
                        _ => "more rows cannot be used",
                    };
                    ignored.skip(draft, (row.line, reason), (about.0, &about.1), kind, message);
                    continue;
                }
            };
            let key = (found.path.clone(), entry.second.to_bits(), entry.corners.map(f64::to_bits));
            let of_box = *at.entry(key).or_insert_with(|| {
                let adjusted = found.adjusted();
                let Entry { second, corners, person, .. } = entry;
                boxes.push(Boxed { path: found.path.clone(), second, corners, person, adjusted, rows: Vec::new() });
                boxes.len() - 1
            });
            let Some(of_box) = boxes.get_mut(of_box) else { continue };
            if let Some((_, first)) = of_box.rows.iter().find(|(c, _)| *c == class) {
                let about = (Some(relative_name(self.root, &found.path)), "");
                let message =
                    format!("line {} says the same as line {first}, which counts; remove one of them", row.line);
                let why = (row.line, Reason::Duplicate);
                ignored.skip(draft, why, about, "more rows repeat others", message);
                continue;
            }
            of_box.rows.push((class, row.line));
        }
        ignored.finish(draft);
        boxes.into_iter().for_each(|one| self.add(list, one, draft));
    }

    /// The class of a row that counts.
    fn class(&self, id: &str, entry: &Entry) -> Result<usize, (Reason, String)> {
        if self.excluded.contains(&(id.to_owned(), entry.second.to_bits())) {
            return Err((Reason::ExcludedTimestamp, format!("second {} of {id} is excluded", entry.second)));
        }
        let action = entry.action.ok_or_else(|| (Reason::NoClass, "it names no action".into()))?;
        let unknown = || (Reason::UnknownClass, format!("action {action} is not in the list of actions"));
        self.classes.get(&action).copied().ok_or_else(unknown)
    }

    fn add(&mut self, list: &List, one: Boxed, draft: &mut Draft) {
        let inside = one.corners.map(|c| c.clamp(0.0, 1.0));
        let mut adjusted = one.adjusted;
        if inside != one.corners {
            adjusted.push(Reason::ClampedBox);
        }
        let Some((_, line)) = one.rows.first().copied() else { return };
        let corners = inside.map(|c| c as f32);
        let mut notes = vec![("second", one.second.to_string())];
        if !one.person.is_empty() {
            notes.push(("person", one.person));
        }
        let boxes = vec![FrameBox { frame: 0, end: 0, corners }];
        let row = Row {
            further: one.rows.iter().skip(1).map(|(_, line)| *line).collect(),
            split: list.split,
            label: InstanceLabel::of(one.rows.iter().map(|(class, _)| *class).collect()),
            span: Span::Around(one.second),
            details: Some(Box::new(InstanceDetails { boxes, notes, ..InstanceDetails::default() })),
            adjusted,
            ..Row::new(&list.file, line, one.path)
        };
        self.assembly.add(row, draft);
    }
}

pub(super) fn read(root: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let mut draft = Draft { task: Task::MultiLabel, ..Draft::default() };
    let lists = chosen(root, config, &mut draft)?;
    let cut = cut(root, config, &mut draft)?;
    let mut tables = Vec::with_capacity(lists.len());
    for list in &lists {
        let table = read_table(&list.file)?;
        draft.warnings.extend(table.note.clone().map(|n| super::warning(&list.file, n)));
        if table.records.is_empty() && !list.excluded {
            draft.warn(&list.file, "it is empty; get it again");
        }
        tables.push(table);
    }
    draft.classes = classes(root, config, &tables, &mut draft)?;
    let mut reading = Reading {
        root,
        classes: draft.classes.classes.iter().enumerate().map(|(i, c)| (c.id, i)).collect(),
        excluded: HashSet::new(),
        videos: ByIds::new(root),
        earliest: HashMap::new(),
        assembly: Assembly::new(root, Task::MultiLabel),
    };
    let all = || lists.iter().zip(&tables);
    for (list, table) in all().filter(|(l, _)| l.excluded) {
        reading.exclude(&list.file, table, &mut draft);
    }
    for (list, table) in all().filter(|(l, _)| !l.excluded) {
        reading.list(list, table, &mut draft);
    }
    let Reading { mut assembly, earliest, .. } = reading;
    if assembly.is_empty() {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: super::first_reason(&draft, root) });
    }
    for (path, earliest) in earliest {
        let pictures = path.is_dir();
        assembly.clock(&path, Clock::Cut { cut: cut.or(pictures.then_some(true)), earliest });
        if pictures {
            assembly.rate(&path, PICTURE_RATE);
        }
    }
    assembly.finish(None, &mut draft);
    unlisted(root, &mut draft);
    Ok(draft)
}
