//! Tables of videos with a header: `train.csv`, `val.csv`, `test.csv` with a path and a class a row, also with
//! intervals, or one table opened by itself.

use super::Draft;
use super::containers::{class_dirs, holds_videos};
use super::find::{Finder, Hint};
use super::listing::{Assembly, Ignored, Row, Span, some_of, unlisted};
use super::lists::{self, Lists, split_of_name};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::columns::{Header, LIST_COLUMNS, Role, require_one_class};
use crate::data::label_csv::intervals::Bounds;
use crate::data::label_csv::numbers::{integer, is_missing, missing_words, number};
use crate::data::label_csv::records::{Record, Table, read_table};
use crate::data::label_csv::split_word;
use crate::data::names::{SubjectRule, folded};
use crate::data::scan::{file_name, is_csv, natural, peek, relative_name};
use crate::domain::{ClassId, ClassInfo, ClassSet, InstanceLabel, Reason, Split, Task};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Where the cells of a row stand.
struct Columns {
    path: usize,
    class: Option<usize>,
    /// Names of its numbers.
    name: Option<usize>,
    interval: Option<Bounds>,
    split: Option<usize>,
}

/// A list that can be read.
struct List {
    file: PathBuf,
    split: Split,
    table: Table,
    columns: Columns,
}

/// What lies at a path.
struct Opened {
    /// The folder of the videos.
    root: PathBuf,
    lists: Vec<List>,
    /// Tables that cannot be read, and why.
    faults: Vec<(PathBuf, String)>,
}

/// The columns of a list, or why it cannot be read.
fn columns(file: &Path, table: &Table) -> Result<Columns, String> {
    let name = file_name(file);
    let Some(first) = table.records.first() else { return Err(format!("{name} is empty")) };
    if !Header::is(first, table.decimal_comma()) {
        return Err(format!(
            "{name} line {}: there is no header that names the columns; write one such as path,class",
            first.line
        ));
    }
    let header = Header::of(first);
    let refuse = |why: &str| {
        format!("{name} line {}: it has the columns {}{why}; name them {LIST_COLUMNS}", first.line, header.shown())
    };
    let Some(path) = header.path() else { return Err(refuse("")) };
    if header.find(|r| matches!(r, Role::Frame | Role::Time(_))).is_some() {
        return Err(refuse(", a row a frame; such labels belong into one file a video"));
    }
    let class = header.class();
    if let Some(columns) = &class {
        require_one_class(&header, columns, table).map_err(|e| format!("{name} {e}"))?;
    }
    let interval = match header.interval() {
        Some((start, stop)) => Some(Bounds::of(&header, start, stop, table).map_err(|e| format!("{name} {e}"))?),
        None if header.find(|r| matches!(r, Role::Start(_) | Role::Stop(..))).is_some() => {
            return Err(refuse(", a start without a stop or a stop without a start"));
        }
        None => None,
    };
    if interval.is_none()
        && let Some(why) = unread_parts(&header, path, table)
    {
        return Err(refuse(&why));
    }
    Ok(Columns {
        path,
        name: class.as_ref().and_then(|c| c.beside),
        class: class.map(|c| c.class),
        interval,
        split: header.find(|r| r == Role::Split),
    })
}

/// Why rows are parts of videos, though no column is known to say which: several rows name one video, and two columns or
/// more that nothing is known of hold other numbers in each. To read them as whole videos would pass over all but one.
fn unread_parts(header: &Header, path: usize, table: &Table) -> Option<String> {
    let mut by_path: HashMap<&str, Vec<&Record>> = HashMap::new();
    for row in table.records.iter().skip(1) {
        by_path.entry(row.cell(path)).or_default().push(row);
    }
    let several: Vec<&Vec<&Record>> = by_path.values().filter(|rows| rows.len() > 1).collect();
    let comma = table.decimal_comma();
    let tells_apart = |at: &usize| {
        let cells = || several.iter().map(|rows| rows.iter().map(|row| row.cell(*at)));
        header.role(*at).is_none()
            && cells().flatten().all(|cell| number(cell, comma).is_some())
            && cells().all(|of_video| {
                let all: Vec<&str> = of_video.collect();
                all.iter().collect::<BTreeSet<_>>().len() == all.len()
            })
    };
    let unread: Vec<usize> = (0..header.names().len()).filter(tells_apart).collect();
    let names = unread.iter().filter_map(|at| header.names().get(*at)).map(|name| format!("'{name}'"));
    let named: Vec<String> = names.collect();
    (!several.is_empty() && named.len() > 1).then(|| {
        format!(
            "; several rows name one video, and nothing says what {} are ('start_frame' and 'stop_frame', or 'start_s' and 'stop_s')",
            named.join(" and ")
        )
    })
}

