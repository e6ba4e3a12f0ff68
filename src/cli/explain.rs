//! `kinolens explain`: heatmaps of clips as numbers and videos.

use super::Exit;
use super::args::ExplainArgs;
use super::common::{
    Outcome, checkpoint_ref, class_match, name_weights, open_dataset, parse_clip, require_run, run_job, say_problems,
    say_warnings, split_choice,
};
use super::monitor::{TerminalMonitor, print_json, print_line};
use super::output::refuse_overwrite;
use super::reading::data_config_of;
use crate::config::ClipConfig;
use crate::domain::{ClassSet, FrameSampling, HeatMap, MaskShare, PoolingRule, Task, choices, said};
use crate::jobs::{Explanation, ExportRequest, HeatRequest, LaneState, TargetClass};
use crate::peers::of_process;
use crate::render::{Blend, ColorMap, Interpolation, OverlayParams};
use anyhow::anyhow;
use serde_json::{Value, json};
use std::process::ExitCode;

pub(super) fn explain(args: &ExplainArgs) -> Outcome {
    require_run(&args.run.path)?;
    let class_match = class_match(&args.classes)?;
    require_values(args)?;
    let color_map = crate::render::color_map(&args.color_map).map_err(|e| Exit::Usage(e.into()))?;
    refuse_overwrite(&args.to, crate::jobs::is_sample)?;
    let checkpoint = checkpoint_ref(&args.run.path);
    let found = crate::jobs::open_checkpoint(&checkpoint)?;
    if found.baseline().is_some() {
        return super::explain_features::explain(args, &found, class_match);
    }
    require_view(args, &found.state.config.clip)?;
    let maps = requests(args, &found.state.classes)?;
    let view = crate::jobs::view(&checkpoint.run)?;
    require_layers(args, &view.layers)?;
    say_problems(&view.problems);
    let mut state = LaneState::default();
    let data = data_config_of(&args.run.path, &args.source, &args.reading)?;
    let dataset = open_dataset(&args.source, &data, &mut state)?;
    let clips = args.clips.iter().map(|c| parse_clip(c, &dataset)).collect::<Result<Vec<_>, _>>()?;
    say_warnings(&dataset);
    let monitor = TerminalMonitor::new(false, 0);
    let request = ExportRequest {
        checkpoint,
        dataset,
        clips,
        view: args.view,
        num_samples: args.num_samples,
        split: split_choice(args.split),
        misclassified_only: args.misclassified_only,
        maps,
        look: look(args, color_map)?,
        fps: args.fps,
        seed: args.seed,
        out: args.to.out.clone(),
        replace: args.to.force,
        class_match,
    };
    let dataset = request.dataset.clone();
    let (explanation, _) = run_job(request, &monitor, &mut state)?;
    // All know the answer; the first process tells it.
    if !of_process().leads() {
        return Ok(ExitCode::SUCCESS);
    }
    let shown = explanation.samples.iter().map(|s| s.clip.video.as_str());
    let dataset = crate::jobs::with_videos(&dataset, shown, &monitor).map_err(|e| Exit::Failed(e.into()))?;
    drop(monitor);
    let on_body = explanation
        .samples
        .iter()
        .map(|s| crate::jobs::heat_on_body(&dataset, s))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|e| Exit::Failed(e.into()))?;
    if args.json.json {
        print_json(&document(args, &explanation, &on_body));
    } else {
        tell(args, &explanation, &on_body);
    }
    Ok(ExitCode::SUCCESS)
}

/// Numbers that no dataset is needed to refuse.
fn require_values(args: &ExplainArgs) -> Result<(), Exit> {
    if !(0.0..=1.0).contains(&args.alpha) {
        return Err(Exit::Usage(anyhow!("--alpha {} must lie between 0 and 1", args.alpha)));
    }
    if !(args.fps > 0.0 && args.fps <= 240.0) {
        return Err(Exit::Usage(anyhow!("--fps {} must be above 0 and at most 240", args.fps)));
    }
    if args.num_samples == 0 && args.clips.is_empty() {
        return Err(Exit::Usage(anyhow!("--num-samples must be at least 1")));
    }
    Ok(())
}

