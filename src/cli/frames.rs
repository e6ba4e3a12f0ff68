//! What became of the frames of a dataset, as text.

use crate::domain::{FrameUse, NoClip, Split, grouped};
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// Short instances named one by one.
const SHOWN: usize = 10;

/// A table with a column a part: all frames, those in clips, and the others by reason.
pub(super) fn table(uses: &[(Split, FrameUse)]) -> String {
    let mut out = String::new();
    let name = |split: Split| if split == Split::Unassigned { "no part" } else { split.name() };
    let row = |title: &str, of: &dyn Fn(&FrameUse) -> u64| {
        let cells = uses.iter().map(|(_, part)| format!("{:>12}", grouped(of(part))));
        format!("{title:<56}{}\n", cells.collect::<String>())
    };
    let heads = uses.iter().map(|(split, _)| format!("{:>12}", name(*split)));
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{:<56}{}", "frames", heads.collect::<String>());
    out += &row("  all", &|part| part.frames);
    out += &row("  in clips", &|part| part.in_clips);
    out += &row("  in none", &FrameUse::unused);
    for reason in NoClip::ALL {
        if uses.iter().any(|(_, part)| part.unused_for(reason) > 0) {
            let title = format!("    {}", reason.words());
            out += &row(&title, &|part| part.unused_for(reason));
        }
    }
    if uses.iter().any(|(_, part)| part.short.parts > 0) {
        out += &row("instances shorter than a clip", &|part| part.short.parts);
        out += &row("  their clips", &|part| part.short.clips);
        out += &row("  frames these repeat", &|part| part.short.repeated_frames);
    }
    for (split, part) in uses {
        out += &short(part, &format!("{}: ", name(*split)));
    }
    out
}

/// Short instances one by one.
fn short(part: &FrameUse, before: &str) -> String {
    let mut out = String::new();
    for s in part.short.list.iter().take(SHOWN) {
        let _ = writeln!(
            out,
            "  {before}{} frames {} to {}: {} frames, {} of its clip repeated",
            s.video,
            s.start,
            s.end.saturating_sub(1),
            s.end - s.start,
            grouped(s.repeated)
        );
    }
    if part.short.parts > SHOWN as u64 {
        let _ = writeln!(out, "  {before}and {} more", grouped(part.short.parts - SHOWN as u64));
    }
    out
}

/// The same of one part, in a few lines.
pub(super) fn text(part: &FrameUse) -> String {
    let mut sentences = part.sentences().into_iter();
    let mut out = sentences.next().unwrap_or_default() + "\n";
    for unused in &part.in_none {
        let _ = writeln!(out, "  {:>10} {}", grouped(unused.frames), unused.reason.words());
    }
    for sentence in sentences {
        out += &sentence;
        out.push('\n');
    }
    out + &short(part, "")
}

/// By the name of each part.
pub(super) fn document(uses: &[(Split, FrameUse)]) -> Value {
    let part = |(split, part): &(Split, FrameUse)| (split.name().to_owned(), json!(part));
    Value::Object(uses.iter().map(part).collect::<Map<String, Value>>())
}
