//! Dataset layouts, labels, splits, plans and statistics, on small datasets whose truth is written beside them.

mod beside;
mod copies;
mod events;
mod frame_folders;
mod labels;
mod lists;
mod lost_rows;
mod names_on_disk;
mod overlaps;
mod people;
mod pictures;
mod plans;
mod segmentation;
mod shared;
mod something;
mod tables;
mod tagged;
mod tools;

use crate::support::datasets::{open, outside, temp, try_open, video, video_of, warns, write};
use kinolens::config::{DataConfig, RunConfig, Validation};
use kinolens::data::{FORMATS, Statistics, detect, load_mask, load_poses, open_with_cache, plan, statistics};
use kinolens::domain::{Dataset, Label, LabelRule, Split};
use kinolens::progress::{Flow, Monitor, Progress, Silent};
use std::collections::BTreeSet;
use std::path::Path;

fn by_name<'a>(dataset: &'a Dataset, name: &str) -> &'a kinolens::domain::VideoEntry {
    dataset.videos.iter().find(|v| v.name == name).unwrap_or_else(|| panic!("no {name} in {:?}", names(dataset)))
}

fn names(dataset: &Dataset) -> Vec<&str> {
    dataset.videos.iter().map(|v| v.name.as_str()).collect()
}

/// Rows for `(class, frames)` runs.
fn rows(header: bool, parts: &[(i64, u32)]) -> String {
    let mut out = String::from(if header { "frame_number,column1,column2\n" } else { "" });
    let mut frame = 0;
    for (class, frames) in parts {
        for _ in 0..*frames {
            out += &format!("{frame},0,{class}\n");
            frame += 1;
        }
    }
    out
}

/// Two subjects: s01 trains (40 frames: 10 of background, 20 of class 3, 10 of class 5), s02 is tested (36 frames: 18, 18).
fn exercise(root: &Path, inner: bool, header: bool) {
    let base = if inner { root.join("dataset") } else { root.to_path_buf() };
    video(base.join("anon/s01"), 40);
    video(base.join("anon/s02"), 36);
    write(root.join("label/s01.csv"), &rows(header, &[(-1, 10), (3, 20), (5, 10)]));
    write(root.join("label/s02.csv"), &rows(header, &[(3, 18), (5, 18)]));
    write(root.join("split.csv"), "subject,split\ns01,train\ns02,test\n");
}

#[test]
fn exercise_layout_opens_with_and_without_inner_folder_and_header() {
    for (inner, header) in [(true, true), (true, false), (false, true), (false, false)] {
        let root = temp();
        exercise(root.path(), inner, header);
        let data = open(root.path());
        assert_eq!(data.format, "exercise");
        assert_eq!(data.classes.classes.iter().map(|c| c.id).collect::<Vec<_>>(), [3, 5]);
        let prefix = if inner { "dataset/anon" } else { "anon" };
        let s01 = by_name(&data, &format!("{prefix}/s01"));
        assert_eq!((s01.subject.as_str(), s01.split, s01.frames()), ("s01", Split::Train, 40));
        let at = |f| s01.labels.at(f);
        assert_eq!((at(0), at(9)), (Some(Label::Background), Some(Label::Background)));
        assert_eq!(
            (at(10), at(29), at(30), at(39)),
            (Some(Label::Class(0)), Some(Label::Class(0)), Some(Label::Class(1)), Some(Label::Class(1)))
        );
        assert_eq!(at(40), None);
        assert_eq!(by_name(&data, &format!("{prefix}/s02")).split, Split::Test);
        assert!(data.warnings.is_empty(), "{:?}", data.warnings);
    }
    // Whoever opens the inner folder finds the labels beside it.
    let root = temp();
    exercise(root.path(), true, true);
    let data = open(root.path().join("dataset"));
    assert_eq!(by_name(&data, "anon/s01").labels.segments().len(), 3);
}

