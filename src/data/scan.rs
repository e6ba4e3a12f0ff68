//! Looking at folders: sorted listings, what counts as a video, names relative to the root.

use super::DataError;
use crate::domain::{is_system_name, name_text};
use crate::files::{RUN_FILES, claims_to_be_run};
use rayon::prelude::*;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

pub(super) use crate::domain::natural;

const VIDEO_EXTENSIONS: &[&str] = &[
    "mp4", "m4v", "mov", "avi", "mkv", "webm", "mpg", "mpeg", "ts", "mts", "m2ts", "wmv", "flv", "3gp", "ogv", "gif",
    "mjpeg", "mjpg", "m2v", "m1v", "mpv", "mpe", "vob", "asf", "divx", "mxf", "f4v", "3g2", "ogm", "h264", "264",
    "h265", "265", "hevc", "ivf", "y4m", "dv", "qt", "m2t", "nut",
];
const IMAGE_EXTENSIONS: &[&str] = &["png", "jpg", "jpeg", "bmp", "webp", "tif", "tiff"];

/// What usually lies beside videos and is none.
const USUAL: &[&str] = &[
    "csv",
    "tsv",
    "txt",
    "json",
    "jsonl",
    "xml",
    "eaf",
    "yaml",
    "yml",
    "toml",
    "ron",
    "md",
    "rst",
    "pdf",
    "html",
    "htm",
    "log",
    "py",
    "m",
    "ipynb",
    "sh",
    "mat",
    "npy",
    "npz",
    "pkl",
    "pickle",
    "h5",
    "hdf5",
    "pt",
    "pth",
    "safetensors",
    "onnx",
    "zip",
    "tar",
    "gz",
    "7z",
    "rar",
    "srt",
    "vtt",
    "wav",
    "mp3",
    "flac",
    "aac",
    "xls",
    "xlsx",
    "ods",
    "db",
    "lnk",
    "tfevents",
];

/// Most strange files looked into.
const STRANGERS: usize = 2000;

/// Folders nested deeper than this below a class are not searched (and links that form loops end here).
pub(super) const MAX_DEPTH: usize = 4;

/// What a folder holds, in natural order (`9` before `10`); what is hidden, of systems ([`is_system_name`]) or
/// the output of programs is left out.
#[derive(Clone, Debug, Default)]
pub(super) struct Listing {
    pub(super) dirs: Vec<PathBuf>,
    pub(super) files: Vec<PathBuf>,
    /// Links that are not followed: to nothing, where they are not called like videos and pictures, and to folders that
    /// hold them.
    pub(super) links: Vec<PathBuf>,
}

impl Listing {
    pub(super) fn videos(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().filter(|f| is_video(f))
    }

    pub(super) fn images(&self) -> impl Iterator<Item = &PathBuf> {
        self.files.iter().filter(|f| is_image(f))
    }

    /// Pictures and no videos: the frames of one video.
    pub(super) fn is_frame_folder(&self) -> bool {
        self.images().next().is_some() && self.videos().next().is_none()
    }

    /// All of the folder is one video: pictures, beside them at most folders with other streams of it; or only folders of
    /// streams, one of which has the pictures.
    pub(super) fn is_one_video(&self) -> bool {
        let names = || self.dirs.iter().map(|d| file_name(d));
        if self.images().next().is_some() {
            return self.is_frame_folder() && names().all(|n| crate::video::is_other_stream(&n));
        }
        let streams: Vec<String> = names().collect();
        self.videos().next().is_none()
            && crate::video::holds_streams(&streams)
            && self.dirs.iter().all(|d| peek(d).is_frame_folder())
    }
}

fn has_extension(path: &Path, known: &[&str]) -> bool {
    path.extension().and_then(|e| e.to_str()).is_some_and(|e| known.iter().any(|k| k.eq_ignore_ascii_case(e)))
}

pub(super) fn is_video(path: &Path) -> bool {
    has_extension(path, VIDEO_EXTENSIONS)
}

pub(super) fn is_image(path: &Path) -> bool {
    has_extension(path, IMAGE_EXTENSIONS)
}

pub(super) fn is_csv(path: &Path) -> bool {
    has_extension(path, &["csv", "tsv"])
}

/// True for a folder that programs write their results to: called so, and holding only folders that are called so or are runs.
fn is_output(dir: &Path) -> bool {
    const OUTPUTS: &[&str] = &[
        "runs",
        "run",
        "results",
        "outputs",
        "output",
        "overlays",
        "heatmaps",
        "checkpoints",
        "plots",
        "predictions",
        "exports",
        "explanations",
        "wandb",
        "mlruns",
        "lightning_logs",
        "tensorboard",
        "logs",
        "work_dirs",
    ];
    let called = |d: &Path| OUTPUTS.contains(&file_name(d).to_lowercase().as_str());
    if !called(dir) {
        return false;
    }
    let inner: Vec<PathBuf> = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()).collect();
    let videos = inner.iter().any(|p| is_video(p) || is_image(p));
    let folders: Vec<&PathBuf> = inner.iter().filter(|p| p.is_dir()).collect();
    !videos && !folders.is_empty() && folders.iter().all(|d| called(d) || claims_to_be_run(d))
}

