//! Keys inside dialogs: Escape closes them, F1 helps and what was typed comes back.

use super::*;
use kinolens::ui::Action;
use kinolens::ui::action::{OpenAction, WindowAction, WorkAction};

fn typed(harness: &mut Harness<'static, App>, field: &str, text: &str) {
    // The last of several is the field itself.
    harness.query_all_by_label(field).last().expect("the field").focus();
    harness.run_steps(2);
    harness.event(egui::Event::Text(text.into()));
    harness.run_steps(3);
}

/// The keys are on screen.
fn helped(harness: &Harness<'static, App>) -> bool {
    harness.query_all_by_label("All keys").next().is_some()
}

/// Every dialog with a text in it, where it has a field.
fn dialogs() -> Vec<(&'static str, Action, Option<&'static str>)> {
    vec![
        ("a path", Action::Open(OpenAction::NoFileDialog(PathPurpose::Run)), Some("Path")),
        ("the export", Action::Work(WorkAction::AskExport), Some("Folder")),
        ("the labels", Action::Work(WorkAction::AskExportLabels), Some("Folder")),
        ("the import", Action::Open(OpenAction::AskImport(None)), Some("Weights")),
        ("the palette", Action::Window(WindowAction::OpenPalette), Some("Search commands")),
        ("the classes", Action::Work(WorkAction::AskClasses(run_of(&demo()).path.clone(), None)), None),
        ("the label map", Action::Open(OpenAction::AskLabelMap), None),
        ("leaving", Action::Window(WindowAction::SetDialog(Some(Dialog::Leave))), None),
        ("about", Action::Window(WindowAction::SetDialog(Some(Dialog::About))), None),
        ("the keys", Action::Window(WindowAction::SetDialog(Some(Dialog::Keys))), None),
    ]
}

fn with_run() -> Harness<'static, App> {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    harness.state_mut().send(OpenAction::OpenRun(run_of(&demo()).path.clone()));
    harness.run_steps(4);
    harness
}

#[test]
fn escape_closes_every_dialog_also_while_somebody_types() {
    let mut harness = with_run();
    for (what, action, field) in dialogs() {
        harness.state_mut().send(action);
        harness.run_steps(3);
        assert!(harness.state().state().dialog.is_some(), "{what} opens");
        if let Some(field) = field {
            typed(&mut harness, field, "x");
        }
        harness.key_press(egui::Key::Escape);
        harness.run_steps(2);
        assert!(harness.state().state().dialog.is_none(), "Escape closes {what}");
    }
}

#[test]
fn f1_helps_inside_every_dialog_and_what_was_typed_comes_back() {
    let mut harness = with_run();
    for (what, action, field) in dialogs() {
        harness.state_mut().send(action);
        harness.run_steps(3);
        if let Some(field) = field {
            typed(&mut harness, field, "some words");
        }
        let before = harness.state().state().dialog.clone();
        assert!(before.is_some());
        harness.key_press(egui::Key::F1);
        harness.run_steps(3);
        assert!(helped(&harness), "F1 shows the keys over {what}");
        if what == "the export" {
            shot(&mut harness, "keys-over-export-Dark");
        }
        // Nothing below reacts meanwhile, neither to keys nor to Enter.
        let view = harness.state().state().view.clone();
        for key in [egui::Key::H, egui::Key::Enter, egui::Key::F1] {
            harness.key_press(key);
            harness.run_steps(2);
        }
        if what != "the keys" && what != "about" {
            assert_eq!(harness.state().state().view, view);
        }
        harness.key_press(egui::Key::Escape);
        harness.run_steps(3);
        assert!(!helped(&harness), "Escape closes the keys over {what}");
        let after = harness.state().state().dialog.clone();
        if what == "the keys" {
            assert!(after.is_none());
            continue;
        }
        assert_eq!(after, before, "{what} is as it was");
        if let Some(field) = field {
            let text = harness.query_all_by_label(field).last().and_then(|n| n.value()).unwrap_or_default();
            assert!(text.ends_with("some words"), "{field} says '{text}'");
        }
        harness.key_press(egui::Key::Escape);
        harness.run_steps(2);
        assert!(harness.state().state().dialog.is_none(), "{what} closes");
    }
}

#[test]
fn f1_helps_while_somebody_types_and_over_an_open_list() {
    let mut harness = with_run();
    typed(&mut harness, "Filter videos", "s0");
    harness.key_press(egui::Key::F1);
    harness.run_steps(3);
    assert!(helped(&harness));
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    assert!(harness.state().state().dialog.is_none());
    assert_eq!(harness.state().state().filter.text, "s0");
    harness.get_by_label("File").click();
    harness.run_steps(3);
    assert!(harness.query_by_label("Close the dataset").is_some(), "the menu is open");
    harness.key_press(egui::Key::F1);
    harness.run_steps(3);
    assert!(helped(&harness));
    shot(&mut harness, "keys-over-menu-Dark");
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    assert!(harness.state().state().dialog.is_none());
}
