//! CVAT for video 1.1: an XML file a video, tracks of boxes with attributes, one box a frame.

use super::Draft;
use super::choices::{Question, choose};
use super::find::{Finder, Found, Hint};
use super::listing::{Assembly, Ignored, Row, Span, unlisted};
use super::tools::{all, ends_in, first, head, in_order, root_of};
use super::xml::{Element, Node, Xml};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::numbers::{integer, number};
use crate::data::label_csv::text;
use crate::data::scan::{file_name, is_video, relative_name};
use crate::domain::{ClassSet, FrameBox, InstanceDetails, InstanceLabel, Reason, Split, Task, counted};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

const CLASS_FROM: &str = "class_from";
/// The attribute that is taken where nobody chose.
const USUAL: &str = "action";
const LABEL: &str = "label";
/// What CVAT writes where nothing was chosen.
const UNDEFINED: &str = "__undefined__";
/// What tracks consist of; only boxes have corners.
const SHAPES: &[&str] = &["box", "polygon", "polyline", "points", "ellipse", "cuboid", "skeleton", "mask"];
/// Attributes whose values are listed one a line.
const LISTED: &[&str] = &["select", "radio"];
const FOR_IMAGES: &str = "it is an export for images, which has no tracks; export the task as 'CVAT for video 1.1'";

fn is_cvat(file: &Path) -> bool {
    if !ends_in(file, &["xml"]) {
        return false;
    }
    let head = head(file);
    head.contains("<annotations") && ["<meta", "<track", "<image"].iter().any(|tag| head.contains(tag))
}

/// Texts that stand once.
#[derive(Default)]
struct Names {
    all: Vec<String>,
    at: HashMap<String, usize>,
}

impl Names {
    fn id(&mut self, name: &str) -> usize {
        if let Some(id) = self.at.get(name) {
            return *id;
        }
        self.all.push(name.to_owned());
        self.at.insert(name.to_owned(), self.all.len() - 1);
        self.all.len() - 1
    }

    fn text(&self, id: usize) -> &str {
        self.all.get(id).map_or("", String::as_str)
    }
}

struct Shape {
    line: u32,
    frame: Result<u64, String>,
    outside: bool,
    /// Pixels of the task's pictures: left, top, right, bottom.
    corners: Option<[f32; 4]>,
    /// Name and value of each attribute.
    attributes: Vec<(usize, usize)>,
}

struct Track {
    id: String,
    label: usize,
    attributes: Vec<(usize, usize)>,
    shapes: Vec<Shape>,
}

#[derive(Default)]
struct Document {
    file: PathBuf,
    name: String,
    source: String,
    /// Frames between two frames of the task.
    step: u64,
    /// Pixels of the pictures that boxes are drawn on.
    size: [f32; 2],
    /// Labels and values that the task declares.
    labels: Vec<usize>,
    values: Vec<(usize, usize)>,
    tracks: Vec<Track>,
}

/// An attribute as a task declares it.
#[derive(Default)]
struct Declared {
    name: String,
    kind: String,
    values: String,
}

/// Reads a document.
struct Parser<'t, 'n> {
    xml: Xml<'t>,
    names: &'n mut Names,
    out: Document,
    /// Names of the elements that are open.
    open: Vec<String>,
    /// Within the element that tells of the task.
    meta: bool,
    declared: Declared,
    tasks: usize,
}

/// The number behind `step=`.
fn step_of(filter: &str) -> u64 {
    let rest = filter.split_once("step").map_or("", |(_, rest)| rest).trim_start_matches([' ', '=', ':']);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok().filter(|n| (1..=LAST).contains(n)).unwrap_or(1)
}

fn frame_of(element: &Element<'_>) -> Result<Result<u64, String>, String> {
    let written = element.attribute("frame")?.unwrap_or_default();
    Ok(integer(&written, false)
        .and_then(|n| u64::try_from(n).ok())
        .filter(|n| *n <= 1 << 53)
        .ok_or_else(|| format!("'{written}' is no frame number")))
}

