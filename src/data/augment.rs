//! Augmentation of training clips: one draw per clip, so that all frames agree.

use super::crops::{crop, crop_at};
use super::preprocess::Normalizer;
use super::sampler::stream;
use crate::config::{AugmentConfig, ClipConfig, ColorJitter, CropConfig};
use crate::domain::{Clip, CropView, RgbImage};
use crate::simd::arch;
use pulp::{Simd, WithSimd};
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

const AUGMENT: u64 = 0x6175_676d;
const CROP: u64 = 0x6372_6f70;
const FRAMES: u64 = 0x6672_616d;

/// Weights of R, G and B in the grey value (Rec. 601, as the usual colour jitter has them).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

/// What was drawn for one clip.
///
/// Geometry is applied in the order crop, flip, rotation, in a single bilinear resampling; outside the picture its mirror
/// image continues. Colours follow in the order brightness, contrast, saturation, hue, as one matrix.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Draw {
    /// Mirrored left to right.
    pub flip: bool,
    /// Counter-clockwise rotation about the centre.
    pub degrees: f32,
    /// Left, top, width and height of the part used, as shares of the picture.
    pub crop: [f32; 4],
    /// Factor on all channels.
    pub brightness: f32,
    /// Factor on the distance to the mean grey of the clip.
    pub contrast: f32,
    /// Factor on the distance to each pixel's grey.
    pub saturation: f32,
    /// Turns of the colour circle, about the grey axis.
    pub hue: f32,
}

impl Default for Draw {
    fn default() -> Self {
        Self {
            flip: false,
            degrees: 0.0,
            crop: [0.0, 0.0, 1.0, 1.0],
            brightness: 1.0,
            contrast: 1.0,
            saturation: 1.0,
            hue: 0.0,
        }
    }
}

impl Draw {
    /// Draws for a clip. The same seed, epoch, clip and repeat give the same draw, whatever else was drawn before;
    /// `repeat` counts how often the epoch has had this clip already.
    pub fn random(config: &AugmentConfig, seed: u64, epoch: u64, clip: &Clip, repeat: u32) -> Self {
        if !config.enabled {
            return Self::default();
        }
        let mut random = stream_of(AUGMENT, seed, epoch, clip, repeat);
        let around = |random: &mut ChaCha8Rng, width: f32| width * (random.random::<f32>() * 2.0 - 1.0);
        let ColorJitter { brightness, contrast, saturation, hue } = config.color_jitter;
        Self {
            flip: random.random::<f32>() < config.horizontal_flip,
            degrees: around(&mut random, config.rotation_degrees),
            crop: config.crop.as_ref().map_or([0.0, 0.0, 1.0, 1.0], |c| {
                // Where the ranges leave hardly any crop that fits: the largest picture of the smallest area, centred.
                let side = smallest(c).sqrt();
                random_crop(c, 1.0, &mut random).unwrap_or([(1.0 - side) / 2.0, (1.0 - side) / 2.0, side, side])
            }),
            brightness: (1.0 + around(&mut random, brightness)).max(0.0),
            contrast: (1.0 + around(&mut random, contrast)).max(0.0),
            saturation: (1.0 + around(&mut random, saturation)).max(0.0),
            hue: around(&mut random, hue),
        }
    }

    /// The same for a picture that was resized by its shorter side, of which the input is cut out; sizes are (width, height).
    /// Without `augment.crop` that is a part of the input's size at a random place, else one of random size and shape.
    #[must_use]
    pub(super) fn cut_out(
        self,
        config: &AugmentConfig,
        picture: (u32, u32),
        input: (u32, u32),
        of: &Drawing<'_>,
    ) -> Self {
        let mut random = stream_of(CROP, of.seed, of.epoch, of.clip, of.repeat);
        let shape = |(w, h): (u32, u32)| w as f32 / h.max(1) as f32;
        let part = match &config.crop {
            None => crop_at(picture, input, [random.random(), random.random()]).shares(picture),
            Some(config) => random_crop(config, shape(input) / shape(picture), &mut random)
                .unwrap_or_else(|| crop(picture, input, CropView::default()).shares(picture)),
        };
        Self { crop: part, ..self }
    }

