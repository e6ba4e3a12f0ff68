//! From luma and chroma to red, green and blue.

use crate::simd::arch;
use gstreamer_video as gst_video;
use pulp::{Simd, WithSimd};
use serde::{Deserialize, Serialize};

/// Weights of red and blue in luma.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Matrix {
    /// ITU-R BT.601, and everything that says nothing.
    #[default]
    Bt601,
    /// ITU-R BT.709.
    Bt709,
    /// ITU-R BT.2020.
    Bt2020,
    /// SMPTE 240M.
    Smpte240,
    /// FCC 73.682.
    Fcc,
    /// None: the planes hold green, blue and red themselves, with all code values.
    Identity,
}

impl Matrix {
    /// From GStreamer's name.
    pub fn from_gst(matrix: gst_video::VideoColorMatrix) -> Matrix {
        use gst_video::VideoColorMatrix as M;
        match matrix {
            M::Bt709 => Matrix::Bt709,
            M::Bt2020 => Matrix::Bt2020,
            M::Smpte240m => Matrix::Smpte240,
            M::Fcc => Matrix::Fcc,
            M::Rgb => Matrix::Identity,
            _ => Matrix::Bt601,
        }
    }

    fn weights(self) -> (f64, f64) {
        match self {
            // Nothing is weighed without a matrix.
            Matrix::Bt601 | Matrix::Identity => (0.299, 0.114),
            Matrix::Bt709 => (0.2126, 0.0722),
            Matrix::Bt2020 => (0.2627, 0.0593),
            Matrix::Smpte240 => (0.212, 0.087),
            Matrix::Fcc => (0.30, 0.11),
        }
    }
}

/// Bits behind the point of the factors: as many as sums of three products of code values leave in 32.
const BITS: u32 = 20;

/// Luma and chroma of 8 bits to RGB, in whole numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Converter {
    /// Luma of black.
    black: i32,
    luma: i32,
    red: i32,
    green_u: i32,
    green_v: i32,
    blue: i32,
    /// The planes are green, blue and red.
    identity: bool,
}

impl Converter {
    /// For pictures of a matrix, whose luma goes from 0 to 255 with `full_range` and from 16 to 235 without.
    pub fn new(matrix: Matrix, full_range: bool) -> Self {
        let (kr, kb) = matrix.weights();
        let kg = 1.0 - kr - kb;
        let (black, luma, chroma) = if full_range { (0, 255.0, 255.0) } else { (16, 219.0, 224.0) };
        let fixed = |factor: f64| (factor * f64::from(1 << BITS)).round() as i32;
        let (luma, chroma) = (255.0 / luma, 255.0 / chroma);
        Self {
            black,
            luma: fixed(luma),
            red: fixed(2.0 * (1.0 - kr) * chroma),
            green_u: fixed(-2.0 * (1.0 - kb) * kb / kg * chroma),
            green_v: fixed(-2.0 * (1.0 - kr) * kr / kg * chroma),
            blue: fixed(2.0 * (1.0 - kb) * chroma),
            identity: matrix == Matrix::Identity,
        }
    }

    /// Grey of each luma.
    pub fn greys(&self) -> [u8; 256] {
        std::array::from_fn(|y| self.rgb(y as u8, 128, 128)[0])
    }

    #[inline(always)]
    fn rgb(&self, y: u8, u: u8, v: u8) -> [u8; 3] {
        let y = (i32::from(y) - self.black) * self.luma + (1 << (BITS - 1));
        let (u, v) = (i32::from(u) - 128, i32::from(v) - 128);
        let clamp = |value: i32| (value >> BITS).clamp(0, 255) as u8;
        [clamp(y + self.red * v), clamp(y + self.green_u * u + self.green_v * v), clamp(y + self.blue * u)]
    }

    /// A row of pixels, as long as luma; chroma too.
    pub fn line(&self, luma: &[u8], chroma: &[Vec<u8>; 2], rgb: &mut [[u8; 3]]) {
        if self.identity {
            let planes = luma.iter().zip(&chroma[0]).zip(&chroma[1]);
            rgb.iter_mut().zip(planes).for_each(|(rgb, ((green, blue), red))| *rgb = [*red, *green, *blue]);
            return;
        }
        arch().dispatch(Line { converter: self, luma, chroma, rgb });
    }
}

