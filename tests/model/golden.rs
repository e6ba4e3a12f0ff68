//! Networks, heatmaps, losses, optimisers and schedules against PyTorch's numbers. Weights and inputs come from a recipe
//! both sides compute for themselves; seeds, shapes, targets and layers come from the reference files.

use crate::support::on_device::{allowed, carries, device};
use crate::support::reference::golden;
use crate::support::reference::networks::{Named, Set, sets};
use crate::support::reference::recipe::{
    clip, clip_shape, fnv1a64, network, numbers, relative, rounded, seed_of, sizes, values, weights,
};
use burn::tensor::{Device, Tensor, TensorData};
use kinolens::cam::{MapRequest, Target, explain, explain_batch};
use kinolens::config::{LossKind, ModelConfig, OptimizerConfig, OptimizerKind, Schedule, ScheduleConfig};
use kinolens::domain::PoolingRule;
use kinolens::model::{ComputeDevice, GradientSet, Network, Outline, ParameterInfo, ParameterRole, read};
use kinolens::train::{Loss, Optimizer, Scheduler};
use serde_json::Value;
use std::path::Path;

mod ties;

#[test]
fn the_recipe_is_bit_exact() {
    let reference = golden("recipe_vectors.json");
    let seed = seed_of(&reference);
    for (text, hash) in reference["fnv1a64"].as_object().unwrap() {
        assert_eq!(fnv1a64(text).to_string(), hash.as_str().unwrap(), "{text}");
    }
    let mut seen = 0;
    for (key, tensor) in reference["tensors"].as_object().unwrap() {
        let name = key.split_once('/').unwrap().1;
        let shape = sizes(&tensor["shape"]);
        // A weight of one dimension belongs to a normalisation.
        let found = values(&seed, name, &shape, name.ends_with("weight") && shape.len() == 1);
        for (value, bits) in found.iter().zip(tensor["first5_bits"].as_array().unwrap()) {
            assert_eq!(format!("{:08x}", value.to_bits()), bits.as_str().unwrap(), "{key}");
            seen += 1;
        }
    }
    assert!(seen > 20);
}

#[test]
fn names_shapes_and_parameter_counts_are_pytorch_s() {
    let mut seen = 0;
    for set in sets() {
        let (manifest, logits) = (golden(&set.file("manifest.json")), golden(&set.file("logits.json")));
        for (reference, rows) in manifest["models"].as_object().unwrap() {
            let named = set.named(reference);
            let mut cases = logits["cases"].as_object().unwrap().values();
            let case = cases.find(|c| c["model"] == **reference).unwrap();
            let [_, _, t, h, w] = clip_shape(&sizes(&case["input_shape"]), case["input_kind"].as_str());
            let classes = case["classes"].as_u64().unwrap() as usize;
            let network = Network::build(&named.config(), classes, [t, h, w], &ComputeDevice::cpu(), 0).unwrap();
            let mut mine: Vec<(String, Vec<usize>)> =
                network.state_dict().unwrap().into_iter().map(|a| ((named.theirs)(&a.name), a.shape)).collect();
            let mut theirs: Vec<(String, Vec<usize>)> =
                rows.as_array().unwrap().iter().map(|r| (r[0].as_str().unwrap().to_owned(), sizes(&r[1]))).collect();
            mine.sort();
            theirs.sort();
            assert_eq!(mine, theirs, "{reference}");
            // What is told without making the weights is the same.
            let outline = Outline::of(&named.config(), classes, [t, h, w]).unwrap();
            let found = (outline.parameters, outline.trainable, outline.layers.as_slice());
            assert_eq!(found, (network.parameters(), network.trainable(), network.layers()), "{reference}");
            seen += 1;
        }
    }
    assert!(seen >= 20, "{seen}");
}

