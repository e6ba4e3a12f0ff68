use std::path::PathBuf;

/// What can go wrong with networks, their weights and their devices.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// No row of the registry has this id.
    #[error("there is no model '{id}'; the models are: {known}")]
    UnknownModel {
        /// What was asked for.
        id: String,
        /// Every id, comma-separated, and which was probably meant.
        known: String,
    },
    /// A network was told something it does not know.
    #[error("{model} does not take {option}, which {what}; {known}")]
    UnknownOption {
        /// The network's title.
        model: String,
        /// Key of the option.
        option: String,
        /// Who knows it, or what is wrong with it.
        what: String,
        /// What it may be instead.
        known: String,
    },
    /// Everything is frozen.
    #[error("nothing of {model} is left to learn when '{freeze}' is frozen; freeze less of it (model.freeze)")]
    NothingToLearn {
        /// The network's title.
        model: String,
        /// What is frozen.
        freeze: String,
    },
    /// A network needs at least one output.
    #[error("the network needs at least one class, but the dataset or model.num_classes gives none")]
    NoClasses,
    /// The clip is too small for a layer.
    #[error(
        "clips of {frames} frames at {width}x{height} are too small for {model}: nothing is left at layer {layer}; \
         use longer or larger clips (clip.length, clip.width, clip.height)"
    )]
    InputTooSmall {
        /// The network's title.
        model: String,
        /// The layer whose output would be empty.
        layer: String,
        /// Frames of the clip.
        frames: usize,
        /// Rows of the clip.
        height: usize,
        /// Pixels in a row of the clip.
        width: usize,
    },
    /// A clip whose number of values does not fit its shape.
    #[error("a batch of {batch} clips of {frames} frames at {width}x{height} needs {expected} values, got {actual}")]
    WrongClipLength {
        /// Clips in the batch.
        batch: usize,
        /// Frames of a clip.
        frames: usize,
        /// Rows of a clip.
        height: usize,
        /// Pixels in a row of a clip.
        width: usize,
        /// `batch * 3 * frames * height * width`.
        expected: usize,
        /// What was given.
        actual: usize,
    },
    /// A layer id the network does not have.
    #[error("{model} has no layer '{layer}'; layers for heatmaps are {known}")]
    UnknownLayer {
        /// The network's title.
        model: String,
        /// What was asked for.
        layer: String,
        /// Layers a heatmap can be made at, comma-separated.
        known: String,
    },
    /// Reading a weight file failed.
    #[error("cannot read the weights {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Writing a weight file failed.
    #[error("cannot write the weights {}: {source}; check free space and permissions", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file that is not what its name promises.
    #[error("{} is not a usable weight file: {reason}", path.display())]
    BadFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Weights that do not fit the network.
    #[error("the weights do not fit {model}: {problem}")]
    Mismatch {
        /// The network's title.
        model: String,
        /// Which tensors are missing, unknown or of another shape.
        problem: String,
    },
    /// Numbers the device does not compute with.
    #[error("{device} does not compute with {precision}: {why}; use training.precision={instead}")]
    Precision {
        /// The device's title.
        device: String,
        /// What was asked for.
        precision: &'static str,
        /// The reason.
        why: &'static str,
        /// What it can do.
        instead: &'static str,
    },
    /// The device failed to deliver a result.
    #[error("the device failed: {reason}; run again on the CPU")]
    Device {
        /// What the backend said.
        reason: String,
    },
}
