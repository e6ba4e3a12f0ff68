//! Videos against what FFmpeg decodes.

mod damage;
mod formats;
mod spare;
#[path = "../support/mod.rs"]
mod support;
mod truth;
