//! The data loader: worker threads prefetch batches of clips ahead of the network.

use super::batch_memory::{ClipMemory, Pixels, Rest};
use super::drawn_clip::DrawnClip;
use super::sampler::Sampler;
use super::source::ClipSource;
use super::{ClassTargets, DataError};
use crate::config::AugmentConfig;
use crate::domain::{ClassId, Clip, Cut, Label};
use crossbeam_channel::{Receiver, Sender, bounded};
use std::collections::HashMap;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

/// Label of a clip that has none, in [`Batch::labels`].
pub const UNLABELLED: usize = usize::MAX;

/// Clips as a network takes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// `[B, 3, T, H, W]` in C order, normalised.
    pub pixels: Pixels,
    /// Class of each clip by output position; [`UNLABELLED`] where there is none.
    pub labels: Vec<usize>,
    /// All classes of each clip, ascending, in a multi-label task; else empty.
    pub sets: Vec<Vec<ClassId>>,
    /// The clips, in batch order.
    pub clips: Vec<Clip>,
    /// Clips in the batch; the last one of an epoch may be smaller.
    pub size: usize,
    /// Position in the epoch, from 0.
    pub index: usize,
    /// Classes of all clips of the batch, those that other processes take included.
    pub whole: Vec<usize>,
}

impl Batch {
    fn of(items: &Items, index: usize, pixels: Pixels, targets: Option<&ClassTargets>) -> Self {
        let own = &items.own;
        Self {
            pixels,
            labels: own.iter().map(|i| class_of(&i.clip)).collect(),
            sets: targets.map_or_else(Vec::new, |t| own.iter().map(|i| t.of(&i.clip)).collect()),
            clips: own.iter().map(|i| i.clip).collect(),
            size: own.len(),
            index,
            whole: items.whole.clone(),
        }
    }

    /// True when the clip at `position` shows `class`, among others or alone.
    pub fn shows(&self, position: usize, class: ClassId) -> bool {
        match self.sets.get(position) {
            Some(set) => set.contains(&class),
            None => self.labels.get(position) == Some(&class),
        }
    }
}

fn class_of(clip: &Clip) -> usize {
    clip.label.and_then(Label::class).unwrap_or(UNLABELLED)
}

/// Which clips of every batch a process takes: each `of`-th, from position `first`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Position of its first clip, below `of`.
    pub first: usize,
    /// Processes that share a batch.
    pub of: usize,
}

impl Default for Share {
    fn default() -> Self {
        Self { first: 0, of: 1 }
    }
}

/// How an epoch is loaded.
#[derive(Clone, Debug, Default)]
pub struct LoaderOptions {
    /// Clips in a batch.
    pub batch_size: usize,
    /// Loading threads; 0 loads in the thread that asks.
    pub workers: usize,
    /// Order of the clips.
    pub sampler: Sampler,
    /// All classes of each clip, in a multi-label task.
    pub targets: Option<Arc<ClassTargets>>,
    /// Random changes, and random frames where the sampling draws them; `None` for validation and test.
    pub augment: Option<AugmentConfig>,
    /// Seed of order and changes.
    pub seed: u64,
    /// Epoch, which decides order and changes together with the seed.
    pub epoch: u64,
    /// Batches left out at the start, for going on in the middle of an epoch.
    pub skip_batches: usize,
    /// What of each batch is loaded here. Order and changes are those of the whole batch.
    pub share: Share,
}

/// The clips of a batch that are loaded here, with what is drawn for each, and the classes of all of them.
#[derive(Debug)]
struct Items {
    own: Vec<DrawnClip>,
    whole: Vec<usize>,
}

/// One epoch of batches. The order and content depend on the options alone, never on the number of workers. Dropping it
/// stops the threads.
pub struct Loader {
    source: Arc<ClipSource>,
    batches: Arc<Vec<Items>>,
    targets: Option<Arc<ClassTargets>>,
    next: usize,
    workers: Option<Workers>,
}

