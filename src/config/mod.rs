//! Configuration of a run: defaults, presets, RON files, `--set key=value`, validation.
//!
//! A [`RunConfig`] starts from a preset or a RON file, takes `--set` assignments by the dotted path of a key, and is validated
//! as a whole; errors name the key. [`KEYS`] tells of every key what the form, the help and the rules of a resumed run need.
//! The resolved configuration is written into the run folder, so that nothing depends on defaults of a later version.

mod bounds;
mod compute;
mod data;
mod experiment;
mod keys;
mod model;
mod presets;
mod run;
mod search;
mod training;

pub use bounds::Doubt;
pub use compute::{DeviceChoice, Precision};
pub use data::{
    AugmentConfig, ClipConfig, ColorJitter, CropConfig, DataConfig, LabelsConfig, SamplingConfig, TableColumns,
    TimeUnit, Validation,
};
pub use experiment::{Arm, Axis, AxisValue, ExperimentPlan, Folds, InitFrom, Variant};
pub use keys::{ConfigKey, KEYS, key, values};
pub use model::{ModelConfig, ModelOptions, Pooling};
pub use presets::{PRESETS, Preset};
pub use run::RunConfig;
pub use search::{Drawn, Search, SearchMethod, SearchRange, SearchValue};
pub use training::{
    EarlyStopping, LossConfig, LossKind, OptimizerConfig, OptimizerKind, Schedule, ScheduleConfig, TrainingConfig,
};

use std::path::PathBuf;

/// What can be wrong with a configuration. Every message names the place and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file could not be read or written.
    #[error("cannot access {path}: {source}; check the path and its permissions")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: std::io::Error,
    },
    /// A file is not a configuration.
    #[error("{path} is not a valid configuration: {message}")]
    Parse {
        /// The file.
        path: PathBuf,
        /// Line, column and reason.
        message: String,
    },
    /// `--set` named a key that does not exist, or a value of the wrong kind.
    #[error("cannot set {key}: {message}")]
    Set {
        /// The dotted key.
        key: String,
        /// The reason.
        message: String,
    },
    /// No preset has this name.
    #[error("there is no preset named '{name}'; the presets are: {known}")]
    UnknownPreset {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
    /// Values that cannot work together.
    #[error("{0}")]
    Invalid(String),
}
