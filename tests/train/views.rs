//! Evaluating in several views: what is averaged, kept one by one, written and read again.

use crate::support::bars::{bars, config, train};
use kinolens::config::RunConfig;
use kinolens::domain::{CropView, FrameSampling, SplitChoice, TimeView};
use kinolens::eval::evaluate;
use kinolens::jobs::{CheckpointRef, ClipRef, ExplainRequest, HeatRequest, Job, LaneState, Output, TargetClass};
use kinolens::model::ComputeDevice;
use kinolens::progress::Silent;
use kinolens::run_folder::{Checkpoint, RunDir, ViewCounts, results_folder, write_results};

/// One clip of each video, drawn for training, seen in two clips of three crops of 16x16 in a picture of 20x20.
fn in_views() -> RunConfig {
    let mut config = config(1);
    config.clip.sampling = FrameSampling::Dense;
    (config.clip.clips, config.clip.crops, config.clip.resize) = (2, 3, Some(20));
    config
}

#[test]
fn views_are_averaged_kept_and_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = bars(&dir.path().join("data"));
    let run = dir.path().join("run");
    train(&dataset, &in_views(), &run, false, &Silent).unwrap();
    let checkpoint = Checkpoint::open(&run).unwrap();
    let (evaluation, predictions) =
        evaluate(&checkpoint, &dataset, SplitChoice::All, &ComputeDevice::cpu(), &Silent).unwrap();
    assert_eq!(evaluation.views, Some(ViewCounts { clips: 2, crops: 3 }));
    assert_eq!(predictions.clips.len(), dataset.videos.len(), "one prediction an instance");
    for clip in &predictions.clips {
        let looks: Vec<(TimeView, CropView)> = clip.views.iter().map(|v| (v.cut.time, v.cut.crop)).collect();
        let of = |index, crop| (TimeView::Fixed { index, of: 2 }, CropView { index: crop, of: 3 });
        assert_eq!(looks, [of(0, 0), of(0, 1), of(0, 2), of(1, 0), of(1, 1), of(1, 2)]);
        for (class, mean) in clip.probabilities.iter().enumerate() {
            let sum: f32 = clip.views.iter().map(|v| v.probabilities[class]).sum();
            assert!((sum / 6.0 - mean).abs() < 1e-6);
        }
        assert!((clip.loss + clip.probabilities[clip.truth].ln()).abs() < 1e-5);
    }

    let folder = results_folder(&checkpoint, &dataset);
    write_results(&folder, &evaluation, &predictions).unwrap();
    let read = RunDir::open(&run).unwrap().results().evaluations;
    let (again, clips) = read.last().unwrap();
    assert_eq!((again.views, clips), (evaluation.views, &predictions));
    let table = std::fs::read_to_string(folder.join("views_all.csv")).unwrap();
    assert_eq!(table.lines().count(), 1 + 6 * predictions.clips.len(), "{table}");

    // A view by itself is explained as it was evaluated, and its map knows which part of the picture it is of.
    let (first, view) = (&predictions.clips[0], &predictions.clips[0].views[5]);
    let request = ExplainRequest {
        checkpoint: CheckpointRef { run, name: None },
        dataset: dataset.clone(),
        clips: vec![ClipRef { video: first.video.clone(), start: first.start, cut: view.cut }],
        maps: vec![HeatRequest {
            method: "grad-cam".into(),
            layer: None,
            target: TargetClass::Predicted,
            against: None,
            pooling: Default::default(),
        }],
        on_body: false,
        class_match: Default::default(),
    };
    let done = kinolens::jobs::run(Job::Explain(request), &mut LaneState::default(), &Silent).unwrap();
    let kinolens::jobs::Done::Finished(Output::Explanation(explanation)) = done else { panic!("{done:?}") };
    let sample = &explanation.samples[0];
    assert!(sample.probabilities.iter().zip(&view.probabilities).all(|(a, b)| (a - b).abs() < 1e-5));
    assert_eq!(sample.maps[0].region, [0.2, 0.1, 0.8, 0.8]);
    // 20 frames hold 8 of step 1 at 13 places; the second view begins at the last.
    assert_eq!(sample.frames, (12..20).collect::<Vec<_>>());
}
