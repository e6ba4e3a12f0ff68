//! Kinetics: tables of `label, youtube_id, time_start, time_end, split`, and videos cut to these times or not.

use super::Draft;
use super::find::{Found, compact};
use super::listing::{Assembly, Ignored, Row, Span, is_no_label, unlisted};
use super::lists::{Lists, split_of_name, videos_of};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::columns::{Header, Role};
use crate::data::label_csv::intervals::{Bounds, Extent};
use crate::data::label_csv::records::{Record, Table, read_table};
use crate::data::label_csv::split_word;
use crate::data::names::folded;
use crate::data::scan::{file_name, is_csv, stem, videos_below};
use crate::domain::{ClassId, ClassSet, InstanceLabel, Reason, Split, Task, counted};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// What the columns are called.
const COLUMNS: &str = "'youtube_id', 'time_start', 'time_end', 'label' and 'split'";

struct Columns {
    id: usize,
    label: Option<usize>,
    times: Option<Bounds>,
    split: Option<usize>,
}

struct List {
    file: PathBuf,
    split: Split,
    table: Table,
    columns: Columns,
}

/// What lies at a path.
struct Opened {
    /// The folder of the videos.
    root: PathBuf,
    lists: Vec<List>,
    /// Tables that cannot be read, and why.
    faults: Vec<(PathBuf, String)>,
}

fn columns(file: &Path, table: &Table) -> Result<Columns, String> {
    let name = file_name(file);
    let Some(first) = table.records.first() else { return Err(format!("{name} is empty")) };
    let header = Header::of(first);
    let refuse = |what: String| Err(format!("{name} line {}: {what}", first.line));
    let Some(id) = header.find(|r| r == Role::YoutubeId) else {
        return refuse(format!("it has the columns {}, no youtube_id; name them {COLUMNS}", header.shown()));
    };
    let times = match header.interval() {
        Some((start, stop)) => Some(Bounds::of(&header, start, stop, table).map_err(|e| format!("{name} {e}"))?),
        None => None,
    };
    Ok(Columns { id, label: header.class().map(|c| c.class), times, split: header.find(|r| r == Role::Split) })
}

/// The tables of a folder or a table itself; faults of those that are none.
fn open(path: &Path) -> Result<Opened, String> {
    let files: Vec<(PathBuf, Split)> = if path.is_file() {
        vec![(path.to_path_buf(), split_of_name(&file_name(path)).unwrap_or_default())]
    } else {
        Lists::of(path).files
    };
    let (mut lists, mut faults) = (Vec::new(), Vec::new());
    for (file, split) in files.into_iter().filter(|(f, _)| is_csv(f)) {
        match read_table(&file).map_err(|e| e.to_string()).and_then(|t| columns(&file, &t).map(|c| (t, c))) {
            Ok((table, columns)) => lists.push(List { file, split, table, columns }),
            Err(why) => faults.push((file, why)),
        }
    }
    if lists.is_empty() {
        return Err(faults.into_iter().next().map_or_else(|| "there is no table of a split".into(), |(_, why)| why));
    }
    let root = if path.is_file() { videos_of(path) } else { path.to_path_buf() };
    Ok(Opened { root, lists, faults })
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    let Opened { lists, .. } = open(path)?;
    let names = lists.iter().map(|l| file_name(&l.file)).collect::<Vec<_>>().join(", ");
    Ok(format!("{names} with a column youtube_id"))
}

/// Videos below the root, by the stems of their names.
struct Videos<'a> {
    root: &'a Path,
    by_stem: HashMap<String, Vec<PathBuf>>,
    /// Stems without case, by which only one video is called.
    folded: HashMap<String, Option<String>>,
}

impl<'a> Videos<'a> {
    fn below(root: &'a Path) -> Result<Self, DataError> {
        let mut by_stem: HashMap<String, Vec<PathBuf>> = HashMap::new();
        for video in videos_below(root, true)? {
            by_stem.entry(stem(&video)).or_default().push(video);
        }
        let mut alike: HashMap<String, Option<String>> = HashMap::new();
        for name in by_stem.keys() {
            alike.entry(folded(name)).and_modify(|one| *one = None).or_insert_with(|| Some(name.clone()));
        }
        Ok(Self { root, by_stem, folded: alike })
    }

    /// The video of that stem; of several the one in the folder of the split, the class, or both.
    fn find(&self, stem: &str, split: Split, class: Option<&str>) -> Option<Found> {
        let alike = || self.folded.get(&folded(stem))?.as_ref().and_then(|name| self.by_stem.get(name));
        let exact = self.by_stem.get(stem);
        let all = exact.or_else(alike)?;
        let wanted = class.map(compact);
        let rank = |path: &PathBuf| {
            let below =
                path.strip_prefix(self.root).unwrap_or(path).parent().map(Path::to_path_buf).unwrap_or_default();
            let names: Vec<String> = below.components().map(|c| c.as_os_str().to_string_lossy().into_owned()).collect();
            let in_split = names.iter().any(|n| split_word(n) == Some(split));
            let in_class = wanted.is_some() && names.iter().any(|n| Some(compact(n)) == wanted);
            usize::from(in_split) + usize::from(in_class)
        };
        let best = all.iter().map(rank).max()?;
        let path = all.iter().find(|p| rank(p) == best)?.clone();
        Some(Found { path, respelt: exact.is_none() })
    }
}