#[test]
fn statistics_count_what_was_written() {
    let root = temp();
    exercise(root.path(), true, true);
    write(root.path().join("classes.ron"), "[(3, \"squat\"), (5, \"lunge\")]");
    let data = open(root.path());
    let clip = RunConfig::default().clip;
    let s = statistics(&data, &clip, false);
    assert_eq!((s.subjects, s.videos, s.classes.len()), (2, 2, 2));
    // Training windows of s01 (stride 8) start at 0, 8, 16, 24: background 10 of 16 / 14 of class 3 / 14 of 3 / 10 of 5.
    // Test windows of s02 (stride 16) start at 0 and 16: all of class 3 / 2 of 3 and 14 of 5.
    let of = |s: &Statistics, split| {
        let part = s.split(split).unwrap().clone();
        let classes: Vec<_> = part.classes.iter().map(|c| (c.id, c.name.clone(), c.frames, c.clips)).collect();
        (part.videos, part.clips, part.frames, part.background_frames, classes)
    };
    let class = |id, name: &str, frames, clips| (id, name.to_owned(), frames, clips);
    assert_eq!(of(&s, Split::Train), (1, 3, 40, 10, vec![class(3, "squat", 20, 2), class(5, "lunge", 10, 1)]));
    assert_eq!(of(&s, Split::Test), (1, 2, 36, 0, vec![class(3, "squat", 18, 1), class(5, "lunge", 18, 1)]));
    assert_eq!((s.classes[0].frames, s.classes[0].clips), (38, 3));
    let with = statistics(&data, &clip, true);
    let background = with.classes.last().unwrap();
    assert_eq!((background.id, background.frames, background.clips), (-1, 10, 1));

    let json = serde_json::to_value(&s).unwrap();
    for key in ["format", "subjects", "videos", "classes", "splits", "warnings", "video_properties"] {
        assert!(json.get(key).is_some(), "{key}");
    }
    assert_eq!(json["splits"]["train"]["classes"][1]["frames"], 10);
    assert_eq!(json["classes"][0], serde_json::json!({"id": 3, "index": 0, "name": "squat", "frames": 38, "clips": 3}));
    let v = &json["video_properties"][0];
    assert_eq!((v["width"].as_u64(), v["height"].as_u64(), v["frames"].as_u64()), (Some(8), Some(6), Some(40)));
    for key in ["path", "fps", "duration_s", "codec"] {
        assert!(v.get(key).is_some(), "{key}");
    }

    let out = temp();
    for file in s.write_csv(out.path()).unwrap() {
        let mut reader = csv::Reader::from_path(&file).unwrap();
        assert!(reader.records().all(|r| r.is_ok()), "{}", file.display());
    }
    let classes = std::fs::read_to_string(out.path().join("classes.csv")).unwrap();
    assert!(classes.contains("train,3,squat,20,2"), "{classes}");
    assert!(s.text().contains("lunge"), "{}", s.text());
}

