//! `kinolens compare`: runs side by side on the same clips.

use super::Exit;
use super::args::CompareArgs;
use super::args::ReadingArgs;
use super::common::{
    Outcome, checkpoint_ref, class_match, open_dataset, run_job, runs_and_dataset, say_warnings, split_choice,
};
use super::monitor::{TerminalMonitor, print_json, print_line};
use super::output::refuse_overwrite;
use super::reading::data_config_of;
use crate::compare::{Comparison, is_comparison_file};
use crate::jobs::LaneState;
use crate::jobs::kinds::CompareRuns;
use anyhow::anyhow;
use serde_json::{Value, json};
use std::process::ExitCode;

pub(super) fn compare(args: &CompareArgs) -> Outcome {
    let (runs, dataset) = runs_and_dataset(&args.paths)?;
    let [first, _, ..] = runs else {
        return Err(Exit::Usage(anyhow!("there is only one run; name at least two to compare")));
    };
    let class_match = class_match(&args.classes)?;
    refuse_overwrite(&args.to, is_comparison_file)?;
    let mut state = LaneState::default();
    let dataset = match dataset {
        Some(path) => Some(open_dataset(path, &data_config_of(first, path, &ReadingArgs::default())?, &mut state)?),
        None => None,
    };
    dataset.as_deref().into_iter().for_each(say_warnings);
    let monitor = TerminalMonitor::new(false, 0);
    let job = CompareRuns {
        runs: runs.iter().map(|r| checkpoint_ref(r)).collect(),
        dataset,
        split: args.split.map(split_choice),
        class_match,
        time: args.time,
        seed: args.seed,
    };
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
