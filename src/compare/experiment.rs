//! Many trainings of one plan: which run of which arm and fold, what became of each, and the arms compared, with the
//! predictions of all folds of an arm pooled.

use super::comparison::evaluation_for;
use super::search::SearchReport;
use super::settings::OF_THE_MACHINE;
use super::table::{Cell, Table};
use super::words::percent;
use super::{Comparison, EvaluatedRun};
use crate::classical::Baseline;
use crate::config::{self, Arm, RunConfig};
use crate::data::Fold;
use crate::domain::{Task, duration, leaf, listed};
use crate::run_folder::files::{create_dir, write_atomic};
use crate::run_folder::{Evaluation, Predictions, RunDir, RunError};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One training of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedRun {
    /// Name of its folder.
    pub name: String,
    /// Position of its arm.
    pub arm: usize,
    /// Position of its fold.
    pub fold: usize,
    /// How it is trained.
    pub config: RunConfig,
    /// Position of the run whose weights it begins with.
    pub init: Option<usize>,
    /// Its folder.
    pub folder: PathBuf,
}

/// What lies in the folder of a planned run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    /// Nothing.
    Nothing,
    /// A training that can go on.
    Unfinished,
    /// A training that came to its end.
    Finished,
    /// Something else; the sentence.
    Other(String),
}

impl Found {
    /// In a few words.
    pub fn words(&self) -> &'static str {
        match self {
            Self::Nothing => "to train",
            Self::Unfinished => "to resume",
            Self::Finished => "trained",
            Self::Other(_) => "in the way",
        }
    }
}

/// Every run of a plan below a folder, those others begin with first.
pub fn planned(arms: &[Arm], folds: &[Fold], out: &Path) -> Vec<PlannedRun> {
    let mut runs = Vec::with_capacity(arms.len() * folds.len());
    for (at, arm) in arms.iter().enumerate() {
        for (nth, fold) in folds.iter().enumerate() {
            let name = match fold.name.as_str() {
                "" => arm.name.clone(),
                fold => format!("{}_{fold}", arm.name),
            };
            let init = arm.init.map(|arm| arm * folds.len() + nth);
            let folder = out.join("runs").join(&name);
            runs.push(PlannedRun { name, arm: at, fold: nth, config: arm.config.clone(), init, folder });
        }
    }
    runs
}

impl PlannedRun {
    /// How it is trained, with the folder of the run whose weights it begins with.
    pub fn ready(&self, runs: &[Self]) -> RunConfig {
        let mut config = self.config.clone();
        if let Some(source) = self.init.and_then(|at| runs.get(at)) {
            config.model.init_from =
                Some(std::path::absolute(&source.folder).unwrap_or_else(|_| source.folder.clone()));
        }
        config
    }

    /// Looks what lies in its folder.
    pub fn found(&self) -> Found {
        let taken = self.folder.read_dir().map_or(self.folder.exists(), |mut entries| entries.next().is_some());
        if !taken {
            return Found::Nothing;
        }
        let other = |why: String| {
            Found::Other(format!(
                "{} {why}; move it away, or choose another folder for this plan",
                self.folder.display()
            ))
        };
        if !RunDir::is_run(&self.folder) {
            return other("is there and is no run".into());
        }
        let run = match RunDir::open(&self.folder).and_then(|run| run.config().map(|config| (run, config))) {
            Ok((run, config)) => {
                let differ = self.differs_from(&config);
                if !differ.is_empty() {
                    return other(format!("holds a run with other settings ({})", listed(&differ, 6)));
                }
                run
            }
            Err(error) => return Found::Other(error.to_string()),
        };
        if run.resumable() { Found::Unfinished } else { Found::Finished }
    }

