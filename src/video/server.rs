//! Frames for a viewer that must never wait.

use super::{SharedFrame, Video, VideoError, VideoInfo};
use crate::files::{Stamp, stamp};
use crate::progress::panic_reason;
use parking_lot::{Condvar, Mutex};
use std::any::Any;
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Frames decoded ahead of the playhead while playing.
const AHEAD_PLAYING: u32 = 24;
/// Frames kept ready around the one looked at, so that a step either way is drawn at once.
const AROUND: (u32, u32) = (12, 12);
/// A decode that a newer request overtook is given up after this time. Not sooner: while somebody drags the playhead
/// every decode is overtaken, and some of them must come through for the picture to move.
const PATIENCE: Duration = Duration::from_millis(150);
/// Opened videos and sentences about videos that cannot be opened, kept for coming back.
const VIDEOS_KEPT: usize = 64;

/// How often the file of the video looked at is looked for, while frames of it are asked for.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// What a viewer gets when it asks for a frame.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The exact frame, or the nearest decoded one while the exact one is on its way.
    pub frame: Option<SharedFrame>,
    /// True when `frame` is the one asked for.
    pub exact: bool,
    /// A sentence when the frame cannot be decoded.
    pub error: Option<String>,
}

/// Frames for a viewer: asks never block. A thread decodes into a byte-budgeted cache and wakes the viewer.
///
/// Of several requests for one video only the newest is served. While playing, frames ahead are decoded too; while
/// standing still, those around the one looked at; then the thread sleeps.
pub struct FrameServer {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    decoding: Decoding,
}

/// Reads a frame of a video; gives up where the function says so.
type ReadFrame = fn(&Video, u32, &dyn Fn() -> bool) -> Result<Option<SharedFrame>, VideoError>;

/// How videos are opened and frames found; a test puts something else in its place.
struct Decoding {
    open: fn(&Path) -> Result<Video, VideoError>,
    frame: ReadFrame,
}

const DECODERS: Decoding =
    Decoding { open: Video::open, frame: |video, index, given_up| video.frame_unless(index, given_up) };

#[derive(Default)]
struct State {
    videos: HashMap<Arc<Path>, Opened>,
    frames: HashMap<Arc<Path>, BTreeMap<u32, Held>>,
    errors: HashMap<(Arc<Path>, u32), String>,
    /// One request a video, the newest last.
    wanted: Vec<(Arc<Path>, u32)>,
    /// What the viewer looked at last: the centre of decoding ahead.
    focus: Option<(Arc<Path>, u32)>,
    /// Files as they were when they were opened; `None` where there was none.
    stamps: HashMap<Arc<Path>, Option<Stamp>>,
    /// The file to be looked for.
    doubtful: Option<Arc<Path>>,
    /// The file looked for last, and when.
    looked: Option<(Arc<Path>, Instant)>,
    playing: bool,
    closed: bool,
    /// Why nothing is decoded any more.
    lost: Option<String>,
    bytes: usize,
    budget: usize,
    tick: u64,
}

#[derive(Clone)]
enum Opened {
    Video(Video),
    Failed(String),
}

struct Held {
    frame: SharedFrame,
    used: u64,
}

/// What the thread does next.
#[derive(Clone)]
enum NextStep {
    /// A file that may be gone or another one.
    Look(Arc<Path>),
    /// A frame somebody waits for.
    Serve(Arc<Path>, u32),
    /// Frames nobody waits for yet: `start..end`.
    Prepare(Arc<Path>, u32, u32),
}

impl FrameServer {
    /// Starts the decoding thread. `wake` is called from it whenever something new can be shown.
    pub fn new(budget_bytes: usize, wake: Arc<dyn Fn() + Send + Sync>) -> FrameServer {
        Self::with(budget_bytes, wake, DECODERS)
    }

