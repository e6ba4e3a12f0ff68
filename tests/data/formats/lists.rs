//! Lists of videos as people have them: UCF101, Kinetics, Jester, SlowFast, tables with and without intervals.

use super::{by_name, names};
use crate::support::datasets::{open, temp, try_open, video, warns, write};
use kinolens::config::DataConfig;
use kinolens::data::open_with_cache;
use kinolens::domain::{Dataset, Label, Reason, Split, Task};
use kinolens::progress::Silent;
use std::path::Path;

/// Name, split and class of every video.
fn table(data: &Dataset) -> Vec<(String, Split, Option<String>)> {
    let class = |l: Label| l.class().map(|c| data.classes.name(c).to_owned());
    data.videos.iter().map(|v| (v.name.clone(), v.split, v.labels.at(0).and_then(class))).collect()
}

fn rows(expected: &[(&str, Split, &str)]) -> Vec<(String, Split, Option<String>)> {
    expected.iter().map(|(n, s, c)| ((*n).to_owned(), *s, (!c.is_empty()).then(|| (*c).to_owned()))).collect()
}

fn class_names(data: &Dataset) -> Vec<&str> {
    data.classes.classes.iter().map(|c| c.name.as_str()).collect()
}

/// An empty file that is called like a video: it stands in the dataset, with a warning that it does not open.
fn file(path: impl AsRef<Path>) {
    write(path, "");
}

#[test]
fn names_match_in_spite_of_case_and_accents_and_this_is_said_once() {
    let root = temp();
    let r = root.path();
    for (part, clip) in [("train", "g08"), ("train", "g09"), ("test", "g01")] {
        file(r.join(format!("{part}/HandstandPushups/v_HandstandPushups_{clip}_c01.avi")));
        file(r.join(format!("{part}/U\u{308}bung/v_U\u{308}bung_{clip}_c01.AVI")));
    }
    let row = |part: &str, class: &str, clip: &str| format!("/{part}/{class}/v_{class}_{clip}_c01.avi,{class}\n");
    let rows_of = |part: &str, clips: &[&str]| {
        let rows = clips.iter().flat_map(|c| [row(part, "HandStandPushups", c), row(part, "\u{dc}bung", c)]);
        "clip_path,label\n".to_owned() + &rows.collect::<String>()
    };
    write(r.join("train.csv"), &rows_of("train", &["g08", "g09"]));
    write(r.join("test.csv"), &rows_of("test", &["g01"]));
    let data = open(r);
    assert_eq!(class_names(&data), ["HandStandPushups", "\u{dc}bung"]);
    let count = |split, class| table(&data).iter().filter(|v| v.1 == split && v.2.as_deref() == Some(class)).count();
    for class in ["HandStandPushups", "\u{dc}bung"] {
        assert_eq!((count(Split::Train, class), count(Split::Test, class)), (2, 1), "{class}");
    }
    let told: Vec<_> = data.warnings.iter().filter(|w| w.message.contains("spelt")).collect();
    assert!(told.len() == 1 && told[0].message.contains("6 videos"), "{told:?}");
    // Two classes that differ in case only are one, and that is said.
    write(r.join("test.csv"), &rows_of("test", &["g01"]).replace(",HandStandPushups", ",handstandpushups"));
    let data = open(r);
    assert_eq!(class_names(&data), ["HandStandPushups", "\u{dc}bung"]);
    assert!(warns(&data, "test.csv", &["'handstandpushups' is taken as 'HandStandPushups'"]), "{:#?}", data.warnings);
}

