//! Kernels as pictures.

use super::kernels::{Kernel, KernelForm};
use super::pictures::{Canvas, color};
use crate::domain::RgbImage;
use crate::render::ColorMap;

/// Pixels a weight, at least.
const WEIGHT: usize = 8;
/// A matrix of norms is enlarged up to so many pixels.
const MATRIX: usize = 512;

/// A weight as a byte of its colour: 0 is mid grey, `±most` the ends.
fn byte(weight: f32, most: f32) -> u8 {
    let share = if most > 0.0 { weight / most } else { 0.0 };
    (127.5 + 127.5 * share.clamp(-1.0, 1.0)).round() as u8
}

fn largest(weights: &[f32]) -> f32 {
    weights.iter().filter(|v| v.is_finite()).fold(0.0, |m, v| f32::max(m, v.abs()))
}

/// Filters as film strips, below each other: a tile for each step of time, in colour where they see red, green and blue, else in grey
/// (of several inputs the first). Each filter has a scale of its own, symmetric around 0, which is mid grey. At most
/// `strips` a column.
pub fn film_strips(kernel: &Kernel, filters: &[usize], strips: usize) -> RgbImage {
    let [_, _, steps, height, width] = kernel.shape;
    let colour = kernel.form() == KernelForm::Colour;
    let inputs = if colour { [0, 1, 2] } else { [0; 3] };
    let tile = (width * WEIGHT, height * WEIGHT);
    let rows = filters.len().min(strips.max(1));
    let columns = filters.len().div_ceil(rows.max(1));
    // One tile of room between the strips of two columns.
    let mut canvas = Canvas::tiles((columns * (steps + 1), rows), tile);
    for (i, filter) in filters.iter().enumerate() {
        let channels = inputs.map(|input| kernel.input(*filter, input));
        let most = channels.iter().map(|c| largest(c)).fold(0.0, f32::max);
        for step in 0..steps {
            let place = Canvas::place((i / rows * (steps + 1) + step, i % rows), tile);
            let weight = |c: usize, at: usize| channels[c].get(step * height * width + at).copied().unwrap_or(0.0);
            let pixels = (0..height * width).map(|at| [0, 1, 2].map(|c| byte(weight(c, at), most)));
            canvas.paint(place, (width, WEIGHT), pixels);
        }
    }
    canvas.finish()
}

/// Where a tile lies in a picture of strips, as shares of it: left, top, right, bottom. `rows` strips are below each other with
/// `columns` tiles each.
pub fn strip_tile(kernel: &Kernel, (columns, rows): (usize, usize), (column, row): (usize, usize)) -> [f32; 4] {
    let [.., height, width] = kernel.shape;
    let tile = (width * WEIGHT, height * WEIGHT);
    let (x, y) = Canvas::place((column, row), tile);
    let (right, bottom) = Canvas::place((columns, rows), tile);
    let share = |at: usize, all: usize| at as f32 / all.max(1) as f32;
    [share(x, right), share(y, bottom), share(x + tile.0, right), share(y + tile.1, bottom)]
}

/// Norms of single inputs: a row a filter, a column an input, from 0 to the largest.
pub fn norm_matrix(kernel: &Kernel, map: &ColorMap) -> RgbImage {
    let [filters, inputs, ..] = kernel.shape;
    let norms = kernel.norms();
    let scale = (MATRIX / filters.max(inputs).max(1)).clamp(1, WEIGHT);
    let mut canvas = Canvas::new(inputs * scale, filters * scale);
    let most = largest(&norms);
    canvas.paint((0, 0), (inputs, scale), norms.iter().map(|n| color(map, *n, (0.0, most))));
    canvas.finish()
}

/// The `most` strongest inputs of a filter as strips below each other, a tile for each step of time, one symmetric scale for all: 0 is
/// the middle of the map.
pub fn strongest_strips(kernel: &Kernel, filter: usize, most: usize, map: &ColorMap) -> RgbImage {
    let [_, _, steps, height, width] = kernel.shape;
    let inputs = kernel.strongest_inputs(filter, most);
    let reach = inputs.iter().map(|(input, _)| largest(kernel.input(filter, *input))).fold(0.0, f32::max);
    let tile = (width * WEIGHT, height * WEIGHT);
    let mut canvas = Canvas::tiles((steps, inputs.len()), tile);
    for (row, (input, _)) in inputs.iter().enumerate() {
        for (column, slice) in kernel.input(filter, *input).chunks_exact((height * width).max(1)).enumerate() {
            let pixels = slice.iter().map(|v| color(map, *v, (-reach, reach)));
            canvas.paint(Canvas::place((column, row), tile), (width, WEIGHT), pixels);
        }
    }
    canvas.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::color_map;

    #[test]
    fn zero_is_mid_grey_and_every_filter_has_its_own_scale() {
        // Two filters of two steps and one by two places: the second a tenth of the first.
        let first = [1.0, 0.0, 0.5, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0];
        let values = first.iter().copied().chain(first.iter().map(|v| v / 10.0)).collect();
        let kernel = Kernel { layer: "c".into(), shape: [2, 3, 2, 1, 2], channels: 3, values };
        assert_eq!(kernel.form(), KernelForm::Colour);
        let picture = film_strips(&kernel, &[0, 1], 8);
        let at = |x: usize, y: usize| {
            let from = (y * picture.width as usize + x) * 3;
            [picture.data[from], picture.data[from + 1], picture.data[from + 2]]
        };
        // Tiles of 16 x 8 pixels with gaps of 2.
        assert_eq!(
            [at(3, 3), at(11, 3), at(21, 3), at(29, 3)],
            [[255, 128, 128], [128; 3], [191, 128, 128], [0, 128, 128]]
        );
        assert_eq!(at(3, 13), [255, 128, 128]);
        let matrix = norm_matrix(&kernel, color_map("gray").unwrap());
        assert_eq!((matrix.width, matrix.height, matrix.data[0]), (24, 16, 255));
        let strips = strongest_strips(&kernel, 0, 2, color_map("gray").unwrap());
        assert_eq!((strips.width, strips.height), (38, 22));
        // The second tile of two, below each other: from pixel 20 of 38 and 12 of 22.
        let tile = strip_tile(&kernel, (2, 2), (1, 1));
        assert_eq!(tile, [20.0 / 38.0, 12.0 / 22.0, 36.0 / 38.0, 20.0 / 22.0]);
    }
}
