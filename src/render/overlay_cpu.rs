//! The overlay on the CPU: for exported videos, and the reference the shader is held against.

use super::colormap::sample_lut;
use super::contour::{contour_lines, coverage};
use super::heat_volume::{HeatVolume, Sampler};
use super::overlay::{CONTOUR_OPACITY, ClipPosition, OverlayParams, Region};
use crate::domain::RgbImage;
use rayon::prelude::*;

/// The frame with the heatmap over it, at the frame's own size.
///
/// `position` says which frame of the explained clip this is. See [`overlay`](super::overlay) for the arithmetic.
pub fn composite(frame: &RgbImage, heat: &HeatVolume, position: ClipPosition, params: &OverlayParams) -> RgbImage {
    let (width, height) = (frame.width as usize, frame.height as usize);
    if width == 0 || height == 0 {
        return frame.clone();
    }
    let resolved = params.resolve(heat, position);
    let region = resolved.region;
    let [_, cell_rows, cell_columns] = heat.shape();
    let plane = heat.plane(resolved.time, params.interpolation);
    let span = (region.x0, region.x1);
    let sampler = Sampler::new(&plane, [cell_rows, cell_columns], params.interpolation, width, span);
    let lines = resolved.contours.then(|| {
        let size = [width as f32 * (region.x1 - region.x0), height as f32 * (region.y1 - region.y0)];
        coverage(&contour_lines(heat, position, params, size), region, Region::FULL, [frame.width, frame.height])
    });
    let lut = params.color_map.lut();
    let mut data = frame.data.to_vec();
    data.par_chunks_mut(width * 3).enumerate().for_each(|(y, line)| {
        let mut row = vec![0.0; width];
        sampler.row(y as f32, height, (region.y0, region.y1), &mut row);
        row.iter_mut().for_each(|v| *v = (*v * resolved.inverse_scale).clamp(0.0, 1.0));
        let lines = lines.as_deref().and_then(|all| all.get(y * width * 2..(y + 1) * width * 2));
        let v_share = (y as f32 + 0.5) / height as f32;
        for (x, pixel) in line.chunks_exact_mut(3).enumerate() {
            if !region.contains((x as f32 + 0.5) / width as f32, v_share) {
                continue;
            }
            let v = row[x];
            let opacity = resolved.opacity(v, params.blend);
            let color = sample_lut(lut, v);
            let [halo, core] = lines.map_or([0.0; 2], |l| [l[2 * x], l[2 * x + 1]].map(|byte| f32::from(byte) / 255.0));
            for (byte, target) in pixel.iter_mut().zip(color) {
                let mut value = f32::from(*byte) / 255.0 * (1.0 - opacity) + target * opacity;
                value *= 1.0 - halo * CONTOUR_OPACITY[0];
                value += (1.0 - value) * core * CONTOUR_OPACITY[1];
                *byte = (value * 255.0).round().clamp(0.0, 255.0) as u8;
            }
        }
    });
    RgbImage { width: frame.width, height: frame.height, data: data.into() }
}

/// The heatmap alone in full colour, `width` by `height` pixels: what `heatmap.mp4` shows.
pub fn heat_picture(
    width: u32,
    height: u32,
    heat: &HeatVolume,
    position: ClipPosition,
    params: &OverlayParams,
) -> RgbImage {
    let black = RgbImage { width, height, data: vec![0; width as usize * height as usize * 3].into() };
    composite(&black, heat, position, &OverlayParams { alpha: 1.0, ..*params })
}
