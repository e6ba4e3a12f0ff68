//! Clips cut out of a video without encoding it again: every frame is the one FFmpeg shows, wherever the cut lies.

use super::{exact, luma_means};
use crate::support::ffmpeg::ffmpeg;
use kinolens::video::{Video, probe};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Sixty small frames with a moving pattern, each brighter than the last by three levels: the mean tells the number.
const COUNTED: &str = "nullsrc=s=64x48:r=25:d=2.4,format=yuv420p,geq=lum='20+3*N+mod(X*2+Y+5*N,24)':cb=128:cr=128";
const GROUP: usize = 12;

fn encoded(dir: &Path, name: &str, options: &str) -> Option<(PathBuf, Vec<f64>)> {
    let path = dir.join(name);
    let target = path.display().to_string();
    let mut arguments = vec!["-f", "lavfi", "-i", COUNTED];
    arguments.extend(options.split_whitespace());
    arguments.push(&target);
    ffmpeg(&arguments)?;
    let shown = luma_means(&path, 64, 48, "yuv420p");
    assert_eq!(shown.len(), 60, "{name}");
    assert!(shown.windows(2).all(|w| w[1] - w[0] > 1.5), "{name}: frames cannot be told apart");
    Some((path, shown))
}

fn cut(from: &Path, at: usize, to: &Path, options: &[&str]) {
    let start = format!("{:.3}", at as f64 / 25.0);
    let [from, target] = [from, to].map(|p| p.display().to_string());
    let arguments = [&["-ss", &start, "-i", &from, "-c", "copy"], options, &[&target]].concat();
    ffmpeg(&arguments).expect("what FFmpeg made it can cut");
}

/// All frames, one after the other and in any order, are those expected; the file is sound.
fn shows(path: &Path, expected: &[f64]) -> Result<(), String> {
    let name = path.file_name().unwrap().to_string_lossy();
    let mut order: Vec<u32> = (0..expected.len() as u32).collect();
    let opened = Video::open(path).map_err(|e| e.to_string())?;
    if (opened.info().frames as usize, opened.info().warnings.len()) != (expected.len(), 0) {
        return Err(format!("{name}: {} frames, not {}: {:?}", opened.info().frames, expected.len(), opened.info()));
    }
    let mut pictures = Vec::new();
    let all = opened.for_each(0, u32::MAX, &mut |frame| {
        pictures.push(frame.image.clone());
        true
    });
    all.map_err(|e| format!("{name}: {e}"))?;
    order.shuffle(&mut rand_chacha::ChaCha8Rng::seed_from_u64(expected.len() as u64));
    for at in &order {
        let again = Video::open(path).and_then(|v| v.frame(*at)).map_err(|e| format!("{name}: {e}"))?;
        if again.image != pictures[*at as usize] {
            return Err(format!("{name}: jumping to frame {at} gives another picture"));
        }
    }
    let report = probe(path, &order).map_err(|e| format!("{name}: {e}"))?;
    if report.frames as usize != expected.len() || !report.warnings.is_empty() || report.variable_frame_rate {
        return Err(format!("{name}: {} frames decoded, {:?}", report.frames, report.warnings));
    }
    for sample in &report.samples {
        let (got, want) = (sample.luma.unwrap_or(f64::NAN), expected[sample.index as usize]);
        if !(got - 0.5..=got + 0.5).contains(&want) {
            return Err(format!("{name}: frame {} shows {got:.2}, not {want:.2}", sample.index));
        }
    }
    Ok(())
}

