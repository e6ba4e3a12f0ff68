//! Train and Evaluate drawn headless: panels over made-up runs, driven by accessible labels, in both themes.

mod multi_label;

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use kinolens::config::RunConfig;
use kinolens::domain::{ClassSet, Dataset, LabelTrack, Split, VideoEntry};
use kinolens::jobs::kinds::Train;
use kinolens::jobs::{Job, JobId, RunView};
use kinolens::progress::{EpochReport, StepReport, WrongClip};
use kinolens::run_folder::{
    Averages, ClassMetrics, ConfidenceInterval, Confusion, Evaluation, Prediction, Predictions,
};
use kinolens::ui::action::{ChooseAction, WindowAction, WorkAction};
use kinolens::ui::panel::{Panel, PanelCx};
use kinolens::ui::selection::MatrixSelection;
use kinolens::ui::services::Services;
use kinolens::ui::state::{EvaluationEntry, JobStatus, JobView, LiveRun};
use kinolens::ui::{Action, AppState, PANELS, theme};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

const SIZE: [f32; 2] = [1280.0, 660.0];

fn names(count: usize) -> Vec<String> {
    let words = ["squat", "lunge", "arm raise", "sit down", "stand up", "a very long exercise name with many words"];
    (0..count)
        .map(|i| if i < words.len() { words[i].to_owned() } else { format!("{} {i}", words[i % words.len()]) })
        .collect()
}

/// One clip in five of a class is called the next one.
fn judged(classes: usize, per_class: u64) -> EvaluationEntry {
    let names = names(classes);
    let mut counts = vec![vec![0; classes]; classes];
    let mut clips = Vec::new();
    #[allow(clippy::needless_range_loop)]
    for truth in 0..classes {
        for i in 0..per_class {
            let predicted = if i % 5 == 0 { (truth + 1) % classes } else { truth };
            counts[truth][predicted] += 1;
            let mut probabilities = vec![0.1 / classes as f32; classes];
            probabilities[predicted] = 0.6 + 0.01 * i as f32;
            clips.push(Prediction {
                video: format!("s{:02}.mp4", truth),
                subject: format!("s{truth}"),
                start: i as u32 * 16,
                truth,
                predicted,
                probabilities,
                loss: 0.3,
                ..Prediction::default()
            });
        }
    }
    let metrics = |(i, class): (usize, &String)| ClassMetrics {
        class: class.clone(),
        precision: 0.8,
        recall: 0.9 - 0.6 * i as f64 / classes as f64,
        f1: 0.85 - 0.5 * i as f64 / classes as f64,
        support: per_class,
    };
    let evaluation = Evaluation {
        run: "/runs/demo-1".into(),
        checkpoint: "best_accuracy".into(),
        split: "test".into(),
        classes: ClassSet::from_names(names.clone()),
        clips: per_class * classes as u64,
        accuracy: 0.8,
        accuracy_interval: ConfidenceInterval { low: 0.74, high: 0.85 },
        top3_accuracy: 0.97,
        top5_accuracy: 1.0,
        mean_class_accuracy: 0.79,
        loss: 0.534,
        majority_baseline: 0.17,
        per_class: names.iter().enumerate().map(metrics).collect(),
        macro_average: Averages { precision: 0.8, recall: 0.79, f1: 0.78 },
        weighted_average: Averages { precision: 0.8, recall: 0.8, f1: 0.8 },
        confusion: Confusion { counts },
        warnings: vec!["Subject s3 is in both the training and the test part: the score is too good.".into()],
        ..Evaluation::default()
    };
    EvaluationEntry {
        run: "/runs/demo-1".into(),
        evaluation: Arc::new(evaluation),
        predictions: Arc::new(Predictions { clips }),
    }
}

