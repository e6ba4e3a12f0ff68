//! The window leads on: every state offers its next step, the first task ticks itself, mistakes are one sentence.

use super::session::{Store, window_with};
use super::*;
use kinolens::config::RunConfig;
use kinolens::run_folder::Confusion;
use kinolens::ui::action::{OpenAction, TimeAction, WindowAction, WorkAction};
use kinolens::ui::state::{NextStep, Severity};

/// A run whose evaluation knows its confusion: one clip of class 0 was predicted as 1, two of class 1 as 2.
pub fn confused_run(dataset: &Dataset) -> Arc<RunView> {
    let mut run = RunView::clone(&run_of(dataset));
    let (evaluation, predictions) = run.evaluations[0].clone();
    let mut clips = predictions.clips.clone();
    let mut more = clips[3].clone();
    more.start = 128;
    clips.push(more);
    let pairs = clips.iter().map(|p| (p.truth, p.predicted));
    let confusion = Confusion::count(dataset.classes.len(), pairs);
    let per_class = confusion.per_class(&dataset.classes);
    let evaluation = Evaluation { confusion, per_class, ..Evaluation::clone(&evaluation) };
    run.evaluations = vec![(Arc::new(evaluation), Arc::new(Predictions { clips }))];
    Arc::new(run)
}

fn workspace(harness: &Harness<'static, App>) -> Workspace {
    harness.state().state().workspace
}

/// Begins to make the demo dataset, which gets three tenths of the way.
pub(super) fn drawing_people(script: &Scripted, harness: &mut Harness<'static, App>) -> JobId {
    script.0.borrow_mut().hold = true;
    harness.state_mut().send(OpenAction::MakeDemo("/tmp/kinolens never made".into()));
    harness.run_steps(2);
    let id = JobId(script.0.borrow().jobs.len() as u64);
    let stage = Progress::Stage { label: "drawing people".into(), done: 3, total: 10 };
    script.0.borrow_mut().events.push(Event { job: id, body: EventBody::Progress(stage) });
    harness.run_steps(2);
    id
}

#[test]
fn the_welcome_page_begins_with_the_demo_and_shows_how_far_it_is() {
    let script = Scripted::default();
    let mut harness = window(&script, ThemeChoice::Dark);
    harness.get_by_label_contains("where a network looks in it");
    let cards = ["Make the demo dataset", "Open a dataset…", "Open a run…"].map(|c| harness.get_by_label(c).rect());
    assert!(cards[0].left() < cards[1].left() && cards[1].left() < cards[2].left(), "the demo is the first: {cards:?}");
    shot(&mut harness, "welcome-first-Dark");
    drawing_people(&script, &mut harness);
    harness.get_by_label("Making the demo dataset…");
    shot(&mut harness, "welcome-progress-Dark");
}

#[test]
fn each_state_offers_its_next_step() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    // Data: train.
    harness.get_by_label("Train on this dataset").click();
    harness.run_steps(3);
    assert_eq!(workspace(&harness), Workspace::Train);
    // The run is listed the moment its training starts.
    script.0.borrow_mut().hold = true;
    let out = demo().root.join("growing");
    let config = Box::new(RunConfig::reference());
    harness.state_mut().send(WorkAction::StartTraining { config, out: out.clone(), resume: false });
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Data));
    harness.run_steps(4);
    harness.get_by_label("growing, in training").click();
    harness.run_steps(3);
    assert_eq!(workspace(&harness), Workspace::Train);
    assert_eq!(harness.state().state().next_steps(), [NextStep::Watch]);
    // Trained: evaluate, or look at heatmaps.
    let job = JobId(script.0.borrow().jobs.len() as u64);
    let run = RunView { path: out, evaluations: Vec::new(), ..RunView::clone(&run_of(&demo())) };
    let body = EventBody::Finished(Output::Run(Arc::new(run)));
    script.0.borrow_mut().events.push(Event { job, body });
    harness.run_steps(4);
    assert!(harness.query_all_by_label("Evaluate on test").count() >= 1, "in the toast and on the dashboard");
    assert!(harness.query_all_by_label("See heatmaps").count() >= 1);
    shot(&mut harness, "next-trained-Dark");
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(4);
    // The last of them is the one in the empty page; toasts lie above it.
    shot(&mut harness, "next-evaluate-Dark");
    harness.query_all_by_label("Evaluate on test").next().unwrap().click();
    harness.run_steps(3);
    let jobs = script.0.borrow().jobs.clone();
    assert!(jobs.iter().any(|j| matches!(j, Job::Evaluate(_))), "it is evaluated");
}

