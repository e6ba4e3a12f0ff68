//! Numbers in 16 bits, for the way between machines.
//!
//! Blocks of [`BLOCK`] numbers have a power of two in common, chosen so that the largest of a block fits well. A number at
//! least 2⁻²⁸ times the largest of its block is off by at most 2⁻¹¹ of itself; a smaller one by at most 2⁻³⁹ of that largest.

use half::f16;

/// Numbers with a common power of two.
const BLOCK: usize = 1024;
/// Exponent of the largest number of a block as it is sent: 16 bits reach up to 2¹⁶.
const TOP: i32 = 14;

/// Numbers as bytes: per block the exponent it was scaled by (16 bits), then 16 bits each.
pub(super) fn encode(values: &[f32]) -> Vec<u8> {
    let mut out = Vec::with_capacity(encoded(values.len()));
    for block in values.chunks(BLOCK) {
        let largest = block.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
        // What is no number anyway goes as it is.
        let shift = if largest.is_finite() && largest > 0.0 { TOP - exponent(largest) } else { 0 };
        out.extend((shift as i16).to_le_bytes());
        let factor = power(shift);
        out.extend(block.iter().flat_map(|v| f16::from_f64(f64::from(*v) * factor).to_le_bytes()));
    }
    out
}

/// Bytes that so many numbers become.
pub(super) fn encoded(numbers: usize) -> usize {
    2 * numbers + 2 * numbers.div_ceil(BLOCK)
}

/// Adds numbers that [`encode`] wrote to `sums`, which are as many.
pub(super) fn add(bytes: &[u8], sums: &mut [f32]) {
    let mut rest = bytes;
    for block in sums.chunks_mut(BLOCK) {
        let Some((head, numbers)) = rest.split_first_chunk::<2>() else { return };
        let factor = power(-i32::from(i16::from_le_bytes(*head)));
        let length = (2 * block.len()).min(numbers.len());
        let (own, behind) = numbers.split_at(length);
        for (sum, pair) in block.iter_mut().zip(own.as_chunks::<2>().0) {
            *sum += (f64::from(f16::from_le_bytes(*pair)) * factor) as f32;
        }
        rest = behind;
    }
}

/// The exponent of a positive number: it is at least 2 to this power, and below twice that.
fn exponent(value: f32) -> i32 {
    let exponent = (value.to_bits() >> 23) as i32;
    if exponent == 0 { -127 } else { exponent - 127 }
}

fn power(exponent: i32) -> f64 {
    2.0_f64.powi(exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(values: &[f32]) -> Vec<f32> {
        let mut out = vec![0.0; values.len()];
        add(&encode(values), &mut out);
        out
    }

    #[test]
    fn what_is_sent_is_off_by_no_more_than_is_said() {
        // Magnitudes over 24 powers of ten, in three blocks, the last of which is short.
        let magnitude = |i: usize| 10.0_f64.powi(-((i * 7) as i32 % 24)) * (1.0 + (i * 37 % 1000) as f64 / 1000.0);
        let values: Vec<f32> = (0..2500).map(|i| (magnitude(i) * if i % 2 == 0 { 1.0 } else { -1.0 }) as f32).collect();
        for (block, sent) in values.chunks(BLOCK).zip(round(&values).chunks(BLOCK)) {
            let largest = block.iter().fold(0.0_f64, |m, v| m.max(f64::from(v.abs())));
            for (value, sent) in block.iter().zip(sent) {
                let (value, off) = (f64::from(*value), (f64::from(*value) - f64::from(*sent)).abs());
                let most =
                    if value.abs() >= largest * power(-28) { value.abs() * power(-11) } else { largest * power(-39) };
                assert!(off <= most, "{value} became {sent}: off by {off}, allowed {most}");
            }
        }
    }

    #[test]
    fn powers_of_two_nothing_and_what_is_no_number_arrive_as_they_are() {
        assert_eq!(round(&[0.0, 0.5, -1.0, 4096.0]), [0.0, 0.5, -1.0, 4096.0]);
        assert_eq!(round(&[0.0; 3]), [0.0; 3]);
        assert_eq!(round(&[1e-44]), [1e-44]);
        let odd = round(&[f32::NAN, f32::INFINITY, 1.0]);
        assert!(odd[0].is_nan() && odd[1] == f32::INFINITY && odd[2] == 1.0);
    }
}