fn history(epochs: u32, classes: usize) -> Vec<EpochReport> {
    (1..=epochs)
        .map(|epoch| {
            let t = epoch as f32 / epochs as f32;
            EpochReport {
                epoch,
                train_loss: 2.2 * (1.0 - t) + 0.1,
                train_accuracy: 0.2 + 0.75 * t,
                val_loss: Some(2.1 * (1.0 - t * 0.8) + 0.1),
                val_accuracy: Some(0.2 + 0.65 * (t * 1.3).min(1.0)),
                per_class_accuracy: (0..classes)
                    .map(|c| (c != 2).then_some((t * (1.0 - 0.5 * c as f32 / classes as f32)).min(1.0)))
                    .collect(),
                learning_rate: 1e-3 * f64::from(1.0 - 0.8 * t),
                gradient_norm: 1.0 + t,
                seconds: 8.0,
                clips_per_second: 90.0,
                epochs_without_improvement: epoch.saturating_sub(epochs * 10 / 13),
                memory_bytes: (900 + u64::from(epoch)) << 20,
                threads_busy: 3.0 + 0.5 * (t * 20.0).sin(),
                ..EpochReport::default()
            }
        })
        .collect()
}

fn run(epochs: u32, classes: usize) -> RunView {
    let mut config = RunConfig::reference();
    config.training.epochs = 20;
    RunView {
        path: "/runs/demo-1".into(),
        config,
        classes: ClassSet::from_names(names(classes)),
        history: history(epochs, classes),
        checkpoints: vec!["best_accuracy".into(), "last".into()],
        resumable: true,
        ..RunView::default()
    }
}

fn live(steps: u64, epochs: u32, classes: usize, status: JobStatus, state: &mut AppState) {
    let per_epoch = steps.div_ceil(u64::from(epochs + 1)).max(1);
    let dataset = Arc::new(Dataset { classes: ClassSet::from_names(names(classes)), ..Dataset::default() });
    let mut config = RunConfig::reference();
    config.training.epochs = 20;
    let reports = (1..=steps).map(|step| StepReport {
        step,
        epoch: ((step - 1) / per_epoch + 1) as u32,
        step_in_epoch: ((step - 1) % per_epoch + 1) as u32,
        steps_per_epoch: per_epoch as u32,
        loss: 2.3 * (-(step as f32) / (steps as f32) * 2.0).exp() + 0.15 * ((step * 37 % 100) as f32 / 100.0),
        accuracy: (step as f32 / steps as f32).sqrt() * 0.9,
        gradient_norm: 1.0 + ((step * 13 % 17) as f32) / 17.0,
        learning_rate: 1e-3,
        clips_per_second: 92.0,
        data_wait: 0.1,
        eta_s: Some(130.0),
        device_memory_bytes: None,
    });
    let wrong = |i: u32| WrongClip {
        video: format!("test/s0{i}.mp4"),
        start: i * 16,
        cut: Default::default(),
        truth: (i as usize) % classes,
        truths: Vec::new(),
        predicted: (i as usize + 1) % classes,
        probability: 0.9 - 0.05 * i as f32,
    };
    state.training = Some(LiveRun {
        job: JobId(7),
        run: RunView {
            path: "/runs/live".into(),
            config: config.clone(),
            classes: dataset.classes.clone(),
            steps: reports.collect(),
            history: history(epochs, classes),
            log: (0..30).map(|i| format!("line {i}: epoch done")).collect(),
            ..RunView::default()
        },
        wrong: (0..8).map(wrong).collect(),
    });
    state.dataset = Some(dataset.clone());
    state.jobs.push(JobView {
        id: JobId(7),
        title: "train live".into(),
        quiet: false,
        status,
        stage: None,
        fraction: Some(0.4),
        eta_s: Some(130.0),
        started: Some(Instant::now()),
        ended: None,
        job: Job::Train(Train {
            dataset,
            config: Box::new(config),
            out: "/runs/live".into(),
            resume: false,
            force: false,
            debug: false,
            until: None,
        }),
    });
}

