//! FineGym: `finegym_annotation_info_v1.1.json` with the times of events and of the elements in them,
//! `gym99_train_element_v1.1.txt` and `gym99_val_element.txt` with lines `KEY LABEL`, and `gym99_categories.txt`; gym288 alike.
//!
//! The numbers in keys are rounded times and only tell elements apart.

use super::Draft;
use super::choices::{Question, choose};
use super::find::ByIds;
use super::json::Json;
use super::listing::{Assembly, Ignored, Row, Span, unlisted};
use super::lists::{files_called, unnamed};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::numbers::integer;
use crate::data::label_csv::split_word;
use crate::data::label_csv::text::{self, lines};
use crate::data::scan::{file_name, relative_name};
use crate::domain::{ClassInfo, ClassSet, InstanceLabel, Reason, Split, Task, natural};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

const TIMES: &str = "finegym_annotation_info";

/// A list of elements by what its name says.
struct List {
    file: PathBuf,
    /// `gym99` or `gym288`.
    set: String,
    split: Split,
}

impl List {
    /// `gym99_train_element_v1.1.txt`.
    fn of(file: PathBuf) -> Option<Self> {
        let name = file_name(&file).to_lowercase();
        let words: Vec<&str> = name.strip_suffix(".txt")?.split('_').collect();
        let [set, split, "element", ..] = words.as_slice() else { return None };
        let number = set.strip_prefix("gym")?;
        let numbered = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
        numbered.then_some(Self { set: (*set).to_owned(), split: split_word(split)?, file })
    }
}

/// Of lists in several versions the newest; those that are left.
fn lists(root: &Path) -> (Vec<List>, Vec<PathBuf>) {
    let files = files_called(root, |name| name.starts_with("gym") && name.ends_with(".txt"));
    let mut all: Vec<List> = files.into_iter().filter_map(List::of).collect();
    all.sort_by(|a, b| {
        let names = || natural(&file_name(&b.file), &file_name(&a.file));
        a.set.len().cmp(&b.set.len()).then_with(|| a.set.cmp(&b.set)).then(a.split.cmp(&b.split)).then_with(names)
    });
    let mut left = Vec::new();
    all.dedup_by(|later, first| {
        let same = (&later.set, later.split) == (&first.set, first.split);
        if same {
            left.push(later.file.clone());
        }
        same
    });
    (all, left)
}

pub(super) fn detect(root: &Path) -> Result<String, String> {
    let (found, _) = lists(root);
    if found.is_empty() {
        return Err("there is no gym99_train_element.txt and no gym288_train_element.txt".into());
    }
    Ok(found.iter().map(|l| file_name(&l.file)).collect::<Vec<_>>().join(", "))
}

/// The lists of the chosen set of classes.
fn chosen(root: &Path, config: &DataConfig, draft: &mut Draft) -> Result<(String, Vec<List>), DataError> {
    let (all, left) = lists(root);
    draft.used.extend(all.iter().map(|l| l.file.clone()).chain(left.iter().cloned()));
    // Those of other sets are part of the dataset.
    draft.used.extend(files_called(root, |name| name.starts_with("gym") && name.ends_with("_categories.txt")));
    left.iter().for_each(|file| draft.warn(file, "a newer version of this list lies beside it and is read"));
    let mut sets: Vec<String> = Vec::new();
    all.iter().for_each(|l| {
        if !sets.contains(&l.set) {
            sets.push(l.set.clone())
        }
    });
    let first = sets.first().cloned().unwrap_or_default();
    let set = match sets.len() {
        0 | 1 => first,
        _ => {
            let question = Question {
                key: "set",
                asks: "which set of classes is read",
                options: sets,
                default: Some(first),
                several: false,
            };
            choose(root, config, draft, question)?
        }
    };
    let of_set = all.into_iter().filter(|l| l.set == set).collect();
    Ok((set, of_set))
}

