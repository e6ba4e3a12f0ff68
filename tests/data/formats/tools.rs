//! Exports of annotation tools: BORIS, ELAN, CVAT, Label Studio, DeepEthogram.

use super::{by_name, names};
use crate::support::datasets::{open, temp, try_open, video, warns, write};
use crate::support::ffmpeg::ffmpeg;
use kinolens::config::DataConfig;
use kinolens::data::{DataError, instance_list, open_with_cache};
use kinolens::domain::{Dataset, Task};
use kinolens::progress::Silent;
use std::path::Path;

/// A video of 50 frames, 25 a second; false where nothing can make one.
fn film(path: &Path) -> bool {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let path = path.display().to_string();
    let source = "testsrc2=s=64x48:r=25:d=2,format=yuv420p";
    ffmpeg(&["-f", "lavfi", "-i", source, "-c:v", "mpeg4", "-g", "5", &path]).is_some()
}

fn choosing(path: &Path, choices: &[(&str, &str)]) -> Result<Dataset, DataError> {
    let choices = choices.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    open_with_cache(path, &DataConfig { choices, ..DataConfig::default() }, None, &Silent)
}

fn class_names(data: &Dataset) -> Vec<&str> {
    data.classes.classes.iter().map(|c| c.name.as_str()).collect()
}

/// `start..end classes` of every instance of a video.
fn instances(data: &Dataset, video: &str) -> Vec<String> {
    let names = |classes: &[usize]| classes.iter().map(|c| data.classes.name(*c)).collect::<Vec<_>>().join("+");
    let all = by_name(data, video).instances.iter();
    all.map(|i| format!("{}..{} {}", i.start, i.end, names(i.label.classes()))).collect()
}

/// `line reason` of the rows that are left out, and of those that are unlabelled.
fn left_out(data: &Dataset) -> Vec<String> {
    let ledger = &data.ledger;
    let all = ledger.ignored.iter().chain(&ledger.unlabelled);
    let sum: u64 = all.clone().map(|e| e.rows).sum();
    assert_eq!(ledger.rows, ledger.used() + sum);
    all.map(|e| format!("{} {}", e.line, e.reason.name())).collect()
}

const EVENTS: &str = "Observation id,Source,Time offset (s),Media duration (s),Subject,Behavior,Modifier #1,\
                      Behavior type,Time,Media file name\r\n";

#[test]
fn events_of_boris_pair_and_go_on_in_the_next_medium() {
    let root = temp();
    let r = root.path();
    if !film(&r.join("films/pen 1.mp4")) || !film(&r.join("films/pen 2.mp4")) {
        return;
    }
    let row = |who: &str, what: &str, kind: &str, time: &str, medium: &str| {
        let media = "\"player #1:/x/pen 1.mp4;/x/pen 2.mp4\"";
        format!("o,{media},0.5,2.000;2.000,{who},{what},,{kind},{time},C:\\x\\{medium}\r\n")
    };
    let rows = [
        row("ada", "dig", "START", "0.7", "pen 1.mp4"),
        row("bo", "dig", "START", "0.9", "pen 1.mp4"),
        row("ada", "dig", "STOP", "1.1", "pen 1.mp4"),
        row("bo", "dig", "STOP", "2.9", "pen 2.mp4"),
        row("No focal subject", "sniff", "POINT", "3.5", "pen 2.mp4"),
        row("ada", "rear", "STOP", "3.6", "pen 2.mp4"),
        row("ada", "rear", "START", "soon", "pen 2.mp4"),
    ];
    write(r.join("events/o.csv"), &(EVENTS.to_owned() + &rows.concat()));
    let error = try_open(r).unwrap_err().to_string();
    assert!(error.contains("point_events") && error.contains("one-frame, ignore"), "{error}");
    let data = choosing(r, &[("point_events", "one-frame")]).unwrap();
    assert_eq!((data.format.as_str(), class_names(&data)), ("boris", vec!["dig", "rear", "sniff"]));
    assert_eq!(instances(&data, "films/pen 1.mp4"), ["5..15 dig", "10..50 dig"]);
    assert_eq!(instances(&data, "films/pen 2.mp4"), ["0..10 dig", "25..26 sniff"]);
    assert_eq!((by_name(&data, "films/pen 1.mp4").subject.as_str(), data.ledger.used()), ("", 5));
    assert_eq!(left_out(&data), ["7 unpaired-stop", "8 bad-number"]);
    assert!(warns(&data, "o.csv", &["line 8", "'soon'"]), "{:#?}", data.warnings);
    let data = choosing(r, &[("point_events", "ignore")]).unwrap();
    assert_eq!((class_names(&data), data.ledger.used()), (vec!["dig", "rear"], 4));
    assert!(choosing(r, &[("point_events", "often")]).unwrap_err().to_string().contains("'often'"));
}

