//! Events that may overlap, one class each: EPIC-KITCHENS, FineGym, ActivityNet, and the clips of Diving48.

use super::by_name;
use crate::support::datasets::{clip, open, temp, try_open, warns, write};
use kinolens::config::DataConfig;
use kinolens::data::{DataError, open_with_cache};
use kinolens::domain::{Dataset, Reason, Split};
use kinolens::progress::Silent;
use std::path::Path;

/// Opens with choices made.
pub(super) fn chosen(root: &Path, choices: &[(&str, &str)]) -> Result<Dataset, DataError> {
    let choices = choices.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    open_with_cache(root, &DataConfig { choices, ..DataConfig::default() }, None, &Silent)
}

/// Instances of a video as `start..end classes`.
pub(super) fn parts(data: &Dataset, video: &str) -> Vec<String> {
    let names = |classes: &[usize]| classes.iter().map(|c| data.classes.name(*c)).collect::<Vec<_>>().join(" + ");
    let of = |i: &kinolens::domain::Instance| format!("{}..{} {}", i.start, i.end, names(i.label.classes()));
    by_name(data, video).instances.iter().map(|i| of(i).trim_end().to_owned()).collect()
}

/// Lines and reasons of the rows that were left out.
pub(super) fn ignored(data: &Dataset) -> Vec<(u32, Reason)> {
    data.ledger.ignored.iter().map(|e| (e.line, e.reason)).collect()
}

/// Number, name and source of every class.
fn classes(data: &Dataset) -> Vec<(i64, &str, Option<&str>)> {
    data.classes.classes.iter().map(|c| (c.id, c.name.as_str(), c.source.as_deref())).collect()
}

/// A table of narrated actions at 50 frames a second, its columns in another order, and nonsense in those of frames.
fn kitchen(r: &Path) {
    clip(r.join("P07/videos/P07_101.mp4"), 100, 50.0);
    let header = "video_id,participant_id,start_frame,stop_frame,start_timestamp,stop_timestamp,verb_class,noun_class,all_nouns\n";
    let rows = [
        "P07_101,P07,9999,9999,00:00:00.10,00:00:00.50,3,8,\"['cup', 'tap']\"\n",
        "P07_101,P07,1,2,00:00:00.30,00:00:00.70,1,5,['pan']\n",
        "P07_101,P07,1,2,00:00:00.30,00:00:00.70,3,5,['pan']\n",
        "P07_101,P07,1,2,00:00:01.90,00:00:03.00,3,5,['pan']\n",
        "P07_101,P07,1,2,00:01:00.00,00:01:01.00,3,5,['pan']\n",
        "P07_101,P07,1,2,00:00:00.90,00:00:00.80,3,5,['pan']\n",
        "P07_101,P07,1,2,00:00:01.00,00:00:01.20,9,5,['pan']\n",
        "P07_999,P07,1,2,00:00:01.00,00:00:01.20,1,8,['pan']\n",
    ];
    write(r.join("annotations/EPIC_100_train.csv"), &(header.to_owned() + &rows.concat()));
    let test = "video_id,start_timestamp,stop_timestamp\nP07_101,00:00:00.00,00:00:00.20\n";
    write(r.join("annotations/EPIC_100_validation.csv"), header);
    write(r.join("annotations/EPIC_100_test_timestamps.csv"), test);
    let list = |rows: &str| format!("id,key,instances,category\r\n{rows}");
    write(
        r.join("annotations/EPIC_100_verb_classes.csv"),
        &list("3,take,\"['take', 'get']\",x\r\n1,wash,['wash'],x\r\n"),
    );
    write(r.join("annotations/EPIC_100_noun_classes.csv"), &list("5,pan,['pan'],x\r\n8,\"cup, big\",['cup'],x\r\n"));
}

