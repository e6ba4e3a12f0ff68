//! From a dataset and a configuration to what a training begins or goes on with: plan, network, run folder.

use super::TrainError;
use super::logs::Logged;
use super::resume;
use crate::config::RunConfig;
use crate::data::{ClipPlan, as_configured, plan, plan_with};
use crate::domain::Dataset;
use crate::model::{ComputeDevice, Network};
use crate::progress::Monitor;
use crate::run_folder::writer::{NewRun, create_run};
use crate::run_folder::{RunDir, corrections_text, environment, split_rows, titles};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a training works with.
pub(super) struct Prepared {
    pub run: RunDir,
    /// The dataset with its labels as configured.
    pub dataset: Arc<Dataset>,
    pub config: RunConfig,
    pub plan: ClipPlan,
    /// With the weights it begins with; those of `checkpoint` are not in it yet.
    pub network: Network,
    /// The checkpoint to go on from.
    pub checkpoint: Option<PathBuf>,
}

/// A new run in the folder `out`, which is empty.
pub(super) fn begin(
    dataset: &Arc<Dataset>,
    config: &RunConfig,
    out: &Path,
    devices: &[ComputeDevice],
    monitor: &Logged<'_>,
) -> Result<Prepared, TrainError> {
    let dataset = as_configured(dataset, config);
    let plan = plan(&dataset, config)?;
    plan.require_training(&dataset)?;
    let mut network = build(config, &plan, devices)?;
    let origin = super::init::init(&mut network, config, &plan.classes, monitor)?;
    if origin.is_none() && network.trainable() < network.parameters() {
        monitor.warn(
            "a part of the network is frozen with the random weights it begins with, so it can never learn; start from \
             trained weights (model.init_from) or freeze nothing (model.freeze)"
                .to_owned(),
        );
    }
    // Written with the classes it has, so that the run does not depend on the dataset any more.
    let mut config = config.clone();
    config.model.num_classes = Some(plan.classes.len());
    if let Some(origin) = &origin {
        config.model.init_from = Some(origin.path.clone());
    }
    let new = NewRun {
        config: &config,
        classes: &plan.classes,
        split: &split_rows(&dataset, &plan),
        environment: &environment(&dataset, &plan, network.parameters(), titles(devices), config.seed, origin),
        corrections: corrections_text(&dataset)?,
    };
    let run = create_run(out, &new)?;
    Ok(Prepared { run, dataset, config, plan, network, checkpoint: None })
}

/// The run in the folder `out`, to go on with those values of `asked` that may change.
pub(super) fn resume(
    dataset: &Arc<Dataset>,
    asked: &RunConfig,
    out: &Path,
    devices: &[ComputeDevice],
    monitor: &Logged<'_>,
) -> Result<Prepared, TrainError> {
    let run = RunDir::open(out)?;
    let mut asked = asked.clone();
    let stored = run.config()?;
    asked.model.num_classes = asked.model.num_classes.or(stored.model.num_classes);
    let config = resume::merged(run.path(), &stored, &asked)?;
    let dataset = as_configured(dataset, &config);
    let parts = resume::parts(&run, &dataset)?;
    let plan = plan_with(&dataset, &config, &parts)?;
    plan.require_training(&dataset)?;
    let mut network = build(&config, &plan, devices)?;
    let last = run.checkpoints().iter().any(|n| n == "last").then(|| run.checkpoint(Some("last"))).transpose()?;
    match &last {
        Some(last) => resume::require_open(&run, &last.state, &config)?,
        None => {
            monitor.warn(format!(
                "{} has no checkpoint 'last' to go on from: it begins with its first step",
                run.path().display()
            ));
            super::init::init(&mut network, &config, &plan.classes, monitor)?;
        }
    }
    Ok(Prepared { run, dataset, config, plan, network, checkpoint: last.map(|c| c.path) })
}

fn build(config: &RunConfig, plan: &ClipPlan, devices: &[ComputeDevice]) -> Result<Network, TrainError> {
    let clip = &config.clip;
    let input = [clip.length as usize, clip.height as usize, clip.width as usize];
    let cpu = ComputeDevice::cpu();
    let device = devices.first().unwrap_or(&cpu);
    let mut network = Network::build(&config.model, plan.classes.len(), input, device, config.seed)?;
    network.set_precision(config.training.precision)?;
    network.set_recompute(config.training.recompute);
    Ok(network)
}
