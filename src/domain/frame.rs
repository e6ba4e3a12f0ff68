use std::sync::Arc;

/// A picture of 8-bit RGB, rows from the top, three bytes a pixel, no padding.
#[derive(Clone, PartialEq, Eq)]
pub struct RgbImage {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height * 3` bytes. A vector, which a decoder's output becomes without being copied.
    pub data: Arc<Vec<u8>>,
}

impl std::fmt::Debug for RgbImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RgbImage({}x{})", self.width, self.height)
    }
}

impl RgbImage {
    /// Wraps bytes; `None` when their number is not `width * height * 3`.
    pub fn new(width: u32, height: u32, data: impl Into<Arc<Vec<u8>>>) -> Option<Self> {
        let data = data.into();
        (data.len() as u64 == u64::from(width) * u64::from(height) * 3).then_some(Self { width, height, data })
    }

    /// Bytes held.
    pub fn byte_len(&self) -> usize {
        self.data.len()
    }
}

/// A picture of one 8-bit channel, rows from the top: masks (0 = outside, else inside).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrayImage {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// `width * height` bytes.
    pub data: Arc<Vec<u8>>,
}
