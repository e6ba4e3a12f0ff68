//! Arguments of looking inside a network.

use super::parts::{ClassMatchArg, JsonArg, OutArgs, RunArg, SplitArg};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct LookInsideArgs {
    #[command(flatten)]
    pub run: RunArg,
    /// Video or picture; of a dataset --clip says which clip.
    #[arg(value_name = "VIDEO|IMAGE")]
    pub source: PathBuf,
    /// Layer id (repeatable); the outermost layers when left out.
    #[arg(long = "layer", value_name = "ID")]
    pub layers: Vec<String>,
    /// The clip; the first of a single video when left out.
    #[arg(long, value_name = "VIDEO:START")]
    pub clip: Option<String>,
    /// How channels are ordered: maximum, gradient, variance or index.
    #[arg(long, default_value = "maximum")]
    pub order: String,
    /// The class whose gradient orders channels: predicted, true, or a class name or number.
    #[arg(long, default_value = "predicted")]
    pub class: String,
    /// Channels drawn of each layer; the .npy files have all.
    #[arg(long, default_value_t = 64)]
    pub channels: usize,
    /// Colour map id.
    #[arg(long, default_value = "viridis")]
    pub color_map: String,
    /// Also measure how long each module takes.
    #[arg(long)]
    pub measure: bool,
    /// Also compute the effective receptive field of each layer: a pass back each.
    #[arg(long)]
    pub receptive_field: bool,
    /// Also look at the layers over the clips of this dataset: dead channels, examples, a map of the clips.
    #[arg(long, value_name = "DIR")]
    pub dataset: Option<PathBuf>,
    /// Which clips of the dataset.
    #[arg(long, value_enum, default_value = "test", requires = "dataset")]
    pub split: SplitArg,
    /// How many clips of the dataset, sampled at random.
    #[arg(long, default_value_t = 200, requires = "dataset")]
    pub clips: usize,
    /// Clips kept as examples of each channel.
    #[arg(long, default_value_t = 9, requires = "dataset")]
    pub examples: usize,
    /// Layer whose pooled features the map of clips is made of; the features before the classifier when left out.
    #[arg(long, value_name = "ID", requires = "dataset")]
    pub map_layer: Option<String>,
    /// How many neighbours of a clip count, more or less, in the map of clips that is arranged by them (t-SNE).
    #[arg(long, default_value_t = crate::inside::PERPLEXITY, requires = "dataset")]
    pub perplexity: f64,
    /// Also look at the other checkpoints of the run: motion share of kernels, and dead channels with --dataset.
    #[arg(long)]
    pub all_checkpoints: bool,
    /// Also write all of it to one HTML file, which needs no other file and no script.
    #[arg(long, value_name = "FILE")]
    pub page: Option<PathBuf>,
    /// Seed of the sample.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    #[command(flatten)]
    pub classes: ClassMatchArg,
    #[command(flatten)]
    pub to: OutArgs,
    #[command(flatten)]
    pub json: JsonArg,
}