/// `Clabel: 0; set: 11; Glabel: 3; (VT) name` a line.
fn categories(file: &Path, draft: &mut Draft) -> Result<ClassSet, DataError> {
    let read = text::read(file)?;
    draft.warnings.extend(read.note.map(|n| super::warning(file, n)));
    let mut known: BTreeMap<i64, &str> = BTreeMap::new();
    for (line, row) in lines(&read.text) {
        let mut parts = row.splitn(4, ';').map(str::trim);
        let number =
            parts.next().and_then(|p| integer(p.strip_prefix("Clabel")?.trim().strip_prefix(':')?.trim(), false));
        let (Some(number), Some(name)) = (number.filter(|n| *n >= 0), parts.nth(2)) else {
            draft.warn(
                file,
                format!(
                    "line {line}: '{}' is no 'Clabel: 0; set: …; Glabel: …; name'; it is skipped",
                    text::shown(row)
                ),
            );
            continue;
        };
        if known.insert(number, name).is_some() {
            let reason = format!("line {line}: Clabel {number} stands twice; correct one of the lines");
            return Err(DataError::Read { path: file.to_path_buf(), reason });
        }
    }
    Ok(ClassSet { classes: known.into_iter().map(|(id, name)| ClassInfo::numbered(id, name)).collect() })
}

/// `VIDEO_E_ssssss_eeeeee_A_ssss_eeee` as video, event and element.
fn parts(key: &str) -> Option<(&str, &str, &str)> {
    let at = key.rfind("_A_")?;
    let (rest, element) = (key.get(..at)?, key.get(at + 1..)?);
    let at = rest.rfind("_E_")?;
    Some((rest.get(..at)?, rest.get(at + 1..)?, element))
}

/// The first start and the last end of a list of pairs.
fn bounds(pairs: &Json) -> Option<(f64, f64)> {
    let pair = |pair: &Json| match pair.list() {
        Some([start, end, ..]) => start.number().zip(end.number()),
        _ => None,
    };
    let pairs = pairs.list()?;
    Some((pair(pairs.first()?)?.0, pair(pairs.last()?)?.1))
}

/// What the file of times holds, by video, event and element.
struct Times<'j> {
    events: HashMap<(&'j str, &'j str), &'j Json>,
    elements: HashMap<(&'j str, &'j str, &'j str), &'j Json>,
}

impl<'j> Times<'j> {
    fn of(json: &'j Json) -> Self {
        let mut out = Self { events: HashMap::new(), elements: HashMap::new() };
        for (video, events) in json.entries().unwrap_or_default() {
            for (event, entry) in events.entries().unwrap_or_default() {
                out.events.entry((video, event)).or_insert(entry);
                let segments = entry.get("segments").and_then(Json::entries).unwrap_or_default();
                for (element, segment) in segments {
                    out.elements.entry((video, event, element)).or_insert(segment);
                }
            }
        }
        out
    }
}

