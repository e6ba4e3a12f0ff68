//! What is kept between sessions: theme, layout, recent items, and where one was.

use super::layout::SavedLayout;
use super::selection::Selection;
use super::state::{AppState, Filter, Recent, ThemeChoice, ViewSettings, Workspace};
use crate::eval::ClassMatch;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Key in eframe's storage. Raise the number when an older form can no longer be read.
const KEY: &str = "kinolens.session.1";

/// Everything kept between sessions.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Session {
    /// Light or dark.
    pub theme: ThemeChoice,
    /// The workspace shown.
    pub workspace: Workspace,
    /// How things are drawn.
    pub view: ViewSettings,
    /// What can be opened again.
    pub recent: Vec<Recent>,
    /// Root of the dataset that was open.
    pub dataset: Option<PathBuf>,
    /// Folders of the runs that were open.
    pub runs: Vec<PathBuf>,
    /// What was chosen.
    pub selection: Selection,
    /// What the dataset was narrowed to.
    pub filter: Filter,
    /// How classes of datasets become those of runs, by run folder and root of the dataset.
    pub class_matches: Vec<((PathBuf, PathBuf), ClassMatch)>,
    /// Where the panels are.
    pub layout: SavedLayout,
}

/// Folders of the open runs, oldest first, the one in training among them: it can be gone on with.
fn runs(state: &AppState) -> Vec<PathBuf> {
    let mut runs: Vec<PathBuf> = state.runs.iter().rev().map(|r| r.path.clone()).collect();
    if let Some((live, _)) = state.live_training()
        && !runs.contains(&live.out)
    {
        runs.push(live.out.clone());
    }
    runs
}

impl Session {
    /// What there is to keep.
    pub fn of(state: &AppState, layout: SavedLayout) -> Self {
        Self {
            theme: state.theme,
            workspace: state.workspace,
            view: state.view.clone(),
            recent: state.recent.clone(),
            dataset: state.dataset.as_ref().map(|d| d.root.clone()),
            runs: runs(state),
            selection: state.pending_selection.clone().unwrap_or_else(|| state.selection.clone()),
            filter: state.filter.clone(),
            class_matches: state.class_matches.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            layout,
        }
    }

    /// Reads the last session; an unreadable one is the same as none.
    pub fn load(storage: Option<&dyn eframe::Storage>) -> Self {
        storage.and_then(|s| s.get_string(KEY)).and_then(|text| ron::from_str(&text).ok()).unwrap_or_default()
    }

    /// Writes this session.
    pub fn store(&self, storage: &mut dyn eframe::Storage) {
        match ron::to_string(self) {
            Ok(text) => storage.set_string(KEY, text),
            Err(error) => log::error!("the session cannot be saved: {error}"),
        }
    }
}
