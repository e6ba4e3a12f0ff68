//! Lists that hold nothing or end too early, and rows that cannot be used: named, and never taken for a set without labels.

use super::overlaps::{ignored, parts};
use crate::support::datasets::{clip, open, temp, try_open, video, warns, write};
use kinolens::domain::Reason;
use std::path::Path;

/// What opening is refused with, which must name a file and every word.
fn refused(root: &Path, words: &[&str]) {
    let said = try_open(root).map(|d| format!("it opens as {}", d.format)).unwrap_err().to_string();
    for word in words {
        assert!(said.contains(word), "'{word}' is missing in: {said}");
    }
}

#[test]
fn an_empty_list_of_the_training_part_is_refused_by_its_name() {
    let root = temp();
    let r = root.path();
    clip(r.join("videos/1.mp4"), 5, 12.0);
    write(r.join("labels.json"), r#"{"Holding something": "0"}"#);
    write(r.join("validation.json"), r#"[{"id": "1", "template": "Holding [something]"}]"#);
    for nothing in ["", " \n\n"] {
        write(r.join("train.json"), nothing);
        refused(r, &["train.json", "empty"]);
    }
    let pictures = temp();
    let r = pictures.path();
    video(r.join("train"), 3);
    video(r.join("test"), 2);
    write(r.join("Training_set.csv"), "");
    write(r.join("Testing_set.csv"), "filename\n0000.png\n");
    refused(r, &["Training_set.csv", "empty"]);
    // A file that lists nothing by its name is no reason to refuse a folder of videos.
    let plain = temp();
    clip(plain.path().join("one.mp4"), 4, 25.0);
    write(plain.path().join("notes.txt"), "");
    assert_eq!(open(plain.path()).videos.len(), 1);
}

#[test]
fn a_list_of_a_header_alone_is_named_with_its_last_line() {
    let root = temp();
    let r = root.path();
    clip(r.join("P01/videos/P01_01.mp4"), 5, 50.0);
    write(
        r.join("EPIC_100_train.csv"),
        "narration_id,participant_id,video_id,start_timestamp,stop_timestamp,verb_class,noun_class\n",
    );
    write(r.join("EPIC_100_verb_classes.csv"), "id,key,category\n0,take,retrieve\n");
    refused(r, &["EPIC_100_train.csv", "line 1", "no rows"]);
}

#[test]
fn an_export_that_was_cut_short_is_refused_where_it_ends() {
    let root = temp();
    let r = root.path();
    clip(r.join("p.mp4"), 20, 25.0);
    write(
        r.join("x.json"),
        "[\n{\"id\": 1, \"data\": {\"video\": \"/data/upload/1/deadbeef-p.mp4\"},\n \"annotations\": [{\"id\": 1,",
    );
    refused(r, &["x.json", "line 3"]);
}

#[test]
fn values_that_are_no_records_are_told_by_their_own_lines() {
    let root = temp();
    let r = root.path();
    for name in ["a_00001", "a_00002"] {
        clip(r.join(format!("rgb/{name}.mp4")), 24, 25.0);
    }
    write(
        r.join("anno/Diving48_V2_train.json"),
        "[\n{\"vid_name\": \"a_00001\", \"label\": 0, \"start_frame\": 0, \"end_frame\": 24},\n7,\nnull,\n[],\n\"text\",\n\
         {\"vid_name\": \"a_00002\", \"label\": 0, \"start_frame\": 30, \"end_frame\": 40}\n]",
    );
    write(r.join("anno/Diving48_vocab.json"), r#"[["Back", "1", "No", "A"]]"#);
    let data = open(r);
    assert_eq!(parts(&data, "rgb/a_00001.mp4"), ["0..24 Back+1+No+A"]);
    let bad = |line| (line, Reason::BadNumber);
    assert_eq!(ignored(&data)[..4], [bad(3), bad(4), bad(5), bad(6)]);
    assert_eq!(ignored(&data)[4].0, 7, "past the end");
    // Of the second video no row is left: it is no part of the dataset, and listed beside it.
    assert_eq!(data.videos.len(), 1);
    let unlisted: Vec<_> = data.ledger.unlisted.iter().map(|p| p.strip_prefix(r).unwrap().to_owned()).collect();
    assert_eq!(unlisted, [Path::new("rgb/a_00002.mp4")]);
    assert_eq!(data.ledger.rows, data.ledger.used() + data.ledger.ignored.iter().map(|e| e.rows).sum::<u64>());
}

#[test]
fn names_of_classes_in_another_encoding_are_told() {
    let root = temp();
    let r = root.path();
    clip(r.join("v/one.mp4"), 5, 25.0);
    write(r.join("train_list.txt"), "v/one.mp4 0\n");
    std::fs::write(r.join("label_map.txt"), b"caf\xe9\nplain\n").unwrap();
    let data = open(r);
    assert_eq!(data.classes.name(0), "café");
    assert!(warns(&data, "label_map.txt", &["Windows-1252"]), "{:?}", data.warnings);
}

#[test]
fn modifiers_of_a_behaviour_are_a_list_and_keep_their_text() {
    let root = temp();
    let r = root.path();
    clip(r.join("pen.mp4"), 50, 25.0);
    let row = |kind: &str, time: &str| format!("one,pen.mp4,25.000,2.000,,dig,left,2,{kind},{time},pen.mp4\n");
    let header = "Observation id,Source,FPS,Media duration (s),Subject,Behavior,Modifier #1,Modifier #2,Behavior type,Time,Media file name\n";
    write(r.join("events.csv"), &(header.to_owned() + &row("START", "0.4") + &row("STOP", "1.2")));
    let data = open(r);
    assert_eq!(data.format, "boris");
    let list = serde_json::to_value(kinolens::data::instance_list(&data)).unwrap();
    assert_eq!(list["instances"][0]["modifiers"], serde_json::json!(["left", "2"]));
}

#[test]
fn a_table_whose_times_nobody_can_read_is_not_read_as_whole_videos() {
    let root = temp();
    let r = root.path();
    for name in ["a.mp4", "b.mp4"] {
        clip(r.join("videos").join(name), 40, 25.0);
    }
    let rows = "a.mp4;0;12;up\na.mp4;12;30;down\nb.mp4;2;9;up\nb.mp4;20;31;down\n";
    write(r.join("notes.csv"), &format!("clip;from;to;action\n{rows}"));
    let bare = open(r);
    assert_eq!((bare.format.as_str(), bare.classes.len()), ("single", 0));
    let told = bare.warnings.iter().map(|w| w.message.as_str()).find(|m| m.contains("notes.csv line 1")).unwrap();
    assert!(told.contains("not used") && told.contains("'from' and 'to'") && told.contains("start_frame"), "{told}");
    // With names that say what they are it is read whole.
    write(r.join("notes.csv"), &format!("clip;start_frame;stop_frame;action\n{rows}"));
    assert_eq!(open(r).videos.iter().map(|v| v.instances.len()).collect::<Vec<_>>(), [2, 2]);
    // Numbers that do not tell the rows of a video apart are no times.
    write(r.join("notes.csv"), "clip;width;height;action\na.mp4;64;48;up\nb.mp4;64;48;down\na.mp4;64;48;up\n");
    assert_eq!(open(r).videos.len(), 2);
}
