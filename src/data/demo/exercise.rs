//! The exercises as pure functions from phase to pose, and what people do between them.

use super::geometry::{V3, smooth, v3};
use super::pose::{Pose, cycle};
use std::f32::consts::{PI, TAU};

/// What a figure can do; the position in [`Exercise::ALL`] is the class number in the label files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exercise {
    /// Knees bend, hands clasped before the chest.
    Squat,
    /// Arms overhead and legs apart, then together.
    JumpingJack,
    /// A long step forward, hands on the hips.
    Lunge,
    /// One knee after the other pulled up.
    KneeLift,
    /// Joined hands overhead, trunk to the left and to the right.
    SideBend,
    /// From overhead down to the toes.
    ToeTouch,
    /// Both hands circle up through the middle and down outside.
    CirclesOutward,
    /// [`Exercise::CirclesOutward`] backwards in time.
    CirclesInward,
    /// A ball slowly from the floor close to the body up overhead, then fast in front of it down again.
    BallLift,
    /// [`Exercise::BallLift`] backwards in time.
    BallLower,
}

impl Exercise {
    /// Every exercise in the order of class numbers.
    pub const ALL: [Exercise; 10] = [
        Exercise::Squat,
        Exercise::JumpingJack,
        Exercise::Lunge,
        Exercise::KneeLift,
        Exercise::SideBend,
        Exercise::ToeTouch,
        Exercise::CirclesOutward,
        Exercise::CirclesInward,
        Exercise::BallLift,
        Exercise::BallLower,
    ];

    /// The class name in `classes.ron`.
    pub fn name(self) -> &'static str {
        match self {
            Exercise::Squat => "squat",
            Exercise::JumpingJack => "jumping jack",
            Exercise::Lunge => "lunge",
            Exercise::KneeLift => "knee lift",
            Exercise::SideBend => "side bend",
            Exercise::ToeTouch => "toe touch",
            Exercise::CirclesOutward => "arm circles outward",
            Exercise::CirclesInward => "arm circles inward",
            Exercise::BallLift => "ball lift",
            Exercise::BallLower => "ball lower",
        }
    }

    /// The class number in the label files.
    pub fn id(self) -> i64 {
        self as i64
    }

    /// The exercise this one is when played backwards; `None` for those that look alike both ways.
    pub fn reversed(self) -> Option<Exercise> {
        match self {
            Exercise::CirclesOutward => Some(Exercise::CirclesInward),
            Exercise::CirclesInward => Some(Exercise::CirclesOutward),
            Exercise::BallLift => Some(Exercise::BallLower),
            Exercise::BallLower => Some(Exercise::BallLift),
            _ => None,
        }
    }

    /// The exercise whose motion is described; the other of a reversed pair plays it backwards.
    pub(super) fn forward(self) -> Exercise {
        match self {
            Exercise::CirclesInward => Exercise::CirclesOutward,
            Exercise::BallLower => Exercise::BallLift,
            other => other,
        }
    }

    /// Seconds of one repetition at normal tempo, the same for both of a reversed pair.
    pub(super) fn period_s(self) -> f32 {
        match self.forward() {
            Exercise::JumpingJack | Exercise::KneeLift => 1.0,
            Exercise::CirclesOutward => 1.2,
            Exercise::Squat | Exercise::Lunge => 1.35,
            Exercise::SideBend | Exercise::ToeTouch => 1.5,
            Exercise::BallLift => 1.7,
            Exercise::CirclesInward | Exercise::BallLower => unreachable!("forward() returned a reversed exercise"),
        }
    }

    /// Radians the figure is usually turned away from the viewer.
    pub(super) fn yaw(self) -> f32 {
        match self.forward() {
            Exercise::Squat => 0.65,
            Exercise::Lunge => 1.1,
            Exercise::KneeLift => 0.5,
            Exercise::ToeTouch => 1.25,
            Exercise::BallLift => 1.0,
            _ => 0.1,
        }
    }

    /// The pose at `phase` (0…1 is one repetition). `amplitude` is about 1: how far this person goes.
    pub(super) fn pose(self, phase: f32, amplitude: f32) -> Pose {
        match self {
            Exercise::CirclesInward | Exercise::BallLower => self.forward().pose(1.0 - phase, amplitude),
            Exercise::Squat => squat(phase, amplitude),
            Exercise::JumpingJack => jumping_jack(phase, amplitude),
            Exercise::Lunge => lunge(phase, amplitude),
            Exercise::KneeLift => knee_lift(phase, amplitude),
            Exercise::SideBend => side_bend(phase, amplitude),
            Exercise::ToeTouch => toe_touch(phase, amplitude),
            Exercise::CirclesOutward => circles(phase, amplitude),
            Exercise::BallLift => ball_lift(phase, amplitude),
        }
    }
}

