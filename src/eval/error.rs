use super::ClassMatchError;
use crate::data::DataError;
use crate::model::ModelError;
use crate::run_folder::RunError;
use std::path::PathBuf;

/// Why a network could not be evaluated. Every message is a sentence.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A file of the run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The classes of the dataset are not those of the run.
    #[error("the classes of {root} are not those of the run: {reason}")]
    Classes {
        /// Root of the dataset.
        root: PathBuf,
        /// Why they cannot be matched.
        reason: ClassMatchError,
    },
    /// Nothing in the dataset can be evaluated.
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
}
