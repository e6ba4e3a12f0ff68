//! What moved: differences of frames that follow each other.

use super::grey::{Directions, Gradient, Grey};

/// Cells along each side of a picture.
pub const CELLS: usize = 4;
/// Parts of the clip's time.
pub const PARTS: usize = 3;
/// A pixel moved when it changed by more than this, of 255.
const MOVED: f32 = 16.0;

/// Which of `parts` equal parts of `count` things the one at `index` belongs to.
pub(super) fn part(index: usize, count: usize, parts: usize) -> usize {
    (index * parts / count.max(1)).min(parts.saturating_sub(1))
}

/// Mean change of a pixel from frame to frame, as a share of white: `[parts, cells, cells]`, flat, over equal cells of the
/// picture and equal parts of time. Without two frames all are 0.
pub fn motion_energy(frames: &[Grey], cells: usize, parts: usize) -> Vec<f32> {
    let mut sums = Sums::new(frames.first(), cells, parts, 1);
    sums.over(frames, |step, sums| {
        for (y, row) in step.difference.values.chunks_exact(step.difference.width.max(1)).enumerate() {
            for (x, value) in row.iter().enumerate() {
                sums.add(step.part, (x, y), 0, f64::from(value.abs()));
            }
        }
    });
    sums.means().map(|mean| (mean / 255.0) as f32).collect()
}

/// Mean change of each pixel from frame to frame, 0…255.
pub(super) fn mean_change(frames: &[Grey]) -> Grey {
    let Some(first) = frames.first() else { return Grey::default() };
    let mut sum = Grey { values: vec![0.0; first.values.len()], ..*first };
    for (before, after) in frames.iter().zip(frames.iter().skip(1)) {
        sum = sum.with(&after.with(before, |a, b| (a - b).abs()), |sum, change| sum + change);
    }
    let steps = frames.len().saturating_sub(1).max(1) as f32;
    sum.values.iter_mut().for_each(|v| *v /= steps);
    sum
}

/// Histograms of motion gradients (Duta et al., MMM 2017): the spatial gradient of each difference of frames votes its
/// magnitude by signed direction, `[parts, cells, cells, bins]`, flat. They tell the shape of what changed. The square root
/// of each mean is taken, which keeps strong edges from hiding the rest.
pub fn motion_gradients(frames: &[Grey], cells: usize, parts: usize, bins: usize) -> Vec<f32> {
    let directions = Directions::Signed(bins);
    let mut sums = Sums::new(frames.first(), cells, parts, directions.bins());
    sums.over(frames, |step, sums| {
        step.difference.gradients(|x, y, gradient| {
            let magnitude = gradient.magnitude();
            if magnitude > 0.0 {
                sums.add(step.part, (x, y), directions.bin(gradient), magnitude);
            }
        });
    });
    sums.means().map(|mean| (mean / 255.0).sqrt() as f32).collect()
}

/// Histograms of the direction of motion, `[parts, cells, cells, bins]`, flat: where brightness is constant along a path,
/// what changed by `d` at a place of gradient `g` moved along `-d g` (the normal flow, Horn and Schunck 1981); each pixel
/// votes the size of its change there. Motion played backwards falls into the opposite bins. Square roots as in
/// [`motion_gradients`].
pub fn motion_directions(frames: &[Grey], cells: usize, parts: usize, bins: usize) -> Vec<f32> {
    let directions = Directions::Signed(bins);
    let mut sums = Sums::new(frames.first(), cells, parts, directions.bins());
    sums.over(frames, |step, sums| {
        step.sum.gradients(|x, y, Gradient { dx, dy }| {
            let change = step.difference.at(x, y);
            if change != 0.0 && (dx != 0.0 || dy != 0.0) {
                let along = Gradient { dx: -change * dx, dy: -change * dy };
                sums.add(step.part, (x, y), directions.bin(along), f64::from(change.abs()));
            }
        });
    });
    sums.means().map(|mean| (mean / 255.0).sqrt() as f32).collect()
}

/// The motion history image of a clip (Bobick and Davis, PAMI 2001): 1 where the last step changed a pixel, less the longer
/// ago its last change was, 0 where there was none.
pub fn motion_history(frames: &[Grey]) -> Grey {
    let Some(first) = frames.first() else { return Grey::default() };
    let mut history = Grey { values: vec![0.0; first.values.len()], ..*first };
    let steps = frames.len().saturating_sub(1).max(1) as f32;
    for (step, (before, after)) in (1_u16..).zip(frames.iter().zip(frames.iter().skip(1))) {
        for (value, (a, b)) in history.values.iter_mut().zip(before.values.iter().zip(&after.values)) {
            if (b - a).abs() > MOVED {
                *value = f32::from(step) / steps;
            }
        }
    }
    history
}

/// Histograms of motion history gradients (Bradski and Davis, Machine Vision and Applications 2002),
/// `[cells, cells, bins]`, flat: inside of what moved, the history rises in the direction of motion. Each pixel that moved,
/// and whose neighbours did, votes once; the shares of a cell's pixels are given.
pub fn history_directions(history: &Grey, cells: usize, bins: usize) -> Vec<f32> {
    let directions = Directions::Signed(bins);
    let mut sums = Sums::new(Some(history), cells, 1, directions.bins());
    sums.count(0);
    history.gradients(|x, y, gradient| {
        let moved = |x: usize, y: usize| history.at(x, y) > 0.0;
        let inside = x > 0 && y > 0 && moved(x - 1, y) && moved(x + 1, y) && moved(x, y - 1) && moved(x, y + 1);
        if inside && (gradient.dx != 0.0 || gradient.dy != 0.0) {
            sums.add(0, (x, y), directions.bin(gradient), 1.0);
        }
    });
    sums.means().map(|mean| mean as f32).collect()
}

