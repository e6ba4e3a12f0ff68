//! Files that are either complete or not there, whole files of a bounded size, and the folder for caches.

use crate::domain::{bytes as bytes_text, listed};
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
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
    replace_with(path, |file| file.write_all(bytes))
}

/// As [`replace`], with a file too large to be held in memory: `fill` writes it.
///
/// # Errors
/// Those of [`replace`], and of `fill`.
pub fn replace_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let folder = folder_of(path);
    let mut file = stage().tempfile_in(folder)?;
    let mut buffer = BufWriter::with_capacity(1 << 16, file.as_file_mut());
    fill(&mut buffer)?;
    buffer.flush()?;
    drop(buffer);
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

/// Most bytes of a class list, a configuration or another short text that is read whole.
pub const TEXT_LIMIT: u64 = 16 << 20;
/// Most bytes of a table or list with rows of videos, frames or epochs that is read whole.
pub const TABLE_LIMIT: u64 = 512 << 20;
/// Most bytes of a picture that is read whole.
pub const PICTURE_LIMIT: u64 = 1 << 30;
/// Most bytes of a raw Motion JPEG file, which is kept whole while it is open.
pub const MOTION_JPEG_LIMIT: u64 = 4 << 30;
/// Most bytes of a file of weights that is read whole.
pub const WEIGHTS_LIMIT: u64 = 64 << 30;

/// Reads a whole file of at most `limit` bytes; of a longer or an endless one no more than that is held in memory.
///
/// # Errors
/// A file that cannot be read, or [`io::ErrorKind::FileTooLarge`] with a sentence that tells its size and the limit; whoever
/// passes it on names the file.
pub fn read(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let too_large = |has: String| {
        let sentence =
            format!("it has {has}, and at most {} are read; check that it is the right file", bytes_text(limit));
        Err(io::Error::new(io::ErrorKind::FileTooLarge, sentence))
    };
    let size = file.metadata()?.len();
    if size > limit {
        return too_large(bytes_text(size));
    }
    let mut bytes = Vec::with_capacity(size as usize);
    file.take(limit + 1).read_to_end(&mut bytes)?;
    // A device or a pipe does not tell how much will come.
    if bytes.len() as u64 > limit { too_large(format!("more than {}", bytes_text(limit))) } else { Ok(bytes) }
}

/// Reads a whole file of at most `limit` bytes as UTF-8 text.
///
/// # Errors
/// As [`read()`], and [`io::ErrorKind::InvalidData`] for what is no UTF-8 text.
pub fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    String::from_utf8(read(path, limit)?)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "stream did not contain valid UTF-8"))
}

