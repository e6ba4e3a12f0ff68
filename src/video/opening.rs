//! Sentences about files that cannot be opened: what they are instead of a video, and what to do.

use super::demux::{DemuxError, Demuxed, demux};
use super::{container, decode, index, runtime};
use crate::domain::shell_quoted;
use std::path::Path;

/// Why a file cannot be looked at.
pub(super) fn absent(path: &Path, error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound if path.is_symlink() => "it is a link to a file that does not exist".into(),
        std::io::ErrorKind::NotFound => "there is no such file".into(),
        std::io::ErrorKind::PermissionDenied => "you may not read it; check its permissions".into(),
        _ => format!("it cannot be read ({error})"),
    }
}

/// Takes a file apart, or says why that cannot be done.
pub(super) fn demux_or_say(path: &Path) -> Result<Demuxed, String> {
    let first = match demux(path) {
        // An element that finds no stream at all can lose its error on the way; a second try brings it.
        Err(DemuxError::Standstill) => demux(path),
        other => other,
    };
    first.map_err(|error| match error {
        DemuxError::Standstill => {
            "nothing came out of it for several seconds; it is damaged, or the disk it is on does not answer".into()
        }
        DemuxError::Failed(why) => {
            format!("no video can be found in it ({}); it is damaged or not a video", why.trim_end_matches('.'))
        }
        DemuxError::Container(name) => {
            format!("its container, {name}, is not supported here; {}", without_loss(path))
        }
        DemuxError::NoVideo(found)
            if found.iter().any(|m| m.starts_with("audio/")) && !found.iter().any(|m| m.starts_with("video/")) =>
        {
            "it holds sound but no video".into()
        }
        DemuxError::NoVideo(found) if found.is_empty() => {
            "it holds no video data; if it is a recording, its index was probably never written".into()
        }
        DemuxError::NoVideo(found) if found.iter().any(|m| m.starts_with("video/")) => {
            "its index announces video, but no video data are there: the file is cut off or was not copied completely"
                .into()
        }
        DemuxError::NoVideo(found) => format!("it holds no video data, only {}", found.join(", ")),
    })
}

/// Why nothing of what was taken out of a file can be decoded, and what to do.
pub(super) fn unreadable(why: &str, demuxed: &Demuxed, path: &Path) -> String {
    if !index::has_decoder(&demuxed.track) {
        let code = why.contains(runtime::NAMELESS).then(|| container::codec_code(path)).flatten();
        let why =
            code.map_or_else(|| why.to_owned(), |code| why.replace(runtime::NAMELESS, &runtime::codec_name(&code)));
        return format!("{why}; {}", without_loss(path));
    }
    if why == decode::UNKNOWN_PIXELS {
        let (codec, line) = (index::codec_name(&demuxed.track), conversion(path, "-c:v ffv1 -pix_fmt bgr0"));
        return format!("{why} ({codec}); FFmpeg converts it to 8 bits a colour: {line}");
    }
    match &demuxed.error {
        Some(error) => format!("{why}; reading stopped early ({})", error.trim_end_matches('.')),
        None => why.to_owned(),
    }
}

/// The advice for what cannot be read here and FFmpeg reads.
fn without_loss(path: &Path) -> String {
    format!("FFmpeg converts it without loss: {}", conversion(path, "-c:v ffv1"))
}

/// The line that makes of a video one that can be decoded here, beside it.
fn conversion(path: &Path, encoder: &str) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let to = path.with_file_name(format!("{stem}_ffv1.mkv"));
    format!("ffmpeg -i {} -map 0:v:0 {encoder} {}", shell_quoted(path), shell_quoted(&to))
}
