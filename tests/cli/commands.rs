//! The command line as scripts see it: the real program, its exit codes, its JSON, its files.

mod best_epoch;
mod large_files;
mod maps;
mod other_data;

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
    let text = ok(&format!("{words} --json"));
    assert_eq!(text.lines().count(), 1, "kinolens {words}: more than one line");
    serde_json::from_str(&text).unwrap_or_else(|e| panic!("kinolens {words}: {e}"))
}

/// Runs a command that must fail with a code and a sentence that holds every word.
fn fails(code: i32, words: &str, sentence: &[&str]) {
    let out = command(&fixture().path("cache"), words).output().unwrap();
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

/// What an evaluation found, without the time it was made at.
fn found(mut evaluation: Value) -> Value {
    assert!(evaluation["made_unix"].as_u64().is_some_and(|t| t > 1_700_000_000), "{}", evaluation["made_unix"]);
    evaluation.as_object_mut().unwrap().remove("made_unix");
    evaluation
}

/// A run's own results: the same evaluation may come again, and none of another checkpoint, split or data is lost.
#[test]
fn results_of_another_checkpoint_or_other_data_are_not_replaced() {
    let f = fixture();
    let run = f.path("judged-run");
    let copied = std::process::Command::new("cp").args(["-r"]).args([f.path("run"), run.clone()]).status().unwrap();
    assert!(copied.success());
    let _ = std::fs::remove_dir_all(run.join("results"));
    let (run, best, data) = (run.display(), run.join("checkpoints/best_loss"), f.data());
    let evaluate =
        |what: &dyn std::fmt::Display, data: &str, more: &str| format!("evaluate {what} {data} --split val {more}");
    let first = found(document(&evaluate(&run, &data, "")));
    assert_eq!((first["checkpoint"].as_str(), first["epoch"].as_u64()), (Some("best_accuracy"), Some(1)), "resolved");
    let results = f.path("judged-run/results");
    let stored_first = results.join("best_accuracy/evaluation_val.json");
    let stored = |file: &Path| found(serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap());
    assert_eq!(stored(&stored_first), first);
    assert_eq!(found(document(&evaluate(&run, &data, ""))), first, "the same evaluation again");

    let best = best.display();
    let second = found(document(&evaluate(&best, &data, "")));
    assert_eq!(second["checkpoint"], "best_loss");
    assert_eq!(stored(&results.join("best_loss/evaluation_val.json")), second);
    assert!(results.join("best_loss/plots_val/confusion_matrix.png").is_file());
    let other = f.path("other-data");
    ok(&format!("demo {} --subjects 3 --seed 10", other.display()));
    let third = found(document(&evaluate(&run, &other.display().to_string(), "")));
    assert_ne!(third["dataset"], first["dataset"]);
    assert_eq!(stored(&stored_first), first, "results of other data were written over");
    let opened = kinolens::eval::RunDir::open(&f.path("judged-run")).unwrap();
    let kept: Vec<(String, String)> =
        opened.evaluations().into_iter().map(|(e, _)| (e.checkpoint, e.dataset)).collect();
    for wanted in [&first, &second, &third] {
        let word = |key: &str| wanted[key].as_str().unwrap().to_owned();
        assert!(kept.contains(&(word("checkpoint"), word("dataset"))), "{wanted} is not among {kept:?}");
    }
    assert_eq!(kept.len(), 3, "{kept:?}");

    // As earlier versions kept them: one a split, in the folder itself.
    let old = f.path("old-run");
    std::fs::create_dir_all(old.join("results")).unwrap();
    for file in ["config.ron", "classes.ron"] {
        std::fs::copy(f.path("run").join(file), old.join(file)).unwrap();
    }
    let mut text: Value = first.clone();
    text.as_object_mut().unwrap().remove("epoch");
    std::fs::write(old.join("results/evaluation_val.json"), text.to_string()).unwrap();
    let found = kinolens::eval::RunDir::open(&old).unwrap().evaluations();
    let [(evaluation, _)] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(evaluation.accuracy, first["accuracy"].as_f64().unwrap());
    assert_eq!(evaluation.identity().weights(), "best_accuracy", "an epoch was invented");
}

/// Weights are named wherever they answer, the default by its real name.
#[test]
fn predictions_and_heatmaps_say_which_weights_they_are_of() {
    let f = fixture();
    let out = f.path("named");
    let words = format!("explain {} {} --clip s01.mp4:30 --out {}", f.run(), f.data(), out.display());
    for report in [document(&words), document(&format!("predict {} {}", f.run(), f.video()))] {
        assert_eq!((report["checkpoint"].as_str(), report["epoch"].as_u64()), (Some("best_accuracy"), Some(1)));
        assert_eq!(report["run"], f.run().as_str());
        assert!(report["step"].as_u64().is_some_and(|s| s > 0) && report["made_unix"].as_u64().is_some());
    }
    let metadata = std::fs::read_to_string(out.join("sample_000/metadata.txt")).unwrap();
    assert!(metadata.lines().any(|l| l == "checkpoint: best_accuracy, epoch 1"), "{metadata}");
}

/// Foreign classes are refused until somebody says which is which, and evaluating and explaining then agree.
#[test]
fn foreign_classes_are_refused_or_mapped() {
    let f = fixture();
    let other = f.path("renamed");
    std::fs::create_dir_all(other.join("label")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(f.path("data/dataset"), other.join("dataset")).unwrap();
    std::fs::copy(f.path("data/split.csv"), other.join("split.csv")).unwrap();
    for file in std::fs::read_dir(f.path("data/label")).unwrap().flatten() {
        std::fs::copy(file.path(), other.join("label").join(file.file_name())).unwrap();
    }
    // The same numbers under other names: what matching by number would take for the run's own classes.
    let before = document(&format!("evaluate {} {} --split all --out {}", f.run(), f.data(), f.path("b").display()));
    let names: Vec<String> = list(&before["classes"]["classes"]).iter().map(|c| c["name"].to_string()).collect();
    let named: Vec<String> =
        names.iter().enumerate().map(|(i, n)| format!("({i}, {:?})", format!("x{i} {n}"))).collect();
    let named = named.iter().map(|n| n.replace("\\\"", "")).collect::<Vec<_>>().join(", ");
    std::fs::write(other.join("classes.ron"), format!("[{named}]")).unwrap();
    let other = other.display();
    let evaluate = format!("evaluate {} {other} --split all --out {}", f.run(), f.path("renamed-results").display());
    let explain = format!("explain {} {other} --clip s01.mp4:30", f.run());
    for words in [&evaluate, &explain] {
        fails(1, words, &["renamed", "none of its classes", "x0", "--map-classes"]);
        fails(2, &format!("{words} --map-classes squat"), &["DATASET_CLASS=RUN_CLASS"]);
        fails(1, &format!("{words} --map-classes nobody=squat"), &["no class 'nobody'"]);
    }
    let after = document(&format!("{evaluate} --map-classes numbers"));
    for key in ["clips", "accuracy", "loss", "confusion"] {
        assert_eq!(before[key], after[key], "{key}");
    }
    let said = list(&after["warnings"]).iter().filter_map(Value::as_str).any(|w| w.contains("by their numbers"));
    assert!(said, "{}", after["warnings"]);
    let truth = |words: &str| document(words)["samples"][0]["true"].clone();
    assert_eq!(
        truth(&format!("{explain} --map-classes numbers")),
        truth(&format!("explain {} {} --clip s01.mp4:30", f.run(), f.data()))
    );
    assert_eq!(truth(&format!("{explain} --map-classes none")), Value::Null);
}

/// The same recordings with the classes numbered the other way round: names decide, so nothing may change.
#[test]
fn another_order_of_classes_changes_nothing() {
    let f = fixture();
    let other = f.path("reordered");
    std::fs::create_dir_all(other.join("label")).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(f.path("data/dataset"), other.join("dataset")).unwrap();
    std::fs::copy(f.path("data/split.csv"), other.join("split.csv")).unwrap();
    let before = document(&format!("evaluate {} {} --split all", f.run(), f.data()));
    let classes = list(&before["classes"]["classes"]);
    let last = classes.len() as i64 - 1;
    let mut named = String::from("[");
    for class in classes {
        named += &format!("({}, {:?}), ", last - class["id"].as_i64().unwrap(), class["name"].as_str().unwrap());
    }
    std::fs::write(other.join("classes.ron"), named + "]").unwrap();
    for file in std::fs::read_dir(f.path("data/label")).unwrap().flatten() {
        let text = std::fs::read_to_string(file.path()).unwrap();
        let mut out = String::new();
        for (i, line) in text.lines().enumerate() {
            let (head, id) = line.rsplit_once(',').unwrap();
            match id.trim().parse::<i64>() {
                Ok(id) if i > 0 && id >= 0 => out += &format!("{head},{}\n", last - id),
                _ => out += &format!("{line}\n"),
            }
        }
        std::fs::write(other.join("label").join(file.file_name()), out).unwrap();
    }
    let out = f.path("reordered-results");
    let after = document(&format!("evaluate {} {} --split all --out {}", f.run(), other.display(), out.display()));
    assert!(before["accuracy"].as_f64().unwrap() > 0.0, "nothing is right, so nothing can be compared");
    for key in ["clips", "accuracy", "loss", "confusion", "frames"] {
        assert_eq!(before[key], after[key], "{key}");
    }
}

#[test]
fn unknown_classes_are_named() {
    let f = fixture();
    let other = f.path("other-classes");
    for class in ["aikido", "bowling"] {
        std::fs::create_dir_all(other.join(class)).unwrap();
        std::fs::copy(f.video(), other.join(class).join(format!("{class}.mp4"))).unwrap();
    }
    let words = format!("evaluate {} {} --split all --out {}", f.run(), other.display(), f.path("never").display());
    fails(1, &words, &["aikido", "squat", "other-classes"]);
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
        assert!(!list(&model["layers"]).iter().any(|l| colours(&l)), "a heat map of colours is offered");
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

#[test]
fn nothing_is_overwritten_and_wrong_arguments_are_named() {
    let f = fixture();
    let (data, run, new) = (f.data(), f.run(), f.path("unmade").display().to_string());
    let text = f.path("text.mp4");
    std::fs::write(&text, "no video here\n").unwrap();
    let text = text.display();
    let empty = f.path("empty-folder");
    std::fs::create_dir_all(&empty).unwrap();
    let bare = f.path("bare-run");
    std::fs::create_dir_all(&bare).unwrap();
    for file in ["config.ron", "classes.ron", "split.csv", "environment.ron"] {
        std::fs::copy(f.path("run").join(file), bare.join(file)).unwrap();
    }
    let before = std::fs::read(f.path("run/config.ron")).unwrap();
    fails(2, &format!("train {data} --out {run}"), &["exists already", "--resume", "--force"]);
    assert_eq!(std::fs::read(f.path("run/config.ron")).unwrap(), before, "the refused run was touched");
    for (set, words) in [
        ("--preset nope", &["'nope'", "demo"][..]),
        ("--preset smal-clips", &["did you mean 'small-clips'?"]),
        ("--model nope", &["'nope'", "small-3d"]),
        ("--model mobilenet-3d", &["did you mean 'mobilenet-v2-3d'?"]),
        ("--set model.id=nope", &["'nope'", "small-3d"]),
        ("--set training.epoch=3", &["training.epoch", "did you mean 'epochs'"]),
        ("--set training.epochs=many", &["training.epochs"]),
        ("--set training.epochs", &["key=value"]),
        ("--epochs 0", &["training.epochs"]),
        ("--config nope.ron", &["nope.ron"]),
        ("--resume nope --preset demo", &["nope"]),
    ] {
        let code = if set.starts_with("--resume") { 1 } else { 2 };
        let out = if code == 1 { String::new() } else { format!("--out {new}") };
        fails(code, &format!("train {data} {out} {set}"), words);
    }
    fails(2, &format!("train {data}"), &["--out"]);
    fails(1, &format!("train {text} --out {new}"), &["text file", "text.mp4"]);
    fails(1, &format!("train {} --out {new}", empty.display()), &["empty-folder", "not a dataset"]);
    assert!(!f.path("unmade").exists(), "a refused training left a folder");
    fails(1, &format!("inspect {new}"), &["unmade", "does not exist"]);
    fails(1, &format!("probe {text}"), &["text.mp4", "text file"]);
    fails(1, &format!("probe {new}"), &["unmade", "no such file"]);
    fails(1, &format!("predict {run} {text}"), &["text.mp4", "text file"]);
    fails(1, &format!("evaluate {} {data}", bare.display()), &["bare-run", "no checkpoint", "train it first"]);
    fails(1, &format!("evaluate {run}/checkpoints/nope {data}"), &["'nope'", "best_loss"]);
    fails(1, &format!("evaluate {run}/checkpoints/best_acuracy {data}"), &["did you mean 'best_accuracy'?"]);
    fails(1, &format!("evaluate {data} {data}"), &["no run folder"]);
    fails(2, &format!("evaluate {run} {data} --split nope"), &["train", "test"]);
    for (option, words) in [
        ("--method nope", &["'nope'", "hirescam"][..]),
        ("--method gradcam++", &["did you mean 'grad-cam++'?"]),
        ("--layer nope", &["'nope'", "stage3"]),
        ("--layer stag3", &["did you mean 'stage3'?"]),
        ("--layer motion", &["'motion'", "stage3"]),
        ("--class nope", &["'nope'", "squat"]),
        ("--class Sqat", &["did you mean 'squat'?"]),
        ("--class predict", &["did you mean 'predicted'?"]),
        ("--clip nope.mp4:3", &["nope.mp4"]),
        ("--clip s1.mp4:3", &["did you mean 's01.mp4'?"]),
        ("--clip s01.mp4:99999", &["99999", "frames"]),
        ("--clip s01.mp4", &["VIDEO:START"]),
        ("--color-map nope", &["'nope'", "turbo"]),
        ("--color-map turo", &["did you mean 'turbo'?"]),
        ("--alpha 2", &["alpha", "between 0 and 1"]),
        ("--num-samples 0", &["--num-samples"]),
    ] {
        fails(2, &format!("explain {run} {data} {option}"), words);
    }
    fails(2, "models --classes 0", &["--classes"]);
    fails(2, "bench --clip 16,112", &["16,112,112"]);
    fails(2, &format!("demo {new} --subjects 0"), &["0 subjects"]);
    fails(2, &format!("demo {run}"), &["already holds"]);
    // A folder below a file cannot be made, whoever asks.
    fails(
        1,
        &format!("demo {run}/config.ron/new"),
        &["cannot make the folder", "config.ron/new", "choose another folder"],
    );
    fails(2, "probe", &["<VIDEO>"]);
}

/// Ctrl+C asks for a checkpoint, leaves with 130, and the run goes on from there to the epochs asked for.
#[cfg(unix)]
#[test]
fn an_interrupted_training_goes_on() {
    let f = fixture();
    let out = f.path("interrupted");
    let words = format!("train {} --out {} --epochs 3 --json {TINY}", f.data(), out.display());
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("kinolens"))
        .env("KINOLENS_CACHE", f.path("cache"))
        .args(words.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let step = lines.by_ref().map(Result::unwrap).find(|l| l.contains("\"event\":\"step\""));
    assert!(step.is_some(), "no step before the end");
    let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    let rest: Vec<String> = lines.map(Result::unwrap).collect();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("--resume"), "{said}");
    assert!(!rest.iter().any(|l| l.contains("\"finished\"")), "it finished before it was interrupted");
    assert!(out.join("checkpoints/last/state.ron").is_file(), "no checkpoint was written");

    let text = ok(&format!("train {} --resume {} --json", f.data(), out.display()));
    let events = events(&text);
    assert_eq!(kinds(&events).last(), Some(&"finished"));
    let history = std::fs::read_to_string(out.join("training_metrics.csv")).unwrap();
    assert_eq!(history.lines().count(), 4, "a header and three epochs:\n{history}");
}

/// Runs a command and gives its output, its seconds and the most memory it held, in MiB (0 where that is not told).
fn measured(cache: &Path, words: &str) -> (Value, f64, u64) {
    let start = std::time::Instant::now();
    let mut child = std::process::Command::new(assert_cmd::cargo::cargo_bin("kinolens"))
        .env("KINOLENS_CACHE", cache)
        .args(words.split_whitespace())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut output = child.stdout.take().unwrap();
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut output, &mut text).map(|_| text)
    });
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).unwrap_or("0");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0);
        peak = peak.max(kib / 1024);
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    let seconds = start.elapsed().as_secs_f64();
    assert!(child.wait().unwrap().success(), "kinolens {words}");
    (serde_json::from_str(&reader.join().unwrap().unwrap()).unwrap(), seconds, peak)
}

