//! Jester and Something-Something V1: `…labels.csv` with a class a line, `…train.csv`, `…validation.csv` and `…test.csv`
//! with `id;label`, no headers; a folder of frames an id.

use super::Draft;
use super::find::{Finder, Hint};
use super::listing::{Assembly, Ignored, Row, unlisted};
use super::lists::folders;
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::text::{self, lines};
use crate::data::scan::{child_file, file_name, peek};
use crate::domain::{ClassSet, InstanceLabel, Reason, Split, Task};
use std::path::{Path, PathBuf};

const LABELS: &str = "labels.csv";
/// What stands behind the prefix of the labels, the likelier first.
const LISTS: &[(&str, Split)] = &[
    ("train.csv", Split::Train),
    ("validation.csv", Split::Val),
    ("val.csv", Split::Val),
    ("test-answers.csv", Split::Test),
    ("test.csv", Split::Test),
];

struct Files {
    labels: PathBuf,
    lists: Vec<(PathBuf, Split)>,
}

/// The label file and its lists in one folder.
fn files_in(dir: &Path) -> Option<Files> {
    let labels = peek(dir).files.into_iter().find(|f| {
        let name = file_name(f).to_lowercase();
        name.strip_suffix(LABELS).is_some_and(|prefix| prefix.is_empty() || prefix.ends_with(['-', '_']))
    })?;
    let name = file_name(&labels);
    let prefix = &name[..name.len() - LABELS.len()];
    let mut lists: Vec<(PathBuf, Split)> = Vec::new();
    for (name, split) in LISTS {
        if let Some(file) = child_file(dir, &format!("{prefix}{name}")) {
            lists.push((file, *split));
        }
    }
    lists.iter().any(|(_, s)| *s == Split::Train).then_some(Files { labels, lists })
}

fn files(root: &Path) -> Option<Files> {
    folders(root).iter().find_map(|d| files_in(d))
}

/// `id;label` at the first semicolon.
fn parts(line: &str) -> (&str, Option<&str>) {
    match line.split_once(';') {
        Some((id, label)) => (id.trim(), Some(unquoted(label)).filter(|l| !l.is_empty())),
        None => (line, None),
    }
}

fn unquoted(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(text).trim()
}

fn classes(text: &str) -> Vec<&str> {
    lines(text).map(|(_, l)| unquoted(l)).collect()
}

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let Some(found) = files(root) else {
        return Err("there is no labels.csv with a train.csv of the same prefix".into());
    };
    let labels = text::read(&found.labels).map_err(|e| e.to_string())?;
    let known = classes(&labels.text);
    let train = found.lists.iter().find(|(_, s)| *s == Split::Train).map(|(f, _)| f.clone()).unwrap_or_default();
    let rows = text::read(&train).map_err(|e| e.to_string())?;
    let named = lines(&rows.text).take(100).any(|(_, l)| parts(l).1.is_some_and(|label| known.contains(&label)));
    if !named {
        return Err(format!(
            "{} does not hold lines 'id;label' with labels of {}",
            file_name(&train),
            file_name(&found.labels)
        ));
    }
    Ok(format!("{} and {} classes of {}", file_name(&train), known.len(), file_name(&found.labels)))
}

pub(super) fn read(root: &Path, _: &DataConfig) -> Result<Draft, DataError> {
    let Some(found) = files(root) else {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: "labels.csv is gone".into() });
    };
    let mut draft = Draft::default();
    let labels = text::read(&found.labels)?;
    let known = classes(&labels.text);
    draft.classes = ClassSet::from_numbered(known.iter().copied());
    draft.used.push(found.labels.clone());
    draft.warnings.extend(labels.note.clone().map(|n| super::warning(&found.labels, n)));
    let mut finder = Finder::new(root, false);
    let mut assembly = Assembly::new(root, Task::SingleLabel);
    let mut answered = false;
    for (file, split) in &found.lists {
        draft.used.push(file.clone());
        // The answers name the ids of the test list with their labels.
        if *split == Split::Test && answered {
            continue;
        }
        answered |= *split == Split::Test;
        let rows = text::read(file)?;
        draft.warnings.extend(rows.note.map(|n| super::warning(file, n)));
        let mut ignored = Ignored::of(file);
        for (line, text) in lines(&rows.text) {
            let (id, label) = parts(text);
            let class = label.and_then(|l| known.iter().position(|k| *k == l));
            if let (Some(label), None) = (label, class) {
                let message =
                    format!("line {line}: '{label}' is no class of {}; the row is skipped", file_name(&found.labels));
                let why = (line, Reason::UnknownClass);
                ignored.push(&mut draft, why, "more rows have an unknown class", file, message);
                continue;
            }
            let hint = Hint { split: *split, class: None, list: file.parent() };
            let Some(video) = finder.find(id, &hint) else {
                ignored.missing(&mut draft, root, line, id, &finder.take_several());
                continue;
            };
            let label = class.map_or(InstanceLabel::Unlabelled, InstanceLabel::Class);
            assembly.add(Row { split: *split, label, ..Row::new(file, line, video.path) }, &mut draft);
        }
        ignored.finish(&mut draft);
    }
    if assembly.is_empty() {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: super::first_reason(&draft, root) });
    }
    assembly.finish(None, &mut draft);
    unlisted(root, &mut draft);
    Ok(draft)
}