#[test]
fn lists_of_paths_and_numbers_are_read_from_the_end() {
    for (name, row) in [
        ("train.csv", "videos/clip right {}.mp4 {}\n"),
        ("mini_train_list_videos.txt", "clip right {}.mp4\t{}\r\n"),
        ("train.txt", "C:\\data\\videos\\clip right {}.mp4,{}\r"),
        ("train.txt", "videos/clip right {}.mp4;{}\n"),
        ("TRAIN_LIST.TXT", "/other/machine/clip right {}.mp4   {}\n\n"),
    ] {
        let root = temp();
        let r = root.path();
        let mut text = String::new();
        for i in 0..4 {
            file(r.join(format!("videos/clip right {i}.mp4")));
            text += &row.replacen("{}", &i.to_string(), 1).replacen("{}", &(3 * (i % 2)).to_string(), 1);
        }
        write(r.join(name), &text);
        let data = open(r);
        assert_eq!(data.format, "list", "{name}");
        assert_eq!(data.classes.classes.iter().map(|c| c.id).collect::<Vec<_>>(), [0, 3], "{name}");
        let wanted: Vec<String> = (0..4).map(|i| format!("videos/clip right {i}.mp4")).collect();
        assert_eq!(names(&data), wanted, "{name}");
        let classes: Vec<_> = data.videos.iter().map(|v| v.labels.at(9)).collect();
        let (a, b) = (Some(Label::Class(0)), Some(Label::Class(1)));
        assert_eq!(classes, [a, b, a, b], "{name}");
    }
}

#[test]
fn folders_of_frames_have_a_count_before_their_label() {
    let root = temp();
    let r = root.path();
    for clip in ["a 1", "b 2", "c 3"] {
        video(r.join("rawframes").join(clip), 6);
    }
    write(r.join("train_list.txt"), "a 1 4 0\nb 2 9 1\nrawframes/c 3 6 x\n");
    write(r.join("val_list.txt"), "c 3 6 1\ngone 6 0\n");
    write(r.join("label_map.txt"), "nod\nbow\nnever\n");
    let data = open(r);
    assert_eq!(class_names(&data), ["nod", "bow", "never"]);
    assert_eq!(
        table(&data),
        rows(&[
            ("rawframes/a 1", Split::Train, "nod"),
            ("rawframes/b 2", Split::Train, "bow"),
            ("rawframes/c 3", Split::Val, "bow")
        ])
    );
    let a = by_name(&data, "rawframes/a 1");
    assert_eq!((a.labels.at(3), a.labels.at(4)), (Some(Label::Class(0)), None));
    assert!(warns(&data, "rawframes/b 2", &["train_list.txt line 2", "9 frames", "6"]), "{:#?}", data.warnings);
    assert!(warns(&data, "gone", &["val_list.txt line 2"]), "{:#?}", data.warnings);
    // `x` is no number, so the whole rest of the line would have to be a path.
    assert!(data.warnings.iter().any(|w| w.message.contains("train_list.txt line 3")), "{:#?}", data.warnings);
}

#[test]
fn lists_that_count_from_one_are_told_by_their_folders() {
    let root = temp();
    let r = root.path();
    for class in ["bow", "nod", "wave"] {
        file(r.join(format!("{class}/{class}.mp4")));
    }
    write(r.join("label_map.txt"), "bow\nnod\nwave\n");
    // No row of the last class: the numbers alone would not tell.
    write(r.join("train.txt"), "bow/bow.mp4 1\nnod/nod.mp4 2\n");
    let data = open(r);
    assert_eq!(table(&data), rows(&[("bow/bow.mp4", Split::Train, "bow"), ("nod/nod.mp4", Split::Train, "nod")]));
    assert!(warns(&data, "train.txt", &["count from 1", "'bow'"]), "{:#?}", data.warnings);
    assert!(data.warnings.iter().any(|w| w.message.contains("wave/wave.mp4")), "{:#?}", data.warnings);
}

/// First frame, end and classes of an instance.
type Labelled = (u32, u32, Vec<usize>);

