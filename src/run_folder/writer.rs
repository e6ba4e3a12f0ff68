//! Writing a run folder so that killing the process at any moment leaves one that can be resumed.
//!
//! Nothing is changed in place. A run folder appears under its name only with everything that describes it. A checkpoint
//! is written beside its place, brought to the disk, and then moved there; while one replaces another, the old one stays
//! readable under a second name until the new one is in place.

use super::checkpoint::{REPLACED, STATE_FILE};
use super::files::{UNFINISHED, create_dir, csv_text, ron_text, sync_dir, sync_parent, unfinished, write_synced};
use super::layout::{CHECKPOINTS, CLASSES_FILE, CONFIG_FILE, CORRECTIONS_COPY, ENVIRONMENT_FILE, SPLIT_FILE};
pub(crate) use super::lock::{FolderLock, lock};
use super::{Environment, RunDir, RunError, SplitRow};
use crate::config::RunConfig;
use crate::domain::ClassSet;
use std::fs::{self, File};
use std::path::Path;

/// What describes a run from its first moment.
#[derive(Clone, Debug)]
pub(crate) struct NewRun<'a> {
    pub config: &'a RunConfig,
    pub classes: &'a ClassSet,
    pub split: &'a [SplitRow],
    pub environment: &'a Environment,
    /// The corrections of labels that it is trained with.
    pub corrections: Option<String>,
}

/// Makes sure that a run can be made at `path`: nothing there, or an empty folder. With `force` a run that is there is
/// deleted; anything else is never touched.
pub fn make_room(path: &Path, force: bool) -> Result<(), RunError> {
    if RunDir::is_run(path) {
        if !force {
            return Err(RunError::Exists(path.to_path_buf()));
        }
        let _lock = lock(path)?;
        // Renamed first, so that a crash while deleting cannot leave half a run under its name.
        let doomed = unfinished(path);
        fs::rename(path, &doomed).map_err(|e| RunError::file("replace", path, &e))?;
        return fs::remove_dir_all(&doomed).map_err(|e| RunError::file("delete", &doomed, &e));
    }
    match fs::read_dir(path).map(|mut entries| entries.next().is_some()) {
        Ok(true) => Err(RunError::Occupied(path.to_path_buf())),
        Ok(false) => fs::remove_dir(path).map_err(|e| RunError::file("replace", path, &e)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(RunError::file("create", path, &e)),
    }
}

/// Makes a run folder, complete with everything that describes it.
pub(crate) fn create_run(path: &Path, run: &NewRun<'_>) -> Result<RunDir, RunError> {
    make_room(path, false)?;
    let path = std::path::absolute(path).map_err(|e| RunError::file("create", path, &e))?;
    if let Some(parent) = path.parent() {
        create_dir(parent)?;
        remove_leftovers(parent, &path);
    }
    let temporary = unfinished(&path);
    let fill = || -> Result<(), RunError> {
        create_dir(&temporary.join(CHECKPOINTS))?;
        let row = |r: &SplitRow| {
            let (part, clips) = (r.part.name().to_owned(), r.clips.to_string());
            vec![r.video.clone(), r.subject.clone(), part, clips, r.content.clone()]
        };
        let split = run.split.iter().map(row);
        let header = ["video", "subject", "part", "clips", "content"].map(str::to_owned);
        for (name, text) in [
            (CONFIG_FILE, run.config.to_ron()),
            (CLASSES_FILE, ron_text(run.classes)?),
            (SPLIT_FILE, csv_text(&header, split)),
            (ENVIRONMENT_FILE, ron_text(run.environment)?),
        ]
        .into_iter()
        .chain(run.corrections.clone().map(|text| (CORRECTIONS_COPY, text)))
        {
            let file = temporary.join(name);
            write_synced(&file, text.as_bytes()).map_err(|e| RunError::file("write", &file, &e))?;
        }
        sync_dir(&temporary)
            .and_then(|()| fs::rename(&temporary, &path))
            .and_then(|()| sync_parent(&path))
            .map_err(|e| RunError::file("create", &path, &e))
    };
    fill().inspect_err(|_| {
        let _ = fs::remove_dir_all(&temporary);
    })?;
    Ok(RunDir::at(path))
}

/// Deletes what a killed process left beside `path` while making or deleting it. A young one may belong to a process
/// that lives.
fn remove_leftovers(parent: &Path, path: &Path) {
    let Some(name) = path.file_name().map(|n| format!("-{}", n.to_string_lossy())) else { return };
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let found = entry.file_name().to_string_lossy().into_owned();
        let old = entry
            .metadata()
            .and_then(|m| m.modified())
            .is_ok_and(|t| t.elapsed().is_ok_and(|age| age > std::time::Duration::from_secs(60)));
        if old && found.starts_with(UNFINISHED) && found.ends_with(&name) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Deletes what a killed process left in the folder of checkpoints, and finishes what it began.
pub(crate) fn recover(run: &RunDir) -> Result<(), RunError> {
    let dir = run.checkpoints_dir();
    create_dir(&dir)?;
    let entries = fs::read_dir(&dir).map_err(|e| RunError::file("read", &dir, &e))?;
    for entry in entries.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        let outcome = if name.starts_with(UNFINISHED) {
            fs::remove_dir_all(&path)
        } else if let Some(original) = name.strip_prefix(REPLACED) {
            let original = dir.join(original);
            if original.join(STATE_FILE).is_file() { fs::remove_dir_all(&path) } else { fs::rename(&path, &original) }
        } else {
            Ok(())
        };
        outcome.map_err(|e| RunError::file("tidy", &path, &e))?;
    }
    Ok(())
}

/// Writes a checkpoint under several names that share its files; `last` is moved into place after all others, so that
/// it never claims a best checkpoint that is not there.
pub(crate) fn write_checkpoint<E: From<RunError>>(
    run: &RunDir,
    also: &[String],
    fill: impl FnOnce(&Path) -> Result<(), E>,
) -> Result<(), E> {
    let dir = run.checkpoints_dir();
    let staged = unfinished(&dir.join("last"));
    let write = || -> Result<(), E> {
        fresh_dir(&staged)?;
        fill(&staged)?;
        sync_files(&staged).map_err(|e| RunError::file("write", &staged, &e))?;
        for name in also {
            let twin = unfinished(&dir.join(name));
            fresh_dir(&twin)?;
            share_files(&staged, &twin).map_err(|e| RunError::file("write", &twin, &e))?;
            move_into_place(&twin, &dir.join(name))?;
        }
        move_into_place(&staged, &dir.join("last"))?;
        Ok(())
    };
    write().inspect_err(|_| {
        // Give back the room on what may be a full disk.
        let _ = fs::remove_dir_all(&staged);
        for name in also {
            let _ = fs::remove_dir_all(unfinished(&dir.join(name)));
        }
    })
}

/// Deletes a checkpoint that is no longer among those kept.
pub(crate) fn remove_checkpoint(run: &RunDir, name: &str) -> Result<(), RunError> {
    let path = run.checkpoints_dir().join(name);
    let doomed = unfinished(&path);
    match fs::rename(&path, &doomed) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.map_err(|e| RunError::file("delete", &path, &e))?,
    }
    fs::remove_dir_all(&doomed).map_err(|e| RunError::file("delete", &doomed, &e))
}

