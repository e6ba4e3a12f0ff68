//! The real window, driven by accessible label with scripted workers.

mod annotated;
mod arrangement;
mod augmented;
mod browsing;
mod checkpoints;
mod compare;
mod corrections;
mod damaged;
mod dialog_keys;
mod experiment;
mod finding;
mod follow;
mod foreign;
mod gestures;
mod indexing;
mod inside;
mod inside_map;
mod kept_map;
mod label_map;
mod leading;
mod look;
mod many;
mod networks;
mod repaints;
mod session;
mod slow_disk;
mod splits;
mod table;
mod values;
mod views;
mod watch;
mod work;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use kinolens::data::demo::{DemoOptions, make};
use kinolens::domain::{Dataset, HeatMap};
use kinolens::jobs::kinds::{OpenDataset, OpenRun, SaveCorrections};
use kinolens::jobs::{ClipSample, Event, EventBody, Explanation, Job, JobId, Output, RunView};
use kinolens::progress::{Flow, Progress, Silent};
use kinolens::run_folder::{Evaluation, Prediction, Predictions};
use kinolens::ui::action::{DrawAction, HistoryAction, OpenAction, TimeAction, WindowAction};
use kinolens::ui::state::{Dialog, PathPurpose, ThemeChoice, ViewMode, ViewSettings};
use kinolens::ui::{App, LaunchOptions, PANELS, Workers, Workspace};
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// Workers that answer at once from prepared data and remember what they were asked.
#[derive(Clone, Default)]
struct Scripted(Rc<RefCell<Script>>);

#[derive(Default)]
struct Script {
    dataset: Option<Arc<Dataset>>,
    run: Option<Arc<RunView>>,
    /// Further runs that can be opened.
    others: Vec<Arc<RunView>>,
    jobs: Vec<Job>,
    controls: Vec<(JobId, Flow)>,
    events: Vec<Event>,
    /// Jobs that stay under way instead of being answered.
    hold: bool,
    /// Maps of 16x1x16 cells of which at time step `t` only column `t` is hot.
    wandering: bool,
    /// Maps of 1x1x16 cells of which only the column of the method (by its place in the registry) is hot.
    by_method: bool,
}

impl Workers for Scripted {
    fn start(&self, job: Job) -> JobId {
        let mut s = self.0.borrow_mut();
        s.jobs.push(job.clone());
        let id = JobId(s.jobs.len() as u64);
        s.events.push(Event { job: id, body: EventBody::Started });
        if s.hold {
            return id;
        }
        let body = match job {
            job @ (Job::WatchRun(_) | Job::AskRun(_)) => watch::on_disk(job),
            Job::OpenDataset(OpenDataset { path, .. }) => match &s.dataset {
                Some(d) if d.root == path => EventBody::Finished(Output::Dataset(d.clone())),
                _ => EventBody::Failed(format!("{} is no dataset: choose another folder.", path.display())),
            },
            Job::OpenRun(OpenRun { path }) => match s.run.iter().chain(&s.others).find(|r| r.path == path) {
                Some(r) => EventBody::Finished(Output::Run(r.clone())),
                _ => EventBody::Failed(format!("{} is no run folder: choose one with a config.ron.", path.display())),
            },
            Job::Explain(request) => {
                let (wandering, by_method) = (s.wandering, s.by_method);
                let mut samples: Vec<ClipSample> =
                    request.clips.iter().map(|clip| sample(clip, &request, wandering)).collect();
                if by_method {
                    samples.iter_mut().flat_map(|s| &mut s.maps).for_each(mark_method);
                }
                let name = request.checkpoint.name.clone().unwrap_or_default();
                let known = s.run.iter().chain(&s.others).find(|r| r.path == request.checkpoint.run);
                EventBody::Finished(Output::Explanation(Arc::new(Explanation {
                    identity: known.map(|r| r.identity(&name)).unwrap_or_default(),
                    checkpoint: request.checkpoint.clone(),
                    classes: request.dataset.classes.clone(),
                    samples,
                    ..Explanation::default()
                })))
            }
            Job::SaveCorrections(SaveCorrections { root, .. }) => {
                EventBody::Finished(Output::CorrectionsSaved(root.join("kinolens_corrections.ron")))
            }
            _ => return id,
        };
        s.events.push(Event { job: id, body });
        id
    }

