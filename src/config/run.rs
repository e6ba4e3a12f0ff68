use super::{
    AugmentConfig, ClipConfig, ConfigError, DataConfig, DeviceChoice, LabelsConfig, LossConfig, LossKind, ModelConfig,
    OptimizerConfig, SamplingConfig, ScheduleConfig, TrainingConfig, Validation,
};
use crate::domain::Task;
use crate::files;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::Path;

/// Everything that decides the outcome of a training run. Saved as `config.ron`, fully resolved.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunConfig {
    /// Seed of every random stream.
    pub seed: u64,
    /// The network.
    pub model: ModelConfig,
    /// What a clip is and how it becomes numbers.
    pub clip: ClipConfig,
    /// Which parts of the dataset are used for what.
    pub data: DataConfig,
    /// How rows of labels become labels of frames.
    pub labels: LabelsConfig,
    /// Random changes of training clips.
    pub augment: AugmentConfig,
    /// Which training clips an epoch draws.
    pub sampling: SamplingConfig,
    /// What is minimised.
    pub loss: LossConfig,
    /// How weights move.
    pub optimizer: OptimizerConfig,
    /// How the learning rate moves.
    pub schedule: ScheduleConfig,
    /// Epochs, batches, stopping, checkpoints.
    pub training: TrainingConfig,
    /// Where it runs.
    pub device: DeviceChoice,
}

impl RunConfig {
    /// The defaults: seed 42, and the settings C3D is trained with.
    pub fn reference() -> Self {
        Self { seed: 42, ..Self::default() }
    }

    /// Reads a RON file; missing fields take their defaults.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let invalid = |message| ConfigError::Parse { path: path.to_path_buf(), message };
        let text = files::read_text(path, files::TEXT_LIMIT).map_err(|source| match source.kind() {
            ErrorKind::FileTooLarge => invalid(source.to_string()),
            _ => ConfigError::Io { path: path.to_path_buf(), source },
        })?;
        Self::from_ron(&text).map_err(invalid)
    }

    /// Parses RON text.
    pub fn from_ron(text: &str) -> Result<Self, String> {
        ron::Options::default()
            .with_default_extension(ron::extensions::Extensions::IMPLICIT_SOME)
            .from_str(text)
            .map_err(|e| files::ron_fault(&e))
    }

    /// Pretty RON text that [`RunConfig::from_ron`] reads back.
    pub fn to_ron(&self) -> String {
        let pretty = ron::ser::PrettyConfig::new().extensions(ron::extensions::Extensions::IMPLICIT_SOME);
        ron::ser::to_string_pretty(self, pretty).unwrap_or_default()
    }

    /// Sets one value by dotted key (`training.epochs=20`, `loss.kind=CrossEntropy`); the value is RON.
    pub fn set(&mut self, assignment: &str) -> Result<(), ConfigError> {
        let (key, value) = assignment.split_once('=').ok_or_else(|| ConfigError::Set {
            key: assignment.to_owned(),
            message: "write it as key=value, for example training.epochs=20".into(),
        })?;
        // The name of a key in older scripts.
        let key = if key.trim() == "data.class_names" { "data.label_map" } else { key.trim() };
        super::presets::set_value(self, key, value.trim())
    }

    /// Checks that values can work together; the message names the key.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let faults = [
            self.clip.fault(),
            self.training.fault(),
            self.optimizer.fault(),
            self.data.fault(),
            self.loss.fault(),
            self.model.fault(),
            self.augment.fault(),
        ];
        faults.into_iter().flatten().next().map_or(Ok(()), |fault| Err(ConfigError::Invalid(fault)))
    }

    /// Warnings about values that work but make learning nearly impossible or scores doubtful.
    pub fn advice(&self, classes: usize, task: Task) -> Vec<String> {
        let mut out = Vec::new();
        let s = f64::from(self.loss.label_smoothing);
        if s > 0.5 && classes > 1 && matches!(self.loss.kind, LossKind::CrossEntropy) {
            // A class of several is there or not: two outcomes, of which smoothing makes the one less sure.
            let (k, over) = match task {
                Task::SingleLabel => (classes as f64, format!(" over {classes} classes")),
                Task::MultiLabel => (2.0, String::new()),
            };
            let (hit, miss) = (1.0 - s + s / k, s / k);
            let floor = -(hit * hit.ln() + (k - 1.0) * miss * miss.ln());
            out.push(format!(
                "label smoothing {s}{over} leaves almost nothing to learn: the loss cannot fall \
                 below {floor:.3}, and guessing already gives {:.3}; 0.1 is usual",
                k.ln()
            ));
        }
        if matches!(self.data.validation, Validation::TestSplit) {
            out.push(
                "validation uses the test split: the best checkpoint is chosen on it, so its score is optimistic"
                    .into(),
            );
        }
        out
    }
}
