//! ELAN: an `.eaf` file a video, tiers of annotations between time slots in milliseconds.

use super::Draft;
use super::choices::{Question, choose};
use super::find::{Finder, Found, Hint};
use super::listing::{Assembly, Ignored, Row, Span, unlisted};
use super::tools::{all, decoded, ends_in, first, in_order, last_part, root_of};
use super::xml::{Element, Node, Xml};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::numbers::number;
use crate::data::label_csv::text;
use crate::data::scan::{file_name, is_video, relative_name};
use crate::domain::{ClassSet, InstanceDetails, InstanceLabel, Reason, Task, counted};
use std::collections::{BTreeSet, HashMap};
use std::path::{Component, Path, PathBuf};

const ROOT: &str = "ANNOTATION_DOCUMENT";
const TIERS: &str = "tiers";

fn is_eaf(file: &Path) -> bool {
    ends_in(file, &["eaf"])
}

/// A medium that annotations belong to.
struct Medium {
    url: String,
    relative: String,
    kind: String,
    /// Milliseconds of the medium at which the times of the annotations start.
    origin: f64,
}

#[derive(Clone, Copy)]
enum Slot {
    At(f64),
    Empty,
    Bad,
}

enum Place {
    /// Two time slots.
    Slots(String, String),
    /// Another annotation.
    Of(String),
}

struct Note {
    tier: usize,
    id: String,
    line: u32,
    place: Place,
    value: String,
}

struct Tier {
    name: String,
    /// No other tier stands above it.
    top: bool,
}

#[derive(Default)]
struct Document {
    file: PathBuf,
    media: Vec<Medium>,
    slots: HashMap<String, Slot>,
    tiers: Vec<Tier>,
    notes: Vec<Note>,
}

fn required(element: &Element<'_>, name: &str) -> Result<String, String> {
    Ok(element.attribute(name)?.unwrap_or_default())
}

fn medium(element: &Element<'_>) -> Result<Medium, String> {
    let origin = required(element, "TIME_ORIGIN")?;
    let read = if origin.trim().is_empty() { Some(0.0) } else { number(&origin, false) };
    Ok(Medium {
        url: required(element, "MEDIA_URL")?,
        relative: required(element, "RELATIVE_MEDIA_URL")?,
        kind: required(element, "MIME_TYPE")?.to_lowercase(),
        origin: read.ok_or_else(|| {
            format!("line {}: TIME_ORIGIN '{origin}' is no number of milliseconds; correct it", element.line)
        })?,
    })
}

