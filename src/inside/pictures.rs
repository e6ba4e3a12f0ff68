//! Activations as pictures: grids of channels, channels over time, layers beside each other.

use super::activations::LayerActivation;
use super::order::ChannelScore;
use crate::domain::RgbImage;
use crate::render::ColorMap;

/// Pixels between tiles.
const GAP: usize = 2;
/// Colour between tiles.
const GROUND: [u8; 3] = [24, 24, 28];
/// A tile is enlarged until its longer side has about so many pixels.
const TILE: usize = 56;

/// A picture that tiles are painted into.
pub(super) struct Canvas {
    width: usize,
    height: usize,
    data: Vec<u8>,
}

impl Canvas {
    /// Of so many pixels, in the colour between tiles.
    pub(super) fn new(width: usize, height: usize) -> Self {
        Self { width, height, data: GROUND.repeat(width * height) }
    }

    /// For so many columns and rows of tiles of this size.
    pub(super) fn tiles((columns, rows): (usize, usize), (width, height): (usize, usize)) -> Self {
        Self::new(columns * (width + GAP) + GAP, rows * (height + GAP) + GAP)
    }

    /// Upper left corner of a tile.
    pub(super) fn place((column, row): (usize, usize), (width, height): (usize, usize)) -> (usize, usize) {
        (GAP + column * (width + GAP), GAP + row * (height + GAP))
    }

    /// Paints `cells`, a row after the other of `columns`, each as a square of `scale` pixels; what lies outside is left out.
    pub(super) fn paint(
        &mut self,
        (left, top): (usize, usize),
        (columns, scale): (usize, usize),
        cells: impl Iterator<Item = [u8; 3]>,
    ) {
        for (i, color) in cells.enumerate() {
            let (x, y) = (left + i % columns.max(1) * scale, top + i / columns.max(1) * scale);
            for line in y..(y + scale).min(self.height) {
                for at in x..(x + scale).min(self.width) {
                    let from = (line * self.width + at) * 3;
                    self.data.iter_mut().skip(from).take(3).zip(color).for_each(|(byte, c)| *byte = c);
                }
            }
        }
    }

    pub(super) fn finish(self) -> RgbImage {
        RgbImage { width: self.width as u32, height: self.height as u32, data: self.data.into() }
    }
}

/// Values to colours: `low` to the lowest, `high` to the highest of the map.
pub(super) fn color(map: &ColorMap, value: f32, (low, high): (f32, f32)) -> [u8; 3] {
    let share = if high > low { (value - low) / (high - low) } else { 0.0 };
    map.sample(share).map(|v| (v * 255.0).round() as u8)
}

/// From 0, or the smallest value where that is below, to the largest of some channels.
fn range<'a>(values: impl Iterator<Item = &'a f32>) -> (f32, f32) {
    values.filter(|v| v.is_finite()).fold((0.0, 0.0), |(low, high), v| (f32::min(low, *v), f32::max(high, *v)))
}

/// How often a cell is enlarged.
fn enlarged(height: usize, width: usize) -> usize {
    (TILE / height.max(width).max(1)).max(1)
}

/// Columns of a grid that is a little wider than high.
fn columns(tiles: usize, (width, height): (usize, usize)) -> usize {
    let wanted = (tiles as f64 * 1.6 * height.max(1) as f64 / width.max(1) as f64).sqrt().ceil() as usize;
    wanted.clamp(1, tiles.max(1))
}

/// The first `most` of the ranked channels at one time cell, and the one scale for all of them.
fn best_planes<'a>(
    activation: &'a LayerActivation,
    ranked: &[ChannelScore],
    time: usize,
    most: usize,
) -> (Vec<&'a [f32]>, (f32, f32)) {
    let planes: Vec<&[f32]> =
        ranked.iter().take(most).filter_map(|score| activation.plane(score.channel, time)).collect();
    let range = range(planes.iter().copied().flatten());
    (planes, range)
}

/// The first `most` of the ranked channels at one time cell, row after row; one scale for all, from 0 (or the smallest value)
/// to the largest of those shown.
pub fn channel_grid(
    activation: &LayerActivation,
    ranked: &[ChannelScore],
    time: usize,
    most: usize,
    map: &ColorMap,
) -> RgbImage {
    let [_, _, height, width] = activation.shape;
    let (planes, range) = best_planes(activation, ranked, time, most);
    let scale = enlarged(height, width);
    let tile = (width * scale, height * scale);
    let columns = columns(planes.len(), tile);
    let mut canvas = Canvas::tiles((columns, planes.len().div_ceil(columns)), tile);
    for (i, plane) in planes.iter().enumerate() {
        let place = Canvas::place((i % columns, i / columns), tile);
        canvas.paint(place, (width, scale), plane.iter().map(|v| color(map, *v, range)));
    }
    canvas.finish()
}

