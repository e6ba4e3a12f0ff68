//! What survives closing the window, what is dropped on it, what it writes, and how it closes.

use super::*;
use kinolens::jobs::ClipRef;
use kinolens::ui::Action;
use kinolens::ui::action::{ChooseAction, DrawAction, OpenAction, TimeAction, WindowAction, WorkAction};
use kinolens::ui::selection::default_view;
use kinolens::ui::state::{Filter, Recent};
use std::collections::HashMap;

/// Where a window keeps its session; clones share it.
#[derive(Clone, Default)]
pub struct Store(Rc<RefCell<HashMap<String, String>>>);

impl eframe::Storage for Store {
    fn get_string(&self, key: &str) -> Option<String> {
        self.0.borrow().get(key).cloned()
    }

    fn set_string(&mut self, key: &str, value: String) {
        self.0.borrow_mut().insert(key.to_owned(), value);
    }

    fn remove_string(&mut self, key: &str) {
        self.0.borrow_mut().remove(key);
    }

    fn flush(&mut self) {}
}

/// A window that knows the session in `store`.
pub fn window_with(script: &Scripted, store: &Store) -> Harness<'static, App> {
    let (workers, store) = (script.clone(), store.clone());
    let mut harness = Harness::builder().with_size([1280.0, 720.0]).wgpu().build_eframe(move |cc| {
        let factory = Box::new(move |_| Box::new(workers) as Box<dyn Workers>);
        // The window reads its storage while it is built only; a test may leave it behind.
        cc.storage = Some(Box::leak(Box::new(store)));
        App::new(cc, LaunchOptions { open: None, fresh: false }, factory)
    });
    harness.run_steps(4);
    harness
}

/// Pictures in both themes.
pub fn shots(harness: &mut Harness<'static, App>, name: &str) {
    for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
        harness.state_mut().send(WindowAction::SetTheme(theme));
        harness.run_steps(2);
        shot(harness, &format!("{name}-{theme:?}"));
    }
}

fn scripted() -> (Scripted, Arc<Dataset>, Arc<RunView>) {
    let script = Scripted::default();
    let dataset = demo();
    // The session opens only what is still there.
    let mut run = RunView::clone(&run_of(&dataset));
    run.path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("session run {}", std::process::id()));
    std::fs::create_dir_all(&run.path).unwrap();
    let run = Arc::new(run);
    script.0.borrow_mut().run = Some(run.clone());
    script.0.borrow_mut().dataset = Some(dataset.clone());
    (script, dataset, run)
}

#[test]
fn closing_and_opening_brings_everything_back() {
    let (script, dataset, run) = scripted();
    let store = Store::default();
    let second = dataset.videos[1].name.clone();
    {
        let mut first = window_with(&script, &store);
        assert!(first.state().state().welcome, "there is no session yet");
        for action in [
            Action::Open(OpenAction::OpenDataset(dataset.root.clone())),
            Action::Open(OpenAction::OpenRun(run.path.clone())),
            Action::Window(WindowAction::SetTheme(ThemeChoice::Light)),
            Action::Window(WindowAction::SetWorkspace(Workspace::Review)),
        ] {
            first.state_mut().send(action);
            first.run_steps(3);
        }
        let view = kinolens::jobs::HeatRequest {
            method: "hirescam".into(),
            layer: Some("block3".into()),
            against: Some(kinolens::jobs::TargetClass::True),
            ..default_view()
        };
        for action in [
            Action::Choose(ChooseAction::SelectVideo(second.clone())),
            Action::Time(TimeAction::Seek(33)),
            Action::Choose(ChooseAction::SelectCheckpoint(Some("last".into()))),
            Action::Choose(ChooseAction::SetHeatView(0, view)),
            Action::Draw(DrawAction::ToggleMask),
            Action::Draw(DrawAction::ChangeAlpha(0.2)),
            Action::Choose(ChooseAction::SetFilter(Filter { text: "s0".into() })),
        ] {
            first.state_mut().send(action);
        }
        first.run_steps(3);
        let mut kept = store.clone();
        eframe::App::save(first.state_mut(), &mut kept);
    }
    let mut again = window_with(&script, &store);
    until(&mut again, "the picture one left at", |app| shown_frame(app) == Some(33));
    let state = again.state().state();
    assert_eq!(state.dataset.as_ref().map(|d| &d.root), Some(&dataset.root));
    assert_eq!(state.runs.iter().map(|r| &r.path).collect::<Vec<_>>(), [&run.path]);
    assert_eq!((state.theme, state.workspace, state.welcome), (ThemeChoice::Light, Workspace::Review, false));
    let s = &state.selection;
    assert_eq!((s.video.as_deref(), s.frame, s.checkpoint.as_deref()), (Some(second.as_str()), 33, Some("last")));
    assert_eq!((s.view().method.as_str(), s.view().layer.as_deref()), ("hirescam", Some("block3")));
    assert_eq!(s.view().against, Some(kinolens::jobs::TargetClass::True));
    assert!(state.view.mask && (state.view.alpha - 0.95).abs() < 1e-6);
    assert_eq!(state.filter.text, "s0");
    assert!(state.recent.contains(&Recent::Run(run.path.clone())), "{:?}", state.recent);
}

