//! Residual networks of eighteen layers over time (Tran et al. 2018): R3D with 3D kernels throughout, MC3 with 3D kernels
//! in the first stage only, R(2+1)D with each 3D kernel taken apart into one over the picture and one over time.
//!
//! Names are torchvision's: `stem.0` …, `layer1` … `layer4`, and inside them the blocks, as `layer4.1.conv2.0`.

use crate::model::builder::{Builder, Built, ConvSpec};
use crate::model::layers::Node;
use crate::model::parts::Parts;
use crate::model::readout::Readout;
use crate::model::settings::Settings;

/// How the 3x3x3 kernels of a stage are made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kernel {
    /// As they are.
    Whole,
    /// Over the picture alone; time stays as long as it is.
    Picture,
    /// Over the picture, then over time.
    Apart,
}

const CHANNELS: [usize; 4] = [64, 128, 256, 512];
const BLOCKS: usize = 2;

/// R3D-18.
pub(in crate::model) fn r3d(b: &mut Builder, s: &Settings) -> Built<Parts> {
    build(b, s, [Kernel::Whole; 4])
}

/// MC3-18.
pub(in crate::model) fn mc3(b: &mut Builder, s: &Settings) -> Built<Parts> {
    build(b, s, [Kernel::Whole, Kernel::Picture, Kernel::Picture, Kernel::Picture])
}

/// R(2+1)D-18.
pub(in crate::model) fn r2plus1d(b: &mut Builder, s: &Settings) -> Built<Parts> {
    build(b, s, [Kernel::Apart; 4])
}

fn build(b: &mut Builder, s: &Settings, kernels: [Kernel; 4]) -> Built<Parts> {
    let mut body = vec![b.sequential("stem", "Stem", |b| stem(b, kernels[0]))?];
    for (i, (out, kernel)) in CHANNELS.into_iter().zip(kernels).enumerate() {
        let step = if i == 0 { 1 } else { 2 };
        let (name, title) = (format!("layer{}", i + 1), format!("Layer {}", i + 1));
        body.push(b.sequential(&name, &title, |b| {
            (0..BLOCKS).map(|n| block(b, n, out, if n == 0 { step } else { 1 }, kernel)).collect()
        })?);
    }
    let readout = b.readout("avgpool", Readout::Average)?;
    let mut head = b.optional_dropout("dropout", s.dropout);
    head.push(b.linear("fc", s.classes));
    Ok(Parts { body, head, readout })
}

/// Halves the picture, never time.
fn stem(b: &mut Builder, kernel: Kernel) -> Built<Vec<Node>> {
    if kernel != Kernel::Apart {
        let conv = ConvSpec::same(CHANNELS[0], [3, 7, 7]).stride([1, 2, 2]);
        return Ok(vec![b.conv("0", conv)?, b.batch_norm("1")?, b.relu("2")?]);
    }
    Ok(vec![
        b.conv("0", ConvSpec::same(45, [1, 7, 7]).stride([1, 2, 2]))?,
        b.batch_norm("1")?,
        b.relu("2")?,
        b.conv("3", ConvSpec::same(CHANNELS[0], [3, 1, 1]))?,
        b.batch_norm("4")?,
        b.relu("5")?,
    ])
}

fn block(b: &mut Builder, index: usize, out: usize, step: usize, kernel: Kernel) -> Built {
    let name = index.to_string();
    let input = b.channels();
    // Both convolutions of a block are taken apart over as many channels as keeps the count of the first's weights.
    let between = input * out * 27 / (input * 9 + 3 * out);
    let stride = if kernel == Kernel::Picture { [1, step, step] } else { [step; 3] };
    let branch = |b: &mut Builder| {
        let first = b.sequential("conv1", "First convolution", |b| {
            Ok(vec![conv(b, "0", out, between, stride, kernel)?, b.batch_norm("1")?, b.relu("2")?])
        })?;
        let second = b.sequential("conv2", "Second convolution", |b| {
            Ok(vec![conv(b, "0", out, between, [1; 3], kernel)?, b.batch_norm("1")?])
        })?;
        Ok(vec![first, second])
    };
    let shortcut = |b: &mut Builder| {
        if step == 1 && input == out {
            return Ok(Vec::new());
        }
        let down = b.sequential("downsample", "Shortcut", |b| {
            let conv = ConvSpec::same(out, [1; 3]).stride(stride);
            Ok(vec![b.conv("0", conv)?, b.batch_norm("1")?])
        })?;
        Ok(vec![down])
    };
    b.shortened(&name, &format!("Block {}", index + 1), branch, shortcut, |b| Ok(vec![b.relu("relu")?]))
}

fn conv(b: &mut Builder, name: &str, out: usize, between: usize, stride: [usize; 3], kernel: Kernel) -> Built {
    match kernel {
        Kernel::Whole => b.conv(name, ConvSpec::same(out, [3; 3]).stride(stride)),
        Kernel::Picture => b.conv(name, ConvSpec::same(out, [1, 3, 3]).stride(stride)),
        Kernel::Apart => b.sequential(name, "Convolution over the picture, then over time", |b| {
            let [t, h, w] = stride;
            Ok(vec![
                b.conv("0", ConvSpec::same(between, [1, 3, 3]).stride([1, h, w]))?,
                b.batch_norm("1")?,
                b.relu("2")?,
                b.conv("3", ConvSpec::same(out, [3, 1, 1]).stride([t, 1, 1]))?,
            ])
        }),
    }
}
