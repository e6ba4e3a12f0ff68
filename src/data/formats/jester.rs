//! Jester and Something-Something V1: `…labels.csv` with a class a line, `…train.csv`, `…validation.csv` and `…test.csv`
//! with `id;label`, no headers; a folder of frames an id.

use super::Draft;
use super::answers::{Answers, Line, unquoted};
use super::find::{Finder, Hint};
use super::listing::{Assembly, Ignored, Row, unlisted};
use super::lists::Prefixed;
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::text::{self, lines, untrimmed_lines};
use crate::data::scan::file_name;
use crate::domain::{ClassSet, InstanceLabel, Reason, Split, Task};
use std::collections::HashMap;
use std::path::Path;

/// Lines of the training list that are looked at for a known label.
const LOOKED_AT: usize = 100;

fn classes(text: &str) -> impl Iterator<Item = (u32, &str)> {
    lines(text).map(|(line, text)| (line, unquoted(text).0))
}

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let found = Prefixed::find(root, "csv").ok_or("there is no labels.csv with a train.csv of the same prefix")?;
    let labels = text::read(&found.labels).map_err(|e| e.to_string())?;
    let known: Vec<&str> = classes(&labels.text).map(|(_, name)| name).collect();
    let train = found.train().unwrap_or(root);
    let rows = text::read(train).map_err(|e| e.to_string())?;
    let is_known = |line: &str| Line::of(line).label.is_some_and(|label| known.contains(&label));
    if !lines(&rows.text).take(LOOKED_AT).any(|(_, line)| is_known(line)) {
        return Err(format!(
            "{} does not hold lines 'id;label' with labels of {}",
            file_name(train),
            file_name(&found.labels)
        ));
    }
    Ok(format!("{} and {} classes of {}", file_name(train), known.len(), file_name(&found.labels)))
}

struct Reading<'a> {
    labels: &'a Path,
    classes: HashMap<String, usize>,
    finder: Finder<'a>,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    fn list(&mut self, file: &Path, split: Split, answers: &mut Answers, draft: &mut Draft) -> Result<(), DataError> {
        let rows = text::read(file)?;
        draft.used.push(file.to_path_buf());
        draft.warnings.extend(rows.note.map(|n| super::warning(file, n)));
        let mut ignored = Ignored::of(file);
        for (line, text) in untrimmed_lines(&rows.text) {
            let Line { id, label, mut spaced } = Line::of(text);
            let answer = answers.of(id).filter(|_| label.is_none());
            spaced |= answer.as_ref().is_some_and(|a| a.spaced);
            let label = label.or(answer.as_ref().map(|a| a.label.as_str()));
            let class = label.and_then(|l| self.classes.get(l)).copied();
            if let (Some(label), None) = (label, class) {
                let message =
                    format!("line {line}: '{label}' is no class of {}; the row is skipped", file_name(self.labels));
                let why = (line, Reason::UnknownClass);
                ignored.push(draft, why, "more rows have an unknown class", file, message);
                continue;
            }
            let hint = Hint { split, class: None, list: file.parent() };
            let Some(video) = self.finder.find(id, &hint) else {
                self.finder.missing(&mut ignored, draft, line, id);
                continue;
            };
            let adjusted = if spaced && class.is_some() { vec![Reason::Trimmed] } else { Vec::new() };
            let label = class.map_or(InstanceLabel::Unlabelled, InstanceLabel::Class);
            self.assembly.add(Row { split, label, adjusted, ..Row::new(file, line, video.path) }, draft);
        }
        ignored.finish(draft);
        Ok(())
    }
}

pub(super) fn read(root: &Path, _: &DataConfig) -> Result<Draft, DataError> {
    let Some(mut found) = Prefixed::find(root, "csv") else {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: "labels.csv is gone".into() });
    };
    let mut draft = Draft::default();
    let labels = text::read(&found.labels)?;
    draft.classes = ClassSet::from_numbered(classes(&labels.text).map(|(_, name)| name));
    draft.used.push(found.labels.clone());
    draft.warnings.extend(labels.note.clone().map(|n| super::warning(&found.labels, n)));
    let mut known: HashMap<String, usize> = HashMap::new();
    for (class, (line, name)) in classes(&labels.text).enumerate() {
        let first = *known.entry(name.to_owned()).or_insert(class);
        if first != class {
            let message = format!("line {line}: '{name}' stands twice; its rows are of class {first}, remove the line");
            draft.warn(&found.labels, message);
        }
    }
    // Answers label the ids of the test list; without one they are that list.
    let test = found.lists.iter().find(|(_, s)| *s == Split::Test).map(|(file, _)| file.clone());
    if test.is_none() {
        found.lists.extend(found.answers.take().map(|answers| (answers, Split::Test)));
    }
    let mut answers = match &found.answers {
        Some(file) => Answers::read(file, &mut draft)?,
        None => Answers::default(),
    };
    let mut reading = Reading {
        labels: &found.labels,
        classes: known,
        finder: Finder::new(root, false),
        assembly: Assembly::new(root, Task::SingleLabel),
    };
    for (file, split) in &found.lists {
        let mut none = Answers::default();
        let labels = if *split == Split::Test { &mut answers } else { &mut none };
        reading.list(file, *split, labels, &mut draft)?;
    }
    let assembly = reading.assembly;
    if let (Some(file), Some(test)) = (&found.answers, &test) {
        answers.finish(file, test, &mut draft);
    }
    if assembly.is_empty() {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: super::first_reason(&draft, root) });
    }
    assembly.finish(None, &mut draft);
    unlisted(root, &mut draft);
    Ok(draft)
}