#[test]
fn every_workspace_comes_back_as_it_was() {
    let (script, dataset, run) = scripted();
    for workspace in Workspace::ALL {
        let store = Store::default();
        let mut first = window_with(&script, &store);
        let open = [
            Action::Open(OpenAction::OpenDataset(dataset.root.clone())),
            Action::Open(OpenAction::OpenRun(run.path.clone())),
        ];
        for action in open.into_iter().chain([Action::Window(WindowAction::SetWorkspace(workspace))]) {
            first.state_mut().send(action);
            first.run_steps(3);
        }
        let mut kept = store.clone();
        eframe::App::save(first.state_mut(), &mut kept);
        let again = window_with(&script, &store);
        assert!(again.state().state().dataset.is_some());
        assert_eq!(again.state().state().workspace, workspace);
    }
}

#[test]
fn a_session_whose_folders_are_gone_begins_at_the_welcome_page() {
    let (script, dataset, _) = scripted();
    let store = Store::default();
    {
        let mut first = window_with(&script, &store);
        first.state_mut().send(OpenAction::OpenDataset(dataset.root.clone()));
        first.run_steps(3);
        let mut kept = store.clone();
        eframe::App::save(first.state_mut(), &mut kept);
    }
    let text = dataset.root.display().to_string();
    for value in store.0.borrow_mut().values_mut() {
        *value = value.replace(&text, "/gone/away");
    }
    let again = window_with(&script, &store);
    assert!(again.state().state().welcome && again.state().state().messages.is_empty());
    // A file that is no session at all is the same as none.
    store.0.borrow_mut().values_mut().for_each(|v| *v = "(theme: Purple".into());
    let third = window_with(&script, &store);
    assert!(third.state().state().welcome);
}

#[derive(Debug)]
pub struct Dropped(pub PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|e| e.to_string())
    }
}

#[test]
fn a_folder_dropped_on_the_window_is_opened() {
    let (script, dataset, run) = scripted();
    std::fs::write(run.path.join("config.ron"), "()").unwrap();
    let mut harness = window(&script, ThemeChoice::Dark);
    harness
        .input_mut()
        .hovered_files
        .push(egui::HoveredFile { path: Some(dataset.root.clone()), ..Default::default() });
    harness.run_steps(1);
    shot(&mut harness, "drop-target-Dark");
    harness.input_mut().hovered_files.clear();
    harness.input_mut().dropped_files.push(Arc::new(Dropped(dataset.root.clone())));
    harness.run_steps(4);
    assert_eq!(harness.state().state().dataset.as_ref().map(|d| &d.root), Some(&dataset.root));
    // A run folder is known by its configuration.
    harness.input_mut().dropped_files.push(Arc::new(Dropped(run.path.clone())));
    harness.run_steps(4);
    assert_eq!(harness.state().state().run().map(|r| &r.path), Some(&run.path));
    assert!(matches!(script.0.borrow().jobs.last(), Some(Job::OpenRun(_))));
}

