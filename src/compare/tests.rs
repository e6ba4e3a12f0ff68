//! Comparisons of runs made up for the purpose, with answers worked out by hand.

use super::*;
use crate::domain::ClassSet;
use crate::eval::metrics::evaluation_of;
use crate::run_folder::{Evaluation, Prediction, Predictions};
use std::sync::Arc;

mod sets;

/// A clip: video, subject, true class, predicted class.
type Row = (&'static str, &'static str, usize, usize);

fn run(name: &str, classes: &[&str], rows: &[Row]) -> EvaluatedRun {
    let classes = ClassSet::from_names(classes.iter().copied());
    let clips: Vec<Prediction> = rows
        .iter()
        .enumerate()
        .map(|(i, (video, subject, truth, predicted))| Prediction {
            video: (*video).into(),
            subject: (*subject).into(),
            start: i as u32,
            truth: *truth,
            predicted: *predicted,
            probabilities: (0..classes.len()).map(|c| if c == *predicted { 0.9 } else { 0.01 }).collect(),
            loss: 0.5,
            ..Prediction::default()
        })
        .collect();
    let evaluation = Evaluation {
        run: format!("/runs/{name}"),
        checkpoint: "last".into(),
        dataset: "/data".into(),
        dataset_fingerprint: "f".into(),
        split: "test".into(),
        ..evaluation_of(&classes, &clips)
    };
    EvaluatedRun {
        name: name.into(),
        path: format!("/runs/{name}").into(),
        evaluation: Arc::new(evaluation),
        predictions: Arc::new(Predictions { clips }),
        ..EvaluatedRun::default()
    }
}

/// Ten people with four clips each, two of either class; `right(person, clip)` says which are right.
fn of_ten(name: &str, right: impl Fn(usize, usize) -> bool) -> EvaluatedRun {
    const PEOPLE: [&str; 10] = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"];
    let rows: Vec<Row> = (0..40)
        .map(|i| {
            let (person, clip, truth) = (i / 4, i % 4, i % 2);
            (PEOPLE[person], PEOPLE[person], truth, if right(person, clip) { truth } else { 1 - truth })
        })
        .collect();
    run(name, &["sit", "stand"], &rows)
}

#[test]
fn the_mean_average_precision_is_of_the_order_by_probability() {
    let mut a = run("a", &["sit", "stand"], &[("v", "p", 0, 0), ("w", "p", 1, 0), ("x", "p", 0, 0)]);
    let mut predictions = Predictions::clone(&a.predictions);
    for (clip, sit) in predictions.clips.iter_mut().zip([0.9, 0.8, 0.7]) {
        clip.probabilities = vec![sit, 1.0 - sit];
    }
    a.predictions = Arc::new(predictions);
    let found = Comparison::of(&[a.clone(), EvaluatedRun { name: "b".into(), ..a }], 1).unwrap();
    // 'sit': hits at ranks 1 and 3, (1 + 2/3) / 2 = 5/6; 'stand': its clip has rank 2, 1/2.
    let map = found.runs[0].mean_average_precision.unwrap();
    assert!((map - (5.0 / 6.0 + 0.5) / 2.0).abs() < 1e-9, "{map}");
}

