//! Run folders of which files are damaged or lost: whoever uses them is told which, where, and what to do.

use super::*;
use std::fs;

/// A run of its own, copied from the fixture's with the results of an evaluation.
fn copied(dir: &Path, name: &str) -> PathBuf {
    let run = dir.join(name);
    fs::create_dir_all(run.parent().unwrap()).unwrap();
    let status = std::process::Command::new("cp").arg("-r").args([f_run(), run.clone()]).status().unwrap();
    assert!(status.success());
    run
}

fn f_run() -> PathBuf {
    fixture().path("run")
}

/// Standard error of a command that must succeed.
fn warned(words: &str) -> String {
    let out = command(&fixture().path("cache"), words).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert_eq!(out.status.code(), Some(0), "kinolens {words}\n{said}");
    said
}

fn holds(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "'{word}' is missing in: {text}");
    }
}

#[test]
fn a_damaged_configuration_is_told_and_the_checkpoint_stands_in() {
    let (dir, data) = (tempfile::tempdir().unwrap(), fixture().data());
    let run = copied(dir.path(), "broken");
    let whole =
        document(&format!("evaluate {} {data} --split val --out {}", run.display(), dir.path().join("a").display()));
    fs::write(run.join("config.ron"), "(\n    seed: seven,\n)\n").unwrap();
    let run = run.display();
    let told = warned(&format!("evaluate {run} {data} --split val --out {}", dir.path().join("b").display()));
    holds(&told, &["warning: ", "broken/config.ron is damaged: line 2", "used instead", "put the file back"]);
    let again: Value = serde_json::from_slice(&fs::read(dir.path().join("b/evaluation_val.json")).unwrap()).unwrap();
    assert_eq!(again["confusion"], whole["confusion"], "read as the checkpoint says");
    holds(&warned(&format!("explain {run} {data} --num-samples 1")), &["config.ron is damaged: line 2"]);
    fails(2, &format!("train {data} --resume {run}"), &["config.ron", "line 2"]);

    // Without a checkpoint nothing stands in.
    fs::remove_dir_all(dir.path().join("broken/checkpoints")).unwrap();
    fails(1, &format!("evaluate {run} {data} --split val"), &["config.ron is damaged: line 2"]);
}

#[test]
fn damaged_tables_results_and_a_lost_checkpoint_are_told() {
    let (dir, data) = (tempfile::tempdir().unwrap(), fixture().data());
    let (run, other) = (copied(dir.path(), "one"), copied(dir.path(), "two"));
    for run in [&run, &other] {
        let _ = fs::remove_dir_all(run.join("results"));
        ok(&format!("evaluate {} {data} --split val", run.display()));
    }
    let results = run.join("results/best_accuracy");
    let kept = fs::read_to_string(results.join("predictions_val.json")).unwrap();
    fs::write(results.join("predictions_val.json"), &kept[..kept.len() / 2]).unwrap();
    let table = run.join("training_metrics.csv");
    let rows = fs::read_to_string(&table).unwrap();
    let (header, row) = rows.split_once('\n').unwrap();
    fs::write(&table, format!("{header}\n{}", row.replacen(',', ",oops,", 1))).unwrap();
    fs::remove_dir_all(run.join("checkpoints/last")).unwrap();
    let (first, second) = (run.display(), other.display());

    let told = warned(&format!("compare {first} {second} {data} --split val"));
    holds(
        &told,
        &["one/results/best_accuracy/predictions_val.json is damaged", "at line ", "evaluate the checkpoint again"],
    );
    let said = ok(&format!("compare {first} {second}"));
    holds(
        &said,
        &["one/training_metrics.csv is damaged: line 2", "one/checkpoints/last is missing", "'best_accuracy' is used"],
    );
    let html = dir.path().join("report.html");
    ok(&format!("report {first} {data} --split val --errors 0 --out {}", html.display()));
    holds(&fs::read_to_string(&html).unwrap(), &["training_metrics.csv is damaged", "checkpoints/last is missing"]);
    let told = warned(&format!("explain {first} {data} --num-samples 1"));
    holds(&told, &["training_metrics.csv is damaged: line 2", "checkpoints/last is missing"]);
    let told = warned(&format!("plot {first} --out {}", dir.path().join("plots").display()));
    holds(&told, &["the epochs that its checkpoints remember are shown instead"]);
    assert!(dir.path().join("plots/loss.png").is_file(), "drawn from the checkpoint");
    // What training would go on from is lost: nothing is trained over the others.
    let words = ["has no checkpoint 'last'", "best_accuracy", "copy one of them"];
    fails(1, &format!("train {data} --resume {first}"), &words);

    // An evaluation that cannot be read is replaced, and that is told.
    let file = other.join("results/best_accuracy/evaluation_val.json");
    fs::write(&file, "{\n  \"run\": ,").unwrap();
    let told = warned(&format!("evaluate {second} {data} --split val"));
    holds(&told, &["evaluation_val.json is damaged", "line 2", "it is replaced now"]);
    assert!(serde_json::from_slice::<Value>(&fs::read(&file).unwrap()).is_ok());
}

#[test]
fn a_folder_that_is_no_run_says_what_it_is() {
    let (dir, data) = (tempfile::tempdir().unwrap(), fixture().data());
    let run = copied(dir.path(), "runs/a");
    let all = dir.path().join("runs").display().to_string();
    fails(1, &format!("evaluate {all} {data}"), &["is a folder of runs (a)"]);
    fails(1, &format!("inspect {all}"), &["it is a folder of runs (a)"]);
    fails(1, &format!("inspect {}", run.display()), &["it is a run folder"]);
    fails(1, &format!("evaluate {} {data}", dir.path().display()), &["the folder of an experiment", "(a)"]);
    fs::create_dir_all(run.join("results")).unwrap();
    fails(1, &format!("evaluate {}/results {data}", run.display()), &["a part of the run folder"]);
    fails(1, &format!("evaluate {} {data}", fixture().video()), &["is a file and no run folder"]);
    fs::remove_file(run.join("config.ron")).unwrap();
    fails(1, &format!("evaluate {} {data}", run.display()), &["lost its config.ron", "from a copy"]);
}

#[test]
fn a_folder_in_use_is_refused_with_its_holder_and_what_was_left_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let data = fixture().data();
    let run = copied(dir.path(), "held");
    let lock = run.join(".lock");
    fs::write(&lock, "process 4242 on elsewhere").unwrap();
    let held = fs::OpenOptions::new().write(true).open(&lock).unwrap();
    held.lock().unwrap();
    let resume = format!("train {data} --resume {} --set training.epochs=2", run.display());
    fails(1, &resume, &["is in use by process 4242 on elsewhere", "wait for it"]);
    drop(held);
    let told = warned(&resume);
    holds(&told, &["process 4242 on elsewhere", "ended without giving it back", "taken over"]);

    // The same of a plan of many trainings.
    let plan = dir.path().join("plan.ron");
    fs::write(&plan, format!("(data: \"{data}\", preset: \"demo\", set: [\"model.id=classical-looks-knn\"])")).unwrap();
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    fs::write(out.join(".lock"), "process 7 on host").unwrap();
    let held = fs::OpenOptions::new().write(true).open(out.join(".lock")).unwrap();
    held.lock().unwrap();
    let words = format!("experiment {} --out {}", plan.display(), out.display());
    fails(1, &words, &["out is in use by process 7 on host"]);
    assert!(!out.join("runs").exists(), "it trained all the same");
}
