//! Packets that a copy lost: it is said, whatever the codec.

use super::make;
use crate::support::ffmpeg::ffmpeg;
use kinolens::video::probe;
use std::path::{Path, PathBuf};

const PACKET: usize = 188;

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A copy without some packets of the video.
fn without(path: &Path, drop: &str, to: &str) -> PathBuf {
    let to = path.with_file_name(to);
    let filter = format!("noise=drop={drop}");
    ffmpeg(&["-i", &text(path), "-c", "copy", "-bsf:v", &filter, &text(&to)]).expect("what FFmpeg made it can copy");
    to
}

/// Says something that holds all of the words.
fn says(path: &Path, words: &[&str]) {
    let report = probe(path, &[]).unwrap();
    let said = report.warnings.iter().any(|w| words.iter().all(|word| w.contains(word)));
    assert!(said, "{}: {} frames, {:?}", path.display(), report.frames, report.warnings);
}

#[test]
fn lost_packets_are_told_whatever_the_codec() {
    let dir = tempfile::tempdir().unwrap();
    for (name, options) in [
        ("vp8", "-c:v libvpx -deadline realtime -g 15"),
        ("vp9", "-c:v libvpx-vp9 -deadline realtime -g 15"),
        ("mpeg4", "-c:v mpeg4 -g 15 -q:v 2"),
        ("chain", "-c:v libx264 -bf 0 -g 15"),
        ("hevc", "-c:v libx265 -x265-params log-level=none:keyint=15:min-keyint=15:scenecut=0:bframes=0"),
        ("mpeg2", "-c:v mpeg2video -g 15 -q:v 2"),
    ] {
        for container in ["mkv", "mp4"] {
            if name == "vp8" && container == "mp4" || name == "mpeg2" && container == "mkv" {
                continue;
            }
            let Some(path) = make(&dir, &format!("{name}.{container}"), options) else { continue };
            assert!(probe(&path, &[]).unwrap().warnings.is_empty(), "{name}.{container}");
            let lost = without(&path, "eq(n\\,20)+eq(n\\,21)", &format!("lost_{name}.{container}"));
            says(&lost, &["skip 2 frames", "frame 19 (0.76 s)"]);
            if name == "vp9" {
                // Its decoder makes nothing of what is left of the group.
                says(&lost, &["frames could not be decoded"]);
            }
        }
    }
}

#[test]
fn losses_behind_a_beginning_that_is_not_there_are_told_too() {
    let dir = tempfile::tempdir().unwrap();
    let Some(path) = make(&dir, "a.mp4", "-c:v libx264 -bf 2 -g 15 -x264-params scenecut=0") else { return };
    // The first packet and, behind the next key frame, two that others need.
    let lost = without(&path, "eq(n\\,0)+eq(n\\,16)+eq(n\\,17)", "lost.mkv");
    says(&lost, &["at the beginning"]);
    says(&lost, &["time stamps skip 2 frames"]);
}

#[test]
fn a_rate_that_varies_is_no_loss() {
    let dir = tempfile::tempdir().unwrap();
    for (name, codec) in [("a.webm", "-c:v libvpx-vp9 -deadline realtime -g 12"), ("a.mp4", "-c:v mpeg4 -g 12")] {
        let options = format!("-vf select=not(eq(mod(n\\,5)\\,1)) -vsync vfr {codec}");
        let Some(path) = make(&dir, name, &options) else { return };
        let report = probe(&path, &[]).unwrap();
        assert!(report.variable_frame_rate && report.warnings.is_empty(), "{name}: {:?}", report.warnings);
    }
}

#[test]
fn transport_packets_that_are_missing_are_told() {
    let dir = tempfile::tempdir().unwrap();
    for (name, options, length) in [
        ("mpeg2.ts", "-c:v mpeg2video -q:v 2 -g 12 -f mpegts", PACKET),
        ("h264.ts", "-c:v libx264 -g 12 -bf 2 -f mpegts", PACKET),
        ("camera.m2ts", "-c:v libx264 -g 12 -f mpegts -mpegts_m2ts_mode 1", 192),
    ] {
        let Some(path) = make(&dir, name, options) else { return };
        let bytes = std::fs::read(&path).unwrap();
        let packets: Vec<&[u8]> = bytes.chunks(length).collect();
        let about = |path: &Path| {
            let report = probe(path, &[]).unwrap();
            report.warnings.into_iter().find(|w| w.contains("transport packets"))
        };
        assert_eq!(about(&path), None, "{name}");
        // In the middle, with five packets lost.
        let middle = packets.len() / 2;
        let cut = dir.path().join(format!("cut_{name}"));
        std::fs::write(&cut, [&packets[..middle], &packets[middle + 5..]].concat().concat()).unwrap();
        let said = about(&cut).unwrap_or_else(|| panic!("{name}: nothing is said"));
        let near: f64 = said.split_once("near ").unwrap().1.split_once(" s").unwrap().0.parse().unwrap();
        assert!((0.3..1.9).contains(&near), "{said}");
        // Two recordings one after the other lack nothing, nor does one in which packets come twice.
        let joined = dir.path().join(format!("joined_{name}"));
        std::fs::write(&joined, [&bytes[..], &bytes].concat()).unwrap();
        assert_eq!(about(&joined), None, "{name}");
        let twice = dir.path().join(format!("twice_{name}"));
        std::fs::write(&twice, [&packets[..=middle], &packets[middle..]].concat().concat()).unwrap();
        assert_eq!(about(&twice), None, "{name}");
    }
}
