//! Frame folders as people have them: with gaps, streams, foreign pictures and damage.

use crate::support::datasets::{open, outside, temp, video, video_of, warns};
use kinolens::config::RunConfig;
use kinolens::data::{ClipSource, plan};
use kinolens::domain::{Clip, Dataset, Split, VideoEntry};
use kinolens::video::{Video, VideoError, probe};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A picture in which everything is the number `n`.
fn picture(path: PathBuf, n: u32, size: (u32, u32)) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    image::RgbImage::from_pixel(size.0, size.1, image::Rgb([n as u8, (2 * n) as u8, (3 * n) as u8]))
        .save(path)
        .unwrap();
}

fn frames(dir: &Path, prefix: &str, numbers: impl IntoIterator<Item = u32>) {
    numbers.into_iter().for_each(|n| picture(dir.join(format!("{prefix}{n:05}.png")), n, (8, 6)));
}

fn jpeg(path: &Path, cut: impl Fn(Vec<u8>) -> Vec<u8>) {
    let noise = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([(x * 37 + y * 11) as u8, (x * y) as u8, 90]));
    noise.save(path).unwrap();
    std::fs::write(path, cut(std::fs::read(path).unwrap())).unwrap();
}

fn entry<'a>(data: &'a Dataset, name: &str) -> &'a VideoEntry {
    data.videos.iter().find(|v| v.name == name).unwrap_or_else(|| panic!("no {name}"))
}

fn red(video: &Video, frame: u32) -> u8 {
    video.frame(frame).unwrap().image.data[0]
}

#[test]
fn a_missing_picture_keeps_its_number_everywhere() {
    let root = temp();
    let dir = root.path().join("up/v1");
    frames(&dir, "img_", (1..=20).filter(|n| ![8, 9].contains(n)));
    let data = open(root.path());
    let v = entry(&data, "up/v1");
    assert_eq!((v.frames(), v.facts.as_ref().unwrap().gaps.clone()), (20, vec![(7, 9)]));
    assert!(
        warns(&data, "up/v1", &["2 numbers are missing", "img_*.png", "8 to 9", "frames 7 to 8"]),
        "{:?}",
        data.warnings
    );
    // The file's number, less that of the first.
    let video = Video::open(&dir).unwrap();
    assert_eq!([0, 6, 9, 19].map(|f| red(&video, f)), [1, 7, 10, 20]);
    assert!(matches!(video.frame(7), Err(VideoError::Decode { frame: 7, .. })));
    let report = probe(&dir, &[9]).unwrap();
    assert_eq!((report.frames, report.samples[0].mean.r), (20, 10.0));
    assert!(report.warnings.iter().any(|w| w.contains("8 to 9")), "{:?}", report.warnings);

    // No clip of a plan needs one of them; whoever asks all the same gets the picture before.
    let mut config = RunConfig::reference();
    (config.clip.length, config.clip.step, config.clip.width, config.clip.height) = (4, 1, 8, 6);
    (config.clip.train_stride, config.clip.eval_stride) = (1, 1);
    let all = kinolens::data::labelled_clips(&data, &config, 1, |_| true);
    let starts: Vec<u32> = all.iter().map(|c| c.start).collect();
    assert_eq!(starts, [0, 1, 2, 3, 9, 10, 11, 12, 13, 14, 15, 16]);
    let data = Arc::new(data);
    for announced in [false, true] {
        let source = ClipSource::new(data.clone(), &config);
        if announced {
            source.announce(&all);
        }
        let shown = |start| source.pictures(&Clip::window(0, start)).unwrap();
        let reds = |start| shown(start).iter().map(|p| p.data[0]).collect::<Vec<_>>();
        assert_eq!((reds(5), reds(7), reds(16)), (vec![6, 7, 7, 7], vec![7, 7, 10, 11], vec![17, 18, 19, 20]));
    }
}

