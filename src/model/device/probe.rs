//! The test a GPU has to pass, made in a process of its own.

use super::super::ops::{ConvGeometry, conv3d};
use super::super::{ModelError, Network, read};
use super::ComputeDevice;
use super::open::{Identity, Refusal, open};
use super::protocol::{Candidate, Line, numbered};
use crate::config::ModelConfig;
use burn::tensor::{Tensor, TensorData};
use std::io::Write;

/// Largest difference to the processor's numbers, relative to the largest of the same tensor.
const TOLERANCE: f32 = 1e-3;
/// Tensors this much smaller than the largest of their kind hold rounding: the gradient of a bias before a batch
/// normalisation is zero on paper.
const ROUNDING: f32 = 1e-3;
/// How far the step moves the parameter that moves most.
const STEP: f32 = 0.02;
/// The clip that is trained on: small enough for a slow driver.
const CLIP: [usize; 3] = [8, 32, 32];

/// Tests a device and tells how it went on standard output; `wanted` is `cuda`, `gpu`, or a kind and a number such as
/// `discrete:1`. True when it works.
pub fn run(wanted: &str) -> bool {
    let tell = |line: &Line| {
        let text = serde_json::to_string(line).unwrap_or_default();
        let mut out = std::io::stdout().lock();
        // Nobody listening is no reason to go on either way.
        let _ = writeln!(out, "{text}").and_then(|()| out.flush());
    };
    let (candidate, index, identity) = match find(wanted) {
        Ok(found) => found,
        Err(line) => {
            tell(&line);
            return false;
        }
    };
    let Identity { adapter, driver } = identity.clone();
    tell(&Line::Found { candidate, adapter, driver });
    match compare(&ComputeDevice::of(candidate, index, identity)) {
        Ok(()) => tell(&Line::Passed),
        Err(reason) => {
            tell(&Line::Failed(reason));
            return false;
        }
    }
    true
}

/// The first device of a kind that is there, best kinds first.
fn find(wanted: &str) -> Result<(Candidate, usize, Identity), Line> {
    let one;
    let (kinds, absent): (&[(Candidate, usize)], &str) = match (numbered(wanted), wanted) {
        (Some(found), _) => {
            one = [found];
            (&one, "there is no such GPU")
        }
        (None, "cuda") => (&[(Candidate::Cuda, 0)], "this build of kinolens has no CUDA, or there is no NVIDIA GPU"),
        _ => (
            &[(Candidate::Discrete, 0), (Candidate::Integrated, 0), (Candidate::Virtual, 0), (Candidate::Software, 0)],
            "no GPU was found; is its driver for Vulkan (Linux), Metal (macOS) or DirectX 12 (Windows) installed?",
        ),
    };
    for (candidate, index) in kinds {
        match open(*candidate, *index) {
            Ok(identity) => return Ok((*candidate, *index, identity)),
            Err(Refusal::Absent) => {}
            Err(Refusal::Fails(reason)) => return Err(Line::Failed(format!("it does not open: {reason}"))),
        }
    }
    Err(Line::Absent(absent.to_owned()))
}

/// Trains the small network one step on the device and on the processor; both must come to the same numbers.
fn compare(device: &ComputeDevice) -> Result<(), String> {
    let expected = one_step(&ComputeDevice::cpu()).map_err(|e| format!("the processor failed its own test ({e})"))?;
    let found = one_step(device).map_err(|e| e.to_string())?;
    same(&expected, &found)
}

/// Values of one tensor, with the words that name one of them in a sentence.
struct Measured {
    what: String,
    values: Vec<f32>,
    /// The largest value among those that are alike: what is tiny beside it is rounding.
    scale: f32,
}

/// Every tensor is held against its own largest value, so that wrong small gradients do not hide behind large ones.
fn same(expected: &[Measured], found: &[Measured]) -> Result<(), String> {
    for (expected, found) in expected.iter().zip(found) {
        let largest = largest(&expected.values).max(ROUNDING * expected.scale).max(f32::MIN_POSITIVE);
        let apart = expected.values.iter().zip(&found.values).map(|(a, b)| (a - b).abs());
        // `max` would pass over what is not a number.
        let apart = apart.fold(0.0_f32, |m, v| if m.is_nan() || v.is_nan() { f32::NAN } else { m.max(v) });
        if expected.values.len() != found.values.len() || apart.is_nan() || apart > TOLERANCE * largest {
            let (what, percent) = (&expected.what, 100.0 * apart / largest);
            return Err(format!("{what} differs from the processor's by {percent:.1} %"));
        }
    }
    Ok(())
}

fn largest(values: &[f32]) -> f32 {
    values.iter().fold(0.0, |m, v| m.max(v.abs()))
}

