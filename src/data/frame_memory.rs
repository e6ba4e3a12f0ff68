//! Decoded frames in memory, as long as it lasts; each video is decoded once, by whoever asks first.

use super::DataError;
use super::frame_decoding::Frames;
use parking_lot::{Condvar, Mutex};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// How large frames are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Size {
    /// The network's input, resized exactly as evaluation wants it.
    Exact,
    /// Larger, so that a random crop blown up to the input still shows what the video shows.
    ForCrops,
}

/// A video, by its position in the dataset, and how large its frames are.
pub(super) type VideoSize = (usize, Size);

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
    slots: HashMap<VideoSize, Slot>,
    bytes: usize,
    tick: u64,
}

/// Frames of many videos, shared by all loading threads. When memory runs out, videos nobody asked for lately make room.
pub(super) struct FrameMemory {
    store: Mutex<Store>,
    ready: Condvar,
    /// Most bytes to hold.
    budget: usize,
    /// A video is in use while it was asked for within this many requests.
    retention: AtomicU64,
}

/// Answer to a request for the frames of a video.
pub(super) enum Taken<'a> {
    /// They are there.
    Held(Arc<Frames>),
    /// There is room for them: whoever asked decodes them and hands them in.
    Reserved(Reservation<'a>),
    /// There is no room, or nothing to hold.
    NoRoom,
}

impl FrameMemory {
    /// Room for `budget` bytes.
    pub fn new(budget: usize) -> Self {
        Self { store: Mutex::default(), ready: Condvar::new(), budget, retention: AtomicU64::new(64) }
    }

    /// Bytes of frames held, and the most that may be.
    pub fn usage(&self) -> (usize, usize) {
        (self.store.lock().bytes, self.budget)
    }

    /// Keeps what a shuffled epoch over so many clips uses from being pushed out.
    pub fn retain_for(&self, clips: usize) {
        self.retention.fetch_max(2 * clips as u64 + 64, Ordering::Relaxed);
    }

    /// The frames of a video, or room for them. Waits while another thread decodes them.
    ///
    /// Frames that are not `enough` are dropped. `bytes` is asked how much room is needed, with true where that happened.
    ///
    /// # Errors
    /// [`DataError::Stopped`] when `stop` was set while waiting.
    pub fn take(
        &self,
        key: VideoSize,
        stop: &AtomicBool,
        enough: impl Fn(&Frames) -> bool,
        bytes: impl FnOnce(bool) -> usize,
    ) -> Result<Taken<'_>, DataError> {
        let mut store = self.store.lock();
        store.tick += 1;
        let tick = store.tick;
        let mut dropped = false;
        loop {
            match store.slots.get_mut(&key) {
                Some(Slot::Ready { frames, used }) => {
                    *used = tick;
                    if enough(frames) {
                        return Ok(Taken::Held(frames.clone()));
                    }
                    let held = frames.data.len();
                    dropped = true;
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
        let bytes = bytes(dropped);
        if bytes == 0 || !store.make_room(bytes, self.budget, self.retention.load(Ordering::Relaxed)) {
            return Ok(Taken::NoRoom);
        }
        store.slots.insert(key, Slot::Loading);
        store.bytes += bytes;
        Ok(Taken::Reserved(Reservation { memory: self, key, bytes, filled: None }))
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

/// Memory promised to a video that is being decoded; becomes its frames, or is given back, whatever happens meanwhile.
pub(super) struct Reservation<'a> {
    memory: &'a FrameMemory,
    key: VideoSize,
    bytes: usize,
    filled: Option<Arc<Frames>>,
}

impl Reservation<'_> {
    /// Hands in what was decoded.
    pub fn fill(mut self, frames: Frames) -> Arc<Frames> {
        let frames = Arc::new(frames);
        self.filled = Some(frames.clone());
        frames
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        let mut store = self.memory.store.lock();
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
        self.memory.ready.notify_all();
    }
}
