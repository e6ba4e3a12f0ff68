//! Frames of clips at training size: decoded once, kept while memory lasts.

use super::DataError;
use super::augment::{Draw, mean_grey};
use super::frame_files::{FrameFiles, Key, Stored};
use super::pixels::Spare;
use super::preprocess::Normalizer;
use super::resize::{Resizer, Sparse};
use crate::config::{ClipConfig, RunConfig};
use crate::domain::{Clip, Dataset, Label, RgbImage, VideoEntry};
use crate::files::cache_dir;
use crate::progress::Monitor;
use crate::video::{Picture, Video, VideoError};
use parking_lot::{Condvar, Mutex};
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Opened videos kept for clips that do not fit into memory.
const OPEN_VIDEOS: usize = 8;

/// Opened files of frames.
const OPEN_FRAMES: usize = 64;

/// Frames decoded at a time on their way to disk: the most memory that takes.
const DISK_CHUNK: usize = 1024;

/// Parts of a video each thread decodes.
const PARTS_A_THREAD: usize = 12;

/// Frames for which a part of its own pays.
const WORTH_A_PART: usize = 12;

/// Crops keep their detail up to this enlargement of the training size.
const MAX_ENLARGEMENT: f32 = 2.0;

/// How large frames are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Size {
    /// The network's input, resized exactly as evaluation wants it.
    Exact,
    /// Larger, so that a random crop blown up to the input still shows what the video shows.
    ForCrops,
}

/// Frames of one video at one size.
struct Frames {
    size: (u32, u32),
    /// Which, ascending.
    numbers: Vec<u32>,
    /// RGB, frame after frame.
    data: Vec<u8>,
    /// Mean grey of each frame.
    greys: Vec<f32>,
}

impl Frames {
    fn frame(&self, number: u32) -> Option<(&[u8], f32)> {
        let at = self.numbers.binary_search(&number).ok()?;
        let bytes = self.size.0 as usize * self.size.1 as usize * 3;
        Some((self.data.get(at * bytes..(at + 1) * bytes)?, *self.greys.get(at)?))
    }

    fn hold(&self, numbers: &[u32]) -> bool {
        numbers.iter().all(|n| self.numbers.binary_search(n).is_ok())
    }
}

enum Slot {
    /// Somebody is decoding it.
    Loading,
    Ready {
        frames: Arc<Frames>,
        used: u64,
    },
}

#[derive(Default)]
struct Store {
    slots: HashMap<(usize, Size), Slot>,
    bytes: usize,
    tick: u64,
}

/// Where clips get their pixels. Shared by all loading threads.
///
/// Each video is decoded once, in order, shrunk to the training size and kept while `training.cache_mib` lasts; of videos
/// labelled only in part, just that part is kept, and where it was said which clips will be asked for
/// ([`ClipSource::announce`]), just their frames. When memory runs out, videos nobody asked for lately make room; while
/// all are in use (a shuffled epoch), clips of the others come from disk, if frames are kept there
/// ([`ClipSource::with_disk`]), or are decoded one by one. With `augment.crop` training frames are kept larger, by up to
/// twice.
pub struct ClipSource {
    dataset: Arc<Dataset>,
    clip: ClipConfig,
    background: bool,
    normalizer: Normalizer,
    crop_size: (u32, u32),
    budget: usize,
    store: Mutex<Store>,
    ready: Condvar,
    opened: Mutex<Vec<(usize, Video)>>,
    /// A video is in use while it was asked for within this many requests.
    retention: AtomicU64,
    /// Videos being decoded.
    decoding: AtomicUsize,
    /// Frames of each video that clips were announced for.
    announced: Mutex<HashMap<usize, Vec<bool>>>,
    disk: Option<Disk>,
    /// Memory of batches that were used up.
    spare: Arc<Spare>,
}

/// A video's file of frames of one size.
type OpenedFrames = ((usize, Size), Arc<Stored>);

/// Frames kept on disk, and the files opened lately.
struct Disk {
    files: Arc<FrameFiles>,
    opened: Mutex<Vec<OpenedFrames>>,
    /// One video at a time is decoded to disk: each decodes on all cores.
    filling: Mutex<()>,
}

