//! What several test programs use: datasets made for one test, reference numbers, FFmpeg, the device to compute on.
//!
//! A program uses some of it, hence the `dead_code`.
#![allow(dead_code)]

pub mod bars;
pub mod datasets;
pub mod ffmpeg;
pub mod on_device;
pub mod reference;