    fn with(budget_bytes: usize, wake: Arc<dyn Fn() + Send + Sync>, decoding: Decoding) -> FrameServer {
        let state = State { budget: budget_bytes.max(1), ..State::default() };
        let shared = Arc::new(Shared { state: Mutex::new(state), work: Condvar::new(), decoding });
        let theirs = shared.clone();
        let work = move || {
            // A panic of a task is survived; what ends the thread all the same is said to whoever asks.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| theirs.run(&*wake))) {
                let reason = panic_reason(panic.as_ref());
                theirs.state.lock().lost = Some(format!(
                    "Frames are not decoded any more: their thread ended by an internal error ({reason}); save your work \
                     and start kinolens again."
                ));
            }
        };
        if let Err(error) = std::thread::Builder::new().name("frames".into()).spawn(work) {
            log::error!("no thread for decoding frames: {error}");
            shared.state.lock().lost = Some(format!(
                "Frames cannot be decoded: no thread can be started for it ({error}); close other programs and start \
                 kinolens again."
            ));
        }
        FrameServer { shared }
    }

    /// Frame `index` of the video at `path`, or the nearest there is. Returns at once; the newest request wins.
    pub fn request(&self, path: &Path, index: u32) -> Shown {
        let mut state = self.shared.state.lock();
        let path = state.name(path);
        if state.focus.as_ref() != Some(&(path.clone(), index)) {
            state.focus = Some((path.clone(), index));
            self.shared.work.notify_one();
        }
        if state.stamps.contains_key(&path)
            && state.looked.as_ref().is_none_or(|(p, at)| *p != path || at.elapsed() > LOOK_AGAIN)
        {
            state.looked = Some((path.clone(), Instant::now()));
            state.doubtful = Some(path.clone());
            self.shared.work.notify_one();
        }
        state.tick += 1;
        let tick = state.tick;
        if let Some(held) = state.frames.get_mut(&path).and_then(|f| f.get_mut(&index)) {
            held.used = tick;
            let frame = Some(held.frame.clone());
            state.wanted.retain(|(p, _)| *p != path);
            return Shown { frame, exact: true, error: None };
        }
        let nearest = state.nearest(&path, index);
        let failed = match state.videos.get(&path) {
            Some(Opened::Failed(reason)) => Some(reason.clone()),
            _ => state.errors.get(&(path.clone(), index)).cloned().or_else(|| state.lost.clone()),
        };
        if failed.is_none() && !state.wanted.iter().any(|w| w.0 == path && w.1 == index) {
            state.wanted.retain(|(p, _)| *p != path);
            state.wanted.push((path, index));
            self.shared.work.notify_one();
        }
        Shown { frame: nearest, exact: false, error: failed }
    }

    /// Decode ahead of the last request while playing (true), or around it (false).
    pub fn set_playing(&self, playing: bool) {
        let mut state = self.shared.state.lock();
        if state.playing != playing {
            state.playing = playing;
            self.shared.work.notify_one();
        }
    }

    /// Properties of a video once it has been opened by a request; the error sentence when it cannot be.
    pub fn info(&self, path: &Path) -> Option<Result<VideoInfo, String>> {
        match self.shared.state.lock().videos.get(path)? {
            Opened::Video(video) => Some(Ok(video.info().clone())),
            Opened::Failed(reason) => Some(Err(reason.clone())),
        }
    }

    /// Forgets what is known about a video that changed on disk.
    pub fn forget(&self, path: &Path) {
        self.shared.state.lock().forget(path);
    }

    /// Bytes held and the budget.
    pub fn usage(&self) -> (usize, usize) {
        let state = self.shared.state.lock();
        (state.bytes, state.budget)
    }
}

impl Drop for FrameServer {
    fn drop(&mut self) {
        self.shared.state.lock().closed = true;
        self.shared.work.notify_all();
    }
}

impl State {
    fn forget(&mut self, path: &Path) {
        self.videos.remove(path);
        self.stamps.remove(path);
        self.errors.retain(|(p, _), _| **p != *path);
        if let Some(frames) = self.frames.remove(path) {
            self.bytes -= frames.values().map(|h| h.frame.byte_len()).sum::<usize>();
        }
    }

