//! Arguments of `kinolens bench`.

use super::{DeviceArg, JsonArg, PrecisionArg};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct BenchArgs {
    /// Network id (repeatable); every network when left out.
    #[arg(long = "model", value_name = "ID")]
    pub models: Vec<String>,
    /// What to time (repeatable): forward, train, grad-cam; all when left out.
    #[arg(long = "only", value_name = "WHAT")]
    pub only: Vec<String>,
    /// Where to compute; the CPU when left out.
    #[arg(long, value_enum, default_value = "cpu")]
    pub device: DeviceArg,
    /// Numbers the layers of a training step compute with.
    #[arg(long, value_enum, default_value = "f32")]
    pub precision: PrecisionArg,
    /// Training steps compute most layers' outputs a second time instead of keeping them.
    #[arg(long)]
    pub recompute: bool,
    /// Threads; as many as the processor has when left out.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Clips of a batch (heatmaps are always of one clip).
    #[arg(long, default_value_t = 2)]
    pub batch: usize,
    /// Size of a clip as FRAMES,ROWS,COLUMNS; what the network is usually given when left out.
    #[arg(long, value_name = "T,H,W", value_parser = clip_size)]
    pub clip: Option<[usize; 3]>,
    /// Timed rounds after one that is not; figures are medians.
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// Also tell in which operations the time went.
    #[arg(long)]
    pub profile: bool,
    /// Time decoding, seeking and loading of this video, or of the videos of a dataset in turns, instead of networks.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["models", "only", "clip", "profile"])]
    pub video: Option<PathBuf>,
    /// Clips loaded.
    #[arg(long, default_value_t = 60, requires = "video")]
    pub clips: usize,
    /// Frames of a clip.
    #[arg(long, default_value_t = 16, requires = "video")]
    pub frames: u32,
    /// Width and height of its frames.
    #[arg(long, default_value_t = 112, requires = "video")]
    pub size: u32,
    /// Loading threads.
    #[arg(long, default_value_t = 4, requires = "video")]
    pub workers: usize,
    /// Run a round for every line on standard input and answer with its seconds, for measuring in turns with others.
    #[arg(long)]
    pub in_turns: bool,
    #[command(flatten)]
    pub json: JsonArg,
}

/// `16,112,112` as frames, rows and columns.
fn clip_size(text: &str) -> Result<[usize; 3], String> {
    let sizes: Option<Vec<usize>> = text.split(',').map(|n| n.trim().parse().ok().filter(|n| *n > 0)).collect();
    let sizes = sizes.and_then(|s| <[usize; 3]>::try_from(s).ok());
    sizes.ok_or_else(|| "write frames, rows and columns as three numbers above 0, such as 16,112,112".into())
}
