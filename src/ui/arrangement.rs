//! What somebody arranged for one dataset or one run: filter, order, choices, a changed preset. It is kept under the
//! folder it was made for, over closing and opening too, and is never carried into another one.

use super::state::{AppState, Filter, VideoTags};
use super::widgets::class_bars::BarSort;
use super::widgets::clip_order::ClipSort;
use super::widgets::matrix::{MatrixMode, MatrixSort};
use crate::config::{DataConfig, PRESETS, RunConfig, TableColumns};
use crate::domain::{Dataset, LabelMap};
use crate::jobs::ClipRef;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Folders whose arrangement is kept, of each kind.
const KEPT: usize = 40;

/// What the table of videos is sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VideoKey {
    /// Its name.
    #[default]
    Name,
    /// Who is in it.
    Subject,
    /// Its part of the dataset.
    Split,
    /// How many frames it has.
    Frames,
    /// Frames a second.
    Fps,
    /// Pixels.
    Size,
    /// How it is compressed.
    Codec,
    /// How many warnings it has.
    Warnings,
}

/// The order of the table of videos.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VideoOrder {
    /// What it is sorted by.
    pub key: VideoKey,
    /// The largest first.
    pub descending: bool,
}

/// A training that is being set up. Configurations are kept as the RON of their files, so that an older one that can no
/// longer be read is dropped and nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Draft {
    /// Name of the preset; empty where the configuration came from a file.
    pub preset: String,
    /// The configuration of that file, as it was read.
    pub base: String,
    /// The configuration as it is now; empty where the preset is not changed.
    pub config: String,
    /// The run folder as typed.
    pub out: String,
}

/// Configuration of a preset; presets are parsed by a test, so the fallback is never seen.
pub fn preset(index: usize) -> RunConfig {
    PRESETS.get(index).and_then(|p| p.config().ok()).unwrap_or_else(RunConfig::reference)
}

impl Draft {
    /// The preset by its position (none for a file), the configuration as it began, and as it is now.
    pub fn configs(&self) -> (Option<usize>, RunConfig, RunConfig) {
        let read = |text: &str| RunConfig::from_ron(text).ok().filter(|_| !text.is_empty());
        let index = PRESETS.iter().position(|p| p.name == self.preset);
        let (index, base) = match (index, read(&self.base)) {
            (None, Some(base)) => (None, base),
            (index, _) => (Some(index.unwrap_or(0)), preset(index.unwrap_or(0))),
        };
        let config = read(&self.config).unwrap_or_else(|| base.clone());
        (index, base, config)
    }

    /// The configuration as it is now.
    pub fn config(&self) -> RunConfig {
        self.configs().2
    }
}

/// How the files of a dataset are read where they leave it open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Reading {
    /// The format, where somebody chose it.
    pub format: Option<String>,
    /// Key and value.
    pub choices: Vec<(String, String)>,
    /// The columns of a table.
    pub table: Option<TableColumns>,
    /// What becomes of its classes.
    pub label_map: LabelMap,
    /// The file of corrections, or none of them; `None` takes the one beside it.
    pub corrections: Option<String>,
}

impl Reading {
    /// That of a configuration.
    pub fn of(data: &DataConfig) -> Self {
        Self {
            format: data.format.clone(),
            choices: data.choices.clone(),
            table: data.table.clone(),
            label_map: data.label_map.clone(),
            corrections: data.corrections.clone(),
        }
    }

    /// The configuration of a training on a dataset that was read like this. The run remembers how the files were read, so
    /// that they are read the same way whenever it is used.
    pub fn training(&self, dataset: &Dataset, config: RunConfig) -> RunConfig {
        let data = DataConfig { label_map: dataset.label_map(), ..self.clone().into_config(config.data) };
        RunConfig { data, ..config }
    }

    /// Puts it into a configuration.
    pub fn into_config(self, data: DataConfig) -> DataConfig {
        let Self { format, choices, table, label_map, corrections } = self;
        DataConfig { format, choices, table, label_map, corrections, ..data }
    }
}

