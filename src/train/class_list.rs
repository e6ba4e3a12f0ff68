//! Class lists as people have them.

use super::TrainError;
use crate::domain::{ClassInfo, ClassSet};
use std::path::Path;

/// Reads the classes of a network in output order from a `.ron`, `.json`, `.txt` or `.csv` file, or makes `N` numbered
/// ones.
///
/// `classes.ron` of a run; JSON as a list of names, as names with their numbers, or as numbers with their names; text
/// with a name a line, with or without numbers; a table with a column of names and perhaps one of numbers.
///
/// # Errors
/// A file that cannot be read, no names, or one name twice.
pub fn read_classes(given: &str) -> Result<ClassSet, TrainError> {
    let path = Path::new(given);
    let bad = |reason: String| TrainError::ClassList { path: path.to_path_buf(), reason };
    if let Ok(n) = given.parse::<usize>() {
        if n == 0 || n > 100_000 {
            return Err(bad(format!("{n} is no number of classes a network has")));
        }
        return Ok(ClassSet::from_names((0..n).map(|i| format!("class {i}"))));
    }
    let text = std::fs::read_to_string(path).map_err(|e| match path.exists() {
        true => bad(format!("it cannot be read as text ({e})")),
        false => bad("there is no such file; give a number, or a .ron, .json, .txt or .csv file".into()),
    })?;
    let text = text.trim_start_matches('\u{feff}');
    let kind = path.extension().map(|e| e.to_string_lossy().to_lowercase()).unwrap_or_default();
    let set = match kind.as_str() {
        "ron" => from_ron(text),
        "json" => from_json(text),
        "csv" | "tsv" => from_csv(text, if kind == "tsv" { b'\t' } else { b',' }),
        _ => Ok(from_lines(text)),
    };
    let set = set.map_err(bad)?;
    let mut names: Vec<&str> = set.classes.iter().map(|c| c.name.as_str()).collect();
    names.sort_unstable();
    if names.is_empty() {
        return Err(bad("it lists no classes".into()));
    }
    if names.iter().any(|n| n.is_empty()) {
        return Err(bad("a class has no name".into()));
    }
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(bad(format!("it lists '{}' twice", pair[0]))),
        None => Ok(set),
    }
}

fn from_ron(text: &str) -> Result<ClassSet, String> {
    if let Ok(set) = ron::from_str::<ClassSet>(text) {
        return Ok(set);
    }
    let names: Result<Vec<String>, _> = ron::from_str(text);
    names.map(ClassSet::from_names).map_err(|e| format!("it is no classes.ron of a run and no list of names ({e})"))
}

fn from_json(text: &str) -> Result<ClassSet, String> {
    use serde_json::Value;
    let number = |v: &Value| v.as_i64().or_else(|| v.as_str()?.trim().parse().ok());
    match serde_json::from_str(text).map_err(|e| format!("it is no JSON ({e})"))? {
        Value::Array(rows) => {
            let names = rows.iter().map(|r| r.as_str().or_else(|| r.get("name")?.as_str()).map(str::to_owned));
            let names: Option<Vec<String>> = names.collect();
            names.map(ClassSet::from_names).ok_or_else(|| "its list holds something that is no name".into())
        }
        // {"name": 3}, or {"3": "name"} as ImageNet's {"3": ["n01491361", "tiger_shark"]}.
        Value::Object(rows) => {
            let pair = |(key, value): (&String, &Value)| match number(value) {
                Some(id) => Some((id, key.clone())),
                None => {
                    let name = value.as_str().or_else(|| value.as_array()?.last()?.as_str())?;
                    Some((key.trim().parse().ok()?, name.to_owned()))
                }
            };
            let pairs: Option<Vec<(i64, String)>> = rows.iter().map(pair).collect();
            numbered(pairs.ok_or("each row must hold a name and a number")?)
        }
        _ => Err("it holds neither a list of names nor names with numbers".into()),
    }
}

/// Classes by their numbers, which must be 0, 1, 2, … or 1, 2, 3, ….
fn numbered(mut pairs: Vec<(i64, String)>) -> Result<ClassSet, String> {
    pairs.sort_by_key(|p| p.0);
    let first = pairs.first().map_or(0, |p| p.0);
    let gap = pairs.iter().zip(first..).find(|((id, _), expected)| id != expected);
    match gap {
        _ if !(0..=1).contains(&first) => Err(format!("its numbers begin at {first} and not at 0 or 1")),
        Some(((id, _), expected)) => Err(format!("number {expected} is missing or there twice (next is {id})")),
        None => Ok(ClassSet { classes: pairs.into_iter().map(|(id, name)| ClassInfo { id, name }).collect() }),
    }
}

fn from_lines(text: &str) -> ClassSet {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')).collect();
    let pair = |line: &&str| {
        let (id, name) = line.split_once([' ', '\t', ',', ':'])?;
        Some((id.parse().ok()?, name.trim().to_owned()))
    };
    let pairs: Option<Vec<(i64, String)>> = lines.iter().map(pair).collect();
    // Names may begin with numbers: only when all are counted through do they count.
    pairs.and_then(|p| numbered(p).ok()).unwrap_or_else(|| ClassSet::from_names(lines))
}

