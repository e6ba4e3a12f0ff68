//! Looking into videos of a dataset: rows become instances of frames, and what is odd about the files is told.
//!
//! A dataset that is not large is looked into as a whole while it is opened. A large one is opened from its lists alone; its
//! videos are looked into later, a part at a time, by whoever needs them, and each becomes what it would have become at once.

use super::formats::{Annotation, Clock, Draft, DraftVideo};
use super::limited::Limited;
use super::rules::Rules;
use super::video_facts::{FEW, FactsCache, Record};
use super::{DataError, corrections, duplicates, integrity, scan, times};
use crate::domain::{
    ClassId, Copies, Dataset, DatasetCorrections, DatasetWarning, Fates, Indexing, InstanceLabel, Ledger, MaskSource,
    Noticed, Opaque, Task, Unread, VideoEntry, counted, grouped,
};
use crate::progress::{Flow, Monitor, Progress};
use parking_lot::Mutex;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Videos looked into at a time: what is told between two times is not lost by a stop.
const BATCH: usize = 64;

/// Checks in the order in which their findings are told.
mod check {
    pub const TIMES: u8 = 0;
    pub const LENGTH: u8 = 1;
    pub const INSIDE: u8 = 2;
    pub const NUMBERS: u8 = 3;
    pub const MASKS: u8 = 4;
    pub const FILES: u8 = 5;
    pub const CORRECTIONS: u8 = 6;
}

/// What looking into videos of a dataset needs.
#[derive(Debug)]
struct Opening {
    /// Frames have one label each.
    frame_wise: bool,
    /// Frames of label files count from 1.
    from_one: bool,
    /// What the label map that it is opened with makes of each class.
    fates: Option<Fates>,
    /// Opened from its lists alone, because it is large.
    large: bool,
    cache: Mutex<FactsCache>,
    /// What reading the files showed.
    warnings: Vec<DatasetWarning>,
}

impl Opening {
    fn rules(&self, task: Task) -> Rules<'_> {
        Rules { task, frame_wise: self.frame_wise, from_one: self.from_one, fates: self.fates.as_ref() }
    }

    fn of(dataset: &Dataset) -> Option<(&Indexing, &Self)> {
        let indexing = dataset.indexing.as_ref()?;
        Some((indexing, indexing.opened.get()?))
    }
}

/// The rows of a video, until somebody looks into it.
#[derive(Debug)]
struct Rows {
    label_file: Option<PathBuf>,
    /// `None` for the usual one.
    clock: Option<Box<Clock>>,
    rate: Option<f64>,
    annotations: Box<[Annotation]>,
    frame_rows: Box<[(u32, u32, u32)]>,
    unlabelled_rows: Box<[(u32, u32, u32)]>,
}

/// A video of which its rows alone are known.
fn unread(video: DraftVideo, fates: Option<&Fates>) -> VideoEntry {
    let of_rows = video.annotations.iter().flat_map(|a| a.label.classes()).copied();
    let of_frames = video.entry.labels.segments().iter().filter_map(|s| s.label.class());
    let mapped = |class: ClassId| fates.map_or(Some(class), |f| f.class(class));
    let mut classes: Vec<usize> = of_rows.chain(of_frames).filter_map(mapped).collect();
    classes.sort_unstable();
    classes.dedup();
    let is_labelled = |label: &InstanceLabel| match fates {
        Some(fates) => fates.instance(label).is_labelled(),
        None => label.single().is_some(),
    };
    let labelled = video.annotations.iter().any(|a| is_labelled(&a.label));
    let rows = Rows {
        label_file: video.label_file,
        clock: Some(video.clock).filter(|c| *c != Clock::Video).map(Box::new),
        rate: video.rate,
        annotations: video.annotations.into(),
        frame_rows: video.frame_rows.into(),
        unlabelled_rows: video.unlabelled_rows.into(),
    };
    let unread = Unread { classes: classes.into(), labelled, rows: Opaque::new(rows) };
    VideoEntry { unread: Some(Arc::new(unread)), ..video.entry }
}

