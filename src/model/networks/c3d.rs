//! C3D (Tran et al. 2015) with batch normalisation and global average pooling: 27,797,137 parameters at 17 classes.
//!
//! Layer ids are `block1` … `block5` (after the block's pool) and, inside them, the convolutions, normalisations,
//! ReLUs and the pool by position: `block5.3` is the last convolution, `block5.5` its ReLU before the pool.

use crate::model::builder::{Builder, Built, ConvSpec};
use crate::model::parts::Parts;
use crate::model::readout::Readout;
use crate::model::settings::Settings;

const BLOCKS: [(&[usize], [usize; 3]); 5] = [
    (&[64], [1, 2, 2]),
    (&[128], [2, 2, 2]),
    (&[256, 256], [2, 2, 2]),
    (&[512, 512], [2, 2, 2]),
    (&[512, 512], [2, 2, 2]),
];

/// Builds it; the second dropout is 0.6 times the first, which is 0.5 unless configured.
pub(in crate::model) fn build(b: &mut Builder, s: &Settings) -> Built<Parts> {
    let mut body = Vec::new();
    for (i, (channels, pool)) in BLOCKS.into_iter().enumerate() {
        let name = format!("block{}", i + 1);
        let block = b.sequential(&name, &format!("Block {}", i + 1), |b| {
            let mut nodes = Vec::new();
            for &out in channels {
                let at = nodes.len();
                nodes.push(b.conv(&at.to_string(), ConvSpec::same(out, [3; 3]).bias())?);
                nodes.push(b.batch_norm(&(at + 1).to_string())?);
                nodes.push(b.relu(&(at + 2).to_string())?);
            }
            nodes.push(b.max_pool(&nodes.len().to_string(), pool)?);
            Ok(nodes)
        })?;
        body.push(block);
    }
    let readout = b.readout("global_pool", Readout::Average)?;
    let p = s.dropout.unwrap_or(0.5);
    let head = b.classifier("classifier", |b| {
        vec![b.dropout("0", p), b.linear("1", 256), b.head_relu("2"), b.dropout("3", 0.6 * p), b.linear("4", s.classes)]
    });
    Ok(Parts { body, head, readout })
}
