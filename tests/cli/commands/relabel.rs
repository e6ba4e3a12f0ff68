//! Label maps from the first look to the evaluation, and the frames that no clip shows.

use super::{TINY, document, fails, fixture, list, ok};
use serde_json::Value;
use std::collections::HashMap;

/// Rows of each class number in the label files of the demo dataset.
fn rows() -> HashMap<i64, u64> {
    let mut rows = HashMap::new();
    for file in std::fs::read_dir(fixture().path("data/label")).unwrap().flatten() {
        for line in std::fs::read_to_string(file.path()).unwrap().lines().skip(1) {
            *rows.entry(line.rsplit(',').next().unwrap().trim().parse().unwrap()).or_default() += 1;
        }
    }
    rows
}

/// Names and numbers of the demo's classes.
fn classes() -> Vec<(String, i64)> {
    let report = document(&format!("inspect {}", fixture().data()));
    let of = |c: &Value| (c["name"].as_str().unwrap().to_owned(), c["id"].as_i64().unwrap());
    list(&report["classes"]).iter().map(of).collect()
}

/// Arguments: the second class is a part of the first, the third is left out, the fourth is background.
fn relabel(classes: &[(String, i64)]) -> String {
    let [a, b, c, d] = [0, 1, 2, 3].map(|i| format!("#{}", classes[i].1));
    let first = classes[0].0.replace(' ', "_");
    format!("--relabel {a}={first}! --relabel {b}={first}! --relabel {c}= --relabel {d}=@background")
}

#[test]
fn inspect_counts_mapped_classes_and_every_row() {
    let (f, rows, classes) = (fixture(), rows(), classes());
    let merged = format!("{}!", classes[0].0.replace(' ', "_"));
    let report = document(&format!("inspect {} {}", f.data(), relabel(&classes)));
    let counted: HashMap<&str, u64> =
        list(&report["classes"]).iter().map(|c| (c["name"].as_str().unwrap(), c["frames"].as_u64().unwrap())).collect();
    let of = |i: usize| rows.get(&classes[i].1).copied().unwrap_or(0);
    assert_eq!(counted.len(), classes.len() - 3);
    assert_eq!(counted[merged.as_str()], of(0) + of(1));
    for (i, (name, _)) in classes.iter().enumerate().skip(4) {
        assert_eq!(counted[name.as_str()], of(i), "{name}");
    }
    let ledger = &report["ledger"];
    let all: u64 = rows.values().sum();
    assert_eq!((ledger["rows"].as_u64(), ledger["ignored"].as_u64()), (Some(all), Some(of(2))));
    assert_eq!(ledger["reasons"]["ignored"]["left-out"].as_u64().unwrap_or(0), of(2));
    assert_eq!(ledger["used"].as_u64(), Some(all - of(2)));
    let map = list(&report["label_map"]);
    assert_eq!(map.len(), classes.len());
    assert_eq!((&map[0]["becomes"], &map[1]["becomes"]), (&0.into(), &0.into()));
    assert_eq!((&map[2]["becomes"], &map[3]["becomes"]), (&"left-out".into(), &"background".into()));
    let text = ok(&format!("inspect {} {}", f.data(), relabel(&classes)));
    assert!(text.contains(&format!("label map: {merged} = {}", classes[0].0)), "{text}");
    // Numbers of the source of a merged class.
    let listed = document(&format!("inspect {} --instances {}", f.data(), relabel(&classes)));
    assert_eq!(listed["classes"][0]["source"], format!("{} + {}", classes[0].1, classes[1].1));
}

#[test]
fn maps_that_cannot_be_are_refused() {
    let data = fixture().data();
    let name = &classes()[0].0;
    fails(2, &format!("inspect {data} --relabel nothing"), &["--relabel 'nothing'", "CLASS=NAME"]);
    fails(1, &format!("inspect {data} --relabel {}x=a", name.replace(' ', "_")), &["the label map names the class"]);
    let all: String = classes().iter().map(|(_, id)| format!(" --relabel #{id}=")).collect();
    fails(1, &format!("inspect {data}{all}"), &["leaves no class"]);
    fails(1, &format!("inspect {data} --class-order nobody"), &["order of classes names 'nobody'"]);
}

