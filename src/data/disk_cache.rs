//! Frames at training size on disk: what does not fit into memory is decoded once all the same, and the next run on the
//! same videos decodes nothing.
//!
//! A file holds consecutive frames of one video at one size:
//!
//! | bytes | |
//! | --- | --- |
//! | 8 | `KLFRAME\n` |
//! | 4 | length of the head |
//! | … | head, JSON: what the frames are and of which file |
//! | count · w · h · 3 | frames, RGB |
//! | count · 8 | mean grey (`f32`) and CRC-32C of each frame |
//! | 4 | CRC-32C of those |
//!
//! Numbers are little-endian. A file that does not fit its video any more, or is damaged, counts as missing.

use crate::domain::name_text;
use crate::files::stage;
use md5::{Digest, Md5};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Raised whenever frames of an earlier version would be wrong.
const VERSION: u32 = 2;
const MAGIC: &[u8; 8] = b"KLFRAME\n";
/// Longest head that is believed.
const MAX_HEAD: usize = 1 << 20;
/// Bytes of a row of the table behind the frames.
const ROW: usize = 8;

/// Which frames: everything their values depend on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FramesKey {
    version: u32,
    decoder: String,
    /// As [`name_text`] writes it.
    path: String,
    bytes: u64,
    modified_ns: u128,
    pub width: u32,
    pub height: u32,
    pub antialias: bool,
    /// First frame, and the one behind the last.
    pub frames: (u32, u32),
}

impl FramesKey {
    /// Of frames of a video file. `None` for folders, whose pictures may change without it, and files that are gone.
    pub fn of(path: &Path, (width, height): (u32, u32), antialias: bool, frames: (u32, u32)) -> Option<Self> {
        let path = path.canonicalize().ok()?;
        let metadata = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let modified = metadata.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        let path = name_text(path.as_os_str());
        let (bytes, modified_ns, decoder) = (metadata.len(), modified.as_nanos(), crate::video::decoder_version());
        Some(Self { version: VERSION, decoder, path, bytes, modified_ns, width, height, antialias, frames })
    }

    fn file_name(&self) -> String {
        let name: String = Md5::digest(format!("{self:?}")).iter().map(|b| format!("{b:02x}")).collect();
        name + ".frames"
    }

    fn frame_bytes(&self) -> usize {
        self.width as usize * self.height as usize * 3
    }

    fn count(&self) -> usize {
        self.frames.1.saturating_sub(self.frames.0) as usize
    }

    /// Bytes of the file, within a few hundred.
    fn file_bytes(&self) -> u64 {
        (self.count() * (self.frame_bytes() + ROW)) as u64
    }
}

/// A folder of frames, kept below a number of bytes.
pub(super) struct FrameFiles {
    folder: PathBuf,
    budget: u64,
    /// What was used since then is not thrown away for something new.
    since: SystemTime,
    /// Bytes being written, and whether writing failed: then no more is tried.
    writing: Mutex<(u64, bool)>,
}

impl FrameFiles {
    /// In `folder`, which need not be there yet.
    pub fn new(folder: PathBuf, budget: u64) -> Self {
        Self { folder, budget, since: SystemTime::now(), writing: Mutex::default() }
    }

    /// The frames of a key, if they are there and sound as far as can be told without reading them all.
    pub fn open(&self, key: &FramesKey) -> Option<Stored> {
        let path = self.folder.join(key.file_name());
        let mut file = File::options().read(true).write(true).open(&path).ok()?;
        let stored = Stored::read_table(&mut file, key);
        match stored {
            Some((start, table)) => {
                // Says that it is in use, for this program and others.
                let _ = file.set_modified(SystemTime::now());
                Some(Stored { file: Mutex::new(file), start, table, first: key.frames.0, bytes: key.frame_bytes() })
            }
            None => {
                let _ = std::fs::remove_file(&path);
                None
            }
        }
    }

    /// Starts a file for the frames of a key; `None` when there is no room for it or writing failed before.
    pub fn begin(self: &Arc<Self>, key: &FramesKey) -> Option<Writing> {
        let mut writing = self.writing.lock();
        if writing.1 || key.count() == 0 || !self.make_room(key.file_bytes().checked_add(writing.0)?) {
            return None;
        }
        let begun = Writing::begin(self, key);
        match begun {
            Ok(w) => {
                writing.0 += w.reserved;
                Some(w)
            }
            Err(error) => {
                writing.1 = true;
                log::warn!("frames are not kept on disk: {} cannot be written to ({error})", self.folder.display());
                None
            }
        }
    }

