//! The arguments of commands that compare runs and report on them.

use super::ReadingArgs;
use super::parts::{ClassMatchArg, JsonArg, OutArgs, SplitArg};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Run folders or checkpoints, at least two; and, last, the dataset to evaluate them on where they were not yet.
    #[arg(value_name = "RUN", required = true)]
    pub paths: Vec<PathBuf>,
    /// Which clips; the test clips of the dataset, or what all runs were evaluated on, when left out.
    #[arg(long, value_enum)]
    pub split: Option<SplitArg>,
    /// Also time a forward pass of each network on this machine.
    #[arg(long)]
    pub time: bool,
    /// Seed of the bootstrap for intervals.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    #[command(flatten)]
    pub classes: ClassMatchArg,
    #[command(flatten)]
    pub to: OutArgs,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Debug, Args)]
#[command(mut_arg("out", |a| a.help("Also write tables to this folder")))]
pub struct LabelIssuesArgs {
    /// Run folders or checkpoints: one, several, or the folds of a cross-validation; and, last, the dataset to evaluate them
    /// on where they were not yet. With a dataset the edges of labelled segments are looked at too.
    #[arg(value_name = "RUN", required = true)]
    pub paths: Vec<PathBuf>,
    /// Which clips; the test clips of each run's own split, or what all runs were evaluated on, when left out.
    #[arg(long, value_enum)]
    pub split: Option<SplitArg>,
    /// Most clips and most edges that are listed.
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub top: usize,
    #[command(flatten)]
    pub classes: ClassMatchArg,
    #[command(flatten)]
    pub to: OutArgs,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Debug, Args)]
#[command(mut_arg("out", |a| a.help("Write the labels, corrections among them, to this folder: as label files where the dataset \
                                     has a label a frame, else as a table")))]
pub struct CorrectionsArgs {
    /// Dataset folder, split CSV, video or frame folder.
    pub dataset: PathBuf,
    #[command(flatten)]
    pub reading: ReadingArgs,
    #[command(flatten)]
    pub to: OutArgs,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Debug, Args)]
#[command(mut_arg("out", |a| a.help("Also write tables to this folder")))]
pub struct MotionTestArgs {
    /// Run folders or checkpoints, and, last, the dataset.
    #[arg(value_name = "RUN", required = true, num_args = 2..)]
    pub paths: Vec<PathBuf>,
    /// Which clips.
    #[arg(long, value_enum, default_value_t = SplitArg::Test)]
    pub split: SplitArg,
    /// Most clips, evenly spread over the split; all when left out.
    #[arg(long, value_name = "N")]
    pub clips: Option<usize>,
    /// Seed of shuffled frames and of the bootstrap for intervals.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    #[command(flatten)]
    pub classes: ClassMatchArg,
    #[command(flatten)]
    pub to: OutArgs,
    #[command(flatten)]
    pub json: JsonArg,
}

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Run folders or checkpoints, and, last, the dataset to evaluate them on where they were not yet.
    #[arg(value_name = "RUN", required = true)]
    pub paths: Vec<PathBuf>,
    /// HTML file to write; its figures and data go to a folder beside it.
    #[arg(long, value_name = "FILE", default_value = "report.html")]
    pub out: PathBuf,
    /// Replace a report that is there.
    #[arg(long)]
    pub force: bool,
    /// Which clips; the test clips of the dataset, or what all runs were evaluated on, when left out.
    #[arg(long, value_enum)]
    pub split: Option<SplitArg>,
    /// Errors shown with heatmaps, at most.
    #[arg(long, value_name = "N", default_value_t = 9)]
    pub errors: usize,
    /// Heatmap method of their pictures.
    #[arg(long, value_name = "ID", default_value = "grad-cam")]
    pub method: String,
    /// Also time a forward pass of each network on this machine.
    #[arg(long)]
    pub time: bool,
    /// Seed of the bootstrap for intervals.
    #[arg(long, default_value_t = 42)]
    pub seed: u64,
    #[command(flatten)]
    pub classes: ClassMatchArg,
    #[command(flatten)]
    pub json: JsonArg,
}
