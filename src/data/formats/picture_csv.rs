//! Pictures listed in tables, as the set of human actions in stills has them: `Training_set.csv` with `filename,label`,
//! `Testing_set.csv` with `filename`, the pictures in `train` and `test`. A picture is a video of one frame.

use super::Draft;
use super::containers::is_container;
use super::find::{Finder, Hint};
use super::listing::{Assembly, Ignored, Row, is_no_label, unlisted_pictures};
use super::lists::{Lists, split_of_name, unnamed};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::columns::{Header, Role};
use crate::data::label_csv::numbers::{integer, missing_words};
use crate::data::label_csv::records::{Record, Table, read_table};
use crate::data::label_csv::split_word;
use crate::data::names::composed;
use crate::data::scan::{file_name, is_csv, is_image, natural, peek};
use crate::domain::{ClassId, ClassSet, InstanceLabel, Reason, Split, Task};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Rows whose names are looked at.
const LOOKED_AT: usize = 20;

struct Columns {
    file: usize,
    class: Option<usize>,
    split: Option<usize>,
}

struct List {
    file: PathBuf,
    split: Split,
    table: Table,
    columns: Columns,
}

/// What lies at a path.
struct Opened {
    root: PathBuf,
    lists: Vec<List>,
    /// Tables that list no pictures, and why.
    faults: Vec<(PathBuf, Split, String)>,
}

/// The columns of a table of pictures, or why it is none.
fn columns(file: &Path, table: &Table) -> Result<Columns, String> {
    let name = file_name(file);
    let Some(first) = table.records.first() else { return Err(format!("{name} is empty")) };
    let header = Header::of(first);
    let refuse = |what: &str| Err(format!("{name} line {}: it has the columns {}, {what}", first.line, header.shown()));
    let Some(path) = header.path().filter(|_| Header::is(first, table.decimal_comma())) else {
        return refuse("no filename");
    };
    if header.find(|r| matches!(r, Role::Frame | Role::Time(_) | Role::Start(_) | Role::Stop(..))).is_some() {
        return refuse("and those of frames or times, which pictures have not");
    }
    let mut rows = table.records.iter().skip(1).filter(|r| !r.cell(path).is_empty()).take(LOOKED_AT).peekable();
    if rows.peek().is_some() && !rows.all(|r| is_image(Path::new(r.cell(path)))) {
        return refuse("and names that are not all pictures");
    }
    // Clips that are single pictures are listed as other clips are.
    if header.names().get(path).is_some_and(|n| n.to_lowercase().contains("clip")) {
        return refuse("which is a list of clips");
    }
    Ok(Columns { file: path, class: header.class().map(|c| c.class), split: header.find(|r| r == Role::Split) })
}

fn open(path: &Path) -> Result<Opened, String> {
    let (root, files) = match path.parent().filter(|_| path.is_file()) {
        Some(dir) => (dir, vec![(path.to_path_buf(), split_of_name(&file_name(path)).unwrap_or_default())]),
        None => (path, Lists::of(path).files),
    };
    let mut out = Opened { root: root.to_path_buf(), lists: Vec::new(), faults: Vec::new() };
    for (file, split) in files.into_iter().filter(|(f, _)| is_csv(f)) {
        match read_table(&file).map_err(|e| e.to_string()).and_then(|t| columns(&file, &t).map(|c| (t, c))) {
            Ok((table, columns)) => out.lists.push(List { file, split, table, columns }),
            Err(why) => out.faults.push((file, split, why)),
        }
    }
    if out.lists.iter().all(|l| l.table.records.len() < 2) {
        let none = || "there is no table that lists pictures".to_owned();
        return Err(out.faults.into_iter().next().map_or_else(none, |(.., why)| why));
    }
    // What is evaluated may be left out and told; what is trained on must be known.
    let trains = |split: &Split| !matches!(split, Split::Val | Split::Test);
    match out.faults.iter().find(|(_, split, _)| trains(split)) {
        Some((.., why)) if !out.lists.iter().any(|l| trains(&l.split)) => Err(why.clone()),
        _ => Ok(out),
    }
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    let Opened { lists, .. } = open(path)?;
    let names = lists.iter().map(|l| file_name(&l.file)).collect::<Vec<_>>().join(", ");
    Ok(format!("{names} with names of pictures"))
}

/// Rows with a class, and its cell.
fn class_cells(list: &List) -> impl Iterator<Item = (&Record, &str)> {
    let rows = list.table.records.iter().skip(1).filter_map(|row| Some((row, row.cell(list.columns.class?))));
    rows.filter(|(_, cell)| !is_no_label(cell))
}

