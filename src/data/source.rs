//! Frames of clips at training size: decoded once, kept while memory lasts.

use super::DataError;
use super::augment::{Draw, Drawing};
use super::batch_memory::Spare;
use super::crops::{Cropper, by_shorter_side, crop};
use super::disk_cache::FramesKey;
use super::frame_decoding::{Decoding, Frames};
use super::frame_disk::FrameDisk;
use super::frame_memory::{FrameMemory, Size, Taken};
use super::preprocess::Normalizer;
use super::sampling::FrameRule;
use crate::config::{AugmentConfig, ClipConfig, RunConfig};
use crate::domain::{Clip, Cut, Dataset, Label, RgbImage, TimeView, VideoEntry};
use crate::files::cache_dir;
use crate::progress::Monitor;
use crate::video::Video;
use parking_lot::Mutex;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Opened videos kept for clips that do not fit into memory.
const OPEN_VIDEOS: usize = 8;

/// Crops keep their detail up to this enlargement of the training size.
const MAX_ENLARGEMENT: f32 = 2.0;

/// Where clips get their pixels. Shared by all loading threads.
///
/// Each video is decoded once, in order, shrunk to the training size and kept while `training.cache_mib` lasts; of videos
/// labelled only in part, just that part is kept, and where it was said which clips will be asked for
/// ([`ClipSource::announce`]), just their frames. When memory runs out, videos nobody asked for lately make room; while
/// all are in use (a shuffled epoch), clips of the others come from disk, if frames are kept there
/// ([`ClipSource::with_disk`]), or are decoded one by one. With `augment.crop` training frames are kept larger, by up to
/// twice. With `clip.resize` frames are kept whole, at that shorter side, and the input is cut out of them.
pub struct ClipSource {
    dataset: Arc<Dataset>,
    clip: ClipConfig,
    rule: FrameRule,
    background: bool,
    normalizer: Normalizer,
    crop_size: (u32, u32),
    memory: FrameMemory,
    opened: Mutex<Vec<(usize, Video)>>,
    decoding: Decoding,
    /// Frames of each video that clips were announced for.
    announced: Mutex<HashMap<usize, Vec<bool>>>,
    disk: Option<FrameDisk>,
    /// Memory of batches that were used up.
    spare: Arc<Spare>,
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
            rule: FrameRule::of(&clip),
            crop_size: (larger(clip.width), larger(clip.height)),
            memory: FrameMemory::new(config.training.cache_mib.saturating_mul(1 << 20)),
            decoding: Decoding::new(clip.antialias),
            background: config.data.background_class,
            dataset,
            clip,
            opened: Mutex::default(),
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
        Self { disk: Some(FrameDisk::new(folder, budget)), ..self }
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

    /// A clip as an epoch of training has it for the `repeat`-th time (from 0): with the frames drawn for it where the
    /// sampling draws them, and the changes drawn for it unless augmentation is off.
    pub fn draw(
        &self,
        augment: &AugmentConfig,
        seed: u64,
        epoch: u64,
        clip: &Clip,
        repeat: u32,
    ) -> (Clip, Option<Draw>) {
        let of = Drawing { seed, epoch, clip, repeat };
        let draw = augment.enabled.then(|| {
            let draw = Draw::random(augment, seed, epoch, clip, repeat);
            match (self.clip.resize, self.entry(clip.video)) {
                (Some(_), Some(entry)) => {
                    draw.cut_out(augment, self.pixel_size(entry, Size::Exact), self.input_size(), &of)
                }
                _ => draw,
            }
        });
        let drawn = match clip.cut.time {
            TimeView::Fixed { .. } if self.rule.sampling.draws() => {
                Clip { cut: Cut { time: TimeView::Drawn(of.frames()), ..clip.cut }, ..*clip }
            }
            _ => *clip,
        };
        (drawn, draw)
    }

    /// The part of the picture that the network sees of a clip when it is evaluated: left, top, width and height as shares
    /// of the picture.
    pub fn region(&self, clip: &Clip) -> [f32; 4] {
        match (self.clip.resize, self.entry(clip.video)) {
            (Some(_), Some(entry)) => {
                let picture = self.pixel_size(entry, Size::Exact);
                crop(picture, self.input_size(), clip.cut.crop).shares(picture)
            }
            _ => [0.0, 0.0, 1.0, 1.0],
        }
    }

