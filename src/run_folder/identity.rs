//! Which weights a number or a picture comes from: one answer for the cards, Review, badges, exports and JSON.

use super::{Checkpoint, Evaluation};
use crate::domain::leaf;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// A resolved checkpoint, how far it had been trained, and what was asked of it when. A default is never stored: it may
/// mean another checkpoint tomorrow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Identity {
    /// Run folder, or the checkpoint's own folder when it lies in none.
    pub run: PathBuf,
    /// Name of the checkpoint.
    pub checkpoint: String,
    /// Whole epochs it had been trained; `None` in results of earlier versions.
    pub epoch: Option<u32>,
    /// Batches of the epoch after that it had been trained; 0 at the end of an epoch.
    #[serde(default)]
    pub batches: u32,
    /// Optimiser steps it had been trained.
    pub step: u64,
    /// The split that was evaluated; `None` for what belongs to none.
    pub split: Option<String>,
    /// When it was computed, in seconds since 1970; `None` in results of earlier versions.
    pub made_unix: Option<u64>,
}

impl Identity {
    /// Of weights that are used now.
    pub fn of(checkpoint: &Checkpoint) -> Self {
        Self {
            run: checkpoint.home().to_path_buf(),
            checkpoint: checkpoint.name.clone(),
            epoch: Some(checkpoint.state.epoch),
            batches: checkpoint.state.batch_in_epoch,
            step: checkpoint.state.step,
            split: None,
            made_unix: Some(now_unix()),
        }
    }

    /// The checkpoint and its epoch: `last, epoch 12`. Weights that were never trained here have no epoch.
    pub fn weights(&self) -> String {
        match self.epoch {
            Some(epoch) if self.batches > 0 => format!("{}, within epoch {}", self.checkpoint, epoch + 1),
            Some(epoch) if epoch > 0 => format!("{}, epoch {epoch}", self.checkpoint),
            Some(_) if self.step == 0 => format!("{}, not trained here", self.checkpoint),
            Some(_) => format!("{}, within epoch 1", self.checkpoint),
            None => self.checkpoint.clone(),
        }
    }

    /// When it was computed, on the clock of this place.
    pub fn when(&self) -> Option<String> {
        self.made_unix.and_then(crate::video::local_time)
    }
}

/// `demo-1 · last, epoch 12 · test · 2026-04-12 23:58`, as far as it is known.
impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · {}", leaf(&self.run), self.weights())?;
        if let Some(split) = &self.split {
            write!(f, " · {split}")?;
        }
        self.when().map_or(Ok(()), |when| write!(f, " · {when}"))
    }
}

impl Evaluation {
    /// Which weights were evaluated on what, and when.
    pub fn identity(&self) -> Identity {
        Identity {
            run: PathBuf::from(&self.run),
            checkpoint: self.checkpoint.clone(),
            epoch: self.epoch,
            batches: self.batches,
            step: self.step,
            split: Some(self.split.clone()),
            made_unix: self.made_unix,
        }
    }
}

/// Seconds since 1970.
pub fn now_unix() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_reads_as_far_as_it_is_known() {
        let known = Identity {
            run: "/runs/demo-1".into(),
            checkpoint: "last".into(),
            epoch: Some(12),
            batches: 0,
            step: 300,
            split: Some("test".into()),
            made_unix: Some(1_700_000_000),
        };
        let text = known.to_string();
        assert!(text.starts_with("demo-1 · last, epoch 12 · test · 2023-11-1"), "{text}");
        let interrupted = Identity { batches: 1, ..known.clone() };
        assert_eq!(interrupted.weights(), "last, within epoch 13", "not the weights of the end of epoch 12");
        let old = Identity { epoch: None, made_unix: None, ..known.clone() };
        assert_eq!(old.to_string(), "demo-1 · last · test");
        let imported = Identity { epoch: Some(0), step: 0, split: None, ..old.clone() };
        assert_eq!(imported.to_string(), "demo-1 · last, not trained here");
        assert_eq!(Identity { step: 7, ..imported }.weights(), "last, within epoch 1");
    }
}
