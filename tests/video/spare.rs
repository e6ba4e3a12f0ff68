//! Packets of pictures that nobody refers to and nobody asked for are not decoded, and what is decoded stays the same.

use crate::support::datasets::outside;
use crate::support::ffmpeg::ffmpeg;
use kinolens::video::{DecodedPicture, Video, VideoError};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

/// Checksums of all pictures, decoded one after the other.
fn sequential(path: &Path) -> Result<Vec<u32>, VideoError> {
    let mut all = Vec::new();
    Video::open(path)?.for_each(0, u32::MAX, &mut |frame| {
        all.push(crc32c::crc32c(&frame.image.data));
        true
    })?;
    Ok(all)
}

/// Compares random sets of frames with sequential decoding; returns packets decoded and left out, for the sets with a
/// tenth of the frames.
fn same_pictures(path: &Path) -> Result<(u64, u64), String> {
    let said = |e: VideoError| e.to_string();
    let truth = sequential(path).map_err(said)?;
    let video = Video::open(path).map_err(said)?;
    let mut random = ChaCha8Rng::seed_from_u64(truth.len() as u64);
    let mut counts = (0, 0);
    for share in [0.1, 0.5, 0.1] {
        let wanted: Vec<u32> = (0..truth.len() as u32).filter(|_| random.random::<f64>() < share).collect();
        let decoders = video.decoders();
        // In two parts, so that a decoder is used twice; then by the decoder that stays with the video.
        let (first, second) = wanted.split_at(wanted.len() / 2);
        for (parts, own) in [(vec![second, first], true), (vec![&wanted[..]], false)] {
            let mut seen = Vec::new();
            let each = &mut |picture: &DecodedPicture<'_>| {
                seen.push(picture.index);
                let found = crc32c::crc32c(&picture.frame()?.image.data);
                assert_eq!(found, truth[picture.index as usize], "{} frame {}", path.display(), picture.index);
                Ok(true)
            };
            for part in &parts {
                match own {
                    true => decoders.for_each_picture(part, each).map_err(said)?,
                    false => video.for_each_picture(part, each).map_err(said)?,
                }
            }
            assert_eq!(seen, parts.concat(), "{}", path.display());
        }
        let (decoded, left_out) = decoders.packets();
        if share < 0.3 {
            counts = (counts.0 + decoded, counts.1 + left_out);
        }
    }
    Ok(counts)
}

#[test]
fn any_set_of_frames_of_any_video_is_that_of_sequential_decoding() {
    let Some(folder) = outside("KINOLENS_VIDEOS", "../shared/data") else { return };
    let manifest: serde_json::Value =
        serde_json::from_slice(&std::fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let files = manifest["files"].as_array().unwrap();
    let here: Vec<PathBuf> =
        files.iter().map(|f| folder.join(f["file"].as_str().unwrap())).filter(|p| p.is_file()).collect();
    assert!(!here.is_empty(), "the manifest names no file that exists");
    let counted: Vec<Result<(u64, u64), String>> =
        here.par_iter().map(|path| same_pictures(path).map_err(|why| format!("{}: {why}", path.display()))).collect();
    let wrong: Vec<&String> = counted.iter().filter_map(|c| c.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let left_out = counted.iter().flatten().filter(|c| c.1 > 0).count();
    assert!(left_out > 0, "no video of {} had packets to leave out", here.len());
}

#[test]
fn pictures_that_nobody_refers_to_are_left_out_whatever_the_codec_and_the_container() {
    let dir = tempfile::tempdir().unwrap();
    let x265 = "-c:v libx265 -x265-params log-level=none:bframes=4";
    for (name, options, spare) in [
        ("plain.mp4", "-c:v libx264 -bf 3 -x264-params b-pyramid=none:scenecut=0", true),
        ("pyramid.mp4", "-c:v libx264 -bf 7 -x264-params b-pyramid=normal:b-adapt=0", true),
        ("strict.mkv", "-c:v libx264 -bf 5 -x264-params b-pyramid=strict:b-adapt=0:slices=3", true),
        ("open.mp4", "-c:v libx264 -bf 3 -g 20 -x264-params open-gop=1:scenecut=0", true),
        ("stream.ts", "-c:v libx264 -bf 3 -g 20 -f mpegts", true),
        ("hevc.mp4", &format!("{x265}:keyint=25"), true),
        ("hevc-open.mkv", &format!("{x265}:keyint=20:open-gop=1:b-adapt=0"), true),
        ("layers.mp4", &format!("{x265}:temporal-layers=3:keyint=30"), true),
        // Two fields a picture, in one packet.
        ("fields.mp4", "-c:v libx264 -bf 3 -flags +ilme+ildct -x264-params tff=1", true),
        // Each picture is referred to by the next one.
        ("chain.mp4", "-c:v libx264 -bf 0 -g 50", false),
        ("vp8.webm", "-c:v libvpx -g 30", false),
        ("vp9.webm", "-c:v libvpx-vp9 -deadline realtime -g 30", false),
    ] {
        let path = dir.path().join(name);
        let target = path.display().to_string();
        let mut arguments = vec!["-f", "lavfi", "-i", "testsrc2=s=160x120:r=25:d=6,format=yuv420p"];
        arguments.extend(options.split_whitespace());
        arguments.push(&target);
        if ffmpeg(&arguments).is_none() {
            continue;
        }
        let (decoded, left_out) = same_pictures(&path).unwrap();
        // A tenth of 150 frames was asked for, twice.
        let expected = if spare { 50..301 } else { 0..1 };
        assert!(expected.contains(&left_out), "{name}: {decoded} packets decoded, {left_out} left out");
        assert!(decoded + left_out <= 2 * 2 * 150, "{name}: packets were decoded again and again");
    }
}
