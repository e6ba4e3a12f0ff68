//! CVAT for video 1.1: an XML file a video, a track a labelled part, with the class in the attribute `action`. Boxes are those of
//! the dataset, else the whole picture.

use super::{Labelled, Part, Told, WrittenLabels, corners, file};
use crate::data::DataError;
use quick_xml::escape::escape;
use std::collections::HashSet;
use std::io::{self, Write};
use std::path::Path;

/// The label of tracks of the dataset, and of what a network said.
const LABELS: [&str; 2] = ["person", "prediction"];
/// The attribute with the class. That of predictions has another name, so that nobody takes them for labels.
const CLASS: [&str; 2] = ["action", "predicted"];
/// Characters of a file name.
const NAME: usize = 120;

pub(super) fn write(told: &Told<'_>, out: &Path, written: &mut WrittenLabels) -> Result<(), DataError> {
    let mut taken = HashSet::new();
    for (i, video) in told.videos.iter().enumerate() {
        told.at(i)?;
        let path = out.join(file_name(&video.entry.name, &mut taken));
        file(path, written, |out| document(told, video, i, out))?;
        written.videos += 1;
        written.parts += video.parts.len() as u64;
        written.said += video.said.len() as u64;
    }
    Ok(())
}

/// A name of its own for the file of a video, whatever folder the video is in.
fn file_name(video: &str, taken: &mut HashSet<String>) -> String {
    let plain: String = video.chars().map(|c| if "/\\:*?\"<>|".contains(c) { '_' } else { c }).take(NAME).collect();
    let free = |name: &String| !taken.contains(&name.to_lowercase());
    let numbered = (2..).map(|n| format!("{plain}_{n}.xml"));
    let name = std::iter::once(format!("{plain}.xml")).chain(numbered).find(free).unwrap_or_default();
    taken.insert(name.to_lowercase());
    name
}

fn document(told: &Told<'_>, video: &Labelled<'_>, id: usize, out: &mut dyn Write) -> io::Result<()> {
    let (name, frames) = (escape(&video.entry.name), video.frames);
    writeln!(
        out,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <task>"
    )?;
    writeln!(out, "      <id>{}</id>\n      <name>{name}</name>\n      <size>{frames}</size>", id + 1)?;
    writeln!(out, "      <mode>interpolation</mode>\n      <overlap>0</overlap>\n      <flipped>False</flipped>")?;
    writeln!(out, "      <start_frame>0</start_frame>\n      <stop_frame>{}</stop_frame>", frames.saturating_sub(1))?;
    writeln!(out, "      <frame_filter></frame_filter>\n      <labels>")?;
    labels(told, out)?;
    writeln!(out, "      </labels>\n      <original_size>\n        <width>{}</width>", video.facts.width)?;
    writeln!(out, "        <height>{}</height>\n      </original_size>", video.facts.height)?;
    writeln!(out, "      <source>{name}</source>\n    </task>\n  </meta>")?;
    let class = |class: usize| told.classes.get(class).copied().unwrap_or_default();
    for (track, part) in video.parts.iter().enumerate() {
        let attribute = attribute(CLASS[0], class(part.class));
        write_track(video, part, (track, LABELS[0]), &attribute, out)?;
    }
    for (track, said) in (video.parts.len()..).zip(&video.said) {
        let part = Part { start: said.start, end: said.end, class: 0, boxes: &[] };
        let attributes =
            [attribute(CLASS[1], &said.class), attribute("confidence", &format!("{:.6}", said.confidence))];
        write_track(video, &part, (track, LABELS[1]), &attributes.concat(), out)?;
    }
    writeln!(out, "</annotations>")
}

/// The labels of the task with their attributes.
fn labels(told: &Told<'_>, out: &mut dyn Write) -> io::Result<()> {
    let values = told.classes.iter().map(|c| escape(*c).into_owned()).collect::<Vec<_>>().join("\n");
    let select = |name: &str| {
        format!(
            "            <attribute>\n              <name>{name}</name>\n              <mutable>False</mutable>\n              \
             <input_type>select</input_type>\n              <default_value>__undefined__</default_value>\n              \
             <values>__undefined__\n{values}</values>\n            </attribute>\n"
        )
    };
    let number = "            <attribute>\n              <name>confidence</name>\n              <mutable>False</mutable>\n              \
                  <input_type>text</input_type>\n              <default_value></default_value>\n              <values></values>\n            \
                  </attribute>\n";
    let of_predictions = select(CLASS[1]) + number;
    let all = [(LABELS[0], select(CLASS[0])), (LABELS[1], of_predictions)];
    for (label, attributes) in all.iter().take(1 + usize::from(told.has_predictions)) {
        write!(
            out,
            "        <label>\n          <name>{label}</name>\n          <attributes>\n{attributes}          </attributes>\n        \
             </label>\n"
        )?;
    }
    Ok(())
}

fn attribute(name: &str, value: &str) -> String {
    format!("<attribute name=\"{name}\">{}</attribute>", escape(value))
}

/// A box on every frame of a part, and one outside behind it.
fn write_track(
    video: &Labelled<'_>,
    part: &Part<'_>,
    (track, label): (usize, &str),
    attributes: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "  <track id=\"{track}\" label=\"{label}\" source=\"file\">")?;
    let mut before = None;
    for frame in part.start..part.end {
        let corners = corners(video, part, frame);
        let key = u8::from(before != Some(corners));
        before = Some(corners);
        write_box(out, frame, (0, key), corners, attributes)?;
    }
    if part.end < video.frames {
        write_box(out, part.end, (1, 1), before.unwrap_or_default(), attributes)?;
    }
    writeln!(out, "  </track>")
}

fn write_box(
    out: &mut dyn Write,
    frame: u32,
    (outside, key): (u8, u8),
    [l, t, r, b]: [f64; 4],
    attributes: &str,
) -> io::Result<()> {
    writeln!(
        out,
        "    <box frame=\"{frame}\" keyframe=\"{key}\" outside=\"{outside}\" occluded=\"0\" xtl=\"{l:.2}\" ytl=\"{t:.2}\" \
         xbr=\"{r:.2}\" ybr=\"{b:.2}\" z_order=\"0\">{attributes}</box>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_video_has_a_file_of_its_own() {
        let mut taken = HashSet::new();
        let names = ["a/b.mp4", "a_b.mp4", "A_B.mp4", "c:d"].map(|n| file_name(n, &mut taken));
        assert_eq!(names, ["a_b.mp4.xml", "a_b.mp4_2.xml", "A_B.mp4_3.xml", "c_d.xml"]);
    }
}
