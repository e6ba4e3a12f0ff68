//! Label files: one video each, a row a frame, a moment or an interval.

use super::columns::{ClassColumns, Header, LABEL_COLUMNS, Role, Unit, require_one_class};
use super::intervals::{Bounds, Extent};
use super::numbers::{integer, is_missing, missing_words, number, seconds};
use super::records::{Record, Table, read_table};
use crate::data::DataError;
use crate::domain::Reason;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// Bad rows reported one by one before the rest is only counted.
const ROWS_REPORTED: usize = 5;
/// The number that means "none of the classes".
pub(in crate::data) const BACKGROUND_ID: i64 = -1;
/// The word that means the same.
const BACKGROUND: &str = "background";
/// Moments further apart than this are samples: each labels one frame.
const SAMPLES_S: f64 = 0.25;

/// What a cell says about a class.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::data) enum RawClass {
    Background,
    Number(i64),
    Name(Arc<str>),
}

impl RawClass {
    /// Reads a cell; `None` where it is empty.
    pub(in crate::data) fn of(cell: &str, decimal_comma: bool) -> Option<Self> {
        match integer(cell, decimal_comma) {
            _ if cell.is_empty() => None,
            Some(BACKGROUND_ID) => Some(Self::Background),
            Some(n) => Some(Self::Number(n)),
            None if cell.eq_ignore_ascii_case(BACKGROUND) => Some(Self::Background),
            None => Some(Self::Name(cell.into())),
        }
    }
}

/// A labelled part of a video.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::data) struct RawSegment {
    pub(in crate::data) at: Extent,
    pub(in crate::data) class: RawClass,
    /// Line of the (first) row.
    pub(in crate::data) line: u32,
    /// How many rows say so.
    pub(in crate::data) rows: u32,
}

/// A label file, compressed to segments while reading.
#[derive(Debug, Default)]
pub(in crate::data) struct LabelFile {
    pub(in crate::data) segments: Vec<RawSegment>,
    /// Names that the file gives to class numbers.
    pub(in crate::data) names: BTreeMap<i64, String>,
    /// The class columns of a file with one column a class, in their order.
    pub(in crate::data) columns: Vec<String>,
    /// Its frame numbers stand in a first column without a name.
    pub(in crate::data) unnamed: bool,
    /// The video that the rows name, where they name one.
    pub(in crate::data) video: Option<String>,
    /// Sentences about rows that were skipped or contradict each other, and about how the file was read.
    pub(in crate::data) notes: Vec<String>,
    /// Rows below the header.
    pub(in crate::data) rows: u64,
    /// Lines of rows that were left out, and why.
    pub(in crate::data) ignored: Vec<(u32, Reason)>,
    /// Lines of rows without a class.
    pub(in crate::data) unlabelled: Vec<u32>,
    /// Rows that label one frame each: first frame, its line, and how many follow frame by frame and line by line.
    pub(in crate::data) frame_rows: Vec<(u32, u32, u32)>,
}

/// What a row is about.
#[derive(Clone, Copy, Debug)]
enum Place {
    Frame(usize),
    Moment(usize, Unit),
    Interval(Bounds),
}

/// Where the class of a row stands.
#[derive(Clone, Debug)]
enum Classes {
    Column(ClassColumns),
    /// One column a class, 1 where it is seen.
    OneEach(Vec<usize>),
}

/// How a file is laid out.
struct ColumnLayout {
    header: bool,
    place: Place,
    classes: Classes,
    video: Option<usize>,
}

/// Reads the labels of a video: rows of frames (`frame_number, column1, column2`, with or without a header), of moments,
/// or of intervals, the last two with a header that names them.
///
/// # Errors
/// A file that cannot be read, and one whose columns are not known or whose rows cannot be told apart: the sentence names
/// the columns and what they may be called.
pub(in crate::data) fn read_labels(path: &Path) -> Result<LabelFile, DataError> {
    let table = read_table(path)?;
    let refuse = |reason: String| DataError::Read { path: path.to_path_buf(), reason };
    let mut file = LabelFile { notes: table.note.clone().into_iter().collect(), ..LabelFile::default() };
    let Some(first) = table.records.first() else { return Ok(file) };
    let layout = layout(first, &table).map_err(refuse)?;
    let rows = &table.records[usize::from(layout.header)..];
    one_video(&layout, rows, &mut file).map_err(refuse)?;
    if let Classes::OneEach(columns) = &layout.classes {
        let names = columns.iter().map(|c| first.cell(*c).to_owned());
        file.columns = names.filter(|n| !n.eq_ignore_ascii_case(BACKGROUND)).collect();
    }
    let place = matches!(layout.place, Place::Frame(0)) && layout.header && first.cell(0).is_empty();
    file.unnamed = place && file.columns.is_empty();
    let reader = RowReader { table: &table, layout: &layout, header: first };
    file.rows = rows.len() as u64;
    reader.read(rows, &mut file).map_err(refuse)?;
    Ok(file)
}

