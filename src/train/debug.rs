//! What augmentation does to a few training clips, as videos before and after it: a new draw every epoch.

use super::TrainError;
use crate::config::RunConfig;
use crate::data::{ClipPlan, ClipSource, DrawnClip, FrameRule, Sampler, times_drawn};
use crate::domain::{Clip, Dataset, Label, RgbImage, leaf};
use crate::progress::{Monitor, Progress};
use crate::video::VideoWriter;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Clips shown.
const CLIPS: usize = 6;
/// Frames a second of the videos.
const FPS: f64 = 10.0;

/// Some training clips of a run, the same in every epoch, and where their videos go.
pub(super) struct DebugClips {
    dir: PathBuf,
    clips: Vec<Clip>,
}

impl DebugClips {
    /// Of the run in folder `run`: clips spread over the plan. Says what the training makes do with.
    pub fn new(run: &Path, plan: &ClipPlan, config: &RunConfig, monitor: &dyn Monitor) -> Result<Self, TrainError> {
        monitor.emit(Progress::Log(quick_look(config)));
        let dir = run.join("debug");
        std::fs::create_dir_all(&dir).map_err(|e| TrainError::file("make", &dir, &e))?;
        let every = plan.train.len().div_ceil(CLIPS).max(1);
        let mut clips: Vec<Clip> = plan.train.iter().step_by(every).copied().collect();
        clips.dedup_by_key(|c| c.place());
        Ok(Self { dir, clips })
    }

    /// Writes the videos of an epoch (from 0) before and after what it draws, with the numbers drawn beside them, from the
    /// frames that it trains on.
    pub fn write(
        &self,
        source: &ClipSource,
        (dataset, plan, config): (&Dataset, &ClipPlan, &RunConfig),
        epoch: u32,
        monitor: &dyn Monitor,
    ) -> Result<(), TrainError> {
        let rule = FrameRule::of(&config.clip);
        let sampler = Sampler::training(&config.sampling);
        for (number, clip) in self.clips.iter().enumerate() {
            if monitor.stopped() {
                return Ok(());
            }
            let drawn = DrawnClip::of(source, &config.augment, (config.seed, u64::from(epoch), 0), clip);
            let Some(video) = dataset.videos.get(clip.video) else { continue };
            let name = format!("clip{number}_{}_frame{}_epoch{}", plain(&video.name), clip.start, epoch + 1);
            let after = source.pictures_of(&drawn.pixels(source)?);
            write_video(&self.dir.join(format!("{name}_before.mp4")), &source.pictures(&drawn.clip)?)?;
            write_video(&self.dir.join(format!("{name}_after.mp4")), &after)?;
            let classes: Vec<&str> = match &plan.targets {
                Some(targets) => targets.of(clip).into_iter().map(|c| plan.classes.name(c)).collect(),
                None => clip.label.and_then(Label::class).map(|c| plan.classes.name(c)).into_iter().collect(),
            };
            let told = json!({
                "video": video.name, "start": clip.start, "frames": rule.shown(video, &drawn.clip), "classes": classes,
                "epoch": epoch + 1, "seed": config.seed,
                "times_drawn": times_drawn(&plan.train, sampler, (config.seed, u64::from(epoch)), clip),
                "draw": drawn.draw, "described": drawn.describe(),
                "before": format!("{name}_before.mp4"), "after": format!("{name}_after.mp4"),
            });
            let path = self.dir.join(format!("{name}.json"));
            std::fs::write(&path, format!("{told:#}\n")).map_err(|e| TrainError::file("write", &path, &e))?;
        }
        Ok(())
    }
}

/// What a quick look at a training makes do with.
pub(super) fn quick_look(config: &RunConfig) -> String {
    format!(
        "a quick look: data.fraction = {} of the training clips, training.workers = {}; the scores are no measure of the network",
        config.data.fraction, config.training.workers
    )
}

/// The name of a video as a part of a file name on any system.
fn plain(name: &str) -> String {
    let stem = Path::new(name).file_stem().map_or_else(|| leaf(Path::new(name)), |s| s.to_string_lossy().into_owned());
    stem.chars().map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect()
}

fn write_video(path: &Path, pictures: &[RgbImage]) -> Result<(), TrainError> {
    let Some(first) = pictures.first() else { return Ok(()) };
    let mut writer = VideoWriter::create(path, first.width, first.height, FPS)?;
    for picture in pictures {
        writer.push(picture)?;
    }
    Ok(writer.finish()?)
}
