//! The classes of a clip in a multi-label task.

use crate::domain::{ClassId, Clip, ClipGeometry, Dataset, Label, LabelTrack, Segment, VideoEntry};

/// Which classes the clips of a dataset show.
///
/// A clip shows a class when the instances of that class, taken together, cover at least half of its frames, whoever they
/// are about. A frame that the clip repeats (past the end of a short video) counts as often as it is seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ClassTargets {
    geometry: Option<ClipGeometry>,
    /// By video.
    videos: Vec<VideoTargets>,
}

/// Where a video shows each of its classes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct VideoTargets {
    frames: u32,
    /// Classes ascending, each with parts that do not overlap.
    classes: Vec<(ClassId, LabelTrack)>,
}

impl VideoTargets {
    /// `background` is the class that background parts form.
    pub(super) fn of(video: &VideoEntry, background: Option<ClassId>) -> Self {
        let mut spans: Vec<(ClassId, Segment)> = video
            .class_spans()
            .filter_map(|s| {
                let class = match s.label {
                    Label::Class(class) => class,
                    Label::Background => background?,
                };
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
        Self { frames: video.frames(), classes }
    }

    /// The classes of the clip at `start`, ascending.
    pub(super) fn at(&self, start: u32, geometry: ClipGeometry) -> Vec<ClassId> {
        self.covering(&geometry.frame_numbers(start, self.frames).collect::<Vec<u32>>())
    }

    /// Classes that cover at least half of the frames, ascending; `numbers` ascend.
    fn covering(&self, numbers: &[u32]) -> Vec<ClassId> {
        let (first, last) = (numbers.first().copied().unwrap_or(0), numbers.last().copied().unwrap_or(0));
        let covered = |track: &LabelTrack| -> usize {
            let segments = track.segments();
            let near = segments.get(segments.partition_point(|s| s.end <= first)..).unwrap_or_default();
            let before = |frame: u32| numbers.partition_point(|n| *n < frame);
            near.iter().take_while(|s| s.start <= last).map(|s| before(s.end) - before(s.start)).sum()
        };
        let half = |track: &LabelTrack| !numbers.is_empty() && 2 * covered(track) >= numbers.len();
        self.classes.iter().filter(|(_, track)| half(track)).map(|(class, _)| *class).collect()
    }
}

impl ClassTargets {
    /// The classes of the clips of a dataset. `background` is the class that background parts form, where they form one.
    pub fn new(dataset: &Dataset, geometry: ClipGeometry, background: Option<ClassId>) -> Self {
        let videos = dataset.videos.iter().map(|v| VideoTargets::of(v, background)).collect();
        Self { geometry: Some(geometry), videos }
    }

    /// The classes of a clip, ascending; none where nobody said anything of it.
    pub fn of(&self, clip: &Clip) -> Vec<ClassId> {
        let (Some(video), Some(geometry)) = (self.videos.get(clip.video), self.geometry) else { return Vec::new() };
        video.at(clip.start, geometry)
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

/// The classes of the clip of `video` that begins with frame `start`, by the rule of [`ClassTargets`].
pub fn clip_classes(
    video: &VideoEntry,
    start: u32,
    geometry: ClipGeometry,
    background: Option<ClassId>,
) -> Vec<ClassId> {
    VideoTargets::of(video, background).at(start, geometry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Instance, InstanceLabel, Task, VideoFacts};

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
        targets.of(&Clip { video: 0, start, label: None })
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
        let geometry = ClipGeometry { length: 4, step: 1 };
        let targets = ClassTargets::new(&dataset, geometry, None);
        assert_eq!(at(&targets, 0), [0, 1, 3], "two of four frames are enough");
        assert_eq!(at(&targets, 1), [0, 1, 3]);
        assert_eq!(at(&targets, 7), [0, 1], "one of four is not");
        assert_eq!(at(&targets, 5), [0, 1, 3]);
        assert_eq!(at(&targets, 11), [0; 0]);
        assert_eq!(at(&ClassTargets::new(&dataset, geometry, Some(5)), 11), [5], "background frames form a class");
        assert_eq!(clip_classes(&dataset.videos[0], 11, geometry, Some(5)), [5]);
        // Frames 0, 2, 4, 6: two of each of the first three classes and more.
        let sparse = ClassTargets::new(&dataset, ClipGeometry { length: 4, step: 2 }, None);
        assert_eq!(at(&sparse, 0), [0, 1, 3]);
        let clips: Vec<Clip> = [0, 7, 11].map(|start| Clip { video: 0, start, label: None }).to_vec();
        assert_eq!(targets.counts(&clips, 4), [2, 2, 0, 1]);
        assert_eq!(targets.of(&Clip { video: 7, start: 0, label: None }), [0; 0]);
    }

    #[test]
    fn people_and_seconds_count_together_and_repeated_frames_as_often_as_they_are_seen() {
        // Two people, one after the other and a frame together: neither alone covers half of the clip.
        let dataset = dataset(10, &[(0, 3, InstanceLabel::Class(0)), (2, 4, InstanceLabel::Class(0))]);
        let targets = ClassTargets::new(&dataset, ClipGeometry { length: 8, step: 1 }, None);
        assert_eq!(at(&targets, 0), [0]);
        assert_eq!(at(&targets, 1), [0; 0]);
        // The last of three frames is seen six times of eight.
        let short = self::dataset(3, &[(0, 2, InstanceLabel::Class(0)), (2, 3, InstanceLabel::Class(1))]);
        let targets = ClassTargets::new(&short, ClipGeometry { length: 8, step: 1 }, None);
        assert_eq!(at(&targets, 0), [1]);
    }
}
