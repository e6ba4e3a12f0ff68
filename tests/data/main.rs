//! Datasets: what is read, how clips are loaded, the demo dataset.

mod demo;
mod formats;
mod loading;
#[path = "../support/mod.rs"]
mod support;
