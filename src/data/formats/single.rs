//! A video, a picture or a frame folder on its own, or a folder of videos nobody labelled.

use super::containers::{class_dirs, holds_videos, unlabelled};
use super::unused::{looks_listed, why_unread};
use super::{Draft, DraftVideo, bare_entry, class_folders};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::names::SubjectRule;
use crate::data::scan::{file_name, is_image, is_video, list, peek, stem, videos_below};
use crate::domain::{Split, VideoEntry};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub(super) fn detect(path: &Path) -> Result<String, String> {
    if path.is_file() {
        // Content decides when it is opened; the name only has to rule out what is clearly something else.
        return match path.extension().and_then(|e| e.to_str()).map(str::to_lowercase).as_deref() {
            Some("csv" | "tsv" | "ron" | "json" | "txt" | "md" | "safetensors" | "pth") => {
                Err("the file is a text or weight file, not a video".into())
            }
            _ if is_image(path) => Ok("a single picture".into()),
            _ => Ok("a single video file".into()),
        };
    }
    let listing = peek(path);
    let videos = listing.videos().count();
    if listing.is_frame_folder() {
        return Ok(format!("a frame folder of {} pictures", listing.images().count()));
    }
    if listing.is_one_video() {
        return Ok("a frame folder with a folder for each of its streams".into());
    }
    let classes: BTreeSet<String> =
        class_dirs(path).dirs.into_iter().filter(|d| holds_videos(&d.path)).map(|d| d.class).collect();
    let held = unlabelled(path);
    let none = !held.is_empty() && class_folders::detect(path).is_err();
    if !none && classes.len() > usize::from(videos > 0) {
        return Err(format!("{} folders of classes lie in it", classes.len()));
    }
    if videos == 0 && held.is_empty() {
        return Err("there is neither a video nor a picture directly in it".into());
    }
    if let Some(list) = looks_listed(path, false) {
        return Err(why_unread(&list));
    }
    if videos > 0 {
        return Ok(format!("a folder of {videos} videos without class folders or label files"));
    }
    let names: Vec<String> = held.iter().map(|(d, _)| file_name(d)).collect();
    Ok(format!("videos without class folders or label files in {}", names.join(", ")))
}

/// The videos and the splits of the folders they lie in.
fn videos(path: &Path) -> Result<Vec<(PathBuf, Split)>, DataError> {
    if !path.is_dir() {
        return Ok(vec![(path.to_path_buf(), Split::Unassigned)]);
    }
    let listing = list(path)?;
    let mut out: Vec<(PathBuf, Split)> =
        listing.files.iter().filter(|f| is_video(f)).map(|f| (f.clone(), Split::Unassigned)).collect();
    if out.is_empty() && !listing.is_frame_folder() {
        for (dir, split) in unlabelled(path) {
            out.extend(videos_below(&dir, true)?.into_iter().map(|v| (v, split)));
        }
    }
    if out.is_empty() {
        out.push((path.to_path_buf(), Split::Unassigned));
    }
    Ok(out)
}

pub(super) fn read(path: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let rule = SubjectRule::new(config.subject_pattern.as_deref());
    let videos = videos(path)?
        .into_iter()
        .map(|(video, split)| {
            let subject = rule.subject(&stem(&video));
            DraftVideo::of(VideoEntry { subject, split, ..bare_entry(path, video) })
        })
        .collect();
    Ok(Draft { videos, ..Draft::default() })
}