#[test]
fn numbering_begins_anywhere_and_counts_as_people_do() {
    let root = temp();
    for (first, name) in [(0, "zero"), (1, "one"), (371, "late")] {
        let dir = root.path().join("a").join(name);
        for n in 0..12 {
            picture(dir.join(format!("frame{}.png", first + n)), n, (8, 6));
        }
    }
    let data = open(root.path());
    assert!(data.warnings.iter().all(|w| !w.message.contains("missing")), "{:?}", data.warnings);
    for name in ["zero", "one", "late"] {
        let video = Video::open(&root.path().join("a").join(name)).unwrap();
        assert_eq!((video.info().frames, red(&video, 2), red(&video, 11)), (12, 2, 11), "{name}");
    }
}

#[test]
fn streams_beside_the_pictures_are_left_out_and_named() {
    let root = temp();
    // In one folder, as TSN and its successors write them.
    let flat = root.path().join("run/v1");
    frames(&flat, "img_", 1..=6);
    frames(&flat, "flow_x_", 101..=105);
    frames(&flat, "flow_y_", 101..=105);
    // In folders of their own, and the pictures beside such folders.
    for (stream, first) in [("flow_x", 100), ("flow_y", 100), ("rgb", 1)] {
        frames(&root.path().join("run/v2").join(stream), "", first..first + 5);
    }
    frames(&root.path().join("walk/v3"), "", 1..=4);
    frames(&root.path().join("walk/v3/flow"), "", 50..=53);
    video(root.path().join("walk/v4"), 5);
    let data = open(root.path());
    let seen: Vec<_> = data.videos.iter().map(|v| (v.name.as_str(), v.frames())).collect();
    assert_eq!(seen, [("run/v1", 6), ("run/v2", 5), ("walk/v3", 4), ("walk/v4", 5)]);
    assert!(warns(&data, "run/v1", &["img_*.png", "flow_x_*.png", "flow_y_*.png", "left out"]), "{:?}", data.warnings);
    assert!(warns(&data, "run/v2", &["in rgb/", "flow_x/", "flow_y/"]), "{:?}", data.warnings);
    assert!(warns(&data, "walk/v3", &["flow/", "left out"]), "{:?}", data.warnings);
    for name in ["run/v1", "run/v2", "walk/v3"] {
        let video = Video::open(&root.path().join(name)).unwrap();
        assert_eq!(red(&video, 3), 4, "{name}");
    }
    assert_eq!(open(root.path().join("run/v2")).videos[0].frames(), 5);
    // Every video of the set so.
    let nested = temp();
    for video in ["a/v1", "a/v2", "b/v3"] {
        for stream in ["depth", "rgb"] {
            frames(&nested.path().join(video).join(stream), "", 1..4);
        }
    }
    let data = open(nested.path());
    let seen: Vec<_> = data.videos.iter().map(|v| (v.name.as_str(), v.frames())).collect();
    assert_eq!((data.classes.len(), seen), (2, vec![("a/v1", 3), ("a/v2", 3), ("b/v3", 3)]));
}

#[test]
fn one_sentence_speaks_for_many_folders() {
    let root = temp();
    for v in 0..6 {
        let dir = root.path().join("a").join(format!("v{v}"));
        frames(&dir, "img_", v..v + 3);
        frames(&dir, "flow_x_", 1..=2);
    }
    let data = open(root.path());
    let about: Vec<_> = data.warnings.iter().filter(|w| w.message.contains("flow_x_")).collect();
    assert_eq!(about.len(), 1, "{about:?}");
    assert!(about[0].message.contains("6 videos"), "{about:?}");
}

#[test]
fn foreign_pictures_are_left_out_with_a_word() {
    let root = temp();
    let dir = root.path().join("a/v1");
    frames(&dir, "img_", 1..=9);
    picture(dir.join("thumbnail.png"), 200, (30, 30));
    // Numbered like a frame, but of another size: somebody's contact sheet.
    picture(dir.join("img_00010.png"), 201, (64, 48));
    frames(&dir, "img_", 11..=14);
    // What macOS writes beside every file on a foreign disk.
    std::fs::write(dir.join("._img_00001.png"), b"\x00\x05\x16\x07Mac OS X").unwrap();
    let data = open(root.path());
    let v = entry(&data, "a/v1");
    assert_eq!((v.frames(), v.facts.as_ref().unwrap().gaps.clone()), (14, vec![(9, 10)]));
    assert_eq!(v.facts.as_ref().map(|f| (f.width, f.height)), Some((8, 6)));
    assert!(warns(&data, "a/v1", &["thumbnail.png", "left out"]), "{:?}", data.warnings);
    assert!(warns(&data, "a/v1", &["img_00010.png", "64x48", "8x6"]), "{:?}", data.warnings);
    assert!(!data.warnings.iter().any(|w| w.message.contains("._img")), "{:?}", data.warnings);
}

