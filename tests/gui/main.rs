//! The window and what it draws.

#![allow(clippy::disallowed_methods, reason = "tests read files of their own")]

mod frame_server;
mod long_session;
mod overlay;
mod plots;
mod shaders;
#[path = "../support/mod.rs"]
mod support;
mod train_eval;
mod whole;
mod window;
