//! The command line as scripts see it: the real program, its exit codes, its JSON, its files.

mod baselines;
mod best_epoch;
mod comparing;
mod corpus;
mod corrections;
mod damaged;
mod desktop;
mod experiment;
mod inside;
mod interchange;
mod labels;
mod large_files;
mod maps;
mod motion;
mod other_data;
mod reading;
mod refusals;
mod relabel;
mod reporting;
mod results;
mod sentences;
mod stills;
mod views;

use assert_cmd::Command;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::OnceLock;

/// What most tests start from: a small demo dataset and a run trained on it for one epoch.
struct Fixture {
    root: tempfile::TempDir,
    /// Standard output of `demo --json` and `train --json`.
    said: [String; 2],
}

/// The smallest clips that still go through everything.
const TINY: &str = "--model small-3d --batch-size 8 --seed 3 --device cpu --workers 1 --set clip.length=4 \
                    --set clip.width=24 --set clip.height=32 --set clip.train_stride=12 --set data.fraction=0.4";

fn fixture() -> &'static Fixture {
    static MADE: OnceLock<Fixture> = OnceLock::new();
    MADE.get_or_init(|| {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name).display().to_string();
        let cache = root.path().join("cache");
        let demo = ok_in(&cache, &format!("demo {} --subjects 3 --seed 9 --json", at("data")));
        let train = ok_in(&cache, &format!("train {} --out {} --epochs 1 --json {TINY}", at("data"), at("run")));
        Fixture { root, said: [demo, train] }
    })
}

impl Fixture {
    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn data(&self) -> String {
        self.path("data").display().to_string()
    }

    fn run(&self) -> String {
        self.path("run").display().to_string()
    }

    fn video(&self) -> String {
        self.path("data/dataset/anon/s01.mp4").display().to_string()
    }
}

fn command(cache: &Path, words: &str) -> Command {
    let mut command = Command::cargo_bin("kinolens").unwrap();
    command.env("KINOLENS_CACHE", cache).args(words.split_whitespace()).timeout(std::time::Duration::from_secs(120));
    command
}

fn ok_in(cache: &Path, words: &str) -> String {
    let out = command(cache, words).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(0), "kinolens {words}\n{said}");
    String::from_utf8(out.stdout).unwrap()
}

/// Runs a command that must succeed and gives its standard output.
fn ok(words: &str) -> String {
    ok_in(&fixture().path("cache"), words)
}

/// Standard output as the one JSON document it must be.
fn document(words: &str) -> Value {
    parse(words, &ok(&format!("{words} --json")))
}

/// What a command printed, as the one JSON document it must be.
fn parse(words: &str, text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "kinolens {words}: more than one line");
    serde_json::from_str(text).unwrap_or_else(|e| panic!("kinolens {words}: {e}"))
}

/// Runs a command that must fail with a code and a sentence that holds every word.
fn fails(code: i32, words: &str, sentence: &[&str]) {
    fails_in(&fixture().path("cache"), code, words, sentence);
}

fn fails_in(cache: &Path, code: i32, words: &str, sentence: &[&str]) {
    let out = command(cache, words).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(code), "kinolens {words}\n{said}");
    for word in sentence {
        assert!(said.contains(word), "kinolens {words}: '{word}' is missing in: {said}");
    }
    for noise in ["panicked", "RUST_BACKTRACE", "src/"] {
        assert!(!said.contains(noise), "kinolens {words}: {said}");
    }
}

fn has(value: &Value, keys: &str) {
    for key in keys.split_whitespace() {
        assert!(value.get(key).is_some(), "{key} is missing in {value}");
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or_else(|| panic!("{value} is no list"), Vec::as_slice)
}

fn events(text: &str) -> Vec<Value> {
    text.lines().map(|l| serde_json::from_str(l).unwrap_or_else(|e| panic!("{e}: {l}"))).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|e| e["event"].as_str()).collect()
}

fn frames_of(path: &Path) -> u64 {
    document(&format!("probe {}", path.display()))["frames"].as_u64().unwrap()
}

