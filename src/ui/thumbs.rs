//! Small pictures of clips, decoded on a thread of their own. Asking never blocks; what is no longer on screen is not
//! decoded any more.

use super::awaited::Awaited;
use super::widgets::clip_grid::{Pictures, Thumbnail};
use crate::domain::RgbImage;
use crate::files::{Stamp, stamp};
use crate::video::Video;
use egui::{ColorImage, TextureHandle, TextureOptions};
use parking_lot::{Condvar, Mutex};
use std::cell::RefCell;
use std::collections::{HashMap, HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Longest side of a picture in pixels: twice the usual card, for dense screens.
const SIDE: u32 = 264;
/// Pictures kept as textures; about 80 kB each.
const KEEP: usize = 900;
/// Opened videos kept by the thread.
const OPEN_VIDEOS: usize = 6;
/// How often a file whose pictures are on screen is looked for.
const LOOK_AGAIN: Duration = Duration::from_secs(4);
/// Frames decoded before the window hears of them.
const BATCH: usize = 32;

type ThumbnailKey = (PathBuf, u32);

/// A decoded, shrunk frame with the width of its pixels, or the sentence why there is none.
type Decoded = Result<(RgbImage, f32), String>;

#[derive(Default)]
struct Queue {
    /// Screen pass the queries are from; a newer pass replaces them.
    pass: u64,
    wanted: Vec<ThumbnailKey>,
    busy: HashSet<ThumbnailKey>,
    done: Vec<(ThumbnailKey, Decoded)>,
    /// Files to be looked for, and those found to be gone or other ones.
    doubtful: Vec<PathBuf>,
    changed: Vec<PathBuf>,
    closed: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    signal: Condvar,
}

enum Kept {
    Texture { texture: TextureHandle, aspect: f32, used: u64 },
    Failed(String),
}

/// The loader. It belongs to the window's thread; dropping it ends the decoding thread.
pub struct Thumbs {
    shared: Arc<Shared>,
    kept: RefCell<HashMap<ThumbnailKey, Kept>>,
    /// When a file was last looked for.
    looked: RefCell<HashMap<PathBuf, Instant>>,
}

impl Thumbs {
    /// Starts the thread. `wake` is called from it whenever there is something new to show.
    pub fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let shared = Arc::new(Shared { queue: Mutex::new(Queue::default()), signal: Condvar::new() });
        let theirs = Arc::clone(&shared);
        let spawned = std::thread::Builder::new().name("clip pictures".into()).spawn(move || work(&theirs, &wake));
        if let Err(error) = spawned {
            log::warn!("clip pictures stay empty, their thread cannot start: {error}");
        }
        Self { shared, kept: RefCell::default(), looked: RefCell::default() }
    }

    /// A loader that repaints the window `ctx` belongs to.
    pub fn of_window(ctx: &egui::Context) -> Self {
        let ctx = ctx.clone();
        Self::new(Arc::new(move || ctx.request_repaint()))
    }

    /// Forgets everything, for a dataset that was read again.
    pub fn clear(&self) {
        self.kept.borrow_mut().clear();
    }

    /// Has a file looked for, now and then: what is gone is not shown as if it were there.
    fn look(&self, path: &Path) {
        let mut looked = self.looked.borrow_mut();
        if looked.get(path).is_none_or(|at| at.elapsed() > LOOK_AGAIN) {
            if looked.len() > KEEP {
                // Only what is on screen matters.
                looked.retain(|_, at| at.elapsed() <= LOOK_AGAIN);
            }
            looked.insert(path.to_path_buf(), Instant::now());
            self.shared.queue.lock().doubtful.push(path.to_path_buf());
            self.shared.signal.notify_one();
        }
    }

    fn collect(&self, ctx: &egui::Context, pass: u64) {
        let (done, changed) = {
            let mut queue = self.shared.queue.lock();
            (std::mem::take(&mut queue.done), std::mem::take(&mut queue.changed))
        };
        if done.is_empty() && changed.is_empty() {
            return;
        }
        let mut kept = self.kept.borrow_mut();
        kept.retain(|(path, _), _| !changed.contains(path));
        for (key, decoded) in done {
            let entry = match decoded {
                Ok((image, pixel)) => {
                    let size = [image.width as usize, image.height as usize];
                    let color = ColorImage::from_rgb(size, &image.data);
                    let texture = ctx.load_texture("clip picture", color, TextureOptions::LINEAR);
                    let aspect = image.width as f32 * pixel / image.height.max(1) as f32;
                    Kept::Texture { texture, aspect, used: pass }
                }
                Err(message) => Kept::Failed(message),
            };
            kept.insert(key, entry);
        }
        if kept.len() > KEEP {
            let mut ages: Vec<u64> = kept.values().map(age).collect();
            let middle = ages.len() / 2;
            let limit = *ages.select_nth_unstable(middle).1;
            kept.retain(|_, k| age(k) > limit || age(k) + 2 >= pass);
        }
    }
}

