//! Which frames of the videos of a split no clip shows, and why; and which clips repeat frames.

use super::class_targets::VideoTargets;
use super::plan::{background_class, class_of_clip, targets};
use super::{ClipPlan, FrameRule, clips_of, views_of};
use crate::config::{RunConfig, Validation};
use crate::domain::{
    ClassId, Clip, Dataset, FrameUse, Label, NoClip, ShortPart, ShortParts, Split, UnusedFrames, VideoEntry,
};
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap, HashSet};

/// What became of the frames of the videos that `of` takes, by their position. `clips` are those of a plan whose windows
/// begin `stride` frames apart; where they are `drawn`, as in training, a clip may take any frame of its instance.
pub fn frame_use(
    dataset: &Dataset,
    config: &RunConfig,
    clips: &[Clip],
    (stride, drawn): (u32, bool),
    of: impl Fn(usize) -> bool,
) -> FrameUse {
    let mut by_video: HashMap<usize, Vec<Clip>> = HashMap::new();
    for clip in clips {
        by_video.entry(clip.video).or_default().push(*clip);
    }
    let how = How { dataset, config, drawn, stride, background: background_class(dataset, config) };
    let videos: Vec<usize> = (0..dataset.videos.len()).filter(|i| of(*i)).collect();
    let none = Vec::new();
    let found: Vec<OfVideo> = videos.par_iter().map(|i| how.video(*i, by_video.get(i).unwrap_or(&none))).collect();
    sum(found)
}

/// What became of the frames of every part of a plan, and of the videos that are in none. Together they are all frames of
/// the dataset.
pub fn frame_uses(dataset: &Dataset, config: &RunConfig, plan: &ClipPlan) -> Vec<(Split, FrameUse)> {
    let (train, test) = ((config.clip.train_stride, true), (config.clip.eval_stride, false));
    let part = |split: Split| {
        let of = |i: usize| plan.parts.get(i) == Some(&split);
        let any = (0..dataset.videos.len()).any(of);
        any.then(|| match split {
            Split::Unassigned => (split, unused_videos(dataset, of)),
            split => {
                let how = if split == Split::Train { train } else { test };
                (split, frame_use(dataset, config, clips_of_part(config, plan, split), how, of))
            }
        })
    };
    [Split::Train, Split::Val, Split::Test, Split::Unassigned].into_iter().filter_map(part).collect()
}

/// Clips of the videos of a part. Those of the test split may validate as well, which makes them no others.
fn clips_of_part<'p>(config: &RunConfig, plan: &'p ClipPlan, split: Split) -> &'p [Clip] {
    let off = split == Split::Val && !matches!(config.data.validation, Validation::Subjects { .. });
    if off { &[] } else { plan.clips(split) }
}

/// Videos that are in no part.
fn unused_videos(dataset: &Dataset, of: impl Fn(usize) -> bool) -> FrameUse {
    let mut out = OfVideo::default();
    let mut videos = 0;
    for (_, video) in dataset.videos.iter().enumerate().filter(|(i, _)| of(*i)) {
        let reason = if video.is_labelled() { NoClip::NoPart } else { NoClip::Unlabelled };
        *out.in_none.entry(reason).or_insert(0) += u64::from(video.frames());
        out.frames += u64::from(video.frames());
        videos += 1;
    }
    FrameUse { videos, ..sum(vec![out]) }
}

/// What became of the frames of one video.
#[derive(Default)]
struct OfVideo {
    frames: u64,
    in_clips: u64,
    in_none: BTreeMap<NoClip, u64>,
    short: Vec<ShortPart>,
}

fn sum(videos: Vec<OfVideo>) -> FrameUse {
    let mut out = FrameUse { videos: videos.len() as u64, ..FrameUse::default() };
    let mut in_none: BTreeMap<NoClip, u64> = BTreeMap::new();
    for video in videos {
        out.frames += video.frames;
        out.in_clips += video.in_clips;
        for (reason, frames) in video.in_none {
            *in_none.entry(reason).or_insert(0) += frames;
        }
        out.short.list.extend(video.short);
    }
    out.in_none = in_none.into_iter().map(|(reason, frames)| UnusedFrames { reason, frames }).collect();
    let ShortParts { parts, clips, repeated_frames, list } = &mut out.short;
    *parts = list.len() as u64;
    *clips = list.iter().map(|p| p.clips).sum();
    *repeated_frames = list.iter().map(|p| p.repeated).sum();
    list.sort_by_key(|p| std::cmp::Reverse(p.repeated));
    out
}