/// Counts that the descriptions of the reference systems give.
#[test]
fn parameter_counts_are_those_of_the_reference_systems() {
    let rows = [
        ("c3d", 17, 27_797_137, 27_797_137),
        ("mobilenet-v2-3d", 17, 2_375_825, 2_375_825),
        ("mobilenet-v2-3d-high-temporal", 17, 2_375_825, 2_375_825),
        ("r3d-18", 17, 33_174_993, 33_174_993),
        ("r3d-18", 3, 33_167_811, 33_167_811),
        ("r2plus1d-18", 17, 31_308_846, 31_308_846),
        ("mc3-18", 17, 11_498_961, 11_498_961),
        ("i3d", 17, 12_304_689, 12_304_689),
        ("resnet-18", 17, 11_185_233, 11_185_233),
        ("resnet-18", 3, 11_178_051, 11_178_051),
        ("resnet-50", 17, 23_542_865, 23_542_865),
        ("efficientnet-b0", 17, 4_029_325, 4_029_325),
        ("efficientnet-b0", 1000, 5_288_548, 5_288_548),
        ("har-resnet-50", 15, 34_131_023, 10_622_991),
    ];
    for (id, classes, parameters, trainable) in rows {
        let config = ModelConfig { id: id.into(), ..ModelConfig::default() };
        let outline = Outline::of(&config, classes, [16, 112, 112]).unwrap();
        assert_eq!((outline.parameters, outline.trainable), (parameters, trainable), "{id}, {classes} classes");
    }
}

/// The files of a kind of all sets that were made with one of the two usual seeds, or with one of the four further ones.
fn files(kind: &str, further: bool) -> Vec<(Set, String)> {
    let seeded = |file: &str| ["_two", "_three", "_four", "_five"].iter().any(|seed| file.contains(seed));
    let of = |set: &Set| set.files(kind).into_iter().map(|file| (set.clone(), file)).collect::<Vec<_>>();
    sets().iter().flat_map(of).filter(|(_, file)| seeded(file) == further).collect()
}

#[test]
fn logits_are_pytorch_s() {
    let seen = logits(files("logits", false));
    assert!(seen >= if device().is_software() { 10 } else { 30 }, "{seen}");
}

#[test]
#[ignore = "slow: four further seeds"]
fn logits_of_further_seeds_are_pytorch_s() {
    let seen = logits(files("logits", true));
    assert!(seen >= if device().is_software() { 1 } else { 4 }, "{seen}");
}

/// Holds logits to PyTorch's; how many were.
fn logits(files: Vec<(Set, String)>) -> usize {
    let mut seen = 0;
    for (set, file) in files {
        let reference = golden(&file);
        let seed = seed_of(&reference);
        for (name, case) in reference["cases"].as_object().unwrap() {
            let named = set.named(case["model"].as_str().unwrap());
            let [batch, c, t, h, w] = clip_shape(&sizes(&case["input_shape"]), case["input_kind"].as_str());
            if !carries(name, &[c, t, h, w]) {
                continue;
            }
            let network = network(&seed, &named, case["classes"].as_u64().unwrap() as usize, [t, h, w]);
            let pixels: Vec<f32> = (0..batch).flat_map(|item| clip(&seed, item, [c, t, h, w])).collect();
            let found = read(network.forward(network.input(pixels, batch, [t, h, w]).unwrap())).unwrap();
            let error = relative(&found, &numbers(&case["logits_f32"]));
            eprintln!("{name}: {error:.1e}");
            assert!(error < allowed(2e-5), "{name}: {error:e}");
            seen += 1;
        }
    }
    seen
}

/// Weights of a 2D ResNet in a 3D one: every array finds its place, and the network answers as PyTorch's.
#[test]
fn an_inflated_network_is_pytorch_s() {
    let reference = golden("inflate.json");
    let seed = seed_of(&reference);
    let [set, _] = sets();
    let (flat, deep) = (set.named("resnet18"), set.named("r3d_18"));
    let shape = sizes(&reference["input_shape"]);
    let [batch, c, t, h, w] = clip_shape(&shape, None);
    if !carries("inflated", &[c, t, h, w]) {
        return;
    }
    let (file, _) = weights(&seed, &flat, 17, [1, h, w]);
    let mut network = Network::build(&deep.config(), 17, [t, h, w], &device(), 7).unwrap();
    let report = network.init_from(&file).unwrap();
    assert_eq!(report.matched.len() as u64, reference["loaded"].as_u64().unwrap());
    assert!(report.is_complete() && report.unused.is_empty(), "{}", report.lines(true).join("\n"));
    let pixels: Vec<f32> = (0..batch).flat_map(|item| clip(&seed, item, [c, t, h, w])).collect();
    let found = read(network.forward(network.input(pixels, batch, [t, h, w]).unwrap())).unwrap();
    let error = relative(&found, &numbers(&reference["logits_f64"]));
    assert!(error < allowed(2e-5), "{error:e}");
}

