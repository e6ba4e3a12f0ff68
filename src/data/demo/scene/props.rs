//! Furniture and other things that stand about.

use super::super::paint::{Canvas, Ink, P2, blob, capsule, ellipse, ink, line, p2, polygon, rect, rounded};
use super::Stage;
use rand::Rng;
use rand_chacha::ChaCha8Rng;
use std::f32::consts::PI;

/// A soft shadow on the floor under something of half-width `r`.
pub(super) fn contact(canvas: &mut Canvas, at: P2, r: f32) {
    canvas.glow(at, r * 1.25, 0.22, ink(0x1a1420), 0.34);
}

/// A leaf from `root` to `tip`, `wide` at its widest.
fn leaf(canvas: &mut Canvas, root: P2, tip: P2, wide: f32, base: Ink) {
    let side = tip.minus(root).unit().turned().times(wide);
    let middle = root.mix(tip, 0.5);
    canvas.fill(blob(&[root, middle.plus(side), tip, middle.minus(side)]), base);
    canvas.stroke_soft(line(&[root, root.mix(tip, 0.9)]), wide * 0.18, base.light(0.3), 0.6);
}

/// A pot plant standing at `at`, `size` pixels high.
pub(super) fn plant(canvas: &mut Canvas, at: P2, size: f32, pot: Ink, rng: &mut ChaCha8Rng) {
    contact(canvas, at, size * 0.22);
    let rim = p2(at.x, at.y - size * 0.27);
    let green = [ink(0x3f7d4e), ink(0x2f6a45), ink(0x5a9a5b)][rng.random_range(0..3)];
    let n = 9;
    for k in 0..n {
        let spread = (k as f32 / (n - 1) as f32 - 0.5) * 2.0;
        let angle = -PI / 2.0 + spread * 1.05 + rng.random_range(-0.08..0.08);
        let long = size * (0.74 - 0.22 * spread.abs()) * rng.random_range(0.85..1.08);
        let tip = p2(rim.x + angle.cos() * long * 0.8, rim.y + angle.sin() * long);
        let tone = if k % 2 == 0 { green } else { green.shade(0.25) };
        leaf(canvas, rim, tip, size * 0.07, tone);
    }
    let (top, low) = (size * 0.15, size * 0.11);
    let body = polygon(&[
        p2(at.x - top, rim.y),
        p2(at.x + top, rim.y),
        p2(at.x + low, at.y),
        p2(at.x - low, at.y),
    ]);
    canvas.fill_gradient(body, p2(at.x - top, 0.0), pot.light(0.1), p2(at.x + top, 0.0), pot.shade(0.35));
    canvas.fill(rounded(at.x - top * 1.1, rim.y - size * 0.02, top * 2.2, size * 0.055, size * 0.02), pot.shade(0.12));
}

/// A window with sky, hills and curtains; `(x, y)` is its middle top.
pub(super) fn window(stage: &mut Stage<'_>, x: f32, y: f32, w: f32, h: f32, curtains: Option<Ink>) {
    let c = &mut *stage.canvas;
    let left = x - w / 2.0;
    let frame = w * 0.045;
    c.rect(left - frame, y - frame, w + 2.0 * frame, h + 2.0 * frame, ink(0xf7f3ea));
    c.fill_gradient(rect(left, y, w, h), p2(0.0, y), ink(0x9fd3ef), p2(0.0, y + h), ink(0xe8f5f2));
    c.fill_soft(ellipse(p2(left + w * 0.3, y + h * 0.28), w * 0.14, h * 0.05), ink(0xffffff), 0.8);
    c.fill_soft(ellipse(p2(left + w * 0.4, y + h * 0.25), w * 0.12, h * 0.055), ink(0xffffff), 0.8);
    let hill = [
        p2(left, y + h),
        p2(left, y + h * 0.78),
        p2(left + w * 0.3, y + h * 0.68),
        p2(left + w * 0.62, y + h * 0.8),
        p2(left + w, y + h * 0.66),
        p2(left + w, y + h),
    ];
    c.fill(polygon(&hill), ink(0x9cc58f));
    let bar = frame * 0.7;
    c.rect(x - bar / 2.0, y, bar, h, ink(0xf7f3ea));
    c.rect(left, y + h * 0.42, w, bar, ink(0xf7f3ea));
    c.rect(left - frame * 1.8, y + h + frame, w + 3.6 * frame, frame * 1.1, ink(0xece4d6));
    c.fill_soft(rect(left - frame, y + h + frame * 2.1, w + 2.0 * frame, frame * 0.8), ink(0x3a2c28), 0.12);
    if let Some(cloth) = curtains {
        for side in [-1.0_f32, 1.0] {
            let outer = x + side * (w / 2.0 + w * 0.17);
            let inner = x + side * (w / 2.0 - w * 0.1);
            let waist = x + side * (w / 2.0 + w * 0.02);
            let shape = polygon(&[
                p2(outer, y - frame * 2.5),
                p2(inner, y - frame * 2.5),
                p2(waist, y + h * 0.62),
                p2(inner + side * w * 0.04, y + h * 1.18),
                p2(outer, y + h * 1.18),
            ]);
            c.fill_gradient(shape, p2(inner, 0.0), cloth.light(0.18), p2(outer, 0.0), cloth.shade(0.2));
        }
        let rod = line(&[p2(x - w * 0.74, y - frame * 2.6), p2(x + w * 0.74, y - frame * 2.6)]);
        c.stroke(rod, frame * 0.55, ink(0x6b5446));
    }
}