/// The stem of a video that was cut to its times.
fn cut_name(id: &str, span: Extent) -> Option<String> {
    let Extent::Seconds { start, end } = span else { return None };
    (start >= 0.0 && end < 1e6).then(|| format!("{id}_{:06}_{:06}", start as u64, end as u64))
}

struct Reading<'a> {
    videos: Videos<'a>,
    names: Vec<String>,
    classes: HashMap<String, ClassId>,
    assembly: Assembly<'a>,
    missing: Vec<(PathBuf, u32)>,
}

impl Reading<'_> {
    fn list(&mut self, list: &List, draft: &mut Draft) {
        let comma = list.table.decimal_comma();
        let mut ignored = Ignored::of(&list.file);
        for row in list.table.records.iter().skip(1) {
            let id = row.cell(list.columns.id);
            if id.is_empty() {
                let message = format!("line {} has no youtube_id; it is skipped, correct the row", row.line);
                ignored.push(draft, (row.line, Reason::NoVideo), "more rows have no youtube_id", &list.file, message);
                continue;
            }
            let class = self.class(list, row);
            let split = list.columns.split.and_then(|c| split_word(row.cell(c))).unwrap_or(list.split);
            let name = class.and_then(|c| self.names.get(c)).cloned();
            let find = |stem: &str| self.videos.find(stem, split, name.as_deref());
            let times = list.columns.times.map(|t| t.read(row, comma));
            let cut =
                times.as_ref().and_then(|t| t.as_ref().ok()).and_then(|t| cut_name(id, *t)).and_then(|n| find(&n));
            let whole = cut.is_some() || times.is_none();
            let Some(Found { path, respelt }) = cut.or_else(|| find(id)) else {
                self.missing.push((list.file.clone(), row.line));
                ignored.enter(draft, (row.line, Reason::MissingVideo), None, id);
                continue;
            };
            let span = match times {
                _ if whole => Span::Whole,
                Some(Ok(at)) => Span::At(at),
                Some(Err((reason, why))) => {
                    let message = format!("line {}: {why}; the row is skipped, correct it", row.line);
                    ignored.push(draft, (row.line, reason), "more rows are no intervals", &list.file, message);
                    continue;
                }
                None => Span::Whole,
            };
            if respelt {
                self.assembly.respelt(&list.file, row.line, &path);
            }
            let spaced = row.is_spaced(list.columns.id) || list.columns.label.is_some_and(|c| row.is_spaced(c));
            let adjusted = if spaced && class.is_some() { vec![Reason::Trimmed] } else { Vec::new() };
            let label = class.map_or(InstanceLabel::Unlabelled, InstanceLabel::Class);
            self.assembly.add(Row { split, label, span, adjusted, ..Row::new(&list.file, row.line, path) }, draft);
        }
        ignored.finish(draft);
    }

    fn class(&self, list: &List, row: &Record) -> Option<ClassId> {
        self.classes.get(row.cell(list.columns.label?)).copied()
    }
}

pub(super) fn read(path: &Path, _: &DataConfig) -> Result<Draft, DataError> {
    let refuse = |reason| DataError::Read { path: path.to_path_buf(), reason };
    let Opened { root, lists, faults } = open(path).map_err(refuse)?;
    let mut draft = Draft::default();
    for (file, why) in faults {
        draft.used.push(file.clone());
        draft.warn(file, format!("{why}; it is left out"));
    }
    let mut names: BTreeSet<String> = BTreeSet::new();
    for list in &lists {
        draft.used.push(list.file.clone());
        draft.warnings.extend(list.table.note.clone().map(|n| super::warning(&list.file, n)));
        let cells = list.table.records.iter().skip(1).filter_map(|r| list.columns.label.map(|c| r.cell(c)));
        names.extend(cells.filter(|c| !is_no_label(c)).map(str::to_owned));
    }
    draft.classes = ClassSet::from_names(names.iter().cloned());
    if lists.iter().all(|l| l.table.records.len() < 2) {
        let file = lists.first().map(|l| file_name(&l.file)).unwrap_or_default();
        return Err(refuse(format!("{file} line 1: there are no rows below the header")));
    }
    let videos = Videos::below(&root)?;
    let names: Vec<String> = names.into_iter().collect();
    let classes = names.iter().cloned().zip(0..).collect();
    let mut reading =
        Reading { videos, names, classes, assembly: Assembly::new(&root, Task::SingleLabel), missing: Vec::new() };
    for list in &lists {
        reading.list(list, &mut draft);
    }
    if let Some((file, line)) = reading.missing.first() {
        let count = reading.missing.len();
        let rows: Vec<String> = reading.missing.iter().map(|(f, l)| format!("{} line {l}", file_name(f))).collect();
        let message = format!(
            "{} listed here {} not there, the first in line {line}; they are left out ({})",
            counted(count as u64, "video"),
            if count == 1 { "is" } else { "are" },
            super::listing::some_of(&rows)
        );
        draft.warn(file, message);
    }
    if reading.assembly.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: super::first_reason(&draft, &root) });
    }
    reading.assembly.finish(None, &mut draft);
    unlisted(&root, &mut draft);
    Ok(draft)
}
