//! A video, a picture or a frame folder on its own, or a folder of videos nobody labelled.

use super::{Draft, DraftVideo, bare_entry};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::names::SubjectRule;
use crate::data::scan::{is_image, is_video, list, peek, stem};
use std::path::Path;

pub(super) fn detect(path: &Path) -> Result<String, String> {
    if path.is_file() {
        // Content decides when it is opened; the name only has to rule out what is clearly something else.
        return match path.extension().and_then(|e| e.to_str()) {
            Some("csv" | "ron" | "json" | "txt" | "md" | "safetensors" | "pth") => {
                Err("the file is a text or weight file, not a video".into())
            }
            _ if is_image(path) => Ok("a single picture".into()),
            _ => Ok("a single video file".into()),
        };
    }
    let listing = peek(path);
    let videos = listing.videos().count();
    if videos > 0 {
        return Ok(format!("a folder of {videos} videos without class folders or label files"));
    }
    if listing.is_frame_folder() {
        return Ok(format!("a frame folder of {} pictures", listing.images().count()));
    }
    if listing.is_one_video() {
        return Ok("a frame folder with a folder for each of its streams".into());
    }
    Err("there is neither a video nor a picture directly in it".into())
}

pub(super) fn read(path: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let rule = SubjectRule::new(config.subject_pattern.as_deref());
    let videos = if path.is_dir() {
        let listing = list(path)?;
        let videos: Vec<_> = listing.files.into_iter().filter(|f| is_video(f)).collect();
        if videos.is_empty() { vec![path.to_path_buf()] } else { videos }
    } else {
        vec![path.to_path_buf()]
    };
    let videos = videos
        .into_iter()
        .map(|video| {
            let subject = rule.subject(&stem(&video));
            DraftVideo { entry: crate::domain::VideoEntry { subject, ..bare_entry(path, video) }, label_file: None }
        })
        .collect();
    Ok(Draft { videos, ..Draft::default() })
}
