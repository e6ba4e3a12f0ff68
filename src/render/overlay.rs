//! What an overlay is, for the CPU and the GPU alike.
//!
//! For every pixel of the frame:
//!
//! 1. `heat` = the volume at the pixel's centre and the frame's moment, smooth, cubic or nearest
//!    ([`HeatVolume`](super::HeatVolume)), where the network saw the pixel ([`Region`]); elsewhere the frame stays.
//! 2. `v = clamp(heat / scale, 0, 1)`, where `scale` is the largest value of the frame, of the clip, or fixed
//!    ([`HeatScale`]); `v = 0` when the scale is 0.
//! 3. `a = alpha * v`, or `alpha` ([`Blend`]). Below the threshold `a = 0`; above, it reaches its full value within
//!    [`THRESHOLD_RAMP`], which keeps the edge free of stair steps. A threshold of 0 hides nothing.
//! 4. `colour = table[v]`, linear between table entries.
//! 5. `pixel = frame * (1 - a) + colour * a` on sRGB values, as video editors and the papers' figures do.
//! 6. Contour lines, when on, at [`CONTOUR_LEVELS`] of `v`: a white core in a dark halo, as wide everywhere
//!    ([`contour`](super::contour)). There are none on nearest maps: their cells show themselves.

use super::colormap::{COLOR_MAPS, ColorMap, by_id};
use super::heat_volume::{HeatVolume, Interpolation, cell_position};
use serde::{Deserialize, Serialize};

/// Width of the rise from nothing to full opacity above the threshold, in units of `v`.
pub const THRESHOLD_RAMP: f32 = 1.0 / 32.0;

/// Values of `v` that contour lines follow.
pub const CONTOUR_LEVELS: [f32; 3] = [0.25, 0.5, 0.75];

/// Slack at the edge of a region, so that pixel centres that lie exactly on it count as inside on every machine.
const REGION_EPSILON: f32 = 1.0 / 65536.0;

/// Opacity of a contour's dark halo and of its white core.
pub(super) const CONTOUR_OPACITY: [f32; 2] = [0.55, 0.9];

/// What counts as 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum HeatScale {
    /// The largest value of the frame shown: every frame peaks at 1, so frames cannot be compared.
    Frame,
    /// The largest value of the clip, as pytorch-grad-cam does. The default.
    #[default]
    Clip,
    /// This value; makes clips comparable.
    Fixed(f32),
}

/// How opacity depends on heat.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Blend {
    /// Opacity proportional to heat: cold places keep the picture. The default.
    #[default]
    FollowsHeat,
    /// The same opacity everywhere.
    Constant,
}

/// The part of the frame that the network saw, in shares of width and height.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Left edge.
    pub x0: f32,
    /// Upper edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Lower edge.
    pub y1: f32,
}

impl Region {
    /// The whole frame.
    pub const FULL: Self = Self { x0: 0.0, y0: 0.0, x1: 1.0, y1: 1.0 };

    /// From left, top, width and height; the whole frame where they make no region.
    fn of([left, top, width, height]: [f32; 4]) -> Self {
        let region = Self { x0: left, y0: top, x1: left + width, y1: top + height };
        if region.is_valid() { region } else { Self::FULL }
    }

    /// True when the region has an area and is made of numbers.
    pub fn is_valid(&self) -> bool {
        [self.x0, self.y0, self.x1, self.y1].iter().all(|v| v.is_finite())
            && self.x1 - self.x0 > 1e-6
            && self.y1 - self.y0 > 1e-6
    }

    /// True when the point (shares of width and height) lies inside.
    pub fn contains(&self, x: f32, y: f32) -> bool {
        let e = REGION_EPSILON;
        x >= self.x0 - e && x <= self.x1 + e && y >= self.y0 - e && y <= self.y1 + e
    }
}

impl Default for Region {
    fn default() -> Self {
        Self::FULL
    }
}

/// Which frame of the explained clip is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClipPosition {
    /// Position within the clip, from 0 (not the number in the video).
    pub frame: usize,
    /// Frames of the clip.
    pub frames: usize,
}

impl ClipPosition {
    /// The moment in cells of a volume with `steps` time steps.
    pub fn in_cells(self, steps: usize) -> f32 {
        cell_position(self.frame, self.frames, steps)
    }
}

