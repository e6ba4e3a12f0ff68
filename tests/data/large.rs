//! Datasets opened from their lists alone: what is not known is said, and looking into a video tells what opening would.

use crate::support::datasets::{temp, video, warns, write};
use kinolens::config::{DataConfig, RunConfig};
use kinolens::data::{
    DataError, LARGE, Part, instance_list, look_into, look_into_all, open_above, open_with_cache, plan, require_known,
};
use kinolens::domain::{Dataset, Reason, Split, VideoEntry};
use kinolens::progress::{Flow, Monitor, Progress, Silent};
use std::path::Path;
use std::sync::Arc;

/// Something-Something V2 in miniature: six training videos, one of them damaged and one of them a copy of a validation
/// video, two for validation, two of an unlabelled test.
fn something(r: &Path) {
    for (split, ids) in [("train", 11..16), ("validation", 21..23), ("test", 31..33)] {
        for id in ids {
            video(r.join(split).join(id.to_string()), id - 5);
        }
    }
    // One recording in two splits: that of validation/22.
    video(r.join("train/16"), 17);
    write(r.join("train/15/00000.png"), "no picture");
    for frame in 1..10 {
        std::fs::remove_file(r.join(format!("train/15/{frame:05}.png"))).unwrap();
    }
    write(
        r.join("labels.json"),
        r#"{"Holding something": "0", "Tipping something over": "1", "Eating something": "2"}"#,
    );
    let record = |id: u32, name: &str| format!("{{\"id\": \"{id}\", \"template\": \"{name}\"}}");
    let train: Vec<String> = (11..17)
        .map(|id| record(id, if id % 2 == 0 { "Holding [something]" } else { " Tipping [something] over" }))
        .chain([record(99, "Holding [something]")])
        .collect();
    write(r.join("train.json"), &format!("[{}]", train.join(",\n")));
    let validation = [record(21, "Holding [something]"), record(22, "Tipping [something] over")];
    write(r.join("validation.json"), &format!("[{}]", validation.join(",\n")));
    write(r.join("test.json"), "[{\"id\": \"31\"},\n{\"id\": \"32\"}]");
}

fn opened(root: &Path, large: usize) -> Arc<Dataset> {
    Arc::new(open_above(root, &DataConfig::default(), None, large, &Silent).unwrap())
}

/// All that is known of a dataset but for its fingerprint and what is said of its size.
fn known(dataset: &Dataset) -> String {
    let mut list = serde_json::to_value(instance_list(dataset)).unwrap();
    let own =
        |w: &serde_json::Value| !w["message"].as_str().unwrap().contains("copies are searched for among equal files");
    let warnings: Vec<_> = list["warnings"].as_array().unwrap().iter().filter(|w| own(w)).cloned().collect();
    list["warnings"] = warnings.into();
    let videos: Vec<_> = dataset.videos.iter().map(video_of).collect();
    format!("{list:#}\n{videos:#?}\n{:?}\n{:?}", dataset.ledger, dataset.copies)
}

fn video_of(v: &VideoEntry) -> String {
    format!("{} {:?} {:?} {:?} {:?} {:?}", v.name, v.split, v.labels, v.instances, v.facts, v.unread)
}