#[test]
fn a_run_of_mapped_classes_evaluates_the_mapped_truth_by_itself() {
    let (f, classes) = (fixture(), classes());
    let run = f.path("mapped run").display().to_string().replace("mapped run", "mapped_run");
    let map = relabel(&classes);
    ok(&format!("train {} --out {run} --epochs 1 {TINY} {map}", f.data()));
    let by_itself =
        document(&format!("evaluate {run} {} --split all --out {}", f.data(), f.path("by_itself").display()));
    let said = document(&format!("evaluate {run} {} --split all {map} --out {}", f.data(), f.path("said").display()));
    let merged = format!("{}!", classes[0].0.replace(' ', "_"));
    let names: Vec<&str> = list(&by_itself["classes"]["classes"]).iter().filter_map(|c| c["name"].as_str()).collect();
    assert_eq!((names[0], names.len()), (merged.as_str(), classes.len() - 3));
    // Read without the map or with it: the same clips, truths and scores.
    for key in ["clips", "accuracy", "loss", "per_class", "confusion", "label_map", "frames"] {
        assert_eq!(by_itself[key], said[key], "{key}");
    }
    assert_eq!(list(&by_itself["label_map"]).len(), 4);
    for warned in [&by_itself, &said] {
        let warnings = warned["warnings"].to_string();
        assert!(!warnings.contains("changed since") && !warnings.contains("another label map"), "{warnings}");
    }
    // The truth by hand: clips of all classes under the plain labels, the merged ones together.
    let plain = document(&format!("evaluate {} {} --split all --out {}", f.run(), f.data(), f.path("plain").display()));
    let support = |report: &Value, name: &str| {
        let row = list(&report["per_class"]).iter().find(|c| c["class"] == name).cloned().unwrap();
        row["support"].as_u64().unwrap()
    };
    for (name, _) in classes.iter().skip(4) {
        assert_eq!(support(&by_itself, name), support(&plain, name), "{name}");
    }
    let apart = support(&plain, &classes[0].0) + support(&plain, &classes[1].0);
    assert!(support(&by_itself, &merged) >= apart, "windows across the two classes are of one now");
    let text = ok(&format!("evaluate {run} {} --split test --force --out {}", f.data(), f.path("text").display()));
    assert!(text.contains(&format!("label map: {merged} = ")) && text.contains(" in clips, "), "{text}");
    // The run that was not trained so says that it was not.
    let other =
        document(&format!("evaluate {} {} --split all {map} --out {}", f.run(), f.data(), f.path("other").display()));
    assert!(other["warnings"].to_string().contains("not the one the run was trained with"), "{}", other["warnings"]);
    // And the report tells.
    let html = f.path("mapped.html").display().to_string();
    ok(&format!("report {run} {} --out {html} --errors 0", f.data()));
    let page = std::fs::read_to_string(&html).unwrap();
    assert!(page.contains("Label maps") && page.contains(&format!("{merged} = ")), "no label map in the report");
}

#[test]
fn every_frame_is_in_a_clip_or_has_a_reason() {
    let f = fixture();
    let data = f.data();
    let set = "--set clip.length=16 --set clip.step=2 --set clip.train_stride=40 --set clip.eval_stride=64";
    let report = document(&format!("inspect {data} {set} --out {}", f.path("frames").display()));
    let frames: u64 = list(&report["video_properties"]).iter().map(|v| v["frames"].as_u64().unwrap()).sum();
    let uses = report["frame_use"].as_object().unwrap();
    let mut all = 0;
    for (part, used) in uses {
        let none: u64 = list(&used["in_none"]).iter().map(|u| u["frames"].as_u64().unwrap()).sum();
        assert_eq!(used["frames"].as_u64().unwrap(), used["in_clips"].as_u64().unwrap() + none, "{part}");
        // A clip shows 16 frames and clips lie apart: no frame is in two.
        assert_eq!(used["in_clips"].as_u64().unwrap() % 16, 0, "{part}");
        all += used["frames"].as_u64().unwrap();
    }
    assert_eq!(all, frames);
    let clips = report["splits"]["test"]["clips"].as_u64().unwrap();
    assert_eq!(uses["test"]["in_clips"].as_u64().unwrap(), 16 * clips);
    let csv = std::fs::read_to_string(f.path("frames/frame_use.csv")).unwrap();
    assert!(csv.lines().any(|l| l == format!("test,1,{},in clips,", 16 * clips)), "{csv}");
    let text = ok(&format!("inspect {data} {set}"));
    for words in ["in clips", "in none", "background, which is no class", "between the frames that a clip takes"] {
        assert!(text.contains(words), "{words} is missing in {text}");
    }
    // Evaluated: the frames of the videos of that split.
    let report = document(&format!("evaluate {} {data} --split test --out {}", f.run(), f.path("used").display()));
    let used = &report["frame_use"];
    let none: u64 = list(&used["in_none"]).iter().map(|u| u["frames"].as_u64().unwrap()).sum();
    assert_eq!((used["videos"].as_u64(), used["short"]["parts"].as_u64()), (Some(1), Some(0)));
    let split = document(&format!("inspect {data}"))["splits"]["test"]["frames"].as_u64().unwrap();
    assert_eq!(used["in_clips"].as_u64().unwrap() + none, split);
}
