//! JPEG pictures through libjpeg-turbo, the decoder behind OpenCV and Pillow: the same pixels, bit for bit, so that a network
//! sees here what it saw where it was trained.

use super::picture::MAX_SIDE;
use crate::domain::RgbImage;
use image::metadata::Orientation;
use std::cell::RefCell;
use turbojpeg::{Colorspace, Decompressor, Image, PixelFormat};

thread_local! {
    /// One decoder a thread: making one costs a hundredth of a small picture.
    static DECODER: RefCell<Option<Decompressor>> = const { RefCell::new(None) };
}

/// True for the first bytes of a JPEG file.
pub(super) fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(b"\xff\xd8\xff")
}

/// The stored picture, not yet turned as its EXIF data ask for. `None` for what libjpeg-turbo does not decode without a
/// warning (damage, CMYK, lossless or 12-bit coding): another decoder may, or knows the sentence why not.
pub(super) fn decode(bytes: &[u8]) -> Option<RgbImage> {
    DECODER.with_borrow_mut(|kept| {
        let decoder = match kept {
            Some(decoder) => decoder,
            None => kept.insert(Decompressor::new().ok()?),
        };
        let header = decoder.read_header(bytes).ok()?;
        let side = |pixels: usize| u32::try_from(pixels).ok().filter(|s| (1..=MAX_SIDE).contains(s));
        let (width, height) = (side(header.width)?, side(header.height)?);
        if !matches!(header.colorspace, Colorspace::YCbCr | Colorspace::Gray | Colorspace::RGB) {
            return None;
        }
        let pitch = header.width * 3;
        let mut pixels = vec![0; pitch * header.height];
        let out = Image {
            pixels: pixels.as_mut_slice(),
            width: header.width,
            pitch,
            height: header.height,
            format: PixelFormat::RGB,
        };
        decoder.decompress(bytes, out).ok()?;
        RgbImage::new(width, height, pixels)
    })
}

/// How the EXIF data of a JPEG ask for it to be turned.
pub(super) fn orientation(bytes: &[u8]) -> Orientation {
    const EXIF: &[u8] = b"Exif\0\0";
    let mut at = 2;
    // Segments of applications stand before the picture.
    while let Some([0xff, marker @ 0xc0..=0xfe, high, low]) = bytes.get(at..at + 4) {
        let length = usize::from(*high) << 8 | usize::from(*low);
        if *marker == 0xda || length < 2 {
            break;
        }
        let segment = bytes.get(at + 4..at + 2 + length).unwrap_or_default();
        if let (0xe1, Some(exif)) = (*marker, segment.strip_prefix(EXIF)) {
            return Orientation::from_exif_chunk(exif).unwrap_or(Orientation::NoTransforms);
        }
        at += 2 + length;
    }
    Orientation::NoTransforms
}