#[test]
fn a_large_dataset_is_opened_from_its_lists_and_says_what_it_does_not_know() {
    let root = temp();
    something(root.path());
    let data = opened(root.path(), 9);
    let names: Vec<&str> = data.videos.iter().map(|v| v.name.as_str()).collect();
    let listed = [
        "test/31",
        "test/32",
        "train/11",
        "train/12",
        "train/13",
        "train/14",
        "train/15",
        "train/16",
        "validation/21",
        "validation/22",
    ];
    assert_eq!(names, listed);
    assert!(data.videos.iter().all(|v| v.is_pending() && !v.is_unreadable() && v.facts.is_none() && v.frames() == 0));
    assert_eq!(data.pending(), 10);
    let of = |name: &str| data.videos.iter().find(|v| v.name == name).unwrap();
    let holding = data.classes.by_name("Holding something").unwrap();
    assert_eq!((of("train/12").classes(), of("train/12").split), (vec![holding], Split::Train));
    assert!(of("train/12").is_labelled() && !of("test/31").is_labelled());
    assert!(warns(&data, "", &["10 of 10 videos are not looked into yet"]), "{:#?}", data.warnings);
    // Nothing is told of what nobody knows.
    for words in ["no labelled frame", "frames a second", "cannot", "same file", "not be opened"] {
        assert!(!data.warnings.iter().any(|w| w.message.contains(words)), "{words}: {:#?}", data.warnings);
    }
    let reasons: Vec<Reason> = data.ledger.ignored.iter().map(|e| e.reason).collect();
    assert_eq!(reasons, [Reason::MissingVideo], "what the lists alone tell is told");
    // Clips of videos that nobody looked into are not left out without a word.
    let config = RunConfig { data: DataConfig::default(), ..RunConfig::default() };
    assert!(matches!(plan(&data, &config), Err(DataError::Pending { count: 8, .. })));
    assert!(require_known(&data, |i| data.videos[i].split == Split::Test).is_ok(), "the test has no labels");
    // One video fewer than that many are looked into at once.
    assert_eq!((opened(root.path(), 10).pending(), LARGE), (0, 20_000));
}

#[test]
fn looking_into_videos_tells_what_opening_all_would() {
    let root = temp();
    something(root.path());
    let full = opened(root.path(), usize::MAX);
    let reasons: Vec<Reason> = full.ledger.ignored.iter().map(|e| e.reason).collect();
    assert_eq!(reasons, [Reason::Unreadable, Reason::MissingVideo]);
    assert_eq!(full.copies.iter().map(|c| c.videos.clone()).collect::<Vec<_>>(), [[7, 9]], "of equal files");
    let pending = opened(root.path(), 3);

    // A part: two videos are known as they would be, the others are not.
    let part = look_into(&pending, &[2, 6], &Silent).unwrap();
    assert_eq!(part.pending(), 8);
    for (i, video) in part.videos.iter().enumerate() {
        match [2, 6].contains(&i) {
            true => assert_eq!(video_of(video), video_of(&full.videos[i])),
            false => assert!(video.is_pending()),
        }
    }
    assert!(part.videos[6].is_unreadable());
    assert!(warns(&part, "", &["8 of 10 videos are not looked into yet"]) && warns(&part, "15", &["left out"]));
    // All, one after the other, in several orders.
    let mut bit_by_bit = part.clone();
    for i in [9, 0, 1, 8, 3, 4, 5, 7] {
        bit_by_bit = look_into(&bit_by_bit, &[i], &Silent).unwrap();
    }
    let at_once = look_into_all(&pending, &Silent).unwrap();
    for data in [&bit_by_bit, &at_once] {
        assert_eq!(known(data), known(&full));
        assert!(data.indexing.is_none() && warns(data, "", &["10 videos", "among equal files only"]));
    }
    assert_eq!(look_into(&at_once, &[0, 1], &Silent).unwrap().videos.len(), 10, "nothing is left to look into");
    // The dataset is the same however much is known of it.
    let prints = [&pending, &part, &bit_by_bit, &at_once].map(|d| d.fingerprint.as_str());
    assert!(prints.iter().all(|p| *p == pending.fingerprint && !p.is_empty()), "{prints:?}");
    // And another one with another label.
    let text = std::fs::read_to_string(root.path().join("validation.json")).unwrap();
    write(root.path().join("validation.json"), &text.replace("Tipping [something] over", "Eating [something]"));
    assert_ne!(opened(root.path(), 3).fingerprint, pending.fingerprint);
}

