//! Outdoors.

use super::super::paint::{Ink, P2, blob, ellipse, ink, line, p2, rect};
use super::{Stage, props};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

/// A ridge of hills: waves between two heights, filled down to the bottom of the picture.
fn ridge(stage: &mut Stage<'_>, y: f32, swing: f32, start: f32, top: Ink, bottom: Ink) {
    let (w, h) = (stage.w, stage.h);
    let mut points: Vec<P2> = (0..=12)
        .map(|k| {
            let t = k as f32 / 12.0;
            let wave = (t * 7.0 + start).sin() + 0.5 * (t * 13.0 + start * 2.0).sin();
            p2(-20.0 + t * (w + 40.0), y - wave * swing)
        })
        .collect();
    points.extend([p2(w + 60.0, y + 40.0), p2(w + 60.0, h), p2(-60.0, h), p2(-60.0, y + 40.0)]);
    stage.canvas.fill_gradient(blob(&points), p2(0.0, y - swing), top, p2(0.0, y + 60.0 * stage.unit), bottom);
}

fn cloud(stage: &mut Stage<'_>, at: P2, size: f32) {
    for (x, y, r) in [(0.0, 0.0, 0.5), (-0.55, 0.12, 0.34), (0.55, 0.1, 0.38), (0.2, -0.2, 0.36)] {
        let c = p2(at.x + x * size, at.y + y * size * 0.7);
        stage.canvas.fill_soft(ellipse(c, r * size, r * size * 0.55), ink(0xffffff), 0.75);
    }
}

pub(super) fn park(stage: &mut Stage<'_>, rng: &mut ChaCha8Rng) {
    let u = stage.unit;
    let (w, h, top) = (stage.w, stage.h, stage.horizon);
    let (zenith, haze) = [(0x86c5ea, 0xe9f4ec), (0x9ab8e8, 0xfbe3cf), (0x7fc4d8, 0xf3f0d6)][rng.random_range(0..3)];
    stage.canvas.fill_gradient(rect(0.0, 0.0, w, top + 2.0), p2(0.0, 0.0), ink(zenith), p2(0.0, top), ink(haze));
    let sun = p2(stage.across(0.62), 78.0 * u);
    stage.canvas.glow(sun, 90.0 * u, 1.0, ink(0xfff2b8), 0.9);
    stage.canvas.fill(ellipse(sun, 25.0 * u, 25.0 * u), ink(0xfff6d5));
    for k in 0..3 {
        let at = p2(w * rng.random_range(0.02..0.3) + w * 0.33 * k as f32, rng.random_range(60.0..170.0) * u);
        cloud(stage, at, rng.random_range(34.0..58.0) * u);
    }
    let phase = rng.random_range(0.0..6.0);
    ridge(stage, top - 92.0 * u, 16.0 * u, phase, ink(0xa9c9c4), ink(0xbcd6c2));
    ridge(stage, top - 52.0 * u, 13.0 * u, phase + 2.0, ink(0x86b58e), ink(0x9cc49a));
    let greens = [0x4f8f55, 0x3f7f5c, 0x6a9d4e];
    for k in 0..6 {
        let x = w * (k as f32 + rng.random_range(0.1..0.9)) / 6.0;
        let size = rng.random_range(74.0..112.0) * u;
        let green = ink(greens[k % 3]).light(0.16);
        props::tree(stage.canvas, p2(x, top - 14.0 * u), size, green, stage.light_side, rng);
    }
    let grass = ink([0x7fb35c, 0x8ab565, 0x72aa62][rng.random_range(0..3)]);
    ridge(stage, top - 6.0 * u, 3.0 * u, phase + 4.0, grass.shade(0.1), grass);
    stage.canvas.fill_fade(rect(0.0, top + 30.0 * u, w, h), (p2(0.0, top + 30.0 * u), grass, 0.0), (p2(0.0, h), grass.light(0.18), 1.0));
    // A gravel path from the left edge to the right, passing under the feet.
    let y = stage.feet.y;
    let path = [
        p2(-60.0, y - 34.0 * u),
        p2(w * 0.35, y - 40.0 * u),
        p2(w + 60.0, y - 26.0 * u),
        p2(w + 80.0, y + 40.0 * u),
        p2(w * 0.5, y + 30.0 * u),
        p2(-80.0, y + 44.0 * u),
    ];
    stage.canvas.fill(blob(&path), ink(0xdfcba6));
    for _ in 0..46 {
        let at = p2(rng.random_range(0.0..w), y + rng.random_range(-26.0..26.0) * u);
        stage.canvas.fill_soft(ellipse(at, 3.0 * u, 1.2 * u), ink(0xb89e78), 0.5);
    }
    props::bench(stage.canvas, stage.across(-0.6), top + 34.0 * u, 128.0 * u);
    let tree = ink(greens[rng.random_range(0..3)]);
    props::tree(stage.canvas, p2(stage.across(0.86), top + 24.0 * u), 330.0 * u, tree, stage.light_side, rng);
    for _ in 0..34 {
        let at = p2(rng.random_range(0.0..w), top + rng.random_range(10.0..46.0) * u);
        for lean in [-3.0, 0.0, 3.0] {
            let blade = line(&[at, p2(at.x + lean * u, at.y - 7.0 * u)]);
            stage.canvas.stroke_soft(blade, 1.3 * u, grass.shade(0.35), 0.6);
        }
    }
}
