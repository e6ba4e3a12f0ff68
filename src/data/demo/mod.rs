//! The demo dataset: animated people exercising, as real videos in the exercise layout, with true labels,
//! masks and poses.
//!
//! Everything is drawn by this module: jointed figures ([`body`], [`figure`]) in posed exercises ([`exercise`],
//! [`script`]) before painted places ([`scene`]), filmed by [`studio`]. The same options give the same labels, masks
//! and poses, byte for byte.
//!
//! Two pairs of exercises show the same poses and differ only in the direction of time: a network that looks at
//! single frames cannot tell them apart.

mod actor;
mod body;
mod camera;
mod exercise;
mod figure;
mod files;
mod geometry;
mod head;
mod paint;
mod pose;
mod record;
mod scene;
mod script;
mod studio;

pub use exercise::Exercise;

use crate::files::{TEXT_LIMIT, read_text};
use crate::progress::{Flow, Monitor};
use crate::video::VideoError;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Frames a second of every video.
pub(crate) const FPS: f32 = 30.0;
/// Size of every video in pixels.
pub const SIZE: (u32, u32) = (400, 550);
/// The file that marks a folder as a demo dataset and says how it was made.
const MARKER: &str = "demo.ron";
/// What [`make`] puts into its folder; the marker last.
const PARTS: [&str; 5] = ["dataset", "label", "split.csv", "classes.ron", MARKER];
/// Beginning of the name of a folder with an unfinished dataset.
const UNFINISHED: &str = ".unfinished-demo-";

/// How the demo dataset is made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemoOptions {
    /// People, each with one video: 1 to 200. Every third one is a test subject.
    pub subjects: usize,
    /// Chooses people, places and order; the same seed gives the same dataset.
    pub seed: u64,
    /// Frames of each exercise in each video.
    pub exercise_frames: u32,
    /// Usual frames of the rests between exercises.
    pub rest_frames: u32,
    /// Also write videos with the pose drawn in (half size).
    pub pose_videos: bool,
    /// Replace a demo dataset that is already there. Anything else is never replaced.
    #[serde(skip)]
    pub force: bool,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self { subjects: 12, seed: 42, exercise_frames: 60, rest_frames: 22, pose_videos: false, force: false }
    }
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemoSummary {
    /// The dataset's folder.
    pub root: PathBuf,
    /// Training subjects.
    pub train_subjects: usize,
    /// Test subjects.
    pub test_subjects: usize,
    /// Exercises.
    pub classes: usize,
    /// Frames of all videos.
    pub frames: u64,
    /// Wall time in seconds.
    pub seconds: f64,
    /// True when the folder already held this very dataset and nothing was written.
    pub reused: bool,
}

/// Why the demo dataset could not be made. Nothing half-made is left under the dataset's own names.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// The folder holds something else.
    #[error("{path} already holds {what}; choose an empty or new folder", path = .path.display())]
    Occupied {
        /// The folder.
        path: PathBuf,
        /// What was found in it.
        what: String,
        /// True for another demo dataset, which can be replaced.
        ours: bool,
    },
    /// The options make no dataset.
    #[error("the demo dataset cannot have {0}")]
    Options(String),
    /// A file or folder could not be written or read.
    #[error("cannot {doing} {path}: {reason}", path = .path.display())]
    Write {
        /// What was tried, a verb such as "write".
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A video could not be encoded.
    #[error(transparent)]
    Video(#[from] VideoError),
    /// The owner asked to stop.
    #[error("stopped before the demo dataset was complete; nothing was kept")]
    Stopped,
}

impl DemoError {
    /// An I/O error as a sentence; `doing` is a verb such as "write".
    fn io(doing: &'static str, path: &Path, error: &io::Error) -> DemoError {
        let hint = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                "the disk is full; free some space or choose another folder"
            }
            io::ErrorKind::PermissionDenied => "this account may not write there; choose another folder",
            io::ErrorKind::ReadOnlyFilesystem => "this disk is read-only; choose another folder",
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
                "a file is in the way; choose another folder"
            }
            _ => "check the folder and try again",
        };
        DemoError::Write { doing, path: path.to_path_buf(), reason: format!("{error}; {hint}") }
    }
}

