//! `kinolens bench --video`: decoding, seeking, and clips on their way to a network.

use super::Exit;
use super::args::BenchArgs;
use super::monitor::{print_json, print_line};
use crate::classical::FeatureSet;
use crate::config::{DataConfig, RunConfig};
use crate::data::{ClipSource, Loader, LoaderOptions, open_with_cache};
use crate::domain::{Clip, Dataset, VideoEntry};
use crate::eval::clip_features;
use crate::process_usage::Usage;
use crate::progress::Silent;
use crate::video::Video;
use anyhow::anyhow;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::io::BufRead;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

/// Frames jumped to.
const JUMPS: usize = 40;
/// Clips of a batch.
const BATCH: usize = 8;

/// Figures in the order they are told.
#[derive(Default)]
struct Figures(Vec<Value>);

impl Figures {
    fn add(&mut self, name: &str, value: f64, unit: &str) {
        self.0.push(json!({ "name": name, "value": value, "unit": unit }));
    }
}

pub(super) fn data(args: &BenchArgs, video: &Path) -> Result<ExitCode, Exit> {
    if [args.clips, args.frames as usize, args.size as usize].contains(&0) {
        return Err(Exit::Usage(anyhow!("--clips, --frames and --size must be at least 1")));
    }
    let mut figures = Figures::default();
    let begun = Instant::now();
    // Without the cache of earlier sessions: what is timed is this machine, not its memory.
    let dataset = Arc::new(open_with_cache(video, &DataConfig::default(), None, &Silent)?);
    figures.add("open and index", begun.elapsed().as_secs_f64(), "s");
    let first = dataset.videos.iter().find(|v| v.frames() > 0);
    let first = first.ok_or_else(|| Exit::Failed(anyhow!("{} has no frame that can be decoded", video.display())))?;
    if args.in_turns {
        return in_turns(args, &dataset);
    }
    let frames = first.frames();
    decode(&first.path, frames, &mut figures)?;
    loading(args, &dataset, &mut figures)?;
    features(args, &dataset, &mut figures)?;
    figures.add("memory", Usage::now().memory_bytes as f64 / (1 << 20) as f64, "MiB");
    if args.json.json {
        print_json(&json!({ "video": video, "frames": frames, "results": figures.0 }));
        return Ok(ExitCode::SUCCESS);
    }
    for row in &figures.0 {
        let (value, unit) = (row["value"].as_f64().unwrap_or(f64::NAN), row["unit"].as_str().unwrap_or_default());
        print_line(&format!("{:50} {value:10.2} {unit}", row["name"].as_str().unwrap_or_default()));
    }
    Ok(ExitCode::SUCCESS)
}

/// The whole video in order, then frames here and there.
fn decode(path: &Path, frames: u32, figures: &mut Figures) -> Result<(), Exit> {
    let failed = |e: crate::video::VideoError| Exit::Failed(e.into());
    let video = Video::open(path).map_err(failed)?;
    let (begun, mut seen) = (Instant::now(), 0_u32);
    video
        .for_each(0, frames, &mut |_| {
            seen += 1;
            true
        })
        .map_err(failed)?;
    figures.add("decode in order", f64::from(seen) / begun.elapsed().as_secs_f64(), "frames/s");
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(1);
    let mut jumps = Vec::with_capacity(JUMPS);
    for _ in 0..JUMPS {
        let frame = rng.random_range(0..frames);
        let begun = Instant::now();
        video.frame(frame).map_err(failed)?;
        jumps.push(begun.elapsed().as_secs_f64() * 1e3);
    }
    jumps.sort_by(f64::total_cmp);
    figures.add("jump to a frame", jumps[JUMPS / 2], "ms");
    figures.add("jump to a frame, 95 % below", jumps[JUMPS * 95 / 100], "ms");
    Ok(())
}

