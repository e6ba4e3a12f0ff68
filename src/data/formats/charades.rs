//! Charades: `Charades_v1_train.csv` and `Charades_v1_test.csv` with a video a row and its actions as
//! `c001 0.58 2.11;c002 1.41 2.46` in one column, and `Charades_v1_classes.txt` with `c000 Name` a line.

use super::Draft;
use super::find::ByIds;
use super::listing::{Assembly, Ignored, Row, Span, unlisted};
use super::lists::{files_called, numbered_names, split_of_name, unnamed};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::numbers::number;
use crate::data::label_csv::records::{Record, Table, read_table};
use crate::data::label_csv::split_word;
use crate::data::label_csv::text::shown;
use crate::data::scan::{file_name, relative_name};
use crate::domain::{ClassSet, InstanceLabel, Reason, Split, Task};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const NAME: &str = "charades";
/// Lists of objects, verbs, and how classes are made of them: part of the dataset, and of no use here, as are tables of a
/// part of the videos.
const OTHERS: &[&str] =
    &["mapping.txt", "object_classes.txt", "objectclasses.txt", "verb_classes.txt", "verbclasses.txt"];

/// Tables whose names end in a split. Those that hold a part of another (`…_train_only1st.csv`) do not.
fn tables(root: &Path) -> Vec<(PathBuf, Split)> {
    let split = |name: &str| {
        let last = name.strip_suffix(".csv")?.rsplit('_').next()?;
        split_word(last).filter(|_| name.starts_with(NAME))
    };
    let mut out: Vec<(PathBuf, Split)> = files_called(root, |name| split(name).is_some())
        .into_iter()
        .map(|f| (split_of_name(&file_name(&f)).unwrap_or_default(), f))
        .map(|(split, f)| (f, split))
        .collect();
    out.sort_by_key(|(_, split)| *split);
    out
}

/// The file whose lines begin with the number of an action.
fn class_file(root: &Path) -> Option<PathBuf> {
    let files = files_called(root, |name| name.starts_with(NAME) && name.ends_with("classes.txt"));
    files.into_iter().find(|f| {
        let name = file_name(f).to_lowercase();
        !OTHERS.iter().any(|other| name.ends_with(other))
    })
}

struct Columns {
    id: usize,
    actions: usize,
    subject: Option<usize>,
}

impl Columns {
    fn of(header: &Record) -> Result<Self, String> {
        let find = |name: &str| {
            header.column(name).ok_or_else(|| {
                format!("line {}: it has no column '{name}' but {}; add it", header.line, header.cells.join(", "))
            })
        };
        Ok(Self { id: find("id")?, actions: find("actions")?, subject: header.column("subject") })
    }
}

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let found = tables(root);
    if found.is_empty() {
        return Err("there is no Charades_v1_train.csv and no Charades_v1_test.csv".into());
    }
    Ok(found.iter().map(|(f, _)| file_name(f)).collect::<Vec<_>>().join(", "))
}

/// The number of a class that is written `c012`.
fn class_number(word: &str) -> Option<i64> {
    let digits = word.strip_prefix(['c', 'C'])?;
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

/// What is written in the column of actions, one by one.
fn actions(cell: &str) -> impl Iterator<Item = &str> {
    cell.split(';').map(str::trim).filter(|a| !a.is_empty())
}

/// `c001 0.58 2.11` as its number and seconds.
fn action(text: &str, decimal_comma: bool) -> Result<(i64, Extent), (Reason, String)> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [class, start, end] = words.as_slice() else {
        return Err((Reason::BadNumber, format!("'{}' is no class with a start and an end", shown(text))));
    };
    let class = class_number(class).ok_or_else(|| (Reason::UnknownClass, format!("'{class}' is no class")))?;
    let time = |word: &str| {
        number(word, decimal_comma)
            .ok_or_else(|| (Reason::BadNumber, format!("'{}' in '{}' is no time", shown(word), shown(text))))
    };
    let at = Extent::of_seconds(time(start)?, time(end)?);
    Ok((class, at.map_err(|(reason, why)| (reason, format!("{why} in '{}'", shown(text))))?))
}