/// Classes of every instance, and its frames.
fn labels(data: &Dataset) -> Vec<(&str, Split, Vec<Labelled>)> {
    let of = |v: &kinolens::domain::VideoEntry| {
        v.instances.iter().map(|i| (i.start, i.end, i.label.classes().to_vec())).collect::<Vec<_>>()
    };
    data.videos.iter().map(|v| (v.name.as_str(), v.split, of(v))).collect()
}

#[test]
fn several_labels_of_one_video_make_the_lists_multi_label() {
    let root = temp();
    let r = root.path();
    for clip in ["a 1", "b", "c", "d", "e"] {
        video(r.join("rawframes").join(clip), 6);
    }
    write(r.join("train_list.txt"), "a 1 4 2 0\nb 9 1\na 1 4 2\nc 6 1 7\nd 0 1\ne 6 0 -1\n");
    write(r.join("val_list.txt"), "d 6 -1\ne 6\n");
    write(r.join("label_map.txt"), "nod\nbow\nwave\n");
    let data = open(r);
    assert_eq!((data.format.as_str(), data.task), ("list", Task::MultiLabel));
    assert_eq!(
        labels(&data),
        [
            ("rawframes/a 1", Split::Train, vec![(0, 4, vec![0, 2])]),
            ("rawframes/b", Split::Train, vec![(0, 6, vec![1])]),
            ("rawframes/d", Split::Val, vec![(0, 6, vec![])]),
            ("rawframes/e", Split::Val, vec![(0, 6, vec![])]),
        ]
    );
    let entries =
        |entries: &[kinolens::domain::LedgerEntry]| entries.iter().map(|e| (e.line, e.reason)).collect::<Vec<_>>();
    let bad = Reason::BadNumber;
    assert_eq!(entries(&data.ledger.ignored), [(3, Reason::Conflict), (4, Reason::UnknownClass), (5, bad), (6, bad)]);
    assert_eq!(entries(&data.ledger.adjusted), [(2, Reason::ShortFolder)]);
    assert_eq!((data.ledger.rows, data.ledger.used(), data.ledger.unlabelled.len()), (8, 2, 2));
    assert!(warns(&data, "train_list.txt", &["line 4", "no class 7"]), "{:#?}", data.warnings);
    assert!(warns(&data, "rawframes/b", &["train_list.txt line 2", "9 frames", "6"]), "{:#?}", data.warnings);
}

#[test]
fn an_offset_before_the_frame_count_is_a_choice() {
    let root = temp();
    let r = root.path();
    video(r.join("rawframes/a"), 20);
    video(r.join("rawframes/b"), 6);
    write(r.join("train_list.txt"), "a 2 5 0\na 7 3 1\nb 0 6 1\n");
    let data = open(r);
    assert_eq!(data.task, Task::MultiLabel);
    assert!(warns(&data, "train_list.txt", &["line 1", "3 numbers", "offset=yes"]), "{:#?}", data.warnings);
    let choose = |value: &str| DataConfig { choices: vec![("offset".into(), value.into())], ..DataConfig::default() };
    let chosen = open_with_cache(r, &choose("yes"), None, &Silent).unwrap();
    let truth = [
        ("rawframes/a", Split::Train, vec![(2, 7, vec![0]), (7, 10, vec![1])]),
        ("rawframes/b", Split::Train, vec![(0, 6, vec![1])]),
    ];
    assert_eq!((chosen.task, labels(&chosen)), (Task::SingleLabel, truth.to_vec()));
    let offered: Vec<_> = chosen.choices.iter().map(|c| (c.key.as_str(), c.value.as_str())).collect();
    assert_eq!(offered, [("offset", "yes")]);
    assert!(open_with_cache(r, &choose("maybe"), None, &Silent).unwrap_err().to_string().contains("no, yes"));
}

