//! The training loop: what it learns, what it writes, how it fails.

mod layers;
mod told;

use crate::support::bars::{After, bars, config, numbers, open, train};
use crate::support::datasets::outside;
use burn::tensor::{Tensor, TensorData};
use kinolens::config::{ModelConfig, Preset, RunConfig, Validation};
use kinolens::data;
use kinolens::domain::SplitChoice;
use kinolens::eval::evaluate;
use kinolens::model::{ComputeDevice, Network, RandomStream};
use kinolens::progress::{Flow, Progress, Silent};
use kinolens::run_folder::{Checkpoint, RunDir, TrainEnd, write_results};
use kinolens::train::{TrainOptions, run};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

#[test]
fn it_learns_the_direction_of_time_and_writes_a_complete_run() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut config = config(10);
    config.training.keep_best = 2;
    let out = dir.path().join("run");
    let told = After::never();
    let outcome = train(&dataset, &config, &out, false, &told).unwrap();
    assert_eq!(outcome.end, TrainEnd::Completed);
    let last = outcome.history.last().unwrap();
    assert!(last.train_loss < outcome.history[0].train_loss, "{:?}", outcome.history);
    assert!(last.val_accuracy.is_some_and(|a| a > 0.9), "{:?}", outcome.history);

    for file in ["config.ron", "classes.ron", "split.csv", "environment.ron", "log.txt", "training_metrics.csv"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let run = RunDir::open(&out).unwrap();
    let names = run.checkpoints();
    for name in ["best_accuracy", "best_loss", "last", "epoch_0002", "epoch_0010"] {
        assert!(names.iter().any(|n| n == name), "{name} is not among {names:?}");
    }
    assert_eq!(names.iter().filter(|n| n.starts_with("best_epoch_")).count(), 2, "{names:?}");
    assert_eq!(numbers(&run.history().unwrap()), numbers(&outcome.history), "CSV files tell the same");
    let rows = run.split().unwrap();
    assert_eq!(rows.len(), dataset.videos.len());

    // No person is on two sides.
    let of = |part| rows.iter().filter(|r| r.part == part).map(|r| r.subject.clone()).collect::<Vec<_>>();
    let (train_people, test_people) = (of(kinolens::domain::Split::Train), of(kinolens::domain::Split::Test));
    assert!(!test_people.is_empty() && test_people.iter().all(|p| !train_people.contains(p)));

    let told = told.told.lock().unwrap();
    let steps: Vec<_> = told.iter().filter_map(|p| if let Progress::Step(s) = p { Some(s) } else { None }).collect();
    assert_eq!(steps.len() as u32, 10 * steps[0].steps_per_epoch);
    assert!(steps.iter().all(|s| s.loss.is_finite() && s.gradient_norm > 0.0 && (0.0..=1.0).contains(&s.data_wait)));

    // The test split, through the files.
    let checkpoint = Checkpoint::open(&out).unwrap();
    assert_eq!(checkpoint.name, "best_accuracy");
    let (evaluation, predictions) =
        evaluate(&checkpoint, &dataset, SplitChoice::Test, &ComputeDevice::cpu(), &Silent).unwrap();
    assert!(evaluation.accuracy > 0.9, "{evaluation:?}");
    assert!(evaluation.warnings.iter().any(|w| w.contains("clips were evaluated")), "few clips are told");
    assert!(evaluation.frames.is_none(), "a label for the whole video is not frame-wise");
    write_results(&run.results_dir(), &evaluation, &predictions).unwrap();
    let again = run.results().evaluations;
    assert_eq!(again.len(), 1);
    // JSON is read to the last digit but one.
    let text = serde_json::to_string(&evaluation).unwrap();
    assert_eq!(again[0].0, serde_json::from_str(&text).unwrap());
    let (on_train, _) = evaluate(&checkpoint, &dataset, SplitChoice::Train, &ComputeDevice::cpu(), &Silent).unwrap();
    assert!(on_train.warnings.iter().any(|w| w.contains("trained on")), "{:?}", on_train.warnings);
}

