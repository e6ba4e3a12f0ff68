//! Where tensors live: choosing a device that works.
//!
//! A graphics driver that crashes takes the whole program with it, and some compute wrong numbers. So a GPU is tried
//! first in a process of its own ([`probe`]): it has to train a small network one step and come to the processor's
//! numbers. Only then it is used here.

pub(in crate::model) mod open;
mod pool;
pub mod probe;
mod protocol;
mod team;
mod tuning;
mod tuning_cache;
mod verdict;

use crate::config::{DeviceChoice, Precision};
use crate::model::ModelError;
use burn::tensor::{Device, FloatDType};
use open::{Identity, Refusal, device_of, is_software, open};
use protocol::{Candidate, DeviceRequest};
pub use verdict::set_program;
use verdict::{Verdict, forget, verdict};

/// A device that computes.
#[derive(Clone, Debug)]
pub struct ComputeDevice {
    device: Device,
    title: String,
    /// What it is and its number among its kind; `None` for the CPU.
    gpu: Option<(Candidate, usize)>,
    /// What kernels depend on: the adapter and its driver.
    identity: String,
}

/// Memory a device holds for tensors, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeviceMemory {
    /// In tensors that are alive.
    pub in_use: u64,
    /// Taken from the device, with what is kept for later.
    pub reserved: u64,
}

impl ComputeDevice {
    /// The CPU.
    pub fn cpu() -> Self {
        let threads = rayon::current_num_threads();
        Self { device: Device::flex(), title: format!("CPU, {threads} threads"), gpu: None, identity: String::new() }
    }

    /// The device for a choice, and sentences about what could not be had.
    ///
    /// "Automatic" takes CUDA, then the platform's GPU, then the CPU, and leaves alone drivers that only pretend to be
    /// a GPU. A GPU that is asked for is never silently replaced.
    pub fn choose(choice: DeviceChoice) -> (Self, Vec<String>) {
        let chosen = choose(choice, &mut verdict, &mut |candidate| open(candidate, 0));
        chosen.stale.into_iter().for_each(forget);
        (chosen.device, chosen.messages)
    }

    /// A device that was opened, tested or not.
    fn of(candidate: Candidate, index: usize, identity: Identity) -> Self {
        let gpu = Some((candidate, index));
        let Identity { adapter, driver } = identity;
        Self { device: device_of(candidate, index), identity: format!("{adapter}, {driver}"), title: adapter, gpu }
    }

    /// For people.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// True when the first step takes longer because kernels are compiled for this device.
    pub fn tunes(&self) -> bool {
        self.gpu.is_some()
    }

    /// True for a driver that imitates a GPU on the processor.
    pub fn is_software(&self) -> bool {
        is_software(&self.device)
    }

    /// What it holds for tensors now; `None` where that is not told, as on the CPU, whose memory is the process's own.
    pub fn memory(&self) -> Option<DeviceMemory> {
        self.gpu?;
        let usage = self.device.memory_pool_usage()?;
        Some(DeviceMemory { in_use: usage.bytes_in_use, reserved: usage.bytes_reserved })
    }

    /// Makes sure that layers can be trained with these numbers.
    ///
    /// # Errors
    /// It cannot; the reason, and what it can do.
    pub fn require(&self, precision: Precision) -> Result<(), ModelError> {
        let dtype = match precision {
            Precision::F32 => return Ok(()),
            Precision::F16 => FloatDType::F16,
            Precision::Bf16 => FloatDType::BF16,
        };
        let refuse = |why, instead| {
            let (device, precision) = (self.title.clone(), precision.name());
            Err(ModelError::Precision { device, precision, why, instead })
        };
        if self.gpu.is_none() {
            return refuse("processors gain nothing from 16 bits here", "f32");
        }
        if self.device.supports_dtype(dtype) {
            return Ok(());
        }
        let other = precision == Precision::Bf16 && self.device.supports_dtype(FloatDType::F16);
        refuse("its driver has no arithmetic for them", if other { "f16" } else { "f32" })
    }

