use super::{ConfigError, DeviceChoice, ModelOptions, Precision};
use crate::domain::{ClipGeometry, LabelRule};
use crate::files;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

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

/// The network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// Id in the model registry, such as `c3d`.
    pub id: String,
    /// Output units; `None` takes the dataset's classes.
    pub num_classes: Option<usize>,
    /// Dropout before the classifier; `None` takes the network's own default.
    pub dropout: Option<f64>,
    /// What only some networks can be told.
    pub options: ModelOptions,
    /// What of it does not learn: `backbone`, `none`, or a layer, which is frozen with all below it. `None` takes the
    /// network's own: nothing, except where a network is made of a finished backbone and a head.
    pub freeze: Option<String>,
    /// Frozen batch normalisations keep their running statistics and use them in training too.
    pub freeze_statistics: bool,
    /// File or run its first weights are taken from; `None` draws them.
    pub init_from: Option<PathBuf>,
}

impl Default for ModelConfig {
    fn default() -> Self {
        Self {
            id: "c3d".into(),
            num_classes: None,
            dropout: None,
            options: ModelOptions::default(),
            init_from: None,
            freeze: None,
            freeze_statistics: true,
        }
    }
}

/// What a clip is and how it becomes numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ClipConfig {
    /// Frames in a clip.
    pub length: u32,
    /// Video frames between two frames of a clip.
    pub step: u32,
    /// Pixels in a row of the network's input.
    pub width: u32,
    /// Rows of the network's input.
    pub height: u32,
    /// Video frames between the starts of two training clips.
    pub train_stride: u32,
    /// Video frames between the starts of two validation or test clips.
    pub eval_stride: u32,
    /// How frame labels become a clip label.
    pub label: LabelRule,
    /// Average over source pixels when shrinking; off matches OpenCV's bilinear resize.
    pub antialias: bool,
    /// Mean of R, G, B subtracted after scaling to 0…1.
    pub mean: [f32; 3],
    /// Standard deviation of R, G, B divided by.
    pub std: [f32; 3],
}

impl Default for ClipConfig {
    fn default() -> Self {
        Self {
            length: 16,
            step: 1,
            width: 112,
            height: 112,
            train_stride: 8,
            eval_stride: 16,
            label: LabelRule::Majority,
            antialias: false,
            mean: [0.485, 0.456, 0.406],
            std: [0.229, 0.224, 0.225],
        }
    }
}

impl ClipConfig {
    /// Length and step as one value.
    pub fn geometry(&self) -> ClipGeometry {
        ClipGeometry { length: self.length, step: self.step }
    }
}

/// Where validation clips come from during training. Never from the test split unless asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Validation {
    /// The dataset's own validation split, or else a share of the training subjects (at least one).
    Subjects {
        /// Share of the training subjects, 0…1.
        fraction: f64,
    },
    /// The test split. Scores on it are then no longer independent, which every report says.
    TestSplit,
    /// No validation.
    Off,
}

/// Which parts of the dataset are used for what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// Turn background frames into clips of an extra class `background`.
    pub background_class: bool,
    /// Regular expression whose first group is the subject, matched on the file name; `None` uses the built-in rules.
    pub subject_pattern: Option<String>,
    /// Class names that override those of the dataset, by the id in its files.
    pub class_names: Vec<(i64, String)>,
    /// Where validation clips come from.
    pub validation: Validation,
    /// Share of subjects held out for testing when the dataset has no split of its own.
    pub test_fraction: f64,
    /// Use only this share of the training clips; 1 uses all.
    pub fraction: f64,
    /// Number of the fold that is read of a dataset with several official splits; `None` takes the first.
    pub fold: Option<u32>,
}

/// How rows of labels become labels of frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LabelsConfig {
    /// Labels on few frames, such as one a second, hold until the next row; off leaves the frames between unlabelled.
    pub hold: bool,
}

impl Default for DataConfig {
    fn default() -> Self {
        Self {
            background_class: false,
            subject_pattern: None,
            class_names: Vec::new(),
            validation: Validation::Subjects { fraction: 0.2 },
            test_fraction: 0.3,
            fraction: 1.0,
            fold: None,
        }
    }
}

