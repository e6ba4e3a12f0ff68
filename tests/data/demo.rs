//! The demo dataset: complete, the same for the same seed, true to its own poses, and openable.

use kinolens::config::DataConfig;
use kinolens::data::demo::{DemoError, DemoOptions, Exercise, SIZE, make};
use kinolens::domain::{Label, MaskSource, Split};
use kinolens::progress::{Flow, Monitor, Progress, Silent};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn small(seed: u64) -> DemoOptions {
    DemoOptions { subjects: 2, seed, exercise_frames: 8, rest_frames: 0, pose_videos: true, force: false }
}

/// Every file below `root` with its bytes, videos left out.
fn contents(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_none_or(|e| e != "mp4") {
                all.insert(path.strip_prefix(root).unwrap().to_path_buf(), std::fs::read(&path).unwrap());
            }
        }
    }
    all
}

#[test]
fn the_same_seed_gives_the_same_labels_masks_and_poses() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|n| folder.path().join(n));
    make(&a, &small(5), &Silent).unwrap();
    make(&b, &small(5), &Silent).unwrap();
    make(&c, &small(6), &Silent).unwrap();
    let (first, again, other) = (contents(&a), contents(&b), contents(&c));
    assert!(first.keys().eq(again.keys()));
    let changed: Vec<_> = first.keys().filter(|k| first[*k] != again[*k]).collect();
    assert!(changed.is_empty(), "differ: {changed:?}");
    let labels = Path::new("label/s01.csv");
    assert_ne!(first[labels], other[labels]);
}

#[test]
fn it_opens_with_every_class_both_splits_masks_and_poses_on_the_figure() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    let summary = make(&root, &small(7), &Silent).unwrap();
    assert_eq!((summary.train_subjects, summary.test_subjects), (1, 1));

    let dataset = kinolens::data::open(&root, &DataConfig::default(), &Silent).unwrap();
    assert_eq!(dataset.warnings, []);
    assert_eq!(dataset.classes.len(), Exercise::ALL.len());
    assert_eq!(dataset.videos.iter().map(|v| v.split).collect::<Vec<_>>(), [Split::Train, Split::Test]);
    assert_eq!(dataset.videos.iter().map(|v| u64::from(v.frames())).sum::<u64>(), summary.frames);
    for video in &dataset.videos {
        let facts = video.facts.as_ref().unwrap();
        assert_eq!((facts.width, facts.height, facts.codec.as_str()), (SIZE.0, SIZE.1, "h264"));
        assert!((facts.fps - 30.0).abs() < 1e-6);
        assert!(video.pose_video.is_some());
        for class in 0..Exercise::ALL.len() {
            let frames = (0..facts.frames).filter(|f| video.labels.at(*f) == Some(Label::Class(class))).count();
            assert_eq!(frames, 8, "class {class} of {}", video.name);
        }
        assert!(matches!(&video.masks, Some(MaskSource::Files(files)) if files.iter().all(Option::is_some)));
        let poses = kinolens::data::load_poses(video).unwrap();
        assert_eq!(poses.frames.len(), facts.frames as usize);
        for (frame, joints) in poses.frames.iter().enumerate() {
            let mask = kinolens::data::load_mask(video, frame as u32).unwrap().unwrap();
            assert_eq!((mask.width, mask.height), SIZE);
            let covered = mask.data.iter().filter(|v| **v > 0).count();
            let share = covered as f32 / mask.data.len() as f32;
            assert!((0.04..0.3).contains(&share), "{} of frame {frame} is person", share);
            assert_eq!(joints.len(), 17);
            for (i, joint) in joints.iter().enumerate() {
                // Half-hidden joints of the head lie on the outline: allow three pixels.
                let near = (-3..=3).any(|dy: i32| {
                    (-3..=3).any(|dx: i32| {
                        let (x, y) = (joint.x.round() as i32 + dx, joint.y.round() as i32 + dy);
                        (0..SIZE.0 as i32).contains(&x)
                            && (0..SIZE.1 as i32).contains(&y)
                            && mask.data[(y as u32 * SIZE.0 + x as u32) as usize] > 0
                    })
                });
                assert!(near, "joint {i} of frame {frame} of {} is off the person", video.name);
            }
        }
    }
}

#[test]
fn a_video_shows_the_person_where_the_mask_says() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    make(&root, &DemoOptions { subjects: 1, ..small(3) }, &Silent).unwrap();
    let dataset = kinolens::data::open(&root, &DataConfig::default(), &Silent).unwrap();
    let entry = &dataset.videos[0];
    let video = kinolens::video::Video::open(&entry.path).unwrap();
    // Most of what changes between distant frames changes where the person is in one of them.
    let (a, b) = (video.frame(12).unwrap(), video.frame(entry.frames() - 30).unwrap());
    let masks = [12, entry.frames() - 30].map(|f| kinolens::data::load_mask(entry, f).unwrap().unwrap());
    let (mut on_person, mut people, mut elsewhere, mut rest) = (0.0_f64, 0.0, 0.0, 0.0);
    for (i, (p, q)) in a.image.data.chunks_exact(3).zip(b.image.data.chunks_exact(3)).enumerate() {
        let change: f64 = p.iter().zip(q).map(|(p, q)| f64::from(p.abs_diff(*q))).sum();
        if masks.iter().any(|m| m.data[i] > 0) {
            on_person += change;
            people += 1.0;
        } else {
            elsewhere += change;
            rest += 1.0;
        }
    }
    assert!(on_person / people > 2.0 * elsewhere / rest, "{} against {}", on_person / people, elsewhere / rest);
}

#[test]
fn it_never_overwrites_what_is_not_a_demo_dataset() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("demo");
    std::fs::create_dir(&root).unwrap();
    std::fs::write(root.join("thesis.txt"), "years of work").unwrap();
    let force = DemoOptions { force: true, ..small(1) };
    let error = make(&root, &force, &Silent).unwrap_err();
    assert!(matches!(error, DemoError::Occupied { .. }), "{error}");
    assert!(error.to_string().contains("thesis.txt"), "{error}");
    std::fs::remove_file(root.join("thesis.txt")).unwrap();

    assert!(!make(&root, &small(1), &Silent).unwrap().reused);
    assert!(make(&root, &small(1), &Silent).unwrap().reused);
    assert!(matches!(make(&root, &small(2), &Silent), Err(DemoError::Occupied { .. })));
    assert!(!make(&root, &DemoOptions { force: true, ..small(2) }, &Silent).unwrap().reused);
}

/// Says stop after a few reports.
struct StopSoon(std::sync::atomic::AtomicU32);

impl Monitor for StopSoon {
    fn emit(&self, _progress: Progress) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }

    fn poll(&self) -> Flow {
        if self.0.load(std::sync::atomic::Ordering::Relaxed) > 3 { Flow::Stop } else { Flow::Continue }
    }
}

#[test]
fn stopping_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let error = make(folder.path(), &small(1), &StopSoon(0.into())).unwrap_err();
    assert!(matches!(error, DemoError::Stopped), "{error}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn impossible_options_are_refused_in_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let error = make(folder.path(), &DemoOptions { subjects: 0, ..small(1) }, &Silent).unwrap_err();
    assert!(error.to_string().contains("1 to 200"), "{error}");
}
