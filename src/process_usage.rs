//! What this process uses of the machine.

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, System};

/// Memory and processor time of this process at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// Resident memory in bytes; 0 where the system does not tell.
    pub memory_bytes: u64,
    /// Processor time of all threads since the process began, in seconds; 0 where the system does not tell.
    pub cpu_seconds: f64,
}

impl Usage {
    /// What is used now.
    pub fn now() -> Self {
        let Ok(pid) = sysinfo::get_current_pid() else { return Self::default() };
        let Ok(mut system) = System::new() else { return Self::default() };
        let kind = ProcessRefreshKind::nothing().with_memory().with_cpu().without_tasks();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), false, kind);
        system.process(pid).map_or_else(Self::default, |p| Self {
            memory_bytes: p.memory(),
            cpu_seconds: p.accumulated_cpu_time() as f64 / 1000.0,
        })
    }

    /// Processor threads kept busy since `earlier`, on average over `seconds`; 0 when no time has passed.
    pub fn threads_busy_since(&self, earlier: &Self, seconds: f64) -> f32 {
        if seconds > 0.0 { ((self.cpu_seconds - earlier.cpu_seconds).max(0.0) / seconds) as f32 } else { 0.0 }
    }
}

/// Memory of this machine in bytes, or what this process may use of it; `None` where the system does not tell. It is asked
/// once.
pub fn memory_of_machine() -> Option<u64> {
    static KNOWN: std::sync::OnceLock<Option<u64>> = std::sync::OnceLock::new();
    *KNOWN.get_or_init(|| {
        let mut system = System::new().ok()?;
        system.refresh_memory();
        let group = system.cgroup_limits().map(|limits| limits.total_memory).filter(|limit| *limit > 0);
        let all = Some(system.total_memory()).filter(|bytes| *bytes > 0)?;
        Some(group.map_or(all, |limit| limit.min(all)))
    })
}

/// The name of this machine; empty where the system does not tell.
pub fn host_name() -> String {
    System::host_name().unwrap_or_default()
}

/// True for a process of this machine that has not ended.
pub fn is_alive(process: u32) -> bool {
    let Ok(mut system) = System::new() else { return false };
    let process = sysinfo::Pid::from_u32(process);
    let kind = ProcessRefreshKind::nothing().without_tasks();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[process]), false, kind);
    system.process(process).is_some()
}

/// Has memory that was freed kept for the next picture, instead of giving it back to the system and having every page of it
/// cleared again, which takes as long as decoding itself. To be called once, when the program starts.
///
/// The GNU C library takes a freed block for the size of blocks to keep, up to 32 MiB, and keeps twice as much beside
/// them (`mallopt(3)`, `M_MMAP_THRESHOLD`); elsewhere nothing changes.
pub fn keep_freed_memory() {
    const LARGEST: usize = (32 << 20) - (64 << 10);
    drop(std::hint::black_box(Vec::<u8>::with_capacity(LARGEST)));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, Instant};

    /// Pages this thread was given by the system so far.
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn pages_given() -> u64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        stat.rsplit_once(')').unwrap().1.split_whitespace().nth(7).unwrap().parse().unwrap()
    }

    #[test]
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    fn freed_memory_is_used_again() {
        keep_freed_memory();
        let picture = || std::hint::black_box(vec![1_u8; 6 << 20]);
        drop((picture(), picture()));
        let before = pages_given();
        (0..20).for_each(|_| drop((picture(), picture())));
        let pages = pages_given() - before;
        // Without it 20 times 3072.
        assert!(pages < 1000, "{pages}");
    }

    #[test]
    fn work_is_seen_and_memory_is_counted() {
        let (before, begun) = (Usage::now(), Instant::now());
        let held = vec![1_u8; 64 << 20];
        let mut sum = 0_u64;
        while begun.elapsed() < Duration::from_millis(400) {
            sum = held.iter().step_by(4096).fold(sum, |s, v| std::hint::black_box(s.wrapping_add(u64::from(*v))));
        }
        let after = Usage::now();
        assert!(sum > 0 && after.memory_bytes > 64 << 20, "{after:?}");
        // Other tests run beside this one, and the machine may be busy: some of one thread at least.
        let busy = after.threads_busy_since(&before, begun.elapsed().as_secs_f64());
        assert!(busy > 0.1, "{busy}");
        assert_eq!(after.threads_busy_since(&before, 0.0), 0.0);
    }
}