/// Strengths of colour jitter, each the half-width of a uniform factor around 1 (hue: shift in turns).
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ColorJitter {
    /// Factor 1 ± this on all channels.
    pub brightness: f32,
    /// Factor 1 ± this on the distance to the mean grey.
    pub contrast: f32,
    /// Factor 1 ± this on the distance to the pixel's grey.
    pub saturation: f32,
    /// Shift of ± this many turns of hue, 0…0.5.
    pub hue: f32,
}

/// A random crop of random size and shape, resized to the clip size.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CropConfig {
    /// Smallest and largest share of the picture's area.
    pub scale: (f32, f32),
    /// Smallest and largest width/height ratio relative to the picture's own.
    pub ratio: (f32, f32),
}

/// Random changes of training clips, drawn once a clip so that all frames agree.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AugmentConfig {
    /// Off leaves training clips as they are.
    pub enabled: bool,
    /// Probability of a horizontal flip.
    pub horizontal_flip: f32,
    /// Rotation is uniform in ± this many degrees.
    pub rotation_degrees: f32,
    /// Colour jitter.
    pub color_jitter: ColorJitter,
    /// Random resized crop; `None` uses the whole picture.
    pub crop: Option<CropConfig>,
}

impl Default for AugmentConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            horizontal_flip: 0.5,
            rotation_degrees: 10.0,
            color_jitter: ColorJitter { brightness: 0.2, contrast: 0.2, saturation: 0.2, hue: 0.05 },
            crop: None,
        }
    }
}

/// Which training clips an epoch draws.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SamplingConfig {
    /// Draw clips with replacement, each class equally often; off shuffles all clips.
    pub weighted: bool,
    /// Clips drawn an epoch; `None` draws as many as there are.
    pub clips_per_epoch: Option<usize>,
}

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum LossKind {
    /// Softmax cross-entropy.
    CrossEntropy,
    /// Focal loss (Lin et al. 2017), `p_t` from the plain softmax.
    Focal {
        /// Exponent of `1 - p_t`.
        gamma: f32,
    },
}

/// What is minimised.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossConfig {
    /// The function.
    pub kind: LossKind,
    /// Weigh classes by inverse frequency of their training clips.
    pub class_weights: bool,
    /// Label smoothing of cross-entropy, 0…1.
    pub label_smoothing: f32,
}

impl Default for LossConfig {
    fn default() -> Self {
        Self { kind: LossKind::Focal { gamma: 2.0 }, class_weights: false, label_smoothing: 0.0 }
    }
}

/// The rule by which weights move.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum OptimizerKind {
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019).
    AdamW,
    /// Adam with L2 regularisation (Kingma & Ba 2015).
    Adam,
    /// Stochastic gradient descent.
    Sgd {
        /// Momentum, 0…1.
        momentum: f32,
        /// Nesterov's variant.
        nesterov: bool,
    },
}

/// How weights move.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OptimizerConfig {
    /// The rule.
    pub kind: OptimizerKind,
    /// Learning rate at the start.
    pub learning_rate: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Decay rates of Adam's two averages.
    pub betas: (f32, f32),
    /// Adam's epsilon.
    pub epsilon: f32,
    /// Largest norm of the whole gradient; larger ones are scaled down. `None` never clips.
    pub clip_norm: Option<f32>,
    /// Batches whose gradients are added before one step.
    pub accumulate: usize,
}

impl Default for OptimizerConfig {
    fn default() -> Self {
        Self {
            kind: OptimizerKind::AdamW,
            learning_rate: 1e-4,
            weight_decay: 1e-5,
            betas: (0.9, 0.999),
            epsilon: 1e-8,
            clip_norm: Some(1.0),
            accumulate: 1,
        }
    }
}

