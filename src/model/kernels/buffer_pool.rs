//! A buffer pool: an operation writes into memory that an earlier one no longer needs.
//!
//! Fresh memory of the size of an activation comes from the system page by page, which costs more than many operations
//! do with it. A training step asks for the same lengths again and again.

use parking_lot::Mutex;
use std::collections::VecDeque;

/// Shorter ones come from the allocator quickly enough.
const SHORTEST: usize = 1 << 14;
/// Buffers that nobody took during so many returns are let go: a step has some hundred.
const PATIENCE: u64 = 256;
/// Buffers for use within an operation that are kept: there are never more than are in use at a time.
const SPARE: usize = 64;

/// Bytes and numbers of a line of a cache. Vectors that lie across two of them are read at half the speed, and the
/// allocator puts long buffers a quarter of a line beyond its start.
const LINE_BYTES: usize = 64;
pub(super) const LINE: usize = LINE_BYTES / size_of::<f32>();

/// `len` numbers of a buffer from the start of a cache line on; it grows to hold them.
pub(super) fn aligned(buffer: &mut Vec<f32>, len: usize) -> &mut [f32] {
    if buffer.len() < len + LINE {
        buffer.resize(len + LINE, 0.0);
    }
    let start = line_start(buffer);
    &mut buffer[start..start + len]
}

/// The first number of a buffer that begins a cache line.
fn line_start(buffer: &[f32]) -> usize {
    buffer.as_ptr().align_offset(LINE_BYTES).min(LINE)
}

/// Oldest first.
static KEPT: Mutex<Kept> = Mutex::new(Kept { buffers: VecDeque::new(), returns: 0 });

struct Kept {
    /// When it came back, and it.
    buffers: VecDeque<(u64, Vec<f32>)>,
    returns: u64,
}

impl Kept {
    fn take(&mut self, len: usize) -> Option<Vec<f32>> {
        // The newest is the likeliest to be in a cache still.
        let at = self.buffers.iter().rposition(|(_, buffer)| buffer.len() == len)?;
        self.buffers.remove(at).map(|(_, buffer)| buffer)
    }

    /// Keeps a buffer and gives out those nobody wants.
    fn give(&mut self, buffer: Vec<f32>) -> Vec<(u64, Vec<f32>)> {
        self.returns += 1;
        let now = self.returns;
        self.buffers.push_back((now, buffer));
        let old = self.buffers.iter().take_while(|(then, _)| then + PATIENCE < now).count();
        self.buffers.drain(..old).collect()
    }
}

/// `len` numbers of any value.
pub(crate) fn take(len: usize) -> Vec<f32> {
    kept(len).unwrap_or_else(|| vec![0.0; len])
}

/// `len` zeros.
pub(crate) fn zeros(len: usize) -> Vec<f32> {
    match kept(len) {
        Some(mut buffer) => {
            buffer.fill(0.0);
            buffer
        }
        None => vec![0.0; len],
    }
}

fn kept(len: usize) -> Option<Vec<f32>> {
    if len < SHORTEST { None } else { KEPT.lock().take(len) }
}

/// Keeps a buffer for the next who needs one of its length.
pub(crate) fn give(buffer: Vec<f32>) {
    if buffer.len() >= SHORTEST {
        // Freed after the lock.
        let old = KEPT.lock().give(buffer);
        drop(old);
    }
}

/// Lets everything go.
pub(crate) fn clear() {
    let old = (std::mem::take(&mut KEPT.lock().buffers), std::mem::take(&mut *SPARES.lock()));
    drop(old);
}

/// Buffers that belong to no tensor, of any length.
static SPARES: Mutex<Vec<Vec<f32>>> = Mutex::new(Vec::new());

/// Numbers for use within one operation. A longer buffer than needed will do, so that operations of all sizes share a
/// few.
pub(crate) struct Scratch {
    buffer: Vec<f32>,
    start: usize,
    len: usize,
}

/// `len` numbers of any value from the start of a cache line on, for use within one operation.
pub(crate) fn scratch(len: usize) -> Scratch {
    let whole = len + LINE;
    let mut spares = SPARES.lock();
    let fits = (0..spares.len()).filter(|i| spares[*i].len() >= whole).min_by_key(|i| spares[*i].len());
    // Where none is long enough the longest makes room for a new one.
    let at = fits.or_else(|| (0..spares.len()).max_by_key(|i| spares[*i].len()));
    let found = at.map(|at| spares.swap_remove(at));
    drop(spares);
    let buffer = match found {
        Some(buffer) if buffer.len() >= whole => buffer,
        other => {
            drop(other);
            vec![0.0; whole]
        }
    };
    Scratch { start: line_start(&buffer), buffer, len }
}

impl std::ops::Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.buffer[self.start..self.start + self.len]
    }
}

impl std::ops::DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.buffer[self.start..self.start + self.len]
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let mut spares = SPARES.lock();
        if spares.len() < SPARE {
            spares.push(std::mem::take(&mut self.buffer));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_comes_back_once_and_only_for_its_length() {
        let mut kept = Kept { buffers: VecDeque::new(), returns: 0 };
        assert!(kept.give(vec![7.0; 20]).is_empty());
        assert_eq!(kept.take(21), None);
        assert_eq!(kept.take(20), Some(vec![7.0; 20]));
        assert_eq!(kept.take(20), None);
    }

    #[test]
    fn what_nobody_takes_is_let_go() {
        let mut kept = Kept { buffers: VecDeque::new(), returns: 0 };
        kept.give(vec![1.0; 3]);
        let mut gone = 0;
        for _ in 0..=PATIENCE {
            gone += kept.give(vec![2.0; 4]).len();
            kept.take(4);
        }
        assert_eq!((gone, kept.take(3)), (1, None));
    }

    #[test]
    fn scratch_is_as_long_as_asked_for_whatever_was_there_before() {
        for len in [10, 1000, 1, 5000, 20] {
            let mut one = scratch(len);
            let two = scratch(len + 3);
            one.fill(1.0);
            assert_eq!((one.len(), two.len()), (len, len + 3));
            assert!([&one, &two].iter().all(|scratch| scratch.as_ptr().addr() % LINE_BYTES == 0));
        }
    }

    #[test]
    fn what_grows_still_begins_a_cache_line() {
        let mut buffer = Vec::new();
        for len in [0, 5, 100_000, 7] {
            let part = aligned(&mut buffer, len);
            assert_eq!((part.len(), part.as_ptr().addr() % LINE_BYTES), (len, 0));
        }
    }

    #[test]
    fn kept_memory_is_zeroed_where_zeros_are_wanted() {
        let len = SHORTEST + 12_345;
        give(vec![7.0; len]);
        assert!(zeros(len).iter().all(|v| *v == 0.0));
    }
}
