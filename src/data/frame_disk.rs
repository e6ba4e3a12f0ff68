//! Decoded frames on disk: the files of videos that were opened lately, and how they are filled.

use super::DataError;
use super::disk_cache::{FrameFiles, FramesKey, Stored};
use super::frame_decoding::Frames;
use super::frame_memory::VideoSize;
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;

/// Opened files of frames.
const OPEN_FRAMES: usize = 64;

/// Frames decoded at a time on their way to disk: the most memory that takes.
const DISK_CHUNK: usize = 1024;

/// A video's file of frames of one size.
type OpenedFrames = (VideoSize, Arc<Stored>);

/// Frames kept on disk, and the files opened lately.
pub(super) struct FrameDisk {
    files: Arc<FrameFiles>,
    opened: Mutex<Vec<OpenedFrames>>,
    /// One video at a time is decoded to disk: each decodes on all cores.
    filling: Mutex<()>,
}

impl FrameDisk {
    /// Files in `folder`, of at most `budget` bytes.
    pub fn new(folder: PathBuf, budget: u64) -> Self {
        let files = Arc::new(FrameFiles::new(folder, budget));
        Self { files, opened: Mutex::default(), filling: Mutex::default() }
    }

    /// The file of a video's frames, if there is one; `key` tells what it is called.
    fn stored(&self, of: VideoSize, key: impl Fn() -> Option<FramesKey>) -> Option<Arc<Stored>> {
        let mut opened = self.opened.lock();
        if let Some(at) = opened.iter().position(|(k, _)| *k == of) {
            let hit = opened.remove(at);
            opened.push(hit.clone());
            return Some(hit.1);
        }
        // Asks the file system about the video: not once a clip.
        let stored = Arc::new(self.files.open(&key()?)?);
        if opened.len() >= OPEN_FRAMES {
            opened.remove(0);
        }
        opened.push((of, stored.clone()));
        Some(stored)
    }

    /// Frames of a video at a size in pixels; `None` unless all are there and sound.
    pub fn read(
        &self,
        of: VideoSize,
        key: impl Fn() -> Option<FramesKey>,
        numbers: &[u32],
        pixels: (u32, u32),
    ) -> Option<Frames> {
        let stored = self.stored(of, key)?;
        let bytes = pixels.0 as usize * pixels.1 as usize * 3;
        let (mut data, mut greys) = (vec![0; numbers.len() * bytes], Vec::with_capacity(numbers.len()));
        for (number, frame) in numbers.iter().zip(data.chunks_exact_mut(bytes)) {
            greys.push(stored.read(*number, frame)?);
        }
        Some(Frames { size: pixels, numbers: numbers.to_vec(), data, greys })
    }

    /// Writes all frames of a file; what cannot be written is left out.
    pub fn keep(&self, key: &FramesKey, frames: &Frames) {
        if let Some(mut writing) = self.files.begin(key)
            && writing.push(&frames.data, &frames.greys)
        {
            writing.finish();
        }
    }

    /// Brings the frames from `start` to `end` of a video to disk unless they are there, chunk by chunk as `decoder`
    /// gives them; false where there is no room.
    ///
    /// # Errors
    /// Those of decoding.
    pub fn fill<D: FnMut(&[u32]) -> Result<Frames, DataError>>(
        &self,
        of: VideoSize,
        key: impl Fn() -> Option<FramesKey>,
        (start, end): (u32, u32),
        decoder: impl FnOnce() -> Result<D, DataError>,
    ) -> Result<bool, DataError> {
        let _filling = self.filling.lock();
        // Another thread may have brought it meanwhile.
        if self.stored(of, &key).is_some() {
            return Ok(true);
        }
        let Some(mut writing) = key().and_then(|key| self.files.begin(&key)) else { return Ok(false) };
        let mut decode = decoder()?;
        for from in (start..end).step_by(DISK_CHUNK) {
            let chunk: Vec<u32> = (from..end.min(from + DISK_CHUNK as u32)).collect();
            let frames = decode(&chunk)?;
            if !writing.push(&frames.data, &frames.greys) {
                return Ok(false);
            }
        }
        writing.finish();
        Ok(true)
    }
}
