//! A run in training can be evaluated and explained as any other, and followed; the form of a baseline.

use super::*;
use egui::accesskit::Role;
use kinolens::config::RunConfig;
use kinolens::jobs::kinds::Evaluate;
use kinolens::run_folder::CheckpointInfo;
use kinolens::ui::action::{OpenAction, WindowAction, WorkAction};

/// The folder of a training after so many epochs, as it is read.
fn trained(dataset: &Dataset, epochs: u32) -> Arc<RunView> {
    let info = CheckpointInfo { name: "last".into(), epoch: Some(epochs), batches: 0, step: u64::from(epochs) * 10 };
    Arc::new(RunView {
        path: dataset.root.join("growing"),
        checkpoints: vec![info],
        evaluations: Vec::new(),
        ..RunView::clone(&run_of(dataset))
    })
}

fn tell(script: &Scripted, harness: &mut Harness<'static, App>, job: JobId, progress: Progress) {
    script.0.borrow_mut().events.push(Event { job, body: EventBody::Progress(progress) });
    harness.run_steps(4);
}

fn evaluations(script: &Scripted) -> Vec<(JobId, Evaluate)> {
    let jobs = script.0.borrow().jobs.clone();
    let of = |(i, job): (usize, Job)| match job {
        Job::Evaluate(kind) => Some((JobId(i as u64 + 1), kind)),
        _ => None,
    };
    jobs.into_iter().enumerate().filter_map(of).collect()
}

/// The answer to an evaluation of the weights after so many epochs.
fn finish(script: &Scripted, harness: &mut Harness<'static, App>, job: JobId, epochs: u32, wrong: usize) {
    let dataset = demo();
    let (evaluation, predictions) = run_of(&dataset).evaluations[0].clone();
    let evaluation = Evaluation {
        checkpoint: "last".into(),
        epoch: Some(epochs),
        step: u64::from(epochs) * 10,
        dataset: dataset.root.display().to_string(),
        ..Evaluation::clone(&evaluation)
    };
    let clips = predictions.clips.iter().enumerate();
    let clips =
        clips.map(|(i, c)| Prediction { predicted: if i < wrong { c.truth + 1 } else { c.truth }, ..c.clone() });
    let predictions = Predictions { clips: clips.collect() };
    let body = EventBody::Finished(Output::Evaluation(Arc::new(evaluation), Arc::new(predictions)));
    script.0.borrow_mut().events.push(Event { job, body });
    harness.run_steps(4);
}

#[test]
fn a_run_in_training_is_evaluated_explained_and_followed() {
    let dataset = demo();
    let (script, mut harness) = opened(ThemeChoice::Dark);
    script.0.borrow_mut().run = Some(trained(&dataset, 1));
    let out = dataset.root.join("growing");
    let config = Box::new(RunConfig::reference());
    harness.state_mut().send(WorkAction::StartTraining { config, out: out.clone(), resume: false });
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(4);
    let training = JobId(script.0.borrow().jobs.len() as u64);
    assert!(harness.query_all_by_label_contains("growing can be chosen as soon as it has a checkpoint").count() > 0);
    // Its first checkpoint makes a run of it.
    tell(&script, &mut harness, training, Progress::Checkpoint { name: "last".into(), epoch: 1 });
    assert_eq!(harness.state().state().run().map(|r| r.path.clone()), Some(out.clone()));
    assert!(harness.state().state().live_training().is_some(), "it goes on");
    harness.get_by_label("Not evaluated yet");
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Review));
    harness.run_steps(3);
    until(&mut harness, "its heatmap", explained);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Evaluate));
    harness.run_steps(4);
    // Following it evaluates it now, and after each validation.
    harness.get_by_label("Follow training").click();
    harness.run_steps(4);
    let asked = evaluations(&script);
    assert_eq!(asked.len(), 1);
    assert_eq!((asked[0].1.checkpoint.run.clone(), asked[0].1.checkpoint.name.as_deref()), (out, Some("last")));
    // Another checkpoint comes while that runs: it is evaluated afterwards, once.
    script.0.borrow_mut().run = Some(trained(&dataset, 2));
    for name in ["best_accuracy", "last"] {
        tell(&script, &mut harness, training, Progress::Checkpoint { name: name.into(), epoch: 2 });
    }
    assert_eq!(evaluations(&script).len(), 1);
    finish(&script, &mut harness, asked[0].0, 1, 3);
    let asked = evaluations(&script);
    assert_eq!(asked.len(), 2, "the newer weights");
    finish(&script, &mut harness, asked[1].0, 2, 1);
    assert_eq!(evaluations(&script).len(), 2, "nothing is newer");
    harness.get_by_label("Every wrong clip: 1");
    shot(&mut harness, "follow-training-Dark");
    // Without following, a checkpoint is only read.
    harness.get_by_label("Follow training").click();
    harness.run_steps(4);
    script.0.borrow_mut().run = Some(trained(&dataset, 3));
    tell(&script, &mut harness, training, Progress::Checkpoint { name: "last".into(), epoch: 3 });
    assert_eq!(evaluations(&script).len(), 2);
    assert!(harness.query_all_by_label_contains("last was trained further since (epoch 3 now)").count() > 0);
    assert!(harness.state().state().live_training().is_some());
}