#[test]
fn masks_poses_and_pose_videos_are_found() {
    let root = temp();
    let base = root.path().join("dataset");
    for s in ["s01", "s02", "s03"] {
        video(base.join("anon").join(s), 4);
        write(root.path().join(format!("label/{s}.csv")), &rows(false, &[(0, 4)]));
        video(base.join("skeleton/other").join(s), 1);
    }
    let mask = |path: &str, value: u8| {
        let path = base.join("mask").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::GrayImage::from_fn(8, 6, |x, _| image::Luma([if x < 4 { value } else { 0 }])).save(path).unwrap();
    };
    for n in 0..4 {
        mask(&format!("s01/{n:06}.png"), 255);
        mask(&format!("s02_{:06}.png", n + 1), 1); // Counts from 1, and writes 1 for inside.
    }
    mask("s03_000001.png", 255);
    write(base.join("skeleton/yolo_pose_csv/s01.csv"), "frame,nose_x,nose_y,nose_conf\n0,3,2,0.9\n3,4,2,0.8\n");
    let data = open(root.path());
    let loaded = |name: &str, frame| load_mask(by_name(&data, name), frame).unwrap();
    for name in ["dataset/anon/s01", "dataset/anon/s02"] {
        for frame in 0..4 {
            let mask = loaded(name, frame).unwrap_or_else(|| panic!("{name} {frame}"));
            assert_eq!((mask.width, mask.height, mask.data[3], mask.data[4]), (8, 6, 255, 0));
        }
        assert!(loaded(name, 4).is_none());
    }
    assert!(loaded("dataset/anon/s03", 0).is_none());
    assert!(loaded("dataset/anon/s03", 1).is_some());
    assert!(warns(&data, "mask", &["1 masks for the 4 frames", "s03"]), "{:?}", data.warnings);
    let poses = load_poses(by_name(&data, "dataset/anon/s01")).unwrap();
    assert_eq!((poses.frames.len(), poses.frames[3][0].x), (4, 4.0));
    assert!(load_poses(by_name(&data, "dataset/anon/s02")).unwrap().frames.is_empty());
}

#[test]
fn every_fault_is_named_with_its_file() {
    let root = temp();
    let r = root.path();
    for (s, frames) in [("s01", 20), ("s02", 20), ("s03", 20), ("s04", 20)] {
        video(r.join("anon").join(s), frames);
    }
    write(r.join("label/s01.csv"), &rows(true, &[(0, 10), (1, 25)]));
    write(r.join("label/s02.csv"), "0,0,0\nnonsense\n1,0,0\n1,0,0\n");
    write(r.join("label/s03.csv"), &rows(true, &[(-1, 20)]));
    write(r.join("label/s99.csv"), &rows(true, &[(0, 20)]));
    write(r.join("classes.ron"), "[(0, \"a\"), (1, \"b\"), (2, \"nobody\")]");
    write(r.join("split.csv"), "subject,split\ns01,train\ns01,test\ns02,train\ns03,holiday\ns77,test\n");
    write(r.join("anon/broken.mp4"), "this is no video");
    let data = open(r);
    let expect = |path: &str, words: &[&str]| {
        assert!(warns(&data, path, words), "{path} {words:?} not in {:#?}", data.warnings);
    };
    expect("label/s01.csv", &["15 label rows", "past the end", "20 frames"]);
    expect("label/s02.csv", &["line 2", "nonsense"]);
    expect("label/s02.csv", &["duplicate", "line 3", "line 4"]);
    expect("label/s99.csv", &["no video"]);
    expect("anon/s04", &["no labels"]);
    expect("split.csv", &["s01", "both train and test"]);
    expect("split.csv", &["line 5", "holiday"]);
    expect("split.csv", &["s77"]);
    expect("split.csv", &["s04"]);
    expect("anon/broken.mp4", &["left out"]);
    expect("", &["'nobody'", "no labelled frame"]);
    assert_eq!(by_name(&data, "anon/s01").split, Split::Test, "who is in both is kept out of training");
    assert!(by_name(&data, "anon/broken.mp4").facts.is_none());
    assert_eq!(by_name(&data, "anon/s02").labels.at(1), Some(Label::Class(0)));
}

#[test]
fn names_match_despite_suffixes_and_several_videos_share_a_subject() {
    let root = temp();
    let r = root.path();
    for v in ["subject_01_cam1_anon", "subject_01_cam2_anon", "subject_02_cam1_anon"] {
        video(r.join("anon").join(v), 5);
    }
    write(r.join("label/subject_01.csv"), &rows(true, &[(0, 5)]));
    write(r.join("label/subject_02.csv"), &rows(true, &[(1, 5)]));
    write(r.join("split.csv"), "subject_01,training\nsubject_02,testing\n");
    let data = open(r);
    let seen: Vec<_> = data.videos.iter().map(|v| (v.subject.as_str(), v.split, v.labels.at(0))).collect();
    let (a, b) = (Some(Label::Class(0)), Some(Label::Class(1)));
    assert_eq!(
        seen,
        [("subject_01", Split::Train, a), ("subject_01", Split::Train, a), ("subject_02", Split::Test, b)]
    );
}