    /// Deletes what was not used for longest until `bytes` more fit; false when they cannot.
    fn make_room(&self, bytes: u64) -> bool {
        let Some(allowed) = self.budget.checked_sub(bytes) else { return false };
        let mut files: Vec<(SystemTime, u64, PathBuf)> = std::fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter(|e| e.path().extension().is_some_and(|x| x == "frames"))
            .filter_map(|e| e.metadata().ok().and_then(|m| Some((m.modified().ok()?, m.len(), e.path()))))
            .collect();
        files.sort();
        let mut held: u64 = files.iter().map(|f| f.1).sum();
        let mut removed = 0;
        for (used, size, path) in &files {
            if held <= allowed {
                break;
            }
            if *used >= self.since {
                return false;
            }
            if std::fs::remove_file(path).is_ok() {
                (held, removed) = (held - size, removed + 1);
            }
        }
        if removed > 0 {
            log::debug!("{}: {removed} old files deleted to make room", self.folder.display());
        }
        held <= allowed
    }
}

/// Frames on disk.
pub(super) struct Stored {
    file: Mutex<File>,
    start: u64,
    /// Mean grey and checksum of each frame.
    table: Vec<(f32, u32)>,
    first: u32,
    bytes: usize,
}

impl Stored {
    /// Where frames begin, and the table behind them.
    fn read_table(file: &mut File, key: &FramesKey) -> Option<(u64, Vec<(f32, u32)>)> {
        let mut start = [0_u8; 12];
        file.read_exact(&mut start).ok()?;
        let (magic, length) = start.split_first_chunk::<8>()?;
        let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
        if magic != MAGIC || length > MAX_HEAD {
            return None;
        }
        let mut head = vec![0; length];
        file.read_exact(&mut head).ok()?;
        let start = (12 + length) as u64;
        let table_at = start.checked_add((key.count() * key.frame_bytes()) as u64)?;
        let mut table = vec![0; key.count() * ROW + 4];
        let fits = serde_json::from_slice::<FramesKey>(&head).ok()? == *key
            && file.metadata().ok()?.len() == table_at + table.len() as u64;
        if !fits {
            return None;
        }
        file.seek(SeekFrom::Start(table_at)).ok()?;
        file.read_exact(&mut table).ok()?;
        let (rows, sum) = table.split_last_chunk::<4>()?;
        if crc32c::crc32c(rows) != u32::from_le_bytes(*sum) {
            return None;
        }
        let row = |r: &[u8; ROW]| {
            let number = u64::from_le_bytes(*r);
            (f32::from_bits(number as u32), (number >> 32) as u32)
        };
        Some((start, rows.as_chunks::<ROW>().0.iter().map(row).collect()))
    }

    /// Reads the frame of this number into `to` and returns its mean grey; `None` when it is not there or damaged.
    pub fn read(&self, number: u32, to: &mut [u8]) -> Option<f32> {
        let at = number.checked_sub(self.first)? as usize;
        let (grey, sum) = *self.table.get(at)?;
        if to.len() != self.bytes {
            return None;
        }
        let mut file = self.file.lock();
        file.seek(SeekFrom::Start(self.start + (at * self.bytes) as u64)).ok()?;
        file.read_exact(to).ok()?;
        drop(file);
        (crc32c::crc32c(to) == sum).then_some(grey)
    }
}

/// A file of frames being written; nothing is left of one that is not finished.
pub(super) struct Writing {
    home: Arc<FrameFiles>,
    /// Gone once it has got its name.
    file: Option<BufWriter<tempfile::NamedTempFile>>,
    target: PathBuf,
    bytes: usize,
    count: usize,
    table: Vec<u8>,
    reserved: u64,
}

impl Writing {
    fn begin(home: &Arc<FrameFiles>, key: &FramesKey) -> std::io::Result<Self> {
        std::fs::create_dir_all(&home.folder)?;
        let mut file = BufWriter::with_capacity(1 << 20, stage().tempfile_in(&home.folder)?);
        let head = serde_json::to_vec(key).map_err(std::io::Error::other)?;
        file.write_all(MAGIC)?;
        file.write_all(&(head.len() as u32).to_le_bytes())?;
        file.write_all(&head)?;
        let (target, reserved) = (home.folder.join(key.file_name()), key.file_bytes());
        let (bytes, count) = (key.frame_bytes(), key.count());
        Ok(Self { home: home.clone(), file: Some(file), target, bytes, count, table: Vec::new(), reserved })
    }

    /// Appends frames, with the mean grey of each. False when the disk refuses; the file is then given up.
    pub fn push(&mut self, frames: &[u8], greys: &[f32]) -> bool {
        for (frame, grey) in frames.chunks_exact(self.bytes.max(1)).zip(greys) {
            self.table.extend(grey.to_le_bytes());
            self.table.extend(crc32c::crc32c(frame).to_le_bytes());
        }
        let written = self.file.as_mut().map_or(Ok(()), |f| f.write_all(frames));
        self.accept(written)
    }

    /// Makes the file appear, if as many frames came as were announced.
    pub fn finish(mut self) {
        if self.table.len() != self.count * ROW {
            return;
        }
        let Some(mut file) = self.file.take() else { return };
        let sum = crc32c::crc32c(&self.table).to_le_bytes();
        let written = file.write_all(&self.table).and_then(|()| file.write_all(&sum));
        let written = written.and_then(|()| file.into_inner().map_err(std::io::IntoInnerError::into_error));
        self.accept(written.and_then(|f| f.persist(&self.target).map_err(|e| e.error)).map(drop));
    }

