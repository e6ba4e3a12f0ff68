//! A run with its evaluation, and what its folder tells of it.

use crate::config::RunConfig;
use crate::domain::{ClassSet, leaf};
use crate::model::Outline;
use crate::progress::EpochReport;
use crate::run_folder::{
    CHECKPOINTS, Checkpoint, Environment, Evaluation, Identity, MODEL_FILE, Predictions, RunDir, SplitRow,
};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A run as it enters a comparison.
#[derive(Clone, Debug, Default)]
pub struct EvaluatedRun {
    /// What it is called beside the others; see [`name_apart`].
    pub name: String,
    /// Its folder, or that of a checkpoint that lies in none.
    pub path: PathBuf,
    /// Its resolved configuration.
    pub config: RunConfig,
    /// Where and on what it was trained; `None` where the folder does not tell.
    pub environment: Option<Environment>,
    /// Which video was used for what; none for imported weights.
    pub split: Vec<SplitRow>,
    /// Epochs so far.
    pub history: Vec<EpochReport>,
    /// What of its folder is damaged or missing, with what to do.
    pub damage: Vec<String>,
    /// What the folder tells in numbers.
    pub facts: Facts,
    /// The evaluation that is compared.
    pub evaluation: Arc<Evaluation>,
    /// What the network said about each clip of it.
    pub predictions: Arc<Predictions>,
}

/// What a run folder tells of a run; `None` where it does not.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Facts {
    /// Network id.
    pub model: String,
    /// File its first weights came from.
    pub init_from: Option<String>,
    /// Numbers the network learns.
    pub parameters: Option<u64>,
    /// Numbers that training moved.
    pub trainable: Option<u64>,
    /// Bytes of the file of weights.
    pub file_bytes: Option<u64>,
    /// Seconds of a forward pass of one clip on this machine, where it was timed.
    pub seconds_per_clip: Option<f64>,
    /// Seconds of all its epochs.
    pub training_seconds: Option<f64>,
    /// Training clips a second, the mean over epochs.
    pub training_clips_per_second: Option<f64>,
    /// Most bytes the process held at the end of an epoch.
    pub memory_bytes: Option<u64>,
    /// Most bytes its GPUs held at the end of an epoch.
    pub device_memory_bytes: Option<u64>,
    /// Epochs trained.
    pub epochs: Option<u32>,
    /// Epochs the evaluated checkpoint had been trained.
    pub checkpoint_epoch: Option<u32>,
    /// Clips trained on.
    pub train_clips: Option<u64>,
    /// The device trained on.
    pub device: Option<String>,
    /// Seed of every random stream.
    pub seed: u64,
}

impl EvaluatedRun {
    /// Reads what the folder of a checkpoint tells.
    pub fn read(checkpoint: &Checkpoint, evaluation: Arc<Evaluation>, predictions: Arc<Predictions>) -> Self {
        let run = checkpoint.run.as_deref().and_then(|r| RunDir::open(r).ok());
        let history = run.as_ref().and_then(|r| r.history().ok()).filter(|h| !h.is_empty());
        let history = history.unwrap_or_else(|| checkpoint.state.history.clone());
        let environment = run.as_ref().and_then(|r| r.environment().ok());
        let config = checkpoint.state.config.clone();
        let facts = Facts {
            file_bytes: std::fs::metadata(checkpoint.path.join(MODEL_FILE)).ok().map(|m| m.len()),
            checkpoint_epoch: Some(checkpoint.state.epoch).filter(|e| *e > 0),
            ..facts(&config, &checkpoint.state.classes, environment.as_ref(), &history)
        };
        Self {
            name: leaf(checkpoint.home()),
            path: checkpoint.home().to_path_buf(),
            split: run.as_ref().and_then(|r| r.split().ok()).unwrap_or_default(),
            config,
            environment,
            history,
            damage: run.iter().flat_map(RunDir::damage).map(|e| e.to_string()).collect(),
            facts,
            evaluation,
            predictions,
        }
    }

    /// Which weights were evaluated.
    pub fn identity(&self) -> Identity {
        self.evaluation.identity()
    }
}

/// What people call a file of weights: the run and checkpoint it lies in, else its own name.
fn source_of(weights: &Path) -> String {
    let checkpoint = weights.parent().filter(|_| weights.file_name().is_some_and(|n| n == MODEL_FILE));
    let of_run =
        checkpoint.and_then(|c| Some((c, c.parent().filter(|f| f.file_name().is_some_and(|n| n == CHECKPOINTS))?)));
    match of_run.and_then(|(checkpoint, all)| Some((leaf(all.parent()?), leaf(checkpoint)))) {
        Some((run, checkpoint)) => format!("{run}, {checkpoint}"),
        None => leaf(weights),
    }
}

