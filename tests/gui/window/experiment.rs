//! The runs of a plan: seen before anything is trained, trained as a queue, moved, held, left out, and known again after a restart.

use super::*;
use kinolens::compare::experiment::{Found, planned};
use kinolens::compare::{Comparison, EvaluatedRun, experiment::ExperimentReport};
use kinolens::config::{ExperimentPlan, RunConfig};
use kinolens::data::folds;
use kinolens::eval::metrics::evaluation_of;
use kinolens::jobs::kinds::{CompareRuns, FindRate, LayOutExperiment, RunExperiment, Train};
use kinolens::jobs::{LaidOut, PlanSource, RunStanding};
use kinolens::progress::EpochReport;
use kinolens::train::{RatePoint, RateTest};
use kinolens::ui::action::{ExperimentAction, WindowAction};
use kinolens::ui::state::RowStatus;

const PLAN: &str = r#"(preset: "demo", set: ["training.epochs=4"],
    variants: [(name: "2d", set: ["model.id=small-2d"]), (name: "3d"), (name: "3d-inflated", init_from: Variant("2d"))])"#;

fn epochs(scores: &[f32]) -> Vec<EpochReport> {
    let epoch = |(i, score): (usize, &f32)| EpochReport {
        epoch: i as u32 + 1,
        val_accuracy: Some(*score),
        val_loss: Some(1.0),
        seconds: 30.0,
        ..EpochReport::default()
    };
    scores.iter().enumerate().map(epoch).collect()
}

/// What laying out the plan that was asked for comes to, where its runs stand like this.
fn answer_of(job: &LayOutExperiment, text: &str, standing: &[(Found, Vec<EpochReport>)]) -> Output {
    let plan = match &job.plan {
        PlanSource::Made(plan, _) => ExperimentPlan::clone(plan),
        PlanSource::File(_) => ExperimentPlan::from_ron(text).unwrap(),
    };
    let arms = plan.arms(Path::new("")).unwrap();
    let folds = folds(&job.dataset, plan.folds).unwrap();
    let runs = planned(&arms, &folds, &job.out);
    let stands = |at: usize| {
        let (found, history) = standing.get(at).cloned().unwrap_or((Found::Nothing, Vec::new()));
        let config = (found == Found::Unfinished).then(|| Box::new(RunConfig { seed: 777, ..RunConfig::reference() }));
        RunStanding { found, config, history }
    };
    Output::LaidOut(Arc::new(LaidOut {
        standing: (0..runs.len()).map(stands).collect(),
        plan,
        folder: PathBuf::new(),
        source: None,
        out: job.out.clone(),
        dataset: job.dataset.root.clone(),
        fingerprint: job.dataset.fingerprint.clone(),
        arms,
        folds,
        runs,
    }))
}

fn push(script: &Scripted, job: JobId, body: EventBody) {
    script.0.borrow_mut().events.push(Event { job, body });
}

/// The last job of a kind, with its number.
fn last<T>(script: &Scripted, of: impl Fn(&Job) -> Option<T>) -> Option<(JobId, T)> {
    let jobs = &script.0.borrow().jobs;
    jobs.iter().enumerate().rev().find_map(|(i, job)| Some((JobId(i as u64 + 1), of(job)?)))
}

fn laying(script: &Scripted) -> (JobId, LayOutExperiment) {
    last(script, |job| match job {
        Job::LayOutExperiment(kind) => Some(kind.clone()),
        _ => None,
    })
    .expect("nothing is laid out")
}

fn training(script: &Scripted) -> (JobId, Train) {
    last(script, |job| match job {
        Job::Train(kind) => Some(kind.clone()),
        _ => None,
    })
    .expect("nothing is trained")
}

fn trainings(script: &Scripted) -> usize {
    script.0.borrow().jobs.iter().filter(|j| matches!(j, Job::Train(_))).count()
}

/// Answers the newest question how the plan stands.
fn stand(script: &Scripted, harness: &mut Harness<'static, App>, text: &str, standing: &[(Found, Vec<EpochReport>)]) {
    let (job, kind) = laying(script);
    push(script, job, EventBody::Finished(answer_of(&kind, text, standing)));
    harness.run_steps(4);
}

