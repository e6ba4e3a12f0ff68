//! Videos of a dataset that show the same: equal files, and recordings that were encoded anew.
//!
//! Under two labels, or in training and in testing, they are the worst fault a dataset can have. Equal files have equal
//! contents. What was encoded, scaled or brightened anew looks alike: four frames, at the same share of the length, each as
//! 16x12 grey cells without their mean. On real sets of one person before one background the most unlike cells of different
//! recordings differ by 42 levels at least (mirrored copies are such), those of recordings encoded anew by 20 at most.

use super::DataError;
use super::limited::Limited;
use super::video_facts::{FactsCache, More};
use crate::domain::{Copies, Dataset, Label, RgbImage, Split, Task, VideoEntry};
use crate::progress::Monitor;
use crate::video::Video;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

/// Cells of a frame.
const COLUMNS: u32 = 16;
const ROWS: u32 = 12;
const CELLS: usize = (COLUMNS * ROWS) as usize;
/// Frames compared, at these quarters of the length.
const QUARTERS: [u32; 4] = [0, 1, 2, 3];
/// Frames tried in place of one that cannot be shown.
const NEIGHBOURS: usize = 8;
/// Most that a cell may differ, in grey levels.
const MOST: f32 = 28.0;
/// Most that cells may differ in the mean (root of the mean square).
const MEAN: f32 = 5.5;
/// A frame whose cells spread less than this shows nothing to compare by.
const FLAT: f32 = 6.0;
/// Lengths differ by no more than this share.
const LENGTH: f64 = 0.04;

/// The groups of videos that show the same, with what was worked out kept in the cache; without `with_alike`, which decodes
/// nearly all of them, only equal files.
///
/// # Errors
/// [`DataError::Stopped`].
pub(super) fn find(
    dataset: &Dataset,
    cache: &Mutex<FactsCache>,
    with_alike: bool,
    monitor: &dyn Monitor,
) -> Result<Vec<Copies>, DataError> {
    let mut groups = Groups::new(dataset.videos.len());
    equal(dataset, cache, &mut groups, monitor)?;
    if with_alike {
        alike(dataset, cache, &mut groups, monitor)?;
    }
    Ok(groups.copies())
}

/// Videos joined into groups.
struct Groups {
    of: Vec<usize>,
    /// Joined because they look alike.
    alike: Vec<bool>,
}

impl Groups {
    fn new(videos: usize) -> Self {
        Self { of: (0..videos).collect(), alike: vec![false; videos] }
    }

    fn top(&self, mut i: usize) -> usize {
        while self.of[i] != i {
            i = self.of[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize, alike: bool) {
        let (a, b) = (self.top(a), self.top(b));
        let (first, second) = (a.min(b), a.max(b));
        self.alike[first] |= alike || self.alike[second];
        self.of[second] = first;
    }

    fn copies(&self) -> Vec<Copies> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        (0..self.of.len()).for_each(|i| groups.entry(self.top(i)).or_default().push(i));
        let several = groups.into_iter().filter(|(_, videos)| videos.len() > 1);
        several.map(|(top, videos)| Copies { equal: !self.alike[top], videos }).collect()
    }
}

fn named<'a>(dataset: &'a Dataset, videos: &[usize]) -> Vec<(&'a str, &'a Path)> {
    let entry = |i: &usize| dataset.videos.get(*i).map(|v| (v.name.as_str(), v.path.as_path()));
    videos.iter().filter_map(entry).collect()
}

/// Files with one content: of equal quick digests the whole is read.
fn equal(
    dataset: &Dataset,
    cache: &Mutex<FactsCache>,
    groups: &mut Groups,
    monitor: &dyn Monitor,
) -> Result<(), DataError> {
    let mut by_content: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (i, video) in dataset.videos.iter().enumerate().filter(|(_, v)| !v.content().is_empty()) {
        by_content.entry(video.content()).or_default().push(i);
    }
    let several: Vec<usize> = by_content.into_values().filter(|v| v.len() > 1).flatten().collect();
    let wholes = FactsCache::more(cache, More::Whole, &named(dataset, &several), monitor)?;
    let mut first: BTreeMap<String, usize> = BTreeMap::new();
    for (i, whole) in several.iter().zip(wholes) {
        let Some(whole) = whole else { continue };
        match first.get(&whole) {
            Some(other) => groups.join(*other, *i, false),
            None => drop(first.insert(whole, *i)),
        }
    }
    Ok(())
}

/// True when both are labelled alike.
fn same_labels(a: &VideoEntry, b: &VideoEntry) -> bool {
    let parts = |v: &VideoEntry| {
        // Lines and people may differ where the classes of the frames do not.
        let mut parts: Vec<(u32, u32, Label)> = v.class_spans().map(|s| (s.start, s.end, s.label)).collect();
        parts.sort_unstable();
        parts.dedup();
        parts
    };
    a.labels == b.labels && (!a.labels.is_empty() || parts(a) == parts(b))
}

