//! The window.

pub mod thumbs;
pub mod widgets;
