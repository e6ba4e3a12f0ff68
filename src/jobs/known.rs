//! Looking into the videos that a job needs before it does anything with them: large datasets are opened without.

use super::error::JobError;
use crate::data::look_into;
use crate::domain::{Dataset, SplitChoice};
use crate::eval::videos_for;
use crate::progress::Monitor;
use crate::run_folder::Checkpoint;
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// The dataset with all labelled videos looked into: a training plans with all of them.
///
/// # Errors
/// [`JobError::Stopped`].
pub(super) fn labelled(dataset: &Arc<Dataset>, monitor: &dyn Monitor) -> Result<Arc<Dataset>, JobError> {
    let of = |(i, v): (usize, &crate::domain::VideoEntry)| (v.is_pending() && v.is_labelled()).then_some(i);
    at(dataset, &dataset.videos.iter().enumerate().filter_map(of).collect::<Vec<_>>(), monitor)
}

/// The dataset with those videos looked into that an evaluation of a split takes.
///
/// # Errors
/// [`JobError::Stopped`].
pub(super) fn of_split(
    checkpoint: &Checkpoint,
    dataset: &Arc<Dataset>,
    split: SplitChoice,
    monitor: &dyn Monitor,
) -> Result<Arc<Dataset>, JobError> {
    if dataset.indexing.is_none() {
        return Ok(dataset.clone());
    }
    at(dataset, &videos_for(checkpoint, dataset, split), monitor)
}

/// The dataset with the videos of these names looked into.
///
/// # Errors
/// [`JobError::Stopped`].
pub fn with_videos<'n>(
    dataset: &Arc<Dataset>,
    names: impl IntoIterator<Item = &'n str>,
    monitor: &dyn Monitor,
) -> Result<Arc<Dataset>, JobError> {
    if dataset.indexing.is_none() {
        return Ok(dataset.clone());
    }
    let names: HashSet<&str> = names.into_iter().collect();
    let named = dataset.videos.iter().enumerate().filter(|(_, v)| v.is_pending() && names.contains(v.name.as_str()));
    at(dataset, &named.map(|(i, _)| i).collect::<Vec<_>>(), monitor)
}

/// Looks into videos and tells what that showed.
fn at(dataset: &Arc<Dataset>, positions: &[usize], monitor: &dyn Monitor) -> Result<Arc<Dataset>, JobError> {
    if !positions.iter().any(|i| dataset.videos.get(*i).is_some_and(crate::domain::VideoEntry::is_pending)) {
        return Ok(dataset.clone());
    }
    let known = look_into(dataset, positions, monitor)?;
    let before: HashSet<(&Path, &str)> =
        dataset.warnings.iter().map(|w| (w.path.as_path(), w.message.as_str())).collect();
    for warning in known.warnings.iter().filter(|w| !before.contains(&(w.path.as_path(), w.message.as_str()))) {
        monitor.warn(format!("{}: {}", warning.path.display(), warning.message));
    }
    Ok(known)
}
