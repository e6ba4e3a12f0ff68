//! One label a step, as MS-TCN lays out GTEA, 50Salads and Breakfast: rates of labels, splits, names that are in no list.

use super::by_name;
use super::overlaps::{chosen, parts};
use crate::support::datasets::{clip, open, temp, try_open, video, warns, write};
use kinolens::domain::{Dataset, Reason, Split};
use std::path::Path;

/// Lines of a file of labels.
fn labels(runs: &[(&str, usize)]) -> String {
    runs.iter().map(|(name, count)| format!("{name}\n").repeat(*count)).collect()
}

/// Two seconds with 15 labels a second, and one second with a label a frame and a name that no list has.
fn made(r: &Path) {
    clip(r.join("videos/S1_tea.mp4"), 50, 25.0);
    clip(r.join("videos/deeper/S2_tea.mp4"), 25, 25.0);
    write(r.join("mapping.txt"), "7 pour\r\n0 SIL\r\n2 stir milk\r\n");
    write(r.join("groundTruth/S1_tea.txt"), labels(&[("SIL", 6), ("stir milk", 12), ("pour", 12)]).trim_end());
    write(r.join("groundTruth/S2_tea.txt"), &labels(&[("SIL", 5), ("hum", 5), ("pour", 15)]));
    for (split, train, test) in
        [(1, "S1_tea.txt\nS9_gone.txt\nS1_tea.txt\n", "S2_tea.txt"), (2, "S2_tea.txt\n", "S1_tea.txt")]
    {
        write(r.join(format!("splits/train.split{split}.bundle")), train);
        write(r.join(format!("splits/test.split{split}.bundle")), test);
    }
}

#[test]
fn labels_have_the_rate_that_fits_the_video() {
    let root = temp();
    let r = root.path();
    made(r);
    let data = open(r);
    assert_eq!(data.format, "frame-labels");
    let classes: Vec<_> = data.classes.classes.iter().map(|c| (c.id, c.name.as_str(), c.background)).collect();
    assert_eq!(classes, [(0, "SIL", true), (2, "stir milk", false), (7, "pour", false)]);
    // 30 labels in 2 s are 15 a second: 0.4 s and 1.2 s are the frames 10 and 30.
    assert_eq!(parts(&data, "videos/S1_tea.mp4"), ["0..10 SIL", "10..30 stir milk", "30..50 pour"]);
    assert_eq!(parts(&data, "videos/deeper/S2_tea.mp4"), ["0..5 SIL", "10..25 pour"]);
    let first = by_name(&data, "videos/S1_tea.mp4");
    assert_eq!((first.subject.as_str(), first.split), ("S1", Split::Train));
    assert_eq!(by_name(&data, "videos/deeper/S2_tea.mp4").labels.at(7), None);
    assert!(warns(&data, "groundTruth/S2_tea.txt", &["line 6", "hum is not in mapping.txt", "5 labels"]));
    let ignored: Vec<_> = data.ledger.ignored.iter().map(|e| (e.line, e.reason)).collect();
    assert_eq!(ignored, [(2, Reason::MissingVideo), (3, Reason::Duplicate)]);
    assert_eq!((data.ledger.rows, data.ledger.used()), (4, 2));
    assert!(warns(&data, "S9_gone", &["train.split1.bundle line 2"]), "{:#?}", data.warnings);
}

#[test]
fn a_split_and_a_rate_are_chosen() {
    let root = temp();
    let r = root.path();
    made(r);
    let split = |data: &Dataset| (by_name(data, "videos/S1_tea.mp4").split, data.choices[0].value.clone());
    assert_eq!(split(&open(r)), (Split::Train, "1".into()));
    assert_eq!(split(&chosen(r, &[("split", "2")]).unwrap()), (Split::Test, "2".into()));
    // At 30 a second the labels end after 1 s, and nothing is said of the second one.
    let faster = chosen(r, &[("label_fps", "30/1")]).unwrap();
    assert_eq!(parts(&faster, "videos/S1_tea.mp4"), ["0..5 SIL", "5..15 stir milk", "15..25 pour"]);
    assert!(warns(&faster, "groundTruth/S1_tea.txt", &["30 labels", "1.000 s", "2.000 s"]), "{:#?}", faster.warnings);
    for (key, value) in [("split", "3"), ("label_fps", "fast")] {
        let error = chosen(r, &[(key, value)]).unwrap_err().to_string();
        assert!(error.contains(value) && error.contains(key), "{error}");
    }
}

#[test]
fn labels_of_no_usual_rate_are_stretched_and_those_of_pictures_counted() {
    let root = temp();
    let r = root.path();
    made(r);
    // 17 labels in 2 s: 15 a second would end at 1.13 s, 10 a second at 1.7 s.
    write(r.join("groundTruth/S1_tea.txt"), &labels(&[("SIL", 4), ("pour", 13)]));
    video(r.join("videos/S3_tea"), 6);
    write(r.join("groundTruth/S3_tea.txt"), &labels(&[("SIL", 2), ("pour", 4)]));
    write(r.join("splits/test.split1.bundle"), "S2_tea.txt\nS3_tea.txt\nS4_tea.txt\nS5_tea.txt\n");
    clip(r.join("videos/S4_tea.mp4"), 5, 25.0);
    write(r.join("groundTruth/S4_tea.txt"), "");
    clip(r.join("videos/S5_tea.mp4"), 5, 25.0);
    let data = open(r);
    // 4 of 17 labels are 0.47 s, nearest to frame 12.
    assert_eq!(parts(&data, "videos/S1_tea.mp4"), ["0..12 SIL", "12..50 pour"]);
    assert!(warns(&data, "groundTruth/S1_tea.txt", &["17 labels", "stretched"]), "{:#?}", data.warnings);
    assert_eq!(parts(&data, "videos/S3_tea"), ["0..2 SIL", "2..6 pour"]);
    assert!(parts(&data, "videos/S4_tea.mp4").is_empty());
    assert!(warns(&data, "groundTruth/S4_tea.txt", &["empty", "unlabelled"]), "{:#?}", data.warnings);
    assert!(
        warns(&data, "groundTruth/S5_tea.txt", &["test.split1.bundle line 4", "not there"]),
        "{:#?}",
        data.warnings
    );
    assert_eq!(data.ledger.unlabelled.iter().map(|e| e.line).collect::<Vec<_>>(), [3, 4]);
}

#[test]
fn a_mapping_with_a_number_twice_is_refused() {
    let root = temp();
    made(root.path());
    write(root.path().join("mapping.txt"), "0 SIL\n7 pour\n\n7 stir milk\n");
    let error = try_open(root.path()).unwrap_err().to_string();
    assert!(["mapping.txt", "line 4", "number 7", "twice"].iter().all(|w| error.contains(w)), "{error}");
}
