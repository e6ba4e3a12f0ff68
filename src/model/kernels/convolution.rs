//! The shape of a convolution, and the epilogue of its output (scale, shift, activation).

use super::geometry::{ConvGeometry, windows};

/// What happens to the numbers of an output channel before they are written: times `scale`, plus `shift`, clamped.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Finish<'a> {
    pub scale: Option<&'a [f32]>,
    pub shift: Option<&'a [f32]>,
    pub bounds: [f32; 2],
}

impl Default for Finish<'_> {
    fn default() -> Self {
        Self { scale: None, shift: None, bounds: [f32::NEG_INFINITY, f32::INFINITY] }
    }
}

impl Finish<'_> {
    /// Factor and addend of a channel.
    pub(super) fn line(&self, channel: usize) -> (f32, f32) {
        (self.scale.map_or(1.0, |s| s[channel]), self.shift.map_or(0.0, |s| s[channel]))
    }

    /// The same of so many channels.
    pub(super) fn lines(&self, channels: usize) -> Vec<(f32, f32)> {
        (0..channels).map(|c| self.line(c)).collect()
    }

    /// True where nothing is clamped.
    pub(super) fn is_open(&self) -> bool {
        self.bounds == [f32::NEG_INFINITY, f32::INFINITY]
    }
}

/// A convolution with all its sizes. Order of axes is time, height, width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Convolution {
    /// Clips.
    pub batch: usize,
    /// Input and output channels.
    pub channels: [usize; 2],
    /// Input size.
    pub input: [usize; 3],
    /// Output size.
    pub output: [usize; 3],
    /// Kernel size.
    pub kernel: [usize; 3],
    /// Stride, padding, groups.
    pub geometry: ConvGeometry,
    /// Sums are to be exact but for one rounding, which takes longer; gradients of weights are not computed so.
    pub precise: bool,
}

impl Convolution {
    /// From the shapes of the input `[B, C, T, H, W]` and the weight `[O, C / groups, kT, kH, kW]`; `None` when they do
    /// not fit each other.
    pub fn new(x: [usize; 5], weight: [usize; 5], geometry: ConvGeometry) -> Option<Self> {
        let ConvGeometry { stride, padding, groups } = geometry;
        let fits = groups > 0 && weight[1] * groups == x[1] && weight[0].is_multiple_of(groups);
        if !fits || stride.contains(&0) || x.contains(&0) || weight.contains(&0) {
            return None;
        }
        let mut output = [0; 3];
        for axis in 0..3 {
            output[axis] = windows(x[axis + 2], weight[axis + 2], stride[axis], padding[axis])?;
        }
        Some(Self {
            batch: x[0],
            channels: [x[1], weight[0]],
            input: [x[2], x[3], x[4]],
            output,
            kernel: [weight[2], weight[3], weight[4]],
            geometry,
            precise: false,
        })
    }

    /// Numbers of one clip going in.
    pub fn input_len(&self) -> usize {
        self.channels[0] * volume(self.input)
    }

    /// Numbers of one clip coming out.
    pub fn output_len(&self) -> usize {
        self.channels[1] * volume(self.output)
    }

    /// Numbers of the weight.
    pub fn weight_len(&self) -> usize {
        self.channels[1] * self.channels[0] / self.geometry.groups * volume(self.kernel)
    }

    /// Pairs of a multiplication and an addition in its definition.
    pub fn work(&self) -> u64 {
        self.batch as u64 * volume(self.output) as u64 * self.weight_len() as u64
    }

    pub(super) fn is_depthwise(&self) -> bool {
        self.geometry.groups == self.channels[0] && self.channels[0] == self.channels[1]
    }

    /// Shape of the input.
    pub fn input_shape(&self) -> [usize; 5] {
        let [t, h, w] = self.input;
        [self.batch, self.channels[0], t, h, w]
    }

    /// Shape of the weight.
    pub fn weight_shape(&self) -> [usize; 5] {
        let [t, h, w] = self.kernel;
        [self.channels[1], self.channels[0] / self.geometry.groups, t, h, w]
    }
}

impl std::fmt::Display for Convolution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ([i, o], [t, h, w], [kt, kh, kw]) = (self.channels, self.output, self.kernel);
        let [st, sh, sw] = self.geometry.stride;
        write!(f, "{i} to {o} channels, kernel {kt}x{kh}x{kw}/{st}x{sh}x{sw}, ")?;
        let precise = if self.precise { ", precise" } else { "" };
        write!(f, "{} groups, to {}x{t}x{h}x{w}{precise}", self.geometry.groups, self.batch)
    }
}

/// Product of three sizes.
pub(crate) fn volume(size: [usize; 3]) -> usize {
    size.iter().product()
}