/// True where it matters whether two videos show the same: they are labelled otherwise, or are or may come to be in
/// different splits.
fn matters(a: &VideoEntry, b: &VideoEntry) -> bool {
    !same_labels(a, b) || a.split != b.split || a.split == Split::Unassigned
}

fn near(x: f64, y: f64) -> bool {
    (x - y).abs() <= LENGTH * x.max(y)
}

fn same_length(a: &VideoEntry, b: &VideoEntry) -> bool {
    let (Some(a), Some(b)) = (&a.facts, &b.facts) else { return false };
    (a.frames == 1) == (b.frames == 1)
        && (near(f64::from(a.frames), f64::from(b.frames)) || near(a.duration_s, b.duration_s))
}

/// Recordings that look alike. Only those of one length are looked at.
fn alike(
    dataset: &Dataset,
    cache: &Mutex<FactsCache>,
    groups: &mut Groups,
    monitor: &dyn Monitor,
) -> Result<(), DataError> {
    let videos = &dataset.videos;
    let mut wanted = vec![false; videos.len()];
    let mut sorted: Vec<usize> = (0..videos.len()).filter(|i| videos[*i].frames() > 0).collect();
    let frames = |v: &VideoEntry| f64::from(v.frames());
    let seconds = |v: &VideoEntry| v.facts.as_ref().map_or(0.0, |f| f.duration_s);
    for key in [&frames as &dyn Fn(&VideoEntry) -> f64, &seconds] {
        sorted.sort_by(|a, b| key(&videos[*a]).total_cmp(&key(&videos[*b])));
        for (at, i) in sorted.iter().enumerate() {
            let one = &videos[*i];
            let counts = |j: &&usize| near(key(one), key(&videos[**j]));
            let (before, after) = (sorted[..at].iter().rev(), &sorted[at + 1..]);
            let mut others = before.take_while(counts).chain(after.iter().take_while(counts));
            wanted[*i] |= others.any(|j| matters(one, &videos[*j]) && same_length(one, &videos[*j]));
        }
    }
    let asked: Vec<usize> = (0..videos.len()).filter(|i| wanted[*i]).collect();
    let texts = FactsCache::more(cache, More::Looks, &named(dataset, &asked), monitor)?;
    let mut looks: Vec<(usize, Looks)> =
        asked.iter().zip(texts).filter_map(|(i, text)| Some((*i, Looks::parse(&text?)?))).collect();
    looks.sort_by(|a, b| a.1.lean.total_cmp(&b.1.lean).then(a.0.cmp(&b.0)));
    for (at, (i, a)) in looks.iter().enumerate() {
        // Halves of pictures that look alike lean alike: the mean of half the cells differs by little.
        for (j, b) in looks[at + 1..].iter().take_while(|(_, b)| b.lean - a.lean <= 2.0 * MEAN) {
            let (x, y) = (&videos[*i], &videos[*j]);
            if matters(x, y) && same_length(x, y) && groups.top(*i) != groups.top(*j) && a.is_like(b) {
                groups.join(*i, *j, true);
            }
        }
    }
    Ok(())
}

/// What a video looks like: its frames as cells of grey, without their mean.
struct Looks {
    frames: Vec<Vec<f32>>,
    /// How much brighter the left half of the first frame is.
    lean: f32,
}

impl Looks {
    fn parse(text: &str) -> Option<Self> {
        let bytes: Option<Vec<u8>> =
            (0..text.len() / 2).map(|i| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok()).collect();
        let bytes = bytes?;
        let frames: Vec<Vec<f32>> = bytes
            .chunks_exact(CELLS)
            .map(|frame| {
                let mean = frame.iter().map(|v| f32::from(*v)).sum::<f32>() / CELLS as f32;
                frame.iter().map(|v| f32::from(*v) - mean).collect()
            })
            .collect();
        let first = frames.first()?;
        let half = |left: bool| {
            let cells = first.iter().enumerate().filter(|(i, _)| ((*i as u32) % COLUMNS < COLUMNS / 2) == left);
            cells.map(|(_, v)| v).sum::<f32>() / (CELLS / 2) as f32
        };
        let lean = half(true) - half(false);
        let spread = |f: &Vec<f32>| (f.iter().map(|v| v * v).sum::<f32>() / CELLS as f32).sqrt();
        // A title or a black picture may begin many videos; most of the frames must show something.
        let telling = frames.iter().filter(|f| spread(f) >= FLAT).count();
        (2 * telling > frames.len()).then_some(Self { frames, lean })
    }

