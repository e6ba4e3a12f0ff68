//! Text lists without a header: `path label` for videos, `path frames label` for folders of frames.

use super::Draft;
use super::find::{Finder, Found, Hint, compact};
use super::listing::{Assembly, Ignored, Row, Span, some_of, unlisted};
use super::lists::{Lists, fold_of_name, folders, is_annotations, is_text, split_of_name};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::columns::role;
use crate::data::label_csv::text::{self, lines};
use crate::data::scan::{child_file, file_name, peek};
use crate::domain::{ClassId, ClassInfo, ClassSet, InstanceLabel, Reason, Split, Task};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Lines looked at before a file is taken for something else.
const LOOKED_AT: usize = 20;
/// Longer lines are no rows of a list.
const LONGEST: usize = 16 * 1024;
/// Numbers that are looked for behind a path.
const NUMBERS: usize = 64;

/// A list that names videos of the dataset.
struct List {
    file: PathBuf,
    split: Split,
    text: text::Text,
}

struct Opened {
    root: PathBuf,
    lists: Vec<List>,
    /// Files that are named like lists and are none, and why.
    faults: Vec<(PathBuf, String)>,
}

/// A path and the numbers behind it.
fn cuts(line: &str) -> Vec<(&str, Vec<&str>)> {
    let mut out = vec![(unquoted(line), Vec::new())];
    if line.len() > LONGEST {
        return out;
    }
    let (mut rest, mut numbers) = (line, Vec::new());
    while let Some((path, last)) = rest.rsplit_once([' ', '\t', ',', ';']).filter(|_| numbers.len() < NUMBERS) {
        if !last.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+') {
            break;
        }
        rest = path.trim_end_matches([' ', '\t', ',', ';']);
        numbers.insert(0, last);
        out.push((unquoted(rest), numbers.clone()));
    }
    out
}

fn unquoted(text: &str) -> &str {
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text).trim()
}

/// The longest path at the start of a line that is there, and the numbers behind it.
fn found<'l>(finder: &mut Finder<'_>, line: &'l str, hint: &Hint<'_>) -> Option<(Found, Vec<&'l str>)> {
    cuts(line).into_iter().find_map(|(path, numbers)| Some((finder.find(path, hint)?, numbers)))
}

/// A number as lists write classes and counts: whole, from -1, and without leading zeros, which seconds of clips have.
fn class_number(cell: &str) -> Option<i64> {
    let padded = cell.len() > 1 && cell.starts_with('0');
    cell.parse().ok().filter(|n| *n >= -1 && !padded)
}

/// True for a first line that names a column.
fn is_header(line: &str) -> bool {
    line.split([',', ';', '\t']).any(|cell| role(cell.trim().trim_matches('"')).is_some())
}

/// Lists of HMDB51 hold tags, not classes.
fn of_hmdb(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(s, _)| s).to_lowercase();
    ["_test_split1", "_test_split2", "_test_split3"].iter().any(|s| stem.ends_with(s))
}

fn open(path: &Path) -> Result<Opened, String> {
    let (root, files) = if path.is_file() {
        let dir = path.parent().unwrap_or(path);
        let root = if is_annotations(dir) { dir.parent().unwrap_or(dir) } else { dir };
        if !is_text(path) {
            return Err("it is no text file".into());
        }
        (root.to_path_buf(), vec![(path.to_path_buf(), split_of_name(&file_name(path)).unwrap_or_default())])
    } else {
        (path.to_path_buf(), Lists::of(path).files)
    };
    let mut out = Opened { root, lists: Vec::new(), faults: Vec::new() };
    let root = out.root.clone();
    let mut finder = Finder::new(&root, false);
    for (file, split) in files {
        let name = file_name(&file);
        if of_hmdb(&name) {
            out.faults.push((file, format!("{name} holds the tags of HMDB51, which are not read")));
            continue;
        }
        let text = match text::read(&file) {
            Ok(text) => text,
            Err(e) => {
                out.faults.push((file, e.to_string()));
                continue;
            }
        };
        let hint = Hint { split, class: None, list: file.parent() };
        if lines(&text.text).next().is_some_and(|(_, line)| is_header(line)) {
            out.faults.push((file, format!("{name} line 1: it has a header, which lists of 'path number' have not")));
            continue;
        }
        let first = lines(&text.text).next().map(|(line, text)| (line, text.chars().take(60).collect::<String>()));
        let names_videos = lines(&text.text).take(LOOKED_AT).any(|(_, line)| found(&mut finder, line, &hint).is_some());
        if names_videos {
            out.lists.push(List { file, split, text });
        } else {
            let why = match first {
                None => format!("{name} is empty"),
                Some((line, text)) => {
                    format!("{name} line {line} ('{text}') does not start with the path of a video that is here")
                }
            };
            out.faults.push((file, why));
        }
    }
    if out.lists.is_empty() {
        let none = || "there is no text file of a split".to_owned();
        return Err(out.faults.into_iter().next().map_or_else(none, |(_, why)| why));
    }
    Ok(out)
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    let opened = open(path)?;
    let names = opened.lists.iter().map(|l| file_name(&l.file)).collect::<Vec<_>>().join(", ");
    Ok(format!("{names} with a path and numbers a line"))
}

