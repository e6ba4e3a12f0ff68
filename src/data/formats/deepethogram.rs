//! DeepEthogram: a table of zeros and ones a video, one row a frame, one column a behaviour.

use super::listing::{Assembly, Ignored, Row, Span};
use super::tools::{all, ends_in, first, head, root_of};
use super::{Draft, warning};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::numbers::integer;
use crate::data::label_csv::records::{Record, Table, read_table};
use crate::data::label_csv::text::{self, lines};
use crate::data::names::folded;
use crate::data::scan::{file_name, peek, relative_name, stem, videos_below};
use crate::domain::{ClassInfo, ClassSet, InstanceLabel, Reason, Split, Task};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

const LABELS: &str = "_labels";
const BACKGROUND: &str = "background";
const PROJECT: &str = "project_config";

/// The name of the video that a table of labels belongs to.
fn labelled(file: &Path) -> Option<String> {
    let stem = stem(file);
    let cut = stem.len().checked_sub(LABELS.len())?;
    let (name, end) = (stem.get(..cut)?, stem.get(cut..)?);
    (ends_in(file, &["csv"]) && end.eq_ignore_ascii_case(LABELS) && !name.is_empty()).then(|| name.to_owned())
}

/// True for the name over a column of frame numbers.
fn is_index(name: &str) -> bool {
    let name = name.trim().trim_matches('"').to_lowercase();
    ["", "unnamed: 0", "frame", "frames", "index"].contains(&name.as_str())
}

/// A table of labels with a video of its name beside it, or a column of background.
fn is_table(file: &Path) -> bool {
    let Some(name) = labelled(file) else { return false };
    let head = head(file);
    let Some((_, header)) = lines(&head).next() else { return false };
    // A header that starts with a separator is trimmed where that is a tab.
    let numbered = head.starts_with('\t') || header.split([',', ';', '\t']).next().is_some_and(is_index);
    let listing = file.parent().map(peek).unwrap_or_default();
    let beside = listing.videos().chain(&listing.dirs).any(|v| folded(&stem(v)) == folded(&name));
    numbered && (beside || header.split([',', ';', '\t']).any(|c| c.trim().eq_ignore_ascii_case(BACKGROUND)))
}

fn is_project(file: &Path) -> bool {
    ends_in(file, &["yaml", "yml"])
        && file_name(file).to_lowercase().starts_with(PROJECT)
        && class_names(&head(file)).is_some()
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    match first(path, |f| is_project(f) || is_table(f)) {
        Some(file) => Ok(format!("{} is of DeepEthogram", file_name(&file))),
        None => Err("there is no project_config.yaml with class_names and no VIDEO_labels.csv beside its video".into()),
    }
}

/// A word of YAML without quotes and comments.
fn word(text: &str) -> String {
    let text = text.trim();
    for quote in ['"', '\''] {
        if let Some((inner, _)) = text.strip_prefix(quote).and_then(|t| t.split_once(quote)) {
            return inner.to_owned();
        }
    }
    text.split(" #").next().unwrap_or_default().trim().to_owned()
}

/// The list `class_names` of a project's settings: one name a line behind a dash, or all between brackets.
fn class_names(yaml: &str) -> Option<Vec<String>> {
    let mut rows = yaml.lines();
    let after = rows.by_ref().find_map(|l| l.trim_start().strip_prefix("class_names:"))?;
    if let Some(open) = after.trim_start().strip_prefix('[') {
        let mut inner = open.to_owned();
        while !inner.contains(']') {
            inner.push_str(rows.next()?);
        }
        let names = inner.split(']').next().unwrap_or_default().split(',').map(word);
        return Some(names.filter(|n| !n.is_empty()).collect());
    }
    let dashed = rows.map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#'));
    let names: Vec<String> = dashed.map_while(|l| l.strip_prefix('-')).map(word).collect();
    (!names.is_empty()).then_some(names)
}

/// A table of labels.
struct Labels {
    file: PathBuf,
    table: Table,
}

