//! Weights in and out, under PyTorch's names and in its layouts.

use super::error::ModelError;
use super::network::{Network, read};
use super::store::{Entry, EntryKind, flat};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;
use std::path::Path;

/// Values of a [`NamedArray`].
#[derive(Clone, Debug, PartialEq)]
pub enum ArrayValues {
    /// Floating point.
    F32(Vec<f32>),
    /// Counters.
    I64(Vec<i64>),
}

impl ArrayValues {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::I64(v) => v.len(),
        }
    }

    /// True without values.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// An array as files hold it.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedArray {
    /// Name, as in PyTorch's `state_dict`.
    pub name: String,
    /// Shape; empty for a single number.
    pub shape: Vec<usize>,
    /// `shape.product()` values in C order.
    pub values: ArrayValues,
}

/// What loading did with each array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Arrays that were taken.
    pub matched: Vec<String>,
    /// Arrays the network has and the source lacks.
    pub missing: Vec<String>,
    /// Arrays the source has and the network lacks.
    pub unused: Vec<String>,
    /// Arrays of the same name and another shape: name, the network's shape, the source's.
    pub mismatched: Vec<(String, Vec<usize>, Vec<usize>)>,
}

impl LoadReport {
    /// True when every array of either side found its partner.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unused.is_empty() && self.mismatched.is_empty()
    }

    /// What did not fit, for people.
    fn problem(&self) -> String {
        let some = |names: &[String]| match names {
            [one] => one.clone(),
            [first, rest @ ..] => format!("{first} and {} more", rest.len()),
            [] => String::new(),
        };
        let mut parts = Vec::new();
        if let [(name, want, got), rest @ ..] = self.mismatched.as_slice() {
            let more = if rest.is_empty() { String::new() } else { format!(" (and {} more)", rest.len()) };
            parts.push(format!("{name} should have shape {want:?} but has {got:?}{more}"));
        }
        if !self.missing.is_empty() {
            parts.push(format!("missing: {}", some(&self.missing)));
        }
        if !self.unused.is_empty() {
            parts.push(format!("unknown to the network: {}", some(&self.unused)));
        }
        parts.join("; ")
    }
}

impl Network {
    /// Every array of the network: parameters, running statistics and counters, in PyTorch's order.
    ///
    /// # Errors
    /// A device that was lost.
    pub fn state_dict(&self) -> Result<Vec<NamedArray>, ModelError> {
        let array = |e: &Entry| {
            let values = match e.kind {
                EntryKind::Counter(n) => ArrayValues::I64(vec![n]),
                EntryKind::Parameter { .. } | EntryKind::Buffer => ArrayValues::F32(read(e.value.clone())?),
            };
            Ok(NamedArray { name: e.name.clone(), shape: e.shape.clone(), values })
        };
        self.store.iter().map(array).collect()
    }

    /// Takes the arrays whose name and shape fit. `strict` refuses, changing nothing, unless all fit; a source
    /// without counters is complete all the same.
    ///
    /// # Errors
    /// With `strict`, arrays that are missing, unknown or of another shape.
    pub fn load_state_dict(&mut self, arrays: &[NamedArray], strict: bool) -> Result<LoadReport, ModelError> {
        let mut by_name: HashMap<&str, &NamedArray> = arrays.iter().map(|a| (a.name.as_str(), a)).collect();
        let mut report = LoadReport::default();
        let mut taken: Vec<Option<&NamedArray>> = Vec::new();
        for entry in self.store.iter() {
            let found = by_name.remove(entry.name.as_str());
            let fits = found.filter(|a| fits(entry, a));
            match (found, fits) {
                (Some(_), Some(_)) => report.matched.push(entry.name.clone()),
                (Some(a), None) => report.mismatched.push((entry.name.clone(), entry.shape.clone(), a.shape.clone())),
                (None, _) if matches!(entry.kind, EntryKind::Counter(_)) => {}
                (None, _) => report.missing.push(entry.name.clone()),
            }
            taken.push(fits);
        }
        report.unused =
            arrays.iter().filter(|a| by_name.contains_key(a.name.as_str())).map(|a| a.name.clone()).collect();
        if strict && !report.is_complete() {
            let model = self.spec().title.to_owned();
            return Err(ModelError::Mismatch { model, problem: report.problem() });
        }
        let device = self.store.device().clone();
        for (entry, array) in self.store.iter_mut().zip(taken) {
            match (&mut entry.kind, array.map(|a| &a.values)) {
                (EntryKind::Counter(n), Some(ArrayValues::I64(v))) => *n = v.first().copied().unwrap_or(0),
                (EntryKind::Parameter { .. } | EntryKind::Buffer, Some(ArrayValues::F32(v))) => {
                    entry.value = flat(v.clone(), &device);
                }
                _ => {}
            }
        }
        Ok(report)
    }

