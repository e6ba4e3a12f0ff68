//! Frames that have the time stamp of another one: all are there, in FFmpeg's order.

use super::luma_means;
use crate::support::ffmpeg::ffmpeg;
use kinolens::video::{ProbeReport, Video, probe};
use std::path::Path;

/// Sixty frames, each brighter than the last.
const COUNTED: &str =
    "nullsrc=s=64x48:r=25:d=2.4,format=yuv420p,geq=lum='20+3*N+mod(X*2+Y+5*N,24)':cb=128:cr=128,trim=end_frame=60";

/// Every frame as FFmpeg decodes it, also where it is asked for alone.
fn all_there(path: &Path) -> ProbeReport {
    let name = path.file_name().unwrap().to_string_lossy();
    let truth = luma_means(path, 64, 48, "yuv420p");
    assert_eq!(truth.len(), 60, "{name}");
    let report = probe(path, &(0..60).collect::<Vec<_>>()).unwrap();
    assert_eq!(report.frames, 60, "{name}: {:?}", report.warnings);
    for (sample, want) in report.samples.iter().zip(&truth) {
        assert!((sample.luma.unwrap() - want).abs() <= 0.5, "{name}: {sample:?}, not {want}");
    }
    assert!(report.samples.windows(2).all(|w| w[0].pts_s < w[1].pts_s), "{name}: times do not rise");
    let video = Video::open(path).unwrap();
    assert_eq!(video.info().frames, 60, "{name}");
    report
}

#[test]
fn no_frame_is_lost_that_has_the_time_of_the_packet_before() {
    let dir = tempfile::tempdir().unwrap();
    let text = |name: &str| dir.path().join(name).display().to_string();
    for (codec, options) in [
        ("h264", "-c:v libx264 -g 20 -bf 3"),
        ("hevc", "-c:v libx265 -tag:v hvc1 -x265-params log-level=none:keyint=20"),
        ("mpeg4", "-c:v mpeg4 -g 20 -bf 2 -q:v 2"),
    ] {
        let base = text(&format!("{codec}.mp4"));
        let mut arguments = vec!["-f", "lavfi", "-i", COUNTED];
        arguments.extend(options.split_whitespace());
        arguments.push(&base);
        if ffmpeg(&arguments).is_none() {
            continue;
        }
        for (container, more) in
            [("mp4", ""), ("mov", ""), ("frag.mp4", "-movflags frag_keyframe+empty_moov"), ("mkv", "")]
        {
            let to = text(&format!("tied_{codec}.{container}"));
            let tied = "setts=pts=if(eq(mod(N\\,9)\\,4)\\,PREV_OUTPTS\\,PTS)";
            let mut arguments = vec!["-i", &base, "-c", "copy", "-bsf:v", tied];
            arguments.extend(more.split_whitespace());
            arguments.push(&to);
            ffmpeg(&arguments).expect("what FFmpeg made it can copy");
            all_there(Path::new(&to));
        }
    }
}

#[test]
fn frames_in_pairs_are_spread_and_a_few_equal_times_leave_the_others_alone() {
    let dir = tempfile::tempdir().unwrap();
    let [text, pairs, few] = ["even.mp4", "pairs.mkv", "few.mp4"].map(|n| dir.path().join(n).display().to_string());
    if ffmpeg(&["-f", "lavfi", "-i", COUNTED, "-c:v", "libx264", "-bf", "2", "-g", "12", &text]).is_none() {
        return;
    }
    let paused = "setts=pts=if(eq(N\\,30)\\,PREV_OUTPTS\\,PTS+gt(PTS*TB\\,1.61)*0.4/TB)";
    for (to, times) in [(&pairs, "setts=pts=floor(PTS*TB*12.5+0.01)/12.5/TB"), (&few, paused)] {
        ffmpeg(&["-i", &text, "-c", "copy", "-bsf:v", times, to]).expect("what FFmpeg made it can copy");
    }
    let report = all_there(Path::new(&pairs));
    let said = |report: &ProbeReport, words: &str| report.warnings.iter().any(|w| w.contains(words));
    assert!(!report.variable_frame_rate && said(&report, "too coarse"), "{report:?}");
    // One frame has the time of another, and after frame 40 nothing is shown for a while.
    let report = all_there(Path::new(&few));
    let at = |frame: usize| report.samples[frame].pts_s;
    assert!((at(40) - 1.6).abs() < 2e-3 && (at(41) - 2.04).abs() < 2e-3 && (at(59) - 2.76).abs() < 2e-3, "{report:?}");
    assert!(said(&report, "a few frames have equal time stamps"), "{:?}", report.warnings);
}