fn facts(config: &RunConfig, classes: &ClassSet, environment: Option<&Environment>, history: &[EpochReport]) -> Facts {
    let clip = [config.clip.length as usize, config.clip.height as usize, config.clip.width as usize];
    let outline = Outline::of(&config.model, classes.len(), clip).ok();
    let trained = !history.is_empty();
    let seconds: f64 = history.iter().map(|e| e.seconds).sum();
    let speed = history.iter().map(|e| f64::from(e.clips_per_second)).sum::<f64>() / history.len().max(1) as f64;
    let told = |text: &String| Some(text.clone()).filter(|t| !t.is_empty());
    Facts {
        model: config.model.id.clone(),
        init_from: (environment.and_then(|e| e.weights.as_ref()).map(|w| source_of(&w.path)))
            .or_else(|| config.model.init_from.as_deref().map(source_of)),
        parameters: outline.as_ref().map(|o| o.parameters as u64),
        trainable: outline.as_ref().map(|o| o.trainable as u64),
        file_bytes: None,
        seconds_per_clip: None,
        training_seconds: trained.then_some(seconds),
        training_clips_per_second: (trained && speed > 0.0).then_some(speed),
        memory_bytes: history.iter().map(|e| e.memory_bytes).max().filter(|b| *b > 0),
        device_memory_bytes: history.iter().filter_map(|e| e.device_memory_bytes).max(),
        epochs: trained.then_some(history.len() as u32),
        checkpoint_epoch: None,
        train_clips: environment.map(|e| e.train_clips).filter(|n| *n > 0),
        device: environment.and_then(|e| told(&e.device)),
        seed: config.seed,
    }
}

/// Gives every run a name of its own: the folder's, with the checkpoint where one run comes several times, with the folder
/// above where different runs are called alike, with a number where nothing else tells them apart.
pub fn name_apart(runs: &mut [EvaluatedRun]) {
    let alone = |names: &[String], i: usize| names.iter().filter(|n| **n == names[i]).count() == 1;
    let same_run = |i: usize| runs.iter().filter(|r| r.path == runs[i].path).count() > 1;
    let above = |path: &Path| path.parent().map(leaf).unwrap_or_default();
    let mut names: Vec<String> = runs.iter().map(|r| leaf(&r.path)).collect();
    for of_one_run in [true, false] {
        let longer = |i: usize, name: &String| match (alone(&names, i) || same_run(i) != of_one_run, of_one_run) {
            (true, _) => name.clone(),
            (false, true) => format!("{name}/{}", runs[i].evaluation.checkpoint),
            (false, false) => format!("{}/{name}", above(&runs[i].path)),
        };
        names = names.iter().enumerate().map(|(i, name)| longer(i, name)).collect();
    }
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for (run, name) in runs.iter_mut().zip(names) {
        let count = seen.entry(name.clone()).or_default();
        *count += 1;
        run.name = if *count > 1 { format!("{name} ({count})") } else { name };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_run_has_a_name_of_its_own() {
        let run = |path: &str, checkpoint: &str| EvaluatedRun {
            path: path.into(),
            evaluation: Arc::new(Evaluation { checkpoint: checkpoint.into(), ..Evaluation::default() }),
            ..EvaluatedRun::default()
        };
        let named = |mut runs: Vec<EvaluatedRun>| {
            name_apart(&mut runs);
            runs.into_iter().map(|r| r.name).collect::<Vec<_>>()
        };
        assert_eq!(named(vec![run("/r/a", "last"), run("/r/b", "last")]), ["a", "b"]);
        assert_eq!(named(vec![run("/r/a", "last"), run("/r/a", "best_loss")]), ["a/last", "a/best_loss"]);
        assert_eq!(named(vec![run("/x/a", "last"), run("/y/a", "last")]), ["x/a", "y/a"]);
        assert_eq!(named(vec![run("/r/a", "last"), run("/r/a", "last")]), ["a/last", "a/last (2)"]);
    }

    #[test]
    fn weights_are_called_by_their_run_and_checkpoint_or_by_their_file() {
        for (path, name) in [
            ("/x/runs/2d/checkpoints/last/model.safetensors", "2d, last"),
            ("/x/weights/model.safetensors", "model.safetensors"),
            ("kinetics.pth", "kinetics.pth"),
        ] {
            assert_eq!(source_of(Path::new(path)), name);
        }
    }
}
