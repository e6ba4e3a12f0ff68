//! MobileNetV2 (Sandler et al. 2018) with 3D kernels: 2,375,825 parameters at 17 classes.
//!
//! Layer ids are `features.0` (stem), `features.1` … `features.17` (inverted residuals) and `features.18` (final
//! convolution), and the layers inside them, such as `features.3.conv.0`.

use crate::model::builder::{Builder, Built, ConvSpec};
use crate::model::layers::Node;
use crate::model::parts::Parts;
use crate::model::readout::Readout;
use crate::model::settings::Settings;

/// Expansion, channels, blocks, and whether the first block halves the picture.
const STAGES: [(usize, usize, usize, bool); 7] = [
    (1, 16, 1, false),
    (6, 24, 2, true),
    (6, 32, 3, true),
    (6, 64, 4, true),
    (6, 96, 3, false),
    (6, 160, 3, true),
    (6, 320, 1, false),
];
const STEM: usize = 32;
const FEATURES: usize = 1280;

/// Time is halved together with the picture; one feature frame is left of 16.
pub(in crate::model) fn standard(b: &mut Builder, s: &Settings) -> Built<Parts> {
    build(b, s, [2, 2, 2])
}

/// Time is never halved.
pub(in crate::model) fn high_temporal(b: &mut Builder, s: &Settings) -> Built<Parts> {
    build(b, s, [1, 2, 2])
}

/// Appends convolution, normalisation and, if wanted, ReLU6, named by position.
fn unit(b: &mut Builder, nodes: &mut Vec<Node>, spec: ConvSpec, activation: bool) -> Built<()> {
    let at = nodes.len();
    nodes.push(b.conv(&at.to_string(), spec)?);
    nodes.push(b.batch_norm(&(at + 1).to_string())?);
    if activation {
        nodes.push(b.relu6(&(at + 2).to_string())?);
    }
    Ok(())
}

/// Expansion, depthwise convolution, linear projection.
fn bottleneck(b: &mut Builder, expansion: usize, out: usize, stride: [usize; 3]) -> Built<Vec<Node>> {
    let (mut nodes, hidden) = (Vec::new(), b.channels() * expansion);
    if expansion != 1 {
        unit(b, &mut nodes, ConvSpec::same(hidden, [1; 3]), true)?;
    }
    unit(b, &mut nodes, ConvSpec::same(hidden, [3; 3]).stride(stride).groups(hidden), true)?;
    unit(b, &mut nodes, ConvSpec::same(out, [1; 3]), false)?;
    Ok(nodes)
}

/// An inverted residual; the shortcut is there where the shape stays.
fn inverted_residual(b: &mut Builder, index: usize, expansion: usize, out: usize, stride: [usize; 3]) -> Built {
    let title = format!("Inverted residual {index}");
    let shortcut = stride == [1; 3] && b.channels() == out;
    let name = index.to_string();
    if shortcut {
        b.residual(&name, &title, |b| inside(b, expansion, out, stride))
    } else {
        b.sequential(&name, &title, |b| inside(b, expansion, out, stride))
    }
}

/// PyTorch keeps the layers of an inverted residual in a child called `conv`.
fn inside(b: &mut Builder, expansion: usize, out: usize, stride: [usize; 3]) -> Built<Vec<Node>> {
    Ok(vec![b.sequential("conv", "Branch", |b| bottleneck(b, expansion, out, stride))?])
}

fn build(b: &mut Builder, s: &Settings, halving: [usize; 3]) -> Built<Parts> {
    // Rounded down, and the last convolution only ever widened, as the paper does.
    let wide = |channels: usize| (channels as f64 * s.width) as usize;
    let last_channels = wide(FEATURES).max(FEATURES);
    let body = b.flat("features", |b| {
        let mut nodes = Vec::new();
        nodes.push(b.sequential("0", "Stem", |b| {
            let mut stem = Vec::new();
            unit(b, &mut stem, ConvSpec::same(wide(STEM), [3; 3]).stride([1, 2, 2]), true)?;
            Ok(stem)
        })?);
        for (expansion, out, blocks, halve) in STAGES {
            for block in 0..blocks {
                let stride = if halve && block == 0 { halving } else { [1; 3] };
                nodes.push(inverted_residual(b, nodes.len(), expansion, wide(out), stride)?);
            }
        }
        nodes.push(b.sequential(&nodes.len().to_string(), "Final convolution", |b| {
            let mut last = Vec::new();
            unit(b, &mut last, ConvSpec::same(last_channels, [1; 3]), true)?;
            Ok(last)
        })?);
        Ok(nodes)
    })?;
    let readout = b.readout("global_pool", Readout::Average)?;
    let head = b.classifier("classifier", |b| vec![b.dropout("0", s.dropout.unwrap_or(0.2)), b.linear("1", s.classes)]);
    Ok(Parts { body, head, readout })
}