fn corners_of(element: &Element<'_>) -> Result<Option<[f32; 4]>, String> {
    let mut out = [0.0; 4];
    for (value, name) in out.iter_mut().zip(["xtl", "ytl", "xbr", "ybr"]) {
        let Some(read) = element.attribute(name)?.and_then(|v| number(&v, false)) else { return Ok(None) };
        *value = read as f32;
    }
    Ok(Some(out))
}

impl Parser<'_, '_> {
    fn parse(mut self) -> Result<Document, String> {
        let mut rooted = false;
        loop {
            let element = match self.xml.next()? {
                Node::End if rooted => return Ok(self.out),
                Node::End => return Err("line 1: it holds no annotations; export it again".into()),
                Node::Close(name) => {
                    self.close(&name);
                    continue;
                }
                Node::Open(element) => element,
            };
            let name = element.name();
            if !rooted && name != "annotations" {
                return Err(format!("line {}: it is a document of '{name}', not of CVAT", element.line));
            }
            rooted = true;
            let read = if self.meta { self.meta(&element, &name)? } else { self.body(&element, &name)? };
            if !read {
                self.meta |= name == "meta" && self.open.len() == 1;
                self.open.push(name);
            }
        }
    }

    fn close(&mut self, name: &str) {
        self.open.pop();
        self.meta &= self.open.len() > 1;
        if name == "attribute" && self.meta {
            let declared = std::mem::take(&mut self.declared);
            let attribute = self.names.id(declared.name.trim());
            if !LISTED.contains(&declared.kind.trim()) {
                // It has a name and no list of values.
                self.out.values.push((attribute, self.names.id("")));
                return;
            }
            for value in declared.values.lines() {
                self.out.values.push((attribute, self.names.id(value.trim())));
            }
        }
    }