/// Names of classes: a file, and the names by their numbers.
struct Names {
    file: PathBuf,
    classes: Vec<ClassInfo>,
}

/// `label_map.txt` with a name a line, else `classInd.txt` with numbers.
fn names(root: &Path, lists: &[List]) -> Result<Option<Names>, DataError> {
    let mut places: Vec<PathBuf> = lists.iter().filter_map(|l| l.file.parent().map(Path::to_path_buf)).collect();
    places.extend(folders(root));
    for (name, numbered) in [("label_map.txt", false), ("classInd.txt", true)] {
        let Some(file) = places.iter().find_map(|p| child_file(p, name)) else { continue };
        let text = text::read(&file)?;
        let mut classes = Vec::new();
        for (line, row) in lines(&text.text) {
            let (id, name) = match row.split_once(char::is_whitespace).filter(|_| numbered) {
                Some((id, name)) => (id.parse().ok(), name.trim()),
                None => ((!numbered).then_some(classes.len() as i64), row),
            };
            let Some(id) = id else {
                let reason = format!("line {line}: '{row}' is no number and name; correct the line");
                return Err(DataError::Read { path: file, reason });
            };
            classes.push(ClassInfo::numbered(id, name));
        }
        classes.sort_by_key(|c| c.id);
        return Ok(Some(Names { file, classes }));
    }
    Ok(None)
}

/// A row whose video is there.
struct Listed {
    list: usize,
    line: u32,
    found: Found,
    span: Span,
    class: Option<i64>,
}

struct Reading<'a> {
    root: &'a Path,
    lists: &'a [List],
    finder: Finder<'a>,
    rows: Vec<Listed>,
    unlabelled: Vec<(usize, u32)>,
    /// Every label of the lists, also of videos that are missing.
    numbers: BTreeSet<i64>,
    /// Folders with a single number behind them.
    counted: usize,
}

