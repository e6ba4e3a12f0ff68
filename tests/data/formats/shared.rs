//! Inputs of public complaints and samples of public formats, with the truth that stands beside them.

use crate::support::datasets::{outside, try_open};
use kinolens::data::DataError;
use kinolens::domain::{Dataset, DatasetWarning, Instance, Label, LedgerEntry, Split, VideoEntry};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const READ: &[&str] = &[
    "something-v2",
    "jester",
    "ucf101-splits",
    "hmdb51-splits",
    "kinetics-csv",
    "list",
    "picture-csv",
    "frame-labels",
    "epic-kitchens",
    "charades",
    "ava",
    "diving48",
    "finegym",
    "activitynet",
    "class-folders",
    "exercise",
];

fn shared(folder: &str) -> Option<PathBuf> {
    Some(outside("KINOLENS_VIDEOS", "../shared/data")?.join(folder))
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_default()
}

fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// True where a warning names a file and a line.
fn tells(data: &Dataset, file: &str, line: u64) -> bool {
    let leaf = file.rsplit('/').next().unwrap_or(file);
    data.warnings.iter().any(|w| {
        let sentence = format!("{} {}", w.path.display(), w.message);
        let (bare, listed) = (format!("line {line}"), |end: &str| sentence.contains(&format!("line {line}{end}")));
        sentence.contains(leaf)
            && (sentence.ends_with(&bare) || [",", ":", ";", " ", ")", "\n"].iter().any(|e| listed(e)))
    })
}

/// Classes of each frame as the truth has them; -1 is background. Frames of several classes are left out.
fn expected_frames(truth: &Value) -> BTreeMap<String, BTreeMap<u32, i64>> {
    let mut out: BTreeMap<String, BTreeMap<u32, BTreeSet<i64>>> = BTreeMap::new();
    for instance in items(truth, "instances") {
        let of_video = out.entry(text(instance, "video").to_owned()).or_default();
        let (start, end) = (instance["start_frame"].as_u64().unwrap(), instance["end_frame"].as_u64().unwrap());
        for frame in start..end {
            let frame = of_video.entry(frame as u32).or_default();
            frame.extend(items(instance, "classes").iter().map(|c| c.as_i64().unwrap()));
            frame.extend(instance["background"].as_bool().unwrap_or(false).then_some(-1));
        }
    }
    let single = |frames: BTreeMap<u32, BTreeSet<i64>>| {
        frames.into_iter().filter_map(|(f, c)| (c.len() == 1).then(|| (f, *c.first().unwrap()))).collect()
    };
    out.into_iter().map(|(v, frames)| (v, single(frames))).collect()
}

/// Pictures or frames that are there: numbers that are missing among pictures keep their places, and the truth counts
/// pictures.
fn frames_there(video: &VideoEntry) -> u32 {
    video.frames() - video.facts.as_ref().map_or(0, |f| f.frames_in_gaps())
}

/// Instances as `video start..end classes`, the last frame without gaps before it.
fn instances_of(data: &Dataset) -> BTreeSet<String> {
    let of = |v: &VideoEntry| {
        let gaps = v.frames() - frames_there(v);
        let shown = |i: &Instance| format!("{} {}..{} {:?}", v.name, i.start, i.end - gaps, i.label.classes());
        v.instances.iter().map(shown).collect::<Vec<_>>()
    };
    data.videos.iter().flat_map(of).collect()
}

fn expected_instances(truth: &Value) -> BTreeSet<String> {
    let of = |i: &Value| {
        let classes: Vec<u64> = items(i, "classes").iter().map(|c| c.as_u64().unwrap()).collect();
        format!("{} {}..{} {classes:?}", text(i, "video"), i["start_frame"], i["end_frame"])
    };
    items(truth, "instances").iter().map(of).collect()
}

/// File and line of every entry of a part of the ledger, as often as it counts rows.
fn entries(root: &Path, entries: &[LedgerEntry]) -> Vec<(String, u64)> {
    let of = |e: &LedgerEntry| {
        let file = e.file.strip_prefix(root).unwrap_or(&e.file).to_string_lossy().replace('\\', "/");
        vec![(file, u64::from(e.line)); e.rows as usize]
    };
    let mut out: Vec<_> = entries.iter().flat_map(of).collect();
    out.sort();
    out
}

