//! `kinolens look-inside`: what every layer of a network sees, moves with, and never uses.

use super::Exit;
use super::args::LookInsideArgs;
use super::args::ReadingArgs;
use super::common::{
    Outcome, checkpoint_ref, class_match, name_weights, open_dataset, parse_clip, require_run, run_job, say_damage,
    say_warnings, split_choice,
};
use super::explain::target_class;
use super::monitor::{TerminalMonitor, print_json, print_line};
use super::output::{refuse_file, refuse_overwrite};
use super::reading::data_config_of;
use crate::domain::{Dataset, grouped};
use crate::inside::{ChannelOrder, ClipMap, LayerStatistics};
use crate::jobs::kinds::{LookInside, ReadKernels, SurveyLayers};
use crate::jobs::{
    CheckpointRef, ClipRef, InsideParts, InsideView, KernelView, LaneState, LayerSurvey, LayerView, is_inside_file,
    write_inside, write_inside_page,
};
use crate::peers::of_process;
use anyhow::anyhow;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::sync::Arc;

pub(super) fn look_inside(args: &LookInsideArgs) -> Outcome {
    require_run(&args.run.path)?;
    let class_match = class_match(&args.classes)?;
    let order = ChannelOrder::find(&args.order).map_err(|e| Exit::Usage(anyhow!("--order: {e}")))?;
    let color_map = crate::render::color_map(&args.color_map).map_err(|e| Exit::Usage(e.into()))?;
    if args.channels == 0 || args.clips == 0 {
        return Err(Exit::Usage(anyhow!("--channels and --clips must be at least 1")));
    }
    if !(args.perplexity >= 1.0 && args.perplexity.is_finite()) {
        return Err(Exit::Usage(anyhow!("--perplexity must be at least 1")));
    }
    refuse_overwrite(&args.to, is_inside_file)?;
    if let Some(page) = &args.page {
        refuse_file(page, args.to.force)?;
    }
    let checkpoint = checkpoint_ref(&args.run.path);
    say_damage(&args.run.path)?;
    let found = crate::jobs::open_checkpoint(&checkpoint)?;
    let target = target_class("--class", &args.class, &found.state.classes)?;
    require_layers(args, &found)?;
    let mut state = LaneState::default();
    let data = data_config_of(&args.run.path, &args.source, &ReadingArgs::default())?;
    let dataset = open_dataset(&args.source, &data, &mut state)?;
    let clip = the_clip(args, &dataset)?;
    say_warnings(&dataset);
    let monitor = TerminalMonitor::new(false, 0);
    // Several processes share a survey; the first one writes.
    let leads = of_process().leads();
    let look = LookInside {
        checkpoint: checkpoint.clone(),
        dataset,
        clip,
        class_match: class_match.clone(),
        layers: args.layers.clone(),
        order,
        target,
        budget: 0,
        pictures: (leads && (args.to.out.is_some() || args.page.is_some())).then_some((args.channels, color_map)),
        measure: args.measure,
        effective: args.receptive_field,
        out: args.to.out.clone().filter(|_| leads),
    };
    let view = run_job(look, &monitor, &mut state)?;
    let read =
        ReadKernels { checkpoint: checkpoint.clone(), layers: Vec::new(), over_checkpoints: args.all_checkpoints };
    let kernels = run_job(read, &monitor, &mut state)?;
    let survey = match &args.dataset {
        Some(path) => {
            let dataset = open_dataset(path, &data, &mut state)?;
            say_warnings(&dataset);
            let job = survey_job(args, &checkpoint, dataset, class_match);
            Some(run_job(job, &monitor, &mut state)?)
        }
        None => None,
    };
    drop(monitor);
    if !leads {
        return Ok(ExitCode::SUCCESS);
    }
    let parts = InsideParts { view: &view, kernels: &kernels, kernels_of: &args.layers, survey: survey.as_deref() };
    let files = args.to.out.as_deref().map(|out| write_inside(&parts, out)).transpose()?;
    args.page.as_deref().map(|page| write_inside_page(&parts, page)).transpose()?;
    if args.json.json {
        print_json(&document(args, &view, &kernels, survey.as_deref()));
    } else {
        tell(args, &view, &kernels, survey.as_deref(), files.map_or(0, |f| f.len()));
    }
    Ok(ExitCode::SUCCESS)
}

