//! Training: losses, optimisers, schedules, checkpoints, logs, the loop.

pub mod bench;
mod best;
mod class_list;
mod copies;
mod environment;
mod error;
pub mod events;
mod features;
mod import;
mod init;
mod logs;
pub mod loss;
pub mod optim;
mod prepare;
mod progress;
mod resume;
mod run;
mod scale;
pub mod schedule;
mod store;
mod supply;
mod validation;

pub use class_list::read_classes;
pub use error::TrainError;
pub use import::{Imported, config_for, guess, import, inspect};
pub use loss::Loss;
pub use optim::Optimizer;
pub use run::{TrainOptions, TrainOutcome, run, run_on};
pub use schedule::{ScheduleState, Scheduler};
pub use store::make_room;
