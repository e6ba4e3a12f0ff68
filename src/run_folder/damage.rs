//! What of a run folder is damaged or missing, in sentences that name file, line and remedy, and what stands in for it.
//!
//! A checkpoint holds the configuration, the classes and the epochs of its run once more, so that a run with one damaged file
//! still opens. Whoever takes the stand-in passes the sentence on.

use super::checkpoint::MODEL_FILE;
use super::files::with_remedy;
use super::{CheckpointState, RunDir, RunError};
use crate::config::RunConfig;
use crate::domain::{ClassSet, Task};
use crate::progress::EpochReport;

impl RunDir {
    /// The resolved configuration, or that of the checkpoint trained furthest where its file cannot be read.
    ///
    /// # Errors
    /// A file that cannot be read, in a run without a readable checkpoint.
    pub fn config_as_known(&self) -> Result<RunConfig, RunError> {
        self.config().or_else(|e| self.furthest().map(|s| s.config).ok_or(e))
    }

    /// Classes in output order, or those of the checkpoint trained furthest where their file cannot be read.
    ///
    /// # Errors
    /// A file that cannot be read, in a run without a readable checkpoint.
    pub fn classes_as_known(&self) -> Result<ClassSet, RunError> {
        self.classes().or_else(|e| self.furthest().map(|s| s.classes).ok_or(e))
    }

    /// Epochs so far, or those of the checkpoint trained furthest where a table of epochs cannot be read.
    pub fn history_as_known(&self) -> Vec<EpochReport> {
        self.history().unwrap_or_else(|_| self.furthest().map(|s| s.history).unwrap_or_default())
    }

    /// How many classes a clip may have, by `environment.ron` or else by the checkpoint trained furthest.
    pub fn task_as_known(&self) -> Task {
        let stored = || self.furthest().map(|s| s.task).unwrap_or_default();
        self.environment().map_or_else(|_| stored(), |e| e.task)
    }

    /// Everything of the run itself that is damaged or missing; see [`RunDir::results`] for its evaluations.
    pub fn damage(&self) -> Vec<RunError> {
        let mut out = Vec::new();
        for error in [self.config().err(), self.classes().err()].into_iter().flatten() {
            let remedy = match self.furthest() {
                Some(_) => {
                    "that in its checkpoints is used instead; put the file back from a copy before the run is resumed"
                }
                None => "put the file back from a copy, or train the run again",
            };
            out.push(with_remedy(error, remedy));
        }
        let mut note = |found: Option<RunError>, remedy: &str| out.extend(found.map(|e| with_remedy(e, remedy)));
        note(
            self.environment().err(),
            "which dataset it was trained on is not known, and the run cannot be resumed; put the file back from a copy",
        );
        note(
            self.split().err(),
            "which videos it was trained on is not known: an evaluation may take clips it was trained on for new ones; put the \
             file back from a copy",
        );
        note(
            self.history().err(),
            "the epochs that its checkpoints remember are shown instead; an epoch of training writes the table anew",
        );
        note(
            self.layer_reports().err(),
            "statistics of layers are not shown; put the file back from a copy, or remove it",
        );
        self.damaged_checkpoints(&mut out);
        out
    }

    fn damaged_checkpoints(&self, out: &mut Vec<RunError>) {
        let names = self.checkpoints();
        let mut readable = Vec::new();
        for name in &names {
            let Some(folder) = self.checkpoint_folder(name) else { continue };
            match CheckpointState::read(&folder) {
                Ok(_) => readable.push(name),
                // Says itself what to do.
                Err(error) => out.push(error),
            }
            let weights = folder.join(MODEL_FILE);
            if !weights.is_file() {
                let reason = "these weights are lost; take another checkpoint of this run".into();
                out.push(RunError::Missing { path: weights, reason });
            }
        }
        let last = names.iter().find(|n| *n == "last");
        if let (Some(first), None) = (names.first(), last) {
            let reason = format!(
                "every checkpoint is written under this name too, so it was lost or deleted; '{first}' is used where none is \
                 named, and training can only go on from a copy of it"
            );
            out.push(RunError::Missing { path: self.checkpoints_dir().join("last"), reason });
        } else if let (Some(first), Some(last)) = (names.first(), last)
            && !readable.contains(&last)
            && readable.contains(&first)
        {
            let reason = format!("'{first}' is used where no checkpoint is named");
            out.push(RunError::Damaged { path: self.checkpoints_dir().join(last), reason });
        }
    }