    /// The shared name of a path, so that keys cost no allocation on every request.
    fn name(&self, path: &Path) -> Arc<Path> {
        let known = self.videos.get_key_value(path).map(|(k, _)| k.clone());
        known
            .or_else(|| self.wanted.iter().find(|(p, _)| **p == *path).map(|(p, _)| p.clone()))
            .unwrap_or_else(|| Arc::from(PathBuf::from(path)))
    }

    fn nearest(&self, path: &Path, index: u32) -> Option<SharedFrame> {
        let frames = self.frames.get(path)?;
        let before = frames.range(..=index).next_back();
        let after = frames.range(index..).next();
        let closest = [before, after].into_iter().flatten().min_by_key(|(i, _)| i.abs_diff(index))?;
        Some(closest.1.frame.clone())
    }

    fn holds(&self, path: &Path, index: u32) -> bool {
        self.frames.get(path).is_some_and(|f| f.contains_key(&index))
    }

    fn insert(&mut self, path: &Arc<Path>, frame: SharedFrame) {
        self.tick += 1;
        let (used, index, bytes) = (self.tick, frame.index, frame.byte_len());
        if let Some(old) = self.frames.entry(path.clone()).or_default().insert(index, Held { frame, used }) {
            self.bytes -= old.frame.byte_len();
        }
        self.bytes += bytes;
        while self.bytes > self.budget && self.evict(path, index) {}
    }

    /// Drops the frame used longest ago, never the one just put in. False when there is none.
    fn evict(&mut self, keep_path: &Path, keep: u32) -> bool {
        let all = self.frames.iter().flat_map(|(p, f)| f.iter().map(move |(i, h)| (h.used, p, *i)));
        let oldest = all.filter(|(_, p, i)| !(***p == *keep_path && *i == keep)).min_by_key(|(used, ..)| *used);
        let Some((path, index)) = oldest.map(|(_, p, i)| (p.clone(), i)) else { return false };
        let Some(frames) = self.frames.get_mut(&path) else { return false };
        if let Some(held) = frames.remove(&index) {
            self.bytes -= held.frame.byte_len();
        }
        if frames.is_empty() {
            self.frames.remove(&path);
        }
        true
    }

    fn next_task(&mut self) -> Option<NextStep> {
        if let Some(path) = self.doubtful.take() {
            return Some(NextStep::Look(path));
        }
        if let Some((path, index)) = self.wanted.last() {
            return Some(NextStep::Serve(path.clone(), *index));
        }
        let (path, centre) = self.focus.as_ref()?;
        let Some(Opened::Video(video)) = self.videos.get(path) else { return None };
        let last = video.info().frames;
        // Room is a bound too: decoding ahead must not push out the frames it was meant to complete.
        let size = self.frames.get(path).and_then(|f| f.values().next()).map_or(1, |h| h.frame.byte_len().max(1));
        let room = u32::try_from(self.budget / size / 2).unwrap_or(u32::MAX);
        let (back, ahead) = if self.playing { (0, AHEAD_PLAYING) } else { AROUND };
        let first = centre.saturating_sub(back.min(room));
        let end = centre.saturating_add(ahead.min(room)).saturating_add(1).min(last);
        let missing = |i: &u32| !self.holds(path, *i) && !self.errors.contains_key(&(path.clone(), *i));
        // Ahead first: that is where people go.
        if let Some(start) = (*centre..end).find(missing) {
            return Some(NextStep::Prepare(path.clone(), start, end));
        }
        (first..*centre).find(missing).map(|start| NextStep::Prepare(path.clone(), start, *centre))
    }
}

impl Shared {
    fn run(&self, wake: &(dyn Fn() + Send + Sync)) {
        loop {
            let task = {
                let mut state = self.state.lock();
                loop {
                    if state.closed {
                        return;
                    }
                    match state.next_task() {
                        Some(task) => break task,
                        None => self.work.wait(&mut state),
                    }
                }
            };
            // A decoder that panics must cost a frame and a sentence, not all those after it.
            match catch_unwind(AssertUnwindSafe(|| self.perform(&task))) {
                Ok(true) => wake(),
                Ok(false) => {}
                Err(panic) => {
                    self.survive(&task, panic.as_ref());
                    wake();
                }
            }
        }
    }

