//! Label maps over every kind of dataset: labels, counts and the ledger, with numbers counted by hand.

use crate::support::datasets::{temp, video, warns, write};
use kinolens::config::{DataConfig, RunConfig, TableColumns};
use kinolens::data::{DataError, as_configured, mapped_classes, open_with_cache, plan, statistics};
use kinolens::domain::{Becomes, ClassChange, Dataset, InstanceLabel, Label, LabelMap, Reason, Task};
use kinolens::progress::Silent;
use std::path::Path;
use std::sync::Arc;

fn map(relabel: &[&str], order: &[&str]) -> LabelMap {
    let own = |texts: &[&str]| texts.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    LabelMap::parse(&own(relabel), &own(order)).unwrap()
}

fn try_mapped(root: &Path, data: DataConfig, relabel: &[&str], order: &[&str]) -> Result<Dataset, DataError> {
    open_with_cache(root, &DataConfig { label_map: map(relabel, order), ..data }, None, &Silent)
}

fn mapped(root: &Path, relabel: &[&str], order: &[&str]) -> Dataset {
    try_mapped(root, DataConfig::default(), relabel, order).unwrap()
}

fn names(data: &Dataset) -> Vec<&str> {
    data.classes.classes.iter().map(|c| c.name.as_str()).collect()
}

/// Line, rows and reason of what is ignored; the ledger adds up.
fn ignored(data: &Dataset) -> Vec<(u32, u64, Reason)> {
    let ledger = &data.ledger;
    let rows = |entries: &[kinolens::domain::LedgerEntry]| entries.iter().map(|e| e.rows).sum::<u64>();
    assert_eq!(ledger.rows, ledger.used() + rows(&ledger.unlabelled) + rows(&ledger.ignored));
    ledger.ignored.iter().map(|e| (e.line, e.rows, e.reason)).collect()
}

/// A frame-wise dataset: `walk` 4, `run` 3, background 2, `idle` 3 frames, and `run` 2 once more.
fn frame_wise(root: &Path) {
    video(root.join("anon/s1"), 14);
    let labels =
        ["walk"; 4].into_iter().chain(["run"; 3]).chain(["background"; 2]).chain(["idle"; 3]).chain(["run"; 2]);
    let rows: String = labels.enumerate().map(|(i, l)| format!("{i},{l}\n")).collect();
    write(root.join("label/s1.csv"), &format!("frame,class\n{rows}"));
}

fn runs(data: &Dataset) -> Vec<(u32, u32, Option<&str>)> {
    let name = |l: Label| l.class().map(|c| data.classes.name(c));
    let video = &data.videos[0];
    video.labels.clipped(video.frames()).map(|s| (s.start, s.end, name(s.label))).collect()
}

