//! Corrections of labels: laid over what the files say, told where they do not fit, and the same once they stand in files.

use crate::support::datasets::{clip, open, temp, video, warns, write};
use kinolens::config::{DataConfig, RunConfig, TableColumns};
use kinolens::data::{
    CORRECTIONS_FILE, DataError, NO_CORRECTIONS, corrections_document, look_into_all, open_above, open_with_cache,
    plan, write_labels,
};
use kinolens::domain::{CorrectionCounts, Dataset, Instance, Label, LabelMap, Split, Task};
use kinolens::progress::Silent;
use std::path::Path;
use std::sync::Arc;

fn with(root: &Path, data: DataConfig) -> Result<Dataset, DataError> {
    open_with_cache(root, &data, None, &Silent)
}

fn plain(root: &Path) -> Dataset {
    with(root, DataConfig { corrections: Some(NO_CORRECTIONS.into()), ..DataConfig::default() }).unwrap()
}

/// `walk` 0 to 3, `run` 4 to 6, background 7 and 8, `idle` 9 to 11, `run` 12 and 13.
fn exercise(root: &Path) {
    video(root.join("anon/s1"), 14);
    video(root.join("anon/s2"), 3);
    let labels =
        ["walk"; 4].into_iter().chain(["run"; 3]).chain(["background"; 2]).chain(["idle"; 3]).chain(["run"; 2]);
    let rows: String = labels.enumerate().map(|(i, l)| format!("{i},{l}\n")).collect();
    write(root.join("label/s1.csv"), &format!("frame,class\n{rows}"));
    write(root.join("label/s2.csv"), "frame,class\n0,walk\n1,walk\n2,walk\n");
}

/// The edge between walk and run moves by one frame, idle is run, and the background is walk on its first frame.
const EXERCISE: &str = r#"(version: 1, videos: {"anon/s1": [
    (original: Some((start: 0, end: 4, label: Classes(["walk"]))), corrected: Some((start: 0, end: 5, label: Classes(["walk"])))),
    (original: Some((start: 4, end: 7, label: Classes(["run"]))), corrected: Some((start: 5, end: 7, label: Classes(["run"])))),
    (original: Some((start: 9, end: 12, label: Classes(["idle"]))), corrected: Some((start: 9, end: 12, label: Classes(["run"]))), note: "runs"),
    (original: Some((start: 7, end: 9, label: Background)), corrected: Some((start: 8, end: 9, label: Background))),
    (original: None, corrected: Some((start: 7, end: 8, label: Classes(["walk"])))),
]})"#;

fn runs(data: &Dataset, video: usize) -> Vec<(u32, u32, Option<String>)> {
    let name = |l: Label| l.class().map(|c| data.classes.name(c).to_owned());
    let video = &data.videos[video];
    video.labels.clipped(video.frames()).map(|s| (s.start, s.end, name(s.label))).collect()
}

/// First frame, the one behind the last, names of classes, and background.
type PartRow = (u32, u32, Vec<String>, Option<Label>);

fn parts(data: &Dataset) -> Vec<Vec<PartRow>> {
    let names = |i: &Instance| i.label.classes().iter().map(|c| data.classes.name(*c).to_owned()).collect();
    // Classes go by name; background has none.
    let background = |i: &Instance| i.label.single().filter(|l| *l == Label::Background);
    let of = |v: &kinolens::domain::VideoEntry| {
        v.instances.iter().map(|i| (i.start, i.end, names(i), background(i))).collect()
    };
    data.videos.iter().map(of).collect()
}