    /// What stands before the tracks; true where the whole element was read.
    fn meta(&mut self, element: &Element<'_>, name: &str) -> Result<bool, String> {
        let (line, parent) = (element.line, self.open.last().cloned().unwrap_or_default());
        if name == "task" || name == "job" {
            self.tasks += 1;
            if self.tasks > 1 {
                return Err(format!("line {line}: it holds several tasks; export each of them by itself"));
            }
        }
        let of_task = ["task", "job", "meta"].contains(&parent.as_str());
        match (parent.as_str(), name) {
            (_, "mode") if of_task => {
                let mode = self.xml.text()?;
                if mode.trim() == "annotation" {
                    return Err(format!("line {line}: {FOR_IMAGES}"));
                }
            }
            (_, "source") if of_task => self.out.source = self.xml.text()?.trim().to_owned(),
            (_, "name") if of_task => self.out.name = self.xml.text()?.trim().to_owned(),
            (_, "frame_filter") if of_task => self.out.step = step_of(&self.xml.text()?),
            ("original_size", "width" | "height") => {
                let size = number(&self.xml.text()?, false).unwrap_or(0.0) as f32;
                let [width, height] = &mut self.out.size;
                *(if name == "width" { width } else { height }) = size;
            }
            ("label", "name") => {
                let label = self.xml.text()?;
                self.out.labels.push(self.names.id(label.trim()));
            }
            ("attribute", "name") => self.declared.name = self.xml.text()?,
            ("attribute", "input_type") => self.declared.kind = self.xml.text()?,
            ("attribute", "values") => self.declared.values = self.xml.text()?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Tracks; true where the whole element was read.
    fn body(&mut self, element: &Element<'_>, name: &str) -> Result<bool, String> {
        let parent = self.open.last().map_or("", String::as_str);
        match (parent, name) {
            ("annotations", "image") => return Err(format!("line {}: {FOR_IMAGES}", element.line)),
            ("annotations", "track") => {
                let label = element.attribute("label")?.unwrap_or_default();
                let label = self.names.id(label.trim());
                let id = element.attribute("id")?.unwrap_or_default();
                self.out.tracks.push(Track { id, label, attributes: Vec::new(), shapes: Vec::new() });
            }
            ("track", shape) if SHAPES.contains(&shape) => {
                let outside = element.attribute("outside")?.is_some_and(|o| ["1", "true", "True"].contains(&o.trim()));
                let corners = if shape == "box" { corners_of(element)? } else { None };
                let frame = frame_of(element)?;
                let shape = Shape { line: element.line, frame, outside, corners, attributes: Vec::new() };
                if let Some(track) = self.out.tracks.last_mut() {
                    track.shapes.push(shape);
                }
                return Ok(false);
            }
            (parent, "attribute") if parent == "track" || SHAPES.contains(&parent) => {
                let name = element.attribute("name")?.unwrap_or_default();
                let of_track = parent == "track";
                let value = self.xml.text()?;
                let pair = (self.names.id(name.trim()), self.names.id(value.trim()));
                if let Some(track) = self.out.tracks.last_mut() {
                    match track.shapes.last_mut().filter(|_| !of_track) {
                        Some(shape) => shape.attributes.push(pair),
                        None => track.attributes.push(pair),
                    }
                }
                return Ok(true);
            }
            _ => {}
        }
        Ok(false)
    }
}

/// Where classes come from.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ClassFrom {
    Label,
    Attribute(usize),
}

impl ClassFrom {
    /// The class of a shape; `None` where it has none.
    fn value(self, track: &Track, shape: &Shape, names: &Names) -> Option<usize> {
        let of = |attributes: &[(usize, usize)], name: usize| {
            attributes.iter().find(|(n, _)| *n == name).map(|(_, value)| *value)
        };
        let value = match self {
            Self::Label => Some(track.label),
            Self::Attribute(name) => of(&shape.attributes, name).or_else(|| of(&track.attributes, name)),
        };
        value.filter(|v| is_class(names.text(*v)))
    }
}

fn is_class(value: &str) -> bool {
    !value.is_empty() && value != UNDEFINED
}

/// Shapes of a track one step apart, with one value.
struct Run {
    line: u32,
    start: u64,
    end: u64,
    value: Option<usize>,
    boxes: Vec<FrameBox>,
    clamped: bool,
}

/// The largest frame that is told apart.
const LAST: u64 = u32::MAX as u64 - 1;

fn frame(n: u64) -> u32 {
    u32::try_from(n.min(LAST)).unwrap_or(u32::MAX)
}

impl Document {
    /// The runs of a track, and the shapes whose frame is no number.
    fn runs(&self, track: &Track, from: ClassFrom, names: &Names) -> (Vec<Run>, Vec<(u32, String)>) {
        let (mut runs, mut bad): (Vec<Run>, _) = (Vec::new(), Vec::new());
        let step = self.step.max(1);
        let mut shapes: Vec<(u64, &Shape)> = Vec::with_capacity(track.shapes.len());
        for shape in &track.shapes {
            match &shape.frame {
                Ok(frame) => shapes.push((*frame, shape)),
                Err(why) => bad.push((shape.line, why.clone())),
            }
        }
        shapes.sort_by_key(|(frame, _)| *frame);
        // The run that the next shape may belong to.
        let mut going = false;
        for (at, shape) in shapes {
            if shape.outside {
                let cut = runs.last_mut().filter(|r| going && r.end > at);
                cut.into_iter().for_each(|r| r.end = at.max(r.start + 1));
                going = false;
                continue;
            }
            let value = from.value(track, shape, names);
            let (corners, clamped) = self.shares(shape.corners);
            let held = corners.map(|corners| FrameBox { frame: frame(at), end: frame(at + step), corners });
            match runs.last_mut().filter(|r| going && r.end == at && r.value == value) {
                Some(run) => {
                    run.end = at + step;
                    run.boxes.extend(held);
                    run.clamped |= clamped;
                }
                None => runs.push(Run {
                    line: shape.line,
                    start: at,
                    end: at + step,
                    value,
                    boxes: held.into_iter().collect(),
                    clamped,
                }),
            }
            going = true;
        }
        (runs, bad)
    }

