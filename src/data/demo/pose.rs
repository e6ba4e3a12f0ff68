//! A posture as a handful of numbers that can be mixed, mirrored and splined.

use super::geometry::{V3, v3};

/// Where a foot is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Foot {
    /// Ankle relative to its place when standing with feet together: outward, up, forward.
    pub at: V3,
    /// Toes down, radians.
    pub pitch: f32,
    /// Toes outward, radians.
    pub turn: f32,
}

/// A posture, independent of who takes it and from where it is seen.
///
/// Arrays hold the figure's left side first. "Outward" is away from the midline on either side, so equal numbers on
/// both sides make a symmetric posture.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Pose {
    /// Pelvis relative to standing: left, up, forward, in body heights.
    pub pelvis: V3,
    /// Trunk forward, radians.
    pub lean: f32,
    /// Trunk to the left, radians.
    pub bend: f32,
    /// Shoulders turned left against the hips, radians.
    pub twist: f32,
    /// Head forward against the trunk, radians.
    pub nod: f32,
    /// Head turned left against the shoulders, radians.
    pub look: f32,
    /// Wrists from their shoulders in arm lengths, in the trunk's axes: outward, up, forward.
    pub hands: [V3; 2],
    /// Directions the elbows point to, same axes.
    pub elbows: [V3; 2],
    /// Feet.
    pub feet: [Foot; 2],
    /// 1 while the ball is between the hands, 0 while it lies on the floor.
    pub ball: f32,
    /// 1 while the bottle is in the right hand.
    pub bottle: f32,
}

impl Pose {
    /// Standing upright with hanging arms.
    pub fn standing() -> Pose {
        let foot = Foot { at: v3(0.012, 0.0, 0.0), pitch: 0.0, turn: 0.3 };
        Pose {
            hands: [v3(0.2, -0.95, 0.1); 2],
            elbows: [v3(0.5, 0.0, -1.0); 2],
            feet: [foot; 2],
            ..Pose::default()
        }
    }

    /// The same arms on both sides.
    pub fn arms(mut self, hands: V3, elbows: V3) -> Pose {
        self.hands = [hands; 2];
        self.elbows = [elbows; 2];
        self
    }

    /// The same feet on both sides, `outward` from where they are when together.
    pub fn stance(mut self, outward: f32, turn: f32) -> Pose {
        self.feet = [Foot { at: v3(outward, 0.0, 0.0), pitch: 0.0, turn }; 2];
        self
    }

    /// The mirror image: sides swapped.
    pub fn mirrored(mut self) -> Pose {
        self.hands.swap(0, 1);
        self.elbows.swap(0, 1);
        self.feet.swap(0, 1);
        self.pelvis.x = -self.pelvis.x;
        self.bend = -self.bend;
        self.twist = -self.twist;
        self.look = -self.look;
        self
    }

    /// The sum of poses, each times its weight. Weights should add up to 1.
    pub fn blend<const N: usize>(parts: [(f32, &Pose); N]) -> Pose {
        let mut out = Pose::default();
        for (w, p) in parts {
            out.pelvis = out.pelvis + p.pelvis * w;
            out.lean += p.lean * w;
            out.bend += p.bend * w;
            out.twist += p.twist * w;
            out.nod += p.nod * w;
            out.look += p.look * w;
            for side in 0..2 {
                out.hands[side] = out.hands[side] + p.hands[side] * w;
                out.elbows[side] = out.elbows[side] + p.elbows[side] * w;
                out.feet[side].at = out.feet[side].at + p.feet[side].at * w;
                out.feet[side].pitch += p.feet[side].pitch * w;
                out.feet[side].turn += p.feet[side].turn * w;
            }
            out.ball += p.ball * w;
            out.bottle += p.bottle * w;
        }
        out
    }

    /// From this pose (`t` = 0) to another (`t` = 1).
    pub fn mix(&self, other: &Pose, t: f32) -> Pose {
        Pose::blend([(1.0 - t, self), (t, other)])
    }
}

/// A closed smooth curve through key poses: `phase` 0…1 goes once round.
///
/// `keys` are sorted by phase, the first at 0. Tangents are those of a Catmull-Rom spline on uneven knots.
pub(super) fn cycle(keys: &[(f32, Pose)], phase: f32) -> Pose {
    let n = keys.len();
    let phase = phase.rem_euclid(1.0);
    let i = keys.iter().rposition(|(p, _)| *p <= phase).unwrap_or(0);
    // Knots before and after wrap round by whole turns.
    let knot = |j: isize| -> (f32, &Pose) {
        let k = j.rem_euclid(n as isize);
        let turns = j.div_euclid(n as isize) as f32;
        (keys[k as usize].0 + turns, &keys[k as usize].1)
    };
    let i = i as isize;
    let ((t0, p0), (t1, p1), (t2, p2), (t3, p3)) = (knot(i - 1), knot(i), knot(i + 1), knot(i + 2));
    let span = t2 - t1;
    let u = (phase - t1) / span;
    let (u2, u3) = (u * u, u * u * u);
    let (h1, h2) = (2.0 * u3 - 3.0 * u2 + 1.0, -2.0 * u3 + 3.0 * u2);
    // Finite-difference tangents (p2 - p0) / (t2 - t0) and (p3 - p1) / (t3 - t1), scaled to this span.
    let m1 = (u3 - 2.0 * u2 + u) * span / (t2 - t0);
    let m2 = (u3 - u2) * span / (t3 - t1);
    Pose::blend([(-m1, p0), (h1 - m2, p1), (h2 + m1, p2), (m2, p3)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_passes_through_its_keys_and_closes() {
        let key = |y: f32| Pose { pelvis: v3(0.0, y, 0.0), ..Pose::standing() };
        let keys = [(0.0, key(0.0)), (0.2, key(-0.3)), (0.7, key(0.1))];
        for (phase, pose) in &keys {
            assert!((cycle(&keys, *phase).pelvis.y - pose.pelvis.y).abs() < 1e-6);
        }
        let (before, after) = (cycle(&keys, 0.9999), cycle(&keys, 0.0001));
        assert!((before.pelvis.y - after.pelvis.y).abs() < 1e-3);
    }

    #[test]
    fn mirroring_twice_changes_nothing() {
        let mut pose = Pose::standing();
        pose.bend = 0.3;
        pose.hands[0] = v3(1.0, 0.2, 0.1);
        assert_ne!(pose.mirrored(), pose);
        assert_eq!(pose.mirrored().mirrored(), pose);
    }
}
