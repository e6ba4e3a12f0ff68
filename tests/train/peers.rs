//! Several processes that train together, as threads: the numbers are those of one with the whole batch.

use crate::support::bars::{After, bars, config, numbers, open, train};
use kinolens::config::{OptimizerKind, RunConfig};
use kinolens::domain::Dataset;
use kinolens::model::{ArrayValues, read_safetensors};
use kinolens::peers::{PeerThread, Peers, Width, crew};
use kinolens::progress::{EpochReport, Flow, Monitor, Progress, Silent};
use kinolens::run_folder::{MODEL_FILE, RunDir, TrainEnd};
use kinolens::train::{TrainError, TrainOutcome};
use std::path::Path;
use std::sync::Arc;

/// A monitor of a thread that stands for a process.
struct Member<'a> {
    peer: PeerThread,
    inner: &'a dyn Monitor,
}

impl Monitor for Member<'_> {
    fn emit(&self, progress: Progress) {
        self.inner.emit(progress);
    }

    fn poll(&self) -> Flow {
        self.inner.poll()
    }

    fn peers(&self) -> &dyn Peers {
        &self.peer
    }
}

type Trained = Result<TrainOutcome, TrainError>;

/// Trains with as many processes as there are datasets and configurations; only the first one has a run folder.
fn together(each: &[(&Arc<Dataset>, &RunConfig, &dyn Monitor)], out: &Path, resume: bool) -> Vec<Trained> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = crew(each.len())
            .into_iter()
            .zip(each)
            .map(|(peer, (dataset, config, inner))| {
                let nowhere = out.join("nowhere");
                let own = if peer.rank() == 0 { out.to_path_buf() } else { nowhere };
                scope.spawn(move || train(dataset, config, &own, resume, &Member { peer, inner: *inner }))
            })
            .collect();
        threads.into_iter().map(|t| t.join().expect("no process panics")).collect()
    })
}

/// The same dataset and configuration for all.
fn alike(size: usize, dataset: &Arc<Dataset>, config: &RunConfig, out: &Path, resume: bool) -> Vec<Trained> {
    together(&vec![(dataset, config, &Silent as &dyn Monitor); size], out, resume)
}

/// Without what depends on who shares a batch: dropout and batch statistics. With gradient descent, whose steps are no larger
/// than rounding where gradients are.
fn independent(epochs: u32) -> RunConfig {
    let mut config = config(epochs);
    config.model.dropout = Some(0.0);
    config.model.freeze = Some("norms".into());
    config.optimizer.kind = OptimizerKind::Sgd { momentum: 0.9, nesterov: true };
    config.optimizer.learning_rate = 0.02;
    config
}

fn weights(run: &Path) -> Vec<(String, Vec<f32>)> {
    let folder = RunDir::open(run).unwrap().checkpoint(Some("last")).unwrap().path;
    let arrays = read_safetensors(&folder.join(MODEL_FILE)).unwrap();
    let values = |values| match values {
        ArrayValues::F32(values) => values,
        ArrayValues::I64(values) => values.into_iter().map(|v| v as f32).collect(),
    };
    arrays.into_iter().map(|a| (a.name, values(a.values))).collect()
}

/// The largest distance of two sets of weights.
fn apart(a: &[(String, Vec<f32>)], b: &[(String, Vec<f32>)]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .flat_map(|((name, a), (other, b))| {
            assert!(name == other && a.len() == b.len());
            a.iter().zip(b).map(|(a, b)| (a - b).abs())
        })
        .fold(0.0, f32::max)
}

fn last(history: &[EpochReport]) -> &EpochReport {
    history.last().unwrap()
}

#[test]
fn any_number_of_processes_comes_to_the_weights_of_one_with_the_whole_batch() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    // The last batch of an epoch is short, and two batches make a step.
    for (name, accumulate, weighted) in [("plain", 1, false), ("accumulated", 2, false), ("weighted", 1, true)] {
        let mut config = independent(1);
        config.optimizer.accumulate = accumulate;
        config.loss.class_weights = weighted;
        config.sampling.clips_per_epoch = Some(18);
        let whole = dir.path().join(name);
        let reference = train(&dataset, &config, &whole, false, &Silent).unwrap();
        let begun = weights(&whole);
        for size in [1, 2, 3, 5] {
            let out = dir.path().join(format!("{name}{size}"));
            let outcomes: Vec<TrainOutcome> =
                alike(size, &dataset, &config, &out, false).into_iter().map(Result::unwrap).collect();
            let found = apart(&weights(&out), &begun);
            assert!(found < 1e-6, "{name}, {size} processes: weights are {found} apart");
            for outcome in &outcomes {
                let (own, other) = (last(&outcome.history), last(&reference.history));
                assert!((own.train_loss - other.train_loss).abs() < 1e-5, "{name} {size}");
                assert_eq!(own.train_accuracy, other.train_accuracy, "{name} {size}");
                assert_eq!(own.train_weighted, other.train_weighted, "{name} {size}");
                assert_eq!((own.val_accuracy, &own.confusion), (other.val_accuracy, &other.confusion), "{name} {size}");
            }
            assert!(!out.join("nowhere").exists(), "a process that does not lead writes");
        }
    }
}

