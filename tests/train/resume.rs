//! An interrupted run, resumed, is the uninterrupted run; and no moment is a bad one to die at.

use crate::support::bars::{After, bars, config, numbers, open, train};
use kinolens::config::RunConfig;
use kinolens::model::read_safetensors;
use kinolens::progress::{Flow, Monitor, Progress, Silent};
use kinolens::run_folder::{MODEL_FILE, RunDir, TrainEnd};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn weights(run: &Path, name: &str) -> Vec<kinolens::model::NamedArray> {
    let folder = RunDir::open(run).unwrap().checkpoint(Some(name)).unwrap().path;
    read_safetensors(&folder.join(MODEL_FILE)).unwrap()
}

#[test]
fn stopping_at_any_step_and_resuming_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let config = config(3);
    let whole = dir.path().join("whole");
    let reference = train(&dataset, &config, &whole, false, &Silent).unwrap();
    assert_eq!(reference.end, TrainEnd::Completed);
    assert_eq!(reference.history.len(), 3);
    let told = After::never();
    train(&dataset, &config, &dir.path().join("again"), false, &told).unwrap();
    let steps = told.told.lock().unwrap().iter().filter(|p| matches!(p, Progress::Step(_))).count();
    assert!(steps >= 9 && steps.is_multiple_of(3), "{steps} steps in 3 epochs");

    // Before the first step, within epochs, and after the last batch of one, where validation is interrupted.
    for stop in [0, 1, 2, steps as u64 / 3, steps as u64 / 3 + 1, steps as u64 - 1] {
        let out = dir.path().join(format!("stopped{stop}"));
        let first = train(&dataset, &config, &out, false, &After::new(stop, Flow::Stop)).unwrap();
        assert_eq!(first.end, TrainEnd::Stopped, "stop after {stop}");
        assert!(RunDir::open(&out).unwrap().resumable(), "stop after {stop}");
        // Twice interrupted is as good as once.
        train(&dataset, &config, &out, true, &After::new(1, Flow::Stop)).unwrap();
        let resumed = train(&dataset, &config, &out, true, &Silent).unwrap();
        assert_eq!(numbers(&resumed.history), numbers(&reference.history), "stop after {stop}");
        assert_eq!(weights(&out, "last"), weights(&whole, "last"), "stop after {stop}");
        assert_eq!(weights(&out, "best_loss"), weights(&whole, "best_loss"), "stop after {stop}");
        let stored = RunDir::open(&out).unwrap();
        assert_eq!(numbers(&stored.history().unwrap()), numbers(&reference.history), "the tables, stop after {stop}");
    }
}

#[test]
fn finishing_ends_with_the_epoch_and_goes_on_later() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let (config, out) = (config(2), dir.path().join("run"));
    let first = train(&dataset, &config, &out, false, &After::new(1, Flow::Finish)).unwrap();
    assert_eq!((first.end, first.history.len()), (TrainEnd::FinishedEarly, 1));
    let rest = train(&dataset, &config, &out, true, &Silent).unwrap();
    assert_eq!((rest.end, rest.history.len()), (TrainEnd::Completed, 2));
    let done = train(&dataset, &config, &out, true, &Silent).unwrap_err().to_string();
    assert!(done.contains("training.epochs"), "{done}");
}

#[test]
fn resuming_refuses_other_settings_and_other_data() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("data");
    let dataset = bars(&root);
    let (config, out) = (config(2), dir.path().join("run"));
    train(&dataset, &config, &out, false, &After::new(2, Flow::Stop)).unwrap();
    let mut other = config.clone();
    other.optimizer.learning_rate = 1.0;
    let refused = train(&dataset, &other, &out, true, &Silent).unwrap_err().to_string();
    assert!(refused.contains("optimizer.learning_rate"), "{refused}");
    std::fs::remove_dir_all(root.join("up/person01_up")).unwrap();
    let refused = train(&open(&root), &config, &out, true, &Silent).unwrap_err().to_string();
    assert!(refused.contains("person01_up"), "{refused}");
    assert!(RunDir::open(&out).unwrap().resumable());
}

/// Copies the run folder as it is when a step is told: what a process killed at that moment would leave.
struct Witness<'a> {
    run: &'a Path,
    copies: &'a Path,
    steps: AtomicU64,
}

impl Monitor for Witness<'_> {
    fn emit(&self, progress: Progress) {
        if matches!(progress, Progress::Step(_)) {
            let step = self.steps.fetch_add(1, Ordering::SeqCst) + 1;
            let to = self.copies.join(step.to_string());
            let copied = Command::new("cp").arg("-r").args([self.run, &to]).status().unwrap();
            assert!(copied.success(), "the run cannot be copied to {}", to.display());
        }
    }

    fn poll(&self) -> Flow {
        Flow::Continue
    }
}

