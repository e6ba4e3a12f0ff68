//! Any table with assigned columns: CSV, TSV, or a JSON object a line. It is never recognised, somebody has to assign.

use super::find::{Finder, Hint};
use super::listing::{Assembly, Ignored, Row, Span, unlisted};
use super::tools::{ends_in, in_order, root_of};
use super::{Draft, warning};
use crate::config::{DataConfig, TableColumns, TimeUnit};
use crate::data::DataError;
use crate::data::label_csv::columns::{Header, Role, Unit, role};
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::numbers::{integer, is_missing, missing_words, number, seconds};
use crate::data::label_csv::records::{Record, Table, read_table};
use crate::data::label_csv::split_word;
use crate::data::label_csv::text::{self, lines};
use crate::data::scan::{file_name, is_image, relative_name};
use crate::domain::{Choice, ClassInfo, ClassSet, InstanceDetails, InstanceLabel, Reason, Split, Task};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Choices that assign columns where the configuration does not.
const TABLE: &str = "table";
const COLUMNS: &str = "columns";
const UNIT: &str = "unit";
const ASSIGN: &str = "name the file and what its columns say in data.table (file, path, class, start, end)";

pub(super) fn detect(_: &Path) -> Result<String, String> {
    Err(format!("nothing says which columns of which table count; {ASSIGN}"))
}

/// True where a table is assigned.
pub(super) fn is_assigned(config: &DataConfig) -> bool {
    config.table.is_some() || config.choices.iter().any(|(key, _)| key == TABLE)
}

/// What is assigned: in the configuration, else by choices.
fn assigned(path: &Path, config: &DataConfig) -> Result<TableColumns, DataError> {
    let refuse = |reason: String| DataError::Read { path: path.to_path_buf(), reason };
    if let Some(table) = &config.table {
        let named = !table.path.trim().is_empty();
        return named.then(|| table.clone()).ok_or_else(|| refuse(format!("no column of paths is assigned; {ASSIGN}")));
    }
    let chosen = |key: &str| config.choices.iter().rev().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
    let (Some(file), Some(columns)) = (chosen(TABLE), chosen(COLUMNS)) else {
        return Err(refuse(format!("no table is assigned; {ASSIGN}")));
    };
    TableColumns::parse(file, columns, chosen(UNIT)).map_err(refuse)
}

/// Notes what holds, as other formats note their choices.
fn note_choices(table: &TableColumns, draft: &mut Draft) {
    let units: Vec<String> = TimeUnit::ALL.iter().map(|(_, name)| (*name).to_owned()).collect();
    for (key, question, value, options) in [
        (TABLE, "the file", table.file.clone(), Vec::new()),
        (COLUMNS, "which columns say what", table.assignments(), Vec::new()),
        (UNIT, unit_question(table), table.unit.name().to_owned(), units),
    ] {
        draft.choices.push(Choice { key: key.into(), question: question.into(), value, options, several: false });
    }
}

fn unit_question(table: &TableColumns) -> &'static str {
    let timed = table.start.is_some() || table.end.is_some();
    match table.unit {
        TimeUnit::Unstated if timed => "what start and end count (nothing states it: seconds are assumed)",
        _ => "what start and end count",
    }
}

/// Says that nothing states what times count, and what the name of the column says of it.
fn tell_unit(assigned: &TableColumns, table: &Table, columns: &Columns, file: &Path, draft: &mut Draft) {
    let Some((start, _)) = columns.times.filter(|_| assigned.unit == TimeUnit::Unstated) else { return };
    let name = table.records.first().filter(|_| columns.header > 0).map(|first| first.cell(start)).unwrap_or_default();
    let doubt = match role(name) {
        Some(Role::Start(Unit::Seconds)) => return,
        Some(Role::Start(Unit::Frames)) => format!(", although the name of the column '{name}' speaks of frames"),
        Some(Role::Start(Unit::Milliseconds)) => {
            format!(", although the name of the column '{name}' speaks of milliseconds")
        }
        _ => String::new(),
    };
    draft.warn(
        file,
        format!(
            "nothing states what start and end count: they are read as seconds from the first frame{doubt}; state the unit: s, \
             ms, frames-0 (from 0, the end outside) or frames-1 (from 1, the end inside)"
        ),
    );
}