    /// Memory for batches.
    pub(super) fn spare(&self) -> &Arc<Spare> {
        &self.spare
    }

    /// Bytes of frames held, and the most that may be.
    pub fn usage(&self) -> (usize, usize) {
        self.memory.usage()
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

    /// The frames of a clip as pictures of the training size, before any change and uncropped: the "before" of a preview.
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
        self.seen(clip, Some(draw))
    }

    /// The same, of a clip that need not be changed.
    ///
    /// # Errors
    /// As [`ClipSource::pixels`].
    pub fn seen(&self, clip: &Clip, draw: Option<&Draw>) -> Result<Vec<RgbImage>, DataError> {
        Ok(self.pictures_of(&self.pixels(clip, draw)?))
    }

    /// A tensor `[3, T, H, W]` of this source as pictures, its normalisation undone.
    pub fn pictures_of(&self, pixels: &[f32]) -> Vec<RgbImage> {
        self.normalizer.denormalize(pixels, self.clip.width, self.clip.height)
    }

    /// Writes one clip into `out` of [`ClipSource::clip_len`] numbers. `stop` ends long decoding early.
    pub(super) fn write(
        &self,
        clip: &Clip,
        draw: Option<&Draw>,
        out: &mut [f32],
        stop: &AtomicBool,
    ) -> Result<(), DataError> {
        let size = self.size_for(draw.is_some());
        let (frames, numbers) = self.frames(clip, size, stop)?;
        let found: Vec<(&[u8], f32)> = numbers.iter().filter_map(|n| frames.frame(*n)).collect();
        if found.len() != self.clip.length as usize {
            return Err(DataError::NoSuchClip { video: clip.video, start: clip.start });
        }
        match draw {
            Some(draw) => {
                let grey = found.iter().map(|(_, g)| g).sum::<f32>() / found.len() as f32;
                let data: Vec<&[u8]> = found.iter().map(|(d, _)| *d).collect();
                draw.write(&data, frames.size, grey, self.input_size(), &self.normalizer, out);
            }
            None => {
                let cropper = Cropper::new(frames.size, self.input_size(), clip.cut.crop, self.clip.antialias);
                for (t, (data, _)) in found.iter().enumerate() {
                    self.normalizer.write_frame(&cropper.cut(data, self.input_size()), t, found.len(), out);
                }
            }
        }
        Ok(())
    }

    /// Decodes the videos of training clips ahead, in parallel, as far as memory allows; so that the first epoch is as fast as
    /// the others and shows its progress.
    ///
    /// # Errors
    /// The first video that cannot be decoded, or [`DataError::Stopped`].
    pub fn preload(&self, clips: &[Clip], augmented: bool, monitor: &dyn Monitor) -> Result<(), DataError> {
        let mut videos: Vec<usize> = clips.iter().map(|c| c.video).collect();
        videos.dedup();
        videos.sort_unstable();
        videos.dedup();
        let size = self.size_for(augmented);
        self.announce_drawn(clips);
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
        self.announce_frames(clips, |entry, clip| self.rule.shown(entry, clip));
    }

    /// The same of training clips, whose frames may yet be drawn.
    pub(super) fn announce_drawn(&self, clips: &[Clip]) {
        self.announce_frames(clips, |entry, clip| {
            let shown = |n: u32| entry.facts.as_ref().map_or(n, |f| f.shown_for(n));
            self.rule.drawn_from(entry, clip).into_iter().map(shown).collect()
        });
    }