struct Screen {
    state: AppState,
    panels: Vec<(&'static str, Box<dyn Panel>)>,
    services: Services,
    actions: Vec<Action>,
}

/// Panels below or beside each other, as the workspace shows them.
fn screen(state: AppState, ids: &[&str], dark: bool) -> Harness<'static, Screen> {
    let panels = ids
        .iter()
        .map(|id| {
            let spec = PANELS.iter().find(|p| p.id == *id).unwrap_or_else(|| panic!("no panel {id}"));
            (spec.id, (spec.build)())
        })
        .collect();
    let screen = Screen { state, panels, services: Services::new(Arc::new(|| {}), None), actions: Vec::new() };
    let theme = if dark { egui::Theme::Dark } else { egui::Theme::Light };
    let mut harness = Harness::builder()
        .with_size(SIZE)
        .with_theme(theme)
        .with_context_setup(theme::install)
        .wgpu()
        .build_ui_state(draw, screen);
    harness.run_steps(4);
    harness
}

fn draw(ui: &mut egui::Ui, screen: &mut Screen) {
    let full = ui.max_rect();
    ui.painter().rect_filled(full, 0.0, theme::palette(ui).panel);
    let evaluate = screen.panels.iter().any(|(id, _)| id.starts_with("evaluate"));
    let shares: &[f32] = if screen.panels.len() == 1 {
        &[1.0]
    } else if evaluate {
        &[0.62, 0.38]
    } else {
        &[0.3, 0.7]
    };
    let mut at = full.min;
    for ((id, panel), share) in screen.panels.iter_mut().zip(shares) {
        let size = if evaluate {
            egui::vec2(full.width(), full.height() * share)
        } else {
            egui::vec2(full.width() * share, full.height())
        };
        let rect = egui::Rect::from_min_size(at, size);
        at += if evaluate { egui::vec2(0.0, size.y) } else { egui::vec2(size.x, 0.0) };
        let mut child = ui.new_child(egui::UiBuilder::new().max_rect(rect.shrink2(egui::vec2(8.0, 6.0))).id_salt(*id));
        child.set_clip_rect(rect);
        let mut cx = PanelCx { state: &screen.state, services: &screen.services, actions: &mut screen.actions };
        panel.ui(&mut child, &mut cx);
    }
    ui.advance_cursor_after_rect(full);
}

fn shoot(harness: &mut Harness<'_, Screen>, name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/screens");
    std::fs::create_dir_all(&folder).unwrap();
    let image = harness.render().unwrap();
    image.save(folder.join(format!("{name}.png"))).unwrap();
    let first = image.get_pixel(0, 0);
    assert!(image.pixels().filter(|p| *p != first).count() > 5000, "{name} is nearly empty");
}

fn evaluated(classes: usize) -> AppState {
    let mut state = AppState { runs: vec![Arc::new(run(12, classes))], ..AppState::default() };
    state.evaluations.push(judged(classes, 20));
    state.selection.run = Some("/runs/demo-1".into());
    state
}

fn last_cell(screen: &Screen) -> Option<Option<MatrixSelection>> {
    screen
        .actions
        .iter()
        .rev()
        .find_map(|a| if let Action::Choose(ChooseAction::SelectCell(c)) = a { Some(*c) } else { None })
}

#[test]
fn a_click_on_a_cell_chooses_it_and_shows_its_clips() {
    for dark in [true, false] {
        let mut h = screen(evaluated(6), &["evaluate-report", "evaluate-clips"], dark);
        h.get_by_label("squat predicted as lunge: 4").click();
        h.run_steps(2);
        let cell = MatrixSelection::Cell { truth: 0, predicted: 1 };
        assert_eq!(last_cell(h.state()), Some(Some(cell)));
        h.state_mut().state.selection.cell = Some(cell);
        h.run_steps(2);
        // Confidence rises with the clip's number: the surest wrong one starts at 15 · 16.
        h.get_by_label("squat predicted as lunge 0.75, frame 240 of s00.mp4").click();
        h.run_steps(2);
        let chosen = h
            .state()
            .actions
            .iter()
            .any(|a| matches!(a, Action::Choose(ChooseAction::SelectClip(c)) if c.start == 240));
        assert!(chosen, "{:?}", h.state().actions);
        assert_eq!(h.query_all_by_label_contains("squat predicted as lunge 0.").count(), 4);
        shoot(&mut h, if dark { "evaluate-dark" } else { "evaluate-light" });
    }
}