#[test]
fn an_evaluated_run_leads_to_its_worst_confusion() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let run = confused_run(&demo());
    script.0.borrow_mut().run = Some(run.clone());
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(4);
    let classes = &demo().classes;
    let name = format!("Worst: {} as {} (2)", classes.name(1), classes.name(2));
    assert_eq!(harness.state().state().name_of_step(&NextStep::WorstConfusion), name);
    harness.get_by_label(&name).click();
    harness.run_steps(4);
    assert_eq!(workspace(&harness), Workspace::Evaluate);
    let cell = harness.state().state().selection.cell;
    assert_eq!(cell, Some(kinolens::ui::selection::MatrixSelection::Cell { truth: 1, predicted: 2 }));
    shot(&mut harness, "next-worst-Dark");
}

#[test]
fn the_first_task_ticks_itself_and_is_put_away_for_good() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    until(&mut harness, "the first picture", |app| shown_frame(app) == Some(0));
    harness.get_by_label("Step 1: look through a video");
    harness.key_press(egui::Key::ArrowRight);
    harness.run_steps(2);
    harness.get_by_label("Step 1: look through a video, done");
    harness.get_by_label("Step 2: train a network").click();
    harness.run_steps(2);
    assert_eq!(workspace(&harness), Workspace::Train);
    let run = confused_run(&demo());
    script.0.borrow_mut().run = Some(run.clone());
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.run_steps(3);
    harness.get_by_label("Step 3: see why it errs").click();
    harness.run_steps(3);
    assert_eq!(workspace(&harness), Workspace::Review);
    harness.get_by_label("Step 3: see why it errs, done");
    assert_eq!(harness.state().state().selection.clip.as_ref().map(|c| c.start), Some(32), "a clip that is wrong");
    shot(&mut harness, "first-task-Dark");
    harness.get_by_label("Put the first steps away for good").click();
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("Step 1").is_none());
    let mut store = Store::default();
    eframe::App::save(harness.state_mut(), &mut store);
    drop(harness);
    let mut again = window_with(&script, &store);
    again.state_mut().send(OpenAction::OpenDataset(demo().root.clone()));
    again.run_steps(4);
    assert!(again.state().state().dataset.is_some());
    assert!(again.query_by_label_contains("Step 1").is_none(), "it stays away");
}

#[test]
fn a_common_mistake_is_one_sentence_with_details() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    harness.state_mut().send(OpenAction::OpenDataset("/nowhere/note.txt".into()));
    harness.run_steps(3);
    let message = harness.state().state().messages.last().cloned().expect("it is told");
    assert_eq!(message.severity, Severity::Error);
    let (told, details) = message.parts();
    assert_eq!(told, "note.txt is a text file: open a folder of videos, or one video.");
    assert!(details.is_some_and(|d| d.contains("choose another folder")), "{details:?}");
    assert!(harness.query_all_by_label_contains("note.txt is a text file").count() > 0);
    harness.state_mut().send(WindowAction::ShowMessages(true));
    harness.run_steps(3);
    harness.get_by_label("Details");
    shot(&mut harness, "mistake-Dark");
}

#[test]
fn the_tilde_is_the_home_folder() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    harness.state_mut().type_paths();
    harness.state_mut().send(OpenAction::NoFileDialog(PathPurpose::Dataset));
    harness.run_steps(3);
    let Some(Dialog::Path { purpose, note, text }) = harness.state().state().dialog.clone() else { panic!("no field") };
    assert_eq!(text, demo().root.display().to_string(), "what was opened last is a dataset");
    let dialog = Dialog::Path { purpose, note, text: "~".into() };
    harness.state_mut().send(WindowAction::SetDialog(Some(dialog)));
    harness.run_steps(6);
    assert!(harness.query_by_label_contains("There is nothing at").is_none(), "home is there");
    harness.state_mut().send(TimeAction::First);
    harness.run_steps(1);
}
