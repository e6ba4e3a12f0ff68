//! Label files of the exercise layout: columns, times, intervals, sparse labels, one class.

use super::by_name;
use crate::support::datasets::{open, temp, try_open, video, warns, write};
use kinolens::config::RunConfig;
use kinolens::data::{DataError, as_configured, plan, statistics};
use kinolens::domain::{Dataset, Label, RgbImage, Split};
use kinolens::video::VideoWriter;
use std::path::Path;
use std::sync::Arc;

/// A video file of 25 frames a second.
fn mp4(path: &Path, frames: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = VideoWriter::create(path, 64, 48, 25.0).unwrap();
    for n in 0..frames {
        let pixels: Vec<u8> = (0..64 * 48_u32).flat_map(|i| [(n * 3 + i) as u8, n as u8, i as u8]).collect();
        writer.push(&RgbImage::new(64, 48, pixels).unwrap()).unwrap();
    }
    writer.finish().unwrap();
}

/// A dataset of one video of frames with that label file, and the runs of its labels.
fn labelled(frames: u32, labels: &str) -> (tempfile::TempDir, Dataset) {
    let root = temp();
    video(root.path().join("anon/s1"), frames);
    write(root.path().join("label/s1.csv"), labels);
    let data = open(root.path());
    (root, data)
}

fn runs(data: &Dataset) -> Vec<String> {
    let name = |l: Label| l.class().map_or("background", |c| data.classes.name(c));
    let video = &data.videos[0];
    video.labels.clipped(video.frames()).map(|s| format!("{}..{} {}", s.start, s.end, name(s.label))).collect()
}

#[test]
fn only_known_columns_count_and_others_are_named() {
    let (_r, data) =
        labelled(4, "video,frame,subject_id,action\ns1.mp4,0,7,-1\ns1.mp4,1,7,-1\ns1.mp4,2,7,5\ns1.mp4,3,7,5\n");
    assert_eq!(runs(&data), ["0..2 background", "2..4 class 5"]);
    // As data frames are saved: the row numbers are the frames, which is said.
    let (_r, data) = labelled(4, ",column1,column2\n0,7,-1\n1,7,-1\n2,7,5\n3,7,5\n");
    assert_eq!(runs(&data), ["0..2 background", "2..4 class 5"]);
    assert!(warns(&data, "s1.csv", &["no name over its first column"]), "{:#?}", data.warnings);
    for (text, columns) in [
        ("index,score,mood\n0,0.5,2\n1,0.25,3\n", "index, score, mood"),
        ("frame,speed\n0,12\n1,13\n", "frame, speed"),
        ("subject,class\n1,3\n", "subject, class"),
    ] {
        let (_r, data) = labelled(4, text);
        assert!(data.videos[0].labels.is_empty() && data.classes.is_empty(), "{text}");
        assert!(warns(&data, "label/s1.csv", &["line 1", columns, "'frame'", "'action'"]), "{:#?}", data.warnings);
    }
}

#[test]
fn decimal_commas_line_ends_quotes_and_words_are_read() {
    let wanted = ["0..2 background", "2..3 sit; down", "3..4 walk"];
    for text in [
        "frame;class\n0,0;background\n1,0;-1\n2,0;\"sit; down\"\n3,0;walk\n",
        "frame\tclass\r0\t-1\r1\t-1\r2\tsit; down\r3\twalk\r",
        "comment,frame,label\n\"two\nlines\",0,-1\n\"a \"\"b\"\"\",1,-1\n,2,sit; down\n,3,walk\n",
        "0,x,-1\r\n1,x,-1\r\n2,x,sit; down\r\n3,x,walk\r\n",
    ] {
        let (_r, data) = labelled(4, text);
        assert_eq!(runs(&data), wanted, "{text:?} {:#?}", data.warnings);
    }
    // Names that classes.ron knows keep its numbers.
    let root = temp();
    video(root.path().join("anon/s1"), 2);
    write(root.path().join("label/s1.csv"), "frame,class\n0,Walk\n1,run\n");
    write(root.path().join("classes.ron"), "[(4, \"run\"), (9, \"walk\")]");
    let data = open(root.path());
    assert_eq!(runs(&data), ["0..1 walk", "1..2 run"]);
    assert_eq!(data.classes.classes.iter().map(|c| c.id).collect::<Vec<_>>(), [4, 9]);
}

