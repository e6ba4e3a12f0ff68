//! Kernels of checkpoints.

use crate::domain::Dataset;
use crate::domain::leaf;
use crate::inside::{InsideError, Kernel, kernels};
use crate::jobs::error::JobError;
use crate::jobs::inside_view::{KernelView, MotionOf};
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::{LaneState, open_checkpoint};
use crate::jobs::requests::CheckpointRef;
use crate::model::{ModuleTree, layer_choices, read_safetensors};
use crate::progress::Monitor;
use crate::run_folder::{Checkpoint, Identity, MODEL_FILE, RunDir};
use std::sync::Arc;

/// The kernels of a checkpoint, and how much of them is change over time in all checkpoints of its run.
#[derive(Clone, Debug)]
pub struct ReadKernels {
    /// The weights.
    pub checkpoint: CheckpointRef,
    /// Convolutions, or modules with convolutions inside; all where none are named.
    pub layers: Vec<String>,
    /// Also read the other checkpoints of the run.
    pub over_checkpoints: bool,
}

impl JobKind for ReadKernels {
    type Answer = Arc<KernelView>;

    fn lane(&self) -> Lane {
        if self.over_checkpoints { Lane::Batch } else { Lane::Files }
    }

    fn title(&self) -> String {
        format!("kernels of {}", leaf(&self.checkpoint.run))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let found = open_checkpoint(&self.checkpoint)?;
        let tree = tree_of(&found)?;
        self.require_layers(&tree)?;
        let all = kernels_of(&found, &tree)?;
        let motion = motion_of(&all);
        let kernels = self.asked_for(all);
        let mut over = Vec::new();
        if self.over_checkpoints {
            let all = checkpoints_in_order(&found)?;
            for (i, checkpoint) in all.iter().enumerate() {
                if monitor.stopped() {
                    return Err(JobError::Stopped);
                }
                monitor.stage("reading checkpoints", i as u64, all.len() as u64);
                let read = kernels_of(checkpoint, &tree)?;
                let layers = motion_of(&self.asked_for(read));
                over.push(MotionOf { identity: Identity::of(checkpoint), layers });
            }
        }
        let identity = Identity::of(&found);
        Ok(Done::Finished(Arc::new(KernelView { identity, kernels, motion, over_checkpoints: over })))
    }

    fn output(view: Self::Answer) -> Output {
        Output::Kernels(view)
    }
}

impl ReadKernels {
    fn require_layers(&self, tree: &ModuleTree) -> Result<(), JobError> {
        let ids: Vec<&str> = tree.modules().into_iter().map(|m| m.id.as_str()).collect();
        match self.layers.iter().find(|l| !ids.contains(&l.as_str())) {
            None => Ok(()),
            Some(layer) => Err(InsideError::UnknownLayer {
                model: tree.title.to_owned(),
                layer: layer.clone(),
                known: layer_choices(layer, &ids),
            }
            .into()),
        }
    }

    /// Those of the layers asked for.
    fn asked_for(&self, mut all: Vec<Kernel>) -> Vec<Kernel> {
        let wanted = |id: &str| self.layers.iter().any(|l| crate::model::belongs_to(id, l));
        all.retain(|k| self.layers.is_empty() || wanted(&k.layer));
        all
    }
}

/// All kernels of a checkpoint.
fn kernels_of(checkpoint: &Checkpoint, tree: &ModuleTree) -> Result<Vec<Kernel>, JobError> {
    Ok(kernels(tree, read_safetensors(&checkpoint.path.join(MODEL_FILE))?))
}

/// Mean motion share of each layer that has one.
fn motion_of(kernels: &[Kernel]) -> Vec<(String, f64)> {
    kernels.iter().filter_map(|k| Some((k.layer.clone(), k.mean_motion_share()?))).collect()
}

/// The modules of the network of a checkpoint.
///
/// # Errors
/// A configuration that names no network.
pub(super) fn tree_of(checkpoint: &Checkpoint) -> Result<ModuleTree, JobError> {
    let (config, classes) = (&checkpoint.state.config, checkpoint.state.classes.len());
    let clip = [config.clip.length as usize, config.clip.height as usize, config.clip.width as usize];
    Ok(ModuleTree::of(&config.model, classes, clip)?)
}

/// All checkpoints of the run of one, in the order they were trained; of those at one step the first by name. The one alone where it
/// lies in no run.
///
/// # Errors
/// A damaged checkpoint.
pub(super) fn checkpoints_in_order(of: &Checkpoint) -> Result<Vec<Checkpoint>, JobError> {
    let Some(run) = &of.run else { return Ok(vec![of.clone()]) };
    let run = RunDir::open(run)?;
    let read = |name: &String| run.checkpoint(Some(name));
    let mut all = run.checkpoints().iter().map(read).collect::<Result<Vec<_>, _>>()?;
    all.sort_by(|a, b| (a.state.step, &a.name).cmp(&(b.state.step, &b.name)));
    all.dedup_by_key(|c| c.state.step);
    Ok(all)
}
