//! Frames for viewers: asks never block, a thread decodes.

use super::{SharedFrame, Video, VideoError, VideoInfo};
use parking_lot::{Condvar, Mutex};
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Videos kept open.
const OPEN_VIDEOS: usize = 4;
/// Frames decoded ahead while playing.
const AHEAD: u32 = 24;
/// A file that could not be opened is tried again when it is asked for after this long.
const RETRY: Duration = Duration::from_secs(2);
/// Videos whose properties and errors are remembered.
const REMEMBERED: usize = 256;

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
/// For each video only the newest request counts; a decode that nobody waits for any more is given up.
pub struct FrameServer {
    shared: Arc<Shared>,
}

impl std::fmt::Debug for FrameServer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (held, budget) = self.usage();
        write!(f, "FrameServer({held} of {budget} bytes)")
    }
}

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    wake: Arc<dyn Fn() + Send + Sync>,
}

#[derive(Default)]
struct State {
    videos: HashMap<PathBuf, Known>,
    budget: usize,
    bytes: usize,
    /// Grows with every request and every use of a frame.
    clock: u64,
    playing: bool,
    closed: bool,
}

/// What is known of one video.
#[derive(Default)]
struct Known {
    frames: BTreeMap<u32, Cached>,
    info: Option<Result<VideoInfo, String>>,
    failed: Option<Instant>,
    /// Frames that do not decode.
    broken: HashMap<u32, String>,
    /// The newest request: frame and time.
    wanted: Option<(u32, u64)>,
    /// The newest request has been answered; decode ahead from there while playing.
    answered: Option<(u32, u64)>,
    used: u64,
}

struct Cached {
    frame: SharedFrame,
    used: u64,
}

/// Something for the thread to do.
struct Task {
    path: PathBuf,
    index: u32,
    /// Time of the request; a newer one for the same video makes this one stale.
    asked: u64,
    /// Nobody waits for it yet.
    ahead: bool,
}

impl FrameServer {
    /// Starts the decoding thread. `wake` is called from it whenever something new can be shown.
    pub fn new(budget_bytes: usize, wake: Arc<dyn Fn() + Send + Sync>) -> FrameServer {
        let state = Mutex::new(State { budget: budget_bytes, ..State::default() });
        let shared = Arc::new(Shared { state, work: Condvar::new(), wake });
        let worker = shared.clone();
        let spawned = std::thread::Builder::new().name("frames".into()).spawn(move || worker.run());
        if let Err(error) = spawned {
            log::error!("no thread for decoding frames could be started: {error}");
            shared.state.lock().closed = true;
        }
        FrameServer { shared }
    }

    /// Frame `index` of the video at `path`, or the nearest there is. Returns at once; the newest request wins.
    pub fn request(&self, path: &Path, index: u32) -> Shown {
        let mut state = self.shared.state.lock();
        let state = &mut *state;
        state.clock += 1;
        let now = state.clock;
        if !state.videos.contains_key(path) {
            state.videos.insert(path.to_path_buf(), Known::default());
        }
        let Some(known) = state.videos.get_mut(path) else { return Shown::default() };
        known.used = now;
        if let Some(cached) = known.frames.get_mut(&index) {
            cached.used = now;
            let frame = Some(cached.frame.clone());
            known.wanted = None;
            let moved = known.answered.is_none_or(|(at, _)| at != index);
            known.answered = Some((index, now));
            if state.playing && moved {
                self.shared.work.notify_one();
            }
            return Shown { frame, exact: true, error: None };
        }
        let before = known.frames.range(..index).next_back();
        let after = known.frames.range(index..).next();
        let nearest = match (before, after) {
            (Some(b), Some(a)) => Some(if index - b.0 <= a.0 - index { b } else { a }),
            (b, a) => b.or(a),
        };
        let frame = nearest.map(|(_, cached)| cached.frame.clone());
        if let Some(Err(error)) = &known.info
            && known.failed.is_some_and(|at| at.elapsed() < RETRY)
        {
            return Shown { frame, exact: false, error: Some(error.clone()) };
        }
        if let Some(error) = known.broken.get(&index) {
            return Shown { frame, exact: false, error: Some(error.clone()) };
        }
        if state.closed {
            let error = Some("the decoding thread has stopped; restart the program".to_owned());
            return Shown { frame, exact: false, error };
        }
        // Asking again for what is already wanted is not a new request.
        if known.wanted.is_none_or(|(at, _)| at != index) {
            known.wanted = Some((index, now));
            self.shared.work.notify_one();
        }
        Shown { frame, exact: false, error: None }
    }

