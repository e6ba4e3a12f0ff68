//! How fast Inside answers and how much it holds: the map of 25,000 clips, and the first channels of C3D and R3D-18.
//!
//! `cargo bench --bench inside`, or a part of it with `-- clip-map` (`c3d`, `r3d-18`); rows and the exit code are those of the benchmark
//! `window`.

// The figures are what it is run for.
#![allow(clippy::print_stdout)]

mod measured;

use eframe::egui;
use egui_kittest::Harness;
use kinolens::config::{ModelConfig, RunConfig};
use kinolens::data::demo::{DemoOptions, make};
use kinolens::domain::{ClassSet, Dataset, Split, SplitChoice, VideoEntry, VideoFacts};
use kinolens::inside::{ActivationStore, ClipMap, MapPoint, NeighbourMap};
use kinolens::jobs::{ClipRef, Engine, Identity, JobId, LayerSurvey, RunView, SurveyClip};
use kinolens::model::{ComputeDevice, Network, write_torch};
use kinolens::process_usage::Usage;
use kinolens::progress::Silent;
use kinolens::ui::action::{InsideAction, OpenAction, TimeAction, WindowAction};
use kinolens::ui::{App, AppState, LaunchOptions, Workers, Workspace};
use measured::{Dashboard, SIZE, frame, report, takes, until, verdict};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// Clips of the map.
const CLIPS: usize = 25_000;
/// A frame of sixty in a second, in milliseconds.
const FRAME: f64 = 1000.0 / 60.0;
/// The first channels are on screen so many milliseconds after the network has answered.
const FIRST: f64 = 1500.0;

/// A number 0…1 that looks drawn.
fn scattered(i: usize, salt: usize) -> f64 {
    ((i * 7919 + salt * 104_729) % 10_007) as f64 / 10_007.0
}

/// A survey of so many clips of 60 videos, arranged both ways.
fn survey(dataset: &Dataset) -> LayerSurvey {
    let clip = |i: usize| SurveyClip {
        clip: ClipRef::window(&dataset.videos[i % dataset.videos.len()].name, (i / dataset.videos.len()) as u32 * 16),
        subject: format!("p{:02}", i % 60),
        split: if i.is_multiple_of(3) { Split::Test } else { Split::Train },
        frames: Vec::new(),
        region: [0.0, 0.0, 1.0, 1.0],
        truth: Some(i % dataset.classes.len()),
        predicted: i % 5,
        probability: 0.75,
    };
    let point = |i: usize| MapPoint {
        place: vec![scattered(i, 1), scattered(i, 2), scattered(i, 3)],
        nearest: (1..=5).map(|n| ((i + n) % CLIPS, 0.1 * n as f64)).collect(),
    };
    let neighbours = NeighbourMap {
        places: (0..CLIPS).map(|i| [scattered(i, 4), scattered(i, 5)]).collect(),
        perplexity: 30.0,
        divergence: 1.5,
        trustworthiness: Some(0.9),
    };
    LayerSurvey {
        identity: Identity::default(),
        classes: dataset.classes.clone(),
        split: SplitChoice::All,
        clips: (0..CLIPS).map(clip).collect(),
        statistics: Vec::new(),
        examples: Vec::new(),
        fields: Vec::new(),
        map_layer: "pool".into(),
        map: Some(ClipMap {
            explained: vec![0.5, 0.2, 0.1],
            usual_distance: 1.0,
            trustworthiness: Some(0.8),
            points: (0..CLIPS).map(point).collect(),
            neighbours: Some(neighbours),
        }),
        near: Vec::new(),
        over_checkpoints: Vec::new(),
    }
}

/// Frames of the map: standing, under the pointer, and zoomed, where every point moves.
fn clip_map() -> bool {
    let classes = ClassSet::from_names((0..17).map(|c| format!("class {c}")));
    let facts = VideoFacts { width: 112, height: 112, fps: 30.0, frames: 8000, ..VideoFacts::default() };
    let video =
        |i: usize| VideoEntry { name: format!("v{i:02}.mp4"), facts: Some(facts.clone()), ..VideoEntry::default() };
    let dataset =
        Arc::new(Dataset { classes: classes.clone(), videos: (0..60).map(video).collect(), ..Dataset::default() });
    let run = RunView { path: "run".into(), classes, checkpoints: vec!["last".into()], ..RunView::default() };
    let mut state = AppState { workspace: Workspace::Inside, dataset: Some(dataset.clone()), ..AppState::default() };
    state.selection.run = Some(run.path.clone());
    state.selection.checkpoint = Some("last".into());
    state.selection.video = Some(dataset.videos[0].name.clone());
    state.runs = vec![Arc::new(run)];
    let checkpoint = state.selection.checkpoint_ref().unwrap_or_default();
    state.inside.surveys(JobId(1), checkpoint);
    state.inside.surveyed(JobId(1), Arc::new(survey(&dataset)));
    let mut window = Dashboard::window(state, "clip-map");
    window.run_steps(5);
    assert!(window.output().shapes.len() > 10, "the map is drawn");
    let standing = (0..200).map(|_| frame(&mut window)).collect();
    let mut ok = report("clip_map_25000_standing", standing, FRAME);
    let hovered = (0..200).map(|i| {
        window.hover_at(egui::pos2(60.0 + (i * 37 % 560) as f32, 80.0 + (i * 23 % 560) as f32));
        frame(&mut window)
    });
    let hovered = hovered.collect();
    ok &= report("clip_map_25000_hovered", hovered, FRAME);
    window.hover_at(egui::pos2(350.0, 350.0));
    let zoomed = (0..200).map(|i| {
        let delta = egui::vec2(0.0, if i < 100 { 12.0 } else { -12.0 });
        window.event(egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta,
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
            modifiers: egui::Modifiers::NONE,
        });
        frame(&mut window)
    });
    let zoomed = zoomed.collect();
    ok & report("clip_map_25000_zoomed", zoomed, FRAME)
}

