//! Values that other threads make.

use std::sync::Arc;

/// Wakes the window from another thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// A value that comes from another thread: a frame, a thumbnail, a mask, a heatmap, what the disk or a file holds.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Awaited<T> {
    /// Nobody asked.
    #[default]
    NotAsked,
    /// Asked; what was true before, where that is known.
    Pending(Option<T>),
    /// Here it is.
    Ready(T),
    /// There is none; the sentence.
    Unavailable(String),
}

impl<T> Awaited<T> {
    /// What is known: the answer, or the one before while another is on its way.
    pub fn value(self) -> Option<T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Pending(before) => before,
            Self::NotAsked | Self::Unavailable(_) => None,
        }
    }

    /// The same state of a value made from this one; without that nobody asked.
    pub fn and_then<U>(self, f: impl FnOnce(T) -> Option<U>) -> Awaited<U> {
        match self {
            Self::NotAsked => Awaited::NotAsked,
            Self::Pending(before) => Awaited::Pending(before.and_then(f)),
            Self::Ready(value) => f(value).map_or(Awaited::NotAsked, Awaited::Ready),
            Self::Unavailable(sentence) => Awaited::Unavailable(sentence),
        }
    }

    /// As [`Awaited::value`], borrowed.
    pub fn get(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::Pending(before) => before.as_ref(),
            Self::NotAsked | Self::Unavailable(_) => None,
        }
    }

    /// The value itself, not one before it.
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready(value) => Some(value),
            Self::NotAsked | Self::Pending(_) | Self::Unavailable(_) => None,
        }
    }

    /// Why there is no value, as a sentence.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Unavailable(sentence) => Some(sentence),
            Self::NotAsked | Self::Pending(_) | Self::Ready(_) => None,
        }
    }

    /// From what a thread has found, where it has found anything.
    pub fn found(result: Option<Result<T, String>>) -> Self {
        match result {
            Some(Ok(value)) => Self::Ready(value),
            Some(Err(sentence)) => Self::Unavailable(sentence),
            None => Self::Pending(None),
        }
    }
}
