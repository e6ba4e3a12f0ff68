//! What was read of a dataset, row by row: classes with the source's numbers, videos, instances, and the ledger.

use crate::domain::{
    Becomes, Choice, ClassChange, Dataset, Fate, FrameBox, Instance, InstanceLabel, LedgerEntry, MODIFIERS,
    SourceClass, VideoEntry,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// Every annotation of a dataset, with paths relative to it.
#[derive(Debug, Serialize)]
pub struct InstanceList {
    /// Id of the format.
    pub format: String,
    /// `single-label` or `multi-label`.
    pub task: &'static str,
    /// How the files were read where they leave a choice.
    pub choices: Map<String, Value>,
    /// `index`, `source` (the source's own number), `name`, `background`.
    pub classes: Vec<Value>,
    /// What the label map made of the classes of the files; empty where there is none: see [`mapped_classes`].
    pub label_map: Value,
    /// Corrections of the labels; null where there are none: see [`super::corrections_document`].
    pub corrections: Value,
    /// `path`, `name`, `kind`, `frames`, `fps`, `width`, `height`, `subject`, `split`.
    pub videos: Vec<Value>,
    /// `video`, `start_frame`, `end_frame` (exclusive), `classes`, and what the source tells besides.
    pub instances: Vec<Value>,
    /// `rows`, `used`, `unlabelled`, `ignored`, `adjusted`, `videos_unlisted`.
    pub ledger: Value,
    /// By split: videos, instances, and frames a class.
    pub counts: Value,
    /// What was noticed: path and sentence.
    pub warnings: Vec<Value>,
}

/// Lists everything that was read of a dataset.
pub fn instance_list(dataset: &Dataset) -> InstanceList {
    let root = dataset.root.as_path();
    InstanceList {
        format: dataset.format.clone(),
        task: dataset.task.name(),
        choices: dataset.choices.iter().map(|c| (c.key.clone(), value_of(c))).collect(),
        classes: classes(dataset),
        label_map: mapped_classes(dataset),
        corrections: super::corrections_document(dataset, true),
        videos: dataset.videos.iter().map(video).collect(),
        instances: dataset.videos.iter().flat_map(|v| v.instances.iter().map(move |i| instance(root, v, i))).collect(),
        ledger: ledger(dataset),
        counts: counts(dataset),
        warnings: dataset
            .warnings
            .iter()
            .map(|w| json!({ "path": relative(root, &w.path), "message": w.message }))
            .collect(),
    }
}

fn value_of(choice: &Choice) -> Value {
    let one = |text: &str| match text.parse::<i64>() {
        Ok(n) => json!(n),
        Err(_) => json!(text),
    };
    match (choice.several, choice.value.as_str()) {
        (true, values) => values.split(',').filter(|v| !v.is_empty()).map(|v| json!(v)).collect(),
        (false, "") => Value::Null,
        (false, value) => one(value),
    }
}

fn relative(root: &Path, path: &Path) -> String {
    let base = if root.is_file() { root.parent().unwrap_or(root) } else { root };
    super::scan::relative_name(base, path)
}

fn classes(dataset: &Dataset) -> Vec<Value> {
    let classes = dataset.classes.classes.iter().enumerate();
    classes
        .map(|(index, class)| {
            let mut out = json!({ "index": index, "source": class.source, "name": class.name });
            if class.background {
                out["background"] = json!(true);
            }
            out
        })
        .collect()
}

/// What the label map of a dataset made of each class of its files: what a [`ClassChange`] says, and `index` (the position of
/// what it became among the classes, null for none), `instances` and `frames`. Empty where there is no map.
pub fn mapped_classes(dataset: &Dataset) -> Value {
    let Some(mapped) = &dataset.mapped else { return json!([]) };
    let row = |(at, source): (usize, &SourceClass)| {
        let (becomes, index) = match mapped.fates.of(at) {
            Fate::Class(class) => (Becomes::Class(dataset.classes.name(class).to_owned()), Some(class)),
            Fate::Background => (Becomes::Background, None),
            Fate::LeftOut => (Becomes::LeftOut, None),
        };
        let SourceClass { class, instances, frames } = source;
        let change = ClassChange { class: class.name.clone(), source: class.source.clone(), becomes };
        let mut row = json!(change);
        row["index"] = json!(index);
        row["instances"] = json!(instances);
        row["frames"] = json!(frames);
        row
    };
    mapped.sources.iter().enumerate().map(row).collect()
}

fn video(video: &VideoEntry) -> Value {
    let facts = video.facts.clone().unwrap_or_default();
    let picture = super::scan::is_image(&video.path);
    let folder = video.path.is_dir();
    let kind = match (folder, picture) {
        (true, _) => "frames",
        (_, true) => "picture",
        _ => "video",
    };
    json!({
        "path": video.name,
        "name": super::scan::stem(&video.path),
        "kind": kind,
        "frames": counted(video, facts.frames),
        "fps": (if kind == "video" { Some(facts.fps).filter(|f| *f > 0.0) } else { video.stated_rate }).map(fraction),
        "width": facts.width,
        "height": facts.height,
        "subject": video.subject,
        "split": video.split.name(),
    })
}

/// A frame number as lists count the pictures of a folder: a missing picture, which keeps its number elsewhere, has none.
pub(super) fn counted(video: &VideoEntry, frame: u32) -> u32 {
    let gaps = video.facts.iter().flat_map(|f| &f.gaps).filter(|_| video.path.is_dir());
    frame - gaps.map(|(start, end)| (*end).min(frame).saturating_sub(*start)).sum::<u32>().min(frame)
}

/// A rate as a fraction of whole numbers: those of NTSC over 1001, others over 1 or a power of ten.
fn fraction(fps: f64) -> String {
    let near = |a: f64| (a - a.round()).abs() < 1e-3 * a.max(1.0) / 30.0;
    match fps {
        fps if near(fps) => format!("{}/1", fps.round()),
        fps if near(fps * 1.001) => format!("{}/1001", (fps * 1.001).round() * 1000.0),
        fps => format!("{}/1000", (fps * 1000.0).round()),
    }
}

fn instance(root: &Path, video: &VideoEntry, instance: &Instance) -> Value {
    let mut out = json!({
        "video": video.name,
        "start_frame": counted(video, instance.start),
        "end_frame": counted(video, instance.end),
        "classes": instance.label.classes(),
    });
    if instance.label == InstanceLabel::Background {
        out["background"] = json!(true);
    }
    if let Some((start, end)) = instance.seconds {
        (out["start_s"], out["end_s"]) = (json!(rounded(start)), json!(rounded(end)));
    }
    if let Some(file) = &instance.file
        && instance.line > 0
    {
        (out["file"], out["line"]) = (json!(relative(root, file)), json!(instance.line));
    }
    let Some(details) = &instance.details else { return out };
    if let Some(key) = details.key_frame {
        out["key_frame"] = json!(key);
    }
    match details.boxes.as_slice() {
        [] => {}
        [one] if details.key_frame.is_some() => out["box"] = json!(one.corners),
        boxes => {
            let row = |b: &FrameBox| (b.frame, b.corners);
            out["boxes"] = boxes.iter().map(row).map(|(f, [l, t, r, b])| json!([f, l, t, r, b])).collect();
        }
    }
    if let Some(subject) = &details.subject {
        out["subject"] = json!(subject);
    }
    let modifiers: Vec<&str> = details.notes.iter().filter(|n| n.0 == MODIFIERS).map(|n| n.1.as_str()).collect();
    if !modifiers.is_empty() {
        out[MODIFIERS] = json!(modifiers);
    }
    for (name, text) in details.notes.iter().filter(|n| n.0 != MODIFIERS) {
        out[*name] = text.parse::<i64>().map_or_else(|_| json!(text), |n| json!(n));
    }
    out
}

fn rounded(seconds: f64) -> f64 {
    (seconds * 1e6).round() / 1e6
}

fn ledger(dataset: &Dataset) -> Value {
    let root = dataset.root.as_path();
    let entries = |entries: &[LedgerEntry]| -> Vec<Value> {
        let entry = |e: &LedgerEntry| {
            let mut out = json!({ "file": relative(root, &e.file), "line": e.line, "reason": e.reason.name() });
            if e.rows != 1 {
                out["rows"] = json!(e.rows);
            }
            if let Some(video) = &e.video {
                out["video"] = json!(video);
            }
            if !e.text.is_empty() {
                out["text"] = json!(e.text);
            }
            out
        };
        entries.iter().map(entry).collect()
    };
    let ledger = &dataset.ledger;
    let unlisted: Vec<String> = ledger.unlisted.iter().map(|p| relative(root, p)).collect();
    json!({
        "rows": ledger.rows,
        "used": ledger.used(),
        "unlabelled": entries(&ledger.unlabelled),
        "ignored": entries(&ledger.ignored),
        "adjusted": entries(&ledger.adjusted),
        "videos_unlisted": unlisted,
    })
}

/// Sums of one split.
#[derive(Default)]
struct Counts {
    videos: u64,
    instances: u64,
    unlabelled: u64,
    per_class: Vec<u64>,
    /// A frame counts once a class and video, however many instances hold it.
    frames: Vec<u64>,
}

fn counts(dataset: &Dataset) -> Value {
    let mut by: BTreeMap<&'static str, Counts> = BTreeMap::new();
    let classes = dataset.classes.len();
    for video in &dataset.videos {
        let counts = by.entry(video.split.name()).or_default();
        counts.per_class.resize(classes, 0);
        counts.frames.resize(classes, 0);
        counts.videos += 1;
        let mut parts: Vec<(usize, u32, u32)> = Vec::new();
        for instance in &video.instances {
            match instance.label.is_labelled() {
                true => counts.instances += 1,
                false => counts.unlabelled += 1,
            }
            for class in instance.label.classes() {
                if let Some(n) = counts.per_class.get_mut(*class) {
                    *n += 1;
                }
                parts.push((*class, counted(video, instance.start), counted(video, instance.end)));
            }
        }
        parts.sort_unstable();
        let mut reach = (usize::MAX, 0);
        for (class, start, end) in parts {
            let from = if reach.0 == class { start.max(reach.1) } else { start };
            if let Some(n) = counts.frames.get_mut(class) {
                *n += u64::from(end.saturating_sub(from));
            }
            reach = (class, if reach.0 == class { reach.1.max(end) } else { end });
        }
    }
    let table = |of: &dyn Fn(&Counts) -> Value| -> Map<String, Value> {
        by.iter().map(|(split, counts)| ((*split).to_owned(), of(counts))).collect()
    };
    json!({
        "videos": table(&|c| json!(c.videos)),
        "instances": table(&|c| json!(c.instances)),
        "unlabelled_instances": table(&|c| json!(c.unlabelled)),
        "instances_per_class": table(&|c| json!(c.per_class)),
        "frames_per_class": table(&|c| json!(c.frames)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_fractions() {
        for (fps, text) in [
            (30.0, "30/1"),
            (30_000.0 / 1001.0, "30000/1001"),
            (60_000.0 / 1001.0, "60000/1001"),
            (24_000.0 / 1001.0, "24000/1001"),
            (12.0, "12/1"),
            (12.5, "12500/1000"),
        ] {
            assert_eq!(fraction(fps), text);
        }
    }
}
