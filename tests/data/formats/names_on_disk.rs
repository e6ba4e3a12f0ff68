//! Names as they lie on disk: not UTF-8, composed otherwise, of servers and systems, with unusual endings.

use crate::support::datasets::{open, outside, temp, try_open, video, video_of, warns, write};
use kinolens::domain::Split;
use std::collections::BTreeSet;

#[cfg(unix)]
mod bytes {
    use super::*;
    use kinolens::config::{DataConfig, RunConfig};
    use kinolens::data::{ClipSource, open_with_cache, statistics};
    use kinolens::domain::{Clip, RgbImage};
    use kinolens::progress::Silent;
    use kinolens::video::VideoWriter;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;
    use std::sync::Arc;

    fn film(path: &Path, frames: u32, level: u8) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut writer = VideoWriter::create(&path.with_file_name("plain.mp4"), 32, 32, 25.0).unwrap();
        for n in 0..frames {
            let data: Vec<u8> = (0..32 * 32).flat_map(|i| [level, (i / 8 + n) as u8, level]).collect();
            writer.push(&RgbImage::new(32, 32, data).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        std::fs::rename(path.with_file_name("plain.mp4"), path).unwrap();
    }

    #[test]
    fn names_that_are_not_utf8_have_records_of_their_own_in_every_cache() {
        let (root, cache) = (temp(), temp());
        let named = |bytes: &[u8]| root.path().join("a").join(OsStr::from_bytes(bytes));
        let names: [(&[u8], u32, u8); 3] =
            [(b"caf\xe9.mp4", 10, 40), (b"caf\xe8.mp4", 20, 120), (b"caf\xea.mp4", 30, 200)];
        names.iter().for_each(|(name, frames, level)| film(&named(name), *frames, *level));
        for _ in 0..2 {
            let open = || open_with_cache(root.path(), &DataConfig::default(), Some(cache.path()), &Silent).unwrap();
            let data = Arc::new(open());
            let seen: BTreeSet<(String, u32)> = data.videos.iter().map(|v| (v.name.clone(), v.frames())).collect();
            let truth = [("a/caf\\xE9.mp4", 10), ("a/caf\\xE8.mp4", 20), ("a/caf\\xEA.mp4", 30)];
            assert_eq!(seen, truth.map(|(n, f)| (n.to_owned(), f)).into());
            // The frames on disk too, and reports are written.
            let mut config = RunConfig::reference();
            (config.clip.length, config.clip.step, config.clip.width, config.clip.height) = (4, 1, 8, 8);
            let source = ClipSource::new(data.clone(), &config).with_disk_at(cache.path().join("frames"), 1 << 24);
            for (i, v) in data.videos.iter().enumerate() {
                let level = names.iter().find(|n| v.path.ends_with(Path::new(OsStr::from_bytes(n.0)))).unwrap().2;
                let red = source.pictures(&Clip::window(i, 0)).unwrap()[0].data[0];
                assert!(red.abs_diff(level) < 8, "{}: {red} for {level}", v.name);
            }
            let text = serde_json::to_string(&statistics(&data, &config.clip, false)).unwrap();
            assert!(text.contains("caf\\\\xE9.mp4"), "{text}");
        }
        let indexed = std::fs::read_dir(cache.path().join("datasets")).unwrap().count();
        assert_eq!(indexed, 1, "what is inside was not kept");
        assert_eq!(std::fs::read_dir(cache.path().join("frames")).unwrap().count(), 3);
    }

    #[test]
    fn labels_find_videos_whose_names_are_not_utf8() {
        let root = temp();
        let named = |dir: &str, bytes: &[u8]| root.path().join(dir).join(OsStr::from_bytes(bytes));
        film(&named("anon", b"caf\xe9_1.mp4"), 6, 10);
        film(&named("anon", b"caf\xe8_1.mp4"), 6, 90);
        std::fs::create_dir_all(root.path().join("label")).unwrap();
        std::fs::write(named("label", b"caf\xe9_1.csv"), "frame,class\n0,1\n1,1\n").unwrap();
        std::fs::write(root.path().join("label/caf\u{e8}_1.csv"), "frame,class\n0,2\n1,2\n").unwrap();
        let data = open(root.path());
        let ids: Vec<i64> =
            data.videos.iter().map(|v| data.classes.classes[v.labels.at(0).unwrap().class().unwrap()].id).collect();
        assert_eq!(ids, [2, 1], "{:?}", data.videos.iter().map(|v| &v.name).collect::<Vec<_>>());
    }
}

#[test]
fn accents_match_however_they_are_composed() {
    let root = temp();
    let r = root.path();
    for s in ["U\u{308}bung_s1", "U\u{308}bung_s2", "cafe\u{301}_s3"] {
        video(r.join("anon").join(s), 6);
    }
    for s in ["\u{dc}bung_s1", "\u{dc}BUNG_S2", "caf\u{e9}_s3"] {
        write(r.join(format!("label/{s}.csv")), "frame,class\n0,1\n1,1\n");
    }
    write(r.join("split.csv"), "subject,split\n\u{dc}bung_s1,train\n\u{fc}bung_s2,train\ncaf\u{e9}_s3,test\n");
    let data = open(r);
    assert_eq!(data.videos.iter().filter(|v| !v.labels.is_empty()).count(), 3, "{:?}", data.warnings);
    let splits: Vec<Split> = data.videos.iter().map(|v| v.split).collect();
    assert_eq!(splits, [Split::Train, Split::Train, Split::Test]);
}

#[test]
fn what_servers_and_systems_leave_is_no_dataset() {
    let root = temp();
    let r = root.path();
    for (c, class) in ["bend", "wave"].into_iter().enumerate() {
        for s in 0..3 {
            let level = 40 * s + 20 * c as u32;
            video_of(r.join(class).join(format!("s{s}_{class}")), 4, (8, 6), |n, x, _| {
                [(n * 9 + level) as u8, x as u8, 0]
            });
        }
    }
    for (dir, file) in [
        ("bend/@eaDir/s0_bend", "SYNOVIDEO_VIDEO_SCREENSHOT.png"),
        ("@eaDir/wave", "x.png"),
        ("$RECYCLE.BIN/S-1-5-21/old", "1.png"),
        ("System Volume Information/x", "1.png"),
        ("lost+found/#123", "1.png"),
        (".Trash-1000/files/wave", "1.png"),
        ("__MACOSX/wave/s0_wave", "1.png"),
        (".ipynb_checkpoints/wave", "1.png"),
        ("#recycle/wave/s9_wave", "1.png"),
        ("wave/.thumbnails/s0", "1.png"),
        ("runs/overlays/s0_wave", "1.png"),
        ("runs/2024/checkpoints/best", "1.png"),
    ] {
        write(r.join(dir).join("x"), "");
        image::RgbImage::new(8, 6).save(r.join(dir).join(file)).unwrap();
    }
    write(r.join("runs/2024/config.ron"), "()");
    write(r.join("wave/Thumbs.db"), "");
    write(r.join("wave/._s0_wave.mp4"), "\0\u{5}\u{16}\u{7}");
    let data = open(r);
    let classes: Vec<&str> = data.classes.classes.iter().map(|c| c.name.as_str()).collect();
    assert_eq!((classes, data.videos.len()), (vec!["bend", "wave"], 6), "{:?}", data.warnings);
    assert!(data.warnings.is_empty(), "{:?}", data.warnings);
}

#[test]
fn videos_with_endings_nobody_lists_are_named() {
    let root = temp();
    let film = |path: &str| {
        let to = root.path().join(path);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        let temporary = root.path().join("plain.mp4");
        let mut writer = kinolens::video::VideoWriter::create(&temporary, 32, 32, 25.0).unwrap();
        for n in 0..5_u32 {
            let data: Vec<u8> = (0..32 * 32_u32 * 3).map(|i| (i * 7 + n + path.len() as u32 * 31) as u8).collect();
            writer.push(&kinolens::domain::RgbImage::new(32, 32, data).unwrap()).unwrap();
        }
        writer.finish().unwrap();
        std::fs::rename(temporary, to).unwrap();
    };
    ["wave/s1.mp4", "wave/s2.mp4.part", "wave/s3", "bend/s1.MP4", "bend/deep/er/s2.video"].iter().for_each(|p| film(p));
    write(root.path().join("wave/notes.txt"), "seen by me");
    write(root.path().join("wave/data.bin"), "\0\u{1}\u{2}nothing");
    let data = open(root.path());
    assert_eq!(data.videos.iter().map(|v| v.name.as_str()).collect::<Vec<_>>(), ["bend/s1.MP4", "wave/s1.mp4"]);
    for name in ["wave/s2.mp4.part", "wave/s3", "bend/deep/er/s2.video"] {
        assert!(warns(&data, name, &["is a video (MP4", "left out", "rename"]), "{name}: {:?}", data.warnings);
    }
    assert!(!data.warnings.iter().any(|w| w.message.contains("is a video") && w.path.ends_with("data.bin")));
    // The exercise layout, and a folder of videos.
    let flat = root.path().join("wave");
    assert!(warns(&open(&flat), "s3", &["is a video"]));
}

#[test]
fn labels_are_never_matched_by_digits_alone() {
    let root = temp();
    let r = root.path();
    for s in ["p1_squat", "p2_squat"] {
        video(r.join("dataset/anon").join(s), 6);
    }
    write(r.join("label/p1_lunge.csv"), "frame,class\n0,3\n1,3\n");
    write(r.join("label/p2_squat.csv"), "frame,class\n0,1\n1,1\n");
    let data = open(r);
    assert!(data.videos[0].labels.is_empty() && !data.videos[1].labels.is_empty());
    assert!(warns(&data, "label/p1_lunge.csv", &["no video"]), "{:?}", data.warnings);
    assert!(warns(&data, "anon/p1_squat", &["no labels"]), "{:?}", data.warnings);
}

#[test]
fn reported_names_are_right() {
    let Some(root) = outside("KINOLENS_VIDEOS", "../shared/data") else { return };
    let root = root.join("reported/datasets");
    let nas = open(root.join("16-nas"));
    let classes: Vec<&str> = nas.classes.classes.iter().map(|c| c.name.as_str()).collect();
    assert_eq!((classes, nas.videos.len()), (vec!["bend", "wave"], 8), "{:?}", nas.warnings);
    let numbers = try_open(root.join("17-number-match")).unwrap();
    let labelled: Vec<bool> = numbers.videos.iter().map(|v| !v.labels.is_empty()).collect();
    assert_eq!(labelled, [false, true, true]);
    assert!(warns(&numbers, "p1_lunge.csv", &["no video"]) && warns(&numbers, "p1_squat.mp4", &["no labels"]));
}

#[test]
fn class_folders_whose_names_look_the_same_are_one_class() {
    let root = temp();
    for (dir, n) in [("Le\u{300}ve", 1), ("L\u{e8}ve", 2), ("Assis", 3)] {
        write(root.path().join(dir).join(format!("{n}.mp4")), "");
    }
    let data = open(root.path());
    assert_eq!((data.classes.len(), data.videos.len()), (2, 3));
    assert!(data.warnings.iter().any(|w| w.message.contains("one class")), "{:?}", data.warnings);
}