    fn announce_frames(&self, clips: &[Clip], of: impl Fn(&VideoEntry, &Clip) -> Vec<u32>) {
        let mut announced = self.announced.lock();
        for clip in clips {
            let Some(entry) = self.entry(clip.video).filter(|e| clip.start < e.frames()) else { continue };
            let wanted = announced.entry(clip.video).or_insert_with(|| vec![false; entry.frames() as usize]);
            for number in of(entry, clip) {
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
        self.memory.retain_for(clips);
    }

    /// Width and height of the network's input.
    fn input_size(&self) -> (u32, u32) {
        (self.clip.width, self.clip.height)
    }

    /// The size frames are kept at for clips that are changed or not.
    fn size_for(&self, augmented: bool) -> Size {
        let larger = augmented && self.clip.resize.is_none() && self.crop_size != self.input_size();
        if larger { Size::ForCrops } else { Size::Exact }
    }

    /// Width and height of the frames of a video that are kept.
    fn pixel_size(&self, entry: &VideoEntry, size: Size) -> (u32, u32) {
        match (self.clip.resize, &entry.facts, size) {
            (Some(side), Some(facts), _) => by_shorter_side((facts.width, facts.height), side),
            (_, _, Size::Exact) => self.input_size(),
            (_, _, Size::ForCrops) => self.crop_size,
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
        let numbers = self.rule.shown(entry, clip);
        // Frames in memory must not hide that the dataset is gone: a run that goes on without it cannot be evaluated.
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
        let (width, height) = self.pixel_size(entry, size);
        let (start, end) = self.useful_part(entry);
        let useful = (end - start) as usize;
        let enough = |frames: &Frames| {
            // A clip nobody announced. Where one comes others will: now all is decoded.
            let lacks = frames.numbers.len() < useful && !frames.hold(asked);
            !lacks || asked.iter().any(|n| !(start..end).contains(n))
        };
        let mut numbers = Vec::new();
        let taken = self.memory.take((video, size), stop, enough, |everything| {
            numbers = self.worth_decoding(video, (start, end));
            if everything || asked.iter().any(|n| numbers.binary_search(n).is_err()) {
                numbers = self.all_of(video, (start, end));
            }
            numbers.len() * width as usize * height as usize * 3
        })?;
        let reservation = match taken {
            Taken::Held(frames) => return Ok(Some(frames)),
            Taken::NoRoom => return Ok(None),
            Taken::Reserved(reservation) => reservation,
        };
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
        Ok(Some(reservation.fill(frames)))
    }

    /// What the frames of a video's useful part are called on disk.
    fn key(&self, entry: &VideoEntry, size: Size) -> Option<FramesKey> {
        FramesKey::of(&entry.path, self.pixel_size(entry, size), self.clip.antialias, self.useful_part(entry))
    }

    /// Frames from disk; `None` unless all are there and sound.
    fn read(&self, video: usize, entry: &VideoEntry, numbers: &[u32], size: Size) -> Option<Frames> {
        let disk = self.disk.as_ref()?;
        disk.read((video, size), || self.key(entry, size), numbers, self.pixel_size(entry, size))
    }

    /// Writes what was decoded of a video's useful part to disk, if frames are kept there.
    fn keep(&self, entry: &VideoEntry, frames: &Frames, size: Size) {
        let Some(disk) = &self.disk else { return };
        if let Some(key) = self.key(entry, size) {
            disk.keep(&key, frames);
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
        let decoder = || {
            let opened = Video::open(&entry.path)?;
            Ok(move |chunk: &[u32]| self.decode(&opened, entry, chunk, size, stop))
        };
        let filled = disk.fill((video, size), || self.key(entry, size), self.useful_part(entry), decoder)?;
        Ok(if filled { self.read(video, entry, part, size) } else { None })
    }

    /// Frames worth keeping: all, or from the first to the last labelled one (and a clip's reach around them) when that
    /// is at most two thirds of the video.
    fn useful_part(&self, entry: &VideoEntry) -> (u32, u32) {
        let frames = entry.frames();
        let wanted = |l: Label| self.background || l != Label::Background;
        let labelled = entry.class_spans().filter(|s| wanted(s.label)).map(|s| (s.start, s.end));
        let Some((first, last)) = labelled.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))) else { return (0, frames) };
        let reach = self.clip.geometry().span();
        let (start, end) = (first.saturating_sub(reach), last.saturating_add(reach).min(frames));
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
        self.decoding.decode(video, &entry.path, part, self.pixel_size(entry, size), stop)
    }
}

impl std::fmt::Debug for ClipSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ClipSource({}, {}x{})", self.dataset.name, self.clip.width, self.clip.height)
    }
}
