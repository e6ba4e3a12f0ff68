//! `kinolens export-labels`: labels, and what a network says beside them, for other tools.

use super::Exit;
use super::args::ExportLabelsArgs;
use super::common::{
    Outcome, checkpoint_ref, class_match, open_whole, require_run, run_job, say_warnings, split_choice,
};
use super::monitor::{TerminalMonitor, print_json, print_line};
use super::output::refuse_overwrite;
use super::reading::data_config_of;
use crate::data::LabelTool;
use crate::domain::counted;
use crate::jobs::LaneState;
use crate::jobs::kinds::ExportLabels;
use anyhow::anyhow;
use serde_json::json;
use std::process::ExitCode;

pub(super) fn export_labels(args: &ExportLabelsArgs) -> Outcome {
    let tool = LabelTool::find(&args.to).map_err(|why| Exit::Usage(anyhow!("--to: {why}")))?;
    let Some(out) = args.to_folder.out.clone() else {
        return Err(Exit::Usage(anyhow!("--out names the folder to write to")));
    };
    refuse_overwrite(&args.to_folder, |name| tool.writes(name))?;
    let class_match = class_match(&args.classes)?;
    let mut data = match &args.predictions {
        Some(run) => {
            require_run(run)?;
            data_config_of(run, &args.dataset, &args.reading)?
        }
        None => Default::default(),
    };
    if args.predictions.is_none() {
        args.reading.apply(&args.dataset, &mut data)?;
    }
    let mut state = LaneState::default();
    let dataset = open_whole(&args.dataset, &data, &mut state)?;
    say_warnings(&dataset);
    let monitor = TerminalMonitor::new(false, 0);
    let job = ExportLabels {
        dataset,
        split: split_choice(args.split),
        tool: Some(tool),
        predictions: args.predictions.as_deref().map(checkpoint_ref),
        class_match,
        out,
    };
    let (out, written) = run_job(job, &monitor, &mut state)?;
    drop(monitor);
    if args.json.json {
        print_json(&json!({
            "tool": tool.id(), "out": out, "files": written.files, "videos": written.videos, "parts": written.parts,
            "predictions": written.said, "left_out": written.left_out,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let said = match written.said {
        0 => String::new(),
        n => format!(", {}", counted(n, "prediction")),
    };
    print_line(&format!(
        "{} with {}{said}: {} in {}",
        counted(written.videos, "video"),
        counted(written.parts, "labelled part"),
        counted(written.files.len() as u64, "file"),
        out.display()
    ));
    Ok(ExitCode::SUCCESS)
}