/// The video with its rows, as it was read.
fn drafted(entry: &VideoEntry) -> Option<DraftVideo> {
    let rows: &Rows = entry.unread.as_ref()?.rows.get()?;
    Some(DraftVideo {
        entry: VideoEntry { unread: None, ..entry.clone() },
        label_file: rows.label_file.clone(),
        clock: rows.clock.as_deref().cloned().unwrap_or_default(),
        rate: rows.rate,
        annotations: rows.annotations.to_vec(),
        frame_rows: rows.frame_rows.to_vec(),
        unlabelled_rows: rows.unlabelled_rows.to_vec(),
    })
}

/// What the draft of a dataset is opened with.
pub(super) struct Begin {
    pub(super) frame_wise: bool,
    pub(super) from_one: bool,
    pub(super) fates: Option<Fates>,
    pub(super) large: bool,
    pub(super) cache: FactsCache,
}

/// The dataset of a draft before anybody looked into a video of it. `empty` says what no draft does.
pub(super) fn begin(draft: Draft, begin: Begin, empty: Dataset) -> Dataset {
    let Begin { frame_wise, from_one, fates, large, cache } = begin;
    let counted_from_one = from_one.then(|| Noticed {
        video: 0,
        check: check::NUMBERS,
        kind: "one",
        path: empty.root.clone(),
        message: "the label files count frames from 1; they are read as if from 0".into(),
    });
    let videos = draft.videos.into_iter().map(|video| unread(video, fates.as_ref())).collect::<Vec<VideoEntry>>();
    let cache = Mutex::new(cache);
    let opening = Opening { frame_wise, from_one, fates, large, cache, warnings: draft.warnings };
    let noticed = counted_from_one.into_iter().collect();
    let indexing = Indexing { left: videos.len(), noticed, opened: Opaque::new(opening) };
    let mut out = Dataset {
        task: draft.task,
        choices: draft.choices,
        classes: draft.classes,
        ledger: draft.ledger,
        videos,
        indexing: Some(indexing),
        ..empty
    };
    sort(&mut out.ledger);
    out.warnings = summed_up(&out, None);
    out
}

fn sort(ledger: &mut Ledger) {
    for entries in [&mut ledger.ignored, &mut ledger.adjusted, &mut ledger.unlabelled] {
        entries.sort_by(|a, b| (&a.file, a.line, a.reason).cmp(&(&b.file, b.line, b.reason)));
    }
}

/// Which videos are there because rows name them; of those that nobody looked into yet.
pub(super) fn named_by_rows(dataset: &Dataset) -> Vec<bool> {
    let named = |v: &VideoEntry| {
        v.unread.as_ref().and_then(|u| u.rows.get::<Rows>()).is_some_and(|r| !r.annotations.is_empty())
    };
    dataset.videos.iter().map(named).collect()
}

/// Takes the videos out of which no row can be used, now that they were looked into: they lie on the disk and are no part of
/// the dataset. Gives which are left.
pub(super) fn unlist(dataset: &mut Dataset, named: &[bool]) -> Vec<bool> {
    let unused = |(v, named): (&VideoEntry, &bool)| *named && v.facts.is_some() && v.instances.is_empty();
    let left: Vec<bool> = dataset.videos.iter().zip(named).map(|pair| !unused(pair)).collect();
    if left.iter().all(|l| *l) || !left.iter().any(|l| *l) {
        return vec![true; left.len()];
    }
    let mut stays = left.iter();
    let gone = dataset.videos.extract_if(.., |_| stays.next() == Some(&false));
    dataset.ledger.unlisted.extend(gone.map(|v| v.path).collect::<Vec<PathBuf>>());
    dataset.ledger.unlisted.sort();
    left
}

/// What is inside videos and their mask videos.
pub(super) struct Records {
    pub(super) videos: Vec<Record>,
    /// Place of the video in `videos`, and the record of its mask video.
    masks: Vec<(usize, Record)>,
}

