//! From 8-bit frames to the numbers a network takes, and back.

use crate::config::ClipConfig;
use crate::domain::RgbImage;

/// `(x/255 - mean) / std` by channel.
#[derive(Clone, Debug)]
pub struct Normalizer {
    table: [[f32; 256]; 3],
    pub(super) mean: [f32; 3],
    pub(super) std: [f32; 3],
}

impl Normalizer {
    /// Mean and standard deviation of a configuration.
    pub fn new(config: &ClipConfig) -> Self {
        let table =
            std::array::from_fn(|c| std::array::from_fn(|v| (v as f32 / 255.0 - config.mean[c]) / config.std[c]));
        Self { table, mean: config.mean, std: config.std }
    }

    /// Writes frame `t` of `length` (RGB bytes) into a clip laid out `[3, T, H, W]`.
    pub(super) fn write_frame(&self, rgb: &[u8], t: usize, length: usize, clip: &mut [f32]) {
        let area = rgb.len() / 3;
        for (c, table) in self.table.iter().enumerate() {
            let start = (c * length + t) * area;
            let Some(plane) = clip.get_mut(start..start + area) else { return };
            for (out, pixel) in plane.iter_mut().zip(rgb.chunks_exact(3)) {
                *out = table[usize::from(pixel[c])];
            }
        }
    }

    /// Frames of a clip `[3, T, H, W]` as pictures: what the network sees, for people.
    pub fn denormalize(&self, clip: &[f32], width: u32, height: u32) -> Vec<RgbImage> {
        let area = width as usize * height as usize;
        if area == 0 {
            return Vec::new();
        }
        let length = clip.len() / (3 * area);
        let byte = |c: usize, v: f32| ((v * self.std[c] + self.mean[c]) * 255.0 + 0.5).clamp(0.0, 255.0) as u8;
        (0..length)
            .filter_map(|t| {
                let mut data = vec![0_u8; area * 3];
                for c in 0..3 {
                    let start = (c * length + t) * area;
                    let plane = clip.get(start..start + area)?;
                    data.chunks_exact_mut(3).zip(plane).for_each(|(pixel, v)| pixel[c] = byte(c, *v));
                }
                RgbImage::new(width, height, data)
            })
            .collect()
    }
}
