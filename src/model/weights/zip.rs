//! The table of contents of a zip archive whose entries are stored as they are, which is how PyTorch writes them.
//!
//! Nothing is unpacked: an entry is a place in the file, and every place is checked to lie within it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// Largest table of contents that is read; one of a thousand tensors takes about 100 KiB.
const LARGEST_TABLE: u64 = 64 << 20;
/// Most bytes from the end of the file in which the end record can begin: itself, and a comment.
const END_REACH: u64 = 22 + 65_535;
/// A value in a 32-bit field that says that the true one stands elsewhere.
const ELSEWHERE: u64 = 0xFFFF_FFFF;

/// Why an archive was refused. Completes the sentence "FILE is not a usable weight file: …".
#[derive(Debug, thiserror::Error)]
pub(super) enum ZipError {
    #[error("its end is missing; it was probably cut off while copying or downloading, so fetch it again")]
    NoEnd,
    #[error("it is a damaged archive ({0}); fetch or save it again")]
    Damaged(&'static str),
    #[error("entry '{0}' is encrypted, which torch.save never does")]
    Encrypted(String),
    #[error(
        "entry '{0}' is compressed, which torch.save never does; unpack the archive and save the weights with PyTorch"
    )]
    Compressed(String),
    #[error("two entries are named '{0}'")]
    Twice(String),
    #[error("entry '{0}' is missing")]
    Missing(String),
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
}

use ZipError::Damaged;

/// An entry as the table of contents tells it.
#[derive(Clone, Copy, Debug)]
struct Entry {
    header: u64,
    size: u64,
    checksum: u32,
    /// Why it cannot be read; an archive of something else is named by what is in it.
    fault: Option<Fault>,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Encrypted,
    Compressed,
}

/// The table of contents.
#[derive(Debug)]
pub(super) struct Archive {
    entries: HashMap<String, Entry>,
    len: u64,
}

/// Reads little-endian numbers one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, n: usize) -> Result<&'a [u8], ZipError> {
        let (taken, rest) = self.0.split_at_checked(n).ok_or(Damaged("its table of contents is too short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, n: usize) -> Result<u64, ZipError> {
        Ok(self.take(n)?.iter().rev().fold(0, |sum, b| sum << 8 | u64::from(*b)))
    }
}

/// `n` bytes at a place that is known to lie within the file.
pub(super) fn bytes_at(file: &mut File, at: u64, n: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; n as usize];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut bytes)?;
    Ok(bytes)
}

impl Archive {
    /// Reads the table of contents of a file of `len` bytes.
    pub fn open(file: &mut File, len: u64) -> Result<Self, ZipError> {
        let (count, size, at) = end(file, len)?;
        let fits = at.checked_add(size).is_some_and(|end| end <= len);
        // An entry of the table has at least 46 bytes.
        if !fits || size > LARGEST_TABLE || count.checked_mul(46).is_none_or(|least| least > size) {
            return Err(Damaged("its table of contents does not lie within it"));
        }
        let table = bytes_at(file, at, size)?;
        let mut fields = Fields(&table);
        let mut entries = HashMap::with_capacity(count as usize);
        for _ in 0..count {
            let (name, entry) = row(&mut fields, len)?;
            if entries.insert(name.clone(), entry).is_some() {
                return Err(ZipError::Twice(name));
            }
        }
        Ok(Self { entries, len })
    }

    /// Names of all entries.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// What the checksum of an entry's bytes should be.
    pub fn checksum(&self, name: &str) -> Option<u32> {
        self.entries.get(name).map(|e| e.checksum)
    }

