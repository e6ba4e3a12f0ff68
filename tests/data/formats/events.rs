//! Several classes at once: actions of Charades, and boxes of AVA.

use super::by_name;
use super::overlaps::{chosen, ignored, parts};
use crate::support::datasets::{clip, open, temp, try_open, video, warns, write};
use kinolens::domain::{Instance, Reason, Split, Task};
use std::path::Path;

fn charades(r: &Path) {
    for id in ["AB1CD", "AB2CD", "AB3CD"] {
        clip(r.join(format!("Charades_v1_480/{id}.mp4")), 50, 25.0);
    }
    let header = "id,subject,scene,script,actions,length\n";
    let actions = "c004 0.20 1.00;c001 0.60 9.50;c004 0.20 1.00;c099 0.1 0.4;c001 nan 1;c001 30 31;c001 1.2 1.0;c001";
    let train = format!(
        "{header}AB1CD,XY1,Kitchen,\"First, \"\"one\"\";\nsecond line\",{actions},2.0\nAB2CD,XY2,Hall,x,,2.0\nZZZZZ,XY2,Hall,x,c001 0 1;c004 1 2,2\n"
    );
    write(r.join("Charades_v1_train.csv"), &train);
    write(r.join("Charades_v1_test.csv"), &format!("{header}AB3CD,XY1,Hall,x,c001 -0.01 0.4,2.0\n"));
    write(r.join("Charades_v1_classes.txt"), "c001 Opening a box\nc004 Waving, with both hands\n");
    write(r.join("Charades_v1_objectclasses.txt"), "o001 box\n");
}

#[test]
fn actions_overlap_and_every_entry_is_a_row() {
    let root = temp();
    let r = root.path();
    charades(r);
    let data = open(r);
    assert_eq!((data.format.as_str(), data.task), ("charades", Task::MultiLabel));
    let classes: Vec<_> = data.classes.classes.iter().map(|c| (c.id, c.name.as_str())).collect();
    assert_eq!(classes, [(1, "Opening a box"), (4, "Waving, with both hands")]);
    let (one, two, three) = ("Charades_v1_480/AB1CD.mp4", "Charades_v1_480/AB2CD.mp4", "Charades_v1_480/AB3CD.mp4");
    assert_eq!(parts(&data, one), ["5..25 Waving, with both hands", "15..50 Opening a box"]);
    assert_eq!((parts(&data, two), by_name(&data, two).subject.as_str()), (Vec::new(), "XY2"));
    assert_eq!(
        (parts(&data, three), by_name(&data, three).split),
        (vec!["0..10 Opening a box".to_owned()], Split::Test)
    );
    // The row of the first video ends in line 3; its entries stand in line 2.
    let reasons = [
        (2, Reason::Duplicate),
        (2, Reason::UnknownClass),
        (2, Reason::StartAfterEnd),
        (2, Reason::BadNumber),
        (2, Reason::BadNumber),
        (2, Reason::PastEnd),
        (5, Reason::MissingVideo),
        (5, Reason::MissingVideo),
    ];
    let sorted = |mut rows: Vec<(u32, Reason)>| {
        rows.sort_unstable();
        rows
    };
    assert_eq!(sorted(ignored(&data)), sorted(reasons.to_vec()));
    assert_eq!(data.ledger.unlabelled.iter().map(|e| e.line).collect::<Vec<_>>(), [4]);
    assert_eq!((data.ledger.rows, data.ledger.used()), (12, 3));
    assert!(warns(&data, "Charades_v1_train.csv", &["line 2", "'nan'"]), "{:#?}", data.warnings);
    assert!(!data.warnings.iter().any(|w| w.message.contains("not used")), "{:#?}", data.warnings);
    write(r.join("Charades_v1_train.csv"), "id,subject\nAB1CD,x\n");
    let error = try_open(r).unwrap_err().to_string();
    assert!(["Charades_v1_train.csv", "line 1", "'actions'"].iter().all(|w| error.contains(w)), "{error}");
}

#[test]
fn actions_without_a_list_of_classes_are_called_by_their_numbers() {
    let root = temp();
    charades(root.path());
    std::fs::remove_file(root.path().join("Charades_v1_classes.txt")).unwrap();
    let data = open(root.path());
    let names: Vec<_> = data.classes.classes.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["class 1", "class 4", "class 99"]);
}

const ACTIONS: &str = "item {\n  name: \"bend/bow (at the waist)\"\n  id: 3\n}\nlabel { label_id: 14 name: \"walk\" label_type: PERSON_MOVEMENT }\n";