fn layout(first: &Record, table: &Table) -> Result<ColumnLayout, String> {
    if !Header::is(first, table.decimal_comma()) {
        return by_position(table).map(|place| ColumnLayout {
            header: false,
            place,
            classes: Classes::Column(ClassColumns {
                class: if first.cells.len() >= 3 { 2 } else { 1 },
                beside: None,
                others: Vec::new(),
            }),
            video: None,
        });
    }
    let header = Header::of(first);
    let unknown = || {
        format!(
            "line {}: it has the columns {}; name them {LABEL_COLUMNS}, or leave the header out of rows frame_number, \
             column1, column2",
            first.line,
            header.shown()
        )
    };
    let moment = header.find(|r| matches!(r, Role::Time(_)));
    let unnamed = header.names().first().is_some_and(String::is_empty).then_some(0);
    let place = match (header.interval(), header.find(|r| r == Role::Frame), moment) {
        (Some((start, stop)), None, _) => Place::Interval(Bounds::of(&header, start, stop, table)?),
        (Some((start, stop)), Some(_), _) if header.class().is_some() => {
            Place::Interval(Bounds::of(&header, start, stop, table)?)
        }
        (_, Some(frame), _) => Place::Frame(frame),
        (None, None, Some(at)) => {
            let unit = if header.role(at) == Some(Role::Time(Unit::Milliseconds)) {
                Unit::Milliseconds
            } else {
                Unit::Seconds
            };
            Place::Moment(at, unit)
        }
        // Programs that write their row numbers leave the first column without a name.
        (None, None, None) => Place::Frame(unnamed.ok_or_else(unknown)?),
    };
    let classes = match header.class() {
        Some(columns) => {
            require_one_class(&header, &columns, table)?;
            Classes::Column(columns)
        }
        None => one_each(&header, &place, table).ok_or_else(unknown)?,
    };
    Ok(ColumnLayout { header: true, place, classes, video: header.path() })
}

/// Rows without a header: frame number, a column nobody needs, class.
fn by_position(table: &Table) -> Result<Place, String> {
    let first_line = table.records.first().map_or(1, |r| r.line);
    let widest = table.records.iter().map(|r| r.cells.len()).max().unwrap_or(0);
    let comma = table.decimal_comma();
    let advice = format!("write a header that names the columns {LABEL_COLUMNS}");
    if widest > 3 {
        return Err(format!(
            "line {first_line}: it has {widest} columns and no header, where rows frame_number, column1, column2 have \
             three; {advice}"
        ));
    }
    if let Some(row) = table.records.iter().find(|r| number(r.cell(0), comma).is_some_and(|n| n.fract() != 0.0)) {
        return Err(format!(
            "line {}: it has no header and its first column holds {}, which is no frame number; {advice}",
            row.line,
            row.cell(0)
        ));
    }
    let whole = |r: &Record, at| integer(r.cell(at), comma);
    let pairs: Option<Vec<(i64, i64)>> = table.records.iter().map(|r| Some((whole(r, 0)?, whole(r, 1)?))).collect();
    if let Some(pairs) = pairs.filter(|p| widest == 3 && p.len() > 1) {
        let next = |w: &[(i64, i64)]| w[1].0 == w[0].1 || w[1].0 == w[0].1 + 1;
        let long = pairs.iter().any(|(a, b)| b > a);
        if long
            && pairs.iter().all(|(a, b)| b >= a)
            && pairs.windows(2).all(next)
            && !pairs.windows(2).all(|w| w[1].0 == w[0].0 + 1)
        {
            return Err(format!(
                "line {first_line}: the rows look like intervals ({} to {}), but no header says so; write the header \
                 start_frame,stop_frame,class",
                pairs[0].0, pairs[0].1
            ));
        }
    }
    Ok(Place::Frame(0))
}

