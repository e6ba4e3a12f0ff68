//! Lists of runs and of their checkpoints to choose from, the same in Evaluate and in Review.

use crate::domain::leaf;
use crate::jobs::{Identity, RunView};
use crate::run_folder::CheckpointInfo;
use crate::ui::AppState;
use egui::Ui;
use std::path::{Path, PathBuf};

/// The runs that are open. Gives the one that was clicked.
pub fn runs(ui: &mut Ui, state: &AppState, chosen: Option<&Path>) -> Option<PathBuf> {
    let mut picked = None;
    for run in &state.runs {
        let on = chosen == Some(run.path.as_path());
        let foreign = if state.is_foreign(run) { " (other classes)" } else { "" };
        let row = ui.selectable_label(on, format!("{}{foreign}", leaf(&run.path)));
        if row.on_hover_text(run.path.display().to_string()).clicked() {
            picked = Some(run.path.clone());
        }
    }
    if state.runs.is_empty() {
        ui.weak("No run is open.");
    }
    picked
}

/// The checkpoints of a run. Gives the one that was clicked.
pub fn checkpoints(ui: &mut Ui, run: &RunView, chosen: Option<&str>) -> Option<String> {
    let mut picked = None;
    for checkpoint in &run.checkpoints {
        let row = ui.selectable_label(chosen == Some(checkpoint.name.as_str()), title(run, checkpoint));
        let default = run.default_checkpoint() == Some(&checkpoint.name);
        let row = if default { row.on_hover_text("The default checkpoint: taken where none is chosen") } else { row };
        if row.clicked() {
            picked = Some(checkpoint.name.clone());
        }
    }
    if run.checkpoints.is_empty() {
        ui.weak("This run has no checkpoint yet.");
    }
    picked
}

/// `last, epoch 12 (default)`.
pub fn title(run: &RunView, checkpoint: &CheckpointInfo) -> String {
    let default = if run.default_checkpoint() == Some(&checkpoint.name) { " (default)" } else { "" };
    format!("{}{default}", weights(run, &checkpoint.name))
}

/// `last, epoch 12`.
pub fn weights(run: &RunView, checkpoint: &str) -> String {
    Identity::weights(&run.identity(checkpoint))
}
