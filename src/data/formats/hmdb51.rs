//! HMDB51 with its official splits: a file `CLASS_test_splitN.txt` of lines `FILE.avi TAG` for each class and fold, and a
//! folder of videos a class.

use super::Draft;
use super::choices::choose_fold;
use super::find::{Finder, Hint};
use super::listing::{Assembly, Ignored, Row, unlisted};
use super::lists::folders;
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::text::{self, lines};
use crate::data::scan::{file_name, natural, peek};
use crate::domain::{ClassSet, InstanceLabel, Reason, Split, Task};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// What stands between the name of a class and the number of a fold.
const MIDDLE: &str = "_test_split";
/// Lines of a file that are looked at for a tag.
const LOOKED_AT: usize = 20;
/// Folders below the root that are searched for the files, where they lie in none that is called like them.
const SEARCHED: usize = 20;

/// The file of a class and a fold.
struct Tagged {
    file: PathBuf,
    class: String,
    fold: u32,
}

impl Tagged {
    /// By its name: the class is everything before the last `_test_splitN.txt`.
    fn of(file: &Path) -> Option<Self> {
        let name = file_name(file);
        let stem = name.get(..name.len().checked_sub(4)?).filter(|_| name.to_lowercase().ends_with(".txt"))?;
        let (class, fold) = stem.rsplit_once(MIDDLE)?;
        let digits = (1..=2).contains(&fold.len()) && fold.bytes().all(|b| b.is_ascii_digit());
        let class = class.trim();
        let fold = fold.parse().ok().filter(|_| digits && !class.is_empty())?;
        Some(Self { file: file.to_path_buf(), class: class.to_owned(), fold })
    }

    /// True where one of its first lines is a bare file name and a tag, or where it is empty.
    fn has_tags(&self) -> bool {
        let Ok(read) = text::read(&self.file) else { return true };
        let mut first = lines(&read.text).take(LOOKED_AT).peekable();
        first.peek().is_none()
            || first.any(|(_, l)| row(l).is_some_and(|(name, tag)| tag.is_ok() && !name.contains('/')))
    }
}

/// The file of a line, and the split that its tag tells.
///
/// # Errors
/// The tag, where it is none.
fn row(line: &str) -> Option<(&str, Result<Split, &str>)> {
    let (name, tag) = line.rsplit_once(char::is_whitespace)?;
    let split = match tag {
        "1" => Ok(Split::Train),
        "2" => Ok(Split::Test),
        "0" => Ok(Split::Unassigned),
        other => Err(other),
    };
    Some((name.trim(), split))
}

/// The files of all classes and folds, in the order of the names of classes.
fn files(root: &Path) -> Vec<Tagged> {
    let inside = |dir: &Path| -> Vec<Tagged> { peek(dir).files.iter().filter_map(|f| Tagged::of(f)).collect() };
    let mut found: Vec<Tagged> = folders(root).iter().flat_map(|dir| inside(dir)).collect();
    if found.is_empty() {
        let dirs = peek(root).dirs;
        found = dirs.iter().take(SEARCHED).map(|d| inside(d)).find(|f| !f.is_empty()).unwrap_or_default();
    }
    found.sort_by(|a, b| natural(&a.class, &b.class).then(a.fold.cmp(&b.fold)));
    found
}

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let found = files(root);
    let Some(first) = found.iter().find(|f| f.has_tags()) else {
        return Err(match found.first() {
            Some(other) => format!("{} has no lines of a file name and a tag of 0, 1 or 2", file_name(&other.file)),
            None => "there is no file named CLASS_test_split1.txt".into(),
        });
    };
    let classes: BTreeSet<&str> = found.iter().map(|f| f.class.as_str()).collect();
    Ok(format!("{} and the like, {} classes", file_name(&first.file), classes.len()))
}

pub(super) fn read(root: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let found = files(root);
    let Some(first) = found.first() else {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: "the files of its splits are gone".into() });
    };
    let mut draft = Draft::default();
    draft.used.extend(found.iter().map(|f| f.file.clone()));
    let folds: BTreeSet<u32> = found.iter().map(|f| f.fold).collect();
    let beside = first.file.parent().unwrap_or(root);
    let fold = choose_fold((root, beside), config, &mut draft, &folds)?;
    let mut names: Vec<String> = found.iter().map(|f| f.class.clone()).collect();
    names.dedup();
    draft.classes = ClassSet::from_names(names.iter().cloned());
    let mut finder = Finder::new(root, true).with_classes(names.iter().map(String::as_str));
    let mut assembly = Assembly::new(root, Task::SingleLabel);
    for Tagged { file, class: name, .. } in found.iter().filter(|f| f.fold == fold) {
        let Some(class) = draft.classes.by_name(name) else { continue };
        let read = text::read(file)?;
        draft.warnings.extend(read.note.map(|n| super::warning(file, n)));
        let mut ignored = Ignored::of(file);
        for (line, text) in lines(&read.text) {
            let (written, split) = match row(text) {
                Some((written, Ok(split))) => (written, split),
                other => {
                    let tag = other.map_or(text, |(_, tag)| tag.err().unwrap_or_default());
                    let message = format!(
                        "line {line}: '{}' is no tag; 1 is for training, 2 for testing and 0 for neither, correct the line",
                        tag.chars().take(40).collect::<String>()
                    );
                    ignored.push(&mut draft, (line, Reason::BadTag), "more rows have no such tag", file, message);
                    continue;
                }
            };
            let hint = Hint { split, class: Some(name), list: file.parent() };
            // The folder of the class comes first: files of other classes may be called alike.
            let video = finder.find(&format!("{name}/{written}"), &hint);
            let Some(video) = video else {
                finder.missing(&mut ignored, &mut draft, line, written);
                continue;
            };
            if video.respelt {
                assembly.respelt(file, line, &video.path);
            }
            let label = InstanceLabel::Class(class);
            assembly.add(Row { split, label, ..Row::new(file, line, video.path) }, &mut draft);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_what_stands_before_the_last_suffix() {
        let of = |name: &str| Tagged::of(Path::new(name)).map(|t| (t.class, t.fold));
        assert_eq!(of("brush_hair_test_split1.txt"), Some(("brush_hair".into(), 1)));
        assert_eq!(of("split_test_split1_test_split3.txt"), Some(("split_test_split1".into(), 3)));
        assert_eq!(of("_test_split1.txt"), None);
        assert_eq!(of("ucf101_test_split_1_videos.txt"), None);
        assert_eq!(of("run_test_split1.csv"), None);
    }

    #[test]
    fn the_tag_is_the_last_field() {
        assert_eq!(row("a b (1)#2.avi 1"), Some(("a b (1)#2.avi", Ok(Split::Train))));
        assert_eq!(row("a.avi\t0"), Some(("a.avi", Ok(Split::Unassigned))));
        assert_eq!(row("a.avi 3"), Some(("a.avi", Err("3"))));
        assert_eq!(row("a.avi"), None);
    }
}