    /// The device tensors are made on.
    pub fn tensor_device(&self) -> Device {
        self.device.clone()
    }
}

/// What became of a request.
struct Chosen {
    device: ComputeDevice,
    /// Sentences about what could not be had.
    messages: Vec<String>,
    /// Verdicts that are not true any more.
    stale: Vec<DeviceRequest>,
}

fn choose(
    choice: DeviceChoice,
    verdict: &mut dyn FnMut(DeviceRequest) -> Verdict,
    open: &mut dyn FnMut(Candidate) -> Result<Identity, Refusal>,
) -> Chosen {
    let (mut messages, mut stale) = (Vec::new(), Vec::new());
    let cuda = cfg!(feature = "cuda");
    let wanted: &[DeviceRequest] = match choice {
        DeviceChoice::Cpu => &[],
        DeviceChoice::Gpu => &[DeviceRequest::Gpu],
        DeviceChoice::Auto if !cuda => &[DeviceRequest::Gpu],
        DeviceChoice::Auto => &[DeviceRequest::Cuda, DeviceRequest::Gpu],
        DeviceChoice::Cuda if !cuda => {
            messages.push(
                "this kinolens was built without the feature `cuda`; NVIDIA GPUs are used through Vulkan".to_owned(),
            );
            &[DeviceRequest::Gpu]
        }
        DeviceChoice::Cuda => &[DeviceRequest::Cuda, DeviceRequest::Gpu],
    };
    for wanted in wanted {
        match verdict(*wanted) {
            Verdict::Works { candidate: Candidate::Software, .. } if choice == DeviceChoice::Auto => {}
            Verdict::Works { candidate, adapter, driver } => match open(candidate) {
                Ok(identity) if (&identity.adapter, &identity.driver) == (&adapter, &driver) => {
                    if candidate == Candidate::Software {
                        messages.push(format!(
                            "{adapter} is not a GPU but a program that imitates one; the CPU itself is faster"
                        ));
                    }
                    return Chosen { device: ComputeDevice::of(candidate, 0, identity), messages, stale };
                }
                Ok(Identity { adapter: other, .. }) => {
                    stale.push(*wanted);
                    messages.push(format!(
                        "the GPU {other} would be used, but {adapter} was tested (perhaps with another driver); start \
                         kinolens again to have it tested"
                    ));
                }
                Err(refusal) => {
                    stale.push(*wanted);
                    let reason = match refusal {
                        Refusal::Absent => "it is gone".to_owned(),
                        Refusal::Fails(reason) => reason,
                    };
                    messages.push(format!("the GPU {adapter} does not open any more ({reason})"));
                }
            },
            Verdict::Untestable { reason } => {
                messages.push(reason);
                break;
            }
            Verdict::Absent { reason } if choice == DeviceChoice::Auto => log::info!("{wanted:?}: {reason}"),
            Verdict::Absent { reason } | Verdict::Fails { reason } => messages.push(reason),
        }
    }
    if choice != DeviceChoice::Cpu && !messages.is_empty() {
        messages.push("the CPU is used instead".to_owned());
    }
    Chosen { device: ComputeDevice::cpu(), messages, stale }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fails() -> Verdict {
        Verdict::Fails { reason: "the GPU Foo crashed".into() }
    }

    fn works(candidate: Candidate, adapter: &str) -> Verdict {
        Verdict::Works { candidate, adapter: adapter.into(), driver: "1.2".into() }
    }

    fn opens(adapter: &str) -> impl FnMut(Candidate) -> Result<Identity, Refusal> {
        move |_| Ok(Identity { adapter: adapter.into(), driver: "1.2".into() })
    }

    fn untouched(_: Candidate) -> Result<Identity, Refusal> {
        panic!("a device that did not pass is opened")
    }

    #[test]
    fn what_does_not_work_is_said_and_the_cpu_is_used() {
        for choice in [DeviceChoice::Auto, DeviceChoice::Gpu, DeviceChoice::Cuda] {
            let Chosen { device, messages, .. } = choose(choice, &mut |_| fails(), &mut untouched);
            assert!(device.title().starts_with("CPU"), "{choice:?}");
            assert!(messages.iter().any(|m| m.contains("Foo crashed")), "{messages:?}");
            assert!(messages.last().is_some_and(|m| m.contains("the CPU is used")), "{messages:?}");
        }
    }

    #[test]
    fn no_gpu_is_no_news_unless_one_was_asked_for() {
        let absent = |_| Verdict::Absent { reason: "no GPU was found".into() };
        assert_eq!(choose(DeviceChoice::Auto, &mut { absent }, &mut untouched).messages, Vec::<String>::new());
        assert_eq!(choose(DeviceChoice::Gpu, &mut { absent }, &mut untouched).messages.len(), 2);
    }

    #[test]
    fn a_gpu_that_nothing_can_test_is_not_passed_over_in_silence() {
        let untestable = |_| Verdict::Untestable { reason: "nothing can test a GPU here".into() };
        for choice in [DeviceChoice::Auto, DeviceChoice::Gpu, DeviceChoice::Cuda] {
            let Chosen { device, messages, .. } = choose(choice, &mut { untestable }, &mut untouched);
            assert!(device.title().starts_with("CPU"), "{choice:?}");
            let said = messages.iter().filter(|m| m.contains("nothing can test")).count();
            assert_eq!(
                (said, messages.last().is_some_and(|m| m.contains("the CPU is used"))),
                (1, true),
                "{messages:?}"
            );
        }
    }

    #[test]
    fn software_is_used_only_when_named() {
        let software = |_| works(Candidate::Software, "llvmpipe");
        let Chosen { device, messages, .. } = choose(DeviceChoice::Auto, &mut { software }, &mut untouched);
        assert!(device.title().starts_with("CPU") && messages.is_empty());
        let Chosen { device, messages, .. } = choose(DeviceChoice::Gpu, &mut { software }, &mut opens("llvmpipe"));
        assert_eq!(device.title(), "llvmpipe");
        assert!(messages[0].contains("imitates"), "{messages:?}");
    }

    #[test]
    fn only_the_device_that_was_tested_is_used() {
        let tested = |_| works(Candidate::Discrete, "Foo 9, vulkan");
        let Chosen { device, messages, .. } = choose(DeviceChoice::Auto, &mut { tested }, &mut opens("Foo 9, vulkan"));
        assert_eq!((device.title(), messages.len()), ("Foo 9, vulkan", 0));
        let Chosen { device, messages, stale } = choose(DeviceChoice::Auto, &mut { tested }, &mut opens("Bar 3, dx12"));
        assert_eq!(stale, [DeviceRequest::Gpu]);
        assert!(device.title().starts_with("CPU"));
        assert!(messages[0].contains("Foo 9, vulkan") && messages[0].contains("Bar 3, dx12"), "{messages:?}");
        let newer = |_| Ok(Identity { adapter: "Foo 9, vulkan".into(), driver: "1.3".into() });
        assert!(choose(DeviceChoice::Auto, &mut { tested }, &mut { newer }).device.title().starts_with("CPU"));
        let Chosen { device, messages, .. } =
            choose(DeviceChoice::Auto, &mut { tested }, &mut |_| Err(Refusal::Absent));
        assert!(device.title().starts_with("CPU") && messages[0].contains("does not open"), "{messages:?}");
    }

    #[test]
    fn the_cpu_needs_no_probe() {
        let Chosen { device, messages, .. } =
            choose(DeviceChoice::Cpu, &mut |_| unreachable!("nothing is probed"), &mut untouched);
        assert!(device.title().starts_with("CPU") && messages.is_empty() && !device.tunes());
    }
}
