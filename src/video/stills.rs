//! Pictures as videos: folders of frames, single pictures, stacks of pages, animations. No pipeline is involved.

use super::VideoInfo;
use super::picture::MAX_SIDE;
use super::{folder_pictures, jpeg, picture_file, tiff};
use crate::domain::{RgbImage, leaf as name};
use crate::files::PICTURE_LIMIT;
use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::{AnimationDecoder, ImageDecoder, ImageReader};
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Frames a second of a folder of pictures that nobody gave a rate.
pub(super) const FOLDER_FPS: f64 = 25.0;

/// Where the pictures are.
#[derive(Debug)]
pub(super) enum Stills {
    /// One file a frame; `None` where the number of a frame is missing.
    Files(Vec<Option<PathBuf>>),
    /// One page of a file a frame: where each is described.
    Pages { path: PathBuf, places: Vec<u64> },
    /// An animation: the time of each frame in nanoseconds.
    Animation { path: PathBuf, kind: Animated, times: Vec<u64> },
}

/// Formats of animations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Animated {
    Gif,
    Apng,
    WebP,
}

impl Animated {
    /// The format of a file that holds several pictures; `None` for those that hold one, and other formats.
    fn of(path: &Path) -> Option<Animated> {
        let file = || File::open(path).map(BufReader::new).ok();
        match opened(path).ok()?.format()? {
            image::ImageFormat::Gif => Some(Animated::Gif),
            image::ImageFormat::Png => PngDecoder::new(file()?).ok()?.is_apng().ok()?.then_some(Animated::Apng),
            image::ImageFormat::WebP => WebPDecoder::new(file()?).ok()?.has_animation().then_some(Animated::WebP),
            _ => None,
        }
    }

    const fn codec(self) -> &'static str {
        match self {
            Animated::Gif => "gif",
            Animated::Apng => "apng",
            Animated::WebP => "webp",
        }
    }
}

/// Bytes of decoded frames kept. An animation decodes only from its beginning, so a long run is kept at a time.
const RUN_BYTES: usize = 96 << 20;

/// A run of decoded frames of an animation.
pub(super) struct Run {
    first: u32,
    frames: Vec<RgbImage>,
}

impl Stills {
    /// True where the file says when each picture is shown.
    pub fn has_times(&self) -> bool {
        matches!(self, Stills::Animation { .. })
    }

    /// Opens a folder of pictures, whose names say which of them is which frame. `verify` looks into each of them.
    pub fn folder(path: &Path, fps: f64, verify: bool) -> Result<(Stills, VideoInfo), String> {
        let found = folder_pictures::read(path, verify)?;
        let frames = found.files.len() as u32;
        let info = VideoInfo {
            width: found.size.0,
            height: found.size.1,
            pixel_aspect: (1, 1),
            fps,
            frames,
            duration_s: f64::from(frames) / fps,
            codec: "images".into(),
            warnings: found.notes,
            gaps: found.gaps,
            ..VideoInfo::default()
        };
        Ok((Stills::Files(found.files), info))
    }

    /// Opens a file of pictures: an animation, a stack of pages at a rate of `fps` frames a second, or a single picture as
    /// a video of one frame. `jpeg` are its bytes where it is known to be a JPEG.
    pub fn picture(path: &Path, fps: f64, jpeg: Option<Vec<u8>>) -> Result<(Stills, VideoInfo), String> {
        if let Some(bytes) = jpeg.filter(|bytes| bytes.len() as u64 <= PICTURE_LIMIT) {
            let picture = checked(path, bytes)?;
            return Ok(Self::single(path, (picture.width, picture.height), "mjpeg"));
        }
        if let Some(kind) = Animated::of(path) {
            return Self::animation(path, kind);
        }
        if let Some(pages) = tiff::pages(path).filter(|pages| pages.places.len() > 1 || pages.foreign > 0 || pages.cut)
        {
            return Self::stack(path, pages, fps);
        }
        let size = dimensions(path)?;
        // The whole picture is read once, so that a torn file is known at once.
        load(path)?;
        let codec = match opened(path)?.format() {
            Some(image::ImageFormat::Jpeg) => "mjpeg",
            Some(image::ImageFormat::Png) => "png",
            Some(image::ImageFormat::WebP) => "webp",
            Some(image::ImageFormat::Bmp) => "bmp",
            Some(image::ImageFormat::Tiff) => "tiff",
            _ => "images",
        };
        Ok(Self::single(path, size, codec))
    }