/// A run of a network with random weights.
fn run_of(model: &str, clip: [u32; 3], classes: &ClassSet, dir: &Path) -> (std::path::PathBuf, Box<RunConfig>) {
    let mut config = RunConfig::reference();
    config.model = ModelConfig { id: model.into(), ..ModelConfig::default() };
    [config.clip.length, config.clip.height, config.clip.width] = clip;
    let shape = clip.map(|n| n as usize);
    let network = Network::build(&config.model, classes.len(), shape, &ComputeDevice::cpu(), 7).expect("the network");
    let path = dir.join(format!("{model}.pth"));
    write_torch(&path, &network.state_dict().expect("weights")).expect("the file of weights");
    (path, Box::new(config))
}

fn looked(app: &App) -> bool {
    let state = app.state();
    let query = state.inside_layer().and_then(|l| state.look_query(&l));
    query.is_some_and(|q| state.inside.look(&q).is_some())
}

/// The first channels on screen after the network has answered, and what all layers of a clip take, with the network computing on
/// this machine's processor.
fn first_channels(model: &str, clip: [u32; 3], dir: &Path) -> bool {
    let root = dir.join("demo");
    if !root.is_dir() {
        let options = DemoOptions { subjects: 2, exercise_frames: 30, rest_frames: 20, ..DemoOptions::default() };
        make(&root, &options, &Silent).expect("the demo dataset");
    }
    let mut window: Harness<'static, App> = Harness::builder().with_size(SIZE).wgpu().build_eframe(|cc| {
        let factory = Box::new(|wake| Box::new(Engine::new(wake).expect("threads can be started")) as Box<dyn Workers>);
        App::new(cc, LaunchOptions { open: None, fresh: true }, factory)
    });
    window.state_mut().send(OpenAction::OpenAny(root));
    until(&mut window, "the dataset", 120, |app| app.state().dataset.is_some());
    let classes = window.state().state().dataset.as_ref().map(|d| d.classes.clone()).unwrap_or_default();
    let (weights, config) = run_of(model, clip, &classes, dir);
    let out = dir.join(model);
    window.state_mut().send(OpenAction::Import { weights, config, classes, out });
    until(&mut window, "the run", 120, |app| app.state().run().is_some());
    let before = Usage::now().memory_bytes;
    let asked = Instant::now();
    window.state_mut().send(WindowAction::SetWorkspace(Workspace::Inside));
    until(&mut window, "the first layer", 120, looked);
    let answered = asked.elapsed();
    // The step that took the answer over drew it too; textures of further rows come with the next.
    let drawing: Vec<f64> = (0..3).map(|_| frame(&mut window)).collect();
    println!("inside {model} seconds_to_answer {:.2}", answered.as_secs_f64());
    let mut ok = verdict(&format!("inside_first_channels_{model}"), 1, drawing[0], drawing.iter().sum(), FIRST);

    // Every module, one after the other, as somebody who walks through the graph.
    let layers: Vec<String> = window.state().state().run().map(|run| run.layers.clone()).unwrap_or_default();
    let mut most = 0;
    for layer in &layers {
        window.state_mut().send(InsideAction::ChooseLayer(layer.clone()));
        window.step();
        until(&mut window, layer, 120, looked);
        most = most.max(window.state().state().inside.bytes());
    }
    // What the window holds; the lane that computes holds no more than the other half.
    let limit = ActivationStore::BUDGET / 2;
    let mib = |bytes: usize| bytes as f64 / (1 << 20) as f64;
    let grown = Usage::now().memory_bytes.saturating_sub(before) as usize;
    println!("inside {model} layers {} process_grew_mib {:.0}", layers.len(), mib(grown));
    let held = most <= limit;
    println!(
        "inside {model} held_mib {:.0} limit_mib {:.0} {}",
        mib(most),
        mib(limit),
        if held { "ok" } else { "over" }
    );
    // Another clip: nothing of the first one stays.
    window.state_mut().send(TimeAction::Seek(clip[0] * 2));
    window.run_steps(2);
    let freed = window.state().state().inside.bytes();
    println!("inside {model} held_after_another_clip {freed} limit 0 {}", if freed == 0 { "ok" } else { "over" });
    ok &= held && freed == 0;
    ok
}

fn main() {
    let mut ok = !takes("clip-map") || clip_map();
    let dir = tempfile::tempdir().expect("a temporary folder");
    for model in ["c3d", "r3d-18"] {
        ok &= !takes(model) || first_channels(model, [16, 112, 112], dir.path());
    }
    if !ok && std::env::var_os("KINOLENS_BENCH_STRICT").is_some() {
        std::process::exit(1);
    }
}
