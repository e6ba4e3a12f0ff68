//! Training: what is learnt, told, frozen and resumed.

mod frozen;
mod resume;
#[path = "../support/mod.rs"]
mod support;
mod training;
mod truth;