#[test]
fn labels_that_count_from_one_are_moved() {
    let root = temp();
    let r = root.path();
    for s in ["s01", "s02"] {
        video(r.join("anon").join(s), 6);
        let text: String = (1..=6).map(|f| format!("{f},0,{}\n", if f <= 3 { 0 } else { 1 })).collect();
        write(r.join(format!("label/{s}.csv")), &text);
    }
    let data = open(r);
    let track = &by_name(&data, "anon/s01").labels;
    assert_eq!(
        (track.at(0), track.at(2), track.at(3), track.at(5)),
        (Some(Label::Class(0)), Some(Label::Class(0)), Some(Label::Class(1)), Some(Label::Class(1)))
    );
    assert!(warns(&data, "", &["count frames from 1"]), "{:?}", data.warnings);
}

#[test]
fn class_folders_know_subjects_splits_frame_folders_and_empty_classes() {
    let root = temp();
    let r = root.path();
    for (class, clip) in [
        ("PullUps", "v_PullUps_g07_c04"),
        ("PullUps", "v_PullUps_g08_c01"),
        ("Punch", "s3_punch"),
        ("Punch", "s3_punch_mirror"),
        ("walk2", "person01_walk"),
        ("walk10", "nobody"),
    ] {
        video(r.join(class).join(clip), 3);
    }
    std::fs::create_dir_all(r.join("Ghost")).unwrap();
    let data = open(r);
    assert_eq!(data.format, "class-folders");
    let classes: Vec<_> = data.classes.classes.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(classes, ["Ghost", "PullUps", "Punch", "walk2", "walk10"]);
    assert!(warns(&data, "Ghost", &["empty"]), "{:?}", data.warnings);
    let seen: Vec<_> = data.videos.iter().map(|v| (v.name.as_str(), v.subject.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("PullUps/v_PullUps_g07_c04", "g07"),
            ("PullUps/v_PullUps_g08_c01", "g08"),
            ("Punch/s3_punch", "s3"),
            ("Punch/s3_punch_mirror", "s3"),
            ("walk2/person01_walk", "person01"),
            ("walk10/nobody", ""),
        ]
    );
    let pull = &data.videos[0];
    assert_eq!((pull.frames(), pull.labels.at(2)), (3, Some(Label::Class(1))));

    let split = temp();
    for (part, clip) in [("Train", "s1_a"), ("validation", "s2_a"), ("test", "s3_a")] {
        video(split.path().join(part).join("a").join(clip), 3);
    }
    let data = open(split.path());
    let splits: BTreeSet<_> = data.videos.iter().map(|v| (v.subject.as_str(), v.split)).collect();
    assert_eq!(splits, BTreeSet::from([("s1", Split::Train), ("s2", Split::Val), ("s3", Split::Test)]));
    assert_eq!(data.classes.len(), 1);

    let config = DataConfig { subject_pattern: Some("^(.)".into()), ..DataConfig::default() };
    let data = open_with_cache(r, &config, None, &Silent).unwrap();
    assert_eq!(data.videos.iter().map(|v| v.subject.as_str()).collect::<Vec<_>>(), ["v", "v", "s", "s", "p", "n"]);
}

