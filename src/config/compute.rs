//! Where and with which numbers a network is trained.

use serde::{Deserialize, Serialize};

/// Where tensors live.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeviceChoice {
    /// CUDA, then the platform GPU, then the CPU.
    #[default]
    Auto,
    /// NVIDIA through CUDA.
    Cuda,
    /// The platform GPU through Vulkan, Metal or DirectX.
    Gpu,
    /// The CPU.
    Cpu,
}

/// Numbers the layers of a network compute with while it learns. Parameters, normalisations, the loss and the optimiser
/// keep 32 bits either way, and so does everything that is written to disk (Micikevicius et al. 2018).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    F32,
    /// 16 bits with 11 of precision. The loss is scaled, so that small gradients do not vanish.
    F16,
    /// 16 bits with the range of 32 and 8 of precision.
    Bf16,
}

impl Precision {
    /// Every kind with its name and what it is, as the form and the command line show them.
    pub const ALL: [(Self, &str, &str); 3] = [
        (Self::F32, "f32", "32 bits everywhere"),
        (Self::F16, "f16", "16-bit layers on a GPU that has them; weights, normalisation and loss keep 32 bits"),
        (Self::Bf16, "bf16", "as f16, with the range of 32 bits and less precision"),
    ];

    /// As it is written in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::Bf16 => "bf16",
        }
    }
}
