//! Every video of the reference manifest, held against an independent decoder's frame counts and pictures.
//!
//! The manifest (`KINOLENS_VIDEOS`, default `../shared/data`) comes from FFmpeg; its `about` field states the tolerances.

use crate::support::datasets::outside;
use kinolens::video::{DecodedPicture, MeanColour, ProbeReport, Video, probe};
use rand::{Rng, SeedableRng};
use rayon::prelude::*;
use serde_json::Value;
use std::path::PathBuf;

fn folder() -> Option<PathBuf> {
    outside("KINOLENS_VIDEOS", "../shared/data")
}

/// The manifest's entries whose files are here.
fn entries() -> Vec<(PathBuf, Value)> {
    let Some(folder) = folder() else { return Vec::new() };
    let manifest: Value = serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let files = manifest["files"].as_array().unwrap();
    let here: Vec<_> = files
        .iter()
        .map(|f| (folder.join(f["file"].as_str().unwrap()), f.clone()))
        .filter(|(path, _)| path.is_file())
        .collect();
    assert!(!here.is_empty(), "the manifest names no file that exists");
    here
}

/// Runs `check` on every entry on all cores and fails with every complaint at once.
fn all(check: impl Fn(&PathBuf, &Value) -> Result<(), String> + Sync) {
    let complaints: Vec<String> = entries()
        .par_iter()
        .filter_map(|(path, truth)| check(path, truth).err().map(|why| format!("{}: {why}", path.display())))
        .collect();
    assert!(complaints.is_empty(), "{} complaints:\n{}", complaints.len(), complaints.join("\n"));
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

#[test]
fn probe_agrees_with_the_manifest() {
    all(|path, truth| {
        let samples = truth["samples"].as_array().ok_or("no samples")?;
        let wanted: Vec<u32> = samples.iter().map(|s| s["i"].as_u64().unwrap() as u32).collect();
        let report = probe(path, &wanted).map_err(|e| e.to_string())?;
        let frames = u64::from(report.frames);
        let expected = truth["frames"].as_u64().ok_or("no frame count")?;
        let may_count_one_more = truth["codec"] == "mpeg4" && truth["container"] == "avi";
        if frames != expected && !(may_count_one_more && frames == expected + 1) {
            return Err(format!("{frames} frames, not {expected}"));
        }
        compare_properties(&report, truth)?;
        let deep = truth["pix_fmt"].as_str().is_some_and(|p| p.contains("10"));
        for (sample, ours) in samples.iter().zip(&report.samples) {
            if let (Some(luma), Some(y)) = (ours.luma, sample["y"].as_f64()) {
                let tolerance = if deep { 2.0 } else { 0.5 };
                if (luma - y).abs() > tolerance {
                    return Err(format!("frame {}: luma {luma:.3}, not {y:.3}", ours.index));
                }
            }
            let MeanColour { r, g, b } = ours.mean;
            for (name, got) in [("r", r), ("g", g), ("b", b)] {
                let want = number(&sample[name]);
                if (got - want).abs() > 5.0 {
                    return Err(format!("frame {}: {name} {got:.2}, not {want:.2}", ours.index));
                }
            }
        }
        Ok(())
    });
}

fn compare_properties(report: &ProbeReport, truth: &Value) -> Result<(), String> {
    let size = (u64::from(report.width), u64::from(report.height));
    let want = (truth["display_w"].as_u64().unwrap_or(0), truth["display_h"].as_u64().unwrap_or(0));
    if size != want {
        return Err(format!("size {size:?}, not {want:?}"));
    }
    // ffprobe counts anticlockwise.
    let turn = (-truth["rotation"].as_i64().unwrap_or(0)).rem_euclid(360);
    if i64::from(report.rotation) != turn {
        return Err(format!("rotation {}, not {turn}", report.rotation));
    }
    let damaged = truth["decode_stderr"].as_str().is_some_and(|s| s.contains("Invalid"));
    if !damaged && truth["vfr"].as_bool().is_some_and(|v| v != report.variable_frame_rate) {
        return Err(format!("variable frame rate {}", report.variable_frame_rate));
    }
    if let Some((n, d)) = truth["avg_fps"].as_str().and_then(|s| s.split_once('/')) {
        let want = n.parse::<f64>().unwrap_or(f64::NAN) / d.parse::<f64>().unwrap_or(f64::NAN);
        if want.is_finite() && (report.fps - want).abs() > 0.05 * want {
            return Err(format!("{} frames a second, not {want}", report.fps));
        }
    }
    if let Some((n, d)) = truth["sar"].as_str().and_then(|s| s.split_once(':')) {
        let want = n.parse::<f64>().unwrap_or(f64::NAN) / d.parse::<f64>().unwrap_or(f64::NAN);
        if want.is_finite() && want > 0.0 && (report.pixel_aspect - want).abs() > 0.01 {
            return Err(format!("pixel aspect {}, not {want}", report.pixel_aspect));
        }
    }
    Ok(())
}

#[test]
fn some_rows_and_columns_of_a_picture_are_those_of_the_whole_one() {
    all(|path, _| part_of_the_whole(&Video::open(path).map_err(|e| e.to_string())?));
}

fn part_of_the_whole(video: &Video) -> Result<(), String> {
    let at = video.info().frames / 2;
    let whole = video.frame(at).map_err(|e| e.to_string())?.image.clone();
    let rows: Vec<u32> = (0..whole.height).filter(|y| y % 7 == 3 || *y + 1 == whole.height).collect();
    // A few columns, nearly all, and all.
    for columns in [|x: &u32| x % 5 < 2, |x: &u32| x % 5 != 2, |_: &u32| true] {
        let columns: Vec<u32> = (0..whole.width).filter(columns).collect();
        let mut expected = Vec::new();
        for (y, x) in rows.iter().flat_map(|y| columns.iter().map(move |x| (y, x))) {
            let from = ((y * whole.width + x) * 3) as usize;
            expected.extend_from_slice(&whole.data[from..from + 3]);
        }
        let mut seen = 0;
        let check = &mut |picture: &DecodedPicture| {
            seen += 1;
            assert_eq!(picture.size(), (whole.width, whole.height), "{}", video.path().display());
            assert!(picture.rgb_where(&rows, &columns)? == expected, "{}", video.path().display());
            Ok(true)
        };
        if at.is_multiple_of(2) {
            video.for_each_picture(&[at], check).map_err(|e| e.to_string())?;
        } else {
            video.decoders().for_each_picture(&[at], check).map_err(|e| e.to_string())?;
        }
        if seen != 1 {
            return Err(format!("{seen} pictures came"));
        }
    }
    Ok(())
}

#[test]
fn jumping_gives_the_pictures_of_sequential_decoding() {
    all(|path, _| {
        let video = Video::open(path).map_err(|e| e.to_string())?;
        let frames = video.info().frames;
        // Sequential truth comes from a video of its own, so that no decoder or cached picture is shared.
        let mut truth = Vec::with_capacity(frames as usize);
        let sequential = Video::open(path).map_err(|e| e.to_string())?;
        sequential
            .for_each(0, frames, &mut |frame| {
                truth.push(crc32c::crc32c(&frame.image.data));
                true
            })
            .map_err(|e| e.to_string())?;
        if truth.len() != frames as usize {
            return Err(format!("{} of {frames} frames came", truth.len()));
        }
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(u64::from(frames) + 17);
        for _ in 0..40 {
            let at = random.random_range(0..frames);
            let frame = video.frame(at).map_err(|e| e.to_string())?;
            if crc32c::crc32c(&frame.image.data) != truth[at as usize] {
                return Err(format!("frame {at} differs when jumped to"));
            }
            // A step back and a step forward from there.
            for near in [at.saturating_sub(1), (at + 1).min(frames - 1)] {
                let frame = video.frame(near).map_err(|e| e.to_string())?;
                if frame.index != near || crc32c::crc32c(&frame.image.data) != truth[near as usize] {
                    return Err(format!("frame {near} differs when stepped to from {at}"));
                }
            }
        }
        Ok(())
    });
}
