//! The outputs of layers for the clip on screen, which a lane keeps between jobs.

use super::requests::ClipRef;
use crate::domain::Dataset;
use crate::inside::ActivationStore;
use std::path::PathBuf;
use std::time::SystemTime;

/// Which clip, seen by which weights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptKey {
    /// Folder of the checkpoint, and when it was written.
    weights: (PathBuf, Option<SystemTime>),
    /// Root and fingerprint of the dataset.
    dataset: (PathBuf, String),
    clip: ClipRef,
    budget: usize,
}

impl KeptKey {
    /// Of a clip of a dataset, for at most `budget` bytes.
    pub fn new(weights: (PathBuf, Option<SystemTime>), dataset: &Dataset, clip: &ClipRef, budget: usize) -> Self {
        let dataset = (dataset.root.clone(), dataset.fingerprint.clone());
        Self { weights, dataset, clip: clip.clone(), budget }
    }
}

/// What is kept of one clip.
#[derive(Debug)]
pub struct KeptClip {
    key: KeptKey,
    /// The logits, once they are known.
    pub logits: Option<Vec<f32>>,
    /// The outputs.
    pub store: ActivationStore,
}

impl KeptClip {
    /// What was kept, if it is of this clip; else nothing yet, and what was kept is freed.
    pub fn of(kept: Option<Self>, key: KeptKey) -> Self {
        kept.filter(|k| k.key == key).unwrap_or_else(|| {
            let store = ActivationStore::new(key.budget);
            Self { key, logits: None, store }
        })
    }

    /// True where something may be kept.
    pub fn keeps(&self) -> bool {
        self.key.budget > 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inside::LayerActivation;

    #[test]
    fn another_clip_frees_what_was_kept() {
        let dataset = Dataset::default();
        let key = |start, budget| {
            let clip = ClipRef { video: "a".into(), start };
            KeptKey::new((PathBuf::new(), None), &dataset, &clip, budget)
        };
        let mut kept = KeptClip::of(None, key(0, 100));
        kept.store.keep(LayerActivation { shape: [1; 4], values: vec![1.0], ..LayerActivation::default() }).unwrap();
        let same = KeptClip::of(Some(kept), key(0, 100));
        assert_eq!((same.store.bytes(), same.keeps()), (4, true));
        let other = KeptClip::of(Some(same), key(8, 100));
        assert_eq!(other.store.bytes(), 0);
        assert!(!KeptClip::of(Some(other), key(8, 0)).keeps());
    }
}
