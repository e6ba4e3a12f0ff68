//! Writes H.264 MP4 files.

use super::{VideoError, runtime};
use crate::domain::RgbImage;
use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app as gst_app;
use gstreamer_video as gst_video;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A key frame at least this often: a jump decodes at most this many frames.
const GOP: u32 = 30;
/// An encoder that takes nothing for this long is given up.
const STALL: Duration = Duration::from_secs(30);
/// Frames waiting for the encoder.
const QUEUE_FRAMES: u64 = 8;

/// An encoder, its settings, and the Debian package it comes in.
struct EncoderChoice {
    element: &'static str,
    settings: &'static [(&'static str, &'static str)],
    package: &'static str,
}

/// Encoders in the order of preference.
const ENCODERS: [EncoderChoice; 3] = [
    EncoderChoice {
        element: "x264enc",
        settings: &[
            ("speed-preset", "ultrafast"),
            ("vbv-buf-capacity", "0"),
            ("pass", "qual"),
            ("quantizer", "20"),
            ("bframes", "0"),
            ("threads", "1"),
        ],
        package: "gstreamer1.0-plugins-ugly",
    },
    EncoderChoice {
        element: "openh264enc",
        settings: &[("bitrate", "2000000"), ("multi-thread", "1")],
        package: "gstreamer1.0-plugins-bad",
    },
    EncoderChoice { element: "avenc_mpeg4", settings: &[("bitrate", "4000000")], package: "gstreamer1.0-libav" },
];

/// Writes an H.264 MP4 file. The file appears under its name only when [`VideoWriter::finish`] succeeded.
///
/// The same frames give the same pictures on every run; each writer encodes on one thread, so several may run at once.
pub struct VideoWriter {
    path: PathBuf,
    /// Deleted when the writer is dropped without finishing.
    temporary: Option<tempfile::TempPath>,
    pipeline: gst::Pipeline,
    source: gst_app::AppSrc,
    full: Arc<AtomicBool>,
    size: (u32, u32),
    padded: (usize, usize),
    frame_ns: f64,
    frames: u64,
}

impl std::fmt::Debug for VideoWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VideoWriter({}, {} frames)", self.path.display(), self.frames)
    }
}

impl VideoWriter {
    /// Starts a file of `width` x `height` pixels (odd sizes are padded by one pixel) at `fps` frames a second.
    ///
    /// # Errors
    /// [`VideoError::Encode`] when the folder cannot be written or no encoder is installed (the sentence names one).
    pub fn create(path: &Path, width: u32, height: u32, fps: f64) -> Result<VideoWriter, VideoError> {
        let fail = |reason: String| VideoError::encode(path, reason);
        if width == 0 || height == 0 || width > super::picture::MAX_SIDE || height > super::picture::MAX_SIDE {
            return Err(fail(format!("a video of {width}x{height} pixels is not possible")));
        }
        if !(fps.is_finite() && (0.01..=1000.0).contains(&fps)) {
            return Err(fail(format!("{fps} frames a second are not possible; 0.01 to 1000 are")));
        }
        runtime::init().map_err(fail)?;
        let temporary = crate::files::stage()
            .suffix(".mp4.part")
            .tempfile_in(crate::files::folder_of(path))
            .map_err(|e| fail(format!("its folder cannot be written ({e})")))?
            .into_temp_path();
        let padded = (width.next_multiple_of(2), height.next_multiple_of(2));
        let full = Arc::new(AtomicBool::new(false));
        let (pipeline, source) = build(&temporary, padded, fps, &full).map_err(fail)?;
        if pipeline.set_state(gst::State::Playing).is_err() {
            let why = bus_error(&pipeline).unwrap_or_else(|| "the encoder does not start".into());
            let _ = pipeline.set_state(gst::State::Null);
            return Err(fail(why));
        }
        Ok(VideoWriter {
            path: path.to_path_buf(),
            temporary: Some(temporary),
            pipeline,
            source,
            full,
            size: (width, height),
            padded: (padded.0 as usize, padded.1 as usize),
            frame_ns: 1e9 / fps,
            frames: 0,
        })
    }

    /// Adds a frame.
    ///
    /// # Errors
    /// [`VideoError::Encode`] when the frame has another size, or the encoder or the disk failed.
    pub fn push(&mut self, image: &RgbImage) -> Result<(), VideoError> {
        self.push_pixels(image.width, image.height, &image.data)
    }