impl Reading<'_> {
    /// Reads the rows of one list.
    ///
    /// # Errors
    /// A row with several labels.
    fn list(&mut self, at: usize, draft: &mut Draft) -> Result<(), DataError> {
        let Some(list) = self.lists.get(at) else { return Ok(()) };
        let file = &list.file;
        let mut ignored = Ignored::of(file);
        let hint = Hint { split: list.split, class: None, list: file.parent() };
        let (mut rows, mut bad_rows) = (0_usize, 0_usize);
        let mut first_bad = String::new();
        for (line, text) in lines(&list.text.text) {
            let Some((video, numbers)) = found(&mut self.finder, text, &hint) else {
                let cut = cuts(text);
                let (path, numbers) = cut.last().map_or((text, &[][..]), |(path, numbers)| (path, numbers.as_slice()));
                self.numbers.extend(numbers.last().and_then(|n| class_number(n)).filter(|n| *n >= 0));
                ignored.missing(draft, self.root, line, path, &self.finder.take_several());
                continue;
            };
            rows += 1;
            if let Some(cell) = numbers.iter().find(|n| class_number(n).is_none()) {
                let message = format!("line {line}: '{cell}' is no class number; the row is skipped, correct it");
                if bad_rows == 0 {
                    first_bad = format!("line {line}: '{cell}' is no class number");
                }
                bad_rows += 1;
                ignored.push(draft, (line, Reason::BadNumber), "more rows have no class number", file, message);
                continue;
            }
            let whole: Vec<i64> = numbers.iter().filter_map(|n| class_number(n)).collect();
            let (span, labels) = self.span(file, line, &video.path, &whole, draft);
            if labels.len() > 1 {
                return Err(DataError::Read {
                    path: file.clone(),
                    reason: format!(
                        "line {line}: {} numbers stand behind '{}', which are several labels of one video; lists with \
                         several labels are not read, write one number behind a video, or a frame count and one number \
                         behind a folder of frames",
                        numbers.len(),
                        file_name(&video.path)
                    ),
                });
            }
            let class = labels.first().copied().filter(|n| *n >= 0);
            if class.is_none() {
                self.unlabelled.push((at, line));
            }
            self.numbers.extend(class);
            self.rows.push(Listed { list: at, line, found: video, span, class });
        }
        ignored.finish(draft);
        // A slip of the pen is left out; a table of something else is not taken for a list.
        if bad_rows * 4 > rows * 3 {
            let reason = format!("{first_bad}, as in {bad_rows} of {rows} rows; lines of a list are 'path number'");
            return Err(DataError::Read { path: file.clone(), reason });
        }
        Ok(())
    }

    /// What part of the video a row speaks of, and its labels: the first number behind a folder counts frames.
    fn span<'n>(
        &mut self,
        file: &Path,
        line: u32,
        path: &Path,
        numbers: &'n [i64],
        draft: &mut Draft,
    ) -> (Span, &'n [i64]) {
        let (Some((count, labels)), true) = (numbers.split_first(), path.is_dir()) else {
            return (Span::Whole, numbers);
        };
        self.counted += usize::from(labels.is_empty());
        let there = peek(path).images().count() as i64;
        if *count > there {
            draft.warn(path, format!("{} line {line} counts {count} frames, but {there} are there", file_name(file)));
        }
        match u32::try_from(*count) {
            Ok(count) if i64::from(count) < there && count > 0 => (Span::First(count), labels),
            _ => (Span::Whole, labels),
        }
    }
}

/// The classes, and how much is taken off every label: 1 where lists count from 1.
fn classes(names: Option<&Names>, reading: &Reading<'_>, draft: &mut Draft) -> (ClassSet, i64) {
    let Some(names) = names else {
        let used: BTreeSet<i64> = reading.rows.iter().filter_map(|r| r.class).collect();
        let class = |id: &i64| ClassInfo::numbered(*id, format!("class {id}"));
        return (ClassSet { classes: used.iter().map(class).collect() }, 0);
    };
    let set = ClassSet::from_numbered(names.classes.iter().map(|c| c.name.clone()));
    // Folders that are called like classes tell more than the numbers do.
    let folder_is = |row: &Listed, id: i64| {
        let folder = row.found.path.parent().map(file_name).unwrap_or_default();
        set.by_id(id).is_some_and(|class| compact(set.name(class)) == compact(&folder))
    };
    let labelled = || reading.rows.iter().filter_map(|r| Some((r, r.class?)));
    let from_zero = labelled().filter(|(r, n)| folder_is(r, *n)).count();
    let from_one = labelled().filter(|(r, n)| folder_is(r, n - 1)).count();
    let numbers = &reading.numbers;
    let by_range = numbers.first() == Some(&1) && numbers.last() == Some(&(set.len() as i64));
    let shifted = if from_zero == from_one { by_range } else { from_one > from_zero };
    if shifted && let Some(list) = reading.lists.first() {
        let message = format!(
            "its labels count from 1, the names of {} from 0; label 1 is taken as '{}'",
            file_name(&names.file),
            set.name(0)
        );
        draft.warn(&list.file, message);
    }
    (set, i64::from(shifted))
}

