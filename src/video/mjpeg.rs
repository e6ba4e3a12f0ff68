//! Raw Motion JPEG: nothing but pictures, one behind the other. A file of it begins as a picture does.

use crate::domain::shell_quoted;
use crate::files;
use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// The pictures of a file that holds several.
pub(super) struct Pictures {
    pub bytes: Vec<u8>,
    pub parts: Vec<Range<usize>>,
    /// The last one is not whole, and left out.
    pub cut: bool,
}

/// What a file is.
pub(super) enum Jpeg {
    /// Pictures of one size, one behind the other.
    Several(Pictures),
    /// One picture, whatever follows it: the bytes of the file.
    One(Vec<u8>),
    /// Anything else.
    Other,
}

/// A picture found in a file.
struct Found {
    end: usize,
    size: [u8; 4],
    /// It says itself that further pictures belong to it: other views, or how bright it may be shown.
    has_companions: bool,
}

/// Reads a file of JPEG pictures.
///
/// # Errors
/// A sentence for a file too large to be kept whole.
pub(super) fn read(path: &Path) -> Result<Jpeg, String> {
    let mut head = [0; 3];
    let begun = File::open(path).and_then(|mut file| file.read_exact(&mut head));
    if begun.is_err() || !begins(&head) {
        return Ok(Jpeg::Other);
    }
    let bytes = match files::read(path, files::MOTION_JPEG_LIMIT) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::FileTooLarge => {
            let [from, to] = [path, &path.with_extension("mkv")].map(shell_quoted);
            return Err(format!(
                "as raw Motion JPEG it is too large ({e}); FFmpeg puts it into a container without loss: \
                 ffmpeg -f mjpeg -i {from} -c copy {to}"
            ));
        }
        Err(_) => return Ok(Jpeg::Other),
    };
    let (parts, cut) = split(&bytes);
    Ok(if parts.len() > 1 { Jpeg::Several(Pictures { bytes, parts, cut }) } else { Jpeg::One(bytes) })
}

fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8, 0xff])
}

/// Where the pictures are, and whether another one begins that does not end.
fn split(bytes: &[u8]) -> (Vec<Range<usize>>, bool) {
    let (mut at, mut size, mut parts) = (0, None, Vec::new());
    while let Some(rest) = bytes.get(at..).filter(|rest| begins(rest)) {
        let Some(found) = picture(rest) else { return (parts, true) };
        if found.has_companions || *size.get_or_insert(found.size) != found.size {
            break;
        }
        parts.push(at..at + found.end);
        at += found.end;
        // Cameras fill up to whole blocks.
        let filling =
            |at: usize| matches!(bytes.get(at), Some(0 | b'\r' | b'\n')) || bytes[at..].starts_with(&[0xff, 0xff]);
        while at < bytes.len() && filling(at) {
            at += 1;
        }
    }
    (parts, false)
}

/// Follows the markers of a picture to its end (ITU-T T.81, B.1.1); `None` when it has none.
fn picture(bytes: &[u8]) -> Option<Found> {
    let (mut at, mut size, mut has_companions) = (2, None, false);
    loop {
        if *bytes.get(at)? != 0xff {
            return None;
        }
        let marker = *bytes.get(at + 1)?;
        match marker {
            0xff => at += 1,
            0xd9 => return Some(Found { end: at + 2, size: size?, has_companions }),
            0x01 | 0xd0..=0xd7 => at += 2,
            _ => {
                let length = usize::from(u16::from_be_bytes([*bytes.get(at + 2)?, *bytes.get(at + 3)?]));
                let content = bytes.get(at + 4..at + 2 + length)?;
                match marker {
                    0xc4 | 0xc8 | 0xcc => {}
                    0xc0..=0xcf => size = content.get(1..5).and_then(|s| s.try_into().ok()),
                    0xe2 => has_companions |= content.starts_with(b"MPF\0"),
                    _ => {}
                }
                at += 2 + length;
                // Coded data follow, in which only these stand for themselves.
                if marker == 0xda {
                    while *bytes.get(at)? != 0xff || matches!(*bytes.get(at + 1)?, 0 | 0xd0..=0xd7) {
                        at += 1;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jpeg(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let picture = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([(x * 9) as u8, (y * 7) as u8, 90]));
        picture.write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Jpeg).unwrap();
        bytes
    }

    #[test]
    fn pictures_of_one_size_are_a_video_and_others_belong_to_a_photo() {
        let (one, other) = (jpeg(32, 24), jpeg(16, 12));
        let n = one.len();
        let whole = || std::iter::once(0..n).collect::<Vec<_>>();
        assert_eq!(split(&one), (whole(), false));
        assert_eq!(split(&[&one[..], &[0; 5], &one].concat()), (vec![0..n, n + 5..n + 5 + n], false));
        assert_eq!(split(&[&one[..], &other].concat()), (whole(), false));
        assert_eq!(split(&[&one[..], &one, &one[..n / 2]].concat()), (vec![0..n, n..2 * n], true));
        // A multi-picture photo (CIPA DC-007) says so in its own header.
        let mut photo = one[..2].to_vec();
        photo.extend([0xff, 0xe2, 0, 6, b'M', b'P', b'F', 0]);
        photo.extend(&one[2..]);
        assert!(split(&[&photo[..], &photo].concat()).0.is_empty());
    }

    #[test]
    fn a_file_too_large_to_be_kept_is_refused_with_the_line_that_helps() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("long take.mjpeg");
        std::fs::write(&path, jpeg(32, 24)).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        // A sparse file takes no room.
        file.set_len(files::MOTION_JPEG_LIMIT + 1).unwrap();
        let told = read(&path).err().expect("it is refused");
        assert!(
            told.contains("4 GiB") && told.contains("ffmpeg -f mjpeg -i '") && told.contains("long take.mkv'"),
            "{told}"
        );
    }
}
