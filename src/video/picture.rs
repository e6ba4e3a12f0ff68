//! Decoded pictures: from the decoder's own format to RGB, to a luma mean, to a digest.

use crate::domain::RgbImage;
use gstreamer as gst;
use gstreamer_video as gst_video;
use gstreamer_video::prelude::*;

/// Widest and highest picture accepted, so that a lying header cannot ask for the machine's memory.
pub(super) const MAX_SIDE: u32 = 16_384;

/// A picture as it left the decoder. Cheap to clone: the pixels are shared.
#[derive(Clone)]
pub(super) struct Raw {
    pub buffer: gst::Buffer,
    pub info: gst_video::VideoInfo,
    /// Luma goes from 0 to 255 instead of 16 to 235.
    pub full_range: bool,
}

/// True when raw caps say that luma uses all code values. `VideoInfo` forgets the range of a stream that names no matrix.
pub(super) fn full_range(caps: &gst::CapsRef, info: &gst_video::VideoInfo) -> bool {
    let said = caps.structure(0).and_then(|s| s.get::<&str>("colorimetry").ok());
    said.is_some_and(|c| c.starts_with("1:")) || info.colorimetry().range() == gst_video::VideoColorRange::Range0_255
}

/// How luma and chroma become RGB.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Matrix {
    /// Luma of black and the range to white, in code values of 8 bits.
    y_offset: f32,
    y_range: f32,
    c_range: f32,
    kr: f32,
    kb: f32,
}

type View<'a> = gst_video::VideoFrameRef<&'a gst::BufferRef>;

impl Raw {
    /// Bytes held.
    pub fn byte_len(&self) -> usize {
        self.buffer.size()
    }

