//! What this process uses, measured about once a second while somebody looks.

use crate::process_usage::Usage;
use std::time::{Duration, Instant};

/// Time between two measurements.
const EVERY: Duration = Duration::from_millis(1000);

/// Remembers the last measurement.
#[derive(Debug, Default)]
pub struct UsageMeter {
    last: Option<(Instant, Usage)>,
    busy: Option<f32>,
}

impl UsageMeter {
    /// Memory in bytes and threads busy since the measurement before; `None` before there are two.
    pub fn read(&mut self, now: Instant) -> Option<(u64, f32)> {
        if self.last.is_none_or(|(at, _)| now.saturating_duration_since(at) >= EVERY) {
            let usage = Usage::now();
            if let Some((at, before)) = self.last.replace((now, usage)) {
                self.busy = Some(usage.threads_busy_since(&before, (now - at).as_secs_f64()));
            }
        }
        self.last.zip(self.busy).map(|((_, usage), busy)| (usage.memory_bytes, busy))
    }
}
