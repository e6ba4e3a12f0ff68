//! The values of a run as columns that curves can be drawn from.

use crate::config::{RunConfig, Schedule};
use crate::progress::{EpochReport, StepReport, WeightedScores};
use crate::train::Scheduler;

/// What the horizontal axis counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Axis {
    /// Optimiser steps.
    Step,
    /// Epochs.
    #[default]
    Epoch,
    /// Seconds of training.
    Time,
}

/// Columns of values; all of one group have the same length.
#[derive(Clone, Debug, Default)]
pub struct Tracks {
    key: Option<(Axis, usize, usize, u64)>,
    /// Positions of the steps.
    pub step_x: Vec<f64>,
    /// Loss of each step.
    pub step_loss: Vec<f64>,
    /// Accuracy of each step, 0…1.
    pub step_accuracy: Vec<f64>,
    /// Gradient norm of each step.
    pub step_gradient: Vec<f64>,
    /// Learning rate of each step.
    pub step_rate: Vec<f64>,
    /// Clips a second at each step; NaN where that is not known.
    pub step_speed: Vec<f64>,
    /// Positions of the epochs.
    pub epoch_x: Vec<f64>,
    /// Training loss of each epoch.
    pub train_loss: Vec<f64>,
    /// Validation loss of each epoch; NaN without one.
    pub val_loss: Vec<f64>,
    /// Training accuracy of each epoch.
    pub train_accuracy: Vec<f64>,
    /// Validation accuracy of each epoch; NaN without one.
    pub val_accuracy: Vec<f64>,
    /// Support-weighted precision and F1 of each epoch, of the training and of the validation; NaN where there is none.
    pub weighted: [Weighted; 2],
    /// What the best epoch is chosen by ([`EpochReport::score`]): mean average precision in a multi-label task, else the
    /// validation accuracy again.
    pub score: Vec<f64>,
    /// Positions of the first step of each epoch; those of its end where steps are not known.
    pub rate_x: Vec<f64>,
    /// Learning rate of the first step of each epoch.
    pub rate: Vec<f64>,
    /// Gradient norm of each epoch.
    pub gradient: Vec<f64>,
    /// Clips a second of each epoch.
    pub speed: Vec<f64>,
    /// Memory of the process after each epoch, in bytes.
    pub memory: Vec<f64>,
    /// Bytes held by the GPUs after each epoch; NaN on the CPU.
    pub device_memory: Vec<f64>,
    /// Processor threads busy in each epoch.
    pub busy: Vec<f64>,
    /// Seconds that each epoch took.
    pub seconds: Vec<f64>,
    /// Score of each class ([`EpochReport::class_scores`]) after each epoch, `[class][epoch]`; NaN without clips.
    pub classes: Vec<Vec<f64>>,
}

/// Support-weighted scores of each epoch; the recall is the accuracy again.
#[derive(Clone, Debug, Default)]
pub struct Weighted {
    /// Precision.
    pub precision: Vec<f64>,
    /// F1.
    pub f1: Vec<f64>,
}

impl Weighted {
    fn of(epochs: &[EpochReport], part: impl Fn(&EpochReport) -> Option<WeightedScores>) -> Self {
        let column = |of: fn(WeightedScores) -> f32| {
            epochs.iter().map(|e| part(e).map_or(f64::NAN, |s| f64::from(of(s)))).collect()
        };
        Self { precision: column(|s| s.precision), f1: column(|s| s.f1) }
    }

    /// True where no epoch has any.
    pub fn is_empty(&self) -> bool {
        self.f1.iter().all(|v| v.is_nan())
    }
}

impl Tracks {
    fn clear_steps(&mut self) {
        let columns = [
            &mut self.step_x,
            &mut self.step_loss,
            &mut self.step_accuracy,
            &mut self.step_gradient,
            &mut self.step_rate,
            &mut self.step_speed,
        ];
        columns.into_iter().for_each(Vec::clear);
    }

