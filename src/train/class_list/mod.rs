//! Class lists as people have them.
//!
//! A number, a text file with a name a line, a table, or JSON in its usual forms become a [`ClassSet`] in output order.

mod json;
mod table;

use super::TrainError;
use crate::domain::{ClassInfo, ClassSet};
use crate::files::{TEXT_LIMIT, read_text};
use std::collections::HashMap;
use std::path::Path;

/// What is said to somebody whose list is in no form that is read.
const FORMS: &str = "give a name a line in output order, a JSON list of names, or names with their numbers";

/// A class as a file lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    /// Where it stands, from 1.
    line: usize,
    /// Its output, from 0 or 1; `None` where the order of the list tells it.
    number: Option<i64>,
    name: String,
}

/// Reads the classes of a network in output order from a `.ron`, `.json`, `.txt` or `.csv` file, or makes `N` numbered
/// ones.
///
/// `classes.ron` of a run; JSON as a list of names, as names with their numbers, or as numbers with their names, also
/// under a key such as `classes` or `id2label`; text with a name a line, with or without numbers; a table with a column of
/// names and perhaps one of numbers. Quotation marks around a name do not belong to it.
///
/// # Errors
/// A file that cannot be read, no names, one name twice, or numbers that are not counted through; the sentence names the
/// line.
pub fn read_classes(given: &str) -> Result<ClassSet, TrainError> {
    let path = Path::new(given);
    let bad = |reason: String| TrainError::ClassList { path: path.to_path_buf(), reason };
    if let Ok(n) = given.parse::<usize>() {
        if n == 0 || n > 100_000 {
            return Err(bad(format!("{n} is no number of classes a network has")));
        }
        return Ok(ClassSet::from_names((0..n).map(|i| format!("class {i}"))));
    }
    let text = read_text(path, TEXT_LIMIT).map_err(|e| match path.exists() {
        true => bad(format!("it cannot be read as text ({e})")),
        false => bad("there is no such file; give a number, or a .ron, .json, .txt or .csv file".into()),
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let kind = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let rows = match kind.as_str() {
        "ron" => match from_ron(text).map_err(bad)? {
            Ron::Set(set) => return checked(&named(&set), Some(set.clone())).map_err(bad),
            Ron::Names(names) => Ok(names),
        },
        "json" => json::rows(text),
        // Lists of JSON often lie in .txt files.
        _ if text.trim_start().starts_with(['{', '[']) => json::rows(text),
        "csv" | "tsv" => table::rows(text),
        _ => lines(text),
    };
    rows.and_then(|rows| checked(&rows, None)).map_err(bad)
}

/// What a `.ron` file holds.
enum Ron {
    /// The classes of a run, with numbers of their own.
    Set(ClassSet),
    Names(Vec<Row>),
}

fn from_ron(text: &str) -> Result<Ron, String> {
    if let Ok(set) = ron::from_str::<ClassSet>(text) {
        return Ok(Ron::Set(set));
    }
    let names: Vec<String> = ron::from_str(text)
        .map_err(|e| format!("it is no classes.ron of a run and no list of names ({e}); {FORMS}"))?;
    Ok(Ron::Names(located(text, names.into_iter().map(|name| (None, name)))))
}

fn named(set: &ClassSet) -> Vec<Row> {
    set.classes.iter().enumerate().map(|(i, c)| Row { line: i + 1, number: None, name: c.name.clone() }).collect()
}

/// Names in the order in which they stand in a text, with the lines they stand in.
fn located(text: &str, names: impl Iterator<Item = (Option<i64>, String)>) -> Vec<Row> {
    let (mut at, mut line) = (0, 1);
    let mut row = |(number, name): (Option<i64>, String)| {
        // As it stands in quotation marks, or else without its marks; one that is written otherwise is near the last.
        let written = serde_json::to_string(&name).unwrap_or_default();
        let rest = text.get(at..).unwrap_or_default();
        let found = [written.as_str(), name.as_str()].into_iter().find_map(|w| Some((rest.find(w)?, w.len())));
        if let Some((before, long)) = found {
            line += rest.get(..before).unwrap_or_default().matches('\n').count();
            at += before + long;
        }
        Row { line, number, name }
    };
    names.map(&mut row).collect()
}

/// The classes of a list, as they are or by their numbers. `whole` is what is given back if all is well.
fn checked(rows: &[Row], whole: Option<ClassSet>) -> Result<ClassSet, String> {
    if rows.is_empty() {
        return Err(format!("it lists no classes; {FORMS}"));
    }
    if let Some(row) = rows.iter().find(|row| row.name.is_empty()) {
        return Err(format!("a class has no name (line {}); give it one", row.line));
    }
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for row in rows {
        if let Some(first) = seen.insert(&row.name, row.line) {
            let at =
                if first == row.line { format!("line {first}") } else { format!("lines {first} and {}", row.line) };
            return Err(format!("it lists '{}' twice ({at}); every class must have a name of its own", row.name));
        }
    }
    match whole {
        Some(set) => Ok(set),
        None if rows.iter().all(|row| row.number.is_none()) => {
            Ok(ClassSet::from_names(rows.iter().map(|row| row.name.clone())))
        }
        None => {
            let rows = counted(rows)?;
            let class = |row: &Row| ClassInfo::named(row.number.unwrap_or_default(), row.name.clone());
            Ok(ClassSet { classes: rows.iter().map(class).collect() })
        }
    }
}

/// Classes in the order of their numbers, which must be 0, 1, 2, … or 1, 2, 3, ….
fn counted(rows: &[Row]) -> Result<Vec<Row>, String> {
    let mut rows = rows.to_vec();
    if let Some(row) = rows.iter().find(|row| row.number.is_none()) {
        return Err(format!("'{}' has no number (line {}), and others have; number all or none", row.name, row.line));
    }
    rows.sort_by_key(|row| row.number);
    let number = |row: &Row| row.number.unwrap_or_default();
    let first = rows.first().map_or(0, number);
    if !(0..=1).contains(&first) {
        let line = rows.first().map_or(0, |row| row.line);
        return Err(format!("its numbers begin at {first} (line {line}) and not at 0 or 1; count the outputs through"));
    }
    for (before, row) in rows.iter().zip(rows.iter().skip(1)) {
        if number(before) == number(row) {
            let (number, a, b) = (number(row), before.line.min(row.line), before.line.max(row.line));
            let at = if a == b { format!("line {a}") } else { format!("lines {a} and {b}") };
            return Err(format!("number {number} is there twice ({at}); every class must have a number of its own"));
        }
        if number(before) + 1 != number(row) {
            let (missing, next, line) = (number(before) + 1, number(row), row.line);
            return Err(format!(
                "number {missing} is missing (next is {next}, line {line}); list every output of the network"
            ));
        }
    }
    Ok(rows)
}

/// A name a line, perhaps with numbers before or behind.
fn lines(text: &str) -> Result<Vec<Row>, String> {
    let lines: Vec<(usize, &str)> = (1..)
        .zip(text.lines())
        .map(|(number, line)| (number, line.trim()))
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .collect();
    if let Some((line, text)) = lines.iter().find(|(_, line)| line.ends_with('{') || *line == "}") {
        return Err(format!("line {line}, '{text}', is no name: this is a list for another program; {FORMS}"));
    }
    let plain = || lines.iter().map(|(line, name)| Row { line: *line, number: None, name: unquoted(name) }).collect();
    let with = |pair: fn(&str) -> Option<(i64, &str)>| -> Option<Vec<Row>> {
        let row = |(line, text): &(usize, &str)| {
            let (number, name) = pair(text)?;
            Some(Row { line: *line, number: Some(number), name: unquoted(name) })
        };
        lines.iter().map(row).collect()
    };
    if let Some(rows) = with(numbered_before) {
        // Names may begin with numbers: only those that begin as outputs do count.
        return match counted(&rows) {
            Ok(rows) => Ok(rows),
            Err(_) if !rows.iter().any(|row| row.number == Some(0)) && !begins_counted(&rows) => Ok(plain()),
            Err(reason) => Err(reason),
        };
    }
    let behind = with(numbered_behind).and_then(|rows| counted(&rows).ok()).filter(|rows| checked(rows, None).is_ok());
    Ok(behind.unwrap_or_else(plain))
}

/// True where the first lines are numbered 1 and 2.
fn begins_counted(rows: &[Row]) -> bool {
    rows.iter().zip(1..).take(2).all(|(row, number)| row.number == Some(number)) && rows.len() > 1
}

const BETWEEN: [char; 6] = [' ', '\t', ',', ':', ';', '='];

fn numbered_before(line: &str) -> Option<(i64, &str)> {
    let (number, name) = line.split_once(BETWEEN)?;
    let name = name.trim_start_matches(BETWEEN);
    Some((number.trim_end_matches(['.', ')']).parse().ok()?, name.trim()))
}

fn numbered_behind(line: &str) -> Option<(i64, &str)> {
    let (name, number) = line.rsplit_once(BETWEEN)?;
    let name = name.trim_end_matches(BETWEEN);
    Some((number.parse().ok()?, name.trim()))
}

/// A name without the quotation marks around it: lists of Kinetics have them inside their JSON.
fn unquoted(name: &str) -> String {
    let name = name.trim();
    let inner = ['"', '\''].into_iter().find_map(|mark| name.strip_prefix(mark)?.strip_suffix(mark));
    inner.unwrap_or(name).trim().to_owned()
}
