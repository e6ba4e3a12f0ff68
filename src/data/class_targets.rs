//! The classes of a clip in a multi-label task.

use super::FrameRule;
use crate::domain::{ClassId, Clip, Dataset, Label, LabelTrack, Segment, VideoEntry};

/// Which classes the clips of a dataset show.
///
/// A clip shows a class when the instances of that class, taken together, cover at least half of its frames, whoever they
/// are about; a frame that the clip repeats (past the end of a short video) counts as often as it is seen. A clip that is
/// cut from an instance shows the classes of that instance too.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassTargets {
    rule: Option<FrameRule>,
    /// By video.
    videos: Vec<VideoTargets>,
}

/// Where a video shows each of its classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct VideoTargets {
    frames: u32,
    /// Classes ascending, each with parts that do not overlap.
    classes: Vec<(ClassId, LabelTrack)>,
    /// First frame, the one behind the last, and a class of each instance, ascending.
    instances: Vec<((u32, u32), ClassId)>,
}

impl VideoTargets {
    /// `background` is the class that background parts form.
    pub(super) fn of(video: &VideoEntry, background: Option<ClassId>) -> Self {
        let class_of = |label: Label| match label {
            Label::Class(class) => Some(class),
            Label::Background => background,
        };
        let mut spans: Vec<(ClassId, Segment)> = video
            .class_spans()
            .filter_map(|s| {
                let class = class_of(s.label)?;
                // Joined whatever label they have in the dataset.
                Some((class, Segment { label: Label::Class(class), ..s }))
            })
            .collect();
        spans.sort_unstable_by_key(|(class, s)| (*class, s.start));
        let of_class = |spans: &[(ClassId, Segment)]| {
            let track = LabelTrack::from_segments(spans.iter().map(|(_, s)| *s).collect());
            Some((spans.first()?.0, track))
        };
        let classes = spans.chunk_by(|a, b| a.0 == b.0).filter_map(of_class).collect();
        let frames = video.frames();
        let mut instances: Vec<((u32, u32), ClassId)> =
            video.instance_spans().filter_map(|s| Some(((s.start, s.end), class_of(s.label)?))).collect();
        instances.sort_unstable();
        Self { frames, classes, instances }
    }

    /// The classes of a clip, ascending.
    pub(super) fn of_clip(&self, clip: &Clip, rule: &FrameRule) -> Vec<ClassId> {
        let mut numbers = rule.numbers(clip, self.frames);
        numbers.sort_unstable();
        let bounds = rule.bounds(clip, self.frames);
        let own = self.instances.get(self.instances.partition_point(|(b, _)| *b < bounds)..).unwrap_or_default();
        let own = own.iter().take_while(|(b, _)| *b == bounds).map(|(_, class)| *class);
        let mut classes: Vec<ClassId> = self.covering(&numbers).chain(own).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    }

    /// Classes that cover at least half of the frames; `numbers` ascend.
    fn covering(&self, numbers: &[u32]) -> impl Iterator<Item = ClassId> {
        let (first, last) = (numbers.first().copied().unwrap_or(0), numbers.last().copied().unwrap_or(0));
        let covered = move |track: &LabelTrack| -> usize {
            let segments = track.segments();
            let near = segments.get(segments.partition_point(|s| s.end <= first)..).unwrap_or_default();
            let before = |frame: u32| numbers.partition_point(|n| *n < frame);
            near.iter().take_while(|s| s.start <= last).map(|s| before(s.end) - before(s.start)).sum()
        };
        let half = move |track: &LabelTrack| !numbers.is_empty() && 2 * covered(track) >= numbers.len();
        self.classes.iter().filter(move |(_, track)| half(track)).map(|(class, _)| *class)
    }
}

impl ClassTargets {
    /// The classes of the clips of a dataset, whose frames `rule` places. `background` is the class that background parts
    /// form, where they form one.
    pub fn new(dataset: &Dataset, rule: FrameRule, background: Option<ClassId>) -> Self {
        let videos = dataset.videos.iter().map(|v| VideoTargets::of(v, background)).collect();
        Self { rule: Some(rule), videos }
    }

    /// The classes of a clip, ascending; none where nobody said anything of it.
    pub fn of(&self, clip: &Clip) -> Vec<ClassId> {
        let (Some(video), Some(rule)) = (self.videos.get(clip.video), &self.rule) else { return Vec::new() };
        video.of_clip(clip, rule)
    }

    /// Clips of each class; a clip counts once a class.
    pub fn counts(&self, clips: &[Clip], classes: usize) -> Vec<u64> {
        let mut counts = vec![0; classes];
        for class in clips.iter().flat_map(|clip| self.of(clip)) {
            if let Some(n) = counts.get_mut(class) {
                *n += 1;
            }
        }
        counts
    }
}

