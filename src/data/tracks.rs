//! Labelled parts of a video become its track: one label a frame.

use crate::domain::{Instance, Label, LabelTrack, Segment};

/// A part of a video in frames, and the line of the row that labels it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct LabelInterval {
    pub(super) start: u32,
    /// One past the last frame.
    pub(super) end: u32,
    pub(super) label: Label,
    pub(super) line: u32,
}

/// Parts in order of time, each frame with the label of the first part that holds it, and a sentence where parts of
/// different labels share frames.
pub(super) fn lay(mut parts: Vec<LabelInterval>) -> (LabelTrack, Option<String>) {
    parts.sort_by_key(|p| (p.start, p.line));
    let mut reach: Option<LabelInterval> = None;
    let mut first: Option<(LabelInterval, LabelInterval)> = None;
    let mut count = 0_usize;
    for part in &parts {
        if let Some(before) = reach.filter(|b| b.end > part.start && b.label != part.label) {
            count += 1;
            first.get_or_insert((before, *part));
        }
        if reach.is_none_or(|b| part.end > b.end) {
            reach = Some(*part);
        }
    }
    let note = first.map(|(a, b)| {
        let more = if count > 1 { format!(" ({count} such pairs)") } else { String::new() };
        format!(
            "line {} and line {} label the same frames {} to {} differently{more}; the interval that starts first counts \
             there, a frame has one label",
            a.line,
            b.line,
            b.start,
            a.end.min(b.end).saturating_sub(1)
        )
    });
    let segments = parts.into_iter().map(|p| Segment { start: p.start, end: p.end, label: p.label });
    (LabelTrack::from_segments(segments.collect()), note)
}

/// The track of the annotations of a video of so many frames, and a sentence where they contradict each other. What labels all of
/// a video labels it however long it is.
pub(super) fn track_of(parts: &[Instance], frames: u32) -> (LabelTrack, Option<String>) {
    let part =
        |i: &Instance| Some(LabelInterval { start: i.start, end: i.end, label: i.label.single()?, line: i.line });
    let whole = parts.iter().all(|i| i.seconds.is_none() && i.start == 0 && i.end == frames);
    match parts.first().filter(|_| whole && frames > 0) {
        Some(first) => (first.label.single().map(LabelTrack::whole).unwrap_or_default(), None),
        None => lay(parts.iter().filter_map(part).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlaps_are_told_and_touching_parts_are_none() {
        let part = |start, end, class, line| LabelInterval { start, end, label: Label::Class(class), line };
        let (track, note) = lay(vec![part(20, 40, 1, 3), part(0, 20, 0, 2), part(30, 35, 1, 4)]);
        assert_eq!((track.segments().len(), note), (2, None));
        let (track, note) = lay(vec![part(0, 30, 0, 2), part(20, 40, 1, 3), part(35, 50, 0, 4)]);
        let starts: Vec<_> = track.segments().iter().map(|s| (s.start, s.end)).collect();
        assert_eq!(starts, [(0, 30), (30, 40), (40, 50)]);
        let note = note.unwrap();
        assert!(note.contains("line 2 and line 3") && note.contains("20 to 29") && note.contains("2 such"), "{note}");
    }
}
