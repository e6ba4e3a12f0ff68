//! Times, colours and orientations that containers and codecs tell in ways that are easily read wrong.

use super::{SOURCE, luma_means, make};
use crate::support::ffmpeg::ffmpeg;
use kinolens::video::{Video, probe};
use std::path::Path;

fn rgb(path: &Path) -> Vec<u8> {
    ffmpeg(&["-i", &path.display().to_string(), "-vsync", "0", "-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
        .expect("what FFmpeg made it can decode")
}

#[test]
fn a_clock_that_is_too_coarse_invents_no_rate() {
    let dir = tempfile::tempdir().unwrap();
    for bf in ["0", "2"] {
        let path = dir.path().join(format!("{bf}.mkv"));
        let source = "testsrc2=s=160x120:r=25:d=2,format=yuv420p,fade=in:0:50";
        let made = ffmpeg(&[
            "-f",
            "lavfi",
            "-i",
            source,
            "-c:v",
            "libx264",
            "-bf",
            bf,
            "-x264-params",
            "force-cfr=0",
            "-bsf:v",
            "setts=pts=PTS/80:dts=DTS/80",
            &path.display().to_string(),
        ]);
        if made.is_none() {
            return;
        }
        let truth = luma_means(&path, 160, 120, "yuv420p");
        let all: Vec<u32> = (0..truth.len() as u32).collect();
        let report = probe(&path, &all).unwrap();
        assert_eq!(report.frames as usize, truth.len());
        for (sample, want) in report.samples.iter().zip(&truth) {
            assert!((sample.luma.unwrap() - want).abs() <= 0.5, "{sample:?}, not {want}");
        }
        assert!(report.samples.windows(2).all(|w| w[0].pts_s < w[1].pts_s), "times do not rise");
        assert!((1800.0..2200.0).contains(&report.fps), "{} frames a second", report.fps);
        let said: Vec<&str> = report.warnings.iter().map(String::as_str).collect();
        assert!(matches!(said[..], [one] if one.contains("made up")), "{said:?}");
    }
}

#[test]
fn sound_that_begins_before_the_pictures_changes_no_time() {
    let dir = tempfile::tempdir().unwrap();
    for (name, sound) in
        [("opus.mkv", "libopus"), ("opus.webm", "libopus"), ("aac.mkv", "aac"), ("opus.mp4", "libopus")]
    {
        let video = if name.ends_with("webm") { "libvpx-vp9 -deadline realtime" } else { "libx264 -bf 3" };
        let options = format!("-f lavfi -i sine=440:d=2 -map 0 -map 1 -c:v {video} -g 12 -c:a {sound}");
        let Some(path) = make(&dir, name, &options) else { continue };
        let all: Vec<u32> = (0..50).collect();
        let report = probe(&path, &all).unwrap();
        assert!(!report.variable_frame_rate && report.warnings.is_empty(), "{name}: {report:?}");
        assert!((report.fps - 25.0).abs() < 0.05, "{name}: {}", report.fps);
        for pair in report.samples.windows(2) {
            let step = pair[1].pts_s - pair[0].pts_s;
            assert!((step - 0.04).abs() < 1.5e-3, "{name}: frame {} after {step:.4} s", pair[1].index);
        }
    }
}

#[test]
fn all_eight_orientations() {
    let dir = tempfile::tempdir().unwrap();
    let Some(path) = make(&dir, "upright.mp4", "-frames:v 3 -c:v libx264") else { return };
    let bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|w| w == b"tkhd").unwrap() + 4 + 40;
    for matrix in [
        [1, 0, 0, 1],
        [0, 1, -1, 0],
        [-1, 0, 0, -1],
        [0, -1, 1, 0],
        [-1, 0, 0, 1],
        [1, 0, 0, -1],
        [0, 1, 1, 0],
        [0, -1, -1, 0],
    ] {
        let mut turned = bytes.clone();
        for (place, n) in [0, 1, 3, 4].into_iter().zip(matrix) {
            let n: i32 = n << 16;
            turned[at + place * 4..at + place * 4 + 4].copy_from_slice(&n.to_be_bytes());
        }
        let to = dir.path().join("turned.mp4");
        std::fs::write(&to, turned).unwrap();
        let truth = rgb(&to);
        let video = Video::open(&to).unwrap();
        let (width, height) = if matrix[0] == 0 { (120, 160) } else { (160, 120) };
        assert_eq!((video.info().width, video.info().height), (width, height), "{matrix:?}");
        let shown = video.frame(1).unwrap().image.clone();
        let want = &truth[shown.data.len()..2 * shown.data.len()];
        let sum: u64 = shown.data.iter().zip(want).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = sum as f64 / want.len() as f64;
        assert!(mean < 6.0, "{matrix:?}: the picture differs from FFmpeg's by {mean:.1} on average");
    }
}

#[test]
fn pictures_stored_as_green_blue_and_red() {
    let dir = tempfile::tempdir().unwrap();
    let source = SOURCE.replace("format=yuv420p", "format=gbrp").replace("d=2", "d=0.4");
    for (name, options) in [
        ("av1.mkv", "-c:v libaom-av1 -cpu-used 8 -usage realtime -pix_fmt gbrp"),
        ("av1.mp4", "-c:v libaom-av1 -cpu-used 8 -usage realtime -pix_fmt gbrp"),
        ("h264.mp4", "-c:v libx264rgb -pix_fmt rgb24"),
        ("hevc.mp4", "-c:v libx265 -x265-params log-level=none -pix_fmt gbrp"),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -pix_fmt gbrp"),
        ("ffv1.mkv", "-c:v ffv1 -pix_fmt gbrp"),
    ] {
        let path = dir.path().join(name);
        let target = path.display().to_string();
        let arguments: Vec<&str> =
            ["-f", "lavfi", "-i", &source].into_iter().chain(options.split_whitespace()).chain([&target[..]]).collect();
        if ffmpeg(&arguments).is_none() {
            continue;
        }
        let truth = rgb(&path);
        let report = probe(&path, &[0, 9, 4]).unwrap();
        assert_eq!((report.frames, truth.len()), (10, 10 * 160 * 120 * 3), "{name}");
        for sample in &report.samples {
            assert_eq!(sample.luma, None, "{name}: there is no luma plane");
            let frame = &truth[sample.index as usize * 160 * 120 * 3..][..160 * 120 * 3];
            let mean =
                |channel: usize| frame.iter().skip(channel).step_by(3).map(|v| f64::from(*v)).sum::<f64>() / 19_200.0;
            let got = [sample.mean.r, sample.mean.g, sample.mean.b];
            assert!(
                (0..3).all(|c| (got[c] - mean(c)).abs() < 1.0),
                "{name}: {sample:?}, not {:?}",
                [0, 1, 2].map(mean)
            );
        }
    }
}

#[test]
fn a_codec_that_is_not_supported_is_named_with_the_line_that_converts_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = "-f lavfi -i sine=440:d=2 -map 0 -map 1 -c:v dnxhd -profile:v dnxhr_hq -pix_fmt yuv422p -s 320x240 -c:a pcm_s16le";
    let Some(path) = make(&dir, "it's a clip.mov", options) else { return };
    let said = Video::open(&path).unwrap_err().to_string();
    assert!(said.contains("DNxHR") && said.contains("not supported here"), "{said}");
    assert!(!said.contains("install"), "{said}");
    let line = said.split_once("without loss: ").expect("a line to convert it").1;
    let line = line.replacen("ffmpeg ", "ffmpeg -v error -nostdin ", 1);
    let made = std::process::Command::new("sh").args(["-c", &line]).status().unwrap();
    assert!(made.success(), "{line}");
    let converted = dir.path().join("it's a clip_ffv1.mkv");
    let truth = ffmpeg(&["-i", &path.display().to_string(), "-pix_fmt", "yuv422p", "-f", "rawvideo", "-"]).unwrap();
    let report = probe(&converted, &[0, 49]).unwrap();
    assert_eq!((report.frames, report.warnings.len()), (50, 0), "{:?}", report.warnings);
    for sample in report.samples {
        let plane = &truth[sample.index as usize * 320 * 240 * 2..][..320 * 240];
        let want = plane.iter().map(|v| f64::from(*v)).sum::<f64>() / (320.0 * 240.0);
        assert!((sample.luma.unwrap() - want).abs() < 1e-6, "{sample:?}, not {want}");
    }
}

