//! The first rows of a table, and how they are read under an assignment of its columns.

use super::Draft;
use super::find::{Finder, Hint};
use super::listing::Ignored;
use super::table::{Classes, Columns, extent, find_file, is_json, load};
use super::tools::root_of;
use crate::config::{TableColumns, TimeUnit};
use crate::data::DataError;
use crate::data::label_csv::columns::{Header, Role, Unit, role};
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::numbers::number;
use crate::data::label_csv::records::{Record, Table};
use crate::data::label_csv::split_word;
use crate::data::scan::relative_name;
use crate::domain::{InstanceLabel, name_text};
use std::path::Path;

/// Endings of the files that are tables.
const ENDINGS: &[&str] = &["csv", "tsv", "tab", "jsonl", "ndjson"];

/// A column of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableColumn {
    /// What [`TableColumns`] calls it: its name, or its number from 1 where the name does not tell it.
    pub key: String,
    /// What people call it.
    pub title: String,
}

/// How a row is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowReading {
    /// Name of the video below the folder of the table; a sentence where there is none.
    pub video: Result<String, String>,
    /// Its class; empty where it is unlabelled.
    pub class: Result<String, String>,
    /// The part of the video.
    pub part: Result<String, String>,
    /// Who is in it, and the part of the dataset; empty where nothing says so.
    pub further: String,
}

impl RowReading {
    /// What keeps the row from being used.
    pub fn faults(&self) -> impl Iterator<Item = &String> {
        [&self.video, &self.class, &self.part].into_iter().filter_map(|r| r.as_ref().err())
    }
}

/// A row of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PreviewRow {
    /// Its line in the file, from 1.
    pub line: u32,
    /// What stands there.
    pub cells: Vec<String>,
    /// How it is read; `None` before columns are assigned.
    pub reading: Option<RowReading>,
}

/// The beginning of a table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TablePreview {
    /// Its columns.
    pub columns: Vec<TableColumn>,
    /// Its first rows.
    pub rows: Vec<PreviewRow>,
    /// How many rows it has.
    pub total: usize,
    /// What is wrong with the assignment, or with the file; a sentence.
    pub fault: Option<String>,
    /// What the names of the columns say.
    pub suggested: TableColumns,
}

/// True for a file that is called like a table.
pub fn is_table(path: &Path) -> bool {
    let ending = path.extension().map(|e| name_text(e).to_lowercase()).unwrap_or_default();
    ENDINGS.contains(&ending.as_str()) && path.is_file()
}

/// Reads the first rows of a table. `path` is the table, or the dataset in which `assigned` names it.
///
/// # Errors
/// A file that is not there or cannot be read as a table.
pub fn table_preview(path: &Path, assigned: &TableColumns, rows: usize) -> Result<TablePreview, DataError> {
    let root = root_of(path);
    let file = find_file(path, &root, &assigned.file)?;
    let (mut draft, mut ignored) = (Draft::default(), Ignored::of(&file));
    let table = load(&file, &mut ignored, &mut draft)?;
    let Some(first) = table.records.first() else {
        return Ok(TablePreview { fault: Some("the file is empty".into()), ..TablePreview::default() });
    };
    let named = is_json(&file) || Header::is(first, table.decimal_comma());
    let columns = columns_of(first, named);
    let mut out =
        TablePreview { suggested: suggested(&columns, named, first, &table), columns, ..TablePreview::default() };
    out.suggested.file.clone_from(&assigned.file);
    let places = match assigned.path.trim().is_empty() {
        true => None,
        false => match Columns::of(assigned, &table) {
            Ok(places) => Some(places),
            Err(fault) => {
                out.fault = Some(fault);
                None
            }
        },
    };
    let header = places.as_ref().map_or(usize::from(named), |p| p.header);
    let records = table.records.get(header..).unwrap_or_default();
    out.total = records.len();
    if records.is_empty() {
        out.fault = Some("there are no rows below the header".into());
    }
    let shown = records.iter().take(rows);
    let Some(places) = places else {
        out.rows = shown.map(|r| PreviewRow { line: r.line, cells: r.cells.clone(), reading: None }).collect();
        return Ok(out);
    };
    let comma = table.decimal_comma();
    let classes = Classes::of(&file, records, (places.class, assigned.several), comma, &mut draft);
    let finder = Finder::new(&root, true).with_classes(classes.set.classes.iter().map(|c| c.name.as_str()));
    let mut reader = Reader { root: &root, file: &file, places, unit: assigned.unit, comma, classes, finder };
    out.rows =
        shown.map(|r| PreviewRow { line: r.line, cells: r.cells.clone(), reading: Some(reader.row(r)) }).collect();
    Ok(out)
}

/// The columns by the first row.
fn columns_of(first: &Record, named: bool) -> Vec<TableColumn> {
    let width = first.cells.len();
    let lower: Vec<String> = first.cells.iter().map(|c| c.to_lowercase()).collect();
    let column = |(at, cell): (usize, &String)| {
        let alone = lower.iter().filter(|c| **c == cell.to_lowercase()).count() == 1;
        // A number is a place, whatever it is the name of.
        let is_place = cell.trim().parse::<usize>().is_ok_and(|n| (1..=width).contains(&n));
        let number = at + 1;
        match named && alone && !is_place && !cell.trim().is_empty() {
            true => TableColumn { key: cell.trim().to_owned(), title: cell.trim().to_owned() },
            false if named && !cell.trim().is_empty() => {
                TableColumn { key: number.to_string(), title: format!("{} (column {number})", cell.trim()) }
            }
            false => TableColumn { key: number.to_string(), title: format!("column {number}") },
        }
    };
    first.cells.iter().enumerate().map(column).collect()
}