fn expected_entries(ledger: &Value, part: &str) -> Vec<(String, u64)> {
    let of = |e: &Value| {
        let row = (text(e, "file").to_owned(), e["line"].as_u64().unwrap());
        vec![row; e["rows"].as_u64().unwrap_or(1) as usize]
    };
    let mut out: Vec<_> = items(ledger, part).iter().flat_map(of).collect();
    out.sort();
    out
}

fn class_at(video: &VideoEntry, frame: u32) -> Option<i64> {
    video.labels.at(frame).map(|l| match l {
        Label::Background => -1,
        Label::Class(c) => c as i64,
    })
}

fn faults_of(name: &str, data: &Dataset, truth: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |what: &str, is: String, should: String| {
        if is != should {
            faults.push(format!("{name}: {what} {is}, should be {should}"));
        }
    };
    check("format", data.format.clone(), text(truth, "format").into());
    check("task", data.task.name().into(), text(truth, "task").into());
    let ledger = &truth["ledger"];
    check("rows", data.ledger.rows.to_string(), ledger["rows"].to_string());
    check("used rows", data.ledger.used().to_string(), ledger["used"].to_string());
    for (part, is) in [
        ("unlabelled", &data.ledger.unlabelled),
        ("ignored", &data.ledger.ignored),
        ("adjusted", &data.ledger.adjusted),
    ] {
        check(part, format!("{:?}", entries(&data.root, is)), format!("{:?}", expected_entries(ledger, part)));
    }
    if data.format != "exercise" {
        check("instances", format!("{:#?}", instances_of(data)), format!("{:#?}", expected_instances(truth)));
    }
    let classes: Vec<String> = data.classes.classes.iter().map(|c| c.name.clone()).collect();
    let wanted: Vec<String> = items(truth, "classes").iter().map(|c| text(c, "name").to_owned()).collect();
    check("classes", format!("{classes:?}"), format!("{wanted:?}"));
    for (class, wanted) in data.classes.classes.iter().zip(items(truth, "classes")) {
        if let Some(source) = wanted["source"].as_str() {
            check("number of a class", class.id.to_string(), source.to_owned());
        }
    }
    let videos: BTreeSet<String> = data
        .videos
        .iter()
        .map(|v| format!("{} {} {} '{}'", v.name, v.split.name(), frames_there(v), v.subject))
        .collect();
    let wanted: BTreeSet<String> = items(truth, "videos")
        .iter()
        .map(|v| format!("{} {} {} '{}'", text(v, "path"), text(v, "split"), v["frames"], text(v, "subject")))
        .collect();
    check("videos", format!("{:#?}", &videos - &wanted), "{}".into());
    check("missing videos", format!("{:#?}", &wanted - &videos), "{}".into());
    let frames = expected_frames(truth);
    // Frames of a multi-label task have no single label.
    let single = text(truth, "task") == "single-label";
    for video in data.videos.iter().filter(|v| single && frames_there(v) == v.frames()) {
        let wanted = frames.get(&video.name).cloned().unwrap_or_default();
        let wrong = wanted.iter().find(|(f, class)| class_at(video, **f) != Some(**class));
        let labelled = (0..video.frames()).filter(|f| video.labels.at(*f).is_some()).count();
        check(&format!("label of {}", video.name), format!("{wrong:?}"), "None".into());
        // Frames of several classes at once are labelled too.
        let several = items(truth, "instances").iter().filter(|i| text(i, "video") == video.name).count() > 1;
        if !several {
            check(&format!("labelled frames of {}", video.name), labelled.to_string(), wanted.len().to_string());
        }
    }
    // Label rows past the end of a video are counted, not told one by one.
    let rows = if data.format == "exercise" { &[][..] } else { items(&truth["ledger"], "ignored") };
    for row in rows {
        let (file, line) = (text(row, "file"), row["line"].as_u64().unwrap());
        if !tells(data, file, line) {
            faults.push(format!("{name}: nothing tells of {file} line {line}: {:#?}", data.warnings));
        }
    }
    for video in items(&truth["ledger"], "videos_unlisted") {
        let leaf = video.as_str().unwrap();
        if !data.warnings.iter().any(|w| w.message.contains(leaf)) {
            faults.push(format!("{name}: nothing tells that {leaf} is in no list"));
        }
    }
    faults
}

