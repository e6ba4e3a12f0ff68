//! Batches of clips, prepared by threads ahead of the network.

use super::DataError;
use super::augment::Draw;
use super::pixels::Pixels;
use super::sampler::Sampler;
use super::source::ClipSource;
use crate::config::AugmentConfig;
use crate::domain::{Clip, Label};
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::collections::{BTreeMap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
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
    /// The clips, in batch order.
    pub clips: Vec<Clip>,
    /// Clips in the batch; the last one of an epoch may be smaller.
    pub size: usize,
    /// Position in the epoch, from 0.
    pub index: usize,
}

impl Batch {
    fn of(items: &[Item], index: usize, pixels: Pixels) -> Self {
        let class = |c: &Clip| c.label.and_then(Label::class).unwrap_or(UNLABELLED);
        Self {
            pixels,
            labels: items.iter().map(|(c, _)| class(c)).collect(),
            clips: items.iter().map(|(c, _)| *c).collect(),
            size: items.len(),
            index,
        }
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
    /// Random changes; `None` for validation and test.
    pub augment: Option<AugmentConfig>,
    /// Seed of order and changes.
    pub seed: u64,
    /// Epoch, which decides order and changes together with the seed.
    pub epoch: u64,
    /// Batches left out at the start, for going on in the middle of an epoch.
    pub skip_batches: usize,
}

/// A clip and what is drawn for it.
type Item = (Clip, Option<Draw>);

/// One epoch of batches. The order and content depend on the options alone, never on the number of workers. Dropping it
/// stops the threads.
#[derive(Debug)]
pub struct Loader {
    source: Arc<ClipSource>,
    batches: Arc<Vec<Vec<Item>>>,
    next: usize,
    workers: Option<Workers>,
}

/// A batch to be made, and its memory. That is taken when the batch is asked for, so that an epoch needs as many blocks as
/// the one before, however the threads take turns.
type Job = (usize, Pixels);

#[derive(Debug)]
struct Workers {
    jobs: Option<Sender<Job>>,
    results: Receiver<(usize, Result<Batch, DataError>)>,
    /// Finished ahead of their turn.
    early: BTreeMap<usize, Result<Batch, DataError>>,
    sent: usize,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// The clips of an epoch in batches, with what is drawn for each.
fn items(clips: &[Clip], options: &LoaderOptions) -> Vec<Vec<Item>> {
    let order = options.sampler.order(clips, options.seed, options.epoch);
    let mut repeats: HashMap<(usize, u32), u32> = HashMap::new();
    let items: Vec<Item> = order
        .into_iter()
        .filter_map(|i| clips.get(i))
        .map(|clip| {
            let repeat = repeats.entry((clip.video, clip.start)).or_default();
            let draw = options
                .augment
                .as_ref()
                .filter(|a| a.enabled)
                .map(|a| Draw::random(a, options.seed, options.epoch, clip, *repeat));
            *repeat += 1;
            (*clip, draw)
        })
        .collect();
    items.chunks(options.batch_size.max(1)).map(<[Item]>::to_vec).collect()
}

impl Loader {
    /// The batches of an epoch without their pixels, skipped ones included, for those who need only the order.
    pub fn without_pixels(clips: &[Clip], options: &LoaderOptions) -> Vec<Batch> {
        let batches = items(clips, options);
        batches.iter().enumerate().map(|(index, items)| Batch::of(items, index, Pixels::default())).collect()
    }

    /// Starts loading an epoch over `clips`.
    pub fn new(source: Arc<ClipSource>, clips: &[Clip], options: &LoaderOptions) -> Self {
        if options.sampler != Sampler::InOrder {
            source.retain_for(clips.len());
        }
        source.announce(clips);
        let batches = items(clips, options);
        let mut loader = Self { source, batches: Arc::new(batches), next: options.skip_batches, workers: None };
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
        let (jobs, todo) = unbounded::<Job>();
        let (done, results) = unbounded();
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::with_capacity(count);
        for i in 0..count {
            let (todo, done, stop) = (todo.clone(), done.clone(), stop.clone());
            let (source, batches) = (self.source.clone(), self.batches.clone());
            let run = move || {
                while let Ok(job) = todo.recv() {
                    let index = job.0;
                    let batch = prepare(&source, &batches, job, &stop);
                    if stop.load(Ordering::Relaxed) || done.send((index, batch)).is_err() {
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
        let mut workers = Workers { jobs: Some(jobs), results, early: BTreeMap::new(), sent: self.next, stop, threads };
        // So many batches are under way or waiting at any time; that bounds memory.
        for _ in 0..count + 2 {
            workers.send_next(&self.source, &self.batches);
        }
        self.workers = Some(workers);
    }
}

impl Workers {
    fn send_next(&mut self, source: &ClipSource, batches: &[Vec<Item>]) {
        if let (Some(items), Some(jobs)) = (batches.get(self.sent), &self.jobs)
            && jobs.send((self.sent, memory(source, items))).is_ok()
        {
            self.sent += 1;
        }
    }

    fn wait_for(&mut self, index: usize) -> Result<Batch, DataError> {
        loop {
            if let Some(batch) = self.early.remove(&index) {
                return batch;
            }
            match self.results.recv() {
                Ok((i, batch)) => {
                    self.early.insert(i, batch);
                }
                Err(_) => return Err(DataError::Thread { reason: "all loading threads ended".into() }),
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

impl Iterator for Loader {
    type Item = Result<Batch, DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.batches.len() {
            return None;
        }
        let index = self.next;
        let batch = match &mut self.workers {
            Some(workers) => {
                let batch = workers.wait_for(index);
                workers.send_next(&self.source, &self.batches);
                batch
            }
            None => {
                let pixels = memory(&self.source, self.batches.get(index)?);
                prepare(&self.source, &self.batches, (index, pixels), &AtomicBool::new(false))
            }
        };
        // After an error the epoch is over.
        self.next = if batch.is_ok() { index + 1 } else { self.batches.len() };
        Some(batch)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batches.len().saturating_sub(self.next);
        (0, Some(left))
    }
}

/// Memory for a batch.
fn memory(source: &ClipSource, items: &[Item]) -> Pixels {
    source.spare().take(items.len() * source.clip_len())
}

/// Builds one batch; a panic below becomes an error of this batch.
fn prepare(
    source: &ClipSource,
    batches: &[Vec<Item>],
    (index, mut pixels): Job,
    stop: &AtomicBool,
) -> Result<Batch, DataError> {
    let items = batches.get(index).map(Vec::as_slice).unwrap_or_default();
    let build = || -> Result<Batch, DataError> {
        for ((clip, draw), out) in items.iter().zip(pixels.chunks_exact_mut(source.clip_len().max(1))) {
            if stop.load(Ordering::Relaxed) {
                return Err(DataError::Stopped);
            }
            source.write(clip, draw.as_ref(), out, stop)?;
        }
        Ok(Batch::of(items, index, pixels))
    };
    catch_unwind(AssertUnwindSafe(build)).unwrap_or_else(|panic| {
        let reason = panic
            .downcast_ref::<&str>()
            .map(|s| (*s).to_owned())
            .or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_else(|| "for an unknown reason".into());
        Err(DataError::Thread { reason })
    })
}
