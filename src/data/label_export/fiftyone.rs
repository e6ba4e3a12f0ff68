//! FiftyOne: `labels.json` and `predictions.json` in the format of its temporal detection datasets, `data.json` beside them with
//! the place of each video, and `dataset.json`, which has all of it for `fiftyone.Dataset.from_json`. Datasets of pictures become
//! image classification datasets.
//!
//! Frames of a support count from 1, both ends inside.

use super::{Labelled, Told, WrittenLabels, file};
use crate::data::DataError;
use crate::data::scan::is_image;
use crate::domain::name_text;
use serde_json::{Map, Value, json};
use std::collections::HashSet;
use std::path::Path;

pub(super) const FILES: [&str; 4] = ["labels.json", "predictions.json", "data.json", "dataset.json"];

pub(super) fn write(told: &Told<'_>, out: &Path, written: &mut WrittenLabels) -> Result<(), DataError> {
    let videos: Vec<&Labelled<'_>> = told.videos.iter().filter(|v| !v.entry.path.is_dir()).collect();
    let folders = told.videos.len() - videos.len();
    if folders > 0 {
        written.left_out.push(format!(
            "{folders} folders of frames are no videos to FiftyOne and are not written; encode them as videos first"
        ));
    }
    if videos.is_empty() {
        let reason = "FiftyOne has no videos that are folders of frames; encode them as videos first".to_owned();
        return Err(DataError::NothingToExport { path: told.dataset.root.clone(), reason });
    }
    let pictures = videos.iter().all(|v| is_image(&v.entry.path));
    let keys = keys(&videos);
    let data: Map<String, Value> =
        keys.iter().zip(&videos).map(|((_, file), v)| (file.clone(), json!(place(v)))).collect();
    let of = |labels: &dyn Fn(&Labelled<'_>) -> Value| {
        let all: Map<String, Value> = keys.iter().zip(&videos).map(|((key, _), v)| (key.clone(), labels(v))).collect();
        json!({ "classes": told.classes, "labels": all })
    };
    let (labels, said) = if pictures {
        (of(&|v| classification(told, v)), of(&|v| said_of_picture(v)))
    } else {
        (of(&|v| supports(told, v)), of(&|v| said_supports(v)))
    };
    told.at(0)?;
    json_file(out, FILES[2], &Value::Object(data), written)?;
    json_file(out, FILES[0], &labels, written)?;
    if told.has_predictions {
        json_file(out, FILES[1], &said, written)?;
    } else {
        // Those of an earlier export would stand beside labels that they do not belong to.
        let _ = std::fs::remove_file(out.join(FILES[1]));
    }
    json_file(out, FILES[3], &dataset(told, &videos, pictures), written)?;
    written.videos = videos.len() as u64;
    written.parts = videos.iter().map(|v| v.parts.len() as u64).sum();
    written.said = videos.iter().map(|v| v.said.len() as u64).sum();
    Ok(())
}

fn json_file(out: &Path, name: &str, value: &Value, written: &mut WrittenLabels) -> Result<(), DataError> {
    file(out.join(name), written, |out| serde_json::to_writer_pretty(out, value).map_err(Into::into))
}

/// Where a video lies.
fn place(video: &Labelled<'_>) -> String {
    let path = &video.entry.path;
    name_text(std::path::absolute(path).unwrap_or_else(|_| path.clone()).as_os_str())
}

