//! What features saw of a clip, as pictures: edges of cells as strokes over the middle frame (the glyphs of Dalal and Triggs, CVPR
//! 2005), and where motion was and how long ago (Bobick and Davis, PAMI 2001).

use super::features::{FeatureSet, SIGNED, UNSIGNED};
use super::grey::{Directions, Grey};
use super::hog::{CELL, cell_histograms};
use super::motion::{CELLS, mean_change, motion_directions, motion_history};
use crate::domain::RgbImage;
use crate::render::color_map;

/// Pixels of a picture with glyphs for each pixel of the frame.
const ZOOM: usize = 4;
/// Share of a frame's brightness that is left below glyphs.
const DIMMED: f32 = 0.45;
/// Colour of glyphs.
const STROKE: [u8; 3] = [255, 214, 64];
/// Colour map of motion.
const COLOURS: &str = "inferno";

/// A picture of what features saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeaturePicture {
    /// Short name for files.
    pub id: &'static str,
    /// What it shows, for people.
    pub title: String,
    /// The picture.
    pub image: RgbImage,
}

impl FeatureSet {
    /// What these features saw of the frames of a clip; none of [`FeatureSet::Poses`], whose joints lie over the frame itself.
    pub fn pictures(self, frames: &[RgbImage]) -> Vec<FeaturePicture> {
        let grey = || frames.iter().map(Grey::of).collect::<Vec<_>>();
        let Some(middle) = frames.get(frames.len() / 2) else { return Vec::new() };
        match self {
            Self::Looks => {
                let (cells, [columns, rows]) = cell_histograms(&Grey::of(middle), 255.0, UNSIGNED);
                let layout = Glyphs { columns, rows, size: (CELL, CELL), directions: UNSIGNED };
                vec![FeaturePicture {
                    id: "hog",
                    title: format!("HOG of the middle frame: {columns}x{rows} cells, strokes along edges"),
                    image: layout.over(middle, &cells),
                }]
            }
            Self::Motion => {
                let frames = grey();
                let change = mean_change(&frames);
                let most = change.values.iter().copied().fold(0.0, f32::max);
                let cells: Vec<f64> = motion_directions(&frames, CELLS, 1, SIGNED).into_iter().map(f64::from).collect();
                let size = (middle.width as usize / CELLS, middle.height as usize / CELLS);
                let directions = Directions::Signed(SIGNED);
                let layout = Glyphs { columns: CELLS, rows: CELLS, size, directions };
                vec![
                    FeaturePicture {
                        id: "energy",
                        title: format!("Motion energy: mean change of a pixel, up to {most:.1} of 255"),
                        image: coloured(&change, most),
                    },
                    FeaturePicture {
                        id: "directions",
                        title: format!("Motion directions in {CELLS}x{CELLS} cells: strokes the way things moved"),
                        image: layout.over(middle, &cells),
                    },
                ]
            }
            Self::History => {
                let history = motion_history(&grey());
                let directions = Directions::Signed(SIGNED);
                let (cells, [columns, rows]) = cell_histograms(&history, 1.0, directions);
                let layout = Glyphs { columns, rows, size: (CELL, CELL), directions };
                let image = coloured(&history, 1.0);
                vec![
                    FeaturePicture {
                        id: "history",
                        title: "Motion history: bright where motion was last, dark where there was none".into(),
                        image: image.clone(),
                    },
                    FeaturePicture {
                        id: "history_hog",
                        title: format!(
                            "HOG of the motion history: {columns}x{rows} cells, strokes towards newer motion"
                        ),
                        image: layout.over(&image, &cells),
                    },
                ]
            }
            Self::Poses => Vec::new(),
        }
    }
}

/// Values 0 to `most` in colours.
fn coloured(values: &Grey, most: f32) -> RgbImage {
    let table = color_map(COLOURS).map(|map| map.lut()).ok();
    let color = |v: &f32| {
        let at = (v / most.max(f32::MIN_POSITIVE) * 255.0).round().clamp(0.0, 255.0) as usize;
        table.and_then(|t| t.get(at)).copied().unwrap_or([at as u8; 3])
    };
    let data: Vec<u8> = values.values.iter().flat_map(color).collect();
    RgbImage { width: values.width as u32, height: values.height as u32, data: data.into() }
}

/// Histograms of directions in cells, from the top left.
struct Glyphs {
    columns: usize,
    rows: usize,
    /// Pixels of a cell.
    size: (usize, usize),
    directions: Directions,
}

