//! Results on disk, which weights they are of, and classes that are not those of the run.

use super::*;

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
    let opened = kinolens::run_folder::RunDir::open(&f.path("judged-run")).unwrap();
    let kept: Vec<(String, String)> =
        opened.results().evaluations.into_iter().map(|(e, _)| (e.checkpoint, e.dataset)).collect();
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
    let found = kinolens::run_folder::RunDir::open(&old).unwrap().results().evaluations;
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