fn ucf101(r: &Path) {
    for (class, clips) in [("Archery", ["g01", "g08", "g09"]), ("BabyCrawling", ["g01", "g08", "g09"])] {
        for clip in clips {
            file(r.join(format!("UCF-101/{class}/v_{class}_{clip}_c01.avi")));
        }
    }
    let list = |train: &[&str], number: bool| -> String {
        let rows = ["Archery", "BabyCrawling"].into_iter().enumerate().flat_map(|(i, class)| {
            let number = if number { format!(" {}", i + 1) } else { String::new() };
            train.iter().map(move |g| format!("{class}/v_{class}_{g}_c01.avi{number}\r\n"))
        });
        rows.collect()
    };
    let dir = r.join("ucfTrainTestlist");
    write(dir.join("classInd.txt"), "\u{feff}1 Archery\r\n2 BabyCrawling\r\n");
    write(dir.join("trainlist01.txt"), &list(&["g08", "g09"], true));
    write(dir.join("testlist01.txt"), &list(&["g01"], false));
    write(dir.join("trainlist02.txt"), &list(&["g01"], true));
    write(dir.join("testlist02.txt"), &list(&["g08", "g09"], false));
}

#[test]
fn ucf101_opens_as_it_is_unpacked_with_the_fold_one_asks_for() {
    let root = temp();
    let r = root.path();
    ucf101(r);
    let in_test = |data: &Dataset| -> Vec<String> {
        data.videos.iter().filter(|v| v.split == Split::Test).map(|v| v.subject.clone()).collect()
    };
    let data = open(r);
    assert_eq!((data.format.as_str(), class_names(&data)), ("ucf101-splits", vec!["Archery", "BabyCrawling"]));
    assert_eq!(data.classes.classes[1].id, 2);
    assert_eq!((data.videos.len(), in_test(&data)), (6, vec!["g01".to_owned(), "g01".to_owned()]));
    assert!(data.warnings.iter().any(|w| w.message.contains("fold 1 of 1, 2") && w.message.contains("data.fold")));
    let of_fold = |fold| open_with_cache(r, &DataConfig { fold: Some(fold), ..DataConfig::default() }, None, &Silent);
    assert_eq!(in_test(&of_fold(2).unwrap()), ["g08", "g09", "g08", "g09"]);
    let error = of_fold(7).unwrap_err().to_string();
    assert!(error.contains("data.fold is 7") && error.contains("1, 2"), "{error}");
    // The folder around it opens as well.
    assert_eq!(open(r.join("UCF-101")).format, "class-folders");
}

#[test]
fn kinetics_tables_name_cut_videos_in_folders_spelt_in_any_way() {
    let root = temp();
    let r = root.path();
    for path in [
        "train/shaking_hands/-a0_riXtz9q_000000_000010.mp4",
        "train/waxing_skis,_indoors/b1_upXtz9q__000010_000020.MP4",
        "val/-a0_riXvz9q_000000_000010.mkv",
        "test/zz_upXvz9q9_000020_000030.mp4",
    ] {
        file(r.join(path));
    }
    write(
        r.join("annotations/kinetics_400_train.csv"),
        "split;is_cc;youtube_id;time_start;time_end;label\ntrain;0;-a0_riXtz9q;0,0;10,0;shaking hands\n\
         train;0;b1_upXtz9q_;10;20;\"waxing skis; indoors\"\ntrain;0;gone;1;2;shaking hands\n",
    );
    write(
        r.join("annotations/kinetics_400_validate.csv"),
        "label,youtube_id,time_start,time_end\nshaking hands,-a0_riXvz9q,0,10\n",
    );
    write(r.join("annotations/kinetics_400_test.csv"), "youtube_id,time_start,time_end\rzz_upXvz9q9,20,30\r");
    let data = open(r);
    assert_eq!(data.format, "kinetics-csv");
    let mut seen = table(&data);
    seen.sort();
    let mut wanted = rows(&[
        ("train/shaking_hands/-a0_riXtz9q_000000_000010.mp4", Split::Train, "shaking hands"),
        ("train/waxing_skis,_indoors/b1_upXtz9q__000010_000020.MP4", Split::Train, "waxing skis; indoors"),
        ("val/-a0_riXvz9q_000000_000010.mkv", Split::Val, "shaking hands"),
        ("test/zz_upXvz9q9_000020_000030.mp4", Split::Test, ""),
    ]);
    wanted.sort();
    assert_eq!(seen, wanted);
    assert!(
        warns(&data, "kinetics_400_train.csv", &["1 video listed here is not there", "line 4"]),
        "{:#?}",
        data.warnings
    );
    assert!(data.videos.iter().all(|v| v.subject.is_empty()));
}

