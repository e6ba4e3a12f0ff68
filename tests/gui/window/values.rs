//! What the window says a value is: under the pointer, over the steps of a reopened run, in its log, through training,
//! and in the contours that are exported.

use super::*;
use egui_kittest::kittest::NodeT;
use kinolens::progress::{ConfusionCell, EpochReport, StepReport};
use kinolens::render::{Interpolation, OverlayParams};
use kinolens::ui::action::{OpenAction, WindowAction, WorkAction};

fn history(epochs: u32) -> Vec<EpochReport> {
    let of = |n: u32| EpochReport {
        epoch: n,
        train_loss: 2.0 / n as f32,
        train_accuracy: 0.2 + 0.05 * n as f32,
        val_loss: Some(2.0 / n as f32 + 0.125),
        val_accuracy: Some(0.1 + 0.05 * n as f32),
        learning_rate: 0.001,
        seconds: 3.0,
        confusion: vec![
            ConfusionCell(0, 0, 7),
            ConfusionCell(0, 1, u64::from(20 - n)),
            ConfusionCell(1, 1, u64::from(n)),
        ],
        ..EpochReport::default()
    };
    (1..=epochs).map(of).collect()
}

fn steps(epochs: u32, each: u32) -> Vec<StepReport> {
    let of = |i: u32| StepReport {
        step: u64::from(i + 1),
        epoch: i / each + 1,
        step_in_epoch: i % each + 1,
        steps_per_epoch: each,
        loss: 2.5 - i as f32 * 0.01,
        learning_rate: 0.001,
        ..StepReport::default()
    };
    (0..epochs * each).map(of).collect()
}

/// A window in which a run of so many epochs is open, and a shorter one beside it.
fn with_runs(long: RunView, short: u32) -> (Scripted, Harness<'static, App>) {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let base = RunView::clone(&run_of(&demo()));
    let short = RunView { path: demo().root.join("short run"), history: history(short), ..base };
    for run in [short, long] {
        let run = Arc::new(run);
        script.0.borrow_mut().run = Some(run.clone());
        harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
        harness.run_steps(3);
    }
    (script, harness)
}

fn long_run() -> RunView {
    RunView { history: history(12), steps: steps(12, 5), ..RunView::clone(&run_of(&demo())) }
}

fn texts(harness: &Harness<'static, App>) -> Vec<String> {
    harness.query_all_by_label_contains("").map(|n| text_of(&n)).collect()
}

#[test]
fn a_tooltip_says_the_value_at_its_own_epoch_and_nothing_beyond_a_curve() {
    let mut run = long_run();
    run.steps.clear();
    let (_, mut harness) = with_runs(run, 4);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(4);
    let plot = harness.get_by_label_contains("Loss: train").rect();
    let (mut epochs, mut with_short) = (std::collections::BTreeSet::new(), std::collections::BTreeSet::new());
    harness.hover_at(plot.center());
    harness.run_steps(4);
    // From the right to the left, by steps of a few points.
    for i in 0..70 {
        let x = plot.right() - 1.0 - plot.width() * i as f32 / 69.0;
        harness.hover_at(egui::pos2(x, plot.center().y));
        harness.run_steps(2);
        let all = texts(&harness);
        // Of the legend are those "in Loss"; the tooltip names the curve alone.
        let Some(at) = all.iter().position(|t| t == "validation") else { continue };
        let tip = &all[at.saturating_sub(12)..(at + 12).min(all.len())];
        let epoch = |t: &String| t.strip_prefix("epoch ").and_then(|n| n.parse::<u32>().ok());
        let said: Vec<u32> = tip.iter().filter_map(epoch).collect();
        assert!(!said.is_empty(), "no epoch stands by the values: {tip:?}");
        // The validation's own value: 2/n + 1/8 for one of the epochs said.
        let value = &all[at + 1];
        let fits = |n: u32| format!("{:.4}", 2.0 / f64::from(n) + 0.125).starts_with(value.trim_end_matches('0'));
        let found = said.iter().copied().find(|n| fits(*n));
        assert!(found.is_some(), "'{value}' at {said:?} is the value of no such epoch");
        epochs.extend(found);
        // "–" where the other run has ended.
        let of_short = all.iter().position(|t| t == "short run validation").and_then(|i| all.get(i + 1));
        if of_short.is_some_and(|value| value != "–") {
            with_short.extend(found);
        }
    }
    assert_eq!(epochs.len(), 12, "{epochs:?}");
    assert_eq!(with_short.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4], "the other run ends with its fourth epoch");
    shot(&mut harness, "curves-tooltip-Dark");
}