    /// Keys in which a run that is there is another one than is planned.
    fn differs_from(&self, stored: &RunConfig) -> Vec<String> {
        let (wanted, stored) = (config::values(&self.config), config::values(stored));
        let fitted_at_once = Baseline::find(&self.config.model.id).is_some();
        // What training fills in: classes, how the files were read, the weights' place, and of a baseline its one epoch.
        let filled = |key: &str| {
            ["model.num_classes", "model.init_from"].contains(&key)
                || key.starts_with("data.choices")
                || key.starts_with("data.format")
                || (fitted_at_once && key == "training.epochs")
        };
        let machine = |key: &str| OF_THE_MACHINE.contains(&key);
        let keys = wanted.keys().chain(stored.keys()).filter(|k| !filled(k) && !machine(k));
        let mut out: Vec<String> = keys.filter(|k| wanted.get(*k) != stored.get(*k)).cloned().collect();
        out.sort();
        out.dedup();
        out
    }
}

/// What became of one run.
#[derive(Clone, Debug, Serialize)]
pub struct ExperimentRow {
    /// Name of its folder.
    pub run: String,
    /// The arm it is of.
    pub arm: String,
    /// The fold, empty without folds.
    pub fold: String,
    /// The people tested on, with folds.
    pub tested: Vec<String>,
    /// Network.
    pub model: String,
    /// Seed.
    pub seed: u64,
    /// Where it was before.
    pub found: Found,
    /// Epochs trained.
    pub epochs: Option<u32>,
    /// Seconds of them.
    pub seconds: Option<f64>,
    /// Clips evaluated.
    pub clips: Option<u64>,
    /// Accuracy, or mAP in a multi-label task.
    pub score: Option<f64>,
    /// Best score on the validation clips while it trained.
    pub validation: Option<f64>,
    /// Why there is none.
    pub failure: Option<String>,
}

/// What became of a plan.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ExperimentReport {
    /// One row a run, in the order of the plan.
    pub rows: Vec<ExperimentRow>,
    /// The arms whose runs are all there, compared; `None` where there is none, or where they cannot be.
    pub comparison: Option<Comparison>,
    /// What to know of it.
    pub notes: Vec<String>,
    /// What a search tried, and what it chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<SearchReport>,
    /// The runs that were compared, each with the predictions of all its folds.
    #[serde(skip)]
    pub runs: Vec<EvaluatedRun>,
}

/// Compares the arms whose runs were all evaluated. `evaluated[i]` is planned run `i`, or `None` where it failed.
pub fn summary(
    rows: Vec<ExperimentRow>,
    arms: &[Arm],
    planned: &[PlannedRun],
    evaluated: &[Option<EvaluatedRun>],
    seed: u64,
) -> ExperimentReport {
    let mut out = ExperimentReport { rows, ..ExperimentReport::default() };
    let mut whole = Vec::new();
    for (at, arm) in arms.iter().enumerate() {
        let of_arm: Vec<Option<&EvaluatedRun>> =
            planned.iter().zip(evaluated).filter(|(p, _)| p.arm == at).map(|(_, run)| run.as_ref()).collect();
        let runs: Vec<&EvaluatedRun> = of_arm.iter().copied().flatten().collect();
        if runs.len() < of_arm.len() {
            let missing = of_arm.len() - runs.len();
            out.notes.push(match of_arm.len() {
                1 => format!("{} is not compared: it failed", arm.name),
                all => format!("{} is not compared: {missing} of its {all} runs failed", arm.name),
            });
            continue;
        }
        match pooled(&arm.name, &runs) {
            Ok(run) => whole.push(run),
            Err(sentence) => out.notes.push(sentence),
        }
    }
    if planned.len() > arms.len() {
        out.notes.push(
            "predictions of all folds of an arm are pooled: each clip was predicted once, by a network that was not trained on \
             its person"
                .into(),
        );
    }
    if !whole.is_empty() {
        match Comparison::of(&whole, seed) {
            Ok(comparison) => out.comparison = Some(comparison),
            Err(error) => out.notes.push(error.to_string()),
        }
    }
    out.runs = whole;
    out
}