#[test]
fn arrows_and_enter_walk_the_matrix() {
    let mut h = screen(evaluated(6), &["evaluate-report"], true);
    h.get_by_label_contains("confusion matrix").focus();
    h.run_steps(3);
    for key in [egui::Key::ArrowRight, egui::Key::ArrowDown, egui::Key::ArrowRight, egui::Key::Enter] {
        h.key_press(key);
        h.run_steps(1);
    }
    assert_eq!(last_cell(h.state()), Some(Some(MatrixSelection::Cell { truth: 1, predicted: 2 })));
}

#[test]
fn enter_on_a_clip_opens_it_in_review() {
    let mut state = evaluated(6);
    state.selection.cell = Some(MatrixSelection::Row(0));
    let mut h = screen(state, &["evaluate-clips"], true);
    h.get_by_label("squat predicted as lunge 0.75, frame 240 of s00.mp4").click();
    h.run_steps(2);
    h.state_mut().state.selection.clip = Some(kinolens::jobs::ClipRef::window("s00.mp4", 240));
    h.run_steps(2);
    h.key_press(egui::Key::Enter);
    h.run_steps(2);
    let opened =
        h.state().actions.iter().any(|a| matches!(a, Action::Choose(ChooseAction::ReviewClip(c)) if c.start == 240));
    assert!(opened, "{:?}", h.state().actions);
}

#[test]
fn the_gold_mark_stands_at_the_epoch_of_the_lowest_loss_among_those_of_the_highest_accuracy() {
    let mut shown = run(6, 3);
    let values = [(0.5, 1.0), (0.8, 0.9), (0.8, f32::NAN), (0.8, 0.4), (0.8, 0.6), (f32::NAN, 0.1)];
    for (epoch, (accuracy, loss)) in shown.history.iter_mut().zip(values) {
        (epoch.val_accuracy, epoch.val_loss) = (Some(accuracy), Some(loss));
    }
    let h = screen(AppState { runs: vec![Arc::new(shown)], ..AppState::default() }, &["train-live"], true);
    h.get_by_label("best 80 % in epoch 4");
}

#[test]
fn sixty_classes_one_class_and_numbers_that_are_none_do_not_break_the_report() {
    for classes in [60, 1] {
        let mut h = screen(evaluated(classes), &["evaluate-report", "evaluate-clips"], classes == 60);
        shoot(&mut h, &format!("evaluate-{classes}-classes"));
    }
    let mut state = evaluated(3);
    let mut entry = judged(3, 20);
    let mut evaluation = (*entry.evaluation).clone();
    evaluation.accuracy = f64::NAN;
    evaluation.loss = f64::NAN;
    evaluation.confusion = Confusion::default();
    for m in &mut evaluation.per_class {
        m.f1 = f64::NAN;
    }
    entry.evaluation = Arc::new(evaluation);
    state.evaluations = vec![entry];
    let mut h = screen(state, &["evaluate-report", "evaluate-clips"], true);
    shoot(&mut h, "evaluate-nan");
}

#[test]
fn the_dashboard_shows_a_live_run_in_both_themes() {
    for dark in [true, false] {
        let mut state = AppState { runs: vec![Arc::new(run(12, 6))], ..AppState::default() };
        live(4000, 12, 6, JobStatus::Running, &mut state);
        let mut h = screen(state, &["train-config", "train-live"], dark);
        h.get_by_label("epoch 13 / 20");
        h.get_by_label("ETA 2:10 min");
        shoot(&mut h, if dark { "train-dark" } else { "train-light" });
        h.get_by_label("Pause").click();
        h.run_steps(2);
        let paused = h.state().actions.iter().any(|a| matches!(a, Action::Work(WorkAction::Control(JobId(7), _))));
        assert!(paused, "{:?}", h.state().actions);
        h.get_by_label("Heatmap").click();
        h.run_steps(3);
        h.get_by_label_contains("squat over the epochs").click();
        h.run_steps(3);
        shoot(&mut h, if dark { "train-heat-dark" } else { "train-heat-light" });
    }
}

