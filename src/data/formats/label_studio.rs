//! Label Studio: a JSON export, a list of tasks with ranges of frames that count from 1, both ends inside.

use super::Draft;
use super::choices::label_rate;
use super::find::{Finder, Hint, compact};
use super::json::Json;
use super::listing::{Assembly, Clock, Ignored, Row, Span, unlisted};
use super::tools::{all, decoded, ends_in, first, head, in_order, last_part, root_of};
use crate::config::DataConfig;
use crate::data::DataError;
use crate::data::label_csv::text as texts;
use crate::data::scan::{file_name, is_video, relative_name, stem, videos_below};
use crate::domain::{ClassSet, InstanceLabel, Reason, Split, Task};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

const TYPE: &str = "timelinelabels";

fn is_export(file: &Path) -> bool {
    if !ends_in(file, &["json"]) {
        return false;
    }
    let head = head(file);
    let list = head.trim_start().strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with('{'));
    let keys = ["\"data\"", "\"annotations\""].iter().all(|key| head.contains(key));
    // Exports of other media have the same keys.
    // One that was cut short may end before its ranges: reading it tells the line.
    let holds = || texts::read(file).is_ok_and(|t| t.text.contains(TYPE)) || Json::read(file).is_err();
    list && keys && (head.contains(TYPE) || holds())
}

/// A range of frames with its classes.
struct Range {
    /// First and last frame, from 1; or why there are none.
    frames: Result<(u64, u64), String>,
    classes: Vec<String>,
}

struct Export {
    file: PathBuf,
    tasks: Vec<Work>,
}

/// A task: a video and what was said of it.
struct Work {
    line: u32,
    video: Option<String>,
    /// Those that count.
    ranges: Vec<Range>,
    /// Those that do not, and how many.
    left_out: Vec<(Reason, usize)>,
}

fn tasks(file: &Path, draft: &mut Draft) -> Result<Vec<Work>, DataError> {
    let (json, note) = Json::read(file)?;
    draft.warnings.extend(note);
    let refuse = |line: u32, what: &str| DataError::Read {
        path: file.to_path_buf(),
        reason: format!("line {line}: {what} where the tasks of Label Studio must be; export the project as JSON"),
    };
    let list = json.list().ok_or_else(|| refuse(1, &format!("it holds {}", json.kind())))?;
    let mut line = json.line().unwrap_or(1);
    let task = |task: &Json| {
        line = task
            .line()
            .filter(|_| task.entries().is_some())
            .ok_or_else(|| refuse(line, &format!("there is {}", task.kind())))?;
        Ok(work(task, line))
    };
    list.iter().map(task).collect()
}

fn items<'v>(value: &'v Json, key: &str) -> &'v [Json] {
    value.get(key).and_then(Json::list).unwrap_or_default()
}

fn is_true(value: &Json, key: &str) -> bool {
    value.get(key) == Some(&Json::Bool(true))
}

fn text_of<'v>(value: &'v Json, key: &str) -> Option<&'v str> {
    value.get(key).and_then(text)
}

fn text(value: &Json) -> Option<&str> {
    if let Json::Text(text) = value { Some(text.trim()) } else { None }
}

fn work(task: &Json, line: u32) -> Work {
    let annotations = items(task, "annotations");
    let cancelled = |a: &Json| is_true(a, "was_cancelled");
    let truth = annotations.iter().position(|a| is_true(a, "ground_truth") && !cancelled(a));
    let counts = truth.or_else(|| annotations.iter().position(|a| !cancelled(a)));
    let mut out = Work { line, video: video(task), ranges: Vec::new(), left_out: Vec::new() };
    for (i, annotation) in annotations.iter().enumerate() {
        let ranges = ranges(annotation);
        if Some(i) == counts {
            out.ranges = ranges;
        } else {
            let reason = if cancelled(annotation) { Reason::Cancelled } else { Reason::OtherAnnotator };
            out.left_out.push((reason, ranges.len()));
        }
    }
    let predicted = items(task, "predictions").iter().map(|p| ranges(p).len()).sum();
    out.left_out.push((Reason::Prediction, predicted));
    out
}

/// The path of a task's video, under whatever name the labelling page gives it.
fn video(task: &Json) -> Option<String> {
    let data = task.get("data")?;
    let mut others = data.entries()?.iter().filter_map(|(_, value)| text(value));
    let named = text_of(data, "video");
    named.or_else(|| others.find(|v| is_video(Path::new(last_part(&path_of(v)))))).map(str::to_owned)
}

/// The ranges of an annotation; regions of other types are none.
fn ranges(annotation: &Json) -> Vec<Range> {
    let mut out = Vec::new();
    for region in items(annotation, "result").iter().filter(|r| text_of(r, "type") == Some(TYPE)) {
        let value = region.get("value").unwrap_or(&Json::Null);
        let names = items(value, TYPE).iter().filter_map(text);
        let classes: Vec<String> = names.filter(|n| !n.is_empty()).map(str::to_owned).collect();
        let all = items(value, "ranges");
        out.extend(all.iter().map(|range| Range { frames: frames(range), classes: classes.clone() }));
        if all.is_empty() {
            out.push(Range { frames: Err("it has no range of frames".into()), classes });
        }
    }
    out
}