/// The learning rate after warm-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Schedule {
    /// Never changes.
    Constant,
    /// Falls when the validation loss stops falling (PyTorch's `ReduceLROnPlateau`).
    ReduceOnPlateau {
        /// Factor of each fall.
        factor: f64,
        /// Epochs without improvement before it.
        patience: u32,
        /// Relative improvement that counts.
        threshold: f64,
        /// Never below this.
        min_lr: f64,
    },
    /// Falls by a factor every so many epochs.
    Step {
        /// Epochs between falls.
        every: u32,
        /// Factor of each fall.
        gamma: f64,
    },
    /// Falls by a factor at given epochs.
    MultiStep {
        /// Epochs (counted from 0, as PyTorch does) from which the rate is lower.
        milestones: Vec<u32>,
        /// Factor of each fall.
        gamma: f64,
    },
    /// Half a cosine wave down to `min_lr` at the last epoch.
    Cosine {
        /// Rate at the end.
        min_lr: f64,
    },
    /// The one-cycle rule per step (Smith & Topin 2018).
    OneCycle {
        /// Share of the steps spent rising, 0…1.
        warmup: f64,
    },
}

impl Schedule {
    /// True when the rate is near zero at the end, whatever happens on the way: then the last epoch is the one the
    /// schedule was made for, and an epoch that did better on few validation clips before did so at a high rate.
    pub fn anneals(&self) -> bool {
        matches!(self, Self::Cosine { .. } | Self::OneCycle { .. })
    }
}

/// How the learning rate moves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ScheduleConfig {
    /// Epochs of linear warm-up before the schedule.
    pub warmup_epochs: u32,
    /// The schedule.
    pub schedule: Schedule,
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self {
            warmup_epochs: 0,
            schedule: Schedule::ReduceOnPlateau { factor: 0.5, patience: 5, threshold: 1e-4, min_lr: 1e-7 },
        }
    }
}

/// Stop when validation accuracy no longer rises.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EarlyStopping {
    /// Epochs without improvement before stopping.
    pub patience: u32,
    /// Improvement that counts.
    pub min_delta: f32,
}

