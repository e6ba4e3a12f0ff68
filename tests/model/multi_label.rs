//! Losses over sets of classes against PyTorch's numbers, and metrics of multi-label predictions against scikit-learn's.

use crate::support::reference::golden;
use burn::tensor::{Device, Tensor, TensorData};
use kinolens::config::LossKind;
use kinolens::domain::{ClassSet, argmax};
use kinolens::eval::metrics::{probabilities_of, sigmoid_and_loss};
use kinolens::eval::multi_label::evaluation_of_sets;
use kinolens::model::read;
use kinolens::run_folder::Prediction;
use kinolens::train::Loss;
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().expect("an array").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn floats(value: &Value) -> Vec<f32> {
    numbers(value).into_iter().map(|v| v as f32).collect()
}

fn sets(value: &Value) -> Vec<Vec<usize>> {
    value.as_array().expect("sets").iter().map(|s| numbers(s).into_iter().map(|c| c as usize).collect()).collect()
}

#[test]
fn losses_over_sets_are_pytorch_s() {
    let reference = golden("extra_multi_label.json");
    let mut seen = 0;
    for case in reference["losses"].as_array().unwrap() {
        let (n, k) = (case["n"].as_u64().unwrap() as usize, case["k"].as_u64().unwrap() as usize);
        let (logits, sets) = (floats(&case["logits"]), sets(&case["sets"]));
        for result in case["results"].as_array().unwrap() {
            let desc = &result["desc"];
            let (kind, smoothing) = match desc["kind"].as_str().unwrap() {
                "bce" => (LossKind::CrossEntropy, desc["smoothing"].as_f64().unwrap() as f32),
                _ => (LossKind::Focal { gamma: desc["gamma"].as_f64().unwrap() as f32 }, 0.0),
            };
            let weights = desc["weights"].as_bool().unwrap().then(|| floats(&case["weights"]));
            let input: Tensor<2> =
                Tensor::from_data(TensorData::new(logits.clone(), [n, k]), &Device::flex().autodiff());
            let input = input.require_grad();
            let loss = Loss::with_weights(kind, smoothing, weights.clone()).of_sets(input.clone(), &sets);
            let gradients = loss.backward();
            let value = f64::from(read(loss).unwrap()[0]);
            let expected = result["loss"].as_f64().unwrap();
            assert!((value - expected).abs() < 1e-5 * expected.abs().max(1.0), "{desc}: {value} {expected}");
            let gradient = read(input.grad(&gradients).unwrap()).unwrap();
            let wanted = numbers(&result["grad"]);
            let largest = wanted.iter().fold(0.0_f64, |m, g| m.max(g.abs()));
            for (got, want) in gradient.iter().zip(&wanted) {
                assert!((f64::from(*got) - want).abs() < 1e-4 * largest, "{desc}: {got} {want}");
            }
            // The plain one is also what an evaluation tells of each clip.
            if kind == LossKind::CrossEntropy && smoothing == 0.0 && weights.is_none() {
                let of_clip = |(row, set): (&[f32], &Vec<usize>)| f64::from(sigmoid_and_loss(row, set).1);
                let mean = logits.chunks(k).zip(&sets).map(of_clip).sum::<f64>() / n as f64;
                assert!((mean - expected).abs() < 1e-6 * expected.max(1.0), "{mean} {expected}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 30, "{seen}");
}

#[test]
fn every_metric_of_sets_is_scikit_learns() {
    let reference = golden("extra_multi_label.json");
    for case in reference["metrics"].as_array().unwrap() {
        let k = case["k"].as_u64().unwrap() as usize;
        let scores = floats(&case["scores"]);
        let clip = |(truths, row): (Vec<usize>, &[f32])| Prediction {
            truth: truths[0],
            truths,
            predicted: argmax(row),
            probabilities: row.to_vec(),
            ..Prediction::default()
        };
        let clips: Vec<Prediction> = sets(&case["sets"]).into_iter().zip(scores.chunks(k)).map(clip).collect();
        let e = evaluation_of_sets(&ClassSet::from_names((0..k).map(|c| format!("class {c}"))), &clips);
        let m = e.multi_label.as_ref().unwrap();
        let close = |got: f64, want: &Value, what: &str| {
            let want = want.as_f64().unwrap_or_else(|| panic!("{what} is no number"));
            assert!((got - want).abs() < 1e-9, "{what}: {got} instead of {want}");
        };
        close(m.map, &case["map"], "mAP");
        for (c, ap) in m.average_precision.iter().enumerate() {
            match ap {
                Some(ap) => close(*ap, &case["average_precision"][c], "average precision"),
                None => assert!(case["average_precision"][c].is_null()),
            }
            let own = &e.per_class[c];
            close(own.precision, &case["precision"][c], "precision");
            close(own.recall, &case["recall"][c], "recall");
            close(own.f1, &case["f1"][c], "F1");
            close(own.support as f64, &case["support"][c], "support");
        }
        for (own, name) in [(e.macro_average, "macro"), (e.weighted_average, "weighted")] {
            for (i, value) in [own.precision, own.recall, own.f1].into_iter().enumerate() {
                close(value, &case["averages"][name][i], name);
            }
        }
        assert_eq!(serde_json::to_value(&m.co_occurrence).unwrap(), case["co_occurrence"]);
        assert_eq!(serde_json::to_value(&m.said_nothing).unwrap(), case["said_nothing"]);
    }
}

#[test]
fn probabilities_are_those_of_the_task() {
    use kinolens::domain::Task;
    let logits = [0.0, 2.0, -800.0, 800.0];
    let each = probabilities_of(Task::MultiLabel, &logits);
    assert_eq!((each[0], each[2], each[3]), (0.5, 0.0, 1.0));
    assert!((each[1] - 0.880_797_1).abs() < 1e-6);
    let shared: f32 = probabilities_of(Task::SingleLabel, &logits).iter().sum();
    assert!((shared - 1.0).abs() < 1e-6);
}
