//! Metrics against scikit-learn's numbers and against hand-worked segmentations.

use crate::support::reference::golden;
use kinolens::domain::ClassSet;
use kinolens::eval::metrics::{argmax, evaluation_of, in_top_k, softmax_and_loss, wilson_interval};
use kinolens::eval::segments::{FrameTrack, frame_metrics};
use kinolens::run_folder::{Confusion, Evaluation, Prediction};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn close(got: f64, want: &Value, what: &str) {
    let want = want.as_f64().unwrap_or_else(|| panic!("{what} is not a number"));
    assert!((got - want).abs() < 1e-9, "{what}: {got} instead of {want}");
}

fn all_close(got: &[f64], want: &Value, tolerance: f64, what: &str) {
    let want = numbers(want);
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(&want).enumerate() {
        assert!((g - w).abs() < tolerance, "{what}[{i}]: {g} instead of {w}");
    }
}

/// Clips as an evaluation has them, from labels and raw scores.
fn clips(k: usize, labels: &[f64], scores: &[f64]) -> Vec<Prediction> {
    labels
        .iter()
        .zip(scores.chunks(k))
        .map(|(label, scores)| {
            let logits: Vec<f32> = scores.iter().map(|s| *s as f32).collect();
            let truth = *label as usize;
            let (probabilities, loss) = softmax_and_loss(&logits, truth);
            Prediction {
                video: "v".into(),
                subject: String::new(),
                start: 0,
                truth,
                predicted: argmax(&logits),
                probabilities,
                loss,
                ..Prediction::default()
            }
        })
        .collect()
}

#[test]
fn every_metric_is_scikit_learns() {
    let file = golden("metrics.json");
    let cases = file["cases"].as_array().expect("cases");
    assert!(!cases.is_empty());
    for case in cases {
        let k = case["k"].as_u64().expect("k") as usize;
        let (labels, scores) = (numbers(&case["labels"]), numbers(&case["scores"]));
        let classes = ClassSet::from_names((0..k).map(|c| format!("class {c}")));
        let clips = clips(k, &labels, &scores);
        let predicted: Vec<f64> = clips.iter().map(|c| c.predicted as f64).collect();
        assert_eq!(predicted, numbers(&case["preds"]));
        let e = evaluation_of(&classes, &clips);
        assert_eq!(e.clips, labels.len() as u64);
        close(e.accuracy, &case["accuracy"], "accuracy");
        close(e.mean_class_accuracy, &case["mean_class_accuracy_present_classes"], "mean class accuracy");
        if case.get("top3").is_some() {
            close(e.top3_accuracy, &case["top3"], "top-3");
            close(e.top5_accuracy, &case["top5"], "top-5");
        }
        let column = |f: fn(&kinolens::run_folder::ClassMetrics) -> f64| e.per_class.iter().map(f).collect::<Vec<_>>();
        all_close(&column(|c| c.precision), &case["precision"], 1e-9, "precision");
        all_close(&column(|c| c.recall), &case["recall"], 1e-9, "recall");
        all_close(&column(|c| c.f1), &case["f1"], 1e-9, "f1");
        all_close(&column(|c| c.support as f64), &case["support"], 1e-9, "support");
        let m = e.macro_average;
        all_close(&[m.precision, m.recall, m.f1], &case["macro"], 1e-9, "macro");
        let w = e.weighted_average;
        all_close(&[w.precision, w.recall, w.f1], &case["weighted"], 1e-9, "weighted");
        let counts: Vec<f64> = e.confusion.counts.iter().flatten().map(|n| *n as f64).collect();
        all_close(&counts, &case["confusion_rows_true_cols_pred"], 1e-9, "confusion");
        let shares: Vec<f64> = e.confusion.normalised().into_iter().flatten().collect();
        all_close(&shares, &case["confusion_normalised_true"], 1e-9, "normalised confusion");
    }
}

