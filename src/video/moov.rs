//! Looks for contradictions in the index of an MP4 file.
//!
//! Demuxers believe one of two numbers and say nothing; a person should know that the file was tampered with or damaged.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Larger indexes are not looked at; an hour of video needs a few megabytes.
const LARGEST: u64 = 64 << 20;

/// Sentences about what contradicts itself; nothing for other containers.
pub(super) fn contradictions(path: &Path) -> Vec<String> {
    let moov = File::open(path).ok().and_then(|mut file| moov(&mut file));
    moov.as_deref().map(examine).unwrap_or_default()
}

/// The content of the `moov` box.
fn moov(file: &mut File) -> Option<Vec<u8>> {
    let size = file.metadata().ok()?.len();
    let mut at = 0;
    while at + 8 <= size {
        file.seek(SeekFrom::Start(at)).ok()?;
        let mut head = [0; 16];
        let read = file.read(&mut head).ok()?;
        let header = header(&head[..read], size - at)?;
        if header.kind == *b"moov" {
            let length = header.length.checked_sub(header.start)?;
            if length > LARGEST {
                return None;
            }
            file.seek(SeekFrom::Start(at + header.start)).ok()?;
            let mut content = vec![0; length as usize];
            file.read_exact(&mut content).ok()?;
            return Some(content);
        }
        at += header.length;
    }
    None
}

struct Header {
    kind: [u8; 4],
    /// Bytes before the content.
    start: u64,
    /// Bytes with the header.
    length: u64,
}

/// Reads the header of a box of which `room` bytes are there; `None` when it does not fit.
fn header(bytes: &[u8], room: u64) -> Option<Header> {
    let kind = bytes.get(4..8)?.try_into().ok()?;
    let (start, length) = match u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?) {
        0 => (8, room),
        1 => (16, u64::from_be_bytes(bytes.get(8..16)?.try_into().ok()?)),
        n => (8, u64::from(n)),
    };
    (length >= start && length <= room).then_some(Header { kind, start, length })
}

/// The content of every box of a kind directly inside `content`.
fn inside<'a>(content: &'a [u8], kind: &'a [u8; 4]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = content;
    std::iter::from_fn(move || {
        loop {
            let found = header(rest, rest.len() as u64)?;
            let (this, next) = rest.split_at(found.length as usize);
            rest = next;
            if found.kind == *kind {
                return Some(&this[found.start as usize..]);
            }
        }
    })
}

fn first<'a>(content: &'a [u8], path: &'a [&'a [u8; 4]]) -> Option<&'a [u8]> {
    path.iter().try_fold(content, |content, kind| inside(content, kind).next())
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn examine(moov: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for track in inside(moov, b"trak") {
        let handler = first(track, &[b"mdia", b"hdlr"]).and_then(|hdlr| hdlr.get(8..12));
        let Some(table) = first(track, &[b"mdia", b"minf", b"stbl"]).filter(|_| handler == Some(b"vide")) else {
            continue;
        };
        // Version and flags, number of entries; then the entry's own header, 24 bytes, width and height.
        let size = first(table, &[b"stsd"]).and_then(|stsd| word(stsd, 8 + 8 + 24));
        if let Some(size) = size
            && (size >> 16 == 0 || size & 0xffff == 0)
        {
            let (width, height) = (size >> 16, size & 0xffff);
            found.push(format!(
                "its header claims {width}x{height} pixels; the size inside the video data is used instead"
            ));
        }
        let timed = first(table, &[b"stts"]).and_then(|stts| {
            let entries = word(stts, 4)? as usize;
            let runs = stts.get(8..)?.chunks_exact(8).take(entries);
            Some(runs.filter_map(|run| word(run, 0)).map(u64::from).sum::<u64>())
        });
        let sized = first(table, &[b"stsz"]).and_then(|stsz| word(stsz, 8)).map(u64::from);
        // Fragmented files have neither here.
        if let (Some(timed), Some(sized)) = (timed, sized)
            && timed != sized
        {
            found.push(format!(
                "its index contradicts itself: it has times for {timed} frames and data for {sized}; times may be wrong"
            ));
        }
    }
    found
}
