//! Work that its owner can pause.

use crate::progress::{Flow, Monitor};
use std::time::Duration;

/// Waits as long as the owner wants a pause, and says what to do then. Among several processes nobody waits alone.
pub(crate) fn hold(monitor: &dyn Monitor) -> Flow {
    loop {
        match monitor.poll() {
            Flow::Pause if !monitor.peers().is_alone() => return Flow::Continue,
            Flow::Pause => std::thread::sleep(Duration::from_millis(20)),
            flow => return flow,
        }
    }
}