#[test]
fn frames_of_merged_classes_are_one_run_and_those_left_out_are_unlabelled() {
    let root = temp();
    frame_wise(root.path());
    let data = mapped(root.path(), &["walk=move", "run=move", "idle="], &[]);
    assert_eq!(names(&data), ["move"]);
    assert_eq!(runs(&data), [(0, 7, Some("move")), (7, 9, None), (12, 14, Some("move"))]);
    let parts: Vec<_> = data.videos[0].instances.iter().map(|i| (i.start, i.end, i.label.clone())).collect();
    let moving = InstanceLabel::Class(0);
    assert_eq!(
        parts,
        [
            (0, 7, moving.clone()),
            (7, 9, InstanceLabel::Background),
            (9, 12, InstanceLabel::Unlabelled),
            (12, 14, moving)
        ]
    );
    // Fourteen rows behind the header; frames 9 to 11 stand in lines 11 to 13.
    assert_eq!((data.ledger.rows, data.ledger.used()), (14, 11));
    assert_eq!(ignored(&data), [(11, 3, Reason::LeftOut)]);
    let counted = statistics(&data, &RunConfig::reference().clip, false);
    let split = &counted.splits[0].1;
    assert_eq!((split.frames, split.background_frames, split.unlabelled_frames), (14, 2, 3));
    assert_eq!(counted.classes.iter().map(|c| (c.name.as_str(), c.frames)).collect::<Vec<_>>(), [("move", 9)]);
    // Its own classes stay visible, with what labelled them.
    let own = mapped_classes(&data);
    let rows: Vec<_> = own.as_array().unwrap().iter().map(|r| r.to_string()).collect();
    assert_eq!(rows.len(), 3);
    for (row, words) in rows.iter().zip([
        [r#""class":"idle""#, r#""becomes":"left-out""#, r#""frames":3"#, r#""instances":1"#],
        [r#""class":"run""#, r#""becomes":{"class":"move"}"#, r#""frames":5"#, r#""instances":2"#],
        [r#""class":"walk""#, r#""becomes":{"class":"move"}"#, r#""frames":4"#, r#""instances":1"#],
    ]) {
        assert!(words.iter().all(|w| row.contains(w)), "{row}");
    }
    // Background is a label of its own kind.
    let data = mapped(root.path(), &["idle=@background"], &["walk"]);
    assert_eq!(names(&data), ["walk", "run"]);
    assert_eq!(
        runs(&data),
        [(0, 4, Some("walk")), (4, 7, Some("run")), (7, 12, None), (12, 14, Some("run"))],
        "two runs of background are one"
    );
    assert_eq!((ignored(&data).len(), data.ledger.used()), (0, 14));
}

#[test]
fn the_fingerprint_knows_the_map_and_the_files() {
    let root = temp();
    frame_wise(root.path());
    let plain = mapped(root.path(), &[], &[]);
    let prints: Vec<String> = [
        (&["walk=move"][..], &[][..]),
        (&["walk=run"], &[]),
        (&["idle="], &[]),
        (&["idle=@background"], &[]),
        (&[], &["walk"]),
    ]
    .iter()
    .map(|(relabel, order)| {
        let data = mapped(root.path(), relabel, order);
        assert_eq!(data.files_fingerprint(), plain.fingerprint);
        data.fingerprint
    })
    .chain([plain.fingerprint.clone()])
    .collect();
    let different: std::collections::BTreeSet<&String> = prints.iter().collect();
    assert_eq!(different.len(), prints.len(), "{prints:?}");
    assert!(plain.mapped.is_none() && plain.files_fingerprint() == plain.fingerprint);
}

#[test]
fn folders_of_classes_that_are_left_out_are_rows_that_are_ignored() {
    let root = temp();
    for (class, videos) in [("bow", 2), ("nod", 1), ("wave", 3)] {
        for n in 0..videos {
            video(root.path().join(class).join(format!("p{n}_{class}")), 3);
        }
    }
    let data = mapped(root.path(), &["wave=", "nod=bow"], &[]);
    assert_eq!((names(&data), data.ledger.rows, data.ledger.used()), (vec!["bow"], 6, 3));
    assert_eq!(ignored(&data), [(0, 1, Reason::LeftOut); 3]);
    assert_eq!(data.videos.iter().filter(|v| v.is_labelled()).count(), 3);
    let changes = &data.mapped.as_ref().unwrap().changes;
    assert_eq!(ClassChange::words(changes), ["bow = nod", "left out: wave"]);
}

#[test]
fn sets_of_classes_lose_one_and_count_merged_ones_once() {
    let root = temp();
    let r = root.path();
    for clip in ["a", "b", "c", "d"] {
        video(r.join("rawframes").join(clip), 6);
    }
    write(r.join("train_list.txt"), "a 6 0 1\nb 6 1 2\nc 6 2\nd 6 0 2 3\n");
    write(r.join("val_list.txt"), "");
    write(r.join("label_map.txt"), "nod\nbow\nwave\njump\n");
    let data = mapped(r, &["bow=nod", "wave="], &["jump", "nod"]);
    assert_eq!((data.task, names(&data)), (Task::MultiLabel, vec!["jump", "nod"]));
    assert_eq!(data.classes.classes[1].source.as_deref(), Some("0 + 1"), "all numbers of the source");
    let sets: Vec<Vec<usize>> =
        data.videos.iter().map(|v| v.instances.iter().flat_map(|i| i.label.classes().to_vec()).collect()).collect();
    assert_eq!(sets, [vec![1], vec![1], vec![], vec![0, 1]]);
    assert_eq!((data.ledger.rows, data.ledger.used(), ignored(&data)), (4, 3, vec![(3, 1, Reason::LeftOut)]));
    let adjusted: Vec<_> = data.ledger.adjusted.iter().map(|e| (e.line, e.reason)).collect();
    assert_eq!(adjusted, [(2, Reason::LeftOut), (4, Reason::LeftOut)], "one of their classes is gone");
}

#[test]
fn instances_of_a_table_are_left_out_by_their_lines() {
    let root = temp();
    let r = root.path();
    video(r.join("a"), 12);
    write(r.join("rows.csv"), "clip,what,from,to\na,nod,0,4\na,bow,4,8\na,rest,8,10\na,nod,8,12\na,sit,20,30\n");
    let table = TableColumns::parse("rows.csv", "path=clip,class=what,start=from,end=to", Some("frames-0")).unwrap();
    let config = || DataConfig { table: Some(table.clone()), ..DataConfig::default() };
    let data = try_mapped(r, config(), &["rest=", "bow=nod"], &[]).unwrap();
    assert_eq!(names(&data), ["nod", "sit"]);
    assert_eq!((data.ledger.rows, data.ledger.used()), (5, 3));
    assert_eq!(ignored(&data), [(4, 1, Reason::LeftOut), (6, 1, Reason::PastEnd)]);
    let parts: Vec<_> = data.videos[0].instances.iter().map(|i| (i.start, i.end, i.label.single())).collect();
    let nod = Some(Label::Class(0));
    assert_eq!(parts, [(0, 4, nod), (4, 8, nod), (8, 10, None), (8, 12, nod)], "instances stay apart");
    // Clips are cut of what is left.
    let mut run = RunConfig::reference();
    (run.clip.length, run.clip.train_stride) = (4, 4);
    run.data.test_fraction = 0.5;
    let clips = plan(&data, &run).unwrap().train;
    assert_eq!(clips.iter().map(|c| c.start).collect::<Vec<_>>(), [0, 4, 8]);
}

#[test]
fn faults_name_the_dataset_and_the_class() {
    let root = temp();
    frame_wise(root.path());
    let fault = |relabel: &[&str]| {
        let error = try_mapped(root.path(), DataConfig::default(), relabel, &[]).unwrap_err();
        assert!(matches!(error, DataError::LabelMap { .. }), "{error}");
        error.to_string()
    };
    let place = root.path().display().to_string();
    for (relabel, words) in [
        (&["wlak=move"][..], &["'wlak'", "did you mean 'walk'?"][..]),
        (&["walk=a", "walk=b"], &["twice"]),
        (&["walk=idle", "idle="], &["'idle', which it leaves out"]),
        (&["walk=", "run=", "idle="], &["leaves no class"]),
    ] {
        let sentence = fault(relabel);
        assert!(sentence.contains(&place) && words.iter().all(|w| sentence.contains(w)), "{sentence}");
    }
    let data = mapped(root.path(), &["#17=gone"], &[]);
    assert!(warns(&data, "", &["no class has the number #17"]), "{:#?}", data.warnings);
}

#[test]
fn configurations_that_name_classes_by_number_still_do() {
    let root = temp();
    frame_wise(root.path());
    write(root.path().join("label/s1.csv"), "frame,class\n0,3\n1,3\n2,8\n3,8\n");
    let old = r#"(data: (class_names: [(3, "walk"), (8, "run"), (21, "never")], test_fraction: 0.5))"#;
    let mut config = RunConfig::from_ron(old).unwrap();
    let data = open_with_cache(root.path(), &config.data, None, &Silent).unwrap();
    assert_eq!(names(&data), ["walk", "run"]);
    assert_eq!(data.classes.classes.iter().map(|c| c.id).collect::<Vec<_>>(), [3, 8]);
    let again = RunConfig::from_ron(&config.to_ron()).unwrap();
    assert_eq!(again, config, "written in the new form");
    assert!(config.to_ron().contains("label_map") && !config.to_ron().contains("class_names"));
    config.set(r#"data.class_names=[[3,"sit"]]"#).unwrap();
    assert_eq!(config.data.label_map.rules.len(), 1);
    assert_eq!(config.data.label_map.rules[0].becomes, Becomes::Class("sit".into()));
    config.set(r#"data.label_map.order=["b","a"]"#).unwrap();
    assert_eq!(config.data.label_map.order, ["b", "a"]);
}

#[test]
fn a_row_that_is_left_out_ends_what_is_held() {
    let root = temp();
    video(root.path().join("anon/s1"), 40);
    write(root.path().join("label/s1.csv"), "frame,class\n0,walk\n10,idle\n20,walk\n30,run\n");
    let mut config = RunConfig::reference();
    config.labels.hold = true;
    let data = mapped(root.path(), &["idle=", "run=walk"], &[]);
    let held = as_configured(&Arc::new(data), &config);
    assert_eq!(runs(&held), [(0, 10, Some("walk")), (20, 40, Some("walk"))], "not over the row between");
}
