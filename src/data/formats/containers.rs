//! Where class folders lie: below the opened folder, below `train`, `val` and `test`, or in a folder that only holds them.

use super::find::compact;
use super::people::{is_person, turned};
use crate::data::label_csv::split_word;
use crate::data::scan::{Listing, file_name, is_image, is_video, peek};
use crate::domain::Split;
use std::path::{Path, PathBuf};

/// What folders that hold videos are named, in letters and digits; the likelier first. None of them is a class.
const CONTAINERS: &[&str] = &[
    "videos",
    "video",
    "clips",
    "clip",
    "data",
    "dataset",
    "datasets",
    "rgb",
    "avi",
    "mp4",
    "media",
    "raw",
    "all",
    "ucf101",
    "hmdb51",
    "hmdb51org",
    "ucf50",
    "ucf11",
    "kinetics400",
    "kinetics600",
    "kinetics700",
    "20bnjesterv1",
    "20bnsomethingsomethingv1",
    "20bnsomethingsomethingv2",
    "images",
    "image",
    "img",
    "pictures",
];
/// Those in which a folder of pictures is a video, not a class of pictures.
const OF_FRAMES: &[&str] = &[
    "frames",
    "frame",
    "rawframes",
    "rgbframes",
    "jpegs",
    "jpg",
    "flow",
    "opticalflow",
    "videos",
    "video",
    "clips",
    "clip",
    "rgb",
    "20bnjesterv1",
    "20bnsomethingsomethingv1",
];
/// Folders in folders that are looked through.
const DEPTH: usize = 3;

/// True for a folder that is called like one that holds videos of all classes.
pub(super) fn is_container(dir: &Path) -> bool {
    split_of_dir(dir).is_some() || is_container_word(&file_name(dir))
}

fn is_container_word(name: &str) -> bool {
    let name = compact(name);
    CONTAINERS.contains(&name.as_str()) || OF_FRAMES.contains(&name.as_str())
}

/// The split that a folder is called after: `train`, or with a word for what it holds, as `train_videos` and `clips-val`.
pub(super) fn split_of_dir(dir: &Path) -> Option<Split> {
    let name = file_name(dir);
    if let Some(split) = split_word(&name) {
        return Some(split);
    }
    let words: Vec<&str> = name.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let is_known = |w: &&str| split_word(w).is_some() || *w == "set" || is_container_word(w);
    let mut splits = words.iter().filter_map(|w| split_word(w));
    let first = splits.next().filter(|_| words.iter().all(is_known))?;
    splits.next().is_none().then_some(first)
}

/// A class folder and the split it lies in.
#[derive(Debug)]
pub(super) struct ClassDir {
    pub(super) path: PathBuf,
    pub(super) class: String,
    pub(super) split: Split,
    /// The person whose folder it lies in, where folders of people hold those of classes.
    pub(super) subject: String,
}

/// The class folders of a dataset.
#[derive(Debug, Default)]
pub(super) struct ClassDirs {
    pub(super) dirs: Vec<ClassDir>,
    /// Folders with videos that are not used.
    pub(super) unused: Vec<PathBuf>,
    /// The folder of another name that was entered because it is the only one.
    pub(super) entered: Option<PathBuf>,
}

/// True when a video, a picture or a frame folder lies in `dir` or one level below.
pub(super) fn holds_videos(dir: &Path) -> bool {
    let listing = peek(dir);
    holds(&listing) || listing.dirs.iter().map(|d| peek(d)).any(|l| holds(&l) || l.is_one_video())
}

/// As [`holds_videos`], two levels below too.
fn holds_anything(dir: &Path) -> bool {
    holds_videos(dir) || peek(dir).dirs.iter().any(|d| holds_videos(d))
}

fn holds(listing: &Listing) -> bool {
    listing.files.iter().any(|f| is_video(f) || is_image(f)) || listing.is_one_video()
}

/// The class folders below a root; empty ones too, so that they can be reported.
pub(super) fn class_dirs(root: &Path) -> ClassDirs {
    let mut out = below(root, DEPTH, true);
    if let Some(dirs) = turned(&out.dirs) {
        out.dirs = dirs;
    }
    out
}