#[test]
fn the_report_has_the_keys_of_the_contract() {
    let classes = ClassSet::from_names(["a", "b"]);
    let e = evaluation_of(&classes, &clips(2, &[0.0, 1.0, 1.0], &[1.0, 0.0, 0.0, 1.0, 1.0, 0.0]));
    let json = serde_json::to_value(&e).expect("serialises");
    for key in ["accuracy", "top3_accuracy", "top5_accuracy", "mean_class_accuracy", "loss", "clips"] {
        assert!(json[key].is_number(), "{key}");
    }
    assert_eq!(json["confusion"], serde_json::json!([[1, 0], [1, 1]]));
    for group in ["macro", "weighted"] {
        for key in ["precision", "recall", "f1"] {
            assert!(json[group][key].is_number(), "{group}.{key}");
        }
    }
    let first = &json["per_class"][0];
    assert_eq!(first["class"], "a");
    assert_eq!(first["support"], 1);
    assert!(json.get("frames").is_none(), "clips with one label a video have no frame metrics");
    assert_eq!(serde_json::from_value::<Evaluation>(json).expect("reads back"), e);
}

#[test]
fn softmax_survives_huge_logits_and_loss_is_cross_entropy() {
    let (p, loss) = softmax_and_loss(&[1000.0, 1000.0, -1000.0], 1);
    assert_eq!(p, [0.5, 0.5, 0.0]);
    assert!((loss - 2.0_f32.ln()).abs() < 1e-6);
    // ln(1 + e^-1 + e^-2) by hand.
    let (_, loss) = softmax_and_loss(&[2.0, 1.0, 0.0], 0);
    assert!((loss - 0.407_606).abs() < 1e-5, "{loss}");
}

#[test]
fn equal_scores_rank_in_output_order() {
    assert!(in_top_k(&[0.5, 0.5, 0.0], 0, 1));
    assert!(!in_top_k(&[0.5, 0.5, 0.0], 1, 1));
    assert!(in_top_k(&[0.5, 0.5, 0.0], 1, 2));
    assert!(!in_top_k(&[0.5, 0.5], 7, 2), "a label outside the outputs is never right");
    assert_eq!(argmax(&[0.1, 0.7, 0.7]), 1);
}

#[test]
fn the_interval_is_wilsons() {
    // Published example values: 10 of 10 is not certainty, 0 of 10 is not impossibility; 81 of 263 (Newcombe 1998).
    let i = wilson_interval(81, 263);
    assert!((i.low - 0.2553).abs() < 5e-5 && (i.high - 0.3662).abs() < 5e-5, "{i:?}");
    let i = wilson_interval(0, 20);
    assert!(i.low == 0.0 && (i.high - 0.1611).abs() < 5e-5, "{i:?}");
    assert_eq!(wilson_interval(0, 0).high, 1.0);
}

#[test]
fn absent_classes_do_not_move_means() {
    let c = Confusion::count(3, [(0, 0), (0, 2), (2, 2), (9, 0)]);
    assert_eq!(c.total(), 3, "a label outside the matrix is not counted");
    assert_eq!(c.recalls(), [Some(0.5), None, Some(1.0)]);
    assert!((c.mean_class_accuracy() - 0.75).abs() < 1e-12);
    assert!((c.majority_baseline() - 2.0 / 3.0).abs() < 1e-12);
}

fn track(text: &str) -> Vec<Option<usize>> {
    text.chars().map(|c| c.to_digit(10).map(|d| d as usize)).collect()
}

fn score(videos: &[(&str, &str)]) -> kinolens::run_folder::FrameMetrics {
    let all = |t: &str| vec![true; t.len()];
    let of = |(t, p): &(&str, &str)| FrameTrack { labelled: all(t), truth: track(t), predicted: track(p) };
    frame_metrics(&videos.iter().map(of).collect::<Vec<_>>()).expect("there are labels")
}