fn from_csv(text: &str, delimiter: u8) -> Result<ClassSet, String> {
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let rows: Result<Vec<Vec<String>>, csv::Error> =
        reader.records().map(|r| r.map(|r| r.iter().map(str::to_owned).collect())).collect();
    let mut rows = rows.map_err(|e| format!("it is no table ({e})"))?;
    rows.retain(|r| r.iter().any(|cell| !cell.is_empty()));
    let heading = |cell: &String, words: &[&str]| words.contains(&cell.to_lowercase().as_str());
    const NAMES: [&str; 5] = ["name", "class", "class_name", "label", "classes"];
    const NUMBERS: [&str; 6] = ["id", "index", "number", "class_id", "label_id", "idx"];
    let header = rows.first().filter(|r| r.iter().any(|c| heading(c, &NAMES) || heading(c, &NUMBERS))).cloned();
    if header.is_some() {
        rows.remove(0);
    }
    let numeric =
        |i: usize| !rows.is_empty() && rows.iter().all(|r| r.get(i).is_some_and(|c| c.parse::<i64>().is_ok()));
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let find = |words: &[&str]| header.as_ref().and_then(|h| h.iter().position(|c| heading(c, words)));
    let number = find(&NUMBERS).filter(|i| numeric(*i)).or_else(|| (0..columns).find(|i| columns > 1 && numeric(*i)));
    let name = find(&NAMES).filter(|i| Some(*i) != number).or_else(|| (0..columns).find(|i| Some(*i) != number));
    let name = name.ok_or("it has no column of names")?;
    let cell = |row: &Vec<String>, i: usize| row.get(i).cloned().unwrap_or_default();
    match number {
        Some(number) => numbered(rows.iter().map(|r| (cell(r, number).parse().unwrap_or(-1), cell(r, name))).collect()),
        None => Ok(ClassSet::from_names(rows.iter().map(|r| cell(r, name)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(file: &str, text: &str) -> Result<Vec<String>, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(file);
        std::fs::write(&path, text).unwrap();
        let set = read_classes(&path.display().to_string()).map_err(|e| e.to_string())?;
        Ok(set.classes.into_iter().map(|c| c.name).collect())
    }

    #[test]
    fn every_usual_list_is_read_in_output_order() {
        for (file, text) in [
            ("a.txt", "run\njump\nsit down\n"),
            ("a.txt", "\u{feff}1 run\r\n2 jump\r\n3 sit down\r\n"),
            ("labels", "0: run\n1: jump\n2: sit down"),
            ("a.json", r#"["run", "jump", "sit down"]"#),
            ("a.json", r#"{"jump": "1", "run": "0", "sit down": "2"}"#),
            ("a.json", r#"{"sit down": 2, "run": 0, "jump": 1}"#),
            ("a.json", r#"{"0": ["n1", "run"], "1": ["n2", "jump"], "2": ["n3", "sit down"]}"#),
            ("a.json", r#"[{"name": "run"}, {"name": "jump"}, {"name": "sit down"}]"#),
            ("a.csv", "run\njump\nsit down\n"),
            ("a.csv", "id,name\n1,jump\n0,run\n2,sit down\n"),
            ("a.csv", "class,frames,id\nsit down,9,2\nrun,7,0\njump,5,1\n"),
            ("a.csv", "0,run\n1,jump\n2,sit down\n"),
            ("a.ron", r#"["run", "jump", "sit down"]"#),
            ("a.ron", r#"(classes: [(id: 0, name: "run"), (id: 1, name: "jump"), (id: 7, name: "sit down")])"#),
        ] {
            assert_eq!(
                names(file, text).as_deref(),
                Ok(&["run", "jump", "sit down"].map(String::from)[..]),
                "{file} {text}"
            );
        }
        // Names that begin with numbers are names.
        assert_eq!(names("a.txt", "2 steps\n7 steps\n").unwrap(), ["2 steps", "7 steps"]);
        let counted = read_classes("3").unwrap();
        assert_eq!(
            counted.classes.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
            ["class 0", "class 1", "class 2"]
        );
    }

    #[test]
    fn a_list_that_cannot_be_right_is_refused_in_a_sentence() {
        for (file, text, word) in [
            ("a.txt", "", "lists no classes"),
            ("a.txt", "run\nrun\n", "'run' twice"),
            ("a.json", r#"{"run": 0, "jump": 2}"#, "number 1 is missing"),
            ("a.json", r#"{"run": 5}"#, "begin at 5"),
            ("a.json", "[1, 2]", "no name"),
            ("a.json", "{", "no JSON"),
            ("a.ron", "7", "no list of names"),
            ("a.csv", "id,name\n0,run\n1,\n", "has no name"),
        ] {
            let error = names(file, text).unwrap_err();
            assert!(error.contains(word), "{file} {text}: {error}");
        }
        for given in ["0", "-1", "nowhere.txt", "100000000"] {
            let error = read_classes(given).unwrap_err().to_string();
            assert!(error.contains(given), "{error}");
        }
    }
}
