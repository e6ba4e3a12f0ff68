//! Events of BORIS as its tables write them, and which START belongs to which STOP.

use super::tools::last_part;
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::numbers::seconds;
use crate::data::label_csv::records::{Record, parse_from};
use crate::data::label_csv::text::lines;
use crate::domain::Reason;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Lines before the header of old versions.
const PREAMBLE: usize = 200;
const NOBODY: &str = "no focal subject";

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Start,
    Stop,
    Point,
    /// Both in one row, with its end.
    State(f64),
}

/// A medium of an observation, and how long it is.
type Medium = (String, Option<f64>);

/// An event; its times are those of the whole observation.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) line: u32,
    pub(super) observation: String,
    pub(super) subject: Option<String>,
    pub(super) behavior: String,
    pub(super) modifiers: Vec<String>,
    pub(super) kind: Kind,
    pub(super) time: f64,
    pub(super) medium: String,
    /// Where its medium starts, and its place among those of the observation.
    before: f64,
    at: usize,
    media: Rc<[Medium]>,
}

/// The events of a table.
#[derive(Debug)]
pub(super) struct Observed {
    pub(super) file: PathBuf,
    pub(super) events: Vec<Event>,
    /// Rows that are none, with their lines.
    pub(super) faults: Vec<(u32, Reason, String)>,
}

/// Cells of a line, whatever separates them, in lower case.
fn words(line: &str) -> Vec<String> {
    let separator = [',', ';', '\t'].into_iter().max_by_key(|c| line.matches(*c).count()).unwrap_or(',');
    line.split(separator).map(|c| c.trim().trim_matches('"').trim().to_lowercase()).collect()
}

fn is_behavior(word: &str) -> bool {
    ["behavior", "behaviour"].contains(&word)
}

fn is_type(word: &str) -> bool {
    ["behavior type", "behaviour type", "status"].contains(&word)
}

/// The line of the header and where it starts: in old versions there are lines before it.
pub(super) fn header(text: &str) -> Option<(u32, usize)> {
    lines(text).take(PREAMBLE).find_map(|(number, line)| {
        // Other lines may be of any length.
        if line.len() > 64 * 1024 {
            return None;
        }
        let words = words(line);
        let has = |wanted: &dyn Fn(&str) -> bool| words.iter().any(|w| wanted(w));
        let times = has(&|w| w == "time") || (has(&|w| w == "start (s)") && has(&|w| w == "stop (s)"));
        let start = (line.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
        (has(&is_behavior) && has(&is_type) && times).then_some((number, start))
    })
}

struct Columns {
    observation: Option<usize>,
    source: Option<usize>,
    offset: Option<usize>,
    durations: Option<usize>,
    subject: Option<usize>,
    behavior: usize,
    modifiers: Vec<usize>,
    kind: usize,
    time: usize,
    /// The end of an interval, where start and stop stand in one row.
    end: Option<usize>,
    medium: usize,
}

fn columns(header: &Record) -> Result<Columns, String> {
    let names: Vec<String> = header.cells.iter().map(|c| c.to_lowercase()).collect();
    let find = |wanted: &[&str]| wanted.iter().find_map(|w| names.iter().position(|n| n == w));
    let required = |wanted: &[&str], title: &str| {
        let line = header.line;
        find(wanted)
            .ok_or_else(|| format!("line {line}: there is no column '{title}'; export all columns of the events"))
    };
    let end = find(&["stop (s)"]);
    let modifier = |n: &str| n.starts_with("modifier");
    Ok(Columns {
        observation: find(&["observation id"]),
        source: find(&["source"]),
        offset: find(&["time offset (s)", "time offset"]),
        durations: find(&["media duration (s)", "media duration"]),
        subject: find(&["subject"]),
        behavior: required(&["behavior", "behaviour"], "Behavior")?,
        modifiers: names.iter().enumerate().filter(|(_, n)| modifier(n)).map(|(i, _)| i).collect(),
        kind: required(&["behavior type", "behaviour type", "status"], "Behavior type")?,
        time: match end {
            Some(_) => required(&["start (s)"], "Start (s)")?,
            None => required(&["time"], "Time")?,
        },
        end,
        medium: required(&["media file name", "media file path", "media file"], "Media file name")?,
    })
}

/// Media of one player: `player #1:a.mp4;b.mp4|player #2:c.mp4`, with their durations likewise.
fn players(source: &str, durations: &str, comma: bool) -> Vec<Rc<[Medium]>> {
    let lengths = durations.split('|').chain(std::iter::repeat(""));
    let player = |(media, lengths): (&str, &str)| {
        let media = media.trim();
        let named = media.to_lowercase().starts_with("player");
        let media = media.split_once(':').filter(|_| named).map_or(media, |(_, rest)| rest);
        let lengths = lengths.split(';').map(|d| seconds(d, comma)).chain(std::iter::repeat(None));
        media.split(';').map(|m| m.trim().to_owned()).zip(lengths).collect()
    };
    source.split('|').zip(lengths).map(player).collect()
}

struct Reader<'a> {
    columns: &'a Columns,
    comma: bool,
    /// Taken off every time where rows do not say it.
    offset: f64,
    /// Media of the observations, by what the rows say of them.
    known: HashMap<(String, String), Vec<Rc<[Medium]>>>,
    /// The medium that each observation starts with, where rows do not list its media.
    first: HashMap<String, String>,
}