#[test]
fn public_formats_open_as_their_truth_says() {
    let Some(root) = shared("annotations") else { return };
    let expected: Value = serde_json::from_slice(&std::fs::read(root.join("expected.json")).unwrap()).unwrap();
    let mut faults = Vec::new();
    let mut read = 0;
    for (name, truth) in expected["formats"].as_object().unwrap() {
        if !READ.contains(&text(truth, "format")) {
            continue;
        }
        read += 1;
        match try_open(root.join(text(truth, "path"))) {
            Ok(data) => faults.extend(faults_of(name, &data, truth)),
            Err(e) => faults.push(format!("{name}: {e}")),
        }
    }
    assert!(read >= 20, "only {read} samples were read");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn broken_variants_open_or_are_refused_as_their_truth_says() {
    let Some(root) = shared("annotations") else { return };
    let expected: Value = serde_json::from_slice(&std::fs::read(root.join("expected.json")).unwrap()).unwrap();
    let mut faults = Vec::new();
    let mut read = 0;
    for (name, case) in expected["malformed"].as_object().unwrap() {
        let Some(path) = case["path"].as_str().filter(|_| READ.contains(&text(case, "format"))) else { continue };
        read += 1;
        let message = &case["message"];
        match (try_open(root.join(path)), text(case, "outcome")) {
            (Ok(data), "reads") => {
                faults.extend(faults_of(name, &data, &case["truth"]));
                if let Some(line) = message["line"].as_u64()
                    && !tells(&data, text(message, "file"), line)
                {
                    faults.push(format!("{name}: nothing tells of line {line}: {:#?}", data.warnings));
                }
                // Of what a sentence says a part is enough.
                let says = text(message, "says");
                let said = |w: &DatasetWarning| says.split(',').any(|part| w.message.contains(part.trim()));
                if message.is_object() && message["line"].is_null() && !data.warnings.iter().any(said) {
                    faults.push(format!("{name}: nothing says '{says}': {:#?}", data.warnings));
                }
            }
            (Err(e), "refuses") => {
                let sentence = e.to_string();
                let line = message["line"].as_u64().map_or_else(String::new, |l| format!("line {l}"));
                for part in [text(message, "file"), line.as_str(), text(message, "says")] {
                    if !sentence.contains(part) {
                        faults.push(format!("{name}: '{part}' is missing in: {sentence}"));
                    }
                }
            }
            (Ok(_), outcome) => faults.push(format!("{name}: opened, should be {outcome}")),
            (Err(e), _) => faults.push(format!("{name}: {e}")),
        }
    }
    assert!(read >= 49, "only {read} variants were read");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Classes, and videos by split, in short.
fn short(opened: &Result<Dataset, DataError>) -> String {
    let data = match opened {
        Ok(data) => data,
        Err(e) => return format!("refused: {e}"),
    };
    let count = |split: Split| data.videos.iter().filter(|v| v.split == split).count();
    let classes: Vec<&str> = data.classes.classes.iter().map(|c| c.name.as_str()).collect();
    let counts = [Split::Train, Split::Val, Split::Test, Split::Unassigned].map(count);
    format!("{}: {} {counts:?}", data.format, classes.join(", "))
}

/// Runs of equal labels as `start..end name`.
fn runs(data: &Dataset, name: &str) -> Vec<String> {
    let video = data.videos.iter().find(|v| v.name == name).unwrap_or_else(|| panic!("no {name}"));
    let name = |l: Label| l.class().map_or("background", |c| data.classes.name(c));
    video.labels.clipped(video.frames()).map(|s| format!("{}..{} {}", s.start, s.end, name(s.label))).collect()
}

fn says(data: &Dataset, words: &[&str]) -> bool {
    let sentence = |w: &DatasetWarning| format!("{} {}", w.path.display(), w.message);
    data.warnings.iter().any(|w| words.iter().all(|x| sentence(w).contains(x)))
}

#[test]
fn reported_datasets_open_right_or_are_refused_with_a_sentence() {
    let Some(root) = shared("reported/datasets") else { return };
    let opened = |name: &str| try_open(root.join(name));
    for (name, right) in [
        ("01-ucf-case", "ucf-csv: HandStandPushups, JumpingJack [4, 0, 2, 0]"),
        ("02-slowfast-csv", "list: class 0, class 1 [6, 2, 0, 0]"),
        ("03-ucf-official", "ucf101-splits: Archery, BabyCrawling, CliffDiving [24, 0, 12, 0]"),
        ("04-kinetics", "kinetics-csv: bee keeping, shaking hands [6, 6, 0, 0]"),
        ("05-jester", "jester: Swiping Right, Pushing Two Fingers Away [6, 2, 0, 0]"),
        ("06-onehot", "exercise: walk, jump [2, 0, 1, 0]"),
        ("07-segments", "exercise: class 1, class 2 [2, 0, 1, 0]"),
        ("08-time-table", "exercise: walk, jump [2, 0, 1, 0]"),
        ("09-decimal-comma", "exercise: class 1, class 2 [2, 0, 1, 0]"),
        ("09f-class-first", "exercise: class 1, class 2 [2, 0, 1, 0]"),
        ("10-one-per-second", "exercise: class 1, class 2 [2, 0, 1, 0]"),
        ("13-nfd", "ucf-csv: Pause, Übung [6, 0, 0, 0]"),
        ("20-csv-segments", "ucf-csv: jump, rest, walk [4, 0, 0, 0]"),
        ("21-test-without-labels", "ucf-csv: jump, walk [8, 0, 4, 0]"),
    ] {
        assert_eq!(short(&opened(name)), right, "{name}");
    }
    let thirds = ["0..20 background", "20..40 class 1", "40..60 class 2"];
    for name in ["07-segments", "09-decimal-comma", "09f-class-first"] {
        assert_eq!(runs(&opened(name).unwrap(), "dataset/anon/s1.mp4"), thirds, "{name}");
    }
    let onehot = opened("06-onehot").unwrap();
    assert_eq!(runs(&onehot, "dataset/anon/s1.mp4"), ["0..20 background", "20..40 walk", "40..60 jump"]);
    assert!(says(&onehot, &["s1.csv", "one column a class", "walk, jump"]), "{:#?}", onehot.warnings);
    let sparse = opened("10-one-per-second").unwrap();
    assert!(says(&sparse, &["4 % of the frames are labelled", "labels.hold"]), "{:#?}", sparse.warnings);
    let case = opened("01-ucf-case").unwrap();
    assert_eq!(case.warnings.iter().filter(|w| w.message.contains("spelt")).count(), 1, "{:#?}", case.warnings);
    let segments = opened("20-csv-segments").unwrap();
    assert_eq!(runs(&segments, "videos/long0.mp4"), ["0..30 walk", "30..60 jump", "60..90 rest"]);
    assert!(says(&opened("21-test-without-labels").unwrap(), &["test.csv", "no column of classes"]));
    // Every row of a table of times labels the time until the next.
    let times = opened("08-time-table").unwrap();
    let csv = std::fs::read_to_string(root.join("08-time-table/label/s1.csv")).unwrap();
    assert_eq!(runs(&times, "dataset/anon/s1.mp4"), by_hand(&csv, times.videos[0].frames()), "{csv}");
}

/// Frames of a table `time,walk,jump` at 25 frames a second: that of the last row at or before the nearest frame starts.
fn by_hand(csv: &str, frames: u32) -> Vec<String> {
    let rows: Vec<(f64, &str)> = csv
        .lines()
        .skip(1)
        .map(|l| {
            let cells: Vec<&str> = l.split(',').collect();
            let name = if cells[1] == "1" {
                "walk"
            } else if cells[2] == "1" {
                "jump"
            } else {
                "background"
            };
            (cells[0].parse().unwrap(), name)
        })
        .collect();
    // A time in the middle of two frames belongs to the earlier.
    let frame = |t: f64| (t * 25.0 - 0.5 - 1e-6).ceil().max(0.0) as u32;
    let mut out: Vec<(u32, u32, &str)> = Vec::new();
    for (i, (time, name)) in rows.iter().enumerate() {
        let end = rows.get(i + 1).map_or(time + 0.1, |next| next.0);
        let (start, end) = (frame(*time), frame(end).min(frames));
        match out.last_mut() {
            Some(last) if last.2 == *name => last.1 = end,
            _ => out.push((start, end, name)),
        }
    }
    out.into_iter().map(|(a, b, n)| format!("{a}..{b} {n}")).collect()
}

#[test]
fn nothing_is_opened_outside_of_the_folder() {
    let Some(root) = shared("annotations/malformed/56-path-traversal") else { return };
    let data = try_open(&root).unwrap();
    let root = Path::new(&root).canonicalize().unwrap();
    assert!(data.videos.iter().all(|v| v.path.canonicalize().unwrap().starts_with(&root)));
}
