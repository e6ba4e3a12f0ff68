//! Datasets: what is read, how clips are loaded, the demo dataset.

#![allow(clippy::disallowed_methods, reason = "tests read files of their own")]

mod corrections;
mod demo;
mod formats;
mod instances;
mod label_export;
mod label_map;
mod large;
mod loading;
mod sampling;
#[path = "../support/mod.rs"]
mod support;
mod table_preview;