fn fresh_dir(path: &Path) -> Result<(), RunError> {
    match fs::remove_dir_all(path) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(RunError::file("replace", path, &e)),
        _ => {}
    }
    // Not with its parents: a run folder that was deleted during training must not come back as a skeleton.
    fs::create_dir(path).map_err(|e| RunError::file("create", path, &e))
}

/// Waits until the files of a folder and its entries are on the disk.
fn sync_files(dir: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(dir)? {
        File::open(entry?.path())?.sync_all()?;
    }
    sync_dir(dir)
}

/// Hard links, which cost no room; copies where the file system has none. Files of a checkpoint are never changed.
fn share_files(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if fs::hard_link(entry.path(), &target).is_err() {
            fs::copy(entry.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    sync_dir(to)
}

/// Moves a finished folder to its name. A folder cannot replace another in one step everywhere, so the old one steps
/// aside under a name that readers know, until the new one is there.
fn move_into_place(finished: &Path, place: &Path) -> Result<(), RunError> {
    let name = place.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let aside = place.with_file_name(format!("{REPLACED}{name}"));
    let steps = || -> std::io::Result<()> {
        if place.exists() {
            if aside.exists() {
                fs::remove_dir_all(&aside)?;
            }
            fs::rename(place, &aside)?;
        }
        fs::rename(finished, place)?;
        sync_parent(place)?;
        if aside.exists() { fs::remove_dir_all(&aside) } else { Ok(()) }
    };
    steps().map_err(|e| RunError::file("write", place, &e))
}
