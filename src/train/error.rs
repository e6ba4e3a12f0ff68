use crate::cam::CamError;
use crate::config::ConfigError;
use crate::data::DataError;
use crate::eval::EvalError;
use crate::inside::InsideError;
use crate::model::ModelError;
use crate::peers::PeerError;
use crate::run_folder::RunError;
use crate::video::VideoError;
use std::path::{Path, PathBuf};

/// Why training could not begin or go on. Every message is a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// There are no clips to learn from.
    #[error("{0}")]
    NothingToLearn(String),
    /// The run was trained with other settings than those asked for now.
    #[error("{path} cannot be resumed with other settings ({keys}); leave them as they were, or start a new run")]
    OtherSettings {
        /// Run folder.
        path: PathBuf,
        /// The keys that differ, with both values.
        keys: String,
    },
    /// The run was trained on other data.
    #[error(
        "{path} cannot be resumed exactly: the dataset {dataset} is not the one it was trained on ({reason}); \
         point at the original dataset, or start a new run"
    )]
    OtherData {
        /// Run folder.
        path: PathBuf,
        /// Dataset root.
        dataset: PathBuf,
        /// What differs.
        reason: String,
    },
    /// Nothing is left to train.
    #[error("{path} is trained to its end ({reason}); raise training.epochs to go on")]
    AlreadyDone {
        /// Run folder.
        path: PathBuf,
        /// Why it ended.
        reason: String,
    },
    /// The checkpoint that training goes on from was lost.
    #[error(
        "{path} has no checkpoint 'last' to go on from, but others ({known}), which a training from its first step would replace;          copy one of them to checkpoints/last to go on from there, or start a new run"
    )]
    NoLast {
        /// Run folder.
        path: PathBuf,
        /// The checkpoints there are.
        known: String,
    },
    /// There is no training that could go on.
    #[error("{0} was imported, so there is no training to resume; start a new training from its weights")]
    Imported(PathBuf),
    /// A classical baseline has no epochs to go on with.
    #[error(
        "{0} holds a classical baseline, which is fitted at once, so there is no training to resume; start a new run"
    )]
    Fitted(PathBuf),
    /// A classical baseline is fitted by one process.
    #[error("a classical baseline is fitted by one process; start it once, not {0} times")]
    OneProcess(usize),
    /// A classical baseline says one class of a clip.
    #[error(
        "{} is a multi-label dataset, and classical baselines say one class of a clip; train a network", .0.display()
    )]
    OneClassAClip(PathBuf),
    /// A list of classes that the weights do not agree with.
    #[error(
        "the class layer of {} has {found} outputs, but there are {given} classes; give {found}, or a list of {found}", path.display()
    )]
    ClassCount {
        /// The weight file.
        path: PathBuf,
        /// Outputs of its class layer.
        found: usize,
        /// Classes given.
        given: usize,
    },
    /// Weights that are not all there.
    #[error("{} is not a whole {title}: {problem}", path.display())]
    Incomplete {
        /// The weight file.
        path: PathBuf,
        /// The network.
        title: String,
        /// What is missing, and what to do.
        problem: String,
        /// True when a training can begin with all of them: the class layer alone is missing, or they are inflated.
        class_layer: bool,
    },
    /// Weights whose network is not known.
    #[error("cannot tell which network the weights {} are of: {problem}", path.display())]
    UnknownWeights {
        /// The weight file.
        path: PathBuf,
        /// Why not, and what to do.
        problem: String,
    },
    /// A list of classes that cannot be read.
    #[error("the class list {} cannot be used: {reason}", path.display())]
    ClassList {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The loss is no longer a number.
    #[error(
        "training diverged at step {step} of epoch {epoch}: the {what} is {value}. Lower optimizer.learning_rate \
         (now {learning_rate}), or set optimizer.clip_norm; {kept}"
    )]
    Diverged {
        /// Epoch, counted from 1.
        epoch: u32,
        /// Step since the start of the run.
        step: u64,
        /// `loss` or `gradient norm`.
        what: &'static str,
        /// NaN or infinite.
        value: f32,
        /// Learning rate used.
        learning_rate: f64,
        /// Which checkpoint is still good.
        kept: String,
    },
    /// The configuration cannot work.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file of the run.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Evaluating failed.
    #[error(transparent)]
    Eval(#[from] EvalError),
    /// The dataset or a video failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A video cannot be written.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// The network or its device failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The processes that train together.
    #[error(transparent)]
    Peers(#[from] PeerError),
    /// A heatmap.
    #[error(transparent)]
    Cam(#[from] CamError),
    /// What is inside the network.
    #[error(transparent)]
    Inside(#[from] InsideError),
    /// A state that the program rules out; never shown as a stop.
    #[error("an internal error: {0}; this is a fault of the program, please report it")]
    Internal(&'static str),
}

impl TrainError {
    /// True when the owner of the job asked it to end, however deep that was noticed.
    pub fn is_stop(&self) -> bool {
        match self {
            Self::Eval(error) => error.is_stop(),
            Self::Data(error) => matches!(error, DataError::Stopped),
            Self::Peers(error) => matches!(error, PeerError::Stopped),
            _ => false,
        }
    }

    /// What another process of the training did, where that ended it.
    pub fn peer(&self) -> Option<&PeerError> {
        match self {
            Self::Peers(error) => Some(error),
            Self::Eval(error) => error.peer(),
            _ => None,
        }
    }

    /// A file error as a sentence that says what to do.
    pub(super) fn file(action: &'static str, path: &Path, error: &std::io::Error) -> Self {
        RunError::file(action, path, error).into()
    }
}
