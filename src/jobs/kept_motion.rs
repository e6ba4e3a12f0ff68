//! Motion tests that stand beside the evaluations of a run.

use crate::compare::motion::MotionTest;
use crate::domain::SplitChoice;
use crate::files;
use std::path::{Path, PathBuf};

/// File of a motion test in the results of a checkpoint.
pub(super) fn kept_at(folder: &Path, split: &str) -> PathBuf {
    folder.join(format!("motion_test_{split}.json"))
}

/// Every motion test that was made of the checkpoints of a run.
pub(super) fn kept_tests(run: &Path) -> Vec<MotionTest> {
    let results = std::fs::read_dir(run.join(crate::run_folder::RESULTS));
    let mut folders: Vec<PathBuf> = results.into_iter().flatten().flatten().map(|e| e.path()).collect();
    folders.sort();
    let splits = [SplitChoice::Test, SplitChoice::Val, SplitChoice::Train, SplitChoice::All];
    let files = folders.iter().flat_map(|folder| splits.map(|split| kept_at(folder, split.name())));
    let read = |path: PathBuf| serde_json::from_slice(&files::read(&path, files::TABLE_LIMIT).ok()?).ok();
    files.filter_map(read).collect()
}