fn eaf(head: &str, tiers: &str) -> String {
    let slots: String =
        (0..=10).map(|i| format!("<TIME_SLOT TIME_SLOT_ID=\"t{i}\" TIME_VALUE=\"{}\"/>", i * 200)).collect();
    format!(
        "<?xml version=\"1.0\"?>\n<ANNOTATION_DOCUMENT>\n<HEADER TIME_UNITS=\"milliseconds\">{head}</HEADER>\n\
         <TIME_ORDER>{slots}<TIME_SLOT TIME_SLOT_ID=\"none\"/></TIME_ORDER>\n{tiers}\n</ANNOTATION_DOCUMENT>\n"
    )
}

fn note(id: &str, start: &str, end: &str, value: &str) -> String {
    format!(
        "<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID=\"{id}\" TIME_SLOT_REF1=\"{start}\" TIME_SLOT_REF2=\"{end}\">\
         <ANNOTATION_VALUE>{value}</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>\n"
    )
}

#[test]
fn tiers_of_elan_are_chosen_and_references_have_the_time_of_what_they_refer_to() {
    let root = temp();
    let r = root.path();
    if !film(&r.join("media/clip 1.mp4")) {
        return;
    }
    let referring = |id: &str, of: &str, value: &str| {
        format!(
            "<ANNOTATION><REF_ANNOTATION ANNOTATION_ID=\"{id}\" ANNOTATION_REF=\"{of}\">\n<ANNOTATION_VALUE>{value}\
             </ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>\n"
        )
    };
    let tiers = [
        "<TIER TIER_ID=\"hand\">\n".to_owned(),
        note("a1", "t0", "t2", "grasp &amp; lift"),
        note("a2", "t2", "none", "turn"),
        note("a3", "t5", "t10", " turn\n"),
        note("a4", "t3", "t3", "turn"),
        "</TIER>\n<TIER TIER_ID=\"how\" PARENT_REF=\"hand\">\n".to_owned(),
        referring("a5", "a1", "slow"),
        referring("a6", "a5", "very slow"),
        referring("a7", "a8", "never"),
        referring("a8", "a7", "never"),
        "</TIER>".to_owned(),
    ];
    let head = "<MEDIA_DESCRIPTOR MEDIA_URL=\"file:///C:/x/clip%201.wav\" MIME_TYPE=\"audio/x-wav\"/>\
                <MEDIA_DESCRIPTOR MEDIA_URL=\"file:///C:/x/clip%201.mp4\" MIME_TYPE=\"video/mp4\" \
                RELATIVE_MEDIA_URL=\"../media/clip 1.mp4\" TIME_ORIGIN=\"400\"/>";
    write(r.join("eaf/one.eaf"), &eaf(head, &tiers.concat()));
    let data = open(r);
    assert_eq!((data.format.as_str(), class_names(&data)), ("elan", vec!["grasp & lift", "turn"]));
    assert_eq!(instances(&data, "media/clip 1.mp4"), ["10..20 grasp & lift", "35..50 turn"]);
    let all = ["7 no-time", "10 empty-interval", "14 other-tier", "16 other-tier", "18 other-tier", "20 other-tier"];
    assert_eq!((left_out(&data), data.ledger.rows), (all.map(str::to_owned).to_vec(), 8));
    let adjusted: Vec<&str> = data.ledger.adjusted.iter().map(|e| e.reason.name()).collect();
    assert_eq!(adjusted, ["end-past-end", "trimmed"]);
    let data = choosing(r, &[("tiers", "hand,how")]).unwrap();
    let both = ["10..20 grasp & lift", "10..20 slow", "10..20 very slow", "35..50 turn"];
    assert_eq!(instances(&data, "media/clip 1.mp4"), both);
    let error = choosing(r, &[("tiers", "foot")]).unwrap_err().to_string();
    assert!(error.contains("'foot'") && error.contains("hand, how"), "{error}");
    // With two tiers that may be meant somebody has to choose.
    let two = ["<TIER TIER_ID=\"a\">", &note("a1", "t0", "t2", "x"), "</TIER><TIER TIER_ID=\"b\">"].concat();
    write(r.join("eaf/one.eaf"), &eaf(head, &(two + &note("a2", "t0", "t2", "y") + "</TIER>")));
    let error = try_open(r).unwrap_err().to_string();
    assert!(error.contains("'tiers'") && error.contains("a, b"), "{error}");
}

