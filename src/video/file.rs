//! An opened video.

use super::colour::Matrix;
use super::decode::picture_of;
use super::demux::{Track, motion_jpeg};
use super::index::{self, Index};
use super::mjpeg::{self, Jpeg};
use super::opening::{absent, demux_or_say, unreadable};
use super::picture::{Raw, meet, orient};
use super::session::{AccessPattern, Miss, PacketStream, Session};
use super::sniff::{Kind, sniff};
use super::stills::{FOLDER_FPS, Run, Stills};
use super::{Frame, VideoError, VideoInfo, losses, pool, runtime, store, suspects};
use crate::domain::RgbImage;
use parking_lot::Mutex;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Idle decoders kept for one video: one for a viewer, one for a loader.
const IDLE_SESSIONS: usize = 2;

/// An opened video: an index of frames plus a way to any of them. Cheap to clone; usable from any thread.
///
/// Frames come from the compressed packets themselves, taken out of the container once, and not from seeking in the
/// container. Decoding starts at the last clean start before the frame, a picture is recognised by the packet it was
/// made of, and where the file was decoded completely before (containers that cannot be believed) by its checksum too.
/// Threads that ask at the same time get decoders of their own.
#[derive(Clone)]
pub struct Video {
    inner: Arc<Inner>,
}

pub(super) struct Inner {
    path: PathBuf,
    info: VideoInfo,
    source: Source,
}

enum Source {
    Stream(StreamSource),
    Stills { stills: Stills, run: Mutex<Option<Run>> },
}

struct StreamSource {
    index: Arc<Index>,
    warm: Mutex<Warm>,
    from_start: AtomicBool,
}

/// What may be dropped and made again.
#[derive(Default)]
struct Warm {
    stream: Option<Arc<PacketStream>>,
    idle: Vec<Session>,
}

/// A decoded picture, not converted to RGB yet.
pub struct DecodedPicture<'a> {
    video: &'a Video,
    /// Number of the frame.
    pub index: u32,
    stored: Stored,
}

enum Stored {
    /// As stored: how chroma is read, degrees clockwise to the picture as shown, and whether it is mirrored before.
    Raw(Raw, Matrix, (u32, bool)),
    Shown(Arc<Frame>),
}

impl DecodedPicture<'_> {
    /// Width and height as shown, in pixels.
    pub fn size(&self) -> (u32, u32) {
        match &self.stored {
            Stored::Shown(frame) => (frame.image.width, frame.image.height),
            Stored::Raw(raw, _, (rotation, _)) => {
                let (width, height) = (raw.info.width(), raw.info.height());
                if rotation % 180 == 90 { (height, width) } else { (width, height) }
            }
        }
    }

    /// The whole picture as shown.
    ///
    /// # Errors
    /// [`VideoError::Decode`] for a picture that cannot be converted.
    pub fn frame(&self) -> Result<Arc<Frame>, VideoError> {
        let (raw, matrix, rotation, mirrored) = match &self.stored {
            Stored::Shown(frame) => return Ok(frame.clone()),
            Stored::Raw(raw, matrix, (rotation, mirrored)) => (raw, *matrix, *rotation, *mirrored),
        };
        let image = raw.to_rgb(matrix).map_err(|why| VideoError::decode(self.video.path(), self.index, why))?;
        let pts_s = self.video.pts_s(self.index).unwrap_or(0.0);
        Ok(Arc::new(Frame { index: self.index, pts_s, image: orient(image, rotation, mirrored) }))
    }

    /// RGB of the picture as shown where `rows` and `columns` (ascending, below its size) meet, row after row.
    ///
    /// # Errors
    /// [`VideoError::Decode`] for a picture that cannot be converted.
    pub fn rgb_where(&self, rows: &[u32], columns: &[u32]) -> Result<Vec<u8>, VideoError> {
        let fail = |why: String| VideoError::decode(self.video.path(), self.index, why);
        let (raw, matrix, rotation, mirrored) = match &self.stored {
            Stored::Shown(frame) => return Ok(meet(&frame.image, rows, columns)),
            Stored::Raw(raw, matrix, (rotation, mirrored)) => (raw, *matrix, *rotation, *mirrored),
        };
        if rotation == 0 && !mirrored {
            return raw.rgb_where(matrix, rows, columns).map_err(fail);
        }
        // The same pixels of the stored picture, which is turned afterwards as a whole picture is.
        let (width, height) = self.size();
        let along = |list: &[u32], side: u32, back: bool| -> Vec<u32> {
            if back { list.iter().rev().map(|at| side - 1 - at).collect() } else { list.to_vec() }
        };
        let (stored_rows, stored_columns) = match rotation {
            90 => (along(columns, width, true), along(rows, height, mirrored)),
            180 => (along(rows, height, true), along(columns, width, !mirrored)),
            270 => (along(columns, width, false), along(rows, height, !mirrored)),
            _ => (along(rows, height, false), along(columns, width, mirrored)),
        };
        let part = raw.rgb_where(matrix, &stored_rows, &stored_columns).map_err(fail)?;
        let part = RgbImage::new(stored_columns.len() as u32, stored_rows.len() as u32, part);
        let part =
            part.ok_or_else(|| fail("the decoder delivered a picture of another size than it announced".into()))?;
        Ok(orient(part, rotation, mirrored).data.to_vec())
    }
}