impl Document {
    /// Reads a file.
    ///
    /// # Errors
    /// What is no XML, declares a document type, or is no document of ELAN, with the line.
    fn parse(file: &Path, text: &str) -> Result<Self, String> {
        let mut out = Self { file: file.to_path_buf(), ..Self::default() };
        let mut xml = Xml::new(text);
        let (mut rooted, mut open) = (false, None::<Note>);
        loop {
            let element = match xml.next()? {
                Node::End if rooted => return Ok(out),
                Node::End => return Err(format!("line 1: it holds no {ROOT}; export it again")),
                Node::Close(name) => {
                    if ["ALIGNABLE_ANNOTATION", "REF_ANNOTATION"].contains(&name.as_str()) {
                        out.notes.extend(open.take());
                    }
                    continue;
                }
                Node::Open(element) => element,
            };
            if !rooted && !element.is(ROOT) {
                let (line, name) = (element.line, element.name());
                return Err(format!("line {line}: it is a document of '{name}', not of ELAN ({ROOT})"));
            }
            rooted = true;
            match element.name().as_str() {
                "HEADER" => {
                    let unit = required(&element, "TIME_UNITS")?;
                    if !unit.is_empty() && !unit.eq_ignore_ascii_case("milliseconds") {
                        let line = element.line;
                        return Err(format!(
                            "line {line}: its times count '{unit}'; only milliseconds are read, save it in a newer ELAN"
                        ));
                    }
                }
                "MEDIA_DESCRIPTOR" => out.media.push(medium(&element)?),
                "TIME_SLOT" => {
                    let slot = match element.attribute("TIME_VALUE")? {
                        None => Slot::Empty,
                        Some(value) => number(&value, false).map_or(Slot::Bad, Slot::At),
                    };
                    out.slots.insert(required(&element, "TIME_SLOT_ID")?, slot);
                }
                "TIER" => {
                    let top = required(&element, "PARENT_REF")?.is_empty();
                    out.tiers.push(Tier { name: required(&element, "TIER_ID")?.trim().to_owned(), top });
                }
                name @ ("ALIGNABLE_ANNOTATION" | "REF_ANNOTATION") => {
                    let place = match name {
                        "REF_ANNOTATION" => Place::Of(required(&element, "ANNOTATION_REF")?),
                        _ => Place::Slots(required(&element, "TIME_SLOT_REF1")?, required(&element, "TIME_SLOT_REF2")?),
                    };
                    let id = required(&element, "ANNOTATION_ID")?;
                    let tier = out.tiers.len().saturating_sub(1);
                    open = Some(Note { tier, id, line: element.line, place, value: String::new() });
                }
                "ANNOTATION_VALUE" => {
                    let line = element.line;
                    let value = xml.text()?;
                    if let Some(note) = &mut open {
                        (note.value, note.line) = (value, line);
                    }
                }
                _ => {}
            }
        }
    }

    /// The video: the first medium that is one.
    fn video(&self) -> Option<&Medium> {
        let named = |m: &&Medium| is_video(Path::new(last_part(&m.url))) || is_video(Path::new(last_part(&m.relative)));
        let typed = self.media.iter().find(|m| m.kind.starts_with("video"));
        typed.or_else(|| self.media.iter().filter(|m| !m.kind.starts_with("audio")).find(named))
    }

    /// Start and end in milliseconds of every annotation, or why it has none. References are followed once each.
    fn times(&self) -> Vec<Result<(f64, f64), Reason>> {
        let by_id: HashMap<&str, usize> = self.notes.iter().enumerate().map(|(i, n)| (n.id.as_str(), i)).collect();
        let slot = |id: &str| match self.slots.get(id) {
            Some(Slot::At(ms)) => Ok(*ms),
            Some(Slot::Bad) => Err(Reason::BadNumber),
            Some(Slot::Empty) | None => Err(Reason::NoTime),
        };
        let mut out: Vec<Option<Result<(f64, f64), Reason>>> = vec![None; self.notes.len()];
        let mut on_way = vec![false; self.notes.len()];
        for first in 0..self.notes.len() {
            let (mut way, mut at) = (Vec::new(), Some(first));
            let found = loop {
                let Some((i, note)) = at.and_then(|i| Some((i, self.notes.get(i)?))) else { break Err(Reason::NoTime) };
                match (&note.place, out.get(i), on_way.get_mut(i)) {
                    (_, Some(Some(known)), _) => break *known,
                    // They refer to each other in a circle.
                    (_, _, Some(true)) => break Err(Reason::NoTime),
                    (place, _, seen) => {
                        way.push(i);
                        seen.into_iter().for_each(|seen| *seen = true);
                        match place {
                            Place::Slots(a, b) => break slot(a).and_then(|a| Ok((a, slot(b)?))),
                            Place::Of(id) => at = by_id.get(id.as_str()).copied(),
                        }
                    }
                }
            };
            for i in way {
                out.get_mut(i).into_iter().for_each(|o| *o = Some(found));
            }
        }
        out.into_iter().map(|o| o.unwrap_or(Err(Reason::NoTime))).collect()
    }

    fn tier(&self, note: &Note) -> &str {
        self.tiers.get(note.tier).map_or("", |t| t.name.as_str())
    }
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    match first(path, is_eaf) {
        Some(file) => Ok(format!("{} is a file of ELAN", file_name(&file))),
        None => Err("there is no .eaf file".into()),
    }
}

