//! Where the reference numbers lie.

pub mod networks;
pub mod recipe;

use serde_json::Value;
use std::path::{Path, PathBuf};

/// `KINOLENS_GOLDEN`, else a larger collection beside the repository, else the numbers the repository carries.
///
/// A folder that was named and is not there is a mistake, not a reason to test less.
pub fn golden_folder() -> PathBuf {
    if let Some(named) = std::env::var_os("KINOLENS_GOLDEN") {
        let named = PathBuf::from(named);
        assert!(named.is_dir(), "KINOLENS_GOLDEN names {}, which is no folder", named.display());
        return named;
    }
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/golden");
    if beside.is_dir() { beside } else { own_folder() }
}

/// The numbers the repository carries.
pub fn own_folder() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    // Tests that were built on another machine run from the root of a copy.
    if built.is_dir() { built } else { PathBuf::from("tests/golden") }
}

/// One of the reference files.
pub fn golden(name: &str) -> Value {
    // Numbers of networks that the larger collection does not have lie in the repository.
    let folder = if name.starts_with("extra_") { own_folder() } else { golden_folder() };
    let path = folder.join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("{} is no JSON: {e}", path.display()))
}
