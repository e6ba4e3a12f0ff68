//! Videos that people complained about, held against their frame counts and pictures as FFmpeg decodes them.

use crate::support::datasets::outside;
use kinolens::video::{Video, probe};
use serde_json::Value;
use std::path::Path;

/// What the report of a file has to say, beside its pictures.
fn expected_words(file: &str) -> &'static [&'static str] {
    match file {
        "02_null_frames.avi" => &["counts 40 frames", "34 are decoded"],
        "14_frag10_cut.mp4" => &["cut off"],
        "17_2000fps.mkv" => &["made up"],
        "26_dvb_cut.ts" => &["left out"],
        "28_raw.mjpeg" => &["assumed"],
        _ => &[],
    }
}

fn check(path: &Path, truth: &Value) -> Result<(), String> {
    let file = truth["file"].as_str().ok_or("no name")?;
    let samples = truth["samples"].as_array().ok_or("no samples")?;
    let wanted: Vec<u32> = samples.iter().map(|s| s["i"].as_u64().unwrap() as u32).collect();
    let report = match probe(path, &wanted) {
        Ok(report) => report,
        Err(error) if file == "10_dnxhr.mov" => {
            let said = error.to_string();
            return (said.contains("ffmpeg -i") && !said.contains("install")).then_some(()).ok_or(said);
        }
        Err(error) => return Err(error.to_string()),
    };
    // FFmpeg shows the first page of a stack only.
    let frames = if file == "28_stack.tif" { 40 } else { truth["frames"].as_u64().ok_or("no frame count")? };
    if u64::from(report.frames) != frames {
        return Err(format!("{} frames, not {frames}", report.frames));
    }
    for (sample, ours) in samples.iter().zip(&report.samples) {
        if let (Some(luma), Some(y)) = (ours.luma, sample["y"].as_f64())
            && (luma - y).abs() > 0.5
        {
            return Err(format!("frame {}: luma {luma:.3}, not {y:.3}", ours.index));
        }
        let colours = [("r", ours.mean.r), ("g", ours.mean.g), ("b", ours.mean.b)];
        for (name, got) in colours {
            let want = sample[name].as_f64().ok_or("no colour")?;
            if (got - want).abs() > 5.0 {
                return Err(format!("frame {}: {name} {got:.2}, not {want:.2}", ours.index));
            }
        }
    }
    if file == "13_transverse.mp4" && (report.width, report.height) != (120, 160) {
        return Err(format!("{}x{} pixels", report.width, report.height));
    }
    let words = expected_words(file);
    let said = |word: &&str| report.warnings.iter().any(|w| w.contains(*word));
    if !words.iter().all(said) || words.is_empty() && !report.warnings.is_empty() {
        return Err(format!("it says {:?}, not {words:?}", report.warnings));
    }
    // Opening without decoding all of it finds the same.
    let opened = Video::open(path).map_err(|e| e.to_string())?;
    let same = (u64::from(opened.info().frames), opened.info().warnings.len()) == (frames, report.warnings.len());
    same.then_some(()).ok_or_else(|| format!("opened without decoding: {:?}", opened.info()))
}

#[test]
fn reported_videos_are_right() {
    let Some(folder) = outside("KINOLENS_REPORTED", "../shared/data/reported") else { return };
    let list = std::fs::read(folder.join("videos.json")).unwrap();
    let list: Value = serde_json::from_slice(&list).unwrap();
    let mut wrong = Vec::new();
    for truth in list["files"].as_array().unwrap() {
        let path = folder.join("videos").join(truth["file"].as_str().unwrap());
        if let Err(why) = check(&path, truth) {
            wrong.push(format!("{}: {why}", path.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
