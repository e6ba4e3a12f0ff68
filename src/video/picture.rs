//! Decoded pictures: from the decoder's own format to RGB, to a luma mean, to a digest.

use super::colour::{Converter, Matrix};
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
    pub fn to_rgb(&self, matrix: Matrix) -> Result<RgbImage, String> {
        let data = if self.is_plain_yuv() { self.yuv_to_rgb(matrix)? } else { self.any_to_rgb()? };
        RgbImage::new(self.info.width(), self.info.height(), data)
            .ok_or_else(|| "the decoder delivered a picture of another size than it announced".to_owned())
    }

    /// RGB of the stored picture where the given rows and columns meet, row after row: the same values as
    /// [`Raw::to_rgb`] has there, without the work for all others.
    pub fn rgb_where(&self, matrix: Matrix, rows: &[u32], columns: &[u32]) -> Result<Vec<u8>, String> {
        let (width, height) = (self.info.width(), self.info.height());
        let sampled = self.is_plain_yuv() && self.info.format_info().n_components() >= 3;
        if !sampled {
            return Ok(meet(&self.to_rgb(matrix)?, rows, columns));
        }
        let short = || "the decoder delivered fewer bytes than a picture has".to_owned();
        if rows.iter().any(|r| *r >= height) || columns.iter().any(|c| *c >= width) {
            return Err(short());
        }
        let view = self.view()?;
        let plane = |component| Plane::of(&view, component).ok_or_else(short);
        let (luma, blue, red) = (plane(0)?, plane(1)?, plane(2)?);
        // Picking single samples takes longer than converting twice as many side by side.
        let few = columns.len() * 2 <= width as usize;
        let mut lines = Lines::new(&self.info, matrix, self.full_range, few.then_some(columns));
        let mut whole = vec![[0_u8; 3]; if few { 0 } else { width as usize }];
        let mut out = vec![0_u8; rows.len() * columns.len() * 3];
        for (row, out) in rows.iter().zip(out.chunks_exact_mut((columns.len() * 3).max(1))) {
            let out = out.as_chunks_mut().0;
            let line = if few { &mut *out } else { &mut whole };
            lines.read([&luma, &blue, &red], *row as usize, line).ok_or_else(short)?;
            if !few {
                out.iter_mut().zip(columns).for_each(|(pixel, column)| *pixel = whole[*column as usize]);
            }
        }
        Ok(out)
    }

    /// True for luma (and chroma) in planes that [`Plane`] can read.
    fn is_plain_yuv(&self) -> bool {
        let format = self.info.format_info();
        let simple = !format.is_complex() && !format.has_palette() && !format.is_tiled();
        simple && (format.is_yuv() || format.is_gray()) && (format.is_le() || format.depth()[0] == 8)
    }

    fn yuv_to_rgb(&self, matrix: Matrix) -> Result<Vec<u8>, String> {
        let view = self.view()?;
        let (width, height) = (self.info.width() as usize, self.info.height() as usize);
        let format = self.info.format_info();
        let short = || "the decoder delivered fewer bytes than a picture has".to_owned();
        let luma = Plane::of(&view, 0).ok_or_else(short)?;
        if format.is_gray() || format.n_components() < 3 {
            let mut out = vec![0_u8; width * height * 3];
            let table = Converter::new(matrix, self.full_range).greys();
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
        let mut lines = Lines::new(&self.info, matrix, self.full_range, None);
        // Filled row by row: a whole picture of zeros would be written for nothing.
        let (mut out, mut pixels) = (Vec::with_capacity(width * height * 3), vec![[0_u8; 3]; width]);
        for row in 0..height {
            lines.read([&luma, &blue, &red], row, &mut pixels).ok_or_else(short)?;
            out.extend_from_slice(pixels.as_flattened());
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

/// Reads a picture's rows, or some columns of them, and turns them into red, green and blue.
struct Lines<'a> {
    converter: Converter,
    w_sub: u32,
    h_sub: u32,
    /// The columns that are read; `None` for all.
    columns: Option<&'a [u32]>,
    /// Their columns in chroma.
    chroma_columns: Vec<u32>,
    luma: Vec<u8>,
    /// A row of a plane as stored, in room for the longest.
    stored: Box<[u8; MAX_SIDE as usize]>,
    width: usize,
    /// Blue and red chroma of each pixel.
    chroma: [Vec<u8>; 2],
    chroma_row: Option<usize>,
}

impl<'a> Lines<'a> {
    fn new(info: &gst_video::VideoInfo, matrix: Matrix, full_range: bool, columns: Option<&'a [u32]>) -> Self {
        let (width, format) = (info.width() as usize, info.format_info());
        let (w_sub, h_sub) = (format.w_sub()[1], format.h_sub()[1]);
        let line = || vec![0_u8; columns.map_or(width, <[u32]>::len)];
        Self {
            converter: Converter::new(matrix, full_range),
            w_sub,
            h_sub,
            columns,
            chroma_columns: columns.unwrap_or_default().iter().map(|c| c >> w_sub).collect(),
            luma: line(),
            stored: Box::new([0; MAX_SIDE as usize]),
            width,
            chroma: [line(), line()],
            chroma_row: None,
        }
    }

    /// Reads a row of planes (luma, blue, red) into pixels; `None` where the picture has no such row.
    fn read(&mut self, planes: [&Plane<'_>; 3], row: usize, pixels: &mut [[u8; 3]]) -> Option<()> {
        match self.columns {
            Some(columns) => {
                planes[0].read_row(row, self.stored.get_mut(..self.width)?)?;
                gather(&self.stored, columns, &mut self.luma);
            }
            None => planes[0].read_row(row, &mut self.luma)?,
        }
        let chroma_row = row >> self.h_sub;
        if self.chroma_row != Some(chroma_row) {
            let narrow = self.width.div_ceil(1 << self.w_sub);
            for (plane, line) in planes[1..].iter().zip(&mut self.chroma) {
                let stored = self.stored.get_mut(..narrow)?;
                plane.read_row(chroma_row, stored)?;
                match self.w_sub {
                    _ if self.columns.is_some() => gather(&self.stored, &self.chroma_columns, line),
                    0 => line.copy_from_slice(stored),
                    // Nearly all video.
                    1 => {
                        let (pairs, last) = line.as_chunks_mut::<2>();
                        pairs.iter_mut().zip(stored.iter()).for_each(|(pair, v)| *pair = [*v; 2]);
                        last.iter_mut().zip(stored.last()).for_each(|(one, v)| *one = *v);
                    }
                    by => line.chunks_mut(1 << by).zip(stored.iter()).for_each(|(few, v)| few.fill(*v)),
                }
            }
            self.chroma_row = Some(chroma_row);
        }
        self.converter.line(&self.luma, &self.chroma, pixels.get_mut(..self.luma.len())?);
        Some(())
    }
}

/// Picks columns out of a row. The room is a power of two, so that no column lies outside it whatever it says.
fn gather(row: &[u8; MAX_SIDE as usize], columns: &[u32], out: &mut [u8]) {
    const { assert!(MAX_SIDE.is_power_of_two()) };
    for (out, column) in out.iter_mut().zip(columns) {
        *out = row[(*column & (MAX_SIDE - 1)) as usize];
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

/// The pixels of a picture where rows and columns meet, row after row; nothing for those outside it.
pub(super) fn meet(image: &RgbImage, rows: &[u32], columns: &[u32]) -> Vec<u8> {
    let line = image.width as usize * 3;
    let lines = rows.iter().filter_map(|r| image.data.get(*r as usize * line..(*r as usize + 1) * line));
    let columns: Vec<usize> = columns.iter().filter(|c| **c < image.width).map(|c| *c as usize).collect();
    let mut out = Vec::with_capacity(rows.len() * columns.len());
    for line in lines {
        let pixels = line.as_chunks::<3>().0;
        // As many pixels as columns, which the vector knows beforehand: no question of room at each.
        out.extend(columns.iter().map(|c| pixels.get(*c).copied().unwrap_or_default()));
    }
    out.into_flattened()
}

/// How a stored picture is turned to be shown: mirrored left to right if asked, then turned clockwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Orientation {
    /// 0, 90, 180 or 270 degrees clockwise.
    pub rotation: u32,
    pub mirrored: bool,
}

impl Orientation {
    /// From GStreamer's name, as `rotate-90` or `flip-rotate-0`.
    pub fn of_tag(tag: &str) -> Orientation {
        let rotation = tag.rsplit('-').next().and_then(|d| d.parse::<u32>().ok()).unwrap_or(0) % 360;
        Orientation { rotation, mirrored: tag.starts_with("flip") }
    }

    /// From a matrix that takes a stored place `(x, y)` to `(ax + cy, bx + dy)` as shown, x to the right and y down;
    /// `None` for what is no quarter turn.
    pub fn of_matrix(matrix: [i64; 4]) -> Option<Orientation> {
        let largest = matrix.map(i64::abs).into_iter().max().unwrap_or(0);
        let (rotation, mirrored) = match matrix.map(|n| if n.abs() * 2 >= largest { n.signum() } else { 0 }) {
            [1, 0, 0, 1] => (0, false),
            [0, 1, -1, 0] => (90, false),
            [-1, 0, 0, -1] => (180, false),
            [0, -1, 1, 0] => (270, false),
            [-1, 0, 0, 1] => (0, true),
            [0, -1, -1, 0] => (90, true),
            [1, 0, 0, -1] => (180, true),
            [0, 1, 1, 0] => (270, true),
            _ => return None,
        };
        Some(Orientation { rotation, mirrored })
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
    fn orientation_tags_are_read_as_degrees_clockwise() {
        let of = |rotation, mirrored| Orientation { rotation, mirrored };
        assert_eq!(Orientation::of_tag("rotate-90"), of(90, false));
        assert_eq!(Orientation::of_tag("flip-rotate-180"), of(180, true));
    }

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
}
