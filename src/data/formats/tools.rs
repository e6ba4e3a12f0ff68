//! Files that annotation tools export: where they lie, and how they name videos.

use super::lists::is_annotations;
use crate::data::scan::{Listing, MAX_DEPTH, natural, peek, relative_name};
use std::collections::{BTreeSet, VecDeque};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Folders that are looked into before a layout is taken for another one.
const LOOKED_INTO: usize = 1000;
/// Bytes that tell what a file is.
const HEAD: u64 = 64 * 1024;

/// The folder that a path stands for: a file stands for the one it lies in, and one in a folder of annotations for the
/// folder around that.
pub(super) fn root_of(path: &Path) -> PathBuf {
    match path.parent().filter(|_| path.is_file()) {
        Some(dir) if is_annotations(dir) => dir.parent().unwrap_or(dir).to_path_buf(),
        Some(dir) => dir.to_path_buf(),
        None => path.to_path_buf(),
    }
}

/// Visits folders, the upper ones and those of annotations first, until `each` says to stop.
fn walk(root: &Path, most: usize, mut each: impl FnMut(&Listing) -> bool) {
    let mut queue = VecDeque::from([(root.to_path_buf(), 0)]);
    let mut left = most;
    while let Some((dir, depth)) = queue.pop_front() {
        if left == 0 {
            return;
        }
        left -= 1;
        let mut listing = peek(&dir);
        if !each(&listing) {
            return;
        }
        if depth < MAX_DEPTH {
            listing.dirs.sort_by_key(|d| !is_annotations(d));
            queue.extend(listing.dirs.into_iter().map(|d| (d, depth + 1)));
        }
    }
}

/// The first file below a folder that `wanted` takes, or the path itself.
pub(super) fn first(path: &Path, wanted: impl Fn(&Path) -> bool) -> Option<PathBuf> {
    if path.is_file() {
        return wanted(path).then(|| path.to_path_buf());
    }
    let mut found = None;
    walk(path, LOOKED_INTO, |listing| {
        found = listing.files.iter().find(|f| wanted(f)).cloned();
        found.is_none()
    });
    found
}

/// All files below a folder that `wanted` takes, in natural order, or the path itself.
pub(super) fn all(path: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_path_buf()];
    }
    let mut out = Vec::new();
    walk(path, usize::MAX, |listing| {
        out.extend(listing.files.iter().filter(|f| wanted(f)).cloned());
        true
    });
    out.sort_by(|a, b| natural(&relative_name(path, a), &relative_name(path, b)));
    out
}

/// True for a file with one of these endings, in any case.
pub(super) fn ends_in(file: &Path, endings: &[&str]) -> bool {
    file.extension().and_then(|e| e.to_str()).is_some_and(|e| endings.iter().any(|k| k.eq_ignore_ascii_case(e)))
}

/// The text that a file begins with, also where it is UTF-16, which is refused later with its name.
pub(super) fn head(file: &Path) -> String {
    let mut bytes = Vec::new();
    if std::fs::File::open(file).and_then(|f| f.take(HEAD).read_to_end(&mut bytes)).is_err() {
        return String::new();
    }
    let units = |of: fn([u8; 2]) -> u16| -> Vec<u16> {
        bytes.chunks_exact(2).filter_map(|pair| pair.try_into().ok().map(of)).collect()
    };
    let text = match bytes.as_slice() {
        [0xFF, 0xFE, ..] => String::from_utf16_lossy(&units(u16::from_le_bytes)),
        [0xFE, 0xFF, ..] => String::from_utf16_lossy(&units(u16::from_be_bytes)),
        _ => String::from_utf8_lossy(&bytes).into_owned(),
    };
    text.trim_start_matches('\u{feff}').to_owned()
}

/// Names of classes that nothing numbers, in their order: by bytes, and numbers in them by size.
pub(super) fn in_order(names: BTreeSet<String>) -> Vec<String> {
    let mut out: Vec<String> = names.into_iter().collect();
    out.sort_by(|a, b| natural(a, b));
    out
}

/// A text with its percent signs decoded, as URLs have them.
pub(super) fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let hex = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%').and_then(|h| std::str::from_utf8(h).ok());
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The last name of a path or a URL of any system.
pub(super) fn last_part(path: &str) -> &str {
    path.trim_end_matches(['/', '\\']).rsplit(['/', '\\']).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_are_decoded() {
        assert_eq!(decoded("a%20b%C3%A9%2fc"), "a bé/c");
        assert_eq!(decoded("100%"), "100%");
        assert_eq!(decoded("%zz%4"), "%zz%4");
    }

    #[test]
    fn the_last_name_of_any_path() {
        assert_eq!(last_part("file:///C:/Users/x/clip 1.mp4"), "clip 1.mp4");
        assert_eq!(last_part(r"C:\videos\clip.mp4"), "clip.mp4");
        assert_eq!(last_part("clip.mp4"), "clip.mp4");
        assert_eq!(last_part(""), "");
    }

    #[test]
    fn files_of_a_folder_of_annotations_belong_to_the_folder_around_it() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        assert_eq!(root_of(&write("annotations/a.xml")), dir.path());
        assert_eq!(root_of(&write("task/a10.xml")), dir.path().join("task"));
        write("task/a9.xml");
        let names: Vec<String> =
            all(dir.path(), |f| ends_in(f, &["XML"])).iter().map(|f| relative_name(dir.path(), f)).collect();
        assert_eq!(names, ["annotations/a.xml", "task/a9.xml", "task/a10.xml"]);
        assert_eq!(first(dir.path(), |f| ends_in(f, &["xml"])), Some(dir.path().join("annotations/a.xml")));
    }
}
