//! Clips with several classes: training, evaluating, explaining and predicting say the same, and say that they are several.

use crate::support::bars::{config, numbers, open, train};
use kinolens::config::RunConfig;
use kinolens::data::plan;
use kinolens::domain::{ClassMatch, ClassSet, Dataset, Instance, InstanceLabel, LabelTrack, Split, SplitChoice, Task};
use kinolens::eval::{evaluate, predict_video};
use kinolens::jobs::{CheckpointRef, ClipRef, Done, ExplainRequest, Job, LaneState, Output};
use kinolens::model::ComputeDevice;
use kinolens::progress::Silent;
use kinolens::run_folder::{Checkpoint, RunDir, write_results};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const CLASSES: [&str; 3] = ["red", "green", "blue"];
const FRAMES: u32 = 20;

/// The colours of a video: each of its channels is bright or dark. Those of `after` from frame 10 on.
struct Colours {
    before: &'static [usize],
    after: &'static [usize],
    split: Split,
}

fn videos() -> Vec<Colours> {
    let sets: [&[usize]; 7] = [&[0], &[1], &[2], &[0, 1], &[1, 2], &[0, 2], &[0, 1, 2]];
    let of = |split| sets.into_iter().map(move |set| Colours { before: set, after: set, split });
    let mut out: Vec<Colours> = of(Split::Train).chain(of(Split::Train)).chain(of(Split::Val)).collect();
    out.extend(of(Split::Test));
    out.push(Colours { before: &[0], after: &[1, 2], split: Split::Test });
    out
}

/// Videos of even colours, one instance a person and colour, so that instances overlap.
fn dataset(root: &Path) -> Arc<Dataset> {
    let videos = videos();
    for (i, video) in videos.iter().enumerate() {
        let dir = root.join(["odd", "even"][i % 2]).join(format!("video{i:02}"));
        std::fs::create_dir_all(&dir).unwrap();
        for frame in 0..FRAMES {
            let shown = if frame < FRAMES / 2 { video.before } else { video.after };
            let picture = image::RgbImage::from_fn(24, 24, |x, y| {
                let channel = |c: usize| if shown.contains(&c) { 210 + (x + y) as u8 % 20 } else { 20 + x as u8 % 20 };
                image::Rgb([channel(0), channel(1), channel(2)])
            });
            picture.save(dir.join(format!("{frame:04}.png"))).unwrap();
        }
    }
    let mut out = Dataset::clone(&open(root));
    out.task = Task::MultiLabel;
    // Windows slide over whole videos, as over frames labelled one by one.
    out.instance_wise = false;
    out.classes = ClassSet::from_names(CLASSES);
    for entry in &mut out.videos {
        let number: usize = entry.name.chars().filter(char::is_ascii_digit).collect::<String>().parse().unwrap();
        let video = &videos[number];
        entry.labels = LabelTrack::default();
        entry.split = video.split;
        let parts = [(0, FRAMES / 2, video.before), (FRAMES / 2, FRAMES, video.after)];
        let one = |(start, end, class): (u32, u32, usize)| Instance {
            start,
            end,
            label: InstanceLabel::Class(class),
            ..Instance::default()
        };
        entry.instances = parts
            .into_iter()
            .flat_map(|(start, end, set)| set.iter().map(move |class| (start, end, *class)))
            .map(one)
            .collect();
    }
    Arc::new(out)
}

fn settings() -> RunConfig {
    let mut config = config(14);
    config.augment.enabled = false;
    config
}

