//! Intervals as tables write them: frames or seconds, with the stop inside or outside.

use super::columns::{Header, Role, Unit};
use super::numbers::{integer, number, seconds};
use super::records::{Record, Table};
use crate::domain::Reason;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The part of a video that a row is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::data) enum Extent {
    /// Frames from 0, the end outside.
    Frames { start: u32, end: u32 },
    /// Frames as written, where only all rows together tell whether the stop lies inside.
    Span { first: u32, stop: u32 },
    /// Seconds from the first frame.
    Seconds { start: f64, end: f64 },
}

/// The columns of an interval.
#[derive(Clone, Copy, Debug)]
pub(in crate::data) struct Bounds {
    pub(in crate::data) start: usize,
    pub(in crate::data) stop: usize,
    unit: Unit,
    inside: Option<bool>,
}

impl Bounds {
    /// The columns at `start` and `stop`, with what they count. Columns whose names do not tell count seconds where any
    /// cell has a fraction or colons.
    ///
    /// # Errors
    /// Whole numbers in columns that may be frames or seconds.
    pub(in crate::data) fn of(header: &Header, start: usize, stop: usize, table: &Table) -> Result<Self, String> {
        let (mut unit, inside) = match (header.role(start), header.role(stop)) {
            (Some(Role::Start(unit)), Some(Role::Stop(_, inside))) => (unit, inside),
            _ => (Unit::Unknown, None),
        };
        if unit == Unit::Unknown {
            let fraction = |cell: &str| {
                cell.contains(':') || number(cell, table.decimal_comma()).is_some_and(|n| n.fract() != 0.0)
            };
            let name = |at: usize| header.names().get(at).map_or("", String::as_str);
            if !table.records.iter().skip(1).any(|r| fraction(r.cell(start)) || fraction(r.cell(stop))) {
                return Err(format!(
                    "line 1: nothing says whether '{}' and '{}' count frames or seconds; call them start_frame and \
                     stop_frame, or start_s and stop_s",
                    name(start),
                    name(stop)
                ));
            }
            unit = Unit::Seconds;
        }
        Ok(Self { start, stop, unit, inside })
    }

    /// The interval of a row.
    ///
    /// # Errors
    /// Why it is none, also in words.
    pub(in crate::data) fn read(&self, row: &Record, decimal_comma: bool) -> Result<Extent, (Reason, String)> {
        let (start, stop) = (row.cell(self.start), row.cell(self.stop));
        if self.unit == Unit::Frames {
            let bad = |why: String| (Reason::BadNumber, why);
            let frame = |cell: &str| {
                let n = integer(cell, decimal_comma).ok_or_else(|| bad(format!("'{cell}' is no frame number")))?;
                u32::try_from(n)
                    .ok()
                    .filter(|n| *n < u32::MAX)
                    .ok_or_else(|| bad(format!("'{cell}' is negative or too large")))
            };
            let (first, stop) = (frame(start)?, frame(stop)?);
            return match self.inside {
                _ if first > stop => Err(after_end()),
                Some(true) => Ok(Extent::Frames { start: first, end: stop + 1 }),
                Some(false) if first == stop => Err((Reason::EmptyInterval, "the interval is empty".into())),
                Some(false) => Ok(Extent::Frames { start: first, end: stop }),
                None => Ok(Extent::Span { first, stop }),
            };
        }
        let scale = if self.unit == Unit::Milliseconds { 1e-3 } else { 1.0 };
        let time = |cell: &str| {
            let read = seconds(cell, decimal_comma).map(|s| s * scale);
            read.ok_or_else(|| (Reason::BadNumber, format!("'{cell}' is no time")))
        };
        Extent::of_seconds(time(start)?, time(stop)?)
    }
}

fn after_end() -> (Reason, String) {
    (Reason::StartAfterEnd, "the start lies after the end".into())
}

/// Whether stops lie inside, gathered from the intervals of all videos.
#[derive(Debug, Default)]
pub(in crate::data) struct Stops {
    spans: BTreeMap<String, Vec<(u32, u32)>>,
}

impl Stops {
    /// Notes an interval of a video.
    pub(in crate::data) fn push(&mut self, video: &str, at: Extent) {
        if let Extent::Span { first, stop } = at {
            self.spans.entry(video.to_owned()).or_default().push((first, stop));
        }
    }

