//! Masks and poses, read on a thread of their own. Asking never blocks; the newest query is read first.

use super::awaited::{Awaited, Wake};
use crate::data;
use crate::domain::{Dataset, GrayImage, PoseTrack};
use crate::progress::panic_reason;
use parking_lot::{Condvar, Mutex};
use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;

/// Masks kept in memory.
const KEEP_MASKS: usize = 400;
/// Pose tracks kept in memory.
const KEEP_POSES: usize = 16;
/// Masks read ahead of the playhead.
const AHEAD: u32 = 12;

type Mask = Result<Option<Arc<GrayImage>>, String>;
type Poses = Result<Arc<PoseTrack>, String>;

#[derive(Clone)]
enum AnnotationQuery {
    Mask(Arc<Dataset>, usize, u32),
    Poses(Arc<Dataset>, usize),
}

#[derive(Default)]
struct Inner {
    queries: Vec<AnnotationQuery>,
    masks: HashMap<(PathBuf, u32), Mask>,
    mask_order: VecDeque<(PathBuf, u32)>,
    poses: HashMap<PathBuf, Poses>,
    pose_order: VecDeque<PathBuf>,
    closed: bool,
}

struct Shared {
    inner: Mutex<Inner>,
    signal: Condvar,
}

/// See the module's documentation. Dropping it ends the thread.
pub struct Annotations {
    shared: Arc<Shared>,
}

impl Drop for Annotations {
    fn drop(&mut self) {
        self.shared.inner.lock().closed = true;
        self.shared.signal.notify_all();
    }
}

impl Annotations {
    /// Starts the thread; `wake` is called from it when something was read.
    pub fn new(wake: Wake) -> Self {
        let shared = Arc::new(Shared { inner: Mutex::new(Inner::default()), signal: Condvar::new() });
        let theirs = shared.clone();
        let spawned = std::thread::Builder::new().name("annotations".into()).spawn(move || work(&theirs, &wake));
        if let Err(error) = spawned {
            log::error!("masks and poses cannot be read, their thread does not start: {error}");
        }
        Self { shared }
    }

    /// The mask of a frame; `None` when the dataset has none for it. Frames after it are read ahead.
    pub fn mask(&self, dataset: &Arc<Dataset>, video: usize, frame: u32) -> Awaited<Option<Arc<GrayImage>>> {
        let Some(entry) = dataset.videos.get(video) else { return Awaited::Ready(None) };
        if entry.masks.is_none() {
            return Awaited::Ready(None);
        }
        let mut inner = self.shared.inner.lock();
        let known = inner.masks.get(&(entry.path.clone(), frame)).cloned();
        inner.queries.retain(|w| !matches!(w, AnnotationQuery::Mask(..)));
        // The last query is read first.
        for ahead in (0..=AHEAD).rev() {
            let frame = frame.saturating_add(ahead);
            if frame < entry.frames().max(1) && !inner.masks.contains_key(&(entry.path.clone(), frame)) {
                inner.queries.push(AnnotationQuery::Mask(dataset.clone(), video, frame));
            }
        }
        self.shared.signal.notify_all();
        Awaited::found(known)
    }

    /// The poses of a video.
    pub fn poses(&self, dataset: &Arc<Dataset>, video: usize) -> Awaited<Arc<PoseTrack>> {
        let Some(entry) = dataset.videos.get(video) else { return Awaited::NotAsked };
        let mut inner = self.shared.inner.lock();
        match inner.poses.get(&entry.path) {
            Some(Ok(poses)) => Awaited::Ready(poses.clone()),
            Some(Err(sentence)) => Awaited::Unavailable(sentence.clone()),
            None => {
                if !inner.queries.iter().any(|w| matches!(w, AnnotationQuery::Poses(_, v) if *v == video)) {
                    inner.queries.push(AnnotationQuery::Poses(dataset.clone(), video));
                    self.shared.signal.notify_all();
                }
                Awaited::Pending(None)
            }
        }
    }
}

fn work(shared: &Shared, wake: &Wake) {
    loop {
        let query = {
            let mut inner = shared.inner.lock();
            loop {
                if inner.closed {
                    return;
                }
                match inner.queries.pop() {
                    Some(query) => break query,
                    None => shared.signal.wait(&mut inner),
                }
            }
        };
        // A broken file must cost a sentence, not the thread.
        let read = catch_unwind(AssertUnwindSafe(|| read(&query)))
            .map_err(|panic| format!("reading it ended by an internal error ({})", panic_reason(panic.as_ref())));
        let mut inner = shared.inner.lock();
        match (query, read) {
            (AnnotationQuery::Mask(dataset, video, frame), result) => {
                let mask = match result {
                    Ok(Read::Mask(mask)) => mask,
                    Ok(Read::Poses(_)) => Ok(None),
                    Err(reason) => Err(format!("The mask cannot be read: {reason}.")),
                };
                let Some(entry) = dataset.videos.get(video) else { continue };
                let key = (entry.path.clone(), frame);
                inner.mask_order.push_back(key.clone());
                inner.masks.insert(key, mask);
                while inner.mask_order.len() > KEEP_MASKS {
                    if let Some(oldest) = inner.mask_order.pop_front() {
                        inner.masks.remove(&oldest);
                    }
                }
            }
            (AnnotationQuery::Poses(dataset, video), result) => {
                let poses = match result {
                    Ok(Read::Poses(poses)) => poses,
                    Ok(Read::Mask(_)) => Ok(Arc::default()),
                    Err(reason) => Err(format!("The poses cannot be read: {reason}.")),
                };
                let Some(entry) = dataset.videos.get(video) else { continue };
                inner.pose_order.push_back(entry.path.clone());
                inner.poses.insert(entry.path.clone(), poses);
                while inner.pose_order.len() > KEEP_POSES {
                    if let Some(oldest) = inner.pose_order.pop_front() {
                        inner.poses.remove(&oldest);
                    }
                }
            }
        }
        drop(inner);
        wake();
    }
}

enum Read {
    Mask(Mask),
    Poses(Poses),
}

fn read(query: &AnnotationQuery) -> Read {
    match query {
        AnnotationQuery::Mask(dataset, video, frame) => Read::Mask(match dataset.videos.get(*video) {
            Some(entry) => data::load_mask(entry, *frame).map(|m| m.map(Arc::new)).map_err(|e| e.to_string()),
            None => Ok(None),
        }),
        AnnotationQuery::Poses(dataset, video) => Read::Poses(match dataset.videos.get(*video) {
            Some(entry) => data::load_poses(entry).map(Arc::new).map_err(|e| e.to_string()),
            None => Ok(Arc::default()),
        }),
    }
}