    /// Does a task; true when there is something new to show.
    fn perform(&self, task: &NextStep) -> bool {
        match task {
            NextStep::Look(path) => self.look(path),
            NextStep::Serve(path, index) => {
                self.serve(path, *index);
                true
            }
            NextStep::Prepare(path, start, end) => {
                self.prepare(path, *start, *end);
                false
            }
        }
    }

    /// Writes down what a task that panicked failed at, so that it is said and not tried again and again.
    fn survive(&self, task: &NextStep, panic: &(dyn Any + Send)) {
        let reason = panic_reason(panic);
        let sentence = |path: &Path, what: &str| {
            format!(
                "{} {what}: decoding ended by an internal error ({reason}). Other videos are not affected; please report \
                 this with the log.",
                path.display()
            )
        };
        let (NextStep::Look(path) | NextStep::Serve(path, _) | NextStep::Prepare(path, ..)) = task;
        log::error!("{}", sentence(path, "cannot be decoded"));
        let written = stamp(path);
        let mut state = self.state.lock();
        state.wanted.retain(|(p, _)| p != path);
        // The decoder may be half changed: the next frame gets another one.
        let opened = state.videos.remove(path).is_some();
        let at = match task {
            NextStep::Look(_) => return state.forget(path),
            NextStep::Serve(_, index) => *index,
            // Frames arrive in order: the first that is missing is the one.
            NextStep::Prepare(_, start, end) => (*start..*end).find(|i| !state.holds(path, *i)).unwrap_or(*start),
        };
        if opened {
            state.errors.insert((path.clone(), at), sentence(path, &format!("has a frame {at} that cannot be shown")));
        } else {
            state.stamps.insert(path.clone(), written);
            state.videos.insert(path.clone(), Opened::Failed(sentence(path, "cannot be opened")));
        }
    }

    /// Forgets a video whose file is gone, new, or another one; true then.
    fn look(&self, path: &Arc<Path>) -> bool {
        let now = stamp(path);
        let mut state = self.state.lock();
        let changed = state.stamps.get(path).is_some_and(|then| *then != now);
        if changed {
            state.forget(path);
        }
        changed
    }

    /// The opened video, opened now if need be. No lock is held meanwhile.
    fn open(&self, path: &Arc<Path>) -> Opened {
        if let Some(opened) = self.state.lock().videos.get(path) {
            return opened.clone();
        }
        let written = stamp(path);
        let opened = match (self.decoding.open)(path) {
            Ok(video) => Opened::Video(video),
            Err(error) => Opened::Failed(error.to_string()),
        };
        let mut state = self.state.lock();
        if state.videos.len() >= VIDEOS_KEPT {
            let focus = state.focus.as_ref().map(|f| f.0.clone());
            let victim = state.videos.keys().find(|p| Some(*p) != focus.as_ref()).cloned();
            victim.and_then(|v| state.videos.remove(&v));
        }
        if state.stamps.get(path).is_some_and(|then| *then != written) {
            // Frames of the file that was here before.
            state.forget(path);
        }
        state.stamps.insert(path.clone(), written);
        state.videos.insert(path.clone(), opened.clone());
        opened
    }

    fn serve(&self, path: &Arc<Path>, index: u32) {
        let video = match self.open(path) {
            Opened::Video(video) => video,
            Opened::Failed(_) => {
                self.state.lock().wanted.retain(|(p, _)| p != path);
                return;
            }
        };
        let started = Instant::now();
        let overtaken = || {
            let state = self.state.lock();
            state.closed || started.elapsed() > PATIENCE && !state.wanted.contains(&(path.clone(), index))
        };
        let found = (self.decoding.frame)(&video, index, &overtaken);
        let mut state = self.state.lock();
        state.wanted.retain(|w| *w != (path.clone(), index));
        match found {
            Ok(Some(frame)) => state.insert(path, frame),
            Ok(None) => {}
            Err(error) => {
                state.errors.insert((path.clone(), index), error.to_string());
            }
        }
    }