/// Why a table is no list of labelled videos.
pub(super) fn fault(file: &Path, table: &Table) -> Result<(), String> {
    let found = columns(file, table)?;
    match found.class {
        Some(_) => Ok(()),
        None => {
            let header = table.records.first().map_or_else(String::new, |h| Header::of(h).shown());
            Err(format!(
                "{} has the columns {header}, none of which is a class; name them {LIST_COLUMNS}",
                file_name(file)
            ))
        }
    }
}

/// The files of a path that may be tables of videos, with their splits.
fn candidates(path: &Path) -> (PathBuf, Vec<(PathBuf, Split)>) {
    if path.is_file() {
        let root = path.parent().map(Path::to_path_buf).unwrap_or_default();
        let split = split_of_name(&file_name(path)).unwrap_or_default();
        return (root, if is_csv(path) { vec![(path.to_path_buf(), split)] } else { Vec::new() });
    }
    let mut files: Vec<(PathBuf, Split)> = Lists::of(path).files.into_iter().filter(|(f, _)| is_csv(f)).collect();
    // Plain names come first; others beside them would list the same videos again.
    let plain = |f: &Path| f.parent() == Some(path) && split_word(&crate::data::scan::stem(f)).is_some();
    if files.iter().any(|(f, _)| plain(f)) {
        files.retain(|(f, _)| plain(f));
    }
    if files.is_empty() {
        files.extend(only_list(path).map(|file| (file, Split::Unassigned)));
    }
    (path.to_path_buf(), files)
}

/// The only table of videos and classes, whatever it is called, of a folder whose folders are no classes.
fn only_list(root: &Path) -> Option<PathBuf> {
    if class_dirs(root).dirs.iter().any(|d| holds_videos(&d.path)) {
        return None;
    }
    let tables = lists::folders(root).into_iter().flat_map(|dir| peek(&dir).files).filter(|f| is_csv(f));
    let mut lists = tables.filter(|f| read_table(f).is_ok_and(|table| fault(f, &table).is_ok()));
    lists.next().filter(|_| lists.next().is_none())
}

fn open(path: &Path) -> Result<Opened, String> {
    let (root, files) = candidates(path);
    if files.is_empty() {
        return Err("there is no train.csv, val.csv or test.csv".into());
    }
    let mut lists = Vec::new();
    let mut faults: Vec<(PathBuf, Split, String)> = Vec::new();
    for (file, split) in files {
        let read = read_table(&file).map_err(|e| e.to_string());
        match read.and_then(|table| columns(&file, &table).map(|columns| (table, columns))) {
            Ok((table, columns)) => lists.push(List { file, split, table, columns }),
            Err(why) => faults.push((file, split, why)),
        }
    }
    // What is evaluated may be left out and told; what is trained on must be known.
    let evaluated = |split: &Split| matches!(split, Split::Val | Split::Test);
    let trained = lists.iter().any(|l| !evaluated(&l.split));
    let grave = faults
        .iter()
        .find(|(_, split, why)| lists.is_empty() || (!trained && !evaluated(split) && !why.ends_with("is empty")));
    if let Some((_, _, why)) = grave {
        return Err(why.clone());
    }
    let faults = faults.into_iter().map(|(file, _, why)| (file, why)).collect();
    if lists.iter().all(|l| l.columns.class.is_none())
        && let Some(first) = lists.first()
    {
        fault(&first.file, &first.table)?;
    }
    Ok(Opened { root, lists, faults })
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    let Opened { lists, .. } = open(path)?;
    let names = lists.iter().map(|l| file_name(&l.file)).collect::<Vec<_>>().join(", ");
    Ok(format!("{names} with a path and a class column"))
}