fn frames(range: &Json) -> Result<(u64, u64), String> {
    let one = |key: &str| {
        let value = range.get(key).unwrap_or(&Json::Null);
        let whole = value.integer().filter(|n| *n > 0).and_then(|n| u64::try_from(n).ok());
        whole.ok_or_else(|| match value {
            Json::Number(n) => format!("{key} is {n}, which is no frame number from 1"),
            other => format!("{key} is {}, not a frame number", other.kind()),
        })
    };
    Ok((one("start")?, one("end")?))
}

pub(super) fn detect(path: &Path) -> Result<String, String> {
    match first(path, is_export) {
        Some(file) => Ok(format!("{} is an export of Label Studio", file_name(&file))),
        None => Err("there is no .json export of Label Studio with timeline labels".into()),
    }
}

/// Videos by the letters and digits of their names.
struct Videos<'a> {
    finder: Finder<'a>,
    by_name: HashMap<String, Vec<PathBuf>>,
    by_stem: HashMap<String, Vec<PathBuf>>,
}

impl<'a> Videos<'a> {
    fn of(root: &'a Path) -> Result<Self, DataError> {
        let mut out = Self { finder: Finder::new(root, false), by_name: HashMap::new(), by_stem: HashMap::new() };
        for video in videos_below(root, true)? {
            out.by_stem.entry(compact(&stem(&video))).or_default().push(video.clone());
            out.by_name.entry(compact(&file_name(&video))).or_default().push(video);
        }
        Ok(out)
    }

    /// The video of a task: by its path, by its name, and by the letters and digits of it; or the names that fit.
    fn find(&mut self, written: &str) -> Result<PathBuf, Vec<PathBuf>> {
        let path = path_of(written);
        let name = last_part(&path).to_owned();
        let bare = without_prefix(&name);
        for one in [path.as_str(), name.as_str(), bare] {
            let found = self.finder.find(one, &Hint::default()).filter(|f| f.path.is_dir() || is_video(&f.path));
            if let Some(found) = found {
                return Ok(found.path);
            }
        }
        let mut several = Vec::new();
        for one in [name.as_str(), bare] {
            let of_stem = compact(&stem(Path::new(one)));
            for hits in [self.by_name.get(&compact(one)), self.by_stem.get(&of_stem)].into_iter().flatten() {
                match hits.as_slice() {
                    [one] => return Ok(one.clone()),
                    many => several = many.to_vec(),
                }
            }
        }
        Err(several)
    }
}

/// The path in a URL: what stands behind `?d=` of local files, else all before a question mark.
fn path_of(written: &str) -> String {
    let local = written.split_once("?d=").or_else(|| written.split_once("&d=")).map(|(_, path)| path);
    let path = match local {
        Some(path) => path.split('&').next().unwrap_or_default(),
        None => written.split(['?', '#']).next().unwrap_or_default(),
    };
    // A path of a disk may hold these characters itself.
    let is_url = local.is_some() || written.contains("://") || written.starts_with("/data/");
    if is_url { decoded(path) } else { written.to_owned() }
}

/// The name without the eight digits that an upload puts before it.
fn without_prefix(name: &str) -> &str {
    let prefix = name.split_once('-').filter(|(p, _)| p.len() == 8 && p.bytes().all(|b| b.is_ascii_hexdigit()));
    prefix.map_or(name, |(_, rest)| rest)
}

struct Reading<'a> {
    root: &'a Path,
    rate: Option<f64>,
    classes: HashMap<String, usize>,
    videos: Videos<'a>,
    assembly: Assembly<'a>,
}