struct Reading<'a> {
    root: &'a Path,
    classes: HashMap<i64, usize>,
    times: Times<'a>,
    videos: ByIds<'a>,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    /// Where an element lies in its video.
    fn extent(&self, video: &str, event: &str, element: &str) -> Result<Extent, (Reason, String)> {
        let missing = |what: &str| (Reason::NoSegment, format!("{what} is not in {TIMES}….json"));
        let bad = |what: &str| (Reason::BadNumber, format!("{what} has no usable timestamps in {TIMES}….json"));
        let found = self.times.events.get(&(video, event)).ok_or_else(|| missing(&format!("{event} of {video}")))?;
        let segment = self.times.elements.get(&(video, event, element)).ok_or_else(|| missing(element))?;
        let of = |json: &Json, name: &str| json.get("timestamps").and_then(bounds).ok_or_else(|| bad(name));
        let (from, (start, end)) = (of(found, event)?.0, of(segment, element)?);
        Extent::of_seconds(from + start, from + end)
    }

    fn list(&mut self, list: &List, draft: &mut Draft) -> Result<(), DataError> {
        let read = text::read(&list.file)?;
        draft.warnings.extend(read.note.map(|n| super::warning(&list.file, n)));
        let mut ignored = Ignored::of(&list.file);
        for (line, text) in lines(&read.text) {
            let (key, label) = match text.rsplit_once(char::is_whitespace) {
                Some((key, label)) => (key.trim_end(), label),
                None => (text, ""),
            };
            let skip = |ignored: &mut Ignored<'_>, draft: &mut Draft, reason, video: Option<&Path>, what: String| {
                let about = (video.map(|v| relative_name(self.root, v)), key);
                let message = format!("line {line}: {what}; the line is skipped");
                ignored.skip(draft, (line, reason), about, "more lines cannot be used", message);
            };
            // An element that was cut out is a video of its own.
            let cut = self.videos.find(key, list.split, &[""]).ok();
            let whole = cut.is_some();
            let Some((video, event, element)) = parts(key) else {
                skip(&mut ignored, draft, Reason::NoVideo, None, format!("'{}' is no VIDEO_E_…_A_…", text::shown(key)));
                continue;
            };
            let found = match cut.map_or_else(|| self.videos.find(video, list.split, &[""]), Ok) {
                Ok(found) => found,
                Err(several) => {
                    ignored.missing(draft, self.root, line, video, several);
                    continue;
                }
            };
            let class = match (label, integer(label, false)) {
                ("", _) | (_, Some(-1)) => Ok(None),
                (_, None) => Err((Reason::BadNumber, format!("'{}' is no number of a class", text::shown(label)))),
                (_, Some(n)) => match self.classes.get(&n) {
                    Some(class) => Ok(Some(*class)),
                    None => Err((Reason::UnknownClass, format!("label {n} is not in {}_categories.txt", list.set))),
                },
            };
            let span = match whole {
                true => Ok(Span::Whole),
                false => self.extent(video, event, element).map(Span::At),
            };
            match class.and_then(|class| Ok((class, span?))) {
                Ok((class, span)) => {
                    let label = class.map_or(InstanceLabel::Unlabelled, InstanceLabel::Class);
                    let (split, adjusted) = (list.split, found.adjusted());
                    let row = Row { split, label, span, adjusted, ..Row::new(&list.file, line, found.path) };
                    self.assembly.add(row, draft);
                }
                Err((reason, why)) => skip(&mut ignored, draft, reason, Some(&found.path), why),
            }
        }
        ignored.finish(draft);
        Ok(())
    }
}

/// The newest file of times; an empty object where there is none.
fn times(root: &Path, draft: &mut Draft) -> Result<Json, DataError> {
    let mut files = files_called(root, |name| name.starts_with(TIMES) && name.ends_with(".json"));
    files.sort_by(|a, b| natural(&file_name(a), &file_name(b)));
    let Some(file) = files.pop() else {
        draft.warn(root, "there is no finegym_annotation_info….json, so only elements that were cut out can be used");
        return Ok(Json::Object(1, Vec::new()));
    };
    draft.used.extend(files.iter().cloned().chain([file.clone()]));
    files.iter().for_each(|older| draft.warn(older, "a newer version of this file lies beside it and is read"));
    let (json, note) = Json::read(&file)?;
    draft.warnings.extend(note);
    if json.entries().is_none() {
        let line = json.line().unwrap_or(1);
        let reason = format!("line {line}: it holds {}, not an object of videos; get it again", json.kind());
        return Err(DataError::Read { path: file, reason });
    }
    Ok(json)
}

pub(super) fn read(root: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let mut draft = Draft::default();
    let (set, lists) = chosen(root, config, &mut draft)?;
    let called = format!("{set}_categories.txt");
    draft.classes = match files_called(root, |name| name == called).first() {
        Some(file) => categories(file, &mut draft)?,
        None => {
            draft.warn(root, format!("there is no {called}, so classes are named by their numbers"));
            let mut numbers = BTreeSet::new();
            for list in &lists {
                let read = text::read(&list.file)?;
                let last = |(_, text): (u32, &str)| integer(text.rsplit_once(char::is_whitespace)?.1, false);
                numbers.extend(lines(&read.text).filter_map(last).filter(|n| *n >= 0));
            }
            unnamed(numbers)
        }
    };
    let json = times(root, &mut draft)?;
    let mut reading = Reading {
        root,
        classes: draft.classes.classes.iter().enumerate().map(|(i, c)| (c.id, i)).collect(),
        times: Times::of(&json),
        videos: ByIds::new(root),
        assembly: Assembly::new(root, Task::SingleLabel),
    };
    for list in &lists {
        reading.list(list, &mut draft)?;
    }
    let assembly = reading.assembly;
    if assembly.is_empty() {
        return Err(DataError::Empty { path: root.to_path_buf(), reason: super::first_reason(&draft, root) });
    }
    assembly.finish(None, &mut draft);
    unlisted(root, &mut draft);
    Ok(draft)
}
