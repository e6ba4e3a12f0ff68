//! Notices that the other processes no longer answer.

use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Seconds to wait for the others before all is given up; `KINOLENS_PEER_TIMEOUT` says otherwise.
const PATIENCE_S: u64 = 1800;
const VARIABLE: &str = "KINOLENS_PEER_TIMEOUT";

/// Since when this process waits for the others.
#[derive(Debug, Default)]
pub(super) struct Watch {
    since: Arc<Mutex<Option<Instant>>>,
}

/// A wait that is going on.
pub(super) struct Waiting<'a>(&'a Watch);

impl Watch {
    /// Begins to look after the waits of a process that is called `name`; one that never ends ends the process.
    pub fn new(name: String) -> Self {
        let watch = Self::default();
        let since = watch.since.clone();
        let asked = std::env::var(VARIABLE).ok().and_then(|v| v.trim().parse().ok());
        let patience = Duration::from_secs(asked.unwrap_or(PATIENCE_S).max(1));
        let look = move || {
            loop {
                std::thread::sleep(Duration::from_secs(1).min(patience / 4));
                if since.lock().is_some_and(|since| since.elapsed() >= patience) {
                    eprintln!(
                        "error: {name} has waited for the other processes for {} s, so one of them hangs or its machine is \
                         gone; all end here, the last checkpoint is whole, and the run can be resumed. Where a step may \
                         take that long, set {VARIABLE} to more seconds",
                        patience.as_secs()
                    );
                    std::process::exit(1);
                }
            }
        };
        if let Err(error) = std::thread::Builder::new().name("peers".into()).spawn(look) {
            log::warn!("a process that no longer answers will not be noticed: {error}");
        }
        watch
    }

    /// Until what it gives is dropped this process waits.
    pub fn begin(&self) -> Waiting<'_> {
        *self.since.lock() = Some(Instant::now());
        Waiting(self)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        *self.0.since.lock() = None;
    }
}
