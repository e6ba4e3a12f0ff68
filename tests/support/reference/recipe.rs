//! Weights and inputs that both sides compute for themselves.

use super::networks::Named;
use crate::support::on_device::device;
use kinolens::model::{ArrayValues, NamedArray, Network, write_torch};
use serde_json::Value;

/// Numbers of a JSON list.
pub fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

/// Sizes of a JSON list.
pub fn sizes(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

pub fn fnv1a64(text: &str) -> u64 {
    text.bytes().fold(0xCBF2_9CE4_8422_2325, |h, b| (h ^ u64::from(b)).wrapping_mul(0x100_0000_01B3))
}

pub fn splitmix(state: u64, i: u64) -> u64 {
    let mut z = state.wrapping_add((i + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

pub fn unit(seed: &str, name: &str, n: usize) -> Vec<f32> {
    let state = fnv1a64(&format!("{seed}:{name}"));
    (0..n as u64).map(|i| (splitmix(state, i) >> 40) as f32 * 2.0_f32.powi(-23) - 1.0).collect()
}

/// Values of an array by its name, shape and whether it belongs to a batch normalisation.
pub fn values(seed: &str, name: &str, shape: &[usize], normalisation: bool) -> Vec<f32> {
    let u = unit(seed, name, shape.iter().product());
    let leaf = name.rsplit('.').next().unwrap();
    match leaf {
        "running_var" => u.into_iter().map(|u| 1.0 + 0.5 * u.abs()).collect(),
        "weight" if normalisation => u.into_iter().map(|u| 1.0 + 0.1_f32 * u).collect(),
        "weight" if shape.len() >= 2 => {
            let bound = (6.0_f64 / shape[1..].iter().product::<usize>() as f64).sqrt() as f32;
            u.into_iter().map(|u| bound * u).collect()
        }
        _ => u.into_iter().map(|u| 0.1_f32 * u).collect(),
    }
}

pub fn clip(seed: &str, item: usize, [c, t, h, w]: [usize; 4]) -> Vec<f32> {
    let (tb, hb, wb) = (t.div_ceil(4), h.div_ceil(16), w.div_ceil(16));
    let block = unit(seed, &format!("input.{item}.block"), c * tb * hb * wb);
    let pixel = unit(seed, &format!("input.{item}.pixel"), c * t * h * w);
    let mut out = Vec::with_capacity(pixel.len());
    for ci in 0..c {
        for ti in 0..t {
            for y in 0..h {
                for x in 0..w {
                    let b = block[((ci * tb + ti / 4) * hb + y / 16) * wb + x / 16];
                    out.push(1.5 * b + 0.5 * pixel[((ci * t + ti) * h + y) * w + x]);
                }
            }
        }
    }
    out
}

/// Pixels as others that rounding cannot tell from them: each moves by up to what activations differ by between devices.
pub fn rounded(pixels: &[f32], trial: usize) -> Vec<f32> {
    const ROUNDING: f32 = 4e-6; // of a number
    let noise = unit("rounding", &trial.to_string(), pixels.len());
    pixels.iter().zip(noise).map(|(pixel, noise)| pixel * (1.0 + ROUNDING * noise)).collect()
}

/// A network with the recipe's weights. They come as people bring theirs: in a file of PyTorch, under the names that the
/// reference's networks have.
pub fn network(seed: &str, named: &Named, classes: usize, clip: [usize; 3]) -> Network {
    let (file, mut network) = weights(seed, named, classes, clip);
    let report = network.init_from(&file).unwrap();
    assert!(report.is_complete() && report.unused.is_empty(), "{}", report.lines(true).join("\n"));
    network
}

/// A file of PyTorch with the recipe's weights, and a network it fits into.
pub fn weights(seed: &str, named: &Named, classes: usize, clip: [usize; 3]) -> (tempfile::TempPath, Network) {
    let network = Network::build(&named.config(), classes, clip, &device(), 7).unwrap();
    let arrays = network.state_dict().unwrap();
    let normalised: Vec<String> =
        arrays.iter().filter_map(|a| a.name.strip_suffix(".running_mean").map(str::to_owned)).collect();
    let filled: Vec<NamedArray> = arrays
        .into_iter()
        .map(|a| {
            let prefix = a.name.rsplit_once('.').map_or("", |p| p.0);
            let normalisation = normalised.iter().any(|n| n == prefix);
            let name = (named.theirs)(&a.name);
            let values = match a.values {
                ArrayValues::I64(v) => ArrayValues::I64(vec![0; v.len()]),
                ArrayValues::F32(_) => ArrayValues::F32(values(seed, &name, &a.shape, normalisation)),
            };
            NamedArray { name, values, ..a }
        })
        .collect();
    let file = tempfile::Builder::new().suffix(".pth").tempfile().unwrap().into_temp_path();
    write_torch(&file, &filled).unwrap();
    (file, network)
}

/// Batch, channels, frames, rows, columns of a reference input: of a clip, of frames before their channels, of a picture.
pub fn clip_shape(shape: &[usize], kind: Option<&str>) -> [usize; 5] {
    match *shape {
        [b, t, c, h, w] if kind == Some("frames") || (c == 3 && t != 3) => [b, c, t, h, w],
        [b, c, t, h, w] => [b, c, t, h, w],
        [b, c, h, w] => [b, c, 1, h, w],
        _ => panic!("an input of shape {shape:?}"),
    }
}

pub fn seed_of(reference: &Value) -> String {
    reference["meta"]["seed"].as_str().unwrap().to_owned()
}

/// Largest difference over the largest reference value.
pub fn relative(found: &[f32], expected: &[f64]) -> f64 {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().fold(0.0_f64, |m, v| m.max(v.abs())).max(1e-30);
    found.iter().zip(expected).map(|(a, b)| (f64::from(*a) - b).abs()).fold(0.0, f64::max) / scale
}
