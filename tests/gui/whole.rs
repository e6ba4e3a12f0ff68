//! The whole way in one window, with the real workers: dataset, labels, training, curves, evaluation, a wrong cell, its
//! clips, the heatmap of one of them, frame by frame.
//!
//! With `KINOLENS_TOUR` naming a demo dataset the tour is made on that, with the whole training of the preset; that is
//! how `scripts/pictures` makes the pictures of the README (`target/screens/tour-*.png`).

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use kinolens::data::demo::{DemoOptions, make};
use kinolens::domain::{Dataset, Split};
use kinolens::jobs::{ClipRef, Engine};
use kinolens::progress::{ConfusionCell, Silent};
use kinolens::ui::action::{ChooseAction, DrawAction, OpenAction, TimeAction, WindowAction};
use kinolens::ui::state::{JobStatus, ThemeChoice};
use kinolens::ui::{App, LaunchOptions, Workers, Workspace};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

type Window = Harness<'static, App>;

fn window() -> Window {
    let mut harness =
        Harness::builder().with_size([1280.0, 720.0]).with_theme(egui::Theme::Dark).wgpu().build_eframe(|cc| {
            let factory =
                Box::new(|wake| Box::new(Engine::new(wake).expect("threads can be started")) as Box<dyn Workers>);
            App::new(cc, LaunchOptions { open: None, fresh: true }, factory)
        });
    harness.state_mut().send(WindowAction::SetTheme(ThemeChoice::Dark));
    harness.run_steps(2);
    harness
}

fn until(window: &mut Window, what: &str, seconds: u64, mut holds: impl FnMut(&App) -> bool) {
    let start = Instant::now();
    while !holds(window.state()) {
        let state = window.state().state();
        let told: Vec<&str> = state.messages.iter().map(|m| m.text.as_str()).collect();
        assert!(start.elapsed() < Duration::from_secs(seconds), "waited in vain for {what}; messages: {told:?}");
        std::thread::sleep(Duration::from_millis(15));
        window.run_steps(1);
    }
    window.run_steps(3);
}

/// A picture of the window; a nearly empty one fails.
fn picture(window: &mut Window, name: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    std::fs::create_dir_all(&dir).unwrap();
    let image = window.render().expect("the window renders");
    let first = image.get_pixel(0, 0);
    assert!(image.pixels().filter(|p| *p != first).count() > 20_000, "{name} is nearly empty");
    image.save(dir.join(format!("{name}.png"))).unwrap();
}

/// The window in both themes.
fn shot(window: &mut Window, name: &str) {
    for theme in [ThemeChoice::Light, ThemeChoice::Dark] {
        window.state_mut().send(WindowAction::SetTheme(theme));
        window.run_steps(3);
        picture(window, &format!("{name}-{theme:?}"));
    }
}

fn click(window: &mut Window, label: &str) {
    window.get_by_label(label).click();
    window.run_steps(3);
}

/// Types a value into a field of the configuration.
fn fill(window: &mut Window, field: &str, value: &str) {
    window.get_by_label(field).focus();
    window.run_steps(2);
    window.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    window.event(egui::Event::Text(value.into()));
    window.run_steps(2);
    window.key_press(egui::Key::Enter);
    window.run_steps(2);
}

/// Waits until the first card with this label shows a picture: many colours, where an empty card has a handful.
fn thumbnail(window: &mut Window, label: &str) {
    let start = Instant::now();
    loop {
        let rect = window.query_all_by_label_contains(label).next().expect("a card").rect();
        let image = window.render().expect("the window renders");
        let picture = (rect.left() as u32 + 6..rect.right() as u32 - 6)
            .flat_map(|x| (rect.top() as u32 + 6..rect.top() as u32 + 80).map(move |y| (x, y)));
        let colors: std::collections::HashSet<_> = picture
            .filter(|(x, y)| *x < image.width() && *y < image.height())
            .map(|(x, y)| image.get_pixel(x, y))
            .collect();
        if colors.len() > 300 {
            return;
        }
        assert!(start.elapsed() < Duration::from_secs(30), "no thumbnail: {} colours", colors.len());
        std::thread::sleep(Duration::from_millis(50));
        window.run_steps(1);
    }
}

#[test]
fn from_a_dataset_to_the_heatmap_of_a_wrong_clip() {
    // As the program itself does it, so that devices are chosen as there.
    kinolens::model::device::set_program(env!("CARGO_BIN_EXE_kinolens").into());
    let tour = std::env::var_os("KINOLENS_TOUR").map(PathBuf::from);
    let prefix = if tour.is_some() { "tour" } else { "whole" };
    let own = tempfile::tempdir().unwrap();
    let root = match &tour {
        Some(root) => root.clone(),
        None => {
            let root = own.path().join("demo");
            let options = DemoOptions { subjects: 4, exercise_frames: 30, rest_frames: 20, ..DemoOptions::default() };
            make(&root, &options, &Silent).unwrap();
            root
        }
    };
    let window = &mut window();
    let dataset = browses(window, &root, prefix);
    trains(window, tour.is_some(), prefix);
    let wrong = evaluates(window, prefix);
    plays_the_matrix(window, prefix);
    let clip = reviews(window, wrong, prefix);
    steps(window, &dataset, &clip);
    scrubs(window, &dataset, &clip, if tour.is_some() { 32 } else { 3 }, prefix);
    tags(window);
    sorts_by_heat_on_body(window, &clip, prefix);
}

