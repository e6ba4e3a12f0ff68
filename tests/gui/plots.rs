//! Plots: every file is written, decodes, shows something and names what it shows, whatever the numbers are.
//! `KINOLENS_PLOTS_OUT` keeps the files there for looking at.

use kinolens::progress::EpochReport;
use kinolens::render::RenderError;
use kinolens::render::plots::{
    ClassScores, CoOccurrence, DatasetFigures, LabelBar, SplitCounts, confusion_matrix, dataset_plots,
    evaluation_plots, multi_label_plots, per_class_curves, training_plots,
};
use std::path::{Path, PathBuf};

/// A folder for the files of one test.
struct Out {
    _temporary: Option<tempfile::TempDir>,
    path: PathBuf,
}

fn out(name: &str) -> Out {
    match std::env::var_os("KINOLENS_PLOTS_OUT") {
        Some(folder) => Out { _temporary: None, path: Path::new(&folder).join(name) },
        None => {
            let temporary = tempfile::tempdir().unwrap();
            let path = temporary.path().join(name);
            Out { _temporary: Some(temporary), path }
        }
    }
}

fn names(count: usize) -> Vec<String> {
    let usual = [
        "squat",
        "lunge",
        "arm raise",
        "jumping jack",
        "bend & twist <slow>",
        "knee lift",
        "push-up against the wall with both hands",
    ];
    (0..count).map(|i| usual.get(i).map_or_else(|| format!("exercise number {i}"), |s| (*s).to_owned())).collect()
}

/// A training that learns, with some noise; the last class has no clip.
fn history(epochs: u32, classes: usize) -> Vec<EpochReport> {
    (1..=epochs)
        .map(|epoch| {
            let t = f64::from(epoch) / 8.0;
            let wiggle = (f64::from(epoch) * 12.9898).sin() * 0.03;
            EpochReport {
                epoch,
                train_loss: (2.6 * (-t).exp() + 0.1) as f32,
                train_accuracy: (1.0 - 0.9 * (-t).exp()) as f32,
                val_loss: Some((2.4 * (-t).exp() + 0.4 + 0.02 * t + wiggle) as f32),
                val_accuracy: Some((0.88 - 0.78 * (-t).exp() + wiggle) as f32),
                per_class_accuracy: (0..classes)
                    .map(|c| {
                        (classes == 1 || c + 1 < classes).then(|| {
                            (0.95 - c as f64 * 0.7 / classes as f64 - 0.6 * (-t).exp() + wiggle).clamp(0.0, 1.0) as f32
                        })
                    })
                    .collect(),
                learning_rate: 1e-4 * 0.5f64.powi(epoch as i32 / 6),
                ..EpochReport::default()
            }
        })
        .collect()
}

/// The PNG decodes at the SVG's size and is not blank; the SVG is well formed and contains `words`.
fn check(png: &Path, words: &[&str]) {
    let picture = image::open(png).unwrap().to_rgb8();
    let (width, height) = picture.dimensions();
    assert!(width == 1200 && height >= 750, "{}: {width}x{height}", png.display());
    let ink = picture.pixels().filter(|p| p.0.iter().any(|v| *v < 200)).count();
    assert!(ink > 800, "{} has only {ink} dark pixels", png.display());
    // Nothing is cut off at the page's edge.
    let edge =
        (0..width).flat_map(|x| [(x, 0), (x, height - 1)]).chain((0..height).flat_map(|y| [(0, y), (width - 1, y)]));
    for (x, y) in edge {
        assert_eq!(picture.get_pixel(x, y).0, [255; 3], "{}: ink at the edge {x},{y}", png.display());
    }
    let svg = std::fs::read_to_string(png.with_extension("svg")).unwrap();
    balanced(&svg);
    assert!(svg.contains(&format!("width=\"{width}\" height=\"{height}\"")), "{}", &svg[..200]);
    for word in words {
        assert!(svg.contains(word), "{} does not say '{word}'", png.display());
    }
}

/// Every element that opens closes, in order, and no stray `<` or `&` is left in texts.
fn balanced(svg: &str) {
    let mut open = Vec::new();
    let mut rest = svg;
    while let Some(at) = rest.find('<') {
        for part in rest[..at].split('&').skip(1) {
            let entity = part.split(';').next().unwrap_or_default();
            assert!(
                ["lt", "gt", "amp", "quot", "apos"].contains(&entity) || entity.starts_with('#'),
                "stray & before {part:.30}"
            );
        }
        let end = at + rest[at..].find('>').expect("an unclosed tag");
        let tag = &rest[at + 1..end];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name.trim()));
        } else if !tag.ends_with('/') && !tag.starts_with(['?', '!']) {
            open.push(tag.split_whitespace().next().unwrap_or_default().to_owned());
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

fn pngs(files: &[PathBuf]) -> Vec<&Path> {
    assert!(files.iter().all(|f| f.metadata().is_ok_and(|m| m.len() > 0)));
    files.iter().map(PathBuf::as_path).filter(|f| f.extension().is_some_and(|e| e == "png")).collect()
}

fn find<'a>(files: &'a [PathBuf], stem: &str) -> &'a Path {
    let wanted = format!("{stem}.png");
    files.iter().find(|f| f.file_name().is_some_and(|n| n == wanted.as_str())).unwrap_or_else(|| panic!("no {wanted}"))
}