#[test]
fn ucf_csv_finds_files_however_paths_are_written() {
    let root = temp();
    let r = root.path();
    for clip in ["PullUps/v_PullUps_g01_c01", "PullUps/v_PullUps_g02_c01", "Punch/v_Punch_g01_c01"] {
        video(r.join(clip), 3);
    }
    video(r.join("videos/deep/v_Punch_g03_c01"), 3);
    write(
        r.join("train.csv"),
        "clip_name,clip_path,label\na,/PullUps/v_PullUps_g01_c01,PullUps\nb,elsewhere/Punch/v_Punch_g01_c01,Punch\n\
         b,/Punch/v_Punch_g01_c01,Punch\n",
    );
    write(
        r.join("val.csv"),
        "clip_path,class\nPullUps\\v_PullUps_g02_c01,PullUps\n/PullUps/lost.avi,PullUps\n,Punch\n",
    );
    write(
        r.join("test.csv"),
        "clip_path,class\n/test/Punch/v_Punch_g03_c01,Punch\n/../secret,Punch\n/Punch/v_Punch_g01_c01,Punch\n",
    );
    let data = open(r);
    assert_eq!(data.format, "ucf-csv");
    let class = |name: &str| data.classes.by_name(name).map(Label::Class);
    let seen: BTreeSet<_> =
        data.videos.iter().map(|v| (v.name.as_str(), v.split, v.labels.at(1), v.subject.as_str())).collect();
    assert_eq!(
        seen,
        BTreeSet::from([
            ("PullUps/v_PullUps_g01_c01", Split::Train, class("PullUps"), "g01"),
            ("Punch/v_Punch_g01_c01", Split::Train, class("Punch"), "g01"),
            ("PullUps/v_PullUps_g02_c01", Split::Val, class("PullUps"), "g02"),
            ("videos/deep/v_Punch_g03_c01", Split::Test, class("Punch"), "g03"),
        ])
    );
    assert!(warns(&data, "lost.avi", &["val.csv line 3"]), "{:#?}", data.warnings);
    assert!(warns(&data, "val.csv", &["line 4"]));
    assert!(warns(&data, "v_Punch_g01_c01", &["listed twice", "line 3", "line 4"]));
    assert!(warns(&data, "v_Punch_g01_c01", &["two splits", "train.csv", "test.csv"]));
}

#[test]
fn a_single_video_picture_or_frame_folder_is_a_dataset_of_one() {
    let root = temp();
    video(root.path().join("clip"), 7);
    let data = open(root.path().join("clip"));
    assert_eq!((data.format.as_str(), data.videos.len(), data.videos[0].frames()), ("single", 1, 7));
    assert!(data.videos[0].labels.is_empty());
    let data = open(root.path().join("clip/00003.png"));
    assert_eq!((data.videos.len(), data.videos[0].frames()), (1, 1));
    let plan = plan(&data, &RunConfig::default()).unwrap();
    let message = plan.require_training(&data).unwrap_err().to_string();
    assert!(message.contains("labelled"), "{message}");
}

#[test]
fn what_no_format_fits_says_what_each_looked_for() {
    let root = temp();
    write(root.path().join("notes/readme.txt"), "nothing here");
    let message = try_open(root.path()).unwrap_err().to_string();
    assert!(message.contains(&*root.path().to_string_lossy()));
    assert!(message.contains("no video") && message.contains("notes"), "{message}");
    assert!(message.chars().count() < 400, "{message}");
    let layouts = kinolens::data::layouts(root.path());
    for format in FORMATS {
        let found = layouts.iter().find(|(f, _)| f.id == format.id).unwrap();
        assert!(found.1.as_ref().is_err_and(|why| !why.is_empty()), "{}", format.id);
    }
    // What has to do with runs says so.
    let run = root.path().join("runs/a");
    ["config.ron", "classes.ron"].iter().for_each(|f| write(run.join(f), "()"));
    let of = |path: &Path| try_open(path).unwrap_err().to_string();
    assert!(of(&run).contains("it is a run folder"), "{}", of(&run));
    assert!(of(&root.path().join("runs")).contains("it is a folder of runs (a)"), "{}", of(&root.path().join("runs")));
    let gone = try_open(root.path().join("nowhere")).unwrap_err().to_string();
    assert!(gone.contains("nowhere") && gone.contains("does not exist"), "{gone}");
    exercise(root.path(), true, true);
    let (format, reason) = detect(root.path()).unwrap();
    assert_eq!(format.id, "exercise");
    assert!(reason.contains("2 videos") && reason.contains("2 label files"), "{reason}");
}