/// A clip to be written: its batch, its place in that, and the memory for it.
type ClipTask = (usize, usize, ClipMemory);

/// A clip that was written, or why it was not.
type Done = (usize, usize, Result<ClipMemory, DataError>);

/// Clips of a batch that threads are writing. All threads work at the same batch: it is ready sooner than if each made one
/// of its own, and there need not be as many batches in memory as threads.
struct Pending {
    /// `None` for those that are not there yet.
    clips: Vec<Option<Result<ClipMemory, DataError>>>,
    rest: Rest,
}

struct Workers {
    jobs: Option<Sender<ClipTask>>,
    results: Receiver<Done>,
    /// Batches under way.
    pending: BTreeMap<usize, Pending>,
    sent: usize,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// The clips of an epoch in batches, with what is drawn for each.
fn items(source: Option<&ClipSource>, clips: &[Clip], options: &LoaderOptions) -> Vec<Items> {
    let Share { first, of } = options.share;
    let order = options.sampler.order(clips, options.seed, options.epoch);
    let mut repeats: HashMap<(usize, u32, Cut), u32> = HashMap::new();
    let mut drawn = |clip: &Clip, wanted: bool| {
        let repeat = repeats.entry(clip.place()).or_default();
        let drawn = wanted.then(|| match (source, &options.augment) {
            (Some(source), Some(augment)) => {
                DrawnClip::of(source, augment, (options.seed, options.epoch, *repeat), clip)
            }
            _ => DrawnClip::unchanged(*clip),
        });
        *repeat += 1;
        drawn
    };
    let order: Vec<&Clip> = order.into_iter().filter_map(|i| clips.get(i)).collect();
    let batch = |clips: &[&Clip]| Items {
        own: clips.iter().enumerate().filter_map(|(i, clip)| drawn(clip, i % of.max(1) == first)).collect(),
        whole: clips.iter().map(|clip| class_of(clip)).collect(),
    };
    order.chunks(options.batch_size.max(1)).map(batch).collect()
}

impl Loader {
    /// The batches of an epoch without their pixels, skipped ones included, for those who need only the order.
    pub fn without_pixels(clips: &[Clip], options: &LoaderOptions) -> Vec<Batch> {
        let batches = items(None, clips, options);
        let targets = options.targets.as_deref();
        batches.iter().enumerate().map(|(index, items)| Batch::of(items, index, Pixels::default(), targets)).collect()
    }

    /// Starts loading an epoch over `clips`.
    pub fn new(source: Arc<ClipSource>, clips: &[Clip], options: &LoaderOptions) -> Self {
        if options.sampler != Sampler::InOrder {
            source.retain_for(clips.len());
        }
        match options.augment {
            Some(_) => source.announce_drawn(clips),
            None => source.announce(clips),
        }
        let batches = items(Some(&source), clips, options);
        let (targets, next) = (options.targets.clone(), options.skip_batches);
        let mut loader = Self { source, batches: Arc::new(batches), targets, next, workers: None };
        if options.workers > 0 && loader.next < loader.batches.len() {
            loader.start(options.workers);
        }
        loader
    }

    /// Batches of the whole epoch, skipped ones included.
    pub fn batches(&self) -> usize {
        self.batches.len()
    }

