//! Colour maps, the heatmap overlay on CPU and GPU, captions and plots.
//!
//! [`overlay_cpu`] defines what an overlay looks like, in [`overlay`]'s terms; [`overlay_gpu`] draws the same
//! pixels on a GPU. [`plots`] turns numbers into PNG and SVG files.

pub mod colormap;
pub mod compose;
pub mod contour;
pub mod encoded;
mod error;
mod font;
pub mod heat_volume;
pub mod overlay;
pub mod overlay_cpu;
pub mod overlay_gpu;
pub mod overlay_gpu_check;
pub mod palette;
pub mod plots;

pub use colormap::{COLOR_MAPS, ColorMap, color_map};
pub use error::RenderError;
pub use font::files as font_files;
pub use heat_volume::{HeatVolume, Interpolation};
pub use overlay::{Blend, ClipPosition, HeatScale, OverlayParams, Region};
pub use overlay_cpu::{composite, heat_picture};
pub use palette::class_color;

use crate::domain::RgbImage;
use std::path::Path;

/// Writes a picture as a PNG file.
///
/// # Errors
/// A file that cannot be written.
pub fn write_png(path: &Path, picture: &RgbImage) -> Result<(), image::ImageError> {
    let (width, height) = (picture.width, picture.height);
    image::save_buffer_with_format(path, &picture.data, width, height, image::ColorType::Rgb8, image::ImageFormat::Png)
}