#[test]
fn names_of_kinetics_match_in_spite_of_case_and_spaces() {
    let root = temp();
    let r = root.path();
    video(r.join("videos/a1_000000_000010"), 3);
    video(r.join("videos/b1_UP_000010_000020"), 3);
    write(
        r.join("annotations/val.csv"),
        "label,youtube_id,time_start,time_end\nshaking hands ,a1,0,10\n-1,B1_up,10,20\nshaking hands,a2,0,10\n",
    );
    let data = open(r);
    assert_eq!((data.format.as_str(), class_names(&data)), ("kinetics-csv", vec!["shaking hands"]));
    assert_eq!(
        table(&data),
        rows(&[
            ("videos/a1_000000_000010", Split::Val, "shaking hands"),
            ("videos/b1_UP_000010_000020", Split::Val, "")
        ])
    );
    let entries =
        |entries: &[kinolens::domain::LedgerEntry]| entries.iter().map(|e| (e.line, e.reason)).collect::<Vec<_>>();
    assert_eq!(entries(&data.ledger.adjusted), [(2, Reason::Trimmed)]);
    assert_eq!(entries(&data.ledger.unlabelled), [(3, Reason::NoLabel)]);
    assert_eq!(entries(&data.ledger.ignored), [(4, Reason::MissingVideo)]);
    assert!(warns(&data, "val.csv", &["1 video is spelt", "line 3"]), "{:#?}", data.warnings);
}

#[test]
fn jester_lists_have_semicolons_and_no_header() {
    for (prefix, folder, dir) in [
        ("jester-v1-", "20bn-jester-v1", ""),
        ("something-something-v1-", "20bn-something-something-v1", ""),
        ("", "frames", "labels/"),
    ] {
        let root = temp();
        let r = root.path();
        for id in 1..=4 {
            video(r.join(folder).join(id.to_string()), 3);
        }
        let file = |name: &str| r.join(format!("{dir}{prefix}{name}.csv"));
        write(file("labels"), "Swiping Right \nPushing [Something], \"away\"; left\n");
        write(file("train"), "1;Swiping Right\n2; Pushing [Something], \"away\"; left\n9;Swiping Right\n2;Nothing\n");
        write(file("validation"), "3;Swiping Right");
        write(file("test"), "4\n");
        let data = open(r);
        assert_eq!(
            (data.format.as_str(), class_names(&data)),
            ("jester", vec!["Swiping Right", "Pushing [Something], \"away\"; left"])
        );
        let name = |id: u32| format!("{folder}/{id}");
        assert_eq!(
            table(&data),
            rows(&[
                (&name(1), Split::Train, "Swiping Right"),
                (&name(2), Split::Train, "Pushing [Something], \"away\"; left"),
                (&name(3), Split::Val, "Swiping Right"),
                (&name(4), Split::Test, ""),
            ])
        );
        assert!(warns(&data, "train.csv", &["line 4", "'Nothing'"]), "{:#?}", data.warnings);
        assert!(warns(&data, "9", &["train.csv line 3"]), "{:#?}", data.warnings);
    }
}