/// What the names of columns say; without names a column of paths.
fn suggested(columns: &[TableColumn], named: bool, first: &Record, table: &Table) -> TableColumns {
    let key = |at: usize| columns.get(at).map(|c| c.key.clone());
    if !named {
        let path =
            first.cells.iter().position(|c| number(c, table.decimal_comma()).is_none() && c.contains(['.', '/']));
        return TableColumns { path: path.and_then(key).unwrap_or_default(), ..TableColumns::default() };
    }
    let roles: Vec<(usize, Role)> =
        first.cells.iter().enumerate().filter_map(|(at, name)| Some((at, role(name)?))).collect();
    let best = |rank: &dyn Fn(Role) -> Option<u8>| {
        let ranked = roles.iter().filter_map(|(at, role)| Some((rank(*role)?, *at)));
        ranked.min().and_then(|(_, at)| key(at))
    };
    let path = best(&|role| match role {
        Role::Path(rank) => Some(rank),
        Role::YoutubeId => Some(u8::MAX),
        _ => None,
    });
    let class = best(&|role| match role {
        Role::ClassName => Some(0),
        Role::Class(rank) => Some(rank.saturating_add(1)),
        Role::ClassId => Some(u8::MAX),
        _ => None,
    });
    let start = best(&|role| matches!(role, Role::Start(_)).then_some(0));
    let end = best(&|role| matches!(role, Role::Stop(..)).then_some(0));
    let unit = roles.iter().find_map(|(_, role)| match role {
        Role::Start(Unit::Frames) => Some(TimeUnit::Frames),
        Role::Start(Unit::Milliseconds) => Some(TimeUnit::Milliseconds),
        Role::Start(Unit::Seconds) => Some(TimeUnit::Seconds),
        _ => None,
    });
    let (start, end) = if start.is_some() && end.is_some() { (start, end) } else { (None, None) };
    TableColumns {
        path: path.unwrap_or_default(),
        class,
        start,
        end,
        subject: best(&|role| (role == Role::Subject).then_some(0)),
        split: best(&|role| (role == Role::Split).then_some(0)),
        unit: unit.unwrap_or_default(),
        ..TableColumns::default()
    }
}

struct Reader<'a> {
    root: &'a Path,
    file: &'a Path,
    places: Columns,
    unit: TimeUnit,
    comma: bool,
    classes: Classes,
    finder: Finder<'a>,
}

impl Reader<'_> {
    fn row(&mut self, row: &Record) -> RowReading {
        let class = self.places.class.map(|c| row.cell(c)).unwrap_or_default();
        let label = self.classes.label(class, self.comma);
        let names =
            |l: &InstanceLabel| l.classes().iter().map(|c| self.classes.set.name(*c).to_owned()).collect::<Vec<_>>();
        let name = label.as_ref().map(|l| names(l).join(", ")).map_err(String::clone);
        let first = label.ok().and_then(|l| names(&l).into_iter().next());
        let split = self.places.split.map(|c| row.cell(c)).unwrap_or_default();
        let part = match self.places.times {
            None => Ok("the whole video".to_owned()),
            Some(times) => extent(row, times, self.unit, self.comma).map(words).map_err(|(_, why)| why),
        };
        // Beside times an empty class is a mistake.
        let class = match name {
            Ok(name)
                if name.is_empty()
                    && self.places.times.is_some()
                    && self.places.class.is_some()
                    && class.is_empty() =>
            {
                Err("it has no class".to_owned())
            }
            other => other,
        };
        let subject = self.places.subject.map(|c| row.cell(c)).unwrap_or_default();
        let further: Vec<&str> = [subject, split].into_iter().filter(|t| !t.is_empty()).collect();
        RowReading { video: self.video(row, split, first.as_deref()), class, part, further: further.join(" · ") }
    }

    fn video(&mut self, row: &Record, split: &str, class: Option<&str>) -> Result<String, String> {
        let written = row.cell(self.places.path);
        if written.is_empty() {
            return Err("it names no video".to_owned());
        }
        let hint = Hint { split: split_word(split).unwrap_or_default(), class, list: self.file.parent() };
        match self.finder.find(written, &hint) {
            Some(found) => Ok(relative_name(self.root, &found.path)),
            None => match self.finder.take_several().len() {
                several @ 2.. => Err(format!("'{written}' fits {several} files")),
                _ => Err(format!("there is no video '{written}' below {}", self.root.display())),
            },
        }
    }
}

fn words(extent: Extent) -> String {
    match extent {
        Extent::Frames { start, end } => format!("frames {start} to {}", end.saturating_sub(1)),
        Extent::Span { first, stop } => format!("frames {first} to {stop}"),
        Extent::Seconds { start, end } => format!("{start:.3} s to {end:.3} s"),
    }
}
