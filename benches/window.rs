//! How fast the window answers, on the CPU; a software rasteriser is left out, turning shapes into triangles is not.
//!
//! `cargo bench --bench window`, or `cargo test --bench window` for the development profile; a part of it with `-- dashboard`
//! (`curves`, `workspaces`, `review`). One line a measurement:
//! `window <what> n <count> median_ms <ms> p95_ms <ms> limit_ms <ms> ok|over`. `KINOLENS_BENCH_STRICT=1` makes a p95
//! over its limit the exit code 1.

// The figures are what it is run for.
#![allow(clippy::print_stdout)]

mod measured;

use eframe::egui;
use egui_kittest::Harness;
use kinolens::config::{PRESETS, RunConfig};
use kinolens::data::demo::{DemoOptions, make};
use kinolens::domain::{ClassSet, Dataset, HeatMap, VideoEntry};
use kinolens::jobs::kinds::Train;
use kinolens::jobs::{
    CheckpointRef, ClipRef, ClipSample, Engine, Event, EventBody, ExplainRequest, Explanation, HeatRequest, Job, JobId,
    Output, RunView,
};
use kinolens::progress::{EpochReport, Flow, Silent, StepReport};
use kinolens::run_folder::{Confusion, Evaluation, Prediction, Predictions};
use kinolens::ui::action::{ChooseAction, DrawAction, OpenAction, TimeAction, WindowAction, WorkAction};
use kinolens::ui::state::{JobStatus, JobView, LiveRun};
use kinolens::ui::{Action, App, AppState, LaunchOptions, Workers, Workspace};
use measured::{Dashboard, SIZE, frame, report, takes, until, verdict};
use std::cell::{Cell, RefCell};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Prints a row of frame times; true when both the median and the 95th percentile hold.
fn report_frames(what: &str, mut times: Vec<f64>) -> bool {
    const LIMITS: (f64, f64) = (4.0, 8.0);
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times[((times.len() - 1) as f64 * share).round() as usize];
    let (median, p95) = (at(0.5), at(0.95));
    let ok = median < LIMITS.0 && p95 <= LIMITS.1;
    let word = if ok { "ok" } else { "over" };
    println!(
        "window {what} n {} median_ms {median:.2} p95_ms {p95:.2} limit_ms {:.1} median {:.1} p95 {word}",
        times.len(),
        LIMITS.0,
        LIMITS.1
    );
    ok
}

fn shown(app: &App) -> Option<u32> {
    app.current().map(|s| s.index)
}

/// The preset of the demo dataset, cut down to this many epochs.
fn short(epochs: u32) -> Box<RunConfig> {
    let preset = PRESETS.iter().find(|p| p.name == "demo").expect("the demo preset");
    let mut config = preset.config().expect("the preset is valid");
    config.training.epochs = epochs;
    Box::new(config)
}

fn train(window: &mut Harness<'static, App>, out: &Path, epochs: u32) {
    let action =
        Action::Work(WorkAction::StartTraining { config: short(epochs), out: out.to_path_buf(), resume: false });
    window.state_mut().send(action);
    window.step();
}

/// Key to cached frame in Review with its heatmap while a training runs, and what an idle window asks for.
fn review(dir: &Path) -> bool {
    let root = dir.join("demo");
    let options = DemoOptions { subjects: 4, exercise_frames: 30, rest_frames: 20, ..DemoOptions::default() };
    make(&root, &options, &Silent).expect("the demo dataset");
    let mut window: Harness<'static, App> = Harness::builder().with_size(SIZE).wgpu().build_eframe(|cc| {
        let factory = Box::new(|wake| Box::new(Engine::new(wake).expect("threads can be started")) as Box<dyn Workers>);
        App::new(cc, LaunchOptions { open: None, fresh: true }, factory)
    });
    window.state_mut().send(OpenAction::OpenAny(root));
    until(&mut window, "the first picture", 120, |app| shown(app) == Some(0));
    train(&mut window, &dir.join("first"), 1);
    until(&mut window, "a trained run", 300, |app| {
        app.state().run().is_some() && app.state().live_training().is_none()
    });

    window.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    window.state_mut().send(TimeAction::Seek(0));
    until(&mut window, "the heatmap", 120, |app| {
        let clip = app.state().explained_clip();
        let asked = app.state().selection.checkpoint_ref().zip(clip);
        asked.and_then(|(run, clip)| app.state().explain.answer(&run, &clip)).is_some_and(|a| !a.maps.is_empty())
    });
    let frames = window.state().state().frames().min(60);
    for index in 0..frames {
        window.state_mut().send(TimeAction::Seek(index));
        until(&mut window, "a decoded frame", 30, |app| shown(app) == Some(index));
    }
    window.state_mut().send(TimeAction::Seek(0));
    until(&mut window, "the first frame", 30, |app| shown(app) == Some(0));

    train(&mut window, &dir.join("second"), 10_000);
    until(&mut window, "steps of the second training", 120, |app| {
        app.state().live_training().is_some_and(|(live, _)| !live.run.steps.is_empty())
    });
    window.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
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
        window.state_mut().send(WorkAction::Control(job, Flow::Stop));
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
        until: None,
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
        run: RunView {
            path: "run".into(),
            config,
            classes: names,
            steps: (1..=steps).map(step).collect(),
            history: history.collect(),
            ..RunView::default()
        },
        wrong: Vec::new(),
    };
    let state = AppState { dataset: Some(dataset), training: Some(run), jobs: vec![view], ..AppState::default() };
    let mut harness = Dashboard::window(state, "train-live");
    harness.run_steps(5);
    let standing = (0..100).map(|_| frame(&mut harness)).collect();
    let growing = (1..=100).map(|i| {
        if let Some(run) = &mut harness.state_mut().state.training {
            run.run.steps.push(step(steps + i));
        }
        frame(&mut harness)
    });
    let growing = growing.collect();
    let standing = report(&format!("train_dashboard_standing_{steps}_steps"), standing, 4.0);
    report(&format!("train_dashboard_growing_{steps}_steps"), growing, 4.0) && standing
}

