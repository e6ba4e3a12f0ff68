//! What the bytes of a file say about its container, without taking it apart: which one it is, and whether its end is
//! there.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The demuxer for the containers that nearly all videos are in.
pub(super) fn demuxer(path: &Path) -> Option<&'static str> {
    let mut head = [0_u8; 12];
    File::open(path).and_then(|mut f| f.read_exact(&mut head)).ok()?;
    match (&head[..4], &head[4..8]) {
        (_, b"ftyp" | b"moov" | b"mdat" | b"wide" | b"free" | b"skip") => Some("qtdemux"),
        (b"\x1a\x45\xdf\xa3", _) => Some("matroskademux"),
        _ => None,
    }
}

/// The code of four characters that a Matroska file names a codec by which it took over from AVI or QuickTime.
pub(super) fn codec_code(path: &Path) -> Option<String> {
    const NAMES: [(&[u8], std::ops::Range<usize>); 2] = [
        // BITMAPINFOHEADER.biCompression
        (b"V_MS/VFW/FOURCC", 16..20),
        // Size of the sample description, then its format.
        (b"V_QUICKTIME", 4..8),
    ];
    let mut head = Vec::new();
    File::open(path).ok()?.take(1 << 20).read_to_end(&mut head).ok()?;
    let find =
        |what: &[u8], from: usize| head.get(from..)?.windows(what.len()).position(|w| w == what).map(|at| at + from);
    NAMES.iter().find_map(|(name, place)| {
        let named = find(name, 0)?;
        // The element CodecPrivate, and the length of its length.
        let private = find(&[0x63, 0xa2], named)?;
        let length = head.get(private + 2)?.leading_zeros() as usize + 1;
        let content = head.get(private + 2 + length..)?;
        let code = content.get(place.clone())?;
        code.iter().all(|b| b.is_ascii_graphic() || *b == b' ').then(|| String::from_utf8_lossy(code).trim().to_owned())
    })
}

/// Containers that announce no length, or forget it when their end is lost, still show by the file's size that it is.
pub(super) fn cut_off(path: &Path) -> Option<String> {
    let mut head = vec![0_u8; 4096];
    let mut file = File::open(path).ok()?;
    let size = file.metadata().ok()?.len();
    let read = file.read(&mut head).ok()?;
    head.truncate(read);
    let word = |at: usize| head.get(at..at + 4).map(|b| u64::from(u32::from_le_bytes([b[0], b[1], b[2], b[3]])));
    if head.starts_with(b"RIFF") {
        let claimed = word(4)? + 8;
        if claimed <= size + 1 {
            return None;
        }
        let share = 100.0 * (claimed - size) as f64 / claimed as f64;
        return Some(format!(
            "the file is cut off: it announces {claimed} bytes, and about {share:.0} % of them are missing"
        ));
    }
    if demuxer(path) == Some("qtdemux") {
        return cut_box(&mut file, size);
    }
    if let Some(end) = segment_end(&head).filter(|end| *end > size) {
        return Some(format!("the file is cut off: it announces {end} bytes, and {} of them are missing", end - size));
    }
    let packets = |length: usize| head.len() > 3 * length && (0..3).all(|n| head[n * length] == 0x47);
    (packets(188) && size % 188 != 0).then(|| {
        "the file ends inside a transport packet: it is cut off, and how much is missing is not known".to_owned()
    })
}

/// True where the file says how long it is in bytes, and all of them are there: then nothing is missing, however long
/// it claims to play.
pub(super) fn is_whole(path: &Path) -> bool {
    let mut head = Vec::new();
    let read = |file: File| -> std::io::Result<u64> {
        let size = file.metadata()?.len();
        file.take(4096).read_to_end(&mut head)?;
        Ok(size)
    };
    let size = File::open(path).and_then(read).unwrap_or(0);
    segment_end(&head).is_some_and(|end| end <= size)
}

/// Where the one segment of a Matroska file ends (RFC 9559, 5.1; RFC 8794, 4); `None` where that is not said.
fn segment_end(head: &[u8]) -> Option<u64> {
    let after = element(head, 0, &[0x1a, 0x45, 0xdf, 0xa3])?;
    let segment = element(head, usize::try_from(after.end).ok()?, &[0x18, 0x53, 0x80, 0x67])?;
    Some(segment.end)
}

