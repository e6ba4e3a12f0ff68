//! What is missing is said, and what is not missing is not.

use super::{luma_means, make};
use crate::support::ffmpeg::ffmpeg;
use kinolens::video::probe;
use std::path::{Path, PathBuf};

fn text(path: &Path) -> String {
    path.display().to_string()
}

/// Five frames, one a second, of which the last is shown for six seconds.
fn held(dir: &tempfile::TempDir, name: &str) -> Option<PathBuf> {
    let (even, path) = (dir.path().join("even.mp4"), dir.path().join(name));
    let source = "testsrc2=s=160x120:r=1:d=5,format=yuv420p";
    ffmpeg(&["-f", "lavfi", "-i", source, "-c:v", "libx264", "-bf", "0", &text(&even)])?;
    // An encoder would say for itself how long its frames are shown.
    let longer = "setts=duration=if(eq(N\\,4)\\,6/TB\\,1/TB)";
    ffmpeg(&["-i", &text(&even), "-c", "copy", "-bsf:v", longer, &text(&path)])?;
    Some(path)
}

#[test]
fn a_last_frame_that_is_held_is_not_missing() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["held.mp4", "held.mov", "held.mkv"] {
        let Some(path) = held(&dir, name) else { return };
        let report = probe(&path, &[4]).unwrap();
        assert_eq!((report.frames, report.warnings.len()), (5, 0), "{name}: {:?}", report.warnings);
        if name != "held.mkv" {
            assert!((report.duration_s - 10.0).abs() < 0.1 && (report.fps - 0.5).abs() < 0.01, "{name}: {report:?}");
        }
    }
}

#[test]
fn files_that_lost_their_end_say_so() {
    let dir = tempfile::tempdir().unwrap();
    let fragments = "-c:v libx264 -g 10 -bf 2 -movflags frag_keyframe+empty_moov+default_base_moof";
    for (name, options) in
        [("frag.mp4", fragments), ("a.mkv", "-c:v libx264 -g 10"), ("a.mp4", "-c:v libx264 -movflags faststart")]
    {
        let Some(path) = make(&dir, name, options) else { return };
        assert!(probe(&path, &[]).unwrap().warnings.is_empty(), "{name}");
        let bytes = std::fs::read(&path).unwrap();
        for share in [6, 8] {
            let cut = dir.path().join(format!("cut_{share}_{name}"));
            std::fs::write(&cut, &bytes[..bytes.len() * share / 10]).unwrap();
            let report = probe(&cut, &[]).unwrap();
            assert_eq!(report.frames as usize, luma_means(&cut, 160, 120, "yuv420p").len(), "{name} {share}");
            let said = report.warnings.iter().filter(|w| w.contains("cut off")).count();
            assert!(report.frames < 50 && said == 1, "{name} {share}: {} frames, {:?}", report.frames, report.warnings);
        }
    }
}

#[test]
fn frames_that_an_avi_repeats_are_counted() {
    let dir = tempfile::tempdir().unwrap();
    let Some(path) = make(&dir, "a.avi", "-c:v mjpeg -q:v 3 -vf select=not(between(n\\,7\\,9)+eq(n\\,30)) -vsync vfr")
    else {
        return;
    };
    let truth = luma_means(&path, 160, 120, "yuvj420p");
    let all: Vec<u32> = (0..46).collect();
    let report = probe(&path, &all).unwrap();
    assert_eq!((report.frames as usize, truth.len()), (46, 46));
    for (sample, want) in report.samples.iter().zip(&truth) {
        assert!((sample.luma.unwrap() - want).abs() <= 0.5, "{sample:?}");
    }
    let said = |words: [&str; 3]| report.warnings.iter().any(|w| words.iter().all(|word| w.contains(word)));
    assert!(said(["counts 50 frames", "46 are decoded", "4 are empty"]), "{:?}", report.warnings);
    let Some(sound) = make(&dir, "sound.avi", "-c:v mpeg4 -bf 2 -g 12") else { return };
    assert!(probe(&sound, &[]).unwrap().warnings.is_empty());
}
