//! Text files as people's programs write them: UTF-8 with or without a byte order mark, Windows-1252, and every kind of
//! line end.

use crate::data::DataError;
use crate::files;
use std::path::Path;

/// What Windows-1252 has at 0x80 to 0x9F; the rest of it is Latin-1.
const CP1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Bytes that tell UTF-16 without a mark.
const LOOKED_AT: usize = 512;

/// Letters of a line or a cell that a sentence shows.
const SHOWN: usize = 60;

/// The text of a file.
#[derive(Debug, Default)]
pub(in crate::data) struct Text {
    pub(in crate::data) text: String,
    /// What its owner should know about how it was read.
    pub(in crate::data) note: Option<String>,
}

/// The bytes of a text file without a byte order mark.
///
/// # Errors
/// A file that cannot be read, or one in UTF-16.
pub(in crate::data) fn read_bytes(path: &Path) -> Result<Vec<u8>, DataError> {
    let mut bytes = files::read(path, files::TABLE_LIMIT).map_err(|e| DataError::read(path, &e))?;
    if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) {
        bytes.drain(..3);
    }
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let marked = head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]);
    if marked || head.iter().filter(|b| **b == 0).count() * 3 > head.len() {
        return Err(DataError::Read {
            path: path.to_path_buf(),
            reason: "line 1: it is UTF-16 text; save it as UTF-8".into(),
        });
    }
    Ok(bytes)
}

/// The text of a file.
///
/// # Errors
/// As [`read_bytes`].
pub(in crate::data) fn read(path: &Path) -> Result<Text, DataError> {
    let bytes = read_bytes(path)?;
    Ok(match String::from_utf8(bytes) {
        Ok(text) => Text { text, note: None },
        Err(e) => Text {
            text: e.as_bytes().iter().map(|b| from_cp1252(*b)).collect(),
            note: Some("it is not UTF-8; it is read as Windows-1252, save it as UTF-8 if names look wrong".into()),
        },
    })
}

fn from_cp1252(byte: u8) -> char {
    CP1252.get(usize::from(byte).wrapping_sub(0x80)).copied().unwrap_or(char::from(byte))
}

/// The lines that are not blank, trimmed, with their numbers in the file from 1. Lines end in LF, CRLF or CR.
pub(in crate::data) fn lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    untrimmed_lines(text).map(|(number, line)| (number, line.trim()))
}

/// As [`lines`], with the spaces around them.
pub(in crate::data) fn untrimmed_lines(text: &str) -> impl Iterator<Item = (u32, &str)> {
    let mut rest = Some(text);
    let mut number = 0_u32;
    std::iter::from_fn(move || {
        let now = rest?;
        number = number.saturating_add(1);
        let end = now.find(['\n', '\r']);
        let (line, after) = match end {
            Some(at) => (&now[..at], Some(&now[at + line_end(&now[at..])..])),
            None => (now, None),
        };
        rest = after;
        Some((number, line))
    })
    .filter(|(_, line)| !line.trim().is_empty())
}

/// What stands somewhere, in short, for sentences.
pub(in crate::data) fn shown(text: &str) -> String {
    text.chars().take(SHOWN).map(|c| if c.is_control() { '?' } else { c }).collect()
}

/// Bytes of the line end at the start of `text`; 0 where there is none.
pub(super) fn line_end(text: &str) -> usize {
    match text.as_bytes() {
        [b'\r', b'\n', ..] => 2,
        [b'\r' | b'\n', ..] => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    #[test]
    fn marks_and_old_encodings_are_read_and_utf16_is_refused() {
        assert_eq!(read(file("\u{feff}é".as_bytes()).path()).unwrap().text, "é");
        let old = read(file(b"caf\xe9 \x80 \x9f").path()).unwrap();
        assert_eq!(old.text, "café € Ÿ");
        assert!(old.note.unwrap().contains("Windows-1252"));
        let plain: Vec<u8> = "a,b\nc,d".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let marked: Vec<u8> = [&[0xFF, 0xFE], plain.as_slice()].concat();
        for bytes in [plain, marked] {
            let error = read(file(&bytes).path()).unwrap_err().to_string();
            assert!(error.contains("UTF-16") && error.contains("line 1"), "{error}");
        }
    }

    #[test]
    fn every_kind_of_line_end_counts_once() {
        for text in ["a\n\n b \nc", "a\r\r b \rc\r", "a\r\n\r\n b \r\nc\r\n"] {
            assert_eq!(lines(text).collect::<Vec<_>>(), [(1, "a"), (3, "b"), (4, "c")], "{text:?}");
        }
        assert_eq!(lines("").count(), 0);
        assert_eq!(untrimmed_lines(" a \r\n \r\nb;  \n").collect::<Vec<_>>(), [(1, " a "), (3, "b;  ")]);
    }
}
