//! Predictions for clips, and sliding-window predictions for whole videos.

use super::EvalError;
use super::caveats::spread_frames;
use super::clip_features::clip_features;
use super::metrics::{argmax, probabilities_of};
use super::shared::shared_rows;
use super::waiting::hold;
use crate::classical::{Classifier, FeatureSet};
use crate::data::{ClipSource, Loader, LoaderOptions, covering_windows};
use crate::domain::{ClassSet, Clip, ClipGeometry, Dataset, Task, said};
use crate::model::{ComputeDevice, Network, read};
use crate::progress::{Flow, Monitor};
use crate::run_folder::{Checkpoint, Identity};
use rayon::prelude::*;
use std::sync::Arc;

/// What a network says along a whole video.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VideoPrediction {
    /// The weights that predicted.
    pub identity: Identity,
    /// Name of the video in the dataset, or its path.
    pub video: String,
    /// Classes in output order.
    pub classes: ClassSet,
    /// First frame of each window.
    pub starts: Vec<u32>,
    /// Probabilities of each window, `[windows][classes]`.
    pub windows: Vec<Vec<f32>>,
    /// Most probable class and probability of each frame (mean over the windows that cover it).
    pub frames: Vec<(usize, f32)>,
    /// How many classes a clip may have.
    pub task: Task,
    /// The classes said of each frame with their probabilities, [`SAID_AT`](crate::domain::SAID_AT) or more; only in a
    /// multi-label task.
    pub said: Vec<Vec<(usize, f32)>>,
    /// Sentences that put it in doubt.
    pub warnings: Vec<String>,
}

/// How clips are run through a network.
#[derive(Clone, Copy, Debug)]
pub struct PredictOptions<'a> {
    /// Clips in a batch.
    pub batch_size: usize,
    /// Loading threads.
    pub workers: usize,
    /// What is being done, for people.
    pub label: &'a str,
}

/// What answers for clips.
pub enum Predictor {
    /// A network on its device.
    Network(Box<Network>),
    /// A classical baseline.
    Baseline(FeatureSet, Box<Classifier>),
}

impl Predictor {
    /// Of a checkpoint. A baseline needs no device.
    ///
    /// # Errors
    /// A checkpoint that does not load.
    pub fn of(checkpoint: &Checkpoint, device: &ComputeDevice) -> Result<Self, EvalError> {
        Ok(match checkpoint.baseline() {
            None => Self::Network(Box::new(checkpoint.network(device)?)),
            Some(baseline) => Self::Baseline(baseline.features, Box::new(checkpoint.classifier(baseline)?)),
        })
    }

    /// Logits of clips, in their order, one row of `classes` values each.
    ///
    /// # Errors
    /// As [`predict_clips`] and [`clip_features`], and features of another number than those that were fitted to.
    pub fn logits(
        &self,
        source: &Arc<ClipSource>,
        clips: &[Clip],
        options: PredictOptions<'_>,
        monitor: &dyn Monitor,
    ) -> Result<Vec<Vec<f32>>, EvalError> {
        let (set, classifier) = match self {
            Self::Network(network) => return predict_clips(network, source, clips, options, monitor),
            Self::Baseline(set, classifier) => (*set, classifier),
        };
        let rows = clip_features(set, source, clips, options.label, monitor)?;
        let (found, wanted) = (rows.first().map_or(0, Vec::len), classifier.features());
        if let Some(clip) = clips.first()
            && found != wanted
        {
            return Err(EvalError::features(source, clip, found, wanted));
        }
        Ok(rows.par_iter().map(|row| classifier.logits(row)).collect())
    }
}

/// Logits of clips, in their order, one row of `classes` values each. The processes of a job share the clips.
///
/// # Errors
/// Clips that cannot be loaded, a device that fails, [`EvalError::Stopped`].
pub fn predict_clips(
    network: &Network,
    source: &Arc<ClipSource>,
    clips: &[Clip],
    options: PredictOptions<'_>,
    monitor: &dyn Monitor,
) -> Result<Vec<Vec<f32>>, EvalError> {
    let own = |clips: &[Clip]| predict_own(network, source, clips, options, monitor);
    shared_rows(monitor.peers(), clips, options.batch_size, own)
}