/// What happens to the bytes of a file.
type Damage = fn(Vec<u8>) -> Vec<u8>;

#[test]
fn every_kind_of_damaged_picture_is_named_with_its_path() {
    let root = temp();
    let damages: [(&str, Damage); 6] = [
        ("empty", |_| Vec::new()),
        ("cut", |b| b[..b.len() / 2].to_vec()),
        ("cut at the end", |b| b[..b.len() - 2].to_vec()),
        ("zeroed", |b| [&b[..b.len() / 2], &vec![0; b.len() / 2][..]].concat()),
        ("page", |_| b"<!DOCTYPE html><html>404</html>".to_vec()),
        ("head only", |b| b[..20].to_vec()),
    ];
    for (name, damage) in damages {
        let dir = root.path().join("a").join(name);
        std::fs::create_dir_all(&dir).unwrap();
        for n in 1..=9 {
            let whole = |b: Vec<u8>| b;
            jpeg(&dir.join(format!("img_{n:05}.jpg")), if n == 5 { damage } else { whole });
        }
    }
    // PNG files have sums: one changed byte is enough.
    let dir = root.path().join("a/png");
    video_of(&dir, 9, (40, 30), |n, x, y| [(x * n) as u8, y as u8, 7]);
    let mut bytes = std::fs::read(dir.join("00004.png")).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(dir.join("00004.png"), bytes).unwrap();

    let cache = temp();
    let open = || {
        kinolens::data::open_with_cache(
            root.path(),
            &Default::default(),
            Some(cache.path()),
            &kinolens::progress::Silent,
        )
        .unwrap()
    };
    let data = open();
    for v in &data.videos {
        let facts = v.facts.as_ref().unwrap();
        assert_eq!((facts.frames, facts.gaps.clone()), (9, vec![(4, 5)]), "{}", v.name);
        let file = if v.name.ends_with("png") { "00004.png" } else { "img_00005.jpg" };
        let path = v.path.join(file).display().to_string();
        assert!(warns(&data, &v.name, &[&path, "damaged", "frame 4"]), "{path}: {:#?}", data.warnings);
        let error = Video::open(&v.path).unwrap().frame(4).unwrap_err().to_string();
        assert!(error.contains(file), "{error}");
    }
    // Mended in place, without a change of the folder.
    jpeg(&root.path().join("a/cut/img_00005.jpg"), |b| b);
    assert!(entry(&open(), "a/cut").facts.as_ref().unwrap().gaps.is_empty());
    // Torn later, without a change of the folder either.
    jpeg(&root.path().join("a/cut/img_00007.jpg"), |b| b[..40].to_vec());
    assert_eq!(entry(&open(), "a/cut").facts.as_ref().unwrap().gaps, [(6, 7)]);
    // All of them damaged: no video at all.
    for n in 1..=9 {
        std::fs::write(root.path().join(format!("a/page/img_{n:05}.jpg")), "").unwrap();
    }
    std::fs::write(root.path().join("a/page/img_00010.jpg"), "").unwrap();
    let data = open();
    assert!(entry(&data, "a/page").facts.is_none());
    assert!(warns(&data, "a/page", &["none of its 10 pictures"]), "{:?}", data.warnings);
}

#[test]
fn a_single_torn_picture_is_an_error_and_not_half_grey() {
    let root = temp();
    let path = root.path().join("one.jpg");
    jpeg(&path, |b| b[..b.len() * 2 / 3].to_vec());
    assert!(Video::open(&path).unwrap_err().to_string().contains("cut off"));
}

