//! The types of numbers weight files hold.

use super::ArrayValues;

/// A type of number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    I32,
    I16,
    I8,
    U8,
    Bool,
    /// Real and imaginary part, of as many bytes together.
    Complex(u64),
}

impl Element {
    /// By the name of PyTorch's storage class.
    pub fn of_storage(name: &str) -> Option<Self> {
        Some(match name.strip_suffix("Storage")? {
            "Double" => Self::F64,
            "Float" => Self::F32,
            "Half" => Self::F16,
            "BFloat16" => Self::Bf16,
            "Long" => Self::I64,
            "Int" => Self::I32,
            "Short" => Self::I16,
            "Char" => Self::I8,
            "Byte" => Self::U8,
            "Bool" => Self::Bool,
            "ComplexFloat" => Self::Complex(8),
            "ComplexDouble" => Self::Complex(16),
            _ => return None,
        })
    }

    /// By the name of PyTorch's `dtype`.
    pub fn of_type(name: &str) -> Option<Self> {
        Some(match name {
            "float64" | "double" => Self::F64,
            "float32" | "float" => Self::F32,
            "float16" | "half" => Self::F16,
            "bfloat16" => Self::Bf16,
            "int64" | "long" => Self::I64,
            "int32" | "int" => Self::I32,
            "int16" | "short" => Self::I16,
            "int8" => Self::I8,
            "uint8" => Self::U8,
            "bool" => Self::Bool,
            "complex64" => Self::Complex(8),
            "complex128" => Self::Complex(16),
            _ => return None,
        })
    }

    /// Bytes of one.
    pub fn size(self) -> u64 {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::Complex(size) => size,
        }
    }

    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "float64",
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
            Self::I64 => "int64",
            Self::I32 => "int32",
            Self::I16 => "int16",
            Self::I8 => "int8",
            Self::U8 => "uint8",
            Self::Bool => "bool",
            Self::Complex(_) => "complex",
        }
    }

    /// True for numbers with a fraction.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }

    /// Little-endian bytes as values: with a fraction `f32`, whole ones `i64`. `None` for complex numbers.
    pub fn values(self, bytes: &[u8]) -> Option<ArrayValues> {
        let (pairs, quads, octets) = (bytes.as_chunks::<2>().0, bytes.as_chunks::<4>().0, bytes.as_chunks::<8>().0);
        Some(match self {
            Self::F64 => ArrayValues::F32(octets.iter().map(|b| f64::from_le_bytes(*b) as f32).collect()),
            Self::F32 => ArrayValues::F32(quads.iter().map(|b| f32::from_le_bytes(*b)).collect()),
            Self::F16 => ArrayValues::F32(pairs.iter().map(|b| half::f16::from_le_bytes(*b).to_f32()).collect()),
            Self::Bf16 => ArrayValues::F32(pairs.iter().map(|b| half::bf16::from_le_bytes(*b).to_f32()).collect()),
            Self::I64 => ArrayValues::I64(octets.iter().map(|b| i64::from_le_bytes(*b)).collect()),
            Self::I32 => ArrayValues::I64(quads.iter().map(|b| i64::from(i32::from_le_bytes(*b))).collect()),
            Self::I16 => ArrayValues::I64(pairs.iter().map(|b| i64::from(i16::from_le_bytes(*b))).collect()),
            Self::I8 => ArrayValues::I64(bytes.iter().map(|b| i64::from(b.cast_signed())).collect()),
            Self::U8 | Self::Bool => ArrayValues::I64(bytes.iter().map(|b| i64::from(*b)).collect()),
            Self::Complex(_) => return None,
        })
    }
}
