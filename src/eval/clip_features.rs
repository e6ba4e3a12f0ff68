//! Features of clips, which classical baselines are fitted to and predict from.

use super::EvalError;
use super::shared::shared_rows;
use super::waiting::hold;
use crate::classical::{FeatureSet, pose_features};
use crate::data::{ClipSource, DataError, FrameRule, load_poses};
use crate::domain::{Clip, PoseTrack, RgbImage};
use crate::progress::{Flow, Monitor, Progress};
use rayon::prelude::*;
use std::sync::Arc;

/// Clips whose frames are held at a time.
const AT_ONCE: usize = 32;

/// The features of clips, in their order, all equally many. Frames are decoded by all threads, and kept in memory and on
/// disk as `source` keeps them; then all threads compute. The processes of a job share the clips.
///
/// # Errors
/// Clips that cannot be decoded; of [`FeatureSet::Poses`] a video without poses, or poses of joints that are not those of
/// the others; [`EvalError::Stopped`].
pub fn clip_features(
    set: FeatureSet,
    source: &Arc<ClipSource>,
    clips: &[Clip],
    label: &str,
    monitor: &dyn Monitor,
) -> Result<Vec<Vec<f32>>, EvalError> {
    let own = |clips: &[Clip]| own_features(set, source, clips, label, monitor);
    even(source, clips, shared_rows(monitor.peers(), clips, AT_ONCE, own)?)
}

/// Refuses features that are not equally many.
fn even(source: &ClipSource, clips: &[Clip], rows: Vec<Vec<f32>>) -> Result<Vec<Vec<f32>>, EvalError> {
    let wanted = rows.first().map_or(0, Vec::len);
    match rows.iter().zip(clips).find(|(row, _)| row.len() != wanted || row.is_empty()) {
        Some((row, clip)) => Err(EvalError::features(source, clip, row.len(), wanted)),
        None => Ok(rows),
    }
}

/// The same by this process alone.
fn own_features(
    set: FeatureSet,
    source: &Arc<ClipSource>,
    clips: &[Clip],
    label: &str,
    monitor: &dyn Monitor,
) -> Result<Vec<Vec<f32>>, EvalError> {
    let mut rows: Vec<Vec<f32>> = Vec::with_capacity(clips.len());
    let mut poses = Poses { source, held: None };
    source.announce(clips);
    for some in clips.chunks(AT_ONCE) {
        if hold(monitor) == Flow::Stop {
            return Err(EvalError::Stopped);
        }
        match set {
            FeatureSet::Poses => {
                for clip in some {
                    rows.push(poses.features(clip)?);
                }
            }
            _ => {
                source.preload(some, false, &Quiet(monitor))?;
                // Decoding may use all threads for one video and wait for them, so it is not asked for from one of them.
                let frames: Vec<Vec<RgbImage>> =
                    some.iter().map(|clip| source.seen(clip, None)).collect::<Result<_, DataError>>()?;
                let features: Vec<Vec<f32>> = frames.par_iter().map(|frames| set.of_frames(frames)).collect();
                rows.extend(features);
            }
        }
        monitor.stage(label, rows.len() as u64, clips.len() as u64);
    }
    even(source, clips, rows)
}

/// Poses of the video asked for last: clips come video by video.
struct Poses<'a> {
    source: &'a ClipSource,
    held: Option<(usize, PoseTrack)>,
}

impl Poses<'_> {
    fn features(&mut self, clip: &Clip) -> Result<Vec<f32>, EvalError> {
        let missing = DataError::NoSuchClip { video: clip.video, start: clip.start };
        let entry = self.source.dataset().videos.get(clip.video).ok_or(missing)?;
        let track = match self.held.take() {
            Some((video, track)) if video == clip.video => track,
            _ if entry.poses.is_none() => return Err(EvalError::NoPoses { video: entry.path.clone() }),
            _ => load_poses(entry)?,
        };
        let numbers = FrameRule::of(self.source.clip_config()).shown(entry, clip);
        let features = pose_features(&track, &numbers);
        self.held = Some((clip.video, track));
        Ok(features)
    }
}

/// A monitor that can stop work and hears nothing of it.
struct Quiet<'a>(&'a dyn Monitor);

impl Monitor for Quiet<'_> {
    fn emit(&self, _progress: Progress) {}

    fn poll(&self) -> Flow {
        self.0.poll()
    }

    fn inner(&self) -> Option<&dyn Monitor> {
        Some(self.0)
    }
}
