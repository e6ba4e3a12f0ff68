//! Trainings and evaluations on a dataset that was opened from its lists alone.

use crate::support::bars::{bars, config, numbers};
use kinolens::config::DataConfig;
use kinolens::data::open_above;
use kinolens::domain::{ClassMatch, Dataset, SplitChoice};
use kinolens::jobs::kinds::{Evaluate, PredictVideo, Train};
use kinolens::jobs::{CheckpointRef, Done, LaneState, run_kind};
use kinolens::progress::Silent;
use kinolens::run_folder::RunDir;
use std::path::Path;
use std::sync::Arc;

fn train(dataset: &Arc<Dataset>, out: &Path) {
    let job = Train {
        dataset: dataset.clone(),
        config: Box::new(config(1)),
        out: out.to_path_buf(),
        resume: false,
        force: false,
        debug: false,
        until: None,
    };
    let done = run_kind(job, &mut LaneState::default(), &Silent).unwrap();
    assert!(matches!(done, Done::Finished(_)));
}

#[test]
fn a_dataset_that_nobody_looked_into_trains_and_evaluates_as_a_known_one() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("data");
    let full = bars(&root);
    let pending = Arc::new(open_above(&root, &DataConfig::default(), None, 3, &Silent).unwrap());
    assert_eq!((full.pending(), pending.pending()), (0, 12));
    let outs = ["full", "pending"].map(|name| dir.path().join(name));
    train(&full, &outs[0]);
    train(&pending, &outs[1]);
    let [a, b] = outs.each_ref().map(|out| RunDir::open(out).unwrap());
    let rows = a.split().unwrap();
    assert!(rows.iter().all(|r| !r.content.is_empty() && r.clips > 0) && rows.len() == 12, "{rows:?}");
    assert_eq!(rows, b.split().unwrap(), "the same videos in the same parts, with as many clips");
    assert_eq!(numbers(&a.history().unwrap()), numbers(&b.history().unwrap()), "the same clips in the same order");

    let checkpoint = CheckpointRef { run: outs[1].clone(), name: Some("last".into()) };
    let evaluated = |dataset: &Arc<Dataset>, split: SplitChoice| {
        let out = Some(dir.path().join(format!("{} of {}", split.name(), dataset.pending())));
        let job = Evaluate {
            checkpoint: checkpoint.clone(),
            dataset: dataset.clone(),
            split,
            class_match: ClassMatch::Auto,
            out,
        };
        let Done::Finished(found) = run_kind(job, &mut LaneState::default(), &Silent).unwrap() else { panic!() };
        found
    };
    for split in [SplitChoice::Test, SplitChoice::Val, SplitChoice::Train, SplitChoice::All] {
        let ((known, of_known), (new, of_new)) = (evaluated(&full, split), evaluated(&pending, split));
        assert_eq!(of_known, of_new, "{split:?}");
        assert_eq!((known.clips, known.accuracy), (new.clips, new.accuracy));
    }
    // Of one split only its own videos are looked into, and what that leaves open is said.
    let test = evaluated(&pending, SplitChoice::Test).0;
    assert!(test.warnings.iter().any(|w| w.contains("were not looked into")), "{:?}", test.warnings);

    let video = full.videos[0].name.clone();
    let predicted = [&full, &pending].map(|dataset| {
        let job = PredictVideo { checkpoint: checkpoint.clone(), dataset: dataset.clone(), video: video.clone() };
        let Done::Finished(found) = run_kind(job, &mut LaneState::default(), &Silent).unwrap() else { panic!() };
        found
    });
    assert_eq!((predicted[0].frames.len(), &predicted[0].frames), (20, &predicted[1].frames));
}