impl Records {
    /// Of some videos, in their order; `all` where they are all of the dataset.
    pub(super) fn look_up<'v>(
        root: &Path,
        videos: impl Iterator<Item = &'v VideoEntry>,
        cache: &Mutex<FactsCache>,
        all: bool,
        monitor: &dyn Monitor,
    ) -> Result<Self, DataError> {
        let (mut paths, mut mask_paths, mut mask_of) = (Vec::new(), Vec::new(), Vec::new());
        for (i, video) in videos.enumerate() {
            paths.push((video.name.clone(), video.path.clone()));
            if let Some(MaskSource::Video(mask)) = &video.masks {
                mask_of.push(i);
                mask_paths.push((scan::relative_name(root, mask), mask.clone()));
            }
        }
        let count = paths.len();
        paths.extend(mask_paths);
        let mut videos = FactsCache::look_up(cache, &paths, all, monitor)?;
        let masks = videos.split_off(count);
        Ok(Self { videos, masks: mask_of.into_iter().zip(masks).collect() })
    }
}

/// What looking into one video told.
#[derive(Clone, Debug)]
struct LookedInto {
    at: usize,
    entry: VideoEntry,
    /// Bytes of the file; number of entries for a folder of frames.
    size: u64,
    noticed: Vec<Noticed>,
    rows: times::Resolved,
}

/// What looking into some videos of a dataset told; [`Looked::merge_into`] makes it part of the dataset.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    videos: Vec<LookedInto>,
}

impl Looked {
    /// How many videos were looked into.
    pub fn len(&self) -> usize {
        self.videos.len()
    }

    /// True when no video was looked into.
    pub fn is_empty(&self) -> bool {
        self.videos.is_empty()
    }

    /// Adds what looking into others told.
    pub fn extend(&mut self, more: Looked) {
        self.videos.extend(more.videos);
    }

    /// Sizes of the files, in the order in which they were looked into.
    pub(super) fn sizes(&self) -> Vec<u64> {
        self.videos.iter().map(|v| v.size).collect()
    }

    /// Makes it part of the dataset that was looked into, or of a copy of it. What another look told of the same videos
    /// meanwhile stays.
    pub fn merge_into(self, dataset: &mut Dataset) {
        let (task, runs) = (dataset.task, dataset.joins_runs());
        let classes = dataset.corrections.is_some().then(|| corrections::file_classes(dataset));
        let Some(indexing) = &mut dataset.indexing else { return };
        let ledger = &mut dataset.ledger;
        let mut entered = 0;
        for mut one in self.videos {
            let Some(slot) = dataset.videos.get_mut(one.at).filter(|v| v.is_pending()) else { continue };
            if let (Some(corrections), Some(classes)) = (&mut dataset.corrections, &classes) {
                let unfit = corrections::correct_entry(corrections, &mut one.entry, classes, (task, runs));
                indexing
                    .noticed
                    .extend(unfit.into_iter().map(|(path, message)| unfit_correction(one.at, path, message)));
            }
            if let Some(mapped) = &mut dataset.mapped {
                mapped.relabel(&mut one.entry, runs);
            }
            *slot = one.entry;
            indexing.left = indexing.left.saturating_sub(1);
            indexing.noticed.append(&mut one.noticed);
            let rows = &mut one.rows;
            entered += rows.ignored.len() + rows.adjusted.len() + rows.unlabelled.len();
            ledger.ignored.append(&mut rows.ignored);
            ledger.adjusted.append(&mut rows.adjusted);
            ledger.unlabelled.append(&mut rows.unlabelled);
        }
        if entered > 0 {
            sort(ledger);
        }
        dataset.warnings = summed_up(dataset, None);
    }
}

/// A correction that does not fit the files of a video.
fn unfit_correction(video: usize, path: PathBuf, message: String) -> Noticed {
    Noticed { video, check: check::CORRECTIONS, kind: "correction", path, message }
}

