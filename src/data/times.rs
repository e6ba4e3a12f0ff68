//! Labels in seconds become labels of frames, by the presentation times of the video itself.

use super::formats::DraftVideo;
use super::tracks::{LabelInterval, lay};
use crate::domain::Label;
use crate::video::{Video, VideoError};
use std::path::{Path, PathBuf};

/// Times closer to the middle between two frames than this are in the middle.
const TIE_S: f64 = 1e-6;

/// A part of a video in seconds from its first frame.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Timed {
    pub(super) start: f64,
    pub(super) end: f64,
    /// `None` where the row has no class.
    pub(super) label: Option<Label>,
    /// The file the row stands in, and its line.
    pub(super) file: PathBuf,
    pub(super) line: u32,
}

/// When each frame is shown, in seconds from the first one.
#[derive(Debug)]
struct FrameTimes {
    starts: Vec<f64>,
    /// Usual distance of frames.
    usual: f64,
}

/// Where an interval lies.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Placed {
    /// Frames, the end outside; whether it was cut to the video.
    Frames {
        start: u32,
        end: u32,
        cut: bool,
    },
    PastEnd,
    BeforeStart,
}

impl FrameTimes {
    fn of(path: &Path) -> Result<Self, VideoError> {
        let video = Video::open(path)?;
        let first = video.pts_s(0).unwrap_or(0.0);
        let starts: Vec<f64> = (0..video.info().frames).map_while(|i| video.pts_s(i)).map(|t| t - first).collect();
        let mut steps: Vec<f64> = starts.windows(2).map(|w| w[1] - w[0]).collect();
        steps.sort_by(f64::total_cmp);
        let usual = steps.get(steps.len() / 2).copied().unwrap_or(video.info().duration_s);
        Ok(Self { starts, usual })
    }

    /// The end of the last frame.
    fn end(&self) -> f64 {
        self.starts.last().map_or(0.0, |t| t + self.usual)
    }

    /// The frame whose start is nearest, or the number of frames for the end of the last; a tie goes to the earlier.
    fn nearest(&self, time: f64) -> u32 {
        let start = |i: usize| self.starts.get(i).copied().unwrap_or_else(|| self.end());
        let after = self.starts.partition_point(|s| *s < time);
        let nearest = match after.checked_sub(1) {
            Some(before) if time - start(before) <= start(after) - time + TIE_S => before,
            _ => after,
        };
        // The first of frames that share a time.
        let moved = start(nearest);
        self.starts.partition_point(|s| *s < moved) as u32
    }

    /// True where rows lie past the end as seconds, and all of them inside as milliseconds.
    fn may_be_milliseconds(&self, rows: &[Timed]) -> bool {
        let last = rows.iter().map(|r| r.end).fold(0.0, f64::max);
        let whole = rows.iter().all(|r| r.start.fract() == 0.0 && r.start >= 0.0);
        rows.len() > 1 && whole && last > self.end() + self.usual && last / 1000.0 <= self.end() + self.usual
    }

    /// Moves an interval to frames.
    fn place(&self, start: f64, end: f64) -> Placed {
        let half = self.usual / 2.0;
        let first = self.nearest(start);
        if start < -half - TIE_S {
            return Placed::BeforeStart;
        }
        if first as usize >= self.starts.len() {
            return Placed::PastEnd;
        }
        let cut = end > self.end() + half + TIE_S;
        Placed::Frames { start: first, end: self.nearest(end).max(first + 1), cut }
    }
}

/// What is said of rows before a video, behind it, and across its end: of one, and of several.
const ODD: [(&str, &str); 3] = [
    ("starts at a negative time and is left out", "start at negative times and are left out"),
    ("lies past the end of the video and is left out", "lie past the end of the video and are left out"),
    ("reaches past the end of the video and is cut to it", "reach past the end of the video and are cut to it"),
];
const MILLISECONDS: &str = "; the times would fit as milliseconds: if that is what they are, call the columns time_ms, or start_ms and stop_ms";
/// Rows named one by one before the rest is only counted.
const NAMED: usize = 3;

/// A sentence about rows of one file.
fn about(rows: &[&Timed], one: &str, many: &str) -> String {
    let place = |row: &Timed| match row.start == row.end {
        true => format!("line {}: {} s", row.line, row.start),
        false => format!("line {}: {} s to {} s", row.line, row.start, row.end),
    };
    if let [row] = rows {
        return format!("{} {one}", place(row));
    }
    let lines: Vec<String> = rows.iter().take(NAMED).map(|row| place(row)).collect();
    let more = if rows.len() > NAMED { ", …" } else { "" };
    format!("{} rows {many} ({}{more})", rows.len(), lines.join(", "))
}