/// Makes the demo dataset in `dir`, which must be new, empty, or (see [`DemoOptions::force`]) an older demo dataset.
///
/// When `dir` already holds a dataset of the same options it is left alone and the summary says `reused`. Subjects
/// are made in parallel on rayon's threads. The files appear under their names only when all of them are complete.
///
/// # Errors
/// [`DemoError`] for an occupied folder, impossible options, a failed write (a full disk), a missing H.264 encoder, or
/// when `monitor` says stop.
pub fn make(dir: &Path, options: &DemoOptions, monitor: &dyn Monitor) -> Result<DemoSummary, DemoError> {
    let started = Instant::now();
    check(options)?;
    if let Some(summary) = existing(dir, options)? {
        return Ok(summary);
    }
    files::make_folder(dir)?;
    remove_unfinished(dir);
    let stage = tempfile::Builder::new()
        .prefix(UNFINISHED)
        .tempdir_in(dir)
        .map_err(|e| DemoError::io("make a folder in", dir, &e))?;
    let frames = film(stage.path(), options, monitor)?;
    let subjects = subjects(options.subjects);
    let test_subjects = subjects.iter().filter(|(_, split)| *split == "test").count();
    let summary = DemoSummary {
        root: dir.to_path_buf(),
        train_subjects: subjects.len() - test_subjects,
        test_subjects,
        classes: Exercise::ALL.len(),
        frames,
        seconds: 0.0,
        reused: false,
    };
    files::write(&stage.path().join("split.csv"), files::split_csv(&subjects).as_bytes())?;
    files::write(&stage.path().join("classes.ron"), ron_text(&files::classes())?.as_bytes())?;
    let marker = Marker { options: options.clone(), summary: DemoSummary { root: PathBuf::new(), ..summary.clone() } };
    files::write(&stage.path().join(MARKER), ron_text(&marker)?.as_bytes())?;
    move_into_place(stage.path(), dir)?;
    Ok(DemoSummary { seconds: started.elapsed().as_secs_f64(), ..summary })
}

/// What the marker file holds; the folder's own path is left out, so that the dataset can be moved.
#[derive(Serialize, Deserialize)]
struct Marker {
    options: DemoOptions,
    summary: DemoSummary,
}

fn ron_text<T: Serialize>(value: &T) -> Result<String, DemoError> {
    let pretty = ron::ser::PrettyConfig::default();
    let text = ron::ser::to_string_pretty(value, pretty)
        .map_err(|e| DemoError::Options(format!("values that cannot be written: {e}")))?;
    Ok(text + "\n")
}

fn check(options: &DemoOptions) -> Result<(), DemoError> {
    if !(1..=200).contains(&options.subjects) {
        return Err(DemoError::Options(format!("{} subjects; choose 1 to 200", options.subjects)));
    }
    if !(4..=9_000).contains(&options.exercise_frames) || options.rest_frames > 9_000 {
        return Err(DemoError::Options(format!(
            "exercises of {} and rests of {} frames; choose 4 to 9000 and 0 to 9000",
            options.exercise_frames, options.rest_frames
        )));
    }
    Ok(())
}

/// Names of the subjects and their part: every third one is for testing, and of two the second.
fn subjects(n: usize) -> Vec<(String, &'static str)> {
    let digits = n.to_string().len().max(2);
    (0..n)
        .map(|i| {
            let test = i % 3 == 2 || (n == 2 && i == 1);
            (format!("s{:0digits$}", i + 1), if test { "test" } else { "train" })
        })
        .collect()
}