/// A path beside a file as a path below the root; `None` where it leaves the root.
fn beside(root: &Path, file: &Path, written: &str) -> Option<String> {
    let dir = file.parent()?.strip_prefix(root).ok()?;
    let written = written.replace('\\', "/");
    let mut parts: Vec<String> = Vec::new();
    for part in dir.join(&written).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => parts.push(name.to_string_lossy().into_owned()),
            Component::ParentDir => drop(parts.pop()?),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    (!parts.is_empty()).then(|| parts.join("/"))
}

/// The video of a document: as written from the document, by the name of its URL, by the document's own name. The last of
/// them is what is said where none is there.
fn find_video(finder: &mut Finder<'_>, root: &Path, document: &Document) -> Result<Found, String> {
    let stem = document.file.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
    let hint = Hint { list: document.file.parent(), ..Hint::default() };
    let medium = document.video();
    let mut wanted: Vec<String> = Vec::new();
    if let Some(medium) = medium {
        for written in [medium.relative.clone(), decoded(&medium.relative)] {
            wanted.extend(beside(root, &document.file, written.trim_start_matches("file:")));
        }
        for written in [medium.relative.as_str(), medium.url.as_str()] {
            wanted.extend([last_part(&decoded(written)).to_owned(), last_part(written).to_owned()]);
        }
    }
    wanted.extend(beside(root, &document.file, &stem));
    wanted.push(stem);
    wanted.retain(|w| !w.is_empty());
    let found = wanted.iter().find_map(|w| finder.find(w, &hint).filter(|f| f.path.is_dir() || is_video(&f.path)));
    found.ok_or_else(|| {
        let url = medium.map(|m| if m.url.is_empty() { &m.relative } else { &m.url });
        url.map(|url| last_part(&decoded(url)).to_owned()).or_else(|| wanted.pop()).unwrap_or_default()
    })
}

/// The tiers that count: those that were chosen, else the only top tier with annotations of their own times.
fn chosen_tiers(
    root: &Path,
    documents: &[Document],
    config: &DataConfig,
    draft: &mut Draft,
) -> Result<BTreeSet<String>, DataError> {
    let mut options: Vec<String> = Vec::new();
    let mut top: BTreeSet<&str> = BTreeSet::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for document in documents {
        let names = document.tiers.iter().map(|t| t.name.as_str());
        options.extend(names.filter(|n| known.insert(n)).map(str::to_owned));
        let of_own = document.notes.iter().filter(|n| matches!(n.place, Place::Slots(..)));
        top.extend(of_own.filter_map(|n| document.tiers.get(n.tier)).filter(|t| t.top).map(|t| t.name.as_str()));
    }
    let default = top.first().filter(|_| top.len() == 1).map(|t| (*t).to_owned());
    let question = Question { key: TIERS, asks: "which tiers hold the classes", options, default, several: true };
    let value = choose(root, config, draft, question)?;
    // A tier may have a comma in its name.
    Ok(if known.contains(value.as_str()) {
        BTreeSet::from([value])
    } else {
        value.split(',').map(|t| t.trim().to_owned()).collect()
    })
}

