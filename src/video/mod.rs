//! Decoding exact to the frame, encoding, and the cache between them. The only module that knows GStreamer.
//!
//! # How frame N is found
//!
//! 1. `demux` takes the compressed packets of the default video stream out of the container, once; `mjpeg` does it for
//!    pictures without a container. `moov` reads what demuxers get wrong in the index of an MP4 file, `edits` applies its
//!    edit list, `container` sees whether the end of a file is there, `losses` whether packets between are missing.
//! 2. `index` turns them into rows (time, packet) in display order, `timing` into a rate. Containers and codecs that
//!    cannot be believed are decoded once for it, which also gives a checksum of every picture.
//! 3. `session` feeds packets to a decoder driven by hand (`decode`), from the last clean start before the frame, or on
//!    from where it is, and recognises the picture by the packet it was made of. `reorder` tells decoders how long they
//!    must hold pictures back where the file does not.
//!
//! GStreamer is never asked to seek in a file: that is silently wrong in several containers. `stills` does the same for
//! folders of pictures (`frame_folder` reads numbers in names, `picture_file` knows torn pictures), animations and stacks
//! of pages (`tiff`), `store` keeps indexes between runs, `pool` bounds memory, `server` feeds viewers.

use crate::domain::RgbImage;
use std::sync::Arc;

mod beginning;
mod clock;
mod colour;
mod container;
mod decode;
mod demux;
mod edits;
mod error;
mod file;
mod folder_pictures;
mod frame_folder;
mod index;
mod jpeg;
mod losses;
mod mjpeg;
mod moov;
mod opening;
mod packet;
mod picture;
mod picture_file;
mod pool;
mod probe;
mod reorder;
mod runtime;
mod seeks;
mod server;
mod session;
mod signature;
mod sniff;
mod stills;
mod store;
mod stream_names;
mod suspects;
mod tiff;
mod timing;
mod writer;

pub use clock::local_time;
pub use error::VideoError;
pub use file::{DecodedPicture, Decoders, Video};
pub use probe::{MeanColour, ProbeReport, ProbeSample, probe};
pub use seeks::{SeekFigures, measure_seeks};
pub use server::{FrameServer, Shown};
pub use signature::container;
pub use suspects::damage_seen;
pub use writer::VideoWriter;

/// What decodes here, by name and version: other ones may give other pictures.
pub fn decoder_version() -> String {
    // Without a decoder there is nothing whose version could matter.
    if runtime::init().is_ok() { runtime::version() } else { String::new() }
}

/// True for names of folders that hold the streams of one video: its pictures, and optical flow or depth beside them.
pub fn holds_streams(folders: &[String]) -> bool {
    frame_folder::stream_folder(folders).is_some()
}

/// True for the name of a folder with a stream of a video other than its pictures: optical flow, depth, masks.
pub fn is_other_stream(folder: &str) -> bool {
    frame_folder::is_other_stream(folder)
}

/// Properties of a video, exact where they say so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VideoInfo {
    /// Pixels in a row, rotation applied.
    pub width: u32,
    /// Rows, rotation applied.
    pub height: u32,
    /// Shape of a stored pixel as (numerator, denominator), width over height.
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
    /// Frames that have a number and cannot be shown (pictures missing from a frame folder), as first and the one behind
    /// the last, ascending. [`Video::open_looked`] knows of damaged pictures too.
    pub gaps: Vec<(u32, u32)>,
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

impl Frame {
    /// Bytes held by the picture.
    pub fn byte_len(&self) -> usize {
        self.image.byte_len()
    }
}

/// Frames by number, shared between those that decode and those that show.
type SharedFrame = Arc<Frame>;