#[test]
fn several_classes_are_learned_evaluated_explained_and_predicted() {
    let dir = tempfile::tempdir().unwrap();
    let dataset = dataset(&dir.path().join("data"));
    let config = settings();

    // The plan: sets by hand, counts once a class.
    let planned = plan(&dataset, &config).unwrap();
    let targets = planned.targets.clone().expect("sets of classes");
    let mixed = dataset.videos.iter().position(|v| v.name.contains("video28")).unwrap();
    let sets: BTreeMap<u32, Vec<usize>> =
        planned.test.iter().filter(|c| c.video == mixed).map(|c| (c.start, targets.of(c))).collect();
    // Clips of 8 frames from 0, 6 and 12: of the second four frames show each.
    assert_eq!(sets, BTreeMap::from([(0, vec![0]), (6, vec![0, 1, 2]), (12, vec![1, 2])]));
    let train_clips = planned.train.len() as u64;
    assert_eq!(planned.class_counts(Split::Train), [train_clips * 4 / 7; 3], "four of seven videos show each colour");

    let out = dir.path().join("run");
    let outcome = train(&dataset, &config, &out, false, &Silent).unwrap();
    let history = &outcome.history;
    assert!(history.iter().all(|e| e.val_map.is_some() && e.per_class_ap.len() == 3 && e.confusion.is_empty()));
    assert!(history.last().unwrap().train_loss < 0.5 * history[0].train_loss, "{history:?}");
    let best = history.iter().filter_map(|e| e.val_map).fold(0.0, f32::max);
    assert!(best > 0.9, "{history:?}");

    let run = RunDir::open(&out).unwrap();
    assert_eq!(numbers(&run.history().unwrap()), numbers(history), "CSV files tell the same");
    let header = std::fs::read_to_string(out.join("training_metrics.csv")).unwrap();
    assert!(header.lines().next().unwrap().contains(",val_accuracy,val_map,"), "{header}");
    assert!(out.join("per_class_average_precision.csv").is_file() && !out.join("per_class_accuracy.csv").exists());
    let checkpoint = Checkpoint::open(&out.join("checkpoints/best_accuracy")).unwrap();
    assert_eq!(checkpoint.state.task, Task::MultiLabel);
    assert_eq!(checkpoint.state.report().unwrap().val_map, Some(best), "the best is that of mAP");
    assert_eq!(run.environment().unwrap().task, Task::MultiLabel);

    let cpu = ComputeDevice::cpu();
    let (evaluation, predictions) = evaluate(&checkpoint, &dataset, SplitChoice::Test, &cpu, &Silent).unwrap();
    let several = evaluation.multi_label.as_ref().expect("several classes");
    assert!(several.map > 0.9 && several.chance > 0.4 && several.chance < 0.8, "{several:?}");
    assert!(evaluation.confusion.counts.is_empty() && evaluation.frames.is_none());
    let name = &dataset.videos[mixed].name;
    let truths: BTreeMap<u32, Vec<usize>> =
        predictions.clips.iter().filter(|p| p.video == *name).map(|p| (p.start, p.truths.clone())).collect();
    assert_eq!(truths, sets);
    assert!(predictions.clips.iter().all(|p| p.probabilities.iter().all(|p| (0.0..=1.0).contains(p))));
    let sums = predictions.clips.iter().map(|p| p.probabilities.iter().sum::<f32>());
    assert!(sums.fold(0.0, f32::max) > 1.5, "classes do not share one probability");

    results(&run, &evaluation, &predictions);

    // What is explained has the same truths and the same probabilities.
    let clips = [0, 6].map(|start| ClipRef::window(name, start)).to_vec();
    let request = ExplainRequest {
        checkpoint: CheckpointRef { run: out.clone(), name: Some("best_accuracy".into()) },
        dataset: dataset.clone(),
        clips,
        maps: Vec::new(),
        on_body: false,
        class_match: ClassMatch::Auto,
    };
    let done = kinolens::jobs::run(Job::Explain(request), &mut LaneState::default(), &Silent).unwrap();
    let Done::Finished(Output::Explanation(explained)) = done else { panic!("{done:?}") };
    assert_eq!(explained.task, Task::MultiLabel);
    for sample in &explained.samples {
        let judged = predictions.clips.iter().find(|p| (&p.video, p.start) == (&sample.clip.video, sample.clip.start));
        let judged = judged.unwrap();
        assert_eq!((&sample.truths, sample.truth), (&judged.truths, judged.truths.first().copied()));
        assert!(sample.probabilities.iter().zip(&judged.probabilities).all(|(a, b)| (a - b).abs() < 1e-4));
    }

    let along = predict_video(&checkpoint, &dataset, name, &cpu, &Silent).unwrap();
    assert_eq!((along.task, along.said.len()), (Task::MultiLabel, FRAMES as usize));
    for (frame, said) in along.said.iter().enumerate() {
        assert!(said.iter().all(|(_, p)| *p >= 0.5), "frame {frame}: {said:?}");
    }
    let classes = |frame: usize| along.said[frame].iter().map(|(class, _)| *class).collect::<Vec<_>>();
    assert_eq!((classes(0), classes(19)), (vec![0], vec![1, 2]));
}

