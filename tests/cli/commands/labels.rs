//! Labels in doubt.

use super::*;
use std::collections::BTreeSet;

#[test]
fn clips_that_look_like_something_else_are_listed_with_what_they_look_like() {
    let f = fixture();
    let (run, out, own) = (f.path("run"), f.path("doubts"), f.path("doubts-alone"));
    let words = format!("label-issues {} {} --split all --top 1000 --out {}", run.display(), f.data(), out.display());
    let found = document(&words);
    has(&found, "classes clips issues edges_seen edges notes issues_found edges_found files");
    ok(&format!("evaluate {} {} --split all --out {}", run.display(), f.data(), own.display()));
    // Every clip that was predicted as something else, and no other, with the probabilities of the table.
    let text = std::fs::read_to_string(own.join("predictions_all.json")).unwrap();
    let predictions: Value = serde_json::from_str(&text).unwrap();
    let clips = list(&predictions["clips"]);
    let wrong: BTreeSet<(String, u64)> = clips
        .iter()
        .filter(|c| c["truth"] != c["predicted"])
        .map(|c| (c["video"].as_str().unwrap().to_owned(), c["start"].as_u64().unwrap()))
        .collect();
    let listed: BTreeSet<(String, u64)> = list(&found["issues"])
        .iter()
        .map(|c| (c["video"].as_str().unwrap().to_owned(), c["start"].as_u64().unwrap()))
        .collect();
    assert_eq!(listed, wrong);
    assert_eq!(found["clips"].as_u64(), Some(clips.len() as u64));
    assert_eq!(found["issues_found"].as_u64(), Some(wrong.len() as u64));
    for issue in list(&found["issues"]) {
        assert!(issue["label"] != issue["suggested"] && issue["runs"] == 1 && issue["disagreement"] == 0.0, "{issue}");
    }
    let trained = list(&found["notes"]).iter().any(|n| n.as_str().unwrap().contains("learn wrong labels by heart"));
    assert!(trained, "{}", found["notes"]);
    let table = std::fs::read_to_string(out.join("label_issues.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + wrong.len());
    fails(2, &words, &["already holds", "--force"]);
    // Without the dataset: what the run was evaluated on; edges are not known then.
    let again = document(&format!("label-issues {} --split all", run.display()));
    assert_eq!(again["edges_seen"], Value::Null);
}
