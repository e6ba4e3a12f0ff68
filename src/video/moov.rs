//! The index of an MP4 file, as far as demuxers read it wrong or say nothing of it: edit lists, orientation,
//! contradictions.

use super::picture::Orientation;
use gstreamer as gst;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::Path;

/// Larger indexes are not looked at; an hour of video needs a few megabytes.
const LARGEST: u64 = 64 << 20;

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

/// The `moov` box (ISO/IEC 14496-12, 8.2.1).
pub(super) struct Movie {
    /// Where its content stands in the file.
    at: u64,
    content: Vec<u8>,
}

/// What the movie says of a video track.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct MovieTrack {
    pub id: u32,
    /// How the picture is turned to be shown; `None` for a matrix that is no quarter turn.
    pub orientation: Option<Orientation>,
    /// Which parts of the track are shown, in this order.
    pub edits: Vec<Edit>,
}

/// A part of a track that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// When it is shown, in nanoseconds from the start of the movie.
    pub at: u64,
    /// The part, in nanoseconds of the track's own time as demuxers give it.
    pub part: Range<u64>,
}

impl MovieTrack {
    /// When the last of its parts ends, in nanoseconds from the start of the movie; `None` where the list does not say it.
    pub fn shown_until(&self) -> Option<u64> {
        let last = self.edits.last()?;
        (last.part.end != u64::MAX).then(|| last.at + (last.part.end - last.part.start))
    }
}

impl Movie {
    /// Reads it; `None` for other containers and where it is missing.
    pub fn read(path: &Path) -> Option<Movie> {
        let mut file = File::open(path).ok()?;
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
                at += header.start;
                file.seek(SeekFrom::Start(at)).ok()?;
                let mut content = vec![0; length as usize];
                file.read_exact(&mut content).ok()?;
                return Some(Movie { at, content });
            }
            at += header.length;
        }
        None
    }

    /// Sentences about what contradicts itself.
    pub fn contradictions(&self) -> Vec<String> {
        examine(&self.content)
    }

    /// True where the pictures are listed in fragments and not here.
    pub fn is_fragmented(&self) -> bool {
        inside(&self.content, b"mvex").next().is_some()
    }

    /// Length of the whole movie in nanoseconds; `None` where it does not say it.
    pub fn length(&self) -> Option<u64> {
        let mvhd = first(&self.content, &[b"mvhd"])?;
        let (scale, length) = clock(mvhd)?;
        let unknown = if mvhd.first() == Some(&1) { u64::MAX } else { u64::from(u32::MAX) };
        (length > 0 && length != unknown).then(|| scaled(length, scale)).flatten()
    }

    /// Its video tracks.
    pub fn tracks(&self) -> Vec<MovieTrack> {
        self.video_tracks().filter_map(|track| self.track(track)).collect()
    }

    fn video_tracks(&self) -> impl Iterator<Item = &[u8]> {
        inside(&self.content, b"trak").filter(|track| is_video(track))
    }

    fn track(&self, track: &[u8]) -> Option<MovieTrack> {
        let tkhd = first(track, &[b"tkhd"])?;
        let long = tkhd.first() == Some(&1);
        let id = word(tkhd, if long { 20 } else { 12 })?;
        let mvhd = first(&self.content, &[b"mvhd"])?;
        let whole = matrix(mvhd, if mvhd.first() == Some(&1) { 48 } else { 36 });
        let own = matrix(tkhd, if long { 52 } else { 40 });
        let orientation = match (own, whole) {
            (Some(own), Some(whole)) => Orientation::of_matrix(times(own, whole)),
            _ => Some(Orientation::default()),
        };
        Some(MovieTrack { id, orientation, edits: edits(track, clock(mvhd)?.0).unwrap_or_else(|| vec![Edit::ALL]) })
    }

    /// Bytes that the file shall have at some places instead of its own, so that demuxers leave edit lists of video tracks
    /// alone: then all packets come out, with the track's own times.
    pub fn without_edits(&self) -> Vec<(u64, Vec<u8>)> {
        let place = |part: &[u8]| self.at + (part.as_ptr() as usize - self.content.as_ptr() as usize) as u64;
        let mut changes = Vec::new();
        for track in self.video_tracks() {
            let listed = first(track, &[b"edts", b"elst"]).and_then(|elst| Some((elst, unlimited(*elst.first()?))));
            let media = first(track, &[b"mdia", b"mdhd"]);
            if let Some((elst, all)) = listed.filter(|(elst, all)| elst.len() >= 4 + all.len()) {
                changes.push((place(elst) + 4, all));
            } else if let Some((mdhd, (_, length @ 1..))) = media.and_then(|mdhd| Some((mdhd, clock(mdhd)?))) {
                // Pictures that are shown after the track's length in decoding times belong to it too.
                let length = length.saturating_add(latest(track));
                changes.push(match mdhd.first() {
                    Some(1) => (place(mdhd) + 24, length.to_be_bytes().to_vec()),
                    _ => (place(mdhd) + 16, u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes().to_vec()),
                });
            }
        }
        if let Some(mvhd) = first(&self.content, &[b"mvhd"]) {
            // Without a length of the whole movie nothing ends early, and no track is taken for a preview.
            let (from, size) = if mvhd.first() == Some(&1) { (24, 8) } else { (16, 4) };
            changes.push((place(mvhd) + from, vec![0; size]));
        }
        changes
    }
}