    /// A line for people: what this draw does.
    pub fn describe(&self) -> String {
        let mut parts = Vec::new();
        if self.flip {
            parts.push("flipped".to_owned());
        }
        if self.degrees != 0.0 {
            parts.push(format!("rotated {:+.1}°", self.degrees));
        }
        if self.crop != [0.0, 0.0, 1.0, 1.0] {
            parts.push(format!("cropped to {:.0} %", self.crop[2] * self.crop[3] * 100.0));
        }
        for (name, factor) in
            [("brightness", self.brightness), ("contrast", self.contrast), ("saturation", self.saturation)]
        {
            if factor != 1.0 {
                parts.push(format!("{name} ×{factor:.2}"));
            }
        }
        if self.hue != 0.0 {
            parts.push(format!("hue {:+.2}", self.hue));
        }
        if parts.is_empty() { "unchanged".into() } else { parts.join(", ") }
    }

    /// Every number of it with its name, for people; what leaves a clip as it is too.
    pub fn parameters(&self) -> [(&'static str, String); 7] {
        let [left, top, width, height] = self.crop.map(|share| share * 100.0);
        [
            ("flip", if self.flip { "mirrored" } else { "no" }.to_owned()),
            ("rotation", format!("{:+.2}°", self.degrees)),
            ("crop", format!("{width:.1} × {height:.1} % at {left:.1}, {top:.1} %")),
            ("brightness", format!("×{:.3}", self.brightness)),
            ("contrast", format!("×{:.3}", self.contrast)),
            ("saturation", format!("×{:.3}", self.saturation)),
            ("hue", format!("{:+.3} turns", self.hue)),
        ]
    }

    /// The frames as the network would see them, brought back to pictures of the clip's size.
    pub fn apply(&self, frames: &[RgbImage], config: &ClipConfig) -> Vec<RgbImage> {
        let Some(first) = frames.first() else { return Vec::new() };
        let same = |f: &&RgbImage| (f.width, f.height) == (first.width, first.height);
        let data: Vec<&[u8]> = frames.iter().filter(same).map(|f| f.data.as_slice()).collect();
        let normalizer = Normalizer::new(config);
        let mut out = vec![0.0; data.len() * 3 * config.width as usize * config.height as usize];
        let grey = mean_grey(&data);
        self.write(&data, (first.width, first.height), grey, (config.width, config.height), &normalizer, &mut out);
        normalizer.denormalize(&out, config.width, config.height)
    }

    /// Renders frames of `source` size into a normalised clip `[3, T, H, W]` of `target` size; sizes are (width, height).
    pub(super) fn write(
        &self,
        frames: &[&[u8]],
        source: (u32, u32),
        grey: f32,
        target: (u32, u32),
        normalizer: &Normalizer,
        out: &mut [f32],
    ) {
        let taps = self.taps(source, target);
        let color = self.color(grey, normalizer);
        let (area, length) = (target.0 as usize * target.1 as usize, frames.len());
        if out.len() != area * length * 3 || area == 0 {
            return;
        }
        let (red, rest) = out.split_at_mut(area * length);
        let (green, blue) = rest.split_at_mut(area * length);
        let planes = red.chunks_exact_mut(area).zip(green.chunks_exact_mut(area)).zip(blue.chunks_exact_mut(area));
        for (frame, ((red, green), blue)) in frames.iter().zip(planes) {
            if frame.len() == source.0 as usize * source.1 as usize * 3 {
                arch().dispatch(Render { taps: &taps, color: &color, frame, planes: [red, green, blue] });
            }
        }
    }

    /// Where each output pixel comes from; computed once a clip, used for every frame.
    fn taps(&self, source: (u32, u32), target: (u32, u32)) -> Vec<Taps> {
        let (sw, sh) = (source.0 as f32, source.1 as f32);
        let (tw, th) = (target.0 as f32, target.1 as f32);
        let (sin, cos) = self.degrees.to_radians().sin_cos();
        let [left, top, width, height] = self.crop;
        let area = target.0 as usize * target.1 as usize;
        let mut taps = vec![Taps::default(); area.div_ceil(SIDE_BY_SIDE)];
        for y in 0..target.1 {
            let dy = y as f32 + 0.5 - th / 2.0;
            for x in 0..target.0 {
                let dx = x as f32 + 0.5 - tw / 2.0;
                let mut u = (cos * dx - sin * dy) / tw + 0.5;
                let v = (sin * dx + cos * dy) / th + 0.5;
                if self.flip {
                    u = 1.0 - u;
                }
                let at = (y * target.0 + x) as usize;
                let place = ((left + u * width) * sw - 0.5, (top + v * height) * sh - 0.5);
                taps[at / SIDE_BY_SIDE].set(at % SIDE_BY_SIDE, place, source);
            }
        }
        taps
    }

    /// All colour changes and the normalisation as one affine map of RGB bytes.
    fn color(&self, grey: f32, normalizer: &Normalizer) -> Color {
        let mut matrix = [[0.0_f32; 3]; 3];
        let gain = self.brightness * self.contrast;
        let hue = hue_matrix(self.hue);
        for (i, row) in matrix.iter_mut().enumerate() {
            for (j, m) in row.iter_mut().enumerate() {
                // hue · saturation; both leave greys alone, so that the contrast's offset passes through.
                *m = (0..3)
                    .map(|k| {
                        let same = if k == j { self.saturation } else { 0.0 };
                        hue[i][k] * (same + (1.0 - self.saturation) * LUMA[j])
                    })
                    .sum::<f32>()
                    * gain
                    / 255.0;
            }
        }
        let offset = (1.0 - self.contrast) * self.brightness * grey / 255.0;
        let scale = normalizer.std.map(|s| 1.0 / s);
        let shift = std::array::from_fn(|c| -normalizer.mean[c] * scale[c]);
        Color { matrix, offset, scale, shift }
    }
}

/// Mean grey value of frames, 0…255.
pub(super) fn mean_grey(frames: &[&[u8]]) -> f32 {
    let (mut sum, mut count) = (0.0_f64, 0_usize);
    for frame in frames {
        sum += channel_sums(frame).iter().zip(LUMA).map(|(c, w)| *c as f64 * f64::from(w)).sum::<f64>();
        count += frame.len() / 3;
    }
    if count == 0 { 0.0 } else { (sum / count as f64) as f32 }
}

/// Sums of red, green and blue over the pixels of a frame.
fn channel_sums(frame: &[u8]) -> [u64; 3] {
    /// Bytes added side by side: a whole number of pixels and of vectors.
    const BLOCK: usize = 192;
    let mut sums = [0_u64; 3];
    let (blocks, rest) = frame.as_chunks::<BLOCK>();
    // As many as sums of 16 bits hold.
    for blocks in blocks.chunks(256) {
        let mut lanes = [0_u16; BLOCK];
        for block in blocks {
            lanes.iter_mut().zip(block).for_each(|(lane, v)| *lane += u16::from(*v));
        }
        lanes.iter().enumerate().for_each(|(at, lane)| sums[at % 3] += u64::from(*lane));
    }
    for pixel in rest.as_chunks::<3>().0 {
        sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += u64::from(*v));
    }
    sums
}