/// The file of a table: below the dataset, or as written.
pub(super) fn find_file(path: &Path, root: &Path, written: &str) -> Result<PathBuf, DataError> {
    if written.is_empty() && path.is_file() {
        return Ok(path.to_path_buf());
    }
    let places = [root.join(written), PathBuf::from(written)];
    let found = places.into_iter().find(|p| p.is_file());
    let found = found.ok_or_else(|| DataError::Missing { path: root.join(written) })?;
    // However it was written: below the dataset it goes by the path that a listing of the folder gives.
    let whole = |p: &Path| std::fs::canonicalize(p).ok();
    let below = whole(&found).zip(whole(root)).and_then(|(f, r)| Some(root.join(f.strip_prefix(r).ok()?)));
    Ok(below.filter(|p| p.is_file()).unwrap_or(found))
}

/// One cell of a JSON object.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    }
}

/// Lines of JSON objects as a table whose header is all their keys; lines that are no objects are told.
fn json_lines(file: &Path, ignored: &mut Ignored<'_>, draft: &mut Draft) -> Result<Table, DataError> {
    let read = text::read(file)?;
    let mut objects: Vec<(u32, Map<String, Value>)> = Vec::new();
    let (mut keys, mut at): (Vec<String>, HashMap<String, usize>) = (Vec::new(), HashMap::new());
    for (line, row) in lines(&read.text) {
        let why = match serde_json::from_str::<Value>(row) {
            Ok(Value::Object(object)) => {
                for key in object.keys().filter(|k| !at.contains_key(*k)).cloned().collect::<Vec<_>>() {
                    at.insert(key.clone(), keys.len());
                    keys.push(key);
                }
                objects.push((line, object));
                continue;
            }
            Ok(_) => "is no JSON object".to_owned(),
            Err(e) => format!("is no sound JSON ({})", e.to_string().split(" at line ").next().unwrap_or_default()),
        };
        if objects.is_empty() {
            let reason = format!("line {line} {why}; write one object a line");
            return Err(DataError::Read { path: file.to_path_buf(), reason });
        }
        let message = format!("line {line} {why}; it is left out, correct it");
        ignored.push(draft, (line, Reason::BadNumber), "more lines are no JSON objects", file, message);
    }
    let mut records = vec![Record::new(1, keys)];
    for (line, object) in objects {
        let mut cells = Vec::new();
        for (key, value) in &object {
            let Some(at) = at.get(key).copied() else { continue };
            if cells.len() <= at {
                cells.resize(at + 1, String::new());
            }
            cells.get_mut(at).into_iter().for_each(|c| *c = cell(value));
        }
        records.push(Record::new(line, cells));
    }
    Ok(Table { separator: ',', records, note: read.note })
}

/// True for a file of JSON lines.
pub(super) fn is_json(file: &Path) -> bool {
    ends_in(file, &["json", "jsonl", "ndjson"])
}

/// The rows of a file, the header among them.
pub(super) fn load(file: &Path, ignored: &mut Ignored<'_>, draft: &mut Draft) -> Result<Table, DataError> {
    if let Some(kind) = crate::video::container(file).or_else(|| is_image(file).then_some("picture")) {
        let what = if kind == "picture" { "a picture".to_owned() } else { format!("a video ({kind})") };
        let reason = format!("it is {what} and no table; name the CSV, TSV or JSON lines file that lists the videos");
        return Err(DataError::Read { path: file.to_path_buf(), reason });
    }
    if is_json(file) { json_lines(file, ignored, draft) } else { read_table(file) }
}

/// Places of the assigned columns.
pub(super) struct Columns {
    pub(super) path: usize,
    pub(super) class: Option<usize>,
    pub(super) times: Option<(usize, usize)>,
    pub(super) subject: Option<usize>,
    pub(super) split: Option<usize>,
    /// Rows before the first of data.
    pub(super) header: usize,
}

