//! What a path probably is that no format recognises.

use super::FormatSpec;
use super::containers::holds_videos;
use super::table_preview::is_table;
use crate::data::scan::{file_name, peek};
use crate::domain::listed;
use crate::files::run_place;
use std::path::Path;

/// Files named in a sentence before the rest is only counted.
const SHOWN: usize = 4;

/// What layouts say of a file by its name, which are those that it nearly fits; without those that say `but`.
pub(super) fn nearly(file: &Path, looked: &[(&FormatSpec, String)], but: &str) -> Vec<String> {
    let name = file_name(file);
    let of_it = looked.iter().filter(|(_, why)| why.contains(&name) && !why.contains(but));
    of_it.take(SHOWN).map(|(format, why)| format!("{} ({}): {why}", format.looks_for, format.id)).collect()
}

/// One short sentence: what it is, and what to do. `looked` is why each format says no.
pub(super) fn cause(path: &Path, looked: &[(&FormatSpec, String)]) -> String {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    if let Some(place) = run_place(&absolute) {
        return format!("it is {place}; name the folder of the videos");
    }
    let says_no = |id: &str| looked.iter().find(|(format, _)| format.id == id).map(|(_, why)| why.as_str());
    if is_table(path) {
        return "it is a table, and nothing says which of its columns name the videos and the classes; assign them"
            .into();
    }
    if path.is_file() {
        let why = says_no("single").unwrap_or("it is no video");
        let near = nearly(path, looked, why);
        let near = if near.is_empty() { String::new() } else { format!(" ({})", near.join("; ")) };
        return format!("{why}{near}; name a video, a folder of videos, or a table with assigned columns");
    }
    let listing = peek(path);
    if listing.files.is_empty() && listing.dirs.is_empty() {
        return "it is empty; name a folder with videos".into();
    }
    let below = listing.dirs.iter().any(|d| holds_videos(d));
    if !holds_videos(path) && !below {
        let names: Vec<String> = listing.dirs.iter().chain(&listing.files).map(|p| file_name(p)).collect();
        return format!(
            "no video and no folder of pictures lies in it or in its folders (there are {}); name the folder that holds them",
            listed(&names, SHOWN)
        );
    }
    let reasons: Vec<&str> = ["class-folders", "single"].into_iter().filter_map(says_no).collect();
    format!(
        "it holds videos, but no labels in a form that is known, and without labels it does not fit either: {}; put the videos \
         into a folder for each class, or name a table of them and assign its columns",
        reasons.join("; ")
    )
}
