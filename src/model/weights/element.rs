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
    /// One that is known and not read.
    Other(&'static Other),
}

/// A type of number that is not read: there are no weights in it as they stand.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Other {
    /// Name of PyTorch's `dtype`.
    name: &'static str,
    /// Name of PyTorch's storage class, without "Storage"; empty where it has none.
    storage: &'static str,
    /// Name in a safetensors file; empty where it has none.
    safetensors: &'static str,
    /// Bytes of one, or of as many as share a byte.
    size: u64,
}

const fn other(name: &'static str, storage: &'static str, safetensors: &'static str, size: u64) -> Other {
    Other { name, storage, safetensors, size }
}

/// Every type that PyTorch and safetensors have and that is not read.
static OTHERS: [Other; 27] = [
    other("complex32", "", "", 4),
    other("complex64", "ComplexFloat", "C64", 8),
    other("complex128", "ComplexDouble", "", 16),
    other("uint16", "", "U16", 2),
    other("uint32", "", "U32", 4),
    other("uint64", "", "U64", 8),
    other("float8_e4m3fn", "", "F8_E4M3", 1),
    other("float8_e5m2", "", "F8_E5M2", 1),
    other("float8_e4m3fnuz", "", "F8_E4M3FNUZ", 1),
    other("float8_e5m2fnuz", "", "F8_E5M2FNUZ", 1),
    other("float8_e8m0fnu", "", "F8_E8M0", 1),
    other("float4_e2m1fn_x2", "", "F4", 1),
    other("float6_e2m3", "", "F6_E2M3", 1),
    other("float6_e3m2", "", "F6_E3M2", 1),
    other("bits8", "", "", 1),
    other("bits16", "", "", 2),
    other("bits1x8", "", "", 1),
    other("bits2x4", "", "", 1),
    other("bits4x2", "", "", 1),
    other("int4", "", "", 1),
    other("uint4", "", "", 1),
    other("uint2", "", "", 1),
    other("qint8", "QInt8", "", 1),
    other("quint8", "QUInt8", "", 1),
    other("qint32", "QInt32", "", 4),
    other("quint4x2", "QUInt4x2", "", 1),
    other("quint2x4", "QUInt2x4", "", 1),
];

fn among_others(is: impl Fn(&Other) -> bool) -> Option<Element> {
    OTHERS.iter().find(|other| is(other)).map(Element::Other)
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
            "" => return None,
            name => return among_others(|other| other.storage == name),
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
            name => return among_others(|other| other.name == name),
        })
    }

    /// By its name in a safetensors file.
    pub fn of_safetensors(name: &str) -> Option<Self> {
        Some(match name {
            "F64" => Self::F64,
            "F32" => Self::F32,
            "F16" => Self::F16,
            "BF16" => Self::Bf16,
            "I64" => Self::I64,
            "I32" => Self::I32,
            "I16" => Self::I16,
            "I8" => Self::I8,
            "U8" => Self::U8,
            "BOOL" => Self::Bool,
            "" => return None,
            name => return among_others(|other| other.safetensors == name),
        })
    }

    /// Bytes of one.
    pub fn size(self) -> u64 {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
            Self::Other(other) => other.size,
        }
    }

    /// For people: as PyTorch calls it.
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
            Self::Other(other) => other.name,
        }
    }

    /// True for the numbers with a fraction that are read.
    pub fn is_float(self) -> bool {
        matches!(self, Self::F64 | Self::F32 | Self::F16 | Self::Bf16)
    }

    /// Why an array of such numbers is not taken for weights, and what to do. Completes "FILE is not a usable weight
    /// file: …".
    pub fn refusal(self, array: &str) -> String {
        let kind = self.name();
        let scales = match kind.starts_with("complex") {
            true => "",
            false => {
                "; if they were quantised, save those from before the quantising, because the numbers alone are not the \
                 weights"
            }
        };
        format!(
            "array {array} holds {kind} numbers, and weights are read as float64, float32, float16 or bfloat16. Convert \
             the weights in Python with .float() and save them again{scales}"
        )
    }

    /// Little-endian bytes as values: with a fraction `f32`, whole ones `i64`. `None` for types that are not read.
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
            Self::Other(_) => return None,
        })
    }
}
