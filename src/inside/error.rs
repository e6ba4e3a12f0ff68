use crate::model::ModelError;

/// Why the inside of a network could not be shown.
#[derive(Debug, thiserror::Error)]
pub enum InsideError {
    /// The network or its device.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A layer the network does not have.
    #[error("{model} has no layer '{layer}'; the layers are: {known}")]
    UnknownLayer {
        /// The network's title.
        model: String,
        /// What was asked for.
        layer: String,
        /// The layers there are.
        known: String,
    },
    /// No such class.
    #[error("class {class} has no output: the network has {classes} classes, counted from 0")]
    UnknownClass {
        /// The class asked for.
        class: usize,
        /// How many there are.
        classes: usize,
    },
    /// A word that names no order of channels.
    #[error("channels cannot be ordered by '{order}'; the orders are: {known}")]
    UnknownOrder {
        /// What was asked for.
        order: String,
        /// The orders there are.
        known: String,
    },
    /// The output of a layer alone is larger than what may be kept.
    #[error("the output of {layer} takes {bytes}, and {budget} may be kept; choose a deeper layer or a smaller clip")]
    TooLarge {
        /// The layer.
        layer: String,
        /// Its size, for people.
        bytes: String,
        /// What may be kept, for people.
        budget: String,
    },
    /// The network's answer is not a number.
    #[error("the network's output is not a number for this clip, so it has no class; take another checkpoint")]
    NotFinite,
}
