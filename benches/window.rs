//! How fast the window answers, on the CPU; a software rasteriser is left out, turning shapes into triangles is not.
//!
//! `cargo bench --bench window`, or `cargo test --bench window` for the development profile. One line a measurement:
//! `window <what> n <count> median_ms <ms> p95_ms <ms> limit_ms <ms> ok|over`. `KINOLENS_BENCH_STRICT=1` makes a p95
//! over its limit the exit code 1.

// The figures are what it is run for.
#![allow(clippy::print_stdout)]

use eframe::egui;
use egui_kittest::Harness;
use kinolens::config::{PRESETS, RunConfig};
use kinolens::data::demo::{DemoOptions, make};
use kinolens::domain::{ClassSet, Dataset};
use kinolens::jobs::kinds::Train;
use kinolens::jobs::{Engine, Job, JobId};
use kinolens::progress::{EpochReport, Flow, Silent, StepReport};
use kinolens::ui::panel::{Panel, PanelCx};
use kinolens::ui::services::Services;
use kinolens::ui::state::{JobStatus, JobView, LiveRun};
use kinolens::ui::{Action, App, AppState, LaunchOptions, PANELS, Workers, Workspace, theme};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

const SIZE: [f32; 2] = [1280.0, 720.0];

/// Prints a row of times in milliseconds; true when the limit holds.
fn report(what: &str, mut times: Vec<f64>, limit: f64) -> bool {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    verdict(what, times.len(), at(0.5), at(0.95), limit)
}

fn verdict(what: &str, n: usize, median: f64, p95: f64, limit: f64) -> bool {
    let ok = p95 <= limit;
    let word = if ok { "ok" } else { "over" };
    println!("window {what} n {n} median_ms {median:.2} p95_ms {p95:.2} limit_ms {limit} {word}");
    ok
}

/// Runs one frame, its shapes turned into triangles as for the GPU, and returns the milliseconds it took.
fn frame<S>(harness: &mut Harness<'static, S>) -> f64 {
    let start = Instant::now();
    harness.step();
    let shapes = harness.output().shapes.clone();
    let triangles = harness.ctx.tessellate(shapes, harness.output().pixels_per_point);
    std::hint::black_box(triangles);
    start.elapsed().as_secs_f64() * 1e3
}

/// Steps the window until a condition holds.
fn until(window: &mut Harness<'static, App>, what: &str, seconds: u64, mut holds: impl FnMut(&App) -> bool) {
    let start = Instant::now();
    while !holds(window.state()) {
        let messages: Vec<&str> = window.state().state().messages.iter().map(|m| m.text.as_str()).collect();
        assert!(start.elapsed() < Duration::from_secs(seconds), "waited in vain for {what}: {messages:?}");
        std::thread::sleep(Duration::from_millis(5));
        window.step();
    }
}

fn shown(app: &App) -> Option<u32> {
    app.shown().filter(|s| s.current).map(|s| s.index)
}

/// The preset of the demo dataset, cut down to this many epochs.
fn short(epochs: u32) -> Box<RunConfig> {
    let preset = PRESETS.iter().find(|p| p.name == "demo").expect("the demo preset");
    let mut config = preset.config().expect("the preset is valid");
    config.training.epochs = epochs;
    Box::new(config)
}

fn train(window: &mut Harness<'static, App>, out: &Path, epochs: u32) {
    let action = Action::StartTraining { config: short(epochs), out: out.to_path_buf(), resume: false };
    window.state_mut().send(action);
    window.step();
}

