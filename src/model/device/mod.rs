//! Where tensors live: choosing a device that works (S0.14).
//!
//! A graphics driver that crashes takes the whole program with it, and some compute wrong numbers. So a GPU is tried
//! first in a process of its own ([`probe`]): it has to train a small network one step and come to the processor's
//! numbers. Only then it is used here.

pub mod probe;
mod verdict;

use crate::config::DeviceChoice;
use burn::tensor::{Device, DeviceKind};
use probe::Candidate;
pub use verdict::set_program;
use verdict::{Verdict, verdict};

/// A device that computes.
#[derive(Clone, Debug)]
pub struct ComputeDevice {
    device: Device,
    title: String,
    tunes: bool,
}

impl ComputeDevice {
    /// The CPU.
    pub fn cpu() -> Self {
        let threads = rayon::current_num_threads();
        Self { device: Device::flex(), title: format!("CPU, {threads} threads"), tunes: false }
    }

    /// The device for a choice, and sentences about what could not be had.
    ///
    /// "Automatic" takes CUDA, then the platform's GPU, then the CPU, and leaves alone drivers that only pretend to be
    /// a GPU. A GPU that is asked for is never silently replaced.
    pub fn choose(choice: DeviceChoice) -> (Self, Vec<String>) {
        choose(choice, &mut verdict)
    }

    /// A device of the kind named, untested.
    pub(crate) fn of(candidate: Candidate, adapter: &str) -> Self {
        Self { device: device_of(candidate), title: adapter.to_owned(), tunes: true }
    }

    /// For people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// True when the first step takes longer because kernels are compiled for this device.
    pub fn tunes(&self) -> bool {
        self.tunes
    }

    /// The device tensors are made on.
    pub fn tensor_device(&self) -> Device {
        self.device.clone()
    }
}

fn device_of(candidate: Candidate) -> Device {
    match candidate {
        #[cfg(feature = "cuda")]
        Candidate::Cuda => Device::cuda(0_usize),
        Candidate::Discrete => Device::wgpu(DeviceKind::DiscreteGpu(0)),
        Candidate::Integrated => Device::wgpu(DeviceKind::IntegratedGpu(0)),
        Candidate::Virtual => Device::wgpu(DeviceKind::VirtualGpu(0)),
        Candidate::Software => Device::wgpu(DeviceKind::Cpu),
        #[cfg(not(feature = "cuda"))]
        Candidate::Cuda => Device::flex(),
    }
}

/// What can be asked of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The first NVIDIA GPU, through CUDA.
    Cuda,
    /// The best GPU the platform's graphics interface has.
    Gpu,
}

fn choose(choice: DeviceChoice, verdict: &mut dyn FnMut(Wanted) -> Verdict) -> (ComputeDevice, Vec<String>) {
    let mut messages = Vec::new();
    let cuda = cfg!(feature = "cuda");
    let wanted: &[Wanted] = match choice {
        DeviceChoice::Cpu => &[],
        DeviceChoice::Gpu => &[Wanted::Gpu],
        DeviceChoice::Auto if !cuda => &[Wanted::Gpu],
        DeviceChoice::Auto => &[Wanted::Cuda, Wanted::Gpu],
        DeviceChoice::Cuda if !cuda => {
            messages.push(
                "this build of kinolens has no CUDA (build it with --features cuda); NVIDIA GPUs are used through Vulkan"
                    .to_owned(),
            );
            &[Wanted::Gpu]
        }
        DeviceChoice::Cuda => &[Wanted::Cuda, Wanted::Gpu],
    };
    for wanted in wanted {
        match verdict(*wanted) {
            Verdict::Works { candidate: Candidate::Software, .. } if choice == DeviceChoice::Auto => {}
            Verdict::Works { candidate, adapter } => {
                if candidate == Candidate::Software {
                    messages.push(format!(
                        "{adapter} is not a GPU but a program that imitates one; the CPU itself (--device cpu) is faster"
                    ));
                }
                return (ComputeDevice::of(candidate, &adapter), messages);
            }
            Verdict::Absent { reason } if choice == DeviceChoice::Auto => log::info!("{wanted:?}: {reason}"),
            Verdict::Absent { reason } | Verdict::Fails { reason } => messages.push(reason),
        }
    }
    if choice != DeviceChoice::Cpu && !messages.is_empty() {
        messages.push("the CPU is used instead".to_owned());
    }
    (ComputeDevice::cpu(), messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails() -> Verdict {
        Verdict::Fails { reason: "the GPU Foo crashed".into() }
    }

    #[test]
    fn what_does_not_work_is_said_and_the_cpu_is_used() {
        for choice in [DeviceChoice::Auto, DeviceChoice::Gpu, DeviceChoice::Cuda] {
            let (device, messages) = choose(choice, &mut |_| fails());
            assert!(device.title().starts_with("CPU"), "{choice:?}");
            assert!(messages.iter().any(|m| m.contains("Foo crashed")), "{messages:?}");
            assert!(messages.last().is_some_and(|m| m.contains("the CPU is used")), "{messages:?}");
        }
    }

    #[test]
    fn no_gpu_is_no_news_unless_one_was_asked_for() {
        let absent = |_| Verdict::Absent { reason: "no GPU was found".into() };
        assert_eq!(choose(DeviceChoice::Auto, &mut { absent }).1, Vec::<String>::new());
        assert_eq!(choose(DeviceChoice::Gpu, &mut { absent }).1.len(), 2);
    }

    #[test]
    fn software_is_used_only_when_named() {
        let software = |_| Verdict::Works { candidate: Candidate::Software, adapter: "llvmpipe".into() };
        let (device, messages) = choose(DeviceChoice::Auto, &mut { software });
        assert!(device.title().starts_with("CPU") && messages.is_empty());
        let (device, messages) = choose(DeviceChoice::Gpu, &mut { software });
        assert_eq!(device.title(), "llvmpipe");
        assert!(messages[0].contains("imitates"), "{messages:?}");
    }

    #[test]
    fn the_cpu_needs_no_probe() {
        let (device, messages) = choose(DeviceChoice::Cpu, &mut |_| unreachable!("nothing is probed"));
        assert!(device.title().starts_with("CPU") && messages.is_empty() && !device.tunes());
    }
}
