//! From space to the picture.

use super::geometry::V3;
use super::paint::{P2, p2};

/// A distant camera that looks slightly down: parallel projection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Camera {
    /// Pixels per body height.
    pub scale: f32,
    /// Where the point on the floor between the figure's feet is, in pixels.
    pub origin: P2,
}

/// Sine and cosine of the angle the camera looks down.
const TILT: (f32, f32) = (0.139, 0.990);

impl Camera {
    pub fn point(&self, v: V3) -> P2 {
        self.origin.plus(self.direction(v).times(self.scale))
    }

    /// A direction as seen, in units of body heights (shorter the more it points at the viewer).
    pub fn direction(&self, v: V3) -> P2 {
        p2(v.x, -(v.y * TILT.1 - v.z * TILT.0))
    }

    /// How near a point is to the viewer, in body heights.
    pub fn depth(&self, v: V3) -> f32 {
        v.z * TILT.1 + v.y * TILT.0
    }

    /// Pixels of a length of `heights` body heights.
    pub fn px(&self, heights: f32) -> f32 {
        heights * self.scale
    }
}
