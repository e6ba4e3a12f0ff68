//! Histograms of oriented gradients (Dalal and Triggs, CVPR 2005).

use super::grey::{Directions, Grey};

/// Pixels along a side of a cell.
pub const CELL: usize = 8;
/// Cells along a side of a block.
const BLOCK: usize = 2;
/// Largest value of a block before it is normalised again.
const CLIP: f64 = 0.2;

/// The histograms of a picture `[block rows, block columns, 2, 2, bins]`, flat: cells of 8x8 pixels, to whose histogram a
/// pixel votes its gradient's magnitude in one bin; blocks of 2x2 cells, one cell apart, each normalised by L2-Hys. Values
/// of the picture are 0…`white`. Pixels beyond the last whole cell are left out; a picture of less than 2x2 cells has no
/// block.
pub fn hog(picture: &Grey, white: f64, directions: Directions) -> Vec<f32> {
    let (cells, [columns, rows]) = cell_histograms(picture, white, directions);
    let bins = directions.bins();
    let mut out = Vec::with_capacity(rows.saturating_sub(1) * columns.saturating_sub(1) * BLOCK * BLOCK * bins);
    for top in 0..(rows + 1).saturating_sub(BLOCK) {
        for left in 0..(columns + 1).saturating_sub(BLOCK) {
            let mut block = Vec::with_capacity(BLOCK * BLOCK * bins);
            for row in top..top + BLOCK {
                let begin = (row * columns + left) * bins;
                block.extend_from_slice(cells.get(begin..begin + BLOCK * bins).unwrap_or_default());
            }
            normalise(&mut block);
            out.extend(block.into_iter().map(|v| v as f32));
        }
    }
    out
}

/// The histogram of each cell `[rows, columns, bins]`, and the number of columns and rows: what a picture of the gradients
/// draws.
pub fn cell_histograms(picture: &Grey, white: f64, directions: Directions) -> (Vec<f64>, [usize; 2]) {
    let (columns, rows) = (picture.width / CELL, picture.height / CELL);
    let bins = directions.bins();
    let mut cells = vec![0.0; rows * columns * bins];
    let share = 1.0 / (white * (CELL * CELL) as f64);
    picture.gradients(|x, y, gradient| {
        let (column, row) = (x / CELL, y / CELL);
        if column < columns
            && row < rows
            && let Some(bin) = cells.get_mut((row * columns + column) * bins + directions.bin(gradient))
        {
            *bin += gradient.magnitude() * share;
        }
    });
    (cells, [columns, rows])
}

/// L2-Hys: to unit length, clipped at 0.2, to unit length again (Lowe 2004).
fn normalise(block: &mut [f64]) {
    let unit = |block: &mut [f64]| {
        let length = (block.iter().map(|v| v * v).sum::<f64>() + 1e-10).sqrt();
        block.iter_mut().for_each(|v| *v /= length);
    };
    unit(block);
    block.iter_mut().for_each(|v| *v = v.min(CLIP));
    unit(block);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_votes_in_one_bin_and_a_small_picture_has_no_block() {
        let ramp = Grey { width: 16, height: 16, values: (0..256).map(|i| (i % 16) as f32).collect() };
        let values = hog(&ramp, 1.0, Directions::Unsigned(9));
        assert_eq!(values.len(), 36);
        // Four cells with everything in the first bin: each is 0.5 of unit length, clipped to 0.2, and 0.5 again.
        for (i, v) in values.iter().enumerate() {
            let expected = if i % 9 == 0 { 0.5 } else { 0.0 };
            assert!((v - expected).abs() < 1e-6, "{i}: {v}");
        }
        let small = Grey { width: 15, height: 40, values: vec![0.0; 600] };
        assert!(hog(&small, 1.0, Directions::Unsigned(9)).is_empty());
    }
}
