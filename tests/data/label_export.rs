//! Labels written for other tools, and read back.

use crate::support::datasets::{open, temp, video, video_of, write};
use crate::support::ffmpeg::ffmpeg;
use kinolens::config::{DataConfig, TableColumns};
use kinolens::data::{DataError, LabelTool, SaidPart, WrittenLabels, export_labels, open_with_cache};
use kinolens::domain::{Dataset, SplitChoice};
use kinolens::progress::Silent;
use serde_json::{Value, json};
use std::path::Path;

/// Two clips of 12 and 8 frames: overlapping parts, a class whose name is markup, and a row without a class.
fn table(r: &Path) -> Dataset {
    video(r.join("clips/a"), 12);
    video_of(r.join("clips/deep/b"), 8, (10, 4), |n, x, _| [(9 * n) as u8, x as u8, 7]);
    let rows = "clip,what,from,to,part\na,jump,0,4,train\na,run,4,9,train\na,jump,6,12,train\n\
                deep/b,\"walk <&> \"\"talk\"\"\",2,8,test\ndeep/b,,0,1,test\n";
    write(r.join("rows.csv"), rows);
    let columns = "path=clip,class=what,start=from,end=to,split=part";
    let table = Some(TableColumns::parse("rows.csv", columns, Some("frames-0")).unwrap());
    open_with_cache(r, &DataConfig { table, ..DataConfig::default() }, None, &Silent).unwrap()
}

fn export(data: &Dataset, tool: LabelTool, said: Option<&[SaidPart]>, out: &Path) -> Result<WrittenLabels, DataError> {
    export_labels(data, SplitChoice::All, said, tool, out, &Silent)
}

/// `video start..end class` of every instance.
fn told(data: &Dataset) -> Vec<String> {
    let parts = data.videos.iter().flat_map(|v| v.instances.iter().map(move |i| (v, i)));
    let mut all: Vec<String> = parts
        .flat_map(|(v, i)| {
            let name = |c: &usize| format!("{} {}..{} {}", v.name, i.start, i.end, data.classes.name(*c));
            i.label.classes().iter().map(name).collect::<Vec<_>>()
        })
        .collect();
    all.sort();
    all
}

fn said(class: &str, start: u32, confidence: f32) -> SaidPart {
    SaidPart { video: "clips/a".into(), start, end: start + 4, class: class.into(), confidence }
}

fn read(path: impl AsRef<Path>) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn what_is_written_for_cvat_is_read_back_the_same() {
    let (from, to) = (temp(), temp());
    let data = table(from.path());
    let expected =
        ["clips/a 0..4 jump", "clips/a 4..9 run", "clips/a 6..12 jump", "clips/deep/b 2..8 walk <&> \"talk\""];
    assert_eq!(told(&data), expected);
    // With what a network said beside it, which is no label.
    let predictions = [said("run", 0, 0.75), said("hop", 10, 0.5)];
    let labels = to.path().join("labels");
    let written = export(&data, LabelTool::Cvat, Some(&predictions), &labels).unwrap();
    assert_eq!((written.videos, written.parts, written.said, written.files.len()), (2, 4, 2, 2));
    assert!(
        written.left_out.is_empty(),
        "the row without a class is in the ledger, and no part: {:?}",
        written.left_out
    );
    let xml = std::fs::read_to_string(labels.join("clips_a.xml")).unwrap();
    assert!(xml.contains("<attribute name=\"predicted\">hop</attribute>"), "{xml}");
    assert!(xml.contains("<attribute name=\"confidence\">0.750000</attribute>"), "{xml}");
    // Frame 10 and 11 of the second prediction: the clip ends there.
    assert_eq!(xml.matches("<attribute name=\"predicted\">hop</attribute>").count(), 2);
    table(to.path());
    std::fs::remove_file(to.path().join("rows.csv")).unwrap();
    let again = open(to.path());
    assert_eq!((again.format.as_str(), told(&again)), ("cvat-video", expected.map(str::to_owned).to_vec()));
}

#[test]
fn boxes_go_through_cvat() {
    let (from, to) = (temp(), temp());
    for r in [from.path(), to.path()] {
        video_of(r.join("yard"), 6, (200, 100), |n, _, _| [n as u8; 3]);
    }
    let shape = |frame: u32, left: u32| {
        format!(
            "<box frame=\"{frame}\" outside=\"0\" xtl=\"{left}\" ytl=\"10\" xbr=\"120\" ybr=\"60\"><attribute \
             name=\"action\">wave</attribute></box>"
        )
    };
    let xml = format!(
        "<annotations><meta><task><name>yard</name><mode>interpolation</mode><original_size><width>200</width>\
         <height>100</height></original_size></task></meta><track id=\"0\" label=\"person\">{}{}{}</track></annotations>",
        shape(1, 20),
        shape(2, 40),
        shape(3, 40)
    );
    write(from.path().join("a.xml"), &xml);
    let data = open(from.path());
    export(&data, LabelTool::Cvat, None, to.path()).unwrap();
    let again = open(to.path());
    let boxes = |data: &Dataset| {
        let details = data.videos[0].instances[0].details.clone().unwrap();
        details.boxes.iter().map(|b| (b.frame, b.end, b.corners)).collect::<Vec<_>>()
    };
    assert_eq!(boxes(&data), boxes(&again));
    assert_eq!(boxes(&again)[0], (1, 2, [0.1, 0.1, 0.6, 0.6]));
    assert_eq!(told(&again), ["yard 1..4 wave"]);
}

