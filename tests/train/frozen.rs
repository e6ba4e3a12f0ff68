//! Trainings in which a part of the network does not learn.

use crate::support::bars::{After, bars, config, numbers, train};
use kinolens::config::{AugmentConfig, ModelConfig, RunConfig};
use kinolens::model::{
    ArrayValues, BACKBONE, ComputeDevice, NOTHING, NamedArray, Network, Outline, read, read_safetensors,
};
use kinolens::progress::{Flow, Progress, Silent};
use kinolens::run_folder::{MODEL_FILE, OPTIMIZER_FILE, RunDir, TrainEnd};
use std::path::Path;

/// Only the head of the small network learns, on clips that stay as they are.
fn frozen(epochs: u32) -> RunConfig {
    let mut config = config(epochs);
    config.model.freeze = Some(BACKBONE.into());
    config.augment = AugmentConfig { enabled: false, ..AugmentConfig::default() };
    config
}

fn arrays(run: &Path, file: &str) -> Vec<NamedArray> {
    read_safetensors(&RunDir::open(run).unwrap().checkpoint(Some("last")).unwrap().path.join(file)).unwrap()
}

fn fresh(config: &RunConfig) -> Vec<NamedArray> {
    let model = ModelConfig { num_classes: Some(2), ..config.model.clone() };
    let mut arrays =
        Network::build(&model, 2, [8, 16, 16], &ComputeDevice::cpu(), config.seed).unwrap().state_dict().unwrap();
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    arrays
}

#[test]
fn only_the_head_learns_and_only_it_has_optimiser_state() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    for cached in [true, false] {
        let mut config = frozen(2);
        config.training.cache_features = cached;
        let run = dir.path().join(format!("run{cached}"));
        train(&dataset, &config, &run, false, &Silent).unwrap();
        let (before, after) = (fresh(&config), arrays(&run, MODEL_FILE));
        assert_eq!(before.len(), after.len());
        for (a, b) in before.iter().zip(&after) {
            assert_eq!(a.name, b.name);
            assert_eq!(a == b, !a.name.starts_with("classifier"), "{}", a.name);
        }
        let state = arrays(&run, OPTIMIZER_FILE);
        let names: Vec<&str> = state.iter().map(|a| a.name.as_str()).collect();
        assert!(!names.is_empty() && names.iter().all(|n| *n == "step" || n.contains("classifier")), "{names:?}");
    }
}

#[test]
fn features_that_are_kept_give_the_training_they_stand_for() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let (kept, mut again) = (frozen(3), frozen(3));
    again.training.cache_features = false;
    let told = After::never();
    let one = train(&dataset, &kept, &dir.path().join("kept"), false, &told).unwrap();
    let other = train(&dataset, &again, &dir.path().join("again"), false, &Silent).unwrap();
    for (a, b) in one.history.iter().zip(&other.history) {
        for (a, b) in [(a.train_loss, b.train_loss), (a.val_loss.unwrap(), b.val_loss.unwrap())] {
            assert!((a - b).abs() <= 1e-4 * b.abs().max(0.1), "{a} {b}");
        }
        assert_eq!(a.val_accuracy, b.val_accuracy);
    }
    // The backbone saw every clip once: a pass over training and one over validation clips.
    let told = told.told.lock().unwrap();
    let full = |p: &&Progress| matches!(p, Progress::Stage { label, done, total } if label == "frozen backbone" && done == total);
    assert_eq!(told.iter().filter(full).count(), 2);
}

#[test]
fn a_stopped_training_on_kept_features_goes_on_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let (config, whole) = (frozen(3), dir.path().join("whole"));
    let reference = train(&dataset, &config, &whole, false, &Silent).unwrap();
    for stop in [0, 1, 7] {
        let out = dir.path().join(format!("stopped{stop}"));
        let first = train(&dataset, &config, &out, false, &After::new(stop, Flow::Stop)).unwrap();
        assert_eq!(first.end, TrainEnd::Stopped);
        let resumed = train(&dataset, &config, &out, true, &Silent).unwrap();
        assert_eq!(numbers(&resumed.history), numbers(&reference.history), "stop after {stop}");
        assert_eq!(arrays(&out, MODEL_FILE), arrays(&whole, MODEL_FILE), "stop after {stop}");
    }
}

#[test]
fn later_epochs_cost_a_fraction_of_the_first() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut config = frozen(4);
    // Large enough for the backbone to cost something.
    (config.clip.width, config.clip.height) = (96, 96);
    let outcome = train(&dataset, &config, &dir.path().join("run"), false, &Silent).unwrap();
    let seconds: Vec<f64> = outcome.history.iter().map(|e| e.seconds).collect();
    let fastest = seconds[1..].iter().copied().fold(f64::INFINITY, f64::min);
    assert!(fastest < seconds[0] / 10.0, "{seconds:?}");
}

