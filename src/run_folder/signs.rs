//! What a run folder tells of the training in it, wherever that runs: who trains, whether anything was written, and what the
//! training is asked to do.

use super::layout::{CHECKPOINTS, CONTROL_FILE};
use super::lock::{Worker, holder};
use super::{RunDir, RunError, STATE_FILE};
use crate::files::{self, Stamp};
use crate::progress::Flow;
use std::path::{Path, PathBuf};

/// Stamps of the files of a run: others, once anything was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signs(Vec<(PathBuf, Option<Stamp>)>);

impl RunDir {
    /// The stamps of its files as they are now.
    pub fn signs(&self) -> Signs {
        let in_folder = |folder: &Path| -> Vec<PathBuf> {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.path()).collect()
        };
        let states = in_folder(&self.path().join(CHECKPOINTS)).into_iter().map(|folder| folder.join(STATE_FILE));
        let mut files: Vec<PathBuf> = in_folder(self.path()).into_iter().chain(states).collect();
        files.sort_unstable();
        Signs(files.into_iter().map(|file| (files::stamp(&file), file)).map(|(stamp, file)| (file, stamp)).collect())
    }

    /// Who trains in it; `None` for nobody.
    pub fn worker(&self) -> Option<Worker> {
        holder(self.path())
    }

    /// What its training is asked to do by its folder.
    pub fn asked(&self) -> Flow {
        let text = files::read_text(&self.path().join(CONTROL_FILE), 64).unwrap_or_default();
        Flow::of_word(&text).unwrap_or_default()
    }

    /// Asks its training to do something, on whatever machine that runs.
    ///
    /// # Errors
    /// A run that nobody trains, or a folder that cannot be written to.
    pub fn ask(&self, flow: Flow) -> Result<(), RunError> {
        if self.worker().is_none_or(|worker| worker.ended) {
            return Err(RunError::NobodyTrains(self.path().to_path_buf()));
        }
        let file = self.path().join(CONTROL_FILE);
        files::replace(&file, flow.word().as_bytes()).map_err(|e| RunError::file("write", &file, &e))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_folder::lock::lock;

    #[test]
    fn a_run_is_asked_where_somebody_trains_it_and_anything_written_is_a_sign() {
        let dir = tempfile::tempdir().unwrap();
        let run = RunDir::at(dir.path().to_path_buf());
        assert!(matches!(run.ask(Flow::Stop), Err(RunError::NobodyTrains(_))));
        let held = lock(run.path()).unwrap();
        let worker = run.worker().unwrap();
        assert!(worker.name.starts_with(&format!("process {} on ", std::process::id())) && !worker.ended);
        let before = run.signs();
        assert_eq!(before, run.signs());
        run.ask(Flow::Pause).unwrap();
        assert_eq!(std::fs::read_to_string(dir.path().join("control")).unwrap(), "pause");
        assert_eq!((run.asked(), run.signs() == before), (Flow::Pause, false));
        std::fs::create_dir_all(dir.path().join("checkpoints/last")).unwrap();
        let before = run.signs();
        std::fs::write(dir.path().join("checkpoints/last").join(STATE_FILE), "x").unwrap();
        assert_ne!(before, run.signs());
        drop(held);
        assert_eq!(run.worker(), None);
        // A process of this machine that is over.
        let host = crate::process_usage::host_name();
        std::fs::write(dir.path().join(".lock"), format!("process 4194305 on {host}")).unwrap();
        assert!(run.worker().is_some_and(|worker| worker.ended));
        assert!(run.ask(Flow::Stop).unwrap_err().to_string().contains("resume"));
        // Of one of another machine nothing is known but its name.
        std::fs::write(dir.path().join(".lock"), "process 1 on elsewhere").unwrap();
        assert_eq!(run.worker(), Some(Worker { name: "process 1 on elsewhere".into(), ended: false }));
    }
}
