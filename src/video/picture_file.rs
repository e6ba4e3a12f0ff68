//! Whether a picture file is whole. The decoder fills what a torn JPEG lacks with grey and says nothing.

/// Says what is wrong with a JPEG file, as far as its markers tell: cut off, or overwritten in its middle. Anything else is
/// left to its decoder, which checks sums of its own.
pub(super) fn check(bytes: &[u8]) -> Result<(), String> {
    if bytes.is_empty() {
        return Err("the file is empty (0 bytes)".into());
    }
    if bytes.iter().all(|b| *b == 0) {
        return Err("the file is nothing but zeros".into());
    }
    if super::jpeg::is_jpeg(bytes) { jpeg(bytes) } else { Ok(()) }
}

const CUT: &str = "the file is cut off";

/// Walks from marker to marker up to the end of the picture.
fn jpeg(bytes: &[u8]) -> Result<(), String> {
    let mut at = 2;
    let mut scans = 0;
    loop {
        // Fill bytes may stand before a marker.
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        let marker = match (bytes.get(at), bytes.get(at + 1)) {
            (Some(0xff), Some(marker)) => *marker,
            (Some(_), Some(_)) => return Err(format!("the file is overwritten at byte {at}")),
            _ => return Err(CUT.into()),
        };
        match marker {
            0xd9 if scans > 0 => return Ok(()),
            0xd9 => return Err("the file ends before its picture begins".into()),
            0x01 => at += 2,
            // Tables, frames, comments and what applications add; the others mean nothing between scans.
            0xc0..=0xcf | 0xda..=0xdf | 0xe0..=0xef | 0xf0..=0xfe => {
                let length = bytes.get(at + 2..at + 4).map(|l| usize::from(l[0]) << 8 | usize::from(l[1]));
                let length = length.filter(|l| *l >= 2).ok_or(CUT)?;
                at += 2 + length;
                if marker == 0xda {
                    scans += 1;
                    at = end_of_scan(bytes, at)?;
                }
            }
            _ => return Err(format!("the file is overwritten at byte {at}")),
        }
    }
}

/// Where the marker stands that ends the coded data beginning at `at`.
fn end_of_scan(bytes: &[u8], mut at: usize) -> Result<usize, String> {
    loop {
        let rest = bytes.get(at..).ok_or(CUT)?;
        at += memchr::memchr(0xff, rest).ok_or(CUT)?;
        match bytes.get(at + 1).ok_or(CUT)? {
            // A coded 0xff, a restart, a fill byte.
            0x00 | 0xd0..=0xd7 => at += 2,
            0xff => at += 1,
            0xc4 | 0xd9..=0xdd | 0xe0..=0xef | 0xfe => return Ok(at),
            _ => return Err(format!("the file is overwritten at byte {at}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(format: image::ImageFormat) -> Vec<u8> {
        let picture = image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([(x * 37 + y * 11) as u8, (x * y) as u8, 90]));
        let mut out = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    #[test]
    fn whole_pictures_pass_with_anything_behind_them() {
        let whole = encoded(image::ImageFormat::Jpeg);
        assert_eq!(check(&whole), Ok(()));
        assert_eq!(check(&[&whole[..], b"appended"].concat()), Ok(()));
        assert_eq!(check(&encoded(image::ImageFormat::Png)), Ok(()));
        // Bytes that look like an end inside a segment of an application.
        let app = [&whole[..2], b"\xff\xe1\x00\x08\xff\xd8\xff\xd9xx", &whole[2..]].concat();
        assert_eq!(check(&app), Ok(()));
        assert!(check(&app[..app.len() - 2]).unwrap_err().contains("cut off"));
    }

    #[test]
    fn a_jpeg_cut_anywhere_is_known() {
        let whole = encoded(image::ImageFormat::Jpeg);
        for length in 3..whole.len() {
            assert!(check(&whole[..length]).is_err(), "{length} of {} bytes", whole.len());
        }
        for from in [100, whole.len() / 2, whole.len() - 2] {
            let mut zeroed = whole.clone();
            zeroed[from..].fill(0);
            assert!(check(&zeroed).is_err(), "zeros from {from}");
        }
        assert!(check(&[]).unwrap_err().contains("empty"));
        assert!(check(&[0; 900]).unwrap_err().contains("zeros"));
    }
}
