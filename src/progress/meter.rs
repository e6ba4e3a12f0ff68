//! How far a job is, in one share, one phase and one estimate.

use super::Progress;
use std::time::Instant;

/// How far a job is, for every place that shows it: one share that only grows, the phase in words, and the time left,
/// damped.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// Epochs of a training; 0 for other jobs.
    epochs: u32,
    share: Option<f32>,
    /// The job tells the share of its phases itself.
    told: bool,
    phase: Option<(String, u64, u64)>,
    eta: Option<Eta>,
    /// When the share was first known, and what it was.
    begun: Option<(Instant, f32)>,
}

/// Seconds left at a moment, and when there was a first estimate.
#[derive(Clone, Copy, Debug)]
struct Eta {
    left_s: f64,
    at: Instant,
    first: Instant,
}

/// Seconds and share of a job before which nothing is said about the time left.
const ETA_BASIS: (f64, f32) = (0.5, 0.02);

impl Meter {
    /// Of a job that has just begun; `epochs` is 0 where it is no training.
    pub fn new(epochs: u32) -> Self {
        Self { epochs, ..Self::default() }
    }

    /// Share of the job that is done, 0…1; `None` before anything is known. Never falls.
    pub fn share(&self) -> Option<f32> {
        self.share
    }

    /// What is being done, with units done and in all (0 = unknown).
    pub fn phase(&self) -> Option<&(String, u64, u64)> {
        self.phase.as_ref()
    }

    /// Seconds left.
    pub fn eta_s(&self, now: Instant) -> Option<f64> {
        self.eta.map(|eta| eta.at_moment(now))
    }

    /// Takes over what the job told at `now`.
    pub fn take(&mut self, progress: &Progress, now: Instant) {
        match progress {
            Progress::Share(share) => {
                self.told = true;
                self.grow(*share, now);
            }
            Progress::Stage { label, done, total } => {
                if !self.told && *total > 0 {
                    self.grow(*done as f32 / *total as f32, now);
                }
                self.phase = Some((label.clone(), *done, *total));
            }
            Progress::Step(step) => {
                let epochs = self.epochs.max(step.epoch);
                if !self.told {
                    let within = f64::from(step.step_in_epoch) / f64::from(step.steps_per_epoch.max(1));
                    let done = f64::from(step.epoch.saturating_sub(1)) + within;
                    self.grow((done / f64::from(epochs.max(1))) as f32, now);
                }
                self.phase = Some((format!("epoch {} of {epochs}", step.epoch), 0, 0));
                if let Some(left) = step.eta_s {
                    self.estimate(left, now);
                }
            }
            _ => {}
        }
    }

    fn grow(&mut self, share: f32, now: Instant) {
        if !share.is_finite() {
            return;
        }
        let share = share.clamp(0.0, 1.0).max(self.share.unwrap_or(0.0));
        self.share = Some(share);
        let (since, first) = *self.begun.get_or_insert((now, share));
        // Of a training its steps know better.
        if self.epochs > 0 {
            return;
        }
        let (passed, done) = (now.saturating_duration_since(since).as_secs_f64(), share - first);
        if passed > ETA_BASIS.0 && done > ETA_BASIS.1 {
            self.estimate(passed * f64::from(1.0 - share) / f64::from(done), now);
        }
    }

    /// Moves the time left towards a new estimate: the longer it is, the slower.
    fn estimate(&mut self, left_s: f64, now: Instant) {
        if !left_s.is_finite() {
            return;
        }
        let left_s = left_s.max(0.0);
        let Some(known) = self.eta else {
            self.eta = Some(Eta { left_s, at: now, first: now });
            return;
        };
        let seconds = |since: Instant| now.saturating_duration_since(since).as_secs_f64();
        let expected = known.at_moment(now);
        // By what was thought so far, so that a long estimate counts as much as a short one. At first they are rough, and
        // follow each other quickly.
        let slowness = (expected * 0.2).clamp(2.0, 60.0).min(3.0 + 2.0 * seconds(known.first));
        let weight = 1.0 - (-seconds(known.at) / slowness).exp();
        self.eta = Some(Eta { left_s: expected + weight * (left_s - expected), at: now, ..known });
    }
}

