//! `kinolens train`.

use super::Exit;
use super::args::TrainArgs;
use super::common::{Outcome, agreed, config_for_all, open_dataset, resolve_config, run_job, say_warnings};
use super::monitor::{TerminalMonitor, print_json, print_line, tagged};
use super::reading::remember;
use crate::classical::Learner;
use crate::config::RunConfig;
use crate::domain::Task;
use crate::jobs::kinds::{FindRate, Train};
use crate::jobs::{LaneState, RunView};
use crate::peers::of_process;
use crate::progress::best_epoch;
use crate::run_folder::RunDir;
use crate::train::RateRange;
use anyhow::anyhow;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Share of the training clips in `--debug`.
const DEBUG_FRACTION: f64 = 0.05;

pub(super) fn train(args: &TrainArgs) -> Outcome {
    let range = args.find_rate_from.is_some() || args.find_rate_to.is_some() || args.find_rate_steps.is_some();
    if range && !args.find_rate {
        return Err(Exit::Usage(anyhow!("the range of a learning-rate test is given without --find-rate; add it")));
    }
    let result = prepare_and_run(args);
    if args.json.json
        && let Err(Exit::Failed(error) | Exit::Usage(error)) = &result
    {
        print_json(&tagged("failed", json!({ "message": error.to_string() })));
    }
    result
}

