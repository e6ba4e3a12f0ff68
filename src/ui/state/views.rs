//! Views: the several clips and crops in which an evaluation sees a clip.

use super::{AppState, EvaluationEntry};
use crate::data::{FrameRule, views_of};
use crate::domain::{Clip, Cut, FrameSampling, TimeView};
use crate::jobs::ClipRef;
use crate::run_folder::Prediction;
use std::path::Path;

impl AppState {
    /// The instance that a frame of a video lies in, as a network that is shown frames of whole instances sees it; `None`
    /// for networks that are shown windows, and where no instance is.
    pub(super) fn instance_at(&self, run: Option<&Path>, video: &str, frame: u32) -> Option<ClipRef> {
        let sampling = self.run_at(run?)?.config.clip.sampling;
        let (dataset, entry) = (self.dataset.as_ref()?, self.video_named(video)?);
        if sampling == FrameSampling::Windows {
            return None;
        }
        let holds = |(start, end): &(u32, u32)| *start <= frame && frame < *end;
        let parts = entry.instances.iter().map(|i| (i.start, i.end.min(entry.frames())));
        // Of several the shortest says most about the frame.
        let (start, end) = match dataset.instance_wise {
            true => parts.filter(holds).min_by_key(|(start, end)| end - start)?,
            false => entry.class_spans().map(|s| (s.start, s.end)).find(holds)?,
        };
        let cut = Cut { start, end, time: TimeView::Fixed { index: 0, of: 1 }, ..Cut::default() };
        Some(ClipRef { video: video.to_owned(), start, cut })
    }

    /// The clip under the playhead as an evaluation of the run in use counts it, whichever view of it is shown.
    pub fn clip_with_views(&self) -> Option<ClipRef> {
        self.whole_clip_of(self.selection.run.as_deref(), self.selection.video.as_deref()?, self.selection.frame)
    }

    /// The views in which the run in use sees a clip when it is evaluated; none where it sees it once.
    pub fn views(&self, clip: &ClipRef) -> Vec<ClipRef> {
        let Some(run) = self.run() else { return Vec::new() };
        let views = views_of(&clip.clip(0), &run.config.clip);
        if views.len() < 2 {
            return Vec::new();
        }
        views.iter().map(|view| ClipRef::of(&clip.video, view)).collect()
    }

    /// What the evaluation of the run in use said about a clip.
    pub fn prediction_of<'a>(&self, entry: &'a EvaluationEntry, clip: &ClipRef) -> Option<&'a Prediction> {
        let index = self.clips_by_video(entry);
        let clips = &index.of_video(&clip.video)?.clips;
        let of = |at: &usize| entry.predictions.clips.get(*at);
        clips.iter().filter_map(of).find(|p| p.start == clip.start && p.cut.is_of_part(&clip.cut))
    }

    /// The frames a clip of the run in use is of, in the order in which the network is shown them.
    pub fn frames_of(&self, clip: &ClipRef) -> Vec<u32> {
        let (Some(run), Some(video)) = (self.run(), self.video_named(&clip.video)) else { return Vec::new() };
        FrameRule::of(&run.config.clip).shown(video, &Clip { cut: clip.cut, ..Clip::window(0, clip.start) })
    }

    /// Whether the pictures of a clip are as wide as high or wider.
    pub fn is_wide(&self, clip: &ClipRef) -> Option<bool> {
        let facts = self.video_named(&clip.video)?.facts.as_ref()?;
        Some(facts.width >= facts.height)
    }

    /// The frames of the view that is shown, ascending, while the playhead is in its clip; `None` while no view is chosen.
    pub fn frames_of_view(&self) -> Option<Vec<u32>> {
        let (clip, view) = self.shown_view()?;
        let (span, _) = self.window_geometry();
        let frame = self.selection.frame;
        if self.selection.video.as_ref() != Some(&clip.video) || !(clip.start..clip.end(span)).contains(&frame) {
            return None;
        }
        let mut frames = self.frames_of(view);
        frames.sort_unstable();
        frames.dedup();
        (!frames.is_empty()).then_some(frames)
    }

    /// The chosen clip and the view of it that somebody looks at.
    pub fn shown_view(&self) -> Option<(&ClipRef, &ClipRef)> {
        let clip = self.selection.clip.as_ref()?;
        Some((clip, self.selection.view_of(clip)?))
    }
}
