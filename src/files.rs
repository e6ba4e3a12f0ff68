//! Files that are either complete or not there, and the folder for caches.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Prefix of everything that is not finished; leftovers of a killed process are recognised by it.
pub const UNFINISHED: &str = ".unfinished-";

/// Files under another name that get their own when they are complete. Temporary files are private unless told
/// otherwise; these get what the user's umask leaves, as any new file does.
pub fn stage() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(UNFINISHED);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Writes a file, replacing one that is there only when the new one is complete and on the disk.
///
/// # Errors
/// A folder that is not there or cannot be written to, or a full disk; an older file is then left as it was.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let mut file = stage().tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    sync_dir(folder)
}

/// Writes a file of a cache, and the folder it lies in. Not waiting for the disk: what a power cut destroys is
/// recognised by its reader and made again.
///
/// # Errors
/// A folder that cannot be made or written to, or a full disk.
pub fn replace_cached(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    std::fs::create_dir_all(folder)?;
    let mut file = stage().tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// The folder a file lies in; the current one for a bare name.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Waits until the entries of a folder are on the disk, so that a rename in it survives a power cut.
///
/// # Errors
/// A folder that is not there, or a disk that fails.
pub fn sync_dir(dir: &Path) -> io::Result<()> {
    // Only Unix lets a folder be opened for this; elsewhere the rename alone has to do.
    if cfg!(unix) { File::open(dir)?.sync_all() } else { Ok(()) }
}

/// The folder for caches: `KINOLENS_CACHE`, or the platform's. `None` where there is none, and where the variable is
/// set to nothing, which means that nothing shall be kept.
pub fn cache_dir() -> Option<PathBuf> {
    match std::env::var_os("KINOLENS_CACHE") {
        Some(dir) if dir.is_empty() => None,
        Some(dir) => Some(PathBuf::from(dir)),
        None => directories::ProjectDirs::from("", "", "kinolens").map(|d| d.cache_dir().to_path_buf()),
    }
}

/// When a file was last written and how long it is: another stamp, or none, means another file.
pub type Stamp = (Option<std::time::SystemTime>, u64);

/// The stamp of what is at a path now; `None` where there is nothing.
pub fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().map(|m| (m.modified().ok(), m.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_and_nothing_is_left_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        for text in ["a long text", "short"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        replace_cached(&dir.path().join("new/b.txt"), b"b").unwrap();
        assert_eq!(std::fs::read(dir.path().join("new/b.txt")).unwrap(), b"b");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
        assert!(replace(&dir.path().join("none/c.txt"), b"c").is_err());
        // A folder cannot be replaced by a file; the attempt leaves nothing.
        assert!(replace(&dir.path().join("new"), b"c").is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2);
    }

    #[cfg(unix)]
    #[test]
    fn files_are_as_readable_as_any_new_file() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let mode = |name: &str| std::fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777;
        std::fs::write(dir.path().join("ordinary"), "").unwrap();
        replace(&dir.path().join("durable"), b"").unwrap();
        replace_cached(&dir.path().join("cached"), b"").unwrap();
        assert_eq!([mode("durable"), mode("cached")], [mode("ordinary"); 2]);
    }
}
