//! How soon the window answers while a training runs: `cargo bench --bench window`.
//!
//! One JSON object a line: median and 95th percentile in milliseconds, and the limit. Steps are timed without the
//! rasteriser: on the clock, and as what the window's own thread computed (Linux). Jumps decode from a cold decoder.

use egui_kittest::Harness;
use kinolens::config::{Preset, RunConfig};
use kinolens::data::demo::{DemoOptions, make};
use kinolens::jobs::Engine;
use kinolens::progress::Silent;
use kinolens::ui::{Action, App, LaunchOptions, Workers, Workspace};
use std::time::{Duration, Instant};

type Window = Harness<'static, App>;

/// Frames stepped through; they stay in the cache.
const FRAMES: u32 = 120;

/// What this thread has computed so far; `None` where the system does not tell.
fn computed() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}

fn until(window: &mut Window, what: &str, seconds: u64, mut holds: impl FnMut(&App) -> bool) {
    let start = Instant::now();
    while !holds(window.state()) {
        if start.elapsed() > Duration::from_secs(seconds) {
            eprintln!("error: waited in vain for {what}");
            std::process::exit(1);
        }
        std::thread::sleep(Duration::from_millis(5));
        window.run_steps(1);
    }
}

/// Prints the figures of some times.
fn tell(name: &str, mut times: Vec<f64>, limit: f64) {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    println!(
        r#"{{"name":"{name}","median_ms":{:.2},"p95_ms":{:.2},"limit_ms":{limit},"n":{}}}"#,
        at(0.5),
        at(0.95),
        times.len()
    );
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Steps over frames that are in the cache: the time until the frame asked for is the one drawn.
fn steps(window: &mut Window, name: &str) {
    let (mut clock, mut cpu) = (Vec::new(), Vec::new());
    let mut key = egui::Key::ArrowRight;
    for i in 0..2 * FRAMES {
        if i == FRAMES {
            key = egui::Key::ArrowLeft;
        }
        window.key_press(key);
        let (began, before) = (Instant::now(), computed());
        loop {
            window.run_steps(1);
            let wanted = window.state().state().selection.frame;
            if window.state().shown().is_some_and(|s| s.current && s.index == wanted) {
                break;
            }
        }
        clock.push(ms(began.elapsed()));
        cpu.extend(before.zip(computed()).map(|(a, b)| ms(b - a)));
    }
    tell(&format!("{name}, on the clock"), clock, 16.0);
    if !cpu.is_empty() {
        tell(&format!("{name}, computed by the window"), cpu, 16.0);
    }
}

fn main() {
    let dir = tempfile::tempdir().expect("a temporary folder can be made");
    let root = dir.path().join("demo");
    let options = DemoOptions { subjects: 4, ..DemoOptions::default() };
    make(&root, &options, &Silent).expect("the demo dataset can be made");
    let mut window = Harness::builder().with_size([1280.0, 720.0]).wgpu().build_eframe(|cc| {
        let factory = Box::new(|wake| Box::new(Engine::new(wake).expect("threads can be started")) as Box<dyn Workers>);
        App::new(cc, LaunchOptions { open: None, fresh: true }, factory)
    });
    window.state_mut().send(Action::OpenDataset(root.clone()));
    until(&mut window, "the dataset", 60, |app| app.state().dataset.is_some());
    until(&mut window, "the first picture", 30, |app| app.shown().is_some_and(|s| s.current));
    // Once through, so that all of them are in the cache.
    for frame in (0..=FRAMES).chain([0]) {
        window.state_mut().send(Action::Seek(frame));
        until(&mut window, "a frame", 30, |app| app.shown().is_some_and(|s| s.current && s.index == frame));
    }
    steps(&mut window, "step to a cached frame, idle");

    let preset: RunConfig = Preset::find("demo").expect("the preset exists").config().expect("and is sound");
    window.state_mut().send(Action::StartTraining {
        config: Box::new(preset),
        out: dir.path().join("run"),
        resume: false,
    });
    until(&mut window, "the first steps of training", 120, |app| {
        app.state().training.as_ref().is_some_and(|t| t.steps.len() > 2)
    });
    steps(&mut window, "step to a cached frame, training runs, Data");
    window.state_mut().send(Action::SetWorkspace(Workspace::Train));
    let (mut clock, mut cpu) = (Vec::new(), Vec::new());
    for _ in 0..120 {
        let (began, before) = (Instant::now(), computed());
        window.run_steps(1);
        clock.push(ms(began.elapsed()));
        cpu.extend(before.zip(computed()).map(|(a, b)| ms(b - a)));
        std::thread::sleep(Duration::from_millis(5));
    }
    tell("a frame of the live dashboard, on the clock", clock, 16.0);
    if !cpu.is_empty() {
        tell("a frame of the live dashboard, computed by the window", cpu, 16.0);
    }
    let jobs: Vec<_> = window.state().state().jobs.iter().map(|j| j.id).collect();
    for job in jobs {
        window.state_mut().send(Action::Control(job, kinolens::progress::Flow::Stop));
    }
    until(&mut window, "the end of training", 60, |app| app.state().jobs.iter().all(|j| !j.status.is_live()));

    let video = root.join("dataset/anon/s01.mp4");
    match kinolens::video::measure_seeks(&video, 200, 1) {
        Ok(f) => println!(
            r#"{{"name":"cold jump, 400x550","median_ms":{:.2},"p95_ms":{:.2},"limit_ms":50,"n":200}}"#,
            f.median_ms, f.p95_ms
        ),
        Err(error) => {
            eprintln!("error: {error}");
            std::process::exit(1);
        }
    }
}
