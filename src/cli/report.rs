//! `kinolens report`: runs as one HTML file.

use super::Exit;
use super::args::ReportArgs;
use super::common::{Outcome, class_match, comparison_of, run_job, runs_and_dataset};
use super::monitor::{TerminalMonitor, print_json, print_line};
use crate::compare::report::files_folder;
use crate::jobs::LaneState;
use crate::jobs::kinds::WriteReport;
use anyhow::anyhow;
use serde_json::json;
use std::process::ExitCode;

pub(super) fn report(args: &ReportArgs) -> Outcome {
    if runs_and_dataset(&args.paths)?.0.is_empty() {
        return Err(Exit::Usage(anyhow!("name at least one run")));
    }
    let class_match = class_match(&args.classes)?;
    crate::cam::MethodSpec::find(&args.method).map_err(|e| Exit::Usage(e.into()))?;
    if args.out.is_dir() {
        return Err(Exit::Usage(anyhow!("--out {} is a folder; name a file", args.out.display())));
    }
    let places = [args.out.clone(), files_folder(&args.out)];
    if let Some(taken) = places.iter().find(|p| p.exists() && !args.force) {
        return Err(Exit::Usage(anyhow!(
            "{} is there already; use --force to replace it, or another --out",
            taken.display()
        )));
    }
    let mut state = LaneState::default();
    let compare = comparison_of(&args.paths, args.split, class_match, (args.time, args.seed), &mut state)?;
    let monitor = TerminalMonitor::new(false, 0);
    let job = WriteReport { compare, errors: args.errors, method: args.method.clone(), out: args.out.clone() };
    let (compared, files) = run_job(job, &monitor, &mut state)?;
    drop(monitor);
    if args.json.json {
        print_json(&json!({ "report": args.out, "files": files, "comparison": compared.comparison }));
    } else {
        print_line(&args.out.display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}
