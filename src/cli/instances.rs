//! What was read of a dataset, for people: classes, videos, choices, and what became of the rows of its files.

use crate::domain::{ClassChange, Dataset, Ledger, LedgerEntry, Reason, counted, grouped};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::path::Path;

/// Entries of the ledger shown one by one; the JSON document has all.
const SHOWN: usize = 30;

/// The three lists of a ledger.
fn lists(ledger: &Ledger) -> [(&'static str, &[LedgerEntry]); 3] {
    [("unlabelled", &ledger.unlabelled), ("ignored", &ledger.ignored), ("adjusted", &ledger.adjusted)]
}

fn rows(entries: &[LedgerEntry]) -> u64 {
    entries.iter().map(|e| e.rows).sum()
}

/// How many rows became what, and why.
pub(super) fn ledger_totals(dataset: &Dataset) -> Value {
    let ledger = &dataset.ledger;
    let mut out = json!({
        "rows": ledger.rows, "used": ledger.used(), "videos_unlisted": ledger.unlisted.len(), "reasons": {},
    });
    for (name, entries) in lists(ledger) {
        out[name] = json!(rows(entries));
        let reasons: Map<String, Value> =
            Ledger::totals(entries).into_iter().map(|(reason, n)| (reason.name().to_owned(), json!(n))).collect();
        out["reasons"][name] = Value::Object(reasons);
    }
    out
}

/// Choices and totals in a few lines; empty where a dataset has neither.
pub(super) fn summary(dataset: &Dataset) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    for c in &dataset.choices {
        let options = if c.options.is_empty() { String::new() } else { format!(" (one of {})", c.options.join(", ")) };
        let options = if c.several { options.replace("(one of", "(some of") } else { options };
        let _ = writeln!(out, "choice {}={}: {}{options}", c.key, c.value, c.question);
    }
    for words in dataset.mapped.iter().flat_map(|m| ClassChange::words(&m.changes)) {
        let _ = writeln!(out, "label map: {words}");
    }
    if let Some(corrections) = &dataset.corrections {
        let file = corrections.file.as_ref().map_or_else(String::new, |f| format!(" by {}", f.display()));
        let _ = writeln!(out, "labels: {}{file}", corrections.counts().words());
    }
    let ledger = &dataset.ledger;
    if ledger.rows == 0 {
        return out;
    }
    let _ = writeln!(
        out,
        "{} of the files: {} used, {} unlabelled, {} ignored; {} of the used ones adjusted",
        counted(ledger.rows, "row"),
        grouped(ledger.used()),
        grouped(rows(&ledger.unlabelled)),
        grouped(rows(&ledger.ignored)),
        grouped(rows(&ledger.adjusted))
    );
    for (name, entries) in lists(ledger) {
        for (reason, n) in Ledger::totals(entries) {
            let _ = writeln!(out, "  {:>9} {name}: {} ({})", grouped(n), reason.words(), reason.name());
        }
    }
    if !ledger.unlisted.is_empty() {
        let _ = writeln!(out, "{} on disk that no usable row names", counted(ledger.unlisted.len() as u64, "video"));
    }
    out
}

/// Everything that was read, as tables.
pub(super) fn text(dataset: &Dataset) -> String {
    let mut out = String::new();
    let instances: usize = dataset.videos.iter().map(|v| v.instances.len()).sum();
    let _ = writeln!(
        out,
        "{}: format {}, {}, {}, {}, {}\n",
        dataset.root.display(),
        dataset.format,
        dataset.task.name(),
        counted(dataset.classes.len() as u64, "class"),
        counted(dataset.videos.len() as u64, "video"),
        counted(instances as u64, "instance")
    );
    classes(dataset, &mut out);
    videos(dataset, &mut out);
    let summary = summary(dataset);
    let _ = write!(out, "\n{summary}");
    for (name, entries) in lists(&dataset.ledger) {
        entries_of(dataset, name, entries, &mut out);
    }
    for video in dataset.ledger.unlisted.iter().take(SHOWN) {
        let _ = writeln!(out, "unlisted    {}", below(dataset, video));
    }
    out
}

/// Width of a column of texts.
fn width<'a>(texts: impl Iterator<Item = &'a str>, least: usize) -> usize {
    texts.map(|t| t.chars().count()).max().unwrap_or(0).clamp(least, 48)
}

fn classes(dataset: &Dataset, out: &mut String) {
    let mut instances = vec![0_u64; dataset.classes.len()];
    let labels = dataset.videos.iter().flat_map(|v| v.instances.iter().flat_map(|i| i.label.classes()));
    for class in labels {
        instances.get_mut(*class).into_iter().for_each(|n| *n += 1);
    }
    let wide = width(dataset.classes.classes.iter().map(|c| c.name.as_str()), 5);
    let _ = writeln!(out, "{:>5}  {:>8}  {:<wide$}  {:>9}", "index", "source", "class", "instances");
    for (i, (class, n)) in dataset.classes.classes.iter().zip(instances).enumerate() {
        let source = class.source.as_deref().unwrap_or("-");
        let mark = if class.background { "  background" } else { "" };
        let _ = writeln!(out, "{i:>5}  {source:>8}  {:<wide$}  {:>9}{mark}", class.name, grouped(n));
    }
}

fn videos(dataset: &Dataset, out: &mut String) {
    let wide = width(dataset.videos.iter().map(|v| v.name.as_str()), 5);
    let _ = writeln!(
        out,
        "\n{:<wide$}  {:<10}  {:<10}  {:>7}  {:>7}  {:>9}  {:>10}",
        "video", "split", "subject", "frames", "fps", "instances", "unlabelled"
    );
    for video in &dataset.videos {
        let fps = video.facts.as_ref().map_or(0.0, |f| f.fps);
        let unlabelled = video.instances.iter().filter(|i| !i.label.is_labelled()).count();
        let _ = writeln!(
            out,
            "{:<wide$}  {:<10}  {:<10}  {:>7}  {fps:>7.3}  {:>9}  {unlabelled:>10}",
            video.name,
            video.split.name(),
            video.subject,
            video.frames(),
            video.instances.len() - unlabelled
        );
    }
}

/// A path below the dataset.
fn below(dataset: &Dataset, path: &Path) -> String {
    let root = if dataset.root.is_file() { dataset.root.parent().unwrap_or(&dataset.root) } else { &dataset.root };
    path.strip_prefix(root).unwrap_or(path).display().to_string()
}

fn entries_of(dataset: &Dataset, name: &str, entries: &[LedgerEntry], out: &mut String) {
    for entry in entries.iter().take(SHOWN) {
        let rows = if entry.rows == 1 { String::new() } else { format!(" ({})", counted(entry.rows, "row")) };
        let text = if entry.text.is_empty() { String::new() } else { format!(": {}", entry.text) };
        let video = entry.video.as_ref().map_or_else(String::new, |v| format!(", {v}"));
        let reason: Reason = entry.reason;
        let _ = writeln!(
            out,
            "{name:<10}  {} line {}{rows}{video}: {}{text}",
            below(dataset, &entry.file),
            entry.line,
            reason.words()
        );
    }
    if entries.len() > SHOWN {
        let _ = writeln!(out, "{name:<10}  and {} more, which --json lists", entries.len() - SHOWN);
    }
}
