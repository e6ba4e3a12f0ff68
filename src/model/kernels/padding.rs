//! Zero padding, and offsets into padded feature maps.

use super::volume;

/// `offsets` again and again, `apart` from each other: those of so many channels or clips, one after the other.
pub(super) fn repeated(offsets: &[u32], count: usize, apart: usize) -> Vec<u32> {
    (0..count).flat_map(|i| offsets.iter().map(move |at| (i * apart) as u32 + at)).collect()
}

/// Channels of `size` with `low` zeros before and `high` after each axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Padded {
    size: [usize; 3],
    low: [usize; 3],
    whole: [usize; 3],
}

impl Padded {
    pub fn new(size: [usize; 3], low: [usize; 3], high: [usize; 3]) -> Self {
        let whole = std::array::from_fn(|a| size[a] + low[a] + high[a]);
        Self { size, low, whole }
    }

    /// Numbers of a channel.
    pub fn plane(&self) -> usize {
        volume(self.whole)
    }

    /// Offset of a place within a channel, counted from the border's corner.
    pub fn at(&self, [t, h, w]: [usize; 3]) -> usize {
        (t * self.whole[1] + h) * self.whole[2] + w
    }

    /// Numbers of channels of `len` numbers once they have their border.
    pub fn len_of(&self, len: usize) -> usize {
        len / volume(self.size) * self.plane()
    }

    /// Copies `channels` into `out` of [`Padded::len_of`] numbers with their border.
    pub fn copy(&self, channels: &[f32], out: &mut [f32]) {
        if self.size == self.whole {
            out.copy_from_slice(channels);
            return;
        }
        out.fill(0.0);
        let [t, h, w] = self.size;
        for (from, to) in channels.chunks_exact(t * h * w).zip(out.chunks_exact_mut(self.plane())) {
            for (i, row) in from.chunks_exact(w).enumerate() {
                let at = self.at([i / h + self.low[0], i % h + self.low[1], self.low[2]]);
                to[at..at + w].copy_from_slice(row);
            }
        }
    }

    /// Copies `channels` into `out` with their border; returns them as they are when there is none.
    pub fn fill<'a>(&self, channels: &'a [f32], out: &'a mut Vec<f32>) -> &'a [f32] {
        if self.size == self.whole {
            return channels;
        }
        out.resize(self.len_of(channels.len()), 0.0);
        self.copy(channels, out);
        out
    }

    /// Offsets of all places of a grid of `size` with `step` between them, in row-major order.
    pub fn grid(&self, size: [usize; 3], step: [usize; 3]) -> Vec<u32> {
        self.grid_from([0; 3], size, step)
    }

    /// The same of a grid that begins at `first`.
    pub fn grid_from(&self, first: [usize; 3], size: [usize; 3], step: [usize; 3]) -> Vec<u32> {
        let mut offsets = Vec::with_capacity(volume(size));
        for t in 0..size[0] {
            for h in 0..size[1] {
                for w in 0..size[2] {
                    let [t, h, w] = [t * step[0], h * step[1], w * step[2]];
                    offsets.push(self.at([first[0] + t, first[1] + h, first[2] + w]) as u32);
                }
            }
        }
        offsets
    }
}
