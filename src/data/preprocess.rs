//! Normalisation of 8-bit frames to network input, and back.

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
        let (red, rest) = clip.split_at_mut((length * area).min(clip.len()));
        let (green, blue) = rest.split_at_mut((length * area).min(rest.len()));
        let range = t * area..(t + 1) * area;
        let planes = (red.get_mut(range.clone()), green.get_mut(range.clone()), blue.get_mut(range));
        let (Some(red), Some(green), Some(blue)) = planes else { return };
        let [of_red, of_green, of_blue] = &self.table;
        let planes = red.iter_mut().zip(green).zip(blue);
        for (((red, green), blue), [r, g, b]) in planes.zip(rgb.as_chunks::<3>().0) {
            *red = of_red[usize::from(*r)];
            *green = of_green[usize::from(*g)];
            *blue = of_blue[usize::from(*b)];
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