/// Corrects the labels of a dataset that was looked into as a whole; what does not fit is among its warnings.
pub(super) fn correct(dataset: &mut Dataset, corrections: DatasetCorrections) {
    let unfit = corrections::correct_all(dataset, corrections);
    let noticed = unfit.into_iter().map(|(at, path, message)| unfit_correction(at, path, message));
    if let Some(indexing) = &mut dataset.indexing {
        indexing.noticed.extend(noticed);
    }
}

/// From records to videos with their instances.
pub(super) fn resolve(dataset: &Dataset, positions: &[usize], records: Records) -> Looked {
    let task = dataset.task;
    let Some((_, opening)) = Opening::of(dataset) else { return Looked::default() };
    let pairs: Vec<(usize, Record)> = positions.iter().copied().zip(records.videos).collect();
    let one = |(at, record): (usize, Record)| {
        let mut video = drafted(dataset.videos.get(at)?)?;
        video.entry.facts = record.facts;
        video.entry.stated_rate = video.rate;
        let mut rows = times::resolve(&mut video, opening.rules(task));
        mend_mask_numbers(&mut video.entry);
        let noticed = |check: u8, kind: &'static str, path: PathBuf, message: String| Noticed {
            video: at,
            check,
            kind,
            path,
            message,
        };
        let times = std::mem::take(&mut rows.notes);
        let mut all: Vec<Noticed> =
            times.into_iter().map(|(file, note)| noticed(check::TIMES, "time", file, note)).collect();
        all.extend(integrity::label_length(&video).map(|(kind, path, text)| noticed(check::LENGTH, kind, path, text)));
        let path = &video.entry.path;
        all.extend(record.warnings.into_iter().map(|m| noticed(check::INSIDE, "inside", path.clone(), m)));
        let files = integrity::files(&video.entry);
        all.extend(files.into_iter().map(|(kind, path, text)| noticed(check::FILES, kind, path, text)));
        let mut entry = video.entry;
        entry.instances.shrink_to_fit();
        Some(LookedInto { at, entry, size: record.stamp.size, noticed: all, rows })
    };
    let mut found: Vec<Option<LookedInto>> = match pairs.len() > FEW {
        true => pairs.into_par_iter().map(one).collect(),
        false => pairs.into_iter().map(one).collect(),
    };
    for (place, record) in records.masks {
        let Some(Some(video)) = found.get_mut(place) else { continue };
        let faults = integrity::mask_video(&video.entry, &record);
        let at = video.at;
        video.noticed.extend(faults.into_iter().map(|(kind, path, message)| Noticed {
            video: at,
            check: check::MASKS,
            kind,
            path,
            message,
        }));
    }
    Looked { videos: found.into_iter().flatten().collect() }
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

/// A monitor of many calls: what they tell is passed on, but not how far each of them is.
struct WithoutStages<'a>(&'a dyn Monitor);

impl Monitor for WithoutStages<'_> {
    fn emit(&self, progress: Progress) {
        if !matches!(progress, Progress::Stage { .. }) {
            self.0.emit(progress);
        }
    }

    fn poll(&self) -> Flow {
        self.0.poll()
    }

    fn inner(&self) -> Option<&dyn Monitor> {
        Some(self.0)
    }
}

/// Looks into the videos at these positions that nobody looked into yet, until `enough` says so: in the order given, some
/// hundred at a time. `from` and `of` count the videos of a longer work that this is a part of.
///
/// # Errors
/// [`DataError::Stopped`] when the monitor says so; what was found until then is kept for next time.
pub fn look(
    dataset: &Dataset,
    positions: &[usize],
    (from, of): (u64, u64),
    enough: &dyn Fn() -> bool,
    monitor: &dyn Monitor,
) -> Result<Looked, DataError> {
    let Some((_, opening)) = Opening::of(dataset) else { return Ok(Looked::default()) };
    let pending = |i: &usize| dataset.videos.get(*i).is_some_and(VideoEntry::is_pending);
    let mut seen = std::collections::HashSet::new();
    let wanted: Vec<usize> = positions.iter().copied().filter(pending).filter(|i| seen.insert(*i)).collect();
    let mut out = Looked::default();
    for batch in wanted.chunks(BATCH) {
        monitor.stage("indexing videos", from + out.len() as u64, of);
        let videos = batch.iter().filter_map(|i| dataset.videos.get(*i));
        let records = Records::look_up(&dataset.root, videos, &opening.cache, false, &WithoutStages(monitor));
        let records = records.inspect_err(|_| opening.cache.lock().save())?;
        out.extend(resolve(dataset, batch, records));
        if enough() {
            break;
        }
    }
    monitor.stage("indexing videos", from + out.len() as u64, of);
    Ok(out)
}