    fn control(&self, job: JobId, flow: Flow) {
        let mut s = self.0.borrow_mut();
        s.controls.push((job, flow));
        if flow == Flow::Stop {
            s.events.push(Event { job, body: EventBody::Cancelled(None) });
        }
    }

    fn drain(&self) -> Vec<Event> {
        std::mem::take(&mut self.0.borrow_mut().events)
    }

    fn device(&self) -> String {
        "CPU, 4 threads".into()
    }
}

/// A map whose hot cell tells the method: grad-cam in the first cell, the others in the last.
fn sample(clip: &kinolens::jobs::ClipRef, request: &kinolens::jobs::ExplainRequest, wandering: bool) -> ClipSample {
    let classes = request.dataset.classes.len();
    let map = |r: &kinolens::jobs::HeatRequest| {
        let mut values: Vec<f32> = (0..2 * 7 * 7).map(|i| ((i % 49) as f32 / 48.0).powi(2)).collect();
        if r.method == "grad-cam" {
            values.reverse();
        }
        if wandering {
            values = (0..16 * 16).map(|i| if i / 16 == i % 16 { 1.0 } else { 0.0 }).collect();
        }
        HeatMap {
            method: r.method.clone(),
            layer: "block5".into(),
            class: 1,
            against: None,
            shape: if wandering { [16, 1, 16] } else { [2, 7, 7] },
            values,
            pooling: r.pooling.into(),
            region: HeatMap::WHOLE,
        }
    };
    let mut probabilities = vec![0.29 / (classes - 1) as f32; classes];
    probabilities[1] = 0.71;
    ClipSample {
        clip: clip.clone(),
        frames: (clip.start..clip.start + 16).collect(),
        truth: Some(0),
        predicted: 1,
        probabilities,
        maps: request.maps.iter().map(map).collect(),
        ..ClipSample::default()
    }
}

/// Makes a map one of which only the column of its method is hot.
fn mark_method(map: &mut HeatMap) {
    let place = kinolens::cam::METHODS.iter().position(|m| m.id == map.method).unwrap();
    map.shape = [1, 1, 16];
    map.values = (0..16).map(|column| if column == place { 1.0 } else { 0.0 }).collect();
}

/// A small demo dataset, made once for all tests.
fn demo() -> Arc<Dataset> {
    static DATASET: OnceLock<Arc<Dataset>> = OnceLock::new();
    DATASET
        .get_or_init(|| {
            let dir = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("gui demo {}", std::process::id()));
            let options = DemoOptions { subjects: 3, ..DemoOptions::default() };
            make(&dir, &options, &Silent).expect("the demo dataset");
            let dataset = kinolens::data::open(&dir, &Default::default(), &Silent).expect("the demo dataset opens");
            Arc::new(dataset)
        })
        .clone()
}

fn run_of(dataset: &Dataset) -> Arc<RunView> {
    let video = dataset.videos[0].name.clone();
    let prediction = |start: u32, truth: usize, predicted: usize| Prediction {
        video: video.clone(),
        subject: String::new(),
        start,
        truth,
        predicted,
        probabilities: (0..dataset.classes.len()).map(|c| if c == predicted { 0.7 } else { 0.05 }).collect(),
        loss: 1.0,
        ..Prediction::default()
    };
    let clips = vec![prediction(0, 0, 0), prediction(32, 0, 1), prediction(64, 1, 1), prediction(96, 1, 2)];
    let evaluation = Evaluation {
        checkpoint: "best_accuracy".into(),
        split: "test".into(),
        classes: dataset.classes.clone(),
        ..Evaluation::default()
    };
    Arc::new(RunView {
        path: dataset.root.join("run one"),
        classes: dataset.classes.clone(),
        checkpoints: vec!["best_accuracy".into(), "last".into()],
        dataset_root: dataset.root.clone(),
        layers: (1..=5).map(|i| format!("block{i}")).collect(),
        evaluations: vec![(Arc::new(evaluation), Arc::new(Predictions { clips }))],
        ..RunView::default()
    })
}