/// The content of an element of a known size.
fn element(head: &[u8], at: usize, id: &[u8]) -> Option<std::ops::Range<u64>> {
    let rest = head.get(at..)?.strip_prefix(id)?;
    let length = rest.first()?.leading_zeros() as usize + 1;
    let bytes = rest.get(..length).filter(|_| length <= 8)?;
    let value = bytes.iter().fold(0_u64, |n, b| n << 8 | u64::from(*b)) & ((1 << (7 * length)) - 1);
    let start = (at + id.len() + length) as u64;
    // All ones: not known.
    (value != (1 << (7 * length)) - 1).then(|| start..start.saturating_add(value))
}

/// Boxes that stand beside each other in an MP4 file.
const BOXES: [&[u8; 4]; 15] = [
    b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide", b"uuid", b"sidx", b"ssix", b"prft",
    b"emsg", b"mfra", b"meta",
];

/// A sentence when an MP4 file ends inside a box, or announces data that do not follow. What is no box is no part of it.
fn cut_box(file: &mut File, size: u64) -> Option<String> {
    let (mut at, mut last) = (0, [0; 4]);
    while at < size {
        let mut head = [0_u8; 16];
        file.seek(SeekFrom::Start(at)).ok()?;
        let read = file.read(&mut head).ok()?;
        let torn = |kind: [u8; 4]| {
            let kind = String::from_utf8_lossy(&kind).into_owned();
            Some(format!("the file ends inside a '{kind}' box: it is cut off, and how much is missing is not known"))
        };
        if read < 8 {
            // The beginning of another fragment.
            return if last == *b"mdat" && size - at < 8 && head[..read] != [0; 8][..read] {
                torn(*b"moof")
            } else {
                None
            };
        }
        let kind = [head[4], head[5], head[6], head[7]];
        if !BOXES.contains(&&kind) {
            return None;
        }
        let length = match u32::from_be_bytes([head[0], head[1], head[2], head[3]]) {
            0 => size - at,
            1 => u64::from_be_bytes(head[8..].try_into().ok()?),
            n => u64::from(n),
        };
        if length < 8 {
            return None;
        }
        if at.saturating_add(length) > size {
            return torn(kind);
        }
        (at, last) = (at + length, kind);
    }
    (last == *b"moof").then(|| "the file is cut off: it announces pictures behind its end".to_owned())
}

/// Frames that an AVI file counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// By the header of its video stream.
    pub header: u32,
    /// Chunks without content: the picture before is shown once more.
    pub empty: u32,
}

/// Counts the frames of an AVI file as those do who trust its header.
pub(super) fn counted(path: &Path) -> Option<Counted> {
    let mut file = std::io::BufReader::new(File::open(path).ok()?);
    let size = file.get_ref().metadata().ok()?.len();
    let mut head = [0; 12];
    file.read_exact(&mut head).ok()?;
    if &head[..4] != b"RIFF" || &head[8..] != b"AVI " {
        return None;
    }
    let (mut at, mut stream, mut video, mut counted) = (12, 0_u32, None, Counted::default());
    while at + 8 <= size {
        let mut chunk = [0; 12];
        file.seek(SeekFrom::Start(at)).ok()?;
        let read = file.read(&mut chunk).ok()?;
        if read < 8 {
            break;
        }
        let length = u64::from(u32::from_le_bytes([chunk[4], chunk[5], chunk[6], chunk[7]]));
        let number = video.map(|n: u32| [b'0' + (n / 10) as u8, b'0' + (n % 10) as u8]);
        match &chunk[..4] {
            b"LIST" | b"RIFF" => {
                at += 12;
                continue;
            }
            b"strh" => {
                let mut header = [0; 36];
                file.seek(SeekFrom::Start(at + 8)).ok()?;
                file.read_exact(&mut header).ok()?;
                if &header[..4] == b"vids" && video.is_none() {
                    video = Some(stream);
                    counted.header = u32::from_le_bytes([header[32], header[33], header[34], header[35]]);
                }
                stream += 1;
            }
            // Their second letter tells what they hold.
            id if number.is_some_and(|n| id[..2] == n) && matches!(&id[2..], b"dc" | b"db") => {
                counted.empty += u32::from(length == 0);
            }
            _ => {}
        }
        at += 8 + length + length % 2;
    }
    video.map(|_| counted)
}