impl ClipSource {
    /// A source over a dataset, with the clip shape, augmentation and memory budget of a configuration.
    pub fn new(dataset: Arc<Dataset>, config: &RunConfig) -> Self {
        let clip = config.clip.clone();
        let enlarge = match (&config.augment.crop, config.augment.enabled) {
            (Some(crop), true) => (1.0 / crop.scale.0.clamp(0.01, 1.0).sqrt()).min(MAX_ENLARGEMENT),
            _ => 1.0,
        };
        let larger = |v: u32| (v as f32 * enlarge).round() as u32;
        Self {
            normalizer: Normalizer::new(&clip),
            crop_size: (larger(clip.width), larger(clip.height)),
            budget: config.training.cache_mib.saturating_mul(1 << 20),
            background: config.data.background_class,
            dataset,
            clip,
            store: Mutex::default(),
            ready: Condvar::new(),
            opened: Mutex::default(),
            retention: AtomicU64::new(64),
            decoding: AtomicUsize::new(0),
            announced: Mutex::default(),
            disk: None,
            spare: Arc::default(),
        }
    }

    /// The same, keeping decoded frames in the folder for caches too, in as much space as the configuration allows.
    #[must_use]
    pub fn with_disk(self, config: &RunConfig) -> Self {
        let budget = (config.training.disk_cache_mib as u64).saturating_mul(1 << 20);
        match cache_dir().filter(|_| budget > 0) {
            Some(cache) => self.with_disk_at(cache.join("frames"), budget),
            None => self,
        }
    }

    /// The same, keeping decoded frames in `folder` too, in at most `budget` bytes.
    #[must_use]
    pub fn with_disk_at(self, folder: PathBuf, budget: u64) -> Self {
        let files = Arc::new(FrameFiles::new(folder, budget));
        Self { disk: Some(Disk { files, opened: Mutex::default(), filling: Mutex::default() }), ..self }
    }

    /// The dataset clips refer to.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// Shape and normalisation of the clips.
    pub fn clip_config(&self) -> &ClipConfig {
        &self.clip
    }

    /// Numbers in one clip: `3 · T · H · W`.
    pub fn clip_len(&self) -> usize {
        3 * self.clip.length as usize * self.clip.height as usize * self.clip.width as usize
    }

    /// Memory for batches.
    pub(super) fn spare(&self) -> &Arc<Spare> {
        &self.spare
    }

    /// Bytes of frames held, and the most that may be.
    pub fn usage(&self) -> (usize, usize) {
        (self.store.lock().bytes, self.budget)
    }

    /// One clip as `[3, T, H, W]`, normalised; changed by `draw` if there is one.
    ///
    /// # Errors
    /// When the video is gone or cannot be decoded.
    pub fn pixels(&self, clip: &Clip, draw: Option<&Draw>) -> Result<Vec<f32>, DataError> {
        let mut out = vec![0.0; self.clip_len()];
        self.write(clip, draw, &mut out, &AtomicBool::new(false))?;
        Ok(out)
    }

    /// The frames of a clip as pictures of the training size, before any change: the "before" of a preview.
    ///
    /// # Errors
    /// As [`ClipSource::pixels`].
    pub fn pictures(&self, clip: &Clip) -> Result<Vec<RgbImage>, DataError> {
        let (frames, numbers) = self.frames(clip, Size::Exact, &AtomicBool::new(false))?;
        let picture =
            |n: &u32| frames.frame(*n).and_then(|(d, _)| RgbImage::new(frames.size.0, frames.size.1, d.to_vec()));
        Ok(numbers.iter().filter_map(picture).collect())
    }

    /// Pictures of what the network gets for a clip under a draw: the "after" of a preview.
    ///
    /// # Errors
    /// As [`ClipSource::pixels`].
    pub fn augmented(&self, clip: &Clip, draw: &Draw) -> Result<Vec<RgbImage>, DataError> {
        let pixels = self.pixels(clip, Some(draw))?;
        Ok(self.normalizer.denormalize(&pixels, self.clip.width, self.clip.height))
    }

    /// Writes one clip into `out` of [`ClipSource::clip_len`] numbers. `stop` ends long decoding early.
    pub(super) fn write(
        &self,
        clip: &Clip,
        draw: Option<&Draw>,
        out: &mut [f32],
        stop: &AtomicBool,
    ) -> Result<(), DataError> {
        let size = if draw.is_some() && self.crop_size != self.exact_size() { Size::ForCrops } else { Size::Exact };
        let (frames, numbers) = self.frames(clip, size, stop)?;
        let found: Vec<(&[u8], f32)> = numbers.iter().filter_map(|n| frames.frame(*n)).collect();
        if found.len() != self.clip.length as usize {
            return Err(DataError::NoSuchClip { video: clip.video, start: clip.start });
        }
        match draw {
            Some(draw) => {
                let grey = found.iter().map(|(_, g)| g).sum::<f32>() / found.len() as f32;
                let data: Vec<&[u8]> = found.iter().map(|(d, _)| *d).collect();
                draw.write(&data, frames.size, grey, self.exact_size(), &self.normalizer, out);
            }
            None => {
                for (t, (data, _)) in found.iter().enumerate() {
                    self.normalizer.write_frame(data, t, found.len(), out);
                }
            }
        }
        Ok(())
    }

