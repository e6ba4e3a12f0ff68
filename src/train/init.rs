//! Initial weights from a file or another run (fine-tuning).

use super::TrainError;
use crate::config::RunConfig;
use crate::domain::ClassSet;
use crate::model::{Network, WeightReport};
use crate::progress::{Monitor, Progress};
use crate::run_folder::{Checkpoint, MODEL_FILE, WeightsOrigin};
use std::path::{Path, PathBuf};

/// Takes a network's first weights from where the configuration says, and tells what was taken.
///
/// # Errors
/// A file that cannot be read or is refused, or one of another network.
pub(super) fn init(
    network: &mut Network,
    config: &RunConfig,
    classes: &ClassSet,
    monitor: &dyn Monitor,
) -> Result<Option<WeightsOrigin>, TrainError> {
    let Some(path) = &config.model.init_from else { return Ok(None) };
    let (file, checkpoint) = weights_of(path)?;
    let mut report = network.init_from(&file)?;
    match &checkpoint {
        Some(checkpoint) => report.warnings.extend(differences(&report, checkpoint, config, classes)),
        None => report.warnings.extend(unusual(&report, config)?),
    }
    tell(&report, monitor);
    Ok(Some(WeightsOrigin::of(&report)))
}

/// Tells what was taken: in words, as data, and what deserves doubt as warnings.
pub(super) fn tell(report: &WeightReport, monitor: &dyn Monitor) {
    let data = serde_json::to_value(report).unwrap_or_default();
    monitor.emit(Progress::Weights { lines: report.lines(false), report: data });
    for warning in &report.warnings {
        monitor.warn(warning.clone());
    }
}

/// The weight file that is meant: that of a run's checkpoint, or the file itself.
pub(super) fn weights_of(path: &Path) -> Result<(PathBuf, Option<Checkpoint>), TrainError> {
    if !path.is_dir() || path.join(MODEL_FILE).is_file() && !path.join(crate::run_folder::STATE_FILE).is_file() {
        let file = if path.is_dir() { path.join(MODEL_FILE) } else { path.to_path_buf() };
        // A weight file inside a checkpoint knows its run too.
        let beside = file.with_file_name(crate::run_folder::STATE_FILE);
        let own = file.file_name().is_some_and(|n| n == MODEL_FILE) && beside.is_file();
        let checkpoint = own.then(|| Checkpoint::open(&file)).transpose()?;
        checkpoint.as_ref().map_or(Ok(()), Checkpoint::require_network)?;
        return Ok((file, checkpoint));
    }
    let checkpoint = Checkpoint::open(path)?;
    checkpoint.require_network()?;
    Ok((checkpoint.path.join(MODEL_FILE), Some(checkpoint)))
}

/// Foreign weights do not say how their frames were normalised; those that are public go with the network's preset.
fn unusual(report: &WeightReport, config: &RunConfig) -> Result<Option<String>, TrainError> {
    let (usual, now) = (super::config_for(&config.model.id)?.clip, &config.clip);
    // Inflated weights come from a network for pictures, and from its normalisation.
    if report.inflated() > 0 || (usual.mean == now.mean && usual.std == now.std) {
        return Ok(None);
    }
    Ok(Some(format!(
        "public weights of {} are trained on frames normalised with mean {:?} and deviation {:?}, this run uses {:?} and \
         {:?}; set clip.mean and clip.std to what these weights were trained with",
        report.title, usual.mean, usual.std, now.mean, now.std
    )))
}

/// What is now otherwise than where the weights were trained, and matters to them.
fn differences(report: &WeightReport, from: &Checkpoint, config: &RunConfig, classes: &ClassSet) -> Vec<String> {
    let mut out = Vec::new();
    let (then, now) = (&from.state.config.clip, &config.clip);
    if then.mean != now.mean || then.std != now.std {
        out.push(format!(
            "the weights were trained on frames normalised with mean {:?} and deviation {:?}, this run uses {:?} and \
             {:?}; set clip.mean and clip.std to the former",
            then.mean, then.std, now.mean, now.std
        ));
    }
    let names = |set: &ClassSet| set.classes.iter().map(|c| c.name.clone()).collect::<Vec<_>>();
    if report.class_layer.taken && names(&from.state.classes) != names(classes) {
        out.push(
            "the class layer was taken because it has as many outputs, but its classes have other names or another \
             order: it starts as wrong as one from scratch"
                .to_owned(),
        );
    }
    out
}
