use super::ClassMatchError;
use crate::data::DataError;
use crate::model::ModelError;
use std::path::{Path, PathBuf};

/// Why a run or a checkpoint could not be read, or a network not be judged. Every message is a sentence.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
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
    /// The classes of the dataset are not those of the run.
    #[error("the classes of {root} are not those of the run: {reason}")]
    Classes {
        /// Root of the dataset.
        root: PathBuf,
        /// Why they cannot be matched.
        reason: ClassMatchError,
    },
    /// Nothing in the dataset can be judged.
    #[error("{0}")]
    NothingToJudge(String),
    /// The network gave values that are not numbers.
    #[error("the network of {checkpoint} gives values that are not numbers; take an earlier checkpoint")]
    NotFinite {
        /// The checkpoint.
        checkpoint: PathBuf,
    },
    /// The owner of the job asked it to end.
    #[error("stopped before the end")]
    Stopped,
    /// The dataset or a video failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The network or its device failed.
    #[error(transparent)]
    Model(#[from] ModelError),
}

impl EvalError {
    /// True when the owner of the job asked it to end, however deep that was noticed.
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Stopped | Self::Data(DataError::Stopped))
    }

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
        EvalError::File { action, path: path.to_path_buf(), reason }
    }
}
