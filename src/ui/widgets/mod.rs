//! Parts of the window that draw plain data and know nothing of the state behind it.

pub mod class_bars;
pub mod class_heat;
pub mod clip_grid;
pub mod config_form;
pub mod curves;
pub mod form_rows;
pub mod matrix;
pub mod series;
pub mod style;
