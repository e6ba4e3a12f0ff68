//! Integrity: what the owner of a dataset should know before believing a score.

use super::formats::DraftVideo;
use super::limited::Limited;
use super::video_facts::Record;
use crate::domain::{Copies, Dataset, Label, MaskSource, Split, VideoEntry};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// What faults of its kind are called where they are counted, the file, the sentence.
pub(super) type Fault = (&'static str, PathBuf, String);

/// Labels that reach past the end of the video.
pub(super) fn label_length(video: &DraftVideo) -> Option<Fault> {
    let (Some(file), Some(facts)) = (&video.label_file, &video.entry.facts) else { return None };
    let (end, frames) = (video.entry.labels.end(), facts.frames);
    if end <= frames {
        return None;
    }
    let rows: u64 =
        video.entry.labels.segments().iter().map(|s| u64::from(s.end.saturating_sub(s.start.max(frames)))).sum();
    let message = format!(
        "{rows} label rows lie past the end of the video: {} has {frames} frames (0 to {}), the labels go to \
         frame {}; check that both belong together",
        video.entry.name,
        frames.saturating_sub(1),
        end - 1
    );
    Some(("past end", file.clone(), message))
}

/// A mask video that cannot be read or has another length than its video.
pub(super) fn mask_video(video: &VideoEntry, record: &Record) -> Vec<Fault> {
    let Some(MaskSource::Video(path)) = &video.masks else { return Vec::new() };
    let mut out: Vec<Fault> = record.warnings.iter().map(|m| ("unreadable", path.clone(), m.clone())).collect();
    if let Some(facts) = &record.facts
        && video.facts.is_some()
        && facts.frames != video.frames()
    {
        let (own, frames) = (facts.frames, video.frames());
        let message = format!("has {own} frames, but {} has {frames}; make the masks again", video.name);
        out.push(("mask count", path.clone(), message));
    }
    out
}

/// Files beside a video that do not fit it.
pub(super) fn files(video: &VideoEntry) -> Vec<Fault> {
    mask_files(video).into_iter().chain(pose_rows(video)).collect()
}

/// Everything that shows once all videos are known.
pub(super) fn dataset(dataset: &Dataset, copies: &[Copies], warnings: &mut Limited) {
    some_of_dataset(dataset, copies, warnings);
    empty_classes(dataset, warnings);
    frame_rates(dataset, warnings);
    super::hold::tell(dataset, warnings);
    super::task::tell(dataset, warnings);
}

/// What is known of a dataset before all of its videos are.
pub(super) fn some_of_dataset(dataset: &Dataset, copies: &[Copies], warnings: &mut Limited) {
    leakage(dataset, warnings);
    super::duplicates::warn(dataset, copies, warnings);
}

fn mask_files(video: &VideoEntry) -> Option<Fault> {
    let Some(MaskSource::Files(files)) = &video.masks else { return None };
    let frames = video.frames();
    let first = files.iter().flatten().next()?;
    let folder = first.parent().unwrap_or(first);
    let present = files.iter().flatten().count();
    let past = files.len().saturating_sub(frames as usize);
    if frames == 0 || (present == frames as usize && past == 0) {
        return None;
    }
    let message = if past > 0 {
        format!("has masks up to frame {}, but {} ends with frame {}", files.len() - 1, video.name, frames - 1)
    } else {
        format!("has {present} masks for the {frames} frames of {}", video.name)
    };
    let message = format!("{message}; frames without a mask show none, complete or renumber them");
    Some(("mask count", folder.to_path_buf(), message))
}

/// The frame number in the last row of a pose file, read from its end: pose files are large.
fn last_pose_frame(path: &Path) -> Option<u32> {
    let mut file = std::fs::File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(16 * 1024))).ok()?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail).ok()?;
    let line = tail.trim_ascii_end().rsplit(|b| *b == b'\n').next()?;
    let field = line.split(|b| matches!(b, b',' | b';' | b'\t')).next()?;
    let number: f64 = std::str::from_utf8(field.trim_ascii()).ok()?.parse().ok()?;
    (number >= 0.0 && number.fract() == 0.0 && number < f64::from(u32::MAX)).then_some(number as u32)
}

