//! Temporal segmentation as MS-TCN lays out GTEA, 50Salads and Breakfast: `mapping.txt` with `NUMBER NAME` a line,
//! `groundTruth/NAME.txt` with the name of a class a line, and `splits/train.split1.bundle` with `NAME.txt` a line.
//!
//! Labels have a rate of their own, which need not be the video's: [`Clock::Labels`].

use super::Draft;
use super::choices::{Question, choose, label_rate};
use super::find::{ByIds, Found};
use super::listing::{Assembly, Clock, Ignored, Row, Span, unlisted};
use super::lists::{fold_of_name, numbered_names, split_of_name};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::text::{self, lines};
use crate::data::names::{SubjectRule, folded};
use crate::data::scan::{child_dir, child_file, file_name, peek, relative_name};
use crate::domain::{ClassSet, InstanceLabel, LedgerEntry, Reason, Split, Task, counted};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Classes that mean "nothing of interest": of GTEA, of Breakfast, and two of 50Salads.
const BACKGROUND: &[&str] = &["background", "SIL", "action_start", "action_end"];
const MAPPING: &str = "mapping.txt";
const LABELS: &str = "groundTruth";
/// Folders that are looked into for one dataset.
const FOLDERS: usize = 20;

struct Files {
    mapping: PathBuf,
    labels: PathBuf,
    /// List, split of the list, and number of the fold.
    bundles: Vec<(PathBuf, Split, u32)>,
}

fn files_in(dir: &Path) -> Option<Files> {
    let mapping = child_file(dir, MAPPING)?;
    let labels = child_dir(dir, LABELS)?;
    let of = |file: PathBuf| {
        let name = file_name(&file).to_lowercase();
        let split = split_of_name(&name).filter(|_| name.ends_with(".bundle"))?;
        Some((file, split, fold_of_name(&name).unwrap_or(1)))
    };
    let folder = child_dir(dir, "splits").into_iter().chain([dir.to_path_buf()]);
    let mut bundles: Vec<_> = folder.flat_map(|d| peek(&d).files).filter_map(of).collect();
    // Where a video stands twice the first row counts, and training comes first.
    bundles.sort_by_key(|(_, split, _)| *split);
    Some(Files { mapping, labels, bundles })
}

/// In the root, or in the only folder below it that has them.
fn files(root: &Path) -> Option<Files> {
    files_in(root).or_else(|| {
        let dirs = peek(root).dirs;
        let mut found = dirs.iter().take(FOLDERS).filter(|d| d.join(MAPPING).is_file() && d.join(LABELS).is_dir());
        let only = found.next().filter(|_| found.next().is_none())?;
        files_in(only)
    })
}

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let found = files(root).ok_or("there is no mapping.txt with a folder groundTruth beside it")?;
    let folds: BTreeSet<u32> = found.bundles.iter().map(|(.., fold)| *fold).collect();
    Ok(format!("{MAPPING}, {LABELS} and bundles of {}", counted(folds.len() as u64, "split")))
}

/// A row of a bundle, or a file of labels that no bundle need name.
struct Listed<'a> {
    file: &'a Path,
    line: u32,
    split: Split,
    name: &'a str,
}

struct Reading<'a> {
    root: &'a Path,
    classes: HashMap<String, usize>,
    /// Files of labels by their names without the ending, folded.
    labels: HashMap<String, PathBuf>,
    folder: PathBuf,
    rate: Option<f64>,
    videos: ByIds<'a>,
    assembly: Assembly<'a>,
    /// Rows by the videos that they name.
    seen: HashMap<PathBuf, (Split, PathBuf, u32)>,
}

impl Reading<'_> {
    fn row(&mut self, row: &Listed<'_>, ignored: &mut Ignored<'_>, draft: &mut Draft) {
        let found = match self.videos.find(row.name, row.split, &[""]) {
            Ok(found) => found,
            Err(several) => return ignored.missing(draft, self.root, row.line, row.name, several),
        };
        if let Some((split, file, line)) = self.seen.get(&found.path) {
            let (what, reason) = match *split == row.split {
                true => ("is listed twice", Reason::Duplicate),
                false => ("is in two splits", Reason::Conflict),
            };
            let (first, second) = (file_name(file), file_name(row.file));
            let message = format!(
                "{} {what}: {first} line {line} and {second} line {}; the first row counts, remove the other",
                row.name, row.line
            );
            let video = Some(relative_name(self.root, &found.path));
            return ignored.skip(draft, (row.line, reason), (video, row.name), "more rows repeat others", message);
        }
        self.seen.insert(found.path.clone(), (row.split, row.file.to_path_buf(), row.line));
        match self.label_file(row, &found, draft) {
            Ok(true) => {
                draft.ledger.rows += 1;
                let entry = |reason| LedgerEntry {
                    file: row.file.into(),
                    line: row.line,
                    rows: 1,
                    reason,
                    video: Some(relative_name(self.root, &found.path)),
                    text: String::new(),
                };
                draft.ledger.adjusted.extend(found.adjusted().into_iter().map(entry));
            }
            Ok(false) => self.assembly.add_unlabelled(row.file, row.line, &found.path, row.split, draft),
            Err(why) => {
                draft.warn(self.folder.join(format!("{}.txt", row.name)), why);
                self.assembly.add_unlabelled(row.file, row.line, &found.path, row.split, draft);
            }
        }
    }

    /// Reads the labels of a video; false where there are none.
    fn label_file(&mut self, row: &Listed<'_>, found: &Found, draft: &mut Draft) -> Result<bool, String> {
        let Some(file) = self.labels.get(&folded(row.name)).cloned() else {
            let bundle = file_name(row.file);
            return Err(format!("{bundle} line {} names it, but it is not there; the video is unlabelled", row.line));
        };
        draft.used.push(file.clone());
        let text = text::read(&file).map_err(|e| format!("{e}; the video is unlabelled"))?;
        draft.warnings.extend(text.note.map(|n| super::warning(&file, n)));
        let labels: Vec<(u32, &str)> = lines(&text.text).collect();
        if labels.is_empty() {
            draft.warn(&file, "it is empty, so its video is unlabelled; write one class a line");
            return Ok(false);
        }
        let mut ignored = Ignored::of(&file);
        let (mut at, mut any) = (0_u32, false);
        for run in labels.chunk_by(|a, b| a.1 == b.1) {
            let count = u32::try_from(run.len()).unwrap_or(u32::MAX);
            let span = Span::Steps { start: at, end: at.saturating_add(count) };
            at = at.saturating_add(count);
            let Some((line, name)) = run.first() else { continue };
            let Some(class) = self.classes.get(*name) else {
                let message = format!(
                    "line {line}: {} is not in mapping.txt, so {} unlabelled; add it there or correct the name",
                    text::shown(name),
                    if count == 1 { "1 label stays".to_owned() } else { format!("{count} labels stay") }
                );
                ignored.note(draft, "more runs of labels have names that are not in mapping.txt", &file, message);
                continue;
            };
            any = true;
            let label = InstanceLabel::Class(*class);
            let instance = Row { rows: 0, split: row.split, label, span, ..Row::new(&file, *line, found.path.clone()) };
            self.assembly.add(instance, draft);
        }
        ignored.finish(draft);
        if any {
            let named = Some((row.file.to_path_buf(), row.line));
            self.assembly.clock(&found.path, Clock::Labels { count: at, rate: self.rate, file, row: named });
        }
        Ok(any)
    }
}