#[test]
fn a_plan_says_what_it_leaves_out() {
    let root = temp();
    for person in 0..6 {
        for class in ["jump", "walk"] {
            let dir = root.path().join(class).join(format!("s{person}_{class}"));
            let missing = if person == 3 && class == "walk" { 5 } else { 99 };
            frames(&dir, "img_", (1..=24).map(|n| n + person).filter(|n| *n != missing + person));
        }
    }
    let data = open(root.path());
    let mut config = RunConfig::reference();
    (config.clip.length, config.clip.step, config.clip.train_stride, config.clip.eval_stride) = (8, 1, 4, 4);
    let p = plan(&data, &config).unwrap();
    let gap = data.videos.iter().position(|v| v.name == "walk/s3_walk").unwrap();
    let all = p.clips(p.parts[gap]).iter().filter(|c| c.video == gap).map(|c| c.start).collect::<Vec<_>>();
    // Of 0, 4, 8, 12, 16: the first two would need frame 4.
    assert_eq!(all, [8, 12, 16]);
    let said: Vec<_> = p.warnings.iter().filter(|w| w.message.contains("s3_walk")).collect();
    assert!(
        said.len() == 1 && said[0].message.contains("2 clips left out") && said[0].message.contains("1 of 24"),
        "{said:?}"
    );
    assert_ne!(p.parts[gap], Split::Unassigned);
}

#[test]
fn reported_frame_folders_are_right() {
    let Some(root) = outside("KINOLENS_VIDEOS", "../shared/data") else { return };
    let root = root.join("reported/datasets");
    let data = open(root.join("12-rawframes-gap"));
    let of = |name: &str| {
        let facts = entry(&data, name).facts.clone().unwrap();
        (facts.frames, facts.gaps)
    };
    assert_eq!(of("right/v1"), (20, vec![(7, 9)]));
    assert_eq!(of("right/v3b"), (20, vec![(9, 10)]));
    assert_eq!((of("up/v2"), of("up/v3")), ((20, vec![]), (20, vec![])));
    assert!(warns(&data, "right/v1", &["8 to 9"]) && warns(&data, "right/v3b", &["thumbnail.jpg"]));
    assert!(warns(&data, "right/v3b", &["right/v3b/img_00010.jpg", "empty"]), "{:?}", data.warnings);

    let data = open(root.join("33-tsn-frames"));
    assert!(data.videos.iter().all(|v| v.frames() == 20) && data.videos.len() == 6);
    assert!(data.warnings.iter().any(|w| w.message.contains("flow_x_*") && w.message.contains("flow_y_*")));

    let data = open(root.join("34-bad-jpeg"));
    for (video, file, gap) in [("jump/s4_jump", "img_00005.jpg", (4, 5)), ("walk/s3_walk", "img_00012.jpg", (11, 12))] {
        assert_eq!(entry(&data, video).facts.as_ref().unwrap().gaps, [gap]);
        assert!(warns(&data, video, &[file, "damaged"]), "{:?}", data.warnings);
    }
}

#[test]
fn a_photo_beside_its_mask_is_no_mix_of_both() {
    let root = temp();
    for (name, step) in [("all", 1), ("some", 3)] {
        let dir = root.path().join("walk").join(name);
        for n in 1..=12 {
            let path = dir.join(format!("{n:05}.jpg"));
            picture(path, 10 * n, (8, 6));
            if n % step == 0 {
                image::RgbImage::from_pixel(8, 6, image::Rgb([255; 3])).save(dir.join(format!("{n:05}.png"))).unwrap();
            }
        }
    }
    let data = open(root.path());
    for name in ["all", "some"] {
        let video = Video::open(&root.path().join("walk").join(name)).unwrap();
        let shown: Vec<i32> = (0..12).map(|f| i32::from(red(&video, f))).collect();
        assert!(shown.iter().zip(1..).all(|(red, n)| (red - 10 * n).abs() <= 3), "{name}: {shown:?}");
        assert!(warns(&data, name, &[".png", "left out", "the frames are *.jpg"]), "{:?}", data.warnings);
    }
}

#[test]
fn a_rate_that_is_assumed_is_said_by_probe() {
    let root = temp();
    let dir = root.path().join("v1");
    frames(&dir, "img_", 1..=6);
    let report = probe(&dir, &[]).unwrap();
    assert!(report.warnings.is_empty() && report.notes.iter().any(|n| n.contains("25 frames a second are assumed")));
    let single = probe(&dir.join("img_00001.png"), &[]).unwrap();
    assert!(single.notes.is_empty(), "{:?}", single.notes);
}