/// How clips are cut and looked at.
struct How<'a> {
    dataset: &'a Dataset,
    config: &'a RunConfig,
    drawn: bool,
    stride: u32,
    background: Option<ClassId>,
}

impl How<'_> {
    fn video(&self, index: usize, clips: &[Clip]) -> OfVideo {
        let Some(video) = self.dataset.videos.get(index) else { return OfVideo::default() };
        let frames = video.frames() as usize;
        let rule = FrameRule::of(&self.config.clip);
        let mut out = OfVideo { frames: frames as u64, short: short(video, clips, rule), ..OfVideo::default() };
        let mut why = vec![NoClip::Remainder; frames];
        let kept: HashSet<_> = clips.iter().map(Clip::place).collect();
        let targets = targets(self.dataset, video, self.background);
        for clip in clips_of(self.dataset, index, &self.config.clip, self.stride) {
            if !kept.contains(&clip.place()) {
                let reason = self.dropped(video, &clip, &rule, targets.as_ref());
                let numbers = self.frames_of(video, &clip, &rule);
                mark(&mut why, reach(&numbers), |before| (*before).min(reason));
            }
        }
        let mut shown = vec![false; frames];
        for clip in clips {
            let numbers = self.frames_of(video, clip, &rule);
            mark(&mut why, reach(&numbers), |_| NoClip::Skipped);
            for n in numbers {
                mark(&mut shown, n..n.saturating_add(1), |_| true);
            }
        }
        let labelled = labelled(video, frames);
        let gap = |n: usize| video.facts.as_ref().is_some_and(|f| !f.gaps.is_empty() && f.in_gap(n as u32));
        for (n, ((shown, why), label)) in shown.into_iter().zip(why).zip(labelled).enumerate() {
            if shown {
                out.in_clips += 1;
                continue;
            }
            let reason = match label {
                _ if gap(n) => NoClip::MissingPicture,
                None => NoClip::Unlabelled,
                Some(Label::Background) if self.background.is_none() => NoClip::Background,
                Some(_) => why,
            };
            *out.in_none.entry(reason).or_insert(0) += 1;
        }
        out
    }

    /// The frames that a clip may show, in all its views.
    fn frames_of(&self, video: &VideoEntry, clip: &Clip, rule: &FrameRule) -> Vec<u32> {
        if self.drawn {
            return rule.drawn_from(video, clip);
        }
        let mut views = views_of(clip, &self.config.clip);
        // Crops show the same frames.
        views.dedup_by_key(|v| v.cut.time);
        views.iter().flat_map(|view| rule.numbers(view, video.frames())).collect()
    }

    /// Why a clip is none of the plan.
    fn dropped(&self, video: &VideoEntry, clip: &Clip, rule: &FrameRule, targets: Option<&VideoTargets>) -> NoClip {
        if !rule.can_show(video, clip) {
            NoClip::BesideMissing
        } else if class_of_clip(targets, clip, rule, self.background).is_some() {
            NoClip::Fraction
        } else {
            NoClip::NoLabel
        }
    }
}

/// From the first to the last of some frames.
fn reach(numbers: &[u32]) -> std::ops::Range<u32> {
    let (first, last) = (numbers.iter().min(), numbers.iter().max());
    first.zip(last).map_or(0..0, |(first, last)| *first..last.saturating_add(1))
}

fn mark<T>(slots: &mut [T], range: std::ops::Range<u32>, to: impl Fn(&T) -> T) {
    let end = (range.end as usize).min(slots.len());
    for slot in slots.get_mut((range.start as usize).min(end)..end).into_iter().flatten() {
        *slot = to(slot);
    }
}

/// A label of each frame; a class where it has several.
fn labelled(video: &VideoEntry, frames: usize) -> Vec<Option<Label>> {
    let mut out = vec![None; frames];
    for span in video.class_spans() {
        mark(&mut out, span.start..span.end, |before| (*before).max(Some(span.label)));
    }
    out
}

