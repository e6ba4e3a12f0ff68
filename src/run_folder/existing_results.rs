//! Where an evaluation goes, and what it finds there.

use super::files::read_json;
use super::layout::RESULTS;
use super::results::read_evaluations;
use super::{Checkpoint, Evaluation};
use crate::domain::{Dataset, SplitChoice, leaf};
use std::path::{Path, PathBuf};

/// The folder in a run's results that keeps what is told about a checkpoint on a dataset: `results/last`. Where that
/// holds results of other data these get a folder of their own beside it (`results/last@demo-1a2b3c4d`), so that nothing
/// is replaced but the same evaluation.
pub fn results_folder(checkpoint: &Checkpoint, dataset: &Dataset) -> PathBuf {
    let results = checkpoint.home().join(RESULTS);
    let own = results.join(&checkpoint.name);
    let other_data = read_evaluations(&own).iter().any(|(_, e)| e.as_ref().is_ok_and(|e| !is_of(e, dataset)));
    if !other_data {
        return own;
    }
    let safe = |c: char| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' };
    let data: String = leaf(&dataset.root).chars().take(40).map(safe).collect();
    let digits: String = dataset.fingerprint.chars().take(8).collect();
    results.join(format!("{}@{data}-{digits}", checkpoint.name))
}

/// True for an evaluation of this very data. Results of older versions know the place only.
fn is_of(evaluation: &Evaluation, dataset: &Dataset) -> bool {
    match evaluation.dataset_fingerprint.is_empty() {
        true => Path::new(&evaluation.dataset) == dataset.root,
        false => evaluation.dataset_fingerprint == dataset.fingerprint,
    }
}

/// The evaluation of a split that lies in a results folder already, seen by the one that would replace it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExistingResult {
    /// There is none.
    None,
    /// One that cannot be read; a sentence.
    Damaged(String),
    /// The same checkpoint was evaluated on the same data: writing it again loses nothing.
    Same,
    /// A checkpoint of the same name, but it was trained further since; a sentence.
    Outdated(String),
    /// Another checkpoint or other data; a sentence that says which.
    Other(String),
}

impl ExistingResult {
    /// Looks into the folder `results`.
    pub fn find(results: &Path, checkpoint: &Checkpoint, dataset: &Dataset, split: SplitChoice) -> Self {
        let path = results.join(format!("evaluation_{}.json", split.name()));
        if !path.exists() {
            return Self::None;
        }
        let earlier: Evaluation = match read_json(&path) {
            Ok(earlier) => earlier,
            Err(error) => return Self::Damaged(error.to_string()),
        };
        let told = |how: &str| {
            let Evaluation { checkpoint, dataset, .. } = &earlier;
            let percent = 100.0 * earlier.score();
            format!("{} holds the evaluation of '{checkpoint}' on {dataset} ({percent:.1} %), {how}", path.display())
        };
        if earlier.checkpoint != checkpoint.name {
            return Self::Other(told(&format!("which is not the checkpoint '{}'", checkpoint.name)));
        }
        if !is_of(&earlier, dataset) {
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
    use crate::run_folder::CheckpointState;

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
        let find = |c: &Checkpoint, d: &Dataset, split| ExistingResult::find(dir.path(), c, d, split);
        let (last, data) = (checkpoint("last", 10), dataset("/data", "aa"));
        assert_eq!(find(&last, &data, SplitChoice::Test), ExistingResult::None);
        std::fs::write(dir.path().join("evaluation_test.json"), "{\n  \"run\": ,").unwrap();
        let ExistingResult::Damaged(told) = find(&last, &data, SplitChoice::Test) else { panic!("it is damaged") };
        assert!(told.contains("evaluation_test.json is damaged") && told.contains("line 2"), "{told}");
        let mut earlier = Evaluation {
            checkpoint: "last".into(),
            dataset: "/data".into(),
            dataset_fingerprint: "aa".into(),
            step: 10,
            ..Evaluation::default()
        };
        write(&earlier);
        assert_eq!(find(&last, &data, SplitChoice::Test), ExistingResult::Same);
        assert_eq!(find(&last, &dataset("/moved", "aa"), SplitChoice::Test), ExistingResult::Same);
        assert_eq!(find(&last, &data, SplitChoice::Train), ExistingResult::None);
        let said = |found: ExistingResult| match found {
            ExistingResult::Other(sentence) => sentence,
            other => panic!("{other:?}"),
        };
        assert!(said(find(&checkpoint("best_loss", 10), &data, SplitChoice::Test)).contains("'best_loss'"));
        assert!(said(find(&last, &dataset("/b", "bb"), SplitChoice::Test)).contains("other data"));
        assert!(said(find(&last, &dataset("/data", "bb"), SplitChoice::Test)).contains("were others then"));
        assert!(matches!(find(&checkpoint("last", 12), &data, SplitChoice::Test), ExistingResult::Outdated(_)));
        // Written before fingerprints were.
        earlier.dataset_fingerprint.clear();
        write(&earlier);
        assert_eq!(find(&last, &data, SplitChoice::Test), ExistingResult::Same);
        assert!(said(find(&last, &dataset("/moved", "aa"), SplitChoice::Test)).contains("other data"));
    }
}
