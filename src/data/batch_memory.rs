//! Batch buffers: threads fill them clip by clip, and later batches reuse them.

use bytemuck::{cast_slice, cast_slice_mut};
use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// The numbers of a batch, as a slice.
///
/// Where a [`super::Loader`] made them their memory serves a later batch once they are dropped, wherever that is: a fresh
/// block is cleared by the system page by page, which takes longer than filling it.
#[derive(Default)]
pub struct Pixels {
    memory: Memory,
    home: Option<Arc<Spare>>,
}

enum Memory {
    Own(Vec<f32>),
    /// Begins where a number may, and holds so many of them, or more.
    Block(BytesMut, usize),
}

/// Blocks that wait for a batch. There are never more than batches were alive at one time.
#[derive(Default)]
pub(super) struct Spare(Mutex<Vec<BytesMut>>);

/// Numbers that one thread writes: a clip of a batch.
pub(super) struct ClipMemory(BytesMut);

/// What is left of a batch's memory while its parts are written.
pub(super) struct Rest {
    rest: BytesMut,
    home: Option<Arc<Spare>>,
}

const NUMBER: usize = size_of::<f32>();

impl Spare {
    /// So many parts of `len` numbers each, of any value; [`Rest::join`] makes a batch of them.
    pub(super) fn take(self: &Arc<Self>, parts: usize, len: usize) -> (Vec<ClipMemory>, Rest) {
        let bytes = parts * len * NUMBER;
        let mut spare = self.0.lock();
        let fits = spare.iter().rposition(|block| block.len() >= bytes);
        let used = match fits {
            Some(at) => Some(spare.swap_remove(at)),
            None => {
                // One that is too small gives way to a larger one.
                spare.pop();
                None
            }
        };
        drop(spare);
        // A large new one comes from the system as it is filled, cleared.
        let mut rest = used.unwrap_or_else(|| aligned(bytes));
        let parts = (0..parts).map(|_| ClipMemory(rest.split_to(len * NUMBER))).collect();
        (parts, Rest { rest, home: Some(self.clone()) })
    }
}

/// Zeros that begin where a number may.
fn aligned(bytes: usize) -> BytesMut {
    let mut block = BytesMut::zeroed(bytes + NUMBER);
    block.advance(block.as_ptr().align_offset(NUMBER).min(NUMBER));
    block
}

impl Rest {
    /// The batch, of the parts in their order. Nothing is copied.
    pub(super) fn join(self, parts: Vec<ClipMemory>) -> Pixels {
        let mut parts = parts.into_iter().map(|part| part.0);
        let mut block = parts.next().unwrap_or_default();
        parts.for_each(|part| block.unsplit(part));
        let len = block.len() / NUMBER;
        block.unsplit(self.rest);
        Pixels { memory: Memory::Block(block, len), home: self.home }
    }
}

impl Drop for Pixels {
    fn drop(&mut self) {
        if let (Some(home), Memory::Block(block, _)) = (self.home.take(), &mut self.memory) {
            home.0.lock().push(std::mem::take(block));
        }
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::Own(Vec::new())
    }
}

impl Deref for ClipMemory {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        cast_slice(&self.0)
    }
}

impl DerefMut for ClipMemory {
    fn deref_mut(&mut self) -> &mut [f32] {
        cast_slice_mut(&mut self.0)
    }
}

impl From<Vec<f32>> for Pixels {
    fn from(values: Vec<f32>) -> Self {
        Self { memory: Memory::Own(values), home: None }
    }
}

impl Deref for Pixels {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        match &self.memory {
            Memory::Own(values) => values,
            Memory::Block(block, len) => cast_slice(&block[..len * NUMBER]),
        }
    }
}

impl DerefMut for Pixels {
    fn deref_mut(&mut self) -> &mut [f32] {
        match &mut self.memory {
            Memory::Own(values) => values,
            Memory::Block(block, len) => cast_slice_mut(&mut block[..*len * NUMBER]),
        }
    }
}

impl AsRef<[f32]> for Pixels {
    fn as_ref(&self) -> &[f32] {
        self
    }
}

impl Clone for Pixels {
    fn clone(&self) -> Self {
        self.to_vec().into()
    }
}

impl PartialEq for Pixels {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl fmt::Debug for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pixels({})", self.len())
    }
}
