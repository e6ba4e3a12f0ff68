//! How long a cold jump takes, measured.

use super::{Video, VideoError};
use rand::Rng;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

/// Times of jumps to random frames, each far from the last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct SeekFigures {
    /// Half of the jumps were faster, in milliseconds.
    pub median_ms: f64,
    /// 95 of 100 jumps were faster, in milliseconds.
    pub p95_ms: f64,
    /// The slowest jump, in milliseconds.
    pub max_ms: f64,
}

/// Opens a video, decodes one frame, then times `n` jumps to frames drawn with `seed`, including the conversion to RGB.
///
/// # Errors
/// As [`Video::open`] and [`Video::frame`].
pub fn measure_seeks(path: &Path, n: u32, seed: u64) -> Result<SeekFigures, VideoError> {
    let video = Video::open(path)?;
    let frames = video.info().frames;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut at = 0;
    video.frame(at)?;
    let mut times = Vec::with_capacity(n as usize);
    for _ in 0..n.max(1) {
        // A jump, not a step: at least half a second of video away where the video is long enough.
        let mut target = random.random_range(0..frames.max(1));
        for _ in 0..8 {
            if target.abs_diff(at) > 15 {
                break;
            }
            target = random.random_range(0..frames.max(1));
        }
        let start = Instant::now();
        video.frame(target)?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        at = target;
    }
    times.sort_by(f64::total_cmp);
    let at = |share: f64| times.get(((times.len() - 1) as f64 * share).round() as usize).copied().unwrap_or(0.0);
    Ok(SeekFigures { median_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1.0) })
}