/// Ends the training under way, with these scores.
fn end(script: &Scripted, harness: &mut Harness<'static, App>, scores: &[f32]) -> String {
    let (job, kind) = training(script);
    for epoch in epochs(scores) {
        push(script, job, EventBody::Progress(Progress::Epoch(epoch)));
    }
    let dataset = demo();
    let run = RunView { path: kind.out.clone(), history: epochs(scores), ..RunView::clone(&run_of(&dataset)) };
    push(script, job, EventBody::Finished(Output::Run(Arc::new(run))));
    harness.run_steps(4);
    kind.out.file_name().unwrap().to_string_lossy().into_owned()
}

/// A window with the page of experiments open.
fn page(theme: ThemeChoice) -> (Scripted, Harness<'static, App>) {
    let (script, mut harness) = opened(theme);
    script.0.borrow_mut().hold = true;
    harness.state_mut().type_paths();
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(4);
    harness.get_by_label("Experiment").click();
    harness.run_steps(4);
    (script, harness)
}

/// The same with this plan laid out.
fn planned_page(
    theme: ThemeChoice,
    text: &str,
    standing: &[(Found, Vec<EpochReport>)],
) -> (Scripted, Harness<'static, App>) {
    let (script, mut harness) = page(theme);
    let plan = ExperimentPlan::from_ron(text).unwrap();
    harness.state_mut().send(ExperimentAction::LayOut(Box::new(plan), "/tmp/kinolens never/plan".into()));
    harness.run_steps(3);
    stand(&script, &mut harness, text, standing);
    (script, harness)
}

fn has(harness: &Harness<'static, App>, part: &str) -> bool {
    harness.query_all_by_label_contains(part).next().is_some()
}

/// Writes into a field.
fn write(harness: &mut Harness<'static, App>, field: &str, text: &str) {
    harness.get_by_label(field).focus();
    harness.run_steps(2);
    harness.get_by_label(field).type_text(text);
    harness.run_steps(3);
}

fn order(harness: &Harness<'static, App>) -> Vec<String> {
    harness.state().state().experiment.as_ref().unwrap().rows.iter().map(|r| r.name.clone()).collect()
}

#[test]
fn a_plan_of_the_form_is_laid_out_before_anything_is_trained() {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        let (script, mut harness) = page(theme);
        write(&mut harness, "Seeds", "1-3");
        harness.get_by_label("Vary a setting…").click();
        harness.run_steps(3);
        write(&mut harness, "Values of optimizer.learning_rate", "0.1, 0.01");
        shot(&mut harness, &format!("experiment-form-{theme:?}"));
        harness.get_by_label("Lay out").click();
        harness.run_steps(4);
        stand(&script, &mut harness, "", &[]);
        assert_eq!(trainings(&script), 0, "nothing is trained before it is asked for");
        assert_eq!(order(&harness).len(), 6, "{:?}", order(&harness));
        assert!(has(&harness, "6 runs, 6 waiting"));
        assert!(has(&harness, "base_learning_rate-0.01_seed3: waits"));
        shot(&mut harness, &format!("experiment-plan-{theme:?}"));
    }
}