#[test]
fn intervals_of_frames_are_read_whether_their_stop_is_inside_or_not() {
    for text in [
        "start_frame,stop_frame,class\n0,19,-1\n20,39,1\n40,59,2\n",
        "start_frame,end_frame,class\n0,20,-1\n20,40,1\n40,60,2\n",
        "class,First Frame,Last Frame\n-1,1,20\n1,21,40\n2,41,60\n",
    ] {
        let (_r, data) = labelled(60, text);
        assert_eq!(runs(&data), ["0..20 background", "20..40 class 1", "40..60 class 2"], "{text}");
    }
    let (_r, data) = labelled(60, "start_frame,stop_frame,class\n5,9,1\n30,40,2\n25,35,1\n50,49,1\n");
    assert_eq!(runs(&data), ["5..10 class 1", "25..36 class 1", "36..41 class 2"]);
    assert!(warns(&data, "label", &["nothing tells", "stop_frame_exclusive"]), "{:#?}", data.warnings);
    assert!(warns(&data, "s1.csv", &["line 4 and line 3", "30 to 35"]), "{:#?}", data.warnings);
    assert!(warns(&data, "s1.csv", &["line 5", "start lies after the end"]), "{:#?}", data.warnings);
    let (_r, data) = labelled(60, "start,stop,class\n0,19,1\n20,39,2\n");
    assert!(data.videos[0].labels.is_empty());
    assert!(warns(&data, "s1.csv", &["'start'", "'stop'", "frames or seconds"]), "{:#?}", data.warnings);
}

#[test]
fn times_are_those_of_the_video_itself() {
    let root = temp();
    let r = root.path();
    for s in ["s1", "s2", "s3", "s4"] {
        mp4(&r.join(format!("anon/{s}.mp4")), 50);
    }
    // Frames of 40 ms: 0.5 s lies between frames 12 and 13, nearer to neither and so in the earlier.
    write(
        r.join("label/s1.csv"),
        "start_s,stop_s,class\n0,0.5,walk\n0.5,1.21,jump\n1.9,2.5,walk\n2.0,3.0,jump\n-1,0.1,walk\n",
    );
    let moments: String =
        (0..20).map(|i| format!("{},{}\n", f64::from(i) / 10.0, if i < 8 { "walk" } else { "jump" })).collect();
    write(r.join("label/s2.csv"), &format!("time,action\n{moments}"));
    write(r.join("label/s3.csv"), "Time (ms),action\n0,walk\n1000,jump\n");
    write(r.join("label/s4.csv"), "time,walk,jump\n0.0,1,0\n0.2,1,0\n0.4,0,1\n0.6,0,0\n0.8,1,1\n");
    let data = open(r);
    let of = |name: &str| {
        let video = by_name(&data, name);
        let class = |l: Label| l.class().map_or("background", |c| data.classes.name(c)).to_owned();
        video.labels.segments().iter().map(|s| (s.start, s.end, class(s.label))).collect::<Vec<_>>()
    };
    let run = |a, b, c: &str| (a, b, c.to_owned());
    assert_eq!(
        of("anon/s1.mp4"),
        [run(0, 12, "walk"), run(12, 30, "jump"), run(47, 50, "walk")],
        "{:#?}",
        data.warnings
    );
    for (line, words) in [(4, "reaches past the end"), (5, "past the end"), (6, "negative")] {
        assert!(warns(&data, "s1.csv", &[&format!("line {line}:"), words, "2.000 s"]), "{line} {:#?}", data.warnings);
    }
    assert_eq!(of("anon/s2.mp4"), [run(0, 20, "walk"), run(20, 50, "jump")]);
    assert_eq!(of("anon/s3.mp4"), [run(0, 1, "walk"), run(25, 26, "jump")], "one frame each, a second apart");
    assert!(of("anon/s4.mp4").is_empty());
    assert!(warns(&data, "s4.csv", &["line 6", "'walk'", "'jump'"]), "{:#?}", data.warnings);
}