/// Columns that are no place, no video and no subject, if they hold nothing but 0, 1 and -1.
fn one_each(header: &Header, place: &Place, table: &Table) -> Option<Classes> {
    let taken: Vec<usize> = match place {
        Place::Frame(at) | Place::Moment(at, _) => vec![*at],
        Place::Interval(b) => vec![b.start, b.stop],
    };
    let columns: Vec<usize> =
        (0..header.names().len()).filter(|i| !taken.contains(i) && header.role(*i).is_none()).collect();
    let flag = |r: &Record, c: usize| matches!(integer(r.cell(c), table.decimal_comma()), Some(-1..=1));
    let named = columns.iter().all(|c| header.names().get(*c).is_some_and(|n| !n.is_empty()));
    let flags = table.records.iter().skip(1).all(|r| columns.iter().all(|c| flag(r, *c)));
    (!columns.is_empty() && named && flags && table.records.len() > 1).then_some(Classes::OneEach(columns))
}

/// Rows of several videos in one file would be laid over each other.
fn one_video(layout: &ColumnLayout, rows: &[Record], file: &mut LabelFile) -> Result<(), String> {
    let Some(column) = layout.video else { return Ok(()) };
    let mut names = rows.iter().map(|r| (r.line, r.cell(column))).filter(|(_, n)| !n.is_empty());
    let Some((_, first)) = names.next() else { return Ok(()) };
    if let Some((line, other)) = names.find(|(_, n)| *n != first) {
        return Err(format!(
            "line {line}: the rows speak of several videos ('{first}', '{other}'); write one label file a video"
        ));
    }
    file.video = Some(first.to_owned());
    Ok(())
}

struct RowReader<'a> {
    table: &'a Table,
    layout: &'a ColumnLayout,
    header: &'a Record,
}

/// Rows that mean nothing, with their lines.
#[derive(Default)]
struct Bad {
    shown: Vec<(u32, String)>,
    lines: Vec<u32>,
    unlabelled: Vec<u32>,
}

impl Bad {
    fn push(&mut self, row: &Record) {
        self.lines.push(row.line);
        if self.shown.len() < ROWS_REPORTED {
            self.shown.push((row.line, row.shown()));
        }
    }

    fn tell(self, what: &str, file: &mut LabelFile) {
        let shown = self.shown.len();
        let notes = &mut file.notes;
        notes.extend(
            self.shown
                .into_iter()
                .map(|(line, text)| format!("line {line} ('{text}') is not {what}; it is skipped, correct the row")),
        );
        if self.lines.len() > shown {
            notes.push(format!("{} more rows like that are skipped", self.lines.len() - shown));
        }
        if let Some(first) = self.unlabelled.first() {
            notes.push(format!(
                "{} rows have no class, the first in line {first}; their frames stay unlabelled",
                self.unlabelled.len()
            ));
        }
        file.ignored.extend(self.lines.into_iter().map(|line| (line, Reason::BadNumber)));
        file.unlabelled = self.unlabelled;
    }
}