#[test]
fn a_training_becomes_eight_plots() {
    let out = out("training");
    let files = training_plots(&history(24, 7), &names(7), 4, &out.path).unwrap();
    assert_eq!(files.len(), 16);
    check(find(&files, "loss"), &["Loss", "epoch", "training", "validation", "best: epoch"]);
    check(find(&files, "accuracy"), &["accuracy (share of clips)"]);
    check(find(&files, "learning_rate"), &["learning rate"]);
    check(find(&files, "training_overview"), &["generalisation gap", "loss", "accuracy"]);
    check(find(&files, "per_class_accuracy"), &["squat", "lunge", "jumping jack"]);
    check(find(&files, "per_class_accuracy_top"), &["best and worst", "squat"]);
    check(find(&files, "per_class_accuracy_map"), &["squat", "epoch"]);
    check(find(&files, "final_class_accuracy"), &["squat", "mean over classes"]);
}

#[test]
fn trainings_at_the_edges() {
    for (name, epochs, classes) in
        [("one-epoch", 1, 5), ("one-class", 9, 1), ("sixty-classes", 40, 60), ("long", 400, 17)]
    {
        let out = out(name);
        let files = training_plots(&history(epochs, classes), &names(classes), 6, &out.path).unwrap();
        assert_eq!(files.len(), 16, "{name}");
        for png in pngs(&files) {
            check(png, &[]);
        }
        // All classes are in the plots that promise all.
        let svg = std::fs::read_to_string(find(&files, "final_class_accuracy").with_extension("svg")).unwrap();
        for class in names(classes).iter().take(classes.saturating_sub(1)).skip(7) {
            assert!(svg.contains(class.as_str()), "{name}: {class}");
        }
    }
}

#[test]
fn missing_numbers_leave_gaps_not_errors() {
    let mut blank = history(6, 4);
    for e in &mut blank {
        (e.val_loss, e.val_accuracy) = (None, None);
        e.per_class_accuracy = vec![None; 4];
    }
    blank[2].train_loss = f32::NAN;
    blank[3].train_loss = f32::INFINITY;
    blank[4].learning_rate = 0.0;
    let out = out("gaps");
    let files = training_plots(&blank, &names(4), 4, &out.path).unwrap();
    assert_eq!(files.len(), 8, "the per-class plots have nothing to show");
    for png in pngs(&files) {
        check(png, &[]);
    }
    let all_nan: Vec<EpochReport> = (1..4)
        .map(|epoch| EpochReport { epoch, train_loss: f32::NAN, train_accuracy: f32::NAN, ..EpochReport::default() })
        .collect();
    assert_eq!(training_plots(&all_nan, &[], 4, &out.path.join("nan")).unwrap().len(), 8);
    assert!(matches!(training_plots(&[], &[], 4, &out.path), Err(RenderError::NothingToPlot { .. })));
    assert!(per_class_curves(&blank, &names(4), None).is_err());
}

fn counts(n: usize) -> Vec<Vec<u64>> {
    (0..n)
        .map(|t| {
            (0..n)
                .map(|p| {
                    if t == p {
                        60 + (t * 13 % 40) as u64
                    } else if (t * 7 + p * 3) % 5 == 0 {
                        (t + p) as u64 % 9
                    } else {
                        0
                    }
                })
                .collect()
        })
        .collect()
}

fn scores(n: usize) -> Vec<ClassScores> {
    names(n)
        .into_iter()
        .enumerate()
        .map(|(i, class)| ClassScores {
            class,
            precision: 0.9 - 0.5 * (i as f64 / n as f64),
            recall: 0.5 + 0.4 * (i as f64 / n as f64),
            f1: 0.66,
            support: 80 + i as u64,
        })
        .collect()
}

