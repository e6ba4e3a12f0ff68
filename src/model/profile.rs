//! A profiler: seconds of every CPU operation by name and shape.
//!
//! Off unless asked for, and then one lock an operation, of which a step has a few hundred.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

static ON: AtomicBool = AtomicBool::new(false);
static SPENT: Mutex<BTreeMap<String, Spent>> = Mutex::new(BTreeMap::new());

/// How often an operation ran and how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Calls.
    pub calls: u64,
    /// Together.
    pub time: Duration,
    /// Multiplications and additions the definition of the operation asks for, counted as pairs; 0 where they are not
    /// what it costs.
    pub work: u64,
}

/// Starts to record, from nothing.
pub fn start() {
    SPENT.lock().clear();
    ON.store(true, Ordering::Relaxed);
}

/// Stops recording; what was recorded, longest first.
pub fn stop() -> Vec<(String, Spent)> {
    ON.store(false, Ordering::Relaxed);
    let mut all: Vec<_> = std::mem::take(&mut *SPENT.lock()).into_iter().collect();
    all.sort_by_key(|(_, spent)| std::cmp::Reverse(spent.time));
    all
}

/// Runs an operation; its name is only made when somebody asked.
pub(crate) fn timed<R>(name: impl FnOnce() -> String, operation: impl FnOnce() -> R) -> R {
    timed_work(0, name, operation)
}

/// As [`timed`], of an operation of so much work.
pub(crate) fn timed_work<R>(work: u64, name: impl FnOnce() -> String, operation: impl FnOnce() -> R) -> R {
    if !ON.load(Ordering::Relaxed) {
        return operation();
    }
    let begun = Instant::now();
    let result = operation();
    let time = begun.elapsed();
    let mut spent = SPENT.lock();
    let entry = spent.entry(name()).or_default();
    entry.calls += 1;
    entry.time += time;
    entry.work += work;
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_only_between_start_and_stop() {
        let tick = || timed(|| "a test's own operation".to_owned(), || std::thread::sleep(Duration::from_millis(2)));
        tick();
        start();
        tick();
        tick();
        let found = stop();
        tick();
        // Other tests may run operations meanwhile.
        let (_, spent) = found.iter().find(|(name, _)| name == "a test's own operation").expect("it was recorded");
        assert_eq!(spent.calls, 2);
        assert!(spent.time >= Duration::from_millis(4));
    }
}
