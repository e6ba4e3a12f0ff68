//! Lines `id;label` of Jester and Something-Something, among them the labels of test ids that newer releases publish in
//! a file of their own.

use super::Draft;
use super::listing::{is_no_label, some_of};
use crate::data::DataError;
use crate::data::label_csv::text::{self, untrimmed_lines};
use crate::data::scan::file_name;
use crate::domain::counted;
use std::collections::HashMap;
use std::path::Path;

/// A line `id;label`, split at the first semicolon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line<'t> {
    pub(super) id: &'t str,
    pub(super) label: Option<&'t str>,
    /// Spaces around one of both were removed.
    pub(super) spaced: bool,
}

impl<'t> Line<'t> {
    pub(super) fn of(line: &'t str) -> Self {
        let (id, label) = line.split_once(';').unwrap_or((line, ""));
        let (bare, of_label) = unquoted(label);
        let label = Some(bare).filter(|l| !is_no_label(l));
        Self { id: id.trim(), label, spaced: id.trim().len() < id.len() || of_label }
    }
}

/// A name without quotation marks and spaces around it, and whether there were spaces.
pub(super) fn unquoted(text: &str) -> (&str, bool) {
    let outer = text.trim();
    let inner = outer.strip_prefix('"').and_then(|t| t.strip_suffix('"')).unwrap_or(outer);
    (inner.trim(), outer.len() < text.len() || inner.trim().len() < inner.len())
}

/// The label of an id, and the line that says so.
#[derive(Clone, Debug)]
pub(super) struct Answer {
    pub(super) label: String,
    pub(super) line: u32,
    pub(super) spaced: bool,
    used: bool,
}

/// The labels of test ids.
#[derive(Debug, Default)]
pub(super) struct Answers {
    by_id: HashMap<String, Answer>,
}

impl Answers {
    /// Reads a file of answers; the first line of an id counts.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn read(file: &Path, draft: &mut Draft) -> Result<Self, DataError> {
        let read = text::read(file)?;
        draft.used.push(file.to_path_buf());
        draft.warnings.extend(read.note.map(|n| super::warning(file, n)));
        let mut by_id: HashMap<String, Answer> = HashMap::new();
        for (line, text) in untrimmed_lines(&read.text) {
            let Line { id, label, spaced } = Line::of(text);
            let Some(label) = label else {
                draft.warn(file, format!("line {line}: '{id}' has no label behind a semicolon; it stays unlabelled"));
                continue;
            };
            let answer = Answer { label: label.to_owned(), line, spaced, used: false };
            if let Some(first) = by_id.get(id).filter(|a| a.label != label) {
                let message = format!(
                    "lines {} and {line} give '{id}' different labels; the first counts, remove the other",
                    first.line
                );
                draft.warn(file, message);
            }
            by_id.entry(id.to_owned()).or_insert(answer);
        }
        Ok(Self { by_id })
    }

    /// The answer for an id.
    pub(super) fn of(&mut self, id: &str) -> Option<Answer> {
        let answer = self.by_id.get_mut(id)?;
        answer.used = true;
        Some(answer.clone())
    }

    /// Tells of answers for ids that the test list does not name.
    pub(super) fn finish(self, file: &Path, list: &Path, draft: &mut Draft) {
        let mut left: Vec<(u32, String)> =
            self.by_id.into_iter().filter(|(_, a)| !a.used).map(|(id, a)| (a.line, id)).collect();
        left.sort();
        let Some((line, _)) = left.first() else { return };
        let ids: Vec<String> = left.iter().map(|(_, id)| id.clone()).collect();
        let message = format!(
            "{} of it {} not in {}, the first in line {line} ({}); add them there, or remove their lines",
            counted(ids.len() as u64, "id"),
            if ids.len() == 1 { "is" } else { "are" },
            file_name(list),
            some_of(&ids)
        );
        draft.warn(file, message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_at_the_first_semicolon() {
        let of = |text| {
            let Line { id, label, spaced } = Line::of(text);
            (id, label, spaced)
        };
        assert_eq!(of("7;Push, [then] pull; left"), ("7", Some("Push, [then] pull; left"), false));
        assert_eq!(of("7;\"Swipe\""), ("7", Some("Swipe"), false));
        assert_eq!(of("7 ;Swipe"), ("7", Some("Swipe"), true));
        assert_eq!(of("7; Swipe"), ("7", Some("Swipe"), true));
        assert_eq!(of("7;\"Swipe \" "), ("7", Some("Swipe"), true));
        assert_eq!(of("7;"), ("7", None, false));
        assert_eq!(of("7"), ("7", None, false));
        assert_eq!(of("7;a \"b\""), ("7", Some("a \"b\""), false));
    }
}