impl Labels {
    /// Names over the columns of behaviours, with their places.
    fn columns(&self) -> impl Iterator<Item = (usize, &str)> {
        let header = self.table.records.first();
        let cells = header.into_iter().flat_map(|h| h.cells.iter().map(String::as_str).enumerate());
        cells.filter(|(i, name)| !(name.is_empty() || *i == 0 && is_index(name)))
    }

    fn rows(&self) -> &[Record] {
        self.table.records.get(1..).unwrap_or_default()
    }
}

/// Names of classes, the background first: of the project, else over the columns of the first table.
fn names(project: Option<&PathBuf>, labels: &[Labels], draft: &mut Draft) -> Result<Vec<String>, DataError> {
    let mut out = match project {
        Some(file) => {
            draft.used.push(file.clone());
            class_names(&text::read(file)?.text).unwrap_or_default()
        }
        None => labels.first().map(|l| l.columns().map(|(_, n)| n.to_owned()).collect()).unwrap_or_default(),
    };
    match out.iter().position(|n| n.eq_ignore_ascii_case(BACKGROUND)) {
        Some(at) => out.get_mut(..=at).into_iter().for_each(|part| part.rotate_right(1)),
        None => out.insert(0, BACKGROUND.to_owned()),
    }
    Ok(out)
}

/// What a row says of its frame.
enum Said {
    Nobody,
    /// The classes that are there; none of those that are known where a column is unknown.
    Classes(Vec<usize>),
    Bad(String),
}

/// Which column is which class, and those that are none.
struct Columns {
    known: Vec<(usize, usize)>,
    unknown: Vec<usize>,
}

impl Columns {
    fn said(&self, row: &Record, comma: bool) -> Said {
        let mut classes = Vec::new();
        let (mut other, mut nobody) = (false, false);
        let unknown = self.unknown.iter().map(|at| (*at, None));
        for (at, class) in self.known.iter().map(|(at, class)| (*at, Some(*class))).chain(unknown) {
            match integer(row.cell(at), comma) {
                Some(0) => {}
                Some(1) => match class {
                    Some(class) => classes.push(class),
                    None => other = true,
                },
                Some(-1) => nobody = true,
                _ => return Said::Bad(row.cell(at).to_owned()),
            }
        }
        match (nobody, classes.is_empty() && !other) {
            (true, _) => Said::Nobody,
            (false, true) => Said::Classes(vec![0]),
            (false, false) => Said::Classes(classes),
        }
    }
}

/// Rows of a table as runs of frames.
#[derive(Default)]
struct Runs {
    /// Frames of rows that can be read, and of those that nobody labelled: first, line, how many.
    rows: Vec<(u32, u32, u32)>,
    unlabelled: Vec<(u32, u32, u32)>,
    /// Class, first frame, end, line.
    instances: Vec<(usize, u32, u32, u32)>,
}

fn extend(runs: &mut Vec<(u32, u32, u32)>, frame: u32, line: u32) {
    match runs.last_mut() {
        Some((first, at, count)) if *first + *count == frame && *at + *count == line => *count += 1,
        _ => runs.push((frame, line, 1)),
    }
}

/// Reads the rows of a table; the place of a row is its frame.
fn runs(labels: &Labels, columns: &Columns, classes: usize, ignored: &mut Ignored<'_>, draft: &mut Draft) -> Runs {
    let mut out = Runs::default();
    let comma = labels.table.decimal_comma();
    // First frame and line of the run that each class is in.
    let mut open: Vec<Option<(u32, u32)>> = vec![None; classes];
    let rows = labels.rows();
    for (frame, row) in (0_u32..).zip(rows) {
        let said = columns.said(row, comma);
        let now = match &said {
            Said::Classes(classes) => classes.as_slice(),
            Said::Nobody | Said::Bad(_) => &[],
        };
        for (class, since) in open.iter_mut().enumerate() {
            match (now.contains(&class), *since) {
                (true, None) => *since = Some((frame, row.line)),
                (false, Some((first, line))) => {
                    out.instances.push((class, first, frame, line));
                    *since = None;
                }
                _ => {}
            }
        }
        if let Said::Bad(cell) = said {
            let message = format!("line {}: '{cell}' is neither 0, 1 nor -1; frame {frame} stays unlabelled", row.line);
            ignored.push(draft, (row.line, Reason::BadNumber), "more rows cannot be read", &labels.file, message);
            continue;
        }
        draft.ledger.rows += 1;
        extend(&mut out.rows, frame, row.line);
        if matches!(said, Said::Nobody) {
            extend(&mut out.unlabelled, frame, row.line);
        }
    }
    let end = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let left = open.iter().enumerate().filter_map(|(class, since)| Some((class, (*since)?)));
    out.instances.extend(left.map(|(class, (first, line))| (class, first, end, line)));
    out.instances.sort_by_key(|(class, first, ..)| (*first, *class));
    out
}

