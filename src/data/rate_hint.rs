//! Which rate labels were made at, where their frames do not fit the video.

use super::formats::{Annotation, Clock, DraftVideo, Span};

/// Rates that videos usually have, as fractions.
const USUAL: &[(u32, u32)] = &[
    (10, 1),
    (12, 1),
    (15, 1),
    (24_000, 1001),
    (24, 1),
    (25, 1),
    (30_000, 1001),
    (30, 1),
    (48, 1),
    (50, 1),
    (60_000, 1001),
    (60, 1),
    (100, 1),
    (120, 1),
];

/// The lowest usual rate above the one that holds at which all frames lie inside the video, as the end of a sentence; empty
/// where there is none, and where frames are not counted at a rate of their own.
pub(super) fn of(video: &DraftVideo, annotations: &[Annotation], now: Option<f64>) -> String {
    let last = annotations.iter().filter_map(|a| if let Span::Steps { end, .. } = a.span { Some(end) } else { None });
    let (Clock::Frames { .. }, Some(now), Some(last), Some(facts)) =
        (&video.clock, now, last.max(), &video.entry.facts)
    else {
        return String::new();
    };
    let length = if facts.duration_s > 0.0 { facts.duration_s } else { f64::from(facts.frames) / facts.fps };
    let fits = |rate: f64| rate > now && f64::from(last) / rate <= length + 0.5 / rate;
    let known = USUAL.iter().find(|(n, d)| fits(f64::from(*n) / f64::from(*d)));
    known.map_or_else(String::new, |(n, d)| {
        format!("; if the labels were made at another rate, choose it (label_fps), all of them fit at {n}/{d}")
    })
}
