//! `ROOT/CLASS/video` and `ROOT/{train,val,test}/CLASS/video`; a video may be a folder of pictures.

use super::{Draft, DraftVideo, whole_entry};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::names::SubjectRule;
use crate::data::scan::{file_name, is_image, is_video, list, natural, peek, relative_name, stem, videos_below};
use crate::data::tables::split_word;
use crate::domain::{ClassSet, Label, Split};
use std::path::{Path, PathBuf};

/// A class folder and the split it lies in.
struct ClassDir {
    path: PathBuf,
    class: String,
    split: Split,
}

/// True when a video, a picture or a frame folder lies in `dir` or one level below.
fn holds_videos(dir: &Path) -> bool {
    let listing = peek(dir);
    let here = |files: &[PathBuf]| files.iter().any(|f| is_video(f) || is_image(f));
    here(&listing.files) || listing.dirs.iter().map(|d| peek(d)).any(|l| here(&l.files) || l.is_one_video())
}

/// The class folders below a root; empty ones too, so that they can be reported.
fn class_dirs(root: &Path) -> Vec<ClassDir> {
    let dirs = peek(root).dirs;
    let splits: Vec<(PathBuf, Split)> = dirs
        .iter()
        .filter_map(|d| split_word(&file_name(d)).map(|s| (d.clone(), s)))
        .filter(|(d, _)| peek(d).dirs.iter().any(|c| holds_videos(c)))
        .collect();
    if !splits.is_empty() {
        return splits
            .into_iter()
            .flat_map(|(dir, split)| {
                let classes = peek(&dir).dirs;
                classes.into_iter().map(move |c| ClassDir { class: file_name(&c), path: c, split })
            })
            .collect();
    }
    dirs.into_iter().map(|d| ClassDir { class: file_name(&d), path: d, split: Split::Unassigned }).collect()
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    if !path.is_dir() {
        return Err("it is not a folder".into());
    }
    let dirs = class_dirs(path);
    if dirs.is_empty() {
        return Err("there are no folders in it".into());
    }
    let full: Vec<&ClassDir> = dirs.iter().filter(|d| holds_videos(&d.path)).collect();
    if full.is_empty() {
        return Err(format!("none of its {} folders holds videos or frame folders", dirs.len()));
    }
    let mut names: Vec<&str> = full.iter().map(|d| d.class.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let shown = names.iter().take(4).copied().collect::<Vec<_>>().join(", ");
    let more = if names.len() > 4 { ", …" } else { "" };
    Ok(format!("{} class folders ({shown}{more})", names.len()))
}

pub(super) fn read(root: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let rule = SubjectRule::new(config.subject_pattern.as_deref());
    let mut draft = Draft::default();
    let dirs = class_dirs(root);
    let mut found = Vec::with_capacity(dirs.len());
    for dir in dirs {
        // In a class folder, pictures lying side by side are one-frame videos; sub-folders of pictures are frames.
        let videos = videos_below(&dir.path, false)?;
        let listing = list(&dir.path)?;
        if videos.is_empty() && listing.dirs.is_empty() && !listing.files.is_empty() {
            draft.warn(&dir.path, "holds files but no videos or pictures; the class is left out, move the folder away");
            continue;
        }
        if videos.is_empty() {
            draft
                .warn(&dir.path, format!("the class folder '{}' is empty; add videos or remove the folder", dir.class));
        }
        found.push((dir, videos));
    }
    let mut names: Vec<String> = found.iter().map(|(d, _)| d.class.clone()).collect();
    names.sort_by(|a, b| natural(a, b));
    names.dedup();
    draft.classes = ClassSet::from_names(names);
    for (dir, videos) in found {
        let Some(class) = draft.classes.by_name(&dir.class) else { continue };
        for video in videos {
            let mut subject = rule.subject(&stem(&video));
            if subject.is_empty() {
                // `CLASS/person01/clip.avi`: the folder between may name the subject.
                let below = relative_name(&dir.path, &video);
                subject = below
                    .rsplit('/')
                    .skip(1)
                    .map(|part| rule.subject(part))
                    .find(|s| !s.is_empty())
                    .unwrap_or_default();
            }
            let mut entry = whole_entry(root, video, Label::Class(class));
            (entry.subject, entry.split) = (subject, dir.split);
            draft.videos.push(DraftVideo { entry, label_file: None });
        }
    }
    Ok(draft)
}
