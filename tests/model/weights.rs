//! Weights of others: every format PyTorch writes, names of every kind, files that must be refused, and runs made of them.

use kinolens::config::ModelConfig;
use kinolens::model::{
    ArrayValues, ComputeDevice, GradientUse, ModelError, NamedArray, Network, WeightFile, WeightFormat, WeightReport,
    inspect, looks_like, write_torch,
};
use serde_json::Value;
use std::path::{Path, PathBuf};

mod class_lists;
mod foreign;
mod hostile;
mod imported;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights").join(name)
}

/// Opens a file and reads everything in it.
fn read(path: &Path) -> Result<Vec<NamedArray>, ModelError> {
    WeightFile::open(path)?.read()
}

fn numbers(values: &ArrayValues) -> Vec<f64> {
    match values {
        ArrayValues::F32(v) => v.iter().map(|x| f64::from(*x)).collect(),
        ArrayValues::I64(v) => v.iter().map(|x| *x as f64).collect(),
    }
}

// ---- what PyTorch wrote ------------------------------------------------------------------------------------------

#[test]
fn every_format_of_pytorch_gives_its_numbers() {
    let text = std::fs::read_to_string(fixture("expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let files = expected.as_object().unwrap();
    assert!(files.len() >= 14, "{}", files.len());
    for (name, file) in files {
        let mut opened = WeightFile::open(&fixture(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        let legacy = name.contains("legacy");
        assert_eq!(opened.format() == WeightFormat::TorchLegacy, legacy, "{name}");
        let under: Vec<&str> = file["under"].as_array().unwrap().iter().map(|u| u.as_str().unwrap()).collect();
        assert_eq!(opened.found_under(), under, "{name}");
        let found = opened.read().unwrap_or_else(|e| panic!("{name}: {e}"));
        let arrays = file["arrays"].as_array().unwrap();
        assert_eq!(found.len(), arrays.len(), "{name}");
        for (mine, theirs) in found.iter().zip(arrays) {
            let what = format!("{name} {}", mine.name);
            assert_eq!(mine.name, theirs["name"].as_str().unwrap(), "{name}");
            assert_eq!(serde_json::json!(mine.shape), theirs["shape"], "{what}");
            assert_eq!(matches!(mine.values, ArrayValues::F32(_)), theirs["float"].as_bool().unwrap(), "{what}");
            let exact: Vec<f64> = theirs["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
            let rounded: Vec<f64> = match mine.values {
                ArrayValues::F32(_) => exact.iter().map(|v| f64::from(*v as f32)).collect(),
                ArrayValues::I64(_) => exact,
            };
            assert_eq!(numbers(&mine.values), rounded, "{what}");
        }
    }
}

#[test]
fn what_a_checkpoint_holds_besides_the_weights_is_told() {
    let file = WeightFile::open(&fixture("checkpoint.pth")).unwrap();
    for key in ["epoch", "optimizer_state_dict", "scheduler_state_dict", "history"] {
        assert!(file.beside().iter().any(|b| b == key), "{key} in {:?}", file.beside());
    }
    let file = WeightFile::open(&fixture("nested.pth")).unwrap();
    assert!(file.beside().iter().any(|b| b == "ema"), "averaged weights are another model: {:?}", file.beside());
}

#[test]
fn what_holds_no_weights_is_refused_with_what_to_do() {
    for (name, words) in [
        ("refused_module.pth", ["whole model", ".state_dict(), \"weights.pth\")"]),
        ("refused_script.pt", ["TorchScript", "torch.jit.load"]),
        ("refused_list.pth", ["a list", "state_dict"]),
        ("refused_tensor.pth", ["a single tensor", "state_dict"]),
        ("refused_no_tensors.pth", ["no tensors", "epoch, lr"]),
        ("refused_quantised.pth", ["quantised", "convert"]),
        ("refused_sparse.pth", ["sparse", "convert"]),
        ("refused_complex.pth", ["fc.weight", "complex64"]),
        ("refused_uint16.pth", ["fc.weight", "uint16"]),
        ("refused_uint32.pth", ["fc.weight", "uint32"]),
        ("refused_uint64.pth", ["fc.weight", "uint64"]),
        ("refused_float8_e4m3fn.pth", ["fc.weight", "float8_e4m3fn"]),
        ("refused_float8_e5m2.pth", ["fc.weight", "float8_e5m2"]),
        ("refused_numpy.npz", ["not one of torch.save", "NumPy"]),
        ("make_fixtures.py", ["it is text", ".pth"]),
        ("", ["folder", "name the file"]),
        ("nowhere.pth", ["cannot read", "nowhere.pth"]),
    ] {
        let error = read(&fixture(name)).expect_err(name).to_string();
        for word in words {
            assert!(error.contains(word), "{name}: '{word}' is missing in: {error}");
        }
        // None of them would run anything.
        assert!(!error.contains("harmful"), "{name}: {error}");
    }
}

// ---- names -------------------------------------------------------------------------------------------------------

fn build(id: &str, classes: usize, clip: [usize; 3], seed: u64) -> Network {
    let config = ModelConfig { id: id.into(), ..ModelConfig::default() };
    Network::build(&config, classes, clip, &ComputeDevice::cpu(), seed).unwrap()
}

fn small(classes: usize, seed: u64) -> Network {
    build("small-3d", classes, [8, 32, 32], seed)
}

/// Writes a network's arrays under other names.
fn saved(network: &Network, path: &Path, name: impl Fn(&str) -> String) -> Vec<NamedArray> {
    let arrays: Vec<NamedArray> =
        network.state_dict().unwrap().into_iter().map(|a| NamedArray { name: name(&a.name), ..a }).collect();
    write_torch(path, &arrays).unwrap();
    arrays
}

fn same_state(a: &Network, b: &Network) -> bool {
    a.state_dict().unwrap() == b.state_dict().unwrap()
}

#[test]
fn wrapped_networks_are_recognised() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.pth");
    let source = small(5, 1);
    for prefix in ["", "module.", "model.module.", "_orig_mod.", "backbone.", "module._orig_mod.net.", "odd_name."] {
        saved(&source, &path, |n| format!("{prefix}{n}"));
        let mut target = small(5, 2);
        assert!(!same_state(&source, &target));
        let report = target.init_from(&path).unwrap();
        assert!(report.is_complete() && report.unused.is_empty(), "{prefix}: {report:?}");
        assert!(same_state(&source, &target), "{prefix}");
        assert_eq!(report.reading.is_empty(), prefix.is_empty(), "{:?}", report.reading);
    }
    // A class layer of another name, and something of the training's own.
    let class = source
        .state_dict()
        .unwrap()
        .iter()
        .rev()
        .find_map(|a| a.name.strip_suffix(".weight").map(str::to_owned))
        .unwrap();
    let mut arrays = saved(&source, &path, |n| n.replace(&format!("{class}."), "my_head."));
    arrays.push(NamedArray { name: "criterion.weight".into(), shape: vec![5], values: ArrayValues::F32(vec![1.0; 5]) });
    write_torch(&path, &arrays).unwrap();
    let mut target = small(5, 2);
    let report = target.init_from(&path).unwrap();
    assert!(report.is_complete(), "{report:?}");
    assert_eq!(report.unused, ["criterion.weight"]);
    assert!(same_state(&source, &target));
    assert!(report.lines(false).iter().any(|l| l.contains("not used") && l.contains("criterion.weight")));
}

/// Every array of either side is accounted for exactly once.
fn accounted(report: &WeightReport, network: &Network, arrays: &[NamedArray]) {
    let mut mine: Vec<&str> = report.matched.iter().map(|m| m.name.as_str()).collect();
    mine.extend(report.missing.iter().map(String::as_str));
    mine.extend(report.mismatched.iter().map(|m| m.name.as_str()));
    let mut all: Vec<String> = network.state_dict().unwrap().into_iter().map(|a| a.name).collect();
    // A file without counters of batches is complete all the same.
    let counter = |name: &str| name.ends_with("num_batches_tracked");
    mine.retain(|name| !counter(name));
    all.retain(|name| !counter(name));
    mine.sort_unstable();
    all.sort_unstable();
    assert_eq!(mine, all);
    let mut theirs: Vec<&str> = report.matched.iter().map(|m| m.from.as_str()).collect();
    theirs.extend(report.unused.iter().map(String::as_str));
    theirs.extend(report.mismatched.iter().map(|m| m.from.as_str()));
    let mut names: Vec<&str> = arrays.iter().map(|a| a.name.as_str()).collect();
    theirs.sort_unstable();
    names.sort_unstable();
    assert_eq!(theirs, names);
}

#[test]
fn a_class_layer_of_another_size_stays_fresh_and_nothing_is_skipped_silently() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.pth");
    let source = small(7, 1);
    let mut arrays = saved(&source, &path, str::to_owned);
    let mut target = small(3, 2);
    let before = target.state_dict().unwrap();
    let report = target.init_from(&path).unwrap();
    accounted(&report, &target, &arrays);
    assert!(report.is_backbone_complete() && !report.is_complete());
    let class = &report.class_layer;
    assert_eq!((class.classes, class.found, class.taken), (3, Some(7), false));
    let words = report.lines(false).join("\n");
    assert!(
        words.contains("initialised from scratch") && words.contains("7 classes") && words.contains(" 3"),
        "{words}"
    );
    let wanted = source.state_dict().unwrap();
    for ((now, was), theirs) in target.state_dict().unwrap().iter().zip(&before).zip(&wanted) {
        let expected = if now.name.starts_with(&format!("{}.", class.name)) { was } else { theirs };
        assert_eq!(now, expected, "{}", now.name);
    }
    // Without some arrays, with others twice as large, and with strange numbers.
    let lost = arrays.iter().position(|a| a.shape.len() == 5).unwrap();
    let gone = arrays.remove(lost).name;
    let wide = arrays.iter().position(|a| a.name.ends_with("running_mean")).unwrap();
    arrays[wide] = NamedArray { shape: vec![3], values: ArrayValues::F32(vec![0.0; 3]), ..arrays[wide].clone() };
    let strange = arrays.iter().rposition(|a| a.shape.len() == 5).unwrap();
    if let ArrayValues::F32(v) = &mut arrays[strange].values {
        v[3] = f32::NAN;
    }
    write_torch(&path, &arrays).unwrap();
    let mut target = small(7, 2);
    let report = target.init_from(&path).unwrap();
    accounted(&report, &target, &arrays);
    assert_eq!(report.missing, [gone]);
    assert_eq!(report.mismatched.len(), 1);
    assert!(!report.is_backbone_complete());
    assert!(
        report.warnings[0].contains(&arrays[strange].name) && report.warnings[0].contains("NaN"),
        "{:?}",
        report.warnings
    );
    // Looking takes nothing and says the same.
    let config = ModelConfig { id: "small-3d".into(), ..ModelConfig::default() };
    let looked = inspect(&path, &config, 7).unwrap();
    assert_eq!(WeightReport { warnings: Vec::new(), ..report }, looked);
}

#[test]
fn weights_of_another_network_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.pth");
    for (id, clip) in [("mc3-18", [4, 32, 32]), ("efficientnet-b0", [1, 64, 64]), ("resnet-18", [1, 64, 64])] {
        saved(&build(id, 4, clip, 0), &path, |n| format!("module.{n}"));
        assert_eq!(looks_like(&WeightFile::open(&path).unwrap()).as_deref(), Some(id));
        let mut target = small(4, 2);
        let before = target.state_dict().unwrap();
        let error = target.init_from(&path).unwrap_err().to_string();
        assert!(error.contains(&format!("look like weights of {id}")), "{error}");
        assert_eq!(target.state_dict().unwrap(), before, "a refused file changes nothing");
    }
}

#[test]
fn a_bit_that_flipped_on_the_way_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.pth");
    let source = small(4, 1);
    saved(&source, &path, str::to_owned);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let warnings = small(4, 2).init_from(&path).unwrap().warnings;
    assert!(
        warnings.len() == 1 && warnings[0].contains("checksums") && warnings[0].contains("fetch it again"),
        "{warnings:?}"
    );
    // What PyTorch wrote is as it was written.
    for name in ["plain.pth", "checkpoint.pth", "half.pth"] {
        let mut file = WeightFile::open(&fixture(name)).unwrap();
        file.read().unwrap();
        assert!(file.damaged().is_empty(), "{name}: {:?}", file.damaged());
    }
}

// ---- inflation ---------------------------------------------------------------------------------------------------

/// In a clip that stands still an inflated kernel sees the same picture at every time: where no padding in time is in
/// reach, its output is that of the 2D kernel.
#[test]
fn an_inflated_stem_sees_in_a_still_clip_what_the_2d_one_sees() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.pth");
    let size = 32;
    let flat = build("resnet-18", 4, [1, size, size], 3);
    saved(&flat, &path, str::to_owned);
    let picture: Vec<f32> = (0..3 * size * size).map(|i| ((i * 7919) % 1013) as f32 / 500.0 - 1.0).collect();
    let tap = |network: &Network, layer: &str, frames: usize| -> (Vec<f32>, [usize; 5]) {
        let still: Vec<f32> = picture.chunks(size * size).flat_map(|plane| plane.repeat(frames)).collect();
        let input = network.input(still, 1, [frames, size, size]).unwrap();
        let tapped = network.forward_tapped(input, &[layer], 1, GradientUse::ByPlace).unwrap();
        let activation = tapped.taps[0].activation.clone();
        (kinolens::model::read(activation.clone()).unwrap(), activation.dims())
    };
    let (seen, [_, channels, 1, height, width]) = tap(&flat, "relu", 1) else { panic!("one frame stays one") };
    for (id, layer, stem, reach) in [("r3d-18", "stem", "stem.0.weight", 1), ("mc3-18", "stem", "stem.0.weight", 1)] {
        let mut deep = build(id, 4, [6, size, size], 5);
        let report = deep.init_from(&path).unwrap();
        assert!(report.matched.iter().any(|m| m.name == stem && m.inflated), "{report:?}");
        let (found, shape) = tap(&deep, layer, 6);
        assert_eq!(shape, [1, channels, 6, height, width], "{id}");
        let plane = height * width;
        for channel in 0..channels {
            let expected = &seen[channel * plane..(channel + 1) * plane];
            for t in reach..6 - reach {
                let at = (channel * 6 + t) * plane;
                for (a, b) in found[at..at + plane].iter().zip(expected) {
                    assert!((a - b).abs() < 1e-5 * b.abs().max(1.0), "{id} channel {channel} frame {t}: {a} {b}");
                }
            }
        }
    }
    // Every 2D array finds its place where the layers are the same; what does not fit is named.
    let mut r3d = build("r3d-18", 4, [4, 32, 32], 5);
    let report = r3d.init_from(&path).unwrap();
    assert!(report.is_complete() && report.unused.is_empty() && report.inflated() == 17, "{:?}", report.lines(true));
    let mut r2plus1d = build("r2plus1d-18", 4, [4, 32, 32], 5);
    let report = r2plus1d.init_from(&path).unwrap();
    assert!(report.mismatched.iter().any(|m| m.name == "stem.0.weight"), "{:?}", report.lines(true));
    assert!(!report.matched.iter().any(|m| m.inflated) && !report.is_backbone_complete());
    let mut i3d = build("i3d", 4, [16, 64, 64], 5);
    let report = i3d.init_from(&path).unwrap();
    assert!(report.matched.iter().any(|m| m.name == "Conv3d_1a_7x7.conv3d.weight" && m.inflated));
    assert!(report.missing.len() > 200 && report.unused.len() > 90);
}