#[test]
fn short_videos_give_one_clip() {
    let root = temp();
    for s in 0..4 {
        video(root.path().join("a").join(format!("s{s}_a")), 5);
    }
    let data = open(root.path());
    let p = plan(&data, &RunConfig::reference()).unwrap();
    assert_eq!(p.train.len() + p.val.len() + p.test.len(), 4);
    assert!(p.train.iter().all(|c| c.start == 0));
}

/// Counts how often somebody says that a video is being looked into.
#[derive(Default)]
struct Watch {
    indexed: std::sync::Mutex<u64>,
    stop: bool,
}

impl Monitor for Watch {
    fn emit(&self, progress: Progress) {
        if let Progress::Stage { label, total, .. } = progress
            && label == "indexing videos"
        {
            *self.indexed.lock().unwrap() = total;
        }
    }

    fn poll(&self) -> Flow {
        if self.stop { Flow::Stop } else { Flow::Continue }
    }
}

#[test]
fn what_is_inside_videos_is_remembered_until_a_file_changes() {
    let (root, cache) = (temp(), temp());
    plans::class_folders(root.path(), 2);
    let open = |stop: bool| {
        let watch = Watch { stop, ..Watch::default() };
        let data = open_with_cache(root.path(), &DataConfig::default(), Some(cache.path()), &watch);
        let indexed = *watch.indexed.lock().unwrap();
        (data, indexed)
    };
    assert!(open(true).0.unwrap_err().to_string().contains("stopped"));
    let (first, indexed) = open(false);
    let first = first.unwrap();
    assert_eq!(indexed, 8);
    let (again, indexed) = open(false);
    let again = again.unwrap();
    assert_eq!((indexed, &again.fingerprint, &again.videos[0].facts), (0, &first.fingerprint, &first.videos[0].facts));
    video(root.path().join("jump/s0_jump"), 25);
    let (changed, indexed) = open(false);
    let changed = changed.unwrap();
    assert_eq!((indexed, by_name(&changed, "jump/s0_jump").frames()), (1, 25));
    assert_ne!(changed.fingerprint, first.fingerprint);
    // A damaged cache is rebuilt.
    for file in std::fs::read_dir(cache.path().join("datasets")).unwrap() {
        std::fs::write(file.unwrap().path(), "{ torn").unwrap();
    }
    assert_eq!(open(false).1, 8);
}

#[test]
fn different_frame_sizes_do_not_hide_damage() {
    let root = temp();
    plans::class_folders(root.path(), 1);
    write(root.path().join("jump/empty.mp4"), "");
    video_of(root.path().join("wave/big"), 3, (40, 30), |_, _, _| [1, 2, 3]);
    let data = open(root.path());
    assert!(warns(&data, "jump/empty.mp4", &["left out"]), "{:?}", data.warnings);
    assert_eq!(by_name(&data, "wave/big").facts.as_ref().map(|f| (f.width, f.height)), Some((40, 30)));
    let p = plan(&data, &RunConfig::reference()).unwrap();
    let broken = data.videos.iter().position(|v| v.name == "jump/empty.mp4").unwrap();
    assert_eq!(p.parts[broken], Split::Unassigned);
}

