//! What is shown of augmentation is what training gets: the same tensor, bit by bit, for the same clip, epoch and seed.

use crate::support::bars::{After, bars, config, train};
use kinolens::config::{CropConfig, RunConfig};
use kinolens::data::{Batch, ClipSource, Loader, LoaderOptions, Sampler, plan};
use kinolens::domain::{Clip, Dataset, FrameSampling, RgbImage};
use kinolens::jobs::kinds::PreviewAugmentation;
use kinolens::jobs::{AugmentationView, ClipRef, Done, Job, LaneState, Output, PreviewClip};
use kinolens::model::ComputeDevice;
use kinolens::progress::Silent;
use kinolens::train::{TrainOptions, run};
use kinolens::video::Video;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// Random frames, a random part of the picture, colours, flips and rotations.
fn drawn(epochs: u32) -> RunConfig {
    let mut config = config(epochs);
    config.clip.sampling = FrameSampling::Segments;
    config.augment.crop = Some(CropConfig { scale: (0.4, 0.9), ratio: (0.8, 1.25) });
    config
}

/// An epoch (from 0) as the training loop has it loaded.
fn epoch_of(dataset: &Arc<Dataset>, config: &RunConfig, epoch: u64) -> Vec<Batch> {
    let plan = plan(dataset, config).unwrap();
    let options = LoaderOptions {
        batch_size: config.training.batch_size,
        workers: config.training.workers,
        sampler: Sampler::training(&config.sampling),
        targets: None,
        augment: Some(config.augment.clone()),
        seed: config.seed,
        epoch,
        skip_batches: 0,
        share: Default::default(),
    };
    let source = Arc::new(ClipSource::new(dataset.clone(), config));
    Loader::new(source, &plan.train, &options).map(Result::unwrap).collect()
}

/// The tensors an epoch holds of the clips of one place, in its order.
fn tensors<'b>(batches: &'b [Batch], clip: &Clip) -> Vec<&'b [f32]> {
    let mut out = Vec::new();
    for batch in batches {
        let length = batch.pixels.len() / batch.size;
        for (own, pixels) in batch.clips.iter().zip(batch.pixels.chunks_exact(length)) {
            // The frames of a batch's clip are drawn; its instance is the same.
            if (own.video, own.start, own.cut.end) == (clip.video, clip.start, clip.cut.end) {
                out.push(pixels);
            }
        }
    }
    out
}

fn look(
    dataset: &Arc<Dataset>,
    config: &RunConfig,
    clip: PreviewClip,
    (epoch, repeat): (u32, u32),
    state: &mut LaneState,
) -> Arc<AugmentationView> {
    let config = Box::new(config.clone());
    let job = PreviewAugmentation { dataset: dataset.clone(), config, clip, epoch, repeat };
    let done = kinolens::jobs::run(Job::PreviewAugmentation(job), state, &Silent).unwrap();
    let Done::Finished(Output::Augmentation(view)) = done else { panic!("{done:?}") };
    view
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// A tensor `[3, T, H, W]` as pictures, worked out by hand: `(v · std + mean) · 255`, rounded.
fn undone(pixels: &[f32], config: &RunConfig) -> Vec<Vec<u8>> {
    let (frames, area) = (config.clip.length as usize, (config.clip.width * config.clip.height) as usize);
    let value = |t: usize, at: usize, c: usize| {
        let v = pixels[(c * frames + t) * area + at] * config.clip.std[c] + config.clip.mean[c];
        (v * 255.0).round().clamp(0.0, 255.0) as u8
    };
    (0..frames).map(|t| (0..area * 3).map(|i| value(t, i / 3, i % 3)).collect()).collect()
}

/// The pictures differ nowhere by more than the rounding of a value that lies half way.
fn same_pictures(pictures: &[RgbImage], expected: &[Vec<u8>]) {
    assert_eq!(pictures.len(), expected.len());
    for (picture, expected) in pictures.iter().zip(expected) {
        let off = picture.data.iter().zip(expected).filter(|(a, b)| a.abs_diff(**b) > 0).count();
        let far = picture.data.iter().zip(expected).map(|(a, b)| a.abs_diff(*b)).max();
        assert!(far <= Some(1) && off * 1000 < expected.len(), "{off} bytes differ, by up to {far:?}");
    }
}

#[test]
fn the_preview_is_the_tensor_of_the_training_bit_by_bit() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut state = LaneState::default();
    for sampling in [FrameSampling::Segments, FrameSampling::Windows, FrameSampling::Dense] {
        let mut config = drawn(1);
        config.clip.sampling = sampling;
        if sampling == FrameSampling::Dense {
            // Pictures by their shorter side, of which the input is cut out.
            config.clip.resize = Some(20);
        }
        let plan = plan(&dataset, &config).unwrap();
        for epoch in [1, 2, 5] {
            let batches = epoch_of(&dataset, &config, u64::from(epoch) - 1);
            for clip in plan.train.iter().step_by(5) {
                let (video, frame) = (dataset.videos[clip.video].name.clone(), clip.start);
                let view = look(&dataset, &config, PreviewClip::At { video, frame }, (epoch, 0), &mut state);
                assert_eq!(view.clip, ClipRef::of(&dataset.videos[clip.video].name, clip));
                assert_eq!((view.note.as_ref(), view.times_drawn), (None, 1));
                let trained = tensors(&batches, clip);
                assert_eq!(trained.len(), 1);
                assert!(bits(&view.pixels) == bits(trained[0]), "{sampling:?}, epoch {epoch}, {clip:?}");
                same_pictures(&view.after, &undone(trained[0], &config));
            }
        }
    }
}