/// The runs of all folds as one: their predictions together.
fn pooled(name: &str, runs: &[&EvaluatedRun]) -> Result<EvaluatedRun, String> {
    let Some(first) = runs.first() else { return Err(format!("{name} has no runs")) };
    if runs.len() == 1 {
        return Ok(EvaluatedRun { name: name.to_owned(), ..(*first).clone() });
    }
    let classes = &first.evaluation.classes;
    if let Some(other) = runs.iter().find(|r| r.evaluation.classes != *classes) {
        return Err(format!("{name} is not compared: {} knows other classes than {}", other.name, first.name));
    }
    let task = if first.evaluation.multi_label.is_some() { Task::MultiLabel } else { Task::SingleLabel };
    let clips: Vec<_> = runs.iter().flat_map(|r| r.predictions.clips.iter().cloned()).collect();
    let of = |e: &Evaluation| Evaluation {
        run: e.run.clone(),
        checkpoint: e.checkpoint.clone(),
        dataset: e.dataset.clone(),
        dataset_fingerprint: e.dataset_fingerprint.clone(),
        split: e.split.clone(),
        class_match: e.class_match.clone(),
        ..evaluation_for(task, classes, &clips)
    };
    let mut facts = first.facts.clone();
    let seconds: Option<Vec<f64>> = runs.iter().map(|r| r.facts.training_seconds).collect();
    facts.training_seconds = seconds.map(|s| s.iter().sum());
    facts.memory_bytes = runs.iter().filter_map(|r| r.facts.memory_bytes).max();
    facts.device_memory_bytes = runs.iter().filter_map(|r| r.facts.device_memory_bytes).max();
    // These are another number in every fold.
    (facts.epochs, facts.checkpoint_epoch, facts.train_clips) = (None, None, None);
    Ok(EvaluatedRun {
        name: name.to_owned(),
        path: first.path.parent().unwrap_or(&first.path).join(name),
        config: first.config.clone(),
        environment: first.environment.clone(),
        facts,
        evaluation: Arc::new(of(&first.evaluation)),
        predictions: Arc::new(Predictions { clips }),
        ..EvaluatedRun::default()
    })
}

impl ExperimentReport {
    /// One row a run.
    pub fn table(&self) -> Table {
        let header =
            ["run", "network", "seed", "tested on", "was", "epochs", "time", "clips", "score", "validation", "failure"];
        let mut table = Table::new("Runs", header);
        for row in &self.rows {
            table.rows.push(vec![
                Cell::text(row.run.clone()),
                Cell::text(row.model.clone()),
                Cell::number(Some(row.seed as f64), |_| row.seed.to_string()),
                Cell::text(listed(&row.tested, 4)),
                row.found.words().into(),
                Cell::count(row.epochs.map(u64::from)),
                Cell::number(row.seconds, duration),
                Cell::count(row.clips),
                Cell::number(row.score, percent),
                Cell::number(row.validation, percent),
                Cell::text(row.failure.clone().unwrap_or_default()),
            ]);
        }
        table.without_empty()
    }

    /// Everything for people, as Markdown.
    pub fn markdown(&self) -> String {
        let mut out = format!("## {}\n\n{}\n", self.table().title, self.table().markdown());
        self.notes.iter().for_each(|note| out += &format!("- {note}\n"));
        if let Some(search) = &self.search {
            out += &format!("\n## {}\n\n{}\n", search.table().title, search.table().markdown());
            search.notes.iter().for_each(|note| out += &format!("- {note}\n"));
        }
        if let Some(comparison) = &self.comparison {
            out += &format!("\n{}", comparison.markdown());
        }
        out
    }