/// 0 → 1 → 0 over one turn, smoothly.
fn there_and_back(phase: f32) -> f32 {
    0.5 - 0.5 * (TAU * phase).cos()
}

const ELBOWS_DOWN: V3 = v3(0.6, -1.0, -0.2);
const ELBOWS_OUT: V3 = v3(1.0, -0.35, -0.2);
const ELBOWS_BACK: V3 = v3(1.0, 0.0, -0.9);

fn squat(phase: f32, amplitude: f32) -> Pose {
    let s = there_and_back(phase) * amplitude;
    let mut p = Pose::standing().stance(0.055, 0.45).arms(v3(-0.3, -0.2, 0.5), ELBOWS_DOWN);
    p.pelvis = v3(0.0, -0.215 * s, -0.085 * s);
    p.lean = 0.08 + 0.62 * s;
    p.nod = -0.3 * s;
    p
}

fn jumping_jack(phase: f32, amplitude: f32) -> Pose {
    let s = there_and_back(phase);
    let angle = (-82.0 + 158.0 * s * amplitude.min(1.02)).to_radians();
    let mut p = Pose::standing()
        .stance(0.0 + 0.125 * s * amplitude, 0.3)
        .arms(v3(angle.cos() * 0.96, angle.sin() * 0.96, 0.08), v3(0.2, -0.5, -1.0));
    // Two hops a turn: one out, one in.
    let hop = (TAU * phase).sin().abs().powf(1.3) * 0.04 * amplitude;
    p.pelvis.y = hop - 0.012;
    for foot in &mut p.feet {
        foot.at.y = hop;
        foot.pitch = 8.0 * hop;
    }
    p
}

fn lunge(phase: f32, amplitude: f32) -> Pose {
    let s = there_and_back(phase);
    let mut p = Pose::standing().stance(0.01, 0.1).arms(v3(0.16, -0.7, 0.12), ELBOWS_BACK);
    // The near foot swings forward with a lift in mid-step; the far one stays and comes up on its toes.
    p.feet[0].at = v3(0.01, 0.055 * (TAU * phase).sin().abs() * (1.0 - s), 0.27 * s * amplitude);
    p.feet[0].pitch = -0.25 * (TAU * phase).sin().abs() * (1.0 - s);
    p.feet[1].at = v3(0.01, 0.05 * s, -0.1 * s * amplitude);
    p.feet[1].pitch = 0.95 * s;
    p.pelvis = v3(0.0, -0.15 * s * amplitude, 0.085 * s * amplitude);
    p.lean = 0.03 + 0.08 * s;
    p
}

fn knee_lift(phase: f32, amplitude: f32) -> Pose {
    let mut p = Pose::standing().stance(0.01, 0.2).arms(v3(0.05, -0.3, 0.5), v3(0.5, -1.0, -0.6));
    for (side, shift) in [(0, 0.0), (1, 0.5)] {
        let turn = (phase + shift).rem_euclid(1.0);
        let up = if turn < 0.5 { (PI * turn * 2.0).sin().powi(2) * amplitude } else { 0.0 };
        p.feet[side].at.y = 0.25 * up;
        p.feet[side].at.z = 0.1 * up;
        p.feet[side].pitch = 0.5 * up;
        // The opposite hand comes up with the knee.
        p.hands[1 - side] = p.hands[1 - side] + v3(0.0, 0.3, 0.12) * up;
        p.hands[side] = p.hands[side] + v3(0.0, -0.2, -0.2) * up;
        let sign = if side == 0 { 1.0 } else { -1.0 };
        p.twist -= 0.22 * up * sign;
        p.pelvis.x -= 0.02 * up * sign;
    }
    p.lean = 0.04;
    p
}

