//! Labels sparser than frames: how many frames they leave unlabelled, and how they are held until the next row.

use super::limited::Limited;
use crate::config::RunConfig;
use crate::domain::{Dataset, InstanceLabel, Label, LabelTrack, Segment, VideoEntry};
use std::borrow::Cow;
use std::sync::Arc;

/// Labels on fewer than this share of the frames between the first and the last are sparse.
const SPARSE: f64 = 0.75;

/// Single labelled frames with unlabelled ones between them: what rows of one frame in many give.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Sparse {
    /// Usual distance of two labelled frames.
    pub(super) step: u32,
    /// Labelled frames.
    pub(super) labelled: u64,
}

/// How sparse the labels of a video are; `None` where they are not.
pub(super) fn sparse(video: &VideoEntry) -> Option<Sparse> {
    let rows = rows(video);
    let single = rows.iter().filter(|r| r.1 - r.0 == 1).count();
    let (first, last) = (rows.first()?, rows.last()?);
    let labelled: u64 = rows.iter().map(|r| u64::from(r.1 - r.0)).sum();
    let spread = f64::from(last.1 - first.0);
    if rows.len() < 2 || single * 10 < rows.len() * 9 || labelled as f64 >= SPARSE * spread {
        return None;
    }
    let mut steps: Vec<u32> = rows.windows(2).map(|w| w[1].0 - w[0].0).collect();
    steps.sort_unstable();
    Some(Sparse { step: steps.get(steps.len() / 2).copied()?, labelled })
}

/// Parts that rows speak of, in order of time: first frame, the one behind the last, and the label; none where a label map
/// leaves the class of a row out, which ends what the row before it says all the same.
fn rows(video: &VideoEntry) -> Vec<(u32, u32, Option<Label>)> {
    let frames = video.frames();
    let mut out: Vec<_> = video.labels.clipped(frames).map(|s| (s.start, s.end, Some(s.label))).collect();
    if !out.is_empty() {
        let silent = video.instances.iter().filter(|i| i.label == InstanceLabel::Unlabelled);
        out.extend(silent.map(|i| (i.start, i.end.min(frames), None)).filter(|r| r.0 < r.1));
        out.sort_by_key(|r| (r.0, r.1));
    }
    out
}

/// The dataset as a configuration wants its labels: the same, or with sparse ones held.
pub fn as_configured(dataset: &Arc<Dataset>, config: &RunConfig) -> Arc<Dataset> {
    if config.labels.hold { Arc::new(held(dataset)) } else { dataset.clone() }
}

/// The dataset with sparse labels held. Its fingerprint stays: it is of the files.
fn held(dataset: &Dataset) -> Dataset {
    let mut out = dataset.clone();
    for video in &mut out.videos {
        if let Some(labels) = held_labels(video) {
            video.labels = labels;
        }
    }
    out
}

/// The labels of a video as a configuration wants them.
pub fn labels_of<'v>(video: &'v VideoEntry, config: &RunConfig) -> Cow<'v, LabelTrack> {
    match held_labels(video).filter(|_| config.labels.hold) {
        Some(held) => Cow::Owned(held),
        None => Cow::Borrowed(&video.labels),
    }
}

/// Sparse labels, each until the next row and the last for the usual distance of rows. `None` where labels are intervals
/// or stand on most frames.
fn held_labels(video: &VideoEntry) -> Option<LabelTrack> {
    let Sparse { step, .. } = sparse(video)?;
    let rows = rows(video);
    let end = |i: usize, start: u32| match rows.get(i + 1) {
        Some(next) => next.0,
        None => start.saturating_add(step).min(video.frames()),
    };
    let held = rows.iter().enumerate().filter_map(|(i, r)| Some(Segment { start: r.0, end: end(i, r.0), label: r.2? }));
    Some(LabelTrack::from_segments(held.collect()))
}

/// Tells of labels that leave most frames unlabelled.
pub(super) fn tell(dataset: &Dataset, warnings: &mut Limited) {
    let found: Vec<(&VideoEntry, Sparse)> = dataset.videos.iter().filter_map(|v| Some((v, sparse(v)?))).collect();
    let Some((video, first)) = found.first() else { return };
    let (labelled, frames) = found.iter().fold((0, 0), |(l, f), (v, s)| (l + s.labelled, f + u64::from(v.frames())));
    let others = if found.len() > 1 { format!(" and {} more", found.len() - 1) } else { String::new() };
    let percent = 100.0 * labelled as f64 / frames.max(1) as f64;
    warnings.push(
        "sparse",
        &dataset.root,
        format!(
            "{percent:.0} % of the frames are labelled in {}{others}: the labels stand on one frame in {}, and windows with \
             most frames unlabelled have no label. If each label holds until the next row, set labels.hold to true",
            video.name, first.step
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Instance, VideoFacts};

    fn video(frames: u32, segments: &[(u32, u32, usize)]) -> VideoEntry {
        let segment = |&(start, end, class): &(u32, u32, usize)| Segment { start, end, label: Label::Class(class) };
        VideoEntry {
            path: "a.mp4".into(),
            name: "a.mp4".into(),
            subject: String::new(),
            split: crate::domain::Split::Unassigned,
            labels: LabelTrack::from_segments(segments.iter().map(segment).collect()),
            instances: Vec::new(),
            masks: None,
            poses: None,
            pose_video: None,
            stated_rate: None,
            facts: Some(VideoFacts { frames, ..VideoFacts::default() }),
            unread: None,
        }
    }

    #[test]
    fn only_single_frames_with_gaps_are_sparse_and_held() {
        let second = video(100, &[(0, 1, 1), (25, 26, 1), (50, 51, 2), (75, 76, 2)]);
        assert_eq!(sparse(&second), Some(Sparse { step: 25, labelled: 4 }));
        let every_other: Vec<_> = (0..50).map(|i| (2 * i, 2 * i + 1, 1)).collect();
        assert_eq!(sparse(&video(100, &every_other)), Some(Sparse { step: 2, labelled: 50 }));
        let intervals = video(100, &[(0, 4, 1), (50, 54, 2)]);
        let dense = video(100, &[(0, 60, 1), (60, 61, 2), (61, 100, 1)]);
        assert_eq!([sparse(&intervals), sparse(&dense), sparse(&video(9, &[(3, 4, 0)]))], [None; 3]);
        let dataset =
            Dataset { videos: vec![second, intervals.clone()], fingerprint: "f".into(), ..Dataset::default() };
        let held = held(&dataset);
        let runs: Vec<_> = held.videos[0].labels.segments().iter().map(|s| (s.start, s.end, s.label)).collect();
        assert_eq!(runs, [(0, 50, Label::Class(1)), (50, 100, Label::Class(2))]);
        assert_eq!((&held.videos[1].labels, held.fingerprint.as_str()), (&intervals.labels, "f"));
        // A row whose class a label map leaves out ends the one before it.
        let mut mapped = video(100, &[(0, 1, 1), (25, 26, 1), (75, 76, 2)]);
        let silent = Instance { start: 50, end: 51, label: InstanceLabel::Unlabelled, ..Instance::default() };
        mapped.instances.push(silent);
        let runs: Vec<_> = held_labels(&mapped).unwrap().segments().iter().map(|s| (s.start, s.end)).collect();
        assert_eq!(runs, [(0, 50), (75, 100)]);
        let short = Dataset { videos: vec![video(60, &[(0, 1, 1), (25, 26, 2), (50, 51, 1)])], ..Dataset::default() };
        assert_eq!(super::held(&short).videos[0].labels.end(), 60);
    }
}
