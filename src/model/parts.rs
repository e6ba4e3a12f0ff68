//! The parts of a network: trunk, readout, classifier.

use super::layers::{HeadLayer, Node};
use super::readout::Readout;

/// Trunk and classifier, as a model's build function returns them.
pub(crate) struct Parts {
    /// The trunk, applied in order to `[B, C, T, H, W]`.
    pub body: Vec<Node>,
    /// The classifier, applied in order to rows of features `[rows, C]`.
    pub head: Vec<HeadLayer>,
    /// What lies between them.
    pub readout: Readout,
}
