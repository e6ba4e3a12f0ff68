//! Features and solutions of the classical baselines against scikit-image's and scikit-learn's numbers.

use crate::support::reference::golden;
use crate::support::reference::recipe::{numbers, sizes, unit};
use kinolens::classical::{
    Directions, Forest, Grey, Samples, Separator, hog, logistic, motion_energy, nearest, svm, svms,
};
use kinolens::domain::{RgbImage, argmax};
use serde_json::Value;

/// The clips of the file, made by its recipe: grey pictures as a decoder gives them.
fn clips(file: &Value) -> Vec<Vec<RgbImage>> {
    let seed = file["meta"]["seed"].as_str().unwrap();
    let [frames, height, width] = sizes(&file["clip_shape"])[..] else { panic!("no shape") };
    let clip = |(i, label): (usize, usize)| -> Vec<RgbImage> {
        let texture = unit(seed, &format!("classical.{i}.texture"), height / 4 * (width / 4));
        let noise = unit(seed, &format!("classical.{i}.noise"), frames * height * width);
        let place: Vec<f64> = unit(seed, &format!("classical.{i}.pos"), 3).into_iter().map(f64::from).collect();
        let [top, left] = [place[0], place[1]].map(|p| (8.0 * (p + 1.0)).floor() as usize);
        let speed = 1 + ((place[2] + 1.0) / 2.0 * 1.999).floor() as usize;
        assert_eq!(sizes(&file["start_y_x_speed"][i]), [top, left, speed]);
        let frame = |t: usize| {
            let (y0, x0) = match label {
                0 => (top, (left + speed * t) % (width - 12)),
                _ => ((top + speed * t) % (height - 12), left),
            };
            let pixel = |at: usize| {
                let (y, x) = (at / width, at % width);
                let inside = (y0..y0 + 12).contains(&y) && (x0..x0 + 12).contains(&x);
                let texture = f64::from(texture[y / 4 * (width / 4) + x / 4]);
                let noise = f64::from(noise[(t * height + y) * width + x]);
                let square = if inside { 60.0 } else { 0.0 };
                [(128.0 + 40.0 * texture + 24.0 * noise + square).floor().clamp(0.0, 255.0) as u8; 3]
            };
            RgbImage::new(width as u32, height as u32, (0..height * width).flat_map(pixel).collect::<Vec<u8>>())
                .unwrap()
        };
        (0..frames).map(frame).collect()
    };
    sizes(&file["labels"]).into_iter().enumerate().map(clip).collect()
}

fn close(got: impl IntoIterator<Item = f64>, want: &Value, tolerance: f64, what: &str) {
    let (got, want): (Vec<f64>, _) = (got.into_iter().collect(), numbers(want));
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (g, w)) in got.iter().zip(&want).enumerate() {
        assert!((g - w).abs() <= tolerance, "{what} {i}: {g}, not {w}");
    }
}

#[test]
fn features_are_those_of_the_definition() {
    let file = golden("classical.json");
    let middle = file["hog_frame"].as_u64().unwrap() as usize;
    for (i, clip) in clips(&file).iter().enumerate() {
        let sum: u64 = clip.iter().flat_map(|f| f.data.iter().step_by(3)).map(|v| u64::from(*v)).sum();
        assert_eq!(sum, file["pixel_sum"][i].as_u64().unwrap(), "pixels of clip {i}");
        let first: Vec<usize> = clip[0].data.iter().step_by(3).take(8).map(|v| usize::from(*v)).collect();
        assert_eq!(first, sizes(&file["pixels_first8"][i]));
        let frames: Vec<Grey> = clip.iter().map(Grey::of).collect();
        let found = hog(&frames[middle], 255.0, Directions::Unsigned(9));
        assert_eq!(found.len(), sizes(&file["hog_shape"]).iter().product::<usize>());
        close(found.into_iter().map(f64::from), &file["features"]["hog"][i], 1e-6, "hog");
        let energy = motion_energy(&frames, 4, 1);
        close(energy.into_iter().map(f64::from), &file["features"]["motion_energy"][i], 1e-8, "motion energy");
    }
}

/// The samples of a result, with its name: the stored features times its scale.
fn each_result(file: &Value, check: impl Fn(&Samples, &Value, &str)) {
    let labels = sizes(&file["labels"]);
    for (name, result) in file["results"].as_object().unwrap() {
        let scale = result["scale"].as_f64().unwrap();
        let row = |row: &Value| numbers(row).into_iter().map(|v| (v * scale) as f32).collect();
        let rows: Vec<Vec<f32>> = file["features"][name].as_array().unwrap().iter().map(row).collect();
        check(&Samples::new(&rows, labels.clone(), 2), result, name);
    }
}

