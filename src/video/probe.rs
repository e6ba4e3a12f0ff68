//! Everything about one video, with numbers that can be held against another decoder's.

use super::{Video, VideoError};
use md5::{Digest, Md5};
use serde::Serialize;
use std::path::Path;

/// Properties and chosen frames of one video; the keys are those of `probe --json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProbeReport {
    /// Pixels in a row, rotation applied.
    pub width: u32,
    /// Rows, rotation applied.
    pub height: u32,
    /// Shape of a stored pixel, width over height.
    pub pixel_aspect: f64,
    /// Degrees clockwise the viewer turns the stored picture.
    pub rotation: u32,
    /// Average frames a second.
    pub fps: f64,
    /// Number of frames that decode, counted.
    pub frames: u32,
    /// Length in seconds.
    pub duration_s: f64,
    /// Short codec name.
    pub codec: String,
    /// True when frame durations differ.
    pub variable_frame_rate: bool,
    /// The frames asked for, in the order asked for.
    pub samples: Vec<ProbeSample>,
    /// Sentences about damage.
    pub warnings: Vec<String>,
    /// Sentences about what is assumed of a sound video.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// One frame of a [`ProbeReport`].
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProbeSample {
    /// Frame number, from 0.
    pub index: u32,
    /// Presentation time in seconds.
    pub pts_s: f64,
    /// Mean of the decoder's luma plane at its own bit depth (0…255, or 0…1023 for 10 bits); absent for RGB codecs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub luma: Option<f64>,
    /// Mean of the stored (unrotated) frame as 8-bit RGB.
    pub mean: MeanColour,
    /// MD5 of the same bytes, in hexadecimal.
    pub md5: String,
}

/// Mean of each channel, 0…255.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct MeanColour {
    /// Red.
    pub r: f64,
    /// Green.
    pub g: f64,
    /// Blue.
    pub b: f64,
}

/// Decodes a whole video, counts its frames and measures the listed ones.
///
/// # Errors
/// As [`Video::open`] and [`Video::frame`]; a frame that does not exist is [`VideoError::OutOfRange`].
pub fn probe(path: &Path, frames: &[u32]) -> Result<ProbeReport, VideoError> {
    let video = Video::open_verified(path)?;
    let info = video.info();
    let mut samples = Vec::with_capacity(frames.len());
    video.raw_frames(frames, &mut |index, luma, image| {
        samples.push(ProbeSample {
            index,
            pts_s: video.pts_s(index).unwrap_or(0.0),
            luma,
            mean: mean(&image.data),
            md5: Md5::digest(image.data.as_slice()).iter().map(|b| format!("{b:02x}")).collect(),
        });
    })?;
    Ok(ProbeReport {
        width: info.width,
        height: info.height,
        pixel_aspect: f64::from(info.pixel_aspect.0) / f64::from(info.pixel_aspect.1.max(1)),
        rotation: info.rotation,
        fps: info.fps,
        frames: info.frames,
        duration_s: info.duration_s,
        codec: info.codec.clone(),
        variable_frame_rate: info.variable_frame_rate,
        samples,
        warnings: info.warnings.clone(),
        notes: video.assumed().into_iter().collect(),
    })
}

fn mean(rgb: &[u8]) -> MeanColour {
    let mut sums = [0_u64; 3];
    for pixel in rgb.chunks_exact(3) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(value);
        }
    }
    let pixels = (rgb.len() / 3).max(1) as f64;
    let [r, g, b] = sums.map(|s| s as f64 / pixels);
    MeanColour { r, g, b }
}