/// Rotation of the colour circle in the YIQ space.
fn hue_matrix(turns: f32) -> [[f32; 3]; 3] {
    const TO_IQ: [[f32; 3]; 2] = [[0.595_901, -0.274_557, -0.321_344], [0.211_537, -0.522_736, 0.311_199]];
    const FROM_IQ: [[f32; 2]; 3] = [[0.956_298, 0.621_025], [-0.272_158, -0.647_381], [-1.104_745, 1.701_487]];
    let mut out = [[0.0; 3]; 3];
    if turns == 0.0 {
        (0..3).for_each(|i| out[i][i] = 1.0);
        return out;
    }
    let (sin, cos) = (turns * std::f32::consts::TAU).sin_cos();
    for (i, row) in out.iter_mut().enumerate() {
        for (j, m) in row.iter_mut().enumerate() {
            let (a, b) = (TO_IQ[0][j], TO_IQ[1][j]);
            *m = LUMA[j] + FROM_IQ[i][0] * (cos * a - sin * b) + FROM_IQ[i][1] * (sin * a + cos * b);
        }
    }
    out
}

/// What a random stream is of: a clip that an epoch has for the `repeat`-th time, from 0.
#[derive(Clone, Copy)]
pub(super) struct Drawing<'a> {
    pub seed: u64,
    pub epoch: u64,
    pub clip: &'a Clip,
    pub repeat: u32,
}

