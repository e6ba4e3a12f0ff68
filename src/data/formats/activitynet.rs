//! ActivityNet, and THUMOS and others in its form: one JSON file of any name with
//! `{"database": {ID: {"subset", "annotations": [{"segment": [start, end], "label"}]}}}`, in seconds.
//!
//! Lengths and rates that the file states are not used: the videos' own times count.

use super::choices::{Question, choose};
use super::find::ByIds;
use super::json::Json;
use super::listing::{Assembly, Ignored, Row, Span, unlisted};
use super::lists::{files_called, videos_of};
use super::{Draft, unused};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::intervals::Extent;
use crate::data::label_csv::split_word;
use crate::data::scan::{file_name, relative_name};
use crate::domain::{ClassInfo, ClassSet, InstanceLabel, Reason, Split};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Files are called like the id, or with this before it.
const PREFIXES: &[&str] = &["", "v_"];
/// Lists and objects nested deeper than this are those of no annotations.
const DEEPEST: u32 = 100;

/// True for a text with an object under the key `database`.
fn has_database(text: &str) -> bool {
    text.split("\"database\"").skip(1).any(|rest| {
        let value = rest.trim_start().strip_prefix(':').unwrap_or_default();
        value.trim_start().starts_with('{')
    })
}

/// True for a text of brackets in brackets, which no program reads.
fn is_too_deep(text: &str) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_u32, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => depth += 1,
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return true;
        }
    }
    false
}

fn is_json(name: &str) -> bool {
    name.ends_with(".json")
}

/// The files that look like it.
fn files(path: &Path) -> Vec<PathBuf> {
    let all = match path.is_file() {
        true => vec![path.to_path_buf()],
        false => files_called(path, is_json),
    };
    let json = all.into_iter().filter(|f| is_json(&file_name(f).to_lowercase()));
    let texts: Vec<(PathBuf, String)> = json.map(|f| (f.clone(), unused::head(&f))).collect();
    let with = |wanted: fn(&str) -> bool| -> Vec<PathBuf> {
        texts.iter().filter(|(_, text)| wanted(text)).map(|(f, _)| f.clone()).collect()
    };
    let found = with(has_database);
    if found.is_empty() { with(is_too_deep) } else { found }
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    match files(path).first() {
        Some(file) => Ok(format!("{} with a database of annotations", file_name(file))),
        None => Err("there is no JSON file with an object 'database'".into()),
    }
}

/// The file that is read.
fn chosen(path: &Path, config: &DataConfig, draft: &mut Draft) -> Result<PathBuf, DataError> {
    let all = files(path);
    let Some(first) = all.first().cloned() else {
        let reason = "there is no JSON file with an object 'database' in it".into();
        return Err(DataError::Empty { path: path.to_path_buf(), reason });
    };
    if all.len() == 1 {
        return Ok(first);
    }
    let names: Vec<String> = all.iter().map(|f| relative_name(path, f)).collect();
    let question = Question {
        key: "file",
        asks: "which file of annotations is read",
        default: names.first().cloned(),
        options: names,
        several: false,
    };
    let name = choose(path, config, draft, question)?;
    Ok(all.into_iter().find(|f| relative_name(path, f) == name).unwrap_or(first))
}

/// True where the subset 'validation' is trained on, as THUMOS does.
fn trains_on_validation(path: &Path, config: &DataConfig, draft: &mut Draft) -> Result<bool, DataError> {
    let question = Question {
        key: "train_subset",
        asks: "which subset is trained on",
        options: ["training", "validation"].map(str::to_owned).into(),
        default: Some("training".into()),
        several: false,
    };
    Ok(choose(path, config, draft, question)? == "validation")
}

/// A video of the database.
struct Video<'j> {
    id: &'j str,
    line: u32,
    entry: &'j Json,
    annotations: &'j [Json],
}

fn videos(json: &Json) -> Option<Vec<Video<'_>>> {
    let database = json.get("database")?;
    let mut last = database.line().unwrap_or(1);
    let mut out = Vec::new();
    for (id, entry) in database.entries()? {
        last = entry.line().unwrap_or(last);
        let annotations = entry.get("annotations").and_then(Json::list).unwrap_or_default();
        out.push(Video { id, line: last, entry, annotations });
    }
    Some(out)
}

/// How the class of an annotation is told.
enum Classes {
    ByNumber(HashMap<i64, usize>),
    ByName(HashMap<String, usize>),
}

