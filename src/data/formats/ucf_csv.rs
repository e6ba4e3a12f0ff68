//! `train.csv`, `val.csv`, `test.csv` with a path and a class a row (S3.1).

use super::{Draft, DraftVideo, whole_entry};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::names::SubjectRule;
use crate::data::scan::{MAX_DEPTH, child_file, file_name, list, natural, peek, relative_name, stem};
use crate::data::tables::{read_text, separator};
use crate::domain::{ClassInfo, ClassSet, Label, Split};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

const FILES: &[(&str, Split)] = &[
    ("train.csv", Split::Train),
    ("val.csv", Split::Val),
    ("valid.csv", Split::Val),
    ("validation.csv", Split::Val),
    ("test.csv", Split::Test),
];
const PATH_COLUMNS: &[&str] =
    &["clip_path", "video_path", "path", "filepath", "file_path", "file", "filename", "video"];
const CLASS_COLUMNS: &[&str] = &["class", "class_name", "label", "category", "action", "target", "tag"];

/// Rows of one CSV reported one by one before the rest is only counted.
const ROWS_REPORTED: usize = 20;

/// A row of a split CSV.
struct Row {
    line: u64,
    path: String,
    class: String,
}

fn reader(bytes: &[u8]) -> csv::Reader<&[u8]> {
    let first = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
    csv::ReaderBuilder::new().delimiter(separator(first)).flexible(true).trim(csv::Trim::All).from_reader(bytes)
}

/// Positions of the path and the class column.
fn columns(header: &csv::StringRecord) -> Option<(usize, usize)> {
    let find = |known: &[&str]| known.iter().find_map(|k| header.iter().position(|h| h.eq_ignore_ascii_case(k)));
    Some((find(PATH_COLUMNS)?, find(CLASS_COLUMNS)?))
}

fn split_files(root: &Path) -> Vec<(PathBuf, Split)> {
    FILES.iter().filter_map(|(name, split)| child_file(root, name).map(|p| (p, *split))).collect()
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    let files = split_files(path);
    if files.is_empty() {
        return Err("there is no train.csv, val.csv or test.csv".into());
    }
    for (file, _) in &files {
        let bytes = read_text(file).map_err(|e| e.to_string())?;
        let header = reader(&bytes).headers().cloned().map_err(|e| e.to_string())?;
        if columns(&header).is_none() {
            let found = header.iter().collect::<Vec<_>>().join(", ");
            return Err(format!("{} has the columns {found}, not clip_path and class", file_name(file)));
        }
    }
    let names = files.iter().map(|(f, _)| file_name(f)).collect::<Vec<_>>().join(", ");
    Ok(format!("{names} with a path and a class column"))
}

fn read_rows(file: &Path, draft: &mut Draft) -> Result<Vec<Row>, DataError> {
    let bytes = read_text(file)?;
    let mut reader = reader(&bytes);
    let bad = |e: csv::Error| DataError::Read { path: file.to_path_buf(), reason: e.to_string() };
    let header = reader.headers().map_err(bad)?.clone();
    let Some((path, class)) = columns(&header) else { return Ok(Vec::new()) };
    let mut rows = Vec::new();
    let mut skipped = 0_usize;
    for (i, record) in reader.records().enumerate() {
        let record = match record {
            Ok(r) => r,
            Err(e) => {
                draft.warn(file, format!("row {} cannot be read ({e}); it is skipped, correct the row", i + 1));
                continue;
            }
        };
        let line = record.position().map_or(i as u64 + 2, csv::Position::line);
        match (record.get(path).filter(|p| !p.is_empty()), record.get(class).filter(|c| !c.is_empty())) {
            (Some(p), Some(c)) => rows.push(Row { line, path: p.replace('\\', "/"), class: c.to_owned() }),
            _ => {
                skipped += 1;
                if skipped <= ROWS_REPORTED {
                    draft.warn(file, format!("line {line} lacks a path or a class; it is skipped, correct the row"));
                }
            }
        }
    }
    if skipped > ROWS_REPORTED {
        draft.warn(file, format!("{} more rows lack a path or a class", skipped - ROWS_REPORTED));
    }
    Ok(rows)
}

/// Finds files by the paths CSVs write: absolute ones, relative to the root with or without a leading slash, below the
/// split's folder, without leading folders that do not exist here, and at last by file name anywhere below the root.
struct Finder<'a> {
    root: &'a Path,
    by_name: Option<HashMap<String, Vec<PathBuf>>>,
}