/// Pixels converted side by side: as many as the widest vectors have bytes.
const SIDE_BY_SIDE: usize = 64;

/// A row in the widest instructions this processor has.
struct Line<'a> {
    converter: &'a Converter,
    luma: &'a [u8],
    chroma: &'a [Vec<u8>; 2],
    rgb: &'a mut [[u8; 3]],
}

impl WithSimd for Line<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { converter, luma, chroma: [u, v], rgb } = self;
        let chunks = <[u8]>::as_chunks::<SIDE_BY_SIDE>;
        let ((luma, luma_rest), (u, u_rest), (v, v_rest)) = (chunks(luma), chunks(u), chunks(v));
        let (rgb, rgb_rest) = rgb.as_chunks_mut::<SIDE_BY_SIDE>();
        for (((luma, u), v), rgb) in luma.iter().zip(u).zip(v).zip(rgb) {
            let [mut red, mut green, mut blue] = [[0; SIDE_BY_SIDE]; 3];
            for i in 0..SIDE_BY_SIDE {
                [red[i], green[i], blue[i]] = converter.rgb(luma[i], u[i], v[i]);
            }
            for i in 0..SIDE_BY_SIDE {
                rgb[i] = [red[i], green[i], blue[i]];
            }
        }
        for (((luma, u), v), rgb) in luma_rest.iter().zip(u_rest).zip(v_rest).zip(rgb_rest) {
            *rgb = converter.rgb(*luma, *u, *v);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(converter: &Converter, [y, u, v]: [u8; 3]) -> [u8; 3] {
        let mut rgb = [[0; 3]];
        converter.line(&[y], &[vec![u], vec![v]], &mut rgb);
        rgb[0]
    }

    #[test]
    fn known_colours_of_bt601_come_out() {
        let converter = Converter::new(Matrix::Bt601, false);
        // ITU-R BT.601 code values of white, black, red, green, blue.
        for (yuv, rgb) in [
            ([235, 128, 128], [255, 255, 255]),
            ([16, 128, 128], [0, 0, 0]),
            ([81, 90, 240], [254, 0, 0]),
            ([145, 54, 34], [0, 255, 1]),
            ([41, 240, 110], [0, 0, 255]),
        ] {
            let out = of(&converter, yuv);
            for (a, b) in out.iter().zip(rgb) {
                assert!(a.abs_diff(b) <= 1, "{yuv:?} became {out:?}, not {rgb:?}");
            }
        }
    }

    #[test]
    fn planes_without_a_matrix_are_green_blue_and_red() {
        let converter = Converter::new(Matrix::from_gst(gst_video::VideoColorMatrix::Rgb), false);
        assert_eq!(of(&converter, [10, 200, 255]), [255, 10, 200]);
    }

    #[test]
    fn every_code_value_is_the_definition_s_rounded() {
        for (matrix, full) in [(Matrix::Bt601, false), (Matrix::Bt709, true), (Matrix::Bt2020, false)] {
            let converter = Converter::new(matrix, full);
            let (kr, kb) = matrix.weights();
            let (black, range, chroma) = if full { (0.0, 255.0, 255.0) } else { (16.0, 219.0, 224.0) };
            for yuv in (0..=255)
                .step_by(5)
                .flat_map(|y| (0..=255).step_by(3).map(move |c| [y as u8, c as u8, 255 - c as u8 / 2]))
            {
                let [y, u, v] = yuv.map(f64::from);
                let (y, u, v) = ((y - black) / range, (u - 128.0) / chroma, (v - 128.0) / chroma);
                let (r, b) = (y + 2.0 * (1.0 - kr) * v, y + 2.0 * (1.0 - kb) * u);
                let g = (y - kr * r - kb * b) / (1.0 - kr - kb);
                for (found, exact) in of(&converter, yuv).into_iter().zip([r, g, b]) {
                    let exact = (exact * 255.0).clamp(0.0, 255.0);
                    assert!((f64::from(found) - exact).abs() < 0.501, "{yuv:?}: {found}, not {exact}");
                }
            }
        }
    }
}
