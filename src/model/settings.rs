//! Words of the configuration, and what the build function of a network is given.

use crate::config::Pooling;

/// `model.freeze` for everything but the head.
pub const BACKBONE: &str = "backbone";
/// `model.freeze` for nothing.
pub const NOTHING: &str = "none";

/// `model.freeze` for the batch normalisations: each clip is then normalised as every other, whoever shares its batch.
pub const NORMS: &str = "norms";

/// What a network is built with, besides the clip.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    /// Output units.
    pub classes: usize,
    /// Dropout before the classifier, where it is configured.
    pub dropout: Option<f64>,
    /// Factor on all channels.
    pub width: f64,
    /// How the answers to a clip's frames become one; always one that the network knows.
    pub pooling: Pooling,
}
