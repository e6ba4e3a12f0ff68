//! The clips of an evaluation by video.

use crate::run_folder::Predictions;
use std::collections::HashMap;

/// The clips of an evaluation by video.
#[derive(Debug, Default)]
pub struct ClipIndex {
    videos: HashMap<String, VideoClips>,
}

/// The clips of one video among those of an evaluation.
#[derive(Debug, Default)]
pub struct VideoClips {
    /// Their positions, in order.
    pub clips: Vec<usize>,
    /// How many of them the network got wrong.
    pub errors: usize,
}

impl ClipIndex {
    pub(super) fn of(predictions: &Predictions) -> Self {
        let mut videos: HashMap<String, VideoClips> = HashMap::new();
        for (at, clip) in predictions.clips.iter().enumerate() {
            if !videos.contains_key(&clip.video) {
                videos.insert(clip.video.clone(), VideoClips::default());
            }
            if let Some(of_video) = videos.get_mut(&clip.video) {
                of_video.clips.push(at);
                of_video.errors += usize::from(!clip.correct());
            }
        }
        Self { videos }
    }

    /// Those of a video; `None` where the evaluation has none.
    pub fn of_video(&self, name: &str) -> Option<&VideoClips> {
        self.videos.get(name)
    }
}