    /// Decodes the videos of `clips` ahead, in parallel, as far as memory allows; so that the first epoch is as fast as
    /// the others and shows its progress.
    ///
    /// # Errors
    /// The first video that cannot be decoded, or [`DataError::Stopped`].
    pub fn preload(&self, clips: &[Clip], augmented: bool, monitor: &dyn Monitor) -> Result<(), DataError> {
        let mut videos: Vec<usize> = clips.iter().map(|c| c.video).collect();
        videos.dedup();
        videos.sort_unstable();
        videos.dedup();
        let size = if augmented && self.crop_size != self.exact_size() { Size::ForCrops } else { Size::Exact };
        self.announce(clips);
        // While preloading nothing may push out what was just loaded.
        self.retain_for(clips.len());
        let total = videos.len() as u64;
        let done = AtomicU64::new(0);
        monitor.stage("decoding videos", 0, total);
        let stop = AtomicBool::new(false);
        videos.par_iter().try_for_each(|video| {
            if monitor.stopped() {
                stop.store(true, Ordering::Relaxed);
                return Err(DataError::Stopped);
            }
            self.held(*video, size, &[], &stop)?;
            monitor.stage("decoding videos", done.fetch_add(1, Ordering::Relaxed) + 1, total);
            Ok(())
        })
    }

    /// Says which clips will be asked for, so that frames which belong to none of them need not be decoded. Others may be
    /// asked for all the same.
    pub fn announce(&self, clips: &[Clip]) {
        let geometry = self.clip.geometry();
        let mut announced = self.announced.lock();
        for clip in clips {
            let Some(entry) = self.entry(clip.video).filter(|e| clip.start < e.frames()) else { continue };
            let wanted = announced.entry(clip.video).or_insert_with(|| vec![false; entry.frames() as usize]);
            for number in entry.clip_frames(geometry, clip.start) {
                wanted.get_mut(number as usize).into_iter().for_each(|w| *w = true);
            }
        }
    }

    /// The frames of a video to decode when some of them are asked for.
    fn worth_decoding(&self, video: usize, (start, end): (u32, u32)) -> Vec<u32> {
        // What is kept on disk is for later runs too, which may want other clips.
        if self.disk.is_some() {
            return self.all_of(video, (start, end));
        }
        match self.announced.lock().get(&video) {
            Some(wanted) => (start..end).filter(|n| wanted.get(*n as usize).is_some_and(|w| *w)).collect(),
            None => self.all_of(video, (start, end)),
        }
    }

    /// The frames of a part that can be shown.
    fn all_of(&self, video: usize, (start, end): (u32, u32)) -> Vec<u32> {
        let facts = self.entry(video).and_then(|e| e.facts.as_ref());
        (start..end).filter(|n| !facts.is_some_and(|f| f.in_gap(*n))).collect()
    }

    /// Keeps what a shuffled epoch over so many clips uses from being pushed out.
    pub(super) fn retain_for(&self, clips: usize) {
        self.retention.fetch_max(2 * clips as u64 + 64, Ordering::Relaxed);
    }

    fn exact_size(&self) -> (u32, u32) {
        (self.clip.width, self.clip.height)
    }

    fn pixel_size(&self, size: Size) -> (u32, u32) {
        match size {
            Size::Exact => self.exact_size(),
            Size::ForCrops => self.crop_size,
        }
    }

    fn entry(&self, video: usize) -> Option<&VideoEntry> {
        self.dataset.videos.get(video)
    }

