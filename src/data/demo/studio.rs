//! Films one subject: background, drifting camera, shadow, figure; picture, mask and pose of each frame.

use super::FPS;
use super::actor::Actor;
use super::body::{self, BALL_RADIUS, Joints};
use super::camera::Camera;
use super::figure::{Figure, ball_on_floor};
use super::geometry::{V3, smooth, v3};
use super::head;
use super::paint::{Canvas, P2, p2};
use super::scene;
use super::script::{Moment, Script};
use rand_chacha::ChaCha8Rng;
use std::f32::consts::TAU;
use tiny_skia::PremultipliedColorU8;

/// Pixels of background beyond each edge of the picture, for the camera to drift over. It drifts in whole pixels, so
/// that the encoder can copy the background: anything finer makes every block of every frame cost time and bits.
const MARGIN: usize = 12;
/// The figure is drawn at twice the picture's resolution without anti-aliasing and then shrunk.
const FINE: usize = 2;

/// One joint in the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Joint2 {
    pub at: P2,
    /// 0.95 where the viewer sees the joint, less where the body hides it.
    pub confidence: f32,
}

/// A camera, a set and an actor.
pub(super) struct Studio<'a> {
    actor: &'a Actor,
    width: usize,
    height: usize,
    /// What is behind the figure, RGB rows with the margin.
    background: Vec<u8>,
    layer: Canvas,
    /// The picture of the last frame, RGB rows from the top.
    pub picture: Vec<u8>,
    /// The mask of the last frame: 255 on the person and what they hold, else 0.
    pub mask: Vec<u8>,
    /// The pose of the last frame, in COCO's order.
    pub joints: [Joint2; 17],
}