/// From one frame to the next.
struct Step {
    /// The later frame minus the earlier one.
    difference: Grey,
    /// Both together.
    sum: Grey,
    /// The part of time it lies in.
    part: usize,
}

/// Sums of what pixels vote, by part of time, cell and bin.
struct Sums {
    cells: usize,
    parts: usize,
    bins: usize,
    /// The cell of each column and of each row of a picture.
    columns: Vec<usize>,
    rows: Vec<usize>,
    values: Vec<f64>,
    /// Pixels seen, by part of time and cell.
    pixels: Vec<u64>,
}

impl Sums {
    /// Over pictures of the size of one.
    fn new(one: Option<&Grey>, cells: usize, parts: usize, bins: usize) -> Self {
        let places = cells * cells * parts;
        let of = |length: usize| (0..length).map(|i| part(i, length, cells)).collect();
        let (width, height) = one.map_or((0, 0), |p| (p.width, p.height));
        let (columns, rows) = (of(width), of(height));
        Self { cells, parts, bins, columns, rows, values: vec![0.0; places * bins], pixels: vec![0; places] }
    }

    /// Shows each step between frames to `take`.
    fn over(&mut self, frames: &[Grey], mut take: impl FnMut(&Step, &mut Self)) {
        let steps = frames.len().saturating_sub(1);
        for (at, (before, after)) in frames.iter().zip(frames.iter().skip(1)).enumerate() {
            let part = part(at, steps, self.parts);
            let step =
                Step { difference: after.with(before, |a, b| a - b), sum: after.with(before, |a, b| a + b), part };
            self.count(part);
            take(&step, self);
        }
    }

    /// Counts the pixels of a picture in a part of time.
    fn count(&mut self, part: usize) {
        let extent = |of: &[usize], cell: usize| of.iter().filter(|c| **c == cell).count() as u64;
        for row in 0..self.cells {
            for column in 0..self.cells {
                let count = extent(&self.columns, column) * extent(&self.rows, row);
                let place = (part * self.cells + row) * self.cells + column;
                self.pixels.get_mut(place).into_iter().for_each(|pixels| *pixels += count);
            }
        }
    }

    fn add(&mut self, part: usize, (x, y): (usize, usize), bin: usize, value: f64) {
        if let (Some(column), Some(row)) = (self.columns.get(x), self.rows.get(y)) {
            let place = (part * self.cells + row) * self.cells + column;
            self.values.get_mut(place * self.bins + bin).into_iter().for_each(|sum| *sum += value);
        }
    }

    /// The mean of what a pixel voted.
    fn means(&self) -> impl Iterator<Item = f64> {
        let pixels = self.pixels.iter().flat_map(|n| std::iter::repeat_n(*n, self.bins));
        self.values.iter().zip(pixels).map(|(sum, n)| sum / n.max(1) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bright bar of two columns that moves by one column a frame.
    fn bar(frames: usize, backwards: bool) -> Vec<Grey> {
        let frame = |t: usize| {
            let at = 4 + t;
            let value = |i: usize| if (at..at + 2).contains(&(i % 16)) { 200.0 } else { 50.0 };
            Grey { width: 16, height: 8, values: (0..128).map(value).collect() }
        };
        let order = (0..frames).map(|t| if backwards { frames - 1 - t } else { t });
        order.map(frame).collect()
    }

    #[test]
    fn a_step_is_counted_in_its_cell_and_its_part_of_time() {
        // From columns 4, 5 to 5, 6: column 4 and column 6 change by 150, both in the second cell of 4 columns.
        let energy = motion_energy(&bar(2, false), 4, 1);
        let expected = 150.0 * 2.0 / 4.0 / 255.0;
        for (i, v) in energy.iter().enumerate() {
            assert!((v - if i % 4 == 1 { expected } else { 0.0 }).abs() < 1e-6, "{i}: {v}");
        }
        let mut still = vec![bar(1, false).remove(0); 3];
        still.extend(bar(2, false).pop());
        let parts = motion_energy(&still, 1, 3);
        assert_eq!((parts[0], parts[1]), (0.0, 0.0));
        assert!(parts[2] > 0.0);
        assert_eq!(motion_energy(&still[..1], 2, 3), [0.0; 12]);
    }

    #[test]
    fn motion_played_backwards_turns_every_direction() {
        type Histogram = fn(&[Grey], usize, usize, usize) -> Vec<f32>;
        for histogram in [motion_gradients as Histogram, motion_directions] {
            let [forth, back] = [false, true].map(|b| histogram(&bar(4, b), 1, 1, 4));
            let turned = [back[2], back[3], back[0], back[1]];
            assert!(forth.iter().zip(turned).all(|(a, b)| (a - b).abs() < 1e-6), "{forth:?} {back:?}");
        }
        // The bar moves to the right; 150 of 255 change in 2 of 16 columns.
        let right = motion_directions(&bar(4, false), 1, 1, 4);
        assert!((right[0] - (150.0_f32 * 2.0 / 16.0 / 255.0).sqrt()).abs() < 1e-6, "{right:?}");
        assert_eq!(right[1..], [0.0; 3]);
        assert_eq!(motion_energy(&bar(4, false), 2, 1), motion_energy(&bar(4, true), 2, 1));
    }

    #[test]
    fn the_history_fades_from_the_newest_change() {
        // Three steps: column 4 was left in the first, column 8 entered in the last.
        let history = motion_history(&bar(4, false));
        let row: Vec<f32> = history.values[..16].to_vec();
        assert_eq!(row[4], 1.0 / 3.0);
        assert_eq!((row[6], row[8], row[0], row[12]), (1.0, 1.0, 0.0, 0.0));
        assert!(motion_history(&bar(1, false)).values.iter().all(|v| *v == 0.0));
    }
}
