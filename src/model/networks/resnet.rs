//! Residual networks of pictures (He et al. 2016) over the frames of a clip, one by one.
//!
//! Names are torchvision's: `conv1`, `bn1`, `layer1` … `layer4`, `fc`, and `layer4.1.conv2` inside them. torchvision calls
//! one ReLU of a block several times; here `relu` is the one after the sum, those before it are `relu1` and `relu2`.

use crate::model::builder::{Builder, Built, ConvSpec};
use crate::model::layers::{Node, Padding};
use crate::model::parts::Parts;
use crate::model::readout::Readout;
use crate::model::settings::Settings;

/// What a stage's blocks are made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Two convolutions of 3x3.
    Basic,
    /// 1x1, 3x3, 1x1, with four times the channels behind.
    Bottleneck,
}

const CHANNELS: [usize; 4] = [64, 128, 256, 512];

/// ResNet-18.
pub(in crate::model) fn resnet18(b: &mut Builder, s: &Settings) -> Built<Parts> {
    classified(b, s, Kind::Basic, [2; 4])
}

/// ResNet-50.
pub(in crate::model) fn resnet50(b: &mut Builder, s: &Settings) -> Built<Parts> {
    classified(b, s, Kind::Bottleneck, [3, 4, 6, 3])
}

/// ResNet-50 without its classifier, and two convolutions on top that learn what people do in a picture.
pub(in crate::model) fn image_head(b: &mut Builder, s: &Settings) -> Built<Parts> {
    let names = ["0", "1", "2", "3", "4", "5", "6", "7"];
    let mut body = b.flat("base_model", |b| trunk(b, names, Kind::Bottleneck, [3, 4, 6, 3]))?;
    for (i, out) in [512, 256].into_iter().enumerate() {
        body.push(b.conv(&format!("conv{}", i + 1), ConvSpec::planar(out, 3).bias())?);
        body.push(b.batch_norm(&format!("bn{}", i + 1))?);
        body.push(b.relu(&format!("relu{}", i + 1))?);
    }
    finish(b, s, body)
}

fn classified(b: &mut Builder, s: &Settings, kind: Kind, blocks: [usize; 4]) -> Built<Parts> {
    let names = ["conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4"];
    let body = trunk(b, names, kind, blocks)?;
    finish(b, s, body)
}

fn finish(b: &mut Builder, s: &Settings, body: Vec<Node>) -> Built<Parts> {
    let readout = b.readout("avgpool", Readout::of(s.pooling, [1; 3]))?;
    let mut head = b.optional_dropout("dropout", s.dropout);
    head.push(b.linear("fc", s.classes));
    Ok(Parts { body, head, readout })
}

/// Everything before the pooling, under `names`.
fn trunk(b: &mut Builder, names: [&str; 8], kind: Kind, blocks: [usize; 4]) -> Built<Vec<Node>> {
    let [conv, norm, relu, pool, stages @ ..] = names;
    let mut body = vec![
        b.conv(conv, ConvSpec::planar(CHANNELS[0], 7).stride([1, 2, 2]))?,
        b.batch_norm(norm)?,
        b.relu(relu)?,
        b.max_pool_with(pool, [1, 3, 3], [1, 2, 2], Padding::Both([0, 1, 1]))?,
    ];
    for (i, ((name, count), channels)) in stages.into_iter().zip(blocks).zip(CHANNELS).enumerate() {
        let step = if i == 0 { 1 } else { 2 };
        body.push(b.sequential(name, &format!("Layer {}", i + 1), |b| {
            (0..count).map(|n| block(b, n, kind, channels, if n == 0 { step } else { 1 })).collect()
        })?);
    }
    Ok(body)
}

fn block(b: &mut Builder, index: usize, kind: Kind, channels: usize, step: usize) -> Built {
    let (input, stride) = (b.channels(), [1, step, step]);
    let out = if kind == Kind::Basic { channels } else { 4 * channels };
    let branch = |b: &mut Builder| {
        // The 3x3 convolution halves the picture, not the 1x1 before it.
        let convolutions = match kind {
            Kind::Basic => vec![ConvSpec::planar(out, 3).stride(stride), ConvSpec::planar(out, 3)],
            Kind::Bottleneck => vec![
                ConvSpec::planar(channels, 1),
                ConvSpec::planar(channels, 3).stride(stride),
                ConvSpec::planar(out, 1),
            ],
        };
        let (mut nodes, last) = (Vec::new(), convolutions.len());
        for (i, spec) in (1..).zip(convolutions) {
            nodes.push(b.conv(&format!("conv{i}"), spec)?);
            nodes.push(b.batch_norm(&format!("bn{i}"))?);
            if i < last {
                nodes.push(b.relu(&format!("relu{i}"))?);
            }
        }
        Ok(nodes)
    };
    let shortcut = |b: &mut Builder| {
        if step == 1 && input == out {
            return Ok(Vec::new());
        }
        let down = b.sequential("downsample", "Shortcut", |b| {
            Ok(vec![b.conv("0", ConvSpec::planar(out, 1).stride(stride))?, b.batch_norm("1")?])
        })?;
        Ok(vec![down])
    };
    let title = format!("Block {}", index + 1);
    b.shortened(&index.to_string(), &title, branch, shortcut, |b| Ok(vec![b.relu("relu")?]))
}
