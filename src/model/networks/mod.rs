//! Networks of other people, under the names of their layers and arrays in PyTorch.

pub(super) mod efficientnet;
pub(super) mod i3d;
pub(super) mod resnet;
pub(super) mod video_resnet;
