//! NumPy's file format: a header in text, then the numbers.

/// Values in C order as a `.npy` file of 32-bit floats, version 1.0 of the format (NEP 1).
pub fn npy_bytes(shape: &[usize], values: &[f32]) -> Vec<u8> {
    let axes: String = shape.iter().map(|n| format!("{n}, ")).collect();
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({axes}), }}");
    // Magic, version and length take ten bytes; the numbers begin at a multiple of 64.
    let end = (10 + header.len() + 1).next_multiple_of(64);
    header.extend(std::iter::repeat_n(' ', end - 10 - header.len() - 1));
    header.push('\n');
    let mut out = Vec::with_capacity(end + 4 * values.len());
    out.extend_from_slice(b"\x93NUMPY\x01\x00");
    out.extend_from_slice(&(header.len() as u16).to_le_bytes());
    out.extend_from_slice(header.as_bytes());
    out.extend(values.iter().flat_map(|v| v.to_le_bytes()));
    out
}

#[cfg(test)]
mod tests {
    use super::npy_bytes;

    #[test]
    fn the_header_says_shape_and_type_and_ends_where_numpy_wants_it() {
        let file = npy_bytes(&[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, -6.5]);
        assert_eq!(&file[..8], b"\x93NUMPY\x01\x00");
        let length = usize::from(u16::from_le_bytes([file[8], file[9]]));
        let header = std::str::from_utf8(&file[10..10 + length]).unwrap();
        assert!(header.starts_with("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3, ), }"), "{header}");
        assert!(header.ends_with('\n') && (10 + length).is_multiple_of(64));
        assert_eq!(&file[10 + length + 20..], (-6.5_f32).to_le_bytes());
        assert_eq!(file.len(), 10 + length + 24);
    }
}
