//! Files that list the videos of a split, by their names.

use super::Draft;
use crate::data::DataError;
use crate::data::label_csv::split_word;
use crate::data::label_csv::text::{self, lines};
use crate::data::scan::{file_name, peek};
use crate::domain::{ClassInfo, ClassSet, Split};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Folders beside the videos that hold lists.
const FOLDERS: &[&str] = &[
    "annotations",
    "annotation",
    "annos",
    "anno",
    "labels",
    "label",
    "lists",
    "list",
    "splits",
    "split",
    "metadata",
    "meta",
];
/// Endings of text files.
const ENDINGS: &[&str] = &["csv", "tsv", "txt"];

/// The lists of a dataset.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Files whose names hold a split: training first, then validation and test, each in natural order.
    pub(super) files: Vec<(PathBuf, Split)>,
}

impl Lists {
    /// Looks in the root and in its folders of annotations.
    pub(super) fn of(root: &Path) -> Self {
        let mut files = Vec::new();
        for dir in folders(root) {
            for file in peek(&dir).files {
                if let Some(split) = split_of_name(&file_name(&file)).filter(|_| is_text(&file)) {
                    files.push((file, split));
                }
            }
        }
        // Where a video stands twice the first row counts, and training comes first.
        files.sort_by_key(|(_, split)| *split);
        Self { files }
    }
}

/// The root and its folders of annotations.
pub(super) fn folders(root: &Path) -> Vec<PathBuf> {
    let mut out = vec![root.to_path_buf()];
    out.extend(peek(root).dirs.into_iter().filter(|d| is_annotations(d)));
    out
}

/// The folder of the videos of a list: around a folder of annotations, else the list's own.
pub(super) fn videos_of(list: &Path) -> PathBuf {
    match list.parent() {
        Some(dir) if is_annotations(dir) => dir.parent().unwrap_or(dir).to_path_buf(),
        Some(dir) => dir.to_path_buf(),
        None => list.to_path_buf(),
    }
}

/// Files of the root and of its folders of annotations, by their names in lower case.
pub(super) fn files_called(root: &Path, wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let listing = peek(root);
    let beside = listing.dirs.iter().filter(|d| is_annotations(d)).flat_map(|d| peek(d).files);
    listing.files.iter().cloned().chain(beside).filter(|f| wanted(&file_name(f).to_lowercase())).collect()
}

/// Classes of a file with `NUMBER NAME` a line, in the order of the numbers; `prefix` stands before each number.
///
/// # Errors
/// A file that cannot be read, and a number that stands twice.
pub(super) fn numbered_names(path: &Path, prefix: &str, draft: &mut Draft) -> Result<ClassSet, DataError> {
    let read = text::read(path)?;
    draft.used.push(path.to_path_buf());
    draft.warnings.extend(read.note.map(|n| super::warning(path, n)));
    let mut known: BTreeMap<i64, &str> = BTreeMap::new();
    for (line, row) in lines(&read.text) {
        let parsed = row.split_once(char::is_whitespace).and_then(|(number, name)| {
            let number = number.strip_prefix(prefix)?;
            Some((number.parse::<i64>().ok().filter(|n| *n >= 0)?, name.trim()))
        });
        match parsed {
            Some((id, _)) if known.contains_key(&id) => {
                let reason = format!("line {line}: number {id} stands twice; correct one of the lines");
                return Err(DataError::Read { path: path.to_path_buf(), reason });
            }
            Some((id, name)) => {
                known.insert(id, name);
            }
            None => {
                draft.warn(path, format!("line {line}: '{}' is no number and name; it is skipped", text::shown(row)))
            }
        }
    }
    Ok(ClassSet { classes: known.into_iter().map(|(id, name)| ClassInfo::numbered(id, name)).collect() })
}

/// Classes of which only the numbers are known.
pub(super) fn unnamed(numbers: impl IntoIterator<Item = i64>) -> ClassSet {
    let numbers: BTreeSet<i64> = numbers.into_iter().collect();
    ClassSet { classes: numbers.into_iter().map(|id| ClassInfo::numbered(id, format!("class {id}"))).collect() }
}

/// True for a folder that is called as those of annotations are.
pub(super) fn is_annotations(dir: &Path) -> bool {
    let name = file_name(dir).to_lowercase();
    FOLDERS.contains(&name.as_str())
        || ["testlist", "trainlist", "splits", "annotations"].iter().any(|end| name.ends_with(end))
}

