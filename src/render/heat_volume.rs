//! A heatmap as a volume of cells, and how it is read between cells.
//!
//! A layer of a 3-D network usually has fewer time steps than the clip has frames: C3D's block5 has 2 for 16. The
//! volume is stretched over the clip by cell centres (`align_corners = false` in PyTorch): frame `i` of `n` lies at
//! `(i + 0.5) * T / n - 0.5` cells. With 2 steps over 16 frames, step 0 alone speaks for frames 0…3, step 1 alone
//! for frames 12…15, and the frames between are mixed. Space works the same way.

use super::RenderError;
use crate::domain::HeatMap;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// How values between cells are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Interpolation {
    /// The value of the cell a pixel lies in: shows the true grid.
    Nearest,
    /// Linear in time, height and width between cell centres, constant beyond the outermost centres.
    #[default]
    Smooth,
    /// Cubic in height and width (Keys 1981 with a = -0.75, as OpenCV's and PyTorch's bicubic), linear in time: no edges at
    /// cell centres. It swings a little beyond the values of the cells; what falls below 0 counts as 0, above the scale as 1.
    Cubic,
}

impl Interpolation {
    /// Every kind with its id on the command line.
    pub const ALL: [(&'static str, Self); 3] =
        [("nearest", Self::Nearest), ("smooth", Self::Smooth), ("cubic", Self::Cubic)];
}

/// Added before rounding down to a cell, so that pixels that lie exactly on a cell border fall to the same side on
/// every machine. Smaller than the distance of any other pixel centre to a border in pictures up to 8192 pixels.
pub(super) const BORDER_EPSILON: f32 = 1.0 / 16384.0;

/// The positive part of a heatmap at layer resolution, cheap to clone and to send.
#[derive(Clone, Debug, PartialEq)]
pub struct HeatVolume {
    shape: [usize; 3],
    values: Arc<[f32]>,
    region: [f32; 4],
}

impl HeatVolume {
    /// Takes `T * H * W` values in C order. Negative values (which speak against the class) and those that are not
    /// numbers become 0.
    ///
    /// # Errors
    /// [`RenderError::HeatShape`] when the shape has a zero or the number of values does not fit it.
    pub fn new(shape: [usize; 3], values: &[f32]) -> Result<Self, RenderError> {
        let expected = shape.iter().try_fold(1_usize, |n, side| n.checked_mul(*side)).unwrap_or(usize::MAX);
        if expected == 0 || values.len() != expected {
            return Err(RenderError::HeatShape { shape, expected, found: values.len() });
        }
        // `max` returns the other operand for NaN.
        let values = values.iter().map(|v| if v.is_finite() { v.max(0.0) } else { 0.0 }).collect();
        Ok(Self { shape, values, region: HeatMap::WHOLE })
    }

    /// The volume of a heatmap, after ReLU.
    ///
    /// # Errors
    /// As [`HeatVolume::new`].
    pub fn from_map(map: &HeatMap) -> Result<Self, RenderError> {
        Ok(Self { region: map.region, ..Self::new(map.shape, &map.values)? })
    }

    /// The part of the picture that the cells divide: left, top, width and height as shares of the picture.
    pub fn region(&self) -> [f32; 4] {
        self.region
    }

    /// Cells along time, height and width; none is 0.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// `T * H * W` values in C order, none negative.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Largest value of the clip.
    pub fn clip_max(&self) -> f32 {
        self.values.iter().fold(0.0, |m, v| m.max(*v))
    }

    /// Largest cell of one moment, `time` in cells as [`cell_position`] gives it.
    pub fn frame_max(&self, time: f32, interpolation: Interpolation) -> f32 {
        self.plane(time, interpolation).iter().fold(0.0, |m, v| m.max(*v))
    }

    /// The `H * W` cells of one moment.
    pub fn plane(&self, time: f32, interpolation: Interpolation) -> Vec<f32> {
        let [steps, rows, columns] = self.shape;
        let area = rows * columns;
        let step = |t: usize| &self.values[t * area..(t + 1) * area];
        match interpolation {
            Interpolation::Nearest => step(nearest_cell(time, steps)).to_vec(),
            Interpolation::Smooth | Interpolation::Cubic => {
                let (low, high, f) = neighbours(time, steps);
                step(low).iter().zip(step(high)).map(|(a, b)| a * (1.0 - f) + b * f).collect()
            }
        }
    }

    /// The volume at another size, `[frames, rows, columns]` in C order: what a pixel of a frame is worth before
    /// scaling to 0…1. Equals PyTorch's `interpolate(align_corners=False)` with `mode="trilinear"` when smooth,
    /// `"nearest-exact"` when nearest, and `"bicubic"` of each moment when cubic.
    pub fn upsample(&self, size: [usize; 3], interpolation: Interpolation) -> Vec<f32> {
        let mut out = Vec::with_capacity(size.iter().product());
        for frame in 0..size[0] {
            let time = cell_position(frame, size[0], self.shape[0]);
            let plane = self.plane(time, interpolation);
            let cells = [self.shape[1], self.shape[2]];
            let sampler = Sampler::new(&plane, cells, interpolation, size[2], (0.0, 1.0));
            let mut row = vec![0.0; size[2]];
            for y in 0..size[1] {
                sampler.row(y as f32, size[1], (0.0, 1.0), &mut row);
                out.extend_from_slice(&row);
            }
        }
        out
    }

    /// Sum of the plane of every frame of a clip of `frames`, as a share of the largest; the energy track of a
    /// timeline. All zeros when the map is zero.
    pub fn energy(&self, frames: usize) -> Vec<f32> {
        let sums: Vec<f32> = (0..frames)
            .map(|i| self.plane(cell_position(i, frames, self.shape[0]), Interpolation::Smooth).iter().sum())
            .collect();
        let max = sums.iter().fold(0.0_f32, |m, v| m.max(*v));
        if max > 0.0 { sums.iter().map(|v| v / max).collect() } else { sums }
    }
}

/// Where sample `index` of `count` lies among `cells` cells, by centres: cell `k` has its centre at `k`. Counts of 0
/// are read as 1.
pub fn cell_position(index: usize, count: usize, cells: usize) -> f32 {
    // In f64, so that the result is the nearest f32 whatever the sizes.
    ((index as f64 + 0.5) * cells as f64 / count.max(1) as f64 - 0.5) as f32
}

/// The cell a position lies in.
fn nearest_cell(position: f32, cells: usize) -> usize {
    ((position + 0.5 + BORDER_EPSILON).max(0.0) as usize).min(cells - 1)
}

/// The two cells around a position and the weight of the second.
fn neighbours(position: f32, cells: usize) -> (usize, usize, f32) {
    let clamped = position.max(0.0).min((cells - 1) as f32);
    let low = (clamped as usize).min(cells - 1);
    (low, (low + 1).min(cells - 1), clamped - low as f32)
}

/// Reads a plane of cells along rows of pixels.
pub(super) struct Sampler<'a> {
    plane: &'a [f32],
    rows: usize,
    columns: usize,
    interpolation: Interpolation,
    taps: Vec<Tap>,
}

impl<'a> Sampler<'a> {
    /// Prepares for rows of `width` pixels of a picture. The plane covers `span` of the picture (from, to; shares of the
    /// width); pixels outside repeat its border.
    pub fn new(
        plane: &'a [f32],
        [rows, columns]: [usize; 2],
        interpolation: Interpolation,
        width: usize,
        span: (f32, f32),
    ) -> Self {
        let taps = (0..width).map(|x| tap(x as f32, width, span, columns, interpolation)).collect();
        Self { plane, rows, columns, interpolation, taps }
    }