    /// Adds a frame of `width` x `height` pixels, R, G, B of each, row after row.
    ///
    /// # Errors
    /// As [`VideoWriter::push`].
    pub fn push_pixels(&mut self, width: u32, height: u32, rgb: &[u8]) -> Result<(), VideoError> {
        if (width, height) != self.size || rgb.len() != width as usize * height as usize * 3 {
            return Err(self.fail(format!(
                "a frame of {width}x{height} pixels and {} bytes does not fit a video of {}x{}",
                rgb.len(),
                self.size.0,
                self.size.1
            )));
        }
        self.wait_for_room()?;
        let mut buffer = gst::Buffer::from_mut_slice(to_i420(rgb, self.size, self.padded));
        let time = |n: u64| gst::ClockTime::from_nseconds((n as f64 * self.frame_ns).round() as u64);
        if let Some(buffer) = buffer.get_mut() {
            buffer.set_pts(time(self.frames));
            buffer.set_duration(time(self.frames + 1) - time(self.frames));
        }
        self.frames += 1;
        self.source.push_buffer(buffer).map(|_| ()).map_err(|flow| {
            self.fail(bus_error(&self.pipeline).unwrap_or_else(|| format!("the encoder gave up ({flow})")))
        })
    }

    /// Ends the file and moves it into place.
    ///
    /// # Errors
    /// [`VideoError::Encode`] when there was no frame, or the encoder or the disk failed; nothing is left behind then.
    pub fn finish(mut self) -> Result<(), VideoError> {
        if self.frames == 0 {
            return Err(self.fail("a video needs at least one frame".into()));
        }
        if self.source.end_of_stream().is_err() {
            return Err(self.fail(bus_error(&self.pipeline).unwrap_or_else(|| "the encoder gave up".into())));
        }
        let Some(bus) = self.pipeline.bus() else { return Err(self.fail("the encoder gave up".into())) };
        let timeout = gst::ClockTime::from_seconds(STALL.as_secs() + self.frames / 20);
        let message = bus.timed_pop_filtered(timeout, &[gst::MessageType::Eos, gst::MessageType::Error]);
        match message.as_ref().map(|m| m.view()) {
            Some(gst::MessageView::Eos(_)) => {}
            Some(gst::MessageView::Error(error)) => return Err(self.fail(sentence(error))),
            _ => return Err(self.fail("the encoder does not come to an end".into())),
        }
        // The file is complete only when the sink has closed it.
        if self.pipeline.set_state(gst::State::Null).is_err() {
            return Err(self.fail("the file could not be closed; is the disk full?".into()));
        }
        let Some(temporary) = self.temporary.take() else { return Err(self.fail("it was finished already".into())) };
        temporary.persist(&self.path).map_err(|e| self.fail(format!("it cannot be moved into place ({})", e.error)))
    }

    fn fail(&self, reason: String) -> VideoError {
        VideoError::encode(&self.path, reason)
    }

    /// Waits until the encoder has room. A failed pipeline never makes room, so its messages are watched meanwhile.
    fn wait_for_room(&self) -> Result<(), VideoError> {
        let since = Instant::now();
        let Some(bus) = self.pipeline.bus() else { return Err(self.fail("the encoder gave up".into())) };
        let mut wait = gst::ClockTime::ZERO;
        loop {
            let message = bus.timed_pop_filtered(wait, &[gst::MessageType::Error]);
            if let Some(gst::MessageView::Error(error)) = message.as_ref().map(|m| m.view()) {
                return Err(self.fail(sentence(error)));
            }
            if !self.full.load(Ordering::Acquire) {
                return Ok(());
            }
            if since.elapsed() > STALL {
                return Err(self.fail("the encoder has stopped taking frames".into()));
            }
            wait = gst::ClockTime::from_mseconds(1);
        }
    }
}

impl Drop for VideoWriter {
    fn drop(&mut self) {
        let _ = self.pipeline.set_state(gst::State::Null);
    }
}

