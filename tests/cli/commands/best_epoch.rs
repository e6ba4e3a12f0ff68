//! Which epoch of a run is the best one: everything that names it names the same.

use super::{TINY, command, events, fixture, list, ok};
use kinolens::run_folder::Checkpoint;
use std::path::Path;

/// Epochs of `training_metrics.csv` with validation accuracy and loss.
fn measured(run: &Path) -> Vec<(u64, f64, f64)> {
    let mut reader = csv::Reader::from_path(run.join("training_metrics.csv")).unwrap();
    let headers = reader.headers().unwrap().clone();
    let column = |name: &str| headers.iter().position(|h| h == name).unwrap();
    let [epoch, accuracy, loss] = ["epoch", "val_accuracy", "val_loss"].map(column);
    let rows = reader.records().map(Result::unwrap);
    rows.map(|r| (r[epoch].parse().unwrap(), r[accuracy].parse().unwrap(), r[loss].parse().unwrap())).collect()
}

#[test]
fn epochs_of_equal_accuracy_have_one_best_and_all_name_it() {
    let f = fixture();
    let run = f.path("ties");
    // Too small a rate to change what is right, so that accuracies tie.
    let rate = "--set optimizer.learning_rate=1e-6 --set training.keep_best=1 --set training.early_stopping=None";
    let text = ok(&format!("train {} --out {} --epochs 4 --json {TINY} {rate}", f.data(), run.display()));

    let rows = measured(&run);
    let highest = rows.iter().map(|r| r.1).fold(0.0, f64::max);
    let ties: Vec<_> = rows.iter().filter(|r| r.1 == highest).collect();
    let best = ties.iter().fold(ties[0], |best, row| if row.2 < best.2 { row } else { best }).0;
    let naive = [ties[0].0, ties[ties.len() - 1].0];
    assert!(ties.len() > 1 && naive.iter().any(|n| *n != best), "nothing to decide: {rows:?}");

    let told = events(&text);
    let finished = told.last().unwrap();
    assert_eq!(finished["best_epoch"].as_u64(), Some(best), "{rows:?}");
    assert!((finished["best_val_accuracy"].as_f64().unwrap() - highest).abs() < 1e-6);
    let written = told.iter().rev().find(|e| e["event"] == "checkpoint" && e["name"] == "best_accuracy").unwrap();
    assert_eq!(written["epoch"].as_u64(), Some(best));
    assert_eq!(u64::from(Checkpoint::open(&run.join("checkpoints/best_accuracy")).unwrap().state.epoch), best);
    let kept: Vec<&str> =
        list(&finished["checkpoints"]).iter().filter_map(|c| c.as_str()?.strip_prefix("best_epoch_")).collect();
    assert_eq!(kept, [format!("{best:04}")]);

    let log = std::fs::read_to_string(run.join("log.txt")).unwrap();
    let line = log.lines().rfind(|l| l.contains("best validation accuracy")).expect("the log names the best epoch");
    assert!(line.ends_with(&format!("in epoch {best}")), "{line}");
    for plot in ["loss", "accuracy"] {
        let svg = std::fs::read_to_string(run.join("plots").join(format!("{plot}.svg"))).unwrap();
        assert!(svg.lines().any(|l| l == format!("best: epoch {best}")), "{plot}: {svg}");
    }

    // The same in words, of a run that went on.
    let out = command(&f.path("cache"), &format!("train {} --resume {} --epochs 5", f.data(), run.display()))
        .output()
        .unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    let epoch = Checkpoint::open(&run.join("checkpoints/best_accuracy")).unwrap().state.epoch;
    let line = said.lines().find(|l| l.starts_with("best validation accuracy")).expect("the best epoch is said");
    assert!(line.ends_with(&format!("in epoch {epoch}")), "{line}");
}
