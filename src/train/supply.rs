//! Where the batches of an epoch come from: decoded clips, or cached features of a frozen backbone.

use crate::data::{Batch, ClipSource, DataError, Loader, LoaderOptions};
use crate::domain::Clip;
use std::sync::Arc;

/// The batches of an epoch that are left.
pub(super) enum Supply {
    /// With their pixels.
    Pixels(Loader),
    /// Those whose features are there, and how many the epoch has.
    Features(std::vec::IntoIter<Batch>, usize),
}

impl Supply {
    /// The batches of `clips`; without pixels where their features are there.
    pub fn new(source: &Arc<ClipSource>, clips: &[Clip], options: &LoaderOptions, has_features: bool) -> Self {
        if !has_features {
            return Self::Pixels(Loader::new(source.clone(), clips, options));
        }
        let mut batches = Loader::without_pixels(clips, options);
        let all = batches.len();
        Self::Features(batches.split_off(options.skip_batches.min(all)).into_iter(), all)
    }

    /// Batches of the whole epoch, those that were skipped included.
    pub fn batches(&self) -> usize {
        match self {
            Self::Pixels(loader) => loader.batches(),
            Self::Features(_, all) => *all,
        }
    }

    /// The next batch; `None` at the end of the epoch.
    pub fn next(&mut self) -> Option<Result<Batch, DataError>> {
        match self {
            Self::Pixels(loader) => loader.next(),
            Self::Features(batches, _) => batches.next().map(Ok),
        }
    }
}