/// Lists of one fold; others are told.
fn one_fold(lists: &mut Vec<List>, config: &DataConfig, root: &Path, draft: &mut Draft) -> Result<(), DataError> {
    let fold = |l: &List| fold_of_name(&file_name(&l.file));
    let folds: BTreeSet<u32> = lists.iter().filter_map(fold).collect();
    if folds.len() < 2 {
        return Ok(());
    }
    let all = folds.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let chosen = config.fold.or(folds.first().copied()).unwrap_or(1);
    if !folds.contains(&chosen) {
        let reason = format!("data.fold is {chosen}, but the lists are of the folds {all}");
        return Err(DataError::Read { path: root.to_path_buf(), reason });
    }
    lists.retain(|l| fold(l).is_none_or(|f| f == chosen));
    draft.warn(root, format!("fold {chosen} of {all} is used; data.fold chooses another"));
    Ok(())
}

pub(super) fn read(path: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let refuse = |reason| DataError::Read { path: path.to_path_buf(), reason };
    let Opened { root, mut lists, faults } = open(path).map_err(refuse)?;
    let mut draft = Draft::default();
    draft.used.extend(lists.iter().map(|l| l.file.clone()).chain(faults.iter().map(|(f, _)| f.clone())));
    for (file, why) in faults {
        draft.warn(file, format!("{why}; it is left out"));
    }
    one_fold(&mut lists, config, &root, &mut draft)?;
    for list in &lists {
        draft.warnings.extend(list.text.note.clone().map(|n| super::warning(&list.file, n)));
    }
    let names = names(&root, &lists)?;
    draft.used.extend(names.iter().map(|n| n.file.clone()));
    let finder = Finder::new(&root, false);
    let mut reading = Reading {
        root: &root,
        lists: &lists,
        finder,
        rows: Vec::new(),
        unlabelled: Vec::new(),
        numbers: BTreeSet::new(),
        counted: 0,
    };
    for at in 0..lists.len() {
        reading.list(at, &mut draft)?;
    }
    let (set, shift) = classes(names.as_ref(), &reading, &mut draft);
    let Reading { rows, unlabelled, counted, .. } = reading;
    draft.classes = set;
    let mut assembly = Assembly::new(&root, Task::SingleLabel);
    for (at, list) in lists.iter().enumerate() {
        let mut ignored = Ignored::of(&list.file);
        for row in rows.iter().filter(|r| r.list == at) {
            let class: Option<ClassId> = row.class.and_then(|n| draft.classes.by_id(n - shift));
            if let (Some(n), None, Some(names)) = (row.class, class, &names) {
                let message =
                    format!("line {}: {} has no class {n}; the row is skipped", row.line, file_name(&names.file));
                let why = (row.line, Reason::UnknownClass);
                ignored.push(&mut draft, why, "more rows have an unknown class", &list.file, message);
                continue;
            }
            if row.found.respelt {
                assembly.respelt(&list.file, row.line, &row.found.path);
            }
            let label = class.map_or(InstanceLabel::Unlabelled, InstanceLabel::Class);
            let path = row.found.path.clone();
            let row = Row { split: list.split, label, span: row.span, ..Row::new(&list.file, row.line, path) };
            assembly.add(row, &mut draft);
        }
        ignored.finish(&mut draft);
    }
    tell_unlabelled(&lists, &unlabelled, rows.len(), counted, &mut draft);
    if assembly.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: super::first_reason(&draft, &root) });
    }
    assembly.finish(None, &mut draft);
    unlisted(&root, &mut draft);
    Ok(draft)
}

fn tell_unlabelled(lists: &[List], unlabelled: &[(usize, u32)], rows: usize, counted: usize, draft: &mut Draft) {
    let Some((file, line)) = unlabelled.first().and_then(|(at, line)| Some((&lists.get(*at)?.file, line))) else {
        return;
    };
    let places: Vec<String> = unlabelled
        .iter()
        .filter_map(|(at, line)| Some(format!("{} line {line}", file_name(&lists.get(*at)?.file))))
        .collect();
    let all = unlabelled.len() == rows;
    let nothing = if all { "; no row has a label, so there is nothing to train on" } else { "" };
    let frames = if all && counted > 0 {
        ", and a single number behind a folder of frames is their count: write the class behind it"
    } else {
        ""
    };
    let message = format!(
        "{} rows have no labels, the first in line {line}; their videos are unlabelled ({}){nothing}{frames}",
        unlabelled.len(),
        some_of(&places)
    );
    draft.warn(file, message);
}