#[test]
fn coco_has_a_track_a_part_and_an_annotation_a_frame() {
    let (from, to) = (temp(), temp());
    let data = table(from.path());
    let predictions = [said("run", 0, 0.75), said("hop", 10, 0.5)];
    let written = export(&data, LabelTool::Coco, Some(&predictions), to.path()).unwrap();
    assert_eq!((written.videos, written.parts, written.said), (2, 4, 2));
    let all = read(to.path().join("annotations.json"));
    let rows = |key: &str| all[key].as_array().unwrap().clone();
    let names: Vec<Value> = rows("categories").iter().map(|c| json!([c["id"], c["name"]])).collect();
    assert_eq!(names, [json!([1, "jump"]), json!([2, "run"]), json!([3, "walk <&> \"talk\""]), json!([4, "hop"])]);
    assert_eq!((rows("videos").len(), rows("images").len(), rows("tracks").len()), (2, 20, 4));
    // 4 + 5 + 6 + 6 frames; the third part begins at frame 6 of the first video, which is its seventh image.
    assert_eq!(rows("annotations").len(), 21);
    let third: Vec<Value> = rows("annotations").into_iter().filter(|a| a["track_id"] == 3).collect();
    assert_eq!((third.len(), &third[0]["image_id"], &third[0]["category_id"]), (6, &json!(7), &json!(1)));
    assert_eq!((&third[0]["bbox"], &third[0]["area"]), (&json!([0.0, 0.0, 8.0, 6.0]), &json!(48.0)));
    let last = rows("images")[19].clone();
    assert_eq!((&last["id"], &last["video_id"], &last["frame_index"]), (&json!(20), &json!(2), &json!(7)));
    assert_eq!(last["file_name"], "clips/deep/b/000007.jpg");
    let results = read(to.path().join("predictions.json"));
    let results = results.as_array().unwrap();
    assert_eq!(results.len(), 4 + 2, "the second is cut to the video");
    assert_eq!((&results[0]["image_id"], &results[0]["category_id"]), (&json!(1), &json!(2)));
    assert_eq!((&results[5]["category_id"], &results[5]["score"]), (&json!(4), &json!(0.5)));
}

#[test]
fn fiftyone_has_supports_from_one() {
    let (from, to) = (temp(), temp());
    let r = from.path();
    // A folder of frames is no video there.
    let data = table(r);
    let refused = export(&data, LabelTool::FiftyOne, None, to.path()).unwrap_err().to_string();
    assert!(refused.contains("encode them as videos"), "{refused}");
    let film = r.join("films/a.b.mp4");
    std::fs::create_dir_all(r.join("films")).unwrap();
    let source = "testsrc2=s=64x48:r=25:d=0.4,format=yuv420p";
    if ffmpeg(&["-f", "lavfi", "-i", source, "-c:v", "mpeg4", &film.display().to_string()]).is_none() {
        return;
    }
    write(r.join("films/rows.csv"), "clip,what,from,to\na.b.mp4,jump,0,4\na.b.mp4,run,4,10\n");
    let table =
        Some(TableColumns::parse("rows.csv", "path=clip,class=what,start=from,end=to", Some("frames-0")).unwrap());
    let data =
        open_with_cache(&r.join("films"), &DataConfig { table, ..DataConfig::default() }, None, &Silent).unwrap();
    let predictions = [SaidPart { video: data.videos[0].name.clone(), ..said("run", 8, 0.25) }];
    let written = export(&data, LabelTool::FiftyOne, Some(&predictions), to.path()).unwrap();
    assert_eq!((written.videos, written.parts, written.said, written.files.len()), (1, 2, 1, 4));
    let labels = read(to.path().join("labels.json"));
    assert_eq!(labels["classes"], json!(["jump", "run"]));
    let support = json!([{ "label": "jump", "support": [1, 4] }, { "label": "run", "support": [5, 10] }]);
    assert_eq!(labels["labels"], json!({ "a.b": support }));
    let said = json!([{ "label": "run", "support": [9, 10], "confidence": 0.25 }]);
    assert_eq!(read(to.path().join("predictions.json"))["labels"], json!({ "a.b": said }));
    let place = read(to.path().join("data.json"));
    assert!(Path::new(place["a.b.mp4"].as_str().unwrap()).is_file(), "{place}");
    let dataset = read(to.path().join("dataset.json"));
    let sample = &dataset["samples"][0];
    assert_eq!((&dataset["media_type"], &sample["events"]["_cls"]), (&json!("video"), &json!("TemporalDetections")));
    assert_eq!(sample["events"]["detections"][1]["support"], json!([5, 10]));
    assert_eq!(sample["label"], Value::Null, "it has two classes");
    assert_eq!(sample["metadata"]["total_frame_count"], 10);
}

#[test]
fn nothing_to_tell_is_said() {
    let (from, to) = (temp(), temp());
    let data = table(from.path());
    let refused = export_labels(&data, SplitChoice::Val, None, LabelTool::Coco, to.path(), &Silent).unwrap_err();
    assert!(refused.to_string().contains("none of its videos in 'val'"), "{refused}");
    let of_test = export_labels(&data, SplitChoice::Test, None, LabelTool::Coco, to.path(), &Silent).unwrap();
    assert_eq!((of_test.videos, of_test.parts), (1, 1));
    assert!(LabelTool::find("voc").unwrap_err().contains("fiftyone, coco, cvat"));
}
