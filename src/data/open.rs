//! From a path to a [`Dataset`].

use super::formats::{self, Draft, DraftVideo};
use super::frame_numbers::labels_count_from_one;
use super::look::{Begin, Records, begin, conclude, correct, named_by_rows, resolve, unlist};
use super::video_facts::FactsCache;
use super::{DataError, corrections, fingerprint, scan};
use crate::config::DataConfig;
use crate::domain::{ClassMapping, ClassSet, Dataset, DatasetCorrections, LabelMap};
use crate::progress::Monitor;
use parking_lot::Mutex;
use rayon::prelude::*;
use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

/// Datasets with more videos are opened from their lists alone; whoever needs a video looks into it.
pub const LARGE: usize = 20_000;

/// Opens a dataset: recognises its format, reads labels and splits, looks inside the videos that changed since last
/// time, and notes what its owner should know in [`Dataset::warnings`].
///
/// A dataset of more than [`LARGE`] videos is opened without looking into them: they are pending
/// ([`crate::domain::VideoEntry::is_pending`]) until [`super::look_into`] or [`super::look`] was asked for them.
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
    open_above(path, config, cache, LARGE, monitor)
}

/// As [`open_with_cache`]; datasets of more videos than `large` are opened without looking into them.
///
/// # Errors
/// As [`open`].
pub fn open_above(
    path: &Path,
    config: &DataConfig,
    cache: Option<&Path>,
    large: usize,
    monitor: &dyn Monitor,
) -> Result<Dataset, DataError> {
    let _listings = scan::listing_once();
    let (format, reason) = formats::choose_format(path, config)?;
    log::info!("{} is of the format {}: {reason}", path.display(), format.id);
    monitor.stage("reading labels", 0, 0);
    let mut draft = (format.read)(path, config)?;
    formats::refuse_unknown(path, config, &draft)?;
    if draft.videos.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: format!("expected {}", format.looks_for) });
    }
    let mapping = mapping(path, &config.label_map, &draft.classes)?;
    draft.videos = in_order(std::mem::take(&mut draft.videos));
    look_around(path, format.takes_all, &mut draft);
    let corrections = corrections_of(path, config, &mut draft)?;

    let large = draft.videos.len() > large;
    let cache = Mutex::new(FactsCache::open(path, cache));
    let entries = || draft.videos.iter().map(|v| &v.entry);
    let records = if large { None } else { Some(Records::look_up(path, entries(), &cache, true, monitor)?) };
    let frames = |at: &[usize]| {
        let found = match &records {
            Some(records) => at.iter().map(|i| records.videos.get(*i).cloned().unwrap_or_default()).collect(),
            None => {
                let few = at.iter().filter_map(|i| draft.videos.get(*i)).map(|v| &v.entry);
                Records::look_up(path, few, &cache, false, monitor)?.videos
            }
        };
        Ok(found.into_iter().map(|r| r.facts.map(|f| f.frames)).collect())
    };
    let from_one = !draft.from_zero && labels_count_from_one(&draft, frames)?;
    for number in mapping.iter().flat_map(|m| &m.missing) {
        draft.warn(path, format!("no class has the number {number} that the label map names"));
    }
    let empty = Dataset {
        root: path.to_path_buf(),
        name: scan::file_name(&std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf())),
        format: format.id.to_owned(),
        instance_wise: !format.frame_wise,
        fingerprint: if large { fingerprint::of_lists(format.id, &draft) } else { String::new() },
        ..Dataset::default()
    };
    let fates = mapping.as_ref().map(|m| m.fates.clone());
    let begun = Begin { frame_wise: format.frame_wise, from_one, fates, large, cache: cache.into_inner() };
    let mut dataset = begin(draft, begun, empty);
    let Some(records) = records else {
        if let Some(mut corrections) = corrections {
            corrections.fingerprint.clone_from(&dataset.fingerprint);
            dataset.fingerprint = corrections::fingerprint(&corrections.fingerprint, &corrections.all);
            dataset.corrections = Some(Box::new(corrections));
        }
        if let Some(mapping) = &mapping {
            dataset.apply(&config.label_map, mapping);
            dataset.fingerprint = fingerprint::of_mapped(&dataset);
        }
        return Ok(dataset);
    };
    let all: Vec<usize> = (0..dataset.videos.len()).collect();
    let looked = resolve(&dataset, &all, records);
    let mut sizes = looked.sizes();
    let named = named_by_rows(&dataset);
    looked.merge_into(&mut dataset);
    if !format.frame_wise && !format.takes_all {
        let mut left = unlist(&mut dataset, &named).into_iter();
        sizes.retain(|_| left.next().unwrap_or(true));
    }
    let is_corrected = corrections.as_ref().is_some_and(|c| !c.all.videos.is_empty());
    if mapping.is_some() || corrections.is_some() {
        dataset.fingerprint = fingerprint::of(&dataset, &sizes);
    }
    if let Some(corrections) = corrections {
        let files = dataset.fingerprint.clone();
        dataset.fingerprint = corrections::fingerprint(&files, &corrections.all);
        correct(&mut dataset, DatasetCorrections { fingerprint: files, ..corrections });
    }
    if let Some(mapping) = &mapping {
        dataset.apply(&config.label_map, mapping);
    }
    conclude(&dataset, monitor)?.merge_into(&mut dataset);
    match (is_corrected, &mapping) {
        (false, _) => dataset.fingerprint = fingerprint::of(&dataset, &sizes),
        (true, Some(_)) => dataset.fingerprint = fingerprint::of_mapped(&dataset),
        (true, None) => {}
    }
    refuse_unreadable(path, &dataset)?;
    Ok(dataset)
}

