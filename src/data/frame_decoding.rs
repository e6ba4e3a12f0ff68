//! Frames of a video at one size: what decoding gives.

use super::DataError;
use super::augment::mean_grey;
use super::resize::{Resizer, Sparse};
use crate::video::{DecodedPicture, Video, VideoError};
use rayon::prelude::*;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Parts of a video each thread decodes.
const PARTS_A_THREAD: usize = 12;

/// Frames for which a part of its own pays.
const WORTH_A_PART: usize = 12;

/// Frames of one video at one size.
pub(super) struct Frames {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// Which, ascending.
    pub numbers: Vec<u32>,
    /// RGB, frame after frame.
    pub data: Vec<u8>,
    /// Mean grey of each frame.
    pub greys: Vec<f32>,
}

impl Frames {
    /// RGB and mean grey of a frame, by its number in the video.
    pub fn frame(&self, number: u32) -> Option<(&[u8], f32)> {
        let at = self.numbers.binary_search(&number).ok()?;
        let bytes = self.size.0 as usize * self.size.1 as usize * 3;
        Some((self.data.get(at * bytes..(at + 1) * bytes)?, *self.greys.get(at)?))
    }

    /// True when all of these are among them.
    pub fn hold(&self, numbers: &[u32]) -> bool {
        numbers.iter().all(|n| self.numbers.binary_search(n).is_ok())
    }
}

/// Decodes frames of videos at the size they are kept at.
#[derive(Debug, Default)]
pub(super) struct Decoding {
    /// Shrinks with antialiasing.
    pub antialias: bool,
    /// Videos being decoded.
    busy: AtomicUsize,
}

impl Decoding {
    pub fn new(antialias: bool) -> Self {
        Self { antialias, busy: AtomicUsize::new(0) }
    }

    /// Decodes frames of a video (ascending) at a size in pixels; `stop` ends it early.
    pub fn decode(
        &self,
        video: &Video,
        path: &Path,
        part: &[u32],
        size: (u32, u32),
        stop: &AtomicBool,
    ) -> Result<Frames, DataError> {
        let bytes = size.0 as usize * size.1 as usize * 3;
        let mut data = vec![0; part.len() * bytes];
        let mut greys = vec![0.0; part.len()];
        // A video is decoded by several decoders side by side, each from a key frame to another.
        let busy = Busy::begin(&self.busy);
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
            let each = &mut |picture: &DecodedPicture<'_>| {
                if stop.load(Ordering::Relaxed) {
                    return Ok(false);
                }
                let source = picture.size();
                let (_, shrink) = match shrink.take().filter(|(s, _)| *s == source) {
                    Some(same) => shrink.insert(same),
                    None => shrink.insert((source, Resizer::new(source, size, self.antialias).sparse())),
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
                    path: path.to_path_buf(),
                    frame: *missing,
                    reason:
                        "the video ends before the length it had when the dataset was opened; open the dataset again"
                            .into(),
                })),
            }
        })?;
        log::debug!("{}: packets decoded, and left out: {:?}", path.display(), decoders.packets());
        Ok(Frames { size, numbers: part.to_vec(), data, greys })
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