struct Reading<'a> {
    root: &'a Path,
    names: Vec<String>,
    assembly: Assembly<'a>,
    /// Rows of frames by video, and the table they stand in.
    frames: HashMap<PathBuf, (PathBuf, Runs)>,
}

impl Reading<'_> {
    fn columns(&self, labels: &Labels, draft: &mut Draft) -> Columns {
        let mut out = Columns { known: Vec::new(), unknown: Vec::new() };
        for (at, name) in labels.columns() {
            match self.names.iter().position(|n| n == name).or_else(|| self.folded(name)) {
                Some(class) => out.known.push((at, class)),
                None => {
                    let message =
                        format!("line 1: '{name}' is no class of the project; the column is left out, add it there");
                    draft.warn(&labels.file, message);
                    out.unknown.push(at);
                }
            }
        }
        out
    }

    fn folded(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| folded(n) == folded(name))
    }

    fn table(&mut self, labels: Labels, video: &Path, draft: &mut Draft) {
        if let Some((other, _)) = self.frames.get(video) {
            let message = format!(
                "labels {} as {} does; the first of them counts",
                relative_name(self.root, video),
                relative_name(self.root, other)
            );
            draft.warn(&labels.file, message);
            self.leave_out(&labels, Reason::Conflict, Some(relative_name(self.root, video)), draft);
            return;
        }
        let columns = self.columns(&labels, draft);
        let file = labels.file.clone();
        let mut ignored = Ignored::of(&file);
        let runs = runs(&labels, &columns, self.names.len(), &mut ignored, draft);
        ignored.finish(draft);
        for (class, start, end, line) in &runs.instances {
            let span = Span::At(Extent::Frames { start: *start, end: *end });
            let label = InstanceLabel::Class(*class);
            let row = Row { rows: 0, label, span, ..Row::new(&file, *line, video.to_path_buf()) };
            self.assembly.add(row, draft);
        }
        self.frames.insert(video.to_path_buf(), (file, runs));
    }

    /// Leaves out all rows of a table.
    fn leave_out(&self, labels: &Labels, reason: Reason, video: Option<String>, draft: &mut Draft) {
        let Some(first) = labels.rows().first() else { return };
        let rows = u32::try_from(labels.rows().len()).unwrap_or(u32::MAX);
        Ignored::of(&labels.file).enter_rows(draft, (first.line, reason), rows, video, "");
    }
}

/// Videos by folder and by name.
struct Videos {
    beside: HashMap<(PathBuf, String), PathBuf>,
    anywhere: HashMap<String, Vec<PathBuf>>,
}

impl Videos {
    fn of(all: &[PathBuf]) -> Self {
        let mut out = Self { beside: HashMap::new(), anywhere: HashMap::new() };
        for video in all {
            let name = folded(&stem(video));
            let dir = video.parent().unwrap_or(video).to_path_buf();
            out.beside.entry((dir, name.clone())).or_insert_with(|| video.clone());
            out.anywhere.entry(name).or_default().push(video.clone());
        }
        out
    }