    /// Whether the frame that a stop names lies inside, and a sentence where the rows do not tell. Neighbours tell: the
    /// next interval starts with the stop of the one before, or one frame later.
    pub(in crate::data) fn inside(mut self) -> (bool, Option<String>) {
        let (mut inside, mut outside, mut single) = (0_usize, 0_usize, 0_usize);
        let mut any = false;
        for spans in self.spans.values_mut() {
            spans.sort_unstable();
            any |= !spans.is_empty();
            single += spans.iter().filter(|(first, stop)| first == stop).count();
            for pair in spans.windows(2) {
                inside += usize::from(pair[1].0 == pair[0].1 + 1);
                outside += usize::from(pair[1].0 == pair[0].1 && pair[1].0 > pair[0].0);
            }
        }
        let is_inside = inside + single >= outside;
        let note = match (inside + single, outside) {
            (0, 0) if any => Some(
                "nothing tells whether the frames in the stop column still belong to their intervals; they are taken as \
                 belonging, name the column stop_frame_exclusive if they do not"
                    .to_owned(),
            ),
            (1.., 1..) => {
                let counted = |n: usize, one: &str, many: &str| match n {
                    0 => None,
                    1 => Some(format!("1 interval {one}")),
                    n => Some(format!("{n} intervals {many}")),
                };
                let found = [
                    counted(inside, "ends one frame before the next", "end one frame before the next"),
                    counted(single, "starts and stops with the same frame", "start and stop with the same frame"),
                    counted(
                        outside,
                        "stops with the frame where the next one starts",
                        "stop with the frame where the next one starts",
                    ),
                ];
                Some(format!(
                    "{}; stop frames are taken as {}, correct the others",
                    found.into_iter().flatten().collect::<Vec<_>>().join(", "),
                    if is_inside { "inside" } else { "outside" }
                ))
            }
            _ => None,
        };
        (is_inside, note)
    }
}

impl Extent {
    /// A part in seconds.
    ///
    /// # Errors
    /// Times that are no finite numbers, and parts that are empty or run backwards.
    pub(in crate::data) fn of_seconds(start: f64, end: f64) -> Result<Self, (Reason, String)> {
        match (start.is_finite() && end.is_finite(), start.partial_cmp(&end)) {
            (false, _) => Err((Reason::BadNumber, format!("'{start}' to '{end}' are no times"))),
            (_, Some(Ordering::Greater)) => Err(after_end()),
            (_, Some(Ordering::Equal)) => {
                Err((Reason::EmptyInterval, "the interval is empty, start and end are equal".into()))
            }
            _ => Ok(Self::Seconds { start, end }),
        }
    }

    /// With the end outside.
    pub(in crate::data) fn resolved(self, stop_inside: bool) -> Self {
        match self {
            Self::Span { first, stop } if stop_inside => Self::Frames { start: first, end: stop + 1 },
            Self::Span { first, stop } => Self::Frames { start: first, end: stop },
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inside(spans: &[(u32, u32)]) -> (bool, bool) {
        let mut stops = Stops::default();
        spans.iter().for_each(|&(first, stop)| stops.push("a", Extent::Span { first, stop }));
        let (inside, note) = stops.inside();
        (inside, note.is_some())
    }

    #[test]
    fn neighbours_tell_whether_the_stop_is_inside() {
        assert_eq!(inside(&[(0, 19), (20, 39), (40, 59)]), (true, false));
        assert_eq!(inside(&[(20, 40), (0, 20), (40, 60)]), (false, false));
        assert_eq!(inside(&[(5, 5)]), (true, false));
        assert_eq!(inside(&[(10, 20), (50, 60)]), (true, true));
        assert_eq!(inside(&[(0, 10), (10, 20), (20, 30), (31, 40)]), (false, true));
        assert_eq!(inside(&[]), (true, false));
        let said = |spans: &[(u32, u32)]| {
            let mut stops = Stops::default();
            spans.iter().for_each(|&(first, stop)| stops.push("a", Extent::Span { first, stop }));
            stops.inside().1.unwrap()
        };
        let single = said(&[(0, 10), (10, 20), (30, 30)]);
        assert!(
            single.starts_with("1 interval starts and stops with the same frame, 1 interval stops with"),
            "{single}"
        );
        let both = said(&[(0, 9), (10, 20), (20, 30), (30, 40)]);
        assert!(
            both.starts_with("1 interval ends one frame before the next, 2 intervals stop with the frame"),
            "{both}"
        );
        assert_eq!(Extent::Span { first: 3, stop: 5 }.resolved(true), Extent::Frames { start: 3, end: 6 });
        assert_eq!(Extent::Span { first: 3, stop: 5 }.resolved(false), Extent::Frames { start: 3, end: 5 });
    }
}