    /// Frames that hold the clip, and the clip's frame numbers.
    fn frames(&self, clip: &Clip, size: Size, stop: &AtomicBool) -> Result<(Arc<Frames>, Vec<u32>), DataError> {
        let missing = DataError::NoSuchClip { video: clip.video, start: clip.start };
        let Some(entry) = self.entry(clip.video) else { return Err(missing) };
        if entry.frames() == 0 || clip.start >= entry.frames() {
            return Err(missing);
        }
        let numbers = entry.clip_frames(self.clip.geometry(), clip.start);
        // Frames in memory must not hide that the dataset is gone: a run that goes on without it cannot be judged.
        if !entry.path.exists() {
            return Err(DataError::Gone { path: entry.path.clone() });
        }
        if let Some(frames) = self.held(clip.video, size, &numbers, stop)?
            && frames.hold(&numbers)
        {
            return Ok((frames, numbers));
        }
        // One that passes the end of its video repeats the last frame.
        let mut part = numbers.clone();
        part.sort_unstable();
        part.dedup();
        if let Some(frames) = self.kept_on_disk(clip.video, entry, &part, size, stop)? {
            return Ok((Arc::new(frames), numbers));
        }
        let video = self.opened(clip.video, entry)?;
        let frames = self.decode(&video, entry, &part, size, stop)?;
        Ok((Arc::new(frames), numbers))
    }

    /// The frames of a video that are worth keeping, `asked` among them if they can be, from memory; decoded first if
    /// there is room, `None` when there is not.
    fn held(
        &self,
        video: usize,
        size: Size,
        asked: &[u32],
        stop: &AtomicBool,
    ) -> Result<Option<Arc<Frames>>, DataError> {
        let Some(entry) = self.entry(video) else { return Ok(None) };
        let key = (video, size);
        let (width, height) = self.pixel_size(size);
        let (start, end) = self.useful_part(entry);
        let useful = (end - start) as usize;
        let mut store = self.store.lock();
        store.tick += 1;
        let tick = store.tick;
        let mut everything = false;
        loop {
            match store.slots.get_mut(&key) {
                Some(Slot::Ready { frames, used }) => {
                    *used = tick;
                    // A clip nobody announced. Where one comes others will: now all is decoded.
                    let lacks = frames.numbers.len() < useful && !frames.hold(asked);
                    if !lacks || asked.iter().any(|n| !(start..end).contains(n)) {
                        return Ok(Some(frames.clone()));
                    }
                    let held = frames.data.len();
                    everything = true;
                    store.slots.remove(&key);
                    store.bytes = store.bytes.saturating_sub(held);
                }
                Some(Slot::Loading) => self.ready.wait(&mut store),
                None => break,
            }
            if stop.load(Ordering::Relaxed) {
                return Err(DataError::Stopped);
            }
        }
        let mut numbers = self.worth_decoding(video, (start, end));
        if everything || asked.iter().any(|n| numbers.binary_search(n).is_err()) {
            numbers = self.all_of(video, (start, end));
        }
        let bytes = numbers.len() * width as usize * height as usize * 3;
        if bytes == 0 || !store.make_room(bytes, self.budget, self.retention.load(Ordering::Relaxed)) {
            return Ok(None);
        }
        store.slots.insert(key, Slot::Loading);
        store.bytes += bytes;
        drop(store);
        // Returns the reservation whatever happens while decoding.
        let mut guard = Reservation { source: self, key, bytes, filled: None };
        let frames = match self.read(video, entry, &numbers, size) {
            Some(frames) => frames,
            None => {
                let frames = self.decode(&Video::open(&entry.path)?, entry, &numbers, size, stop)?;
                if frames.numbers.len() == useful {
                    self.keep(entry, &frames, size);
                }
                frames
            }
        };
        let frames = Arc::new(frames);
        guard.filled = Some(frames.clone());
        Ok(Some(frames))
    }

    /// What the frames of a part are called on disk, if frames are kept there.
    fn key(&self, entry: &VideoEntry, (start, end): (u32, u32), size: Size) -> Option<(&Disk, Key)> {
        let disk = self.disk.as_ref()?;
        Some((disk, Key::of(&entry.path, self.pixel_size(size), self.clip.antialias, (start, end))?))
    }

    /// The file of a video's useful part, if there is one.
    fn stored(&self, video: usize, entry: &VideoEntry, size: Size) -> Option<Arc<Stored>> {
        let mut opened = self.disk.as_ref()?.opened.lock();
        if let Some(at) = opened.iter().position(|(k, _)| *k == (video, size)) {
            let hit = opened.remove(at);
            opened.push(hit.clone());
            return Some(hit.1);
        }
        // Asks the file system about the video: not once a clip.
        let (disk, key) = self.key(entry, self.useful_part(entry), size)?;
        let stored = Arc::new(disk.files.open(&key)?);
        if opened.len() >= OPEN_FRAMES {
            opened.remove(0);
        }
        opened.push(((video, size), stored.clone()));
        Some(stored)
    }

