//! Plans of many trainings: every person tested on once, what is trained is not trained again, failures are sentences.

use super::*;
use std::collections::BTreeMap;
use std::time::SystemTime;

const SMALL: &str = r#""training.batch_size=8", "device=cpu", "training.workers=1", "training.epochs=1", "clip.length=4",
    "clip.width=24", "clip.height=32", "clip.train_stride=24", "clip.eval_stride=24""#;

fn plan(dir: &Path, name: &str, rest: &str) -> String {
    let text = format!("(data: \"{}\", preset: \"demo\", set: [{SMALL}], {rest})", fixture().data());
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Which people a run was trained and tested on, by its `split.csv`.
fn people(run: &Path) -> BTreeMap<String, Vec<String>> {
    let mut reader = csv::Reader::from_path(run.join("split.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|h| h == name).unwrap_or_else(|| panic!("{headers:?}"));
    let (subject, part) = (column("subject"), column("part"));
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in reader.records().map(Result::unwrap) {
        out.entry(row[part].to_owned()).or_default().push(row[subject].to_owned());
    }
    out
}

fn written(run: &Path) -> SystemTime {
    std::fs::metadata(run.join("checkpoints/last/model.safetensors")).unwrap().modified().unwrap()
}

#[test]
fn every_person_is_tested_on_once_and_nothing_is_trained_twice() {
    let dir = tempfile::tempdir().unwrap();
    let variants = r#"variants: [(name: "looks", set: ["model.id=classical-looks-knn"]), (name: "net")]"#;
    let plan = plan(dir.path(), "plan.ron", &format!("{variants}, folds: LeaveOneSubjectOut"));
    let out = dir.path().join("out");
    let words = format!("experiment {plan} --out {}", out.display());
    let shown = ok(&format!("{words} --dry-run"));
    assert!(!out.exists(), "a dry run writes nothing");
    let rows: Vec<&str> = shown.lines().filter(|l| l.contains("to train")).collect();
    assert_eq!(rows.len(), 6, "{shown}");
    assert!(rows[4].contains("net_fold2") && rows[4].contains("small-3d") && rows[4].contains("s02"), "{shown}");

    let said: Value = serde_json::from_str(&ok(&format!("{words} --json"))).unwrap();
    let rows = said["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 6);
    for (i, subject) in ["s01", "s02", "s03"].iter().enumerate() {
        for arm in ["looks", "net"] {
            let people = people(&out.join(format!("runs/{arm}_fold{}", i + 1)));
            assert_eq!(people["test"], [*subject], "{arm}");
            let others: Vec<&String> = people.iter().filter(|(p, _)| *p != "test").flat_map(|(_, s)| s).collect();
            assert!(others.len() == 2 && !others.iter().any(|s| s.as_str() == *subject), "{people:?}");
        }
    }
    // Pooled: right clips of all folds by all clips of all folds.
    for (arm, run) in ["looks", "net"].iter().zip(said["comparison"]["runs"].as_array().unwrap()) {
        assert_eq!(run["name"], **arm);
        let of_arm = rows.iter().filter(|r| r["arm"] == **arm);
        let sums = of_arm.map(|r| (r["clips"].as_f64().unwrap(), r["score"].as_f64().unwrap()));
        let (clips, right) = sums.fold((0.0, 0.0), |(n, k), (clips, score)| (n + clips, k + clips * score));
        assert!((run["accuracy"]["value"].as_f64().unwrap() - right / clips).abs() < 1e-9, "{arm}");
        assert_eq!(said["comparison"]["clips"].as_array().unwrap().len() as f64, clips);
    }
    assert_eq!(said["comparison"]["resampled"]["count"], 3);
    for file in
        ["experiment.csv", "experiment.md", "experiment.json", "comparison/runs.csv", "comparison/comparison.md"]
    {
        assert!(out.join(file).is_file(), "{file}");
    }

    // One run is lost: it alone is trained again, and the rest is as it was.
    let (lost, kept) = (out.join("runs/net_fold2"), out.join("runs/net_fold1"));
    std::fs::remove_dir_all(&lost).unwrap();
    let before = written(&kept);
    let again: Value = serde_json::from_str(&ok(&format!("{words} --json"))).unwrap();
    let found: Vec<&str> = again["rows"].as_array().unwrap().iter().map(|r| r["found"].as_str().unwrap()).collect();
    assert_eq!(found, ["finished", "finished", "finished", "finished", "nothing", "finished"]);
    assert_eq!(written(&kept), before);
    assert!(lost.join("checkpoints/last").is_dir());
    assert_eq!(again["comparison"]["runs"][0]["accuracy"], said["comparison"]["runs"][0]["accuracy"]);

    // Another plan in the same place is refused before anything is written.
    let summary = std::fs::read_to_string(out.join("experiment.md")).unwrap();
    let text = std::fs::read_to_string(&plan).unwrap().replace("training.epochs=1", "training.epochs=2");
    std::fs::write(&plan, text).unwrap();
    let refused = command(&fixture().path("cache"), &words).output().unwrap();
    let told = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("holds a run with other settings (training.epochs)"), "{told}");
    assert!(told.contains("3 of 6 runs are in the way (net_fold1, net_fold2, net_fold3)"), "{told}");
    assert_eq!(std::fs::read_to_string(out.join("experiment.md")).unwrap(), summary);
    assert_eq!(written(&kept), before);
}

#[test]
fn a_failure_ends_its_own_run_and_those_that_begin_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan(
        dir.path(),
        "plan.ron",
        r#"variants: [(name: "first", init_from: File("none.pth")), (name: "second", init_from: Variant("first")),
            (name: "third", set: ["model.id=classical-looks-knn"])]"#,
    );
    let out = dir.path().join("out");
    let done =
        command(&fixture().path("cache"), &format!("experiment {plan} --out {}", out.display())).output().unwrap();
    let (told, table) = (String::from_utf8_lossy(&done.stderr), String::from_utf8_lossy(&done.stdout));
    assert_eq!(done.status.code(), Some(1));
    assert!(told.contains("none.pth") && told.contains("2 of 3 runs failed: first, second"), "{told}");
    assert!(table.contains("it begins with the weights of first, which failed"), "{table}");
    assert!(out.join("comparison/runs.csv").is_file(), "the third is there");
}

#[test]
fn trials_of_a_search_that_fail_are_told_and_are_no_success() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan(
        dir.path(),
        "plan.ron",
        r#"variants: [(name: "lost", init_from: File("none.pth")), (name: "net")],
            search: (method: Random(trials: 2, seed: 1), ranges: {"training.batch_size": OneOf([4, 8])})"#,
    );
    let out = dir.path().join("out");
    let done =
        command(&fixture().path("cache"), &format!("experiment {plan} --out {}", out.display())).output().unwrap();
    let (told, table) = (String::from_utf8_lossy(&done.stderr), String::from_utf8_lossy(&done.stdout));
    assert_eq!(done.status.code(), Some(1), "{told}");
    assert!(told.contains("2 of 4 runs failed: lost_trial1, lost_trial2"), "{told}");
    assert!(
        table.contains("2 of 2 trials of lost failed") && table.contains("lost is not compared: it failed"),
        "{table}"
    );
    assert!(table.contains("net_trial") && table.contains("is the best"), "{table}");
    let search = std::fs::read_to_string(out.join("search.csv")).unwrap();
    assert_eq!(search.lines().filter(|l| l.contains("none.pth")).count(), 2, "{search}");
}