fn survey_job(
    args: &LookInsideArgs,
    checkpoint: &CheckpointRef,
    dataset: Arc<Dataset>,
    class_match: crate::domain::ClassMatch,
) -> SurveyLayers {
    SurveyLayers {
        checkpoint: checkpoint.clone(),
        dataset,
        split: split_choice(args.split),
        clips: args.clips,
        seed: args.seed,
        class_match,
        layers: args.layers.clone(),
        examples: args.examples,
        map: Some(args.map_layer.clone().unwrap_or_default()),
        perplexity: args.perplexity,
        over_checkpoints: args.all_checkpoints,
    }
}

/// Fails as a usage error for a layer the network does not have.
fn require_layers(args: &LookInsideArgs, found: &crate::run_folder::Checkpoint) -> Result<(), Exit> {
    let (config, classes) = (&found.state.config, found.state.classes.len());
    let clip = [config.clip.length as usize, config.clip.height as usize, config.clip.width as usize];
    let outline = crate::model::Outline::of(&config.model, classes, clip)?;
    let ids: Vec<&str> = outline.layers.iter().map(|l| l.id.as_str()).collect();
    let mut named = args.layers.iter().chain(&args.map_layer);
    match named.find(|l| !ids.contains(&l.as_str())) {
        None => Ok(()),
        Some(layer) => Err(Exit::Usage(anyhow!(
            "there is no layer '{layer}' in this run's network; the layers are: {}",
            crate::model::layer_choices(layer, &ids)
        ))),
    }
}

/// The clip asked for, or the first of the only video.
fn the_clip(args: &LookInsideArgs, dataset: &Dataset) -> Result<ClipRef, Exit> {
    if let Some(clip) = &args.clip {
        return parse_clip(clip, dataset);
    }
    let [entry] = dataset.videos.as_slice() else {
        return Err(Exit::Usage(anyhow!(
            "{} holds {} videos; name the clip with --clip VIDEO:START, or give one video or picture",
            args.source.display(),
            dataset.videos.len()
        )));
    };
    if entry.frames() == 0 && !entry.is_pending() {
        let why = dataset.warnings.iter().find(|w| w.path == entry.path).map(|w| w.message.clone());
        return Err(Exit::Failed(anyhow!(
            "{}",
            why.unwrap_or_else(|| format!("{} has no frame", entry.path.display()))
        )));
    }
    Ok(ClipRef::window(&entry.name, 0))
}

fn document(args: &LookInsideArgs, view: &InsideView, kernels: &KernelView, survey: Option<&LayerSurvey>) -> Value {
    let name = |class: usize| view.classes.name(class);
    let modules: Vec<Value> = view
        .tree
        .modules()
        .into_iter()
        .map(|m| {
            let seconds = view.seconds.as_ref().and_then(|s| s.get(&m.id));
            json!({
                "id": m.id, "kind": m.kind, "title": m.title, "input": m.input, "shape": m.shape,
                "parameters": m.parameters, "seconds": seconds,
            })
        })
        .collect();
    let of_kernel = |k: &crate::inside::Kernel| {
        json!({
            "layer": k.layer, "form": k.form(), "shape": k.shape, "motion_share": k.mean_motion_share(),
            "motion_shares": k.motion_shares(),
        })
    };
    let over_training: Vec<Value> = kernels
        .over_checkpoints
        .iter()
        .map(|of| {
            json!({ "checkpoint": of.identity.checkpoint, "epoch": of.identity.epoch, "step": of.identity.step,
                    "motion_share": of.layers.iter().cloned().collect::<std::collections::BTreeMap<_, _>>() })
        })
        .collect();
    let mut document = json!({
        "video": view.clip.video, "start": view.clip.start, "frames": view.frames, "true": view.truth.map(name),
        "predicted": name(view.predicted), "probability": view.probabilities.get(view.predicted),
        "probabilities": view.probabilities, "classes": (0..view.probabilities.len()).map(name).collect::<Vec<_>>(),
        "order": view.order, "class": view.class.map(name),
        "layers": view.layers.iter().map(layer_document).collect::<Vec<_>>(),
        "modules": modules,
        "kernels": kernels.kernels.iter().map(of_kernel).collect::<Vec<_>>(),
        "kernels_over_checkpoints": over_training,
        "survey": survey.map(survey_document),
        "out": args.to.out, "page": args.page,
    });
    name_weights(&mut document, &view.identity);
    document
}