#[test]
fn the_export_dialog_asks_for_what_it_says() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let run = run_of(&demo());
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    harness.run_steps(3);
    until(&mut harness, "a picture", |app| shown_frame(app).is_some());
    let clip = ClipRef::window(demo().videos[0].name.clone(), 32);
    harness.state_mut().send(ChooseAction::SelectClip(clip.clone()));
    harness.run_steps(2);
    harness.get_by_label("Export…").click();
    harness.run_steps(3);
    shots(&mut harness, "export");
    harness.get_by_label("Export").click();
    harness.run_steps(3);
    let exports = |script: &Scripted| {
        let jobs = script.0.borrow().jobs.clone();
        jobs.into_iter().filter_map(|j| if let Job::Export(r) = j { Some(r) } else { None }).collect::<Vec<_>>()
    };
    let asked = exports(&script);
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].clips.as_slice(), asked[0].misclassified_only), ([clip].as_slice(), false));
    assert!(asked[0].out.as_ref().is_some_and(|o| o.starts_with(&run.path)), "{:?}", asked[0].out);
    assert!(harness.state().state().dialog.is_none());
    // An export that is there already is not written over unasked.
    let (folder, own) = (asked[0].out.clone().unwrap(), demo().root.join("run one"));
    std::fs::create_dir_all(folder.join("sample_000")).unwrap();
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::E);
    harness.run_steps(3);
    let Some(Dialog::Export(mut form)) = harness.state().state().dialog.clone() else { panic!("no dialog") };
    assert_ne!(PathBuf::from(&form.out), folder, "another folder is offered");
    form.out = folder.display().to_string();
    harness.state_mut().send(WindowAction::SetDialog(Some(Dialog::Export(form))));
    harness.run_steps(3);
    harness.get_by_label("Export").click();
    harness.run_steps(2);
    assert_eq!(exports(&script).len(), 1);
    shots(&mut harness, "export-occupied");
    harness.get_by_label("Replace the earlier export").click();
    harness.run_steps(2);
    harness.get_by_label("Export").click();
    harness.run_steps(3);
    assert!(exports(&script)[1].replace);
    std::fs::remove_dir_all(own).unwrap();
    // A random draw of wrong clips.
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::E);
    harness.run_steps(3);
    harness.get_by_label("A random sample").click();
    harness.run_steps(2);
    harness.get_by_label("Only clips the network gets wrong").click();
    harness.run_steps(2);
    harness.get_by_label("Export").click();
    harness.run_steps(3);
    let asked = exports(&script);
    assert_eq!((asked.len(), asked[2].clips.len(), asked[2].misclassified_only), (3, 0, true));
}

#[test]
fn closing_asks_before_it_ends_a_training() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    script.0.borrow_mut().hold = true;
    let out = PathBuf::from("/tmp/kinolens never trained");
    harness.state_mut().send(WorkAction::StartTraining { config: Default::default(), out, resume: false });
    harness.run_steps(2);
    let train = JobId(script.0.borrow().jobs.len() as u64);
    let ask = |harness: &mut Harness<'static, App>| {
        let root = harness.input_mut().viewports.entry(egui::ViewportId::ROOT).or_default();
        root.events.push(egui::ViewportEvent::Close);
        harness.run_steps(1);
        let commands: Vec<_> =
            harness.output().viewport_output.values().flat_map(|v| v.commands.iter().cloned()).collect();
        if let Some(root) = harness.input_mut().viewports.get_mut(&egui::ViewportId::ROOT) {
            root.events.clear();
        }
        harness.run_steps(2);
        commands.contains(&egui::ViewportCommand::CancelClose)
    };
    assert!(ask(&mut harness), "the window stays");
    harness.get_by_label("Work is running");
    shots(&mut harness, "leave");
    harness.get_by_label("Stay").click();
    harness.run_steps(2);
    assert!(script.0.borrow().controls.is_empty() && harness.state().state().dialog.is_none());
    ask(&mut harness);
    harness.get_by_label("Stop and leave").click();
    harness.run_steps(1);
    assert_eq!(script.0.borrow().controls.first(), Some(&(train, Flow::Stop)));
    harness.run_steps(3);
    assert!(harness.state().state().leaving && harness.state().state().work_to_lose().next().is_none());
    // Nothing is left to lose: now the window lets itself be closed.
    assert!(!ask(&mut harness));
}

#[test]
fn tags_and_notes_are_saved_with_the_run() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let run = run_of(&demo());
    let video = demo().videos[0].name.clone();
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.state_mut().send(ChooseAction::ReviewClip(ClipRef::window(video.clone(), 32)));
    harness.run_steps(3);
    until(&mut harness, "a picture", |app| shown_frame(app) == Some(32));
    until(&mut harness, "the heatmap", explained);
    harness.run_steps(3);
    harness.get_by_label("Tag…").click();
    harness.run_steps(4);
    shots(&mut harness, "review-tags");
    harness.get_by_label("label is wrong").click();
    harness.run_steps(2);
    harness.get_by_label("New tag").focus();
    harness.run_steps(2);
    harness.event(egui::Event::Text("bar out of sight".into()));
    harness.run_steps(1);
    harness.key_press(egui::Key::Enter);
    harness.run_steps(3);
    harness.key_press(egui::Key::Escape);
    harness.run_steps(2);
    harness.get_by_label("Note").focus();
    harness.run_steps(2);
    harness.event(egui::Event::Text("mind the knees".into()));
    harness.run_steps(2);
    shots(&mut harness, "review-notes");
    // Once nothing more is written, they go to the disk.
    let saved = |script: &Scripted| {
        let jobs = script.0.borrow().jobs.clone();
        jobs.into_iter()
            .rev()
            .find_map(|j| if let Job::SaveNotes(kind) = j { Some((kind.run, kind.notes)) } else { None })
    };
    let start = Instant::now();
    let (path, notes) = loop {
        match saved(&script) {
            Some((path, notes)) if notes.get(&video, 32).is_some_and(|n| !n.text.is_empty()) => break (path, notes),
            _ => assert!(start.elapsed() < Duration::from_secs(5), "the notes are not saved"),
        }
        std::thread::sleep(Duration::from_millis(20));
        harness.run_steps(1);
    };
    assert_eq!(path, run.path);
    let note = notes.get(&video, 32).unwrap();
    assert_eq!(note.tags, ["label is wrong", "bar out of sight"]);
    assert_eq!(note.text, "mind the knees");
    // A click on a tag takes it off; the clips can be found by the other one.
    harness.get_by_label("Remove tag label is wrong").click();
    harness.run_steps(3);
    assert_eq!(harness.state().state().notes[&run.path].get(&video, 32).unwrap().tags, ["bar out of sight"]);
}

