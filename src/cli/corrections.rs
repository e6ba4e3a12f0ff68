//! `kinolens corrections`: what is corrected of a dataset's labels, and the labels as files.

use super::args::CorrectionsArgs;
use super::common::{Outcome, open_whole, say_warnings};
use super::monitor::{print_json, print_line};
use super::output::refuse_overwrite;
use crate::config::DataConfig;
use crate::data::{LabelFiles, NO_CORRECTIONS, corrections_document, each_correction, is_label_output, write_labels};
use crate::domain::{DatasetCorrections, shell_quoted};
use crate::jobs::{JobError, LaneState};
use serde_json::json;
use std::path::Path;
use std::process::ExitCode;

pub(super) fn corrections(args: &CorrectionsArgs) -> Outcome {
    let mut data = DataConfig::default();
    args.reading.apply(&args.dataset, &mut data)?;
    refuse_overwrite(&args.to, is_label_output)?;
    let mut state = LaneState::default();
    let dataset = open_whole(&args.dataset, &data, &mut state)?;
    say_warnings(&dataset);
    let exported = args.to.out.as_ref().map(|out| write_labels(&dataset, out)).transpose();
    let exported = exported.map_err(JobError::from)?;
    if args.json.json {
        let mut document = json!({ "dataset": dataset.root, "corrections": corrections_document(&dataset, true) });
        if let Some(exported) = &exported {
            document["files"] = json!(exported.files);
            document["read_with"] = json!(read_with(exported));
            document["notes"] = json!(exported.notes);
        }
        print_json(&document);
        return Ok(ExitCode::SUCCESS);
    }
    match dataset.corrections.as_deref() {
        None => print_line("no labels are corrected"),
        Some(corrections) => say(corrections),
    }
    if let Some(exported) = exported {
        exported.notes.iter().for_each(|note| eprintln!("note: {note}"));
        exported.files.iter().for_each(|file| print_line(&file.display().to_string()));
        print_line(&format!("read them again: {}", read_with(&exported)));
    }
    Ok(ExitCode::SUCCESS)
}

/// How the files are read again.
fn read_with(exported: &LabelFiles) -> String {
    if let Some(folder) = exported.folder {
        return format!("put the folder {folder} in place of that of a copy of the dataset");
    }
    let Some(t) = &exported.table else { return String::new() };
    let file = shell_quoted(Path::new(&t.file));
    format!("--table {file} --columns {} --unit {} --corrections {NO_CORRECTIONS}", t.assignments(), t.unit.name())
}

fn say(corrections: &DatasetCorrections) {
    let file = corrections.file.as_ref().map_or_else(String::new, |f| format!(" ({})", f.display()));
    print_line(&format!("{}{file}", corrections.counts().words()));
    for (video, correction, why) in each_correction(corrections) {
        let note = if correction.note.is_empty() { String::new() } else { format!(" ({})", correction.note) };
        let not = why.map_or_else(String::new, |why| format!("; not applied: {why}"));
        print_line(&format!("{video}: {}{note}{not}", correction.words()));
    }
}
