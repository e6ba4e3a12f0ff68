//! `kinolens explain` of a classical baseline: what its features saw of clips, as pictures.

use super::Exit;
use super::args::ExplainArgs;
use super::common::{
    Outcome, checkpoint_ref, name_weights, open_dataset, parse_clip, run_job, say_warnings, split_choice,
};
use super::monitor::{TerminalMonitor, print_json, print_line};
use super::output::refuse_overwrite;
use super::reading::data_config_of;
use crate::classical::FeaturePicture;
use crate::domain::{ClassMatch, Dataset};
use crate::eval::evaluated_clips;
use crate::jobs::{ClipRef, ClipSample, ExplainRequest, LaneState};
use crate::peers::of_process;
use crate::progress::Monitor;
use crate::run_folder::Checkpoint;
use anyhow::{Context, anyhow};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Beginning of the names of pictures.
const SAMPLE: &str = "sample_";

/// Name of a picture of a sample.
fn file_name(index: usize, picture: &FeaturePicture) -> String {
    format!("{SAMPLE}{index:03}_{}.png", picture.id)
}

/// Explains clips by what the features of a baseline saw of them.
pub(super) fn explain(args: &ExplainArgs, checkpoint: &Checkpoint, class_match: ClassMatch) -> Outcome {
    let networks_only = !args.methods.is_empty() || !args.layers.is_empty() || args.view.is_some();
    if networks_only || args.against.is_some() || args.raw {
        // Says what it is.
        checkpoint.require_network()?;
    }
    refuse_overwrite(&args.to, |name| name.starts_with(SAMPLE) && name.ends_with(".png"))?;
    let mut state = LaneState::default();
    let data = data_config_of(&args.run.path, &args.source, &args.reading)?;
    let dataset = open_dataset(&args.source, &data, &mut state)?;
    let named = args.clips.iter().map(|c| parse_clip(c, &dataset)).collect::<Result<Vec<_>, _>>()?;
    say_warnings(&dataset);
    let monitor = TerminalMonitor::new(false, 0);
    let ask = |clips: Vec<ClipRef>, dataset: &Arc<Dataset>, state: &mut LaneState, monitor: &dyn Monitor| {
        let request = ExplainRequest {
            checkpoint: checkpoint_ref(&args.run.path),
            dataset: dataset.clone(),
            clips,
            maps: Vec::new(),
            on_body: false,
            class_match: class_match.clone(),
        };
        run_job(request, monitor, state)
    };
    let (dataset, clips) = match named.is_empty() {
        false => (dataset, named),
        true => {
            let (known, all) = drawn(args, checkpoint, &dataset, &class_match)?;
            let wrong = match args.misclassified_only {
                false => all,
                true => {
                    let answers = ask(all, &known, &mut state, &monitor)?;
                    let wrong = answers.samples.iter().filter(|s| s.right() == Some(false));
                    wrong.map(|s| s.clip.clone()).collect()
                }
            };
            (known, spread(wrong, args.num_samples))
        }
    };
    let mut samples = Vec::with_capacity(clips.len());
    let mut classes = None;
    for clip in clips {
        // One at a time: only then pictures come along.
        let answer = ask(vec![clip], &dataset, &mut state, &monitor)?;
        samples.extend(answer.samples.iter().cloned());
        classes.get_or_insert((answer.classes.clone(), answer.identity.clone()));
    }
    drop(monitor);
    if !of_process().leads() {
        return Ok(ExitCode::SUCCESS);
    }
    let files = args.to.out.as_ref().map(|out| write(out, &samples)).transpose()?;
    let name = |class: usize| classes.as_ref().map_or("?", |(c, _)| c.name(class)).to_owned();
    if args.json.json {
        let rows: Vec<Value> = samples.iter().enumerate().map(|(i, s)| row(i, s, files.as_deref(), &name)).collect();
        let mut document = json!({ "samples": rows, "out": args.to.out });
        classes.iter().for_each(|(_, identity)| name_weights(&mut document, identity));
        print_json(&document);
        return Ok(ExitCode::SUCCESS);
    }
    for s in &samples {
        let truth = s.truth.map_or_else(|| "unlabelled".to_owned(), name);
        print_line(&format!("{} frame {}: true {truth}, predicted {}", s.clip.video, s.clip.start, name(s.predicted)));
        s.pictures.iter().for_each(|p| print_line(&format!("    {}", p.title)));
    }
    if samples.is_empty() {
        print_line("no clip fits: there is nothing wrong to show, or the split has no labelled clips");
    }
    files.iter().flatten().flatten().for_each(|f| eprintln!("{}", f.display()));
    Ok(ExitCode::SUCCESS)
}

/// The labelled clips of the split, with the dataset they are in.
fn drawn(
    args: &ExplainArgs,
    checkpoint: &Checkpoint,
    dataset: &Arc<Dataset>,
    class_match: &ClassMatch,
) -> Result<(Arc<Dataset>, Vec<ClipRef>), Exit> {
    let monitor = TerminalMonitor::new(false, 0);
    let known = crate::data::look_into_all(dataset, &monitor).map_err(|e| Exit::Failed(e.into()))?;
    let found = evaluated_clips(checkpoint, &known, split_choice(args.split), class_match);
    let (_, clips) = found.map_err(|e| Exit::Failed(e.into()))?;
    let of = |clip: &crate::domain::Clip| {
        let video = known.videos.get(clip.video)?.name.clone();
        Some(ClipRef { video, start: clip.start, cut: clip.cut })
    };
    let clips = clips.iter().filter_map(|(clip, _)| of(clip)).collect();
    Ok((known.clone(), clips))
}

/// So many of them, evenly spread.
fn spread(clips: Vec<ClipRef>, count: usize) -> Vec<ClipRef> {
    let count = count.min(clips.len());
    (0..count).filter_map(|i| clips.get(i * clips.len() / count.max(1)).cloned()).collect()
}

fn write(out: &Path, samples: &[ClipSample]) -> Result<Vec<Vec<PathBuf>>, Exit> {
    let cannot = |path: &Path| format!("cannot write {}", path.display());
    std::fs::create_dir_all(out).with_context(|| cannot(out)).map_err(|e| Exit::Failed(anyhow!("{e:#}")))?;
    let of = |(index, sample): (usize, &ClipSample)| -> Result<Vec<PathBuf>, Exit> {
        let write = |picture: &FeaturePicture| {
            let path = out.join(file_name(index, picture));
            let written = crate::render::write_png(&path, &picture.image).with_context(|| cannot(&path));
            written.map(|()| path.clone()).map_err(Exit::Failed)
        };
        sample.pictures.iter().map(write).collect()
    };
    samples.iter().enumerate().map(of).collect()
}

fn row(index: usize, s: &ClipSample, files: Option<&[Vec<PathBuf>]>, name: &dyn Fn(usize) -> String) -> Value {
    let written = files.and_then(|f| f.get(index));
    let pictures: Vec<Value> = s
        .pictures
        .iter()
        .enumerate()
        .map(|(i, p)| {
            let size = [p.image.width, p.image.height];
            json!({ "id": p.id, "title": p.title, "size": size, "file": written.and_then(|w| w.get(i)) })
        })
        .collect();
    json!({
        "video": s.clip.video, "start": s.clip.start, "frames": s.frames, "true": s.truth.map(name),
        "predicted": name(s.predicted), "probability": s.probabilities.get(s.predicted),
        "probabilities": s.probabilities, "pictures": pictures,
    })
}