#[test]
fn tables_know_many_names_and_refuse_others_with_what_they_would_accept() {
    let made = |header: &str| {
        let root = temp();
        for clip in ["a", "b"] {
            video(root.path().join("clips").join(clip), 3);
        }
        write(root.path().join("train.csv"), &format!("{header}\n7,clips/a,walk\n7,clips/b,run\n"));
        root
    };
    for header in [
        "subject_id,path,action",
        "id,Video Path,Category",
        "n,file_name,class_name",
        "x,video,Target",
        "x,clipPath,activity",
    ] {
        let data = open(made(header).path());
        assert_eq!((data.format.as_str(), class_names(&data)), ("ucf-csv", vec!["run", "walk"]), "{header}");
    }
    for (header, missing) in [("x,where,label", "x, where, label"), ("x,path,mood", "x, path, mood")] {
        let error = try_open(made(header).path()).unwrap_err().to_string();
        for part in ["train.csv line 1", missing, "'clip_path'", "'category'"] {
            assert!(
                error.contains(part) || (part == "train.csv line 1" && error.contains("train.csv")),
                "{part} in {error}"
            );
        }
    }
    let disagree = made("category,path,action");
    write(disagree.path().join("train.csv"), "category,path,action\nsport,clips/a,walk\nrest,clips/b,walk\n");
    let error = try_open(disagree.path()).unwrap_err().to_string();
    assert!(error.contains("'category'") && error.contains("'action'"), "{error}");
}

#[test]
fn tables_may_have_several_intervals_of_one_video() {
    for (header, parts) in [
        ("video_path,label,start_frame,end_frame", ["0,9", "10,19", "20,29"]),
        ("video_path,label,Start Frame,Stop Frame", ["0,10", "10,20", "20,30"]),
        ("video_path,label,first_frame,end_frame_exclusive", ["0,10", "10,20", "20,30"]),
        ("video_path,label,start_frame,stop_frame", ["1,10", "11,20", "21,30"]),
    ] {
        let root = temp();
        let r = root.path();
        video(r.join("videos/long"), 30);
        let rows: String =
            ["walk", "jump", "rest"].iter().zip(parts).map(|(c, p)| format!("videos/long,{c},{p}\n")).collect();
        write(r.join("train.csv"), &format!("{header}\n{rows}videos/long,walk,{}\n", parts[0]));
        let data = open(r);
        let video = by_name(&data, "videos/long");
        let runs: Vec<_> = video
            .labels
            .segments()
            .iter()
            .map(|s| (s.start, s.end, data.classes.name(s.label.class().unwrap())))
            .collect();
        assert_eq!(runs, [(0, 10, "walk"), (10, 20, "jump"), (20, 30, "rest")], "{header}");
        assert!(warns(&data, "videos/long", &["listed twice", "line 2", "line 5"]), "{:#?}", data.warnings);
    }
    let root = temp();
    let r = root.path();
    video(r.join("long"), 30);
    write(r.join("train.csv"), "path,label,start_frame,end_frame\nlong,walk,0,14\nlong,jump,10,19\nlong,rest,25,20\n");
    let data = open(r);
    assert!(warns(&data, "train.csv", &["line 2 and line 3", "10 to 14"]), "{:#?}", data.warnings);
    assert!(warns(&data, "train.csv", &["line 4", "start lies after the end"]), "{:#?}", data.warnings);
}

#[test]
fn a_list_without_classes_leaves_its_videos_unlabelled() {
    let root = temp();
    let r = root.path();
    for clip in ["w0", "j0", "w4"] {
        video(r.join("clips").join(clip), 3);
    }
    write(r.join("train.csv"), "path,label\nclips/w0,walk\nclips/j0,jump\n");
    write(r.join("test.csv"), "path\nclips/w4\n");
    let data = open(r);
    assert_eq!(
        table(&data),
        rows(&[("clips/j0", Split::Train, "jump"), ("clips/w0", Split::Train, "walk"), ("clips/w4", Split::Test, "")])
    );
    assert!(warns(&data, "test.csv", &["no column of classes"]), "{:#?}", data.warnings);
    // A list to be judged on that cannot be read does not take the training list with it; the other way round it does.
    write(r.join("test.csv"), "where,what\nclips/w4,walk\n");
    let data = open(r);
    assert_eq!(names(&data), ["clips/j0", "clips/w0"]);
    assert!(warns(&data, "test.csv", &["where, what", "left out"]), "{:#?}", data.warnings);
    std::fs::rename(r.join("train.csv"), r.join("val.csv")).unwrap();
    std::fs::rename(r.join("test.csv"), r.join("train.csv")).unwrap();
    let error = try_open(r).unwrap_err().to_string();
    assert!(error.contains("train.csv") && error.contains("where, what"), "{error}");
}

