//! What autotuning on a GPU found: which of several kernels is fastest for a shape.
//!
//! The tensor library tries the kernels it has for an operation the first time it meets a shape, which makes the first
//! training step on a GPU long. What it found holds for the process; a build with the feature `tuning-cache` keeps it in
//! the cache folder, so that only the first run of its kind waits.

use super::ComputeDevice;
use super::tuning_cache::folder;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Sets of shapes remembered; more are not worth reading.
const REMEMBERED: usize = 1000;

/// Sets of shapes tuned in this process.
static IN_PROCESS: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// What is known to be tuned.
#[derive(Default, Serialize, Deserialize)]
struct Tuned {
    /// Versions and shapes are part of each.
    sets: BTreeSet<String>,
}

impl Tuned {
    fn load() -> Self {
        let text = folder().and_then(|f| crate::files::read_text(&f.join("tuned.ron"), crate::files::TEXT_LIMIT).ok());
        text.and_then(|t| ron::from_str(&t).ok()).unwrap_or_default()
    }
}

impl ComputeDevice {
    /// True when the first step with this set of shapes will take long, because kernels are tried out for them. `shapes`
    /// is any text that is the same for the same shapes.
    pub fn will_tune(&self, shapes: &str) -> bool {
        let set = self.set(shapes);
        self.tunes() && !IN_PROCESS.lock().contains(&set) && !Tuned::load().sets.contains(&set)
    }

    /// Remembers that the first step is over.
    pub fn tuned(&self, shapes: &str) {
        if !self.tunes() {
            return;
        }
        IN_PROCESS.lock().insert(self.set(shapes));
        let Some(folder) = folder() else { return };
        // What has been found lies in a database of its own; where it could not be written nothing is kept.
        let kept = std::fs::read_dir(&folder)
            .is_ok_and(|entries| entries.flatten().any(|e| e.path().extension().is_some_and(|x| x == "db")));
        let mut tuned = Tuned::load();
        if !kept || !tuned.sets.insert(self.set(shapes)) {
            return;
        }
        if tuned.sets.len() > REMEMBERED {
            tuned.sets = BTreeSet::from([self.set(shapes)]);
        }
        let written = ron::to_string(&tuned)
            .map_err(std::io::Error::other)
            .and_then(|text| crate::files::replace_cached(&folder.join("tuned.ron"), text.as_bytes()));
        if let Err(e) = written {
            log::warn!("{} could not be written: {e}", folder.display());
        }
    }

    fn set(&self, shapes: &str) -> String {
        format!("{} | {} | {shapes}", env!("CARGO_PKG_VERSION"), self.identity)
    }
}
