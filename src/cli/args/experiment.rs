//! The arguments of `experiment`.

use super::parts::JsonArg;
use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ExperimentArgs {
    /// The plan, a RON file: base configuration, variants, axes, seeds, folds by subject.
    pub plan: PathBuf,
    /// The dataset, instead of the one the plan names.
    #[arg(long, value_name = "DATASET")]
    pub data: Option<PathBuf>,
    /// Folder of the runs and tables; named after the plan when left out. What is trained there is not trained again.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Only show which runs there would be, and which of them are there.
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub json: JsonArg,
}