/// An edit list without its version that shows a track from its beginning to its end, whenever that is.
fn unlimited(version: u8) -> Vec<u8> {
    const ONE: [u8; 4] = 1_u32.to_be_bytes();
    const RATE: [u8; 4] = 0x1_0000_u32.to_be_bytes();
    let times = if version == 1 { 16 } else { 8 };
    [&ONE[..], &vec![0; times], &RATE].concat()
}

/// Puts other bytes in a piece of the file, as far as they lie in it.
pub(super) fn change(buffer: &mut gst::Buffer, at: u64, bytes: &[u8]) {
    let start = buffer.offset();
    if start == u64::MAX {
        return;
    }
    let end = start.saturating_add(buffer.size() as u64);
    let (from, to) = (at.max(start), (at + bytes.len() as u64).min(end));
    if from < to
        && let Ok(mut map) = buffer.make_mut().map_writable()
        && let Some(part) = map.get_mut((from - start) as usize..(to - start) as usize)
        && let Some(bytes) = bytes.get((from - at) as usize..(to - at) as usize)
    {
        part.copy_from_slice(bytes);
    }
}

/// How much later than it is decoded a picture of a track may be shown, at most, and a picture's time on top.
fn latest(track: &[u8]) -> u64 {
    let Some(table) = first(track, &[b"mdia", b"minf", b"stbl"]) else { return 0 };
    let second = |kind: &[u8; 4]| {
        let runs = inside(table, kind).next().and_then(|t| t.get(8..)).unwrap_or_default();
        runs.chunks_exact(8).filter_map(|run| word(run, 4)).map(|n| u64::from((n as i32).max(0) as u32)).max()
    };
    second(b"ctts").unwrap_or(0) + composition_shift(track) + second(b"stts").unwrap_or(0)
}

impl Edit {
    /// A track without an edit list is shown as it is.
    const ALL: Edit = Edit { at: 0, part: 0..u64::MAX };
}

fn is_video(track: &[u8]) -> bool {
    first(track, &[b"mdia", b"hdlr"]).and_then(|hdlr| hdlr.get(8..12)) == Some(b"vide")
}

/// Units a second and length of an `mvhd` or `mdhd` box.
fn clock(header: &[u8]) -> Option<(u32, u64)> {
    let (scale, length) = match header.first()? {
        1 => (word(header, 20)?, long(header, 24)?),
        _ => (word(header, 12)?, u64::from(word(header, 16)?)),
    };
    (scale > 0).then_some((scale, length))
}

/// Nanoseconds of a time in units of `scale` a second, rounded down as demuxers do.
fn scaled(time: u64, scale: u32) -> Option<u64> {
    u64::try_from(u128::from(time) * SECOND / u128::from(scale)).ok()
}