/// CRC-32C bit by bit, independent of the one the writer uses.
fn crc32c(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

fn masked(data: &[u8]) -> u32 {
    let crc = crc32c(data);
    crc.rotate_right(15).wrapping_add(0xa282_ead8)
}

/// `(field number, varint or bytes)` of a protocol-buffer message.
fn fields(mut m: &[u8]) -> Vec<(u64, u64, Vec<u8>)> {
    fn varint(m: &mut &[u8]) -> u64 {
        let (mut value, mut shift) = (0, 0);
        loop {
            let (byte, rest) = m.split_first().unwrap();
            *m = rest;
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                return value;
            }
        }
    }
    let mut out = Vec::new();
    while !m.is_empty() {
        let key = varint(&mut m);
        let take = match key & 7 {
            0 => {
                let value = varint(&mut m);
                out.push((key >> 3, value, Vec::new()));
                continue;
            }
            1 => 8,
            2 => varint(&mut m) as usize,
            5 => 4,
            other => panic!("wire type {other}"),
        };
        let (bytes, rest) = m.split_at(take);
        out.push((key >> 3, 0, bytes.to_vec()));
        m = rest;
    }
    out
}

/// The events of a file; every checksum is verified.
fn events(path: &Path) -> Vec<Vec<(u64, u64, Vec<u8>)>> {
    let bytes = std::fs::read(path).unwrap();
    let (mut at, mut out) = (0, Vec::new());
    let mut first = true;
    while at < bytes.len() {
        let number = |i: usize| u32::from_le_bytes(bytes[i..i + 4].try_into().unwrap());
        let size = u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap()) as usize;
        assert_eq!(number(at + 8), masked(&bytes[at..at + 8]));
        let data = &bytes[at + 12..at + 12 + size];
        assert_eq!(number(at + 12 + size), masked(data));
        at += size + 16;
        let event = fields(data);
        if std::mem::take(&mut first) {
            assert!(event.iter().any(|(n, _, b)| *n == 3 && b == b"brain.Event:2"));
        }
        out.push(event);
    }
    out
}

/// `(step, tag, fields)` of every value of every summary of an event file.
#[allow(clippy::type_complexity)]
fn values(path: &Path) -> Vec<(u64, String, Vec<(u64, u64, Vec<u8>)>)> {
    let mut out = Vec::new();
    for event in events(path) {
        let step = event.iter().find(|f| f.0 == 2).map_or(0, |f| f.1);
        for (_, _, summary) in event.iter().filter(|f| f.0 == 5) {
            for (_, _, value) in fields(summary) {
                let value = fields(&value);
                let tag = value.iter().find(|f| f.0 == 1).unwrap().2.clone();
                out.push((step, String::from_utf8(tag).unwrap(), value));
            }
        }
    }
    out
}

/// `(step, tag, value)` of every scalar of an event file.
fn scalars(path: &Path) -> Vec<(u64, String, f32)> {
    let number = |value: &[(u64, u64, Vec<u8>)]| {
        let bytes = value.iter().find(|f| f.0 == 2)?.2.clone();
        Some(f32::from_le_bytes(bytes.try_into().unwrap()))
    };
    values(path).into_iter().filter_map(|(step, tag, value)| Some((step, tag, number(&value)?))).collect()
}