    fn view(&self) -> Result<View<'_>, String> {
        gst_video::VideoFrameRef::from_buffer_ref_readable(self.buffer.as_ref(), &self.info)
            .map_err(|_| "the decoder delivered fewer bytes than a picture has".to_owned())
    }

    /// Mean of the luma plane at its own bit depth; `None` for RGB formats.
    pub fn luma_mean(&self) -> Option<f64> {
        let format = self.info.format_info();
        if !(format.is_yuv() || format.is_gray()) || format.is_complex() {
            return None;
        }
        let view = self.view().ok()?;
        let plane = Plane::of(&view, 0)?;
        let (mut sum, width) = (0_u64, self.info.width() as usize);
        for row in 0..self.info.height() as usize {
            sum += plane.row_sum(row, width)?;
        }
        Some(sum as f64 / (f64::from(self.info.width()) * f64::from(self.info.height())))
    }

    /// A checksum of the first plane's visible part, never 0. Equal pictures have equal digests.
    pub fn digest(&self) -> u32 {
        let Ok(view) = self.view() else { return 1 };
        let Some(plane) = Plane::of(&view, 0) else { return 1 };
        let width = self.info.width() as usize * plane.step;
        let mut crc = 0;
        for row in 0..self.info.height() as usize {
            let Some(bytes) = plane.data.get(row * plane.stride..).map(|r| &r[..width.min(r.len())]) else { break };
            crc = crc32c::crc32c_append(crc, bytes);
        }
        crc.max(1)
    }

    /// The stored (unrotated) picture as 8-bit RGB.
    ///
    /// Chroma is repeated, not interpolated, and untagged streams are read as BT.601, as FFmpeg, OpenCV and PyAV do
    /// by default: a model must see here what it saw where it was trained.
    pub fn to_rgb(&self, tagged: bool) -> Result<RgbImage, String> {
        let format = self.info.format_info();
        let simple = !format.is_complex() && !format.has_palette() && !format.is_tiled();
        let data = if simple && (format.is_yuv() || format.is_gray()) && format.is_le() | (format.depth()[0] == 8) {
            self.yuv_to_rgb(tagged)?
        } else {
            self.any_to_rgb()?
        };
        RgbImage::new(self.info.width(), self.info.height(), data)
            .ok_or_else(|| "the decoder delivered a picture of another size than it announced".to_owned())
    }

    fn yuv_to_rgb(&self, tagged: bool) -> Result<Vec<u8>, String> {
        let view = self.view()?;
        let (width, height) = (self.info.width() as usize, self.info.height() as usize);
        let format = self.info.format_info();
        let matrix = Matrix::of(&self.info, tagged, self.full_range);
        let short = || "the decoder delivered fewer bytes than a picture has".to_owned();
        let luma = Plane::of(&view, 0).ok_or_else(short)?;
        let mut out = vec![0_u8; width * height * 3];
        if format.is_gray() || format.n_components() < 3 {
            let table = matrix.gray_table();
            let mut line = vec![0_u8; width];
            for (row, out) in out.chunks_exact_mut(width * 3).enumerate() {
                luma.read_row(row, &mut line).ok_or_else(short)?;
                for (pixel, &y) in out.chunks_exact_mut(3).zip(&line) {
                    pixel.fill(table[usize::from(y)]);
                }
            }
            return Ok(out);
        }
        let (blue, red) = (Plane::of(&view, 1).ok_or_else(short)?, Plane::of(&view, 2).ok_or_else(short)?);
        let (w_sub, h_sub) = (format.w_sub()[1] as usize, format.h_sub()[1] as usize);
        let chroma_width = (width + (1 << w_sub) - 1) >> w_sub;
        let fixed = Fixed::new(matrix);
        let (mut y, mut u, mut v) = (vec![0_u8; width], vec![0_u8; chroma_width], vec![0_u8; chroma_width]);
        let mut chroma_row = usize::MAX;
        for (row, out) in out.chunks_exact_mut(width * 3).enumerate() {
            luma.read_row(row, &mut y).ok_or_else(short)?;
            if chroma_row != row >> h_sub {
                chroma_row = row >> h_sub;
                blue.read_row(chroma_row, &mut u).ok_or_else(short)?;
                red.read_row(chroma_row, &mut v).ok_or_else(short)?;
            }
            fixed.convert_row(&y, &u, &v, w_sub, out);
        }
        Ok(out)
    }

    /// RGB, palette and exotic formats go through GStreamer's own converter.
    fn any_to_rgb(&self) -> Result<Vec<u8>, String> {
        let fail = |e: gst::glib::BoolError| format!("the decoder's pixel format cannot be converted to RGB ({e})");
        let (width, height) = (self.info.width(), self.info.height());
        let target = gst_video::VideoInfo::builder(gst_video::VideoFormat::Rgb, width, height)
            .fps(self.info.fps())
            .interlace_mode(self.info.interlace_mode())
            .build()
            .map_err(fail)?;
        let converter = gst_video::VideoConverter::new(&self.info, &target, None).map_err(fail)?;
        let source = gst_video::VideoFrame::from_buffer_readable(self.buffer.clone(), &self.info)
            .map_err(|_| "the decoder delivered fewer bytes than a picture has".to_owned())?;
        let buffer = gst::Buffer::with_size(target.size()).map_err(fail)?;
        let mut converted = gst_video::VideoFrame::from_buffer_writable(buffer, &target)
            .map_err(|_| "no memory for a converted picture".to_owned())?;
        converter.frame(&source, &mut converted);
        let stride = converted.plane_stride().first().copied().unwrap_or(0).unsigned_abs() as usize;
        let plane = converted.plane_data(0).map_err(fail)?;
        let row = width as usize * 3;
        let mut out = Vec::with_capacity(row * height as usize);
        for line in plane.chunks(stride.max(1)).take(height as usize) {
            out.extend_from_slice(line.get(..row).unwrap_or(line));
        }
        Ok(out)
    }
}

/// One component of a picture: 8 or up to 16 bits a sample, possibly interleaved with others.
struct Plane<'a> {
    data: &'a [u8],
    stride: usize,
    /// Bytes from one sample to the next.
    step: usize,
    wide: bool,
    shift: u32,
    depth: u32,
}

