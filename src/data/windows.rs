//! The clips of a video: sliding windows and the label each one gets, or one of each instance; and the views of a clip.

use super::sampling::FrameRule;
use crate::config::ClipConfig;
use crate::domain::{
    Clip, ClipGeometry, CropView, Cut, Dataset, FrameSampling, Label, LabelRule, LabelTrack, Task, TimeView, VideoEntry,
};
use std::collections::HashSet;

/// First frames of the windows that lie wholly inside a video: `0, stride, 2·stride, …`. A video shorter than one window
/// has the one window at 0, whose missing frames repeat the last; a video without frames has none.
///
/// With `cover`, a last window that ends with the video is added where frames would otherwise belong to no window.
pub fn window_starts(frames: u32, geometry: ClipGeometry, stride: u32, cover: bool) -> Vec<u32> {
    if frames == 0 {
        return Vec::new();
    }
    let last = frames.saturating_sub(geometry.span());
    let stride = stride.max(1);
    let mut starts: Vec<u32> = (0..=last).step_by(stride as usize).collect();
    if cover && starts.last().is_some_and(|s| *s < last) {
        starts.push(last);
    }
    starts
}

/// The label of the window at `start`, or `None` when it has none or, by [`LabelRule::Pure`], no single one.
///
/// Under [`LabelRule::Majority`] frames nobody labelled vote too: a window with most frames unlabelled is unlabelled. Ties
/// go to what is seen first.
pub fn window_label(
    track: &LabelTrack,
    start: u32,
    frames: u32,
    geometry: ClipGeometry,
    rule: LabelRule,
) -> Option<Label> {
    if frames == 0 { None } else { label_of(track, geometry.frame_numbers(start, frames), geometry.length, rule) }
}

/// The label of a clip of a video of `frames` frames, as [`window_label`] gives it to windows.
pub fn clip_label(track: &LabelTrack, clip: &Clip, frames: u32, config: &ClipConfig) -> Option<Label> {
    let numbers = FrameRule::of(config).numbers(clip, frames).into_iter();
    if frames == 0 { None } else { label_of(track, numbers, config.length, config.label) }
}

/// The label of `length` frames by their numbers.
fn label_of(track: &LabelTrack, mut numbers: impl Iterator<Item = u32>, length: u32, rule: LabelRule) -> Option<Label> {
    match rule {
        LabelRule::Centre => numbers.nth(length as usize / 2).and_then(|f| track.at(f)),
        LabelRule::Pure => {
            let first = track.at(numbers.next()?);
            numbers.all(|f| track.at(f) == first).then_some(first).flatten()
        }
        LabelRule::Majority => {
            let mut votes: Vec<(Option<Label>, u32)> = Vec::with_capacity(4);
            for label in numbers.map(|f| track.at(f)) {
                match votes.iter_mut().find(|(l, _)| *l == label) {
                    Some((_, n)) => *n += 1,
                    None => votes.push((label, 1)),
                }
            }
            let most = votes.iter().map(|(_, n)| *n).max()?;
            votes.into_iter().find(|(_, n)| *n == most).and_then(|(l, _)| l)
        }
    }
}

/// All windows of a video, labelled or not; `index` is the video's position in the dataset.
pub fn windows(entry: &VideoEntry, index: usize, geometry: ClipGeometry, stride: u32, rule: LabelRule) -> Vec<Clip> {
    clips_at(entry, index, geometry, rule, window_starts(entry.frames(), geometry, stride, false))
}

/// Like [`windows`], with a last window at the end of the video so that every frame is inside one: for predicting whole
/// videos.
pub fn covering_windows(
    entry: &VideoEntry,
    index: usize,
    geometry: ClipGeometry,
    stride: u32,
    rule: LabelRule,
) -> Vec<Clip> {
    clips_at(entry, index, geometry, rule, window_starts(entry.frames(), geometry, stride, true))
}

fn clips_at(entry: &VideoEntry, index: usize, geometry: ClipGeometry, rule: LabelRule, starts: Vec<u32>) -> Vec<Clip> {
    let frames = entry.frames();
    starts
        .into_iter()
        .map(|start| {
            let label = window_label(&entry.labels, start, frames, geometry, rule);
            Clip { label, ..Clip::window(index, start) }
        })
        .collect()
}

/// The clips of a video of a dataset as a configuration samples them, labelled or not: windows at a stride, inside their
/// instances where the dataset has some, or one clip of each instance. Clips of the same frames with the same label are one.
pub fn clips_of(dataset: &Dataset, index: usize, config: &ClipConfig, stride: u32) -> Vec<Clip> {
    let Some(entry) = dataset.videos.get(index) else { return Vec::new() };
    let windows_only = config.sampling == FrameSampling::Windows;
    if windows_only && !dataset.instance_wise {
        return windows(entry, index, config.geometry(), stride, config.label);
    }
    let frames = entry.frames();
    let parts: Vec<(u32, u32, Option<Label>)> = match dataset.instance_wise {
        true => entry.instances.iter().map(|i| (i.start, i.end.min(frames), i.label.single())).collect(),
        false => entry.class_spans().map(|s| (s.start, s.end, Some(s.label))).collect(),
    };
    let multi = dataset.task == Task::MultiLabel;
    let mut seen = HashSet::new();
    let mut out = Vec::new();
    for (start, end, label) in parts {
        if !seen.insert((start, end, label.filter(|_| !multi))) {
            continue;
        }
        let cut = Cut { start, end, time: TimeView::Window, crop: CropView::default() };
        if windows_only {
            // A window of the whole video is one however the video was annotated.
            let cut = if start == 0 && end == frames { Cut::default() } else { cut };
            let starts = window_starts(end.saturating_sub(start), config.geometry(), stride, false);
            out.extend(starts.into_iter().map(|s| Clip { video: index, start: start + s, label, cut }));
        } else {
            let time = TimeView::Fixed { index: 0, of: 1 };
            out.push(Clip { video: index, start, label, cut: Cut { time, ..cut } });
        }
    }
    out
}