/// A window in which a note was just written and its job taken, but nothing is on the disk yet.
fn note_under_way() -> (Scripted, Harness<'static, App>, PathBuf, JobId) {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let (run, video) = (run_of(&demo()).path.clone(), demo().videos[0].name.clone());
    harness.state_mut().send(OpenAction::OpenRun(run.clone()));
    harness.run_steps(3);
    script.0.borrow_mut().hold = true;
    let note = kinolens::run_folder::ClipNote { text: "mind the knees".into(), ..Default::default() };
    harness.state_mut().send(WorkAction::SetNote(ClipRef::window(video, 16), note));
    let saving = |script: &Scripted| {
        let jobs = &script.0.borrow().jobs;
        jobs.iter().rposition(|j| matches!(j, Job::SaveNotes(_))).map(|i| JobId(i as u64 + 1))
    };
    let start = Instant::now();
    while saving(&script).is_none() {
        assert!(start.elapsed() < Duration::from_secs(5), "the notes are not saved");
        std::thread::sleep(Duration::from_millis(20));
        harness.run_steps(1);
    }
    let job = saving(&script).unwrap();
    (script, harness, run, job)
}

#[test]
fn a_note_counts_as_saved_only_when_it_is_on_the_disk() {
    let (script, mut harness, run, job) = note_under_way();
    assert!(harness.state().state().unsaved_notes.contains_key(&run), "its job has only begun");
    // Leaving does not stop it, and waits for it.
    harness.state_mut().send(WorkAction::StopAndQuit);
    harness.run_steps(3);
    assert!(!script.0.borrow().controls.iter().any(|(id, _)| *id == job), "the notes were told to stop");
    let state = harness.state().state();
    assert!(state.leaving && state.unsaved_notes.contains_key(&run) && state.work_to_lose().any(|j| j.id == job));
    script.0.borrow_mut().events.push(Event { job, body: EventBody::Finished(Output::NotesSaved) });
    harness.run_steps(3);
    let state = harness.state().state();
    assert!(state.unsaved_notes.is_empty() && state.work_to_lose().next().is_none());
}

#[test]
fn notes_that_cannot_be_written_are_kept_and_told_before_the_window_closes() {
    let (script, mut harness, run, job) = note_under_way();
    harness.state_mut().send(WorkAction::StopAndQuit);
    harness.run_steps(2);
    let full = "cannot write notes.ron: no space left on the device".to_owned();
    script.0.borrow_mut().events.push(Event { job, body: EventBody::Failed(full.clone()) });
    harness.run_steps(4);
    let state = harness.state().state();
    assert!(!state.leaving && state.unsaved_notes[&run].failed, "the window would close over them");
    assert!(state.messages.iter().any(|m| m.text.contains(&full)));
    shots(&mut harness, "leave-notes");
    harness.get_by_label("Leave without the notes");
    // Trying again writes them.
    harness.get_by_label("Save and leave").click();
    harness.run_steps(3);
    let again = JobId(script.0.borrow().jobs.len() as u64);
    assert!(again != job && matches!(script.0.borrow().jobs.last(), Some(Job::SaveNotes(_))));
    script.0.borrow_mut().events.push(Event { job: again, body: EventBody::Finished(Output::NotesSaved) });
    harness.run_steps(3);
    assert!(harness.state().state().unsaved_notes.is_empty());
}

#[test]
fn what_is_written_while_notes_are_being_saved_is_saved_too() {
    let (script, mut harness, run, job) = note_under_way();
    let video = demo().videos[0].name.clone();
    let note = kinolens::run_folder::ClipNote { text: "and the hips".into(), ..Default::default() };
    harness.state_mut().send(WorkAction::SetNote(ClipRef::window(video, 32), note));
    harness.run_steps(2);
    script.0.borrow_mut().events.push(Event { job, body: EventBody::Finished(Output::NotesSaved) });
    harness.run_steps(2);
    assert!(harness.state().state().unsaved_notes.contains_key(&run), "the second note is not on the disk");
}
