//! Kernels held against the definition of convolution, computed in `f64`.

use super::*;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Calls `each` with the indices of every (output, input, weight) that meet.
fn meetings(c: &Convolution, mut each: impl FnMut(usize, usize, usize)) {
    let ConvGeometry { stride, padding, groups } = c.geometry;
    let [inside, outside] = c.channels.map(|n| n / groups);
    for b in 0..c.batch {
        for o in 0..c.channels[1] {
            for p in 0..volume(c.output) {
                let p3 = [p / c.output[2] / c.output[1], p / c.output[2] % c.output[1], p % c.output[2]];
                for i in 0..inside {
                    for k in 0..volume(c.kernel) {
                        let k3 = [k / c.kernel[2] / c.kernel[1], k / c.kernel[2] % c.kernel[1], k % c.kernel[2]];
                        let at: [Option<usize>; 3] = std::array::from_fn(|a| {
                            (p3[a] * stride[a] + k3[a]).checked_sub(padding[a]).filter(|at| *at < c.input[a])
                        });
                        let [Some(t), Some(h), Some(w)] = at else { continue };
                        let channel = o / outside * inside + i;
                        each(
                            (b * c.channels[1] + o) * volume(c.output) + p,
                            (((b * c.channels[0] + channel) * c.input[0] + t) * c.input[1] + h) * c.input[2] + w,
                            (o * inside + i) * volume(c.kernel) + k,
                        );
                    }
                }
            }
        }
    }
}

fn check(what: &str, c: &Convolution, ours: &[f32], truth: &[f64]) {
    assert_eq!(ours.len(), truth.len(), "{what} of {c:?}");
    let scale = truth.iter().fold(1e-3_f64, |m, v| m.max(v.abs()));
    for (i, (a, b)) in ours.iter().zip(truth).enumerate() {
        assert!((f64::from(*a) - b).abs() <= 1e-5 * scale, "{what} {i} of {c:?}: {a} instead of {b}");
    }
}

fn hold(c: &Convolution, random: &mut ChaCha8Rng) {
    let mut numbers = |n: usize| (0..n).map(|_| random.random_range(-1.0..1.0)).collect::<Vec<f32>>();
    let (x, w) = (numbers(c.batch * c.input_len()), numbers(c.weight_len()));
    let (dy, bias) = (numbers(c.batch * c.output_len()), numbers(c.channels[1]));
    let (mut y, mut dx, mut dw) = (vec![0.0_f64; dy.len()], vec![0.0_f64; x.len()], vec![0.0_f64; w.len()]);
    meetings(c, |o, i, k| {
        y[o] += f64::from(x[i]) * f64::from(w[k]);
        dx[i] += f64::from(dy[o]) * f64::from(w[k]);
        dw[k] += f64::from(dy[o]) * f64::from(x[i]);
    });
    check("output", c, &c.forward(&x, &w, Finish::default()), &y);
    check("input gradient", c, &c.input_gradient(&w, &dy), &dx);
    check("weight gradient", c, &c.weight_gradient(&x, &dy), &dw);
    for (i, y) in y.iter_mut().enumerate() {
        *y += f64::from(bias[i / volume(c.output) % c.channels[1]]);
    }
    check("output with bias", c, &c.forward(&x, &w, Finish { shift: Some(&bias), ..Finish::default() }), &y);
}

#[test]
fn random_convolutions_and_their_gradients_are_those_of_the_definition() {
    let mut random = ChaCha8Rng::seed_from_u64(3);
    let mut held = 0;
    while held < 150 {
        let groups = [1, 1, 1, 2, 3][random.random_range(0..5)];
        let depthwise = random.random_bool(0.25);
        let (inside, outside) = (random.random_range(1..7), random.random_range(1..21));
        let groups = if depthwise { inside } else { groups };
        let channels = if depthwise { [inside; 2] } else { [inside * groups, outside * groups] };
        let mut axis = |low: usize, high: usize| std::array::from_fn(|_| random.random_range(low..=high));
        let (kernel, stride, padding): ([usize; 3], [usize; 3], [usize; 3]) = (axis(1, 5), axis(1, 3), axis(0, 3));
        let size: [usize; 3] = axis(1, 13);
        let x = [random.random_range(1..6), channels[0], size[0], size[1], size[2]];
        let weight = [channels[1], channels[0] / groups, kernel[0], kernel[1], kernel[2]];
        let Some(c) = Convolution::new(x, weight, ConvGeometry { stride, padding, groups }) else { continue };
        hold(&c, &mut random);
        held += 1;
    }
}

