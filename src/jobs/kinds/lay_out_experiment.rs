//! A plan as its runs: what there is to train, and what is there already.

use crate::classical::Learner;
use crate::compare::experiment::{Found, PlannedRun, planned};
use crate::config::{DataConfig, ExperimentPlan};
use crate::data::folds;
use crate::domain::Dataset;
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::lane::LaneState;
use crate::jobs::requests::{LaidOut, PlanSource, RunStanding};
use crate::progress::{EpochReport, Monitor};
use crate::run_folder::RunDir;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Lays a plan out: expands it, and looks what lies in the folders of its runs. Nothing is written.
#[derive(Clone, Debug)]
pub struct LayOutExperiment {
    /// The plan.
    pub plan: PlanSource,
    /// What is trained on.
    pub dataset: Arc<Dataset>,
    /// How its files were read.
    pub reading: DataConfig,
    /// Folder of the runs and tables.
    pub out: PathBuf,
}

impl JobKind for LayOutExperiment {
    type Answer = Arc<LaidOut>;

    fn lane(&self) -> Lane {
        Lane::Files
    }

    fn title(&self) -> String {
        "lay out a plan".to_owned()
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Ends
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        None
    }

    fn work(self, _: &mut LaneState, _: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let invalid = |e: crate::config::ConfigError| JobError::Missing(e.to_string());
        let (plan, folder, source) = match self.plan {
            PlanSource::File(path) => {
                let plan = ExperimentPlan::load(&path).map_err(invalid)?;
                (plan, path.parent().unwrap_or(Path::new("")).to_path_buf(), Some(path))
            }
            PlanSource::Made(plan, folder) => (*plan, folder, None),
        };
        let mut arms = plan.arms(&folder).map_err(invalid)?;
        for arm in &mut arms {
            Learner::of(&arm.config.model).map_err(|e| JobError::Missing(format!("{}: {e}", arm.name)))?;
            arm.config.data = read_as(&arm.name, arm.config.data.clone(), &self.reading)?;
        }
        let folds = folds(&self.dataset, plan.folds)?;
        let runs = planned(&arms, &folds, &self.out);
        let standing = runs.iter().map(standing).collect();
        Ok(Done::Finished(Arc::new(LaidOut {
            plan,
            folder,
            source,
            out: self.out,
            dataset: self.dataset.root.clone(),
            fingerprint: self.dataset.fingerprint.clone(),
            arms,
            folds,
            runs,
            standing,
        })))
    }

    fn output(laid_out: Self::Answer) -> Output {
        Output::LaidOut(laid_out)
    }
}

/// The configuration of a line on the dataset that is open, which is read one way for all.
fn read_as(line: &str, own: DataConfig, reading: &DataConfig) -> Result<DataConfig, JobError> {
    let DataConfig { format, choices, table, label_map, subject_pattern, fold, .. } = reading.clone();
    let differs = [
        ("label_map", !own.label_map.is_empty() && own.label_map != label_map),
        ("subject_pattern", own.subject_pattern != subject_pattern),
        ("fold", own.fold != fold),
    ];
    if let Some((key, _)) = differs.iter().find(|(_, differs)| *differs) {
        return Err(JobError::Missing(format!(
            "{line} reads the dataset with another data.{key} than the open dataset was read with; open it so, or run the plan \
             with kinolens experiment"
        )));
    }
    Ok(DataConfig { format, choices, table, label_map, ..own })
}

/// How a run stands on the disk.
fn standing(run: &PlannedRun) -> RunStanding {
    let folder = RunDir::open(&run.folder).ok();
    let history = folder.as_ref().and_then(|r| r.history().ok()).unwrap_or_default();
    let found = run.found();
    let config = folder.filter(|_| found == Found::Unfinished).and_then(|r| r.config().ok());
    // What the queue shows; the rest is large.
    let light = |e: EpochReport| EpochReport {
        epoch: e.epoch,
        train_loss: e.train_loss,
        val_loss: e.val_loss,
        val_accuracy: e.val_accuracy,
        val_map: e.val_map,
        seconds: e.seconds,
        ..EpochReport::default()
    };
    RunStanding { found, config: config.map(Box::new), history: history.into_iter().map(light).collect() }
}
