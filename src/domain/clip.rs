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

/// Which clips are taken of a video, and which frames a clip takes of its instance, the annotated part of the video.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FrameSampling {
    /// Sliding windows of frames at a fixed step. The default; all others make one clip of an instance.
    #[default]
    Windows,
    /// Frames at a fixed step from the middle of the instance; one frame where a clip has one.
    Centre,
    /// Frames spread evenly from the first to the last one of the instance.
    Even,
    /// One frame of each of as many equal segments: at random for training, the middle one for testing (TSN, Wang et al.,
    /// ECCV 2016).
    Segments,
    /// Frames at a fixed step from a random place for training, from evenly spread places for testing (non-local networks,
    /// Wang et al., CVPR 2018).
    Dense,
}

impl FrameSampling {
    /// Its name in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Windows => "Windows",
            Self::Centre => "Centre",
            Self::Even => "Even",
            Self::Segments => "Segments",
            Self::Dense => "Dense",
        }
    }

    /// True when frames are drawn for training, so that every epoch sees others.
    pub fn draws(self) -> bool {
        matches!(self, Self::Segments | Self::Dense)
    }
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

/// How a clip looks at the time of its instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TimeView {
    /// The window that begins at the clip's first frame, whatever the sampling.
    #[default]
    Window,
    /// One of several views, as the sampling places them for testing.
    Fixed {
        /// Which, from 0.
        index: u16,
        /// How many there are.
        of: u16,
    },
    /// Drawn for training, from the random stream of this number.
    Drawn(u32),
}

/// One of several crops along the longer side of the picture; the only one is in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CropView {
    /// Which, from 0: left to right, or top to bottom.
    pub index: u8,
    /// How many there are.
    pub of: u8,
}

impl Default for CropView {
    fn default() -> Self {
        Self { index: 0, of: 1 }
    }
}

/// The part of a video a clip is taken from, and how the clip looks at it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Cut {
    /// First frame of the instance.
    pub start: u32,
    /// The frame behind its last; `u32::MAX` is the end of the video.
    pub end: u32,
    /// Which frames of it.
    #[serde(default)]
    pub time: TimeView,
    /// Which part of the picture, where pictures are cropped.
    #[serde(default)]
    pub crop: CropView,
}

impl Default for Cut {
    /// A window of the whole video.
    fn default() -> Self {
        Self { start: 0, end: u32::MAX, time: TimeView::Window, crop: CropView::default() }
    }
}

impl CropView {
    /// Where it lies in a picture that is wide (as wide as high or wider), high, or of a shape that nobody knows; `None` for
    /// the only one.
    fn words(self, wide: Option<bool>) -> Option<String> {
        let last = self.of.checked_sub(1).filter(|last| *last > 0)?;
        let place = match (wide, self.index) {
            (Some(true), 0) => "left crop",
            (Some(false), 0) => "top crop",
            (Some(true), index) if index == last => "right crop",
            (Some(false), index) if index == last => "bottom crop",
            (Some(_), 1) if last == 2 => "centre crop",
            _ => return Some(format!("crop {} of {}", self.index + 1, self.of)),
        };
        Some(place.to_owned())
    }
}

impl Cut {
    /// Which of several views of an instance this is, for people: "clip 2 of 10, left crop"; empty for the only one. `wide`
    /// tells whether pictures are as wide as high or wider, where that is known.
    pub fn view_words(&self, wide: Option<bool>) -> String {
        let clip = match self.time {
            TimeView::Fixed { index, of } if of > 1 => Some(format!("clip {} of {of}", index + 1)),
            _ => None,
        };
        clip.into_iter().chain(self.crop.words(wide)).collect::<Vec<_>>().join(", ")
    }

    /// True for two looks at the same part of a video.
    pub fn is_of_part(&self, other: &Cut) -> bool {
        (self.start, self.end) == (other.start, other.end)
    }

    /// The frame behind the last of a clip at `start`, where windows span so many frames; that of its instance where it is
    /// no window.
    pub fn end_of(&self, start: u32, span: u32) -> u32 {
        match self.time {
            TimeView::Window => start.saturating_add(span).min(self.end),
            TimeView::Fixed { .. } | TimeView::Drawn(_) => self.end,
        }
    }

    /// True for a window of the whole video, which a clip's first frame says all about.
    pub fn is_window_of_video(&self) -> bool {
        *self == Self::default()
    }
}

/// Some frames of a video, the unit a network sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Clip {
    /// Position of the video in [`super::Dataset::videos`].
    pub video: usize,
    /// First frame of the window, or of the instance.
    pub start: u32,
    /// What the clip shows, by the configured [`LabelRule`] or as its instance; `None` when unlabelled.
    pub label: Option<Label>,
    /// The part of the video it is taken from.
    #[serde(default, skip_serializing_if = "Cut::is_window_of_video")]
    pub cut: Cut,
}

impl Clip {
    /// The window of a video at a frame, without a label.
    pub fn window(video: usize, start: u32) -> Self {
        Self { video, start, label: None, cut: Cut::default() }
    }

    /// All but the label: equal for clips of equal pixels.
    pub fn place(&self) -> (usize, u32, Cut) {
        (self.video, self.start, self.cut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn views_are_called_by_time_and_place() {
        let view = |clip, clips, index, of| Cut {
            time: TimeView::Fixed { index: clip, of: clips },
            crop: CropView { index, of },
            ..Cut::default()
        };
        assert_eq!(view(1, 10, 0, 3).view_words(Some(true)), "clip 2 of 10, left crop");
        assert_eq!(view(0, 1, 1, 3).view_words(Some(false)), "centre crop");
        assert_eq!(view(0, 1, 1, 2).view_words(Some(false)), "bottom crop");
        assert_eq!(view(0, 1, 1, 2).view_words(Some(true)), "right crop");
        assert_eq!(view(9, 10, 2, 3).view_words(None), "clip 10 of 10, crop 3 of 3");
        assert_eq!(view(0, 1, 0, 1).view_words(Some(true)), "");
        assert_eq!(Cut::default().view_words(None), "");
    }
}