#[test]
fn runs_are_trained_one_after_the_other_and_what_is_trained_is_loaded() {
    let standing = [(Found::Nothing, Vec::new()), (Found::Finished, epochs(&[0.3, 0.6]))];
    let (script, mut harness) = planned_page(ThemeChoice::Dark, PLAN, &standing);
    assert!(has(&harness, "3d: trained before, loaded"));
    harness.get_by_label("Go on").click();
    harness.run_steps(4);
    let (job, kind) = training(&script);
    assert!(kind.out.ends_with("runs/2d") && !kind.resume, "{:?}", kind.out);
    assert_eq!(harness.state().state().training.as_ref().map(|t| t.job), Some(job), "the dashboard shows it");
    for epoch in epochs(&[0.25]) {
        push(&script, job, EventBody::Progress(Progress::Epoch(epoch)));
    }
    push(&script, job, EventBody::Progress(Progress::Share(0.25)));
    harness.run_steps(4);
    assert!(has(&harness, "2d: training 25 %"));
    assert!(has(&harness, "accuracy 25.0 %"));
    shot(&mut harness, "experiment-running-Dark");
    assert_eq!(end(&script, &mut harness, &[0.25, 0.5, 0.5, 0.75]), "2d");
    // Where it stands is asked before the next one begins.
    assert_eq!(trainings(&script), 1);
    let done = [(Found::Finished, epochs(&[0.25, 0.5, 0.5, 0.75])), standing[1].clone()];
    stand(&script, &mut harness, PLAN, &done);
    let (_, kind) = training(&script);
    assert!(kind.out.ends_with("runs/3d-inflated"), "{:?}", kind.out);
    assert!(kind.config.model.init_from.as_ref().is_some_and(|p| p.ends_with("runs/2d")), "{:?}", kind.config.model);
    end(&script, &mut harness, &[0.5; 4]);
    let all = [done[0].clone(), done[1].clone(), (Found::Finished, epochs(&[0.5; 4]))];
    stand(&script, &mut harness, PLAN, &all);
    assert!(has(&harness, "3 runs, 3 trained"));
    assert!(harness.state().state().messages.iter().any(|m| m.text == "The experiment is done."));
    // The run in use stays the one somebody chose.
    assert!(!harness.state().state().messages.iter().any(|m| m.text.contains("is the run in use now")));
    shot(&mut harness, "experiment-done-Dark");
}

#[test]
fn trained_runs_are_compared_with_one_button() {
    let standing = [(Found::Finished, epochs(&[0.3])), (Found::Finished, epochs(&[0.6]))];
    let (script, mut harness) = planned_page(ThemeChoice::Dark, PLAN, &standing);
    harness.get_by_label("Compare these runs").click();
    harness.run_steps(4);
    // Both are opened first.
    let opening: Vec<(JobId, PathBuf)> = {
        let s = script.0.borrow();
        let of = s.jobs.iter().enumerate().filter_map(|(i, job)| match job {
            Job::OpenRun(kind) => Some((JobId(i as u64 + 1), kind.path.clone())),
            _ => None,
        });
        of.filter(|(_, path)| path.starts_with("/tmp/kinolens never")).collect()
    };
    assert_eq!(opening.len(), 2, "{opening:?}");
    for (job, path) in opening {
        let run = RunView { path, ..RunView::clone(&run_of(&demo())) };
        push(&script, job, EventBody::Finished(Output::Run(Arc::new(run))));
    }
    harness.run_steps(5);
    assert_eq!(harness.state().state().workspace, Workspace::Compare);
    let asked = last(&script, |job| match job {
        Job::CompareRuns(CompareRuns { runs, .. }) => Some(runs.clone()),
        _ => None,
    });
    let names: Vec<PathBuf> = asked.expect("a comparison").1.into_iter().map(|r| r.run).collect();
    assert!(names[0].ends_with("runs/2d") && names[1].ends_with("runs/3d"), "{names:?}");
}