#[test]
fn a_clip_drawn_again_in_one_epoch_differs_and_each_draw_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut config = drawn(1);
    config.sampling.weighted = true;
    config.sampling.clips_per_epoch = Some(60);
    let plan = plan(&dataset, &config).unwrap();
    let batches = epoch_of(&dataset, &config, 2);
    let clip = plan.train.iter().find(|c| tensors(&batches, c).len() > 2).expect("some clip is drawn three times");
    let trained = tensors(&batches, clip);
    let video = dataset.videos[clip.video].name.clone();
    let mut state = LaneState::default();
    for (repeat, tensor) in trained.iter().enumerate() {
        let at = PreviewClip::At { video: video.clone(), frame: clip.start };
        let view = look(&dataset, &config, at, (3, repeat as u32), &mut state);
        assert_eq!(view.times_drawn, trained.len());
        assert!(bits(&view.pixels) == bits(tensor), "draw {repeat}");
    }
    let distinct: BTreeSet<Vec<u32>> = trained.iter().map(|t| bits(t)).collect();
    assert_eq!(distinct.len(), trained.len(), "each draw is another one");
}

#[test]
fn what_no_training_takes_is_shown_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let config = config(1);
    let plan = plan(&dataset, &config).unwrap();
    let tested = plan.test.first().expect("some people are tested").video;
    let mut state = LaneState::default();
    let at = PreviewClip::At { video: dataset.videos[tested].name.clone(), frame: 4 };
    let view = look(&dataset, &config, at, (1, 0), &mut state);
    assert!(view.note.as_ref().is_some_and(|n| n.contains("is in test") && n.contains("never sees it")), "{view:?}");
    assert_eq!((view.times_drawn, view.clip.start, view.frames.clone()), (0, 3, (3..11).collect()));
    // Random ones are of the training.
    let trained: BTreeSet<&str> = plan.train.iter().map(|c| dataset.videos[c.video].name.as_str()).collect();
    let drawn: Vec<_> = (0..8).map(|n| look(&dataset, &config, PreviewClip::Random(n), (1, 0), &mut state)).collect();
    assert!(drawn.iter().all(|v| v.note.is_none() && trained.contains(v.clip.video.as_str())));
    let places: BTreeSet<_> = drawn.iter().map(|v| (v.clip.video.clone(), v.clip.start)).collect();
    assert!(places.len() > 3, "{places:?}");
    // Without augmentation both sides are the same picture, and nothing is said to be drawn.
    let mut plain = config.clone();
    plain.augment.enabled = false;
    let view = look(&dataset, &plain, PreviewClip::Random(3), (1, 0), &mut state);
    assert!(view.draw.is_none() && view.before == view.after);
    // The frames before any change are those of the files, at the size of the input.
    let file = |n: u32| {
        let video = dataset.videos.iter().find(|v| v.name == view.clip.video).unwrap();
        image::open(video.path.join(format!("{n:04}.png"))).unwrap().to_rgb8()
    };
    let mean = |data: &[u8]| data.iter().map(|v| f64::from(*v)).sum::<f64>() / data.len() as f64;
    for (n, picture) in view.frames.iter().zip(&view.before) {
        let (whole, shown) = (mean(file(*n).as_raw()), mean(&picture.data));
        assert!((whole - shown).abs() < 8.0, "frame {n}: {whole} in the file, {shown} shown");
    }
}