impl<'a> Studio<'a> {
    /// Builds the set. `None` when the size is 0.
    pub fn new(actor: &'a Actor, width: u32, height: u32, rng: &mut ChaCha8Rng) -> Option<Studio<'a>> {
        let margin = MARGIN as u32;
        let mut background = Canvas::new(width + 2 * margin, height + 2 * margin)?;
        scene::paint(&mut background, actor, MARGIN as f32, rng);
        let (width, height) = (width as usize, height as usize);
        Some(Studio {
            actor,
            width,
            height,
            background: background.pixmap.data().chunks_exact(4).flat_map(|px| [px[0], px[1], px[2]]).collect(),
            layer: Canvas::finer(width as u32, height as u32, FINE as u32)?,
            picture: vec![0; width * height * 3],
            mask: vec![0; width * height],
            joints: [Joint2 { at: p2(0.0, 0.0), confidence: 0.0 }; 17],
        })
    }

    /// Draws a frame into [`Studio::picture`], [`Studio::mask`] and [`Studio::joints`].
    pub fn shoot(&mut self, script: &Script, frame: u32) {
        let moment = script.at(frame);
        let drift = self.drift(frame);
        self.copy_background(drift);
        let camera =
            Camera { scale: self.actor.height, origin: p2(self.actor.feet.0 + drift.x, self.actor.feet.1 + drift.y) };
        let joints = body::solve(&self.actor.build, &moment.pose, moment.yaw);
        let (ball, ball_held) = self.ball(&moment, &joints);
        self.shadows(&camera, &joints, ball);
        let actor = self.actor;
        let bottle = smooth((moment.pose.bottle - 0.15) * 1.6);
        let figure = Figure { actor, camera, joints: &joints, ball, ball_held, bottle };
        if !ball_held {
            self.layer.clear();
            figure.draw_ball(&mut self.layer);
            self.compose(false);
        }
        self.layer.clear();
        figure.draw(&mut self.layer);
        self.mask.fill(0);
        self.compose(true);
        self.joints = coco(&figure);
    }

    /// Where the camera has drifted to, in whole pixels.
    fn drift(&self, frame: u32) -> P2 {
        let t = frame as f32 / FPS;
        let p = &self.actor.drift_phase;
        let wave = |period: f32, phase: f32| (TAU * (t / period + phase)).sin();
        let x = self.actor.drift * (0.75 * wave(7.3, p[0]) + 0.25 * wave(2.9, p[1]));
        let y = self.actor.drift * 0.6 * (0.75 * wave(5.9, p[2]) + 0.25 * wave(3.7, p[3]));
        p2(x.round(), y.round())
    }

    fn copy_background(&mut self, drift: P2) {
        // The picture's corner lies at (MARGIN - drift) in the background.
        let place = |d: f32| (MARGIN as f32 - d).clamp(0.0, (2 * MARGIN) as f32) as usize;
        let (left, top) = (place(drift.x), place(drift.y));
        let source_width = self.width + 2 * MARGIN;
        for (y, row) in self.picture.chunks_exact_mut(self.width * 3).enumerate() {
            let start = ((top + y) * source_width + left) * 3;
            row.copy_from_slice(&self.background[start..start + row.len()]);
        }
    }

    /// Where the ball is, and whether it is held: on its way from the floor to the hands it flies in an arc.
    fn ball(&self, moment: &Moment, joints: &Joints) -> (V3, bool) {
        let t = smooth(moment.pose.ball);
        let floor = ball_on_floor(self.actor.ball_side);
        let arc = v3(0.0, 0.25 * (4.0 * t * (1.0 - t)), 0.0);
        let mut at = floor.mix(joints.grip, t) + arc;
        at.y = at.y.max(BALL_RADIUS);
        (at, moment.pose.ball > 0.5)
    }

    /// Soft shadows on the floor under the body, the feet and the ball.
    fn shadows(&mut self, camera: &Camera, joints: &Joints, ball: V3) {
        let away = -self.actor.light_side;
        let on_floor = |v: V3| camera.point(v3(v.x + 0.03 * away, 0.0, v.z));
        let body = on_floor(joints.pelvis.mix(joints.ankles[0].mix(joints.ankles[1], 0.5), 0.5));
        let wide = 0.17 + 0.5 * (joints.ankles[0].x - joints.ankles[1].x).abs();
        self.darken(body, camera.px(wide), camera.px(0.05), 0.3);
        for side in 0..2 {
            let lift = joints.toes[side].y.max(0.0);
            let at = on_floor(joints.heels[side].mix(joints.toes[side], 0.5));
            self.darken(at, camera.px(0.085 + 0.2 * lift), camera.px(0.026), 0.42 / (1.0 + 12.0 * lift));
        }
        let lift = (ball.y - BALL_RADIUS).max(0.0);
        self.darken(on_floor(ball), camera.px(0.075), camera.px(0.022), 0.42 / (1.0 + 10.0 * lift));
    }

    /// Darkens an ellipse, most in its middle, fading to nothing at its edge.
    fn darken(&mut self, at: P2, rx: f32, ry: f32, strength: f32) {
        let clip = |v: f32, max: usize| v.clamp(0.0, max as f32) as usize;
        let (x0, x1) = (clip(at.x - rx, self.width), clip(at.x + rx + 1.0, self.width));
        let (y0, y1) = (clip(at.y - ry, self.height), clip(at.y + ry + 1.0, self.height));
        for y in y0..y1 {
            let v = (y as f32 + 0.5 - at.y) / ry;
            let row = &mut self.picture[y * self.width * 3..][..self.width * 3];
            for (x, px) in row.chunks_exact_mut(3).enumerate().take(x1).skip(x0) {
                let u = (x as f32 + 0.5 - at.x) / rx;
                let inside = 1.0 - u * u - v * v;
                if inside > 0.0 {
                    let keep = (256.0 * (1.0 - strength * inside * inside)) as u16;
                    for c in px {
                        *c = ((u16::from(*c) * keep) >> 8) as u8;
                    }
                }
            }
        }
    }

    /// Lays the layer over the picture, and over the mask if it is the person; shrinks it to smooth its edges.
    fn compose(&mut self, person: bool) {
        crate::simd::arch().dispatch(LayOver(self, person));
    }

    #[inline(always)]
    fn lay_over(&mut self, person: bool) {
        let Some([x0, y0, x1, y1]) = self.layer.touched_pixels() else { return };
        let width = self.width;
        let layer = self.layer.pixmap.pixels();
        for y in y0..y1 {
            let above = &layer[(2 * y * width + x0) * 2..(2 * y * width + x1) * 2];
            let below = &layer[((2 * y + 1) * width + x0) * 2..((2 * y + 1) * width + x1) * 2];
            let under = &mut self.picture[(y * width + x0) * 3..(y * width + x1) * 3];
            let mask = &mut self.mask[y * width + x0..y * width + x1];
            let fine = above.chunks_exact(FINE).zip(below.chunks_exact(FINE));
            for (((a, b), u), m) in fine.zip(under.chunks_exact_mut(3)).zip(mask) {
                let four = [a[0], a[1], b[0], b[1]];
                if four[0] == four[1] && four[2] == four[3] && four[0] == four[2] {
                    // Most pixels lie wholly inside or outside.
                    match four[0].alpha() {
                        0 => continue,
                        255 => u.copy_from_slice(&[four[0].red(), four[0].green(), four[0].blue()]),
                        _ => mix_four(four, u),
                    }
                } else {
                    mix_four(four, u);
                }
                if person && four.iter().map(|c| u16::from(c.alpha())).sum::<u16>() >= 510 {
                    *m = 255;
                }
            }
        }
    }
}

/// [`Studio::lay_over`], compiled once more for each kind of processor.
struct LayOver<'a, 'b>(&'a mut Studio<'b>, bool);

impl pulp::WithSimd for LayOver<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: pulp::Simd>(self, _simd: S) {
        self.0.lay_over(self.1);
    }
}

