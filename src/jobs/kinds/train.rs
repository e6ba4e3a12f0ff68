//! A training as a job: the loop, then its pictures.

use crate::config::RunConfig;
use crate::domain::{Dataset, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::known;
use crate::jobs::lane::LaneState;
use crate::jobs::pictures;
use crate::jobs::run_view::{RunView, view};
use crate::jobs::until_epoch::UntilEpoch;
use crate::progress::Monitor;
use crate::run_folder::TrainEnd;
use crate::train::{TrainOptions, device_of, run};
use std::path::PathBuf;
use std::sync::Arc;

/// Trains, or goes on training.
#[derive(Clone, Debug)]
pub struct Train {
    /// What to train on.
    pub dataset: Arc<Dataset>,
    /// How.
    pub config: Box<RunConfig>,
    /// Run folder.
    pub out: PathBuf,
    /// Go on from the last checkpoint in `out`.
    pub resume: bool,
    /// Replace a run that is in `out`.
    pub force: bool,
    /// Also write before/after videos of augmented clips, every epoch.
    pub debug: bool,
    /// End with this epoch, with a checkpoint to go on from; the schedule stays that of the whole training.
    pub until: Option<u32>,
}

impl JobKind for Train {
    type Answer = Arc<RunView>;

    fn lane(&self) -> Lane {
        Lane::Train
    }

    fn title(&self) -> String {
        format!("train {}", leaf(&self.out))
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Loses
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let Self { dataset, config, out, resume, force, debug, until } = self;
        let until = UntilEpoch::new(monitor, until);
        let monitor: &dyn Monitor = &until;
        let dataset = known::labelled(&dataset, monitor)?;
        let device = state.device(device_of(&config), monitor);
        let outcome = run(&dataset, &config, &out, TrainOptions { resume, force, debug }, &device, monitor)?;
        // The folder is the first process's; others may not even see it.
        let leads = monitor.peers().leads();
        let run = match leads {
            true => view(&outcome.run)?,
            false => RunView { path: outcome.run.clone(), history: outcome.history, ..RunView::default() },
        };
        if leads
            && !run.history.is_empty()
            && let Err(error) = pictures::plot_run(&run, pictures::TOP_CLASSES, &outcome.run.join("plots"))
        {
            // The run itself is whole; a picture can be drawn again.
            monitor.warn(format!("the plots could not be drawn: {error}"));
        }
        Ok(match outcome.end {
            TrainEnd::Stopped => Done::Cancelled(Some(Arc::new(run))),
            TrainEnd::Completed | TrainEnd::EarlyStopped | TrainEnd::FinishedEarly | TrainEnd::Imported => {
                Done::Finished(Arc::new(run))
            }
        })
    }

    fn output(run: Self::Answer) -> Output {
        Output::Run(run)
    }
}