/// Decoders of one thread each: several of them do a good deal more in all than one of several threads. They are used
/// again for one part after the other, with the memory they have.
pub struct Decoders<'a> {
    video: &'a Video,
    idle: Mutex<Vec<Session>>,
    counts: Mutex<(u64, u64)>,
}

impl Decoders<'_> {
    /// As [`Video::for_each_picture`]; threads that call it at the same time get decoders of their own.
    ///
    /// # Errors
    /// As [`Video::for_each_picture`].
    pub fn for_each_picture(
        &self,
        frames: &[u32],
        each: &mut dyn FnMut(&DecodedPicture) -> Result<bool, VideoError>,
    ) -> Result<(), VideoError> {
        let video = self.video;
        let Source::Stream(source) = &video.inner.source else { return video.for_each_picture(frames, each) };
        let Some(&first) = frames.first() else { return Ok(()) };
        let idle = self.idle.lock().pop();
        let mut session = match idle {
            Some(session) => session,
            None => Session::new(video.stream(source, first)?, 1)
                .map_err(|why| VideoError::decode(&video.inner.path, first, why))?,
        };
        let before = session.counts();
        session.expect(AccessPattern::Only(frames.into()));
        let done = video.pictures(source, &mut session, frames.iter().copied(), each);
        let after = session.counts();
        let mut counts = self.counts.lock();
        *counts = (counts.0 + after.0 - before.0, counts.1 + after.1 - before.1);
        drop(counts);
        self.idle.lock().push(session);
        done
    }

    /// Packets decoded so far, and packets left out because no wanted picture needed them.
    pub fn packets(&self) -> (u64, u64) {
        *self.counts.lock()
    }
}

impl std::fmt::Debug for Decoders<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Decoders({:?}, {:?} packets)", self.video, self.packets())
    }
}

impl std::fmt::Debug for Video {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Video({}, {} frames)", self.inner.path.display(), self.inner.info.frames)
    }
}

impl Video {
    /// Opens a video file, a frame folder or a picture, and indexes it. Bounded in time, also for damaged files.
    ///
    /// Containers that can be believed (sound MP4, MOV, MKV, WebM) are indexed by their packets, in milliseconds;
    /// all others are decoded once. The index is kept in the cache folder (`KINOLENS_CACHE` overrides where) until the
    /// file changes.
    ///
    /// # Errors
    /// [`VideoError::Open`] with a sentence that says what the file is instead of a video, or what to install.
    pub fn open(path: &Path) -> Result<Video, VideoError> {
        Self::open_with(path, FOLDER_FPS, false)
    }

    /// Opens a folder of pictures at a rate of `fps` frames a second; anything else as [`Video::open`] does.
    ///
    /// # Errors
    /// As [`Video::open`].
    pub fn open_at(path: &Path, fps: f64) -> Result<Video, VideoError> {
        Self::open_with(path, if fps.is_finite() && fps > 0.0 { fps } else { FOLDER_FPS }, false)
    }

