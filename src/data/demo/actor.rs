//! Who is in front of the camera, and where: everything that differs between subjects.

use super::body::Build;
use super::paint::{Ink, ink};
use rand::Rng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

/// Where the video was "filmed".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    LivingRoom,
    Gym,
    Park,
    Studio,
}

/// How the hair is worn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hair {
    Short,
    Bun,
    Ponytail,
    Curly,
    Bob,
    Cropped,
}

/// Upper garment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Top {
    TShirt,
    Tank,
    LongSleeve,
}

/// Lower garment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bottom {
    Shorts,
    Leggings,
    Joggers,
}

/// One subject.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub build: Build,
    /// Height in pixels.
    pub height: f32,
    /// Feet in the picture, before camera drift.
    pub feet: (f32, f32),
    /// Repetitions per normal repetition time.
    pub tempo: f32,
    /// How far movements go, about 1.
    pub amplitude: f32,
    /// Shifts the usual view angle of each exercise, radians.
    pub yaw_shift: f32,
    pub skin: Ink,
    pub hair: Hair,
    pub hair_ink: Ink,
    pub top: Top,
    pub top_ink: Ink,
    /// Stripe, hem and sole colour.
    pub accent: Ink,
    pub bottom: Bottom,
    pub bottom_ink: Ink,
    pub shoes: Ink,
    pub ball: Ink,
    /// Side of the figure the ball lies on while nobody holds it: +1 is the picture's right.
    pub ball_side: f32,
    pub beard: bool,
    pub place: Place,
    /// +1 when light comes from the picture's right, -1 from its left.
    pub light_side: f32,
    /// Colour of the light, near 1 in each channel.
    pub light: [f32; 3],
    /// Camera drift in pixels, and where in its course it starts.
    pub drift: f32,
    pub drift_phase: [f32; 4],
}

const SKINS: [u32; 7] = [0xf4cfb3, 0xe8b48d, 0xd39a6e, 0xb97b52, 0x95603c, 0x6f4429, 0xf0c3a4];
const HAIRS: [u32; 7] = [0x2b2224, 0x4a3126, 0x7a4a2a, 0xa8672f, 0xd3a55c, 0x8c3f2b, 0x8b8d93];
const TOPS: [u32; 10] =
    [0xe4572e, 0x2e86ab, 0xf2b134, 0x3d8b5f, 0x7b4fa3, 0xd94f70, 0xf3f0e8, 0x1f3c5a, 0x16a0a0, 0x9bbf3b];
const ACCENTS: [u32; 5] = [0xffffff, 0xffd35c, 0x1d2a3a, 0x7fe0d4, 0xff8f6b];
const BOTTOMS: [u32; 7] = [0x26324a, 0x3b3f46, 0x5b3a5e, 0x1e5b63, 0x6b7280, 0x33405f, 0x7a3b2e];
const SHOES: [u32; 5] = [0xf5f5f2, 0x22252b, 0xff6f59, 0x4aa3df, 0xffc94d];
const BALLS: [u32; 4] = [0xd7573b, 0x2f7fb8, 0x35a077, 0x8659a8];
const HAIR_STYLES: [Hair; 6] = [Hair::Short, Hair::Bun, Hair::Curly, Hair::Ponytail, Hair::Cropped, Hair::Bob];
const PLACES: [Place; 4] = [Place::LivingRoom, Place::Gym, Place::Park, Place::Studio];