/// Six seconds from second 900 on, and three that nobody cut.
fn boxes(r: &Path) {
    clip(r.join("videos_15min/-cut_00000A.mp4"), 150, 25.0);
    clip(r.join("videos/whole00000B.mp4"), 75, 25.0);
    let rows = [
        "-cut_00000A,0902,0.1,0.2,0.5,0.6,3,7\r\n",
        "-cut_00000A,0902,0.1,0.2,0.5,0.6,14,7\r\n",
        "-cut_00000A,0902,0.5,-0.2,1.5,0.75,14,8\r\n",
        "-cut_00000A,0902,0.5,-0.2,1.5,0.75,14,8\r\n",
        "-cut_00000A,0903,0.1,0.2,0.5,0.6,14,7\r\n",
        "-cut_00000A,0904,0.1,0.2,0.5,0.6,,7\r\n",
        "-cut_00000A,0904,0.1,0.2,0.5,0.6,80,7\r\n",
        "-cut_00000A,0904,0.1,left,0.5,0.6,3,7\r\n",
        "-cut_00000A,1904,0.1,0.2,0.5,0.6,3,7\r\n",
        "-cut_00000A,1904,0.1,0.2,0.5,0.6,14,7\r\n",
        "gone,0904,0.1,0.2,0.5,0.6,14,7\r\n",
    ];
    write(r.join("annotations/ava_train_v2.2.csv"), &rows.concat());
    write(r.join("annotations/ava_val_v2.2.csv"), "whole00000B,1,0,0,1,1,3,0\n");
    write(r.join("annotations/ava_train_excluded_timestamps_v2.2.csv"), "-cut_00000A,0903\n");
    write(r.join("annotations/ava_action_list_v2.2.pbtxt"), ACTIONS);
}

/// Corners and notes of an instance.
fn details(instance: &Instance) -> (Vec<[f32; 4]>, Option<u32>, Vec<&str>) {
    let details = instance.details.as_ref().unwrap();
    let notes = details.notes.iter().map(|(_, text)| text.as_str()).collect();
    (details.boxes.iter().map(|b| b.corners).collect(), details.key_frame, notes)
}

#[test]
fn boxes_are_instances_of_one_second_with_several_classes() {
    let root = temp();
    let r = root.path();
    boxes(r);
    let data = open(r);
    assert_eq!((data.format.as_str(), data.task), ("ava", Task::MultiLabel));
    let classes: Vec<_> = data.classes.classes.iter().map(|c| (c.id, c.name.as_str())).collect();
    assert_eq!(classes, [(3, "bend/bow (at the waist)"), (14, "walk")]);
    // 1.5 s to 2.5 s at 25 frames a second: 37.5 and 62.5 go to the earlier frame.
    let cut = "videos_15min/-cut_00000A.mp4";
    assert_eq!(parts(&data, cut), ["37..62 bend/bow (at the waist) + walk", "37..62 walk"]);
    let of: Vec<_> = by_name(&data, cut).instances.iter().map(details).collect();
    assert_eq!(of[0], (vec![[0.1, 0.2, 0.5, 0.6]], Some(50), vec!["902", "7"]));
    assert_eq!(of[1], (vec![[0.5, 0.0, 1.0, 0.75]], Some(50), vec!["902", "8"]));
    // Second 1 lies in the file as it is.
    assert_eq!(parts(&data, "videos/whole00000B.mp4"), ["12..37 bend/bow (at the waist)"]);
    assert_eq!(by_name(&data, "videos/whole00000B.mp4").split, Split::Val);
    assert_eq!(
        ignored(&data),
        [
            (4, Reason::Duplicate),
            (5, Reason::ExcludedTimestamp),
            (6, Reason::NoClass),
            (7, Reason::UnknownClass),
            (8, Reason::BadNumber),
            (9, Reason::PastEnd),
            (10, Reason::PastEnd),
            (11, Reason::MissingVideo),
        ]
    );
    assert_eq!(data.ledger.adjusted.iter().map(|e| (e.line, e.reason)).collect::<Vec<_>>(), [(3, Reason::ClampedBox)]);
    assert_eq!((data.ledger.rows, data.ledger.used()), (12, 4));
    assert!(warns(&data, "ava_train_v2.2.csv", &["line 8", "'left'"]), "{:#?}", data.warnings);
}

#[test]
fn where_videos_begin_can_be_chosen_and_pictures_begin_at_900() {
    let root = temp();
    let r = root.path();
    boxes(r);
    // At second 900 of the recording second 1 lies far before the file.
    for (second, lost) in [("900", "videos/whole00000B.mp4"), ("0", "videos_15min/-cut_00000A.mp4")] {
        let data = chosen(r, &[("cut_at", second)]).unwrap();
        assert!(data.videos.iter().all(|v| v.name != lost), "no row of it can be used");
        assert!(data.ledger.unlisted.contains(&r.join(lost)), "{:?}", data.ledger.unlisted);
    }
    // Pictures have 30 a second, and their seconds begin at 900.
    video(r.join("frames/pictures00C"), 90);
    write(r.join("annotations/ava_val_v2.2.csv"), "pictures00C,901,0,0,1,1,3,0\n");
    let data = open(r);
    assert_eq!(parts(&data, "frames/pictures00C"), ["15..45 bend/bow (at the waist)"]);
    assert_eq!(details(&by_name(&data, "frames/pictures00C").instances[0]).1, Some(30));
    write(r.join("annotations/ava_action_list_v2.2.pbtxt"), &(ACTIONS.to_owned() + "item { id: 3 name: \"x\" }"));
    let error = try_open(r).unwrap_err().to_string();
    assert!(["ava_action_list_v2.2.pbtxt", "line 6", "number 3"].iter().all(|w| error.contains(w)), "{error}");
}
