//! Annotations become instances in frames, by the presentation times of the video itself.

use super::formats::{Annotation, Clock, DraftVideo, Span};
use super::label_csv::intervals::Extent;
use super::rate_hint;
use super::rules::Rules;
use super::tracks::track_of;
use crate::domain::{Instance, InstanceDetails, Label, LabelTrack, LedgerEntry, Reason, Segment, Task};
use crate::video::{Video, VideoError};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Times closer to the middle between two frames than this are in the middle.
const TIE_S: f64 = 1e-6;

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
        /// Both ends moved to one frame, which is kept.
        short: bool,
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

    /// Of frames at equal distances.
    fn regular(frames: u32, rate: f64) -> Self {
        Self { starts: (0..frames).map(|i| f64::from(i) / rate).collect(), usual: 1.0 / rate }
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
    fn may_be_milliseconds(&self, rows: &[(f64, f64)]) -> bool {
        let last = rows.iter().map(|r| r.1).fold(0.0, f64::max);
        let whole = rows.iter().all(|r| r.0.fract() == 0.0 && r.0 >= 0.0);
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
        let last = self.nearest(end);
        Placed::Frames { start: first, end: last.max(first + 1), cut, short: last <= first && end > start }
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

/// A row that could not be used as it stands, and its seconds.
struct Odd {
    file: Arc<Path>,
    line: u32,
    seconds: Option<(f64, f64)>,
}

/// Seconds without what computing added to them.
fn tidy(seconds: f64) -> f64 {
    if seconds.abs() < 1e9 { (seconds * 1e6).round() / 1e6 } else { seconds }
}

/// A sentence about rows of one file.
fn about(rows: &[&Odd], one: &str, many: &str) -> String {
    let place = |row: &Odd| match row.seconds {
        None => format!("line {}", row.line),
        Some((start, end)) if start == end => format!("line {}: {} s", row.line, tidy(start)),
        Some((start, end)) => format!("line {}: {} s to {} s", row.line, tidy(start), tidy(end)),
    };
    if let [row] = rows {
        return format!("{} {one}", place(row));
    }
    let lines: Vec<String> = rows.iter().take(NAMED).map(|row| place(row)).collect();
    let more = if rows.len() > NAMED { ", …" } else { "" };
    format!("{} rows {many} ({}{more})", rows.len(), lines.join(", "))
}

/// What became of the annotations of a video.
#[derive(Clone, Debug, Default)]
pub(super) struct Resolved {
    /// Files and sentences.
    pub(super) notes: Vec<(PathBuf, String)>,
    pub(super) ignored: Vec<LedgerEntry>,
    pub(super) adjusted: Vec<LedgerEntry>,
    pub(super) unlabelled: Vec<LedgerEntry>,
}

/// Gives a video the instances and labels that its rows tell; what was left out or cut is told by file.
pub(super) fn resolve(video: &mut DraftVideo, rules: Rules<'_>) -> Resolved {
    let mut work = Work { out: Resolved::default(), odd: Default::default(), parts: Vec::new(), unread: None };
    if rules.from_one && video.label_file.is_some() {
        video.entry.labels = earlier(&video.entry.labels);
    }
    work.frame_rows(video, rules);
    let annotations = std::mem::take(&mut video.annotations);
    let untimed = |span: &Span| match span {
        Span::Whole | Span::First(_) | Span::At(Extent::Frames { .. }) => true,
        Span::Steps { .. } => is_label_a_picture(video) || matches!(video.clock, Clock::Frames { rate: None }),
        _ => false,
    };
    let timed = annotations.iter().any(|a| !untimed(&a.span));
    let times = match timed.then(|| times(video)) {
        None => None,
        Some(Ok(times)) => Some(times),
        Some(Err(why)) => {
            if let Some(first) = annotations.first() {
                let file = first.file.to_path_buf();
                work.out.notes.push((file, format!("line {}: {why}", first.line)));
            }
            None
        }
    };
    work.label_file(video);
    let seconds = Seconds::of(video, times.as_ref(), &mut work.out);
    let spans: Vec<(f64, f64)> = annotations.iter().filter_map(|a| seconds.of_span(a.span)).collect();
    let hint = rate_hint::of(video, &annotations, seconds.rate);
    for annotation in annotations {
        work.annotation(video, annotation, times.as_ref(), &seconds, rules);
    }
    work.tell(video, times.as_ref(), &spans, &hint);
    work.finish(video, rules)
}

/// True where labels at equal distances label the pictures of a folder, which has no times: one a picture.
fn is_label_a_picture(video: &DraftVideo) -> bool {
    matches!(&video.clock, Clock::Labels { .. }) && video.rate.is_none() && video.entry.path.is_dir()
}

fn earlier(track: &LabelTrack) -> LabelTrack {
    let moved = |s: &Segment| Segment { start: s.start.saturating_sub(1), end: s.end.saturating_sub(1), ..*s };
    LabelTrack::from_segments(track.segments().iter().map(moved).collect())
}

/// The times of a video's frames, or why it has none.
fn times(video: &DraftVideo) -> Result<FrameTimes, String> {
    let (name, Some(facts)) = (&video.entry.name, &video.entry.facts) else {
        return Err(format!("{} cannot be read, so nothing tells its times", video.entry.name));
    };
    if video.entry.path.is_dir() || facts.frames <= 1 {
        return match video.rate {
            Some(rate) => Ok(FrameTimes::regular(facts.frames, rate)),
            None => Err(format!(
                "{name} is a folder of pictures or a single picture, which have no times of their own; label it by frame \
                 numbers"
            )),
        };
    }
    FrameTimes::of(&video.entry.path).map_err(|e| format!("{name} has no readable times ({e}); it stays unlabelled"))
}

/// How the seconds of annotations become seconds of the file.
struct Seconds {
    /// Taken off every time.
    offset: f64,
    /// Labels a second.
    rate: Option<f64>,
}

/// The second at which the files of AVA begin.
const CUT_S: f64 = 900.0;
/// Rates that labels are usually given at.
const LABEL_RATES: &[f64] = &[30.0, 25.0, 15.0, 10.0, 1.0];
/// Lengths that differ by more than this share are not those of one rate.
const NEAR: f64 = 0.1;

impl Seconds {
    fn of(video: &DraftVideo, times: Option<&FrameTimes>, out: &mut Resolved) -> Self {
        if let Clock::Frames { rate } = video.clock {
            let own = video.entry.facts.as_ref().map(|f| f.fps).filter(|fps| *fps > 0.0);
            return Self { offset: 0.0, rate: rate.or(own) };
        }
        let Some(times) = times else { return Self { offset: 0.0, rate: None } };
        match &video.clock {
            Clock::Video | Clock::Frames { .. } => Self { offset: 0.0, rate: None },
            Clock::Cut { cut, earliest } => {
                let inside = |t: f64| t > -times.usual && t < times.end();
                let is_cut = cut.unwrap_or(!inside(*earliest) && inside(*earliest - CUT_S));
                Self { offset: if is_cut { CUT_S } else { 0.0 }, rate: None }
            }
            Clock::Labels { count, rate, file, .. } => {
                let (labels, length) = (f64::from(*count), times.end());
                let own = video.entry.facts.as_ref().map_or(0.0, |f| f.fps);
                let off = |rate: f64| (labels / rate - length).abs();
                let known = rate.or_else(|| {
                    let usual = std::iter::once(own).chain(LABEL_RATES.iter().copied()).filter(|r| *r > 0.0);
                    let best = usual.fold(None, |best: Option<f64>, r| match best {
                        Some(b) if off(b) <= off(r) => Some(b),
                        _ => Some(r),
                    })?;
                    (off(best) <= NEAR * length).then_some(best)
                });
                let rate = known.unwrap_or(labels / length);
                if off(rate) > 1.0 / rate + TIE_S || known.is_none() {
                    out.notes.push((
                        file.clone(),
                        format!(
                            "holds {count} labels, {:.3} s at {rate:.3} a second, but {} lasts {length:.3} s; {}",
                            labels / rate,
                            video.entry.name,
                            if known.is_none() {
                                "they are stretched over the video, choose label_fps if their rate is known"
                            } else {
                                "labels past the end are left out and frames without one stay unlabelled"
                            }
                        ),
                    ));
                }
                Self { offset: 0.0, rate: Some(rate) }
            }
        }
    }

    /// Start and end in seconds of the file.
    fn of_span(&self, span: Span) -> Option<(f64, f64)> {
        let off = self.offset;
        match span {
            Span::Whole | Span::First(_) | Span::At(Extent::Frames { .. } | Extent::Span { .. }) => None,
            Span::At(Extent::Seconds { start, end }) => Some((start - off, end - off)),
            Span::Moment(at) => Some((at - off, at - off)),
            Span::Around(at) => Some((at - off - 0.5, at - off + 0.5)),
            Span::Steps { start, end } => {
                let rate = self.rate?;
                Some((f64::from(start) / rate, f64::from(end) / rate))
            }
        }
    }

    /// True where labels have the video's own rate, so that they are its frames.
    fn one_to_one(&self, video: &DraftVideo) -> bool {
        matches!(video.clock, Clock::Frames { rate: None })
            || (self.rate.is_some() && self.rate == video.entry.facts.as_ref().map(|f| f.fps))
    }
}

struct Work {
    out: Resolved,
    /// See [`ODD`].
    odd: [Vec<Odd>; 3],
    parts: Vec<Instance>,
    /// The label of a whole video that cannot be read.
    unread: Option<Label>,
}

impl Work {
    /// Rows that label one frame each: those past the end and those without a label are entered row by row.
    fn frame_rows(&mut self, video: &DraftVideo, rules: Rules<'_>) {
        let Some(file) = &video.label_file else { return self.out.ignored.extend(rules.of_folder(video)) };
        let file: Arc<Path> = file.as_path().into();
        let entry = |line: u32, rows: u32, reason: Reason, text: String| LedgerEntry {
            file: file.clone(),
            line,
            rows: u64::from(rows),
            reason,
            video: Some(video.entry.name.clone()),
            text,
        };
        let Some(facts) = &video.entry.facts else {
            let rows = video.frame_rows.iter();
            self.out.ignored.extend(rows.map(|(_, line, n)| entry(*line, *n, Reason::Unreadable, String::new())));
            return;
        };
        let frame = |first: u32, i: u32| format!("frame {}", first + i);
        for (first, line, count) in &video.frame_rows {
            let from = first.saturating_sub(u32::from(rules.from_one));
            let past = facts.frames.saturating_sub(from)..*count;
            self.out.ignored.extend(past.map(|i| entry(line + i, 1, Reason::PastEnd, frame(*first, i))));
            for (start, end) in rules.left_out(video, from, from.saturating_add(*count).min(facts.frames)) {
                let text = format!("{} to {}", frame(*first, start - from), first + (end - 1 - from));
                self.out.ignored.push(entry(line + (start - from), end - start, Reason::LeftOut, text));
            }
        }
        for (first, line, count) in &video.unlabelled_rows {
            let inside = 0..facts.frames.saturating_sub(*first).min(*count);
            self.out.unlabelled.extend(inside.map(|i| entry(line + i, 1, Reason::NoLabel, frame(*first, i))));
        }
    }

    /// A file of labels at equal distances: the row that names its video, and its length where labels are pictures.
    fn label_file(&mut self, video: &DraftVideo) {
        let Clock::Labels { count, file, row, .. } = &video.clock else { return };
        let Some(facts) = &video.entry.facts else {
            self.out.ignored.extend(row.iter().map(|(file, line)| LedgerEntry {
                file: file.as_path().into(),
                line: *line,
                rows: 1,
                reason: Reason::Unreadable,
                video: Some(video.entry.name.clone()),
                text: String::new(),
            }));
            return;
        };
        if is_label_a_picture(video) && facts.frames.abs_diff(*count) > 1 {
            let note = format!("holds {count} labels, but {} holds {} pictures", video.entry.name, facts.frames);
            self.out.notes.push((file.clone(), note));
        }
    }

    fn annotation(
        &mut self,
        video: &DraftVideo,
        annotation: Annotation,
        times: Option<&FrameTimes>,
        seconds: &Seconds,
        rules: Rules<'_>,
    ) {
        let at = seconds.of_span(annotation.span);
        let entries = |reason: Reason| -> Vec<LedgerEntry> {
            let entry = |(line, rows)| LedgerEntry {
                file: annotation.file.clone(),
                line,
                rows,
                reason,
                video: Some(video.entry.name.clone()),
                text: String::new(),
            };
            annotation.lines().map(entry).collect()
        };
        let odd = || Odd { file: annotation.file.clone(), line: annotation.line, seconds: at };
        let counted = annotation.rows > 0;
        let mut adjusted = annotation.adjusted.clone();
        let placed = match (place(video, annotation.span, at, times, seconds, rules), video.entry.facts.is_some()) {
            (Some(placed), true) => placed,
            _ => {
                if counted {
                    self.out.ignored.extend(entries(Reason::Unreadable));
                }
                // What it shows is known all the same.
                if self.unread.is_none() && matches!(annotation.span, Span::Whole | Span::First(_)) {
                    self.unread = annotation.label.single();
                }
                return;
            }
        };
        let (start, end) = match placed {
            Placed::BeforeStart => {
                self.odd[0].push(odd());
                if counted {
                    self.out.ignored.extend(entries(Reason::NegativeTime));
                }
                return;
            }
            Placed::PastEnd => {
                self.odd[1].push(odd());
                if counted {
                    self.out.ignored.extend(entries(Reason::PastEnd));
                }
                return;
            }
            Placed::Frames { start, end, cut, short } => {
                if cut {
                    self.odd[2].push(odd());
                    adjusted.push(Reason::EndPastEnd);
                }
                if short {
                    adjusted.push(Reason::ShorterThanAFrame);
                }
                (start, end)
            }
        };
        if let Span::First(listed) = annotation.span
            && listed > video.entry.frames()
        {
            adjusted.push(Reason::ShortFolder);
            let file = super::scan::file_name(&annotation.file);
            let there = video.entry.frames();
            let note = format!("{file} line {} counts {listed} frames, but {there} are there", annotation.line);
            self.out.notes.push((video.entry.path.clone(), note));
        }
        let dropped = rules.drops(&annotation.label);
        if counted && dropped {
            self.out.ignored.extend(entries(Reason::LeftOut));
        } else if counted {
            if rules.fates.is_some_and(|f| f.leaves_out(&annotation.label)) {
                adjusted.push(Reason::LeftOut);
            }
            // What was changed is changed once, however many rows say it.
            let once = |entry: LedgerEntry| LedgerEntry { rows: entry.rows.min(1), ..entry };
            self.out.adjusted.extend(adjusted.into_iter().flat_map(entries).map(once));
            if !annotation.label.is_labelled() {
                self.out.unlabelled.extend(entries(Reason::NoLabel));
            }
        }
        let details = annotation.details.map(|details| located(details, annotation.span, at, times, (start, end)));
        self.parts.push(Instance {
            start,
            end,
            seconds: at,
            label: annotation.label,
            file: Some(annotation.file),
            line: annotation.line,
            details,
        });
    }

    /// Sentences about rows outside the video.
    fn tell(&mut self, video: &DraftVideo, times: Option<&FrameTimes>, spans: &[(f64, f64)], rate_hint: &str) {
        let name = &video.entry.name;
        for (rows, (one, many)) in self.odd.iter().zip(ODD) {
            for of_file in rows.chunk_by(|a, b| a.file == b.file) {
                let Some(first) = of_file.first() else { continue };
                let rows: Vec<&Odd> = of_file.iter().collect();
                let sentence = about(&rows, one, many);
                let lasts = match times {
                    Some(times) => {
                        let hint = if times.may_be_milliseconds(spans) { MILLISECONDS } else { "" };
                        format!("lasts {:.3} s{hint}", times.end())
                    }
                    None => format!("has {} frames", video.entry.frames()),
                };
                self.out.notes.push((first.file.to_path_buf(), format!("{sentence}, {name} {lasts}{rate_hint}")));
            }
        }
    }

    /// Lays instances over the frames.
    fn finish(mut self, video: &mut DraftVideo, rules: Rules<'_>) -> Resolved {
        let frames = video.entry.frames();
        if rules.task == Task::MultiLabel {
            video.entry.labels = LabelTrack::default();
        } else if let Some(label) = self.unread {
            video.entry.labels = LabelTrack::whole(label);
        } else if video.entry.labels.is_empty() {
            let (track, overlap) = track_of(&self.parts, frames);
            if let (Some(note), Some(first), true) = (overlap, self.parts.first(), rules.frame_wise) {
                let file = first.file.as_deref().map(Path::to_path_buf).unwrap_or_default();
                self.out.notes.push((file, format!("{note} ({})", video.entry.name)));
            }
            video.entry.labels = track;
        } else if self.parts.is_empty() {
            let file: Option<Arc<Path>> = video.label_file.as_deref().map(Into::into);
            self.parts = video
                .entry
                .labels
                .clipped(frames)
                .map(|s| Instance {
                    start: s.start,
                    end: s.end,
                    label: Some(s.label).into(),
                    file: file.clone(),
                    ..Instance::default()
                })
                .collect();
        }
        self.parts.sort_by_key(|i| (i.start, i.end, i.line));
        video.entry.instances = self.parts;
        self.out
    }
}

/// Details with their frames filled in: a box that holds for a moment belongs to the key frame, and none reaches past the
/// instance.
fn located(
    mut details: Box<InstanceDetails>,
    span: Span,
    at: Option<(f64, f64)>,
    times: Option<&FrameTimes>,
    (start, end): (u32, u32),
) -> Box<InstanceDetails> {
    if let (Span::Around(_), Some((from, to)), Some(times)) = (span, at, times) {
        let key = times.nearest((from + to) / 2.0).clamp(start, end.saturating_sub(1));
        details.key_frame = Some(key);
        for one in &mut details.boxes {
            (one.frame, one.end) = (start, end);
        }
    }
    details.boxes.retain(|b| b.frame < end);
    details.boxes.iter_mut().for_each(|b| b.end = b.end.min(end));
    details
}

/// Where an annotation lies; `None` where nothing tells.
fn place(
    video: &DraftVideo,
    span: Span,
    at: Option<(f64, f64)>,
    times: Option<&FrameTimes>,
    seconds: &Seconds,
    rules: Rules<'_>,
) -> Option<Placed> {
    let frames = video.entry.frames();
    let in_frames = |start: u32, end: u32| match start < frames {
        false => Placed::PastEnd,
        true => Placed::Frames { start, end: end.min(frames), cut: end > frames, short: false },
    };
    match span {
        Span::Whole => Some(Placed::Frames { start: 0, end: frames, cut: false, short: false }),
        Span::First(count) => Some(Placed::Frames { start: 0, end: count.min(frames), cut: false, short: false }),
        Span::At(Extent::Frames { start, end }) => {
            let off = u32::from(rules.from_one && video.label_file.is_some());
            Some(in_frames(start.saturating_sub(off), end.saturating_sub(off)))
        }
        Span::At(Extent::Span { .. }) => None,
        Span::Steps { start, end } if seconds.one_to_one(video) || is_label_a_picture(video) => {
            Some(in_frames(start, end))
        }
        Span::Moment(_) => {
            let (times, (at, _)) = (times?, at?);
            Some(match times.place(at, at) {
                Placed::Frames { start, .. } => Placed::Frames { start, end: start + 1, cut: false, short: false },
                other => other,
            })
        }
        _ => {
            let (start, end) = at?;
            Some(times?.place(start, end))
        }
    }
}

#[cfg(test)]
mod tests;