#[test]
fn files_of_elan_with_document_types_or_cut_off_are_refused() {
    let root = temp();
    let file = root.path().join("clip.eaf");
    video(root.path().join("clip"), 3);
    let whole = eaf("", "<TIER TIER_ID=\"a\"></TIER>");
    for (text, words) in [
        (
            whole.replacen("?>\n", "?>\n<!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/hostname\">]>\n", 1),
            ["line 2", "DOCTYPE"],
        ),
        (whole[..whole.len() - 30].to_owned(), ["line 5", "too early"]),
        (whole.replace("milliseconds", "PAL-frames"), ["line 3", "PAL-frames"]),
        (eaf("", &format!("<TIER TIER_ID=\"a\">{}</TIER>", note("a1", "t0", "t2", "&leak;"))), ["line 5", "leak"]),
    ] {
        write(&file, &text);
        let said = try_open(root.path()).map(|_| ()).unwrap_err().to_string();
        assert!(words.iter().all(|w| said.contains(w)) && said.contains("clip.eaf"), "{said}");
    }
}

fn cvat(filter: &str, tracks: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<annotations>\n<meta><task><name>yard</name><mode>interpolation</mode>\
         <frame_filter>{filter}</frame_filter><labels><label><name>person</name><attributes><attribute><name>action</name>\
         <input_type>select</input_type><values>__undefined__\nrest\nwave</values></attribute></attributes></label></labels>\
         <original_size><width>200</width><height>100</height></original_size></task><source>yard</source></meta>\n\
         {tracks}</annotations>\n"
    )
}

fn shape(frame: &str, outside: u8, action: &str) -> String {
    format!(
        "<box frame=\"{frame}\" outside=\"{outside}\" xtl=\"20\" ytl=\"10\" xbr=\"220\" ybr=\"60\">\
         <attribute name=\"action\">{action}</attribute></box>\n"
    )
}

#[test]
fn boxes_of_cvat_become_runs() {
    let root = temp();
    let r = root.path();
    video(r.join("films/yard"), 30);
    let tracks = [
        "<track id=\"4\" label=\"person\">\n".to_owned(),
        [0, 5, 10].map(|f| shape(&f.to_string(), 0, "wave")).concat(),
        shape("15", 0, "__undefined__"),
        shape("20", 0, "wave"),
        shape("22", 1, "wave"),
        shape("25", 0, "rest"),
        shape("-3", 0, "rest"),
        "</track>\n".to_owned(),
    ];
    write(r.join("task/annotations.xml"), &cvat("step=5", &tracks.concat()));
    let data = open(r);
    assert_eq!((data.format.as_str(), class_names(&data)), ("cvat-video", vec!["rest", "wave"]));
    assert_eq!(instances(&data, "films/yard"), ["0..15 wave", "20..22 wave", "25..30 rest"]);
    assert_eq!(left_out(&data), ["10 no-class", "14 bad-number"]);
    let boxes = &by_name(&data, "films/yard").instances[0].details.as_ref().unwrap().boxes;
    assert_eq!(boxes.iter().map(|b| (b.frame, b.end)).collect::<Vec<_>>(), [(0, 5), (5, 10), (10, 15)]);
    // Of 200x100 pixels; what lies outside of the picture is cut.
    assert_eq!(boxes[0].corners, [0.1, 0.1, 1.0, 0.6]);
    let list = serde_json::to_value(instance_list(&data)).unwrap();
    assert_eq!((&list["instances"][0]["track"], &list["instances"][0]["line"]), (&4.into(), &7.into()));
    assert_eq!(list["choices"]["class_from"], "attribute:action");
    let data = choosing(r, &[("class_from", "label")]).unwrap();
    assert_eq!(instances(&data, "films/yard"), ["0..22 person", "25..30 person"]);
    // An export for images has no tracks.
    write(r.join("task/annotations.xml"), &cvat("", "").replace("interpolation", "annotation"));
    let said = try_open(r).unwrap_err().to_string();
    assert!(said.contains("annotations.xml") && said.contains("line 3") && said.contains("CVAT for video"), "{said}");
}