type Fault = (Reason, String);

impl Reader<'_> {
    fn number(&self, cell: &str, what: &str) -> Result<f64, Fault> {
        seconds(cell, self.comma).ok_or_else(|| (Reason::BadNumber, format!("'{cell}' is no {what}")))
    }

    fn event(&mut self, row: &Record) -> Result<Event, Fault> {
        let cell = |at: Option<usize>| at.map(|at| row.cell(at)).unwrap_or_default();
        let observation = cell(self.columns.observation).to_owned();
        let behavior = row.cell(self.columns.behavior).to_owned();
        if behavior.is_empty() {
            return Err((Reason::NoClass, "it names no behavior".into()));
        }
        let offset = match cell(self.columns.offset) {
            "" => self.offset,
            written => self.number(written, "time offset")?,
        };
        let time = self.number(row.cell(self.columns.time), "time")? - offset;
        let kind = match (row.cell(self.columns.kind).to_uppercase().as_str(), self.columns.end) {
            ("POINT", _) => Kind::Point,
            ("START", None) => Kind::Start,
            ("STOP", None) => Kind::Stop,
            ("STATE", Some(end)) => Kind::State(self.number(row.cell(end), "time")? - offset),
            (other, _) => return Err((Reason::BadTag, format!("'{other}' is no type of event"))),
        };
        let medium = row.cell(self.columns.medium).to_owned();
        if ["", "na", "not found"].contains(&medium.to_lowercase().as_str()) {
            return Err((Reason::NoVideo, "it names no media file".into()));
        }
        let (media, at) = self.media(row, &observation, &medium)?;
        let lengths: Option<f64> = media.iter().take(at).map(|(_, d)| *d).sum();
        let Some(before) = lengths else {
            let why = format!("nothing says how long the media before '{}' are", last_part(&medium));
            return Err((Reason::NoTime, why));
        };
        let subject = Some(cell(self.columns.subject)).filter(|s| !s.is_empty() && s.to_lowercase() != NOBODY);
        let modifiers = self.columns.modifiers.iter().map(|c| row.cell(*c)).filter(|m| !m.is_empty());
        Ok(Event {
            line: row.line,
            observation,
            subject: subject.map(str::to_owned),
            behavior,
            modifiers: modifiers.map(str::to_owned).collect(),
            kind,
            time,
            medium,
            before,
            at,
            media,
        })
    }

    /// The media that an event's own is played among, and its place there.
    fn media(&mut self, row: &Record, observation: &str, medium: &str) -> Result<(Rc<[Medium]>, usize), Fault> {
        let cell = |at: Option<usize>| at.map(|at| row.cell(at).to_owned()).unwrap_or_default();
        let alone = || Ok((Rc::from([(medium.to_owned(), None)]), 0));
        if self.columns.source.is_none_or(|at| row.cell(at).is_empty()) {
            let first = self.first.entry(observation.to_owned()).or_insert_with(|| medium.to_owned());
            if first == medium {
                return alone();
            }
            let why = format!("nothing says how long '{}' is, which comes before its medium", last_part(first));
            return Err((Reason::NoTime, why));
        }
        let said = (cell(self.columns.source), cell(self.columns.durations));
        let comma = self.comma;
        let players = self.known.entry(said).or_insert_with_key(|(source, lengths)| players(source, lengths, comma));
        let place = |same: &dyn Fn(&str) -> bool| {
            players.iter().find_map(|media| Some((media.clone(), media.iter().position(|(m, _)| same(m))?)))
        };
        if let Some(found) = place(&|m| m == medium).or_else(|| place(&|m| last_part(m) == last_part(medium))) {
            return Ok(found);
        }
        match players.iter().all(|media| media.len() < 2) {
            true => alone(),
            false => Err((Reason::NoTime, format!("'{}' is none of the media of 'Source'", last_part(medium)))),
        }
    }
}

