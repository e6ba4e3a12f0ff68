//! Classical baselines through the program: trained, evaluated, predicting, plotted; and what they refuse.

use super::*;

/// Trains a baseline on the small clips of all these tests, and gives its folder and what was said.
fn trained(model: &str) -> (PathBuf, Vec<Value>) {
    let f = fixture();
    let run = f.path(model);
    let small = TINY.replace("small-3d", model);
    let said = events(&ok(&format!("train {} --out {} --json {small}", f.data(), run.display())));
    (run, said)
}

#[test]
fn a_baseline_is_trained_evaluated_and_plotted_like_a_network() {
    let f = fixture();
    for model in ["classical-looks-svm", "classical-history-logistic", "classical-poses-forest"] {
        let (run, said) = trained(model);
        let kinds = kinds(&said);
        assert_eq!((kinds[0], kinds[kinds.len() - 1]), ("started", "finished"), "{kinds:?}");
        assert_eq!(kinds.iter().filter(|k| **k == "epoch").count(), 1, "{kinds:?}");
        let end = &said[said.len() - 1];
        assert_eq!((end["epochs"].as_u64(), &end["checkpoints"]), (Some(1), &serde_json::json!(["last"])));
        let run = run.display();
        let report = document(&format!("evaluate {run} {} --split train", f.data()));
        has(&report, "accuracy top3_accuracy top5_accuracy mean_class_accuracy loss per_class macro confusion clips");
        assert_eq!((report["checkpoint"].as_str(), report["epoch"].as_u64()), (Some("last"), Some(1)));
        // These are the clips it was fitted to, and it has more features than clips.
        let accuracy = report["accuracy"].as_f64().unwrap();
        assert!(accuracy > 0.9, "{model}: {accuracy}");
        assert!(report["loss"].as_f64().is_some_and(f64::is_finite), "{report}");
        assert!(!list(&document(&format!("plot {run}"))["files"]).is_empty());
    }
}

#[test]
fn a_baseline_predicts_along_a_video_and_refuses_what_needs_a_network() {
    let f = fixture();
    let (run, _) = trained("classical-motion-forest");
    let (data, run) = (f.data(), run.display());
    let report = document(&format!("predict {run} {}", f.video()));
    assert_eq!(list(&report["frames"]).len() as u64, frames_of(Path::new(&f.video())));
    for window in list(&report["windows"]) {
        let sum: f64 = list(&window["probabilities"]).iter().filter_map(Value::as_f64).sum();
        assert!((sum - 1.0).abs() < 1e-4, "{window}");
    }
    let new = f.path("of-a-baseline").display().to_string();
    fails(1, &format!("explain {run} {data} --num-samples 1 --method grad-cam"), &["classical baseline", "no layers"]);
    let seen = f.path("seen").display().to_string();
    let shown = document(&format!("explain {run} {data} --split train --num-samples 2 --out {seen}"));
    let samples = list(&shown["samples"]);
    assert_eq!(samples.len(), 2);
    for (i, sample) in samples.iter().enumerate() {
        let ids: Vec<_> = list(&sample["pictures"]).iter().filter_map(|p| p["id"].as_str()).collect();
        assert_eq!(ids, ["energy", "directions"], "{sample}");
        // The energy has the size of the clip, glyphs are four times as large.
        for (id, size) in [("energy", (24, 32)), ("directions", (96, 128))] {
            let path = f.path("seen").join(format!("sample_{i:03}_{id}.png"));
            assert_eq!(image::image_dimensions(&path).unwrap(), size, "{}", path.display());
        }
    }
    fails(2, &format!("explain {run} {data} --split train --out {seen}"), &["already holds sample_000"]);
    fails(1, &format!("export {run} --out {new}"), &["classical baseline", "no network"]);
    fails(1, &format!("train {data} --resume {run}"), &["fitted at once", "start a new run"]);
    fails(
        1,
        &format!("train {data} --out {new} --model small-3d --init-from {run} --epochs 1"),
        &["classical baseline"],
    );
    for (wrong, words) in [
        ("--model classical-motion-svn", &["did you mean 'classical-motion-svm'?"][..]),
        ("--model classical-motion-svm --freeze backbone", &["model.freeze", "leave it out"]),
        ("--model classical-motion-svm --set model.dropout=0.5", &["model.dropout"]),
    ] {
        fails(2, &format!("train {data} --out {new} {wrong}"), words);
    }
    assert!(!Path::new(&new).exists(), "something refused left a folder");
    let poses = trained("classical-poses-svm").0;
    // A video by itself has no poses beside it.
    let alone = f.path("alone.mp4");
    std::fs::copy(f.video(), &alone).unwrap();
    fails(1, &format!("predict {} {}", poses.display(), alone.display()), &["alone.mp4", "has no poses"]);
    let listed = ok("models");
    for id in kinolens::classical::Baseline::all().map(kinolens::classical::Baseline::id) {
        assert!(listed.contains(&id), "{id} is not among the models: {listed}");
    }
}
