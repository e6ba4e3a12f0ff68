//! Training: what is learnt, told, frozen and resumed.

#![allow(clippy::disallowed_methods, reason = "tests read files of their own")]

mod augmentation;
mod baselines;
mod frozen;
mod large;
#[cfg(feature = "mpi")]
mod mpi;
mod multi_label;
mod peers;
mod resume;
#[path = "../support/mod.rs"]
mod support;
mod training;
mod truth;
mod views;
