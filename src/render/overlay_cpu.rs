//! The overlay on the CPU: for exported videos, and the reference the shader is held against.

use super::colormap::sample_lut;
use super::heat_volume::{HeatVolume, Sampler};
use super::overlay::{CONTOUR_OPACITY, ClipPosition, OverlayParams, contour_coverage};
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
    // One pixel of margin on each side for the slope under contour lines: column `x + 1` of a row is pixel `x`.
    let span = (region.x0, region.x1);
    let sampler = Sampler::new(&plane, [cell_rows, cell_columns], params.interpolation, width, 1, span);
    let lut = params.color_map.lut();
    let mut data = frame.data.to_vec();
    data.par_chunks_mut(width * 3).enumerate().for_each(|(y, line)| {
        let read = |at: f32| {
            let mut row = vec![0.0; width + 2];
            sampler.row(at, height, (region.y0, region.y1), &mut row);
            row.iter_mut().for_each(|v| *v = (*v * resolved.inverse_scale).clamp(0.0, 1.0));
            row
        };
        let row = read(y as f32);
        let around = resolved.contours.then(|| (read(y as f32 - 1.0), read(y as f32 + 1.0)));
        let v_share = (y as f32 + 0.5) / height as f32;
        for (x, pixel) in line.chunks_exact_mut(3).enumerate() {
            if !region.contains((x as f32 + 0.5) / width as f32, v_share) {
                continue;
            }
            let v = row[x + 1];
            let opacity = resolved.opacity(v, params.blend);
            let color = sample_lut(lut, v);
            let lines = around.as_ref().map_or([0.0; 2], |(above, below)| {
                let slope = [(row[x + 2] - row[x]) * 0.5, (below[x + 1] - above[x + 1]) * 0.5];
                contour_coverage(v, (slope[0] * slope[0] + slope[1] * slope[1]).sqrt())
            });
            for (byte, target) in pixel.iter_mut().zip(color) {
                let mut value = f32::from(*byte) / 255.0 * (1.0 - opacity) + target * opacity;
                if resolved.contours {
                    value *= 1.0 - lines[0] * CONTOUR_OPACITY[0];
                    value += (1.0 - value) * lines[1] * CONTOUR_OPACITY[1];
                }
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