fn event_file(run: &Path) -> PathBuf {
    let files = kinolens::train::tensorboard::event_files(run);
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

#[test]
fn event_files_hold_the_numbers_also_after_a_resume() {
    assert_eq!(crc32c(b"123456789"), 0xe306_9283, "the check value of CRC-32C");
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let (config, out) = (config(3), dir.path().join("run"));
    train(&dataset, &config, &out, false, &After::new(5, Flow::Stop)).unwrap();
    // What a killed process leaves behind the checkpoint: whole records and a torn one.
    let mut file = std::fs::OpenOptions::new().append(true).open(event_file(&out)).unwrap();
    std::io::Write::write_all(&mut file, &[0x18, 0, 0, 0, 0, 0, 0, 0, 1, 2]).unwrap();
    drop(file);
    let outcome = train(&dataset, &config, &out, true, &Silent).unwrap();
    let scalars = scalars(&event_file(&out));
    for report in &outcome.history {
        let find = |tag: &str| -> Vec<f32> {
            scalars.iter().filter(|s| s.0 == u64::from(report.epoch) && s.1 == tag).map(|s| s.2).collect()
        };
        assert_eq!(find("loss/train"), [report.train_loss], "epoch {}", report.epoch);
        assert_eq!(find("accuracy/train"), [report.train_accuracy]);
        assert_eq!(find("loss/val"), [report.val_loss.unwrap()]);
        assert_eq!(find("accuracy/val"), [report.val_accuracy.unwrap()]);
        assert_eq!(find("learning_rate"), [report.learning_rate as f32]);
        assert_eq!(find("per_class/up"), [report.per_class_accuracy[1].unwrap()]);
    }
    let mut steps: Vec<u64> = scalars.iter().filter(|s| s.1 == "step/loss").map(|s| s.0).collect();
    let all = steps.len() as u64;
    steps.dedup();
    assert_eq!(steps, (1..=all).collect::<Vec<_>>(), "each step once, in order");
}

#[test]
fn failures_are_sentences_and_leave_the_run_whole() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("data");
    let dataset = bars(&root);
    let (config, out) = (config(4), dir.path().join("run"));

    // An existing run, and a folder that is something else.
    train(&dataset, &config, &out, false, &After::new(2, Flow::Stop)).unwrap();
    let refused = train(&dataset, &config, &out, false, &Silent).unwrap_err().to_string();
    assert!(refused.contains("replaced") && !refused.contains("--"), "{refused}");
    let other = dir.path().join("holiday");
    std::fs::create_dir(&other).unwrap();
    std::fs::write(other.join("photo.jpg"), "x").unwrap();
    for force in [false, true] {
        let options = TrainOptions { force, ..TrainOptions::default() };
        let refused = run(&dataset, &config, &other, options, &ComputeDevice::cpu(), &Silent).unwrap_err();
        assert!(refused.to_string().contains("holds no run"), "{refused}");
    }
    assert!(other.join("photo.jpg").is_file());

    // A learning rate that blows up.
    let mut wild = config.clone();
    (wild.optimizer.learning_rate, wild.optimizer.clip_norm) = (1e30, None);
    let diverged = train(&dataset, &wild, &dir.path().join("wild"), false, &Silent).unwrap_err().to_string();
    assert!(diverged.contains("diverged") && diverged.contains("optimizer.learning_rate"), "{diverged}");

    // The dataset is deleted while the run waits; brought back, it goes on.
    let aside = dir.path().join("aside");
    std::fs::rename(&root, &aside).unwrap();
    let gone = train(&dataset, &config, &out, true, &Silent).unwrap_err().to_string();
    assert!(gone.contains("data") && gone.len() > 20, "{gone}");
    assert!(RunDir::open(&out).unwrap().resumable());
    std::fs::rename(&aside, &root).unwrap();
    let outcome = train(&open(&root), &config, &out, true, &Silent).unwrap();
    assert_eq!(outcome.history.len(), 4);
}

#[test]
fn early_stopping_counts_epochs_without_improvement() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut config = config(30);
    // Nothing can improve on the first epoch by more than everything.
    config.training.early_stopping = Some(kinolens::config::EarlyStopping { patience: 2, min_delta: 1.0 });
    let outcome = train(&dataset, &config, &dir.path().join("run"), false, &Silent).unwrap();
    assert_eq!((outcome.end, outcome.history.len()), (TrainEnd::EarlyStopped, 3));
    assert_eq!(outcome.history[2].epochs_without_improvement, 2);

    // What has nothing to do with stopping does not open it again; more patience does.
    let out = dir.path().join("run");
    config.training.checkpoint_every += 1;
    let refused = train(&dataset, &config, &out, true, &Silent).unwrap_err().to_string();
    assert!(refused.contains("has not risen for 2 epochs") && refused.contains("patience"), "{refused}");
    config.training.early_stopping = Some(kinolens::config::EarlyStopping { patience: 3, min_delta: 1.0 });
    let outcome = train(&dataset, &config, &out, true, &Silent).unwrap();
    assert_eq!((outcome.end, outcome.history.len()), (TrainEnd::EarlyStopped, 4));
}

#[test]
fn without_validation_there_are_no_validation_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut config = config(2);
    config.data.validation = Validation::Off;
    let out = dir.path().join("run");
    let outcome = train(&dataset, &config, &out, false, &Silent).unwrap();
    assert!(outcome.history.iter().all(|r| r.val_loss.is_none() && r.val_accuracy.is_none()));
    assert_eq!(Checkpoint::open(&out).unwrap().name, "last");
    assert_eq!(numbers(&RunDir::open(&out).unwrap().history().unwrap()), numbers(&outcome.history));
}

fn videos() -> Option<PathBuf> {
    Some(outside("KINOLENS_VIDEOS", "../shared/data")?.join("weizmann4"))
}

