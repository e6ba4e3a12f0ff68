//! The subcommands: arguments to jobs, outputs to text or JSON.

use super::Exit;
use super::args::{Command, DemoArgs, EvaluateArgs, ModelsArgs, PlotArgs, PredictArgs, ReadingArgs};
use super::common::{
    Outcome, checkpoint_ref, class_match, name_weights, open_dataset, require_run, run_job, say_damage, say_problems,
    say_warnings, split_choice,
};
use super::monitor::{TerminalMonitor, print_json, print_line};
use super::output::{is_table_or_plot, refuse_file, refuse_overwrite};
use super::reading::data_config_of;
use crate::classical::{Baseline, FeatureSet};
use crate::domain::{ClassChange, ClassSet, SAID_AT, Task, argmax, counted, grouped, name_text, said};
use crate::jobs::kinds::{Evaluate, MakeDemo, PredictVideo};
use crate::jobs::{JobError, LaneState};
use crate::peers::of_process;
use crate::run_folder::{ConfidenceInterval, Evaluation};
use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// Tables of `predict --out`.
const WINDOWS_TABLE: &str = "windows.csv";
const FRAMES_TABLE: &str = "frames.csv";

pub(super) fn dispatch(command: Command) -> Outcome {
    match command {
        Command::Demo(args) => demo(&args),
        Command::Inspect(args) => super::inspect::inspect(&args),
        Command::Probe(args) => super::inspect::probe(&args),
        Command::Train(args) => super::train::train(&args),
        Command::Evaluate(args) => evaluate(&args),
        Command::Compare(args) => super::compare::compare(&args),
        Command::LabelIssues(args) => super::label_issues::label_issues(&args),
        Command::Corrections(args) => super::corrections::corrections(&args),
        Command::MotionTest(args) => super::motion_test::motion_test(&args),
        Command::Experiment(args) => super::experiment::experiment(&args),
        Command::Predict(args) => predict(&args),
        Command::Explain(args) => super::explain::explain(&args),
        Command::LookInside(args) => super::look_inside::look_inside(&args),
        Command::Report(args) => super::report::report(&args),
        Command::Import(args) => super::import::import(&args),
        Command::Export(args) => super::export::export(&args),
        Command::ExportLabels(args) => super::export_labels::export_labels(&args),
        Command::Plot(args) => plot(&args),
        Command::Models(args) => models(&args),
        Command::Selftest(args) => super::selftest::selftest(&args),
        Command::Bench(args) => super::bench::bench(&args),
        Command::DesktopEntry(args) => super::desktop::desktop_entry(&args),
        Command::Packaging(args) => super::desktop::packaging(&args),
        Command::ProbeDevice { kind } => {
            Ok(if crate::model::device::probe::run(&kind) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
    }
}

fn demo(args: &DemoArgs) -> Outcome {
    let mut state = LaneState::default();
    let monitor = TerminalMonitor::new(false, 0);
    let job = MakeDemo {
        dir: args.dir.clone(),
        subjects: args.subjects.unwrap_or(crate::data::demo::DemoOptions::default().subjects),
        seed: args.seed,
        pose_videos: args.pose_videos,
        force: args.force,
    };
    let made = match run_job(job, &monitor, &mut state) {
        Err(Exit::Failed(error)) if is_wrong_demo(&error) => Err(Exit::Usage(error)),
        other => other,
    };
    let dir = made?;
    drop(monitor);
    if args.json.json {
        print_json(&json!({ "path": name_text(dir.as_os_str()) }));
    } else {
        print_line(&format!("demo dataset in {}", dir.display()));
        // A bare name may be that of a command.
        let bare = dir.is_relative() && dir.components().count() == 1;
        let shown = if bare { Path::new(".").join(&dir) } else { dir.clone() };
        print_line(&format!("look at it:   kinolens {}", shown.display()));
        print_line(&format!("train on it:  kinolens train {} --preset demo --out demo-run", dir.display()));
    }
    Ok(ExitCode::SUCCESS)
}

/// True where the options are at fault, or a folder that is in use, and not the making.
fn is_wrong_demo(error: &anyhow::Error) -> bool {
    use crate::data::demo::DemoError;
    matches!(error.downcast_ref(), Some(JobError::Demo(DemoError::Options(_) | DemoError::Occupied { .. })))
}

fn evaluate(args: &EvaluateArgs) -> Outcome {
    require_run(&args.run.path)?;
    let class_match = class_match(&args.classes)?;
    let report = format!("evaluation_{}.json", split_choice(args.split).name());
    refuse_overwrite(&args.to, |name| name == report)?;
    refuse_prediction_files(args)?;
    let mut state = LaneState::default();
    let data = data_config_of(&args.run.path, &args.dataset, &args.reading)?;
    let dataset = open_dataset(&args.dataset, &data, &mut state)?;
    say_warnings(&dataset);
    let monitor = TerminalMonitor::new(false, 0);
    let job = Evaluate {
        checkpoint: checkpoint_ref(&args.run.path),
        dataset,
        split: split_choice(args.split),
        class_match,
        out: args.to.out.clone(),
    };
    let (evaluation, predictions) = run_job(job, &monitor, &mut state)?;
    drop(monitor);
    // All know the answer; the first process writes and tells it.
    if !of_process().leads() {
        return Ok(ExitCode::SUCCESS);
    }
    for file in &args.export_predictions {
        crate::jobs::write_predictions(file, &evaluation, &predictions)?;
    }
    if args.json.json {
        print_json(&serde_json::to_value(&*evaluation)?);
        return Ok(ExitCode::SUCCESS);
    }
    tell_evaluation(&evaluation);
    Ok(ExitCode::SUCCESS)
}

/// Refuses files that are of no kind that can be written, and those that are there.
fn refuse_prediction_files(args: &EvaluateArgs) -> Result<(), Exit> {
    for file in &args.export_predictions {
        let shown = file.display();
        if !crate::jobs::is_prediction_file(file) {
            let ends = crate::jobs::PREDICTION_FILES.join(" or .");
            return Err(Exit::Usage(anyhow!("--export-predictions {shown}: name a file that ends in .{ends}")));
        }
        refuse_file(file, args.to.force)?;
    }
    Ok(())
}

/// An evaluation as text.
fn tell_evaluation(e: &Evaluation) {
    let percent = |v: f64| format!("{:.1} %", v * 100.0);
    print_line(&format!("{} on {} ({} clips of '{}')", e.identity().weights(), e.dataset, e.clips, e.split));
    if let Some(m) = &e.multi_label {
        print_line(&format!(
            "multi-label: mAP {}   an order by chance {}   (predicted at a probability of {SAID_AT} or more)",
            percent(m.map),
            percent(m.chance)
        ));
    }
    print_line(&format!(
        "accuracy {} [{} … {}, {}]   top-3 {}   top-5 {}   mean class {}   loss {:.4}   majority baseline {}",
        percent(e.accuracy),
        percent(e.accuracy_interval.low),
        percent(e.accuracy_interval.high),
        ConfidenceInterval::WILSON,
        percent(e.top3_accuracy),
        percent(e.top5_accuracy),
        percent(e.mean_class_accuracy),
        e.loss,
        percent(e.majority_baseline)
    ));
    if !e.label_map.is_empty() {
        print_line(&format!("label map: {}", ClassChange::words(&e.label_map).join(", ")));
    }
    if e.corrections.applied() > 0 {
        print_line(&format!("labels: {}", e.corrections.words()));
    }
    if let Some(views) = &e.views {
        print_line(&format!(
            "each is the mean of {} of {}",
            counted(views.clips.into(), "clip"),
            counted(views.crops.into(), "crop")
        ));
    }
    if let Some(f) = &e.frames {
        let with =
            f.accuracy_with_background.map_or_else(String::new, |a| format!(" ({} with background)", percent(a)));
        print_line(&format!(
            "frames: accuracy {}{with}   edit {:.1}   F1@10 {:.1}   F1@25 {:.1}   F1@50 {:.1}",
            percent(f.accuracy),
            f.edit,
            f.f1_10,
            f.f1_25,
            f.f1_50
        ));
    }
    let width = e.per_class.iter().map(|c| c.class.chars().count()).max().unwrap_or(5).clamp(5, 40);
    let ap = |text: &str| if e.multi_label.is_some() { format!("  {text:>6}") } else { String::new() };
    print_line(&format!("{:width$}  precision  recall      f1  support{}", "class", ap("AP")));
    for (i, c) in e.per_class.iter().enumerate() {
        let known = e.multi_label.as_ref().and_then(|m| m.average_precision.get(i).copied().flatten());
        print_line(&format!(
            "{:width$}  {:>9.3}  {:>6.3}  {:>6.3}  {:>7}{}",
            c.class,
            c.precision,
            c.recall,
            c.f1,
            c.support,
            ap(&known.map_or("-".to_owned(), |ap| format!("{ap:.3}")))
        ));
    }
    if let Some(frames) = &e.frame_use {
        print_line(super::frames::text(frames).trim_end());
    }
    for warning in &e.warnings {
        eprintln!("warning: {warning}");
    }
}

fn predict(args: &PredictArgs) -> Outcome {
    require_run(&args.run.path)?;
    refuse_overwrite(&args.to, |name| [WINDOWS_TABLE, FRAMES_TABLE].contains(&name))?;
    let mut state = LaneState::default();
    let data = data_config_of(&args.run.path, &args.video, &ReadingArgs::default())?;
    let dataset = open_dataset(&args.video, &data, &mut state)?;
    let [entry] = dataset.videos.as_slice() else {
        return Err(Exit::Failed(anyhow!(
            "{} holds {} videos; predict takes one (evaluate and explain take a dataset)",
            args.video.display(),
            dataset.videos.len()
        )));
    };
    if entry.frames() == 0
        && let Some(warning) = dataset.warnings.iter().find(|w| w.path == entry.path)
    {
        return Err(Exit::Failed(anyhow!("{}", warning.message)));
    }
    say_damage(&args.run.path)?;
    say_warnings(&dataset);
    let video = entry.name.clone();
    let monitor = TerminalMonitor::new(false, 0);
    let job = PredictVideo { checkpoint: checkpoint_ref(&args.run.path), dataset, video };
    let p = run_job(job, &monitor, &mut state)?;
    drop(monitor);
    if !of_process().leads() {
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(out) = &args.to.out {
        write_prediction_tables(out, &p).with_context(|| format!("cannot write tables to {}", out.display()))?;
    }
    let several = p.task == Task::MultiLabel;
    for warning in &p.warnings {
        eprintln!("warning: {warning}");
    }
    if args.json.json {
        let windows: Vec<Value> = p
            .starts
            .iter()
            .zip(&p.windows)
            .map(|(start, probabilities)| {
                let (class, probability) = best(probabilities);
                let mut window = json!({"start": start, "predicted": p.classes.name(class), "probability": probability, "probabilities": probabilities});
                if several {
                    window["said"] = said_document(&p.classes, &said_of(probabilities));
                }
                window
            })
            .collect();
        let frames: Vec<Value> = p
            .frames
            .iter()
            .enumerate()
            .map(|(i, (class, probability))| {
                let mut frame = json!({"frame": i, "predicted": p.classes.name(*class), "probability": probability});
                if several {
                    frame["said"] = said_document(&p.classes, p.said.get(i).map_or(&[], Vec::as_slice));
                }
                frame
            })
            .collect();
        let names: Vec<&str> = p.classes.classes.iter().map(|c| c.name.as_str()).collect();
        let video = name_text(args.video.as_os_str());
        let mut document = json!({"video": video, "task": p.task.name(), "classes": names, "windows": windows, "frames": frames, "warnings": p.warnings});
        name_weights(&mut document, &p.identity);
        print_json(&document);
    } else {
        eprintln!("{}", p.identity);
        for (start, probabilities) in p.starts.iter().zip(&p.windows) {
            if several {
                print_line(&format!("{start:>8}  {}", said_text(&p.classes, &said_of(probabilities))));
                continue;
            }
            let (class, probability) = best(probabilities);
            print_line(&format!("{start:>8}  {:5.1} %  {}", probability * 100.0, p.classes.name(class)));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The most probable class and its probability.
fn best(probabilities: &[f32]) -> (usize, f32) {
    let class = argmax(probabilities);
    (class, probabilities.get(class).copied().unwrap_or(0.0))
}

/// The classes said of a clip with their probabilities.
fn said_of(probabilities: &[f32]) -> Vec<(usize, f32)> {
    said(probabilities).filter_map(|class| Some((class, *probabilities.get(class)?))).collect()
}

fn said_document(classes: &ClassSet, said: &[(usize, f32)]) -> Value {
    said.iter().map(|(class, p)| json!({"class": classes.name(*class), "probability": p})).collect()
}

fn said_text(classes: &ClassSet, said: &[(usize, f32)]) -> String {
    match said {
        [] => "nothing".to_owned(),
        said => {
            said.iter().map(|(c, p)| format!("{} {:.1} %", classes.name(*c), p * 100.0)).collect::<Vec<_>>().join(", ")
        }
    }
}

fn said_names(classes: &ClassSet, said: &[(usize, f32)]) -> String {
    said.iter().map(|(class, _)| classes.name(*class)).collect::<Vec<_>>().join("; ")
}

/// `windows.csv` (one row a window) and `frames.csv` (one row a frame); in a multi-label task with the classes said.
fn write_prediction_tables(out: &Path, p: &crate::jobs::VideoPrediction) -> anyhow::Result<()> {
    std::fs::create_dir_all(out)?;
    let mut windows = csv::Writer::from_path(out.join(WINDOWS_TABLE))?;
    let several = p.task == Task::MultiLabel;
    let mut header = vec!["start".to_owned(), "predicted".into(), "probability".into()];
    header.extend(several.then(|| "said".to_owned()));
    header.extend(p.classes.classes.iter().map(|c| c.name.clone()));
    windows.write_record(&header)?;
    for (start, probabilities) in p.starts.iter().zip(&p.windows) {
        let (class, probability) = best(probabilities);
        let mut row = vec![start.to_string(), p.classes.name(class).to_owned(), probability.to_string()];
        row.extend(several.then(|| said_names(&p.classes, &said_of(probabilities))));
        row.extend(probabilities.iter().map(f32::to_string));
        windows.write_record(&row)?;
    }
    windows.flush()?;
    let mut frames = csv::Writer::from_path(out.join(FRAMES_TABLE))?;
    let header = ["frame", "predicted", "probability"].into_iter().chain(several.then_some("said"));
    frames.write_record(header)?;
    for (i, (class, probability)) in p.frames.iter().enumerate() {
        let said = several.then(|| said_names(&p.classes, p.said.get(i).map_or(&[], Vec::as_slice)));
        let row = [i.to_string(), p.classes.name(*class).to_owned(), probability.to_string()];
        frames.write_record(row.into_iter().chain(said))?;
    }
    frames.flush()?;
    Ok(())
}

fn plot(args: &PlotArgs) -> Outcome {
    require_run(&args.run)?;
    if args.top_classes == 0 {
        return Err(Exit::Usage(anyhow!("--top-classes must be at least 1")));
    }
    refuse_overwrite(&args.to, is_table_or_plot)?;
    let view = crate::jobs::view(&checkpoint_ref(&args.run).run)?;
    say_problems(&view.problems);
    let out = args.to.out.clone().unwrap_or_else(|| view.path.join("plots"));
    let files = crate::jobs::plot_run(&view, args.top_classes, &out)?;
    if args.json.json {
        print_json(&json!({ "files": files }));
    } else {
        files.iter().for_each(|f| print_line(&f.display().to_string()));
    }
    Ok(ExitCode::SUCCESS)
}

fn models(args: &ModelsArgs) -> Outcome {
    if args.classes == 0 {
        return Err(Exit::Usage(anyhow!("--classes must be at least 1")));
    }
    let mut documents = Vec::new();
    for spec in crate::model::MODELS {
        let config =
            crate::config::ModelConfig { id: spec.id.to_owned(), freeze: args.freeze.clone(), ..Default::default() };
        let (t, h, w) = spec.input;
        let outline = crate::model::Outline::of(&config, args.classes, [t, h, w].map(|n| n as usize))?;
        if args.json.json {
            documents.push(model_document(spec, &outline, args.classes));
            continue;
        }
        let frozen = match outline.parameters - outline.trainable {
            0 => String::new(),
            n => format!(", {} of them frozen", grouped(n as u64)),
        };
        print_line(&format!(
            "{:30} {:>12} parameters{frozen}   input 3x{t}x{h}x{w}",
            spec.id,
            grouped(outline.parameters as u64)
        ));
        print_line(&format!("    {}: {}", spec.title, spec.summary));
        let [training, evaluation] =
            [outline.training_bytes_per_clip, outline.evaluation_bytes_per_clip].map(|b| b.div_ceil(1 << 20));
        print_line(&format!(
            "    heatmaps at {} by default, {} layers in all; about {training} MiB a clip to train, {evaluation} to evaluate",
            spec.default_layer,
            outline.layers.iter().filter(|l| l.cam).count()
        ));
    }
    if args.json.json {
        print_json(&Value::Array(documents));
        return Ok(ExitCode::SUCCESS);
    }
    print_line("classical baselines, without a network and without heatmaps:");
    for features in FeatureSet::ALL {
        let ids: Vec<String> = Baseline::all().filter(|b| b.features == features).map(Baseline::id).collect();
        print_line(&format!("{}\n    {}: {}", ids.join(", "), features.title(), features.summary()));
    }
    Ok(ExitCode::SUCCESS)
}

fn model_document(spec: &crate::model::ModelSpec, outline: &crate::model::Outline, classes: usize) -> Value {
    let (t, h, w) = spec.input;
    let layers: Vec<Value> = outline
        .layers
        .iter()
        .map(|l| {
            json!({
                "id": l.id, "kind": l.kind, "title": l.title, "shape": l.shape, "parameters": l.parameters, "cam": l.cam,
            })
        })
        .collect();
    json!({
        "id": spec.id, "title": spec.title, "summary": spec.summary, "parameters": outline.parameters,
        "trainable": outline.trainable, "input": [3, t, h, w], "classes": classes, "default_layer": spec.default_layer,
        "head": spec.head, "frozen_backbone": spec.frozen, "per_frame": spec.per_frame,
        "options": { "width": spec.width, "pooling": spec.poolings },
        "memory_per_clip": {
            "training_bytes": outline.training_bytes_per_clip, "evaluation_bytes": outline.evaluation_bytes_per_clip,
        },
        "layers": layers,
    })
}
