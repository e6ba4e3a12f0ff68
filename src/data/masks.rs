//! Segmentation masks beside the videos.

use super::DataError;
use crate::domain::{GrayImage, MaskSource, VideoEntry};
use crate::video::Video;
use parking_lot::Mutex;
use std::path::{Path, PathBuf};

/// Mask videos kept open for stepping through them.
const OPEN_VIDEOS: usize = 4;

/// In a mask video compression blurs the edge; above this is inside.
const INSIDE: u8 = 127;

static OPENED: Mutex<Vec<(PathBuf, Video)>> = Mutex::new(Vec::new());

/// The mask of a frame (0 outside, 255 inside, at the mask's own size), or `None` where the frame has none. Reads from
/// disk: call it from a worker thread.
///
/// # Errors
/// When the mask file or mask video cannot be read.
pub fn load_mask(entry: &VideoEntry, frame: u32) -> Result<Option<GrayImage>, DataError> {
    match &entry.masks {
        None => Ok(None),
        Some(MaskSource::Files(files)) => match files.get(frame as usize) {
            Some(Some(path)) => read_picture(path).map(Some),
            _ => Ok(None),
        },
        Some(MaskSource::Video(path)) => {
            let video = opened(path)?;
            if frame >= video.info().frames {
                return Ok(None);
            }
            let picture = &video.frame(frame)?.image;
            let data: Vec<u8> =
                picture.data.chunks_exact(3).map(|p| if p.iter().any(|v| *v > INSIDE) { 255 } else { 0 }).collect();
            Ok(Some(GrayImage { width: picture.width, height: picture.height, data: data.into() }))
        }
    }
}

fn read_picture(path: &Path) -> Result<GrayImage, DataError> {
    let bad = |reason: String| DataError::Read { path: path.to_path_buf(), reason };
    let reader = image::ImageReader::open(path)
        .and_then(image::ImageReader::with_guessed_format)
        .map_err(|e| DataError::read(path, &e))?;
    let mut picture = reader.decode().map_err(|e| bad(format!("{e}; make the mask again")))?.into_luma8();
    // Masks are written as 0/255 as well as 0/1.
    picture.iter_mut().for_each(|v| *v = if *v == 0 { 0 } else { 255 });
    let (width, height) = picture.dimensions();
    Ok(GrayImage { width, height, data: picture.into_raw().into() })
}

fn opened(path: &Path) -> Result<Video, DataError> {
    if let Some((_, video)) = OPENED.lock().iter().find(|(p, _)| p == path) {
        return Ok(video.clone());
    }
    let video = Video::open(path)?;
    let mut opened = OPENED.lock();
    if opened.len() >= OPEN_VIDEOS {
        opened.remove(0);
    }
    opened.push((path.to_path_buf(), video.clone()));
    Ok(video)
}
