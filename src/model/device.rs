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

    /// The device for a choice, and sentences about what could not be had. This version computes on the CPU; a GPU that
    /// was asked for by name is refused in words and never silently.
    pub fn choose(choice: DeviceChoice) -> (Self, Vec<String>) {
        let messages = match choice {
            DeviceChoice::Auto | DeviceChoice::Cpu => Vec::new(),
            DeviceChoice::Gpu | DeviceChoice::Cuda => {
                vec!["this version of kinolens computes on the CPU only; the GPU asked for is not used".to_owned()]
            }
        };
        (Self::cpu(), messages)
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