    /// Takes over what is new. Costs nothing while nothing changed.
    pub fn update(
        &mut self,
        run: u64,
        steps: &[StepReport],
        epochs: &[EpochReport],
        steps_per_epoch: Option<u32>,
        axis: Axis,
    ) {
        let key = Some((axis, steps.len(), epochs.len(), run));
        if self.key == key {
            return;
        }
        let per_epoch = steps.last().map_or(0, |s| s.steps_per_epoch);
        let first_step = steps_per_epoch.map(|n| 1.0 / f64::from(n.max(1)));
        let mut ends = Vec::with_capacity(epochs.len());
        let mut clock = 0.0;
        for e in epochs {
            clock += e.seconds;
            ends.push(clock);
        }
        let seconds_at = |epoch: f64| -> f64 {
            // Within an epoch time passes evenly; the one that runs is taken to be as long as the one before.
            let (whole, part) = (epoch.floor().max(0.0) as usize, epoch.fract());
            let before = if whole == 0 { 0.0 } else { ends.get(whole - 1).or(ends.last()).copied().unwrap_or(0.0) };
            let length = epochs.get(whole).or(epochs.last()).map_or(f64::NAN, |e| e.seconds);
            before + part * length
        };
        let progress = |s: &StepReport| {
            f64::from(s.epoch.saturating_sub(1)) + f64::from(s.step_in_epoch) / f64::from(s.steps_per_epoch.max(1))
        };
        let grown = self.key.is_some_and(|k| (k.0, k.2, k.3) == (axis, epochs.len(), run) && k.1 <= steps.len());
        if !grown {
            self.clear_steps();
        }
        for s in steps.get(self.step_x.len()..).unwrap_or_default() {
            self.step_x.push(match axis {
                Axis::Step => s.step as f64,
                Axis::Epoch => progress(s),
                Axis::Time => seconds_at(progress(s)),
            });
            self.step_loss.push(f64::from(s.loss));
            self.step_accuracy.push(f64::from(s.accuracy));
            self.step_gradient.push(f64::from(s.gradient_norm));
            self.step_rate.push(s.learning_rate);
            self.step_speed.push(if s.clips_per_second > 0.0 { f64::from(s.clips_per_second) } else { f64::NAN });
        }
        if grown {
            self.key = key;
            return;
        }
        let column = |f: &dyn Fn(&EpochReport) -> f64| epochs.iter().map(f).collect::<Vec<f64>>();
        let begun = |e: &EpochReport| f64::from(e.epoch.saturating_sub(1));
        self.rate_x = match (axis, first_step) {
            (Axis::Time, _) => column(&|e| seconds_at(begun(e))),
            (Axis::Step, _) if per_epoch > 0 => column(&|e| begun(e) * f64::from(per_epoch) + 1.0),
            (_, Some(step)) => column(&|e| begun(e) + step),
            (_, None) => column(&|e| f64::from(e.epoch)),
        };
        self.epoch_x = match axis {
            Axis::Step if per_epoch > 0 => column(&|e| f64::from(e.epoch) * f64::from(per_epoch)),
            Axis::Step | Axis::Epoch => column(&|e| f64::from(e.epoch)),
            Axis::Time => ends,
        };
        let or_nan = |v: Option<f32>| v.map_or(f64::NAN, f64::from);
        self.train_loss = column(&|e| f64::from(e.train_loss));
        self.val_loss = column(&|e| or_nan(e.val_loss));
        self.train_accuracy = column(&|e| f64::from(e.train_accuracy));
        self.val_accuracy = column(&|e| or_nan(e.val_accuracy));
        self.weighted = [Weighted::of(epochs, |e| e.train_weighted), Weighted::of(epochs, |e| e.val_weighted)];
        self.score = column(&|e| or_nan(e.score()));
        self.rate = column(&|e| e.learning_rate);
        self.gradient = column(&|e| f64::from(e.gradient_norm));
        self.speed = column(&|e| f64::from(e.clips_per_second));
        self.memory = column(&|e| e.memory_bytes as f64);
        self.device_memory = column(&|e| e.device_memory_bytes.map_or(f64::NAN, |b| b as f64));
        self.seconds = column(&|e| e.seconds);
        self.busy = column(&|e| f64::from(e.threads_busy));
        let classes = epochs.iter().map(|e| e.class_scores().len()).max().unwrap_or(0);
        self.classes = (0..classes).map(|c| column(&|e| or_nan(e.class_scores().get(c).copied().flatten()))).collect();
        self.key = key;
    }
}