    fn is_like(&self, other: &Self) -> bool {
        self.frames.len() == other.frames.len()
            && self.frames.iter().zip(&other.frames).all(|(a, b)| {
                let mut sum = 0.0;
                let within = a.iter().zip(b).all(|(x, y)| {
                    let d = (x - y).abs();
                    sum += d * d;
                    d <= MOST
                });
                within && (sum / CELLS as f32).sqrt() <= MEAN
            })
    }
}

/// What a video looks like, as text; `None` when it cannot be decoded.
pub(super) fn looks(path: &Path) -> Option<String> {
    let video = Video::open(path).ok()?;
    let frames = video.info().frames;
    let mut numbers: Vec<u32> = QUARTERS.iter().map(|q| (u64::from(frames) * u64::from(*q) / 4) as u32).collect();
    if frames == 1 {
        numbers.truncate(1);
    }
    let mut out = String::with_capacity(2 * CELLS * numbers.len());
    for number in numbers {
        // A frame that cannot be shown has a neighbour that can.
        let frame = (number..frames).take(NEIGHBOURS).find_map(|n| video.frame(n).ok())?;
        for cell in cells(&frame.image) {
            // Writing to a string cannot fail.
            let _ = write!(out, "{cell:02x}");
        }
    }
    Some(out)
}

/// Mean grey of each cell.
fn cells(image: &RgbImage) -> Vec<u8> {
    let span = |at: u32, of: u32, side: u32| {
        let from = (at * side / of).min(side.saturating_sub(1));
        (from, ((at + 1) * side / of).max(from + 1).min(side))
    };
    let mut out = Vec::with_capacity(CELLS);
    for row in 0..ROWS {
        let (top, bottom) = span(row, ROWS, image.height);
        for column in 0..COLUMNS {
            let (left, right) = span(column, COLUMNS, image.width);
            let mut sum = 0_u64;
            for y in top..bottom {
                let at = |x: u32| (y as usize * image.width as usize + x as usize) * 3;
                let pixels = image.data.get(at(left)..at(right)).unwrap_or_default();
                let grey = |p: &[u8]| 77 * u64::from(p[0]) + 150 * u64::from(p[1]) + 29 * u64::from(p[2]);
                sum += pixels.chunks_exact(3).map(grey).sum::<u64>();
            }
            let count = u64::from(bottom - top) * u64::from(right - left);
            out.push((sum / 256 / count.max(1)).min(255) as u8);
        }
    }
    out
}

/// Says which copies are labelled otherwise or lie in several splits.
pub(super) fn warn(dataset: &Dataset, copies: &[Copies], warnings: &mut Limited) {
    for copies in copies {
        let videos: Vec<&VideoEntry> = copies.videos.iter().filter_map(|i| dataset.videos.get(*i)).collect();
        let how = |a: &VideoEntry, b: &VideoEntry| {
            if a.content() == b.content() { "are the same file" } else { "show the same recording, encoded anew" }
        };
        // The first of those that count, and one that differs from it.
        let pair = |counts: &dyn Fn(&VideoEntry) -> bool, differ: &dyn Fn(&VideoEntry, &VideoEntry) -> bool| {
            let mut counting = videos.iter().copied().filter(|v| counts(v));
            let first = counting.next()?;
            counting.find(|v| differ(first, v)).map(|v| (first, v))
        };
        let several = if videos.len() > 2 { format!(" ({} videos in all)", videos.len()) } else { String::new() };
        if let Some((a, b)) = pair(&VideoEntry::is_labelled, &|a, b| !same_labels(a, b)) {
            let (x, y) = (label(dataset, a), label(dataset, b));
            let labels =
                if x == y { "their labels differ".to_owned() } else { format!("one is '{x}', the other '{y}'") };
            warnings.push(
                "copies labelled otherwise",
                &b.path,
                format!(
                    "{} and {}{several} {}, but {labels}; one of the labels is wrong, keep one",
                    a.name,
                    b.name,
                    how(a, b)
                ),
            );
        }
        if let Some((a, b)) = pair(&|v| v.split != Split::Unassigned, &|a, b| a.split != b.split) {
            warnings.push(
                "copies in several splits",
                &b.path,
                format!(
                    "{} ({}) and {} ({}){several} {}; what is learned by heart there is evaluated too, so scores are too \
                     good: keep one",
                    a.name,
                    a.split.name(),
                    b.name,
                    b.split.name(),
                    how(a, b)
                ),
            );
        }
    }
}

/// The class that most of a video shows; in multi-label datasets all of them.
fn label(dataset: &Dataset, video: &VideoEntry) -> String {
    if dataset.task == Task::MultiLabel {
        return video.classes().into_iter().map(|c| dataset.classes.name(c)).collect::<Vec<_>>().join(" + ");
    }
    let longest = video.labels.segments().iter().max_by_key(|s| s.end - s.start);
    match longest.map(|s| s.label) {
        Some(Label::Class(class)) => dataset.classes.name(class).to_owned(),
        Some(Label::Background) => "background".to_owned(),
        None => String::new(),
    }
}
