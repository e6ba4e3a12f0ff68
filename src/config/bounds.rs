//! Values outside what is sensible: allowed, but worth a second look. What cannot be is refused by `validate`.

use super::{LossKind, OptimizerKind, RunConfig, Schedule};

/// A doubt about a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    /// Key of the value.
    pub key: &'static str,
    /// What is unusual about it, and what is usual.
    pub told: String,
}

/// The number of a setting, where it lies outside of what is usual.
fn outside(key: &'static str, value: f64, usual: (f64, f64), why: &str) -> Option<Doubt> {
    let (low, high) = usual;
    let told = match value {
        v if v > high => format!("more than usual ({low} to {high}): {why}"),
        v if v < low => format!("less than usual ({low} to {high}): {why}"),
        _ => return None,
    };
    Some(Doubt { key, told })
}

impl RunConfig {
    /// Values that are far from what trainings of video networks use, one doubt a key.
    pub fn doubts(&self) -> Vec<Doubt> {
        let mut out = Vec::new();
        let (optimizer, training, clip) = (&self.optimizer, &self.training, &self.clip);
        let sgd = matches!(optimizer.kind, OptimizerKind::Sgd { .. });
        let rate = if sgd { (1e-5, 0.5) } else { (1e-6, 0.01) };
        let rising = "the loss jumps, becomes NaN or stays at chance; below, it hardly falls";
        out.extend(outside("optimizer.learning_rate", optimizer.learning_rate, rate, rising));
        let decay = "weights are pulled to 0 faster than they learn";
        out.extend(outside("optimizer.weight_decay", optimizer.weight_decay, (0.0, 0.2), decay));
        if !sgd {
            let eps = "a large one slows every step down, a tiny one makes it jump";
            out.extend(outside("optimizer.epsilon", f64::from(optimizer.epsilon), (1e-10, 1e-3), eps));
            let (first, second) = optimizer.betas;
            if !(0.5..=0.99).contains(&first) || !(0.9..=0.99999).contains(&second) {
                let told = "unusual averages of the gradient (0.9 and 0.999 are usual)".to_owned();
                out.push(Doubt { key: "optimizer.betas", told });
            }
        }
        if let OptimizerKind::Sgd { momentum, .. } = optimizer.kind {
            let why = "steps hardly end, and overshoot";
            out.extend(outside("optimizer.kind", f64::from(momentum), (0.0, 0.99), why));
        }
        if let Some(norm) = optimizer.clip_norm {
            out.extend(outside("optimizer.clip_norm", f64::from(norm), (0.05, 100.0), "it cuts every step, or none"));
        }
        let batch = training.batch_size as f64;
        out.extend(outside("training.batch_size", batch, (1.0, 256.0), "memory grows with it, and steps become few"));
        if training.batch_size == 1 {
            let told = "one clip a step: batch normalisation sees a single clip, and steps are noisy".to_owned();
            out.push(Doubt { key: "training.batch_size", told });
        }
        let epochs = f64::from(training.epochs);
        out.extend(outside("training.epochs", epochs, (1.0, 1000.0), "early stopping ends sooner what learns no more"));
        if self.schedule.warmup_epochs > 0 && self.schedule.warmup_epochs >= training.epochs {
            let told = "the learning rate is still rising when the training ends".to_owned();
            out.push(Doubt { key: "schedule.warmup_epochs", told });
        }
        if let Schedule::MultiStep { milestones, .. } = &self.schedule.schedule
            && milestones.first().is_some_and(|first| *first >= training.epochs)
        {
            let told = format!("no milestone is reached within {} epochs", training.epochs);
            out.push(Doubt { key: "schedule.schedule", told });
        }
        if let LossKind::Focal { gamma } = self.loss.kind {
            let why = "nearly every clip stops counting (2 is usual)";
            out.extend(outside("loss.kind", f64::from(gamma), (0.0, 5.0), why));
        }
        let smoothing = f64::from(self.loss.label_smoothing);
        out.extend(outside("loss.label_smoothing", smoothing, (0.0, 0.3), "little is left to learn (0.1 is usual)"));
        if let Some(dropout) = self.model.dropout {
            out.extend(outside("model.dropout", dropout, (0.0, 0.8), "few features reach the classifier"));
        }
        let sizes = [
            ("clip.length", clip.length, (1.0, 128.0)),
            ("clip.width", clip.width, (32.0, 448.0)),
            ("clip.height", clip.height, (32.0, 448.0)),
        ];
        for (key, value, usual) in sizes {
            out.extend(outside(
                key,
                f64::from(value),
                usual,
                "time and memory grow with it; small ones hide the movement",
            ));
        }
        let rotation = f64::from(self.augment.rotation_degrees);
        if self.augment.enabled {
            out.extend(outside(
                "augment.rotation_degrees",
                rotation,
                (0.0, 45.0),
                "people do not stand on their heads",
            ));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::super::PRESETS;
    use super::*;

    #[test]
    fn no_preset_doubts_itself() {
        for preset in PRESETS {
            assert_eq!(preset.config().unwrap().doubts(), [], "{}", preset.name);
        }
        assert_eq!(RunConfig::reference().doubts(), []);
    }

    #[test]
    fn values_far_off_are_doubted_under_their_key() {
        for (set, key) in [
            ("optimizer.learning_rate=99", "optimizer.learning_rate"),
            ("optimizer.learning_rate=1e-9", "optimizer.learning_rate"),
            ("optimizer.epsilon=99", "optimizer.epsilon"),
            ("optimizer.weight_decay=5", "optimizer.weight_decay"),
            ("training.batch_size=4096", "training.batch_size"),
            ("training.batch_size=1", "training.batch_size"),
            ("training.epochs=99999", "training.epochs"),
            ("loss.label_smoothing=0.9", "loss.label_smoothing"),
            ("clip.width=2000", "clip.width"),
        ] {
            let mut config = RunConfig::reference();
            config.set(set).unwrap();
            let doubts = config.doubts();
            assert!(doubts.iter().any(|d| d.key == key), "{set}: {doubts:?}");
            assert_eq!(doubts.iter().filter(|d| d.key == key).count(), 1, "{set}");
        }
    }
}