#[test]
fn lines_with_folds_are_pooled_by_the_program_and_shown() {
    let plan = r#"(preset: "demo", folds: LeaveOneSubjectOut, variants: [(name: "a"), (name: "b")])"#;
    let all: Vec<_> = (0..6).map(|_| (Found::Finished, epochs(&[0.5]))).collect();
    let (script, mut harness) = planned_page(ThemeChoice::Dark, plan, &all);
    harness.get_by_label("Compare these runs").click();
    harness.run_steps(4);
    let (job, kind) = last(&script, |job| match job {
        Job::RunExperiment(kind) => Some(RunExperiment::clone(kind)),
        _ => None,
    })
    .expect("the folds are pooled");
    assert_eq!((kind.arms.len(), kind.folds.len()), (2, 3));
    let dataset = demo();
    let runs: Vec<EvaluatedRun> = ["a", "b"]
        .into_iter()
        .map(|name| {
            let clip = |i: usize| Prediction {
                video: format!("v{i}"),
                subject: format!("p{i}"),
                truth: 0,
                predicted: usize::from(name == "a" && i == 0),
                probabilities: vec![0.5; dataset.classes.len()],
                ..Prediction::default()
            };
            let clips: Vec<Prediction> = (0..4).map(clip).collect();
            let evaluation = Evaluation { split: "test".into(), ..evaluation_of(&dataset.classes, &clips) };
            EvaluatedRun {
                name: name.into(),
                evaluation: Arc::new(evaluation),
                predictions: Arc::new(Predictions { clips }),
                ..EvaluatedRun::default()
            }
        })
        .collect();
    let report = ExperimentReport {
        comparison: Some(Comparison::of(&runs, 1).unwrap()),
        runs,
        notes: vec!["predictions of all folds of an arm are pooled".into()],
        ..ExperimentReport::default()
    };
    push(&script, job, EventBody::Finished(Output::Experiment(Arc::new(report))));
    harness.run_steps(5);
    assert_eq!(harness.state().state().workspace, Workspace::Compare);
    // By hand: three of four and four of four.
    harness.get_by_label("accuracy of a: 75.0 %");
    harness.get_by_label("accuracy of b: 100.0 %");
    assert!(!has(&harness, "What is shown is of other runs"));
}

#[test]
fn the_queue_is_moved_by_buttons_keys_and_the_pointer() {
    let plan = r#"(preset: "demo", seeds: [1, 2, 3, 4])"#;
    let (script, mut harness) = planned_page(ThemeChoice::Dark, plan, &[]);
    let names = |seeds: [u32; 4]| seeds.map(|s| format!("base_seed{s}"));
    assert_eq!(order(&harness), names([1, 2, 3, 4]));
    harness.get_by_label("Up base_seed3").click();
    harness.run_steps(3);
    assert_eq!(order(&harness), names([1, 3, 2, 4]));
    harness.get_by_label("Down base_seed1").click();
    harness.run_steps(3);
    assert_eq!(order(&harness), names([3, 1, 2, 4]));
    // Keys, with the handle in focus.
    harness.get_by_label_contains("Drag base_seed4").focus();
    harness.run_steps(2);
    harness.key_press_modifiers(egui::Modifiers::ALT, egui::Key::ArrowUp);
    harness.run_steps(3);
    assert_eq!(order(&harness), names([3, 1, 4, 2]));
    // The pointer: the last one onto the first.
    let (from, to) = (
        harness.get_by_label_contains("Drag base_seed2").rect().center(),
        harness.get_by_label_contains("Drag base_seed3").rect().center(),
    );
    harness.drag_at(from);
    harness.run_steps(2);
    harness.hover_at(from + (to - from) * 0.5);
    harness.run_steps(2);
    harness.hover_at(to);
    harness.run_steps(2);
    harness.drop_at(to);
    harness.run_steps(3);
    assert_eq!(order(&harness), names([2, 3, 1, 4]));
    harness.get_by_label("Skip base_seed2").click();
    harness.run_steps(3);
    assert!(has(&harness, "base_seed2: left out"));
    harness.get_by_label("Start").click();
    harness.run_steps(4);
    assert!(training(&script).1.out.ends_with("runs/base_seed3"));
}

