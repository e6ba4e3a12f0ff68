//! A network of our own for small clips on a CPU.
//!
//! A wide stem looks at five by five pixels of three frames; three stages of 3x3x3 convolutions follow, of which
//! two have a residual convolution. Time is halved twice, space three times, so that a clip of 16 frames at 64x64 still has
//! 4x8x8 cells at the last convolution, which is what heat maps are made of.

use super::builder::{Builder, Built, ConvSpec};
use super::layers::Node;
use super::network::Parts;

const STEM: usize = 16;
const STAGES: [(usize, [usize; 3]); 3] = [(32, [2, 2, 2]), (48, [1, 1, 1]), (96, [2, 2, 2])];

/// Convolution, normalisation, ReLU under the names 0, 1, 2.
fn unit(b: &mut Builder, spec: ConvSpec) -> Built<Vec<Node>> {
    Ok(vec![b.conv("0", spec)?, b.batch_norm("1")?, b.relu("2")?])
}

/// Builds it; `dropout` before the classifier is 0.2 unless configured.
pub(super) fn build(b: &mut Builder, classes: usize, dropout: Option<f64>) -> Built<Parts> {
    let mut body = vec![b.sequential("stem", "Stem", |b| unit(b, ConvSpec::same(STEM, [3, 5, 5]).stride([1, 2, 2])))?];
    for (i, (out, stride)) in STAGES.into_iter().enumerate() {
        let name = format!("stage{}", i + 1);
        body.push(
            b.sequential(&name, &format!("Stage {}", i + 1), |b| unit(b, ConvSpec::same(out, [3; 3]).stride(stride)))?,
        );
    }
    b.global_pool("pool");
    let head = b.classifier("classifier", |b| vec![b.dropout("0", dropout.unwrap_or(0.2)), b.linear("1", classes)]);
    Ok(Parts { body, head })
}
