//! From a dataset and a configuration to what a training begins or goes on with: plan, network, run folder.

use super::crew::{self, Start};
use super::logs::Logged;
use super::resume;
use super::{TrainError, TrainOptions};
use crate::config::RunConfig;
use crate::data::{ClipPlan, as_configured, plan, plan_with};
use crate::domain::{Dataset, listed};
use crate::model::{ComputeDevice, Network};
use crate::progress::Monitor;
use crate::run_folder::files::ron_text;
use crate::run_folder::writer::{NewRun, create_run, make_room};
use crate::run_folder::{Environment, RunDir, corrections_text, environment, split_rows, titles};
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

/// Begins a run or goes on with one: the first process reads and writes the run folder, the others take over what it tells.
pub(super) fn prepare(
    dataset: &Arc<Dataset>,
    config: &RunConfig,
    out: &Path,
    options: TrainOptions,
    devices: &[ComputeDevice],
    monitor: &Logged<'_>,
) -> Result<Prepared, TrainError> {
    let peers = monitor.peers();
    let sound = config
        .validate()
        .map_err(TrainError::from)
        .and_then(|()| Ok(devices.iter().try_for_each(|device| device.require(config.training.precision))?));
    peers.agree(sound, TrainError::is_stop)?;
    let processes = crew::introduce(peers, dataset, devices)?;
    let lead = || match options.resume {
        true => resume(dataset, config, out, devices, monitor),
        false => {
            make_room(out, options.force)?;
            begin(dataset, config, out, (devices, processes), monitor)
        }
    };
    let led = if peers.leads() { lead().map(Some) } else { Ok(None) };
    let led = peers.agree(led, TrainError::is_stop)?;
    if peers.is_alone() {
        return led.ok_or(TrainError::Internal("nobody prepared the training"));
    }
    let start = led.as_ref().map(|p| ron_text(&Start::of(&p.config, &p.plan))).transpose()?.unwrap_or_default();
    let start = peers.broadcast(start.into_bytes())?;
    let prepared = match led {
        Some(prepared) => Ok(prepared),
        None => take_over(dataset, &start, out, devices),
    };
    let prepared = peers.agree(prepared, TrainError::is_stop)?;
    crew::compare(peers, &prepared.plan, &prepared.network)?;
    Ok(prepared)
}

/// What a process that does not lead trains with.
fn take_over(
    dataset: &Arc<Dataset>,
    start: &[u8],
    out: &Path,
    devices: &[ComputeDevice],
) -> Result<Prepared, TrainError> {
    let start = std::str::from_utf8(start).ok().and_then(|text| ron::from_str::<Start>(text).ok());
    let start = start.ok_or(TrainError::Internal("what the first process tells cannot be read"))?;
    let (config, dataset, plan) = start.plan(dataset)?;
    let network = build(&config, &plan, devices)?;
    Ok(Prepared { run: RunDir::at(out.to_path_buf()), dataset, config, plan, network, checkpoint: None })
}

/// A new run in the folder `out`, which is empty. `processes` are those that begin it, where there are several.
fn begin(
    dataset: &Arc<Dataset>,
    config: &RunConfig,
    out: &Path,
    (devices, processes): (&[ComputeDevice], Vec<String>),
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
        environment: &Environment {
            processes,
            ..environment(&dataset, &plan, network.parameters(), titles(devices), config.seed, origin)
        },
        corrections: corrections_text(&dataset)?,
    };
    let run = create_run(out, &new)?;
    Ok(Prepared { run, dataset, config, plan, network, checkpoint: None })
}

/// The run in the folder `out`, to go on with those values of `asked` that may change.
fn resume(
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
        None if !run.checkpoints().is_empty() => {
            let known = listed(&run.checkpoints(), 6);
            return Err(TrainError::NoLast { path: run.path().to_path_buf(), known });
        }
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