#[test]
fn heat_maps_are_pytorch_s() {
    let seen = heat_maps(files("cam_", false));
    assert!(seen >= if device().is_software() { 20 } else { 200 }, "{seen}");
}

#[test]
#[ignore = "slow: four further seeds"]
fn heat_maps_of_further_seeds_are_pytorch_s() {
    let seen = heat_maps(files("cam_", true));
    assert!(seen >= if device().is_software() { 1 } else { 40 }, "{seen}");
}

/// Holds heatmaps to PyTorch's; how many were.
fn heat_maps(files: Vec<(Set, String)>) -> usize {
    let mut seen = 0;
    for (set, file) in files {
        let reference = golden(&file);
        let named = set.named(reference["model"].as_str().unwrap());
        let seed = seed_of(&reference);
        for (size, cases) in reference["cams"].as_object().unwrap() {
            let [_, c, t, h, w] = clip_shape(&sizes(&reference["inputs"][size]), None);
            if !carries(&format!("{file} {size}"), &[c, t, h, w]) {
                continue;
            }
            let network = network(&seed, &named, reference["classes"].as_u64().unwrap() as usize, [t, h, w]);
            let pixels = clip(&seed, 0, [c, t, h, w]);
            let label = format!("{file} {size}");
            let clip = Clip { pixels, shape: [t, h, w] };
            seen += maps(&label, &named, &network, &clip, cases.as_array().unwrap());
        }
    }
    seen
}

/// `[3, T, H, W]` and the last three of these.
struct Clip {
    pixels: Vec<f32>,
    shape: [usize; 3],
}

impl Clip {
    fn maps(&self, network: &Network, requests: &[MapRequest]) -> Vec<Vec<f32>> {
        let explained = explain(network, self.pixels.clone(), self.shape, requests).unwrap();
        explained.maps.into_iter().map(|map| map.values).collect()
    }
}

/// How far rounding moves each map, relative to its largest value. Where two inputs of a max pool are equal but for the
/// last digits, rounding decides which of them gets the whole gradient; another device rounds in another order.
fn moved_by_rounding(network: &Network, clip: &Clip, requests: &[MapRequest]) -> Vec<f64> {
    const TRIALS: usize = 8;
    let network = network.on(&ComputeDevice::cpu());
    let maps: Vec<Vec<f64>> = clip.maps(&network, requests).into_iter().map(wide).collect();
    let mut moved = vec![0.0_f64; maps.len()];
    for trial in 0..TRIALS {
        let others = Clip { pixels: rounded(&clip.pixels, trial), ..*clip }.maps(&network, requests);
        for ((moved, map), other) in moved.iter_mut().zip(&maps).zip(&others) {
            *moved = moved.max(relative(other, map));
        }
    }
    moved
}

fn wide(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}

/// Key in the files, method, pooling, and the error allowed.
const MAPS: [(&str, &str, PoolingRule, f64); 5] = [
    ("gradcam", "grad-cam", PoolingRule::SpaceTime, 1e-4),
    ("gradcampp", "grad-cam++", PoolingRule::SpaceTime, 1e-3),
    ("hirescam", "hirescam", PoolingRule::SpaceTime, 1e-4),
    ("gradcam_t", "grad-cam", PoolingRule::PerTimeStep, 1e-4),
    ("gradcampp_004", "grad-cam++", PoolingRule::PerTimeStep, 1e-3),
];

