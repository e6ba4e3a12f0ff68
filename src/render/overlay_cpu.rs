//! The overlay on the CPU: for exported videos, and the reference the shader is held against.

use super::colormap::sample_lut;
use super::contour::{contour_lines, coverage};
use super::heat_volume::{HeatVolume, Sampler};
use super::overlay::{Blend, CONTOUR_OPACITY, ClipPosition, OverlayParams, Region};
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
    composite(&black, heat, position, &OverlayParams { alpha: 1.0, blend: Blend::Constant, ..*params })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{HeatMap, MapPooling};
    use crate::render::Interpolation;

    #[test]
    fn a_map_of_a_part_of_the_picture_lies_on_that_part() {
        let map = HeatMap {
            method: "grad-cam".into(),
            layer: "l".into(),
            class: 0,
            against: None,
            shape: [1, 1, 2],
            values: vec![1.0, 0.0],
            pooling: MapPooling::SpaceTime,
            // Columns 2 to 5 and rows 1 and 2 of 8x4 pixels.
            region: [0.25, 0.25, 0.5, 0.5],
        };
        let heat = HeatVolume::from_map(&map).unwrap();
        let grey = RgbImage { width: 8, height: 4, data: vec![77; 96].into() };
        let at = ClipPosition { frame: 0, frames: 1 };
        let params = OverlayParams {
            alpha: 1.0,
            blend: Blend::Constant,
            interpolation: Interpolation::Nearest,
            ..OverlayParams::default()
        };
        let painted = composite(&grey, &heat, at, &params);
        let colour = |v: f32| sample_lut(params.color_map.lut(), v).map(|c| (c * 255.0).round() as u8);
        for (i, pixel) in painted.data.chunks_exact(3).enumerate() {
            let (x, y) = (i % 8, i / 8);
            let expected = match (x, y) {
                (2 | 3, 1 | 2) => colour(1.0),
                (4 | 5, 1 | 2) => colour(0.0),
                _ => [77; 3],
            };
            assert_eq!(pixel, expected, "{x} {y}");
        }
        // What is asked for by the settings goes before.
        let left = Region { x0: 0.0, y0: 0.0, x1: 0.25, y1: 1.0 };
        let painted = composite(&grey, &heat, at, &OverlayParams { region: left, ..params });
        assert_eq!((&painted.data[..3], &painted.data[9..12]), (&colour(1.0)[..], &[77; 3][..]));
    }
}
