//! Corrections as a document.

use crate::domain::{Correction, CorrectionKind, Dataset, DatasetCorrections, LabelledPart, PartLabel};
use serde_json::{Value, json};

/// The corrections of a dataset: `file`, how many are `changed`, `added`, `removed` and `not_applied`, and with `list` each of
/// them; null where there are none.
pub fn corrections_document(dataset: &Dataset, list: bool) -> Value {
    let Some(corrections) = &dataset.corrections else { return Value::Null };
    let counts = corrections.counts();
    let mut out = json!({
        "file": corrections.file,
        "changed": counts.changed,
        "added": counts.added,
        "removed": counts.removed,
        "not_applied": counts.not_applied,
    });
    if list {
        out["list"] = each(corrections).map(|(video, c, why)| row(video, c, why)).collect();
    }
    out
}

/// Every correction with its video, and why it is not applied where it is not.
pub fn each(corrections: &DatasetCorrections) -> impl Iterator<Item = (&str, &Correction, Option<&str>)> {
    corrections.all.videos.iter().flat_map(|(video, of_video)| {
        let known = corrections.videos.get(video);
        let missing = corrections.missing.contains(video).then_some("the dataset has no such video");
        of_video.iter().enumerate().map(move |(at, correction)| {
            let unfit = known.and_then(|k| k.unfit.iter().find(|(place, _)| *place == at)).map(|(_, why)| why.as_str());
            (video.as_str(), correction, missing.or(unfit))
        })
    })
}

fn part(part: Option<&LabelledPart>) -> Value {
    let Some(LabelledPart { start, end, label }) = part else { return Value::Null };
    let mut out = json!({ "start_frame": start, "end_frame": end });
    match label {
        PartLabel::Unlabelled => out["classes"] = json!([]),
        PartLabel::Background => out["background"] = json!(true),
        PartLabel::Classes(names) => out["classes"] = json!(names),
    }
    out
}

fn row(video: &str, correction: &Correction, why: Option<&str>) -> Value {
    let kind = match correction.kind() {
        CorrectionKind::Changed => "changed",
        CorrectionKind::Added => "added",
        CorrectionKind::Removed => "removed",
    };
    json!({
        "video": video,
        "kind": kind,
        "original": part(correction.original.as_ref()),
        "corrected": part(correction.corrected.as_ref()),
        "made_unix": correction.made_unix,
        "note": correction.note,
        "applied": why.is_none(),
        "reason": why,
    })
}