fn age(kept: &Kept) -> u64 {
    match kept {
        Kept::Texture { used, .. } => *used,
        Kept::Failed(_) => 0,
    }
}

impl Pictures for Thumbs {
    fn picture(&self, ctx: &egui::Context, path: &Path, frame: u32) -> Awaited<Thumbnail> {
        let pass = ctx.cumulative_pass_nr();
        self.collect(ctx, pass);
        self.look(path);
        let key = (path.to_path_buf(), frame);
        match self.kept.borrow_mut().get_mut(&key) {
            Some(Kept::Texture { texture, aspect, used }) => {
                *used = pass;
                return Awaited::Ready(Thumbnail { texture: texture.id(), aspect: *aspect });
            }
            Some(Kept::Failed(message)) => return Awaited::Unavailable(message.clone()),
            None => {}
        }
        let mut queue = self.shared.queue.lock();
        if queue.pass != pass {
            queue.pass = pass;
            queue.wanted.clear();
        }
        if !queue.busy.contains(&key) && !queue.wanted.contains(&key) {
            queue.wanted.push(key);
            self.shared.signal.notify_one();
        }
        Awaited::Pending(None)
    }
}

impl Drop for Thumbs {
    fn drop(&mut self) {
        self.shared.queue.lock().closed = true;
        self.shared.signal.notify_all();
    }
}

/// The decoding thread.
fn work(shared: &Shared, wake: &Arc<dyn Fn() + Send + Sync>) {
    let mut videos: VecDeque<(PathBuf, Video)> = VecDeque::new();
    let mut stamps: HashMap<PathBuf, Option<Stamp>> = HashMap::new();
    loop {
        let (path, frames) = match next_task(shared) {
            None => return,
            Some(NextStep::Look(paths)) => {
                let changed: Vec<PathBuf> =
                    paths.into_iter().filter(|p| stamps.get(p).is_some_and(|then| *then != stamp(p))).collect();
                if !changed.is_empty() {
                    stamps.retain(|path, _| !changed.contains(path));
                    videos.retain(|(path, _)| !changed.contains(path));
                    shared.queue.lock().changed.extend(changed);
                    wake();
                }
                continue;
            }
            Some(NextStep::Decode(path, frames)) => (path, frames),
        };
        stamps.entry(path.clone()).or_insert_with(|| stamp(&path));
        // A decoder that panics must cost its pictures, not all those after them.
        let decoded = catch_unwind(AssertUnwindSafe(|| decode(&mut videos, &path, &frames)))
            .unwrap_or_else(|_| Err(format!("cannot show {}: the decoder stopped unexpectedly", path.display())));
        let mut queue = shared.queue.lock();
        queue.busy.clear();
        match decoded {
            Ok(mut found) => {
                for frame in frames {
                    let result = found.remove(&frame).unwrap_or_else(|| Err(format!("frame {frame} does not decode")));
                    queue.done.push(((path.clone(), frame), result));
                }
            }
            Err(message) => {
                queue.done.extend(frames.into_iter().map(|f| ((path.clone(), f), Err(message.clone()))));
            }
        }
        drop(queue);
        wake();
    }
}

/// What the thread does next.
enum NextStep {
    /// Files that may be gone.
    Look(Vec<PathBuf>),
    /// Frames of a video.
    Decode(PathBuf, Vec<u32>),
}

/// Waits for queries and takes those of one video; `None` when the window is gone.
fn next_task(shared: &Shared) -> Option<NextStep> {
    let mut queue = shared.queue.lock();
    loop {
        if queue.closed {
            return None;
        }
        if !queue.doubtful.is_empty() {
            return Some(NextStep::Look(std::mem::take(&mut queue.doubtful)));
        }
        if let Some((path, _)) = queue.wanted.first().cloned() {
            let mut frames = Vec::new();
            queue.wanted.retain(|(p, f)| {
                let take = *p == path && frames.len() < BATCH;
                if take {
                    frames.push(*f);
                }
                !take
            });
            queue.busy = frames.iter().map(|f| (path.clone(), *f)).collect();
            frames.sort_unstable();
            return Some(NextStep::Decode(path, frames));
        }
        shared.signal.wait(&mut queue);
    }
}