/// With checkpoints by time a killed process loses no epoch, and the rest of the epoch is as if nothing had happened.
#[test]
fn checkpoints_within_an_epoch_are_resumed_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut config = config(2);
    config.optimizer.accumulate = 2;
    let trained = |name: &str, minutes: f64| {
        let (run, copies) = (dir.path().join(name), dir.path().join(format!("{name}-copies")));
        std::fs::create_dir(&copies).unwrap();
        let mut config = config.clone();
        config.training.checkpoint_minutes = minutes;
        let witness = Witness { run: &run, copies: &copies, steps: AtomicU64::new(0) };
        let outcome = train(&dataset, &config, &run, false, &witness).unwrap();
        let steps = witness.steps.into_inner();
        (run, copies, config, outcome.history, steps)
    };
    // Less than any step takes, so after every step; and never, so that nothing within an epoch was written.
    let (whole, copies, always, reference, steps) = trained("always", 1e-9);
    let (_, none, _, same, _) = trained("never", 0.0);
    assert_eq!(numbers(&same), numbers(&reference), "writing checkpoints changes the training");
    let first_epoch = steps / 2;
    assert!(first_epoch >= 3, "{steps} steps");
    assert!(!none.join(format!("{first_epoch}/checkpoints/last")).exists(), "0 minutes wrote within an epoch");
    for step in 2..=steps {
        let run = copies.join(step.to_string());
        // Steps are told before the checkpoint that follows them, so that the copy holds the one before.
        let state = RunDir::open(&run).unwrap().checkpoint(Some("last")).unwrap().state;
        assert_eq!((state.step, state.end), (step - 1, None));
        let resumed = train(&dataset, &always, &run, true, &Silent).unwrap();
        assert_eq!(numbers(&resumed.history), numbers(&reference), "killed in step {step}");
        assert_eq!(weights(&run, "last"), weights(&whole, "last"), "killed in step {step}");
        assert_eq!(weights(&run, "best_loss"), weights(&whole, "best_loss"), "killed in step {step}");
    }
}

const CHILD: &str = "KINOLENS_TEST_KILLED_CHILD";
const EPOCHS: &str = "KINOLENS_TEST_KILLED_EPOCHS";

/// Trains in a process of its own, as long as nobody kills it.
#[test]
#[ignore = "helper: started and killed by the tests below"]
fn killed_child() {
    let Some(dir) = std::env::var_os(CHILD).map(PathBuf::from) else { return };
    let (dataset, out) = (open(&dir.join("data")), dir.join("run"));
    let epochs = std::env::var(EPOCHS).unwrap().parse().unwrap();
    train(&dataset, &hurried(epochs), &out, RunDir::is_run(&out), &Silent).unwrap();
}

/// With checkpoints so often that some are always being written.
fn hurried(epochs: u32) -> RunConfig {
    let mut config = config(epochs);
    config.training.checkpoint_minutes = 1e-9;
    config
}

/// Kills a training `kills` times at random moments, resuming after each; the end must be as if nothing had happened.
fn survive(kills: u32, epochs: u32) {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let out = dir.path().join("run");
    let config = hurried(epochs);
    let mut random = 0x9e37_79b9_u64 ^ u64::from(std::process::id());
    let (mut done, mut killed_with_checkpoint) = (0, 0);
    while done < kills {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "resume::killed_child", "--ignored", "--quiet"])
            .env(CHILD, dir.path())
            .env(EPOCHS, epochs.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let wait = Duration::from_millis((random >> 33) % 900);
        std::thread::sleep(wait);
        let finished = child.try_wait().unwrap();
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        if let Some(status) = finished {
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            // All epochs done, or, when resumed after the end, nothing left to do.
            let over = !RunDir::open(&out).unwrap().resumable();
            assert!(status.success() || over, "after {done} kills the run could not be resumed: {text}");
            if over {
                break;
            }
        }
        done += 1;
        if RunDir::is_run(&out) {
            let run = RunDir::open(&out).unwrap();
            assert!(run.resumable() || run.checkpoint(Some("last")).is_ok(), "after kill {done}");
            for name in run.checkpoints() {
                run.checkpoint(Some(&name)).unwrap();
                weights(&out, &name);
                killed_with_checkpoint += 1;
            }
        }
    }
    assert_eq!(done, kills, "the training ended before all kills; give it more epochs");
    eprintln!("{done} kills, {killed_with_checkpoint} checkpoints seen whole afterwards");
    let resume = RunDir::is_run(&out);
    if !resume || RunDir::open(&out).unwrap().resumable() {
        train(&dataset, &config, &out, resume, &Silent).unwrap();
    }
    let whole = dir.path().join("whole");
    let reference = train(&dataset, &config, &whole, false, &Silent).unwrap();
    let history = RunDir::open(&out).unwrap().history().unwrap();
    assert_eq!(numbers(&history), numbers(&reference.history));
    assert_eq!(weights(&out, "last"), weights(&whole, "last"));
}

#[test]
fn three_kills_lose_nothing() {
    survive(3, 20);
}

#[test]
#[ignore = "slow: kills twenty trainings"]
fn twenty_kills_lose_nothing() {
    survive(20, 100);
}