/// The first `most` of the ranked channels, a row each, over their time cells, a column each.
pub fn channels_over_time(
    activation: &LayerActivation,
    ranked: &[ChannelScore],
    most: usize,
    map: &ColorMap,
) -> RgbImage {
    let [_, steps, height, width] = activation.shape;
    let shown: Vec<usize> = ranked.iter().take(most).map(|s| s.channel).collect();
    let planes = |channel: usize| (0..steps).filter_map(move |t| activation.plane(channel, t));
    let range = range(shown.iter().flat_map(|c| planes(*c)).flatten());
    let scale = enlarged(height, width);
    let tile = (width * scale, height * scale);
    let mut canvas = Canvas::tiles((steps, shown.len()), tile);
    for (row, channel) in shown.iter().enumerate() {
        for (column, plane) in planes(*channel).enumerate() {
            let place = Canvas::place((column, row), tile);
            canvas.paint(place, (width, scale), plane.iter().map(|v| color(map, *v, range)));
        }
    }
    canvas.finish()
}

/// The first `most` of the ranked channels of a layer at one time cell, below each other: one strip of several layers that
/// stand side by side. Every channel is as wide as the strip, whatever its cells are.
pub fn layer_strip(
    activation: &LayerActivation,
    ranked: &[ChannelScore],
    time: usize,
    most: usize,
    map: &ColorMap,
) -> RgbImage {
    let [_, _, height, width] = activation.shape;
    let (planes, range) = best_planes(activation, ranked, time, most);
    let rows = (TILE * height).checked_div(width).unwrap_or(0).clamp(1, 4 * TILE);
    let mut canvas = Canvas::tiles((1, planes.len()), (TILE, rows));
    for (row, plane) in planes.iter().enumerate() {
        // Nearest: the cell whose part of the strip a pixel lies in.
        let cell = |i: usize| plane.get(i / TILE * height / rows * width + i % TILE * width / TILE).copied();
        let pixels = (0..TILE * rows).map(|i| color(map, cell(i).unwrap_or(0.0), range));
        canvas.paint(Canvas::place((0, row), (TILE, rows)), (TILE, 1), pixels);
    }
    canvas.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inside::{ChannelOrder, rank_channels};
    use crate::render::color_map;

    #[test]
    fn a_grid_shows_channels_in_order_with_one_scale() {
        let values = [[0.0, 1.0, 0.0, 0.0], [4.0, 4.0, 4.0, 4.0], [2.0; 4]].concat();
        let activation = LayerActivation { layer: "a".into(), shape: [3, 1, 2, 2], values };
        let ranked = rank_channels(&activation, None, ChannelOrder::Maximum);
        let picture = channel_grid(&activation, &ranked, 0, 2, color_map("gray").unwrap());
        // Two tiles of 2x2 cells, 28 pixels each, with a gap around.
        assert_eq!((picture.width, picture.height), (2 * 58 + 2, 60));
        let at = |x: u32, y: u32| picture.data[((y * picture.width + x) * 3) as usize];
        assert_eq!((at(0, 0), at(3, 3), at(56, 56), at(61, 3), at(115, 57)), (24, 255, 255, 128, 128));
        let none = channel_grid(&activation, &[], 0, 2, color_map("gray").unwrap());
        assert!(none.width > 0 && none.data.len() as u32 == none.width * none.height * 3);
    }

    #[test]
    fn time_runs_to_the_right() {
        let values = vec![0.0, 1.0, 2.0, 4.0, 0.0, 0.0];
        let activation = LayerActivation { layer: "a".into(), shape: [2, 3, 1, 1], values };
        let ranked = rank_channels(&activation, None, ChannelOrder::Index);
        let picture = channels_over_time(&activation, &ranked, 9, color_map("gray").unwrap());
        assert_eq!((picture.width, picture.height), (3 * 58 + 2, 2 * 58 + 2));
        let at =
            |column: u32, row: u32| picture.data[(((row * 58 + 10) * picture.width + column * 58 + 10) * 3) as usize];
        assert_eq!([at(0, 0), at(1, 0), at(2, 0), at(0, 1), at(1, 1)], [0, 64, 128, 255, 0]);
        let strip = layer_strip(&activation, &ranked, 2, 2, color_map("gray").unwrap());
        assert_eq!((strip.width, strip.height), (60, 118));
    }
}
