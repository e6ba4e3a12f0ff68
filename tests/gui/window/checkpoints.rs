//! Which network is on screen: scores, heatmaps and lists name their checkpoint, and none is swapped unasked.

use super::*;
use egui::accesskit::Role;
use kinolens::jobs::ClipRef;
use kinolens::jobs::kinds::Evaluate;
use kinolens::run_folder::CheckpointInfo;
use kinolens::ui::action::{ChooseAction, OpenAction, WindowAction};

/// A run with a checkpoint that is the default and another one; `evaluated` names those with results.
fn run_named(dataset: &Dataset, name: &str, evaluated: &[(&str, u32, f64)]) -> Arc<RunView> {
    let base = run_of(dataset);
    let evaluation = |(checkpoint, epoch, accuracy): &(&str, u32, f64)| {
        let (first, predictions) = &base.evaluations[0];
        let evaluation = Evaluation {
            run: dataset.root.join(name).display().to_string(),
            checkpoint: (*checkpoint).to_owned(),
            epoch: Some(*epoch),
            step: u64::from(*epoch) * 10,
            made_unix: Some(1_700_000_000),
            dataset: dataset.root.display().to_string(),
            clips: 4,
            accuracy: *accuracy,
            ..Evaluation::clone(first)
        };
        (Arc::new(evaluation), predictions.clone())
    };
    let info = |name: &str, epoch: u32| CheckpointInfo {
        name: name.to_owned(),
        epoch: Some(epoch),
        batches: 0,
        step: u64::from(epoch) * 10,
    };
    Arc::new(RunView {
        path: dataset.root.join(name),
        checkpoints: vec![info("last", 12), info("best_accuracy", 9)],
        evaluations: evaluated.iter().map(evaluation).collect(),
        ..RunView::clone(&base)
    })
}

/// A window on the demo dataset with these runs open, the first of them in use.
fn with_runs(runs: &[Arc<RunView>]) -> (Scripted, Harness<'static, App>) {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    script.0.borrow_mut().run = None;
    script.0.borrow_mut().others = runs.to_vec();
    for run in runs.iter().rev() {
        harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
        harness.run_steps(3);
    }
    (script, harness)
}

fn labels(harness: &Harness<'static, App>, part: &str) -> usize {
    harness.query_all_by_label_contains(part).count()
}

fn show(harness: &mut Harness<'static, App>, workspace: Workspace) {
    harness.state_mut().send(WindowAction::SetWorkspace(workspace));
    harness.run_steps(4);
}

/// Opens a combo box and chooses an entry.
fn choose(harness: &mut Harness<'static, App>, combo: &str, entry: &str) {
    harness.get_by_role_and_label(Role::ComboBox, combo).click();
    harness.run_steps(3);
    // The list lies on top of whatever else is called like that.
    harness.query_all_by_label(entry).last().expect("an entry").click();
    harness.run_steps(4);
}

/// Names of the runs and checkpoints whose heatmaps were asked for.
fn explained_by(script: &Scripted) -> Vec<(String, String)> {
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    let jobs = script.0.borrow().jobs.clone();
    let mut asked: Vec<(String, String)> = jobs
        .iter()
        .filter_map(|j| match j {
            Job::Explain(r) => Some((name(&r.checkpoint.run), r.checkpoint.name.clone().expect("it is resolved"))),
            _ => None,
        })
        .collect();
    asked.dedup();
    asked
}

#[test]
fn the_score_and_the_heatmap_are_of_the_checkpoint_that_is_named() {
    let dataset = demo();
    let run = run_named(&dataset, "run one", &[("best_accuracy", 9, 0.95)]);
    let (script, mut harness) = with_runs(std::slice::from_ref(&run));
    show(&mut harness, Workspace::Evaluate);
    assert!(
        labels(&harness, "best there is") == 0 && labels(&harness, "Evaluated: best_accuracy, epoch 9 · test") == 1
    );
    assert!(labels(&harness, "2023-11-1") >= 1, "when it was evaluated");
    shot(&mut harness, "identity-evaluate");
    // A clip behind the score opens with the weights that gave the score.
    let video = dataset.videos[0].name.clone();
    harness.state_mut().send(ChooseAction::ReviewClip(ClipRef::window(video, 32)));
    harness.run_steps(3);
    until(&mut harness, "the heatmap", |app| explained(app) && shown_frame(app) == Some(32));
    harness.run_steps(3);
    assert_eq!(explained_by(&script), [("run one".to_owned(), "best_accuracy".to_owned())]);
    assert!(labels(&harness, "run one · best_accuracy, epoch 9\n2×7×7 cells") >= 1, "the badge names the weights");
    shot(&mut harness, "identity-review");

    // Another checkpoint has no result, which is said; the one that is there is offered.
    show(&mut harness, Workspace::Evaluate);
    choose(&mut harness, "Checkpoint", "last, epoch 12 (default)");
    harness.get_by_label("Not evaluated yet");
    shot(&mut harness, "identity-not-evaluated");
    harness.get_by_label("Evaluate checkpoint").click();
    harness.run_steps(3);
    let job = script.0.borrow().jobs.last().cloned();
    let Some(Job::Evaluate(Evaluate { checkpoint, .. })) = job else { panic!("{job:?}") };
    assert_eq!(checkpoint.name.as_deref(), Some("last"), "the default is named");
    let (evaluation, predictions) = run_named(&dataset, "run one", &[("last", 12, 0.945)]).evaluations[0].clone();
    let id = JobId(script.0.borrow().jobs.len() as u64);
    let body = EventBody::Finished(Output::Evaluation(evaluation, predictions));
    script.0.borrow_mut().events.push(Event { job: id, body });
    harness.run_steps(4);
    assert_eq!(labels(&harness, "Evaluated: last, epoch 12 · test"), 1);
    // Both results are kept.
    choose(&mut harness, "Checkpoint", "best_accuracy, epoch 9");
    assert_eq!(labels(&harness, "Evaluated: best_accuracy, epoch 9 · test"), 1);
    harness.get_by_label("95.0 %");
}

