//! One process at a time in a folder: a file that is locked as long as its holder lives, and says who that is.

use super::RunError;
use crate::process_usage::{host_name, is_alive};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

/// The file.
const LOCK_FILE: &str = ".lock";
/// Bytes of it that are read.
const READ: u64 = 4096;

/// Holds a folder for one process; the system releases it however the process ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    file: File,
    /// What a process left that ended without giving the folder back; a sentence.
    pub(crate) left: Option<String>,
}

/// Who holds a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Holder {
    process: u32,
    host: String,
}

impl Holder {
    fn this() -> Self {
        Self { process: std::process::id(), host: host_name() }
    }

    /// As it stands in the file: `process 1234 on HOST`.
    fn words(&self) -> String {
        format!("process {} on {}", self.process, self.host)
    }

    fn parse(text: &str) -> Option<Self> {
        let (process, host) = text.trim().strip_prefix("process ")?.split_once(" on ")?;
        Some(Self { process: process.parse().ok()?, host: host.to_owned() })
    }

    /// Who the file names; `None` for nobody.
    fn read(file: &mut File) -> Option<Self> {
        let mut text = String::new();
        file.take(READ).read_to_string(&mut text).ok()?;
        Self::parse(&text)
    }

    fn is_here(&self) -> bool {
        self.host == host_name()
    }
}

/// Who works in a run folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worker {
    /// `process 1234 on HOST`.
    pub name: String,
    /// It is a process of this machine, and it is over: it ended without giving the folder back.
    pub ended: bool,
}

/// Who works in a folder, as its file says; `None` for nobody. The lock itself is left alone: asking for it could keep it from
/// somebody who begins just now.
pub(crate) fn holder(folder: &Path) -> Option<Worker> {
    let holder = Holder::read(&mut File::open(folder.join(LOCK_FILE)).ok()?)?;
    Some(Worker { name: holder.words(), ended: holder.is_here() && !is_alive(holder.process) })
}

/// Takes a folder, or says who has it.
///
/// # Errors
/// A folder that another process has, or that cannot be written to.
pub(crate) fn lock(folder: &Path) -> Result<FolderLock, RunError> {
    let path = folder.join(LOCK_FILE);
    // Not truncated: it says who has the folder.
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut file = file.map_err(|e| RunError::file("write", &path, &e))?;
    let before = Holder::read(&mut file);
    let busy = |holder: Option<&Holder>| {
        let holder = holder.map_or_else(|| "another process".to_owned(), Holder::words);
        Err(RunError::Busy { folder: folder.to_path_buf(), holder })
    };
    let locked = match file.try_lock() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock) => return busy(before.as_ref()),
        // Some network file systems know no locks; then the file alone tells.
        Err(TryLockError::Error(_)) => false,
    };
    if let Some(holder) = before.as_ref().filter(|h| !locked && h.is_here() && is_alive(h.process)) {
        return busy(Some(holder));
    }
    let left = before.map(|holder| {
        let (name, file) = (holder.words(), path.display());
        match locked || holder.is_here() {
            true => format!("{name} held {} and ended without giving it back; it is taken over", folder.display()),
            false => format!(
                "{file} names {name}, and this file system knows no locks: whether it still works in this folder cannot be told \
                 from here. If it does, stop one of the two"
            ),
        }
    });
    // Who it is is a courtesy: the lock holds without it.
    let _ =
        file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(Holder::this().words().as_bytes()));
    Ok(FolderLock { file, left })
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // What is left in the file tells of a process that was killed.
        let _ = self.file.set_len(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_once_and_whoever_comes_second_is_told_by_whom() {
        let dir = tempfile::tempdir().unwrap();
        let first = lock(dir.path()).unwrap();
        assert_eq!(first.left, None);
        let error = lock(dir.path()).unwrap_err().to_string();
        for word in [&format!("process {} on ", std::process::id()), "is in use by", "wait for it"] {
            assert!(error.contains(word), "{word}: {error}");
        }
        drop(first);
        let again = lock(dir.path()).unwrap();
        assert_eq!(again.left, None, "it was given back");
    }

    #[test]
    fn what_a_killed_process_left_is_taken_over_and_told() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(LOCK_FILE), "process 4242 on elsewhere").unwrap();
        let lock = lock(dir.path()).unwrap();
        let told = lock.left.clone().unwrap();
        assert!(told.contains("process 4242 on elsewhere") && told.contains("taken over"), "{told}");
        let text = std::fs::read_to_string(dir.path().join(LOCK_FILE)).unwrap();
        assert_eq!(Holder::parse(&text), Some(Holder::this()));
        // A file of earlier versions is empty.
        assert_eq!(Holder::parse(""), None);
    }
}