impl RowReader<'_> {
    fn read(&self, rows: &[Record], file: &mut LabelFile) -> Result<(), String> {
        let mut bad = Bad::default();
        let numbers = self.mostly_numbers(rows);
        let mut found: Vec<(&Record, RawClass)> = Vec::with_capacity(rows.len());
        for row in rows {
            match self.class(row, file)? {
                Some(RawClass::Name(_)) if numbers => bad.push(row),
                Some(class) => found.push((row, class)),
                None if self.placed(row) && row.cells.len() > self.last_column() => bad.unlabelled.push(row.line),
                None => bad.push(row),
            }
        }
        if let (Classes::Column(columns), false) = (&self.layout.classes, numbers) {
            file.notes.extend(missing_words(rows.iter().map(|row| (row.line, row.cell(columns.class)))));
        }
        let class = if numbers { "a class number" } else { "a class" };
        match self.layout.place {
            Place::Frame(at) => {
                let frames = self.frames(at, found, &mut bad);
                bad.tell(&format!("a frame number and {class}"), file);
                compress(frames, file);
            }
            Place::Moment(at, unit) => {
                let moments = self.moments(at, unit, found, &mut bad);
                bad.tell(&format!("a time and {class}"), file);
                spread(moments, file);
            }
            Place::Interval(bounds) => {
                for (row, class) in found {
                    match bounds.read(row, self.table.decimal_comma()) {
                        Ok(at) => file.segments.push(RawSegment { at, class, line: row.line, rows: 1 }),
                        Err((reason, why)) => {
                            file.ignored.push((row.line, reason));
                            file.notes.push(format!("line {} ({}): {why}; it is skipped", row.line, row.shown()));
                        }
                    }
                }
                bad.tell(&format!("an interval and {class}"), file);
            }
        }
        Ok(())
    }

    fn last_column(&self) -> usize {
        match &self.layout.classes {
            Classes::Column(c) => c.class,
            Classes::OneEach(columns) => columns.last().copied().unwrap_or(0),
        }
    }

    fn placed(&self, row: &Record) -> bool {
        let at = match self.layout.place {
            Place::Frame(at) | Place::Moment(at, _) => at,
            Place::Interval(bounds) => bounds.start,
        };
        seconds(row.cell(at), self.table.decimal_comma()).is_some_and(|n| n >= 0.0)
    }

    /// True where nine of ten classes are numbers: then a word among them is a slip of the pen.
    fn mostly_numbers(&self, rows: &[Record]) -> bool {
        let Classes::Column(columns) = &self.layout.classes else { return false };
        let comma = self.table.decimal_comma();
        let cells = || rows.iter().map(|r| r.cell(columns.class)).filter(|c| !c.is_empty());
        // Background may stand as -1 among names.
        let numbers = cells().filter(|c| integer(c, comma).is_some_and(|n| n != BACKGROUND_ID)).count();
        let word = |c: &&str| integer(c, comma).is_none() && !c.eq_ignore_ascii_case(BACKGROUND) && !is_missing(c);
        let words = cells().filter(word).count();
        numbers >= 9 * words.max(1) || (words <= 1 && numbers > words)
    }

    fn class(&self, row: &Record, file: &mut LabelFile) -> Result<Option<RawClass>, String> {
        let comma = self.table.decimal_comma();
        match &self.layout.classes {
            Classes::Column(columns) => {
                let class = RawClass::of(row.cell(columns.class), comma);
                let Some(beside) = columns.beside.map(|b| row.cell(b)).filter(|b| !b.is_empty()) else {
                    return Ok(class);
                };
                // A number and a name stand side by side, in either order.
                let (number, name) = match (&class, integer(beside, comma)) {
                    (Some(RawClass::Number(n)), None) => (*n, beside.to_owned()),
                    (Some(RawClass::Name(name)), Some(n)) => (n, name.to_string()),
                    _ => return Ok(class),
                };
                if number == BACKGROUND_ID {
                    return Ok(Some(RawClass::Background));
                }
                let known = file.names.entry(number).or_insert_with(|| name.clone());
                if *known != name {
                    return Err(format!(
                        "line {}: class {number} is named '{name}' here and '{known}' before; correct one of them",
                        row.line
                    ));
                }
                Ok(Some(RawClass::Number(number)))
            }
            Classes::OneEach(columns) => {
                let value = |c: &usize| integer(row.cell(*c), comma);
                let mut seen = columns.iter().filter(|c| value(c) == Some(1));
                let first = seen.next();
                if let (Some(a), Some(b)) = (first, seen.next()) {
                    return Err(format!(
                        "line {}: '{}' and '{}' are both seen; frames of several classes at once cannot be read, write \
                         one class a frame",
                        row.line,
                        self.header.cell(*a),
                        self.header.cell(*b)
                    ));
                }
                // -1 says that nobody looked.
                if columns.iter().any(|c| value(c) == Some(-1)) {
                    return Ok(None);
                }
                Ok(Some(first.map_or(RawClass::Background, |c| match self.header.cell(*c) {
                    name if name.eq_ignore_ascii_case(BACKGROUND) => RawClass::Background,
                    name => RawClass::Name(name.into()),
                })))
            }
        }
    }

    fn frames(&self, at: usize, rows: Vec<(&Record, RawClass)>, bad: &mut Bad) -> Vec<(u32, RawClass, u32)> {
        let mut out = Vec::with_capacity(rows.len());
        for (row, class) in rows {
            let frame = integer(row.cell(at), self.table.decimal_comma()).and_then(|f| u32::try_from(f).ok());
            match frame.filter(|f| *f < u32::MAX) {
                Some(frame) => out.push((frame, class, row.line)),
                None => bad.push(row),
            }
        }
        out
    }

    fn moments(
        &self,
        at: usize,
        unit: Unit,
        rows: Vec<(&Record, RawClass)>,
        bad: &mut Bad,
    ) -> Vec<(f64, RawClass, u32)> {
        let scale = if unit == Unit::Milliseconds { 1e-3 } else { 1.0 };
        let mut out = Vec::with_capacity(rows.len());
        for (row, class) in rows {
            match seconds(row.cell(at), self.table.decimal_comma()).filter(|s| *s >= 0.0) {
                Some(time) => out.push((time * scale, class, row.line)),
                None => bad.push(row),
            }
        }
        out.sort_by(|a, b| a.0.total_cmp(&b.0));
        out
    }
}