#[test]
fn frames_are_labelled_as_corrected_and_the_files_stay() {
    let root = temp();
    exercise(root.path());
    let before = plain(root.path());
    assert!(before.corrections.is_none() && open(root.path()).fingerprint == before.fingerprint);
    write(root.path().join(CORRECTIONS_FILE), EXERCISE);
    let data = open(root.path());
    let (walk, run) = (Some("walk".to_owned()), Some("run".to_owned()));
    let expected =
        [(0, 5, walk.clone()), (5, 7, run.clone()), (7, 8, walk.clone()), (8, 9, None), (9, 14, run.clone())];
    assert_eq!(runs(&data, 0), expected);
    assert_eq!(data.videos[0].instances.len(), 5, "idle and the run behind it are one");
    assert_eq!(runs(&data, 1), runs(&before, 1));
    assert_eq!(data.correction_counts(), CorrectionCounts { changed: 4, added: 1, removed: 0, not_applied: 0 });
    assert_ne!(data.fingerprint, before.fingerprint);
    assert_eq!(plain(root.path()).fingerprint, before.fingerprint);
    assert!(!data.warnings.iter().any(|w| w.path.ends_with(CORRECTIONS_FILE)), "{:?}", data.warnings);
    // Clips are cut from what is corrected.
    let mut config = RunConfig::reference();
    (config.clip.length, config.clip.train_stride) = (2, 2);
    let clips = |data: &Dataset| {
        let plan = plan(data, &config).unwrap();
        let all = [plan.train, plan.val, plan.test].concat();
        let mut of: Vec<_> = all.iter().filter(|c| c.video == 0).map(|c| (c.start, c.label)).collect();
        of.sort();
        of
    };
    let class = |data: &Dataset, name: &str| Label::Class(data.classes.by_name(name).unwrap());
    let label = |data: &Dataset, start: u32| clips(data).iter().find(|c| c.0 == start).and_then(|c| c.1);
    assert_eq!(label(&before, 10), Some(class(&before, "idle")));
    assert_eq!(label(&data, 10), Some(class(&data, "run")));
    let document = corrections_document(&data, true);
    assert_eq!((document["changed"].as_u64(), document["not_applied"].as_u64()), (Some(4), Some(0)));
    assert_eq!(document["list"][2]["corrected"]["classes"][0], "run");
    assert_eq!((&document["list"][2]["note"], &document["list"][4]["kind"]), (&"runs".into(), &"added".into()));
}

#[test]
fn a_correction_whose_original_is_gone_is_told_and_nothing_of_its_video_is_applied() {
    let root = temp();
    exercise(root.path());
    write(root.path().join(CORRECTIONS_FILE), EXERCISE);
    let rows: String = (0..14).map(|i| format!("{i},{}\n", if i < 5 { "walk" } else { "idle" })).collect();
    write(root.path().join("label/s1.csv"), &format!("frame,class\n{rows}"));
    let data = open(root.path());
    assert_eq!(runs(&data, 0), [(0, 5, Some("walk".into())), (5, 14, Some("idle".into()))]);
    assert_eq!(data.correction_counts(), CorrectionCounts { not_applied: 5, ..CorrectionCounts::default() });
    assert!(warns(&data, CORRECTIONS_FILE, &["anon/s1", "walk, frames 0 to 3", "not say that any more"]));
    // Of a video that is not there.
    write(root.path().join(CORRECTIONS_FILE), &EXERCISE.replace("anon/s1", "anon/s9"));
    let data = open(root.path());
    assert!(warns(&data, CORRECTIONS_FILE, &["anon/s9", "does not have"]));
    assert_eq!(data.correction_counts().not_applied, 5);
    // A damaged file is never passed over.
    write(root.path().join(CORRECTIONS_FILE), "(version: 1, videos: {");
    let error = with(root.path(), DataConfig::default()).unwrap_err().to_string();
    assert!(error.contains(CORRECTIONS_FILE), "{error}");
    let missing = DataConfig { corrections: Some("/nowhere/c.ron".into()), ..DataConfig::default() };
    assert!(with(root.path(), missing).is_err());
}

#[test]
fn a_label_map_sees_the_corrected_labels_and_a_large_dataset_has_the_same() {
    let root = temp();
    exercise(root.path());
    write(root.path().join(CORRECTIONS_FILE), EXERCISE);
    let map = LabelMap::parse(&["walk=move".into(), "run=move".into()], &[]).unwrap();
    let mapped = DataConfig { label_map: map, ..DataConfig::default() };
    let data = with(root.path(), mapped.clone()).unwrap();
    let moving = Some("move".to_owned());
    assert_eq!(runs(&data, 0), [(0, 8, moving.clone()), (8, 9, None), (9, 14, moving)]);
    for config in [DataConfig::default(), mapped] {
        let small = with(root.path(), config.clone()).unwrap();
        let large = open_above(root.path(), &config, None, 0, &Silent).unwrap();
        assert_eq!(large.pending(), 2);
        let none = DataConfig { corrections: Some(NO_CORRECTIONS.into()), ..config.clone() };
        assert_ne!(large.fingerprint, open_above(root.path(), &none, None, 0, &Silent).unwrap().fingerprint);
        let large = look_into_all(&Arc::new(large), &Silent).unwrap();
        assert_eq!((parts(&large), large.correction_counts()), (parts(&small), small.correction_counts()));
        assert_eq!(large.videos[0].labels, small.videos[0].labels);
    }
}

