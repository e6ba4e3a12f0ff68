//! Files of runs, with errors as sentences.

use super::RunError;
use crate::files;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

pub(crate) use crate::files::{UNFINISHED, ron_fault, sync_dir};

/// A name beside `path` that no reader takes for the real thing.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.with_file_name(format!("{UNFINISHED}{}-{name}", std::process::id()))
}

/// Writes a file that is complete or not there.
pub(crate) fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), RunError> {
    files::replace(path, bytes).map_err(|e| RunError::file("write", path, &e))
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
pub(crate) fn create_dir(path: &Path) -> Result<(), RunError> {
    fs::create_dir_all(path).map_err(|e| RunError::file("create", path, &e))
}

/// Reads a table or a state of a run as text.
pub(crate) fn read_text(path: &Path) -> Result<String, RunError> {
    files::read_text(path, files::TABLE_LIMIT).map_err(|e| RunError::file("read", path, &e))
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

/// Reads a RON file.
pub(super) fn read_ron<T: DeserializeOwned>(path: &Path) -> Result<T, RunError> {
    ron::from_str(&read_text(path)?).map_err(|e| RunError::Damaged { path: path.to_path_buf(), reason: ron_fault(&e) })
}

/// Reads a JSON file.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, RunError> {
    serde_json::from_str(&read_text(path)?)
        .map_err(|e| RunError::Damaged { path: path.to_path_buf(), reason: e.to_string() })
}

/// A table that cannot be read, with line and column.
pub(super) fn damaged_table(path: &Path, error: &csv::Error) -> RunError {
    use csv::ErrorKind as Kind;
    let reason = match error.kind() {
        Kind::Deserialize { err, .. } => {
            let column = err.field().and_then(|at| {
                let text = read_text(path).ok()?;
                csv::Reader::from_reader(text.as_bytes()).headers().ok()?.get(at as usize).map(str::to_owned)
            });
            column.map_or_else(|| err.to_string(), |column| format!("column {column}: {}", err.kind()))
        }
        Kind::UnequalLengths { expected_len, len, .. } => format!("it has {len} cells, and the header {expected_len}"),
        Kind::Utf8 { .. } => "it is no UTF-8 text".to_owned(),
        _ => error.to_string(),
    };
    let line = error.position().map_or_else(String::new, |at| format!("line {}: ", at.line()));
    RunError::Damaged { path: path.to_path_buf(), reason: format!("{line}{reason}") }
}

/// An error of a file with what to do about it.
pub(super) fn with_remedy(error: RunError, remedy: &str) -> RunError {
    match error {
        RunError::Damaged { path, reason } => RunError::Damaged { path, reason: format!("{reason}; {remedy}") },
        RunError::File { action: "read", path, .. } if !path.exists() => {
            RunError::Missing { path, reason: remedy.to_owned() }
        }
        RunError::File { action, path, reason } => {
            RunError::File { action, path, reason: format!("{reason}; {remedy}") }
        }
        other => other,
    }
}

/// Pretty RON text.
pub(crate) fn ron_text(value: &impl Serialize) -> Result<String, RunError> {
    ron::ser::to_string_pretty(value, ron::ser::PrettyConfig::new())
        .map_err(|e| RunError::Damaged { path: PathBuf::from("the run's state"), reason: e.to_string() })
}
