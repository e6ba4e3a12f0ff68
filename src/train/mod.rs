//! The training loop, its checkpoints and its logs.

mod error;
pub mod events;
mod logs;
mod store;

pub use error::TrainError;
