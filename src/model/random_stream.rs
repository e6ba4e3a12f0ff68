//! Random streams of our own: counter-based, so that a value depends on its name and position alone,
//! never on how many threads ran or which layer was built first.

/// A stream of random numbers named by a seed and a string (FNV-1a into SplitMix64).
#[derive(Clone, Copy, Debug)]
pub struct RandomStream {
    state: u64,
}

impl RandomStream {
    /// The stream called `name` under `seed`.
    pub fn new(seed: u64, name: &str) -> Self {
        let mut hash = 0xcbf2_9ce4_8422_2325_u64;
        for byte in seed.to_le_bytes().into_iter().chain(name.bytes()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        Self { state: hash }
    }

    /// 64 random bits at `index`.
    pub fn bits(self, index: u64) -> u64 {
        let mut z = self.state.wrapping_add(index.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number in 0…1 (1 excluded) at `index`, with 24 random bits.
    pub fn unit(self, index: u64) -> f32 {
        (self.bits(index) >> 40) as f32 * (1.0 / 16_777_216.0)
    }

    /// `len` numbers uniform in -`bound`…`bound`.
    pub fn uniform(self, bound: f32, len: usize) -> Vec<f32> {
        (0..len as u64).map(|i| (self.unit(i) * 2.0 - 1.0) * bound).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_are_named_and_balanced() {
        let a = RandomStream::new(7, "conv.weight").uniform(2.0, 100_000);
        let mean = a.iter().map(|v| f64::from(*v)).sum::<f64>() / a.len() as f64;
        let variance = a.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / a.len() as f64;
        assert!(mean.abs() < 0.02, "mean {mean}");
        assert!((variance - 4.0 / 3.0).abs() < 0.02, "variance {variance}");
        assert!(a.iter().all(|v| (-2.0..2.0).contains(v)));
        assert_ne!(a[0], RandomStream::new(8, "conv.weight").uniform(2.0, 1)[0]);
        assert_ne!(a[0], RandomStream::new(7, "conv.bias").uniform(2.0, 1)[0]);
    }
}