/// What of a deeper or wider 2D ResNet has a place in a 3D network goes there, and every other array is named.
#[test]
fn of_a_network_that_fits_in_part_every_array_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.pth");
    for (flat, seed) in [("resnet-18", 3), ("resnet-50", 4)] {
        let source = build(flat, 4, [1, 32, 32], seed);
        let arrays = saved(&source, &path, str::to_owned);
        for (id, clip, stem) in [
            ("r3d-18", [4, 32, 32], Some("stem.0.weight")),
            ("mc3-18", [4, 32, 32], Some("stem.0.weight")),
            // Its first kernels see 45 and then 64 channels, where a picture's see 64 at once.
            ("r2plus1d-18", [4, 32, 32], None),
            ("i3d", [16, 64, 64], Some("Conv3d_1a_7x7.conv3d.weight")),
        ] {
            let mut deep = build(id, 4, clip, 5);
            if (flat, id) == ("resnet-50", "r2plus1d-18") {
                let refused = deep.init_from(&path).unwrap_err().to_string();
                assert!(refused.contains("not one kernel") && refused.contains("resnet-50"), "{refused}");
                continue;
            }
            let report = deep.init_from(&path).unwrap_or_else(|e| panic!("{flat} in {id}: {e}"));
            accounted(&report, &deep, &arrays);
            let inflated: Vec<&str> = report.matched.iter().filter(|m| m.inflated).map(|m| m.name.as_str()).collect();
            assert!(stem.is_none_or(|stem| inflated.contains(&stem)), "{flat} in {id}: {inflated:?}");
            // In full the report names them all; in short it counts those it does not name.
            let told = report.lines(true).join("\n");
            let class = |name: &str| name.starts_with(&format!("{}.", report.class_layer.name));
            let left_out = report.missing.iter().chain(report.mismatched.iter().map(|m| &m.name));
            for name in left_out.filter(|n| !class(n)).chain(&report.unused) {
                assert!(told.contains(name.as_str()), "{flat} in {id}: {name} is not named");
            }
        }
    }
}

