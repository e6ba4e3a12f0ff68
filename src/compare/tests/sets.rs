//! Clips with several classes each, against scikit-learn and statsmodels.

use super::*;
use crate::eval::multi_label::evaluation_of_sets;
use serde_json::Value;

fn run(name: &str, classes: &ClassSet, case: &Value, scores: &str) -> EvaluatedRun {
    let list = |key: &str| case[key].as_array().unwrap().clone();
    let number = |v: &Value| v.as_u64().unwrap() as usize;
    let rows = list("sets").into_iter().zip(list(scores)).zip(list("subjects")).enumerate();
    let clips: Vec<Prediction> = rows
        .map(|(i, ((set, row), subject))| {
            let truths: Vec<usize> = set.as_array().unwrap().iter().map(number).collect();
            let probabilities: Vec<f32> = row.as_array().unwrap().iter().map(|v| v.as_f64().unwrap() as f32).collect();
            Prediction {
                video: format!("v{i}"),
                subject: format!("p{}", number(&subject)),
                truth: truths[0],
                truths,
                predicted: crate::domain::argmax(&probabilities),
                probabilities,
                ..Prediction::default()
            }
        })
        .collect();
    let evaluation = Evaluation { split: "test".into(), ..evaluation_of_sets(classes, &clips) };
    EvaluatedRun {
        name: name.into(),
        evaluation: Arc::new(evaluation),
        predictions: Arc::new(Predictions { clips }),
        ..EvaluatedRun::default()
    }
}

#[test]
fn sets_are_compared_as_scikit_learn_and_statsmodels_have_it() {
    let golden: Value = serde_json::from_str(include_str!("../../../tests/golden/extra_set_comparison.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 4);
    for case in cases {
        let number = |v: &Value| v.as_f64().unwrap();
        let classes = ClassSet::from_names((0..case["classes"].as_u64().unwrap()).map(|c| format!("c{c}")));
        let runs = [run("a", &classes, case, "a"), run("b", &classes, case, "b")];
        let found = Comparison::of(&runs, 7).unwrap();
        let near = |got: f64, want: &Value, what: &str| {
            assert!((got - number(want)).abs() < 1e-9, "{what}: {got} instead of {want}");
        };
        for (run, want) in found.runs.iter().zip(case["runs"].as_array().unwrap()) {
            let of = run.sets.unwrap();
            near(of.map.value, &want["map"], "mAP");
            near(of.exact_match.value, &want["exact_match"], "exact match");
            near(of.hamming_loss, &want["hamming_loss"], "Hamming loss");
            near(run.evaluation.macro_average.f1, &want["macro_f1"], "macro F1");
        }
        let pair = &found.pairs[0];
        near(pair.difference, &case["difference"], "difference");
        for (list, clips) in pair.lists.named() {
            let want: Vec<u64> = case["lists"][list].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect();
            assert_eq!(clips.iter().map(|c| *c as u64).collect::<Vec<_>>(), want, "{list}");
        }
        near(pair.exact_p.unwrap(), &case["exact_p"], "McNemar of exact sets");
        for (class, want) in pair.classes.iter().zip(case["per_class"].as_array().unwrap()) {
            let told = [class.support, class.fixed, class.broken];
            let wanted = ["support", "fixed", "broken"].map(|key| want[key].as_u64().unwrap());
            assert_eq!(told, wanted, "{}", class.class);
            if class.support == 0 {
                assert_eq!((class.ap_a, class.ap_b), (None, None), "{}", class.class);
                continue;
            }
            near(class.ap_a.unwrap(), &want["ap_a"], "average precision of a");
            near(class.ap_b.unwrap(), &want["ap_b"], "average precision of b");
            near(class.f1_a.unwrap(), &want["f1_a"], "F1 of a");
            near(class.f1_b.unwrap(), &want["f1_b"], "F1 of b");
            near(class.p, &want["p"], "McNemar");
            near(class.p_holm, &want["p_holm"], "Holm");
        }
        // Draws differ: of 2,000 a percentile at 2.5 % is known to about a tenth of the width.
        let (low, high) = (number(&case["low"]), number(&case["high"]));
        let tolerance = (high - low) / 8.0;
        let got = pair.interval;
        assert!((got.low - low).abs() < tolerance && (got.high - high).abs() < tolerance, "{got:?} {low} {high}");
        let p = number(&case["p"]);
        assert!((pair.p - p).abs() < 0.02 + 0.2 * p, "{} instead of {p}", pair.p);
        for (a, row) in case["co_occurrence_difference"].as_array().unwrap().iter().enumerate() {
            for (b, want) in row.as_array().unwrap().iter().enumerate() {
                assert_eq!(pair.confusion_difference[a][b], want.as_i64().unwrap(), "{a} {b}");
            }
        }
    }
}

#[test]
fn every_form_of_the_tables_tells_of_sets() {
    let golden: Value = serde_json::from_str(include_str!("../../../tests/golden/extra_set_comparison.json")).unwrap();
    let case = &golden["cases"][0];
    let classes = ClassSet::from_names((0..case["classes"].as_u64().unwrap()).map(|c| format!("c{c}")));
    let runs = [run("a", &classes, case, "a"), run("b", &classes, case, "b")];
    let found = Comparison::of(&runs, 7).unwrap();
    let text = found.markdown();
    for word in ["mAP", "exact match", "Hamming loss", "AP a", "F1 b", "bootstrap p"] {
        assert!(text.contains(word), "'{word}' is missing in\n{text}");
    }
    assert!(!text.contains("majority baseline"), "{text}");
    let dir = tempfile::tempdir().unwrap();
    let files = found.write(dir.path()).unwrap();
    let names: Vec<String> = files.iter().map(|f| f.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert!(names.contains(&"co_occurrence_difference_1_2.csv".to_owned()), "{names:?}");
    assert!(names.iter().all(|n| is_comparison_file(n)), "{names:?}");
    let clips = std::fs::read_to_string(dir.path().join("clips.csv")).unwrap();
    assert!(clips.starts_with("video,subject,start,true,said a,"), "{clips}");
}

#[test]
fn tasks_are_not_mixed() {
    let classes = ClassSet::from_names(["x", "y"]);
    let clip = |truths: Vec<usize>| Prediction {
        video: "v".into(),
        truths,
        probabilities: vec![0.9, 0.1],
        ..Prediction::default()
    };
    let of = |name: &str, several: bool| {
        let clips = vec![clip(if several { vec![0] } else { Vec::new() })];
        let evaluation = match several {
            true => evaluation_of_sets(&classes, &clips),
            false => evaluation_of(&classes, &clips),
        };
        EvaluatedRun {
            name: name.into(),
            evaluation: Arc::new(evaluation),
            predictions: Arc::new(Predictions { clips }),
            ..EvaluatedRun::default()
        }
    };
    let told = Comparison::of(&[of("a", true), of("b", false)], 1).unwrap_err().to_string();
    assert!(told.contains("the evaluation of a is of a multi-label task, that of b is not"), "{told}");
}