    /// Opens a video as [`Video::open`] does, and looks into every picture of a frame folder: the damaged ones are in
    /// [`VideoInfo::gaps`] and [`VideoInfo::warnings`] too.
    ///
    /// # Errors
    /// As [`Video::open`].
    pub fn open_looked(path: &Path) -> Result<Video, VideoError> {
        Self::open_with(path, FOLDER_FPS, path.is_dir())
    }

    /// Opens a video and decodes all of it, so that the number of frames and the report of damage are certain.
    pub(super) fn open_verified(path: &Path) -> Result<Video, VideoError> {
        Self::open_with(path, FOLDER_FPS, true)
    }

    fn open_with(path: &Path, folder_fps: f64, verify: bool) -> Result<Video, VideoError> {
        let fail = |reason: String| VideoError::open(path, reason);
        let metadata = std::fs::metadata(path).map_err(|e| fail(absent(path, &e)))?;
        let stills = |opened: Result<(Stills, VideoInfo), String>| -> Result<Video, VideoError> {
            let (stills, info) = opened.map_err(fail)?;
            Ok(Self::of(path, info, Source::Stills { stills, run: Mutex::new(None) }))
        };
        if metadata.is_dir() {
            return stills(Stills::folder(path, folder_fps, verify));
        }
        let several = match sniff(path).map_err(fail)? {
            // Raw Motion JPEG begins as a picture does.
            Kind::Picture => match mjpeg::read(path).map_err(fail)? {
                Jpeg::Several(pictures) => Some(pictures),
                Jpeg::One(bytes) => return stills(Stills::picture(path, folder_fps, Some(bytes))),
                Jpeg::Other => return stills(Stills::picture(path, folder_fps, None)),
            },
            Kind::Stream => None,
        };
        if let Some(index) = store::load(path, &metadata)
            && (!verify || index.verified())
        {
            return Ok(Self::of_stream(path, index, None));
        }
        let mut demuxed = match &several {
            Some(pictures) => runtime::init().map(|()| motion_jpeg(pictures)).map_err(fail)?,
            None => demux_or_say(path).map_err(fail)?,
        };
        demuxed.lost = losses::transport(path);
        let index = index::build(&demuxed, verify || store::distrusted(path))
            .map_err(|why| fail(unreadable(&why, &demuxed, path)))?;
        store::save(path, &metadata, &index);
        Ok(Self::of_stream(path, index, Some(demuxed.track)))
    }

    fn of(path: &Path, info: VideoInfo, source: Source) -> Video {
        Video { inner: Arc::new(Inner { path: path.to_path_buf(), info, source }) }
    }

    fn of_stream(path: &Path, index: Index, track: Option<Track>) -> Video {
        let info = index.info.clone();
        let (index, from_start) = (Arc::new(index), AtomicBool::new(false));
        from_start.store(index.from_start, Ordering::Relaxed);
        let stream = track.and_then(|track| PacketStream::new(index.clone(), track).ok()).map(Arc::new);
        let warm = Mutex::new(Warm { stream, idle: Vec::new() });
        let video = Self::of(path, info, Source::Stream(StreamSource { index, warm, from_start }));
        pool::touch(&video.inner);
        video
    }

    /// Properties.
    pub fn info(&self) -> &VideoInfo {
        &self.inner.info
    }

    /// The file or folder it was opened from.
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// A sentence where the rate is nobody's word: several pictures that have no times.
    pub(super) fn assumed(&self) -> Option<String> {
        let Source::Stills { stills, .. } = &self.inner.source else { return None };
        let fps = self.inner.info.fps;
        (self.inner.info.frames > 1 && !stills.has_times())
            .then(|| format!("its pictures have no times: {fps} frames a second are assumed"))
    }

    /// Presentation time of a frame in seconds; `None` past the end.
    pub fn pts_s(&self, index: u32) -> Option<f64> {
        (index < self.inner.info.frames).then(|| match &self.inner.source {
            Source::Stream(s) => s.index.rows.get(index as usize).map_or(0.0, |r| r.time as f64 / 1e9),
            Source::Stills { stills, .. } => stills.time(index, self.inner.info.fps),
        })
    }