#[test]
fn steps_and_log_of_a_reopened_run_come_from_its_files() {
    let log: Vec<String> = (1..=3).map(|i| format!("2026-01-31T12:00:0{i}Z epoch {i}: train loss 0.5")).collect();
    let (script, mut harness) = with_runs(RunView { log, ..long_run() }, 2);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(4);
    let enabled = |h: &Harness<'static, App>| !h.get_by_label("Step").accesskit_node().is_disabled();
    assert!(enabled(&harness), "its steps are known");
    harness.get_by_label("Step").click();
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("Loss: step").next().is_some());
    harness.get_by_label("Log (3 lines)").scroll_to_me();
    harness.run_steps(6);
    harness.get_by_label("2026-01-31T12:00:02Z epoch 2: train loss 0.5");
    shot(&mut harness, "log-reopened-Dark");
    // A run without an event file says so by a greyed "Step"; one line is one line.
    let bare = Arc::new(RunView {
        path: demo().root.join("bare run"),
        steps: Vec::new(),
        log: vec!["imported".into()],
        ..long_run()
    });
    script.0.borrow_mut().run = Some(bare.clone());
    harness.state_mut().send(OpenAction::OpenRun(bare.path.clone()));
    harness.run_steps(4);
    assert!(!enabled(&harness));
    assert!(harness.query_all_by_label("Log (1 line)").next().is_some());
}

#[test]
fn the_log_of_a_running_training_grows_as_its_file_does() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    script.0.borrow_mut().hold = true;
    let out = PathBuf::from("/tmp/kinolens never trained");
    harness.state_mut().send(WorkAction::StartTraining { config: Default::default(), out, resume: false });
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(3);
    let job = JobId(script.0.borrow().jobs.len() as u64);
    let tell = |p| script.0.borrow_mut().events.push(Event { job, body: EventBody::Progress(p) });
    // What goes to the terminal is not the log; what stands in the file is.
    tell(Progress::Log("small-3d with 95,000 parameters".into()));
    tell(Progress::Logged("2026-01-31T12:00:00Z small-3d with 95,000 parameters".into()));
    harness.run_steps(3);
    assert!(harness.query_all_by_label("Log (1 line)").next().is_some());
    for epoch in 1..=5 {
        tell(Progress::Logged(format!("2026-01-31T12:00:0{epoch}Z epoch {epoch}: train loss 0.5")));
    }
    harness.run_steps(3);
    harness.get_by_label("Log (6 lines)").scroll_to_me();
    harness.run_steps(6);
    harness.get_by_label("2026-01-31T12:00:05Z epoch 5: train loss 0.5");
}

#[test]
fn another_run_of_the_same_length_has_curves_of_its_own() {
    let (script, mut harness) = with_runs(RunView { steps: Vec::new(), ..long_run() }, 2);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(4);
    let lr = |h: &Harness<'static, App>| text_of(&h.get_by_label_contains("Learning rate:"));
    let before = lr(&harness);
    let mut twin = RunView { path: demo().root.join("twin run"), steps: Vec::new(), ..long_run() };
    twin.history.iter_mut().for_each(|e| e.learning_rate = 0.25);
    let twin = Arc::new(twin);
    script.0.borrow_mut().run = Some(twin.clone());
    harness.state_mut().send(OpenAction::OpenRun(twin.path.clone()));
    harness.run_steps(4);
    assert!(lr(&harness).contains("0.25"), "{} after {before}", lr(&harness));
}