impl<'a> Plane<'a> {
    fn of(view: &'a View<'_>, component: usize) -> Option<Plane<'a>> {
        let format = view.format_info();
        let plane = *format.plane().get(component)? as usize;
        let offset = *format.poffset().get(component)? as usize;
        let depth = *format.depth().get(component)?;
        Some(Plane {
            data: view.plane_data(plane as u32).ok()?.get(offset..)?,
            stride: usize::try_from(*view.plane_stride().get(plane)?).ok()?,
            step: usize::try_from(*format.pixel_stride().get(component)?).ok()?.max(1),
            wide: depth > 8,
            shift: *format.shift().get(component)?,
            depth,
        })
    }

    fn line(&self, row: usize) -> Option<&'a [u8]> {
        self.data.get(row * self.stride..)
    }

    fn row_sum(&self, row: usize, width: usize) -> Option<u64> {
        let line = self.line(row)?;
        if self.wide {
            let mut sum = 0;
            for x in 0..width {
                let pair = line.get(x * self.step..x * self.step + 2)?;
                sum += u64::from(u16::from_le_bytes([pair[0], pair[1]]) >> self.shift);
            }
            Some(sum)
        } else if self.step == 1 {
            Some(line.get(..width)?.iter().map(|&v| u64::from(v)).sum())
        } else {
            (0..width).map(|x| line.get(x * self.step).map(|&v| u64::from(v))).sum()
        }
    }

    /// Reads a row of samples, wider ones rounded to 8 bits.
    fn read_row(&self, row: usize, out: &mut [u8]) -> Option<()> {
        let line = self.line(row)?;
        if self.wide {
            let drop = self.depth - 8;
            let half = (1_u32 << drop) >> 1;
            for (x, out) in out.iter_mut().enumerate() {
                let pair = line.get(x * self.step..x * self.step + 2)?;
                let value = u32::from(u16::from_le_bytes([pair[0], pair[1]]) >> self.shift);
                *out = ((value + half) >> drop).min(255) as u8;
            }
        } else if self.step == 1 {
            out.copy_from_slice(line.get(..out.len())?);
        } else {
            for (x, out) in out.iter_mut().enumerate() {
                *out = *line.get(x * self.step)?;
            }
        }
        Some(())
    }
}

impl Matrix {
    fn of(info: &gst_video::VideoInfo, tagged: bool, full: bool) -> Matrix {
        use gst_video::VideoColorMatrix;
        let colorimetry = info.colorimetry();
        let (kr, kb) = match colorimetry.matrix() {
            VideoColorMatrix::Bt709 if tagged => (0.2126, 0.0722),
            VideoColorMatrix::Bt2020 if tagged => (0.2627, 0.0593),
            VideoColorMatrix::Smpte240m if tagged => (0.212, 0.087),
            VideoColorMatrix::Fcc if tagged => (0.30, 0.11),
            _ => (0.299, 0.114),
        };
        let (y_offset, y_range, c_range) = if full { (0.0, 255.0, 255.0) } else { (16.0, 219.0, 224.0) };
        Matrix { y_offset, y_range, c_range, kr, kb }
    }

    fn gray_table(&self) -> [u8; 256] {
        std::array::from_fn(|y| ((y as f32 - self.y_offset) * 255.0 / self.y_range).round().clamp(0.0, 255.0) as u8)
    }
}

const BITS: u32 = 16;

/// The matrix as tables of fixed-point numbers.
struct Fixed {
    luma: [i32; 256],
    red: [i32; 256],
    green_u: [i32; 256],
    green_v: [i32; 256],
    blue: [i32; 256],
}

impl Fixed {
    fn new(m: Matrix) -> Fixed {
        let one = f64::from(1_u32 << BITS);
        let kg = 1.0 - m.kr - m.kb;
        let table = |offset: f32, factor: f32, half: f64| -> [i32; 256] {
            std::array::from_fn(|v| ((v as f64 - f64::from(offset)) * f64::from(factor) * one + half).round() as i32)
        };
        let chroma = 255.0 / m.c_range;
        Fixed {
            luma: table(m.y_offset, 255.0 / m.y_range, one / 2.0),
            red: table(128.0, 2.0 * (1.0 - m.kr) * chroma, 0.0),
            green_u: table(128.0, -2.0 * (1.0 - m.kb) * m.kb / kg * chroma, 0.0),
            green_v: table(128.0, -2.0 * (1.0 - m.kr) * m.kr / kg * chroma, 0.0),
            blue: table(128.0, 2.0 * (1.0 - m.kb) * chroma, 0.0),
        }
    }