/// A trunk trained on ImageNet goes under the image head, whose own layers of the same names stay fresh.
#[test]
fn a_resnet_goes_into_the_trunk_of_the_image_head() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.pth");
    let source = build("resnet-50", 10, [1, 64, 64], 1);
    let arrays = saved(&source, &path, str::to_owned);
    let mut target = build("har-resnet-50", 10, [1, 64, 64], 2);
    let report = target.init_from(&path).unwrap();
    accounted(&report, &target, &arrays);
    let trunk = report.matched.iter().filter(|m| m.name.starts_with("base_model.")).count();
    assert_eq!(trunk, arrays.len() - 2, "all but the class layer: {:?}", report.lines(true));
    assert!(report.missing.iter().any(|n| n == "conv1.weight") && !report.class_layer.taken);
}

// ---- runs --------------------------------------------------------------------------------------------------------

fn kinolens(words: &[&str]) -> (Option<i32>, String, String) {
    let output =
        assert_cmd::Command::cargo_bin("kinolens").unwrap().env("KINOLENS_CACHE", "").args(words).output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout), text(output.stderr))
}

/// A folder of frames that a network can look at.
fn frames(dir: &Path) -> String {
    let folder = dir.join("frames");
    std::fs::create_dir(&folder).unwrap();
    for t in 0..20_u32 {
        let picture =
            image::RgbImage::from_fn(40, 30, |x, y| image::Rgb([(x * 6) as u8, (y * 8) as u8, (t * 12) as u8]));
        picture.save(folder.join(format!("{t:04}.png"))).unwrap();
    }
    folder.display().to_string()
}