#[test]
fn times_of_folders_of_pictures_are_not_invented() {
    let (_r, data) = labelled(20, "start_s,stop_s,class\n0,0.5,1\n");
    assert!(data.videos[0].labels.is_empty());
    assert!(warns(&data, "s1.csv", &["line 2", "no times of their own"]), "{:#?}", data.warnings);
}

#[test]
fn sparse_labels_are_told_and_held_where_one_asks_for_it() {
    let root = temp();
    for s in ["s1", "s2"] {
        video(root.path().join("anon").join(s), 100);
        write(root.path().join(format!("label/{s}.csv")), "frame,class\n0,1\n25,1\n50,2\n75,2\n");
    }
    write(root.path().join("split.csv"), "subject,split\ns1,train\ns2,test\n");
    let data = Arc::new(open(root.path()));
    assert!(
        warns(&data, "", &["4 % of the frames are labelled", "one frame in 25", "labels.hold"]),
        "{:#?}",
        data.warnings
    );
    let mut config = RunConfig::reference();
    let clips = |data: &Dataset| {
        statistics(data, &RunConfig::reference().clip, false).classes.iter().map(|c| c.clips).sum::<u64>()
    };
    assert_eq!(clips(&as_configured(&data, &config)), 0);
    config.set("labels.hold=true").unwrap();
    let held = as_configured(&data, &config);
    assert_eq!(runs(&held), ["0..50 class 1", "50..100 class 2"]);
    // Training windows of s1 start at 0, 8 … 80, test windows of s2 at 0, 16 … 80.
    assert_eq!(clips(&held), 11 + 6);
    assert_eq!(held.fingerprint, data.fingerprint);
    assert!(RunConfig::from_ron(&config.to_ron()).unwrap().labels.hold);
}

#[test]
fn one_class_is_no_task() {
    let root = temp();
    for s in 0..4 {
        video(root.path().join(format!("walk/s{s}_walk")), 20);
    }
    let data = open(root.path());
    assert!(warns(&data, "", &["one class", "'walk'", "100 %"]), "{:#?}", data.warnings);
    let made = plan(&data, &RunConfig::reference()).unwrap();
    let error = made.require_training(&data).unwrap_err();
    assert!(matches!(error, DataError::OneClass { .. }), "{error:?}");
    assert!(error.to_string().contains("'walk'"), "{error}");
    // Told from the background it is one.
    let (_r, data) = {
        let root = temp();
        for s in ["s1", "s2", "s3"] {
            video(root.path().join("anon").join(s), 40);
            let rows: String = (0..40).map(|f| format!("{f},0,{}\n", if f < 20 { -1 } else { 3 })).collect();
            write(root.path().join(format!("label/{s}.csv")), &rows);
        }
        let data = open(root.path());
        (root, data)
    };
    assert!(warns(&data, "", &["one class", "data.background_class"]), "{:#?}", data.warnings);
    let mut config = RunConfig::reference();
    assert!(plan(&data, &config).unwrap().require_training(&data).is_err());
    config.data.background_class = true;
    plan(&data, &config).unwrap().require_training(&data).unwrap();
}