    /// Writes `experiment.{json,md,csv}`, `search.csv` where values were tried, and the tables of the comparison to the folder
    /// `comparison`; gives the files.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, out: &Path) -> Result<Vec<PathBuf>, RunError> {
        create_dir(out)?;
        let mut files = Vec::new();
        let search = self.search.as_ref().map(|s| ("search.csv", s.table().csv()));
        let texts = [
            ("experiment.json", serde_json::to_string_pretty(self).unwrap_or_default()),
            ("experiment.md", self.markdown()),
            ("experiment.csv", self.table().csv()),
        ];
        for (name, text) in texts.into_iter().chain(search) {
            let path = out.join(name);
            write_atomic(&path, text.as_bytes())?;
            files.push(path);
        }
        if let Some(comparison) = &self.comparison {
            files.extend(comparison.write(&out.join("comparison"))?);
        }
        Ok(files)
    }

    /// Names of the runs that failed.
    pub fn failed(&self) -> Vec<String> {
        self.rows.iter().filter(|r| r.failure.is_some()).map(|r| leaf(Path::new(&r.run))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ClassSet;
    use crate::eval::metrics::evaluation_of;
    use crate::run_folder::Prediction;

    fn arm(name: &str, init: Option<usize>) -> Arm {
        Arm { name: name.into(), config: RunConfig::reference(), init, trial: None }
    }

    fn folds(names: &[&str]) -> Vec<Fold> {
        names.iter().map(|n| Fold { name: (*n).into(), tested: vec![format!("who of {n}")] }).collect()
    }

    #[test]
    fn weights_come_from_the_run_of_the_same_fold() {
        let runs = planned(&[arm("2d", None), arm("3d", Some(0))], &folds(&["fold1", "fold2"]), Path::new("/out"));
        let told: Vec<(&str, Option<usize>)> = runs.iter().map(|r| (r.name.as_str(), r.init)).collect();
        assert_eq!(told, [("2d_fold1", None), ("2d_fold2", None), ("3d_fold1", Some(0)), ("3d_fold2", Some(1))]);
        assert_eq!(runs[3].folder, Path::new("/out/runs/3d_fold2"));
        assert_eq!(runs[0].found(), Found::Nothing);
    }

    #[test]
    fn folds_are_pooled_and_an_arm_with_a_failure_is_left_out() {
        // Fold 1: one of two right; fold 2: both. Pooled 3 of 4, which is no mean of shares of unequal folds.
        let run = |fold: &str, right: &[bool]| {
            let classes = ClassSet::from_names(["sit", "stand"]);
            let clip = |(i, right): (usize, &bool)| Prediction {
                video: format!("{fold}-{i}"),
                subject: fold.into(),
                truth: i % 2,
                predicted: if *right { i % 2 } else { 1 - i % 2 },
                probabilities: vec![0.5, 0.5],
                ..Prediction::default()
            };
            let clips: Vec<Prediction> = right.iter().enumerate().map(clip).collect();
            EvaluatedRun {
                name: fold.into(),
                evaluation: Arc::new(Evaluation { split: "test".into(), ..evaluation_of(&classes, &clips) }),
                predictions: Arc::new(Predictions { clips }),
                ..EvaluatedRun::default()
            }
        };
        let arms = [arm("a", None), arm("b", None), arm("c", None)];
        let planned = planned(&arms, &folds(&["fold1", "fold2"]), Path::new("/out"));
        let evaluated = [
            Some(run("p", &[true, false])),
            Some(run("q", &[true, true, false])),
            Some(run("p", &[true, false])),
            None,
            Some(run("p", &[true, true])),
            Some(run("q", &[true, true, true])),
        ];
        let report = summary(Vec::new(), &arms, &planned, &evaluated, 1);
        let comparison = report.comparison.unwrap();
        let scores: Vec<(&str, f64)> = comparison.runs.iter().map(|r| (r.name.as_str(), r.accuracy.value)).collect();
        assert_eq!(scores, [("a", 0.6), ("c", 1.0)]);
        assert_eq!(comparison.resampled.count, 2, "people are what is drawn");
        assert!(
            report.notes.iter().any(|n| n.contains("b is not compared: 1 of its 2 runs failed")),
            "{:?}",
            report.notes
        );
    }
}
