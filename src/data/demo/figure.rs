//! Draws a person: clothes, limbs with light and shade, parts sorted by depth.

use super::actor::{Actor, Bottom, Top};
use super::body::{BALL_RADIUS, Joints};
use super::camera::Camera;
use super::geometry::{Frame3, V3, v3};
use super::head;
use super::paint::{Canvas, Ink, P2, blob, capsule, capsules, ellipse, ink, line, p2};

/// Everything needed to draw one frame of one person.
pub(super) struct Figure<'a> {
    pub actor: &'a Actor,
    pub camera: Camera,
    pub joints: &'a Joints,
    /// Where the ball is.
    pub ball: V3,
    /// True while the ball is held (it is then part of the figure).
    pub ball_held: bool,
    /// Size of the bottle in the right hand, 0…1.
    pub bottle: f32,
}

/// A piece of a limb: from a point with a radius to a point with a radius, in pixels.
type Bone = (P2, f32, P2, f32);

impl Figure<'_> {
    /// Draws the person with what they hold.
    pub fn draw(&self, canvas: &mut Canvas) {
        let j = self.joints;
        let mut legs = [0, 1];
        legs.sort_by(|a, b| self.leg_depth(*a).total_cmp(&self.leg_depth(*b)));
        let trunk_depth = self.camera.depth(j.pelvis);
        let in_front = |side: usize| self.camera.depth(j.knees[side]) > trunk_depth + 0.09;
        let mut arms = [0, 1];
        arms.sort_by(|a, b| self.arm_depth(*a).total_cmp(&self.arm_depth(*b)));
        let chest_depth = self.camera.depth(j.neck - j.chest_frame.up * 0.1);
        let arm_behind = |side: usize| self.arm_depth(side) < chest_depth - 0.02;

        head::draw_back(self, canvas);
        for side in arms.into_iter().filter(|s| arm_behind(*s)) {
            self.draw_arm(canvas, side);
        }
        for side in legs.into_iter().filter(|s| !in_front(*s)) {
            self.draw_leg(canvas, side, side == legs[0]);
        }
        self.draw_pelvis(canvas);
        for side in legs.into_iter().filter(|s| in_front(*s)) {
            self.draw_leg(canvas, side, side == legs[0]);
        }
        self.draw_torso(canvas);
        head::draw_front(self, canvas);
        if self.ball_held {
            self.draw_ball(canvas);
        }
        for side in arms.into_iter().filter(|s| !arm_behind(*s)) {
            self.draw_arm(canvas, side);
        }
    }

    /// Draws the ball alone, where it lies.
    pub fn draw_ball(&self, canvas: &mut Canvas) {
        let centre = self.camera.point(self.ball);
        let r = self.camera.px(BALL_RADIUS);
        let base = self.lit(self.actor.ball);
        let towards = self.light_direction();
        canvas.fill(ellipse(centre, r, r), base.shade(0.34));
        canvas.fill(ellipse(centre.plus(towards.times(r * 0.12)), r * 0.87, r * 0.87), base);
        let band = |y: f32| {
            let half = (1.0 - y * y).sqrt() * r * 0.98;
            line(&[p2(centre.x - half, centre.y + y * r), p2(centre.x + half, centre.y + y * r)])
        };
        canvas.stroke_soft(band(-0.28), r * 0.09, base.shade(0.6), 0.45);
        canvas.stroke_soft(band(0.28), r * 0.09, base.shade(0.6), 0.45);
        let glint = centre.plus(towards.times(r * 0.5));
        canvas.fill_soft(ellipse(glint, r * 0.2, r * 0.15), ink(0xffffff), 0.35);
    }

    /// A surface colour under this video's light.
    pub fn lit(&self, base: Ink) -> Ink {
        base.under(self.actor.light)
    }

    /// Unit vector in the picture towards the light.
    pub fn light_direction(&self) -> P2 {
        p2(0.72 * self.actor.light_side, -0.69)
    }

    fn leg_depth(&self, side: usize) -> f32 {
        let j = self.joints;
        self.camera.depth((j.knees[side] + j.ankles[side] + j.hips[side]) * (1.0 / 3.0))
    }

    fn arm_depth(&self, side: usize) -> f32 {
        let j = self.joints;
        self.camera.depth((j.shoulders[side] + j.elbows[side] + j.wrists[side]) * (1.0 / 3.0))
    }

    /// Bones of one colour: a shaded shape with a lit one inside it, shifted towards the light.
    fn toned(&self, canvas: &mut Canvas, bones: &[Bone], base: Ink) {
        canvas.fill(capsules(bones), base.shade(0.3));
        let towards = self.light_direction();
        let lit: Vec<Bone> = bones
            .iter()
            .map(|(a, ra, b, rb)| {
                (a.plus(towards.times(ra * 0.24)), ra * 0.76, b.plus(towards.times(rb * 0.24)), rb * 0.76)
            })
            .collect();
        canvas.fill(capsules(&lit), base);
    }

    fn draw_leg(&self, canvas: &mut Canvas, side: usize, far: bool) {
        let (j, px) = (self.joints, |v: f32| self.camera.px(v));
        let bulk = self.actor.build.bulk;
        let dim = |base: Ink| if far { self.lit(base).shade(0.14) } else { self.lit(base) };
        let hip = self.camera.point(j.hips[side]);
        let knee = self.camera.point(j.knees[side]);
        let ankle = self.camera.point(j.ankles[side]);
        // The calf muscle sits behind the shin, a third of the way down.
        let back = self.camera.direction(j.pelvis_frame.forward).times(-px(0.006));
        let calf = knee.mix(ankle, 0.3).plus(back);
        let wide = |v: f32| px(v * bulk);
        let skin = [
            (hip, wide(0.05), knee, wide(0.035)),
            (knee, wide(0.034), calf, wide(0.036)),
            (calf, wide(0.036), ankle, px(0.0205)),
        ];
        self.draw_shoe(canvas, side, &dim);
        let cloth = dim(self.actor.bottom_ink);
        match self.actor.bottom {
            Bottom::Shorts => {
                self.toned(canvas, &skin, dim(self.actor.skin));
                let sock = ankle.mix(knee, 0.2);
                self.toned(canvas, &[(sock, px(0.027), ankle, px(0.0235))], dim(ink(0xf2f2ee)));
                let hem = hip.mix(knee, 0.68);
                self.toned(canvas, &[(hip, wide(0.056), hem, wide(0.053))], cloth);
            }
            Bottom::Leggings => {
                let tight = skin.map(|(a, ra, b, rb)| (a, ra + px(0.002), b, rb + px(0.0015)));
                self.toned(canvas, &tight, cloth);
                let cuff = ankle.mix(knee, 0.1);
                canvas.fill(capsule(cuff, px(0.023), ankle, px(0.0215)), dim(self.actor.accent).mix(cloth, 0.35));
            }
            Bottom::Joggers => {
                let low = ankle.mix(knee, 0.12);
                let loose = [
                    (hip, wide(0.056), knee, wide(0.046)),
                    (knee, wide(0.046), calf, wide(0.044)),
                    (calf, wide(0.044), low, px(0.031)),
                ];
                self.toned(canvas, &loose, cloth);
                canvas.fill(capsule(low, px(0.028), ankle, px(0.0235)), cloth.shade(0.35));
            }
        }
    }

    fn draw_shoe(&self, canvas: &mut Canvas, side: usize, dim: &dyn Fn(Ink) -> Ink) {
        let (j, px) = (self.joints, |v: f32| self.camera.px(v));
        let heel = self.camera.point(j.heels[side]);
        let toe = self.camera.point(j.toes[side]);
        let ankle = self.camera.point(j.ankles[side]);
        let down = p2(0.0, px(0.008));
        let sole = capsule(heel.plus(down), px(0.0185), toe.plus(down), px(0.0165));
        let rubber = if self.actor.shoes.distance(ink(0xffffff)) < 120.0 { ink(0xc9ced6) } else { ink(0xf7f7f4) };
        canvas.fill(sole, dim(rubber).shade(0.08));
        let instep = heel.mix(toe, 0.45).mix(ankle, 0.25);
        let upper = [
            (heel, px(0.021), ankle, px(0.0235)),
            (ankle, px(0.0225), instep, px(0.0215)),
            (instep, px(0.0215), toe, px(0.0165)),
            (heel, px(0.02), toe, px(0.0165)),
        ];
        self.toned(canvas, &upper, dim(self.actor.shoes));
    }

    /// The part of the trousers between the legs and the shirt.
    fn draw_pelvis(&self, canvas: &mut Canvas) {
        let j = self.joints;
        let (hips, up) = (self.actor.build.hips, j.pelvis_frame.up);
        let outline = self.outline(&[
            (j.pelvis + j.waist_frame.up * 0.075, j.waist_frame, hips * 0.9, 0.064),
            (j.pelvis + up * 0.03, j.pelvis_frame, hips, 0.074),
            (j.pelvis - up * 0.025, j.pelvis_frame, hips * 0.98, 0.074),
            (j.pelvis - up * 0.05, j.pelvis_frame, hips * 0.62, 0.052),
        ]);
        let base = self.lit(self.actor.bottom_ink);
        canvas.fill_toned(&outline, self.light_direction(), base, 0.3);
    }

    fn draw_torso(&self, canvas: &mut Canvas) {
        let j = self.joints;
        let b = &self.actor.build;
        let (chest, belly) = (j.chest_frame, j.waist_frame);
        let mut levels = vec![
            (j.neck + chest.up * 0.004, chest, 0.034, 0.03),
            (j.neck - chest.up * 0.016, chest, b.shoulders * 0.72, 0.042),
            (j.neck - chest.up * 0.046, chest, b.shoulders * 1.1, 0.056),
            (j.neck - chest.up * 0.11, chest, b.shoulders * 0.98, 0.07),
            (j.waist.mix(j.neck, 0.22), belly, b.waist * 1.06, 0.064),
            (j.waist, belly, b.waist, 0.06),
            (j.pelvis + belly.up * 0.06, belly, b.hips * 0.96, 0.07),
        ];
        if self.actor.top != Top::Tank {
            levels.push((j.pelvis + belly.up * 0.012, belly, b.hips * 1.05, 0.078));
        }
        if self.actor.top == Top::Tank {
            // Narrow straps leave the shoulders bare.
            self.toned(canvas, &self.shoulder_bones(0.036), self.lit(self.actor.skin));
            let bare = self.outline(&levels[..4]);
            canvas.fill(blob(&bare), self.lit(self.actor.skin));
            levels[1].2 = b.shoulders * 0.52;
            levels[2].2 = b.shoulders * 0.72;
        }
        let base = self.lit(self.actor.top_ink);
        let outline = self.outline(&levels);
        canvas.fill_toned(&outline, self.light_direction(), base, 0.3);
        self.draw_shirt_details(canvas, &levels);
    }

    /// A stripe across the chest, the collar and the hem.
    fn draw_shirt_details(&self, canvas: &mut Canvas, levels: &[(V3, Frame3, f32, f32)]) {
        let (j, px) = (self.joints, |v: f32| self.camera.px(v));
        let chest = j.chest_frame;
        let accent = self.lit(self.actor.accent);
        if self.actor.top != Top::Tank {
            let at = |t: f32| {
                let p = j.neck - chest.up * t;
                let [l, r] = self.sides(p, chest, self.actor.build.shoulders * 0.8, 0.058);
                (l, r)
            };
            let ((l0, r0), (l1, r1)) = (at(0.115), at(0.145));
            canvas.fill_soft(super::paint::polygon(&[l0, r0, r1, l1]), accent, 0.85);
        }
        if let Some((centre, frame, w, d)) = levels.last() {
            let [l, r] = self.sides(*centre, *frame, w * 0.9, d * 0.9);
            canvas.stroke_soft(line(&[l, r]), px(0.006), self.lit(self.actor.top_ink).shade(0.6), 0.5);
        }
        // Skin in the neck opening, towards the face.
        let collar = self.camera.point(j.neck + chest.forward * 0.02 - chest.up * 0.004);
        let skin = self.lit(self.actor.skin).shade(0.14);
        canvas.fill(ellipse(collar, px(0.036), px(0.021)), self.lit(self.actor.top_ink).shade(0.35));
        canvas.fill(ellipse(collar, px(0.031), px(0.017)), skin);
    }

    fn shoulder_bones(&self, radius: f32) -> [Bone; 1] {
        let j = self.joints;
        let r = self.camera.px(radius * self.actor.build.bulk);
        [(self.camera.point(j.shoulders[0]), r, self.camera.point(j.shoulders[1]), r)]
    }

    fn draw_arm(&self, canvas: &mut Canvas, side: usize) {
        let (j, px) = (self.joints, |v: f32| self.camera.px(v));
        let wide = |v: f32| px(v * self.actor.build.bulk);
        let far = self.arm_depth(side) < self.arm_depth(1 - side) - 0.05;
        let dim = |base: Ink| if far { self.lit(base).shade(0.14) } else { self.lit(base) };
        let shoulder = self.camera.point(j.shoulders[side]);
        let elbow = self.camera.point(j.elbows[side]);
        let wrist = self.camera.point(j.wrists[side]);
        let along = self.camera.direction((j.wrists[side] - j.elbows[side]).unit());
        let palm = wrist.plus(along.times(px(0.022)));
        let fingers = wrist.plus(along.times(px(0.046)));
        let skin = [
            (shoulder, wide(0.036), elbow, wide(0.027)),
            (elbow, wide(0.0265), wrist, wide(0.0185)),
            (wrist, wide(0.0185), palm, px(0.0215)),
            (palm, px(0.0215), fingers, px(0.0135)),
        ];
        if side == 1 && self.bottle > 0.05 {
            self.draw_bottle(canvas, palm, along);
        }
        self.toned(canvas, &skin, dim(self.actor.skin));
        let cloth = dim(self.actor.top_ink);
        match self.actor.top {
            Top::TShirt => {
                let hem = shoulder.mix(elbow, 0.58);
                self.toned(canvas, &[(shoulder, wide(0.038), hem, wide(0.036))], cloth);
            }
            Top::LongSleeve => {
                let cuff = elbow.mix(wrist, 0.86);
                let sleeve = [(shoulder, wide(0.038), elbow, wide(0.031)), (elbow, wide(0.032), cuff, wide(0.025))];
                self.toned(canvas, &sleeve, cloth);
            }
            Top::Tank => {}
        }
    }

    fn draw_bottle(&self, canvas: &mut Canvas, palm: P2, along: P2) {
        let px = |v: f32| self.camera.px(v * self.bottle);
        // Held across the forearm; upright while the arm hangs, tilted to the mouth while it is up.
        let axis = p2(along.y, -along.x);
        let axis = if axis.y > 0.0 { axis.times(-1.0) } else { axis }.unit();
        let (base, top) = (palm.minus(axis.times(px(0.04))), palm.plus(axis.times(px(0.045))));
        let body = self.lit(ink(0x58b7d6));
        canvas.fill(capsule(base, px(0.021), top, px(0.021)), body.shade(0.2));
        let lit = self.light_direction().times(px(0.005));
        canvas.fill(capsule(base.plus(lit), px(0.015), top.plus(lit), px(0.015)), body.light(0.15));
        let neck = top.plus(axis.times(px(0.026)));
        canvas.fill(capsule(top, px(0.011), neck, px(0.011)), self.lit(ink(0x28465e)));
    }

    /// Both edges, on screen, of a slice of the trunk with half-width `w` and half-depth `d`.
    fn sides(&self, centre: V3, frame: Frame3, w: f32, d: f32) -> [P2; 2] {
        let up = self.camera.direction(frame.up).unit();
        let right = up.turned();
        let dot = |v: V3| {
            let q = self.camera.direction(v);
            q.x * right.x + q.y * right.y
        };
        // Half the shadow of an ellipse on the line across the trunk.
        let half = (w * dot(frame.left)).hypot(d * dot(frame.forward));
        let c = self.camera.point(centre);
        let offset = right.times(self.camera.px(half));
        [c.minus(offset), c.plus(offset)]
    }

    /// Closed outline round slices of the trunk, from the top down one side and up the other.
    fn outline(&self, levels: &[(V3, Frame3, f32, f32)]) -> Vec<P2> {
        let edges: Vec<[P2; 2]> = levels.iter().map(|(c, f, w, d)| self.sides(*c, *f, *w, *d)).collect();
        edges.iter().map(|e| e[1]).chain(edges.iter().rev().map(|e| e[0])).collect()
    }
}

/// Where the ball lies when nobody holds it: on the floor, on one side of the figure and a little behind it.
pub(super) fn ball_on_floor(side: f32) -> V3 {
    v3(0.36 * side, BALL_RADIUS, -0.12)
}
