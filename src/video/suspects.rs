//! Videos whose decoder complained while they were used.
//!
//! An index made of packets alone does not know of damage inside them. What comes out while frames are decoded is a
//! reason to decode the whole video once and to say what that finds, not to say anything by itself: other videos may have
//! been decoded at the same time.

use super::{Video, VideoError};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// With the sentences about each once it has been looked at.
static SUSPECTS: Mutex<BTreeMap<PathBuf, Option<Vec<String>>>> = Mutex::new(BTreeMap::new());

/// Notes a video.
pub(super) fn note(path: &Path) {
    let mut suspects = SUSPECTS.lock();
    if !suspects.contains_key(path) {
        suspects.insert(path.to_path_buf(), None);
    }
}

/// What is wrong with videos that made their decoder complain since the program started, as [`probe`](super::probe) says
/// it. Each is decoded once for that.
///
/// # Errors
/// As [`Video::open`], for videos that are gone.
pub fn damage_seen(of: &[&Path]) -> Result<Vec<(PathBuf, Vec<String>)>, VideoError> {
    let mut found = Vec::new();
    if SUSPECTS.lock().is_empty() {
        return Ok(found);
    }
    for path in of {
        let known = SUSPECTS.lock().get(*path).cloned();
        let sentences = match known {
            None => continue,
            Some(Some(sentences)) => sentences,
            Some(None) => Video::open_verified(path)?.info().warnings.clone(),
        };
        SUSPECTS.lock().insert(path.to_path_buf(), Some(sentences.clone()));
        found.push((path.to_path_buf(), sentences));
    }
    Ok(found)
}