fn side_bend(phase: f32, amplitude: f32) -> Pose {
    let swing = (TAU * phase).sin() * amplitude;
    let mut p = Pose::standing().stance(0.06, 0.35).arms(v3(-0.25, 0.9, 0.12), ELBOWS_OUT);
    p.bend = 0.58 * swing;
    p.pelvis.x = -0.04 * swing;
    p
}

fn toe_touch(phase: f32, amplitude: f32) -> Pose {
    let s = there_and_back(phase);
    let mut p = Pose::standing().stance(0.03, 0.2);
    p.lean = -0.06 + 1.95 * s * amplitude.min(1.03);
    p.pelvis = v3(0.0, -0.01 * s, -0.1 * s);
    p.nod = -0.25 * s;
    // Overhead in line with the trunk while upright, straight down once bent.
    let angle = PI * 0.5 * 0.85 * smooth(s);
    p.arms(v3(0.02, angle.cos() * 0.95, angle.sin() * 0.95 + 0.08), v3(1.0, 0.0, 0.3))
}

fn circles(phase: f32, amplitude: f32) -> Pose {
    // Counted from the lowest point of the circle: up inside, over the top outward, down outside.
    let (sin, cos) = (TAU * phase).sin_cos();
    let hand = v3(0.45 - 0.5 * sin, 0.02 - 0.8 * cos * amplitude.min(1.05), 0.22 + 0.16 * sin);
    let mut p = Pose::standing().stance(0.05, 0.35).arms(hand, v3(0.8, -0.5, -0.35));
    // The knees give a quarter turn early, so that the legs tell the direction too.
    p.pelvis.y = -0.03 - 0.028 * sin * amplitude;
    p
}

fn ball_lift(phase: f32, amplitude: f32) -> Pose {
    let key = |down: f32, lean: f32, hands: V3| {
        let mut p = Pose::standing().stance(0.05, 0.35).arms(hands, v3(0.9, -0.6, -0.4));
        let down = down * amplitude;
        p.pelvis = v3(0.0, -0.2 * down, -0.1 * down);
        p.lean = lean;
        p.nod = -0.45 * lean;
        p.ball = 1.0;
        p
    };
    // Up slowly and down fast, so that most of the time tells lifting from lowering, as it does with real weights.
    let keys = [
        (0.0, key(1.0, 0.95, v3(-0.18, -0.62, 0.62))),
        (0.22, key(0.55, 0.5, v3(-0.18, -0.55, 0.42))),
        (0.42, key(0.05, 0.05, v3(-0.18, -0.1, 0.42))),
        (0.66, key(0.0, -0.08, v3(-0.18, 0.85, 0.22))),
        (0.78, key(0.0, -0.02, v3(-0.18, 0.5, 0.8))),
        (0.86, key(0.1, 0.12, v3(-0.18, -0.08, 0.95))),
        (0.93, key(0.6, 0.55, v3(-0.18, -0.35, 0.88))),
    ];
    cycle(&keys, phase)
}

/// What a figure does between exercises; labelled as background.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// Stands and breathes.
    Stand,
    /// Walks in place.
    Walk,
    /// Drinks from a bottle.
    Drink,
    /// Shakes out the arms.
    Shake,
    /// Hands on the hips, looks about.
    LookAround,
}

impl Rest {
    pub const ALL: [Rest; 5] = [Rest::Stand, Rest::Walk, Rest::Drink, Rest::Shake, Rest::LookAround];

