//! Split files: which subject or video belongs to which part.

use super::columns::{Role, role};
use super::records::read_table;
use crate::data::{DataError, scan};
use crate::domain::Split;
use std::path::Path;

/// Bad rows reported one by one before the rest is only counted.
const ROWS_REPORTED: usize = 5;

/// One line of a split file.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::data) struct SplitRow {
    pub(in crate::data) name: String,
    pub(in crate::data) split: Split,
}

/// A split file.
#[derive(Debug, Default)]
pub(in crate::data) struct SplitTable {
    pub(in crate::data) rows: Vec<SplitRow>,
    /// Sentences about rows that mean nothing.
    pub(in crate::data) notes: Vec<String>,
}

/// What a word says about the split.
pub(in crate::data) fn split_word(word: &str) -> Option<Split> {
    match word.trim().to_ascii_lowercase().as_str() {
        "train" | "training" | "trn" => Some(Split::Train),
        "val" | "valid" | "validate" | "validation" | "dev" => Some(Split::Val),
        "test" | "testing" | "tst" | "eval" | "evaluation" => Some(Split::Test),
        _ => None,
    }
}

fn flag(word: &str) -> bool {
    matches!(word.trim().to_ascii_lowercase().as_str(), "1" | "true" | "yes" | "y" | "x" | "1.0")
}

/// How a split file is laid out.
enum SplitLayout {
    /// A name column and a column with split words.
    Word { name: usize, split: usize },
    /// A name column and one yes/no column a split.
    Flags { name: usize, columns: Vec<(usize, Split)> },
    /// One column a split, with names below it.
    Lists(Vec<Split>),
}

/// Decides the layout by the first row; also says whether that row is a header.
fn split_layout(first: &[String], second: Option<&Vec<String>>) -> Option<(SplitLayout, bool)> {
    let words: Vec<Option<Split>> = first.iter().map(|f| split_word(f)).collect();
    let is_name = |n: &String| {
        matches!(role(n), Some(Role::Subject | Role::Path(_) | Role::YoutubeId))
            || ["name", "id"].iter().any(|k| n.eq_ignore_ascii_case(k))
    };
    let is_split = |n: &String| role(n) == Some(Role::Split);
    if words.iter().all(Option::is_some) {
        return Some((SplitLayout::Lists(words.into_iter().flatten().collect()), true));
    }
    let named = words.iter().filter(|w| w.is_some()).count();
    if let (Some(name), true) = (first.iter().position(is_name), named > 0) {
        let columns = words.iter().enumerate().filter_map(|(i, w)| w.map(|s| (i, s))).collect();
        return Some((SplitLayout::Flags { name, columns }, true));
    }
    if let Some(split) = words.iter().position(Option::is_some) {
        let name = (0..first.len()).find(|i| *i != split)?;
        return Some((SplitLayout::Word { name, split }, false));
    }
    if let Some(split) = first.iter().position(is_split) {
        let name = first.iter().position(is_name).or_else(|| (0..first.len()).find(|i| *i != split))?;
        return Some((SplitLayout::Word { name, split }, true));
    }
    // An unknown header: the row below it tells which column speaks of splits.
    let split = second?.iter().position(|f| split_word(f).is_some())?;
    let name = first.iter().position(is_name).or_else(|| (0..first.len()).find(|i| *i != split))?;
    Some((SplitLayout::Word { name, split }, true))
}

/// Reads `subject,split` rows; columns may be swapped, unnamed, or be one list a split.
pub(in crate::data) fn read_splits(path: &Path) -> Result<SplitTable, DataError> {
    let read = read_table(path)?;
    let lines: Vec<(u32, Vec<String>)> = read.records.into_iter().map(|r| (r.line, r.cells)).collect();
    let mut table = SplitTable { notes: read.note.into_iter().collect(), ..SplitTable::default() };
    let layout = lines.first().and_then(|(_, first)| split_layout(first, lines.get(1).map(|(_, f)| f)));
    let Some((layout, header)) = layout else {
        table.notes.push("no column names train and test; write rows such as 's01,train' below 'subject,split'".into());
        return Ok(table);
    };
    let mut unknown = 0_usize;
    for (line, fields) in lines.iter().skip(usize::from(header)) {
        let field = |i: usize| fields.get(i).map(String::as_str).unwrap_or_default();
        let mut push = |name: &str, split: Split| {
            if !name.is_empty() {
                table.rows.push(SplitRow { name: bare_name(name), split });
            }
        };
        match &layout {
            SplitLayout::Lists(splits) => splits.iter().enumerate().for_each(|(i, s)| push(field(i), *s)),
            SplitLayout::Flags { name, columns } => {
                columns.iter().filter(|(i, _)| flag(field(*i))).for_each(|(_, s)| push(field(*name), *s));
            }
            SplitLayout::Word { name, split } => match split_word(field(*split)) {
                Some(s) => push(field(*name), s),
                None => {
                    unknown += 1;
                    if unknown <= ROWS_REPORTED {
                        table.notes.push(format!(
                            "line {line}: unknown split '{}' for '{}'; write train, val or test",
                            field(*split),
                            field(*name)
                        ));
                    }
                }
            },
        }
    }
    if unknown > ROWS_REPORTED {
        table.notes.push(format!("{} more rows name an unknown split", unknown - ROWS_REPORTED));
    }
    Ok(table)
}

/// `anon/s01.mp4` becomes `s01`.
fn bare_name(name: &str) -> String {
    let name = name.replace('\\', "/");
    let leaf = name.rsplit('/').next().unwrap_or(&name);
    scan::stem(Path::new(leaf))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn temp(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    #[test]
    fn splits_read_in_every_layout() {
        let rows = |text: &str| {
            let table = read_splits(temp(text).path()).unwrap();
            assert!(table.notes.is_empty(), "{text}: {:?}", table.notes);
            let mut rows: Vec<_> = table.rows.into_iter().map(|r| (r.name, r.split)).collect();
            rows.sort();
            rows
        };
        let truth = vec![("s01".to_owned(), Split::Train), ("s02".to_owned(), Split::Test)];
        for text in [
            "subject,split\ns01,train\ns02,test\n",
            "s01,train\ns02,test\n",
            "Split;Subject\nTraining;s01\nTesting;s02\n",
            "train,test\ns01,s02\n",
            "subject,train,test\ns01,1,0\ns02,0,1\n",
            "who,where\ns01.mp4,train\nanon/s02.mp4,test\n",
        ] {
            assert_eq!(rows(text), truth, "{text}");
        }
        let table = read_splits(temp("subject,split\ns01,train\ns02,banana\n").path()).unwrap();
        assert_eq!(table.rows.len(), 1);
        assert!(table.notes[0].contains("line 3") && table.notes[0].contains("banana"), "{:?}", table.notes);
    }
}
