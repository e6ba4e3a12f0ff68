//! A training as a job: the loop, then its pictures.

use crate::config::RunConfig;
use crate::data::{ClipSource, as_configured, plan};
use crate::domain::{Dataset, RgbImage, leaf};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::known;
use crate::jobs::lane::LaneState;
use crate::jobs::pictures;
use crate::jobs::run_view::{RunView, view};
use crate::progress::Monitor;
use crate::run_folder::TrainEnd;
use crate::train::{TrainOptions, device_of, run};
use crate::video::VideoWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Clips shown before and after augmentation by `--debug`.
const DEBUG_CLIPS: usize = 6;
/// Frames a second of those videos.
const DEBUG_FPS: f64 = 10.0;

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
    /// Also write before/after videos of augmented clips.
    pub debug: bool,
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
        let Self { dataset, config, out, resume, force, debug } = self;
        let dataset = known::labelled(&dataset, monitor)?;
        let device = state.device(device_of(&config), monitor);
        let outcome = run(&dataset, &config, &out, TrainOptions { resume, force }, &device, monitor)?;
        if debug {
            write_debug_videos(&dataset, &config, &out.join("debug"), monitor)?;
        }
        let run = view(&outcome.run)?;
        if !run.history.is_empty()
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

/// Sample clips before and after augmentation, as videos. Each call draws what the first epoch would draw.
fn write_debug_videos(
    dataset: &Arc<Dataset>,
    config: &RunConfig,
    dir: &Path,
    monitor: &dyn Monitor,
) -> Result<(), JobError> {
    std::fs::create_dir_all(dir).map_err(|source| JobError::Write { path: dir.to_path_buf(), source })?;
    let dataset = &as_configured(dataset, config);
    let plan = plan(dataset, config)?;
    let source = ClipSource::new(dataset.clone(), config);
    let every = plan.train.len().div_ceil(DEBUG_CLIPS).max(1);
    for (i, clip) in plan.train.iter().step_by(every).enumerate() {
        if monitor.stopped() {
            return Ok(());
        }
        let (clip, draw) = source.draw(&config.augment, config.seed, 0, clip, 0);
        let said = draw.map_or_else(|| "unchanged".to_owned(), |d| d.describe());
        write(&dir.join(format!("clip{i}_before.mp4")), &source.pictures(&clip)?)?;
        write(&dir.join(format!("clip{i}_after.mp4")), &source.seen(&clip, draw.as_ref())?)?;
        let path = dir.join(format!("clip{i}.txt"));
        let video = dataset.videos.get(clip.video).map(|v| v.name.as_str()).unwrap_or_default();
        let text = format!("{video} frame {}\n{}\n", clip.start, said);
        std::fs::write(&path, text).map_err(|source| JobError::Write { path, source })?;
    }
    Ok(())
}

fn write(path: &Path, pictures: &[RgbImage]) -> Result<(), JobError> {
    let Some(first) = pictures.first() else { return Ok(()) };
    let mut writer = VideoWriter::create(path, first.width, first.height, DEBUG_FPS)?;
    for picture in pictures {
        writer.push(picture)?;
    }
    Ok(writer.finish()?)
}
