//! Formats that players get wrong: pictures, counts and properties against FFmpeg, which makes the files and decodes them.

mod cuts;
mod ends;
mod lost;
mod properties;
mod reported;
mod several;
mod starts;
mod ties;

use crate::support::ffmpeg::ffmpeg;
use kinolens::video::{DecodedPicture, ProbeReport, Video, probe};
use std::path::{Path, PathBuf};

/// Fifty frames that grow brighter, so that each one's mean luma tells its number.
const SOURCE: &str = "testsrc2=s=160x120:r=25:d=2,format=yuv420p,fade=in:0:50";

/// A file made from [`SOURCE`] with these output options.
fn make(dir: &tempfile::TempDir, name: &str, options: &str) -> Option<PathBuf> {
    let path = dir.path().join(name);
    let mut arguments = vec!["-f", "lavfi", "-i", SOURCE];
    arguments.extend(options.split_whitespace());
    let target = path.display().to_string();
    arguments.push(&target);
    ffmpeg(&arguments)?;
    Some(path)
}

/// FFmpeg's pictures of the first video stream, not turned: means of the first plane, one a frame.
fn luma_means(path: &Path, width: usize, height: usize, format: &str) -> Vec<f64> {
    let text = path.display().to_string();
    let arguments =
        ["-noautorotate", "-i", &text, "-map", "0:v:0", "-vsync", "0", "-pix_fmt", format, "-f", "rawvideo", "-"];
    let bytes = ffmpeg(&arguments).expect("what FFmpeg made it can decode");
    let (sample, frame) = match format {
        "rgb24" => (1, width * height * 3),
        "yuv420p10le" => (2, width * height * 3),
        _ => (1, width * height * 3 / 2),
    };
    let plane = if format == "rgb24" { frame } else { width * height * sample };
    bytes
        .chunks_exact(frame)
        .map(|f| match sample {
            2 => f[..plane].chunks_exact(2).map(|b| f64::from(u16::from_le_bytes([b[0], b[1]]))).sum::<f64>(),
            _ => f[..plane].iter().map(|b| f64::from(*b)).sum::<f64>(),
        })
        .map(|sum| sum * sample as f64 / plane as f64)
        .collect()
}

/// Counts and every picture as FFmpeg decodes them, and jumps that give what sequential decoding gives.
fn exact(path: &Path, width: u32, height: u32, format: &str) -> ProbeReport {
    let truth = luma_means(path, width as usize, height as usize, format);
    assert!(truth.len() > 10, "FFmpeg finds {} frames", truth.len());
    let all: Vec<u32> = (0..truth.len() as u32).collect();
    let report = probe(path, &all).unwrap();
    assert_eq!((report.frames as usize, report.warnings.len()), (truth.len(), 0), "{:?}", report.warnings);
    let tolerance = match format {
        "rgb24" => 5.0,
        "yuv420p10le" => 2.0,
        _ => 0.5,
    };
    for (sample, want) in report.samples.iter().zip(&truth) {
        let colour = (sample.mean.r + sample.mean.g + sample.mean.b) / 3.0;
        let got = if format == "rgb24" { colour } else { sample.luma.expect("a luma plane") };
        assert!((got - want).abs() <= tolerance, "frame {}: {got:.3}, FFmpeg {want:.3}", sample.index);
    }
    assert!(report.samples.windows(2).all(|w| w[0].pts_s < w[1].pts_s), "times do not rise");
    let video = Video::open(path).unwrap();
    let mut pictures = Vec::new();
    video
        .for_each(0, u32::MAX, &mut |frame| {
            pictures.push(frame.image.clone());
            true
        })
        .unwrap();
    let last = report.frames - 1;
    for index in [last, 0, last / 2, last / 2 - 1, last / 3, last - 1, 1] {
        let again = Video::open(path).unwrap().frame(index).unwrap();
        assert!(again.image == pictures[index as usize], "jumping to frame {index} gives another picture");
    }
    report
}

macro_rules! made {
    ($dir:expr, $name:expr, $options:expr) => {
        match make($dir, $name, $options) {
            Some(path) => path,
            None => return,
        }
    };
}

#[test]
fn gif() {
    let dir = tempfile::tempdir().unwrap();
    let path = made!(&dir, "a.gif", "");
    let report = exact(&path, 160, 120, "rgb24");
    assert_eq!((report.codec.as_str(), report.frames), ("gif", 50));
}

#[test]
fn vp9_with_an_alpha_stream() {
    let dir = tempfile::tempdir().unwrap();
    let path = made!(&dir, "a.webm", "-vf format=yuva420p -c:v libvpx-vp9 -auto-alt-ref 0 -g 20 -deadline realtime");
    assert_eq!(exact(&path, 160, 120, "yuv420p").codec, "vp9");
}

#[test]
fn fragmented_mp4_with_b_frames() {
    let dir = tempfile::tempdir().unwrap();
    let path = made!(&dir, "a.mp4", "-c:v libx264 -g 12 -bf 2 -movflags frag_keyframe+empty_moov+default_base_moof");
    assert_eq!(exact(&path, 160, 120, "yuv420p").frames, 50);
}

