//! What a training would see of a clip: what is looked at, who is at it, and what is known about it.
//!
//! One look is under way at a time. While it is, the newest wish waits, and the last answer stays on screen.

use super::awaited::Awaited;
use super::derived::Same;
use crate::config::RunConfig;
use crate::domain::Dataset;
use crate::jobs::kinds::PreviewAugmentation;
use crate::jobs::{AugmentationView, Job, JobId, PreviewClip};
use std::path::PathBuf;
use std::sync::Arc;

/// What somebody looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AugmentationChoice {
    /// Epoch whose sample is shown, from 1.
    pub epoch: u32,
    /// Which of several draws of a clip in one epoch, from 0.
    pub repeat: u32,
    /// A training clip drawn by this number; `None` takes the one under the playhead.
    pub random: Option<u64>,
}

impl Default for AugmentationChoice {
    fn default() -> Self {
        Self { epoch: 1, repeat: 0, random: None }
    }
}

/// A look that can be asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct AugmentationQuery {
    /// What would be trained on.
    pub dataset: Same<Dataset>,
    /// Its folder, which stays while its videos are still looked into.
    pub root: PathBuf,
    /// How.
    pub config: Arc<RunConfig>,
    /// Which clip.
    pub clip: PreviewClip,
    /// Epoch, from 1.
    pub epoch: u32,
    /// Which of several draws of the clip.
    pub repeat: u32,
}

impl AugmentationQuery {
    /// The work that answers it.
    pub fn job(&self) -> Option<Job> {
        Some(
            PreviewAugmentation {
                dataset: self.dataset.get()?,
                config: Box::new(RunConfig::clone(&self.config)),
                clip: self.clip.clone(),
                epoch: self.epoch,
                repeat: self.repeat,
            }
            .into(),
        )
    }
}

/// See the module's documentation.
#[derive(Clone, Debug, Default)]
pub struct AugmentationStore {
    /// What is looked at.
    pub choice: AugmentationChoice,
    /// The look under way.
    asked: Option<(AugmentationQuery, JobId)>,
    /// The look that was answered last.
    answered: Option<(AugmentationQuery, Result<Arc<AugmentationView>, String>)>,
}

impl AugmentationStore {
    /// What is known of a look; what was seen before while it is on its way.
    pub fn get(&self, query: &AugmentationQuery) -> Awaited<Arc<AugmentationView>> {
        match &self.answered {
            Some((known, found)) if known == query => Awaited::found(Some(found.clone())),
            Some((known, Ok(before))) if known.root == query.root => Awaited::Pending(Some(before.clone())),
            _ => Awaited::Pending(None),
        }
    }

    /// True where a look should be asked for: nobody is at one, and this one has no answer.
    pub fn lacks(&self, query: &AugmentationQuery) -> bool {
        self.asked.is_none() && self.answered.as_ref().is_none_or(|(known, _)| known != query)
    }

    /// A lane took a look.
    pub(super) fn asked(&mut self, query: AugmentationQuery, job: JobId) {
        self.asked = Some((query, job));
    }

    /// A lane answered, or said why it cannot; true where this was about a look.
    pub(super) fn answered(&mut self, job: JobId, answer: Result<Arc<AugmentationView>, String>) -> bool {
        match self.asked.take_if(|(_, id)| *id == job) {
            Some((query, _)) => {
                self.answered = Some((query, answer));
                true
            }
            None => false,
        }
    }

    /// A look ended without an answer.
    pub(super) fn ended(&mut self, job: JobId) {
        self.asked.take_if(|(_, id)| *id == job);
    }

    /// The draw of the next epoch.
    pub(super) fn next_draw(&mut self) {
        (self.choice.epoch, self.choice.repeat) = (self.choice.epoch.saturating_add(1), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_look_is_under_way_and_the_last_answer_stays() {
        let dataset = Arc::new(Dataset::default());
        let query = |epoch| AugmentationQuery {
            dataset: Same::of(&dataset),
            root: PathBuf::new(),
            config: Arc::default(),
            clip: PreviewClip::Random(1),
            epoch,
            repeat: 0,
        };
        let mut store = AugmentationStore::default();
        assert!(store.lacks(&query(1)) && store.get(&query(1)) == Awaited::Pending(None));
        store.asked(query(1), JobId(1));
        assert!(!store.lacks(&query(1)) && !store.lacks(&query(2)), "somebody is at one");
        assert!(!store.answered(JobId(2), Err("other work".into())));
        assert!(store.answered(JobId(1), Err("no".into())));
        assert_eq!(store.get(&query(1)).reason(), Some("no"));
        assert!(!store.lacks(&query(1)) && store.lacks(&query(2)), "what failed is not asked for again by itself");
        store.asked(query(2), JobId(3));
        store.ended(JobId(3));
        assert!(store.lacks(&query(2)));
        store.choice.repeat = 2;
        store.next_draw();
        assert_eq!(store.choice, AugmentationChoice { epoch: 2, ..AugmentationChoice::default() });
    }
}