#[test]
fn half_width_stays_close_and_is_stated() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let mut config = independent(1);
    let run = |config: &RunConfig, name: &str| {
        let out = dir.path().join(name);
        let outcomes = alike(2, &dataset, config, &out, false);
        outcomes.into_iter().for_each(|o| drop(o.unwrap()));
        let log = std::fs::read_to_string(out.join("log.txt")).unwrap();
        (weights(&out), log)
    };
    let (full, log) = run(&config, "full");
    assert!(log.contains("2 processes share every batch of 4 clips") && log.contains("32 bits"), "{log}");
    config.training.exchange = Width::Half;
    let (half, log) = run(&config, "half");
    assert!(log.contains("16 bits"), "{log}");
    // Each gradient is off by no more than 1/1024 of the largest of those summed; the steps are small.
    let found = apart(&full, &half);
    assert!(found > 0.0 && found < 1e-3, "{found}");
}

#[test]
fn stopping_and_resuming_with_the_same_number_is_exact_and_with_another_number_close() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    // With dropout, batch statistics, augmentation and Adam: everything random or remembered.
    let config = config(3);
    let whole = dir.path().join("whole");
    let reference = alike(2, &dataset, &config, &whole, false).remove(0).unwrap();
    let steps = 3 * RunDir::open(&whole).unwrap().checkpoint(Some("last")).unwrap().state.step / 9;
    for stop in [0, 1, steps, steps + 1] {
        let out = dir.path().join(format!("stopped{stop}"));
        // The second one is asked, the first one writes.
        let (never, after) = (After::never(), After::new(stop, Flow::Stop));
        let asked: [(&Arc<Dataset>, &RunConfig, &dyn Monitor); 2] =
            [(&dataset, &config, &never), (&dataset, &config, &after)];
        for outcome in together(&asked, &out, false) {
            assert_eq!(outcome.unwrap().end, TrainEnd::Stopped, "stop after {stop}");
        }
        assert!(RunDir::open(&out).unwrap().resumable(), "stop after {stop}");
        let resumed = alike(2, &dataset, &config, &out, true).remove(0).unwrap();
        assert_eq!(numbers(&resumed.history), numbers(&reference.history), "stop after {stop}");
        assert_eq!(weights(&out), weights(&whole), "stop after {stop}");
    }
    // Begun by three, gone on with by one and by two.
    let config = independent(2);
    let alone = dir.path().join("alone");
    train(&dataset, &config, &alone, false, &Silent).unwrap();
    let out = dir.path().join("changing");
    let (first, rest) = (After::new(3, Flow::Stop), Silent);
    let asked: [(&Arc<Dataset>, &RunConfig, &dyn Monitor); 3] =
        [(&dataset, &config, &first), (&dataset, &config, &rest), (&dataset, &config, &rest)];
    together(&asked, &out, false).into_iter().for_each(|o| drop(o.unwrap()));
    train(&dataset, &config, &out, true, &After::new(3, Flow::Stop)).unwrap();
    alike(2, &dataset, &config, &out, true).into_iter().for_each(|o| drop(o.unwrap()));
    let found = apart(&weights(&out), &weights(&alone));
    assert!(found < 1e-5, "{found}");
}

#[test]
fn a_process_that_differs_or_fails_ends_all_with_a_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let (here, there) = (bars(&dir.path().join("data")), dir.path().join("copy"));
    let said = |outcomes: Vec<Trained>| -> Vec<String> {
        outcomes.into_iter().map(|o| o.map(|_| "fine".to_owned()).unwrap_or_else(|e| e.to_string())).collect()
    };
    let (config, silent) = (config(1), &Silent as &dyn Monitor);
    // A copy of the dataset serves as well; one with another label does not.
    let copy = bars(&there);
    let fine = together(&[(&here, &config, silent), (&copy, &config, silent)], &dir.path().join("fine"), false);
    assert_eq!(said(fine), ["fine", "fine"]);
    std::fs::rename(there.join("up/person01_up"), there.join("down/person01_up")).unwrap();
    let other = open(&there);
    let refused = together(&[(&here, &config, silent), (&other, &config, silent)], &dir.path().join("refused"), false);
    let refused = said(refused);
    assert!(refused[0].contains("rank 1 on thread 1 reads another dataset than rank 0 on thread 0"), "{refused:?}");
    assert!(refused[1].starts_with("rank 0 on thread 0 failed"), "{refused:?}");
    assert!(!dir.path().join("refused/config.ron").exists());
    // A video that is gone when a process wants it: the first one keeps a whole checkpoint.
    std::fs::rename(there.join("down/person01_up"), there.join("up/person01_up")).unwrap();
    let out = dir.path().join("gone");
    let mut config = config.clone();
    (config.training.cache_mib, config.training.disk_cache_mib) = (0, 0);
    config.training.epochs = 3;
    struct Removing<'a>(&'a Path);
    impl Monitor for Removing<'_> {
        fn emit(&self, progress: Progress) {
            if matches!(progress, Progress::Epoch(_)) && self.0.exists() {
                std::fs::remove_dir_all(self.0).unwrap();
            }
        }
        fn poll(&self) -> Flow {
            Flow::Continue
        }
    }
    let removing = Removing(&there);
    let copy = open(&there);
    let outcomes = said(together(&[(&here, &config, silent), (&copy, &config, &removing)], &out, false));
    assert!(outcomes[0].starts_with("rank 1 on thread 1 failed") && outcomes[1].contains("copy"), "{outcomes:?}");
    let kept = RunDir::open(&out).unwrap();
    assert_eq!(kept.checkpoint(Some("last")).unwrap().state.epoch, 1);
    let log = std::fs::read_to_string(out.join("log.txt")).unwrap();
    assert!(log.contains("training failed: rank 1 on thread 1 failed"), "{log}");
}
