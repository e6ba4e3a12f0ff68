//! Channels of a layer as small pictures: a texture for each row of them, made when the row comes into sight.

use crate::render::ColorMap;
use egui::{ColorImage, Rect, TextureHandle, TextureId, TextureOptions, pos2};
use std::collections::HashMap;

/// The values of a channel at one moment, and the range that the colours span.
#[derive(Clone, Copy, Debug)]
pub struct Plane<'a> {
    /// `[H, W]` in C order.
    pub values: &'a [f32],
    /// What the lowest and the highest colour stand for.
    pub range: (f32, f32),
}

/// How tiles are coloured.
#[derive(Clone, Copy, Debug)]
pub struct TileLook {
    /// The colours.
    pub map: &'static ColorMap,
    /// Between cells, or cells as they are.
    pub smooth: bool,
}

/// Textures of rows of tiles, as long as what they were made from stays.
pub struct TileRows<K> {
    made_from: Option<K>,
    rows: HashMap<usize, TextureHandle>,
}

impl<K> Default for TileRows<K> {
    fn default() -> Self {
        Self { made_from: None, rows: HashMap::new() }
    }
}

impl<K: PartialEq> TileRows<K> {
    /// Forgets the rows where they were made from something else.
    pub fn begin(&mut self, made_from: K) {
        if self.made_from.as_ref() != Some(&made_from) {
            self.rows.clear();
            self.made_from = Some(made_from);
        }
    }

    /// The texture of a row of planes of `(rows, columns)` cells.
    pub fn row<'a>(
        &mut self,
        ctx: &egui::Context,
        row: usize,
        look: TileLook,
        cells: (usize, usize),
        planes: impl FnOnce() -> Vec<Plane<'a>>,
    ) -> TextureId {
        self.picture(ctx, row, look.smooth, || picture(&planes(), cells, look.map))
    }

    /// The texture of a row that is any picture.
    pub fn picture(
        &mut self,
        ctx: &egui::Context,
        row: usize,
        smooth: bool,
        make: impl FnOnce() -> ColorImage,
    ) -> TextureId {
        let texture = self.rows.entry(row).or_insert_with(|| {
            let filter = if smooth { TextureOptions::LINEAR } else { TextureOptions::NEAREST };
            ctx.load_texture("row of tiles", make(), filter)
        });
        texture.id()
    }
}

/// Where tile `at` of `all` lies in the texture of its row.
pub fn place(at: usize, all: usize, (height, width): (usize, usize)) -> Rect {
    let (across, down) = ((all.max(1) * (width + 2)) as f32, (height + 2) as f32);
    let left = (at * (width + 2) + 1) as f32;
    Rect::from_min_max(
        pos2(left / across, 1.0 / down),
        pos2((left + width as f32) / across, (height as f32 + 1.0) / down),
    )
}

/// Tiles beside each other, each with a rim of its outermost cells, so that neighbours do not shine in.
fn picture(planes: &[Plane<'_>], (height, width): (usize, usize), map: &ColorMap) -> ColorImage {
    let (lut, across) = (map.lut(), planes.len().max(1) * (width + 2));
    let mut bytes = vec![0_u8; across * (height + 2) * 3];
    for (tile, plane) in planes.iter().enumerate() {
        let (low, high) = plane.range;
        let scale = if high > low { 255.0 / (high - low) } else { 0.0 };
        for y in 0..height + 2 {
            let row = y.saturating_sub(1).min(height.saturating_sub(1)) * width;
            let start = (y * across + tile * (width + 2)) * 3;
            let line = bytes.get_mut(start..start + (width + 2) * 3).unwrap_or_default();
            for (x, pixel) in line.chunks_exact_mut(3).enumerate() {
                let column = x.saturating_sub(1).min(width.saturating_sub(1));
                let value = plane.values.get(row + column).copied().unwrap_or(low);
                let entry = ((value - low) * scale).round().clamp(0.0, 255.0) as usize;
                pixel.copy_from_slice(&lut[entry.min(255)]);
            }
        }
    }
    ColorImage::from_rgb([across, height + 2], &bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::color_map;

    #[test]
    fn every_cell_has_the_colour_of_its_value_and_rims_repeat_the_outermost() {
        let (a, b) = ([0.0, 1.0, 2.0, 4.0], [10.0; 4]);
        let planes = [Plane { values: &a, range: (0.0, 4.0) }, Plane { values: &b, range: (0.0, 20.0) }];
        let picture = picture(&planes, (2, 2), color_map("gray").unwrap());
        assert_eq!(picture.size, [8, 4]);
        let gray = |x: usize, y: usize| picture.pixels[y * 8 + x].r();
        // The inner 2x2 cells of the first tile, its corner, and the second tile.
        assert_eq!([gray(1, 1), gray(2, 1), gray(1, 2), gray(2, 2)], [0, 64, 128, 255]);
        assert_eq!([gray(0, 0), gray(3, 3), gray(5, 1)], [0, 255, 128]);
        assert_eq!(place(1, 2, (2, 2)), Rect::from_min_max(pos2(5.0 / 8.0, 0.25), pos2(7.0 / 8.0, 0.75)));
        // What is not a number gets the lowest colour.
        let nan =
            super::picture(&[Plane { values: &[f32::NAN; 4], range: (0.0, 1.0) }], (2, 2), color_map("gray").unwrap());
        assert_eq!(nan.pixels[5].r(), 0);
    }
}
