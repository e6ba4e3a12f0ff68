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
    assert_eq!(seen, 3);
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
