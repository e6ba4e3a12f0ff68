//! Ways to train that must come to the same numbers: with less memory, on several devices, with 16 bits.

use crate::support::bars::{After, bars, config, numbers};
use crate::support::on_device::another;
use kinolens::config::{ModelConfig, Precision, RunConfig};
use kinolens::domain::Dataset;
use kinolens::model::{ArrayValues, BACKBONE, ComputeDevice, MODELS, Network, read};
use kinolens::progress::{EpochReport, Silent};
use kinolens::run_folder::RunDir;
use kinolens::train::{TrainError, TrainOptions, run, run_on};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

fn cpus(n: usize) -> Vec<ComputeDevice> {
    vec![ComputeDevice::cpu(); n]
}

fn trained(dataset: &Arc<Dataset>, config: &RunConfig, out: &Path, devices: &[ComputeDevice]) -> Vec<EpochReport> {
    let outcome = run_on(dataset, config, out, TrainOptions::default(), devices, &Silent);
    outcome.unwrap_or_else(|e| panic!("{e}")).history
}

/// Losses, accuracies and norms of two runs, held against each other.
fn alike(a: &[EpochReport], b: &[EpochReport], tolerance: f32) {
    assert_eq!(a.len(), b.len());
    for (a, b) in a.iter().zip(b) {
        let near = |what: &str, a: f32, b: f32| {
            assert!((a - b).abs() <= tolerance * b.abs().max(0.1), "{what}: {a} and {b} of {tolerance}");
        };
        near("loss", a.train_loss, b.train_loss);
        near("norm", a.gradient_norm, b.gradient_norm);
        near("validation loss", a.val_loss.unwrap(), b.val_loss.unwrap());
    }
}

/// A training in which clips of a batch do not see each other: a frozen batch normalisation uses what it remembers.
fn separate(epochs: u32, keep_features: bool) -> RunConfig {
    let mut c = config(epochs);
    c.model.freeze = Some(BACKBONE.into());
    c.model.dropout = Some(0.0);
    c.training.cache_features = keep_features;
    c.augment.enabled = !keep_features;
    c
}

#[test]
fn layers_computed_twice_learn_the_same() {
    for spec in MODELS {
        let config = ModelConfig { id: spec.id.into(), ..ModelConfig::default() };
        let classes = 5;
        let built = |clip: &[usize; 3]| Network::build(&config, classes, *clip, &ComputeDevice::cpu(), 1).is_ok();
        let clip = [[8, 64, 64], [16, 64, 64], [16, 112, 112]].into_iter().find(built).unwrap();
        let pixels: Vec<f32> =
            (0..2 * 3 * clip.iter().product::<usize>()).map(|i| ((i * 7919) % 1013) as f32 / 506.0 - 1.0).collect();
        let one = |recompute: bool| {
            let mut network = Network::build(&config, classes, clip, &ComputeDevice::cpu(), 1).unwrap();
            network.set_recompute(recompute);
            let pass = network.forward_train(network.input(pixels.clone(), 2, clip).unwrap(), 9);
            let logits = read(pass.logits.clone()).unwrap();
            let loss = pass.logits.clone().square().mean();
            let gradients: Vec<Option<Vec<f32>>> =
                pass.backward(&loss).into_inner().into_iter().map(|g| g.map(|g| read(g).unwrap())).collect();
            (logits, gradients, network.state_dict().unwrap(), network.parameter_infos())
        };
        let ((logits, gradients, state, infos), (logits2, gradients2, state2, _)) = (one(false), one(true));
        let near = |a: &[f32], b: &[f32]| {
            let scale = a.iter().fold(1e-12_f32, |m, v| m.max(v.abs()));
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-5 * scale)
        };
        assert!(near(&logits, &logits2), "{}", spec.id);
        for ((a, b), info) in gradients.iter().zip(&gradients2).zip(&infos) {
            match (a, b) {
                (Some(a), Some(b)) => assert!(near(a, b), "{} {}", spec.id, info.name),
                (a, b) => assert_eq!(a.is_some(), b.is_some(), "{}", spec.id),
            }
        }
        // Running statistics moved once, and counters counted once.
        for (a, b) in state.iter().zip(&state2) {
            match (&a.values, &b.values) {
                (ArrayValues::F32(a_values), ArrayValues::F32(b_values)) => {
                    assert!(near(a_values, b_values), "{} {}", spec.id, a.name);
                }
                (a_values, b_values) => assert_eq!(a_values, b_values, "{} {}", spec.id, a.name),
            }
        }
    }
}