impl Columns {
    /// By their names in the header, else by their numbers from 1.
    pub(super) fn of(assigned: &TableColumns, table: &Table) -> Result<Self, String> {
        let Some(first) = table.records.first() else { return Err("line 1: it is empty".into()) };
        let (line, width) = (first.line, first.cells.len());
        let mut named = false;
        let mut place = |column: &str| {
            let wanted = column.trim();
            // A number is a place: cells of a table without a header may be the same number.
            let number = wanted.parse::<usize>().ok().filter(|n| (1..=width).contains(n)).map(|n| n - 1);
            let exact = first.cells.iter().position(|c| c == wanted);
            let found = exact.or_else(|| first.cells.iter().position(|c| c.to_lowercase() == wanted.to_lowercase()));
            named |= number.is_none() && found.is_some();
            number.or(found).ok_or_else(|| {
                let names: Vec<&str> = first.cells.iter().map(String::as_str).collect();
                format!("line {line}: there is no column '{wanted}'; it has {}", names.join(", "))
            })
        };
        let mut optional = |column: &Option<String>| column.as_deref().map(&mut place).transpose();
        let (class, subject, split) =
            (optional(&assigned.class)?, optional(&assigned.subject)?, optional(&assigned.split)?);
        let times = match (optional(&assigned.start)?, optional(&assigned.end)?) {
            (Some(start), Some(end)) => Some((start, end)),
            (None, None) => None,
            _ => return Err(format!("line {line}: start and end are assigned together or not at all")),
        };
        let path = place(&assigned.path)?;
        // Columns that go by number have names or not.
        let numbers = |at: usize| number(first.cell(at), table.decimal_comma()).is_some();
        let of_data = times.is_some_and(|(start, end)| numbers(start) || numbers(end));
        let header = usize::from(named || (!of_data && Header::is(first, table.decimal_comma())));
        Ok(Self { path, class, times, subject, split, header })
    }
}

/// The classes of a table.
pub(super) struct Classes {
    pub(super) set: ClassSet,
    /// Every class is a number.
    numbers: bool,
    /// A cell may name several.
    several: bool,
    by_cell: HashMap<String, usize>,
}

/// The classes that a cell names.
fn named(cell: &str, several: bool) -> impl Iterator<Item = &str> {
    cell.split(move |c| several && c == TableColumns::BETWEEN).map(str::trim)
}

impl Classes {
    pub(super) fn of(
        file: &Path,
        rows: &[Record],
        (column, several): (Option<usize>, bool),
        comma: bool,
        draft: &mut Draft,
    ) -> Self {
        let cells = || {
            let all = rows.iter().filter_map(|r| Some((r.line, r.cell(column?))));
            let named = all.flat_map(|(line, c)| named(c, several).map(move |c| (line, c)));
            named.filter(|(_, c)| !c.is_empty())
        };
        let mut classes = cells().filter(|(_, c)| !is_missing(c)).peekable();
        let numbers = classes.peek().is_some() && classes.all(|(_, c)| integer(c, comma).is_some());
        if numbers {
            let ids: BTreeSet<i64> = cells().filter_map(|(_, c)| integer(c, comma)).filter(|n| *n != -1).collect();
            let by_cell = ids.iter().zip(0..).map(|(id, at)| (id.to_string(), at)).collect();
            let classes = ids.iter().map(|id| ClassInfo::numbered(*id, format!("class {id}"))).collect();
            return Self { set: ClassSet { classes }, numbers, several, by_cell };
        }
        draft.warnings.extend(missing_words(cells()).map(|note| warning(file, note)));
        // -1 among names is no class.
        let names = in_order(cells().map(|(_, c)| c.to_owned()).filter(|c| c != "-1").collect());
        let by_cell = names.iter().cloned().zip(0..).collect();
        Self { set: ClassSet::from_names(names), numbers, several, by_cell }
    }

    /// What a cell says: nothing where it is empty or -1.
    pub(super) fn label(&self, cell: &str, comma: bool) -> Result<InstanceLabel, String> {
        if !self.several || !cell.contains(TableColumns::BETWEEN) {
            return self.one(cell, comma);
        }
        let mut classes = Vec::new();
        for name in named(cell, true).filter(|n| !n.is_empty()) {
            classes.extend_from_slice(self.one(name, comma)?.classes());
        }
        // Known to show none.
        Ok(if classes.is_empty() { InstanceLabel::Classes([].into()) } else { InstanceLabel::of(classes) })
    }