#[test]
fn long_sums_and_wide_pictures_are_cut_into_pieces_that_fit_together() {
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let geometry = ConvGeometry { stride: [1; 3], padding: [1; 3], groups: 1 };
    let deep = Convolution::new([1, 90, 2, 5, 7], [9, 90, 3, 3, 3], geometry);
    let wide = Convolution::new([2, 5, 5, 33, 41], [3, 5, 3, 3, 3], geometry);
    for c in [deep, wide] {
        hold(&c.expect("the shapes fit"), &mut random);
    }
    let many = Convolution::new([2, 1040, 2, 7, 7], [32, 1040, 3, 3, 3], geometry).expect("the shapes fit");
    assert!(batched_gemm::pays(&many, many.output) && batched_gemm_weights::pays(&many));
    assert_eq!(winograd::form(&many, Direction::Forward), None);
    hold(&many, &mut random);
}

#[test]
fn the_same_threads_give_the_same_bits() {
    let geometry = ConvGeometry { stride: [1, 2, 2], padding: [1; 3], groups: 1 };
    let c = Convolution::new([5, 6, 6, 18, 14], [20, 6, 3, 3, 3], geometry).expect("the shapes fit");
    let numbers = |n: usize, k: f32| (0..n).map(|i| (i as f32 * k).sin()).collect::<Vec<f32>>();
    let (x, dy) = (numbers(c.batch * c.input_len(), 0.37), numbers(c.batch * c.output_len(), 0.71));
    let first = c.weight_gradient(&x, &dy);
    for _ in 0..5 {
        assert_eq!(c.weight_gradient(&x, &dy), first);
    }
}

#[test]
fn shapes_that_do_not_fit_make_no_convolution() {
    let geometry = ConvGeometry { stride: [1; 3], padding: [0; 3], groups: 1 };
    assert_eq!(Convolution::new([1, 3, 2, 2, 2], [4, 3, 3, 1, 1], geometry), None);
    assert_eq!(Convolution::new([1, 3, 2, 2, 2], [4, 2, 1, 1, 1], geometry), None);
    assert_eq!(Convolution::new([1, 3, 2, 2, 2], [4, 3, 1, 1, 1], ConvGeometry { groups: 0, ..geometry }), None);
    assert_eq!(Convolution::new([0, 3, 2, 2, 2], [4, 3, 1, 1, 1], geometry), None);
}

#[test]
fn transformed_convolutions_and_their_gradients_are_those_of_the_definition() {
    let mut random = ChaCha8Rng::seed_from_u64(5);
    for kernel in [[3, 3, 3], [1, 3, 3], [2, 3, 3]] {
        let mut held = 0;
        while held < 6 {
            let channels: [usize; 2] = std::array::from_fn(|_| random.random_range(16..40));
            let side = if held % 3 == 2 { 2 } else { 1 };
            let stride = [if kernel[0] == 3 && held < 3 { 1 } else { random.random_range(1..=3) }, side, side];
            let padding = kernel.map(|k| random.random_range(0..k));
            let size: [usize; 3] = [random.random_range(1..8), random.random_range(1..11), random.random_range(1..11)];
            let x = [random.random_range(1..4), channels[0], size[0], size[1], size[2]];
            let weight = [channels[1], channels[0], kernel[0], kernel[1], kernel[2]];
            let Some(c) = Convolution::new(x, weight, ConvGeometry { stride, padding, groups: 1 }) else { continue };
            held += 1;
            hold_transformed(&c, &mut random);
        }
    }
    // So many channels that all threads share the kernels, in several blocks and in one; two frames alone.
    for (channels, size) in [([144, 160], [4, 31, 30]), ([400, 96], [2, 5, 6]), ([24, 40], [2, 9, 7])] {
        let x = [2, channels[0], size[0], size[1], size[2]];
        let geometry = ConvGeometry { stride: [1; 3], padding: [1; 3], groups: 1 };
        let c = Convolution::new(x, [channels[1], channels[0], 3, 3, 3], geometry).expect("the shapes fit");
        hold_transformed(&c, &mut random);
    }
}

/// Every way to transform it, held against the sums of products, which are held against the definition elsewhere.
fn hold_transformed(c: &Convolution, random: &mut ChaCha8Rng) {
    let mut numbers = |n: usize| (0..n).map(|_| random.random_range(-1.0..1.0)).collect::<Vec<f32>>();
    let (x, w, dy) = (numbers(c.batch * c.input_len()), numbers(c.weight_len()), numbers(c.batch * c.output_len()));
    let wide = |v: Vec<f32>| v.into_iter().map(f64::from).collect::<Vec<f64>>();
    let y = wide(dense::forward(c, &x, &w, Finish::default()));
    let dx = wide(dense::input_gradient(c, &w, &dy));
    let dw = wide(dense::weight_gradient(c, &x, &dy));
    let mut ways = 0;
    for form in winograd::forms(c) {
        if let Some(out) = winograd::forward(c, form, &x, &w, Finish::default()) {
            check(&format!("output, {form:?},"), c, &out, &y);
            ways += 1;
        }
        if let Some(out) = winograd::input_gradient(c, form, &w, &dy) {
            check(&format!("input gradient, {form:?},"), c, &out, &dx);
        }
        if let Some(out) = winograd::weight_gradient::weight_gradient(c, form, &x, &dy) {
            check(&format!("weight gradient, {form:?},"), c, &out, &dw);
        }
    }
    assert!(ways > 0, "{c:?} cannot be transformed");
}