#[test]
fn the_strip_of_wrong_clips_and_the_log_lie_below_the_curves() {
    let mut state = AppState::default();
    live(300, 3, 6, JobStatus::Running, &mut state);
    let mut h = screen(state, &["train-live"], true);
    h.get_by_label_contains("Wrong in the last validation: 8").scroll_to_me();
    h.run_steps(8);
    h.get_by_label_contains("squat predicted as lunge 0.90").click();
    h.run_steps(3);
    let chosen = h
        .state()
        .actions
        .iter()
        .any(|a| matches!(a, Action::Choose(ChooseAction::SelectClip(c)) if c.video == "test/s00.mp4"));
    assert!(chosen, "{:?}", h.state().actions);
    shoot(&mut h, "train-strip");
}

#[test]
fn failures_and_divergence_are_told_in_words() {
    let mut state = AppState::default();
    live(50, 2, 6, JobStatus::Failed("The disk is full: free some space and go on.".into()), &mut state);
    if let Some(run) = &mut state.training {
        run.run.steps[40].loss = f32::NAN;
        run.run.history[1].val_loss = None;
    }
    let mut h = screen(state, &["train-live"], true);
    h.get_by_label("The disk is full: free some space and go on.");
    h.get_by_label_contains("the run has diverged");
    shoot(&mut h, "train-failed");
}

#[test]
fn empty_screens_say_what_to_do_next() {
    let mut h = screen(AppState::default(), &["train-config", "train-live"], false);
    h.get_by_label("No run yet");
    h.get_by_label("Start training");
    shoot(&mut h, "train-empty");
    let mut h = screen(AppState::default(), &["evaluate-report", "evaluate-clips"], false);
    h.get_by_label("Train one").click();
    h.run_steps(2);
    assert!(
        matches!(h.state().actions.as_slice(), [Action::Window(WindowAction::SetWorkspace(_))]),
        "{:?}",
        h.state().actions
    );
    shoot(&mut h, "evaluate-empty");
}

#[test]
fn where_a_run_is_missed_the_one_in_training_is_told_of() {
    let training = |status| {
        let mut state = AppState::default();
        live(40, 2, 3, status, &mut state);
        let video = VideoEntry {
            path: "/data/a.mp4".into(),
            name: "a.mp4".into(),
            subject: String::new(),
            split: Split::Train,
            labels: LabelTrack::default(),
            instances: Vec::new(),
            masks: None,
            poses: None,
            pose_video: None,
            stated_rate: None,
            facts: None,
            unread: None,
        };
        state.dataset = Some(Arc::new(Dataset { videos: vec![video], ..Dataset::default() }));
        state.video_by_name.insert("a.mp4".into(), 0);
        state.selection.video = Some("a.mp4".into());
        state
    };
    for panel in ["evaluate-report", "review", "explorer"] {
        let h = screen(training(JobStatus::Running), &[panel], false);
        let told = h.query_all_by_label_contains("live can be chosen as soon as it has a checkpoint.").count();
        assert_eq!(told, 1, "{panel}");
    }
    let mut h = screen(training(JobStatus::Running), &["evaluate-report"], true);
    h.get_by_label("Watch it learn").click();
    h.run_steps(2);
    assert!(
        matches!(h.state().actions.as_slice(), [Action::Window(WindowAction::SetWorkspace(_))]),
        "{:?}",
        h.state().actions
    );
    // Once it has ended its run is listed, or it has left none.
    assert!(training(JobStatus::Cancelled).awaited_run().is_none());
}

