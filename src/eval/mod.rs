//! Judging a trained network: run folders, checkpoints, predictions, metrics, reports.

mod checkpoint;
mod class_map;
mod doubts;
mod earlier;
mod error;
mod evaluate;
pub(crate) mod files;
mod identity;
pub mod metrics;
mod notes;
mod predict;
mod report;
mod results;
mod run_dir;
mod same_data;
pub mod segments;

pub use checkpoint::{Checkpoint, CheckpointState, MODEL_FILE, OPTIMIZER_FILE, REPLACED, STATE_FILE, TrainEnd};
pub use class_map::{ClassMap, ClassMatch, ClassMatchError};
pub use earlier::{Earlier, results_folder};
pub use error::EvalError;
pub use evaluate::{SplitChoice, Training, evaluate, evaluate_matched, parts_for};
pub use identity::Identity;
pub use notes::{ClipNote, NOTES_FILE, Notes};
pub use predict::{PredictOptions, VideoPrediction, frame_probabilities, predict_clips, predict_video};
pub(crate) use predict::{clip_shape, hold};
pub use report::{
    Averages, ClassMetrics, ConfidenceInterval, Confusion, Evaluation, FrameMetrics, Prediction, Predictions,
};
pub use results::{ConfusedPair, SubjectScore, write_results};
pub use run_dir::{
    CHECKPOINTS, CLASSES_FILE, CONFIG_FILE, CONFUSION_FILE, CheckpointInfo, ENVIRONMENT_FILE, Environment, LOG_FILE,
    METRICS_FILE, PER_CLASS_FILE, RESULTS, RunDir, SPLIT_FILE, SplitRow, WeightsOrigin,
};
pub(crate) use run_dir::{ConfusionRow, MetricsRow};
