//! One gesture is one undo step: undo brings back everything it changed, at once.

use super::*;
use egui::accesskit::Role;
use kinolens::jobs::ClipRef;
use kinolens::run_folder::Confusion;
use kinolens::ui::Action;
use kinolens::ui::Selection;
use kinolens::ui::action::{ChooseAction, OpenAction, WindowAction};

/// What undo is about.
fn chosen(harness: &Harness<'static, App>) -> (Selection, ViewSettings, Workspace) {
    let state = harness.state().state();
    (state.selection.clone(), state.view.clone(), state.workspace)
}

fn steps(harness: &Harness<'static, App>) -> usize {
    harness.state().state().undo.len()
}

fn undo(harness: &mut Harness<'static, App>) {
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::Z);
    harness.run_steps(2);
}

fn redo(harness: &mut Harness<'static, App>) {
    harness.key_press_modifiers(egui::Modifiers::COMMAND | egui::Modifiers::SHIFT, egui::Key::Z);
    harness.run_steps(2);
}

/// Does something that must be one step, and back, and forth.
fn one_step(harness: &mut Harness<'static, App>, what: &str, gesture: impl FnOnce(&mut Harness<'static, App>)) {
    let (before, count) = (chosen(harness), steps(harness));
    gesture(harness);
    let after = chosen(harness);
    assert_ne!(before, after, "{what} changes something");
    assert_eq!(steps(harness), count + 1, "{what} is one step");
    undo(harness);
    assert_eq!(chosen(harness), before, "undo takes all of {what} back");
    redo(harness);
    assert_eq!(chosen(harness), after, "redo does all of {what} again");
    undo(harness);
    assert_eq!(chosen(harness), before);
}

/// A run whose evaluation counts its clips.
fn run_with_matrix() -> Arc<RunView> {
    let (dataset, mut run) = (demo(), RunView::clone(&run_of(&demo())));
    let (evaluation, predictions) = run.evaluations[0].clone();
    let pairs = predictions.clips.iter().map(|p| (p.truth, p.predicted));
    let confusion = Confusion::count(dataset.classes.len(), pairs);
    let per_class = confusion.per_class(&dataset.classes);
    run.evaluations =
        vec![(Arc::new(Evaluation { confusion, per_class, ..Evaluation::clone(&evaluation) }), predictions)];
    Arc::new(run)
}

/// A window on Evaluate with results, whose frames take so many seconds.
fn evaluated(step: f32) -> Harness<'static, App> {
    let script = Scripted::default();
    let run = run_with_matrix();
    script.0.borrow_mut().dataset = Some(demo());
    script.0.borrow_mut().run = Some(run.clone());
    let workers = Box::new(script) as Box<dyn Workers>;
    let builder = Harness::builder().with_size([1280.0, 960.0]).with_step_dt(step).wgpu();
    let mut harness =
        builder.build_eframe(move |cc| App::new(cc, LaunchOptions { open: None, fresh: true }, Box::new(|_| workers)));
    for action in [
        Action::Open(OpenAction::OpenDataset(demo().root.clone())),
        Action::Open(OpenAction::OpenRun(run.path.clone())),
        Action::Window(WindowAction::SetWorkspace(Workspace::Evaluate)),
    ] {
        harness.state_mut().send(action);
        harness.run_steps(4);
    }
    harness
}

#[test]
fn a_click_on_a_cell_or_on_a_bar_is_one_step() {
    let mut harness = evaluated(0.25);
    let classes = demo().classes.clone();
    let (first, second) = (classes.name(0).to_owned(), classes.name(1).to_owned());
    for label in [
        format!("{first} predicted as {second}: 1"),
        format!("{second} predicted as {second}: 1"),
        format!("recall of {first}: 0.50"),
        format!("precision of {second}: 0.50"),
    ] {
        one_step(&mut harness, &label, |harness| {
            harness.get_by_role_and_label(Role::Button, &label).click();
            harness.run_steps(3);
            let selection = &harness.state().state().selection;
            assert!(selection.cell.is_some() && selection.class.is_some(), "{label}: {selection:?}");
        });
    }
    // Choosing the same cell again lets go of it, which is a step of its own.
    let cell = format!("{first} predicted as {second}: 1");
    for _ in 0..2 {
        one_step(&mut harness, "the cell", |harness| {
            harness.get_by_role_and_label(Role::Button, &cell).click();
            harness.run_steps(3);
        });
        harness.get_by_role_and_label(Role::Button, &cell).click();
        harness.run_steps(3);
    }
}

