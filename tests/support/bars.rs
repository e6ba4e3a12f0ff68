//! A tiny dataset of moving bars, and monitors that stop trainings where a test wants them to.

use kinolens::config::{DataConfig, DeviceChoice, LossKind, RunConfig, Schedule};
use kinolens::domain::Dataset;
use kinolens::model::ComputeDevice;
use kinolens::progress::{EpochReport, Flow, Monitor, Progress, Silent};
use kinolens::train::{TrainError, TrainOptions, TrainOutcome, run};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Frames of each video.
const FRAMES: u32 = 20;

/// Bars that move down or up, in frame folders: 2 classes, 6 people.
pub fn bars(root: &Path) -> Arc<Dataset> {
    for (class, downward) in [("down", true), ("up", false)] {
        for person in 1..=6_u32 {
            let dir = root.join(class).join(format!("person{person:02}_{class}"));
            std::fs::create_dir_all(&dir).expect("a temporary folder can be written");
            for t in 0..FRAMES {
                let at = if downward { t } else { FRAMES - t } + person;
                let picture = image::RgbImage::from_fn(24, 24, |x, y| {
                    let lit = (y + 24 - at % 24) % 24 < 5;
                    let v = if lit { 230 } else { 20 + (x * person) as u8 % 40 };
                    image::Rgb([v, v / 2, 255 - v])
                });
                picture.save(dir.join(format!("{t:04}.png"))).expect("a picture can be written");
            }
        }
    }
    open(root)
}

/// Opens a dataset made by [`bars`].
pub fn open(root: &Path) -> Arc<Dataset> {
    Arc::new(kinolens::data::open(root, &DataConfig::default(), &Silent).expect("the dataset opens"))
}

/// A configuration that trains on it in a moment, with every random stream in use.
pub fn config(epochs: u32) -> RunConfig {
    let mut c = RunConfig { seed: 7, device: DeviceChoice::Cpu, ..RunConfig::default() };
    c.model.id = "small-3d".into();
    (c.clip.length, c.clip.width, c.clip.height) = (8, 16, 16);
    (c.clip.train_stride, c.clip.eval_stride) = (3, 6);
    c.loss.kind = LossKind::CrossEntropy;
    c.optimizer.learning_rate = 3e-3;
    c.schedule.schedule = Schedule::ReduceOnPlateau { factor: 0.5, patience: 0, threshold: 0.05, min_lr: 1e-6 };
    (c.training.epochs, c.training.batch_size, c.training.workers) = (epochs, 4, 2);
    c.training.early_stopping = None;
    c.training.checkpoint_every = 2;
    c.training.keep_best = 1;
    c.training.cache_mib = 64;
    c
}

/// Trains on the CPU.
pub fn train(
    dataset: &Arc<Dataset>,
    config: &RunConfig,
    out: &Path,
    resume: bool,
    monitor: &dyn Monitor,
) -> Result<TrainOutcome, TrainError> {
    let options = TrainOptions { resume, ..TrainOptions::default() };
    run(dataset, config, out, options, &ComputeDevice::cpu(), monitor)
}

/// What must be equal between two runs: everything but times and memory.
pub fn numbers(history: &[EpochReport]) -> Vec<EpochReport> {
    let strip = |r: &EpochReport| EpochReport {
        seconds: 0.0,
        clips_per_second: 0.0,
        memory_bytes: 0,
        threads_busy: 0.0,
        device_memory_bytes: None,
        ..r.clone()
    };
    history.iter().map(strip).collect()
}

/// Asks for a flow once so many steps were reported, and keeps everything told.
pub struct After {
    steps: u64,
    seen: AtomicU64,
    flow: Flow,
    pub told: Mutex<Vec<Progress>>,
}

impl After {
    pub fn new(steps: u64, flow: Flow) -> Self {
        Self { steps, seen: AtomicU64::new(0), flow, told: Mutex::default() }
    }

    pub fn never() -> Self {
        Self::new(u64::MAX, Flow::Continue)
    }
}

impl Monitor for After {
    fn emit(&self, progress: Progress) {
        if matches!(progress, Progress::Step(_)) {
            self.seen.fetch_add(1, Ordering::SeqCst);
        }
        self.told.lock().expect("no test panics while telling").push(progress);
    }

    fn poll(&self) -> Flow {
        if self.seen.load(Ordering::SeqCst) >= self.steps { self.flow } else { Flow::Continue }
    }
}