#[test]
fn ten_bits() {
    let dir = tempfile::tempdir().unwrap();
    for (name, codec, options) in [
        ("h264.mp4", "h264", "-c:v libx264 -g 12 -bf 2 -pix_fmt yuv420p10le"),
        ("hevc.mp4", "hevc", "-c:v libx265 -x265-params log-level=none:keyint=12 -pix_fmt yuv420p10le"),
        ("vp9.webm", "vp9", "-c:v libvpx-vp9 -deadline realtime -g 12 -pix_fmt yuv420p10le"),
    ] {
        let Some(path) = make(&dir, name, options) else { continue };
        let report = exact(&path, 160, 120, "yuv420p10le");
        assert_eq!((report.codec.as_str(), report.frames), (codec, 50), "{name}");
    }
}

#[test]
fn mpeg_transport_stream() {
    let dir = tempfile::tempdir().unwrap();
    let path = made!(&dir, "a.ts", "-c:v libx264 -g 12 -bf 2 -f mpegts");
    assert_eq!(exact(&path, 160, 120, "yuv420p").frames, 50);
}

#[test]
fn pixels_that_are_not_square() {
    let dir = tempfile::tempdir().unwrap();
    let path = made!(&dir, "a.mp4", "-vf setsar=4/3 -c:v libx264");
    let report = exact(&path, 160, 120, "yuv420p");
    assert!((report.pixel_aspect - 4.0 / 3.0).abs() < 1e-9, "{}", report.pixel_aspect);
    assert_eq!((report.width, report.height), (160, 120), "stored pixels are counted");
}

#[test]
fn rotation_turns_the_picture_and_not_the_numbers() {
    let dir = tempfile::tempdir().unwrap();
    let upright = made!(&dir, "upright.mp4", "-c:v libx264 -g 12");
    let mut turns = Vec::new();
    for degrees in [90, 180, 270] {
        let turned = dir.path().join(format!("{degrees}.mov"));
        let rotate = format!("rotate={degrees}");
        let [from, to] = [&upright, &turned].map(|p| p.display().to_string());
        if ffmpeg(&["-i", &from, "-c", "copy", "-metadata:s:v:0", &rotate, &to]).is_none() {
            return;
        }
        let report = exact(&turned, 160, 120, "yuv420p");
        let size = if degrees == 180 { (160, 120) } else { (120, 160) };
        assert_eq!((report.width, report.height), size);
        assert_eq!(report.rotation == 180, degrees == 180);
        turns.push(report.rotation);
        // FFmpeg's releases disagree on which way that tag turns; how this one shows its own file is the truth.
        let truth = ffmpeg(&[
            "-i",
            &to,
            "-vf",
            "select=eq(n\\,40)",
            "-frames:v",
            "1",
            "-pix_fmt",
            "rgb24",
            "-f",
            "rawvideo",
            "-",
        ])
        .expect("what FFmpeg made it can decode");
        let video = Video::open(&turned).unwrap();
        let shown = video.frame(40).unwrap().image.clone();
        // Reading only some of its pixels finds the same ones, turned the same way.
        let (rows, columns) = ([0, 3, 4, 70], [1, 2, 9, 100, shown.width - 1]);
        let pixels = rows.iter().flat_map(|y| columns.iter().map(move |x| ((y * shown.width + x) * 3) as usize));
        let expected: Vec<u8> = pixels.flat_map(|at| shown.data[at..at + 3].to_vec()).collect();
        let mut same = false;
        let compare = &mut |picture: &DecodedPicture| {
            same = picture.rgb_where(&rows, &columns)? == expected;
            Ok(true)
        };
        video.for_each_picture(&[40], compare).unwrap();
        assert!(same, "{degrees} degrees");
        assert_eq!(shown.data.len(), truth.len());
        let sum: u64 = shown.data.iter().zip(&truth).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = sum as f64 / truth.len() as f64;
        assert!(mean < 6.0, "{degrees} degrees: the picture differs from FFmpeg's by {mean:.1} on average");
    }
    turns.sort_unstable();
    assert_eq!(turns, [90, 180, 270]);
}

#[test]
fn the_default_of_several_video_streams() {
    let dir = tempfile::tempdir().unwrap();
    let path = made!(
        &dir,
        "a.mkv",
        "-f lavfi -i testsrc=s=96x64:r=10:d=4 -map 0:v -map 1:v -c:v libx264 -g 12 -disposition:v:0 default -disposition:v:1 0"
    );
    let report = exact(&path, 160, 120, "yuv420p");
    assert_eq!((report.width, report.frames), (160, 50));
}

#[test]
fn variable_frame_rate() {
    let dir = tempfile::tempdir().unwrap();
    let path = made!(&dir, "a.mp4", "-vf select=not(eq(mod(n\\,5)\\,1)) -vsync vfr -c:v libx264 -g 12 -bf 2");
    let report = exact(&path, 160, 120, "yuv420p");
    assert!(report.variable_frame_rate && report.frames == 40, "{report:?}");
    // Frames 1, 6, 11, … are left out: frame 1 of the file is frame 2 of the source, at 0.08 s.
    for (index, source) in [(0, 0), (1, 2), (4, 5), (5, 7), (39, 49)] {
        let time = report.samples[index].pts_s;
        assert!((time - f64::from(source) / 25.0).abs() < 2e-3, "frame {index} at {time}");
    }
}
