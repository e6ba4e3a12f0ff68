//! `ROOT/CLASS/video` and `ROOT/{train,val,test}/CLASS/video`; a video may be a folder of pictures. A folder that only holds
//! these folders is entered.

use super::containers::{ClassDir, class_dirs, holds_videos};
use super::listing::some_of;
use super::people;
use super::unused::{looks_listed, split_list, why_unread};
use super::{Draft, DraftVideo, whole_entry};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::names::{SubjectRule, composed};
use crate::data::scan::{Listing, file_name, is_csv, list, natural, peek, relative_name, stem, videos_below};
use crate::domain::{ClassId, ClassSet, Label, Split, counted};
use std::collections::HashMap;
use std::path::Path;

pub(super) fn detect(path: &Path) -> Result<String, String> {
    if !path.is_dir() {
        return Err("it is not a folder".into());
    }
    let found = class_dirs(path);
    let full: Vec<&ClassDir> = found.dirs.iter().filter(|d| holds_videos(&d.path)).collect();
    if full.is_empty() {
        let dirs = peek(path).dirs;
        return Err(match (dirs.len(), found.unused.as_slice()) {
            (0, _) => "there are no folders in it".into(),
            (_, []) => format!("none of its {} folders holds videos or frame folders", dirs.len()),
            (_, held) => {
                let names: Vec<String> = held.iter().map(|d| file_name(d)).collect();
                format!("{} holds videos, but no folders of classes", names.join(", "))
            }
        });
    }
    let mut names: Vec<&str> = full.iter().map(|d| d.class.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    // A single folder beside a list is no class of its own: the list says what there is.
    if let ([only], Some(list)) = (names.as_slice(), looks_listed(path, true)) {
        return Err(format!("'{only}' is the only folder of videos, and a list lies beside it: {}", why_unread(&list)));
    }
    // A folder a recording: one that lies deeper, or several of which each holds the labels of its video too.
    let deeper = full.iter().all(|d| d.path.parent() != Some(path));
    let recordings = full.len() == 1 && deeper || full.iter().all(|d| peek(&d.path).files.iter().any(|f| is_csv(f)));
    if recordings && full.iter().all(|d| holds_its_namesake(&d.path)) {
        return Err("each of its folders holds one video of its own name and its labels, which makes no classes".into());
    }
    // Folders of pictures may be classes or videos: with a list beside them they are videos.
    let frames = |d: &&ClassDir| peek(&d.path).is_one_video();
    let list = match full.iter().any(|d| d.split != Split::Unassigned) {
        true => split_list(path),
        false => looks_listed(path, true),
    };
    if let (true, Some(list)) = (full.iter().all(frames), list) {
        return Err(format!("its folders hold pictures only, and a list lies beside them: {}", why_unread(&list)));
    }
    let shown = names.iter().take(4).copied().collect::<Vec<_>>().join(", ");
    let more = if names.len() > 4 { ", …" } else { "" };
    Ok(format!("{} class folders ({shown}{more})", names.len()))
}

/// True for a folder of one video that is called like it: `DATA/mouse_a/mouse_a.mp4`.
fn holds_its_namesake(dir: &Path) -> bool {
    let listing = peek(dir);
    let mut videos = listing.videos();
    let first = videos.next().is_some_and(|v| stem(v) == file_name(dir));
    first && videos.next().is_none()
}

/// Tells of pictures beside the videos of a class, which may be thumbnails.
fn stray_pictures(dir: &ClassDir, listing: &Listing, draft: &mut Draft) {
    let names: Vec<String> = listing.images().map(|p| file_name(p)).collect();
    if names.is_empty() || !dir.subject.is_empty() {
        return;
    }
    let is = if names.len() == 1 {
        "lies beside the videos of the class and is taken as a video of one frame"
    } else {
        "lie beside the videos of the class and are taken as videos of one frame"
    };
    draft.warn(
        &dir.path,
        format!(
            "{} {is}; move pictures that are no clips away: {}",
            counted(names.len() as u64, "picture"),
            some_of(&names)
        ),
    );
}

pub(super) fn read(root: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let rule = SubjectRule::new(config.subject_pattern.as_deref());
    let mut draft = Draft::default();
    let dirs = class_dirs(root);
    for dir in dirs.unused {
        draft.warn(
            dir,
            "holds videos that are in no folder of a class; they are no part of the dataset, put them into class folders",
        );
    }
    if let Some(dir) = dirs.entered {
        draft.warn(dir, "is the only folder of videos and is taken for the one that holds the class folders");
    }
    let loose: Vec<String> = peek(root).videos().map(|v| file_name(v)).collect();
    if !loose.is_empty() {
        let (lie, they_are) = if loose.len() == 1 { ("lies", "it is") } else { ("lie", "they are") };
        draft.warn(
            root,
            format!(
                "{} {lie} beside the class folders in no class; {they_are} left out: {}",
                counted(loose.len() as u64, "video"),
                some_of(&loose)
            ),
        );
    }
    if dirs.dirs.iter().any(|d| !d.subject.is_empty()) {
        draft.warn(root, "its folders are named after people, and the folders in them are taken as the classes");
    }
    if let Some(doubt) = people::doubt(&dirs.dirs) {
        draft.warn(root, doubt);
    }
    let mut found = Vec::with_capacity(dirs.dirs.len());
    for dir in dirs.dirs {
        // In a class folder, pictures lying side by side are one-frame videos; sub-folders of pictures are frames, and so
        // are the pictures of a class in the folder of a person.
        let videos = videos_below(&dir.path, !dir.subject.is_empty())?;
        let listing = list(&dir.path)?;
        if videos.is_empty() && listing.dirs.is_empty() && !listing.files.is_empty() {
            if !super::lists::is_annotations(&dir.path) {
                draft.warn(
                    &dir.path,
                    "holds files but no videos or pictures; the class is left out, move the folder away",
                );
            }
            continue;
        }
        if videos.is_empty() {
            draft
                .warn(&dir.path, format!("the class folder '{}' is empty; add videos or remove the folder", dir.class));
        }
        if listing.videos().next().is_some() {
            stray_pictures(&dir, &listing, &mut draft);
        }
        found.push((dir, videos));
    }
    let mut names: Vec<String> = found.iter().map(|(d, _)| d.class.clone()).collect();
    names.sort_by(|a, b| natural(a, b));
    names.dedup();
    // The same name with its accents composed otherwise is the same class.
    let mut classes: HashMap<String, ClassId> = HashMap::new();
    names.retain(|name| {
        let next = classes.len();
        let first = *classes.entry(composed(name)).or_insert(next) == next;
        if !first {
            let message =
                format!("two folders are named '{name}', with accents composed otherwise; they are taken as one class");
            draft.warn(root, message);
        }
        first
    });
    draft.classes = ClassSet::from_names(names);
    for (dir, videos) in found {
        let Some(&class) = classes.get(&composed(&dir.class)) else { continue };
        for video in videos {
            let mut subject = rule.subject(&stem(&video));
            if !dir.subject.is_empty() && (subject.is_empty() || !rule.is_custom()) {
                subject.clone_from(&dir.subject);
            }
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
            draft.ledger.rows += 1;
            draft.videos.push(DraftVideo::of(entry));
        }
    }
    Ok(draft)
}
