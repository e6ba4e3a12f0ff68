//! Tables with a column of class names and perhaps one of numbers.

use super::{FORMS, Row, unquoted};

const NAMES: [&str; 14] = [
    "name",
    "class",
    "class_name",
    "classname",
    "class name",
    "label",
    "label_name",
    "classes",
    "action",
    "activity",
    "category",
    "target",
    "title",
    "gesture",
];
const NUMBERS: [&str; 10] =
    ["id", "index", "number", "class_id", "label_id", "action_id", "category_id", "class_index", "idx", "nr"];

/// The classes of a table whose cells are separated by commas, semicolons or tabs, in the order of its rows.
pub(super) fn rows(text: &str) -> Result<Vec<Row>, String> {
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let delimiter = [b'\t', b';', b','].into_iter().find(|d| first.contains(char::from(*d))).unwrap_or(b',');
    let mut cells = read(text, delimiter)?;
    let is = |cell: &str, words: &[&str]| words.contains(&cell.trim().to_lowercase().as_str());
    let header = cells.first().filter(|r| r.1.iter().any(|c| is(c, &NAMES) || is(c, &NUMBERS))).cloned();
    if header.is_some() {
        cells.remove(0);
    }
    let columns = cells.iter().map(|r| r.1.len()).max().unwrap_or(0);
    let number = |cells: &[(usize, Vec<String>)], i: usize| {
        !cells.is_empty() && cells.iter().all(|r| r.1.get(i).is_some_and(|c| c.parse::<i64>().is_ok()))
    };
    let headed = |words: &[&str]| header.as_ref().and_then(|h| h.1.iter().position(|c| is(c, words)));
    if header.is_none() && columns > 1 && cells.len() > 1 && (0..columns).all(|i| !number(&cells, i)) {
        let (line, first) = cells[0].clone();
        if (0..columns).any(|i| number(&cells[1..], i)) {
            let told = first.join(", ");
            return Err(format!("line {line} has headings that are not known ({told}); call the columns name and id"));
        }
        return Err(format!(
            "it has {columns} columns without numbers, and none is named 'name' (line {line}); {FORMS}"
        ));
    }
    let numbers = headed(&NUMBERS)
        .filter(|i| number(&cells, *i))
        .or_else(|| (0..columns).find(|i| columns > 1 && number(&cells, *i)));
    let name = headed(&NAMES).filter(|i| Some(*i) != numbers).or_else(|| (0..columns).find(|i| Some(*i) != numbers));
    let name = name.ok_or_else(|| format!("it has no column of names; {FORMS}"))?;
    let row = |(line, cells): (usize, Vec<String>)| {
        let cell = |i: usize| cells.get(i).map(String::as_str).unwrap_or_default();
        let number = numbers.and_then(|i| cell(i).parse().ok());
        Row { line, number, name: unquoted(cell(name)) }
    };
    Ok(cells.into_iter().map(row).collect())
}

/// Rows that are not empty, with their lines.
fn read(text: &str, delimiter: u8) -> Result<Vec<(usize, Vec<String>)>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|e| format!("it is no table ({e})"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells: Vec<String> = record.iter().map(str::to_owned).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            rows.push((usize::try_from(line).unwrap_or(0), cells));
        }
    }
    Ok(rows)
}
