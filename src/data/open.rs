//! From a path to a [`Dataset`].

use super::formats::{self, Draft};
use super::limited::Limited;
use super::rules::Rules;
use super::video_facts::{FactsCache, Record};
use super::{DataError, duplicates, fingerprint, integrity, scan, times};
use crate::config::DataConfig;
use crate::domain::{ClassMapping, ClassSet, Dataset, LabelMap, MaskSource, VideoEntry};
use crate::progress::Monitor;
use rayon::prelude::*;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Opens a dataset: recognises its format, reads labels and splits, looks inside the videos that changed since last
/// time, and notes what its owner should know in [`Dataset::warnings`].
///
/// # Errors
/// When nothing is at the path, no format fits, the layout holds no videos, or the monitor asks to stop.
pub fn open(path: &Path, config: &DataConfig, monitor: &dyn Monitor) -> Result<Dataset, DataError> {
    open_with_cache(path, config, crate::files::cache_dir().as_deref(), monitor)
}

/// As [`open`], with the folder that remembers what is inside the videos; `None` looks again every time.
///
/// # Errors
/// As [`open`].
pub fn open_with_cache(
    path: &Path,
    config: &DataConfig,
    cache: Option<&Path>,
    monitor: &dyn Monitor,
) -> Result<Dataset, DataError> {
    let (format, reason) = formats::choose_format(path, config)?;
    log::info!("{} is of the format {}: {reason}", path.display(), format.id);
    monitor.stage("reading labels", 0, 0);
    let mut draft = (format.read)(path, config)?;
    formats::refuse_unknown(path, config, &draft)?;
    if draft.videos.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: format!("expected {}", format.looks_for) });
    }
    let mapping = mapping(path, &config.label_map, &draft.classes)?;
    draft.videos.sort_by(|a, b| scan::natural(&a.entry.name, &b.entry.name));
    if format.takes_all {
        unlisted_videos(path, &mut draft);
    }

    let used: HashSet<&Path> = draft.videos.iter().map(|v| v.entry.path.as_path()).collect();
    let links = scan::links(path, &used);
    links.into_iter().for_each(|(link, why)| draft.warn(link, why));
    if path.is_dir() {
        let unused = formats::unused_files(path, &draft);
        draft.warnings.extend(unused);
    }
    let mut cache = FactsCache::open(path, cache);
    let records = look_inside(path, &draft, &mut cache, monitor)?;
    let mut warnings = Limited::new(std::mem::take(&mut draft.warnings));
    let shift = !draft.from_zero && labels_count_from_one(&draft, &records.videos);
    let fates = mapping.as_ref().map(|m| &m.fates);
    let rules = Rules { task: draft.task, frame_wise: format.frame_wise, from_one: shift, fates };
    resolve(&mut draft, &records.videos, rules, &mut warnings);
    let mut sizes = Vec::with_capacity(draft.videos.len());
    let mut videos = Vec::with_capacity(draft.videos.len());
    let mut found = Vec::new();
    for (mut video, record) in draft.videos.into_iter().zip(records.videos) {
        found.extend(record.warnings.into_iter().map(|message| (video.entry.path.clone(), message)));
        sizes.push(record.stamp.size);
        video.entry.facts = record.facts;
        mend_mask_numbers(&mut video.entry);
        integrity::label_length(&video, &mut warnings);
        videos.push(video.entry);
    }
    warnings.push_found(found);
    if shift {
        warnings.push("one", path, "the label files count frames from 1; they are read as if from 0".into());
    }
    for (mask_of, record) in records.masks {
        integrity::mask_video(videos.get(mask_of), &record, &mut warnings);
    }
    let mut dataset = Dataset {
        root: path.to_path_buf(),
        name: scan::file_name(&std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())),
        format: format.id.to_owned(),
        task: draft.task,
        instance_wise: !format.frame_wise,
        choices: draft.choices,
        classes: draft.classes,
        mapped: None,
        ledger: draft.ledger,
        videos,
        warnings: Vec::new(),
        fingerprint: String::new(),
        copies: Vec::new(),
    };
    if let Some(mapping) = &mapping {
        dataset.fingerprint = fingerprint::of(&dataset, &sizes);
        dataset.apply(&config.label_map, mapping);
        for number in &mapping.missing {
            warnings.push("label map", path, format!("no class has the number {number} that the label map names"));
        }
    }
    dataset.copies = duplicates::find(&dataset, &mut cache, monitor)?;
    integrity::dataset(&dataset, &mut warnings);
    dataset.warnings = warnings.finish();
    dataset.fingerprint = fingerprint::of(&dataset, &sizes);
    Ok(dataset)
}

