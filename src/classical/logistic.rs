//! Multinomial logistic regression.

use super::linear::Linear;
use super::samples::{Samples, dot};
use rayon::prelude::*;
use std::collections::VecDeque;

/// Iterations after which the solution is taken as it is.
const ITERATIONS: usize = 2000;
/// Pairs of steps that the curvature is estimated from.
const MEMORY: usize = 12;
/// Samples whose gradient is added up in one piece, so that the sum is the same on any number of threads.
const PIECE: usize = 128;
/// The bias of a class without samples: its best would be minus infinity.
const ABSENT: f32 = -30.0;

/// Minimises `|W|²/2 + c · Σ -log p(label)` with free biases, as scikit-learn's `LogisticRegression` does; with two classes
/// the penalty is that of the one weight vector between them. By L-BFGS (Nocedal and Wright 2006, algorithm 7.4) until no
/// part of the gradient is larger than `tolerance` times `c`.
pub fn logistic(samples: &Samples, c: f64, tolerance: f64) -> Linear {
    let present: Vec<usize> =
        samples.counts().iter().enumerate().filter(|(_, n)| **n > 0).map(|(class, _)| class).collect();
    // The vector between two classes that are mirrored has four times the square of either.
    let penalty = if present.len() == 2 { 2.0 } else { 1.0 };
    let problem = Problem { samples, present: &present, penalty: penalty / c };
    let parameters = problem.minimise(tolerance);
    let stride = samples.width + 1;
    let mut linear = Linear { weight: vec![0.0; samples.width * samples.classes], bias: vec![ABSENT; samples.classes] };
    for (of_class, class) in parameters.chunks_exact(stride).zip(&present) {
        let Some((bias, weight)) = of_class.split_last() else { continue };
        let place = linear.weight.iter_mut().skip(class * samples.width);
        place.zip(weight).for_each(|(to, from)| *to = *from as f32);
        linear.bias.get_mut(*class).into_iter().for_each(|to| *to = *bias as f32);
    }
    linear
}

/// The function that is minimised, of parameters `[present classes, features + bias]`.
struct Problem<'a> {
    samples: &'a Samples,
    /// The classes there are samples of.
    present: &'a [usize],
    penalty: f64,
}