#[test]
fn cuts_at_every_place_in_a_group_of_pictures() {
    let dir = tempfile::tempdir().unwrap();
    let mut cuts = Vec::new();
    for (codec, options) in [
        ("b", "-c:v libx264 -bf 3 -g 12 -x264-params scenecut=0"),
        ("chain", "-c:v libx264 -bf 0 -g 12 -x264-params scenecut=0"),
        ("hevc", "-c:v libx265 -tag:v hvc1 -x265-params log-level=none:keyint=12:min-keyint=12:scenecut=0:open-gop=0"),
        ("mpeg4", "-c:v mpeg4 -g 12 -bf 2 -q:v 2 -sc_threshold 1000000000"),
    ] {
        let Some((path, shown)) = encoded(dir.path(), &format!("{codec}.mp4"), options) else { return };
        for (container, places) in [("mp4", (12..24).collect::<Vec<_>>()), ("mov", vec![2, 17]), ("mkv", vec![5, 23])] {
            for at in places {
                let to = dir.path().join(format!("{codec}_{at}.{container}"));
                // FFmpeg looks for the key frame by decoding times, which in MPEG-4 are those of two pictures before.
                let late = codec == "mpeg4" && at % GROUP >= GROUP - 2;
                let key = at - at % GROUP + if late { GROUP } else { 0 };
                // Matroska has no edit lists: the clip begins at the key frame.
                let first = if container == "mkv" || late { key } else { at };
                cuts.push((path.clone(), at, to, shown[first..].to_vec()));
            }
        }
    }
    let wrong: Vec<String> = cuts
        .par_iter()
        .filter_map(|(from, at, to, expected)| {
            cut(from, *at, to, &[]);
            shows(to, expected).err()
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}: {wrong:#?}", wrong.len(), cuts.len());
}

#[test]
fn a_cut_that_ends_inside_a_group_with_sound_beside_it() {
    let dir = tempfile::tempdir().unwrap();
    let options = "-f lavfi -i sine=440:d=2.4 -map 0 -map 1 -c:v libx264 -bf 3 -g 12 -c:a aac";
    let Some((path, _)) = encoded(dir.path(), "sound.mp4", options) else { return };
    for (name, places, options) in [
        ("plain.mp4", [3, 17], &["-t", "1"][..]),
        ("phone.mov", [5, 14], &["-t", "1.2"][..]),
        ("fragments.mp4", [8, 21], &["-movflags", "frag_keyframe+empty_moov"][..]),
        ("zero.mp4", [8, 21], &["-avoid_negative_ts", "make_zero"][..]),
        ("offsets.mp4", [6, 13], &["-movflags", "negative_cts_offsets"][..]),
    ] {
        for at in places {
            let to = dir.path().join(format!("{at}_{name}"));
            cut(&path, at, &to, options);
            exact(&to, 64, 48, "yuv420p");
        }
    }
}

/// Writes another edit list over the one that a file has: `(length, from)` in thousandths of a second and in units of the
/// track.
fn with_edits(path: &Path, edits: &[(u32, i32)]) {
    let mut bytes = std::fs::read(path).unwrap();
    let at = bytes.windows(4).position(|w| w == b"edts").unwrap() - 4;
    let end = bytes.windows(4).rposition(|w| w == b"moov").unwrap() - 4;
    assert!(bytes[end + 4..].starts_with(b"moov") && end < at, "the index is not last");
    let old = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    let list: Vec<u8> = edits
        .iter()
        .flat_map(|(length, from)| [&length.to_be_bytes()[..], &from.to_be_bytes(), &[0, 1, 0, 0]].concat())
        .collect();
    let size = 8 + 16 + list.len();
    let mut edts = (size as u32).to_be_bytes().to_vec();
    edts.extend(b"edts");
    edts.extend(((size - 8) as u32).to_be_bytes());
    edts.extend(b"elst\0\0\0\0");
    edts.extend((edits.len() as u32).to_be_bytes());
    edts.extend(list);
    bytes.splice(at..at + old, edts);
    // The boxes around it grow too.
    let track = bytes[..at].windows(4).rposition(|w| w == b"trak").unwrap() - 4;
    for outer in [end, track] {
        let length = u32::from_be_bytes(bytes[outer..outer + 4].try_into().unwrap()) as usize + size - old;
        bytes[outer..outer + 4].copy_from_slice(&(length as u32).to_be_bytes());
    }
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn edit_lists_that_trim_both_ends_delay_and_take_several_parts() {
    let dir = tempfile::tempdir().unwrap();
    for codec in ["-c:v libx264 -bf 3 -g 12", "-c:v libx265 -tag:v hvc1 -x265-params log-level=none:keyint=12"] {
        let Some((path, shown)) = encoded(dir.path(), "whole.mp4", &format!("{codec} -video_track_timescale 12800"))
        else {
            return;
        };
        let reordered = 1024;
        let frame = |n: i32| reordered + n * 512;
        // Trimmed at both ends as phones do; with nothing shown before; two parts with a gap, and one after the other.
        for (edits, parts) in [
            (vec![(600, frame(17))], std::iter::once(17..32).collect()),
            (vec![(400, -1), (1000, frame(5))], std::iter::once(5..30).collect()),
            (vec![(320, frame(7)), (480, frame(30))], vec![7..15, 30..42]),
            (vec![(200, frame(40)), (280, frame(3))], vec![40..45, 3..10]),
        ] {
            let to = dir.path().join("edited.mp4");
            std::fs::copy(&path, &to).unwrap();
            with_edits(&to, &edits);
            let expected: Vec<f64> = parts.into_iter().flat_map(|part| shown[part].to_vec()).collect();
            if codec.contains("264") {
                assert_eq!(
                    luma_means(&to, 64, 48, "yuv420p").len(),
                    expected.len(),
                    "FFmpeg reads {edits:?} otherwise"
                );
            }
            let said = shows(&to, &expected);
            assert!(said.is_ok(), "{edits:?}: {said:?}");
        }
    }
}

#[test]
fn a_cut_clip_that_is_damaged_says_so_and_a_sound_part_is_right() {
    let dir = tempfile::tempdir().unwrap();
    let Some((path, shown)) = encoded(dir.path(), "a.mp4", "-c:v libx264 -bf 3 -g 12") else { return };
    let to = dir.path().join("cut.mp4");
    cut(&path, 17, &to, &["-movflags", "faststart"]);
    let bytes = std::fs::read(&to).unwrap();
    std::fs::write(&to, &bytes[..bytes.len() * 7 / 10]).unwrap();
    let report = probe(&to, &[0, 5, 10]).unwrap();
    assert!((11..43).contains(&report.frames), "{} frames", report.frames);
    assert!(report.warnings.iter().any(|w| w.contains("cut off")), "{:?}", report.warnings);
    for sample in report.samples {
        let want = shown[17 + sample.index as usize];
        assert!((sample.luma.unwrap() - want).abs() <= 0.5, "frame {}: {sample:?}, not {want}", sample.index);
    }
}
