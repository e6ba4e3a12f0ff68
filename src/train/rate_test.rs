//! The learning-rate range test (Smith 2017, "Cyclical Learning Rates for Training Neural Networks", section 3.3): the rate grows
//! from step to step, and the loss tells where learning begins and where it falls apart.

use super::TrainError;
use super::data_parallel::{BatchTask, Copies};
use super::loss::Loss;
use super::optim::Optimizer;
use crate::config::RunConfig;
use crate::data::{ClipSource, Loader, LoaderOptions, Sampler, Share, as_configured, plan};
use crate::domain::{Dataset, Split};
use crate::eval::{EvalError, clip_shape};
use crate::model::{ComputeDevice, Network};
use crate::progress::Monitor;
use serde::Serialize;
use std::sync::Arc;

/// Weight of the past in the running mean that says when to end.
const SMOOTHING: f64 = 0.9;
/// Steps of the test for one standard deviation of the smoothing of its curve.
const STEPS_PER_SIGMA: usize = 60;
/// The test ends once the running mean of the loss is so many times its lowest value.
const DIVERGED: f64 = 4.0;
/// Steps before which it does not end, and which are no place for a proposal.
const WARM: usize = 5;

/// How a test is made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateRange {
    /// Rate of the first step, above 0.
    pub from: f64,
    /// Rate of the last step, above `from`.
    pub to: f64,
    /// Optimiser steps, at least 2.
    pub steps: u32,
}

impl Default for RateRange {
    fn default() -> Self {
        Self { from: 1e-7, to: 1.0, steps: 100 }
    }
}

impl RateRange {
    /// What is wrong with it, as a sentence.
    pub fn fault(&self) -> Option<String> {
        let sound = self.from.is_finite() && self.to.is_finite() && self.from > 0.0 && self.to > self.from;
        match (sound, self.steps) {
            (false, _) => Some(format!("rates must rise from above 0, but go from {} to {}", self.from, self.to)),
            (true, 0 | 1) => Some("the test needs at least 2 steps".into()),
            _ => None,
        }
    }

    /// The rate of a step, counted from 0: equal factors from one to the next.
    fn rate(&self, step: u32) -> f64 {
        let share = f64::from(step) / f64::from(self.steps.max(2) - 1);
        self.from * (self.to / self.from).powf(share)
    }
}

/// One step of a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct RatePoint {
    /// Learning rate.
    pub rate: f64,
    /// Loss of the batch before the step.
    pub loss: f64,
    /// The same, smoothed by a Gaussian over the steps before and behind it: a running mean would lag, and propose rates that
    /// are too large.
    pub smoothed: f64,
}

/// What a test found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct RateTest {
    /// The steps made.
    pub points: Vec<RatePoint>,
    /// The rate at which the loss falls fastest: a good one to start from. `None` where it does not fall.
    pub steepest: Option<f64>,
    /// The rate with the lowest smoothed loss, which begins to rise up to two standard deviations of the smoothing before the
    /// losses themselves do; larger rates no longer help.
    pub lowest: Option<f64>,
    /// The rate at which the loss had grown out of hand, where the test came to it.
    pub diverged: Option<f64>,
}

impl RateTest {
    /// Reads the proposals off the rates and losses of the steps made.
    fn of(steps: &[(f64, f64)], diverged: Option<f64>) -> Self {
        let sigma = steps.len().div_ceil(STEPS_PER_SIGMA).max(1) as f64;
        let smoothed = |at: usize| {
            let weights = steps.iter().enumerate().map(|(i, (_, loss))| {
                let apart = (i as f64 - at as f64) / sigma;
                ((-0.5 * apart * apart).exp(), *loss)
            });
            let (sum, total) = weights.fold((0.0, 0.0), |(sum, total), (w, loss)| (sum + w * loss, total + w));
            sum / total
        };
        let point =
            |(at, (rate, loss)): (usize, &(f64, f64))| RatePoint { rate: *rate, loss: *loss, smoothed: smoothed(at) };
        let points: Vec<RatePoint> = steps.iter().enumerate().map(point).collect();
        let lowest = points.iter().skip(WARM).min_by(|a, b| a.smoothed.total_cmp(&b.smoothed)).copied();
        // Up to the lowest loss; behind it the curve only tells of noise.
        let end = lowest.and_then(|l| points.iter().position(|p| p.rate >= l.rate)).unwrap_or(0);
        let slope = |pair: &[RatePoint]| match pair {
            [a, .., b] => Some(((b.smoothed - a.smoothed) / (b.rate / a.rate).ln(), (a.rate * b.rate).sqrt())),
            _ => None,
        };
        let falling = points.get(WARM.min(end)..=end).unwrap_or_default().windows(3).filter_map(slope);
        let steepest =
            falling.filter(|(slope, _)| *slope < 0.0).min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, rate)| rate);
        Self { steepest, lowest: lowest.map(|l| l.rate).filter(|_| steepest.is_some()), diverged, points }
    }

    /// What it says, in a sentence.
    pub fn words(&self) -> String {
        match (self.steepest, self.lowest) {
            (Some(steepest), Some(lowest)) => {
                let end = match self.diverged {
                    Some(rate) => format!("it is out of hand at {rate:.1e}"),
                    None => "it was never out of hand; a test up to a larger rate would tell where that is".to_owned(),
                };
                format!("the loss falls fastest at {steepest:.1e} and is lowest at {lowest:.1e}; {end}")
            }
            _ => "the loss did not fall at any rate: look at the labels, or let the test take more steps".to_owned(),
        }
    }
}

