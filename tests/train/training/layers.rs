//! Statistics of layers while a network trains, and support-weighted scores of epochs.

use super::*;
use kinolens::progress::{LayerReport, WeightedScores};

/// Weighted precision, recall and F1 as scikit-learn defines them, from cells (truth, predicted, clips).
fn weighted(cells: &[(u32, u32, u64)], classes: u32) -> [f64; 3] {
    let all: u64 = cells.iter().map(|c| c.2).sum();
    let mut out = [0.0; 3];
    for class in 0..classes {
        let sum = |f: &dyn Fn(&(u32, u32, u64)) -> bool| cells.iter().filter(|c| f(c)).map(|c| c.2).sum::<u64>() as f64;
        let (hit, support, said) =
            (sum(&|c| c.0 == class && c.1 == class), sum(&|c| c.0 == class), sum(&|c| c.1 == class));
        let precision = if said > 0.0 { hit / said } else { 0.0 };
        let recall = if support > 0.0 { hit / support } else { 0.0 };
        let f1 = if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 };
        for (sum, value) in out.iter_mut().zip([precision, recall, f1]) {
            *sum += value * support / all as f64;
        }
    }
    out
}

#[test]
fn every_epoch_tells_weighted_precision_recall_and_f1_of_both_parts() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let out = dir.path().join("run");
    let outcome = train(&dataset, &config(3), &out, false, &Silent).unwrap();
    let near = |a: f32, b: f64| (f64::from(a) - b).abs() < 1e-6;
    for epoch in &outcome.history {
        let cells: Vec<_> = epoch.confusion.iter().map(|c| (c.0, c.1, c.2)).collect();
        let [precision, recall, f1] = weighted(&cells, dataset.classes.len() as u32);
        let val = epoch.val_weighted.unwrap();
        assert!(near(val.precision, precision) && near(val.recall, recall) && near(val.f1, f1), "{val:?}");
        let train = epoch.train_weighted.unwrap();
        assert!(near(train.recall, f64::from(epoch.train_accuracy)), "weighted recall is the accuracy: {train:?}");
        assert!(train.f1 > 0.0 && train.f1 <= 1.0 && train.precision > 0.0);
    }
    // Also when the epoch was interrupted in its middle.
    let halved = dir.path().join("halved");
    train(&dataset, &config(3), &halved, false, &After::new(2, Flow::Stop)).unwrap();
    let resumed = train(&dataset, &config(3), &halved, true, &Silent).unwrap();
    let told = |h: &[kinolens::progress::EpochReport]| -> Vec<Option<WeightedScores>> {
        h.iter().flat_map(|e| [e.train_weighted, e.val_weighted]).collect()
    };
    assert_eq!(told(&resumed.history), told(&outcome.history));
    assert_eq!(
        told(&RunDir::open(&out).unwrap().history().unwrap()),
        told(&outcome.history),
        "the table tells the same"
    );
    let tags: Vec<String> = scalars(&event_file(&out)).into_iter().map(|s| s.1).collect();
    for tag in ["weighted_f1/train", "weighted_f1/val", "weighted_precision/val", "weighted_recall/train"] {
        assert_eq!(tags.iter().filter(|t| *t == tag).count(), 3, "{tag}");
    }
}

fn reports(told: &After) -> Vec<LayerReport> {
    let told = told.told.lock().unwrap();
    told.iter().filter_map(|p| if let Progress::Layers(l) = p { Some(l.clone()) } else { None }).flatten().collect()
}

/// `(step, tag, [min, max, num, sum, sum of squares], limits, buckets)` of every histogram.
#[allow(clippy::type_complexity)]
fn histograms(path: &Path) -> Vec<(u64, String, [f64; 5], Vec<f64>, Vec<f64>)> {
    let doubles = |b: &[u8]| b.chunks(8).map(|c| f64::from_le_bytes(c.try_into().unwrap())).collect::<Vec<f64>>();
    let of = |(step, tag, value): (u64, String, Vec<(u64, u64, Vec<u8>)>)| {
        let histogram = fields(&value.iter().find(|f| f.0 == 5)?.2);
        let one = |n: u64| doubles(&histogram.iter().find(|f| f.0 == n).unwrap().2);
        Some((step, tag, [1, 2, 3, 4, 5].map(|n| one(n)[0]), one(6), one(7)))
    };
    values(path).into_iter().filter_map(of).collect()
}