    fn one(&self, cell: &str, comma: bool) -> Result<InstanceLabel, String> {
        let key = match integer(cell, comma) {
            Some(-1) => return Ok(InstanceLabel::Unlabelled),
            Some(n) if self.numbers => n.to_string(),
            _ => cell.to_owned(),
        };
        match self.by_cell.get(&key) {
            Some(class) => Ok(InstanceLabel::Class(*class)),
            None if cell.is_empty() => Ok(InstanceLabel::Unlabelled),
            None => Err(format!("'{cell}' is no class number")),
        }
    }
}

/// The part of a video that a row is about.
pub(super) fn extent(
    row: &Record,
    (start, end): (usize, usize),
    unit: TimeUnit,
    comma: bool,
) -> Result<Extent, (Reason, String)> {
    let (start, end) = (row.cell(start), row.cell(end));
    let bad = |cell: &str, what: &str| (Reason::BadNumber, format!("'{cell}' is no {what}"));
    let scale = match unit {
        TimeUnit::Unstated | TimeUnit::Seconds => 1.0,
        TimeUnit::Milliseconds => 1e-3,
        TimeUnit::Frames | TimeUnit::FramesFromOne => {
            let first = i64::from(unit == TimeUnit::FramesFromOne);
            let what = if first == 1 { "frame number from 1" } else { "frame number" };
            let frame = |cell: &str| {
                let n =
                    integer(cell, comma).filter(|n| (first..=1 << 53).contains(n)).ok_or_else(|| bad(cell, what))?;
                Ok(u32::try_from(n).unwrap_or(u32::MAX).min(u32::MAX - 1))
            };
            let (start, end) = (frame(start)?, frame(end)?);
            return match (start > end, start == end && first == 0) {
                (true, _) => Err((Reason::StartAfterEnd, "the start lies after the end".into())),
                (_, true) => Err((Reason::EmptyInterval, "the interval is empty, start and end are equal".into())),
                _ if first == 1 => Ok(Extent::Frames { start: start - 1, end }),
                _ => Ok(Extent::Frames { start, end }),
            };
        }
    };
    let time = |cell: &str| seconds(cell, comma).map(|s| s * scale).ok_or_else(|| bad(cell, "time"));
    Extent::of_seconds(time(start)?, time(end)?)
}

struct Reading<'a> {
    root: &'a Path,
    file: &'a Path,
    columns: Columns,
    unit: TimeUnit,
    comma: bool,
    classes: Classes,
    finder: Finder<'a>,
    assembly: Assembly<'a>,
    /// Who is in each video.
    subjects: HashMap<PathBuf, BTreeSet<String>>,
}

