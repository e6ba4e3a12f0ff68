//! Networks, their weights, and the devices they run on.
//!
//! A network is a tree of named layers ([`Network::layers`]); the names are the paths PyTorch gives the same modules, and
//! so are the names of its arrays ([`Network::state_dict`]). To add a network, write a build function beside the
//! others and a row in [`MODELS`].

mod assemble;
mod blocks;
mod builder;
mod c3d;
mod conv_op;
mod conv_parts;
pub mod device;
mod error;
mod flex;
mod frozen;
mod gradients;
mod kernels;
mod layers;
mod mobilenet;
mod module_path;
mod motion_op;
mod network;
mod networks;
mod norm_op;
mod ops;
mod outline;
mod pass;
mod pool_op;
pub mod profile;
mod readout;
mod recompute;
mod registry;
mod small;
pub mod step_op;
mod store;
mod stream;
mod sum_op;
mod weights;

pub use builder::{LayerInfo, LayerKind};
pub use device::ComputeDevice;
pub use error::ModelError;
pub use frozen::{BACKBONE, NOTHING};
pub use gradients::{GradientSet, TrainPass};
pub use module_path::lies_inside;
pub use network::{GradientUse, Network, ParameterInfo, Tapped, layer_choices, read};
pub use outline::Outline;
pub use pass::Tap;
pub use registry::{MODELS, ModelSpec};
pub use store::ParameterRole;
pub use stream::Stream;
pub use weights::{
    ArrayValues, ClassLayer, LoadReport, Match, Misfit, NamedArray, WeightFile, WeightFormat, WeightReport, inspect,
    looks_like, read_safetensors, write_safetensors, write_torch,
};