/// Parts of a video that are shorter than a clip of them.
fn short(video: &VideoEntry, clips: &[Clip], rule: FrameRule) -> Vec<ShortPart> {
    let mut parts: BTreeMap<(u32, u32), (u64, u64)> = BTreeMap::new();
    for clip in clips {
        let mut numbers = rule.numbers(clip, video.frames());
        let all = numbers.len();
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() < all {
            let (clips, repeated) = parts.entry(rule.bounds(clip, video.frames())).or_default();
            *clips += 1;
            *repeated += (all - numbers.len()) as u64;
        }
    }
    let part = |((start, end), (clips, repeated))| ShortPart { video: video.name.clone(), start, end, clips, repeated };
    parts.into_iter().map(part).collect()
}

/// Tables as (file name, CSV text): `frame_use.csv`, `short_instances.csv`.
pub fn frame_use_tables(uses: &[(Split, FrameUse)]) -> Vec<(&'static str, String)> {
    let mut frames = String::from("part,videos,frames,use,reason\n");
    let mut short = String::from("part,video,start,end,frames,clips,repeated_frames\n");
    for (split, part) in uses {
        let (name, videos) = (split.name(), part.videos);
        frames += &format!("{name},{videos},{},all,\n{name},{videos},{},in clips,\n", part.frames, part.in_clips);
        for unused in &part.in_none {
            frames += &format!("{name},{videos},{},in none,{}\n", unused.frames, unused.reason.name());
        }
        for s in &part.short.list {
            let video = s.video.replace('"', "\"\"");
            short +=
                &format!("{name},\"{video}\",{},{},{},{},{}\n", s.start, s.end, s.end - s.start, s.clips, s.repeated);
        }
    }
    vec![("frame_use.csv", frames), ("short_instances.csv", short)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::plan;
    use crate::domain::{ClassSet, FrameSampling, Instance, InstanceLabel, LabelTrack, Segment, VideoFacts};

    fn config(length: u32, step: u32, stride: u32) -> RunConfig {
        let mut config = RunConfig::reference();
        (config.clip.length, config.clip.step) = (length, step);
        (config.clip.train_stride, config.clip.eval_stride) = (stride, stride);
        config
    }

    fn dataset(videos: Vec<VideoEntry>, instance_wise: bool) -> Dataset {
        Dataset { classes: ClassSet::from_names(["a", "b"]), videos, instance_wise, ..Dataset::default() }
    }

    fn video(name: &str, split: Split, frames: u32, labels: &[(u32, u32, Label)]) -> VideoEntry {
        let segment = |&(start, end, label): &(u32, u32, Label)| Segment { start, end, label };
        VideoEntry {
            name: name.into(),
            split,
            labels: LabelTrack::from_segments(labels.iter().map(segment).collect()),
            facts: Some(VideoFacts { frames, ..VideoFacts::default() }),
            ..VideoEntry::default()
        }
    }

    fn counts(part: &FrameUse) -> (u64, u64, Vec<(NoClip, u64)>) {
        assert_eq!(part.frames, part.in_clips + part.unused(), "{part:?}");
        (part.frames, part.in_clips, part.in_none.iter().map(|u| (u.reason, u.frames)).collect())
    }

    #[test]
    fn frames_of_windows_by_hand() {
        let (a, b, none) = (Label::Class(0), Label::Class(1), Label::Background);
        // Windows of four at 0, 4, 8, 12; the last frames 16 and 17 are reached by none.
        //   0..4 a      4..8 a      8..10 background, 10..12 nobody      12..18 b
        let mut first = video("v", Split::Train, 18, &[(0, 8, a), (8, 10, none), (12, 18, b)]);
        let data = dataset(vec![first.clone(), video("w", Split::Unassigned, 7, &[])], false);
        let config = config(4, 1, 4);
        let parts = plan(&data, &config).unwrap();
        let uses = frame_uses(&data, &config, &parts);
        assert_eq!(uses.iter().map(|(s, _)| *s).collect::<Vec<_>>(), [Split::Train, Split::Unassigned]);
        let background = NoClip::Background;
        assert_eq!(
            counts(&uses[0].1),
            (18, 12, vec![(NoClip::Unlabelled, 2), (background, 2), (NoClip::Remainder, 2)])
        );
        assert_eq!(counts(&uses[1].1), (7, 0, vec![(NoClip::Unlabelled, 7)]));
        // The picture of frame 5 is missing: neither it nor the others of its window are used.
        first.facts = Some(VideoFacts { frames: 18, gaps: vec![(5, 6)], ..VideoFacts::default() });
        let data = dataset(vec![first], false);
        let uses = frame_uses(&data, &config, &plan(&data, &config).unwrap());
        assert_eq!(
            counts(&uses[0].1),
            (
                18,
                8,
                vec![
                    (NoClip::MissingPicture, 1),
                    (NoClip::Unlabelled, 2),
                    (background, 2),
                    (NoClip::BesideMissing, 3),
                    (NoClip::Remainder, 2)
                ]
            )
        );
    }

    #[test]
    fn steps_skip_frames_and_mixed_windows_have_no_label() {
        let (a, b) = (Label::Class(0), Label::Class(1));
        // Frames 0, 3, 6 and then 9, 12, 15 of 18: two of three are skipped, and those behind the last are out of reach.
        let data = dataset(vec![video("v", Split::Test, 18, &[(0, 18, a)])], false);
        let apart = config(3, 3, 9);
        let used = frame_use(&data, &apart, &plan(&data, &apart).unwrap().test, (9, false), |_| true);
        assert_eq!(counts(&used), (18, 6, vec![(NoClip::Skipped, 8), (NoClip::Remainder, 4)]));
        let data = dataset(vec![video("v", Split::Test, 8, &[(0, 2, a), (2, 8, b)])], false);
        let mut pure = config(4, 1, 4);
        pure.clip.label = crate::domain::LabelRule::Pure;
        let used = frame_use(&data, &pure, &plan(&data, &pure).unwrap().test, (4, false), |_| true);
        assert_eq!(counts(&used), (8, 4, vec![(NoClip::NoLabel, 4)]));
    }

    #[test]
    fn short_instances_repeat_frames() {
        let one =
            |start, end, class| Instance { start, end, label: InstanceLabel::Class(class), ..Instance::default() };
        let entry = VideoEntry {
            instances: vec![one(0, 3, 0), one(5, 20, 1), one(20, 24, 0)],
            ..video("v", Split::Test, 30, &[])
        };
        let data = dataset(vec![entry], true);
        let mut even = config(8, 1, 8);
        even.clip.sampling = FrameSampling::Even;
        let used = frame_use(&data, &even, &plan(&data, &even).unwrap().test, (8, false), |_| true);
        // Eight of three frames, eight different ones of fifteen, eight of four.
        let (parts, repeated) = (used.short.parts, used.short.repeated_frames);
        assert_eq!((parts, repeated, used.short.clips), (2, 5 + 4, 2));
        let list: Vec<_> = used.short.list.iter().map(|p| (p.start, p.end, p.repeated)).collect();
        assert_eq!(list, [(0, 3, 5), (20, 24, 4)]);
        // 3 + 8 + 4 frames are seen; seven of the middle one are skipped, eight belong to nobody.
        assert_eq!(counts(&used), (30, 15, vec![(NoClip::Unlabelled, 8), (NoClip::Skipped, 7)]));
        // Drawn from all of an instance in training, none of its frames is out of reach.
        even.clip.sampling = FrameSampling::Segments;
        let clips = plan(&data, &even).unwrap().test;
        let drawn = frame_use(&data, &even, &clips, (8, true), |_| true);
        assert_eq!(counts(&drawn), (30, 22, vec![(NoClip::Unlabelled, 8)]));
    }

    #[test]
    fn a_share_of_the_clips_leaves_frames_out() {
        let data =
            dataset(vec![video("v", Split::Train, 16, &[(0, 8, Label::Class(0)), (8, 16, Label::Class(1))])], false);
        let mut half = config(4, 1, 4);
        half.data.fraction = 0.5;
        let used = frame_use(&data, &half, &plan(&data, &half).unwrap().train, (4, true), |_| true);
        assert_eq!(counts(&used), (16, 8, vec![(NoClip::Fraction, 8)]));
    }
}
