//! The keys of a configuration: one row each, for the form, for `--set` and its help, and for what a resumed run may change.

use super::RunConfig;
use std::collections::BTreeMap;

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigKey {
    /// Dotted path, as `--set` takes it and as error messages name it.
    pub path: &'static str,
    /// Name in the form.
    pub name: &'static str,
    /// What it means, and in which unit.
    pub help: &'static str,
    /// Where it may change when a run is resumed: it neither moves the weights otherwise nor makes another run of it.
    pub resumable: bool,
}

const fn fixed(path: &'static str, name: &'static str, help: &'static str) -> ConfigKey {
    ConfigKey { path, name, help, resumable: false }
}

const fn resumable(path: &'static str, name: &'static str, help: &'static str) -> ConfigKey {
    ConfigKey { path, name, help, resumable: true }
}

/// All keys, in the order of the form.
pub const KEYS: &[ConfigKey] = &[
    fixed("model.id", "Network", "The network that is trained."),
    fixed(
        "model.freeze_statistics",
        "Frozen statistics",
        "Frozen batch normalisations keep their running statistics and use them in training too.",
    ),
    fixed(
        "model.dropout",
        "Dropout",
        "Share of features dropped before the classifier, 0…1. Off is the architecture default.",
    ),
    fixed("model.num_classes", "Output units", "Classes the network can name. Off takes the classes of the dataset."),
    fixed(
        "model.init_from",
        "First weights",
        "A PyTorch file (.pth, .pt), a .safetensors file or a run to start from. Empty starts from random weights.",
    ),
    fixed("model.freeze", "Frozen", "What keeps the weights it has while the rest learns."),
    fixed(
        "model.options.width",
        "Width",
        "Factor on the channels of every layer: 0.5 is a narrower and faster network.",
    ),
    fixed(
        "model.options.pooling",
        "Pooling over frames",
        "How the outputs of the frames or places of a clip become one.",
    ),
    resumable("training.epochs", "Epochs", "Most epochs."),
    fixed("training.batch_size", "Batch size", "Clips in a batch. More need more memory."),
    resumable(
        "training.early_stopping",
        "Early stopping",
        "Stops when validation accuracy has not risen by the given amount for so many epochs.",
    ),
    resumable(
        "training.checkpoint_every",
        "Checkpoint every",
        "A checkpoint is kept every so many epochs, besides the best ones and the last.",
    ),
    resumable(
        "training.checkpoint_minutes",
        "Save within epochs",
        "Within a long epoch the last checkpoint is written anew after so many minutes; 0 writes it at its end only.",
    ),
    resumable("training.keep_best", "Keep best", "How many checkpoints by validation accuracy are kept."),
    resumable(
        "training.workers",
        "Loading threads",
        "Threads that decode and augment clips; 0 loads in the training thread.",
    ),
    resumable("training.cache_mib", "Frame cache", "Memory for decoded frames at training size."),
    resumable(
        "training.disk_cache_mib",
        "Frame cache on disk",
        "Disk space for decoded frames at training size: later runs on the same videos decode nothing. 0 keeps none.",
    ),
    resumable(
        "training.cache_features",
        "Cache frozen features",
        "A frozen backbone's features are computed once, where augmentation does not change the clip.",
    ),
    resumable(
        "training.statistics_every",
        "Layer statistics",
        "Sums up outputs and gradients of layers every so many steps, for the dashboard and TensorBoard; 0 never does. Each time costs a forward pass of a clip.",
    ),
    resumable(
        "training.statistics_layers",
        "Layers of them",
        "Names of layers, with commas between them. Empty takes the outermost ones and the last of the classifier.",
    ),
    fixed("optimizer.kind", "Optimizer", "How gradients move the weights."),
    fixed(
        "optimizer.learning_rate",
        "Learning rate",
        "Learning rate at the start. Too large makes the loss jump or become NaN.",
    ),
    fixed("optimizer.weight_decay", "Weight decay", "Pull of the weights towards 0."),
    fixed("optimizer.betas", "Betas", "Decay rates of Adam's averages of the gradient and of its square."),
    fixed("optimizer.epsilon", "Epsilon", "Adam's epsilon."),
    fixed(
        "optimizer.clip_norm",
        "Gradient clipping",
        "Largest norm of the whole gradient; larger ones are scaled down.",
    ),
    fixed(
        "optimizer.accumulate",
        "Gradient accumulation",
        "Batches whose gradients are added before one step: a larger batch in the same memory.",
    ),
    fixed("schedule.warmup_epochs", "Warm-up", "Epochs in which the learning rate rises to its start value."),
    fixed("schedule.schedule", "Schedule", "How the learning rate moves."),
    fixed("loss.kind", "Loss", "What is minimised."),
    fixed(
        "loss.class_weights",
        "Class weights",
        "Weigh classes by the inverse of how often they occur in training clips.",
    ),
    fixed(
        "loss.label_smoothing",
        "Label smoothing",
        "Probability spread over all classes, for cross-entropy, 0…1; over yes and no of each class where clips have several. 0.1 is usual.",
    ),
    fixed(
        "sampling.weighted",
        "Balanced sampling",
        "Sample clips with replacement, each class equally often. Off shuffles all clips.",
    ),
    fixed("sampling.clips_per_epoch", "Clips per epoch", "Clips sampled per epoch. Off samples as many as there are."),
    fixed("clip.length", "Frames", "Frames in a clip."),
    fixed("clip.step", "Frame step", "Video frames between two frames of a clip: 2 takes every other frame."),
    fixed("clip.width", "Width", "Pixels in a row of the network's input."),
    fixed("clip.height", "Height", "Rows of the network's input."),
    fixed(
        "clip.resize",
        "Resize",
        "Pixels of the shorter side that frames are resized to before the input is cut out of them: at random for training, in the middle for testing. Off resizes the whole picture to the input.",
    ),
    fixed(
        "clip.crops",
        "Test crops",
        "Crops along the longer side of the picture whose probabilities are averaged in an evaluation. 1 is the centre; more need a resize.",
    ),
    fixed(
        "clip.sampling",
        "Sampling",
        "Which clips are taken of a video: sliding windows, or one clip of each instance with frames from its middle, spread over it, of its segments, or densely from a place in it.",
    ),
    fixed(
        "clip.clips",
        "Test clips",
        "Clips of an instance whose probabilities are averaged in an evaluation. Sliding windows have one.",
    ),
    fixed(
        "clip.train_stride",
        "Train stride",
        "Video frames between the starts of two training clips; less than a clip's length overlaps.",
    ),
    fixed("clip.eval_stride", "Test stride", "Video frames between the starts of two validation or test clips."),
    fixed("clip.label", "Clip label", "How frame labels become a clip's label."),
    fixed(
        "clip.antialias",
        "Antialias",
        "Average over source pixels when shrinking. Off matches OpenCV's bilinear resize.",
    ),
    fixed("clip.mean", "Mean RGB", "Subtracted after scaling to 0…1."),
    fixed("clip.std", "Std RGB", "Divided by after subtracting the mean."),
    fixed("data.validation", "Validation", "Where validation clips come from during training."),
    fixed(
        "data.fraction",
        "Use",
        "Share of the training clips that is used, 0…1; 0.05 is enough to see whether anything runs.",
    ),
    fixed(
        "data.test_fraction",
        "Hold out",
        "Share of subjects held out for testing when the dataset has no split of its own.",
    ),
    fixed(
        "data.fold",
        "Fold",
        "Number of the fold of a dataset with several official splits, read when it is opened by the command line. Off takes the first.",
    ),
    fixed("data.format", "Format", "Id of the dataset format to read the files as. Off recognises it."),
    fixed(
        "data.choices",
        "Choices",
        "What the files of some formats leave open, such as the tiers of ELAN or the class column of EPIC-KITCHENS.",
    ),
    fixed(
        "data.table",
        "Table columns",
        "Which columns of a table of another layout say what. Off unless the format is 'table'.",
    ),
    resumable(
        "data.corrections",
        "Corrections",
        "A file of corrections that is laid over the labels, or none. Off takes the one beside the dataset, where there is one.",
    ),
    fixed("labels.hold", "Hold labels", "Labels on few frames, such as one per second, hold until the next one."),
    fixed("data.background_class", "Background class", "Turn background frames into clips of an extra class."),
    fixed(
        "data.subject_pattern",
        "Subject pattern",
        "Regular expression whose first group is the subject, matched on the file name. Off uses the built-in rules.",
    ),
    fixed(
        "data.label_map",
        "Label map",
        "Classes that get another name, are one class, are left out or count as background, and their order.",
    ),
    fixed(
        "augment.enabled",
        "Augment",
        "Random changes of training clips, sampled once per clip so that all frames agree.",
    ),
    fixed(
        "augment.horizontal_flip",
        "Horizontal flip",
        "Probability that a clip is flipped left to right. 0 where left and right are different classes.",
    ),
    fixed("augment.rotation_degrees", "Rotation", "Turned by up to this many degrees either way."),
    fixed(
        "augment.color_jitter",
        "Colour jitter",
        "Brightness, contrast and saturation: half-width of a factor around 1. Hue: shift in turns, 0…0.5.",
    ),
    fixed(
        "augment.crop",
        "Random crop",
        "A crop of random size and shape, resized to the clip: share of the area, and width over height relative to the picture.",
    ),
    resumable("device", "Device", "Where tensors live."),
    resumable(
        "training.devices",
        "GPUs",
        "GPUs of the chosen kind that share every batch; 0 takes all there are. A batch normalisation sees the clips of its own GPU only.",
    ),
    resumable(
        "training.precision",
        "Precision",
        "Numbers the layers compute with while they learn. 16 bits need a GPU that has them.",
    ),
    resumable(
        "training.exchange",
        "Gradient exchange",
        "Numbers with which several machines send their gradients to each other; with 16 bits half as much is sent.",
    ),
    resumable(
        "training.recompute",
        "Activation checkpointing",
        "Keeps the outputs of a few layers only and computes the others again in the backward pass: somewhat less memory, more work, the same numbers.",
    ),
    fixed("seed", "Seed", "Seed of every random stream: the same seed gives the same run on the CPU."),
];

