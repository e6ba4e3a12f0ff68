//! Evaluating a trained network: predictions, class matching, metrics, caveats.
//!
//! [`evaluate()`] opens a checkpoint, matches the classes of the dataset with the outputs of the network ([`ClassMap`]), predicts
//! every clip of a split, and gives an [`Evaluation`](crate::run_folder::Evaluation) with its [`metrics`] and the caveats that
//! belong beside the score. Frame-wise metrics ([`segments`]) come from overlapping windows.

mod caveats;
mod class_map;
mod error;
mod evaluate;
pub mod metrics;
mod predict;
mod same_data;
pub mod segments;
pub mod views;

pub use class_map::{ClassMap, ClassMatchError};
pub use error::EvalError;
pub use evaluate::{Training, evaluate, evaluate_matched, parts_for};
pub use predict::{PredictOptions, VideoPrediction, frame_probabilities, predict_clips, predict_video};
pub(crate) use predict::{clip_shape, hold};