#[test]
fn kitchens_count_times_and_never_frame_columns() {
    let root = temp();
    let r = root.path();
    kitchen(r);
    let data = open(r);
    assert_eq!(data.format, "epic-kitchens");
    assert_eq!(classes(&data), [(1, "wash", Some("1")), (3, "take", Some("3"))]);
    let name = "P07/videos/P07_101.mp4";
    // Two actions at the same time are two instances; the row of the test list contradicts the split of its video.
    assert_eq!(parts(&data, name), ["5..25 take", "15..35 wash", "15..35 take", "95..100 take"]);
    assert_eq!((by_name(&data, name).subject.as_str(), by_name(&data, name).split), ("P07", Split::Train));
    assert_eq!(
        ignored(&data),
        [
            (2, Reason::Conflict),
            (6, Reason::PastEnd),
            (7, Reason::StartAfterEnd),
            (8, Reason::UnknownClass),
            (9, Reason::MissingVideo),
        ]
    );
    assert_eq!((data.ledger.rows, data.ledger.used()), (9, 4));
    assert_eq!(data.ledger.adjusted.iter().map(|e| (e.line, e.reason)).collect::<Vec<_>>(), [(5, Reason::EndPastEnd)]);
    assert!(warns(&data, "EPIC_100_train.csv", &["line 8", "verb_class 9"]), "{:#?}", data.warnings);
}

#[test]
fn kitchens_have_verbs_nouns_or_pairs() {
    let root = temp();
    kitchen(root.path());
    let by = |value: &str| chosen(root.path(), &[("class", value)]).unwrap();
    assert_eq!(classes(&by("noun")), [(5, "pan", Some("5")), (8, "cup, big", Some("8"))]);
    // Pairs that occur, by verb, then noun; that of a video which is not there is none.
    let pairs = by("pair");
    let wanted = [(0, "wash pan", Some("1:5")), (1, "take pan", Some("3:5")), (2, "take cup, big", Some("3:8"))];
    assert_eq!(classes(&pairs), wanted);
    assert_eq!(parts(&pairs, "P07/videos/P07_101.mp4")[..2], ["5..25 take cup, big", "15..35 wash pan"]);
    let error = chosen(root.path(), &[("class", "adverb")]).unwrap_err().to_string();
    assert!(error.contains("adverb") && error.contains("verb, noun, pair"), "{error}");
    write(root.path().join("annotations/EPIC_100_train.csv"), "video_id,start_frame,verb_class\nP07_101,1,1\n");
    let error = try_open(root.path()).unwrap_err().to_string();
    let words = ["EPIC_100_train.csv", "line 1", "'start_timestamp'"];
    assert!(words.iter().all(|w| error.contains(w)), "{error}");
}

/// Two routines of one video, and an element that was cut out.
fn gym(r: &Path) {
    clip(r.join("videos/a_E_b-c.mp4"), 50, 25.0);
    clip(r.join("cut/zz_E_000001_000002_A_0000_0001.mp4"), 5, 25.0);
    let times = r#"{"a_E_b-c": {"E_000000_000001": {"event": 1, "timestamps": [[0.2, 1.9]], "segments":
        {"A_0000_0001": {"stages": 2, "timestamps": [[0.0, 0.2], [0.2, 0.4]]}, "A_0001_0001": {"stages": 1, "timestamps": [[1.0, 1.4]]}}},
        "E_000009_000010": {"event": 2, "timestamps": [[9.0, 9.5]], "segments": null}}}"#;
    write(r.join("annotations/finegym_annotation_info_v1.1.json"), times);
    let key = "a_E_b-c_E_000000_000001_A";
    let list = [
        format!("{key}_0000_0001 4\n{key}_0001_0001 1\n{key}_0001_0001 1\n{key}_0001_0001 4\n{key}_0007_0008 1\n"),
        format!("a_E_b-c_E_000009_000010_A_0000_0001 1\n{key}_0000_0001 99\ngone_E_000000_000001_A_0000_0001 1\n"),
    ];
    write(r.join("annotations/gym99_train_element_v1.1.txt"), &list.concat());
    write(r.join("annotations/gym99_val_element.txt"), "zz_E_000001_000002_A_0000_0001 1\r\n");
    write(
        r.join("annotations/gym99_categories.txt"),
        "Clabel:  4; set: 2; Glabel: 9; (VT) vault, half turn\nClabel: 1; set: 1; Glabel: 3; (FX) leap; tucked\n",
    );
}

