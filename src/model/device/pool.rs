//! Runs whole passes inside the thread pool that the CPU kernels share.
//!
//! A kernel that is called from outside the pool wakes a thread there and waits to be woken by it; a step of a small
//! network calls more than a hundred, and spent a twentieth of its time on that, more where others used the cores.

use super::ComputeDevice;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::LazyLock;

/// Threads for passes that go on and on. A thread that waits within a kernel takes up other work of its pool meanwhile: in
/// one pool with these, a heatmap could be made to wait for a whole step.
static STEPS: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
    let threads = ThreadPoolBuilder::new().num_threads(rayon::current_num_threads());
    threads.thread_name(|i| format!("network {i}")).build().ok()
});

impl ComputeDevice {
    /// Runs a pass of a training or an evaluation on this device.
    pub fn compute<R: Send>(&self, pass: impl FnOnce() -> R + Send) -> R {
        match STEPS.as_ref().filter(|_| self.gpu.is_none()) {
            Some(pool) => pool.install(pass),
            None => pass(),
        }
    }

    /// Runs a pass that somebody waits for on this device.
    pub fn compute_now<R: Send>(&self, pass: impl FnOnce() -> R + Send) -> R {
        match self.gpu {
            None => rayon::scope(|_| pass()),
            Some(_) => pass(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crossbeam_channel::RecvTimeoutError;
    use std::time::Duration;

    #[test]
    fn passes_run_in_a_pool_as_large_as_all_others() {
        let cpu = ComputeDevice::cpu();
        assert_eq!(rayon::current_thread_index(), None);
        for (index, threads) in [
            cpu.compute(|| (rayon::current_thread_index(), rayon::current_num_threads())),
            cpu.compute_now(|| (rayon::current_thread_index(), rayon::current_num_threads())),
        ] {
            assert!(index.is_some());
            assert_eq!(threads, rayon::current_num_threads());
        }
    }

    #[test]
    fn nobody_who_waits_for_a_heatmap_waits_for_a_step() {
        let (begin, begun) = crossbeam_channel::unbounded();
        let (end, ended) = crossbeam_channel::bounded::<()>(0);
        let busy = std::thread::spawn(move || {
            let wait = || ended.recv_timeout(Duration::from_secs(20)) == Err(RecvTimeoutError::Disconnected);
            ComputeDevice::cpu().compute(|| rayon::broadcast(|_| begin.send(()).is_ok() && wait()))
        });
        let threads = rayon::current_num_threads();
        assert_eq!(begun.iter().take(threads).count(), threads);
        ComputeDevice::cpu().compute_now(|| ());
        drop(end);
        assert!(busy.join().expect("it ends").into_iter().all(|waited| waited));
    }
}
