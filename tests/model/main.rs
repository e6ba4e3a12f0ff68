//! Networks, weights, heatmaps, metrics and devices against reference numbers.

#![allow(clippy::disallowed_methods, reason = "tests read files of their own")]

mod compute;
mod golden;
mod golden_training;
mod metrics;
mod networks;
#[path = "../support/mod.rs"]
mod support;
mod views;
mod weights;