#[test]
fn half_batches_added_up_are_the_batch() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    for keep_features in [false, true] {
        let whole = separate(2, keep_features);
        let mut halves = whole.clone();
        (halves.training.batch_size, halves.optimizer.accumulate) = (2, 2);
        let of = |c: &RunConfig, name: &str| {
            trained(&dataset, c, &dir.path().join(format!("{name} {keep_features}")), &cpus(1))
        };
        alike(&of(&halves, "halves"), &of(&whole, "whole"), 1e-4);
    }
}

#[test]
fn several_devices_learn_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    for keep_features in [false, true] {
        let of = |n| {
            let out = dir.path().join(format!("{n} {keep_features}"));
            trained(&dataset, &separate(2, keep_features), &out, &cpus(n))
        };
        let one = of(1);
        alike(&of(2), &one, 1e-4);
        alike(&of(3), &one, 1e-4);
    }
}

#[test]
fn a_run_on_two_devices_goes_on_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let (config, devices) = (config(2), cpus(2));
    let whole = trained(&dataset, &config, &dir.path().join("whole"), &devices);
    let cut = dir.path().join("cut");
    let stop = After::new(2, kinolens::progress::Flow::Stop);
    run_on(&dataset, &config, &cut, TrainOptions::default(), &devices, &stop).unwrap();
    let again = TrainOptions { resume: true, ..TrainOptions::default() };
    let outcome = run_on(&dataset, &config, &cut, again, &devices, &Silent).unwrap();
    assert_eq!(numbers(&outcome.history), numbers(&whole));
}

#[test]
fn a_gpu_beside_the_cpu_learns_as_two_cpus() {
    let Some(gpu) = another() else { return };
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let of = |devices: &[ComputeDevice], name: &str| trained(&dataset, &config(2), &dir.path().join(name), devices);
    let mixed = of(&[gpu.clone(), ComputeDevice::cpu()], "mixed");
    alike(&mixed, &of(&cpus(2), "cpus"), 2e-2);
    assert!(mixed.iter().all(|e| e.device_memory_bytes.is_none()), "the CPU's part is not known");
    let alone = of(&[gpu], "alone");
    alike(&alone, &of(&cpus(1), "cpu"), 2e-2);
    assert!(alone.iter().all(|e| e.device_memory_bytes.is_some_and(|b| b > 1 << 20)), "{alone:?}");
}