fn layer_document(layer: &LayerView) -> Value {
    let mut document = statistics_document(&layer.statistics);
    document["order"] = json!(layer.ranked);
    document["receptive_field"] = json!(layer.field.as_ref().map(|f| {
        json!({ "size": f.size(), "step": f.step(), "middle_cell": f.middle(), "covers": f.cell(f.middle()) })
    }));
    document["effective_field"] = json!(layer.effective);
    document
}

fn statistics_document(statistics: &LayerStatistics) -> Value {
    let mut document = json!(statistics);
    document["idle"] = json!(statistics.idle());
    document["warning"] = json!(statistics.warning());
    document
}

fn survey_document(survey: &LayerSurvey) -> Value {
    let clips: Vec<Value> = survey
        .clips
        .iter()
        .map(|c| {
            let name = |class: usize| survey.classes.name(class);
            json!({
                "video": c.clip.video, "start": c.clip.start, "subject": c.subject, "split": c.split,
                "true": c.truth.map(name), "predicted": name(c.predicted), "probability": c.probability,
            })
        })
        .collect();
    let over: Vec<Value> = survey
        .over_checkpoints
        .iter()
        .map(|of| {
            let layers: Vec<Value> = of
                .statistics
                .iter()
                .map(|s| json!({ "layer": s.layer, "channels": s.channels(), "dead": s.dead, "saturated": s.saturated,
                                 "constant": s.constant }))
                .collect();
            json!({ "checkpoint": of.identity.checkpoint, "epoch": of.identity.epoch, "step": of.identity.step, "layers": layers })
        })
        .collect();
    json!({
        "split": survey.split.name(), "clips": clips,
        "layers": survey.statistics.iter().map(statistics_document).collect::<Vec<_>>(),
        "examples": survey.examples, "map_layer": survey.map_layer, "map": survey.map, "near": survey.near,
        "over_checkpoints": over,
    })
}

fn tell(args: &LookInsideArgs, view: &InsideView, kernels: &KernelView, survey: Option<&LayerSurvey>, files: usize) {
    let name = |class: usize| view.classes.name(class);
    eprintln!("{}", view.identity);
    let probability = view.probabilities.get(view.predicted).copied().unwrap_or(0.0) * 100.0;
    print_line(&format!(
        "{} frame {}: true {}, predicted {} ({probability:.1} %)",
        view.clip.video,
        view.clip.start,
        view.truth.map_or("unlabelled", name),
        name(view.predicted)
    ));
    view.layers.iter().for_each(|layer| tell_layer(&layer.statistics));
    for kernel in kernels.kernels.iter().filter(|k| args.layers.iter().any(|l| crate::model::belongs_to(&k.layer, l))) {
        if let Some(share) = kernel.mean_motion_share() {
            print_line(&format!("kernels of {}: mean motion share {share:.3}", kernel.layer));
        }
    }
    if let Some(survey) = survey {
        print_line(&format!("over {} clips of '{}':", grouped(survey.clips.len() as u64), survey.split.name()));
        survey.statistics.iter().for_each(tell_layer);
        if let Some(map) = &survey.map {
            print_line(&format!("map of {}: {}", survey.map_layer, map_words(map)));
        }
        if !survey.near.is_empty() {
            print_line(&format!(
                "{} pairs of clips of different splits look nearly the same to the network",
                grouped(survey.near.len() as u64)
            ));
        }
    }
    if let Some(out) = &args.to.out {
        print_line(&format!("{files} files in {}; open index.html", out.display()));
    }
    if let Some(page) = &args.page {
        print_line(&page.display().to_string());
    }
}

/// How far a map can be trusted, in words.
fn map_words(map: &ClipMap) -> String {
    let trust = |t: Option<f64>| t.map_or("-".to_owned(), |t| format!("{t:.3}"));
    let components = format!("trustworthiness {} along two components", trust(map.trustworthiness));
    map.neighbours.as_ref().map_or_else(
        || components.clone(),
        |n| {
            let by = trust(n.trustworthiness);
            format!("{components}, {by} arranged by neighbours (t-SNE, perplexity {:.1})", n.perplexity)
        },
    )
}

fn tell_layer(s: &LayerStatistics) {
    let [c, t, h, w] = s.shape;
    let idle = s.idle().map_or(String::new(), |idle| format!("; {idle}"));
    print_line(&format!(
        "    {:20} {c}x{t}x{h}x{w}  mean {:.4}  std {:.4}  {:.1} % zeros{idle}",
        s.layer,
        s.mean,
        s.std,
        s.zero_share * 100.0
    ));
    if let Some(warning) = s.warning() {
        eprintln!("warning: {warning}");
    }
}
