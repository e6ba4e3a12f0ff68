//! Heads that turn: hair, face and beard are drawn on a sphere.

use super::actor::Hair;
use super::figure::Figure;
use super::paint::{Canvas, Ink, P2, blob, capsule, capsules, ellipse, ink, line};
use std::f32::consts::{FRAC_PI_2, PI};
use tiny_skia::PathBuilder;

/// Half-width and half-height of a head in body heights.
const HEAD: (f32, f32) = (0.0565, 0.069);

/// The sphere a head is drawn on.
struct Globe {
    centre: P2,
    /// Picture directions of the head's up and of its right as seen by the viewer.
    up: P2,
    right: P2,
    /// Angle from the viewer to the nose, positive towards `right`.
    yaw: f32,
    rx: f32,
    ry: f32,
}

impl Globe {
    fn of(figure: &Figure<'_>) -> Globe {
        let j = figure.joints;
        let up = figure.camera.direction(j.head_frame.up).unit();
        let right = up.turned();
        let nose = figure.camera.direction(j.head_frame.forward);
        let across = nose.x * right.x + nose.y * right.y;
        let size = figure.actor.build.head;
        let yaw = across.atan2(j.head_frame.forward.z);
        Globe {
            centre: figure.camera.point(j.head),
            up,
            right,
            yaw,
            // Heads are longer than wide.
            rx: figure.camera.px(HEAD.0 * size) * (1.0 + 0.1 * yaw.sin().abs()),
            ry: figure.camera.px(HEAD.1 * size),
        }
    }

    /// A point at an angle round the head from the nose and an elevation, `out` radii from the middle.
    fn at(&self, azimuth: f32, elevation: f32, out: f32) -> P2 {
        self.seen(azimuth + self.yaw, elevation, out)
    }

    /// The same by the angle from the viewer.
    fn seen(&self, angle: f32, elevation: f32, out: f32) -> P2 {
        let x = self.right.times(self.rx * out * elevation.cos() * angle.sin());
        self.centre.plus(x).plus(self.up.times(self.ry * out * elevation.sin()))
    }

    /// How much a spot faces the viewer: 1 in front, 0 on the outline, negative behind.
    fn towards(&self, azimuth: f32) -> f32 {
        (azimuth + self.yaw).cos()
    }
}

/// Elevation of the hairline in degrees, at 0, 50, 75, 100 and 180 degrees from the nose.
fn hairline(style: Hair) -> [f32; 5] {
    match style {
        Hair::Bob => [34.0, 18.0, -30.0, -60.0, -62.0],
        Hair::Short | Hair::Curly => [40.0, 33.0, 6.0, -2.0, -42.0],
        Hair::Cropped => [46.0, 40.0, 16.0, 6.0, -30.0],
        Hair::Bun | Hair::Ponytail => [44.0, 34.0, 8.0, 2.0, -36.0],
    }
}

fn hairline_at(style: Hair, azimuth: f32) -> f32 {
    const AT: [f32; 5] = [0.0, 50.0, 75.0, 100.0, 180.0];
    let line = hairline(style);
    let a = wrapped(azimuth).abs().to_degrees().clamp(0.0, 179.9);
    let i = AT.windows(2).position(|w| a < w[1]).unwrap_or(3);
    let t = (a - AT[i]) / (AT[i + 1] - AT[i]);
    (line[i] + (line[i + 1] - line[i]) * t).to_radians()
}

fn wrapped(angle: f32) -> f32 {
    (angle + PI).rem_euclid(2.0 * PI) - PI
}

/// Hair that hangs behind the shoulders; drawn before everything else.
pub(super) fn draw_back(figure: &Figure<'_>, canvas: &mut Canvas) {
    let g = Globe::of(figure);
    let hair = figure.lit(figure.actor.hair_ink).shade(0.25);
    match figure.actor.hair {
        Hair::Ponytail => {
            let root = g.at(PI, 0.35, 1.05);
            let middle = g.at(PI, -0.5, 1.5);
            let tip = middle.plus(super::paint::p2(0.0, g.ry * 0.95));
            let r = g.rx;
            canvas.fill(capsules(&[(root, r * 0.2, middle, r * 0.34), (middle, r * 0.34, tip, r * 0.12)]), hair);
            canvas.fill(ellipse(root, r * 0.24, r * 0.24), figure.lit(figure.actor.accent));
        }
        Hair::Bob => {
            let low = g.at(PI, -0.75, 0.8);
            canvas.fill(capsule(g.centre, g.rx * 1.06, low, g.rx * 0.98), hair);
        }
        Hair::Bun => {
            let bun = g.at(PI, 0.95, 1.28);
            canvas.fill(ellipse(bun, g.rx * 0.46, g.rx * 0.44), hair.light(0.06));
        }
        Hair::Short | Hair::Curly | Hair::Cropped => {}
    }
}