#[test]
fn clips_side_by_side_and_their_gradients_are_those_of_the_definition() {
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut held = 0;
    while held < 40 {
        let channels: [usize; 2] = std::array::from_fn(|_| 16 * random.random_range(2..6));
        let mut axis = |low: usize, high: usize| std::array::from_fn(|_| random.random_range(low..=high));
        let (kernel, stride, padding): ([usize; 3], [usize; 3], [usize; 3]) = (axis(1, 3), axis(1, 2), axis(0, 2));
        let size: [usize; 3] = axis(1, 7);
        let x = [random.random_range(1..4), channels[0], size[0], size[1], size[2]];
        let weight = [channels[1], channels[0], kernel[0], kernel[1], kernel[2]];
        let Some(c) = Convolution::new(x, weight, ConvGeometry { stride, padding, groups: 1 }) else { continue };
        if batched_gemm::pays(&c, c.output)
            && batched_gemm::pays(&c, c.input)
            && winograd::form(&c, Direction::Forward).is_none()
        {
            hold(&c, &mut random);
            held += 1;
        }
    }
}

#[test]
fn outputs_are_scaled_shifted_and_clamped_by_every_kernel() {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let same = ConvGeometry { stride: [1; 3], padding: [1; 3], groups: 1 };
    let dense = Convolution::new([2, 5, 3, 7, 9], [9, 5, 3, 3, 3], same);
    let transformed = Convolution::new([2, 17, 6, 9, 9], [18, 17, 3, 3, 3], same);
    let depthwise = Convolution::new([2, 6, 3, 9, 8], [6, 1, 3, 3, 3], ConvGeometry { groups: 6, ..same });
    let plain = ConvGeometry { padding: [0; 3], ..same };
    let pointwise = Convolution::new([2, 7, 3, 5, 9], [10, 7, 1, 1, 1], plain);
    for c in [dense, transformed, depthwise, pointwise] {
        let c = c.expect("the shapes fit");
        let mut numbers = |n: usize| (0..n).map(|_| random.random_range(-1.0..1.0)).collect::<Vec<f32>>();
        let (x, w) = (numbers(c.batch * c.input_len()), numbers(c.weight_len()));
        let (scale, shift) = (numbers(c.channels[1]), numbers(c.channels[1]));
        let plain = c.forward(&x, &w, Finish::default());
        let finish = Finish { scale: Some(&scale), shift: Some(&shift), bounds: [0.0, 1.5] };
        let truth: Vec<f64> = plain
            .iter()
            .enumerate()
            .map(|(i, v)| {
                let channel = i / volume(c.output) % c.channels[1];
                (f64::from(*v) * f64::from(scale[channel]) + f64::from(shift[channel])).clamp(0.0, 1.5)
            })
            .collect();
        check("finished output", &c, &c.forward(&x, &w, finish), &truth);
    }
}

#[test]
fn sums_of_output_gradients_are_those_of_the_bias() {
    let geometry = ConvGeometry { stride: [1; 3], padding: [1; 3], groups: 1 };
    let c = Convolution::new([3, 2, 3, 40, 41], [5, 2, 3, 3, 3], geometry).expect("the shapes fit");
    let dy: Vec<f32> = (0..c.batch * c.output_len()).map(|i| (i as f32 * 0.37).sin()).collect();
    let mut truth = vec![0.0_f64; 5];
    for (i, v) in dy.iter().enumerate() {
        truth[i / volume(c.output) % 5] += f64::from(*v);
    }
    check("bias gradient", &c, &c.bias_gradient(&dy), &truth);
}

