//! The palette finds every action and every thing; menus list the actions.

use super::leading::confused_run;
use super::*;
use kinolens::ui::action::{ChooseAction, OpenAction, WindowAction};
use kinolens::ui::commands::{COMMANDS, Menu};
use kinolens::ui::finder;

fn with_run() -> (Scripted, Harness<'static, App>) {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let run = confused_run(&demo());
    script.0.borrow_mut().run = Some(run.clone());
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.run_steps(4);
    harness.state_mut().type_paths();
    (script, harness)
}

/// Opens the palette, types, and presses Enter.
fn find(harness: &mut Harness<'static, App>, text: &str) {
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::P);
    harness.run_steps(3);
    harness.get_by_label("Search commands").type_text(text);
    harness.run_steps(3);
    harness.key_press(egui::Key::Enter);
    harness.run_steps(3);
}

#[test]
fn every_action_is_found_by_its_name_and_stands_in_its_menu() {
    let (_, mut harness) = with_run();
    for command in COMMANDS {
        let found = finder::find(harness.state().state(), command.title);
        assert_eq!(found.first().map(|t| t.title.as_str()), Some(command.title), "the palette finds it first");
        let key = command.keys.first().map(|k| k.text()).unwrap_or_default();
        assert!(found[0].kind.ends_with(&key) && found[0].kind.starts_with(command.menu.title()));
    }
    for menu in Menu::ALL {
        harness.get_by_role_and_label(egui::accesskit::Role::Button, menu.title()).click();
        harness.run_steps(3);
        for command in COMMANDS.iter().filter(|c| c.menu == menu) {
            assert!(harness.query_all_by_label_contains(command.title).count() > 0, "{} in {menu:?}", command.title);
        }
        shot(&mut harness, &format!("menu-{menu:?}"));
        harness.key_press(egui::Key::Escape);
        harness.run_steps(3);
    }
}

#[test]
fn every_action_that_can_be_done_is_done_without_harm() {
    let (script, mut harness) = with_run();
    script.0.borrow_mut().hold = true;
    for command in COMMANDS.iter().filter(|c| c.title != "Quit") {
        if !(command.enabled)(harness.state().state()) {
            continue;
        }
        harness.state_mut().send((command.action)());
        harness.run_steps(2);
        harness.state_mut().send(WindowAction::SetDialog(None));
        if harness.state().state().dataset.is_none() {
            script.0.borrow_mut().hold = false;
            harness.state_mut().send(OpenAction::OpenDataset(demo().root.clone()));
            harness.run_steps(2);
            script.0.borrow_mut().hold = true;
        }
        harness.run_steps(2);
    }
    assert!(harness.state().state().dataset.is_some());
}

#[test]
fn things_are_found_by_name_and_lead_to_where_they_are() {
    let (_, mut harness) = with_run();
    let dataset = demo();
    let second = &dataset.videos[1];
    find(&mut harness, &second.name);
    assert_eq!(harness.state().state().selection.video.as_ref(), Some(&second.name));
    find(&mut harness, "lr");
    let state = harness.state().state();
    assert_eq!((state.workspace, state.leading.settings.1.as_str()), (Workspace::Train, "optimizer.learning_rate"));
    harness.run_steps(3);
    assert!(harness.query_all_by_label_contains("Learning rate").count() > 0);
    shot(&mut harness, "palette-setting-Dark");
    find(&mut harness, "preset small-clips");
    assert_eq!(harness.state().state().draft.preset, "small-clips");
    harness.run_steps(3);
    assert_eq!(harness.state().state().draft.preset, "small-clips", "the form takes it over");
    find(&mut harness, "statistics panel");
    assert_eq!(harness.state().state().workspace, Workspace::Data);
    assert!(harness.query_all_by_label_contains("Frames per class").count() > 0, "it is in front");
    // In Data a class is what the videos are narrowed to.
    let class = dataset.classes.name(0).to_owned();
    harness.state_mut().send(ChooseAction::SetFilter(Default::default()));
    find(&mut harness, &class);
    assert!(harness.state().state().filter.text.contains("class:"), "{:?}", harness.state().state().filter);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(2);
    let clip = format!("{} predicted {}, frame 32", dataset.classes.name(0), dataset.classes.name(1));
    find(&mut harness, &clip);
    let state = harness.state().state();
    assert_eq!((state.workspace, state.selection.clip.as_ref().map(|c| c.start)), (Workspace::Review, Some(32)));
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::P);
    harness.run_steps(3);
    harness.get_by_label("Search commands").type_text("eval");
    harness.run_steps(3);
    shot(&mut harness, "palette-things-Dark");
}

#[test]
fn settings_are_found_by_the_words_people_use() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(3);
    for (word, wanted) in [
        ("lr", "Learning rate"),
        ("momentum", "Optimizer"),
        ("focal", "Loss"),
        ("imbalance", "Balanced sampling"),
        ("mixup", "'mixup' is not offered"),
    ] {
        harness.state_mut().send(WindowAction::FindSettings(word.into()));
        harness.run_steps(4);
        assert!(harness.query_all_by_label_contains(wanted).count() > 0, "{word} finds {wanted}");
    }
    // What is far off is said under it, what cannot be stops the training.
    let mut draft = harness.state().state().draft.clone();
    let mut config = draft.config();
    config.optimizer.learning_rate = 99.0;
    config.training.batch_size = 4000;
    draft.config = config.to_ron();
    harness.state_mut().send(WindowAction::SetDraft(Box::new(draft)));
    harness.state_mut().send(WindowAction::FindSettings(String::new()));
    harness.run_steps(4);
    until(&mut harness, "the split", |_| true);
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(20));
        harness.run_steps(1);
        if harness.query_all_by_label_contains("there are to train on").count() > 0 {
            break;
        }
    }
    assert!(harness.query_all_by_label_contains("there are to train on").count() > 0, "more than all clips");
    assert!(harness.query_all_by_label_contains("more than usual").count() > 0, "a rate of 99");
    shot(&mut harness, "settings-doubts-Dark");
}