/// The same by this process alone.
fn predict_own(
    network: &Network,
    source: &Arc<ClipSource>,
    clips: &[Clip],
    options: PredictOptions<'_>,
    monitor: &dyn Monitor,
) -> Result<Vec<Vec<f32>>, EvalError> {
    let loading =
        LoaderOptions { batch_size: options.batch_size, workers: options.workers, ..LoaderOptions::default() };
    let mut rows = Vec::with_capacity(clips.len());
    for batch in Loader::new(source.clone(), clips, &loading) {
        if hold(monitor) == Flow::Stop {
            return Err(EvalError::Stopped);
        }
        let batch = batch?;
        let input = network.input(batch.pixels, batch.size, clip_shape(source))?;
        let logits = network.device().compute(|| read(network.forward(input)))?; // [B, classes]
        rows.extend(logits.chunks(network.classes()).map(<[f32]>::to_vec));
        monitor.stage(options.label, rows.len() as u64, clips.len() as u64);
    }
    Ok(rows)
}

/// Frames, rows and columns of the clips of a source.
pub(crate) fn clip_shape(source: &ClipSource) -> [usize; 3] {
    let clip = source.clip_config();
    [clip.length as usize, clip.height as usize, clip.width as usize]
}

/// Class and probability of each of `frames` frames: the mean over the windows that span it, `None` where none does.
/// Frames of a window that the network skips (step above 1) belong to it as well.
pub fn frame_probabilities(
    frames: u32,
    geometry: ClipGeometry,
    windows: &[(u32, &[f32])],
) -> Vec<Option<(usize, f32)>> {
    frame_means(frames, geometry, windows, |means| {
        let class = argmax(means);
        (class, means.get(class).copied().unwrap_or(0.0).clamp(0.0, 1.0))
    })
}

/// What `told` makes of the mean probabilities of each frame.
fn frame_means<T: Clone>(
    frames: u32,
    geometry: ClipGeometry,
    windows: &[(u32, &[f32])],
    told: impl Fn(&[f32]) -> T,
) -> Vec<Option<T>> {
    let classes = windows.first().map_or(0, |(_, p)| p.len());
    // Windows of equal cover make runs of equal sums: add at the start, take away past the end.
    let mut changes: Vec<(u32, f64, usize)> = Vec::with_capacity(2 * windows.len());
    for (i, (start, _)) in windows.iter().enumerate() {
        let end = start.saturating_add(geometry.span()).min(frames);
        changes.push((*start, 1.0, i));
        changes.push((end, -1.0, i));
    }
    changes.sort_by_key(|a| (a.0, a.2));
    let mut sums = vec![0.0_f64; classes];
    let mut cover = 0_i64;
    let mut next = changes.into_iter().peekable();
    let mut current = None;
    (0..frames)
        .map(|frame| {
            let mut changed = false;
            while let Some((_, sign, window)) = next.next_if(|c| c.0 <= frame) {
                cover += sign as i64;
                for (sum, p) in sums.iter_mut().zip(windows[window].1) {
                    *sum += sign * f64::from(*p);
                }
                changed = true;
            }
            if changed {
                current =
                    (cover > 0).then(|| told(&sums.iter().map(|s| (s / cover as f64) as f32).collect::<Vec<f32>>()));
            }
            current.clone()
        })
        .collect()
}