/// The logits of a freshly made network for a clip and for the clip played backwards.
fn forwards_and_backwards(model: &str) -> [Vec<f32>; 2] {
    let device = ComputeDevice::cpu();
    let (t, h, w) = (8, 32, 32);
    let config = ModelConfig { id: model.to_owned(), ..ModelConfig::default() };
    let network = Network::build(&config, 5, [t, h, w], &device, 3).unwrap();
    let frames: Vec<Vec<f32>> = (0..3 * t).map(|i| RandomStream::new(9, &format!("{i}")).uniform(1.0, h * w)).collect();
    [false, true].map(|backwards| {
        let order = |i: usize| if backwards { t - 1 - i } else { i };
        let pixels: Vec<f32> = (0..3 * t).flat_map(|i| frames[i / t * t + order(i % t)].iter().copied()).collect();
        let clip = Tensor::<5>::from_data(TensorData::new(pixels, [1, 3, t, h, w]), &device.tensor_device());
        kinolens::model::read(network.forward(clip)).unwrap()
    })
}

#[test]
fn only_a_network_with_reach_in_time_can_tell_a_movement_from_its_reverse() {
    let [forwards, backwards] = forwards_and_backwards("small-2d");
    for (a, b) in forwards.iter().zip(&backwards) {
        assert!((a - b).abs() < 1e-4, "frame by frame: {forwards:?} against {backwards:?}");
    }
    let [forwards, backwards] = forwards_and_backwards("small-3d");
    assert!(forwards.iter().zip(&backwards).any(|(a, b)| (a - b).abs() > 1e-2), "{forwards:?} against {backwards:?}");

    // Trained on bars that move up or down, it stays at chance where the other learns.
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut config = config(10);
    config.model.id = "small-2d".into();
    let out = dir.path().join("run");
    train(&dataset, &config, &out, false, &Silent).unwrap();
    let checkpoint = Checkpoint::open(&out).unwrap();
    let (e, _) = evaluate(&checkpoint, &dataset, SplitChoice::Test, &ComputeDevice::cpu(), &Silent).unwrap();
    assert!(e.accuracy < 0.75, "{e:?}");
}

#[test]
#[ignore = "slow: trains three times on real video"]
fn the_small_preset_recognises_people_it_has_not_seen() {
    let Some(root) = videos() else { return };
    let preset: RunConfig = Preset::find("small-clips").unwrap().config().unwrap();
    let dir = tempfile::tempdir().unwrap();
    let dataset = Arc::new(data::open(&root, &preset.data, &Silent).unwrap());
    let mut accuracies = Vec::new();
    for seed in [42, 1, 2] {
        let mut config = preset.clone();
        config.seed = seed;
        let (out, begun) = (dir.path().join(format!("seed{seed}")), Instant::now());
        train(&dataset, &config, &out, false, &Silent).unwrap();
        let seconds = begun.elapsed().as_secs_f64();
        for name in ["best_accuracy", "last"] {
            let checkpoint = RunDir::open(&out).unwrap().checkpoint(Some(name)).unwrap();
            let (e, _) = evaluate(&checkpoint, &dataset, SplitChoice::Test, &ComputeDevice::cpu(), &Silent).unwrap();
            eprintln!("seed {seed} {name}: {:.2} % of {} clips, {seconds:.0} s", 100.0 * e.accuracy, e.clips);
            if name == "best_accuracy" {
                accuracies.push(e.accuracy);
            }
        }
    }
    assert!(accuracies.iter().all(|a| *a >= 0.95), "{accuracies:?}");
}

#[test]
#[ignore = "slow: trains three times on the demo dataset"]
fn the_demo_preset_recognises_people_it_has_not_seen_and_the_direction_of_time() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("demo");
    data::demo::make(&root, &Default::default(), &Silent).unwrap();
    let preset: RunConfig = Preset::find("demo").unwrap().config().unwrap();
    let dataset = Arc::new(data::open(&root, &preset.data, &Silent).unwrap());
    for seed in [42, 1, 2] {
        let config = RunConfig { seed, ..preset.clone() };
        let (out, begun) = (dir.path().join(format!("seed{seed}")), Instant::now());
        train(&dataset, &config, &out, false, &Silent).unwrap();
        let checkpoint = Checkpoint::open(&out).unwrap();
        let (e, _) = evaluate(&checkpoint, &dataset, SplitChoice::Test, &ComputeDevice::cpu(), &Silent).unwrap();
        eprintln!(
            "seed {seed}: {:.1} % of {} clips, {:.0} s",
            100.0 * e.accuracy,
            e.clips,
            begun.elapsed().as_secs_f64()
        );
        assert!(e.accuracy >= 0.9, "{e:?}");
        for class in e.per_class.iter().filter(|c| c.class.starts_with("arm circles") || c.class.starts_with("ball")) {
            assert!(class.recall > 0.6, "{class:?}");
        }
    }
}
