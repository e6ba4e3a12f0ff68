//! Fused addition of two tensors and activation (residual connections).

use super::norm::clamped_one;
use rayon::prelude::*;

/// Numbers a thread walks over at a time.
const PART: usize = 1 << 14;

/// `to = clamp(to + from)`.
pub(crate) fn add(to: &mut [f32], from: &[f32], bounds: [f32; 2]) {
    to.par_chunks_mut(PART).zip(from.par_chunks(PART)).for_each(|(to, from)| {
        for (to, v) in to.iter_mut().zip(from) {
            *to = clamped_one(*to + v, bounds);
        }
    });
}

/// Zeroes gradients where the clamped sum is not between the bounds.
pub(crate) fn pass(dy: &mut [f32], sum: &[f32], [low, high]: [f32; 2]) {
    dy.par_chunks_mut(PART).zip(sum.par_chunks(PART)).for_each(|(dy, sum)| {
        for (dy, v) in dy.iter_mut().zip(sum) {
            *dy = if *v <= low || *v >= high { 0.0 } else { *dy };
        }
    });
}