#[test]
fn elements_of_routines_begin_with_their_event() {
    let root = temp();
    gym(root.path());
    let data = open(root.path());
    assert_eq!(data.format, "finegym");
    assert_eq!(classes(&data), [(1, "(FX) leap; tucked", Some("1")), (4, "(VT) vault, half turn", Some("4"))]);
    // 0.2 s + 0.0 .. 0.4 s, and 0.2 s + 1.0 .. 1.4 s.
    let wanted = ["5..15 (VT) vault, half turn", "30..40 (FX) leap; tucked"];
    assert_eq!(parts(&data, "videos/a_E_b-c.mp4"), wanted);
    let cut = "cut/zz_E_000001_000002_A_0000_0001.mp4";
    assert_eq!((parts(&data, cut), by_name(&data, cut).split), (vec!["0..5 (FX) leap; tucked".to_owned()], Split::Val));
    assert_eq!(
        ignored(&data),
        [
            (3, Reason::Duplicate),
            (4, Reason::Conflict),
            (5, Reason::NoSegment),
            (6, Reason::NoSegment),
            (7, Reason::UnknownClass),
            (8, Reason::MissingVideo),
        ]
    );
    assert_eq!((data.ledger.rows, data.ledger.used()), (9, 3));
    write(root.path().join("annotations/finegym_annotation_info_v1.1.json"), "{\n\"a\": [1,\n");
    let error = try_open(root.path()).unwrap_err().to_string();
    assert!(error.contains("finegym_annotation_info_v1.1.json") && error.contains("too early"), "{error}");
}

/// As THUMOS writes it: numbers with gaps, and a subset of validation that is trained on.
fn thumos(r: &Path) {
    clip(r.join("video/v_one.mp4"), 50, 25.0);
    clip(r.join("video/two.mp4"), 25, 25.0);
    let text = r#"{"version": "x", "database": {
"one": {"subset": "Validation", "duration": 99.0, "fps": 30.0, "annotations": [
{"label": "Diving", "segment": [0.2, 1.0], "segment(frames)": [6, 30], "label_id": 7},
{"label": "CliffDiving", "segment": [0.2, 1.0], "label_id": 5},
{"label": "Diving", "segment": [0.2, 1.0], "label_id": 7},
{"label": "Diving", "segment": [1.2], "label_id": 7},
{"label": "Diving", "segment": [1.2, 1.1], "label_id": 7}]},
"two": {"subset": "Test", "annotations": []},
"gone": {"subset": "Test", "annotations": [
{"label": "Diving", "segment": [0, 1], "label_id": 7}, {"label": "Diving", "segment": [2, 3], "label_id": 7}]}
}}"#;
    write(r.join("thumos14.json"), text);
}

#[test]
fn a_database_has_classes_by_number_and_events_at_the_same_time() {
    let root = temp();
    let r = root.path();
    thumos(r);
    let data = open(r);
    assert_eq!(data.format, "activitynet");
    assert_eq!(classes(&data), [(5, "CliffDiving", Some("5")), (7, "Diving", Some("7"))]);
    assert_eq!(parts(&data, "video/v_one.mp4"), ["5..25 Diving", "5..25 CliffDiving"]);
    assert!(parts(&data, "video/two.mp4").is_empty());
    assert_eq!(
        ignored(&data),
        [
            (5, Reason::Duplicate),
            (6, Reason::BadNumber),
            (7, Reason::StartAfterEnd),
            (10, Reason::MissingVideo),
            (10, Reason::MissingVideo),
        ]
    );
    let unlabelled: Vec<_> = data.ledger.unlabelled.iter().map(|e| e.line).collect();
    assert_eq!((data.ledger.rows, data.ledger.used(), unlabelled), (8, 2, vec![8]));
    assert_eq!(by_name(&data, "video/v_one.mp4").split, Split::Val);
    assert!(warns(&data, "thumos14.json", &["no video", "train_subset=validation"]), "{:#?}", data.warnings);
    let trained = chosen(r, &[("train_subset", "validation")]).unwrap();
    assert_eq!(by_name(&trained, "video/v_one.mp4").split, Split::Train);
    // A single annotation without a number, and names count.
    let text = std::fs::read_to_string(r.join("thumos14.json")).unwrap();
    write(r.join("thumos14.json"), &text.replacen(", \"label_id\": 7", "", 1));
    assert_eq!(classes(&open(r)), [(0, "CliffDiving", None), (1, "Diving", None)]);
    // The file itself opens as well.
    assert_eq!(open(r.join("thumos14.json")).videos.len(), 2);
}

