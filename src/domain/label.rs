use super::ClassId;
use serde::{Deserialize, Serialize};

/// What somebody said about a frame. A frame nobody spoke about has no label at all,
/// which is not the same as [`Label::Background`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Label {
    /// Labelled as "none of the classes" (`-1` in exercise recordings).
    Background,
    /// Labelled with a class of the dataset's [`super::ClassSet`].
    Class(ClassId),
}

impl Label {
    /// The class, unless this is background.
    pub fn class(self) -> Option<ClassId> {
        match self {
            Label::Background => None,
            Label::Class(c) => Some(c),
        }
    }
}

/// A run of equally labelled frames, `start..end` (end exclusive).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// First frame.
    pub start: u32,
    /// One past the last frame.
    pub end: u32,
    /// What the frames show.
    pub label: Label,
}

/// Labels of one video as sorted, non-overlapping segments; gaps are unlabelled frames.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabelTrack {
    segments: Vec<Segment>,
}

impl LabelTrack {
    /// One label over every frame, however long the video turns out to be.
    pub fn whole(label: Label) -> Self {
        Self { segments: vec![Segment { start: 0, end: u32::MAX, label }] }
    }

    /// Builds a track from `(frame, label)` rows in any order; on a repeated frame the last row wins.
    pub fn from_rows(mut rows: Vec<(u32, Label)>) -> Self {
        rows.sort_by_key(|(frame, _)| *frame);
        let mut segments: Vec<Segment> = Vec::new();
        let mut iter = rows.into_iter().peekable();
        while let Some((frame, label)) = iter.next() {
            if iter.peek().is_some_and(|(next, _)| *next == frame) {
                continue;
            }
            match segments.last_mut() {
                Some(s) if s.end == frame && s.label == label => s.end = frame + 1,
                _ => segments.push(Segment { start: frame, end: frame.saturating_add(1), label }),
            }
        }
        Self { segments }
    }

    /// Builds a track from segments; they are sorted, joined where equal neighbours touch, and cut where one
    /// overlaps the one before it.
    pub fn from_segments(mut rows: Vec<Segment>) -> Self {
        rows.sort_by_key(|s| s.start);
        let mut segments: Vec<Segment> = Vec::with_capacity(rows.len());
        for mut s in rows {
            if let Some(last) = segments.last_mut() {
                s.start = s.start.max(last.end);
                if s.start < s.end && last.end == s.start && last.label == s.label {
                    last.end = s.end;
                    continue;
                }
            }
            if s.start < s.end {
                segments.push(s);
            }
        }
        Self { segments }
    }

    /// The segments in order of time.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// True when no frame is labelled.
    pub fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    /// Label of a frame; `None` where nobody labelled it.
    pub fn at(&self, frame: u32) -> Option<Label> {
        let i = self.segments.partition_point(|s| s.end <= frame);
        self.segments.get(i).filter(|s| s.start <= frame).map(|s| s.label)
    }

    /// Segments cut to `0..frames`, for drawing and counting.
    pub fn clipped(&self, frames: u32) -> impl Iterator<Item = Segment> + '_ {
        self.segments
            .iter()
            .take_while(move |s| s.start < frames)
            .map(move |s| Segment { end: s.end.min(frames), ..*s })
    }

    /// One past the last labelled frame; `u32::MAX` for a whole-video label.
    pub fn end(&self) -> u32 {
        self.segments.last().map_or(0, |s| s.end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_join_and_never_overlap() {
        let s = |start, end, c| Segment { start, end, label: Label::Class(c) };
        let track = LabelTrack::from_segments(vec![s(10, 20, 1), s(0, 5, 0), s(5, 8, 0), s(15, 25, 2), s(16, 18, 3)]);
        assert_eq!(track.segments(), [s(0, 8, 0), s(10, 20, 1), s(20, 25, 2)]);
    }

    #[test]
    fn rows_become_segments_and_gaps_stay_unlabelled() {
        let c = Label::Class;
        let track = LabelTrack::from_rows(vec![(3, c(1)), (0, c(0)), (1, c(0)), (4, Label::Background), (3, c(2))]);
        assert_eq!(
            track.segments(),
            [
                Segment { start: 0, end: 2, label: c(0) },
                Segment { start: 3, end: 4, label: c(2) },
                Segment { start: 4, end: 5, label: Label::Background },
            ]
        );
        let seen: Vec<_> = (0..6).map(|f| track.at(f)).collect();
        assert_eq!(seen, [Some(c(0)), Some(c(0)), None, Some(c(2)), Some(Label::Background), None]);
    }
}
