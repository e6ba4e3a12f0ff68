//! The little vector algebra a jointed figure needs.

use std::ops::{Add, Mul, Neg, Sub};

/// A point or direction in space. Lengths are fractions of a person's height.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct V3 {
    pub x: f32,
    pub y: f32,
    pub z: f32,
}

/// Shorthand for a vector.
pub(super) const fn v3(x: f32, y: f32, z: f32) -> V3 {
    V3 { x, y, z }
}

impl Add for V3 {
    type Output = V3;
    fn add(self, o: V3) -> V3 {
        v3(self.x + o.x, self.y + o.y, self.z + o.z)
    }
}

impl Sub for V3 {
    type Output = V3;
    fn sub(self, o: V3) -> V3 {
        v3(self.x - o.x, self.y - o.y, self.z - o.z)
    }
}

impl Mul<f32> for V3 {
    type Output = V3;
    fn mul(self, k: f32) -> V3 {
        v3(self.x * k, self.y * k, self.z * k)
    }
}

impl Neg for V3 {
    type Output = V3;
    fn neg(self) -> V3 {
        self * -1.0
    }
}

impl V3 {
    pub const UP: V3 = v3(0.0, 1.0, 0.0);

    pub fn dot(self, o: V3) -> f32 {
        self.x * o.x + self.y * o.y + self.z * o.z
    }

    pub fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    /// The same direction with length 1; the zero vector becomes "up".
    pub fn unit(self) -> V3 {
        let length = self.length();
        if length > 1e-6 { self * (1.0 / length) } else { V3::UP }
    }

    pub fn mix(self, o: V3, t: f32) -> V3 {
        self * (1.0 - t) + o * t
    }
}

/// Three perpendicular directions carried by a part of the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame3 {
    /// The figure's own left.
    pub left: V3,
    pub up: V3,
    pub forward: V3,
}

impl Frame3 {
    /// Upright and turned by `yaw` radians: 0 faces the viewer, π/2 faces the picture's right edge.
    pub fn facing(yaw: f32) -> Frame3 {
        let (sin, cos) = yaw.sin_cos();
        Frame3 { left: v3(cos, 0.0, -sin), up: V3::UP, forward: v3(sin, 0.0, cos) }
    }

    /// Leans forward, bends to the left, then twists to the left, each about this frame's own axes.
    pub fn rotated(self, lean: f32, bend: f32, twist: f32) -> Frame3 {
        let (s, c) = lean.sin_cos();
        let (up, forward) = (self.up * c + self.forward * s, self.forward * c - self.up * s);
        let (s, c) = bend.sin_cos();
        let (up, left) = (up * c + self.left * s, self.left * c - up * s);
        let (s, c) = twist.sin_cos();
        Frame3 { left: left * c - forward * s, up, forward: forward * c + left * s }
    }

    /// A vector given in (left, up, forward) coordinates.
    pub fn at(self, v: V3) -> V3 {
        self.left * v.x + self.up * v.y + self.forward * v.z
    }
}

/// Places the middle joint and the end of a two-bone limb that reaches for `target`.
///
/// The middle joint bends towards `pole`. A target out of reach is approached along its direction.
pub(super) fn reach(root: V3, target: V3, first: f32, second: f32, pole: V3) -> (V3, V3) {
    let want = target - root;
    let longest = (first + second) * 0.998;
    let shortest = (first - second).abs() + 0.02;
    let distance = want.length().clamp(shortest, longest);
    let along = want.unit();
    let end = root + along * distance;
    let side = pole - along * pole.dot(along);
    let side = if side.length() > 1e-4 { side.unit() } else { V3::UP - along * along.y };
    // Law of cosines: how far along the line, and how far off it, the joint lies.
    let a = (first * first - second * second + distance * distance) / (2.0 * distance);
    let h = (first * first - a * a).max(0.0).sqrt();
    (root + along * a + side * h, end)
}

/// 0…1 with zero slope at both ends.
pub(super) fn smooth(t: f32) -> f32 {
    let t = t.clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limb_keeps_its_bone_lengths_and_reaches_what_it_can() {
        let root = v3(0.1, 0.8, 0.0);
        for target in [v3(0.2, 0.6, 0.1), v3(0.1, 0.5, 0.0), v3(2.0, 0.8, 0.0)] {
            let (joint, end) = reach(root, target, 0.17, 0.15, v3(0.0, -1.0, -0.3));
            assert!(((joint - root).length() - 0.17).abs() < 1e-3);
            assert!(((end - joint).length() - 0.15).abs() < 1e-3);
            if (target - root).length() < 0.31 {
                assert!((end - target).length() < 1e-4);
            } else {
                assert!((end - root).unit().dot((target - root).unit()) > 0.9999);
            }
        }
    }

    #[test]
    fn leaning_forward_tips_the_spine_towards_the_face() {
        let frame = Frame3::facing(0.7).rotated(0.4, 0.0, 0.0);
        assert!((frame.up.dot(Frame3::facing(0.7).forward) - 0.4_f32.sin()).abs() < 1e-6);
        assert!(frame.up.dot(frame.forward).abs() < 1e-6);
        assert!(frame.left.dot(frame.up).abs() < 1e-6);
    }
}
