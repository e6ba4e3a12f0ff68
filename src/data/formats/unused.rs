//! Files that look like labels and are not used: whoever opens a dataset learns of them.

use super::containers::is_container;
use super::lists::{is_annotations, is_text, split_of_name};
use super::{Draft, FORMATS, ucf_csv, warning};
use crate::data::label_csv::columns::Header;
use crate::data::label_csv::records::read_table;
use crate::data::label_csv::split_word;
use crate::data::scan::{file_name, is_csv, peek, stem};
use crate::domain::DatasetWarning;
use std::collections::HashSet;
use std::io::Read;
use std::path::{Path, PathBuf};

/// Endings of files that hold labels in formats of annotation tools and of programs.
const ENDINGS: &[&str] = &["json", "jsonl", "xml", "eaf", "pbtxt", "bundle", "yaml", "yml", "xlsx", "mat", "pkl"];
/// Words of their names.
const WORDS: &[&str] = &[
    "label",
    "labels",
    "annotation",
    "annotations",
    "annot",
    "split",
    "splits",
    "class",
    "classes",
    "categories",
    "action",
    "actions",
    "list",
    "segments",
    "events",
    "groundtruth",
    "truth",
    "gt",
    "metadata",
    "classind",
    "tags",
    "anno",
    "annos",
    "ann",
    "anns",
    "database",
];
/// Formats whose files tell by themselves what they are.
const TOOLS: &[&str] = &["boris", "elan", "cvat-video", "label-studio", "deepethogram"];
/// Bytes of a file that are searched for names of videos.
const SEARCHED: u64 = 256 * 1024;
/// Videos whose names are searched for.
const NAMES: usize = 500;
/// Shorter names stand in any text.
const SHORTEST: usize = 3;
/// Folders of videos that are searched.
const FOLDERS: usize = 100;
/// Bytes of a file that is looked through for anything but spaces.
const HOLLOW: u64 = 64;
/// Files that are told.
const TOLD: usize = 10;

fn ends_like_labels(file: &Path) -> bool {
    let of = |known: &[&str]| {
        file.extension().and_then(|e| e.to_str()).is_some_and(|e| known.iter().any(|k| k.eq_ignore_ascii_case(e)))
    };
    is_text(file) || of(ENDINGS)
}

/// True where a word of the name speaks of labels or splits.
fn named_like_labels(file: &Path) -> bool {
    let name = bare_stem(file).to_lowercase();
    let words = name.split(|c: char| !c.is_alphanumeric()).any(|w| WORDS.contains(&w));
    words || split_of_name(&file_name(file)).is_some()
}

/// Files beside the videos: in the root, and in its folders that are no classes.
fn beside(root: &Path) -> Vec<PathBuf> {
    let listing = peek(root);
    let mut files = listing.files;
    for dir in listing.dirs.iter().take(FOLDERS) {
        let inner = peek(dir);
        let videos = inner.videos().chain(inner.images()).next().is_some();
        if is_annotations(dir) || is_container(dir) || !videos {
            files.extend(inner.files);
        }
    }
    files.retain(|f| ends_like_labels(f));
    files
}

/// True where a text names one of the words in quotation marks.
fn quotes(file: &Path, words: &[String]) -> bool {
    let text = head(file);
    words.iter().any(|word| text.contains(&format!("\"{word}\"")))
}

/// The text that a file begins with.
pub(super) fn head(file: &Path) -> String {
    let mut bytes = Vec::new();
    let read = std::fs::File::open(file).and_then(|f| f.take(SEARCHED).read_to_end(&mut bytes));
    read.map_or_else(|_| String::new(), |_| String::from_utf8_lossy(&bytes).into_owned())
}

/// True where a text names one of the videos, or has the keys that files of labels have.
fn names_a_video(file: &Path, stems: &HashSet<String>) -> bool {
    // The last two are those of the VGG Image Annotator.
    const KEYS: &[&str] =
        &["\"annotations\"", "\"label\"", "\"labels\"", "\"segment\"", "\"segments\"", "\"attribute\"", "\"_via_"];
    let text = head(file);
    KEYS.iter().any(|k| text.contains(k)) || stems.iter().any(|s| text.contains(s.as_str()))
}