#[test]
fn fixed_and_broken_clips_are_counted_and_tested() {
    // B has all that A has and the third clip of eight people besides, and loses the first clip of one.
    let a = of_ten("a", |_, clip| clip < 2);
    let b = of_ten("b", |person, clip| clip < 2 && (person, clip) != (9, 0) || clip == 2 && person < 8);
    let turned = Comparison::of(&[b.clone(), a.clone()], 1).unwrap().pairs[0].clone();
    // The other way round: still the lead of the better one, with its interval.
    assert!(turned.difference < 0.0 && turned.interval.high < 0.0);
    assert!(turned.sentence.starts_with("b is better than a by 17.5 points [+"), "{}", turned.sentence);
    let found = Comparison::of(&[a, b], 1).unwrap();
    let pair = &found.pairs[0];
    let lists = &pair.lists;
    assert_eq!(
        [&lists.both_right, &lists.fixed, &lists.broken, &lists.both_wrong].map(Vec::len),
        [19, 8, 1, 12],
        "of 40 clips"
    );
    assert_eq!(lists.broken, [36]);
    assert!((pair.difference - 7.0 / 40.0).abs() < 1e-12);
    // 2 (C(9,0) + C(9,1)) / 2^9.
    assert!((pair.p - 20.0 / 512.0).abs() < 1e-12 && pair.p_holm == pair.p);
    assert!(pair.interval.low > 0.0 && pair.interval.low < pair.difference && pair.difference < pair.interval.high);
    assert!(pair.sentence.starts_with("b is better than a by 17.5 points [+"), "{}", pair.sentence);
    // Gained clips are of class 0 (the third clip), lost ones too.
    let classes: Vec<(u64, u64, u64)> = pair.classes.iter().map(|c| (c.support, c.fixed, c.broken)).collect();
    assert_eq!(classes, [(20, 8, 1), (20, 0, 0)]);
    assert!((pair.classes[0].p_holm - 40.0 / 512.0).abs() < 1e-12, "twice, for two classes");
    assert_eq!(pair.confusion_difference, [[-7, 7], [0, 0]]);
    assert_eq!((found.resampled.unit, found.resampled.count), (Unit::Subjects, 10));
    assert!(pair.units.is_empty() && found.notes.is_empty(), "{:?}", found.notes);
    assert_eq!(found.runs[0].accuracy.value, 0.5);
    assert_eq!(found.scores().rows[1][0], Cell::text("b"));
}

#[test]
fn a_difference_that_rests_on_one_person_is_not_called_safe() {
    let rows =
        |right: bool| -> Vec<Row> {
            let people = ["p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8", "p9"];
            (0..60)
                .map(|i| {
                    if i < 20 { ("big", "big", 0, usize::from(!right)) } else { (people[i % 10], people[i % 10], 0, 1) }
                })
                .collect()
        };
    let (a, b) = (run("a", &["x", "y"], &rows(false)), run("b", &["x", "y"], &rows(true)));
    let found = Comparison::of(&[a, b], 1).unwrap();
    let pair = &found.pairs[0];
    assert!(pair.p < 1e-4 && pair.interval.low == 0.0, "{pair:?}");
    assert!(pair.sentence.contains("other subjects could turn it round"), "{}", pair.sentence);
}

#[test]
fn few_discordant_clips_and_few_people_are_said() {
    let rows = |extra: usize| -> Vec<Row> {
        (0..12).map(|i| (["u", "v", "w"][i % 3], ["p", "q", "r"][i % 3], 0, usize::from(i >= 4 + extra))).collect()
    };
    let (a, b) = (run("a", &["x", "y"], &rows(0)), run("b", &["x", "y"], &rows(5)));
    let found = Comparison::of(&[a, b], 1).unwrap();
    let pair = &found.pairs[0];
    assert!(pair.too_few && pair.p == 0.0625 && pair.sentence.contains("fewer than 6"), "{pair:?}");
    let units: Vec<(&str, u64)> = pair.units.iter().map(|u| (u.name.as_str(), u.clips)).collect();
    assert_eq!(units, [("p", 4), ("q", 4), ("r", 4)]);
    assert!(found.interval_note().contains("So few subjects"), "{}", found.interval_note());
}

