//! Arguments that several commands take.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

#[derive(Clone, Copy, Debug, Default, Args)]
pub struct JsonArg {
    /// Print one JSON document on standard output (train: one object a line).
    #[arg(long)]
    pub json: bool,
}

/// Where files go, and whether they may replace others.
#[derive(Clone, Debug, Default, Args)]
pub struct OutArgs {
    /// Write files to this folder.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Replace files of an earlier run of this command.
    #[arg(long)]
    pub force: bool,
}

/// What has been trained.
#[derive(Clone, Debug, Args)]
pub struct RunArg {
    /// Run folder or checkpoint.
    #[arg(value_name = "RUN")]
    pub path: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SplitArg {
    Train,
    Val,
    Test,
    All,
}

#[derive(Debug, Args)]
pub struct ClassMatchArg {
    /// Which class of the run a class of the dataset is (repeatable), where their names differ; `numbers` matches them by
    /// number, `none` takes the videos as unlabelled.
    #[arg(long, value_name = "DATASET=RUN|numbers|none")]
    pub map_classes: Vec<String>,
}