#[test]
fn another_run_in_use_is_not_swapped_for_one_in_training() {
    let dataset = demo();
    let (script, mut harness) = opened(ThemeChoice::Dark);
    let other = run_of(&dataset);
    harness.state_mut().send(OpenAction::OpenRun(other.path.clone()));
    harness.run_steps(4);
    script.0.borrow_mut().others = vec![trained(&dataset, 1)];
    let out = dataset.root.join("growing");
    harness.state_mut().send(WorkAction::StartTraining { config: Box::default(), out: out.clone(), resume: false });
    harness.run_steps(4);
    let training = JobId(script.0.borrow().jobs.len() as u64);
    tell(&script, &mut harness, training, Progress::Checkpoint { name: "last".into(), epoch: 1 });
    let state = harness.state().state();
    assert_eq!(state.run().map(|r| &r.path), Some(&other.path));
    assert!(state.run_at(&out).is_some(), "and it can be chosen");
}

#[test]
fn the_form_of_a_baseline_has_nothing_that_means_nothing_to_it() {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(4);
    for group in ["Optimizer", "Schedule", "Loss and sampling", "Augmentation"] {
        assert!(harness.query_all_by_label_contains(group).count() > 0, "{group} of a network");
    }
    let boxes: Vec<String> = harness.query_all_by_role(Role::ComboBox).map(|n| text_of(&n)).collect();
    let network = boxes.iter().find(|b| b.contains("Network")).cloned().unwrap_or_else(|| panic!("{boxes:?}"));
    harness.get_by_role_and_label(Role::ComboBox, &network).click();
    harness.run_steps(4);
    let title = kinolens::classical::Baseline::find("classical-motion-svm").unwrap().title();
    harness.get_by_label(&title).scroll_to_me();
    harness.run_steps(8);
    harness.get_by_label(&title).click();
    harness.run_steps(6);
    assert!(harness.query_all_by_label_contains("Fitted at once on the CPU").count() > 0);
    // The tab that shows what augmentation draws is called as the group is.
    for (group, others) in [("Optimizer", 0), ("Schedule", 0), ("Loss and sampling", 0), ("Augmentation", 1)] {
        assert_eq!(harness.query_all_by_label(group).count(), others, "{group} of a baseline");
    }
    shot(&mut harness, "baseline-form-Dark");
    harness.get_by_label("Start training").click();
    harness.run_steps(3);
    let job = script.0.borrow().jobs.last().cloned();
    let Some(Job::Train(kind)) = job else { panic!("{job:?}") };
    assert_eq!(kind.config.model.id, "classical-motion-svm");
}