    fn convert_row(&self, y: &[u8], u: &[u8], v: &[u8], w_sub: usize, out: &mut [u8]) {
        let clamp = |value: i32| (value >> BITS).clamp(0, 255) as u8;
        let chroma = |at: usize| {
            let (u, v) = (usize::from(u[at]), usize::from(v[at]));
            (self.red[v], self.green_u[u] + self.green_v[v], self.blue[u])
        };
        let width = y.len();
        let mut at = 0;
        // Nearly all video halves chroma in width; two pixels at a time, without inner loops, is twice as fast.
        if w_sub == 1 {
            while at + 1 < width {
                let (red, green, blue) = chroma(at / 2);
                let pair = &mut out[3 * at..3 * at + 6];
                let (left, right) = (self.luma[usize::from(y[at])], self.luma[usize::from(y[at + 1])]);
                pair[0] = clamp(left + red);
                pair[1] = clamp(left + green);
                pair[2] = clamp(left + blue);
                pair[3] = clamp(right + red);
                pair[4] = clamp(right + green);
                pair[5] = clamp(right + blue);
                at += 2;
            }
        }
        while at < width {
            let (red, green, blue) = chroma(at >> w_sub);
            let luma = self.luma[usize::from(y[at])];
            let pixel = &mut out[3 * at..3 * at + 3];
            pixel[0] = clamp(luma + red);
            pixel[1] = clamp(luma + green);
            pixel[2] = clamp(luma + blue);
            at += 1;
        }
    }
}

/// Turns a picture clockwise by `rotation` degrees, after mirroring it left to right if asked.
pub(super) fn orient(image: RgbImage, rotation: u32, mirrored: bool) -> RgbImage {
    if rotation == 0 && !mirrored {
        return image;
    }
    let (w, h) = (image.width as usize, image.height as usize);
    let (out_w, out_h) = if rotation % 180 == 90 { (h, w) } else { (w, h) };
    let mut out = vec![0_u8; image.data.len()];
    for (at, pixel) in out.chunks_exact_mut(3).enumerate() {
        let (ox, oy) = (at % out_w, at / out_w);
        let (x, y) = match rotation {
            90 => (oy, h - 1 - ox),
            180 => (w - 1 - ox, h - 1 - oy),
            270 => (w - 1 - oy, ox),
            _ => (ox, oy),
        };
        let x = if mirrored { w - 1 - x } else { x };
        let from = (y * w + x) * 3;
        pixel.copy_from_slice(&image.data[from..from + 3]);
    }
    RgbImage { width: out_w as u32, height: out_h as u32, data: out.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turning_clockwise_brings_the_top_left_to_the_top_right() {
        // 2 wide, 1 high: red, green
        let image = RgbImage::new(2, 1, vec![255, 0, 0, 0, 255, 0]).unwrap();
        let turned = orient(image.clone(), 90, false);
        assert_eq!((turned.width, turned.height), (1, 2));
        assert_eq!(&turned.data[..], &[255, 0, 0, 0, 255, 0]);
        assert_eq!(&orient(image.clone(), 180, false).data[..], &[0, 255, 0, 255, 0, 0]);
        assert_eq!(&orient(image.clone(), 270, false).data[..], &[0, 255, 0, 255, 0, 0]);
        assert_eq!(&orient(image, 0, true).data[..], &[0, 255, 0, 255, 0, 0]);
    }

    #[test]
    fn known_colours_of_bt601_come_out() {
        let m = Matrix { y_offset: 16.0, y_range: 219.0, c_range: 224.0, kr: 0.299, kb: 0.114 };
        let fixed = Fixed::new(m);
        // ITU-R BT.601 code values of white, black, red, green, blue.
        for (yuv, rgb) in [
            ([235, 128, 128], [255, 255, 255]),
            ([16, 128, 128], [0, 0, 0]),
            ([81, 90, 240], [254, 0, 0]),
            ([145, 54, 34], [0, 255, 1]),
            ([41, 240, 110], [0, 0, 255]),
        ] {
            let mut out = [0; 3];
            fixed.convert_row(&yuv[..1], &yuv[1..2], &yuv[2..], 0, &mut out);
            for (a, b) in out.iter().zip(rgb) {
                assert!(a.abs_diff(b) <= 1, "{yuv:?} became {out:?}, not {rgb:?}");
            }
        }
    }
}
