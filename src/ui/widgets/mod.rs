//! Parts that several panels use.
//!
//! Widgets take what they show as arguments and give back what was asked of them; they know nothing of the state or of jobs.

pub mod channel_tiles;
pub mod choice_rows;
pub mod class_bars;
pub mod class_heat;
pub mod class_notice;
pub mod clip_grid;
pub mod clip_order;
pub mod color_bar;
pub mod config_form;
pub mod confused_pairs;
pub mod curves;
pub mod form_rows;
pub mod frame_table;
pub mod graph_canvas;
pub mod icons;
pub mod line_names;
pub mod mark;
pub mod matrix;
mod matrix_counts;
pub mod matrix_difference;
pub mod navigation;
pub mod network_card;
pub mod network_pick;
pub mod paired_bars;
pub mod picture;
mod planned;
pub mod scatter;
pub mod score_card;
pub mod series;
pub mod settings_words;
pub mod split_preview;
pub mod style;
pub mod table_view;
pub mod tags;
pub mod text;
pub mod ticks;
pub mod usage;
pub mod view_votes;
pub mod weight_report;
pub mod zoom;