/// Points of the planned curve, about.
const PLANNED: u32 = 600;

/// Positions (in epochs, as [`Axis::Epoch`] counts them) and learning rates of a whole run; empty where they depend on
/// what will be measured, or on a number of steps that is not known: `steps_per_epoch` shapes warm-up and the one-cycle
/// rule. It also gives points within an epoch; where it is unknown there is one point an epoch.
pub fn planned(config: &RunConfig, steps_per_epoch: Option<u32>) -> (Vec<f64>, Vec<f64>) {
    let by_steps = config.schedule.warmup_epochs > 0 || matches!(config.schedule.schedule, Schedule::OneCycle { .. });
    let measured = matches!(config.schedule.schedule, Schedule::ReduceOnPlateau { .. });
    if measured || (by_steps && steps_per_epoch.is_none()) {
        return Default::default();
    }
    let (epochs, steps) = (config.training.epochs, steps_per_epoch.unwrap_or(1).max(1));
    let schedule = Scheduler::new(&config.schedule, config.optimizer.learning_rate, epochs, steps);
    let all = u64::from(epochs) * u64::from(steps);
    let every = all.div_ceil(u64::from(PLANNED)).max(1);
    (0..all)
        .step_by(every as usize)
        .map(|at| {
            let rate = schedule.rate((at / u64::from(steps)) as u32, (at % u64::from(steps)) as u32);
            ((at + 1) as f64 / f64::from(steps), rate)
        })
        .unzip()
}