/// 60 subjects and 28,000 windows: at once and small when the videos are indexed, and never from a stale index.
#[test]
fn inspecting_a_large_dataset_again_is_quick_and_never_stale() {
    const FRAMES: u32 = 5_000;
    let folder = tempfile::tempdir().unwrap();
    let (data, cache) = (folder.path().join("data"), folder.path().join("cache"));
    for part in ["dataset/anon", "label"] {
        std::fs::create_dir_all(data.join(part)).unwrap();
    }
    let film = |name: &str, frames: u32| {
        let path = folder.path().join(name);
        let mut writer = kinolens::video::VideoWriter::create(&path, 32, 32, 30.0).unwrap();
        for n in 0..frames {
            let level = (n % 200) as u8;
            writer.push(&kinolens::domain::RgbImage::new(32, 32, vec![level; 32 * 32 * 3]).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        path
    };
    let long = film("long.mp4", FRAMES);
    let labels: String = (0..FRAMES).map(|n| format!("{n},0,{}\n", n / 320 % 16)).collect();
    let mut split = String::from("subject,split\n");
    for subject in 1..=60 {
        let name = format!("s{subject:02}");
        std::fs::copy(&long, data.join(format!("dataset/anon/{name}.mp4"))).unwrap();
        std::fs::write(data.join(format!("label/{name}.csv")), &labels).unwrap();
        split += &format!("{name},{}\n", if subject <= 30 { "train" } else { "test" });
    }
    std::fs::write(data.join("split.csv"), split).unwrap();
    let words = format!("inspect {} --json", data.display());
    let (first, _, _) = measured(&cache, &words);
    let windows = |report: &Value| list(&report["classes"]).iter().filter_map(|c| c["clips"].as_u64()).sum::<u64>();
    // Windows that start at 0, 8, … and 0, 16, … and lie inside the video.
    let fit = |stride: u32| u64::from((FRAMES - 16) / stride + 1);
    assert_eq!(windows(&first), 30 * (fit(8) + fit(16)));
    assert!(windows(&first) >= 28_000);

    let (again, seconds, peak) = measured(&cache, &words);
    assert_eq!(again, first);
    eprintln!("inspected again in {seconds:.2} s and {peak} MiB");
    assert!(seconds < 2.0, "{seconds:.2} s");
    assert!(peak < 300, "{peak} MiB");

    // Another film under a name that is known already.
    let short = film("short.mp4", 500);
    std::fs::copy(short, data.join("dataset/anon/s07.mp4")).unwrap();
    let (changed, _, _) = measured(&cache, &words);
    let of = |report: &Value, name: &str| {
        let videos = list(&report["video_properties"]);
        videos.iter().find(|v| v["path"].as_str().is_some_and(|p| p.ends_with(name))).unwrap()["frames"].clone()
    };
    assert_eq!((of(&changed, "s07.mp4"), of(&changed, "s08.mp4")), (500.into(), FRAMES.into()));
    assert!(windows(&changed) < windows(&first));
}
