//! Many and long classes, small and large windows; figures saved and copied from their menus.

use super::leading::confused_run;
use super::*;
use kinolens::domain::ClassSet;
use kinolens::run_folder::Confusion;
use kinolens::ui::action::{OpenAction, WindowAction};
use kinolens::ui::selection::MatrixSelection;

/// A run of 60 classes, the first ten with names of 80 letters, of which one is confused with the next one.
fn crowded(dataset: &Dataset) -> Arc<RunView> {
    let name = |i: usize| match i {
        0..10 => {
            format!("a very long name of class {i:02} that goes on and on until it has eighty letters, {i:02} end")
        }
        _ => format!("class {i:02}"),
    };
    let classes = ClassSet::from_names((0..60).map(name).collect::<Vec<_>>());
    let confusion =
        Confusion::count(60, (0..600).map(|i| (i % 60, if i < 60 && i % 7 == 3 { (i + 1) % 60 } else { i % 60 })));
    let per_class = confusion.per_class(&classes);
    let base = run_of(dataset);
    let (evaluation, predictions) = base.evaluations[0].clone();
    let evaluation = Evaluation {
        confusion,
        per_class,
        classes: classes.clone(),
        dataset: dataset.root.display().to_string(),
        ..Evaluation::clone(&evaluation)
    };
    Arc::new(RunView {
        path: dataset.root.join("crowded"),
        classes,
        evaluations: vec![(Arc::new(evaluation), predictions)],
        ..RunView::clone(&base)
    })
}

/// A picture of whatever size the window has.
fn picture(harness: &mut Harness<'static, App>, name: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    std::fs::create_dir_all(&dir).unwrap();
    harness.render().expect("the window renders").save(dir.join(format!("{name}.png"))).unwrap();
}

#[test]
fn sixty_long_classes_fit_are_searched_and_their_confusions_are_listed() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let run = crowded(&demo());
    script.0.borrow_mut().run = Some(run.clone());
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(5);
    let name = run.classes.name(3).to_owned();
    // Names at the left end within 210 points however long they are: 140 of the name, the rest for the number.
    let row = harness.get_by_label(&format!("true {name}: 10")).rect();
    assert!(row.width() < 215.0, "{row:?}");
    let last = format!("{} predicted as {}: 10", run.classes.name(58), run.classes.name(58));
    picture(&mut harness, "sixty-classes-Dark");
    harness.get_by_label("Fit").click();
    harness.run_steps(3);
    let cell = harness.get_by_label(&last).rect();
    assert!(cell.right() < 760.0 && cell.bottom() < 520.0, "the last cell is in sight: {cell:?}");
    picture(&mut harness, "sixty-classes-fit-Dark");
    harness.get_by_label("Most confused").click();
    harness.run_steps(3);
    let pair = format!("{name} confused with {}: 1 (10 %)", run.classes.name(4));
    harness.get_by_label(&pair).click();
    harness.run_steps(3);
    assert_eq!(harness.state().state().selection.cell, Some(MatrixSelection::Cell { truth: 3, predicted: 4 }));
    picture(&mut harness, "sixty-classes-pairs-Dark");
    harness.get_by_label("Find a class of the matrix").click();
    harness.run_steps(2);
    harness.event(egui::Event::Text("class 31".into()));
    harness.run_steps(3);
    assert!(harness.query_by_label(&last).is_none(), "only what is predicted as like this");
    harness.get_by_label("class 31 predicted as class 31: 9");
    picture(&mut harness, "sixty-classes-search-Dark");
}

#[test]
fn a_small_window_loses_nothing_and_a_large_one_is_used() {
    for (size, name) in [([1024.0, 640.0], "small"), ([2560.0, 1440.0], "large")] {
        let (script, mut harness) = opened(ThemeChoice::Dark);
        let run = confused_run(&demo());
        script.0.borrow_mut().run = Some(run.clone());
        harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
        harness.set_size(size.into());
        harness.run_steps(4);
        for workspace in [Workspace::Data, Workspace::Evaluate, Workspace::Review, Workspace::Train] {
            harness.state_mut().send(WindowAction::SetWorkspace(workspace));
            harness.run_steps(4);
            picture(&mut harness, &format!("size-{name}-{}", workspace.title()));
            let outside = |rect: egui::Rect| rect.right() > size[0] + 1.0;
            for label in ["Playback", "Help", "Compare"] {
                let found: Vec<egui::Rect> = harness.query_all_by_label(label).map(|n| n.rect()).collect();
                assert!(!found.is_empty() && !found.into_iter().any(outside), "{label} in {}", workspace.title());
            }
        }
        harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
        harness.run_steps(4);
        let confused = harness.query_all_by_label_contains(" confused with ").count();
        match name {
            "large" => assert!(confused > 0, "a third column"),
            _ => harness.get_by_label("Most confused").click(),
        }
        harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
        harness.run_steps(4);
        for label in ["contours", "Scale"] {
            let found = harness.query_all_by_label_contains(label).map(|n| n.rect()).next();
            let rect = found.unwrap_or_else(|| panic!("{label} is missing at {size:?}"));
            assert!(rect.right() <= size[0], "{label}: {rect:?}");
        }
    }
}

#[test]
fn the_matrix_is_saved_and_copied_from_its_menu() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let run = confused_run(&demo());
    script.0.borrow_mut().run = Some(run.clone());
    harness.state_mut().type_paths();
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(5);
    let menu = |harness: &mut Harness<'static, App>| {
        let name = demo().classes.name(0).to_owned();
        harness.get_by_label(&format!("{name} predicted as {name}: 1")).click_secondary();
        harness.run_steps(3);
    };
    menu(&mut harness);
    harness.get_by_label("Copy as image");
    shot(&mut harness, "matrix-menu-Dark");
    harness.get_by_label("Save as SVG…").click();
    harness.run_steps(3);
    let out = std::env::temp_dir().join(format!("kinolens matrix {}.svg", std::process::id()));
    let _ = std::fs::remove_file(&out);
    until(&mut harness, "a field for the path", |app| matches!(app.state().dialog, Some(Dialog::Path { .. })));
    let Some(Dialog::Path { purpose, note, .. }) = harness.state().state().dialog.clone() else { panic!("no field") };
    let text = out.display().to_string();
    harness.state_mut().send(WindowAction::SetDialog(Some(Dialog::Path { purpose, text, note })));
    harness.run_steps(3);
    until(&mut harness, "whether it is free", |app| app.state().disk.at(&out).value().is_some_and(|f| !f.exists));
    harness.run_steps(2);
    harness.get_by_role_and_label(egui::accesskit::Role::Button, "Save").click();
    harness.run_steps(2);
    until(&mut harness, "the file", |app| app.state().messages.iter().any(|m| m.text.contains("Saved")));
    let svg = std::fs::read_to_string(&out).unwrap();
    assert!(svg.contains("<svg") && svg.contains(demo().classes.name(1)));
    harness.run_steps(2);
    assert!(harness.query_all_by_label("Open folder").count() > 0, "where it is, is one click away");
    std::fs::remove_file(&out).unwrap();
}