/// Neck, head, face and hair.
pub(super) fn draw_front(figure: &Figure<'_>, canvas: &mut Canvas) {
    let g = Globe::of(figure);
    let skin = figure.lit(figure.actor.skin);
    let neck = figure.camera.point(figure.joints.neck);
    let r = figure.camera.px(0.0315);
    let under_chin = g.seen(0.0, -0.6, 0.7);
    canvas.fill(capsule(neck, r, under_chin, r * 0.95), skin.shade(0.26));

    draw_ears(figure, canvas, &g, skin);
    // Skull and chin as one shape, lit from one side.
    let chin = g.at(0.0, -0.95, 0.62);
    let towards = figure.light_direction();
    let skull = head_shape(&g, chin, 1.0);
    canvas.fill_toned(&skull, towards, skin, 0.2);
    draw_face(figure, canvas, &g, skin);
    if figure.actor.beard {
        draw_beard(figure, canvas, &g);
    }
    draw_hair(figure, canvas, &g);
}

fn head_shape(g: &Globe, chin: P2, out: f32) -> Vec<P2> {
    let mut points: Vec<P2> = Vec::with_capacity(16);
    for i in 0..9 {
        // Over the top from the right ear to the left one.
        let a = PI * i as f32 / 8.0;
        points.push(g.centre.plus(g.right.times(g.rx * out * a.cos())).plus(g.up.times(g.ry * out * a.sin())));
    }
    let jaw = |side: f32| {
        let corner = g.centre.plus(g.right.times(side * g.rx * 0.84 * out)).minus(g.up.times(g.ry * 0.5));
        corner.plus(chin.minus(g.centre).times(0.08))
    };
    let tip = chin.minus(g.up.times(g.ry * 0.47));
    points.push(jaw(-1.0));
    points.push(tip.minus(g.right.times(g.rx * 0.32)));
    points.push(tip.plus(g.right.times(g.rx * 0.32)));
    points.push(jaw(1.0));
    points
}

fn draw_ears(figure: &Figure<'_>, canvas: &mut Canvas, g: &Globe, skin: Ink) {
    if figure.actor.hair == Hair::Bob {
        return;
    }
    for azimuth in [-1.72_f32, 1.72] {
        if g.towards(azimuth) < 0.25 {
            let at = g.at(azimuth, -0.1, 1.02);
            canvas.fill(ellipse(at, g.rx * 0.17, g.ry * 0.2), skin.shade(0.14));
        }
    }
}

/// An ear that faces the viewer is drawn over the hair.
fn draw_near_ear(figure: &Figure<'_>, canvas: &mut Canvas, g: &Globe) {
    if figure.actor.hair == Hair::Bob {
        return;
    }
    let skin = figure.lit(figure.actor.skin);
    for azimuth in [-1.72_f32, 1.72] {
        let facing = g.towards(azimuth);
        if facing >= 0.25 {
            let at = g.at(azimuth, -0.1, 1.0);
            canvas.fill(ellipse(at, g.rx * (0.12 + 0.1 * facing), g.ry * 0.2), skin.shade(0.16));
            canvas.fill(ellipse(at, g.rx * 0.1 * facing, g.ry * 0.12), skin.shade(0.3));
        }
    }
}

fn draw_face(figure: &Figure<'_>, canvas: &mut Canvas, g: &Globe, skin: Ink) {
    let dark = figure.lit(figure.actor.hair_ink).mix(ink(0x2a1f20), 0.55);
    for side in [-1.0_f32, 1.0] {
        let facing = g.towards(0.42 * side);
        if facing > 0.1 {
            canvas.fill_soft(
                ellipse(g.at(0.62 * side, -0.42, 1.0), g.rx * 0.2 * facing, g.ry * 0.11),
                skin.mix(ink(0xe8604c), 0.6),
                0.35,
            );
            let eye = g.at(0.42 * side, -0.05, 1.0);
            canvas.fill(ellipse(eye, g.rx * 0.1 * facing.max(0.45), g.ry * 0.105), ink(0x241c1e));
            let brow = [0.2_f32, 0.45, 0.68].map(|a| g.at(a * side, if a == 0.45 { 0.27 } else { 0.22 }, 1.0));
            canvas.stroke(line(&brow), g.rx * 0.085, dark);
        }
    }
    // The nose stands out of the outline in profile.
    let facing = g.towards(0.0);
    let tip = g.at(0.0, -0.26, 1.0 + 0.13 * (1.0 - facing));
    let bridge = g.at(0.0, 0.02, 1.0);
    canvas.fill(capsule(bridge, g.rx * 0.05, tip, g.rx * 0.115), skin.shade(0.13));
    if facing > 0.05 {
        let smile = [-0.3_f32, -0.12, 0.12, 0.3].map(|a| {
            let low = if a.abs() > 0.2 { -0.6 } else { -0.66 };
            g.at(a, low, 1.02)
        });
        canvas.stroke(line(&smile), g.rx * 0.075, skin.mix(ink(0x8c2f33), 0.65));
    }
}

