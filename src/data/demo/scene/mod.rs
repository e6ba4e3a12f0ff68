//! The places behind the people, painted once per subject.

mod indoors;
mod park;
mod props;

use super::actor::{Actor, Place};
use super::paint::{Canvas, P2, ink, p2};
use rand_chacha::ChaCha8Rng;

/// A canvas with the measures every place needs.
struct Stage<'a> {
    canvas: &'a mut Canvas,
    /// Width and height of the canvas.
    w: f32,
    h: f32,
    /// Where the floor meets the wall (or the sky).
    horizon: f32,
    /// Pixels per unit: 1 is the height of the picture divided by 550.
    unit: f32,
    /// +1 when light comes from the right, -1 from the left.
    light_side: f32,
    /// Where the person's feet are.
    feet: P2,
}

impl Stage<'_> {
    /// A horizontal place: -1 is the edge on the light's side's opposite, +1 the edge on the light's side.
    fn across(&self, t: f32) -> f32 {
        self.w * 0.5 + t * 0.5 * self.w * self.light_side
    }
}

/// Paints the background of an actor's video, `margin` pixels larger than the picture on each side.
pub(super) fn paint(canvas: &mut Canvas, actor: &Actor, margin: f32, rng: &mut ChaCha8Rng) {
    let (w, h) = (canvas.width(), canvas.height());
    let inner = h - 2.0 * margin;
    let mut stage = Stage {
        canvas,
        w,
        h,
        horizon: margin + inner * 0.71,
        unit: inner / 550.0,
        light_side: actor.light_side,
        feet: p2(actor.feet.0 + margin, actor.feet.1 + margin),
    };
    match actor.place {
        Place::LivingRoom => indoors::living_room(&mut stage, rng),
        Place::Gym => indoors::gym(&mut stage, rng),
        Place::Studio => indoors::studio(&mut stage, rng),
        Place::Park => park::park(&mut stage, rng),
    }
    // Light falls in from above on one side.
    let source = p2(stage.across(0.9), 0.0);
    canvas.glow(source, h * 0.75, 0.8, ink(0xfff3d6), 0.22);
    tint(canvas, actor.light);
}

/// Multiplies every pixel by the colour of the light.
fn tint(canvas: &mut Canvas, light: [f32; 3]) {
    let table: [[u8; 256]; 3] =
        light.map(|l| std::array::from_fn(|v| (v as f32 * l).round().clamp(0.0, 255.0) as u8));
    for px in canvas.pixmap.data_mut().chunks_exact_mut(4) {
        for c in 0..3 {
            px[c] = table[c][px[c] as usize];
        }
    }
}