impl Drawing<'_> {
    /// The number of the stream that frames are drawn from.
    pub fn frames(&self) -> u32 {
        stream_of(FRAMES, self.seed, self.epoch, self.clip, self.repeat).random()
    }
}

fn stream_of(purpose: u64, seed: u64, epoch: u64, clip: &Clip, repeat: u32) -> ChaCha8Rng {
    let identity = ((clip.video as u64) << 32 | u64::from(clip.start)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    stream(purpose ^ u64::from(repeat) << 32, seed, epoch, identity)
}

fn smallest(config: &CropConfig) -> f32 {
    config.scale.0.clamp(0.01, 1.0)
}

/// A crop of random size, shape and place (Szegedy et al. 2015), as shares of the picture; `square` is the width over the
/// height, in shares, that counts as a shape of 1. `None` where the ranges leave hardly any crop that fits.
fn random_crop(config: &CropConfig, square: f32, random: &mut ChaCha8Rng) -> Option<[f32; 4]> {
    let between = |random: &mut ChaCha8Rng, (a, b): (f32, f32)| a + (b - a) * random.random::<f32>();
    let scale = (smallest(config), config.scale.1.clamp(0.01, 1.0));
    let ratio = (config.ratio.0.max(0.1).ln(), config.ratio.1.max(0.1).ln());
    for _ in 0..10 {
        let area = between(random, scale);
        let shape = between(random, ratio).exp() * square;
        let (width, height) = ((area * shape).sqrt(), (area / shape).sqrt());
        if width <= 1.0 && height <= 1.0 {
            let left = between(random, (0.0, 1.0 - width));
            return Some([left, between(random, (0.0, 1.0 - height)), width, height]);
        }
    }
    None
}

/// Output pixels computed side by side: vectors of every width hold them.
const SIDE_BY_SIDE: usize = 16;

/// Where some output pixels come from: the byte offsets of the four pixels around each place, and their weights.
#[derive(Clone, Copy, Default)]
struct Taps {
    offsets: [[u32; SIDE_BY_SIDE]; 4],
    weights: [[f32; SIDE_BY_SIDE]; 4],
}

impl Taps {
    fn set(&mut self, at: usize, (x, y): (f32, f32), (width, height): (u32, u32)) {
        let (x0, y0) = (x.floor(), y.floor());
        let (fx, fy) = (x - x0, y - y0);
        let column = |i: i64| mirrored(i, width);
        let row = |i: i64| mirrored(i, height) * width;
        let (l, r) = (column(x0 as i64), column(x0 as i64 + 1));
        let (t, b) = (row(y0 as i64), row(y0 as i64 + 1));
        let offsets = [(t + l) * 3, (t + r) * 3, (b + l) * 3, (b + r) * 3];
        let weights = [(1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy];
        for k in 0..4 {
            (self.offsets[k][at], self.weights[k][at]) = (offsets[k], weights[k]);
        }
    }
}

/// One frame.
struct Render<'a> {
    taps: &'a [Taps],
    color: &'a Color,
    frame: &'a [u8],
    planes: [&'a mut [f32]; 3],
}

impl WithSimd for Render<'_> {
    type Output = ();

    /// Loops over a known number of pixels, which the compiler turns into the vectors there are.
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { taps, color, frame, planes: [red, green, blue] } = self;
        let planes =
            red.chunks_mut(SIDE_BY_SIDE).zip(green.chunks_mut(SIDE_BY_SIDE)).zip(blue.chunks_mut(SIDE_BY_SIDE));
        for (taps, ((red, green), blue)) in taps.iter().zip(planes) {
            let mut sums = [[0.0_f32; SIDE_BY_SIDE]; 3];
            for (offsets, weights) in taps.offsets.iter().zip(&taps.weights) {
                let mut texels = [[0_u8; SIDE_BY_SIDE]; 3];
                for i in 0..SIDE_BY_SIDE {
                    // Offsets lie inside; the check costs less than a crash.
                    if let Some([r, g, b]) = frame.get(offsets[i] as usize..).and_then(<[u8]>::first_chunk) {
                        (texels[0][i], texels[1][i], texels[2][i]) = (*r, *g, *b);
                    }
                }
                for (sums, texels) in sums.iter_mut().zip(&texels) {
                    for i in 0..SIDE_BY_SIDE {
                        sums[i] += weights[i] * f32::from(texels[i]);
                    }
                }
            }
            for (c, out) in [red, green, blue].into_iter().enumerate() {
                let values = color.channel(c, &sums);
                match <&mut [f32; SIDE_BY_SIDE]>::try_from(&mut *out) {
                    Ok(out) => *out = values,
                    Err(_) => out.copy_from_slice(&values[..out.len()]),
                }
            }
        }
    }
}