#[test]
fn through_training_shows_nothing_of_another_evaluation() {
    let (_, mut harness) = with_runs(long_run(), 2);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(4);
    assert!(harness.query_all_by_label_contains("Click a cell to see its clips").next().is_some());
    assert!(harness.query_all_by_label("Baseline").next().is_some());
    harness.get_by_label("Through training").click();
    harness.run_steps(4);
    shot(&mut harness, "through-training-Dark");
    for gone in ["Click a cell to see its clips", "Baseline", "Every wrong clip", "most confident first"] {
        assert_eq!(harness.query_all_by_label_contains(gone).count(), 0, "'{gone}' belongs to the evaluation");
    }
    // What is there is the epoch's own: 7 + 12 of 27 clips of the twelfth, and its bars.
    harness.get_by_label("validation, epoch 12, 27 clips");
    assert!(harness.query_all_by_label("The clips of this epoch are not kept").next().is_some());
    let classes = demo().classes.clone();
    let cell = format!("{} predicted as {}: 8", classes.name(0), classes.name(1));
    harness.get_by_label(&cell).click();
    harness.run_steps(3);
    assert_eq!(harness.state().state().selection.cell, None, "a cell of counts chooses no clips");
    harness.get_by_label("Through training").click();
    harness.run_steps(4);
    assert!(harness.query_all_by_label_contains("Click a cell to see its clips").next().is_some());
    assert!(harness.query_all_by_label_contains("Every wrong clip").next().is_some());
}

/// Chooses a row of a list.
fn choose(harness: &mut Harness<'static, App>, list: &str, row: &str) {
    harness.get_by_role_and_label(egui::Role::ComboBox, list).click();
    harness.run_steps(3);
    harness.query_all_by_label(row).last().expect("the row").click();
    harness.run_steps(4);
}

#[test]
fn contours_need_the_interpolated_map_and_are_exported_as_shown() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    harness.state_mut().send(OpenAction::OpenRun(run_of(&demo()).path.clone()));
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    harness.run_steps(3);
    until(&mut harness, "the heatmap", |app| shown_frame(app).is_some() && explained(app));
    let image = |h: &mut Harness<'static, App>| h.render().unwrap();
    let plain = image(&mut harness);
    harness.get_by_label("contours").click();
    harness.run_steps(3);
    let lined = image(&mut harness);
    assert!(plain != lined, "contours are drawn");
    shot(&mut harness, "contours-Dark");
    let exported = |harness: &mut Harness<'static, App>| -> OverlayParams {
        harness.get_by_label("Export…").click();
        harness.run_steps(3);
        harness.get_by_label("Export").click();
        harness.run_steps(3);
        let jobs = script.0.borrow().jobs.clone();
        jobs.into_iter()
            .rev()
            .find_map(|j| if let Job::Export(r) = j { Some(r.look) } else { None })
            .expect("an export")
    };
    let look = exported(&mut harness);
    assert!(look.contours && look.interpolation == Interpolation::Smooth);
    // Cells as they are have no contours: the switch is off, and says why.
    choose(&mut harness, "Interpolation", "cells");
    let toggle = harness.get_by_label("contours");
    assert!(toggle.accesskit_node().is_disabled());
    let place = toggle.rect().center();
    let off = image(&mut harness);
    harness.hover_at(place);
    harness.run_steps(30);
    assert!(harness.query_all_by_label_contains("Contours follow the interpolated map").next().is_some());
    harness.hover_at(egui::pos2(300.0, 300.0));
    harness.run_steps(3);
    let look = exported(&mut harness);
    assert_eq!(look.interpolation, Interpolation::Nearest);
    // On again they come back as they were.
    choose(&mut harness, "Interpolation", "cubic");
    assert_eq!(exported(&mut harness).interpolation, Interpolation::Cubic);
    assert!(!harness.get_by_label("contours").accesskit_node().is_disabled());
    assert!(off != image(&mut harness));
}