/// True for the endings of lists.
pub(super) fn is_text(file: &Path) -> bool {
    file.extension().and_then(|e| e.to_str()).is_some_and(|e| ENDINGS.iter().any(|k| k.eq_ignore_ascii_case(e)))
}

/// The split that a file's name tells: a word of its own first (`kinetics_400_val`, `train_list`), then anywhere
/// (`trainlist01`).
pub(super) fn split_of_name(name: &str) -> Option<Split> {
    let stem = name.rsplit_once('.').map_or(name, |(s, _)| s).to_lowercase();
    let mut words = stem.split(|c: char| !c.is_ascii_alphabetic()).filter(|w| !w.is_empty());
    if let Some(split) = words.find_map(split_word) {
        return Some(split);
    }
    [("train", Split::Train), ("val", Split::Val), ("test", Split::Test)]
        .into_iter()
        .find(|(word, _)| stem.contains(word))
        .map(|(_, split)| split)
}

/// The number of the fold that a file's name tells: `trainlist02`, `train_split_2_videos`, `fold3_train`.
pub(super) fn fold_of_name(name: &str) -> Option<u32> {
    let stem = name.rsplit_once('.').map_or(name, |(s, _)| s).to_lowercase();
    let behind = |word: &str| {
        let at = stem.find(word)? + word.len();
        let rest = stem[at..].trim_start_matches(['_', '-', ' ']);
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        rest[..digits].parse().ok()
    };
    ["split", "fold", "trainlist", "testlist", "vallist"].into_iter().find_map(behind)
}

/// What stands between the prefix and the ending of the lists of Jester and Something-Something.
const OF_PREFIX: &[(&str, Split)] =
    &[("train", Split::Train), ("validation", Split::Val), ("val", Split::Val), ("test", Split::Test)];

/// Lists that share a prefix with a file of labels: `jester-v1-labels.csv`, `jester-v1-train.csv`; the prefix may be empty.
#[derive(Debug)]
pub(super) struct Prefixed {
    pub(super) labels: PathBuf,
    pub(super) lists: Vec<(PathBuf, Split)>,
    /// `…test-answers.csv`.
    pub(super) answers: Option<PathBuf>,
}

impl Prefixed {
    /// In the root or a folder of annotations; `ending` is that of the labels and lists. There is a list of training.
    pub(super) fn find(root: &Path, ending: &str) -> Option<Self> {
        folders(root).iter().find_map(|dir| Self::inside(dir, ending))
    }

    fn inside(dir: &Path, ending: &str) -> Option<Self> {
        let files = peek(dir).files;
        let called = |name: &str| files.iter().find(|f| file_name(f).eq_ignore_ascii_case(name)).cloned();
        let suffix = format!("labels.{ending}");
        files.iter().find_map(|labels| {
            let name = file_name(labels);
            let prefix = name.get(..name.len().checked_sub(suffix.len())?)?;
            let tells = name.to_lowercase().ends_with(&suffix) && (prefix.is_empty() || prefix.ends_with(['-', '_']));
            let list = |(word, split): &(&str, Split)| Some((called(&format!("{prefix}{word}.{ending}"))?, *split));
            let lists: Vec<_> = OF_PREFIX.iter().filter(|_| tells).filter_map(list).collect();
            let trains = lists.iter().any(|(_, s)| *s == Split::Train);
            let answers = called(&format!("{prefix}test-answers.csv"));
            trains.then(|| Self { labels: labels.clone(), lists, answers })
        })
    }

    /// The list of training.
    pub(super) fn train(&self) -> Option<&Path> {
        self.lists.iter().find(|(_, s)| *s == Split::Train).map(|(file, _)| file.as_path())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_splits_and_folds() {
        for (name, split, fold) in [
            ("train.csv", Some(Split::Train), None),
            ("kinetics_400_val.csv", Some(Split::Val), None),
            ("validate.csv", Some(Split::Val), None),
            ("mini_test_list_videos.txt", Some(Split::Test), None),
            ("trainlist02.txt", Some(Split::Train), Some(2)),
            ("ucf101_val_split_3_rawframes.txt", Some(Split::Val), Some(3)),
            ("Training_set.csv", Some(Split::Train), None),
            ("labels.csv", None, None),
            ("classInd.txt", None, None),
        ] {
            assert_eq!((split_of_name(name), fold_of_name(name)), (split, fold), "{name}");
        }
    }
}
