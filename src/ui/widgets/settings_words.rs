//! The words people look for settings by: other names, values that can be chosen, and what is not offered at all.

/// Other names and values of settings, by key.
const WORDS: &[(&str, &str)] = &[
    ("model.id", "architecture backbone model c3d r3d resnet mobilenet r2plus1d baseline svm"),
    ("model.dropout", "regularisation regularization drop"),
    ("model.num_classes", "outputs classes head"),
    ("model.init_from", "pretrained transfer fine-tune finetune weights checkpoint kinetics imagenet warm start"),
    ("model.freeze", "transfer fine-tune finetune backbone trainable"),
    ("model.freeze_statistics", "batchnorm batch norm bn"),
    ("model.options.width", "multiplier channels size"),
    ("model.options.pooling", "average max attention lstm gru temporal"),
    ("training.epochs", "iterations length duration how long"),
    ("training.batch_size", "minibatch bs memory"),
    ("training.early_stopping", "patience plateau stop"),
    ("training.checkpoint_every", "save"),
    ("training.checkpoint_minutes", "save"),
    ("training.keep_best", "save top"),
    ("training.workers", "threads loader cpu processes num_workers"),
    ("training.cache_mib", "memory ram"),
    ("training.disk_cache_mib", "ssd disk"),
    ("training.precision", "fp16 bf16 amp half mixed float16"),
    ("training.recompute", "gradient checkpointing memory"),
    ("training.devices", "multi gpu data parallel ddp"),
    ("optimizer.kind", "optimiser sgd momentum nesterov adam adamw"),
    ("optimizer.learning_rate", "lr rate step size"),
    ("optimizer.weight_decay", "l2 wd regularisation regularization"),
    ("optimizer.betas", "momentum beta1 beta2"),
    ("optimizer.epsilon", "eps"),
    ("optimizer.clip_norm", "clip grad exploding nan"),
    ("optimizer.accumulate", "grad accumulation virtual batch"),
    ("schedule.warmup_epochs", "warm up ramp"),
    (
        "schedule.schedule",
        "scheduler cosine annealing step milestones plateau one cycle onecycle decay lr constant gamma",
    ),
    ("loss.kind", "focal gamma cross entropy criterion imbalance imbalanced hard bce"),
    ("loss.class_weights", "imbalance imbalanced balanced weighted rare long tail"),
    ("loss.label_smoothing", "regularisation regularization soft"),
    ("sampling.weighted", "imbalance imbalanced oversampling oversample balance rare long tail sampler"),
    ("sampling.clips_per_epoch", "epoch length samples"),
    ("clip.length", "t time temporal window frames clip"),
    ("clip.step", "stride dilation temporal fps skip"),
    ("clip.width", "resolution size input"),
    ("clip.height", "resolution size input"),
    ("clip.resize", "scale short side crop resolution"),
    ("clip.crops", "multi crop views test time augmentation tta three ten"),
    ("clip.clips", "multi clip views test time augmentation tta"),
    ("clip.sampling", "tsn segments uniform dense windows sliding"),
    ("clip.train_stride", "overlap hop"),
    ("clip.eval_stride", "overlap hop"),
    ("clip.label", "majority centre center middle overlap"),
    ("clip.mean", "normalisation normalization normalize imagenet"),
    ("clip.std", "normalisation normalization normalize imagenet"),
    ("data.validation", "val split cross-validation subjects leave out"),
    ("data.fraction", "subset few debug"),
    ("data.test_fraction", "test split hold-out"),
    ("data.background_class", "negative none idle null"),
    ("augment.enabled", "augmentation off"),
    ("augment.horizontal_flip", "mirror flip left right"),
    ("augment.rotation_degrees", "rotate angle affine"),
    ("augment.color_jitter", "brightness contrast saturation hue colour color"),
    ("augment.crop", "random resized crop scale zoom"),
    ("device", "gpu cuda cpu metal vulkan"),
    ("seed", "random reproducible determinism"),
];

/// What people look for and kinolens does not have, with what comes nearest.
const MISSING: &[(&[&str], &str)] = &[
    (&["mixup", "cutmix", "cutout", "random erasing", "erasing"], "label smoothing, the random crop and colour jitter"),
    (&["randaugment", "autoaugment", "trivialaugment"], "flip, rotation, colour jitter and the random crop"),
    (&["ema", "moving average", "swa"], "keeping the best checkpoints"),
    (&["rmsprop", "adagrad", "lamb", "lars", "lion", "adadelta"], "AdamW, Adam and SGD"),
    (&["triplet", "contrastive", "arcface", "dice"], "cross-entropy and focal loss"),
    (&["drop path", "droppath", "stochastic depth"], "dropout"),
    (&["optical flow", "two-stream", "rgb-d", "depth"], "networks on RGB frames and the motion baselines"),
    (&["vertical flip"], "the horizontal flip"),
];

/// Other names and values of a setting.
pub fn words(path: &str) -> &'static str {
    WORDS.iter().find(|(key, _)| *key == path).map_or("", |(_, words)| words)
}

/// A sentence for something that is not offered; `None` where the words mean nothing. `query` is in lower case.
pub fn not_offered(query: &str) -> Option<String> {
    let query = query.trim();
    let means = |name: &&str| query.len() > 1 && name.starts_with(query) || query.contains(*name);
    MISSING.iter().find_map(|(names, instead)| {
        let name = names.iter().find(|n| means(n))?;
        Some(format!("'{name}' is not offered. What comes nearest: {instead}."))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::KEYS;

    #[test]
    fn every_row_is_of_a_setting_and_said_once() {
        for (i, (key, _)) in WORDS.iter().enumerate() {
            assert!(KEYS.iter().any(|k| k.path == *key), "{key} is no setting");
            assert!(WORDS.iter().skip(i + 1).all(|(k, _)| k != key), "{key} twice");
        }
    }

    #[test]
    fn what_is_not_there_is_said_with_what_comes_nearest() {
        assert!(not_offered("mixup").is_some_and(|s| s.contains("'mixup' is not offered")));
        assert!(not_offered("mixu").is_some());
        assert!(not_offered("use ema").is_some_and(|s| s.contains("'ema'")));
        assert_eq!(not_offered("zzz"), None);
        assert_eq!(not_offered(""), None);
    }
}
