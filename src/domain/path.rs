//! Paths as people read them.

use std::path::Path;

/// The last name of a path, or all of it where it ends in none.
pub fn leaf(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into())
}