/// Sentences about a run that goes wrong.
pub fn troubles(steps: &[StepReport], epochs: &[EpochReport]) -> Vec<String> {
    let mut out = Vec::new();
    let step = steps.iter().find(|s| !s.loss.is_finite());
    let epoch = epochs.iter().find(|e| !e.train_loss.is_finite());
    if let Some(at) = step.map(|s| format!("step {}", s.step)).or(epoch.map(|e| format!("epoch {}", e.epoch))) {
        out.push(format!(
            "The loss is not a number since {at}: the run has diverged. Try a tenth of the learning rate, or clip the gradient."
        ));
        return out;
    }
    if let (Some(first), Some(_)) = (epochs.first(), epochs.get(4)) {
        let lowest = epochs.iter().skip(1).map(|e| e.train_loss).fold(f32::INFINITY, f32::min);
        if lowest > first.train_loss * 0.98 {
            out.push(format!(
                "The training loss has not decreased in {} epochs. Check the labels, or try another learning rate.",
                epochs.len()
            ));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(n: u32, train_loss: f32, val: Option<f32>) -> EpochReport {
        EpochReport { epoch: n, train_loss, val_accuracy: val, seconds: 10.0, ..EpochReport::default() }
    }

    #[test]
    fn columns_follow_the_axis() {
        let step = |n: u64| StepReport {
            step: n,
            epoch: n.div_ceil(2) as u32,
            step_in_epoch: if n.is_multiple_of(2) { 2 } else { 1 },
            steps_per_epoch: 2,
            ..StepReport::default()
        };
        let (steps, epochs) = ([step(1), step(2), step(3)], [epoch(1, 1.0, None)]);
        let mut t = Tracks::default();
        t.update(0, &steps, &epochs, Some(2), Axis::Epoch);
        assert_eq!((t.step_x.as_slice(), t.epoch_x.as_slice()), ([0.5, 1.0, 1.5].as_slice(), [1.0].as_slice()));
        t.update(0, &steps, &epochs, Some(2), Axis::Step);
        assert_eq!((t.step_x.as_slice(), t.epoch_x.as_slice()), ([1.0, 2.0, 3.0].as_slice(), [2.0].as_slice()));
        t.update(0, &steps, &epochs, Some(2), Axis::Time);
        assert_eq!((t.step_x.as_slice(), t.epoch_x.as_slice()), ([5.0, 10.0, 15.0].as_slice(), [10.0].as_slice()));
        assert!(t.val_loss[0].is_nan());
    }

    #[test]
    fn the_rate_used_lies_on_the_rate_planned() {
        // What a run writes down for an epoch is the rate of its first step.
        let mut c = RunConfig::reference();
        (c.training.epochs, c.optimizer.learning_rate) = (5, 1.0);
        for schedule in [
            Schedule::Constant,
            Schedule::Step { every: 2, gamma: 0.1 },
            Schedule::Cosine { min_lr: 0.0 },
            Schedule::OneCycle { warmup: 0.3 },
        ] {
            for warmup in [0, 2] {
                c.schedule = crate::config::ScheduleConfig { schedule: schedule.clone(), warmup_epochs: warmup };
                let rule = Scheduler::new(&c.schedule, 1.0, 5, 7);
                let history: Vec<EpochReport> = (1..=5)
                    .map(|n| EpochReport { learning_rate: rule.rate(n - 1, 0), ..epoch(n, 1.0, None) })
                    .collect();
                let mut t = Tracks::default();
                t.update(0, &[], &history, Some(7), Axis::Epoch);
                let (xs, rates) = planned(&c, Some(7));
                for (x, used) in t.rate_x.iter().zip(&t.rate) {
                    let at = xs.iter().position(|p| (p - x).abs() < 1e-9).expect("a planned point there");
                    assert!((rates[at] - used).abs() < 1e-12, "{schedule:?} at {x}: {used}, planned {}", rates[at]);
                }
            }
        }
        // How steep the warm-up is depends on the steps of an epoch.
        assert!(planned(&c, None).0.is_empty());
    }

    #[test]
    fn planned_rates_follow_the_schedule() {
        let mut c = RunConfig::reference();
        c.training.epochs = 4;
        c.optimizer.learning_rate = 1.0;
        c.schedule.schedule = Schedule::Step { every: 2, gamma: 0.5 };
        assert_eq!(planned(&c, None), (vec![1.0, 2.0, 3.0, 4.0], vec![1.0, 1.0, 0.5, 0.5]));
        let (x, rate) = planned(&c, Some(2));
        assert_eq!((x[0], x[4], x[7], rate[3], rate[4]), (0.5, 2.5, 4.0, 1.0, 0.5));
        // However long a run is, what is drawn is not.
        c.training.epochs = 1_000_000;
        assert!(planned(&c, Some(1000)).0.len() <= 600);
        c.training.epochs = 4;
        c.schedule.schedule = Schedule::MultiStep { milestones: vec![1, 3], gamma: 0.1 };
        assert!(planned(&c, None).1.iter().zip([1.0, 0.1, 0.1, 0.01]).all(|(a, b)| (a - b).abs() < 1e-12));
        c.schedule.schedule = Schedule::Cosine { min_lr: 0.0 };
        assert!((planned(&c, None).1[2] - 0.5).abs() < 1e-12);
        assert!(planned(&RunConfig::reference(), None).0.is_empty(), "a plateau cannot be planned");
    }

    #[test]
    fn trouble_is_told_in_words() {
        let flat: Vec<_> = (1..=6).map(|n| epoch(n, 2.8, None)).collect();
        assert!(troubles(&[], &flat)[0].contains("not decreased in 6 epochs"));
        assert!(troubles(&[], &[epoch(1, f32::NAN, None)])[0].contains("diverged"));
        let good: Vec<_> = (1..=6).map(|n| epoch(n, 3.0 / n as f32, None)).collect();
        assert!(troubles(&[], &good).is_empty());
    }
}