#[test]
fn results_of_other_checkpoints_are_offered_and_outdated_ones_say_so() {
    let dataset = demo();
    // The results of `last` are those of an earlier epoch.
    let run = run_named(&dataset, "run one", &[("last", 10, 0.9)]);
    let (_, mut harness) = with_runs(&[run]);
    show(&mut harness, Workspace::Evaluate);
    assert_eq!(labels(&harness, "last was trained further since (epoch 12 now)"), 1);
    choose(&mut harness, "Checkpoint", "best_accuracy, epoch 9");
    harness.get_by_label("last, epoch 10: 90.0 % on test").click();
    harness.run_steps(3);
    assert_eq!(labels(&harness, "Evaluated: last, epoch 10"), 1);
}

#[test]
fn the_run_in_use_is_marked_and_a_click_on_another_swaps_nothing() {
    let dataset = demo();
    let runs = [run_named(&dataset, "run one", &[]), run_named(&dataset, "run two", &[])];
    let (script, mut harness) = with_runs(&runs);
    show(&mut harness, Workspace::Review);
    until(&mut harness, "the heatmap", |app| explained(app) && shown_frame(app).is_some());
    harness.run_steps(2);
    harness.get_by_label("run one  in use");
    harness.get_by_label("last, epoch 12 (default) of run one, in use");
    harness.get_by_label("run two").click();
    harness.run_steps(6);
    assert_eq!(harness.state().state().run().map(|r| &r.path), Some(&runs[0].path), "a click swapped the network");
    assert_eq!(explained_by(&script), [("run one".to_owned(), "last".to_owned())]);
    // Its checkpoints are shown by now; using one is a click of its own, and told.
    harness.get_by_label("Use best_accuracy, epoch 9 of run two").click();
    harness.run_steps(4);
    let state = harness.state().state();
    assert_eq!(state.run().map(|r| &r.path), Some(&runs[1].path));
    assert!(state.messages.iter().any(|m| m.text.contains("run two · best_accuracy, epoch 9")), "{:?}", state.messages);
    until(&mut harness, "the other heatmap", explained);
    harness.run_steps(2);
    harness.get_by_label("run two  in use");
    shot(&mut harness, "runs-in-use");
}

#[test]
fn every_selector_of_review_has_its_name() {
    let dataset = demo();
    let (_, mut harness) = with_runs(&[run_named(&dataset, "run one", &[])]);
    show(&mut harness, Workspace::Review);
    for name in ["Run", "Checkpoint", "Method", "Layer", "For", "Rather than"] {
        let selector = harness.get_by_role_and_label(Role::ComboBox, name);
        assert!(selector.rect().right() < 1280.0 && selector.rect().width() > 60.0, "{name}: {:?}", selector.rect());
    }
}

#[test]
fn views_differ_in_their_networks() {
    let dataset = demo();
    let runs = [run_named(&dataset, "run one", &[]), run_named(&dataset, "run two", &[])];
    let (script, mut harness) = with_runs(&runs);
    show(&mut harness, Workspace::Review);
    harness.get_by_label("2 views").click();
    harness.run_steps(3);
    harness.get_by_label("Use view 2").click();
    harness.run_steps(3);
    choose(&mut harness, "Run", "run two");
    choose(&mut harness, "Checkpoint", "best_accuracy, epoch 9");
    let both = |app: &App| {
        let state = app.state();
        let clip = state.explained_clip();
        (0..2).all(|view| {
            let (network, map) = (state.selection.network(view), &state.selection.views[view]);
            let answer = network.zip(clip.clone()).and_then(|(n, c)| state.explain.answer(&n, &c).cloned());
            answer.is_some_and(|a| a.maps.contains_key(map))
        })
    };
    until(&mut harness, "both heatmaps", |app| both(app) && shown_frame(app).is_some());
    harness.run_steps(3);
    for (view, network) in [(1, "run one · last, epoch 12"), (2, "run two · best_accuracy, epoch 9")] {
        assert_eq!(labels(&harness, &format!("Heatmap view {view}: {network}")), 1, "view {view}");
    }
    shot(&mut harness, "views-of-two-runs");
    let asked = explained_by(&script);
    assert!(asked.contains(&("run two".into(), "best_accuracy".into())), "{asked:?}");
    // The other view is as it was, and the tool bar follows the view that is set.
    harness.get_by_label("Use view 1").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state().run().map(|r| &r.path), Some(&runs[0].path));
    assert_eq!(labels(&harness, "Heatmap view 2: run two · best_accuracy, epoch 9"), 1);
}
