//! Jobs, commands, events, and the worker lanes that run them. The window and the command line both build
//! [`Job`]s, hand them to the same [`run()`], and show the [`Output`].

mod engine;
mod explain;
mod export;
mod lane;
mod pictures;
mod run;
mod training;
mod types;

pub use crate::eval::{CheckpointInfo, ClassMatch, Identity, SplitChoice, VideoPrediction};
pub use crate::train::{Imported, config_for, guess, read_classes};
pub use engine::{Engine, Wake, panic_sentence};
pub use explain::heat_on_body;
pub use export::{export, holds_export, is_sample};
pub use lane::{LaneState, open_checkpoint};
pub use pictures::{plot_run, write_inspection};
pub use run::{Done, JobError, LOG_LINES, run, tell_damage, view};
pub use types::{
    CheckpointRef, ClipRef, ClipSample, Event, EventBody, ExplainRequest, Explanation, ExportRequest, HeatRequest, Job,
    JobId, Lane, Output, RunView, TargetClass,
};