fn draw_beard(figure: &Figure<'_>, canvas: &mut Canvas, g: &Globe) {
    let mut upper = Vec::new();
    let mut lower = Vec::new();
    for i in 0..=12 {
        let azimuth = -1.65 + 3.3 * i as f32 / 12.0;
        if g.towards(azimuth) < 0.0 {
            continue;
        }
        let a = azimuth.abs();
        let top = if a < 0.35 { -0.72 } else { -0.72 + (a - 0.35) * 0.62 };
        upper.push(g.at(azimuth, top, 1.0));
        lower.push(g.at(azimuth, -1.12, 1.03));
    }
    lower.reverse();
    upper.extend(lower);
    canvas.fill_soft(blob(&upper), figure.lit(figure.actor.hair_ink), 0.82);
}

fn draw_hair(figure: &Figure<'_>, canvas: &mut Canvas, g: &Globe) {
    let style = figure.actor.hair;
    let base = figure.lit(figure.actor.hair_ink);
    let volume = match style {
        Hair::Cropped => 1.03,
        Hair::Bun | Hair::Ponytail => 1.06,
        Hair::Short => 1.1,
        Hair::Bob => 1.12,
        Hair::Curly => 1.12,
    };
    let steps = 14;
    let mut points = Vec::with_capacity(32);
    for i in 0..=steps {
        let seen = -FRAC_PI_2 + PI * i as f32 / steps as f32;
        let elevation = hairline_at(style, seen - g.yaw);
        points.push(g.seen(seen, elevation, if i == 0 || i == steps { 1.03 } else { 1.0 }));
    }
    let (right, left) = (hairline_at(style, FRAC_PI_2 - g.yaw), hairline_at(style, -FRAC_PI_2 - g.yaw));
    for i in 0..=12 {
        let t = i as f32 / 12.0;
        // Along the outline: up the right side to the top, down the left side.
        let (side, elevation) = if t < 0.5 {
            (1.0, right + (FRAC_PI_2 - right) * t * 2.0)
        } else {
            (-1.0, left + (FRAC_PI_2 - left) * (1.0 - t) * 2.0)
        };
        points.push(g.seen(FRAC_PI_2 * side, elevation, volume));
    }
    let towards = figure.light_direction();
    canvas.fill_toned(&points, towards, base.light(0.05), 0.24);
    if style == Hair::Curly {
        draw_curls(canvas, g, base, towards);
    }
    draw_near_ear(figure, canvas, g);
}

/// Locks on a lattice over the scalp, those on the far side left out.
fn draw_curls(canvas: &mut Canvas, g: &Globe, base: Ink, towards: P2) {
    let mut far = PathBuilder::new();
    let mut lit = PathBuilder::new();
    for ring in 0..5 {
        let elevation = -0.25 + 0.42 * ring as f32;
        let n = [11, 11, 10, 8, 4][ring];
        for k in 0..n {
            let azimuth = (k as f32 + 0.5 * (ring % 2) as f32) * 2.0 * PI / n as f32;
            if g.towards(azimuth) < -0.35 || elevation < hairline_at(Hair::Curly, azimuth) - 0.02 {
                continue;
            }
            let at = g.at(azimuth, elevation, 1.14);
            far.push_circle(at.x, at.y, g.rx * 0.27);
            let spot = at.plus(towards.times(g.rx * 0.07));
            lit.push_circle(spot.x, spot.y, g.rx * 0.17);
        }
    }
    canvas.fill(far.finish(), base.shade(0.12));
    canvas.fill(lit.finish(), base.light(0.07));
}

/// Nose, left and right eye, left and right ear in space, a little inside the head's outline,
/// each with whether the viewer sees it.
pub(super) fn landmarks(figure: &Figure<'_>) -> [(P2, bool); 5] {
    let g = Globe::of(figure);
    // The figure's left is on the picture's right when it faces the viewer.
    let spot = |azimuth: f32, elevation: f32| (g.at(azimuth, elevation, 0.9), g.towards(azimuth) > -0.1);
    [spot(0.0, -0.24), spot(0.42, -0.05), spot(-0.42, -0.05), spot(1.6, -0.1), spot(-1.6, -0.1)]
}