/// All samples but one.
fn without(samples: &Samples, left_out: usize) -> Samples {
    let kept: Vec<usize> = (0..samples.len()).filter(|i| *i != left_out).collect();
    let rows: Vec<Vec<f32>> = kept.iter().map(|i| samples.row(*i).to_vec()).collect();
    Samples::new(&rows, kept.iter().map(|i| samples.labels[*i]).collect(), samples.classes)
}

/// Fits a function to all samples and to all but one, and compares everything the file says of it.
fn check_linear(samples: &Samples, want: &Value, what: &str, fit: impl Fn(&Samples) -> Separator) {
    let found = fit(samples);
    close(samples.rows().map(|r| found.value(r)), &want["train_decision"], 1e-4, what);
    close([found.bias], &want["intercept"], 1e-4, what);
    let norm = found.weight.iter().map(|w| w * w).sum::<f64>().sqrt();
    assert!((norm - want["weight_norm"].as_f64().unwrap()).abs() < 1e-4, "{what}: norm {norm}");
    close(found.weight.iter().copied().take(16), &want["weights_first16"], 1e-4, what);
    let predicted: Vec<usize> = samples.rows().map(|r| usize::from(found.value(r) > 0.0)).collect();
    assert_eq!(predicted, sizes(&want["train_prediction"]), "{what}");
    let left_out: Vec<f64> = (0..samples.len()).map(|i| fit(&without(samples, i)).value(samples.row(i))).collect();
    let said: Vec<usize> = left_out.iter().map(|v| usize::from(*v > 0.0)).collect();
    assert_eq!(said, sizes(&want["leave_one_out_prediction"]), "{what}");
    close(left_out, &want["leave_one_out_value"], 1e-4, what);
}

#[test]
fn the_support_vector_machine_is_scikit_learns() {
    let file = golden("classical.json");
    each_result(&file, |samples, result, name| {
        check_linear(samples, &result["linear_svc"], name, |s| svm(s, 1, 1.0, 1e-9, 3));
    });
}

#[test]
fn logistic_regression_is_scikit_learns() {
    let file = golden("classical.json");
    // The score of the second class over the first.
    let fit = |samples: &Samples| {
        let linear = logistic(samples, 1.0, 1e-9);
        let (first, second) = linear.weight.split_at(samples.width);
        Separator {
            weight: first.iter().zip(second).map(|(a, b)| f64::from(*b) - f64::from(*a)).collect(),
            bias: f64::from(linear.bias[1]) - f64::from(linear.bias[0]),
        }
    };
    each_result(&file, |samples, result, name| {
        let want = &result["logistic"];
        check_linear(samples, want, name, fit);
        let found = fit(samples);
        let probability = |row: &[f32]| 1.0 / (1.0 + (-found.value(row)).exp());
        close(samples.rows().map(probability), &want["train_probability_of_1"], 1e-4, name);
    });
}

/// A C, and the scores of both.
type Scores = (f64, [[f64; 3]; 4], [[f64; 3]; 4]);

/// Scores of the first four of 24 samples of three classes, by scikit-learn 1.9 for C of 1 and 10: `LogisticRegression`,
/// less the mean over the classes, and `LinearSVC`.
const THREE_CLASSES: [Scores; 2] = [
    (
        1.0,
        [
            [0.59228, -0.46767, -0.12461],
            [-0.99027, 1.0609, -0.07063],
            [-0.25398, 0.28914, -0.03516],
            [0.65549, -0.19668, -0.45881],
        ],
        [
            [0.16579, -1.03291, -0.39055],
            [-1.50795, 0.88903, -0.51476],
            [-0.6556, -0.30151, -0.25081],
            [0.20776, -0.6537, -0.63844],
        ],
    ),
    (
        10.0,
        [
            [1.25153, -1.31426, 0.06273],
            [-2.35348, 2.49377, -0.14029],
            [-0.3346, -0.14056, 0.47516],
            [1.1518, -0.73514, -0.41667],
        ],
        [
            [0.33607, -2.25312, -0.4041],
            [-2.16723, 2.86667, -0.6412],
            [-0.81731, -0.75207, -0.20615],
            [0.37311, -0.93644, -0.68651],
        ],
    ),
];