/// Gives a video the labels that its timed rows tell; what was left out or cut is told by file.
pub(super) fn resolve(video: &mut DraftVideo) -> Vec<(PathBuf, String)> {
    let timed = std::mem::take(&mut video.timed);
    let (Some(first), Some(facts)) = (timed.first(), &video.entry.facts) else { return Vec::new() };
    let name = &video.entry.name;
    if video.entry.path.is_dir() || facts.frames <= 1 {
        let why = format!(
            "line {}: {name} is a folder of pictures or a single picture, which have no times of their own; label it by frame \
             numbers",
            first.line
        );
        return vec![(first.file.clone(), why)];
    }
    let times = match FrameTimes::of(&video.entry.path) {
        Ok(times) => times,
        Err(e) => {
            return vec![(first.file.clone(), format!("{name} has no readable times ({e}); it stays unlabelled"))];
        }
    };
    let mut odd = [Vec::new(), Vec::new(), Vec::new()];
    let mut parts = Vec::new();
    for row in &timed {
        match times.place(row.start, row.end) {
            Placed::BeforeStart => odd[0].push(row),
            Placed::PastEnd => odd[1].push(row),
            Placed::Frames { start, end, cut } => {
                if cut {
                    odd[2].push(row);
                }
                parts.extend(row.label.map(|label| LabelInterval { start, end, label, line: row.line }));
            }
        }
    }
    let mut notes = Vec::new();
    for (rows, (one, many)) in odd.iter().zip(ODD) {
        for of_file in rows.chunk_by(|a, b| a.file == b.file) {
            let Some(first) = of_file.first() else { continue };
            let sentence = about(of_file, one, many);
            let hint = if times.may_be_milliseconds(&timed) { MILLISECONDS } else { "" };
            notes.push((first.file.clone(), format!("{sentence}, {name} lasts {:.3} s{hint}", times.end())));
        }
    }
    let (track, overlap) = lay(parts);
    notes.extend(overlap.map(|o| (first.file.clone(), format!("{o} ({name})"))));
    video.entry.labels = track;
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_move_to_the_nearest_frame() {
        let times = FrameTimes { starts: (0..10).map(|i| f64::from(i) * 0.04).collect(), usual: 0.04 };
        let frames = |start, end| match times.place(start, end) {
            Placed::Frames { start, end, cut } => (start, end, cut),
            other => panic!("{other:?}"),
        };
        assert_eq!(frames(0.0, 0.4), (0, 10, false));
        assert_eq!(frames(0.059, 0.101), (1, 3, false));
        assert_eq!(frames(0.061, 0.141), (2, 4, false));
        // In the middle: to the earlier, whatever floating point makes of it.
        assert_eq!(frames(0.1, 0.3), (2, 7, false));
        assert_eq!(frames(0.1, 0.1), (2, 3, false));
        assert_eq!(frames(-0.019, 0.05), (0, 1, false));
        assert_eq!(frames(0.2, 0.5), (5, 10, true));
        assert_eq!(frames(0.2, 0.415), (5, 10, false));
        assert_eq!(times.place(0.4, 0.5), Placed::PastEnd);
        assert_eq!(times.place(0.385, 0.5), Placed::PastEnd);
        assert_eq!(times.place(-0.05, 0.1), Placed::BeforeStart);
        let row = |start: f64, end: f64| Timed { start, end, label: None, file: PathBuf::new(), line: 2 };
        assert!(times.may_be_milliseconds(&[row(0.0, 40.0), row(40.0, 360.0)]));
        assert!(!times.may_be_milliseconds(&[row(0.0, 40.0), row(40.0, 600.0)]), "too long for that too");
        assert!(!times.may_be_milliseconds(&[row(0.0, 0.2), row(0.5, 0.9)]), "fractions");
        // A variable rate: frames 0, 0.1, 0.5.
        let uneven = FrameTimes { starts: vec![0.0, 0.1, 0.5], usual: 0.1 };
        assert_eq!(uneven.place(0.29, 0.6), Placed::Frames { start: 1, end: 3, cut: false });
        assert_eq!(uneven.place(0.31, 0.56), Placed::Frames { start: 2, end: 3, cut: false });
    }
}
