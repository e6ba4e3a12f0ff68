//! How things are drawn, and how time runs.

use crate::render::{HeatScale, Interpolation};
use serde::{Deserialize, Serialize};

/// Light or dark.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ThemeChoice {
    /// Dark; video people sit in dark rooms.
    #[default]
    Dark,
    /// Light.
    Light,
    /// As the system has it.
    System,
}

/// How the Review viewer lays out picture and overlay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ViewMode {
    /// The picture alone.
    Frame,
    /// The overlay alone.
    Overlay,
    /// Picture left, overlay right.
    #[default]
    SideBySide,
}

/// How pictures, annotations and heatmaps are drawn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewSettings {
    /// Draw the segmentation mask.
    pub mask: bool,
    /// Draw the skeleton.
    pub skeleton: bool,
    /// Write the label of the frame below the picture.
    pub caption: bool,
    /// Blend the heatmap.
    pub heat: bool,
    /// Layout of the Review viewer.
    pub mode: ViewMode,
    /// Weight of the heatmap, 0…1.
    pub alpha: f32,
    /// Heat below this share of the scale leaves the picture untouched, 0…1.
    pub threshold: f32,
    /// Let the weight grow with the heat, so that cold places keep the picture, instead of being the same everywhere.
    pub alpha_follows_heat: bool,
    /// Draw contour lines.
    pub contours: bool,
    /// Interpolate between cells of the map; off shows the cells as they are.
    pub smooth: bool,
    /// Interpolate with cubic curves instead of straight lines.
    pub cubic: bool,
    /// Id of the colour map.
    pub color_map: String,
    /// What 1 means.
    pub scale: HeatScale,
}

impl ViewSettings {
    /// How what lies between cells is found.
    pub fn interpolation(&self) -> Interpolation {
        match (self.smooth, self.cubic) {
            (false, _) => Interpolation::Nearest,
            (true, false) => Interpolation::Smooth,
            (true, true) => Interpolation::Cubic,
        }
    }
}

impl Default for ViewSettings {
    fn default() -> Self {
        Self {
            mask: false,
            skeleton: false,
            caption: true,
            heat: true,
            mode: ViewMode::SideBySide,
            alpha: 0.75,
            threshold: 0.0,
            alpha_follows_heat: true,
            contours: false,
            smooth: true,
            cubic: false,
            color_map: "turbo".into(),
            scale: HeatScale::Clip,
        }
    }
}

/// Whether and how time runs.
#[derive(Clone, Debug, PartialEq)]
pub struct Playback {
    /// Time runs.
    pub playing: bool,
    /// Factor on the video's own rate.
    pub speed: f32,
    /// Play the explained clip over and over.
    pub loop_clip: bool,
    /// Seconds of video time that passed since the current frame was due.
    pub carry_s: f64,
}

impl Default for Playback {
    fn default() -> Self {
        Self { playing: false, speed: 1.0, loop_clip: false, carry_s: 0.0 }
    }
}

impl Playback {
    /// The speeds that `[` and `]` walk through.
    pub const SPEEDS: [f32; 8] = [0.1, 0.25, 0.5, 1.0, 1.5, 2.0, 4.0, 8.0];
}
