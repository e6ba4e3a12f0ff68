//! One optimiser step (SGD, Adam, AdamW) for one parameter, in one pass over memory.

use crate::simd::arch;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Numbers a thread takes at a time.
const TASK: usize = 1 << 15;

/// Adam's numbers for one step (Kingma & Ba 2015), the corrections of its averages worked in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamStep {
    /// Decay rates of the averages.
    pub beta1: f32,
    /// The second's.
    pub beta2: f32,
    /// `1 - beta`, which is not what 32 bits make of it.
    pub rest1: f32,
    /// The second's.
    pub rest2: f32,
    /// Added to the root of the second average.
    pub epsilon: f32,
    /// Learning rate over the correction of the first average.
    pub rate: f32,
    /// What the root of the second average is multiplied with.
    pub root: f32,
    /// What the value is multiplied with first (AdamW).
    pub keep: f32,
    /// What of the value is added to the gradient (L2).
    pub l2: f32,
}

/// Moves `value` and both averages.
pub(crate) fn adam(step: AdamStep, value: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32]) {
    let averages = first.par_chunks_mut(TASK).zip(second.par_chunks_mut(TASK));
    let tasks = value.par_chunks_mut(TASK).zip(gradient.par_chunks(TASK)).zip(averages);
    tasks.for_each(|((value, gradient), (first, second))| {
        arch().dispatch(Adam { step, value, gradient, first, second });
    });
}

struct Adam<'a> {
    step: AdamStep,
    value: &'a mut [f32],
    gradient: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl WithSimd for Adam<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { step: s, value, gradient, first, second } = self;
        let (value, value_tail) = S::as_mut_simd_f32s(value);
        let (gradient, gradient_tail) = S::as_simd_f32s(gradient);
        let (first, first_tail) = S::as_mut_simd_f32s(first);
        let (second, second_tail) = S::as_mut_simd_f32s(second);
        let [beta1, beta2, rest1, rest2] = [s.beta1, s.beta2, s.rest1, s.rest2].map(|v| simd.splat_f32s(v));
        let [epsilon, rate, root, keep, l2] = [s.epsilon, s.rate, s.root, s.keep, s.l2].map(|v| simd.splat_f32s(v));
        for (((value, g), first), second) in value.iter_mut().zip(gradient).zip(first).zip(second) {
            let g = simd.mul_add_e_f32s(*value, l2, *g);
            *first = simd.mul_add_e_f32s(*first, beta1, simd.mul_f32s(g, rest1));
            *second = simd.mul_add_e_f32s(*second, beta2, simd.mul_f32s(simd.mul_f32s(g, g), rest2));
            let below = simd.mul_add_e_f32s(simd.sqrt_f32s(*second), root, epsilon);
            let by = simd.div_f32s(simd.mul_f32s(*first, rate), below);
            *value = simd.sub_f32s(simd.mul_f32s(*value, keep), by);
        }
        let tails = value_tail.iter_mut().zip(gradient_tail).zip(first_tail).zip(second_tail);
        for (((value, g), first), second) in tails {
            let g = g + *value * s.l2;
            *first = *first * s.beta1 + g * s.rest1;
            *second = *second * s.beta2 + g * g * s.rest2;
            *value = *value * s.keep - *first * s.rate / (second.sqrt() * s.root + s.epsilon);
        }
    }
}

/// One step of gradient descent with momentum.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SgdStep {
    /// Learning rate.
    pub rate: f32,
    /// What is left of the velocity.
    pub momentum: f32,
    /// Look ahead (Nesterov).
    pub nesterov: bool,
    /// What of the value is added to the gradient.
    pub l2: f32,
}

/// Moves `value` and its velocity.
pub(crate) fn sgd(step: SgdStep, value: &mut [f32], gradient: &[f32], velocity: &mut [f32]) {
    let tasks = value.par_chunks_mut(TASK).zip(gradient.par_chunks(TASK)).zip(velocity.par_chunks_mut(TASK));
    tasks.for_each(|((value, gradient), velocity)| {
        for ((value, g), velocity) in value.iter_mut().zip(gradient).zip(velocity) {
            let g = g + *value * step.l2;
            *velocity = *velocity * step.momentum + g;
            let direction = if step.nesterov { g + *velocity * step.momentum } else { *velocity };
            *value -= direction * step.rate;
        }
    });
}