#[test]
fn an_evaluation_becomes_three_plots() {
    for n in [1, 2, 7, 17, 60] {
        let out = out(&format!("evaluation-{n}"));
        let files = evaluation_plots(&counts(n), &scores(n), &out.path).unwrap();
        assert_eq!(files.len(), 6);
        check(find(&files, "confusion_matrix"), &["predicted class", "true class", "squat"]);
        // Counts stand in the cells as long as they fit.
        let svg = std::fs::read_to_string(find(&files, "confusion_matrix").with_extension("svg")).unwrap();
        assert_eq!(svg.contains("\n60\n"), n <= 17, "{n} classes");
        check(find(&files, "confusion_matrix_normalised"), &["squat"]);
        check(find(&files, "per_class_scores"), &["precision", "recall", "F1", "squat (80)"]);
    }
    // Rows without clips, and counts that are not square.
    let ragged = vec![vec![0, 0], vec![3]];
    confusion_matrix(&ragged, &names(1), true).unwrap();
    assert!(confusion_matrix(&[], &[], false).is_err());
}

#[test]
fn clips_with_several_classes_have_plots_of_their_own() {
    let mut several = history(12, 5);
    for e in &mut several {
        e.val_map = Some(0.04 * e.epoch as f32);
        e.per_class_ap = std::mem::take(&mut e.per_class_accuracy);
    }
    let training = out("several-training");
    let files = training_plots(&several, &names(5), 4, &training.path).unwrap();
    assert_eq!(files.len(), 18);
    check(
        find(&files, "mean_average_precision"),
        &["Mean average precision", "best: epoch 12", "validation mAP 48.0 %"],
    );
    check(find(&files, "per_class_average_precision"), &["Average precision per class", "squat"]);
    check(find(&files, "final_class_average_precision"), &["Average precision per class at the end", "squat"]);
    for n in [1, 7, 60] {
        let out = out(&format!("several-{n}"));
        let (counts, silent) = (counts(n), vec![5; n]);
        let average_precision: Vec<Option<f64>> = (0..n).map(|c| (c != 1).then_some(0.25)).collect();
        let together =
            CoOccurrence { counts: &counts, said_nothing: &silent, average_precision: &average_precision, map: 0.25 };
        let files = multi_label_plots(&together, &scores(n), &out.path).unwrap();
        assert_eq!(files.len(), 6);
        check(find(&files, "co_occurrence"), &["Co-occurrence", "none predicted", "labelled", "squat", "mAP 25.0 %"]);
        check(find(&files, "average_precision"), &["Average precision per class", "squat (80)", "25.0 %"]);
        // 60 of the 80 clips labelled squat have it said.
        let svg = std::fs::read_to_string(find(&files, "co_occurrence").with_extension("svg")).unwrap();
        assert_eq!(svg.contains("\n0.75\n"), n <= 7, "{n} classes");
    }
}

fn figures(classes: usize, videos: usize) -> DatasetFigures {
    let per_class =
        |k: u64| (0..classes as u64).map(|c| if c == 0 { 64000 / k } else { (9000 + c * 137 % 2000) / k }).collect();
    let split = |split: &str, k| SplitCounts { split: split.into(), per_class: per_class(k) };
    DatasetFigures {
        classes: names(classes),
        frames: vec![split("train", 1), split("test", 2)],
        clips: vec![split("train", 8), split("val", 16), split("test", 16)],
        video_seconds: (0..videos).map(|v| 18.0 + (v * 37 % 23) as f64).collect(),
        labels: (0..videos)
            .map(|v| LabelBar {
                name: format!("s{v:02}"),
                seconds: 18.0 + (v * 37 % 23) as f64,
                parts: (0..6)
                    .map(|k| {
                        (
                            1.0 + f64::from(k) * 3.0,
                            3.5 + f64::from(k) * 3.0,
                            (k % 3 != 2).then_some((v + k as usize) % classes.max(1)),
                        )
                    })
                    .collect(),
            })
            .collect(),
    }
}

#[test]
fn a_dataset_becomes_four_plots() {
    for (classes, videos) in [(8, 12), (1, 1), (17, 60), (60, 200)] {
        let out = out(&format!("dataset-{classes}-{videos}"));
        let files = dataset_plots(&figures(classes, videos), &out.path).unwrap();
        assert_eq!(files.len(), 8);
        check(find(&files, "frames_per_class"), &["Labelled frames per class", "train", "test", "squat"]);
        check(find(&files, "clips_per_class"), &["Clips per class", "val"]);
        check(find(&files, "video_lengths"), &["seconds", "videos", "median"]);
        check(find(&files, "label_overview"), &["s00", "seconds", "background"]);
    }
    let out = out("dataset-empty");
    assert!(dataset_plots(&DatasetFigures::default(), &out.path).unwrap().is_empty());
}

#[test]
fn markup_in_names_is_escaped() {
    let out = out("markup");
    let files = dataset_plots(&figures(5, 2), &out.path).unwrap();
    check(find(&files, "frames_per_class"), &["bend &amp; twist &lt;slow&gt;"]);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let message = training_plots(&history(2, 2), &names(2), 2, file.path()).unwrap_err().to_string();
    assert!(message.contains(&file.path().display().to_string()), "{message}");
}
