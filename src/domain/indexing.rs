//! What is known of a large dataset before anybody looked into all of its videos.

use super::ClassId;
use std::any::Any;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// What the rows of a video say before anybody looked into it.
#[derive(Debug)]
pub struct Unread {
    /// Classes that they name, ascending.
    pub classes: Box<[ClassId]>,
    /// True where they label something.
    pub labelled: bool,
    /// The rows, as whoever opened the dataset reads them.
    pub rows: Opaque,
}

/// Something that only its maker understands, carried along.
#[derive(Clone)]
pub struct Opaque(Arc<dyn Any + Send + Sync>);

impl Opaque {
    /// Wraps a value.
    pub fn new<T: Any + Send + Sync>(value: T) -> Self {
        Self(Arc::new(value))
    }

    /// The value, where it is of this type.
    pub fn get<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for Opaque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("…")
    }
}

/// How far looking into the videos of a dataset is.
#[derive(Clone, Debug)]
pub struct Indexing {
    /// Videos that nobody looked into yet.
    pub left: usize,
    /// What the videos looked into so far showed; the warnings of the dataset sum it up.
    pub noticed: Vec<Noticed>,
    /// What whoever opened the dataset needs to look into the others.
    pub opened: Opaque,
}

/// Something that looking into a video showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// Position of the video.
    pub video: usize,
    /// The check that found it; of all videos those of one check are told before those of the next.
    pub check: u8,
    /// What faults of this kind are called where they are counted.
    pub kind: &'static str,
    /// The file or folder concerned.
    pub path: PathBuf,
    /// A sentence: what is wrong and what to do.
    pub message: String,
}