    /// The pose after `t` seconds of a rest of `length` seconds.
    pub fn pose(self, t: f32, length: f32) -> Pose {
        let mut p = Pose::standing();
        let breath = (TAU * t / 2.4).sin();
        p.lean = 0.015 * breath;
        p.hands = [v3(0.2, -0.95 + 0.01 * breath, 0.1); 2];
        match self {
            Rest::Stand => p.pelvis.x = 0.012 * (TAU * t / 3.0).sin(),
            Rest::Walk => walk(&mut p, t),
            Rest::Drink => drink(&mut p, smooth(3.0 * (t / length)) * smooth(3.0 * (1.0 - t / length))),
            Rest::Shake => {
                let shake = (TAU * t * 4.0).sin();
                p.hands = [v3(0.32, -0.9 + 0.03 * shake, 0.15 + 0.05 * shake), v3(0.32, -0.9 - 0.03 * shake, 0.15)];
            }
            Rest::LookAround => {
                p = p.arms(v3(0.16, -0.7, 0.12), ELBOWS_BACK);
                p.look = 0.6 * (TAU * t / length.max(0.5)).sin();
            }
        }
        p
    }
}

fn walk(p: &mut Pose, t: f32) {
    for (side, shift) in [(0, 0.0), (1, 0.5)] {
        let turn = TAU * (t / 1.1 + shift);
        let up = turn.sin().max(0.0);
        p.feet[side].at.y = 0.045 * up;
        p.feet[side].at.z = 0.03 * up;
        p.feet[side].pitch = 0.5 * up;
        p.hands[side] = v3(0.2, -0.9, 0.1 - 0.35 * turn.sin());
        p.pelvis.x -= 0.012 * turn.sin() * if side == 0 { 1.0 } else { 0.0 };
    }
}

fn drink(p: &mut Pose, up: f32) {
    // The wrist ends below and before the mouth, which lies inward of the shoulder and above it.
    let hang = p.hands[1];
    p.hands[1] = hang.mix(v3(-0.12, 0.1, 0.42), up);
    p.elbows[1] = v3(0.8, -0.8, -0.2);
    p.nod = -0.28 * up;
    p.bottle = 1.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reversed_exercise_shows_the_same_poses_in_opposite_order() {
        for exercise in Exercise::ALL {
            let Some(other) = exercise.reversed() else { continue };
            assert_eq!(other.reversed(), Some(exercise));
            assert_eq!(exercise.period_s(), other.period_s());
            assert_eq!(exercise.yaw(), other.yaw());
            for i in 0..=64 {
                let phase = i as f32 / 64.0;
                assert_eq!(exercise.pose(phase, 1.1), other.pose(1.0 - phase, 1.1), "{exercise:?} at {phase}");
            }
        }
    }

    #[test]
    fn a_reversed_pair_differs_at_every_moment_of_its_motion() {
        // Played backwards the hands must move differently from the same pose, or short windows would be alike.
        for exercise in [Exercise::CirclesOutward, Exercise::BallLift] {
            for i in 0..32 {
                let phase = i as f32 / 32.0;
                let step = |a: f32, b: f32| {
                    let (a, b) = (exercise.pose(a, 1.0), exercise.pose(b, 1.0));
                    (b.hands[0] - a.hands[0]).length() + (b.pelvis - a.pelvis).length() * 3.0
                };
                assert!(step(phase, phase + 0.05) > 0.04, "{exercise:?} rests at {phase}");
            }
        }
    }

    #[test]
    fn poses_repeat_after_a_turn() {
        for exercise in Exercise::ALL {
            let (a, b) = (exercise.pose(0.0, 1.0), exercise.pose(1.0, 1.0));
            assert!((a.pelvis - b.pelvis).length() < 1e-4, "{exercise:?}");
            assert!((a.hands[0] - b.hands[0]).length() < 1e-4, "{exercise:?}");
            assert!((a.feet[0].at - b.feet[0].at).length() < 1e-4, "{exercise:?}");
        }
    }
}
