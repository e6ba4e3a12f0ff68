//! Files that `torch.save` wrote: a pickle that describes tensors, and the numbers they look into.

use super::element::Element;
use super::pickle::{self, PickleError};
use super::tree::{Storage, TensorPlace, Tree, Value};
use super::zip::{Archive, ZipError, bytes_at};
use super::{ArrayInfo, ArrayValues};
use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

/// Largest pickle that is read; the numbers of tensors lie beside it.
const LARGEST_PICKLE: u64 = 64 << 20;
/// How a file of PyTorch before 1.6 begins: protocol 2, and a number of ten bytes.
pub(super) const LEGACY_MAGIC: &[u8] =
    &[0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.'];

/// Why a file of PyTorch was refused. Completes the sentence "FILE is not a usable weight file: …".
#[derive(Debug, thiserror::Error)]
pub(super) enum TorchError {
    #[error(transparent)]
    Pickle(#[from] PickleError),
    #[error(transparent)]
    Zip(#[from] ZipError),
    #[error("reading failed: {0}")]
    Io(#[from] std::io::Error),
    #[error(
        "it is a TorchScript program. Take the weights out of it in Python: \
         torch.save(torch.jit.load(\"FILE\").state_dict(), \"weights.pth\")"
    )]
    Script,
    #[error("it is an archive, but not one of torch.save (it has no data.pkl){0}")]
    OtherArchive(String),
    #[error("it was written on a machine with another byte order (big-endian); save it again on an ordinary one")]
    ByteOrder,
    #[error("its description takes {0} MiB, far more than weights need")]
    LargePickle(u64),
    #[error("it ends in the middle; it was probably cut off while copying or downloading, so fetch it again")]
    Truncated,
    #[error("the numbers '{0}' of a tensor are missing")]
    NoStorage(String),
    #[error("the numbers '{key}' of a tensor should take {expected} bytes but take {actual}")]
    StorageSize { key: String, expected: u64, actual: u64 },
    #[error("the numbers '{0}' are described in two ways that do not agree")]
    Disagree(String),
    #[error("it is damaged ({0})")]
    Damaged(&'static str),
    #[error(transparent)]
    Choice(#[from] super::choice::ChoiceError),
    #[error("{0}")]
    Kind(String),
    #[error(
        "it is quantised: the weights of '{0}' are packed as integers, which are not read; save the state_dict of the network \
         as it was before torch.quantization"
    )]
    Quantised(String),
    #[error("its tensors together claim far more numbers than the file holds")]
    Unfolds,
}

type Result<T> = std::result::Result<T, TorchError>;

/// Where the bytes of a storage lie.
#[derive(Clone, Copy, Debug)]
struct Place {
    at: u64,
    bytes: u64,
    /// Checksum of the bytes, where the file has one.
    checksum: Option<u32>,
}

/// A file that is open for its tensors to be read.
#[derive(Debug)]
pub(super) struct TorchFile {
    file: File,
    places: HashMap<String, Place>,
    tensors: Vec<TensorPlace>,
    /// Names, shapes and types of `tensors`.
    pub arrays: Vec<ArrayInfo>,
    /// The keys that lead to the weights.
    pub found_under: Vec<String>,
    /// What else the file holds, for people.
    pub beside: Vec<String>,
    /// Arrays whose bytes are not those that were written.
    pub damaged: Vec<String>,
    /// Bytes that may still be read: tensors may share numbers, but not without bound.
    budget: u64,
}

impl TorchFile {
    /// Opens a zip archive of `len` bytes.
    pub fn open_zip(mut file: File, len: u64) -> Result<Self> {
        let archive = Archive::open(&mut file, len)?;
        let pickles: Vec<&str> = archive.names().filter(|n| *n == "data.pkl" || n.ends_with("/data.pkl")).collect();
        if archive.names().any(|n| n.ends_with("constants.pkl")) {
            return Err(TorchError::Script);
        }
        let [pickle] = pickles.as_slice() else {
            let numpy = archive.names().any(|n| n.ends_with(".npy"));
            let hint = if numpy { "; these are NumPy arrays: save a state_dict with PyTorch" } else { "" };
            return Err(TorchError::OtherArchive(hint.to_owned()));
        };
        let folder = pickle.trim_end_matches("data.pkl").to_owned();
        let (at, bytes) = archive.place(&mut file, pickle)?;
        if bytes > LARGEST_PICKLE {
            return Err(TorchError::LargePickle(bytes >> 20));
        }
        let order = format!("{folder}byteorder");
        if archive.names().any(|n| n == order) {
            let (at, bytes) = archive.place(&mut file, &order)?;
            if bytes_at(&mut file, at, bytes.min(16))? != b"little" {
                return Err(TorchError::ByteOrder);
            }
        }
        let (tree, _) = pickle::read(&bytes_at(&mut file, at, bytes)?)?;
        let mut places = HashMap::new();
        for storage in tree.storages() {
            if !places.contains_key(&storage.key) {
                let name = format!("{folder}data/{}", storage.key);
                let (at, bytes) = archive.place(&mut file, &name).map_err(|e| match e {
                    ZipError::Missing(_) => TorchError::NoStorage(storage.key.clone()),
                    other => other.into(),
                })?;
                let checksum = archive.checksum(&name);
                places.insert(storage.key.clone(), Place { at, bytes, checksum });
            }
        }
        Self::new(file, len, &tree, places)
    }

    /// Opens a file as PyTorch before 1.6 wrote it, of `len` bytes: pickles one after the other (a mark, a version,
    /// facts about the machine, the object, the names of the storages), then the storages.
    pub fn open_legacy(mut file: File, len: u64) -> Result<Self> {
        let head = bytes_at(&mut file, 0, len.min(LARGEST_PICKLE))?;
        let mut at = LEGACY_MAGIC.len();
        let mut next = || -> Result<Tree> {
            let (tree, read) = pickle::read(head.get(at..).unwrap_or_default()).map_err(|e| match e {
                PickleError::Truncated if len > LARGEST_PICKLE => TorchError::LargePickle(LARGEST_PICKLE >> 20),
                other => other.into(),
            })?;
            at += read;
            Ok(tree)
        };
        let (_version, machine, tree, keys) = (next()?, next()?, next()?, next()?);
        if little_endian(&machine) == Some(false) {
            return Err(TorchError::ByteOrder);
        }
        let mut elements: HashMap<&str, Element> = HashMap::new();
        for storage in tree.storages() {
            if *elements.entry(&storage.key).or_insert(storage.element) != storage.element {
                return Err(TorchError::Disagree(storage.key.clone()));
            }
        }
        let Value::List(keys_in_order) = keys.root() else {
            return Err(TorchError::Damaged("the names of its storages are missing"));
        };
        let (mut places, mut at) = (HashMap::new(), at as u64);
        for id in keys_in_order {
            let Value::Text(key) = keys.get(*id) else {
                return Err(TorchError::Damaged("the name of a storage is not text"));
            };
            let Some(element) = elements.get(key.as_str()) else {
                return Err(TorchError::Damaged("it names a storage that nothing uses"));
            };
            // The number of elements, then the elements.
            let begin = at.checked_add(8).filter(|end| *end <= len).ok_or(TorchError::Truncated)?;
            let mut count = [0; 8];
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut count)?;
            let bytes = u64::from_le_bytes(count).checked_mul(element.size()).ok_or(TorchError::Truncated)?;
            at = begin.checked_add(bytes).filter(|end| *end <= len).ok_or(TorchError::Truncated)?;
            places.insert(key.clone(), Place { at: begin, bytes, checksum: None });
        }
        Self::new(file, len, &tree, places)
    }

    fn new(file: File, len: u64, tree: &Tree, places: HashMap<String, Place>) -> Result<Self> {
        let chosen = super::choice::state_dict(tree)?;
        for (_, tensor) in &chosen.tensors {
            check(&tensor.storage, &places)?;
        }
        let (arrays, tensors): (Vec<ArrayInfo>, Vec<TensorPlace>) = chosen
            .tensors
            .into_iter()
            .map(|(name, t)| (ArrayInfo { name, shape: t.shape.clone(), element: t.storage.element }, t))
            .unzip();
        if let Some(layer) = quantised(&arrays) {
            return Err(TorchError::Quantised(layer));
        }
        // Halves double on the way in, and a few tensors may share their numbers.
        let budget = len.saturating_mul(8).saturating_add(16 << 20);
        Ok(Self {
            file,
            places,
            tensors,
            arrays,
            found_under: chosen.path,
            beside: chosen.beside,
            damaged: Vec::new(),
            budget,
        })
    }

    /// The values of the array at a position of `arrays`, in C order.
    pub fn values(&mut self, index: usize) -> Result<ArrayValues> {
        let (Some(tensor), Some(info)) = (self.tensors.get(index), self.arrays.get(index)) else {
            return Err(TorchError::Damaged("an array is missing"));
        };
        let element = tensor.storage.element;
        let count = tensor.shape.iter().try_fold(1_u64, |n, s| n.checked_mul(*s as u64)).ok_or(TorchError::Unfolds)?;
        let wanted = count.checked_mul(element.size().max(4)).ok_or(TorchError::Unfolds)?;
        self.budget = self.budget.checked_sub(wanted).ok_or(TorchError::Unfolds)?;
        let kind = || TorchError::Kind(element.refusal(&info.name));
        if count == 0 {
            return element.values(&[]).ok_or_else(kind);
        }
        let place = self.places.get(&tensor.storage.key).ok_or(TorchError::Truncated)?;
        let first = tensor.storage.start + tensor.offset;
        let span: u64 = tensor.shape.iter().zip(&tensor.strides).map(|(n, stride)| (*n as u64 - 1) * stride).sum();
        // `check` has made sure that this range lies in the storage, and the storage in the file.
        let bytes = bytes_at(&mut self.file, place.at + first * element.size(), (span + 1) * element.size())?;
        if let Some(expected) = place.checksum.filter(|_| bytes.len() as u64 == place.bytes)
            && super::torch_write::crc32(&bytes) != expected
        {
            self.damaged.push(info.name.clone());
        }
        if is_contiguous(&tensor.shape, &tensor.strides) {
            return element.values(&bytes).ok_or_else(kind);
        }
        let gathered = gather(&bytes, element.size() as usize, &tensor.shape, &tensor.strides);
        element.values(&gathered).ok_or_else(kind)
    }
}

/// The warning about a pickle that stands by itself and asks to run something.
pub(super) fn asks_to_run(file: &mut File, head: &[u8], len: u64) -> std::io::Result<Option<String>> {
    if head.first() != Some(&0x80) {
        return Ok(None);
    }
    let bytes = bytes_at(file, 0, len.min(LARGEST_PICKLE))?;
    Ok(pickle::read(&bytes).err().filter(|e| matches!(e, PickleError::Code(_))).map(|e| e.to_string()))
}

/// A layer whose weights PyTorch has packed as integers: its scale and zero point are arrays, and its weights are none.
fn quantised(arrays: &[ArrayInfo]) -> Option<String> {
    let named = |name: String| arrays.iter().any(|array| array.name == name);
    let mut layers = arrays.iter().filter_map(|array| array.name.strip_suffix(".zero_point"));
    // Training for quantisation keeps the weights, and scales of observers beside them.
    let observes = |layer: &str| ["fake_quant", "observer", "post_process"].iter().any(|word| layer.contains(word));
    let packed =
        |layer: &&str| named(format!("{layer}.scale")) && !named(format!("{layer}.weight")) && !observes(layer);
    layers.find(packed).map(str::to_owned)
}

/// Makes sure that a storage is there and as long as it says.
fn check(storage: &Storage, places: &HashMap<String, Place>) -> Result<()> {
    let place = places.get(&storage.key).ok_or_else(|| TorchError::NoStorage(storage.key.clone()))?;
    let end = storage.start.checked_add(storage.count).and_then(|n| n.checked_mul(storage.element.size()));
    match end {
        Some(end) if end <= place.bytes => Ok(()),
        other => Err(TorchError::StorageSize {
            key: storage.key.clone(),
            expected: other.unwrap_or(u64::MAX),
            actual: place.bytes,
        }),
    }
}

fn is_contiguous(shape: &[usize], strides: &[u64]) -> bool {
    let mut expected = 1;
    shape.iter().zip(strides).rev().all(|(n, stride)| {
        let fits = *n == 1 || *stride == expected;
        expected *= *n as u64;
        fits
    })
}

/// Elements of `size` bytes in C order, from bytes that are laid out by `strides`.
fn gather(bytes: &[u8], size: usize, shape: &[usize], strides: &[u64]) -> Vec<u8> {
    let count: usize = shape.iter().product();
    let mut out = Vec::with_capacity(count * size);
    let mut index = vec![0; shape.len()];
    for _ in 0..count {
        let at: u64 = index.iter().zip(strides).map(|(i, stride)| *i as u64 * stride).sum();
        let at = at as usize * size;
        out.extend_from_slice(bytes.get(at..at + size).unwrap_or_default());
        for (i, n) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < *n {
                break;
            }
            *i = 0;
        }
    }
    out
}

/// What the machine's facts say about its byte order.
fn little_endian(machine: &Tree) -> Option<bool> {
    let Value::Dict(rows) = machine.root() else { return None };
    rows.iter().find_map(|(key, value)| match (machine.get(*key), machine.get(*value)) {
        (Value::Text(key), Value::Bool(little)) if key == "little_endian" => Some(*little),
        _ => None,
    })
}
