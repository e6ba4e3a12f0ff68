//! The same recording under two labels or in two splits.

use crate::support::datasets::{open, outside, temp, video_of, warns};
use kinolens::config::RunConfig;
use kinolens::data::plan;
use kinolens::domain::RgbImage;
use kinolens::video::{Video, VideoWriter};
use std::path::Path;

/// A bar that moves over shapes, at any size and rate: frame `t` of `1.0`.
fn scene(seed: u32, t: f64, width: u32, height: u32) -> RgbImage {
    let mut data = Vec::with_capacity((width * height * 3) as usize);
    for y in 0..height {
        for x in 0..width {
            let (u, v) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
            let wave = (u * 9.0 + f64::from(seed)).sin() * (v * 7.0 + f64::from(seed) * 0.7).cos();
            // Soft edges: cameras have them.
            let side = ((0.12 - (u - 0.3 - 0.3 * t).abs()) / 0.08).clamp(0.0, 1.0);
            let body = side * ((0.34 - (v - 0.5).abs()) / 0.08).clamp(0.0, 1.0);
            let level = 235.0 * body + (110.0 + 60.0 * wave) * (1.0 - body);
            data.extend([level as u8, (level * 0.9) as u8, (level * 0.8) as u8]);
        }
    }
    RgbImage::new(width, height, data).unwrap()
}

fn film(path: impl AsRef<Path>, seed: u32, frames: u32, size: (u32, u32)) {
    let path = path.as_ref();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = VideoWriter::create(path, size.0, size.1, f64::from(frames)).unwrap();
    (0..frames).for_each(|n| writer.push(&scene(seed, f64::from(n) / f64::from(frames), size.0, size.1)).unwrap());
    writer.finish().unwrap();
}

#[test]
fn equal_files_under_two_labels_or_in_two_splits_are_named() {
    let root = temp();
    let r = root.path();
    for (i, name) in ["train/jump/s1", "train/walk/s2", "test/jump/s3", "test/walk/s4"].iter().enumerate() {
        film(r.join(format!("{name}.mp4")), i as u32, 20, (64, 48));
    }
    assert!(open(r).warnings.is_empty(), "{:?}", open(r).warnings);
    std::fs::copy(r.join("train/jump/s1.mp4"), r.join("train/walk/again.mp4")).unwrap();
    std::fs::copy(r.join("train/walk/s2.mp4"), r.join("test/walk/other name.mp4")).unwrap();
    let data = open(r);
    let same = ["the same file", "jump", "walk", "labels is wrong"];
    assert!(warns(&data, "again.mp4", &same), "{:?}", data.warnings);
    assert!(warns(&data, "s2.mp4", &["the same file", "(train)", "(test)", "other name.mp4"]), "{:?}", data.warnings);
    assert_eq!(data.copies.len(), 2);
    assert!(data.copies.iter().all(|c| c.equal && c.videos.len() == 2));
    let mut config = RunConfig::reference();
    config.data.validation = kinolens::config::Validation::Off;
    let p = plan(&data, &config).unwrap();
    assert!(p.warnings.iter().any(|w| w.message.contains("trained on and evaluated")), "{:?}", p.warnings);
    // Equal length and equal ends are not enough.
    let mut bytes = std::fs::read(r.join("train/jump/s1.mp4")).unwrap();
    bytes.extend(vec![0; 400_000]);
    std::fs::write(r.join("train/jump/s1.mp4"), &bytes).unwrap();
    let at = bytes.len() - 300_000;
    bytes[at] = 1;
    std::fs::write(r.join("train/walk/again.mp4"), &bytes).unwrap();
    assert_eq!(open(r).copies.iter().filter(|c| c.equal).count(), 1);
}