/// `--find-rate`: the learning-rate range test.
fn find_rate(args: &TrainArgs) -> Outcome {
    let config = configured(args)?;
    let usual = RateRange::default();
    let range = RateRange {
        from: args.find_rate_from.unwrap_or(usual.from),
        to: args.find_rate_to.unwrap_or(usual.to),
        steps: args.find_rate_steps.unwrap_or(usual.steps),
    };
    if let Some(fault) = range.fault() {
        return Err(Exit::Usage(anyhow!("--find-rate-from, --find-rate-to, --find-rate-steps: {fault}")));
    }
    if let Learner::Baseline(_) = Learner::of(&config.model).map_err(|e| Exit::Usage(e.into()))? {
        return Err(Exit::Usage(anyhow!("{} has no learning rate: it is fitted at once", config.model.id)));
    }
    let mut state = LaneState::default();
    let dataset = open_dataset(&args.dataset, &config.data, &mut state)?;
    say_warnings(&dataset);
    let monitor = TerminalMonitor::new(false, 0);
    let configured = config.optimizer.learning_rate;
    let job = FindRate { dataset, config: Box::new(config), range };
    let found = run_job(job, &monitor, &mut state)?;
    drop(monitor);
    if args.json.json {
        let mut document = serde_json::to_value(&*found)?;
        document["configured"] = json!(configured);
        document["words"] = json!(found.words());
        print_json(&document);
        return Ok(ExitCode::SUCCESS);
    }
    for point in &found.points {
        print_line(&format!("{:>9.2e}  loss {:.4}  smoothed {:.4}", point.rate, point.loss, point.smoothed));
    }
    print_line(&format!("{} (configured: {configured:.1e})", found.words()));
    if let Some(rate) = found.steepest {
        print_line(&format!("take it with: --set optimizer.learning_rate={rate:.1e}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn prepare_and_run(args: &TrainArgs) -> Outcome {
    if args.find_rate {
        if !of_process().is_alone() {
            return agreed(Err(Exit::Usage(anyhow!("--find-rate is done by one process; start it once"))));
        }
        return find_rate(args);
    }
    let resume = args.resume.is_some();
    let out = agreed(run_folder(args))?;
    let mut config = config_for_all(|| {
        let config = if resume { resumed_config(args, &out)? } else { configured(args)? };
        if !resume {
            refuse_existing(&out, args.force)?;
        }
        Ok(config)
    })?;
    let mut state = LaneState::default();
    let dataset = open_dataset(&args.dataset, &config.data, &mut state)?;
    remember(&mut config.data, &dataset.format);
    say_warnings(&dataset);
    let monitor = TerminalMonitor::new(args.json.json, config.training.epochs);
    if args.json.json {
        let started = json!({
            "run": out, "dataset": args.dataset, "model": config.model.id, "epochs": config.training.epochs,
            "batch_size": config.training.batch_size, "seed": config.seed,
        });
        print_json(&tagged("started", started));
    }
    let job = Train {
        dataset,
        config: Box::new(config),
        out: out.clone(),
        resume,
        force: args.force,
        debug: args.debug,
        until: None,
    };
    let output = run_job(job, &monitor, &mut state);
    drop(monitor);
    if let Err(Exit::Interrupted) = output
        && of_process().leads()
        && RunDir::is_run(&out)
    {
        eprintln!("resume with: kinolens train {} --resume {}", args.dataset.display(), out.display());
    }
    report(&*output?, args);
    Ok(ExitCode::SUCCESS)
}

/// Where the run lives: `--resume RUN` wins over `--out`.
fn run_folder(args: &TrainArgs) -> Result<PathBuf, Exit> {
    match (&args.resume, &args.out) {
        (Some(run), Some(out)) if run != out => Err(Exit::Usage(anyhow!(
            "--resume {} and --out {} name two folders; a resumed run goes on in its own",
            run.display(),
            out.display()
        ))),
        (Some(run), _) => {
            // Other processes than the first need not see it.
            if of_process().leads() {
                super::common::require_run(run)?;
            }
            Ok(run.clone())
        }
        (None, Some(out)) => Ok(out.clone()),
        (None, None) => Err(Exit::Usage(anyhow!("name the run folder with --out RUN"))),
    }
}

/// Nothing is overwritten silently. What `--force` removes must look like a run.
fn refuse_existing(out: &Path, force: bool) -> Result<(), Exit> {
    let occupied = match std::fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_some(),
        Err(_) => out.exists(),
    };
    if out.is_file() {
        return Err(Exit::Usage(anyhow!("--out {} is a file; name a folder", out.display())));
    }
    if occupied && !RunDir::is_run(out) {
        return Err(Exit::Usage(anyhow!(
            "{} is not empty and holds no whole run, so it is neither resumed nor replaced; name another --out",
            out.display()
        )));
    }
    if occupied && !force {
        return Err(Exit::Usage(anyhow!(
            "{} exists already; use --resume {} to resume it, --force to replace it, or another --out",
            out.display(),
            out.display()
        )));
    }
    Ok(())
}

fn resumed_config(args: &TrainArgs, run: &Path) -> Result<RunConfig, Exit> {
    let other = args.config.preset.is_some() || args.config.config.is_some() || args.reading.is_given();
    if other || args.model.is_some() || args.seed.is_some() {
        return Err(Exit::Usage(anyhow!(
            "a resumed run keeps its configuration; of these only --corrections, --epochs, --device, --devices, --precision, --recompute, --workers and --set may change"
        )));
    }
    let mut config = RunDir::open(run).and_then(|r| r.config()).map_err(|e| Exit::Usage(e.into()))?;
    args.reading.apply_corrections(&mut config.data);
    apply_options(args, &mut config)?;
    Ok(config)
}

fn configured(args: &TrainArgs) -> Result<RunConfig, Exit> {
    let mut config = resolve_config(&args.config, None)?;
    args.reading.apply(&args.dataset, &mut config.data)?;
    apply_options(args, &mut config)?;
    Ok(config)
}

fn apply_options(args: &TrainArgs, config: &mut RunConfig) -> Result<(), Exit> {
    let usage = |e: crate::config::ConfigError| Exit::Usage(e.into());
    if let Some(model) = &args.model {
        config.model.id.clone_from(model);
    }
    if args.freeze.is_some() {
        config.model.freeze.clone_from(&args.freeze);
    }
    if let Some(weights) = &args.init_from {
        config.model.init_from = Some(std::path::absolute(weights).unwrap_or_else(|_| weights.clone()));
    }
    if let Some(epochs) = args.epochs {
        config.training.epochs = epochs;
    }
    if let Some(batch) = args.batch_size {
        config.training.batch_size = batch;
    }
    if let Some(seed) = args.seed {
        config.seed = seed;
    }
    if let Some(workers) = args.workers {
        config.training.workers = workers;
    }
    if let Some(device) = args.device {
        config.device = device.into();
    }
    if let Some(devices) = args.devices {
        config.training.devices = devices;
    }
    if let Some(precision) = args.precision {
        config.training.precision = precision.into();
    }
    if args.recompute {
        config.training.recompute = true;
    }
    if args.debug && args.resume.is_none() {
        // What is given in so many words holds.
        let given = |key: &str| args.config.set.iter().any(|s| s.split_once('=').is_some_and(|(k, _)| k.trim() == key));
        if !given("data.fraction") {
            config.data.fraction = DEBUG_FRACTION;
        }
        if args.workers.is_none() && !given("training.workers") {
            config.training.workers = 1;
        }
    }
    if args.resume.is_some() {
        for assignment in &args.config.set {
            config.set(assignment).map_err(usage)?;
        }
    }
    Learner::of(&config.model).map_err(|e| Exit::Usage(e.into()))?;
    config.validate().map_err(usage)
}

fn report(run: &RunView, args: &TrainArgs) {
    let last = run.history.last();
    let best = best_epoch(&run.history);
    if args.json.json {
        let mut finished = json!({
            "run": run.path, "epochs": run.history.len(), "checkpoints": run.checkpoints.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(),
            "train_accuracy": last.map(|e| e.train_accuracy), "best_val_accuracy": best.and_then(|b| b.val_accuracy),
            "best_epoch": best.map(|b| b.epoch), "seconds": run.history.iter().map(|e| e.seconds).sum::<f64>(),
        });
        if run.task == Task::MultiLabel {
            finished["best_val_map"] = json!(best.and_then(|b| b.val_map));
        }
        print_json(&tagged("finished", finished));
        return;
    }
    print_line(&format!("run in {}", run.path.display()));
    if let Some((best, score)) = best.and_then(|b| Some((b, b.score()?))) {
        print_line(&format!("best validation {} {:.1} % in epoch {}", best.score_name(), score * 100.0, best.epoch));
    }
    print_line(&format!("evaluate it:  kinolens evaluate {} {}", run.path.display(), args.dataset.display()));
}
