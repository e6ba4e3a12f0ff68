//! A training that ends with an epoch before its last one.

use crate::progress::{Flow, Monitor, Progress};
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks a training to finish with an epoch, and tells everything on.
pub(super) struct UntilEpoch<'a> {
    inner: &'a dyn Monitor,
    last: Option<u32>,
    reached: AtomicBool,
}

impl<'a> UntilEpoch<'a> {
    /// `last` is counted from 1; without one the training goes on to its own end.
    pub(super) fn new(inner: &'a dyn Monitor, last: Option<u32>) -> Self {
        Self { inner, last, reached: AtomicBool::new(false) }
    }
}

impl Monitor for UntilEpoch<'_> {
    fn emit(&self, progress: Progress) {
        let epoch = match &progress {
            Progress::Step(step) => Some(step.epoch),
            Progress::Epoch(epoch) => Some(epoch.epoch),
            _ => None,
        };
        if self.last.zip(epoch).is_some_and(|(last, epoch)| epoch >= last) {
            self.reached.store(true, Ordering::Relaxed);
        }
        self.inner.emit(progress);
    }

    fn poll(&self) -> Flow {
        match self.inner.poll() {
            Flow::Continue if self.reached.load(Ordering::Relaxed) => Flow::Finish,
            flow => flow,
        }
    }

    fn inner(&self) -> Option<&dyn Monitor> {
        Some(self.inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Silent, StepReport};

    #[test]
    fn it_asks_to_finish_once_the_last_epoch_is_under_way() {
        let step = |epoch| Progress::Step(StepReport { epoch, ..StepReport::default() });
        let until = UntilEpoch::new(&Silent, Some(2));
        until.emit(step(1));
        assert_eq!(until.poll(), Flow::Continue);
        until.emit(step(2));
        assert_eq!(until.poll(), Flow::Finish);
        let whole = UntilEpoch::new(&Silent, None);
        whole.emit(step(7));
        assert_eq!(whole.poll(), Flow::Continue);
    }
}
