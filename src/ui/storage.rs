//! What is kept between sessions: theme, layout, recent items, and where one was.

use super::arrangement::{Arrangements, DatasetArrangement};
use super::layout::SavedLayout;
use super::selection::Selection;
use super::state::{AppState, Filter, FirstTask, KeptExperiment, Recent, ThemeChoice, ViewSettings, Workspace};
use crate::domain::ClassMatch;
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
    /// How large everything is drawn, as a factor on what the screen asks for; 0 in sessions that do not tell.
    pub scale: f32,
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
    /// What the dataset was narrowed to: read from older sessions only.
    #[serde(skip_serializing)]
    pub filter: Filter,
    /// How classes of datasets become those of runs, by run folder and root of the dataset.
    pub class_matches: Vec<((PathBuf, PathBuf), ClassMatch)>,
    /// What was arranged for datasets and runs.
    pub arrangements: Arrangements,
    /// The task of a first session.
    pub first_task: FirstTask,
    /// Where the panels are.
    pub layout: SavedLayout,
    /// The experiment that was under way.
    pub experiment: Option<KeptExperiment>,
}

/// Folders of the open runs, oldest first, the one in training among them: it can be gone on with.
fn runs(state: &AppState) -> Vec<PathBuf> {
    let mut runs: Vec<PathBuf> = state.runs.iter().rev().map(|r| r.path.clone()).collect();
    if let Some((live, _)) = state.live_training()
        && !runs.contains(&live.run.path)
    {
        runs.push(live.run.path.clone());
    }
    runs
}

/// What was arranged for every folder, the open dataset among them.
fn arrangements(state: &AppState) -> Arrangements {
    let mut all = state.arrangements.clone();
    if let Some(dataset) = &state.dataset {
        all.keep_dataset(&dataset.root, DatasetArrangement::of(state));
    }
    all
}

impl Session {
    /// What there is to keep.
    pub fn of(state: &AppState, layout: SavedLayout) -> Self {
        Self {
            theme: state.theme,
            scale: state.scale,
            workspace: state.workspace,
            view: state.view.clone(),
            recent: state.recent.clone(),
            dataset: state.dataset.as_ref().map(|d| d.root.clone()),
            runs: runs(state),
            selection: state.selection.clone(),
            filter: Filter::default(),
            class_matches: state.class_matches.iter().map(|(k, v)| (k.clone(), v.clone())).collect(),
            arrangements: arrangements(state),
            first_task: state.leading.first_task,
            experiment: state.experiment.as_ref().map(|e| e.kept.clone()),
            layout,
        }
    }

    /// Reads the last session; an unreadable one is the same as none.
    pub fn load(storage: Option<&dyn eframe::Storage>) -> Self {
        let read = storage.and_then(|s| s.get_string(KEY)).and_then(|text| ron::from_str::<Self>(&text).ok());
        let mut session = read.unwrap_or_default();
        // Older sessions know the filter and the choices of the dataset that was open only.
        if let Some(root) = &session.dataset
            && session.arrangements.dataset(root).is_none()
        {
            let (filter, chosen) = (session.filter.clone(), &session.selection);
            let (video, frame, clip) = (chosen.video.clone(), chosen.frame, chosen.clip.clone());
            let arrangement = DatasetArrangement { filter, video, frame, clip, ..DatasetArrangement::default() };
            session.arrangements.keep_dataset(root, arrangement);
        }
        session
    }

    /// Writes this session.
    pub fn store(&self, storage: &mut dyn eframe::Storage) {
        match ron::to_string(self) {
            Ok(text) => storage.set_string(KEY, text),
            Err(error) => log::error!("the session cannot be saved: {error}"),
        }
    }
}