/// A framed picture with an abstract motif.
pub(super) fn picture(canvas: &mut Canvas, x: f32, y: f32, w: f32, h: f32, rng: &mut ChaCha8Rng) {
    canvas.fill_soft(rect(x + 3.0, y + 4.0, w, h), ink(0x2a2020), 0.14);
    canvas.rect(x, y, w, h, ink(0x5b4636));
    let m = w * 0.07;
    let (ix, iy, iw, ih) = (x + m, y + m, w - 2.0 * m, h - 2.0 * m);
    let papers = [ink(0xf3e4cf), ink(0xdfe8e2), ink(0xf0dcd5)];
    canvas.rect(ix, iy, iw, ih, papers[rng.random_range(0..3)]);
    let (sun, hill) = [(0xe98a4e, 0x3c6e71), (0xf0b94d, 0x7a4f6d), (0xd9604f, 0x2f4a66)][rng.random_range(0..3)];
    canvas.fill(ellipse(p2(ix + iw * 0.6, iy + ih * 0.38), iw * 0.18, iw * 0.18), ink(sun));
    let land = polygon(&[
        p2(ix, iy + ih),
        p2(ix, iy + ih * 0.62),
        p2(ix + iw * 0.36, iy + ih * 0.5),
        p2(ix + iw, iy + ih * 0.74),
        p2(ix + iw, iy + ih),
    ]);
    canvas.fill(land, ink(hill));
}

/// A shelf on the wall with books on it.
pub(super) fn bookshelf(canvas: &mut Canvas, x: f32, y: f32, w: f32, rng: &mut ChaCha8Rng) {
    let thick = w * 0.06;
    let spines = [0xd1603d, 0x2f5d62, 0xe0b252, 0x6a4c7d, 0x86a873, 0xefe6d5, 0x3c4f76];
    let mut at = x + w * 0.05;
    while at < x + w * 0.88 {
        let (bw, bh) = (w * rng.random_range(0.05..0.1), w * rng.random_range(0.26..0.4));
        if rng.random_bool(0.85) {
            let base = ink(spines[rng.random_range(0..spines.len())]);
            canvas.fill_gradient(rect(at, y - bh, bw, bh), p2(at, 0.0), base, p2(at + bw, 0.0), base.shade(0.2));
            canvas.rect(at, y - bh * 0.8, bw, bh * 0.05, base.light(0.5));
        }
        at += bw + 1.0;
    }
    canvas.rect(x, y, w, thick, ink(0x8a6446));
    canvas.fill_soft(rect(x + 4.0, y + thick, w - 4.0, thick * 0.9), ink(0x2a2020), 0.13);
}