    /// Frames from disk; `None` unless all are there and sound.
    fn read(&self, video: usize, entry: &VideoEntry, numbers: &[u32], size: Size) -> Option<Frames> {
        let stored = self.stored(video, entry, size)?;
        let pixels = self.pixel_size(size);
        let bytes = pixels.0 as usize * pixels.1 as usize * 3;
        let (mut data, mut greys) = (vec![0; numbers.len() * bytes], Vec::with_capacity(numbers.len()));
        for (number, frame) in numbers.iter().zip(data.chunks_exact_mut(bytes)) {
            greys.push(stored.read(*number, frame)?);
        }
        Some(Frames { size: pixels, numbers: numbers.to_vec(), data, greys })
    }

    /// Writes what was decoded of a video's useful part to disk, if frames are kept there.
    fn keep(&self, entry: &VideoEntry, frames: &Frames, size: Size) {
        let Some((disk, key)) = self.key(entry, self.useful_part(entry), size) else { return };
        if let Some(mut writing) = disk.files.begin(&key)
            && writing.push(&frames.data, &frames.greys)
        {
            writing.finish();
        }
    }

    /// A clip of a video that memory has no room for, from disk, where all of the video's useful part is brought first;
    /// `None` where frames are not kept on disk or have no room there either.
    fn kept_on_disk(
        &self,
        video: usize,
        entry: &VideoEntry,
        part: &[u32],
        size: Size,
        stop: &AtomicBool,
    ) -> Result<Option<Frames>, DataError> {
        let Some(disk) = &self.disk else { return Ok(None) };
        if let Some(frames) = self.read(video, entry, part, size) {
            return Ok(Some(frames));
        }
        let filling = disk.filling.lock();
        // Another thread may have brought it meanwhile.
        if self.stored(video, entry, size).is_none() {
            let (start, end) = self.useful_part(entry);
            let Some(mut writing) = self.key(entry, (start, end), size).and_then(|(d, key)| d.files.begin(&key)) else {
                return Ok(None);
            };
            let opened = Video::open(&entry.path)?;
            for from in (start..end).step_by(DISK_CHUNK) {
                let chunk: Vec<u32> = (from..end.min(from + DISK_CHUNK as u32)).collect();
                let frames = self.decode(&opened, entry, &chunk, size, stop)?;
                if !writing.push(&frames.data, &frames.greys) {
                    return Ok(None);
                }
            }
            writing.finish();
        }
        drop(filling);
        Ok(self.read(video, entry, part, size))
    }

    /// Frames worth keeping: all, or from the first to the last labelled one (and a clip's reach around them) when that
    /// is at most two thirds of the video.
    fn useful_part(&self, entry: &VideoEntry) -> (u32, u32) {
        let frames = entry.frames();
        let wanted = |l: Label| self.background || l != Label::Background;
        let mut labelled = entry.labels.clipped(frames).filter(|s| wanted(s.label));
        let Some(first) = labelled.next() else { return (0, frames) };
        let last = labelled.last().unwrap_or(first);
        let reach = self.clip.geometry().span();
        let (start, end) = (first.start.saturating_sub(reach), last.end.saturating_add(reach).min(frames));
        if u64::from(end - start) * 3 <= u64::from(frames) * 2 { (start, end) } else { (0, frames) }
    }

    /// An opened video, for single clips.
    fn opened(&self, index: usize, entry: &VideoEntry) -> Result<Video, DataError> {
        let mut opened = self.opened.lock();
        if let Some(at) = opened.iter().position(|(i, _)| *i == index) {
            let hit = opened.remove(at);
            opened.push(hit.clone());
            return Ok(hit.1);
        }
        drop(opened);
        let video = Video::open(&entry.path)?;
        let mut opened = self.opened.lock();
        if opened.len() >= OPEN_VIDEOS {
            opened.remove(0);
        }
        opened.push((index, video.clone()));
        Ok(video)
    }