    /// Decode ahead of `index` while playing (true), or only what is asked for (false).
    pub fn set_playing(&self, playing: bool) {
        let mut state = self.shared.state.lock();
        if state.playing != playing {
            state.playing = playing;
            self.shared.work.notify_one();
        }
    }

    /// Properties of a video once it has been opened by a request; the error sentence when it cannot be.
    pub fn info(&self, path: &Path) -> Option<Result<VideoInfo, String>> {
        self.shared.state.lock().videos.get(path)?.info.clone()
    }

    /// Bytes held and the budget.
    pub fn usage(&self) -> (usize, usize) {
        let state = self.shared.state.lock();
        (state.bytes, state.budget)
    }
}

impl Drop for FrameServer {
    fn drop(&mut self) {
        // The thread ends by itself after the frame it is at; nobody needs to wait for it.
        self.shared.state.lock().closed = true;
        self.shared.work.notify_all();
    }
}

impl Shared {
    fn run(&self) {
        let mut open: Vec<(PathBuf, Video)> = Vec::new();
        loop {
            let task = {
                let mut state = self.state.lock();
                loop {
                    if state.closed {
                        return;
                    }
                    if let Some(task) = state.next_task() {
                        break task;
                    }
                    self.work.wait(&mut state);
                }
            };
            // A panic in a codec binding must not end the thread that all viewers depend on.
            let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| self.perform(&task, &mut open)));
            if done.is_err() {
                open.retain(|(path, _)| *path != task.path);
                self.state.lock().broke(&task, "the decoder crashed on it".into());
            }
            (self.wake)();
        }
    }

    fn perform(&self, task: &Task, open: &mut Vec<(PathBuf, Video)>) {
        let video = match self.video(task, open) {
            Ok(video) => video,
            Err(error) => {
                self.state.lock().unopened(task, error.to_string());
                return;
            }
        };
        let cancelled = || {
            let state = self.state.lock();
            state.closed || state.is_stale(task)
        };
        match video.frame_unless(task.index, &cancelled) {
            Ok(Some(frame)) => self.state.lock().store(task, frame),
            Ok(None) => {}
            Err(error) => {
                if matches!(error, VideoError::Decode { .. }) {
                    // Opened anew next time: the file may have been replaced.
                    open.retain(|(path, _)| *path != task.path);
                }
                self.state.lock().broke(task, error.to_string());
            }
        }
    }

    fn video(&self, task: &Task, open: &mut Vec<(PathBuf, Video)>) -> Result<Video, VideoError> {
        if let Some(at) = open.iter().position(|(path, _)| *path == task.path) {
            let entry = open.remove(at);
            let video = entry.1.clone();
            open.push(entry);
            return Ok(video);
        }
        let video = Video::open(&task.path)?;
        if open.len() >= OPEN_VIDEOS {
            open.remove(0);
        }
        open.push((task.path.clone(), video.clone()));
        if let Some(known) = self.state.lock().videos.get_mut(&task.path) {
            known.info = Some(Ok(video.info().clone()));
            known.failed = None;
        }
        (self.wake)();
        Ok(video)
    }
}

