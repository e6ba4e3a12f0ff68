//! Paths as people read them, and in what order.

use serde::Serializer;
use std::cmp::Ordering;
use std::ffi::OsStr;
use std::fmt::Write;
use std::path::Path;

/// A name as text. Bytes that are no UTF-8 are written as `\xE9`, so that names that differ differ as text too.
pub fn name_text(name: &OsStr) -> String {
    let mut out = String::with_capacity(name.len());
    for chunk in name.as_encoded_bytes().utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\x{byte:02X}");
        }
    }
    out
}

/// The last name of a path, or all of it where it ends in none.
pub fn leaf(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), name_text)
}

/// Writes a path as [`name_text`]: paths need not be UTF-8, what serde writes must be.
///
/// # Errors
/// Those of the serializer.
pub fn serialize_path<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&name_text(path.as_os_str()))
}

/// Entries of a folder that no dataset means: hidden ones (`.Trash-1000`, `._clip.mp4`) and what servers, systems and
/// programs leave lying about.
pub fn is_system_name(name: &str) -> bool {
    const KNOWN: &[&str] = &[
        "@eadir",
        "@recycle",
        "@recently-snapshot",
        "@tmp",
        "#recycle",
        "#snapshot",
        "$recycle.bin",
        "recycler",
        "recycled",
        "system volume information",
        "lost+found",
        "lost.dir",
        "__macosx",
        "__pycache__",
        "thumbs.db",
        "ehthumbs.db",
        "desktop.ini",
        "network trash folder",
        "temporary items",
        "aquota.user",
        "aquota.group",
        "icon\r",
    ];
    if name.starts_with('.') {
        return true;
    }
    if name.is_ascii() {
        // Large folders ask this of every entry.
        let of_check_disk = name.len() == 9
            && name.get(..6).is_some_and(|n| n.eq_ignore_ascii_case("found."))
            && name.bytes().skip(6).all(|b| b.is_ascii_digit());
        return of_check_disk || KNOWN.iter().any(|known| name.eq_ignore_ascii_case(known));
    }
    let lower = name.to_lowercase();
    let of_check_disk =
        lower.strip_prefix("found.").is_some_and(|n| n.len() == 3 && n.bytes().all(|b| b.is_ascii_digit()));
    lower.starts_with('.') || of_check_disk || KNOWN.contains(&lower.as_str())
}

/// Compares names so that runs of digits count as numbers: `9` before `10`.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (Some(x), Some(y)) = (a.first(), b.first()) else { return a.len().cmp(&b.len()) };
        if x.is_ascii_digit() && y.is_ascii_digit() {
            let (na, ra) = digits(a);
            let (nb, rb) = digits(b);
            let order = na.len().cmp(&nb.len()).then_with(|| na.cmp(nb));
            // `01` and `1` are the same number; the longer spelling comes later so that the order is total.
            let order = order.then_with(|| (a.len() - ra.len()).cmp(&(b.len() - rb.len())));
            if order != Ordering::Equal {
                return order;
            }
            (a, b) = (ra, rb);
        } else {
            match x.cmp(y) {
                Ordering::Equal => (a, b) = (&a[1..], &b[1..]),
                other => return other,
            }
        }
    }
}

/// The number at the start without leading zeros, and what follows it.
fn digits(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().position(|c| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let zeros = number.iter().position(|c| *c != b'0').unwrap_or(number.len());
    (&number[zeros..], rest)
}

/// A path as a shell takes it.
pub fn shell_quoted(path: &Path) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,@%".contains(c);
    let text = path.display().to_string();
    if text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_order_counts_numbers() {
        let mut names = ["s10.mp4", "s2.mp4", "s01.mp4", "s1.mp4", "a", "s1_b.mp4"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a", "s1.mp4", "s1_b.mp4", "s01.mp4", "s2.mp4", "s10.mp4"]);
        let mut names = ["img10.png", "img2.png", "img1.png", "img002b.png", "a.png"];
        names.sort_by(|a, b| natural(a, b));
        assert_eq!(names, ["a.png", "img1.png", "img2.png", "img002b.png", "img10.png"]);
    }

    #[test]
    fn what_systems_leave_behind_is_known_and_little_else() {
        for name in [
            ".DS_Store",
            "._s1.mp4",
            ".Trash-1000",
            ".ipynb_checkpoints",
            "@eaDir",
            "$RECYCLE.BIN",
            "Lost+Found",
            "__MACOSX",
            "System Volume Information",
            "#recycle",
            "Thumbs.db",
            "FOUND.000",
        ] {
            assert!(is_system_name(name), "{name}");
        }
        for name in ["wave", "found", "found.mp4", "recycle", "tmp", "trash", "eaDir", "s1.mp4", "$5.mp4"] {
            assert!(!is_system_name(name), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf8_stay_apart() {
        use std::os::unix::ffi::OsStrExt;
        let of = |bytes: &[u8]| name_text(OsStr::from_bytes(bytes));
        assert_eq!(of(b"caf\xe9_1.mp4"), "caf\\xE9_1.mp4");
        assert_ne!(of(b"caf\xe9_1.mp4"), of(b"caf\xe8_1.mp4"));
        assert_eq!(of("Übung.mp4".as_bytes()), "Übung.mp4");
        let path = Path::new(OsStr::from_bytes(b"/data/\xff\xfe.mp4"));
        assert_eq!(leaf(path), "\\xFF\\xFE.mp4");
    }
}
