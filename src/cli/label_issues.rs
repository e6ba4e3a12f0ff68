//! `kinolens label-issues`: clips and edges of segments whose labels are in doubt.

use super::Exit;
use super::args::LabelIssuesArgs;
use super::common::{Outcome, class_match, comparison_of, run_job, runs_and_dataset};
use super::monitor::{TerminalMonitor, print_json, print_line};
use super::output::refuse_overwrite;
use crate::compare::LabelIssues;
use crate::domain::counted;
use crate::jobs::LaneState;
use crate::jobs::kinds::FindLabelIssues;
use anyhow::anyhow;
use serde_json::json;
use std::process::ExitCode;

/// No numbers are drawn.
const SEED: u64 = 0;

pub(super) fn label_issues(args: &LabelIssuesArgs) -> Outcome {
    if runs_and_dataset(&args.paths)?.0.is_empty() {
        return Err(Exit::Usage(anyhow!("name at least one run")));
    }
    let class_match = class_match(&args.classes)?;
    refuse_overwrite(&args.to, LabelIssues::is_file)?;
    let mut state = LaneState::default();
    let runs = comparison_of(&args.paths, args.split, class_match, (false, SEED), &mut state)?;
    let monitor = TerminalMonitor::new(false, 0);
    let found = run_job(FindLabelIssues { runs }, &monitor, &mut state)?;
    drop(monitor);
    let files = args.to.out.as_ref().map(|out| found.write(out)).transpose()?;
    let mut listed = LabelIssues::clone(&found);
    listed.issues.truncate(args.top);
    listed.edges.truncate(args.top);
    if args.json.json {
        let mut document = serde_json::to_value(&listed)?;
        document["issues_found"] = json!(found.issues.len());
        document["edges_found"] = json!(found.edges.len());
        document["files"] = json!(files);
        print_json(&document);
        return Ok(ExitCode::SUCCESS);
    }
    say(&found, &listed);
    files.iter().flatten().for_each(|f| eprintln!("{}", f.display()));
    Ok(ExitCode::SUCCESS)
}

fn say(found: &LabelIssues, listed: &LabelIssues) {
    found.notes.iter().for_each(|note| print_line(&format!("note: {note}")));
    let wrong = found.issues.iter().filter(|i| i.likely_wrong).count();
    print_line(&format!(
        "{} looked at: {wrong} likely labelled wrong, {} ambiguous",
        counted(found.clips as u64, "clip"),
        found.issues.len() - wrong
    ));
    if !listed.issues.is_empty() {
        listed.clip_table().without_empty().markdown().lines().for_each(print_line);
    }
    if let Some(seen) = found.edges_seen {
        print_line(&format!("{} looked at: {} in doubt", counted(seen as u64, "edge"), found.edges.len()));
        if !listed.edges.is_empty() {
            listed.edge_table().without_empty().markdown().lines().for_each(print_line);
        }
    }
}
