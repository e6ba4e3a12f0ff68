//! What a worker keeps between jobs: its device and the networks it used last, so that the next heatmap is quick.

use super::error::JobError;
use super::kept_clip::KeptClip;
use super::kept_plan::KeptPlan;
use super::requests::CheckpointRef;
use crate::config::DeviceChoice;
use crate::data::ClipSource;
use crate::domain::Dataset;
use crate::model::{ComputeDevice, Network};
use crate::progress::Monitor;
use crate::run_folder::{Checkpoint, RunDir, STATE_FILE};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

/// A checkpoint with its network in memory.
pub struct Loaded {
    /// The checkpoint as read from disk.
    pub checkpoint: Checkpoint,
    /// The network, on the lane's device.
    pub network: Network,
    key: (PathBuf, Option<SystemTime>),
    /// Clips of the dataset asked for last: its root, its fingerprint, its clips.
    source: Option<(PathBuf, String, Arc<ClipSource>)>,
}

impl Loaded {
    /// Folder of the checkpoint, and when it was written.
    pub fn key(&self) -> &(PathBuf, Option<SystemTime>) {
        &self.key
    }
}

/// Networks kept: two views that differ in network take turns without loading.
const KEPT: usize = 2;

/// A network is used that was never loaded.
const NOT_LOADED: JobError = JobError::Internal("no network is loaded");

/// What one lane owns. Tensors never leave the thread that made them.
#[derive(Default)]
pub struct LaneState {
    device_title: Arc<Mutex<String>>,
    device: Option<(DeviceChoice, ComputeDevice)>,
    /// The networks used last, the newest first.
    loaded: Vec<Loaded>,
    /// Outputs of layers for the clip asked about last.
    kept: Option<KeptClip>,
    /// The training whose clips were looked at last.
    plan: Option<KeptPlan>,
}

impl LaneState {
    /// A lane that tells the name of its device through `title`.
    pub fn new(title: Arc<Mutex<String>>) -> Self {
        Self { device_title: title, ..Self::default() }
    }

    /// Drops everything held; the next job loads afresh.
    pub fn forget(&mut self) {
        self.device = None;
        self.loaded.clear();
        self.kept = None;
        self.plan = None;
    }

    /// The training that is kept; it is given back by [`LaneState::keep_plan`].
    pub fn take_plan(&mut self) -> Option<KeptPlan> {
        self.plan.take()
    }

    /// Keeps a training for the next look at its clips.
    pub fn keep_plan(&mut self, plan: KeptPlan) {
        self.plan = Some(plan);
    }

    /// The outputs of layers that are kept; they are given back by [`LaneState::keep`].
    pub fn take_kept(&mut self) -> Option<KeptClip> {
        self.kept.take()
    }

    /// Keeps outputs of layers for the next job.
    pub fn keep(&mut self, kept: KeptClip) {
        self.kept = Some(kept);
    }

    /// The device for a choice, probed once; what could not be had is told as a warning.
    pub fn device(&mut self, choice: DeviceChoice, monitor: &dyn Monitor) -> ComputeDevice {
        if let Some((known, device)) = &self.device
            && *known == choice
        {
            return device.clone();
        }
        let (device, messages) = ComputeDevice::choose(choice);
        messages.into_iter().for_each(|m| monitor.warn(m));
        *self.device_title.lock() = device.title().to_owned();
        self.loaded.clear();
        self.device = Some((choice, device.clone()));
        device
    }

    /// The checkpoint and its network; read again only when the file changed.
    ///
    /// # Errors
    /// A run or checkpoint that is not there or damaged.
    pub fn load(&mut self, reference: &CheckpointRef, monitor: &dyn Monitor) -> Result<&Loaded, JobError> {
        let checkpoint = open_checkpoint(reference)?;
        // Before anything makes room for it.
        checkpoint.require_network()?;
        let written = std::fs::metadata(checkpoint.path.join(STATE_FILE)).and_then(|m| m.modified()).ok();
        let key = (checkpoint.path.clone(), written);
        let device = self.device(checkpoint.state.config.device, monitor);
        match self.loaded.iter().position(|l| l.key == key) {
            Some(at) => self.loaded[..=at].rotate_right(1),
            None => {
                // Room is made first: two networks of this size may be all that fits.
                self.loaded.retain(|l| l.key.0 != key.0);
                self.loaded.truncate(KEPT - 1);
                let network = checkpoint.network(&device)?;
                self.loaded.insert(0, Loaded { checkpoint, network, key, source: None });
            }
        }
        self.loaded()
    }

    /// Clips of a dataset as the loaded network wants them; kept so that scrubbing decodes each video once.
    pub fn source(&mut self, dataset: &Arc<Dataset>) -> Result<Arc<ClipSource>, JobError> {
        let loaded = self.loaded.first_mut().ok_or(NOT_LOADED)?;
        if let Some((root, fingerprint, source)) = &loaded.source
            && *root == dataset.root
            && *fingerprint == dataset.fingerprint
            && (Arc::ptr_eq(source.dataset(), dataset)
                || (source.dataset().indexing.is_none() && dataset.indexing.is_none()))
        {
            return Ok(source.clone());
        }
        let config = &loaded.checkpoint.state.config;
        let source = Arc::new(ClipSource::new(dataset.clone(), config).with_disk(config));
        loaded.source = Some((dataset.root.clone(), dataset.fingerprint.clone(), source.clone()));
        Ok(source)
    }

    /// The loaded checkpoint.
    ///
    /// # Errors
    /// [`JobError::Internal`] before [`LaneState::load`].
    pub fn loaded(&self) -> Result<&Loaded, JobError> {
        self.loaded.first().ok_or(NOT_LOADED)
    }
}

/// Says what of the run of a checkpoint is damaged or missing.
pub fn warn_of_damage(checkpoint: &Checkpoint, monitor: &dyn Monitor) {
    let run = checkpoint.run.as_deref().and_then(|run| RunDir::open(run).ok());
    run.iter().flat_map(RunDir::damage).for_each(|error| monitor.warn(error.to_string()));
}

/// Finds the checkpoint a reference means.
///
/// # Errors
/// A run or checkpoint that is not there or damaged.
pub fn open_checkpoint(reference: &CheckpointRef) -> Result<Checkpoint, JobError> {
    match &reference.name {
        Some(name) => Ok(RunDir::open(&reference.run)?.checkpoint(Some(name))?),
        None => Ok(Checkpoint::open(&reference.run)?),
    }
}