fn window(script: &Scripted, theme: ThemeChoice) -> Harness<'static, App> {
    let workers = script.clone();
    let mut harness = Harness::builder()
        .with_size([1280.0, 720.0])
        .with_theme(if theme == ThemeChoice::Light { egui::Theme::Light } else { egui::Theme::Dark })
        .wgpu()
        .build_eframe(move |cc| {
            let factory = Box::new(move |_| Box::new(workers) as Box<dyn Workers>);
            App::new(cc, LaunchOptions { open: None, fresh: true }, factory)
        });
    harness.state_mut().send(WindowAction::SetTheme(theme));
    harness.run_steps(2);
    harness
}

/// A window on the demo dataset with a run.
fn opened(theme: ThemeChoice) -> (Scripted, Harness<'static, App>) {
    let script = Scripted::default();
    let dataset = demo();
    script.0.borrow_mut().run = Some(run_of(&dataset));
    script.0.borrow_mut().dataset = Some(dataset.clone());
    let mut harness = window(&script, theme);
    harness.state_mut().send(OpenAction::OpenDataset(dataset.root.clone()));
    harness.run_steps(4);
    (script, harness)
}

/// Steps until a condition holds; panics after ten seconds.
fn until(harness: &mut Harness<'static, App>, what: &str, mut holds: impl FnMut(&App) -> bool) {
    let start = Instant::now();
    while !holds(harness.state()) {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain for: {what}");
        std::thread::sleep(Duration::from_millis(10));
        harness.run_steps(1);
    }
}

fn shot(harness: &mut Harness<'static, App>, name: &str) {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    std::fs::create_dir_all(&dir).unwrap();
    let image = harness.render().expect("the window renders");
    assert_eq!((image.width(), image.height()), (1280, 720));
    image.save(dir.join(format!("{name}.png"))).unwrap();
}

/// What a node is called.
fn text_of(node: &egui_kittest::Node<'_>) -> String {
    use egui_kittest::kittest::NodeT;
    node.accesskit_node().label().or_else(|| node.value()).unwrap_or_default()
}

fn shown_frame(app: &App) -> Option<u32> {
    app.current().map(|s| s.index)
}

#[test]
fn welcome_leads_to_a_path_field_and_an_error_is_kept_as_a_sentence() {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        let script = Scripted::default();
        let mut harness = window(&script, theme);
        for label in ["Open a dataset…", "Make the demo dataset", "Open a run…"] {
            harness.get_by_label(label);
        }
        shot(&mut harness, &format!("welcome-{theme:?}"));
        harness.state_mut().send(OpenAction::NoFileDialog(PathPurpose::Dataset));
        harness.run_steps(3);
        assert!(matches!(harness.state().state().dialog, Some(Dialog::Path { .. })));
        shot(&mut harness, &format!("path-field-{theme:?}"));
        harness.state_mut().send(OpenAction::PathChosen(PathPurpose::Dataset, "/nowhere/at all".into()));
        harness.run_steps(3);
        let messages = &harness.state().state().messages;
        assert!(
            messages.iter().any(|m| m.text.contains("/nowhere/at all") && m.text.contains("choose another folder"))
        );
        harness.get_by_label("1 message").click();
        harness.run_steps(3);
        assert!(harness.state().state().show_messages);
        shot(&mut harness, &format!("messages-{theme:?}"));
    }
}