#[test]
fn sixteen_bits_learn_nearly_the_same_or_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut half = config(3);
    half.training.precision = Precision::F16;
    let refused = run(&dataset, &half, &dir.path().join("no"), TrainOptions::default(), &ComputeDevice::cpu(), &Silent);
    let said = refused.unwrap_err().to_string();
    assert!(said.contains("CPU") && said.contains("training.precision=f32"), "{said}");
    assert!(!dir.path().join("no").exists());
    let Some(gpu) = another() else { return };
    for (precision, tolerance) in [(Precision::F16, 0.02), (Precision::Bf16, 0.1)] {
        half.training.precision = precision;
        let out = dir.path().join(precision.name());
        match run_on(&dataset, &half, &out, TrainOptions::default(), std::slice::from_ref(&gpu), &Silent) {
            Ok(found) => {
                eprintln!("{} on {}", precision.name(), gpu.title());
                let (first, last) = (&found.history[0], &found.history[2]);
                assert!(last.train_loss < 0.9 * first.train_loss, "{} {}", last.train_loss, first.train_loss);
                near_full(&gpu, precision, tolerance);
                // What is kept has 32 bits, and is judged with them anywhere.
                let network =
                    RunDir::open(&out).unwrap().checkpoint(None).unwrap().network(&ComputeDevice::cpu()).unwrap();
                assert!(
                    network
                        .state_dict()
                        .unwrap()
                        .iter()
                        .any(|a| matches!(&a.values, ArrayValues::F32(v) if v.len() > 99))
                );
            }
            Err(TrainError::Model(error)) => {
                let said = error.to_string();
                eprintln!("{said}");
                assert!(said.contains(precision.name()) && said.contains("training.precision="), "{said}");
                assert!(gpu.require(precision).is_err());
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Scores and gradients of one step with 16 bits are those with 32, within a share of the largest of their kind.
fn near_full(gpu: &ComputeDevice, precision: Precision, tolerance: f32) {
    let (clip, model) = ([8, 32, 32], ModelConfig { id: "small-3d".into(), ..ModelConfig::default() });
    let pixels: Vec<f32> =
        (0..4 * 3 * clip.iter().product::<usize>()).map(|i| ((i * 7919) % 1013) as f32 / 506.0 - 1.0).collect();
    let of = |precision| {
        let mut network = Network::build(&model, 5, clip, gpu, 1).unwrap();
        network.set_precision(precision).unwrap();
        let pass = network.forward_train(network.input(pixels.clone(), 4, clip).unwrap(), 9);
        let logits = read(pass.logits.clone()).unwrap();
        // Scaled, as a training scales it.
        let loss = pass.logits.clone().square().mean().mul_scalar(1024.0);
        let gradients: Vec<Vec<f32>> =
            pass.backward(&loss).into_inner().into_iter().flatten().map(|g| read(g).unwrap()).collect();
        (logits, gradients)
    };
    let ((logits, gradients), (full_logits, full_gradients)) = (of(precision), of(Precision::F32));
    let apart = |a: &[f32], b: &[f32]| {
        let scale = b.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / scale
    };
    let scores = apart(&logits, &full_logits);
    // The gradient of the whole network as one vector.
    let [all, full] = [gradients, full_gradients].map(|g| g.concat());
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let cosine = dot(&all, &full) / (dot(&all, &all) * dot(&full, &full)).sqrt();
    eprintln!("{}: scores differ by {scores:.1e}, cosine of the gradients {cosine:.6}", precision.name());
    assert!(scores > 0.0 && scores < tolerance, "{scores}");
    assert!(cosine > 1.0 - f64::from(tolerance), "{cosine}");
}

/// Trains with the program on whatever adapter there is, and gives the run's log.
fn log_of(data: &Path, out: &Path, cache: &Path) -> String {
    let settings = ["clip.length=8", "clip.width=16", "clip.height=16", "training.epochs=1", "training.batch_size=4"];
    let mut command = Command::new(crate::support::on_device::program());
    command.env("KINOLENS_CACHE", cache).arg("train").arg(data).arg("--out").arg(out);
    command.args(["--model", "small-3d", "--device", "gpu"]);
    for setting in settings {
        command.args(["--set", setting]);
    }
    let done = command.output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    std::fs::read_to_string(out.join("log.txt")).unwrap()
}

#[test]
fn tuning_is_announced_where_it_happens() {
    if another().is_none() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (data, cache) = (dir.path().join("data"), dir.path().join("cache"));
    bars(&data);
    let first = log_of(&data, &dir.path().join("first"), &cache);
    assert!(first.contains("tuning kernels, first step only") && first.contains("kernels tuned"), "{first}");
    let files = std::fs::read_dir(cache.join("gpu")).into_iter().flatten().flatten();
    let kept = files.map(|e| e.metadata().unwrap().len()).sum::<u64>();
    if !cfg!(feature = "tuning-cache") {
        return assert_eq!(kept, 0, "a build that keeps nothing wrote something");
    }
    assert!(kept > 10_000, "{kept} bytes");
    let second = log_of(&data, &dir.path().join("second"), &cache);
    assert!(!second.contains("tuning kernels"), "{second}");
    // Without a cache folder there is nothing to remember, and nothing is written elsewhere.
    let third = log_of(&data, &dir.path().join("third"), Path::new(""));
    assert!(third.contains("tuning kernels"), "{third}");
}