impl State {
    /// The newest unanswered request of any video, else, while playing, the next frame ahead of the newest answered one.
    fn next_task(&self) -> Option<Task> {
        let wanted = self.videos.iter().filter_map(|(path, k)| k.wanted.map(|(index, asked)| (path, index, asked)));
        if let Some((path, index, asked)) = wanted.max_by_key(|&(_, _, asked)| asked) {
            return Some(Task { path: path.clone(), index, asked, ahead: false });
        }
        if !self.playing {
            return None;
        }
        let mut playing: Vec<_> = self
            .videos
            .iter()
            .filter_map(|(path, k)| k.answered.map(|(index, asked)| (path, k, index, asked)))
            .collect();
        // The views on screen were asked for last.
        playing.sort_by_key(|&(.., asked)| std::cmp::Reverse(asked));
        for (path, known, index, asked) in playing.into_iter().take(OPEN_VIDEOS) {
            if self.clock - asked > 64 {
                continue;
            }
            let Some(Ok(info)) = &known.info else { continue };
            let bytes = u64::from(info.width) * u64::from(info.height) * 3;
            let fits = (self.budget as u64 / 2).checked_div(bytes).unwrap_or(0).min(u64::from(AHEAD)) as u32;
            let end = index.saturating_add(1 + fits).min(info.frames);
            let next = (index + 1..end).find(|n| !known.frames.contains_key(n) && !known.broken.contains_key(n));
            if let Some(index) = next {
                return Some(Task { path: path.clone(), index, asked, ahead: true });
            }
        }
        None
    }

    /// A newer request for the same video, or any request while this is only decoding ahead, makes a task stale.
    fn is_stale(&self, task: &Task) -> bool {
        if task.ahead {
            return self.videos.values().any(|k| k.wanted.is_some());
        }
        self.videos.get(&task.path).is_none_or(|k| k.wanted != Some((task.index, task.asked)))
    }

    fn settle(&mut self, task: &Task) {
        if let Some(known) = self.videos.get_mut(&task.path)
            && known.wanted.is_some_and(|(index, _)| index == task.index)
        {
            known.wanted = None;
            known.answered = Some((task.index, task.asked));
        }
    }

    fn store(&mut self, task: &Task, frame: SharedFrame) {
        self.settle(task);
        self.clock += 1;
        let used = self.clock;
        let Some(known) = self.videos.get_mut(&task.path) else { return };
        known.broken.remove(&task.index);
        self.bytes += frame.byte_len();
        if let Some(old) = known.frames.insert(task.index, Cached { frame, used }) {
            self.bytes -= old.frame.byte_len();
        }
        self.shrink(&task.path, task.index);
    }

    fn unopened(&mut self, task: &Task, error: String) {
        self.settle(task);
        if let Some(known) = self.videos.get_mut(&task.path) {
            known.info = Some(Err(error));
            known.failed = Some(Instant::now());
            known.answered = None;
        }
    }

    fn broke(&mut self, task: &Task, error: String) {
        self.settle(task);
        if let Some(known) = self.videos.get_mut(&task.path) {
            known.broken.insert(task.index, error);
        }
    }

    /// Drops frames used longest ago until the budget holds, but never the one that was just decoded.
    fn shrink(&mut self, path: &Path, index: u32) {
        while self.bytes > self.budget {
            let oldest = self
                .videos
                .iter()
                .flat_map(|(p, k)| k.frames.iter().map(move |(n, c)| (c.used, p, *n)))
                .filter(|(_, p, n)| p.as_path() != path || *n != index)
                .min_by_key(|(used, ..)| *used)
                .map(|(_, p, n)| (p.clone(), n));
            let Some((owner, number)) = oldest else { break };
            if let Some(gone) = self.videos.get_mut(&owner).and_then(|k| k.frames.remove(&number)) {
                self.bytes -= gone.frame.byte_len();
            }
        }
        if self.videos.len() > REMEMBERED {
            let stale = self.videos.iter().filter(|(p, k)| k.frames.is_empty() && p.as_path() != path);
            if let Some(oldest) = stale.min_by_key(|(_, k)| k.used).map(|(p, _)| p.clone()) {
                self.videos.remove(&oldest);
            }
        }
    }
}