impl Glyphs {
    /// The picture, darker and enlarged, with a stroke a direction and cell, the stronger the more of it. Unsigned directions are
    /// drawn along the edge, which is across the gradient; signed ones from the middle of the cell the way they point.
    fn over(&self, picture: &RgbImage, cells: &[f64]) -> RgbImage {
        let (width, height) = (picture.width as usize * ZOOM, picture.height as usize * ZOOM);
        let mut strokes = vec![0.0_f32; width * height];
        let most = cells.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        let bins = self.directions.bins();
        for (at, values) in cells.chunks_exact(bins).enumerate().take(self.columns * self.rows) {
            let (column, row) = (at % self.columns, at / self.columns);
            let centre = |cell: usize, size: usize| (cell as f64 + 0.5) * (size * ZOOM) as f64;
            let middle = (centre(column, self.size.0), centre(row, self.size.1));
            let reach = (self.size.0.min(self.size.1) * ZOOM) as f64 / 2.0 - 1.0;
            for (bin, value) in values.iter().enumerate().filter(|(_, v)| **v > 0.0) {
                let turn = (bin as f64 + 0.5) / bins as f64;
                let (angle, from) = match self.directions {
                    Directions::Unsigned(_) => (turn * std::f64::consts::PI + std::f64::consts::FRAC_PI_2, -reach),
                    Directions::Signed(_) => (turn * std::f64::consts::TAU, 0.0),
                };
                let share = (value / most) as f32;
                let steps = ((reach - from) * 2.0).max(1.0) as usize;
                for step in 0..=steps {
                    let along = from + (reach - from) * step as f64 / steps as f64;
                    let (x, y) = (middle.0 + along * angle.cos(), middle.1 + along * angle.sin());
                    if x >= 0.0 && y >= 0.0 && (x as usize) < width {
                        let slot = strokes.get_mut(y as usize * width + x as usize);
                        slot.into_iter().for_each(|s| *s = s.max(share));
                    }
                }
            }
        }
        let mut data = Vec::with_capacity(width * height * 3);
        for (at, stroke) in strokes.iter().enumerate() {
            let source = (at / width.max(1) / ZOOM * picture.width as usize + at % width.max(1) / ZOOM) * 3;
            let pixel = picture.data.get(source..source + 3).unwrap_or(&[0; 3]);
            for (value, ink) in pixel.iter().zip(STROKE) {
                let ground = f32::from(*value) * DIMMED;
                data.push((ground + (f32::from(ink) - ground) * stroke).round() as u8);
            }
        }
        RgbImage { width: width as u32, height: height as u32, data: data.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(width: u32, height: u32, of: impl Fn(u32, u32) -> u8) -> RgbImage {
        let pixels = (0..width * height).flat_map(|i| [of(i % width, i / width); 3]);
        RgbImage { width, height, data: pixels.collect::<Vec<u8>>().into() }
    }

    fn pixel(image: &RgbImage, x: u32, y: u32) -> [u8; 3] {
        let at = ((y * image.width + x) * 3) as usize;
        image.data[at..at + 3].try_into().unwrap()
    }

    #[test]
    fn an_upright_edge_is_an_upright_stroke_in_its_cell() {
        // Dark on the left of column 4, which lies in the first of two cells.
        let picture = frame(16, 8, |x, _| if x < 4 { 0 } else { 200 });
        let shown = FeatureSet::Looks.pictures(&[picture]);
        let [glyphs] = shown.as_slice() else { panic!("{shown:?}") };
        assert_eq!((glyphs.image.width, glyphs.image.height), (64, 32));
        // The first bin holds gradients from 0 to 20 degrees, so its stroke stands at 100: through the middle of the cell.
        assert_eq!(pixel(&glyphs.image, 16, 16), STROKE);
        let above = (0..64).filter(|x| pixel(&glyphs.image, *x, 4) == STROKE).collect::<Vec<_>>();
        assert!(!above.is_empty() && above.iter().all(|x| (16..=20).contains(x)), "{above:?}");
        // The other cell has no edge: its picture is the frame, darker.
        assert_eq!(pixel(&glyphs.image, 48, 16), [90; 3]);
    }

    #[test]
    fn motion_is_bright_where_pixels_changed_and_points_the_way_they_moved() {
        // A bar of two columns moves to the right by one column a frame, from 4 to 7.
        let bar = |t: u32| frame(16, 16, move |x, _| if (4 + t..6 + t).contains(&x) { 200 } else { 50 });
        let frames: Vec<RgbImage> = (0..4).map(bar).collect();
        let shown = FeatureSet::Motion.pictures(&frames);
        let [energy, directions] = shown.as_slice() else { panic!("{shown:?}") };
        let table = color_map(COLOURS).unwrap().lut();
        assert_eq!(pixel(&energy.image, 0, 8), table[0]);
        // Column 6 was entered once and left once in three steps: 2 * 150 / 3 = 100, the most there is.
        assert_eq!(pixel(&energy.image, 6, 8), table[255]);
        assert!(energy.title.contains("100.0 of 255"), "{}", energy.title);
        // The stroke of the second cell of the second row: from its middle (24, 24) to the right.
        assert_eq!(pixel(&directions.image, 26, 24), STROKE);
        assert_ne!(pixel(&directions.image, 21, 24), STROKE);
        let history = &FeatureSet::History.pictures(&frames)[0];
        // Column 8 was entered by the last step, column 4 was left by the first of three.
        assert_eq!(pixel(&history.image, 8, 3), table[255]);
        assert_eq!(pixel(&history.image, 4, 3), table[85]);
        assert_eq!(pixel(&history.image, 12, 3), table[0]);
        assert!(FeatureSet::Poses.pictures(&frames).is_empty() && FeatureSet::Looks.pictures(&[]).is_empty());
    }
}
