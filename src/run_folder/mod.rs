//! A run folder: everything a training leaves on the disk, with one place for its layout.
//!
//! The trainer makes it with [`writer`], complete or not at all, and adds epochs and checkpoints so that killing the
//! process at any moment leaves a run that can be resumed. [`RunDir`] finds and reads it again: configuration, classes,
//! split, environment, the tables of epochs ([`history`]), checkpoints, evaluations in `results/`, and people's notes.

mod checkpoint;
mod damage;
mod environment;
mod error;
mod evaluation;
mod existing_results;
pub(crate) mod files;
pub(crate) mod history;
mod identity;
mod layout;
pub(crate) mod lock;
mod notes;
mod place;
mod reader;
mod results;
mod signs;
pub(crate) mod writer;

pub use checkpoint::{Checkpoint, CheckpointState, MODEL_FILE, OPTIMIZER_FILE, STATE_FILE, TrainEnd};
pub use environment::{Environment, SplitRow, WeightsOrigin};
pub(crate) use environment::{corrections_text, environment, split_rows, titles, without_data};
pub use error::RunError;
pub use evaluation::{
    Averages, ClassMetrics, ConfidenceInterval, Confusion, Evaluation, FrameMetrics, MultiLabel, Prediction,
    Predictions, ViewCounts, ViewPrediction,
};
pub use existing_results::{ExistingResult, results_folder};
pub use identity::{Identity, now_unix};
pub use layout::{
    CHECKPOINTS, CLASSES_FILE, CONFIG_FILE, CONFUSION_FILE, CONTROL_FILE, CORRECTIONS_COPY, ENVIRONMENT_FILE,
    LAYERS_FILE, LOG_FILE, METRICS_FILE, PER_CLASS_AP_FILE, PER_CLASS_FILE, RESULTS, RunDir, SPLIT_FILE,
};
pub use lock::Worker;
pub use notes::{ClipNote, NOTES_FILE, Notes};
pub use place::{suggestion, taken};
pub use reader::CheckpointInfo;
pub(crate) use results::predictions_csv;
pub use results::{ConfusedPair, Results, SubjectScore, write_results};
pub use signs::Signs;
pub use writer::make_room;