    /// Decodes one frame, exact to the frame.
    ///
    /// # Errors
    /// [`VideoError::OutOfRange`] past the end, [`VideoError::Decode`] where the data are damaged.
    pub fn frame(&self, index: u32) -> Result<Arc<Frame>, VideoError> {
        match self.frame_unless(index, &|| false)? {
            Some(frame) => Ok(frame),
            None => Err(VideoError::decode(&self.inner.path, index, "it was cancelled")),
        }
    }

    /// As [`Video::frame`], but gives up with `None` soon after `cancelled` says so.
    pub(super) fn frame_unless(
        &self,
        index: u32,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Arc<Frame>>, VideoError> {
        self.check(index)?;
        let source = match &self.inner.source {
            Source::Stills { .. } => return self.still(index).map(Some),
            Source::Stream(source) => source,
        };
        let mut session = self.take_session(source, index)?;
        session.expect(AccessPattern::From(index));
        let found = self.decode(source, &mut session, index, cancelled);
        self.give_back(source, session);
        found
    }

    /// Decodes frames `start..end` in order and hands each to `each` until it returns false.
    ///
    /// # Errors
    /// As [`Video::frame`]; `end` may lie past the end of the video, `start` may not.
    pub fn for_each(&self, start: u32, end: u32, each: &mut dyn FnMut(Arc<Frame>) -> bool) -> Result<(), VideoError> {
        let end = end.min(self.inner.info.frames);
        if start >= end {
            return if start == end { Ok(()) } else { self.check(start) };
        }
        let each = &mut |picture: &DecodedPicture<'_>| Ok(each(picture.frame()?));
        let Source::Stream(source) = &self.inner.source else { return self.stills(start..end, each) };
        let mut session = self.take_session(source, start)?;
        session.expect(AccessPattern::From(start));
        let done = self.pictures(source, &mut session, start..end, each);
        self.give_back(source, session);
        done
    }

    /// Decodes the listed frames (ascending) and hands them out not converted to RGB yet, for those who need only some
    /// of their pixels, until `each` returns false. Pictures that are not listed are decoded only where listed ones are
    /// made from them.
    ///
    /// # Errors
    /// As [`Video::frame`].
    pub fn for_each_picture(
        &self,
        frames: &[u32],
        each: &mut dyn FnMut(&DecodedPicture) -> Result<bool, VideoError>,
    ) -> Result<(), VideoError> {
        let Source::Stream(source) = &self.inner.source else { return self.stills(frames.iter().copied(), each) };
        let Some(&first) = frames.first() else { return Ok(()) };
        let mut session = self.take_session(source, first)?;
        session.expect(AccessPattern::Only(frames.into()));
        let done = self.pictures(source, &mut session, frames.iter().copied(), each);
        self.give_back(source, session);
        done
    }

    /// Decoders for several threads that decode parts of this video side by side.
    pub fn decoders(&self) -> Decoders<'_> {
        Decoders { video: self, idle: Mutex::default(), counts: Mutex::default() }
    }

    fn pictures(
        &self,
        source: &StreamSource,
        session: &mut Session,
        frames: impl Iterator<Item = u32>,
        each: &mut dyn FnMut(&DecodedPicture) -> Result<bool, VideoError>,
    ) -> Result<(), VideoError> {
        for index in frames {
            self.check(index)?;
            let Some(raw) = self.decode_raw(source, session, index, &|| false)? else { break };
            if !each(&self.picture(source, index, raw))? {
                break;
            }
        }
        Ok(())
    }

    fn stills(
        &self,
        frames: impl Iterator<Item = u32>,
        each: &mut dyn FnMut(&DecodedPicture) -> Result<bool, VideoError>,
    ) -> Result<(), VideoError> {
        for index in frames {
            self.check(index)?;
            let stored = Stored::Shown(self.still(index)?);
            if !each(&DecodedPicture { video: self, index, stored })? {
                break;
            }
        }
        Ok(())
    }

