//! How a dataset is read: choices, formats, assigned columns, and the list of what was read.

use super::{command, list, ok_in};
use serde_json::Value;
use std::path::Path;

/// A dataset of two folders of frames and a table with columns of its own.
fn made(root: &Path) {
    for name in ["a", "b"] {
        let dir = root.join("data").join(name);
        std::fs::create_dir_all(&dir).unwrap();
        for n in 0..6_u32 {
            image::RgbImage::from_pixel(16, 12, image::Rgb([n as u8, 9, 9]))
                .save(dir.join(format!("{n:03}.png")))
                .unwrap();
        }
    }
    let rows = "clip;what;from;to\na;nod;0;2\na;bow;2;6\nb;nod;3;9\nb;bow;4;x\ngone;bow;1;2\n";
    std::fs::write(root.join("data/rows.csv"), rows).unwrap();
}

/// Status and standard error of a command.
fn refused(cache: &Path, words: &str) -> (Option<i32>, String) {
    let out = command(cache, words).output().unwrap();
    (out.status.code(), String::from_utf8_lossy(&out.stderr).into_owned())
}

const COLUMNS: &str = "--columns path=clip,class=what,start=from,end=to --unit frames-0";

#[test]
fn inspect_lists_every_row_of_an_assigned_table() {
    let root = tempfile::tempdir().unwrap();
    made(root.path());
    let cache = root.path().join("cache");
    let data = root.path().join("data").display().to_string();
    let words = format!("inspect {data} --table rows.csv {COLUMNS}");
    let text = ok_in(&cache, &format!("{words} --instances --json"));
    let said: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((said["format"].as_str(), said["task"].as_str()), (Some("table"), Some("single-label")));
    assert_eq!(
        (said["choices"]["table"].as_str(), said["choices"]["unit"].as_str()),
        (Some("rows.csv"), Some("frames"))
    );
    let parts: Vec<String> = list(&said["instances"])
        .iter()
        .map(|i| format!("{} {}..{} {} {}", i["video"], i["start_frame"], i["end_frame"], i["classes"], i["line"]))
        .collect();
    assert_eq!(parts, ["\"a\" 0..2 [1] 2", "\"a\" 2..6 [0] 3", "\"b\" 3..6 [1] 4"]);
    let ledger = &said["ledger"];
    assert_eq!((&ledger["rows"], &ledger["used"]), (&5.into(), &3.into()));
    let lines: Vec<_> = list(&ledger["ignored"]).iter().filter_map(|e| e["line"].as_u64()).collect();
    assert_eq!((lines, &ledger["adjusted"][0]["line"]), (vec![5, 6], &4.into()));
    // The same for people.
    let text = ok_in(&cache, &format!("{words} --instances"));
    for words in ["format table", "nod", "rows.csv line 5", "5 rows of the files: 3 used, 0 unlabelled, 2 ignored"] {
        assert!(text.contains(words), "{words} is missing in {text}");
    }
    let text = ok_in(&cache, &format!("{words} --json"));
    let said: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (&said["ledger"]["used"], &said["ledger"]["reasons"]["ignored"]["missing-video"]),
        (&3.into(), &1.into())
    );
    assert!(list(&said["choices"]).iter().any(|c| c["key"] == "unit" && c["value"] == "frames"));
}

#[test]
fn wrong_ways_of_reading_are_named() {
    let root = tempfile::tempdir().unwrap();
    made(root.path());
    let cache = root.path().join("cache");
    let data = root.path().join("data").display().to_string();
    for (code, words, said) in [
        (2, "--choose fold", &["--choose 'fold'", "KEY=VALUE"][..]),
        (2, "--format elann", &["'elann'", "did you mean 'elan'?"]),
        (2, "--table rows.csv", &["--columns"]),
        (2, "--table rows.csv --columns class=what", &["no column is assigned to path"]),
        (2, "--table rows.csv --columns path=clip --unit days", &["'days'", "frames-1"]),
        (2, "--table rows.csv --columns path=clip --format elan", &["two formats"]),
        (1, "--table rows.csv --columns path=klip", &["rows.csv", "line 1", "'klip'", "clip"]),
        (1, "--table none.csv --columns path=clip", &["none.csv"]),
        (1, "--choose fold=2", &["'fold'", "data.choices"]),
    ] {
        let (status, sentence) = refused(&cache, &format!("inspect {data} {words}"));
        assert_eq!(status, Some(code), "{words}: {sentence}");
        assert!(said.iter().all(|w| sentence.contains(w)), "{words}: {sentence}");
    }
}