fn build(
    target: &Path,
    (width, height): (u32, u32),
    fps: f64,
    full: &Arc<AtomicBool>,
) -> Result<(gst::Pipeline, gst_app::AppSrc), String> {
    let make = |name: &str, package: &str| {
        gst::ElementFactory::make(name)
            .build()
            .map_err(|_| format!("GStreamer's `{name}` is missing (Debian: apt-get install {package})"))
    };
    let rate = gst::Fraction::approximate_f64(fps).ok_or("its rate cannot be written as a fraction")?;
    let info = gst_video::VideoInfo::builder(gst_video::VideoFormat::I420, width, height)
        .fps(rate)
        .par(gst::Fraction::new(1, 1))
        .build()
        .map_err(|e| e.to_string())?;
    let mut caps = info.to_caps().map_err(|e| e.to_string())?;
    // BT.601 with studio range, as `to_i420` computes; written into the file so that every player agrees.
    caps.make_mut().set("colorimetry", "bt601");
    let frame_bytes = info.size() as u64;
    let source = gst_app::AppSrc::builder()
        .caps(&caps)
        .format(gst::Format::Time)
        .stream_type(gst_app::AppStreamType::Stream)
        .max_bytes(QUEUE_FRAMES * frame_bytes)
        .build();
    source.set_property("block", false);
    let (filled, emptied) = (full.clone(), full.clone());
    source.set_callbacks(
        gst_app::AppSrcCallbacks::builder()
            .enough_data(move |_| filled.store(true, Ordering::Release))
            .need_data(move |_, _| emptied.store(false, Ordering::Release))
            .build(),
    );
    let encoder = encoder()?;
    let mux = make("mp4mux", "gstreamer1.0-plugins-good")?;
    mux.set_property("faststart", true);
    mux.set_property("faststart-file", target.with_extension("moov").to_string_lossy().as_ref());
    let sink = make("filesink", "libgstreamer1.0-0")?;
    sink.set_property("location", target.to_string_lossy().as_ref());
    sink.set_property("async", false);
    let mut chain = vec![source.clone().upcast::<gst::Element>(), encoder.clone()];
    if encoder.factory().is_some_and(|f| f.name() != "avenc_mpeg4") {
        chain.push(make("h264parse", "gstreamer1.0-plugins-bad")?);
    }
    chain.extend([mux, sink]);
    let pipeline = gst::Pipeline::new();
    pipeline.add_many(&chain).map_err(|e| e.to_string())?;
    gst::Element::link_many(&chain).map_err(|e| format!("the encoder does not fit the MP4 writer ({e})"))?;
    Ok((pipeline, source))
}

fn encoder() -> Result<gst::Element, String> {
    for choice in ENCODERS {
        let Ok(encoder) = gst::ElementFactory::make(choice.element).build() else { continue };
        for (property, value) in choice.settings {
            if encoder.find_property(property).is_some() {
                encoder.set_property_from_str(property, value);
            }
        }
        for property in ["key-int-max", "gop-size"] {
            if encoder.find_property(property).is_some() {
                encoder.set_property_from_str(property, &GOP.to_string());
            }
        }
        return Ok(encoder);
    }
    let names: Vec<String> = ENCODERS.iter().map(|c| format!("`{}` from {}", c.element, c.package)).collect();
    Err(format!("no video encoder is installed; install one of {}", names.join(", ")))
}

fn bus_error(pipeline: &gst::Pipeline) -> Option<String> {
    let message = pipeline.bus()?.pop_filtered(&[gst::MessageType::Error])?;
    match message.view() {
        gst::MessageView::Error(error) => Some(sentence(error)),
        _ => None,
    }
}

fn sentence(error: &gst::message::Error) -> String {
    let said = error.error();
    let text = said.to_string();
    if said.matches(gst::ResourceError::NoSpaceLeft) {
        return "the disk is full; free some space and run it again".into();
    }
    text.trim_end_matches('.').to_owned()
}

/// RGB to planar 4:2:0 by ITU-R BT.601 with studio range; chroma is the mean of its four pixels. Odd edges are repeated.
fn to_i420(rgb: &[u8], size: (u32, u32), padded: (usize, usize)) -> Vec<u8> {
    // Compiled once more for each kind of processor: this is the most costly step but encoding.
    crate::simd::arch().dispatch(Planes { rgb, size, padded })
}

struct Planes<'a> {
    rgb: &'a [u8],
    size: (u32, u32),
    padded: (usize, usize),
}

impl pulp::WithSimd for Planes<'_> {
    type Output = Vec<u8>;

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) -> Vec<u8> {
        planes(self.rgb, self.size, self.padded)
    }
}

