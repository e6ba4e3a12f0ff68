//! The motion test: what of a clip a network needs.
//!
//! The same clips are shown as they are and [`altered()`]: with the middle frame frozen, shuffled, reversed, with every
//! second frame dropped, without the body, without the background, mirrored. [`judge()`] compares the answers, clip by
//! clip, with paired intervals and tests, and names what decides. After the question of Huang et al. (2018), "What makes a
//! video a video", whether networks use motion at all.

mod alter;
mod ask;
mod conclude;
mod judge;
mod tables;

pub use alter::{Alteration, Masks, altered, at_size};
pub use ask::{Asked, ask, shared_clips};
pub use judge::{AlteredScore, Cause, MotionTest, judge};
pub use tables::{MotionReport, is_motion_file};
