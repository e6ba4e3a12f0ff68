//! What a file is, by its first bytes and never by its name.

use std::io::Read;
use std::path::Path;

/// What to open a file with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A container or raw stream for GStreamer.
    Stream,
    /// One or several still pictures, or an animation.
    Picture,
}

/// Looks at the head of a file.
///
/// # Errors
/// A sentence for everything that is certainly not a video.
pub(super) fn sniff(path: &Path) -> Result<Kind, String> {
    let mut head = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(4096).read_to_end(&mut head))
        .map_err(|e| format!("it cannot be read ({e})"))?;
    classify(&head)
}

fn classify(head: &[u8]) -> Result<Kind, String> {
    if head.is_empty() {
        return Err("the file is empty (0 bytes); copy or download it again".into());
    }
    if head.starts_with(b"version https://git-lfs.github.com/spec") {
        return Err("it is a git-lfs pointer, not the video itself; run `git lfs pull` in its repository".into());
    }
    let webp = head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP");
    let pictures: [&[u8]; 7] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"BM", b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"];
    if webp
        || head.starts_with(b"GIF8")
        || pictures.iter().any(|magic| head.starts_with(magic)) && !looks_like_text(head)
    {
        return Ok(Kind::Picture);
    }
    let start = String::from_utf8_lossy(head.get(..512).unwrap_or(head)).trim_start().to_ascii_lowercase();
    if start.starts_with("<!doctype html") || start.starts_with("<html") {
        return Err("it is a web page (often what a failed download leaves), not a video; download it again".into());
    }
    if looks_like_text(head) {
        return Err("it is a text file, not a video".into());
    }
    if head.iter().all(|&b| b == 0) {
        return Err("its beginning is nothing but zeros, as after an interrupted copy; copy it again".into());
    }
    Ok(Kind::Stream)
}

/// Printable throughout: no container starts like this (YUV4MPEG2 does, and says so in its first word).
fn looks_like_text(head: &[u8]) -> bool {
    let printable = |b: &u8| matches!(b, b'\t' | b'\n' | b'\r' | 0x20..=0x7e) || *b >= 0x80;
    let ascii = head.iter().filter(|b| b.is_ascii()).count();
    !head.starts_with(b"YUV4MPEG2") && head.iter().all(printable) && ascii * 10 >= head.len() * 8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_videos_are_named() {
        for (bytes, word) in [
            (&b""[..], "empty"),
            (b"version https://git-lfs.github.com/spec/v1\noid", "git-lfs"),
            (b"\n<!DOCTYPE html><html>", "web page"),
            (b"This is a plain text file, not a video.\n", "text file"),
            (&[0; 64], "zeros"),
        ] {
            let said = classify(bytes).unwrap_err();
            assert!(said.contains(word), "{said}");
        }
    }

    #[test]
    fn content_decides_and_not_the_name() {
        assert_eq!(classify(b"GIF89a..."), Ok(Kind::Picture));
        assert_eq!(classify(b"\x89PNG\r\n\x1a\n\0\0"), Ok(Kind::Picture));
        assert_eq!(classify(b"RIFF\0\0\0\0WEBPVP8 "), Ok(Kind::Picture));
        assert_eq!(classify(b"RIFF\0\0\0\0AVI LIST"), Ok(Kind::Stream));
        assert_eq!(classify(b"\0\0\0\x20ftypisom\0\0"), Ok(Kind::Stream));
    }
}