#[test]
fn the_plans_that_come_along_can_be_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/experiments");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let words = format!("experiment {} --data {} --dry-run --json", path.display(), fixture().data());
        let rows: Value = serde_json::from_str(&ok(&words)).unwrap();
        assert!(rows.as_array().unwrap().len() >= 4, "{}", path.display());
        seen += 1;
    }
    assert_eq!(seen, 4);
}

#[test]
fn faults_of_a_plan_are_told_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |rest: &str| {
        let plan = plan(dir.path(), "wrong.ron", rest);
        let done = command(&fixture().path("cache"), &format!("experiment {plan} --dry-run")).output().unwrap();
        (done.status.code(), String::from_utf8_lossy(&done.stderr).into_owned())
    };
    for (rest, told) in [
        ("sead: [1]", "wrong.ron"),
        ("variants: [(name: \"a\", set: [\"model.id=no-such\"])]", "a: "),
        ("folds: BySubject(9)", "3 people are too few for 9 folds"),
    ] {
        let (code, sentence) = refused(rest);
        assert!(code.is_some_and(|c| c > 0) && sentence.contains(told), "{rest}: {code:?} {sentence}");
    }
}

/// Epochs of a run and its best validation accuracy among the first `within`, by its table.
fn trained(run: &Path, within: usize) -> (usize, f64) {
    let mut reader = csv::Reader::from_path(run.join("training_metrics.csv")).unwrap();
    let at = reader.headers().unwrap().iter().position(|h| h == "val_accuracy").expect("a column");
    let scores: Vec<f64> = reader.records().map(|r| r.unwrap()[at].parse().unwrap()).collect();
    (scores.len(), scores.iter().take(within).copied().fold(f64::NEG_INFINITY, f64::max))
}

