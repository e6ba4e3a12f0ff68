//! Weights in and out, under PyTorch's names and in its layouts.
//!
//! Own checkpoints come and go by [`Network::save`] and [`Network::load`]: safetensors, every array exactly. Foreign
//! weights come by [`Network::init_from`]: whatever PyTorch users have, matched by architecture, with a report of what
//! was taken and what was not.

mod choice;
mod element;
mod file;
mod fit;
mod globals;
mod inflate;
mod locate;
mod names;
mod pickle;
mod report;
mod safetensors;
mod torch;
mod torch_write;
mod tree;
mod zip;

pub use file::{WeightFile, WeightFormat};
pub use fit::{inspect, looks_like};
pub use report::{ClassLayer, Match, Misfit, WeightReport};
pub use safetensors::{read_safetensors, write_safetensors};
pub use torch_write::write_torch;

use super::error::ModelError;
use super::network::Network;
use super::parameters::{Entry, EntryKind, flat};
use super::readback::read;
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

/// An array of a file that has not been read yet.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ArrayInfo {
    /// Name, as the file has it.
    name: String,
    shape: Vec<usize>,
    element: element::Element,
}

impl ArrayInfo {
    /// Numbers it has.
    fn len(&self) -> u64 {
        self.shape.iter().fold(1, |n, s| n.saturating_mul(*s as u64))
    }
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