/// The edit list of a track (8.6.6); `None` where there is none, or none that shows anything.
fn edits(track: &[u8], movie_scale: u32) -> Option<Vec<Edit>> {
    let elst = first(track, &[b"edts", b"elst"])?;
    let (scale, _) = clock(first(track, &[b"mdia", b"mdhd"])?)?;
    let shift = composition_shift(track);
    let version = *elst.first()?;
    let size = if version == 1 { 20 } else { 12 };
    let entries = elst.get(8..)?.chunks_exact(size).take(word(elst, 4)? as usize);
    let (mut now, mut edits) = (0_u64, Vec::new());
    for entry in entries {
        let (length, from) = match version {
            1 => (long(entry, 0)?, long(entry, 8)? as i64),
            _ => (u64::from(word(entry, 0)?), i64::from(word(entry, 4)? as i32)),
        };
        let at = scaled(now, movie_scale)?;
        now = now.checked_add(length)?;
        // Nothing is shown meanwhile.
        let Ok(from) = u64::try_from(from) else { continue };
        let start = scaled(from.checked_add(shift)?, scale)?;
        let own = (u128::from(length) * u128::from(scale) + u128::from(movie_scale / 2)) / u128::from(movie_scale);
        let end = u64::try_from(own).ok()?.checked_add(from)?.checked_add(shift)?;
        // Writers that do not know the length say 0.
        let end = if length == 0 { u64::MAX } else { scaled(end, scale)? };
        edits.push(Edit { at, part: start..end });
        if length == 0 {
            break;
        }
    }
    (!edits.is_empty()).then_some(edits)
}

/// What demuxers add to all times of a track whose pictures may be shown before they are decoded (8.6.1.3, 8.6.1.4).
fn composition_shift(track: &[u8]) -> u64 {
    let Some(table) = first(track, &[b"mdia", b"minf", b"stbl"]) else { return 0 };
    let Some(ctts) = first(table, &[b"ctts"]) else { return 0 };
    let shift = match first(table, &[b"cslg"]) {
        Some(cslg) if cslg.first() == Some(&1) => long(cslg, 4).map(|s| s as i64),
        Some(cslg) => word(cslg, 4).map(|s| i64::from(s as i32)),
        None => {
            let entries = ctts.get(8..).unwrap_or_default().chunks_exact(8);
            let offsets = entries.filter_map(|e| word(e, 4)).map(|o| o as i32).filter(|o| *o != i32::MIN);
            offsets.min().map(|least| -i64::from(least))
        }
    };
    shift.and_then(|s| u64::try_from(s).ok()).unwrap_or(0)
}

/// The four numbers of a matrix that turn and mirror (6.2.2).
fn matrix(header: &[u8], at: usize) -> Option<[i64; 4]> {
    let number = |n: usize| word(header, at + n * 4).map(|w| i64::from(w as i32));
    Some([number(0)?, number(1)?, number(3)?, number(4)?])
}

/// One after the other.
fn times([a, b, c, d]: [i64; 4], [e, f, g, h]: [i64; 4]) -> [i64; 4] {
    [a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h].map(|n| n >> 16)
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

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(bytes.get(at..at + 8)?.try_into().ok()?))
}

fn examine(moov: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for track in inside(moov, b"trak") {
        let Some(table) = first(track, &[b"mdia", b"minf", b"stbl"]).filter(|_| is_video(track)) else { continue };
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
    let (scale, claimed) = clock(first(track, &[b"mdia", b"mdhd"])?)?;
    // Writers round, and leave the length out where they do not know it.
    let (second, claimed) = (u128::from(scale), u128::from(claimed));
    (claimed > 0 && lasting > 2 * claimed + second).then(|| {
        let [lasting, claimed] = [lasting, claimed].map(|t| t as f64 / second as f64);
        format!(
            "its index contradicts itself: its frames last {lasting:.1} s, but it claims {claimed:.1} s; times may be wrong"
        )
    })
}