/// Slides the network of a checkpoint over a whole video of a dataset; labels are not looked at.
///
/// # Errors
/// A checkpoint that does not load, a video that the dataset does not have or that cannot be decoded,
/// [`EvalError::Stopped`].
pub fn predict_video(
    checkpoint: &Checkpoint,
    dataset: &Arc<Dataset>,
    video: &str,
    device: &ComputeDevice,
    monitor: &dyn Monitor,
) -> Result<VideoPrediction, EvalError> {
    let config = &checkpoint.state.config;
    let found = dataset.videos.iter().enumerate().find(|(_, v)| v.name == video);
    let (index, entry) = found
        .ok_or_else(|| EvalError::NothingToJudge(format!("{} has no video named '{video}'", dataset.root.display())))?;
    if entry.frames() == 0 {
        return Err(EvalError::NothingToJudge(format!(
            "{} has no frame that decodes; see the warnings of the dataset",
            entry.path.display()
        )));
    }
    let geometry = config.clip.geometry();
    let clips = covering_windows(entry, index, geometry, config.clip.eval_stride, config.clip.label);
    let logits = logits_of(checkpoint, dataset, &clips, "predicting windows", device, monitor)?;
    let task = checkpoint.state.task;
    let windows: Vec<Vec<f32>> = logits.iter().map(|row| probabilities_of(task, row)).collect();
    let starts: Vec<u32> = clips.iter().map(|c| c.start).collect();
    let spans: Vec<(u32, &[f32])> = starts.iter().copied().zip(windows.iter().map(Vec::as_slice)).collect();
    let frames = frame_probabilities(entry.frames(), geometry, &spans);
    let classes_said =
        |means: &[f32]| said(means).filter_map(|class| Some((class, means.get(class)?.min(1.0)))).collect::<Vec<_>>();
    let said = match task {
        Task::SingleLabel => Vec::new(),
        Task::MultiLabel => frame_means(entry.frames(), geometry, &spans, classes_said),
    };
    Ok(VideoPrediction {
        identity: Identity::of(checkpoint),
        video: video.to_owned(),
        classes: checkpoint.state.classes.clone(),
        // Covering windows leave no frame out.
        frames: frames.into_iter().map(Option::unwrap_or_default).collect(),
        task,
        said: said.into_iter().map(Option::unwrap_or_default).collect(),
        starts,
        windows,
        warnings: spread_frames(&config.clip).into_iter().collect(),
    })
}

/// Logits of clips of a dataset by what a checkpoint holds, preprocessed as in its training.
///
/// # Errors
/// As [`Predictor::logits`], a checkpoint that does not load, and logits that are not numbers.
pub(super) fn logits_of(
    checkpoint: &Checkpoint,
    dataset: &Arc<Dataset>,
    clips: &[Clip],
    label: &str,
    device: &ComputeDevice,
    monitor: &dyn Monitor,
) -> Result<Vec<Vec<f32>>, EvalError> {
    let config = &checkpoint.state.config;
    let predictor = Predictor::of(checkpoint, device)?;
    let source = Arc::new(ClipSource::new(dataset.clone(), config).with_disk(config));
    let options = PredictOptions { batch_size: config.training.batch_size, workers: config.training.workers, label };
    let logits = predictor.logits(&source, clips, options, monitor)?;
    if logits.iter().flatten().all(|l| l.is_finite()) {
        return Ok(logits);
    }
    Err(EvalError::NotFinite { checkpoint: checkpoint.path.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_means_over_the_windows_that_span_them() {
        let geometry = ClipGeometry { length: 4, step: 1 };
        let (a, b) = ([0.9, 0.1], [0.3, 0.7]);
        // a covers 0-3, b covers 2-5, nothing covers 6 and 7.
        let frames = frame_probabilities(8, geometry, &[(0, &a), (2, &b)]);
        let classes: Vec<_> = frames.iter().map(|f| f.map(|(c, _)| c)).collect();
        assert_eq!(classes, [Some(0), Some(0), Some(0), Some(0), Some(1), Some(1), None, None]);
        let p = |i: usize| frames[i].unwrap().1;
        assert!((p(0) - 0.9).abs() < 1e-6 && (p(2) - 0.6).abs() < 1e-6 && (p(5) - 0.7).abs() < 1e-6);
        // Every second frame is taken, but the window spans those between.
        let sparse = frame_probabilities(8, ClipGeometry { length: 4, step: 2 }, &[(0, &a)]);
        assert_eq!(sparse.iter().filter(|f| f.is_some()).count(), 7);
    }
}