fn pose_rows(video: &VideoEntry) -> Option<Fault> {
    let (Some(path), Some(facts)) = (&video.poses, &video.facts) else { return None };
    let last = last_pose_frame(path)?;
    // Files that count from 1 end exactly at the number of frames.
    let unlike = last > facts.frames || (facts.frames > 0 && u64::from(last) + 1 < u64::from(facts.frames) / 2);
    let message = format!(
        "its last pose is of frame {last}, but {} has {} frames; make the poses again",
        video.name, facts.frames
    );
    unlike.then(|| ("pose count", path.clone(), message))
}

/// Subjects on both sides of the split.
fn leakage(dataset: &Dataset, warnings: &mut Limited) {
    let mut sides: BTreeMap<&str, BTreeMap<Split, &VideoEntry>> = BTreeMap::new();
    for video in dataset.videos.iter().filter(|v| !v.subject.is_empty() && v.split != Split::Unassigned) {
        sides.entry(&video.subject).or_default().entry(video.split).or_insert(video);
    }
    for (subject, splits) in sides {
        let Some(train) = splits.get(&Split::Train) else { continue };
        for (split, video) in splits.iter().filter(|(s, _)| **s != Split::Train) {
            warnings.push(
                "leak",
                &video.path,
                format!(
                    "subject '{subject}' is in both train ({}) and {} ({}); scores there are too good, move one of them",
                    train.name,
                    split.name(),
                    video.name
                ),
            );
        }
    }
}

/// Classes nobody shows, in the whole dataset or in one split.
fn empty_classes(dataset: &Dataset, warnings: &mut Limited) {
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut per_split: BTreeMap<Split, BTreeSet<usize>> = BTreeMap::new();
    for video in &dataset.videos {
        let split = per_split.entry(video.split).or_default();
        for segment in video.class_spans() {
            if let Label::Class(c) = segment.label {
                seen.insert(c);
                split.insert(c);
            }
        }
    }
    for (class, info) in dataset.classes.classes.iter().enumerate() {
        if !seen.contains(&class) {
            warnings.push(
                "empty class",
                &dataset.root,
                format!(
                    "class '{}' (number {}) has no labelled frame; add examples or remove the class",
                    info.name, info.id
                ),
            );
            continue;
        }
        let missing: Vec<&str> = per_split
            .iter()
            .filter(|(split, classes)| **split != Split::Unassigned && !classes.contains(&class))
            .map(|(split, _)| split.name())
            .collect();
        if !missing.is_empty() {
            warnings.push(
                "class in split",
                &dataset.root,
                format!(
                    "class '{}' has no labelled frame in {}; it cannot be learned or evaluated there, change the split",
                    info.name,
                    missing.join(" and ")
                ),
            );
        }
    }
}

/// Several frame rates in one dataset: clips of equal frames then last unequally long.
fn frame_rates(dataset: &Dataset, warnings: &mut Limited) {
    let mut rates: BTreeMap<u64, Vec<&VideoEntry>> = BTreeMap::new();
    for video in &dataset.videos {
        if let Some(facts) = video.facts.as_ref().filter(|f| f.frames > 1 && f.fps.is_finite() && f.fps > 0.0) {
            // 29.97 and 30 are the same rate here.
            rates.entry(facts.fps.round() as u64).or_default().push(video);
        }
    }
    if rates.len() < 2 {
        return;
    }
    let Some(usual) = rates.iter().max_by_key(|(_, v)| v.len()).map(|(r, _)| *r) else { return };
    let list = rates.iter().map(|(r, v)| format!("{r} ({})", v.len())).collect::<Vec<_>>().join(", ");
    for (rate, videos) in rates.iter().filter(|(r, _)| **r != usual) {
        for video in videos {
            warnings.push(
                "frame rate",
                &video.path,
                format!(
                    "runs at {rate} frames a second where most run at {usual} (all rates with their videos: {list}); its \
                     clips cover another length of time, convert it to one rate"
                ),
            );
        }
    }
}