#[test]
fn layers_are_summed_up_every_so_many_steps_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let plain = train(&dataset, &config(2), &dir.path().join("plain"), false, &Silent).unwrap();
    let mut config = config(2);
    config.training.statistics_every = 2;
    let (out, told) = (dir.path().join("run"), After::never());
    let outcome = train(&dataset, &config, &out, false, &told).unwrap();
    assert_eq!(numbers(&outcome.history), numbers(&plain.history), "watching changes no number");

    let rows = reports(&told);
    let steps: Vec<_> = told
        .told
        .lock()
        .unwrap()
        .iter()
        .filter_map(|p| if let Progress::Step(s) = p { Some(s.clone()) } else { None })
        .collect();
    let watched: Vec<u64> = steps.iter().map(|s| s.step).filter(|s| s % 2 == 0).collect();
    let mut layers: Vec<String> = rows.iter().map(|r| r.layer.clone()).collect();
    layers.sort();
    layers.dedup();
    assert!(layers.len() >= 3, "{layers:?}");
    assert_eq!(rows.len(), watched.len() * layers.len());
    assert_eq!(RunDir::open(&out).unwrap().layer_reports().unwrap(), rows, "the table tells the same");
    for row in &rows {
        assert!(watched.contains(&row.step));
        assert!(row.std.is_some_and(|v| v.is_finite() && v >= 0.0) && row.mean.is_some_and(f32::is_finite), "{row:?}");
        assert!(row.silent <= row.channels && row.channels > Some(0), "{row:?}");
    }
    // All parameters lie in one of the outermost layers or the classifier: the squares add up to the step's own norm.
    for step in steps.iter().filter(|s| s.step % 2 == 0) {
        let of_step = rows.iter().filter(|r| r.step == step.step);
        let sum: f64 = of_step.filter_map(|r| r.gradient_norm).map(|n| f64::from(n).powi(2)).sum();
        assert!(
            (sum.sqrt() / f64::from(step.gradient_norm) - 1.0).abs() < 1e-4,
            "{} {}",
            sum.sqrt(),
            step.gradient_norm
        );
    }
    // What TensorBoard reads: every value counted once, and moments of the row.
    let drawn = histograms(&event_file(&out));
    for row in &rows {
        let (_, _, [min, max, num, sum, squares], limits, buckets) = drawn
            .iter()
            .find(|h| h.0 == row.step && h.1 == format!("activations/{}", row.layer))
            .unwrap_or_else(|| panic!("{row:?}"));
        assert!(min <= max && limits.windows(2).all(|w| w[0] <= w[1]) && limits.len() == buckets.len());
        assert_eq!(buckets.iter().sum::<f64>(), *num);
        assert!((sum / num - f64::from(row.mean.unwrap())).abs() < 1e-5);
        let deviation = (squares / num - (sum / num).powi(2)).max(0.0).sqrt();
        assert!((deviation - f64::from(row.std.unwrap())).abs() < 1e-4 * (1.0 + deviation), "{row:?}");
    }
    assert!(drawn.iter().any(|h| h.1.starts_with("gradients/")));

    let mut wrong = config.clone();
    wrong.training.statistics_layers = vec!["no such layer".into()];
    let error = train(&dataset, &wrong, &dir.path().join("wrong"), false, &Silent).unwrap_err().to_string();
    assert!(error.contains("no such layer"), "{error}");
}

#[test]
fn a_resumed_run_has_each_row_of_its_layers_once() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut config = config(2);
    config.training.statistics_every = 1;
    let (whole, halved) = (dir.path().join("whole"), dir.path().join("halved"));
    train(&dataset, &config, &whole, false, &Silent).unwrap();
    train(&dataset, &config, &halved, false, &After::new(3, Flow::Stop)).unwrap();
    // What a killed process wrote behind its checkpoint.
    let table = halved.join("layer_statistics.csv");
    let mut text = std::fs::read_to_string(&table).unwrap();
    let late = text.lines().last().unwrap().split_once(',').map(|(_, rest)| format!("99,{rest}\n")).unwrap();
    text += &late;
    std::fs::write(&table, text).unwrap();
    train(&dataset, &config, &halved, true, &Silent).unwrap();
    let rows = |run: &Path| RunDir::open(run).unwrap().layer_reports().unwrap();
    assert_eq!(rows(&halved), rows(&whole));
}

#[test]
fn a_range_test_finds_a_rate_that_learns_and_writes_nothing() {
    use kinolens::train::{RateRange, rate_test};
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let before = std::fs::read_dir(dir.path()).unwrap().count();
    let range = RateRange { from: 1e-6, to: 10.0, steps: 40 };
    let mut config = config(8);
    let found = rate_test(&dataset, &config, range, &ComputeDevice::cpu(), &Silent).unwrap();
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), before);
    let (first, last) = (found.points[0], found.points.last().unwrap());
    assert!((first.rate / 1e-6 - 1.0).abs() < 1e-9 && last.rate > first.rate);
    // A training with what it proposes learns; with a thousandth of it, it hardly moves.
    let steepest = found.steepest.unwrap_or_else(|| panic!("{found:?}"));
    let end = |rate: f64, name: &str, config: &mut RunConfig| {
        config.optimizer.learning_rate = rate;
        config.schedule.schedule = kinolens::config::Schedule::Constant;
        let history = train(&dataset, config, &dir.path().join(name), false, &Silent).unwrap().history;
        history.last().unwrap().train_loss
    };
    let (good, small) = (end(steepest, "good", &mut config), end(steepest / 1000.0, "small", &mut config));
    assert!(good < 0.7 * small, "{good} {small} at {steepest}");
    // The same seed gives the same test.
    assert_eq!(rate_test(&dataset, &config_of_test(), range, &ComputeDevice::cpu(), &Silent).unwrap(), found);
}

fn config_of_test() -> RunConfig {
    config(8)
}