#[test]
fn a_run_is_held_left_out_and_tried_again_and_failures_are_said() {
    let plan = r#"(preset: "demo", set: ["training.epochs=4"], seeds: [1, 2, 3])"#;
    let (script, mut harness) = planned_page(ThemeChoice::Dark, plan, &[]);
    harness.get_by_label("Start").click();
    harness.run_steps(4);
    let (first, _) = training(&script);
    harness.get_by_label("Pause all").click();
    harness.run_steps(4);
    assert_eq!(script.0.borrow().controls.last(), Some(&(first, Flow::Pause)));
    harness.get_by_label("Go on").click();
    harness.run_steps(4);
    assert_eq!(script.0.borrow().controls.last(), Some(&(first, Flow::Continue)));
    // One that is left out while it runs stops, and the next one begins.
    harness.get_by_label("Skip base_seed1").click();
    harness.run_steps(5);
    assert_eq!(script.0.borrow().controls.last(), Some(&(first, Flow::Stop)));
    stand(&script, &mut harness, plan, &[(Found::Unfinished, epochs(&[0.1]))]);
    assert!(has(&harness, "base_seed1: left out"));
    let (second, kind) = training(&script);
    assert!(second != first && kind.out.ends_with("runs/base_seed2"));
    push(&script, second, EventBody::Failed("the disk is full: make room.".into()));
    harness.run_steps(4);
    stand(&script, &mut harness, plan, &[(Found::Unfinished, epochs(&[0.1]))]);
    assert!(has(&harness, "base_seed2: failed: the disk is full: make room."));
    assert!(training(&script).1.out.ends_with("runs/base_seed3"), "others go on");
    shot(&mut harness, "experiment-failed-Dark");
    end(&script, &mut harness, &[0.5; 4]);
    let three = [
        (Found::Unfinished, epochs(&[0.1])),
        (Found::Unfinished, epochs(&[0.2])),
        (Found::Finished, epochs(&[0.5; 4])),
    ];
    stand(&script, &mut harness, plan, &three);
    assert!(has(&harness, "3 runs, 1 trained, 1 failed, 1 left out"));
    // Tried again, it goes on where it was, as it was.
    harness.get_by_label("Retry base_seed2").click();
    harness.run_steps(3);
    stand(&script, &mut harness, plan, &three);
    harness.get_by_label("Go on").click();
    harness.run_steps(4);
    let (_, kind) = training(&script);
    assert!(kind.out.ends_with("runs/base_seed2") && kind.resume && kind.config.seed == 777, "{kind:?}");
}

#[test]
fn a_search_goes_on_with_the_best_of_each_round() {
    let plan = r#"(preset: "demo", set: ["training.epochs=4"], search: (method: Halving(trials: 4, factor: 2, seed: 1),
        ranges: {"optimizer.learning_rate": Log(1e-4, 1e-1)}))"#;
    let (script, mut harness) = planned_page(ThemeChoice::Dark, plan, &[]);
    assert!(has(&harness, "4 up to epoch 1, then 2 up to epoch 2, then 1 up to epoch 4"));
    harness.get_by_label("Start").click();
    harness.run_steps(4);
    let scores = [0.2_f32, 0.5, 0.4, 0.1];
    let mut standing: Vec<(Found, Vec<EpochReport>)> = vec![(Found::Nothing, Vec::new()); 4];
    for (i, score) in scores.iter().enumerate() {
        let (_, kind) = training(&script);
        assert_eq!(kind.until, Some(1));
        assert_eq!(end(&script, &mut harness, &[*score]), format!("base_trial{}", i + 1));
        standing[i] = (Found::Unfinished, epochs(&[*score]));
        stand(&script, &mut harness, plan, &standing);
    }
    // Of four two go on, from where they were.
    for (name, scores) in [("base_trial2", [0.5, 0.55]), ("base_trial3", [0.4, 0.7])] {
        let (_, kind) = training(&script);
        assert!(kind.resume && kind.until == Some(2), "{kind:?}");
        assert_eq!(end(&script, &mut harness, &scores), name);
        standing[if name.ends_with('2') { 1 } else { 2 }] = (Found::Unfinished, epochs(&scores));
        stand(&script, &mut harness, plan, &standing);
    }
    let (_, kind) = training(&script);
    assert_eq!((kind.until, end(&script, &mut harness, &[0.4, 0.7, 0.7, 0.6])), (Some(4), "base_trial3".to_owned()));
    standing[2] = (Found::Finished, epochs(&[0.4, 0.7, 0.7, 0.6]));
    stand(&script, &mut harness, plan, &standing);
    assert!(has(&harness, "base_trial3: trained; the best of its line"));
    assert_eq!(trainings(&script), 7);
    shot(&mut harness, "experiment-search-Dark");
}