    fn accept(&self, written: std::io::Result<()>) -> bool {
        if let Err(error) = &written {
            let mut state = self.home.writing.lock();
            if !state.1 {
                let folder = self.home.folder.display();
                log::warn!("frames are no longer kept on disk: {folder} cannot be written to ({error})");
            }
            state.1 = true;
        }
        written.is_ok()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut state = self.home.writing.lock();
        state.0 = state.0.saturating_sub(self.reserved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: (u32, u32) = (4, 3);

    fn frame(n: u32) -> Vec<u8> {
        (0..36).map(|i| (i * 5 + n * 31) as u8).collect()
    }

    /// A "video" of its own for each name, and a file with its frames 10 to 14.
    fn store(files: &Arc<FrameFiles>, dir: &Path, name: &str) -> Option<FramesKey> {
        let path = dir.join(name);
        std::fs::write(&path, name).unwrap();
        let key = FramesKey::of(&path, SIZE, false, (10, 15)).unwrap();
        let mut writing = files.begin(&key)?;
        for n in 10..15 {
            assert!(writing.push(&frame(n), &[n as f32]));
        }
        writing.finish();
        Some(key)
    }

    #[test]
    fn frames_come_back_as_they_were_until_their_video_changes() {
        let dir = tempfile::tempdir().unwrap();
        let files = Arc::new(FrameFiles::new(dir.path().join("frames"), 1 << 20));
        let key = store(&files, dir.path(), "a.mp4").unwrap();
        let stored = files.open(&key).unwrap();
        let mut to = vec![0; 36];
        for n in [14, 10, 12] {
            assert_eq!(stored.read(n, &mut to), Some(n as f32));
            assert_eq!(to, frame(n));
        }
        assert_eq!([stored.read(9, &mut to), stored.read(15, &mut to)], [None; 2]);
        let other = FramesKey { antialias: true, ..key.clone() };
        assert!(files.open(&other).is_none());
        std::fs::write(dir.path().join("a.mp4"), "another video").unwrap();
        let changed = FramesKey::of(&dir.path().join("a.mp4"), SIZE, false, (10, 15)).unwrap();
        assert!(files.open(&changed).is_none());
        assert!(FramesKey::of(dir.path(), SIZE, false, (0, 1)).is_none(), "a folder's pictures change without it");
    }

    #[test]
    fn every_kind_of_damage_counts_as_missing() {
        let dir = tempfile::tempdir().unwrap();
        let files = Arc::new(FrameFiles::new(dir.path().join("frames"), 1 << 20));
        let mut to = vec![0; 36];
        let sound = |files: &Arc<FrameFiles>, key: &FramesKey, to: &mut [u8]| {
            files.open(key).is_some_and(|s| (10..15).all(|n| s.read(n, to).is_some()))
        };
        let key = store(&files, dir.path(), "b.mp4").unwrap();
        let path = files.folder.join(key.file_name());
        let bytes = std::fs::read(&path).unwrap();
        assert!(sound(&files, &key, &mut to));
        for at in (0..bytes.len()).step_by(7) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            std::fs::write(&path, &damaged).unwrap();
            assert!(!sound(&files, &key, &mut to), "a changed byte {at} of {} went unnoticed", bytes.len());
            std::fs::write(&path, &bytes[..at]).unwrap();
            assert!(!sound(&files, &key, &mut to), "cut off at {at}");
        }
    }

    #[test]
    fn the_folder_stays_within_its_budget_and_the_oldest_goes_first() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("frames");
        let size = || std::fs::read_dir(&folder).unwrap().map(|f| f.unwrap().metadata().unwrap().len()).sum::<u64>();
        let files = Arc::new(FrameFiles::new(folder.clone(), 1 << 20));
        let keys = ["c.mp4", "d.mp4", "e.mp4"].map(|n| store(&files, dir.path(), n).unwrap());
        let all = size();
        let aged = SystemTime::now() - std::time::Duration::from_secs(3600);
        for (i, key) in keys.iter().enumerate() {
            let file = File::options().write(true).open(folder.join(key.file_name())).unwrap();
            file.set_modified(aged + std::time::Duration::from_secs(i as u64)).unwrap();
        }
        let later = Arc::new(FrameFiles::new(folder.clone(), all));
        assert!(later.open(&keys[0]).is_some());
        let new = store(&later, dir.path(), "f.mp4").unwrap();
        assert!(size() <= all);
        // The first was used just now, so the second had to go.
        assert!(later.open(&keys[0]).is_some() && later.open(&keys[1]).is_none() && later.open(&new).is_some());
        // What this run uses is not thrown away for more of it.
        assert!(later.open(&keys[2]).is_some());
        assert!(store(&later, dir.path(), "g.mp4").is_none());
        assert!(later.open(&new).is_some());
        let nowhere = Arc::new(FrameFiles::new(dir.path().join("c.mp4/frames"), all));
        assert!(store(&nowhere, dir.path(), "h.mp4").is_none());
    }
}