/// Luma, then blue and red colour difference at half the size.
#[inline(always)]
fn planes(rgb: &[u8], size: (u32, u32), (width, height): (usize, usize)) -> Vec<u8> {
    let (w, h) = (size.0 as usize, size.1 as usize);
    let stride = width.next_multiple_of(4);
    let chroma_stride = (width / 2).next_multiple_of(4);
    let mut out = vec![0_u8; stride * height + 2 * chroma_stride * (height / 2)];
    let (luma, chroma) = out.split_at_mut(stride * height);
    let (blue, red) = chroma.split_at_mut(chroma_stride * (height / 2));
    let row_of = |y: usize| {
        let from = y.min(h - 1) * w * 3;
        &rgb[from..from + w * 3]
    };
    for (pair, rows) in luma.chunks_exact_mut(2 * stride).enumerate() {
        let (top, bottom) = (row_of(2 * pair), row_of(2 * pair + 1));
        let (luma_top, luma_bottom) = rows.split_at_mut(stride);
        luma_row(top, &mut luma_top[..width]);
        luma_row(bottom, &mut luma_bottom[..width]);
        let blue = &mut blue[pair * chroma_stride..][..width / 2];
        let red = &mut red[pair * chroma_stride..][..width / 2];
        let fours = top.chunks_exact(6).zip(bottom.chunks_exact(6));
        for (((a, b), blue), red) in fours.zip(blue.iter_mut()).zip(red.iter_mut()) {
            let sum = |c: usize| i32::from(a[c]) + i32::from(a[c + 3]) + i32::from(b[c]) + i32::from(b[c + 3]);
            (*blue, *red) = chroma_of(sum(0), sum(1), sum(2));
        }
        if w < width {
            // An odd width repeats its last column.
            let (a, b) = (&top[3 * (w - 1)..], &bottom[3 * (w - 1)..]);
            let sum = |c: usize| 2 * (i32::from(a[c]) + i32::from(b[c]));
            (blue[width / 2 - 1], red[width / 2 - 1]) = chroma_of(sum(0), sum(1), sum(2));
        }
    }
    out
}

/// Luma of a row of RGB pixels; where `luma` is longer the last one is repeated.
#[inline(always)]
fn luma_row(rgb: &[u8], luma: &mut [u8]) {
    for (px, luma) in rgb.chunks_exact(3).zip(luma.iter_mut()) {
        let [r, g, b] = [px[0], px[1], px[2]].map(i32::from);
        // 219/255 of (0.299, 0.587, 0.114), times 65536, and 16.5 for offset and rounding
        *luma = ((16_829 * r + 33_039 * g + 6_416 * b + (33 << 15)) >> 16) as u8;
    }
    let pixels = rgb.len() / 3;
    if pixels < luma.len() {
        luma[pixels] = luma[pixels - 1];
    }
}

/// Blue and red colour difference of the sum of four pixels.
#[inline(always)]
fn chroma_of(r: i32, g: i32, b: i32) -> (u8, u8) {
    // 224/255 of the colour differences, times 65536, over four pixels; 128.5 for offset and rounding
    let blue = ((-9_714 * r - 19_071 * g + 28_784 * b + (257 << 17)) >> 18) as u8;
    let red = ((28_784 * r - 24_103 * g - 4_681 * b + (257 << 17)) >> 18) as u8;
    (blue, red)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primaries_become_the_code_values_of_bt601() {
        for (rgb, yuv) in [
            ([255, 255, 255], [235, 128, 128]),
            ([0, 0, 0], [16, 128, 128]),
            ([255, 0, 0], [81, 90, 240]),
            ([0, 255, 0], [145, 54, 34]),
            ([0, 0, 255], [41, 240, 110]),
        ] {
            let image = RgbImage::new(2, 2, rgb.repeat(4)).unwrap();
            let out = to_i420(&image.data, (image.width, image.height), (2, 2));
            // 2x2 luma in rows of 4 bytes, then one chroma sample in rows of 4 bytes.
            for (got, want) in [(out[0], yuv[0]), (out[5], yuv[0]), (out[8], yuv[1]), (out[12], yuv[2])] {
                assert!(got.abs_diff(want) <= 1, "{rgb:?}: {out:?}, not {yuv:?}");
            }
        }
    }
}