    /// The video of a table: beside it, else the only one of that name.
    fn find(&self, table: &Path) -> Option<PathBuf> {
        let name = folded(&labelled(table)?);
        let dir = table.parent().unwrap_or(table).to_path_buf();
        let only = || self.anywhere.get(&name).filter(|v| v.len() == 1).and_then(|v| v.first());
        self.beside.get(&(dir, name.clone())).or_else(only).cloned()
    }
}

/// Tables of labels, read; empty ones are told.
fn tables(path: &Path, root: &Path, draft: &mut Draft) -> Result<Vec<Labels>, DataError> {
    let files = if path.is_file() && !is_project(path) {
        vec![path.to_path_buf()]
    } else {
        all(root, |f| labelled(f).is_some())
    };
    let mut out = Vec::new();
    for file in files {
        let table = read_table(&file)?;
        draft.used.push(file.clone());
        draft.warnings.extend(table.note.clone().map(|n| warning(&file, n)));
        if table.records.len() < 2 {
            draft.warn(&file, "is empty; its video stays unlabelled");
        } else {
            out.push(Labels { file, table });
        }
    }
    Ok(out)
}

pub(super) fn read(path: &Path, _: &DataConfig) -> Result<Draft, DataError> {
    let root = root_of(path);
    let mut draft = Draft { from_zero: true, task: Task::MultiLabel, ..Draft::default() };
    let project = first(if is_project(path) { path } else { &root }, is_project);
    let labels = tables(path, &root, &mut draft)?;
    let names = names(project.as_ref(), &labels, &mut draft)?;
    let classes =
        (0_i64..).zip(&names).map(|(id, name)| ClassInfo { background: id == 0, ..ClassInfo::numbered(id, name) });
    draft.classes = ClassSet { classes: classes.collect() };
    let assembly = Assembly::overlapping(&root);
    let mut reading = Reading { root: &root, names, assembly, frames: HashMap::new() };
    let videos = videos_below(&root, true)?;
    for video in &videos {
        reading.assembly.video(video, Split::Unassigned);
    }
    let by_name = Videos::of(&videos);
    for table in labels {
        match by_name.find(&table.file) {
            Some(video) => reading.table(table, &video, &mut draft),
            None => {
                let name = labelled(&table.file).unwrap_or_default();
                let message = format!("line 1: there is no video '{name}' here; the table is left out, copy it there");
                draft.warn(&table.file, message);
                reading.leave_out(&table, Reason::MissingVideo, None, &mut draft);
            }
        }
    }
    if reading.assembly.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: super::first_reason(&draft, &root) });
    }
    let mut frames = reading.frames;
    reading.assembly.finish(None, &mut draft);
    for video in &mut draft.videos {
        if let Some((file, runs)) = frames.remove(&video.entry.path) {
            (video.label_file, video.frame_rows, video.unlabelled_rows) = (Some(file), runs.rows, runs.unlabelled);
        }
    }
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn class_names_of_a_project() {
        let truth = Some(vec!["background".to_owned(), "dig, deep".to_owned(), "no".to_owned()]);
        for yaml in [
            "project:\n  class_names:\n  - background\n  # sorted\n  - 'dig, deep'\n  - no # yes\n  name: x\n",
            "project:\r\n  class_names:\r\n    - background\r\n    - \"dig, deep\"\r\n    - \"no\"\r\n",
        ] {
            assert_eq!(class_names(yaml), truth, "{yaml}");
        }
        let flow = "class_names: [background, 'dig',\n  groom]\nname: x\n";
        assert_eq!(class_names(flow).unwrap(), ["background", "dig", "groom"]);
        assert_eq!(
            [class_names("name: x"), class_names("class_names:\n"), class_names("class_names: [a,")],
            [None, None, None]
        );
    }

    #[test]
    fn tables_are_called_after_their_videos() {
        let name = |file: &str| labelled(Path::new(file));
        assert_eq!(name("a/m 1_labels.csv").as_deref(), Some("m 1"));
        assert_eq!(name("M_Labels.CSV").as_deref(), Some("M"));
        assert_eq!([name("_labels.csv"), name("labels.csv"), name("m_labels.txt")], [None, None, None]);
    }
}
