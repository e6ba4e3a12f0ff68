//! What was found in weight files, by what was asked about them.
//!
//! Panels look answers up by their own question, so an answer to an older one is never shown.

use super::awaited::Awaited;
use crate::config::ModelConfig;
use crate::jobs::kinds::{GuessNetwork, InspectWeights};
use crate::jobs::{Job, JobId};
use crate::model::{ModelSpec, WeightReport};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Answers kept; one file is looked into with a few networks.
const KEPT: usize = 32;

/// A question about a weight file.
#[derive(Clone, Debug, PartialEq)]
pub enum WeightQuery {
    /// Which network is it of?
    Network(PathBuf),
    /// What could this network with so many classes take from it?
    Report(PathBuf, ModelConfig, usize),
}

impl WeightQuery {
    /// What a network could take from a file.
    pub fn report(weights: &Path, model: &ModelConfig, classes: usize) -> Self {
        // Nothing else of a configuration changes the names and shapes of arrays.
        let (id, options) = (model.id.clone(), model.options);
        Self::Report(weights.to_path_buf(), ModelConfig { id, options, ..ModelConfig::default() }, classes)
    }

    /// The work that answers it.
    pub fn job(&self) -> Job {
        match self.clone() {
            Self::Network(weights) => GuessNetwork { weights }.into(),
            Self::Report(weights, model, classes) => InspectWeights { weights, model, classes }.into(),
        }
    }
}

/// An answer to a [`WeightQuery`].
#[derive(Clone, Debug)]
pub enum WeightAnswer {
    /// What would go where.
    Report(Arc<WeightReport>),
    /// The network, where one alone fits.
    Network(Option<&'static ModelSpec>),
}

/// Questions, who is at them, and what is known about them, newest last.
#[derive(Clone, Debug, Default)]
pub struct WeightStore {
    looks: Vec<(WeightQuery, JobId, Awaited<WeightAnswer>)>,
}

impl WeightStore {
    /// What is known.
    pub fn get(&self, query: &WeightQuery) -> &Awaited<WeightAnswer> {
        self.looks.iter().find(|(q, ..)| q == query).map_or(&Awaited::NotAsked, |(.., look)| look)
    }

    /// A lane took the question.
    pub(super) fn asked(&mut self, query: WeightQuery, job: JobId) {
        self.looks.retain(|(q, ..)| *q != query);
        self.looks.push((query, job, Awaited::Pending(None)));
        if self.looks.len() > KEPT {
            self.looks.remove(0);
        }
    }

    /// A lane answered, or said why it cannot.
    pub(super) fn answered(&mut self, job: JobId, answer: Result<WeightAnswer, String>) {
        if let Some((.., look)) = self.looks.iter_mut().find(|(_, id, _)| *id == job) {
            *look = Awaited::found(Some(answer));
        }
    }

    /// Forgets what was found in a file: it may be another one by now.
    pub(super) fn forget(&mut self, path: &Path) {
        self.looks.retain(|(query, _, look)| {
            let (WeightQuery::Network(p) | WeightQuery::Report(p, ..)) = query;
            p != path || matches!(look, Awaited::Pending(_))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_belongs_to_its_question_alone() {
        let mut store = WeightStore::default();
        let model = |id: &str| ModelConfig { id: id.into(), ..ModelConfig::default() };
        let path = Path::new("/w.pth");
        let (first, second) =
            (WeightQuery::report(path, &model("c3d"), 3), WeightQuery::report(path, &model("i3d"), 3));
        store.asked(first.clone(), JobId(1));
        store.asked(second.clone(), JobId(2));
        store.answered(JobId(1), Err("no".into()));
        assert_eq!(store.get(&first).reason(), Some("no"));
        assert!(matches!(store.get(&second), Awaited::Pending(None)), "still under way");
        // Frozen layers and the like change nothing about the arrays.
        let frozen = ModelConfig { freeze: Some("backbone".into()), ..model("c3d") };
        assert_eq!(WeightQuery::report(path, &frozen, 3), first);
        assert_ne!(WeightQuery::report(path, &frozen, 4), first);
        store.forget(path);
        assert!(matches!(store.get(&first), Awaited::NotAsked) && matches!(store.get(&second), Awaited::Pending(_)));
    }
}