/// Key to cached frame in Review with its heat map while a training runs, and what an idle window asks for.
fn review(dir: &Path) -> bool {
    let root = dir.join("demo");
    let options = DemoOptions { subjects: 4, exercise_frames: 30, rest_frames: 20, ..DemoOptions::default() };
    make(&root, &options, &Silent).expect("the demo dataset");
    let mut window: Harness<'static, App> = Harness::builder().with_size(SIZE).wgpu().build_eframe(|cc| {
        let factory = Box::new(|wake| Box::new(Engine::new(wake).expect("threads can be started")) as Box<dyn Workers>);
        App::new(cc, LaunchOptions { open: None, fresh: true }, factory)
    });
    window.state_mut().send(Action::OpenAny(root));
    until(&mut window, "the first picture", 120, |app| shown(app) == Some(0));
    train(&mut window, &dir.join("first"), 1);
    until(&mut window, "a trained run", 300, |app| {
        app.state().run().is_some() && app.state().live_training().is_none()
    });

    window.state_mut().send(Action::SetWorkspace(Workspace::Review));
    window.state_mut().send(Action::Seek(0));
    until(&mut window, "the heat map", 120, |app| {
        let clip = app.state().explained_clip();
        let asked = app.state().selection.checkpoint_ref().zip(clip);
        asked.and_then(|(run, clip)| app.state().explain.answer(&run, &clip)).is_some_and(|a| !a.maps.is_empty())
    });
    let frames = window.state().state().frames().min(60);
    for index in 0..frames {
        window.state_mut().send(Action::Seek(index));
        until(&mut window, "a decoded frame", 30, |app| shown(app) == Some(index));
    }
    window.state_mut().send(Action::Seek(0));
    until(&mut window, "the first frame", 30, |app| shown(app) == Some(0));

    train(&mut window, &dir.join("second"), 10_000);
    until(&mut window, "steps of the second training", 120, |app| {
        app.state().live_training().is_some_and(|(run, _)| !run.steps.is_empty())
    });
    window.state_mut().send(Action::SetWorkspace(Workspace::Review));
    window.run_steps(5);
    let (mut times, mut late, mut forward) = (Vec::new(), 0, true);
    for _ in 0..300 {
        let now = window.state().state().selection.frame;
        forward = if now + 1 >= frames { false } else { forward || now == 0 };
        let (key, target) =
            if forward { (egui::Key::ArrowRight, now + 1) } else { (egui::Key::ArrowLeft, now.saturating_sub(1)) };
        window.key_down(key);
        let mut took = frame(&mut window);
        while shown(window.state()) != Some(target) && took < 1000.0 {
            late += 1;
            took += frame(&mut window);
        }
        times.push(took);
        window.key_up(key);
        window.step();
    }
    println!("window review_key_to_cached_frame late_frames {late}");
    let mut ok = report("review_key_to_cached_frame_while_training", times, 16.0);

    let job = window.state().state().live_training().map(|(_, job)| job.id);
    if let Some(job) = job {
        window.state_mut().send(Action::Control(job, Flow::Stop));
    }
    until(&mut window, "the end of the training", 60, |app| app.state().live_training().is_none());
    // Toasts fade and the last maps arrive.
    let settle = Instant::now();
    while settle.elapsed() < Duration::from_secs(12) {
        std::thread::sleep(Duration::from_millis(20));
        window.step();
    }
    let asked = (0..50).filter(|_| {
        std::thread::sleep(Duration::from_millis(20));
        window.ctx.has_requested_repaint().then(|| window.step()).is_some()
    });
    let asked = asked.count();
    println!("window idle_repaints n 50 count {asked} limit 0 {}", if asked == 0 { "ok" } else { "over" });
    ok &= asked == 0;

    let video = window.state().state().video().map(|(_, v)| v.path.clone());
    if let Some(path) = video {
        let figures = kinolens::video::measure_seeks(&path, 200, 1).expect("the demo video");
        ok &= verdict("cold_jump_demo_video", 200, figures.median_ms, figures.p95_ms, 50.0);
    }
    ok
}

struct Dashboard {
    state: AppState,
    panel: Box<dyn Panel>,
    services: Services,
    actions: Vec<Action>,
}