#[test]
fn imported_weights_answer_as_the_network_they_came_from() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    let source = small(3, 4);
    saved(&source, &dir.path().join("w.pth"), |n| format!("module.{n}"));
    std::fs::write(at("classes.txt"), "run\njump\nsit down\n").unwrap();
    let import =
        ["import", &at("w.pth"), "--model", "small-3d", "--classes", &at("classes.txt"), "--out", &at("run"), "--json"];
    let (code, out, error) = kinolens(&import);
    assert_eq!(code, Some(0), "{error}");
    let told: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(told["report"]["class_layer"]["taken"], true);
    let run = kinolens::run_folder::RunDir::open(Path::new(&at("run"))).unwrap();
    assert!(!run.resumable());
    let origin = run.environment().unwrap().weights.unwrap();
    assert!(origin.path.ends_with("w.pth") && origin.bytes > 1000 && !origin.report.is_empty());
    let checkpoint = run.checkpoint(None).unwrap();
    assert!(same_state(&checkpoint.network(&ComputeDevice::cpu()).unwrap(), &source));
    let video = frames(dir.path());
    let (code, out, error) = kinolens(&["predict", &at("run"), &video, "--json"]);
    assert_eq!(code, Some(0), "{error}");
    let predicted: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(predicted["classes"], serde_json::json!(["run", "jump", "sit down"]));
    let (code, out, error) = kinolens(&["explain", &at("run"), &video, "--clip", "frames:0", "--raw", "--json"]);
    assert_eq!(code, Some(0), "{error}");
    let explained: Value = serde_json::from_str(&out).unwrap();
    assert!(explained["samples"][0]["maps"][0]["values"].is_array());
    // Nothing is overwritten, and an imported run has no training to resume.
    let (code, _, error) = kinolens(&import);
    assert_eq!(code, Some(2), "{error}");
    // A run can be imported too.
    let (code, _, error) = kinolens(&["import", &at("run"), "--classes", "3", "--out", &at("again")]);
    assert_eq!(code, Some(0), "{error}");
    // And written out, for others.
    for format in ["safetensors", "pth"] {
        let file = at(&format!("out.{format}"));
        let (code, _, error) = kinolens(&["export", &at("run"), "--format", format, "--out", &file]);
        assert_eq!(code, Some(0), "{error}");
        let mut target = small(3, 9);
        assert!(target.init_from(Path::new(&file)).unwrap().is_complete());
        assert!(same_state(&target, &source), "{format}");
        let (code, _, error) = kinolens(&["export", &at("run"), "--format", format, "--out", &file]);
        assert_eq!(code, Some(2), "{error}");
    }
    let (code, _, error) = kinolens(&["export", &at("run"), "--format", "onnx", "--out", &at("out.onnx")]);
    assert!(code == Some(2) && error.contains("torch.onnx.export"), "{error}");
}

