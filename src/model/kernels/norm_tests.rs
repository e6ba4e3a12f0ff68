//! Normalisation, pooling and optimiser steps against their definitions in `f64`.

use super::Activation;
use super::norm::{Norm, NormOptions, Planes, train, train_backward};
use super::optimizer_step::{AdamStep, SgdStep, adam, sgd};
use super::pooling::Pooling;
use super::volume;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn near(what: &str, ours: &[f32], truth: &[f64], tolerance: f64) {
    assert_eq!(ours.len(), truth.len(), "{what}");
    let scale = truth.iter().fold(1e-3_f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in ours.iter().zip(truth).enumerate() {
        assert!((f64::from(*a) - b).abs() <= tolerance * scale, "{what} {i}: {a} instead of {b}");
    }
}

fn numbers(random: &mut ChaCha8Rng, n: usize, low: f32, high: f32) -> Vec<f32> {
    (0..n).map(|_| random.random_range(low..high)).collect()
}

/// Output, mean, variance, and the gradients of input, scale and shift.
fn defined(p: Planes, x: &[f32], norm: Norm<'_>, dy: &[f32]) -> [Vec<f64>; 6] {
    let [low, high] = norm.options.activation.bounds().map(f64::from);
    let mut out = [x.len(), p.channels, p.channels, x.len(), p.channels, p.channels].map(|n| vec![0.0; n]);
    let n = (p.batch * p.plane) as f64;
    for c in 0..p.channels {
        let at: Vec<usize> = (0..x.len()).filter(|i| i / p.plane % p.channels == c).collect();
        let mean = at.iter().map(|i| f64::from(x[*i])).sum::<f64>() / n;
        let variance = at.iter().map(|i| (f64::from(x[*i]) - mean).powi(2)).sum::<f64>() / n;
        let deviation = (variance + norm.options.epsilon).sqrt();
        let (scale, shift) = (f64::from(norm.scale[c]), f64::from(norm.shift[c]));
        (out[1][c], out[2][c]) = (mean, variance);
        let normal = |i: usize| (f64::from(x[i]) - mean) / deviation;
        let passed = |i: usize| {
            let y = normal(i) * scale + shift;
            if y > low && y < high { f64::from(dy[i]) } else { 0.0 }
        };
        let (sum, product) = at.iter().fold((0.0, 0.0), |(s, q), i| (s + passed(*i), q + passed(*i) * normal(*i)));
        (out[4][c], out[5][c]) = (product, sum);
        for i in at {
            out[0][i] = (normal(i) * scale + shift).clamp(low, high);
            out[3][i] = scale / deviation * (passed(i) - sum / n - normal(i) * product / n);
        }
    }
    out
}

#[test]
fn normalisation_and_its_gradients_are_those_of_the_definition() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    for round in 0..60 {
        let activation = [Activation::None, Activation::Relu, Activation::Relu6][round % 3];
        let plane = if round % 7 == 0 { random.random_range(4000..9000) } else { random.random_range(1..300) };
        let p = Planes { batch: random.random_range(1..5), channels: random.random_range(1..40), plane };
        // Far from zero, where a variance from sums of squares would be lost.
        let offset: f32 = random.random_range(-30.0..30.0);
        let x = numbers(&mut random, p.batch * p.channels * p.plane, offset - 2.0, offset + 2.0);
        let (scale, shift) = (numbers(&mut random, p.channels, 0.3, 4.0), numbers(&mut random, p.channels, -2.0, 4.0));
        let dy = numbers(&mut random, x.len(), -1.0, 1.0);
        let norm = Norm { scale: &scale, shift: &shift, options: NormOptions { epsilon: 1e-3, activation } };
        let (y, mean, variance) = train(p, &x, norm);
        let [y64, mean64, variance64, dx64, dscale64, dshift64] = defined(p, &x, norm, &dy);
        near("mean", &mean, &mean64, 1e-6);
        near("variance", &variance, &variance64, 1e-4);
        near("output", &y, &y64, 1e-4);
        // A number on the very edge of the clamp may fall on either side.
        let [low, high] = activation.bounds().map(f64::from);
        let edge = y64.iter().any(|y| [low, high].iter().any(|b| y != b && (y - b).abs() < 1e-4));
        let (dx, dscale, dshift) = train_backward(p, &x, norm, [&mean, &variance], dy);
        if !edge {
            near("input gradient", &dx, &dx64, 1e-3);
            near("scale gradient", &dscale, &dscale64, 1e-3);
            near("shift gradient", &dshift, &dshift64, 1e-3);
        }
    }
}

