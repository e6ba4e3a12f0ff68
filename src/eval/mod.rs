//! Judging a trained network: predictions, metrics, reports.

mod report;

pub use report::{
    Averages, ClassMetrics, ConfidenceInterval, Confusion, Evaluation, FrameMetrics, Prediction, Predictions,
};