/// Reads a table.
///
/// # Errors
/// Columns that are missing, and a quote that nothing closes, with the line.
pub(super) fn parse(file: &Path, text: &str) -> Result<Observed, String> {
    let (line, start) = header(text).ok_or_else(|| "line 1: it has no header of BORIS".to_owned())?;
    let (separator, records) = parse_from(text.get(start..).unwrap_or_default(), line)?;
    let comma = separator != ',';
    let Some(header) = records.first() else { return Err(format!("line {line}: it is empty")) };
    let columns = columns(header)?;
    let preamble = lines(text).take_while(|(n, _)| *n < line);
    let offset =
        preamble.map(|(_, row)| words(row)).find(|words| words.first().is_some_and(|w| w.starts_with("time offset")));
    let offset = offset.and_then(|words| seconds(words.get(1)?, true)).unwrap_or(0.0);
    let mut reader = Reader { columns: &columns, comma, offset, known: HashMap::new(), first: HashMap::new() };
    let mut out = Observed { file: file.to_path_buf(), events: Vec::new(), faults: Vec::new() };
    for row in records.iter().skip(1) {
        match reader.event(row) {
            Ok(event) => out.events.push(event),
            Err((reason, why)) => out.faults.push((row.line, reason, why)),
        }
    }
    Ok(out)
}

/// An event with its end, one without a partner, or one of a moment.
pub(super) struct Part<'e> {
    pub(super) event: &'e Event,
    stop: Option<&'e Event>,
    /// Why it has no partner.
    pub(super) unpaired: Option<Reason>,
}

/// The part of an event in one medium, in seconds of that medium.
#[derive(Debug, PartialEq)]
pub(super) struct Piece<'e> {
    pub(super) medium: &'e str,
    pub(super) start: f64,
    /// `None` for a moment.
    pub(super) end: Option<f64>,
    /// How many rows it stands for, and the line of the first.
    pub(super) rows: u32,
    pub(super) line: u32,
}

impl<'e> Part<'e> {
    /// How many rows it stands for.
    pub(super) fn rows(&self) -> u32 {
        if self.stop.is_some() { 2 } else { 1 }
    }