#[test]
fn demo_and_train_speak_json() {
    let [demo, train] = &fixture().said;
    let demo: Value = serde_json::from_str(demo).unwrap();
    assert_eq!(demo["path"], fixture().data().as_str());

    let events = events(train);
    let kinds = kinds(&events);
    assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("started", "finished"), "{kinds:?}");
    let at = |kind: &str| kinds.iter().position(|k| *k == kind).unwrap_or_else(|| panic!("no {kind} in {kinds:?}"));
    assert!(at("step") < at("epoch") && at("epoch") < at("checkpoint"), "{kinds:?}");
    has(
        &events[at("epoch")],
        "epoch train_loss train_accuracy val_loss val_accuracy per_class_accuracy learning_rate seconds clips_per_second",
    );
}

#[test]
fn a_run_folder_holds_everything() {
    let run = fixture().path("run");
    for file in ["config.ron", "classes.ron", "split.csv", "environment.ron", "training_metrics.csv"] {
        assert!(run.join(file).is_file(), "{file}");
    }
    for file in ["per_class_accuracy.csv", "log.txt", "plots/loss.png", "plots/training_overview.svg"] {
        assert!(run.join(file).is_file(), "{file}");
    }
    let named = |prefix: &str| {
        std::fs::read_dir(&run).unwrap().flatten().any(|e| e.file_name().to_string_lossy().starts_with(prefix))
    };
    assert!(named("events.out.tfevents."), "no event file");
    for name in ["best_loss", "best_accuracy", "last"] {
        let folder = run.join("checkpoints").join(name);
        assert!(folder.join("state.ron").is_file() && folder.join("model.safetensors").is_file(), "{name}");
    }
}

#[cfg(unix)]
#[test]
fn weights_are_as_readable_as_any_file() {
    use std::os::unix::fs::PermissionsExt;
    let run = fixture().path("run");
    let mode = |file: &str| std::fs::metadata(run.join(file)).unwrap().permissions().mode() & 0o777;
    let ordinary = run.join("../ordinary");
    std::fs::write(&ordinary, "").unwrap();
    let expected = std::fs::metadata(&ordinary).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode("checkpoints/last/model.safetensors"), expected);
}

#[test]
fn inspect_counts_and_writes() {
    let f = fixture();
    let out = f.path("inspection");
    let report = document(&format!("inspect {} --out {}", f.data(), out.display()));
    has(&report, "format subjects videos classes splits warnings video_properties");
    assert_eq!(
        (report["format"].as_str(), &report["subjects"], &report["videos"]),
        (Some("exercise"), &3.into(), &3.into())
    );
    list(&report["classes"]).iter().for_each(|c| has(c, "id name frames clips"));
    list(&report["video_properties"]).iter().for_each(|v| has(v, "path width height fps frames duration_s codec"));
    list(&report["warnings"]).iter().for_each(|w| has(w, "path message"));
    // The labels themselves are the truth: count the rows of every class.
    let mut rows = std::collections::HashMap::<i64, u64>::new();
    for file in std::fs::read_dir(f.path("data/label")).unwrap().flatten() {
        for line in std::fs::read_to_string(file.path()).unwrap().lines().skip(1) {
            *rows.entry(line.rsplit(',').next().unwrap().trim().parse().unwrap()).or_default() += 1;
        }
    }
    for class in list(&report["classes"]) {
        assert_eq!(class["frames"].as_u64(), rows.get(&class["id"].as_i64().unwrap()).copied(), "{class}");
    }
    for (split, videos) in [("train", 2), ("test", 1)] {
        let part = &report["splits"][split];
        has(part, "videos clips frames classes");
        assert_eq!(part["videos"], videos, "{split}");
    }
    let pictures =
        std::fs::read_dir(&out).unwrap().flatten().filter(|e| e.path().extension().is_some_and(|x| x == "png"));
    assert!(pictures.count() >= 3, "plots are missing in {}", out.display());
    fails(2, &format!("inspect {} --out {}", f.data(), out.display()), &["already holds", "--force"]);
    ok(&format!("inspect {} --out {} --force", f.data(), out.display()));
}