struct Reading<'a> {
    root: &'a Path,
    classes: HashMap<i64, usize>,
    videos: ByIds<'a>,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    fn table(&mut self, file: &Path, split: Split, table: &Table, columns: &Columns, draft: &mut Draft) {
        let mut ignored = Ignored::of(file);
        for row in table.records.iter().skip(1) {
            let (id, cell) = (row.cell(columns.id), row.cell(columns.actions));
            let entries = actions(cell).count().max(1);
            if id.is_empty() {
                let message = format!("line {} has no id; it is skipped, correct the row", row.line);
                ignored.push(draft, (row.line, Reason::NoVideo), "more rows have no id", file, message);
                (1..entries).for_each(|_| ignored.enter(draft, (row.line, Reason::NoVideo), None, ""));
                continue;
            }
            let found = match self.videos.find(id, split, &[""]) {
                Ok(found) => found,
                Err(several) => {
                    ignored.missing(draft, self.root, row.line, id, several);
                    (1..entries).for_each(|_| ignored.enter(draft, (row.line, Reason::MissingVideo), None, id));
                    continue;
                }
            };
            if let Some(subject) = columns.subject.map(|c| row.cell(c)).filter(|s| !s.is_empty()) {
                self.assembly.subject(&found.path, subject);
            }
            if actions(cell).next().is_none() {
                self.assembly.add_unlabelled(file, row.line, &found.path, split, draft);
                continue;
            }
            self.assembly.video(&found.path, split);
            let video = relative_name(self.root, &found.path);
            for text in actions(cell) {
                let read = action(text, table.decimal_comma()).and_then(|(number, at)| {
                    let unknown =
                        || (Reason::UnknownClass, format!("'{}' has a class that is not in the list", shown(text)));
                    Ok((*self.classes.get(&number).ok_or_else(unknown)?, at))
                });
                let (class, at) = match read {
                    Ok(read) => read,
                    Err((reason, why)) => {
                        let message = format!("line {}: {why}; the action is skipped, correct it", row.line);
                        let about = (Some(video.clone()), text);
                        ignored.skip(draft, (row.line, reason), about, "more actions cannot be used", message);
                        continue;
                    }
                };
                let row = Row {
                    split,
                    label: InstanceLabel::Class(class),
                    span: Span::At(at),
                    adjusted: found.adjusted(),
                    ..Row::new(file, row.line, found.path.clone())
                };
                self.assembly.add(row, draft);
            }
        }
        ignored.finish(draft);
    }
}

/// Classes of the file of classes; without one the numbers that occur.
fn classes(root: &Path, lists: &[(PathBuf, Split, Table, Columns)], draft: &mut Draft) -> Result<ClassSet, DataError> {
    if let Some(file) = class_file(root) {
        return numbered_names(&file, "c", draft);
    }
    let cells = lists.iter().flat_map(|(.., table, columns)| {
        table.records.iter().skip(1).flat_map(|row| actions(row.cell(columns.actions)))
    });
    let numbers = cells.filter_map(|text| class_number(text.split_whitespace().next()?));
    draft.warn(root, "there is no Charades_v1_classes.txt, so classes are named by their numbers");
    Ok(unnamed(numbers))
}

pub(super) fn read(root: &Path, _: &DataConfig) -> Result<Draft, DataError> {
    let mut draft = Draft { task: Task::MultiLabel, ..Draft::default() };
    let mut lists = Vec::new();
    for (file, split) in tables(root) {
        draft.used.push(file.clone());
        let table = read_table(&file)?;
        draft.warnings.extend(table.note.clone().map(|n| super::warning(&file, n)));
        let Some(header) = table.records.first() else {
            draft.warn(&file, "it is empty; get it again");
            continue;
        };
        let columns = Columns::of(header).map_err(|reason| DataError::Read { path: file.clone(), reason })?;
        lists.push((file, split, table, columns));
    }
    draft.classes = classes(root, &lists, &mut draft)?;
    draft
        .used
        .extend(files_called(root, |name| name.starts_with(NAME) && OTHERS.iter().any(|other| name.ends_with(other))));
    let mut reading = Reading {
        root,
        classes: draft.classes.classes.iter().enumerate().map(|(i, c)| (c.id, i)).collect(),
        videos: ByIds::new(root),
        assembly: Assembly::new(root, Task::MultiLabel),
    };
    for (file, split, table, columns) in &lists {
        reading.table(file, *split, table, columns, &mut draft);
    }
    if reading.assembly.is_empty() {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: super::first_reason(&draft, root) });
    }
    reading.assembly.finish(None, &mut draft);
    unlisted(root, &mut draft);
    Ok(draft)
}