impl Reading<'_> {
    fn task(&mut self, file: &Path, work: &Work, ignored: &mut Ignored<'_>, draft: &mut Draft) {
        let line = work.line;
        let written = work.video.as_deref().unwrap_or_default();
        let found = if written.is_empty() { Err(Vec::new()) } else { self.videos.find(written) };
        let video = found.as_ref().ok().map(|p| relative_name(self.root, p));
        for (reason, rows) in &work.left_out {
            (0..*rows).for_each(|_| ignored.enter(draft, (line, *reason), video.clone(), ""));
        }
        let nothing = work.ranges.is_empty() && work.left_out.iter().all(|(_, n)| *n == 0);
        let path = match found {
            Ok(path) => path,
            Err(several) => {
                for i in 0..work.ranges.len().max(usize::from(nothing)) {
                    if written.is_empty() {
                        let message = format!("line {line}: the task names no video; it is left out");
                        ignored.push(draft, (line, Reason::NoVideo), "more tasks name no video", file, message);
                    } else if i == 0 {
                        ignored.missing(draft, self.root, line, last_part(&path_of(written)), &several);
                    } else {
                        ignored.enter(draft, (line, Reason::MissingVideo), None, written);
                    }
                }
                return;
            }
        };
        self.assembly.clock(&path, Clock::Frames { rate: self.rate });
        if nothing {
            self.assembly.add_unlabelled(file, line, &path, Split::Unassigned, draft);
        }
        for range in &work.ranges {
            let classes: Vec<usize> = range.classes.iter().filter_map(|c| self.classes.get(c)).copied().collect();
            let label = InstanceLabel::of(classes);
            let refused = match &range.frames {
                Err(why) => Some((Reason::BadNumber, why.clone())),
                Ok((start, end)) if start > end => {
                    Some((Reason::StartAfterEnd, format!("the range {start} to {end} ends before it starts")))
                }
                Ok((start, end)) if !label.is_labelled() => {
                    Some((Reason::NoClass, format!("the range {start} to {end} has no label")))
                }
                Ok(_) => None,
            };
            if let Some((reason, why)) = refused {
                ignored.enter(draft, (line, reason), video.clone(), "");
                let message = format!("line {line}: {why}; it is left out, correct it");
                ignored.note(draft, "more ranges are left out", file, message);
                continue;
            }
            let Ok((start, end)) = range.frames else { continue };
            let step = |n: u64| u32::try_from(n).unwrap_or(u32::MAX);
            let span = Span::Steps { start: step(start - 1).min(u32::MAX - 1), end: step(end) };
            self.assembly.add(Row { label, span, ..Row::new(file, line, path.clone()) }, draft);
        }
    }
}

pub(super) fn read(path: &Path, config: &DataConfig) -> Result<Draft, DataError> {
    let root = root_of(path);
    let mut draft = Draft { from_zero: true, task: Task::SingleLabel, ..Draft::default() };
    let mut exports = Vec::new();
    for file in all(path, is_export) {
        let tasks = tasks(&file, &mut draft)?;
        draft.used.push(file.clone());
        exports.push(Export { file, tasks });
    }
    let asks = "how many frames a second the labelling page counted, as 25 or 30000/1001; empty for those of the video";
    let rate = label_rate(path, config, &mut draft, asks)?;
    let ranges = exports.iter().flat_map(|e| e.tasks.iter().flat_map(|t| &t.ranges));
    let names = in_order(ranges.flat_map(|r| r.classes.iter().cloned()).collect::<BTreeSet<_>>());
    draft.classes = ClassSet::from_names(names.iter().cloned());
    let classes = names.into_iter().zip(0..).collect();
    let videos = Videos::of(&root)?;
    let assembly = Assembly::overlapping(&root);
    let mut reading = Reading { root: &root, rate, classes, videos, assembly };
    for export in &exports {
        let mut ignored = Ignored::of(&export.file);
        for task in &export.tasks {
            reading.task(&export.file, task, &mut ignored, &mut draft);
        }
        ignored.finish(&mut draft);
    }
    if reading.assembly.is_empty() {
        return Err(DataError::Empty { path: path.to_path_buf(), reason: super::first_reason(&draft, &root) });
    }
    reading.assembly.finish(None, &mut draft);
    unlisted(&root, &mut draft);
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_tasks() {
        for (written, path) in [
            ("/data/upload/3/1b6a37a9-clip_one.mp4", "/data/upload/3/1b6a37a9-clip_one.mp4"),
            ("/data/local-files/?d=a/b%20c.mp4", "a/b c.mp4"),
            ("https://host/x/b%20c.mp4?token=1#t", "https://host/x/b c.mp4"),
            ("videos/100%25 #1?.mp4", "videos/100%25 #1?.mp4"),
        ] {
            assert_eq!(path_of(written), path);
        }
        assert_eq!(without_prefix("1b6a37a9-clip_one.mp4"), "clip_one.mp4");
        assert_eq!(["take-one.mp4", "notahex8-a.mp4"].map(without_prefix), ["take-one.mp4", "notahex8-a.mp4"]);
    }

    #[test]
    fn tasks_have_the_lines_where_they_start() {
        let read = |text: &str| {
            let file = tempfile::NamedTempFile::new().unwrap();
            std::fs::write(file.path(), text).unwrap();
            tasks(file.path(), &mut Draft::default()).map_err(|e| e.to_string())
        };
        let text = "[\n{\"data\": {\"video\": \"a.mp4\"}},\n\n {\"data\": {},\n \"annotations\": []}\n]\n";
        assert_eq!(read(text).unwrap().iter().map(|t| t.line).collect::<Vec<_>>(), [2, 4]);
        for (text, line) in [("[\n{},\n{\"a\": [1,", 3), ("[\n{\"a\":\nNaN}]", 3), ("{}", 1), ("[\n{},\n3]", 2)] {
            let error = read(text).err().unwrap();
            assert!(error.contains(&format!("line {line}: ")), "{text}: {error}");
        }
    }
}
