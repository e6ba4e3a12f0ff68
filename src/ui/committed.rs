//! The picture on screen with everything that belongs to it. Frame, mask and skeleton are taken over together, so
//! that what is drawn always belongs to one frame number, also while scrubbing fast.

use super::annotations::{Annotations, Late};
use super::state::AppState;
use crate::domain::{GrayImage, Keypoint, Label, PoseTrack, RgbImage};
use crate::video::FrameServer;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a new frame waits for its mask before it is shown without.
const MASK_PATIENCE: Duration = Duration::from_millis(120);
/// How long the picture of another video stays while the first one of the chosen video is decoded: long enough not to
/// flicker, too short to be taken for a picture of that video.
const OTHER_VIDEO: Duration = Duration::from_millis(150);

/// A frame with what belongs to it.
#[derive(Clone, Debug)]
pub struct Committed {
    /// Name of the video.
    pub video: String,
    /// Frame number.
    pub index: u32,
    /// Presentation time in seconds.
    pub pts_s: f64,
    /// The picture.
    pub image: RgbImage,
    /// Grows with every other picture, for textures.
    pub generation: u64,
    /// The label of exactly this frame.
    pub label: Option<Label>,
    /// The mask of exactly this frame, when it is asked for and there.
    pub mask: Option<Arc<GrayImage>>,
    /// The poses of the video, when they are asked for and there.
    pub poses: Option<Arc<PoseTrack>>,
    /// False while another frame was asked for and is on its way.
    pub current: bool,
}

impl Committed {
    /// Joints of exactly this frame.
    pub fn joints(&self) -> &[Keypoint] {
        let frame = self.poses.as_ref().and_then(|p| p.frames.get(self.index as usize));
        frame.map_or(&[], Vec::as_slice)
    }
}

/// Keeps the committed frame.
#[derive(Default)]
pub struct FrameStage {
    /// What is on screen.
    pub shown: Option<Committed>,
    /// Why the frame asked for cannot be shown.
    pub error: Option<String>,
    /// Why masks or poses cannot be shown.
    pub note: Option<String>,
    generation: u64,
    waiting: Option<(String, u32, Instant)>,
    /// Since when the picture on screen is of another video than the chosen one.
    stale: Option<Instant>,
}

impl FrameStage {
    /// Nothing of the chosen video is there yet; what is on screen stays for a moment. Returns when to look again.
    fn keep_other(&mut self, chosen: &str, now: Instant) -> Option<Duration> {
        let shown = self.shown.as_mut()?;
        shown.current = false;
        if shown.video == chosen {
            return None;
        }
        let left = OTHER_VIDEO.saturating_sub(now.saturating_duration_since(*self.stale.get_or_insert(now)));
        if left.is_zero() {
            (self.shown, self.stale) = (None, None);
            return None;
        }
        Some(left)
    }

    /// Takes over what is ready; returns when to look again.
    pub fn commit(
        &mut self,
        state: &AppState,
        frames: &FrameServer,
        annotations: &Annotations,
        now: Instant,
    ) -> Option<Duration> {
        let (Some((position, entry)), Some(dataset)) = (state.video(), &state.dataset) else {
            (self.shown, self.error, self.note) = (None, None, None);
            return None;
        };
        let answer = frames.request(&entry.path, state.selection.frame);
        self.error = answer.error;
        self.note = None;
        let Some(frame) = answer.frame else {
            if self.error.is_some() {
                // What was shown before belongs to another video, or to a file that is gone.
                self.shown = None;
            }
            return self.keep_other(&entry.name, now);
        };
        self.stale = None;
        let mut wait = None;
        let mask = if state.view.mask {
            match annotations.mask(dataset, position, frame.index) {
                Late::Ready(mask) => Some(mask),
                Late::Failed(sentence) => {
                    self.note = Some(sentence);
                    Some(None)
                }
                Late::Pending => None,
            }
        } else {
            Some(None)
        };
        let same = self.shown.as_ref().is_some_and(|s| s.video == entry.name && s.index == frame.index);
        if mask.is_none() && !same {
            let fresh = self.waiting.as_ref().is_none_or(|(v, i, _)| *v != entry.name || *i != frame.index);
            if fresh {
                self.waiting = Some((entry.name.clone(), frame.index, now));
            }
            let since = self.waiting.as_ref().map_or(now, |(_, _, t)| *t);
            let waited = now.saturating_duration_since(since);
            if waited < MASK_PATIENCE && self.shown.is_some() {
                wait = Some(MASK_PATIENCE - waited);
                if let Some(shown) = &mut self.shown {
                    shown.current = false;
                }
                return wait;
            }
        }
        self.waiting = None;
        let poses = if state.view.skeleton {
            match annotations.poses(dataset, position) {
                Late::Ready(poses) => Some(poses),
                Late::Failed(sentence) => {
                    self.note = Some(sentence);
                    None
                }
                Late::Pending => None,
            }
        } else {
            None
        };
        let changed = self.shown.as_ref().is_none_or(|s| !Arc::ptr_eq(&s.image.data, &frame.image.data));
        if changed {
            self.generation += 1;
        }
        self.shown = Some(Committed {
            video: entry.name.clone(),
            index: frame.index,
            pts_s: frame.pts_s,
            image: frame.image.clone(),
            generation: self.generation,
            label: entry.labels.at(frame.index),
            mask: mask.flatten(),
            poses,
            current: answer.exact,
        });
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_of_another_video_goes_before_it_can_be_taken_for_one_of_the_chosen_video() {
        let image = RgbImage::new(1, 1, vec![0; 3]).unwrap();
        let mut stage = FrameStage {
            shown: Some(Committed {
                video: "a.mp4".into(),
                index: 673,
                pts_s: 22.4,
                image,
                generation: 1,
                label: None,
                mask: None,
                poses: None,
                current: true,
            }),
            ..FrameStage::default()
        };
        let now = Instant::now();
        // Of the same video the last picture stays, however long the next one takes.
        assert_eq!(stage.keep_other("a.mp4", now + Duration::from_secs(9)), None);
        assert!(stage.shown.as_ref().is_some_and(|s| !s.current));
        assert!(stage.keep_other("b.mp4", now).is_some_and(|wait| wait <= OTHER_VIDEO));
        assert!(stage.shown.is_some(), "it does not flicker");
        assert_eq!(stage.keep_other("b.mp4", now + OTHER_VIDEO), None);
        assert!(stage.shown.is_none());
    }
}
