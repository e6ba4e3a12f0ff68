//! Colour maps, the heatmap overlay on CPU and GPU, captions and plots.
//!
//! [`overlay_cpu`] defines what an overlay looks like, in [`overlay`]'s terms; [`overlay_gpu`] draws the same
//! pixels on a GPU. [`plots`] turns numbers into PNG and SVG files.

pub mod colormap;
mod error;
pub mod heat_volume;
pub mod overlay;
pub mod overlay_cpu;
pub mod overlay_gpu;
pub mod palette;

pub use colormap::{COLOR_MAPS, ColorMap, color_map};
pub use error::RenderError;
pub use heat_volume::{HeatVolume, Interpolation};
pub use overlay::{Blend, ClipPosition, HeatScale, OverlayParams, Region};
pub use overlay_cpu::{composite, heat_picture};
pub use palette::class_color;