#[test]
fn a_click_on_a_checkpoint_is_one_step() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let first = run_of(&demo());
    let second = Arc::new(RunView { path: demo().root.join("run two"), ..RunView::clone(&first) });
    script.0.borrow_mut().others = vec![second.clone()];
    for run in [&second, &first] {
        harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
        harness.run_steps(3);
    }
    // Something of the network in use, which another network does not have.
    let view = kinolens::jobs::HeatRequest {
        layer: Some("block3".into()),
        target: kinolens::jobs::TargetClass::Class(1),
        ..kinolens::ui::selection::default_view()
    };
    harness.state_mut().send(ChooseAction::SetHeatView(0, view));
    harness.state_mut().send(ChooseAction::SelectClass(Some(2)));
    harness.run_steps(3);
    for label in ["Use last of run two", "Use best_accuracy (default) of run two", "Use last of run one"] {
        one_step(&mut harness, label, |harness| {
            harness.query_all_by_label(label).last().unwrap_or_else(|| panic!("no {label}")).click();
            harness.run_steps(3);
        });
    }
}

#[test]
fn a_drag_is_one_step_and_so_is_a_held_key() {
    let mut harness = evaluated(0.25);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    harness.run_steps(4);
    one_step(&mut harness, "a drag of a slider", |harness| {
        let slider = harness.query_all_by_label("alpha").last().expect("the slider").rect();
        let track = |share: f32| egui::pos2(slider.left() + 70.0 * share, slider.center().y);
        harness.drag_at(track(0.2));
        harness.run_steps(1);
        for share in [0.3, 0.5, 0.9, 0.8] {
            harness.hover_at(track(share));
            harness.run_steps(1);
        }
        harness.drop_at(track(0.8));
        harness.run_steps(2);
        assert!(harness.state().state().view.alpha != 0.75, "the drag moves the slider");
    });
    // Two drags are two steps.
    let count = steps(&harness);
    one_step(&mut harness, "a held key", |harness| {
        // As the window system tells it: further presses without a release between.
        for _ in 0..3 {
            harness.key_down(egui::Key::Minus);
            harness.run_steps(1);
        }
        harness.key_up(egui::Key::Minus);
        harness.run_steps(1);
        assert!((harness.state().state().view.alpha - 0.6).abs() < 1e-6);
    });
    for _ in 0..2 {
        harness.key_press(egui::Key::Minus);
        harness.run_steps(1);
    }
    assert_eq!(steps(&harness), count + 2, "two presses are two steps");
    // A held key does not toggle again and again.
    for _ in 0..2 {
        harness.key_down(egui::Key::H);
        harness.run_steps(1);
    }
    harness.key_up(egui::Key::H);
    harness.run_steps(1);
    assert!(!harness.state().state().view.heat);
    undo(&mut harness);
    // So are two keys that come within one frame.
    harness.input_mut().events.extend([egui::Key::M, egui::Key::K].map(|key| egui::Event::Key {
        key,
        physical_key: None,
        pressed: true,
        repeat: false,
        modifiers: egui::Modifiers::NONE,
    }));
    harness.run_steps(1);
    assert_eq!(steps(&harness), count + 4);
    undo(&mut harness);
    assert!(harness.state().state().view.mask && !harness.state().state().view.skeleton);
}

#[test]
fn a_double_click_on_a_clip_is_one_step_back_to_where_one_was() {
    // As on a screen: two clicks are a double click only when they come soon after each other.
    let mut harness = evaluated(1.0 / 60.0);
    one_step(&mut harness, "a double click", |harness| {
        let card = harness.get_by_label_contains("frame 96 of").rect().center();
        for _ in 0..2 {
            harness.drag_at(card);
            harness.run_steps(1);
            harness.drop_at(card);
            harness.run_steps(1);
        }
        harness.run_steps(2);
        let state = harness.state().state();
        assert_eq!(state.workspace, Workspace::Review);
        let video = demo().videos[0].name.clone();
        assert_eq!(state.selection.clip, Some(ClipRef::window(video, 96)));
    });
}
