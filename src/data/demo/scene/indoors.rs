//! Rooms.

use super::super::paint::{Ink, blob, ellipse, ink, line, p2, polygon, rect, rounded};
use super::{Stage, props};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

fn pick<T: Copy>(from: &[T], rng: &mut ChaCha8Rng) -> T {
    from[rng.random_range(0..from.len())]
}

fn wall(stage: &mut Stage<'_>, base: Ink) {
    let (lit, dark) = (stage.across(1.0), stage.across(-1.0));
    let shape = rect(0.0, 0.0, stage.w, stage.horizon + 1.0);
    stage.canvas.fill_gradient(shape, p2(lit, 0.0), base.light(0.12), p2(dark, stage.horizon), base.shade(0.13));
}

/// Floorboards running towards a vanishing point high behind the wall.
fn boards(stage: &mut Stage<'_>, base: Ink) {
    let (w, h, top) = (stage.w, stage.h, stage.horizon);
    let c = &mut *stage.canvas;
    c.fill_gradient(rect(0.0, top, w, h - top), p2(0.0, top), base.shade(0.16), p2(0.0, h), base.light(0.06));
    let vanish = p2(w * 0.5, top - (h - top) * 1.6);
    let n = 15;
    for k in 0..=n {
        let foot = p2(w * (-0.6 + 2.2 * k as f32 / n as f32), h);
        let t = (top - vanish.y) / (foot.y - vanish.y);
        let start = vanish.mix(foot, t);
        c.stroke_soft(line(&[start, foot]), 1.4 * stage.unit, base.shade(0.55), 0.35);
        if k % 2 == 0 && k < n {
            let next = p2(w * (-0.6 + 2.2 * (k + 1) as f32 / n as f32), h);
            let board = polygon(&[start, foot, next, vanish.mix(next, t)]);
            c.fill_soft(board, base.shade(0.3), 0.1);
        }
    }
}

fn skirting(stage: &mut Stage<'_>, base: Ink) {
    let u = stage.unit;
    let top = stage.horizon - 13.0 * u;
    stage.canvas.rect(0.0, top, stage.w, 13.0 * u, base);
    stage.canvas.rect(0.0, top, stage.w, 2.5 * u, base.light(0.5));
    stage.canvas.fill_soft(rect(0.0, stage.horizon, stage.w, 7.0 * u), ink(0x2a1c18), 0.16);
}

/// Light of a window lying on the floor.
fn light_patch(stage: &mut Stage<'_>, x: f32) {
    let (u, y) = (stage.unit, stage.horizon);
    let slide = -stage.light_side;
    for k in 0..2 {
        let left = x + slide * (30.0 + 62.0 * k as f32) * u;
        let patch = polygon(&[
            p2(left, y + 22.0 * u),
            p2(left + slide * 48.0 * u, y + 22.0 * u),
            p2(left + slide * 96.0 * u, y + 86.0 * u),
            p2(left + slide * 34.0 * u, y + 86.0 * u),
        ]);
        stage.canvas.fill_soft(patch, ink(0xfff1c9), 0.28);
    }
}

pub(super) fn living_room(stage: &mut Stage<'_>, rng: &mut ChaCha8Rng) {
    let u = stage.unit;
    let paint = pick(&[0xe6d3b8, 0xcfdcd3, 0xe7c9bb, 0xd3d6e4], rng);
    wall(stage, ink(paint));
    let light = stage.across(0.52);
    let curtain = ink(pick(&[0xd98c6a, 0x6f9aa6, 0xc9a24d, 0x9c7aa5], rng));
    props::window(stage, light, 62.0 * u, 130.0 * u, 178.0 * u, Some(curtain));
    skirting(stage, ink(0xf4efe6));
    boards(stage, ink(pick(&[0xb98558, 0xa8764c, 0xc79a6d], rng)));
    light_patch(stage, light);
    let dark = stage.across(-0.62);
    if rng.random_bool(0.5) {
        props::bookshelf(stage.canvas, dark - 55.0 * u, 128.0 * u, 118.0 * u, rng);
        props::bookshelf(stage.canvas, dark - 55.0 * u, 200.0 * u, 118.0 * u, rng);
    } else {
        props::picture(stage.canvas, dark - 52.0 * u, 92.0 * u, 62.0 * u, 80.0 * u, rng);
        props::picture(stage.canvas, dark + 22.0 * u, 112.0 * u, 44.0 * u, 54.0 * u, rng);
    }
    let floor = stage.horizon + 16.0 * u;
    let sofa = ink(pick(&[0x5f8a8b, 0x8a6d9b, 0xb5654d, 0x5d7299], rng));
    props::sofa(stage.canvas, dark, floor, 205.0 * u, sofa);
    if rng.random_bool(0.6) {
        props::lamp(stage.canvas, stage.across(-0.08), floor - 6.0 * u, 230.0 * u);
    }
    let pot = ink(pick(&[0xd7cfc4, 0xc4704f, 0x5f7f8f], rng));
    props::plant(stage.canvas, p2(stage.across(0.78), floor + 14.0 * u), 165.0 * u, pot, rng);
    let rug = ink(pick(&[0x4f7f86, 0xb9604c, 0x8d7ba8, 0x6d8f5e], rng));
    props::rug(stage.canvas, p2(stage.feet.x, stage.feet.y - 4.0 * u), 168.0 * u, rug);
}

