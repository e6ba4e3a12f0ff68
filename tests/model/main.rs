//! Networks, weights, heatmaps, metrics and devices against reference numbers.

#![allow(clippy::disallowed_methods, reason = "tests read files of their own")]

mod classical;
mod compute;
mod golden;
mod golden_training;
mod inside;
mod metrics;
mod multi_label;
mod networks;
#[path = "../support/mod.rs"]
mod support;
mod views;
mod weights;