#[test]
fn probe_measures_frames_and_writes_them() {
    let f = fixture();
    let out = f.path("frames");
    let report = document(&format!("probe {} --frame 5 --frame 0 --out {}", f.video(), out.display()));
    has(&report, "width height pixel_aspect rotation fps frames duration_s codec variable_frame_rate samples");
    assert_eq!((&report["width"], &report["height"], &report["fps"]), (&400.into(), &550.into(), &30.0.into()));
    let indexes: Vec<_> = list(&report["samples"]).iter().map(|s| s["index"].as_u64()).collect();
    assert_eq!(indexes, [Some(5), Some(0)], "not in the order asked for");
    for sample in list(&report["samples"]) {
        has(sample, "index pts_s luma mean md5");
        has(&sample["mean"], "r g b");
        let file = out.join(format!("frame_{:06}.png", sample["index"].as_u64().unwrap()));
        let picture = image::open(&file).unwrap().to_rgb8();
        let red =
            picture.pixels().map(|p| f64::from(p[0])).sum::<f64>() / f64::from(picture.width() * picture.height());
        assert!((red - sample["mean"]["r"].as_f64().unwrap()).abs() < 1e-6, "{} is another picture", file.display());
    }
    fails(2, &format!("probe {} --frame 5 --out {}", f.video(), out.display()), &["frame_000005.png", "--force"]);
    fails(2, &format!("probe {} --frame 99999", f.video()), &["99999"]);
}

#[test]
fn evaluate_reports_all_measures() {
    let f = fixture();
    let out = f.path("judged");
    let report = document(&format!("evaluate {} {} --split train --out {}", f.run(), f.data(), out.display()));
    has(
        &report,
        "accuracy top3_accuracy top5_accuracy mean_class_accuracy loss per_class macro weighted confusion clips frames",
    );
    list(&report["per_class"]).iter().for_each(|c| has(c, "class precision recall f1 support"));
    has(&report["macro"], "precision recall f1");
    has(&report["weighted"], "precision recall f1");
    has(&report["frames"], "accuracy edit f1_10 f1_25 f1_50");
    let rows: Vec<Vec<u64>> = serde_json::from_value(report["confusion"].clone()).unwrap();
    let clips: u64 = rows.iter().flatten().sum();
    let hits: u64 = rows.iter().enumerate().map(|(i, row)| row[i]).sum();
    assert_eq!(report["clips"].as_u64(), Some(clips));
    assert!((report["accuracy"].as_f64().unwrap() - hits as f64 / clips as f64).abs() < 1e-12);
    for (row, class) in rows.iter().zip(list(&report["per_class"])) {
        assert_eq!(class["support"].as_u64(), Some(row.iter().sum()), "rows are not the true classes");
    }
    let csv = std::fs::read_to_string(out.join("predictions_train.csv")).unwrap();
    assert_eq!(csv.lines().count() as u64, clips + 1);
    assert!(out.join("plots_train/confusion_matrix.png").is_file());
    fails(2, &format!("evaluate {} {} --split train --out {}", f.run(), f.data(), out.display()), &["--force"]);
}

#[test]
fn predict_has_a_row_for_each_window_and_each_frame() {
    let f = fixture();
    let out = f.path("predicted");
    let report = document(&format!("predict {} {} --out {}", f.run(), f.video(), out.display()));
    let frames = frames_of(Path::new(&f.video()));
    assert_eq!(list(&report["frames"]).len() as u64, frames);
    let windows = list(&report["windows"]);
    for window in windows {
        has(window, "start predicted probability probabilities");
        let sum: f64 = list(&window["probabilities"]).iter().filter_map(Value::as_f64).sum();
        assert!((sum - 1.0).abs() < 1e-4, "{window}");
    }
    for (file, rows) in [("windows.csv", windows.len()), ("frames.csv", frames as usize)] {
        let text = std::fs::read_to_string(out.join(file)).unwrap();
        assert_eq!(text.lines().count(), rows + 1, "{file}");
    }
    fails(2, &format!("predict {} {} --out {}", f.run(), f.video(), out.display()), &["csv", "--force"]);
    fails(1, &format!("predict {} {}", f.run(), f.data()), &["3 videos"]);
}