impl Problem<'_> {
    fn stride(&self) -> usize {
        self.samples.width + 1
    }

    /// Value and gradient at `parameters`.
    fn value(&self, parameters: &[f64]) -> (f64, Vec<f64>) {
        let pieces: Vec<(f64, Vec<f64>)> = (0..self.samples.len().div_ceil(PIECE))
            .into_par_iter()
            .map(|piece| self.piece(parameters, piece * PIECE..self.samples.len().min((piece + 1) * PIECE)))
            .collect();
        let (mut value, mut gradient) = (0.0, vec![0.0; parameters.len()]);
        for (part, of_part) in pieces {
            value += part;
            gradient.iter_mut().zip(of_part).for_each(|(sum, g)| *sum += g);
        }
        let classes = gradient.chunks_exact_mut(self.stride()).zip(parameters.chunks_exact(self.stride()));
        for (gradient, parameters) in classes {
            for (g, p) in gradient.iter_mut().zip(parameters).take(self.samples.width) {
                value += 0.5 * self.penalty * p * p;
                *g += self.penalty * p;
            }
        }
        (value, gradient)
    }

    /// What some samples add.
    fn piece(&self, parameters: &[f64], range: std::ops::Range<usize>) -> (f64, Vec<f64>) {
        let (mut value, mut gradient) = (0.0, vec![0.0; parameters.len()]);
        for index in range {
            let row = self.samples.row(index);
            let score = |of_class: &[f64]| dot(row, of_class) + of_class.last().copied().unwrap_or_default();
            let scores: Vec<f64> = parameters.chunks_exact(self.stride()).map(score).collect();
            let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = scores.iter().map(|s| (s - largest).exp()).sum();
            let label = self.samples.labels.get(index);
            for ((score, gradient), class) in
                scores.iter().zip(gradient.chunks_exact_mut(self.stride())).zip(self.present)
            {
                let probability = (score - largest).exp() / sum;
                let is_label = label == Some(class);
                if is_label {
                    value += largest + sum.ln() - score;
                }
                let error = probability - f64::from(u8::from(is_label));
                gradient.iter_mut().zip(row).for_each(|(g, v)| *g += error * f64::from(*v));
                gradient.last_mut().into_iter().for_each(|bias| *bias += error);
            }
        }
        (value, gradient)
    }

    fn minimise(&self, tolerance: f64) -> Vec<f64> {
        let mut at = vec![0.0; self.present.len() * self.stride()];
        let (mut value, mut gradient) = self.value(&at);
        let mut steps: VecDeque<Step> = VecDeque::new();
        for _ in 0..ITERATIONS {
            if gradient.iter().all(|g| g.abs() <= tolerance) {
                break;
            }
            let direction = direction(&gradient, &steps);
            let slope = product(&direction, &gradient);
            // The first step is of unit length, later ones are as long as their direction.
            let mut length = if steps.is_empty() { 1.0 / product(&gradient, &gradient).sqrt().max(1.0) } else { 1.0 };
            let next = loop {
                let tried: Vec<f64> = at.iter().zip(&direction).map(|(a, d)| a + length * d).collect();
                let (found, slopes) = self.value(&tried);
                if found <= value + 1e-4 * length * slope {
                    break Some((tried, found, slopes));
                }
                length *= 0.5;
                if length < 1e-12 {
                    break None;
                }
            };
            // Nothing nearby is lower: rounding is all that is left.
            let Some((tried, found, slopes)) = next else { break };
            let step = Step {
                moved: tried.iter().zip(&at).map(|(a, b)| a - b).collect(),
                turned: slopes.iter().zip(&gradient).map(|(a, b)| a - b).collect(),
            };
            if product(&step.moved, &step.turned) > 0.0 {
                steps.push_back(step);
                if steps.len() > MEMORY {
                    steps.pop_front();
                }
            }
            (at, value, gradient) = (tried, found, slopes);
        }
        at
    }
}

/// How far a step went, and how the gradient changed over it.
struct Step {
    moved: Vec<f64>,
    turned: Vec<f64>,
}

fn product(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The downward direction that the steps so far suggest (the two-loop recursion).
fn direction(gradient: &[f64], steps: &VecDeque<Step>) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
    let mut shares = Vec::with_capacity(steps.len());
    for step in steps.iter().rev() {
        let share = product(&step.moved, &direction) / product(&step.moved, &step.turned);
        direction.iter_mut().zip(&step.turned).for_each(|(d, t)| *d -= share * t);
        shares.push(share);
    }
    if let Some(last) = steps.back() {
        let scale = product(&last.moved, &last.turned) / product(&last.turned, &last.turned);
        direction.iter_mut().for_each(|d| *d *= scale);
    }
    for (step, share) in steps.iter().zip(shares.into_iter().rev()) {
        let back = product(&step.turned, &direction) / product(&step.moved, &step.turned);
        direction.iter_mut().zip(&step.moved).for_each(|(d, m)| *d += (share - back) * m);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_mirrored_samples_have_the_solution_of_one_equation() {
        // min w²/2 + 2·log(1 + exp(-w)): w = 2 / (1 + exp(w)).
        let samples = Samples::new(&[vec![1.0], vec![-1.0]], vec![1, 0], 2);
        let linear = logistic(&samples, 1.0, 1e-10);
        let w = f64::from(linear.weight[1] - linear.weight[0]);
        assert!((w - 2.0 / (1.0 + w.exp())).abs() < 1e-6, "{w}");
        assert!((linear.bias[1] - linear.bias[0]).abs() < 1e-6);
    }

    #[test]
    fn a_class_without_samples_is_never_said() {
        let rows = [vec![1.0], vec![-1.0], vec![1.5], vec![-1.2]];
        let linear = logistic(&Samples::new(&rows, vec![2, 0, 2, 0], 3), 1.0, 1e-8);
        let scores = linear.scores(&[0.3]);
        assert!(scores[2] > scores[0] && scores[1] < scores[0] - 20.0, "{scores:?}");
    }
}
