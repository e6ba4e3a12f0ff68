//! A comparison as one HTML file that needs nothing else: no script, no network, pictures inside.
//!
//! [`write_report`] also writes every figure as SVG with its data as CSV, and every picture, to a folder beside the file.

mod figures;
mod page;
mod reproduce;

pub use page::{ErrorExample, ReportInput, Shown, files_folder, write_report};
