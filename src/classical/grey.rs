//! Grey pictures and their gradients.

use crate::domain::RgbImage;

/// A picture of one channel, rows from the top.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grey {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` values.
    pub values: Vec<f32>,
}

impl Grey {
    /// The luma of a picture (ITU-R BT.601), 0…255. A grey picture keeps its values exactly.
    pub fn of(picture: &RgbImage) -> Self {
        let luma = |p: &[u8]| match p {
            [r, g, b] => (299 * u32::from(*r) + 587 * u32::from(*g) + 114 * u32::from(*b)) as f32 / 1000.0,
            _ => 0.0,
        };
        let values = picture.data.chunks_exact(3).map(luma).collect();
        Self { width: picture.width as usize, height: picture.height as usize, values }
    }

    /// This picture and another one of the same size, pixel by pixel.
    pub fn with(&self, other: &Self, of: impl Fn(f32, f32) -> f32) -> Self {
        let values = self.values.iter().zip(&other.values).map(|(a, b)| of(*a, *b)).collect();
        Self { values, ..*self }
    }

    /// The value at column `x` and row `y`; 0 outside.
    pub fn at(&self, x: usize, y: usize) -> f32 {
        self.values.get(y * self.width + x).copied().unwrap_or(0.0)
    }

    /// Calls `take` with column, row and gradient of each pixel: the difference of the two neighbours, not halved, and 0
    /// across the outermost columns and rows.
    pub fn gradients(&self, mut take: impl FnMut(usize, usize, Gradient)) {
        let row = |y: usize| self.values.get(y * self.width..(y + 1) * self.width).unwrap_or_default();
        for y in 0..self.height {
            let here = row(y);
            // The same row twice has no gradient across.
            let (above, below) = if y > 0 && y + 1 < self.height { (row(y - 1), row(y + 1)) } else { (here, here) };
            let mut left = None;
            let mut rights = here.iter().skip(1);
            for (x, ((value, above), below)) in here.iter().zip(above).zip(below).enumerate() {
                let dx = match (left, rights.next()) {
                    (Some(left), Some(right)) => right - left,
                    _ => 0.0,
                };
                left = Some(*value);
                take(x, y, Gradient { dx, dy: below - above });
            }
        }
    }
}

/// The gradient of a picture at a pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gradient {
    /// Along a row, to the right.
    pub dx: f32,
    /// Along a column, downwards.
    pub dy: f32,
}

/// How directions are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Directions {
    /// So many bins over 180 degrees: opposite directions are one.
    Unsigned(usize),
    /// So many bins over 360 degrees.
    Signed(usize),
}

impl Directions {
    /// Number of bins.
    pub fn bins(self) -> usize {
        match self {
            Self::Unsigned(n) | Self::Signed(n) => n.max(1),
        }
    }

    /// The bin of a gradient, by its angle from the x axis towards the y axis.
    pub fn bin(self, g: Gradient) -> usize {
        let (dx, dy) = (f64::from(g.dx), f64::from(g.dy));
        let turns = match self {
            Self::Signed(8) => return octant(g),
            // The half turn is taken by signs, so that a gradient along the axis falls into the first bin and not the last.
            Self::Unsigned(_) if dy < 0.0 || (dy == 0.0 && dx < 0.0) => (-dy).atan2(-dx) / std::f64::consts::PI,
            Self::Unsigned(_) => dy.atan2(dx) / std::f64::consts::PI,
            Self::Signed(_) => (dy.atan2(dx) / std::f64::consts::TAU).rem_euclid(1.0),
        };
        ((turns * self.bins() as f64) as usize).min(self.bins() - 1)
    }
}

/// The eighth of a turn a gradient lies in, by comparisons, which cost less than an angle.
fn octant(Gradient { dx, dy }: Gradient) -> usize {
    let downward = dy > 0.0 || (dy == 0.0 && dx >= 0.0);
    match (downward, dx > 0.0, dx < 0.0) {
        (true, true, _) => usize::from(dy >= dx),
        (true, false, _) => 2 + usize::from(dy <= -dx),
        (false, _, true) => 4 + usize::from(dy <= dx),
        (false, _, false) => 6 + usize::from(-dy <= dx),
    }
}

impl Gradient {
    /// Its length.
    pub fn magnitude(self) -> f64 {
        let (dx, dy) = (f64::from(self.dx), f64::from(self.dy));
        (dx * dx + dy * dy).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_fall_into_their_bins() {
        let g = |dx, dy| Gradient { dx, dy };
        let unsigned = Directions::Unsigned(9);
        for (gradient, bin) in
            [(g(1.0, 0.0), 0), (g(-1.0, 0.0), 0), (g(0.0, 1.0), 4), (g(0.0, -1.0), 4), (g(1.0, -0.01), 8)]
        {
            assert_eq!(unsigned.bin(gradient), bin, "{gradient:?}");
        }
        let signed = Directions::Signed(4);
        for (gradient, bin) in [(g(1.0, 0.5), 0), (g(-0.5, 1.0), 1), (g(-1.0, -0.5), 2), (g(0.5, -1.0), 3)] {
            assert_eq!(signed.bin(gradient), bin, "{gradient:?}");
        }
    }

    #[test]
    fn eighths_are_those_of_the_angle() {
        // Twice as many bins are found by the angle; their edges are those of the eighths, and more.
        for i in -9..=9 {
            for j in -9..=9 {
                let gradient = Gradient { dx: i as f32 * 0.5, dy: j as f32 * 0.5 };
                if gradient.magnitude() == 0.0 {
                    continue;
                }
                let by_angle = Directions::Signed(16).bin(gradient) / 2;
                assert_eq!(Directions::Signed(8).bin(gradient), by_angle, "{gradient:?}");
            }
        }
    }

    #[test]
    fn gradients_are_0_across_the_edges() {
        let picture = Grey { width: 3, height: 3, values: (0..9).map(|i| (i * i) as f32).collect() };
        let mut found = Vec::new();
        picture.gradients(|x, y, g| found.push((x, y, g.dx, g.dy)));
        assert_eq!(found.len(), 9);
        assert_eq!(found[4], (1, 1, 25.0 - 9.0, 49.0 - 1.0));
        assert_eq!((found[1], found[3]), ((1, 0, 4.0, 0.0), (0, 1, 0.0, 36.0)));
        assert_eq!((found[0], found[8]), ((0, 0, 0.0, 0.0), (2, 2, 0.0, 0.0)));
    }

    #[test]
    fn luma_keeps_grey_and_weighs_colours() {
        let picture = RgbImage::new(2, 1, vec![77, 77, 77, 255, 0, 0]).unwrap();
        assert_eq!(Grey::of(&picture).values, [77.0, 76.245]);
    }
}
