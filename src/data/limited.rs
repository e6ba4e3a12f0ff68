//! Warnings that thousands of files may share, told a bounded number of times.

use super::formats::warning;
use crate::domain::DatasetWarning;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Warnings of one kind before the rest is only counted.
const KIND_LIMIT: usize = 200;

/// Videos with the very same sentence before it is said once for all.
const SAME_LIMIT: usize = 3;

/// Collects warnings; a fault that thousands of files share is reported a bounded number of times.
pub(super) struct Limited {
    warnings: Vec<DatasetWarning>,
    counts: BTreeMap<&'static str, (usize, std::path::PathBuf)>,
}

impl Limited {
    pub(super) fn new(warnings: Vec<DatasetWarning>) -> Self {
        Self { warnings, counts: BTreeMap::new() }
    }

    pub(super) fn push(&mut self, kind: &'static str, path: &Path, message: String) {
        let entry = self.counts.entry(kind).or_insert_with(|| (0, path.to_path_buf()));
        entry.0 += 1;
        if entry.0 <= KIND_LIMIT {
            self.warnings.push(warning(path, message));
        }
    }

    /// As [`Limited::push`] for what was found inside videos; a sentence that more than a few share is said once.
    pub(super) fn push_found(&mut self, found: Vec<(std::path::PathBuf, String)>) {
        let mut same: BTreeMap<String, usize> = BTreeMap::new();
        found.iter().for_each(|(_, message)| *same.entry(message.clone()).or_default() += 1);
        let mut said: BTreeSet<String> = BTreeSet::new();
        for (path, message) in found {
            match same.get(&message) {
                Some(n) if *n > SAME_LIMIT => {
                    if said.insert(message.clone()) {
                        self.push("inside", &path, format!("{message} (so in {n} videos)"));
                    }
                }
                _ => self.push("inside", &path, message),
            }
        }
    }

    pub(super) fn finish(mut self) -> Vec<DatasetWarning> {
        for (count, path) in self.counts.into_values().filter(|(n, _)| *n > KIND_LIMIT) {
            let more = count - KIND_LIMIT;
            self.warnings.push(warning(path, format!("{more} more files have the same fault as this one")));
        }
        self.warnings
    }
}
