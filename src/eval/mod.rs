//! Evaluating a trained network or a classical baseline: predictions, class matching, metrics, caveats.
//!
//! [`evaluate()`] opens a checkpoint, matches the classes of the dataset with the outputs of the network ([`ClassMap`]), predicts
//! every clip of a split, and gives an [`Evaluation`](crate::run_folder::Evaluation) with its [`metrics`] and the caveats that
//! belong beside the score; [`multi_label`] has those of clips with several classes. Frame-wise metrics ([`segments`]) come from overlapping windows.

mod caveats;
mod class_map;
mod clip_features;
mod error;
mod evaluate;
pub mod metrics;
pub mod multi_label;
mod pr_curves;
mod predict;
mod same_data;
pub mod segments;
mod shared;
pub mod views;
mod waiting;

pub use caveats::spread_frames;
pub use class_map::{ClassMap, ClassMatchError};
pub use clip_features::clip_features;
pub use error::EvalError;
pub use evaluate::{Training, evaluate, evaluate_matched, evaluated_clips, other_map, own_map, parts_for, videos_for};
pub use pr_curves::{PrCurve, THRESHOLDS, pr_curves};
pub(crate) use predict::clip_shape;
pub use predict::{PredictOptions, Predictor, VideoPrediction, frame_probabilities, predict_clips, predict_video};
pub use shared::shared_places;
pub(crate) use waiting::hold;