#[test]
fn the_real_set_has_six_subjects_of_eight_clips() {
    let Some(root) = outside("KINOLENS_VIDEOS", "../shared/data") else { return };
    let root = root.join("weizmann4");
    let data = open(&root);
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(root.parent().unwrap().join("manifest.json")).unwrap()).unwrap();
    assert_eq!(data.format, "class-folders");
    assert!(data.warnings.is_empty(), "{:?}", data.warnings);
    let folders = std::fs::read_dir(&root).unwrap().filter(|e| e.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(data.classes.len(), folders);
    let mut per_subject = std::collections::BTreeMap::new();
    for v in &data.videos {
        *per_subject.entry(v.subject.clone()).or_insert(0) += 1;
    }
    assert!(per_subject.keys().all(|s| s.starts_with('s')), "{per_subject:?}");
    assert!(per_subject.values().all(|n| *n == 2 * folders), "{per_subject:?}");
    // Frame counts are those of another decoder.
    let mut compared = 0;
    for entry in manifest["files"].as_array().unwrap() {
        let file = entry["file"].as_str().unwrap();
        for v in data.videos.iter().filter(|v| file == format!("weizmann4/{}", v.name)) {
            assert_eq!(entry["frames"].as_u64().unwrap(), u64::from(v.frames()), "{}", v.name);
            compared += 1;
        }
    }
    assert_eq!(compared, data.videos.len());
    let p = plan(&data, &RunConfig::reference()).unwrap();
    let test: BTreeSet<_> = p.subjects(&data, Split::Test).into_iter().collect();
    assert!(p.subjects(&data, Split::Train).iter().chain(&p.subjects(&data, Split::Val)).all(|s| !test.contains(s)));
}

/// Sixty subjects with 3,750 labelled frames each: 467 windows a subject at stride 8, 28,020 in all.
#[test]
#[ignore = "slow: writes and indexes 60 videos"]
fn inspecting_sixty_subjects_is_quick_once_indexed() {
    let (root, cache) = (temp(), temp());
    let (subjects, frames) = (60, 3750_u32);
    let anon = root.path().join("dataset/anon");
    std::fs::create_dir_all(&anon).unwrap();
    let first = anon.join("s00.mp4");
    let mut writer = kinolens::video::VideoWriter::create(&first, 64, 48, 30.0).unwrap();
    for n in 0..frames {
        let pixels: Vec<u8> = (0..64 * 48_u32).flat_map(|i| [(n + i) as u8, n as u8, i as u8]).collect();
        writer.push(&kinolens::domain::RgbImage::new(64, 48, pixels).unwrap()).unwrap();
    }
    writer.finish().unwrap();
    let mut split = String::from("subject,split\n");
    for s in 0..subjects {
        if s > 0 {
            std::fs::copy(&first, anon.join(format!("s{s:02}.mp4"))).unwrap();
        }
        let parts: Vec<(i64, u32)> = (0..75).map(|i| ((i + s) % 18 - 1, 50)).collect();
        write(root.path().join(format!("label/s{s:02}.csv")), &rows(true, &parts));
        split += &format!("s{s:02},{}\n", if s < 30 { "train" } else { "test" });
    }
    write(root.path().join("split.csv"), &split);
    let config = DataConfig::default();
    let inspect = || {
        let data = open_with_cache(root.path(), &config, Some(cache.path()), &Silent).unwrap();
        let mut clip = RunConfig::default().clip;
        clip.eval_stride = 8;
        statistics(&data, &clip, true)
    };
    let counted = inspect();
    assert_eq!((counted.subjects, counted.videos), (60, 60));
    // One file under sixty names, labelled in sixty ways and in both splits: two sentences about it, none about anything else.
    assert!(counted.warnings.iter().all(|w| w.message.contains("are the same file")), "{:?}", counted.warnings);
    assert_eq!(counted.warnings.len(), 2);
    assert_eq!(counted.classes.iter().map(|c| c.clips).sum::<u64>(), 28_020);
    assert_eq!(counted.classes.iter().map(|c| c.frames).sum::<u64>(), 225_000);
    let started = std::time::Instant::now();
    assert_eq!(inspect(), counted);
    let took = started.elapsed();
    eprintln!("{} windows inspected in {took:?}", 28_020);
    assert!(took.as_secs_f64() < 2.0, "{took:?}");
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|l| l.starts_with("VmRSS:")).unwrap();
        let kib: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        eprintln!("{} MB resident", kib / 1024);
        assert!(kib < 300 * 1024, "{line}");
    }
}