#[test]
fn a_plan_that_cannot_be_laid_out_says_why() {
    let (script, mut harness) = page(ThemeChoice::Dark);
    harness.get_by_label("Open a plan…").click();
    harness.run_steps(3);
    until(&mut harness, "a field for the path", |app| matches!(app.state().dialog, Some(Dialog::Path { .. })));
    harness.state_mut().send(OpenAction::PathChosen(PathPurpose::Plan, "/tmp/kinolens never/wrong.ron".into()));
    harness.run_steps(4);
    let (job, kind) = laying(&script);
    assert_eq!(kind.plan, PlanSource::File("/tmp/kinolens never/wrong.ron".into()));
    assert!(kind.out.ends_with("wrong"), "its runs go to a folder of its name: {:?}", kind.out);
    let sentence = "/tmp/kinolens never/wrong.ron is not a valid configuration: 3:5: no field 'sead'";
    push(&script, job, EventBody::Failed(sentence.into()));
    harness.run_steps(4);
    assert!(has(&harness, sentence));
}

#[test]
fn a_learning_rate_is_found_and_used() {
    for theme in [ThemeChoice::Dark, ThemeChoice::Light] {
        let (script, mut harness) = opened(theme);
        script.0.borrow_mut().hold = true;
        harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
        harness.run_steps(4);
        harness.get_by_label("Find a learning rate").click();
        harness.run_steps(4);
        let (job, kind) = last(&script, |job| match job {
            Job::FindRate(kind) => Some(FindRate::clone(kind)),
            _ => None,
        })
        .expect("a test");
        assert_eq!(kind.dataset.root, demo().root);
        let point = |i: i32| {
            let rate = 10_f64.powf(-7.0 + f64::from(i) * 0.07);
            RatePoint { rate, loss: 2.0 - f64::from(i) * 0.01, smoothed: 2.0 - f64::from(i) * 0.01 }
        };
        let found = RateTest {
            points: (0..100).map(point).collect(),
            steepest: Some(0.0031),
            lowest: Some(0.02),
            diverged: Some(0.5),
        };
        push(&script, job, EventBody::Finished(Output::RateTest(Arc::new(found))));
        harness.run_steps(4);
        assert!(has(&harness, "The loss falls fastest at 3.1e-3 and is lowest at 2.0e-2"));
        shot(&mut harness, &format!("learning-rate-{theme:?}"));
        harness.get_by_label("Use this rate").click();
        harness.run_steps(5);
        let config = harness.state().state().draft.config();
        assert_eq!(config.optimizer.learning_rate, 0.0031);
        assert_eq!(harness.state().state().experiment.as_ref().map(|e| e.rows.len()), None);
    }
}

#[test]
fn order_and_what_is_left_out_survive_a_restart() {
    let plan = r#"(preset: "demo", seeds: [1, 2, 3])"#;
    let (_, mut harness) = planned_page(ThemeChoice::Dark, plan, &[]);
    harness.get_by_label("Up base_seed3").click();
    harness.run_steps(3);
    harness.get_by_label("Skip base_seed1").click();
    harness.run_steps(3);
    let mut kept = session::Store::default();
    eframe::App::save(harness.state_mut(), &mut kept);
    // A window of its own reads it.
    let script = Scripted::default();
    script.0.borrow_mut().dataset = Some(demo());
    let mut harness = session::window_with(&script, &kept);
    harness.run_steps(4);
    until(&mut harness, "the dataset", |app| app.state().dataset.is_some());
    harness.run_steps(3);
    stand(&script, &mut harness, plan, &[(Found::Nothing, Vec::new()), (Found::Finished, epochs(&[0.5]))]);
    assert_eq!(order(&harness), ["base_seed1", "base_seed3", "base_seed2"]);
    let status = |at: usize| harness.state().state().experiment.as_ref().unwrap().rows[at].status.clone();
    assert_eq!([status(0), status(1), status(2)], [RowStatus::Skipped, RowStatus::Waiting, RowStatus::Done(true)]);
    assert!(!harness.state().state().experiment.as_ref().unwrap().going, "nothing is trained unasked");
}
