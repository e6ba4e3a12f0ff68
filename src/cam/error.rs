use crate::model::ModelError;

/// Why a heatmap could not be made.
#[derive(Debug, thiserror::Error)]
pub enum CamError {
    /// The network, its layers or its device.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// No such method.
    #[error("there is no heatmap method '{id}'; the methods are: {known}")]
    UnknownMethod {
        /// The id asked for.
        id: String,
        /// The ids there are.
        known: String,
    },
    /// No such class.
    #[error("class {class} cannot be explained: the network has {classes} classes, counted from 0")]
    UnknownClass {
        /// The class asked for.
        class: usize,
        /// How many there are.
        classes: usize,
    },
    /// The clip has no label.
    #[error(
        "the true class of this clip cannot be explained because the clip has no label; explain the predicted class"
    )]
    NoTruth,
    /// The network said nothing that can be explained.
    #[error(
        "the network's output is not a number for this clip, so there is nothing to explain; take another checkpoint"
    )]
    NotFinite,
    /// A state that the program rules out.
    #[error("an internal error: {0}; this is a fault of the program, please report it")]
    Internal(&'static str),
}
