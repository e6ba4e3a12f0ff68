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
mod parts;
mod pass;
pub mod profile;
mod random_stream;
mod reach;
mod readback;
mod readout;
mod recompute;
mod registry;
mod settings;
mod train_pass;
mod tree;
mod watch;
mod weights;

pub use builder::{LayerInfo, LayerKind};
pub use cpu_ops::optimizer_step;
pub use device::ComputeDevice;
pub use error::ModelError;
pub use gradients::GradientSet;
pub use module_path::{belongs_to, lies_inside};
pub use network::{GradientUse, Network, ParameterInfo, Tapped, layer_choices};
pub use outline::Outline;
pub use parameters::ParameterRole;
pub use pass::Tap;
pub use random_stream::RandomStream;
pub use reach::Reach;
pub use readback::read;
pub use registry::{MODELS, ModelSpec};
pub use settings::{BACKBONE, NORMS, NOTHING};
pub use train_pass::TrainPass;
pub use tree::{Module, ModuleParts, ModuleTree};
pub use weights::{
    ArrayValues, ClassLayer, LoadReport, Match, Misfit, NamedArray, WeightFile, WeightFormat, WeightReport, inspect,
    looks_like, read_safetensors, write_safetensors, write_torch,
};