/// The class of a row as it tells classes apart: names that differ in case or accents only are one class.
fn key(cell: &str, decimal_comma: bool) -> String {
    integer(cell, decimal_comma).map_or_else(|| folded(cell), |n| n.to_string())
}

/// The cells of classes that hold something, with their rows.
fn class_cells(list: &List) -> impl Iterator<Item = (&Record, &str)> {
    let rows = list.table.records.iter().skip(1).filter_map(|row| Some((row, row.cell(list.columns.class?))));
    rows.filter(|(_, cell)| !cell.is_empty())
}

/// True where all classes are numbers, up to words for missing values.
fn are_numbers(lists: &[List]) -> bool {
    let cells = lists.iter().flat_map(|l| class_cells(l).map(|(_, cell)| (cell, l.table.decimal_comma())));
    let mut cells = cells.filter(|(cell, _)| !is_missing(cell)).peekable();
    cells.peek().is_some() && cells.all(|(cell, comma)| integer(cell, comma).is_some())
}

/// The classes of all lists, and by the key of each its position. `numbers`: see [`are_numbers`].
fn classes_of(lists: &[List], numbers: bool, draft: &mut Draft) -> BTreeMap<String, ClassId> {
    let mut spelt: BTreeMap<String, String> = BTreeMap::new();
    let mut names: BTreeMap<i64, String> = BTreeMap::new();
    for list in lists {
        let comma = list.table.decimal_comma();
        if !numbers {
            let said = missing_words(class_cells(list).map(|(row, cell)| (row.line, cell)));
            said.into_iter().for_each(|said| draft.warn(&list.file, said));
        }
        for (row, cell) in class_cells(list).filter(|(_, cell)| !(numbers && is_missing(cell))) {
            if let (Some(n), Some(name)) = (integer(cell, comma), list.columns.name.map(|c| row.cell(c))) {
                names.entry(n).or_insert_with(|| name.to_owned());
            }
            let first = spelt.entry(key(cell, comma)).or_insert_with(|| cell.to_owned());
            if first != cell && integer(cell, comma).is_none() {
                let told = format!("class '{cell}' is taken as '{first}', which is spelt otherwise");
                if !draft.warnings.iter().any(|w| w.message.ends_with(&told)) {
                    draft.warn(&list.file, format!("line {}: {told}", row.line));
                }
            }
        }
    }
    // -1 is background: no class, and not what a whole video is trained on.
    spelt.remove("-1");
    let numbers: Option<Vec<(i64, String)>> = spelt.keys().map(|k| Some((k.parse().ok()?, k.clone()))).collect();
    let keys: Vec<String> = match numbers {
        Some(mut numbers) => {
            numbers.sort();
            let name =
                |n: &i64| names.get(n).filter(|s| !s.is_empty()).cloned().unwrap_or_else(|| format!("class {n}"));
            draft.classes =
                ClassSet { classes: numbers.iter().map(|(n, _)| ClassInfo::numbered(*n, name(n))).collect() };
            numbers.into_iter().map(|(_, k)| k).collect()
        }
        None => {
            let mut pairs: Vec<(String, String)> = spelt.into_iter().collect();
            pairs.sort_by(|a, b| natural(&a.1, &b.1));
            draft.classes = ClassSet::from_names(pairs.iter().map(|(_, name)| name.clone()));
            pairs.into_iter().map(|(k, _)| k).collect()
        }
    };
    keys.into_iter().enumerate().map(|(i, k)| (k, i)).collect()
}

/// What a row lacks, in words.
fn lacks(row: &Record, columns: &Columns) -> Option<&'static str> {
    let empty = |at: usize| row.cell(at).is_empty();
    (empty(columns.path) || columns.class.is_some_and(empty)).then_some("lacks a path or a class")
}