    /// One picture as a video of one frame.
    fn single(path: &Path, (width, height): (u32, u32), codec: &str) -> (Stills, VideoInfo) {
        let info = VideoInfo {
            width,
            height,
            pixel_aspect: (1, 1),
            fps: FOLDER_FPS,
            frames: 1,
            duration_s: 1.0 / FOLDER_FPS,
            codec: codec.into(),
            ..VideoInfo::default()
        };
        (Stills::Files(vec![Some(path.to_path_buf())]), info)
    }

    fn stack(path: &Path, pages: tiff::Pages, fps: f64) -> Result<(Stills, VideoInfo), String> {
        let (places, mut warnings) = (pages.places, Vec::new());
        let Some(first) = places.first() else { return Err("it holds no page that can be read".into()) };
        let first = rgb(tiff::decode(path, *first)?)?;
        let (width, height) = (first.width, first.height);
        if pages.cut {
            warnings.push(format!("the file is cut off: its list of pages ends after {}", places.len()));
        }
        if pages.foreign > 0 {
            warnings.push(format!("{} pages are left out because they are of another size", pages.foreign));
        }
        let frames = places.len() as u32;
        let info = VideoInfo {
            width,
            height,
            pixel_aspect: (1, 1),
            fps,
            frames,
            duration_s: f64::from(frames) / fps,
            codec: "tiff".into(),
            warnings,
            ..VideoInfo::default()
        };
        Ok((Stills::Pages { path: path.to_path_buf(), places }, info))
    }

    /// Opens an animation, counting its frames by decoding them.
    fn animation(path: &Path, kind: Animated) -> Result<(Stills, VideoInfo), String> {
        let (width, height) = dimensions(path)?;
        let (mut times, mut now, mut warnings) = (Vec::new(), 0_u64, Vec::new());
        let mut last = 0;
        for frame in frames_of(path, kind)? {
            match frame {
                Ok(frame) => {
                    times.push(now);
                    let (numerator, denominator) = frame.delay().numer_denom_ms();
                    // Viewers show frames without a delay for a tenth of a second.
                    let ms = f64::from(numerator) / f64::from(denominator.max(1));
                    last = if ms < 1.0 { 100_000_000 } else { (ms * 1e6) as u64 };
                    now += last;
                }
                Err(error) => {
                    warnings.push(format!(
                        "the file is damaged after {} frames ({error}); the rest is missing",
                        times.len()
                    ));
                    break;
                }
            }
        }
        if times.is_empty() {
            return Err("the animation holds no readable frame; get a new copy".into());
        }
        let gaps: Vec<u64> = times.windows(2).map(|w| w[1] - w[0]).collect();
        let info = VideoInfo {
            width,
            height,
            pixel_aspect: (1, 1),
            fps: times.len() as f64 * 1e9 / now.max(1) as f64,
            frames: times.len() as u32,
            duration_s: now as f64 / 1e9,
            codec: kind.codec().into(),
            variable_frame_rate: gaps.iter().chain([&last]).any(|&g| gaps.first().is_some_and(|&f| f != g)),
            warnings,
            ..VideoInfo::default()
        };
        Ok((Stills::Animation { path: path.to_path_buf(), kind, times }, info))
    }

    /// Presentation time of a frame in seconds.
    pub fn time(&self, index: u32, fps: f64) -> f64 {
        match self {
            Stills::Files(_) | Stills::Pages { .. } => f64::from(index) / fps,
            Stills::Animation { times, .. } => times.get(index as usize).map_or(0.0, |&t| t as f64 / 1e9),
        }
    }

