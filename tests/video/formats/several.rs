//! Files that begin like a picture and hold many.

use super::{exact, luma_means, make};
use crate::support::ffmpeg::ffmpeg;
use image::codecs::jpeg::JpegEncoder;
use kinolens::video::{Video, probe};

#[test]
fn raw_motion_jpeg() {
    let dir = tempfile::tempdir().unwrap();
    let Some(path) = make(&dir, "raw.mjpeg", "-c:v mjpeg -q:v 3 -f mjpeg") else { return };
    let truth = luma_means(&path, 160, 120, "yuvj420p");
    let all: Vec<u32> = (0..50).rev().collect();
    let report = probe(&path, &all).unwrap();
    assert_eq!((report.frames as usize, report.codec.as_str()), (truth.len(), "mjpeg"));
    for sample in &report.samples {
        let want = truth[sample.index as usize];
        assert!((sample.luma.unwrap() - want).abs() <= 0.5, "{sample:?}, not {want}");
    }
    assert!(report.warnings.iter().any(|w| w.contains("25 are assumed")), "{:?}", report.warnings);
    // The name does not matter, and a last picture that is cut is left out with a word.
    let bytes = std::fs::read(&path).unwrap();
    let cut = dir.path().join("a.jpg");
    std::fs::write(&cut, &bytes[..bytes.len() - 700]).unwrap();
    let report = probe(&cut, &[48]).unwrap();
    assert_eq!(report.frames, 49);
    assert!(report.warnings.iter().any(|w| w.contains("cut off")), "{:?}", report.warnings);
}

#[test]
fn a_photo_with_a_smaller_one_behind_it_is_a_picture() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.jpg");
    let mut bytes = Vec::new();
    for side in [48, 16] {
        let picture = image::RgbImage::from_pixel(side, side, image::Rgb([200, 30, 90]));
        JpegEncoder::new(&mut bytes).encode_image(&picture).unwrap();
    }
    std::fs::write(&path, bytes).unwrap();
    let info = Video::open(&path).unwrap().info().clone();
    assert_eq!((info.frames, info.width), (1, 48));
}

/// Pages of a grey level each, as a camera writes them: little-endian, 16 bits, one strip.
fn stack(levels: &[u16], side: u32, thumbnail: bool) -> Vec<u8> {
    let mut out = b"II*\0\0\0\0\0".to_vec();
    let mut link = 4;
    let mut page = |side: u32, level: u16, kind: u32| {
        let strip = out.len() as u32;
        (0..side * side).for_each(|_| out.extend(level.to_le_bytes()));
        let directory = out.len() as u32;
        out[link..link + 4].copy_from_slice(&directory.to_le_bytes());
        let fields =
            [(254, kind), (256, side), (257, side), (258, 16), (259, 1), (262, 1), (273, strip), (277, 1), (278, side)];
        let fields = fields.into_iter().chain([(279, side * side * 2)]);
        out.extend(10_u16.to_le_bytes());
        for (tag, value) in fields {
            out.extend((tag as u16).to_le_bytes());
            out.extend([4, 0, 1, 0, 0, 0]);
            out.extend(value.to_le_bytes());
        }
        link = out.len();
        out.extend([0; 4]);
    };
    for (n, level) in levels.iter().enumerate() {
        page(side, *level, 0);
        if n == 0 && thumbnail {
            page(side / 2, 1, 1);
        }
    }
    page(side * 2, 9, 0);
    out
}

#[test]
fn stacks_of_pages() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("stack.tif");
    let levels: Vec<u16> = (1..=40).map(|n| n * 1500).collect();
    std::fs::write(&path, stack(&levels, 8, true)).unwrap();
    let video = Video::open_at(&path, 10.0).unwrap();
    let info = video.info();
    assert_eq!((info.frames, info.width, info.fps, info.codec.as_str()), (40, 8, 10.0, "tiff"));
    assert!(info.warnings.iter().any(|w| w.starts_with("1 pages are left out")), "{:?}", info.warnings);
    for at in [39, 0, 17, 1] {
        // Sixteen bits to eight: 65535 is 255.
        let want = (f64::from(levels[at as usize]) / 257.0).round() as u8;
        assert_eq!(video.frame(at).unwrap().image.data[..3], [want; 3], "page {at}");
    }
    // As FFmpeg writes single pages in colour.
    let Some(page) = make(&dir, "page.tif", "-frames:v 1 -pix_fmt rgb24") else { return };
    let truth = ffmpeg(&["-i", &page.display().to_string(), "-f", "rawvideo", "-"]).unwrap();
    assert_eq!(Video::open(&page).unwrap().frame(0).unwrap().image.data[..], truth[..]);
}

#[test]
fn animated_png_and_webp() {
    let dir = tempfile::tempdir().unwrap();
    if let Some(path) = make(&dir, "a.apng", "-f apng -plays 0") {
        let named = dir.path().join("a.png");
        std::fs::rename(&path, &named).unwrap();
        let report = exact(&named, 160, 120, "rgb24");
        assert_eq!((report.codec.as_str(), report.frames), ("apng", 50));
        assert!((report.fps - 25.0).abs() < 0.1, "{}", report.fps);
    }
    // This FFmpeg writes animated WebP and cannot read it: the frames it was given are the truth.
    if let Some(path) = make(&dir, "a.webp", "-c:v libwebp_anim -lossless 1 -pix_fmt bgra") {
        let frames = ffmpeg(&["-f", "lavfi", "-i", super::SOURCE, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]).unwrap();
        let video = Video::open(&path).unwrap();
        assert_eq!((video.info().frames, video.info().codec.as_str()), (50, "webp"));
        for at in [49_u32, 0, 25, 24, 1] {
            let want = &frames[at as usize * 160 * 120 * 3..][..160 * 120 * 3];
            let image = video.frame(at).unwrap().image.clone();
            let sum: u64 = image.data.iter().zip(want).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
            assert!(sum < 3 * want.len() as u64, "frame {at} differs");
        }
    }
}