#[test]
fn three_classes_are_told_apart_as_by_scikit_learn() {
    let mut values = unit("classical-v1", "samples", 24 * 5);
    for (i, row) in values.chunks_exact_mut(5).enumerate() {
        row[i % 3] += 0.75;
    }
    let rows: Vec<Vec<f32>> = values.chunks_exact(5).map(<[f32]>::to_vec).collect();
    let samples = Samples::new(&rows, (0..24).map(|i| i % 3).collect(), 3);
    for (c, by_logistic, by_svm) in THREE_CLASSES {
        let (regression, machines) = (logistic(&samples, c, 1e-9), svms(&samples, c, 1e-9, 1));
        for (i, row) in rows.iter().take(4).enumerate() {
            let scores = regression.scores(row);
            let mean = scores.iter().sum::<f32>() / 3.0;
            let pairs = scores.iter().map(|s| s - mean).zip(by_logistic[i]);
            for (got, want) in pairs.chain(machines.scores(row).into_iter().zip(by_svm[i])) {
                assert!((f64::from(got) - want).abs() < 1e-4, "C {c}, sample {i}: {got}, not {want}");
            }
        }
    }
}

#[test]
fn neighbours_are_scikit_learns() {
    let file = golden("classical.json");
    each_result(&file, |samples, result, name| {
        let want = &result["knn3"];
        let distances = samples.rows().flat_map(|row| nearest(samples, row, 3)).map(|(_, d)| d.sqrt());
        close(distances, &want["train_distances"], 1e-4, name);
        let share = |within: &Samples, row: &[f32]| {
            let found = nearest(within, row, 3);
            found.iter().filter(|(n, _)| within.labels[*n] == 1).count() as f64 / 3.0
        };
        for (i, row) in samples.rows().enumerate() {
            let positions: Vec<usize> = nearest(samples, row, 3).iter().map(|(n, _)| *n).collect();
            assert_eq!(positions, sizes(&want["train_neighbours"][i]), "{name} {i}");
        }
        let said = |shares: Vec<f64>| shares.into_iter().map(|s| usize::from(s > 0.5)).collect::<Vec<_>>();
        let all: Vec<f64> = samples.rows().map(|row| share(samples, row)).collect();
        assert_eq!(said(all), sizes(&want["train_prediction"]), "{name}");
        let left_out: Vec<f64> = (0..samples.len()).map(|i| share(&without(samples, i), samples.row(i))).collect();
        close(left_out.iter().copied(), &want["leave_one_out_value"], 1e-6, name);
        assert_eq!(said(left_out), sizes(&want["leave_one_out_prediction"]), "{name}");
    });
}

/// Mean probability of the second class for the sample left out, by scikit-learn's `RandomForestClassifier(50)` over the
/// seeds 0 to 59.
const LEFT_OUT_BY_FORESTS: [(&str, [f64; 8]); 2] = [
    ("hog", [0.552, 0.457, 0.540, 0.449, 0.473, 0.588, 0.448, 0.533]),
    ("motion_energy", [0.338, 0.539, 0.489, 0.625, 0.484, 0.484, 0.437, 0.480]),
];

#[test]
fn random_forests_score_as_scikit_learns_do() {
    let file = golden("classical.json");
    each_result(&file, |samples, result, name| {
        let seeds = 20;
        let mut accuracy = 0.0;
        let expected = LEFT_OUT_BY_FORESTS.iter().find(|(of, _)| *of == name).unwrap().1;
        for seed in 0..seeds {
            let forest = Forest::grow(samples, 50, seed);
            let right = |row: &[f32], label: &usize| argmax(&forest.shares(row)) == *label;
            assert!(samples.rows().zip(&samples.labels).all(|(row, label)| right(row, label)), "{name} {seed}");
        }
        for (i, expected) in expected.into_iter().enumerate() {
            let (rest, label) = (without(samples, i), samples.labels[i]);
            let shares: Vec<f64> =
                (0..seeds).map(|seed| f64::from(Forest::grow(&rest, 50, seed).shares(samples.row(i))[1])).collect();
            let mean = shares.iter().sum::<f64>() / seeds as f64;
            assert!((mean - expected).abs() < 0.07, "{name} {i}: {mean}, not {expected}");
            let hits = shares.iter().filter(|s| usize::from(**s > 0.5) == label).count();
            accuracy += hits as f64 / (seeds as usize * samples.len()) as f64;
        }
        let [low, high] = ["min", "max"].map(|k| result["random_forest_50"][k].as_f64().unwrap());
        assert!((low..=high).contains(&accuracy), "{name}: {accuracy}");
    });
}
