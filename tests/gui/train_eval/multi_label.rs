//! Clips with several classes: the co-occurrence matrix, average precision, and the clips behind a cell.

use super::*;
use kinolens::domain::argmax;
use kinolens::eval::multi_label::evaluation_of_sets;

/// Labels and probabilities of clips 0, 16, 32, … of one video.
const CLIPS: [(&[usize], [f32; 3]); 5] = [
    (&[0, 1], [0.9, 0.8, 0.1]),
    (&[0], [0.7, 0.6, 0.2]),
    (&[1, 2], [0.1, 0.9, 0.3]),
    (&[2], [0.2, 0.1, 0.4]),
    (&[0, 2], [0.6, 0.2, 0.95]),
];

fn state() -> AppState {
    let classes = ClassSet::from_names(["walk", "talk", "eat"]);
    let clips: Vec<Prediction> = CLIPS
        .iter()
        .enumerate()
        .map(|(i, (truths, probabilities))| Prediction {
            video: "kitchen.mp4".into(),
            start: i as u32 * 16,
            truth: truths[0],
            truths: truths.to_vec(),
            predicted: argmax(probabilities),
            probabilities: probabilities.to_vec(),
            loss: 0.4,
            ..Prediction::default()
        })
        .collect();
    let mut evaluation = evaluation_of_sets(&classes, &clips);
    (evaluation.run, evaluation.checkpoint, evaluation.split) =
        ("/runs/demo-1".into(), "best_accuracy".into(), "test".into());
    let mut run = run(12, 3);
    run.classes = classes;
    for (i, epoch) in run.history.iter_mut().enumerate() {
        epoch.per_class_accuracy.clear();
        epoch.val_map = Some(0.3 + 0.04 * i as f32);
        epoch.per_class_ap = vec![Some(0.5), None, Some(0.25)];
    }
    let mut state = AppState { runs: vec![Arc::new(run)], ..AppState::default() };
    state.evaluations.push(EvaluationEntry {
        run: "/runs/demo-1".into(),
        evaluation: Arc::new(evaluation),
        predictions: Arc::new(Predictions { clips }),
    });
    state.selection.run = Some("/runs/demo-1".into());
    state
}

#[test]
fn a_cell_leads_to_the_clips_labelled_one_class_of_which_another_was_said() {
    for dark in [true, false] {
        let mut h = screen(state(), &["evaluate-report", "evaluate-clips"], dark);
        h.get_by_label("mAP");
        h.get_by_label("Co-occurrence");
        assert_eq!(h.query_all_by_label("Confusion").count(), 0);
        h.get_by_label_contains("co-occurrence matrix, rows are labels");
        // Of the two clips labelled talk one has walk said too; of the three labelled eat one has nothing said.
        h.get_by_label("labelled talk and predicted walk: 1");
        h.get_by_label("labelled eat and none predicted: 1");
        h.get_by_label("labelled eat: 3");
        h.get_by_label("none predicted: 1");
        h.get_by_label("labelled walk and predicted talk: 2").click();
        h.run_steps(2);
        let cell = MatrixSelection::Cell { truth: 0, predicted: 1 };
        assert_eq!(last_cell(h.state()), Some(Some(cell)));
        h.state_mut().state.selection.cell = Some(cell);
        h.run_steps(2);
        let cards = |h: &Harness<'static, Screen>| h.query_all_by_label_contains("of kitchen.mp4").count();
        assert_eq!(cards(&h), 2);
        h.get_by_label("walk + talk, predicted walk + talk, most probable walk 0.90, frame 0 of kitchen.mp4");
        h.get_by_label("walk, predicted walk + talk, most probable walk 0.70, frame 16 of kitchen.mp4");
        h.state_mut().state.selection.cell = Some(MatrixSelection::Cell { truth: 2, predicted: 3 });
        h.run_steps(2);
        assert_eq!(cards(&h), 1);
        h.get_by_label("eat, none predicted, most probable eat 0.40, frame 48 of kitchen.mp4");
        shoot(&mut h, if dark { "evaluate-multi-label-dark" } else { "evaluate-multi-label-light" });
    }
}

#[test]
fn bars_show_average_precision_and_sort_by_it() {
    let mut h = screen(state(), &["evaluate-report"], true);
    // Walk: ranks 1, 2 and 3 are right. Eat: 0.95, 0.4 and 0.3 are right. Talk: 0.9 and 0.8, then 0.6 wrong.
    h.get_by_label("average precision of walk: 1.00");
    h.get_by_label("average precision of eat: 1.00");
    h.get_by_label("recall of eat: 0.33");
    h.get_by_label("sort by AP").click();
    h.run_steps(2);
    h.get_by_label("precision of talk: 0.67").click();
    h.run_steps(2);
    assert_eq!(last_cell(h.state()), Some(Some(MatrixSelection::Column(1))));
}

#[test]
fn arrows_reach_the_column_of_nothing() {
    let mut h = screen(state(), &["evaluate-report"], true);
    h.get_by_label_contains("co-occurrence matrix").focus();
    h.run_steps(3);
    let (right, down) = (egui::Key::ArrowRight, egui::Key::ArrowDown);
    for key in [right, right, right, right, down, down, down, egui::Key::Enter] {
        h.key_press(key);
        h.run_steps(1);
    }
    assert_eq!(last_cell(h.state()), Some(Some(MatrixSelection::Cell { truth: 2, predicted: 3 })));
}

#[test]
fn curves_and_the_best_epoch_are_of_mean_average_precision() {
    let state = state();
    let h = screen(AppState { runs: state.runs, ..AppState::default() }, &["train-live"], true);
    h.get_by_label("best mAP 74 % in epoch 12");
    assert!(h.query_all_by_label_contains("Average precision of each class").count() > 0);
}
