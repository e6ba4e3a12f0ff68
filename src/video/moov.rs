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
        found.extend(implausible_length(track, table));
    }
    found
}

/// A sentence when the frames together last far longer than the track says it does.
fn implausible_length(track: &[u8], table: &[u8]) -> Option<String> {
    let stts = first(table, &[b"stts"])?;
    let sized = u128::from(word(first(table, &[b"stsz"])?, 8)?);
    let entries = word(stts, 4)? as usize;
    let mut frames = 0_u128;
    let mut lasting = 0_u128;
    for run in stts.get(8..)?.chunks_exact(8).take(entries) {
        // A count that lies has its own sentence; only frames that can exist are added up here.
        let count = u128::from(word(run, 0)?).min(sized.saturating_sub(frames));
        frames += count;
        lasting += count * u128::from(word(run, 4)?);
    }
    let mdhd = first(track, &[b"mdia", b"mdhd"])?;
    let (scale, claimed) = match mdhd.first()? {
        1 => (word(mdhd, 20)?, u128::from(word(mdhd, 24)?) << 32 | u128::from(word(mdhd, 28)?)),
        _ => (word(mdhd, 12)?, u128::from(word(mdhd, 16)?)),
    };
    // Writers round, and leave the length out where they do not know it.
    let second = u128::from(scale);
    (claimed > 0 && second > 0 && lasting > 2 * claimed + second).then(|| {
        let [lasting, claimed] = [lasting, claimed].map(|t| t as f64 / second as f64);
        format!(
            "its index contradicts itself: its frames last {lasting:.1} s, but it claims {claimed:.1} s; times may be wrong"
        )
    })
}
