//! Where results go: nothing that is there is replaced unless the user says so.

use super::Exit;
use super::args::OutArgs;
use anyhow::anyhow;
use std::path::Path;

/// Refuses an `--out` that already holds a file this command would write, unless `--force` is given.
///
/// `writes` tells by its name whether an entry of the folder is one of them.
pub(super) fn refuse_overwrite(to: &OutArgs, writes: impl Fn(&str) -> bool) -> Result<(), Exit> {
    let Some(out) = &to.out else { return Ok(()) };
    if out.is_file() {
        return Err(Exit::Usage(anyhow!("--out {} is a file; name a folder", out.display())));
    }
    if to.force {
        return Ok(());
    }
    // A folder that does not exist yet holds nothing; one that cannot be read will say so when it is written to.
    let Ok(entries) = std::fs::read_dir(out) else { return Ok(()) };
    let mut names: Vec<String> = entries.flatten().filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    match names.iter().find(|name| writes(name)) {
        Some(name) => Err(Exit::Usage(anyhow!(
            "{} already holds {name}; use --force to replace it, or another --out",
            out.display()
        ))),
        None => Ok(()),
    }
}

/// Refuses a file that is there, unless `--force` is given, and a folder in its place.
pub(super) fn refuse_file(file: &Path, force: bool) -> Result<(), Exit> {
    let shown = file.display();
    if file.is_dir() {
        return Err(Exit::Usage(anyhow!("{shown} is a folder; name a file")));
    }
    if file.exists() && !force {
        return Err(Exit::Usage(anyhow!("{shown} exists already; use --force to replace it")));
    }
    Ok(())
}

/// True for the tables and pictures of `inspect` and `plot`.
pub(super) fn is_table_or_plot(name: &str) -> bool {
    let extension = Path::new(name).extension().and_then(|e| e.to_str());
    extension.is_some_and(|e| ["csv", "png", "svg"].contains(&e))
}