/// Looks at what is in `dir`: `Some` when it already holds this dataset, `None` when it may be filled.
fn existing(dir: &Path, options: &DemoOptions) -> Result<Option<DemoSummary>, DemoError> {
    let occupied = |what: &str, ours| DemoError::Occupied { path: dir.to_path_buf(), what: what.to_owned(), ours };
    match fs::metadata(dir) {
        // Below a file there is nothing either; making the folder will say so.
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(None),
        Err(e) => return Err(DemoError::io("look into", dir, &e)),
        Ok(meta) if !meta.is_dir() => return Err(occupied("a file", false)),
        Ok(_) => {}
    }
    let marker: Option<Marker> =
        read_text(&dir.join(MARKER), TEXT_LIMIT).ok().and_then(|text| ron::from_str(&text).ok());
    let mut foreign = None;
    for entry in fs::read_dir(dir).map_err(|e| DemoError::io("look into", dir, &e))? {
        let entry = entry.map_err(|e| DemoError::io("look into", dir, &e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let ours = marker.is_some() && PARTS.contains(&name.as_str());
        if !ours && !name.starts_with(UNFINISHED) {
            foreign.get_or_insert(name);
        }
    }
    match (marker, foreign) {
        (Some(_), _) if options.force => Ok(None),
        (Some(m), _) if DemoOptions { force: options.force, ..m.options.clone() } == *options && complete(dir, &m) => {
            Ok(Some(DemoSummary { root: dir.to_path_buf(), seconds: 0.0, reused: true, ..m.summary }))
        }
        (Some(_), _) => Err(occupied("another demo dataset", true)),
        (None, Some(name)) => Err(occupied(&format!("other files ({name})"), false)),
        (None, None) => Ok(None),
    }
}

/// True when every subject's video and labels are there.
fn complete(dir: &Path, marker: &Marker) -> bool {
    PARTS.iter().all(|part| dir.join(part).exists())
        && subjects(marker.options.subjects).iter().all(|(s, _)| {
            dir.join(format!("dataset/anon/{s}.mp4")).is_file() && dir.join(format!("label/{s}.csv")).is_file()
        })
}

/// Removes what a killed run left behind.
fn remove_unfinished(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            // Left-overs cost only space: failing to remove them is no reason to stop.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Replaces the parts in `dir` by those in `stage`; the marker goes first and comes last.
fn move_into_place(stage: &Path, dir: &Path) -> Result<(), DemoError> {
    for part in PARTS.iter().rev() {
        let old = dir.join(part);
        let removed = if old.is_dir() { fs::remove_dir_all(&old) } else { fs::remove_file(&old) };
        match removed {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(DemoError::io("replace", &old, &e)),
            _ => {}
        }
    }
    for part in PARTS {
        let to = dir.join(part);
        fs::rename(stage.join(part), &to).map_err(|e| DemoError::io("move the finished files to", &to, &e))?;
    }
    Ok(())
}

/// Makes every subject's files below `root`; returns the number of frames.
fn film(root: &Path, options: &DemoOptions, monitor: &dyn Monitor) -> Result<u64, DemoError> {
    let paths = files::Paths::create(root)?;
    let random = |stream: u64| {
        let mut rng = ChaCha8Rng::seed_from_u64(options.seed);
        rng.set_stream(stream);
        rng
    };
    let cast = actor::cast(options.subjects, SIZE.0 as f32, SIZE.1 as f32, &mut random(0));
    let takes: Vec<record::Take<'_>> = cast
        .iter()
        .zip(subjects(options.subjects))
        .enumerate()
        .map(|(i, (actor, (subject, _)))| {
            let stream = 2 * i as u64 + 1;
            let mut rng = random(stream);
            let script = script::Script::draw(actor, options.exercise_frames, options.rest_frames, &mut rng);
            record::Take { subject, actor, script, scenery: random(stream + 1), pose_video: options.pose_videos }
        })
        .collect();
    let total: u64 = takes.iter().map(|t| u64::from(t.script.frames())).sum();
    let tally = Tally { monitor, done: AtomicU64::new(0), total, abandoned: AtomicBool::new(false) };
    monitor.stage(Tally::LABEL, 0, total);
    let results: Vec<Result<(), DemoError>> = takes
        .into_par_iter()
        .with_max_len(1)
        .map(|take| {
            let result = record::record(&paths, take, &tally);
            if result.is_err() {
                tally.abandoned.store(true, Ordering::Relaxed);
            }
            result
        })
        .collect();
    // The cause comes before the "stopped" of those that gave up because of it.
    let mut errors: Vec<DemoError> = results.into_iter().filter_map(Result::err).collect();
    errors.sort_by_key(|e| matches!(e, DemoError::Stopped));
    errors.into_iter().next().map_or(Ok(total), Err)
}

/// Progress of all subjects together.
struct Tally<'a> {
    monitor: &'a dyn Monitor,
    done: AtomicU64,
    total: u64,
    abandoned: AtomicBool,
}

impl Tally<'_> {
    const LABEL: &'static str = "drawing people";

    /// Counts frames, waits while paused, and fails when the work should end.
    fn add(&self, frames: u64) -> Result<(), DemoError> {
        let done = self.done.fetch_add(frames, Ordering::Relaxed) + frames;
        self.monitor.stage(Self::LABEL, done, self.total);
        loop {
            if self.abandoned.load(Ordering::Relaxed) {
                return Err(DemoError::Stopped);
            }
            match self.monitor.poll() {
                // Half a dataset is of no use: both ways of ending stop at once.
                Flow::Stop | Flow::Finish => return Err(DemoError::Stopped),
                Flow::Pause => std::thread::sleep(Duration::from_millis(30)),
                Flow::Continue => return Ok(()),
            }
        }
    }
}