/// Workers that answer at once from prepared data.
#[derive(Default)]
struct Prepared {
    dataset: Arc<Dataset>,
    run: Arc<RunView>,
    events: RefCell<Vec<Event>>,
    jobs: Cell<u64>,
}

impl Workers for Prepared {
    fn start(&self, job: Job) -> JobId {
        self.jobs.set(self.jobs.get() + 1);
        let id = JobId(self.jobs.get());
        let output = match job {
            Job::OpenDataset(_) => Output::Dataset(self.dataset.clone()),
            Job::OpenRun(_) => Output::Run(self.run.clone()),
            Job::Explain(request) => Output::Explanation(Arc::new(self.explain(&request))),
            _ => return id,
        };
        self.events.borrow_mut().push(Event { job: id, body: EventBody::Started });
        self.events.borrow_mut().push(Event { job: id, body: EventBody::Finished(output) });
        id
    }

    fn control(&self, _: JobId, _: Flow) {}

    fn drain(&self) -> Vec<Event> {
        self.events.take()
    }

    fn device(&self) -> String {
        "CPU".into()
    }
}

impl Prepared {
    fn explain(&self, request: &ExplainRequest) -> Explanation {
        let classes = self.run.classes.clone();
        let map = |asked: &HeatRequest| HeatMap {
            method: asked.method.clone(),
            layer: "block5".into(),
            class: 1,
            against: None,
            shape: [2, 7, 7],
            values: (0..98).map(|i| (i % 49) as f32 / 48.0).collect(),
            pooling: asked.pooling.into(),
            region: HeatMap::WHOLE,
        };
        let sample = |clip: &ClipRef| ClipSample {
            clip: clip.clone(),
            frames: (clip.start..clip.start + 16).collect(),
            truth: Some(0),
            predicted: 1,
            probabilities: vec![1.0 / classes.len() as f32; classes.len()],
            maps: request.maps.iter().map(map).collect(),
            ..ClipSample::default()
        };
        Explanation {
            checkpoint: request.checkpoint.clone(),
            samples: request.clips.iter().map(sample).collect(),
            classes,
            ..Explanation::default()
        }
    }

    /// Videos named `name`, and an evaluation of so many clips of them, every fifth wrong.
    fn large(dir: &Path, videos: usize, clips: usize, name: impl Fn(usize, &ClassSet) -> (String, String)) -> Self {
        let options = DemoOptions { subjects: 2, ..DemoOptions::default() };
        make(dir, &options, &Silent).expect("the demo dataset");
        let demo = kinolens::data::open(dir, &Default::default(), &Silent).expect("the demo dataset opens");
        let copy = |i: usize| {
            let original = &demo.videos[i % demo.videos.len()];
            let (name, subject) = name(i, &demo.classes);
            VideoEntry { name, subject, ..original.clone() }
        };
        let dataset = Dataset { videos: (0..videos).map(copy).collect(), ..demo.clone() };
        let classes = dataset.classes.len();
        let prediction = |i: usize| {
            let (truth, video) = (i % classes, &dataset.videos[i % dataset.videos.len()]);
            let predicted = if i.is_multiple_of(5) { (truth + 1) % classes } else { truth };
            Prediction {
                video: video.name.clone(),
                subject: video.subject.clone(),
                start: (i / dataset.videos.len()) as u32 * 16,
                truth,
                predicted,
                probabilities: (0..classes).map(|c| if c == predicted { 0.8 } else { 0.01 }).collect(),
                loss: 0.7,
                ..Prediction::default()
            }
        };
        let clips: Vec<Prediction> = (0..clips).map(prediction).collect();
        let confusion = Confusion::count(classes, clips.iter().map(|p| (p.truth, p.predicted)));
        let evaluation = Evaluation {
            checkpoint: "last".into(),
            split: "test".into(),
            dataset: dataset.root.display().to_string(),
            clips: clips.len() as u64,
            accuracy: confusion.accuracy(),
            per_class: confusion.per_class(&dataset.classes),
            classes: dataset.classes.clone(),
            confusion,
            ..Evaluation::default()
        };
        let run = RunView {
            path: dir.join("run"),
            classes: dataset.classes.clone(),
            checkpoints: vec!["last".into()],
            layers: (1..=5).map(|i| format!("block{i}")).collect(),
            evaluations: vec![(Arc::new(evaluation), Arc::new(Predictions { clips }))],
            ..RunView::default()
        };
        Self { dataset: Arc::new(dataset), run: Arc::new(run), ..Self::default() }
    }
}

