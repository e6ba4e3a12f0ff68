//! Parts that several panels use.

pub mod icons;
pub mod picture;
pub mod text;