#[test]
fn ranges_of_label_studio_count_from_one() {
    let root = temp();
    let r = root.path();
    if !film(&r.join("films/my clip.mp4")) {
        return;
    }
    let range = |start: &str, end: &str, labels: &str| {
        format!(
            "{{\"type\": \"timelinelabels\", \"value\": {{\"ranges\": [{{\"start\": {start}, \"end\": {end}}}], \
             \"timelinelabels\": [{labels}]}}}}"
        )
    };
    let good = [range("1", "10", "\"Stir\""), range("11", "11", "\"Stir\", \"Rest\""), range("41", "60", "\"Rest\"")];
    let bad =
        [range("9", "3", "\"Stir\""), range("0", "3", "\"Stir\""), range("2", "3", ""), range("90", "95", "\"Stir\"")];
    let task = format!(
        "[\n{{\"data\": {{\"video\": \"/data/upload/3/0a1b2c3d-my_clip.mp4\"}}, \"annotations\": [\
         {{\"was_cancelled\": true, \"result\": [{}]}}, {{\"result\": [{}]}}, {{\"ground_truth\": true, \"result\": [{}]}}], \
         \"predictions\": [{{\"result\": [{}]}}]}},\n{{\"data\": {{\"video\": \"gone.mp4\"}}, \"annotations\": [\
         {{\"result\": [{}]}}]}}\n]",
        good[0],
        good[0],
        [good.clone().as_slice(), bad.as_slice()].concat().join(", "),
        good[0],
        good[0]
    );
    write(r.join("project-1.json"), &task);
    let data = open(r);
    assert_eq!((data.format.as_str(), class_names(&data)), ("label-studio", vec!["Rest", "Stir"]));
    assert_eq!(instances(&data, "films/my clip.mp4"), ["0..10 Stir", "10..11 Rest+Stir", "40..50 Rest"]);
    let mut reasons = left_out(&data);
    reasons.sort();
    let expected = [
        "2 bad-number",
        "2 cancelled",
        "2 no-class",
        "2 other-annotator",
        "2 past-end",
        "2 prediction",
        "2 start-after-end",
        "3 missing-video",
    ];
    assert_eq!(reasons, expected);
    assert!(warns(&data, "project-1.json", &["label_fps", "48/1"]), "{:#?}", data.warnings);
    // At 50 a second two of them are one frame.
    let data = choosing(r, &[("label_fps", "50/1")]).unwrap();
    assert_eq!(instances(&data, "films/my clip.mp4"), ["0..5 Stir", "5..6 Rest+Stir", "20..30 Rest", "44..47 Stir"]);
    assert!(choosing(r, &[("label_fps", "fast")]).unwrap_err().to_string().contains("'fast'"));
    write(r.join("project-1.json"), &task[..task.len() - 40]);
    let said = try_open(r).unwrap_err().to_string();
    assert!(said.contains("project-1.json") && said.contains("line 3") && said.contains("too early"), "{said}");
}

#[test]
fn tables_of_deepethogram_label_frames_with_any_number_of_classes() {
    let root = temp();
    let r = root.path();
    for name in ["m1", "m2", "m3"] {
        video(r.join("DATA").join(name), 6);
    }
    write(r.join("project_config.yaml"), "project:\n  class_names:\n  - background\n  - 'dig'\n  - rear # up\n");
    write(
        r.join("DATA/m1_labels.csv"),
        ",rear,background,dig\n0,0,0,1\n1,1,0,1\n2,-1,-1,-1\n3,0,0,0\n4,0,1,0\n5,1,0,0\n6,1,0,0\n",
    );
    write(r.join("DATA/m2_labels.csv"), ",dig,rear\n0,1,0\n1,1,maybe\n2,1,0\n");
    write(r.join("DATA/m9_labels.csv"), ",dig,rear\n0,1,0\n");
    let data = open(r);
    assert_eq!((data.format.as_str(), data.task), ("deepethogram", Task::MultiLabel));
    assert_eq!(class_names(&data), ["background", "dig", "rear"]);
    assert!(data.classes.classes[0].background && data.classes.classes[2].source.as_deref() == Some("2"));
    assert_eq!(names(&data), ["DATA/m1", "DATA/m2", "DATA/m3"]);
    assert_eq!(instances(&data, "DATA/m1"), ["0..2 dig", "1..2 rear", "3..5 background", "5..6 rear"]);
    assert_eq!(instances(&data, "DATA/m2"), ["0..1 dig", "2..3 dig"]);
    assert!(by_name(&data, "DATA/m3").instances.is_empty());
    assert_eq!(left_out(&data), ["8 past-end", "3 bad-number", "2 missing-video", "4 no-label"]);
    assert_eq!((data.ledger.rows, data.ledger.used()), (11, 7));
    assert!(warns(&data, "m2_labels.csv", &["line 3", "'maybe'"]), "{:#?}", data.warnings);
    // Without settings the first table orders the classes.
    std::fs::remove_file(r.join("project_config.yaml")).unwrap();
    assert_eq!(class_names(&open(r)), ["background", "rear", "dig"]);
}
