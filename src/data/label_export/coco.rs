//! COCO for video as TAO has it: every frame an image of a video, every labelled part a track with an annotation on each of its
//! frames. What a network said is a list of results, as COCO's evaluation takes it.

use super::{Labelled, Part, Told, WrittenLabels, corners, file};
use crate::data::DataError;
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::Path;

/// Labels, and what a network said.
pub(super) const FILES: [&str; 2] = ["annotations.json", "predictions.json"];

pub(super) fn write(told: &Told<'_>, out: &Path, written: &mut WrittenLabels) -> Result<(), DataError> {
    told.at(0)?;
    file(out.join(FILES[0]), written, |out| annotations(told, out))?;
    if told.has_predictions {
        file(out.join(FILES[1]), written, |out| results(told, out))?;
    } else {
        // Those of an earlier export would stand beside labels that they do not belong to.
        let _ = std::fs::remove_file(out.join(FILES[1]));
    }
    written.videos = told.videos.len() as u64;
    written.parts = told.videos.iter().map(|v| v.parts.len() as u64).sum();
    written.said = told.videos.iter().map(|v| v.said.len() as u64).sum();
    Ok(())
}

/// Videos with their number and that of their first image, both from 1.
fn numbered<'a>(told: &'a Told<'a>) -> impl Iterator<Item = (u64, u64, &'a Labelled<'a>)> {
    let mut images = 1;
    (1..).zip(&told.videos).map(move |(id, video)| {
        let first = images;
        images += u64::from(video.frames);
        (id, first, video)
    })
}

/// Rows with commas between them.
struct Rows<'w> {
    out: &'w mut dyn Write,
    first: bool,
}

impl<'w> Rows<'w> {
    fn new(out: &'w mut dyn Write) -> Self {
        Self { out, first: true }
    }

    fn push(&mut self, row: &Value) -> io::Result<()> {
        write!(self.out, "{}{row}", if std::mem::take(&mut self.first) { "\n" } else { ",\n" })
    }
}

fn annotations(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    let info = json!({ "description": told.dataset.name, "version": "1.0" });
    let categories: Vec<Value> = (1..)
        .zip(&told.classes)
        .map(|(id, name)| json!({ "id": id, "name": name, "supercategory": "action" }))
        .collect();
    write!(out, "{{\"info\":{info},\"licenses\":[],\"categories\":{},\n\"videos\":[", Value::Array(categories))?;
    let mut rows = Rows::new(out);
    for (id, _, v) in numbered(told) {
        let facts = json!({ "fps": v.facts.fps, "frames": v.frames, "split": v.entry.split.name(), "subject": v.entry.subject });
        rows.push(&json!({
            "id": id, "name": v.entry.name, "width": v.facts.width, "height": v.facts.height, "metadata": facts,
            "neg_category_ids": [], "not_exhaustive_category_ids": [],
        }))?;
    }
    write!(out, "],\n\"images\":[")?;
    let mut rows = Rows::new(out);
    for (id, first, v) in numbered(told) {
        for (image, frame) in (first..).zip(0..v.frames) {
            rows.push(&json!({
                "id": image, "video_id": id, "frame_index": frame, "frame_id": frame, "width": v.facts.width,
                "height": v.facts.height, "file_name": format!("{}/{frame:06}.jpg", v.entry.name),
            }))?;
        }
    }
    write!(out, "],\n\"tracks\":[")?;
    let mut rows = Rows::new(out);
    let mut track = 0_u64;
    for (id, _, v) in numbered(told) {
        for part in &v.parts {
            track += 1;
            rows.push(&json!({
                "id": track, "video_id": id, "category_id": part.class + 1, "start_frame": part.start, "end_frame": part.end,
            }))?;
        }
    }
    write!(out, "],\n\"annotations\":[")?;
    let mut rows = Rows::new(out);
    let (mut track, mut annotation) = (0_u64, 0_u64);
    for (id, first, v) in numbered(told) {
        for part in &v.parts {
            track += 1;
            for frame in part.start..part.end {
                annotation += 1;
                let [left, top, right, bottom] = corners(v, part, frame);
                let (width, height) = (right - left, bottom - top);
                rows.push(&json!({
                    "id": annotation, "image_id": first + u64::from(frame), "video_id": id, "track_id": track,
                    "category_id": part.class + 1, "bbox": [left, top, width, height], "area": width * height, "iscrowd": 0,
                    "segmentation": [],
                }))?;
            }
        }
    }
    writeln!(out, "]}}")
}

fn results(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "[")?;
    let mut rows = Rows::new(out);
    let mut track = 0_u64;
    for (id, first, v) in numbered(told) {
        for said in &v.said {
            track += 1;
            let class = told.class(&said.class);
            let part = Part { start: said.start, end: said.end, class, boxes: &[] };
            let [left, top, right, bottom] = corners(v, &part, part.start);
            for frame in part.start..part.end {
                rows.push(&json!({
                    "image_id": first + u64::from(frame), "video_id": id, "track_id": track, "category_id": class + 1,
                    "bbox": [left, top, right - left, bottom - top], "score": said.confidence,
                }))?;
            }
        }
    }
    writeln!(out, "]")
}