#[test]
fn a_list_opens_by_itself() {
    let root = temp();
    let r = root.path();
    for clip in ["w0", "j0", "w4", "j4"] {
        video(r.join("clips").join(clip), 3);
    }
    write(r.join("train.csv"), "path,label\nclips/w0,walk\nclips/j0,jump\n");
    write(r.join("my labels.csv"), "file;class;split\nw0;walk;training\nj4;jump;test\n");
    let data = open(r.join("train.csv"));
    assert_eq!(table(&data), rows(&[("clips/j0", Split::Train, "jump"), ("clips/w0", Split::Train, "walk")]));
    write(r.join("all_train.csv"), "path,label,set\nclips/w0,walk,train\nclips/w4,jump,test\n");
    let data = open(r.join("all_train.csv"));
    assert_eq!(table(&data), rows(&[("clips/w0", Split::Train, "walk"), ("clips/w4", Split::Test, "jump")]));
    let data = open(r.join("my labels.csv"));
    assert_eq!(table(&data), rows(&[("clips/j4", Split::Test, "jump"), ("clips/w0", Split::Train, "walk")]));
    let ucf = temp();
    ucf101(ucf.path());
    let data = open(ucf.path().join("ucfTrainTestlist/testlist01.txt"));
    assert_eq!((data.format.as_str(), data.videos.len()), ("list", 2));
}

#[test]
fn the_longest_path_that_is_here_wins_and_other_classes_are_never_meant() {
    let root = temp();
    let r = root.path();
    for path in ["walk/1.mp4", "run/1.mp4", "run/2.mp4", "deep/er/run/3.mp4", "both/4.mp4", "too/4.mp4"] {
        file(r.join(path));
    }
    write(
        r.join("train.csv"),
        "path,class\nD:\\sets\\walk\\1.avi,walk\n/data/run/1.mp4,run\nwalk/2.mp4,walk\n3,run\n4.mp4,run\n../run/2.mp4,run\n",
    );
    let data = open(r);
    assert_eq!(
        table(&data),
        rows(&[
            ("deep/er/run/3.mp4", Split::Train, "run"),
            ("run/1.mp4", Split::Train, "run"),
            ("walk/1.mp4", Split::Train, "walk")
        ])
    );
    for line in [4, 6, 7] {
        assert!(
            data.warnings.iter().any(|w| w.message.contains(&format!("train.csv line {line}"))),
            "{line}: {:#?}",
            data.warnings
        );
    }
}