/// Entries of listings that are kept at most while a dataset is opened.
const KEPT: usize = 300_000;

/// Listings that were made on this thread, and how many entries they have.
#[derive(Default)]
struct Kept {
    folders: HashMap<PathBuf, Listing>,
    entries: usize,
}

thread_local! {
    static LISTED: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// While it lives, each folder is listed once on this thread; a large one is asked for by many.
pub(super) struct ListingOnce {
    /// Another one lives already.
    inner: bool,
}

/// See [`ListingOnce`].
pub(super) fn listing_once() -> ListingOnce {
    let inner = LISTED.with_borrow_mut(|kept| {
        let inner = kept.is_some();
        kept.get_or_insert_default();
        inner
    });
    ListingOnce { inner }
}

impl Drop for ListingOnce {
    fn drop(&mut self) {
        if !self.inner {
            LISTED.set(None);
        }
    }
}

/// Lists a folder.
pub(super) fn list(dir: &Path) -> Result<Listing, DataError> {
    let known = LISTED.with_borrow(|kept| kept.as_ref().and_then(|k| k.folders.get(dir)).cloned());
    if let Some(listing) = known {
        return Ok(listing);
    }
    let listing = list_now(dir)?;
    let entries = listing.dirs.len() + listing.files.len();
    LISTED.with_borrow_mut(|kept| {
        if let Some(kept) = kept.as_mut().filter(|k| k.entries + entries <= KEPT) {
            kept.entries += entries;
            kept.folders.insert(dir.to_path_buf(), listing.clone());
        }
    });
    Ok(listing)
}

fn list_now(dir: &Path) -> Result<Listing, DataError> {
    let mut out = Listing::default();
    for entry in std::fs::read_dir(dir).map_err(|e| DataError::read(dir, &e))? {
        let entry = entry.map_err(|e| DataError::read(dir, &e))?;
        if is_system_name(&name_text(&entry.file_name())) {
            continue;
        }
        let path = entry.path();
        let mut kind = entry.file_type().map_err(|e| DataError::read(&path, &e))?;
        if kind.is_symlink() {
            match std::fs::metadata(&path) {
                Ok(meta) if meta.is_dir() && holds_itself(dir, &path) => {
                    out.links.push(path);
                    continue;
                }
                Ok(meta) => kind = meta.file_type(),
                // As a file that cannot be opened.
                Err(_) if is_video(&path) || is_image(&path) => {}
                Err(_) => {
                    out.links.push(path);
                    continue;
                }
            }
        }
        if kind.is_dir() {
            out.dirs.push(path);
        } else {
            out.files.push(path);
        }
    }
    // A run folder, with pictures and videos made from the dataset.
    if RUN_FILES.iter().all(|name| out.files.iter().any(|f| f.ends_with(name))) {
        return Ok(Listing::default());
    }
    out.dirs.retain(|d| !is_output(d));
    sort(&mut out.dirs);
    sort(&mut out.files);
    Ok(out)
}

/// Sorts paths of one folder by their names, in natural order.
fn sort(paths: &mut Vec<PathBuf>) {
    let mut named: Vec<(String, PathBuf)> = paths.drain(..).map(|path| (file_name(&path), path)).collect();
    named.par_sort_by(|(a, _), (b, _)| natural(a, b));
    paths.extend(named.into_iter().map(|(_, path)| path));
}

/// True for a folder with a picture among plain files that is no run: what can be told without a sorted listing.
pub(super) fn plainly_holds_pictures(dir: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(dir) else { return false };
    let (mut picture, mut of_run) = (false, 0);
    for entry in entries.flatten() {
        let name = entry.file_name();
        picture |= is_image(Path::new(&name))
            && !is_system_name(&name_text(&name))
            && entry.file_type().is_ok_and(|kind| kind.is_file());
        of_run += usize::from(RUN_FILES.iter().any(|file| name == *file));
    }
    picture && of_run < RUN_FILES.len()
}

/// True for a link in `dir` to a folder that `dir` lies in.
fn holds_itself(dir: &Path, link: &Path) -> bool {
    match (std::fs::canonicalize(dir), std::fs::canonicalize(link)) {
        (Ok(dir), Ok(target)) => dir.starts_with(target),
        _ => false,
    }
}

/// Like [`list`], but an unreadable folder is an empty one (for looking around while detecting a layout).
pub(super) fn peek(dir: &Path) -> Listing {
    list(dir).unwrap_or_default()
}

/// The folder called `name` below `dir`, whatever its case.
pub(super) fn child_dir(dir: &Path, name: &str) -> Option<PathBuf> {
    let exact = dir.join(name);
    if exact.is_dir() {
        return Some(exact);
    }
    peek(dir).dirs.into_iter().find(|d| file_name(d).eq_ignore_ascii_case(name))
}

/// The file called `name` in `dir`, whatever its case.
pub(super) fn child_file(dir: &Path, name: &str) -> Option<PathBuf> {
    let exact = dir.join(name);
    if exact.is_file() {
        return Some(exact);
    }
    peek(dir).files.into_iter().find(|d| file_name(d).eq_ignore_ascii_case(name))
}

/// Videos below a folder: video files, and folders of pictures as one video each. `pictures_are_frames` says
/// what pictures lying directly in `dir` are: the frames of one video, or a video of one frame each.
pub(super) fn videos_below(dir: &Path, pictures_are_frames: bool) -> Result<Vec<PathBuf>, DataError> {
    fn walk(dir: &Path, frames: bool, depth: usize, out: &mut Vec<PathBuf>) -> Result<(), DataError> {
        let listing = list(dir)?;
        if frames && listing.is_one_video() {
            out.push(dir.to_path_buf());
            return Ok(());
        }
        let pictures = if frames { None } else { Some(listing.images()) };
        out.extend(listing.videos().chain(pictures.into_iter().flatten()).cloned());
        if depth < MAX_DEPTH {
            for sub in &listing.dirs {
                walk(sub, true, depth + 1, out)?;
            }
        }
        Ok(())
    }
    let mut out = Vec::new();
    walk(dir, pictures_are_frames, 0, &mut out)?;
    Ok(out)
}

/// Visits the listings of `root` and the folders below it. Folders in `used` are frame folders and are not searched.
fn visit(root: &Path, used: &HashSet<&Path>, each: &mut dyn FnMut(&Listing)) {
    fn walk(dir: &Path, used: &HashSet<&Path>, depth: usize, each: &mut dyn FnMut(&Listing)) {
        let listing = peek(dir);
        each(&listing);
        if depth <= MAX_DEPTH {
            listing.dirs.iter().filter(|d| !used.contains(d.as_path())).for_each(|d| walk(d, used, depth + 1, each));
        }
    }
    if root.is_dir() && !used.contains(root) {
        walk(root, used, 0, each);
    }
}

/// Files below `root` that are neither pictures, videos nor anything usual beside them by their names. Folders in `used`
/// are frame folders and are not searched.
pub(super) fn strangers(root: &Path, used: &HashSet<&Path>) -> Vec<PathBuf> {
    let usual = |f: &Path| is_video(f) || is_image(f) || has_extension(f, USUAL);
    let mut out = Vec::new();
    visit(root, used, &mut |listing| {
        out.extend(listing.files.iter().filter(|f| !usual(f) && !used.contains(f.as_path())).cloned());
    });
    out.truncate(STRANGERS);
    out
}

/// Links below `root` that are not followed, and why; folders in `used` are frame folders and are not searched.
pub(super) fn links(root: &Path, used: &HashSet<&Path>) -> Vec<(PathBuf, String)> {
    let mut out = Vec::new();
    visit(root, used, &mut |listing| {
        out.extend(listing.links.iter().map(|link| {
            let why = match std::fs::read_link(link) {
                _ if link.exists() => "is a link to a folder that it lies in; it is not followed, remove it".to_owned(),
                Ok(target) => format!(
                    "is a link to {}, which does not exist; what it stood for is no part of the dataset, mend or remove it",
                    name_text(target.as_os_str())
                ),
                Err(_) => "is a link that cannot be followed; mend or remove it".to_owned(),
            };
            (link.clone(), why)
        }));
    });
    out
}

/// The path's last part as text.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(name_text).unwrap_or_default()
}

/// The file name without its extension; a folder keeps its whole name.
pub(super) fn stem(path: &Path) -> String {
    if is_video(path) || is_image(path) || is_csv(path) {
        return path.file_stem().map(name_text).unwrap_or_default();
    }
    file_name(path)
}

/// The path below `root` with `/` between its parts; the file name where it lies elsewhere.
pub(super) fn relative_name(root: &Path, path: &Path) -> String {
    match path.strip_prefix(root) {
        Ok(rest) if !rest.as_os_str().is_empty() => {
            rest.components().map(|c| name_text(c.as_os_str())).collect::<Vec<_>>().join("/")
        }
        _ => file_name(path),
    }
}