    fn start(&mut self, count: usize) {
        // So many batches are under way or waiting at any time; that bounds memory. No thread must wait for work while
        // one is handed over.
        let size = self.batches.first().map_or(1, |items| items.own.len()).max(1);
        let ahead = 1 + (2 * count).div_ceil(size);
        // All clips of these batches fit, so that neither side ever waits for room.
        let (jobs, todo) = bounded::<ClipTask>(ahead * size);
        let (done, results) = bounded::<Done>(ahead * size);
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::with_capacity(count);
        for i in 0..count {
            let (todo, done, stop) = (todo.clone(), done.clone(), stop.clone());
            let (source, batches) = (self.source.clone(), self.batches.clone());
            let run = move || {
                while let Ok((batch, clip, mut part)) = todo.recv() {
                    let Some(item) = batches.get(batch).and_then(|items| items.own.get(clip)) else { return };
                    let written = item.write(&source, &mut part, &stop).map(|()| part);
                    if stop.load(Ordering::Relaxed) || done.send((batch, clip, written)).is_err() {
                        return;
                    }
                }
            };
            match std::thread::Builder::new().name(format!("loader-{i}")).spawn(run) {
                Ok(thread) => threads.push(thread),
                // Fewer threads, or none, load more slowly but as well.
                Err(e) => log::warn!("a loading thread could not be started: {e}"),
            }
        }
        if threads.is_empty() {
            return;
        }
        let mut workers =
            Workers { jobs: Some(jobs), results, pending: BTreeMap::new(), sent: self.next, stop, threads };
        for _ in 0..ahead {
            workers.send_next(&self.source, &self.batches);
        }
        self.workers = Some(workers);
    }
}

impl Workers {
    /// Asks for another batch. Its memory is taken here, so that an epoch needs as many blocks as the one before, however
    /// the threads take turns.
    fn send_next(&mut self, source: &ClipSource, batches: &[Items]) {
        let (Some(Items { own: items, .. }), Some(jobs)) = (batches.get(self.sent), &self.jobs) else { return };
        let (parts, rest) = source.spare().take(items.len(), source.clip_len());
        for (clip, part) in parts.into_iter().enumerate() {
            // Without threads nobody takes it, and the wait for it says so.
            let _ = jobs.send((self.sent, clip, part));
        }
        let clips = items.iter().map(|_| None).collect();
        self.pending.insert(self.sent, Pending { clips, rest });
        self.sent += 1;
    }

    /// The pixels of a batch, or what happened to its first clip that has none.
    fn wait_for(&mut self, index: usize) -> Result<Pixels, DataError> {
        loop {
            if let Entry::Occupied(pending) = self.pending.entry(index)
                && pending.get().clips.iter().all(Option::is_some)
            {
                let Pending { clips, rest } = pending.remove();
                let parts: Result<Vec<ClipMemory>, DataError> = clips.into_iter().flatten().collect();
                return Ok(rest.join(parts?));
            }
            let Ok((batch, clip, written)) = self.results.recv() else {
                return Err(DataError::Thread { reason: "all loading threads ended".into() });
            };
            if let Some(slot) = self.pending.get_mut(&batch).and_then(|pending| pending.clips.get_mut(clip)) {
                *slot = Some(written);
            }
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.jobs = None;
        // Batches already asked for are abandoned: a thread looks at `stop` between clips and between frames.
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                log::error!("a loading thread panicked");
            }
        }
    }
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Loader(batch {} of {})", self.next, self.batches.len())
    }
}

impl Iterator for Loader {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.batches.len() {
            return None;
        }
        let index = self.next;
        let items = self.batches.get(index)?;
        let pixels = match &mut self.workers {
            Some(workers) => {
                let pixels = workers.wait_for(index);
                workers.send_next(&self.source, &self.batches);
                pixels
            }
            None => here(&self.source, &items.own),
        };
        let batch = pixels.map(|pixels| Batch::of(items, index, pixels, self.targets.as_deref()));
        // After an error the epoch is over.
        self.next = if batch.is_ok() { index + 1 } else { self.batches.len() };
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batches.len().saturating_sub(self.next);
        (0, Some(left))
    }
}

/// The pixels of a batch, written by this thread.
fn here(source: &ClipSource, items: &[DrawnClip]) -> Result<Pixels, DataError> {
    let (mut parts, rest) = source.spare().take(items.len(), source.clip_len());
    let go_on = AtomicBool::new(false);
    items.iter().zip(&mut parts).try_for_each(|(item, part)| item.write(source, part, &go_on))?;
    Ok(rest.join(parts))
}
