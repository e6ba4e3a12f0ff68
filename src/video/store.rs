//! Indexes kept between runs, one small file a video, thrown away when the video changes.

use super::VideoInfo;
use super::colour::Matrix;
use super::index::{Index, Row};
use super::runtime;
use crate::domain::name_text;
use crate::files;
use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Raised whenever an index of an earlier version would be wrong.
const VERSION: u32 = 6;
const MAGIC: &[u8; 8] = b"KLINDEX\n";
const ROW: usize = 16;
/// Stands in place of an index that was found wrong.
const DISTRUSTED: &[u8] = b"KLDECODE\n";

#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    gstreamer: String,
    /// As [`name_text`] writes it.
    path: String,
    size: u64,
    modified_ns: u128,
    info: Facts,
    mirrored: bool,
    packets: u32,
    by_ordinal: bool,
    from_start: bool,
    sound: bool,
    gaps: bool,
    matrix: Matrix,
    decoder: String,
    rows: usize,
    checksum: u32,
}

#[derive(Serialize, Deserialize)]
struct Facts {
    width: u32,
    height: u32,
    pixel_aspect: (u32, u32),
    rotation: u32,
    fps: f64,
    duration_s: f64,
    codec: String,
    variable_frame_rate: bool,
    warnings: Vec<String>,
}

/// The folder for cached indexes.
fn folder() -> Option<PathBuf> {
    Some(files::cache_dir()?.join("video-index"))
}

fn file_for(canonical: &Path) -> Option<PathBuf> {
    let digest = Md5::digest(canonical.as_os_str().as_encoded_bytes());
    let name: String = digest.iter().map(|b| format!("{b:02x}")).collect();
    Some(folder()?.join(format!("{name}.idx")))
}

fn modified_ns(metadata: &std::fs::Metadata) -> u128 {
    metadata.modified().ok().and_then(|t| t.duration_since(UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos())
}

/// The cached index of a file, if there is one that still fits.
pub(super) fn load(path: &Path, metadata: &std::fs::Metadata) -> Option<Index> {
    let canonical = path.canonicalize().ok()?;
    let bytes = files::read(&file_for(&canonical)?, files::TABLE_LIMIT).ok()?;
    let rest = bytes.strip_prefix(MAGIC)?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let (head, rows) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let head: Head = serde_json::from_slice(head).ok()?;
    let fits = head.version == VERSION
        && head.path == name_text(canonical.as_os_str())
        && head.size == metadata.len()
        && head.modified_ns == modified_ns(metadata)
        && head.rows.checked_mul(ROW) == Some(rows.len())
        && head.checksum == crc32c::crc32c(rows)
        && head.rows > 0
        // The version needs GStreamer started; everything cheaper has been compared by now.
        && runtime::init().is_ok()
        && head.gstreamer == runtime::version();
    fits.then(|| Index {
        info: VideoInfo {
            width: head.info.width,
            height: head.info.height,
            pixel_aspect: head.info.pixel_aspect,
            rotation: head.info.rotation,
            fps: head.info.fps,
            frames: head.rows as u32,
            duration_s: head.info.duration_s,
            codec: head.info.codec,
            variable_frame_rate: head.info.variable_frame_rate,
            warnings: head.info.warnings,
            gaps: Vec::new(),
        },
        mirrored: head.mirrored,
        rows: rows.as_chunks::<ROW>().0.iter().map(row_from).collect(),
        packets: head.packets,
        by_ordinal: head.by_ordinal,
        from_start: head.from_start,
        sound: head.sound,
        gaps: head.gaps,
        matrix: head.matrix,
        decoder: head.decoder,
    })
}

fn row_from(bytes: &[u8; ROW]) -> Row {
    let number = u128::from_le_bytes(*bytes);
    Row { time: number as u64, packet: (number >> 64) as u32, digest: (number >> 96) as u32 }
}

fn row_bytes(row: &Row) -> [u8; ROW] {
    (u128::from(row.time) | u128::from(row.packet) << 64 | u128::from(row.digest) << 96).to_le_bytes()
}

/// Remembers an index. A cache that cannot be written costs time and nothing else, so failures are only logged.
pub(super) fn save(path: &Path, metadata: &std::fs::Metadata, index: &Index) {
    if let Err(error) = try_save(path, metadata, index) {
        log::debug!("the index of {} is not cached: {error}", path.display());
    }
}

fn try_save(path: &Path, metadata: &std::fs::Metadata, index: &Index) -> std::io::Result<()> {
    let canonical = path.canonicalize()?;
    let Some(target) = file_for(&canonical) else { return Ok(()) };
    let rows: Vec<u8> = index.rows.iter().flat_map(row_bytes).collect();
    let info = &index.info;
    let head = Head {
        version: VERSION,
        gstreamer: runtime::version(),
        path: name_text(canonical.as_os_str()),
        size: metadata.len(),
        modified_ns: modified_ns(metadata),
        info: Facts {
            width: info.width,
            height: info.height,
            pixel_aspect: info.pixel_aspect,
            rotation: info.rotation,
            fps: info.fps,
            duration_s: info.duration_s,
            codec: info.codec.clone(),
            variable_frame_rate: info.variable_frame_rate,
            warnings: info.warnings.clone(),
        },
        mirrored: index.mirrored,
        packets: index.packets,
        by_ordinal: index.by_ordinal,
        from_start: index.from_start,
        sound: index.sound,
        gaps: index.gaps,
        matrix: index.matrix,
        decoder: index.decoder.clone(),
        rows: index.rows.len(),
        checksum: crc32c::crc32c(&rows),
    };
    let head = serde_json::to_vec(&head).map_err(std::io::Error::other)?;
    let length = (head.len() as u32).to_le_bytes();
    files::replace_cached(&target, &[MAGIC.as_slice(), &length, &head, &rows].concat())
}

/// Drops the index of a file whose packets promised a frame that does not decode, and remembers to index it by decoding.
pub(super) fn distrust(path: &Path) {
    if let Some(file) = path.canonicalize().ok().and_then(|p| file_for(&p)) {
        let _ = files::replace_cached(&file, DISTRUSTED);
    }
}

/// True when [`distrust`] was called for the file and no index has been saved since.
pub(super) fn distrusted(path: &Path) -> bool {
    let file = path.canonicalize().ok().and_then(|p| file_for(&p));
    file.and_then(|f| files::read(&f, files::TABLE_LIMIT).ok()).is_some_and(|bytes| bytes == DISTRUSTED)
}

/// Remembers that a file must be decoded from its first packet.
pub(super) fn mark_from_start(path: &Path, index: &Index) {
    if let Ok(metadata) = std::fs::metadata(path) {
        save(path, &metadata, &Index { from_start: true, ..index.clone() });
    }
}
