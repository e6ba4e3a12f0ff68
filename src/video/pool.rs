//! Bounds what opened videos keep warm (decoders and compressed data), over all of them.

use super::file::Inner;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};

/// Videos that may keep their decoders and packets.
const WARM_VIDEOS: usize = 16;
/// Compressed bytes that may stay in memory.
const WARM_BYTES: usize = 512 << 20;

static WARM: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());

/// Notes that a video was just used, and cools those used longest ago.
pub(super) fn touch(video: &Arc<Inner>) {
    let mut warm = WARM.lock();
    warm.retain(|w| w.strong_count() > 0 && w.as_ptr() != Arc::as_ptr(video));
    warm.push(Arc::downgrade(video));
    let mut bytes: usize = warm.iter().filter_map(Weak::upgrade).map(|v| v.warm_bytes()).sum();
    let mut at = 0;
    while warm.len() - at > 1 && (warm.len() > WARM_VIDEOS || bytes > WARM_BYTES) {
        let Some(oldest) = warm.get(at).and_then(Weak::upgrade) else {
            warm.remove(at);
            continue;
        };
        let held = oldest.warm_bytes();
        if oldest.cool() {
            bytes = bytes.saturating_sub(held);
            warm.remove(at);
        } else {
            at += 1;
        }
    }
}

/// Threads a decoder may use: enough for a quick jump, few enough for several decoders at once.
pub(super) fn threads() -> u32 {
    std::thread::available_parallelism().map_or(2, |n| n.get().clamp(1, 4) as u32)
}