    /// Where the bytes of an entry begin, and how many there are.
    pub fn place(&self, file: &mut File, name: &str) -> Result<(u64, u64), ZipError> {
        let entry = self.entries.get(name).ok_or_else(|| ZipError::Missing(name.to_owned()))?;
        match entry.fault {
            Some(Fault::Encrypted) => return Err(ZipError::Encrypted(name.to_owned())),
            Some(Fault::Compressed) => return Err(ZipError::Compressed(name.to_owned())),
            None => {}
        }
        let outside = Damaged("an entry does not lie within it");
        if entry.header.checked_add(30).is_none_or(|end| end > self.len) {
            return Err(outside);
        }
        let header = bytes_at(file, entry.header, 30)?;
        if !header.starts_with(b"PK\x03\x04") {
            return Err(Damaged("an entry does not begin where the table of contents says"));
        }
        // The header's own lengths count: PyTorch pads there, so that numbers begin at round positions.
        let mut lengths = Fields(&header[26..]);
        let start = entry.header + 30 + lengths.number(2)? + lengths.number(2)?;
        match start.checked_add(entry.size) {
            Some(end) if end <= self.len => Ok((start, entry.size)),
            _ => Err(outside),
        }
    }
}

/// Entries, bytes and place of the table of contents.
fn end(file: &mut File, len: u64) -> Result<(u64, u64, u64), ZipError> {
    let reach = END_REACH.min(len);
    let tail = bytes_at(file, len - reach, reach)?;
    let at = tail.windows(4).rposition(|w| w == b"PK\x05\x06").ok_or(ZipError::NoEnd)?;
    if tail.len() < at + 22 {
        return Err(ZipError::NoEnd);
    }
    let mut fields = Fields(&tail[at + 4..]);
    fields.take(6)?; // numbers of disks, entries on this one
    let (count, size, place) = (fields.number(2)?, fields.number(4)?, fields.number(4)?);
    let comment = fields.number(2)? as usize;
    if fields.0.len() < comment {
        return Err(ZipError::NoEnd);
    }
    if count != 0xFFFF && size != ELSEWHERE && place != ELSEWHERE {
        return Ok((count, size, place));
    }
    // Large archives keep the true numbers in a record of their own; a locator just before the end says where.
    let Some(locator) = at.checked_sub(20).map(|l| &tail[l..at]).filter(|l| l.starts_with(b"PK\x06\x07")) else {
        return Ok((count, size, place));
    };
    let record = Fields(&locator[8..]).number(8)?;
    if record.checked_add(56).is_none_or(|end| end > len) {
        return Err(Damaged("its end record does not lie within it"));
    }
    let record = bytes_at(file, record, 56)?;
    if !record.starts_with(b"PK\x06\x06") {
        return Err(Damaged("its end record is not where it should be"));
    }
    let mut fields = Fields(&record[32..]);
    Ok((fields.number(8)?, fields.number(8)?, fields.number(8)?))
}

/// One row of the table of contents of a file of `len` bytes.
fn row(fields: &mut Fields<'_>, len: u64) -> Result<(String, Entry), ZipError> {
    if fields.take(4)? != b"PK\x01\x02" {
        return Err(Damaged("its table of contents is not readable"));
    }
    fields.take(4)?; // versions
    let (flags, method) = (fields.number(2)?, fields.number(2)?);
    fields.take(4)?; // time, date
    let checksum = fields.number(4)? as u32;
    let (mut packed, mut size) = (fields.number(4)?, fields.number(4)?);
    let (name, extra, comment) = (fields.number(2)?, fields.number(2)?, fields.number(2)?);
    fields.take(8)?; // disk, attributes
    let mut header = fields.number(4)?;
    let name = String::from_utf8_lossy(fields.take(name as usize)?).into_owned();
    let mut extra = Fields(fields.take(extra as usize)?);
    fields.take(comment as usize)?;
    while extra.0.len() >= 4 {
        let (kind, length) = (extra.number(2)?, extra.number(2)?);
        let Ok(field) = extra.take(length as usize) else { break };
        if kind == 1 {
            let mut wide = Fields(field);
            for value in [&mut size, &mut packed, &mut header] {
                if *value == ELSEWHERE {
                    *value = wide.number(8)?;
                }
            }
        }
    }
    let fault = match (flags & 1, method) {
        (0, 0) => None,
        (0, _) => Some(Fault::Compressed),
        _ => Some(Fault::Encrypted),
    };
    let fits = header.checked_add(packed).is_some_and(|end| end <= len);
    if !fits || fault.is_none() && packed != size {
        return Err(Damaged("an entry does not lie within it"));
    }
    Ok((name, Entry { header, size, checksum, fault }))
}
