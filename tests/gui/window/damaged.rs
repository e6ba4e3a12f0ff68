//! A run of which files are damaged is in the list all the same, with a mark and what to do.

use super::*;
use kinolens::ui::action::OpenAction;

#[test]
fn a_damaged_run_is_listed_with_a_mark_and_the_sentence_once() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let sentence = "/runs/one/training_metrics.csv is damaged: line 2: no number; train an epoch, which writes it anew";
    let run = Arc::new(RunView { problems: vec![sentence.into()], ..RunView::clone(&run_of(&demo())) });
    script.0.borrow_mut().run = Some(run.clone());
    for _ in 0..2 {
        // Read again, it is not told again.
        harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
        harness.run_steps(5);
        let told = harness.state().state().messages.iter().filter(|m| m.text.contains("training_metrics.csv")).count();
        assert_eq!(told, 1);
    }
    // The run in use is open in the list.
    harness.get_by_label("run one  in use  damaged");
    assert!(harness.query_all_by_label_contains("line 2: no number").count() >= 1, "the sentence stands below it");
    harness.get_by_label_contains("best_accuracy (default) of run one");
    shot(&mut harness, "damaged-run");
    // A whole one has no mark.
    let whole = Arc::new(RunView { problems: Vec::new(), ..RunView::clone(&run) });
    script.0.borrow_mut().run = Some(whole);
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.run_steps(5);
    harness.get_by_label("run one  in use");
}
