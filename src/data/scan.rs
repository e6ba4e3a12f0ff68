//! Looking at folders: sorted listings, what counts as a video, names relative to the root.

use super::DataError;
use std::cmp::Ordering;
use std::path::{Path, PathBuf};

const VIDEO_EXTENSIONS: &[&str] = &[
    "mp4", "m4v", "mov", "avi", "mkv", "webm", "mpg", "mpeg", "ts", "mts", "m2ts", "wmv", "flv", "3gp", "ogv", "gif",
    "mjpeg", "mjpg",
];
const IMAGE_EXTENSIONS: &[&str] = &["png", "jpg", "jpeg", "bmp", "webp", "tif", "tiff"];

/// Folders nested deeper than this below a class are not searched (and links that form loops end here).
pub(super) const MAX_DEPTH: usize = 4;

/// What a folder holds, in natural order (`9` before `10`); hidden entries are left out.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) dirs: Vec<PathBuf>,
    pub(super) files: Vec<PathBuf>,
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

/// Lists a folder.
pub(super) fn list(dir: &Path) -> Result<Listing, DataError> {
    let mut out = Listing::default();
    for entry in std::fs::read_dir(dir).map_err(|e| DataError::read(dir, &e))? {
        let entry = entry.map_err(|e| DataError::read(dir, &e))?;
        let name = entry.file_name();
        if name.to_string_lossy().starts_with('.') || name == "__MACOSX" {
            continue;
        }
        let path = entry.path();
        let mut kind = entry.file_type().map_err(|e| DataError::read(&path, &e))?;
        if kind.is_symlink() {
            // A dangling link is no content.
            let Ok(meta) = std::fs::metadata(&path) else { continue };
            kind = meta.file_type();
        }
        if kind.is_dir() {
            out.dirs.push(path);
        } else {
            out.files.push(path);
        }
    }
    out.dirs.sort_by(|a, b| natural(&file_name(a), &file_name(b)));
    out.files.sort_by(|a, b| natural(&file_name(a), &file_name(b)));
    Ok(out)
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
        if frames && listing.is_frame_folder() && listing.dirs.is_empty() {
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

/// The path's last part as text.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The file name without its extension; a folder keeps its whole name.
pub(super) fn stem(path: &Path) -> String {
    if is_video(path) || is_image(path) || is_csv(path) {
        return path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    }
    file_name(path)
}

/// The path below `root` with `/` between its parts; the file name where it lies elsewhere.
pub(super) fn relative_name(root: &Path, path: &Path) -> String {
    match path.strip_prefix(root) {
        Ok(rest) if !rest.as_os_str().is_empty() => {
            rest.components().map(|c| c.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
        }
        _ => file_name(path),
    }
}

/// Compares names so that runs of digits count as numbers.
pub(super) fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (Some(x), Some(y)) = (a.first(), b.first()) else { return a.len().cmp(&b.len()) };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (na, ra) = digits(a);
            let (nb, rb) = digits(b);
            let order = na.len().cmp(&nb.len()).then_with(|| na.cmp(nb));
            // `01` and `1` are the same number; the longer spelling comes later so that the order is total.
            let order = order.then_with(|| (a.len() - ra.len()).cmp(&(b.len() - rb.len())));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (ra, rb);
        } else {
            match x.cmp(y) {
                Ordering::Equal => (a, b) = (&a[1..], &b[1..]),
                other => return other,
            }
        }
    }
}

/// The number at the start without leading zeros, and what follows it.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let zeros = number.iter().position(|c| *c != b'0').unwrap_or(number.len());
    (&number[zeros..], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_order_counts_numbers() {
        let mut names = ["s10.mp4", "s2.mp4", "s01.mp4", "s1.mp4", "a", "s1_b.mp4"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "s1.mp4", "s1_b.mp4", "s01.mp4", "s2.mp4", "s10.mp4"]);
    }
}