/// A sofa seen from the front, its middle at `x`, standing on `floor`.
pub(super) fn sofa(canvas: &mut Canvas, x: f32, floor: f32, w: f32, base: Ink) {
    contact(canvas, p2(x, floor), w * 0.5);
    let h = w * 0.42;
    for side in [-0.42, 0.42] {
        canvas.rect(x + side * w - w * 0.012, floor - h * 0.14, w * 0.025, h * 0.14, ink(0x4e3829));
    }
    let top = floor - h;
    canvas.fill_gradient(
        rounded(x - w * 0.46, top, w * 0.92, h * 0.75, w * 0.05),
        p2(0.0, top),
        base.light(0.06),
        p2(0.0, floor),
        base.shade(0.35),
    );
    for side in [-1.0_f32, 1.0] {
        let cx = x + side * w * 0.215 - w * 0.21;
        canvas.fill(rounded(cx, top + h * 0.38, w * 0.42, h * 0.3, w * 0.03), base.light(0.1));
        canvas.fill(rounded(cx, top + h * 0.62, w * 0.42, h * 0.24, w * 0.02), base.shade(0.18));
        let arm = x + side * w * 0.44 - w * 0.065;
        canvas.fill(rounded(arm, top + h * 0.28, w * 0.13, h * 0.6, w * 0.045), base.shade(0.06));
    }
    let cushion = [p2(-0.06, 0.2), p2(0.08, 0.24), p2(0.06, 0.5), p2(-0.09, 0.47)];
    let pts = cushion.map(|p| p2(x - w * 0.24 + p.x * w, top + p.y * h));
    canvas.fill(blob(&pts), ink(0xf1c761));
}

/// A floor lamp with a glow.
pub(super) fn lamp(canvas: &mut Canvas, x: f32, floor: f32, h: f32) {
    contact(canvas, p2(x, floor), h * 0.09);
    canvas.stroke(line(&[p2(x, floor - 2.0), p2(x, floor - h * 0.86)]), h * 0.014, ink(0x40352f));
    canvas.fill(ellipse(p2(x, floor - 2.0), h * 0.07, h * 0.016), ink(0x40352f));
    canvas.glow(p2(x, floor - h * 0.88), h * 0.42, 1.0, ink(0xffe2a0), 0.4);
    let top = floor - h;
    let shade =
        polygon(&[p2(x - h * 0.06, top), p2(x + h * 0.06, top), p2(x + h * 0.1, top + h * 0.15), p2(x - h * 0.1, top + h * 0.15)]);
    canvas.fill_gradient(shade, p2(0.0, top), ink(0xffe9bd), p2(0.0, top + h * 0.15), ink(0xf3c989));
}

/// A rack with pairs of dumbbells, its left end at `x`.
pub(super) fn dumbbell_rack(canvas: &mut Canvas, x: f32, floor: f32, w: f32) {
    contact(canvas, p2(x + w / 2.0, floor), w * 0.52);
    let h = w * 0.62;
    for post in [0.03, 0.93] {
        canvas.rect(x + post * w, floor - h, w * 0.045, h, ink(0x39424e));
    }
    for (row, y) in [0.32_f32, 0.66, 0.98].into_iter().enumerate() {
        let y = floor - y * h;
        canvas.rect(x, y, w, w * 0.035, ink(0x56616e));
        for k in 0..4 {
            let cx = x + w * (0.15 + 0.235 * k as f32);
            let r = w * (0.062 - 0.01 * row as f32);
            let colour = [ink(0x2b2f36), ink(0xc8553d), ink(0x2f7fb8)][row];
            canvas.rect(cx - r * 0.9, y - r * 1.2, r * 1.8, r * 0.45, ink(0xb9c0c8));
            for side in [-1.0, 1.0] {
                let left = cx + side * r * 0.95 - r * 0.42;
                canvas.fill_gradient(
                    rounded(left, y - 2.0 * r, r * 0.85, 2.0 * r, r * 0.3),
                    p2(0.0, y - 2.0 * r),
                    colour.light(0.16),
                    p2(0.0, y),
                    colour.shade(0.3),
                );
            }
        }
    }
}

/// Wall bars from `top` to `floor`.
pub(super) fn wall_bars(canvas: &mut Canvas, x: f32, top: f32, w: f32, floor: f32) {
    let wood = ink(0xc99561);
    canvas.fill_soft(rect(x + 5.0, top + 5.0, w, floor - top), ink(0x20242c), 0.12);
    let bars = 11;
    for k in 0..bars {
        let y = top + (floor - top) * (k as f32 + 0.6) / bars as f32;
        canvas.stroke(line(&[p2(x, y), p2(x + w, y)]), w * 0.055, wood.shade(0.12));
        canvas.stroke_soft(line(&[p2(x, y - 1.0), p2(x + w, y - 1.0)]), w * 0.018, wood.light(0.4), 0.7);
    }
    for side in [0.0, 0.93] {
        let left = x + side * w;
        canvas.fill_gradient(
            rect(left, top, w * 0.09, floor - top),
            p2(left, 0.0),
            wood.light(0.1),
            p2(left + w * 0.09, 0.0),
            wood.shade(0.2),
        );
    }
}

