//! What belongs to a dataset or a run stays with it: filter, order, class, a changed preset; and what belongs to a file
//! that is gone is not shown.

use super::session::{Store, window_with};
use super::*;
use egui_kittest::kittest::NodeT;
use kinolens::ui::action::{ChooseAction, HistoryAction, OpenAction, WindowAction};
use kinolens::ui::arrangement::VideoKey;

/// Another dataset with videos of the same names, its classes the other way round.
fn other(name: &str) -> Arc<Dataset> {
    let mut dataset = Dataset::clone(&demo());
    dataset.root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name} {}", std::process::id()));
    std::fs::create_dir_all(&dataset.root).unwrap();
    dataset.name = name.to_owned();
    dataset.fingerprint = name.to_owned();
    dataset.classes.classes.reverse();
    Arc::new(dataset)
}

fn open(script: &Scripted, harness: &mut Harness<'static, App>, dataset: &Arc<Dataset>) {
    script.0.borrow_mut().dataset = Some(dataset.clone());
    harness.state_mut().send(OpenAction::OpenDataset(dataset.root.clone()));
    harness.run_steps(4);
}

fn work_in(harness: &mut Harness<'static, App>, workspace: Workspace) {
    harness.state_mut().send(WindowAction::SetWorkspace(workspace));
    harness.run_steps(3);
}

/// Types over a field.
fn fill(harness: &mut Harness<'static, App>, field: &str, text: &str) {
    harness.get_by_label(field).focus();
    harness.run_steps(2);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    harness.event(egui::Event::Text(text.into()));
    harness.run_steps(2);
    harness.key_press(egui::Key::Enter);
    harness.run_steps(2);
}

/// Checks that the window looks as it was arranged for the first dataset (true), or as at first (false).
fn check(harness: &mut Harness<'static, App>, arranged: bool) {
    work_in(harness, Workspace::Data);
    let all = harness.state().state().dataset.as_ref().unwrap().videos.len();
    let narrowed = harness.query_all_by_label_contains(&format!("1 of {all} videos pass the filter")).count();
    assert_eq!(narrowed > 0, arranged, "the filter");
    let state = harness.state().state();
    assert_eq!(state.filter.text, if arranged { "s02" } else { "" });
    assert_eq!(state.order.key, if arranged { VideoKey::Frames } else { VideoKey::Name });
    let class = state.selection.class.map(|c| state.classes().name(c).to_owned());
    assert_eq!(class.is_some(), arranged, "{class:?}");
    if arranged {
        assert_eq!(class.as_deref(), Some(demo().classes.name(1)));
    }
    work_in(harness, Workspace::Train);
    assert_eq!(harness.query_by_label("reset Epochs").is_some(), arranged, "the changed preset");
    work_in(harness, Workspace::Data);
}

#[test]
fn filter_order_class_and_preset_stay_with_the_dataset_they_were_made_for() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let store = Store::default();
    fill(&mut harness, "Filter videos", "s02");
    harness.get_by_label("Sort by frames").click();
    harness.state_mut().send(ChooseAction::SelectClass(Some(1)));
    harness.run_steps(2);
    work_in(&mut harness, Workspace::Train);
    fill(&mut harness, "Epochs", "7");
    check(&mut harness, true);
    open(&script, &mut harness, &other("other"));
    check(&mut harness, false);
    // Undo does not reach into another dataset.
    harness.state_mut().send(HistoryAction::Undo);
    harness.run_steps(2);
    check(&mut harness, false);
    open(&script, &mut harness, &demo());
    check(&mut harness, true);
    harness.state_mut().send(OpenAction::CloseDataset);
    harness.run_steps(2);
    open(&script, &mut harness, &other("third"));
    check(&mut harness, false);
    eframe::App::save(harness.state_mut(), &mut store.clone());
    // Closing and opening keeps what belongs to each.
    let mut again = window_with(&script, &store);
    check(&mut again, false);
    open(&script, &mut again, &demo());
    check(&mut again, true);
}

