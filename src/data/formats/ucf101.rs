//! UCF101 as it is published: `classInd.txt`, `trainlist01.txt`, `testlist01.txt`, and a folder of videos a class.

use super::Draft;
use super::choices::choose_fold;
use super::find::{Finder, Hint};
use super::listing::{Assembly, Ignored, Row, some_of, unlisted};
use super::lists::{fold_of_name, numbered_names};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::text::{self, lines};
use crate::data::names::{SubjectRule, folded};
use crate::data::scan::{child_file, file_name, peek};
use crate::domain::{InstanceLabel, Reason, Split, Task};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folder names inside folders that are searched for the lists.
const DEPTH: usize = 2;

/// More folders side by side are not the one that UCF101 was unpacked into.
const FEW: usize = 3;

struct Files {
    classes: PathBuf,
    /// List, fold and split.
    lists: Vec<(PathBuf, u32, Split)>,
}

fn files_in(dir: &Path) -> Option<Files> {
    let classes = child_file(dir, "classInd.txt")?;
    let of = |file: &PathBuf| {
        let name = file_name(file).to_lowercase();
        let split = if name.starts_with("trainlist") { Split::Train } else { Split::Test };
        let list = name.starts_with("trainlist") || name.starts_with("testlist");
        list.then(|| Some((file.clone(), fold_of_name(&name)?, split))).flatten()
    };
    let lists: Vec<_> = peek(dir).files.iter().filter_map(of).collect();
    lists.iter().any(|(_, _, s)| *s == Split::Train).then_some(Files { classes, lists })
}

fn files(dir: &Path, depth: usize) -> Option<Files> {
    files_in(dir).or_else(|| {
        let dirs = if depth > 0 { peek(dir).dirs } else { Vec::new() };
        // A thousand class folders need not be looked through, nor other datasets.
        let few = depth == DEPTH && dirs.len() <= FEW;
        let likely = |d: &PathBuf| few || file_name(d).to_lowercase().contains("list");
        dirs.into_iter().filter(likely).find_map(|d| files(&d, depth - 1))
    })
}

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let found = files(root, DEPTH).ok_or("there is no classInd.txt with a trainlist01.txt beside it")?;
    let folds: BTreeSet<u32> = found.lists.iter().map(|(_, fold, _)| *fold).collect();
    Ok(format!("{} and lists of {} folds", file_name(&found.classes), folds.len()))
}

pub(super) fn read(root: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let Some(found) = files(root, DEPTH) else {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: "classInd.txt is gone".into() });
    };
    let mut draft = Draft::default();
    draft.used.extend(found.lists.iter().map(|(f, ..)| f.clone()));
    draft.classes = numbered_names(&found.classes, "", &mut draft)?;
    let folds: BTreeSet<u32> = found.lists.iter().map(|(_, fold, _)| *fold).collect();
    let beside = found.classes.parent().unwrap_or(root);
    let fold = choose_fold((root, beside), config, &mut draft, &folds)?;
    let names: Vec<String> = draft.classes.classes.iter().map(|c| c.name.clone()).collect();
    let mut finder = Finder::new(root, true).with_classes(names.iter().map(String::as_str));
    let mut assembly = Assembly::new(root, Task::SingleLabel);
    let mut unknown: BTreeSet<String> = BTreeSet::new();
    for (file, _, split) in found.lists.iter().filter(|(_, f, _)| *f == fold) {
        let rows = text::read(file)?;
        draft.warnings.extend(rows.note.map(|n| super::warning(file, n)));
        let mut ignored = Ignored::of(file);
        for (line, text) in lines(&rows.text) {
            let (written, number) = match text.rsplit_once(char::is_whitespace) {
                Some((path, number)) if number.parse::<i64>().is_ok() => (path.trim(), number.parse().ok()),
                _ => (text, None),
            };
            let folder = written.replace('\\', "/");
            let folder = folder.rsplit_once('/').map(|(dir, _)| dir.rsplit('/').next().unwrap_or(dir).to_owned());
            let by_folder = folder.as_ref().and_then(|f| names.iter().position(|n| folded(n) == folded(f)));
            let class = match number {
                Some(number) => draft.classes.by_id(number),
                None => by_folder,
            };
            let Some(class) = class else {
                let what = number.map_or_else(|| folder.unwrap_or_default(), |n: i64| n.to_string());
                unknown.insert(what.clone());
                let message =
                    format!("line {line}: {} has no class {what}; the row is skipped", file_name(&found.classes));
                let why = (line, Reason::UnknownClass);
                ignored.push(&mut draft, why, "more rows have an unknown class", file, message);
                continue;
            };
            if let Some(other) = by_folder.filter(|c| *c != class) {
                let message = format!(
                    "line {line}: number {} is '{}', but the folder is '{}'; the number counts, correct the line",
                    number.unwrap_or_default(),
                    draft.classes.name(class),
                    draft.classes.name(other)
                );
                ignored.note(&mut draft, "more rows have another number than folder", file, message);
            }
            // The folder says where the video lies, also where the number says another class.
            let lies_in = names.get(by_folder.unwrap_or(class)).map(String::as_str);
            let hint = Hint { split: *split, class: lies_in, list: file.parent() };
            let Some(video) = finder.find(written, &hint) else {
                finder.missing(&mut ignored, &mut draft, line, written);
                continue;
            };
            if video.respelt {
                assembly.respelt(file, line, &video.path);
            }
            let adjusted = if video.respelt { vec![Reason::Case] } else { Vec::new() };
            let label = InstanceLabel::Class(class);
            assembly.add(Row { split: *split, label, adjusted, ..Row::new(file, line, video.path) }, &mut draft);
        }
        ignored.finish(&mut draft);
    }
    if assembly.is_empty() {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: super::first_reason(&draft, root) });
    }
    if unknown.len() > 1 {
        let unknown: Vec<String> = unknown.into_iter().collect();
        draft.warn(&found.classes, format!("does not name the classes {}, which lists use", some_of(&unknown)));
    }
    assembly.finish(Some(&SubjectRule::new(config.subject_pattern.as_deref())), &mut draft);
    unlisted(root, &mut draft);
    Ok(draft)
}
