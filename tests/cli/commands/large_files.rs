//! Files that are too large to be what they are given as: refused with their size, not read into memory.

use super::{document, fails, fixture, list, ok};
use std::fs::File;
use std::path::Path;

/// Longer than any memory; on the disk it takes nothing.
fn endless(path: &Path) -> String {
    File::create(path).unwrap().set_len(2 << 40).unwrap();
    path.display().to_string()
}

#[test]
fn a_class_list_a_configuration_and_a_label_table_of_two_terabytes_are_refused_in_a_sentence() {
    let f = fixture();
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    let size = "it has 2 TiB, and at most";

    let config = endless(&at("large.ron"));
    fails(
        2,
        &format!("train {} --out {} --config {config}", f.data(), at("run").display()),
        &["large.ron", size, "16 MiB"],
    );

    let weights = f.path("run/checkpoints/last/model.safetensors");
    for name in ["classes.txt", "classes.json", "classes.ron", "classes.csv"] {
        let list = endless(&at(name));
        let words = format!("import {} --classes {list} --out {}", weights.display(), at("imported").display());
        fails(2, &words, &[name, size, "16 MiB"]);
    }

    let labels = at("data/label");
    ok(&format!("demo {} --subjects 1 --seed 5", at("data").display()));
    endless(&labels.join("s01.csv"));
    let report = document(&format!("inspect {}", at("data").display()));
    let warnings: Vec<&str> = list(&report["warnings"]).iter().filter_map(|w| w["message"].as_str()).collect();
    let told = warnings.iter().any(|w| ["s01.csv", size, "512 MiB"].iter().all(|part| w.contains(part)));
    assert!(told, "{warnings:?}");

    // A run whose files grew by a fault of the disk.
    let copied = std::process::Command::new("cp").arg("-r").arg(f.path("run")).arg(at("run")).status().unwrap();
    assert!(copied.success());
    endless(&at("run/checkpoints/last/state.ron"));
    let last = at("run/checkpoints/last");
    fails(1, &format!("evaluate {} {}", last.display(), f.data()), &["state.ron", size]);
}