#[test]
fn a_filter_that_nothing_passes_is_said_and_makes_no_claim_about_the_files() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    let all = demo().videos.len();
    fill(&mut harness, "Filter videos", "zzz");
    let sentence = format!("0 of {all} videos pass the filter");
    assert!(harness.query_all_by_label_contains(&sentence).count() > 0);
    shot(&mut harness, "filter-nothing-Dark");
    harness.get_by_label("Statistics").click();
    harness.run_steps(3);
    assert!(harness.query_all_by_label(&sentence).count() > 0, "said in the Statistics too");
    assert_eq!(harness.query_all_by_label_contains("could be opened").count(), 0);
    harness.get_by_label("Show all videos").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state().filtered.len(), all);
    assert!(harness.state().state().filter.text.is_empty());
    assert_eq!(harness.query_all_by_label_contains("pass the filter").count(), 0);
}

#[test]
fn the_order_of_clips_stays_with_its_run() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let first = run_of(&demo());
    let second = Arc::new(RunView { path: demo().root.join("run two"), ..RunView::clone(&first) });
    for run in [&first, &second] {
        script.0.borrow_mut().run = Some(run.clone());
        harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
        harness.run_steps(3);
    }
    work_in(&mut harness, Workspace::Evaluate);
    let choose = |harness: &mut Harness<'static, App>, run: &RunView| {
        harness.state_mut().send(ChooseAction::SelectRun(Some(run.path.clone())));
        harness.run_steps(3);
    };
    choose(&mut harness, &first);
    harness.get_by_label("sorted").click();
    harness.run_steps(3);
    harness.get_by_label("largest loss first").click();
    harness.run_steps(3);
    harness.get_by_label("By row").click();
    harness.run_steps(3);
    let shown = |harness: &Harness<'static, App>| {
        let order = harness.get_by_label("sorted").value().unwrap_or_default();
        let rows = harness.get_by_label("By row").accesskit_node().toggled() == Some(egui::accesskit::Toggled::True);
        (order, rows)
    };
    assert_eq!(shown(&harness), ("largest loss first".to_owned(), true));
    choose(&mut harness, &second);
    assert_eq!(shown(&harness), ("most confident first".to_owned(), false));
    choose(&mut harness, &first);
    assert_eq!(shown(&harness), ("largest loss first".to_owned(), true));
}

#[test]
fn a_file_that_is_gone_leaves_neither_picture_nor_caption() {
    let dir = tempfile::tempdir().unwrap();
    let mut dataset = Dataset::clone(&demo());
    dataset.root = dir.path().to_path_buf();
    for (i, video) in dataset.videos.iter_mut().enumerate() {
        let copy = dir.path().join(format!("{i}.mp4"));
        std::fs::copy(&video.path, &copy).unwrap();
        video.path = copy;
    }
    let dataset = Arc::new(dataset);
    let script = Scripted::default();
    let mut harness = window(&script, ThemeChoice::Dark);
    open(&script, &mut harness, &dataset);
    let name = |i: usize| dataset.videos[i].name.clone();
    until(&mut harness, "the first picture", |app| shown_frame(app) == Some(0));
    assert!(harness.query_by_label("Picture").is_some());
    // One that was never looked at.
    std::fs::remove_file(&dataset.videos[1].path).unwrap();
    harness.state_mut().send(ChooseAction::SelectVideo(name(1)));
    until(&mut harness, "the other picture to go", |app| app.shown().is_none());
    harness.run_steps(3);
    assert!(harness.query_by_label("Picture").is_none(), "the picture of the other video");
    let path = dataset.videos[1].path.display().to_string();
    assert!(harness.query_all_by_label_contains(&path).count() > 0, "the sentence names the file");
    shot(&mut harness, "file-gone-Dark");
    // One whose frames are in memory.
    harness.state_mut().send(ChooseAction::SelectVideo(name(0)));
    until(&mut harness, "the first picture again", |app| shown_frame(app) == Some(0));
    std::fs::remove_file(&dataset.videos[0].path).unwrap();
    until(&mut harness, "the picture of the gone file to go", |app| app.shown().is_none());
    harness.run_steps(3);
    assert!(harness.query_by_label("Picture").is_none());
    // And when it is back.
    std::fs::copy(&demo().videos[0].path, &dataset.videos[0].path).unwrap();
    until(&mut harness, "the picture to come back", |app| shown_frame(app) == Some(0));
}