#[test]
fn a_name_that_fits_two_files_is_told_with_both() {
    let reason = |files: &[&str], list: &str, text: &str| {
        let root = temp();
        files.iter().chain(&["videos/b.mp4"]).for_each(|f| file(root.path().join(f)));
        write(root.path().join(list), text);
        let data = open(root.path());
        let names: Vec<&str> = data.videos.iter().map(|v| v.name.as_str()).collect();
        assert_eq!(names, ["videos/b.mp4"], "{files:?}");
        assert!(!data.warnings.iter().any(|w| w.message.contains("no such video")), "{:#?}", data.warnings);
        let said = data.warnings.iter().find(|w| w.message.contains("2 files fit")).cloned();
        let said = said.unwrap_or_else(|| panic!("{files:?}: {:#?}", data.warnings));
        assert!(said.path.ends_with(list) && said.message.contains("line"), "{said:?}");
        for file in files {
            assert!(said.message.contains(file), "{said:?}");
        }
    };
    // By the name without its ending, in two folders, and by case.
    reason(&["videos/a.mp4", "videos/a.avi"], "train.csv", "path,class\na,x\nb,y\n");
    reason(&["videos/a.mp4", "other/a.mp4"], "train.csv", "path,class\na.mp4,x\nb.mp4,y\n");
    reason(&["videos/A.mp4", "videos/a.MP4"], "train.csv", "path,class\nvideos/a.mp4,x\nvideos/b.mp4,y\n");
    reason(&["videos/a.mp4", "other/a.mp4"], "train.txt", "a.mp4 0\nb.mp4 1\n");
    reason(&["videos/a.mp4", "videos/a.mkv"], "train.txt", "videos/b.mp4 1\nvideos/a 0\n");
}

#[test]
fn a_wrong_number_in_a_list_of_ucf101_drops_no_video() {
    let root = temp();
    let r = root.path();
    for clip in ["ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi", "ApplyEyeMakeup/v_ApplyEyeMakeup_g02_c01.avi"] {
        file(r.join("UCF-101").join(clip));
    }
    file(r.join("UCF-101/Archery/v_Archery_g01_c01.avi"));
    write(r.join("ucfTrainTestlist/classInd.txt"), "1 ApplyEyeMakeup\n2 Archery\n");
    let rows = "ApplyEyeMakeup/v_ApplyEyeMakeup_g01_c01.avi 2\nArchery/v_Archery_g01_c01.avi 2\n";
    write(r.join("ucfTrainTestlist/trainlist01.txt"), rows);
    write(r.join("ucfTrainTestlist/testlist01.txt"), "ApplyEyeMakeup/v_ApplyEyeMakeup_g02_c01.avi\n");
    let data = open(r);
    let of = |name: &str| table(&data).into_iter().find(|v| v.0.ends_with(name)).unwrap().2;
    assert_eq!(data.videos.len(), 3, "{:#?}", data.warnings);
    assert_eq!(of("v_ApplyEyeMakeup_g01_c01.avi").as_deref(), Some("Archery"));
    assert!(warns(&data, "trainlist01.txt", &["line 1", "the number counts"]), "{:#?}", data.warnings);
    assert!(!data.warnings.iter().any(|w| w.message.contains("no such video")), "{:#?}", data.warnings);
}

#[test]
fn words_for_missing_values_are_no_silent_classes() {
    let opened = |text: &str| {
        let root = temp();
        (0..6).for_each(|n| file(root.path().join(format!("videos/v{n}.mp4"))));
        write(root.path().join("train.csv"), text);
        open(root.path())
    };
    // Among numbers: no class, and the row is named.
    for word in ["nan", "NA", "NULL", "N/A"] {
        let data = opened(&format!("video,label\nv0.mp4,1\nv1.mp4,2.0\nv2.mp4,{word}\nv3.mp4,2\n"));
        assert_eq!(data.classes.classes.iter().map(|c| c.id).collect::<Vec<_>>(), [1, 2], "{word}");
        assert_eq!(data.videos.len(), 3);
        assert!(warns(&data, "train.csv", &["line 4", word, "no class number"]), "{:#?}", data.warnings);
    }
    // Among names: said.
    let data = opened("video,label\nv0.mp4,a\nv1.mp4,NA\nv2.mp4,b\nv3.mp4,\nv4.mp4,NULL\n");
    assert!(warns(&data, "train.csv", &["line 3", "'NA'", "2 rows", "missing values"]), "{:#?}", data.warnings);
    let data = opened("video,label\nv0.mp4,a\nv1.mp4,banana\n");
    assert!(!data.warnings.iter().any(|w| w.message.contains("missing values")), "{:#?}", data.warnings);
}
