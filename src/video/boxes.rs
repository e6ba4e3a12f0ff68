//! What an MP4 or MOV file's index says about itself (ISO/IEC 14496-12), held against itself.
//!
//! Demuxers mend contradictions silently. The pictures may be right all the same, but whoever owns the file should hear
//! that its index is damaged.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Indexes larger than this are not looked at; hours of video have a few MiB.
const LARGEST_INDEX: u64 = 64 << 20;
/// Boxes looked through at most, so that a file made of empty boxes costs nothing.
const MOST_BOXES: usize = 4096;

/// The boxes in `bytes` as (type, content); ends at the first that does not fit.
fn children(mut bytes: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    std::iter::from_fn(move || {
        let length = number(bytes, 0)? as usize;
        let kind = bytes.get(4..8)?;
        let (head, length) = match length {
            0 => (8, bytes.len()),
            1 => (16, usize::try_from(wide(bytes, 8)?).ok()?),
            n => (8, n),
        };
        let content = bytes.get(head..length)?;
        bytes = bytes.get(length..)?;
        Some((kind, content))
    })
    .take(MOST_BOXES)
}

fn child<'a>(bytes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    children(bytes).find(|(k, _)| k == kind).map(|(_, content)| content)
}

/// A box several levels down.
fn inside<'a>(bytes: &'a [u8], path: &[&[u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, kind| child(bytes, kind))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk::<4>().map(|b| u32::from_be_bytes(*b))
}

fn wide(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk::<8>().map(|b| u64::from_be_bytes(*b))
}

/// The content of the `moov` box; `None` for other containers.
fn movie(path: &Path) -> Option<Vec<u8>> {
    let mut file = std::fs::File::open(path).ok()?;
    let end = file.metadata().ok()?.len();
    let mut at = 0_u64;
    for _ in 0..MOST_BOXES {
        let mut head = [0_u8; 16];
        file.seek(SeekFrom::Start(at)).ok()?;
        file.read_exact(&mut head[..8]).ok()?;
        let (skip, length) = match number(&head, 0)? {
            0 => (8, end - at),
            1 => {
                file.read_exact(&mut head[8..]).ok()?;
                (16, wide(&head, 8)?)
            }
            n => (8, u64::from(n)),
        };
        if &head[4..8] == b"moov" {
            let length = length.checked_sub(skip).filter(|n| *n <= LARGEST_INDEX)?;
            let mut content = Vec::new();
            file.take(length).read_to_end(&mut content).ok()?;
            return Some(content);
        }
        at = at.checked_add(length.max(8)).filter(|at| *at < end)?;
    }
    None
}

/// Sentences about an index that contradicts itself; none for sound files and for other containers.
pub(super) fn contradictions(path: &Path) -> Vec<String> {
    let Some(movie) = movie(path) else { return Vec::new() };
    // The index of a fragmented file is spread over the file, and empty here.
    if child(&movie, b"mvex").is_some() {
        return Vec::new();
    }
    let tracks = children(&movie).filter(|(kind, _)| kind == b"trak").map(|(_, track)| track);
    let video = |track: &&[u8]| {
        inside(track, &[b"mdia", b"hdlr"]).and_then(|h| h.get(8..12)).is_some_and(|kind| kind == b"vide")
    };
    tracks.filter(video).find_map(contradiction).into_iter().collect()
}

fn contradiction(track: &[u8]) -> Option<String> {
    let table = inside(track, &[b"mdia", b"minf", b"stbl"])?;
    // A visual sample entry: 16 bytes into the first entry of the description, after its length and type and the
    // description's own head, 24 more bytes to width and height.
    let size = child(table, b"stsd").and_then(|d| number(d, 8 + 32));
    if size.is_some_and(|size| size >> 16 == 0 || size & 0xffff == 0) {
        let [width, height] = size.map_or([0, 0], |s| [s >> 16, s & 0xffff]);
        return Some(format!(
            "its header claims {width}x{height} pixels; the size inside the video data is used instead"
        ));
    }
    let samples = child(table, b"stsz").and_then(|s| number(s, 8));
    let times = child(table, b"stts")?;
    let entries = number(times, 4)? as usize;
    let mut timed = 0_u64;
    let mut length = 0_u128;
    for entry in times.get(8..)?.as_chunks::<8>().0.iter().take(entries) {
        let (count, duration) = (number(entry, 0)?, number(entry, 4)?);
        timed += u64::from(count);
        length += u128::from(count) * u128::from(duration);
    }
    if let Some(samples) = samples.map(u64::from)
        && timed.abs_diff(samples) > 1
    {
        return Some(format!(
            "its index is damaged: it has sizes of {samples} frames but times of {timed}; what decodes is shown, and \
             the times may be wrong"
        ));
    }
    let header = inside(track, &[b"mdia", b"mdhd"])?;
    let (scale, claimed) = match header.first()? {
        1 => (number(header, 20)?, wide(header, 24)?),
        _ => (number(header, 12)?, u64::from(number(header, 16)?)),
    };
    let second = u128::from(scale);
    let claimed = u128::from(claimed);
    if claimed > 0 && second > 0 && length > 2 * claimed + second {
        return Some(format!(
            "its index is damaged: its frames add up to {:.1} s, but it claims to last {:.1} s; the times may be wrong",
            length as f64 / second as f64,
            claimed as f64 / second as f64
        ));
    }
    None
}