fn browses(window: &mut Window, root: &Path, prefix: &str) -> Arc<Dataset> {
    // Data: the table, the first picture, its labels on the timeline.
    window.state_mut().send(OpenAction::OpenAny(root.to_path_buf()));
    until(window, "the dataset", 60, |app| app.state().dataset.is_some());
    until(window, "the first picture", 20, |app| app.current().is_some_and(|s| s.index == 0));
    let dataset = window.state().state().dataset.clone().unwrap();
    let video = dataset.videos[0].clone();
    window.get_by_label(&format!("Video {}", video.name));
    let segment = video.labels.segments()[1];
    let class = segment.label.class().map_or("background", |c| dataset.classes.name(c)).to_owned();
    window.get_by_label(&format!("{class}, frames {} to {}", segment.start, segment.end - 1));
    window.state_mut().send(TimeAction::Seek(segment.start + 12));
    window.state_mut().send(DrawAction::ToggleMask);
    until(window, "a frame of an exercise with its mask", 20, |app| {
        app.current().is_some_and(|s| s.index == segment.start + 12 && s.mask.is_some())
    });
    assert_eq!(window.state().shown().unwrap().labels, [segment.label]);
    shot(window, &format!("{prefix}-1-data"));
    dataset
}

fn trains(window: &mut Window, tour: bool, prefix: &str) {
    // Train: the demo preset, a few epochs; the curves move while it runs.
    click(window, "Train");
    assert_eq!(window.state().state().workspace, Workspace::Train);
    window.get_by_label("Start training");
    shot(window, &format!("{prefix}-2-before-training"));
    if !tour {
        fill(window, "Epochs", "3");
    }
    click(window, "Start training");
    until(window, "the first steps", 60, |app| app.state().training.as_ref().is_some_and(|l| l.run.steps.len() > 3));
    let answered = Instant::now();
    window.key_press(egui::Key::F1);
    window.run_steps(1);
    assert!(answered.elapsed() < Duration::from_secs(2), "the window answers while training runs");
    window.key_press(egui::Key::Escape);
    window.run_steps(2);
    let wanted = if tour { 6 } else { 2 };
    until(window, "epochs on the curves", 300, |app| {
        app.state().training.as_ref().is_some_and(|l| l.run.history.len() >= wanted)
    });
    shot(window, &format!("{prefix}-3-training"));
    until(window, "the end of training", 600, |app| {
        app.state().jobs.iter().any(|j| j.status == JobStatus::Done && matches!(j.job, kinolens::jobs::Job::Train(_)))
            && !app.state().runs.is_empty()
    });
    shot(window, &format!("{prefix}-4-trained"));
}

/// Gives the cell of the matrix with most wrong clips.
fn evaluates(window: &mut Window, prefix: &str) -> (usize, usize) {
    // Evaluate: the test split, then the wrong cell with most clips.
    click(window, "Evaluate");
    click(window, "Evaluate checkpoint");
    until(window, "the evaluation", 120, |app| !app.state().evaluations.is_empty());
    let entry = window.state().state().evaluations[0].clone();
    let names = &entry.evaluation.classes;
    let wrong = (0..names.len())
        .flat_map(|t| (0..names.len()).map(move |p| (t, p)))
        .filter(|(t, p)| t != p)
        .max_by_key(|(t, p)| entry.evaluation.confusion.counts[*t][*p])
        .unwrap();
    let count = entry.evaluation.confusion.counts[wrong.0][wrong.1];
    assert!(count > 0, "something is wrong somewhere");
    shot(window, &format!("{prefix}-5-evaluation"));
    let (truth, said) = (names.name(wrong.0).to_owned(), names.name(wrong.1).to_owned());
    click(window, &format!("{truth} predicted as {said}: {count}"));
    let clips = window.query_all_by_label_contains(&format!("{truth} predicted as {said} 0.")).count();
    assert!(clips as u64 >= count.min(3), "{clips} of {count} clips are shown");
    thumbnail(window, &format!("{truth} predicted as {said} 0."));
    shot(window, &format!("{prefix}-6-wrong-clips"));
    wrong
}

fn plays_the_matrix(window: &mut Window, prefix: &str) {
    // The matrix through training, played from its first epoch.
    let names = window.state().state().evaluations[0].evaluation.classes.clone();
    click(window, "Through training");
    click(window, "Play the matrix");
    let start = Instant::now();
    let history = window.state().state().runs[0].history.clone();
    let last = history.len();
    while window.query_by_label_contains(&format!("epoch {last}, validation")).is_none() {
        assert!(start.elapsed() < Duration::from_secs(30), "the matrix does not play");
        std::thread::sleep(Duration::from_millis(50));
        window.run_steps(1);
    }
    for ConfusionCell(truth, predicted, clips) in &history[last - 1].confusion {
        let (truth, predicted) = (names.name(*truth as usize), names.name(*predicted as usize));
        window.get_by_label(&format!("{truth} predicted as {predicted}: {clips}"));
    }
    shot(window, &format!("{prefix}-6-through-training"));
    click(window, "Through training");
}

