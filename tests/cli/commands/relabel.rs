//! Label maps from the first look to the evaluation, and the frames that no clip shows.

use super::{TINY, document, fails, fixture, list, ok, ok_in};
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
    for row in &map[..2] {
        assert_eq!((&row["becomes"]["class"], &row["index"]), (&merged.as_str().into(), &0.into()), "{row}");
    }
    // The position among the classes, where the numbers of the files have gaps now.
    let at: Vec<u64> = list(&report["classes"]).iter().map(|c| c["index"].as_u64().unwrap()).collect();
    assert_eq!(at, (0..at.len() as u64).collect::<Vec<_>>());
    assert_eq!(report["classes"][1]["id"], classes[4].1);
    let index = map.iter().find(|row| row["class"] == classes[4].0.as_str()).unwrap();
    assert_eq!(index["index"], 1);
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

/// Three people of 60 frames each: 20 of walking, 10 of background, 30 of running; the last is to be tested.
fn walkers(root: &std::path::Path) -> String {
    for person in ["s1", "s2", "s3"] {
        let dir = root.join("data/anon").join(person);
        std::fs::create_dir_all(&dir).unwrap();
        for n in 0..60_u32 {
            let picture =
                image::RgbImage::from_fn(24, 18, |x, y| image::Rgb([(n * 4) as u8, (x * 9) as u8, (y * 11) as u8]));
            picture.save(dir.join(format!("{n:03}.png"))).unwrap();
        }
        let label = |n: u32| {
            if n < 20 {
                "walk"
            } else if n < 30 {
                "background"
            } else {
                "run"
            }
        };
        let rows: String = (0..60).map(|n| format!("{n},{}\n", label(n))).collect();
        std::fs::create_dir_all(root.join("data/label")).unwrap();
        std::fs::write(root.join(format!("data/label/{person}.csv")), format!("frame,class\n{rows}")).unwrap();
    }
    std::fs::write(root.join("data/split.csv"), "subject,split\ns1,train\ns2,train\ns3,test\n").unwrap();
    root.join("data").display().to_string()
}

#[test]
fn every_frame_is_in_a_clip_or_has_a_reason() {
    let root = tempfile::tempdir().unwrap();
    let (data, cache) = (walkers(root.path()), root.path().join("cache"));
    let at = |name: &str| root.path().join(name).display().to_string();
    let set = "--set clip.length=4 --set clip.train_stride=4 --set clip.eval_stride=4";
    let json = |words: &str| -> Value { serde_json::from_str(&ok_in(&cache, &format!("{words} --json"))).unwrap() };
    let report = json(&format!("inspect {data} {set} --out {}", at("frames")));
    // Windows of four: five of walking; two of background, and one of two frames of either, which counts as what is seen
    // first; seven of running.
    let wanted = serde_json::json!([{ "reason": "background", "frames": 10 }, { "reason": "no-label", "frames": 2 }]);
    let used = &report["frame_use"]["test"];
    assert_eq!((&used["frames"], &used["in_clips"], &used["in_none"]), (&60.into(), &48.into(), &wanted));
    let all: u64 = report["frame_use"].as_object().unwrap().values().map(|u| u["frames"].as_u64().unwrap()).sum();
    assert_eq!(all, 180);
    let csv = std::fs::read_to_string(root.path().join("frames/frame_use.csv")).unwrap();
    for row in ["test,1,60,all,", "test,1,48,in clips,", "test,1,10,in none,background", "test,1,2,in none,no-label"] {
        assert!(csv.lines().any(|l| l == row), "{row} is missing in {csv}");
    }
    let text = ok_in(&cache, &format!("inspect {data} {set}"));
    for words in ["in clips", "in none", "background, which is no class", "in clips without a label by the rule"] {
        assert!(text.contains(words), "{words} is missing in {text}");
    }
    // Longer than the video: its one clip repeats what is missing.
    let long = json(&format!("inspect {data} --set clip.length=64"));
    let short = &long["frame_use"]["test"]["short"];
    assert_eq!((&short["parts"], &short["clips"], &short["repeated_frames"]), (&1.into(), &1.into(), &4.into()));
    assert_eq!((&short["list"][0]["end"], &short["list"][0]["repeated"]), (&60.into(), &4.into()));
    // Evaluated: the frames of the videos of that split; the map of the run is applied there as well.
    let words =
        format!("--epochs 1 --model small-3d --device cpu --workers 1 {set} --set clip.width=24 --set clip.height=32");
    ok_in(
        &cache,
        &format!(
            "train {data} --out {} {words} --relabel walk=move --relabel run=move --set data.background_class=true",
            at("run")
        ),
    );
    let report = json(&format!("evaluate {} {data} --split test --out {}", at("run"), at("judged")));
    let used = &report["frame_use"];
    assert_eq!((&used["videos"], &used["frames"], &used["in_clips"]), (&1.into(), &60.into(), &60.into()));
    let support = |name: &str| {
        list(&report["per_class"]).iter().find(|c| c["class"] == name).and_then(|c| c["support"].as_u64()).unwrap()
    };
    assert_eq!((support("move"), support("background")), (12, 3));
    let text = ok_in(&cache, &format!("evaluate {} {data} --split test --out {}", at("run"), at("told")));
    assert!(text.contains("label map: move = run + walk"), "{text}");
    assert!(text.contains("60 frames of 1 video: 60 in clips, 0 in none"), "{text}");
    let config = std::fs::read_to_string(root.path().join("run/config.ron")).unwrap();
    assert!(config.contains("label_map") && config.contains("\"move\""), "the run keeps it");
}