    /// What lies in each medium; several where it goes on from one into the next.
    ///
    /// # Errors
    /// Why it is no interval.
    pub(super) fn pieces(&self) -> Result<Vec<Piece<'e>>, Fault> {
        let event = self.event;
        let piece = |end: Option<f64>, rows| Piece {
            medium: &event.medium,
            start: event.time - event.before,
            end: end.map(|end| end - event.before),
            rows,
            line: event.line,
        };
        let end = match (event.kind, self.stop) {
            (Kind::State(end), _) => end,
            (_, Some(stop)) => stop.time,
            _ => return Ok(vec![piece(None, 1)]),
        };
        Extent::of_seconds(event.time, end)?;
        let whole = || Ok(vec![piece(Some(end), self.rows())]);
        let Some(stop) = self.stop.filter(|s| s.at > event.at && s.media == event.media) else { return whole() };
        let (mut out, mut before) = (Vec::new(), event.before);
        for (i, (medium, length)) in event.media.iter().enumerate().take(stop.at + 1).skip(event.at) {
            // The length of the last one does not matter.
            let length = if i == stop.at { f64::INFINITY } else { length.unwrap_or(0.0) };
            let (start, end) = ((event.time - before).max(0.0), (end - before).min(length));
            if start < end {
                out.push(Piece { medium, start, end: Some(end), rows: 0, line: event.line });
            }
            before += length;
        }
        let last = out.len().saturating_sub(1);
        match (out.len(), out.first_mut()) {
            (0, _) | (_, None) => return whole(),
            (1, Some(only)) => only.rows = 2,
            (_, Some(first)) => {
                first.rows = 1;
                out.get_mut(last).into_iter().for_each(|l| (l.rows, l.line) = (1, stop.line));
            }
        }
        Ok(out)
    }
}

/// Observation, subject, behaviour and modifiers.
type EventKey<'a> = (&'a str, Option<&'a str>, &'a str, &'a [String]);