/// The dashboard of a training with so many steps, standing and with a new step each frame.
fn dashboard(steps: u64) -> bool {
    let (classes, epochs) = (17, 20);
    let per_epoch = steps.div_ceil(u64::from(epochs)).max(1);
    let step = |step: u64| StepReport {
        step,
        epoch: ((step - 1) / per_epoch + 1) as u32,
        step_in_epoch: ((step - 1) % per_epoch + 1) as u32,
        steps_per_epoch: per_epoch as u32,
        loss: 2.3 * (-(step as f32) / steps as f32).exp() + (step * 37 % 100) as f32 / 700.0,
        accuracy: (step as f32 / steps as f32).min(1.0),
        gradient_norm: 1.0 + (step * 13 % 17) as f32 / 17.0,
        learning_rate: 1e-3,
        clips_per_second: 90.0 + (step % 7) as f32,
        ..StepReport::default()
    };
    let history = (1..=epochs).map(|epoch| EpochReport {
        epoch,
        train_loss: 2.0 / epoch as f32,
        train_accuracy: 0.9,
        val_loss: Some(2.2 / epoch as f32),
        val_accuracy: Some(0.5 + epoch as f32 / 50.0),
        per_class_accuracy: (0..classes).map(|c| Some(c as f32 / 17.0)).collect(),
        seconds: 60.0,
        ..EpochReport::default()
    });
    let mut config = RunConfig::reference();
    config.training.epochs = epochs + 1;
    let names = ClassSet::from_names((0..classes).map(|c| format!("class {c}")).collect::<Vec<String>>());
    let dataset = Arc::new(Dataset { classes: names.clone(), ..Dataset::default() });
    let job = Job::Train(Train {
        dataset: dataset.clone(),
        config: Box::new(config.clone()),
        out: "run".into(),
        resume: false,
        force: false,
        debug: false,
    });
    let view = JobView {
        id: JobId(1),
        title: "train run".into(),
        quiet: false,
        status: JobStatus::Running,
        stage: None,
        fraction: Some(0.5),
        eta_s: None,
        started: Some(Instant::now()),
        ended: None,
        job,
    };
    let run = LiveRun {
        job: JobId(1),
        out: "run".into(),
        config,
        classes: names,
        steps: (1..=steps).map(step).collect(),
        epochs: history.collect(),
        wrong: Vec::new(),
        checkpoints: Vec::new(),
        log: Vec::new(),
        started: Instant::now(),
    };
    let state = AppState { dataset: Some(dataset), training: Some(run), jobs: vec![view], ..AppState::default() };
    let spec = PANELS.iter().find(|p| p.id == "train-live").expect("the dashboard");
    let screen =
        Dashboard { state, panel: (spec.build)(), services: Services::new(Arc::new(|| {}), None), actions: Vec::new() };
    let mut harness = Harness::builder().with_size(SIZE).with_context_setup(theme::install).build_ui_state(
        |ui, screen: &mut Dashboard| {
            let mut cx = PanelCx { state: &screen.state, services: &screen.services, actions: &mut screen.actions };
            screen.panel.ui(ui, &mut cx);
        },
        screen,
    );
    harness.run_steps(5);
    let standing = (0..100).map(|_| frame(&mut harness)).collect();
    let growing = (1..=100).map(|i| {
        if let Some(run) = &mut harness.state_mut().state.training {
            run.steps.push(step(steps + i));
        }
        frame(&mut harness)
    });
    let growing = growing.collect();
    let standing = report(&format!("train_dashboard_standing_{steps}_steps"), standing, 4.0);
    report(&format!("train_dashboard_growing_{steps}_steps"), growing, 4.0) && standing
}

fn main() {
    let mut ok = dashboard(1_000);
    ok &= dashboard(100_000);
    let dir = tempfile::tempdir().expect("a temporary folder");
    ok &= review(dir.path());
    if !ok && std::env::var_os("KINOLENS_BENCH_STRICT").is_some() {
        std::process::exit(1);
    }
}
