//! What an epoch's validation decides: early stopping, and the checkpoints that are kept for their values.

use crate::config::TrainingConfig;
use crate::progress::{EpochReport, best_epoch, lowest_loss_epoch};

/// Score ([`EpochReport::score`]) that early stopping measures against, and epochs since.
pub(super) type Plateau = (Option<f32>, u32);

/// Counts the epochs since the validation's score last rose, into the report; true when early stopping ends the training.
pub(super) fn plateau((best, waiting): &mut Plateau, report: &mut EpochReport, config: &TrainingConfig) -> bool {
    let Some(score) = report.score() else { return false };
    let delta = config.early_stopping.map_or(0.0, |e| e.min_delta);
    match *best {
        Some(b) if score <= b + delta => *waiting += 1,
        _ => (*best, *waiting) = (Some(score), 0),
    }
    report.epochs_without_improvement = *waiting;
    config.early_stopping.is_some_and(|e| *waiting >= e.patience)
}

/// What happens to checkpoints after an epoch.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Checkpoints {
    /// Names under which it is written besides `last`.
    pub written: Vec<String>,
    /// Names of older ones that are removed.
    pub removed: Vec<String>,
}

/// The checkpoints after the last epoch of a history. `kept` are those for their score, with it, the best first.
pub(super) fn checkpoints(
    history: &[EpochReport],
    kept: &mut Vec<(String, f32)>,
    config: &TrainingConfig,
) -> Checkpoints {
    let mut out = Checkpoints::default();
    let Some(report) = history.last() else { return out };
    let is_this = |found: Option<&EpochReport>| found.is_some_and(|e| e.epoch == report.epoch);
    if is_this(lowest_loss_epoch(history)) {
        out.written.push("best_loss".to_owned());
    }
    if is_this(best_epoch(history)) {
        out.written.push("best_accuracy".to_owned());
    }
    keep_best(history, report, kept, config.keep_best, &mut out);
    if report.epoch.is_multiple_of(config.checkpoint_every) {
        out.written.push(format!("epoch_{:04}", report.epoch));
    }
    out
}

/// Adds an epoch to the kept ones if it is good enough.
fn keep_best(
    history: &[EpochReport],
    report: &EpochReport,
    kept: &mut Vec<(String, f32)>,
    most: usize,
    out: &mut Checkpoints,
) {
    let Some(score) = report.score().filter(|_| most > 0) else { return };
    let name_of = |epoch: u32| format!("best_epoch_{epoch:04}");
    let name = name_of(report.epoch);
    let mut ranked: Vec<&EpochReport> = history.iter().collect();
    ranked.sort_by(|a, b| a.by_validation(b));
    let rank = |name: &str| ranked.iter().position(|e| name_of(e.epoch) == name);
    kept.push((name.clone(), score));
    kept.sort_by_cached_key(|(name, _)| rank(name).unwrap_or(usize::MAX));
    let dropped: Vec<String> = kept.drain(most.min(kept.len())..).map(|k| k.0).collect();
    if !dropped.contains(&name) {
        out.written.push(name.clone());
    }
    out.removed.extend(dropped.into_iter().filter(|d| *d != name));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::EarlyStopping;

    #[test]
    fn the_kept_epochs_follow_the_rule_of_the_best_one() {
        let config = TrainingConfig { keep_best: 2, checkpoint_every: 100, ..TrainingConfig::default() };
        let values = [(0.5, 1.0), (0.8, 0.5), (0.8, 0.7), (0.8, 0.4), (0.7, 0.3), (0.8, 0.4)];
        let (mut history, mut kept, mut all) = (Vec::new(), Vec::new(), Vec::new());
        for ((accuracy, loss), epoch) in values.into_iter().zip(1..) {
            let (val_accuracy, val_loss) = (Some(accuracy), Some(loss));
            history.push(EpochReport { epoch, val_accuracy, val_loss, ..EpochReport::default() });
            all.push(checkpoints(&history, &mut kept, &config));
        }
        let of = |written: &[&str], removed: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect();
            Checkpoints { written: owned(written), removed: owned(removed) }
        };
        assert_eq!(
            all,
            [
                of(&["best_loss", "best_accuracy", "best_epoch_0001"], &[]),
                of(&["best_loss", "best_accuracy", "best_epoch_0002"], &[]),
                of(&["best_epoch_0003"], &["best_epoch_0001"]),
                of(&["best_loss", "best_accuracy", "best_epoch_0004"], &["best_epoch_0003"]),
                of(&["best_loss"], &[]),
                of(&["best_epoch_0006"], &["best_epoch_0002"]),
            ]
        );
        assert_eq!(best_epoch(&history).map(|e| e.epoch), Some(4));
    }

    #[test]
    fn several_labels_go_by_mean_average_precision() {
        let early_stopping = Some(EarlyStopping { patience: 2, min_delta: 0.0 });
        let config =
            TrainingConfig { early_stopping, keep_best: 1, checkpoint_every: 100, ..TrainingConfig::default() };
        let (mut history, mut kept, mut waiting) = (Vec::new(), Vec::new(), Plateau::default());
        let mut seen = Vec::new();
        // Accuracy rises while mean average precision falls.
        for ((map, accuracy), epoch) in [(0.4, 0.1), (0.6, 0.2), (0.5, 0.8), (0.5, 0.9)].into_iter().zip(1..) {
            let (val_map, val_accuracy) = (Some(map), Some(accuracy));
            let mut report = EpochReport { epoch, val_map, val_accuracy, ..EpochReport::default() };
            let stop = plateau(&mut waiting, &mut report, &config);
            history.push(report);
            let written = checkpoints(&history, &mut kept, &config).written;
            seen.push((stop, written.contains(&"best_accuracy".to_owned())));
        }
        assert_eq!(seen, [(false, true), (false, true), (false, false), (true, false)]);
        assert_eq!((best_epoch(&history).map(|e| e.epoch), kept[0].0.as_str()), (Some(2), "best_epoch_0002"));
    }
}