    /// The bytes of a frame that is a JPEG file.
    pub fn jpeg(&self, index: u32) -> Option<Vec<u8>> {
        let Stills::Files(files) = self else { return None };
        let bytes = whole(files.get(index as usize)?.as_ref()?).ok()?;
        jpeg::is_jpeg(&bytes).then_some(bytes)
    }

    /// One frame. `run` keeps the place in an animation between calls.
    pub fn frame(&self, index: u32, run: &mut Option<Run>) -> Result<RgbImage, String> {
        match self {
            Stills::Files(files) => match files.get(index as usize).ok_or("there is no such picture")? {
                Some(file) => load(file),
                None => Err("its picture is missing: no file of the folder has its number".into()),
            },
            Stills::Pages { path, places } => {
                rgb(tiff::decode(path, *places.get(index as usize).ok_or("there is no such page")?)?)
            }
            Stills::Animation { path, kind, .. } => {
                let at = |run: &Run| index.checked_sub(run.first).map(|n| n as usize);
                if let Some(frame) = run.as_ref().and_then(|run| run.frames.get(at(run)?)) {
                    return Ok(frame.clone());
                }
                let new = run_from(path, *kind, index)?;
                let frame = new.frames.first().cloned().ok_or("the file is shorter than when it was opened")?;
                *run = Some(new);
                Ok(frame)
            }
        }
    }
}

fn reader<R: BufRead + Seek>(path: &Path, bytes: R) -> Result<ImageReader<R>, String> {
    let reader = ImageReader::new(bytes).with_guessed_format();
    let mut reader = reader.map_err(|e| format!("{} cannot be read ({e})", name(path)))?;
    reader.limits(limits());
    Ok(reader)
}

fn opened(path: &Path) -> Result<ImageReader<BufReader<File>>, String> {
    let file = File::open(path).map_err(|e| format!("{} cannot be read ({e})", name(path)))?;
    reader(path, BufReader::new(file))
}

/// What a picture may ask for.
pub(super) fn limits() -> image::Limits {
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits
}

/// Width and height of a picture as shown, by its head.
pub(super) fn dimensions(path: &Path) -> Result<(u32, u32), String> {
    size_of(path, opened(path)?)
}

fn size_of<'a, R: BufRead + Seek + 'a>(path: &Path, reader: ImageReader<R>) -> Result<(u32, u32), String> {
    let mut decoder = reader.into_decoder().map_err(|e| format!("{} is damaged ({e})", name(path)))?;
    let (width, height) = decoder.dimensions();
    let turned = decoder.orientation().is_ok_and(|o| {
        use image::metadata::Orientation as O;
        matches!(o, O::Rotate90 | O::Rotate270 | O::Rotate90FlipH | O::Rotate270FlipH)
    });
    if width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE {
        return Err(format!("it claims {width}x{height} pixels; 1 to {MAX_SIDE} a side are supported"));
    }
    Ok(if turned { (height, width) } else { (width, height) })
}

/// The bytes of a picture file.
fn whole(path: &Path) -> std::io::Result<Vec<u8>> {
    crate::files::read(path, PICTURE_LIMIT)
}

/// Looks whether a picture is whole; gives its size. JPEG files are checked by their markers, others decoded.
pub(super) fn look_at(path: &Path) -> Result<(u32, u32), String> {
    let bytes = whole(path).map_err(|e| format!("it cannot be read ({e})"))?;
    picture_file::check(&bytes)?;
    if jpeg::is_jpeg(&bytes) {
        return size_of(path, reader(path, Cursor::new(bytes))?);
    }
    let picture = decoded(path, bytes)?;
    Ok((picture.width, picture.height))
}

/// Reads a picture the way a viewer shows it.
fn load(path: &Path) -> Result<RgbImage, String> {
    checked(path, whole(path).map_err(|e| format!("{} cannot be read ({e})", name(path)))?)
}

