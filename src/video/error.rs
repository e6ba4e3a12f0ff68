use std::path::{Path, PathBuf};

/// Why a video could not be used. Every message is a sentence with the file and what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VideoError {
    /// The file cannot be read at all.
    #[error("cannot open {path}: {reason}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A frame that should exist could not be decoded.
    #[error("cannot decode frame {frame} of {path}: {reason}")]
    Decode {
        /// The file.
        path: PathBuf,
        /// Frame number.
        frame: u32,
        /// What is wrong.
        reason: String,
    },
    /// A frame past the end was asked for.
    #[error("{path} has {frames} frames; frame {frame} does not exist (the first is 0)")]
    OutOfRange {
        /// The file.
        path: PathBuf,
        /// Frame number.
        frame: u32,
        /// How many there are.
        frames: u32,
    },
    /// A video could not be written.
    #[error("cannot write {path}: {reason}")]
    Encode {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to install or do.
        reason: String,
    },
}

impl VideoError {
    pub(super) fn open(path: &Path, reason: impl Into<String>) -> Self {
        Self::Open { path: path.to_path_buf(), reason: reason.into() }
    }

    pub(super) fn decode(path: &Path, frame: u32, reason: impl Into<String>) -> Self {
        Self::Decode { path: path.to_path_buf(), frame, reason: reason.into() }
    }

    pub(super) fn encode(path: &Path, reason: impl Into<String>) -> Self {
        Self::Encode { path: path.to_path_buf(), reason: reason.into() }
    }
}