/// Sums that are exact but for their one rounding, by every way there is to compute them.
fn hold_precise(c: &Convolution, random: &mut ChaCha8Rng) {
    let c = Convolution { precise: true, ..*c };
    let mut numbers = |n: usize| (0..n).map(|_| random.random_range(-1.0..1.0)).collect::<Vec<f32>>();
    let (x, w, dy) = (numbers(c.batch * c.input_len()), numbers(c.weight_len()), numbers(c.batch * c.output_len()));
    let (scale, shift) = (numbers(c.channels[1]), numbers(c.channels[1]));
    let (mut y, mut dx) = (vec![0.0_f64; dy.len()], vec![0.0_f64; x.len()]);
    meetings(&c, |o, i, k| {
        y[o] += f64::from(x[i]) * f64::from(w[k]);
        dx[i] += f64::from(dy[o]) * f64::from(w[k]);
    });
    let check = |what: &str, ours: Option<Vec<f32>>, truth: &[f64]| {
        let ours = ours.unwrap_or_else(|| panic!("no {what} of {c:?}"));
        let size = truth.iter().fold(1.0_f64, |m, v| m.max(v.abs()));
        for (i, (a, b)) in ours.iter().zip(truth).enumerate() {
            let half = f64::from(f32::EPSILON) / 2.0;
            assert!((f64::from(*a) - b).abs() <= half * b.abs() + 1e-13 * size, "{what} {i} of {c:?}: {a} for {b}");
        }
    };
    check("output", conv_f64::forward(&c, &x, &w, Finish::default()), &y);
    if c.geometry.stride == [1; 3] && c.geometry.padding.iter().zip(c.kernel).all(|(p, k)| *p < k) {
        check("input gradient", conv_f64::input_gradient(&c, &w, &dy), &dx);
    }
    let finish = Finish { scale: Some(&scale), shift: Some(&shift), bounds: [0.0, 1.5] };
    for (i, y) in y.iter_mut().enumerate() {
        let channel = i / volume(c.output) % c.channels[1];
        *y = (*y * f64::from(scale[channel]) + f64::from(shift[channel])).clamp(0.0, 1.5);
    }
    check("finished output", conv_f64::forward(&c, &x, &w, finish), &y);
}

#[test]
fn precise_sums_are_rounded_once() {
    let mut random = ChaCha8Rng::seed_from_u64(8);
    let mut held = 0;
    while held < 60 {
        let channels = [random.random_range(1..20), random.random_range(1..40)];
        let mut axis = |low: usize, high: usize| std::array::from_fn(|_| random.random_range(low..=high));
        let (kernel, stride, padding): ([usize; 3], [usize; 3], [usize; 3]) = (axis(1, 4), axis(1, 2), axis(0, 2));
        let size: [usize; 3] = axis(1, 9);
        let x = [random.random_range(1..3), channels[0], size[0], size[1], size[2]];
        let weight = [channels[1], channels[0], kernel[0], kernel[1], kernel[2]];
        let Some(c) = Convolution::new(x, weight, ConvGeometry { stride, padding, groups: 1 }) else { continue };
        hold_precise(&c, &mut random);
        held += 1;
    }
    // So many places and so few channels that transforms pay: of threes, and of pictures.
    let same = ConvGeometry { stride: [1; 3], padding: [1; 3], groups: 1 };
    let flat = ConvGeometry { padding: [0, 1, 1], ..same };
    for (x, weight, geometry) in [
        ([2, 9, 7, 21, 18], [17, 9, 3, 3, 3], same),
        ([1, 8, 2, 25, 23], [33, 8, 3, 3, 3], ConvGeometry { padding: [1, 0, 2], ..same }),
        ([1, 10, 5, 27, 31], [16, 10, 1, 3, 3], flat),
    ] {
        let c = Convolution::new(x, weight, geometry).expect("the shapes fit");
        assert!(conv_f64::transforms(&c, &vec![0.0; c.weight_len()]), "{c:?}");
        hold_precise(&c, &mut random);
    }
}

#[test]
fn equal_inputs_give_equal_precise_outputs_wherever_they_lie() {
    let geometry = ConvGeometry { stride: [1; 3], padding: [0; 3], groups: 1 };
    let c = Convolution::new([1, 12, 12, 24, 24], [16, 12, 3, 3, 3], geometry).expect("the shapes fit");
    let c = Convolution { precise: true, ..c };
    let mut random = ChaCha8Rng::seed_from_u64(9);
    let mut numbers = |n: usize| (0..n).map(|_| random.random_range(-1.0..1.0)).collect::<Vec<f32>>();
    let (picture, w) = (numbers(12 * 24 * 24), numbers(c.weight_len()));
    let still: Vec<f32> = picture.chunks(24 * 24).flat_map(|plane| plane.repeat(12)).collect();
    let y = c.forward(&still, &w, Finish::default());
    for channel in y.chunks(volume(c.output)) {
        let (first, rest) = channel.split_at(22 * 22);
        assert!(rest.chunks(22 * 22).all(|frame| frame == first), "frames of a still clip differ");
    }
}
