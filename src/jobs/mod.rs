//! Jobs and the worker lanes that run them.
//!
//! The window and the command line both build a job of one of the [`kinds`] and run it the same way: the command line in
//! its own thread by [`run_kind`], the window by handing a [`Job`] to the [`Engine`], which queues it on the [`Lane`] that
//! the kind names. A lane is a thread with networks of its own ([`LaneState`]); what it tells comes back as [`Event`]s,
//! the last of them with the [`Output`], and is drained by the window once a frame.

mod asked;
mod engine;
mod error;
mod event;
mod experiment_part;
mod inside_files;
mod inside_report;
mod inside_survey;
mod inside_view;
mod job;
mod kept_clip;
mod kept_motion;
mod kept_plan;
mod kind;
pub mod kinds;
mod known;
mod lane;
mod pictures;
mod prediction_files;
mod requests;
mod run_view;
mod search;
mod split_clips;
mod until_epoch;
mod watched;

pub use crate::domain::{ClassMatch, SplitChoice};
pub use crate::eval::VideoPrediction;
pub use crate::run_folder::{CheckpointInfo, Identity};
pub use crate::train::{Imported, config_for, guess, read_classes};
pub use engine::{Engine, Wake, panic_sentence};
pub use error::JobError;
pub use event::{Event, EventBody, JobId};
pub use inside_files::{InsideParts, is_inside_file, write_inside, write_inside_page};
pub use inside_view::{IdleOf, InsideView, KernelView, LayerPictures, LayerSurvey, LayerView, MotionOf, SurveyClip};
pub use job::{Job, run, run_kind};
pub use kept_clip::{KeptClip, KeptKey};
pub use kept_plan::KeptPlan;
pub use kind::{Done, JobKind, Lane, OnStop, Output};
pub use kinds::{ExplainRequest, ExportRequest, heat_on_body, holds_export, is_sample};
pub use known::with_videos;
pub use lane::{LaneState, open_checkpoint};
pub use pictures::{plot_run, write_inspection};
pub use prediction_files::{PREDICTION_FILES, is_prediction_file, write_predictions};
pub use requests::{
    AugmentationView, CheckpointRef, ClipRef, ClipSample, Compared, Explanation, HeatRequest, Indexed, LaidOut, News,
    PlanSource, PreviewClip, RunStanding, TableView, TargetClass,
};
pub use run_view::{LOG_LINES, RunView, view};
pub use watched::Watched;