/// Scores, gradients, and scores in evaluation after the step, with parameters and running statistics moved; then some
/// convolutions by themselves.
fn one_step(device: &ComputeDevice) -> Result<Vec<Measured>, ModelError> {
    let config = ModelConfig { id: "small-3d".to_owned(), ..ModelConfig::default() };
    let mut network = Network::build(&config, 5, CLIP, device, 1)?;
    let count = 2 * 3 * CLIP.iter().product::<usize>();
    let pixels: Vec<f32> = (0..count).map(|i| ((i * 7919) % 1013) as f32 / 506.0 - 1.0).collect();
    let input = network.input(pixels, 2, CLIP)?;
    let pass = network.forward_train(input.clone(), 3);
    let mut measured = Vec::new();
    let scores = |what: &str, values: Vec<f32>| Measured { what: what.to_owned(), scale: largest(&values), values };
    measured.push(scores("a score", read(pass.logits.clone())?));
    let loss = pass.logits.clone().square().mean();
    let gradients = pass.backward(&loss).into_inner();
    let mut flat = Vec::new();
    for gradient in &gradients {
        flat.push(gradient.clone().map(read).transpose()?.unwrap_or_default());
    }
    let scale = flat.iter().map(|g| largest(g)).fold(0.0, f32::max);
    for (info, values) in network.parameter_infos().iter().zip(flat) {
        measured.push(Measured { what: format!("the gradient of {}", info.name), values, scale });
    }
    // A step long enough that the scores after it are others than they would be without.
    let rate = STEP / scale.max(f32::MIN_POSITIVE);
    for (parameter, gradient) in network.parameters_mut().zip(gradients) {
        if let Some(gradient) = gradient {
            *parameter = parameter.clone() - gradient.mul_scalar(rate);
        }
    }
    measured.push(scores("a score after a step", read(network.forward(input))?));
    for case in CONVOLUTIONS {
        measured.extend(convolution(case, device)?);
    }
    Ok(measured)
}

/// What of a convolution decides which kernels compute it.
struct Case {
    /// In and out.
    channels: [usize; 2],
    groups: usize,
    kernel: [usize; 3],
    stride: [usize; 3],
    padding: [usize; 3],
}

/// Convolutions that the small network does not have and others do: of shortcuts, of space and time apart, a channel each.
const CONVOLUTIONS: [Case; 5] = [
    Case { channels: [6, 8], groups: 1, kernel: [1; 3], stride: [2; 3], padding: [0; 3] },
    Case { channels: [6, 8], groups: 1, kernel: [3; 3], stride: [2; 3], padding: [1; 3] },
    Case { channels: [6, 8], groups: 1, kernel: [1, 3, 3], stride: [1, 2, 2], padding: [0, 1, 1] },
    Case { channels: [6, 8], groups: 1, kernel: [3, 1, 1], stride: [2, 1, 1], padding: [1, 0, 0] },
    Case { channels: [8, 8], groups: 8, kernel: [3; 3], stride: [2; 3], padding: [1; 3] },
];

/// Output and both gradients of a convolution of a few numbers.
fn convolution(case: Case, device: &ComputeDevice) -> Result<Vec<Measured>, ModelError> {
    let Case { channels: [from, to], groups, kernel, stride, padding } = case;
    let device = device.tensor_device();
    let leaf = |shape: [usize; 5]| -> Tensor<5> {
        let values = (0..shape.iter().product::<usize>()).map(|i| ((i * 7919) % 1013) as f32 / 506.0 - 1.0);
        let values = TensorData::new(values.collect::<Vec<_>>(), shape);
        Tensor::from_data(values, &device).autodiff().require_grad()
    };
    // Odd and even sizes: a stride leaves a rest or not.
    let x = leaf([2, from, 2, 7, 8]);
    let weight = leaf([to, from / groups, kernel[0], kernel[1], kernel[2]]);
    let y = conv3d(x.clone(), weight.clone(), None, ConvGeometry { stride, padding, groups });
    let gradients = y.clone().square().sum().backward();
    let mut measured = Vec::new();
    for (what, values) in [
        ("the output", Some(y)),
        ("the gradient of the input", x.grad(&gradients)),
        ("the gradient of the weights", weight.grad(&gradients)),
    ] {
        let values = values.map(read).transpose()?.unwrap_or_default();
        let what = format!("{what} of a convolution of {kernel:?} at every {stride:?}");
        measured.push(Measured { what, scale: largest(&values), values });
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_passes_and_every_tensor_counts() {
        let right = one_step(&ComputeDevice::cpu()).unwrap();
        assert!(right.len() > 10, "{} tensors", right.len());
        assert_eq!(same(&right, &one_step(&ComputeDevice::cpu()).unwrap()), Ok(()));
        // The smallest gradient that is no rounding, wrong by a hundredth of itself.
        let scale = right[1].scale;
        let sizes =
            right.iter().enumerate().map(|(i, m)| (largest(&m.values), i)).filter(|(l, _)| *l > ROUNDING * scale);
        let (size, smallest) = sizes.min_by(|a, b| a.0.total_cmp(&b.0)).unwrap();
        assert!(size < 0.05 * scale, "no gradient is small: {size} of {scale}");
        let mut wrong = one_step(&ComputeDevice::cpu()).unwrap();
        wrong[smallest].values.iter_mut().for_each(|v| *v *= 1.01);
        let said = same(&right, &wrong).unwrap_err();
        assert!(said.contains(&right[smallest].what) && said.contains("1.0 %"), "{said}");
        wrong[smallest].values[0] = f32::NAN;
        assert!(same(&right, &wrong).is_err());
    }

    #[test]
    fn the_step_is_seen_in_the_scores() {
        let device = ComputeDevice::cpu();
        let config = ModelConfig { id: "small-3d".to_owned(), ..ModelConfig::default() };
        let mut still = Network::build(&config, 5, CLIP, &device, 1).unwrap();
        let count = 2 * 3 * CLIP.iter().product::<usize>();
        let pixels: Vec<f32> = (0..count).map(|i| ((i * 7919) % 1013) as f32 / 506.0 - 1.0).collect();
        let input = still.input(pixels, 2, CLIP).unwrap();
        // Running statistics move without a step too.
        let _ = still.forward_train(input.clone(), 3);
        let without = read(still.forward(input)).unwrap();
        let steps = one_step(&device).unwrap();
        let with = steps.iter().find(|m| m.what == "a score after a step").unwrap();
        let apart = with.values.iter().zip(&without).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart > 10.0 * TOLERANCE * with.scale, "a step that is left out would pass: {apart} of {}", with.scale);
    }
}