#[test]
fn a_search_halves_its_trials_goes_on_where_it_was_and_never_looks_at_the_test_clips_to_choose() {
    let dir = tempfile::tempdir().unwrap();
    let plan = plan(
        dir.path(),
        "search.ron",
        r#"variants: [(name: "net", set: ["training.epochs=2"])], search: (method: Halving(trials: 4, factor: 2, seed: 3),
            ranges: {"optimizer.learning_rate": Log(1e-5, 1e-1), "optimizer.weight_decay": OneOf(["0.0", "0.0001"])})"#,
    );
    let out = dir.path().join("out");
    let words = format!("experiment {plan} --out {}", out.display());
    let shown = ok(&format!("{words} --dry-run"));
    assert!(shown.contains("round 1: 4 of each line up to epoch 1") && shown.contains("round 2: 2 of each"), "{shown}");
    assert!(shown.contains("optimizer.learning_rate") && shown.contains("net_trial4"), "{shown}");
    let said: Value = serde_json::from_str(&ok(&format!("{words} --json"))).unwrap();
    let runs: Vec<PathBuf> = (1..=4).map(|i| out.join(format!("runs/net_trial{i}"))).collect();
    // By the tables of the runs: the two best of the first epoch were trained for a second one, the others were not.
    let after_one: Vec<f64> = runs.iter().map(|r| trained(r, 1).1).collect();
    let mut order: Vec<usize> = (0..4).collect();
    order.sort_by(|a, b| after_one[*b].total_cmp(&after_one[*a]));
    let epochs: Vec<usize> = runs.iter().map(|r| trained(r, 9).0).collect();
    assert_eq!(epochs.iter().sum::<usize>(), 6, "{epochs:?}");
    let worst_kept = epochs.iter().zip(&after_one).filter(|(n, _)| **n == 2).map(|(_, s)| *s).fold(1.0, f64::min);
    let best_left = epochs.iter().zip(&after_one).filter(|(n, _)| **n == 1).map(|(_, s)| *s).fold(0.0, f64::max);
    assert!(worst_kept >= best_left, "{epochs:?} {after_one:?}");
    let trials = said["search"]["trials"].as_array().unwrap();
    let chosen: Vec<&Value> = trials.iter().filter(|t| t["chosen"] == true).collect();
    assert_eq!((trials.len(), chosen.len()), (4, 1));
    let best = runs.iter().filter(|r| trained(r, 9).0 == 2).map(|r| trained(r, 2).1).fold(0.0, f64::max);
    assert!((chosen[0]["score"].as_f64().unwrap() - best).abs() < 1e-6, "{} {best}", chosen[0]);
    // Only the best was evaluated on test clips.
    for (run, row) in runs.iter().zip(trials) {
        assert_eq!(run.join("results").is_dir(), row["chosen"] == true, "{}", run.display());
    }
    let table = std::fs::read_to_string(out.join("search.csv")).unwrap();
    assert!(table.lines().count() == 5 && table.contains("optimizer.learning_rate"), "{table}");
    assert!(std::fs::read_to_string(out.join("experiment.md")).unwrap().contains("on the validation clips decides"));
    // What was trained in two parts is what a training in one would be.
    let winner = out.join(format!("runs/{}", chosen[0]["run"].as_str().unwrap()));
    let whole = dir.path().join("whole");
    ok(&format!("train {} --config {}/config.ron --out {}", fixture().data(), winner.display(), whole.display()));
    let weights = |run: &Path| std::fs::read(run.join("checkpoints/last/model.safetensors")).unwrap();
    assert_eq!(weights(&winner), weights(&whole), "the schedule is that of the whole training");
    // Nothing is trained twice; one that is lost in the last round is made again from its beginning.
    let before: Vec<SystemTime> = runs.iter().map(|r| written(r)).collect();
    let again: Value = serde_json::from_str(&ok(&format!("{words} --json"))).unwrap();
    assert_eq!(runs.iter().map(|r| written(r)).collect::<Vec<_>>(), before);
    assert_eq!(again["search"], said["search"]);
    std::fs::remove_dir_all(&winner).unwrap();
    let once_more: Value = serde_json::from_str(&ok(&format!("{words} --json"))).unwrap();
    let told = |v: &Value| -> Vec<(Value, Value)> {
        v["search"]["trials"].as_array().unwrap().iter().map(|t| (t["score"].clone(), t["chosen"].clone())).collect()
    };
    assert_eq!(told(&once_more), told(&said));
}
