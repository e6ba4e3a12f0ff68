//! Training: losses, optimisers, schedules, checkpoints, logs, the loop.

pub mod bench;
mod environment;
mod error;
pub mod events;
mod features;
mod logs;
pub mod loss;
pub mod optim;
mod progress;
mod resume;
mod run;
pub mod schedule;
mod store;

pub use error::TrainError;
pub use loss::Loss;
pub use optim::Optimizer;
pub use run::{TrainOptions, TrainOutcome, run};
pub use schedule::{ScheduleState, Scheduler};
pub use store::make_room;
