//! Which part of a picture a network sees, where frames are resized by their shorter side.

use super::resize::Resizer;
use crate::domain::CropView;
use std::borrow::Cow;

/// A rectangle of a picture, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Columns left of it.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Region {
    /// Left, top, width and height as shares of a picture of a size.
    pub fn shares(&self, (width, height): (u32, u32)) -> [f32; 4] {
        let share = |part: u32, whole: u32| (f64::from(part) / f64::from(whole.max(1))) as f32;
        [share(self.left, width), share(self.top, height), share(self.width, width), share(self.height, height)]
    }
}

/// Width and height of a picture whose shorter side is brought to `side` pixels, the longer one in proportion and rounded
/// down (as torchvision's `Resize`).
pub fn by_shorter_side((width, height): (u32, u32), side: u32) -> (u32, u32) {
    let (short, side) = (u64::from(width.min(height).max(1)), side.max(1));
    let longer = |v: u32| u32::try_from(u64::from(side) * u64::from(v) / short).unwrap_or(u32::MAX).max(side);
    if width <= height { (side, longer(height)) } else { (longer(width), side) }
}

/// Width and height of what is cut out of a picture for an input: the input's own where it fits, else the largest of its
/// shape.
fn extent(picture: (u32, u32), input: (u32, u32)) -> (u32, u32) {
    if input.0 <= picture.0 && input.1 <= picture.1 {
        return input;
    }
    // The side that is shorter beside the input's decides.
    let product = |a: u32, b: u32| u64::from(a) * u64::from(b);
    let part = |a: u32, b: u32, by: u32| (product(a, b) / u64::from(by.max(1))).max(1) as u32;
    if product(picture.0, input.1) <= product(picture.1, input.0) {
        (picture.0, part(picture.0, input.1, input.0).min(picture.1))
    } else {
        (part(picture.1, input.0, input.1).min(picture.0), picture.1)
    }
}

/// The part of a picture that is cut out for an input, one of several along the longer side: the first and the last touch
/// the edges, the only one is in the middle. Sizes are (width, height).
pub fn crop(picture: (u32, u32), input: (u32, u32), view: CropView) -> Region {
    let (width, height) = extent(picture, input);
    let free = (picture.0 - width, picture.1 - height);
    let along = |free: u32| match u32::from(view.of).saturating_sub(1) {
        0 => free / 2,
        gaps => (u64::from(free) * u64::from(u32::from(view.index).min(gaps)) / u64::from(gaps)) as u32,
    };
    let (left, top) = if picture.0 >= picture.1 { (along(free.0), free.1 / 2) } else { (free.0 / 2, along(free.1)) };
    Region { left, top, width, height }
}

/// The same at a place that was drawn, `x` and `y` from 0 up to 1.
pub fn crop_at(picture: (u32, u32), input: (u32, u32), [x, y]: [f32; 2]) -> Region {
    let (width, height) = extent(picture, input);
    let place = |share: f32, free: u32| ((f64::from(share) * f64::from(free + 1)) as u32).min(free);
    Region { left: place(x, picture.0 - width), top: place(y, picture.1 - height), width, height }
}

/// Cuts the input out of frames of one size.
pub(super) struct Cropper {
    picture: (u32, u32),
    region: Region,
    resizer: Resizer,
}

impl Cropper {
    pub fn new(picture: (u32, u32), input: (u32, u32), view: CropView, antialias: bool) -> Self {
        let region = crop(picture, input, view);
        Self { picture, region, resizer: Resizer::new((region.width, region.height), input, antialias) }
    }

    /// The input cut out of a frame (RGB), as large as `input`.
    pub fn cut<'a>(&self, frame: &'a [u8], input: (u32, u32)) -> Cow<'a, [u8]> {
        let Region { left, top, width, height } = self.region;
        if (width, height) == self.picture && (width, height) == input {
            return Cow::Borrowed(frame);
        }
        let row = self.picture.0 as usize * 3;
        let (from, bytes) = (left as usize * 3, width as usize * 3);
        let rows = frame.chunks_exact(row.max(1)).skip(top as usize).take(height as usize);
        let part: Vec<u8> = rows.filter_map(|r| r.get(from..from + bytes)).flatten().copied().collect();
        if (width, height) == input {
            return Cow::Owned(part);
        }
        let mut out = vec![0; input.0 as usize * input.1 as usize * 3];
        self.resizer.rgb(&part, &mut out);
        Cow::Owned(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shorter_sides_by_hand() {
        // What torchvision's Resize(256) makes of common sizes.
        let sizes = [(320, 240), (240, 320), (1920, 1080), (340, 256), (64, 64), (1, 1)];
        let expected = [(341, 256), (256, 341), (455, 256), (340, 256), (256, 256), (256, 256)];
        assert_eq!(sizes.map(|s| by_shorter_side(s, 256)), expected);
    }

    #[test]
    fn crops_by_hand() {
        let at = |picture, input, index, of| {
            let Region { left, top, width, height } = crop(picture, input, CropView { index, of });
            [left, top, width, height]
        };
        assert_eq!(at((341, 256), (224, 224), 0, 1), [58, 16, 224, 224]);
        let three = [0, 1, 2].map(|i| at((341, 256), (256, 256), i, 3));
        assert_eq!(three, [[0, 0, 256, 256], [42, 0, 256, 256], [85, 0, 256, 256]]);
        assert_eq!([0, 1].map(|i| at((48, 72), (48, 48), i, 2)), [[0, 0, 48, 48], [0, 24, 48, 48]]);
        // Narrower than the input: the largest part of its shape.
        assert_eq!(at((300, 300), (400, 300), 0, 1), [0, 37, 300, 225]);
        assert_eq!(at((100, 300), (400, 600), 0, 1), [0, 75, 100, 150]);
        assert_eq!(crop((341, 256), (224, 224), CropView::default()).shares((341, 256))[2], 224.0 / 341.0);
        let corner = |place| {
            let Region { left, top, .. } = crop_at((341, 256), (224, 224), place);
            (left, top)
        };
        assert_eq!([corner([0.0, 0.0]), corner([0.5, 0.25]), corner([0.999_999; 2])], [(0, 0), (59, 8), (117, 32)]);
    }

    #[test]
    fn the_input_is_cut_out_pixel_by_pixel() {
        let frame: Vec<u8> = (0..5 * 4).flat_map(|i| [i as u8, 100, 200]).collect();
        let red = |picture, input, view| {
            let cut = Cropper::new(picture, input, view, false).cut(&frame, input).into_owned();
            cut.chunks_exact(3).map(|p| p[0]).collect::<Vec<_>>()
        };
        assert_eq!(red((5, 4), (2, 2), CropView::default()), [6, 7, 11, 12]);
        assert_eq!(red((5, 4), (2, 2), CropView { index: 2, of: 3 }), [8, 9, 13, 14]);
        assert_eq!(red((5, 4), (5, 4), CropView::default()), (0..20).collect::<Vec<u8>>());
        // Wider than high by less than the input: the middle 4x2 of 5x4 pixels are enlarged.
        assert_eq!(red((5, 4), (10, 4), CropView::default()).first(), Some(&5));
    }
}
