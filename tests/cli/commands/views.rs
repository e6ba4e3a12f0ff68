//! Views and augmentation as scripts see them: one view explained as it was evaluated, predictions of networks that were
//! taught on whole instances, and what `--debug` writes.

use super::{TINY, document, fails, fixture, list, ok};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::OnceLock;

/// A run whose clips are 4 frames spread over an instance, evaluated in two clips of two crops of pictures of 32x44.
fn spread() -> &'static PathBuf {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let f = fixture();
        let out = f.path("spread");
        let clip = "--set clip.sampling=Even --set clip.clips=2 --set clip.crops=2 --set clip.resize=32";
        let size = "--set clip.width=32 --set clip.height=32 --set data.fraction=1.0";
        ok(&format!("train {} --out {} --epochs 1 {TINY} {clip} {size}", f.data(), out.display()));
        out
    })
}

#[test]
fn a_view_is_explained_as_it_was_evaluated() {
    let (f, run) = (fixture(), spread().display());
    let out = f.path("spread results");
    let out = out.display().to_string().replace(' ', "_");
    ok(&format!("evaluate {run} {} --split test --out {out}", f.data()));
    let text = std::fs::read_to_string(format!("{out}/predictions_test.json")).unwrap();
    let predictions: Value = serde_json::from_str(&text).unwrap();
    let clip = &list(&predictions["clips"])[0];
    assert_eq!(list(&clip["views"]).len(), 4);
    let (video, start) = (clip["video"].as_str().unwrap(), clip["start"].as_u64().unwrap());
    let end = clip["cut"]["end"].as_u64().unwrap();
    for view in 0..4_usize {
        let report = document(&format!("explain {run} {} --clip {video}:{start} --view {view}", f.data()));
        let sample = &report["samples"][0];
        let said = list(&clip["views"][view]["probabilities"]);
        for (a, b) in list(&sample["probabilities"]).iter().zip(said) {
            assert!((a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-4, "view {view}: {sample} and {said:?}");
        }
        // Both clips together take eight frames spread over the instance, in turns; rounded half to even.
        let frame = |i: u64| start + ((i * (end - 1 - start)) as f64 / 7.0).round_ties_even() as u64;
        let expected: Vec<u64> = (0..4).map(|i| frame(2 * i + view as u64 / 2)).collect();
        let frames: Vec<u64> = list(&sample["frames"]).iter().filter_map(Value::as_u64).collect();
        assert_eq!(frames, expected, "view {view}");
        // Crops lie along the longer side of 32x44: at its beginning and at its end.
        let region: Vec<f64> = list(&sample["maps"][0]["region"]).iter().filter_map(Value::as_f64).collect();
        let top = if view % 2 == 0 { 0.0 } else { 12.0 / 44.0 };
        for (found, wanted) in region.iter().zip([0.0, top, 1.0, 32.0 / 44.0]) {
            assert!((found - wanted).abs() < 1e-6, "view {view}: {region:?}");
        }
        assert_eq!(sample["view"]["index"], view as u64);
        let name = format!("clip {} of 2, crop {} of 2", view / 2 + 1, view % 2 + 1);
        assert_eq!(sample["view"]["name"], name.as_str());
        let told = ok(&format!("explain {run} {} --clip {video}:{start} --view {view}", f.data()));
        assert!(told.contains(&format!("({name})")), "{told}");
    }
    // A frame inside the instance names it too; random clips are seen in the view as well.
    let inside = document(&format!("explain {run} {} --clip {video}:{} --view 1", f.data(), start + 1));
    assert_eq!(inside["samples"][0]["start"], start);
    let random = document(&format!("explain {run} {} --num-samples 2 --view 3", f.data()));
    assert!(list(&random["samples"]).iter().all(|s| s["view"]["name"] == "clip 2 of 2, crop 2 of 2"), "{random}");
    fails(2, &format!("explain {run} {} --view 4", f.data()), &["no view 4", "4 views, 0 to 3"]);
    fails(2, &format!("explain {} {} --view 1", f.run(), f.data()), &["no view 1", "one view"]);
}

#[test]
fn predictions_of_a_network_taught_on_whole_instances_are_doubted() {
    let (f, run) = (fixture(), spread().display());
    let told = document(&format!("predict {run} {}", f.video()));
    let warnings = list(&told["warnings"]);
    let sentence = warnings[0].as_str().unwrap();
    for word in ["clip.sampling = Even", "4 consecutive frames", "never taught"] {
        assert!(sentence.contains(word), "{sentence}");
    }
    let out = super::command(&f.path("cache"), &format!("predict {run} {}", f.video())).output().unwrap();
    let said = String::from_utf8_lossy(&out.stderr).into_owned();
    assert!(said.contains(&format!("warning: {sentence}")), "{said}");
    assert!(list(&document(&format!("predict {} {}", f.run(), f.video()))["warnings"]).is_empty());
}

#[test]
fn debug_trains_on_little_and_shows_what_every_epoch_draws() {
    let f = fixture();
    let out = f.path("debugged");
    let tiny = TINY.replace("clip.train_stride=12", "clip.train_stride=2").replace("--workers 1", "--workers 2");
    ok(&format!("train {} --out {} --epochs 2 --debug {tiny}", f.data(), out.display()));
    let config = std::fs::read_to_string(out.join("config.ron")).unwrap();
    assert!(config.contains("fraction: 0.05") && config.contains("workers: 1"), "{config}");
    let mut draws: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut files = BTreeSet::new();
    for entry in std::fs::read_dir(out.join("debug")).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        files.insert(name.clone());
        if let Some((clip, epoch)) = name.strip_suffix(".json").and_then(|stem| stem.rsplit_once("_epoch")) {
            let told: Value = serde_json::from_str(&std::fs::read_to_string(entry.path()).unwrap()).unwrap();
            assert_eq!((told["epoch"].to_string().as_str(), told["seed"].as_u64()), (epoch, Some(3)));
            draws.entry(clip.to_owned()).or_default().insert(told["draw"].to_string());
        }
    }
    assert!(!draws.is_empty() && draws.values().all(|d| d.len() == 2), "a new draw each epoch: {draws:?}");
    assert_eq!(files.len(), draws.len() * 2 * 3, "{files:?}");
    for clip in draws.keys() {
        for epoch in [1, 2] {
            for side in ["before", "after"] {
                let film = out.join("debug").join(format!("{clip}_epoch{epoch}_{side}.mp4"));
                assert_eq!(super::frames_of(&film), 4, "{}", film.display());
            }
        }
    }
}
