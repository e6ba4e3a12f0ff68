//! Jobs, commands, events, and the worker lanes that run them. The window and the command line both build
//! [`Job`]s, hand them to the same [`run`], and show the [`Output`].

mod types;

pub use crate::eval::{SplitChoice, VideoPrediction};
pub use types::{
    CheckpointRef, ClipRef, ClipSample, Event, EventBody, ExplainRequest, Explanation, ExportRequest, HeatRequest, Job,
    JobId, Lane, Output, RunView, TargetClass,
};
