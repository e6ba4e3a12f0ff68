//! The networks, one a file: a function that builds each, under the names of its layers and arrays in PyTorch.
//!
//! A build function adds layers to a [`Builder`](super::builder::Builder) in forward order and gives trunk, readout and
//! classifier. Input is `[B, 3, T, H, W]`; layer ids are the paths that heatmaps, freezing and weight files use.

pub(super) mod c3d;
pub(super) mod efficientnet;
pub(super) mod i3d;
pub(super) mod mobilenet;
pub(super) mod resnet;
pub(super) mod small;
pub(super) mod video_resnet;