/// The settings of an overlay; see the module documentation for what each does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OverlayParams {
    /// Opacity of the heatmap, 0…1.
    pub alpha: f32,
    /// Heat below this share of the scale is not shown, 0…1.
    pub threshold: f32,
    /// Colours; saved as the map's id.
    #[serde(with = "by_id")]
    pub color_map: &'static ColorMap,
    /// Between cells.
    pub interpolation: Interpolation,
    /// What counts as 1.
    pub scale: HeatScale,
    /// How opacity depends on heat.
    pub blend: Blend,
    /// Contour lines on or off.
    pub contours: bool,
    /// The part of the frame the network saw; the whole frame leaves that to the heatmap.
    pub region: Region,
}

impl Default for OverlayParams {
    fn default() -> Self {
        Self {
            alpha: 0.5,
            threshold: 0.0,
            color_map: &COLOR_MAPS[0],
            interpolation: Interpolation::Smooth,
            scale: HeatScale::Clip,
            blend: Blend::FollowsHeat,
            contours: false,
            region: Region::FULL,
        }
    }
}

/// The numbers both compositors use: clamped, and free of NaN.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resolved {
    pub alpha: f32,
    pub threshold: f32,
    /// `1 / scale`, or 0 when there is no heat.
    pub inverse_scale: f32,
    /// The moment, in cells.
    pub time: f32,
    pub contours: bool,
    pub region: Region,
}

impl OverlayParams {
    /// The value that becomes 1 for this volume at this moment; 0 when there is no heat.
    pub fn scale_value(&self, heat: &HeatVolume, position: ClipPosition) -> f32 {
        match self.scale {
            HeatScale::Frame => heat.frame_max(position.in_cells(heat.shape()[0]), self.interpolation),
            HeatScale::Clip => heat.clip_max(),
            HeatScale::Fixed(max) => max,
        }
    }

    pub(super) fn resolve(&self, heat: &HeatVolume, position: ClipPosition) -> Resolved {
        // `max` then `min` turns NaN into the lower bound.
        // Not `clamp`: it keeps NaN, and NaN must become 0.
        #[allow(clippy::manual_clamp)]
        let unit = |v: f32| v.max(0.0).min(1.0);
        let scale = self.scale_value(heat, position);
        // Below this, 1 / scale is infinite or GPUs flush the cells to 0.
        let inverse_scale = if scale.is_finite() && scale > 1e-30 { 1.0 / scale } else { 0.0 };
        Resolved {
            alpha: unit(self.alpha),
            threshold: unit(self.threshold),
            inverse_scale,
            time: position.in_cells(heat.shape()[0]),
            contours: self.contours && self.interpolation != Interpolation::Nearest,
            region: match self.region {
                region if region.is_valid() && region != Region::FULL => region,
                _ => Region::of(heat.region()),
            },
        }
    }
}

impl Resolved {
    /// Opacity at `v`.
    pub fn opacity(&self, v: f32, blend: Blend) -> f32 {
        let shown = if self.threshold <= 0.0 { 1.0 } else { ((v - self.threshold) / THRESHOLD_RAMP).clamp(0.0, 1.0) };
        let follows = if blend == Blend::FollowsHeat { v } else { 1.0 };
        self.alpha * shown * follows
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_survive_a_file() {
        let params = OverlayParams { color_map: super::super::color_map("magma").unwrap(), ..OverlayParams::default() };
        let text = ron::to_string(&params).unwrap();
        assert!(text.contains("magma"), "{text}");
        assert_eq!(ron::from_str::<OverlayParams>(&text).unwrap(), params);
        assert!(ron::from_str::<OverlayParams>("(color_map: \"nope\")").is_err());
        assert_eq!(ron::from_str::<OverlayParams>("(alpha: 0.25)").unwrap().alpha, 0.25);
    }

    #[test]
    fn nonsense_is_tamed() {
        let heat = HeatVolume::new([1, 1, 1], &[1e-38]).unwrap();
        let params = OverlayParams {
            alpha: f32::NAN,
            threshold: 9.0,
            region: Region { x1: f32::NAN, ..Region::FULL },
            ..OverlayParams::default()
        };
        let r = params.resolve(&heat, ClipPosition { frame: 0, frames: 0 });
        assert_eq!((r.alpha, r.threshold, r.inverse_scale), (0.0, 1.0, 0.0));
        assert_eq!(r.region, Region::FULL);
        assert!(r.time.is_finite());
    }
}