/// Sorts rows where needed, lets the last of repeated rows win, and joins equal neighbours.
fn compress(mut rows: Vec<(u32, RawClass, u32)>, file: &mut LabelFile) {
    if !rows.is_sorted_by_key(|r| r.0) {
        rows.sort_by_key(|r| r.0);
    }
    let mut segments: Vec<RawSegment> = Vec::new();
    let mut repeated: Option<(u32, u32, u32)> = None;
    let mut repeats = 0_usize;
    let mut rows = rows.into_iter().peekable();
    while let Some((frame, class, line)) = rows.next() {
        if let Some((next, _, next_line)) = rows.peek()
            && *next == frame
        {
            repeats += 1;
            file.ignored.push((line, Reason::Duplicate));
            repeated.get_or_insert((frame, line, *next_line));
            continue;
        }
        match file.frame_rows.last_mut() {
            Some((first, at, count)) if *first + *count == frame && *at + *count == line => *count += 1,
            _ => file.frame_rows.push((frame, line, 1)),
        }
        match segments.last_mut() {
            Some(RawSegment { at: Extent::Frames { end, .. }, class: before, rows, .. })
                if *end == frame && *before == class =>
            {
                *end = frame + 1;
                *rows += 1;
            }
            _ => {
                segments.push(RawSegment { at: Extent::Frames { start: frame, end: frame + 1 }, class, line, rows: 1 })
            }
        }
    }
    if let Some((frame, a, b)) = repeated {
        file.notes.push(format!(
            "{repeats} duplicate rows: frame {frame} is labelled in line {a} and again in line {b}; the last row counts, \
             remove the others"
        ));
    }
    file.segments = segments;
}

/// Moments become intervals: each holds until the next, the last and those before a gap for the usual distance.
fn spread(moments: Vec<(f64, RawClass, u32)>, file: &mut LabelFile) {
    let mut steps: Vec<f64> = moments.windows(2).map(|w| w[1].0 - w[0].0).filter(|s| *s > 0.0).collect();
    steps.sort_by(f64::total_cmp);
    let usual = steps.get(steps.len() / 2).copied().unwrap_or(0.0);
    let dense = usual > 0.0 && usual <= SAMPLES_S;
    let mut segments: Vec<RawSegment> = Vec::new();
    let mut moments = moments.into_iter().peekable();
    while let Some((time, class, line)) = moments.next() {
        let next = moments.peek().map(|m| m.0 - time);
        let held = match next {
            Some(step) if step <= 0.0 => {
                file.ignored.push((line, Reason::Duplicate));
                file.notes.push(format!("line {line}: the time {time} s is labelled again; the last row counts"));
                continue;
            }
            _ if !dense => 0.0,
            Some(step) if step <= 1.5 * usual => step,
            _ => usual,
        };
        match segments.last_mut() {
            Some(RawSegment { at: Extent::Seconds { end, .. }, class: before, rows, .. })
                if dense && (*end - time).abs() < 1e-9 && *before == class =>
            {
                *end = time + held;
                *rows += 1;
            }
            _ => {
                let at = Extent::Seconds { start: time, end: time + held };
                segments.push(RawSegment { at, class, line, rows: 1 });
            }
        }
    }
    file.segments = segments;
}

#[cfg(test)]
mod tests;
