//! Text lists without a header: `path label` for videos, `path frames label` for folders of frames; several labels behind
//! any path make the task multi-label.

use super::Draft;
use super::choices::{Question, choose, choose_fold};
use super::find::{Finder, Found, Hint, compact};
use super::listing::{Assembly, Ignored, Row, Span, some_of, unlisted};
use super::lists::{Lists, fold_of_name, folders, is_text, split_of_name, unnamed, videos_of};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::columns::role;
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::text::{self, lines};
use crate::data::scan::{child_file, file_name, is_video};
use crate::domain::{ClassId, ClassInfo, ClassSet, InstanceLabel, Reason, Split, Task, counted};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Lines looked at before a file is taken for something else.
const LOOKED_AT: usize = 20;
/// Longer lines are no rows of a list.
const LONGEST: usize = 16 * 1024;
/// Numbers that are looked for behind a path.
const NUMBERS: usize = 64;
/// Larger numbers are no numbers of classes or frames: 2^53.
const LARGEST: i64 = 1 << 53;
/// Of one list at least this share of rows must have class numbers.
const SOUND: f64 = 0.05;

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
    cell.parse().ok().filter(|n| (-1..=LARGEST).contains(n) && !padded)
}

/// True for a first line that names a column.
fn is_header(line: &str) -> bool {
    line.len() <= LONGEST && line.split([',', ';', '\t']).any(|cell| role(cell.trim().trim_matches('"')).is_some())
}

/// Lists of HMDB51 hold tags, not classes.
fn of_hmdb(name: &str) -> bool {
    let stem = name.rsplit_once('.').map_or(name, |(s, _)| s).to_lowercase();
    ["_test_split1", "_test_split2", "_test_split3"].iter().any(|s| stem.ends_with(s))
}

