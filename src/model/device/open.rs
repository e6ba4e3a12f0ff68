//! Opening a GPU, and learning which one it is.

use super::protocol::Candidate;
use super::tuning_cache::keep_between_runs;
use burn::tensor::wgpu::WgpuInitError;
use burn::tensor::{Device, DeviceKind};
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

/// Opens the `index`th device of a kind, once in a process. The adapter is the one that computes from then on, as burn has
/// chosen it: a list of our own could name another one, where a card is reachable through several interfaces.
pub(super) fn open(candidate: Candidate, index: usize) -> Result<Identity, Refusal> {
    static OPENED: Mutex<BTreeMap<(Candidate, usize), Identity>> = Mutex::new(BTreeMap::new());
    // A poisoned lock still holds whole names.
    let mut opened = OPENED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(known) = opened.get(&(candidate, index)) {
        return Ok(known.clone());
    }
    keep_between_runs();
    let identity = match kind(candidate, index) {
        Some(kind) => open_wgpu(kind)?,
        None => open_cuda(index)?,
    };
    opened.insert((candidate, index), identity.clone());
    Ok(identity)
}

/// What burn calls a device; `None` for those it does not reach through wgpu.
pub(super) fn kind(candidate: Candidate, index: usize) -> Option<DeviceKind> {
    Some(match candidate {
        Candidate::Cuda => return None,
        Candidate::Discrete => DeviceKind::DiscreteGpu(index),
        Candidate::Integrated => DeviceKind::IntegratedGpu(index),
        Candidate::Virtual => DeviceKind::VirtualGpu(index),
        Candidate::Software => DeviceKind::Cpu,
    })
}

#[cfg(feature = "cuda")]
fn open_cuda(index: usize) -> Result<Identity, Refusal> {
    let devices = Device::enumerate(burn::tensor::DeviceType::Cuda);
    let device = devices.get(index).ok_or(Refusal::Absent)?;
    let name = device.identity().map_or_else(|| "NVIDIA GPU".to_owned(), |identity| identity.name);
    Ok(Identity { adapter: format!("{name}, CUDA"), driver: "CUDA".to_owned() })
}

#[cfg(not(feature = "cuda"))]
fn open_cuda(_index: usize) -> Result<Identity, Refusal> {
    Err(Refusal::Absent)
}

fn open_wgpu(kind: DeviceKind) -> Result<Identity, Refusal> {
    match Device::wgpu_options().device_kind(kind).init_with_setup() {
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

/// True where tensors of this device are computed by a driver that imitates a GPU on the processor.
pub(in crate::model) fn is_software(device: &Device) -> bool {
    device.clone().without_autodiff() == device_of(Candidate::Software, 0)
}

pub(super) fn device_of(candidate: Candidate, index: usize) -> Device {
    match kind(candidate, index) {
        Some(kind) => Device::wgpu(kind),
        #[cfg(feature = "cuda")]
        None => Device::cuda(index),
        #[cfg(not(feature = "cuda"))]
        None => Device::flex(),
    }
}