/// As [`class_dirs`], `depth` folders deep; `enter` takes the only folder for one that holds the class folders.
fn below(root: &Path, depth: usize, enter: bool) -> ClassDirs {
    let dirs = peek(root).dirs;
    let mut out = splits(&dirs, depth);
    if !out.dirs.is_empty() {
        out.unused.extend(dirs.into_iter().filter(|d| split_of_dir(d).is_none() && holds_anything(d)));
        return out;
    }
    let named = classes(root, &dirs);
    let full: Vec<&PathBuf> = named.iter().filter(|d| holds_videos(d)).collect();
    if let ([only], true) = (full.as_slice(), depth > 0 && enter)
        && is_wrapper(only)
    {
        let mut out = below(only, depth - 1, enter);
        if !out.dirs.is_empty() {
            out.entered.get_or_insert_with(|| (*only).clone());
            out.unused.extend(dirs.iter().filter(|d| d != only && is_container(d) && holds_anything(d)).cloned());
            return out;
        }
    }
    if !full.is_empty() {
        let unused = dirs.iter().filter(|d| !named.contains(d) && holds_anything(d)).cloned().collect();
        let class = |path: PathBuf| ClassDir {
            class: file_name(&path),
            path,
            split: Split::Unassigned,
            subject: String::new(),
        };
        return ClassDirs { dirs: named.into_iter().map(class).collect(), unused, entered: None };
    }
    inside(&dirs, depth, enter)
}

/// The class folders of the only folder that has some, or of the likeliest of those that are called like containers.
fn inside(dirs: &[PathBuf], depth: usize, enter: bool) -> ClassDirs {
    let Some(depth) = depth.checked_sub(1) else { return ClassDirs::default() };
    let mut found: Vec<(&PathBuf, ClassDirs)> =
        dirs.iter().map(|d| (d, below(d, depth, enter))).filter(|(_, f)| !f.dirs.is_empty()).collect();
    // Folders of people are no classes.
    found.retain(|(_, f)| !f.dirs.iter().all(|c| is_person(&c.path)));
    if found.len() > 1 {
        found.retain(|(d, _)| is_container(d));
    }
    let rank = |d: &Path| CONTAINERS.iter().position(|c| *c == compact(&file_name(d))).unwrap_or(CONTAINERS.len());
    found.sort_by_key(|(d, _)| rank(d));
    let mut found = found.into_iter();
    let Some((first, mut out)) = found.next() else {
        let unused = dirs.iter().filter(|d| holds_anything(d)).cloned().collect();
        return ClassDirs { unused, ..ClassDirs::default() };
    };
    out.unused.extend(dirs.iter().filter(|d| *d != first && holds_anything(d)).cloned());
    out
}

/// The class folders below `train`, `val` and `test`.
fn splits(dirs: &[PathBuf], depth: usize) -> ClassDirs {
    let mut out = ClassDirs::default();
    for dir in dirs {
        let Some(split) = split_of_dir(dir) else { continue };
        let found = if depth > 0 { below(dir, depth - 1, false) } else { ClassDirs::default() };
        let videos = holds(&peek(dir));
        if found.dirs.is_empty() || videos {
            out.unused.extend(holds_anything(dir).then(|| dir.clone()));
        }
        let within = found.dirs.into_iter().filter(|d| d.split == Split::Unassigned);
        out.dirs.extend(within.map(|d| ClassDir { split, ..d }));
        out.unused.extend(found.unused);
    }
    if out.dirs.is_empty() { ClassDirs::default() } else { out }
}

/// Folders of a root that may be classes.
fn classes(root: &Path, dirs: &[PathBuf]) -> Vec<PathBuf> {
    let frames = OF_FRAMES.contains(&compact(&file_name(root)).as_str());
    let is_class = |d: &&PathBuf| {
        // In a folder of frames a folder of pictures is a video.
        let one_video = frames && peek(d).is_one_video();
        !is_container(d) && !one_video
    };
    dirs.iter().filter(is_class).cloned().collect()
}

/// True for a folder that holds nothing but class folders: folders of videos, or of folders of frames. Folders of pictures
/// are the frames of one video each, and folders called after people belong to one class.
fn is_wrapper(dir: &Path) -> bool {
    let listing = peek(dir);
    let class = |d: &PathBuf| {
        let inner = peek(d);
        inner.videos().next().is_some()
            || inner.dirs.iter().any(|f| peek(f).is_frame_folder() || peek(f).is_one_video())
    };
    let splits = listing.dirs.iter().any(|d| split_of_dir(d).is_some() && holds_videos(d));
    !holds(&listing) && (splits || (listing.dirs.iter().any(class) && !listing.dirs.iter().all(|d| is_person(d))))
}

/// Videos nobody labelled, in folders that hold videos: the folder, and its split.
pub(super) fn unlabelled(root: &Path) -> Vec<(PathBuf, Split)> {
    let dirs = peek(root).dirs.into_iter().filter(|d| is_container(d) && holds_videos(d));
    dirs.map(|d| (split_of_dir(&d).unwrap_or_default(), d)).map(|(s, d)| (d, s)).collect()
}
