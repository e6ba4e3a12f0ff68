use crate::video::VideoError;
use std::path::PathBuf;

/// Why a dataset, a clip or a plan could not be had. Every message is a sentence: what, which file, what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DataError {
    /// Nothing is at the path.
    #[error("{path} does not exist; check the path, or whether the disk is mounted")]
    Missing {
        /// The path asked for.
        path: PathBuf,
    },
    /// No format recognises the path.
    #[error("{path} is not a dataset in a known layout: {cause}")]
    UnknownFormat {
        /// The path asked for.
        path: PathBuf,
        /// What it probably is instead, or what is missing, and what to do.
        cause: String,
    },
    /// A folder or file cannot be read.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// The reason and what to do.
        reason: String,
    },
    /// A file cannot be written.
    #[error("cannot write {path}: {reason}; check the folder's permissions and the free space")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// Corrections on the disk are others than those that were read.
    #[error(
        "the corrections in {path} were changed by somebody else since they were read; reload the dataset to see them, and \
         correct again"
    )]
    CorrectionsChanged {
        /// The file.
        path: PathBuf,
    },
    /// A layout was recognised but holds nothing to open.
    #[error("{path} holds no videos: {reason}")]
    Empty {
        /// The dataset.
        path: PathBuf,
        /// What was expected where.
        reason: String,
    },
    /// The files leave something open that somebody has to decide.
    #[error(
        "{path} leaves a choice open: {}; set '{}' in data.choices to one of these: {}",
        choice.question,
        choice.key,
        choice.options.join(", ")
    )]
    Choice {
        /// The dataset.
        path: PathBuf,
        /// What is asked.
        choice: Box<crate::domain::Choice>,
    },
    /// The label map does not fit the classes of the dataset.
    #[error("the classes of {path} cannot be mapped: {reason}")]
    LabelMap {
        /// The dataset.
        path: PathBuf,
        /// Why.
        reason: crate::domain::LabelMapError,
    },
    /// A video that was there when the dataset was opened is gone.
    #[error(
        "{path} is gone: it was deleted, moved or its disk unmounted since the dataset was opened; bring it back, or open the dataset again"
    )]
    Gone {
        /// The video.
        path: PathBuf,
    },
    /// A video cannot be decoded.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// No clips can be made of the dataset as configured.
    #[error("{0}")]
    Plan(String),
    /// All training clips are of one class.
    #[error("there is nothing to train on in {path}: {reason}")]
    OneClass {
        /// The dataset.
        path: PathBuf,
        /// The class, and what makes a task of it.
        reason: String,
    },
    /// The clip does not fit the dataset (a programming or version error made visible instead of a crash).
    #[error("clip {start} of video number {video} does not exist in the opened dataset; open the dataset again")]
    NoSuchClip {
        /// Position of the video.
        video: usize,
        /// First frame.
        start: u32,
    },
    /// A loading thread failed.
    #[error("loading clips failed unexpectedly ({reason}); this is a fault of the program, please report it")]
    Thread {
        /// What the thread said.
        reason: String,
    },
    /// Clips of videos were asked for that nobody looked into yet.
    #[error(
        "{count} labelled videos of {path} were not looked into yet, so their clips would be missing; wait until all videos are \
         indexed"
    )]
    Pending {
        /// The dataset.
        path: PathBuf,
        /// How many videos.
        count: usize,
    },
    /// There is nothing that another tool could be told.
    #[error("{path} has no labels to export: {reason}")]
    NothingToExport {
        /// The dataset.
        path: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The owner of the job asked it to stop.
    #[error("stopped before it was finished")]
    Stopped,
}

impl DataError {
    /// Wraps an error of the file system.
    pub(super) fn read(path: &std::path::Path, error: &std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::NotFound {
            return Self::Missing { path: path.to_path_buf() };
        }
        Self::Read { path: path.to_path_buf(), reason: error.to_string() }
    }
}