/// Copies what is below a folder.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        match entry.path().is_dir() {
            true => copy(&entry.path(), &target),
            false => drop(std::fs::copy(entry.path(), target).unwrap()),
        }
    }
}

#[test]
fn exported_label_files_say_what_the_corrections_do() {
    let (root, out, again) = (temp(), temp(), temp());
    exercise(root.path());
    copy(root.path(), again.path());
    write(root.path().join(CORRECTIONS_FILE), EXERCISE);
    let data = open(root.path());
    let exported = write_labels(&data, out.path()).unwrap();
    assert_eq!(exported.files.len(), 2);
    // By hand: frame 4 is walk, frame 9 run, frame 8 background.
    let text = std::fs::read_to_string(out.path().join("label/s1.csv")).unwrap();
    let row = |n: usize| text.lines().nth(n + 1).unwrap().to_owned();
    assert_eq!([row(4), row(8), row(9)], ["4,0,walk", "8,0,-1", "9,0,run"]);
    copy(out.path(), again.path());
    let read = open(again.path());
    assert!(read.corrections.is_none());
    assert_eq!((parts(&read), runs(&read, 0)), (parts(&data), runs(&data, 0)));
    assert!(read.warnings.is_empty(), "{:?}", read.warnings);
}

#[test]
fn exported_segmentation_says_what_the_corrections_do() {
    let (root, out, again) = (temp(), temp(), temp());
    video(root.path().join("videos/cheese"), 8);
    write(root.path().join("mapping.txt"), "0 take\n1 cut\n2 background\n");
    write(root.path().join("groundTruth/cheese.txt"), "take\ntake\ntake\ntake\ncut\ncut\nbackground\nbackground\n");
    copy(root.path(), again.path());
    let before = plain(root.path());
    let name = before.videos[0].name.clone();
    let taken = r#"original: Some((start: 0, end: 4, label: Classes(["take"])))"#;
    let cut = r#"original: Some((start: 4, end: 6, label: Classes(["cut"])))"#;
    write(
        root.path().join(CORRECTIONS_FILE),
        &format!(
            r#"(version: 1, videos: {{"{name}": [
                ({taken}, corrected: Some((start: 0, end: 2, label: Classes(["take"])))),
                ({cut}, corrected: Some((start: 3, end: 6, label: Classes(["cut"])))),
            ]}})"#
        ),
    );
    let data = open(root.path());
    let (take, cutting, rest) = (Some("take".to_owned()), Some("cut".to_owned()), Some("background".to_owned()));
    assert_eq!(runs(&data, 0), [(0, 2, take), (3, 6, cutting), (6, 8, rest)], "frame 2 is unlabelled");
    write_labels(&data, out.path()).unwrap();
    let text = std::fs::read_to_string(out.path().join("groundTruth/cheese.txt")).unwrap();
    assert_eq!(text, "take\ntake\nunlabelled\ncut\ncut\ncut\nbackground\nbackground\n");
    copy(out.path(), again.path());
    assert_eq!(runs(&open(again.path()), 0), runs(&data, 0));
}

#[test]
fn instances_are_changed_added_and_removed_and_read_again_from_a_table() {
    let root = temp();
    for (class, name) in [("jump", "a"), ("jump", "b"), ("run", "c")] {
        video(root.path().join(format!("train/{class}/{name}")), 10);
    }
    let jump =
        |rest: &str| format!(r#"[(original: Some((start: 0, end: 10, label: Classes(["jump"]))), corrected: {rest}"#);
    write(
        root.path().join(CORRECTIONS_FILE),
        &format!(
            r#"(version: 1, videos: {{
                "train/jump/a": {} (original: None, corrected: Some((start: 4, end: 8, label: Classes(["run"]))))],
                "train/jump/b": {}],
            }})"#,
            jump(r#"Some((start: 0, end: 6, label: Classes(["jump"]))),),"#),
            jump("None)"),
        ),
    );
    let data = open(root.path());
    let one = |start: u32, end: u32, name: &str| (start, end, vec![name.to_owned()], None);
    assert_eq!(parts(&data), [vec![one(0, 6, "jump"), one(4, 8, "run")], vec![], vec![one(0, 10, "run")]]);
    assert_eq!(data.correction_counts(), CorrectionCounts { changed: 1, added: 1, removed: 1, not_applied: 0 });
    let out = temp();
    let exported = write_labels(&data, out.path()).unwrap();
    let text = std::fs::read_to_string(out.path().join("labels.csv")).unwrap();
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(text.contains("train/jump/a,4,8,run,") && text.contains(",train\n"), "{text}");
    let table = exported.table;
    let none = Some(NO_CORRECTIONS.to_owned());
    let read = with(root.path(), DataConfig { table, corrections: none, ..DataConfig::default() }).unwrap();
    // A video without a row is none of the table's.
    let named = |data: &Dataset| -> Vec<_> {
        let videos = data.videos.iter().zip(parts(data)).filter(|(_, p)| !p.is_empty());
        videos.map(|(v, p)| (v.name.clone(), v.split, p)).collect()
    };
    assert_eq!(named(&read), named(&data));
}

