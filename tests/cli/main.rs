//! The command line from outside, and the source held to its layers.

#![allow(clippy::disallowed_methods, reason = "tests read files of their own")]

mod circles;
mod commands;
mod dependencies;
mod device;
mod failures;
mod glossary;
mod layering;
mod recipes;
#[path = "../support/mod.rs"]
mod support;