fn open(path: &Path) -> Result<Opened, String> {
    let (root, files) = if path.is_file() {
        if !is_text(path) {
            return Err("it is no text file".into());
        }
        (videos_of(path), vec![(path.to_path_buf(), split_of_name(&file_name(path)).unwrap_or_default())])
    } else {
        (path.to_path_buf(), Lists::of(path).files)
    };
    let mut out = Opened { root, lists: Vec::new(), faults: Vec::new() };
    let root = out.root.clone();
    let mut finder = Finder::new(&root, false);
    for (file, split) in files {
        let name = file_name(&file);
        if of_hmdb(&name) {
            out.faults.push((file, format!("{name} holds tags of HMDB51, no class numbers; open its dataset")));
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
fn names(root: &Path, lists: &[List], draft: &mut Draft) -> Result<Option<Names>, DataError> {
    let mut places: Vec<PathBuf> = lists.iter().filter_map(|l| l.file.parent().map(Path::to_path_buf)).collect();
    places.extend(folders(root));
    for (name, numbered) in [("label_map.txt", false), ("classInd.txt", true)] {
        let Some(file) = places.iter().find_map(|p| child_file(p, name)) else { continue };
        let text = text::read(&file)?;
        draft.warnings.extend(text.note.map(|note| super::warning(&file, note)));
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
    is_folder: bool,
    numbers: Vec<i64>,
}

/// What a row says.
struct Meaning {
    span: Span,
    /// From -1, which is none.
    labels: Vec<i64>,
}

impl Listed {
    /// Behind a folder the first number counts frames, with `offset` the second; all others are labels.
    ///
    /// # Errors
    /// Numbers that mean nothing, in words.
    fn meaning(&self, offset: bool) -> Result<Meaning, String> {
        let (span, labels) = match self.numbers.as_slice() {
            [start, count, labels @ ..] if self.is_folder && offset && !labels.is_empty() => {
                let frames = |n: i64| u32::try_from(n).map_err(|_| format!("'{n}' is no number of frames"));
                let (start, count) = (frames(*start)?, frames(*count)?);
                let end = start.checked_add(count).filter(|_| count > 0).ok_or("it counts no frames")?;
                (Span::At(Extent::Frames { start, end }), labels)
            }
            [count, labels @ ..] if self.is_folder => match *count {
                ..1 => return Err(format!("'{count}' is no number of frames")),
                count => (Span::First(u32::try_from(count).unwrap_or(u32::MAX)), labels),
            },
            labels => (Span::Whole, labels),
        };
        if labels.len() > 1 && labels.contains(&-1) {
            return Err("-1 stands among labels".into());
        }
        Ok(Meaning { span, labels: labels.to_vec() })
    }
}

struct Reading<'a> {
    lists: &'a [List],
    finder: Finder<'a>,
    rows: Vec<Listed>,
    /// Labels of videos that are missing.
    elsewhere: BTreeSet<i64>,
}

/// The labels of a line whose video is not there: all numbers behind a name that ends like that of a video, else the last.
fn labels_of_missing(line: &str) -> (&str, Vec<i64>) {
    let cuts = cuts(line);
    let of_video = cuts.iter().find(|(path, _)| is_video(Path::new(path)));
    let (path, numbers) = of_video.or(cuts.last()).map_or((line, &[][..]), |(path, n)| (*path, n.as_slice()));
    let known = if of_video.is_some() { numbers } else { &numbers[numbers.len().saturating_sub(1)..] };
    (path, known.iter().filter_map(|n| class_number(n)).filter(|n| *n >= 0).collect())
}

impl Reading<'_> {
    /// Reads the rows of one list.
    ///
    /// # Errors
    /// A table of something else.
    fn list(&mut self, at: usize, draft: &mut Draft) -> Result<(), DataError> {
        let Some(list) = self.lists.get(at) else { return Ok(()) };
        let file = &list.file;
        let mut ignored = Ignored::of(file);
        let hint = Hint { split: list.split, class: None, list: file.parent() };
        let (mut rows, mut bad_rows) = (0_usize, 0_usize);
        let mut first_bad = String::new();
        for (line, text) in lines(&list.text.text) {
            let Some((video, numbers)) = found(&mut self.finder, text, &hint) else {
                let (path, labels) = labels_of_missing(text);
                self.elsewhere.extend(labels);
                self.finder.missing(&mut ignored, draft, line, path);
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
            let numbers = numbers.iter().filter_map(|n| class_number(n)).collect();
            let is_folder = video.path.is_dir();
            self.rows.push(Listed { list: at, line, found: video, is_folder, numbers });
        }
        ignored.finish(draft);
        // A slip of the pen is left out; a table of something else is not taken for a list.
        if rows > 0 && ((rows - bad_rows) as f64) < SOUND * rows as f64 {
            let reason = format!("{first_bad}, as in {bad_rows} of {rows} rows; lines of a list are 'path number'");
            return Err(DataError::Read { path: file.clone(), reason });
        }
        Ok(())
    }
}

/// Whether the first number behind a folder is an offset, where three or more stand there; nothing but the user tells.
fn has_offsets(root: &Path, config: &DataConfig, reading: &Reading<'_>, draft: &mut Draft) -> Result<bool, DataError> {
    let Some(first) = reading.rows.iter().find(|r| r.is_folder && r.numbers.len() > 2) else { return Ok(false) };
    let question = Question {
        key: "offset",
        asks: "Whether an offset stands before the frame count behind a folder (path offset frames label)",
        options: vec!["no".into(), "yes".into()],
        default: Some("no".into()),
        several: false,
    };
    let offset = choose(root, config, draft, question)? == "yes";
    if let (false, Some(list)) = (offset, reading.lists.get(first.list)) {
        let message = format!(
            "line {}: of {} numbers behind a folder the first is taken as the frame count and the others as labels; if an \
             offset stands before the count, choose offset=yes",
            first.line,
            first.numbers.len()
        );
        draft.warn(&list.file, message);
    }
    Ok(offset)
}

/// A row that can be used, and its labels.
type Labelled<'r> = (&'r Listed, Vec<i64>);

/// How much is taken off every label: 1 where lists count from 1.
fn shift(set: &ClassSet, rows: &[Labelled<'_>], numbers: &BTreeSet<i64>, multi: bool) -> i64 {
    // Folders that are called like classes tell more than the numbers do.
    let called: HashMap<String, i64> = set.classes.iter().map(|c| compact(&c.name)).zip(0..).collect();
    let folder = |row: &Listed| compact(&row.found.path.parent().map(file_name).unwrap_or_default());
    let of_class = |(row, labels): &'_ Labelled<'_>| Some((*called.get(&folder(row))?, labels.clone()));
    let told: Vec<(i64, Vec<i64>)> = rows.iter().filter(|(_, l)| !l.is_empty()).filter_map(of_class).collect();
    let agree = |off: i64| told.iter().filter(|(class, labels)| labels.contains(&(class + off))).count();
    let (from_zero, from_one) = (agree(0), agree(1));
    // Of several labels any may be that of the folder by chance, so that all rows have to agree.
    let decided = if multi { (from_zero == told.len()) != (from_one == told.len()) } else { from_zero != from_one };
    let by_range = numbers.first() == Some(&1) && numbers.last() == Some(&(set.len() as i64));
    i64::from(if decided { from_one > from_zero } else { by_range })
}

/// The classes, and how much is taken off every label.
fn classes(
    names: Option<&Names>,
    rows: &[Labelled<'_>],
    reading: &Reading<'_>,
    multi: bool,
    draft: &mut Draft,
) -> (ClassSet, i64) {
    let mut numbers = reading.elsewhere.clone();
    numbers.extend(rows.iter().flat_map(|(_, labels)| labels.iter().copied()));
    let Some(names) = names else {
        return (unnamed(numbers), 0);
    };
    let set = ClassSet::from_numbered(names.classes.iter().map(|c| c.name.clone()));
    let shift = shift(&set, rows, &numbers, multi);
    if shift > 0
        && let Some(list) = reading.lists.first()
    {
        let message = format!(
            "its labels count from 1, the names of {} from 0; label 1 is taken as '{}'",
            file_name(&names.file),
            set.name(0)
        );
        draft.warn(&list.file, message);
    }
    (set, shift)
}

/// Lists of one fold; others are told.
fn one_fold(lists: &mut Vec<List>, config: &DataConfig, root: &Path, draft: &mut Draft) -> Result<(), DataError> {
    let fold = |l: &List| fold_of_name(&file_name(&l.file));
    let folds: BTreeSet<u32> = lists.iter().filter_map(fold).collect();
    if folds.len() > 1 {
        let chosen = choose_fold((root, root), config, draft, &folds)?;
        lists.retain(|l| fold(l).is_none_or(|f| f == chosen));
    }
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
    let names = names(&root, &lists, &mut draft)?;
    draft.used.extend(names.iter().map(|n| n.file.clone()));
    let finder = Finder::new(&root, false);
    let mut reading = Reading { lists: &lists, finder, rows: Vec::new(), elsewhere: BTreeSet::new() };
    for at in 0..lists.len() {
        reading.list(at, &mut draft)?;
    }
    let offset = has_offsets(&root, config, &reading, &mut draft)?;
    let meanings: Vec<Result<Meaning, String>> = reading.rows.iter().map(|r| r.meaning(offset)).collect();
    let labels = |(row, meaning): (_, &Result<Meaning, String>)| {
        let labels = meaning.as_ref().ok()?.labels.iter().copied();
        Some((row, labels.filter(|n| *n >= 0).collect()))
    };
    let labelled: Vec<Labelled<'_>> = reading.rows.iter().zip(&meanings).filter_map(labels).collect();
    let multi = labelled.iter().any(|(_, labels)| labels.len() > 1);
    let (set, shift) = classes(names.as_ref(), &labelled, &reading, multi, &mut draft);
    draft.classes = set;
    draft.task = if multi { Task::MultiLabel } else { Task::SingleLabel };
    let mut assembly = Assembly::new(&root, draft.task);
    add(&reading, meanings, (names.as_ref(), shift), &mut assembly, &mut draft);
    let counted = reading.rows.iter().filter(|r| r.is_folder && r.numbers.len() == 1).count();
    let unlabelled: Vec<(usize, u32)> =
        labelled.iter().filter(|(_, labels)| labels.is_empty()).map(|(r, _)| (r.list, r.line)).collect();
    tell_unlabelled(&lists, &unlabelled, reading.rows.len(), counted, &mut draft);
    if assembly.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: super::first_reason(&draft, &root) });
    }
    assembly.finish(None, &mut draft);
    unlisted(&root, &mut draft);
    Ok(draft)
}

/// Adds the rows whose numbers mean something.
fn add(
    reading: &Reading<'_>,
    meanings: Vec<Result<Meaning, String>>,
    (names, shift): (Option<&Names>, i64),
    assembly: &mut Assembly<'_>,
    draft: &mut Draft,
) {
    let position: HashMap<i64, ClassId> = draft.classes.classes.iter().map(|c| c.id).zip(0..).collect();
    let mut ignored: Vec<Ignored<'_>> = reading.lists.iter().map(|l| Ignored::of(&l.file)).collect();
    for (row, meaning) in reading.rows.iter().zip(meanings) {
        let (Some(list), Some(ignored)) = (reading.lists.get(row.list), ignored.get_mut(row.list)) else { continue };
        let (line, file) = (row.line, &list.file);
        let Meaning { span, labels } = match meaning {
            Ok(meaning) => meaning,
            Err(why) => {
                let message = format!("line {line}: {why}; the row is skipped, correct it");
                ignored.push(draft, (line, Reason::BadNumber), "more rows have unusable numbers", file, message);
                continue;
            }
        };
        let known = |n: &i64| position.get(&(n - shift)).copied();
        let unknown = labels.iter().find(|n| **n >= 0 && known(n).is_none());
        if let (Some(n), Some(names)) = (unknown, names) {
            let message = format!("line {line}: {} has no class {n}; the row is skipped", file_name(&names.file));
            ignored.push(draft, (line, Reason::UnknownClass), "more rows have an unknown class", file, message);
            continue;
        }
        if row.found.respelt {
            assembly.respelt(file, line, &row.found.path);
        }
        let label = InstanceLabel::of(labels.iter().filter_map(known).collect());
        let path = row.found.path.clone();
        assembly.add(Row { split: list.split, label, span, ..Row::new(file, line, path) }, draft);
    }
    ignored.into_iter().for_each(|i| i.finish(draft));
}

fn tell_unlabelled(lists: &[List], unlabelled: &[(usize, u32)], rows: usize, folders: usize, draft: &mut Draft) {
    let Some((file, line)) = unlabelled.first().and_then(|(at, line)| Some((&lists.get(*at)?.file, line))) else {
        return;
    };
    let places: Vec<String> = unlabelled
        .iter()
        .filter_map(|(at, line)| Some(format!("{} line {line}", file_name(&lists.get(*at)?.file))))
        .collect();
    let all = unlabelled.len() == rows;
    let nothing = if all { "; no row has a label, so there is nothing to train on" } else { "" };
    let frames = if all && folders > 0 {
        ", and a single number behind a folder of frames is their count: write the class behind it"
    } else {
        ""
    };
    let (have, their) = if unlabelled.len() == 1 { ("has", "its video is") } else { ("have", "their videos are") };
    let message = format!(
        "{} {have} no labels, the first in line {line}; {their} unlabelled ({}){nothing}{frames}",
        counted(unlabelled.len() as u64, "row"),
        some_of(&places)
    );
    draft.warn(file, message);
}