impl Eta {
    fn at_moment(self, now: Instant) -> f64 {
        (self.left_s - now.saturating_duration_since(self.at).as_secs_f64()).max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::StepReport;
    use super::*;
    use std::time::Duration;

    fn stage(label: &str, done: u64, total: u64) -> Progress {
        Progress::Stage { label: label.into(), done, total }
    }

    fn step(epoch: u32, step_in_epoch: u32, eta_s: f64) -> Progress {
        Progress::Step(StepReport {
            epoch,
            step_in_epoch,
            steps_per_epoch: 10,
            eta_s: Some(eta_s),
            ..StepReport::default()
        })
    }

    #[test]
    fn the_share_of_a_job_only_grows_whatever_its_phases_count() {
        let now = Instant::now();
        let mut meter = Meter::new(4);
        let told = [
            (Progress::Share(0.0), 0.0),
            (stage("decoding videos", 9, 10), 0.0),
            (Progress::Share(0.1), 0.1),
            (stage("decoding videos", 10, 10), 0.1),
            (Progress::Share(0.3), 0.3),
            (step(1, 10, 60.0), 0.3),
            (stage("validating", 1, 50), 0.3),
            (Progress::Share(0.2), 0.3),
            (Progress::Share(f32::NAN), 0.3),
            (Progress::Share(0.35), 0.35),
        ];
        for (progress, share) in told {
            meter.take(&progress, now);
            assert_eq!(meter.share(), Some(share), "after {progress:?}");
        }
        assert_eq!(meter.phase(), Some(&("validating".to_owned(), 1, 50)));
        meter.take(&step(2, 1, 50.0), now);
        assert_eq!(meter.phase().map(|p| p.0.as_str()), Some("epoch 2 of 4"));
        // A job of one phase is as far as the phase; one that counts nothing says nothing.
        let mut single = Meter::new(0);
        single.take(&stage("reading labels", 0, 0), now);
        assert_eq!(single.share(), None);
        single.take(&stage("indexing videos", 3, 4), now);
        assert_eq!(single.share(), Some(0.75));
    }

    #[test]
    fn the_time_left_neither_jumps_nor_stands() {
        let begun = Instant::now();
        let mut meter = Meter::new(10);
        let at = |s: f64| begun + Duration::from_secs_f64(s);
        // Estimates that leap up and down by a half around the truth: 300 s from the beginning.
        let mut before = 300.0;
        for i in 0..400_u32 {
            let now = f64::from(i) * 0.5;
            let noise = if i % 2 == 0 { 1.5 } else { 0.5 };
            meter.take(&step(1, 1, (300.0 - now) * noise), at(now));
            let left = meter.eta_s(at(now)).unwrap();
            if i > 60 {
                assert!((left - before).abs() < 6.0, "from {before} to {left} within half a second");
                assert!((left - (300.0 - now)).abs() < 0.25 * (300.0 - now), "{left} instead of {}", 300.0 - now);
            }
            before = left;
        }
        // Between reports it goes on falling, and not below nothing.
        let now = meter.eta_s(at(200.0)).unwrap();
        assert!((meter.eta_s(at(210.0)).unwrap() - (now - 10.0)).abs() < 1e-6);
        assert_eq!(meter.eta_s(at(2000.0)), Some(0.0));
    }

    #[test]
    fn a_job_that_goes_on_from_half_way_is_not_thought_to_have_taken_no_time_for_the_first_half() {
        let begun = Instant::now();
        let mut meter = Meter::new(0);
        meter.take(&Progress::Share(0.5), begun);
        meter.take(&Progress::Share(0.6), begun + Duration::from_secs(10));
        // A tenth in ten seconds: four tenths more are forty seconds.
        let left = meter.eta_s(begun + Duration::from_secs(10)).unwrap();
        assert!((left - 40.0).abs() < 1e-3, "{left}");
    }
}