/// What belongs to a dataset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DatasetArrangement {
    /// What it is narrowed to.
    pub filter: Filter,
    /// The order of its videos.
    pub order: VideoOrder,
    /// Name of the video looked at.
    pub video: Option<String>,
    /// Its frame.
    pub frame: u32,
    /// The clip somebody chose.
    pub clip: Option<ClipRef>,
    /// Name of the class somebody chose.
    pub class: Option<String>,
    /// The training set up for it.
    pub draft: Draft,
    /// How its files are read.
    pub reading: Reading,
    /// Tags of its videos.
    pub tags: VideoTags,
}

impl DatasetArrangement {
    /// That of the open dataset.
    pub fn of(state: &AppState) -> Self {
        let selection = &state.selection;
        Self {
            filter: state.filter.clone(),
            order: state.order,
            video: selection.video.clone(),
            frame: selection.frame,
            clip: selection.clip.clone(),
            class: selection.class.map(|c| state.classes().name(c).to_owned()),
            draft: state.draft.clone(),
            reading: state.reading.clone(),
            tags: VideoTags::clone(&state.video_tags),
        }
    }
}

/// What belongs to a run: how its results are looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunArrangement {
    /// Shades and numbers of the confusion matrix.
    pub mode: MatrixMode,
    /// Order of its rows and columns.
    pub matrix: MatrixSort,
    /// Order of the classes' bars.
    pub bars: BarSort,
    /// The largest of them first.
    pub bars_descending: bool,
    /// Order of the clips.
    pub clips: ClipSort,
    /// Of a row or column only the wrong ones.
    pub wrong_only: bool,
    /// Only clips with this tag.
    pub tag: Option<String>,
}

/// What is kept, by folder, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Arrangements {
    datasets: Vec<(PathBuf, DatasetArrangement)>,
    runs: Vec<(PathBuf, RunArrangement)>,
}

fn find<'a, T>(list: &'a [(PathBuf, T)], folder: &Path) -> Option<&'a T> {
    list.iter().find(|(path, _)| path == folder).map(|(_, kept)| kept)
}

fn keep<T>(list: &mut Vec<(PathBuf, T)>, folder: &Path, kept: T) {
    list.retain(|(path, _)| path != folder);
    list.insert(0, (folder.to_path_buf(), kept));
    list.truncate(KEPT);
}

impl Arrangements {
    /// That of the dataset with this root.
    pub fn dataset(&self, root: &Path) -> Option<&DatasetArrangement> {
        find(&self.datasets, root)
    }

    /// Keeps that of a dataset.
    pub fn keep_dataset(&mut self, root: &Path, arrangement: DatasetArrangement) {
        keep(&mut self.datasets, root, arrangement);
    }

    /// That of the run in this folder.
    pub fn run(&self, folder: &Path) -> Option<&RunArrangement> {
        find(&self.runs, folder)
    }

    /// Keeps that of a run.
    pub fn keep_run(&mut self, folder: &Path, arrangement: RunArrangement) {
        keep(&mut self.runs, folder, arrangement);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_has_its_own_and_the_oldest_goes() {
        let mut all = Arrangements::default();
        for i in 0..KEPT + 5 {
            let filter = Filter { text: format!("f{i}") };
            all.keep_dataset(Path::new(&format!("/d{i}")), DatasetArrangement { filter, ..Default::default() });
        }
        assert!(all.dataset(Path::new("/d4")).is_none());
        assert_eq!(all.dataset(Path::new("/d5")).map(|d| d.filter.text.as_str()), Some("f5"));
        all.keep_run(Path::new("/d5"), RunArrangement { wrong_only: true, ..Default::default() });
        assert_eq!(all.dataset(Path::new("/d5")).map(|d| d.filter.text.as_str()), Some("f5"), "a run is no dataset");
        let again: Arrangements = ron::from_str(&ron::to_string(&all).unwrap()).unwrap();
        assert_eq!(again, all);
    }
}