/// Why a file that looks like labels is not read; the sentence names it.
pub(super) fn why_unread(file: &Path) -> String {
    const LISTS: &str = "train.csv, val.csv or test.csv with a path and a class column";
    let name = file_name(file);
    if is_hollow(file) {
        return format!("{name} is empty, so what it listed is not known; get it again, or remove it to do without it");
    }
    let tool = FORMATS.iter().find(|f| TOOLS.contains(&f.id) && (f.detect)(file).is_ok());
    if let Some(tool) = tool {
        return format!(
            "{name} is of the format {}, another one was chosen; set the format to {} to read it",
            tool.id, tool.id
        );
    }
    if !is_csv(file) {
        let kind = if is_text(file) { "no list that is understood" } else { "of a kind that is not read" };
        return format!("{name} is {kind}; write {LISTS}");
    }
    match read_table(file).map_err(|e| e.to_string()).and_then(|t| ucf_csv::fault(file, &t)) {
        Ok(()) => format!("{name} is not named train.csv, val.csv or test.csv; open the file itself to use it"),
        Err(why) => why,
    }
}

/// A list that lies beside the videos: called plainly like one (`train.csv`), or somehow and naming videos that are here.
/// With `any`, a name that holds a split, or a video in any text, is enough.
pub(super) fn looks_listed(root: &Path, any: bool) -> Option<PathBuf> {
    let mut files = beside(root);
    files.sort_by_key(|f| split_of_name(&file_name(f)).unwrap_or_default());
    let split = |f: &Path| split_of_name(&file_name(f)).is_some();
    // A table that cannot be read, or that has a column of paths, is more than a name.
    let table =
        |f: &Path| read_table(f).map_or(true, |t| t.records.first().is_some_and(|h| Header::of(h).path().is_some()));
    let plain = |f: &Path| split_word(&bare_stem(f)).is_some();
    let certain = |f: &Path| (is_csv(f) && (plain(f) || (split(f) && table(f)))) || (split(f) && (any || is_hollow(f)));
    if let Some(file) = files.iter().find(|f| certain(f)) {
        return Some(file.clone());
    }
    let videos = crate::data::scan::videos_below(root, true).unwrap_or_default();
    let stems = stems(videos.iter().map(PathBuf::as_path));
    files.into_iter().find(|f| (any || split(f)) && names_a_video(f, &stems))
}

/// True for a file that holds nothing: what it listed is lost.
fn is_hollow(file: &Path) -> bool {
    let length = std::fs::metadata(file).map_or(u64::MAX, |m| m.len());
    length == 0 || length <= HOLLOW && head(file).trim().is_empty()
}

/// The name of any file without its ending.
fn bare_stem(file: &Path) -> String {
    file.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// A file beside the videos whose name holds a split.
pub(super) fn split_list(root: &Path) -> Option<PathBuf> {
    beside(root)
        .into_iter()
        .filter(|f| split_of_name(&file_name(f)).is_some())
        .min_by_key(|f| split_of_name(&file_name(f)))
}

fn stems<'a>(videos: impl Iterator<Item = &'a Path>) -> HashSet<String> {
    videos.map(stem).filter(|s| s.len() >= SHORTEST).take(NAMES).collect()
}

/// Tells of every file beside the videos that looks like labels and was not used.
pub(super) fn tell(root: &Path, draft: &Draft) -> Vec<DatasetWarning> {
    let used: HashSet<&Path> = draft.used.iter().map(PathBuf::as_path).collect();
    let stems = stems(draft.videos.iter().map(|v| v.entry.path.as_path()));
    let mut left: Vec<PathBuf> = beside(root);
    // Also in the folders of the videos themselves.
    let mut folders: Vec<&Path> = draft.videos.iter().filter_map(|v| v.entry.path.parent()).collect();
    folders.dedup();
    left.extend(folders.into_iter().take(FOLDERS).flat_map(|d| peek(d).files).filter(|f| ends_like_labels(f)));
    left.sort();
    left.dedup();
    let a_table = |f: &Path| {
        let header = is_text(f).then(|| read_table(f).ok()).flatten();
        let told = |h: &Header| h.class().is_some() || h.interval().is_some();
        header.and_then(|t| t.records.first().map(|h| told(&Header::of(h)))).unwrap_or(false)
    };
    let classes: Vec<String> = draft.classes.classes.iter().map(|c| c.name.clone()).collect();
    let of_a_video = |f: &Path| stems.contains(&bare_stem(f)) || names_a_video(f, &stems);
    left.retain(|f| {
        !used.contains(f.as_path()) && (named_like_labels(f) || of_a_video(f) || quotes(f, &classes) || a_table(f))
    });
    let more = left.len().saturating_sub(TOLD);
    let mut out: Vec<DatasetWarning> = left
        .iter()
        .take(TOLD)
        .map(|f| warning(f, format!("looks like labels and is not used: {}", why_unread(f))))
        .collect();
    if more > 0 {
        out.push(warning(root, format!("{more} more files look like labels and are not used")));
    }
    out
}
