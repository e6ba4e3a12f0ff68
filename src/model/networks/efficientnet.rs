//! EfficientNet-B0 (Tan & Le 2019) over the frames of a clip, one by one.
//!
//! Names are torchvision's: `features.0` (stem), `features.1` … `features.7` (stages), `features.8` (final convolution),
//! `classifier.1`; inside a stage its blocks, as `features.4.1.block.2.fc1`.

use crate::model::builder::{Builder, Built, ConvSpec};
use crate::model::layers::Node;
use crate::model::parts::Parts;
use crate::model::readout::Readout;
use crate::model::settings::Settings;

/// Expansion, kernel, step of the first block, channels, blocks.
const STAGES: [(usize, usize, usize, usize, usize); 7] = [
    (1, 3, 1, 16, 1),
    (6, 3, 2, 24, 2),
    (6, 5, 2, 40, 2),
    (6, 3, 2, 80, 3),
    (6, 5, 1, 112, 3),
    (6, 5, 2, 192, 4),
    (6, 3, 1, 320, 1),
];
const STEM: usize = 32;
const FEATURES: usize = 1280;
/// Probability of leaving out the last block while training; it grows in even steps from 0 at the first.
const LEFT_OUT: f64 = 0.2;

/// Builds it; dropout before the classifier is 0.2 unless configured.
pub(in crate::model) fn build(b: &mut Builder, s: &Settings) -> Built<Parts> {
    let blocks: usize = STAGES.iter().map(|stage| stage.4).sum();
    let body = b.flat("features", |b| {
        let mut nodes = vec![unit(b, "0", ConvSpec::planar(STEM, 3).stride([1, 2, 2]), true)?];
        let mut before = 0;
        for (i, (expansion, kernel, step, out, count)) in (1..).zip(STAGES) {
            nodes.push(b.sequential(&i.to_string(), &format!("Stage {i}"), |b| {
                let block = |n: usize| {
                    let step = if n == 0 { step } else { 1 };
                    let left_out = LEFT_OUT * (before + n) as f64 / blocks as f64;
                    inverted_residual(b, n, expansion, ConvSpec::planar(out, kernel).stride([1, step, step]), left_out)
                };
                (0..count).map(block).collect()
            })?);
            before += count;
        }
        nodes.push(unit(b, &nodes.len().to_string(), ConvSpec::planar(FEATURES, 1), true)?);
        Ok(nodes)
    })?;
    let readout = b.readout("avgpool", Readout::of(s.pooling, [1; 3]))?;
    let head = b.classifier("classifier", |b| vec![b.dropout("0", s.dropout.unwrap_or(0.2)), b.linear("1", s.classes)]);
    Ok(Parts { body, head, readout })
}

/// Convolution, normalisation and, if wanted, SiLU.
fn unit(b: &mut Builder, name: &str, spec: ConvSpec, activation: bool) -> Built {
    b.sequential(name, "Convolution", |b| {
        let mut nodes = vec![b.conv("0", spec)?, b.batch_norm("1")?];
        if activation {
            nodes.push(b.silu("2")?);
        }
        Ok(nodes)
    })
}

/// Expansion, depthwise convolution of `spec`, weighing of channels, projection; the shortcut is there where the shape
/// stays, and then the branch may be left out.
fn inverted_residual(b: &mut Builder, index: usize, expansion: usize, spec: ConvSpec, left_out: f64) -> Built {
    let (name, title) = (index.to_string(), format!("Inverted residual {}", index + 1));
    if spec.stride == [1; 3] && b.channels() == spec.out {
        return b.residual(&name, &title, |b| {
            Ok(vec![bottleneck(b, expansion, spec)?, b.stochastic_depth("stochastic_depth", left_out)?])
        });
    }
    b.sequential(&name, &title, |b| Ok(vec![bottleneck(b, expansion, spec)?]))
}

fn bottleneck(b: &mut Builder, expansion: usize, spec: ConvSpec) -> Built {
    let input = b.channels();
    let hidden = input * expansion;
    b.sequential("block", "Branch", |b| {
        let mut nodes: Vec<Node> = Vec::new();
        if expansion != 1 {
            nodes.push(unit(b, "0", ConvSpec::planar(hidden, 1), true)?);
        }
        let depthwise = ConvSpec { out: hidden, groups: hidden, ..spec };
        nodes.push(unit(b, &nodes.len().to_string(), depthwise, true)?);
        nodes.push(squeeze_excite(b, &nodes.len().to_string(), input / 4)?);
        nodes.push(unit(b, &nodes.len().to_string(), ConvSpec::planar(spec.out, 1), false)?);
        Ok(nodes)
    })
}

/// Weighs the channels of each frame by what they hold as a whole (Hu et al. 2018).
fn squeeze_excite(b: &mut Builder, name: &str, squeezed: usize) -> Built {
    let channels = b.channels();
    b.gated(name, "Squeeze and excitation", |b| {
        Ok(vec![
            b.frame_pool("avgpool")?,
            b.conv("fc1", ConvSpec::planar(squeezed, 1).bias())?,
            b.silu("activation")?,
            b.conv("fc2", ConvSpec::planar(channels, 1).bias())?,
            b.sigmoid("scale_activation")?,
        ])
    })
}
