use super::Label;
use serde::{Deserialize, Serialize};

/// How a clip gets one label from the labels of its frames.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LabelRule {
    /// The label most frames have; ties go to the label seen first. The default.
    #[default]
    Majority,
    /// The label of the middle frame.
    Centre,
    /// Only windows whose frames all agree become clips.
    Pure,
}

/// Which frames a clip takes: `start, start + step, …`, `length` of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ClipGeometry {
    /// Frames in the clip.
    pub length: u32,
    /// Distance between them in video frames.
    pub step: u32,
}

impl ClipGeometry {
    /// Video frames from the first to the last one taken, both included.
    pub fn span(&self) -> u32 {
        self.length.saturating_sub(1) * self.step + 1
    }

    /// Frame numbers of the clip at `start` in a video of `frames` frames; past the end the last repeats.
    pub fn frame_numbers(&self, start: u32, frames: u32) -> impl Iterator<Item = u32> + use<> {
        let (last, step) = (frames.saturating_sub(1), self.step);
        (0..self.length).map(move |i| start.saturating_add(i * step).min(last))
    }
}

/// A window of a video, the unit a network sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Clip {
    /// Position of the video in [`super::Dataset::videos`].
    pub video: usize,
    /// First frame.
    pub start: u32,
    /// What the clip shows, by the configured [`LabelRule`]; `None` when unlabelled.
    pub label: Option<Label>,
}