/// The views of a clip whose probabilities an evaluation averages, time outer and crops inner; the clip itself where it has
/// no others.
pub fn views_of(clip: &Clip, config: &ClipConfig) -> Vec<Clip> {
    let times: Vec<TimeView> = match clip.cut.time {
        TimeView::Window => vec![TimeView::Window],
        _ => (0..config.clips.max(1)).map(|index| TimeView::Fixed { index, of: config.clips.max(1) }).collect(),
    };
    let crops = config.crops.max(1);
    let crops = (0..crops).map(|index| CropView { index, of: crops });
    let views = times.into_iter().flat_map(|time| crops.clone().map(move |crop| (time, crop)));
    views.map(|(time, crop)| Clip { cut: Cut { time, crop, ..clip.cut }, ..*clip }).collect()
}

impl FrameRule {
    /// The rule of a configuration.
    pub fn of(config: &ClipConfig) -> Self {
        Self { geometry: config.geometry(), sampling: config.sampling }
    }

    /// The frames of a clip of a video; in place of one that cannot be shown the one before it.
    pub fn shown(&self, video: &VideoEntry, clip: &Clip) -> Vec<u32> {
        let shown = |n: u32| video.facts.as_ref().map_or(n, |f| f.shown_for(n));
        self.numbers(clip, video.frames()).into_iter().map(shown).collect()
    }

    /// The frames that a clip of a video may take in training: all of its instance where they are drawn.
    pub fn drawn_from(&self, video: &VideoEntry, clip: &Clip) -> Vec<u32> {
        let (start, end) = self.bounds(clip, video.frames());
        match clip.cut.time {
            TimeView::Fixed { .. } if self.sampling.draws() => (start..end).collect(),
            _ => self.numbers(clip, video.frames()),
        }
    }

    /// True when every frame that a clip of a video may take can be shown. Nobody is taught or evaluated on other clips.
    pub fn can_show(&self, video: &VideoEntry, clip: &Clip) -> bool {
        let gaps = video.facts.as_ref().filter(|f| !f.gaps.is_empty());
        gaps.is_none_or(|f| match clip.cut.time {
            TimeView::Window => self.numbers(clip, f.frames).iter().all(|n| !f.in_gap(*n)),
            // Other views of it take other frames.
            TimeView::Fixed { .. } | TimeView::Drawn(_) => {
                let (start, end) = self.bounds(clip, f.frames);
                f.gaps.iter().all(|(from, to)| *to <= start || end <= *from)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Segment;

    const CLIP: ClipGeometry = ClipGeometry { length: 4, step: 1 };

    fn track(parts: &[(u32, u32, Label)]) -> LabelTrack {
        LabelTrack::from_segments(parts.iter().map(|&(start, end, label)| Segment { start, end, label }).collect())
    }

    #[test]
    fn starts_by_hand() {
        let sixteen = ClipGeometry { length: 16, step: 1 };
        assert_eq!(window_starts(100, sixteen, 16, false), [0, 16, 32, 48, 64, 80]);
        assert_eq!(window_starts(100, sixteen, 16, true), [0, 16, 32, 48, 64, 80, 84]);
        assert_eq!(window_starts(96, sixteen, 16, true), [0, 16, 32, 48, 64, 80]);
        assert_eq!(window_starts(40, sixteen, 8, false), [0, 8, 16, 24]);
        assert_eq!(window_starts(16, sixteen, 8, false), [0]);
        assert_eq!(window_starts(5, sixteen, 8, true), [0]);
        assert_eq!(window_starts(0, sixteen, 8, true), [0; 0]);
        // 16 frames every second one span 31.
        assert_eq!(window_starts(40, ClipGeometry { length: 16, step: 2 }, 4, false), [0, 4, 8]);
    }

    #[test]
    fn rules_by_hand() {
        let (a, b, bg) = (Label::Class(0), Label::Class(1), Label::Background);
        //           0 1 2 3 4 5 6 7 8 9
        //           a a a b b b - - g g
        let t = track(&[(0, 3, a), (3, 6, b), (8, 10, bg)]);
        let label = |start, rule| window_label(&t, start, 10, CLIP, rule);
        assert_eq!(label(0, LabelRule::Majority), Some(a));
        assert_eq!(label(1, LabelRule::Majority), Some(a), "a tie goes to the label seen first");
        assert_eq!(label(2, LabelRule::Majority), Some(b));
        assert_eq!(label(5, LabelRule::Majority), None, "two of four frames are unlabelled");
        assert_eq!(label(6, LabelRule::Majority), None, "a tie goes to what is seen first");
        assert_eq!(label(1, LabelRule::Centre), Some(b));
        assert_eq!(label(4, LabelRule::Centre), None);
        assert_eq!(label(0, LabelRule::Pure), None);
        let pure = track(&[(0, 4, a)]);
        assert_eq!(window_label(&pure, 0, 10, CLIP, LabelRule::Pure), Some(a));
        // A video of two frames: the last one repeats.
        let short = track(&[(0, 1, a), (1, 2, b)]);
        assert_eq!(window_label(&short, 0, 2, CLIP, LabelRule::Majority), Some(b));
    }
}
