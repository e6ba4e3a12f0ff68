//! Reports from outside.

use super::*;

#[test]
fn a_report_is_one_file_that_needs_nothing_else() {
    let f = fixture();
    let runs = ["reported-a", "reported-b"].map(|name| f.path(name));
    for run in &runs {
        let copied = std::process::Command::new("cp").args(["-r"]).args([f.path("run"), run.clone()]).status().unwrap();
        assert!(copied.success());
    }
    let [a, b] = runs.map(|r| r.display().to_string());
    let out = f.path("report/of/two.html");
    ok(&format!("motion-test {a} {} --split all --clips 6", f.data()));
    let words = format!("report {a} {b} {} --split all --errors 2 --out {}", f.data(), out.display());
    let said = document(&words);
    has(&said, "report files comparison");
    let text = std::fs::read_to_string(&out).unwrap();
    for part in [
        "<!DOCTYPE html>",
        "Findings",
        "Data and splits",
        "Configuration",
        "Curves",
        "Results",
        "Classes",
        "Confusion matrices",
        "Errors worth looking at",
        "Motion test",
        "how to reproduce",
        "<svg",
        "</html>",
        "kinolens train",
        "reported-b has no motion test",
    ] {
        assert!(text.contains(part), "'{part}' is missing");
    }
    // Pictures are letters that may spell anything.
    let behind = |part: &'_ str| part.split_once('"').map_or(String::new(), |(_, rest)| rest.to_owned());
    let mut parts = text.split("base64,");
    let first = parts.next().unwrap_or_default().to_owned();
    let plain: String = std::iter::once(first).chain(parts.map(behind)).collect();
    for outside in ["<script", "src=\"http", "href=\"http", "url(", "@import", "NaN"] {
        assert!(!plain.contains(outside), "{outside}");
    }
    // An untrained network is wrong somewhere: maps stand inside the page.
    assert!(text.contains("data:image/png;base64,") && text.contains("data:image/gif;base64,"));
    let beside = f.path("report/of/two_files");
    for file in
        ["recall_per_class.svg", "recall_per_class.csv", "confusion_1.svg", "training_loss.csv", "error_1_1.png"]
    {
        assert!(beside.join(file).is_file(), "{file}");
    }
    let svg = list(&said["files"]).iter().filter_map(Value::as_str).filter(|f| f.ends_with(".svg"));
    for figure in svg {
        assert!(Path::new(figure).with_extension("csv").is_file(), "{figure} has no data beside it");
    }
    fails(2, &words, &["two.html", "--force"]);
    ok(&format!("{words} --force"));
    // One run, as it was evaluated just now.
    let alone = f.path("alone.html");
    ok(&format!("report {a} --split all --errors 1 --out {}", alone.display()));
    assert!(std::fs::read_to_string(alone).unwrap().contains("reported-a on"));
}
