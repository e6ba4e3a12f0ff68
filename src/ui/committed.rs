//! The picture on screen with everything that belongs to it. Frame, mask and skeleton are taken over together, so
//! that what is drawn always belongs to one frame number, also while scrubbing fast.

use super::annotations::Annotations;
use super::awaited::Awaited;
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
    /// The labels of exactly this frame: none, one, or in multi-label datasets several.
    pub labels: Vec<Label>,
    /// The mask of exactly this frame, when it is asked for and there.
    pub mask: Option<Arc<GrayImage>>,
    /// The poses of the video, when they are asked for and there.
    pub poses: Option<Arc<PoseTrack>>,
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
    /// The frame asked for, or the one on screen while that is on its way.
    pub frame: Awaited<Committed>,
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
        let shown = std::mem::take(&mut self.frame).value();
        if shown.as_ref().is_none_or(|s| s.video == chosen) {
            self.frame = Awaited::Pending(shown);
            return None;
        }
        let left = OTHER_VIDEO.saturating_sub(now.saturating_duration_since(*self.stale.get_or_insert(now)));
        if left.is_zero() {
            (self.frame, self.stale) = (Awaited::Pending(None), None);
            return None;
        }
        self.frame = Awaited::Pending(shown);
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
            (self.frame, self.note) = (Awaited::NotAsked, None);
            return None;
        };
        let answer = frames.request(&entry.path, state.selection.frame);
        self.note = None;
        if let Some(sentence) = answer.error {
            self.frame = Awaited::Unavailable(sentence);
            return None;
        }
        let Some(frame) = answer.frame else { return self.keep_other(&entry.name, now) };
        self.stale = None;
        let mask = if state.view.mask {
            match annotations.mask(dataset, position, frame.index) {
                Awaited::Ready(mask) => Some(mask),
                Awaited::Unavailable(sentence) => {
                    self.note = Some(sentence);
                    Some(None)
                }
                Awaited::NotAsked | Awaited::Pending(_) => None,
            }
        } else {
            Some(None)
        };
        let before = std::mem::take(&mut self.frame).value();
        let same = before.as_ref().is_some_and(|s| s.video == entry.name && s.index == frame.index);
        if mask.is_none() && !same {
            let fresh = self.waiting.as_ref().is_none_or(|(v, i, _)| *v != entry.name || *i != frame.index);
            if fresh {
                self.waiting = Some((entry.name.clone(), frame.index, now));
            }
            let since = self.waiting.as_ref().map_or(now, |(_, _, t)| *t);
            let waited = now.saturating_duration_since(since);
            if waited < MASK_PATIENCE && before.is_some() {
                self.frame = Awaited::Pending(before);
                return Some(MASK_PATIENCE - waited);
            }
        }
        self.waiting = None;
        let poses = if state.view.skeleton {
            match annotations.poses(dataset, position) {
                Awaited::Ready(poses) => Some(poses),
                Awaited::Unavailable(sentence) => {
                    self.note = Some(sentence);
                    None
                }
                Awaited::NotAsked | Awaited::Pending(_) => None,
            }
        } else {
            None
        };
        let changed = before.is_none_or(|s| !Arc::ptr_eq(&s.image.data, &frame.image.data));
        if changed {
            self.generation += 1;
        }
        let shown = Committed {
            video: entry.name.clone(),
            index: frame.index,
            pts_s: frame.pts_s,
            image: frame.image.clone(),
            generation: self.generation,
            labels: entry.labels_at(frame.index),
            mask: mask.flatten(),
            poses,
        };
        self.frame = if answer.exact { Awaited::Ready(shown) } else { Awaited::Pending(Some(shown)) };
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_of_another_video_goes_before_it_can_be_taken_for_one_of_the_chosen_video() {
        let image = RgbImage::new(1, 1, vec![0; 3]).unwrap();
        let mut stage = FrameStage {
            frame: Awaited::Ready(Committed {
                video: "a.mp4".into(),
                index: 673,
                pts_s: 22.4,
                image,
                generation: 1,
                labels: Vec::new(),
                mask: None,
                poses: None,
            }),
            ..FrameStage::default()
        };
        let now = Instant::now();
        // Of the same video the last picture stays, however long the next one takes.
        assert_eq!(stage.keep_other("a.mp4", now + Duration::from_secs(9)), None);
        assert!(matches!(stage.frame, Awaited::Pending(Some(_))));
        assert!(stage.keep_other("b.mp4", now).is_some_and(|wait| wait <= OTHER_VIDEO));
        assert!(matches!(stage.frame, Awaited::Pending(Some(_))), "it does not flicker");
        assert_eq!(stage.keep_other("b.mp4", now + OTHER_VIDEO), None);
        assert!(matches!(stage.frame, Awaited::Pending(None)));
    }
}
