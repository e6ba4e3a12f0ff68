//! Networks, their weights, and the devices they run on.
//!
//! A network is a tree of named layers ([`Network::layers`]); the names are the paths PyTorch gives the same modules, and
//! so are the names of its arrays ([`Network::state_dict`]). To add a network, write a build function beside the
//! others and a row in [`MODELS`].

mod builder;
mod c3d;
mod conv_op;
pub mod device;
mod error;
mod flex;
mod gradients;
mod kernels;
mod layers;
mod mobilenet;
mod network;
mod norm_op;
mod ops;
mod pass;
mod pool_op;
pub mod profile;
mod small;
pub mod step_op;
mod store;
mod stream;
mod weights;

pub use builder::{LayerInfo, LayerKind};
pub use device::ComputeDevice;
pub use error::ModelError;
pub use gradients::{GradientSet, TrainPass};
pub use network::{Network, ParameterInfo, Tapped, read};
pub use pass::Tap;
pub use store::ParameterRole;
pub use stream::Stream;
pub use weights::{ArrayValues, LoadReport, NamedArray, read_safetensors, write_safetensors};

/// Adds a network's layers to a builder: classes, and the dropout if it is configured.
type Build = fn(&mut builder::Builder, usize, Option<f64>) -> Result<network::Parts, ModelError>;

/// A row of the model registry.
#[derive(Clone, Copy, Debug)]
pub struct ModelSpec {
    /// Id in files and on the command line.
    pub id: &'static str,
    /// Name for people.
    pub title: &'static str,
    /// What it is for, one sentence.
    pub summary: &'static str,
    /// Usual input as (frames, rows, columns).
    pub input: (u32, u32, u32),
    /// Layer heat maps are made at unless another is asked for.
    pub default_layer: &'static str,
    build: Build,
}

/// Every network.
pub const MODELS: &[ModelSpec] = &[
    ModelSpec {
        id: "small-3d",
        title: "Small 3D CNN",
        summary: "For small clips and quick looks on a CPU.",
        input: (16, 64, 64),
        default_layer: "stage3",
        build: small::build,
    },
    ModelSpec {
        id: "small-2d",
        title: "Small 2D CNN",
        summary: "The small network frame by frame: when it does as well, the task needs no time.",
        input: (16, 64, 64),
        default_layer: "stage3",
        build: small::frame_by_frame,
    },
    ModelSpec {
        id: "c3d",
        title: "C3D",
        summary: "The exercise-recognition reference.",
        input: (16, 112, 112),
        // The last ReLU: 2x7x7 cells of a usual clip, where the pool after it leaves 1x3x3.
        default_layer: "block5.5",
        build: c3d::build,
    },
    ModelSpec {
        id: "mobilenet-v2-3d",
        title: "MobileNetV2-3D",
        summary: "A tenth of C3D's parameters.",
        input: (16, 128, 128),
        default_layer: "features.18",
        build: mobilenet::standard,
    },
    ModelSpec {
        id: "mobilenet-v2-3d-high-temporal",
        title: "MobileNetV2-3D, high temporal",
        summary: "Keeps all frames to the last layer, so heatmaps are exact in time.",
        input: (16, 128, 128),
        default_layer: "features.18",
        build: mobilenet::high_temporal,
    },
];