#[test]
fn classes_are_matched_by_name_and_other_clips_are_left_out_and_said() {
    let a = run("a", &["sit", "stand"], &[("v", "p", 0, 0), ("v", "p", 1, 1), ("w", "q", 1, 0), ("w", "q", 0, 0)]);
    // The same classes in the other order, and one more; the third clip has another label, the last is not there.
    let b = run("b", &["stand", "jump", "sit"], &[("v", "p", 2, 1), ("v", "p", 0, 0), ("w", "q", 2, 2)]);
    let found = Comparison::of(&[a, b], 1).unwrap();
    assert_eq!(found.classes, ["sit", "stand", "jump"]);
    assert_eq!(found.clips.len(), 2);
    assert_eq!(found.clips.iter().map(|c| c.truth).collect::<Vec<_>>(), [0, 1]);
    let said: Vec<usize> = found.runs[1].answers.iter().map(|a| a.predicted).collect();
    assert_eq!(said, [2, 1], "jump and stand");
    assert_eq!(found.runs[1].answers[0].probabilities, [0.01, 0.01, 0.9]);
    let notes = found.notes.join("\n");
    for word in
        ["different classes", "1 clip that all runs", "2 of 4 clips of a", "1 of 3 clips of b", "2 clips they share"]
    {
        assert!(notes.contains(word), "'{word}' is missing in {notes}");
    }
}

#[test]
fn other_data_and_nothing_in_common_are_said() {
    let rows: [Row; 2] = [("v", "p", 0, 0), ("w", "q", 1, 1)];
    let changed = |name: &str, fingerprint: &str, split: &str| {
        let run = run(name, &["sit", "stand"], &rows);
        let evaluation =
            Evaluation { dataset_fingerprint: fingerprint.into(), split: split.into(), ..(*run.evaluation).clone() };
        EvaluatedRun { evaluation: Arc::new(evaluation), ..run }
    };
    let found = Comparison::of(&[changed("a", "f", "test"), changed("b", "g", "all")], 1).unwrap();
    assert!(
        found.notes.iter().any(|n| n.starts_with("files, labels or splits") && n.contains("b: /data (g)")),
        "{:?}",
        found.notes
    );
    assert!(found.notes.iter().any(|n| n.contains("a: 'test'; b: 'all'")), "{:?}", found.notes);
    let elsewhere = run("c", &["sit", "stand"], &[("x", "p", 0, 0)]);
    let error = Comparison::of(&[run("a", &["sit", "stand"], &rows), elsewhere], 1).unwrap_err().to_string();
    assert!(error.contains("a: 2 clips, c: 1 clips") && error.contains("same dataset and split"), "{error}");
    let empty = EvaluatedRun { predictions: Arc::default(), ..run("d", &["sit"], &rows[..1]) };
    assert!(
        Comparison::of(&[run("a", &["sit"], &rows[..1]), empty], 1)
            .unwrap_err()
            .to_string()
            .contains("evaluate it again")
    );
    assert!(Comparison::of(&[run("a", &["sit"], &rows[..1])], 1).unwrap().pairs.is_empty());
    assert!(Comparison::of(&[], 1).is_err());
}

#[test]
fn means_over_other_classes_are_said_and_the_method_of_intervals_is_named() {
    // One clip each; b says 'fall', which no clip shows: its macro averages are over three classes, those of a over two.
    let classes = ["sit", "stand", "fall"];
    let a = run("a", &classes, &[("v", "p", 0, 0), ("w", "q", 1, 1), ("x", "r", 1, 0)]);
    let b = run("b", &classes, &[("v", "p", 0, 0), ("w", "q", 1, 2), ("x", "r", 1, 1)]);
    let found = Comparison::of(&[a.clone(), b], 1).unwrap();
    let note = found.notes.iter().find(|n| n.contains("macro")).unwrap();
    assert!(note.contains("2 classes of a; 3 classes of b, with fall that no clip shows"), "{note}");
    assert_eq!(found.interval_method, "percentile bootstrap, 2000 paired samples over 3 subjects");
    // F1 of b: 1, 2/3 and 0 over three classes; its mean class accuracy is over the two that have clips.
    let score = &found.runs[1].evaluation;
    assert!((score.macro_average.f1 - (1.0 + 2.0 / 3.0) / 3.0).abs() < 1e-12, "{}", score.macro_average.f1);
    assert_eq!(score.mean_class_accuracy, 0.75);
    let same = Comparison::of(&[a.clone(), EvaluatedRun { name: "c".into(), ..a }], 1).unwrap();
    assert!(same.notes.iter().all(|n| !n.contains("macro")), "{:?}", same.notes);
}