#[test]
fn data_shows_table_labels_and_steps_with_keys() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    let dataset = demo();
    let name = dataset.videos[0].name.clone();
    until(&mut harness, "the first picture", |app| shown_frame(app) == Some(0));
    harness.get_by_label(&format!("Video {name}"));
    // Every label segment stands on the timeline under its name.
    let segment = dataset.videos[0].labels.segments()[0];
    let class = segment.label.class().map_or("background", |c| dataset.classes.name(c));
    harness.get_by_label(&format!("{class}, frames {} to {}", segment.start, segment.end - 1));
    shot(&mut harness, "data-Dark");
    for (key, frame) in [
        (egui::Key::ArrowRight, 1),
        (egui::Key::Period, 2),
        (egui::Key::ArrowDown, 12),
        (egui::Key::ArrowLeft, 11),
        (egui::Key::Comma, 10),
        (egui::Key::ArrowUp, 0),
    ] {
        harness.key_press(key);
        harness.run_steps(1);
        assert_eq!(harness.state().state().selection.frame, frame, "{key:?}");
        until(&mut harness, "the stepped picture", |app| shown_frame(app) == Some(frame));
    }
    harness.key_press(egui::Key::E);
    harness.run_steps(1);
    assert_eq!(harness.state().state().selection.frame, segment.end, "E goes to the next segment edge");
    harness.key_press(egui::Key::End);
    harness.run_steps(1);
    assert_eq!(harness.state().state().selection.frame, dataset.videos[0].frames() - 1);
    harness.key_press(egui::Key::Home);
    harness.run_steps(1);
    for (key, on) in [(egui::Key::M, true), (egui::Key::K, true)] {
        harness.key_press(key);
        harness.run_steps(1);
        let view = &harness.state().state().view;
        assert_eq!(if key == egui::Key::M { view.mask } else { view.skeleton }, on);
    }
    until(&mut harness, "mask and skeleton of the shown frame", |app| {
        app.shown().is_some_and(|s| s.mask.is_some() && !s.joints().is_empty())
    });
    shot(&mut harness, "data-mask-skeleton-Dark");
    harness.state_mut().send(HistoryAction::Undo);
    harness.run_steps(2);
    assert!(!harness.state().state().view.skeleton && harness.state().state().view.mask, "undo takes back one change");
    for tab in ["Statistics", "Warnings"] {
        harness.get_by_label(tab).click();
        harness.run_steps(3);
        shot(&mut harness, &format!("data-{tab}-Dark"));
    }
}

#[test]
fn what_is_drawn_belongs_to_one_frame_while_scrubbing_fast() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    let dataset = demo();
    let frames = dataset.videos[0].frames();
    harness.state_mut().send(DrawAction::ToggleMask);
    harness.state_mut().send(DrawAction::ToggleSkeleton);
    for step in 0..60_u32 {
        harness.state_mut().send(TimeAction::Seek(step * 37 % frames));
        harness.run_steps(1);
        let Some(shown) = harness.state().shown() else { continue };
        assert_eq!(
            shown.labels,
            Vec::from_iter(dataset.videos[0].labels.at(shown.index)),
            "label of frame {}",
            shown.index
        );
        if let Some(mask) = &shown.mask {
            let truth = kinolens::data::load_mask(&dataset.videos[0], shown.index).unwrap().unwrap();
            assert!(**mask == truth, "mask of frame {}", shown.index);
        }
    }
    let target = harness.state().state().selection.frame;
    until(&mut harness, "the last picture asked for", |app| shown_frame(app) == Some(target));
}

