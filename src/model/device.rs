//! Where tensors live: choosing a device that works.

use crate::config::DeviceChoice;
use burn::tensor::Device;

/// A device that computes.
#[derive(Clone, Debug)]
pub struct ComputeDevice {
    device: Device,
    title: String,
}

impl ComputeDevice {
    /// The CPU.
    pub fn cpu() -> Self {
        let threads = rayon::current_num_threads();
        Self { device: Device::flex(), title: format!("CPU, {threads} threads") }
    }

    /// Chooses.
    pub fn choose(_choice: DeviceChoice) -> (Self, Vec<String>) {
        (Self::cpu(), Vec::new())
    }

    /// For people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The device tensors are made on.
    pub fn tensor_device(&self) -> Device {
        self.device.clone()
    }
}
