//! Training: losses, optimisers, schedules, checkpoints, logs, the loop.
//!
//! [`run`] prepares a plan, a network and a run folder, then goes through epochs: batches come from the data loader, a pass over
//! one or several devices gives gradients, the optimiser moves the parameters, validation completes the report of the epoch.
//! Reports go to the monitor, to CSV tables and to TensorBoard event files; checkpoints are written so that a process that is
//! killed at any moment goes on with the same numbers.

mod arrays;
mod baseline;
pub mod bench;
mod best;
mod class_list;
mod control;
mod crew;
mod data_parallel;
mod debug;
mod error;
mod features;
mod import;
mod init;
mod layer_watch;
mod logs;
pub mod loss;
mod loss_scale;
pub mod optim;
mod outcome;
mod prepare;
mod progress;
mod rate_test;
mod resume;
pub mod schedule;
mod supply;
mod team;
pub mod tensorboard;
mod trainer;
mod validation;

pub use baseline::device_of;
pub use class_list::read_classes;
pub use error::TrainError;
pub use import::{Imported, config_for, guess, import, inspect};
pub use loss::Loss;
pub use optim::Optimizer;
pub use outcome::{TrainOptions, TrainOutcome};
pub use rate_test::{RatePoint, RateRange, RateTest, rate_test};
pub use schedule::{ScheduleState, Scheduler};
pub use trainer::{run, run_on};
