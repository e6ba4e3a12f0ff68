//! Judging a trained network: run folders, checkpoints, predictions, metrics, reports.

mod checkpoint;
mod doubts;
mod earlier;
mod error;
mod evaluate;
pub(crate) mod files;
pub mod metrics;
mod notes;
mod predict;
mod report;
mod results;
mod run_dir;
pub mod same_data;
mod segments;

pub use checkpoint::{Checkpoint, CheckpointState, MODEL_FILE, OPTIMIZER_FILE, REPLACED, STATE_FILE, TrainEnd};
pub use earlier::Earlier;
pub use error::EvalError;
pub use evaluate::{SplitChoice, evaluate, parts_for};
pub use notes::{ClipNote, NOTES_FILE, Notes};
pub use predict::{PredictOptions, VideoPrediction, frame_probabilities, predict_clips, predict_video};
pub(crate) use predict::{clip_shape, hold};
pub use report::{
    Averages, ClassMetrics, ConfidenceInterval, Confusion, Evaluation, FrameMetrics, Prediction, Predictions,
};
pub use results::{ConfusedPair, SubjectScore, write_results};
pub use run_dir::{
    CHECKPOINTS, CLASSES_FILE, CONFIG_FILE, CONFUSION_FILE, ENVIRONMENT_FILE, Environment, METRICS_FILE,
    PER_CLASS_FILE, RESULTS, RunDir, SPLIT_FILE, SplitRow, WeightsOrigin,
};
pub(crate) use run_dir::{ConfusionRow, MetricsRow};
