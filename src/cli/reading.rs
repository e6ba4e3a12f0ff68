//! How a dataset is read: what `--choose`, `--format`, `--table`, `--columns`, `--unit`, `--relabel`, `--class-order` and
//! `--corrections` say, and what a run remembers.

use super::Exit;
use super::args::ReadingArgs;
use crate::config::{DataConfig, TableColumns};
use crate::data::{FORMATS, NO_CORRECTIONS, is_table};
use crate::domain::{LabelMap, choices, name_text};
use crate::run_folder::RunDir;
use anyhow::anyhow;
use std::path::Path;

impl ReadingArgs {
    /// True where something was said of how its files are read; their corrections may change when a run goes on.
    pub(super) fn is_given(&self) -> bool {
        let mapped = !self.relabel.is_empty() || !self.class_order.is_empty();
        mapped || !self.choices.is_empty() || self.format.is_some() || self.table.is_some()
    }

    /// Puts what was said into the settings for a dataset.
    ///
    /// # Errors
    /// What is no choice, no format, or assigns no columns, as wrong arguments.
    pub(super) fn apply(&self, dataset: &Path, data: &mut DataConfig) -> Result<(), Exit> {
        let usage = |why: String| Exit::Usage(anyhow!(why));
        if let Some(id) = &self.format {
            if !FORMATS.iter().any(|f| f.id == id) {
                let known = choices(id, FORMATS.iter().map(|f| f.id));
                return Err(usage(format!("--format '{id}': there is no such format; the formats are {known}")));
            }
            if data.format.as_ref() != Some(id) {
                forget(data);
            }
            if self.table.is_some() && id != "table" {
                return Err(usage(format!("--format {id} and --table name two formats; leave one of them out")));
            }
            data.format = Some(id.clone());
        }
        if let (Some(file), Some(columns)) = (&self.table, &self.columns) {
            forget(data);
            // A run must find it again, wherever it is started.
            let beside = !dataset.join(file).is_file() && file.is_file();
            let file = if beside { std::path::absolute(file).unwrap_or_else(|_| file.clone()) } else { file.clone() };
            let table = TableColumns::parse(&name_text(file.as_os_str()), columns, self.unit.as_deref());
            data.table = Some(table.map_err(|why| usage(format!("--columns: {why}")))?);
        }
        for choice in &self.choices {
            let Some((key, value)) = choice.split_once('=').filter(|(key, _)| !key.trim().is_empty()) else {
                return Err(usage(format!("--choose '{choice}': write KEY=VALUE, for instance fold=2")));
            };
            data.choices.retain(|(k, _)| k != key.trim());
            data.choices.push((key.trim().to_owned(), value.trim().to_owned()));
        }
        if !self.relabel.is_empty() || !self.class_order.is_empty() {
            let map = LabelMap::parse(&self.relabel, &self.class_order);
            data.label_map = map.map_err(|why| usage(format!("--relabel {why}")))?;
        }
        self.apply_corrections(data);
        Ok(())
    }

    /// Puts in which corrections are laid over its labels.
    pub(super) fn apply_corrections(&self, data: &mut DataConfig) {
        if let Some(said) = &self.corrections {
            // A run must find it again, wherever it is started.
            let whole = || std::path::absolute(said).map_or_else(|_| said.clone(), |p| name_text(p.as_os_str()));
            data.corrections = Some(if said == NO_CORRECTIONS { said.clone() } else { whole() });
        }
    }
}

/// Takes back how a dataset was read.
fn forget(data: &mut DataConfig) {
    (data.choices, data.format, data.table) = (Vec::new(), None, None);
}

/// True where a dataset may be read as a run remembers it; a run is also asked about videos, and files of other formats. `own`
/// is true for the dataset that the run was trained on.
fn is_read_alike(data: &DataConfig, dataset: &Path, own: bool) -> bool {
    match (&data.table, &data.format) {
        // The table itself was what was opened.
        (Some(table), _) if table.file.is_empty() => own || is_table(dataset),
        // A table that lies elsewhere speaks of its own dataset alone.
        (Some(table), _) if Path::new(&table.file).is_absolute() => own,
        (Some(table), _) => dataset.is_dir() && dataset.join(&table.file).is_file(),
        (None, Some(id)) => FORMATS.iter().any(|f| f.id == id && (f.detect)(dataset).is_ok()),
        (None, None) => true,
    }
}

/// True for the dataset that a run was trained on, at its place: corrections of another one are not its own.
fn is_dataset_of(run: &Path, dataset: &Path) -> bool {
    let whole = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    RunDir::open(run).and_then(|r| r.environment()).is_ok_and(|e| whole(&e.dataset_root) == whole(dataset))
}

/// The data settings a run was trained with, so that subjects and names are found the same way, and what was said besides.
/// The run's label map is not among them: it is applied when the run is asked, to whatever classes the dataset has.
///
/// # Errors
/// As [`ReadingArgs::apply`], and a run that does not tell any more.
pub(super) fn data_config_of(run: &Path, dataset: &Path, said: &ReadingArgs) -> Result<DataConfig, Exit> {
    let mut data = RunDir::open(run)?.config_as_known()?.data;
    data.label_map = LabelMap::default();
    let own = is_dataset_of(run, dataset);
    if !own {
        data.corrections = None;
    }
    if !is_read_alike(&data, dataset, own) {
        forget(&mut data);
    }
    said.apply(dataset, &mut data)?;
    Ok(data)
}

/// Has a run remember the format that its choices belong to.
pub(super) fn remember(data: &mut DataConfig, format: &str) {
    if !data.choices.is_empty() && data.format.is_none() && data.table.is_none() {
        data.format = Some(format.to_owned());
    }
}
