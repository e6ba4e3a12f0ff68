//! What is inside the video files: looked up once, kept on disk, looked up again when a file changes.

use super::{DataError, content, scan};
use crate::domain::{VideoFacts, name_text};
use crate::progress::Monitor;
use crate::video::Video;
use parking_lot::Mutex;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::UNIX_EPOCH;

/// Raised when the meaning of a record changes; older caches are then rebuilt.
const VERSION: u32 = 4;

/// Identifies the state of a file without reading it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stamp {
    /// Bytes; number of entries for a folder of frames.
    pub(super) size: u64,
    /// Nanoseconds since 1970; of a folder and its pictures mixed.
    modified: u64,
}

impl Stamp {
    fn of(path: &Path) -> std::io::Result<Self> {
        let meta = std::fs::metadata(path)?;
        if !meta.is_dir() {
            return Ok(Self { size: meta.len(), modified: modified(&meta) });
        }
        // A frame folder changes when its pictures do, and those in the folders of its streams.
        let mut out = Self { size: 0, modified: modified(&meta) };
        for entry in std::fs::read_dir(path)?.flatten() {
            out.size += 1;
            out.mix(&entry);
            if entry.file_type().is_ok_and(|t| t.is_dir()) {
                std::fs::read_dir(entry.path())?.flatten().for_each(|inner| out.mix(&inner));
            }
        }
        Ok(out)
    }

    /// Takes an entry into account, in whatever order they come.
    fn mix(&mut self, entry: &std::fs::DirEntry) {
        let Ok(meta) = entry.metadata() else { return };
        let both = modified(&meta).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ meta.len().wrapping_mul(0xD6E8_FEB8_6659_FD93);
        self.modified = self.modified.wrapping_add(both ^ (both >> 29));
    }
}

fn modified(meta: &std::fs::Metadata) -> u64 {
    let since = meta.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok());
    since.map_or(0, |d| u64::try_from(d.as_nanos()).unwrap_or(u64::MAX))
}

/// What looking inside one file told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) stamp: Stamp,
    /// `None` when the file could not be opened.
    pub(super) facts: Option<VideoFacts>,
    /// Sentences about damage, or why it could not be opened.
    pub(super) warnings: Vec<String>,
    /// Digest of the whole content, where it was asked for.
    #[serde(default)]
    whole: Option<String>,
    /// What the video looks like ([`super::duplicates`]), where it was asked for.
    #[serde(default)]
    looks: Option<String>,
}

/// What may be asked about a video beyond its facts, and costs more.
#[derive(Clone, Copy, Debug)]
pub(super) enum More {
    /// Digest of its whole content.
    Whole,
    /// What it looks like.
    Looks,
}

#[derive(Default, Serialize, Deserialize)]
struct CacheFile {
    version: u32,
    /// As [`name_text`] writes it.
    root: String,
    records: HashMap<String, Record>,
}

/// So few videos do not wait for the cache to be read, nor for somebody else who uses it or the threads of all.
pub(super) const FEW: usize = 16;
/// Records found since the cache was written last before it is written again, at least; of a large one a quarter.
const UNSAVED: usize = 2000;

/// The cache of one dataset.
#[derive(Debug)]
pub(super) struct FactsCache {
    file: Option<PathBuf>,
    root: String,
    /// Once they were read from the file.
    records: Option<HashMap<String, Record>>,
    /// How many of them the file does not have.
    unsaved: usize,
}

impl FactsCache {
    /// The cache of the dataset at `root`; it is read when it is asked for something.
    pub(super) fn open(root: &Path, cache: Option<&Path>) -> Self {
        let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        let file = cache.map(|dir| {
            let digest = super::fingerprint::hex(root.as_os_str().as_encoded_bytes());
            dir.join("datasets").join(format!("{digest}.json"))
        });
        Self { file, root: name_text(root.as_os_str()), records: None, unsaved: 0 }
    }

    /// What is known; a missing, damaged or older file is an empty cache.
    fn records(&mut self) -> &mut HashMap<String, Record> {
        let read = || {
            let bytes = crate::files::read(self.file.as_ref()?, crate::files::TABLE_LIMIT).ok()?;
            let content: CacheFile = serde_json::from_slice(&bytes).ok()?;
            (content.version == VERSION && content.root == self.root).then_some(content.records)
        };
        if self.records.is_none() {
            self.records = Some(read().unwrap_or_default());
        }
        self.records.get_or_insert_default()
    }