/// The number of a class, where all classes are numbers.
fn number(list: &List, cell: &str) -> Option<i64> {
    integer(cell, list.table.decimal_comma())
}

/// The classes of all lists by number, else by name; positions by what stands in cells.
fn classes(lists: &[List], draft: &mut Draft) -> HashMap<String, ClassId> {
    let cells = || lists.iter().flat_map(|l| class_cells(l).map(move |(_, cell)| (l, cell)));
    let numbered = cells().next().is_some() && cells().all(|(l, cell)| number(l, cell).is_some_and(|n| n >= 0));
    if numbered {
        let numbers: BTreeSet<i64> = cells().filter_map(|(l, cell)| number(l, cell)).collect();
        draft.classes = unnamed(numbers.iter().copied());
        let position: BTreeMap<i64, ClassId> = numbers.into_iter().zip(0..).collect();
        let of = |(l, cell): (&List, &str)| Some((cell.to_owned(), *position.get(&number(l, cell)?)?));
        return cells().filter_map(of).collect();
    }
    for list in lists {
        let said = missing_words(class_cells(list).map(|(row, cell)| (row.line, cell)));
        said.into_iter().for_each(|said| draft.warn(&list.file, said));
    }
    let names: BTreeSet<String> = cells().map(|(_, cell)| composed(cell)).collect();
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_by(|a, b| natural(a, b));
    draft.classes = ClassSet::from_names(names.iter().cloned());
    let position: HashMap<String, ClassId> = names.into_iter().zip(0..).collect();
    cells().filter_map(|(_, cell)| Some((cell.to_owned(), *position.get(&composed(cell))?))).collect()
}

struct Reading<'a> {
    finder: Finder<'a>,
    classes: HashMap<String, ClassId>,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    fn list(&mut self, list: &List, draft: &mut Draft) {
        let mut ignored = Ignored::of(&list.file);
        for row in list.table.records.iter().skip(1) {
            let written = row.cell(list.columns.file);
            if written.is_empty() {
                let message = format!("line {} names no picture; it is skipped, correct the row", row.line);
                ignored.push(draft, (row.line, Reason::NoVideo), "more rows name no picture", &list.file, message);
                continue;
            }
            let split = list.columns.split.and_then(|c| split_word(row.cell(c))).unwrap_or(list.split);
            let class = list.columns.class.and_then(|c| self.classes.get(row.cell(c))).copied();
            let name = class.map(|c| draft.classes.name(c).to_owned());
            let hint = Hint { split, class: name.as_deref(), list: list.file.parent() };
            let Some(found) = self.finder.find(written, &hint) else {
                self.finder.missing(&mut ignored, draft, row.line, written);
                continue;
            };
            if found.respelt {
                self.assembly.respelt(&list.file, row.line, &found.path);
            }
            let spaced = row.is_spaced(list.columns.file) || list.columns.class.is_some_and(|c| row.is_spaced(c));
            let adjusted = if spaced && class.is_some() { vec![Reason::Trimmed] } else { Vec::new() };
            let label = class.map_or(InstanceLabel::Unlabelled, InstanceLabel::Class);
            self.assembly.add(Row { split, label, adjusted, ..Row::new(&list.file, row.line, found.path) }, draft);
        }
        ignored.finish(draft);
    }
}

pub(super) fn read(path: &Path, _: &DataConfig) -> Result<Draft, DataError> {
    let refuse = |reason| DataError::Read { path: path.to_path_buf(), reason };
    let Opened { root, lists, faults } = open(path).map_err(refuse)?;
    let mut draft = Draft::default();
    for (file, _, why) in faults {
        draft.used.push(file.clone());
        draft.warn(file, format!("{why}; it is left out"));
    }
    for list in &lists {
        draft.used.push(list.file.clone());
        draft.warnings.extend(list.table.note.clone().map(|n| super::warning(&list.file, n)));
        if list.columns.class.is_none() {
            draft.warn(&list.file, "has no column of classes; its pictures are unlabelled");
        }
    }
    let classes = classes(&lists, &mut draft);
    let finder = Finder::new(&root, false).within_splits();
    let mut reading = Reading { finder, classes, assembly: Assembly::new(&root, Task::SingleLabel) };
    for list in &lists {
        reading.list(list, &mut draft);
    }
    if reading.assembly.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: super::first_reason(&draft, &root) });
    }
    reading.assembly.finish(None, &mut draft);
    unlisted_pictures(&root, peek(&root).dirs.into_iter().filter(|d| is_container(d)).collect(), &mut draft);
    Ok(draft)
}