/// The picture that the bytes of a file are.
fn checked(path: &Path, bytes: Vec<u8>) -> Result<RgbImage, String> {
    picture_file::check(&bytes).map_err(|why| format!("the picture {} is damaged ({why})", name(path)))?;
    decoded(path, bytes)
}

fn decoded(path: &Path, bytes: Vec<u8>) -> Result<RgbImage, String> {
    if jpeg::is_jpeg(&bytes)
        && let Some(picture) = jpeg::decode(&bytes)
    {
        return match jpeg::orientation(&bytes) {
            image::metadata::Orientation::NoTransforms => Ok(picture),
            turned => turn(picture, turned),
        };
    }
    let torn = |e: image::ImageError| format!("the picture {} is damaged or not supported ({e})", name(path));
    let mut decoder = reader(path, Cursor::new(bytes))?.into_decoder().map_err(torn)?;
    let orientation = decoder.orientation().unwrap_or(image::metadata::Orientation::NoTransforms);
    let mut picture = image::DynamicImage::from_decoder(decoder).map_err(torn)?;
    picture.apply_orientation(orientation);
    rgb(picture)
}

/// A picture turned as its camera noted.
fn turn(picture: RgbImage, orientation: image::metadata::Orientation) -> Result<RgbImage, String> {
    let RgbImage { width, height, data } = picture;
    let stored = image::RgbImage::from_raw(width, height, Arc::unwrap_or_clone(data));
    let mut turned = image::DynamicImage::from(stored.ok_or("the picture has an impossible size")?);
    turned.apply_orientation(orientation);
    rgb(turned)
}

fn rgb(picture: image::DynamicImage) -> Result<RgbImage, String> {
    let picture = picture.into_rgb8();
    let (width, height) = picture.dimensions();
    RgbImage::new(width, height, picture.into_raw()).ok_or_else(|| "the picture has an impossible size".into())
}

/// Decodes from the beginning and keeps frames from `first` on.
fn run_from(path: &Path, kind: Animated, first: u32) -> Result<Run, String> {
    let mut run = Run { first, frames: Vec::new() };
    let mut bytes = 0;
    for (number, frame) in frames_of(path, kind)?.enumerate() {
        let frame = match frame {
            Ok(frame) => frame,
            Err(_) if !run.frames.is_empty() => break,
            Err(error) => return Err(format!("the animation is damaged here ({error})")),
        };
        if number as u32 >= first {
            let picture = frame.into_buffer();
            let image = match kind {
                Animated::Gif => on_white(picture),
                Animated::Apng | Animated::WebP => rgb(picture.into())?,
            };
            bytes += image.byte_len();
            run.frames.push(image);
        }
        if bytes > RUN_BYTES {
            break;
        }
    }
    Ok(run)
}

fn frames_of(path: &Path, kind: Animated) -> Result<image::Frames<'static>, String> {
    let file = File::open(path).map(BufReader::new).map_err(|e| format!("it cannot be read ({e})"))?;
    let torn = |e: image::ImageError| format!("the animation is damaged or too large ({e})");
    Ok(match kind {
        Animated::Gif => {
            let mut decoder = GifDecoder::new(file).map_err(torn)?;
            decoder.set_limits(limits()).map_err(torn)?;
            decoder.into_frames()
        }
        Animated::Apng => {
            PngDecoder::with_limits(file, limits()).and_then(PngDecoder::apng).map_err(torn)?.into_frames()
        }
        Animated::WebP => {
            let mut decoder = WebPDecoder::new(file).map_err(torn)?;
            decoder.set_limits(limits()).map_err(torn)?;
            decoder.into_frames()
        }
    })
}

/// Transparent pixels become white, the paper colour that FFmpeg assumes too.
fn on_white(picture: image::RgbaImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let data: Vec<u8> =
        picture.pixels().flat_map(|p| if p.0[3] < 128 { [255; 3] } else { [p.0[0], p.0[1], p.0[2]] }).collect();
    RgbImage { width, height, data: data.into() }
}