/// The row of a key; `path` may lead into the value of one, such as `optimizer.kind.momentum`.
pub fn key(path: &str) -> Option<&'static ConfigKey> {
    KEYS.iter().find(|k| path == k.path || path.strip_prefix(k.path).is_some_and(|rest| rest.starts_with('.')))
}

/// All values of a configuration by their dotted paths, as JSON writes them.
pub fn values(config: &RunConfig) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    flatten("", &serde_json::to_value(config).unwrap_or_default(), &mut out);
    out
}

fn flatten(prefix: &str, value: &serde_json::Value, out: &mut BTreeMap<String, String>) {
    match value {
        serde_json::Value::Object(map) => {
            for (name, value) in map {
                let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
                flatten(&path, value, out);
            }
        }
        other => {
            out.insert(prefix.to_owned(), other.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_layers_are_a_list_or_a_text_with_commas() {
        let mut config = RunConfig::reference();
        for text in ["stem, stage1", "[\"stem\", \"stage1\"]"] {
            config.set(&format!("training.statistics_layers={text}")).unwrap();
            assert_eq!(config.training.statistics_layers, ["stem", "stage1"], "{text}");
        }
        config.set("training.statistics_layers=stem").unwrap();
        assert_eq!(config.training.statistics_layers, ["stem"]);
        assert_eq!(RunConfig::from_ron(&config.to_ron()).unwrap(), config);
    }

    #[test]
    fn every_value_of_a_configuration_has_one_row_and_every_row_a_value() {
        let all = values(&RunConfig::reference());
        for path in all.keys() {
            assert!(key(path).is_some(), "config/keys.rs has no row for {path}");
        }
        for row in KEYS {
            let within = format!("{}.", row.path);
            assert!(all.keys().any(|p| p == row.path || p.starts_with(&within)), "{} is no value", row.path);
            assert_eq!(KEYS.iter().filter(|k| k.path == row.path).count(), 1, "{} twice", row.path);
            assert!(!row.name.is_empty() && row.help.ends_with('.'), "{}", row.path);
        }
    }
}