/// Trains a fresh network, or the first weights that are configured, for a few steps with a rate that grows. Nothing is
/// written. Batches, augmentation and loss are those of a training with this configuration; its schedule does not count.
///
/// # Errors
/// A configuration or dataset that cannot be trained on, a device that failed, and a stop.
pub fn rate_test(
    dataset: &Arc<Dataset>,
    config: &RunConfig,
    range: RateRange,
    device: &ComputeDevice,
    monitor: &dyn Monitor,
) -> Result<RateTest, TrainError> {
    config.validate()?;
    if let Some(fault) = range.fault() {
        return Err(TrainError::NothingToLearn(fault));
    }
    device.require(config.training.precision)?;
    let dataset = as_configured(dataset, config);
    let plan = plan(&dataset, config)?;
    plan.require_training(&dataset)?;
    let clip = [config.clip.length, config.clip.height, config.clip.width].map(|n| n as usize);
    let mut network = Network::build(&config.model, plan.classes.len(), clip, device, config.seed)?;
    network.set_precision(config.training.precision)?;
    super::init::init(&mut network, config, &plan.classes, monitor)?;
    let mut optimizer = Optimizer::new(&config.optimizer, &network.parameter_infos());
    let loss = Loss::new(&config.loss, &plan.class_counts(Split::Train));
    let source = Arc::new(ClipSource::new(dataset.clone(), config).with_disk(config));
    let mut copies = Copies::default();
    let (mut steps, mut sum, mut diverged) = (Vec::new(), 0.0, None);
    let mut lowest = f64::INFINITY;
    let mut epoch = 0;
    'steps: while (steps.len() as u32) < range.steps {
        let options = LoaderOptions {
            batch_size: config.training.batch_size,
            workers: config.training.workers,
            sampler: Sampler::training(&config.sampling),
            targets: plan.targets.clone(),
            augment: Some(config.augment.clone()),
            seed: config.seed,
            epoch,
            skip_batches: 0,
            share: Share::default(),
        };
        epoch += 1;
        for batch in Loader::new(source.clone(), &plan.train, &options) {
            if monitor.stopped() {
                return Err(EvalError::Stopped.into());
            }
            let at = steps.len() as u32;
            monitor.stage("learning-rate range test", u64::from(at), u64::from(range.steps));
            let rate = range.rate(at);
            let task =
                BatchTask { loss: &loss, features: None, clip: clip_shape(&source), seed: u64::from(at), scale: 1.0 };
            let result = copies.learn(&mut network, batch?, task)?;
            sum = SMOOTHING * sum + (1.0 - SMOOTHING) * result.loss;
            let mean = sum / (1.0 - SMOOTHING.powi(at as i32 + 1));
            let Some(mut gradients) = result.gradients.filter(|_| mean.is_finite()) else {
                diverged = Some(rate);
                break 'steps;
            };
            steps.push((rate, result.loss));
            lowest = lowest.min(mean);
            if steps.len() > WARM && mean > DIVERGED * lowest {
                diverged = Some(rate);
                break 'steps;
            }
            if steps.len() as u32 == range.steps {
                break 'steps;
            }
            if let Some(most) = config.optimizer.clip_norm {
                gradients.clip(most)?;
            }
            device.compute(|| optimizer.step(&mut network, gradients, rate));
        }
    }
    Ok(RateTest::of(&steps, diverged))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(curve: impl Fn(f64) -> f64, diverged: Option<f64>) -> RateTest {
        let range = RateRange { from: 1e-6, to: 1.0, steps: 61 };
        let steps: Vec<(f64, f64)> = (0..range.steps).map(|s| (range.rate(s), curve(range.rate(s)))).collect();
        RateTest::of(&steps, diverged)
    }

    #[test]
    fn the_steepest_fall_is_found_on_a_curve_that_is_known() {
        // A logistic fall in the logarithm of the rate is steepest in its middle, 1e-3; behind 1e-1 the loss grows.
        let curve = |rate: f64| {
            let x = (rate / 1e-3).ln();
            1.0 + 1.0 / (1.0 + x.exp()) + if rate > 0.1 { (rate / 0.1).ln() } else { 0.0 }
        };
        let found = test(curve, Some(1.0));
        let steepest = found.steepest.unwrap();
        assert!((steepest / 1e-3).ln().abs() < 0.25, "{steepest}");
        // Two standard deviations of two steps each before the edge, a step being a factor of 10^0.1; not behind it.
        let lowest = found.lowest.unwrap();
        assert!((0.1 * 10_f64.powf(-0.4)..0.1 * 10_f64.powf(0.05)).contains(&lowest), "{lowest}");
        assert!(
            found.words().contains("1.0e-3") && found.words().contains("out of hand at 1.0e0"),
            "{}",
            found.words()
        );
    }

    #[test]
    fn a_loss_that_never_falls_proposes_nothing() {
        for curve in [|_: f64| 2.0, |rate: f64| 2.0 + rate] {
            let found = test(curve, None);
            assert_eq!((found.steepest, found.lowest), (None, None));
            assert!(found.words().contains("did not fall"));
        }
    }

    #[test]
    fn rates_rise_by_equal_factors() {
        let range = RateRange { from: 1e-4, to: 1e-1, steps: 4 };
        let rates: Vec<f64> = (0..4).map(|s| range.rate(s)).collect();
        for (rate, expected) in rates.iter().zip([1e-4, 1e-3, 1e-2, 1e-1]) {
            assert!((rate / expected - 1.0).abs() < 1e-9, "{rates:?}");
        }
        assert!(
            RateRange { from: 0.0, ..range }.fault().is_some() && RateRange { steps: 1, ..range }.fault().is_some()
        );
        assert!(RateRange { to: 1e-5, ..range }.fault().is_some() && range.fault().is_none());
    }
}
