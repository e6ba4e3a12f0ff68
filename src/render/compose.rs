//! Frames beside each other and captions, for exported videos.

use super::font::{fit_text, rasterise};
use crate::domain::RgbImage;

/// Ground of captions and of what is left free.
const GROUND: [u8; 3] = [24, 24, 28];
const TEXT: [u8; 3] = [236, 236, 240];

/// Both pictures in one, the second to the right; the lower one is centred on a dark ground.
pub fn side_by_side(left: &RgbImage, right: &RgbImage) -> RgbImage {
    let (width, height) = (left.width + right.width, left.height.max(right.height));
    let mut data = ground(width, height);
    paste(&mut data, width, left, 0, (height - left.height) / 2);
    paste(&mut data, width, right, left.width, (height - right.height) / 2);
    RgbImage { width, height, data: data.into() }
}

/// Height of the strip that [`with_caption`] adds below a picture of this width.
pub fn caption_height(width: u32) -> u32 {
    // Even, as video encoders want it.
    (caption_size(width) * 1.8).round() as u32 / 2 * 2
}

/// The picture with a line of text in a strip below it; text that does not fit is shortened.
pub fn with_caption(picture: &RgbImage, text: &str) -> RgbImage {
    let strip = caption_height(picture.width);
    let (width, height) = (picture.width, picture.height + strip);
    let mut data = ground(width, height);
    paste(&mut data, width, picture, 0, 0);
    let size = caption_size(width);
    let margin = size * 0.6;
    let text = fit_text(text, size, width as f32 - 2.0 * margin);
    let base_line = picture.height as f32 + strip as f32 * 0.5 + size * 0.34;
    rasterise(&text, size, (margin, base_line), false, |x, y, coverage| {
        if x >= 0 && y >= 0 && (x as u32) < width && (y as u32) < height {
            let at = (y as usize * width as usize + x as usize) * 3;
            for (byte, ink) in data.iter_mut().skip(at).take(3).zip(TEXT) {
                *byte = mix(*byte, ink, coverage);
            }
        }
    });
    RgbImage { width, height, data: data.into() }
}

/// `from` moved towards `to`.
pub(super) fn mix(from: u8, to: u8, share: f32) -> u8 {
    let share = share.clamp(0.0, 1.0);
    (f32::from(from) * (1.0 - share) + f32::from(to) * share).round() as u8
}

fn caption_size(width: u32) -> f32 {
    (width as f32 / 30.0).clamp(11.0, 28.0)
}

fn ground(width: u32, height: u32) -> Vec<u8> {
    GROUND.repeat(width as usize * height as usize)
}

/// Copies a picture into a buffer that is large enough for it.
fn paste(data: &mut [u8], width: u32, picture: &RgbImage, x: u32, y: u32) {
    if picture.width == 0 || width == 0 {
        return;
    }
    let lines = data.chunks_exact_mut(width as usize * 3).skip(y as usize);
    for (line, source) in lines.zip(picture.data.chunks_exact(picture.width as usize * 3)) {
        for (byte, value) in line.iter_mut().skip(x as usize * 3).zip(source) {
            *byte = *value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(width: u32, height: u32, value: u8) -> RgbImage {
        RgbImage::new(width, height, vec![value; (width * height * 3) as usize]).unwrap()
    }

    #[test]
    fn pictures_stand_beside_each_other() {
        let both = side_by_side(&flat(3, 4, 100), &flat(2, 2, 200));
        assert_eq!((both.width, both.height), (5, 4));
        let at = |x: usize, y: usize| both.data[(y * 5 + x) * 3];
        assert_eq!((at(2, 0), at(3, 0), at(3, 1), at(4, 2), at(4, 3)), (100, 24, 200, 200, 24));
        assert_eq!(side_by_side(&flat(0, 0, 0), &flat(2, 2, 7)), flat(2, 2, 7));
    }

    #[test]
    fn captions_are_below_and_never_wider_than_the_picture() {
        let picture = flat(400, 20, 90);
        for text in ["true squat · said lunge 0.71 · Grad-CAM block5 2×7×7 cells", &"long ".repeat(100)] {
            let out = with_caption(&picture, text);
            assert_eq!((out.width, out.height), (400, 20 + caption_height(400)));
            assert_eq!(out.data[..400 * 20 * 3], picture.data[..]);
            let bright = out.data[400 * 20 * 3..].chunks(3).filter(|p| p[0] > 180).count();
            assert!(bright > 100, "only {bright} bright pixels of text");
        }
        with_caption(&flat(0, 0, 0), "nothing");
        with_caption(&flat(1, 1, 0), "a");
    }
}