/// Draws the whole cast. Tempo, size and place are spread evenly over the subjects, so that a small cast varies too.
pub(super) fn cast(subjects: usize, width: f32, height: f32, rng: &mut ChaCha8Rng) -> Vec<Actor> {
    let mut tempo: Vec<f32> = spread(subjects, 0.78, 1.26);
    let mut size: Vec<f32> = spread(subjects, 0.545, 0.66);
    let mut tops: Vec<u32> = cycled(&TOPS, subjects);
    let mut skins: Vec<u32> = cycled(&SKINS, subjects);
    tempo.shuffle(rng);
    size.shuffle(rng);
    tops.shuffle(rng);
    skins.shuffle(rng);
    (0..subjects)
        .map(|i| {
            let drift: f32 = rng.random_range(1.0..7.0);
            let tall = size[i] * height;
            // Outstretched arms (0.48 body heights to each side) stay in the picture.
            let room = (width * 0.5 - 0.48 * tall - drift - 3.0).clamp(0.0, 30.0);
            let place = PLACES[i % PLACES.len()];
            Actor {
                build: build(rng),
                height: tall,
                feet: (
                    width * 0.5 + rng.random_range(-1.0..=1.0) * room,
                    height * rng.random_range(0.885..0.925),
                ),
                tempo: tempo[i],
                amplitude: rng.random_range(0.88..1.08),
                yaw_shift: rng.random_range(-0.18..0.18),
                skin: ink(skins[i]),
                hair: HAIR_STYLES[i % HAIR_STYLES.len()],
                hair_ink: ink(pick(&HAIRS, rng)),
                top: [Top::TShirt, Top::Tank, Top::LongSleeve][(i + i / 3) % 3],
                top_ink: contrasting(tops[i], place),
                accent: ink(pick(&ACCENTS, rng)),
                bottom: [Bottom::Leggings, Bottom::Shorts, Bottom::Joggers, Bottom::Shorts][(i + i / 4) % 4],
                bottom_ink: ink(pick(&BOTTOMS, rng)),
                shoes: ink(pick(&SHOES, rng)),
                ball: ink(pick(&BALLS, rng)),
                ball_side: if rng.random_bool(0.5) { 1.0 } else { -1.0 },
                beard: matches!(HAIR_STYLES[i % HAIR_STYLES.len()], Hair::Short | Hair::Cropped)
                    && rng.random_bool(0.5),
                place,
                light_side: if rng.random_bool(0.5) { 1.0 } else { -1.0 },
                light: light(rng),
                drift,
                drift_phase: std::array::from_fn(|_| rng.random_range(0.0..1.0)),
            }
        })
        .collect()
}

fn build(rng: &mut ChaCha8Rng) -> Build {
    let frame: f32 = rng.random_range(-1.0..1.0);
    Build {
        shoulders: 0.104 + 0.01 * frame,
        waist: 0.074 + 0.008 * frame + rng.random_range(-0.004..0.008),
        hips: 0.089 + rng.random_range(-0.003..0.006),
        bulk: 1.0 + 0.08 * frame + rng.random_range(-0.05..0.08),
        head: rng.random_range(0.97..1.06),
    }
}

/// Warm or cool, a little brighter or darker.
fn light(rng: &mut ChaCha8Rng) -> [f32; 3] {
    let warm: f32 = rng.random_range(-0.05..0.05);
    let bright: f32 = rng.random_range(0.9..1.04);
    [bright + warm, bright, bright - warm]
}

/// The wished colour, or the next in the wardrobe that stands out from the place.
fn contrasting(wish: u32, place: Place) -> Ink {
    let behind = match place {
        Place::LivingRoom => ink(0xd9c7ae),
        Place::Gym => ink(0x9fb1bf),
        Place::Park => ink(0x9cc27a),
        Place::Studio => ink(0xe6ddd6),
    };
    let start = TOPS.iter().position(|t| *t == wish).unwrap_or(0);
    (0..TOPS.len())
        .map(|i| ink(TOPS[(start + i) % TOPS.len()]))
        .find(|top| top.distance(behind) > 210.0)
        .unwrap_or(ink(wish))
}

fn pick(from: &[u32], rng: &mut ChaCha8Rng) -> u32 {
    from[rng.random_range(0..from.len())]
}

/// `n` values evenly from `low` to `high`.
fn spread(n: usize, low: f32, high: f32) -> Vec<f32> {
    (0..n).map(|i| low + (high - low) * (i as f32 + 0.5) / n as f32).collect()
}

/// `n` values, going round as often as needed.
fn cycled(from: &[u32], n: usize) -> Vec<u32> {
    from.iter().copied().cycle().take(n).collect()
}