struct Reading<'a> {
    finder: Finder<'a>,
    classes: BTreeMap<String, ClassId>,
    /// All classes are numbers.
    numbers: bool,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    fn list(&mut self, list: &List, draft: &mut Draft) {
        let comma = list.table.decimal_comma();
        let mut ignored = Ignored::of(&list.file);
        for row in list.table.records.iter().skip(1) {
            let line = row.line;
            if let Some(what) = lacks(row, &list.columns) {
                let message = format!("line {line} {what}; it is skipped, correct the row");
                let reason = if row.cell(list.columns.path).is_empty() { Reason::NoVideo } else { Reason::NoClass };
                ignored.push(draft, (line, reason), "more rows lack a path or a class", &list.file, message);
                continue;
            }
            if let Some(cell) = list.columns.class.map(|c| row.cell(c)).filter(|cell| self.numbers && is_missing(cell))
            {
                let message = format!("line {line}: '{cell}' is no class number; the row is skipped, correct it");
                let why = (line, Reason::BadNumber);
                ignored.push(draft, why, "more rows have no class number", &list.file, message);
                continue;
            }
            let written = row.cell(list.columns.path);
            let class = list.columns.class.and_then(|c| self.classes.get(&key(row.cell(c), comma))).copied();
            let split = self.split(list, row);
            let name = class.map(|c| draft.classes.name(c).to_owned());
            let hint = Hint { split, class: name.as_deref(), list: list.file.parent() };
            let found = self.finder.find(written, &hint).map(|f| (f.path, f.respelt)).or_else(|| {
                // A path of this machine is taken as it is.
                let path = Path::new(written);
                let within = !path.components().any(|c| matches!(c, std::path::Component::ParentDir));
                (path.is_absolute() && within && path.exists()).then(|| (path.to_path_buf(), false))
            });
            let Some((path, respelt)) = found else {
                self.finder.missing(&mut ignored, draft, line, written);
                continue;
            };
            let span = match list.columns.interval.map(|i| i.read(row, comma)) {
                None => Span::Whole,
                Some(Ok(at)) => Span::At(at),
                Some(Err((reason, why))) => {
                    let message = format!("line {line}: {why}; the row is skipped, correct it");
                    ignored.push(draft, (line, reason), "more rows are no intervals", &list.file, message);
                    continue;
                }
            };
            if respelt {
                self.assembly.respelt(&list.file, line, &path);
            }
            let background = list.columns.class.is_some_and(|c| integer(row.cell(c), comma) == Some(-1));
            let label = match (class, background) {
                (Some(class), _) => InstanceLabel::Class(class),
                (None, true) if span != Span::Whole => InstanceLabel::Background,
                _ => InstanceLabel::Unlabelled,
            };
            self.assembly.add(Row { split, label, span, ..Row::new(&list.file, line, path) }, draft);
        }
        ignored.finish(draft);
    }

    /// The split of a row: what a column says, else that of the file's name.
    fn split(&self, list: &List, row: &Record) -> Split {
        list.columns.split.and_then(|c| split_word(row.cell(c))).unwrap_or(list.split)
    }
}

pub(super) fn read(path: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let refuse = |reason| DataError::Read { path: path.to_path_buf(), reason };
    let Opened { root, lists, faults } = open(path).map_err(refuse)?;
    let rule = SubjectRule::new(config.subject_pattern.as_deref());
    let mut draft = Draft::default();
    for (file, why) in faults {
        draft.used.push(file.clone());
        draft.warn(file, format!("{why}; it is left out"));
    }
    for list in &lists {
        draft.used.push(list.file.clone());
        if let Some(note) = &list.table.note {
            draft.warn(&list.file, note.clone());
        }
        if list.columns.class.is_none() {
            draft.warn(&list.file, "has no column of classes; its videos are unlabelled");
        }
    }
    let numbers = are_numbers(&lists);
    let classes = classes_of(&lists, numbers, &mut draft);
    let names: Vec<String> = draft.classes.classes.iter().map(|c| c.name.clone()).collect();
    let finder = Finder::new(&root, true).with_classes(names.iter().map(String::as_str));
    let mut reading = Reading { finder, classes, numbers, assembly: Assembly::new(&root, Task::SingleLabel) };
    for list in &lists {
        reading.list(list, &mut draft);
    }
    if reading.assembly.is_empty() {
        let reason = draft.warnings.first().map_or_else(
            || {
                let files: Vec<String> = lists.iter().map(|l| file_name(&l.file)).collect();
                format!("{} line 1: there are no rows below the header", some_of(&files))
            },
            |w| format!("none of the listed videos exists; first {}: {}", relative_name(&root, &w.path), w.message),
        );
        return Err(DataError::Empty { path: path.to_path_buf(), reason });
    }
    reading.assembly.finish(Some(&rule), &mut draft);
    unlisted(&root, &mut draft);
    Ok(draft)
}
