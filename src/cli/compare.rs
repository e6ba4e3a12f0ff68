//! `kinolens compare`: runs side by side on the same clips.

use super::Exit;
use super::args::CompareArgs;
use super::common::{Outcome, class_match, comparison_of, run_job, runs_and_dataset};
use super::monitor::{TerminalMonitor, print_json, print_line};
use super::output::refuse_overwrite;
use crate::compare::{Comparison, is_comparison_file};
use crate::jobs::LaneState;
use anyhow::anyhow;
use serde_json::{Value, json};
use std::process::ExitCode;

pub(super) fn compare(args: &CompareArgs) -> Outcome {
    if runs_and_dataset(&args.paths)?.0.len() < 2 {
        return Err(Exit::Usage(anyhow!("there is only one run; name at least two to compare")));
    }
    let class_match = class_match(&args.classes)?;
    refuse_overwrite(&args.to, is_comparison_file)?;
    let mut state = LaneState::default();
    let job = comparison_of(&args.paths, args.split, class_match, (args.time, args.seed), &mut state)?;
    let monitor = TerminalMonitor::new(false, 0);
    let compared = run_job(job, &monitor, &mut state)?;
    drop(monitor);
    let comparison = &compared.comparison;
    let files = args.to.out.as_ref().map(|out| comparison.write(out)).transpose()?;
    if args.json.json {
        print_json(&document(comparison, files.as_deref())?);
    } else {
        comparison.markdown().lines().for_each(print_line);
        files.iter().flatten().for_each(|f| eprintln!("{}", f.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The comparison as one document, with its tables by rows and the files written.
fn document(comparison: &Comparison, files: Option<&[std::path::PathBuf]>) -> Result<Value, Exit> {
    let mut document = serde_json::to_value(comparison)?;
    document["table"] = comparison.scores().json();
    document["interval_note"] = json!(comparison.interval_note());
    document["files"] = json!(files);
    Ok(document)
}