#[test]
fn recordings_encoded_anew_are_known_and_other_takes_are_not() {
    let root = temp();
    let r = root.path();
    film(r.join("train/jump/a.mp4"), 1, 30, (96, 72));
    // Other size, rate and picture kind; a frame folder too.
    film(r.join("test/jump/small.mp4"), 1, 25, (64, 48));
    for n in 0..30 {
        let picture = scene(1, f64::from(n) / 30.0, 80, 60);
        let path = r.join(format!("test/walk/v/img_{n:05}.jpg"));
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        image::RgbImage::from_raw(80, 60, picture.data.to_vec()).unwrap().save(path).unwrap();
    }
    // Another person in the same room, and the same person walking back.
    film(r.join("test/walk/b.mp4"), 1, 30, (96, 72));
    let mirrored = r.join("test/walk/b.mp4");
    let mut writer = VideoWriter::create(&mirrored, 96, 72, 30.0).unwrap();
    (0..30).for_each(|n| writer.push(&scene(1, 1.0 - f64::from(n) / 30.0, 96, 72)).unwrap());
    writer.finish().unwrap();
    film(r.join("train/walk/c.mp4"), 2, 30, (96, 72));
    let data = open(r);
    let groups: Vec<Vec<&str>> =
        data.copies.iter().map(|c| c.videos.iter().map(|i| data.videos[*i].name.as_str()).collect()).collect();
    assert_eq!(groups, [vec!["test/jump/small.mp4", "test/walk/v", "train/jump/a.mp4"]], "{:?}", data.warnings);
    assert!(!data.copies[0].equal);
    assert!(warns(&data, "test/walk/v", &["encoded anew", "jump", "walk", "3 videos in all"]), "{:?}", data.warnings);
}

#[test]
fn equal_frame_folders_are_copies_and_blank_videos_are_not_alike() {
    let root = temp();
    for (name, add) in [("jump/s1", 0), ("walk/s2", 0), ("walk/s3", 1)] {
        video_of(root.path().join(name), 8, (16, 12), |n, x, y| [(n * 20 + add) as u8, (x * 9) as u8, (y * 9) as u8]);
    }
    // Flat pictures say nothing.
    video_of(root.path().join("jump/dark"), 8, (16, 12), |n, _, _| [n as u8, 0, 0]);
    video_of(root.path().join("walk/dark too"), 8, (16, 12), |n, _, _| [n as u8 + 1, 0, 0]);
    let data = open(root.path());
    assert!(warns(&data, "walk/s2", &["the same file", "jump/s1"]), "{:?}", data.warnings);
    assert!(!data.warnings.iter().any(|w| w.message.contains("dark")), "{:?}", data.warnings);
}

#[test]
fn takes_of_one_person_before_one_background_are_not_copies() {
    let Some(root) = outside("KINOLENS_VIDEOS", "../shared/data") else { return };
    for set in ["weizmann4", "reported/datasets/36-cut-clips", "reported/datasets/34-bad-jpeg"] {
        let data = open(root.join(set));
        assert!(data.copies.is_empty(), "{set}: {:?}", data.copies);
    }
    // A clip of theirs, decoded and encoded anew by this program, is.
    let copy = temp();
    for (from, to) in [("wave1/s1_wave1.mp4", "wave1/a.mp4"), ("wave2/s1_wave2.mp4", "wave2/b.mp4")] {
        let (from, to) = (root.join("weizmann4").join(from), copy.path().join(to));
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(from, to).unwrap();
    }
    assert!(open(copy.path()).copies.is_empty());
    let video = Video::open(&copy.path().join("wave1/a.mp4")).unwrap();
    let info = video.info();
    let mut writer = VideoWriter::create(&copy.path().join("wave2/c.mp4"), info.width, info.height, info.fps).unwrap();
    video
        .for_each(0, info.frames, &mut |frame| {
            writer.push(&frame.image).unwrap();
            true
        })
        .unwrap();
    writer.finish().unwrap();
    let data = open(copy.path());
    assert!(warns(&data, "wave2/c.mp4", &["encoded anew", "wave1", "wave2"]), "{:?}", data.warnings);
}