/// Lays the mean of four premultiplied colours over an RGB pixel.
#[inline(always)]
fn mix_four(four: [PremultipliedColorU8; 4], under: &mut [u8]) {
    let sum = |channel: fn(PremultipliedColorU8) -> u8| four.iter().map(|c| u32::from(channel(*c))).sum::<u32>();
    let keep = 1020 - sum(|c| c.alpha());
    let over = [sum(|c| c.red()), sum(|c| c.green()), sum(|c| c.blue())];
    for (u, o) in under.iter_mut().zip(over) {
        *u = ((o * 255 + u32::from(*u) * keep + 510) / 1020).min(255) as u8;
    }
}

/// The figure's joints in COCO's order.
fn coco(figure: &Figure<'_>) -> [Joint2; 17] {
    let (j, camera) = (figure.joints, &figure.camera);
    let head = head::landmarks(figure);
    let trunk = camera.depth(j.pelvis.mix(j.neck, 0.5));
    let body: [(V3, V3); 6] = [
        (j.shoulders[0], j.shoulders[1]),
        (j.elbows[0], j.elbows[1]),
        (j.wrists[0], j.wrists[1]),
        (j.hips[0], j.hips[1]),
        (j.knees[0], j.knees[1]),
        (j.ankles[0], j.ankles[1]),
    ];
    std::array::from_fn(|i| {
        if i < 5 {
            let (at, seen) = head[i];
            return Joint2 { at, confidence: if seen { 0.95 } else { 0.4 } };
        }
        let (left, right) = body[(i - 5) / 2];
        let v = if (i - 5) % 2 == 0 { left } else { right };
        // Height moves a joint nearer in depth without hiding anything: compare at the trunk's height.
        let level = v3(v.x, j.pelvis.mix(j.neck, 0.5).y, v.z);
        let hidden = camera.depth(level) < trunk - 0.06;
        Joint2 { at: camera.point(v), confidence: if hidden { 0.6 } else { 0.95 } }
    })
}