#[test]
fn mistakes_of_an_import_are_named_and_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).display().to_string();
    saved(&small(3, 4), &dir.path().join("w.pth"), str::to_owned);
    std::fs::write(at("two.txt"), "a\nb\n").unwrap();
    let (weights, out) = (at("w.pth"), at("run"));
    for (words, code, told) in [
        (vec!["--model", "c3d", "--classes", "3"], 2, "look like weights of small-3d"),
        (vec!["--model", "small-3d", "--classes", "4"], 2, "has 3 outputs, but there are 4 classes"),
        (vec!["--model", "small-3d", "--classes", &at("two.txt")], 2, "has 3 outputs, but there are 2 classes"),
        (vec!["--model", "small-3d", "--classes", "nowhere.txt"], 2, "no such file"),
        (vec!["--model", "c4d", "--classes", "3"], 2, "no model 'c4d'"),
        (vec!["--preset", "c4d", "--classes", "3"], 2, "c4d"),
    ] {
        let all: Vec<&str> = ["import", &weights, "--out", &out].into_iter().chain(words.iter().copied()).collect();
        let (found, _, error) = kinolens(&all);
        assert_eq!(found, Some(code), "{words:?}: {error}");
        assert!(error.contains(told) && !error.contains("panicked"), "{words:?}: {error}");
        assert!(!Path::new(&out).exists(), "{words:?}");
    }
    let damaged = fixture("refused_module.pth").display().to_string();
    let (code, _, error) = kinolens(&["import", &damaged, "--model", "c3d", "--classes", "3", "--out", &out]);
    assert!(code == Some(1) && error.contains("whole model"), "{error}");
    let (code, _, error) = kinolens(&["import", &at("gone.pth"), "--model", "c3d", "--classes", "3", "--out", &out]);
    assert!(code == Some(2) && error.contains("gone.pth"), "{error}");
}

