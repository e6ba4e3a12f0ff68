//! I3D (Carreira & Zisserman 2017): Inception-v1 with kernels over time.
//!
//! Names are those of the widely used PyTorch port: `Conv3d_1a_7x7`, `Mixed_3b` … `Mixed_5c` with the branches `b0` to
//! `b3b`, and `conv3d` and `bn` inside each unit (its ReLU, which has no name there, is `relu`). As in that port, zeros
//! are laid around clips as TensorFlow does, before max pooling too.

use crate::model::builder::{Builder, Built, ConvSpec};
use crate::model::layers::Padding;
use crate::model::parts::Parts;
use crate::model::readout::Readout;
use crate::model::settings::Settings;

/// What is left of 16 frames at 224x224 is as large as this window.
const WINDOW: [usize; 3] = [2, 7, 7];

/// Channels of a module: 1x1x1; 1x1x1 then 3x3x3; the same narrower; pool then 1x1x1.
type Mixed = [usize; 6];

/// A step of the trunk.
enum Step {
    Unit(&'static str, usize, [usize; 3], [usize; 3]),
    Pool(&'static str, [usize; 3], [usize; 3]),
    Mixed(&'static str, Mixed),
}

const STEPS: [Step; 16] = [
    Step::Unit("Conv3d_1a_7x7", 64, [7; 3], [2; 3]),
    Step::Pool("MaxPool3d_2a_3x3", [1, 3, 3], [1, 2, 2]),
    Step::Unit("Conv3d_2b_1x1", 64, [1; 3], [1; 3]),
    Step::Unit("Conv3d_2c_3x3", 192, [3; 3], [1; 3]),
    Step::Pool("MaxPool3d_3a_3x3", [1, 3, 3], [1, 2, 2]),
    Step::Mixed("Mixed_3b", [64, 96, 128, 16, 32, 32]),
    Step::Mixed("Mixed_3c", [128, 128, 192, 32, 96, 64]),
    Step::Pool("MaxPool3d_4a_3x3", [3; 3], [2; 3]),
    Step::Mixed("Mixed_4b", [192, 96, 208, 16, 48, 64]),
    Step::Mixed("Mixed_4c", [160, 112, 224, 24, 64, 64]),
    Step::Mixed("Mixed_4d", [128, 128, 256, 24, 64, 64]),
    Step::Mixed("Mixed_4e", [112, 144, 288, 32, 64, 64]),
    Step::Mixed("Mixed_4f", [256, 160, 320, 32, 128, 128]),
    Step::Pool("MaxPool3d_5a_2x2", [2; 3], [2; 3]),
    Step::Mixed("Mixed_5b", [256, 160, 320, 32, 128, 128]),
    Step::Mixed("Mixed_5c", [384, 192, 384, 48, 128, 128]),
];

/// Builds it; dropout before the classifier is 0.5 unless configured.
pub(in crate::model) fn build(b: &mut Builder, s: &Settings) -> Built<Parts> {
    let mut body = Vec::new();
    for step in STEPS {
        body.push(match step {
            Step::Unit(name, out, kernel, stride) => unit(b, name, out, kernel, stride)?,
            Step::Pool(name, kernel, stride) => b.max_pool_with(name, kernel, stride, Padding::Same)?,
            Step::Mixed(name, channels) => mixed(b, name, channels)?,
        });
    }
    let readout = b.readout("avg_pool", Readout::of(s.pooling, WINDOW))?;
    let mut head = b.optional_dropout("dropout", Some(s.dropout.unwrap_or(0.5)));
    head.extend(b.classifier("logits", |b| vec![b.linear_kept_as("conv3d", s.classes, 5)]));
    Ok(Parts { body, head, readout })
}

/// Convolution, normalisation, ReLU.
fn unit(b: &mut Builder, name: &str, out: usize, kernel: [usize; 3], stride: [usize; 3]) -> Built {
    let [t, h, w] = kernel;
    b.sequential(name, &format!("Unit {t}×{h}×{w}"), |b| {
        let conv = ConvSpec::same(out, kernel).stride(stride).padding(Padding::Same);
        Ok(vec![b.conv("conv3d", conv)?, b.batch_norm_with("bn", 1e-3, 0.01)?, b.relu("relu")?])
    })
}

/// Four ways side by side.
fn mixed(b: &mut Builder, name: &str, [b0, b1a, b1b, b2a, b2b, b3b]: Mixed) -> Built {
    b.branches(name, "Inception module", 0..4, |b, way| {
        Ok(match way {
            0 => vec![unit(b, "b0", b0, [1; 3], [1; 3])?],
            1 => vec![unit(b, "b1a", b1a, [1; 3], [1; 3])?, unit(b, "b1b", b1b, [3; 3], [1; 3])?],
            2 => vec![unit(b, "b2a", b2a, [1; 3], [1; 3])?, unit(b, "b2b", b2b, [3; 3], [1; 3])?],
            _ => vec![b.max_pool_with("b3a", [3; 3], [1; 3], Padding::Same)?, unit(b, "b3b", b3b, [1; 3], [1; 3])?],
        })
    })
}
