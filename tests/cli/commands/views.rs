//! Views and augmentation as scripts see them: one view explained as it was evaluated, predictions of networks that were
//! taught on whole instances, and what `--debug` writes.

use super::{fails_in, list, ok_in, parse};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Frames of a video.
const FRAMES: u32 = 20;

/// The smallest clips of the videos below.
const SMALL: &str = "--model small-3d --batch-size 8 --seed 3 --device cpu --epochs 1 --set clip.length=4 \
                     --set clip.width=24 --set clip.height=24";

/// Videos of a bar that moves right or left, of 40x30 pixels, and two runs: one shown frames spread over each video in two
/// clips of two crops, one shown windows.
struct Made {
    root: tempfile::TempDir,
}

impl Made {
    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn cache(&self) -> PathBuf {
        self.path("cache")
    }

    fn word(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }

    fn ok(&self, words: &str) -> String {
        ok_in(&self.cache(), words)
    }

    fn document(&self, words: &str) -> Value {
        parse(words, &self.ok(&format!("{words} --json")))
    }

    /// What a command that succeeds says beside its answer.
    fn said(&self, words: &str) -> String {
        let out = super::command(&self.cache(), words).output().unwrap();
        assert_eq!(out.status.code(), Some(0), "kinolens {words}");
        String::from_utf8_lossy(&out.stderr).into_owned()
    }
}

fn bars(root: &Path) {
    for (class, right) in [("right", true), ("left", false)] {
        for person in 1..=6_u32 {
            let dir = root.join(class).join(format!("person{person:02}_{class}"));
            std::fs::create_dir_all(&dir).unwrap();
            for t in 0..FRAMES {
                let at = if right { 2 * t } else { 2 * (FRAMES - t) } + person;
                let picture = image::RgbImage::from_fn(40, 30, |x, y| {
                    let v = if (x + 40 - at % 40) % 40 < 6 { 230 } else { 20 + (y * person) as u8 % 40 };
                    image::Rgb([v, v / 2, 255 - v])
                });
                picture.save(dir.join(format!("{t:04}.png"))).unwrap();
            }
        }
    }
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = Made { root: tempfile::tempdir().unwrap() };
        bars(&made.path("data"));
        let clip = "--set clip.sampling=Even --set clip.clips=2 --set clip.crops=2 --set clip.resize=24";
        made.ok(&format!("train {} --out {} {SMALL} {clip}", made.word("data"), made.word("spread")));
        made.ok(&format!("train {} --out {} {SMALL}", made.word("data"), made.word("windows")));
        made
    })
}

#[test]
fn a_view_is_explained_as_it_was_evaluated() {
    let f = made();
    let (run, data, out) = (f.word("spread"), f.word("data"), f.word("results"));
    f.ok(&format!("evaluate {run} {data} --split test --out {out}"));
    let text = std::fs::read_to_string(format!("{out}/predictions_test.json")).unwrap();
    let predictions: Value = serde_json::from_str(&text).unwrap();
    let clip = &list(&predictions["clips"])[0];
    assert_eq!(list(&clip["views"]).len(), 4);
    let (video, start) = (clip["video"].as_str().unwrap(), clip["start"].as_u64().unwrap());
    assert_eq!((start, clip["cut"]["end"].as_u64().map(|end| end.min(20))), (0, Some(20)));
    for view in 0..4_usize {
        let report = f.document(&format!("explain {run} {data} --clip {video}:{start} --view {view}"));
        let sample = &report["samples"][0];
        let said = list(&clip["views"][view]["probabilities"]);
        for (a, b) in list(&sample["probabilities"]).iter().zip(said) {
            assert!((a.as_f64().unwrap() - b.as_f64().unwrap()).abs() < 1e-4, "view {view}: {sample} and {said:?}");
        }
        // Both clips together take eight of 20 frames, 19 i / 7 rounded, in turns.
        let frames: Vec<u64> = list(&sample["frames"]).iter().filter_map(Value::as_u64).collect();
        assert_eq!(frames, if view < 2 { [0, 5, 11, 16] } else { [3, 8, 14, 19] }, "view {view}");
        // Of pictures of 32x24 the crops of 24x24 touch the left and the right edge.
        let left = if view % 2 == 0 { 0.0 } else { 0.25 };
        assert_eq!(sample["maps"][0]["region"], serde_json::json!([left, 0.0, 0.75, 1.0]), "view {view}");
        assert_eq!(sample["view"]["index"], view as u64);
        let name = format!("clip {} of 2, crop {} of 2", view / 2 + 1, view % 2 + 1);
        assert_eq!(sample["view"]["name"], name.as_str());
        let told = f.ok(&format!("explain {run} {data} --clip {video}:{start} --view {view}"));
        assert!(told.contains(&format!("({name})")), "{told}");
    }
    // A frame inside the instance names it too; random clips are seen in the view as well.
    let inside = f.document(&format!("explain {run} {data} --clip {video}:7 --view 1"));
    assert_eq!(inside["samples"][0]["start"], start);
    let random = f.document(&format!("explain {run} {data} --num-samples 2 --view 3"));
    assert!(list(&random["samples"]).iter().all(|s| s["view"]["name"] == "clip 2 of 2, crop 2 of 2"), "{random}");
    let refused = |words: &str, sentence: &[&str]| fails_in(&f.cache(), 2, words, sentence);
    refused(&format!("explain {run} {data} --view 4"), &["no view 4", "4 views, 0 to 3"]);
    refused(&format!("explain {} {data} --view 1", f.word("windows")), &["no view 1", "one view"]);
}

#[test]
fn predictions_of_a_network_taught_on_whole_instances_are_doubted() {
    let f = made();
    let (run, video) = (f.word("spread"), f.word("data/right/person01_right"));
    let told = f.document(&format!("predict {run} {video}"));
    let sentence = told["warnings"][0].as_str().unwrap();
    for word in ["clip.sampling = Even", "4 consecutive frames", "never taught"] {
        assert!(sentence.contains(word), "{sentence}");
    }
    let said = f.said(&format!("predict {run} {video}"));
    assert!(said.contains(&format!("warning: {sentence}")), "{said}");
    let windows = f.word("windows");
    assert_eq!(f.document(&format!("predict {windows} {video}"))["warnings"], serde_json::json!([]));
    assert!(!f.said(&format!("predict {windows} {video}")).contains("warning"));
}

#[test]
fn debug_trains_on_little_and_shows_what_every_epoch_draws() {
    let f = made();
    let out = f.path("debugged");
    let more = SMALL.replace("--epochs 1", "--epochs 2");
    let stride = "--workers 2 --set clip.train_stride=1";
    f.ok(&format!("train {} --out {} --debug {more} {stride}", f.word("data"), out.display()));
    let config = std::fs::read_to_string(out.join("config.ron")).unwrap();
    assert!(config.contains("fraction: 0.05") && config.contains("workers: 2"), "{config}");
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
                assert_eq!(f.document(&format!("probe {}", film.display()))["frames"], 4, "{}", film.display());
            }
        }
    }
}
