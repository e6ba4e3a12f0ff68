//! The test a GPU has to pass, made in a process of its own.

use super::super::{ModelError, Network, read};
use super::{ComputeDevice, Wanted};
use crate::config::ModelConfig;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::task::{Context, Poll, Waker};

/// The hidden subcommand under which the program tests a device instead of doing anything else.
pub const SUBCOMMAND: &str = "probe-device";
/// Largest difference to the processor's numbers, relative to the largest of them.
const TOLERANCE: f32 = 1e-3;
/// The clip that is trained on: small enough for a slow driver.
const CLIP: [usize; 3] = [8, 32, 32];

/// A device that might compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Candidate {
    /// The first NVIDIA GPU, through CUDA.
    Cuda,
    /// The first graphics card.
    Discrete,
    /// The first GPU within a processor.
    Integrated,
    /// The first GPU of a virtual machine.
    Virtual,
    /// A driver that computes on the CPU.
    Software,
}

/// What the testing process writes, one a line: first what it found, then how that did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Line {
    /// There is nothing to test.
    Absent(String),
    /// This is about to be tested.
    Found { candidate: Candidate, adapter: String },
    /// It works.
    Passed,
    /// It computes something else, or refuses.
    Failed(String),
}

/// Tests a device and tells how it went on standard output; `wanted` is `cuda` or `gpu`. True when it works.
pub fn run(wanted: &str) -> bool {
    let tell = |line: &Line| {
        let text = serde_json::to_string(line).unwrap_or_default();
        let mut out = std::io::stdout().lock();
        // Nobody listening is no reason to go on either way.
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    };
    let found = if wanted == "cuda" { cuda() } else { adapter() };
    let (candidate, adapter) = match found {
        Ok(found) => found,
        Err(reason) => {
            tell(&Line::Absent(reason));
            return false;
        }
    };
    tell(&Line::Found { candidate, adapter: adapter.clone() });
    match compare(&ComputeDevice::of(candidate, &adapter)) {
        Ok(()) => tell(&Line::Passed),
        Err(reason) => {
            tell(&Line::Failed(reason));
            return false;
        }
    }
    true
}

pub(super) fn argument(wanted: Wanted) -> &'static str {
    match wanted {
        Wanted::Cuda => "cuda",
        Wanted::Gpu => "gpu",
    }
}

/// wgpu's native futures are ready soon; this polls until they are.
fn wait<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::yield_now(),
        }
    }
}

/// The best adapter of the platform's graphics interface.
fn adapter() -> Result<(Candidate, String), String> {
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = wait(instance.enumerate_adapters(wgpu::Backends::PRIMARY));
    let found = adapters.iter().map(wgpu::Adapter::get_info).filter_map(|info| {
        let (rank, candidate) = match info.device_type {
            wgpu::DeviceType::DiscreteGpu => (0, Candidate::Discrete),
            wgpu::DeviceType::IntegratedGpu => (1, Candidate::Integrated),
            wgpu::DeviceType::VirtualGpu => (2, Candidate::Virtual),
            wgpu::DeviceType::Cpu => (3, Candidate::Software),
            wgpu::DeviceType::Other => return None,
        };
        Some((rank, candidate, format!("{}, {}", info.name, info.backend)))
    });
    found.min_by_key(|(rank, ..)| *rank).map(|(_, candidate, adapter)| (candidate, adapter)).ok_or_else(|| {
        "no GPU was found; is its driver for Vulkan (Linux), Metal (macOS) or DirectX 12 (Windows) installed?"
            .to_owned()
    })
}

#[cfg(feature = "cuda")]
fn cuda() -> Result<(Candidate, String), String> {
    Ok((Candidate::Cuda, "NVIDIA GPU, CUDA".to_owned()))
}

#[cfg(not(feature = "cuda"))]
fn cuda() -> Result<(Candidate, String), String> {
    Err("this build of kinolens has no CUDA".to_owned())
}

/// Trains the small network one step on the device and on the processor; both must come to the same numbers.
fn compare(device: &ComputeDevice) -> Result<(), String> {
    let expected = one_step(&ComputeDevice::cpu()).map_err(|e| format!("the processor failed its own test ({e})"))?;
    let found = one_step(device).map_err(|e| e.to_string())?;
    for ((what, expected), (_, found)) in expected.iter().zip(&found) {
        let largest = expected.iter().fold(1e-6_f32, |m, v| m.max(v.abs()));
        let apart = expected.iter().zip(found).fold(0.0_f32, |m, (a, b)| m.max((a - b).abs()));
        if expected.len() != found.len() || apart.is_nan() || apart > TOLERANCE * largest {
            return Err(format!("{what} differs from the processor's by {:.1} %", 100.0 * apart / largest));
        }
    }
    Ok(())
}

/// Scores, gradients, and scores in evaluation after the running statistics moved.
fn one_step(device: &ComputeDevice) -> Result<Vec<(&'static str, Vec<f32>)>, ModelError> {
    let config = ModelConfig { id: "small-3d".to_owned(), ..ModelConfig::default() };
    let mut network = Network::build(&config, 5, CLIP, device, 1)?;
    let count = 2 * 3 * CLIP.iter().product::<usize>();
    let pixels: Vec<f32> = (0..count).map(|i| ((i * 7919) % 1013) as f32 / 506.0 - 1.0).collect();
    let input = network.input(pixels, 2, CLIP)?;
    let pass = network.forward_train(input.clone(), 3);
    let scores = read(pass.logits.clone())?;
    let loss = pass.logits.clone().square().mean();
    let mut gradients = Vec::new();
    for gradient in pass.backward(&loss).into_inner().into_iter().flatten() {
        gradients.extend(read(gradient)?);
    }
    let after = read(network.forward(input))?;
    Ok(vec![("a score", scores), ("a gradient", gradients), ("a score after a step", after)])
}