/// The weights a training begins with, when it is stopped before its first step, and what it tells.
fn begun(dir: &Path, from: &Path) -> (kinolens::run_folder::RunDir, Network, Vec<kinolens::progress::Progress>) {
    use crate::support::bars::{After, bars, config, train};
    let dataset = bars(&dir.join("data"));
    let mut config = config(1);
    config.model.init_from = Some(from.to_path_buf());
    let monitor = After::new(0, kinolens::progress::Flow::Stop);
    train(&dataset, &config, &dir.join("begun"), false, &monitor).unwrap();
    let run = kinolens::run_folder::RunDir::open(&dir.join("begun")).unwrap();
    let network = run.checkpoint(Some("last")).unwrap().network(&ComputeDevice::cpu()).unwrap();
    let told = std::mem::take(&mut *monitor.told.lock().unwrap());
    (run, network, told)
}

#[test]
fn training_starts_from_the_weights_it_is_given_and_says_what_it_took() {
    use kinolens::progress::Progress;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("w.pth");
    // Seven classes there, two here.
    let source = build("small-3d", 7, [8, 16, 16], 21);
    saved(&source, &path, |n| format!("module.{n}"));
    let (run, network, told) = begun(dir.path(), &path);
    let class = |name: &str| name.starts_with("classifier.");
    let theirs = source.state_dict().unwrap();
    for (mine, theirs) in network.state_dict().unwrap().iter().zip(&theirs).filter(|(a, _)| !class(&a.name)) {
        assert_eq!(mine, theirs);
    }
    let reports: Vec<_> = told.iter().filter(|p| matches!(p, Progress::Weights { .. })).collect();
    let [Progress::Weights { lines, report }] = reports.as_slice() else { panic!("{told:?}") };
    assert!(lines.iter().any(|l| l.contains("7 classes")), "{lines:?}");
    assert_eq!(report["class_layer"]["found"], 7);
    let log = std::fs::read_to_string(run.path().join("log.txt")).unwrap();
    assert!(lines.iter().all(|line| log.contains(line)), "{log}");
    let origin = run.environment().unwrap().weights.unwrap();
    assert_eq!(run.config().unwrap().model.init_from.as_deref(), Some(origin.path.as_path()));
    assert!(origin.path.is_absolute() && origin.path.ends_with("w.pth"));
    // It goes on without the file: a checkpoint holds everything.
    std::fs::remove_file(&path).unwrap();
    let stored = run.config().unwrap();
    let dataset = crate::support::bars::open(&dir.path().join("data"));
    crate::support::bars::train(&dataset, &stored, run.path(), true, &crate::support::bars::After::never()).unwrap();
}