    /// Values along the pixel row centred at `y + 0.5` of `height`, into `out`.
    pub fn row(&self, y: f32, height: usize, span: (f32, f32), out: &mut [f32]) {
        let rows = tap(y, height, span, self.rows, self.interpolation);
        let mixed: Vec<f32> = (0..self.columns).map(|x| rows.mix(|r| self.plane[r * self.columns + x])).collect();
        for (value, tap) in out.iter_mut().zip(&self.taps) {
            *value = tap.mix(|x| mixed[x]);
        }
    }
}

/// The cells along one side that a position reads, with their weights.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tap {
    cells: [usize; 4],
    weights: [f32; 4],
    count: usize,
}

impl Tap {
    /// What a position in cells (cell `k` has its centre at `k`) reads.
    pub fn at(position: f32, cells: usize, interpolation: Interpolation) -> Self {
        match interpolation {
            Interpolation::Nearest => {
                let cell = nearest_cell(position, cells);
                Self { cells: [cell; 4], weights: [1.0, 0.0, 0.0, 0.0], count: 1 }
            }
            Interpolation::Smooth => {
                let (low, high, f) = neighbours(position, cells);
                Self { cells: [low, high, high, high], weights: [1.0 - f, f, 0.0, 0.0], count: 2 }
            }
            Interpolation::Cubic => {
                let low = position.floor();
                let last = (cells - 1) as f32;
                let cells = [-1.0, 0.0, 1.0, 2.0].map(|d| (low + d).max(0.0).min(last) as usize);
                Self { cells, weights: cubic(position - low), count: 4 }
            }
        }
    }

