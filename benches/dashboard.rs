//! What a frame of the training dashboard costs on the CPU: `cargo bench --bench dashboard`.
//!
//! One JSON object a line: median and 95th percentile in milliseconds, and the limit. The rasteriser is left out, turning
//! shapes into triangles is not. `KINOLENS_BENCH_STRICT=1` makes a 95th percentile over its limit the exit code 1.

use egui_kittest::Harness;
use kinolens::config::RunConfig;
use kinolens::domain::{ClassSet, Dataset};
use kinolens::jobs::{Job, JobId};
use kinolens::progress::{EpochReport, StepReport};
use kinolens::ui::panel::{Panel, PanelCx};
use kinolens::ui::services::Services;
use kinolens::ui::state::{JobStatus, JobView, LiveRun};
use kinolens::ui::{Action, AppState, PANELS, theme};
use std::sync::Arc;
use std::time::Instant;

const SIZE: [f32; 2] = [1280.0, 720.0];

/// Prints a row of times; true when the limit holds.
fn tell(name: &str, mut times: Vec<f64>, limit: f64) -> bool {
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    println!(
        r#"{{"name":"{name}","median_ms":{:.2},"p95_ms":{:.2},"limit_ms":{limit},"n":{}}}"#,
        at(0.5),
        at(0.95),
        times.len()
    );
    at(0.95) <= limit
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
        per_class_accuracy: (0..classes).map(|c: u32| Some(c as f32 / 17.0)).collect(),
        seconds: 60.0,
        ..EpochReport::default()
    });
    let mut config = RunConfig::reference();
    config.training.epochs = epochs + 1;
    let names = ClassSet::from_names((0..classes).map(|c| format!("class {c}")));
    let dataset = Arc::new(Dataset { classes: names.clone(), ..Dataset::default() });
    let job = Job::Train {
        dataset: dataset.clone(),
        config: Box::new(config.clone()),
        out: "run".into(),
        resume: false,
        force: false,
        debug: false,
    };
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
    let standing = tell(&format!("dashboard_standing_{steps}_steps"), standing, 4.0);
    tell(&format!("dashboard_growing_{steps}_steps"), growing, 4.0) && standing
}

fn main() {
    let few = dashboard(1_000);
    let many = dashboard(100_000);
    if !(few && many) && std::env::var_os("KINOLENS_BENCH_STRICT").is_some() {
        std::process::exit(1);
    }
}
