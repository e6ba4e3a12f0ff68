//! Whether a job that stopped was asked to.

use super::error::JobError;
use super::kind::Done;
use crate::progress::{Flow, Monitor, Progress};
use std::sync::atomic::{AtomicBool, Ordering};

/// A monitor that remembers whether the job was ever asked to end.
pub(super) struct Asked<'a> {
    inner: &'a dyn Monitor,
    to_end: AtomicBool,
}

impl<'a> Asked<'a> {
    pub(super) fn new(inner: &'a dyn Monitor) -> Self {
        Self { inner, to_end: AtomicBool::new(false) }
    }

    /// The end of a job; one that stopped without having been asked has a fault.
    pub(super) fn checked<T>(&self, done: Result<Done<T>, JobError>) -> Result<Done<T>, JobError> {
        let stopped = matches!(done, Err(JobError::Stopped) | Ok(Done::Cancelled(_)));
        // Of several processes that do it together another one may have been asked.
        if stopped && !self.to_end.load(Ordering::Relaxed) && self.inner.peers().is_alone() {
            return Err(JobError::Internal("the job stopped although nobody asked it to"));
        }
        done
    }
}

impl Monitor for Asked<'_> {
    fn emit(&self, progress: Progress) {
        self.inner.emit(progress);
    }

    fn poll(&self) -> Flow {
        let flow = self.inner.poll();
        if matches!(flow, Flow::Stop | Flow::Finish) {
            self.to_end.store(true, Ordering::Relaxed);
        }
        flow
    }

    fn inner(&self) -> Option<&dyn Monitor> {
        Some(self.inner)
    }

    fn asked_elsewhere(&self) {
        self.to_end.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DataError;
    use crate::eval::EvalError;
    use crate::jobs::kinds::OpenRun;
    use crate::jobs::{LaneState, run_kind};
    use crate::progress::Silent;
    use crate::train::TrainError;
    use std::sync::Arc;

    /// Asks for a flow.
    struct Asking(Flow);

    impl Monitor for Asking {
        fn emit(&self, _progress: Progress) {}

        fn poll(&self) -> Flow {
            self.0
        }
    }

    #[test]
    fn a_stop_that_nobody_asked_for_is_a_fault_and_one_asked_for_is_a_stop_however_deep_it_was_noticed() {
        let ended = |flow: Flow, error: JobError| {
            let asked = Asked { inner: &Asking(flow), to_end: AtomicBool::new(false) };
            assert_eq!(asked.poll(), flow);
            asked.checked::<()>(Err(error)).unwrap_err()
        };
        let stops: [fn() -> JobError; 6] = [
            || JobError::Stopped,
            || DataError::Stopped.into(),
            || EvalError::Stopped.into(),
            || EvalError::Data(DataError::Stopped).into(),
            || TrainError::Data(DataError::Stopped).into(),
            || TrainError::Eval(EvalError::Data(DataError::Stopped)).into(),
        ];
        for stop in stops {
            for flow in [Flow::Continue, Flow::Pause] {
                let fault = ended(flow, stop());
                assert!(matches!(fault, JobError::Internal(_)), "{fault:?}");
                assert!(
                    fault.to_string().contains("nobody asked") && fault.to_string().contains("report it"),
                    "{fault}"
                );
            }
            for flow in [Flow::Stop, Flow::Finish] {
                assert!(matches!(ended(flow, stop()), JobError::Stopped));
            }
        }
        // What else goes wrong while a job is asked to stop is told.
        let other = ended(Flow::Stop, JobError::Missing("the disk is gone".into()));
        assert_eq!(other.to_string(), "the disk is gone");
    }

    #[test]
    fn a_network_that_was_never_loaded_is_a_fault_and_no_stop() {
        let mut state = LaneState::default();
        assert!(matches!(state.loaded(), Err(JobError::Internal(_))));
        assert!(matches!(state.source(&Arc::default()), Err(JobError::Internal(_))));
        let missing = OpenRun { path: "/nowhere".into() };
        assert!(!matches!(run_kind(missing, &mut state, &Silent), Err(JobError::Stopped | JobError::Internal(_))));
    }
}