/// Index inside `0..length`, continuing outside as a mirror does (`-1` is `0`, `length` is `length - 1`).
fn mirrored(i: i64, length: u32) -> u32 {
    if i >= 0 && i < i64::from(length) {
        return i as u32;
    }
    let period = 2 * i64::from(length.max(1));
    let i = i.rem_euclid(period);
    (if i < period / 2 { i } else { period - 1 - i }) as u32
}

/// `matrix · rgb + offset`, cut to 0…1, then scaled and shifted by channel.
struct Color {
    matrix: [[f32; 3]; 3],
    offset: f32,
    scale: [f32; 3],
    shift: [f32; 3],
}

impl Color {
    /// One channel of some pixels.
    #[inline(always)]
    fn channel(&self, c: usize, [r, g, b]: &[[f32; SIDE_BY_SIDE]; 3]) -> [f32; SIDE_BY_SIDE] {
        let ([x, y, z], scale, shift) = (self.matrix[c], self.scale[c], self.shift[c]);
        let mut out = [0.0; SIDE_BY_SIDE];
        for i in 0..SIDE_BY_SIDE {
            out[i] = (x * r[i] + y * g[i] + z * b[i] + self.offset).clamp(0.0, 1.0) * scale + shift;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_added_up_over_blocks_and_what_is_left_over() {
        for pixels in [0, 1, 63, 64, 65, 64 * 257 + 5] {
            let frame: Vec<u8> = (0..pixels * 3).map(|i| if i % 3 == 1 { 255 } else { (i % 250) as u8 }).collect();
            let expected = [0, 1, 2].map(|c| frame.iter().skip(c).step_by(3).map(|v| u64::from(*v)).sum::<u64>());
            assert_eq!(channel_sums(&frame), expected, "{pixels} pixels");
        }
    }
}