/// Decoders hand over some kinds of pictures under no name that is understood: refused in a sentence, and never shown with
/// other colours.
#[test]
fn pixel_formats_are_shown_right_or_refused() {
    let dir = tempfile::tempdir().unwrap();
    let rgb48 = "-c:v png -pix_fmt rgb48be";
    let made = [
        ("gray10.mkv", "-c:v ffv1 -pix_fmt gray10le"),
        ("half.mkv", "-c:v ffv1 -pix_fmt yuv440p"),
        ("sixteen.mkv", "-c:v ffv1 -pix_fmt gbrp16le"),
        ("twelve.mkv", "-c:v ffv1 -pix_fmt gbrp12le"),
        ("gray12.mp4", "-c:v libx265 -x265-params log-level=none -pix_fmt gray12le"),
        ("gray.mp4", "-c:v libx265 -x265-params log-level=none -pix_fmt gray"),
        ("half.webm", "-c:v libvpx-vp9 -cpu-used 8 -pix_fmt yuv440p"),
        ("deep.mov", rgb48),
    ];
    let mut refused = 0;
    for (name, options) in made {
        let Some(path) = make(&dir, name, options) else { return };
        match probe(&path, &[3]) {
            Ok(report) => {
                let truth = rgb(&path);
                let size = truth.len() / report.frames as usize;
                let frame = &truth[3 * size..4 * size];
                let mean =
                    |c: usize| frame.iter().skip(c).step_by(3).map(|v| f64::from(*v)).sum::<f64>() / (size / 3) as f64;
                let got = report.samples[0].mean;
                for (c, got) in [got.r, got.g, got.b].into_iter().enumerate() {
                    assert!((got - mean(c)).abs() < 3.0, "{name}: {got:.1} of colour {c}, not {:.1}", mean(c));
                }
            }
            Err(error) => {
                let said = error.to_string();
                assert!(said.contains("pixel format is not supported here ("), "{name}: {said}");
                // The line that is offered makes a video that opens.
                let line = said.split_once("ffmpeg -i ").expect("a line of FFmpeg").1;
                let words: Vec<&str> = std::iter::once("-i").chain(line.split_whitespace()).collect();
                ffmpeg(&words).unwrap();
                assert_eq!(probe(Path::new(words.last().unwrap()), &[]).unwrap().frames, 50, "{name}");
                refused += 1;
            }
        }
    }
    assert!(refused < made.len(), "two of them are common");
}