#[test]
fn explain_gives_values_and_five_files() {
    let f = fixture();
    let out = f.path("explained");
    let words = format!(
        "explain {} {} --clip s01.mp4:30 --layer stage2 --class true --raw --fps 5 --out {}",
        f.run(),
        f.data(),
        out.display()
    );
    let report = document(&words);
    let sample = &list(&report["samples"])[0];
    has(sample, "video start true predicted probability maps");
    assert_eq!(sample["start"], 30);
    let map = &list(&sample["maps"])[0];
    has(map, "method layer class shape values");
    assert_eq!((map["layer"].as_str(), &map["class"]), (Some("stage2"), &sample["true"]));
    let cells: u64 = list(&map["shape"]).iter().filter_map(Value::as_u64).product();
    assert_eq!(list(&map["values"]).len() as u64, cells);
    let folder = out.join("sample_000");
    assert!(std::fs::read_to_string(folder.join("metadata.txt")).unwrap().contains("s01.mp4"));
    for (file, width) in [("original", 400), ("heatmap", 400), ("overlay", 400), ("side_by_side", 800)] {
        let video = document(&format!("probe {}", folder.join(format!("{file}.mp4")).display()));
        assert_eq!(
            (&video["frames"], &video["width"], &video["fps"]),
            (&4.into(), &width.into(), &5.0.into()),
            "{file}"
        );
    }
    fails(2, &words, &["sample_000", "--force"]);

    // Again into the same folder: of the earlier export nothing stays, and nothing else goes.
    std::fs::create_dir(out.join("sample_pictures")).unwrap();
    for (file, text) in
        [("sample_000/notes.txt", "mine"), ("sample_pictures/original.mp4", "mine"), ("overlay.mp4", "mine")]
    {
        std::fs::write(out.join(file), text).unwrap();
    }
    let again = "--num-samples 2 --split all --method grad-cam --method hirescam";
    ok(&format!("explain {} {} {again} --force --out {}", f.run(), f.data(), out.display()));
    let maps = |sample: &str| {
        let entries = std::fs::read_dir(out.join(sample)).unwrap().flatten();
        let mut names: Vec<String> = entries.map(|e| e.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(maps("sample_001").len(), 4, "{:?}", maps("sample_001"));
    ok(&format!("explain {} {} --clip s01.mp4:30 --force --out {}", f.run(), f.data(), out.display()));
    let five = ["heatmap.mp4", "metadata.txt", "notes.txt", "original.mp4", "overlay.mp4", "side_by_side.mp4"];
    assert_eq!(maps("sample_000"), five);
    assert!(!out.join("sample_001").exists());
    assert_eq!(std::fs::read_to_string(out.join("sample_pictures/original.mp4")).unwrap(), "mine");
    assert_eq!(std::fs::read_to_string(out.join("overlay.mp4")).unwrap(), "mine");

    let several = document(&format!(
        "explain {} {} --num-samples 2 --split all --method grad-cam --method grad-cam++ --method hirescam",
        f.run(),
        f.data()
    ));
    assert_eq!(list(&several["samples"]).len(), 2);
    for sample in list(&several["samples"]) {
        let methods: Vec<_> = list(&sample["maps"]).iter().filter_map(|m| m["method"].as_str()).collect();
        assert_eq!(methods, ["grad-cam", "grad-cam++", "hirescam"]);
        assert!(sample["maps"][0].get("values").is_none(), "values without --raw");
    }
    let wrong = document(&format!("explain {} {} --misclassified-only --num-samples 3 --split all", f.run(), f.data()));
    let samples = list(&wrong["samples"]);
    assert!(!samples.is_empty() && samples.iter().all(|s| s["true"] != s["predicted"]), "{wrong}");
    // A video of one's own needs no labels.
    let own = document(&format!("explain {} {} --clip 7", f.run(), f.video()));
    assert_eq!(own["samples"][0]["start"], 7);
}

#[test]
fn plot_draws_the_curves() {
    let f = fixture();
    let out = f.path("drawn");
    let files = document(&format!("plot {} --top-classes 2 --out {}", f.run(), out.display()));
    let files = list(&files["files"]);
    assert!(files.len() >= 8, "{files:?}");
    for file in files {
        assert!(std::fs::metadata(file.as_str().unwrap()).unwrap().len() > 500, "{file}");
    }
    fails(2, &format!("plot {} --out {}", f.run(), out.display()), &["--force"]);
}

#[test]
fn models_and_selftest_speak_json() {
    let models = document("models");
    for model in list(&models) {
        has(model, "id title summary parameters trainable input layers memory_per_clip");
        let ids: Vec<&Value> = list(&model["layers"]).iter().map(|l| &l["id"]).collect();
        assert!(ids.contains(&&model["default_layer"]), "{} has no layer {}", model["id"], model["default_layer"]);
        let bytes = model["memory_per_clip"]["training_bytes"].as_u64().unwrap();
        assert!(bytes > 1 << 20 && bytes < 4 << 30, "{}: {bytes} bytes a clip", model["id"]);
        list(&model["layers"]).iter().for_each(|l| has(l, "id shape"));
        let colours = |l: &&Value| l["id"] == "motion" && l["cam"] == true;
        assert!(!list(&model["layers"]).iter().any(|l| colours(&l)), "a heatmap of colours is offered");
    }
    let of = |id: &str| list(&models).iter().find(|m| m["id"] == id).unwrap();
    assert_eq!(of("c3d")["parameters"], 27_797_137);
    assert_eq!(of("mobilenet-v2-3d")["parameters"], 2_375_825);
    assert_eq!(of("r3d-18")["parameters"], 33_174_993);
    assert_eq!(of("har-resnet-50")["trainable"], 10_622_991 + 2 * 257);
    let frozen = document("models --classes 3 --freeze backbone");
    let r3d = list(&frozen).iter().find(|m| m["id"] == "r3d-18").unwrap();
    assert_eq!((r3d["parameters"].as_u64(), r3d["trainable"].as_u64()), (Some(33_167_811), Some(1_539)));
    let report = document("selftest");
    for check in list(&report["checks"]) {
        has(check, "name ok detail");
        assert_eq!(check["ok"], true, "{check}");
    }
}

#[test]
fn unknown_instructions_are_refused_in_a_sentence() {
    let output =
        Command::new(env!("CARGO_BIN_EXE_kinolens")).arg("models").env("KINOLENS_INSTRUCTIONS", "mmx").output();
    let output = output.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("KINOLENS_INSTRUCTIONS is 'mmx'") && said.contains("avx2"), "{said}");
}

#[test]
fn bench_tells_seconds_of_what_was_asked_for() {
    let found = document(
        "bench --model small-3d --clip 8,32,48 --only forward --only train --rounds 2 --batch 1 --threads 2 --profile",
    );
    has(&found, "device threads batch instructions results profile");
    assert_eq!(found["threads"], 2);
    let results = list(&found["results"]);
    for name in ["small-3d: forward", "small-3d: train"] {
        let result = results.iter().find(|r| r["name"] == name).unwrap();
        assert!(result["value"].as_f64().unwrap() > 0.0 && result["unit"] == "s", "{result}");
    }
    assert!(results.iter().all(|r| !r["name"].as_str().unwrap().contains("grad-cam")), "{results:?}");
    let told = list(&found["profile"]).iter().map(|p| p["operation"].as_str().unwrap());
    let told: Vec<&str> = told.collect();
    for kind in ["everything else", "convolve back to weight", "normalise back", "Adam"] {
        assert!(told.iter().any(|t| t.starts_with(kind)), "{kind} in {told:?}");
    }
    let video = fixture().video();
    let found = document(&format!("bench --video {video} --clips 6 --frames 4 --size 32 --workers 2"));
    for name in ["open and index", "decode in order", "jump to a frame", "clips, first epoch", "clips, second epoch"] {
        let result = list(&found["results"]).iter().find(|r| r["name"] == name);
        assert!(result.is_some_and(|r| r["value"].as_f64().is_some_and(|v| v > 0.0)), "{name} in {found}");
    }
    fails(2, &format!("bench --video {video} --clips 0"), &["--clips"]);
    fails(2, &format!("bench --video {video} --model c3d"), &["--model"]);
    fails(2, "bench --model small-4d", &["small-4d", "small-3d"]);
    fails(2, "bench --only everything", &["everything", "grad-cam"]);
    fails(2, "bench --rounds 0", &["--rounds"]);
}