    /// Corners as shares of the picture, and whether they had to be cut to it.
    fn shares(&self, corners: Option<[f32; 4]>) -> (Option<[f32; 4]>, bool) {
        let [width, height] = self.size;
        let Some([l, t, r, b]) = corners.filter(|_| width > 0.0 && height > 0.0) else { return (None, false) };
        let shares = [l / width, t / height, r / width, b / height];
        let inside = shares.map(|s| s.clamp(0.0, 1.0));
        let cut = shares.iter().zip(&inside).any(|(a, b)| (a - b).abs() > 1e-4);
        (Some(inside), cut)
    }
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    match first(path, is_cvat) {
        Some(file) => Ok(format!("{} is an export of CVAT", file_name(&file))),
        None => Err("there is no .xml file of annotations of CVAT".into()),
    }
}

/// What holds the classes, as chosen; the attribute called action where there is one, else the label of a track.
fn class_from(
    path: &Path,
    documents: &[Document],
    names: &mut Names,
    config: &DataConfig,
    draft: &mut Draft,
) -> Result<ClassFrom, DataError> {
    let mut seen = BTreeSet::new();
    let mut attributes: Vec<usize> = Vec::new();
    for document in documents {
        let declared = document.values.iter().map(|(name, _)| *name);
        let of_tracks = document.tracks.iter().flat_map(|t| {
            t.attributes.iter().chain(t.shapes.iter().flat_map(|s| &s.attributes)).map(|(name, _)| *name)
        });
        attributes.extend(declared.chain(of_tracks).filter(|name| seen.insert(*name)));
    }
    let option = |name: &str| format!("attribute:{name}");
    let mut options = vec![LABEL.to_owned()];
    options.extend(attributes.iter().map(|a| option(names.text(*a))));
    let usual = option(USUAL);
    let default = Some(if options.contains(&usual) { usual } else { LABEL.to_owned() });
    let asks = "what of a track is its class";
    let chosen = choose(path, config, draft, Question { key: CLASS_FROM, asks, options, default, several: false })?;
    Ok(chosen.strip_prefix("attribute:").map_or(ClassFrom::Label, |name| ClassFrom::Attribute(names.id(name))))
}

/// Classes that tasks declare or tracks have.
fn classes_of(documents: &[Document], from: ClassFrom, names: &Names) -> Vec<String> {
    let mut ids: BTreeSet<usize> = BTreeSet::new();
    for document in documents {
        match from {
            ClassFrom::Label => ids.extend(&document.labels),
            ClassFrom::Attribute(name) => ids.extend(document.values.iter().filter(|v| v.0 == name).map(|v| v.1)),
        }
        for track in &document.tracks {
            ids.extend(track.shapes.iter().filter(|s| !s.outside).filter_map(|s| from.value(track, s, names)));
        }
    }
    in_order(ids.into_iter().map(|id| names.text(id).to_owned()).filter(|n| is_class(n)).collect())
}

struct Reading<'a> {
    root: &'a Path,
    names: &'a Names,
    from: ClassFrom,
    classes: HashMap<String, usize>,
    finder: Finder<'a>,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    fn video(&mut self, document: &Document) -> Option<Found> {
        let hint = Hint { list: document.file.parent(), ..Hint::default() };
        let names = [document.source.as_str(), document.name.as_str()];
        let mut names = names.into_iter().filter(|n| !n.is_empty());
        names.find_map(|n| self.finder.find(n, &hint).filter(|f| f.path.is_dir() || is_video(&f.path)))
    }

    fn document(&mut self, document: &Document, draft: &mut Draft) {
        let file = &document.file;
        let mut ignored = Ignored::of(file);
        let found = self.video(document);
        let several = self.finder.take_several();
        let written = if document.source.is_empty() { &document.name } else { &document.source };
        let video = found.as_ref().map(|f| relative_name(self.root, &f.path));
        let (mut told, mut classless) = (false, (0_u64, 0_u32));
        for track in &document.tracks {
            let (runs, bad) = document.runs(track, self.from, self.names);
            for (line, why) in bad {
                let message = format!("line {line}: {why}; the shape is left out, correct it");
                ignored.enter(draft, (line, Reason::BadNumber), video.clone(), "");
                ignored.note(draft, "more shapes have no frame number", file, message);
            }
            for run in runs {
                let Some(found) = &found else {
                    if std::mem::replace(&mut told, true) {
                        ignored.enter(draft, (run.line, Reason::MissingVideo), None, written);
                    } else {
                        ignored.missing(draft, self.root, run.line, written, &several);
                    }
                    continue;
                };
                let class = run.value.and_then(|v| self.classes.get(self.names.text(v)));
                let Some(class) = class else {
                    ignored.enter(draft, (run.line, Reason::NoClass), video.clone(), "");
                    classless = (classless.0 + 1, if classless.0 == 0 { run.line } else { classless.1 });
                    continue;
                };
                let mut adjusted = Vec::new();
                adjusted.extend(run.clamped.then_some(Reason::ClampedBox));
                if found.respelt {
                    self.assembly.respelt(file, run.line, &found.path);
                    adjusted.push(Reason::Case);
                }
                let span =
                    Span::At(Extent::Frames { start: frame(run.start), end: frame(run.end).max(frame(run.start) + 1) });
                let notes = vec![("track", track.id.clone())];
                let details = Some(Box::new(InstanceDetails { boxes: run.boxes, notes, ..InstanceDetails::default() }));
                let label = InstanceLabel::Class(*class);
                let row = Row { label, span, details, adjusted, ..Row::new(file, run.line, found.path.clone()) };
                self.assembly.add(row, draft);
            }
        }
        if let (Some(found), true) = (&found, document.tracks.is_empty()) {
            draft.warn(file, "holds no tracks; its video is unlabelled");
            self.assembly.video(&found.path, Split::Unassigned);
        }
        if classless.0 > 0 {
            let message = format!(
                "{} of boxes {} no class and {} left out, the first in line {}",
                counted(classless.0, "run"),
                if classless.0 == 1 { "has" } else { "have" },
                if classless.0 == 1 { "is" } else { "are" },
                classless.1
            );
            draft.warn(file, message);
        }
        ignored.finish(draft);
    }
}