/// Epochs, batches, stopping, checkpoints.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainingConfig {
    /// Most epochs.
    pub epochs: u32,
    /// Clips in a batch.
    pub batch_size: usize,
    /// Early stopping; `None` always trains all epochs.
    pub early_stopping: Option<EarlyStopping>,
    /// A checkpoint is kept every so many epochs.
    pub checkpoint_every: u32,
    /// Minutes after which the last checkpoint is written anew within an epoch, so that little is lost when the process
    /// is killed in a long one; 0 writes it at the ends of epochs only.
    pub checkpoint_minutes: f64,
    /// How many checkpoints by validation accuracy are kept besides.
    pub keep_best: usize,
    /// Loading threads; 0 loads in the training thread.
    pub workers: usize,
    /// Memory for decoded frames at training size, in MiB.
    pub cache_mib: usize,
    /// Disk space for them, in MiB, in the cache folder (`KINOLENS_CACHE` overrides where): what memory cannot hold is
    /// still decoded only once, and later runs on the same videos decode nothing. 0 keeps nothing on disk.
    pub disk_cache_mib: usize,
    /// Compute what a frozen backbone makes of a clip once and not in every epoch, where clips stay the same: those of
    /// validation, and those of training without augmentation.
    pub cache_features: bool,
    /// Numbers the layers compute with while they learn.
    pub precision: Precision,
    /// GPUs of this machine that share every batch; 0 takes all that are like the chosen one.
    pub devices: usize,
    /// Keep only a few layers' outputs for the way back and compute the others a second time: somewhat less memory for
    /// somewhat more work. The numbers are the same.
    pub recompute: bool,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 100,
            batch_size: 8,
            early_stopping: Some(EarlyStopping { patience: 10, min_delta: 0.001 }),
            checkpoint_every: 10,
            checkpoint_minutes: 10.0,
            keep_best: 3,
            workers: 2,
            cache_mib: 2048,
            disk_cache_mib: 8192,
            cache_features: true,
            precision: Precision::F32,
            devices: 1,
            recompute: false,
        }
    }
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
            .map_err(|e| e.to_string())
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
        super::presets::set_value(self, key.trim(), value.trim())
    }

    /// Checks that values can work together; the message names the key.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let fail = |m: String| Err(ConfigError::Invalid(m));
        let c = &self.clip;
        if c.length == 0 || c.step == 0 || c.width == 0 || c.height == 0 {
            return fail("clip.length, clip.step, clip.width and clip.height must be at least 1".into());
        }
        if c.length > 1024 || c.width > 4096 || c.height > 4096 {
            return fail("clip.length may be at most 1024, clip.width and clip.height at most 4096".into());
        }
        if c.train_stride == 0 || c.eval_stride == 0 {
            return fail("clip.train_stride and clip.eval_stride must be at least 1".into());
        }
        if c.std.iter().any(|s| !s.is_finite() || *s <= 0.0) || c.mean.iter().any(|m| !m.is_finite()) {
            return fail("clip.mean must be finite and clip.std above 0".into());
        }
        let t = &self.training;
        if t.epochs == 0 || t.batch_size == 0 {
            return fail("training.epochs and training.batch_size must be at least 1".into());
        }
        if t.checkpoint_every == 0 {
            return fail("training.checkpoint_every must be at least 1".into());
        }
        if !(t.checkpoint_minutes.is_finite() && t.checkpoint_minutes >= 0.0) {
            return fail("training.checkpoint_minutes must be 0 (only at the ends of epochs) or more".into());
        }
        let o = &self.optimizer;
        if !(o.learning_rate.is_finite() && o.learning_rate > 0.0) {
            return fail("optimizer.learning_rate must be above 0".into());
        }
        if !(o.weight_decay.is_finite() && o.weight_decay >= 0.0) || o.accumulate == 0 {
            return fail("optimizer.weight_decay must be 0 or more and optimizer.accumulate at least 1".into());
        }
        if o.clip_norm.is_some_and(|n| !(n.is_finite() && n > 0.0)) {
            return fail("optimizer.clip_norm must be above 0, or None for no clipping".into());
        }
        for (name, v) in [("data.fraction", self.data.fraction), ("data.test_fraction", self.data.test_fraction)] {
            if !(v > 0.0 && v <= 1.0) {
                return fail(format!("{name} must be above 0 and at most 1"));
            }
        }
        if let Validation::Subjects { fraction } = self.data.validation
            && !(fraction > 0.0 && fraction < 1.0)
        {
            return fail("data.validation fraction must be between 0 and 1".into());
        }
        if !(0.0..1.0).contains(&self.loss.label_smoothing) {
            return fail("loss.label_smoothing must be at least 0 and below 1".into());
        }
        if let Some(d) = self.model.dropout
            && !(0.0..1.0).contains(&d)
        {
            return fail("model.dropout must be at least 0 and below 1".into());
        }
        if let Some(fault) = self.model.options.fault() {
            return fail(fault);
        }
        if !(0.0..=1.0).contains(&self.augment.horizontal_flip) {
            return fail("augment.horizontal_flip is a probability between 0 and 1".into());
        }
        if let Some(p) = &self.data.subject_pattern {
            match regex::Regex::new(p) {
                Ok(re) if re.captures_len() >= 2 => {}
                Ok(_) => return fail(format!("data.subject_pattern '{p}' needs one group in parentheses")),
                Err(e) => return fail(format!("data.subject_pattern '{p}' is not a regular expression: {e}")),
            }
        }
        Ok(())
    }

    /// Warnings about values that work but make learning nearly impossible or scores doubtful.
    pub fn advice(&self, classes: usize) -> Vec<String> {
        let mut out = Vec::new();
        let s = f64::from(self.loss.label_smoothing);
        if s > 0.5 && classes > 1 && matches!(self.loss.kind, LossKind::CrossEntropy) {
            let k = classes as f64;
            let (hit, miss) = (1.0 - s + s / k, s / k);
            let floor = -(hit * hit.ln() + (k - 1.0) * miss * miss.ln());
            out.push(format!(
                "label smoothing {s} over {classes} classes leaves almost nothing to learn: the loss cannot fall \
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
