//! Runs side by side.

use super::*;

/// Two runs of the same weights, so that what comparing must find is known.
fn twins() -> [String; 2] {
    let f = fixture();
    static MADE: OnceLock<()> = OnceLock::new();
    let runs = ["twin-a", "twin-b"].map(|name| f.path(name));
    MADE.get_or_init(|| {
        for run in &runs {
            let copied = std::process::Command::new("cp").args(["-r"]).args([f.path("run"), run.clone()]).status();
            assert!(copied.unwrap().success());
            let _ = std::fs::remove_dir_all(run.join("results"));
        }
    });
    runs.map(|run| run.display().to_string())
}

#[test]
fn equal_runs_are_told_to_be_equal_and_every_table_is_written() {
    let f = fixture();
    let ([a, b], out) = (twins(), f.path("comparison"));
    let words = format!("compare {a} {b} {} --split all --time --out {}", f.data(), out.display());
    let report = document(&words);
    has(&report, "dataset split notes classes clips resampled runs settings pairs seeds table interval_note files");
    assert_eq!((list(&report["runs"]).len(), list(&report["pairs"]).len()), (2, 1));
    assert_eq!(report["resampled"]["unit"], "subjects");
    assert_eq!(list(&report["notes"]).len(), 0, "{}", report["notes"]);
    assert_eq!(list(&report["settings"]).len(), 0, "{}", report["settings"]);
    let pair = &report["pairs"][0];
    assert_eq!((pair["difference"].as_f64(), pair["p"].as_f64()), (Some(0.0), Some(1.0)));
    let lists = &pair["lists"];
    assert_eq!((list(&lists["fixed"]).len(), list(&lists["broken"]).len()), (0, 0));
    let sorted = list(&lists["both_right"]).len() + list(&lists["both_wrong"]).len();
    assert_eq!(sorted, list(&report["clips"]).len());
    // The same numbers as evaluating one of them.
    let own = f.path("compared-alone");
    let alone = document(&format!("evaluate {a} {} --split all --out {}", f.data(), own.display()));
    for key in ["accuracy", "loss", "clips", "macro", "per_class"] {
        assert_eq!(report["runs"][0]["evaluation"][key], alone[key], "{key}");
    }
    let row = &report["table"][0];
    assert!(row["parameters"].as_f64().is_some_and(|p| p > 1000.0) && row["time per clip"].as_f64().is_some(), "{row}");
    assert!(row["training time"].as_f64().is_some() && row["epochs"] == 1.0 && row["seed"] == 3.0, "{row}");
    for file in ["comparison.json", "comparison.md", "runs.csv", "runs.tex", "per_class.csv", "clips.csv"] {
        assert!(out.join(file).is_file(), "{file}");
    }
    let clips = std::fs::read_to_string(out.join("clips.csv")).unwrap();
    assert_eq!(clips.lines().count(), 1 + list(&report["clips"]).len());
    fails(2, &words, &["already holds", "--force"]);
    // Evaluated now, so that no dataset is needed any more.
    let again = document(&format!("compare {a} {b} --split all"));
    assert_eq!(again["pairs"], report["pairs"]);
    let text = ok(&format!("compare {a} {b} --split all"));
    assert!(
        text.contains("Data, split and labels are the same") && text.contains("right on exactly the clips"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let f = fixture();
    let [a, b] = twins();
    fails(2, &format!("compare {a}"), &["only one run", "two"]);
    fails(2, &format!("compare {a} {}", f.data()), &["only one run"]);
    fails(1, &format!("compare {a} {}", f.path("nowhere").display()), &["nowhere", "does not exist"]);
    fails(1, &format!("compare {a} {b} --split train"), &["not evaluated on the same split", "name a dataset"]);
}
