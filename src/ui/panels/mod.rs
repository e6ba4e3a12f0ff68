//! The panels and their registry.

mod evaluate_clips;
mod evaluate_report;
mod explorer;
mod inspector;
mod train_config;
mod train_live;
mod train_tracks;

use super::panel::PanelSpec;
use super::state::Workspace;

/// Every panel.
pub const PANELS: &[PanelSpec] = &[
    PanelSpec {
        id: "explorer",
        title: "Explorer",
        workspaces: &[Workspace::Data, Workspace::Review],
        build: || Box::<explorer::Explorer>::default(),
    },
    PanelSpec {
        id: "inspector",
        title: "Inspector",
        workspaces: &[Workspace::Data, Workspace::Review],
        build: || Box::new(inspector::Inspector),
    },
    PanelSpec {
        id: "train-config",
        title: "Configuration",
        workspaces: &[Workspace::Train],
        build: || Box::<train_config::TrainConfig>::default(),
    },
    PanelSpec {
        id: "train-live",
        title: "Dashboard",
        workspaces: &[Workspace::Train],
        build: || Box::<train_live::TrainLive>::default(),
    },
    PanelSpec {
        id: "evaluate-report",
        title: "Report",
        workspaces: &[Workspace::Evaluate],
        build: || Box::<evaluate_report::EvaluateReport>::default(),
    },
    PanelSpec {
        id: "evaluate-clips",
        title: "Clips",
        workspaces: &[Workspace::Evaluate],
        build: || Box::<evaluate_clips::EvaluateClips>::default(),
    },
];

/// A panel by its id.
pub fn find(id: &str) -> Option<&'static PanelSpec> {
    PANELS.iter().find(|p| p.id == id)
}
