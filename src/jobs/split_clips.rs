//! The clips of a part of a dataset, as an evaluation takes them.

use super::error::JobError;
use super::lane::Loaded;
use crate::data::{as_configured, labelled_clips, require_known, window_starts};
use crate::domain::{Clip, Dataset, Split, SplitChoice, VideoEntry};
use crate::eval::{ClassMap, parts_for};
use std::sync::Arc;

/// The part each video plays for a loaded checkpoint, and the clips of `split`: those that an evaluation would evaluate. Where no
/// video is labelled (a video of one's own) any window will do. Positions of videos are those in `dataset`.
///
/// # Errors
/// A split without a labelled clip.
pub(super) fn clips_of_split(
    loaded: &Loaded,
    dataset: &Arc<Dataset>,
    class_map: &ClassMap,
    split: SplitChoice,
) -> Result<(Vec<Split>, Vec<Clip>), JobError> {
    let config = &loaded.checkpoint.state.config;
    let dataset = &class_map.dataset(&as_configured(dataset, config));
    let parts = parts_for(&loaded.checkpoint, dataset);
    let keep = |video: usize| split.takes(parts.get(video).copied());
    require_known(dataset, keep)?;
    let mut clips = labelled_clips(dataset, config, config.clip.eval_stride, keep);
    if clips.is_empty() && !dataset.videos.iter().any(VideoEntry::is_labelled) {
        let clip = &config.clip;
        for (video, entry) in dataset.videos.iter().enumerate() {
            let starts = window_starts(entry.frames(), clip.geometry(), clip.eval_stride, true);
            clips.extend(starts.into_iter().map(|start| Clip::window(video, start)));
        }
    }
    if clips.is_empty() {
        let (root, split) = (dataset.root.display(), split.name());
        return Err(JobError::Missing(format!(
            "{root} has no labelled clip in the {split} split; choose another split"
        )));
    }
    Ok((parts, clips))
}
