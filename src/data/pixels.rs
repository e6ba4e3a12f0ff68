//! Memory of batches, which later batches use again.

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
    values: Vec<f32>,
    home: Option<Arc<Spare>>,
}

/// Blocks that wait for a batch. There are never more than batches were alive at one time.
#[derive(Default)]
pub(super) struct Spare(Mutex<Vec<Vec<f32>>>);

impl Spare {
    /// So many numbers, of any value.
    pub(super) fn take(self: &Arc<Self>, len: usize) -> Pixels {
        let mut spare = self.0.lock();
        let fits = spare.iter().rposition(|values| values.capacity() >= len);
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
        let mut values = used.unwrap_or_else(|| vec![0.0; len]);
        values.resize(len, 0.0);
        Pixels { values, home: Some(self.clone()) }
    }
}

impl Drop for Pixels {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.0.lock().push(std::mem::take(&mut self.values));
        }
    }
}

impl From<Vec<f32>> for Pixels {
    fn from(values: Vec<f32>) -> Self {
        Self { values, home: None }
    }
}

impl Deref for Pixels {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values
    }
}

impl DerefMut for Pixels {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values
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
