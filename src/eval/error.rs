use super::ClassMatchError;
use crate::data::{ClipSource, DataError};
use crate::domain::Clip;
use crate::model::ModelError;
use crate::peers::PeerError;
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
    /// A baseline of poses, and a video without any.
    #[error("{} has no poses, which this baseline is made of; add its pose file, leave the video out, or choose other features", video.display())]
    NoPoses {
        /// The video.
        video: PathBuf,
    },
    /// Features of another number than a baseline was fitted to.
    #[error(
        "a clip of {} gives {found} features where {wanted} are wanted: its poses are of other \
         joints; leave the video out, or choose other features", video.display()
    )]
    Features {
        /// The video.
        video: PathBuf,
        /// Features of the clip.
        found: usize,
        /// Features of the others.
        wanted: usize,
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
    /// The processes that evaluate together.
    #[error(transparent)]
    Peers(#[from] PeerError),
}

impl EvalError {
    /// A clip whose features are not as many as they should be.
    pub(super) fn features(source: &ClipSource, clip: &Clip, found: usize, wanted: usize) -> Self {
        let video = source.dataset().videos.get(clip.video).map(|v| v.path.clone()).unwrap_or_default();
        Self::Features { video, found, wanted }
    }

    /// What another process of the evaluation did, where that ended it.
    pub fn peer(&self) -> Option<&PeerError> {
        match self {
            Self::Peers(error) => Some(error),
            _ => None,
        }
    }

    /// True when the owner of the job asked it to end, however deep that was noticed.
    pub fn is_stop(&self) -> bool {
        matches!(self, Self::Stopped | Self::Data(DataError::Stopped) | Self::Peers(PeerError::Stopped))
    }
}