/// A training that PyTorch began goes on here as it would there: the first loss is that of the weights, and every later
/// one shows that gradient, momentum and decay are the same. `make_fixtures.py` computed the numbers in 64 bits.
#[test]
fn a_training_that_pytorch_began_goes_on_as_there() {
    use kinolens::config::{LossKind, OptimizerConfig, OptimizerKind};
    use kinolens::train::{Loss, Optimizer};
    let text = std::fs::read_to_string(fixture("begun.json")).unwrap();
    let expected: Value = serde_json::from_str(&text).unwrap();
    let whole = |v: &Value| -> Vec<usize> {
        v.as_array().unwrap().iter().map(|n| usize::try_from(n.as_u64().unwrap()).unwrap()).collect()
    };
    let (shape, targets) = (whole(&expected["shape"]), whole(&expected["targets"]));
    let [batch, _, t, h, w] = shape[..] else { panic!("{shape:?}") };
    let config = ModelConfig { id: "small-2d".into(), dropout: Some(0.0), ..ModelConfig::default() };
    let mut network = Network::build(&config, 3, [t, h, w], &ComputeDevice::cpu(), 77).unwrap();
    let report = network.init_from(&fixture("begun.pth")).unwrap();
    assert!(report.is_complete() && report.unused.is_empty(), "{:?}", report.lines(true));
    let pixels: Vec<f32> =
        (0..shape.iter().product::<usize>()).map(|i| ((i * 7919 % 1013) as f64 / 500.0 - 1.0) as f32).collect();
    let x = network.input(pixels, batch, [t, h, w]).unwrap();
    let number = |key: &str| expected[key].as_f64().unwrap();
    let rule = OptimizerConfig {
        kind: OptimizerKind::Sgd { momentum: number("momentum") as f32, nesterov: false },
        learning_rate: number("lr"),
        weight_decay: number("weight_decay"),
        clip_norm: None,
        ..OptimizerConfig::default()
    };
    let loss = Loss::with_weights(LossKind::CrossEntropy, 0.0, None);
    let mut optimizer = Optimizer::new(&rule, &network.parameter_infos());
    let mut losses = Vec::new();
    for (i, step) in expected["steps"].as_array().unwrap().iter().enumerate() {
        let pass = network.forward_train(x.clone(), 0);
        let value = loss.of(pass.logits.clone(), &targets);
        losses.push(kinolens::model::read(value.clone()).unwrap()[0]);
        let gradients = pass.backward(&value);
        let norm = gradients.global_norm().unwrap();
        optimizer.step(&mut network, gradients, rule.learning_rate);
        // Sums in 32 bits are off by some 1e-7. A feature within rounding of zero is clamped by one side alone, which
        // moves the norm of the gradient by some 1e-5, and the losses after it by far less.
        let wanted = ["loss", "grad_norm"].map(|key| step[key].as_f64().unwrap());
        for (what, found, wanted, most) in
            [("loss", losses[i], wanted[0], 2e-5), ("gradient norm", norm, wanted[1], 1e-3)]
        {
            let error = (f64::from(found) - wanted).abs() / wanted;
            eprintln!("step {i}: {what} {found} for {wanted}, {error:.1e}");
            assert!(error < most, "step {i}: {what} {found} instead of {wanted}");
        }
    }
    assert!(losses.windows(2).all(|pair| pair[1] < pair[0]), "{losses:?}");
}

