//! The networks, one a file: a function that builds each, under the names of its layers and arrays in PyTorch.

pub(super) mod c3d;
pub(super) mod efficientnet;
pub(super) mod i3d;
pub(super) mod mobilenet;
pub(super) mod resnet;
pub(super) mod small;
pub(super) mod video_resnet;