/// Decodes `frames` (rising) of the video at `path`.
fn decode(
    videos: &mut VecDeque<(PathBuf, Video)>,
    path: &Path,
    frames: &[u32],
) -> Result<HashMap<u32, Decoded>, String> {
    let video = match videos.iter().find(|(p, _)| p == path) {
        Some((_, video)) => video.clone(),
        None => {
            let video = Video::open(path).map_err(|e| e.to_string())?;
            videos.push_front((path.to_path_buf(), video.clone()));
            videos.truncate(OPEN_VIDEOS);
            video
        }
    };
    let (num, den) = video.info().pixel_aspect;
    let pixel = if num == 0 || den == 0 { 1.0 } else { num as f32 / den as f32 };
    let mut out = HashMap::new();
    let (Some(first), Some(last)) = (frames.first(), frames.last()) else { return Ok(out) };
    // Neighbouring frames cost one run of the decoder, scattered ones a jump each.
    let span = (last - first) as usize + 1;
    if frames.len() > 1 && span <= frames.len() * 4 + 16 {
        let mut each = |frame: Arc<crate::video::Frame>| {
            if frames.binary_search(&frame.index).is_ok() {
                out.insert(frame.index, Ok((shrink(&frame.image, SIDE), pixel)));
            }
            frame.index < *last
        };
        video.for_each(*first, last + 1, &mut each).map_err(|e| e.to_string())?;
    } else {
        for index in frames {
            let result = video.frame(*index).map(|f| (shrink(&f.image, SIDE), pixel)).map_err(|e| e.to_string());
            out.insert(*index, result);
        }
    }
    Ok(out)
}

/// The picture made small enough for a card by averaging whole blocks of pixels.
fn shrink(image: &RgbImage, side: u32) -> RgbImage {
    let factor = image.width.max(image.height).div_ceil(side.max(1)).max(1);
    if factor == 1 {
        return image.clone();
    }
    let (width, height) = ((image.width / factor).max(1), (image.height / factor).max(1));
    let mut data = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            let mut sum = [0_u32; 3];
            let mut count = 0;
            for yy in y * factor..((y + 1) * factor).min(image.height) {
                let at = (yy as usize * image.width as usize + (x * factor) as usize) * 3;
                let end = at + ((factor.min(image.width - x * factor)) as usize) * 3;
                for pixel in image.data.get(at..end).unwrap_or_default().chunks_exact(3) {
                    for (s, v) in sum.iter_mut().zip(pixel) {
                        *s += u32::from(*v);
                    }
                    count += 1;
                }
            }
            data.extend(sum.map(|s| (s / count.max(1)) as u8));
        }
    }
    RgbImage::new(width, height, data).unwrap_or_else(|| image.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shrinking_averages_blocks() {
        let data: Vec<u8> = (0..4).flat_map(|y| (0..4).flat_map(move |x| [x * 10, y * 10, 7])).collect();
        let small = shrink(&RgbImage::new(4, 4, data).unwrap(), 2);
        assert_eq!((small.width, small.height), (2, 2));
        assert_eq!(&small.data[..3], [5, 5, 7]);
        assert_eq!(&small.data[9..], [25, 25, 7]);
    }

    #[test]
    fn odd_sizes_and_slivers_stay_pictures() {
        for (w, h) in [(1, 1), (1, 999), (531, 2), (399, 551)] {
            let image = RgbImage::new(w, h, vec![9; (w * h * 3) as usize]).unwrap();
            let small = shrink(&image, 100);
            assert!(small.width <= 100 && small.height <= 100 && small.width * small.height > 0);
            assert!(small.data.iter().all(|v| *v == 9));
        }
    }

    #[test]
    fn pictures_of_a_file_that_is_gone_go_too() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.mp4");
        let mut writer = crate::video::VideoWriter::create(&path, 64, 64, 10.0).unwrap();
        for _ in 0..3 {
            writer.push(&RgbImage::new(64, 64, vec![90; 64 * 64 * 3]).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        let thumbs = Thumbs::new(Arc::new(|| {}));
        let ctx = egui::Context::default();
        let until = |what: &str, holds: &dyn Fn(Awaited<Thumbnail>) -> bool| {
            let begun = Instant::now();
            while !holds(thumbs.picture(&ctx, &path, 0)) {
                assert!(begun.elapsed() < Duration::from_secs(20), "waited in vain for {what}");
                std::thread::sleep(Duration::from_millis(20));
                ctx.run_ui(egui::RawInput::default(), |_| {}).textures_delta.clear();
            }
        };
        until("the picture", &|p| matches!(p, Awaited::Ready(_)));
        std::fs::remove_file(&path).unwrap();
        until("the sentence", &|p| matches!(p, Awaited::Unavailable(_)));
    }

    #[test]
    fn a_video_that_cannot_be_opened_says_so_and_the_thread_lives_on() {
        let (sender, woken) = crossbeam_channel::unbounded();
        let thumbs = Thumbs::new(Arc::new(move || {
            let _ = sender.send(());
        }));
        let ctx = egui::Context::default();
        for name in ["/nowhere/a.mp4", "/nowhere/b.mp4"] {
            let path = Path::new(name);
            assert!(matches!(thumbs.picture(&ctx, path, 3), Awaited::Pending(None)));
            woken.recv_timeout(Duration::from_secs(10)).unwrap();
            match thumbs.picture(&ctx, path, 3) {
                Awaited::Unavailable(message) => assert!(message.contains(name), "{message}"),
                other => panic!("{other:?}"),
            }
        }
    }
}