/// What clips are loaded as.
fn config(args: &BenchArgs) -> RunConfig {
    let mut config = RunConfig::default();
    (config.clip.length, config.clip.width, config.clip.height) = (args.frames, args.size, args.size);
    config.clip.step = 1;
    config
}

/// Clips at random places, of the videos in turns.
fn random_clips(args: &BenchArgs, dataset: &Dataset) -> Vec<Clip> {
    let mut rng = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let videos: Vec<(usize, u32)> =
        dataset.videos.iter().map(VideoEntry::frames).enumerate().filter(|(_, frames)| *frames > 0).collect();
    let places = videos.iter().cycle().take(args.clips);
    places.map(|(i, frames)| Clip::window(*i, rng.random_range(0..=frames.saturating_sub(args.frames)))).collect()
}

/// Loads clips, resized, normalised and in batches; gives the seconds that took.
fn load(args: &BenchArgs, source: &Arc<ClipSource>, clips: &[Clip], epoch: u64) -> Result<f64, Exit> {
    let options = LoaderOptions { batch_size: BATCH, workers: args.workers, epoch, ..LoaderOptions::default() };
    let begun = Instant::now();
    for batch in Loader::new(source.clone(), clips, &options) {
        batch?;
    }
    Ok(begun.elapsed().as_secs_f64())
}

/// Random clips, twice: decoded, and from memory.
fn loading(args: &BenchArgs, dataset: &Arc<Dataset>, figures: &mut Figures) -> Result<(), Exit> {
    let clips = random_clips(args, dataset);
    let source = Arc::new(ClipSource::new(dataset.clone(), &config(args)));
    for (epoch, name) in ["clips, first epoch", "clips, second epoch"].into_iter().enumerate() {
        figures.add(name, clips.len() as f64 / load(args, &source, &clips, epoch as u64)?, "clips/s");
    }
    Ok(())
}

/// Features of classical baselines of clips that follow each other, decoding among it: how many seconds of video a second.
fn features(args: &BenchArgs, dataset: &Arc<Dataset>, figures: &mut Figures) -> Result<(), Exit> {
    let mut clips: Vec<(Clip, f64)> = Vec::new();
    for (at, video) in dataset.videos.iter().enumerate() {
        let Some(facts) = video.facts.as_ref().filter(|f| f.fps > 0.0) else { continue };
        let starts = (0..facts.frames.saturating_sub(args.frames)).step_by(args.frames as usize);
        clips.extend(starts.map(|start| (Clip::window(at, start), f64::from(args.frames) / facts.fps)));
    }
    clips.truncate(args.clips);
    let seconds: f64 = clips.iter().map(|(_, s)| s).sum();
    let clips: Vec<Clip> = clips.into_iter().map(|(clip, _)| clip).collect();
    if clips.is_empty() {
        return Ok(());
    }
    for (set, name) in [
        (FeatureSet::Looks, "looks features, times real time"),
        (FeatureSet::Motion, "motion features, times real time"),
        (FeatureSet::History, "history features, times real time"),
    ] {
        let source = Arc::new(ClipSource::new(dataset.clone(), &config(args)));
        let begun = Instant::now();
        clip_features(set, &source, &clips, "features", &Silent).map_err(|e| Exit::Failed(e.into()))?;
        figures.add(name, seconds / begun.elapsed().as_secs_f64(), "s/s");
    }
    Ok(())
}

/// For every line that comes in all clips once, decoded: nothing is kept from one round to the next.
fn in_turns(args: &BenchArgs, dataset: &Arc<Dataset>) -> Result<ExitCode, Exit> {
    let (clips, config) = (random_clips(args, dataset), config(args));
    print_line("ready");
    for line in std::io::stdin().lock().lines() {
        line?;
        let source = Arc::new(ClipSource::new(dataset.clone(), &config));
        print_line(&load(args, &source, &clips, 0)?.to_string());
    }
    Ok(ExitCode::SUCCESS)
}