    /// Records of `paths` in their order, keyed by name; files that are new or changed are opened, in parallel. `all` says
    /// that these are all paths of the dataset.
    ///
    /// # Errors
    /// [`DataError::Stopped`] when the monitor says so; what was found until then is kept for next time.
    pub(super) fn look_up(
        cache: &Mutex<Self>,
        paths: &[(String, PathBuf)],
        all: bool,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Record>, DataError> {
        let few = paths.len() <= FEW && !all;
        let stamps: Vec<Option<Stamp>> = match few {
            true => paths.iter().map(|(_, p)| Stamp::of(p).ok()).collect(),
            false => paths.par_iter().map(|(_, p)| Stamp::of(p).ok()).collect(),
        };
        let known = |records: &HashMap<String, Record>| -> Vec<Option<Record>> {
            let one = |((name, _), stamp): (&(String, PathBuf), &Option<Stamp>)| {
                let stamp = (*stamp)?;
                records.get(name).filter(|r| r.stamp == stamp).cloned()
            };
            paths.iter().zip(&stamps).map(one).collect()
        };
        // Whoever waits for a picture does not wait for a large cache.
        let mut out = match (few, cache.try_lock()) {
            (true, Some(cache)) => cache.records.as_ref().map_or_else(|| vec![None; paths.len()], &known),
            (true, None) => vec![None; paths.len()],
            (false, guard) => {
                drop(guard);
                known(cache.lock().records())
            }
        };
        let missing: Vec<usize> = (0..paths.len()).filter(|i| out.get(*i).is_some_and(Option::is_none)).collect();
        if missing.is_empty() {
            return Ok(out.into_iter().map(Option::unwrap_or_default).collect());
        }
        let total = missing.len() as u64;
        let done = AtomicU64::new(0);
        monitor.stage("indexing videos", 0, total);
        let one = |i: usize| {
            if monitor.stopped() {
                return (i, None);
            }
            let stamp = stamps.get(i).copied().flatten().unwrap_or_default();
            let record = paths.get(i).map(|(_, path)| look_inside(path, stamp));
            monitor.stage("indexing videos", done.fetch_add(1, Ordering::Relaxed) + 1, total);
            (i, record)
        };
        let found: Vec<(usize, Option<Record>)> = match few {
            true => missing.into_iter().map(one).collect(),
            false => missing.into_par_iter().map(one).collect(),
        };
        let complete = found.iter().all(|(_, r)| r.is_some());
        if !few || cache.try_lock().is_some_and(|c| c.records.is_some()) {
            let mut cache = cache.lock();
            let records = cache.records();
            for (i, record) in &found {
                if let (Some(record), Some((name, _))) = (record, paths.get(*i)) {
                    records.insert(name.clone(), record.clone());
                }
            }
            if complete && all {
                // Names that are no longer in the dataset would pile up.
                let names: std::collections::HashSet<&String> = paths.iter().map(|(n, _)| n).collect();
                records.retain(|name, _| names.contains(name));
            }
            let due = UNSAVED.max(records.len() / 4);
            cache.unsaved += found.len();
            if all || cache.unsaved >= due {
                cache.save();
            }
        }
        if !complete {
            return Err(DataError::Stopped);
        }
        for (i, record) in found {
            if let Some(slot) = out.get_mut(i) {
                *slot = record;
            }
        }
        Ok(out.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// More about `videos`, in their order; worked out in parallel where it is not known yet.
    ///
    /// # Errors
    /// [`DataError::Stopped`] when the monitor says so; what was found until then is kept for next time.
    pub(super) fn more(
        cache: &Mutex<Self>,
        what: More,
        videos: &[(&str, &Path)],
        monitor: &dyn Monitor,
    ) -> Result<Vec<Option<String>>, DataError> {
        if videos.is_empty() {
            return Ok(Vec::new());
        }
        let known = |records: &HashMap<String, Record>, name: &str| {
            let record = records.get(name)?;
            match what {
                More::Whole => record.whole.clone(),
                More::Looks => record.looks.clone(),
            }
        };
        let missing: Vec<(&str, &Path)> = {
            let mut cache = cache.lock();
            let records = cache.records();
            videos.iter().copied().filter(|(name, _)| known(records, name).is_none()).collect()
        };
        if !missing.is_empty() {
            let (total, done) = (missing.len() as u64, AtomicU64::new(0));
            monitor.stage("comparing videos", 0, total);
            let found: Vec<(&str, Option<String>)> = missing
                .into_par_iter()
                .map(|(name, path)| {
                    if monitor.stopped() {
                        return (name, None);
                    }
                    let text = match what {
                        More::Whole => content::whole(path),
                        More::Looks => super::duplicates::looks(path),
                    };
                    monitor.stage("comparing videos", done.fetch_add(1, Ordering::Relaxed) + 1, total);
                    // What cannot be had is not asked for again.
                    (name, Some(text.unwrap_or_default()))
                })
                .collect();
            let complete = found.iter().all(|(_, text)| text.is_some());
            let mut cache = cache.lock();
            cache.unsaved += found.len();
            let records = cache.records();
            for (name, text) in found {
                let record = records.entry(name.to_owned()).or_default();
                match what {
                    More::Whole => record.whole = text,
                    More::Looks => record.looks = text,
                }
            }
            cache.save();
            if !complete {
                return Err(DataError::Stopped);
            }
        }
        let mut cache = cache.lock();
        let records = cache.records();
        Ok(videos.iter().map(|(name, _)| known(records, name).filter(|t| !t.is_empty())).collect())
    }

    /// Writes what the file does not have. A cache that cannot be written costs time, not results.
    pub(super) fn save(&mut self) {
        let (Some(file), Some(records), true) = (&self.file, &mut self.records, self.unsaved > 0) else { return };
        let content = CacheFile { version: VERSION, root: self.root.clone(), records: std::mem::take(records) };
        let write = || -> std::io::Result<()> {
            crate::files::replace_cached(file, &serde_json::to_vec(&content).map_err(std::io::Error::other)?)
        };
        if let Err(e) = write() {
            log::warn!("the video index cannot be kept in {}: {e}", file.display());
        }
        *records = content.records;
        self.unsaved = 0;
    }
}

/// Opens a video and notes its properties.
fn look_inside(path: &Path, stamp: Stamp) -> Record {
    match Video::open_looked(path) {
        Ok(video) => {
            let info = video.info();
            let facts = VideoFacts {
                width: info.width,
                height: info.height,
                fps: info.fps,
                frames: info.frames,
                duration_s: info.duration_s,
                codec: info.codec.clone(),
                variable_frame_rate: info.variable_frame_rate,
                gaps: info.gaps.clone(),
                content: content::quick(path),
            };
            Record { stamp, facts: Some(facts), warnings: info.warnings.clone(), ..Record::default() }
        }
        Err(e) => {
            let hint = if scan::is_video(path) || path.is_dir() { "" } else { " (its name is not that of a video)" };
            let warnings = vec![format!("{e}{hint}; it is left out, replace or remove it")];
            Record { stamp, warnings, ..Record::default() }
        }
    }
}