/// Some videos of a dataset that nobody looked into yet, apart from it: whoever looks into them does not hold the dataset.
#[derive(Clone, Debug)]
pub struct Part {
    /// Their positions in the dataset.
    positions: Vec<usize>,
    /// A dataset of them alone.
    dataset: Dataset,
}

impl Part {
    /// The first `count` of these positions that are pending, each once.
    pub fn of(dataset: &Dataset, positions: impl Iterator<Item = usize>, count: usize) -> Self {
        let mut seen = std::collections::HashSet::new();
        let pending = |i: &usize| dataset.videos.get(*i).is_some_and(VideoEntry::is_pending);
        let positions: Vec<usize> = positions.filter(pending).filter(|i| seen.insert(*i)).take(count).collect();
        let indexing = |i: &Indexing| Indexing { left: positions.len(), noticed: Vec::new(), opened: i.opened.clone() };
        let dataset = Dataset {
            root: dataset.root.clone(),
            name: dataset.name.clone(),
            fingerprint: dataset.fingerprint.clone(),
            videos: positions.iter().filter_map(|i| dataset.videos.get(*i)).cloned().collect(),
            indexing: dataset.indexing.as_ref().map(indexing),
            ..Dataset::default()
        };
        Self { positions, dataset }
    }

    /// The dataset that it is a part of, of which it knows root, name, fingerprint and its own videos.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// As [`look`], for [`Looked::merge_into`] of the whole dataset.
    ///
    /// # Errors
    /// As [`look`].
    pub fn look(
        &self,
        count: (u64, u64),
        enough: &dyn Fn() -> bool,
        monitor: &dyn Monitor,
    ) -> Result<Looked, DataError> {
        let all: Vec<usize> = (0..self.positions.len()).collect();
        let mut looked = look(&self.dataset, &all, count, enough, monitor)?;
        looked.videos.retain_mut(|one| {
            let Some(at) = self.positions.get(one.at).copied() else { return false };
            one.at = at;
            one.noticed.iter_mut().for_each(|n| n.video = at);
            true
        });
        Ok(looked)
    }
}

/// What only shows once videos are compared: copies, and the warnings of the whole dataset.
#[derive(Clone, Debug)]
pub struct Conclusion {
    copies: Vec<Copies>,
    warnings: Vec<DatasetWarning>,
}

impl Conclusion {
    /// Makes it part of the dataset that it was drawn from.
    pub fn merge_into(self, dataset: &mut Dataset) {
        dataset.copies = self.copies;
        dataset.warnings = self.warnings;
        if dataset.indexing.as_ref().is_some_and(|i| i.left == 0) {
            dataset.indexing = None;
        }
    }
}

/// Compares the videos that were looked into. Where nobody looked into some, what needs all of them is left open, and said.
///
/// # Errors
/// [`DataError::Stopped`].
pub fn conclude(dataset: &Dataset, monitor: &dyn Monitor) -> Result<Conclusion, DataError> {
    let Some((_, opening)) = Opening::of(dataset) else {
        return Ok(Conclusion { copies: dataset.copies.clone(), warnings: dataset.warnings.clone() });
    };
    let copies = duplicates::find(dataset, &opening.cache, !opening.large, monitor)?;
    opening.cache.lock().save();
    let warnings = summed_up(dataset, Some(&copies));
    Ok(Conclusion { copies, warnings })
}

