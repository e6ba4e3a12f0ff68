//! What kind of video a file is, by its first bytes.

use std::io::Read;
use std::path::Path;

/// Bytes looked at: two packets of a transport stream with room for what stands before them.
const HEAD: u64 = 2048;

/// What a file is where its first bytes say that it is a video, whatever it is called. Cheap: nothing is decoded.
pub fn container(path: &Path) -> Option<&'static str> {
    let mut head = Vec::new();
    std::fs::File::open(path).and_then(|f| f.take(HEAD).read_to_end(&mut head)).ok()?;
    of(&head)
}

fn of(head: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| head.get(offset..).is_some_and(|h| h.starts_with(magic));
    let packets = |first: usize, length: usize| {
        head.len() > first + 2 * length && (0..3).all(|n| head.get(first + n * length) == Some(&0x47))
    };
    let brand = head.get(8..12).unwrap_or_default();
    let still: [&[u8]; 5] = [b"avif", b"heic", b"heix", b"mif1", b"M4A "];
    if at(4, b"ftyp") && !still.contains(&brand) || at(4, b"moov") || at(4, b"mdat") {
        return Some("MP4 or QuickTime");
    }
    if at(0, b"\x1a\x45\xdf\xa3") {
        return Some("Matroska or WebM");
    }
    if at(0, b"RIFF") && at(8, b"AVI ") {
        return Some("AVI");
    }
    if at(0, b"OggS") && head.windows(6).any(|w| w == b"theora") {
        return Some("Ogg");
    }
    if packets(0, 188) || packets(4, 192) {
        return Some("MPEG transport stream");
    }
    let magic: [(&[u8], &str); 9] = [
        (b"\x00\x00\x01\xba", "MPEG program stream"),
        (b"\x00\x00\x01\xb3", "MPEG video"),
        (b"FLV\x01", "Flash video"),
        (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media"),
        (b"\x06\x0e\x2b\x34\x02\x05\x01\x01", "MXF"),
        (b"DKIF", "IVF"),
        (b"YUV4MPEG2", "YUV4MPEG"),
        (b"GIF89a", "GIF"),
        (b"\x00\x00\x00\x01\x67", "H.264"),
    ];
    magic.iter().find(|(m, _)| head.starts_with(m)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn videos_are_known_by_their_first_bytes_and_nothing_else_is() {
        let mut packets = vec![0_u8; 600];
        [0, 188, 376].iter().for_each(|at| packets[*at] = 0x47);
        for (head, kind) in [
            (&b"\0\0\0\x20ftypisom\0\0\x02\0"[..], Some("MP4 or QuickTime")),
            (b"\0\0\0\x20ftypavif", None),
            (b"\x1a\x45\xdf\xa3\x01", Some("Matroska or WebM")),
            (b"RIFF\0\0\0\0AVI LIST", Some("AVI")),
            (b"RIFF\0\0\0\0WAVEfmt ", None),
            (&packets, Some("MPEG transport stream")),
            (b"GGGG", None),
            (b"\x00\x00\x01\xba\x44", Some("MPEG program stream")),
            (b"\xff\xd8\xff\xe0", None),
            (b"subject,split\n", None),
            (b"", None),
        ] {
            assert_eq!(of(head), kind, "{head:?}");
        }
    }
}
