//! Folders of people: `SUBJECT/CLASS/clip.mp4` beside `CLASS/SUBJECT/clip.mp4`. Both look alike, and only names tell them
//! apart.

use super::containers::{ClassDir, holds_videos, is_container};
use super::listing::some_of;
use crate::data::names::{SubjectRule, composed};
use crate::data::scan::{file_name, is_image, is_video, natural, peek};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Words before a number that folders of people are called by, beside those that [`SubjectRule`] finds in any name.
const WORDS: &[&str] = &["user", "volunteer", "patient", "player", "performer", "individual", "id", "people", "human"];
/// The same for what is neither a person nor a class.
const NEITHER: &[&str] =
    &["cam", "camera", "view", "session", "take", "trial", "rep", "part", "set", "fold", "day", "scene"];

/// True for a folder that is called after a person.
pub(super) fn is_person(dir: &Path) -> bool {
    let name = file_name(dir);
    SubjectRule::new(None).subject(&name) == name || is_word_and_number(&name, WORDS)
}

fn is_word_and_number(name: &str, words: &[&str]) -> bool {
    let word = name.trim_end_matches(|c: char| c.is_ascii_digit());
    word.len() < name.len() && words.contains(&word.trim_end_matches(['_', '-', ' ']).to_lowercase().as_str())
}

/// True for a folder inside another that is neither a class nor a person.
fn is_neither(dir: &Path) -> bool {
    let name = file_name(dir);
    is_container(dir) || crate::video::is_other_stream(&name) || is_word_and_number(&name, NEITHER)
}

/// The folders in a class folder that hold videos; none where videos lie beside them.
fn within(dir: &ClassDir) -> Vec<PathBuf> {
    let listing = peek(&dir.path);
    let direct = listing.files.iter().any(|f| is_video(f) || is_image(f)) || listing.is_one_video();
    listing.dirs.into_iter().filter(|d| !direct && holds_videos(d)).collect()
}

/// Class folders as they are where the folders found are called after people: those inside them.
pub(super) fn turned(dirs: &[ClassDir]) -> Option<Vec<ClassDir>> {
    let full: Vec<&ClassDir> = dirs.iter().filter(|d| holds_videos(&d.path)).collect();
    if full.is_empty() || !full.iter().all(|d| is_person(&d.path)) {
        return None;
    }
    let mut out = Vec::new();
    for dir in full {
        let inner = within(dir);
        if inner.is_empty() || inner.iter().any(|d| is_neither(d) || is_person(d)) {
            return None;
        }
        let subject = file_name(&dir.path);
        let class =
            |path: PathBuf| ClassDir { class: file_name(&path), path, split: dir.split, subject: subject.clone() };
        out.extend(inner.into_iter().map(class));
    }
    Some(out)
}

/// A sentence where class folders are called after people, or hold the same folders each, so that those may be the classes.
pub(super) fn doubt(dirs: &[ClassDir]) -> Option<String> {
    let full: Vec<&ClassDir> = dirs.iter().filter(|d| d.subject.is_empty() && holds_videos(&d.path)).collect();
    let tops: BTreeSet<String> = full.iter().map(|d| d.class.clone()).collect();
    if tops.len() < 2 {
        return None;
    }
    const REMEDY: &str =
        "put a folder a class outside and the people inside (walk/p01/clip.mp4), or list the videos in train.csv";
    let named = |names: &BTreeSet<String>| {
        let mut names: Vec<String> = names.iter().cloned().collect();
        names.sort_by(|a, b| natural(a, b));
        some_of(&names)
    };
    if full.iter().all(|d| is_person(&d.path)) {
        return Some(format!("its class folders are named like people ({}); if they are, {REMEDY}", named(&tops)));
    }
    let inner: Vec<Vec<PathBuf>> = full.iter().map(|d| within(d)).collect();
    let names = |dirs: &Vec<PathBuf>| dirs.iter().map(|d| composed(&file_name(d))).collect::<BTreeSet<String>>();
    let first = names(inner.first()?);
    let same = first.len() > 1 && inner.iter().all(|dirs| names(dirs) == first);
    let told = inner.iter().flatten().any(|d| is_person(d) || is_neither(d));
    (same && !told).then(|| {
        format!(
            "the folders {} are taken as the classes, and each of them holds the folders {}; nothing tells which of both are \
             classes and which are people, if it is the other way round {REMEDY}",
            named(&tops),
            named(&first)
        )
    })
}
