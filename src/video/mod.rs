//! Decoding exact to the frame, encoding, and the cache between them. The only module that knows GStreamer.

use crate::domain::RgbImage;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a video could not be used. Every message is a sentence with the file and what to do.
#[derive(Debug, Clone, thiserror::Error)]
pub enum VideoError {
    /// The file cannot be read at all.
    #[error("cannot open {path}: {reason}")]
    Open {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// A frame that should exist could not be decoded.
    #[error("cannot decode frame {frame} of {path}: {reason}")]
    Decode {
        /// The file.
        path: PathBuf,
        /// Frame number.
        frame: u32,
        /// What is wrong.
        reason: String,
    },
    /// A frame past the end was asked for.
    #[error("{path} has {frames} frames; frame {frame} does not exist (the first is 0)")]
    OutOfRange {
        /// The file.
        path: PathBuf,
        /// Frame number.
        frame: u32,
        /// How many there are.
        frames: u32,
    },
    /// A video could not be written.
    #[error("cannot write {path}: {reason}")]
    Encode {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to install or do.
        reason: String,
    },
}

/// Properties of a video, exact where they say so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VideoInfo {
    /// Pixels in a row, rotation applied.
    pub width: u32,
    /// Rows, rotation applied.
    pub height: u32,
    /// Shape of a pixel as (numerator, denominator), width over height.
    pub pixel_aspect: (u32, u32),
    /// Degrees clockwise the viewer turns the stored picture: 0, 90, 180 or 270.
    pub rotation: u32,
    /// Average frames a second.
    pub fps: f64,
    /// Exact number of frames that decode.
    pub frames: u32,
    /// Length in seconds.
    pub duration_s: f64,
    /// Short codec name: `h264`, `hevc`, `av1`, `vp9`, `mpeg4`, `mjpeg`, `gif`, `images`, …
    pub codec: String,
    /// True when frame durations differ.
    pub variable_frame_rate: bool,
    /// Sentences about damage: how much is missing.
    pub warnings: Vec<String>,
}

/// A decoded frame, rotation applied.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Frame number, from 0.
    pub index: u32,
    /// Presentation time in seconds.
    pub pts_s: f64,
    /// The picture.
    pub image: RgbImage,
}

/// An opened video: an index of frames plus a way to any of them. Cheap to clone; usable from any thread.
#[derive(Clone)]
pub struct Video {
    _inner: Arc<()>,
}

impl Video {
    /// Opens a video file, a frame folder or a picture, and indexes it. Bounded in time, also for damaged files.
    pub fn open(path: &Path) -> Result<Video, VideoError> {
        Err(VideoError::Open { path: path.to_path_buf(), reason: "not built yet".into() })
    }

    /// Properties.
    pub fn info(&self) -> &VideoInfo {
        unreachable!()
    }

    /// Decodes one frame, exact to the frame.
    pub fn frame(&self, _index: u32) -> Result<Arc<Frame>, VideoError> {
        unreachable!()
    }

    /// Decodes frames `start..end` in order and hands each to `each` until it returns false.
    pub fn for_each(
        &self,
        _start: u32,
        _end: u32,
        _each: &mut dyn FnMut(Arc<Frame>) -> bool,
    ) -> Result<(), VideoError> {
        unreachable!()
    }
}

/// What a viewer gets when it asks for a frame.
#[derive(Clone, Debug, Default)]
pub struct Shown {
    /// The exact frame, or the nearest decoded one while the exact one is on its way.
    pub frame: Option<Arc<Frame>>,
    /// True when `frame` is the one asked for.
    pub exact: bool,
    /// A sentence when the frame cannot be decoded.
    pub error: Option<String>,
}

/// Frames for a viewer: asks never block. A thread decodes into a byte-budgeted cache and wakes the viewer.
pub struct FrameServer {
    _private: (),
}

impl FrameServer {
    /// Starts the decoding thread. `wake` is called from it whenever something new can be shown.
    pub fn new(_budget_bytes: usize, _wake: Arc<dyn Fn() + Send + Sync>) -> FrameServer {
        FrameServer { _private: () }
    }

    /// Frame `index` of the video at `path`, or the nearest there is. Returns at once; the newest request wins.
    pub fn request(&self, _path: &Path, _index: u32) -> Shown {
        Shown::default()
    }

    /// Decode ahead of `index` while playing (true), or only what is asked for (false).
    pub fn set_playing(&self, _playing: bool) {}

    /// Properties of a video once it has been opened by a request; the error sentence when it cannot be.
    pub fn info(&self, _path: &Path) -> Option<Result<VideoInfo, String>> {
        None
    }

    /// Bytes held and the budget.
    pub fn usage(&self) -> (usize, usize) {
        (0, 0)
    }
}

/// Writes an H.264 MP4 file. The file appears under its name only when [`VideoWriter::finish`] succeeded.
pub struct VideoWriter {
    _private: (),
}

impl VideoWriter {
    /// Starts a file of `width` x `height` pixels (odd sizes are padded by one pixel) at `fps` frames a second.
    pub fn create(path: &Path, _width: u32, _height: u32, _fps: f64) -> Result<VideoWriter, VideoError> {
        Err(VideoError::Encode { path: path.to_path_buf(), reason: "not built yet".into() })
    }

    /// Adds a frame.
    pub fn push(&mut self, _image: &RgbImage) -> Result<(), VideoError> {
        unreachable!()
    }

    /// Ends the file and moves it into place.
    pub fn finish(self) -> Result<(), VideoError> {
        unreachable!()
    }
}