#[test]
fn a_database_that_is_no_json_is_refused_by_its_line() {
    let root = temp();
    let r = root.path();
    thumos(r);
    let good = std::fs::read_to_string(r.join("thumos14.json")).unwrap();
    for (text, words) in [
        (good.replace("[1.2]", "[1.2, NaN]"), &["line 6", "NaN"][..]),
        (good.split("\"two\"").next().unwrap().to_owned(), &["ends too early"]),
        (good.replace("\"database\": {", "\"database\": {}, \"x\": {"), &["holds no videos"]),
        ("[".repeat(100_000), &["line 1", "deeply"]),
    ] {
        write(r.join("thumos14.json"), &text);
        let error = try_open(r).unwrap_err().to_string();
        assert!(words.iter().all(|w| error.contains(w)), "{words:?} in {error}");
    }
}

#[test]
fn dives_are_clips_with_frames_from_zero() {
    let root = temp();
    let r = root.path();
    for name in ["a_00001", "b_00002", "c_00003"] {
        clip(r.join(format!("rgb/{name}.mp4")), 20, 25.0);
    }
    let train = r#"[
{"vid_name": "a_00001", "label": 1, "start_frame": 0, "end_frame": 20},
{"vid_name": "b_00002", "label": 0, "start_frame": 4, "end_frame": 25},
{"vid_name": "b_00002", "label": 1, "start_frame": 4, "end_frame": 25},
{"vid_name": "c_00003", "label": 8, "start_frame": 0, "end_frame": 20},
{"vid_name": "c_00003", "label": "1.5", "start_frame": 0, "end_frame": 20},
7]"#;
    write(r.join("Diving48_V2_train.json"), train);
    write(r.join("Diving48_V2_test.json"), r#"[{"vid_name": "c_00003", "start_frame": 0, "end_frame": 20}]"#);
    write(r.join("Diving48_vocab.json"), r#"[["Back", "15som", "NoTwis", "PIKE"], ["Front", "15som"]]"#);
    let data = open(r);
    assert_eq!(data.format, "diving48");
    assert_eq!(classes(&data), [(0, "Back+15som+NoTwis+PIKE", Some("0")), (1, "Front+15som", Some("1"))]);
    assert_eq!(parts(&data, "rgb/a_00001.mp4"), ["0..20 Front+15som"]);
    assert_eq!(parts(&data, "rgb/b_00002.mp4"), ["4..20 Back+15som+NoTwis+PIKE"]);
    assert_eq!(
        (parts(&data, "rgb/c_00003.mp4"), by_name(&data, "rgb/c_00003.mp4").split),
        (vec!["0..20".into()], Split::Test)
    );
    assert_eq!(
        ignored(&data),
        [(4, Reason::Conflict), (5, Reason::UnknownClass), (6, Reason::BadNumber), (7, Reason::BadNumber)]
    );
    assert_eq!((data.ledger.rows, data.ledger.used(), data.ledger.unlabelled.len()), (7, 2, 1));
    // The first version has wrong labels: it opens, and that is said.
    for part in ["train", "test"] {
        std::fs::rename(r.join(format!("Diving48_V2_{part}.json")), r.join(format!("Diving48_{part}.json"))).unwrap();
    }
    assert!(warns(&open(r), "Diving48_train.json", &["first version", "wrong"]));
    write(r.join("Diving48_train.json"), "\n{\"a\": 1}");
    let error = try_open(r).unwrap_err().to_string();
    assert!(["Diving48_train.json", "line 2", "an object", "list"].iter().all(|w| error.contains(w)), "{error}");
}