#[test]
fn parts_that_are_looked_into_apart_are_merged_once() {
    let root = temp();
    something(root.path());
    let full = opened(root.path(), usize::MAX);
    let mut data = Dataset::clone(&opened(root.path(), 3));
    let some = Part::of(&data, [6, 6, 2, 7].into_iter(), 3);
    let again = Part::of(&data, [7, 0].into_iter(), 9);
    let looked = [some, again].map(|part| part.look((0, 10), &|| false, &Silent).unwrap());
    assert_eq!(looked.each_ref().map(|l| l.len()), [3, 2]);
    looked.into_iter().for_each(|l| l.merge_into(&mut data));
    assert_eq!(data.pending(), 6);
    for i in [0, 2, 6, 7] {
        assert_eq!(video_of(&data.videos[i]), video_of(&full.videos[i]));
    }
    // A clip that was entered into the ledger twice would count twice.
    let whole = look_into_all(&Arc::new(data), &Silent).unwrap();
    assert_eq!(known(&whole), known(&full));
    // A part that nobody waits for any longer ends between two batches.
    let none = Part::of(&opened(root.path(), 3), 0..10, 10).look((0, 10), &|| true, &Silent).unwrap();
    assert_eq!(none.len(), 10, "all of them fit into one batch");
}

#[test]
fn label_files_that_count_from_one_are_recognised_whichever_video_is_asked_for() {
    for (first, told) in [(1, true), (0, false)] {
        let root = temp();
        for s in ["s01", "s02", "s03"] {
            video(root.path().join("anon").join(s), 6);
            let rows = (first..first + 6).map(|f| format!("{f},0,{}\n", if f < first + 3 { 0 } else { 1 }));
            write(root.path().join(format!("label/{s}.csv")), &rows.collect::<String>());
        }
        let full = opened(root.path(), usize::MAX);
        let pending = opened(root.path(), 1);
        assert_eq!(pending.pending(), 3);
        for data in [&full, &pending] {
            assert_eq!(warns(data, "", &["count frames from 1"]), told, "{:?}", data.warnings);
        }
        let one = look_into(&pending, &[1], &Silent).unwrap();
        assert_eq!(video_of(&one.videos[1]), video_of(&full.videos[1]));
        let runs: Vec<_> = one.videos[1].class_spans().map(|s| (s.start, s.end)).collect();
        assert_eq!(runs, [(0, 3), (3, 6)], "three frames of each class, from the first");
        assert_eq!(known(&look_into_all(&one, &Silent).unwrap()), known(&full));
    }
}

/// Asks to stop at once.
struct Stopping;

impl Monitor for Stopping {
    fn emit(&self, _: Progress) {}

    fn poll(&self) -> Flow {
        Flow::Stop
    }
}

#[test]
fn what_was_looked_into_is_remembered_and_a_changed_file_is_looked_into_again() {
    let (root, cache) = (temp(), temp());
    something(root.path());
    let open = |large: usize| {
        Arc::new(open_above(root.path(), &DataConfig::default(), Some(cache.path()), large, &Silent).unwrap())
    };
    let all: Vec<usize> = (0..10).collect();
    assert!(matches!(look_into(&open(3), &all, &Stopping), Err(DataError::Stopped)));
    let first = look_into_all(&open(3), &Silent).unwrap();
    let files = || std::fs::read_dir(cache.path().join("datasets")).unwrap().count();
    assert_eq!(files(), 1);
    // What the cache knows is taken over only where the file is as it was.
    video(root.path().join("train/11"), 9);
    let again = look_into_all(&open(3), &Silent).unwrap();
    let frames = |d: &Dataset, i: usize| d.videos[i].frames();
    assert_eq!((frames(&first, 2), frames(&again, 2)), (6, 9));
    assert_eq!((frames(&first, 3), frames(&again, 3)), (7, 7));
    // Opened whole, the same cache serves.
    let whole = open_with_cache(root.path(), &DataConfig::default(), Some(cache.path()), &Silent).unwrap();
    let lengths = |d: &Dataset| d.videos.iter().map(VideoEntry::frames).collect::<Vec<_>>();
    assert_eq!(lengths(&whole), lengths(&again));
}
