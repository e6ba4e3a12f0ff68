//! Named arrays as bytes, for the way to other processes.

use super::TrainError;
use crate::model::{ArrayValues, NamedArray};
use serde::{Deserialize, Serialize};

/// What stands before the values of all arrays.
#[derive(Serialize, Deserialize)]
struct Head {
    name: String,
    shape: Vec<usize>,
    /// Values of 64 bits that count, instead of numbers of 32 bits.
    counts: bool,
    length: usize,
}

const TORN: TrainError = TrainError::Internal("arrays from another process cannot be read");

/// Arrays as bytes.
pub(super) fn pack(arrays: &[NamedArray]) -> Result<Vec<u8>, TrainError> {
    let head = |a: &NamedArray| {
        let (counts, length) = match &a.values {
            ArrayValues::F32(values) => (false, values.len()),
            ArrayValues::I64(values) => (true, values.len()),
        };
        Head { name: a.name.clone(), shape: a.shape.clone(), counts, length }
    };
    let heads: Vec<Head> = arrays.iter().map(head).collect();
    let text = serde_json::to_vec(&heads).map_err(|_| TrainError::Internal("names of arrays cannot be written"))?;
    let mut out = (text.len() as u64).to_le_bytes().to_vec();
    out.extend(text);
    for array in arrays {
        match &array.values {
            ArrayValues::F32(values) => out.extend_from_slice(bytemuck::cast_slice(values)),
            ArrayValues::I64(values) => out.extend_from_slice(bytemuck::cast_slice(values)),
        }
    }
    Ok(out)
}

/// Arrays that [`pack`] wrote.
pub(super) fn unpack(bytes: &[u8]) -> Result<Vec<NamedArray>, TrainError> {
    let (length, rest) = bytes.split_first_chunk::<8>().ok_or(TORN)?;
    let (text, mut rest) = rest.split_at_checked(u64::from_le_bytes(*length) as usize).ok_or(TORN)?;
    let heads: Vec<Head> = serde_json::from_slice(text).map_err(|_| TORN)?;
    let mut out = Vec::with_capacity(heads.len());
    for Head { name, shape, counts, length } in heads {
        let (own, behind) = rest.split_at_checked(length * if counts { 8 } else { 4 }).ok_or(TORN)?;
        let values = if counts {
            ArrayValues::I64(own.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect())
        } else {
            ArrayValues::F32(own.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect())
        };
        out.push(NamedArray { name, shape, values });
        rest = behind;
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_arrive_bit_by_bit() {
        let odd = [f32::NAN, f32::MIN_POSITIVE, -0.0, 1.0 + f32::EPSILON];
        let arrays = [
            NamedArray { name: "a".into(), shape: vec![2, 2], values: ArrayValues::F32(odd.to_vec()) },
            NamedArray { name: "b".into(), shape: vec![], values: ArrayValues::I64(vec![-7]) },
            NamedArray { name: "c".into(), shape: vec![0], values: ArrayValues::F32(Vec::new()) },
        ];
        let packed = pack(&arrays).unwrap();
        let back = unpack(&packed).unwrap();
        assert_eq!(pack(&back).unwrap(), packed);
        assert_eq!((back[0].name.as_str(), &back[1].values), ("a", &ArrayValues::I64(vec![-7])));
        let ArrayValues::F32(values) = &back[0].values else { panic!() };
        assert!(values.iter().zip(odd).all(|(a, b)| a.to_bits() == b.to_bits()));
        assert!(unpack(&packed[..packed.len() - 1]).is_err() && unpack(&[]).is_err());
    }
}