impl Reading<'_> {
    fn row(&mut self, row: &Record, ignored: &mut Ignored<'_>, draft: &mut Draft) {
        let (line, file) = (row.line, self.file);
        let written = row.cell(self.columns.path);
        if written.is_empty() {
            let message = format!("line {line} names no video; the row is left out, correct it");
            ignored.push(draft, (line, Reason::NoVideo), "more rows name no video", file, message);
            return;
        }
        let split = self.split(row, ignored, draft);
        let class = self.columns.class.map(|c| row.cell(c)).unwrap_or_default();
        let label = self.classes.label(class, self.comma);
        let name = label.as_ref().ok().and_then(|l| l.classes().first()).map(|c| self.classes.set.name(*c).to_owned());
        let hint = Hint { split, class: name.as_deref(), list: file.parent() };
        let Some(found) = self.finder.find(written, &hint) else {
            ignored.missing(draft, self.root, line, written, &self.finder.take_several());
            return;
        };
        let at = self.columns.times.map(|times| extent(row, times, self.unit, self.comma)).transpose();
        let timed = self.columns.times.is_some();
        let refused = match (&at, &label) {
            (Err((reason, why)), _) => Some((*reason, why.clone())),
            (_, Err(why)) => Some((Reason::BadNumber, why.clone())),
            (Ok(_), Ok(_)) if timed && self.columns.class.is_some() && class.is_empty() => {
                Some((Reason::NoClass, "it has no class".to_owned()))
            }
            _ => None,
        };
        if let Some((reason, why)) = refused {
            ignored.enter(draft, (line, reason), Some(relative_name(self.root, &found.path)), "");
            let message = format!("line {line}: {why}; the row is left out, correct it");
            ignored.note(draft, "more rows are left out", file, message);
            return;
        }
        let mut adjusted = Vec::new();
        if found.respelt {
            self.assembly.respelt(file, line, &found.path);
            adjusted.push(Reason::Case);
        }
        let subject = self.columns.subject.map(|c| row.cell(c).to_owned()).filter(|s| !s.is_empty());
        if let Some(subject) = &subject {
            self.subjects.entry(found.path.clone()).or_default().insert(subject.clone());
        }
        let details = subject.map(|s| Box::new(InstanceDetails { subject: Some(s), ..InstanceDetails::default() }));
        let span = at.ok().flatten().map_or(Span::Whole, Span::At);
        let label = label.unwrap_or_default();
        self.assembly.add(Row { split, label, span, details, adjusted, ..Row::new(file, line, found.path) }, draft);
    }

    fn split(&self, row: &Record, ignored: &mut Ignored<'_>, draft: &mut Draft) -> Split {
        let cell = self.columns.split.map(|c| row.cell(c)).unwrap_or_default();
        let split = split_word(cell);
        if split.is_none() && !cell.is_empty() {
            let message = format!("line {}: unknown split '{cell}'; write train, val or test", row.line);
            ignored.note(draft, "more rows name an unknown split", self.file, message);
        }
        split.unwrap_or_default()
    }
}

pub(super) fn read(path: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let assigned = assigned(path, config)?;
    let root = root_of(path);
    let file = find_file(path, &root, &assigned.file)?;
    let refuse = |reason: String| DataError::Read { path: file.clone(), reason };
    let task = if assigned.several { Task::MultiLabel } else { Task::SingleLabel };
    let mut draft = Draft { from_zero: true, task, ..Draft::default() };
    draft.used.push(file.clone());
    let mut ignored = Ignored::of(&file);
    let table = load(&file, &mut ignored, &mut draft)?;
    draft.warnings.extend(table.note.clone().map(|n| warning(&file, n)));
    let columns = Columns::of(&assigned, &table).map_err(refuse)?;
    let comma = table.decimal_comma();
    let rows = table.records.get(columns.header..).unwrap_or_default();
    if rows.is_empty() {
        return Err(refuse(format!("line 1: there are no rows below the header of {}", file_name(&file))));
    }
    if columns.class.is_none() {
        draft.warn(&file, "no column of classes is assigned; its videos are unlabelled");
    }
    tell_unit(&assigned, &table, &columns, &file, &mut draft);
    let classes = Classes::of(&file, rows, (columns.class, assigned.several), comma, &mut draft);
    draft.classes = classes.set.clone();
    note_choices(&assigned, &mut draft);
    let finder = Finder::new(&root, true).with_classes(classes.set.classes.iter().map(|c| c.name.as_str()));
    let (assembly, subjects) = (Assembly::new(&root, task), HashMap::new());
    let mut reading =
        Reading { root: &root, file: &file, columns, unit: assigned.unit, comma, classes, finder, assembly, subjects };
    for row in rows {
        reading.row(row, &mut ignored, &mut draft);
    }
    ignored.finish(&mut draft);
    if reading.assembly.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: super::first_reason(&draft, &root) });
    }
    for (video, names) in reading.subjects {
        if let (1, Some(name)) = (names.len(), names.into_iter().next()) {
            reading.assembly.subject(&video, name);
        }
    }
    reading.assembly.finish(None, &mut draft);
    // Who is in all of a video need not be said of its parts.
    for video in draft.videos.iter_mut().filter(|v| !v.entry.subject.is_empty()) {
        video.annotations.iter_mut().for_each(|a| a.details = None);
    }
    unlisted(&root, &mut draft);
    Ok(draft)
}
