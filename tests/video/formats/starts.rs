//! Recordings that begin in the middle of a broadcast, or between the key frames of an open group: what can be decoded is
//! shown as FFmpeg shows it, the rest is left out and named.

use super::{luma_means, make};
use crate::support::ffmpeg::ffmpeg;
use kinolens::video::{Video, probe};
use std::path::{Path, PathBuf};

/// Every frame as FFmpeg shows it, sequentially and by jumps; what the report says.
fn as_ffmpeg(path: &Path) -> Vec<String> {
    let truth = luma_means(path, 160, 120, "yuv420p");
    assert!(truth.len() >= 10, "FFmpeg finds {} frames", truth.len());
    let all: Vec<u32> = (0..truth.len() as u32).collect();
    let report = probe(path, &all).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(report.frames as usize, truth.len(), "{}: {:?}", path.display(), report.warnings);
    for (sample, want) in report.samples.iter().zip(&truth) {
        let got = sample.luma.unwrap();
        assert!((got - want).abs() <= 0.5, "{} frame {}: {got:.2}, not {want:.2}", path.display(), sample.index);
    }
    let mut pictures = Vec::new();
    let video = Video::open(path).unwrap();
    video
        .for_each(0, u32::MAX, &mut |frame| {
            pictures.push(frame.image.clone());
            true
        })
        .unwrap();
    for at in [report.frames - 1, 0, report.frames / 2, 1] {
        assert!(Video::open(path).unwrap().frame(at).unwrap().image == pictures[at as usize], "jump to frame {at}");
    }
    report.warnings
}

/// A transport stream without so many twentieths of its packets.
fn entered(whole: &Path, share: usize) -> PathBuf {
    let bytes = std::fs::read(whole).unwrap();
    let path = whole.with_file_name(format!("entered_{share}.ts"));
    std::fs::write(&path, &bytes[bytes.len() / 188 * share / 20 * 188..]).unwrap();
    path
}

#[test]
fn a_stream_that_begins_at_a_recovery_point() {
    let dir = tempfile::tempdir().unwrap();
    let open = "-c:v libx264 -g 20 -bf 3 -x264-params open-gop=1:scenecut=0:keyint=20:min-keyint=20";
    let Some(whole) = make(&dir, "whole.mp4", open) else { return };
    let whole = whole.display().to_string();
    // Cut at an I frame that is no IDR picture: every other group.
    for (name, start) in [("cut.mp4", "0.8"), ("cut.mkv", "0.8"), ("later.mp4", "1.1")] {
        let path = dir.path().join(name);
        ffmpeg(&["-ss", start, "-i", &whole, "-c", "copy", &path.display().to_string()]).unwrap();
        let warnings = as_ffmpeg(&path);
        assert!(warnings.iter().all(|w| !w.contains("fresh copy") && !w.contains("damaged")), "{name}: {warnings:?}");
    }
    // A transport stream gets parameter sets with IDR pictures only: without them nobody can decode it.
    let path = dir.path().join("cut.ts");
    ffmpeg(&["-ss", "0.8", "-i", &whole, "-c", "copy", &path.display().to_string()]).unwrap();
    let said = probe(&path, &[]).unwrap_err().to_string();
    assert!(said.contains("cut.ts"), "{said}");
}

#[test]
fn a_broadcast_that_is_refreshed_by_and_by() {
    let dir = tempfile::tempdir().unwrap();
    let options = "-c:v libx264 -g 10 -bf 0 -x264-params intra-refresh=1:keyint=10 -f mpegts";
    let Some(whole) = make(&dir, "whole.ts", options) else { return };
    for share in [5, 8] {
        let warnings = as_ffmpeg(&entered(&whole, share));
        assert!(warnings.iter().any(|w| w.contains("left out")), "{warnings:?}");
    }
}

#[test]
fn a_broadcast_that_is_entered_anywhere() {
    let dir = tempfile::tempdir().unwrap();
    let options = "-c:v libx264 -g 20 -bf 3 -x264-params open-gop=1:scenecut=0:keyint=20:min-keyint=20 -f mpegts";
    let Some(whole) = make(&dir, "whole.ts", options) else { return };
    for share in [4, 7] {
        let warnings = as_ffmpeg(&entered(&whole, share));
        assert!(warnings.iter().any(|w| w.contains("left out")), "{warnings:?}");
        assert!(warnings.iter().all(|w| !w.contains("fresh copy")), "{warnings:?}");
    }
}

#[test]
fn pictures_before_the_first_key_frame_of_an_open_group_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let options = "-c:v libx265 -tag:v hvc1 -x265-params log-level=none:keyint=20:min-keyint=20:open-gop=1:b-adapt=0:bframes=3:scenecut=0";
    let Some(whole) = make(&dir, "whole.mp4", options) else { return };
    let path = dir.path().join("cut.mkv");
    ffmpeg(&["-ss", "0.8", "-i", &whole.display().to_string(), "-c", "copy", &path.display().to_string()]).unwrap();
    let packets = Video::open(&path).unwrap().info().frames;
    let warnings = as_ffmpeg(&path);
    assert_eq!(packets as usize, luma_means(&path, 160, 120, "yuv420p").len(), "counted without decoding");
    assert!(warnings.iter().any(|w| w.contains("at the beginning") && w.contains("left out")), "{warnings:?}");
}