    /// Decodes frames of a video (ascending) at the wanted size.
    fn decode(
        &self,
        video: &Video,
        entry: &VideoEntry,
        part: &[u32],
        size: Size,
        stop: &AtomicBool,
    ) -> Result<Frames, DataError> {
        let size = self.pixel_size(size);
        let bytes = size.0 as usize * size.1 as usize * 3;
        let mut data = vec![0; part.len() * bytes];
        let mut greys = vec![0.0; part.len()];
        // A video is decoded by several decoders side by side, each from a key frame to another.
        let busy = Busy::begin(&self.decoding);
        // More parts than threads, so that none waits long for the last.
        let threads = rayon::current_num_threads() / busy.videos;
        let most = (PARTS_A_THREAD * threads).min(part.len() / WORTH_A_PART);
        let (start, end) = (part.first().copied().unwrap_or(0), part.last().map_or(0, |n| n + 1));
        let mut jobs = Vec::new();
        let (mut frames, mut rest, mut rest_greys) = (part, data.as_mut_slice(), greys.as_mut_slice());
        for (_, end) in video.parts(start, end, most)? {
            let count = frames.partition_point(|n| *n < end);
            let (own, later) = frames.split_at(count);
            let (pictures, later_pictures) = rest.split_at_mut(count * bytes);
            let (own_greys, later_greys) = rest_greys.split_at_mut(count);
            (frames, rest, rest_greys) = (later, later_pictures, later_greys);
            if count > 0 {
                jobs.push((own, pictures, own_greys));
            }
        }
        let alone = busy.videos == 1 && jobs.len() == 1;
        let decoders = video.decoders();
        jobs.into_par_iter().with_max_len(1).try_for_each(|(frames, pictures, greys)| {
            let mut slots = pictures.chunks_exact_mut(bytes).zip(greys);
            let mut shrink: Option<((u32, u32), Sparse)> = None;
            let mut done = 0;
            let each = &mut |picture: &Picture<'_>| {
                if stop.load(Ordering::Relaxed) {
                    return Ok(false);
                }
                let source = picture.size();
                let (_, shrink) = match shrink.take().filter(|(s, _)| *s == source) {
                    Some(same) => shrink.insert(same),
                    None => shrink.insert((source, Resizer::new(source, size, self.clip.antialias).sparse())),
                };
                let Some((slot, grey)) = slots.next() else { return Ok(false) };
                shrink.resizer.rgb(&picture.rgb_where(&shrink.rows, &shrink.columns)?, slot);
                *grey = mean_grey(&[slot]);
                done += 1;
                Ok(true)
            };
            if alone {
                video.for_each_picture(frames, each)?;
            } else {
                decoders.for_each_picture(frames, each)?;
            }
            if stop.load(Ordering::Relaxed) {
                return Err(DataError::Stopped);
            }
            match frames.get(done) {
                None => Ok(()),
                Some(missing) => Err(DataError::Video(VideoError::Decode {
                    path: entry.path.clone(),
                    frame: *missing,
                    reason:
                        "the video ends before the length it had when the dataset was opened; open the dataset again"
                            .into(),
                })),
            }
        })?;
        log::debug!("{}: packets decoded, and left out: {:?}", entry.path.display(), decoders.packets());
        Ok(Frames { size, numbers: part.to_vec(), data, greys })
    }
}

impl std::fmt::Debug for ClipSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClipSource({}, {}x{})", self.dataset.name, self.clip.width, self.clip.height)
    }
}

/// Counts the videos that are being decoded.
struct Busy<'a> {
    count: &'a AtomicUsize,
    /// Videos being decoded, this one included.
    videos: usize,
}

impl<'a> Busy<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        Self { count, videos: count.fetch_add(1, Ordering::Relaxed) + 1 }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Store {
    /// Frees what was not asked for lately until `bytes` more fit; false when they cannot.
    fn make_room(&mut self, bytes: usize, budget: usize, retention: u64) -> bool {
        while self.bytes.saturating_add(bytes) > budget {
            let oldest = self
                .slots
                .iter()
                .filter_map(|(key, slot)| match slot {
                    Slot::Ready { frames, used } => Some((*used, *key, frames.data.len())),
                    Slot::Loading => None,
                })
                .min_by_key(|(used, key, _)| (*used, key.0));
            match oldest {
                Some((used, key, held)) if self.tick.saturating_sub(used) > retention => {
                    self.slots.remove(&key);
                    self.bytes = self.bytes.saturating_sub(held);
                }
                _ => return false,
            }
        }
        true
    }
}

/// Memory promised to a video that is being decoded; becomes its frames, or is given back.
struct Reservation<'a> {
    source: &'a ClipSource,
    key: (usize, Size),
    bytes: usize,
    filled: Option<Arc<Frames>>,
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut store = self.source.store.lock();
        match self.filled.take() {
            Some(frames) => {
                let used = store.tick;
                store.slots.insert(self.key, Slot::Ready { frames, used });
            }
            None => {
                store.slots.remove(&self.key);
                store.bytes = store.bytes.saturating_sub(self.bytes);
            }
        }
        drop(store);
        self.source.ready.notify_all();
    }
}
