//! `kinolens import`.

use super::Exit;
use super::args::ImportArgs;
use super::common::{Outcome, resolve_config, run_job};
use super::monitor::{TerminalMonitor, print_json, print_line};
use crate::config::RunConfig;
use crate::domain::ClassSet;
use crate::jobs::kinds::{ImportWeights, InspectWeights};
use crate::jobs::{Imported, JobError, LaneState, config_for, guess, read_classes};
use crate::model::ModelSpec;
use crate::train::TrainError;
use anyhow::anyhow;
use serde_json::json;
use std::process::ExitCode;

pub(super) fn import(args: &ImportArgs) -> Outcome {
    if !args.weights.exists() {
        return Err(Exit::Usage(anyhow!("there is no weight file {}", args.weights.display())));
    }
    let listed = args.classes.as_deref().map(read_classes).transpose().map_err(usage)?;
    let config = configured(args)?;
    if !args.force {
        refuse_existing(args)?;
    }
    let mut state = LaneState::default();
    let classes = match listed {
        Some(classes) => classes,
        None => counted(args, &config, &mut state)?,
    };
    let job = ImportWeights {
        weights: args.weights.clone(),
        config: Box::new(config),
        classes,
        out: args.out.clone(),
        force: args.force,
    };
    // The report is said below, for people on standard output.
    let imported = run_job(job, &TerminalMonitor::quiet(), &mut state).map_err(wrong_arguments)?;
    report(&imported, args);
    Ok(ExitCode::SUCCESS)
}

fn usage(error: TrainError) -> Exit {
    Exit::Usage(error.into())
}

/// What other arguments would mend is a usage error.
fn wrong_arguments(exit: Exit) -> Exit {
    match exit {
        Exit::Failed(error) if mended_by_arguments(&error) => Exit::Usage(error),
        other => other,
    }
}

fn mended_by_arguments(error: &anyhow::Error) -> bool {
    use crate::model::ModelError;
    let train = match error.downcast_ref::<JobError>() {
        Some(JobError::Train(train)) => Some(train),
        _ => error.downcast_ref::<TrainError>(),
    };
    matches!(
        train,
        Some(
            TrainError::ClassCount { .. }
                | TrainError::Incomplete { .. }
                | TrainError::UnknownWeights { .. }
                | TrainError::Config(_)
                | TrainError::Model(
                    ModelError::Mismatch { .. }
                        | ModelError::InputTooSmall { .. }
                        | ModelError::UnknownModel { .. }
                        | ModelError::UnknownOption { .. }
                )
        )
    )
}

/// Preset or file; else what fits the network that was named, or that the weights are of.
fn configured(args: &ImportArgs) -> Result<RunConfig, Exit> {
    let named = args.config.preset.is_some() || args.config.config.is_some();
    let mut config = if named {
        let mut config = resolve_config(&args.config, None)?;
        if let Some(model) = &args.model {
            config.model.id.clone_from(model);
        }
        config
    } else {
        let id = match &args.model {
            Some(id) => ModelSpec::find(id).map_err(|e| Exit::Usage(e.into()))?.id,
            None => guess(&args.weights).map_err(|e| wrong_arguments(e.into()))?.id,
        };
        let mut config = config_for(id).map_err(usage)?;
        for assignment in &args.config.set {
            config.set(assignment).map_err(|e| Exit::Usage(e.into()))?;
        }
        config
    };
    config.model.num_classes = None;
    ModelSpec::of(&config.model).map_err(|e| Exit::Usage(e.into()))?;
    config.validate().map_err(|e| Exit::Usage(e.into()))?;
    Ok(config)
}

fn refuse_existing(args: &ImportArgs) -> Result<(), Exit> {
    let occupied = std::fs::read_dir(&args.out).map_or(args.out.exists(), |mut entries| entries.next().is_some());
    match occupied {
        true => Err(Exit::Usage(anyhow!(
            "{} exists already; use --force to replace a run, or another --out",
            args.out.display()
        ))),
        false => Ok(()),
    }
}

/// As many numbered classes as the weights have outputs.
fn counted(args: &ImportArgs, config: &RunConfig, state: &mut LaneState) -> Result<ClassSet, Exit> {
    let job = InspectWeights { weights: args.weights.clone(), model: config.model.clone(), classes: 1 };
    let report = run_job(job, &TerminalMonitor::quiet(), state).map_err(wrong_arguments)?;
    match report.class_layer.found {
        Some(n) => read_classes(&n.to_string()).map_err(usage),
        None => Err(Exit::Usage(anyhow!(
            "{} has no class layer, so it cannot answer; train one on it with `kinolens train … --init-from {}`",
            args.weights.display(),
            args.weights.display()
        ))),
    }
}

fn report(imported: &Imported, args: &ImportArgs) {
    let run = &imported.run;
    for warning in &imported.report.warnings {
        eprintln!("warning: {warning}");
    }
    if args.classes.is_none() {
        eprintln!("warning: the classes have numbers only; give their names with --classes FILE");
    }
    if args.json.json {
        print_json(&json!({ "run": run, "report": imported.report }));
        return;
    }
    imported.report.lines(false).iter().for_each(|line| print_line(line));
    let folder = args.out.display();
    print_line(&format!("run in {folder}"));
    print_line(&format!("evaluate it:    kinolens evaluate {folder} DATASET"));
    print_line(&format!("let it answer:  kinolens predict {folder} VIDEO"));
    print_line(&format!("see why:        kinolens explain {folder} VIDEO"));
}