#[test]
fn the_spread_over_seeds_is_told_where_runs_differ_in_nothing_else() {
    let seeded = |name: &str, seed, right: usize| {
        let mut run = of_ten(name, |person, _| person < right);
        run.config.seed = seed;
        run
    };
    let found = Comparison::of(&[seeded("a", 1, 5), seeded("b", 2, 6), seeded("c", 3, 7)], 1).unwrap();
    let [spread] = found.seeds.as_slice() else { panic!("{:?}", found.seeds) };
    assert_eq!(spread.runs, [0, 1, 2]);
    assert!((spread.accuracy.mean - 0.6).abs() < 1e-12 && (spread.accuracy.deviation - 0.1).abs() < 1e-12);
    assert!(
        spread.sentence.contains("a, b, c differ in the seed alone: accuracy 60.0 ± 10.0 %"),
        "{}",
        spread.sentence
    );
    assert_eq!(found.pairs.iter().map(|p| (p.a, p.b)).collect::<Vec<_>>(), [(0, 1), (0, 2), (1, 2)]);
    assert!(found.pairs.iter().all(|p| p.p_holm >= p.p));
}

#[test]
fn everything_is_written_and_reads_as_tables() {
    let dir = tempfile::tempdir().unwrap();
    let found = Comparison::of(&[of_ten("a", |_, c| c < 2), of_ten("b", |_, c| c < 3)], 1).unwrap();
    let files = found.write(dir.path()).unwrap();
    for file in &files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        assert!(file.is_file() && is_comparison_file(&name), "{name}");
    }
    let rows = |name: &str| {
        csv::Reader::from_path(dir.path().join(name)).unwrap().records().map(|r| r.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((rows("runs.csv").len(), rows("clips.csv").len(), rows("pairs.csv").len()), (2, 40, 1));
    assert_eq!(rows("runs.csv")[1].get(4), Some("0.75"), "numbers are written in full");
    assert_eq!(rows("clips.csv")[2].iter().next_back(), Some("fixed"));
    let json: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.path().join("comparison.json")).unwrap()).unwrap();
    assert_eq!(json["pairs"][0]["lists"]["fixed"].as_array().unwrap().len(), 10);
    let text = found.markdown();
    let at = |word: &str| text.find(word).unwrap_or_else(|| panic!("'{word}' is missing in\n{text}"));
    assert!(at("Data, split and labels are the same") < at("accuracy"), "what differs comes before any number");
}

#[test]
fn twenty_five_thousand_clips_are_compared_in_under_a_second() {
    let many = |name: &str, every: usize| {
        let base = of_ten(name, |_, _| true);
        let clips: Vec<Prediction> = (0..25_000)
            .map(|i| Prediction {
                video: format!("v{i}"),
                start: 0,
                truth: i % 50,
                predicted: if i % every == 0 { (i + 1) % 50 } else { i % 50 },
                subject: String::new(),
                probabilities: vec![0.02; 50],
                loss: 0.5,
                ..Prediction::default()
            })
            .collect();
        let classes = ClassSet::from_names((0..50).map(|c| format!("c{c}")));
        EvaluatedRun {
            evaluation: Arc::new(Evaluation { split: "test".into(), ..evaluation_of(&classes, &clips) }),
            predictions: Arc::new(Predictions { clips }),
            ..base
        }
    };
    let runs = [many("a", 4), many("b", 5)];
    let begun = std::time::Instant::now();
    let found = Comparison::of(&runs, 1).unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!((found.clips.len(), found.resampled.count), (25_000, 25_000));
    eprintln!("25,000 clips: {seconds:.2} s");
    // Builds without optimisation take longer; the figure is what counts.
    assert!(seconds < 10.0, "{seconds:.2} s");
}