/// What is wrong with RON text, with line and column.
pub fn ron_fault(error: &ron::error::SpannedError) -> String {
    let at = error.span.start;
    format!("line {}, column {}: {}", at.line, at.col, error.code)
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

/// The folder for what people made and what lies beside no file of theirs: `KINOLENS_DATA`, or the platform's. `None` where there
/// is none.
pub fn data_dir() -> Option<PathBuf> {
    match std::env::var_os("KINOLENS_DATA") {
        Some(dir) if dir.is_empty() => None,
        Some(dir) => Some(PathBuf::from(dir)),
        None => directories::ProjectDirs::from("", "", "kinolens").map(|d| d.data_dir().to_path_buf()),
    }
}

/// When a file was last written and how long it is: another stamp, or none, means another file.
pub type Stamp = (Option<std::time::SystemTime>, u64);

/// The stamp of what is at a path now; `None` where there is nothing.
pub fn stamp(path: &Path) -> Option<Stamp> {
    std::fs::metadata(path).ok().map(|m| (m.modified().ok(), m.len()))
}

/// The files every run folder has from its first moment: its configuration and its classes.
pub const RUN_FILES: [&str; 2] = ["config.ron", "classes.ron"];

/// True for a folder that is a run or what is left of one: it is opened as a run, which tells what is missing, and
/// never searched for videos.
pub fn claims_to_be_run(dir: &Path) -> bool {
    dir.join(RUN_FILES[0]).is_file()
}

/// True for a run folder, wherever that is asked.
pub fn is_run(dir: &Path) -> bool {
    RUN_FILES.iter().all(|name| dir.join(name).is_file())
}

/// What a folder is that has to do with runs, as a phrase (`a folder of runs (a, b)`); `None` for any other.
pub fn run_place(dir: &Path) -> Option<String> {
    let runs = |dir: &Path| {
        let entries = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path());
        let mut names: Vec<String> =
            entries.filter(|p| is_run(p)).filter_map(|p| Some(p.file_name()?.to_string_lossy().into_owned())).collect();
        names.sort();
        names
    };
    if is_run(dir) {
        return Some("a run folder".to_owned());
    }
    // Datasets may have a list of classes too.
    let was_run = claims_to_be_run(dir) || dir.join(RUN_FILES[1]).is_file() && dir.join("checkpoints").is_dir();
    if let Some(missing) = RUN_FILES.iter().find(|name| was_run && !dir.join(name).is_file()) {
        return Some(format!("a run folder that has lost its {missing}, which has to be put back from a copy"));
    }
    if let Some(run) = dir.ancestors().skip(1).take(3).find(|above| is_run(above)) {
        return Some(format!("a part of the run folder {}", run.display()));
    }
    if let names @ [_, ..] = runs(&dir.join("runs")).as_slice() {
        return Some(format!("the folder of an experiment, with runs below runs/ ({})", listed(names, 4)));
    }
    match runs(dir).as_slice() {
        [] => None,
        names => Some(format!("a folder of runs ({})", listed(names, 4))),
    }
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

    #[test]
    fn a_file_above_its_limit_is_refused_with_its_size_and_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.txt");
        std::fs::write(&path, "12345678").unwrap();
        assert_eq!(read_text(&path, 8).unwrap(), "12345678");
        let error = read(&path, 7).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert!(error.to_string().starts_with("it has 8 bytes, and at most 7 bytes are read"), "{error}");
        // Nothing of a file this long could be held: it is refused by its size.
        File::create(&path).unwrap().set_len(3 << 40).unwrap();
        let error = read_text(&path, TABLE_LIMIT).unwrap_err();
        assert!(error.to_string().contains("it has 3 TiB, and at most 512 MiB"), "{error}");
        assert_eq!(read_text(&dir.path().join("none"), 8).unwrap_err().kind(), io::ErrorKind::NotFound);
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert_eq!(read_text(&path, 8).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }

    #[test]
    fn what_has_to_do_with_runs_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for run in ["all/a", "all/b", "plan/runs/x"] {
            std::fs::create_dir_all(at(run).join("checkpoints/last")).unwrap();
            RUN_FILES.iter().for_each(|f| std::fs::write(at(run).join(f), "").unwrap());
        }
        let told = |name: &str| run_place(&at(name)).unwrap_or_default();
        assert_eq!(told("all/a"), "a run folder");
        assert_eq!(told("all"), "a folder of runs (a, b)");
        assert_eq!(told("plan"), "the folder of an experiment, with runs below runs/ (x)");
        assert_eq!(told("all/a/checkpoints/last"), format!("a part of the run folder {}", at("all/a").display()));
        std::fs::remove_file(at("all/b").join(RUN_FILES[0])).unwrap();
        assert!(told("all/b").contains("lost its config.ron"), "{}", told("all/b"));
        assert_eq!(run_place(dir.path()), None);
    }

    #[cfg(unix)]
    #[test]
    fn an_endless_file_is_refused_after_its_limit() {
        let error = read(Path::new("/dev/zero"), 1000).unwrap_err();
        assert!(error.to_string().starts_with("it has more than 1000 bytes"), "{error}");
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
