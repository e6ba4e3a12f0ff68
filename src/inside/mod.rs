//! What is inside a network: its modules as a graph, its activations and kernels, how far its cells see, and which of its
//! channels do nothing.
//!
//! Everything here works on a network, a clip or arrays in memory. Who reads clips of a dataset or checkpoints of a run and
//! hands them in are the jobs, in `jobs/kinds`.

mod activations;
mod clip_map;
mod error;
mod examples;
mod graph;
mod graph_svg;
mod histogram;
mod kernel_pictures;
mod kernels;
mod measure;
mod neighbour_map;
mod neighbour_tree;
mod npy;
mod order;
mod page;
mod pca;
mod pictures;
mod receptive;
mod statistics;
mod store;

pub use activations::{LayerActivation, RecordedLayer, record_layers, require_layers, shown_layers, watch_layers};
pub use clip_map::{ClipMap, MapPoint, NearPair, Pooled};
pub use error::InsideError;
pub use examples::{Example, Examples};
pub use graph::{Graph, GraphEdge, GraphGroup, GraphNode, NodeRole, shape_label};
pub use graph_svg::graph_svg;
pub use histogram::Histogram;
pub use kernel_pictures::{film_strips, norm_matrix, strip_tile, strongest_strips};
pub use kernels::{Kernel, KernelForm, kernels};
pub use measure::layer_seconds;
pub use neighbour_map::{NeighbourMap, PERPLEXITY, TRUSTED_NEIGHBOURS, trustworthiness};
pub use npy::npy_bytes;
pub use order::{ChannelOrder, ChannelScore, rank_channels};
pub use page::{Block, Page, escaped};
pub use pca::{Components, principal_components};
pub use pictures::{channel_grid, channels_over_time, layer_strip};
pub use receptive::{EffectiveField, ReceptiveField, effective_field};
pub use statistics::{LayerStatistics, LayerTally};
pub use store::ActivationStore;