/// The key of each video among the labels, and its name in the list of files, which FiftyOne cuts at the last dot. Where two videos
/// differ in nothing but that, all are numbered.
fn keys(videos: &[&Labelled<'_>]) -> Vec<(String, String)> {
    let cut = |name: &str| match name.rsplit_once('.') {
        Some((stem, end)) if !end.contains('/') && !stem.is_empty() && !stem.ends_with('/') => stem.to_owned(),
        _ => name.to_owned(),
    };
    let all: Vec<(String, String)> = videos.iter().map(|v| (cut(&v.entry.name), v.entry.name.clone())).collect();
    let distinct: HashSet<&String> = all.iter().map(|(key, _)| key).collect();
    if distinct.len() == all.len() {
        return all;
    }
    (0..all.len()).map(|i| (format!("{i:06}"), format!("{i:06}.video"))).collect()
}

/// Parts as temporal detections.
fn supports(told: &Told<'_>, video: &Labelled<'_>) -> Value {
    let class = |class: usize| told.classes.get(class).copied().unwrap_or_default();
    video.parts.iter().map(|p| json!({ "label": class(p.class), "support": [p.start + 1, p.end] })).collect()
}

/// What was said as temporal detections.
fn said_supports(video: &Labelled<'_>) -> Value {
    let said = video.said.iter();
    said.map(|s| json!({ "label": s.class, "support": [s.start + 1, s.end], "confidence": s.confidence })).collect()
}

/// The class of a picture.
fn classification(told: &Told<'_>, video: &Labelled<'_>) -> Value {
    video.parts.first().map_or(Value::Null, |p| json!(told.classes.get(p.class)))
}

fn said_of_picture(video: &Labelled<'_>) -> Value {
    video.said.first().map_or(Value::Null, |s| json!({ "label": s.class, "confidence": s.confidence }))
}

/// The one class of a whole video; `None` where it has several, or none.
fn only_class<'a>(told: &'a Told<'_>, video: &Labelled<'_>) -> Option<&'a str> {
    let first = video.parts.first()?.class;
    let one = video.parts.iter().all(|p| p.class == first);
    one.then(|| told.classes.get(first).copied()).flatten()
}

/// The dataset as `fiftyone.core.collections.SampleCollection.write_json` has it.
fn dataset(told: &Told<'_>, videos: &[&Labelled<'_>], pictures: bool) -> Value {
    let document = |of: &str| format!("fiftyone.core.fields.EmbeddedDocumentField(fiftyone.core.{of})");
    let mut fields = json!({
        "filepath": "fiftyone.core.fields.StringField",
        "tags": "fiftyone.core.fields.ListField(fiftyone.core.fields.StringField)",
        "metadata": document(if pictures { "metadata.ImageMetadata" } else { "metadata.VideoMetadata" }),
        "label": document("labels.Classification"),
        "subject": "fiftyone.core.fields.StringField",
    });
    let detections = document("labels.TemporalDetections");
    if pictures {
        fields["predictions"] = json!(document("labels.Classification"));
    } else {
        fields["events"] = json!(detections);
        fields["predictions"] = json!(detections);
    }
    let classes = |name: &str| json!({ name: told.classes });
    json!({
        "name": told.dataset.name,
        "media_type": if pictures { "image" } else { "video" },
        "num_samples": videos.len(),
        "tags": [],
        "sample_fields": fields,
        "frame_fields": {},
        "info": { "format": told.dataset.format },
        "classes": classes("label"),
        "default_classes": told.classes,
        "samples": videos.iter().map(|v| sample(told, v, pictures)).collect::<Vec<_>>(),
    })
}

fn sample(told: &Told<'_>, video: &Labelled<'_>, picture: bool) -> Value {
    let (facts, entry) = (video.facts, video.entry);
    let class = |label: &str, confidence: Option<f32>| {
        let mut out = json!({ "_cls": "Classification", "tags": [], "label": label });
        out["confidence"] = json!(confidence);
        out
    };
    let events = |rows: Value| {
        let cls = |mut row: Value| {
            row["_cls"] = json!("TemporalDetection");
            row["tags"] = json!([]);
            row
        };
        let rows: Vec<Value> = rows.as_array().into_iter().flatten().cloned().map(cls).collect();
        json!({ "_cls": "TemporalDetections", "detections": rows })
    };
    let metadata = match picture {
        true => json!({ "_cls": "ImageMetadata", "width": facts.width, "height": facts.height }),
        false => json!({
            "_cls": "VideoMetadata", "frame_width": facts.width, "frame_height": facts.height, "frame_rate": facts.fps,
            "total_frame_count": facts.frames, "duration": facts.duration_s, "encoding_str": facts.codec,
        }),
    };
    let mut out = json!({
        "filepath": place(video),
        "tags": [entry.split.name()],
        "_media_type": if picture { "image" } else { "video" },
        "metadata": metadata,
        "label": only_class(told, video).map(|c| class(c, None)),
        "subject": entry.subject,
    });
    if picture {
        out["predictions"] = json!(video.said.first().map(|s| class(&s.class, Some(s.confidence))));
    } else {
        out["events"] = events(supports(told, video));
        out["predictions"] = if told.has_predictions { events(said_supports(video)) } else { Value::Null };
        out["frames"] = json!({});
    }
    out
}
