//! The training loop, its checkpoints and its logs.

mod error;
mod logs;
mod store;
pub mod events;

pub use error::TrainError;