#[test]
fn review_shows_the_heatmap_of_the_clip_under_the_playhead() {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        let (script, mut harness) = opened(theme);
        let run = run_of(&demo());
        harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
        harness.run_steps(3);
        harness.get_by_label("Review").click();
        harness.run_steps(3);
        until(&mut harness, "a picture", |app| shown_frame(app).is_some());
        let has_map = |app: &App| !app.state().explain.busy() && explained(app);
        until(&mut harness, "the heatmap", has_map);
        harness.run_steps(2);
        let views: Vec<_> = harness.query_all_by_label_contains("2×7×7 cells, block5, Grad-CAM").collect();
        assert!(!views.is_empty(), "the badge says the truth about the map");
        drop(views);
        assert!(harness.query_all_by_label_contains("Probability of").count() > 3);
        shot(&mut harness, &format!("review-{theme:?}"));
        // N goes to the next clip the network got wrong.
        harness.key_press(egui::Key::N);
        harness.run_steps(2);
        let clip = harness.state().state().selection.clip.clone().expect("an error is chosen");
        assert_eq!(clip.start, 32);
        harness.key_press(egui::Key::N);
        harness.run_steps(1);
        assert_eq!(harness.state().state().selection.clip.as_ref().map(|c| c.start), Some(96));
        // The overlay follows: another method, then two views.
        harness.key_press(egui::Key::G);
        harness.run_steps(2);
        until(&mut harness, "the map of the second method", has_map);
        assert_eq!(harness.state().state().selection.view().method, "grad-cam++");
        harness.get_by_label("2 views").click();
        harness.run_steps(2);
        until(&mut harness, "both maps", has_map);
        until(&mut harness, "the picture of the clip", |app| shown_frame(app) == Some(96));
        shot(&mut harness, &format!("review-two-{theme:?}"));
        let asked = script.0.borrow().jobs.iter().filter(|j| matches!(j, Job::Explain(_))).count();
        harness.run_steps(5);
        let again = script.0.borrow().jobs.iter().filter(|j| matches!(j, Job::Explain(_))).count();
        assert_eq!(asked, again, "nothing is asked for twice");
    }
}

/// True when every view of the shown clip has its map.
fn explained(app: &App) -> bool {
    let state = app.state();
    let (Some(checkpoint), Some(clip)) = (state.selection.checkpoint_ref(), state.explained_clip()) else {
        return false;
    };
    let answer = state.explain.answer(&checkpoint, &clip);
    answer.is_some_and(|a| state.selection.views.iter().all(|v| a.maps.contains_key(v)))
}

#[test]
fn the_overlay_reaches_the_pixels() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    let run = run_of(&demo());
    harness.state_mut().send(OpenAction::OpenRun(run.path.clone()));
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    harness.run_steps(3);
    until(&mut harness, "the heatmap", |app| shown_frame(app).is_some() && explained(app));
    harness.run_steps(2);
    let with = harness.render().unwrap();
    let rect = harness.get_by_label_contains("Heatmap view 1").rect();
    harness.key_press(egui::Key::H);
    harness.run_steps(3);
    let without = harness.render().unwrap();
    let mut differ = 0;
    let mut total = 0;
    for y in (rect.top() as u32 + 40..rect.bottom() as u32 - 40).step_by(4) {
        for x in (rect.left() as u32 + 4..rect.right() as u32 - 4).step_by(4) {
            total += 1;
            differ += usize::from(with.get_pixel(x, y) != without.get_pixel(x, y));
        }
    }
    assert!(total > 100 && differ * 10 > total * 8, "{differ} of {total} pixels changed");
}

/// Shows the heat of the run alone in Review, its cells as they are, black to white.
fn heat_alone(harness: &mut Harness<'static, App>) {
    harness.state_mut().send(OpenAction::OpenRun(run_of(&demo()).path.clone()));
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    let view = harness.state().state().view.clone();
    let (alpha, color_map) = (1.0, "gray".to_owned());
    harness.state_mut().send(DrawAction::SetView(ViewSettings {
        mode: ViewMode::Overlay,
        smooth: false,
        alpha_follows_heat: false,
        caption: false,
        alpha,
        color_map,
        ..view
    }));
    harness.run_steps(3);
    until(harness, "the heatmap", |app| shown_frame(app).is_some() && explained(app));
}

#[test]
fn the_map_on_screen_is_that_of_the_frame_on_screen() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    script.0.borrow_mut().wandering = true;
    heat_alone(&mut harness);
    for key in [egui::Key::ArrowRight; 5].into_iter().chain([egui::Key::ArrowLeft; 2]) {
        harness.key_press(key);
        harness.run_steps(1);
        // Whatever is drawn, now or later, belongs together.
        for _ in 0..3 {
            let Some(frame) = harness.state().shown().map(|s| s.index) else { continue };
            assert_eq!(hottest_column(&mut harness), frame % 16, "the map of frame {frame}");
            harness.run_steps(1);
        }
        let target = harness.state().state().selection.frame;
        until(&mut harness, "the stepped picture", |app| shown_frame(app) == Some(target));
        harness.run_steps(1);
        assert_eq!(hottest_column(&mut harness), target % 16, "the map of frame {target}");
    }
}

