//! Foreign weights become a run, as if they had been trained here.

use super::TrainError;
use super::init::{tell, weights_of};
use super::resume::{Stored, TrainerState};
use crate::config::{ModelConfig, PRESETS, RunConfig};
use crate::domain::ClassSet;
use crate::model::{ComputeDevice, ModelSpec, Network, WeightFile, WeightReport, looks_like};
use crate::progress::Monitor;
use crate::run_folder::files::ron_text;
use crate::run_folder::writer::{NewRun, create_run, make_room, write_checkpoint};
use crate::run_folder::{
    CheckpointState, LOG_FILE, MODEL_FILE, RunDir, STATE_FILE, TrainEnd, WeightsOrigin, without_data,
};
use std::path::{Path, PathBuf};

/// A run that was made of foreign weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The run folder.
    pub run: PathBuf,
    /// What of the file went where.
    pub report: WeightReport,
}

/// The configuration for a network when nobody names a preset: that of the preset for it, with the normalisation its
/// public weights are trained with, or else its usual clips.
///
/// # Errors
/// An unknown network, or a preset that cannot be read.
pub fn config_for(model: &str) -> Result<RunConfig, TrainError> {
    let spec = ModelSpec::find(model)?;
    if let Some(preset) = PRESETS.iter().find(|p| p.name == model) {
        let config = preset.config()?;
        if config.model.id == model {
            return Ok(config);
        }
    }
    let mut config = RunConfig::reference();
    config.model = ModelConfig { id: model.to_owned(), ..ModelConfig::default() };
    (config.clip.length, config.clip.height, config.clip.width) = spec.input;
    Ok(config)
}

/// The network whose weights a file holds.
///
/// # Errors
/// A file that is refused, weights of no network there is, or of several that cannot be told apart.
pub fn guess(weights: &Path) -> Result<&'static ModelSpec, TrainError> {
    let (file, checkpoint) = weights_of(weights)?;
    if let Some(checkpoint) = checkpoint {
        return Ok(ModelSpec::find(&checkpoint.state.config.model.id)?);
    }
    let found = looks_like(&WeightFile::open(&file)?);
    let undecided = |problem: String| TrainError::UnknownWeights { path: file.clone(), problem };
    match found {
        Some(id) => ModelSpec::find(&id).map_err(|_| undecided(format!("they fit {id}; say which it is"))),
        None => Err(undecided("they fit no network here as they are; choose the nearest to see what differs".into())),
    }
}

/// What a network could take from a weight file or a run, without taking it.
///
/// # Errors
/// A file that is refused, or of which nothing fits.
pub fn inspect(weights: &Path, model: &ModelConfig, classes: usize) -> Result<WeightReport, TrainError> {
    let (file, _) = weights_of(weights)?;
    Ok(crate::model::inspect(&file, model, classes)?)
}

/// Makes a run of foreign weights: every array of the network must be in the file, the class layer too, with as many
/// outputs as there are classes.
///
/// # Errors
/// A file that is refused, weights of another network or without a class layer, another number of classes, or a folder
/// that is taken.
pub fn import(
    weights: &Path,
    config: &RunConfig,
    classes: &ClassSet,
    out: &Path,
    force: bool,
    monitor: &dyn Monitor,
) -> Result<Imported, TrainError> {
    config.validate()?;
    let (file, _) = weights_of(weights)?;
    let mut config = config.clone();
    config.model.num_classes = Some(classes.len());
    let clip = [config.clip.length as usize, config.clip.height as usize, config.clip.width as usize];
    let device = ComputeDevice::cpu();
    let mut network = Network::build(&config.model, classes.len(), clip, &device, config.seed)?;
    let report = network.init_from(&file)?;
    require_whole(&report)?;
    let origin = WeightsOrigin::of(&report);
    config.model.init_from = Some(origin.path.clone());
    tell(&report, monitor);
    // Only now, when everything is known to be well, may an older run go.
    make_room(out, force)?;
    let mut environment = without_data(network.parameters(), device.title().to_owned(), config.seed);
    environment.weights = Some(origin);
    let run = create_run(
        out,
        &NewRun { config: &config, classes, split: &[], environment: &environment, corrections: None },
    )?;
    let log = run.path().join(LOG_FILE);
    let mut text = format!("imported by kinolens {}\n", env!("CARGO_PKG_VERSION"));
    for line in report.lines(true).iter().chain(&report.warnings) {
        text.push_str(line);
        text.push('\n');
    }
    std::fs::write(&log, text).map_err(|e| TrainError::file("write", &log, &e))?;
    write_weights(&run, &network, &config, classes)?;
    Ok(Imported { run: run.path().to_path_buf(), report })
}

/// The one checkpoint of such a run.
fn write_weights(run: &RunDir, network: &Network, config: &RunConfig, classes: &ClassSet) -> Result<(), TrainError> {
    let checkpoint = CheckpointState {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        config: config.clone(),
        classes: classes.clone(),
        end: Some(TrainEnd::Imported),
        ..CheckpointState::default()
    };
    let text = ron_text(&Stored { checkpoint, trainer: TrainerState::default() })?;
    write_checkpoint(run, &[], |folder| {
        network.save(&folder.join(MODEL_FILE))?;
        let path = folder.join(STATE_FILE);
        std::fs::write(&path, &text).map_err(|e| TrainError::file("write", &path, &e))
    })
}

/// Refuses what is not the whole network, and says what it probably is.
fn require_whole(report: &WeightReport) -> Result<(), TrainError> {
    let class = &report.class_layer;
    let looks = || {
        let other = WeightFile::open(&report.path).ok().and_then(|file| looks_like(&file));
        other
            .filter(|id| *id != report.model)
            .map(|id| format!("; these look like weights of {id}: choose that network"))
    };
    let inflated = report.inflated();
    if inflated > 0 {
        return Err(incomplete(
            report,
            format!(
                "{inflated} of its kernels are 2D, and 3D ones made of them have not been trained{}; or start a training \
                 from these weights, which inflates them",
                looks().unwrap_or_default()
            ),
        ));
    }
    if report.is_backbone_complete() {
        return match class.found {
            _ if report.is_complete() => Ok(()),
            Some(found) if found != class.classes => {
                Err(TrainError::ClassCount { path: report.path.clone(), found, given: class.classes })
            }
            _ => Err(incomplete(
                report,
                format!(
                    "its class layer {} is missing; start a training from these weights, which adds one",
                    class.name
                ),
            )),
        };
    }
    let hint = looks().unwrap_or_default();
    let first = report.missing.first().map(|name| format!("it has no {name}"));
    let first = first.or_else(|| {
        let m = report.mismatched.first()?;
        Some(format!("{} should have shape {:?} but has {:?}", m.name, m.wanted, m.found))
    });
    let (taken, all, first) = (report.taken(), report.arrays, first.unwrap_or_default());
    Err(incomplete(report, format!("only {taken} of {all} arrays fit ({first}){hint}")))
}

fn incomplete(report: &WeightReport, problem: String) -> TrainError {
    let class_layer = report.is_backbone_complete();
    TrainError::Incomplete { path: report.path.clone(), title: report.title.clone(), problem, class_layer }
}
