//! The variants of the transform: tile sizes in space and time.

use super::time_tiling::Cut;

/// Channels are rounded up to whole vectors.
pub(in crate::model::kernels) const LANES: usize = 16;
/// Numbers of transformed tiles that a thread works on at a time, so that they stay in its own.
pub(in crate::model::kernels) const OWN: usize = 1 << 16;
/// How height and width are cut into tiles.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::model::kernels) enum Side {
    /// 2x2 outputs from 4x4 products.
    Two,
    /// 4x4 outputs from 6x6 products.
    Four,
    /// 2x2 outputs, two inputs apart, from 5x5 products; going back, 4x4 gradients of inputs.
    Strided,
}

/// A way to transform a convolution.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::model::kernels) struct Form {
    pub time: Cut,
    pub side: Side,
}
