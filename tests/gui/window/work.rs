//! Running work: one number everywhere that only grows, the job list under its chip, Escape.

use super::*;
use kinolens::progress::StepReport;
use kinolens::ui::Action;
use kinolens::ui::action::{WindowAction, WorkAction};

fn tell(script: &Scripted, job: JobId, progress: Progress) {
    script.0.borrow_mut().events.push(Event { job, body: EventBody::Progress(progress) });
}

/// The per cent that stand in the labels which contain `words`.
fn percents(harness: &Harness<'static, App>, words: &str) -> Vec<u32> {
    let percent = |text: &str| {
        let before = text.split(" %").next().filter(|b| b.len() < text.len())?;
        before.rsplit(' ').next()?.parse().ok()
    };
    let labels = harness.query_all_by_label_contains(words);
    labels.filter_map(|node| percent(&text_of(&node))).collect()
}

/// A window in which a training runs, and its job.
fn training() -> (Scripted, Harness<'static, App>, JobId) {
    let (script, mut harness) = opened(ThemeChoice::Dark);
    script.0.borrow_mut().hold = true;
    let out = PathBuf::from("/tmp/kinolens never trained");
    let mut config = kinolens::config::RunConfig::reference();
    config.training.epochs = 4;
    harness.state_mut().send(WorkAction::StartTraining { config: Box::new(config), out, resume: false });
    harness.state_mut().send(WindowAction::SetWorkspace(Workspace::Train));
    harness.run_steps(3);
    let job = JobId(script.0.borrow().jobs.len() as u64);
    (script, harness, job)
}

#[test]
fn every_place_shows_one_share_of_a_training_and_it_only_grows() {
    let (script, mut harness, job) = training();
    let stage = |label: &str, done, total| Progress::Stage { label: label.into(), done, total };
    let step = |epoch, step_in_epoch| {
        Progress::Step(StepReport {
            step: u64::from((epoch - 1) * 10 + step_in_epoch),
            epoch,
            step_in_epoch,
            steps_per_epoch: 10,
            loss: 1.0,
            eta_s: Some(356.0 * (if step_in_epoch % 2 == 0 { 2.0 } else { 0.5 })),
            ..StepReport::default()
        })
    };
    let told = [
        (Progress::Share(0.0), stage("decoding videos", 0, 22), "decoding videos 0 of 22"),
        (Progress::Share(0.04), stage("decoding videos", 22, 22), "decoding videos 22 of 22"),
        (Progress::Share(0.07), step(1, 1), "epoch 1 of 4"),
        (Progress::Share(0.21), step(1, 10), "epoch 1 of 4"),
        (Progress::Share(0.24), stage("validating", 22, 22), "validating 22 of 22"),
        // Something that counts from its own beginning.
        (Progress::Share(0.1), stage("validating", 1, 500), "validating 1 of 500"),
        (Progress::Share(0.26), step(2, 1), "epoch 2 of 4"),
    ];
    let mut last = 0;
    for (share, doing, phase) in told {
        tell(&script, job, share);
        tell(&script, job, doing);
        harness.run_steps(3);
        let (chip, bar) = (percents(&harness, "Job train"), percents(&harness, "train kinolens never trained "));
        let shown = harness.state().state().job(job).unwrap().fraction.unwrap();
        let dashboard = format!("{:.0} %", shown * 100.0);
        assert!(harness.query_by_label(&dashboard).is_some(), "the dashboard does not say {shown}");
        assert_eq!(chip.len(), 1, "{chip:?}");
        assert!(bar == chip, "chip {chip:?}, bar {bar:?}");
        assert_eq!(chip[0], (shown * 100.0).round() as u32);
        assert!(chip[0] >= last, "from {last} % back to {} %", chip[0]);
        assert!(harness.query_all_by_label_contains(phase).next().is_some(), "'{phase}' is not said");
        last = chip[0];
    }
    assert_eq!(last, 26);
    shot(&mut harness, "training-share-Dark");
    // The time left is one number too, and two leaps of the estimate do not show.
    let eta = harness.state().state().job(job).unwrap().eta_s.unwrap();
    for i in 2..8 {
        tell(&script, job, step(2, i));
        harness.run_steps(1);
    }
    let now = harness.state().state().job(job).unwrap().eta_s.unwrap();
    assert!((now - eta).abs() < 150.0, "from {eta} to {now}, where the estimate leaps between 178 and 712");
}

#[test]
fn the_job_list_opens_under_its_chip_and_escape_closes_it() {
    let (_, mut harness, job) = training();
    let chip = harness.get_by_label_contains("Job train").rect();
    harness.get_by_label_contains("Job train").click();
    harness.run_steps(4);
    assert!(harness.state().state().show_jobs);
    let list = harness.get_by_label("Clear ended jobs").rect();
    let stop = harness.get_by_label("Stop train kinolens never trained in the list").rect();
    assert!(list.top() > chip.bottom(), "{list:?} is not below {chip:?}");
    assert!(list.left() < chip.center().x && stop.right() > chip.left(), "{list:?} to {stop:?} for {chip:?}");
    let pause = harness.get_by_label("Pause train kinolens never trained").rect();
    assert!(!pause.intersects(list) && stop.right() <= 1280.0 && stop.top() > chip.bottom());
    shot(&mut harness, "job-list-Dark");
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    assert!(!harness.state().state().show_jobs, "Escape closes the list");
    assert!(harness.query_by_label("Clear ended jobs").is_none());
    assert!(harness.state().state().job(job).is_some_and(|j| j.status.is_live()), "and nothing else");
    // The messages likewise; one press for each.
    for action in [Action::Window(WindowAction::ShowMessages(true)), Action::Window(WindowAction::ShowJobs(true))] {
        harness.state_mut().send(action);
        harness.run_steps(3);
    }
    let open = |app: &App| u32::from(app.state().show_jobs) + u32::from(app.state().show_messages);
    for left in [1, 0] {
        harness.key_press(egui::Key::Escape);
        harness.run_steps(3);
        assert_eq!(open(harness.state()), left);
    }
    // A dialog above them goes first.
    for action in
        [Action::Window(WindowAction::ShowMessages(true)), Action::Window(WindowAction::SetDialog(Some(Dialog::About)))]
    {
        harness.state_mut().send(action);
        harness.run_steps(3);
    }
    harness.key_press(egui::Key::Escape);
    harness.run_steps(3);
    assert!(harness.state().state().dialog.is_none() && harness.state().state().show_messages);
}