    /// Decodes frames nobody waits for, until somebody wants something.
    fn prepare(&self, path: &Arc<Path>, start: u32, end: u32) {
        let Opened::Video(video) = self.open(path) else { return };
        let mut reached = start;
        let result = video.for_each(start, end, &mut |frame| {
            let mut state = self.state.lock();
            reached = frame.index + 1;
            state.insert(path, frame);
            let moved = state.focus.as_ref().is_none_or(|(p, i)| p != path || i.abs_diff(start) > AHEAD_PLAYING * 2);
            !state.closed && state.wanted.is_empty() && !moved
        });
        if let Err(error) = result {
            // Said only if somebody goes there; but not tried again and again meanwhile.
            self.state.lock().errors.insert((path.clone(), reached), error.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of ten pictures of one colour each.
    fn folder(name: &str) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::create_dir(&path).unwrap();
        for n in 0..10_u8 {
            let image = image::RgbImage::from_pixel(32, 16, image::Rgb([n, 0, 0]));
            image.save(path.join(format!("{n:04}.png"))).unwrap();
        }
        (dir, path)
    }

    /// Asks until there is the frame or a sentence.
    fn answer(server: &FrameServer, path: &Path, index: u32) -> Result<u8, String> {
        let begun = Instant::now();
        loop {
            let shown = server.request(path, index);
            if let Some(sentence) = shown.error {
                return Err(sentence);
            }
            if let Some(frame) = shown.frame.filter(|_| shown.exact) {
                return Ok(frame.image.data[0]);
            }
            assert!(begun.elapsed() < Duration::from_secs(20), "{} is decoding for ever", path.display());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Ordinary panics of ordinary code: for videos called "broken" when they are opened, and at frame 7 of the others.
    const FRAGILE: Decoding = Decoding {
        open: |path| {
            assert!(!path.ends_with("broken"), "index 3 is out of range");
            Video::open(path)
        },
        frame: |video, index, given_up| {
            assert!(index != 7, "index 7 is out of range");
            video.frame_unless(index, given_up)
        },
    };

    #[test]
    fn a_decoder_that_panics_costs_a_sentence_and_the_next_request_is_served() {
        let (_a, whole) = folder("whole");
        let (_b, broken) = folder("broken");
        let (woken, wakes) = crossbeam_channel::unbounded();
        // Room for one frame: none is prepared, so that each is decoded because it was asked for.
        let wake = move || {
            let _ = woken.send(());
        };
        let server = FrameServer::with(32 * 16 * 3, Arc::new(wake), FRAGILE);
        for round in 0..2 {
            let said = answer(&server, &broken, 0).unwrap_err();
            for words in ["broken", "internal error", "index 3 is out of range"] {
                assert!(said.contains(words), "'{words}' is missing in: {said}");
            }
            assert!(round > 0 || wakes.recv_timeout(Duration::from_secs(10)).is_ok(), "the viewer is told");
            assert_eq!(answer(&server, &whole, 2), Ok(2));
            let said = answer(&server, &whole, 7).unwrap_err();
            assert!(said.contains("frame 7") && said.contains("internal error"), "{said}");
            assert_eq!((answer(&server, &whole, 8), answer(&server, &whole, 6)), (Ok(8), Ok(6)));
        }
    }

    #[test]
    fn a_thread_that_is_gone_is_a_sentence() {
        let (_dir, path) = folder("whole");
        let server = FrameServer::new(1 << 20, Arc::new(|| panic!("nobody can be woken")));
        let first = answer(&server, &path, 1);
        assert!(first.is_ok() || first.is_err_and(|s| s.contains("nobody can be woken")));
        let said = answer(&server, &path, 9).unwrap_err();
        assert!(said.contains("start kinolens again"), "{said}");
    }
}
