//! Sums over all processes: each adds up one part of the numbers, in the order of the processes, and gives it to all. So every
//! process has the same bits, whatever carries them, and as little is sent as can be: `2 (N - 1) / N` times the numbers.

use super::{PeerError, Peers, half};
use serde::{Deserialize, Serialize};

/// Numbers below which all are given to all: one round instead of two.
const FEW: usize = 1024;
/// Numbers that are summed at a time: the lengths of messages are counted with 32 bits.
const AT_ONCE: usize = 1 << 26;

const UNEVEN: &str = "processes sum different counts of numbers";

/// How wide numbers are on their way between machines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Width {
    /// 32 bits: nothing is lost.
    #[default]
    Full,
    /// 16 bits with a common power of two per 1,024 numbers: half the bytes, and each number is off by at most 1/2,048 of itself
    /// when it is sent and again when the sum is given back.
    Half,
}

impl Width {
    /// Every kind with its name and what it is, as the form and the command line show them.
    pub const ALL: [(Self, &str, &str); 2] = [
        (Self::Full, "full", "32 bits: nothing is lost"),
        (Self::Half, "half", "16 bits: half the bytes, gradients rounded to 11 binary digits"),
    ];

    fn encode(self, values: &[f32]) -> Vec<u8> {
        match self {
            Self::Full => bytemuck::cast_slice(values).to_vec(),
            Self::Half => half::encode(values),
        }
    }

    /// Bytes that so many numbers become.
    fn encoded(self, numbers: usize) -> usize {
        match self {
            Self::Full => 4 * numbers,
            Self::Half => half::encoded(numbers),
        }
    }

    fn add(self, bytes: &[u8], sums: &mut [f32]) {
        match self {
            Self::Full => {
                let numbers = bytes.as_chunks::<4>().0;
                sums.iter_mut().zip(numbers).for_each(|(sum, bytes)| *sum += f32::from_le_bytes(*bytes));
            }
            Self::Half => half::add(bytes, sums),
        }
    }

    /// Bytes that one process sends to sum `numbers` over `processes`; those for itself are not counted.
    pub fn bytes(self, numbers: u64, processes: u64) -> u64 {
        let width = match self {
            Self::Full => 4,
            Self::Half => 2,
        };
        2 * (processes.max(1) - 1) * numbers * width / processes.max(1)
    }
}

impl<'p> dyn Peers + 'p {
    /// Adds up numbers, of which all processes have equally many. What each of them notes beside comes back, in their order.
    ///
    /// # Errors
    /// A process that is gone, or gave another count.
    pub fn sum(&self, values: &mut [f32], width: Width, note: &[u8]) -> Result<Vec<Vec<u8>>, PeerError> {
        if self.is_alone() {
            return Ok(vec![note.to_vec()]);
        }
        if values.len() <= FEW {
            return self.sum_few(values, note);
        }
        let mut notes = Vec::new();
        let last = values.len().div_ceil(AT_ONCE) - 1;
        for (at, some) in values.chunks_mut(AT_ONCE).enumerate() {
            notes = self.sum_some(some, width, if at == last { note } else { &[] })?;
        }
        Ok(notes)
    }

    /// With 32 bits, whatever is configured: there is nothing to save.
    fn sum_few(&self, values: &mut [f32], note: &[u8]) -> Result<Vec<Vec<u8>>, PeerError> {
        let mut own = Width::Full.encode(values);
        own.extend(note);
        let all = self.gather(&own)?;
        values.fill(0.0);
        let length = 4 * values.len();
        all.into_iter()
            .map(|bytes| {
                let (numbers, note) = bytes.split_at_checked(length).ok_or(PeerError::Internal(UNEVEN))?;
                Width::Full.add(numbers, values);
                Ok(note.to_vec())
            })
            .collect()
    }

