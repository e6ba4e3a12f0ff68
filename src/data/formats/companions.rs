//! Masks and poses that lie beside the videos of the exercise layout.

use crate::data::names::Matcher;
use crate::data::scan::{child_dir, file_name, is_csv, is_image, is_video, peek, stem};
use crate::domain::MaskSource;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Frame numbers in mask names above this are not believed (nine hours at 30 frames a second).
const MAX_MASK_NUMBER: usize = 1_000_000;

/// For each video, by the stem of its file.
#[derive(Debug, Default)]
pub(super) struct Companions {
    pub(super) masks: HashMap<String, MaskSource>,
    pub(super) poses: HashMap<String, PathBuf>,
    pub(super) pose_videos: HashMap<String, PathBuf>,
    /// Mask files whose names tell no frame number or no video.
    pub(super) stray_masks: Vec<PathBuf>,
}

/// Looks below `base` (the folder that holds `anon`) for what belongs to the videos called `stems`.
pub(super) fn find(base: &Path, stems: &[String]) -> Companions {
    let mut out = Companions::default();
    if let Some(dir) = child_dir(base, "mask").or_else(|| child_dir(base, "masks")) {
        find_masks(&dir, stems, &mut out);
    }
    if let Some(skeleton) = child_dir(base, "skeleton") {
        if let Some(dir) = child_dir(&skeleton, "yolo_pose_csv") {
            out.poses = matched(peek(&dir).files.into_iter().filter(|f| is_csv(f)), stems);
        }
        if let Some(dir) = child_dir(&skeleton, "yolo") {
            out.pose_videos = matched(peek(&dir).files.into_iter().filter(|f| is_video(f)), stems);
        }
    }
    out
}

/// Gives each video the file that means it.
fn matched(files: impl Iterator<Item = PathBuf>, stems: &[String]) -> HashMap<String, PathBuf> {
    let files: Vec<PathBuf> = files.collect();
    let names: Vec<String> = files.iter().map(|f| stem(f)).collect();
    let matcher = Matcher::new(&names);
    stems.iter().filter_map(|s| matcher.find(s).and_then(|i| files.get(i)).map(|f| (s.clone(), f.clone()))).collect()
}

/// `000123.png` and `s01_000123.png` → the text before the number, and the number.
fn numbered(path: &Path) -> Option<(String, usize)> {
    let stem = stem(path);
    let digits = stem.chars().rev().take_while(char::is_ascii_digit).count();
    let (name, number) = stem.split_at(stem.len() - digits);
    let number: usize = number.parse().ok().filter(|n| *n <= MAX_MASK_NUMBER)?;
    Some((name.trim_end_matches(['_', '-', '.', ' ']).to_owned(), number))
}

fn by_number(files: Vec<(usize, PathBuf)>) -> MaskSource {
    let len = files.iter().map(|(n, _)| n + 1).max().unwrap_or(0);
    let mut out = vec![None; len];
    for (number, path) in files {
        if let Some(slot) = out.get_mut(number) {
            *slot = Some(path);
        }
    }
    MaskSource::Files(out)
}

/// Masks as `mask/SUBJECT/000123.png`, `mask/SUBJECT_000123.png`, `mask/000123.png` (one video) or `mask/SUBJECT.mp4`.
fn find_masks(dir: &Path, stems: &[String], out: &mut Companions) {
    let top = peek(dir);
    out.masks = matched(top.videos().cloned(), stems).into_iter().map(|(s, p)| (s, MaskSource::Video(p))).collect();
    let dir_names: Vec<String> = top.dirs.iter().map(|d| file_name(d)).collect();
    let matcher = Matcher::new(&dir_names);
    // Listing tens of thousands of masks takes a while: one folder a thread.
    let listed: Vec<(String, Vec<PathBuf>)> = stems
        .par_iter()
        .filter_map(|s| {
            let folder = top.dirs.get(matcher.find(s)?)?;
            Some((s.clone(), peek(folder).files))
        })
        .collect();
    for (stem, files) in listed {
        let mut numbered_files = Vec::with_capacity(files.len());
        for file in files.into_iter().filter(|f| is_image(f)) {
            match numbered(&file) {
                Some((_, number)) => numbered_files.push((number, file)),
                None => out.stray_masks.push(file),
            }
        }
        if !numbered_files.is_empty() {
            out.masks.insert(stem, by_number(numbered_files));
        }
    }
    let mut flat: HashMap<String, Vec<(usize, PathBuf)>> = HashMap::new();
    for file in top.images() {
        match numbered(file) {
            Some((name, number)) => flat.entry(name).or_default().push((number, file.clone())),
            None => out.stray_masks.push(file.clone()),
        }
    }
    let names: Vec<String> = flat.keys().cloned().collect();
    let matcher = Matcher::new(&names);
    let mut used = vec![false; names.len()];
    for stem in stems {
        // Without a name before the number the masks can only mean the one video there is.
        let found = match matcher.find(stem) {
            Some(i) => Some(i),
            None if stems.len() == 1 && names.len() == 1 => Some(0),
            None => None,
        };
        if let Some(i) = found
            && let Some(files) = names.get(i).and_then(|n| flat.get(n))
        {
            used[i] = true;
            out.masks.entry(stem.clone()).or_insert_with(|| by_number(files.clone()));
        }
    }
    for (name, used) in names.iter().zip(used) {
        if !used && let Some((_, file)) = flat.get(name).and_then(|f| f.first()) {
            out.stray_masks.push(file.clone());
        }
    }
    out.stray_masks.sort();
}