/// Refuses a file that was named by itself and cannot be opened: nothing of it could be shown.
fn refuse_unreadable(path: &Path, dataset: &Dataset) -> Result<(), DataError> {
    match dataset.videos.as_slice() {
        [one] if path.is_file() && one.path == path && one.is_unreadable() => {
            let why = dataset.warnings.iter().find(|w| w.path == path);
            let reason = why.map_or_else(|| "it cannot be decoded".to_owned(), |w| w.message.clone());
            Err(DataError::Read { path: path.to_path_buf(), reason })
        }
        _ => Ok(()),
    }
}

/// The corrections of its labels. Those of videos that it does not have are told.
fn corrections_of(
    path: &Path,
    config: &DataConfig,
    draft: &mut Draft,
) -> Result<Option<DatasetCorrections>, DataError> {
    let names: BTreeSet<&str> = draft.videos.iter().map(|v| v.entry.name.as_str()).collect();
    let folder = crate::files::data_dir();
    let found = corrections::open(path, config.corrections.as_deref(), folder.as_deref(), &names)?;
    for video in found.iter().flat_map(|c| &c.missing) {
        let file = found.as_ref().and_then(|c| c.file.clone()).unwrap_or_default();
        draft
            .warn(file, format!("corrects labels of '{video}', which the dataset does not have; they are not applied"));
    }
    Ok(found)
}

/// Videos in natural order of their names.
fn in_order(videos: Vec<DraftVideo>) -> Vec<DraftVideo> {
    let mut order: Vec<(&str, usize)> = videos.iter().zip(0..).map(|(v, i)| (v.entry.name.as_str(), i)).collect();
    order.par_sort_by(|a, b| scan::natural(a.0, b.0));
    let order: Vec<usize> = order.into_iter().map(|(_, i)| i).collect();
    if order.is_sorted() {
        return videos;
    }
    // Each is moved once, and not in every step of sorting.
    let mut videos: Vec<Option<DraftVideo>> = videos.into_iter().map(Some).collect();
    order.into_iter().filter_map(|i| videos.get_mut(i)?.take()).collect()
}

/// Tells of what lies around the videos and is no part of the dataset.
fn look_around(path: &Path, takes_all: bool, draft: &mut Draft) {
    if takes_all {
        unlisted_videos(path, draft);
    }
    // Those that may be folders, which are not searched.
    let folders = draft.videos.iter().map(|v| v.entry.path.as_path()).filter(|p| !scan::is_video(p));
    let used: HashSet<&Path> = folders.collect();
    let links = scan::links(path, &used);
    links.into_iter().for_each(|(link, why)| draft.warn(link, why));
    if path.is_dir() {
        let unused = formats::unused_files(path, draft);
        draft.warnings.extend(unused);
    }
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

/// What a label map makes of the classes of a dataset; `None` where there is no map.
fn mapping(path: &Path, map: &LabelMap, classes: &ClassSet) -> Result<Option<ClassMapping>, DataError> {
    let refuse = |reason| DataError::LabelMap { path: path.to_path_buf(), reason };
    (!map.is_empty()).then(|| map.resolve(classes).map_err(refuse)).transpose()
}