/// Every map of one network and size, from one pass forward and one back.
fn maps(label: &str, named: &Named, network: &Network, clip: &Clip, cases: &[Value]) -> usize {
    let (mut requests, mut expected) = (Vec::new(), Vec::new());
    for case in cases {
        for (key, method, pooling, tolerance) in MAPS {
            let Some(raw) = case[key]["raw"].as_array() else { continue };
            let (layer, target) = (named.layer(network, case), case["target"].as_u64().unwrap() as usize);
            requests.push(MapRequest {
                method: method.into(),
                layer: Some(layer.clone()),
                target: Target::Class(target),
                against: None,
                pooling,
            });
            let raw: Vec<f64> = raw.iter().map(|v| v.as_f64().unwrap()).collect();
            // One variant divides by a number that crosses zero, where rounding decides: PyTorch's own f32 error says how
            // far a file can be trusted, and ours rounds in another order.
            let own = case[key]["f32_rel_err"].as_f64().unwrap_or(0.0);
            let trust = if key == "gradcampp_004" { 100.0 } else { 20.0 };
            expected.push((format!("{label} {layer} {target} {key}"), raw, allowed(tolerance.max(trust * own))));
        }
    }
    // Both methods are linear in the gradient: the map of a difference of logits is the difference of their maps.
    for (key, method, _, tolerance) in MAPS.into_iter().filter(|m| ["gradcam", "hirescam"].contains(&m.0)) {
        for (a, b) in cases.iter().flat_map(|a| cases.iter().map(move |b| (a, b))) {
            // Where two inputs of a pool are equal some maps are not defined, and not given.
            if [a, b].iter().any(|case| case[key].is_null()) {
                continue;
            }
            if a["layer"] != b["layer"] || a["target"] == b["target"] {
                continue;
            }
            let target = |case: &Value| Target::Class(case["target"].as_u64().unwrap() as usize);
            requests.push(MapRequest {
                method: method.into(),
                layer: Some(named.layer(network, a)),
                target: target(a),
                against: Some(target(b)),
                pooling: PoolingRule::SpaceTime,
            });
            let [a_raw, b_raw] = [a, b].map(|case| numbers(&case[key]["raw"]));
            let raw: Vec<f64> = a_raw.iter().zip(&b_raw).map(|(a, b)| a - b).collect();
            let largest = |values: &[f64]| values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
            // What cancels leaves the errors of both.
            let grown = (largest(&a_raw) + largest(&b_raw)) / largest(&raw);
            let name = format!("{label} {} {} against {} {key}", a["layer"], a["target"], b["target"]);
            expected.push((name, raw, allowed(tolerance * grown)));
        }
    }
    let found = clip.maps(network, &requests);
    assert_eq!(found.len(), expected.len());
    if device().tunes() {
        let moved = moved_by_rounding(network, clip, &requests);
        for ((name, _, tolerance), moved) in expected.iter_mut().zip(moved) {
            if moved > *tolerance {
                eprintln!("{name}: rounding alone moves it by {moved:.1e}, more than the {tolerance:.1e} allowed");
            }
            *tolerance += moved;
        }
    }
    let (mut wrong, mut worst) = (Vec::new(), 0.0_f64);
    for (map, (name, raw, tolerance)) in found.iter().zip(&expected) {
        let error = relative(map, raw);
        worst = worst.max(error / tolerance);
        if error >= *tolerance {
            wrong.push(format!("{name}: {error:e} of at most {tolerance:e}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    eprintln!("{label}: {} maps, the worst takes {worst:.2} of what is allowed", expected.len());
    expected.len()
}

#[test]
fn losses_and_their_gradients_are_pytorch_s() {
    let reference = golden("losses.json");
    let mut seen = 0;
    for case in reference["cases"].as_array().unwrap() {
        let (n, k) = (case["n"].as_u64().unwrap() as usize, case["k"].as_u64().unwrap() as usize);
        let logits: Vec<f32> = numbers(&case["logits"]).into_iter().map(|v| v as f32).collect();
        let targets = sizes(&case["targets"]);
        let weights: Vec<f32> = numbers(&case["class_weights"]).into_iter().map(|v| v as f32).collect();
        for result in case["results"].as_array().unwrap() {
            let desc = &result["desc"];
            // Ours is the reading with the plain softmax and the plain mean.
            let kind = match desc["loss"].as_str().unwrap() {
                "focal" if desc["variant"] == "A" && desc["reduction"] == "mean" => {
                    LossKind::Focal { gamma: desc["gamma"].as_f64().unwrap() as f32 }
                }
                "cross_entropy" => LossKind::CrossEntropy,
                _ => continue,
            };
            let smoothing = desc["label_smoothing"].as_f64().unwrap_or(0.0) as f32;
            let weights = desc["weights"].as_bool().unwrap().then(|| weights.clone());
            let device = Device::flex().autodiff();
            let input: Tensor<2> = Tensor::from_data(TensorData::new(logits.clone(), [n, k]), &device);
            let input = input.require_grad();
            let loss = Loss::with_weights(kind, smoothing, weights).of(input.clone(), &targets);
            let gradients = loss.backward();
            let value = read(loss).unwrap()[0];
            let expected = result["loss"].as_f64().unwrap();
            assert!((f64::from(value) - expected).abs() < 1e-5 * expected.abs().max(1.0), "{desc}: {value} {expected}");
            let gradient = read(input.grad(&gradients).unwrap()).unwrap();
            assert!(relative(&gradient, &numbers(&result["grad"])) < 1e-4, "{desc}");
            seen += 1;
        }
    }
    assert!(seen >= 10, "{seen}");
}

/// `lr=0.05` in a description.
fn setting(desc: &str, key: &str) -> Option<f64> {
    let rest = desc.split(&format!("{key}=")).nth(1)?;
    let end = rest.find(|c: char| !(c.is_ascii_digit() || ".-e".contains(c))).unwrap_or(rest.len());
    rest[..end].parse().ok()
}

#[test]
fn optimisers_move_weights_as_pytorch_s() {
    let reference = golden("optim.json");
    let start: Vec<f32> = numbers(&reference["param0"]).into_iter().map(|v| v as f32).collect();
    let device = Device::flex();
    let tensor = |values: &[f32]| Tensor::<1>::from_data(TensorData::new(values.to_vec(), [values.len()]), &device);
    for run in reference["runs"].as_array().unwrap() {
        let desc = run["desc"].as_str().unwrap();
        let kind = match desc.split([' ', '(']).next().unwrap() {
            "AdamW" => OptimizerKind::AdamW,
            "Adam" => OptimizerKind::Adam,
            "SGD" => OptimizerKind::Sgd { momentum: setting(desc, "momentum").unwrap() as f32, nesterov: false },
            other => panic!("{other}"),
        };
        let config =
            OptimizerConfig { kind, weight_decay: setting(desc, "wd").unwrap_or(0.0), ..OptimizerConfig::default() };
        let info =
            ParameterInfo { name: "w".into(), shape: vec![start.len()], role: ParameterRole::Weight, trainable: true };
        let mut optimizer = Optimizer::new(&config, &[info]);
        let mut value = tensor(&start);
        for (i, step) in run["steps"].as_array().unwrap().iter().enumerate() {
            let gradient: Vec<f32> = numbers(&reference["grads"][i]).into_iter().map(|v| v as f32).collect();
            let mut gradients = GradientSet::new(vec![Some(tensor(&gradient))]);
            if desc.contains("clip_grad_norm_") {
                let norm = gradients.clip(1.0).unwrap();
                let expected = step["grad_norm_before_clip"].as_f64().unwrap();
                assert!((f64::from(norm) - expected).abs() < 1e-5 * expected, "{desc}");
            }
            // The rate of each step is the reference's: schedules are tested by themselves.
            optimizer.apply(std::iter::once(&mut value), gradients, step["lr_used"].as_f64().unwrap());
            let error = relative(&read(value.clone()).unwrap(), &numbers(&step["param"]));
            assert!(error < 2e-6, "{desc}, step {i}: {error:e}");
        }
    }
}

#[test]
fn schedules_are_pytorch_s() {
    let reference = golden("optim.json");
    let scheduler = |schedule, epochs| {
        let config = ScheduleConfig { warmup_epochs: 0, schedule };
        Scheduler::new(&config, 1e-4, epochs, 1)
    };
    let same = |found: f64, expected: f64, what: &str| {
        assert!((found - expected).abs() <= 1e-9 * expected.abs() + 1e-16, "{what}: {found:e} {expected:e}");
    };
    let mut plateau =
        scheduler(Schedule::ReduceOnPlateau { factor: 0.5, patience: 5, threshold: 1e-4, min_lr: 1e-7 }, 1000);
    let golden = &reference["plateau_000"];
    for (epoch, (loss, rate)) in numbers(&golden["loss"]).into_iter().zip(numbers(&golden["lr"])).enumerate() {
        plateau.epoch_finished(loss);
        same(plateau.rate(epoch as u32 + 1, 0), rate, &format!("plateau after epoch {epoch}"));
    }
    let step = scheduler(Schedule::Step { every: 5, gamma: 0.5 }, 100);
    for (epoch, rate) in numbers(&reference["steplr_003"]["lr"]).into_iter().enumerate() {
        same(step.rate(epoch as u32, 0), rate, &format!("step, epoch {epoch}"));
    }
    let cosine = scheduler(Schedule::Cosine { min_lr: 0.0 }, 10);
    for (epoch, rate) in numbers(&reference["cosine"]["lr"]).into_iter().enumerate() {
        let found = cosine.rate(epoch as u32, 0);
        assert!((found - rate).abs() < 1e-13, "cosine, epoch {epoch}: {found:e} {rate:e}");
    }
}

#[test]
fn clips_explained_together_are_those_explained_one_by_one() {
    let clips: Vec<Vec<f32>> = (0..3).map(|item| clip("together", item, [3, 8, 32, 32])).collect();
    let request = |method: &str, target, against| MapRequest {
        method: method.into(),
        layer: None,
        target,
        against,
        pooling: PoolingRule::default(),
    };
    // Other targets, and another number of them, for each clip.
    let requests = vec![
        vec![request("grad-cam", Target::Predicted, None), request("hirescam", Target::Class(2), None)],
        vec![request("grad-cam++", Target::Class(1), Some(Target::Predicted))],
        vec![
            request("grad-cam", Target::Class(0), None),
            request("grad-cam", Target::Class(1), None),
            request("grad-cam", Target::Class(3), Some(Target::Class(0))),
        ],
    ];
    for id in ["small-3d", "resnet-18"] {
        let config = ModelConfig { id: id.into(), ..ModelConfig::default() };
        let network = Network::build(&config, 4, [8, 32, 32], &ComputeDevice::cpu(), 3).unwrap();
        let together = explain_batch(&network, clips.clone(), [8, 32, 32], &requests).unwrap();
        assert_eq!(together.len(), 3);
        for ((one, clip), requests) in together.iter().zip(&clips).zip(&requests) {
            let alone = explain(&network, clip.clone(), [8, 32, 32], requests).unwrap();
            assert!(relative(&one.logits, &wide(alone.logits)) < 1e-5, "{id}");
            assert_eq!(one.maps.len(), requests.len());
            for (a, b) in one.maps.iter().zip(alone.maps) {
                assert_eq!((&a.method, a.class, a.against, a.shape), (&b.method, b.class, b.against, b.shape));
                assert!(relative(&a.values, &wide(b.values)) < 1e-4, "{id} {}", a.method);
            }
        }
    }
}

/// A method without numbers of an independent implementation would be compared with nothing.
#[test]
fn every_method_has_numbers_to_be_held_to() {
    let files = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")).unwrap();
    let texts: Vec<String> = files
        .filter_map(|f| Some(f.ok()?.path()).filter(|p| p.to_string_lossy().contains("cam_")))
        .map(|p| std::fs::read_to_string(p).unwrap())
        .collect();
    assert!(texts.len() > 10, "{} files of maps", texts.len());
    for method in kinolens::cam::METHODS {
        let compared =
            MAPS.iter().filter(|m| m.1 == method.id).any(|m| texts.iter().any(|t| t.contains(&format!("\"{}\"", m.0))));
        assert!(compared, "no file of tests/golden has maps of {}", method.id);
    }
}