/// Which STOP belongs to which START: the next of the same observation, subject, behaviour and modifiers. In the order of
/// lines.
pub(super) fn pairs(events: &[Event]) -> Vec<Part<'_>> {
    let mut order: Vec<&Event> = events.iter().collect();
    order.sort_by(|a, b| a.time.total_cmp(&b.time));
    let mut open: HashMap<EventKey<'_>, &Event> = HashMap::new();
    let mut out = Vec::with_capacity(events.len());
    let alone = |event, reason| Part { event, stop: None, unpaired: reason };
    for event in order {
        let key =
            (event.observation.as_str(), event.subject.as_deref(), event.behavior.as_str(), event.modifiers.as_slice());
        match event.kind {
            Kind::Start => out.extend(open.insert(key, event).map(|before| alone(before, Some(Reason::UnpairedStart)))),
            Kind::Stop => out.push(match open.remove(&key) {
                Some(start) => Part { event: start, stop: Some(event), unpaired: None },
                None => alone(event, Some(Reason::UnpairedStop)),
            }),
            Kind::Point | Kind::State(_) => out.push(alone(event, None)),
        }
    }
    out.extend(open.into_values().map(|event| alone(event, Some(Reason::UnpairedStart))));
    out.sort_by_key(|part| part.event.line);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Observation id,Source,Time offset (s),Media duration (s),Subject,Behavior,Modifier #1,\
                          Behavior type,Time,Media file name\n";

    fn parsed(rows: &str) -> Observed {
        parse(Path::new("a.csv"), &format!("{HEADER}{rows}")).unwrap()
    }

    /// Line, what is wrong, and the pieces of every part.
    fn said(observed: &Observed) -> Vec<String> {
        let part = |p: &Part<'_>| match p.unpaired {
            Some(reason) => format!("{} {}", p.event.line, reason.name()),
            None => {
                let piece =
                    |p: &Piece<'_>| format!("{} {:.2}..{:.2} x{}", p.medium, p.start, p.end.unwrap_or(-1.0), p.rows);
                format!("{} {}", p.event.line, p.pieces().unwrap().iter().map(piece).collect::<Vec<_>>().join(" + "))
            }
        };
        pairs(&observed.events).iter().map(part).collect()
    }

    #[test]
    fn starts_and_stops_pair_by_who_does_what_and_how() {
        let row = |who: &str, what: &str, how: &str, kind: &str, time: f64| {
            format!("o,player #1:a.mp4,1.5,9,{who},{what},{how},{kind},{time},/x/a.mp4\n")
        };
        let rows = [
            row("ada", "dig", "", "START", 2.0),
            row("bo", "dig", "", "START", 2.5),
            row("ada", "dig", "left", "START", 2.5),
            row("ada", "dig", "", "STOP", 3.0),
            row("ada", "dig", "right", "STOP", 3.5),
            row("bo", "dig", "", "STOP", 4.0),
            row("bo", "sniff", "", "POINT", 4.0),
        ];
        let observed = parsed(&rows.concat());
        assert_eq!(
            said(&observed),
            [
                "2 /x/a.mp4 0.50..1.50 x2",
                "3 /x/a.mp4 1.00..2.50 x2",
                "4 unpaired-start",
                "6 unpaired-stop",
                "8 /x/a.mp4 2.50..-1.00 x1"
            ]
        );
    }

    #[test]
    fn media_in_a_row_start_where_the_one_before_ends() {
        let row = |kind: &str, time: f64, medium: &str| {
            format!("o,player #1:a.mp4;b.mp4;c.mp4|player #2:d.mp4,0,2;3;4|9,ada,dig,,{kind},{time},{medium}\n")
        };
        let rows = [
            row("POINT", 2.5, "b.mp4"),
            row("START", 1.5, "a.mp4"),
            row("STOP", 6.0, "c.mp4"),
            row("POINT", 6.0, "d.mp4"),
            row("POINT", 6.0, "e.mp4"),
        ];
        let observed = parsed(&rows.concat());
        assert_eq!(
            said(&observed),
            [
                "2 b.mp4 0.50..-1.00 x1",
                "3 a.mp4 1.50..2.00 x1 + b.mp4 0.00..3.00 x0 + c.mp4 0.00..1.00 x1",
                "5 d.mp4 6.00..-1.00 x1"
            ]
        );
        assert_eq!(observed.faults.iter().map(|f| (f.0, f.1)).collect::<Vec<_>>(), [(6, Reason::NoTime)]);
    }

    #[test]
    fn old_tables_have_lines_before_their_header() {
        let text = "Observation id\tobs 1\n\nMedia file(s)\nTime offset (s)\t0.5\n\nTime\tMedia file path\tTotal length\tFPS\t\
                    Subject\tBehavior\tBehavioral category\tComment\tStatus\n1.0\tC:\\x\\a.mp4\t9\t25\tNo focal subject\tdig\t\
                    \t\tSTART\n2.5\tC:\\x\\a.mp4\t9\t25\t\tdig\t\t\tSTOP\nx\ta.mp4\t9\t25\t\tdig\t\t\tSTOP\n";
        let observed = parse(Path::new("a.tsv"), text).unwrap();
        assert_eq!(said(&observed), [r"7 C:\x\a.mp4 0.50..2.00 x2"]);
        assert_eq!(observed.faults.iter().map(|f| (f.0, f.1)).collect::<Vec<_>>(), [(9, Reason::BadNumber)]);
        assert!(header("frame,label\n0,1\n").is_none());
    }

    #[test]
    fn aggregated_rows_have_start_and_stop() {
        let text = "Observation id;Subject;Behavior;Behavior type;Start (s);Stop (s);Media file name\n\
                    o;ada;dig;STATE;0,5;1,5;a.mp4\no;ada;sniff;POINT;2,0;2,0;a.mp4\no;ada;dig;START;2,0;2,0;a.mp4\n";
        let observed = parse(Path::new("a.csv"), text).unwrap();
        assert_eq!(said(&observed), ["2 a.mp4 0.50..1.50 x1", "3 a.mp4 2.00..-1.00 x1"]);
        assert_eq!(observed.faults.iter().map(|f| (f.0, f.1)).collect::<Vec<_>>(), [(4, Reason::BadTag)]);
    }
}