/// Fails as a usage error for a view that no clip of the run has.
/// How the overlay is drawn.
fn look(args: &ExplainArgs, color_map: &'static ColorMap) -> Result<OverlayParams, Exit> {
    let id = args.interpolation.as_str();
    let Some((_, interpolation)) = Interpolation::ALL.into_iter().find(|(known, _)| *known == id) else {
        let known = choices(id, Interpolation::ALL.into_iter().map(|(known, _)| known));
        return Err(Exit::Usage(anyhow!("--interpolation '{id}' is not known; choose one of {known}")));
    };
    let blend = if args.even { Blend::Constant } else { Blend::FollowsHeat };
    Ok(OverlayParams { alpha: args.alpha, color_map, interpolation, blend, ..OverlayParams::default() })
}

fn require_view(args: &ExplainArgs, clip: &ClipConfig) -> Result<(), Exit> {
    let Some(view) = args.view else { return Ok(()) };
    let clips = if clip.sampling == FrameSampling::Windows { 1 } else { usize::from(clip.clips.max(1)) };
    let views = clips * usize::from(clip.crops.max(1));
    if view < views {
        return Ok(());
    }
    let seen = match views {
        1 => "this run sees each clip in one view (clip.clips and clip.crops are 1)".to_owned(),
        n => format!("this run sees each clip in {n} views, 0 to {}", n - 1),
    };
    Err(Exit::Usage(anyhow!("there is no view {view}: {seen}")))
}

/// Share of each map's heat on the body, clip by clip.
type OnBody = [Vec<Option<MaskShare>>];

fn document(args: &ExplainArgs, explanation: &Explanation, on_body: &OnBody) -> Value {
    let name = |class: usize| explanation.classes.name(class);
    let samples: Vec<Value> = explanation
        .samples
        .iter()
        .zip(on_body)
        .map(|(s, on_body)| {
            let maps: Vec<Value> = s
                .maps
                .iter()
                .zip(on_body)
                .map(|(m, on_body)| {
                    let mut map = json!({
                        "method": m.method, "layer": m.layer, "class": name(m.class), "class_index": m.class,
                        "against": m.against.map(name), "shape": m.shape, "pooling": m.pooling,
                    });
                    if m.region != HeatMap::WHOLE {
                        map["region"] = json!(m.region);
                    }
                    if let Some(share) = on_body {
                        map["on_body"] = json!({ "heat": share.of_heat(), "picture": share.of_picture() });
                    }
                    if args.raw {
                        map["values"] = json!(m.values);
                    }
                    map
                })
                .collect();
            let mut sample = json!({
                "video": s.clip.video, "start": s.clip.start, "frames": s.frames, "true": s.truth.map(name),
                "predicted": name(s.predicted), "probability": s.probabilities.get(s.predicted),
                "probabilities": s.probabilities, "maps": maps,
            });
            if let Some(view) = args.view {
                sample["view"] = json!({ "index": view, "name": s.clip.cut.view_words(None) });
            }
            if explanation.task == Task::MultiLabel {
                sample["true_classes"] = s.truths.iter().map(|c| name(*c)).collect();
                sample["said"] = said(&s.probabilities).map(name).collect();
            }
            sample
        })
        .collect();
    let mut document = json!({ "samples": samples, "out": args.to.out });
    name_weights(&mut document, &explanation.identity);
    document
}

