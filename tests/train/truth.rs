//! The true class of a clip: evaluating, explaining and exporting say the same.

use crate::support::bars::{bars, config, train};
use kinolens::domain::{ClassMatch, ClassSet, Dataset, Label, LabelRule, LabelTrack, Segment, SplitChoice};
use kinolens::eval::evaluate_matched;
use kinolens::jobs::{CheckpointRef, ClipRef, Done, ExplainRequest, ExportRequest, Job, LaneState, Output};
use kinolens::model::ComputeDevice;
use kinolens::progress::Silent;
use kinolens::run_folder::Checkpoint;
use std::collections::HashMap;
use std::sync::Arc;

/// Classes of a dataset that was opened later, of which the run knows `up`.
const CLASSES: [&str; 6] = ["wait", "up", "fall", "drop", "pause", "rest"];
/// What its frames show.
const LABELS: [(u32, u32, &str); 8] = [
    (0, 3, "up"),
    (3, 5, "fall"),
    (5, 8, "drop"),
    (8, 13, "up"),
    (13, 14, "rest"),
    (14, 17, "pause"),
    (17, 18, "wait"),
    (18, 20, "up"),
];

/// The dataset with those labels on every video.
fn relabelled(dataset: &Dataset) -> Arc<Dataset> {
    let mut out = dataset.clone();
    // Frames labelled one by one.
    out.instance_wise = false;
    out.classes = ClassSet::from_names(CLASSES.map(str::to_owned).to_vec());
    let segments = LABELS.map(|(start, end, name)| {
        let class = CLASSES.iter().position(|c| *c == name).unwrap();
        Segment { start, end, label: Label::Class(class) }
    });
    for video in &mut out.videos {
        video.labels = LabelTrack::from_segments(segments.to_vec());
    }
    Arc::new(out)
}

#[test]
fn a_clip_has_one_true_class_whoever_asks() {
    let dir = tempfile::tempdir().unwrap();
    let trained = bars(&dir.path().join("data"));
    let mut config = config(1);
    config.clip.label = LabelRule::Majority;
    let run = dir.path().join("run");
    train(&trained, &config, &run, false, &Silent).unwrap();
    let checkpoint = Checkpoint::open(&run).unwrap();
    assert_eq!((checkpoint.state.classes.name(0), checkpoint.state.classes.name(1)), ("down", "up"));

    let dataset = relabelled(&trained);
    let (down, up) = (Some(0), Some(1));
    let said = ClassMatch::parse(&["fall=down".into(), "drop=down".into()]).unwrap();
    // Clips of 8 frames from 0, 6 and 12. Falling and dropping are both `down`: 5 of the first 8 frames. Of the last 8
    // frames 5 show what the run does not know.
    for (matched, truths) in
        [(said, [(0, down), (6, up), (12, None)]), (ClassMatch::Auto, [(0, None), (6, up), (12, None)])]
    {
        let (_, predictions) =
            evaluate_matched(&checkpoint, &dataset, SplitChoice::All, &matched, &ComputeDevice::cpu(), &Silent)
                .unwrap();
        let evaluated: HashMap<ClipRef, usize> =
            predictions.clips.iter().map(|p| (ClipRef::window(p.video.clone(), p.start), p.truth)).collect();
        let mut state = LaneState::default();
        let clips: Vec<ClipRef> = dataset
            .videos
            .iter()
            .flat_map(|v| truths.map(|(start, _)| ClipRef::window(v.name.clone(), start)))
            .collect();
        let reference = CheckpointRef { run: run.clone(), name: None };
        let request = ExplainRequest {
            checkpoint: reference.clone(),
            dataset: dataset.clone(),
            clips,
            maps: Vec::new(),
            on_body: false,
            class_match: matched.clone(),
        };
        let done = kinolens::jobs::run(Job::Explain(request), &mut state, &Silent).unwrap();
        let Done::Finished(Output::Explanation(explanation)) = done else { panic!("{done:?}") };
        assert_eq!(explanation.samples.len(), dataset.videos.len() * truths.len());
        for sample in &explanation.samples {
            let expected = truths.iter().find(|t| t.0 == sample.clip.start).unwrap().1;
            assert_eq!(sample.truth, expected, "explained: {:?}", sample.clip);
            assert_eq!(evaluated.get(&sample.clip).copied(), expected, "evaluated: {:?}", sample.clip);
        }

        let request = ExportRequest {
            checkpoint: reference,
            dataset: dataset.clone(),
            clips: Vec::new(),
            view: None,
            num_samples: usize::MAX,
            split: SplitChoice::All,
            misclassified_only: false,
            maps: Vec::new(),
            look: Default::default(),
            fps: 10.0,
            seed: 1,
            out: None,
            replace: false,
            class_match: matched,
        };
        let done = kinolens::jobs::run_kind(request, &mut state, &Silent).unwrap();
        let Done::Finished((exported, _)) = done else { panic!("nobody asked it to stop") };
        let exported: HashMap<ClipRef, usize> =
            exported.samples.iter().map(|s| (s.clip.clone(), s.truth.expect("a labelled clip"))).collect();
        assert_eq!(exported, evaluated, "what is exported is what is evaluated");
    }
}
