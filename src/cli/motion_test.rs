//! `kinolens motion-test`: what of a clip networks need.

use super::Exit;
use super::args::MotionTestArgs;
use super::args::ReadingArgs;
use super::common::{
    Outcome, checkpoint_ref, class_match, open_dataset, run_job, runs_and_dataset, say_damage, say_warnings,
    split_choice,
};
use super::monitor::{TerminalMonitor, print_json, print_line};
use super::output::refuse_overwrite;
use super::reading::data_config_of;
use crate::compare::motion::is_motion_file;
use crate::jobs::LaneState;
use crate::jobs::kinds::TestMotion;
use crate::peers::of_process;
use anyhow::anyhow;
use serde_json::json;
use std::process::ExitCode;

pub(super) fn motion_test(args: &MotionTestArgs) -> Outcome {
    let (runs, dataset) = runs_and_dataset(&args.paths)?;
    let (Some(first), Some(dataset)) = (runs.first(), dataset) else {
        return Err(Exit::Usage(anyhow!("name the dataset after the runs: kinolens motion-test RUN DATASET")));
    };
    if args.clips == Some(0) {
        return Err(Exit::Usage(anyhow!("--clips must be at least 1")));
    }
    runs.iter().try_for_each(|run| say_damage(run))?;
    let class_match = class_match(&args.classes)?;
    refuse_overwrite(&args.to, is_motion_file)?;
    let mut state = LaneState::default();
    let data = data_config_of(first, dataset, &ReadingArgs::default())?;
    let dataset = open_dataset(dataset, &data, &mut state)?;
    say_warnings(&dataset);
    let monitor = TerminalMonitor::new(false, 0);
    let job = TestMotion {
        runs: runs.iter().map(|r| checkpoint_ref(r)).collect(),
        dataset,
        split: split_choice(args.split),
        class_match,
        most: args.clips,
        seed: args.seed,
    };
    let report = run_job(job, &monitor, &mut state)?;
    drop(monitor);
    // All know the answer; the first process writes and tells it.
    if !of_process().leads() {
        return Ok(ExitCode::SUCCESS);
    }
    let files = args.to.out.as_ref().map(|out| report.write(out)).transpose()?;
    if args.json.json {
        let mut document = serde_json::to_value(&*report)?;
        document["files"] = json!(files);
        print_json(&document);
    } else {
        report.markdown().lines().for_each(print_line);
        files.iter().flatten().for_each(|f| eprintln!("{}", f.display()));
    }
    Ok(ExitCode::SUCCESS)
}