fn tell(args: &ExplainArgs, explanation: &Explanation, on_body: &OnBody) {
    let name = |class: usize| explanation.classes.name(class);
    eprintln!("{}", explanation.identity);
    for (s, on_body) in explanation.samples.iter().zip(on_body) {
        let truths: Vec<&str> = s.true_classes().into_iter().map(name).collect();
        let truth = if truths.is_empty() { "unlabelled".to_owned() } else { truths.join(" + ") };
        let probability = s.probabilities.get(s.predicted).copied().unwrap_or(0.0) * 100.0;
        let view = args.view.map_or(String::new(), |_| format!(" ({})", s.clip.cut.view_words(None)));
        print_line(&format!(
            "{} frame {}{view}: true {truth}, predicted {} ({probability:.1} %)",
            s.clip.video,
            s.clip.start,
            name(s.predicted)
        ));
        for (m, on_body) in s.maps.iter().zip(on_body) {
            let [t, h, w] = m.shape;
            let body = on_body.map_or(String::new(), |share| {
                let [heat, picture] = [share.of_heat(), share.of_picture()].map(|v| v * 100.0);
                format!(", {heat:.0} % of the heat on the body, which is {picture:.0} % of the picture")
            });
            let subject = m.subject(&explanation.classes);
            let pooling = m.pooling.words();
            print_line(&format!("    {} at {} for {subject}: {t}x{h}x{w} cells, {pooling}{body}", m.method, m.layer));
        }
    }
    if explanation.samples.is_empty() {
        print_line("no clip fits: there is nothing wrong to show, or the split has no labelled clips");
    }
    if let Some(out) = &args.to.out {
        print_line(&format!("videos in {}", out.display()));
    }
}

/// Every method at every layer asked for.
fn requests(args: &ExplainArgs, classes: &ClassSet) -> Result<Vec<HeatRequest>, Exit> {
    let target = target_class("--class", &args.class, classes)?;
    let against = args.against.as_deref().map(|text| target_class("--against", text, classes)).transpose()?;
    if against == Some(target) {
        return Err(Exit::Usage(anyhow!(
            "--class {} and --against {} are the same class: nothing would be left of its map; name another class, or leave \
             --against out",
            args.class,
            args.against.as_deref().unwrap_or_default()
        )));
    }
    let methods = if args.methods.is_empty() { vec!["grad-cam".to_owned()] } else { args.methods.clone() };
    for method in &methods {
        crate::cam::MethodSpec::find(method).map_err(|e| Exit::Usage(e.into()))?;
    }
    let layers: Vec<Option<String>> =
        if args.layers.is_empty() { vec![None] } else { args.layers.iter().cloned().map(Some).collect() };
    let pooling = if args.per_time_step { PoolingRule::PerTimeStep } else { PoolingRule::SpaceTime };
    let pairs = methods.iter().flat_map(|m| layers.iter().map(move |l| (m.clone(), l.clone())));
    Ok(pairs.map(|(method, layer)| HeatRequest { method, layer, target, against, pooling }).collect())
}

/// A class by its name or position, or one of the words for it.
pub(super) fn target_class(option: &str, text: &str, classes: &ClassSet) -> Result<TargetClass, Exit> {
    Ok(match text {
        "predicted" => TargetClass::Predicted,
        "true" => TargetClass::True,
        other => {
            let found = classes.by_name(other).or_else(|| other.parse().ok().filter(|c| *c < classes.len()));
            let names = classes.classes.iter().map(|c| c.name.as_str());
            let known = || choices(other, ["predicted", "true"].into_iter().chain(names));
            TargetClass::Class(
                found.ok_or_else(|| Exit::Usage(anyhow!("{option} '{other}' is not known; there are: {}", known())))?,
            )
        }
    })
}

/// Fails as a usage error for a layer the network does not have, or has no heatmap for.
fn require_layers(args: &ExplainArgs, known: &[String]) -> Result<(), Exit> {
    match args.layers.iter().find(|l| !known.contains(l)) {
        Some(layer) => Err(Exit::Usage(anyhow!(
            "there is no layer '{layer}' for heatmaps in this run's network; the layers are: {}",
            crate::model::layer_choices(layer, &known.iter().map(String::as_str).collect::<Vec<_>>())
        ))),
        None => Ok(()),
    }
}