    /// Divides frames `start..end` into at most `most` parts of about one length that can be decoded side by side, each
    /// beginning where a decoder can begin. One part where the video does not allow that.
    ///
    /// # Errors
    /// As [`Video::frame`].
    pub fn parts(&self, start: u32, end: u32, most: usize) -> Result<Vec<(u32, u32)>, VideoError> {
        let end = end.min(self.inner.info.frames);
        let whole = vec![(start, end)];
        let Source::Stream(source) = &self.inner.source else {
            // Pictures need nothing before them.
            let size = end.saturating_sub(start).div_ceil(most.max(1) as u32).max(1);
            let parts = (start..end).step_by(size as usize).map(|at| (at, (at + size).min(end)));
            return Ok(parts.collect());
        };
        if most < 2 || source.from_start.load(Ordering::Relaxed) || source.index.by_ordinal {
            return Ok(whole);
        }
        let entries = self.stream(source, start)?.entries(start, end);
        let mut parts = Vec::with_capacity(most);
        let mut from = start;
        for part in 1..most as u32 {
            let ideal = start + ((u64::from(end - start) * u64::from(part)) / most as u64) as u32;
            let nearest = entries.iter().copied().min_by_key(|e| e.abs_diff(ideal));
            if let Some(at) = nearest.filter(|at| *at > from) {
                parts.push((from, at));
                from = at;
            }
        }
        parts.push((from, end));
        Ok(parts)
    }

    fn check(&self, index: u32) -> Result<(), VideoError> {
        let frames = self.inner.info.frames;
        if index < frames {
            return Ok(());
        }
        Err(VideoError::OutOfRange { path: self.inner.path.clone(), frame: index, frames })
    }

    fn still(&self, index: u32) -> Result<Arc<Frame>, VideoError> {
        let fail = |why: String| VideoError::decode(&self.inner.path, index, why);
        let Source::Stills { stills, run } = &self.inner.source else { return Err(fail("it is no picture".into())) };
        // Only an animation goes on from where it was: files of their own are decoded side by side.
        let image = match stills.has_times() {
            true => stills.frame(index, &mut run.lock()),
            false => stills.frame(index, &mut None),
        };
        let image = image.map_err(fail)?;
        Ok(Arc::new(Frame { index, pts_s: stills.time(index, self.inner.info.fps), image }))
    }

    fn decode(
        &self,
        source: &StreamSource,
        session: &mut Session,
        index: u32,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Arc<Frame>>, VideoError> {
        let raw = self.decode_raw(source, session, index, cancelled)?;
        raw.map(|raw| self.picture(source, index, raw).frame()).transpose()
    }

    fn picture(&self, source: &StreamSource, index: u32, raw: Raw) -> DecodedPicture<'_> {
        let turned = (self.inner.info.rotation, source.index.mirrored);
        DecodedPicture { video: self, index, stored: Stored::Raw(raw, source.index.matrix, turned) }
    }

    fn decode_raw(
        &self,
        source: &StreamSource,
        session: &mut Session,
        index: u32,
        cancelled: &dyn Fn() -> bool,
    ) -> Result<Option<Raw>, VideoError> {
        let fail = |why: String| VideoError::decode(&self.inner.path, index, why);
        let complaints = runtime::complaints();
        let found = session.frame(index, source.from_start.load(Ordering::Relaxed), cancelled);
        if runtime::complaints() != complaints {
            suspects::note(&self.inner.path);
        }
        let found = match found {
            Ok(found) => found,
            Err(Miss::Cancelled) => return Ok(None),
            Err(Miss::Failed(why)) => {
                // The index promised a frame that does not decode: next time the file is indexed by decoding.
                store::distrust(&self.inner.path);
                return Err(fail(format!("{why}; open the file again to have it indexed by what decodes")));
            }
        };
        if found.middle_is_wrong && !source.from_start.swap(true, Ordering::Relaxed) {
            log::info!(
                "{}: decoding from the middle gives wrong pictures; from now on from the start",
                self.inner.path.display()
            );
            store::mark_from_start(&self.inner.path, &source.index);
        }
        Ok(Some(found.raw))
    }

