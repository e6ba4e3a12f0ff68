//! Networks, their weights, and the devices they run on.
//!
//! A network is a tree of named layers ([`Network::layers`]); the names are the paths PyTorch gives the same modules, and
//! so are the names of its arrays ([`Network::state_dict`]). To add a network, write its build function in
//! `networks` and a row in [`MODELS`].

mod assemble;
mod blocks;
mod builder;
mod conv_parts;
mod cpu_ops;
pub mod device;
mod error;
mod flex;
mod frozen;
mod gradients;
mod kernels;
mod layers;
mod module_path;
mod network;
mod networks;
mod ops;
mod outline;
mod parameters;
mod pass;
pub mod profile;
mod random_stream;
mod readout;
mod recompute;
mod registry;
mod settings;
mod weights;

pub use builder::{LayerInfo, LayerKind};
pub use cpu_ops::optimizer_step;
pub use device::ComputeDevice;
pub use error::ModelError;
pub use frozen::{BACKBONE, NOTHING};
pub use gradients::{GradientSet, TrainPass};
pub use module_path::lies_inside;
pub use network::{GradientUse, Network, ParameterInfo, Tapped, layer_choices, read};
pub use outline::Outline;
pub use parameters::ParameterRole;
pub use pass::Tap;
pub use random_stream::RandomStream;
pub use registry::{MODELS, ModelSpec};
pub use weights::{
    ArrayValues, ClassLayer, LoadReport, Match, Misfit, NamedArray, WeightFile, WeightFormat, WeightReport, inspect,
    looks_like, read_safetensors, write_safetensors, write_torch,
};