#[test]
fn a_layer_is_frozen_with_all_below_it() {
    let build = |freeze: &str, statistics: bool| {
        let model = ModelConfig {
            id: "r3d-18".into(),
            freeze: Some(freeze.into()),
            freeze_statistics: statistics,
            ..ModelConfig::default()
        };
        Network::build(&model, 3, [4, 32, 32], &ComputeDevice::cpu(), 1)
    };
    let frozen = |network: &Network| -> Vec<String> {
        network.parameter_infos().into_iter().filter(|p| !p.trainable).map(|p| p.name).collect()
    };
    let network = build("layer1.1", true).unwrap();
    let names = frozen(&network);
    assert!(names.iter().all(|n| n.starts_with("stem.") || n.starts_with("layer1.")), "{names:?}");
    // Stem: convolution, scale and shift; layer1: four of each.
    assert_eq!(names.len(), 5 * 3);
    let part = frozen(&build("layer2.0.conv1", true).unwrap());
    assert_eq!(part.len(), 5 * 3 + 3, "{part:?}");
    assert_eq!(frozen(&build("none", true).unwrap()), [""; 0]);
    let head = build("backbone", true).unwrap();
    assert_eq!((head.parameters(), head.trainable()), (33_166_272 + 3 * 513, 3 * 513));

    let unknown = build("layer9", true).err().unwrap().to_string();
    assert!(unknown.contains("layer9") && unknown.contains("layer4") && unknown.contains("backbone"), "{unknown}");
    let nothing = build("fc", true).err().unwrap().to_string();
    assert!(nothing.contains("model.freeze"), "{nothing}");
    assert!(
        build("backbone", true).unwrap().has_frozen_front() && !build("backbone", false).unwrap().has_frozen_front()
    );
    assert!(!build("none", true).unwrap().has_frozen_front());
}

#[test]
fn features_go_on_to_the_logits_of_the_whole_network() {
    for (id, clip) in
        [("r3d-18", [4, 32, 32]), ("resnet-18", [3, 64, 64]), ("har-resnet-50", [1, 64, 64]), ("i3d", [8, 64, 64])]
    {
        let model = ModelConfig { id: id.into(), freeze: Some(BACKBONE.into()), ..ModelConfig::default() };
        let mut network = Network::build(&model, 4, clip, &ComputeDevice::cpu(), 3).unwrap();
        let [t, h, w] = clip;
        let values: Vec<f32> = (0..2 * 3 * t * h * w).map(|i| (i as f32 * 0.37).sin()).collect();
        let x = network.input(values, 2, clip).unwrap();
        let features = network.features(x.clone());
        let small = features.dims().iter().product::<usize>();
        assert!(small * 4 < 2 * 3 * t * h * w * 8, "{id}: {small} numbers are kept");
        let (whole, parts) =
            (read(network.forward(x)).unwrap(), read(network.forward_features(features.clone())).unwrap());
        for (a, b) in whole.iter().zip(&parts) {
            assert!((a - b).abs() < 1e-4 * a.abs().max(1.0), "{id}: {a} {b}");
        }
        let before = network.state_dict().unwrap();
        let pass = network.forward_train_features(features, 5);
        let loss = pass.logits.clone().powi_scalar(2).sum();
        let gradients = pass.backward(&loss);
        let spec = network.spec();
        for (info, gradient) in network.parameter_infos().iter().zip(gradients.iter()) {
            assert_eq!(gradient.is_some(), spec.is_head(&info.name), "{id} {}", info.name);
        }
        let of = |arrays: &[NamedArray]| -> Vec<(String, ArrayValues)> {
            let kept = arrays.iter().filter(|a| !spec.is_head(&a.name));
            kept.map(|a| (a.name.clone(), a.values.clone())).collect()
        };
        assert!(of(&before) == of(&network.state_dict().unwrap()), "{id}: something frozen moved");
    }
}

#[test]
fn an_outline_counts_what_learns_as_the_network_itself_does() {
    let clip = [8, 32, 32];
    for (id, what) in [("small-3d", BACKBONE), ("r3d-18", "layer2"), ("r3d-18", NOTHING), ("resnet-18", BACKBONE)] {
        let mut config = ModelConfig { id: id.into(), ..ModelConfig::default() };
        let whole = Outline::of(&config, 5, clip).unwrap();
        config.freeze = Some(what.into());
        let outline = Outline::of(&config, 5, clip).unwrap();
        let mut network = Network::build(&config, 5, clip, &ComputeDevice::cpu(), 1).unwrap();
        network.freeze(what, true).unwrap();
        let of = network.parameter_infos();
        let learns: usize = of.iter().filter(|p| p.trainable).map(|p| p.shape.iter().product::<usize>()).sum();
        assert_eq!(outline.trainable, learns, "{id} {what}");
        assert!(what == NOTHING || outline.trainable < whole.trainable, "{id} {what}");
        assert!(outline.training_bytes_per_clip <= whole.training_bytes_per_clip, "{id} {what}");
    }
    let wrong = ModelConfig { id: "r3d-18".into(), freeze: Some("layer9".into()), ..ModelConfig::default() };
    assert!(Outline::of(&wrong, 5, clip).unwrap_err().to_string().contains("layer9"));
}
