//! A weight file of whatever kind, told by its contents.

use super::safetensors::SafeTensorsFile;
use super::torch::{LEGACY_MAGIC, TorchError, TorchFile};
use super::{ArrayInfo, ArrayValues, NamedArray};
use crate::model::error::ModelError;
use std::fs::File;
use std::path::{Path, PathBuf};

/// Kinds of weight files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum WeightFormat {
    /// What `torch.save` writes since PyTorch 1.6.
    TorchZip,
    /// What `torch.save` wrote before.
    TorchLegacy,
    /// Safetensors.
    SafeTensors,
}

impl WeightFormat {
    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::TorchZip => "PyTorch file",
            Self::TorchLegacy => "PyTorch file of a version before 1.6",
            Self::SafeTensors => "safetensors file",
        }
    }
}

#[derive(Debug)]
enum Body {
    Torch(Box<TorchFile>),
    SafeTensors(SafeTensorsFile),
}

/// A weight file that is open: names and shapes are known, values are read as they are asked for.
#[derive(Debug)]
pub struct WeightFile {
    path: PathBuf,
    format: WeightFormat,
    body: Body,
}

impl WeightFile {
    /// Opens a file; its contents decide what it is, not its name. Nothing in it is run.
    ///
    /// # Errors
    /// A file that cannot be read, or is none of the kinds; the sentence says what it is instead, and what to do.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        let io = |source| ModelError::Read { path: path.to_owned(), source };
        let bad = |reason: String| ModelError::BadFile { path: path.to_owned(), reason };
        let about = std::fs::metadata(path).map_err(io)?;
        if about.is_dir() {
            return Err(bad("it is a folder, and no run of kinolens; name the file of the weights".into()));
        }
        if !about.is_file() {
            return Err(bad("it is no ordinary file".into()));
        }
        let len = about.len();
        let mut file = File::open(path).map_err(io)?;
        let head = super::zip::bytes_at(&mut file, 0, len.min(512)).map_err(io)?;
        let torch = |found: Result<TorchFile, TorchError>| match found {
            Ok(file) => Ok(Body::Torch(Box::new(file))),
            Err(TorchError::Io(source)) => Err(io(source)),
            Err(other) => Err(bad(other.to_string())),
        };
        let (format, body) = if head.starts_with(b"PK\x03\x04") {
            (WeightFormat::TorchZip, torch(TorchFile::open_zip(file, len))?)
        } else if head.len() > 2 && head[0] == LEGACY_MAGIC[0] && head[2..].starts_with(&LEGACY_MAGIC[2..]) {
            (WeightFormat::TorchLegacy, torch(TorchFile::open_legacy(file, len))?)
        } else if is_safetensors(&head, len) {
            let bytes = super::zip::bytes_at(&mut file, 0, len).map_err(io)?;
            (WeightFormat::SafeTensors, Body::SafeTensors(SafeTensorsFile::open(bytes).map_err(bad)?))
        } else {
            let harm = super::torch::asks_to_run(&mut file, &head, len).map_err(io)?;
            return Err(bad(harm.unwrap_or_else(|| what_else(&head).to_owned())));
        };
        let opened = Self { path: path.to_owned(), format, body };
        if opened.arrays().is_empty() {
            return Err(bad("there is no array in it".into()));
        }
        Ok(opened)
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it is.
    pub fn format(&self) -> WeightFormat {
        self.format
    }

    /// The keys that lead to the weights in it; empty where they are all there is.
    pub fn found_under(&self) -> &[String] {
        match &self.body {
            Body::Torch(file) => &file.found_under,
            Body::SafeTensors(_) => &[],
        }
    }

    /// What it holds besides the weights.
    pub fn beside(&self) -> &[String] {
        match &self.body {
            Body::Torch(file) => &file.beside,
            Body::SafeTensors(_) => &[],
        }
    }

    /// Reads every array.
    ///
    /// # Errors
    /// A file that cannot be read any more, or numbers that weights do not use.
    pub fn read(&mut self) -> Result<Vec<NamedArray>, ModelError> {
        let infos = self.arrays().to_vec();
        let read = |(index, info): (usize, ArrayInfo)| {
            Ok(NamedArray { name: info.name, shape: info.shape, values: self.values(index)? })
        };
        infos.into_iter().enumerate().map(read).collect()
    }

    /// Arrays read so far whose bytes are not those that were written, by the file's own checksums.
    pub fn damaged(&self) -> &[String] {
        match &self.body {
            Body::Torch(file) => &file.damaged,
            Body::SafeTensors(_) => &[],
        }
    }

    /// Its arrays, in the order of the file.
    pub(super) fn arrays(&self) -> &[ArrayInfo] {
        match &self.body {
            Body::Torch(file) => &file.arrays,
            Body::SafeTensors(file) => &file.arrays,
        }
    }

    /// The values of the array at a position of [`WeightFile::arrays`].
    pub(super) fn values(&mut self, index: usize) -> Result<ArrayValues, ModelError> {
        let found = match &mut self.body {
            Body::Torch(file) => file.values(index).map_err(|e| e.to_string()),
            Body::SafeTensors(file) => file.values(index),
        };
        found.map_err(|reason| ModelError::BadFile { path: self.path.clone(), reason })
    }
}

/// Eight bytes of length, then a JSON object.
fn is_safetensors(head: &[u8], len: u64) -> bool {
    let Some((length, rest)) = head.split_first_chunk::<8>() else { return false };
    let header = u64::from_le_bytes(*length);
    rest.first() == Some(&b'{') && header <= 100_000_000 && header.checked_add(8).is_some_and(|end| end <= len.max(512))
}

/// What a file is that is no weight file.
fn what_else(head: &[u8]) -> &'static str {
    let is = |magic: &[u8]| head.starts_with(magic);
    if head.is_empty() {
        "it is empty"
    } else if is(b"version https://git-lfs") {
        "it is only a pointer of Git LFS; fetch the file itself with `git lfs pull`"
    } else if is(b"\x89HDF\r\n\x1a\n") {
        "it is an HDF5 file, probably of Keras; kinolens reads files of PyTorch and safetensors"
    } else if is(b"GGUF") {
        "it is a GGUF file, which holds language models"
    } else if is(b"\x1f\x8b") || is(b"BZh") || is(b"\xfd7zXZ") || is(b"7z\xbc\xaf") || is(b"\x28\xb5\x2f\xfd") {
        "it is compressed; unpack it first"
    } else if is(b"PK") {
        "it is an archive without contents"
    } else if head.get(257..262) == Some(b"ustar") {
        "it is a tar archive; unpack it first (files of PyTorch before 0.2 are ones too: save them again with a newer PyTorch)"
    } else if is(&[0x80]) && head.get(1).is_some_and(|v| (2..=5).contains(v)) {
        "it is a pickle that torch.save did not write; save the weights in Python: torch.save(model.state_dict(), \"weights.pth\")"
    } else if head.trim_ascii_start().first() == Some(&b'<') {
        "it is a web page, probably an error message that was saved in place of the weights; fetch them again"
    } else if head.iter().all(|b| (9..=13).contains(b) || (32..127).contains(b) || *b >= 128) {
        "it is text; kinolens reads files of PyTorch (.pth, .pt) and safetensors"
    } else {
        "it is neither a file of PyTorch (.pth, .pt) nor safetensors, or its beginning is damaged"
    }
}
