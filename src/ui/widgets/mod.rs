//! Parts that several panels use.

pub mod class_colors;
pub mod icons;
pub mod text;