impl Classes {
    /// By number where every annotation has one, else by name.
    fn of(videos: &[Video<'_>], file: &Path, draft: &mut Draft) -> (ClassSet, Self) {
        let annotations = || videos.iter().flat_map(|v| v.annotations);
        let number = |a: &Json| a.get("label_id").and_then(Json::integer);
        if annotations().next().is_some() && annotations().all(|a| number(a).is_some()) {
            let mut names: BTreeMap<i64, String> = BTreeMap::new();
            let mut told = BTreeSet::new();
            for (a, id) in annotations().filter_map(|a| number(a).map(|id| (a, id))) {
                let name = a.get("label").and_then(Json::name);
                let first = names.entry(id).or_insert_with(|| name.clone().unwrap_or_else(|| format!("class {id}")));
                if let Some(name) = name.filter(|n| n != first)
                    && told.insert(id)
                {
                    let line = a.line().unwrap_or(1);
                    draft.warn(
                        file,
                        format!("line {line}: label_id {id} is '{name}' here and '{first}' before; the number counts"),
                    );
                }
            }
            let at = names.keys().copied().zip(0..).collect();
            let classes = names.into_iter().map(|(id, name)| ClassInfo::numbered(id, name)).collect();
            return (ClassSet { classes }, Self::ByNumber(at));
        }
        let names: BTreeSet<String> = annotations().filter_map(|a| a.get("label")?.name()).collect();
        let at = names.iter().cloned().zip(0..).collect();
        (ClassSet::from_names(names), Self::ByName(at))
    }

    fn class(&self, annotation: &Json) -> Option<usize> {
        match self {
            Self::ByNumber(at) => at.get(&annotation.get("label_id")?.integer()?).copied(),
            Self::ByName(at) => at.get(&annotation.get("label")?.name()?).copied(),
        }
    }
}

/// `"segment": [start, end]`.
fn segment(annotation: &Json) -> Result<Extent, (Reason, String)> {
    let bad = |what: String| (Reason::BadNumber, what);
    let Some(segment) = annotation.get("segment") else {
        return Err((Reason::NoTime, format!("{} without a segment", annotation.kind())));
    };
    let Some([start, end]) = segment.list() else {
        return Err(bad(format!("segment is {} that is no pair of start and end", segment.kind())));
    };
    let time = |value: &Json| value.number().ok_or_else(|| bad(format!("'{value}' in a segment is no time")));
    Extent::of_seconds(time(start)?, time(end)?)
}

struct Reading<'a> {
    file: &'a Path,
    root: &'a Path,
    classes: Classes,
    trains_on_validation: bool,
    videos: ByIds<'a>,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    fn video(&mut self, video: &Video<'_>, ignored: &mut Ignored<'_>, draft: &mut Draft) {
        let split = self.split(video, ignored, draft);
        let found = match self.videos.find(video.id, split, PREFIXES) {
            Ok(found) => found,
            Err(several) => {
                let line = |a: &Json| a.line().unwrap_or(video.line);
                let first = video.annotations.first().map_or(video.line, line);
                ignored.missing(draft, self.root, first, video.id, several);
                for a in video.annotations.iter().skip(1) {
                    ignored.enter(draft, (line(a), Reason::MissingVideo), None, video.id);
                }
                return;
            }
        };
        if video.annotations.is_empty() {
            let what = match video.entry.entries() {
                None => Some(video.entry),
                Some(_) => video.entry.get("annotations").filter(|a| a.list().is_none()),
            };
            if let Some(what) = what {
                let message = format!(
                    "line {}: what stands there for {} is {}, no annotations; the video is unlabelled, correct it",
                    video.line,
                    video.id,
                    what.kind()
                );
                ignored.note(draft, "more videos have no list of annotations", self.file, message);
            }
            self.assembly.add_unlabelled(self.file, video.line, &found.path, split, draft);
            return;
        }
        self.assembly.video(&found.path, split);
        for annotation in video.annotations {
            let line = annotation.line().unwrap_or(video.line);
            match segment(annotation) {
                Ok(at) => {
                    let label = self.classes.class(annotation);
                    let row = Row {
                        split,
                        label: label.map_or(InstanceLabel::Unlabelled, InstanceLabel::Class),
                        span: Span::At(at),
                        adjusted: found.adjusted(),
                        ..Row::new(self.file, line, found.path.clone())
                    };
                    self.assembly.add(row, draft);
                }
                Err((reason, why)) => {
                    let about = (Some(relative_name(self.root, &found.path)), video.id);
                    let message = format!("line {line}: {why}; the annotation of {} is skipped, correct it", video.id);
                    ignored.skip(draft, (line, reason), about, "more annotations cannot be used", message);
                }
            }
        }
    }

    fn split(&self, video: &Video<'_>, ignored: &mut Ignored<'_>, draft: &mut Draft) -> Split {
        let written = video.entry.get("subset").filter(|s| !s.is_empty());
        let split = written.map(|s| s.name().as_deref().and_then(split_word));
        match split {
            Some(Some(Split::Val)) if self.trains_on_validation => Split::Train,
            Some(Some(split)) => split,
            other => {
                if let (Some(None), Some(written)) = (other, written) {
                    let message = format!(
                        "line {}: the subset '{written}' of {} is none of training, validation and testing; the video is in none",
                        video.line, video.id
                    );
                    ignored.note(draft, "more videos have an unknown subset", self.file, message);
                }
                Split::Unassigned
            }
        }
    }
}

pub(super) fn read(path: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let mut draft = Draft::default();
    let file = chosen(path, config, &mut draft)?;
    let trains_on_validation = trains_on_validation(path, config, &mut draft)?;
    let root = if path.is_file() { videos_of(path) } else { path.to_path_buf() };
    draft.used.push(file.clone());
    let (json, note) = Json::read(&file)?;
    draft.warnings.extend(note);
    let Some(videos) = videos(&json) else {
        let line = json.get("database").and_then(Json::line).or(json.line()).unwrap_or(1);
        let reason = format!("line {line}: it has no object 'database' of videos; get it again");
        return Err(DataError::Read { path: file, reason });
    };
    let (classes, known) = Classes::of(&videos, &file, &mut draft);
    draft.classes = classes;
    let mut reading = Reading {
        file: &file,
        root: &root,
        classes: known,
        trains_on_validation,
        videos: ByIds::new(&root),
        assembly: Assembly::overlapping(&root),
    };
    let mut ignored = Ignored::of(&file);
    videos.iter().for_each(|video| reading.video(video, &mut ignored, &mut draft));
    ignored.finish(&mut draft);
    let assembly = reading.assembly;
    if assembly.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: super::first_reason(&draft, &root) });
    }
    assembly.finish(None, &mut draft);
    if !draft.videos.iter().any(|v| v.entry.split == Split::Train) {
        draft.warn(
            &file,
            "no video is of the subset 'training'; where 'validation' is trained on, as with THUMOS, choose \
             train_subset=validation",
        );
    }
    unlisted(&root, &mut draft);
    Ok(draft)
}
