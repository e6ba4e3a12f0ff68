//! What an evaluation finds where it is about to be written.

use super::{Checkpoint, Evaluation, SplitChoice};
use crate::domain::Dataset;
use std::path::Path;

/// The evaluation of a split that lies in a results folder already, seen by the one that would replace it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// There is none, or one that cannot be read.
    None,
    /// The same checkpoint was judged on the same data: writing it again loses nothing.
    Same,
    /// A checkpoint of the same name, but it was trained further since; a sentence.
    Outdated(String),
    /// Another checkpoint or other data; a sentence that says which.
    Other(String),
}

impl Earlier {
    /// Looks into the folder `results`.
    pub fn find(results: &Path, checkpoint: &Checkpoint, dataset: &Dataset, split: SplitChoice) -> Self {
        let path = results.join(format!("evaluation_{}.json", split.name()));
        let Some(earlier) = std::fs::read(&path).ok().and_then(|b| serde_json::from_slice::<Evaluation>(&b).ok())
        else {
            return Self::None;
        };
        let told = |how: &str| {
            let Evaluation { checkpoint, dataset, accuracy, .. } = &earlier;
            let percent = 100.0 * accuracy;
            format!("{} holds the evaluation of '{checkpoint}' on {dataset} ({percent:.1} %), {how}", path.display())
        };
        if earlier.checkpoint != checkpoint.name {
            return Self::Other(told(&format!("which is not the checkpoint '{}'", checkpoint.name)));
        }
        // Results of older versions know the place only.
        let same_data = match earlier.dataset_fingerprint.is_empty() {
            true => Path::new(&earlier.dataset) == dataset.root,
            false => earlier.dataset_fingerprint == dataset.fingerprint,
        };
        if !same_data {
            return Self::Other(told(if Path::new(&earlier.dataset) == dataset.root {
                "whose files, labels or splits were others then"
            } else {
                "which is other data"
            }));
        }
        if earlier.step != checkpoint.state.step {
            return Self::Outdated(told("which was trained further since"));
        }
        Self::Same
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::CheckpointState;

    fn checkpoint(name: &str, step: u64) -> Checkpoint {
        let state = CheckpointState { step, ..CheckpointState::default() };
        Checkpoint { path: "c".into(), name: name.into(), run: None, state }
    }

    #[test]
    fn only_the_same_evaluation_is_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let dataset = |root: &str, fingerprint: &str| Dataset {
            root: root.into(),
            fingerprint: fingerprint.into(),
            ..Dataset::default()
        };
        let write = |evaluation: &Evaluation| {
            let text = serde_json::to_string(evaluation).unwrap();
            std::fs::write(dir.path().join("evaluation_test.json"), text).unwrap();
        };
        let find = |c: &Checkpoint, d: &Dataset, split| Earlier::find(dir.path(), c, d, split);
        let (last, data) = (checkpoint("last", 10), dataset("/data", "aa"));
        assert_eq!(find(&last, &data, SplitChoice::Test), Earlier::None);
        let mut earlier = Evaluation {
            checkpoint: "last".into(),
            dataset: "/data".into(),
            dataset_fingerprint: "aa".into(),
            step: 10,
            ..Evaluation::default()
        };
        write(&earlier);
        assert_eq!(find(&last, &data, SplitChoice::Test), Earlier::Same);
        assert_eq!(find(&last, &dataset("/moved", "aa"), SplitChoice::Test), Earlier::Same);
        assert_eq!(find(&last, &data, SplitChoice::Train), Earlier::None);
        let said = |found: Earlier| match found {
            Earlier::Other(sentence) => sentence,
            other => panic!("{other:?}"),
        };
        assert!(said(find(&checkpoint("best_loss", 10), &data, SplitChoice::Test)).contains("'best_loss'"));
        assert!(said(find(&last, &dataset("/b", "bb"), SplitChoice::Test)).contains("other data"));
        assert!(said(find(&last, &dataset("/data", "bb"), SplitChoice::Test)).contains("were others then"));
        assert!(matches!(find(&checkpoint("last", 12), &data, SplitChoice::Test), Earlier::Outdated(_)));
        // Written before fingerprints were.
        earlier.dataset_fingerprint.clear();
        write(&earlier);
        assert_eq!(find(&last, &data, SplitChoice::Test), Earlier::Same);
        assert!(said(find(&last, &dataset("/moved", "aa"), SplitChoice::Test)).contains("other data"));
    }
}