fn reviews(window: &mut Window, wrong: (usize, usize), prefix: &str) -> ClipRef {
    // Review: that very clip, with the map of what the network said.
    let entry = window.state().state().evaluations[0].clone();
    let [truth, said] = [wrong.0, wrong.1].map(|c| entry.evaluation.classes.name(c).to_owned());
    let mut those: Vec<_> = entry
        .predictions
        .clips
        .iter()
        .filter(|c| (c.truth, c.predicted) == wrong)
        .map(|c| (c.video.clone(), c.start))
        .collect();
    those.sort();
    window.query_all_by_label_contains(&format!("{truth} predicted as {said} 0.")).next().unwrap().click();
    window.run_steps(3);
    window.key_press(egui::Key::Enter);
    window.run_steps(3);
    assert_eq!(window.state().state().workspace, Workspace::Review);
    let clip = window.state().state().selection.clip.clone().expect("a clip is chosen");
    assert!(those.contains(&(clip.video.clone(), clip.start)), "{clip:?} is none of {those:?}");
    until(window, "the map of the clip", 60, |app| {
        let (view, checkpoint) = (app.state().selection.view(), app.state().selection.checkpoint_ref());
        let answer = checkpoint.and_then(|c| app.state().explain.answer(&c, &clip));
        answer.is_some_and(|a| a.maps.contains_key(&view))
    });
    until(window, "the first frame of the clip", 20, |app| app.current().is_some_and(|s| s.index == clip.start));
    assert!(window.query_all_by_label_contains("cells, stage3, Grad-CAM").count() > 0, "the badge names the map");
    shot(window, &format!("{prefix}-7-review"));
    clip
}

fn steps(window: &mut Window, dataset: &Dataset, clip: &ClipRef) {
    // Steps: picture, label and map belong to the same frame.
    let entry = dataset.videos.iter().find(|v| v.name == clip.video).unwrap();
    assert_eq!(entry.split, Split::Test);
    for (key, frame) in [(egui::Key::ArrowRight, 1), (egui::Key::Period, 2), (egui::Key::ArrowLeft, 1)] {
        window.key_press(key);
        window.run_steps(1);
        let frame = clip.start + frame;
        until(window, "the next frame", 20, |app| app.current().is_some_and(|s| s.index == frame));
        let shown = window.state().shown().unwrap();
        assert_eq!(shown.labels, Vec::from_iter(entry.labels.at(frame)));
        assert!(
            shown.mask.as_ref().is_some_and(|m| { **m == kinolens::data::load_mask(entry, frame).unwrap().unwrap() })
        );
    }
}

/// Frames of the clip and of what follows it, as somebody sees them who drags the playhead.
fn scrubs(window: &mut Window, dataset: &Dataset, clip: &ClipRef, frames: u32, prefix: &str) {
    let video = dataset.videos.iter().find(|v| v.name == clip.video).unwrap();
    // The map follows the playhead.
    window.state_mut().send(ChooseAction::FollowPlayhead);
    for n in 0..frames {
        let frame = (clip.start + n).min(video.frames() - 1);
        window.state_mut().send(TimeAction::Seek(frame));
        until(window, "a frame under the playhead", 30, |app| {
            app.current().is_some_and(|s| s.index == frame) && !app.state().explain.busy()
        });
        assert_eq!(window.state().shown().unwrap().labels, Vec::from_iter(video.labels.at(frame)));
        picture(window, &format!("{prefix}-scrub-{n:02}"));
    }
}

fn tags(window: &mut Window) {
    // A tag goes to the run's folder.
    click(window, "Tag…");
    click(window, "label is wrong");
    let notes = window.state().state().selection.run.clone().unwrap().join("notes.ron");
    until(window, "the notes on the disk", 20, |_| notes.is_file());
    assert!(std::fs::read_to_string(&notes).unwrap().contains("label is wrong"));
    window.key_press(egui::Key::Escape);
    window.run_steps(2);
}

fn sorts_by_heat_on_body(window: &mut Window, clip: &ClipRef, prefix: &str) {
    // Sorted by the heat on the body, every card says how much it is.
    window.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    window.run_steps(3);
    click(window, "sorted");
    click(window, "least heat on body first");
    until(window, "the heat on the bodies", 120, |app| {
        let (view, checkpoint) = (app.state().selection.view(), app.state().selection.checkpoint_ref().unwrap());
        app.state().explain.answer(&checkpoint, clip).is_some_and(|a| a.on_body.contains_key(&view))
    });
    shot(window, &format!("{prefix}-8-heat-on-body"));
}
