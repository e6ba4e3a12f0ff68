//! Kernel size, stride, padding and groups of convolutions and pooling, and the fused activation.

/// Stride, padding and groups of a convolution; order is time, height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ConvGeometry {
    pub stride: [usize; 3],
    pub padding: [usize; 3],
    pub groups: usize,
}

/// How numbers are clamped behind a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Activation {
    /// Not at all.
    #[default]
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

impl Activation {
    /// Lowest and highest number that comes out.
    pub fn bounds(self) -> [f32; 2] {
        match self {
            Self::None => [f32::NEG_INFINITY, f32::INFINITY],
            Self::Relu => [0.0, f32::INFINITY],
            Self::Relu6 => [0.0, 6.0],
        }
    }
}

/// Elements of one axis after a window of `kernel` slides over `size` elements; `None` when it does not fit once.
pub(crate) fn windows(size: usize, kernel: usize, stride: usize, padding: usize) -> Option<usize> {
    Some((size + 2 * padding).checked_sub(kernel)? / stride + 1)
}
