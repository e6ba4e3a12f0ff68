use crate::model::ModelError;
use std::path::{Path, PathBuf};

/// Why a run folder could not be read or written. Every message is a sentence.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {path}: {reason}")]
    File {
        /// What was tried: `read`, `write`, `create`.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The reason and what to do.
        reason: String,
    },
    /// The folder is not what it was taken for.
    #[error("{path} is not a run folder: {reason}")]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// A file of a run is damaged.
    #[error("{path} is damaged: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A file of a run is not there.
    #[error("{path} is missing: {reason}")]
    Missing {
        /// The file or folder.
        path: PathBuf,
        /// What follows from it and what to do.
        reason: String,
    },
    /// The run has no checkpoint of this name.
    #[error("{run} has no checkpoint '{name}'; it has: {known}")]
    NoCheckpoint {
        /// Run folder.
        run: PathBuf,
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// The run folder is taken.
    #[error("{0} already holds a run; resume it, choose another folder, or have it replaced")]
    Exists(PathBuf),
    /// The folder holds something else.
    #[error("{0} is not empty and holds no run; choose another folder")]
    Occupied(PathBuf),
    /// Two processes in one folder.
    #[error("{folder} is in use by {holder}; wait for it, or choose another folder")]
    Busy {
        /// The folder.
        folder: PathBuf,
        /// Who has it: `process 1234 on HOST`.
        holder: String,
    },
    /// Something is asked of a training that is over.
    #[error("nobody trains {0} now, so there is nobody to ask; resume it first")]
    NobodyTrains(PathBuf),
    /// A network is asked of a run that has none.
    #[error(
        "{run} holds a classical baseline ({title}) and no network: it has no layers to explain and no weights to export or begin \
         with; it can be evaluated and predict"
    )]
    NoNetwork {
        /// Run folder.
        run: PathBuf,
        /// The baseline, for people.
        title: String,
    },
    /// The network of a checkpoint or its device failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl RunError {
    /// A file error as a sentence that says what to do.
    pub(crate) fn file(action: &'static str, path: &Path, error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let reason = match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => "the disk is full; free some space and try again".to_owned(),
            Kind::PermissionDenied => "permission denied; choose a folder you may write to".to_owned(),
            Kind::ReadOnlyFilesystem => "the file system is read-only; choose another folder".to_owned(),
            Kind::NotFound => "it does not exist".to_owned(),
            _ => error.to_string(),
        };
        RunError::File { action, path: path.to_path_buf(), reason }
    }
}