#[test]
fn what_is_not_a_number_stays_so() {
    let p = Planes { batch: 2, channels: 2, plane: 40 };
    let mut x = vec![0.5; 160];
    x[3] = f32::NAN;
    let options = NormOptions { epsilon: 1e-3, activation: Activation::Relu6 };
    let (y, _, _) = train(p, &x, Norm { scale: &[1.0; 2], shift: &[0.0; 2], options });
    assert!(y[..40].iter().chain(&y[80..120]).all(|v| v.is_nan()), "{y:?}");
    assert!(y[40..80].iter().all(|v| v.is_finite()));
    let pooled = Pooling::new(4, [1, 5, 8], [1, 2, 2], [1, 2, 2], [0; 3]).expect("it fits").forward(&x);
    assert_eq!(pooled.iter().filter(|v| v.is_nan()).count(), 1);
}

/// Calls `each` with the number of every output and the inputs of its window, in memory order.
fn windows(p: &Pooling, mut each: impl FnMut(usize, &[usize])) {
    let inside = volume(p.input);
    for o in 0..p.planes * volume(p.output) {
        let (plane, at) = (o / volume(p.output), o % volume(p.output));
        let place = [at / p.output[2] / p.output[1], at / p.output[2] % p.output[1], at % p.output[2]];
        let mut found = Vec::new();
        for i in 0..inside {
            let input = [i / p.input[2] / p.input[1], i / p.input[2] % p.input[1], i % p.input[2]];
            let within = (0..3).all(|a| {
                let tap = (input[a] + p.padding[a]).checked_sub(place[a] * p.stride[a]);
                tap.is_some_and(|tap| tap < p.kernel[a])
            });
            if within {
                found.push(plane * inside + i);
            }
        }
        each(o, &found);
    }
}

#[test]
fn pools_of_any_kernel_stride_and_padding_are_those_of_the_definition() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut held = 0;
    while held < 120 {
        let mut axis = |low: usize, high: usize| std::array::from_fn(|_| random.random_range(low..=high));
        let (input, kernel, stride, padding) = (axis(1, 9), axis(1, 4), axis(1, 3), axis(0, 2));
        let Some(p) = Pooling::new(random.random_range(1..5), input, kernel, stride, padding) else { continue };
        // Few different numbers, so that there are ties.
        let x: Vec<f32> = (0..p.planes * volume(input)).map(|_| random.random_range(-3..3) as f32).collect();
        let dy = numbers(&mut random, p.planes * volume(p.output), -1.0, 1.0);
        let (mut y, mut dx) = (vec![0.0_f64; dy.len()], vec![0.0_f64; x.len()]);
        windows(&p, |o, inputs| {
            let first = inputs.iter().copied().reduce(|best, i| if x[i] > x[best] { i } else { best });
            let first = first.expect("no window is empty");
            y[o] = f64::from(x[first]);
            dx[first] += f64::from(dy[o]);
        });
        near("pooled", &p.forward(&x), &y, 0.0);
        near("input gradient", &p.backward(&x, &dy), &dx, 1e-6);
        held += 1;
    }
}

#[test]
fn steps_are_those_of_the_definition() {
    let mut random = ChaCha8Rng::seed_from_u64(9);
    for n in [1, 17, 100, 70_001] {
        let gradient = numbers(&mut random, n, -1.0, 1.0);
        let mut value = numbers(&mut random, n, -1.0, 1.0);
        let (mut first, mut second) = (numbers(&mut random, n, -1.0, 1.0), numbers(&mut random, n, 0.0, 1.0));
        let step = AdamStep {
            beta1: 0.9,
            beta2: 0.99,
            rest1: 0.1,
            rest2: 0.01,
            epsilon: 1e-6,
            rate: 0.02,
            root: 1.5,
            keep: 0.9,
            l2: 0.3,
        };
        let mut truth = [const { Vec::new() }; 3];
        for i in 0..n {
            let (v, f, s) = (f64::from(value[i]), f64::from(first[i]), f64::from(second[i]));
            let g = f64::from(gradient[i]) + v * 0.3;
            let (f, s) = (f * 0.9 + g * 0.1, s * 0.99 + g * g * 0.01);
            truth[0].push(v * 0.9 - f * 0.02 / (s.sqrt() * 1.5 + 1e-6));
            truth[1].push(f);
            truth[2].push(s);
        }
        adam(step, &mut value, &gradient, &mut first, &mut second);
        for (what, ours, truth) in
            [("value", &value, &truth[0]), ("first", &first, &truth[1]), ("second", &second, &truth[2])]
        {
            near(what, ours, truth, 1e-5);
        }
        for nesterov in [false, true] {
            let (mut value, mut velocity) = (value.clone(), first.clone());
            let truth: Vec<f64> = (0..n)
                .map(|i| {
                    let g = f64::from(gradient[i]) + f64::from(value[i]) * 0.2;
                    let v = f64::from(velocity[i]) * 0.8 + g;
                    f64::from(value[i]) - 0.1 * if nesterov { g + 0.8 * v } else { v }
                })
                .collect();
            sgd(SgdStep { rate: 0.1, momentum: 0.8, nesterov, l2: 0.2 }, &mut value, &gradient, &mut velocity);
            near("value after descent", &value, &truth, 1e-5);
        }
    }
}
