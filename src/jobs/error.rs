//! Why jobs end without a result.

use crate::cam::CamError;
use crate::compare::CompareError;
use crate::data::{DataError, demo};
use crate::eval::EvalError;
use crate::inside::InsideError;
use crate::model::ModelError;
use crate::peers::PeerError;
use crate::render::RenderError;
use crate::run_folder::RunError;
use crate::train::TrainError;
use crate::video::VideoError;
use std::path::PathBuf;

/// Why a job ended without a result. Every message is a sentence.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It was asked to stop.
    #[error("stopped")]
    Stopped,
    /// Opening or loading data.
    #[error(transparent)]
    Data(DataError),
    /// Making the demo dataset.
    #[error(transparent)]
    Demo(demo::DemoError),
    /// Training.
    #[error(transparent)]
    Train(TrainError),
    /// A file of a run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Evaluating.
    #[error(transparent)]
    Eval(EvalError),
    /// Comparing runs.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// A heatmap.
    #[error(transparent)]
    Cam(#[from] CamError),
    /// The inside of a network.
    #[error(transparent)]
    Inside(#[from] InsideError),
    /// A network.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A video.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// A picture.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// A file.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// What was asked for does not exist.
    #[error("{0}")]
    Missing(String),
    /// A state that the program rules out; never shown as a stop.
    #[error("an internal error: {0}; this is a fault of the program, please report it")]
    Internal(&'static str),
}

impl JobError {
    /// What another process of the job did, where that ended it.
    pub fn peer(&self) -> Option<&PeerError> {
        match self {
            Self::Train(error) => error.peer(),
            Self::Eval(error) => error.peer(),
            _ => None,
        }
    }
}

impl JobError {
    /// True where it only says that the work ended as it was asked to.
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Stopped)
    }
}

impl From<PeerError> for JobError {
    fn from(e: PeerError) -> Self {
        EvalError::Peers(e).into()
    }
}

impl From<DataError> for JobError {
    fn from(e: DataError) -> Self {
        if matches!(e, DataError::Stopped) { Self::Stopped } else { Self::Data(e) }
    }
}

impl From<EvalError> for JobError {
    fn from(e: EvalError) -> Self {
        if e.is_stop() { Self::Stopped } else { Self::Eval(e) }
    }
}

impl From<TrainError> for JobError {
    fn from(e: TrainError) -> Self {
        if e.is_stop() { Self::Stopped } else { Self::Train(e) }
    }
}

impl From<demo::DemoError> for JobError {
    fn from(e: demo::DemoError) -> Self {
        if matches!(e, demo::DemoError::Stopped) { Self::Stopped } else { Self::Demo(e) }
    }
}