pub(super) fn read(path: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let root = root_of(path);
    let mut draft = Draft { from_zero: true, task: Task::SingleLabel, ..Draft::default() };
    let mut names = Names::default();
    let mut documents = Vec::new();
    for file in all(path, is_cvat) {
        let read = text::read(&file)?;
        draft.warnings.extend(read.note.map(|n| super::warning(&file, n)));
        let out = Document { file: file.clone(), step: 1, ..Document::default() };
        let xml = Xml::new(&read.text);
        let parser = Parser {
            xml,
            names: &mut names,
            out,
            open: Vec::new(),
            meta: false,
            declared: Declared::default(),
            tasks: 0,
        };
        documents.push(parser.parse().map_err(|reason| DataError::Read { path: file.clone(), reason })?);
        draft.used.push(file);
    }
    let from = class_from(path, &documents, &mut names, config, &mut draft)?;
    let classes = classes_of(&documents, from, &names);
    draft.classes = ClassSet::from_names(classes.iter().cloned());
    let classes = classes.into_iter().zip(0..).collect();
    let (finder, assembly) = (Finder::new(&root, true), Assembly::overlapping(&root));
    let mut reading = Reading { root: &root, names: &names, from, classes, finder, assembly };
    for document in &documents {
        reading.document(document, &mut draft);
    }
    if reading.assembly.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: super::first_reason(&draft, &root) });
    }
    reading.assembly.finish(None, &mut draft);
    unlisted(&root, &mut draft);
    Ok(draft)
}
