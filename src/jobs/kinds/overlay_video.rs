//! One video from end to end with heat over it and a caption under every frame.

use super::explain::{Asked, find_video};
use crate::domain::{ClassMatch, ClassSet, Dataset, FrameSampling, Label, RgbImage};
use crate::jobs::error::JobError;
use crate::jobs::kind::{Done, JobKind, Lane, OnStop, Output};
use crate::jobs::known::with_videos;
use crate::jobs::lane::LaneState;
use crate::jobs::requests::{CheckpointRef, ClipRef, ClipSample, HeatRequest};
use crate::progress::Monitor;
use crate::render::compose::{side_by_side, with_caption};
use crate::render::{ClipPosition, HeatVolume, OverlayParams, composite};
use crate::video::{Video, VideoWriter};
use std::path::PathBuf;
use std::sync::Arc;

/// A whole video with heatmaps, to be written as one file.
#[derive(Clone, Debug)]
pub struct OverlayVideo {
    /// The network.
    pub checkpoint: CheckpointRef,
    /// The dataset.
    pub dataset: Arc<Dataset>,
    /// The video, by its name.
    pub video: String,
    /// The map of every clip.
    pub map: HeatRequest,
    /// How the overlay looks.
    pub look: OverlayParams,
    /// The frame without heat beside it.
    pub beside: bool,
    /// Frame number, label and prediction below every frame.
    pub caption: bool,
    /// How labels become classes of the run.
    pub class_match: ClassMatch,
    /// The file.
    pub out: PathBuf,
}

impl JobKind for OverlayVideo {
    type Answer = PathBuf;

    fn lane(&self) -> Lane {
        Lane::Batch
    }

    fn title(&self) -> String {
        "write the video".into()
    }

    fn on_stop(&self) -> OnStop {
        OnStop::Loses
    }

    fn dataset(&self) -> Option<&Arc<Dataset>> {
        Some(&self.dataset)
    }

    fn work(self, state: &mut LaneState, monitor: &dyn Monitor) -> Result<Done<Self::Answer>, JobError> {
        let dataset = with_videos(&self.dataset, std::iter::once(self.video.as_str()), monitor)?;
        let request = Self { dataset, ..self };
        write(&request, state, monitor)?;
        Ok(Done::Finished(request.out))
    }

    fn output(file: Self::Answer) -> Output {
        Output::Exported(file)
    }
}

/// Explains clip after clip and writes the frames between the beginning of one and that of the next.
///
/// # Errors
/// A run that cannot be loaded or that is shown whole instances, a video that cannot be decoded, a file that cannot be
/// written.
fn write(request: &OverlayVideo, state: &mut LaneState, monitor: &dyn Monitor) -> Result<(), JobError> {
    let loaded = state.load(&request.checkpoint, monitor)?;
    let clip = loaded.checkpoint.state.config.clip.clone();
    if clip.sampling != FrameSampling::Windows {
        return Err(JobError::Missing(
            "this network is shown whole instances, so that there is no map for every frame of a video; export clips \
             instead"
                .into(),
        ));
    }
    let classes = loaded.checkpoint.state.classes.clone();
    let class_map = loaded.checkpoint.class_map(&request.dataset, &request.class_match)?;
    let source = state.source(&request.dataset)?;
    let (_, entry) = find_video(&request.dataset, &request.video)?;
    let frames = entry.frames();
    let video = Video::open(&entry.path)?;
    let fps = entry.facts.as_ref().map_or(25.0, |f| f.fps);
    let stride = clip.eval_stride.max(1);
    let mut writer: Option<VideoWriter> = None;
    for start in (0..frames).step_by(stride as usize) {
        let asked =
            Asked { loaded: state.loaded()?, source: &source, dataset: &request.dataset, class_map: &class_map };
        let sample = asked.sample(&ClipRef::window(&request.video, start), std::slice::from_ref(&request.map))?;
        let heat = sample.maps.first().map(HeatVolume::from_map).transpose()?;
        for number in start..(start + stride).min(frames) {
            if monitor.stopped() {
                return Err(JobError::Stopped);
            }
            monitor.stage("drawing frames", u64::from(number), u64::from(frames));
            let plain = video.frame(number)?.image.clone();
            let at = ClipPosition { frame: position(&sample, number), frames: sample.frames.len().max(1) };
            let drawn = heat.as_ref().map_or_else(|| plain.clone(), |h| composite(&plain, h, at, &request.look));
            let labels = entry.labels.at(number);
            let picture = laid_out(request, (plain, drawn), &caption(request, &sample, number, labels, &classes));
            let writer = match &mut writer {
                Some(writer) => writer,
                None => writer.insert(VideoWriter::create(&request.out, picture.width, picture.height, fps)?),
            };
            writer.push(&picture)?;
        }
    }
    match writer {
        Some(writer) => Ok(writer.finish()?),
        None => Err(JobError::Missing(format!("{} has no frame that decodes", request.video))),
    }
}

/// Which frame of the clip is nearest before a frame of the video.
fn position(sample: &ClipSample, number: u32) -> usize {
    let before = sample.frames.iter().enumerate().filter(|(_, f)| **f <= number);
    before.max_by_key(|(at, f)| (**f, *at)).map_or(0, |(at, _)| at)
}

fn laid_out(request: &OverlayVideo, (plain, drawn): (RgbImage, RgbImage), caption: &str) -> RgbImage {
    let picture = if request.beside { side_by_side(&plain, &drawn) } else { drawn };
    if request.caption { with_caption(&picture, caption) } else { picture }
}

fn caption(
    request: &OverlayVideo,
    sample: &ClipSample,
    number: u32,
    label: Option<Label>,
    classes: &ClassSet,
) -> String {
    let truth = match label {
        Some(Label::Class(class)) => request.dataset.classes.name(class),
        Some(Label::Background) => "background",
        None => "no label",
    };
    let sure = sample.probabilities.get(sample.predicted).copied().unwrap_or(0.0);
    format!("frame {number}   label: {truth}   predicted: {} {sure:.2}", classes.name(sample.predicted))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_that_of_the_clip_which_is_nearest_before_it() {
        let sample = ClipSample { frames: vec![10, 12, 14, 16], ..ClipSample::default() };
        let found: Vec<usize> = [9, 10, 11, 14, 15, 40].into_iter().map(|n| position(&sample, n)).collect();
        assert_eq!(found, [0, 0, 0, 2, 2, 3]);
    }
}