    /// Writes all arrays to a safetensors file that `load_state_dict` of PyTorch takes. The file appears complete or
    /// not at all.
    ///
    /// # Errors
    /// A device that was lost, a folder that cannot be written, a full disk.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        let metadata =
            HashMap::from([("format".to_owned(), "pt".to_owned()), ("model".to_owned(), self.spec().id.to_owned())]);
        write_safetensors(path, &self.state_dict()?, metadata)
    }

    /// Reads all arrays from a safetensors file.
    ///
    /// # Errors
    /// A file that cannot be read or is damaged; with `strict`, arrays that do not fit.
    pub fn load(&mut self, path: &Path, strict: bool) -> Result<LoadReport, ModelError> {
        self.load_state_dict(&read_safetensors(path)?, strict)
    }
}

/// True when the array can become the entry's value. PyTorch writes counters as shape [] or [1].
fn fits(entry: &Entry, array: &NamedArray) -> bool {
    match (&entry.kind, &array.values) {
        (EntryKind::Counter(_), ArrayValues::I64(v)) => v.len() == 1,
        (EntryKind::Parameter { .. } | EntryKind::Buffer, ArrayValues::F32(v)) => {
            entry.shape == array.shape && v.len() == entry.len()
        }
        _ => false,
    }
}

/// Writes arrays to a safetensors file, by way of a temporary file beside it: it appears complete or not at all.
///
/// # Errors
/// A folder that cannot be written, a full disk, two arrays of one name.
pub fn write_safetensors(
    path: &Path,
    arrays: &[NamedArray],
    metadata: HashMap<String, String>,
) -> Result<(), ModelError> {
    let bad = |reason: String| ModelError::BadFile { path: path.to_owned(), reason };
    let bytes: Vec<Vec<u8>> = arrays.iter().map(|a| to_bytes(&a.values)).collect();
    let views = arrays.iter().zip(&bytes).map(|(array, bytes)| {
        let dtype = match array.values {
            ArrayValues::F32(_) => Dtype::F32,
            ArrayValues::I64(_) => Dtype::I64,
        };
        Ok((array.name.as_str(), TensorView::new(dtype, array.shape.clone(), bytes)?))
    });
    let views = views.collect::<Result<Vec<_>, safetensors::SafeTensorError>>().map_err(|e| bad(e.to_string()))?;
    let file = safetensors::serialize(views, Some(metadata)).map_err(|e| bad(e.to_string()))?;
    crate::files::replace(path, &file).map_err(|source| ModelError::Write { path: path.to_owned(), source })
}

fn to_bytes(values: &ArrayValues) -> Vec<u8> {
    match values {
        ArrayValues::F32(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
        ArrayValues::I64(v) => v.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}

/// Reads every array of a safetensors file. Other floating-point types become `f32`, other integers `i64`.
///
/// # Errors
/// A file that cannot be read, is damaged, lies about its contents, or holds types weights do not have.
pub fn read_safetensors(path: &Path) -> Result<Vec<NamedArray>, ModelError> {
    let bad = |reason: String| ModelError::BadFile { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(|source| ModelError::Read { path: path.to_owned(), source })?;
    // The reader checks that the header fits the file and that the arrays tile it without gaps or overlaps.
    let file = SafeTensors::deserialize(&bytes).map_err(|e| bad(format!("it is damaged or not safetensors ({e})")))?;
    let mut arrays = Vec::with_capacity(file.len());
    for (name, view) in file.iter() {
        let values = from_bytes(view.dtype(), view.data())
            .ok_or_else(|| bad(format!("array {name} has the type {:?}, which weights do not use", view.dtype())))?;
        arrays.push(NamedArray { name: name.to_owned(), shape: view.shape().to_vec(), values });
    }
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(arrays)
}

fn from_bytes(dtype: Dtype, bytes: &[u8]) -> Option<ArrayValues> {
    let (pairs, quads, octets) = (bytes.as_chunks::<2>().0, bytes.as_chunks::<4>().0, bytes.as_chunks::<8>().0);
    Some(match dtype {
        Dtype::F32 => ArrayValues::F32(quads.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        Dtype::F64 => ArrayValues::F32(octets.iter().map(|b| f64::from_le_bytes(*b) as f32).collect()),
        Dtype::F16 => ArrayValues::F32(pairs.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect()),
        Dtype::BF16 => ArrayValues::F32(pairs.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect()),
        Dtype::I64 => ArrayValues::I64(octets.iter().map(|b| i64::from_le_bytes(*b)).collect()),
        Dtype::I32 => ArrayValues::I64(quads.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect()),
        _ => return None,
    })
}
