//! Corrections of labels from the first look to the evaluation, and labels with them as files.

use super::{TINY, document, fails, fixture, list, ok};
use std::path::Path;

/// Rows of the label file of the first person: frame and class number.
fn rows(file: &Path) -> Vec<(u32, i64)> {
    let number = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        Some((cells.first()?.trim().parse().ok()?, cells.last()?.trim().parse().ok()?))
    };
    std::fs::read_to_string(file).unwrap().lines().filter_map(number).collect()
}

/// The first run of a class in a label file: number, first frame, one past the last.
fn first_run(rows: &[(u32, i64)]) -> (i64, u32, u32) {
    let (start, class) = *rows.iter().find(|(_, class)| *class >= 0).unwrap();
    let end = rows.iter().skip_while(|(n, _)| *n <= start).find(|(_, c)| *c != class).map_or(start, |(n, _)| *n);
    (class, start, end)
}

/// A file that gives the first run of the first person the class of another one; the other class's number.
fn corrections(name: &str) -> (String, i64, (u32, u32)) {
    let f = fixture();
    let report = document(&format!("inspect {} --corrections none", f.data()));
    let name_of = |id: i64| {
        let class = list(&report["classes"]).iter().find(|c| c["id"].as_i64() == Some(id)).unwrap();
        class["name"].as_str().unwrap().to_owned()
    };
    let (class, start, end) = first_run(&rows(&f.path("data/label/s01.csv")));
    let other = list(&report["classes"]).iter().filter_map(|c| c["id"].as_i64()).find(|id| *id != class).unwrap();
    let part = |id: i64| format!("Some((start: {start}, end: {end}, label: Classes([\"{}\"])))", name_of(id));
    let file = f.path(name);
    let text = format!(
        "(version: 1, videos: {{\"dataset/anon/s01.mp4\": [(original: {}, corrected: {}, note: \"seen twice\")]}})",
        part(class),
        part(other)
    );
    std::fs::write(&file, text).unwrap();
    (file.display().to_string(), other, (start, end))
}

#[test]
fn corrections_are_listed_and_labels_are_written_with_them() {
    let f = fixture();
    let (file, other, (start, end)) = corrections("listed.ron");
    let said = ok(&format!("inspect {} --corrections {file}", f.data()));
    assert!(said.contains("labels: 1 annotation corrected (1 changed, 0 added, 0 removed) by"), "{said}");
    let report = document(&format!("inspect {} --corrections {file}", f.data()));
    assert_eq!((&report["corrections"]["changed"], &report["corrections"]["file"]), (&1.into(), &file.as_str().into()));
    assert!(document(&format!("inspect {}", f.data()))["corrections"].is_null());
    let out = f.path("corrected_labels").display().to_string();
    let listed = document(&format!("corrections {} --corrections {file} --out {out}", f.data()));
    let one = &listed["corrections"]["list"][0];
    assert_eq!(
        (&one["applied"], &one["note"], &one["video"]),
        (&true.into(), &"seen twice".into(), &"dataset/anon/s01.mp4".into())
    );
    assert_eq!(list(&listed["files"]).len(), 3);
    // Only these frames are other ones.
    let (before, after) = (rows(&f.path("data/label/s01.csv")), rows(&f.path("corrected_labels/label/s01.csv")));
    let expected: Vec<_> =
        before.into_iter().map(|(n, c)| (n, if (start..end).contains(&n) { other } else { c })).collect();
    assert_eq!(after, expected);
    let text = ok(&format!("corrections {} --corrections {file}", f.data()));
    assert!(text.contains("becomes") && text.contains("(seen twice)"), "{text}");
    fails(
        2,
        &format!("corrections {} --corrections {file} --out {out}", f.data()),
        &["already holds label", "--force"],
    );
    fails(1, &format!("inspect {} --corrections {}", f.data(), f.path("none.ron").display()), &["none.ron"]);
    assert!(ok(&format!("corrections {}", f.data())).contains("no labels are corrected"));
}

#[test]
fn a_run_keeps_the_corrections_it_was_trained_with() {
    let f = fixture();
    let (file, ..) = corrections("trained.ron");
    let run = f.path("corrected_run");
    let at = run.display();
    ok(&format!("train {} --out {at} --epochs 1 {TINY} --corrections {file}", f.data()));
    let read = |name: &str| std::fs::read_to_string(run.join(name)).unwrap();
    assert!(read("corrections.ron").contains("seen twice"));
    assert!(read("environment.ron").contains("changed: 1") && read("config.ron").contains("trained.ron"));
    let out = f.path("corrected_results").display().to_string();
    let report = document(&format!("evaluate {at} {} --split all --out {out}", f.data()));
    assert_eq!(report["corrections"]["changed"], 1, "what it was trained with is taken");
    let told = ok(&format!("evaluate {at} {} --split all --out {out} --force", f.data()));
    assert!(told.contains("labels: 1 annotation corrected"), "{told}");
    let none = document(&format!("evaluate {at} {} --split all --out {out} --force --corrections none", f.data()));
    assert!(none.get("corrections").is_none() && none["dataset_fingerprint"] != report["dataset_fingerprint"]);
    // Another dataset is not corrected by them.
    assert!(!f.path("run/corrections.ron").exists());
    // Going on needs the same labels; those of the run itself are.
    fails(1, &format!("train {} --resume {at} --epochs 2 --corrections none", f.data()), &["changed since"]);
    ok(&format!("train {} --resume {at} --epochs 2 --corrections {at}/corrections.ron", f.data()));
}