#[test]
fn segment_metrics_equal_those_of_ms_tcn() {
    let golden = golden("frame_metrics.json");
    let labels = |v: &Value| -> Vec<Option<usize>> {
        let all = v.as_array().expect("labels").iter().map(|n| n.as_u64().expect("a label") as usize);
        all.map(|n| (n > 0).then_some(n)).collect()
    };
    let of = |case: &Value| {
        let truth = labels(&case["truth"]);
        FrameTrack { labelled: vec![true; truth.len()], truth, predicted: labels(&case["prediction"]) }
    };
    let near = |a: f64, b: &Value, what: &str| {
        let b = b.as_f64().unwrap_or_else(|| panic!("{what}: {b}"));
        assert!((a - b).abs() < 1e-5, "{what}: {a}, {b}");
    };
    let cases = golden["cases"].as_array().expect("cases");
    for case in cases {
        let name = case["name"].as_str().unwrap_or_default();
        let Some(ours) = frame_metrics(&[of(case)]) else {
            assert!(case["mof_without_background_truth"].is_null(), "{name}");
            continue;
        };
        near(100.0 * ours.accuracy, &case["mof_without_background_truth"], name);
        near(100.0 * ours.accuracy_with_background.unwrap_or(ours.accuracy), &case["mof"], name);
        if !case["edit"].is_null() {
            near(ours.edit, &case["edit"], name);
        }
        for (ours, k) in [(ours.f1_10, "10"), (ours.f1_25, "25"), (ours.f1_50, "50")] {
            near(ours, &case["f1"][k]["f1"], name);
        }
    }
    let all: Vec<FrameTrack> = cases.iter().map(of).collect();
    let ours = frame_metrics(&all).expect("labels");
    let want = &golden["aggregate"];
    near(100.0 * ours.accuracy_with_background.expect("background"), &want["mof"], "all");
    near(ours.edit, &want["edit_mean_of_defined"], "all");
    for (ours, k) in [(ours.f1_10, "10"), (ours.f1_25, "25"), (ours.f1_50, "50")] {
        near(ours, &want["f1"][k]["f1"], "all");
    }
}

#[test]
fn segment_metrics_of_hand_worked_videos() {
    let perfect = score(&[("--000111--", "--000111--")]);
    assert_eq!((perfect.accuracy, perfect.edit, perfect.f1_50), (1.0, 100.0, 100.0));

    // Truth 0:[0,4) 1:[4,8). Said 0:[0,2) 1:[2,3) 0:[3,4) 1:[4,8).
    // Frames 7/8. Orders 01 and 0101: two insertions of four. IoU with truth: 0 2/4, 1 1/6, 0 1/4, 1 4/4.
    let over = score(&[("00001111", "00101111")]);
    assert_eq!(over.accuracy, 7.0 / 8.0);
    assert_eq!(over.edit, 50.0);
    // 10 %: first 0 found, first 1 ([2,3) in [4,8): no overlap, so negative IoU) invented, second 0 already taken.
    // found 2, invented 2, missed 0 -> 2*2 / (2*2 + 2).
    assert!((over.f1_10 - 100.0 * 4.0 / 6.0).abs() < 1e-9, "{over:?}");
    assert!((over.f1_50 - 100.0 * 4.0 / 6.0).abs() < 1e-9, "{over:?}");

    // One long prediction over three true segments: IoU with the first and third 0 is 3/9.
    let under = score(&[("000111000", "000000000")]);
    assert_eq!(under.accuracy, 6.0 / 9.0);
    assert!((under.edit - 100.0 / 3.0).abs() < 1e-9);
    // 25 %: found 1, invented 0, missed 2 -> 2 / (2 + 2); 50 %: found 0.
    assert!((under.f1_25 - 50.0).abs() < 1e-9);
    assert_eq!(under.f1_50, 0.0);
}

#[test]
fn background_is_skipped_and_separates_repetitions() {
    // The same exercise twice with a rest between: two segments, both found.
    let twice = score(&[("00--00", "00--00")]);
    assert_eq!((twice.accuracy, twice.edit, twice.f1_50), (1.0, 100.0, 100.0));
    // A network that has a background class and misses the rest: one segment over both.
    let merged = score(&[("00--00", "000000")]);
    assert_eq!(merged.accuracy, 1.0, "rest frames are not scored");
    assert_eq!(merged.edit, 50.0);
    assert!((merged.f1_25 - 200.0 / 3.0).abs() < 1e-9);
}

#[test]
fn videos_are_pooled_for_f1_and_averaged_for_edit() {
    let both = score(&[("0000", "0000"), ("11112222", "22221111"), ("----", "----")]);
    assert_eq!(both.accuracy, 4.0 / 12.0);
    // Second video: orders 12 and 21 differ in both places.
    assert_eq!(both.edit, 50.0);
    // found 1 of three true segments, two invented.
    assert!((both.f1_10 - 100.0 * 2.0 / 6.0).abs() < 1e-9);
    assert!(frame_metrics(&[FrameTrack::default()]).is_none());
}
