//! Opening a GPU, and learning which one it is.

use super::probe::Candidate;
use burn::tensor::DeviceKind;
use burn::tensor::wgpu::WgpuInitError;
use std::collections::BTreeMap;
use std::sync::Mutex;

/// What a device that was opened calls itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Name and graphics interface, for people.
    pub adapter: String,
    /// Its driver, with the version where the driver tells one.
    pub driver: String,
}

/// Why a device cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// There is no such device.
    Absent,
    /// There is one that does not open; the reason.
    Fails(String),
}

/// Opens the first device of a kind, once in a process. The adapter is the one that computes from then on, as burn has
/// chosen it: a list of our own could name another one, where a card is reachable through several interfaces.
pub(super) fn open(candidate: Candidate) -> Result<Identity, Refusal> {
    static OPENED: Mutex<BTreeMap<Candidate, Identity>> = Mutex::new(BTreeMap::new());
    // A poisoned lock still holds whole names.
    let mut opened = OPENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = opened.get(&candidate) {
        return Ok(known.clone());
    }
    let identity = match kind(candidate) {
        Some(kind) => open_wgpu(kind)?,
        None if cfg!(feature = "cuda") => {
            Identity { adapter: "NVIDIA GPU, CUDA".to_owned(), driver: "CUDA".to_owned() }
        }
        None => return Err(Refusal::Absent),
    };
    opened.insert(candidate, identity.clone());
    Ok(identity)
}

/// What burn calls a device; `None` for those it does not reach through wgpu.
pub(super) fn kind(candidate: Candidate) -> Option<DeviceKind> {
    Some(match candidate {
        Candidate::Cuda => return None,
        Candidate::Discrete => DeviceKind::DiscreteGpu(0),
        Candidate::Integrated => DeviceKind::IntegratedGpu(0),
        Candidate::Virtual => DeviceKind::VirtualGpu(0),
        Candidate::Software => DeviceKind::Cpu,
    })
}

fn open_wgpu(kind: DeviceKind) -> Result<Identity, Refusal> {
    match burn::tensor::Device::wgpu_options().device_kind(kind).init_with_setup() {
        Ok((_, setup)) => {
            let info = setup.adapter.get_info();
            let driver = format!("{} {}", info.driver, info.driver_info).trim().to_owned();
            Ok(Identity { adapter: format!("{}, {}", info.name, info.backend), driver })
        }
        Err(WgpuInitError::AdapterUnavailable { .. } | WgpuInitError::UnsupportedGraphicsApi { .. }) => {
            Err(Refusal::Absent)
        }
        Err(error) => Err(Refusal::Fails(error.to_string())),
    }
}
