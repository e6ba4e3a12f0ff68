//! What goes wrong around a training ends in a sentence, and never costs what was trained before.
#![cfg(unix)]

use kinolens::data::demo::{DemoOptions, make};
use kinolens::jobs::{Engine, EventBody, Job, Output};
use kinolens::progress::{Progress, Silent};
use std::path::{Path, PathBuf};
use std::process::{Command, Output as Ended, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn demo(dir: &Path) -> PathBuf {
    let root = dir.join("demo");
    make(&root, &DemoOptions { subjects: 4, exercise_frames: 26, rest_frames: 20, ..DemoOptions::default() }, &Silent)
        .unwrap();
    root
}

/// Smallest memory for frames, so that every epoch has to read the videos again.
const TRAIN: &str = "--preset demo --epochs 30 --device cpu --set clip.train_stride=12 --set training.cache_mib=1";

fn said(ended: &Ended) -> String {
    String::from_utf8_lossy(&ended.stderr).into_owned()
}

/// Waits until a training has told its first epoch.
fn first_epoch(run: &Path) {
    let began = Instant::now();
    while !run.join("checkpoints/last/state.ron").is_file() {
        assert!(began.elapsed() < Duration::from_secs(120), "no epoch was finished");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn kinolens(words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kinolens"));
    command.args(words.split_whitespace()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

#[test]
fn a_dataset_deleted_during_training_is_named_and_the_checkpoint_stays_whole() {
    let dir = tempfile::tempdir().unwrap();
    let (data, run) = (demo(dir.path()), dir.path().join("run"));
    let command = format!("train {} --out {} {TRAIN}", data.display(), run.display());
    let child = kinolens(&command).spawn().unwrap();
    first_epoch(&run);
    let away = dir.path().join("away");
    std::fs::rename(&data, &away).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    let sentence = said(&ended);
    assert!(sentence.contains("is gone") && sentence.contains(".mp4"), "{sentence}");
    assert!(!sentence.contains("panicked"), "{sentence}");

    // Brought back, the run goes on from where it was.
    std::fs::rename(&away, &data).unwrap();
    let epochs = std::fs::read_to_string(run.join("training_metrics.csv")).unwrap().lines().count();
    let command = format!("train {} --resume {} --set training.epochs={epochs}", data.display(), run.display());
    let ended = kinolens(&command).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
}

#[test]
fn a_disk_that_takes_no_more_is_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let (data, run) = (demo(dir.path()), dir.path().join("run"));
    // Files may grow to 256 KiB: every table fits, no weights do.
    let script = format!(
        "trap '' XFSZ; ulimit -f 256; exec '{}' train '{}' --out '{}' {TRAIN}",
        env!("CARGO_BIN_EXE_kinolens"),
        data.display(),
        run.display()
    );
    let ended = Command::new("bash").args(["-c", &script]).stdout(Stdio::null()).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    let sentence = said(&ended);
    assert!(sentence.contains("cannot write the weights") && sentence.contains("check free space"), "{sentence}");
    assert!(!sentence.contains("panicked"), "{sentence}");
    let left: Vec<_> = std::fs::read_dir(run.join("checkpoints")).unwrap().flatten().map(|e| e.path()).collect();
    assert!(left.iter().all(|p| !p.join("state.ron").is_file()), "half a checkpoint looks whole: {left:?}");
}

#[test]
fn resuming_what_is_not_there_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("never");
    let ended = kinolens(&format!("train {} --resume {}", dir.path().display(), run.display())).output().unwrap();
    assert_ne!(ended.status.code(), Some(0));
    assert!(said(&ended).contains("never"), "{}", said(&ended));
}

#[test]
fn the_window_is_told_of_a_dataset_deleted_during_training() {
    let dir = tempfile::tempdir().unwrap();
    let (data, run) = (demo(dir.path()), dir.path().join("run"));
    let engine = Engine::new(Arc::new(|| {})).unwrap();
    let next = |what: &str, mut pick: Box<dyn FnMut(EventBody) -> Option<EventBody>>| {
        let began = Instant::now();
        loop {
            for event in engine.drain() {
                if let Some(found) = pick(event.body) {
                    return found;
                }
            }
            assert!(began.elapsed() < Duration::from_secs(120), "waited in vain for {what}");
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    engine.start(Job::OpenDataset { path: data.clone(), data: Default::default() });
    let opened = next("the dataset", Box::new(|body| matches!(body, EventBody::Finished(_)).then_some(body)));
    let EventBody::Finished(Output::Dataset(dataset)) = opened else { panic!("{opened:?}") };
    let mut config = kinolens::config::Preset::find("demo").unwrap().config().unwrap();
    (config.training.epochs, config.training.cache_mib, config.clip.train_stride) = (30, 1, 12);
    let job =
        Job::Train { dataset, config: Box::new(config), out: run.clone(), resume: false, force: false, debug: false };
    engine.start(job);
    let an_epoch = |body: EventBody| {
        let told = matches!(&body, EventBody::Progress(Progress::Epoch(_)));
        assert!(!matches!(&body, EventBody::Failed(_)), "{body:?}");
        told.then_some(body)
    };
    next("an epoch", Box::new(an_epoch));
    std::fs::remove_dir_all(&data).unwrap();
    let failed = next("the failure", Box::new(|body| matches!(body, EventBody::Failed(_)).then_some(body)));
    let EventBody::Failed(sentence) = failed else { unreachable!() };
    assert!(sentence.contains("is gone") || sentence.contains("cannot"), "{sentence}");
    assert!(run.join("checkpoints/last/model.safetensors").is_file());
}
