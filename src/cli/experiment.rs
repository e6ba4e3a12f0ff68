//! `kinolens experiment`: the trainings of a plan, one after the other.

use super::Exit;
use super::args::ExperimentArgs;
use super::common::{Outcome, open_dataset, run_job, say_warnings};
use super::monitor::{TerminalMonitor, print_json, print_line};
use super::reading::remember;
use crate::classical::Learner;
use crate::compare::experiment::{PlannedRun, planned};
use crate::compare::{Cell, Table};
use crate::config::{Arm, DataConfig, ExperimentPlan};
use crate::data::{Fold, folds};
use crate::domain::listed;
use crate::jobs::LaneState;
use crate::jobs::kinds::RunExperiment;
use anyhow::anyhow;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Seed of the bootstrap for intervals, as elsewhere.
const SEED: u64 = 42;

pub(super) fn experiment(args: &ExperimentArgs) -> Outcome {
    let usage = |e: crate::config::ConfigError| Exit::Usage(e.into());
    if args.plan.is_dir() {
        return Err(Exit::Usage(anyhow!("{} is a folder; name the plan, a RON file", args.plan.display())));
    }
    let plan = ExperimentPlan::load(&args.plan).map_err(usage)?;
    let folder = args.plan.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut arms = plan.arms(&folder).map_err(usage)?;
    for arm in &arms {
        Learner::of(&arm.config.model).map_err(|e| Exit::Usage(anyhow!("{}: {e}", arm.name)))?;
    }
    let data = match (&args.data, &plan.data) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) => folder.join(path),
        (None, None) => {
            return Err(Exit::Usage(anyhow!("name the dataset: data: \"…\" in the plan, or --data DATASET")));
        }
    };
    let reading = same_reading(&arms)?;
    let out = args.out.clone().unwrap_or_else(|| PathBuf::from(args.plan.file_stem().unwrap_or_default()));
    if out.is_file() {
        return Err(Exit::Usage(anyhow!("--out {} is a file; name a folder", out.display())));
    }
    let mut state = LaneState::default();
    let dataset = open_dataset(&data, &reading, &mut state)?;
    arms.iter_mut().for_each(|arm| remember(&mut arm.config.data, &dataset.format));
    say_warnings(&dataset);
    let folds = folds(&dataset, plan.folds).map_err(|e| Exit::Failed(e.into()))?;
    let runs = planned(&arms, &folds, &out);
    if args.dry_run {
        tell_plan(&plan, &arms, &runs, &folds, args.json.json);
        return Ok(ExitCode::SUCCESS);
    }
    let monitor = TerminalMonitor::new(false, 0);
    let job = RunExperiment {
        arms,
        folds,
        dataset,
        split: plan.split,
        out: out.clone(),
        seed: SEED,
        search: plan.search.clone(),
    };
    let report = run_job(job, &monitor, &mut state);
    drop(monitor);
    if matches!(report, Err(Exit::Interrupted)) {
        eprintln!("resume with the same command: what is trained is not trained again");
    }
    let report = report?;
    if args.json.json {
        let mut document = serde_json::to_value(&*report)?;
        document["out"] = json!(out);
        print_json(&document);
    } else {
        report.markdown().lines().for_each(print_line);
        eprintln!("{}", out.display());
    }
    let failed = report.failed();
    if failed.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(Exit::Failed(anyhow!("{} of {} runs failed: {}", failed.len(), report.rows.len(), listed(&failed, 6))))
}

/// How the dataset is read: it is opened once for all.
fn same_reading(arms: &[Arm]) -> Result<DataConfig, Exit> {
    let read = |d: &DataConfig| {
        let DataConfig { subject_pattern, label_map, fold, format, choices, table, .. } = d.clone();
        (subject_pattern, label_map, fold, format, choices, table)
    };
    let Some((first, others)) = arms.split_first() else { return Err(Exit::Usage(anyhow!("the plan trains nothing"))) };
    if let Some(other) = others.iter().find(|a| read(&a.config.data) != read(&first.config.data)) {
        return Err(Exit::Usage(anyhow!(
            "{} and {} read the dataset in different ways (data.subject_pattern, label_map, fold, format, choices, table); \
             make a plan for each",
            first.name,
            other.name
        )));
    }
    Ok(first.config.data.clone())
}

/// The runs there would be, and what is there of them.
fn tell_plan(plan: &ExperimentPlan, arms: &[Arm], runs: &[PlannedRun], folds: &[Fold], as_json: bool) {
    let keys: Vec<&str> = plan.search.iter().flat_map(|s| s.ranges.keys()).map(String::as_str).collect();
    let header = ["run", "network", "seed", "epochs", "clip", "begins with", "tested on"].into_iter();
    let mut table = Table::new("Runs", header.chain(keys.iter().copied()).chain(["state"]));
    for run in runs {
        let trial = arms.get(run.arm).and_then(|a| a.trial.as_ref());
        let drawn = trial.iter().flat_map(|t| &t.values).map(|(_, value)| Cell::text(value.clone()));
        let clip = &run.config.clip;
        let tested = folds.get(run.fold).map(|f| listed(&f.tested, 4)).unwrap_or_default();
        let first = match run.init.and_then(|at| runs.get(at)) {
            Some(source) => source.name.clone(),
            None => run.config.model.init_from.as_ref().map(|p| p.display().to_string()).unwrap_or_default(),
        };
        let mut row = vec![
            Cell::text(run.name.clone()),
            Cell::text(run.config.model.id.clone()),
            Cell::number(Some(run.config.seed as f64), |_| run.config.seed.to_string()),
            Cell::count(Some(u64::from(run.config.training.epochs))),
            Cell::text(format!("{}x{}x{}", clip.length, clip.height, clip.width)),
            Cell::text(first),
            Cell::text(tested),
        ];
        row.extend(drawn);
        row.push(Cell::text(run.found().words().to_owned()));
        table.rows.push(row);
    }
    if as_json {
        print_json(&table.json());
    } else {
        table.markdown().lines().for_each(print_line);
    }
    if let (Some(search), false) = (&plan.search, as_json) {
        let epochs = runs.iter().map(|r| r.config.training.epochs).max().unwrap_or(0);
        for (at, (count, until)) in search.rounds(search.trials() as usize, epochs).iter().enumerate() {
            print_line(&format!("round {}: {count} of each line up to epoch {until}", at + 1));
        }
    }
}