    fn sum_some(&self, values: &mut [f32], width: Width, note: &[u8]) -> Result<Vec<Vec<u8>>, PeerError> {
        let (size, rank, count) = (self.size(), self.rank(), values.len());
        let range = |rank: usize| count * rank / size..count * (rank + 1) / size;
        let part = |rank: usize| values.get(range(rank)).unwrap_or_default();
        let own = part(rank).len();
        let given = match width {
            // Nothing is copied.
            Width::Full => self.exchange(&(0..size).map(|r| bytemuck::cast_slice(part(r))).collect::<Vec<&[u8]>>())?,
            Width::Half => {
                let parts: Vec<Vec<u8>> = (0..size).map(|r| width.encode(part(r))).collect();
                self.exchange(&parts.iter().map(Vec::as_slice).collect::<Vec<_>>())?
            }
        };
        let mut sums = vec![0.0; own];
        given.iter().for_each(|bytes| width.add(bytes, &mut sums));
        drop(given);
        let mut told = width.encode(&sums);
        told.extend(note);
        let all = self.gather(&told)?;
        values.fill(0.0);
        let mut notes = Vec::with_capacity(size);
        for (rank, bytes) in all.iter().enumerate() {
            let into = values.get_mut(range(rank)).unwrap_or_default();
            let (numbers, note) =
                bytes.split_at_checked(width.encoded(into.len())).ok_or(PeerError::Internal(UNEVEN))?;
            width.add(numbers, into);
            notes.push(note.to_vec());
        }
        Ok(notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::peers::crew;

    /// Different numbers in every process, and their sums with 64 bits.
    fn numbers(size: usize, count: usize) -> (Vec<Vec<f32>>, Vec<f64>) {
        let value =
            |rank: usize, i: usize| (((i * 31 + rank * 17) % 997) as f32 - 400.0) * 10.0_f32.powi(i as i32 % 5 - 4);
        let all: Vec<Vec<f32>> = (0..size).map(|r| (0..count).map(|i| value(r, i)).collect()).collect();
        let sums = (0..count).map(|i| all.iter().map(|own| f64::from(own[i])).sum()).collect();
        (all, sums)
    }

    fn summed(size: usize, count: usize, width: Width) -> (Vec<Vec<f32>>, Vec<Vec<Vec<u8>>>) {
        let (all, _) = numbers(size, count);
        std::thread::scope(|scope| {
            let threads: Vec<_> = crew(size)
                .into_iter()
                .zip(all)
                .map(|(peer, mut own)| {
                    scope.spawn(move || {
                        let peer: &dyn Peers = &peer;
                        let notes = peer.sum(&mut own, width, &[peer.rank() as u8, 7]).unwrap();
                        (own, notes)
                    })
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).unzip()
        })
    }

    #[test]
    fn sums_are_those_of_all_and_the_same_bits_everywhere() {
        for (size, count) in [(1, 5000), (2, 3), (2, 5000), (3, 1025), (5, 4099)] {
            let (given, expected) = numbers(size, count);
            for width in [Width::Full, Width::Half] {
                let (sums, notes) = summed(size, count, width);
                let notes_expected: Vec<Vec<u8>> = (0..size).map(|r| vec![r as u8, 7]).collect();
                assert!(sums.windows(2).all(|w| w[0] == w[1]) && notes.iter().all(|n| *n == notes_expected));
                for (i, (sum, expected)) in sums[0].iter().zip(&expected).enumerate() {
                    let magnitude: f64 = given.iter().map(|own| f64::from(own[i].abs())).sum();
                    // Rounded when they are sent and when the sum is; blocks hold numbers of other sizes too.
                    let off = if width == Width::Full || count <= FEW || size == 1 { 1e-6 } else { 1e-3 };
                    assert!(
                        (f64::from(*sum) - expected).abs() <= off * magnitude + 1e-9,
                        "{size} {count} {width:?} {i}: {sum} {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn half_width_sends_half_the_bytes() {
        assert_eq!(Width::Full.bytes(1000, 2), 4000);
        assert_eq!(Width::Full.bytes(1000, 4), 6000);
        assert_eq!(Width::Half.bytes(1000, 4), 3000);
        assert_eq!(Width::Full.bytes(1000, 1), 0);
    }
}