#[test]
fn start_sends_the_edited_configuration_and_a_fault_disables_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut state = AppState::default();
    let root = dir.path().join("data");
    std::fs::create_dir(&root).unwrap();
    state.dataset = Some(Arc::new(Dataset { root, ..Dataset::default() }));
    let mut h = screen(state, &["train-config"], true);
    h.get_by_label("Epochs").focus();
    h.run_steps(2);
    h.key_press_modifiers(egui::Modifiers::COMMAND, egui::Key::A);
    h.event(egui::Event::Text("0".into()));
    h.run_steps(3);
    shoot(&mut h, "train-fault");
    assert!(h.query_all_by_label_contains("training.epochs").next().is_some(), "the fault names its key");
    h.get_by_label("Start training").click();
    h.run_steps(2);
    assert!(h.state().actions.is_empty(), "{:?}", h.state().actions);
    h.get_by_label("reset Epochs").click();
    h.run_steps(3);
    h.get_by_label("Start training").click();
    h.run_steps(2);
    match h.state().actions.as_slice() {
        [Action::Work(WorkAction::StartTraining { out, resume: false, config })] => {
            assert!(out.starts_with(dir.path().join("runs")), "{out:?}");
            assert!(config.training.epochs > 0);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_hundred_thousand_steps_stay_fast() {
    // Against the same screen with few steps, so that a busy machine does not decide.
    let time = |steps| {
        let mut state = AppState::default();
        live(steps, 12, 6, JobStatus::Running, &mut state);
        let mut h = screen(state, &["train-live"], true);
        let mut each = |grow: bool| {
            let start = Instant::now();
            for _ in 0..10 {
                if grow && let Some(run) = &mut h.state_mut().state.training {
                    let mut next = run.run.steps[run.run.steps.len() - 1].clone();
                    next.step += 1;
                    run.run.steps.push(next);
                }
                h.step();
            }
            start.elapsed() / 10
        };
        each(false);
        (each(false), each(true))
    };
    let (few, many) = (time(200), time(100_000));
    eprintln!("a frame on the CPU side, standing and with a new step each: 200 steps {few:?}, 100,000 steps {many:?}");
    let bound = few.0 * 8 + std::time::Duration::from_millis(30);
    assert!(many.0 < bound, "standing: {:?} against {:?}", many.0, few.0);
}

#[test]
fn searching_narrows_the_form() {
    let mut h = screen(AppState::default(), &["train-config"], true);
    let field = h.get_by_label("Search settings");
    field.focus();
    h.run_steps(2);
    h.get_by_label("Search settings").type_text("rotation");
    h.run_steps(4);
    assert!(h.query_by_label("Rotation").is_some());
    assert!(h.query_by_label("Epochs").is_none());
    shoot(&mut h, "train-search");
}

#[test]
fn a_run_without_validation_and_without_epochs_is_shown() {
    let mut empty = run(0, 6);
    empty.path = PathBuf::from("/runs/empty");
    let mut h = screen(AppState { runs: vec![Arc::new(empty)], ..AppState::default() }, &["train-live"], true);
    h.get_by_label("epoch 0 / 20");
    let mut unvalidated = run(1, 1);
    for e in &mut unvalidated.history {
        (e.val_loss, e.val_accuracy) = (None, None);
        e.per_class_accuracy.clear();
    }
    let mut h2 = screen(AppState { runs: vec![Arc::new(unvalidated)], ..AppState::default() }, &["train-live"], true);
    shoot(&mut h, "train-no-epochs");
    shoot(&mut h2, "train-one-epoch");
}

#[test]
fn a_training_on_a_gpu_says_what_its_first_step_waits_for_and_what_it_holds() {
    let mut state = AppState::default();
    live(0, 0, 3, JobStatus::Running, &mut state);
    state.jobs[0].stage = Some(("tuning kernels, first step only".into(), 0, 0));
    let h = screen(state, &["train-live"], true);
    assert!(h.query_by_label_contains("tuning kernels, first step only").is_some());
    assert!(h.query_by_label_contains("GPU").is_none(), "nothing is known of it yet");
    let mut state = AppState::default();
    live(20, 2, 3, JobStatus::Running, &mut state);
    if let Some(run) = &mut state.training {
        run.run.steps.iter_mut().for_each(|s| s.device_memory_bytes = Some(3 << 30));
        run.run.history.iter_mut().for_each(|e| e.device_memory_bytes = Some(3 << 30));
    }
    let mut h = screen(state, &["train-live"], true);
    assert!(h.query_by_label("GPU 3 GiB").is_some());
    shoot(&mut h, "train-gpu");
}
