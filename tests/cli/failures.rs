//! What goes wrong around a training ends in a sentence, and never costs what was trained before.
#![cfg(unix)]

use kinolens::data::demo::{DemoOptions, make};
use kinolens::jobs::kinds::{OpenDataset, Train};
use kinolens::jobs::{Engine, EventBody, Output};
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
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    let expected = format!("error: {} does not exist; name a folder that 'kinolens train --out' made\n", run.display());
    assert_eq!(said(&ended), expected);
    assert!(!run.exists(), "a run that is not there was made");

    // A folder that is there and no run is another sentence.
    std::fs::create_dir(&run).unwrap();
    let ended = kinolens(&format!("train {} --resume {}", dir.path().display(), run.display())).output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    assert!(
        said(&ended).contains("never has no config.ron and classes.ron, so it is no run folder"),
        "{}",
        said(&ended)
    );
}

/// A run that was killed before its first checkpoint: nothing to judge or explain, and a resume that begins anew.
#[test]
fn a_run_without_a_checkpoint_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let (data, run) = (demo(dir.path()), dir.path().join("run"));
    let more = "--preset demo --epochs 1 --device cpu --set clip.train_stride=26";
    let ended = kinolens(&format!("train {} --out {} {more}", data.display(), run.display())).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    std::fs::remove_dir_all(run.join("checkpoints")).unwrap();
    let (data, run) = (data.display(), run.display());
    let video = format!("{data}/dataset/anon/s01.mp4");
    for words in [format!("evaluate {run} {data}"), format!("explain {run} {data}"), format!("predict {run} {video}")] {
        let ended = kinolens(&words).output().unwrap();
        assert_eq!(ended.status.code(), Some(1), "{words}: {}", said(&ended));
        let last = said(&ended).trim().lines().last().unwrap_or_default().to_owned();
        assert_eq!(last, format!("error: {run} has no checkpoint 'last'; it has: none yet; train it first"), "{words}");
    }
    let ended = kinolens(&format!("train {data} --resume {run}")).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    assert!(
        said(&ended).contains("has no checkpoint 'last' to go on from: it begins with its first step"),
        "{}",
        said(&ended)
    );
    let ended = kinolens(&format!("evaluate {run} {data}")).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
}

/// The disk is full when the second checkpoint is written: the first stays, and the run goes on from it with room again.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_later_leaves_the_checkpoint_before() {
    let dir = tempfile::tempdir().unwrap();
    let (data, run) = (demo(dir.path()), dir.path().join("run"));
    let script = format!(
        "trap '' XFSZ; exec '{}' train '{}' --out '{}' {TRAIN}",
        env!("CARGO_BIN_EXE_kinolens"),
        data.display(),
        run.display()
    );
    let mut command = Command::new("bash");
    let child = command.args(["-c", &script]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    first_epoch(&run);
    // From now on files may grow to 256 KiB: tables and logs fit, weights do not.
    let limit = ["--pid", &child.id().to_string(), "--fsize=262144"];
    assert!(Command::new("prlimit").args(limit).status().unwrap().success());
    let ended = child.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(1), "{}", said(&ended));
    let sentence = said(&ended);
    assert!(sentence.contains("cannot write the weights") && sentence.contains("check free space"), "{sentence}");
    assert!(!sentence.contains("panicked"), "{sentence}");

    let folder = kinolens::run_folder::RunDir::open(&run).unwrap();
    let before = folder.checkpoint(Some("last")).unwrap();
    before.network(&kinolens::model::ComputeDevice::cpu()).unwrap();
    assert!(folder.resumable() && before.state.epoch >= 1, "{:?}", before.state.epoch);
    let left: Vec<String> = std::fs::read_dir(run.join("checkpoints"))
        .unwrap()
        .flatten()
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".unfinished"))
        .collect();
    assert_eq!(left, Vec::<String>::new(), "half a checkpoint takes up the room that is left");

    let epochs = before.state.epoch + 1;
    let command = format!("train {} --resume {} --set training.epochs={epochs}", data.display(), run.display());
    let ended = kinolens(&command).output().unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", said(&ended));
    let history = folder.history().unwrap();
    assert_eq!(history.len(), epochs as usize);
    assert_eq!(history[..before.state.history.len()], before.state.history, "what was trained before is another now");
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
    engine.start(OpenDataset { path: data.clone(), data: Default::default() }.into());
    let opened = next("the dataset", Box::new(|body| matches!(body, EventBody::Finished(_)).then_some(body)));
    let EventBody::Finished(Output::Dataset(dataset)) = opened else { panic!("{opened:?}") };
    let mut config = kinolens::config::Preset::find("demo").unwrap().config().unwrap();
    (config.training.epochs, config.training.cache_mib, config.clip.train_stride) = (30, 1, 12);
    let job = Train {
        dataset,
        config: Box::new(config),
        out: run.clone(),
        resume: false,
        force: false,
        debug: false,
        until: None,
    };
    engine.start(job.into());
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

#[test]
fn a_table_that_nothing_recognises_is_asked_about_in_the_window_and_refused_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let table = dir.path().join("notes.csv");
    std::fs::write(&table, "where;what\na;nod\n").unwrap();
    let engine = Engine::new(Arc::new(|| {})).unwrap();
    engine.start(OpenDataset { path: table.clone(), data: Default::default() }.into());
    let began = Instant::now();
    let asked = 'wait: loop {
        for event in engine.drain() {
            if !matches!(event.body, EventBody::Started | EventBody::Progress(_)) {
                break 'wait event.body;
            }
        }
        assert!(began.elapsed() < Duration::from_secs(60), "waited in vain");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(matches!(&asked, EventBody::AskedTable(path) if *path == table), "{asked:?}");
    let ended = Command::new(env!("CARGO_BIN_EXE_kinolens")).arg("inspect").arg(&table).output().unwrap();
    assert_eq!(ended.status.code(), Some(1));
    assert!(said(&ended).contains("notes.csv is not a dataset in a known layout"), "{}", said(&ended));
}