    /// What the readable checkpoint that was trained furthest remembers.
    fn furthest(&self) -> Option<CheckpointState> {
        let read = |name: String| self.checkpoint_folder(&name).and_then(|f| CheckpointState::read(&f).ok());
        self.checkpoints().into_iter().filter_map(read).max_by_key(|s| s.step)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{CONFIG_FILE, Environment, METRICS_FILE, writer};
    use super::*;
    use std::path::Path;

    /// A run of two classes with the checkpoints named, each trained for as many steps as its place in the list.
    fn run(dir: &Path, checkpoints: &[&str]) -> RunDir {
        let classes = ClassSet::from_names(["sit", "stand"]);
        let mut config = RunConfig::reference();
        config.seed = 7;
        let new = writer::NewRun {
            config: &config,
            classes: &classes,
            split: &[],
            environment: &Environment::default(),
            corrections: None,
        };
        let run = writer::create_run(&dir.join("run"), &new).unwrap();
        for (step, name) in (1..).zip(checkpoints) {
            let folder = run.checkpoints_dir().join(name);
            std::fs::create_dir(&folder).unwrap();
            let history = vec![EpochReport { epoch: step as u32, ..EpochReport::default() }];
            let state = CheckpointState {
                config: config.clone(),
                classes: classes.clone(),
                step,
                history,
                ..Default::default()
            };
            let text = format!("(checkpoint: {})", ron::to_string(&state).unwrap());
            std::fs::write(folder.join("state.ron"), text).unwrap();
            std::fs::write(folder.join(MODEL_FILE), "").unwrap();
        }
        run
    }

    fn told(run: &RunDir) -> Vec<String> {
        run.damage().iter().map(|e| e.to_string().replace(&run.path().display().to_string(), "RUN")).collect()
    }

    #[test]
    fn a_whole_run_has_no_damage_and_neither_has_one_before_its_first_checkpoint() {
        for checkpoints in [["best_accuracy", "last"].as_slice(), &[]] {
            let dir = tempfile::tempdir().unwrap();
            assert_eq!(told(&run(dir.path(), checkpoints)), Vec::<String>::new());
        }
    }

    #[test]
    fn a_damaged_configuration_is_told_with_its_line_and_the_checkpoint_stands_in() {
        let dir = tempfile::tempdir().unwrap();
        let run = run(dir.path(), &["best_accuracy", "last"]);
        std::fs::write(run.path().join(CONFIG_FILE), "(\n    seed: seven,\n)").unwrap();
        let told = told(&run);
        assert_eq!(told.len(), 1, "{told:?}");
        for word in ["RUN/config.ron is damaged: line 2", "checkpoints is used instead", "put the file back"] {
            assert!(told[0].contains(word), "{word}: {told:?}");
        }
        assert_eq!(run.config_as_known().unwrap().seed, 7);
        std::fs::remove_dir_all(run.checkpoints_dir()).unwrap();
        assert!(run.config_as_known().is_err());
    }

    #[test]
    fn a_damaged_table_of_epochs_is_told_with_its_line_and_the_furthest_checkpoint_stands_in() {
        let dir = tempfile::tempdir().unwrap();
        let run = run(dir.path(), &["best_accuracy", "last"]);
        let text = "epoch,train_loss,train_accuracy,val_loss,val_accuracy,learning_rate,gradient_norm,seconds,\
                    clips_per_second,epochs_without_improvement,memory_bytes\n1,0.5,0.5,,,0.1,1,1,1,0,0\n2,oops,0.5,,,0.1,1,1,1,0,0\n";
        std::fs::write(run.path().join(METRICS_FILE), text).unwrap();
        let told = told(&run);
        assert_eq!(told.len(), 1, "{told:?}");
        for word in ["training_metrics.csv is damaged: line 3", "train_loss", "checkpoints remember"] {
            assert!(told[0].contains(word), "{word}: {told:?}");
        }
        assert_eq!(run.history_as_known().iter().map(|e| e.epoch).collect::<Vec<_>>(), [2]);
    }

    #[test]
    fn lost_checkpoints_and_weights_are_told() {
        let dir = tempfile::tempdir().unwrap();
        let run = run(dir.path(), &["best_accuracy", "best_loss"]);
        std::fs::remove_file(run.checkpoints_dir().join("best_loss").join(MODEL_FILE)).unwrap();
        let told = told(&run);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].contains("best_loss/model.safetensors is missing"), "{told:?}");
        assert!(
            told[1].contains("RUN/checkpoints/last is missing") && told[1].contains("'best_accuracy' is used"),
            "{told:?}"
        );
    }

    #[test]
    fn a_damaged_last_checkpoint_is_told_with_the_one_that_is_used() {
        let dir = tempfile::tempdir().unwrap();
        let run = run(dir.path(), &["best_accuracy", "last"]);
        std::fs::write(run.checkpoints_dir().join("last/state.ron"), "(checkpoint:").unwrap();
        let told = told(&run);
        assert!(told[0].contains("last/state.ron is damaged: line 1"), "{told:?}");
        assert!(told[0].contains("take another checkpoint"), "{told:?}");
        assert!(told[1].contains("'best_accuracy' is used"), "{told:?}");
    }
}
