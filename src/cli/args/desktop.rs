//! Arguments of `desktop-entry` and `packaging`.

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct DesktopEntryArgs {
    /// Write entry and icons to the folders of this user; without it the entry is only shown.
    #[arg(long)]
    pub install: bool,
    /// Remove them.
    #[arg(long, conflicts_with = "install")]
    pub remove: bool,
}

#[derive(Debug, Args)]
pub struct PackagingArgs {
    /// Folder to write to.
    pub dir: PathBuf,
}
