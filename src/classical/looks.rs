//! What a single frame looks like.

use crate::domain::RgbImage;

/// Levels of each colour that the histogram tells apart.
const LEVELS: usize = 4;

/// The share of pixels of each colour, `[4, 4, 4]` levels of red, green and blue, flat.
pub fn colour_histogram(picture: &RgbImage) -> Vec<f32> {
    let mut counts = vec![0_u32; LEVELS * LEVELS * LEVELS];
    for pixel in picture.data.chunks_exact(3) {
        let bin = pixel.iter().fold(0, |bin, value| bin * LEVELS + usize::from(*value) * LEVELS / 256);
        counts.get_mut(bin).into_iter().for_each(|n| *n += 1);
    }
    let pixels = (picture.data.len() / 3).max(1) as f32;
    counts.into_iter().map(|n| n as f32 / pixels).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_counted_by_colour() {
        let picture = RgbImage::new(2, 2, vec![0, 0, 0, 255, 255, 255, 255, 255, 192, 64, 0, 0]).unwrap();
        let histogram = colour_histogram(&picture);
        assert_eq!((histogram[0], histogram[63], histogram[16]), (0.25, 0.5, 0.25));
        assert_eq!(histogram.iter().sum::<f32>(), 1.0);
    }
}