#[test]
fn a_split_file_opens_its_dataset() {
    let root = temp();
    video(root.path().join("anon/s1"), 4);
    write(root.path().join("label/s1.csv"), "0,0,1\n1,0,2\n");
    write(root.path().join("split.csv"), "participant_id,partition\ns1,train\n");
    let data = open(root.path().join("split.csv"));
    assert_eq!((data.format.as_str(), data.videos[0].split), ("exercise", Split::Train));
    let lone = temp();
    write(lone.path().join("split.csv"), "subject,split\ns1,train\n");
    assert!(try_open(lone.path().join("split.csv")).is_err());
}

#[test]
fn the_program_inspects_a_list_and_holds_labels_as_told() {
    let inspect = |words: &[&std::ffi::OsStr]| -> serde_json::Value {
        let cache = temp();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_kinolens"));
        let out =
            command.env("KINOLENS_CACHE", cache.path()).arg("inspect").args(words).arg("--json").output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        serde_json::from_slice(&out.stdout).unwrap()
    };
    let root = temp();
    let r = root.path();
    video(r.join("anon/s1"), 100);
    write(r.join("label/s1.csv"), "frame,class\n0,1\n25,1\n50,2\n75,2\n");
    let clips = |report: &serde_json::Value| report["classes"][0]["clips"].as_u64();
    assert_eq!(clips(&inspect(&[r.as_os_str()])), Some(0));
    assert_eq!(clips(&inspect(&[r.as_os_str(), "--set".as_ref(), "labels.hold=true".as_ref()])), Some(6));
    let root = temp();
    for clip in ["a", "b"] {
        video(root.path().join("clips").join(clip), 20);
    }
    write(root.path().join("train.csv"), "path,label\nclips/a,walk\nclips/b,run\n");
    let report = inspect(&[root.path().join("train.csv").as_os_str()]);
    assert_eq!((report["format"].as_str(), report["splits"]["train"]["videos"].as_u64()), (Some("ucf-csv"), Some(2)));
}

#[test]
fn words_for_missing_values_are_told() {
    // Among numbers they are no class.
    let (_r, data) = labelled(6, "frame,class\n0,1\n1,1\n2,nan\n3,NA\n4,2\n5,2\n");
    assert_eq!(data.classes.classes.iter().map(|c| c.id).collect::<Vec<_>>(), [1, 2], "{:#?}", data.warnings);
    assert!(warns(&data, "s1.csv", &["line 4", "nan"]) && warns(&data, "s1.csv", &["line 5", "NA"]));
    let (_r, data) = labelled(4, "frame,class\n0,up\n1,NA\n2,down\n3,NA\n");
    assert!(warns(&data, "s1.csv", &["line 3", "'NA'", "2 rows"]), "{:#?}", data.warnings);
}

#[test]
fn many_rows_past_the_end_are_one_sentence_and_milliseconds_are_suggested() {
    let root = temp();
    let r = root.path();
    mp4(&r.join("anon/p1.mp4"), 10);
    mp4(&r.join("anon/p2.mp4"), 10);
    let rows: String = (0..10).map(|n| format!("{},{}\n", 40 * n, n / 5)).collect();
    write(r.join("label/p1.csv"), &format!("time,label\n{rows}"));
    write(r.join("label/p2.csv"), "start_s,stop_s,class\n0,0.2,0\n0.6,0.8,1\n0.9,1.2,1\n");
    let data = open(r);
    let said = |file: &str| -> Vec<&str> {
        let of_file = data.warnings.iter().filter(|w| w.path.ends_with(file));
        of_file.map(|w| w.message.as_str()).filter(|m| m.contains("past the end")).collect()
    };
    let first = said("p1.csv");
    assert_eq!(first.len(), 1, "{first:#?}");
    for words in ["9 rows", "line 3: 40 s", "line 5: 120 s", "…", "milliseconds", "time_ms"] {
        assert!(first[0].contains(words), "{words}: {first:?}");
    }
    let second = said("p2.csv");
    assert!(second.len() == 1 && second[0].contains("2 rows") && !second[0].contains("milliseconds"), "{second:?}");
}