/// Which of 16 columns of the overlay is brightest.
fn hottest_column(harness: &mut Harness<'static, App>) -> u32 {
    let image = harness.render().unwrap();
    let rect = harness.get_by_label_contains("Heatmap view 1").rect();
    let y = rect.center().y as u32;
    let brightness = |column: &u32| {
        let x = rect.left() + rect.width() * (*column as f32 + 0.5) / 16.0;
        image.get_pixel(x as u32, y).0.iter().take(3).map(|v| u32::from(*v)).sum::<u32>()
    };
    (0..16).max_by_key(brightness).unwrap()
}

#[test]
fn every_panel_renders_in_both_themes() {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        // Empty, and with everything there is.
        let script = Scripted::default();
        let mut empty = window(&script, theme);
        for workspace in Workspace::ALL {
            empty.state_mut().send(WindowAction::SetWorkspace(workspace));
            empty.run_steps(3);
        }
        let (_, mut full) = opened(theme);
        full.state_mut().send(OpenAction::OpenRun(run_of(&demo()).path.clone()));
        full.run_steps(3);
        for workspace in Workspace::ALL {
            full.state_mut().send(WindowAction::SetWorkspace(workspace));
            full.run_steps(3);
            for panel in PANELS.iter().filter(|p| p.workspaces.contains(&workspace)) {
                let corner = format!("Panel {}", panel.title);
                let tabs = full.query_all_by_label(panel.title).count() + full.query_all_by_label(&corner).count();
                assert!(tabs > 0, "{} is missing from {}", panel.title, workspace.title());
            }
            shot(&mut full, &format!("workspace-{}-{theme:?}", workspace.title()));
        }
    }
}

#[test]
fn keys_help_and_the_palette_list_every_command() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    harness.key_press(egui::Key::F1);
    harness.run_steps(3);
    assert!(matches!(harness.state().state().dialog, Some(Dialog::Keys)));
    shot(&mut harness, "keys-Dark");
    harness.get_by_label("Close").click();
    harness.run_steps(2);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::P);
    harness.run_steps(3);
    harness.get_by_label("Search commands").type_text("light or");
    harness.run_steps(3);
    shot(&mut harness, "palette-Dark");
    harness.key_press(egui::Key::Enter);
    harness.run_steps(3);
    assert_eq!(harness.state().state().theme, ThemeChoice::Light);
    assert!(harness.state().state().dialog.is_none());
    // Letters typed into a field are text, not commands.
    harness.get_by_label("Filter videos").focus();
    harness.run_steps(2);
    let view = harness.state().state().view.clone();
    harness.key_press(egui::Key::H);
    harness.get_by_label("Filter videos").type_text("zzz");
    harness.run_steps(3);
    assert_eq!(harness.state().state().view, view);
    assert!(harness.state().state().filtered.is_empty());
}

#[test]
fn a_long_job_has_a_chip_with_a_cancel() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let id = leading::drawing_people(&script, &mut harness);
    assert!(harness.query_all_by_label_contains("30 %").count() > 0);
    shot(&mut harness, "job-chip-Dark");
    harness.get_by_label("Cancel make demo dataset").click();
    harness.run_steps(2);
    assert_eq!(script.0.borrow().controls.last(), Some(&(id, Flow::Stop)));
    harness.run_steps(2);
    assert!(harness.state().state().jobs.iter().all(|j| !j.status.is_live()));
}

#[test]
fn idle_draws_nothing() {
    let (_, mut harness) = opened(ThemeChoice::Dark);
    until(&mut harness, "the first picture", |app| shown_frame(app) == Some(0));
    // Once everything is there and no toast is shown, nothing asks for another frame.
    let start = Instant::now();
    loop {
        harness.run_steps(1);
        let delay = harness.output().viewport_output.values().map(|v| v.repaint_delay).min().unwrap();
        if delay > Duration::from_secs(60) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(12), "still asks for a frame in {delay:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
