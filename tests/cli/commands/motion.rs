//! The motion test from outside.

use super::*;

#[test]
fn a_network_is_asked_about_altered_clips() {
    let f = fixture();
    let (run, out) = (f.path("motion-run"), f.path("motion"));
    let copied = std::process::Command::new("cp").args(["-r"]).args([f.path("run"), run.clone()]).status().unwrap();
    assert!(copied.success());
    let run = run.display();
    let words = format!("motion-test {run} {} --split all --clips 12 --out {}", f.data(), out.display());
    let report = document(&words);
    has(&report, "notes tests files");
    let test = &report["tests"][0];
    has(test, "name identity model split scores missing causes motion_classes order_classes findings resampled");
    let titles: Vec<&str> = list(&test["scores"]).iter().filter_map(|s| s["alteration"].as_str()).collect();
    assert_eq!(
        titles,
        ["as-is", "frozen", "shuffled", "reversed", "every-second", "background-only", "body-only", "mirrored"],
        "the demo dataset has masks: {}",
        test["missing"]
    );
    assert!(list(&test["scores"]).iter().all(|s| s["clips"] == 12), "{test}");
    let as_is = &test["scores"][0];
    assert_eq!((as_is["difference"].as_f64(), as_is["p"].as_f64()), (Some(0.0), Some(1.0)));
    assert!(list(&report["notes"])[0].as_str().is_some_and(|n| n.starts_with("12 of the ")), "{}", report["notes"]);
    assert!(out.join("motion_test.csv").is_file() && out.join("motion_test.tex").is_file());
    fails(2, &words, &["already holds motion_test"]);
    // All clips as they are: what an evaluation says.
    let all = document(&format!("motion-test {run} {} --split all", f.data()));
    let alone =
        document(&format!("evaluate {run} {} --split all --out {}", f.data(), f.path("motion-alone").display()));
    assert_eq!(all["tests"][0]["scores"][0]["accuracy"], alone["accuracy"]);
    fails(2, &format!("motion-test {run} {run}"), &["name the dataset"]);
}