#[test]
fn a_run_starts_another_and_differences_that_matter_are_said() {
    let dir = tempfile::tempdir().unwrap();
    let source = build("small-3d", 2, [8, 16, 16], 22);
    let mut config = kinolens::train::config_for("small-3d").unwrap();
    (config.clip.mean, config.clip.std) = ([0.5; 3], [0.25; 3]);
    let weights = dir.path().join("w.pth");
    saved(&source, &weights, str::to_owned);
    let classes = kinolens::domain::ClassSet::from_names(["left", "right"]);
    let out = dir.path().join("imported");
    kinolens::train::import(&weights, &config, &classes, &out, false, &kinolens::progress::Silent).unwrap();
    for from in [out.clone(), out.join("checkpoints/last"), out.join("checkpoints/last/model.safetensors")] {
        let begun_in = tempfile::tempdir().unwrap();
        let (_, network, told) = begun(begun_in.path(), &from);
        assert!(same_state(&network, &source), "{}", from.display());
        let warned: Vec<String> = told
            .iter()
            .filter_map(|p| match p {
                kinolens::progress::Progress::Warning(w) => Some(w.clone()),
                _ => None,
            })
            .collect();
        for word in ["normalised with mean", "other names or another order"] {
            assert!(warned.iter().any(|w| w.contains(word)), "{word}: {warned:?}");
        }
    }
    // There is no training in it to go on with.
    let run = kinolens::run_folder::RunDir::open(&out).unwrap();
    assert!(!run.resumable());
    let dataset = crate::support::bars::bars(&dir.path().join("data"));
    std::fs::write(out.join("split.csv"), "video,subject,part,clips\n").unwrap();
    let stored = run.config().unwrap();
    assert!(crate::support::bars::train(&dataset, &stored, &out, true, &kinolens::progress::Silent).is_err());
}
