//! Files of the safetensors format.

use super::element::Element;
use super::{ArrayInfo, ArrayValues, NamedArray};
use crate::files;
use crate::model::error::ModelError;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::Path;

/// Writes arrays to a safetensors file, by way of a temporary file beside it: it appears complete or not at all. The same
/// arrays and metadata give the same bytes.
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
    let drawn = serde_json::to_vec(&metadata).map_err(|e| bad(e.to_string()))?;
    let sorted = serde_json::to_vec(&metadata.iter().collect::<BTreeMap<_, _>>()).map_err(|e| bad(e.to_string()))?;
    let mut file = safetensors::serialize(views, Some(metadata)).map_err(|e| bad(e.to_string()))?;
    // The writer puts the metadata in the order of a hash map, another one each time: equal weights are equal files.
    let place = file.windows(drawn.len()).position(|w| w == drawn);
    if let Some(place) = place.and_then(|at| file.get_mut(at..at + sorted.len())) {
        place.copy_from_slice(&sorted);
    }
    files::replace(path, &file).map_err(|source| ModelError::Write { path: path.to_owned(), source })
}

pub(super) fn to_bytes(values: &ArrayValues) -> Vec<u8> {
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
    let bytes =
        files::read(path, files::WEIGHTS_LIMIT).map_err(|source| ModelError::Read { path: path.to_owned(), source })?;
    let file = SafeTensorsFile::open(bytes).map_err(bad)?;
    let mut arrays = Vec::with_capacity(file.arrays.len());
    for (index, info) in file.arrays.iter().enumerate() {
        let values = file.values(index).map_err(bad)?;
        arrays.push(NamedArray { name: info.name.clone(), shape: info.shape.clone(), values });
    }
    arrays.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(arrays)
}

/// A safetensors file in memory.
#[derive(Debug)]
pub(super) struct SafeTensorsFile {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
    /// Names, shapes and types, in the order of the file.
    pub arrays: Vec<ArrayInfo>,
}

impl SafeTensorsFile {
    /// Reads the header. The reason for a refusal completes "FILE is not a usable weight file: …".
    pub fn open(bytes: Vec<u8>) -> Result<Self, String> {
        // The reader checks that the header fits the file and that the arrays tile it without gaps or overlaps.
        let read = SafeTensors::read_metadata(&bytes);
        let (header, metadata) = read
            .map_err(|e| unknown_type(&bytes).unwrap_or_else(|| format!("it is damaged or not safetensors ({e})")))?;
        let mut rows: Vec<(ArrayInfo, Range<usize>)> = Vec::new();
        for (name, info) in metadata.tensors() {
            // Named as in the file.
            let kind = format!("{:?}", info.dtype);
            let element = Element::of_safetensors(&kind).ok_or_else(|| of_unknown_type(&name, &kind))?;
            let (begin, end) = info.data_offsets;
            let start = 8 + header;
            rows.push((ArrayInfo { name, shape: info.shape.clone(), element }, start + begin..start + end));
        }
        rows.sort_by(|a, b| a.1.start.cmp(&b.1.start).then_with(|| a.0.name.cmp(&b.0.name)));
        let (arrays, ranges) = rows.into_iter().unzip();
        Ok(Self { bytes, ranges, arrays })
    }

    /// The values of the array at a position of `arrays`.
    pub fn values(&self, index: usize) -> Result<ArrayValues, String> {
        let bytes = self.ranges.get(index).and_then(|r| self.bytes.get(r.clone()));
        let (Some(bytes), Some(info)) = (bytes, self.arrays.get(index)) else {
            return Err("an array is missing".to_owned());
        };
        info.element.values(bytes).ok_or_else(|| info.element.refusal(&info.name))
    }
}

/// Where the header names a type of numbers that safetensors did not have when this was written: the sentence that says
/// so.
fn unknown_type(bytes: &[u8]) -> Option<String> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let header = rest.get(..usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
    let header: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
    header.iter().find_map(|(name, row)| {
        let kind = row.get("dtype")?;
        let known = serde_json::from_value::<Dtype>(kind.clone()).is_ok();
        (!known).then(|| of_unknown_type(name, kind.as_str().unwrap_or_default()))
    })
}

fn of_unknown_type(name: &str, kind: &str) -> String {
    format!(
        "array {name} holds numbers of a type that is not known ({kind}); convert them to float32 and save them again"
    )
}