    /// The weighted sum of the values of those cells.
    pub fn mix(&self, value: impl Fn(usize) -> f32) -> f32 {
        let read = self.cells.iter().zip(&self.weights).take(self.count);
        read.map(|(cell, weight)| value(*cell) * weight).sum()
    }
}

/// Weights of four neighbours at a share `f` of the way from the second to the third (Keys, "Cubic convolution
/// interpolation for digital image processing", 1981; a = -0.75).
fn cubic(f: f32) -> [f32; 4] {
    const A: f32 = -0.75;
    let near = |t: f32| ((A + 2.0) * t - (A + 3.0)) * t * t + 1.0;
    let far = |t: f32| ((A * t - 5.0 * A) * t + 8.0 * A) * t - 4.0 * A;
    [far(1.0 + f), near(f), near(1.0 - f), far(2.0 - f)]
}

/// What pixel `at` of `size` reads.
fn tap(at: f32, size: usize, span: (f32, f32), cells: usize, interpolation: Interpolation) -> Tap {
    let share = ((at + 0.5) / size as f32 - span.0) / (span.1 - span.0);
    Tap::at(share * cells as f32 - 0.5, cells, interpolation)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_checked() {
        assert!(HeatVolume::new([1, 2, 3], &[0.0; 5]).is_err());
        assert!(HeatVolume::new([0, 2, 3], &[]).is_err());
        assert!(HeatVolume::new([usize::MAX, 2, 3], &[0.0]).is_err());
        let volume = HeatVolume::new([1, 1, 3], &[-1.0, f32::NAN, 2.0]).unwrap();
        assert_eq!(volume.values(), [0.0, 0.0, 2.0]);
    }

    #[test]
    fn two_steps_over_sixteen_frames() {
        let volume = HeatVolume::new([2, 1, 1], &[0.0, 8.0]).unwrap();
        let smooth = volume.upsample([16, 1, 1], Interpolation::Smooth);
        assert_eq!(&smooth[..4], [0.0; 4]);
        assert_eq!(&smooth[12..], [8.0; 4]);
        // Frame 7 lies at (7.5 / 8) - 0.5 = 0.4375 cells.
        assert!((smooth[7] - 3.5).abs() < 1e-6);
        let nearest = volume.upsample([16, 1, 1], Interpolation::Nearest);
        assert_eq!(nearest, [[0.0; 8], [8.0; 8]].concat());
    }

    #[test]
    fn borders_fall_to_the_next_cell() {
        // 4 cells over 6 pixels: the centre of pixel 1 lies exactly between cells 0 and 1.
        let volume = HeatVolume::new([1, 1, 4], &[0.0, 1.0, 2.0, 3.0]).unwrap();
        assert_eq!(volume.upsample([1, 1, 6], Interpolation::Nearest), [0.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
    }

    #[test]
    fn energy_is_relative() {
        let volume = HeatVolume::new([2, 1, 2], &[1.0, 1.0, 3.0, 1.0]).unwrap();
        assert_eq!(volume.energy(2), [0.5, 1.0]);
        assert_eq!(HeatVolume::new([1, 1, 1], &[0.0]).unwrap().energy(3), [0.0; 3]);
    }
}