impl Finder<'_> {
    fn find(&mut self, written: &str, class: &str, split: Split) -> Result<Option<PathBuf>, DataError> {
        let relative = written.trim_start_matches("./").trim_start_matches('/');
        if relative.is_empty() || relative.split('/').any(|part| part == "..") {
            return Ok(None);
        }
        let mut rest = relative;
        loop {
            for candidate in [self.root.join(rest), self.root.join(split.name()).join(rest)] {
                if candidate.exists() {
                    return Ok(Some(candidate));
                }
            }
            match rest.split_once('/') {
                Some((_, shorter)) => rest = shorter,
                None => break,
            }
        }
        let absolute = Path::new(written);
        if absolute.is_absolute() && absolute.exists() {
            return Ok(Some(absolute.to_path_buf()));
        }
        let in_class = self.root.join(class).join(rest);
        if in_class.exists() {
            return Ok(Some(in_class));
        }
        if self.by_name.is_none() {
            let mut map = HashMap::new();
            index(self.root, 0, &mut map)?;
            self.by_name = Some(map);
        }
        let hits = self.by_name.as_ref().and_then(|m| m.get(rest)).map(Vec::as_slice).unwrap_or_default();
        // Several files of that name: the one below a folder of the class, else nobody knows which is meant.
        Ok(match hits {
            [one] => Some(one.clone()),
            many => many.iter().find(|p| p.components().any(|c| c.as_os_str() == class)).cloned(),
        })
    }
}

/// File and frame-folder names below `dir`.
fn index(dir: &Path, depth: usize, out: &mut HashMap<String, Vec<PathBuf>>) -> Result<(), DataError> {
    let listing = if depth == 0 { list(dir)? } else { peek(dir) };
    for path in listing.videos().chain(&listing.dirs) {
        out.entry(file_name(path)).or_default().push(path.clone());
    }
    if depth < MAX_DEPTH {
        for sub in &listing.dirs {
            index(sub, depth + 1, out)?;
        }
    }
    Ok(())
}

/// Classes by name; a column of numbers keeps the numbers as ids.
fn classes_of(names: BTreeSet<String>) -> ClassSet {
    let ids: Option<Vec<(i64, &String)>> = names.iter().map(|n| n.parse().ok().map(|id| (id, n))).collect();
    if let Some(mut ids) = ids {
        ids.sort();
        let classes = ids.into_iter().map(|(id, n)| ClassInfo { id, name: format!("class {n}") }).collect();
        return ClassSet { classes };
    }
    let mut names: Vec<String> = names.into_iter().collect();
    names.sort_by(|a, b| natural(a, b));
    ClassSet::from_names(names)
}

pub(super) fn read(root: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let rule = SubjectRule::new(config.subject_pattern.as_deref());
    let mut draft = Draft::default();
    let mut tables = Vec::new();
    for (file, split) in split_files(root) {
        let rows = read_rows(&file, &mut draft)?;
        tables.push((file, split, rows));
    }
    let names: BTreeSet<String> = tables.iter().flat_map(|(_, _, rows)| rows.iter().map(|r| r.class.clone())).collect();
    draft.classes = classes_of(names);
    let mut finder = Finder { root, by_name: None };
    let mut seen: HashMap<PathBuf, (PathBuf, u64, Split)> = HashMap::new();
    for (file, split, rows) in tables {
        let mut lost = 0_usize;
        for row in rows {
            let Some(path) = finder.find(&row.path, &row.class, split)? else {
                lost += 1;
                if lost <= ROWS_REPORTED {
                    draft.warn(
                        root.join(row.path.trim_start_matches('/')),
                        format!(
                            "listed in {} line {}, but there is no such video below {}; copy it there or remove the row",
                            file_name(&file),
                            row.line,
                            root.display()
                        ),
                    );
                }
                continue;
            };
            if let Some((first, line, earlier)) = seen.get(&path) {
                let what = if *earlier == split { "is listed twice" } else { "is in two splits" };
                draft.warn(
                    &path,
                    format!(
                        "{what}: {} line {line} and {} line {}; the first row counts, remove the other",
                        file_name(first),
                        file_name(&file),
                        row.line
                    ),
                );
                continue;
            }
            seen.insert(path.clone(), (file.clone(), row.line, split));
            let class = draft
                .classes
                .by_name(&row.class)
                .or_else(|| row.class.parse().ok().and_then(|id| draft.classes.by_id(id)));
            let Some(class) = class else { continue };
            let mut entry = whole_entry(root, path, Label::Class(class));
            (entry.subject, entry.split) = (rule.subject(&stem(&entry.path)), split);
            draft.videos.push(DraftVideo { entry, label_file: None });
        }
        if lost > ROWS_REPORTED {
            draft.warn(&file, format!("{} more videos listed here are missing", lost - ROWS_REPORTED));
        }
    }
    if draft.videos.is_empty() {
        let reason = draft.warnings.first().map_or_else(
            || "the split files list no videos".to_owned(),
            |w| format!("none of the listed videos exists; first {}: {}", relative_name(root, &w.path), w.message),
        );
        return Err(DataError::Empty { path: root.to_path_buf(), reason });
    }
    Ok(draft)
}