/// Classes by number, those of the background marked.
fn classes(mapping: &Path, draft: &mut Draft) -> Result<ClassSet, DataError> {
    let mut known = numbered_names(mapping, "", draft)?;
    known.classes.iter_mut().for_each(|c| c.background = BACKGROUND.contains(&c.name.as_str()));
    if known.is_empty() {
        let reason = "it names no classes; write 'NUMBER NAME' a line".into();
        return Err(DataError::Read { path: mapping.to_path_buf(), reason });
    }
    let mut names = BTreeSet::new();
    for class in known.classes.iter().filter(|c| !names.insert(c.name.as_str())) {
        draft.warn(mapping, format!("'{}' has several numbers; the lowest counts, remove the others", class.name));
    }
    Ok(known)
}

/// The split that is read: the configured one, else the first.
fn split(root: &Path, found: &Files, config: &DataConfig, draft: &mut Draft) -> Result<Option<u32>, DataError> {
    let folds: BTreeSet<u32> = found.bundles.iter().map(|(.., fold)| *fold).collect();
    let Some(first) = folds.first() else { return Ok(None) };
    let question = Question {
        key: "split",
        asks: "which of the official splits is read",
        options: folds.iter().map(u32::to_string).collect(),
        default: Some(first.to_string()),
        several: false,
    };
    Ok(choose(root, config, draft, question)?.parse().ok())
}

pub(super) fn read(root: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let Some(found) = files(root) else {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: "mapping.txt is gone".into() });
    };
    let mut draft = Draft::default();
    draft.classes = classes(&found.mapping, &mut draft)?;
    draft.used.extend(found.bundles.iter().map(|(file, ..)| file.clone()));
    let split = split(root, &found, config, &mut draft)?;
    let asks = "how many labels a second the label files have, as 15 or 30000/1001; empty to find it by the videos";
    let rate = label_rate(root, config, &mut draft, asks)?;
    let bare = |name: &str| name.strip_suffix(".txt").or_else(|| name.strip_suffix(".TXT")).unwrap_or(name).to_owned();
    let label_files = peek(&found.labels).files;
    let mut reading = Reading {
        root,
        classes: draft.classes.classes.iter().enumerate().rev().map(|(i, c)| (c.name.clone(), i)).collect(),
        labels: label_files.iter().rev().map(|f| (folded(&bare(&file_name(f))), f.clone())).collect(),
        folder: found.labels.clone(),
        rate,
        videos: ByIds::new(root),
        assembly: Assembly::new(root, Task::SingleLabel),
        seen: HashMap::new(),
    };
    for (file, part, _) in found.bundles.iter().filter(|(.., fold)| Some(*fold) == split) {
        let rows = text::read(file)?;
        draft.warnings.extend(rows.note.map(|n| super::warning(file, n)));
        let mut ignored = Ignored::of(file);
        for (line, text) in lines(&rows.text) {
            let name = bare(text.rsplit(['/', '\\']).next().unwrap_or(text));
            let row = Listed { file, line, split: *part, name: &name };
            reading.row(&row, &mut ignored, &mut draft);
        }
        ignored.finish(&mut draft);
    }
    if split.is_none() {
        draft.warn(root, "there are no bundles in splits, so no video is assigned to training or testing");
        for file in &label_files {
            let name = bare(&file_name(file));
            let mut ignored = Ignored::of(file);
            let row = Listed { file, line: 0, split: Split::Unassigned, name: &name };
            reading.row(&row, &mut ignored, &mut draft);
        }
    }
    if reading.assembly.is_empty() {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: super::first_reason(&draft, root) });
    }
    // Labels of videos that the chosen split does not name are known all the same.
    draft.used.extend(label_files);
    reading.assembly.finish(Some(&SubjectRule::new(config.subject_pattern.as_deref())), &mut draft);
    unlisted(root, &mut draft);
    Ok(draft)
}