struct Reading<'a> {
    root: &'a Path,
    tiers: BTreeSet<String>,
    classes: HashMap<String, usize>,
    finder: Finder<'a>,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    fn document(&mut self, document: &Document, draft: &mut Draft) {
        let file = &document.file;
        let mut ignored = Ignored::of(file);
        let (mut told, mut other) = (false, 0_u64);
        let found = find_video(&mut self.finder, self.root, document);
        let several = self.finder.take_several();
        let name = found.as_ref().ok().map(|f| relative_name(self.root, &f.path));
        let origin = document.video().map_or(0.0, |m| m.origin);
        for (note, times) in document.notes.iter().zip(document.times()) {
            let (line, tier) = (note.line, document.tier(note));
            if !self.tiers.contains(tier) {
                other += 1;
                ignored.enter(draft, (line, Reason::OtherTier), name.clone(), tier);
                continue;
            }
            let path = match &found {
                Ok(found) => found.path.clone(),
                Err(written) if !std::mem::replace(&mut told, true) => {
                    ignored.missing(draft, self.root, line, written, &several);
                    continue;
                }
                Err(written) => {
                    ignored.enter(draft, (line, Reason::MissingVideo), None, written);
                    continue;
                }
            };
            let value = note.value.trim();
            let left_out = |ignored: &mut Ignored<'_>, draft: &mut Draft, reason: Reason, why: &str| {
                ignored.enter(draft, (line, reason), name.clone(), value);
                let message = format!("line {line}: {why}; the annotation is left out, correct it");
                ignored.note(draft, "more annotations are left out", file, message);
            };
            let Some(class) = self.classes.get(value) else {
                left_out(&mut ignored, draft, Reason::NoClass, "it has no value");
                continue;
            };
            let seconds = |ms: f64| (ms + origin) / 1000.0;
            let at = match times {
                Ok((start, end)) => Extent::of_seconds(seconds(start), seconds(end)),
                Err(Reason::BadNumber) => Err((Reason::BadNumber, "a time slot of it is no number".to_owned())),
                Err(reason) => Err((reason, "a time slot of it has no time".to_owned())),
            };
            let at = match at {
                Ok(at) => at,
                Err((reason, why)) => {
                    left_out(&mut ignored, draft, reason, &why);
                    continue;
                }
            };
            let mut adjusted = Vec::new();
            adjusted.extend((value.len() < note.value.len()).then_some(Reason::Trimmed));
            if found.as_ref().is_ok_and(|f| f.respelt) {
                self.assembly.respelt(file, line, &path);
                adjusted.push(Reason::Case);
            }
            let notes = vec![("tier", tier.to_owned())];
            let details = Some(Box::new(InstanceDetails { notes, ..InstanceDetails::default() }));
            let label = InstanceLabel::Class(*class);
            let row = Row { label, span: Span::At(at), details, adjusted, ..Row::new(file, line, path) };
            self.assembly.add(row, draft);
        }
        if let (Ok(found), true) = (&found, document.notes.is_empty()) {
            draft.warn(file, "holds no annotations; its video is unlabelled");
            self.assembly.video(&found.path, crate::domain::Split::Unassigned);
        }
        if other > 0 {
            let names: Vec<&str> = self.tiers.iter().map(String::as_str).collect();
            let message =
                format!("{} on other tiers than {} are left out", counted(other, "annotation"), names.join(", "));
            draft.warn(file, message);
        }
        ignored.finish(draft);
    }
}

pub(super) fn read(path: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let root = root_of(path);
    let mut draft = Draft { from_zero: true, ..Draft::default() };
    let mut documents = Vec::new();
    for file in all(path, is_eaf) {
        let read = text::read(&file)?;
        draft.warnings.extend(read.note.map(|n| super::warning(&file, n)));
        let parsed = Document::parse(&file, &read.text);
        documents.push(parsed.map_err(|reason| DataError::Read { path: file.clone(), reason })?);
        draft.used.push(file);
    }
    let tiers = chosen_tiers(path, &documents, config, &mut draft)?;
    let values = documents.iter().flat_map(|d| d.notes.iter().filter(|n| tiers.contains(d.tier(n))));
    let names = in_order(values.map(|n| n.value.trim().to_owned()).filter(|v| !v.is_empty()).collect());
    draft.classes = ClassSet::from_names(names.iter().cloned());
    draft.task = Task::SingleLabel;
    let classes = names.into_iter().zip(0..).collect();
    let finder = Finder::new(&root, true);
    let mut reading = Reading { root: &root, tiers, classes, finder, assembly: Assembly::overlapping(&root) };
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
