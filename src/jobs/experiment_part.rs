//! One run of many while it works.

use crate::progress::{Flow, Monitor, Progress};

/// Share of a run that is its training; the rest is its evaluation.
const TRAINING: f64 = 0.95;

/// One run of many, as the monitor of what works in it: its shares are those of the whole.
pub(super) struct Part<'a> {
    /// Who is told.
    pub(super) inner: &'a dyn Monitor,
    /// Share of the whole at its beginning.
    pub(super) from: f64,
    /// Share of the whole at its end.
    pub(super) to: f64,
    /// Name of the run.
    pub(super) name: &'a str,
    /// Which of how many it is, in words.
    pub(super) place: String,
    /// Epochs it is trained at most.
    pub(super) epochs: u32,
}

impl Part<'_> {
    fn share(&self, of_run: f64) {
        let share = self.from + (self.to - self.from) * of_run.clamp(0.0, 1.0);
        self.inner.emit(Progress::Share(share as f32));
    }

    /// Says what is done with it now.
    pub(super) fn say(&self, what: &str) {
        self.inner.emit(Progress::Log(format!("{}, {what}", self.place)));
        self.share(0.0);
    }

    fn stage(&self, label: &str) {
        self.inner.emit(Progress::Stage { label: format!("{}, {label}", self.place), done: 0, total: 0 });
    }
}

impl Monitor for Part<'_> {
    fn emit(&self, progress: Progress) {
        match progress {
            Progress::Share(share) => self.share(TRAINING * f64::from(share)),
            Progress::Stage { label, done, total } => {
                if label.starts_with("evaluating") && total > 0 {
                    self.share(TRAINING + (1.0 - TRAINING) * done as f64 / total as f64);
                }
                self.stage(&label);
            }
            Progress::Step(step) => {
                self.stage(&format!("epoch {} of {}, loss {:.3}", step.epoch, self.epochs, step.loss))
            }
            Progress::Epoch(e) => {
                let score =
                    e.score().map_or(String::new(), |s| format!(", validation {} {:.1} %", e.score_name(), 100.0 * s));
                let text =
                    format!("{}: epoch {} of {}, loss {:.4}{score}", self.name, e.epoch, self.epochs, e.train_loss);
                self.inner.emit(Progress::Log(text));
            }
            Progress::Warning(sentence) => self.inner.emit(Progress::Warning(format!("{}: {sentence}", self.name))),
            // These stand in the log of the run.
            Progress::Log(_) | Progress::Logged(_) | Progress::Weights { .. } => {}
            Progress::Checkpoint { .. } | Progress::WrongClips(_) | Progress::Layers(_) => {}
        }
    }

    fn poll(&self) -> Flow {
        self.inner.poll()
    }

    fn inner(&self) -> Option<&dyn Monitor> {
        Some(self.inner)
    }
}