/// Names files that hold a video by what is in them, but not by their names: formats that take every video leave them out.
fn unlisted_videos(root: &Path, draft: &mut Draft) {
    let used: HashSet<&Path> = draft.videos.iter().map(|v| v.entry.path.as_path()).collect();
    let found: Vec<(PathBuf, &str)> = scan::strangers(root, &used)
        .into_iter()
        .filter_map(|path| crate::video::container(&path).map(|kind| (path, kind)))
        .collect();
    for (path, kind) in found {
        draft.warn(
            &path,
            format!(
                "is a video ({kind}) by what is in it, but its name does not end like that of one, so it is left out; rename \
                 it, to .mp4 or .mkv for instance"
            ),
        );
    }
}

/// What looking into videos and mask videos told.
struct Looked {
    videos: Vec<Record>,
    /// Position of the video and the record of its mask video.
    masks: Vec<(usize, Record)>,
}

fn look_inside(root: &Path, draft: &Draft, cache: &mut FactsCache, monitor: &dyn Monitor) -> Result<Looked, DataError> {
    let mut paths: Vec<(String, PathBuf)> =
        draft.videos.iter().map(|v| (v.entry.name.clone(), v.entry.path.clone())).collect();
    let mut mask_of = Vec::new();
    for (i, video) in draft.videos.iter().enumerate() {
        if let Some(MaskSource::Video(mask)) = &video.entry.masks {
            mask_of.push(i);
            paths.push((scan::relative_name(root, mask), mask.clone()));
        }
    }
    let mut records = cache.look_up(&paths, monitor)?;
    let masks = records.split_off(draft.videos.len());
    Ok(Looked { videos: records, masks: mask_of.into_iter().zip(masks).collect() })
}

/// Annotations become instances of frames, and the ledger is closed.
fn resolve(draft: &mut Draft, records: &[Record], rules: Rules<'_>, warnings: &mut Limited) {
    let pairs = draft.videos.par_iter_mut().zip(records);
    let resolved: Vec<times::Resolved> = pairs
        .map(|(video, record)| {
            video.entry.facts.clone_from(&record.facts);
            times::resolve(video, rules)
        })
        .collect();
    let ledger = &mut draft.ledger;
    for mut one in resolved {
        one.notes.drain(..).for_each(|(file, note)| warnings.push("time", &file, note));
        ledger.ignored.append(&mut one.ignored);
        ledger.adjusted.append(&mut one.adjusted);
        ledger.unlabelled.append(&mut one.unlabelled);
    }
    for entries in [&mut ledger.ignored, &mut ledger.adjusted, &mut ledger.unlabelled] {
        entries.sort_by(|a, b| (&a.file, a.line, a.reason).cmp(&(&b.file, b.line, b.reason)));
    }
}

/// What a label map makes of the classes of a dataset; `None` where there is no map.
fn mapping(path: &Path, map: &LabelMap, classes: &ClassSet) -> Result<Option<ClassMapping>, DataError> {
    let refuse = |reason| DataError::LabelMap { path: path.to_path_buf(), reason };
    (!map.is_empty()).then(|| map.resolve(classes).map_err(refuse)).transpose()
}

/// True when label files plainly count from 1: no file has a frame 0, and most run from 1 to exactly the number of
/// frames of their video.
fn labels_count_from_one(draft: &Draft, records: &[Record]) -> bool {
    let mut files = 0_usize;
    let mut full = 0_usize;
    for (video, record) in draft.videos.iter().zip(records) {
        let (Some(_), Some(facts)) = (&video.label_file, &record.facts) else { continue };
        let Some((first, end)) = video.labelled_frames() else { continue };
        if first == 0 {
            return false;
        }
        files += 1;
        full += usize::from(first == 1 && end == facts.frames.saturating_add(1));
    }
    files > 0 && full * 2 > files
}

/// Mask files that count from 1 to the number of frames are moved down by one.
fn mend_mask_numbers(entry: &mut VideoEntry) {
    let frames = entry.frames() as usize;
    if let Some(MaskSource::Files(files)) = &mut entry.masks
        && frames > 0
        && files.len() == frames + 1
        && files.first().is_some_and(Option::is_none)
        && files.iter().skip(1).all(Option::is_some)
    {
        files.remove(0);
    }
}