#[test]
fn several_classes_a_clip_are_the_same_when_their_table_is_opened() {
    let root = temp();
    clip(root.path().join("Charades_v1_480/AB1CD.mp4"), 50, 25.0);
    clip(root.path().join("Charades_v1_480/AB3CD.mp4"), 50, 25.0);
    let header = "id,subject,scene,script,actions,length\n";
    let train = "AB1CD,XY1,Kitchen,x,c004 0.20 1.00;c001 0.60 2.0;c004 1.20 1.60;c001 1.20 1.60,2.0\n";
    write(root.path().join("Charades_v1_train.csv"), &format!("{header}{train}"));
    write(root.path().join("Charades_v1_test.csv"), &format!("{header}AB3CD,XY2,Hall,x,c001 0.0 0.4,2.0\n"));
    write(root.path().join("Charades_v1_classes.txt"), "c001 Opening a box\nc004 Waving, with both hands\n");
    let (video, both) = ("Charades_v1_480/AB1CD.mp4", r#"["Opening a box", "Waving, with both hands"]"#);
    write(
        root.path().join(CORRECTIONS_FILE),
        &format!(
            r#"(version: 1, videos: {{"{video}": [(
                original: Some((start: 5, end: 25, label: Classes(["Waving, with both hands"]))),
                corrected: Some((start: 4, end: 20, label: Classes({both}))),
            )]}})"#
        ),
    );
    let data = open(root.path());
    assert_eq!(data.task, Task::MultiLabel);
    let out = temp();
    let exported = write_labels(&data, out.path()).unwrap();
    assert!(exported.notes.is_empty(), "{:?}", exported.notes);
    let text = std::fs::read_to_string(out.path().join("labels.csv")).unwrap();
    assert!(text.contains(&format!("{video},4,20,\"Opening a box|Waving, with both hands\",XY1,train\n")), "{text}");
    // The words that the command line is told, and back.
    let table = exported.table.unwrap();
    let words = table.assignments();
    assert_eq!(words, "path=path,class=class,start=start,end=end,subject=subject,split=split,several=yes");
    assert_eq!(TableColumns::parse(&table.file, &words, Some(table.unit.name())).unwrap(), table);
    let none = Some(NO_CORRECTIONS.to_owned());
    let read =
        with(root.path(), DataConfig { table: Some(table), corrections: none, ..DataConfig::default() }).unwrap();
    assert!(read.task == Task::MultiLabel && read.classes.len() == 2);
    let all = |data: &Dataset| -> Vec<_> {
        let mut rows: Vec<_> = data.videos.iter().zip(parts(data)).collect::<Vec<_>>();
        rows.iter_mut().for_each(|(_, parts)| parts.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2))));
        rows.into_iter().map(|(v, parts)| (v.name.clone(), v.split, v.subject.clone(), parts)).collect()
    };
    assert_eq!(all(&read), all(&data));
    assert_eq!(all(&read)[0].3.len(), 4);
    assert_eq!(all(&read)[0].3[0].2.len(), 2, "{:?}", all(&read));
    // Who trains on it is taught the same.
    let mut config = RunConfig::reference();
    (config.clip.length, config.clip.train_stride) = (4, 4);
    let counts = |data: &Dataset| plan(data, &config).unwrap().class_counts(Split::Train);
    assert_eq!(counts(&read), counts(&data));
}
