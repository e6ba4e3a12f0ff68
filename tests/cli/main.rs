//! The command line from outside, and the source held to its layers.

mod commands;
mod device;
mod failures;
mod layering;
#[path = "../support/mod.rs"]
mod support;