/// What stands in `debug` beside each pair of videos: by clip, then by epoch.
fn told(debug: &Path) -> BTreeMap<String, BTreeMap<u64, Value>> {
    let mut out: BTreeMap<String, BTreeMap<u64, Value>> = BTreeMap::new();
    for entry in std::fs::read_dir(debug).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let Some(stem) = name.strip_suffix(".json") else { continue };
        let (clip, epoch) = stem.rsplit_once("_epoch").expect("a name of clip and epoch");
        let value: Value = serde_json::from_str(&std::fs::read_to_string(entry.path()).unwrap()).unwrap();
        assert_eq!(value["epoch"].to_string(), epoch);
        out.entry(clip.to_owned()).or_default().insert(value["epoch"].as_u64().unwrap(), value);
    }
    out
}

#[test]
fn debug_writes_what_each_epoch_draws_before_and_after() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut config = drawn(3);
    (config.clip.width, config.clip.height) = (64, 48);
    let out = dir.path().join("run");
    let options = TrainOptions { debug: true, ..TrainOptions::default() };
    run(&dataset, &config, &out, options, &ComputeDevice::cpu(), &After::never()).unwrap();
    let clips = told(&out.join("debug"));
    assert_eq!(clips.len(), 6, "{:?}", clips.keys());
    let epochs: Vec<Vec<Batch>> = (0..3).map(|epoch| epoch_of(&dataset, &config, epoch)).collect();
    let plan = plan(&dataset, &config).unwrap();
    for (name, by_epoch) in &clips {
        assert_eq!(by_epoch.keys().copied().collect::<Vec<_>>(), [1, 2, 3], "{name}");
        let draws: BTreeSet<String> = by_epoch.values().map(|v| v["draw"].to_string()).collect();
        assert_eq!(draws.len(), 3, "each epoch draws anew: {draws:?}");
        for (epoch, value) in by_epoch {
            let video = value["video"].as_str().unwrap();
            let start = value["start"].as_u64().unwrap();
            let index = dataset.videos.iter().position(|v| v.name == video).unwrap();
            let clip = plan.train.iter().find(|c| (c.video, u64::from(c.start)) == (index, start)).unwrap();
            assert!(name.contains(&format!("_frame{start}")), "{name}");
            assert_eq!(value["frames"].as_array().unwrap().len(), 8);
            assert_eq!(value["classes"][0].as_str().unwrap(), video.split('/').next().unwrap());
            let trained = undone(tensors(&epochs[*epoch as usize - 1], clip)[0], &config);
            let film = Video::open(&out.join("debug").join(value["after"].as_str().unwrap())).unwrap();
            assert_eq!((film.info().frames, film.info().width, film.info().height), (8, 64, 48));
            let before = Video::open(&out.join("debug").join(value["before"].as_str().unwrap())).unwrap();
            let (mut own, mut changed) = (0_u64, 0_u64);
            for (n, picture) in trained.iter().enumerate() {
                let off = |film: &Video| -> u64 {
                    let frame = film.frame(n as u32).unwrap();
                    frame.image.data.iter().zip(picture).map(|(a, b)| u64::from(a.abs_diff(*b))).sum()
                };
                (own, changed) = (own + off(&film), changed + off(&before));
            }
            // Compression blurs, but far less than augmentation changes.
            let mean = own as f64 / (8 * 64 * 48 * 3) as f64;
            assert!(mean < 12.0 && own * 2 < changed, "{name} epoch {epoch}: off by {mean}, before by {changed}/{own}");
        }
    }
    // Without it nothing is written.
    let plain = dir.path().join("plain");
    train(&dataset, &drawn(1), &plain, false, &Silent).unwrap();
    assert!(!plain.join("debug").exists());
}
