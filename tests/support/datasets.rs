//! Small datasets on disk, made for one test each. Videos are folders of PNG frames, which open without a codec.

use image::{Rgb, RgbImage};
use kinolens::config::DataConfig;
use kinolens::data::{DataError, open_with_cache};
use kinolens::domain::Dataset;
use kinolens::progress::Silent;
use kinolens::video::VideoWriter;
use std::path::{Path, PathBuf};

/// A folder that disappears with the test.
pub fn temp() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Writes a text file, making its folders.
pub fn write(path: impl AsRef<Path>, text: &str) {
    let path = path.as_ref();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// Writes a video of `frames` frames whose pixels `color(frame, x, y)` gives.
pub fn video_of(dir: impl AsRef<Path>, frames: u32, size: (u32, u32), color: impl Fn(u32, u32, u32) -> [u8; 3]) {
    let dir = dir.as_ref();
    std::fs::create_dir_all(dir).unwrap();
    for n in 0..frames {
        let picture = RgbImage::from_fn(size.0, size.1, |x, y| Rgb(color(n, x, y)));
        picture.save(dir.join(format!("{n:05}.png"))).unwrap();
    }
}

/// A video of 8x6 pixels in which frame `n` is evenly `(n, 2n, 3n)`.
pub fn video(dir: impl AsRef<Path>, frames: u32) {
    video_of(dir, frames, (8, 6), |n, _, _| [n as u8, (2 * n) as u8, (3 * n) as u8]);
}

/// Writes a video with presentation times.
pub fn clip(path: impl AsRef<Path>, frames: u32, fps: f64) {
    let path = path.as_ref();
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = VideoWriter::create(path, 32, 32, fps).unwrap();
    for n in 0..frames {
        writer.push(&kinolens::domain::RgbImage::new(32, 32, vec![(n * 3) as u8; 32 * 32 * 3]).unwrap()).unwrap();
    }
    writer.finish().unwrap();
}

/// Opens without remembering anything.
pub fn open(path: impl AsRef<Path>) -> Dataset {
    try_open(path).unwrap()
}

/// Opens without remembering anything.
pub fn try_open(path: impl AsRef<Path>) -> Result<Dataset, DataError> {
    open_with_cache(path.as_ref(), &DataConfig::default(), None, &Silent)
}

/// True when a warning about a path that ends in `path` contains all `words`.
pub fn warns(dataset: &Dataset, path: &str, words: &[&str]) -> bool {
    dataset.warnings.iter().any(|w| {
        w.path.to_string_lossy().replace('\\', "/").ends_with(path) && words.iter().all(|x| w.message.contains(x))
    })
}

/// A folder of outside references, from an environment variable or beside the repository. Where there is none the test
/// says so and is skipped, except under CI.
pub fn outside(variable: &str, default: &str) -> Option<PathBuf> {
    let dir = std::env::var_os(variable)
        .map(PathBuf::from)
        .unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join(default));
    if dir.is_dir() {
        return Some(dir);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{} is missing; set {variable} to the folder of references",
        dir.display()
    );
    eprintln!("skipped: {} is missing; set {variable}", dir.display());
    None
}
