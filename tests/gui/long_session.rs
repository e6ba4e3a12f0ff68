//! A long session in one window with the real workers: memory stays flat and nothing fails.

use egui_kittest::Harness;
use kinolens::config::PRESETS;
use kinolens::data::demo::{DemoOptions, make};
use kinolens::jobs::{CheckpointRef, Engine, SplitChoice};
use kinolens::process_usage::Usage;
use kinolens::progress::Silent;
use kinolens::ui::action::{ChooseAction, DrawAction, OpenAction, TimeAction, WindowAction, WorkAction};
use kinolens::ui::state::{Severity, ThemeChoice};
use kinolens::ui::{Action, App, LaunchOptions, Workers, Workspace};
use std::path::Path;
use std::time::{Duration, Instant};

type Window = Harness<'static, App>;

fn until(window: &mut Window, what: &str, seconds: u64, mut holds: impl FnMut(&App) -> bool) {
    let start = Instant::now();
    while !holds(window.state()) {
        let told: Vec<&str> = window.state().state().messages.iter().map(|m| m.text.as_str()).collect();
        assert!(start.elapsed() < Duration::from_secs(seconds), "waited in vain for {what}; messages: {told:?}");
        std::thread::sleep(Duration::from_millis(10));
        window.run_steps(1);
    }
}

fn send(window: &mut Window, action: impl Into<Action>) {
    window.state_mut().send(action);
    window.run_steps(2);
}

fn open(window: &mut Window, root: &Path) {
    send(window, OpenAction::OpenAny(root.to_path_buf()));
    until(window, "the dataset", 60, |app| app.state().dataset.as_ref().is_some_and(|d| d.root == root));
    until(window, "its first picture", 60, |app| app.current().is_some());
}

/// One round of everything: both datasets, every workspace, frames up and down, runs closed and opened, other sizes.
fn round(window: &mut Window, number: u32, roots: [&Path; 2], run: &Path) {
    let theme = if number.is_multiple_of(2) { ThemeChoice::Dark } else { ThemeChoice::Light };
    send(window, WindowAction::SetTheme(theme));
    let sizes = [(1280.0, 720.0), (1024.0, 640.0), (1600.0, 900.0)];
    let (width, height) = sizes[number as usize % sizes.len()];
    window.set_size(egui::vec2(width, height));
    for root in roots {
        open(window, root);
        let frames = window.state().state().frames().max(1);
        for workspace in Workspace::ALL {
            send(window, WindowAction::SetWorkspace(workspace));
            for step in 0..8 {
                send(window, TimeAction::Seek((number * 13 + step * 7) % frames));
            }
            window.run_steps(4);
        }
        send(window, ChooseAction::StepVideo(1));
    }
    open(window, roots[0]);
    send(window, OpenAction::CloseRun(run.to_path_buf()));
    send(window, OpenAction::OpenRun(run.to_path_buf()));
    until(window, "the run again", 30, |app| app.state().run_at(run).is_some());
    send(window, ChooseAction::SelectRun(Some(run.to_path_buf())));
    send(window, WindowAction::SetWorkspace(Workspace::Review));
    send(window, DrawAction::ToggleMask);
    for step in 0..6 {
        send(window, TimeAction::Seek(step * 16));
        until(window, "a heatmap", 60, |app| !app.state().explain.busy());
    }
}

fn session(length: Duration) {
    kinolens::model::device::set_program(env!("CARGO_BIN_EXE_kinolens").into());
    let own = tempfile::tempdir().unwrap();
    let roots = [own.path().join("one"), own.path().join("two")];
    for (root, seed) in roots.iter().zip([1, 2]) {
        let options = DemoOptions { subjects: 3, exercise_frames: 24, rest_frames: 12, seed, ..DemoOptions::default() };
        make(root, &options, &Silent).unwrap();
    }
    let mut harness = Harness::builder().with_size([1280.0, 720.0]).wgpu().build_eframe(|cc| {
        let factory = Box::new(|wake| Box::new(Engine::new(wake).expect("threads can be started")) as Box<dyn Workers>);
        App::new(cc, LaunchOptions { open: None, fresh: true }, factory)
    });
    let window = &mut harness;
    open(window, &roots[0]);
    let preset = PRESETS.iter().find(|p| p.name == "demo").expect("the demo preset");
    let mut config = preset.config().expect("the preset is valid");
    config.training.epochs = 1;
    config.sampling.clips_per_epoch = Some(16);
    let run = own.path().join("run");
    send(window, WorkAction::StartTraining { config: Box::new(config), out: run.clone(), resume: false });
    until(window, "a trained run", 240, |app| {
        app.state().run_at(&run).is_some() && app.state().live_training().is_none()
    });
    send(window, WorkAction::Evaluate(CheckpointRef { run: run.clone(), name: Some("last".into()) }, SplitChoice::All));
    until(window, "its evaluation", 120, |app| !app.state().evaluations.is_empty());
    let [one, two] = [0, 1].map(|i: usize| roots[i].as_path());
    // What is kept for the next time (decoded frames, pictures of clips, maps) fills in the first rounds.
    for number in 0..2 {
        round(window, number, [one, two], &run);
    }
    let before = Usage::now().memory_bytes;
    let start = Instant::now();
    let mut rounds = 0;
    while rounds < 2 || start.elapsed() < length {
        round(window, 2 + rounds, [one, two], &run);
        rounds += 1;
    }
    let after = Usage::now().memory_bytes;
    let grown = after.saturating_sub(before) >> 20;
    eprintln!("{rounds} rounds in {:.0} s: {} MiB, {grown} MiB more", start.elapsed().as_secs_f64(), after >> 20);
    let failed: Vec<&str> = window
        .state()
        .state()
        .messages
        .iter()
        .filter(|m| m.severity == Severity::Error)
        .map(|m| m.text.as_str())
        .collect();
    assert!(failed.is_empty(), "{failed:?}");
    assert!(grown < 120, "memory grew by {grown} MiB in {rounds} rounds");
}

#[test]
#[ignore = "the memory of the whole process is compared: run it alone"]
fn a_session_leaves_memory_flat_and_nothing_fails() {
    session(Duration::from_secs(10));
}

#[test]
#[ignore = "slow: half an hour of work in one window"]
fn half_an_hour_leaves_memory_flat_and_nothing_fails() {
    session(Duration::from_secs(30 * 60));
}
