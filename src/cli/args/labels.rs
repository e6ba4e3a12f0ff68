//! Arguments of exporting labels.

use super::ReadingArgs;
use super::parts::{ClassMatchArg, JsonArg, OutArgs, SplitArg};
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ExportLabelsArgs {
    /// Dataset folder.
    pub dataset: PathBuf,
    /// The tool: fiftyone, coco or cvat.
    #[arg(long, value_name = "TOOL")]
    pub to: String,
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Videos of this part of the dataset.
    #[arg(long, value_enum, default_value = "all")]
    pub split: SplitArg,
    /// Also what this run or checkpoint says about each clip, as it was evaluated on this part, or evaluated now.
    #[arg(long, value_name = "RUN")]
    pub predictions: Option<PathBuf>,
    #[command(flatten)]
    pub classes: ClassMatchArg,
    #[command(flatten)]
    pub to_folder: OutArgs,
    #[command(flatten)]
    pub json: JsonArg,
}