pub(super) fn gym(stage: &mut Stage<'_>, rng: &mut ChaCha8Rng) {
    let u = stage.unit;
    let (upper, lower) = pick(&[(0xc3d0d8, 0x5d7488), (0xd6d2c8, 0x7a6a5c), (0xc9d8cf, 0x4f7468)], rng);
    wall(stage, ink(upper));
    let split = stage.horizon - 118.0 * u;
    let lit = stage.across(1.0);
    stage.canvas.fill_gradient(
        rect(0.0, split, stage.w, stage.horizon - split),
        p2(lit, 0.0),
        ink(lower).light(0.1),
        p2(stage.w - lit, 0.0),
        ink(lower).shade(0.15),
    );
    let stripe = ink(pick(&[0xf2a03d, 0xe8574a, 0x3fb6a8], rng));
    stage.canvas.rect(0.0, split - 9.0 * u, stage.w, 9.0 * u, stripe);
    for k in 0..4 {
        let x = stage.w * (0.03 + 0.245 * k as f32);
        props::window(stage, x + 42.0 * u, 34.0 * u, 74.0 * u, 66.0 * u, None);
    }
    // Rubber tiles.
    let (w, h, top) = (stage.w, stage.h, stage.horizon);
    let rubber = ink(pick(&[0x59606b, 0x66615c, 0x4f5f66], rng));
    let floor = rect(0.0, top, w, h - top);
    stage.canvas.fill_gradient(floor, p2(0.0, top), rubber.shade(0.2), p2(0.0, h), rubber.light(0.08));
    for k in 0..6 {
        let y = top + (h - top) * (k as f32 / 6.0).powf(1.5);
        stage.canvas.stroke_soft(line(&[p2(0.0, y), p2(w, y)]), 1.2 * u, rubber.shade(0.6), 0.5);
    }
    for k in -4..=4 {
        let x = k as f32 * 62.0 * u;
        let seam = line(&[p2(w / 2.0 + x, top), p2(w / 2.0 + x * 1.7, h)]);
        stage.canvas.stroke_soft(seam, 1.2 * u, rubber.shade(0.6), 0.5);
    }
    stage.canvas.fill_soft(rect(0.0, top, w, 8.0 * u), ink(0x10131a), 0.2);
    let side = stage.across(-0.72);
    props::wall_bars(stage.canvas, side - 44.0 * u, 128.0 * u, 88.0 * u, top + 4.0 * u);
    let rack = stage.across(0.62);
    props::dumbbell_rack(stage.canvas, rack - 70.0 * u, top + 22.0 * u, 140.0 * u);
    let iron = ink(pick(&[0x3a3f47, 0xc8553d, 0x2f7fb8], rng));
    props::kettlebell(stage.canvas, p2(stage.across(-0.8), top + 40.0 * u), 15.0 * u, iron);
    props::kettlebell(stage.canvas, p2(stage.across(-0.64), top + 46.0 * u), 12.0 * u, iron);
    let mat = ink(pick(&[0x3f8f8a, 0x7a5ea8, 0x3c6fb0, 0xb5533f], rng));
    props::mat(stage.canvas, p2(stage.feet.x, stage.feet.y - 2.0 * u), 330.0 * u, mat);
}

pub(super) fn studio(stage: &mut Stage<'_>, rng: &mut ChaCha8Rng) {
    let u = stage.unit;
    let (back, shape) =
        pick(&[(0xf0ddd3, 0xe3a58c), (0xdfe7ea, 0x8fb3c2), (0xeee6cf, 0xd9b460), (0xe6dcea, 0xa790bd)], rng);
    wall(stage, ink(back));
    // A painted arch and a disc on the wall.
    let (cx, wide) = (stage.across(-0.12), 118.0 * u);
    let spring = 190.0 * u;
    let mut arch = vec![p2(cx - wide, stage.horizon), p2(cx - wide, spring)];
    for k in 1..16 {
        let a = std::f32::consts::PI * (1.0 + k as f32 / 16.0);
        arch.push(p2(cx + wide * a.cos(), spring + wide * a.sin()));
    }
    arch.extend([p2(cx + wide, spring), p2(cx + wide, stage.horizon)]);
    let tone = ink(shape);
    stage.canvas.fill_gradient(polygon(&arch), p2(0.0, 70.0 * u), tone.light(0.25), p2(0.0, stage.horizon), tone);
    let disc = p2(stage.across(0.68), 120.0 * u);
    stage.canvas.fill_soft(ellipse(disc, 44.0 * u, 44.0 * u), tone.light(0.55), 0.8);
    skirting(stage, ink(back).light(0.3));
    boards(stage, ink(pick(&[0xd8bd98, 0xcbb09a, 0xbfa58a], rng)));
    let floor = stage.horizon + 14.0 * u;
    props::plant(stage.canvas, p2(stage.across(-0.78), floor + 8.0 * u), 190.0 * u, ink(0xe9e4da), rng);
    // A round stool with a folded towel.
    let stool = p2(stage.across(0.7), floor + 12.0 * u);
    props::contact(stage.canvas, stool, 36.0 * u);
    for leg in [-22.0, 0.0, 22.0] {
        let leg = line(&[p2(stool.x + leg * u, stool.y), p2(stool.x + leg * 0.55 * u, stool.y - 62.0 * u)]);
        stage.canvas.stroke(leg, 5.0 * u, ink(0x8d6547));
    }
    stage.canvas.fill(rounded(stool.x - 30.0 * u, stool.y - 70.0 * u, 60.0 * u, 11.0 * u, 5.0 * u), ink(0xb98558));
    let towel = [p2(-20.0, -70.0), p2(-18.0, -82.0), p2(18.0, -83.0), p2(21.0, -70.0)];
    let towel = towel.map(|p| p2(stool.x + p.x * u, stool.y + p.y * u));
    stage.canvas.fill(blob(&towel), ink(0xf6f4ee));
    let mat = ink(pick(&[0x6f8fae, 0x5f9a86, 0xc27d6b, 0x8c79ad], rng));
    props::mat(stage.canvas, p2(stage.feet.x, stage.feet.y - 2.0 * u), 340.0 * u, mat);
}
