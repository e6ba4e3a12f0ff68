//! Videos against what FFmpeg decodes.

#![allow(clippy::disallowed_methods, reason = "tests read files of their own")]

mod damage;
mod formats;
mod pictures;
mod spare;
#[path = "../support/mod.rs"]
mod support;
mod truth;
