//! Files of runs, with errors as sentences.

use super::EvalError;
use crate::files;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) use crate::files::{UNFINISHED, sync_dir};

/// A name beside `path` that no reader takes for the real thing.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!("{UNFINISHED}{}-{name}", std::process::id()))
}

/// Writes a file that is complete or not there.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), EvalError> {
    files::replace(path, bytes).map_err(|e| EvalError::file("write", path, &e))
}

/// Writes a file and waits until it is on the disk.
pub(crate) fn write_synced(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a rename in the folder of `path` survive a power cut.
pub(crate) fn sync_parent(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        Some(parent) => sync_dir(parent),
        None => Ok(()),
    }
}

/// Creates a folder and its parents.
pub(crate) fn create_dir(path: &Path) -> Result<(), EvalError> {
    fs::create_dir_all(path).map_err(|e| EvalError::file("create", path, &e))
}

/// Reads a table or a state of a run as text.
pub(crate) fn read_text(path: &Path) -> Result<String, EvalError> {
    files::read_text(path, files::TABLE_LIMIT).map_err(|e| EvalError::file("read", path, &e))
}

/// Reads a table or a state of a run as bytes; `None` when it cannot be read.
pub(super) fn read_if_there(path: &Path) -> Option<Vec<u8>> {
    files::read(path, files::TABLE_LIMIT).ok()
}

/// A table as CSV text.
pub(crate) fn csv_text<R, F>(header: &[String], rows: R) -> String
where
    R: IntoIterator<Item = Vec<F>>,
    F: AsRef<[u8]>,
{
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory cannot fail, and every row has the header's length.
    let _ = writer.write_record(header);
    for row in rows {
        let _ = writer.write_record(row);
    }
    String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
}