    /// The idle session nearest to a frame, or a new one.
    fn take_session(&self, source: &StreamSource, index: u32) -> Result<Session, VideoError> {
        let mut warm = source.warm.lock();
        let nearest = warm.idle.iter().enumerate().min_by_key(|(_, s)| s.distance(index)).map(|(at, _)| at);
        if let Some(at) = nearest {
            return Ok(warm.idle.swap_remove(at));
        }
        drop(warm);
        let stream = self.stream(source, index)?;
        Session::new(stream, pool::threads()).map_err(|why| VideoError::decode(&self.inner.path, index, why))
    }

    /// The compressed packets, read from the file unless they are at hand.
    fn stream(&self, source: &StreamSource, index: u32) -> Result<Arc<PacketStream>, VideoError> {
        let fail = |why: String| VideoError::decode(&self.inner.path, index, why);
        // The lock stays taken while packets are read: several threads would read them several times.
        let mut warm = source.warm.lock();
        let stream = match &warm.stream {
            Some(stream) => stream.clone(),
            None => {
                let demuxed = demux_or_say(&self.inner.path).map_err(fail)?;
                let stream = Arc::new(PacketStream::new(source.index.clone(), demuxed.track).map_err(fail)?);
                warm.stream = Some(stream.clone());
                stream
            }
        };
        drop(warm);
        pool::touch(&self.inner);
        Ok(stream)
    }

    fn give_back(&self, source: &StreamSource, session: Session) {
        let mut warm = source.warm.lock();
        if warm.idle.len() < IDLE_SESSIONS {
            warm.idle.push(session);
        }
        drop(warm);
        pool::touch(&self.inner);
    }

    /// Hands pictures of the listed frames, as stored and not turned, to `each`.
    pub(super) fn raw_frames(
        &self,
        frames: &[u32],
        each: &mut dyn FnMut(u32, Option<f64>, RgbImage),
    ) -> Result<(), VideoError> {
        for &index in frames {
            self.check(index)?;
            let fail = |why: String| VideoError::decode(&self.inner.path, index, why);
            let source = match &self.inner.source {
                Source::Stills { stills, .. } => {
                    // Our own JPEG reader gives no luma plane and turns pictures; a decoder gives both as stored.
                    let raw = stills.jpeg(index).and_then(|bytes| picture_of(bytes, "image/jpeg").ok());
                    match raw {
                        Some(raw) => each(index, raw.luma_mean(), raw.to_rgb(Matrix::Bt601).map_err(fail)?),
                        None => each(index, None, self.still(index)?.image.clone()),
                    }
                    continue;
                }
                Source::Stream(source) => source,
            };
            let mut session = self.take_session(source, index)?;
            session.expect(AccessPattern::From(index));
            let found = session.frame(index, source.from_start.load(Ordering::Relaxed), &|| false);
            self.give_back(source, session);
            match found {
                Ok(found) => {
                    // The first plane is luma only where there is a matrix.
                    let luma = found.raw.luma_mean().filter(|_| source.index.matrix != Matrix::Identity);
                    each(index, luma, found.raw.to_rgb(source.index.matrix).map_err(fail)?);
                }
                Err(Miss::Failed(why)) => return Err(fail(why)),
                Err(Miss::Cancelled) => return Err(fail("it was cancelled".into())),
            }
        }
        Ok(())
    }
}

impl Inner {
    /// Drops decoders and compressed data; they come back when they are needed. Returns false when in use right now.
    pub(super) fn cool(&self) -> bool {
        let Source::Stream(source) = &self.source else { return true };
        match source.warm.try_lock() {
            Some(mut warm) => {
                *warm = Warm::default();
                true
            }
            None => false,
        }
    }

    /// Bytes of compressed data held.
    pub(super) fn warm_bytes(&self) -> usize {
        let Source::Stream(source) = &self.source else { return 0 };
        source.warm.try_lock().and_then(|w| w.stream.as_ref().map(|s| s.byte_len())).unwrap_or(0)
    }
}