/// The classes of a clip of `video`, by the rule of [`ClassTargets`].
pub fn clip_classes(video: &VideoEntry, clip: &Clip, rule: FrameRule, background: Option<ClassId>) -> Vec<ClassId> {
    VideoTargets::of(video, background).of_clip(clip, &rule)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ClipGeometry, Cut, FrameSampling, Instance, InstanceLabel, Task, TimeView, VideoFacts};

    fn rule(length: u32, step: u32) -> FrameRule {
        FrameRule { geometry: ClipGeometry { length, step }, sampling: FrameSampling::Windows }
    }

    fn dataset(frames: u32, instances: &[(u32, u32, InstanceLabel)]) -> Dataset {
        let instance = |(start, end, label): &(u32, u32, InstanceLabel)| Instance {
            start: *start,
            end: *end,
            label: label.clone(),
            ..Instance::default()
        };
        let video = VideoEntry {
            instances: instances.iter().map(instance).collect(),
            facts: Some(VideoFacts { frames, ..VideoFacts::default() }),
            ..VideoEntry::default()
        };
        Dataset { task: Task::MultiLabel, videos: vec![video], ..Dataset::default() }
    }

    fn at(targets: &ClassTargets, start: u32) -> Vec<ClassId> {
        targets.of(&Clip::window(0, start))
    }

    #[test]
    fn half_of_the_frames_by_hand() {
        let one = InstanceLabel::Class;
        let dataset = dataset(
            20,
            &[
                (0, 4, one(3)),
                (2, 12, InstanceLabel::of(vec![0, 1])),
                (6, 8, one(3)),
                (12, 20, InstanceLabel::Background),
            ],
        );
        let four = rule(4, 1);
        let targets = ClassTargets::new(&dataset, four, None);
        assert_eq!(at(&targets, 0), [0, 1, 3], "two of four frames are enough");
        assert_eq!(at(&targets, 1), [0, 1, 3]);
        assert_eq!(at(&targets, 7), [0, 1], "one of four is not");
        assert_eq!(at(&targets, 5), [0, 1, 3]);
        assert_eq!(at(&targets, 11), [0; 0]);
        assert_eq!(at(&ClassTargets::new(&dataset, four, Some(5)), 11), [5], "background frames form a class");
        assert_eq!(clip_classes(&dataset.videos[0], &Clip::window(0, 11), four, Some(5)), [5]);
        // Frames 0, 2, 4, 6: two of each of the first three classes and more.
        let sparse = ClassTargets::new(&dataset, rule(4, 2), None);
        assert_eq!(at(&sparse, 0), [0, 1, 3]);
        let clips: Vec<Clip> = [0, 7, 11].map(|start| Clip::window(0, start)).to_vec();
        assert_eq!(targets.counts(&clips, 4), [2, 2, 0, 1]);
        assert_eq!(targets.of(&Clip::window(7, 0)), [0; 0]);
    }

    #[test]
    fn people_and_seconds_count_together_and_repeated_frames_as_often_as_they_are_seen() {
        // Two people, one after the other and a frame together: neither alone covers half of the clip.
        let dataset = dataset(10, &[(0, 3, InstanceLabel::Class(0)), (2, 4, InstanceLabel::Class(0))]);
        let targets = ClassTargets::new(&dataset, rule(8, 1), None);
        assert_eq!(at(&targets, 0), [0]);
        assert_eq!(at(&targets, 1), [0; 0]);
        // The last of three frames is seen six times of eight.
        let short = self::dataset(3, &[(0, 2, InstanceLabel::Class(0)), (2, 3, InstanceLabel::Class(1))]);
        let targets = ClassTargets::new(&short, rule(8, 1), None);
        assert_eq!(at(&targets, 0), [1]);
    }

    #[test]
    fn clips_of_instances_show_these_and_what_half_of_their_frames_show() {
        let one = InstanceLabel::Class;
        // Two annotations of the same part, and one of the second half of it.
        let mut dataset = dataset(40, &[(8, 24, one(2)), (8, 24, one(0)), (16, 40, one(1))]);
        let sampling = FrameSampling::Even;
        let even = FrameRule { geometry: ClipGeometry { length: 4, step: 1 }, sampling };
        let clip =
            |start, end, time| Clip { cut: Cut { start, end, time, ..Cut::default() }, ..Clip::window(0, start) };
        let whole = TimeView::Fixed { index: 0, of: 1 };
        let targets = ClassTargets::new(&dataset, even, None);
        // Frames 8, 13, 18, 23 of the first part; 16, 24, 31, 39 of the other, one of which is in the first.
        assert_eq!(targets.of(&clip(8, 24, whole)), [0, 1, 2]);
        assert_eq!(targets.of(&clip(16, 40, whole)), [1]);
        // A window inside the instance takes the first four frames of it.
        assert_eq!(targets.of(&clip(8, 24, TimeView::Window)), [0, 2]);
        // Where frames have one label, what it does not show of an instance is true of its clips all the same.
        dataset.videos[0].labels =
            LabelTrack::from_segments(vec![Segment { start: 8, end: 40, label: Label::Class(1) }]);
        let targets = ClassTargets::new(&dataset, even, None);
        assert_eq!((targets.of(&clip(8, 24, whole)), targets.of(&clip(0, 8, whole))), (vec![0, 1, 2], vec![]));
    }
}