/// The dataset with these videos looked into; the same where somebody did already.
///
/// # Errors
/// As [`look`].
pub fn look_into(
    dataset: &Arc<Dataset>,
    positions: &[usize],
    monitor: &dyn Monitor,
) -> Result<Arc<Dataset>, DataError> {
    let pending = |i: &&usize| dataset.videos.get(**i).is_some_and(VideoEntry::is_pending);
    let wanted: Vec<usize> = positions.iter().filter(pending).copied().collect();
    let unfinished = dataset.indexing.is_some() && dataset.pending() == 0;
    if wanted.is_empty() && !unfinished {
        return Ok(dataset.clone());
    }
    let looked = look(dataset, &wanted, (0, wanted.len() as u64), &|| false, monitor)?;
    let mut out = Dataset::clone(dataset);
    looked.merge_into(&mut out);
    conclude(&out, monitor)?.merge_into(&mut out);
    Ok(Arc::new(out))
}

/// As [`look_into`], all videos: the dataset as it would have been opened were it not large.
///
/// # Errors
/// As [`look`].
pub fn look_into_all(dataset: &Arc<Dataset>, monitor: &dyn Monitor) -> Result<Arc<Dataset>, DataError> {
    let all: Vec<usize> = (0..dataset.videos.len()).collect();
    look_into(dataset, &all, monitor)
}

/// Refuses clips of labelled videos that nobody looked into: they would be left out without a word.
///
/// # Errors
/// When a labelled video whose position `keep` accepts was not looked into.
pub fn require_known(dataset: &Dataset, keep: impl Fn(usize) -> bool) -> Result<(), DataError> {
    if dataset.pending() == 0 {
        return Ok(());
    }
    let missing = |(i, v): &(usize, &VideoEntry)| v.is_pending() && v.is_labelled() && keep(*i);
    match dataset.videos.iter().enumerate().filter(missing).count() {
        0 => Ok(()),
        count => Err(DataError::Pending { path: dataset.root.clone(), count }),
    }
}

/// All warnings: of reading the files, of the videos looked into, and, with `copies`, of comparing them.
fn summed_up(dataset: &Dataset, copies: Option<&[Copies]>) -> Vec<DatasetWarning> {
    let Some((indexing, opening)) = Opening::of(dataset) else { return dataset.warnings.clone() };
    let mut warnings = Limited::new(opening.warnings.clone());
    let mut noticed: Vec<&Noticed> = indexing.noticed.iter().collect();
    noticed.sort_by_key(|n| (n.check, n.video));
    for of_check in noticed.chunk_by(|a, b| a.check == b.check) {
        if of_check.first().is_some_and(|n| n.check == check::INSIDE) {
            warnings.push_found(of_check.iter().map(|n| (n.path.clone(), n.message.clone())).collect());
            continue;
        }
        of_check.iter().for_each(|n| warnings.push(n.kind, &n.path, n.message.clone()));
    }
    match copies {
        Some(copies) if indexing.left == 0 => {
            integrity::dataset(dataset, copies, &mut warnings);
            if opening.large {
                warnings.push("alike", &dataset.root, only_equal(dataset.videos.len()));
            }
        }
        copies => {
            integrity::some_of_dataset(dataset, copies.unwrap_or_default(), &mut warnings);
            warnings.push("pending", &dataset.root, pending(dataset));
        }
    }
    warnings.finish()
}

/// What is not searched for in large datasets.
fn only_equal(videos: usize) -> String {
    format!(
        "has {}: copies are searched for among equal files only; recordings that were encoded anew and lie in several splits \
         would not be found",
        counted(videos as u64, "video")
    )
}

/// How many videos nobody looked into, and what that leaves open.
fn pending(dataset: &Dataset) -> String {
    let all = dataset.videos.len() as u64;
    match dataset.pending() as u64 {
        0 => format!("{} were looked into and are not compared yet: copies are not known", counted(all, "video")),
        left => format!(
            "{} of {} are not looked into yet: their frames, damage and rows past their ends are not known; empty classes, \
             unlike frame rates and copies are told of when all are",
            grouped(left),
            counted(all, "video")
        ),
    }
}
