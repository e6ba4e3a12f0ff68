//! kinolens: browse action-recognition datasets, train 3D CNNs on them, and see, frame by frame, what they look at.
//!
//! # The map
//!
//! Imports only go down; `tests/cli/layering.rs` enforces it.
//!
//! | layer | modules | knows |
//! |---|---|---|
//! | 9 | `main` | window or command line |
//! | 8 | [`ui`], [`cli`] | egui; clap. Strangers to each other: both build jobs and show what comes back |
//! | 7 | [`jobs`] | worker lanes, commands, events |
//! | 6 | [`train`], [`compare`] | the loop, optimisers, logs; several runs side by side |
//! | 5 | [`eval`] | predictions, metrics, caveats |
//! | 4 | [`run_folder`] | a run on the disk: layout, reader, writer, checkpoints, results |
//! | 3 | [`data`], [`cam`], [`inside`], [`classical`] | datasets and loading; heatmaps; activations, kernels, the network as a graph; classical baselines |
//! | 2 | [`video`], [`render`], [`model`] | GStreamer; wgpu and plots; burn, convolution kernels, devices |
//! | 1 | [`domain`], [`config`], [`progress`], [`files`], [`peers`], [`process_usage`], [`simd`] | plain types; whole files; other processes of a job; this process; this processor |
//!
//! What can be added without touching anything else stands in registries: [`data::FORMATS`], [`model::MODELS`],
//! [`cam::METHODS`], [`config::PRESETS`] and [`ui::PANELS`].

#![cfg_attr(test, allow(clippy::disallowed_methods, reason = "tests read files of their own"))]

pub mod cam;
pub mod classical;
pub mod cli;
pub mod compare;
pub mod config;
pub mod data;
pub mod domain;
pub mod eval;
pub mod files;
pub mod inside;
pub mod jobs;
pub mod model;
pub mod peers;
pub mod process_usage;
pub mod progress;
pub mod render;
pub mod run_folder;
pub mod simd;
pub mod train;
pub mod ui;
pub mod video;