fn results(
    run: &RunDir,
    evaluation: &kinolens::run_folder::Evaluation,
    predictions: &kinolens::run_folder::Predictions,
) {
    let folder = run.results_dir();
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("confusion_test.csv"), "left by an evaluation of another kind").unwrap();
    write_results(&folder, evaluation, predictions).unwrap();
    assert!(!folder.join("confusion_test.csv").exists());
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let together = read("co_occurrence_test.csv");
    assert_eq!(together.lines().next(), Some("labelled \\ said,red,green,blue,none predicted,clips"));
    assert_eq!(together.lines().count(), 4);
    assert!(read("per_class_test.csv").starts_with("class,precision,recall,f1,support,average_precision\nred,"));
    let clips = read("predictions_test.csv");
    assert!(clips.starts_with("video,subject,start,true,predicted,correct,probability,margin,loss,said,p_red,"));
    assert!(clips.contains(",red; green; blue,"), "{clips}");
    let words = read("error_analysis_test.md");
    assert!(words.contains("mAP") && !words.contains("Most confused pairs"), "{words}");
    let (again, clips) = run.results().evaluations.pop().unwrap();
    let text = serde_json::to_string(evaluation).unwrap();
    assert_eq!(again, serde_json::from_str(&text).unwrap());
    assert_eq!(clips.clips.len(), predictions.clips.len());
}

#[test]
fn clips_without_a_class_are_left_out_and_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut dataset = Dataset::clone(&dataset(&dir.path().join("data")));
    // Frames 14 to 19 of the first training video are not labelled: its clip from 12 on has two labelled frames of eight.
    let first = dataset.videos.iter().position(|v| v.split == Split::Train).unwrap();
    for instance in &mut dataset.videos[first].instances {
        instance.end = instance.end.min(14);
    }
    let planned = plan(&dataset, &settings()).unwrap();
    let starts: Vec<u32> = planned.train.iter().filter(|c| c.video == first).map(|c| c.start).collect();
    assert_eq!(starts, [0, 3, 6, 9]);
    let told: Vec<&str> = planned.warnings.iter().map(|w| w.message.as_str()).collect();
    assert!(told.contains(&"1 clip left out because no class covers half of the frames"), "{told:?}");
}

#[test]
fn a_network_of_one_class_a_clip_is_evaluated_on_several_with_a_word_about_it() {
    let dir = tempfile::tempdir().unwrap();
    let several = dataset(&dir.path().join("data"));
    // The same videos with the first of their colours.
    let mut one = Dataset::clone(&several);
    one.task = Task::SingleLabel;
    for video in &mut one.videos {
        let label = video.instances.first().and_then(|i| i.label.single()).unwrap();
        video.labels = LabelTrack::whole(label);
    }
    let mut config = settings();
    config.training.epochs = 1;
    let out = dir.path().join("run");
    let outcome = train(&Arc::new(one), &config, &out, false, &Silent).unwrap();
    assert!(outcome.history[0].val_map.is_none() && !outcome.history[0].confusion.is_empty());
    let checkpoint = Checkpoint::open(&out).unwrap();
    let (evaluation, predictions) =
        evaluate(&checkpoint, &several, SplitChoice::Test, &ComputeDevice::cpu(), &Silent).unwrap();
    assert!(evaluation.multi_label.is_some());
    assert!(evaluation.warnings.iter().any(|w| w.contains("one class a clip")), "{:?}", evaluation.warnings);
    assert!(predictions.clips.iter().all(|p| (p.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5));
}