/// A kettlebell.
pub(super) fn kettlebell(canvas: &mut Canvas, at: P2, r: f32, base: Ink) {
    contact(canvas, at, r);
    let handle = [p2(-0.55, -1.3), p2(-0.45, -2.3), p2(0.45, -2.3), p2(0.55, -1.3)];
    canvas.stroke(line(&handle.map(|p| p2(at.x + p.x * r, at.y + p.y * r))), r * 0.36, base.shade(0.2));
    canvas.fill_gradient(
        ellipse(p2(at.x, at.y - r * 0.92), r, r * 0.94),
        p2(at.x - r, at.y - 2.0 * r),
        base.light(0.2),
        p2(at.x + r, at.y),
        base.shade(0.5),
    );
}

/// A mat on the floor seen from above at a slant, its middle at `at`.
pub(super) fn mat(canvas: &mut Canvas, at: P2, w: f32, base: Ink) {
    let (deep, slant) = (w * 0.13, w * 0.07);
    let shape = |dy: f32| {
        polygon(&[
            p2(at.x - w / 2.0 + slant, at.y - deep + dy),
            p2(at.x + w / 2.0 - slant, at.y - deep + dy),
            p2(at.x + w / 2.0, at.y + deep + dy),
            p2(at.x - w / 2.0, at.y + deep + dy),
        ])
    };
    canvas.fill(shape(w * 0.014), base.shade(0.5));
    canvas.fill_gradient(shape(0.0), p2(0.0, at.y - deep), base, p2(0.0, at.y + deep), base.light(0.12));
}

/// A round rug with a border.
pub(super) fn rug(canvas: &mut Canvas, at: P2, r: f32, base: Ink) {
    for (k, tone) in [base.shade(0.12), base.light(0.45), base, base.light(0.12)].into_iter().enumerate() {
        let s = 1.0 - 0.09 * k as f32;
        canvas.fill(ellipse(at, r * s, r * 0.27 * s), tone);
    }
}

/// A bench with a back.
pub(super) fn bench(canvas: &mut Canvas, x: f32, floor: f32, w: f32) {
    contact(canvas, p2(x, floor), w * 0.5);
    let wood = ink(0xa5734a);
    for side in [-0.4, 0.4] {
        canvas.stroke(capsule_line(x + side * w, floor, floor - w * 0.38), w * 0.03, ink(0x3b4148));
    }
    for (k, y) in [0.36, 0.29, 0.2, 0.165].into_iter().enumerate() {
        let tone = if k < 2 { wood } else { wood.shade(0.18) };
        canvas.fill(rounded(x - w / 2.0, floor - w * y, w, w * 0.045, w * 0.015), tone);
    }
}

fn capsule_line(x: f32, from: f32, to: f32) -> Option<tiny_skia::Path> {
    line(&[p2(x, from), p2(x, to)])
}

/// A leafy tree standing at `at`, `h` pixels high.
pub(super) fn tree(canvas: &mut Canvas, at: P2, h: f32, base: Ink, light_side: f32, rng: &mut ChaCha8Rng) {
    contact(canvas, at, h * 0.22);
    canvas.fill(capsule(at, h * 0.035, p2(at.x, at.y - h * 0.5), h * 0.022), ink(0x77543c));
    let crown = [
        (0.0, 0.74, 0.24),
        (-0.16, 0.6, 0.18),
        (0.17, 0.6, 0.18),
        (-0.1, 0.84, 0.16),
        (0.11, 0.85, 0.15),
        (0.0, 0.55, 0.18),
    ]
    .map(|(x, y, r): (f32, f32, f32)| {
        (p2(at.x + x * h, at.y - y * h), r * h * rng.random_range(0.92..1.08))
    });
    for (c, r) in crown {
        canvas.fill(ellipse(c, r, r), base.shade(0.22));
    }
    for (c, r) in crown {
        let spot = c.plus(p2(light_side * r * 0.2, -r * 0.2));
        canvas.fill(ellipse(spot, r * 0.78, r * 0.76), base);
    }
    for (c, r) in &crown[..3] {
        let spot = c.plus(p2(light_side * r * 0.36, -r * 0.38));
        canvas.fill_soft(ellipse(spot, r * 0.42, r * 0.38), base.light(0.35), 0.7);
    }
}
