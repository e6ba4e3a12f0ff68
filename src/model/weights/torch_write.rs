//! Writes weights as `torch.save(state_dict)` does, so that `torch.load(..., weights_only=True)` takes them.

use super::{ArrayValues, NamedArray};
use crate::model::error::ModelError;
use std::path::Path;

/// Folder of all entries, as PyTorch calls it when it has no better name.
const FOLDER: &str = "archive";
/// PyTorch lets numbers begin at multiples of this, so that they can be mapped into memory.
const ALIGNMENT: usize = 64;

/// Writes arrays to a file of PyTorch (1.6 or newer), by way of a temporary file beside it: it appears complete or not
/// at all.
///
/// # Errors
/// A folder that cannot be written, a full disk, more than 4 GiB.
pub fn write_torch(path: &Path, arrays: &[NamedArray]) -> Result<(), ModelError> {
    let bad = |reason: &str| ModelError::BadFile { path: path.to_owned(), reason: reason.to_owned() };
    let mut archive = Archive::default();
    archive.add("data.pkl", &pickle(arrays));
    archive.add("byteorder", b"little");
    for (index, array) in arrays.iter().enumerate() {
        archive.add(&format!("data/{index}"), &super::safetensors::to_bytes(&array.values));
    }
    archive.add("version", b"3\n");
    let file = archive.finish().ok_or_else(|| bad("more than 4 GiB do not fit into it; write safetensors"))?;
    crate::files::replace(path, &file).map_err(|source| ModelError::Write { path: path.to_owned(), source })
}

/// The program that builds a dictionary of tensors.
fn pickle(arrays: &[NamedArray]) -> Vec<u8> {
    let mut out = Pickle(vec![0x80, 2, b'}', b'(']);
    for (index, array) in arrays.iter().enumerate() {
        let (kind, count) = match &array.values {
            ArrayValues::F32(v) => ("FloatStorage", v.len()),
            ArrayValues::I64(v) => ("LongStorage", v.len()),
        };
        let mut strides = vec![1; array.shape.len()];
        for i in (1..array.shape.len()).rev() {
            strides[i - 1] = strides[i] * array.shape[i].max(1);
        }
        out.text(&array.name);
        out.global("torch._utils", "_rebuild_tensor_v2");
        out.0.extend(b"((");
        out.text("storage");
        out.global("torch", kind);
        out.text(&index.to_string());
        out.text("cpu");
        out.number(count);
        out.0.extend(b"tQK\x00");
        out.numbers(&array.shape);
        out.numbers(&strides);
        // requires_grad is false, and there are no hooks.
        out.0.push(0x89);
        out.global("collections", "OrderedDict");
        out.0.extend(b")RtR");
    }
    out.0.extend(b"u.");
    out.0
}

struct Pickle(Vec<u8>);

impl Pickle {
    fn text(&mut self, text: &str) {
        self.0.push(b'X');
        self.0.extend((text.len() as u32).to_le_bytes());
        self.0.extend(text.bytes());
    }

    fn global(&mut self, module: &str, name: &str) {
        self.0.extend(format!("c{module}\n{name}\n").bytes());
    }

    fn number(&mut self, n: usize) {
        match i32::try_from(n) {
            Ok(n) => {
                self.0.push(b'J');
                self.0.extend(n.to_le_bytes());
            }
            Err(_) => {
                self.0.extend([0x8a, 8]);
                self.0.extend((n as u64).to_le_bytes());
            }
        }
    }

    fn numbers(&mut self, numbers: &[usize]) {
        self.0.push(b'(');
        numbers.iter().for_each(|n| self.number(*n));
        self.0.push(b't');
    }
}

/// A zip archive of entries that are stored as they are.
#[derive(Default)]
struct Archive {
    bytes: Vec<u8>,
    table: Vec<u8>,
    entries: u16,
    too_large: bool,
}

impl Archive {
    fn add(&mut self, name: &str, data: &[u8]) {
        let name = format!("{FOLDER}/{name}");
        let at = self.bytes.len();
        let (Ok(offset), Ok(size)) = (u32::try_from(at), u32::try_from(data.len())) else {
            self.too_large = true;
            return;
        };
        // An extra field of the wanted length moves the data to a round position; its own head takes four bytes.
        let start = at + 30 + name.len() + 4;
        let padding = start.next_multiple_of(ALIGNMENT) - start;
        let mut common = Vec::new();
        common.extend([20, 0]); // version needed
        common.extend([0, 8, 0, 0]); // names are UTF-8; stored
        common.extend([0, 0, 0x21, 0]); // midnight of the first day there is
        common.extend(crc32(data).to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend(size.to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        self.bytes.extend(b"PK\x03\x04");
        self.bytes.extend(&common);
        self.bytes.extend((padding as u16 + 4).to_le_bytes());
        self.bytes.extend(name.bytes());
        self.bytes.extend(b"FB");
        self.bytes.extend((padding as u16).to_le_bytes());
        self.bytes.resize(self.bytes.len() + padding, b'Z');
        self.bytes.extend(data);
        self.table.extend(b"PK\x01\x02\x14\x00");
        self.table.extend(&common);
        self.table.extend([0; 12]); // extra field, comment, disk, attributes
        self.table.extend(offset.to_le_bytes());
        self.table.extend(name.bytes());
        match self.entries.checked_add(1) {
            Some(entries) => self.entries = entries,
            None => self.too_large = true,
        }
    }

    fn finish(mut self) -> Option<Vec<u8>> {
        let (at, size) = (u32::try_from(self.bytes.len()).ok()?, u32::try_from(self.table.len()).ok()?);
        self.bytes.extend(&self.table);
        self.bytes.extend(b"PK\x05\x06\x00\x00\x00\x00");
        self.bytes.extend(self.entries.to_le_bytes());
        self.bytes.extend(self.entries.to_le_bytes());
        self.bytes.extend(size.to_le_bytes());
        self.bytes.extend(at.to_le_bytes());
        self.bytes.extend([0, 0]);
        (!self.too_large).then_some(self.bytes)
    }
}

/// The checksum of zip archives.
pub(super) fn crc32(data: &[u8]) -> u32 {
    crc32fast::hash(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_zip() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
