//! A run that another process trains is watched by its folder, and asked by it.

use super::*;
use crate::support::bars::{bars, config, train};
use kinolens::process_usage::host_name;
use kinolens::run_folder::CONTROL_FILE;
use kinolens::ui::action::OpenAction;

/// A run of two epochs, and the rows and lines of the second one, which are not there yet.
struct Growing {
    dir: tempfile::TempDir,
    rows: Vec<(PathBuf, String)>,
}

impl Growing {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let dataset = bars(&dir.path().join("data"));
        let run = dir.path().join("run");
        train(&dataset, &config(2), &run, false, &Silent).unwrap();
        let mut rows = Vec::new();
        for name in ["training_metrics.csv", "per_class_accuracy.csv", "validation_confusion.csv"] {
            let path = run.join(name);
            let text = std::fs::read_to_string(&path).unwrap();
            let second = text.lines().position(|line| line.starts_with("2,")).expect("a row of the second epoch");
            let first: Vec<&str> = text.lines().take(second).collect();
            std::fs::write(&path, first.join("\n") + "\n").unwrap();
            rows.push((path, text));
        }
        std::fs::remove_dir_all(run.join("checkpoints")).unwrap();
        std::fs::create_dir(run.join("checkpoints")).unwrap();
        for entry in std::fs::read_dir(&run).unwrap().flatten() {
            if entry.file_name().to_string_lossy().contains("tfevents") {
                std::fs::remove_file(entry.path()).unwrap();
            }
        }
        std::fs::write(run.join("log.txt"), "it began\n").unwrap();
        let growing = Self { dir, rows };
        growing.held(&format!("process {} on {}", std::process::id(), host_name()));
        growing
    }

    fn run(&self) -> PathBuf {
        self.dir.path().join("run")
    }

    /// Says who trains.
    fn held(&self, by: &str) {
        std::fs::write(self.run().join(".lock"), by).unwrap();
    }

    fn second_epoch(&self) {
        self.rows.iter().for_each(|(path, text)| std::fs::write(path, text).unwrap());
        let log = std::fs::OpenOptions::new().append(true).open(self.run().join("log.txt"));
        std::io::Write::write_all(&mut log.unwrap(), b"the second epoch is over\n").unwrap();
    }
}

/// What a job that looks at files finds.
pub fn on_disk(job: Job) -> EventBody {
    use kinolens::jobs as j;
    match j::run(job, &mut j::LaneState::default(), &Silent) {
        Ok(j::Done::Finished(output)) => EventBody::Finished(output),
        Ok(j::Done::Cancelled(output)) => EventBody::Cancelled(output),
        Err(error) => EventBody::Failed(error.to_string()),
    }
}

fn shows(harness: &mut Harness<'static, App>, label: &str) {
    let start = Instant::now();
    while harness.query_all_by_label_contains(label).count() == 0 {
        assert!(start.elapsed() < Duration::from_secs(60), "waited in vain for: {label}");
        std::thread::sleep(Duration::from_millis(20));
        harness.run_steps(1);
    }
}

#[test]
fn a_run_of_another_process_is_watched_while_it_grows_and_asked_to_pause_go_on_and_stop() {
    let growing = Growing::new();
    let (_, mut harness) = opened(ThemeChoice::Dark);
    harness.state_mut().send(OpenAction::PathChosen(PathPurpose::WatchedRun, growing.run()));
    harness.run_steps(4);
    assert_eq!(harness.state().state().workspace, Workspace::Train);
    shows(&mut harness, &format!("trained by process {} on ", std::process::id()));
    harness.get_by_label("epoch 1 / 2");
    harness.get_by_label("it began");
    growing.second_epoch();
    shows(&mut harness, "epoch 2 / 2");
    shows(&mut harness, "the second epoch is over");
    let control = growing.run().join(CONTROL_FILE);
    for (label, word, told) in [
        ("Ask to pause", "pause", "asked to pause"),
        ("Ask to go on", "continue", "Ask to pause"),
        ("Ask to finish the epoch", "finish", "asked to finish the epoch"),
        ("Ask to stop", "stop", "asked to stop"),
    ] {
        harness.get_by_label(label).click();
        harness.run_steps(4);
        assert_eq!(std::fs::read_to_string(&control).unwrap(), word);
        shows(&mut harness, told);
    }
    shot(&mut harness, "watched-run");
    // It gives its folder back. There is no checkpoint, so it can begin anew.
    growing.held("");
    shows(&mut harness, "not trained now; it can be resumed");
    let said = &harness.state().state().messages;
    assert!(said.iter().any(|m| m.text.contains("was stopped, and can be resumed")), "{said:?}");
    // Nobody is there to be asked.
    std::fs::remove_file(&control).unwrap();
    harness.get_by_label("Ask to stop").click();
    harness.run_steps(4);
    assert!(!control.exists());
    harness.get_by_label("Stop watching").click();
    harness.run_steps(4);
    assert!(harness.query_by_label("Stop watching").is_none());
    assert!(harness.state().state().run_at(&growing.run()).is_some(), "the run stays in the list");
}

#[test]
fn a_process_that_died_and_a_folder_that_is_no_run_are_told() {
    let growing = Growing::new();
    // No process has this number.
    growing.held(&format!("process 4194305 on {}", host_name()));
    let (script, mut harness) = opened(ThemeChoice::Light);
    harness.state_mut().send(OpenAction::WatchRun(growing.run()));
    shows(&mut harness, "process 4194305 on");
    shows(&mut harness, "is over, without an end of the run");
    shot(&mut harness, "watched-run-over");
    harness.state_mut().send(OpenAction::WatchRun(growing.dir.path().join("nowhere")));
    harness.run_steps(6);
    let state = harness.state().state();
    assert!(state.watching.is_none() && state.messages.iter().any(|m| m.text.contains("it does not exist")));
    // Nobody looks any more.
    let looks = script.0.borrow().jobs.len();
    std::thread::sleep(Duration::from_millis(1500));
    harness.run_steps(4);
    assert_eq!(script.0.borrow().jobs.len(), looks);
}
