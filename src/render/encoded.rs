//! Pictures as files in memory: for documents that hold their pictures.

use crate::domain::RgbImage;
use image::codecs::gif::{GifEncoder, Repeat};
use image::{Delay, ExtendedColorType, Frame, ImageEncoder, ImageError, RgbaImage};

/// A picture as a PNG file.
///
/// # Errors
/// A picture without pixels.
pub fn png(picture: &RgbImage) -> Result<Vec<u8>, ImageError> {
    let mut out = Vec::new();
    let encoder = image::codecs::png::PngEncoder::new(&mut out);
    encoder.write_image(&picture.data, picture.width, picture.height, ExtendedColorType::Rgb8)?;
    Ok(out)
}

/// Pictures of one size as a GIF file that plays over and over, each shown for `milliseconds`.
///
/// # Errors
/// A picture without pixels.
pub fn looping_gif(pictures: &[RgbImage], milliseconds: u32) -> Result<Vec<u8>, ImageError> {
    /// Of 1 (finest) to 30: colours are chosen from a third of the pixels.
    const SPEED: i32 = 10;
    let mut out = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut out, SPEED);
    encoder.set_repeat(Repeat::Infinite)?;
    for picture in pictures {
        let pixels = picture.data.chunks_exact(3).flat_map(|p| p.iter().copied().chain([255])).collect();
        let Some(pixels) = RgbaImage::from_raw(picture.width, picture.height, pixels) else { continue };
        let delay = Delay::from_numer_denom_ms(milliseconds, 1);
        encoder.encode_frame(Frame::from_parts(pixels, 0, 0, delay))?;
    }
    drop(encoder);
    Ok(out)
}

/// Bytes as base64 (RFC 4648), as `data:` addresses take them.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let three = [0, 1, 2].map(|i| u32::from(group.get(i).copied().unwrap_or(0)));
        let bits = three[0] << 16 | three[1] << 8 | three[2];
        for place in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * place)) as usize & 63];
            out.push(if place > group.len() { '=' } else { char::from(digit) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::AnimationDecoder;

    #[test]
    fn base64_is_that_of_the_standard() {
        // RFC 4648, section 10.
        let expected = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        expected.iter().for_each(|(text, want)| assert_eq!(base64(text.as_bytes()), *want));
        assert_eq!(base64(&[0xff, 0xfe, 0xfd]), "//79");
    }

    #[test]
    fn pictures_come_back() {
        let picture = |v: u8| RgbImage::new(3, 2, vec![v; 18]).unwrap();
        let read = image::load_from_memory(&png(&picture(90)).unwrap()).unwrap().into_rgb8();
        assert_eq!((read.dimensions(), read.get_pixel(2, 1).0), ((3, 2), [90; 3]));
        let gif = looping_gif(&[picture(0), picture(255)], 100).unwrap();
        let decoder = image::codecs::gif::GifDecoder::new(std::io::Cursor::new(gif)).unwrap();
        let frames = decoder.into_frames().collect_frames().unwrap();
        assert_eq!(frames.len(), 2);
        assert_eq!(frames[1].buffer().get_pixel(0, 0).0, [255; 4]);
    }
}