/// Frames of every workspace with a large dataset and an open evaluation: standing, and with the pointer over everything.
fn workspaces(what: &str, prepared: Prepared) -> bool {
    let (root, run) = (prepared.dataset.root.clone(), prepared.run.path.clone());
    let workers = Box::new(prepared) as Box<dyn Workers>;
    let mut window: Harness<'static, App> = Harness::builder()
        .with_size(SIZE)
        .wgpu()
        .build_eframe(|cc| App::new(cc, LaunchOptions { open: None, fresh: true }, Box::new(|_| workers)));
    for action in [
        Action::Open(OpenAction::OpenDataset(root)),
        Action::Open(OpenAction::OpenRun(run)),
        Action::Choose(ChooseAction::SetViewCount(4)),
        Action::Draw(DrawAction::ToggleMask),
    ] {
        window.state_mut().send(action);
        window.run_steps(4);
    }
    until(&mut window, "the first picture", 120, |app| shown(app) == Some(0));
    let mut ok = true;
    for workspace in Workspace::ALL {
        window.state_mut().send(WindowAction::SetWorkspace(workspace));
        window.run_steps(20);
        until(&mut window, "the heatmaps", 60, |app| !app.state().explain.busy());
        // Small pictures of clips arrive, and messages fade.
        let settle = Instant::now();
        while settle.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(10));
            window.step();
        }
        let name = workspace.id();
        let standing = (0..200).map(|_| frame(&mut window)).collect();
        ok &= report_frames(&format!("workspace_{name}_{what}"), standing);
        let hovered = (0..200).map(|i| {
            window.hover_at(egui::pos2((i * 37 % 1280) as f32, (i * 23 % 720) as f32));
            frame(&mut window)
        });
        let hovered = hovered.collect();
        ok &= report_frames(&format!("workspace_{name}_{what}_hovered"), hovered);
    }
    ok
}

/// The curves of fifty runs of a hundred thousand steps each in one plot.
fn overlaid() -> bool {
    let step = |n: u64| StepReport {
        step: n,
        epoch: 1 + (n / 5_000) as u32,
        step_in_epoch: (n % 5_000) as u32,
        steps_per_epoch: 5_000,
        loss: 2.0 + (n as f32 * 0.7).sin(),
        ..StepReport::default()
    };
    let steps: Vec<StepReport> = (1..=100_000).map(step).collect();
    let epoch =
        |epoch: u32| EpochReport { epoch, val_loss: Some(2.0 / epoch as f32), seconds: 9.0, ..EpochReport::default() };
    let run = |i: usize| {
        Arc::new(RunView {
            path: format!("/runs/{i:02}").into(),
            checkpoints: vec!["last".into()],
            steps: steps.clone(),
            history: (1..=20).map(epoch).collect(),
            ..RunView::default()
        })
    };
    let runs: Vec<Arc<RunView>> = (0..50).map(run).collect();
    let mut state = AppState { workspace: Workspace::Compare, ..AppState::default() };
    let network = |r: &Arc<RunView>| CheckpointRef { run: r.path.clone(), name: Some("last".into()) };
    state.comparing.chosen = Some(runs.iter().map(network).collect());
    state.runs = runs;
    let mut window = Dashboard::window(state, "compare-curves");
    window.run_steps(5);
    report("compare_curves_50_runs_100000_steps", (0..200).map(|_| frame(&mut window)).collect(), 6.0)
}

fn main() {
    let mut ok = !takes("dashboard") || (dashboard(1_000) & dashboard(100_000));
    ok &= !takes("curves") || overlaid();
    let dir = tempfile::tempdir().expect("a temporary folder");
    ok &= !takes("workspaces") || large(dir.path());
    ok &= !takes("review") || review(dir.path());
    if !ok && std::env::var_os("KINOLENS_BENCH_STRICT").is_some() {
        std::process::exit(1);
    }
}

/// The workspaces with datasets of two kinds.
fn large(dir: &Path) -> bool {
    let of_people = |i: usize, _: &ClassSet| {
        let subject = format!("p{:02}", i % 60);
        (format!("{subject}/take {i:03}.mp4"), subject)
    };
    let people = Prepared::large(&dir.join("people"), 480, 28_000, of_people);
    let mut ok = workspaces("60_subjects_28000_clips", people);
    let in_folders =
        |i: usize, classes: &ClassSet| (format!("{}/v_{i:05}.mp4", classes.name(i % classes.len())), String::new());
    let folders = Prepared::large(&dir.join("folders"), 25_000, 25_000, in_folders);
    ok &= workspaces("25000_class_folder_videos", folders);
    ok
}
