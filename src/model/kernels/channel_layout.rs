//! A padded channel layout in which every kernel tap is a constant offset.

use super::{Convolution, volume};

/// Numbers after a laid-out channel or frame, so that the last vectors may reach over its end.
pub(super) const SLACK: usize = 256;

/// A bordered channel, split by the rests of its coordinates when divided by `stride`.
pub(super) struct ChannelLayout {
    size: [usize; 3],
    pub low: [usize; 3],
    stride: [usize; 3],
    /// Size of the part of one rest.
    pub part: [usize; 3],
}

impl ChannelLayout {
    pub fn new(size: [usize; 3], low: [usize; 3], high: [usize; 3], stride: [usize; 3]) -> Self {
        let part = std::array::from_fn(|a| (size[a] + low[a] + high[a]).div_ceil(stride[a]));
        Self { size, low, stride, part }
    }

    pub fn len(&self) -> usize {
        volume(self.stride) * volume(self.part) + SLACK
    }

    /// Where a place of the bordered channel lies.
    pub fn at(&self, place: [usize; 3]) -> usize {
        let [rt, rh, rw]: [usize; 3] = std::array::from_fn(|a| place[a] % self.stride[a]);
        let part = (rt * self.stride[1] + rh) * self.stride[2] + rw;
        let [t, h, w]: [usize; 3] = std::array::from_fn(|a| place[a] / self.stride[a]);
        part * volume(self.part) + self.in_part([t, h, w])
    }

    pub fn in_part(&self, [t, h, w]: [usize; 3]) -> usize {
        (t * self.part[1] + h) * self.part[2] + w
    }

    /// Numbers from the first to the last of a frame of `rows` by `columns` in a part.
    pub fn frame(&self, rows: usize, columns: usize) -> usize {
        (rows - 1) * self.part[2] + columns
    }

    /// Makes `out` ready for [`Self::fill`].
    pub fn clear(&self, out: &mut Vec<f32>) {
        out.clear();
        out.resize(self.len(), 0.0);
    }

    /// Lays a channel out; the border has been zeroed and stays.
    pub fn fill(&self, channel: &[f32], out: &mut [f32]) {
        let (height, width, step) = (self.size[1], self.size[2], self.stride[2]);
        for (i, row) in channel.chunks_exact(width).enumerate() {
            let (t, h) = (i / height + self.low[0], i % height + self.low[1]);
            match step {
                1 => {
                    let at = self.at([t, h, self.low[2]]);
                    out[at..at + width].copy_from_slice(row);
                }
                2 => self.deal::<2>([t, h], row, out),
                4 => self.deal::<4>([t, h], row, out),
                _ => {
                    for first in 0..step.min(width) {
                        let at = self.at([t, h, first + self.low[2]]);
                        out[at..].iter_mut().zip(row[first..].iter().step_by(step)).for_each(|(to, v)| *to = *v);
                    }
                }
            }
        }
    }

    /// Deals a row out to the parts of a stride, which is known where this is compiled.
    fn deal<const STEP: usize>(&self, [t, h]: [usize; 2], row: &[f32], out: &mut [f32]) {
        let (whole, rest) = row.as_chunks::<STEP>();
        for first in 0..STEP.min(row.len()) {
            let at = self.at([t, h, first + self.low[2]]);
            let out = &mut out[at..at + whole.len() + usize::from(first < rest.len())];
            for (to, v) in out.iter_mut().zip(whole) {
                *to = v[first];
            }
            if let (Some(v), Some(to)) = (rest.get(first), out.last_mut()) {
                *to = *v;
            }
        }
    }

    /// For the input of a convolution: every tap is one shift.
    pub fn of_input(conv: &Convolution) -> Self {
        Self::new(conv.input, conv.geometry.padding, conv.geometry.padding, conv.geometry.stride)
    }

    /// Offsets of a kernel's taps in a laid-out input, in order.
    pub fn taps(&self, [kt, kh, kw]: [usize; 3]) -> Vec<usize> {
        (0..kt * kh * kw).map(|k| self.at([k / kw / kh, k / kw % kh, k % kw])).collect()
    }
}
